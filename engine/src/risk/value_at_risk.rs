//! `value_at_risk`: over the horizon and at the confidence, all positions together lose no more than a share of equity.
//! Parametric, as RiskMetrics: `z · √(x'Σx · horizon)` with the EWMA covariance Σ between samples.

use super::{Ask, result};
use crate::event::{Rule, RuleResult};
use crate::units::{Money, Quantity};

pub(super) fn assess(ask: &Ask<'_>, quantity: Quantity) -> Option<RuleResult> {
    let share = ask.controls().max_var?;
    Some(budget(ask, quantity, Rule::ValueAtRisk, ask.equity.times(share), ask.tail.quantile))
}

/// A budget for so many standard deviations of what all positions together win or lose.
pub(super) fn budget(ask: &Ask<'_>, quantity: Quantity, rule: Rule, limit: Money, times: f64) -> RuleResult {
    let limit = limit.max(Money::ZERO);
    let Some(spread) = ask.others.varied else {
        return super::unknown(rule, quantity, limit);
    };
    let times = times * f64::from(ask.controls().measure.horizon).sqrt();
    let cost = |quantity| Money::from_f64(spread.of(ask.net_with(quantity)) * times);
    let granted = ask.most_within_or_nearer(quantity, limit, cost);
    result(rule, quantity, granted, limit, cost)
}
