//! Any bytes given as a file of signals: signals in the order of their arrival, or an error, never a panic.
//!
//! `tests/fuzz 10 signals` runs it for ten minutes.
#![no_main]

use std::io::Write;

use genovo_adapters::data::{SignalsSpec, TargetKind, open_signals};
use genovo_engine::ids::InstrumentId;
use genovo_engine::units::{Nanoseconds, Timestamp};
use genovo_engine::world::Source;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((&choice, bytes)) = input.split_first() else { return };
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(bytes).expect("room for it");
    let spec = SignalsSpec {
        instruments: vec![("XAUUSD".to_string(), InstrumentId(1)), ("A".to_string(), InstrumentId(2))],
        target: [TargetKind::Position, TargetKind::Weight][usize::from(choice & 1)],
        time: None,
        utc_offset: Nanoseconds::ZERO,
        latency: Nanoseconds(i64::from(choice >> 4)),
        skip_bad_rows: choice & 2 != 0,
    };
    let Ok(mut open) = open_signals(file.path(), &spec) else { return };
    let mut events = Vec::new();
    loop {
        let before = events.len();
        open.source.read(&mut events, 7).expect("they are in memory");
        if events.len() == before {
            break;
        }
    }
    assert_eq!(events.len() as u64, open.count);
    let mut last = Timestamp::MIN;
    for event in events {
        assert!(event.header.time_received >= last);
        last = event.header.time_received;
    }
});
