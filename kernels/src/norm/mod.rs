//! Root mean square norm: **Exact**. v = Σ x² / width, r = 1/√(v + 1e-5), y = (x·r)·g.
//!
//! The sum is one chain of fma from 0, ascending; then one division, one addition, one root, one division.

mod plain;
pub mod training;
#[cfg(target_arch = "x86_64")]
mod vector;

use crate::backend::Cpu;
use crate::lanes::at_level;
use crate::tensor::{Buffer, Rows};
use plain::plain;
#[cfg(target_arch = "x86_64")]
use vector::vector;

/// What keeps a row of zeros from a division by zero.
pub(crate) const EPSILON: f32 = 1e-5;

at_level! {
    /// The norm of one row.
    fn norm(gain: &[f32], x: &[f32], y: &mut [f32]) = plain, vector
}

/// The norm of `rows` rows.
///
/// # Panics
/// When the rows do not fit their buffers.
pub(crate) fn apply(
    cpu: &Cpu,
    gain: &[f32],
    (x, x_rows): (&Buffer, Rows),
    (y, y_rows): (&mut Buffer, Rows),
    rows: usize,
    width: usize,
) {
    assert!(gain.len() == width && x_rows.fit(rows, width, x.len()) && y_rows.fit(rows, width, y.len()));
    for row in 0..rows {
        let x = &x[x_rows.offset + row * x_rows.stride..][..width];
        let y = &mut y[y_rows.offset + row * y_rows.stride..][..width];
        // SAFETY: a `Cpu` has a level of this machine; all three have the same length.
        unsafe { norm(cpu.level(), gain, x, y) };
    }
}
