//! The folder of a live session inside its journal: what a later process needs to go on, to speak to the session, or to
//! stop it. Nothing in it is part of the record.
//!
//! ```text
//! JOURNAL/session/session.json    the scenario, the pace, the broker: how the session is made again
//! JOURNAL/session/paper.book      the paper broker's own record
//! JOURNAL/session/control.sock    where the running session listens, for its owner only
//! JOURNAL/../KILLED               the latch: after a kill no session starts here until it is taken off
//! ```

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use genovo_adapters::live::Pace;
use genovo_engine::ids::Hash;
use genovo_engine::units::{Nanoseconds, Timestamp};
use serde::{Deserialize, Serialize};

use crate::error::{Exit, Failure};

/// How a session is made again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionFile {
    /// The scenario's file, absolute.
    pub scenario: PathBuf,
    /// What was changed of it.
    pub set: Vec<String>,
    /// Only these instruments of it; all when empty.
    pub symbol: Vec<String>,
    /// How many times as fast as the wall clock; `None`: as fast as it goes.
    pub speed: Option<u32>,
    /// Who takes orders.
    pub broker: String,
    /// What a commit waits for: `process` or `disk`.
    pub commit: String,
    /// A number that the session drew when it began: what is signed for it is for no other.
    #[serde(default)]
    pub session: Hash,
    /// When the session began or last went on: nanoseconds of the wall clock, and of the session's.
    pub anchor: Anchor,
}

/// Wall clock and session time of one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Anchor {
    /// By the wall clock, since 1970.
    pub wall: i64,
    /// By the session's.
    pub session: i64,
}

impl Anchor {
    /// Now is `session`.
    pub fn now(session: Timestamp) -> Anchor {
        Anchor { wall: wall_now(), session: session.0 }
    }
}

fn wall_now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

/// A recorded market goes on without us for so long at most, by the wall clock: whoever comes back a day later wants to
/// go on, not to be told that everything is over.
const AWAY_MAX: i64 = 600 * 1_000_000_000;

impl SessionFile {
    /// The pace.
    pub fn pace(&self) -> Pace {
        self.speed.map_or(Pace::Max, Pace::Times)
    }

    /// How far the market has come while nobody listened since `last`, the session's last time.
    pub fn missed_until(&self, last: Timestamp) -> Option<Timestamp> {
        let speed = i64::from(self.speed?);
        let passed = (wall_now() - self.anchor.wall).max(0);
        let reached = self.anchor.session.saturating_add(passed.saturating_mul(speed));
        let most = last + Nanoseconds(AWAY_MAX.saturating_mul(speed));
        Some(Timestamp(reached).min(most).max(last))
    }

    /// Reads the file of a journal.
    pub fn read(journal: &Path) -> Result<SessionFile, Failure> {
        let path = folder(journal).join("session.json");
        let usage = |message: String| {
            Failure::new(Exit::Usage, message, "Nothing was started.")
                .help("a live session is resumed by its journal: genovo live --resume runs/live-…")
        };
        let text = fs::read_to_string(&path).map_err(|error| {
            usage(format!("{} is no live session: {}: {error}", journal.display(), path.display()))
        })?;
        serde_json::from_str(&text).map_err(|error| usage(format!("{}: {error}", path.display())))
    }

    /// Writes it whole or not at all.
    pub fn write(&self, journal: &Path) -> Result<(), Failure> {
        let folder = folder(journal);
        let text = serde_json::to_string_pretty(self).expect("a session file is JSON");
        fs::create_dir_all(&folder).and_then(|()| write_whole(&folder.join("session.json"), &text)).map_err(
            |error| {
                let message = format!("cannot write into {}: {error}", folder.display());
                Failure::new(Exit::Failed, message, "Nothing was started.")
            },
        )
    }
}

/// The session's folder.
pub fn folder(journal: &Path) -> PathBuf {
    journal.join("session")
}

/// Where the running session listens.
pub fn socket(journal: &Path) -> PathBuf {
    folder(journal).join("control.sock")
}

fn write_whole(path: &Path, text: &str) -> std::io::Result<()> {
    let beside = path.with_extension("new");
    let mut file = File::create(&beside)?;
    file.write_all(text.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

/// What the latch says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Latch {
    /// The journal of the session that was killed.
    pub journal: PathBuf,
    /// Whether its positions were to be closed.
    pub flatten: bool,
    /// When, for people.
    pub time: String,
}

fn latch_path(journal: &Path) -> PathBuf {
    let parent = journal.parent().filter(|parent| !parent.as_os_str().is_empty());
    parent.unwrap_or(Path::new(".")).join("KILLED")
}

/// Puts the latch on.
pub fn put_latch(journal: &Path, flatten: bool) -> Result<(), Failure> {
    let latch = Latch { journal: journal.to_owned(), flatten, time: jiff::Timestamp::now().to_string() };
    let path = latch_path(journal);
    let text = serde_json::to_string_pretty(&latch).expect("a latch is JSON");
    write_whole(&path, &text).map_err(|error| {
        let message = format!("cannot write {}: {error}", path.display());
        Failure::new(Exit::Failed, message, "The session was not told either.")
    })
}

/// Refuses while the latch is on; takes it off when asked to.
pub fn check_latch(journal: &Path, unlatch: bool) -> Result<(), Failure> {
    let path = latch_path(journal);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        // A latch that cannot be read is on.
        Err(error) => error.to_string(),
    };
    if unlatch {
        return fs::remove_file(&path).map_err(|error| {
            let message = format!("cannot take the latch off: {}: {error}", path.display());
            Failure::new(Exit::Failed, message, "Nothing was started.")
        });
    }
    let what = match serde_json::from_str::<Latch>(&text) {
        Ok(latch) => format!("the session {} was killed on {}", latch.journal.display(), latch.time),
        Err(_) => format!("{} is there", path.display()),
    };
    Err(Failure::new(Exit::Usage, what, "Nothing was started.")
        .help("look at what is open, then start over it: genovo live --unlatch"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(speed: Option<u32>, ago: i64, session: i64) -> SessionFile {
        SessionFile {
            scenario: PathBuf::from("gold.toml"),
            set: Vec::new(),
            symbol: Vec::new(),
            speed,
            broker: "paper".to_string(),
            commit: "process".to_string(),
            session: Hash([7; 32]),
            anchor: Anchor { wall: wall_now() - ago * 1_000_000_000, session },
        }
    }

    #[test]
    fn the_market_goes_on_at_its_pace_but_not_for_ever() {
        let second = 1_000_000_000;
        let last = Timestamp(100 * second);
        let missed = |file: SessionFile| file.missed_until(last).map(|time| (time.0 + second / 2) / second);
        assert_eq!(missed(session(None, 50, 0)), None);
        assert_eq!(missed(session(Some(10), 50, 0)), Some(500));
        assert_eq!(missed(session(Some(1), 50, 0)), Some(100), "never back");
        assert_eq!(missed(session(Some(10), 90_000, 0)), Some(100 + 6_000));
    }

    #[test]
    fn the_latch_holds_until_it_is_taken_off() {
        let folder = tempfile::tempdir().unwrap();
        let journal = folder.path().join("live-1");
        check_latch(&journal, false).unwrap();
        put_latch(&journal, true).unwrap();
        let refused = check_latch(&folder.path().join("live-2"), false).unwrap_err();
        assert_eq!(refused.exit, Exit::Usage);
        assert!(refused.message.contains("live-1"), "{}", refused.message);
        check_latch(&journal, true).unwrap();
        check_latch(&journal, false).unwrap();
    }

    #[test]
    fn a_session_file_comes_back_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let file = session(Some(600), 0, 7);
        file.write(folder.path()).unwrap();
        assert_eq!(SessionFile::read(folder.path()).unwrap(), file);
        fs::write(super::folder(folder.path()).join("session.json"), "{}").unwrap();
        assert_eq!(SessionFile::read(folder.path()).unwrap_err().exit, Exit::Usage);
    }
}
