//! The `genovo` binary.

fn main() {}
