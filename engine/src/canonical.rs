//! The canonical bytes of an event: what the content chain and the state hash are made of.
//!
//! Little-endian, without padding, one way to write each event; `docs/journal-format.md` draws them. They are defined
//! beside the events, not in the journal, because the engine hashes derived events too (`docs/decisions/`).
//!
//! [`encode`] writes them and [`decode`] reads them back: what it takes for an event is written as the very same bytes.
//!
//! ```text
//! kind u8 · flags u8 · instrument u32 · sequence u64 · time_event i64 · [time_received i64] · [cause u64] · fact
//! ```

mod decode;

pub use decode::{DecodeError, Input, decode};

use crate::event::*;
use crate::ids::{Hash, InstrumentId, OrderId, Sequence, StrategyId, TimerId};
use crate::order::Status;
use crate::settings::{Commission, Instrument};
use crate::signature::{PublicKey, Signature};
use crate::units::{Figure, Money, Nanoseconds, Price, Quantity, Ratio, Timestamp};

/// `time_received` follows; without it, it equals `time_event`.
const FLAG_RECEIVED: u8 = 1;
/// `cause` follows; without it, there is none.
const FLAG_CAUSE: u8 = 2;
/// The first optional field follows.
const FLAG_FIRST: u8 = 4;
/// The second optional field follows.
const FLAG_SECOND: u8 = 8;
/// The third optional field follows.
const FLAG_THIRD: u8 = 16;

/// The most bytes that a market event takes.
const MARKET_BYTES_MAX: usize = 38 + 8 + 8 + 48;

/// Appends the canonical bytes of `event` to `out`.
#[inline]
pub fn encode(event: &Event, out: &mut Vec<u8>) {
    let header = &event.header;
    // Nearly all events are quotes with both sizes that came from outside: one piece, one store.
    if let Fact::QuoteChanged(Quote { bid, ask, bid_size: Some(bid_size), ask_size: Some(ask_size) }) =
        event.fact
        && header.cause == Sequence::NONE
    {
        let [bid, ask, bid_size, ask_size] = [bid.0, ask.0, bid_size.0, ask_size.0].map(i64::to_le_bytes);
        let delayed = header.time_received != header.time_event;
        let mut bytes = [0; 62];
        bytes[0] = Kind::QuoteChanged as u8;
        bytes[1] = FLAG_FIRST | FLAG_SECOND | if delayed { FLAG_RECEIVED } else { 0 };
        bytes[2..6].copy_from_slice(&header.instrument.0.to_le_bytes());
        bytes[6..14].copy_from_slice(&header.sequence.0.to_le_bytes());
        bytes[14..22].copy_from_slice(&header.time_event.0.to_le_bytes());
        let mut put = |at: usize| {
            bytes[at..at + 8].copy_from_slice(&bid);
            bytes[at + 8..at + 16].copy_from_slice(&ask);
            bytes[at + 16..at + 24].copy_from_slice(&bid_size);
            bytes[at + 24..at + 32].copy_from_slice(&ask_size);
        };
        if delayed {
            put(30);
            bytes[22..30].copy_from_slice(&header.time_received.0.to_le_bytes());
            out.extend_from_slice(&bytes);
        } else {
            put(22);
            out.extend_from_slice(&bytes[..54]);
        }
        return;
    }
    if let (Fact::BookChanged(change), Sequence::NONE) = (&event.fact, header.cause) {
        return encode_change(header, change, out);
    }
    let mut flags = 0;
    if header.time_received != header.time_event {
        flags |= FLAG_RECEIVED;
    }
    if header.cause != Sequence::NONE {
        flags |= FLAG_CAUSE;
    }
    let (first, second) = match &event.fact {
        Fact::QuoteChanged(quote) => (quote.bid_size.is_some(), quote.ask_size.is_some()),
        Fact::TradePrinted(trade) => (trade.size.is_some(), trade.aggressor.is_some()),
        Fact::BarReceived(bar) | Fact::BarClosed(bar) => (bar.volume.is_some(), false),
        Fact::BookChanged(change) => (change.order != 0, change.last),
        // What came to these facts later stands at their end, and only where it says something.
        Fact::InstrumentDefined(instrument) => (instrument.currency.is_some(), false),
        Fact::OrderFilled(fill) => (fill.rate.is_some(), false),
        Fact::RiskAssessed(verdict) => (verdict.rate.is_some(), verdict.forecast.is_some()),
        Fact::OrderSubmitted(order) => (!order.terms.is_plain(), !order.strategy.is_none()),
        Fact::FinancingCharged(charged) => (!charged.position.is_none(), false),
        _ => (false, false),
    };
    if first {
        flags |= FLAG_FIRST;
    }
    if second {
        flags |= FLAG_SECOND;
    }
    if let Fact::OrderSubmitted(order) = &event.fact
        && !order.closes.is_none()
    {
        flags |= FLAG_THIRD;
    }
    // One reservation, then pieces of fixed size: each becomes a plain store.
    out.reserve(MARKET_BYTES_MAX);
    let mut head = [0; 22];
    head[0] = event.fact.kind() as u8;
    head[1] = flags;
    head[2..6].copy_from_slice(&header.instrument.0.to_le_bytes());
    head[6..14].copy_from_slice(&header.sequence.0.to_le_bytes());
    head[14..22].copy_from_slice(&header.time_event.0.to_le_bytes());
    out.extend_from_slice(&head);
    if flags & FLAG_RECEIVED != 0 {
        out.extend_from_slice(&header.time_received.0.to_le_bytes());
    }
    if flags & FLAG_CAUSE != 0 {
        out.extend_from_slice(&header.cause.0.to_le_bytes());
    }
    match &event.fact {
        Fact::QuoteChanged(quote) => {
            out.extend_from_slice(&join([quote.bid.0, quote.ask.0]));
            if let (Some(bid), Some(ask)) = (quote.bid_size, quote.ask_size) {
                out.extend_from_slice(&join([bid.0, ask.0]));
            } else if let Some(size) = quote.bid_size.or(quote.ask_size) {
                out.extend_from_slice(&size.0.to_le_bytes());
            }
        }
        Fact::TradePrinted(trade) => {
            out.extend_from_slice(&trade.price.0.to_le_bytes());
            if let Some(size) = trade.size {
                out.extend_from_slice(&size.0.to_le_bytes());
            }
            if let Some(side) = trade.aggressor {
                out.push(side as u8);
            }
        }
        Fact::BarReceived(bar) | Fact::BarClosed(bar) => {
            out.extend_from_slice(&bar.open_time.0.to_le_bytes());
            for price in [bar.open, bar.high, bar.low, bar.close] {
                out.extend_from_slice(&price.0.to_le_bytes());
            }
            if let Some(volume) = bar.volume {
                out.extend_from_slice(&volume.0.to_le_bytes());
            }
        }
        Fact::BookChanged(change) => {
            out.extend_from_slice(&[change.side as u8, change.action as u8]);
            out.extend_from_slice(&join([change.price.0, change.size.0]));
            if change.order != 0 {
                out.extend_from_slice(&change.order.to_le_bytes());
            }
        }
        rare => encode_rare(rare, out),
    }
}

/// A change of a book that came from outside, which a book's data is made of: one piece, one store.
#[inline]
fn encode_change(header: &Header, change: &BookChange, out: &mut Vec<u8>) {
    let delayed = header.time_received != header.time_event;
    let mut flags = if delayed { FLAG_RECEIVED } else { 0 };
    if change.order != 0 {
        flags |= FLAG_FIRST;
    }
    if change.last {
        flags |= FLAG_SECOND;
    }
    let mut bytes = [0; 56];
    bytes[0] = Kind::BookChanged as u8;
    bytes[1] = flags;
    bytes[2..6].copy_from_slice(&header.instrument.0.to_le_bytes());
    bytes[6..14].copy_from_slice(&header.sequence.0.to_le_bytes());
    bytes[14..22].copy_from_slice(&header.time_event.0.to_le_bytes());
    let mut put = |at: usize| {
        bytes[at] = change.side as u8;
        bytes[at + 1] = change.action as u8;
        bytes[at + 2..at + 10].copy_from_slice(&change.price.0.to_le_bytes());
        bytes[at + 10..at + 18].copy_from_slice(&change.size.0.to_le_bytes());
        bytes[at + 18..at + 26].copy_from_slice(&change.order.to_le_bytes());
    };
    if delayed {
        put(30);
        bytes[22..30].copy_from_slice(&header.time_received.0.to_le_bytes());
    } else {
        put(22);
    }
    let length = 40 + if delayed { 8 } else { 0 } + if change.order != 0 { 8 } else { 0 };
    out.extend_from_slice(&bytes[..length]);
}

/// Two numbers as sixteen bytes.
#[inline]
fn join([first, second]: [i64; 2]) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&first.to_le_bytes());
    bytes[8..].copy_from_slice(&second.to_le_bytes());
    bytes
}

#[cold]
fn encode_rare(fact: &Fact, out: &mut Vec<u8>) {
    match fact {
        Fact::QuoteChanged(_)
        | Fact::TradePrinted(_)
        | Fact::BarReceived(_)
        | Fact::BarClosed(_)
        | Fact::BookChanged(_) => {
            unreachable!("written by the caller")
        }
        Fact::RunStarted(fact) => fact.write(out),
        Fact::InstrumentDefined(fact) => fact.write(out),
        Fact::BookReset(fact) => fact.write(out),
        Fact::CorporateActionApplied(fact) => fact.write(out),
        Fact::SessionChanged(fact) => fact.write(out),
        Fact::MacroReleased(fact) => fact.write(out),
        Fact::NewsPublished(fact) => fact.write(out),
        Fact::EventScheduled(fact) => fact.write(out),
        Fact::SignalReceived(fact) => fact.write(out),
        Fact::TimerFired(fact) => fact.write(out),
        Fact::FeaturesReselected(fact) => fact.write(out),
        Fact::ChapterClosed(fact) => fact.write(out),
        Fact::OrderAccepted(fact) | Fact::CancelRejected(fact) | Fact::CancelRequested(fact) => {
            fact.write(out)
        }
        Fact::OrderRejected(fact) | Fact::ReplaceRejected(fact) => fact.write(out),
        Fact::OrderFilled(fact) => fact.write(out),
        Fact::OrderCancelled(fact) | Fact::OrderExpired(fact) => fact.write(out),
        Fact::OrderUnknown(fact) => fact.write(out),
        Fact::TradeCorrected(fact) => fact.write(out),
        Fact::AccountReported(fact) => fact.write(out),
        Fact::PositionReported(fact) => fact.write(out),
        Fact::ConnectionChanged(fact) => fact.write(out),
        Fact::OperatorCommanded(fact) => fact.write(out),
        Fact::LimitsRequested(fact) => fact.write(out),
        Fact::ApprovalGiven(fact) => fact.write(out),
        Fact::LimitsChanged(fact) => fact.write(out),
        Fact::FeedGap(fact) => fact.write(out),
        Fact::ClockChecked(fact) => fact.write(out),
        Fact::OrderTriggered(fact) => fact.write(out),
        Fact::OrderReplaced(fact) => fact.write(out),
        Fact::ReplaceRequested(fact) => fact.write(out),
        Fact::DataFlagged(fact) => fact.write(out),
        Fact::RegimeChanged(fact) => fact.write(out),
        Fact::FeaturesComputed(fact) => fact.write(out),
        Fact::DecisionMade(fact) => fact.write(out),
        Fact::RiskAssessed(fact) => fact.write(out),
        Fact::OrderDenied(fact) => fact.write(out),
        Fact::OrderSubmitted(fact) => fact.write(out),
        Fact::FinancingCharged(fact) => fact.write(out),
        Fact::TradingHalted(fact) => fact.write(out),
        Fact::AlertRaised(fact) => fact.write(out),
        Fact::RunEnded(fact) => fact.write(out),
    }
}

/// One way to write a value, and to read it.
pub trait Canonical: Sized {
    /// Appends its bytes to `out`.
    fn write(&self, out: &mut Vec<u8>);

    /// Takes one from the front of `input`. After an error what is left of `input` means nothing.
    fn read(input: &mut Input<'_>) -> Result<Self, DecodeError>;
}

macro_rules! numbers {
    ($($type:ty),*) => {
        $(impl Canonical for $type {
            fn write(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }

            fn read(input: &mut Input<'_>) -> Result<$type, DecodeError> {
                Ok(<$type>::from_le_bytes(input.array()?))
            }
        })*
    };
}
numbers!(u8, i8, u32, u64, i64, i128);

macro_rules! newtypes {
    ($($type:ident),*) => {
        $(impl Canonical for $type {
            fn write(&self, out: &mut Vec<u8>) {
                self.0.write(out);
            }

            fn read(input: &mut Input<'_>) -> Result<$type, DecodeError> {
                Ok($type(Canonical::read(input)?))
            }
        })*
    };
}
newtypes!(
    Price,
    Quantity,
    Money,
    Figure,
    Ratio,
    Timestamp,
    Nanoseconds,
    InstrumentId,
    OrderId,
    StrategyId,
    TimerId,
    Sequence
);

/// Enums by their number. All variants are listed, which the compiler checks.
macro_rules! numbered {
    ($($type:ident { $($variant:ident),* $(,)? })*) => {
        $(impl Canonical for $type {
            fn write(&self, out: &mut Vec<u8>) {
                match self { $($type::$variant => out.push($type::$variant as u8),)* }
            }

            fn read(input: &mut Input<'_>) -> Result<$type, DecodeError> {
                match input.byte()? {
                    $(number if number == $type::$variant as u8 => Ok($type::$variant),)*
                    number => Err(DecodeError::Invalid { what: stringify!($type), value: u64::from(number) }),
                }
            }
        })*
    };
}
numbered! {
    Side { Buy, Sell }
    TimeInForce { Gtc, Day, Ioc, Fok, Gtd }
    Contingency { OneTriggersOthers, OneCancelsOthers, Bracket }
    ReplaceReason { Requested, SiblingFilled, ParentEnded, PositionShrank, Split, BooksCompared }
    Liquidity { Maker, Taker }
    RejectReason {
        QuantityOffLot, PriceOffTick, NoMarket, UnknownInstrument, NeverArrived, Broker, Unsupported, WouldTake,
        MarketClosed, ParentEnded, NothingToReduce, NotWorking, NotAboveFilled,
    }
    CloseReason {
        Requested, ImmediateRest, NotFillable, DayEnded, Broker, DateReached, SiblingFilled, ParentEnded,
        PositionClosed, WouldTake, Split,
    }
    Importance { Low, Medium, High }
    BookAction { SetLevel, AddOrder, ChangeOrder, ReduceOrder, FillOrder }
    ResetReason { Snapshot, Cleared }
    ChapterReason { DayEnded, SizeReached, Asked }
    Flaw { Crossed, Locked, OutOfOrder, Duplicate, Gap, Outlier }
    FlawAction { Keep, Drop, Halt }
    Rule {
        NoMarket, PerTradeRisk, TotalRisk, MinimumPosition, BuyingPower, InvalidOrder, ReduceOnly, NoRate,
        MarketClosed, KillSwitch, SelfTrade, PriceCollar, StaleData, OrderRate, RepeatedExecution,
        DuplicateOrder, OrderValue, OrderQuantity, PositionLimit, GrossExposure, NetExposure, Leverage,
        MarginLimit, CorrelatedExposure, ValueAtRisk, ConditionalValueAtRisk, SoftDrawdown, HardDrawdown,
        DailyLoss, Regime, FixedFraction, VolatilityTarget, Allocation, MarginCall, Kelly, Confidence,
        Budget,
    }
    Regime { Unknown, Calm, Stressed }
    Outcome { Allowed, Reduced, Denied }
    DistanceSource { AverageTrueRange, ShareOfPrice, Stop, Unknown }
    WorldKind { Simulated, Live, Market }
    Link { Market, Broker, Card }
    Connection { Disconnected, Connecting, Authenticating, Syncing, Live, Degraded, Backoff, Terminal }
    LimitsAnswer {
        ApprovalNeeded, NoSuchLimit, BadValue, Unchanged, WouldLoosen, Forged, NotAllowed, NoSuchRequest, OwnRequest,
        Expired, Replayed, Outdated,
    }
    OperatorCommand { Pause, GoOn, Flatten, Kill, KillAndFlatten, Stop }
    Status {
        Submitted, Accepted, PartiallyFilled, CancelPending, Filled, Cancelled, Rejected, Expired, Denied,
        ReplacePending,
    }
}

/// Plain structs by their fields, in order.
macro_rules! fields {
    ($($type:ident { $($field:ident),* })*) => {
        $(impl $crate::canonical::Canonical for $type {
            fn write(&self, out: &mut Vec<u8>) {
                let Self { $($field),* } = self;
                $($crate::canonical::Canonical::write($field, out);)*
            }

            fn read(
                input: &mut $crate::canonical::Input<'_>,
            ) -> Result<$type, $crate::canonical::DecodeError> {
                Ok($type { $($field: $crate::canonical::Canonical::read(input)?),* })
            }
        })*
    };
}
pub(crate) use fields;

fields! {
    Header { sequence, time_event, time_received, instrument, cause }
    Quote { bid, ask, bid_size, ask_size }
    Bar { open_time, open, high, low, close, volume }
    RunStarted { world, logic_version, seed, settings, settings_hash, features, model }
    Commission { taker, maker, per_unit, minimum }
    MacroReleased { series, period, value, expected }
    NewsPublished { source, headline, sentiment, weight }
    EventScheduled { id, name, at, importance }
    FeaturesReselected { columns, hash }
    BookReset { reason }
    Signal { target }
    TimerFired { timer }
    ChapterClosed { chapter, reason }
    OrderNotice { order }
    OrderRejected { order, reason }
    OrderClosed { order, unfilled, reason }
    OrderTriggered { order, trigger, price }
    OrderReplaced { order, kind, quantity, reason }
    Replacement { order, kind, quantity }
    Membership { first, count, link, after }
    Terms { post_only, reduce_only, expires, list }
    OrderList { instrument, link, orders }
    NewOrder { side, kind, time_in_force, quantity, post_only, reduce_only, expires }
    SessionChanged { open, until }
    DataFlagged { flaw, action, size }
    RegimeChanged { before, now, volatility, usual, stress_at }
    Features { values, valid }
    Decision { strategy, actions, because, evidence, equity, position }
    Evidence { name, value }
    Forecast { low, median, high, probability, volatility, disagreement }
    RuleResult { rule, outcome, limit, asked, granted, quantity }
    OrderDenied { order, rule }
    TradeCorrected { order, side, quantity, price, corrected, commission }
    AccountReported { balance }
    PositionReported { quantity }
    ConnectionChanged { link, state, reason }
    OperatorCommanded { command }
    Signed { key, signature }
    LimitsRequested { session, nonce, key, old, new, by, why, signed }
    ApprovalGiven { session, request, content, expires, by, signed }
    LimitsChanged { request, key, old, new, by, why, signed, approved }
    FeedGap { count, from, to }
    ClockChecked { step }
    RunEnded { inputs, derived, decisions, orders, fills, equity, state_hash }
}

/// Facts with a last field that is written only where it says something; a flag of the event tells whether it does.
trait Flagged: Canonical {
    fn read_flagged(input: &mut Input<'_>, flag: bool) -> Result<Self, DecodeError>;
}

macro_rules! fields_and_flagged {
    ($($type:ident { $($field:ident),* } $last:ident if $says:expr;)*) => {
        $(impl Canonical for $type {
            fn write(&self, out: &mut Vec<u8>) {
                let Self { $($field,)* $last } = self;
                $($field.write(out);)*
                if $says($last) {
                    $last.write(out);
                }
            }

            fn read(input: &mut Input<'_>) -> Result<$type, DecodeError> {
                $type::read_flagged(input, false)
            }
        }

        impl Flagged for $type {
            fn read_flagged(input: &mut Input<'_>, flag: bool) -> Result<$type, DecodeError> {
                $(let $field = Canonical::read(input)?;)*
                let $last = if flag { Canonical::read(input)? } else { Default::default() };
                if flag && !$says(&$last) {
                    return Err(DecodeError::Invalid { what: "the flag of a last field", value: 1 });
                }
                Ok($type { $($field,)* $last })
            }
        })*
    };
}
fields_and_flagged! {
    Instrument { symbol, tick, lot, multiplier, margin_initial, margin_maintenance, commission }
        currency if Option::is_some;
    Fill { order, side, price, quantity, remaining, liquidity, commission, bid, ask } rate if Option::is_some;
    FinancingCharged {
        rollover, days, days_in_year, quantity, price, rate, value, yearly, borrow_yearly, financing, borrow
    }
        position if |position: &OrderId| !position.is_none();
}

/// The same with several such fields, each with a flag of its own.
macro_rules! fields_and_several_flagged {
    ($($type:ident { $($field:ident),* } $count:literal: $($last:ident if $says:expr),*;)*) => {
        $(impl Canonical for $type {
            fn write(&self, out: &mut Vec<u8>) {
                let Self { $($field,)* $($last),* } = self;
                $($field.write(out);)*
                $(if $says($last) {
                    $last.write(out);
                })*
            }

            fn read(input: &mut Input<'_>) -> Result<$type, DecodeError> {
                $type::read_flagged(input, [false; $count])
            }
        }

        impl $type {
            fn read_flagged(input: &mut Input<'_>, flags: [bool; $count]) -> Result<$type, DecodeError> {
                $(let $field = Canonical::read(input)?;)*
                let mut told = flags.into_iter();
                $(let $last =
                    if told.next() == Some(true) { Canonical::read(input)? } else { Default::default() };)*
                if flags != [$($says(&$last)),*] {
                    return Err(DecodeError::Invalid { what: "the flag of a last field", value: 1 });
                }
                Ok($type { $($field,)* $($last),* })
            }
        })*
    };
}
fields_and_several_flagged! {
    Verdict { outcome, rule, side, closing, asked, granted, price, distance, distance_source, equity, rules }
        2: rate if Option::is_some, forecast if Option::is_some;
    Order { order, side, kind, time_in_force, quantity, bid, ask, position }
        3: terms if |terms: &Terms| !terms.is_plain(),
        strategy if |strategy: &StrategyId| !strategy.is_none(),
        closes if |closes: &OrderId| !closes.is_none();
}

impl Canonical for bool {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }

    fn read(input: &mut Input<'_>) -> Result<bool, DecodeError> {
        match input.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            value => Err(DecodeError::Invalid { what: "yes or no", value: u64::from(value) }),
        }
    }
}

impl Canonical for usize {
    fn write(&self, out: &mut Vec<u8>) {
        (*self as u64).write(out);
    }

    fn read(input: &mut Input<'_>) -> Result<usize, DecodeError> {
        let value = u64::read(input)?;
        usize::try_from(value).map_err(|_| DecodeError::Invalid { what: "a size", value })
    }
}

impl<A: Canonical, B: Canonical> Canonical for (A, B) {
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
        self.1.write(out);
    }

    fn read(input: &mut Input<'_>) -> Result<(A, B), DecodeError> {
        Ok((A::read(input)?, B::read(input)?))
    }
}

impl<A: Canonical, B: Canonical, C: Canonical> Canonical for (A, B, C) {
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
        self.1.write(out);
        self.2.write(out);
    }

    fn read(input: &mut Input<'_>) -> Result<(A, B, C), DecodeError> {
        Ok((A::read(input)?, B::read(input)?, C::read(input)?))
    }
}

impl<A: Canonical, B: Canonical, C: Canonical, D: Canonical> Canonical for (A, B, C, D) {
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
        self.1.write(out);
        self.2.write(out);
        self.3.write(out);
    }

    fn read(input: &mut Input<'_>) -> Result<(A, B, C, D), DecodeError> {
        Ok((A::read(input)?, B::read(input)?, C::read(input)?, D::read(input)?))
    }
}

impl Canonical for Hash {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0);
    }

    fn read(input: &mut Input<'_>) -> Result<Hash, DecodeError> {
        input.array().map(Hash)
    }
}

impl Canonical for PublicKey {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0);
    }

    fn read(input: &mut Input<'_>) -> Result<PublicKey, DecodeError> {
        input.array().map(PublicKey)
    }
}

impl Canonical for Signature {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0);
    }

    fn read(input: &mut Input<'_>) -> Result<Signature, DecodeError> {
        input.array().map(Signature)
    }
}

impl Canonical for f32 {
    fn write(&self, out: &mut Vec<u8>) {
        self.to_bits().write(out);
    }

    fn read(input: &mut Input<'_>) -> Result<f32, DecodeError> {
        u32::read(input).map(f32::from_bits)
    }
}

impl Canonical for f64 {
    fn write(&self, out: &mut Vec<u8>) {
        self.to_bits().write(out);
    }

    fn read(input: &mut Input<'_>) -> Result<f64, DecodeError> {
        u64::read(input).map(f64::from_bits)
    }
}

impl<T: Canonical> Canonical for Option<T> {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(u8::from(self.is_some()));
        if let Some(value) = self {
            value.write(out);
        }
    }

    fn read(input: &mut Input<'_>) -> Result<Option<T>, DecodeError> {
        match input.byte()? {
            0 => Ok(None),
            1 => T::read(input).map(Some),
            mark => {
                Err(DecodeError::Invalid { what: "the mark of what may be absent", value: u64::from(mark) })
            }
        }
    }
}

impl<T: Canonical> Canonical for Vec<T> {
    fn write(&self, out: &mut Vec<u8>) {
        (self.len() as u64).write(out);
        for item in self {
            item.write(out);
        }
    }

    fn read(input: &mut Input<'_>) -> Result<Vec<T>, DecodeError> {
        // Every item takes a byte at least, so a wild count asks for no wild memory.
        let count = input.count()?;
        let mut items = Vec::with_capacity(count.min(1024));
        for _ in 0..count {
            items.push(T::read(input)?);
        }
        Ok(items)
    }
}

impl Canonical for String {
    fn write(&self, out: &mut Vec<u8>) {
        (self.len() as u64).write(out);
        out.extend_from_slice(self.as_bytes());
    }

    fn read(input: &mut Input<'_>) -> Result<String, DecodeError> {
        let length = input.count()?;
        let bytes = input.take(length)?;
        std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| DecodeError::Text)
    }
}

impl Canonical for OrderKind {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            OrderKind::Market => out.push(1),
            OrderKind::Limit { price } => {
                out.push(2);
                price.write(out);
            }
            OrderKind::Stop { trigger } => {
                out.push(3);
                trigger.write(out);
            }
            OrderKind::StopLimit { trigger, price } => {
                out.push(4);
                trigger.write(out);
                price.write(out);
            }
            OrderKind::TrailingStop { trail: Trail::Amount(amount) } => {
                out.push(5);
                amount.write(out);
            }
            OrderKind::TrailingStop { trail: Trail::Share(share) } => {
                out.push(6);
                share.write(out);
            }
        }
    }

    fn read(input: &mut Input<'_>) -> Result<OrderKind, DecodeError> {
        Ok(match input.byte()? {
            1 => OrderKind::Market,
            2 => OrderKind::Limit { price: Canonical::read(input)? },
            3 => OrderKind::Stop { trigger: Canonical::read(input)? },
            4 => OrderKind::StopLimit { trigger: Canonical::read(input)?, price: Canonical::read(input)? },
            5 => OrderKind::TrailingStop { trail: Trail::Amount(Canonical::read(input)?) },
            6 => OrderKind::TrailingStop { trail: Trail::Share(Canonical::read(input)?) },
            number => return Err(DecodeError::Invalid { what: "OrderKind", value: u64::from(number) }),
        })
    }
}

impl Canonical for SignalTarget {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            SignalTarget::Position { quantity } => {
                out.push(1);
                quantity.write(out);
            }
            SignalTarget::Weight { share } => {
                out.push(2);
                share.write(out);
            }
        }
    }

    fn read(input: &mut Input<'_>) -> Result<SignalTarget, DecodeError> {
        Ok(match input.byte()? {
            1 => SignalTarget::Position { quantity: Canonical::read(input)? },
            2 => SignalTarget::Weight { share: Canonical::read(input)? },
            number => return Err(DecodeError::Invalid { what: "SignalTarget", value: u64::from(number) }),
        })
    }
}

impl Canonical for Action {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Action::Hold => out.push(1),
            Action::Target { instrument, quantity } => {
                out.push(2);
                instrument.write(out);
                quantity.write(out);
            }
            Action::Submit { instrument, side, kind, time_in_force, quantity } => {
                out.push(3);
                instrument.write(out);
                side.write(out);
                kind.write(out);
                time_in_force.write(out);
                quantity.write(out);
            }
            Action::Cancel { order } => {
                out.push(4);
                order.write(out);
            }
            Action::Place(list) => {
                out.push(5);
                list.write(out);
            }
            Action::Replace { order, kind, quantity } => {
                out.push(6);
                order.write(out);
                kind.write(out);
                quantity.write(out);
            }
            Action::Open(list) => {
                out.push(7);
                list.write(out);
            }
            Action::Close { position, list } => {
                out.push(8);
                position.write(out);
                list.write(out);
            }
        }
    }

    fn read(input: &mut Input<'_>) -> Result<Action, DecodeError> {
        Ok(match input.byte()? {
            1 => Action::Hold,
            2 => Action::Target { instrument: Canonical::read(input)?, quantity: Canonical::read(input)? },
            3 => Action::Submit {
                instrument: Canonical::read(input)?,
                side: Canonical::read(input)?,
                kind: Canonical::read(input)?,
                time_in_force: Canonical::read(input)?,
                quantity: Canonical::read(input)?,
            },
            4 => Action::Cancel { order: Canonical::read(input)? },
            5 => Action::Place(Box::new(Canonical::read(input)?)),
            6 => Action::Replace {
                order: Canonical::read(input)?,
                kind: Canonical::read(input)?,
                quantity: Canonical::read(input)?,
            },
            7 => Action::Open(Box::new(Canonical::read(input)?)),
            8 => Action::Close { position: Canonical::read(input)?, list: Box::new(Canonical::read(input)?) },
            number => return Err(DecodeError::Invalid { what: "Action", value: u64::from(number) }),
        })
    }
}

impl Canonical for CorporateAction {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            CorporateAction::Split { new, old } => {
                out.push(1);
                new.write(out);
                old.write(out);
            }
            CorporateAction::Dividend { amount } => {
                out.push(2);
                amount.write(out);
            }
        }
    }

    fn read(input: &mut Input<'_>) -> Result<CorporateAction, DecodeError> {
        Ok(match input.byte()? {
            1 => CorporateAction::Split { new: Canonical::read(input)?, old: Canonical::read(input)? },
            2 => CorporateAction::Dividend { amount: Canonical::read(input)? },
            number => return Err(DecodeError::Invalid { what: "CorporateAction", value: u64::from(number) }),
        })
    }
}

impl Canonical for TradingHalted {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            TradingHalted::Data { flaw } => {
                out.push(1);
                flaw.write(out);
            }
            TradingHalted::NotANumber { column } => {
                out.push(2);
                column.write(out);
            }
            TradingHalted::EquityGone => out.push(3),
            TradingHalted::Operator => out.push(4),
            TradingHalted::Limit { rule } => {
                out.push(5);
                rule.write(out);
            }
        }
    }

    fn read(input: &mut Input<'_>) -> Result<TradingHalted, DecodeError> {
        Ok(match input.byte()? {
            1 => TradingHalted::Data { flaw: Canonical::read(input)? },
            2 => TradingHalted::NotANumber { column: Canonical::read(input)? },
            3 => TradingHalted::EquityGone,
            4 => TradingHalted::Operator,
            5 => TradingHalted::Limit { rule: Canonical::read(input)? },
            number => return Err(DecodeError::Invalid { what: "TradingHalted", value: u64::from(number) }),
        })
    }
}

impl Canonical for AlertRaised {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            AlertRaised::PositionDiffers { ours, theirs } => {
                out.push(1);
                ours.write(out);
                theirs.write(out);
            }
            AlertRaised::PositionAgrees => out.push(2),
            AlertRaised::BalanceDiffers { ours, theirs } => {
                out.push(3);
                ours.write(out);
                theirs.write(out);
            }
            AlertRaised::ImpossibleAnswer { order, status } => {
                out.push(4);
                order.write(out);
                status.write(out);
            }
            AlertRaised::Limits { request, answer } => {
                out.push(5);
                request.write(out);
                answer.write(out);
            }
            AlertRaised::MarginCalled { level, equity, maintenance } => {
                out.push(6);
                (*level, *equity, *maintenance).write(out);
            }
            AlertRaised::MarginRestored { level, equity, maintenance } => {
                out.push(7);
                (*level, *equity, *maintenance).write(out);
            }
            AlertRaised::StoppedOut { level, equity, maintenance } => {
                out.push(8);
                (*level, *equity, *maintenance).write(out);
            }
            AlertRaised::NoStop { quantity } => {
                out.push(9);
                quantity.write(out);
            }
        }
    }

    fn read(input: &mut Input<'_>) -> Result<AlertRaised, DecodeError> {
        Ok(match input.byte()? {
            1 => AlertRaised::PositionDiffers {
                ours: Canonical::read(input)?,
                theirs: Canonical::read(input)?,
            },
            2 => AlertRaised::PositionAgrees,
            3 => {
                AlertRaised::BalanceDiffers { ours: Canonical::read(input)?, theirs: Canonical::read(input)? }
            }
            4 => AlertRaised::ImpossibleAnswer {
                order: Canonical::read(input)?,
                status: Canonical::read(input)?,
            },
            5 => AlertRaised::Limits { request: Canonical::read(input)?, answer: Canonical::read(input)? },
            6 => {
                let (level, equity, maintenance) = Canonical::read(input)?;
                AlertRaised::MarginCalled { level, equity, maintenance }
            }
            7 => {
                let (level, equity, maintenance) = Canonical::read(input)?;
                AlertRaised::MarginRestored { level, equity, maintenance }
            }
            8 => {
                let (level, equity, maintenance) = Canonical::read(input)?;
                AlertRaised::StoppedOut { level, equity, maintenance }
            }
            9 => AlertRaised::NoStop { quantity: Canonical::read(input)? },
            number => return Err(DecodeError::Invalid { what: "AlertRaised", value: u64::from(number) }),
        })
    }
}

/// The identity of the run that this event starts: the first 16 bytes of the hash of its fact's canonical bytes.
pub fn run_id(started: &RunStarted) -> crate::ids::RunId {
    let mut bytes = Vec::new();
    started.write(&mut bytes);
    let mut id = [0; 16];
    id.copy_from_slice(&blake3::hash(&bytes).as_bytes()[..16]);
    crate::ids::RunId(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quote(bid_size: Option<i64>) -> Event {
        let quote = Quote { bid: Price(5), ask: Price(7), bid_size: bid_size.map(Quantity), ask_size: None };
        Event::unnumbered(Timestamp(3), Timestamp(3), InstrumentId(1), Fact::QuoteChanged(quote))
    }

    #[test]
    fn a_quote_without_sizes_takes_38_bytes() {
        let mut out = Vec::new();
        encode(&quote(None), &mut out);
        assert_eq!(out.len(), 38);
        assert_eq!(out[0], Kind::QuoteChanged as u8);
    }

    #[test]
    fn an_absent_size_differs_from_zero() {
        let (mut absent, mut zero) = (Vec::new(), Vec::new());
        encode(&quote(None), &mut absent);
        encode(&quote(Some(0)), &mut zero);
        assert_ne!(absent, zero);
    }

    #[test]
    fn times_and_cause_are_written_when_they_say_something() {
        let mut event = quote(Some(2));
        event.header.time_received = Timestamp(4);
        event.header.cause = Sequence::input(9);
        let mut out = Vec::new();
        encode(&event, &mut out);
        assert_eq!(out.len(), 38 + 8 + 8 + 8);
        assert!(out.len() <= MARKET_BYTES_MAX);
    }
}
