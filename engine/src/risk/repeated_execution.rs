//! `repeated_execution`: after so many fills of one instrument and side in a time nothing is opened, in any instrument,
//! until the operator says to go on. A backtest has nobody who does.

use super::{Ask, count, gate};
use crate::event::{Rule, RuleResult};
use crate::units::Quantity;

pub(super) fn assess(ask: &Ask<'_>, quantity: Quantity) -> Option<RuleResult> {
    let limit = ask.controls().max_executions?;
    let fills = ask.watch.executions(ask.index, ask.side, ask.now);
    Some(gate(Rule::RepeatedExecution, quantity, !ask.watch.stopped, count(limit.count), count(fills)))
}
