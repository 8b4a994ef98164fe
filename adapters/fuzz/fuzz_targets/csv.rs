//! Any bytes given as a data file: events or an error, never a panic, and arrivals never run backwards.
//!
//! `tests/fuzz 10 csv` runs it for ten minutes.
#![no_main]

use std::io::Write;

use genovo_adapters::data::{Column, Field};
use genovo_engine::units::Nanoseconds;
use libfuzzer_sys::fuzz_target;

mod read_all;
use read_all::{read_all, spec};

fuzz_target!(|input: &[u8]| {
    let Some((&choice, bytes)) = input.split_first() else { return };
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(bytes).expect("room for it");
    let mut spec = spec(choice);
    spec.bar_interval = Some(Nanoseconds::SECOND);
    if choice & 0x20 != 0 {
        spec.header = false;
        let numbered = Field::of(spec.kind).iter().zip(1..);
        spec.columns = numbered.map(|(field, number)| (*field, Column::Number(number))).collect();
    }
    read_all(file.path(), &spec);
});
