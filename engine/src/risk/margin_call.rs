//! `margin_call`: while the account is called for margin nothing is opened. The limit is the equity that there is, what
//! is asked for the equity that would be needed.

use super::{Ask, gate};
use crate::event::{Rule, RuleResult};
use crate::units::Quantity;

pub(super) fn assess(ask: &Ask<'_>, quantity: Quantity) -> Option<RuleResult> {
    let needed = ask.request.margin_lacking?;
    Some(gate(Rule::MarginCall, quantity, false, ask.equity, needed))
}
