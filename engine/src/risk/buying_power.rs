//! `buying_power`: the account must be able to carry the position: by initial margin, or by cash paid in full.

use super::{Ask, result};
use crate::event::{Rule, RuleResult, Side};
use crate::settings::AccountKind;
use crate::units::{Money, Quantity};

pub(super) fn assess(ask: &Ask<'_>, quantity: Quantity) -> Option<RuleResult> {
    let limit = ask.equity.max(Money::ZERO);
    let cost = |quantity| ask.tied_up_with(quantity);
    let granted = match (ask.account, ask.side) {
        _ if quantity == Quantity::ZERO => quantity,
        // A cash account sells what it has, never more.
        (AccountKind::Cash, Side::Sell) => Quantity::ZERO,
        _ => ask.most_within(quantity, limit, cost),
    };
    Some(result(Rule::BuyingPower, quantity, granted, limit, cost))
}
