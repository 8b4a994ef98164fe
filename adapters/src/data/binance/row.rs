//! One line to events: none, one, or one a level.

use std::borrow::Cow;
use std::fmt;

use genovo_engine::event::{
    BookAction, BookChange, BookReset, Event, Fact, FeedGap, Quote, ResetReason, Side, Trade,
};
use genovo_engine::ids::InstrumentId;
use genovo_engine::settings::DataKind;
use genovo_engine::units::{Nanoseconds, Price, Quantity, Timestamp};
use serde::Deserialize;
use serde::de::{Deserializer as _, IgnoredAny, SeqAccess, Visitor};

use super::depth::{Chain, Standing, Update, WAITING_MAX};
use super::message::{self, Depth, Message, Raw, Snapshot};
use super::milliseconds;
use crate::data::DataSpec;
use crate::data::text::ReadRow;
use crate::data::text::lines::LINE_MAX;
use crate::data::text::values::{Flaw, Place, Read, needed, whole_row};

/// Reads lines; keeps what one must know of the ones before.
pub(super) struct Rows {
    kind: DataKind,
    instrument: InstrumentId,
    clock_offset: Nanoseconds,
    select: Option<String>,
    /// The symbol that the capture is of: the one meant, else the first that it names.
    symbol: String,
    /// Whether trades come one by one or put together: the first says so, the others are the same ones again.
    aggregated: Option<bool>,
    received: Timestamp,
    chain: Chain,
    /// The levels of the update at hand.
    levels: Vec<BookChange>,
}

impl Rows {
    pub(super) fn new(spec: &DataSpec) -> Rows {
        Rows {
            kind: spec.kind,
            instrument: spec.instrument,
            clock_offset: spec.clock_offset,
            symbol: spec.select.clone().unwrap_or_default(),
            select: spec.select.clone(),
            aggregated: None,
            received: Timestamp::MIN,
            chain: Chain::new(),
            levels: Vec::new(),
        }
    }
}

/// What is wrong with these bytes of a line.
#[cold]
fn flaw(line: &[u8], part: &str, problem: &'static str, expected: impl Into<Cow<'static, str>>) -> Box<Flaw> {
    // A part that is not there is nowhere: then it is the line's.
    let place = match (part.as_ptr() as usize).checked_sub(line.as_ptr() as usize) {
        Some(start) if !part.is_empty() && start + part.len() <= line.len() => {
            Place::Bytes(start..start + part.len())
        }
        _ => Place::Row,
    };
    Box::new(Flaw { place, problem, expected: expected.into() })
}

fn price(line: &[u8], text: &str) -> Read<Price> {
    Price::parse(text.as_bytes()).map_err(|error| flaw(line, text, "is not a price", needed(error)))
}

fn size(line: &[u8], text: &str) -> Read<Quantity> {
    match Quantity::parse(text.as_bytes()) {
        Ok(size) if size < Quantity::ZERO => Err(flaw(line, text, "is not a size", "no minus sign")),
        Ok(size) => Ok(size),
        Err(error) => Err(flaw(line, text, "is not a size", needed(error))),
    }
}

/// A price and a size. Old streams have an empty list as a third place.
#[derive(Deserialize)]
struct Level<'a>(&'a str, &'a str, #[serde(default)] IgnoredAny);

/// Reads levels one after the other, without a list between.
struct Levels<'a, 'b> {
    line: &'a [u8],
    side: Side,
    out: &'b mut Vec<BookChange>,
}

impl Levels<'_, '_> {
    fn push(&mut self, Level(at, shown, _): &Level<'_>) -> Read<()> {
        self.out.push(BookChange {
            price: price(self.line, at)?,
            size: size(self.line, shown)?,
            order: 0,
            side: self.side,
            action: BookAction::SetLevel,
            last: false,
        });
        Ok(())
    }
}

impl<'a> Visitor<'a> for Levels<'a, '_> {
    type Value = Read<()>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("levels")
    }

    fn visit_seq<A: SeqAccess<'a>>(mut self, mut list: A) -> Result<Read<()>, A::Error> {
        let mut read = Ok(());
        while let Some(level) = list.next_element::<Level<'a>>()? {
            if read.is_ok() {
                read = self.push(&level);
            }
        }
        Ok(read)
    }
}

/// Appends the levels of `[["price","size"], …]`.
fn levels<'a>(line: &'a [u8], list: Raw<'a>, side: Side, out: &mut Vec<BookChange>) -> Read<()> {
    let Some(list) = list else { return Ok(()) };
    let read = serde_json::Deserializer::from_str(list.get()).deserialize_seq(Levels { line, side, out });
    read.unwrap_or_else(|_| {
        Err(flaw(line, list.get(), "is no list of levels", "pairs of a price and a size, as strings"))
    })
}

impl ReadRow for Rows {
    fn read(&mut self, line: &[u8], _: bool, batch: &mut Vec<Event>) -> Read<()> {
        if line.len() > LINE_MAX {
            return Err(whole_row("is no message", "a line of at most 1 MiB"));
        }
        let blank = line.iter().position(|&byte| byte == b' ').unwrap_or(line.len());
        let (stamp, body) = (&line[..blank], line.get(blank + 1..).unwrap_or(&[]));
        let arrived = nanoseconds(stamp).and_then(|stamp| stamp.checked_add(self.clock_offset.0));
        let arrived = arrived.map(Timestamp).ok_or_else(|| {
            let (place, expected) = (Place::Bytes(0..blank), "nanoseconds since 1970, then a blank".into());
            Box::new(Flaw { place, problem: "is not a time", expected })
        })?;
        let message = Message::read(body).map_err(|message::Lacks(what)| {
            let place = Place::Bytes(line.len() - body.len()..line.len());
            Box::new(Flaw { place, problem: "is no message", expected: what.into() })
        })?;
        if !self.is_meant(line, &message)? {
            return Ok(());
        }
        match message {
            Message::Depth(depth) if self.kind == DataKind::Books => self.depth(line, &depth, arrived, batch),
            Message::Snapshot(snapshot) if self.kind == DataKind::Books => {
                self.snapshot(line, &snapshot, arrived, batch)
            }
            Message::Trade(trade) if matches!(self.kind, DataKind::Books | DataKind::Trades) => {
                self.trade(line, &trade, arrived, batch)
            }
            Message::Ticker(ticker) if self.kind == DataKind::Quotes => {
                let quote = Quote {
                    bid: price(line, ticker.bid)?,
                    ask: price(line, ticker.ask)?,
                    bid_size: Some(size(line, ticker.bid_size)?),
                    ask_size: Some(size(line, ticker.ask_size)?),
                };
                let time = happened(ticker.time, arrived)?;
                self.push(time, arrived, Fact::QuoteChanged(quote), batch);
                Ok(())
            }
            Message::Depth(_)
            | Message::Snapshot(_)
            | Message::Trade(_)
            | Message::Ticker(_)
            | Message::Other => Ok(()),
        }
    }

    fn delimiter(&self) -> u8 {
        b' '
    }

    fn unfinished(&self) -> Option<(String, String)> {
        let waits = self.chain.standing == Standing::Waiting && !self.chain.updates.is_empty();
        (self.kind == DataKind::Books && waits).then(|| {
            (
                "it has updates of a book and no snapshot that they follow".to_string(),
                "put the answer of GET /depth into the capture, or read it as quotes or trades".to_string(),
            )
        })
    }
}

/// The digits before a message, as what they count.
fn nanoseconds(stamp: &[u8]) -> Option<i64> {
    let digits = std::str::from_utf8(stamp).ok()?;
    // A sign would be read as well.
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

/// When a message's event happened; where it does not say so, when it arrived.
fn happened(time: Option<u64>, arrived: Timestamp) -> Read<Timestamp> {
    match time {
        None => Ok(arrived),
        Some(time) => milliseconds(time).ok_or_else(|| {
            whole_row("has a time that is none", "milliseconds before the year 2262, not microseconds")
        }),
    }
}

impl Rows {
    /// Whether a message is of the symbol that is meant. A snapshot does not say whose it is.
    fn is_meant(&mut self, line: &[u8], message: &Message<'_>) -> Read<bool> {
        let Some(symbol) = message.symbol() else { return Ok(true) };
        if self.symbol.is_empty() {
            self.symbol = symbol.to_string();
        }
        if self.symbol.eq_ignore_ascii_case(symbol) {
            return Ok(true);
        }
        match self.select {
            Some(_) => Ok(false),
            None => {
                let expected = format!("{}; say which with `select`", self.symbol);
                Err(flaw(line, symbol, "is another instrument", expected))
            }
        }
    }

    #[inline]
    fn push(&mut self, time: Timestamp, arrived: Timestamp, fact: Fact, batch: &mut Vec<Event>) {
        self.received = self.received.max(arrived);
        batch.push(Event::unnumbered(time, self.received, self.instrument, fact));
    }

    fn trade(
        &mut self,
        line: &[u8],
        trade: &message::Trade<'_>,
        arrived: Timestamp,
        batch: &mut Vec<Event>,
    ) -> Read<()> {
        if *self.aggregated.get_or_insert(trade.aggregated) != trade.aggregated {
            return Ok(());
        }
        let traded = size(line, trade.size)?;
        if traded == Quantity::ZERO {
            // Futures print such for what their insurance fund takes over: nothing was traded in the market.
            return Ok(());
        }
        let aggressor = Some(if trade.buyer_rested { Side::Sell } else { Side::Buy });
        let fact = Trade { price: price(line, trade.price)?, size: Some(traded), aggressor };
        let time = happened(trade.time, arrived)?;
        self.push(time, arrived, Fact::TradePrinted(fact), batch);
        Ok(())
    }

    /// An update: shown now, or kept until a snapshot comes that it follows. One that is in the book already is passed
    /// over: a snapshot may have come before it.
    fn depth(
        &mut self,
        line: &[u8],
        depth: &Depth<'_>,
        arrived: Timestamp,
        batch: &mut Vec<Event>,
    ) -> Read<()> {
        if self.chain.holds(depth.last) {
            return Ok(());
        }
        let time = happened(depth.time, arrived)?;
        let mut changes = std::mem::take(&mut self.levels);
        changes.clear();
        let read = levels(line, depth.bids, Side::Buy, &mut changes)
            .and_then(|()| levels(line, depth.asks, Side::Sell, &mut changes));
        if let Some(last) = changes.last_mut() {
            last.last = true;
        }
        if read.is_ok() {
            if self.chain.standing != Standing::Waiting {
                let Depth { first, last, before, .. } = *depth;
                self.show(Update { first, last, before, time, changes: (0, 0) }, &changes, arrived, batch);
            }
            if self.chain.keeps() {
                let start = self.chain.changes.len();
                self.chain.changes.extend_from_slice(&changes);
                let Depth { first, last, before, .. } = *depth;
                let changes = (start, self.chain.changes.len());
                self.chain.updates.push(Update { first, last, before, time, changes });
            } else if self.chain.standing == Standing::Waiting && self.chain.changes.len() >= WAITING_MAX {
                let expected =
                    "a snapshot of the book before so many updates of it: the answer of GET /depth";
                self.levels = changes;
                return Err(whole_row("comes with no snapshot before it", expected));
            }
        }
        self.levels = changes;
        read
    }

    /// Shows an update, and before it what is missing.
    fn show(&mut self, update: Update, changes: &[BookChange], arrived: Timestamp, batch: &mut Vec<Event>) {
        if let Some(count) = self.chain.follow(update.first, update.last, update.before) {
            let gap = FeedGap { count, from: self.chain.time, to: update.time };
            self.push(update.time, arrived, Fact::FeedGap(Box::new(gap)), batch);
            self.chain.forget();
        }
        self.chain.time = update.time;
        self.received = self.received.max(arrived);
        let (received, instrument) = (self.received, self.instrument);
        batch.extend(
            changes.iter().map(|change| {
                Event::unnumbered(update.time, received, instrument, Fact::BookChanged(*change))
            }),
        );
    }

    /// A snapshot: nobody needs it while every update followed the one before.
    fn snapshot(
        &mut self,
        line: &[u8],
        snapshot: &Snapshot<'_>,
        arrived: Timestamp,
        batch: &mut Vec<Event>,
    ) -> Read<()> {
        if matches!(self.chain.standing, Standing::Sure(_)) {
            return Ok(());
        }
        let time = happened(snapshot.time, arrived)?;
        let mut changes = Vec::new();
        levels(line, snapshot.bids, Side::Buy, &mut changes)?;
        levels(line, snapshot.asks, Side::Sell, &mut changes)?;
        let Some(last) = changes.last_mut() else {
            return Err(whole_row("is a snapshot without a level", "at least one"));
        };
        last.last = true;
        let reset = BookReset { reason: ResetReason::Snapshot };
        self.push(time, arrived, Fact::BookReset(reset), batch);
        for change in changes {
            self.push(time, arrived, Fact::BookChanged(change), batch);
        }
        (self.chain.standing, self.chain.time) = (Standing::Sure(snapshot.last), time);
        // Those that the snapshot does not hold yet, in their order.
        let updates = std::mem::take(&mut self.chain.updates);
        let waiting = std::mem::take(&mut self.chain.changes);
        for update in updates.into_iter().filter(|update| update.last > snapshot.last) {
            let changes = &waiting[update.changes.0..update.changes.1];
            self.show(update, changes, arrived, batch);
        }
        Ok(())
    }
}
