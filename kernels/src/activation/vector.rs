//! The same in lanes.

use crate::lanes::{Lanes, sigmoid, silu};

/// s·fma(x, 1 - s, 1)
///
/// # Safety
/// The machine has the instructions of `V`.
#[inline(always)]
unsafe fn slope<V: Lanes>(x: V, s: V) -> V {
    // SAFETY: the caller's promise.
    unsafe {
        let one = V::splat(1.0);
        s.mul(x.fma(one.sub(s), one))
    }
}

/// How many lanes are left of `len` from `at` on.
#[inline(always)]
fn left<V: Lanes>(len: usize, at: usize) -> usize {
    if len - at < V::COUNT { len - at } else { V::COUNT }
}

/// # Safety
/// The machine has the instructions of `V`; both slices have one length.
#[inline(always)]
pub(super) unsafe fn silu_vector<V: Lanes>(x: &[f32], y: &mut [f32]) {
    for at in (0..y.len()).step_by(V::COUNT) {
        let count = left::<V>(y.len(), at);
        // SAFETY: `count` values are left; the caller promises the instructions.
        unsafe { silu(V::load_first(x.as_ptr().add(at), count)).store_first(y.as_mut_ptr().add(at), count) };
    }
}

/// # Safety
/// The machine has the instructions of `V`; all slices have one length.
#[inline(always)]
pub(super) unsafe fn silu_backward_vector<V: Lanes>(x: &[f32], gradient: &[f32], dx: &mut [f32]) {
    for at in (0..dx.len()).step_by(V::COUNT) {
        let count = left::<V>(dx.len(), at);
        // SAFETY: as above.
        unsafe {
            let x = V::load_first(x.as_ptr().add(at), count);
            let gradient = V::load_first(gradient.as_ptr().add(at), count);
            gradient.mul(slope(x, sigmoid(x))).store_first(dx.as_mut_ptr().add(at), count);
        }
    }
}

/// # Safety
/// The machine has the instructions of `V`; x is twice as long as y.
#[inline(always)]
pub(super) unsafe fn product_vector<V: Lanes>(x: &[f32], y: &mut [f32]) {
    let width = y.len();
    for at in (0..width).step_by(V::COUNT) {
        let count = left::<V>(width, at);
        // SAFETY: as above; β lies `width` behind α.
        unsafe {
            let alpha = V::load_first(x.as_ptr().add(at), count);
            let beta = V::load_first(x.as_ptr().add(width + at), count);
            silu(alpha).mul(beta).store_first(y.as_mut_ptr().add(at), count);
        }
    }
}

/// # Safety
/// The machine has the instructions of `V`; x and dx are twice as long as the gradient.
#[inline(always)]
pub(super) unsafe fn product_backward_vector<V: Lanes>(x: &[f32], gradient: &[f32], dx: &mut [f32]) {
    let width = gradient.len();
    for at in (0..width).step_by(V::COUNT) {
        let count = left::<V>(width, at);
        // SAFETY: as above; β lies `width` behind α, and so do their gradients.
        unsafe {
            let alpha = V::load_first(x.as_ptr().add(at), count);
            let beta = V::load_first(x.as_ptr().add(width + at), count);
            let gradient = V::load_first(gradient.as_ptr().add(at), count);
            let s = sigmoid(alpha);
            gradient.mul(beta).mul(slope(alpha, s)).store_first(dx.as_mut_ptr().add(at), count);
            gradient.mul(alpha.mul(s)).store_first(dx.as_mut_ptr().add(width + at), count);
        }
    }
}
