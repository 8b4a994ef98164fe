//! What a journal says of a session that goes on: the engine is brought to its end, and with it everything that the
//! world has to know.

use std::collections::BTreeMap;

use genovo_adapters::broker::ClientIds;
use genovo_adapters::broker::reconcile::Known;
use genovo_adapters::live::Past;
use genovo_engine::engine::Engine;
use genovo_engine::event::{Event, Fact, OperatorCommand, RunStarted};
use genovo_engine::ids::{OrderId, Sequence};
use genovo_engine::recorded::{Reached, Recording, RerunError, rerun};
use genovo_engine::units::Timestamp;

/// A session up to where its journal ends.
pub struct Before {
    /// How far the engine is, and what was cut off.
    pub reached: Reached,
    /// What the world has to know.
    pub past: Past,
    /// The ids of the session's orders.
    pub ids: ClientIds,
    /// Whether it was stopped rather than killed or cut off: then the market waited.
    pub stopped: bool,
    /// The sequence of the last event.
    pub last: Sequence,
}

/// Reads a journal's events into `engine`; everything is shown to `seen` on the way.
pub fn read(
    events: impl Recording,
    started: &RunStarted,
    engine: &mut Engine,
    mut seen: impl FnMut(&Event),
) -> Result<Before, RerunError> {
    let mut past = Past::default();
    let mut causes: BTreeMap<OrderId, Sequence> = BTreeMap::new();
    let (mut began, mut stopped, mut last) = (Timestamp(0), false, Sequence::NONE);
    let reached = rerun(events, engine, |event| {
        seen(event);
        let header = &event.header;
        last = header.sequence;
        past.now = header.time_received;
        match &event.fact {
            Fact::RunStarted(_) => began = header.time_event,
            Fact::OrderSubmitted(order) => {
                causes.insert(order.order, header.sequence);
            }
            Fact::OrderFilled(fill) => {
                past.fills.push((fill.order, header.time_event, fill.price, fill.quantity));
            }
            Fact::OperatorCommanded(operator) if header.sequence.is_input() => {
                stopped = operator.command == OperatorCommand::Stop;
            }
            fact if fact.kind().is_market() => {
                past.market += 1;
                stopped = false;
            }
            _ => {}
        }
    })?;
    for event in &reached.missing {
        if let Fact::OrderSubmitted(order) = &event.fact {
            causes.insert(order.order, event.header.sequence);
        }
    }
    let records = engine.orders().records().iter().zip(1..);
    past.orders = records
        .filter_map(|(record, number)| {
            let order = OrderId(number);
            let cause = *causes.get(&order)?;
            Some((order, Known { record: *record, cause }))
        })
        .collect();
    past.positions = engine.account().positions.iter().map(|position| position.quantity).collect();
    past.wake = engine.pending_wake();
    Ok(Before { reached, past, ids: ClientIds::new(started, began), stopped, last })
}
