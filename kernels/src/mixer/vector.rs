//! Scores in lanes over keys, sums in lanes over channels.

use std::mem::MaybeUninit;

use super::{Glance, LANES_MAX, Segment, TAPS, WINDOW_MAX};
use crate::lanes::{Lanes, exp, sigmoid, silu};

/// A cache line, in bytes.
const LINE: usize = 64;
/// Room for a window's scores and for two vectors behind them.
const ROOM: usize = WINDOW_MAX + 2 * LANES_MAX;

#[repr(align(64))]
struct Scores(MaybeUninit<[f32; ROOM]>);

/// # Safety
/// The machine has the instructions of `V`; the glance's pointers are good, and so are 16 floats behind each
/// row of keys and values.
#[inline(always)]
pub(super) unsafe fn vector<V: Lanes>(glance: &Glance<'_>) {
    let (mut products, mut scores) = (Scores(MaybeUninit::uninit()), Scores(MaybeUninit::uninit()));
    let products: *mut f32 = products.0.as_mut_ptr().cast();
    let scores: *mut f32 = scores.0.as_mut_ptr().cast();
    let [older, newer] = &glance.segments;
    let total = older.len + newer.len;
    // SAFETY: a window's scores fit, and two vectors behind them; channels are the head's.
    unsafe {
        products_of::<V>(glance, products);
        score::<V>(glance, older, total, products, scores);
        score::<V>(glance, newer, total - older.len, products, scores.add(older.len));
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

/// q·k of all keys, in the order of memory. Sixteen vectors at once where there are registers for them: of a
/// window of 256 keys a channel's row is then read from end to end.
///
/// # Safety
/// As `vector`.
#[inline(always)]
unsafe fn products_of<V: Lanes>(glance: &Glance<'_>, products: *mut f32) {
    let vectors = glance.keys.len.div_ceil(V::COUNT);
    let mut vector = 0;
    // SAFETY: the caller's promise. Whole vectors behind the last key are multiplied too and mean nothing;
    // those behind them, which scoring may read, are zeros.
    unsafe {
        while vector < vectors {
            let at = vector * V::COUNT;
            vector += match (V::COUNT, vectors - vector) {
                (LANES_MAX, 16..) => dots::<V, 16>(glance, at, products),
                (_, 8..) => dots::<V, 8>(glance, at, products),
                (_, 4..) => dots::<V, 4>(glance, at, products),
                _ => dots::<V, 1>(glance, at, products),
            };
        }
        V::splat(0.0).store(products.add(vectors * V::COUNT));
    }
}

/// s_j of a segment's keys; the first is `distance_end - 1` steps away.
///
/// # Safety
/// As `vector`.
#[inline(always)]
unsafe fn score<V: Lanes>(
    glance: &Glance<'_>,
    segment: &Segment,
    distance_end: usize,
    products: *const f32,
    scores: *mut f32,
) {
    // SAFETY: the caller's promise. Whole vectors behind the last key are scored too and mean nothing.
    unsafe {
        let (scale, slope, iota) = (V::splat(glance.scale), V::splat(glance.slope), V::iota());
        let products = products.add(segment.first);
        for at in (0..segment.len).step_by(V::COUNT) {
            let farthest = distance_end as f32 - 1.0 - at as f32;
            let bias = slope.mul(V::splat(farthest).sub(iota));
            V::load(products.add(at)).mul(scale).sub(bias).store(scores.add(at));
        }
    }
}

/// q·k of `VECTORS` vectors of keys; how many.
///
/// # Safety
/// As `vector`.
#[inline(always)]
unsafe fn dots<V: Lanes, const VECTORS: usize>(glance: &Glance<'_>, at: usize, products: *mut f32) -> usize {
    // SAFETY: the caller's promise; a row of keys may be read to its stride, and a vector beyond the last.
    unsafe {
        let mut dots = [V::splat(0.0); VECTORS];
        let mut keys = glance.keys.start.add(at);
        for channel in 0..glance.width {
            let query = V::splat(*glance.query.add(channel));
            if glance.ahead != 0 {
                let next = keys.cast::<u8>().wrapping_offset(glance.ahead);
                for line in 0..(VECTORS * V::COUNT * size_of::<f32>()).div_ceil(LINE) {
                    V::prefetch(next.wrapping_add(line * LINE));
                }
            }
            for (vector, dot) in dots.iter_mut().enumerate() {
                *dot = query.fma(V::load(keys.add(vector * V::COUNT)), *dot);
            }
            keys = keys.wrapping_add(glance.keys.stride);
        }
        for (vector, dot) in dots.iter().enumerate() {
            dot.store(products.add(at + vector * V::COUNT));
        }
    }
    VECTORS
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
                if glance.ahead != 0 {
                    let next = values.cast::<u8>().wrapping_offset(glance.ahead);
                    for line in 0..(VECTORS * V::COUNT * size_of::<f32>()).div_ceil(LINE) {
                        V::prefetch(next.wrapping_add(line * LINE));
                    }
                }
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
