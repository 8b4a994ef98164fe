//! One line to events: none, one, or one a level.

use std::borrow::Cow;

use genovo_engine::event::{
    BookAction, BookChange, BookReset, Event, Fact, FeedGap, Quote, ResetReason, Side, Trade,
};
use genovo_engine::ids::InstrumentId;
use genovo_engine::settings::DataKind;
use genovo_engine::units::{Nanoseconds, Price, Quantity, Timestamp};

use super::depth::{Chain, Standing, Update, WAITING_MAX};
use super::json::{Json, whole};
use super::message::{self, Depth, Message, Snapshot};
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
    symbol: Vec<u8>,
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
            symbol: spec.select.as_ref().map_or(Vec::new(), |select| select.as_bytes().to_vec()),
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
fn flaw(
    line: &[u8],
    part: &[u8],
    problem: &'static str,
    expected: impl Into<Cow<'static, str>>,
) -> Box<Flaw> {
    // A part that is not there is nowhere: then it is the line's.
    let place = match (part.as_ptr() as usize).checked_sub(line.as_ptr() as usize) {
        Some(start) if !part.is_empty() && start + part.len() <= line.len() => {
            Place::Bytes(start..start + part.len())
        }
        _ => Place::Row,
    };
    Box::new(Flaw { place, problem, expected: expected.into() })
}

fn price(line: &[u8], text: &[u8]) -> Read<Price> {
    Price::parse(text).map_err(|error| flaw(line, text, "is not a price", needed(error)))
}

fn size(line: &[u8], text: &[u8]) -> Read<Quantity> {
    match Quantity::parse(text) {
        Ok(size) if size < Quantity::ZERO => Err(flaw(line, text, "is not a size", "no minus sign")),
        Ok(size) => Ok(size),
        Err(error) => Err(flaw(line, text, "is not a size", needed(error))),
    }
}

/// Appends the levels of `[["price","size"], …]`.
fn levels(line: &[u8], list: &[u8], side: Side, out: &mut Vec<BookChange>) -> Read<()> {
    if list.is_empty() {
        return Ok(());
    }
    let wrong = || flaw(line, list, "is no list of levels", "pairs of a price and a size, as strings");
    let mut json = Json::new(list);
    if !json.take(b'[') {
        return Err(wrong());
    }
    if json.take(b']') {
        return Ok(());
    }
    loop {
        if !json.take(b'[') {
            return Err(wrong());
        }
        let at = json.string().ok_or_else(wrong)?;
        if !json.take(b',') {
            return Err(wrong());
        }
        let shown = json.string().ok_or_else(wrong)?;
        // Old streams have an empty list as a third place.
        while json.take(b',') {
            json.value().ok_or_else(wrong)?;
        }
        if !json.take(b']') {
            return Err(wrong());
        }
        out.push(BookChange {
            price: price(line, at)?,
            size: size(line, shown)?,
            order: 0,
            side,
            action: BookAction::SetLevel,
            last: false,
        });
        if json.take(b']') {
            return Ok(());
        }
        if !json.take(b',') {
            return Err(wrong());
        }
    }
}

impl ReadRow for Rows {
    fn read(&mut self, line: &[u8], _: bool, batch: &mut Vec<Event>) -> Read<()> {
        if line.len() > LINE_MAX {
            return Err(whole_row("is no message", "a line of at most 1 MiB"));
        }
        let blank = line.iter().position(|&byte| byte == b' ').unwrap_or(line.len());
        let (stamp, body) = (&line[..blank], line.get(blank + 1..).unwrap_or(&[]));
        let arrived = whole(stamp).and_then(|stamp| i64::try_from(stamp).ok());
        let arrived = arrived.and_then(|stamp| stamp.checked_add(self.clock_offset.0)).map(Timestamp);
        let arrived = arrived
            .ok_or_else(|| flaw(line, stamp, "is not a time", "nanoseconds since 1970, then a blank"))?;
        let message =
            Message::read(body).map_err(|message::Lacks(what)| flaw(line, body, "is no message", what))?;
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
                let time = happened(line, ticker.time, arrived)?;
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

/// When a message's event happened; where it does not say so, when it arrived.
fn happened(line: &[u8], time: Option<u64>, arrived: Timestamp) -> Read<Timestamp> {
    match time {
        None => Ok(arrived),
        Some(time) => milliseconds(time)
            .ok_or_else(|| flaw(line, line, "has a time that is none", "milliseconds before the year 2262")),
    }
}

impl Rows {
    /// Whether a message is of the symbol that is meant. A snapshot does not say whose it is.
    fn is_meant(&mut self, line: &[u8], message: &Message<'_>) -> Read<bool> {
        let Some(symbol) = message.symbol() else { return Ok(true) };
        if self.symbol.is_empty() {
            self.symbol = symbol.to_vec();
        }
        if self.symbol.eq_ignore_ascii_case(symbol) {
            return Ok(true);
        }
        match self.select {
            Some(_) => Ok(false),
            None => {
                let expected = format!("{}; say which with `select`", String::from_utf8_lossy(&self.symbol));
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
        let time = happened(line, trade.time, arrived)?;
        self.push(time, arrived, Fact::TradePrinted(fact), batch);
        Ok(())
    }

    /// An update: shown now, or kept until a snapshot comes that it follows.
    fn depth(
        &mut self,
        line: &[u8],
        depth: &Depth<'_>,
        arrived: Timestamp,
        batch: &mut Vec<Event>,
    ) -> Read<()> {
        let time = happened(line, depth.time, arrived)?;
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
        let time = happened(line, snapshot.time, arrived)?;
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
