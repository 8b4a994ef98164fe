//! What another program wants.
// rkyv's derive makes undocumented companions of enums with named fields.
#![allow(missing_docs)]

use crate::units::{Quantity, Ratio};

/// A target that another program named for the header's instrument. `time_event` is when it was known.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize,
)]
pub struct Signal {
    /// What it wants.
    pub target: SignalTarget,
}

/// A position, or a share of equity.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize,
)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum SignalTarget {
    /// This position, signed.
    Position {
        /// How much.
        quantity: Quantity,
    },
    /// A position of this share of equity, signed: −50 % is short for half of it.
    Weight {
        /// The share.
        share: Ratio,
    },
}
