//! Any bytes given as a data file: events or an error, never a panic, and arrivals never run backwards.
//!
//! From `adapters/`, with a nightly compiler and `cargo install cargo-fuzz`:
//! `mkdir -p fuzz/corpus/csv && cp tests/data/*.csv* fuzz/corpus/csv && cargo +nightly fuzz run csv`
#![no_main]

use std::io::Write;

use genovo_adapters::data::{Column, DataSpec, Field, inspect, open};
use genovo_engine::ids::InstrumentId;
use genovo_engine::settings::DataKind;
use genovo_engine::units::{Nanoseconds, Timestamp};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((&choice, bytes)) = input.split_first() else { return };
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(bytes).expect("room for it");
    let _ = inspect::guess(file.path());

    // The first byte draws the spec, so that one corpus reaches every kind of data.
    let kind = [DataKind::Quotes, DataKind::Trades, DataKind::Bars][choice as usize % 3];
    let mut spec = DataSpec::new(InstrumentId(1), kind);
    spec.bar_interval = Some(Nanoseconds::SECOND);
    spec.skip_bad_rows = choice & 0x40 != 0;
    spec.tiles = 1 + u32::from(choice >> 7);
    if choice & 0x20 != 0 {
        spec.header = false;
        let numbered = Field::of(kind).iter().zip(1..);
        spec.columns = numbered.map(|(field, number)| (*field, Column::Number(number))).collect();
    }
    let Ok(mut open) = open(file.path(), &spec) else { return };
    let (mut batch, mut last) = (Vec::new(), Timestamp::MIN);
    loop {
        batch.clear();
        let result = open.source.read(&mut batch, 7);
        for event in &batch {
            assert!(event.header.time_received >= last);
            last = event.header.time_received;
        }
        if result.is_err() || batch.is_empty() {
            return;
        }
    }
});
