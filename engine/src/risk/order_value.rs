//! `order_value`: an order that is worth more than this opens nothing: a mistake is not made smaller.

use super::{Ask, gate};
use crate::event::{Rule, RuleResult};
use crate::units::Quantity;

pub(super) fn assess(ask: &Ask<'_>, quantity: Quantity) -> Option<RuleResult> {
    let limit = ask.controls().max_order_value?;
    let value = ask.value_of(ask.whole_order());
    Some(gate(Rule::OrderValue, quantity, value <= limit, limit, value))
}
