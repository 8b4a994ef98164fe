//! The stream of a card: copies and kernels in the order in which they were asked for.
//!
//! A decision asks for the same copies and kernels every time, with other values in the same places. So work that
//! belongs together is kept back until somebody waits, and compared with what was asked for before: what comes a second
//! time becomes a graph, and from then on costs one call instead of a hundred. A graph is launched only for the very
//! work that it was made of, so whatever its places hold is there for the same reason as without it.

use std::ffi::c_void;
use std::ptr;

use cudarc::driver::result::{self, DriverError};
use cudarc::driver::sys::{self, CUgraphInstantiate_flags, CUstreamCaptureMode};

use super::super::BackendError;
use super::device::{Kernel, Launch};
use super::driver::{ARGUMENTS, failed};

/// Page-locked memory for inputs and outputs.
pub(super) const PINNED: usize = 1 << 20;
/// Copies begin at such places.
const ALIGN: usize = 256;
/// The most work that is kept back.
const KEPT_MAX: usize = 256;
/// The most lists of work that are remembered.
const KNOWN_MAX: usize = 16;

/// A piece of work. Places of the host are those in page-locked memory.
#[derive(Clone, PartialEq, Debug)]
enum Work {
    Upload { to: u64, from: usize, bytes: usize },
    Launch { kernel: Kernel, launch: Launch, arguments: [u64; ARGUMENTS], count: usize },
    Download { from: u64, to: usize, bytes: usize },
}

/// Work that was asked for before.
struct Known {
    work: Vec<Work>,
    graph: Graph,
    /// When it was asked for last.
    last: u64,
}

enum Graph {
    NotYet,
    Made(sys::CUgraphExec),
    /// The driver would not make it.
    Never,
}

/// A stream, and page-locked memory; what lies before `used` may still be on its way.
pub(super) struct Queue {
    stream: sys::CUstream,
    pinned: *mut u8,
    used: usize,
    /// By the kernel's number.
    functions: Vec<sys::CUfunction>,
    graphs: bool,
    /// Whether work is kept back.
    keeping: bool,
    kept: Vec<Work>,
    known: Vec<Known>,
    asked: u64,
    /// What failed first. Who asked for it may not be who found it, so nobody is told that later work was done.
    failure: Option<BackendError>,
}

impl Queue {
    /// A stream of the current context for these kernels. `graphs`: whether the driver has them.
    pub(super) fn new(functions: Vec<sys::CUfunction>, graphs: bool) -> Result<Self, BackendError> {
        let mut queue = Self {
            stream: ptr::null_mut(),
            pinned: ptr::null_mut(),
            used: 0,
            functions,
            graphs,
            keeping: false,
            kept: Vec::with_capacity(KEPT_MAX),
            known: Vec::with_capacity(KNOWN_MAX),
            asked: 0,
            failure: None,
        };
        let stream = result::stream::create(result::stream::StreamKind::NonBlocking);
        queue.stream = stream.map_err(|code| failed("making a stream", code))?;
        // SAFETY: freed when the queue is closed.
        let pinned = unsafe { result::malloc_host(PINNED, 0) };
        queue.pinned = pinned.map_err(|code| failed("locking memory for inputs and outputs", code))?.cast();
        Ok(queue)
    }

    /// Waits, and gives everything back to the current context. Work that is kept back is not done: nobody is left
    /// who could read what it makes.
    pub(super) fn close(&mut self) {
        // SAFETY: all were made by the driver, and nobody uses them any more.
        unsafe {
            if !self.stream.is_null() {
                let _ = result::stream::synchronize(self.stream);
            }
            for known in self.known.drain(..) {
                if let Graph::Made(graph) = known.graph {
                    let _ = result::graph::exec_destroy(graph);
                }
            }
            if !self.stream.is_null() {
                let _ = result::stream::destroy(self.stream);
            }
            if !self.pinned.is_null() {
                let _ = result::free_host(self.pinned.cast());
            }
        }
    }

    /// Waits for everything that was asked for.
    fn wait(&mut self) -> Result<(), BackendError> {
        // SAFETY: the stream lives as long as `self`.
        let done = unsafe { result::stream::synchronize(self.stream) }
            .map_err(|code| failed("computing on the card", code));
        self.note(done)?;
        self.sound()?;
        self.used = 0;
        Ok(())
    }

    /// Work from here to the next read is one list.
    pub(super) fn as_one(&mut self) {
        self.keeping = self.graphs;
    }

    /// Queues what was kept back, whether it is a whole list or not.
    pub(super) fn release(&mut self) -> Result<(), BackendError> {
        self.keeping = false;
        let mut kept = std::mem::take(&mut self.kept);
        let done = kept.iter().try_for_each(|work| self.send(work));
        kept.clear();
        self.kept = kept;
        self.note(done)
    }

    /// Keeps the first failure of the queue, and gives it to whoever asks for something from then on.
    fn note<T>(&mut self, done: Result<T, BackendError>) -> Result<T, BackendError> {
        if let (Err(error), None) = (&done, &self.failure) {
            self.failure = Some(error.clone());
        }
        done
    }

    fn sound(&self) -> Result<(), BackendError> {
        self.failure.clone().map_or(Ok(()), Err)
    }

    fn push(&mut self, work: Work) -> Result<(), BackendError> {
        self.sound()?;
        if self.keeping && self.kept.len() < KEPT_MAX {
            self.kept.push(work);
            return Ok(());
        }
        self.release()?;
        let done = self.send(&work);
        self.note(done)
    }

    /// Sets memory that was just allocated to zeros.
    ///
    /// # Safety
    /// So many bytes are there.
    pub(super) unsafe fn clear(&mut self, address: u64, bytes: usize) -> Result<(), DriverError> {
        // SAFETY: the caller's promise. Nothing that was asked for before knows of the memory.
        unsafe { result::memset_d8_async(address, 0, bytes, self.stream) }
    }

    /// Asks for a copy to the card; the bytes may change when it returns.
    ///
    /// # Safety
    /// So many bytes are at the address.
    pub(super) unsafe fn upload(&mut self, to: u64, bytes: &[u8]) -> Result<(), BackendError> {
        if bytes.len() > PINNED {
            self.release()?;
            // SAFETY: the caller's promise; the copy is waited for while the bytes are there.
            unsafe { result::memcpy_htod_async(to, bytes, self.stream) }
                .map_err(|code| failed("copying to the card", code))?;
            return self.wait();
        }
        let from = self.room(bytes.len())?;
        // SAFETY: there is room for the bytes, which no copy under way or kept back reads.
        unsafe { self.pinned.add(from).copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
        self.push(Work::Upload { to, from, bytes: bytes.len() })
    }

    /// Asks for a copy from the card and waits for it, and for everything before.
    ///
    /// # Safety
    /// So many bytes are at the address.
    pub(super) unsafe fn download(&mut self, from: u64, bytes: &mut [u8]) -> Result<(), BackendError> {
        if bytes.len() > PINNED {
            self.release()?;
            // SAFETY: the caller's promise; the copy is waited for.
            unsafe { result::memcpy_dtoh_async(bytes, from, self.stream) }
                .map_err(|code| failed("copying from the card", code))?;
            return self.wait();
        }
        let to = self.room(bytes.len())?;
        self.push(Work::Download { from, to, bytes: bytes.len() })?;
        let done = self.finish_list();
        self.note(done)?;
        self.wait()?;
        // SAFETY: the copy came to here, and nothing is under way any more.
        unsafe { bytes.as_mut_ptr().copy_from_nonoverlapping(self.pinned.add(to), bytes.len()) };
        Ok(())
    }

    /// Asks for a kernel.
    pub(super) fn launch(
        &mut self,
        kernel: Kernel,
        launch: Launch,
        arguments: &[u64],
    ) -> Result<(), BackendError> {
        let mut words = [0; ARGUMENTS];
        words[..arguments.len()].copy_from_slice(arguments);
        self.push(Work::Launch { kernel, launch, arguments: words, count: arguments.len() })
    }

    /// Where so much page-locked memory is free.
    fn room(&mut self, bytes: usize) -> Result<usize, BackendError> {
        if self.used + bytes > PINNED {
            self.release()?;
            self.wait()?;
        }
        let here = self.used;
        self.used += bytes.next_multiple_of(ALIGN);
        Ok(here)
    }

    /// Queues a list that is whole: as a graph where it was asked for before.
    fn finish_list(&mut self) -> Result<(), BackendError> {
        if !self.keeping || self.kept.len() < 2 {
            return self.release();
        }
        self.asked += 1;
        let at = self.known.iter().position(|known| known.work == self.kept);
        let Some(at) = at else {
            self.remember()?;
            return self.release();
        };
        self.known[at].last = self.asked;
        if matches!(self.known[at].graph, Graph::NotYet) {
            self.known[at].graph = self.capture().map_or(Graph::Never, Graph::Made);
        }
        let Graph::Made(graph) = self.known[at].graph else { return self.release() };
        self.keeping = false;
        self.kept.clear();
        // SAFETY: its work is what was just asked for, so all of its places are there.
        unsafe { result::graph::launch(graph, self.stream) }
            .map_err(|code| failed("launching a decision", code))
    }

    /// Remembers what is kept back, in place of what was not asked for the longest.
    fn remember(&mut self) -> Result<(), BackendError> {
        if self.known.len() == KNOWN_MAX {
            let oldest = (0..KNOWN_MAX).min_by_key(|at| self.known[*at].last).unwrap_or(0);
            let known = self.known.swap_remove(oldest);
            if let Graph::Made(graph) = known.graph {
                // SAFETY: the stream lives as long as `self`, and the graph is on its way no more.
                unsafe {
                    result::stream::synchronize(self.stream)
                        .map_err(|code| failed("computing on the card", code))?;
                    let _ = result::graph::exec_destroy(graph);
                }
            }
        }
        self.known.push(Known { work: self.kept.clone(), graph: Graph::NotYet, last: self.asked });
        Ok(())
    }

    /// A graph of what is kept back; none where the driver does not make it.
    fn capture(&mut self) -> Option<sys::CUgraphExec> {
        // What other threads ask of the driver meanwhile is no part of it.
        let mode = CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL;
        // SAFETY: the stream lives as long as `self`; what is captured is not done, and the capture is ended.
        unsafe {
            result::stream::begin_capture(self.stream, mode).ok()?;
            let captured = self.kept.iter().try_for_each(|work| self.send(work));
            let graph = result::stream::end_capture(self.stream).ok().filter(|graph| !graph.is_null())?;
            let made = captured
                .is_ok()
                .then(|| result::graph::instantiate(graph, CUgraphInstantiate_flags(0)).ok())
                .flatten();
            let _ = result::graph::destroy(graph);
            made
        }
    }

    /// Hands a piece of work to the driver.
    fn send(&self, work: &Work) -> Result<(), BackendError> {
        match work {
            Work::Upload { to, from, bytes } => {
                // SAFETY: the bytes are in page-locked memory and stay there until the copy was waited for; the
                // place on the card is what `upload` was promised.
                unsafe {
                    let here = std::slice::from_raw_parts(self.pinned.add(*from), *bytes);
                    result::memcpy_htod_async(*to, here, self.stream)
                }
                .map_err(|code| failed("copying to the card", code))
            }
            Work::Download { from, to, bytes } => {
                // SAFETY: as above, of `download`.
                unsafe {
                    let here = std::slice::from_raw_parts_mut(self.pinned.add(*to), *bytes);
                    result::memcpy_dtoh_async(here, *from, self.stream)
                }
                .map_err(|code| failed("copying from the card", code))
            }
            Work::Launch { kernel, launch, arguments, count } => {
                let mut words = [ptr::null_mut::<c_void>(); ARGUMENTS];
                for (word, argument) in words.iter_mut().zip(arguments) {
                    *word = ptr::from_ref(argument).cast_mut().cast();
                }
                let ([x, y], [a, b, c]) = (launch.grid, launch.block);
                let (function, words) = (self.functions[*kernel as usize], &mut words[..*count]);
                // SAFETY: the arguments are what whoever launches it promised; the driver copies them before it
                // returns.
                let launched = unsafe {
                    result::launch_kernel(function, (x, y, 1), (a, b, c), launch.shared, self.stream, words)
                };
                launched.map_err(|code| failed(kernel.name(), code))
            }
        }
    }
}
