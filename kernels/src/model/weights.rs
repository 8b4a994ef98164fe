//! A checkpoint's tensors, packed for a backend.

use super::ModelError;
use crate::backend::{Backend, BackendError};
use crate::checkpoint::{Checkpoint, OwnedWeights};
use crate::heads::{ACTIONS, QUANTILES};
use crate::linear::{Columns, Matrix, Weights};
use crate::mixer::MixerWeights;

/// One layer of the trunk.
#[derive(Debug)]
pub(super) struct LayerWeights<B: Backend> {
    pub(super) mix_gain: B::Buffer,
    pub(super) qkvg: B::Linear,
    pub(super) mixer: B::Mixer,
    pub(super) mix: B::Linear,
    pub(super) feed_gain: B::Buffer,
    pub(super) feed_in: B::Linear,
    pub(super) feed_out: B::Linear,
}

/// All of a model's weights.
#[derive(Debug)]
pub(super) struct ModelWeights<B: Backend> {
    pub(super) level: B::Linear,
    pub(super) micro: B::Linear,
    pub(super) frequencies: B::Buffer,
    pub(super) phases: B::Buffer,
    pub(super) embed: B::Linear,
    pub(super) layers: Vec<LayerWeights<B>>,
    pub(super) last_gain: B::Buffer,
    pub(super) ensemble_in: B::Linear,
    /// One a member.
    pub(super) ensemble_out: Vec<B::Linear>,
    pub(super) head_in: B::Linear,
    pub(super) policy: B::Linear,
    pub(super) value: B::Linear,
    pub(super) risk: B::Linear,
    pub(super) impact: B::Linear,
}

/// Packs tensors by name.
struct Packing<'a, B: Backend> {
    backend: &'a B,
    checkpoint: &'a Checkpoint,
}

impl<B: Backend> Packing<'_, B> {
    fn buffer(&self, name: &str) -> Result<B::Buffer, BackendError> {
        let values = self.checkpoint.values(name);
        let mut buffer = self.backend.zeros(values.len())?;
        let place = crate::tensor::Rows::dense(values.len());
        self.backend.write((&mut buffer, place), 1, values.len(), &values)?;
        Ok(buffer)
    }

    fn linear(&self, name: &str, outputs: usize, columns: Columns) -> Result<B::Linear, BackendError> {
        let bias = self.checkpoint.values(&format!("{name}.b"));
        let owned = self.checkpoint.weights(&format!("{name}.w"));
        let weights = match &owned {
            OwnedWeights::F32(values) => Weights::F32(values),
            OwnedWeights::Bf16(values) => Weights::Bf16(values),
            OwnedWeights::Int8 { values, scales } => Weights::Int8 { values, scales },
        };
        let inputs = weights.len() / outputs;
        self.backend.pack(Matrix { inputs, outputs, weights, bias: &bias }, columns)
    }
}

impl<B: Backend> ModelWeights<B> {
    /// Packs a checkpoint.
    pub(super) fn pack(backend: &B, checkpoint: &Checkpoint) -> Result<Self, ModelError> {
        let spec = checkpoint.spec();
        let packing = Packing { backend, checkpoint };
        let plain = |name: &str, outputs: usize| packing.linear(name, outputs, Columns::Plain);
        let (width, shape) = (spec.width, spec.mixer());
        let mut layers = Vec::with_capacity(spec.layers);
        for layer in 0..spec.layers {
            let name = |part: &str| format!("layer.{layer}.{part}");
            let (taps, bias) = (checkpoint.values(&name("conv.w")), checkpoint.values(&name("conv.b")));
            layers.push(LayerWeights {
                mix_gain: packing.buffer(&name("norm1.g"))?,
                qkvg: plain(&name("qkvg"), 4 * width)?,
                mixer: backend.mixer(&shape, MixerWeights { taps: &taps, bias: &bias })?,
                mix: plain(&name("mix"), width)?,
                feed_gain: packing.buffer(&name("norm2.g"))?,
                feed_in: packing.linear(&name("ffn_in"), 2 * spec.hidden, Columns::Paired)?,
                feed_out: plain(&name("ffn_out"), width)?,
            });
        }
        let (members_w, members_b) = (checkpoint.values("ens.out.w"), checkpoint.values("ens.out.b"));
        let outputs = spec.horizons * QUANTILES;
        let mut ensemble_out = Vec::with_capacity(spec.members);
        for (weights, bias) in
            members_w.chunks_exact(spec.head_hidden * outputs).zip(members_b.chunks_exact(outputs))
        {
            let inputs = spec.head_hidden;
            let matrix = Matrix { inputs, outputs, weights: Weights::F32(weights), bias };
            ensemble_out.push(backend.pack(matrix, Columns::Plain)?);
        }
        Ok(Self {
            level: plain("micro.level", super::LEVEL_WIDTH)?,
            micro: plain("micro.mix", spec.micro)?,
            frequencies: packing.buffer("fourier.freq")?,
            phases: packing.buffer("fourier.phase")?,
            embed: plain("embed", width)?,
            layers,
            last_gain: packing.buffer("norm_f.g")?,
            ensemble_in: plain("ens.in", spec.members * spec.head_hidden)?,
            ensemble_out,
            head_in: plain("head.in", 3 * spec.head_hidden)?,
            policy: plain("policy", ACTIONS)?,
            value: plain("value", 1)?,
            risk: plain("risk", spec.horizons + 1)?,
            impact: plain("impact", 1)?,
        })
    }
}
