//! One row to one event.

use std::borrow::Cow;

use genovo_engine::event::{Bar, Event, Fact, Quote, Side, Trade};
use genovo_engine::ids::InstrumentId;
use genovo_engine::units::{Nanoseconds, Price, Quantity, Timestamp, UnitError};

use super::columns::{Columns, Layout};
use super::fields::{split_plain, split_quoted};
use super::lines::LINE_MAX;
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

/// What is wrong with a row.
#[derive(Debug)]
pub(super) struct Flaw {
    pub(super) place: Place,
    pub(super) problem: &'static str,
    pub(super) expected: Cow<'static, str>,
}

/// Which part of a row is at fault.
#[derive(Debug)]
pub(super) enum Place {
    /// The column in this place, counted from 0.
    Column(usize),
    /// These bytes, in no column in particular.
    Bytes(std::ops::Range<usize>),
    /// All of it.
    Row,
}

type Read<T> = Result<T, Box<Flaw>>;

impl Rows {
    /// Reads a row that is not blank and appends its event.
    #[inline]
    pub(super) fn read(&mut self, line: &[u8], has_quotes: bool, batch: &mut Vec<Event>) -> Read<()> {
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
                if bar.high < bar.open.max(bar.close).max(bar.low) {
                    return Err(column(high, "is not the high of this bar", "no price of the bar above it"));
                }
                if bar.low > bar.open.min(bar.close) {
                    return Err(column(low, "is not the low of this bar", "no price of the bar below it"));
                }
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

/// A row's fields. Inlining is forced: left to itself the compiler makes calls of these, and a row 8 % slower.
struct Row<'a> {
    text: &'a [u8],
    ends: &'a [u32],
}

impl Row<'_> {
    #[inline(always)]
    fn field(&self, place: usize) -> &[u8] {
        let start = if place == 0 { 0 } else { self.ends[place - 1] as usize + 1 };
        &self.text[start..self.ends[place] as usize]
    }

    #[inline(always)]
    fn time(&self, place: usize, clock: &Clock) -> Read<Timestamp> {
        clock.read(self.field(place)).map_err(|expected| self.flaw(place, "is not a time", expected))
    }

    #[inline(always)]
    fn price(&self, place: usize) -> Read<Price> {
        let text = self.field(place);
        Price::parse(text)
            .or_else(|error| trimmed(text, error, Price::parse))
            .map_err(|error| self.flaw(place, "is not a price", needed(error)))
    }

    /// A size that is not there is `None`, one that is zero is zero.
    #[inline(always)]
    fn size(&self, place: Option<usize>) -> Read<Option<Quantity>> {
        let Some(place) = place else { return Ok(None) };
        let text = self.field(place);
        if text.is_empty() {
            return Ok(None);
        }
        match Quantity::parse(text).or_else(|error| trimmed(text, error, Quantity::parse)) {
            Ok(size) if size < Quantity::ZERO => Err(self.flaw(place, "is not a size", "no minus sign")),
            Ok(size) => Ok(Some(size)),
            Err(UnitError::Empty) => Ok(None),
            Err(error) => Err(self.flaw(place, "is not a size", needed(error))),
        }
    }

    #[inline]
    fn side(&self, place: Option<usize>) -> Read<Option<Side>> {
        let Some(place) = place else { return Ok(None) };
        let text = self.field(place).trim_ascii();
        let is = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word.as_bytes()));
        if text.is_empty() || is(&["n", "none", "unknown"]) {
            Ok(None)
        } else if is(&["b", "buy", "1", "+1"]) {
            Ok(Some(Side::Buy))
        } else if is(&["s", "sell", "-1"]) {
            Ok(Some(Side::Sell))
        } else {
            Err(self.flaw(place, "is not a side", "buy or sell, b or s, 1 or -1, or nothing"))
        }
    }

    #[cold]
    fn flaw(&self, place: usize, problem: &'static str, expected: &'static str) -> Box<Flaw> {
        match std::str::from_utf8(self.field(place)) {
            Ok(_) => column(place, problem, expected),
            Err(_) => column(place, problem, "UTF-8 text"),
        }
    }
}

/// What a number must be that is not one.
fn needed(error: UnitError) -> &'static str {
    match error {
        UnitError::Empty => "a number, found nothing",
        UnitError::NotANumber { .. } => "digits with at most 9 decimals",
        UnitError::TooFine => "at most 9 decimals",
        UnitError::OutOfRange => "a number from about -4.6 to 4.6 billion",
    }
}

/// A second try without the blanks around a number.
#[cold]
fn trimmed<T>(
    text: &[u8],
    error: UnitError,
    parse: fn(&[u8]) -> Result<T, UnitError>,
) -> Result<T, UnitError> {
    let inner = text.trim_ascii();
    if inner.len() == text.len() { Err(error) } else { parse(inner) }
}

#[cold]
fn column(place: usize, problem: &'static str, expected: &'static str) -> Box<Flaw> {
    Box::new(Flaw { place: Place::Column(place), problem, expected: expected.into() })
}

#[cold]
fn whole_row(problem: &'static str, expected: &'static str) -> Box<Flaw> {
    Box::new(Flaw { place: Place::Row, problem, expected: expected.into() })
}
