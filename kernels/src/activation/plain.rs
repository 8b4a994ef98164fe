//! The truth, value by value.

use crate::scalar::f32::sigmoid;

/// The derivative of x·σ(x), of x and s = σ(x).
#[inline(always)]
fn slope(x: f32, s: f32) -> f32 {
    s * x.mul_add(1.0 - s, 1.0)
}

pub(super) fn silu_plain(x: &[f32], y: &mut [f32]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y = x * sigmoid(*x);
    }
}

pub(super) fn silu_backward_plain(x: &[f32], gradient: &[f32], dx: &mut [f32]) {
    for ((dx, x), gradient) in dx.iter_mut().zip(x).zip(gradient) {
        *dx = gradient * slope(*x, sigmoid(*x));
    }
}

pub(super) fn product_plain(x: &[f32], y: &mut [f32]) {
    let (alpha, beta) = x.split_at(y.len());
    for ((y, alpha), beta) in y.iter_mut().zip(alpha).zip(beta) {
        *y = (alpha * sigmoid(*alpha)) * beta;
    }
}

pub(super) fn product_backward_plain(x: &[f32], gradient: &[f32], dx: &mut [f32]) {
    let (alpha, beta) = x.split_at(gradient.len());
    let (dalpha, dbeta) = dx.split_at_mut(gradient.len());
    for (at, gradient) in gradient.iter().enumerate() {
        let s = sigmoid(alpha[at]);
        dalpha[at] = (gradient * beta[at]) * slope(alpha[at], s);
        dbeta[at] = gradient * (alpha[at] * s);
    }
}
