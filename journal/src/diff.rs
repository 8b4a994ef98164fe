//! Where two journals part.

use std::path::Path;

use genovo_engine::canonical;
use genovo_engine::event::Event;
use genovo_engine::ids::Sequence;

use crate::error::Error;
use crate::reader::{Events, Journal};

/// A sequence at which two journals differ.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The sequence.
    pub sequence: Sequence,
    /// The first journal's event, if it has one there.
    pub first: Option<Event>,
    /// The second journal's event.
    pub second: Option<Event>,
}

/// The first `limit` differences of two sealed journals by sequence; empty when every event is the same to
/// the bit.
pub fn diff(first: &Path, second: &Path, limit: usize) -> Result<Vec<Difference>, Error> {
    let (first, second) = (Journal::open(first)?, Journal::open(second)?);
    let mut differences = Vec::new();
    // Blocks up to which the chains agree hold the same events.
    let from = first.agrees_until(&second);
    let (mut left, mut right) = (Side::new(first.events_after(from))?, Side::new(second.events_after(from))?);
    while differences.len() < limit {
        let (in_first, in_second) = match (&left.event, &right.event) {
            (None, None) => break,
            (Some(_), None) => (true, false),
            (None, Some(_)) => (false, true),
            (Some(a), Some(b)) => {
                let (a, b) = (a.header.sequence, b.header.sequence);
                (a <= b, b <= a)
            }
        };
        let a = if in_first { left.take()? } else { None };
        let b = if in_second { right.take()? } else { None };
        let same = match (&a, &b) {
            (Some(a), Some(b)) => {
                for (event, bytes) in [(a, &mut left.bytes), (b, &mut right.bytes)] {
                    bytes.clear();
                    canonical::encode(event, bytes);
                }
                left.bytes == right.bytes
            }
            _ => false,
        };
        if let (false, Some(event)) = (same, a.as_ref().or(b.as_ref())) {
            differences.push(Difference { sequence: event.header.sequence, first: a, second: b });
        }
    }
    Ok(differences)
}

/// One journal with its next event.
struct Side {
    events: Events,
    event: Option<Event>,
    bytes: Vec<u8>,
}

impl Side {
    fn new(mut events: Events) -> Result<Side, Error> {
        let event = events.next().transpose()?;
        Ok(Side { events, event, bytes: Vec::new() })
    }

    fn take(&mut self) -> Result<Option<Event>, Error> {
        let next = self.events.next().transpose()?;
        Ok(std::mem::replace(&mut self.event, next))
    }
}
