//! `per_trade_risk`: one trade may lose at most a share of equity, over the risk distance.

use super::{Ask, result};
use crate::event::{Rule, RuleResult};
use crate::units::{Money, Quantity};

pub(super) fn assess(ask: &Ask<'_>, quantity: Quantity) -> Option<RuleResult> {
    let limit = ask.equity.times(ask.settings.max_per_trade).max(Money::ZERO);
    // A distance that is not known yet bounds nothing: then nothing is opened.
    let granted = match ask.distance_known {
        true => ask.most_within(quantity, limit, |quantity| ask.risk_of(quantity)),
        false => Quantity::ZERO,
    };
    Some(result(Rule::PerTradeRisk, quantity, granted, limit, |quantity| ask.risk_of(quantity)))
}
