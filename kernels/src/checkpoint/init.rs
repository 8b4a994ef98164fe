//! A model out of a seed: the same seed is the same checkpoint, on any machine.

use std::borrow::Cow;

use safetensors::Dtype;

use super::{Checkpoint, CheckpointError, Exactness, Lineage, Metadata, Part, Precision, bytes};
use crate::heads::ACTIONS;
use crate::model::{Role, Spec, TensorSpec};
use crate::random::RandomKey;

/// What these random numbers are for.
const PURPOSE: u32 = 0x696e_6974; // "init"

/// Frequencies of the day: 2^0 to 2^6 turns; of the week: 2^0 to 2^5.
const OCTAVES: [usize; 2] = [7, 6];

impl Checkpoint {
    /// An untrained model.
    ///
    /// Matrices are N(0, 1/inputs); the two that add to the trunk are divided by √(2·layers) too, the
    /// policy's multiplied by 0.01. Gains are 1, biases and phases 0. Frequencies are octaves of the day and
    /// the week, and N(0, 1) for the gap. A value is a draw of its own, named by seed, tensor and place.
    ///
    /// # Errors
    /// When the shape cannot be.
    pub fn init(spec: &Spec, seed: u64) -> Result<Self, CheckpointError> {
        let lineage = Lineage {
            origin: "initialised".to_owned(),
            parent: None,
            seed: Some(seed),
            exactness: Exactness::Exact,
        };
        spec.check()?;
        let parts = (0..).zip(spec.tensors()).map(|(id, tensor)| {
            let key = RandomKey { seed, purpose: PURPOSE, id };
            let made = tensor.clone();
            Part::new(tensor, Dtype::F32, move || Cow::Owned(bytes(&values(spec, &made, key))))
        });
        Self::write(Metadata::new(spec.clone(), Precision::F32, lineage), parts.collect())
    }
}

fn values(spec: &Spec, tensor: &TensorSpec, key: RandomKey) -> Vec<f32> {
    let (len, columns) = (tensor.len(), tensor.shape[tensor.shape.len() - 1]);
    let normal = |deviation: f64| -> Vec<f32> {
        (0..len).map(|draw| (key.normal(draw as u32) * deviation) as f32).collect()
    };
    match tensor.role {
        Role::Bias | Role::Phases => vec![0.0; len],
        Role::Gain => vec![1.0; len],
        Role::Matrix | Role::SmallMatrix | Role::Taps => {
            let inputs = tensor.shape[tensor.shape.len() - 2];
            let mut deviation = 1.0 / (inputs as f64).sqrt();
            if tensor.name.ends_with(".mix.w") && tensor.name.starts_with("layer.")
                || tensor.name.ends_with(".ffn_out.w")
            {
                deviation /= ((2 * spec.layers) as f64).sqrt();
            }
            if tensor.name == "policy.w" {
                debug_assert_eq!(columns, ACTIONS);
                deviation *= 0.01;
            }
            normal(deviation)
        }
        Role::Frequencies => {
            let mut values = normal(1.0);
            for (stamp, octaves) in OCTAVES.into_iter().enumerate() {
                for (at, value) in values[stamp * columns..][..columns].iter_mut().enumerate() {
                    *value = (1u32 << (at % octaves)) as f32;
                }
            }
            values
        }
    }
}
