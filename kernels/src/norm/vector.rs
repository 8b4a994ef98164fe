//! The chain as it is, the products in lanes.

use super::plain::factor;
use crate::lanes::Lanes;

/// # Safety
/// The machine has the instructions of `V`, and the slices have one length.
#[inline(always)]
pub(super) unsafe fn vector<V: Lanes>(gain: &[f32], x: &[f32], y: &mut [f32]) {
    let factor = factor(x);
    // SAFETY: the caller's promise.
    unsafe {
        let factor = V::splat(factor);
        for at in (0..x.len()).step_by(V::COUNT) {
            let left = x.len() - at;
            let count = if left < V::COUNT { left } else { V::COUNT };
            let value = V::load_first(x.as_ptr().add(at), count).mul(factor);
            value.mul(V::load_first(gain.as_ptr().add(at), count)).store_first(y.as_mut_ptr().add(at), count);
        }
    }
}
