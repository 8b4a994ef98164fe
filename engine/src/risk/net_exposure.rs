//! `net_exposure`: long positions less short ones are worth no more than this, either way.

use super::{Ask, result};
use crate::event::{Rule, RuleResult};
use crate::units::Quantity;

pub(super) fn assess(ask: &Ask<'_>, quantity: Quantity) -> Option<RuleResult> {
    let limit = ask.controls().max_net_exposure?;
    // The others' working orders may fill or not: the worse of both ends counts.
    let [lowest, highest] = ask.others.net;
    let cost = |quantity| {
        let own = ask.signed_with(quantity);
        (lowest + own).abs().max((highest + own).abs())
    };
    let granted = ask.most_within_or_nearer(quantity, limit, cost);
    Some(result(Rule::NetExposure, quantity, granted, limit, cost))
}
