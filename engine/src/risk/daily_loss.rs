//! `daily_loss`: once this share of the trading day's first equity was lost, nothing is opened until the next day, even
//! if some of it comes back.

use super::{Ask, gate};
use crate::event::{Rule, RuleResult};
use crate::units::{Money, Quantity};

pub(super) fn assess(ask: &Ask<'_>, quantity: Quantity) -> Option<RuleResult> {
    let share = ask.controls().max_daily_loss?;
    let mark = ask.watch.mark.as_ref()?;
    let (limit, loss) = (mark.day_start.times(share), (mark.day_start - ask.equity).max(Money::ZERO));
    Some(gate(Rule::DailyLoss, quantity, !mark.day_lost && loss < limit, limit, loss))
}
