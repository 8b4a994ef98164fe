//! Matrix products: one set of bits at every level, with any number of threads and rows.

use genovo_kernels::backend::{Backend, Cpu};
use genovo_kernels::linear::{Columns, Epilogue, Matrix, Weights};
use genovo_kernels::random::RandomKey;
use genovo_kernels::scalar::f32::sigmoid;
use genovo_kernels::tensor::{Buffer, Rows};

use crate::support::{cpus, numbers};

/// Shapes around the edges of vectors, panels, blocks and chunks of rows: (rows, inputs, outputs).
const SHAPES: [(usize, usize, usize); 14] = [
    (1, 1, 1),
    (1, 31, 33),
    (1, 257, 129),
    (1, 768, 260),
    (2, 256, 128),
    (3, 33, 31),
    (4, 255, 17),
    (5, 512, 15),
    (6, 31, 257),
    (7, 1, 300),
    (49, 33, 1),
    (97, 5, 130),
    (64, 300, 64),
    (50, 513, 3),
];

/// The rule, as slowly and plainly as it can be written.
fn product(x: &[f32], weights: &[f32], outputs: usize, output: usize) -> f32 {
    let mut blocks = x.chunks(256).enumerate().map(|(block, x)| {
        let terms = x.iter().enumerate();
        terms.fold(0.0f32, |sum, (k, x)| x.mul_add(weights[(block * 256 + k) * outputs + output], sum))
    });
    let first = blocks.next().expect("an input");
    blocks.fold(first, |total, block| total + block)
}

fn same(got: &[f32], expected: &[f32], what: &str) {
    for (at, (got, expected)) in got.iter().zip(expected).enumerate() {
        assert_eq!(got.to_bits(), expected.to_bits(), "{what}, value {at}: {got:e}, expected {expected:e}");
    }
}

fn run(cpu: &Cpu, matrix: Matrix<'_>, x: &[f32], rows: usize, start: &[f32], epilogue: Epilogue) -> Vec<f32> {
    let columns = if epilogue == Epilogue::SwiGlu { Columns::Paired } else { Columns::Plain };
    let packed = cpu.pack(matrix, columns).unwrap();
    // Rows apart from each other, and a neighbour on either side that must not change.
    let (width, stride) = (packed.width(), packed.width() + 3);
    let mut y = Buffer::of(&vec![7.0; 2 + rows * stride]);
    let place = Rows::columns(2, stride);
    cpu.write((&mut y, place), rows, width, start).unwrap();
    let x = Buffer::of(x);
    cpu.linear(&packed, (&x, Rows::dense(matrix.inputs)), (&mut y, place), rows, epilogue).unwrap();
    let mut got = vec![0.0; rows * width];
    cpu.read((&y, place), rows, width, &mut got).unwrap();
    let others = y.iter().enumerate().filter(|(at, _)| *at < 2 || (at - 2) % stride >= width);
    assert!(others.into_iter().all(|(_, value)| *value == 7.0), "{cpu:?} wrote beside its rows");
    got
}

#[test]
fn every_level_follows_the_rule_of_blocks() {
    for (id, (rows, inputs, outputs)) in SHAPES.into_iter().enumerate() {
        let id = id as u64;
        let x = numbers(id, 1, rows * inputs);
        let (weights, bias) = (numbers(id, 2, inputs * outputs), numbers(id, 3, outputs));
        let start = numbers(id, 4, rows * outputs);
        let matrix = Matrix { inputs, outputs, weights: Weights::F32(&weights), bias: &bias };
        let mut value = Vec::new();
        for x in x.chunks_exact(inputs) {
            value.extend((0..outputs).map(|n| product(x, &weights, outputs, n) + bias[n]));
        }
        let silu: Vec<f32> = value.iter().map(|value| value * sigmoid(*value)).collect();
        let sum: Vec<f32> = value.iter().zip(&start).map(|(value, start)| start + value).collect();
        for cpu in cpus() {
            let what = format!("{cpu:?}, {rows}×{inputs}×{outputs}");
            same(&run(&cpu, matrix, &x, rows, &start, Epilogue::Store), &value, &what);
            same(&run(&cpu, matrix, &x, rows, &start, Epilogue::Silu), &silu, &what);
            same(&run(&cpu, matrix, &x, rows, &start, Epilogue::Add), &sum, &what);
        }
    }
}

#[test]
fn reduced_weights_expand_exactly() {
    for (id, (rows, inputs, outputs)) in SHAPES.into_iter().enumerate() {
        let id = 100 + id as u64;
        let (x, bias) = (numbers(id, 1, rows * inputs), numbers(id, 2, outputs));
        let scales: Vec<f32> = numbers(id, 3, outputs).iter().map(|scale| scale.abs()).collect();
        let key = RandomKey { seed: 9, purpose: 4, id };
        let halves: Vec<u16> =
            numbers(id, 5, inputs * outputs).iter().map(|w| (w.to_bits() >> 16) as u16).collect();
        let bytes: Vec<i8> = (0..inputs * outputs).map(|n| key.bits(n as u32) as i8).collect();
        let wide: Vec<f32> = halves.iter().map(|half| f32::from_bits(u32::from(*half) << 16)).collect();
        let integers: Vec<f32> = bytes.iter().map(|byte| f32::from(*byte)).collect();
        let (mut of_halves, mut of_bytes) = (Vec::new(), Vec::new());
        for x in x.chunks_exact(inputs) {
            of_halves.extend((0..outputs).map(|n| product(x, &wide, outputs, n) + bias[n]));
            of_bytes
                .extend((0..outputs).map(|n| product(x, &integers, outputs, n).mul_add(scales[n], bias[n])));
        }
        let start = vec![0.0; rows * outputs];
        for cpu in cpus() {
            let what = format!("{cpu:?}, {rows}×{inputs}×{outputs}");
            for (weights, expected) in [
                (Weights::Bf16(&halves), &of_halves),
                (Weights::Int8 { values: &bytes, scales: &scales }, &of_bytes),
            ] {
                let matrix = Matrix { inputs, outputs, weights, bias: &bias };
                same(&run(&cpu, matrix, &x, rows, &start, Epilogue::Store), expected, &what);
            }
        }
    }
}

#[test]
fn paired_columns_give_the_gated_product() {
    for (id, (rows, inputs, half)) in [(1, 33, 64), (2, 257, 128), (7, 64, 192)].into_iter().enumerate() {
        let (id, outputs) = (200 + id as u64, 2 * half);
        let x = numbers(id, 1, rows * inputs);
        let (weights, bias) = (numbers(id, 2, inputs * outputs), numbers(id, 3, outputs));
        let matrix = Matrix { inputs, outputs, weights: Weights::F32(&weights), bias: &bias };
        let mut expected = Vec::new();
        for x in x.chunks_exact(inputs) {
            let value = |n: usize| product(x, &weights, outputs, n) + bias[n];
            expected.extend((0..half).map(|n| value(n) * sigmoid(value(n)) * value(n + half)));
        }
        for cpu in cpus() {
            let got = run(&cpu, matrix, &x, rows, &vec![0.0; rows * half], Epilogue::SwiGlu);
            same(&got, &expected, &format!("{cpu:?}, {rows}×{inputs}×{outputs}"));
        }
    }
}

/// `matrixmultiply` has blocks of 256 terms, too, and its kernel uses fma where the CPU has it.
#[test]
fn an_outside_library_with_the_same_blocks_has_the_same_bits() {
    if genovo_kernels::cpu::CpuLevel::detect() < genovo_kernels::cpu::CpuLevel::Avx2 {
        println!("skipped: matrixmultiply fuses its sums only where the machine has FMA");
        return;
    }
    for (id, (rows, inputs, outputs)) in
        [(1, 31, 33), (33, 257, 31), (8, 768, 64), (64, 1025, 257)].into_iter().enumerate()
    {
        let id = 300 + id as u64;
        // No subnormals: the library multiplies its sums by alpha = 1, which changes none of the others.
        let normal = |part, len| -> Vec<f32> {
            let key = RandomKey { seed: 5, purpose: part, id };
            (0..len).map(|n| key.normal(n as u32) as f32).collect()
        };
        let (x, weights) = (normal(1, rows * inputs), normal(2, inputs * outputs));
        let mut expected = vec![0.0f32; rows * outputs];
        // SAFETY: the three matrices have these many rows and columns.
        unsafe {
            matrixmultiply::sgemm(
                rows,
                inputs,
                outputs,
                1.0,
                x.as_ptr(),
                inputs as isize,
                1,
                weights.as_ptr(),
                outputs as isize,
                1,
                0.0,
                expected.as_mut_ptr(),
                outputs as isize,
                1,
            );
        }
        let bias = vec![0.0; outputs];
        let matrix = Matrix { inputs, outputs, weights: Weights::F32(&weights), bias: &bias };
        for cpu in cpus() {
            let got = run(&cpu, matrix, &x, rows, &vec![0.0; rows * outputs], Epilogue::Store);
            same(&got, &expected, &format!("{cpu:?}, {rows}×{inputs}×{outputs}"));
        }
    }
}

#[test]
fn no_rows_are_no_work() {
    for cpu in cpus() {
        let matrix = Matrix { inputs: 1, outputs: 1, weights: Weights::F32(&[1.0]), bias: &[1.0] };
        assert!(run(&cpu, matrix, &[], 0, &[], Epilogue::Store).is_empty());
    }
}
