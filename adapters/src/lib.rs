//! The outside: market data files and feeds, brokers, and the world that joins them live.
//!
//! Here text becomes events and nothing is decided: prices and sizes are integers from the first byte on,
//! never floats, and what cannot be read exactly is refused with its place. Start reading at [`data::open`]
//! for files, at [`live::Live`] for a session.

pub mod actions;
pub mod broker;
pub mod calendar;
pub mod data;
pub mod feed;
pub mod live;
pub mod scheduled;
pub mod table;
