//! `volatility_target`: sizing. A position's standard deviation over the horizon is a share of equity, and no more: the
//! calmer the market, the larger the position.

use super::{Ask, result, unknown};
use crate::event::{Rule, RuleResult};
use crate::units::{Money, Quantity};

pub(super) fn assess(ask: &Ask<'_>, quantity: Quantity) -> Option<RuleResult> {
    let limit = ask.equity.times(ask.controls().volatility_target?).max(Money::ZERO);
    let Some(covariance) = ask.watch.covariance(ask.index) else {
        return Some(unknown(Rule::VolatilityTarget, quantity, limit));
    };
    let deviation = covariance.volatility(ask.index) * f64::from(ask.controls().measure.horizon).sqrt();
    let cost = |quantity| Money::from_f64(ask.position_with(quantity).as_f64() * deviation);
    let granted = ask.most_within_or_nearer(quantity, limit, cost);
    Some(result(Rule::VolatilityTarget, quantity, granted, limit, cost))
}
