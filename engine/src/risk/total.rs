//! `total_risk`: all open positions together may lose at most a share of equity.

use super::{Ask, result};
use crate::event::{Rule, RuleResult};
use crate::units::{Money, Quantity};

pub(super) fn assess(ask: &Ask<'_>, quantity: Quantity) -> Option<RuleResult> {
    let limit = ask.equity.times(ask.settings.max_total).max(Money::ZERO);
    let cost = |quantity| ask.others.open_risk + ask.risk_kept() + ask.risk_of(quantity);
    // What is open may have grown past the limit by itself; only what would add to it is refused.
    let granted = if quantity == Quantity::ZERO { quantity } else { ask.most_within(quantity, limit, cost) };
    Some(result(Rule::TotalRisk, quantity, granted, limit, cost))
}
