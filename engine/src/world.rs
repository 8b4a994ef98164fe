//! Where inputs come from and commands go: the one seam between the engine and everything outside.

use crate::command::Command;
use crate::event::Event;

/// Live, Simulated or Recorded.
pub trait World {
    /// Lends the next input, its header not yet numbered; `None` when there is no more.
    ///
    /// It is lent where it lies, for the loop to number it there: a tick passes through without being copied.
    fn next(&mut self) -> Result<Option<&mut Event>, WorldError>;

    /// Carries out a command. What becomes of it comes back from [`World::next`], never from here.
    fn send(&mut self, command: Command) -> Result<(), WorldError>;

    /// Whether [`World::next`] would have to wait. A world that never waits is never idle.
    fn is_idle(&mut self) -> bool {
        false
    }
}

/// A stream of market events in the order of their arrival: a file, a feed, a journal.
pub trait Source: Send {
    /// Appends up to `limit` events to `batch`. Appending none means that there is no more.
    fn read(&mut self, batch: &mut Vec<Event>, limit: usize) -> Result<(), WorldError>;

    /// Whether this only says something about a market, as statistics and news do: without the market's own data
    /// a run is over, whatever is left of this.
    fn accompanies(&self) -> bool {
        false
    }
}

impl Source for Box<dyn Source> {
    fn read(&mut self, batch: &mut Vec<Event>, limit: usize) -> Result<(), WorldError> {
        (**self).read(batch, limit)
    }

    fn accompanies(&self) -> bool {
        (**self).accompanies()
    }
}

/// The outside failed; the run must stop.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct WorldError(pub Box<dyn std::error::Error + Send + Sync>);

impl WorldError {
    /// Wraps what went wrong.
    pub fn new(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> WorldError {
        WorldError(error.into())
    }
}

/// A source over events that are in memory: for tests and for one's own programs.
pub struct MemorySource {
    events: std::vec::IntoIter<Event>,
    accompanies: bool,
}

impl MemorySource {
    /// Yields these events in their order.
    pub fn new(events: Vec<Event>) -> MemorySource {
        MemorySource { events: events.into_iter(), accompanies: false }
    }

    /// Yields these events while other sources last ([`Source::accompanies`]).
    pub fn accompanying(events: Vec<Event>) -> MemorySource {
        MemorySource { events: events.into_iter(), accompanies: true }
    }
}

impl Source for MemorySource {
    fn read(&mut self, batch: &mut Vec<Event>, limit: usize) -> Result<(), WorldError> {
        batch.extend(self.events.by_ref().take(limit));
        Ok(())
    }

    fn accompanies(&self) -> bool {
        self.accompanies
    }
}
