//! The forward pass of training: the bits of [`Model::sequences`](crate::model::Model::sequences), and all
//! that the backward pass needs is kept.

use std::ops::Range;

use super::memory::{BurnIn, Embedding, HeadMemory, LayerMemory, Memory, Passing};
use super::parameters::{LayerPlaces, Places};
use super::{BatchShape, Trainer};
use crate::attention::{self, Scratch, Sequences};
use crate::backend::Cpu;
use crate::heads::{self, ACTIONS, QUANTILES};
use crate::linear::Epilogue;
use crate::linear::products::Products;
use crate::mixer::MixerShape;
use crate::model::{Inputs, LEVEL_INPUTS, LEVEL_WIDTH, STAMPS, Spec};
use crate::norm::training as norm;
use crate::tensor::{Buffer, Rows};
use crate::{activation, convolution, fourier, gate};

/// What every part of the pass reads.
#[derive(Clone, Copy)]
pub(super) struct Reads<'a> {
    pub(super) cpu: &'a Cpu,
    pub(super) spec: &'a Spec,
    pub(super) mixer: &'a MixerShape,
    pub(super) places: &'a Places,
    pub(super) values: &'a Buffer,
}

/// Rows of the inputs: the same steps of some sequences.
struct InputRows {
    /// Steps from a sequence to the next.
    stride: usize,
    sequences: Range<usize>,
    steps: Range<usize>,
}

impl InputRows {
    /// Copies these rows of `width` values into `to`.
    fn copy(&self, from: &[f32], width: usize, (to, place): (&mut Buffer, Rows)) {
        let mut row = place.offset;
        for sequence in self.sequences.clone() {
            for step in self.steps.clone() {
                let from = &from[(sequence * self.stride + step) * width..][..width];
                to[row..row + width].copy_from_slice(from);
                row += place.stride;
            }
        }
    }
}

impl Trainer {
    /// Trunk and heads.
    pub(super) fn forward(&mut self, inputs: &Inputs<'_>, account: &[f32]) {
        let (spec, shape) = (&self.spec, self.shape);
        let reads =
            Reads { cpu: &self.cpu, spec, mixer: &self.mixer, places: &self.places, values: &self.values };
        let Memory { sequences, products, scratch, burn_in, embedding, layers, passing, heads, .. } =
            &mut self.memory;
        if let Some(burn_in) = burn_in {
            for first in (0..shape.sequences).step_by(burn_in.group) {
                let end = first + burn_in.group;
                let end = if end < shape.sequences { end } else { shape.sequences };
                warm_up(reads, products, burn_in, layers, (shape, first..end), sequences.past, inputs);
            }
        }
        let steps = shape.burn_in..shape.burn_in + shape.steps;
        let rows = InputRows { stride: shape.burn_in + shape.steps, sequences: 0..shape.sequences, steps };
        embed(reads, products, embedding, &rows, inputs, &mut layers[0].h[0]);
        for layer in 0..spec.layers {
            let (these, later) = layers.split_at_mut(layer + 1);
            let next = later.first_mut().map_or(&mut heads.h, |next| &mut next.h[0]);
            let places = &reads.places.layers[layer];
            mix(reads, products, places, &mut these[layer], *sequences, passing, scratch);
            feed(reads, products, places, &mut these[layer], sequences.rows(), passing, next);
        }
        run_heads(reads, products, heads, account, sequences.rows());
    }
}

/// The trunk over the burn-in of some sequences, for what its layers leave to the steps behind it.
fn warm_up(
    reads: Reads<'_>,
    products: &mut Products,
    burn_in: &mut BurnIn,
    layers: &mut [LayerMemory],
    (shape, these): (BatchShape, Range<usize>),
    past: usize,
    inputs: &Inputs<'_>,
) {
    let BurnIn { embedding, layer: memory, passing, scratch, h, .. } = burn_in;
    let d = reads.spec.width;
    let sequences = Sequences { count: these.len(), steps: shape.burn_in, past: 0 };
    let stride = shape.burn_in + shape.steps;
    let rows = InputRows { stride, sequences: these.clone(), steps: 0..shape.burn_in };
    embed(reads, products, embedding, &rows, inputs, &mut memory.h[0]);
    for (number, layer) in layers.iter_mut().enumerate() {
        let places = &reads.places.layers[number];
        // Of the last layer only keys, values and u are needed, which come first. u stays where it is.
        let last = number + 1 == reads.spec.layers;
        if last {
            project(reads, products, places, memory, sequences.rows(), &mut passing.u);
        } else {
            mix(reads, products, places, memory, sequences, passing, scratch);
        }
        for sequence in 0..sequences.count {
            for step in 0..past {
                let from = (sequence + 1) * shape.burn_in - past + step;
                let to = (these.start + sequence) * past + step;
                let to = &mut layer.past[to * 3 * d..][..3 * d];
                to[..2 * d].copy_from_slice(&memory.projected[from * 4 * d + d..][..2 * d]);
                to[2 * d..].copy_from_slice(&passing.u[from * d..][..d]);
            }
        }
        if !last {
            feed(reads, products, places, memory, sequences.rows(), passing, h);
            memory.h[0].copy_from_slice(h);
        }
    }
}

/// Features, book, trades and times become the trunk's first state.
fn embed(
    reads: Reads<'_>,
    products: &mut Products,
    memory: &mut Embedding,
    place: &InputRows,
    inputs: &Inputs<'_>,
    h: &mut Buffer,
) {
    let Reads { cpu, spec, places, values, .. } = reads;
    let rows = place.sequences.len() * place.steps.len();
    let (levels, micro, width) = (spec.levels, spec.micro_inputs(), spec.embed_inputs());
    place.copy(inputs.book, levels * LEVEL_INPUTS, (&mut memory.book, Rows::dense(levels * LEVEL_INPUTS)));
    let trades = Rows::columns(levels * LEVEL_WIDTH, micro);
    place.copy(inputs.trades, spec.trades, (&mut memory.micro_in, trades));
    place.copy(inputs.stamps, STAMPS, (&mut memory.stamps, Rows::dense(STAMPS)));
    place.copy(inputs.features, spec.features, (&mut memory.embed, Rows::dense(width)));

    let [sums, level] = &mut memory.level;
    let dense = Rows::dense(LEVEL_WIDTH);
    let book = (&memory.book, Rows::dense(LEVEL_INPUTS));
    products.forward(cpu, places.level.of(values), book, (sums, dense), rows * levels, Epilogue::Store);
    activation::silu(cpu, (sums, dense), (level, dense), rows * levels, LEVEL_WIDTH);
    for (to, from) in
        memory.micro_in.chunks_exact_mut(micro).zip(level.chunks_exact(levels * LEVEL_WIDTH)).take(rows)
    {
        to[..levels * LEVEL_WIDTH].copy_from_slice(from);
    }
    let dense = Rows::dense(spec.micro);
    let x = (&memory.micro_in, Rows::dense(micro));
    products.forward(cpu, places.micro.of(values), x, (&mut memory.micro, dense), rows, Epilogue::Store);
    let to = (&mut memory.embed, Rows::columns(spec.features, width));
    activation::silu(cpu, (&memory.micro, dense), to, rows, spec.micro);
    let (_, frequencies, phases) = places.fourier.of(values);
    let times = Rows::columns(spec.features + spec.micro, width);
    let stamps = (&memory.stamps, Rows::dense(STAMPS));
    fourier::apply(cpu, frequencies, phases, stamps, (&mut memory.embed, times), rows);
    let (x, y) = ((&memory.embed, Rows::dense(width)), (h, Rows::dense(spec.width)));
    products.forward(cpu, places.embed.of(values), x, y, rows, Epilogue::Store);
}

/// u and \[q, k, v, γ\].
fn project(
    reads: Reads<'_>,
    products: &mut Products,
    places: &LayerPlaces,
    memory: &mut LayerMemory,
    rows: usize,
    u: &mut Buffer,
) {
    let Reads { cpu, spec, values, .. } = reads;
    let (d, dense) = (spec.width, Rows::dense(spec.width));
    let h = (&memory.h[0], dense);
    norm::factors(cpu, h, &mut memory.factors[0], rows, d);
    norm::scale(cpu, &values[places.mix_gain..][..d], h, &memory.factors[0], (u, dense), rows);
    let y = (&mut memory.projected, Rows::dense(4 * d));
    products.forward(cpu, places.qkvg.of(values), (u, dense), y, rows, Epilogue::Store);
}

/// Attention, convolution and their fusion: from h\[0\] to h\[1\].
fn mix(
    reads: Reads<'_>,
    products: &mut Products,
    places: &LayerPlaces,
    memory: &mut LayerMemory,
    sequences: Sequences,
    passing: &mut Passing,
    scratch: &Scratch,
) {
    let Reads { cpu, spec, mixer, values, .. } = reads;
    let (d, dense, rows) = (spec.width, Rows::dense(spec.width), sequences.rows());
    project(reads, products, places, memory, rows, &mut passing.u);
    let LayerMemory { past, h, projected, attention, statistics, convolution: sums, .. } = memory;
    let given = attention::Given { projected, past };
    attention::forward(cpu, mixer, given, sequences, (attention, statistics), scratch);
    let taps = &values[places.convolution..][..convolution::weights(mixer)];
    let given = convolution::Given { u: &passing.u, past };
    convolution::forward(cpu, mixer, taps, given, sequences, sums);
    let given = gate::Given { projected, attention, sums };
    gate::forward(cpu, given, &mut passing.mixed, rows, d);
    let [before, after] = h;
    after[..rows * d].copy_from_slice(&before[..rows * d]);
    let (x, y) = ((&passing.mixed, dense), (after, dense));
    products.forward(cpu, places.mix.of(values), x, y, rows, Epilogue::Add);
}

/// The feed-forward block: from h\[1\] to `next`.
fn feed(
    reads: Reads<'_>,
    products: &mut Products,
    places: &LayerPlaces,
    memory: &mut LayerMemory,
    rows: usize,
    passing: &mut Passing,
    next: &mut Buffer,
) {
    let Reads { cpu, spec, values, .. } = reads;
    let (d, dense) = (spec.width, Rows::dense(spec.width));
    let h = (&memory.h[1], dense);
    norm::factors(cpu, h, &mut memory.factors[1], rows, d);
    let u = (&mut passing.u, dense);
    norm::scale(cpu, &values[places.feed_gain..][..d], h, &memory.factors[1], u, rows);
    let pair = (&mut memory.pair, Rows::dense(2 * spec.hidden));
    products.forward(cpu, places.feed_in.of(values), (&passing.u, dense), pair, rows, Epilogue::Store);
    activation::product(cpu, &memory.pair, &mut passing.hidden, rows, spec.hidden);
    next[..rows * d].copy_from_slice(&memory.h[1][..rows * d]);
    let (x, y) = ((&passing.hidden, Rows::dense(spec.hidden)), (next, dense));
    products.forward(cpu, places.feed_out.of(values), x, y, rows, Epilogue::Add);
}

/// The last norm, and all heads.
fn run_heads(
    reads: Reads<'_>,
    products: &mut Products,
    memory: &mut HeadMemory,
    account: &[f32],
    rows: usize,
) {
    let Reads { cpu, spec, places, values, .. } = reads;
    let (d, inner, shape) = (spec.width, spec.head_hidden, spec.head_shape());
    let stride = d + spec.account;
    let (dense, z) = (Rows::dense(d), Rows::dense(stride));
    norm::factors(cpu, (&memory.h, dense), &mut memory.factors, rows, d);
    let gain = &values[places.last_gain..][..d];
    norm::scale(cpu, gain, (&memory.h, dense), &memory.factors, (&mut memory.inputs, z), rows);
    for (to, from) in memory.inputs.chunks_exact_mut(stride).zip(account.chunks_exact(spec.account)) {
        to[d..].copy_from_slice(from);
    }
    let HeadMemory { inputs, ensemble, control, raw, outputs, .. } = memory;
    let raw_rows = |column: usize| Rows::columns(column, shape.raw_width());
    let members = spec.members * inner;
    for ((place, width), [sums, values_of]) in
        [(places.ensemble_in, members), (places.head_in, 3 * inner)].into_iter().zip([ensemble, control])
    {
        let dense = Rows::dense(width);
        products.forward(cpu, place.of(values), (inputs, z), (sums, dense), rows, Epilogue::Store);
        activation::silu(cpu, (sums, dense), (values_of, dense), rows, width);
    }
    for number in 0..spec.members {
        let x = (&memory.ensemble[1], Rows::columns(number * inner, members));
        let y = raw_rows(shape.raw_quantiles() + number * spec.horizons * QUANTILES);
        products.forward(cpu, places.member_of(values, number), x, (&mut *raw, y), rows, Epilogue::Store);
    }
    let heads = [(places.policy, 0), (places.value, ACTIONS), (places.risk, shape.raw_risk())];
    for (head, (place, column)) in heads.into_iter().enumerate() {
        let x = (&memory.control[1], Rows::columns(head * inner, 3 * inner));
        products.forward(cpu, place.of(values), x, (&mut *raw, raw_rows(column)), rows, Epilogue::Store);
    }
    let impact = (&mut *raw, raw_rows(shape.raw_impact()));
    products.forward(cpu, places.impact.of(values), (inputs, z), impact, rows, Epilogue::Store);
    heads::apply(cpu, shape, raw, outputs, rows);
}
