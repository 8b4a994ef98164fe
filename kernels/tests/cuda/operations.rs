//! Every operation of a backend, and whole models, against the CPU at all of its levels: odd shapes around
//! warps, panels and blocks, subnormal numbers, zeros of both signs.

use genovo_kernels::backend::{Backend, Cpu};
use genovo_kernels::checkpoint::{Checkpoint, Precision};
use genovo_kernels::heads::HeadShape;
use genovo_kernels::linear::{Columns, Epilogue, Matrix, Weights};
use genovo_kernels::mixer::{Head, MixerShape, MixerWeights, StreamRow};
use genovo_kernels::model::{Inputs, Model, ModelError, Outputs, Spec};
use genovo_kernels::random::RandomKey;
use genovo_kernels::tensor::Rows;

use crate::support::numbers;

/// How much is compared: an interpreter takes its time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Size {
    Small,
    Full,
}

/// The bits of values.
pub fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

pub fn same(got: &[u32], expected: &[u32], what: &str) {
    assert_eq!(got.len(), expected.len(), "{what}");
    for (at, (got, expected)) in got.iter().zip(expected).enumerate() {
        // The bits of a NaN are no promise.
        let nan = f32::from_bits(*got).is_nan() && f32::from_bits(*expected).is_nan();
        assert!(got == expected || nan, "{what}, value {at}: {got:#010x}, expected {expected:#010x}");
    }
}

/// Compares what every level of the CPU makes of `work` with what the backend makes.
macro_rules! compare {
    ($backend:expr, $what:expr, $work:ident($($argument:expr),*)) => {{
        let got = $work($backend, $($argument),*);
        for cpu in $crate::support::levels() {
            let what = format!("{}, {:?} and {cpu:?}", $what, $backend.describe());
            $crate::operations::same(&got, &$work(&cpu, $($argument),*), &what);
        }
    }};
}
pub(crate) use compare;

/// A buffer with these values.
pub fn buffer<B: Backend>(backend: &B, values: &[f32]) -> B::Buffer {
    let mut buffer = backend.zeros(values.len()).unwrap();
    if values.is_empty() {
        return buffer;
    }
    backend.write((&mut buffer, Rows::dense(values.len())), 1, values.len(), values).unwrap();
    buffer
}

/// All of a buffer.
pub fn all<B: Backend>(backend: &B, buffer: &B::Buffer, len: usize) -> Vec<u32> {
    let mut values = vec![0.0; len];
    backend.read((buffer, Rows::dense(len)), 1, len, &mut values).unwrap();
    bits(&values)
}

/// Rows, inputs, outputs.
const PRODUCTS: [(usize, usize, usize); 17] = [
    (1, 800, 5),
    (1, 1, 1),
    (1, 31, 33),
    (2, 33, 31),
    (1, 257, 9),
    (3, 257, 8),
    (1, 256, 1),
    (9, 33, 64),
    (2, 512, 17),
    (1, 1, 257),
    (1, 5000, 24),
    (2, 4500, 10),
    (8, 1100, 7),
    (17, 300, 40),
    (1, 768, 260),
    (31, 31, 31),
    (33, 15, 257),
];

/// A product into rows apart from each other; all of y, its neighbours too.
fn product<B: Backend>(
    backend: &B,
    matrix: Matrix<'_>,
    x: &[f32],
    rows: usize,
    epilogue: Epilogue,
) -> Vec<u32> {
    let columns = if epilogue == Epilogue::SwiGlu { Columns::Paired } else { Columns::Plain };
    let width = if columns == Columns::Paired { matrix.outputs / 2 } else { matrix.outputs };
    let stride = width + 3;
    let packed = backend.pack(matrix, columns).unwrap();
    let mut y = buffer(backend, &numbers(6, 6, 2 + rows * stride));
    let place = Rows::columns(2, stride);
    let x_place = Rows::columns(1, matrix.inputs + 1);
    let x = buffer(backend, x);
    backend.linear(&packed, (&x, x_place), (&mut y, place), rows, epilogue).unwrap();
    all(backend, &y, 2 + rows * stride)
}

fn products<B: Backend>(backend: &B, size: Size) {
    for (id, (rows, inputs, outputs)) in PRODUCTS.into_iter().enumerate() {
        if size == Size::Small && rows * inputs * outputs > 20_000 {
            continue;
        }
        let id = id as u64;
        let x = numbers(id, 1, 1 + rows * (inputs + 1));
        let (weights, bias) = (numbers(id, 2, inputs * outputs), numbers(id, 3, outputs));
        let halves: Vec<u16> = weights.iter().map(|weight| (weight.to_bits() >> 16) as u16).collect();
        let key = RandomKey { seed: 9, purpose: 4, id };
        let bytes: Vec<i8> = (0..inputs * outputs).map(|n| key.bits(n as u32) as i8).collect();
        let scales: Vec<f32> = numbers(id, 5, outputs).iter().map(|scale| scale.abs()).collect();
        let formats = [
            Weights::F32(&weights),
            Weights::Bf16(&halves),
            Weights::Int8 { values: &bytes, scales: &scales },
        ];
        for (format, weights) in formats.into_iter().enumerate() {
            let matrix = Matrix { inputs, outputs, weights, bias: &bias };
            let epilogues = [Epilogue::Store, Epilogue::Silu, Epilogue::Add];
            for epilogue in if format == 0 { &epilogues[..] } else { &epilogues[..1] } {
                let what = format!("{rows}×{inputs}×{outputs}, format {format}, {epilogue:?}");
                compare!(backend, what, product(matrix, &x, rows, *epilogue));
            }
            if outputs.is_multiple_of(32) {
                let what = format!("{rows}×{inputs}×{outputs}, format {format}, paired");
                compare!(backend, what, product(matrix, &x, rows, Epilogue::SwiGlu));
            }
        }
    }
}

/// A norm into rows apart from each other.
fn norm<B: Backend>(backend: &B, rows: usize, width: usize) -> Vec<u32> {
    let (gain, x) = (buffer(backend, &numbers(1, 2, width)), buffer(backend, &numbers(1, 1, rows * width)));
    let mut y = buffer(backend, &vec![7.0; rows * (width + 2)]);
    let place = Rows::columns(1, width + 2);
    backend.rms_norm(&gain, (&x, Rows::dense(width)), (&mut y, place), rows, width).unwrap();
    all(backend, &y, rows * (width + 2))
}

fn fourier<B: Backend>(backend: &B, rows: usize, count: usize) -> Vec<u32> {
    let stamps = buffer(backend, &numbers(2, 1, rows * 4));
    let (frequencies, phases) =
        (buffer(backend, &numbers(2, 2, 3 * count)), buffer(backend, &numbers(2, 3, count)));
    let width = 2 * count + 1;
    let mut y = buffer(backend, &vec![7.0; rows * width]);
    let (from, to) = (Rows::columns(1, 4), Rows::columns(0, width));
    // The last row's stamps would end behind the buffer: one row fewer.
    backend.fourier(&frequencies, &phases, (&stamps, from), (&mut y, to), rows - 1).unwrap();
    all(backend, &y, rows * width)
}

fn heads<B: Backend>(backend: &B, shape: HeadShape, rows: usize) -> Vec<u32> {
    let raw = buffer(backend, &numbers(3, 1, rows * shape.raw_width()));
    let mut out = backend.zeros(rows * shape.width()).unwrap();
    backend.heads(shape, &raw, &mut out, rows).unwrap();
    all(backend, &out, rows * shape.width())
}

/// Heads of a width, each by window, slope and dilation; sequences; steps.
pub type Mix = (usize, &'static [(usize, f32, usize)], usize, usize);

const MIXES: [Mix; 6] = [
    (1, &[(1, 1.0, 1)], 1, 3),
    (16, &[(4, 0.5, 1), (8, 0.25, 2), (16, 1.0, 4), (16, 0.125, 8)], 3, 40),
    (33, &[(31, 0.5, 3), (33, 0.25, 5)], 1, 70),
    (257, &[(3, 0.5, 1)], 2, 7),
    (90, &[(70, 0.0, 16)], 1, 75),
    (8, &[(16, 0.5, 1), (300, 0.03125, 16)], 1, 310),
];

pub fn shape_of((head_width, heads, ..): Mix) -> MixerShape {
    let heads = heads.iter().map(|(window, slope, dilation)| Head {
        window: *window,
        slope: *slope,
        dilation: *dilation,
    });
    MixerShape { head_width, heads: heads.collect() }
}

pub fn tame(id: u64, purpose: u32, len: usize) -> Vec<f32> {
    numbers(id, purpose, len).iter().map(|x| if x.abs() > 100.0 { x * 1e-6 } else { *x }).collect()
}

/// Whole sequences.
fn mixed<B: Backend>(backend: &B, mix: Mix) -> Vec<u32> {
    let (shape, (.., sequences, steps)) = (shape_of(mix), mix);
    let (all_channels, rows) = (shape.width(), sequences * steps);
    let (taps, bias) = (tame(4, 1, 4 * all_channels), tame(4, 2, all_channels));
    let mixer = backend.mixer(&shape, MixerWeights { taps: &taps, bias: &bias }).unwrap();
    let projected = buffer(backend, &tame(4, 3, rows * 4 * all_channels));
    let u = buffer(backend, &tame(4, 4, rows * all_channels));
    let mut y = backend.zeros(rows * all_channels).unwrap();
    backend.mix_sequence(&mixer, sequences, steps, &projected, &u, &mut y).unwrap();
    all(backend, &y, rows * all_channels)
}

/// The same sequences step by step, all streams in one batch, two layers of rings; outputs, then the rings.
fn stepped<B: Backend>(backend: &B, mix: Mix) -> Vec<u32> {
    let (shape, (.., sequences, steps)) = (shape_of(mix), mix);
    let (width, layer) = (shape.width(), shape.state_len());
    let (taps, bias) = (tame(4, 1, 4 * width), tame(4, 2, width));
    let (projected, u) = (tame(4, 3, sequences * steps * 4 * width), tame(4, 4, sequences * steps * width));
    let mixer = backend.mixer(&shape, MixerWeights { taps: &taps, bias: &bias }).unwrap();
    let mut state = backend.zeros(sequences * 2 * layer).unwrap();
    let mut outputs = Vec::new();
    for step in 0..steps {
        let gather = |values: &[f32], width: usize| -> Vec<f32> {
            let rows = (0..sequences).rev().map(|s| &values[(s * steps + step) * width..][..width]);
            rows.flatten().copied().collect()
        };
        let (projected, u) =
            (buffer(backend, &gather(&projected, 4 * width)), buffer(backend, &gather(&u, width)));
        let mut y = backend.zeros(sequences * width).unwrap();
        for number in 0..2 {
            let rows = (0..sequences)
                .rev()
                .map(|s| StreamRow { state: (s * 2 + number) * layer, step: step as u64 });
            let rows: Vec<StreamRow> = rows.collect();
            backend.mix_step(&mixer, &mut state, &rows, &projected, &u, &mut y).unwrap();
            outputs.extend(all(backend, &y, sequences * width));
        }
    }
    outputs.extend(all(backend, &state, sequences * 2 * layer));
    outputs
}

/// Rows go in and come out where they belong.
fn rows<B: Backend>(backend: &B) -> Vec<u32> {
    let mut values = buffer(backend, &vec![7.0; 5 * 11]);
    let place = Rows::columns(3, 11);
    backend.write((&mut values, place), 4, 6, &numbers(5, 1, 24)).unwrap();
    let mut got = vec![0.0; 4 * 7];
    backend.read((&values, place), 4, 7, &mut got).unwrap();
    [all(backend, &values, 55), bits(&got)].concat()
}

/// Every operation has the bits of the CPU at all its levels.
pub fn have_the_bits_of_the_cpu<B: Backend>(backend: &B, size: Size) {
    compare!(backend, "rows", rows());
    products(backend, size);
    for (count, width) in [(1, 1), (3, 31), (2, 33), (1, 257), (5, 64), (1, 5000)] {
        compare!(backend, format!("norm {count}×{width}"), norm(count, width));
    }
    for (rows, count) in [(2, 1), (6, 9), (33, 31)] {
        compare!(backend, format!("fourier {rows}×{count}"), fourier(rows, count));
    }
    for (members, horizons, rows) in [(1, 1, 1), (5, 3, 7), (4, 3, 2)] {
        let shape = HeadShape { members, horizons };
        compare!(backend, format!("{shape:?}"), heads(shape, rows));
    }
    for mix in if size == Size::Full { &MIXES[..] } else { &MIXES[..5] } {
        compare!(backend, format!("{mix:?}, whole"), mixed(*mix));
        compare!(backend, format!("{mix:?}, stepped"), stepped(*mix));
    }
}

/// Inputs of some rows.
pub struct Market {
    pub parts: [Vec<f32>; 4],
    pub account: Vec<f32>,
}

pub fn market(spec: &Spec, id: u64, rows: usize) -> Market {
    let of = |purpose: u32, width: usize| -> Vec<f32> {
        numbers(id, purpose, rows * width)
            .iter()
            .map(|x| if x.abs() > 50.0 { x * 1e-5 } else { *x })
            .collect()
    };
    Market {
        parts: [of(1, spec.features), of(2, spec.levels * 6), of(3, spec.trades), of(4, 3)],
        account: of(5, spec.account),
    }
}

/// What a model says of `steps` steps of `streams` streams, then of whole sequences: trunk and outputs.
pub fn says<B: Backend>(backend: B, checkpoint: &Checkpoint, streams: usize, steps: usize) -> Vec<u32> {
    let model = Model::new(backend, checkpoint).unwrap();
    let spec = model.spec().clone();
    let mut rings = model.streams(streams).unwrap();
    let mut work = model.workspace(streams * steps).unwrap();
    let mut outputs = Outputs::new(&spec, streams * steps);
    let mut said = Vec::new();
    let mut trunk = vec![0.0; streams * steps * spec.width];
    let mut collect = |outputs: &Outputs, trunk: &[f32]| {
        said.extend(bits(trunk));
        for row in 0..outputs.rows() {
            let row = outputs.row(row);
            let one = [row.value(), row.scale(), row.impact()];
            for part in [&row.logits()[..], &one, row.volatility(), row.disagreement()] {
                said.extend(bits(part));
            }
            said.extend(bits(row.mean().as_flattened()));
            said.extend(bits(row.quantiles().as_flattened()));
        }
    };
    let due: Vec<usize> = (0..streams).rev().collect();
    for step in 0..steps {
        let Market { parts: [features, book, trades, stamps], account } = market(&spec, step as u64, streams);
        let inputs = Inputs { features: &features, book: &book, trades: &trades, stamps: &stamps };
        model.step(&mut rings, &due, inputs, &mut work).unwrap();
        model.heads(&account, 0..streams, &mut work, &mut outputs).unwrap();
        let trunk = &mut trunk[..streams * spec.width];
        model.trunk_output(streams, &work, trunk).unwrap();
        collect(&outputs, trunk);
    }
    let rows = streams * steps;
    let Market { parts: [features, book, trades, stamps], account } = market(&spec, 99, rows);
    let inputs = Inputs { features: &features, book: &book, trades: &trades, stamps: &stamps };
    model.sequences((streams, steps), inputs, &mut work).unwrap();
    model.heads(&account, 0..rows, &mut work, &mut outputs).unwrap();
    model.trunk_output(rows, &work, &mut trunk).unwrap();
    collect(&outputs, &trunk);
    let (steps, rings) = model.save_streams(&rings).unwrap();
    said.extend(steps.iter().map(|step| *step as u32));
    said.extend(bits(&rings));
    said
}

/// Makes a model take some steps of one stream.
pub fn try_to_say<B: Backend>(backend: B, checkpoint: &Checkpoint, steps: usize) -> Result<(), ModelError> {
    let model = Model::new(backend, checkpoint)?;
    let spec = model.spec().clone();
    let (mut rings, mut work, mut outputs) = (model.streams(1)?, model.workspace(1)?, Outputs::new(&spec, 1));
    for step in 0..steps {
        let Market { parts: [features, book, trades, stamps], account } = market(&spec, step as u64, 1);
        let inputs = Inputs { features: &features, book: &book, trades: &trades, stamps: &stamps };
        model.step(&mut rings, &[0], inputs, &mut work)?;
        model.heads(&account, 0..1, &mut work, &mut outputs)?;
    }
    Ok(())
}

/// `tiny` in all precisions, so many steps of two streams.
pub fn models_have_the_bits_of_the_cpu<B: Backend + Clone>(backend: &B, steps: usize) {
    let checkpoint = Checkpoint::init(&Spec::tiny(), 5).unwrap();
    let cpu = Cpu::new(genovo_kernels::cpu::CpuLevel::detect(), 1).unwrap();
    for precision in [Precision::F32, Precision::Bf16, Precision::Int8] {
        let checkpoint = match precision {
            Precision::F32 => checkpoint.clone(),
            reduced => checkpoint.reduced(reduced).unwrap(),
        };
        let got = says(backend.clone(), &checkpoint, 2, steps);
        same(&got, &says(cpu.clone(), &checkpoint, 2, steps), &format!("{checkpoint:?}"));
    }
}
