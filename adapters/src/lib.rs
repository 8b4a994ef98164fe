//! The outside: market data files as iterators of events.
