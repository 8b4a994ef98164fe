//! What the engine wants done: wishes in the imperative. They leave through [`crate::world::World::send`], and what
//! becomes of them comes back as events.

use crate::event::{Order, Replacement};
use crate::ids::{InstrumentId, OrderId, Sequence, TimerId};
use crate::units::Timestamp;

/// A wish. Its cause is on disk before it leaves.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Send an order.
    SubmitOrder {
        /// The `OrderSubmitted` that says so.
        cause: Sequence,
        /// When it left.
        time: Timestamp,
        /// Whose order.
        instrument: InstrumentId,
        /// The order.
        order: Order,
    },
    /// Take an order off the market.
    CancelOrder {
        /// The `CancelRequested` that says so.
        cause: Sequence,
        /// When it left.
        time: Timestamp,
        /// Whose order.
        instrument: InstrumentId,
        /// Which order.
        order: OrderId,
    },
    /// Let an order work on as another one.
    ReplaceOrder {
        /// The `ReplaceRequested` that says so.
        cause: Sequence,
        /// When it left.
        time: Timestamp,
        /// Whose order.
        instrument: InstrumentId,
        /// What it is to become.
        replacement: Replacement,
    },
    /// Wake the engine with a `TimerFired`.
    Wake {
        /// Which timer.
        timer: TimerId,
        /// When.
        time: Timestamp,
    },
}

impl Command {
    /// Whether something leaves the house by it, so that its cause must be kept first.
    pub fn is_order(&self) -> bool {
        match self {
            Command::SubmitOrder { .. } | Command::CancelOrder { .. } | Command::ReplaceOrder { .. } => true,
            Command::Wake { .. } => false,
        }
    }
}
