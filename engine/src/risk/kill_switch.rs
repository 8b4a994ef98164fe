//! `kill_switch`: nothing is opened at all.

use super::{Ask, gate};
use crate::event::{Rule, RuleResult};
use crate::units::{Money, Quantity};

pub(super) fn assess(ask: &Ask<'_>, quantity: Quantity) -> Option<RuleResult> {
    ask.controls().kill_switch.then(|| gate(Rule::KillSwitch, quantity, false, Money::ZERO, super::count(1)))
}
