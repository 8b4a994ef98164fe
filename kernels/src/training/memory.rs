//! Memory of training: what the backward pass needs of the forward one, and what both use on the way.

use super::BatchShape;
use super::parameters::Places;
use crate::attention::{Scratch, Sequences};
use crate::backend::Cpu;
use crate::linear::products::Products;
use crate::model::{LEVEL_INPUTS, LEVEL_WIDTH, STAMPS, Spec};
use crate::tensor::Buffer;

/// What a layer keeps for its backward pass.
#[derive(Debug)]
pub(super) struct LayerMemory {
    /// `[sequences · past]` of \[k, v, u\]: what the burn-in left.
    pub(super) past: Buffer,
    /// `[rows][width]`: the trunk before attention and convolution, and before the feed-forward block.
    pub(super) h: [Buffer; 2],
    /// `[rows]`: factors of their norms.
    pub(super) factors: [Buffer; 2],
    /// `[rows]` of \[q, k, v, γ\].
    pub(super) projected: Buffer,
    /// `[rows][width]`
    pub(super) attention: Buffer,
    /// `[rows][heads][2]`: largest score and 1/Z.
    pub(super) statistics: Buffer,
    /// `[rows][width]`: the convolution's sums.
    pub(super) convolution: Buffer,
    /// `[rows]` of \[α, β\].
    pub(super) pair: Buffer,
}

impl LayerMemory {
    pub(super) fn new(spec: &Spec, rows: usize, past_rows: usize) -> Self {
        let zeros = |width: usize| Buffer::zeros(rows * width);
        let d = spec.width;
        Self {
            past: Buffer::zeros(past_rows * 3 * d),
            h: [zeros(d), zeros(d)],
            factors: [zeros(1), zeros(1)],
            projected: zeros(4 * d),
            attention: zeros(d),
            statistics: zeros(2 * spec.heads),
            convolution: zeros(d),
            pair: zeros(2 * spec.hidden),
        }
    }
}

/// What comes before the trunk.
#[derive(Debug)]
pub(super) struct Embedding {
    /// `[rows · levels][6]`
    pub(super) book: Buffer,
    /// `[rows · levels][8]`: before and after silu.
    pub(super) level: [Buffer; 2],
    /// `[rows][levels · 8 + trades]`
    pub(super) micro_in: Buffer,
    /// `[rows][micro]`: before silu.
    pub(super) micro: Buffer,
    /// `[rows][3]`
    pub(super) stamps: Buffer,
    /// `[rows][features + micro + 2 · frequencies]`
    pub(super) embed: Buffer,
}

impl Embedding {
    pub(super) fn new(spec: &Spec, rows: usize) -> Self {
        let zeros = |width: usize| Buffer::zeros(rows * width);
        Self {
            book: zeros(spec.levels * LEVEL_INPUTS),
            level: [zeros(spec.levels * LEVEL_WIDTH), zeros(spec.levels * LEVEL_WIDTH)],
            micro_in: zeros(spec.micro_inputs()),
            micro: zeros(spec.micro),
            stamps: zeros(STAMPS),
            embed: zeros(spec.embed_inputs()),
        }
    }
}

/// What is used by one layer after the other. In the backward pass each holds a gradient.
#[derive(Debug)]
pub(super) struct Passing {
    /// `[rows][width]`: a norm; in the backward pass its gradient.
    pub(super) u: Buffer,
    /// `[rows][width]`: the fusion.
    pub(super) mixed: Buffer,
    /// `[rows][hidden]`
    pub(super) hidden: Buffer,
}

impl Passing {
    pub(super) fn new(spec: &Spec, rows: usize) -> Self {
        let zeros = |width: usize| Buffer::zeros(rows * width);
        Self { u: zeros(spec.width), mixed: zeros(spec.width), hidden: zeros(spec.hidden) }
    }
}

/// What the heads keep.
#[derive(Debug)]
pub(super) struct HeadMemory {
    /// `[rows][width]`: the trunk's last state, and `[rows]`: the factors of its norm.
    pub(super) h: Buffer,
    pub(super) factors: Buffer,
    /// `[rows][width + account]`
    pub(super) inputs: Buffer,
    /// `[rows][members · head_hidden]`: before and after silu.
    pub(super) ensemble: [Buffer; 2],
    /// `[rows][3 · head_hidden]`: before and after silu.
    pub(super) control: [Buffer; 2],
    /// `[rows]` of `HeadShape::raw_width`, and of `HeadShape::width`.
    pub(super) raw: Buffer,
    pub(super) outputs: Buffer,
}

impl HeadMemory {
    pub(super) fn new(spec: &Spec, rows: usize) -> Self {
        let zeros = |width: usize| Buffer::zeros(rows * width);
        let (shape, ensemble, control) =
            (spec.head_shape(), spec.members * spec.head_hidden, 3 * spec.head_hidden);
        Self {
            h: zeros(spec.width),
            factors: zeros(1),
            inputs: zeros(spec.width + spec.account),
            ensemble: [zeros(ensemble), zeros(ensemble)],
            control: [zeros(control), zeros(control)],
            raw: zeros(shape.raw_width()),
            outputs: zeros(shape.width()),
        }
    }
}

/// Gradients on the way back.
#[derive(Debug)]
pub(super) struct Gradients {
    /// `[rows][width]`: of the trunk.
    pub(super) h: Buffer,
    /// `[rows][width]`: of a norm, and of attention, of the convolution's sums, of the fusion.
    pub(super) u: Buffer,
    pub(super) attention: Buffer,
    pub(super) convolution: Buffer,
    pub(super) mixed: Buffer,
    /// `[rows]` of \[q, k, v, γ\].
    pub(super) projected: Buffer,
    /// `[rows][hidden]` and `[rows]` of \[α, β\].
    pub(super) hidden: Buffer,
    pub(super) pair: Buffer,
    /// As the heads'.
    pub(super) outputs: Buffer,
    pub(super) raw: Buffer,
    pub(super) ensemble: [Buffer; 2],
    pub(super) control: [Buffer; 2],
    pub(super) head_inputs: Buffer,
    /// As the embedding's.
    pub(super) embed: Buffer,
    pub(super) phases: Buffer,
    pub(super) stamps: Buffer,
    pub(super) micro: Buffer,
    pub(super) micro_in: Buffer,
    pub(super) level: [Buffer; 2],
    pub(super) book: Buffer,
    /// A member's matrix and bias.
    pub(super) member: Buffer,
}

impl Gradients {
    pub(super) fn new(spec: &Spec, places: &Places, rows: usize) -> Self {
        let zeros = |width: usize| Buffer::zeros(rows * width);
        let (d, shape) = (spec.width, spec.head_shape());
        let (ensemble, control) = (spec.members * spec.head_hidden, 3 * spec.head_hidden);
        let level = spec.levels * LEVEL_WIDTH;
        Self {
            h: zeros(d),
            u: zeros(d),
            attention: zeros(d),
            convolution: zeros(d),
            mixed: zeros(d),
            projected: zeros(4 * d),
            hidden: zeros(spec.hidden),
            pair: zeros(2 * spec.hidden),
            outputs: zeros(shape.width()),
            raw: zeros(shape.raw_width()),
            ensemble: [zeros(ensemble), zeros(ensemble)],
            control: [zeros(control), zeros(control)],
            head_inputs: zeros(d + spec.account),
            embed: zeros(spec.embed_inputs()),
            phases: zeros(spec.frequencies),
            stamps: zeros(STAMPS),
            micro: zeros(spec.micro),
            micro_in: zeros(spec.micro_inputs()),
            level: [zeros(level), zeros(level)],
            book: zeros(spec.levels * LEVEL_INPUTS),
            member: Buffer::zeros(places.member.len()),
        }
    }
}

/// The steps before those that are learnt from, a few sequences at a time.
#[derive(Debug)]
pub(super) struct BurnIn {
    /// How many sequences at a time.
    pub(super) group: usize,
    pub(super) embedding: Embedding,
    pub(super) layer: LayerMemory,
    pub(super) passing: Passing,
    pub(super) scratch: Scratch,
    pub(super) h: Buffer,
}

/// All of it.
#[derive(Debug)]
pub(super) struct Memory {
    pub(super) sequences: Sequences,
    pub(super) products: Products,
    pub(super) scratch: Scratch,
    pub(super) burn_in: Option<BurnIn>,
    pub(super) embedding: Embedding,
    pub(super) layers: Vec<LayerMemory>,
    pub(super) passing: Passing,
    pub(super) heads: HeadMemory,
    pub(super) gradients: Gradients,
}

/// Rows of the burn-in that are computed together, about.
const BURN_IN_ROWS: usize = 2048;

impl Memory {
    pub(super) fn new(cpu: &Cpu, spec: &Spec, places: &Places, shape: BatchShape) -> Self {
        let (mixer, rows) = (spec.mixer(), shape.rows());
        let past = if shape.burn_in < mixer.reach() { shape.burn_in } else { mixer.reach() };
        let sequences = Sequences { count: shape.sequences, steps: shape.steps, past };
        let burn_in = (shape.burn_in > 0).then(|| {
            let fit = BURN_IN_ROWS / shape.burn_in;
            let group = if fit > shape.sequences {
                shape.sequences
            } else if fit > 1 {
                fit
            } else {
                1
            };
            let rows = group * shape.burn_in;
            BurnIn {
                group,
                embedding: Embedding::new(spec, rows),
                layer: LayerMemory::new(spec, rows, 0),
                passing: Passing::new(spec, rows),
                scratch: Scratch::new(
                    cpu,
                    &mixer,
                    &[Sequences { count: group, steps: shape.burn_in, past: 0 }],
                ),
                h: Buffer::zeros(rows * spec.width),
            }
        });
        Self {
            sequences,
            // The burn-in needs room for weights alone, and that is there.
            products: Products::new(places.products(spec, rows)),
            scratch: Scratch::new(cpu, &mixer, &[sequences]),
            burn_in,
            embedding: Embedding::new(spec, rows),
            layers: (0..spec.layers).map(|_| LayerMemory::new(spec, rows, shape.sequences * past)).collect(),
            passing: Passing::new(spec, rows),
            heads: HeadMemory::new(spec, rows),
            gradients: Gradients::new(spec, places, rows),
        }
    }
}
