//! Reads a file to its end, as every target of a data format does.

use std::path::Path;

use genovo_adapters::data::{DataSpec, inspect, open};
use genovo_engine::book::Book;
use genovo_engine::event::{Event, Side};
use genovo_engine::ids::InstrumentId;
use genovo_engine::settings::DataKind;
use genovo_engine::units::{Nanoseconds, Price, Timestamp};

/// A spec drawn by a byte, so that one corpus reaches every kind of data.
pub fn spec(choice: u8) -> DataSpec {
    let kind = [DataKind::Quotes, DataKind::Trades, DataKind::Bars][choice as usize % 3];
    let mut spec = DataSpec::new(InstrumentId(1), kind);
    spec.skip_bad_rows = choice & 0x40 != 0;
    spec.tiles = 1 + u32::from(choice >> 7);
    if choice & 0x20 != 0 {
        spec.bar_interval = Some(Nanoseconds::SECOND);
    }
    spec
}

/// Events or an error, and arrivals never run backwards.
pub fn read_all(path: &Path, spec: &DataSpec) {
    let _ = inspect::guess(path);
    read_each(path, spec, |_| {});
}

/// The same of order books, and a book takes whatever comes of them.
pub fn read_book(path: &Path, skip_bad_rows: bool) {
    let spec = DataSpec { skip_bad_rows, ..DataSpec::new(InstrumentId(1), DataKind::Books) };
    let mut book = Book::new(Price(10_000_000));
    read_each(path, &spec, |event| _ = book.apply(&event.fact));
    for side in [Side::Buy, Side::Sell] {
        assert_eq!(book.levels(side).count(), book.side(side).len());
    }
}

fn read_each(path: &Path, spec: &DataSpec, mut take: impl FnMut(&Event)) {
    let Ok(mut open) = open(path, spec) else { return };
    let (mut batch, mut last) = (Vec::new(), Timestamp::MIN);
    loop {
        batch.clear();
        let result = open.source.read(&mut batch, 7);
        assert!(batch.len() <= 7);
        for event in &batch {
            assert!(event.header.time_received >= last);
            last = event.header.time_received;
            take(event);
        }
        if result.is_err() || batch.is_empty() {
            return;
        }
    }
}
