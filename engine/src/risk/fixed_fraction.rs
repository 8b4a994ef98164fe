//! `fixed_fraction`: sizing. A position is worth a share of equity, and no more.

use super::{Ask, result};
use crate::event::{Rule, RuleResult};
use crate::units::{Money, Quantity};

pub(super) fn assess(ask: &Ask<'_>, quantity: Quantity) -> Option<RuleResult> {
    let limit = ask.equity.times(ask.controls().fixed_fraction?).max(Money::ZERO);
    let cost = |quantity| ask.position_with(quantity);
    let granted = ask.most_within_or_nearer(quantity, limit, cost);
    Some(result(Rule::FixedFraction, quantity, granted, limit, cost))
}
