//! Windowed attention over whole sequences in training, and its gradients: **Exact**.
//!
//! A head with window W and slope m, of `width` channels, at step t of a sequence sees the keys j with
//! 0 ≤ t - j < W. Keys of the **past**, before the sequence's first step, are constants.
//! - forward, as in [`mixer`](crate::mixer): s_j = dot·width^-½ - m·(t - j), e_j = exp(s_j - largest s),
//!   Z = Σ e_j, a = (Σ e_j·v_j)·(1/Z), sums oldest key first. The largest s and 1/Z are kept.
//! - p_j = e_j·(1/Z) again, of the kept values; dp_j = G·v_j, a chain over channels ascending;
//!   D = Σ p_j·dp_j, a chain over keys, oldest first; ds_j = p_j·(dp_j - D)
//! - dq = (Σ ds_j·k_j)·width^-½, a chain over keys, oldest first
//! - dv_j = Σ p_j·G and dk_j = (Σ ds_j·q)·width^-½, chains over the steps that see j, oldest first
//!
//! All chains are of fma from 0. One thread has all of a head in a sequence, so nothing is added by two.

mod plain;
#[cfg(target_arch = "x86_64")]
mod tile;
#[cfg(target_arch = "x86_64")]
mod vector;

use std::sync::{Mutex, PoisonError};

use crate::backend::Cpu;
use crate::lanes::{LANES_MAX, at_level};
use crate::mixer::{Head, MixerShape};
use crate::share::{ReadRows, SharedRows};
use crate::tensor::{Buffer, Rows};
use plain::{backward_plain, forward_plain};
#[cfg(target_arch = "x86_64")]
use vector::{backward_vector, forward_vector};

/// Steps that are computed together.
const TILE: usize = 8;
/// The largest score and 1/Z.
const STATISTICS: usize = 2;

/// Sequences of steps, each behind the same number of steps of the past.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sequences {
    /// How many sequences.
    pub count: usize,
    /// Steps of each.
    pub steps: usize,
    /// Steps before the first that are known, as constants.
    pub past: usize,
}

impl Sequences {
    /// Steps in all.
    pub const fn rows(self) -> usize {
        self.count * self.steps
    }
}

/// What attention's inputs are.
#[derive(Clone, Copy)]
pub struct Given<'a> {
    /// `[sequences · steps]` of \[q, k, v, γ\]
    pub projected: &'a Buffer,
    /// `[sequences · past]` of \[k, v, u\]
    pub past: &'a Buffer,
}

/// Floats that a head needs of its own while it is computed, for each thread.
#[derive(Debug)]
pub struct Scratch {
    free: Mutex<Vec<Buffer>>,
    len: usize,
}

impl Scratch {
    /// Memory for heads of this shape on this CPU.
    pub fn new(cpu: &Cpu, shape: &MixerShape, sequences: &[Sequences]) -> Self {
        let lens = |sequences| shape.heads.iter().map(move |head| Layout::new(shape, *head, sequences).len);
        let len = sequences.iter().flat_map(|sequences| lens(*sequences));
        let len = len.fold(0, |most, len| if len > most { len } else { most });
        Self { free: Mutex::new((0..cpu.threads()).map(|_| Buffer::zeros(len)).collect()), len }
    }

    fn with(&self, work: impl FnOnce(&mut Buffer)) {
        let taken = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        // As many parts run at once as there are threads, so one is always free.
        let mut buffer = taken.unwrap_or_else(|| Buffer::zeros(self.len));
        work(&mut buffer);
        self.free.lock().unwrap_or_else(PoisonError::into_inner).push(buffer);
    }
}

/// Where a head's numbers lie in the scratch memory.
#[derive(Clone, Copy, Debug)]
struct Layout {
    /// A row of channels, in whole vectors.
    width: usize,
    /// Keys in all: of the past as many as are seen, then one for each step.
    keys: usize,
    /// From a channel of turned keys to the next.
    turned: usize,
    /// From a step's scores to the next step's.
    scores: usize,
    /// Where each begins: turned keys, turned values, keys, values, queries, gradients, dk, dv, two tiles
    /// of scores.
    at: [usize; 10],
    len: usize,
}

impl Layout {
    fn new(shape: &MixerShape, head: Head, sequences: Sequences) -> Self {
        let width = shape.head_width.next_multiple_of(LANES_MAX);
        let keys = past_seen(head, sequences) + sequences.steps;
        let turned = keys.next_multiple_of(LANES_MAX) + 3 * LANES_MAX;
        let window = if head.window < keys { head.window } else { keys };
        let scores = (window + TILE).next_multiple_of(LANES_MAX) + 3 * LANES_MAX;
        let steps = sequences.steps.next_multiple_of(TILE);
        let sizes = [
            shape.head_width * turned,
            shape.head_width * turned,
            keys * width,
            keys * width,
            steps * width,
            steps * width,
            keys * width,
            keys * width,
            TILE * scores,
            TILE * scores,
        ];
        let (mut at, mut len) = ([0; 10], 0);
        for (at, size) in at.iter_mut().zip(sizes) {
            *at = len;
            len += size;
        }
        Self { width, keys, turned, scores, at, len }
    }
}

/// Steps of the past that a head's first step sees.
fn past_seen(head: Head, sequences: Sequences) -> usize {
    if sequences.past < head.window - 1 { sequences.past } else { head.window - 1 }
}

/// One head in one sequence.
struct Job<'a> {
    given: Given<'a>,
    sequences: Sequences,
    sequence: usize,
    number: usize,
    head: Head,
    /// Channels of a head, and of all heads.
    width: usize,
    all: usize,
    /// width^-½
    scale: f32,
    layout: Layout,
}

impl Job<'_> {
    /// Steps of the past that are seen.
    fn seen(&self) -> usize {
        past_seen(self.head, self.sequences)
    }

    /// q, k, v or γ of a step.
    fn part(&self, step: usize, which: usize) -> &[f32] {
        let row = (self.sequence * self.sequences.steps + step) * 4 * self.all;
        &self.given.projected[row + which * self.all + self.number * self.width..][..self.width]
    }

    /// Key (0) or value (1) by its number: those of the past come first.
    fn key(&self, number: usize, which: usize) -> &[f32] {
        let seen = self.seen();
        if number >= seen {
            return self.part(number - seen, 1 + which);
        }
        let row = (self.sequence + 1) * self.sequences.past - seen + number;
        &self.given.past[(row * 3 + which) * self.all + self.number * self.width..][..self.width]
    }

    /// The oldest key that a step sees, and its own.
    fn window(&self, step: usize) -> (usize, usize) {
        let own = self.seen() + step;
        (if own >= self.head.window { own + 1 - self.head.window } else { 0 }, own)
    }

    /// The step's row among all.
    fn row(&self, step: usize) -> usize {
        self.sequence * self.sequences.steps + step
    }
}

/// Where a head's results go.
struct Outputs<'a> {
    a: &'a SharedRows<'a>,
    statistics: &'a SharedRows<'a>,
}

impl Outputs<'_> {
    /// # Safety
    /// The step is one of the job, which is this part's.
    unsafe fn store(&self, job: &Job<'_>, step: usize, a: &[f32], statistics: [f32; STATISTICS]) {
        let (row, first) = (job.row(step), job.number * job.width);
        // SAFETY: the caller's promise.
        unsafe {
            self.a.columns(row, first..first + job.width).copy_from_slice(&a[..job.width]);
            let at = STATISTICS * job.number;
            self.statistics.columns(row, at..at + STATISTICS).copy_from_slice(&statistics);
        }
    }
}

/// Where the gradients come from and go to.
struct Gradients<'a> {
    statistics: ReadRows<'a>,
    gradient: ReadRows<'a>,
    dprojected: &'a SharedRows<'a>,
}

impl Gradients<'_> {
    fn statistics(&self, job: &Job<'_>, step: usize) -> (f32, f32) {
        let row = &self.statistics.row(job.row(step))[STATISTICS * job.number..];
        (row[0], row[1])
    }

    fn gradient(&self, job: &Job<'_>, step: usize) -> &[f32] {
        &self.gradient.row(job.row(step))[job.number * job.width..][..job.width]
    }

    /// dq, dk or dv of a step.
    ///
    /// # Safety
    /// The step is one of the job, which is this part's.
    #[allow(clippy::mut_from_ref)] // rows of several threads
    unsafe fn to(&self, job: &Job<'_>, step: usize, which: usize) -> &mut [f32] {
        let first = which * job.all + job.number * job.width;
        // SAFETY: the caller's promise.
        unsafe { self.dprojected.columns(job.row(step), first..first + job.width) }
    }
}

at_level! {
    /// a and statistics of one head in one sequence.
    fn head_forward(job: &Job<'_>, outputs: &Outputs<'_>, scratch: &mut Buffer)
        = forward_plain, forward_vector
}
at_level! {
    /// dq, dk and dv of one head in one sequence.
    fn head_backward(job: &Job<'_>, gradients: &Gradients<'_>, scratch: &mut Buffer)
        = backward_plain, backward_vector
}

/// Checks shapes and calls `work` for each head of each sequence, on all threads.
fn each_head(
    cpu: &Cpu,
    shape: &MixerShape,
    given: Given<'_>,
    sequences: Sequences,
    products: usize,
    work: impl Fn(crate::cpu::CpuLevel, &Job<'_>) + Sync,
) {
    let (all, heads) = (shape.width(), shape.heads.len());
    assert!(Rows::dense(4 * all).fit(sequences.rows(), 4 * all, given.projected.len()));
    assert!(Rows::dense(3 * all).fit(sequences.count * sequences.past, 3 * all, given.past.len()));
    let seen: usize = shape.heads.iter().map(|head| head.window * shape.head_width).sum();
    cpu.parts(sequences.rows() * seen * products, |level, part, parts| {
        // Heads with long windows are last, and each part has some of all kinds.
        for item in (part..sequences.count * heads).step_by(parts) {
            let (sequence, number) = (item / heads, item % heads);
            let head = shape.heads[number];
            let job = Job {
                given,
                sequences,
                sequence,
                number,
                head,
                width: shape.head_width,
                all,
                scale: 1.0 / (shape.head_width as f32).sqrt(),
                layout: Layout::new(shape, head, sequences),
            };
            work(level, &job);
        }
    });
}

/// `a`, `[rows][width]`, and `statistics`, `[rows][heads][2]`.
///
/// # Panics
/// When the buffers are too short.
pub fn forward(
    cpu: &Cpu,
    shape: &MixerShape,
    given: Given<'_>,
    sequences: Sequences,
    (a, statistics): (&mut Buffer, &mut Buffer),
    scratch: &Scratch,
) {
    let (all, pairs, rows) = (shape.width(), STATISTICS * shape.heads.len(), sequences.rows());
    let a = SharedRows::new((a, Rows::dense(all)), rows, all);
    let statistics = SharedRows::new((statistics, Rows::dense(pairs)), rows, pairs);
    let outputs = Outputs { a: &a, statistics: &statistics };
    each_head(cpu, shape, given, sequences, 2, |level, job| {
        // SAFETY: the level is this machine's, and the head in this sequence this part's.
        scratch.with(|scratch| unsafe { head_forward(level, job, &outputs, scratch) });
    });
}

/// dq, dk and dv of dL/da, `gradient`, in the first three quarters of `dprojected`, `[rows][4 · width]`.
///
/// # Panics
/// When the buffers are too short.
pub fn backward(
    cpu: &Cpu,
    shape: &MixerShape,
    given: Given<'_>,
    sequences: Sequences,
    (statistics, gradient): (&Buffer, &Buffer),
    dprojected: &mut Buffer,
    scratch: &Scratch,
) {
    let (all, pairs, rows) = (shape.width(), STATISTICS * shape.heads.len(), sequences.rows());
    let dprojected = SharedRows::new((dprojected, Rows::dense(4 * all)), rows, 4 * all);
    let gradients = Gradients {
        statistics: ReadRows::new((statistics, Rows::dense(pairs)), rows, pairs),
        gradient: ReadRows::new((gradient, Rows::dense(all)), rows, all),
        dprojected: &dprojected,
    };
    each_head(cpu, shape, given, sequences, 5, |level, job| {
        // SAFETY: as in `forward`.
        scratch.with(|scratch| unsafe { head_backward(level, job, &gradients, scratch) });
    });
}
