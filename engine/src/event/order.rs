//! Orders, and what became of them.
// rkyv's derive makes undocumented companions of enums with named fields.
#![allow(missing_docs)]

use super::Rule;
use crate::ids::{OrderId, StrategyId};
use crate::units::{Money, Price, Quantity, Ratio, Timestamp};

/// Buy or sell.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    serde::Serialize,
    serde::Deserialize,
    rkyv::Archive,
    rkyv::Serialize,
    rkyv::Deserialize,
)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum Side {
    /// Adds to the position.
    Buy = 1,
    /// Takes from it.
    Sell = 2,
}

impl Side {
    /// 1 for a buy, −1 for a sell.
    #[inline]
    pub const fn sign(self) -> i64 {
        match self {
            Side::Buy => 1,
            Side::Sell => -1,
        }
    }

    /// `buy` or `sell`.
    pub const fn name(self) -> &'static str {
        match self {
            Side::Buy => "buy",
            Side::Sell => "sell",
        }
    }

    /// The side that trades against this one.
    pub const fn opposite(self) -> Side {
        match self {
            Side::Buy => Side::Sell,
            Side::Sell => Side::Buy,
        }
    }
}

/// How an order wants to be executed.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize,
)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum OrderKind {
    /// At once, at the best there is.
    Market,
    /// At this price or better.
    Limit {
        /// The worst price accepted.
        price: Price,
    },
    /// At market once the market has reached the trigger.
    Stop {
        /// Buys trigger when the ask is at or above it, sells when the bid is at or below it.
        trigger: Price,
    },
    /// A limit order once the market has reached the trigger.
    StopLimit {
        /// As of a stop.
        trigger: Price,
        /// The worst price accepted then.
        price: Price,
    },
    /// A stop whose trigger follows the market: a buy's the lowest ask since it works, a sell's the highest bid.
    TrailingStop {
        /// How far behind.
        trail: Trail,
    },
}

/// How far a trailing stop's trigger stays behind the market.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Trail {
    /// So much of the price.
    Amount(Price),
    /// This share of the price that it follows.
    Share(Ratio),
}

impl OrderKind {
    /// `market`, `limit`, `stop`, `stop_limit` or `trailing_stop`.
    pub const fn name(self) -> &'static str {
        match self {
            OrderKind::Market => "market",
            OrderKind::Limit { .. } => "limit",
            OrderKind::Stop { .. } => "stop",
            OrderKind::StopLimit { .. } => "stop_limit",
            OrderKind::TrailingStop { .. } => "trailing_stop",
        }
    }

    /// The worst price that it accepts, if it has one.
    #[inline]
    pub const fn limit(self) -> Option<Price> {
        match self {
            OrderKind::Limit { price } | OrderKind::StopLimit { price, .. } => Some(price),
            OrderKind::Market | OrderKind::Stop { .. } | OrderKind::TrailingStop { .. } => None,
        }
    }

    /// The trigger that it names. A trailing stop names none: the market does.
    #[inline]
    pub const fn trigger(self) -> Option<Price> {
        match self {
            OrderKind::Stop { trigger } | OrderKind::StopLimit { trigger, .. } => Some(trigger),
            OrderKind::Market | OrderKind::Limit { .. } | OrderKind::TrailingStop { .. } => None,
        }
    }

    /// Whether it waits for a trigger.
    #[inline]
    pub const fn is_stop(self) -> bool {
        match self {
            OrderKind::Stop { .. } | OrderKind::StopLimit { .. } | OrderKind::TrailingStop { .. } => true,
            OrderKind::Market | OrderKind::Limit { .. } => false,
        }
    }

    /// Whether `other` is the same kind of order, whatever its prices.
    pub fn is_like(self, other: OrderKind) -> bool {
        std::mem::discriminant(&self) == std::mem::discriminant(&other)
    }
}

/// How long an order works.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    serde::Serialize,
    serde::Deserialize,
    rkyv::Archive,
    rkyv::Serialize,
    rkyv::Deserialize,
)]
#[serde(rename_all = "UPPERCASE")]
#[repr(u8)]
pub enum TimeInForce {
    /// Until it is filled or cancelled.
    Gtc = 1,
    /// Until the trading day ends.
    Day = 2,
    /// What can be filled at once; the rest is cancelled.
    Ioc = 3,
    /// All at once or nothing.
    Fok = 4,
    /// Until the moment that its terms name.
    Gtd = 5,
}

/// What else an order says. Most say nothing else.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    serde::Serialize,
    rkyv::Archive,
    rkyv::Serialize,
    rkyv::Deserialize,
)]
pub struct Terms {
    /// It gives liquidity or is refused: it never takes any.
    pub post_only: bool,
    /// It only makes the position smaller, and shrinks or ends with it.
    pub reduce_only: bool,
    /// When it ends by itself; of good-till-date orders only.
    pub expires: Option<Timestamp>,
    /// The orders that it belongs to.
    pub list: Option<Membership>,
}

impl Terms {
    /// Whether an order of this kind is a stop that stands alone and opens nothing: what protects a position.
    pub fn protects(&self, kind: OrderKind) -> bool {
        kind.is_stop() && self.reduce_only && self.list.is_none()
    }

    /// Whether it says nothing.
    #[inline]
    pub fn is_plain(&self) -> bool {
        *self == Terms::default()
    }
}

/// An order's place among orders that depend on each other. They have consecutive numbers.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize,
)]
pub struct Membership {
    /// The first of them.
    pub first: OrderId,
    /// How many they are.
    pub count: u8,
    /// How they depend on each other.
    pub link: Contingency,
    /// The part of the first order that closes a position: only what is filled beyond it arms the others.
    pub after: Quantity,
}

/// How orders depend on each other.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize,
)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Contingency {
    /// The fills of the first arm the others, in proportion.
    OneTriggersOthers = 1,
    /// What one fills, the others lose.
    OneCancelsOthers = 2,
    /// Both: the first arms the others, and what one of those fills, the rest of them lose.
    Bracket = 3,
}

impl Contingency {
    /// Whether the first order arms the others.
    #[inline]
    pub const fn has_parent(self) -> bool {
        matches!(self, Contingency::OneTriggersOthers | Contingency::Bracket)
    }

    /// Whether the orders, or those that the first one arms, take from each other.
    #[inline]
    pub const fn cancels(self) -> bool {
        matches!(self, Contingency::OneCancelsOthers | Contingency::Bracket)
    }
}

/// An order as it left for the venue.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Order {
    /// Its number in the run.
    pub order: OrderId,
    /// Buy or sell.
    pub side: Side,
    /// Market, limit or stop, with the price that needs.
    pub kind: OrderKind,
    /// How long it works.
    pub time_in_force: TimeInForce,
    /// How much; always positive.
    pub quantity: Quantity,
    /// The bid when it was decided, if there was one.
    pub bid: Option<Price>,
    /// The ask when it was decided, if there was one.
    pub ask: Option<Price>,
    /// The position it starts from.
    pub position: Quantity,
    /// What else it says.
    #[serde(skip_serializing_if = "Terms::is_plain")]
    pub terms: Terms,
    /// Whose it is, where several strategies share the account.
    #[serde(skip_serializing_if = "StrategyId::is_none")]
    pub strategy: StrategyId,
    /// The position that it closes, by the order that opened it; in a hedging account only.
    #[serde(skip_serializing_if = "OrderId::is_none")]
    pub closes: OrderId,
}

/// What the fills of an order do to the positions of a hedging account. Of a netting account there is nothing to ask.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PositionEffect {
    /// They make, or add to, the position that the order names.
    #[default]
    Open,
    /// They close positions of the other side, those of the earliest orders first.
    CloseEarliest,
    /// They close the position that this order opened.
    Close(OrderId),
}

impl PositionEffect {
    /// Of an order that names `closes`, and is reduce-only or not.
    pub fn of(closes: OrderId, reduce_only: bool) -> PositionEffect {
        match (closes, reduce_only) {
            (OrderId::NONE, false) => PositionEffect::Open,
            (OrderId::NONE, true) => PositionEffect::CloseEarliest,
            (position, _) => PositionEffect::Close(position),
        }
    }
}

impl Order {
    /// Whether the venue keeps it from opening anything.
    #[inline]
    pub fn only_closes(&self) -> bool {
        self.terms.reduce_only || !self.closes.is_none()
    }

    /// What its fills do to the positions of a hedging account.
    pub fn effect(&self) -> PositionEffect {
        PositionEffect::of(self.closes, self.terms.reduce_only)
    }

    /// Whether it waits for fills of another order.
    pub fn has_parent(&self) -> bool {
        self.terms.list.is_some_and(|list| list.link.has_parent() && list.first != self.order)
    }
}

/// An order and nothing more: accepted, cancel asked for, cancel refused.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize,
)]
pub struct OrderNotice {
    /// Which order.
    pub order: OrderId,
}

/// Why a venue refused an order.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize,
)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum RejectReason {
    /// The quantity is no positive multiple of the lot.
    QuantityOffLot = 1,
    /// The price is no multiple of the tick.
    PriceOffTick = 2,
    /// There is no price to trade against yet.
    NoMarket = 3,
    /// The venue does not know the instrument.
    UnknownInstrument = 4,
    /// The venue was asked and never got it.
    NeverArrived = 20,
    /// The broker's no, for a reason of its own.
    Broker = 21,
    /// The broker cannot do such an order; it was not sent.
    Unsupported = 22,
    /// It is post-only and would take liquidity.
    WouldTake = 5,
    /// The market is closed.
    MarketClosed = 6,
    /// The order that was to arm it is done, and armed nothing.
    ParentEnded = 7,
    /// It is reduce-only and there is nothing to reduce.
    NothingToReduce = 8,
    /// The order to be replaced no longer works.
    NotWorking = 9,
    /// As much or more of the order to be replaced is filled.
    NotAboveFilled = 10,
}

impl RejectReason {
    /// In words.
    pub const fn name(self) -> &'static str {
        match self {
            RejectReason::QuantityOffLot => "quantity is no positive multiple of the lot",
            RejectReason::PriceOffTick => "price is no multiple of the tick",
            RejectReason::NoMarket => "no market yet",
            RejectReason::UnknownInstrument => "unknown instrument",
            RejectReason::NeverArrived => "it never arrived",
            RejectReason::Broker => "the broker refused it",
            RejectReason::Unsupported => "the broker cannot do such an order",
            RejectReason::WouldTake => "post-only, and it would take liquidity",
            RejectReason::MarketClosed => "the market is closed",
            RejectReason::ParentEnded => "the order that was to arm it is done",
            RejectReason::NothingToReduce => "reduce-only, and there is nothing to reduce",
            RejectReason::NotWorking => "the order was done before",
            RejectReason::NotAboveFilled => "that much of it is filled",
        }
    }
}

/// The venue's no.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize,
)]
pub struct OrderRejected {
    /// Which order.
    pub order: OrderId,
    /// Why.
    pub reason: RejectReason,
}

/// Why an order no longer works.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize,
)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum CloseReason {
    /// We asked for it.
    Requested = 1,
    /// Immediate-or-cancel: what could be filled was.
    ImmediateRest = 2,
    /// Fill-or-kill: not all of it could be filled at once.
    NotFillable = 3,
    /// Its day ended.
    DayEnded = 4,
    /// The broker took it off the market by itself.
    Broker = 20,
    /// The moment came until which it was good.
    DateReached = 5,
    /// Another order of its list was filled.
    SiblingFilled = 6,
    /// The order that was to arm it is done.
    ParentEnded = 7,
    /// It is reduce-only, and nothing is left to reduce.
    PositionClosed = 8,
    /// It is post-only, and would have taken liquidity once it was armed, triggered, or the market opened.
    WouldTake = 9,
    /// A split left less than a lot of it.
    Split = 10,
}

/// An order that left the market without being filled whole.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize,
)]
pub struct OrderClosed {
    /// Which order.
    pub order: OrderId,
    /// What was never filled.
    pub unfilled: Quantity,
    /// Why.
    pub reason: CloseReason,
}

/// Whether a fill took liquidity or gave it.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize,
)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum Liquidity {
    /// It rested and was met.
    Maker = 1,
    /// It crossed the spread.
    Taker = 2,
}

/// An execution, with the market that it met.
#[derive(Clone, Debug, PartialEq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
pub struct Fill {
    /// Which order.
    pub order: OrderId,
    /// The order's side.
    pub side: Side,
    /// At what price.
    pub price: Price,
    /// How much; always positive.
    pub quantity: Quantity,
    /// What of the order is still working.
    pub remaining: Quantity,
    /// Maker or taker.
    pub liquidity: Liquidity,
    /// What the venue charged, in account currency, rounded to its digits.
    pub commission: Money,
    /// The bid that it met.
    pub bid: Option<Price>,
    /// The ask that it met.
    pub ask: Option<Price>,
    /// The middle of the rate instrument's quote, where the instrument is quoted in another currency than the account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<Price>,
}

/// The market reached an order's trigger: it now acts.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize,
)]
pub struct OrderTriggered {
    /// Which order.
    pub order: OrderId,
    /// Where its trigger stood.
    pub trigger: Price,
    /// The price that reached it.
    pub price: Price,
}

/// What an order is to become: asked for.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize,
)]
pub struct Replacement {
    /// Which order.
    pub order: OrderId,
    /// The same kind of order with its new prices.
    pub kind: OrderKind,
    /// How much in all, what is filled included.
    pub quantity: Quantity,
}

/// An order works on as another one.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize,
)]
pub struct OrderReplaced {
    /// Which order.
    pub order: OrderId,
    /// Its kind with its prices from here on.
    pub kind: OrderKind,
    /// How much in all from here on, what is filled included.
    pub quantity: Quantity,
    /// Why.
    pub reason: ReplaceReason,
}

/// Why an order works on as another one.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize,
)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum ReplaceReason {
    /// We asked for it.
    Requested = 1,
    /// Another order of its list was filled in part.
    SiblingFilled = 2,
    /// The order that was to arm it is done, and armed a part.
    ParentEnded = 3,
    /// It is reduce-only, and the position became smaller.
    PositionShrank = 4,
    /// The instrument was split.
    Split = 5,
    /// So the broker has it: books were compared after something was missed.
    BooksCompared = 6,
}

/// Our own no.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize,
)]
pub struct OrderDenied {
    /// The number that the order would have had.
    pub order: OrderId,
    /// The rule that said no.
    pub rule: Rule,
}
