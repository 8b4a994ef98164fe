//! `price_collar`: a limit that gives away more than a share of the price is a mistake, and the whole order is refused.
//! It is held against the middle of the quote, else the last price; a stop-limit's against its trigger. The numbers are
//! prices.

use super::Refusal;
use crate::event::{Rule, RuleResult, Side};
use crate::units::Price;

pub(super) fn assess(refusal: &Refusal<'_>) -> Option<RuleResult> {
    let share = refusal.controls.price_collar?;
    let limit = refusal.request.kind.limit()?;
    let fair = refusal.request.kind.trigger().or_else(|| refusal.market.middle())?;
    let away = Price(fair.0.abs()).share(share).0;
    let (worst, good) = match refusal.request.side {
        Side::Buy => (fair.0.saturating_add(away), limit.0 <= fair.0.saturating_add(away)),
        Side::Sell => (fair.0.saturating_sub(away), limit.0 >= fair.0.saturating_sub(away)),
    };
    Some(refusal.result(Rule::PriceCollar, good, Price(worst), limit))
}
