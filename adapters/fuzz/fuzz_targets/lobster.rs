//! Any bytes given as the two files of a day of LOBSTER: events or an error, never a panic, and a book that takes
//! whatever comes of them. The first line feed of four in a row parts the files.
//!
//! `tests/fuzz 10 lobster` runs it for ten minutes.
#![no_main]

use genovo_adapters::data::{DataSpec, open};
use genovo_engine::book::Book;
use genovo_engine::event::Side;
use genovo_engine::ids::InstrumentId;
use genovo_engine::settings::DataKind;
use genovo_engine::units::{Price, Timestamp};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let at = input.windows(4).position(|four| four == b"\n\n\n\n").unwrap_or(input.len());
    let (messages, book) = input.split_at(at);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("ABC_2012-06-21_34200000_57600000_message_10.csv");
    std::fs::write(&path, messages).expect("room for it");
    let beside = folder.path().join("ABC_2012-06-21_34200000_57600000_orderbook_10.csv");
    std::fs::write(beside, book.trim_ascii_start()).expect("room for it");
    for (kind, skip_bad_rows) in [(DataKind::Books, false), (DataKind::Books, true), (DataKind::Trades, true)] {
        let spec = DataSpec { skip_bad_rows, ..DataSpec::new(InstrumentId(1), kind) };
        let Ok(mut open) = open(&path, &spec) else { return };
        let (mut batch, mut last) = (Vec::new(), Timestamp::MIN);
        let mut book = Book::new(Price(10_000_000));
        loop {
            batch.clear();
            let result = open.source.read(&mut batch, 7);
            assert!(batch.len() <= 7);
            for event in &batch {
                assert!(event.header.time_received >= last);
                last = event.header.time_received;
                book.apply(&event.fact);
            }
            if result.is_err() || batch.is_empty() {
                break;
            }
        }
        for side in [Side::Buy, Side::Sell] {
            assert_eq!(book.levels(side).count(), book.side(side).len());
        }
    }
});
