//! Threads that work on one kernel at a time: the caller and helpers that wait for it.
//!
//! A kernel lasts microseconds, so helpers first spin, and sleep only when nothing came for a while. What a
//! part computes does not depend on how many parts there are: the kernels split outputs, never sums.

use std::cell::UnsafeCell;
use std::hint::spin_loop;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

/// Turns of waiting before a helper sleeps: some tens of microseconds.
const SPINS: u32 = 20_000;
/// Turns of waiting before the caller lets others run meanwhile.
const PATIENCE: u32 = 4_000;

/// One part of the work, by its number.
type Work<'a> = dyn Fn(usize) + Sync + 'a;

struct Shared {
    /// Counts the jobs; helpers wait for it to move.
    job: AtomicUsize,
    /// What to do, for as long as `left` is not zero.
    work: UnsafeCell<Option<*const Work<'static>>>,
    /// Helpers that are not done yet.
    left: AtomicUsize,
    stop: AtomicBool,
    failed: AtomicBool,
}

// SAFETY: `work` is written by the caller only while no helper reads it: between jobs, in one thread at a
// time.
unsafe impl Sync for Shared {}
// SAFETY: the pointer is only followed while the job that it belongs to lasts.
unsafe impl Send for Shared {}

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
            job: AtomicUsize::new(0),
            work: UnsafeCell::new(None),
            left: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
            failed: AtomicBool::new(false),
        });
        let mut helpers = Vec::new();
        for number in 1..threads {
            let (shared, asleep) = (Arc::clone(&shared), Arc::new(AtomicBool::new(false)));
            let sleeping = Arc::clone(&asleep);
            let named = thread::Builder::new().name(format!("genovo-kernel-{number}"));
            let Ok(thread) = named.spawn(move || help(&shared, &sleeping, number)) else { break };
            helpers.push(Helper { thread: Some(thread), asleep });
        }
        Self { shared, helpers, turn: Mutex::new(()) }
    }

    /// How many threads there are.
    pub fn threads(&self) -> usize {
        self.helpers.len() + 1
    }

    /// Calls `work` with 0, 1, … up to the number of threads, one each, and returns when all are done.
    ///
    /// # Panics
    /// When a part panics.
    pub fn run(&self, work: &Work<'_>) {
        if self.helpers.is_empty() {
            return work(0);
        }
        let turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        // SAFETY: only the lifetime is forgotten; this function does not return before `left` is zero.
        let forgotten = unsafe { std::mem::transmute::<*const Work<'_>, *const Work<'static>>(work) };
        // SAFETY: no job is under way, so no helper reads it.
        unsafe { *self.shared.work.get() = Some(forgotten) };
        self.shared.left.store(self.helpers.len(), Ordering::Relaxed);
        self.shared.job.fetch_add(1, Ordering::SeqCst);
        for helper in &self.helpers {
            if helper.asleep.load(Ordering::SeqCst)
                && let Some(thread) = &helper.thread
            {
                thread.thread().unpark();
            }
        }
        let own = catch_unwind(AssertUnwindSafe(|| work(0)));
        let mut turns = 0;
        while self.shared.left.load(Ordering::Acquire) != 0 {
            turns += 1;
            if turns < PATIENCE {
                spin_loop();
            } else {
                thread::yield_now();
            }
        }
        drop(turn);
        if let Err(panic) = own {
            resume_unwind(panic);
        }
        assert!(!self.shared.failed.swap(false, Ordering::Relaxed), "a helper's part of a kernel panicked");
    }
}

fn help(shared: &Shared, asleep: &AtomicBool, number: usize) {
    let mut done = 0;
    loop {
        let mut turns = 0;
        while shared.job.load(Ordering::Acquire) == done {
            if shared.stop.load(Ordering::Relaxed) {
                return;
            }
            turns += 1;
            if turns < SPINS {
                spin_loop();
                continue;
            }
            asleep.store(true, Ordering::SeqCst);
            // A job, or the end, that came just before was not told to a sleeper.
            if shared.job.load(Ordering::SeqCst) == done && !shared.stop.load(Ordering::SeqCst) {
                thread::park();
            }
            asleep.store(false, Ordering::SeqCst);
        }
        done = done.wrapping_add(1);
        // SAFETY: `job` moved after the work was put there, and it stays until `left` is zero.
        let work = unsafe { (*shared.work.get()).map(|work| &*work) };
        if let Some(work) = work
            && catch_unwind(AssertUnwindSafe(|| work(number))).is_err()
        {
            shared.failed.store(true, Ordering::Relaxed);
        }
        shared.left.fetch_sub(1, Ordering::Release);
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
    use std::sync::atomic::AtomicU64;

    #[test]
    fn every_part_is_done_once_in_every_job() {
        for threads in [1, 2, 4] {
            let team = Team::new(threads);
            let counts: Vec<AtomicU64> = (0..threads).map(|_| AtomicU64::new(0)).collect();
            for job in 0..2_000 {
                team.run(&|part| {
                    counts[part].fetch_add(1, Ordering::Relaxed);
                });
                if job == 1_000 {
                    // Long enough that helpers sleep.
                    thread::sleep(std::time::Duration::from_millis(5));
                }
            }
            assert_eq!(team.threads(), threads);
            assert!(counts.iter().all(|count| count.load(Ordering::Relaxed) == 2_000), "{counts:?}");
        }
    }

    #[test]
    fn a_panic_in_a_part_is_a_panic_of_the_caller_and_the_team_lives_on() {
        let team = Team::new(2);
        for bad in [0, 1] {
            let work = |part: usize| assert!(part != bad, "part {bad}");
            assert!(catch_unwind(AssertUnwindSafe(|| team.run(&work))).is_err());
        }
        let parts = AtomicU64::new(0);
        team.run(&|part| {
            parts.fetch_add(part as u64 + 1, Ordering::Relaxed);
        });
        assert_eq!(parts.load(Ordering::Relaxed), 3);
    }
}
