//! What a session knows of its own past: kept while it runs, saved with its checkpoints, or read from its journal.

use genovo_adapters::broker::reconcile::{ExecutionKey, Known};
use genovo_adapters::live::Past;
use genovo_engine::engine::Engine;
use genovo_engine::event::{Event, Fact, OperatorCommand};
use genovo_engine::ids::{OrderId, Sequence};
use genovo_engine::recorded::{Reached, Recording, RerunError, rerun};
use genovo_engine::units::Timestamp;

/// What the world will have to know of a session beside what its engine remembers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Memory {
    /// The arrival time of the last event.
    now: Timestamp,
    /// How many events there were.
    events: u64,
    /// How many of them were market events.
    market: u64,
    /// Every fill.
    fills: Vec<ExecutionKey>,
    /// By which event each order left, in the order of their numbers.
    causes: Vec<(OrderId, Sequence)>,
    /// Whether it was stopped, and no market came since.
    stopped: bool,
}

genovo_engine::state! { Memory { now, events, market, fills, causes, stopped } }

impl Memory {
    /// Takes in the next event of the journal.
    #[inline]
    pub fn observe(&mut self, event: &Event) {
        self.now = event.header.time_received;
        self.events += 1;
        if event.fact.kind().is_sourced() {
            self.market += 1;
            self.stopped = false;
        } else {
            self.observe_other(event);
        }
    }

    fn observe_other(&mut self, event: &Event) {
        let header = &event.header;
        match &event.fact {
            Fact::OrderSubmitted(order) => self.causes.push((order.order, header.sequence)),
            Fact::OrderFilled(fill) => {
                self.fills.push((fill.order, header.time_event, fill.price, fill.quantity));
            }
            Fact::OperatorCommanded(operator) if header.sequence.is_input() => {
                self.stopped = operator.command == OperatorCommand::Stop;
            }
            _ => {}
        }
    }

    /// With what the engine remembers, what the world has to know.
    pub fn past(&self, engine: &Engine) -> Past {
        let known = |&(order, cause): &(OrderId, Sequence)| {
            Some((order, Known { record: *engine.orders().get(order)?, cause }))
        };
        Past {
            now: self.now,
            market: self.market,
            orders: self.causes.iter().filter_map(known).collect(),
            fills: self.fills.clone(),
            positions: (0..engine.account().positions.len())
                .map(|index| engine.account().quantities(index))
                .collect(),
            wakes: engine.pending_wakes(),
            missed_until: None,
        }
    }

    /// How many events of the journal it knows of.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// Whether the session was stopped rather than killed or cut off: then the market waited.
    pub fn was_stopped(&self) -> bool {
        self.stopped
    }
}

/// Brings an engine to the end of its journal, from the event on with which `events` begin. What the last input caused
/// and the journal does not have is noted too: it belongs there now.
pub fn read(events: impl Recording, engine: &mut Engine, memory: &mut Memory) -> Result<Reached, RerunError> {
    let reached = rerun(events, engine, |event| memory.observe(event))?;
    reached.missing.iter().for_each(|event| memory.observe(event));
    Ok(reached)
}
