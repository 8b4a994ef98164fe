//! `leverage`: all positions together, long and short added, are worth no more than so many times equity.

use super::{Ask, result};
use crate::event::{Rule, RuleResult};
use crate::units::{Money, Quantity};

pub(super) fn assess(ask: &Ask<'_>, quantity: Quantity) -> Option<RuleResult> {
    let limit = ask.equity.times(ask.controls().max_leverage?).max(Money::ZERO);
    let cost = |quantity| ask.others.gross + ask.position_with(quantity);
    let granted = ask.most_within_or_nearer(quantity, limit, cost);
    Some(result(Rule::Leverage, quantity, granted, limit, cost))
}
