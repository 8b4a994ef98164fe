//! Attention, convolution and fusion: against the formulas, and one set of bits for steps and whole
//! sequences.

use genovo_kernels::backend::{Backend, Cpu};
use genovo_kernels::mixer::{Head, MixerShape, MixerWeights, StreamRow};
use genovo_kernels::scalar::f32::{exp, sigmoid};
use genovo_kernels::tensor::Buffer;

use crate::support::{cpus, numbers};

fn shape(head_width: usize, heads: &[(usize, f32, usize)]) -> MixerShape {
    let heads = heads.iter().map(|(window, slope, dilation)| Head {
        window: *window,
        slope: *slope,
        dilation: *dilation,
    });
    MixerShape { head_width, heads: heads.collect() }
}

/// Around vectors of 8 and 16, odd windows, heads wider than what is mixed at once: (shape, sequences,
/// steps).
fn cases() -> Vec<(MixerShape, usize, usize)> {
    vec![
        (shape(1, &[(1, 1.0, 1)]), 1, 3),
        (shape(16, &[(4, 0.5, 1), (8, 0.25, 2), (16, 1.0, 4), (16, 0.125, 8)]), 3, 40),
        (shape(24, &[(16, 0.5, 1), (64, 0.25, 4), (256, 0.03125, 16), (256, 0.00390625, 64)]), 2, 300),
        (shape(33, &[(31, 0.5, 3), (33, 0.25, 5)]), 1, 70),
        (shape(65, &[(257, 0.0, 1)]), 1, 280),
        (shape(7, &[(1, 2.0, 2), (70, 0.5, 40)]), 2, 150),
    ]
}

struct Data {
    projected: Vec<f32>,
    u: Vec<f32>,
    taps: Vec<f32>,
    bias: Vec<f32>,
}

fn data(id: u64, width: usize, rows: usize) -> Data {
    let tame = |purpose, len| {
        numbers(id, purpose, len).iter().map(|x| if x.abs() > 100.0 { x * 1e-6 } else { *x }).collect()
    };
    Data {
        projected: tame(1, rows * 4 * width),
        u: tame(2, rows * width),
        taps: tame(3, 4 * width),
        bias: tame(4, width),
    }
}

/// y of one head's channel, from whole sequences, straight from the formulas.
fn formula(shape: &MixerShape, data: &Data, first: usize, step: usize, head: usize, channel: usize) -> f32 {
    let (width, all) = (shape.head_width, shape.width());
    let Head { window, slope, dilation } = shape.heads[head];
    let at = head * width;
    let projected = |step: usize, part: usize, channel: usize| {
        data.projected[(first + step) * 4 * all + part * all + at + channel]
    };
    let oldest = (step + 1).saturating_sub(window);
    let scores: Vec<f32> = (oldest..=step)
        .map(|key| {
            let dot =
                (0..width).fold(0.0f32, |sum, c| projected(step, 0, c).mul_add(projected(key, 1, c), sum));
            dot * (1.0 / (width as f32).sqrt()) - slope * (step - key) as f32
        })
        .collect();
    let largest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let weights: Vec<f32> = scores.iter().map(|score| exp(score - largest)).collect();
    let total = weights.iter().fold(0.0f32, |sum, weight| sum + weight);
    let sum = weights
        .iter()
        .zip(oldest..)
        .fold(0.0f32, |sum, (weight, key)| weight.mul_add(projected(key, 2, channel), sum));
    let a = sum * (1.0 / total);
    let mut c = data.bias[at + channel];
    for tap in 0..4 {
        if let Some(before) = step.checked_sub((3 - tap) * dilation) {
            c = data.taps[tap * all + at + channel].mul_add(data.u[(first + before) * all + at + channel], c);
        }
    }
    let c = c * sigmoid(c);
    sigmoid(projected(step, 3, channel)).mul_add(a - c, c)
}

fn same(got: &[f32], expected: &[f32], what: &str) {
    for (at, (got, expected)) in got.iter().zip(expected).enumerate() {
        assert_eq!(got.to_bits(), expected.to_bits(), "{what}, value {at}: {got:e}, expected {expected:e}");
    }
}

/// All streams step by step, in one batch each step or one after the other.
fn stepped(
    cpu: &Cpu,
    shape: &MixerShape,
    data: &Data,
    sequences: usize,
    steps: usize,
    together: bool,
) -> Vec<f32> {
    let (all, state_len) = (shape.width(), shape.state_len());
    let mixer = cpu.mixer(shape, MixerWeights { taps: &data.taps, bias: &data.bias }).unwrap();
    let mut state = cpu.zeros(sequences * state_len).unwrap();
    let mut y = vec![0.0; sequences * steps * all];
    for step in 0..steps {
        let all_rows: Vec<usize> = (0..sequences).rev().collect();
        let batches =
            if together { vec![all_rows] } else { all_rows.chunks(1).map(<[usize]>::to_vec).collect() };
        for batch in batches {
            let rows: Vec<StreamRow> =
                batch.iter().map(|s| StreamRow { state: s * state_len, step: step as u64 }).collect();
            let gather = |values: &[f32], width: usize| {
                let rows = batch.iter().map(|s| &values[(s * steps + step) * width..][..width]);
                Buffer::of(&rows.collect::<Vec<_>>().concat())
            };
            let (projected, u) = (gather(&data.projected, 4 * all), gather(&data.u, all));
            let mut out = Buffer::zeros(batch.len() * all);
            cpu.mix_step(&mixer, &mut state, &rows, &projected, &u, &mut out).unwrap();
            for (out, sequence) in out.chunks_exact(all).zip(&batch) {
                y[(sequence * steps + step) * all..][..all].copy_from_slice(out);
            }
        }
    }
    y
}

#[test]
fn steps_and_sequences_have_the_bits_of_the_formulas() {
    for (id, (shape, sequences, steps)) in cases().into_iter().enumerate() {
        let all = shape.width();
        let data = data(id as u64, all, sequences * steps);
        let mut expected = Vec::with_capacity(sequences * steps * all);
        for row in 0..sequences * steps {
            for channel in 0..all {
                let (head, within) = (channel / shape.head_width, channel % shape.head_width);
                expected.push(formula(&shape, &data, row / steps * steps, row % steps, head, within));
            }
        }
        for cpu in cpus() {
            let what = format!("{cpu:?}, case {id}");
            let mixer = cpu.mixer(&shape, MixerWeights { taps: &data.taps, bias: &data.bias }).unwrap();
            let (projected, u) = (Buffer::of(&data.projected), Buffer::of(&data.u));
            let mut y = Buffer::zeros(sequences * steps * all);
            cpu.mix_sequence(&mixer, sequences, steps, &projected, &u, &mut y).unwrap();
            same(&y, &expected, &format!("{what}, whole"));
            for together in [true, false] {
                let y = stepped(&cpu, &shape, &data, sequences, steps, together);
                same(&y, &expected, &format!("{what}, stepped, together {together}"));
            }
        }
    }
}

#[test]
fn a_late_start_agrees_from_the_reach_on() {
    let (shape, _, _) = cases().remove(1);
    let (all, steps, late) = (shape.width(), 60, 9);
    let data = data(77, all, steps);
    let cpu = Cpu::new(genovo_kernels::cpu::CpuLevel::detect(), 1).unwrap();
    let whole = stepped(&cpu, &shape, &data, 1, steps, true);
    let rest = Data {
        projected: data.projected[late * 4 * all..].to_vec(),
        u: data.u[late * all..].to_vec(),
        taps: data.taps.clone(),
        bias: data.bias.clone(),
    };
    let part = stepped(&cpu, &shape, &rest, 1, steps - late, true);
    let differs = |step: usize| whole[step * all..][..all] != part[(step - late) * all..][..all];
    let last = (late..steps).rev().find(|step| differs(*step)).expect("the start is missed somewhere");
    assert_eq!((shape.reach(), last), (24, late + shape.reach() - 1));
}

#[test]
#[should_panic(expected = "one stream twice")]
fn one_stream_cannot_take_two_steps_at_once() {
    let (shape, _, _) = cases().remove(0);
    let data = data(1, 1, 1);
    let cpu = Cpu::new(genovo_kernels::cpu::CpuLevel::Scalar, 1).unwrap();
    let mixer = cpu.mixer(&shape, MixerWeights { taps: &data.taps, bias: &data.bias }).unwrap();
    let mut state = Buffer::zeros(shape.state_len());
    let row = StreamRow { state: 0, step: 0 };
    let (projected, u, mut y) = (Buffer::zeros(8), Buffer::zeros(2), Buffer::zeros(2));
    let _ = cpu.mix_step(&mixer, &mut state, &[row, row], &projected, &u, &mut y);
}
