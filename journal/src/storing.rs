//! A store that is filled on a thread of its own: sled's files and its pauses are nobody's wait.

use std::thread::JoinHandle;

use crossbeam::channel::{Receiver, Sender, bounded};
use genovo_engine::ids::Sequence;

use crate::error::Error;
use crate::store::Store;

/// Blocks under way: more than come while the store is closed and opened again.
const DEPTH: usize = 128;

enum Message {
    Block(Sequence, Vec<u8>),
    /// Everything before it is in the store when this is answered.
    Settle(Sender<()>),
}

/// Hands blocks to a store, which has been filled when [`Storing::finish`] returns.
pub struct Storing {
    full: Option<Sender<Message>>,
    empty: Receiver<Vec<u8>>,
    thread: Option<JoinHandle<Result<Store, Error>>>,
}

impl Storing {
    /// Starts the thread.
    pub fn spawn(mut store: Store) -> Result<Storing, Error> {
        let (full, messages) = bounded(DEPTH);
        let (used, empty) = bounded(DEPTH);
        let path = store.path().to_owned();
        let work = move || {
            for message in messages {
                match message {
                    Message::Block(first, block) => {
                        store.insert(first, &block)?;
                        // When the way back is full there are buffers enough.
                        let _ = used.try_send(block);
                    }
                    Message::Settle(answer) => drop(answer),
                }
            }
            Ok(store)
        };
        let thread = std::thread::Builder::new().name("genovo-store".to_owned()).spawn(work);
        Ok(Storing {
            full: Some(full),
            empty,
            thread: Some(thread.map_err(Error::io("start a thread for", &path))?),
        })
    }

    /// Takes a block and leaves an empty buffer in its place.
    pub fn insert(&mut self, first: Sequence, block: &mut Vec<u8>) -> Result<(), Error> {
        let next = self.empty.try_recv().unwrap_or_default();
        self.send(Message::Block(first, std::mem::replace(block, next)))
    }

    /// Waits until the store holds every block so far.
    pub fn settle(&mut self) -> Result<(), Error> {
        let (answer, answered) = bounded(0);
        self.send(Message::Settle(answer))?;
        // It is answered by being dropped. If that is because the thread stopped, the next call says why.
        let _ = answered.recv();
        Ok(())
    }

    fn send(&mut self, message: Message) -> Result<(), Error> {
        let sent = self.full.as_ref().is_some_and(|full| full.send(message).is_ok());
        // The thread ends early only by an error of its own.
        if sent { Ok(()) } else { self.join().map(|_| ()) }
    }

    /// Waits until the store holds every block.
    pub fn finish(mut self) -> Result<Store, Error> {
        self.join()
    }

    fn join(&mut self) -> Result<Store, Error> {
        self.full = None;
        let thread = self.thread.take().expect("joined once: after an error the writer has stopped");
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

/// Dropped, nobody writes into the store's folder any more.
impl Drop for Storing {
    fn drop(&mut self) {
        self.full = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
