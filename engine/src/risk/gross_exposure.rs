//! `gross_exposure`: all positions together, long and short added, are worth no more than this.

use super::{Ask, result};
use crate::event::{Rule, RuleResult};
use crate::units::Quantity;

pub(super) fn assess(ask: &Ask<'_>, quantity: Quantity) -> Option<RuleResult> {
    let limit = ask.controls().max_gross_exposure?;
    let cost = |quantity| ask.others.gross + ask.position_with(quantity);
    let granted = ask.most_within_or_nearer(quantity, limit, cost);
    Some(result(Rule::GrossExposure, quantity, granted, limit, cost))
}
