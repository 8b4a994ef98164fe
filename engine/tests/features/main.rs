//! Features against golden files, against slow obvious recomputation, and against looking ahead.

// A test may read files.
#![allow(clippy::disallowed_methods)]

mod filters;
mod golden;
mod order_book;
mod pandasta;
mod recounts;
mod run;
mod selection;
mod talib;
mod talib_source;
mod ticks;
