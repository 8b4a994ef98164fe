//! Live market data: events one after the other, each at its time.

mod recorded;

pub use recorded::RecordedFeed;

use genovo_engine::event::{Event, FeedGap};
use genovo_engine::units::Timestamp;
use genovo_engine::world::WorldError;

/// What a feed has to say next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// An event that arrives at this time: take it then.
    At(Timestamp),
    /// Events were lost and come no more. Said once.
    Gap(FeedGap),
    /// Nothing at the moment.
    Nothing,
    /// No more, ever.
    Ended,
}

/// A stream of market events. It is asked from the engine's own thread and must not block; whoever reads a socket does
/// so on a thread of its own and hands over by a queue.
pub trait Feed: Send {
    /// For people: where the data comes from.
    fn name(&self) -> String;

    /// What comes next. An event is announced until it is taken.
    fn peek(&mut self) -> Result<Next, WorldError>;

    /// Takes the event that [`Feed::peek`] announced.
    fn take(&mut self) -> Option<Event>;
}
