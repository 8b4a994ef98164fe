//! A message and the line of the book that goes with it, to events.

use std::io::Read as Stream;
use std::path::PathBuf;

use genovo_engine::event::{BookReset, Event, Fact, ResetReason, Side, Trade};
use genovo_engine::ids::InstrumentId;
use genovo_engine::units::{Nanoseconds, Price, Quantity, SCALE, Timestamp};

use super::window::{Level, Window};
use crate::data::DataSpec;
use crate::data::lean::LocalClock;
use crate::data::text::ReadRow;
use crate::data::text::fields::split_plain;
use crate::data::text::lines::{LINE_MAX, Lines, LinesError, line_at};
use crate::data::text::values::{Flaw, Place, Read, column, whole_row};

/// The columns of a message.
pub(super) const COLUMNS: [&str; 6] = ["time", "type", "order", "size", "price", "direction"];

/// Ten-thousandths of a dollar in the engine's 1e-9.
const TEN_THOUSANDTH: i64 = SCALE / 10_000;
/// More levels than anybody shows.
const LEVELS_MAX: usize = 1_000;

/// What the book showed after each message: the second file.
pub(super) struct Shown {
    file: PathBuf,
    lines: Lines,
    bids: Vec<Level>,
    asks: Vec<Level>,
}

impl Shown {
    pub(super) fn new(file: PathBuf, text: Box<dyn Stream + Send>) -> Shown {
        Shown { file, lines: Lines::new(text), bids: Vec::new(), asks: Vec::new() }
    }

    /// What is wrong in this file, or with it.
    #[cold]
    fn flaw(&self, problem: &'static str, what: &str) -> Box<Flaw> {
        let name = self.file.file_name().unwrap_or_default().to_string_lossy();
        let expected = format!("{what} (line {} of `{name}`)", self.lines.taken());
        Box::new(Flaw { place: Place::Row, problem, expected: expected.into() })
    }

    /// Takes the next line.
    fn advance(&mut self) -> Read<()> {
        self.bids.clear();
        self.asks.clear();
        let mut read = Ok(());
        match self.lines.block() {
            Err(LinesError::Input(error)) => {
                let said = error.to_string();
                return Err(self.flaw("comes with a book that cannot be read", &said));
            }
            Err(LinesError::TooLong) => {
                return Err(self.flaw("comes with a book that cannot be read", "lines of at most 1 MiB"));
            }
            Ok(([], _)) => {
                let expected = "a line of the book for every message, it has ended";
                return Err(self.flaw("has no book", expected));
            }
            Ok((block, _)) => {
                let (line, next) = line_at(block, 0);
                let (bids, asks) = (&mut self.bids, &mut self.asks);
                if levels(&block[line], bids, asks).is_none() {
                    read = Err(());
                }
                self.lines.take(next, 1);
            }
        }
        read.map_err(|()| {
            let expected = "prices and sizes by turns, an ask and a bid a level: whole numbers";
            self.flaw("comes with a book that is none", expected)
        })
    }
}

/// Reads `ask price, ask size, bid price, bid size, …`; places that are empty have the size 0.
fn levels(line: &[u8], bids: &mut Vec<Level>, asks: &mut Vec<Level>) -> Option<()> {
    let mut fields = line.split(|&byte| byte == b',').map(<[u8]>::trim_ascii);
    let mut count = 0;
    while let Some(price) = fields.next() {
        let (price, size) = (whole(price)?, whole(fields.next()?)?);
        let side = if count % 2 == 0 { &mut *asks } else { &mut *bids };
        count += 1;
        if size < 0 || count > 2 * LEVELS_MAX {
            return None;
        }
        if size > 0 {
            side.push(Level { price: self::price(price)?, size: self::size(size)? });
        }
    }
    (count % 2 == 0).then_some(())
}

fn whole(text: &[u8]) -> Option<i64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

fn price(ten_thousandths: i64) -> Option<Price> {
    let price = ten_thousandths.checked_mul(TEN_THOUSANDTH)?;
    (price.unsigned_abs() <= genovo_engine::units::FIXED_MAX as u64).then_some(Price(price))
}

fn size(shares: i64) -> Option<Quantity> {
    let size = shares.checked_mul(SCALE)?;
    (size <= genovo_engine::units::FIXED_MAX).then_some(Quantity(size))
}

/// Reads messages.
pub(super) struct Rows {
    instrument: InstrumentId,
    feed_latency: Nanoseconds,
    midnight: i64,
    clock: LocalClock,
    /// As books; `None`: the trades alone.
    shown: Option<Shown>,
    window: Window,
    began: bool,
    time: Timestamp,
    received: Timestamp,
}

impl Rows {
    pub(super) fn new(spec: &DataSpec, midnight: i64, shown: Option<Shown>) -> Rows {
        Rows {
            instrument: spec.instrument,
            feed_latency: spec.feed_latency,
            midnight,
            clock: LocalClock::of_new_york(),
            shown,
            window: Window::default(),
            began: false,
            time: Timestamp::MIN,
            received: Timestamp::MIN,
        }
    }

    /// Seconds since midnight with a fraction, in New York.
    fn time(&mut self, text: &[u8]) -> Option<Timestamp> {
        let (seconds, fraction) = match text.iter().position(|&byte| byte == b'.') {
            Some(dot) => (&text[..dot], &text[dot + 1..]),
            None => (text, &b""[..]),
        };
        let seconds = whole(seconds).filter(|seconds| (0..172_800).contains(seconds))?;
        if !fraction.iter().all(u8::is_ascii_digit) {
            return None;
        }
        // Some files have more digits than a nanosecond has.
        let mut nanoseconds = 0;
        for place in 0..9 {
            nanoseconds = 10 * nanoseconds + i64::from(fraction.get(place).map_or(0, |digit| digit - b'0'));
        }
        let wall = self.midnight.checked_add(seconds * 1_000_000_000 + nanoseconds)?;
        self.clock.utc_of(wall)
    }

    fn push(&mut self, fact: Fact, batch: &mut Vec<Event>) {
        self.received = self.received.max(Timestamp(self.time.0.saturating_add(self.feed_latency.0)));
        batch.push(Event::unnumbered(self.time, self.received, self.instrument, fact));
    }
}

impl ReadRow for Rows {
    fn read(&mut self, line: &[u8], _: bool, batch: &mut Vec<Event>) -> Read<()> {
        // The two files go side by side, also where a message is left out.
        if let Some(shown) = &mut self.shown {
            shown.advance()?;
        }
        if line.len() > LINE_MAX {
            return Err(whole_row("is no message", "a line of at most 1 MiB"));
        }
        let mut ends = [0; COLUMNS.len()];
        if split_plain(line, b',', &mut ends) != COLUMNS.len() {
            return Err(whole_row("is no message", "six columns: time, type, order, size, price, direction"));
        }
        let field = |place: usize| {
            let start = if place == 0 { 0 } else { ends[place - 1] as usize + 1 };
            line[start..ends[place] as usize].trim_ascii()
        };
        let number =
            |place, problem, expected| whole(field(place)).ok_or_else(|| column(place, problem, expected));
        let expected = "seconds since midnight: 34200.004241176";
        self.time = self.time(field(0)).ok_or_else(|| column(0, "is not a time", expected))?;
        let kind = number(1, "is no type", "a number from 1 to 7")?;
        let order = number(2, "is no order", "a whole number")?;
        let shares = number(3, "is not a size", "a whole number")?;
        let at = number(4, "is not a price", "ten-thousandths of a dollar, a whole number")?;
        let direction = number(5, "is no direction", "1 or -1")?;
        let side = match direction {
            1 => Side::Buy,
            -1 => Side::Sell,
            _ => return Err(column(5, "is no direction", "1 or -1")),
        };
        let mut traded = None;
        // A halt says no more than that: the book beside it stays as it is.
        if kind != 7 {
            let size = (shares >= 0).then(|| size(shares)).flatten();
            let size = size.ok_or_else(|| column(3, "is not a size", "up to 4.6 billion, no minus sign"))?;
            let price =
                price(at).ok_or_else(|| column(4, "is not a price", "ten-thousandths below 46 trillion"))?;
            // Of an execution the side is that of the order that rested.
            let aggressor = match kind {
                1..=3 => None,
                4 | 5 => Some(Some(if side == Side::Buy { Side::Sell } else { Side::Buy })),
                6 => Some(None),
                _ => return Err(column(1, "is no type", "a number from 1 to 7")),
            };
            let is_size = size > Quantity::ZERO;
            traded =
                aggressor.filter(|_| is_size).map(|aggressor| Trade { price, size: Some(size), aggressor });
            let changes = self.shown.is_some() && is_size && matches!(kind, 1..=4);
            if changes && order <= 0 {
                return Err(column(2, "is no order", "a number above 0"));
            }
            if changes && kind == 1 {
                self.window.add(side, price, order.unsigned_abs(), size);
            } else if changes {
                // One that is nowhere was not shown: the book says so, too.
                self.window.reduce(side, price, order.unsigned_abs(), size, kind == 4);
            }
        }
        let first = batch.len();
        if self.shown.is_some() && !std::mem::replace(&mut self.began, true) {
            self.push(Fact::BookReset(BookReset { reason: ResetReason::Snapshot }), batch);
        }
        if let Some(trade) = traded {
            self.push(Fact::TradePrinted(trade), batch);
        }
        if let Some(shown) = &mut self.shown {
            let bids = self.window.show(Side::Buy, &shown.bids);
            let agreed = bids.and_then(|()| self.window.show(Side::Sell, &shown.asks));
            if let Err((level, held)) = agreed {
                batch.truncate(first);
                let expected = format!("{held} at {}, it shows {}", level.price, level.size);
                self.window.changes.clear();
                return Err(shown.flaw("does not lead to the book beside it", &expected));
            }
            if let Some(last) = self.window.changes.last_mut() {
                last.last = true;
            }
            let changes = std::mem::take(&mut self.window.changes);
            for change in &changes {
                self.push(Fact::BookChanged(*change), batch);
            }
            self.window.changes = changes;
            self.window.changes.clear();
        }
        Ok(())
    }

    fn delimiter(&self) -> u8 {
        b','
    }
}
