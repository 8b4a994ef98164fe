//! Data files read once: a market journal of each, found again by what is in the file and how it is read.
//!
//! A run from the cache is the run from the file, byte for byte: the journal has the same events, and the run's
//! identity names the file's content either way. What is found is believed only if its hashes match, as with every
//! journal; else it is made anew.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use genovo_adapters::data;
use genovo_engine::LOGIC_VERSION;
use genovo_engine::event::{Event, Fact};
use genovo_engine::ids::{InstrumentId, Sequence};
use genovo_engine::merge::Merge;
use genovo_engine::pipeline::QueuedSource;
use genovo_engine::run::RunError;
use genovo_engine::settings::{Commission, Instrument, SourceSettings};
use genovo_engine::units::{Money, Price, Quantity, Ratio, SCALE};
use genovo_engine::world::WorldError;
use genovo_journal::{Error, Journal, Writer};
use tracing::{info, warn};

use crate::commands::import;
use crate::error::{Exit, Failure};
use crate::failures;
use crate::progress::Progress;
use crate::scenario::DataFile;
use crate::sources::{self, Opened};

/// Changes whenever the same file would become other events.
const VERSION: u32 = 1;
/// How much is kept, in bytes: what was used longest ago goes first.
const LIMIT: u64 = 10 << 30;
/// Whose data an entry has, by the entry.
pub const INSTRUMENT: InstrumentId = InstrumentId(1);

const NOT_RUN: &str = "Nothing was run.";

/// A folder of market journals.
#[derive(Clone, Debug)]
pub struct Cache {
    folder: PathBuf,
    limit: u64,
    quiet: bool,
}

impl Cache {
    /// The cache in a folder; an empty path is the user's: `$XDG_CACHE_HOME/genovo`, else `~/.cache/genovo`. `quiet`
    /// shows no progress.
    pub fn at(folder: &Path, quiet: bool) -> Result<Cache, Failure> {
        let folder = match folder.as_os_str().is_empty() {
            false => folder.to_owned(),
            true => {
                let named =
                    |name: &str| std::env::var_os(name).filter(|path| !path.is_empty()).map(PathBuf::from);
                let home = || named("HOME").map(|home| home.join(".cache"));
                let folder = named("XDG_CACHE_HOME").or_else(home).ok_or_else(|| {
                    Failure::new(
                        Exit::Usage,
                        "neither XDG_CACHE_HOME nor HOME says where a cache may lie",
                        NOT_RUN,
                    )
                    .help("name its folder: --cache=DIR")
                })?;
                folder.join("genovo")
            }
        };
        Ok(Cache { folder, limit: LIMIT, quiet })
    }

    /// The entry of a file, made now if there is none. `None`: rows of the file were left out or changed, and a
    /// reader has to hear of that, so it is read itself.
    pub fn entry(&self, settings: &SourceSettings, file: &DataFile) -> Result<Option<PathBuf>, Failure> {
        let entry = self.folder.join(key(settings));
        if entry.exists() {
            match Journal::open(&entry) {
                Ok(_) => {
                    // Used now: the last to go.
                    let now = fs::File::open(entry.join("identity.toml"))
                        .and_then(|file| file.set_modified(SystemTime::now()));
                    if let Err(error) = now {
                        warn!(%error, entry = %entry.display(), "cannot note the use of a cached file");
                    }
                    return Ok(Some(entry));
                }
                Err(error) => {
                    warn!(%error, entry = %entry.display(), "a cached file is damaged and is made anew");
                    self.remove(&entry)?;
                }
            }
        }
        // A process that was killed leaves its own behind, and in a container the next one has the same number.
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos();
        let place = self.folder.join(format!("making-{}-{now}-{}", std::process::id(), key(settings)));
        let made = self.make(settings, file, &place);
        match made {
            Ok(true) => {}
            other => {
                let _ = fs::remove_dir_all(&place);
                return other.map(|_| None);
            }
        }
        // Another process may have been faster; what it made is the same.
        if fs::rename(&place, &entry).is_err() {
            let _ = fs::remove_dir_all(&place);
        }
        self.forget(&entry);
        Ok(entry.exists().then_some(entry))
    }

    /// Writes the market journal of a file. Whether all of its rows are in it as they are in the file.
    fn make(&self, settings: &SourceSettings, file: &DataFile, place: &Path) -> Result<bool, Failure> {
        let kept = |error: Error| failures::journal(&error, NOT_RUN).help("name another folder: --cache=DIR");
        let mut spec = sources::spec(settings, file);
        spec.instrument = INSTRUMENT;
        let data = data::open(&file.path, &spec).map_err(|error| failures::data(&error, NOT_RUN))?;
        let tallies = vec![(file.path.clone(), data.tally.clone())];
        let opened = Opened { sources: Vec::new(), tallies, bytes_total: data.bytes_total };
        let progress = Progress::start("caching  ", &opened, self.quiet);
        let mut writer = Writer::create(place, &import::identity()).map_err(kept)?;
        let mut market = Merge::new(vec![Box::new(QueuedSource::spawn(data.source))]);
        let world = |error: WorldError| match sources::data_error(&error) {
            Some(error) => failures::data(error, NOT_RUN),
            None => failures::run(&RunError::World(error), NOT_RUN),
        };
        let mut number = 0;
        let mut put = |event: &mut Event| {
            number += 1;
            event.header.sequence = Sequence::input(number);
            writer.append(event).map_err(kept)
        };
        let mut begun = false;
        while let Some(event) = market.next_event().map_err(world)? {
            if !begun {
                begun = true;
                let at = event.header.time_received;
                let started = Fact::RunStarted(Box::new(import::market_identity()));
                put(&mut Event::unnumbered(at, at, InstrumentId::NONE, started))?;
                let defined = Fact::InstrumentDefined(Box::new(nameless()));
                put(&mut Event::unnumbered(at, at, INSTRUMENT, defined))?;
            }
            put(event)?;
        }
        progress.finish();
        if !begun || data.tally.skipped() > 0 || data.tally.rounded() > 0 || data.tally.one_sided() > 0 {
            info!(file = %file.path.display(), "not cached: rows of it are left out or changed");
            return Ok(false);
        }
        let sealed = writer.finish().map_err(kept)?;
        info!(file = %file.path.display(), events = sealed.events, bytes = sealed.store_bytes, "cached");
        Ok(true)
    }

    /// Takes away what was used longest ago while more is kept than may be; never `newest`.
    fn forget(&self, newest: &Path) {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let mut kept: Vec<(SystemTime, u64, PathBuf)> = entries
            .map(|entry| entry.path())
            .filter_map(|path| {
                let used = path.join("identity.toml").metadata().and_then(|file| file.modified()).ok()?;
                Some((used, bytes_of(&path), path))
            })
            .collect();
        kept.sort();
        let mut total: u64 = kept.iter().map(|(_, bytes, _)| bytes).sum();
        for (_, bytes, path) in kept {
            if total <= self.limit {
                return;
            }
            if path != newest && self.remove(&path).is_ok() {
                info!(entry = %path.display(), bytes, "taken out of the cache");
                total -= bytes;
            }
        }
    }

    fn remove(&self, entry: &Path) -> Result<(), Failure> {
        fs::remove_dir_all(entry).map_err(|error| {
            Failure::new(Exit::Failed, format!("cannot remove {}: {error}", entry.display()), NOT_RUN)
        })
    }
}

/// What is in the file and how it is read; not whose it is.
fn key(settings: &SourceSettings) -> String {
    let nobodys = SourceSettings { instrument: INSTRUMENT, ..settings.clone() };
    let settings = serde_json::to_string(&nobodys).expect("settings are plain values");
    let text = format!("genovo data cache {VERSION}\nlogic {LOGIC_VERSION}\n{settings}");
    blake3::hash(text.as_bytes()).to_hex()[..32].to_string()
}

/// Bytes of all files in a folder.
fn bytes_of(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(about) if about.is_dir() => bytes_of(&entry.path()),
            Ok(about) => about.len(),
            Err(_) => 0,
        })
        .sum()
}

/// An entry's instrument: the scenario has the rules of the one that reads it.
fn nameless() -> Instrument {
    Instrument {
        symbol: "data".to_string(),
        tick: Price(1),
        lot: Quantity(1),
        multiplier: Quantity(SCALE),
        margin_initial: Ratio::ONE,
        margin_maintenance: Ratio::ONE,
        commission: Commission {
            taker: Ratio(0),
            maker: Ratio(0),
            per_unit: Money::ZERO,
            minimum: Money::ZERO,
        },
        currency: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_longest_ago_goes_first() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache { limit: 250, ..Cache::at(folder.path(), true).unwrap() };
        for (place, name) in ["old", "used", "new"].into_iter().enumerate() {
            let entry = folder.path().join(name);
            fs::create_dir_all(entry.join("chapter-000001")).unwrap();
            fs::write(entry.join("chapter-000001/blocks"), [0; 100]).unwrap();
            let identity = fs::File::create(entry.join("identity.toml")).unwrap();
            let time = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(place as u64);
            identity.set_modified(time).unwrap();
        }
        // What is no entry is nobody's to remove.
        fs::write(folder.path().join("notes.txt"), "mine").unwrap();
        cache.forget(&folder.path().join("new"));
        let mut left: Vec<_> =
            fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["new", "notes.txt", "used"]);
        Cache { limit: 0, ..cache }.forget(&folder.path().join("new"));
        assert!(folder.path().join("new").exists() && !folder.path().join("used").exists());
    }
}
