//! The driver: what entry points act upon.

pub mod code;
mod entry;
mod graph;
pub mod options;
mod report;
pub mod state;
mod stream;
