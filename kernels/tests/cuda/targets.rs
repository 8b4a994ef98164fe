//! Targets of every kind, and the losses that come of them.

use genovo_kernels::attention::Sequences;
use genovo_kernels::heads::HeadShape;
use genovo_kernels::linear::products::Shape;
use genovo_kernels::losses::{Coefficients, Losses, PolicyTargets, Targets, bootstrap};
use genovo_kernels::mixer::{Head, MixerShape};
use genovo_kernels::random::RandomKey;
use genovo_kernels::training::{Plan, TrainingBackend};

use crate::operations::{all, buffer};
use crate::support::numbers;

/// Targets of some rows, of which every seventh counts for nothing and holds what cannot be.
pub struct Made {
    weight: Vec<f32>,
    bootstrap: Vec<f32>,
    normal: Vec<f32>,
    action: Vec<u8>,
    legal: Vec<[bool; 3]>,
    rows: usize,
    horizons: usize,
}

impl Made {
    pub fn new(shape: HeadShape, rows: usize) -> Self {
        let key = RandomKey { seed: 5, purpose: 19, id: 0 };
        let mut weights = vec![0.0; rows * shape.members];
        for (row, weights) in weights.chunks_exact_mut(shape.members).enumerate() {
            bootstrap(3, 1, row as u64, weights);
        }
        let mut normal: Vec<f32> =
            (0..rows * (shape.horizons + 6)).map(|draw| key.normal(draw as u32) as f32).collect();
        for row in (3..rows).step_by(7) {
            normal[row * shape.horizons] = f32::NAN;
        }
        Self {
            weight: (0..rows).map(|row| if row % 7 == 3 { 0.0 } else { 1.0 }).collect(),
            bootstrap: weights,
            normal,
            action: (0..rows).map(|row| [0, 1, 2, 0, 1][row % 5]).collect(),
            legal: (0..rows)
                .map(|row| [true, row % 5 == 1 || row % 5 == 4, row % 3 != 0 || row % 5 == 2])
                .collect(),
            rows,
            horizons: shape.horizons,
        }
    }

    pub fn view(&self, policy: bool) -> Targets<'_> {
        let part = |number: usize| &self.normal[(self.horizons + number) * self.rows..][..self.rows];
        let policy = policy.then(|| PolicyTargets {
            action: &self.action,
            legal: &self.legal,
            log_probability: part(2),
            advantage: part(3),
            value: part(4),
            target: part(5),
        });
        Targets {
            weight: &self.weight,
            bootstrap: &self.bootstrap,
            returns: &self.normal[..self.rows * self.horizons],
            edge: part(0),
            slippage: part(1),
            policy,
        }
    }
}

/// The bits of losses.
pub fn bits(losses: &Losses) -> Vec<u32> {
    let Losses {
        total,
        quantile,
        volatility,
        scale,
        impact,
        policy,
        value,
        entropy,
        divergence,
        clipped,
        rows,
    } = *losses;
    let all = [total, quantile, volatility, scale, impact, policy, value, entropy, divergence, clipped];
    let halves = all.into_iter().flat_map(|loss| [loss.to_bits() as u32, (loss.to_bits() >> 32) as u32]);
    halves.chain([rows as u32]).collect()
}

/// The losses of some outputs, with a policy and without, the value clipped and not; and their gradients.
pub fn losses<B: TrainingBackend>(backend: &B, shape: HeadShape, rows: usize) -> Vec<u32> {
    let plan = Plan {
        mixer: MixerShape { head_width: 1, heads: vec![Head { window: 1, slope: 1.0, dilation: 1 }] },
        heads: shape,
        sequences: vec![Sequences { count: 1, steps: rows, past: 0 }],
        products: vec![(Shape { inputs: 1, outputs: 1 }, 1)],
        weights: 1,
    };
    let scratch = &mut backend.scratch(&plan).unwrap();
    let made = Made::new(shape, rows);
    let raw: Vec<f32> = numbers(13, 1, rows * shape.raw_width());
    let raw: Vec<f32> = raw.iter().map(|x| if x.abs() > 10.0 { x * 1e-6 } else { *x }).collect();
    let (raw, len) = (buffer(backend, &raw), rows * shape.width());
    let mut outputs = backend.zeros(len).unwrap();
    backend.heads(shape, &raw, &mut outputs, rows).unwrap();
    let mut found = Vec::new();
    for (policy, value_clip) in [(true, Some(0.2)), (true, None), (false, Some(0.1))] {
        let coefficients = Coefficients { value_clip, kappa: 0.7, ..Coefficients::default() };
        let targets = made.view(policy);
        targets.check(shape, rows).unwrap();
        let mut gradient = buffer(backend, &vec![7.0; len]);
        let losses = backend.losses(scratch, shape, &coefficients, &targets, &outputs, &mut gradient, rows);
        found.extend(bits(&losses.unwrap()));
        found.extend(all(backend, &gradient, len));
    }
    found
}
