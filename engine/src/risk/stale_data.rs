//! `stale_data`: a market that has been silent for too long opens nothing. The numbers are seconds.

use super::{Ask, gate};
use crate::event::{Rule, RuleResult};
use crate::units::{Money, Quantity};

pub(super) fn assess(ask: &Ask<'_>, quantity: Quantity) -> Option<RuleResult> {
    let longest = ask.controls().stale_after?;
    // A market that was never heard of has no price either, and such an order does not come this far.
    let silence = ask.watch.silence(ask.index, ask.now).unwrap_or_default();
    // Nanoseconds are units of 1e-9 of a second.
    let seconds = |length: i64| Money(i128::from(length));
    Some(gate(Rule::StaleData, quantity, silence <= longest, seconds(longest.0), seconds(silence.0)))
}
