//! `hard_drawdown`: beyond this fall from its highest equity the account opens nothing. The engine closes what is open
//! and halts when the fall is reached; this holds for whatever is still decided at that very event.

use super::{Ask, gate};
use crate::event::{Rule, RuleResult};
use crate::units::Quantity;

pub(super) fn assess(ask: &Ask<'_>, quantity: Quantity) -> Option<RuleResult> {
    let share = ask.controls().hard_drawdown?;
    let mark = ask.watch.mark.as_ref()?;
    let (limit, fall) = (mark.peak.times(share), mark.peak - ask.equity);
    Some(gate(Rule::HardDrawdown, quantity, fall < limit, limit, fall))
}
