//! `duplicate_order`: the same order again within a time is a mistake: instrument, side, kind, prices and quantity.

use super::{Ask, count, gate};
use crate::event::{Rule, RuleResult};
use crate::units::Quantity;

pub(super) fn assess(ask: &Ask<'_>, quantity: Quantity) -> Option<RuleResult> {
    let within = ask.controls().duplicate_within?;
    let same = ask.watch.same(&ask.sent(), within, ask.now);
    Some(gate(Rule::DuplicateOrder, quantity, same == 0, count(1), count(same.saturating_add(1))))
}
