//! The backward pass: from the gradient of the outputs to that of every weight, and of every input.

use super::forward::Reads;
use super::memory::{Embedding, Gradients, HeadMemory, LayerMemory, Memory, Passing};
use super::parameters::LayerPlaces;
use super::{NormGiven, Place, Trainer, TrainingBackend};
use crate::attention::Sequences;
use crate::backend::BackendError;
use crate::heads::{ACTIONS, QUANTILES};
use crate::linear::Epilogue;
use crate::model::{LEVEL_INPUTS, LEVEL_WIDTH, STAMPS};
use crate::tensor::Rows;

/// What operations need on their way, and where weights' gradients go; without such a place only those of the
/// inputs are computed.
struct Writes<'a, B: TrainingBackend> {
    scratch: &'a mut B::Scratch,
    weights: Option<&'a mut B::Buffer>,
}

/// Rows of a buffer.
type Part<'a, B> = (&'a <B as crate::backend::Backend>::Buffer, Rows);

impl<B: TrainingBackend> Writes<'_, B> {
    /// The gradients of a matrix: of its weights, and of its input.
    fn matrix(
        &mut self,
        reads: Reads<'_, B>,
        place: Place,
        (x, gradient): (Part<'_, B>, Part<'_, B>),
        (dx, epilogue): ((&mut B::Buffer, Rows), Epilogue),
        rows: usize,
    ) -> Result<(), BackendError> {
        let Reads { backend, values, .. } = reads;
        if let Some(weights) = &mut self.weights {
            backend.weight_gradient(self.scratch, x, gradient, (&mut **weights, place), rows)?;
        }
        backend.input_gradient(self.scratch, (values, place), gradient, dx, rows, epilogue)
    }

    /// The gradients of a norm: of its gain, which begins at `gain`, and of its input.
    fn norm(
        &mut self,
        reads: Reads<'_, B>,
        gain: usize,
        (x, factors, gradient): (Part<'_, B>, &B::Buffer, Part<'_, B>),
        (dx, add): ((&mut B::Buffer, Rows), bool),
        rows: usize,
    ) -> Result<(), BackendError> {
        let given = NormGiven { gain: (reads.values, gain), x, factors, gradient };
        let dgain = self.weights.as_deref_mut().map(|weights| (weights, gain));
        reads.backend.norm_gradient(self.scratch, given, dx, add, dgain, (rows, reads.spec.width))
    }
}

impl<B: TrainingBackend> Trainer<B> {
    /// Gradients of all inputs, and where there is room for them of all weights, from that of the outputs, which
    /// the memory holds.
    pub(super) fn backward(&mut self) -> Result<(), BackendError> {
        let reads =
            Reads { backend: &self.backend, spec: &self.spec, places: &self.places, values: &self.values };
        let Memory { sequences, scratch, embedding, layers, passing, heads, gradients, .. } =
            &mut self.memory;
        let writes = &mut Writes { scratch, weights: self.learns.then_some(&mut self.gradients) };
        let rows = sequences.rows();
        run_heads(reads, writes, heads, gradients, rows)?;
        for (layer, places) in layers.iter().zip(&reads.places.layers).rev() {
            feed(reads, writes, places, layer, passing, gradients, rows)?;
            mix(reads, writes, places, layer, *sequences, passing, gradients)?;
        }
        embed(reads, writes, embedding, gradients, rows)
    }
}

/// All heads and the last norm: the gradient of the trunk's last state.
fn run_heads<B: TrainingBackend>(
    reads: Reads<'_, B>,
    writes: &mut Writes<'_, B>,
    memory: &HeadMemory<B::Buffer>,
    gradients: &mut Gradients<B::Buffer>,
    rows: usize,
) -> Result<(), BackendError> {
    let Reads { backend, spec, places, .. } = reads;
    let (d, inner, shape) = (spec.width, spec.head_hidden, spec.head_shape());
    let Gradients { outputs, raw, ensemble, control, head_inputs, h, .. } = gradients;
    backend.heads_gradient(shape, (&memory.raw, &memory.outputs), outputs, raw, rows)?;
    let raw_rows = |column: usize| Rows::columns(column, shape.raw_width());

    let outputs_of = [(places.policy, 0), (places.value, ACTIONS), (places.risk, shape.raw_risk())];
    for (head, (place, column)) in outputs_of.into_iter().enumerate() {
        let columns = Rows::columns(head * inner, 3 * inner);
        let given = ((&memory.control[1], columns), (&*raw, raw_rows(column)));
        writes.matrix(reads, place, given, ((&mut control[1], columns), Epilogue::Store), rows)?;
    }
    let members = spec.members * inner;
    for number in 0..spec.members {
        let columns = Rows::columns(number * inner, members);
        let gradient = raw_rows(shape.raw_quantiles() + number * spec.horizons * QUANTILES);
        let given = ((&memory.ensemble[1], columns), (&*raw, gradient));
        let dx = ((&mut ensemble[1], columns), Epilogue::Store);
        writes.matrix(reads, places.member(number), given, dx, rows)?;
    }
    // The gradient of z and account: that of the control head, then the ensemble's and the impact's of z.
    let z = Rows::dense(d + spec.account);
    let hidden = [
        (places.head_in, 3 * inner, control, &memory.control, Epilogue::Store),
        (places.ensemble_in, members, ensemble, &memory.ensemble, Epilogue::Add),
    ];
    for (place, width, [sums, values_of], memory_of, epilogue) in hidden {
        let dense = Rows::dense(width);
        let (x, gradient) = ((&memory_of[0], dense), (&*values_of, dense));
        backend.silu_gradient(x, gradient, (&mut *sums, dense), rows, width)?;
        let given = ((&memory.inputs, z), (&*sums, dense));
        writes.matrix(reads, place, given, ((&mut *head_inputs, z), epilogue), rows)?;
    }
    let given = ((&memory.inputs, z), (&*raw, raw_rows(shape.raw_impact())));
    writes.matrix(reads, places.impact, given, ((&mut *head_inputs, z), Epilogue::Add), rows)?;

    let dense = Rows::dense(d);
    let given = ((&memory.h, dense), &memory.factors, (&*head_inputs, z));
    writes.norm(reads, places.last_gain, given, ((h, dense), false), rows)
}

/// The feed-forward block: its gradient is added to that of the trunk.
fn feed<B: TrainingBackend>(
    reads: Reads<'_, B>,
    writes: &mut Writes<'_, B>,
    places: &LayerPlaces,
    memory: &LayerMemory<B::Buffer>,
    passing: &mut Passing<B::Buffer>,
    gradients: &mut Gradients<B::Buffer>,
    rows: usize,
) -> Result<(), BackendError> {
    let Reads { backend, spec, values, .. } = reads;
    let (d, dense, f) = (spec.width, Rows::dense(spec.width), spec.hidden);
    let (hidden_rows, pair_rows) = (Rows::dense(f), Rows::dense(2 * f));
    let Gradients { h, u, hidden, pair, .. } = gradients;
    backend.swiglu(&memory.pair, &mut passing.hidden, rows, f)?;
    let given = ((&passing.hidden, hidden_rows), (&*h, dense));
    writes.matrix(reads, places.feed_out, given, ((&mut *hidden, hidden_rows), Epilogue::Store), rows)?;
    backend.swiglu_gradient(&memory.pair, hidden, pair, rows, f)?;
    let (x, factors) = ((&memory.h[1], dense), &memory.factors[1]);
    backend.norm_scale((values, places.feed_gain), (x, factors), (&mut passing.u, dense), rows, d)?;
    let given = ((&passing.u, dense), (&*pair, pair_rows));
    writes.matrix(reads, places.feed_in, given, ((&mut *u, dense), Epilogue::Store), rows)?;
    writes.norm(reads, places.feed_gain, (x, factors, (&*u, dense)), ((h, dense), true), rows)
}

/// Fusion, attention and convolution: their gradient is added to that of the trunk.
fn mix<B: TrainingBackend>(
    reads: Reads<'_, B>,
    writes: &mut Writes<'_, B>,
    places: &LayerPlaces,
    memory: &LayerMemory<B::Buffer>,
    sequences: Sequences,
    passing: &mut Passing<B::Buffer>,
    gradients: &mut Gradients<B::Buffer>,
) -> Result<(), BackendError> {
    let Reads { backend, spec, values, .. } = reads;
    let (d, dense, rows) = (spec.width, Rows::dense(spec.width), sequences.rows());
    let LayerMemory { past, projected, attention, statistics, convolution: sums, .. } = memory;
    let Gradients { h, u, attention: da, convolution: dsums, mixed, projected: dprojected, .. } = gradients;
    let given = [projected, attention, sums];
    backend.gate(given, &mut passing.mixed, rows, d)?;
    let product = ((&passing.mixed, dense), (&*h, dense));
    writes.matrix(reads, places.mix, product, ((&mut *mixed, dense), Epilogue::Store), rows)?;
    backend.gate_gradient(given, mixed, [&mut *da, &mut *dsums, &mut *dprojected], rows, d)?;
    let (given, from) = ((projected, past), (statistics, &*da));
    backend.attention_gradient(writes.scratch, given, sequences, from, dprojected)?;

    let (x, factors) = ((&memory.h[0], dense), &memory.factors[0]);
    backend.norm_scale((values, places.mix_gain), (x, factors), (&mut passing.u, dense), rows, d)?;
    let product = ((&passing.u, dense), (&*dprojected, Rows::dense(4 * d)));
    writes.matrix(reads, places.qkvg, product, ((&mut *u, dense), Epilogue::Store), rows)?;
    let taps = (values, places.convolution);
    backend.convolution_input_gradient(writes.scratch, taps, dsums, sequences, &mut *u)?;
    if let Some(weights) = writes.weights.as_deref_mut() {
        let (given, to) = ((&passing.u, past), (weights, places.convolution));
        backend.convolution_weight_gradient(writes.scratch, given, dsums, sequences, to)?;
    }
    writes.norm(reads, places.mix_gain, (x, factors, (&*u, dense)), ((h, dense), true), rows)
}

/// What comes before the trunk.
fn embed<B: TrainingBackend>(
    reads: Reads<'_, B>,
    writes: &mut Writes<'_, B>,
    memory: &Embedding<B::Buffer>,
    gradients: &mut Gradients<B::Buffer>,
    rows: usize,
) -> Result<(), BackendError> {
    let Reads { backend, spec, places, .. } = reads;
    let (width, micro_width, levels) = (spec.embed_inputs(), spec.micro_inputs(), spec.levels);
    let Gradients { h, embed, phases, stamps, micro, micro_in, level, book, .. } = gradients;
    let all = Rows::dense(width);
    let given = ((&memory.embed, all), (&*h, Rows::dense(spec.width)));
    writes.matrix(reads, places.embed, given, ((&mut *embed, all), Epilogue::Store), rows)?;

    let times = Rows::columns(spec.features + spec.micro, width);
    backend.phase_gradient((&memory.embed, times), (&*embed, times), phases, rows, spec.frequencies)?;
    let given = ((&memory.stamps, Rows::dense(STAMPS)), (&*phases, Rows::dense(spec.frequencies)));
    let dx = ((&mut *stamps, Rows::dense(STAMPS)), Epilogue::Store);
    writes.matrix(reads, places.fourier, given, dx, rows)?;

    let dense = Rows::dense(spec.micro);
    let gradient = (&*embed, Rows::columns(spec.features, width));
    backend.silu_gradient((&memory.micro, dense), gradient, (&mut *micro, dense), rows, spec.micro)?;
    let inputs = Rows::dense(micro_width);
    let given = ((&memory.micro_in, inputs), (&*micro, dense));
    writes.matrix(reads, places.micro, given, ((&mut *micro_in, inputs), Epilogue::Store), rows)?;

    let ([sums, values_of], all) = (level, levels * LEVEL_WIDTH);
    backend.copy((&*micro_in, inputs), (&mut *values_of, Rows::dense(all)), rows, all)?;
    let (dense, rows) = (Rows::dense(LEVEL_WIDTH), rows * levels);
    let gradient = (&*values_of, dense);
    backend.silu_gradient((&memory.level[0], dense), gradient, (&mut *sums, dense), rows, LEVEL_WIDTH)?;
    let given = ((&memory.book, Rows::dense(LEVEL_INPUTS)), (&*sums, dense));
    let dx = ((&mut *book, Rows::dense(LEVEL_INPUTS)), Epilogue::Store);
    writes.matrix(reads, places.level, given, dx, rows)
}
