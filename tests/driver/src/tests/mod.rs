//! Tests of the stand-in itself.

mod bench;
mod checks;
mod hostile;
mod lint;
mod opcodes;
