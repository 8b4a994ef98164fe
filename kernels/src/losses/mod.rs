//! What training makes small, and its gradient at the heads' outputs: **Exact**.
//!
//! Of the rows with weight w = 1 (N of them; the others count for nothing), with K members and NH horizons:
//! - quantile: 1/(N·K·NH·5) Σ boot·ρ_τ(y - q), ρ_τ(e) = τ·e for e ≥ 0, (τ - 1)·e below
//! - volatility: 1/(N·NH) Σ (ln σ̂ + y²/2σ̂²)
//! - scale: 1/N Σ (-s·ε + ½κs²ε²); it is least at κ·E\[ε²\]·s = E\[ε\], the share of Kelly
//! - impact: 1/N Σ ½(i - slippage)²
//! - policy: -1/N Σ least of r·Â and clip(r)·Â, r = exp(ℓ - ℓ_old), ℓ a log-softmax over legal actions
//! - value: 1/N Σ ½ largest of (v - R)² and (v_clipped - R)²
//! - entropy: 1/N Σ -Σ p·ln p over legal actions
//!
//! Advantages are normalised over the rows that count: Â = (A - mean)/(deviation + 1e-8), in f64, the
//! deviation with N - 1. A row's terms are f32, summed in the order of the row; rows are added in f64, in
//! order. Coefficients are made in f64 and rounded once.

mod row;

use crate::backend::Cpu;
use crate::heads::{ACTIONS, HeadShape, QUANTILES};
use crate::tensor::{Buffer, Rows};
pub(crate) use row::{RowTerms, Scales};

/// The share of returns that lies below each quantile.
pub const TAUS: [f32; QUANTILES] = [0.05, 0.25, 0.5, 0.75, 0.95];

/// How much each loss counts, and the clips.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Coefficients {
    /// Of the quantile loss.
    pub quantile: f64,
    /// Of the volatility loss.
    pub volatility: f64,
    /// Of the scale loss.
    pub scale: f64,
    /// Of the impact loss.
    pub impact: f64,
    /// Of the policy loss.
    pub policy: f64,
    /// Of the value loss.
    pub value: f64,
    /// Of the entropy, which is made large.
    pub entropy: f64,
    /// κ: how much risk weighs against edge in the scale loss.
    pub kappa: f32,
    /// The ratio of the policy loss is clipped to 1 ± this.
    pub ratio_clip: f32,
    /// The value may move so far from the old one; `None`: as far as it likes.
    pub value_clip: Option<f32>,
}

impl Default for Coefficients {
    fn default() -> Self {
        Self {
            quantile: 1.0,
            volatility: 0.5,
            scale: 0.25,
            impact: 0.1,
            policy: 1.0,
            value: 0.5,
            entropy: 0.01,
            kappa: 1.0,
            ratio_clip: 0.2,
            value_clip: Some(0.2),
        }
    }
}

/// What each row should have said. Rows one after the other.
#[derive(Clone, Copy, Debug)]
pub struct Targets<'a> {
    /// `[rows]`: 1 where the row counts, else 0.
    pub weight: &'a [f32],
    /// `[rows][members]`: the bootstrap's weight of each member, 0 or 2; see [`bootstrap`].
    pub bootstrap: &'a [f32],
    /// `[rows][horizons]`: the return that came, normalised.
    pub returns: &'a [f32],
    /// `[rows]`: net edge of the chosen side after costs, normalised.
    pub edge: &'a [f32],
    /// `[rows]`: slippage of the next fill, in ticks.
    pub slippage: &'a [f32],
    /// What the policy did; without it only the other losses count.
    pub policy: Option<PolicyTargets<'a>>,
}

/// What the policy did at each row, and what came of it.
#[derive(Clone, Copy, Debug)]
pub struct PolicyTargets<'a> {
    /// `[rows]`: 0 hold, 1 buy, 2 sell.
    pub action: &'a [u8],
    /// `[rows]`: which actions were legal.
    pub legal: &'a [[bool; ACTIONS]],
    /// `[rows]`: ln of the action's probability then.
    pub log_probability: &'a [f32],
    /// `[rows]`: how much better than expected it was; see [`crate::returns::advantages`].
    pub advantage: &'a [f32],
    /// `[rows]`: the value then.
    pub value: &'a [f32],
    /// `[rows]`: what the value should be.
    pub target: &'a [f32],
}

/// The losses of a batch, each without its coefficient, and their sum with them.
#[derive(Clone, Copy, PartialEq, Default, Debug)]
pub struct Losses {
    /// All, each with its coefficient; what training makes small.
    pub total: f64,
    /// Quantile loss.
    pub quantile: f64,
    /// Volatility loss.
    pub volatility: f64,
    /// Scale loss.
    pub scale: f64,
    /// Impact loss.
    pub impact: f64,
    /// Policy loss; 0 without a policy, and so are the following.
    pub policy: f64,
    /// Value loss.
    pub value: f64,
    /// Mean entropy over legal actions.
    pub entropy: f64,
    /// How far the policy has moved: mean of (r - 1) - ln r, which is at least 0.
    pub divergence: f64,
    /// The share of rows whose ratio is clipped.
    pub clipped: f64,
    /// How many rows count.
    pub rows: usize,
}

/// Targets that cannot be.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum TargetError {
    /// Nothing to learn from.
    #[error("no row of the batch has a weight: at least one must count")]
    Nothing,
    /// A weight that is neither.
    #[error("weight {weight} of row {row}; 0 or 1 can be")]
    Weight {
        /// Which row.
        row: usize,
        /// Its weight.
        weight: f32,
    },
    /// An action that is none, or was not legal.
    #[error("action {action} of row {row} is none of its legal ones")]
    Action {
        /// Which row.
        row: usize,
        /// Its action.
        action: u8,
    },
    /// A target that is NaN or infinite.
    #[error("{target} of row {row} is {value}")]
    NotFinite {
        /// Which target.
        target: &'static str,
        /// Which row.
        row: usize,
        /// What it is.
        value: f32,
    },
}

impl Targets<'_> {
    /// Whether all targets are there and can be.
    ///
    /// # Errors
    /// The first row that cannot be. Rows that do not count may hold anything.
    ///
    /// # Panics
    /// When there are more or fewer values than rows.
    pub fn check(&self, shape: HeadShape, rows: usize) -> Result<(), TargetError> {
        let one =
            [("weights", self.weight.len()), ("edges", self.edge.len()), ("slippages", self.slippage.len())];
        for (name, len) in one {
            assert_eq!(len, rows, "{name} of {rows} rows");
        }
        assert_eq!(self.bootstrap.len(), rows * shape.members, "bootstrap weights of {rows} rows");
        assert_eq!(self.returns.len(), rows * shape.horizons, "returns of {rows} rows");
        if let Some(policy) = &self.policy {
            let lens = [policy.action.len(), policy.legal.len(), policy.log_probability.len()];
            let more = [policy.advantage.len(), policy.value.len(), policy.target.len()];
            assert!(lens.into_iter().chain(more).all(|len| len == rows), "policy targets of {rows} rows");
        }
        let mut any = false;
        for (row, weight) in self.weight.iter().enumerate() {
            if *weight == 0.0 {
                continue;
            }
            if *weight != 1.0 {
                return Err(TargetError::Weight { row, weight: *weight });
            }
            any = true;
            self.check_row(shape, row)?;
        }
        if any { Ok(()) } else { Err(TargetError::Nothing) }
    }

    fn check_row(&self, shape: HeadShape, row: usize) -> Result<(), TargetError> {
        let finite = |target, values: &[f32]| match values.iter().find(|value| !value.is_finite()) {
            Some(value) => Err(TargetError::NotFinite { target, row, value: *value }),
            None => Ok(()),
        };
        finite("a bootstrap weight", &self.bootstrap[row * shape.members..][..shape.members])?;
        finite("a return", &self.returns[row * shape.horizons..][..shape.horizons])?;
        finite("the edge", &self.edge[row..=row])?;
        finite("the slippage", &self.slippage[row..=row])?;
        let Some(policy) = &self.policy else { return Ok(()) };
        let action = policy.action[row];
        if policy.legal[row].get(usize::from(action)) != Some(&true) {
            return Err(TargetError::Action { row, action });
        }
        finite("the log-probability", &policy.log_probability[row..=row])?;
        finite("the advantage", &policy.advantage[row..=row])?;
        finite("the old value", &policy.value[row..=row])?;
        finite("the value's target", &policy.target[row..=row])
    }

    /// Mean and deviation of the advantages that count.
    fn advantages(&self, count: f64) -> (f64, f64) {
        let Some(policy) = &self.policy else { return (0.0, 0.0) };
        let counted = || policy.advantage.iter().zip(self.weight).filter(|(_, weight)| **weight != 0.0);
        let mean = counted().fold(0.0, |sum, (advantage, _)| sum + f64::from(*advantage)) / count;
        let squares = counted().fold(0.0, |sum: f64, (advantage, _)| {
            let apart = f64::from(*advantage) - mean;
            apart.mul_add(apart, sum)
        });
        (mean, if count > 1.0 { (squares / (count - 1.0)).sqrt() } else { 0.0 })
    }
}

/// All losses of `rows` rows of outputs, and their gradient at the outputs, `[rows]` like these.
///
/// # Errors
/// Targets that cannot be.
///
/// # Panics
/// When buffers are too short, or there are not as many targets.
pub fn losses(
    cpu: &Cpu,
    shape: HeadShape,
    coefficients: &Coefficients,
    targets: &Targets<'_>,
    outputs: &Buffer,
    gradient: &mut Buffer,
    rows: usize,
) -> Result<Losses, TargetError> {
    let width = shape.width();
    assert!(Rows::dense(width).fit(rows, width, outputs.len()), "{rows} rows of outputs");
    assert!(Rows::dense(width).fit(rows, width, gradient.len()), "{rows} rows of gradients");
    targets.check(shape, rows)?;
    let all = Common::new(shape, coefficients, targets);
    let mut sums = [0.0f64; RowTerms::COUNT];
    for row in 0..rows {
        let gradient = &mut gradient[row * width..][..width];
        gradient.fill(0.0);
        if targets.weight[row] == 0.0 {
            continue;
        }
        let (scales, advantage) = (&all.scales, all.advantage(targets, row));
        let given = row::Given { shape, coefficients, scales, targets, row, advantage };
        let terms = row::loss(cpu, &given, &outputs[row * width..][..width], gradient);
        for (sum, term) in sums.iter_mut().zip(terms.0) {
            *sum += f64::from(term);
        }
    }
    Ok(all.losses(sums))
}

/// What the rows of a batch have in common.
pub(crate) struct Common<'a> {
    shape: HeadShape,
    coefficients: &'a Coefficients,
    counted: usize,
    /// Of the advantages that count.
    mean: f64,
    deviation: f64,
    pub(crate) scales: Scales,
}

impl<'a> Common<'a> {
    pub(crate) fn new(shape: HeadShape, coefficients: &'a Coefficients, targets: &Targets<'_>) -> Self {
        let counted = targets.weight.iter().filter(|weight| **weight != 0.0).count();
        let count = counted as f64;
        let (mean, deviation) = targets.advantages(count);
        let scales = Scales::new(shape, coefficients, count);
        Self { shape, coefficients, counted, mean, deviation, scales }
    }

    /// Â of a row, 0 without a policy.
    pub(crate) fn advantage(&self, targets: &Targets<'_>, row: usize) -> f32 {
        let normal = |advantage: f32| (f64::from(advantage) - self.mean) / (self.deviation + 1e-8);
        targets.policy.map_or(0.0, |policy| normal(policy.advantage[row]) as f32)
    }

    /// The losses, of each term's sum over all rows.
    pub(crate) fn losses(&self, sums: [f64; RowTerms::COUNT]) -> Losses {
        let (shape, count) = (self.shape, self.counted as f64);
        let members = (shape.members * shape.horizons * QUANTILES) as f64;
        let [quantile, volatility, scale, impact, policy, value, entropy, divergence, clipped] = sums;
        let mut losses = Losses {
            total: 0.0,
            quantile: quantile / (count * members),
            volatility: volatility / (count * shape.horizons as f64),
            scale: scale / count,
            impact: impact / count,
            policy: policy / count,
            value: value / count,
            entropy: entropy / count,
            divergence: divergence / count,
            clipped: clipped / count,
            rows: self.counted,
        };
        let c = self.coefficients;
        losses.total = c.policy * losses.policy + c.value * losses.value - c.entropy * losses.entropy
            + c.quantile * losses.quantile
            + c.volatility * losses.volatility
            + c.scale * losses.scale
            + c.impact * losses.impact;
        losses
    }
}

/// What these random numbers are for.
const BOOTSTRAP: u32 = 0x626f_6f74; // "boot"

/// The bootstrap's weight of each member at a step of a stream: 2 or 0, each as likely, a pure function of
/// its name. A member so learns from half of the steps, each from another half.
pub fn bootstrap(seed: u64, stream: u32, step: u64, weights: &mut [f32]) {
    // A draw has 128 bits, one for each member; the step's low half names the draw.
    let id = u64::from(stream) << 32 | step >> 32;
    for (number, weights) in weights.chunks_mut(128).enumerate() {
        let purpose = BOOTSTRAP.wrapping_add(number as u32);
        let words = crate::random::RandomKey { seed, purpose, id }.words(step as u32);
        for (member, weight) in weights.iter_mut().enumerate() {
            *weight = if words[member / 32] >> (member % 32) & 1 == 1 { 2.0 } else { 0.0 };
        }
    }
}
