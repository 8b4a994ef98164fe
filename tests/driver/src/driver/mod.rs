//! The driver: what entry points act upon.

mod code;
mod entry;
mod graph;
mod options;
mod report;
mod state;
mod stream;
