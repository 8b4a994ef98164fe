//! `confidence`: sizing. A position is the share of what is asked for that the forecast is sure of, p / (1 + D / σ),
//! and no more: p is the probability of the action, D the ensemble's disagreement, σ the volatility that it expects.
//! Without a forecast nothing is opened.

use super::{Ask, result};
use crate::event::{Forecast, Rule, RuleResult};
use crate::units::{Quantity, SCALE};

pub(super) fn assess(ask: &Ask<'_>, quantity: Quantity) -> Option<RuleResult> {
    if !ask.controls().confidence_weighted {
        return None;
    }
    let confidence = ask.request.forecast.map_or(0.0, |forecast: Forecast| forecast.confidence());
    // Of the whole position, so that asking for the same again opens nothing more.
    let (kept, most) = (ask.kept.abs(), i128::from(ask.kept.0.abs()) + i128::from(ask.opening.0));
    let sure = most * (confidence * SCALE as f64) as i128 / i128::from(SCALE);
    let sure = Quantity(i64::try_from(sure).unwrap_or(i64::MAX));
    let granted = Quantity((sure - kept).0.clamp(0, quantity.0)).round_down_to(ask.instrument.lot);
    let cost = |quantity| ask.position_with(quantity);
    Some(result(Rule::Confidence, quantity, granted, ask.value_of(sure), cost))
}
