//! Scores in lanes over keys, sums in lanes over channels.

use std::mem::MaybeUninit;

use super::{Glance, LANES_MAX, Segment, TAPS, WINDOW_MAX};
use crate::lanes::{Lanes, exp, sigmoid, silu};

/// Vectors of keys scored at once: enough chains to keep the multipliers busy.
const AT_ONCE: usize = 4;
/// Room for a window's scores and for a group of vectors behind them.
const ROOM: usize = WINDOW_MAX + AT_ONCE * LANES_MAX;

#[repr(align(64))]
struct Scores(MaybeUninit<[f32; ROOM]>);

/// # Safety
/// The machine has the instructions of `V`; the glance's pointers are good, and so are 16 floats behind each
/// row of keys and values.
#[inline(always)]
pub(super) unsafe fn vector<V: Lanes>(glance: &Glance<'_>) {
    let mut scores = Scores(MaybeUninit::uninit());
    let scores: *mut f32 = scores.0.as_mut_ptr().cast();
    let [older, newer] = &glance.segments;
    let total = older.len + newer.len;
    // SAFETY: a window's scores fit, and a group of vectors behind them; channels are the head's.
    unsafe {
        score::<V>(glance, older, total, scores);
        score::<V>(glance, newer, total - older.len, scores.add(older.len));
        weigh::<V>(scores, total);
        // 32 channels of a head at a time, as one vector or two of AVX-512, two or four of AVX2.
        let mut channel = 0;
        while channel < glance.width {
            let left = glance.width - channel;
            match (V::COUNT, left > LANES_MAX) {
                (16, false) => mix::<V, 1>(glance, scores, channel),
                (16, true) | (_, false) => mix::<V, 2>(glance, scores, channel),
                (_, true) => mix::<V, 4>(glance, scores, channel),
            }
            channel += if left > LANES_MAX { 2 * LANES_MAX } else { LANES_MAX };
        }
    }
}

/// s_j of a segment's keys; the first is `distance_end - 1` steps away.
///
/// # Safety
/// As `vector`.
#[inline(always)]
unsafe fn score<V: Lanes>(glance: &Glance<'_>, segment: &Segment, distance_end: usize, scores: *mut f32) {
    let mut at = 0;
    // SAFETY: the caller's promise. Whole vectors behind the last key are scored too and mean nothing.
    unsafe {
        let (scale, slope, iota) = (V::splat(glance.scale), V::splat(glance.slope), V::iota());
        while at < segment.len {
            let vectors = (segment.len - at).div_ceil(V::COUNT);
            if vectors >= AT_ONCE {
                dots::<V, AT_ONCE>(glance, segment, at, scores);
            } else {
                for vector in 0..vectors {
                    dots::<V, 1>(glance, segment, at + vector * V::COUNT, scores);
                }
            }
            for vector in 0..if vectors < AT_ONCE { vectors } else { AT_ONCE } {
                let first = at + vector * V::COUNT;
                let farthest = distance_end as f32 - 1.0 - first as f32;
                let bias = slope.mul(V::splat(farthest).sub(iota));
                V::load(scores.add(first)).mul(scale).sub(bias).store(scores.add(first));
            }
            at += AT_ONCE * V::COUNT;
        }
    }
}

/// q·k of `VECTORS` vectors of keys.
///
/// # Safety
/// As `vector`.
#[inline(always)]
unsafe fn dots<V: Lanes, const VECTORS: usize>(
    glance: &Glance<'_>,
    segment: &Segment,
    at: usize,
    scores: *mut f32,
) {
    // SAFETY: the caller's promise; a row of keys may be read to its stride, and a vector beyond the last.
    unsafe {
        let mut dots = [V::splat(0.0); VECTORS];
        let mut keys = segment.keys.add(at);
        for channel in 0..glance.width {
            let query = V::splat(*glance.query.add(channel));
            for (vector, dot) in dots.iter_mut().enumerate() {
                *dot = query.fma(V::load(keys.add(vector * V::COUNT)), *dot);
            }
            keys = keys.wrapping_add(segment.key_stride);
        }
        for (vector, dot) in dots.iter().enumerate() {
            dot.store(scores.add(at + vector * V::COUNT));
        }
    }
}

/// Scores become e_j; behind them zeros follow to the end of a vector.
///
/// # Safety
/// As `vector`.
#[inline(always)]
unsafe fn weigh<V: Lanes>(scores: *mut f32, total: usize) {
    // SAFETY: there is room for a vector behind the last score.
    unsafe {
        V::splat(f32::NEG_INFINITY).store(scores.add(total));
        let mut largest = V::splat(f32::NEG_INFINITY);
        for at in (0..total).step_by(V::COUNT) {
            largest = largest.larger(V::load(scores.add(at)));
        }
        let mut each = [f32::NEG_INFINITY; LANES_MAX];
        largest.store(each.as_mut_ptr());
        let mut most = f32::NEG_INFINITY;
        for score in each {
            if score > most {
                most = score;
            }
        }
        let most = V::splat(most);
        for at in (0..total).step_by(V::COUNT) {
            exp(V::load(scores.add(at)).sub(most)).store(scores.add(at));
        }
    }
}

/// Attention, convolution and fusion of `VECTORS` vectors of channels from `channel` on.
///
/// # Safety
/// As `vector`.
#[inline(always)]
unsafe fn mix<V: Lanes, const VECTORS: usize>(glance: &Glance<'_>, scores: *const f32, channel: usize) {
    // SAFETY: the caller's promise; lanes behind the head's last channel are read but not written.
    unsafe {
        let (mut sum, mut sums) = (0.0f32, [V::splat(0.0); VECTORS]);
        let mut weight = scores;
        for segment in &glance.segments {
            let mut values = segment.values.wrapping_add(channel);
            for _ in 0..segment.len {
                sum += *weight;
                let share = V::splat(*weight);
                for (vector, sum) in sums.iter_mut().enumerate() {
                    *sum = share.fma(V::load(values.add(vector * V::COUNT)), *sum);
                }
                weight = weight.add(1);
                values = values.wrapping_add(segment.value_stride);
            }
        }
        let share = V::splat(1.0 / sum);
        for (vector, sum) in sums.iter().enumerate() {
            let first = channel + vector * V::COUNT;
            if first >= glance.width {
                break;
            }
            let left = glance.width - first;
            let count = if left < V::COUNT { left } else { V::COUNT };
            let mut c = V::load_first(glance.bias.as_ptr().add(first), count);
            for tap in 0..TAPS {
                if let Some(row) = glance.history[tap] {
                    let weight = V::load_first(glance.taps.add(tap * glance.tap_stride + first), count);
                    c = weight.fma(V::load_first(row.add(first), count), c);
                }
            }
            let c = silu(c);
            let gate = sigmoid(V::load_first(glance.gate.add(first), count));
            let y = gate.fma(sum.mul(share).sub(c), c);
            y.store_first(glance.y.add(first), count);
        }
    }
}
