//! The event-sourced trading engine.
