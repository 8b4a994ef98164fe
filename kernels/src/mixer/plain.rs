//! The truth: attention, convolution and fusion, one after the other.

use super::{Glance, Keys, Segment, TAPS, WINDOW_MAX};
use crate::scalar::f32::{exp, sigmoid};

impl Keys {
    /// A channel of a key.
    fn key(&self, at: usize, channel: usize) -> f32 {
        assert!(at < self.len);
        // SAFETY: `step` and `sequence` name keys that exist.
        unsafe { *self.start.add(channel * self.stride + at) }
    }
}

impl Segment {
    /// A channel of a value.
    fn value(&self, at: usize, channel: usize) -> f32 {
        assert!(at < self.len);
        // SAFETY: as for keys.
        unsafe { *self.values.add(at * self.value_stride + channel) }
    }
}

/// e_j of all keys, oldest first, and how many there are.
fn weights(glance: &Glance<'_>, query: &[f32]) -> ([f32; WINDOW_MAX], usize) {
    let total: usize = glance.segments.iter().map(|segment| segment.len).sum();
    let (mut scores, mut count) = ([0.0; WINDOW_MAX], 0);
    let mut largest = f32::NEG_INFINITY;
    for segment in &glance.segments {
        for at in 0..segment.len {
            let mut dot = 0.0f32;
            for (channel, query) in query.iter().enumerate() {
                dot = query.mul_add(glance.keys.key(segment.first + at, channel), dot);
            }
            let distance = (total - 1 - count) as f32;
            scores[count] = dot * glance.scale - glance.slope * distance;
            if scores[count] > largest {
                largest = scores[count];
            }
            count += 1;
        }
    }
    for score in &mut scores[..total] {
        *score = exp(*score - largest);
    }
    (scores, total)
}

/// a of one channel.
fn attention(glance: &Glance<'_>, weights: &[f32], channel: usize) -> f32 {
    let (mut total, mut sum, mut weights) = (0.0, 0.0f32, weights.iter());
    for segment in &glance.segments {
        for at in 0..segment.len {
            let weight = weights.next().expect("one for each key");
            total += weight;
            sum = weight.mul_add(segment.value(at, channel), sum);
        }
    }
    sum * (1.0 / total)
}

/// c of one channel.
fn convolution(glance: &Glance<'_>, channel: usize) -> f32 {
    let mut sum = glance.bias[channel];
    for tap in 0..TAPS {
        if let Some(row) = glance.history[tap] {
            // SAFETY: a row of u, and a row of taps, have this channel.
            let (weight, u) =
                unsafe { (*glance.taps.add(tap * glance.tap_stride + channel), *row.add(channel)) };
            sum = weight.mul_add(u, sum);
        }
    }
    sum * sigmoid(sum)
}

pub(super) fn plain(glance: &Glance<'_>) {
    // SAFETY: queries, gates and outputs of this head are `width` values each.
    let (query, gate, y) = unsafe {
        let row = |start| std::slice::from_raw_parts(start, glance.width);
        (row(glance.query), row(glance.gate), std::slice::from_raw_parts_mut(glance.y, glance.width))
    };
    let (weights, count) = weights(glance, query);
    for (channel, (y, gate)) in y.iter_mut().zip(gate).enumerate() {
        let a = attention(glance, &weights[..count], channel);
        let c = convolution(glance, channel);
        *y = sigmoid(*gate).mul_add(a - c, c);
    }
}
