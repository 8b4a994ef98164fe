//! The event-sourced trading engine of genovo.
//!
//! Start reading at [`run`]: one loop takes an input from a [`world::World`], appends it to a [`log::Log`], lets the
//! [`engine::Engine`] react, appends what followed, and sends the commands. Everything else is vocabulary
//! ([`event`], [`command`], [`units`], [`ids`]) or one room of the house with the purpose its name tells.
//!
//! This crate never reads a clock, a file, a socket, the environment or ambient randomness: time comes in on events.

pub mod account;
pub mod attribution;
pub mod bars;
pub mod book;
pub mod branched;
pub mod canonical;
pub mod command;
pub mod engine;
pub mod event;
pub mod features;
pub mod gate;
pub mod ids;
mod later;
pub mod limits;
pub mod log;
pub mod margin;
pub mod market;
pub mod merge;
pub mod order;
pub mod pipeline;
pub mod portfolio;
pub mod quality;
pub mod recorded;
pub mod risk;
pub mod rollover;
pub mod rounded;
pub mod run;
pub mod running_hash;
pub mod settings;
pub mod signature;
pub mod simulated;
pub mod state;
pub mod strategy;
pub mod tickets;
pub mod units;
pub mod venue;
pub mod world;

/// The version of the rules by which derived events follow from inputs.
///
/// Part of every run's identity: a journal is verified only by a build with the same number. Raise it with any
/// change that can alter a derived event's bytes.
pub const LOGIC_VERSION: u32 = 1;

/// The same of runs with columns (`[features]`), whose rows follow from how columns are computed. Since 2, sums over a
/// window are made of halves and lanes, and logarithms of ratios of what near numbers are from each other; since 3,
/// what feeds on its own last value is computed by a shorter chain of operations.
pub const COLUMNS_VERSION: u32 = 3;

/// Every version that a run of this build can have.
pub const LOGIC_VERSIONS: [u32; 2] = [LOGIC_VERSION, COLUMNS_VERSION];

/// The version of the rules of a run with these settings.
pub fn logic_version(settings: &settings::Settings) -> u32 {
    if settings.features.is_some() { COLUMNS_VERSION } else { LOGIC_VERSION }
}
