//! Any bytes given as a capture of Binance or a DBN file of a book: events or an error, never a panic, and a book that
//! takes whatever comes of them.
//!
//! `tests/fuzz 10 books` runs it for ten minutes.
#![no_main]

use std::io::Write;

use genovo_adapters::data::inspect;
use libfuzzer_sys::fuzz_target;

mod read_all;
use read_all::read_book;

fuzz_target!(|input: &[u8]| {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(input).expect("room for it");
    let _ = inspect::guess(file.path());
    for skip_bad_rows in [false, true] {
        read_book(file.path(), skip_bad_rows);
    }
});
