//! What a decision saw, and what it wants.
// rkyv's derive makes undocumented companions of enums with named fields.
#![allow(missing_docs)]

use super::{OrderKind, Side, TimeInForce};
use crate::ids::{InstrumentId, OrderId};
use crate::units::{Money, Quantity};

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
