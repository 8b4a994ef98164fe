//! One row of a LEAN file to one event, or to none.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use genovo_engine::event::{Bar, Event, Fact, Quote, Trade};
use genovo_engine::ids::InstrumentId;
use genovo_engine::units::{FIXED_MAX, Nanoseconds, Price, Quantity, SCALE, Timestamp};

use super::market::LocalClock;
use crate::data::text::fields::split_plain;
use crate::data::text::values::{Flaw, Read, Row, column, needed, whole_row};
use crate::data::text::{ReadRow, check_bar};
use crate::data::time::Clock;
use crate::data::{Tally, TimeFormat};

/// Where a row's fields stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// Time, bid, ask.
    PlainQuoteTicks,
    /// Time, bid, its size, ask, its size, and sometimes exchange, condition, suspicious. One side may be missing.
    QuoteTicks,
    /// Time, price, size, and sometimes exchange, condition, suspicious.
    TradeTicks,
    /// Time, open, high, low, close, volume.
    TradeBars,
    /// Time, open, high, low, close and last size of the bid, then of the ask; read as bars of the mid price.
    QuoteBars,
    /// The same, read as the quote at the end of the bar.
    ClosingQuotes,
}

impl Layout {
    /// The names of its columns; those of `optional` may be missing.
    pub(super) const fn columns(self) -> &'static [&'static str] {
        match self {
            Layout::PlainQuoteTicks => &["time", "bid", "ask"],
            Layout::QuoteTicks => {
                &["time", "bid", "bid_size", "ask", "ask_size", "exchange", "condition", "suspicious"]
            }
            Layout::TradeTicks => &["time", "price", "size", "exchange", "condition", "suspicious"],
            Layout::TradeBars => &["time", "open", "high", "low", "close", "volume"],
            Layout::QuoteBars | Layout::ClosingQuotes => &[
                "time",
                "bid_open",
                "bid_high",
                "bid_low",
                "bid_close",
                "bid_size",
                "ask_open",
                "ask_high",
                "ask_low",
                "ask_close",
                "ask_size",
            ],
        }
    }

    /// How many of its columns are always there.
    const fn needed(self) -> usize {
        match self {
            Layout::QuoteTicks => 5,
            Layout::TradeTicks => 3,
            _ => self.columns().len(),
        }
    }
}

/// How a file writes its times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Times {
    /// Milliseconds since midnight of this day, which is given in nanoseconds since 1970.
    SinceMidnight(i64),
    /// A day and a time of day.
    Dates,
}

/// Reads rows; keeps what one row must know of the ones before.
pub(super) struct Rows {
    pub(super) layout: Layout,
    pub(super) times: Times,
    pub(super) clock: LocalClock,
    /// Whether prices are whole numbers of 1/10,000.
    pub(super) scaled: bool,
    /// Whether a size of 0 means that there is none.
    pub(super) lacks_sizes: bool,
    pub(super) instrument: InstrumentId,
    /// From an event to its arrival.
    pub(super) feed_latency: Nanoseconds,
    /// How long after its stamp a bar is known.
    pub(super) bar_known_after: Nanoseconds,
    pub(super) tally: Arc<Tally>,
    pub(super) received: Timestamp,
    pub(super) ends: [u32; MOST_COLUMNS],
    pub(super) bid: Option<Side>,
    pub(super) ask: Option<Side>,
}

pub(super) const MOST_COLUMNS: usize = 11;

/// One side of the running quote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Side {
    price: Price,
    size: Option<Quantity>,
}

impl ReadRow for Rows {
    fn read(&mut self, line: &[u8], _has_quotes: bool, batch: &mut Vec<Event>) -> Read<()> {
        let count = split_plain(line, b',', &mut self.ends);
        let most = self.layout.columns().len();
        if count < self.layout.needed() || count > most {
            return Err(self.wrong_count(count));
        }
        let ends = self.ends;
        let row = Row { text: line, ends: &ends };
        let stamp = self.time(&row)?;
        let known = match self.layout {
            Layout::PlainQuoteTicks | Layout::QuoteTicks | Layout::TradeTicks => stamp,
            Layout::TradeBars | Layout::QuoteBars | Layout::ClosingQuotes => {
                stamp.0.checked_add(self.bar_known_after.0).map(Timestamp).ok_or_else(out_of_range)?
            }
        };
        let fact = match self.layout {
            Layout::PlainQuoteTicks => {
                let quote = Quote {
                    bid: self.price(&row, 1)?,
                    ask: self.price(&row, 2)?,
                    bid_size: None,
                    ask_size: None,
                };
                Some(Fact::QuoteChanged(quote))
            }
            Layout::QuoteTicks => self.quote(&row)?.map(Fact::QuoteChanged),
            Layout::TradeTicks => {
                let (price, size) = (self.price(&row, 1)?, self.size(&row, 2)?);
                if size == Some(Quantity::ZERO) {
                    return Err(column(2, "is not the size of a trade", "more than zero"));
                }
                Some(Fact::TradePrinted(Trade { price, size, aggressor: None }))
            }
            Layout::TradeBars => {
                let bar = self.bar(&row, 1, stamp)?;
                check_bar(&bar, [2, 3])?;
                Some(Fact::BarReceived(Bar { volume: self.size(&row, 5)?, ..bar }))
            }
            Layout::QuoteBars => self.mid_bar(&row, stamp)?.map(Fact::BarReceived),
            Layout::ClosingQuotes => self.closing_quote(&row)?.map(Fact::QuoteChanged),
        };
        let arrival = known.0.checked_add(self.feed_latency.0).map(Timestamp).ok_or_else(out_of_range)?;
        if let Some(fact) = fact {
            self.received = self.received.max(arrival);
            batch.push(Event::unnumbered(known, self.received, self.instrument, fact));
        }
        Ok(())
    }

    fn delimiter(&self) -> u8 {
        b','
    }
}

#[cold]
fn out_of_range() -> Box<Flaw> {
    column(0, "is not a time", "a time from 1677-09-21 to 2262-04-11")
}

impl Rows {
    #[cold]
    fn wrong_count(&self, count: usize) -> Box<Flaw> {
        let columns = self.layout.columns();
        let (least, most) = (self.layout.needed(), columns.len());
        let problem = if count < least { "has too few columns" } else { "has too many columns" };
        let range = if least == most { least.to_string() } else { format!("{least} to {most}") };
        let mut flaw = whole_row(problem, "");
        flaw.expected = format!("{range} columns ({}), found {count}", columns.join(", ")).into();
        flaw
    }

    fn time(&mut self, row: &Row<'_>) -> Read<Timestamp> {
        let text = row.field(0);
        let wall = match self.times {
            Times::SinceMidnight(midnight) => {
                let since = match whole(text) {
                    Some(milliseconds) => milliseconds.checked_mul(1_000_000),
                    None => MILLISECONDS.read(text).ok().map(|time| time.0),
                };
                let since =
                    since.filter(|since| (0..Nanoseconds::DAY.0).contains(since)).ok_or_else(|| {
                        column(0, "is not a time of day", "milliseconds since midnight, such as 34200000")
                    })?;
                midnight.checked_add(since)
            }
            Times::Dates => match DATES.read(text) {
                Ok(time) => Some(time.0),
                Err(_) => return Err(column(0, "is not a time", "a day and a time such as 20131007 09:00")),
            },
        };
        wall.and_then(|wall| self.clock.utc_of(wall)).ok_or_else(out_of_range)
    }

    /// A price, which equities write in units of 1/10,000.
    #[inline]
    fn price(&self, row: &Row<'_>, place: usize) -> Read<Price> {
        if !self.scaled {
            return row.price(place);
        }
        let text = row.field(place);
        if let Some(price) = whole(text).and_then(|units| units.checked_mul(UNIT))
            && price <= FIXED_MAX
        {
            return Ok(Price(price));
        }
        scaled(text).ok_or_else(|| {
            column(place, "is not a price", "ten-thousandths, such as 1387600 for 138.76, at most 5 decimals")
        })
    }

    /// A size; decimals beyond the ninth, which are what a float left behind, are rounded and counted.
    fn size(&self, row: &Row<'_>, place: usize) -> Read<Option<Quantity>> {
        if let Some(size) = whole(row.field(place)).and_then(|size| size.checked_mul(SCALE))
            && size <= FIXED_MAX
        {
            return Ok(Some(Quantity(size)).filter(|size| !self.lacks_sizes || *size != Quantity::ZERO));
        }
        match row.size(Some(place)) {
            Ok(size) => Ok(size.filter(|size| !self.lacks_sizes || *size != Quantity::ZERO)),
            Err(flaw) => match rounded(row.field(place)) {
                Some(size) if flaw.expected == needed(genovo_engine::units::UnitError::TooFine) => {
                    self.tally.rounded.fetch_add(1, Ordering::Relaxed);
                    Ok(Some(size))
                }
                _ => Err(flaw),
            },
        }
    }

    /// One side at these places; `None` when the row has none, which it shows by nothing or by 0.
    fn side(&self, row: &Row<'_>, price: usize, size: usize) -> Read<Option<Side>> {
        match row.field(price) {
            b"" | b"0" => Ok(None),
            _ => Ok(Some(Side { price: self.price(row, price)?, size: self.size(row, size)? })),
        }
    }

    /// The running quote, when both sides are known and this row changed it.
    fn quote(&mut self, row: &Row<'_>) -> Read<Option<Quote>> {
        let (bid, ask) = (self.side(row, 1, 2)?, self.side(row, 3, 4)?);
        if bid.is_none() && ask.is_none() {
            return Err(whole_row("has neither bid nor ask", "a price of one side at least"));
        }
        Ok(self.change(bid, ask).map(|(bid, ask)| quote_of(bid, ask)))
    }

    /// Takes new sides; both, if both are known now and one of them is another than before.
    fn change(&mut self, bid: Option<Side>, ask: Option<Side>) -> Option<(Side, Side)> {
        let before = (self.bid, self.ask);
        self.bid = bid.or(self.bid);
        self.ask = ask.or(self.ask);
        if before == (self.bid, self.ask) {
            return None;
        }
        Some((self.bid?, self.ask?))
    }

    fn bar(&self, row: &Row<'_>, first: usize, open_time: Timestamp) -> Read<Bar> {
        Ok(Bar {
            open_time,
            open: self.price(row, first)?,
            high: self.price(row, first + 1)?,
            low: self.price(row, first + 2)?,
            close: self.price(row, first + 3)?,
            volume: None,
        })
    }

    /// The bar of one side; a side without quotes in the bar stands where it last stood.
    fn side_bar(&mut self, row: &Row<'_>, first: usize, stamp: Timestamp) -> Read<Option<Bar>> {
        let last = if first == 1 { &self.bid } else { &self.ask };
        if row.field(first).is_empty() {
            let still = |side: Side| Bar {
                open_time: stamp,
                open: side.price,
                high: side.price,
                low: side.price,
                close: side.price,
                volume: None,
            };
            return Ok(last.map(still));
        }
        let bar = self.bar(row, first, stamp)?;
        check_bar(&bar, [first + 1, first + 2])?;
        let side = Some(Side { price: bar.close, size: self.size(row, first + 4)? });
        *(if first == 1 { &mut self.bid } else { &mut self.ask }) = side;
        Ok(Some(bar))
    }

    /// The bar of the mid price; `None` until both sides were seen.
    fn mid_bar(&mut self, row: &Row<'_>, stamp: Timestamp) -> Read<Option<Bar>> {
        let (bid, ask) = (self.side_bar(row, 1, stamp)?, self.side_bar(row, 6, stamp)?);
        let (Some(bid), Some(ask)) = (bid, ask) else { return Ok(None) };
        Ok(Some(Bar {
            open_time: stamp,
            open: mid(bid.open, ask.open),
            high: mid(bid.high, ask.high),
            low: mid(bid.low, ask.low),
            close: mid(bid.close, ask.close),
            volume: None,
        }))
    }

    /// The quote at the end of a bar; `None` until both sides were seen.
    fn closing_quote(&mut self, row: &Row<'_>) -> Read<Option<Quote>> {
        self.mid_bar(row, Timestamp(0))?;
        Ok(self.bid.zip(self.ask).map(|(bid, ask)| quote_of(bid, ask)))
    }
}

fn quote_of(bid: Side, ask: Side) -> Quote {
    Quote { bid: bid.price, ask: ask.price, bid_size: bid.size, ask_size: ask.size }
}

/// Half of the sum, a half unit to the even neighbour.
fn mid(bid: Price, ask: Price) -> Price {
    let sum = bid.0 + ask.0;
    let half = sum.div_euclid(2);
    Price(half + (sum.rem_euclid(2) & half & 1))
}

const MILLISECONDS: Clock = Clock { format: TimeFormat::Milliseconds, utc_offset: Nanoseconds::ZERO };
const DATES: Clock = Clock { format: TimeFormat::Text, utc_offset: Nanoseconds::ZERO };

/// Ten-thousandths in units of 1e-9.
const UNIT: i64 = SCALE / 10_000;

/// Up to 18 digits and nothing else.
#[inline]
fn whole(text: &[u8]) -> Option<i64> {
    if text.is_empty() || text.len() > 18 {
        return None;
    }
    text.iter().try_fold(0, |value, byte| {
        let digit = byte.wrapping_sub(b'0');
        (digit <= 9).then(|| value * 10 + i64::from(digit))
    })
}

/// Ten-thousandths with a sign or decimals.
fn scaled(text: &[u8]) -> Option<Price> {
    let (negative, digits) = match text.strip_prefix(b"-") {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let point = digits.iter().position(|&byte| byte == b'.').unwrap_or(digits.len());
    let decimals = digits.get(point + 1..).unwrap_or_default();
    let (units, parts) = (whole(&digits[..point])?, if decimals.is_empty() { 0 } else { whole(decimals)? });
    let mut scale = 1;
    for _ in decimals {
        scale = i64::checked_mul(scale, 10)?;
    }
    let parts = i128::from(parts) * i128::from(UNIT);
    let exact = parts % i128::from(scale) == 0;
    let price = i128::from(units) * i128::from(UNIT) + parts / i128::from(scale);
    let price = i64::try_from(price).ok().filter(|price| exact && *price <= FIXED_MAX)?;
    Some(Price(if negative { -price } else { price }))
}

/// A size with more than nine decimals, rounded to nine, half to even.
fn rounded(text: &[u8]) -> Option<Quantity> {
    let point = text.iter().position(|&byte| byte == b'.')?;
    let (units, decimals) = (&text[..point], &text[point + 1..]);
    let units = if units.is_empty() { 0 } else { whole(units)? };
    if decimals.len() < 10 || !decimals.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let kept = units.checked_mul(SCALE)?.checked_add(whole(&decimals[..9])?)?;
    let rest = &decimals[9..];
    let up = match rest[0] {
        b'5' if rest[1..].iter().all(|&digit| digit == b'0') => kept % 2 == 1,
        digit => digit >= b'5',
    };
    Some(kept + i64::from(up)).filter(|size| *size <= FIXED_MAX).map(Quantity)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_thousandths_are_exact() {
        for (text, price) in [
            ("136300", Some(13_630_000_000)),
            ("136300.5", Some(13_630_050_000)),
            ("-136300", Some(-13_630_000_000)),
            ("5000000000", Some(500_000_000_000_000)),
            ("1.00001", Some(100_001)),
            ("1.000001", None),
            ("", None),
            ("1e5", None),
            ("99999999999999999999", None),
            ("-", None),
            (".5", None),
        ] {
            assert_eq!(scaled(text.as_bytes()), price.map(Price), "{text}");
        }
    }

    #[test]
    fn what_a_float_left_behind_is_rounded() {
        for (text, size) in [
            ("33.35399601000002", Some(33_353_996_010)),
            ("0.34307688999999997", Some(343_076_890)),
            ("0.0000000005", Some(0)),
            ("0.0000000015", Some(2)),
            ("0.00000000150001", Some(2)),
            ("1.5", None),
            ("x.0000000005", None),
        ] {
            assert_eq!(rounded(text.as_bytes()), size.map(Quantity), "{text}");
        }
        assert_eq!(mid(Price(1), Price(2)), Price(2));
        assert_eq!(mid(Price(2), Price(3)), Price(2));
        assert_eq!(mid(Price(-1), Price(-2)), Price(-2));
    }
}
