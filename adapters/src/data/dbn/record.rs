//! One record to one event, or to none.

use std::ffi::c_char;

use dbn::{
    BboMsg, CbboMsg, Cmbp1Msg, HasRType, MboMsg, Mbp1Msg, Mbp10Msg, OhlcvMsg, RecordRef, TradeMsg,
    UNDEF_ORDER_SIZE, UNDEF_PRICE, UNDEF_TIMESTAMP,
};
use genovo_engine::event::{Bar, Event, Fact, Quote, Side, Trade};
use genovo_engine::ids::InstrumentId;
use genovo_engine::settings::DataKind;
use genovo_engine::units::{FIXED_MAX, Nanoseconds, Price, Quantity, SCALE, Timestamp};

use super::book::{self, Books};
use super::symbols::{Symbols, Verdict};

/// What is wrong with a record.
#[derive(Debug)]
pub(super) struct Flaw {
    pub(super) field: &'static str,
    pub(super) value: String,
    pub(super) problem: &'static str,
    pub(super) expected: &'static str,
    /// The record as it can be shown.
    pub(super) text: String,
}

/// Reads records; keeps what one must know of the ones before.
pub(super) struct Records {
    pub(super) kind: DataKind,
    pub(super) instrument: InstrumentId,
    pub(super) feed_latency: Nanoseconds,
    pub(super) clock_offset: Nanoseconds,
    pub(super) bar_known_after: Nanoseconds,
    pub(super) received: Timestamp,
    pub(super) last: Option<Quote>,
    /// Records that would be quotes, were there both sides.
    pub(super) one_sided: u64,
    /// What of order books must be known.
    pub(super) books: Books,
}

pub(super) type Read<T> = Result<T, Box<Flaw>>;

/// What the schemas have in common once their layouts are left behind.
struct Row {
    /// When it happened; `None` when the record does not say.
    event: u64,
    /// When the capture got it; undefined for bars.
    received: u64,
    /// The price and size of a trade and who crossed, when the record is one.
    trade: Option<(i64, u32, c_char)>,
    /// Bid, its size, ask, its size.
    touch: Option<(i64, u32, i64, u32)>,
    bar: Option<([i64; 4], u64)>,
}

const TRADE: c_char = b'T' as c_char;

/// The row of a record of a schema that is read.
fn row(record: RecordRef<'_>) -> Read<Option<Row>> {
    if let Some(message) = message::<Mbp1Msg>(record)? {
        let level = &message.levels[0];
        return Ok(Some(Row {
            event: message.hd.ts_event,
            received: message.ts_recv,
            trade: (message.action == TRADE).then_some((message.price, message.size, message.side)),
            touch: Some((level.bid_px, level.bid_sz, level.ask_px, level.ask_sz)),
            bar: None,
        }));
    }
    if let Some(message) = message::<Mbp10Msg>(record)? {
        let level = &message.levels[0];
        return Ok(Some(Row {
            event: message.hd.ts_event,
            received: message.ts_recv,
            trade: (message.action == TRADE).then_some((message.price, message.size, message.side)),
            touch: Some((level.bid_px, level.bid_sz, level.ask_px, level.ask_sz)),
            bar: None,
        }));
    }
    if let Some(message) = message::<MboMsg>(record)? {
        return Ok(Some(Row {
            event: message.hd.ts_event,
            received: message.ts_recv,
            trade: (message.action == TRADE).then_some((message.price, message.size, message.side)),
            touch: None,
            bar: None,
        }));
    }
    if let Some(message) = message::<TradeMsg>(record)? {
        return Ok(Some(Row {
            event: message.hd.ts_event,
            received: message.ts_recv,
            trade: Some((message.price, message.size, message.side)),
            touch: None,
            bar: None,
        }));
    }
    if let Some(message) = message::<OhlcvMsg>(record)? {
        return Ok(Some(Row {
            event: message.hd.ts_event,
            received: UNDEF_TIMESTAMP,
            trade: None,
            touch: None,
            bar: Some(([message.open, message.high, message.low, message.close], message.volume)),
        }));
    }
    if let Some(message) = message::<BboMsg>(record)? {
        let level = &message.levels[0];
        // The event is the last trade; what stands here stood at the interval's end.
        return Ok(Some(Row {
            event: message.ts_recv,
            received: message.ts_recv,
            trade: None,
            touch: Some((level.bid_px, level.bid_sz, level.ask_px, level.ask_sz)),
            bar: None,
        }));
    }
    if let Some(message) = message::<Cmbp1Msg>(record)? {
        let level = &message.levels[0];
        return Ok(Some(Row {
            event: message.hd.ts_event,
            received: message.ts_recv,
            trade: (message.action == TRADE).then_some((message.price, message.size, message.side)),
            touch: Some((level.bid_px, level.bid_sz, level.ask_px, level.ask_sz)),
            bar: None,
        }));
    }
    if let Some(message) = message::<CbboMsg>(record)? {
        let level = &message.levels[0];
        return Ok(Some(Row {
            event: message.ts_recv,
            received: message.ts_recv,
            trade: None,
            touch: Some((level.bid_px, level.bid_sz, level.ask_px, level.ask_sz)),
            bar: None,
        }));
    }
    // Symbol mappings, system messages and the like stand between the records of some files.
    Ok(None)
}

/// The record as a `T`, if it is one.
pub(super) fn message<T: HasRType<Header = dbn::RecordHeader>>(record: RecordRef<'_>) -> Read<Option<&T>> {
    if !record.has::<T>() {
        return Ok(None);
    }
    record.try_get().map(Some).map_err(|_| {
        let value = record.header().record_size().to_string();
        let text = format!("length {value} bytes");
        let (problem, expected) = ("is not the length of its type", "a whole record of its schema");
        Box::new(Flaw { field: "length", value, problem, expected, text })
    })
}

impl Records {
    /// Reads a record and appends its event, if it makes one.
    pub(super) fn read(
        &mut self,
        record: RecordRef<'_>,
        symbols: &mut Symbols,
        batch: &mut Vec<Event>,
    ) -> Read<()> {
        if self.kind == DataKind::Books {
            return self.read_book(record, symbols, batch);
        }
        let Some(row) = row(record)? else { return Ok(()) };
        let number = record.header().instrument_id;
        let flaw = |field, value: String, problem, expected| {
            let text = format!("instrument {number}   {}", row.text());
            Box::new(Flaw { field, value, problem, expected, text })
        };
        let stamp = if row.event == UNDEF_TIMESTAMP { row.received } else { row.event };
        let time = |field, value: u64| {
            i64::try_from(value).map(Timestamp).map_err(|_| {
                flaw(field, value.to_string(), "is not a time", "nanoseconds up to the year 2262")
            })
        };
        let stamp = time("ts_event", stamp)?;
        let index = if row.received == UNDEF_TIMESTAMP { stamp } else { time("ts_recv", row.received)? };
        match symbols.judge(number, index) {
            Verdict::Meant => {}
            Verdict::Another => return Ok(()),
            Verdict::Stranger => {
                let expected = "the one that the file names; say which with `select`";
                return Err(flaw("instrument", number.to_string(), "is another instrument", expected));
            }
        }
        let price = |field, value: i64| match value {
            value if (-FIXED_MAX..=FIXED_MAX).contains(&value) => Ok(Price(value)),
            UNDEF_PRICE => Err(flaw(field, value.to_string(), "is no price", "a price, it is undefined")),
            _ => Err(flaw(field, value.to_string(), "is not a price", "at most 4.6 billion")),
        };
        let (mut known, mut arrives) = (stamp, None);
        let fact = match self.kind {
            DataKind::Trades => {
                let Some((value, size, side)) = row.trade else { return Ok(()) };
                let size = size_of(size);
                if size == Some(Quantity::ZERO) {
                    return Err(flaw(
                        "size",
                        "0".to_string(),
                        "is not the size of a trade",
                        "more than zero",
                    ));
                }
                let aggressor = match side as u8 {
                    b'B' => Some(Side::Buy),
                    b'A' => Some(Side::Sell),
                    b'N' => None,
                    other => {
                        let value = other.escape_ascii().to_string();
                        return Err(flaw("side", value, "is not a side", "A, B or N"));
                    }
                };
                Fact::TradePrinted(Trade { price: price("price", value)?, size, aggressor })
            }
            DataKind::Quotes => {
                let Some((bid, bid_size, ask, ask_size)) = row.touch else { return Ok(()) };
                if bid == UNDEF_PRICE || ask == UNDEF_PRICE {
                    self.one_sided += 1;
                    return Ok(());
                }
                let quote = Quote {
                    bid: price("bid_px", bid)?,
                    ask: price("ask_px", ask)?,
                    bid_size: size_of(bid_size),
                    ask_size: size_of(ask_size),
                };
                // A trade or a change behind the best prices repeats the quote, which then has not changed.
                if self.last.replace(quote) == Some(quote) {
                    return Ok(());
                }
                Fact::QuoteChanged(quote)
            }
            DataKind::Bars => {
                let Some(([open, high, low, close], volume)) = row.bar else { return Ok(()) };
                let bar = Bar {
                    open_time: stamp,
                    open: price("open", open)?,
                    high: price("high", high)?,
                    low: price("low", low)?,
                    close: price("close", close)?,
                    volume: match i64::try_from(volume).ok().and_then(|volume| volume.checked_mul(SCALE)) {
                        Some(volume) if volume <= FIXED_MAX => Some(Quantity(volume)),
                        _ => {
                            let value = volume.to_string();
                            return Err(flaw("volume", value, "is not a volume", "at most 4.6 billion"));
                        }
                    },
                };
                if bar.high < bar.open.max(bar.close).max(bar.low) {
                    let (value, expected) = (high.to_string(), "no price of the bar above it");
                    return Err(flaw("high", value, "is not the high of this bar", expected));
                }
                if bar.low > bar.open.min(bar.close) {
                    let (value, expected) = (low.to_string(), "no price of the bar below it");
                    return Err(flaw("low", value, "is not the low of this bar", expected));
                }
                known = later(stamp, self.bar_known_after).ok_or_else(|| {
                    flaw("ts_event", stamp.0.to_string(), "is not a time", "one before 2262")
                })?;
                Fact::BarReceived(bar)
            }
            DataKind::Books
            | DataKind::Journal
            | DataKind::Actions
            | DataKind::Signals
            | DataKind::Outside => return Ok(()),
        };
        if row.received != UNDEF_TIMESTAMP {
            arrives = later(index, self.clock_offset);
        }
        let arrives = arrives.or_else(|| later(known, self.feed_latency));
        let arrives = arrives
            .ok_or_else(|| flaw("ts_recv", index.0.to_string(), "is not a time", "one before 2262"))?;
        self.received = self.received.max(arrives);
        batch.push(Event::unnumbered(known, self.received, self.instrument, fact));
        Ok(())
    }

    /// Reads a record of an order book and appends its events.
    fn read_book(
        &mut self,
        record: RecordRef<'_>,
        symbols: &mut Symbols,
        batch: &mut Vec<Event>,
    ) -> Read<()> {
        let Some((event, received)) = book::times(record)? else { return Ok(()) };
        let number = record.header().instrument_id;
        let flaw = |field, value: String, problem, expected| {
            Box::new(Flaw { field, value, problem, expected, text: format!("instrument {number}") })
        };
        let time = |field, value: u64| {
            i64::try_from(value).map(Timestamp).map_err(|_| {
                flaw(field, value.to_string(), "is not a time", "nanoseconds up to the year 2262")
            })
        };
        let undefined = |value| value == UNDEF_TIMESTAMP;
        let stamp = time("ts_event", if undefined(event) { received } else { event })?;
        let index = if undefined(received) { stamp } else { time("ts_recv", received)? };
        match symbols.judge(number, index) {
            Verdict::Meant => {}
            Verdict::Another => return Ok(()),
            Verdict::Stranger => {
                let expected = "the one that the file names; say which with `select`";
                return Err(flaw("instrument", number.to_string(), "is another instrument", expected));
            }
        }
        let by = if undefined(received) { self.feed_latency } else { self.clock_offset };
        let arrives = later(index, by)
            .ok_or_else(|| flaw("ts_recv", index.0.to_string(), "is not a time", "one before 2262"))?;
        self.received = self.received.max(arrives);
        let (received, instrument) = (self.received, self.instrument);
        self.books.read(record, |fact| batch.push(Event::unnumbered(stamp, received, instrument, fact)))
    }

    /// How many records had one side only since this was asked last.
    pub(super) fn take_one_sided(&mut self) -> u64 {
        std::mem::take(&mut self.one_sided)
    }
}

fn later(time: Timestamp, by: Nanoseconds) -> Option<Timestamp> {
    time.0.checked_add(by.0).map(Timestamp)
}

/// A size in whole units; the undefined one is unknown.
fn size_of(size: u32) -> Option<Quantity> {
    (size != UNDEF_ORDER_SIZE).then(|| Quantity(i64::from(size) * SCALE))
}

impl Row {
    fn text(&self) -> String {
        let time = |name: &str, value: u64| match value {
            UNDEF_TIMESTAMP => String::new(),
            value => format!("{name} {value}   "),
        };
        let mut text = time("ts_event", self.event) + &time("ts_recv", self.received);
        if let Some((price, size, side)) = self.trade {
            text += &format!("price {price} size {size} side {}   ", (side as u8).escape_ascii());
        }
        if let Some((bid, bid_size, ask, ask_size)) = self.touch {
            text += &format!("bid_px {bid} bid_sz {bid_size} ask_px {ask} ask_sz {ask_size}");
        }
        if let Some(([open, high, low, close], volume)) = self.bar {
            text += &format!("open {open} high {high} low {low} close {close} volume {volume}");
        }
        text.trim_end().to_string()
    }
}
