//! `position_limit`: no position in one instrument is worth more than this.

use super::{Ask, result};
use crate::event::{Rule, RuleResult};
use crate::units::Quantity;

pub(super) fn assess(ask: &Ask<'_>, quantity: Quantity) -> Option<RuleResult> {
    let limit = ask.controls().max_position?;
    let cost = |quantity| ask.position_with(quantity);
    let granted = ask.most_within_or_nearer(quantity, limit, cost);
    Some(result(Rule::PositionLimit, quantity, granted, limit, cost))
}
