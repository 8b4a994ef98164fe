//! Every operation of training against the CPU at all of its levels: odd shapes around warps, tiles and blocks,
//! subnormal numbers, zeros of both signs.

use genovo_kernels::attention::Sequences;
use genovo_kernels::heads::HeadShape;
use genovo_kernels::linear::Epilogue;
use genovo_kernels::linear::products::Shape;
use genovo_kernels::mixer::{Head, MixerShape};
use genovo_kernels::optimiser::{AdamW, Powers};
use genovo_kernels::tensor::Rows;
use genovo_kernels::training::{NormGiven, Place, Plan, TrainingBackend};

use crate::operations::{Mix, Size, all, buffer, compare, shape_of, tame};
use crate::support::numbers;
use crate::targets::losses;

/// A plan for one matrix.
fn plan(shape: Shape, rows: usize, weights: usize) -> Plan {
    Plan {
        mixer: MixerShape { head_width: 1, heads: vec![Head { window: 1, slope: 1.0, dilation: 1 }] },
        heads: HeadShape { members: 1, horizons: 1 },
        sequences: vec![Sequences { count: 1, steps: 1, past: 0 }],
        products: vec![(shape, rows)],
        weights,
    }
}

/// Rows, inputs, outputs.
const PRODUCTS: [(usize, usize, usize); 12] = [
    (1, 1, 1),
    (31, 33, 1),
    (33, 31, 5),
    (257, 1, 33),
    (1, 257, 31),
    (5, 256, 3),
    (600, 2, 9),
    (65, 17, 66),
    (257, 33, 65),
    (31, 257, 64),
    (33, 600, 257),
    // A matrix so large that blocks of rows are not made side by side: its gradient alone.
    (257, 16_840, 1),
];

/// y, y + more, dx, dx + more, dW and db, apart from each other; with all that lies between.
fn products<B: TrainingBackend>(backend: &B, rows: usize, inputs: usize, outputs: usize) -> Vec<u32> {
    let shape = Shape { inputs, outputs };
    let place = Place { shape, matrix: 2, bias: 5 + inputs * outputs };
    let len = place.bias + outputs + 1;
    let (x_place, y_place) = (Rows::columns(1, inputs + 2), Rows::columns(2, outputs + 3));
    let (x_len, y_len) = (rows * (inputs + 2), rows * (outputs + 3));
    let scratch = &mut backend.scratch(&plan(shape, rows, 1)).unwrap();
    let weights = buffer(backend, &numbers(7, 1, len));
    let (x, gradient) = (buffer(backend, &numbers(7, 2, x_len)), buffer(backend, &numbers(7, 3, y_len)));
    let mut y = buffer(backend, &numbers(7, 4, y_len));
    let mut dx = buffer(backend, &numbers(7, 5, x_len));
    let mut found = Vec::new();
    let both = [Epilogue::Store, Epilogue::Add];
    for epilogue in if inputs > 10_000 { &both[..0] } else { &both } {
        let (given, from) = ((&weights, place), (&x, x_place));
        backend.product(scratch, given, from, (&mut y, y_place), rows, *epilogue).unwrap();
        found.extend(all(backend, &y, y_len));
        let from = (&gradient, y_place);
        backend.input_gradient(scratch, given, from, (&mut dx, x_place), rows, *epilogue).unwrap();
        found.extend(all(backend, &dx, x_len));
    }
    for bias in [place.bias, place.matrix + inputs * outputs] {
        let mut to = buffer(backend, &vec![7.0; len]);
        let place = Place { bias, ..place };
        let given = ((&x, x_place), (&gradient, y_place));
        backend.weight_gradient(scratch, given.0, given.1, (&mut to, place), rows).unwrap();
        found.extend(all(backend, &to, len));
    }
    found
}

/// A sum that vanishes below 0, and a bias that does: -0, whatever fills the last tile.
fn vanishing<B: TrainingBackend>(backend: &B) -> Vec<u32> {
    let shape = Shape { inputs: 19, outputs: 3 };
    let place = Place { shape, matrix: 0, bias: 57 };
    let scratch = &mut backend.scratch(&plan(shape, 1, 1)).unwrap();
    let weights = buffer(backend, &[&[-1e-30; 57][..], &[-0.0; 3]].concat());
    let x = (&buffer(backend, &[1e-30; 19]), Rows::dense(19));
    let mut y = backend.zeros(3).unwrap();
    let to = (&mut y, Rows::dense(3));
    backend.product(scratch, (&weights, place), x, to, 1, Epilogue::Store).unwrap();
    let found = all(backend, &y, 3);
    assert_eq!(found, [0x8000_0000; 3]);
    found
}

/// The norm of some gradients, and weights and moments after two steps.
fn optimiser<B: TrainingBackend>(backend: &B, len: usize) -> Vec<u32> {
    let plan = plan(Shape { inputs: 1, outputs: 1 }, 1, len);
    let scratch = &mut backend.scratch(&plan).unwrap();
    let mut to = [1, 2, 3].map(|purpose| {
        let values = numbers(8, purpose, len);
        // The mean of squares is never below 0.
        let values: Vec<f32> = values.iter().map(|v| if purpose == 3 { v.abs() } else { *v }).collect();
        buffer(backend, &values)
    });
    let mut powers = Powers::new();
    let mut found = Vec::new();
    for (step, limit) in [(4, 0.5), (5, 1e12)] {
        let gradients = buffer(backend, &numbers(8, step, len));
        let norm = backend.gradient_norm(scratch, &gradients).unwrap();
        found.extend([norm.to_bits() as u32, (norm.to_bits() >> 32) as u32]);
        let step = powers.next(&AdamW { norm_limit: limit, ..AdamW::default() }, 1e-3, norm);
        let half = len / 2;
        for (place, decays) in [((0, half), true), ((half, len - half), false)] {
            let [values, means, squares] = &mut to;
            backend.adam(&step, place, decays, &gradients, [values, means, squares]).unwrap();
        }
        to.iter().for_each(|buffer| found.extend(all(backend, buffer, len)));
    }
    found
}

/// A norm, its factors, and its gradients: stored, added, with and without that of the gains.
fn norm<B: TrainingBackend>(backend: &B, rows: usize, width: usize) -> Vec<u32> {
    let mut plan = plan(Shape { inputs: 1, outputs: 1 }, 1, 1);
    plan.sequences = vec![Sequences { count: 1, steps: rows, past: 0 }];
    plan.mixer.head_width = width;
    let scratch = &mut backend.scratch(&plan).unwrap();
    let (place, apart) = (Rows::columns(1, width + 3), rows * (width + 3));
    let weights = buffer(backend, &numbers(9, 1, width + 4));
    let (x, gradient) = (buffer(backend, &tame(9, 2, apart)), buffer(backend, &numbers(9, 3, rows * width)));
    let mut factors = buffer(backend, &vec![7.0; rows + 1]);
    let mut y = buffer(backend, &vec![7.0; apart]);
    backend.norm_factors((&x, place), &mut factors, rows, width).unwrap();
    let given = ((&x, place), &factors);
    backend.norm_scale((&weights, 3), given, (&mut y, place), rows, width).unwrap();
    let mut found = [all(backend, &factors, rows + 1), all(backend, &y, apart)].concat();
    for add in [false, true] {
        let mut dgain = buffer(backend, &vec![7.0; width + 4]);
        let gradient = (&gradient, Rows::dense(width));
        let given = NormGiven { gain: (&weights, 3), x: (&x, place), factors: &factors, gradient };
        let to = add.then_some((&mut dgain, 2));
        backend.norm_gradient(scratch, given, (&mut y, place), add, to, (rows, width)).unwrap();
        found.extend(all(backend, &y, apart));
        found.extend(all(backend, &dgain, width + 4));
    }
    found
}

/// What is made value by value: silu, the gated product, the fusion, phases, heads, copies.
fn values<B: TrainingBackend>(backend: &B, rows: usize, width: usize) -> Vec<u32> {
    let of = |purpose: u32, width: usize| buffer(backend, &numbers(10, purpose, rows * width));
    let sevens = |width: usize| buffer(backend, &vec![7.0; rows * width]);
    let (place, dense) = (Rows::columns(2, width + 3), Rows::dense(width));
    let (x, gradient) = (of(1, width + 3), of(2, width));
    let mut y = sevens(width + 3);
    let mut found = Vec::new();
    backend.silu((&x, place), (&mut y, place), rows, width).unwrap();
    found.extend(all(backend, &y, rows * (width + 3)));
    backend.silu_gradient((&x, place), (&gradient, dense), (&mut y, place), rows, width).unwrap();
    found.extend(all(backend, &y, rows * (width + 3)));
    backend.copy((&gradient, dense), (&mut y, place), rows, width).unwrap();
    found.extend(all(backend, &y, rows * (width + 3)));

    let (pair, mut dpair, mut y) = (of(3, 2 * width), sevens(2 * width), sevens(width));
    backend.swiglu(&pair, &mut y, rows, width).unwrap();
    backend.swiglu_gradient(&pair, &gradient, &mut dpair, rows, width).unwrap();
    found.extend([all(backend, &y, rows * width), all(backend, &dpair, 2 * rows * width)].concat());

    let (projected, attention, sums) = (of(4, 4 * width), of(5, width), of(6, width));
    let (mut da, mut dsums, mut dprojected) = (sevens(width), sevens(width), sevens(4 * width));
    let given = [&projected, &attention, &sums];
    backend.gate(given, &mut y, rows, width).unwrap();
    let to = [&mut da, &mut dsums, &mut dprojected];
    backend.gate_gradient(given, &gradient, to, rows, width).unwrap();
    for buffer in [&y, &da, &dsums] {
        found.extend(all(backend, buffer, rows * width));
    }
    found.extend(all(backend, &dprojected, 4 * rows * width));

    let shape = Shape { inputs: 3, outputs: width };
    let weights = buffer(backend, &numbers(10, 7, shape.len() + 1));
    let place = Place { shape, matrix: 1, bias: 1 + 3 * width };
    let times = Rows::columns(1, 2 * width + 1);
    let (stamps, mut features) = (of(8, 4), sevens(2 * width + 1));
    let stamps = (&stamps, Rows::columns(1, 4));
    backend.time_features((&weights, place), stamps, (&mut features, times), rows).unwrap();
    let given = of(9, 2 * width + 1);
    backend.phase_gradient((&features, times), (&given, times), &mut y, rows, width).unwrap();
    found.extend(all(backend, &features, rows * (2 * width + 1)));
    found.extend(all(backend, &y, rows * width));
    found
}

/// The gradient of the heads' sums.
fn heads<B: TrainingBackend>(backend: &B, shape: HeadShape, rows: usize) -> Vec<u32> {
    let (from, to) = (rows * shape.raw_width(), rows * shape.width());
    let raw = buffer(backend, &numbers(11, 1, from));
    let gradient = buffer(backend, &numbers(11, 2, to));
    let (mut outputs, mut draw) = (backend.zeros(to).unwrap(), backend.zeros(from).unwrap());
    backend.heads(shape, &raw, &mut outputs, rows).unwrap();
    backend.heads_gradient(shape, (&raw, &outputs), &gradient, &mut draw, rows).unwrap();
    all(backend, &draw, from)
}

/// Heads, each by window, slope and dilation; sequences, steps; steps of the past.
const MIXES: [(Mix, usize); 6] = [
    ((1, &[(1, 1.0, 1)], 1, 3), 0),
    ((16, &[(4, 0.5, 1), (8, 0.25, 2), (16, 1.0, 4), (16, 0.125, 8)], 3, 21), 24),
    ((33, &[(31, 0.5, 3), (33, 0.25, 5)], 2, 40), 7),
    ((257, &[(3, 0.5, 1)], 2, 7), 2),
    ((8, &[(16, 0.5, 1), (257, 0.03125, 16)], 1, 310), 0),
    ((24, &[(257, 0.03125, 16)], 1, 33), 256),
];

/// Attention and convolution with all of their gradients.
fn sequences<B: TrainingBackend>(backend: &B, (mix, past): (Mix, usize)) -> Vec<u32> {
    let (shape, (.., count, steps)) = (shape_of(mix), mix);
    let sequences = Sequences { count, steps, past };
    let (width, rows, heads) = (shape.width(), count * steps, shape.heads.len());
    let mut plan = plan(Shape { inputs: 1, outputs: 1 }, 1, 1);
    (plan.mixer, plan.sequences) = (shape, vec![sequences]);
    let scratch = &mut backend.scratch(&plan).unwrap();
    let of = |purpose: u32, len: usize| buffer(backend, &tame(12, purpose, len));
    let (projected, past) = (of(1, rows * 4 * width), of(2, count * past * 3 * width));
    let (weights, u) = (of(3, 5 * width + 2), of(4, rows * width));
    let gradient = of(5, rows * width);
    let mut found = Vec::new();

    let (mut a, mut statistics) = (of(6, rows * width), of(7, rows * heads * 2));
    let given = (&projected, &past);
    backend.attention(scratch, given, sequences, (&mut a, &mut statistics)).unwrap();
    found.extend([all(backend, &a, rows * width), all(backend, &statistics, rows * heads * 2)].concat());
    let mut dprojected = of(8, rows * 4 * width);
    let from = (&statistics, &gradient);
    backend.attention_gradient(scratch, given, sequences, from, &mut dprojected).unwrap();
    found.extend(all(backend, &dprojected, rows * 4 * width));

    let given = (&u, &past);
    backend.convolution(scratch, (&weights, 2), given, sequences, &mut a).unwrap();
    found.extend(all(backend, &a, rows * width));
    let mut du = of(9, rows * width);
    backend.convolution_input_gradient(scratch, (&weights, 2), &gradient, sequences, &mut du).unwrap();
    found.extend(all(backend, &du, rows * width));
    let mut to = of(10, 5 * width + 2);
    backend.convolution_weight_gradient(scratch, given, &gradient, sequences, (&mut to, 1)).unwrap();
    found.extend(all(backend, &to, 5 * width + 2));
    found
}

/// Every operation of training has the bits of the CPU at all its levels.
pub fn has_the_bits_of_the_cpu<B: TrainingBackend>(backend: &B, size: Size) {
    for (rows, inputs, outputs) in PRODUCTS {
        if size == Size::Full || rows * inputs * outputs <= 30_000 {
            compare!(backend, format!("products {rows}×{inputs}×{outputs}"), products(rows, inputs, outputs));
        }
    }
    compare!(backend, "vanishing", vanishing());
    for (rows, width) in [(1, 1), (31, 33), (33, 31), (5, 257), (513, 7)] {
        compare!(backend, format!("norm {rows}×{width}"), norm(rows, width));
        compare!(backend, format!("values {rows}×{width}"), values(rows, width));
    }
    for (members, horizons, rows) in [(1, 1, 1), (5, 3, 33), (4, 3, 257)] {
        let shape = HeadShape { members, horizons };
        compare!(backend, format!("{shape:?}"), heads(shape, rows));
        compare!(backend, format!("losses of {shape:?}"), losses(shape, rows));
    }
    for mix in MIXES {
        let ((.., steps), _) = mix;
        if size == Size::Full || steps < 300 {
            compare!(backend, format!("{mix:?}"), sequences(mix));
        }
    }
    for len in [1, 33, 4097, 140_000] {
        if size == Size::Full || len < 10_000 {
            compare!(backend, format!("optimiser {len}"), optimiser(len));
        }
    }
}
