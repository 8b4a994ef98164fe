//! The live writer: takes events, keeps them in the tail, makes chapters.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use crossbeam::channel::{Receiver, Sender, bounded};
use genovo_engine::canonical;
use genovo_engine::event::{ChapterClosed, ChapterReason, Event, Fact};
use genovo_engine::ids::Sequence;
use genovo_engine::log::{Log, LogError};
use genovo_engine::units::Timestamp;

use super::builder::{Bell, Builder};
use super::lock::Lock;
use super::options::{CommitMode, LiveOptions};
use super::recovery::{self, Resumed};
use super::reserve::Reserve;
use crate::chapter::{Paths, expect_empty};
use crate::checkpoint;
use crate::disk::{Disk, RealDisk};
use crate::error::Error;
use crate::group::EVENT_BYTES_MAX;
use crate::identity::Identity;
use crate::seal::Before;
use crate::tail::writer::{FrameBuffer, TailWriter};
use crate::writer::Sealed;

/// A frame of so many bytes goes to the tail without a commit. Handing it over wakes a thread, which costs more than
/// anything else here: it is to be rarer than one event in a thousand.
const FRAME_BYTES: usize = 128 * 1024;
/// A frame of so many bytes is written while nobody waits. A commit then writes little more than what it is for, and
/// the calls that this costs are few enough.
const IDLE_BYTES: usize = 1024;
/// Frames under way to the tail: what a stalled disk may make wait before the producer waits too.
const FRAMES: usize = 128;
/// Frames whose room is made before the first event.
const FRAMES_READY: usize = 8;
/// No event came yet.
const NO_TIME: i64 = i64::MIN;

/// Writes a live journal. [`LiveWriter::append`] never waits for the disk; [`LiveWriter::commit`] returns once
/// everything appended is as safe as its mode promises.
///
/// [`LiveWriter::finish`] seals the last chapter. Dropped or stopped without it, the journal can be gone on with by
/// [`LiveWriter::resume`].
#[derive(Debug)]
pub struct LiveWriter {
    shared: Arc<Shared>,
    frame: FrameBuffer,
    full: Option<Sender<FrameBuffer>>,
    empty: Receiver<FrameBuffer>,
    /// Frames given to the thread that writes the tail.
    handed: u64,
    events: u64,
    last_sequence: Sequence,
    chapter: u32,
    ended: bool,
    stopped: bool,
    tail_thread: Option<JoinHandle<()>>,
    builder: Option<JoinHandle<Result<Option<Sealed>, Error>>>,
    _lock: Lock,
}

/// What the threads and the handles share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub journal: PathBuf,
    pub disk: Arc<dyn Disk>,
    pub options: LiveOptions,
    pub reserve: Arc<Reserve>,
    state: Mutex<State>,
    written: Condvar,
    /// The thread that writes the tail has failed; the state says how.
    failed: AtomicBool,
    bell: Sender<Bell>,
    /// Nothing more is built.
    stopping: AtomicBool,
    /// Events in the tail.
    events: AtomicU64,
    /// The chapter that the next event belongs to.
    chapter: AtomicU32,
    /// Bytes of that chapter's tail.
    chapter_bytes: AtomicU64,
    /// `time_received` of its first event.
    chapter_time: AtomicI64,
}

#[derive(Debug)]
struct State {
    tail: TailWriter,
    /// Frames that the thread has taken.
    frames: u64,
    failure: Option<Error>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says how far the tail has come.
    fn publish(&self, tail: &TailWriter) {
        self.events.store(tail.number() - 1, Ordering::Release);
        if tail.chapter() == self.chapter.load(Ordering::Acquire) {
            self.chapter_bytes.store(tail.chapter_bytes(), Ordering::Release);
        }
    }

    /// Whether nothing more is to be built.
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// How many events are in the tail, counted through the journal.
    pub fn events(&self) -> u64 {
        self.events.load(Ordering::Acquire)
    }
}

impl LiveWriter {
    /// Begins a journal in a directory that is empty or not there yet.
    pub fn create(journal: &Path, identity: &Identity, options: LiveOptions) -> Result<LiveWriter, Error> {
        LiveWriter::create_on(Arc::new(RealDisk), journal, identity, options)
    }

    /// The same on another disk.
    pub fn create_on(
        disk: Arc<dyn Disk>,
        journal: &Path,
        identity: &Identity,
        options: LiveOptions,
    ) -> Result<LiveWriter, Error> {
        options.check()?;
        expect_empty(journal)?;
        disk.create_directory(journal).map_err(Error::io("create", journal))?;
        if let Some(parent) = journal.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            disk.sync_directory(parent).map_err(Error::io("sync", parent))?;
        }
        let lock = Lock::take(journal)?;
        identity.write(&*disk, &Paths::new(journal).identity)?;
        let reserve = Arc::new(Reserve::take(&*disk, journal, options.reserve_bytes)?);
        let tail = TailWriter::create(Arc::clone(&disk), Arc::clone(&reserve), options, journal, 1, 1)?;
        let start = Start {
            lock,
            disk,
            reserve,
            options,
            tail,
            builder: Builder::new(journal, 1, Before::default()),
            before: Before::default(),
            chapter_time: None,
            ended: false,
        };
        LiveWriter::start(journal, start)
    }

    /// Goes on with a journal that was stopped, killed or cut off: everything that was committed is there, and the
    /// next event comes after the last whole one. An event after [`Fact::RunEnded`] is refused.
    pub fn resume(journal: &Path, identity: &Identity, options: LiveOptions) -> Result<Resumed, Error> {
        recovery::resume(Arc::new(RealDisk), journal, identity, options)
    }

    /// The same on another disk.
    pub fn resume_on(
        disk: Arc<dyn Disk>,
        journal: &Path,
        identity: &Identity,
        options: LiveOptions,
    ) -> Result<Resumed, Error> {
        recovery::resume(disk, journal, identity, options)
    }

    pub(crate) fn start(journal: &Path, start: Start) -> Result<LiveWriter, Error> {
        let Start { lock, disk, reserve, options, tail, builder, before, chapter_time, ended } = start;
        let (bell, bells) = bounded(64);
        let (full, full_out) = bounded::<FrameBuffer>(FRAMES);
        let (empty_in, empty) = bounded::<FrameBuffer>(FRAMES);
        for _ in 0..FRAMES_READY {
            let _ = empty_in.try_send(FrameBuffer::with_room(FRAME_BYTES));
        }
        let chapter = tail.chapter();
        let shared = Arc::new(Shared {
            journal: journal.to_owned(),
            disk,
            options,
            reserve,
            events: AtomicU64::new(tail.number() - 1),
            chapter: AtomicU32::new(chapter),
            chapter_bytes: AtomicU64::new(tail.chapter_bytes()),
            chapter_time: AtomicI64::new(chapter_time.map_or(NO_TIME, |time: Timestamp| time.0)),
            state: Mutex::new(State { tail, frames: 0, failure: None }),
            written: Condvar::new(),
            failed: AtomicBool::new(false),
            bell,
            stopping: AtomicBool::new(false),
        });
        let of_tail = Arc::clone(&shared);
        let tail_thread = spawn("genovo-tail", journal, move || write_tail(&of_tail, &full_out, &empty_in))?;
        let of_builder = Arc::clone(&shared);
        let builder = spawn("genovo-blocks", journal, move || builder.run(&of_builder, &bells))?;
        let _ = shared.bell.try_send(Bell::Written);
        Ok(LiveWriter {
            shared,
            frame: FrameBuffer::with_room(FRAME_BYTES),
            full: Some(full),
            empty,
            handed: 0,
            events: before.events,
            last_sequence: before.last_sequence,
            chapter,
            ended,
            stopped: false,
            tail_thread: Some(tail_thread),
            builder: Some(builder),
            _lock: lock,
        })
    }

    /// Takes one event; its sequence is higher than the last one's. After an error nothing more is taken.
    ///
    /// [`Fact::ChapterClosed`] with the number of the open chapter ends it.
    #[inline]
    pub fn append(&mut self, event: &Event) -> Result<(), Error> {
        let sequence = event.header.sequence;
        if self.stopped || self.ended {
            return Err(self.refusal());
        }
        if sequence <= self.last_sequence && self.events > 0 {
            return self.stop_at(Error::OutOfOrder { sequence, after: self.last_sequence });
        }
        let payload = self.frame.payload();
        let start = payload.len();
        canonical::encode(event, payload);
        let end = payload.len();
        if end - start > EVENT_BYTES_MAX {
            self.frame.forget_from(start);
            let (bytes, limit) = (end - start, EVENT_BYTES_MAX);
            return self.stop_at(Error::EventTooLarge { sequence, bytes, limit });
        }
        if let Fact::ChapterClosed(_) | Fact::RunEnded(_) = event.fact {
            return self.append_at_an_end(event, start);
        }
        self.take(event);
        if end >= FRAME_BYTES { self.hand_over() } else { Ok(()) }
    }

    /// Returns once everything appended so far would survive what the commit mode promises to survive.
    ///
    /// After an error nothing more is taken; what earlier commits acknowledged is kept.
    pub fn commit(&mut self) -> Result<(), Error> {
        if self.stopped {
            return Err(self.refusal());
        }
        let disk = self.shared.options.commit == CommitMode::Disk;
        let written = self.write_out(disk);
        self.stopped |= written.is_err();
        written
    }

    /// Lets readers see what was appended, soon: the open frame goes to the tail, and nobody waits for it.
    pub fn flush(&mut self) -> Result<(), Error> {
        if self.stopped {
            return Err(self.refusal());
        }
        if self.frame.is_empty() { Ok(()) } else { self.hand_over() }
    }

    /// Nobody waits for anything at the moment: once the open frame is worth it, it goes to the tail now, so that the
    /// next commit finds little left to write. While the tail is being written, nothing happens.
    pub fn idle(&mut self) -> Result<(), Error> {
        if self.frame.bytes() < IDLE_BYTES || self.stopped {
            return Ok(());
        }
        let Ok(mut state) = self.shared.state.try_lock() else { return Ok(()) };
        if state.frames < self.handed || self.shared.failed.load(Ordering::Acquire) {
            return Ok(());
        }
        let written = state.tail.write(&mut self.frame);
        self.stopped |= written.is_err();
        self.frame.clear();
        self.shared.publish(&state.tail);
        written
    }

    /// How many events the journal has, with those that were recorded before a resume.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// The last event's sequence; [`Sequence::NONE`] without events.
    pub fn last_sequence(&self) -> Sequence {
        self.last_sequence
    }

    /// A view of the writer for others, such as the world that feeds the run.
    pub fn handle(&self) -> LiveHandle {
        LiveHandle { shared: Arc::clone(&self.shared) }
    }

    /// Brings everything to the disk and stops without a seal, so that the journal can be gone on with.
    pub fn stop(mut self) -> Result<(), Error> {
        let written = if self.stopped { Err(self.refusal()) } else { self.write_out(true) };
        self.stopped = true;
        self.end_threads(Bell::Stop).and(written)
    }

    /// Brings everything to the disk and seals the last chapter: the journal is complete. What it says is about that
    /// chapter; the head is the journal's.
    pub fn finish(mut self) -> Result<Sealed, Error> {
        if self.stopped {
            return Err(self.refusal());
        }
        let written = self.write_out(true);
        self.stopped = true;
        if let Err(error) = written {
            let _ = self.end_threads(Bell::Stop);
            return Err(error);
        }
        let sealed = self.end_threads(Bell::Finish)?;
        self.shared.reserve.remove(&*self.shared.disk)?;
        sealed.ok_or_else(|| self.refusal())
    }

    /// Writes the open frame behind all that were handed over.
    fn write_out(&mut self, to_disk: bool) -> Result<(), Error> {
        let mut state = self.shared.state();
        while state.frames < self.handed && !self.shared.failed.load(Ordering::Acquire) {
            state = self.shared.written.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if self.shared.failed.load(Ordering::Acquire) {
            let path = self.shared.journal.clone();
            return Err(state.failure.take().unwrap_or(Error::Stopped { path }));
        }
        if !self.frame.is_empty() {
            state.tail.write(&mut self.frame)?;
            self.frame.clear();
        }
        if to_disk {
            state.tail.sync()?;
        }
        self.shared.publish(&state.tail);
        Ok(())
    }

    #[cold]
    fn append_at_an_end(&mut self, event: &Event, start: usize) -> Result<(), Error> {
        if let Fact::ChapterClosed(closed) = &event.fact {
            if closed.chapter != self.chapter {
                self.frame.forget_from(start);
                return self.stop_at(Error::WrongChapter { found: closed.chapter, open: self.chapter });
            }
            self.take(event);
            self.frame.ends_chapter = true;
            self.chapter += 1;
            self.shared.chapter.store(self.chapter, Ordering::Release);
            self.shared.chapter_bytes.store(0, Ordering::Release);
            self.shared.chapter_time.store(NO_TIME, Ordering::Release);
        } else {
            self.take(event);
            self.ended = true;
        }
        self.hand_over()
    }

    #[inline]
    fn take(&mut self, event: &Event) {
        self.frame.took(event.header.sequence);
        self.events += 1;
        self.last_sequence = event.header.sequence;
        if self.shared.chapter_time.load(Ordering::Relaxed) == NO_TIME {
            self.shared.chapter_time.store(event.header.time_received.0, Ordering::Release);
        }
    }

    /// Gives the open frame to the thread that writes the tail.
    #[cold]
    fn hand_over(&mut self) -> Result<(), Error> {
        let next = self.empty.try_recv().unwrap_or_else(|_| FrameBuffer::with_room(FRAME_BYTES));
        let frame = std::mem::replace(&mut self.frame, next);
        self.handed += 1;
        let sent = self.full.as_ref().is_some_and(|full| full.send(frame).is_ok());
        // The state is not looked at: who writes a frame holds it for as long as the disk takes.
        match sent && !self.shared.failed.load(Ordering::Acquire) {
            true => Ok(()),
            false => {
                self.stopped = true;
                Err(self.shared.state().failure.take().unwrap_or_else(|| self.refusal()))
            }
        }
    }

    #[cold]
    fn refusal(&self) -> Error {
        let path = self.shared.journal.clone();
        match self.ended && !self.stopped {
            true => Error::Complete { path, last: self.last_sequence },
            false => Error::Stopped { path },
        }
    }

    #[cold]
    fn stop_at(&mut self, error: Error) -> Result<(), Error> {
        self.stopped = true;
        Err(error)
    }

    /// Ends both threads; what the builder has to say.
    fn end_threads(&mut self, how: Bell) -> Result<Option<Sealed>, Error> {
        self.full = None;
        if let Some(thread) = self.tail_thread.take() {
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        }
        self.shared.state().tail.close();
        self.shared.stopping.store(how == Bell::Stop, Ordering::Release);
        let _ = self.shared.bell.send(how);
        match self.builder.take() {
            Some(builder) => builder.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            None => Ok(None),
        }
    }
}

impl Drop for LiveWriter {
    fn drop(&mut self) {
        if self.tail_thread.is_none() || thread::panicking() {
            return;
        }
        if !self.stopped {
            let _ = self.write_out(false);
        }
        let _ = self.end_threads(Bell::Stop);
    }
}

impl Log for LiveWriter {
    #[inline]
    fn append(&mut self, event: &Event) -> Result<(), LogError> {
        LiveWriter::append(self, event).map_err(LogError::new)
    }

    fn commit(&mut self) -> Result<(), LogError> {
        LiveWriter::commit(self).map_err(LogError::new)
    }

    fn idle(&mut self) -> Result<(), LogError> {
        LiveWriter::idle(self).map_err(LogError::new)
    }
}

/// A view of a live writer, for those who cannot have the writer itself.
#[derive(Clone, Debug)]
pub struct LiveHandle {
    shared: Arc<Shared>,
}

impl LiveHandle {
    /// What closes the open chapter, once it is due: its day has ended or it is as large as a chapter may be. The
    /// world feeds it to the run as an input like any other.
    pub fn chapter_due(&self, now: Timestamp) -> Option<ChapterClosed> {
        let first = self.shared.chapter_time.load(Ordering::Acquire);
        let chapter = self.shared.chapter.load(Ordering::Acquire);
        if first == NO_TIME {
            return None;
        }
        let reason = if self.shared.options.is_another_day(Timestamp(first), now) {
            ChapterReason::DayEnded
        } else if self.shared.chapter_bytes.load(Ordering::Acquire) >= self.shared.options.chapter_bytes {
            ChapterReason::SizeReached
        } else {
            return None;
        };
        Some(ChapterClosed { chapter, reason })
    }

    /// The open chapter.
    pub fn chapter(&self) -> u32 {
        self.shared.chapter.load(Ordering::Acquire)
    }

    /// Keeps a state of the engine that knows of every event up to `sequence` and of none after it. It waits for the
    /// disk; nothing that is appended or committed meanwhile does.
    pub fn checkpoint(&self, sequence: Sequence, state: &[u8]) -> Result<(), Error> {
        let paths = Paths::chapter(&self.shared.journal, self.shared.state().tail.chapter());
        checkpoint::write(&*self.shared.disk, &paths, sequence, state)
    }

    /// Whether the disk was full and the reserve was given up: there is room to cancel what works, to journal that and
    /// to stop, and for nothing else.
    pub fn disk_is_full(&self) -> bool {
        self.shared.reserve.is_released()
    }

    /// How many events the tail holds: what readers see.
    pub fn events_written(&self) -> u64 {
        self.shared.events()
    }
}

/// What a writer begins with.
pub(crate) struct Start {
    pub lock: Lock,
    pub disk: Arc<dyn Disk>,
    pub reserve: Arc<Reserve>,
    pub options: LiveOptions,
    pub tail: TailWriter,
    pub builder: Builder,
    /// What is recorded.
    pub before: Before,
    /// `time_received` of the open chapter's first event.
    pub chapter_time: Option<Timestamp>,
    /// Whether the last event ends the run.
    pub ended: bool,
}

/// Writes frames as they come; rings for the builder.
fn write_tail(shared: &Shared, full: &Receiver<FrameBuffer>, empty: &Sender<FrameBuffer>) {
    while let Ok(mut frame) = full.recv() {
        let mut state = shared.state();
        // After a failure nothing is written, but whoever waits is let go.
        if !shared.failed.load(Ordering::Acquire) {
            if let Err(failure) = state.tail.write(&mut frame) {
                state.failure = Some(failure);
                shared.failed.store(true, Ordering::Release);
            }
            shared.publish(&state.tail);
        }
        state.frames += 1;
        drop(state);
        shared.written.notify_all();
        frame.clear();
        let _ = empty.try_send(frame);
        let _ = shared.bell.try_send(Bell::Written);
    }
}

fn spawn<T: Send + 'static>(
    name: &str,
    journal: &Path,
    run: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, Error> {
    let thread = thread::Builder::new().name(name.to_owned());
    thread.spawn(run).map_err(Error::io("start a thread for", journal))
}
