//! What the market did, and what is odd about the data that says so.
// rkyv's derive makes undocumented companions of enums with named fields.
#![allow(missing_docs)]

use super::Side;
use crate::units::{Price, Quantity, Timestamp};

/// Best bid and ask. A size that the data lacks is `None`, never 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Quote {
    /// What buyers pay.
    pub bid: Price,
    /// What sellers ask.
    pub ask: Price,
    /// How much is bid for at `bid`.
    pub bid_size: Option<Quantity>,
    /// How much is offered at `ask`.
    pub ask_size: Option<Quantity>,
}

/// A trade of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Trade {
    /// The price.
    pub price: Price,
    /// How much changed hands.
    pub size: Option<Quantity>,
    /// Who crossed the spread, when the data says so.
    pub aggressor: Option<Side>,
}

/// Open, high, low, close of a span of time that ends at the header's `time_event`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Bar {
    /// When the span began.
    pub open_time: Timestamp,
    /// First price.
    pub open: Price,
    /// Highest price.
    pub high: Price,
    /// Lowest price.
    pub low: Price,
    /// Last price.
    pub close: Price,
    /// Quantity traded in the span.
    pub volume: Option<Quantity>,
}

/// What a company or an exchange did to an instrument. It holds from the header's `time_event` on.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum CorporateAction {
    /// Every `old` units become `new` ones, and prices fall in proportion.
    Split {
        /// How many units there are then.
        new: u32,
        /// For how many that there were.
        old: u32,
    },
    /// Cash for every unit held; whoever is short pays it. In the instrument's currency.
    Dividend {
        /// For one unit.
        amount: Price,
    },
}

/// The instrument's market opened or closed.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize,
)]
pub struct SessionChanged {
    /// Whether it trades from here on.
    pub open: bool,
    /// When that changes next, by the calendar.
    pub until: Timestamp,
}

/// What is odd about a piece of data.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    serde::Serialize,
    rkyv::Archive,
    rkyv::Serialize,
    rkyv::Deserialize,
)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Flaw {
    /// Bid above ask.
    Crossed = 1,
    /// Bid equal to ask.
    Locked = 2,
    /// Stamped earlier than the event before it from the same instrument.
    OutOfOrder = 3,
    /// The same stamp and the same contents as the event before it.
    Duplicate = 4,
    /// Nothing came for longer than the settings allow.
    Gap = 5,
    /// Far outside what the last moves suggest.
    Outlier = 6,
}

impl Flaw {
    /// Every flaw.
    pub const ALL: [Flaw; 6] =
        [Flaw::Crossed, Flaw::Locked, Flaw::OutOfOrder, Flaw::Duplicate, Flaw::Gap, Flaw::Outlier];

    /// As in a scenario's `[quality]`.
    pub const fn name(self) -> &'static str {
        match self {
            Flaw::Crossed => "crossed",
            Flaw::Locked => "locked",
            Flaw::OutOfOrder => "out_of_order",
            Flaw::Duplicate => "duplicate",
            Flaw::Gap => "gap",
            Flaw::Outlier => "outlier",
        }
    }
}

/// What was done with a flawed piece of data.
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
pub enum FlawAction {
    /// Used like any other.
    Keep = 1,
    /// Journaled, and used by nobody: neither strategy nor bars, account or venue.
    Drop = 2,
    /// No decision is taken from here on.
    Halt = 3,
}

/// A flaw found in the data.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize,
)]
pub struct DataFlagged {
    /// Which flaw.
    pub flaw: Flaw,
    /// What was done.
    pub action: FlawAction,
    /// How large: nanoseconds for a gap or a step back, price units for a crossed spread, multiples of 1e-9 of the
    /// usual move for an outlier, else 0.
    pub size: i64,
}
