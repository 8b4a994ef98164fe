//! What a decision saw, and what it wants.
// rkyv's derive makes undocumented companions of enums with named fields.
#![allow(missing_docs)]

use super::{Contingency, OrderKind, Side, TimeInForce};
use crate::ids::{InstrumentId, OrderId};
use crate::units::{Money, Price, Quantity, Timestamp};

/// A feature vector: what the decision saw.
#[derive(Clone, Debug, PartialEq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
pub struct Features {
    /// One value a column of `RunStarted::features`; +0.0 where it is not valid.
    pub values: Vec<f32>,
    /// One bit a column, least significant first: whether the value is known.
    pub valid: Vec<u64>,
}

impl Features {
    /// Column `index`, if it is known.
    pub fn get(&self, index: usize) -> Option<f32> {
        let known = self.valid.get(index / 64)? >> (index % 64) & 1 == 1;
        known.then(|| self.values.get(index).copied()).flatten()
    }
}

/// What a strategy wants.
#[derive(Clone, Debug, PartialEq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum Action {
    /// Nothing changes.
    Hold,
    /// Hold this position, traded at market. Signed; risk may reduce it.
    Target {
        /// Which instrument.
        instrument: InstrumentId,
        /// The position wanted.
        quantity: Quantity,
    },
    /// Send this order.
    Submit {
        /// Which instrument.
        instrument: InstrumentId,
        /// Buy or sell.
        side: Side,
        /// Market, limit or stop.
        kind: OrderKind,
        /// How long.
        time_in_force: TimeInForce,
        /// How much; positive.
        quantity: Quantity,
    },
    /// Take this order off the market.
    Cancel {
        /// Which order.
        order: OrderId,
    },
    /// Send an order with terms, or several that depend on each other.
    Place(Box<OrderList>),
    /// Let this order work on at other prices, or for another quantity. An order that does not work is left alone.
    Replace {
        /// Which order.
        order: OrderId,
        /// The same kind of order with its new prices.
        kind: OrderKind,
        /// How much in all, what is filled included.
        quantity: Quantity,
    },
    /// The same as [`Action::Place`], but in a hedging account the first order closes nothing: it opens a position of
    /// its own, whatever is held on the other side.
    Open(Box<OrderList>),
    /// Send orders that only close one position of a hedging account. In a netting account they are reduce-only.
    Close {
        /// The order that opened it.
        position: OrderId,
        /// The orders.
        list: Box<OrderList>,
    },
}

/// Orders that are sent together.
#[derive(Clone, Debug, PartialEq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
pub struct OrderList {
    /// Which instrument.
    pub instrument: InstrumentId,
    /// How they depend on each other; `None` for a single one.
    pub link: Option<Contingency>,
    /// The orders; the first may arm the others.
    pub orders: Vec<NewOrder>,
}

impl OrderList {
    /// A single order.
    pub fn single(instrument: InstrumentId, order: NewOrder) -> OrderList {
        OrderList { instrument, link: None, orders: vec![order] }
    }

    /// An entry with a take-profit limit, a stop-loss, or both. They are armed as the entry is filled, only reduce
    /// the position, and take from each other.
    pub fn bracket(
        instrument: InstrumentId,
        entry: NewOrder,
        take_profit: Option<Price>,
        stop_loss: Option<OrderKind>,
    ) -> OrderList {
        let exit = |kind| NewOrder::new(entry.side.opposite(), kind, entry.quantity).reduce_only();
        let limit = take_profit.map(|price| OrderKind::Limit { price });
        let exits = stop_loss.into_iter().chain(limit).map(exit);
        let orders = std::iter::once(entry).chain(exits).collect();
        OrderList { instrument, link: Some(Contingency::Bracket), orders }
    }

    /// Orders of which each takes from the others what it fills.
    pub fn one_cancels_others(instrument: InstrumentId, orders: Vec<NewOrder>) -> OrderList {
        OrderList { instrument, link: Some(Contingency::OneCancelsOthers), orders }
    }

    /// An order whose fills arm the others.
    pub fn one_triggers_others(
        instrument: InstrumentId,
        first: NewOrder,
        others: Vec<NewOrder>,
    ) -> OrderList {
        let orders = std::iter::once(first).chain(others).collect();
        OrderList { instrument, link: Some(Contingency::OneTriggersOthers), orders }
    }
}

/// An order as a strategy asks for it.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize,
)]
pub struct NewOrder {
    /// Buy or sell.
    pub side: Side,
    /// How it wants to be executed.
    pub kind: OrderKind,
    /// How long it works.
    pub time_in_force: TimeInForce,
    /// How much; positive.
    pub quantity: Quantity,
    /// Refused where it would take liquidity.
    pub post_only: bool,
    /// Never opens a position.
    pub reduce_only: bool,
    /// When it ends; of good-till-date orders only.
    pub expires: Option<Timestamp>,
}

impl NewOrder {
    /// An order that works until it is filled or cancelled.
    pub fn new(side: Side, kind: OrderKind, quantity: Quantity) -> NewOrder {
        NewOrder {
            side,
            kind,
            time_in_force: TimeInForce::Gtc,
            quantity,
            post_only: false,
            reduce_only: false,
            expires: None,
        }
    }

    /// Works for so long.
    pub fn during(self, time_in_force: TimeInForce) -> NewOrder {
        NewOrder { time_in_force, ..self }
    }

    /// Works until this moment.
    pub fn until(self, expires: Timestamp) -> NewOrder {
        NewOrder { time_in_force: TimeInForce::Gtd, expires: Some(expires), ..self }
    }

    /// Gives liquidity or is refused.
    pub fn post_only(self) -> NewOrder {
        NewOrder { post_only: true, ..self }
    }

    /// Never opens a position.
    pub fn reduce_only(self) -> NewOrder {
        NewOrder { reduce_only: true, ..self }
    }
}

/// A decision with everything that made it.
#[derive(Clone, Debug, PartialEq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
pub struct Decision {
    /// The strategy's name.
    pub strategy: String,
    /// What it wants, in the order in which risk sees it.
    pub actions: Vec<Action>,
    /// The reason in one line for a reader.
    pub because: String,
    /// The numbers behind the reason.
    pub evidence: Vec<Evidence>,
    /// Equity when it decided.
    pub equity: Money,
    /// Position in the header's instrument when it decided.
    pub position: Quantity,
}

/// A named number.
#[derive(Clone, Debug, PartialEq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
pub struct Evidence {
    /// What it is.
    pub name: String,
    /// Its value; never NaN or infinite.
    pub value: f64,
}
