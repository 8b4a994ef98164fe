//! `correlated_exposure`: √(Σᵢ Σⱼ ρᵢⱼ xᵢ xⱼ) of all positions' values x is no more than so many times equity. Positions
//! that move as one are added; what offsets is taken off; what is unrelated adds as squares do.

use super::{Ask, result};
use crate::event::{Rule, RuleResult};
use crate::units::{Money, Quantity};

pub(super) fn assess(ask: &Ask<'_>, quantity: Quantity) -> Option<RuleResult> {
    let limit = ask.equity.times(ask.controls().max_correlated?).max(Money::ZERO);
    let Some(spread) = ask.others.correlated else {
        return Some(super::unknown(Rule::CorrelatedExposure, quantity, limit));
    };
    let cost = |quantity| spread.with(ask.net_with(quantity));
    let granted = ask.most_within_or_nearer(quantity, limit, cost);
    Some(result(Rule::CorrelatedExposure, quantity, granted, limit, cost))
}
