//! Data files: what is read, against the `csv` crate and plain string parsing, and how what is wrong is
//! refused.

mod binance;
mod calendar;
mod days;
mod dbn;
mod errors;
mod folder;
mod hostile;
mod inspect;
mod lean;
mod lobster;
mod oracle;
mod parquet;
mod settings;
mod signals;

use std::path::Path;

use genovo_adapters::data::{DataError, DataSpec, OpenData, open};
use genovo_engine::event::Event;
use genovo_engine::ids::InstrumentId;
use genovo_engine::settings::DataKind;
use genovo_engine::units::Nanoseconds;
use tempfile::NamedTempFile;

/// A spec for files with the usual columns; bars last a minute.
fn spec(kind: DataKind) -> DataSpec {
    let mut spec = DataSpec::new(InstrumentId(1), kind);
    spec.bar_interval = Some(Nanoseconds(60 * 1_000_000_000));
    spec
}

fn file(bytes: impl AsRef<[u8]>) -> NamedTempFile {
    let file = NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    file
}

/// Reads to the end in batches of `limit`: the events, and the error that ended it.
fn drain(open: &mut OpenData, limit: usize) -> (Vec<Event>, Option<DataError>) {
    let mut events = Vec::new();
    loop {
        let before = events.len();
        if let Err(error) = open.source.read(&mut events, limit) {
            let error = error.0.downcast::<DataError>().expect("sources of files fail with a DataError");
            return (events, Some(*error));
        }
        assert!(events.len() - before <= limit);
        if events.len() == before {
            return (events, None);
        }
    }
}

fn read_path(path: &Path, spec: &DataSpec) -> Result<Vec<Event>, DataError> {
    let (events, error) = drain(&mut open(path, spec)?, 1000);
    error.map_or(Ok(events), Err)
}

fn read(bytes: impl AsRef<[u8]>, spec: &DataSpec) -> Result<Vec<Event>, DataError> {
    read_path(file(bytes).path(), spec)
}
