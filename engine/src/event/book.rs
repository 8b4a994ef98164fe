//! What changed in an order book: one event a level or an order, the last of an update marked as such.
// rkyv's derive makes undocumented companions of enums with named fields.
#![allow(missing_docs)]

use super::Side;
use crate::units::{Price, Quantity};

/// One change of an order book.
///
/// A message of a venue is as many of these as it has levels or orders, one after the other with the same times; the
/// book between two of them was never seen by anybody, so nothing is decided before the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct BookChange {
    /// The level's price; for an order the price that it has then.
    pub price: Price,
    /// How much; the action says of what.
    pub size: Quantity,
    /// Which order, in a book by order; 0 in a book by price.
    pub order: u64,
    /// Whether bids or offers change.
    pub side: Side,
    /// What happened.
    pub action: BookAction,
    /// Whether the update ends with this change: then the book is one that was there.
    pub last: bool,
}

/// What happened to a level or to an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum BookAction {
    /// The level shows `size` now; zero takes it away.
    SetLevel = 1,
    /// An order of `size` joined at the end of its level's queue.
    AddOrder = 2,
    /// The order is `size` at `price` now. It keeps its place only where its price stays and its size does not grow.
    ChangeOrder = 3,
    /// The order became smaller by `size`: cancelled in part or whole, or taken off after its execution.
    ReduceOrder = 4,
    /// The order was executed for `size`. The book stays as it is: a `ReduceOrder` follows.
    FillOrder = 5,
}

impl BookAction {
    /// Every action.
    pub const ALL: [BookAction; 5] = [
        BookAction::SetLevel,
        BookAction::AddOrder,
        BookAction::ChangeOrder,
        BookAction::ReduceOrder,
        BookAction::FillOrder,
    ];

    /// As in tables and lists.
    pub const fn name(self) -> &'static str {
        match self {
            BookAction::SetLevel => "set",
            BookAction::AddOrder => "add",
            BookAction::ChangeOrder => "change",
            BookAction::ReduceOrder => "reduce",
            BookAction::FillOrder => "fill",
        }
    }

    /// The action with this number.
    pub const fn from_number(number: u8) -> Option<BookAction> {
        match number {
            1 => Some(BookAction::SetLevel),
            2 => Some(BookAction::AddOrder),
            3 => Some(BookAction::ChangeOrder),
            4 => Some(BookAction::ReduceOrder),
            5 => Some(BookAction::FillOrder),
            _ => None,
        }
    }
}

/// The book is empty from here on, until it is told anew.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize,
)]
pub struct BookReset {
    /// Why.
    pub reason: ResetReason,
}

/// Why a book is told anew.
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
pub enum ResetReason {
    /// The changes up to the next last one are the whole book.
    Snapshot = 1,
    /// The venue took every order off.
    Cleared = 2,
}

impl ResetReason {
    /// As in tables and lists.
    pub const fn name(self) -> &'static str {
        match self {
            ResetReason::Snapshot => "snapshot",
            ResetReason::Cleared => "cleared",
        }
    }
}
