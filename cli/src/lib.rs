//! The command line of genovo, and the small library behind it.

pub mod report;
