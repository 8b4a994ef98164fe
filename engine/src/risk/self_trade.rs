//! `self_trade`: an order must not meet one of our own that rests on the other side. The whole order is refused: it is
//! the meeting that is wrong. The numbers are prices.

use super::Refusal;
use crate::event::{OrderKind, Rule, RuleResult, Side};

pub(super) fn assess(refusal: &Refusal<'_>) -> Option<RuleResult> {
    if !refusal.controls.prevent_self_trade {
        return None;
    }
    let request = refusal.request;
    // What waits for a trigger meets nothing yet, and what a triggered stop meets is not ours to know beforehand.
    let own = match request.kind {
        OrderKind::Market => refusal.market.price_to_trade(request.side),
        kind @ OrderKind::Limit { .. } => kind.limit(),
        _ => None,
    }?;
    let resting = refusal.orders.working().filter(|(_, order)| {
        order.instrument == request.instrument && order.side != request.side && !order.kind.is_stop()
    });
    let prices = resting.filter_map(|(_, order)| order.kind.limit());
    let nearest = match request.side {
        Side::Buy => prices.min(),
        Side::Sell => prices.max(),
    };
    let nearest = nearest?;
    let meets = match request.side {
        Side::Buy => own >= nearest,
        Side::Sell => own <= nearest,
    };
    Some(refusal.result(Rule::SelfTrade, !meets, nearest, own))
}
