//! Where events go before anything reacts to them.

use crate::engine::Engine;
use crate::event::Event;

/// The ordered record of a run. The journal implements it; so does the comparison that verifies a replay.
pub trait Log {
    /// Takes one event. Events come in the order of their sequences.
    fn append(&mut self, event: &Event) -> Result<(), LogError>;

    /// Returns once everything appended so far would survive what the log's commit mode promises to survive.
    fn commit(&mut self) -> Result<(), LogError>;

    /// Shows the engine after an input, when everything that followed from it is out. A log that keeps checkpoints
    /// takes one when it is time.
    #[inline]
    fn reached(&mut self, _: &Engine) -> Result<(), LogError> {
        Ok(())
    }

    /// Shows the events that the last input caused once its commands have left, for those who only look on: no order
    /// waits for them.
    #[inline]
    fn show(&mut self, caused: &[Event]) {
        let _ = caused;
    }

    /// Nothing is to be done at the moment: what a commit would have to do can be done now.
    #[inline]
    fn idle(&mut self) -> Result<(), LogError> {
        Ok(())
    }
}

/// The record could not be kept; the run must stop.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct LogError(pub Box<dyn std::error::Error + Send + Sync>);

impl LogError {
    /// Wraps what went wrong.
    pub fn new(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> LogError {
        LogError(error.into())
    }
}

/// Keeps everything in memory: for tests and for one's own programs.
impl Log for Vec<Event> {
    fn append(&mut self, event: &Event) -> Result<(), LogError> {
        self.push(event.clone());
        Ok(())
    }

    fn commit(&mut self) -> Result<(), LogError> {
        Ok(())
    }
}
