//! Where a run's data lay: a note beside the journal, and the way from an event back to its line in a file.
//!
//! The journal's settings name data by content, never by path, so that a run is the same wherever its files
//! lie. The paths are kept in `sources.json`, outside of the chain, and are believed only while a file's bytes
//! have the hash that the settings name.

use std::fs;
use std::path::{Path, PathBuf};

use genovo_adapters::data;
use genovo_engine::event::Event;
use genovo_engine::ids::{Hash, Sequence};
use genovo_engine::merge::Merge;
use genovo_engine::settings::{DataKind, Settings, SourceSettings};
use genovo_engine::world::{Source, WorldError};
use genovo_journal::Journal;
use serde::{Deserialize, Serialize};
use tracing::debug;

use crate::scenario::{DataFile, Scenario};
use crate::{models, sources};

/// The note's name in the journal's folder.
pub const FILE: &str = "sources.json";

#[derive(Debug, Default, Serialize, Deserialize)]
struct Note {
    sources: Vec<NotedSource>,
    /// The file of the model that decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    model: Option<NotedModel>,
}

#[derive(Debug, Serialize, Deserialize)]
struct NotedModel {
    path: PathBuf,
    id: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct NotedSource {
    path: PathBuf,
    content: Hash,
    /// The map file of a folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    map: Option<PathBuf>,
}

/// Notes where the data of a run lies. A note that cannot be written is none: nothing depends on it.
pub fn note(journal: &Path, scenario: &Scenario) {
    let noted = scenario.files.iter().zip(&scenario.settings.sources).map(|(file, source)| NotedSource {
        path: absolute(&file.path),
        content: source.content,
        map: file.map.as_deref().map(absolute),
    });
    let model = scenario.model.as_ref().map(|path| NotedModel {
        path: absolute(path),
        id: scenario
            .settings
            .all_strategies()
            .into_iter()
            .find_map(|strategy| strategy.parameters.get(models::PARAMETER).cloned())
            .unwrap_or_default(),
    });
    let note = Note { sources: noted.collect(), model };
    let written = serde_json::to_string_pretty(&note)
        .map_err(std::io::Error::other)
        .and_then(|text| fs::write(journal.join(FILE), text + "\n"));
    if let Err(error) = written {
        debug!(%error, "could not note where the data lies");
    }
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// Where the file of the model with this id lay when the run of a journal was recorded.
pub fn model(journal: &Path, id: Hash) -> Option<PathBuf> {
    let text = fs::read_to_string(journal.join(FILE)).ok()?;
    let note: Note = serde_json::from_str(&text).ok()?;
    note.model.filter(|noted| noted.id == id.to_string()).map(|noted| noted.path)
}

/// A row of the data: in which file, and where in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The file or market journal.
    pub path: PathBuf,
    /// Its good row, counted from 1; of a market journal, the event's number.
    pub row: u64,
    /// Its line, counted from 1 with the header; none in a market journal.
    pub line: Option<u64>,
}

/// The files of a run's data that are where they were and hold what they held.
pub struct Provenance {
    files: Vec<(SourceSettings, DataFile)>,
}

impl Provenance {
    /// Reads the note and checks the files that it names. `None` when one is missing or has changed.
    pub fn of(journal: &Path, settings: &Settings) -> Option<Provenance> {
        let text = fs::read_to_string(journal.join(FILE)).ok()?;
        let note: Note = serde_json::from_str(&text).ok()?;
        let mut files = Vec::new();
        // Signals are no market data, and no market event comes from them.
        for source in settings
            .sources
            .iter()
            .filter(|source| !matches!(source.kind, DataKind::Signals | DataKind::Outside))
        {
            let noted = note.sources.iter().find(|noted| noted.content == source.content)?;
            let content = match source.kind {
                DataKind::Journal => {
                    Journal::open(&noted.path).ok().map(|journal| journal.summary().head_hash)
                }
                kind if noted.path.is_dir() => {
                    data::folder::content(&noted.path, kind, noted.map.as_deref()).ok()
                }
                _ => data::content_hash(&noted.path).ok(),
            };
            if content != Some(source.content) {
                debug!(path = %noted.path.display(), "the data is not what the run read, or not there");
                return None;
            }
            let file = DataFile::described_by(source, noted.path.clone());
            files.push((source.clone(), DataFile { map: noted.map.clone(), ..file }));
        }
        Some(Provenance { files })
    }

    /// Where the `number`-th market event of the run comes from, counted from 1; `None` where reading the files again
    /// does not give that very event.
    pub fn row(&self, number: u64, event: &Event) -> Option<Row> {
        let (file, row) = match self.files.as_slice() {
            [_] => (0, number),
            _ => self.merged(number)?,
        };
        let (settings, described) = self.files.get(file)?;
        let path = described.path.clone();
        if settings.kind == DataKind::Journal {
            let (number, found) = market_event(&path, row)?;
            return same(&found, event).then_some(Row { path, row: number, line: None });
        }
        let spec = sources::spec(settings, described);
        // A copy's rows are those of the file, moved in time.
        let mut within = row;
        if settings.tiles > 1 {
            let rows = rows_of(&path, &spec)?;
            within = (row - 1) % rows + 1;
        }
        let found = data::find_row(&path, &spec, within).ok()??;
        let equal = if settings.tiles > 1 {
            found.event.fact.kind() == event.fact.kind()
        } else {
            same(&found.event, event)
        };
        equal.then_some(Row { path: found.file, row: within, line: Some(found.line) })
    }

    /// Merges the files as the run did, up to its `number`-th market event: which file that came from, and which row.
    fn merged(&self, number: u64) -> Option<(usize, u64)> {
        let mut marked: Vec<Box<dyn Source>> = Vec::new();
        for (index, (settings, file)) in self.files.iter().enumerate() {
            let inner: Box<dyn Source> = match settings.kind {
                DataKind::Journal => return None,
                _ => data::open(&file.path, &sources::spec(settings, file)).ok()?.source,
            };
            marked.push(Box::new(Marked { inner, file: index as u64, rows: 0 }));
        }
        let (mut merge, mut left) = (Merge::new(marked), number);
        loop {
            let event = merge.next_event().ok()??;
            // What says that something is missing is no row.
            left = left.checked_sub(u64::from(event.fact.kind().is_market()))?;
            if left == 0 {
                let mark = event.header.cause.0;
                return Some(((mark >> ROW_BITS) as usize, mark & ((1 << ROW_BITS) - 1)));
            }
        }
    }
}

/// How many bits of a mark are the row.
const ROW_BITS: u32 = 48;

/// A source whose events carry their file and row where a derived event carries its cause.
struct Marked {
    inner: Box<dyn Source>,
    file: u64,
    rows: u64,
}

impl Source for Marked {
    fn read(&mut self, batch: &mut Vec<Event>, limit: usize) -> Result<(), WorldError> {
        let before = batch.len();
        self.inner.read(batch, limit)?;
        for event in &mut batch[before..] {
            self.rows += u64::from(event.fact.kind().is_market());
            event.header.cause = Sequence(self.file << ROW_BITS | self.rows);
        }
        Ok(())
    }
}

/// Whether a row is this event: what happened and when. Its arrival may have waited for others.
fn same(row: &Event, event: &Event) -> bool {
    row.fact == event.fact && row.header.time_event == event.header.time_event
}

/// The `number`-th market event of a market journal, with its number among all events.
fn market_event(path: &Path, number: u64) -> Option<(u64, Event)> {
    let journal = Journal::open(path).ok()?;
    let numbered = (1..).zip(journal.events());
    let mut market = numbered.filter(|(_, event)| match event {
        Ok(event) => event.fact.kind().is_market(),
        Err(_) => true,
    });
    let (at, event) = market.nth(usize::try_from(number).ok()?.checked_sub(1)?)?;
    Some((at, event.ok()?))
}

/// How many good rows a file has.
fn rows_of(path: &Path, spec: &data::DataSpec) -> Option<u64> {
    let once = data::DataSpec { tiles: 1, ..spec.clone() };
    let mut opened = data::open(path, &once).ok()?;
    let (mut batch, mut rows) = (Vec::new(), 0);
    loop {
        batch.clear();
        opened.source.read(&mut batch, 4_096).ok()?;
        if batch.is_empty() {
            return Some(rows).filter(|rows| *rows > 0);
        }
        rows += batch.iter().filter(|event| event.fact.kind().is_market()).count() as u64;
    }
}

/// A long file's name with its middle left out: `xauusd….csv.zst`.
pub fn short_name(path: &Path) -> String {
    const WIDEST: usize = 28;
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let count = name.chars().count();
    if count <= WIDEST {
        return name;
    }
    let (stem, extensions) = name.split_once('.').unwrap_or((&name, ""));
    let word = stem.split(['_', '-', ' ']).next().unwrap_or(stem);
    let begin: String = if word.chars().count() < 4 { stem } else { word }.chars().take(16).collect();
    if extensions.is_empty() { format!("{begin}…") } else { format!("{begin}….{extensions}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_keep_their_ends() {
        let short = |name: &str| short_name(Path::new(name));
        assert_eq!(short("/data/quotes.csv"), "quotes.csv");
        assert_eq!(short("xauusd_oanda_20140501-20140509.csv.zst"), "xauusd….csv.zst");
        assert_eq!(short("a_very_long_name_without_an_end_at_all"), "a_very_long_name…");
    }
}
