//! Live market data: events one after the other, each at its time.

mod queued;
mod recorded;

pub use queued::{FeedSender, QueuedFeed, queue};
pub use recorded::RecordedFeed;

use crossbeam::channel::{Receiver, Sender, bounded};
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

/// Wakes a session that sleeps. Ringing costs next to nothing while it is awake.
#[derive(Clone, Debug)]
pub struct Bell(Sender<()>);

impl Bell {
    /// A bell, and where it is heard. However often it rang meanwhile, it is heard once.
    pub fn new() -> (Bell, Receiver<()>) {
        let (bell, heard) = bounded(1);
        (Bell(bell), heard)
    }

    /// Rings it.
    #[inline]
    pub fn ring(&self) {
        let _ = self.0.try_send(());
    }
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

    /// Hears which bell to ring when something comes after [`Next::Nothing`]. Without it, it is looked for some fifty
    /// times a second.
    fn wake_by(&mut self, bell: Bell) {
        let _ = bell;
    }
}
