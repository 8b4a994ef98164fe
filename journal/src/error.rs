//! What can go wrong, with its place.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use genovo_engine::ids::{Hash, Sequence};
use genovo_engine::units::Timestamp;

use crate::columns::CodecError;

/// Why a journal could not be written, opened or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file system said no.
    #[error("cannot {doing} {}: {source}", path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// On which file or directory.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// The directory for a new journal has something in it.
    #[error("{} is not empty; a journal is written into a new or empty directory", path.display())]
    NotEmpty {
        /// The directory.
        path: PathBuf,
    },
    /// There is no journal.
    #[error("{} is no journal: it has no {missing}", path.display())]
    NotAJournal {
        /// The directory.
        path: PathBuf,
        /// What every journal has.
        missing: &'static str,
    },
    /// The run did not end, or its end did not reach the disk.
    #[error("journal {} is incomplete: it was never sealed (no {})", journal.display(), seal.display())]
    Incomplete {
        /// The journal.
        journal: PathBuf,
        /// The file that a sealed journal has.
        seal: PathBuf,
    },
    /// A file of another time or of another program.
    #[error("{}: {what} {found} is unknown to this build, which reads {known}", path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// Which number is unknown.
        what: &'static str,
        /// The number.
        found: u64,
        /// The number that this build reads.
        known: u64,
    },
    /// An event that does not come after the one before it.
    #[error("event at sequence {sequence} comes after sequence {after}; sequences only rise")]
    OutOfOrder {
        /// Its sequence.
        sequence: Sequence,
        /// The sequence before.
        after: Sequence,
    },
    /// An event larger than any reader would take.
    #[error("event at sequence {sequence} takes {bytes} canonical bytes; the most is {limit}")]
    EventTooLarge {
        /// Its sequence.
        sequence: Sequence,
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// A block could not be packed.
    #[error("cannot pack the block from sequence {first}: {source}")]
    Packing {
        /// Its first sequence.
        first: Sequence,
        /// Why.
        source: CodecError,
    },
    /// The store said no, or broke.
    #[error("store {}: {problem}", path.display())]
    Store {
        /// Its directory.
        path: PathBuf,
        /// What it said.
        problem: String,
    },
    /// Only the store's files differ from the seal; `chapter.blocks` can rebuild them.
    #[error(
        "{} differs from its seal; chapter.blocks is intact, so the store can be rebuilt from it",
        path.display()
    )]
    StoreDamaged {
        /// The first file that differs.
        path: PathBuf,
    },
    /// Something differs from what was sealed.
    #[error("{0}")]
    Damaged(Box<Damage>),
    /// A process writes the journal.
    #[error(
        "{} is being written{}; it has one writer at a time",
        path.display(),
        process.map_or(String::new(), |process| format!(" by process {process}"))
    )]
    Locked {
        /// The journal.
        path: PathBuf,
        /// The process that holds its lock, if it is known.
        process: Option<u32>,
    },
    /// The disk did not take what it was asked to keep. What the system shows of the file since cannot be relied on.
    #[error(
        "cannot bring {} to the disk: {source}; nothing more is written, for what the system shows of the file now \
         may not be on the disk",
        path.display()
    )]
    SyncFailed {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The disk is full, and the reserve was used.
    #[error(
        "the disk is full: no room for {}, and the reserve is used up; all events that were committed are kept",
        path.display()
    )]
    DiskFull {
        /// What there was no room for.
        path: PathBuf,
    },
    /// A chapter is closed by its own number.
    #[error("an event closes chapter {found}, but chapter {open} is open")]
    WrongChapter {
        /// The number in the event.
        found: u32,
        /// The open chapter.
        open: u32,
    },
    /// An option out of bounds.
    #[error("{what} is {value}; it is {least} to {most}")]
    Option {
        /// Its name.
        what: &'static str,
        /// What it was set to.
        value: i128,
        /// The least it may be.
        least: u64,
        /// The most.
        most: u64,
    },
    /// The run has ended; nothing can be appended.
    #[error("journal {} is complete: its run ended at sequence {last}", path.display())]
    Complete {
        /// The journal.
        path: PathBuf,
        /// The last event's sequence.
        last: Sequence,
    },
    /// The writer already failed; nothing may follow.
    #[error("journal {}: an earlier error stopped the writer", path.display())]
    Stopped {
        /// The journal.
        path: PathBuf,
    },
}

impl Error {
    pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
        move |source| Error::Io { doing, path: path.to_owned(), source }
    }

    pub(crate) fn damaged(file: &Path, problem: impl Into<String>) -> Error {
        Error::Damaged(Box::new(Damage::new(file, problem)))
    }
}

/// The first thing that differs from what was sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// In which file.
    pub file: PathBuf,
    /// What is wrong.
    pub problem: String,
    /// In which block, when it lies in one.
    pub place: Option<Place>,
    /// The hash that was sealed.
    pub sealed: Option<Hash>,
    /// The hash that the bytes have now.
    pub recomputed: Option<Hash>,
    /// What is proven to be as it was, before the damage.
    pub intact: Intact,
}

impl Damage {
    pub(crate) fn new(file: &Path, problem: impl Into<String>) -> Damage {
        Damage {
            file: file.to_owned(),
            problem: problem.into(),
            place: None,
            sealed: None,
            recomputed: None,
            intact: Intact::default(),
        }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(place) = &self.place {
            write!(f, ", {place}")?;
        }
        write!(f, ": {}", self.problem)?;
        if let (Some(sealed), Some(recomputed)) = (&self.sealed, &self.recomputed) {
            write!(f, " (sealed {}, now {})", sealed.short(), recomputed.short())?;
        }
        match self.intact.events {
            0 => Ok(()),
            events => write!(f, "; events 1 to {events} before it are intact"),
        }
    }
}

/// A block and what its header says about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its number, counted from 1.
    pub block: u64,
    /// Blocks in the journal, as sealed.
    pub blocks: u64,
    /// Its first sequence.
    pub first_sequence: Sequence,
    /// Its last sequence.
    pub last_sequence: Sequence,
    /// Its first event's number, counted from 1.
    pub first_number: u64,
    /// Its last event's number.
    pub last_number: u64,
    /// The earliest `time_received` in it.
    pub first_time: Timestamp,
    /// The latest.
    pub last_time: Timestamp,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "block {} of {} (events {} to {}, sequences {} to {})",
            self.block,
            self.blocks,
            self.first_number,
            self.last_number,
            self.first_sequence,
            self.last_sequence
        )
    }
}

/// What is proven to be as it was sealed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Intact {
    /// Whole blocks from the start.
    pub blocks: u64,
    /// Their events.
    pub events: u64,
    /// The last of their sequences.
    pub last_sequence: Option<Sequence>,
}
