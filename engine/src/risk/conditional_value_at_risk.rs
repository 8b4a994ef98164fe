//! `conditional_value_at_risk`: where the loss passes the value at risk, it is on average no more than a share of
//! equity. Parametric: `φ(z) / (1 − confidence) · √(x'Σx · horizon)`.

use super::Ask;
use super::value_at_risk::budget;
use crate::event::{Rule, RuleResult};
use crate::units::Quantity;

pub(super) fn assess(ask: &Ask<'_>, quantity: Quantity) -> Option<RuleResult> {
    let share = ask.controls().max_cvar?;
    Some(budget(ask, quantity, Rule::ConditionalValueAtRisk, ask.equity.times(share), ask.tail.beyond))
}
