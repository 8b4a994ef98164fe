//! `kelly`: sizing. A position is worth a share of what J. Kelly's rule ("A New Interpretation of Information Rate",
//! 1956) makes of the forecast, equity × μ / σ² in the continuous case, and no more: μ and σ are those of the forecast
//! return. Without a forecast, or with one against the order, nothing is opened.

use super::{Ask, result, unknown};
use crate::event::{Rule, RuleResult};
use crate::units::{Money, Quantity};

pub(super) fn assess(ask: &Ask<'_>, quantity: Quantity) -> Option<RuleResult> {
    let share = ask.controls().kelly?;
    let Some(forecast) = ask.request.forecast else {
        return Some(unknown(Rule::Kelly, quantity, Money::ZERO));
    };
    let (edge, deviation) = (forecast.mean() * ask.side.sign() as f64, forecast.deviation());
    let equity = ask.equity.times(share).max(Money::ZERO);
    let favourable = edge > 0.0 && deviation > 0.0 && equity > Money::ZERO;
    // A variance too small for a float is none, and what that is worth is the largest amount there is.
    let worth = if favourable { equity.as_f64() * (edge / (deviation * deviation)) } else { 0.0 };
    let limit = Money::from_f64(worth).min(Money::MAX);
    let cost = |quantity| ask.position_with(quantity);
    let granted = ask.most_within_or_nearer(quantity, limit, cost);
    Some(result(Rule::Kelly, quantity, granted, limit, cost))
}
