//! The gradient of the phases: **Exact**. Of a row \[sines, cosines\] and its gradient,
//! dp = 2π·fma(-G_cos, sine, G_sin·cosine).
//!
//! Rounding to whole turns has no slope, so dφ = Σ dp and dΩ = Σ stamp·dp over rows: the gradient of a matrix
//! of stamps, [`Products::weight_gradient`](crate::linear::products::Products::weight_gradient).

use crate::backend::Cpu;
#[cfg(target_arch = "x86_64")]
use crate::lanes::Lanes;
use crate::lanes::at_level;
use crate::share::{ReadRows, SharedRows, by_rows};
use crate::tensor::{Buffer, Rows};

/// 2π
const TURN: f32 = std::f32::consts::TAU;

/// One row; every level runs it, with its own fused multiply-add.
#[inline(always)]
fn plain(features: &[f32], gradient: &[f32], dphase: &mut [f32]) {
    let count = dphase.len();
    for (at, dphase) in dphase.iter_mut().enumerate() {
        let (sine, cosine) = (features[at], features[count + at]);
        *dphase = TURN * (-gradient[count + at]).mul_add(sine, gradient[at] * cosine);
    }
}

/// # Safety
/// None of its own: the level's instructions are in the wrapper.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
#[allow(clippy::extra_unused_type_parameters)]
unsafe fn vector<V: Lanes>(features: &[f32], gradient: &[f32], dphase: &mut [f32]) {
    plain(features, gradient, dphase);
}

at_level! {
    /// dp of one row.
    fn row_backward(features: &[f32], gradient: &[f32], dphase: &mut [f32]) = plain, vector
}

/// dp, `[rows][count]`, of rows \[sines, cosines\] and their gradient.
///
/// # Panics
/// When rows do not fit.
pub fn backward(
    cpu: &Cpu,
    features: (&Buffer, Rows),
    gradient: (&Buffer, Rows),
    dphases: &mut Buffer,
    rows: usize,
    count: usize,
) {
    let features = ReadRows::new((features.0, features.1), rows, 2 * count);
    let gradient = ReadRows::new((gradient.0, gradient.1), rows, 2 * count);
    let dphases = SharedRows::new((dphases, Rows::dense(count)), rows, count);
    by_rows(cpu, rows, 4 * count, |level, rows| {
        for row in rows {
            // SAFETY: the level is this machine's, and the row this part's.
            unsafe { row_backward(level, features.row(row), gradient.row(row), dphases.row(row)) };
        }
    });
}
