//! Eight steps at a time, and what both passes do with them: scores in lanes over keys, sums in lanes over
//! channels.

use std::ops::Range;

use super::{Job, Layout, TILE};
use crate::lanes::{LANES_MAX, Lanes};

/// Eight steps, and the keys that any of them sees.
pub(super) struct Tile<'a> {
    pub(super) job: &'a Job<'a>,
    pub(super) first: usize,
    /// Steps that exist; the others are computed and thrown away.
    pub(super) steps: usize,
    /// The oldest key of all, and the one behind the newest.
    pub(super) keys: Range<usize>,
    /// For each step, its keys, counted from the oldest of all.
    pub(super) windows: [(usize, usize); TILE],
    /// Keys that all existing steps see, counted likewise; may be none.
    pub(super) common: Range<usize>,
}

impl<'a> Tile<'a> {
    pub(super) fn new(job: &'a Job<'a>, first: usize) -> Self {
        let left = job.sequences.steps - first;
        let steps = if left < TILE { left } else { TILE };
        let (oldest, newest) = (job.window(first).0, job.window(first + steps - 1).1);
        let mut windows = [(1, 0); TILE];
        for (number, window) in windows[..steps].iter_mut().enumerate() {
            let (from, own) = job.window(first + number);
            *window = (from - oldest, own - oldest);
        }
        let (from, to) = (windows[steps - 1].0, windows[0].1 + 1);
        let common = if from < to { from..to } else { 0..0 };
        Self { job, first, steps, keys: oldest..newest + 1, windows, common }
    }

    /// How many keys any step sees.
    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    /// The keys before and behind those that all steps see.
    pub(super) fn edges(&self) -> [Range<usize>; 2] {
        if self.common.is_empty() {
            [0..self.len(), 0..0]
        } else {
            [0..self.common.start, self.common.end..self.len()]
        }
    }

    /// Whether a step sees a key.
    #[inline(always)]
    pub(super) fn sees(&self, step: usize, key: usize) -> bool {
        self.windows[step].0 <= key && key <= self.windows[step].1
    }
}

/// The parts of the scratch memory.
pub(super) struct Parts {
    pub(super) layout: Layout,
    pub(super) start: *mut f32,
}

impl Parts {
    pub(super) fn at(&self, which: usize) -> *mut f32 {
        // SAFETY: the layout's parts lie within the scratch memory.
        unsafe { self.start.add(self.layout.at[which]) }
    }

    pub(super) fn turned(&self, which: usize) -> *const f32 {
        self.at(which)
    }

    pub(super) fn row(&self, which: usize, row: usize) -> *mut f32 {
        // SAFETY: as above.
        unsafe { self.at(which).add(row * self.layout.width) }
    }

    pub(super) fn scores(&self, which: usize, step: usize) -> *mut f32 {
        // SAFETY: as above.
        unsafe { self.at(8 + which).add(step * self.layout.scores) }
    }
}

pub(super) const TURNED_KEYS: usize = 0;
pub(super) const TURNED_VALUES: usize = 1;
pub(super) const KEYS: usize = 2;
pub(super) const VALUES: usize = 3;
pub(super) const QUERIES: usize = 4;
pub(super) const GRADIENTS: usize = 5;
pub(super) const DKEYS: usize = 6;
pub(super) const DVALUES: usize = 7;

/// Brings keys, values and queries into the scratch memory: rows in whole vectors, and turned.
///
/// # Safety
/// The scratch memory is as long as the layout says.
pub(super) unsafe fn gather(job: &Job<'_>, parts: &Parts, backward: bool) {
    let layout = parts.layout;
    // SAFETY: places are those of the layout.
    unsafe {
        let copy = |values: &[f32], to: *mut f32| {
            values.as_ptr().copy_to_nonoverlapping(to, values.len());
            to.add(values.len()).write_bytes(0, layout.width - values.len());
        };
        for key in 0..layout.keys {
            for (which, rows, turned) in [(0, KEYS, TURNED_KEYS), (1, VALUES, TURNED_VALUES)] {
                let values = job.key(key, which);
                // Forward needs turned keys and values, backward all but neither.
                if backward || which == 1 {
                    copy(values, parts.row(rows, key));
                }
                if backward || which == 0 {
                    for (channel, value) in values.iter().enumerate() {
                        *parts.at(turned).add(channel * layout.turned + key) = *value;
                    }
                }
            }
        }
        for channel in 0..job.width {
            for turned in [TURNED_KEYS, TURNED_VALUES] {
                let end = parts.at(turned).add(channel * layout.turned + layout.keys);
                end.write_bytes(0, layout.turned - layout.keys);
            }
        }
        for step in 0..job.sequences.steps {
            copy(job.part(step, 0), parts.row(QUERIES, step));
        }
        for step in job.sequences.steps..job.sequences.steps.next_multiple_of(TILE) {
            parts.row(QUERIES, step).write_bytes(0, layout.width);
            parts.row(GRADIENTS, step).write_bytes(0, layout.width);
        }
    }
}

/// scores\[step\]\[key\] = a chain over channels of x\[step\]·turned\[key\], for all steps and keys of the
/// tile.
///
/// # Safety
/// The machine has the instructions of `V`; the parts are those of the tile's job.
#[inline(always)]
pub(super) unsafe fn dots<V: Lanes, const VECTORS: usize>(
    tile: &Tile<'_>,
    parts: &Parts,
    rows: usize,
    turned: usize,
    scores: usize,
) {
    let (width, stride, row) = (tile.job.width, parts.layout.turned, parts.layout.width);
    let mut at = 0;
    // SAFETY: turned keys are padded with three vectors, and so are scores.
    unsafe {
        while at < tile.len() {
            let mut sums = [[V::splat(0.0); VECTORS]; TILE];
            let mut keys = parts.turned(turned).add(tile.keys.start + at);
            let mut x = parts.row(rows, tile.first).cast_const();
            for _ in 0..width {
                let mut vectors = [V::splat(0.0); VECTORS];
                for (vector, keys_here) in vectors.iter_mut().enumerate() {
                    *keys_here = V::load(keys.add(vector * V::COUNT));
                }
                for (step, sums) in sums.iter_mut().enumerate() {
                    let x = V::splat(*x.add(step * row));
                    for (sum, vector) in sums.iter_mut().zip(&vectors) {
                        *sum = x.fma(*vector, *sum);
                    }
                }
                keys = keys.wrapping_add(stride);
                x = x.wrapping_add(1);
            }
            for (step, sums) in sums.iter().enumerate() {
                for (vector, sum) in sums.iter().enumerate() {
                    sum.store(parts.scores(scores, step).add(at + vector * V::COUNT));
                }
            }
            at += VECTORS * V::COUNT;
        }
    }
}

/// Dots of queries and keys become scores: times width^-½, minus slope times distance.
///
/// # Safety
/// As `dots`.
#[inline(always)]
pub(super) unsafe fn bias<V: Lanes>(tile: &Tile<'_>, parts: &Parts, step: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        let scores = parts.scores(0, step);
        let (scale, slope, iota) = (V::splat(tile.job.scale), V::splat(tile.job.head.slope), V::iota());
        for at in (0..tile.len()).step_by(V::COUNT) {
            let farthest = tile.windows[step].1 as f32 - at as f32;
            let off = slope.mul(V::splat(farthest).sub(iota));
            V::load(scores.add(at)).mul(scale).sub(off).store(scores.add(at));
        }
    }
}

/// sums\[step\]\[channel\] = a chain over the keys that the step sees, oldest first, of weight·row.
///
/// # Safety
/// As `dots`; `to` has room for the steps' rows in whole vectors.
#[inline(always)]
pub(super) unsafe fn mix<V: Lanes, const VECTORS: usize>(
    tile: &Tile<'_>,
    parts: &Parts,
    weights: usize,
    rows: usize,
    to: &mut [[f32; CHANNELS]; TILE],
    channel: usize,
) {
    // SAFETY: rows are padded to whole vectors of 16; the caller's promise.
    unsafe {
        let mut sums = [[V::splat(0.0); VECTORS]; TILE];
        let row = |key: usize| parts.row(rows, tile.keys.start + key).add(channel).cast_const();
        let weights = parts.scores(weights, 0).cast_const();
        let stride = parts.layout.scores;
        let [before, behind] = tile.edges();
        let edge = |keys: Range<usize>, sums: &mut [[V; VECTORS]; TILE]| {
            for key in keys {
                let row = row(key);
                for (step, sums) in sums.iter_mut().enumerate() {
                    if tile.sees(step, key) {
                        let weight = V::splat(*weights.add(step * stride + key));
                        for (vector, sum) in sums.iter_mut().enumerate() {
                            *sum = weight.fma(V::load(row.add(vector * V::COUNT)), *sum);
                        }
                    }
                }
            }
        };
        edge(before, &mut sums);
        for key in tile.common.clone() {
            let row = row(key);
            let mut vectors = [V::splat(0.0); VECTORS];
            for (vector, values) in vectors.iter_mut().enumerate() {
                *values = V::load(row.add(vector * V::COUNT));
            }
            for (step, sums) in sums.iter_mut().enumerate() {
                let weight = V::splat(*weights.add(step * stride + key));
                for (sum, vector) in sums.iter_mut().zip(&vectors) {
                    *sum = weight.fma(*vector, *sum);
                }
            }
        }
        edge(behind, &mut sums);
        for (to, sums) in to.iter_mut().zip(&sums) {
            for (vector, sum) in sums.iter().enumerate() {
                sum.store(to.as_mut_ptr().add(vector * V::COUNT));
            }
        }
    }
}

/// The most channels that are mixed at once: two vectors of AVX-512, one of AVX2.
pub(super) const CHANNELS: usize = 2 * LANES_MAX;

/// `mix` of all channels; `each` gets step, first channel, and sums.
///
/// # Safety
/// As `mix`.
#[inline(always)]
pub(super) unsafe fn mix_all<V: Lanes>(
    tile: &Tile<'_>,
    parts: &Parts,
    weights: usize,
    rows: usize,
    mut each: impl FnMut(usize, usize, &[f32]),
) {
    let (width, mut channel) = (tile.job.width, 0);
    let mut sums = [[0.0f32; CHANNELS]; TILE];
    while channel < width {
        // SAFETY: the caller's promise.
        let done = unsafe {
            if V::COUNT == LANES_MAX && width - channel > LANES_MAX {
                mix::<V, 2>(tile, parts, weights, rows, &mut sums, channel);
                2 * V::COUNT
            } else {
                mix::<V, 1>(tile, parts, weights, rows, &mut sums, channel);
                V::COUNT
            }
        };
        let count = if width - channel < done { width - channel } else { done };
        for (step, sums) in sums[..tile.steps].iter().enumerate() {
            each(step, channel, &sums[..count]);
        }
        channel += done;
    }
}
