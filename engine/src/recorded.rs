//! The Recorded world: a run that was recorded, run again, and the comparison that proves it equal.
//!
//! A run on the simulated venue is verified from its market data alone: [`MarketOf`] feeds a new simulated world, and
//! the venue's answers are recomputed too. A live run's answers are inputs: [`Recorded`] feeds them all.

use crate::canonical;
use crate::command::Command;
use crate::event::{Event, Fact};
use crate::ids::Sequence;
use crate::log::{Log, LogError};
use crate::world::{Source, World, WorldError};

/// A recorded stream of events, in order.
pub trait Recording: Iterator<Item = Result<Event, WorldError>> {}
impl<I: Iterator<Item = Result<Event, WorldError>>> Recording for I {}

/// The next recorded event, where its numbers can be those of one.
pub(crate) fn next_of(events: &mut impl Recording) -> Result<Option<Event>, WorldError> {
    let event = events.next().transpose()?;
    match &event {
        Some(event) if event.header.sequence.is_input() && !event.fact.is_in_range() => {
            let Event { header, fact } = event;
            let (kind, sequence) = (fact.kind().name(), header.sequence);
            let message = format!("the recording's {kind} at sequence {sequence} has a number out of range");
            Err(WorldError::new(message))
        }
        _ => Ok(event),
    }
}

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
        while let Some(event) = next_of(&mut self.events)? {
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

/// What came out of a recording's sources, market data and signals, as one source.
pub struct MarketOf<I> {
    events: I,
}

impl<I: Recording> MarketOf<I> {
    /// The market events of this recording, with splits, dividends, sessions and signals.
    pub fn new(events: I) -> MarketOf<I> {
        MarketOf { events }
    }
}

impl<I: Recording + Send> Source for MarketOf<I> {
    fn read(&mut self, batch: &mut Vec<Event>, limit: usize) -> Result<(), WorldError> {
        let wanted = batch.len() + limit;
        while batch.len() < wanted {
            let Some(mut event) = next_of(&mut self.events)? else { break };
            // The quote of a book follows from it, and is told again.
            if event.fact.kind().is_sourced() && event.header.sequence.is_input() {
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

/// Where an engine stands that was brought to the end of a recording.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reached {
    /// Inputs taken.
    pub inputs: u64,
    /// What the last input caused beyond what was recorded: it was cut off, and belongs into the record now.
    pub missing: Vec<Event>,
    /// Whether the recording ends the run.
    pub ended: bool,
}

/// Why an engine cannot be brought to the end of a recording.
#[derive(Debug, thiserror::Error)]
pub enum RerunError {
    /// The recording cannot be read.
    #[error(transparent)]
    World(#[from] WorldError),
    /// What follows from the inputs is not what was recorded.
    #[error("the recorded run differs at sequence {}", .0.sequence)]
    Differs(Box<Difference>),
    /// The engine stopped on a recorded input.
    #[error("at sequence {0}: {1}")]
    Fault(Sequence, crate::engine::Fault),
}

/// Brings a new engine to the end of a recording: every input again, and everything that follows compared with what was
/// recorded. Commands go nowhere. `seen` is shown every recorded event in order.
pub fn rerun(
    mut events: impl Recording,
    engine: &mut crate::engine::Engine,
    mut seen: impl FnMut(&Event),
) -> Result<Reached, RerunError> {
    let mut reached = Reached::default();
    // What the last input caused, last first.
    let mut expected: Vec<Event> = Vec::new();
    let mut bytes = [Vec::new(), Vec::new()];
    while let Some(event) = next_of(&mut events)? {
        seen(&event);
        if event.header.sequence.is_input() {
            if let Some(left) = expected.pop() {
                let sequence = left.header.sequence;
                let difference = Difference { sequence, recorded: Some(event), recomputed: Some(left) };
                return Err(RerunError::Differs(Box::new(difference)));
            }
            let output =
                engine.apply(&event).map_err(|fault| RerunError::Fault(event.header.sequence, fault))?;
            expected.extend(output.events.iter().rev().cloned());
            reached.inputs += 1;
            continue;
        }
        let recomputed = match &event.fact {
            Fact::RunEnded(_) if expected.is_empty() => {
                let output =
                    engine.finish().map_err(|fault| RerunError::Fault(event.header.sequence, fault))?;
                reached.ended = true;
                output.events.first().cloned()
            }
            _ => expected.pop(),
        };
        let equal = recomputed.as_ref().is_some_and(|recomputed| {
            for (bytes, event) in bytes.iter_mut().zip([&event, recomputed]) {
                bytes.clear();
                canonical::encode(event, bytes);
            }
            bytes[0] == bytes[1]
        });
        if !equal {
            let sequence = event.header.sequence;
            let difference = Difference { sequence, recorded: Some(event), recomputed };
            return Err(RerunError::Differs(Box::new(difference)));
        }
    }
    expected.reverse();
    reached.missing = expected;
    Ok(reached)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Quote;
    use crate::ids::InstrumentId;
    use crate::units::{Price, Timestamp};

    #[test]
    fn a_number_that_no_input_has_is_an_error_in_every_world() {
        let quote = Quote { bid: Price(i64::MAX), ask: Price(i64::MAX), bid_size: None, ask_size: None };
        let fact = Fact::QuoteChanged(quote);
        let mut event = Event::unnumbered(Timestamp(0), Timestamp(0), InstrumentId(1), fact);
        event.header.sequence = Sequence::input(7);
        let recording = || std::iter::once(Ok(event.clone()));
        let expected = format!(
            "the recording's QuoteChanged at sequence {} has a number out of range",
            Sequence::input(7)
        );
        let error = Recorded::new(recording()).next().unwrap_err();
        assert_eq!(error.to_string(), expected);
        let error = MarketOf::new(recording()).read(&mut Vec::new(), 9).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
}
