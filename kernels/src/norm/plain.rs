//! The truth, and the row's factor for every level.

use super::EPSILON;

/// r = 1/√(mean of squares + ε).
#[inline(always)]
pub(super) fn factor(x: &[f32]) -> f32 {
    let mut sum = 0.0f32;
    for x in x {
        sum = x.mul_add(*x, sum);
    }
    1.0 / (sum / x.len() as f32 + EPSILON).sqrt()
}

pub(super) fn plain(gain: &[f32], x: &[f32], y: &mut [f32]) {
    let factor = factor(x);
    for ((y, x), gain) in y.iter_mut().zip(x).zip(gain) {
        *y = (x * factor) * gain;
    }
}
