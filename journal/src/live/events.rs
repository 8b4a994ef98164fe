//! Reading a journal that is not sealed: sealed chapters by their blocks, what is open by its tail. No lock is taken,
//! and nothing that the writer does stops a reader.

use std::path::{Path, PathBuf};

use genovo_engine::canonical::{Input, decode};
use genovo_engine::event::{Event, Fact};
use genovo_engine::ids::Sequence;

use super::lock::Lock;
use crate::chapter::Paths;
use crate::checkpoint::{self, Checkpoint};
use crate::error::{Damage, Error};
use crate::identity::Identity;
use crate::reader::{Events, Journal};
use crate::seal::{Before, Seal};
use crate::tail::scan::{self, Step, TailReader, Torn};

/// A journal that may be incomplete: it is being written, or was interrupted.
#[derive(Clone, Debug)]
pub struct LiveJournal {
    path: PathBuf,
    identity: Identity,
}

/// How far an incomplete journal is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Events that are whole.
    pub events: u64,
    /// The last of them; [`Sequence::NONE`] without events.
    pub last_sequence: Sequence,
    /// Chapters that are sealed.
    pub sealed_chapters: u32,
    /// All chapters.
    pub chapters: u32,
    /// Whether the last event ends the run: only the seal is missing.
    pub ended: bool,
    /// Whether a process is writing it.
    pub is_written: bool,
    /// A write that was cut short, behind the last event. A resume takes it away.
    pub torn: Option<Torn>,
    /// What is neither whole nor explained by a crash.
    pub damage: Option<Damage>,
}

impl LiveJournal {
    /// Opens a journal, sealed or not.
    pub fn open(journal: &Path) -> Result<LiveJournal, Error> {
        let first = Paths::new(journal);
        if !first.identity.exists() {
            return Err(Error::NotAJournal { path: journal.to_owned(), missing: "identity.toml" });
        }
        Ok(LiveJournal { path: journal.to_owned(), identity: Identity::read(&first.identity)? })
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Who began it.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Whether every chapter has its seal, so that [`Journal::open`] reads it.
    pub fn is_sealed(&self) -> bool {
        is_sealed(&self.path)
    }

    /// The events that are there now, in order.
    pub fn events(&self) -> LiveEvents {
        self.events_from(Sequence::NONE)
    }

    /// The events from `sequence` on that are there now.
    pub fn events_from(&self, sequence: Sequence) -> LiveEvents {
        LiveEvents {
            journal: self.path.clone(),
            chapter: 1,
            before: Before::default(),
            source: Source::Unopened,
            from: sequence,
            known: 0,
            until: None,
            last: None,
            closed: false,
            failed: false,
        }
    }

    /// The events from `sequence` on, and those that are still to come.
    pub fn follow(&self, sequence: Sequence) -> TailFollower {
        TailFollower { events: self.events_from(sequence) }
    }

    /// The newest whole checkpoint that knows of no event after `end`.
    pub fn latest_checkpoint(&self, end: Sequence) -> Result<Option<Checkpoint>, Error> {
        checkpoint::latest(&self.path, end)
    }

    /// How far the journal is whole: sealed chapters are verified as [`crate::verify()`] does, of an open one every
    /// frame is read and every event decoded.
    pub fn extent(&self) -> Result<Extent, Error> {
        extent(&self.path)
    }
}

/// Whether every chapter has its seal and none is missing at the end. A seal that cannot be read is one, and damaged.
fn is_sealed(journal: &Path) -> bool {
    let last = Paths::sealed_chapters(journal).ok().and_then(|mut chapters| chapters.pop());
    last.is_some_and(|paths| Seal::read(&paths.seal).map_or(true, |seal| !seal.continues))
}

fn extent(journal: &Path) -> Result<Extent, Error> {
    let chapters = Paths::chapters(journal)?;
    let mut extent = Extent {
        events: 0,
        last_sequence: Sequence::NONE,
        sealed_chapters: 0,
        chapters: chapters.len() as u32,
        ended: false,
        is_written: Lock::is_held(journal),
        torn: None,
        damage: None,
    };
    let mut before = Before::default();
    for paths in &chapters {
        let followed = match paths.seal.exists() {
            true => crate::verify::verify_sealed(paths, &before).map(|seal| {
                before = seal.after();
                extent.sealed_chapters += 1;
            }),
            false => follow_tail(paths, &mut before, &mut extent),
        };
        extent.events = before.events;
        extent.last_sequence = before.last_sequence;
        match followed {
            Ok(()) => {}
            Err(Error::Damaged(damage)) => {
                extent.events = extent.events.max(damage.intact.events);
                extent.damage = Some(*damage);
                break;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(extent)
}

/// Reads an open chapter to its end.
fn follow_tail(paths: &Paths, before: &mut Before, extent: &mut Extent) -> Result<(), Error> {
    let end = scan::scan(&paths.tail, paths.number, before.events + 1, |_, payload| {
        let mut input = Input::new(payload);
        while !input.rest().is_empty() {
            let event = decode(&mut input).map_err(|error| Error::damaged(&paths.tail, error.to_string()))?;
            before.events += 1;
            before.last_sequence = event.header.sequence;
            extent.ended = matches!(event.fact, Fact::RunEnded(_));
        }
        Ok(())
    })?;
    extent.torn = end.torn;
    Ok(())
}

/// The events of a journal that is not sealed, as far as they are there. After [`None`] more may have come.
#[derive(Debug)]
pub struct LiveEvents {
    journal: PathBuf,
    /// The chapter that is read, and what lies before it.
    chapter: u32,
    before: Before,
    source: Source,
    from: Sequence,
    /// How many events of the journal need not be looked at.
    known: u64,
    /// No event after this one is given.
    until: Option<Sequence>,
    /// The last event that was read.
    last: Option<Sequence>,
    /// It closed the chapter.
    closed: bool,
    failed: bool,
}

#[derive(Debug)]
enum Source {
    Unopened,
    Blocks(Box<Events>, Before),
    /// With the bytes that were taken of the last frame's payload, and the events that are passed over.
    Tail(Box<TailReader>, usize, u64),
}

impl Iterator for LiveEvents {
    type Item = Result<Event, Error>;

    #[inline]
    fn next(&mut self) -> Option<Result<Event, Error>> {
        if self.failed {
            return None;
        }
        let step = self.step();
        self.failed = step.is_err();
        step.transpose()
    }
}

impl LiveEvents {
    /// Gives no event after the one at `sequence`.
    pub fn until(mut self, sequence: Sequence) -> LiveEvents {
        self.until = Some(sequence);
        self
    }

    /// Passes over the journal's first `events`, all of which come before the sequence to begin with. Where they lie in
    /// an open chapter they need not be decoded.
    pub fn after(mut self, events: u64) -> LiveEvents {
        self.known = events;
        self
    }

    /// Whether all was read and nothing more can come: the journal is sealed.
    pub fn is_finished(&self) -> bool {
        let before = Paths::chapter(&self.journal, self.chapter.saturating_sub(1));
        matches!(self.source, Source::Unopened)
            && self.chapter > 1
            && !self.closed
            && before.seal.exists()
            && !Paths::chapter(&self.journal, self.chapter).chapter.exists()
    }

    fn step(&mut self) -> Result<Option<Event>, Error> {
        loop {
            if self.until.is_some_and(|until| self.last.is_some_and(|last| last >= until)) {
                return Ok(None);
            }
            let Some(event) = self.read()? else {
                match self.turn_page()? {
                    true => continue,
                    false => return Ok(None),
                }
            };
            let sequence = event.header.sequence;
            if self.last.is_some_and(|last| sequence <= last) {
                continue;
            }
            self.last = Some(sequence);
            self.closed = matches!(event.fact, Fact::ChapterClosed(_));
            if sequence >= self.from {
                return Ok(Some(event));
            }
        }
    }

    /// The next event of the open source.
    #[inline]
    fn read(&mut self) -> Result<Option<Event>, Error> {
        match &mut self.source {
            Source::Unopened => Ok(None),
            Source::Blocks(events, _) => events.next().transpose(),
            Source::Tail(reader, taken, known) => {
                if *taken >= reader.payload().len() {
                    let Step::Frame(mut header) = reader.next()? else { return Ok(None) };
                    while header.next_number() <= known.saturating_add(1) {
                        let Step::Frame(next) = reader.next()? else { return Ok(None) };
                        header = next;
                    }
                    *taken = 0;
                }
                let mut input = Input::new(&reader.payload()[*taken..]);
                let event = decode(&mut input).map_err(|error| reader.damage(error.to_string()))?;
                *taken = reader.payload().len() - input.rest().len();
                Ok(Some(event))
            }
        }
    }

    /// Goes on where the source has ended; whether there is something to read.
    fn turn_page(&mut self) -> Result<bool, Error> {
        let sealed = Paths::chapter(&self.journal, self.chapter).seal.exists();
        match &self.source {
            Source::Unopened => return self.open(),
            Source::Blocks(_, after) => {
                self.before = *after;
                self.chapter += 1;
            }
            Source::Tail(reader, ..) if self.closed && !sealed => {
                self.before.events = reader.number() - 1;
                self.before.last_sequence = self.last.unwrap_or_default();
                self.closed = false;
                self.chapter += 1;
            }
            // Sealed since: its blocks have what the tail had, and perhaps more.
            Source::Tail(..) if sealed => {}
            Source::Tail(..) => return Ok(false),
        }
        self.source = Source::Unopened;
        Ok(true)
    }

    /// Opens the chapter; whether it is there.
    fn open(&mut self) -> Result<bool, Error> {
        let paths = Paths::chapter(&self.journal, self.chapter);
        if !paths.seal.exists() {
            if !paths.tail.is_dir() {
                return Ok(false);
            }
            let reader = TailReader::new(&paths.tail, self.chapter, self.before.events + 1);
            // The end of a chapter that has another behind it is to be seen.
            let last = !Paths::chapter(&self.journal, self.chapter + 1).chapter.exists();
            self.source = Source::Tail(Box::new(reader), 0, if last { self.known } else { 0 });
            return Ok(true);
        }
        if self.chapter > 1 {
            self.before = Seal::read(&Paths::chapter(&self.journal, self.chapter - 1).seal)?.after();
        }
        let seal = Seal::read(&paths.seal)?.expect(&paths, &self.before)?;
        let after = seal.after();
        self.closed = seal.continues;
        let next = self.last.map_or(Sequence::NONE, |last| Sequence(last.0.saturating_add(1)));
        if seal.events == 0 || seal.last_sequence < self.from.max(next) {
            self.before = after;
            self.chapter += 1;
            return Ok(true);
        }
        let journal = Journal::open_blocks(&self.journal, &paths, self.before)?;
        self.source = Source::Blocks(Box::new(journal.events_from(self.from.max(next))), after);
        Ok(true)
    }
}

/// The events of a journal while it is written, as they come.
#[derive(Debug)]
pub struct TailFollower {
    events: LiveEvents,
}

impl TailFollower {
    /// The next event that is there now; `None` when the reader has caught up with the writer.
    pub fn poll(&mut self) -> Result<Option<Event>, Error> {
        self.events.next().transpose()
    }

    /// Whether the journal is sealed and all of it was read.
    pub fn is_finished(&self) -> bool {
        self.events.is_finished()
    }

    /// Whether a process writes the journal now.
    pub fn is_written(&self) -> bool {
        Lock::is_held(&self.events.journal)
    }
}
