//! Orders, and what became of them.
// rkyv's derive makes undocumented companions of enums with named fields.
#![allow(missing_docs)]

use super::Rule;
use crate::ids::OrderId;
use crate::units::{Money, Price, Quantity};

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
}

impl OrderKind {
    /// `market`, `limit` or `stop`.
    pub const fn name(self) -> &'static str {
        match self {
            OrderKind::Market => "market",
            OrderKind::Limit { .. } => "limit",
            OrderKind::Stop { .. } => "stop",
        }
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
}

/// An order as it left for the venue.
#[derive(Clone, Debug, PartialEq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
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
