//! Going on after a crash: what is whole stays, what was torn goes, what was made of it is made again.

use std::path::Path;
use std::sync::Arc;

use genovo_engine::canonical::{Input, decode};
use genovo_engine::event::{Event, Fact};
use genovo_engine::ids::Sequence;
use genovo_engine::units::Timestamp;

use super::builder::Builder;
use super::events::{LiveEvents, LiveJournal};
use super::lock::Lock;
use super::options::LiveOptions;
use super::reserve::Reserve;
use super::writer::{LiveWriter, Start};
use crate::chapter::{Paths, make_known};
use crate::checkpoint::{self, Checkpoint, CheckpointFile};
use crate::disk::Disk;
use crate::error::Error;
use crate::identity::Identity;
use crate::reader::Journal;
use crate::seal::{Before, Seal};
use crate::tail::scan::{self, TailEnd, Torn};
use crate::tail::writer::TailWriter;

/// A journal that goes on.
#[derive(Debug)]
pub struct Resumed {
    /// Appends after the last recorded event.
    pub writer: LiveWriter,
    /// What was found.
    pub recovery: Recovery,
    journal: LiveJournal,
}

/// What a resume found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// Events that are recorded.
    pub events: u64,
    /// The last of them; [`Sequence::NONE`] without events.
    pub last_sequence: Sequence,
    /// Chapters that were sealed.
    pub sealed_chapters: u32,
    /// The chapter that goes on.
    pub chapter: u32,
    /// A write that was cut short, and was taken away. None of it was acknowledged.
    pub torn: Option<Torn>,
    /// Whether the last event ends the run: all that is left to do is [`LiveWriter::finish`].
    pub ended: bool,
}

impl Resumed {
    /// Every recorded event in order, and none that is appended from now on.
    pub fn events(&self) -> LiveEvents {
        self.events_from(Sequence::NONE)
    }

    /// The recorded events from `sequence` on.
    pub fn events_from(&self, sequence: Sequence) -> LiveEvents {
        self.journal.events_from(sequence).until(self.recovery.last_sequence)
    }

    /// The checkpoints, the newest first. None knows of an event that is not recorded.
    pub fn checkpoints(&self) -> Result<Vec<CheckpointFile>, Error> {
        checkpoint::until(self.journal.path(), self.recovery.last_sequence)
    }

    /// The newest whole checkpoint that knows of no event but recorded ones.
    pub fn latest_checkpoint(&self) -> Result<Option<Checkpoint>, Error> {
        self.journal.latest_checkpoint(self.recovery.last_sequence)
    }
}

/// See [`LiveWriter::resume`].
pub(crate) fn resume(
    disk: Arc<dyn Disk>,
    journal: &Path,
    identity: &Identity,
    options: LiveOptions,
) -> Result<Resumed, Error> {
    options.check()?;
    let opened = LiveJournal::open(journal)?;
    let lock = Lock::take(journal)?;
    let found = look(&*disk, journal)?;
    checkpoint::forget_after(&*disk, journal, found.recorded.last_sequence)?;
    let reserve = Arc::new(Reserve::take(&*disk, journal, options.reserve_bytes)?);
    note(&*disk, journal, identity)?;
    let (ours, its) = (Arc::clone(&disk), Arc::clone(&reserve));
    let tail = match &found.open {
        Some((chapter, end)) => TailWriter::resume(ours, its, options, journal, *chapter, end)?,
        None => {
            TailWriter::create(ours, its, options, journal, found.next_chapter, found.recorded.events + 1)?
        }
    };
    let recovery = Recovery {
        events: found.recorded.events,
        last_sequence: found.recorded.last_sequence,
        sealed_chapters: found.unbuilt - 1,
        chapter: tail.chapter(),
        torn: found.open.and_then(|(_, end)| end.torn),
        ended: found.ended,
    };
    let start = Start {
        lock,
        disk,
        reserve,
        options,
        tail,
        builder: Builder::new(journal, found.unbuilt, found.sealed),
        before: found.recorded,
        chapter_time: found.chapter_time,
        ended: found.ended,
    };
    Ok(Resumed { writer: LiveWriter::start(journal, start)?, recovery, journal: opened })
}

/// What lies in a journal.
struct Found {
    /// What lies before the first chapter that is not sealed.
    sealed: Before,
    /// That chapter.
    unbuilt: u32,
    /// The chapter that goes on, and where; none when a new one begins.
    open: Option<(u32, TailEnd)>,
    next_chapter: u32,
    /// Everything recorded. Its head is not known yet.
    recorded: Before,
    chapter_time: Option<Timestamp>,
    ended: bool,
}

/// Reads what there is and removes what can be made again.
fn look(disk: &dyn Disk, journal: &Path) -> Result<Found, Error> {
    let chapters = Paths::chapters(journal)?;
    let mut found = Found {
        sealed: Before::default(),
        unbuilt: 1,
        open: None,
        next_chapter: 1,
        recorded: Before::default(),
        chapter_time: None,
        ended: false,
    };
    let (sealed, open) = chapters.split_at(chapters.partition_point(|paths| paths.seal.exists()));
    if let Some(paths) = open.iter().find(|paths| paths.seal.exists()) {
        return Err(Error::damaged(&paths.seal, "is there, but a chapter before it is not sealed"));
    }
    for paths in sealed {
        found.sealed = Seal::read(&paths.seal)?.expect(paths, &found.sealed)?.after();
        found.unbuilt += 1;
        // The seal says that the blocks have all of it.
        remove(disk, &paths.tail)?;
    }
    found.recorded = found.sealed;
    found.next_chapter = found.unbuilt;
    if let (Some(last), true) = (sealed.last(), open.is_empty()) {
        let opened = Journal::open_blocks(journal, last, Seal::read(&last.seal)?.before)?;
        let event = opened.events_from(found.recorded.last_sequence).last().transpose()?;
        found.ended = matches!(event.map(|event| event.fact), Some(Fact::RunEnded(_)));
        if found.ended {
            return Err(Error::Complete { path: journal.to_owned(), last: found.recorded.last_sequence });
        }
    }
    for (place, paths) in open.iter().enumerate() {
        let last_of_all = place + 1 == open.len();
        if !scan::file_path(&paths.tail, 1).exists() {
            // Begun and no further: nothing can be in it yet. A backtest has no tail at all.
            if !last_of_all || paths.blocks.exists() {
                let (journal, seal) = (journal.to_owned(), paths.seal.clone());
                return Err(Error::Incomplete { journal, seal });
            }
            clear(disk, paths)?;
            break;
        }
        let (mut first_time, mut last_frame) = (None, Vec::new());
        let end = scan::scan(&paths.tail, paths.number, found.recorded.events + 1, |_, payload| {
            if first_time.is_none() {
                first_time =
                    last_and_first(&paths.tail, payload)?.map(|(first, _)| first.header.time_received);
            }
            last_frame.clear();
            last_frame.extend_from_slice(payload);
            Ok(())
        })?;
        found.recorded.events = end.number - 1;
        let last = last_and_first(&paths.tail, &last_frame)?.map(|(_, last)| last);
        if let Some(last) = &last {
            found.recorded.last_sequence = last.header.sequence;
        }
        clear(disk, paths)?;
        match last.map(|last| last.fact) {
            Some(Fact::ChapterClosed(_)) => found.next_chapter = paths.number + 1,
            // A chapter is begun only once the one before it is on the disk to its end.
            _ if !last_of_all => {
                return Err(Error::damaged(
                    &paths.tail,
                    "has lost its end: a later chapter was begun after it",
                ));
            }
            fact => {
                found.ended = matches!(fact, Some(Fact::RunEnded(_)));
                found.chapter_time = first_time;
                found.open = Some((paths.number, end));
            }
        }
    }
    Ok(found)
}

/// The first and the last event of a frame.
fn last_and_first(tail: &Path, payload: &[u8]) -> Result<Option<(Event, Event)>, Error> {
    let (mut input, mut events) = (Input::new(payload), None);
    while !input.rest().is_empty() {
        let event = decode(&mut input).map_err(|error| Error::damaged(tail, error.to_string()))?;
        events = match events {
            None => Some((event.clone(), event)),
            Some((first, _)) => Some((first, event)),
        };
    }
    Ok(events)
}

/// Removes what was made of an open chapter's tail: it is made again, never recovered.
fn clear(disk: &dyn Disk, paths: &Paths) -> Result<(), Error> {
    remove(disk, &paths.store)?;
    remove(disk, &paths.chapter.join("store.new"))?;
    for file in [&paths.blocks, &paths.chapter.join("seal.toml.new")] {
        if file.exists() {
            disk.remove_file(file).map_err(Error::io("remove", file))?;
        }
    }
    make_known(disk, &paths.chapter)
}

fn remove(disk: &dyn Disk, directory: &Path) -> Result<(), Error> {
    match directory.exists() {
        true => disk.remove_directory(directory).map_err(Error::io("remove", directory)),
        false => Ok(()),
    }
}

/// Notes who goes on, beside who began.
fn note(disk: &dyn Disk, journal: &Path, identity: &Identity) -> Result<(), Error> {
    let mut number = 2;
    let path = |number: u32| journal.join(format!("identity-{number:06}.toml"));
    while path(number).exists() {
        number += 1;
    }
    identity.write(disk, &path(number))
}
