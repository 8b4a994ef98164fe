//! Any bytes given as a Parquet file: events or an error, never a panic.
//!
//! `tests/fuzz 10 parquet` runs it for ten minutes.
#![no_main]

use std::io::Write;

use libfuzzer_sys::fuzz_target;

mod read_all;
use read_all::{read_all, spec};

// The reader takes a panic of its decoder for a damaged file. The fuzzer would stop at it before that; what nobody
// catches still stops it.
fuzz_target!(init: std::panic::set_hook(Box::new(|panic| eprintln!("{panic}"))), |input: &[u8]| {
    let Some((&choice, bytes)) = input.split_first() else { return };
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(bytes).expect("room for it");
    read_all(file.path(), &spec(choice));
});
