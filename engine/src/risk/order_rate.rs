//! `order_rate`: only so many orders and replacements in a time. What is over is not sent later.

use super::{Ask, count, gate};
use crate::event::{Rule, RuleResult};
use crate::units::Quantity;

pub(super) fn assess(ask: &Ask<'_>, quantity: Quantity) -> Option<RuleResult> {
    let limit = ask.controls().max_order_rate?;
    let sent = ask.watch.sent.as_ref()?.count(ask.now);
    Some(gate(
        Rule::OrderRate,
        quantity,
        sent < limit.count,
        count(limit.count),
        count(sent.saturating_add(1)),
    ))
}
