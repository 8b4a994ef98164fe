//! The command line of genovo, and the small library behind it.
//!
//! A program with a strategy of its own adds it to a [`Registry`](engine::strategy::Registry) and calls
//! [`run`]: it then has every command of genovo. It depends on this crate alone: [`prelude`] has what a
//! strategy is written with, [`engine`] everything else. `docs/your-own-strategy.md` walks through one.

mod audit;
mod backend;
mod bench;
mod cache;
pub mod commands;
mod compare;
mod doctor;
pub mod error;
mod failures;
mod inspect;
mod live;
pub mod machine;
mod models;
mod progress;
mod provenance;
pub mod report;
mod runs;
pub mod scenario;
mod signing;
mod sources;
mod sweep;
mod verbosity;
mod verify;

pub use commands::{command, run};
pub use genovo_engine as engine;

/// What a strategy of one's own is written with.
pub mod prelude {
    pub use genovo_engine::event::{Action, Bar, Event, Fact, OrderKind, Quote, Side, TimeInForce, Trade};
    pub use genovo_engine::ids::{InstrumentId, OrderId};
    pub use genovo_engine::settings::{Settings, Trigger};
    pub use genovo_engine::state;
    pub use genovo_engine::state::State;
    pub use genovo_engine::strategy::bar_by_bar::{BarStrategy, bar_by_bar};
    pub use genovo_engine::strategy::{
        Needs, ParameterError, ParameterSpec, Parameters, Proposal, Registry, Strategy, StrategyKind, View,
    };
    pub use genovo_engine::units::{Money, Nanoseconds, Price, Quantity, Ratio, Timestamp};
}
