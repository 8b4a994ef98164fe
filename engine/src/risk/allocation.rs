//! `allocation`: a position is worth the share of capital that its instrument gets, and no more. The shares are worked
//! out anew at every sample of the prices, by how the instruments move.

use super::{Ask, result, unknown};
use crate::event::{Rule, RuleResult};
use crate::units::{Money, Quantity, Ratio};

pub(super) fn assess(ask: &Ask<'_>, quantity: Quantity) -> Option<RuleResult> {
    ask.controls().allocation?;
    let shared = ask.equity.times(ask.controls().allocated.unwrap_or(Ratio::ONE)).max(Money::ZERO);
    let Some(weight) = ask.watch.weight(ask.index) else {
        return Some(unknown(Rule::Allocation, quantity, Money::ZERO));
    };
    let limit = Money::from_f64(shared.as_f64() * weight);
    let cost = |quantity| ask.position_with(quantity);
    let granted = ask.most_within_or_nearer(quantity, limit, cost);
    Some(result(Rule::Allocation, quantity, granted, limit, cost))
}
