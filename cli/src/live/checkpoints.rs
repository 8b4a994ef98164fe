//! Checkpoints of a session: taken by the loop, written by a thread of their own, found again by a resume.
//!
//! What is kept is the session's [`Memory`] and, behind it, the engine's own checkpoint. It is a cache: without one, or
//! with one that this build does not take, a resume runs every recorded input again and comes to the same.

use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam::channel::{Receiver, Sender, bounded};
use genovo_engine::canonical::Input;
use genovo_engine::engine::{Engine, NotSaved};
use genovo_engine::ids::Sequence;
use genovo_engine::settings::Settings;
use genovo_engine::state::State;
use genovo_engine::strategy::Registry;
use genovo_journal::{CheckpointFile, Error, LiveHandle};

use super::past::Memory;

/// Takes checkpoints while a session runs.
pub struct Checkpoints {
    /// Events between two; 0 for none.
    every: u64,
    /// The number of the event at which the next is due.
    due: u64,
    jobs: Option<Sender<(Sequence, Vec<u8>)>>,
    done: Receiver<(Vec<u8>, Result<(), Error>)>,
    writer: Option<JoinHandle<()>>,
    /// Room for the next one, unless it is being written.
    room: Option<Vec<u8>>,
    /// What was measured.
    pub taken: Taken,
}

/// What the checkpoints of a session came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// How many were taken.
    pub count: u64,
    /// The largest, in bytes.
    pub bytes: usize,
    /// The longest that the loop was held up by one.
    pub longest: Duration,
}

impl Checkpoints {
    /// Takes one every so many events of a journal whose newest is of its `saved_at`-th event: a session that dies
    /// again and again before so many have come takes one all the same.
    pub fn open(handle: LiveHandle, every: u64, saved_at: u64) -> Checkpoints {
        let (jobs, queue) = bounded::<(Sequence, Vec<u8>)>(1);
        let (back, done) = bounded(1);
        let write = move || {
            for (sequence, bytes) in queue {
                let written = handle.checkpoint(sequence, &bytes);
                if back.send((bytes, written)).is_err() {
                    return;
                }
            }
        };
        let writer = std::thread::Builder::new()
            .name("genovo-state".to_string())
            .spawn(write)
            .expect("the system gives us a thread");
        Checkpoints {
            every,
            due: if every == 0 { u64::MAX } else { saved_at.saturating_add(every) },
            jobs: Some(jobs),
            done,
            writer: Some(writer),
            room: Some(Vec::new()),
            taken: Taken::default(),
        }
    }

    /// Whether one is due, now that the journal has `events`.
    #[inline]
    pub fn is_due(&self, events: u64) -> bool {
        events >= self.due
    }

    /// Takes one after the event `sequence`, the journal's `events`-th. What went wrong with the one before is handed
    /// out, for a person to know: nothing depends on it.
    pub fn take(
        &mut self,
        sequence: Sequence,
        events: u64,
        memory: &Memory,
        engine: &Engine,
    ) -> Result<(), String> {
        let mut failed = None;
        while let Ok((room, written)) = self.done.try_recv() {
            self.room = Some(room);
            failed = written.err();
        }
        let Some(mut bytes) = self.room.take() else {
            // The disk is slower than events come: a little later, then.
            self.due = events.saturating_add(self.every.div_ceil(10));
            return Ok(());
        };
        let began = Instant::now();
        bytes.clear();
        let saved = engine.can_be_saved().and_then(|()| {
            memory.save(&mut bytes);
            engine.checkpoint_into(&mut bytes)
        });
        match saved {
            Ok(()) => {
                self.taken.count += 1;
                self.taken.bytes = self.taken.bytes.max(bytes.len());
                self.taken.longest = self.taken.longest.max(began.elapsed());
                self.due = events.saturating_add(self.every);
                if let Some(jobs) = &self.jobs {
                    let _ = jobs.try_send((sequence, bytes));
                }
            }
            Err(not_saved) => {
                self.room = Some(bytes);
                self.due = match not_saved {
                    // A strategy may be between two events at which it can; asking costs nothing.
                    NotSaved::Strategy => events.saturating_add(1),
                    NotSaved::Takeover | NotSaved::Features => u64::MAX,
                };
            }
        }
        failed.map_or(Ok(()), |error| Err(error.to_string()))
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

/// Where a resume can begin.
pub struct Found {
    /// The engine as it was.
    pub engine: Engine,
    /// What the session knew.
    pub memory: Memory,
    /// The last event that both know of.
    pub sequence: Sequence,
}

/// The newest checkpoint that is whole and of this session and build, with what is to be said of newer ones.
pub fn newest(
    files: &[CheckpointFile],
    settings: &Settings,
    registry: &Registry,
) -> (Option<Found>, Vec<String>) {
    let mut passed = Vec::new();
    for file in files {
        let found = file.read().map_err(|error| error.to_string()).and_then(|checkpoint| {
            let (mut memory, mut input) = (Memory::default(), Input::new(&checkpoint.state));
            let loaded = memory.load(&mut input).map_err(|error| error.to_string());
            let engine = loaded.and_then(|()| {
                let restored = Engine::restore(settings.clone(), registry, input.rest());
                restored.map_err(|error| error.to_string())
            });
            let engine = engine.map_err(|error| format!("{}: {error}", file.path().display()))?;
            Ok(Found { engine, memory, sequence: file.sequence })
        });
        match found {
            Ok(found) => return (Some(found), passed),
            Err(problem) => passed.push(problem),
        }
    }
    (None, passed)
}
