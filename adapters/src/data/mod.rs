//! Market data files.
//!
//! [`open`] turns a file and a [`DataSpec`] into a [`Source`] of events; [`inspect::guess`] proposes a spec
//! for a file that nobody has described yet; [`content_hash`] names a file by what is in it.

use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use genovo_engine::event::Event;
use genovo_engine::ids::Hash;
use genovo_engine::world::Source;

pub mod csv;
mod error;
mod input;
pub mod inspect;
mod spec;
pub mod tile;
mod time;

pub use error::{BadRow, DataError, MissingColumn};
pub use input::Compression;
pub use spec::{Column, DataSpec, Field};
pub use time::TimeFormat;

/// A file that is open: its events, and what can be seen of it from another thread.
pub struct OpenData {
    /// The events, in the order of the file.
    pub source: Box<dyn Source>,
    /// How far reading has come.
    pub tally: Arc<Tally>,
    /// Bytes that will have been taken from the file at the end, over all tiles: the length of a progress
    /// bar.
    pub bytes_total: u64,
    /// How the file is packed.
    pub compression: Compression,
    /// The format of its times: the spec's, or what the file showed.
    pub time_format: TimeFormat,
    /// The names of its columns, empty when it has no header.
    pub header: Vec<String>,
}

/// Opens market data: plain, gzip or zstd, told apart by content, never by name.
///
/// The header and the first row are looked at here, so a wrong mapping fails before anything runs.
///
/// ```
/// use genovo_adapters::data::{DataSpec, open};
/// use genovo_engine::{ids::InstrumentId, settings::DataKind};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let file = tempfile::NamedTempFile::new()?;
/// std::fs::write(&file, "ts_ns,bid,ask\n1399040999583691000,1290.57,1290.823\n")?;
/// let mut data = open(file.path(), &DataSpec::new(InstrumentId(1), DataKind::Quotes))?;
/// let mut batch = Vec::new();
/// data.source.read(&mut batch, 1024)?;
/// assert_eq!(batch.len(), 1);
/// # Ok(())
/// # }
/// ```
pub fn open(path: &Path, spec: &DataSpec) -> Result<OpenData, DataError> {
    spec.check().map_err(|message| DataError::Spec { file: path.to_owned(), message })?;
    let tally = Arc::new(Tally::default());
    let first = csv::CsvSource::open(path, spec, tally.clone())?;
    let bytes_total = first.file_size().saturating_mul(u64::from(spec.tiles));
    let (compression, time_format, header) =
        (first.compression(), first.time_format(), first.header().to_vec());
    let source: Box<dyn Source> = match spec.tiles {
        1 => Box::new(first),
        tiles => {
            let (file, path, spec, tally) = (path.to_owned(), path.to_owned(), spec.clone(), tally.clone());
            let reopen = move || csv::CsvSource::open(&path, &spec, tally.clone());
            Box::new(tile::Tiled::new(file, first, reopen, tiles))
        }
    };
    Ok(OpenData { source, tally, bytes_total, compression, time_format, header })
}

/// A row of a file, found again.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundRow {
    /// The line that it stands in, counted from 1 with the header.
    pub line: u64,
    /// The event that it is.
    pub event: Event,
}

/// Where the `row`-th good row of a file stands, counted from 1; `None` when the file has fewer.
///
/// The file is read up to that row. `spec.tiles` is not looked at: rows of a copy are those of the file.
pub fn find_row(path: &Path, spec: &DataSpec, row: u64) -> Result<Option<FoundRow>, DataError> {
    let mut source = csv::CsvSource::open(path, spec, Arc::new(Tally::default()))?;
    let (mut batch, mut left) = (Vec::new(), row);
    while left > 0 {
        batch.clear();
        source.read_rows(&mut batch, usize::try_from(left).unwrap_or(usize::MAX).min(4_096))?;
        if batch.is_empty() {
            return Ok(None);
        }
        left -= batch.len() as u64;
    }
    Ok(batch.pop().map(|event| FoundRow { line: source.line(), event }))
}

/// BLAKE3 of the file's bytes as they lie on disk: the name under which a run knows its data.
pub fn content_hash(path: &Path) -> Result<Hash, DataError> {
    let mut hasher = blake3::Hasher::new();
    File::open(path)
        .and_then(|file| hasher.update_reader(file).map(|_| ()))
        .map_err(|error| DataError::unreadable(path, &error))?;
    Ok(Hash(*hasher.finalize().as_bytes()))
}

/// What has been read so far, for whoever watches. Brought up to date once a buffer, not once a row.
#[derive(Debug, Default)]
pub struct Tally {
    bytes: AtomicU64,
    rows: AtomicU64,
    skipped: AtomicU64,
    first_skipped: Mutex<Vec<BadRow>>,
}

impl Tally {
    /// How many skipped rows are kept to be shown.
    pub const SKIPPED_KEPT: usize = 10;

    /// Bytes taken from the file, compressed as they are there.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Good rows, over all tiles.
    pub fn rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }

    /// Rows left out by `skip_bad_rows`, over all tiles.
    pub fn skipped(&self) -> u64 {
        self.skipped.load(Ordering::Relaxed)
    }

    /// Counts what a source of another kind has read.
    pub fn add(&self, bytes: u64, rows: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.rows.fetch_add(rows, Ordering::Relaxed);
    }

    /// The first rows left out, at most [`Tally::SKIPPED_KEPT`].
    pub fn first_skipped(&self) -> Vec<BadRow> {
        self.kept().clone()
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Vec<BadRow>> {
        // The list is whole after every push, so a panic elsewhere cannot have broken it.
        self.first_skipped.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
