//! What becomes of the tail: chain, blocks, store and seal, made by a thread that reads the tail as any reader does.
//!
//! It may lag behind as far as it likes: the tail waits. What it makes of an open chapter is a cache.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crossbeam::channel::Receiver;
use genovo_engine::canonical::{Input, decode};
use genovo_engine::event::Fact;

use super::writer::Shared;
use crate::chapter::{Paths, make_known};
use crate::error::Error;
use crate::seal::{Before, Seal};
use crate::tail::scan::{Step, TailReader};
use crate::writer::{Sealed, Writer};

/// What the builder is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bell {
    /// There is more in the tail.
    Written,
    /// The run is over: seal.
    Finish,
    /// Stop as you are.
    Stop,
}

/// Makes chapters of a tail.
pub struct Builder {
    journal: PathBuf,
    chapter: u32,
    before: Before,
    reader: TailReader,
    writer: Option<Writer>,
}

impl Builder {
    /// Begins with this chapter, of which nothing is built.
    pub fn new(journal: &Path, chapter: u32, before: Before) -> Builder {
        let tail = Paths::chapter(journal, chapter).tail;
        let reader = TailReader::new(&tail, chapter, before.events + 1);
        Builder { journal: journal.to_owned(), chapter, before, reader, writer: None }
    }

    /// Builds until it is told to stop; the last chapter's seal if it is told to finish. After an error it builds
    /// nothing more, and says so at the end: the tail holds everything.
    pub fn run(mut self, shared: &Shared, bells: &Receiver<Bell>) -> Result<Option<Sealed>, Error> {
        let mut failure = None;
        loop {
            let bell = bells.recv().unwrap_or(Bell::Stop);
            if bell == Bell::Stop {
                return failure.map_or(Ok(None), Err);
            }
            if failure.is_none()
                && let Err(error) = self.follow(shared)
            {
                if is_full(&error) {
                    let _ = shared.reserve.release(&*shared.disk);
                }
                failure = Some(error);
            }
            if bell == Bell::Finish {
                return match failure {
                    Some(error) => Err(error),
                    None => self.seal(shared, false).map(Some),
                };
            }
        }
    }

    /// Takes what is in the tail.
    fn follow(&mut self, shared: &Shared) -> Result<(), Error> {
        // However far behind, it stops when it is told to.
        while self.reader.number() <= shared.events() && !shared.is_stopping() {
            let Step::Frame(_) = self.reader.next()? else {
                return Err(self.reader.damage("a frame that was written here is not whole"));
            };
            let mut closed = false;
            let writer = match &mut self.writer {
                Some(writer) => writer,
                None => self.writer.insert(Writer::chapter(
                    Paths::chapter(&self.journal, self.chapter),
                    Arc::clone(&shared.disk),
                    self.before,
                )?),
            };
            let mut input = Input::new(self.reader.payload());
            while !input.rest().is_empty() {
                let event = decode(&mut input).map_err(|error| self.reader.damage(error.to_string()))?;
                closed = matches!(event.fact, Fact::ChapterClosed(_));
                writer.append(&event)?;
            }
            if closed {
                self.seal(shared, true)?;
            }
        }
        Ok(())
    }

    /// Seals the chapter, lets go of its tail, and turns to the next one.
    fn seal(&mut self, shared: &Shared, continues: bool) -> Result<Sealed, Error> {
        let paths = Paths::chapter(&self.journal, self.chapter);
        let writer = match self.writer.take() {
            Some(writer) => writer,
            None => Writer::chapter(paths.clone(), Arc::clone(&shared.disk), self.before)?,
        };
        let sealed = writer.finish_chapter(continues)?;
        shared.disk.remove_directory(&paths.tail).map_err(Error::io("remove", &paths.tail))?;
        make_known(&*shared.disk, &paths.chapter)?;
        self.before = Seal::read(&paths.seal)?.after();
        self.chapter += 1;
        let tail = Paths::chapter(&self.journal, self.chapter).tail;
        self.reader = TailReader::new(&tail, self.chapter, self.before.events + 1);
        Ok(sealed)
    }
}

fn is_full(error: &Error) -> bool {
    matches!(error, Error::Io { source, .. } if source.kind() == ErrorKind::StorageFull)
}
