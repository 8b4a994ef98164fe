//! A recorded feed: a scenario's data as if it happened now.
//!
//! Event time drives: an event arrives when the data says so, and the session's clock
//! ([`crate::live::Clock`]) only decides how long that takes. So a session at 600 times the speed sees the same bars
//! and the same latencies as one in real time.

use genovo_engine::event::Event;
use genovo_engine::merge::Merge;
use genovo_engine::units::Timestamp;
use genovo_engine::world::{Source, WorldError};

use super::{Feed, Next};

/// The sources of a scenario, merged, one event ahead.
pub struct RecordedFeed {
    name: String,
    market: Merge,
    ahead: Option<Event>,
    ended: bool,
}

impl RecordedFeed {
    /// A feed over these sources; `name` is for people.
    pub fn new(name: impl Into<String>, sources: Vec<Box<dyn Source>>) -> RecordedFeed {
        RecordedFeed { name: name.into(), market: Merge::new(sources), ahead: None, ended: false }
    }

    /// When the next event arrives: the beginning of a session that begins with its data.
    pub fn next_time(&mut self) -> Result<Option<Timestamp>, WorldError> {
        self.peek()?;
        Ok(self.ahead.as_ref().map(|event| event.header.time_received))
    }

    /// Passes over the first `count` events, which a session had before; each goes to `seen` with its number.
    /// [`Next::Ended`] comes early when the data is shorter than it was.
    pub fn skip(&mut self, count: u64, mut seen: impl FnMut(&Event, u64)) -> Result<(), WorldError> {
        for number in 1..=count {
            match self.market.next_event()? {
                Some(event) => seen(event, number),
                None => {
                    let message =
                        format!("the data has {} events, the session had {count} of it", number - 1);
                    return Err(WorldError::new(message));
                }
            }
        }
        Ok(())
    }
}

impl Feed for RecordedFeed {
    fn name(&self) -> String {
        self.name.clone()
    }

    #[inline]
    fn peek(&mut self) -> Result<Next, WorldError> {
        if self.ahead.is_none() && !self.ended {
            self.ahead = self.market.next_event()?.cloned();
            self.ended = self.ahead.is_none();
        }
        Ok(self.ahead.as_ref().map_or(Next::Ended, |event| Next::At(event.header.time_received)))
    }

    #[inline]
    fn take(&mut self) -> Option<Event> {
        self.ahead.take()
    }
}
