//! One row to one event.

use genovo_engine::event::{Bar, Event, Fact, Quote, Trade};
use genovo_engine::ids::InstrumentId;
use genovo_engine::units::{Nanoseconds, Quantity, Timestamp};

use super::columns::{Columns, Layout};
use crate::data::text::fields::{split_plain, split_quoted};
use crate::data::text::lines::LINE_MAX;
use crate::data::text::values::{Flaw, Place, Read, Row, column, whole_row};
use crate::data::text::{ReadRow, check_bar};
use crate::data::time::Clock;

/// Reads rows; keeps what one row must know of the ones before.
pub(super) struct Rows {
    pub(super) columns: Columns,
    pub(super) delimiter: u8,
    pub(super) clock: Clock,
    pub(super) arrival_clock: Clock,
    pub(super) instrument: InstrumentId,
    pub(super) feed_latency: Nanoseconds,
    pub(super) clock_offset: Nanoseconds,
    pub(super) bar_known_after: Nanoseconds,
    /// The latest arrival so far: arrivals never run backwards.
    pub(super) received: Timestamp,
    /// Where the current row's fields end; as long as a row has columns.
    pub(super) ends: Box<[u32]>,
    /// The row without its quotation marks, when it has any.
    pub(super) plain: Vec<u8>,
}

impl ReadRow for Rows {
    /// Reads a row that is not blank and appends its event.
    #[inline]
    fn read(&mut self, line: &[u8], has_quotes: bool, batch: &mut Vec<Event>) -> Read<()> {
        if line.len() > LINE_MAX {
            return Err(whole_row("is no row", "a line of at most 1 MiB"));
        }
        if has_quotes && memchr::memchr(b'"', line).is_some() {
            self.unquote(line)?;
            let plain = std::mem::take(&mut self.plain);
            let result = self.read_fields(&plain, batch);
            self.plain = plain;
            return result;
        }
        let count = split_plain(line, self.delimiter, &mut self.ends);
        if count != self.ends.len() {
            return Err(self.wrong_count(count));
        }
        self.read_fields(line, batch)
    }

    fn delimiter(&self) -> u8 {
        self.delimiter
    }
}

impl Rows {
    #[inline(always)]
    fn read_fields(&mut self, text: &[u8], batch: &mut Vec<Event>) -> Read<()> {
        let row = Row { text, ends: &self.ends };
        let stamp = row.time(self.columns.time, &self.clock)?;
        let (time_event, fact) = match self.columns.layout {
            Layout::Quotes { bid, ask, bid_size, ask_size } => {
                let quote = Quote {
                    bid: row.price(bid)?,
                    ask: row.price(ask)?,
                    bid_size: row.size(bid_size)?,
                    ask_size: row.size(ask_size)?,
                };
                (stamp, Fact::QuoteChanged(quote))
            }
            Layout::Trades { price, size, side } => {
                let trade =
                    Trade { price: row.price(price)?, size: row.size(size)?, aggressor: row.side(side)? };
                if let (Some(Quantity::ZERO), Some(place)) = (trade.size, size) {
                    return Err(column(place, "is not the size of a trade", "more than zero"));
                }
                (stamp, Fact::TradePrinted(trade))
            }
            Layout::Bars { open, high, low, close, volume } => {
                let bar = Bar {
                    open_time: stamp,
                    open: row.price(open)?,
                    high: row.price(high)?,
                    low: row.price(low)?,
                    close: row.price(close)?,
                    volume: row.size(volume)?,
                };
                check_bar(&bar, [high, low])?;
                (stamp + self.bar_known_after, Fact::BarReceived(bar))
            }
        };
        let arrival = match self.columns.arrival {
            Some(place) => row.time(place, &self.arrival_clock)? + self.clock_offset,
            None => time_event + self.feed_latency,
        };
        self.received = self.received.max(arrival);
        batch.push(Event::unnumbered(time_event, self.received, self.instrument, fact));
        Ok(())
    }

    /// Takes the quotation marks off a line: `plain` and `ends` then hold its fields.
    #[cold]
    fn unquote(&mut self, line: &[u8]) -> Read<()> {
        let mut ends = Vec::new();
        split_quoted(line, self.delimiter, &mut self.plain, &mut ends).map_err(|error| {
            let expected = error.expected.into();
            Box::new(Flaw { place: Place::Bytes(error.span), problem: error.problem, expected })
        })?;
        if ends.len() != self.ends.len() {
            return Err(self.wrong_count(ends.len()));
        }
        self.ends.copy_from_slice(&ends);
        Ok(())
    }

    #[cold]
    fn wrong_count(&self, count: usize) -> Box<Flaw> {
        let problem = if count < self.ends.len() { "has too few columns" } else { "has too many columns" };
        let expected = format!("{} columns, found {count}", self.ends.len()).into();
        Box::new(Flaw { place: Place::Row, problem, expected })
    }
}
