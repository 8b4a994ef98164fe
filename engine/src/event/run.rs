//! The beginning, the end, and a halt between.
// rkyv's derive makes undocumented companions of enums with named fields.
#![allow(missing_docs)]

use super::{Flaw, Rule};
use crate::ids::Hash;
use crate::units::Money;

/// Which of the three worlds fed the run. It decides how a replay treats the venue's answers.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize,
)]
#[repr(u8)]
pub enum WorldKind {
    /// The simulated venue answered: its answers are recomputed on replay.
    Simulated = 1,
    /// A broker answered: its answers are inputs.
    Live = 2,
    /// Market data only, imported; nothing traded.
    Market = 3,
}

/// The logical identity of a run. Everything that can change a derived event is in it, and nothing else.
#[derive(Clone, Debug, PartialEq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
pub struct RunStarted {
    /// Which world fed the run.
    pub world: WorldKind,
    /// [`crate::LOGIC_VERSION`] of the build that ran.
    pub logic_version: u32,
    /// The seed of all counter-based randomness.
    pub seed: u64,
    /// The effective settings as canonical JSON: a replay needs nothing but the journal.
    pub settings: String,
    /// BLAKE3 of `settings`.
    pub settings_hash: Hash,
    /// The names of the feature vector's columns, in order.
    pub features: Vec<String>,
    /// The content id of the model that decides; `None` for a built-in rule.
    pub model: Option<Hash>,
}

/// Why the engine stopped deciding.
#[derive(Clone, Debug, PartialEq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
#[serde(rename_all = "snake_case", tag = "cause")]
pub enum TradingHalted {
    /// The data had a flaw for which the settings say `halt`.
    Data {
        /// Which flaw.
        flaw: Flaw,
    },
    /// A strategy or feature produced NaN or infinity.
    NotANumber {
        /// The place in the feature vector or the evidence.
        column: u32,
    },
    /// The account can no longer hold its positions.
    EquityGone,
    /// The operator killed the session.
    Operator,
    /// A limit was reached beyond which everything is closed.
    Limit {
        /// Which one.
        rule: Rule,
    },
}

/// Why a chapter of the journal ended.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize,
)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum ChapterReason {
    /// A new day began, by the times of arrival.
    DayEnded = 1,
    /// It was as large as a chapter may be.
    SizeReached = 2,
    /// Someone asked for it.
    Asked = 3,
}

impl ChapterReason {
    /// In words.
    pub const fn name(self) -> &'static str {
        match self {
            ChapterReason::DayEnded => "the day ended",
            ChapterReason::SizeReached => "its size was reached",
            ChapterReason::Asked => "it was asked for",
        }
    }
}

/// The last event of a chapter that has another behind it. It comes in like every input, so that a replay cuts the
/// chain where the recording did; the engine does nothing with it.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize,
)]
pub struct ChapterClosed {
    /// The number of the chapter that ends, counted from 1.
    pub chapter: u32,
    /// Why it ends.
    pub reason: ChapterReason,
}

/// The end of a run.
#[derive(Clone, Debug, PartialEq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
pub struct RunEnded {
    /// Inputs taken, this run's first event included.
    pub inputs: u64,
    /// Events that followed from them, this one not included.
    pub derived: u64,
    /// Decisions made.
    pub decisions: u64,
    /// Orders submitted.
    pub orders: u64,
    /// Fills received.
    pub fills: u64,
    /// Equity at the last marks.
    pub equity: Money,
    /// BLAKE3 of the engine's state: orders, positions, account, risk, windows, and all derived events.
    pub state_hash: Hash,
}
