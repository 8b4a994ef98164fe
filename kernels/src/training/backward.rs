//! The backward pass: from the gradient of the outputs to that of every weight, and of every input.

use super::Trainer;
use super::forward::Reads;
use super::memory::{Embedding, Gradients, HeadMemory, LayerMemory, Memory, Passing};
use super::parameters::{LayerPlaces, Place};
use crate::attention::{self, Scratch, Sequences};
use crate::heads::{ACTIONS, QUANTILES, training as heads};
use crate::linear::Epilogue;
use crate::linear::products::Products;
use crate::model::{LEVEL_INPUTS, LEVEL_WIDTH, STAMPS};
use crate::norm::training as norm;
use crate::tensor::{Buffer, Rows};
use crate::{activation, convolution, fourier, gate};

/// Products and where weights' gradients go; without such a place only those of the inputs are computed.
struct Writes<'a> {
    products: &'a mut Products,
    weights: Option<&'a mut Buffer>,
}

impl Writes<'_> {
    /// The gradients of a matrix: of its weights, and of its input unless `dx` is `None`.
    fn matrix(
        &mut self,
        reads: Reads<'_>,
        place: Place,
        (x, gradient): ((&Buffer, Rows), (&Buffer, Rows)),
        dx: Option<((&mut Buffer, Rows), Epilogue)>,
        rows: usize,
    ) {
        if let Some(weights) = &mut self.weights {
            let to = (&mut **weights, place.at);
            self.products.weight_gradient(reads.cpu, place.shape, x, gradient, to, rows);
        }
        if let Some((dx, epilogue)) = dx {
            let (shape, matrix, _) = place.of(reads.values);
            self.products.input_gradient(reads.cpu, (shape, matrix), gradient, dx, rows, epilogue);
        }
    }

    /// Where the gradient of a norm's gain goes.
    fn gain(&mut self, at: usize) -> Option<(&mut Buffer, usize)> {
        self.weights.as_deref_mut().map(|weights| (weights, at))
    }
}

impl Trainer {
    /// Gradients of all inputs, and where there is room for them of all weights, from that of the outputs, which
    /// the memory holds.
    pub(super) fn backward(&mut self) {
        let reads = Reads {
            cpu: &self.cpu,
            spec: &self.spec,
            mixer: &self.mixer,
            places: &self.places,
            values: &self.values,
        };
        let Memory { sequences, products, scratch, embedding, layers, passing, heads, gradients, .. } =
            &mut self.memory;
        let weights = (!self.gradients.is_empty()).then_some(&mut self.gradients);
        let writes = &mut Writes { products, weights };
        let rows = sequences.rows();
        run_heads(reads, writes, heads, gradients, rows);
        for (layer, places) in layers.iter().zip(&reads.places.layers).rev() {
            feed(reads, writes, places, layer, passing, gradients, rows);
            mix(reads, writes, places, layer, *sequences, passing, gradients, scratch);
        }
        embed(reads, writes, embedding, gradients, rows);
    }
}

/// All heads and the last norm: the gradient of the trunk's last state.
fn run_heads(
    reads: Reads<'_>,
    writes: &mut Writes<'_>,
    memory: &HeadMemory,
    gradients: &mut Gradients,
    rows: usize,
) {
    let super::forward::Reads { cpu, spec, places, values, .. } = reads;
    let (d, inner, shape) = (spec.width, spec.head_hidden, spec.head_shape());
    let Gradients { outputs, raw, ensemble, control, head_inputs, member, h, .. } = gradients;
    heads::backward(cpu, shape, (&memory.raw, &memory.outputs), outputs, raw, rows);
    let raw_rows = |column: usize| Rows::columns(column, shape.raw_width());

    let outputs_of = [(places.policy, 0), (places.value, ACTIONS), (places.risk, shape.raw_risk())];
    for (head, (place, column)) in outputs_of.into_iter().enumerate() {
        let columns = Rows::columns(head * inner, 3 * inner);
        let given = ((&memory.control[1], columns), (&*raw, raw_rows(column)));
        let dx = Some(((&mut control[1], columns), Epilogue::Store));
        writes.matrix(reads, place, given, dx, rows);
    }
    let members = spec.members * inner;
    for number in 0..spec.members {
        let columns = Rows::columns(number * inner, members);
        let x = (&memory.ensemble[1], columns);
        let gradient = (&*raw, raw_rows(shape.raw_quantiles() + number * spec.horizons * QUANTILES));
        if let Some(weights) = writes.weights.as_deref_mut() {
            writes.products.weight_gradient(cpu, places.member, x, gradient, (&mut *member, 0), rows);
            let (matrix_at, bias_at) = places.member_at(number);
            let (matrix, bias) = member.split_at(places.member.inputs * places.member.outputs);
            weights[matrix_at..][..matrix.len()].copy_from_slice(matrix);
            weights[bias_at..][..bias.len()].copy_from_slice(bias);
        }
        let (shape, matrix, _) = places.member_of(values, number);
        let dx = (&mut ensemble[1], columns);
        writes.products.input_gradient(cpu, (shape, matrix), gradient, dx, rows, Epilogue::Store);
    }
    // The gradient of z and account: that of the control head, then the ensemble's and the impact's of z.
    let z = Rows::dense(d + spec.account);
    let hidden = [
        (places.head_in, 3 * inner, control, &memory.control, Epilogue::Store),
        (places.ensemble_in, members, ensemble, &memory.ensemble, Epilogue::Add),
    ];
    for (place, width, [sums, values_of], memory_of, epilogue) in hidden {
        let dense = Rows::dense(width);
        let given = ((&memory_of[0], dense), (&*values_of, dense));
        activation::silu_backward(cpu, given.0, given.1, (sums, dense), rows, width);
        let given = ((&memory.inputs, z), (&*sums, dense));
        writes.matrix(reads, place, given, Some(((&mut *head_inputs, z), epilogue)), rows);
    }
    let given = ((&memory.inputs, z), (&*raw, raw_rows(shape.raw_impact())));
    writes.matrix(reads, places.impact, given, Some(((&mut *head_inputs, z), Epilogue::Add)), rows);

    let dense = Rows::dense(d);
    let given = norm::Given {
        gain: &values[places.last_gain..][..d],
        x: (&memory.h, dense),
        factors: &memory.factors,
        gradient: (head_inputs, z),
    };
    norm::backward(cpu, given, (h, dense), false, writes.gain(places.last_gain), rows);
}

/// The feed-forward block: its gradient is added to that of the trunk.
fn feed(
    reads: Reads<'_>,
    writes: &mut Writes<'_>,
    places: &LayerPlaces,
    memory: &LayerMemory,
    passing: &mut Passing,
    gradients: &mut Gradients,
    rows: usize,
) {
    let Reads { cpu, spec, values, .. } = reads;
    let (d, dense, f) = (spec.width, Rows::dense(spec.width), spec.hidden);
    let (hidden_rows, pair_rows) = (Rows::dense(f), Rows::dense(2 * f));
    let Gradients { h, u, hidden, pair, .. } = gradients;
    activation::product(cpu, &memory.pair, &mut passing.hidden, rows, f);
    let given = ((&passing.hidden, hidden_rows), (&*h, dense));
    writes.matrix(reads, places.feed_out, given, Some(((&mut *hidden, hidden_rows), Epilogue::Store)), rows);
    activation::product_backward(cpu, &memory.pair, hidden, pair, rows, f);
    let gain = &values[places.feed_gain..][..d];
    let (x, factors) = ((&memory.h[1], dense), &memory.factors[1]);
    norm::scale(cpu, gain, x, factors, (&mut passing.u, dense), rows);
    let given = ((&passing.u, dense), (&*pair, pair_rows));
    writes.matrix(reads, places.feed_in, given, Some(((&mut *u, dense), Epilogue::Store)), rows);
    let given = norm::Given { gain, x, factors, gradient: (u, dense) };
    norm::backward(cpu, given, (h, dense), true, writes.gain(places.feed_gain), rows);
}

/// Fusion, attention and convolution: their gradient is added to that of the trunk.
#[allow(clippy::too_many_arguments)] // what a layer has
fn mix(
    reads: Reads<'_>,
    writes: &mut Writes<'_>,
    places: &LayerPlaces,
    memory: &LayerMemory,
    sequences: Sequences,
    passing: &mut Passing,
    gradients: &mut Gradients,
    scratch: &Scratch,
) {
    let Reads { cpu, spec, mixer, values, .. } = reads;
    let (d, dense, rows) = (spec.width, Rows::dense(spec.width), sequences.rows());
    let LayerMemory { past, projected, attention, statistics, convolution: sums, .. } = memory;
    let given = gate::Given { projected, attention, sums };
    gate::forward(cpu, given, &mut passing.mixed, rows, d);
    let product = ((&passing.mixed, dense), (&gradients.h, dense));
    let dx = Some(((&mut gradients.mixed, dense), Epilogue::Store));
    writes.matrix(reads, places.mix, product, dx, rows);
    let to = (&mut gradients.attention, &mut gradients.convolution, &mut gradients.projected);
    gate::backward(cpu, given, &gradients.mixed, to, rows, d);

    let given = attention::Given { projected, past };
    let (dattention, dprojected) = (&gradients.attention, &mut gradients.projected);
    attention::backward(cpu, mixer, given, sequences, (statistics, dattention), dprojected, scratch);

    let gain = &values[places.mix_gain..][..d];
    let (x, factors) = ((&memory.h[0], dense), &memory.factors[0]);
    norm::scale(cpu, gain, x, factors, (&mut passing.u, dense), rows);
    let product = ((&passing.u, dense), (&gradients.projected, Rows::dense(4 * d)));
    let dx = Some(((&mut gradients.u, dense), Epilogue::Store));
    writes.matrix(reads, places.qkvg, product, dx, rows);
    let taps = &values[places.convolution..][..convolution::weights(mixer)];
    convolution::input_gradient(cpu, mixer, taps, &gradients.convolution, sequences, &mut gradients.u);
    if let Some(weights) = writes.weights.as_deref_mut() {
        let given = convolution::Given { u: &passing.u, past };
        let to = (weights, places.convolution);
        convolution::weight_gradient(cpu, mixer, given, &gradients.convolution, sequences, to);
    }
    let given = norm::Given { gain, x, factors, gradient: (&gradients.u, dense) };
    norm::backward(cpu, given, (&mut gradients.h, dense), true, writes.gain(places.mix_gain), rows);
}

/// What comes before the trunk.
fn embed(
    reads: Reads<'_>,
    writes: &mut Writes<'_>,
    memory: &Embedding,
    gradients: &mut Gradients,
    rows: usize,
) {
    let Reads { cpu, spec, places, .. } = reads;
    let (width, micro_width, levels) = (spec.embed_inputs(), spec.micro_inputs(), spec.levels);
    let Gradients { h, embed, phases, stamps, micro, micro_in, level, book, .. } = gradients;
    let all = Rows::dense(width);
    let given = ((&memory.embed, all), (&*h, Rows::dense(spec.width)));
    writes.matrix(reads, places.embed, given, Some(((&mut *embed, all), Epilogue::Store)), rows);

    let times = Rows::columns(spec.features + spec.micro, width);
    fourier::training::backward(cpu, (&memory.embed, times), (embed, times), phases, rows, spec.frequencies);
    let given = ((&memory.stamps, Rows::dense(STAMPS)), (&*phases, Rows::dense(spec.frequencies)));
    let dx = Some(((&mut *stamps, Rows::dense(STAMPS)), Epilogue::Store));
    writes.matrix(reads, places.fourier, given, dx, rows);

    let dense = Rows::dense(spec.micro);
    let gradient = (&*embed, Rows::columns(spec.features, width));
    activation::silu_backward(cpu, (&memory.micro, dense), gradient, (micro, dense), rows, spec.micro);
    let inputs = Rows::dense(micro_width);
    let given = ((&memory.micro_in, inputs), (&*micro, dense));
    writes.matrix(reads, places.micro, given, Some(((&mut *micro_in, inputs), Epilogue::Store)), rows);

    let [sums, values_of] = level;
    let from = micro_in.chunks_exact(micro_width);
    for (to, from) in values_of.chunks_exact_mut(levels * LEVEL_WIDTH).zip(from).take(rows) {
        to.copy_from_slice(&from[..levels * LEVEL_WIDTH]);
    }
    let (dense, rows) = (Rows::dense(LEVEL_WIDTH), rows * levels);
    let gradient = (&*values_of, dense);
    activation::silu_backward(cpu, (&memory.level[0], dense), gradient, (sums, dense), rows, LEVEL_WIDTH);
    let given = ((&memory.book, Rows::dense(LEVEL_INPUTS)), (&*sums, dense));
    let dx = Some(((&mut *book, Rows::dense(LEVEL_INPUTS)), Epilogue::Store));
    writes.matrix(reads, places.level, given, dx, rows);
}
