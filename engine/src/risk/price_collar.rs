//! `price_collar`: a limit that gives away more than a share of the price is a mistake, and the whole order is refused.
//! It is held against the middle of the quote, else the last price; a stop-limit's against its trigger. The numbers are
//! prices.

use super::Refusal;
use crate::event::{Rule, RuleResult, Side};
use crate::units::{Price, Ratio, div_half_even};

pub(super) fn assess(refusal: &Refusal<'_>) -> Option<RuleResult> {
    let share = refusal.controls.price_collar?;
    let limit = refusal.request.kind.limit()?;
    let fair = refusal.request.kind.trigger().or_else(|| refusal.market.middle())?;
    let away = div_half_even(i128::from(fair.0.abs()) * i128::from(share.0), i128::from(Ratio::ONE.0));
    let away = away.min(i128::from(crate::units::FIXED_MAX)) as i64;
    let (worst, good) = match refusal.request.side {
        Side::Buy => (fair.0.saturating_add(away), limit.0 <= fair.0.saturating_add(away)),
        Side::Sell => (fair.0.saturating_sub(away), limit.0 >= fair.0.saturating_sub(away)),
    };
    Some(refusal.result(Rule::PriceCollar, good, Price(worst), limit))
}
