//! `soft_drawdown`: as equity falls from its peak, orders shrink: whole until the soft share, nothing at the hard one,
//! in proportion between.

use super::{Ask, scaled};
use crate::event::{Rule, RuleResult};
use crate::units::{Money, Quantity};

pub(super) fn assess(ask: &Ask<'_>, quantity: Quantity) -> Option<RuleResult> {
    let controls = ask.controls();
    let (soft, hard) = (controls.soft_drawdown?, controls.hard_drawdown?);
    let peak = ask.watch.mark.as_ref()?.peak;
    let (soft, hard) = (peak.times(soft), peak.times(hard));
    let fall = peak - ask.equity;
    let left = (hard - fall).max(Money::ZERO);
    let granted = match fall {
        fall if fall <= soft => quantity,
        _ => ask.share_of(quantity, left.0, (hard - soft).0),
    };
    Some(scaled(Rule::SoftDrawdown, quantity, granted, soft, fall))
}
