//! A file repeated: more data of the same kind for benches and long tests.

use std::path::PathBuf;

use genovo_engine::event::{Event, Fact};
use genovo_engine::units::{Nanoseconds, Timestamp};
use genovo_engine::world::{Source, WorldError};

use super::{DataError, FileSource};

/// A source read `tiles` times, each copy shifted past the end of the one before.
///
/// The shift is the span of the file in whole seconds plus two: the rule by which the peers' benches tile
/// theirs. The file is opened anew for every copy, so memory does not grow with it.
pub(super) struct Tiled<F> {
    file: PathBuf,
    current: Box<dyn FileSource>,
    reopen: F,
    tiles: u32,
    tile: u32,
    first: Timestamp,
    last: Timestamp,
    received: Timestamp,
}

impl<F: FnMut() -> Result<Box<dyn FileSource>, DataError> + Send> Tiled<F> {
    /// Begins with `first`, the file already open; `reopen` opens it again for every further copy.
    pub(super) fn new(file: PathBuf, first: Box<dyn FileSource>, reopen: F, tiles: u32) -> Tiled<F> {
        Tiled {
            file,
            current: first,
            reopen,
            tiles,
            tile: 0,
            first: Timestamp::MAX,
            last: Timestamp::MIN,
            received: Timestamp::MIN,
        }
    }

    fn read_rows(&mut self, batch: &mut Vec<Event>, limit: usize) -> Result<(), DataError> {
        if limit == 0 {
            return Ok(());
        }
        let before = batch.len();
        loop {
            self.current.read_rows(batch, limit)?;
            let rows = &mut batch[before..];
            if !rows.is_empty() {
                if self.tile == 0 {
                    for event in rows {
                        self.first = self.first.min(event.header.time_event);
                        self.last = self.last.max(event.header.time_event);
                        self.received = event.header.time_received;
                    }
                } else {
                    let shift = self.shift()?;
                    for event in rows {
                        move_by(event, shift);
                        self.received = self.received.max(event.header.time_received);
                        event.header.time_received = self.received;
                    }
                }
                return Ok(());
            }
            if self.tile + 1 >= self.tiles {
                return Ok(());
            }
            self.tile += 1;
            self.shift()?;
            self.current = (self.reopen)()?;
        }
    }

    /// How far the current copy is moved.
    fn shift(&self) -> Result<Nanoseconds, DataError> {
        const SECOND: i64 = Nanoseconds::SECOND.0;
        let span = (self.last - self.first).0;
        let period = (span / SECOND * SECOND).checked_add(2 * SECOND);
        let shift = period.and_then(|period| period.checked_mul(i64::from(self.tile)));
        shift.filter(|shift| self.last.0.checked_add(*shift).is_some()).map(Nanoseconds).ok_or_else(|| {
            let message = format!("copy {} of {} would end after the year 2262", self.tile + 1, self.tiles);
            DataError::Spec { file: self.file.clone(), message }
        })
    }
}

fn move_by(event: &mut Event, shift: Nanoseconds) {
    event.header.time_event = event.header.time_event + shift;
    event.header.time_received = event.header.time_received + shift;
    match &mut event.fact {
        Fact::BarReceived(bar) => bar.open_time = bar.open_time + shift,
        Fact::FeedGap(gap) => (gap.from, gap.to) = (gap.from + shift, gap.to + shift),
        _ => {}
    }
}

impl<F: FnMut() -> Result<Box<dyn FileSource>, DataError> + Send> Source for Tiled<F> {
    fn read(&mut self, batch: &mut Vec<Event>, limit: usize) -> Result<(), WorldError> {
        self.read_rows(batch, limit).map_err(WorldError::new)
    }
}
