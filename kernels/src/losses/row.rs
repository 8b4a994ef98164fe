//! One row: its terms, and its gradient.

use super::{Coefficients, TAUS, Targets};
use crate::backend::Cpu;
use crate::heads::{ACTIONS, HeadShape, QUANTILES};
#[cfg(target_arch = "x86_64")]
use crate::lanes::Lanes;
use crate::lanes::at_level;
use crate::scalar::f32::{exp, ln};

/// Coefficients over the numbers that they are means of, rounded once.
pub(crate) struct Scales {
    pub(crate) quantile: f32,
    pub(crate) volatility: f32,
    pub(crate) scale: f32,
    pub(crate) impact: f32,
    pub(crate) policy: f32,
    pub(crate) value: f32,
    pub(crate) entropy: f32,
}

impl Scales {
    pub(super) fn new(shape: HeadShape, coefficients: &Coefficients, count: f64) -> Self {
        let each = |coefficient: f64, times: usize| (coefficient / (count * times as f64)) as f32;
        Self {
            quantile: each(coefficients.quantile, shape.members * shape.horizons * QUANTILES),
            volatility: each(coefficients.volatility, shape.horizons),
            scale: each(coefficients.scale, 1),
            impact: each(coefficients.impact, 1),
            policy: each(coefficients.policy, 1),
            value: each(coefficients.value, 1),
            entropy: each(coefficients.entropy, 1),
        }
    }
}

/// A row's share of: quantile, volatility, scale, impact, policy, value, entropy, divergence, clipped.
#[derive(Default)]
pub(crate) struct RowTerms(pub(super) [f32; Self::COUNT]);

impl RowTerms {
    pub(crate) const COUNT: usize = 9;
}

/// All that a row's losses depend on besides its outputs.
pub(super) struct Given<'a> {
    pub(super) shape: HeadShape,
    pub(super) coefficients: &'a Coefficients,
    pub(super) scales: &'a Scales,
    pub(super) targets: &'a Targets<'a>,
    pub(super) row: usize,
    /// Â
    pub(super) advantage: f32,
}

/// Every level runs it, with its own fused multiply-add.
#[inline(always)]
fn plain(given: &Given<'_>, outputs: &[f32], gradient: &mut [f32], terms: &mut RowTerms) {
    let terms = &mut terms.0;
    terms[0] = quantiles(given, outputs, gradient);
    terms[1] = volatilities(given, outputs, gradient);
    let (shape, row, scales) = (given.shape, given.row, given.scales);

    // -s·ε + ½κs²ε², with x = s·ε.
    let (edge, scale) = (given.targets.edge[row], outputs[shape.scale()]);
    let (x, kappa) = (scale * edge, given.coefficients.kappa);
    terms[2] = (0.5 * kappa * x).mul_add(x, -x);
    gradient[shape.scale()] = scales.scale * (edge * kappa.mul_add(x, -1.0));

    let apart = outputs[shape.scale() + 1] - given.targets.slippage[row];
    terms[3] = 0.5 * apart * apart;
    gradient[shape.scale() + 1] = scales.impact * apart;

    if given.targets.policy.is_some() {
        let [policy, entropy, divergence, clipped] = policy(given, outputs, gradient);
        let value = value(given, outputs, gradient);
        terms[4..].copy_from_slice(&[policy, value, entropy, divergence, clipped]);
    }
}

#[inline(always)]
fn quantiles(given: &Given<'_>, outputs: &[f32], gradient: &mut [f32]) -> f32 {
    let HeadShape { members, horizons } = given.shape;
    let returns = &given.targets.returns[given.row * horizons..][..horizons];
    let (quantiles, _) = outputs[given.shape.quantiles()..].as_chunks::<QUANTILES>();
    let (gradient, _) = gradient[given.shape.quantiles()..].as_chunks_mut::<QUANTILES>();
    let mut sum = 0.0f32;
    for member in 0..members {
        let weight = given.targets.bootstrap[given.row * members + member];
        let scale = given.scales.quantile * weight;
        for (horizon, y) in returns.iter().enumerate() {
            let at = member * horizons + horizon;
            for (quantile, tau) in TAUS.into_iter().enumerate() {
                let apart = y - quantiles[at][quantile];
                let slope = if apart >= 0.0 { tau } else { tau - 1.0 };
                sum += weight * (slope * apart);
                gradient[at][quantile] = scale * -slope;
            }
        }
    }
    sum
}

#[inline(always)]
fn volatilities(given: &Given<'_>, outputs: &[f32], gradient: &mut [f32]) -> f32 {
    let horizons = given.shape.horizons;
    let mut sum = 0.0f32;
    for horizon in 0..horizons {
        let y = given.targets.returns[given.row * horizons + horizon];
        let volatility = outputs[given.shape.volatility() + horizon];
        // 1/σ - y²/σ³ = (1 - (y/σ)²)/σ
        let inverse = 1.0 / volatility;
        let ratio = y * inverse;
        sum += (0.5 * ratio).mul_add(ratio, ln(volatility));
        gradient[given.shape.volatility() + horizon] =
            given.scales.volatility * (inverse * (-ratio).mul_add(ratio, 1.0));
    }
    sum
}

/// Policy loss, entropy, divergence, and whether the ratio is clipped.
#[inline(always)]
fn policy(given: &Given<'_>, outputs: &[f32], gradient: &mut [f32]) -> [f32; 4] {
    let Some(targets) = &given.targets.policy else { return [0.0; 4] };
    let (legal, action) = (&targets.legal[given.row], usize::from(targets.action[given.row]));
    let logits = &outputs[..ACTIONS];
    let mut largest = f32::NEG_INFINITY;
    for (logit, legal) in logits.iter().zip(legal) {
        if *legal && *logit > largest {
            largest = *logit;
        }
    }
    let mut total = 0.0f32;
    for (logit, legal) in logits.iter().zip(legal) {
        if *legal {
            total += exp(logit - largest);
        }
    }
    let level = ln(total);
    let (mut log, mut probability, mut entropy) = ([0.0f32; ACTIONS], [0.0f32; ACTIONS], 0.0f32);
    for at in 0..ACTIONS {
        if legal[at] {
            log[at] = (logits[at] - largest) - level;
            probability[at] = exp(log[at]);
            entropy = (-probability[at]).mul_add(log[at], entropy);
        }
    }
    let moved = log[action] - targets.log_probability[given.row];
    let (ratio, advantage, clip) = (exp(moved), given.advantage, given.coefficients.ratio_clip);
    let (low, high) = (1.0 - clip, 1.0 + clip);
    let clipped = if ratio < low {
        low
    } else if ratio > high {
        high
    } else {
        ratio
    };
    let (free, held) = (ratio * advantage, clipped * advantage);
    // No slope where the clipped one is smaller.
    let flat = if advantage >= 0.0 { ratio > high } else { ratio < low };
    let g = if flat { 0.0 } else { -free * given.scales.policy };
    for at in 0..ACTIONS {
        if legal[at] {
            let chosen = if at == action { 1.0 } else { 0.0 };
            let more_random = given.scales.entropy * (probability[at] * (log[at] + entropy));
            gradient[at] = g.mul_add(chosen - probability[at], more_random);
        }
    }
    let least = if held < free { held } else { free };
    let outside = if ratio < low || ratio > high { 1.0 } else { 0.0 };
    [-least, entropy, (ratio - 1.0) - moved, outside]
}

#[inline(always)]
fn value(given: &Given<'_>, outputs: &[f32], gradient: &mut [f32]) -> f32 {
    let Some(targets) = &given.targets.policy else { return 0.0 };
    let (value, old, target) = (outputs[ACTIONS], targets.value[given.row], targets.target[given.row]);
    let apart = value - target;
    let mut square = apart * apart;
    let mut slope = apart;
    if let Some(clip) = given.coefficients.value_clip {
        let moved = value - old;
        let held = if moved > clip {
            clip
        } else if moved < -clip {
            -clip
        } else {
            moved
        };
        let held = (old + held) - target;
        if (moved > clip || moved < -clip) && held * held > square {
            square = held * held;
            slope = 0.0;
        }
    }
    gradient[ACTIONS] = given.scales.value * slope;
    0.5 * square
}

/// # Safety
/// None of its own: the level's instructions are in the wrapper.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
#[allow(clippy::extra_unused_type_parameters)]
unsafe fn vector<V: Lanes>(given: &Given<'_>, outputs: &[f32], gradient: &mut [f32], terms: &mut RowTerms) {
    plain(given, outputs, gradient, terms);
}

at_level! {
    /// Terms and gradient of one row, whose gradient is 0 at first.
    fn row_loss(given: &Given<'_>, outputs: &[f32], gradient: &mut [f32], terms: &mut RowTerms)
        = plain, vector
}

/// Terms and gradient of one row, whose gradient is 0 at first.
pub(super) fn loss(cpu: &Cpu, given: &Given<'_>, outputs: &[f32], gradient: &mut [f32]) -> RowTerms {
    let mut terms = RowTerms::default();
    // SAFETY: a `Cpu` has a level of this machine.
    unsafe { row_loss(cpu.level(), given, outputs, gradient, &mut terms) };
    terms
}
