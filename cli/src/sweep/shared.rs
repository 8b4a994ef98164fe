//! The market of a sweep: decoded once, in memory, read by every trial where it lies.

use std::sync::Arc;

use genovo_engine::event::Event;
use genovo_engine::merge::Merge;
use genovo_engine::world::{Source, WorldError};

use crate::error::Failure;
use crate::failures;
use crate::progress::Progress;
use crate::sources::Opened;

/// All market events of the sources, in the order of their arrival.
pub struct Market {
    events: Vec<Event>,
}

/// Reads all sources into memory.
pub fn decode(mut opened: Opened, quiet: bool) -> Result<Arc<Market>, Failure> {
    let progress = Progress::start("reading  ", &opened, quiet);
    let mut market = Merge::new(std::mem::take(&mut opened.sources));
    let mut events = Vec::new();
    let result = loop {
        match market.next_event() {
            Ok(Some(event)) => events.push(event.clone()),
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    progress.finish();
    result.map_err(|error| failures::run(&error.into(), "Nothing was run."))?;
    events.shrink_to_fit();
    Ok(Arc::new(Market { events }))
}

impl Market {
    /// How many events.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// A reading from the beginning: a few events at a time are lent to a run, nothing more is copied.
    pub fn source(self: &Arc<Market>) -> Reading {
        Reading { market: self.clone(), next: 0 }
    }
}

/// One trial's place in the market.
pub struct Reading {
    market: Arc<Market>,
    next: usize,
}

impl Source for Reading {
    fn read(&mut self, batch: &mut Vec<Event>, limit: usize) -> Result<(), WorldError> {
        let end = self.market.events.len().min(self.next + limit);
        batch.extend_from_slice(&self.market.events[self.next..end]);
        self.next = end;
        Ok(())
    }
}
