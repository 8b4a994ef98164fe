//! `minimum_position`: no position is opened that is too small to be worth its costs.

use super::{Ask, result};
use crate::event::{Rule, RuleResult};
use crate::units::Quantity;

pub(super) fn assess(ask: &Ask<'_>, quantity: Quantity) -> Option<RuleResult> {
    let limit = ask.settings.min_position;
    let value = |quantity| match ask.hedges() {
        // What opens is a position of its own.
        true => ask.value_of(ask.request.beside + quantity),
        false => ask.value_of(ask.kept) + ask.value_of(quantity),
    };
    let granted = if value(quantity) >= limit { quantity } else { Quantity::ZERO };
    Some(result(Rule::MinimumPosition, quantity, granted, limit, value))
}
