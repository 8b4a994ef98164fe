//! Threads that work on one kernel at a time: the caller and helpers that wait for it.
//!
//! A kernel lasts microseconds, so helpers first spin, and sleep only when nothing came for a while. What a
//! part computes does not depend on how many parts there are: the kernels split outputs, never sums.

use std::cell::UnsafeCell;
use std::hint::spin_loop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

/// Turns of waiting before a helper sleeps: some tens of microseconds.
const SPINS: u32 = 20_000;
/// Turns of waiting before the caller lets others run meanwhile.
const PATIENCE: u32 = 4_000;

/// One part of the work, by its number.
type Work<'a> = dyn Fn(usize) + Sync + 'a;

/// Where the parts of a job are handed out: the job's number, how many parts it has, and the next one, in one
/// word, so that whoever takes a part knows of which job it is.
struct Tickets(AtomicU64);

const NEXT_BITS: u32 = 24;
const PARTS_BITS: u32 = 16;
/// The most parts of a job.
pub(crate) const PARTS_MAX: usize = (1 << PARTS_BITS) - 1;

impl Tickets {
    fn split(word: u64) -> (usize, usize) {
        let parts = word >> NEXT_BITS & ((1 << PARTS_BITS) - 1);
        ((word & ((1 << NEXT_BITS) - 1)) as usize, parts as usize)
    }

    /// Hands out the parts of a new job.
    fn open(&self, parts: usize) {
        let job = (self.0.load(Ordering::Relaxed) >> (NEXT_BITS + PARTS_BITS)).wrapping_add(1);
        self.0.store(job << (NEXT_BITS + PARTS_BITS) | (parts as u64) << NEXT_BITS, Ordering::SeqCst);
    }

    /// Whether a part is left.
    fn any(&self) -> bool {
        let (next, parts) = Self::split(self.0.load(Ordering::SeqCst));
        next < parts
    }

    /// Takes a part, if one is left.
    fn take(&self) -> Option<usize> {
        // Looked at first, so that waiting does not count `next` up without end.
        if !self.any() {
            return None;
        }
        let (next, parts) = Self::split(self.0.fetch_add(1, Ordering::AcqRel));
        (next < parts).then_some(next)
    }
}

struct Shared {
    tickets: Tickets,
    /// What to do; it stays for as long as a part that was taken is not done.
    work: UnsafeCell<Option<*const Work<'static>>>,
    done: AtomicUsize,
    stop: AtomicBool,
    failed: AtomicBool,
}

// SAFETY: `work` is written by the caller only between jobs, and read only by who took a part of one.
unsafe impl Sync for Shared {}
// SAFETY: the pointer is only followed while the job that it belongs to lasts.
unsafe impl Send for Shared {}

impl Shared {
    /// Takes parts and does them until none is left.
    fn work(&self) {
        while let Some(part) = self.tickets.take() {
            // SAFETY: this job lasts until the part that was just taken is done, and its work was put there
            // first.
            let work = unsafe { (*self.work.get()).map(|work| &*work) };
            if let Some(work) = work
                && catch_unwind(AssertUnwindSafe(|| work(part))).is_err()
            {
                self.failed.store(true, Ordering::Relaxed);
            }
            self.done.fetch_add(1, Ordering::Release);
        }
    }
}

struct Helper {
    thread: Option<JoinHandle<()>>,
    asleep: Arc<AtomicBool>,
}

/// The caller's thread and its helpers.
pub struct Team {
    shared: Arc<Shared>,
    helpers: Vec<Helper>,
    /// One job at a time.
    turn: Mutex<()>,
}

impl Team {
    /// `threads` in all, the caller's included. Where the system gives fewer, there are fewer.
    pub fn new(threads: usize) -> Self {
        let shared = Arc::new(Shared {
            tickets: Tickets(AtomicU64::new(0)),
            work: UnsafeCell::new(None),
            done: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
            failed: AtomicBool::new(false),
        });
        let mut helpers = Vec::new();
        for number in 1..threads {
            let (shared, asleep) = (Arc::clone(&shared), Arc::new(AtomicBool::new(false)));
            let sleeping = Arc::clone(&asleep);
            let named = thread::Builder::new().name(format!("genovo-kernel-{number}"));
            let Ok(thread) = named.spawn(move || help(&shared, &sleeping)) else { break };
            helpers.push(Helper { thread: Some(thread), asleep });
        }
        Self { shared, helpers, turn: Mutex::new(()) }
    }

    /// How many threads there are.
    pub fn threads(&self) -> usize {
        self.helpers.len() + 1
    }

    /// Calls `work` once with each of 0, 1, … `parts` - 1, on any of the threads, and returns when all are
    /// done. A helper that the system keeps busy elsewhere leaves its share to the others.
    ///
    /// # Panics
    /// When a part panics, or there are more parts than can be counted.
    pub fn run(&self, parts: usize, work: &Work<'_>) {
        assert!(parts <= PARTS_MAX, "{parts} parts");
        let turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        // SAFETY: only the lifetime is forgotten; this function does not return before every part is done.
        let forgotten = unsafe { std::mem::transmute::<*const Work<'_>, *const Work<'static>>(work) };
        // SAFETY: no part is under way, so nobody reads it.
        unsafe { *self.shared.work.get() = Some(forgotten) };
        self.shared.done.store(0, Ordering::Relaxed);
        self.shared.tickets.open(parts);
        for helper in &self.helpers {
            if helper.asleep.load(Ordering::SeqCst)
                && let Some(thread) = &helper.thread
            {
                thread.thread().unpark();
            }
        }
        self.shared.work();
        let mut turns = 0;
        while self.shared.done.load(Ordering::Acquire) != parts {
            turns += 1;
            if turns < PATIENCE {
                spin_loop();
            } else {
                thread::yield_now();
            }
        }
        let failed = self.shared.failed.swap(false, Ordering::Relaxed);
        drop(turn);
        assert!(!failed, "a part of a kernel panicked");
    }
}

fn help(shared: &Shared, asleep: &AtomicBool) {
    let mut turns = 0;
    while !shared.stop.load(Ordering::Relaxed) {
        if shared.tickets.any() {
            shared.work();
            turns = 0;
        } else if turns < SPINS {
            spin_loop();
            turns += 1;
        } else {
            asleep.store(true, Ordering::SeqCst);
            // A job, or the end, that came just before was not told to a sleeper.
            if !shared.tickets.any() && !shared.stop.load(Ordering::SeqCst) {
                thread::park();
            }
            asleep.store(false, Ordering::SeqCst);
            turns = 0;
        }
    }
}

impl Drop for Team {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        for helper in &mut self.helpers {
            if let Some(thread) = helper.thread.take() {
                thread.thread().unpark();
                let _ = thread.join();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_done_once_in_every_job() {
        for threads in [1, 2, 4] {
            let team = Team::new(threads);
            let counts: Vec<AtomicU64> = (0..9).map(|_| AtomicU64::new(0)).collect();
            for job in 0..2_000 {
                team.run(1 + job % 9, &|part| {
                    counts[part].fetch_add(1, Ordering::Relaxed);
                });
                let so_far: u64 = counts.iter().map(|count| count.load(Ordering::Relaxed)).sum();
                let jobs = job as u64 + 1;
                assert_eq!(so_far, jobs / 9 * 45 + jobs % 9 * (jobs % 9 + 1) / 2, "after {jobs} jobs");
                if job == 1_000 {
                    // Long enough that helpers sleep.
                    thread::sleep(std::time::Duration::from_millis(5));
                }
            }
            assert_eq!(team.threads(), threads);
        }
    }

    #[test]
    fn a_panic_in_a_part_is_a_panic_of_the_caller_and_the_team_lives_on() {
        let team = Team::new(2);
        for bad in [0, 1] {
            let work = |part: usize| assert!(part != bad, "part {bad}");
            assert!(catch_unwind(AssertUnwindSafe(|| team.run(2, &work))).is_err());
        }
        let parts = AtomicU64::new(0);
        team.run(2, &|part| {
            parts.fetch_add(part as u64 + 1, Ordering::Relaxed);
        });
        assert_eq!(parts.load(Ordering::Relaxed), 3);
    }

    #[test]
    fn no_parts_are_no_work() {
        Team::new(2).run(0, &|_| panic!("no part"));
    }
}
