//! A group of events, taken apart into columns and put together again.
//!
//! The writer pushes events, [`crate::format::v1`] writes and reads the columns, readers take them as they
//! are or as events. Market events and feature vectors are columns; every other fact is kept whole, in order.

use genovo_engine::event::{
    Bar, BookAction, BookChange, Event, Fact, Features, Header, Kind, OrderNotice, Quote, Side, Trade,
};
use genovo_engine::ids::{InstrumentId, OrderId, Sequence};
use genovo_engine::units::{Price, Quantity, Timestamp};

/// The most events in a group.
pub const GROUP_EVENTS_MAX: usize = 2048;
/// The most canonical bytes in a group of more than one event.
pub const GROUP_BYTES_MAX: usize = 96 * 1024;
/// The most canonical bytes of one event.
pub const EVENT_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Some events, column by column, in the order of the journal.
#[derive(Debug, Default)]
pub struct Group {
    /// The number of each event's kind; every one is built.
    pub(crate) kinds: Vec<u8>,
    pub(crate) sequences: Vec<i64>,
    pub(crate) times: Vec<i64>,
    pub(crate) received: Vec<i64>,
    pub(crate) instruments: Vec<i64>,
    pub(crate) causes: Vec<i64>,
    pub(crate) quotes: Quotes,
    pub(crate) trades: Trades,
    pub(crate) bars: Bars,
    pub(crate) books: Books,
    pub(crate) features: FeatureVectors,
    /// Every other fact.
    pub(crate) rare: Vec<Fact>,
}

/// Every quote of a group.
#[derive(Debug, Default)]
pub(crate) struct Quotes {
    pub bids: Vec<i64>,
    pub asks: Vec<i64>,
    pub bid_sizes: Optional,
    pub ask_sizes: Optional,
}

/// Every trade of a group.
#[derive(Debug, Default)]
pub(crate) struct Trades {
    pub prices: Vec<i64>,
    pub sizes: Optional,
    /// The side's number, 0 for none.
    pub aggressors: Vec<i64>,
}

/// Every bar of a group, received or closed.
#[derive(Debug, Default)]
pub(crate) struct Bars {
    pub open_times: Vec<i64>,
    pub opens: Vec<i64>,
    pub highs: Vec<i64>,
    pub lows: Vec<i64>,
    pub closes: Vec<i64>,
    pub volumes: Optional,
}

/// Every change of a book in a group.
#[derive(Debug, Default)]
pub(crate) struct Books {
    /// `side - 1`, `action` and `last` as [`book_word`] makes one number of them.
    pub words: Vec<i64>,
    pub prices: Vec<i64>,
    pub sizes: Vec<i64>,
    /// Empty where no change names an order.
    pub orders: Vec<i64>,
}

/// Side, action and mark of a change in one small number.
#[inline]
fn book_word(change: &BookChange) -> i64 {
    i64::from((change.action as u8) << 2 | (change.side as u8 - 1) << 1 | u8::from(change.last))
}

/// What [`book_word`] made, taken apart; `None` for what it never makes.
#[inline]
pub(crate) fn word_parts(word: i64) -> Option<(Side, BookAction, bool)> {
    let word = u8::try_from(word).ok()?;
    let side = if word & 2 == 0 { Side::Buy } else { Side::Sell };
    Some((side, BookAction::from_number(word >> 2)?, word & 1 != 0))
}

impl Books {
    #[inline(always)]
    fn push(&mut self, change: &BookChange) {
        if change.order != 0 || !self.orders.is_empty() {
            self.orders.resize(self.words.len(), 0);
            self.orders.push(change.order as i64);
        }
        self.words.push(book_word(change));
        self.prices.push(change.price.0);
        self.sizes.push(change.size.0);
    }

    /// The change in this row, whose word was checked when it was read.
    #[inline]
    fn get(&self, row: usize) -> BookChange {
        let (side, action, last) =
            word_parts(self.words[row]).unwrap_or((Side::Buy, BookAction::SetLevel, false));
        BookChange {
            price: Price(self.prices[row]),
            size: Quantity(self.sizes[row]),
            order: self.orders.get(row).map_or(0, |&order| order as u64),
            side,
            action,
            last,
        }
    }
}

/// Every feature vector of a group, one after the other.
#[derive(Debug, Default)]
pub(crate) struct FeatureVectors {
    pub lengths: Vec<i64>,
    /// The bits of the values.
    pub values: Vec<u32>,
    pub valid_lengths: Vec<i64>,
    pub valid: Vec<i64>,
}

/// Numbers of which some may be absent. Without numbers all are absent; without marks all are present.
#[derive(Debug, Default)]
pub(crate) struct Optional {
    /// 1 for a number that is there, 0 for one that is not.
    pub present: Vec<i64>,
    pub values: Vec<i64>,
}

impl Optional {
    /// Adds the value of row `row`. Nothing is kept before the first that is there: much data has no sizes.
    #[inline(always)]
    fn push(&mut self, row: usize, value: Option<Quantity>) {
        match value {
            Some(value) if self.present.is_empty() && self.values.len() == row => self.values.push(value.0),
            None if self.values.is_empty() => {}
            value => self.push_mixed(row, value),
        }
    }

    #[inline(never)]
    fn push_mixed(&mut self, row: usize, value: Option<Quantity>) {
        if self.present.is_empty() {
            // Either none was there until now, or all were.
            self.present.resize(row, i64::from(!self.values.is_empty()));
            self.values.resize(row, 0);
        }
        self.present.push(i64::from(value.is_some()));
        self.values.push(value.map_or(0, |value| value.0));
    }

    #[inline]
    pub(crate) fn get(&self, row: usize) -> Option<Quantity> {
        let &value = self.values.get(row)?;
        let there = self.present.is_empty() || self.present.get(row).is_some_and(|&mark| mark != 0);
        there.then_some(Quantity(value))
    }

    fn clear(&mut self) {
        self.present.clear();
        self.values.clear();
    }
}

impl Group {
    /// How many events it holds.
    pub fn len(&self) -> usize {
        self.kinds.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.kinds.is_empty()
    }

    /// Forgets the events and keeps the room.
    pub fn clear(&mut self) {
        let Group {
            kinds,
            sequences,
            times,
            received,
            instruments,
            causes,
            quotes,
            trades,
            bars,
            books,
            features,
            rare,
        } = self;
        kinds.clear();
        for column in [sequences, times, received, instruments, causes] {
            column.clear();
        }
        quotes.bids.clear();
        quotes.asks.clear();
        quotes.bid_sizes.clear();
        quotes.ask_sizes.clear();
        trades.prices.clear();
        trades.sizes.clear();
        trades.aggressors.clear();
        for column in
            [&mut bars.open_times, &mut bars.opens, &mut bars.highs, &mut bars.lows, &mut bars.closes]
        {
            column.clear();
        }
        bars.volumes.clear();
        for column in [&mut books.words, &mut books.prices, &mut books.sizes, &mut books.orders] {
            column.clear();
        }
        features.lengths.clear();
        features.values.clear();
        features.valid_lengths.clear();
        features.valid.clear();
        rare.clear();
    }

    /// Adds an event at the end.
    #[inline]
    pub fn push(&mut self, event: &Event) {
        let Header { sequence, time_event, time_received, instrument, cause } = event.header;
        self.kinds.push(event.fact.kind() as u8);
        self.sequences.push(sequence.0 as i64);
        self.times.push(time_event.0);
        self.received.push(time_received.0);
        self.instruments.push(i64::from(instrument.0));
        self.causes.push(cause.0 as i64);
        match &event.fact {
            Fact::QuoteChanged(quote) => {
                let row = self.quotes.bids.len();
                self.quotes.bid_sizes.push(row, quote.bid_size);
                self.quotes.ask_sizes.push(row, quote.ask_size);
                self.quotes.bids.push(quote.bid.0);
                self.quotes.asks.push(quote.ask.0);
            }
            Fact::TradePrinted(trade) => {
                self.trades.sizes.push(self.trades.prices.len(), trade.size);
                self.trades.prices.push(trade.price.0);
                self.trades.aggressors.push(trade.aggressor.map_or(0, |side| side as i64));
            }
            Fact::BarReceived(bar) | Fact::BarClosed(bar) => {
                self.bars.volumes.push(self.bars.opens.len(), bar.volume);
                self.bars.open_times.push(bar.open_time.0);
                self.bars.opens.push(bar.open.0);
                self.bars.highs.push(bar.high.0);
                self.bars.lows.push(bar.low.0);
                self.bars.closes.push(bar.close.0);
            }
            Fact::BookChanged(change) => self.books.push(change),
            Fact::FeaturesComputed(features) => {
                self.features.lengths.push(features.values.len() as i64);
                self.features.values.extend(features.values.iter().map(|value| value.to_bits()));
                self.features.valid_lengths.push(features.valid.len() as i64);
                self.features.valid.extend(features.valid.iter().map(|&bits| bits as i64));
            }
            rare @ (Fact::RunStarted(_)
            | Fact::InstrumentDefined(_)
            | Fact::BookReset(_)
            | Fact::CorporateActionApplied(_)
            | Fact::SessionChanged(_)
            | Fact::MacroReleased(_)
            | Fact::NewsPublished(_)
            | Fact::EventScheduled(_)
            | Fact::SignalReceived(_)
            | Fact::FeaturesReselected(_)
            | Fact::TimerFired(_)
            | Fact::ChapterClosed(_)
            | Fact::OrderAccepted(_)
            | Fact::OrderRejected(_)
            | Fact::OrderFilled(_)
            | Fact::OrderCancelled(_)
            | Fact::CancelRejected(_)
            | Fact::OrderExpired(_)
            | Fact::OrderTriggered(_)
            | Fact::OrderReplaced(_)
            | Fact::ReplaceRejected(_)
            | Fact::DataFlagged(_)
            | Fact::DecisionMade(_)
            | Fact::RiskAssessed(_)
            | Fact::OrderDenied(_)
            | Fact::OrderSubmitted(_)
            | Fact::CancelRequested(_)
            | Fact::ReplaceRequested(_)
            | Fact::FinancingCharged(_)
            | Fact::RegimeChanged(_)
            | Fact::TradingHalted(_)
            | Fact::OrderUnknown(_)
            | Fact::TradeCorrected(_)
            | Fact::AccountReported(_)
            | Fact::PositionReported(_)
            | Fact::ConnectionChanged(_)
            | Fact::OperatorCommanded(_)
            | Fact::LimitsRequested(_)
            | Fact::ApprovalGiven(_)
            | Fact::LimitsChanged(_)
            | Fact::FeedGap(_)
            | Fact::ClockChecked(_)
            | Fact::AlertRaised(_)
            | Fact::RunEnded(_)) => self.rare.push(rare.clone()),
        }
    }

    /// The sequence of event `row`.
    #[inline]
    pub fn sequence(&self, row: usize) -> Option<Sequence> {
        self.sequences.get(row).map(|&sequence| Sequence(sequence as u64))
    }
}

/// Takes the events out of a group, one after the other.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cursor {
    row: usize,
    quote: usize,
    trade: usize,
    bar: usize,
    book: usize,
    vector: usize,
    value: usize,
    valid: usize,
    rare: usize,
}

const QUOTE: u8 = Kind::QuoteChanged as u8;
const TRADE: u8 = Kind::TradePrinted as u8;
const BAR_RECEIVED: u8 = Kind::BarReceived as u8;
const BAR_CLOSED: u8 = Kind::BarClosed as u8;
const BOOK: u8 = Kind::BookChanged as u8;
const FEATURES: u8 = Kind::FeaturesComputed as u8;

impl Cursor {
    /// Appends the next events to `batch`, `limit` at most; whether there were any.
    pub fn fill(&mut self, group: &mut Group, batch: &mut Vec<Event>, limit: usize) -> bool {
        let more = group.kinds.len().saturating_sub(self.row).min(limit);
        batch.reserve(more);
        for _ in 0..more {
            let Some(event) = self.next(group) else { break };
            batch.push(event);
        }
        more > 0
    }

    /// The next event. Rare facts move out of the group, so each group is read once.
    #[inline(always)]
    pub fn next(&mut self, group: &mut Group) -> Option<Event> {
        let row = self.row;
        let &kind = group.kinds.get(row)?;
        let header = Header {
            sequence: Sequence(group.sequences[row] as u64),
            time_event: Timestamp(group.times[row]),
            time_received: Timestamp(group.received[row]),
            instrument: InstrumentId(group.instruments[row] as u32),
            cause: Sequence(group.causes[row] as u64),
        };
        self.row += 1;
        let fact = match kind {
            QUOTE => {
                let (quotes, at) = (&group.quotes, self.quote);
                self.quote += 1;
                Fact::QuoteChanged(Quote {
                    bid: Price(quotes.bids[at]),
                    ask: Price(quotes.asks[at]),
                    bid_size: quotes.bid_sizes.get(at),
                    ask_size: quotes.ask_sizes.get(at),
                })
            }
            TRADE => {
                let (trades, at) = (&group.trades, self.trade);
                self.trade += 1;
                let aggressor = match trades.aggressors[at] {
                    1 => Some(Side::Buy),
                    2 => Some(Side::Sell),
                    _ => None,
                };
                Fact::TradePrinted(Trade {
                    price: Price(trades.prices[at]),
                    size: trades.sizes.get(at),
                    aggressor,
                })
            }
            BAR_RECEIVED | BAR_CLOSED => {
                let (bars, at) = (&group.bars, self.bar);
                self.bar += 1;
                let bar = Bar {
                    open_time: Timestamp(bars.open_times[at]),
                    open: Price(bars.opens[at]),
                    high: Price(bars.highs[at]),
                    low: Price(bars.lows[at]),
                    close: Price(bars.closes[at]),
                    volume: bars.volumes.get(at),
                };
                if kind == BAR_CLOSED { Fact::BarClosed(bar) } else { Fact::BarReceived(bar) }
            }
            BOOK => {
                self.book += 1;
                Fact::BookChanged(group.books.get(self.book - 1))
            }
            FEATURES => {
                let vectors = &group.features;
                let (value, valid) = (self.value, self.valid);
                self.value += vectors.lengths[self.vector] as usize;
                self.valid += vectors.valid_lengths[self.vector] as usize;
                self.vector += 1;
                Fact::FeaturesComputed(Box::new(Features {
                    values: vectors.values[value..self.value]
                        .iter()
                        .map(|&bits| f32::from_bits(bits))
                        .collect(),
                    valid: vectors.valid[valid..self.valid].iter().map(|&bits| bits as u64).collect(),
                }))
            }
            _ => {
                let taken = Fact::CancelRequested(OrderNotice { order: OrderId(0) });
                let fact = std::mem::replace(&mut group.rare[self.rare], taken);
                self.rare += 1;
                fact
            }
        };
        Some(Event { header, fact })
    }
}
