//! The forward pass of training: the bits of [`Model::sequences`](crate::model::Model::sequences), and all
//! that the backward pass needs is kept.

use std::ops::Range;

use super::memory::{BurnIn, Embedding, HeadMemory, LayerMemory, Memory, Passing};
use super::parameters::{LayerPlaces, Places};
use super::{BatchShape, Trainer, TrainingBackend};
use crate::attention::Sequences;
use crate::backend::BackendError;
use crate::heads::{ACTIONS, QUANTILES};
use crate::linear::Epilogue;
use crate::model::{Inputs, LEVEL_INPUTS, LEVEL_WIDTH, STAMPS, Spec};
use crate::tensor::Rows;

/// What every part of the pass reads.
pub(super) struct Reads<'a, B: TrainingBackend> {
    pub(super) backend: &'a B,
    pub(super) spec: &'a Spec,
    pub(super) places: &'a Places,
    pub(super) values: &'a B::Buffer,
}

impl<B: TrainingBackend> Clone for Reads<'_, B> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<B: TrainingBackend> Copy for Reads<'_, B> {}

/// Rows of the inputs: the same steps of some sequences.
struct InputRows {
    /// Steps from a sequence to the next.
    stride: usize,
    sequences: Range<usize>,
    steps: Range<usize>,
}

impl InputRows {
    /// Brings these rows of `width` values to where they are needed.
    fn copy<B: TrainingBackend>(
        &self,
        backend: &B,
        from: &[f32],
        width: usize,
        (to, place): (&mut B::Buffer, Rows),
    ) -> Result<(), BackendError> {
        if width == 0 {
            return Ok(());
        }
        let steps = self.steps.len();
        for (number, sequence) in self.sequences.clone().enumerate() {
            let from = &from[(sequence * self.stride + self.steps.start) * width..][..steps * width];
            let place = Rows::columns(place.offset + number * steps * place.stride, place.stride);
            backend.write((&mut *to, place), steps, width, from)?;
        }
        Ok(())
    }
}

impl<B: TrainingBackend> Trainer<B> {
    /// Trunk and heads.
    pub(super) fn forward(&mut self, inputs: &Inputs<'_>, account: &[f32]) -> Result<(), BackendError> {
        let (spec, shape) = (&self.spec, self.shape);
        let reads = Reads { backend: &self.backend, spec, places: &self.places, values: &self.values };
        let Memory { sequences, scratch, burn_in, embedding, layers, passing, heads, .. } = &mut self.memory;
        if let Some(burn_in) = burn_in {
            for first in (0..shape.sequences).step_by(burn_in.group) {
                let end = first + burn_in.group;
                let end = if end < shape.sequences { end } else { shape.sequences };
                warm_up(reads, scratch, burn_in, layers, (shape, first..end), sequences.past, inputs)?;
            }
        }
        let steps = shape.burn_in..shape.burn_in + shape.steps;
        let rows = InputRows { stride: shape.burn_in + shape.steps, sequences: 0..shape.sequences, steps };
        embed(reads, scratch, embedding, &rows, inputs, &mut layers[0].h[0])?;
        for layer in 0..spec.layers {
            let (these, later) = layers.split_at_mut(layer + 1);
            let next = later.first_mut().map_or(&mut heads.h, |next| &mut next.h[0]);
            let places = &reads.places.layers[layer];
            mix(reads, scratch, places, &mut these[layer], *sequences, passing)?;
            feed(reads, scratch, places, &mut these[layer], sequences.rows(), passing, next)?;
        }
        run_heads(reads, scratch, heads, account, sequences.rows())
    }
}

/// The trunk over the burn-in of some sequences, for what its layers leave to the steps behind it.
fn warm_up<B: TrainingBackend>(
    reads: Reads<'_, B>,
    scratch: &mut B::Scratch,
    burn_in: &mut BurnIn<B::Buffer>,
    layers: &mut [LayerMemory<B::Buffer>],
    (shape, these): (BatchShape, Range<usize>),
    past: usize,
    inputs: &Inputs<'_>,
) -> Result<(), BackendError> {
    let BurnIn { embedding, layer: memory, passing, h, .. } = burn_in;
    let (backend, d) = (reads.backend, reads.spec.width);
    let sequences = Sequences { count: these.len(), steps: shape.burn_in, past: 0 };
    let stride = shape.burn_in + shape.steps;
    let rows = InputRows { stride, sequences: these.clone(), steps: 0..shape.burn_in };
    embed(reads, scratch, embedding, &rows, inputs, &mut memory.h[0])?;
    for (number, layer) in layers.iter_mut().enumerate() {
        let places = &reads.places.layers[number];
        // Of the last layer only keys, values and u are needed, which come first. u stays where it is.
        let last = number + 1 == reads.spec.layers;
        if last {
            project(reads, scratch, places, memory, sequences.rows(), &mut passing.u)?;
        } else {
            mix(reads, scratch, places, memory, sequences, passing)?;
        }
        for sequence in 0..sequences.count {
            let from = (sequence + 1) * shape.burn_in - past;
            let to = (these.start + sequence) * past * 3 * d;
            let keys = (&memory.projected, Rows::columns(from * 4 * d + d, 4 * d));
            backend.copy(keys, (&mut layer.past, Rows::columns(to, 3 * d)), past, 2 * d)?;
            let u = (&passing.u, Rows::columns(from * d, d));
            backend.copy(u, (&mut layer.past, Rows::columns(to + 2 * d, 3 * d)), past, d)?;
        }
        if !last {
            feed(reads, scratch, places, memory, sequences.rows(), passing, h)?;
            let dense = Rows::dense(d);
            backend.copy((&*h, dense), (&mut memory.h[0], dense), sequences.rows(), d)?;
        }
    }
    Ok(())
}

/// Features, book, trades and times become the trunk's first state.
fn embed<B: TrainingBackend>(
    reads: Reads<'_, B>,
    scratch: &mut B::Scratch,
    memory: &mut Embedding<B::Buffer>,
    place: &InputRows,
    inputs: &Inputs<'_>,
    h: &mut B::Buffer,
) -> Result<(), BackendError> {
    let Reads { backend, spec, places, values } = reads;
    let rows = place.sequences.len() * place.steps.len();
    let (levels, micro, width) = (spec.levels, spec.micro_inputs(), spec.embed_inputs());
    let book = Rows::dense(levels * LEVEL_INPUTS);
    place.copy(backend, inputs.book, levels * LEVEL_INPUTS, (&mut memory.book, book))?;
    let trades = Rows::columns(levels * LEVEL_WIDTH, micro);
    place.copy(backend, inputs.trades, spec.trades, (&mut memory.micro_in, trades))?;
    place.copy(backend, inputs.stamps, STAMPS, (&mut memory.stamps, Rows::dense(STAMPS)))?;
    place.copy(backend, inputs.features, spec.features, (&mut memory.embed, Rows::dense(width)))?;

    let [sums, level] = &mut memory.level;
    let dense = Rows::dense(LEVEL_WIDTH);
    let (book, y) = ((&memory.book, Rows::dense(LEVEL_INPUTS)), (&mut *sums, dense));
    backend.product(scratch, (values, places.level), book, y, rows * levels, Epilogue::Store)?;
    backend.silu((&*sums, dense), (&mut *level, dense), rows * levels, LEVEL_WIDTH)?;
    let (all, inputs) = (Rows::dense(levels * LEVEL_WIDTH), Rows::dense(micro));
    backend.copy((&*level, all), (&mut memory.micro_in, inputs), rows, levels * LEVEL_WIDTH)?;
    let dense = Rows::dense(spec.micro);
    let (x, y) = ((&memory.micro_in, inputs), (&mut memory.micro, dense));
    backend.product(scratch, (values, places.micro), x, y, rows, Epilogue::Store)?;
    let to = (&mut memory.embed, Rows::columns(spec.features, width));
    backend.silu((&memory.micro, dense), to, rows, spec.micro)?;
    let times = Rows::columns(spec.features + spec.micro, width);
    let stamps = (&memory.stamps, Rows::dense(STAMPS));
    backend.time_features((values, places.fourier), stamps, (&mut memory.embed, times), rows)?;
    let (x, y) = ((&memory.embed, Rows::dense(width)), (h, Rows::dense(spec.width)));
    backend.product(scratch, (values, places.embed), x, y, rows, Epilogue::Store)
}

/// u and \[q, k, v, γ\].
fn project<B: TrainingBackend>(
    reads: Reads<'_, B>,
    scratch: &mut B::Scratch,
    places: &LayerPlaces,
    memory: &mut LayerMemory<B::Buffer>,
    rows: usize,
    u: &mut B::Buffer,
) -> Result<(), BackendError> {
    let Reads { backend, spec, values, .. } = reads;
    let (d, dense) = (spec.width, Rows::dense(spec.width));
    let h = (&memory.h[0], dense);
    backend.norm_factors(h, &mut memory.factors[0], rows, d)?;
    backend.norm_scale((values, places.mix_gain), (h, &memory.factors[0]), (&mut *u, dense), rows, d)?;
    let y = (&mut memory.projected, Rows::dense(4 * d));
    backend.product(scratch, (values, places.qkvg), (&*u, dense), y, rows, Epilogue::Store)
}

/// Attention, convolution and their fusion: from h\[0\] to h\[1\].
fn mix<B: TrainingBackend>(
    reads: Reads<'_, B>,
    scratch: &mut B::Scratch,
    places: &LayerPlaces,
    memory: &mut LayerMemory<B::Buffer>,
    sequences: Sequences,
    passing: &mut Passing<B::Buffer>,
) -> Result<(), BackendError> {
    let Reads { backend, spec, values, .. } = reads;
    let (d, dense, rows) = (spec.width, Rows::dense(spec.width), sequences.rows());
    project(reads, scratch, places, memory, rows, &mut passing.u)?;
    let LayerMemory { past, h, projected, attention, statistics, convolution: sums, .. } = memory;
    let (projected, past) = (&*projected, &*past);
    backend.attention(scratch, (projected, past), sequences, (&mut *attention, statistics))?;
    let taps = (values, places.convolution);
    backend.convolution(scratch, taps, (&passing.u, past), sequences, &mut *sums)?;
    backend.gate([projected, &*attention, &*sums], &mut passing.mixed, rows, d)?;
    let [before, after] = h;
    backend.copy((&*before, dense), (&mut *after, dense), rows, d)?;
    let (x, y) = ((&passing.mixed, dense), (after, dense));
    backend.product(scratch, (values, places.mix), x, y, rows, Epilogue::Add)
}

/// The feed-forward block: from h\[1\] to `next`.
fn feed<B: TrainingBackend>(
    reads: Reads<'_, B>,
    scratch: &mut B::Scratch,
    places: &LayerPlaces,
    memory: &mut LayerMemory<B::Buffer>,
    rows: usize,
    passing: &mut Passing<B::Buffer>,
    next: &mut B::Buffer,
) -> Result<(), BackendError> {
    let Reads { backend, spec, values, .. } = reads;
    let (d, dense) = (spec.width, Rows::dense(spec.width));
    let h = (&memory.h[1], dense);
    backend.norm_factors(h, &mut memory.factors[1], rows, d)?;
    let u = (&mut passing.u, dense);
    backend.norm_scale((values, places.feed_gain), (h, &memory.factors[1]), u, rows, d)?;
    let (x, pair) = ((&passing.u, dense), (&mut memory.pair, Rows::dense(2 * spec.hidden)));
    backend.product(scratch, (values, places.feed_in), x, pair, rows, Epilogue::Store)?;
    backend.swiglu(&memory.pair, &mut passing.hidden, rows, spec.hidden)?;
    backend.copy(h, (&mut *next, dense), rows, d)?;
    let (x, y) = ((&passing.hidden, Rows::dense(spec.hidden)), (next, dense));
    backend.product(scratch, (values, places.feed_out), x, y, rows, Epilogue::Add)
}

/// The last norm, and all heads.
fn run_heads<B: TrainingBackend>(
    reads: Reads<'_, B>,
    scratch: &mut B::Scratch,
    memory: &mut HeadMemory<B::Buffer>,
    account: &[f32],
    rows: usize,
) -> Result<(), BackendError> {
    let Reads { backend, spec, places, values } = reads;
    let (d, inner, shape) = (spec.width, spec.head_hidden, spec.head_shape());
    let stride = d + spec.account;
    let (dense, z) = (Rows::dense(d), Rows::dense(stride));
    backend.norm_factors((&memory.h, dense), &mut memory.factors, rows, d)?;
    let (given, to) = (((&memory.h, dense), &memory.factors), (&mut memory.inputs, z));
    backend.norm_scale((values, places.last_gain), given, to, rows, d)?;
    backend.write((&mut memory.inputs, Rows::columns(d, stride)), rows, spec.account, account)?;
    let HeadMemory { inputs, ensemble, control, raw, outputs, .. } = memory;
    let raw_rows = |column: usize| Rows::columns(column, shape.raw_width());
    let members = spec.members * inner;
    for ((place, width), [sums, values_of]) in [(places.ensemble_in, members), (places.head_in, 3 * inner)]
        .into_iter()
        .zip([&mut *ensemble, &mut *control])
    {
        let dense = Rows::dense(width);
        let y = (&mut *sums, dense);
        backend.product(scratch, (values, place), (&*inputs, z), y, rows, Epilogue::Store)?;
        backend.silu((&*sums, dense), (values_of, dense), rows, width)?;
    }
    for number in 0..spec.members {
        let x = (&ensemble[1], Rows::columns(number * inner, members));
        let y = raw_rows(shape.raw_quantiles() + number * spec.horizons * QUANTILES);
        let member = (values, places.member(number));
        backend.product(scratch, member, x, (&mut *raw, y), rows, Epilogue::Store)?;
    }
    let heads = [(places.policy, 0), (places.value, ACTIONS), (places.risk, shape.raw_risk())];
    for (head, (place, column)) in heads.into_iter().enumerate() {
        let x = (&control[1], Rows::columns(head * inner, 3 * inner));
        let y = (&mut *raw, raw_rows(column));
        backend.product(scratch, (values, place), x, y, rows, Epilogue::Store)?;
    }
    let impact = (&mut *raw, raw_rows(shape.raw_impact()));
    backend.product(scratch, (values, places.impact), (&*inputs, z), impact, rows, Epilogue::Store)?;
    backend.heads(shape, raw, outputs, rows)
}
