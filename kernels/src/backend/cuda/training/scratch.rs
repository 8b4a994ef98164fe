//! Memory that the kernels of training need on their way.

use super::super::device::Device;
use super::super::launch::{self, number};
use super::super::{Cuda, Values, bytes};
use super::losses;
use crate::backend::{Backend, BackendError};
use crate::convolution;
use crate::linear::BLOCK;
use crate::mixer::MixerShape;
use crate::optimiser::CHUNK;
use crate::training::Plan;

/// What a trainer's kernels need besides weights and activations.
#[derive(Debug)]
pub struct TrainingScratch<D: Device> {
    pub(super) mixer: MixerShape,
    /// \[window, slope, dilation, 0\] of each head.
    pub(super) heads: D::Memory,
    /// Sums of blocks of rows, before they are added.
    pub(super) parts: Values<D>,
    /// `[rows][heads]`: Σ p·dp of attention.
    pub(super) weighted: Values<D>,
    /// Squares of gradients, summed by chunks: on the device, and as they come back.
    pub(super) squares: D::Memory,
    pub(super) chunk_sums: Vec<u8>,
    /// Scales and targets of the losses: as they go, and on the device.
    pub(super) targets: (Vec<f32>, Values<D>),
    /// `[rows]` of the losses' terms, and their sums.
    pub(super) terms: Values<D>,
    pub(super) term_sums: D::Memory,
}

/// The most that attention keeps of each key: what it is, and its gradient.
pub(super) const KEY_ARRAYS: usize = 2;

/// Blocks of 256 rows.
pub(super) fn row_blocks(rows: usize) -> usize {
    rows.div_ceil(BLOCK)
}

/// Blocks of rows whose sums are made side by side: as many as there are where outputs alone are too few.
pub(super) fn blocks_apart(inputs: usize, outputs: usize, rows: usize) -> usize {
    if launch::squares(inputs + 1, outputs) < launch::ENOUGH_BLOCKS { row_blocks(rows) } else { 1 }
}

impl<D: Device> TrainingScratch<D> {
    pub(super) fn new(cuda: &Cuda<D>, plan: &Plan) -> Result<Self, BackendError> {
        // What no kernel holds is refused before the first step, and before memory is asked for.
        for sequences in &plan.sequences {
            launch::attention(&plan.mixer, *sequences, KEY_ARRAYS)?;
        }
        let rows = plan.sequences.first().map_or(0, |sequences| sequences.rows());
        let products = plan.products.iter().map(|(shape, rows)| {
            let blocks = blocks_apart(shape.inputs, shape.outputs, *rows);
            if blocks > 1 { blocks * shape.len() } else { 0 }
        });
        // Taps are more than gains.
        let taps = row_blocks(rows) * convolution::weights(&plan.mixer);
        let parts = products.fold(taps, |most, len| if len > most { len } else { most });
        let mut heads = Vec::with_capacity(plan.mixer.heads.len() * 4);
        for head in &plan.mixer.heads {
            let (window, dilation) = (number(head.window)?, number(head.dilation)?);
            heads.extend([f32::from_bits(window), head.slope, f32::from_bits(dilation), 0.0]);
        }
        let chunks = plan.weights.div_ceil(CHUNK) * size_of::<f64>();
        let targets = losses::given_len(plan.heads, rows);
        Ok(Self {
            heads: cuda.holding(bytes(&heads))?,
            parts: cuda.zeros(parts)?,
            weighted: cuda.zeros(rows * plan.mixer.heads.len())?,
            squares: cuda.device.zeros(chunks)?,
            chunk_sums: vec![0; chunks],
            targets: (Vec::with_capacity(targets), cuda.zeros(targets)?),
            terms: cuda.zeros(rows * losses::TERMS)?,
            term_sums: cuda.device.zeros(losses::TERMS * size_of::<f64>())?,
            mixer: plan.mixer.clone(),
        })
    }
}
