//! Norm, Fourier features and heads: one set of bits at every level, rows where they were asked for.

use genovo_kernels::backend::Backend;
use genovo_kernels::heads::HeadShape;
use genovo_kernels::reading;
use genovo_kernels::scalar::f32::{cos_turns, sin_turns};
use genovo_kernels::tensor::{Buffer, Rows};

use crate::support::{cpus, numbers};

fn same(got: &[f32], expected: &[f32], what: &str) {
    for (at, (got, expected)) in got.iter().zip(expected).enumerate() {
        assert_eq!(got.to_bits(), expected.to_bits(), "{what}, value {at}: {got:e}, expected {expected:e}");
    }
}

#[test]
fn the_norm_is_one_chain_a_row() {
    for (id, (rows, width)) in [(1, 1), (3, 31), (2, 33), (5, 64), (1, 257), (2, 768)].into_iter().enumerate()
    {
        let (x, gain) = (numbers(id as u64, 1, rows * width), numbers(id as u64, 2, width));
        let mut expected = Vec::new();
        for x in x.chunks_exact(width) {
            let sum = x.iter().fold(0.0f32, |sum, x| x.mul_add(*x, sum));
            let factor = 1.0 / (sum / width as f32 + 1e-5).sqrt();
            expected.extend(x.iter().zip(&gain).map(|(x, gain)| (x * factor) * gain));
        }
        for cpu in cpus() {
            let (gain, x) = (Buffer::of(&gain), Buffer::of(&x));
            let place = Rows::columns(1, width + 2);
            let mut y = Buffer::of(&vec![7.0; rows * (width + 2)]);
            cpu.rms_norm(&gain, (&x, Rows::dense(width)), (&mut y, place), rows, width).unwrap();
            let mut got = vec![0.0; rows * width];
            cpu.read((&y, place), rows, width, &mut got).unwrap();
            same(&got, &expected, &format!("{cpu:?}, {rows}×{width}"));
            assert!(y.iter().step_by(width + 2).all(|value| *value == 7.0), "{cpu:?} wrote beside its rows");
        }
    }
}

#[test]
fn fourier_features_fold_each_phase() {
    let (rows, stamps, count) = (5, 3, 9);
    let stamp = numbers(1, 1, rows * stamps);
    let (frequencies, phases) = (numbers(1, 2, stamps * count), numbers(1, 3, count));
    let mut expected = Vec::new();
    for stamp in stamp.chunks_exact(stamps) {
        let turns: Vec<f32> = (0..count)
            .map(|at| {
                let mut turns = phases[at];
                for (s, stamp) in stamp.iter().enumerate() {
                    let high = stamp * frequencies[s * count + at];
                    let low = stamp.mul_add(frequencies[s * count + at], -high);
                    turns += (high - high.round_ties_even()) + low;
                }
                turns - turns.round_ties_even()
            })
            .collect();
        expected.extend(turns.iter().map(|turns| sin_turns(*turns)));
        expected.extend(turns.iter().map(|turns| cos_turns(*turns)));
    }
    for cpu in cpus() {
        let (frequencies, phases) = (Buffer::of(&frequencies), Buffer::of(&phases));
        let mut y = Buffer::zeros(rows * 2 * count);
        let (from, to) = (Rows::dense(stamps), Rows::dense(2 * count));
        cpu.fourier(&frequencies, &phases, (&Buffer::of(&stamp), from), (&mut y, to), rows).unwrap();
        same(&y, &expected, &format!("{cpu:?}"));
    }
}

#[test]
fn heads_have_the_same_bits_at_every_level() {
    let shape = HeadShape { members: 5, horizons: 3 };
    let rows = 7;
    let raw = Buffer::of(&numbers(3, 1, rows * shape.raw_width()));
    let mut outputs = Vec::new();
    for cpu in cpus() {
        let mut out = Buffer::zeros(rows * shape.width());
        cpu.heads(shape, &raw, &mut out, rows).unwrap();
        outputs.push((format!("{cpu:?}"), out));
    }
    for (what, out) in &outputs[1..] {
        same(out, &outputs[0].1, what);
    }
    for out in outputs[0].1.chunks_exact(shape.width()) {
        assert!(
            out[shape.quantiles()..].chunks_exact(5).all(<[f32]>::is_sorted),
            "quantiles crossed: {out:?}"
        );
        assert!((0.0..=1.0).contains(&out[shape.scale()]));
    }
}

#[test]
fn the_largest_number_is_found_wherever_it_lies() {
    for cpu in cpus() {
        for len in [1, 31, 127, 128, 1_000, 250_000] {
            for place in [0, len / 3, len - 1] {
                let mut numbers = Buffer::of(&vec![f32::NAN; len]);
                numbers.iter_mut().step_by(2).for_each(|number| *number = -2.0);
                numbers[place] = -1.0;
                assert_eq!(reading::most(&cpu, &numbers), -1.0, "{cpu:?}: {place} of {len}");
            }
        }
        assert_eq!(reading::most(&cpu, &Buffer::zeros(0)), f32::NEG_INFINITY, "{cpu:?}");
    }
}
