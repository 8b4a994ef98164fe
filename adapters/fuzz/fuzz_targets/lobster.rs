//! Any bytes given as the two files of a day of LOBSTER: events or an error, never a panic, and a book that takes
//! whatever comes of them. The first line feed of four in a row parts the files.
//!
//! `tests/fuzz 10 lobster` runs it for ten minutes.
#![no_main]

use genovo_adapters::data::DataSpec;
use genovo_engine::ids::InstrumentId;
use genovo_engine::settings::DataKind;
use libfuzzer_sys::fuzz_target;

mod read_all;
use read_all::{read_all, read_book};

fuzz_target!(|input: &[u8]| {
    let at = input.windows(4).position(|four| four == b"\n\n\n\n").unwrap_or(input.len());
    let (messages, book) = input.split_at(at);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("ABC_2012-06-21_34200000_57600000_message_10.csv");
    std::fs::write(&path, messages).expect("room for it");
    let beside = folder.path().join("ABC_2012-06-21_34200000_57600000_orderbook_10.csv");
    std::fs::write(beside, book.trim_ascii_start()).expect("room for it");
    for skip_bad_rows in [false, true] {
        read_book(&path, skip_bad_rows);
    }
    read_all(&path, &DataSpec { skip_bad_rows: true, ..DataSpec::new(InstrumentId(1), DataKind::Trades) });
});
