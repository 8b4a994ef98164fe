//! Memory of training: what the backward pass needs of the forward one, and what both use on the way.

use super::parameters::Places;
use super::{BatchShape, Plan, TrainingBackend};
use crate::attention::Sequences;
use crate::backend::{Backend, BackendError};
use crate::model::{LEVEL_INPUTS, LEVEL_WIDTH, STAMPS, Spec};

/// What a layer keeps for its backward pass.
#[derive(Debug)]
pub(super) struct LayerMemory<T> {
    /// `[sequences · past]` of \[k, v, u\]: what the burn-in left.
    pub(super) past: T,
    /// `[rows][width]`: the trunk before attention and convolution, and before the feed-forward block.
    pub(super) h: [T; 2],
    /// `[rows]`: factors of their norms.
    pub(super) factors: [T; 2],
    /// `[rows]` of \[q, k, v, γ\].
    pub(super) projected: T,
    /// `[rows][width]`
    pub(super) attention: T,
    /// `[rows][heads][2]`: largest score and 1/Z.
    pub(super) statistics: T,
    /// `[rows][width]`: the convolution's sums.
    pub(super) convolution: T,
    /// `[rows]` of \[α, β\].
    pub(super) pair: T,
}

impl<T> LayerMemory<T> {
    pub(super) fn new<B: Backend<Buffer = T>>(
        backend: &B,
        spec: &Spec,
        rows: usize,
        past_rows: usize,
    ) -> Result<Self, BackendError> {
        let zeros = |width: usize| backend.zeros(rows * width);
        let d = spec.width;
        Ok(Self {
            past: backend.zeros(past_rows * 3 * d)?,
            h: [zeros(d)?, zeros(d)?],
            factors: [zeros(1)?, zeros(1)?],
            projected: zeros(4 * d)?,
            attention: zeros(d)?,
            statistics: zeros(2 * spec.heads)?,
            convolution: zeros(d)?,
            pair: zeros(2 * spec.hidden)?,
        })
    }
}

/// What comes before the trunk.
#[derive(Debug)]
pub(super) struct Embedding<T> {
    /// `[rows · levels][6]`
    pub(super) book: T,
    /// `[rows · levels][8]`: before and after silu.
    pub(super) level: [T; 2],
    /// `[rows][levels · 8 + trades]`
    pub(super) micro_in: T,
    /// `[rows][micro]`: before silu.
    pub(super) micro: T,
    /// `[rows][3]`
    pub(super) stamps: T,
    /// `[rows][features + micro + 2 · frequencies]`
    pub(super) embed: T,
}

impl<T> Embedding<T> {
    pub(super) fn new<B: Backend<Buffer = T>>(
        backend: &B,
        spec: &Spec,
        rows: usize,
    ) -> Result<Self, BackendError> {
        let zeros = |width: usize| backend.zeros(rows * width);
        Ok(Self {
            book: zeros(spec.levels * LEVEL_INPUTS)?,
            level: [zeros(spec.levels * LEVEL_WIDTH)?, zeros(spec.levels * LEVEL_WIDTH)?],
            micro_in: zeros(spec.micro_inputs())?,
            micro: zeros(spec.micro)?,
            stamps: zeros(STAMPS)?,
            embed: zeros(spec.embed_inputs())?,
        })
    }
}

/// What is used by one layer after the other. In the backward pass the same values are made again.
#[derive(Debug)]
pub(super) struct Passing<T> {
    /// `[rows][width]`: a norm.
    pub(super) u: T,
    /// `[rows][width]`: the fusion.
    pub(super) mixed: T,
    /// `[rows][hidden]`
    pub(super) hidden: T,
}

impl<T> Passing<T> {
    pub(super) fn new<B: Backend<Buffer = T>>(
        backend: &B,
        spec: &Spec,
        rows: usize,
    ) -> Result<Self, BackendError> {
        let zeros = |width: usize| backend.zeros(rows * width);
        Ok(Self { u: zeros(spec.width)?, mixed: zeros(spec.width)?, hidden: zeros(spec.hidden)? })
    }
}

/// What the heads keep.
#[derive(Debug)]
pub(super) struct HeadMemory<T> {
    /// `[rows][width]`: the trunk's last state, and `[rows]`: the factors of its norm.
    pub(super) h: T,
    pub(super) factors: T,
    /// `[rows][width + account]`
    pub(super) inputs: T,
    /// `[rows][members · head_hidden]`: before and after silu.
    pub(super) ensemble: [T; 2],
    /// `[rows][3 · head_hidden]`: before and after silu.
    pub(super) control: [T; 2],
    /// `[rows]` of `HeadShape::raw_width`, and of `HeadShape::width`.
    pub(super) raw: T,
    pub(super) outputs: T,
}

impl<T> HeadMemory<T> {
    pub(super) fn new<B: Backend<Buffer = T>>(
        backend: &B,
        spec: &Spec,
        rows: usize,
    ) -> Result<Self, BackendError> {
        let zeros = |width: usize| backend.zeros(rows * width);
        let (shape, ensemble, control) =
            (spec.head_shape(), spec.members * spec.head_hidden, 3 * spec.head_hidden);
        Ok(Self {
            h: zeros(spec.width)?,
            factors: zeros(1)?,
            inputs: zeros(spec.width + spec.account)?,
            ensemble: [zeros(ensemble)?, zeros(ensemble)?],
            control: [zeros(control)?, zeros(control)?],
            raw: zeros(shape.raw_width())?,
            outputs: zeros(shape.width())?,
        })
    }
}

/// Gradients on the way back.
#[derive(Debug)]
pub(super) struct Gradients<T> {
    /// `[rows][width]`: of the trunk.
    pub(super) h: T,
    /// `[rows][width]`: of a norm, and of attention, of the convolution's sums, of the fusion.
    pub(super) u: T,
    pub(super) attention: T,
    pub(super) convolution: T,
    pub(super) mixed: T,
    /// `[rows]` of \[q, k, v, γ\].
    pub(super) projected: T,
    /// `[rows][hidden]` and `[rows]` of \[α, β\].
    pub(super) hidden: T,
    pub(super) pair: T,
    /// As the heads'.
    pub(super) outputs: T,
    pub(super) raw: T,
    pub(super) ensemble: [T; 2],
    pub(super) control: [T; 2],
    pub(super) head_inputs: T,
    /// As the embedding's.
    pub(super) embed: T,
    pub(super) phases: T,
    pub(super) stamps: T,
    pub(super) micro: T,
    pub(super) micro_in: T,
    pub(super) level: [T; 2],
    pub(super) book: T,
}

impl<T> Gradients<T> {
    pub(super) fn new<B: Backend<Buffer = T>>(
        backend: &B,
        spec: &Spec,
        rows: usize,
    ) -> Result<Self, BackendError> {
        let zeros = |width: usize| backend.zeros(rows * width);
        let (d, shape) = (spec.width, spec.head_shape());
        let (ensemble, control) = (spec.members * spec.head_hidden, 3 * spec.head_hidden);
        let level = spec.levels * LEVEL_WIDTH;
        Ok(Self {
            h: zeros(d)?,
            u: zeros(d)?,
            attention: zeros(d)?,
            convolution: zeros(d)?,
            mixed: zeros(d)?,
            projected: zeros(4 * d)?,
            hidden: zeros(spec.hidden)?,
            pair: zeros(2 * spec.hidden)?,
            outputs: zeros(shape.width())?,
            raw: zeros(shape.raw_width())?,
            ensemble: [zeros(ensemble)?, zeros(ensemble)?],
            control: [zeros(control)?, zeros(control)?],
            head_inputs: zeros(d + spec.account)?,
            embed: zeros(spec.embed_inputs())?,
            phases: zeros(spec.frequencies)?,
            stamps: zeros(STAMPS)?,
            micro: zeros(spec.micro)?,
            micro_in: zeros(spec.micro_inputs())?,
            level: [zeros(level)?, zeros(level)?],
            book: zeros(spec.levels * LEVEL_INPUTS)?,
        })
    }
}

/// The steps before those that are learnt from, a few sequences at a time.
#[derive(Debug)]
pub(super) struct BurnIn<T> {
    /// How many sequences at a time.
    pub(super) group: usize,
    pub(super) embedding: Embedding<T>,
    pub(super) layer: LayerMemory<T>,
    pub(super) passing: Passing<T>,
    pub(super) h: T,
}

/// All of it, in the backend's memory.
#[derive(Debug)]
pub(super) struct Memory<T, S> {
    pub(super) sequences: Sequences,
    pub(super) scratch: S,
    pub(super) burn_in: Option<BurnIn<T>>,
    pub(super) embedding: Embedding<T>,
    pub(super) layers: Vec<LayerMemory<T>>,
    pub(super) passing: Passing<T>,
    pub(super) heads: HeadMemory<T>,
    pub(super) gradients: Gradients<T>,
}

/// Rows of the burn-in that are computed together, about.
const BURN_IN_ROWS: usize = 2048;

impl<T, S> Memory<T, S> {
    pub(super) fn new<B: TrainingBackend<Buffer = T, Scratch = S>>(
        backend: &B,
        spec: &Spec,
        places: &Places,
        shape: BatchShape,
    ) -> Result<Self, BackendError> {
        let (mixer, rows) = (spec.mixer(), shape.rows());
        let past = if shape.burn_in < mixer.reach() { shape.burn_in } else { mixer.reach() };
        let sequences = Sequences { count: shape.sequences, steps: shape.steps, past };
        let mut all = vec![sequences];
        let mut burn_in = None;
        if let Some(fit) = BURN_IN_ROWS.checked_div(shape.burn_in) {
            let group = if fit > shape.sequences {
                shape.sequences
            } else if fit > 1 {
                fit
            } else {
                1
            };
            let rows = group * shape.burn_in;
            all.push(Sequences { count: group, steps: shape.burn_in, past: 0 });
            burn_in = Some(BurnIn {
                group,
                embedding: Embedding::new(backend, spec, rows)?,
                layer: LayerMemory::new(backend, spec, rows, 0)?,
                passing: Passing::new(backend, spec, rows)?,
                h: backend.zeros(rows * spec.width)?,
            });
        }
        let layer = |_| LayerMemory::new(backend, spec, rows, shape.sequences * past);
        let layers: Result<_, BackendError> = (0..spec.layers).map(layer).collect();
        // The burn-in needs room for weights alone, and that is there.
        let products = places.products(spec, rows);
        let heads = spec.head_shape();
        let plan = Plan { mixer, heads, sequences: all, products, weights: places.len };
        Ok(Self {
            sequences,
            scratch: backend.scratch(&plan)?,
            burn_in,
            embedding: Embedding::new(backend, spec, rows)?,
            layers: layers?,
            passing: Passing::new(backend, spec, rows)?,
            heads: HeadMemory::new(backend, spec, rows)?,
            gradients: Gradients::new(backend, spec, rows)?,
        })
    }
}
