//! Market data files.
//!
//! [`open`] turns a file and a [`DataSpec`] into a [`Source`] of events; [`inspect::guess`] proposes a spec
//! for a file that nobody has described yet; [`content_hash`] names a file by what is in it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use genovo_engine::event::Event;
use genovo_engine::ids::Hash;
use genovo_engine::settings::DataKind;
use genovo_engine::units::Nanoseconds;
use genovo_engine::world::{Source, WorldError};

mod binance;
mod csv;
mod dbn;
mod error;
pub mod folder;
mod format;
mod input;
pub mod inspect;
mod lean;
mod lobster;
mod outside;
mod parquet;
mod records;
mod selections;
mod signals;
mod spec;
mod text;
mod tile;
mod time;

pub use error::{BadRow, DataError, MissingColumn};
pub use format::Format;
pub use input::Compression;
pub use lean::Market;
pub use outside::{OutsideSpec, read_outside};
pub use records::RecordError;
pub use selections::{names_in, read_selections};
pub use signals::{OpenSignals, SignalsSpec, TargetKind, open_signals};
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

/// Opens market data: CSV, plain or packed by gzip or zstd, a LEAN archive, a DBN or a Parquet file, a capture of
/// Binance, messages of LOBSTER; told apart by content, never by name. Or a [folder] of such files.
///
/// What a file says of itself is looked at here, so a wrong mapping fails before anything runs.
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
    let tally = Arc::new(Tally::default());
    let first = open_file(path, spec, tally.clone())?;
    let bytes_total = first.bytes.saturating_mul(u64::from(spec.tiles));
    let source: Box<dyn Source> = match spec.tiles {
        1 => Box::new(Untiled(first.source)),
        tiles => {
            let (file, path, spec, tally) = (path.to_owned(), path.to_owned(), spec.clone(), tally.clone());
            let reopen = move || open_file(&path, &spec, tally.clone()).map(|open| open.source);
            Box::new(tile::Tiled::new(file, first.source, reopen, tiles))
        }
    };
    let OpenFile { compression, time_format, header, .. } = first;
    Ok(OpenData { source, tally, bytes_total, compression, time_format, header })
}

/// A row of a file, found again.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundRow {
    /// The file that it stands in.
    pub file: PathBuf,
    /// The line that it stands in, counted from 1 with the header.
    pub line: u64,
    /// The event that it is.
    pub event: Event,
}

/// Where the `row`-th good row of a file stands, counted from 1; `None` when the file has fewer.
///
/// The file is read up to that row. `spec.tiles` is not looked at: rows of a copy are those of the file.
pub fn find_row(path: &Path, spec: &DataSpec, row: u64) -> Result<Option<FoundRow>, DataError> {
    let mut source = open_file(path, spec, Arc::new(Tally::default()))?.source;
    let (mut batch, mut left) = (Vec::new(), row);
    while left > 0 {
        batch.clear();
        source.read_rows(&mut batch, usize::try_from(left).unwrap_or(usize::MAX).min(4_096))?;
        if batch.is_empty() {
            return Ok(None);
        }
        // What says that something is missing is no row.
        batch.retain(|event| event.fact.kind().is_market());
        // A line of a book has many rows, and is read whole.
        if let Some(event) = usize::try_from(left).ok().and_then(|left| batch.get(left.checked_sub(1)?)) {
            let file = source.file().unwrap_or(path).to_owned();
            return Ok(Some(FoundRow { file, line: source.line(), event: event.clone() }));
        }
        left -= batch.len() as u64;
    }
    Ok(None)
}

/// Opens a file for one reading of it, or the files of a folder.
fn open_file(path: &Path, spec: &DataSpec, tally: Arc<Tally>) -> Result<OpenFile, DataError> {
    if path.is_dir() {
        return folder::open(path, spec, tally);
    }
    let format = Format::of(path)?;
    spec.check(format).map_err(|message| DataError::Spec { file: path.to_owned(), message })?;
    match format {
        Format::Csv => csv::open(path, spec, tally),
        Format::Dbn => dbn::open(path, spec, tally),
        Format::Lean => lean::open(path, spec, tally),
        Format::Parquet => parquet::open(path, spec, tally),
        Format::Binance => binance::open(path, spec, tally),
        Format::Lobster => lobster::open(path, spec, tally),
    }
}

/// A file that is open, whatever its format.
struct OpenFile {
    source: Box<dyn FileSource>,
    /// Bytes that will have been taken from the file at its end.
    bytes: u64,
    compression: Compression,
    time_format: TimeFormat,
    header: Vec<String>,
}

/// Reads a file row by row.
trait FileSource: Send {
    /// Appends up to `limit` events; none at the end. After an error it gives the same error again.
    fn read_rows(&mut self, batch: &mut Vec<Event>, limit: usize) -> Result<(), DataError>;

    /// The place of the last row read, counted from 1: its line in text, its number elsewhere.
    fn line(&self) -> u64;

    /// The file of the last row read, where it is one of several.
    fn file(&self) -> Option<&Path> {
        None
    }
}

/// Events of one line or record beyond what was asked for: they come first the next time.
#[derive(Default)]
struct Spill(Vec<Event>);

impl Spill {
    /// Hands out what was kept, until the batch is `target` long.
    fn give(&mut self, batch: &mut Vec<Event>, target: usize) {
        let room = target.saturating_sub(batch.len()).min(self.0.len());
        batch.extend(self.0.drain(..room));
    }

    /// Keeps what is beyond `target`.
    fn keep(&mut self, batch: &mut Vec<Event>, target: usize) {
        if batch.len() > target {
            self.0.extend(batch.drain(target..));
        }
    }
}

/// A file read once.
struct Untiled(Box<dyn FileSource>);

impl Source for Untiled {
    fn read(&mut self, batch: &mut Vec<Event>, limit: usize) -> Result<(), WorldError> {
        self.0.read_rows(batch, limit).map_err(WorldError::new)
    }
}

/// What a file says of itself, without anybody's help.
#[derive(Clone, Debug)]
pub struct Description {
    /// Its format.
    pub format: Format,
    /// The kinds of data that it can be read as, the likeliest first.
    pub kinds: Vec<DataKind>,
    /// How long a bar of it lasts.
    pub bar_interval: Option<Nanoseconds>,
    /// How long after its open time a bar of it is known.
    pub bar_known_after: Option<Nanoseconds>,
    /// The market of a LEAN file.
    pub market: Option<Market>,
    /// Which of several instruments was meant, if the file names them.
    pub select: Option<String>,
    /// The instrument that it names.
    pub symbol: Option<String>,
    /// The columns of its rows.
    pub columns: Vec<String>,
    /// The values of the first row, where they can be shown.
    pub examples: Vec<String>,
    /// What else is worth knowing, one finding a line.
    pub said: Vec<String>,
}

/// Asks a file what it is, or the first file of a folder. `None` for CSV, which says nothing that is sure: see
/// [`inspect::guess`].
pub fn describe(
    path: &Path,
    market: Option<&Market>,
    select: Option<&str>,
) -> Result<Option<Description>, DataError> {
    if path.is_dir() {
        return describe(&folder::first(path, None, None)?, market, select);
    }
    Ok(match Format::of(path)? {
        Format::Csv => None,
        Format::Dbn => Some(dbn::describe(path, select)?),
        Format::Lean => Some(lean::describe(path, market, select)?),
        Format::Parquet => Some(parquet::describe(path, select)?),
        Format::Binance => Some(binance::describe(path, select)?),
        Format::Lobster => Some(lobster::describe(path)?),
    })
}

/// Names in a row for a message, not too many.
fn listed(names: &[String], what: &str) -> String {
    const MOST: usize = 20;
    let shown = names.iter().take(MOST).cloned().collect::<Vec<_>>().join(", ");
    let more = if names.len() > MOST { ", …" } else { "" };
    match names.len() {
        1 => format!("the {what} {shown}"),
        count => format!("{count} {what}s: {shown}{more}"),
    }
}

/// BLAKE3 of the file's bytes as they lie on disk: the name under which a run knows its data. Of a LOBSTER file, of
/// both it and the book beside it.
pub fn content_hash(path: &Path) -> Result<Hash, DataError> {
    let hash = |path: &Path| {
        let mut hasher = blake3::Hasher::new();
        let read = File::open(path).and_then(|file| hasher.update_reader(file).map(|_| ()));
        read.map_err(|error| DataError::unreadable(path, &error))?;
        Ok(*hasher.finalize().as_bytes())
    };
    let own = hash(path)?;
    match lobster::book_beside(path) {
        Some(book) if Format::of(path)? == Format::Lobster => {
            let both = [own, hash(&book)?].concat();
            Ok(Hash(*blake3::hash(&both).as_bytes()))
        }
        _ => Ok(Hash(own)),
    }
}

/// What has been read so far, for whoever watches. Brought up to date once a buffer, not once a row.
#[derive(Debug, Default)]
pub struct Tally {
    bytes: AtomicU64,
    rows: AtomicU64,
    skipped: AtomicU64,
    rounded: AtomicU64,
    one_sided: AtomicU64,
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

    /// Sizes that had more than nine decimals and were rounded to nine, over all tiles.
    pub fn rounded(&self) -> u64 {
        self.rounded.load(Ordering::Relaxed)
    }

    /// The first rows left out, at most [`Tally::SKIPPED_KEPT`].
    pub fn first_skipped(&self) -> Vec<BadRow> {
        self.kept().clone()
    }

    /// Records that would be quotes, had they a bid and an ask, over all tiles.
    pub fn one_sided(&self) -> u64 {
        self.one_sided.load(Ordering::Relaxed)
    }

    /// Counts a row that is left out, and keeps it if it is one of the first.
    fn skip(&self, describe: impl FnOnce() -> BadRow) {
        self.skipped.fetch_add(1, Ordering::Relaxed);
        let mut kept = self.kept();
        if kept.len() < Tally::SKIPPED_KEPT {
            kept.push(describe());
        }
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Vec<BadRow>> {
        // The list is whole after every push, so a panic elsewhere cannot have broken it.
        self.first_skipped.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
