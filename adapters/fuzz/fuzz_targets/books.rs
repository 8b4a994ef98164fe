//! Any bytes given as a capture of Binance or a DBN file of a book: events or an error, never a panic, and a book that
//! takes whatever comes of them.
//!
//! `tests/fuzz 10 books` runs it for ten minutes.
#![no_main]

use std::io::Write;

use genovo_adapters::data::{DataSpec, inspect, open};
use genovo_engine::book::Book;
use genovo_engine::event::Side;
use genovo_engine::ids::InstrumentId;
use genovo_engine::settings::DataKind;
use genovo_engine::units::{Price, Timestamp};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(input).expect("room for it");
    let _ = inspect::guess(file.path());
    for skip_bad_rows in [false, true] {
        let spec = DataSpec { skip_bad_rows, ..DataSpec::new(InstrumentId(1), DataKind::Books) };
        let Ok(mut open) = open(file.path(), &spec) else { return };
        let (mut batch, mut last) = (Vec::new(), Timestamp::MIN);
        let mut book = Book::new(Price(100_000_000));
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
