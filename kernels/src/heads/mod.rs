//! What the heads' sums become: quantiles that never cross, disagreement, volatility, position scale:
//! **Exact**.
//!
//! A row of the input is `[logits 3, value 1, ρ horizons + 1, impact 1, members × horizons × 5]`. Of each
//! member and horizon (c, u₁, u₂, d₁, d₂): q50 = c, q75 = q50 + sp(u₁), q95 = q75 + sp(u₂), q25 = q50 -
//! sp(d₁), q05 = q25 - sp(d₂). The mean over members is their sum, ascending, divided by their number;
//! disagreement is √(Σ(c - c̄)² / members), a chain of fma. Volatility is sp(ρ) + 1e-3, scale σ(last ρ),
//! impact sp(impact).
//!
//! A row of the output is `[logits 3, value 1, volatility horizons, scale 1, impact 1, mean horizons × 5,
//! disagreement horizons, quantiles members × horizons × 5]`.

pub mod training;

use crate::backend::Cpu;
#[cfg(target_arch = "x86_64")]
use crate::lanes::Lanes;
use crate::lanes::at_level;
use crate::scalar::f32::{sigmoid, softplus};
use crate::tensor::{Buffer, Rows};

/// Hold, buy, sell.
pub const ACTIONS: usize = 3;
/// 5 %, 25 %, 50 %, 75 %, 95 %.
pub const QUANTILES: usize = 5;
/// The least volatility.
const VOLATILITY_FLOOR: f32 = 1e-3;

/// How many members and horizons.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HeadShape {
    /// Members of the ensemble.
    pub members: usize,
    /// Horizons that are forecast.
    pub horizons: usize,
}

impl HeadShape {
    /// Columns of a row of sums.
    pub const fn raw_width(self) -> usize {
        self.raw_quantiles() + self.members * self.horizons * QUANTILES
    }

    /// The column of ρ in a row of sums.
    pub const fn raw_risk(self) -> usize {
        ACTIONS + 1
    }

    /// The column of the impact in a row of sums.
    pub const fn raw_impact(self) -> usize {
        self.raw_risk() + self.horizons + 1
    }

    /// The column of the members' sums in a row of sums.
    pub const fn raw_quantiles(self) -> usize {
        self.raw_impact() + 1
    }

    /// The column of volatility in a row of outputs.
    pub const fn volatility(self) -> usize {
        ACTIONS + 1
    }

    /// The column of the scale in a row of outputs; the impact follows it.
    pub const fn scale(self) -> usize {
        self.volatility() + self.horizons
    }

    /// The column of the mean quantiles in a row of outputs.
    pub const fn mean(self) -> usize {
        self.scale() + 2
    }

    /// The column of disagreement in a row of outputs.
    pub const fn disagreement(self) -> usize {
        self.mean() + self.horizons * QUANTILES
    }

    /// The column of the members' quantiles in a row of outputs.
    pub const fn quantiles(self) -> usize {
        self.disagreement() + self.horizons
    }

    /// Columns of a row of outputs.
    pub const fn width(self) -> usize {
        self.quantiles() + self.members * self.horizons * QUANTILES
    }
}

/// One row; every level runs it, with its own fused multiply-add.
#[inline(always)]
fn plain(shape: HeadShape, raw: &[f32], out: &mut [f32]) {
    let HeadShape { members, horizons } = shape;
    out[..=ACTIONS].copy_from_slice(&raw[..=ACTIONS]);
    let risk = &raw[shape.raw_risk()..][..=horizons];
    for (volatility, rho) in out[shape.volatility()..][..horizons].iter_mut().zip(risk) {
        *volatility = softplus(*rho) + VOLATILITY_FLOOR;
    }
    out[shape.scale()] = sigmoid(risk[horizons]);
    out[shape.scale() + 1] = softplus(raw[shape.raw_impact()]);
    let (summary, quantiles) = out.split_at_mut(shape.quantiles());
    let (raw, _) = raw[shape.raw_quantiles()..].as_chunks::<QUANTILES>();
    let (quantiles, _) = quantiles.as_chunks_mut::<QUANTILES>();
    for (quantiles, [median, up, far_up, down, far_down]) in quantiles.iter_mut().zip(raw) {
        let above = median + softplus(*up);
        let below = median - softplus(*down);
        *quantiles = [below - softplus(*far_down), below, *median, above, above + softplus(*far_up)];
    }
    let (mean, disagreement) = summary[shape.mean()..].split_at_mut(horizons * QUANTILES);
    let (mean, _) = mean.as_chunks_mut::<QUANTILES>();
    for (horizon, (mean, disagreement)) in mean.iter_mut().zip(disagreement).enumerate() {
        *mean = [0.0; QUANTILES];
        for member in 0..members {
            for (mean, quantile) in mean.iter_mut().zip(quantiles[member * horizons + horizon]) {
                *mean += quantile;
            }
        }
        for mean in mean.iter_mut() {
            *mean /= members as f32;
        }
        let mut sum = 0.0f32;
        for member in 0..members {
            let apart = quantiles[member * horizons + horizon][2] - mean[2];
            sum = apart.mul_add(apart, sum);
        }
        *disagreement = (sum / members as f32).sqrt();
    }
}

/// # Safety
/// None of its own: the level's instructions are in the wrapper.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
#[allow(clippy::extra_unused_type_parameters)]
unsafe fn vector<V: Lanes>(shape: HeadShape, raw: &[f32], out: &mut [f32]) {
    plain(shape, raw, out);
}

at_level! {
    /// The outputs of one row.
    fn finish(shape: HeadShape, raw: &[f32], out: &mut [f32]) = plain, vector
}

/// The outputs of `rows` rows, one after the other in both buffers.
///
/// # Panics
/// When the buffers are too short.
pub(crate) fn apply(cpu: &Cpu, shape: HeadShape, raw: &Buffer, outputs: &mut Buffer, rows: usize) {
    let (from, to) = (shape.raw_width(), shape.width());
    assert!(Rows::dense(from).fit(rows, from, raw.len()) && Rows::dense(to).fit(rows, to, outputs.len()));
    for row in 0..rows {
        let (raw, out) = (&raw[row * from..][..from], &mut outputs[row * to..][..to]);
        // SAFETY: a `Cpu` has a level of this machine.
        unsafe { finish(cpu.level(), shape, raw, out) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_follow_each_other() {
        let shape = HeadShape { members: 4, horizons: 3 };
        assert_eq!(shape.raw_width(), 3 + 1 + 4 + 1 + 60);
        assert_eq!(shape.width(), 3 + 1 + 3 + 1 + 1 + 15 + 3 + 60);
    }

    #[test]
    fn quantiles_do_not_cross_and_equal_members_agree() {
        let shape = HeadShape { members: 2, horizons: 1 };
        let member = [0.5, -3.0, 2.0, -90.0, 0.25];
        let raw = [&[1.0, 2.0, 3.0, 4.0, -200.0, 0.0, 0.0][..], &member, &member].concat();
        let mut out = vec![f32::NAN; shape.width()];
        plain(shape, &raw, &mut out);
        assert_eq!(out[..4], [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(out[4], 1e-3);
        assert_eq!(out[5], 0.5);
        assert_eq!(out[6], std::f32::consts::LN_2);
        let mean = &out[shape.mean()..][..5];
        assert!(mean.is_sorted() && mean[2] == 0.5, "{mean:?}");
        assert_eq!(out[shape.disagreement()], 0.0);
        assert_eq!(out[shape.quantiles()..][..5], *mean);
        // One member half a unit higher: both lie a quarter from the mean.
        let mut apart = raw.clone();
        apart[7] += 0.5;
        plain(shape, &apart, &mut out);
        assert_eq!(out[shape.disagreement()], 0.25);
    }
}
