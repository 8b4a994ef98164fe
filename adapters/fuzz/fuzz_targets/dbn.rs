//! Any bytes given as a file of Databento: events or an error, never a panic.
//!
//! `tests/fuzz 10 dbn` runs it for ten minutes.
#![no_main]

use std::io::Write;

use libfuzzer_sys::fuzz_target;

mod read_all;
use read_all::{read_all, spec};

fuzz_target!(|input: &[u8]| {
    let Some((&choice, bytes)) = input.split_first() else { return };
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(bytes).expect("room for it");
    read_all(file.path(), &spec(choice));
});
