//! A folder of files read as one, in the order of their names: a file a day, as LEAN and most vendors keep them.
//!
//! Of LEAN's archives, which keep quotes and trades of a day side by side, the kind of data chooses. Where a ticker
//! changed, a map file of LEAN says which ticker's folder has which days:
//!
//! ```text
//! 20140402,goog         up to and with this day it is in ../goog
//! 20501231,googl        and after that in ../googl
//! ```

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use genovo_engine::event::Event;
use genovo_engine::ids::Hash;
use genovo_engine::settings::DataKind;
use genovo_engine::units::Timestamp;

use super::{DataError, DataSpec, FileSource, OpenFile, Tally, content_hash, describe, lobster, open_file};

/// Whether this is a folder of data files: one with a file in it that is no journal.
pub fn is_folder(path: &Path) -> bool {
    path.is_dir() && !path.join("identity.toml").exists() && listed(path).is_ok_and(|files| !files.is_empty())
}

/// The file that stands for a path where one has to be looked at: itself, or the first of a folder. `kind`: what the
/// data shall be, where somebody has said it.
pub fn first(path: &Path, kind: Option<DataKind>, map: Option<&Path>) -> Result<PathBuf, DataError> {
    if !path.is_dir() {
        return Ok(path.to_owned());
    }
    let empty = || DataError::Empty { file: path.to_owned() };
    files(path, kind, map)?.into_iter().next().ok_or_else(empty)
}

/// The files of a folder in the order in which they are read.
pub fn files(folder: &Path, kind: Option<DataKind>, map: Option<&Path>) -> Result<Vec<PathBuf>, DataError> {
    let mut files = match map {
        None => listed(folder)?,
        Some(map) => mapped(folder, map)?,
    };
    let has_trades = files.iter().any(|file| lean_content(file) == Some(DataKind::Trades));
    let wanted = match kind {
        Some(DataKind::Bars) if !has_trades => Some(DataKind::Quotes),
        Some(DataKind::Bars) => Some(DataKind::Trades),
        kind => kind,
    };
    files.retain(|file| {
        lean_content(file).is_none_or(|content| wanted.is_none_or(|wanted| wanted == content))
    });
    Ok(files)
}

/// BLAKE3 over what is in the files, in their order; not over their names.
pub fn content(folder: &Path, kind: DataKind, map: Option<&Path>) -> Result<Hash, DataError> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"genovo folder 1\n");
    for file in files(folder, Some(kind), map)? {
        hasher.update(&content_hash(&file)?.0);
    }
    Ok(Hash(*hasher.finalize().as_bytes()))
}

/// Every file of a folder by its name, but those that say something about the others.
fn listed(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    let unreadable = |error| DataError::unreadable(folder, &error);
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_file() && !name.starts_with('.') && !name.ends_with(".md") {
            files.push(path);
        }
    }
    // What a book showed is read with the messages beside it.
    let books: Vec<PathBuf> = files.iter().filter_map(|file| lobster::book_beside(file)).collect();
    files.retain(|file| !books.contains(file));
    files.sort();
    Ok(files)
}

/// What one of LEAN's archives of a day holds, by its name: `20131007_quote.zip`.
fn lean_content(file: &Path) -> Option<DataKind> {
    day(file)?;
    let name = file.file_name()?.to_str()?.strip_suffix(".zip")?;
    match name.get(8..)? {
        "_quote" => Some(DataKind::Quotes),
        "_trade" => Some(DataKind::Trades),
        _ => None,
    }
}

/// The day with which a name begins, as a number.
fn day(file: &Path) -> Option<u32> {
    let digits = file.file_name()?.to_str()?.get(..8)?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

/// The files of all tickers that a map file names, each for its days.
fn mapped(folder: &Path, map: &Path) -> Result<Vec<PathBuf>, DataError> {
    let text = fs::read_to_string(map).map_err(|error| DataError::unreadable(map, &error))?;
    let refused = |line: usize, what: &str| DataError::Spec {
        file: map.to_owned(),
        message: format!("line {line}: {what}; a row of a map file is a day such as 20140402 and a ticker"),
    };
    let (mut files, mut from) = (Vec::new(), 0);
    for (line, row) in (1..).zip(text.lines()).filter(|(_, row)| !row.trim().is_empty()) {
        let mut fields = row.split(',').map(str::trim);
        let (Some(until), Some(ticker)) =
            (fields.next().and_then(|text| day(Path::new(text))), fields.next())
        else {
            return Err(refused(line, "it has no day or no ticker"));
        };
        if ticker.is_empty() || ticker.contains(['/', '\\']) || ticker.starts_with('.') {
            return Err(refused(line, "its ticker is no name of a folder"));
        }
        if until < from {
            return Err(refused(line, "its day is before that of the row above"));
        }
        let of_ticker = folder.with_file_name(ticker.to_ascii_lowercase());
        if of_ticker.is_dir() {
            let days = listed(&of_ticker)?;
            files.extend(
                days.into_iter().filter(|file| day(file).is_some_and(|day| from < day && day <= until)),
            );
        }
        from = until;
    }
    if files.is_empty() {
        let message = format!("no folder beside {} has a file of its tickers' days", folder.display());
        return Err(DataError::Spec { file: map.to_owned(), message });
    }
    Ok(files)
}

/// Files read one after the other.
struct Chain {
    file: PathBuf,
    current: Box<dyn FileSource>,
    left: VecDeque<PathBuf>,
    spec: DataSpec,
    tally: Arc<Tally>,
    /// Whose data the files say it is, if they do.
    symbol: Option<String>,
    /// When the current file begins; `None` until its first row is read.
    begins: Option<Timestamp>,
    /// When the one before it began.
    before: Timestamp,
    received: Timestamp,
}

/// Opens the first file of a folder; the others follow when their turn comes.
pub(super) fn open(folder: &Path, spec: &DataSpec, tally: Arc<Tally>) -> Result<OpenFile, DataError> {
    let mut files: VecDeque<PathBuf> = files(folder, Some(spec.kind), spec.map.as_deref())?.into();
    let file = files.pop_front().ok_or_else(|| DataError::Empty { file: folder.to_owned() })?;
    let others: u64 = files.iter().filter_map(|file| Some(file.metadata().ok()?.len())).sum();
    let opened = open_file(&file, spec, tally.clone())?;
    let chain = Chain {
        symbol: symbol(&file, spec)?,
        current: opened.source,
        file,
        left: files,
        spec: spec.clone(),
        tally,
        begins: None,
        before: Timestamp::MIN,
        received: Timestamp::MIN,
    };
    Ok(OpenFile { source: Box::new(chain), bytes: opened.bytes + others, ..opened })
}

/// Whose data a file says it is. With a map file the ticker may change.
fn symbol(file: &Path, spec: &DataSpec) -> Result<Option<String>, DataError> {
    if spec.map.is_some() {
        return Ok(None);
    }
    Ok(describe(file, spec.market.as_ref(), spec.select.as_deref())?.and_then(|said| said.symbol))
}

impl Chain {
    fn next_file(&mut self) -> Result<bool, DataError> {
        let Some(file) = self.left.pop_front() else { return Ok(false) };
        let symbol = symbol(&file, &self.spec)?;
        if symbol != self.symbol {
            let name = |symbol: &Option<String>| symbol.clone().unwrap_or_else(|| "nobody".to_string());
            let message = format!(
                "it is data of {}, and {} of {}: name one file, or a folder of one instrument",
                name(&symbol),
                self.file.display(),
                name(&self.symbol)
            );
            return Err(DataError::Spec { file, message });
        }
        self.current = open_file(&file, &self.spec, self.tally.clone())?.source;
        self.before = self.begins.take().unwrap_or(self.before);
        self.file = file;
        Ok(true)
    }
}

impl FileSource for Chain {
    fn read_rows(&mut self, batch: &mut Vec<Event>, limit: usize) -> Result<(), DataError> {
        let start = batch.len();
        loop {
            self.current.read_rows(batch, limit)?;
            let rows = &mut batch[start..];
            if let Some(first) = rows.first() {
                let begins = *self.begins.get_or_insert(first.header.time_event);
                if begins < self.before {
                    let message =
                        "it begins before the file before it: files are read in the order of their names";
                    let error = DataError::Spec { file: self.file.clone(), message: message.to_string() };
                    batch.truncate(start);
                    return Err(error);
                }
                // What the file before brought late has arrived first.
                for event in rows {
                    self.received = self.received.max(event.header.time_received);
                    event.header.time_received = self.received;
                }
                return Ok(());
            }
            if limit == 0 || !self.next_file()? {
                return Ok(());
            }
        }
    }

    fn line(&self) -> u64 {
        self.current.line()
    }

    fn file(&self) -> Option<&Path> {
        Some(&self.file)
    }
}
