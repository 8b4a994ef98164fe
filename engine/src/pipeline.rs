//! The same loop over queues: `take → decide → journal`, each stage a thread, batches in bounded lock-free queues.
//!
//! Every event passes every stage in order, so both forms write the same journal. Batches go back by a second queue and
//! are used again: no allocation per event.

use std::thread::{self, JoinHandle};

use crossbeam::channel::{Receiver, Sender, bounded};

use crate::event::{Event, Fact};
use crate::log::{Log, LogError};
use crate::world::{Source, WorldError};

/// Events in a batch: large enough that a queue's cost vanishes, small enough to stay in a core's cache.
const BATCH: usize = 256;
/// Batches under way between two stages.
const DEPTH: usize = 64;

type Batch = Vec<Event>;

/// A source that reads ahead on its own thread.
pub struct QueuedSource {
    full: Receiver<Result<Batch, WorldError>>,
    empty: Sender<Batch>,
    reader: Option<JoinHandle<()>>,
    accompanies: bool,
}

impl QueuedSource {
    /// Starts reading `source` ahead. The thread ends with the source, or when this is dropped.
    pub fn spawn(mut source: impl Source + 'static) -> QueuedSource {
        let accompanies = source.accompanies();
        let (full_in, full) = bounded::<Result<Batch, WorldError>>(DEPTH);
        let (empty, empty_out) = bounded::<Batch>(DEPTH);
        let reader = named("genovo-take", move || {
            loop {
                let mut batch = empty_out.try_recv().unwrap_or_else(|_| Vec::with_capacity(BATCH));
                let read = source.read(&mut batch, BATCH);
                let done = read.is_err() || batch.is_empty();
                // Rows read before an error are good; they go first.
                if !batch.is_empty() && full_in.send(Ok(batch)).is_err() {
                    return;
                }
                if let Err(error) = read {
                    let _ = full_in.send(Err(error));
                }
                if done {
                    return;
                }
            }
        });
        QueuedSource { full, empty, reader: Some(reader), accompanies }
    }
}

impl Source for QueuedSource {
    fn read(&mut self, batch: &mut Vec<Event>, _: usize) -> Result<(), WorldError> {
        let Ok(full) = self.full.recv() else {
            // A closed queue is the end of the source, unless its thread died: then the bug is carried on to here.
            if let Some(Err(panic)) = self.reader.take().map(JoinHandle::join) {
                std::panic::resume_unwind(panic);
            }
            return Ok(());
        };
        let mut full = full?;
        if batch.is_empty() {
            std::mem::swap(batch, &mut full);
        } else {
            batch.append(&mut full);
        }
        full.clear();
        // When the way back is full there are batches enough.
        let _ = self.empty.try_send(full);
        Ok(())
    }

    fn accompanies(&self) -> bool {
        self.accompanies
    }
}

/// A log that is written on its own thread.
///
/// `commit` returns at once: this is for runs that can be recomputed, where nothing waits for the disk.
pub struct QueuedLog<L> {
    batch: Batch,
    full: Option<Sender<Batch>>,
    empty: Receiver<Batch>,
    writer: Option<JoinHandle<Result<L, LogError>>>,
}

impl<L: Log + Send + 'static> QueuedLog<L> {
    /// Starts the writer.
    pub fn spawn(mut log: L) -> QueuedLog<L> {
        let (full, full_out) = bounded::<Batch>(DEPTH);
        let (empty_in, empty) = bounded::<Batch>(DEPTH);
        let writer = named("genovo-write", move || {
            while let Ok(mut batch) = full_out.recv() {
                for event in &batch {
                    log.append(event)?;
                }
                batch.clear();
                let _ = empty_in.try_send(batch);
            }
            Ok(log)
        });
        QueuedLog { batch: Vec::with_capacity(BATCH), full: Some(full), empty, writer: Some(writer) }
    }

    /// Waits until everything is written and hands the log back.
    pub fn finish(mut self) -> Result<L, LogError> {
        let sent = self.send();
        self.join(sent.is_err())
    }

    fn send(&mut self) -> Result<(), LogError> {
        let next = self.empty.try_recv().unwrap_or_else(|_| Vec::with_capacity(BATCH));
        let batch = std::mem::replace(&mut self.batch, next);
        let full = self.full.as_ref().ok_or_else(|| LogError::new("the journal's writer has stopped"))?;
        full.send(batch).map_err(|_| LogError::new("the journal's writer has stopped"))
    }

    fn join(&mut self, stopped: bool) -> Result<L, LogError> {
        self.full = None;
        let writer = self.writer.take().ok_or_else(|| LogError::new("the journal's writer has stopped"))?;
        match writer.join() {
            Ok(Ok(_)) if stopped => Err(LogError::new("the journal's writer has stopped")),
            Ok(result) => result,
            // A bug in the writer: carry it on where it can be seen.
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

/// A clone, without asking which fact it is when it is a quote: nearly all are.
#[inline]
fn copy(event: &Event) -> Event {
    match &event.fact {
        Fact::QuoteChanged(quote) => Event { header: event.header, fact: Fact::QuoteChanged(*quote) },
        _ => event.clone(),
    }
}

impl<L: Log + Send + 'static> Log for QueuedLog<L> {
    #[inline]
    fn append(&mut self, event: &Event) -> Result<(), LogError> {
        self.batch.push(copy(event));
        if self.batch.len() == BATCH && self.send().is_err() {
            // The writer stopped: its own error says why.
            return match self.join(true) {
                Err(error) => Err(error),
                Ok(_) => Err(LogError::new("the journal's writer has stopped")),
            };
        }
        Ok(())
    }

    fn commit(&mut self) -> Result<(), LogError> {
        Ok(())
    }
}

/// A run that breaks off drops its log: whoever clears away what was begun must find that nobody writes any more.
impl<L> Drop for QueuedLog<L> {
    fn drop(&mut self) {
        self.full = None;
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

/// Starts a thread that a profiler shows by its stage.
fn named<T: Send + 'static>(stage: &str, work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    thread::Builder::new().name(stage.to_string()).spawn(work).expect("the system gives us a thread")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::TimerFired;
    use crate::ids::{InstrumentId, TimerId};
    use crate::units::Timestamp;
    use crate::world::MemorySource;

    fn events(count: u32) -> Vec<Event> {
        let event = |n| {
            let fact = Fact::TimerFired(TimerFired { timer: TimerId(n) });
            Event::unnumbered(Timestamp(i64::from(n)), Timestamp(i64::from(n)), InstrumentId::NONE, fact)
        };
        (0..count).map(event).collect()
    }

    #[test]
    fn queues_keep_everything_in_order() {
        for count in [0, 1, 1_023, 1_024, 1_025, 100_000] {
            let mut source = QueuedSource::spawn(MemorySource::new(events(count)));
            let mut log = QueuedLog::spawn(Vec::new());
            let mut batch = Vec::new();
            loop {
                source.read(&mut batch, BATCH).unwrap();
                if batch.is_empty() {
                    break;
                }
                for event in batch.drain(..) {
                    log.append(&event).unwrap();
                }
            }
            assert_eq!(log.finish().unwrap(), events(count), "{count} events");
        }
    }

    struct Failing(u32);

    impl Source for Failing {
        fn read(&mut self, batch: &mut Vec<Event>, _: usize) -> Result<(), WorldError> {
            self.0 += 1;
            batch.extend(events(2));
            if self.0 == 3 { Err(WorldError::new("row 6 is bad")) } else { Ok(()) }
        }
    }

    #[test]
    fn rows_before_an_error_arrive_and_then_the_error() {
        let mut source = QueuedSource::spawn(Failing(0));
        let mut batch = Vec::new();
        let mut rows = 0;
        let error = loop {
            batch.clear();
            match source.read(&mut batch, BATCH) {
                Ok(()) => rows += batch.len(),
                Err(error) => break error,
            }
        };
        assert_eq!((rows, error.to_string().as_str()), (6, "row 6 is bad"));
    }

    struct Full;

    impl Log for Full {
        fn append(&mut self, _: &Event) -> Result<(), LogError> {
            Err(LogError::new("no space left"))
        }

        fn commit(&mut self) -> Result<(), LogError> {
            Ok(())
        }
    }

    #[test]
    fn the_writers_own_error_comes_back() {
        let mut log = QueuedLog::spawn(Full);
        let event = &events(1)[0];
        let error = (0..1_000_000).find_map(|_| log.append(event).err()).expect("the queue is bounded");
        assert_eq!(error.to_string(), "no space left");
        let mut log = QueuedLog::spawn(Full);
        log.append(event).unwrap();
        assert_eq!(log.finish().err().unwrap().to_string(), "no space left");
    }
}
