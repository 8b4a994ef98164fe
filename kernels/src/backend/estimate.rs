//! How long a decision should take on the CPU and on a card: `docs/gpu.md` says where the figures come from.

use std::time::Duration;

use crate::checkpoint::Precision;
use crate::model::{Role, Spec};

/// Bytes a second that one core reads, from memory and from its cache.
const CORE: [f64; 2] = [33e9, 90e9];
/// What fits a core's share of the cache.
const CACHE: f64 = 32e6;
/// Bytes a second that a card reads: some 60 % of an H100's.
const CARD: f64 = 2e12;
/// From one kernel of a decision to the next: its chains of sums and the gap between launches.
const KERNEL: f64 = 4e-6;
/// A card gains where it takes at most this share of the CPU's time.
const GAIN: f64 = 0.5;

/// How long one decision of one stream should take.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Estimate {
    /// What it reads: weights as they are stored, and rings; in bytes.
    pub bytes: u64,
    /// Kernels that a card runs for it.
    pub kernels: usize,
    /// On one core.
    pub cpu: Duration,
    /// On a card.
    pub card: Duration,
}

impl Estimate {
    /// For a model of this shape and precision.
    pub fn of(spec: &Spec, precision: Precision) -> Self {
        let weights = spec.tensors().into_iter().map(|tensor| {
            let bytes = match (tensor.role, precision) {
                (Role::Matrix, Precision::Bf16) => 2,
                (Role::Matrix, Precision::Int8) => 1,
                _ => 4,
            };
            tensor.len() * bytes
        });
        let rings = spec.layers * spec.mixer().state_len() * size_of::<f32>();
        let bytes = weights.sum::<usize>() + rings;
        // Of a layer two norms, four products and the mixer; the book's levels, trades, times and what they become;
        // the last norm; sums of the heads, of each member of the ensemble, and the outputs.
        let kernels = 7 * spec.layers + (spec.levels + 3) + 1 + (spec.members + 7);
        let read = bytes as f64;
        Self {
            bytes: bytes as u64,
            kernels,
            cpu: Duration::from_secs_f64(read / CORE[usize::from(read < CACHE)]),
            card: Duration::from_secs_f64(kernels as f64 * KERNEL + read / CARD),
        }
    }

    /// Whether a card is worth it.
    pub fn gains(&self) -> bool {
        self.card.as_secs_f64() <= GAIN * self.cpu.as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The kernels are those that `docs/gpu.md` counts; only models that no cache holds gain.
    #[test]
    fn a_card_is_for_models_that_the_cache_does_not_hold() {
        for (spec, kernels, gains) in
            [(Spec::tiny(), 34, false), (Spec::base(), 53, false), (Spec::full(), 81, true)]
        {
            let name = spec.name();
            for precision in Precision::ALL {
                let estimate = Estimate::of(&spec, precision);
                assert_eq!((estimate.kernels, estimate.gains()), (kernels, gains), "{name} {precision:?}");
            }
            let [f32, int8] = [Precision::F32, Precision::Int8].map(|each| Estimate::of(&spec, each).bytes);
            assert!(int8 < f32 && f32 < 5 * int8, "{name}: {f32}, {int8}");
        }
    }
}
