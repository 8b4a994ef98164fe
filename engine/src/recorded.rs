//! The Recorded world: a run that was recorded, run again, and the comparison that proves it equal.
//!
//! A run on the simulated venue is verified from its market data alone: [`MarketOf`] feeds a new simulated world, and
//! the venue's answers are recomputed too. A live run's answers are inputs: [`Recorded`] feeds them all.

use crate::canonical;
use crate::command::Command;
use crate::event::Event;
use crate::ids::Sequence;
use crate::log::{Log, LogError};
use crate::world::{Source, World, WorldError};

/// A recorded stream of events, in order.
pub trait Recording: Iterator<Item = Result<Event, WorldError>> {}
impl<I: Iterator<Item = Result<Event, WorldError>>> Recording for I {}

/// Feeds every recorded input. Commands go nowhere: what became of them is in the recording.
pub struct Recorded<I> {
    events: I,
    /// The input that is lent.
    current: Option<Event>,
}

impl<I: Recording> Recorded<I> {
    /// A world that repeats this recording.
    pub fn new(events: I) -> Recorded<I> {
        Recorded { events, current: None }
    }
}

impl<I: Recording> World for Recorded<I> {
    fn next(&mut self) -> Result<Option<&mut Event>, WorldError> {
        self.current = None;
        for event in self.events.by_ref() {
            let event = event?;
            if event.header.sequence.is_input() {
                self.current = Some(event);
                break;
            }
        }
        Ok(self.current.as_mut())
    }

    fn send(&mut self, _: Command) -> Result<(), WorldError> {
        Ok(())
    }
}

/// The market data of a recording as a source.
pub struct MarketOf<I> {
    events: I,
}

impl<I: Recording> MarketOf<I> {
    /// The market events of this recording, with splits, dividends and sessions.
    pub fn new(events: I) -> MarketOf<I> {
        MarketOf { events }
    }
}

impl<I: Recording + Send> Source for MarketOf<I> {
    fn read(&mut self, batch: &mut Vec<Event>, limit: usize) -> Result<(), WorldError> {
        let wanted = batch.len() + limit;
        while batch.len() < wanted {
            let Some(event) = self.events.next() else { break };
            let mut event = event?;
            if event.fact.kind().is_sourced() {
                event.header.sequence = Sequence::NONE;
                event.header.cause = Sequence::NONE;
                batch.push(event);
            }
        }
        Ok(())
    }
}

/// The first place where a recomputed run is not the recorded one.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Where it is.
    pub sequence: Sequence,
    /// What was recorded there; `None` when the recording had ended.
    pub recorded: Option<Event>,
    /// What came out now; `None` when the recomputed run had ended.
    pub recomputed: Option<Event>,
}

/// A log that compares what it is given with a recording, byte for byte.
pub struct Comparison<I> {
    recorded: I,
    compared: u64,
    difference: Option<Difference>,
    bytes: [Vec<u8>; 2],
}

/// The recomputed run differs; the comparison knows where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the recomputed run differs from the recorded one")]
pub struct Differs;

impl<I: Recording> Comparison<I> {
    /// Compares with this recording.
    pub fn new(recorded: I) -> Comparison<I> {
        Comparison { recorded, compared: 0, difference: None, bytes: [Vec::new(), Vec::new()] }
    }

    /// How many events were equal, and the first difference. Call when the run has ended or stopped.
    pub fn finish(mut self) -> Result<(u64, Option<Difference>), WorldError> {
        if self.difference.is_none()
            && let Some(left) = self.recorded.next().transpose()?
        {
            let sequence = left.header.sequence;
            self.difference = Some(Difference { sequence, recorded: Some(left), recomputed: None });
        }
        Ok((self.compared, self.difference))
    }

    fn is_equal(&mut self, recorded: &Event, recomputed: &Event) -> bool {
        if recorded.fact.kind().is_market() {
            return recorded == recomputed;
        }
        // Floats are compared by their bits, so that −0.0 is not 0.0.
        for (bytes, event) in self.bytes.iter_mut().zip([recorded, recomputed]) {
            bytes.clear();
            canonical::encode(event, bytes);
        }
        self.bytes[0] == self.bytes[1]
    }
}

impl<I: Recording> Log for Comparison<I> {
    fn append(&mut self, event: &Event) -> Result<(), LogError> {
        let recorded = self.recorded.next().transpose().map_err(|error| LogError(error.0))?;
        if let Some(recorded) = &recorded
            && self.is_equal(recorded, event)
        {
            self.compared += 1;
            return Ok(());
        }
        let sequence = recorded.as_ref().map_or(event.header.sequence, |recorded| recorded.header.sequence);
        let sequence = sequence.min(event.header.sequence);
        self.difference = Some(Difference { sequence, recorded, recomputed: Some(event.clone()) });
        Err(LogError::new(Differs))
    }

    fn commit(&mut self) -> Result<(), LogError> {
        Ok(())
    }
}
