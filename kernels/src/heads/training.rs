//! From the gradient of the outputs to that of the heads' sums: **Exact**.
//!
//! Rows are those of [`heads`](super). Logits and value pass through; dρ = dσ̂·σ(ρ) for a volatility,
//! (ds·s)·(1 - s) for the scale s; impact likewise di·σ(impact). Of each member and horizon, of gradients
//! G05 … G95: dc = (((G05 + G25) + G50) + G75) + G95, du₁ = (G75 + G95)·σ(u₁), du₂ = G95·σ(u₂),
//! dd₁ = -(G25 + G05)·σ(d₁), dd₂ = -G05·σ(d₂). The mean is made of the members, whose gradient is all there
//! is; disagreement has none.

use super::{ACTIONS, HeadShape, QUANTILES};
use crate::backend::Cpu;
#[cfg(target_arch = "x86_64")]
use crate::lanes::Lanes;
use crate::lanes::at_level;
use crate::scalar::f32::sigmoid;
use crate::share::{ReadRows, SharedRows, by_rows};
use crate::tensor::{Buffer, Rows};

/// One row; every level runs it, with its own fused multiply-add.
#[inline(always)]
fn plain(shape: HeadShape, raw: &[f32], outputs: &[f32], gradient: &[f32], draw: &mut [f32]) {
    let horizons = shape.horizons;
    draw[..=ACTIONS].copy_from_slice(&gradient[..=ACTIONS]);
    let risk = shape.raw_risk();
    for horizon in 0..horizons {
        draw[risk + horizon] = gradient[shape.volatility() + horizon] * sigmoid(raw[risk + horizon]);
    }
    let scale = outputs[shape.scale()];
    draw[risk + horizons] = (gradient[shape.scale()] * scale) * (1.0 - scale);
    draw[shape.raw_impact()] = gradient[shape.scale() + 1] * sigmoid(raw[shape.raw_impact()]);
    let (raw, _) = raw[shape.raw_quantiles()..].as_chunks::<QUANTILES>();
    let (gradient, _) = gradient[shape.quantiles()..].as_chunks::<QUANTILES>();
    let (draw, _) = draw[shape.raw_quantiles()..].as_chunks_mut::<QUANTILES>();
    for ((draw, raw), [g05, g25, g50, g75, g95]) in draw.iter_mut().zip(raw).zip(gradient) {
        let [_, up, far_up, down, far_down] = raw.map(sigmoid);
        *draw = [
            (((g05 + g25) + g50) + g75) + g95,
            (g75 + g95) * up,
            g95 * far_up,
            -(g25 + g05) * down,
            -g05 * far_down,
        ];
    }
}

/// # Safety
/// None of its own: the level's instructions are in the wrapper.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
#[allow(clippy::extra_unused_type_parameters)]
unsafe fn vector<V: Lanes>(
    shape: HeadShape,
    raw: &[f32],
    outputs: &[f32],
    gradient: &[f32],
    draw: &mut [f32],
) {
    plain(shape, raw, outputs, gradient, draw);
}

at_level! {
    /// The gradient of one row of sums.
    fn row_backward(shape: HeadShape, raw: &[f32], outputs: &[f32], gradient: &[f32], draw: &mut [f32])
        = plain, vector
}

/// The gradient of `rows` rows of sums, of the gradient of their outputs; all dense.
///
/// # Panics
/// When a buffer is too short.
pub fn backward(
    cpu: &Cpu,
    shape: HeadShape,
    (raw, outputs): (&Buffer, &Buffer),
    gradient: &Buffer,
    draw: &mut Buffer,
    rows: usize,
) {
    let (from, to) = (shape.raw_width(), shape.width());
    let raw = ReadRows::new((raw, Rows::dense(from)), rows, from);
    let outputs = ReadRows::new((outputs, Rows::dense(to)), rows, to);
    let gradient = ReadRows::new((gradient, Rows::dense(to)), rows, to);
    let draw = SharedRows::new((draw, Rows::dense(from)), rows, from);
    by_rows(cpu, rows, 16 * from, |level, rows| {
        for row in rows {
            // SAFETY: the level is this machine's, and the row this part's.
            unsafe {
                row_backward(level, shape, raw.row(row), outputs.row(row), gradient.row(row), draw.row(row))
            };
        }
    });
}
