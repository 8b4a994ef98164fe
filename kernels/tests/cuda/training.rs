//! Every operation of training against the CPU at all of its levels: odd shapes around warps, tiles and blocks,
//! subnormal numbers, zeros of both signs.

use genovo_kernels::attention::Sequences;
use genovo_kernels::linear::Epilogue;
use genovo_kernels::linear::products::Shape;
use genovo_kernels::mixer::{Head, MixerShape};
use genovo_kernels::optimiser::{AdamW, Powers};
use genovo_kernels::tensor::Rows;
use genovo_kernels::training::{Place, Plan, TrainingBackend};

use crate::operations::{Size, all, buffer, compare};
use crate::support::numbers;

/// A plan for one matrix.
fn plan(shape: Shape, rows: usize, weights: usize) -> Plan {
    Plan {
        mixer: MixerShape { head_width: 1, heads: vec![Head { window: 1, slope: 1.0, dilation: 1 }] },
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
    // Enough outputs that blocks of rows are not made side by side.
    (260, 16_900, 5),
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
    for epilogue in [Epilogue::Store, Epilogue::Add] {
        let (given, from) = ((&weights, place), (&x, x_place));
        backend.product(scratch, given, from, (&mut y, y_place), rows, epilogue).unwrap();
        found.extend(all(backend, &y, y_len));
        let from = (&gradient, y_place);
        backend.input_gradient(scratch, given, from, (&mut dx, x_place), rows, epilogue).unwrap();
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

/// Every operation of training has the bits of the CPU at all its levels.
pub fn has_the_bits_of_the_cpu<B: TrainingBackend>(backend: &B, size: Size) {
    for (rows, inputs, outputs) in PRODUCTS {
        if size == Size::Full || rows * inputs * outputs <= 30_000 {
            compare!(backend, format!("products {rows}×{inputs}×{outputs}"), products(rows, inputs, outputs));
        }
    }
    compare!(backend, "vanishing", vanishing());
    for len in [1, 33, 4097, 140_000] {
        if size == Size::Full || len < 10_000 {
            compare!(backend, format!("optimiser {len}"), optimiser(len));
        }
    }
}
