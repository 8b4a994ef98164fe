//! The outside: market data files as iterators of events.
//!
//! Here text becomes events and nothing is decided: prices and sizes are integers from the first byte on,
//! never floats, and what cannot be read exactly is refused with its place. Start reading at [`data::open`].

pub mod data;
