//! `margin_limit`: initial margins, or cash paid, tie up no more than a share of equity.

use super::{Ask, result};
use crate::event::{Rule, RuleResult};
use crate::units::{Money, Quantity};

pub(super) fn assess(ask: &Ask<'_>, quantity: Quantity) -> Option<RuleResult> {
    let limit = ask.equity.times(ask.controls().max_margin?).max(Money::ZERO);
    let cost = |quantity| ask.tied_up_with(quantity);
    let granted = ask.most_within_or_nearer(quantity, limit, cost);
    Some(result(Rule::MarginLimit, quantity, granted, limit, cost))
}
