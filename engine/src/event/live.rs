//! What only a live world says: links to the outside, the operator, the clock, what a broker reports of the account.
//! And alerts, of which those about margin come in every world.
// rkyv's derive makes undocumented companions of enums with named fields.
#![allow(missing_docs)]

use super::LimitsAnswer;
use crate::ids::OrderId;
use crate::order::Status;
use crate::units::{Money, Nanoseconds, Price, Quantity, Ratio, Timestamp};

/// What a connection is for.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize,
)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum Link {
    /// Market data.
    Market = 1,
    /// Orders and what becomes of them.
    Broker = 2,
    /// The card on which a model's kernels run. Nothing waits for it: without it the CPU computes, with the same bits.
    Card = 3,
}

impl Link {
    /// `market`, `broker` or `card`.
    pub const fn name(self) -> &'static str {
        match self {
            Link::Market => "market",
            Link::Broker => "broker",
            Link::Card => "card",
        }
    }
}

/// Where a connection stands. `adapters/src/broker/connection.rs` has the table of its changes.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize,
)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum Connection {
    /// Not there, and nobody tries.
    Disconnected = 1,
    /// Being made.
    Connecting = 2,
    /// Made; the other side checks who we are.
    Authenticating = 3,
    /// Catching up: what was missed is fetched, and compared with what we know.
    Syncing = 4,
    /// In order. Only now may orders leave.
    Live = 5,
    /// There, but its heartbeat is late.
    Degraded = 6,
    /// Lost; the next try waits.
    Backoff = 7,
    /// Lost for good: trying again would not help.
    Terminal = 8,
}

impl Connection {
    /// Every state.
    pub const ALL: [Connection; 8] = [
        Connection::Disconnected,
        Connection::Connecting,
        Connection::Authenticating,
        Connection::Syncing,
        Connection::Live,
        Connection::Degraded,
        Connection::Backoff,
        Connection::Terminal,
    ];

    /// In one word.
    pub const fn name(self) -> &'static str {
        match self {
            Connection::Disconnected => "disconnected",
            Connection::Connecting => "connecting",
            Connection::Authenticating => "authenticating",
            Connection::Syncing => "syncing",
            Connection::Live => "live",
            Connection::Degraded => "degraded",
            Connection::Backoff => "backoff",
            Connection::Terminal => "terminal",
        }
    }
}

/// A connection changed. Orders leave only while those to market and broker are live.
#[derive(Clone, Debug, PartialEq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
pub struct ConnectionChanged {
    /// Which link.
    pub link: Link,
    /// Where it stands now.
    pub state: Connection,
    /// Why, for a reader.
    pub reason: String,
}

/// What an operator can tell a running engine.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize,
)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum OperatorCommand {
    /// Send nothing until told to go on; signals wait.
    Pause = 1,
    /// Go on: what waited is decided now.
    GoOn = 2,
    /// Cancel every order, close every position, then stay paused.
    Flatten = 3,
    /// Cancel every order and decide nothing more.
    Kill = 4,
    /// The same, and close every position.
    KillAndFlatten = 5,
    /// The session stops here; what is open stays open.
    Stop = 6,
}

impl OperatorCommand {
    /// In words.
    pub const fn name(self) -> &'static str {
        match self {
            OperatorCommand::Pause => "pause",
            OperatorCommand::GoOn => "go on",
            OperatorCommand::Flatten => "flatten",
            OperatorCommand::Kill => "kill",
            OperatorCommand::KillAndFlatten => "kill and flatten",
            OperatorCommand::Stop => "stop",
        }
    }
}

/// The operator spoke.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize,
)]
pub struct OperatorCommanded {
    /// What was said.
    pub command: OperatorCommand,
}

/// Market data is missing.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize,
)]
pub struct FeedGap {
    /// How many events, where that is known.
    pub count: Option<u64>,
    /// After when.
    pub from: Timestamp,
    /// Before when.
    pub to: Timestamp,
}

/// The wall clock was compared with the steady one that stamps events.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize,
)]
pub struct ClockChecked {
    /// How far the wall clock stepped since it was last compared.
    pub step: Nanoseconds,
}

/// A broker took back or changed an execution.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize,
)]
pub struct TradeCorrected {
    /// Whose execution.
    pub order: OrderId,
    /// The order's side.
    pub side: super::Side,
    /// How much of it.
    pub quantity: Quantity,
    /// The price that was reported before.
    pub price: Price,
    /// The price that holds; `None` when the trade never was.
    pub corrected: Option<Price>,
    /// What the commission changes by, in account currency.
    pub commission: Money,
}

/// The broker's word on the account.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize,
)]
pub struct AccountReported {
    /// Cash, with the P&L of what was closed.
    pub balance: Money,
}

/// The broker's word on the position in the header's instrument.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize,
)]
pub struct PositionReported {
    /// How much; negative when short.
    pub quantity: Quantity,
}

/// Something that a person should look at.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize,
)]
#[serde(rename_all = "snake_case", tag = "alert")]
pub enum AlertRaised {
    /// The broker holds another position than we do: no order leaves for the instrument until they agree.
    PositionDiffers {
        /// By our fills.
        ours: Quantity,
        /// By its report.
        theirs: Quantity,
    },
    /// They agree again.
    PositionAgrees,
    /// The broker counts another balance than we do.
    BalanceDiffers {
        /// By our fills.
        ours: Money,
        /// By its report.
        theirs: Money,
    },
    /// An answer that cannot be: the order does not change, a fill is booked all the same.
    ImpossibleAnswer {
        /// Which order.
        order: OrderId,
        /// Where it stands; `None` when there is no such order.
        status: Option<Status>,
    },
    /// A request to change a limit waits, or it or an approval was refused.
    Limits {
        /// Which request, by its number.
        request: u64,
        /// What became of it.
        answer: LimitsAnswer,
    },
    /// Equity is at or below this multiple of the maintenance margin: nothing is opened.
    MarginCalled {
        /// The multiple.
        level: Ratio,
        /// What there is.
        equity: Money,
        /// What all positions need.
        maintenance: Money,
    },
    /// It is above it again.
    MarginRestored {
        /// The multiple.
        level: Ratio,
        /// What there is.
        equity: Money,
        /// What all positions need.
        maintenance: Money,
    },
    /// Equity is at or below the multiple at which positions are closed.
    StoppedOut {
        /// The multiple.
        level: Ratio,
        /// What there is.
        equity: Money,
        /// What all positions need.
        maintenance: Money,
    },
    /// No stop could be placed for so much of a position: it is unprotected.
    NoStop {
        /// How much.
        quantity: Quantity,
    },
}
