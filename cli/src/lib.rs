//! The command line of genovo, and the small library behind it.
//!
//! A program with a strategy of its own adds it to a [`Registry`](genovo_engine::strategy::Registry) and
//! calls [`run`]: it then has every command of genovo.

mod audit;
pub mod commands;
pub mod error;
mod failures;
mod inspect;
pub mod machine;
mod progress;
pub mod report;
mod runs;
pub mod scenario;
mod sources;
mod verify;

pub use commands::{command, run};
/// The vocabulary that a strategy of one's own is written in.
pub use genovo_engine as engine;
