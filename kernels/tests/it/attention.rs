//! Attention in training: against the formulas, each key gathering from the steps that see it, with and
//! without a past.

use genovo_kernels::attention::{Given, Scratch, Sequences, backward, forward};
use genovo_kernels::mixer::{Head, MixerShape};
use genovo_kernels::scalar::f32::exp;
use genovo_kernels::tensor::Buffer;

use crate::support::{cpus, numbers};

/// Windows shorter and longer than eight steps and than the sequence, heads around whole vectors.
fn cases() -> Vec<(MixerShape, Sequences)> {
    let shape = |head_width, heads: &[(usize, f32)]| MixerShape {
        head_width,
        heads: heads
            .iter()
            .map(|(window, slope)| Head { window: *window, slope: *slope, dilation: 1 })
            .collect(),
    };
    vec![
        (shape(1, &[(1, 1.0), (2, 0.5)]), Sequences { count: 2, steps: 3, past: 0 }),
        (shape(24, &[(5, 0.5), (16, 0.25)]), Sequences { count: 2, steps: 41, past: 3 }),
        (shape(33, &[(64, 0.125), (9, 0.0)]), Sequences { count: 1, steps: 30, past: 70 }),
        (shape(65, &[(257, 0.03125)]), Sequences { count: 1, steps: 17, past: 8 }),
    ]
}

struct Data {
    shape: MixerShape,
    sequences: Sequences,
    projected: Vec<f32>,
    past: Vec<f32>,
    gradient: Vec<f32>,
}

impl Data {
    fn new(id: u64, shape: MixerShape, sequences: Sequences) -> Self {
        let tame = |purpose, len| -> Vec<f32> {
            numbers(id, purpose, len).iter().map(|x| if x.abs() > 100.0 { x * 1e-6 } else { *x }).collect()
        };
        let (all, rows) = (shape.width(), sequences.rows());
        let projected = tame(1, rows * 4 * all);
        let past = tame(2, sequences.count * sequences.past * 3 * all);
        Self { projected, past, gradient: tame(3, rows * all), shape, sequences }
    }

    /// Query (0), key (1) or value (2) at a step; steps of the past are below 0.
    fn part(&self, sequence: usize, step: isize, which: usize, channel: usize) -> f32 {
        let (all, Sequences { steps, past, .. }) = (self.shape.width(), self.sequences);
        if step >= 0 {
            return self.projected[((sequence * steps + step as usize) * 4 + which) * all + channel];
        }
        let row = (sequence * past) as isize + past as isize + step;
        self.past[(row as usize * 3 + which - 1) * all + channel]
    }

    /// Channels of a head.
    fn channels(&self, head: usize) -> std::ops::Range<usize> {
        head * self.shape.head_width..(head + 1) * self.shape.head_width
    }

    /// The steps that a head sees at a step, oldest first.
    fn seen(&self, head: usize, step: isize) -> std::ops::RangeInclusive<isize> {
        let oldest = step + 1 - self.shape.heads[head].window as isize;
        let first = -(self.sequences.past as isize);
        (if oldest > first { oldest } else { first })..=step
    }

    fn scale(&self) -> f32 {
        1.0 / (self.shape.head_width as f32).sqrt()
    }

    /// Scores of a step, oldest first.
    fn scores(&self, sequence: usize, head: usize, step: isize) -> Vec<f32> {
        let score = |key: isize| {
            let dot = self.channels(head).fold(0.0f32, |sum, channel| {
                self.part(sequence, step, 0, channel).mul_add(self.part(sequence, key, 1, channel), sum)
            });
            dot * self.scale() - self.shape.heads[head].slope * (step - key) as f32
        };
        self.seen(head, step).map(score).collect()
    }

    /// Largest score and 1/Z.
    fn statistics(&self, sequence: usize, head: usize, step: isize) -> (f32, f32) {
        let scores = self.scores(sequence, head, step);
        let largest =
            scores.iter().fold(f32::NEG_INFINITY, |most, score| if *score > most { *score } else { most });
        (largest, 1.0 / scores.iter().fold(0.0f32, |sum, score| sum + exp(score - largest)))
    }

    /// p and ds of a step, oldest first.
    fn slopes(&self, sequence: usize, head: usize, step: isize) -> (Vec<f32>, Vec<f32>) {
        let (largest, share) = self.statistics(sequence, head, step);
        let p: Vec<f32> =
            self.scores(sequence, head, step).iter().map(|score| exp(score - largest) * share).collect();
        let dp: Vec<f32> = self
            .seen(head, step)
            .map(|key| {
                self.channels(head).fold(0.0f32, |sum, channel| {
                    self.gradient(sequence, step, channel).mul_add(self.part(sequence, key, 2, channel), sum)
                })
            })
            .collect();
        let sum = p.iter().zip(&dp).fold(0.0f32, |sum, (p, dp)| p.mul_add(*dp, sum));
        let ds = p.iter().zip(&dp).map(|(p, dp)| p * (dp - sum)).collect();
        (p, ds)
    }

    fn gradient(&self, sequence: usize, step: isize, channel: usize) -> f32 {
        self.gradient[(sequence * self.sequences.steps + step as usize) * self.shape.width() + channel]
    }
}

/// a, and dq, dk, dv beside a γ that is not touched.
fn formulas(data: &Data) -> (Vec<f32>, Vec<f32>) {
    let (all, Sequences { count, steps, .. }) = (data.shape.width(), data.sequences);
    let (mut a, mut dprojected) = (vec![0.0; count * steps * all], vec![7.0; count * steps * 4 * all]);
    for sequence in 0..count {
        for head in 0..data.shape.heads.len() {
            let slopes: Vec<_> = (0..steps).map(|step| data.slopes(sequence, head, step as isize)).collect();
            for step in 0..steps {
                let (row, now) = (sequence * steps + step, step as isize);
                let (largest, share) = data.statistics(sequence, head, now);
                let scores = data.scores(sequence, head, now);
                for channel in data.channels(head) {
                    let keys = || data.seen(head, now);
                    let sum = scores.iter().zip(keys()).fold(0.0f32, |sum, (score, key)| {
                        exp(score - largest).mul_add(data.part(sequence, key, 2, channel), sum)
                    });
                    a[row * all + channel] = sum * share;
                    let dq =
                        slopes[step].1.iter().zip(keys()).fold(0.0f32, |sum, (ds, key)| {
                            ds.mul_add(data.part(sequence, key, 1, channel), sum)
                        });
                    // This step as a key gathers from those that see it.
                    let (mut dk, mut dv) = (0.0f32, 0.0f32);
                    for (later, (p, ds)) in slopes.iter().enumerate().skip(step) {
                        let seen = data.seen(head, later as isize);
                        if seen.contains(&now) {
                            let at = (now - seen.start()) as usize;
                            dk = ds[at].mul_add(data.part(sequence, later as isize, 0, channel), dk);
                            dv = p[at].mul_add(data.gradient(sequence, later as isize, channel), dv);
                        }
                    }
                    for (which, value) in [dq * data.scale(), dk * data.scale(), dv].into_iter().enumerate() {
                        dprojected[(row * 4 + which) * all + channel] = value;
                    }
                }
            }
        }
    }
    (a, dprojected)
}

#[test]
fn attention_and_its_gradients_have_the_bits_of_the_formulas() {
    for (id, (shape, sequences)) in cases().into_iter().enumerate() {
        let data = Data::new(id as u64, shape, sequences);
        let (a, dprojected) = formulas(&data);
        for cpu in cpus() {
            let same = |got: &[f32], expected: &[f32], what: &str| {
                for (at, (got, expected)) in got.iter().zip(expected).enumerate() {
                    let what = format!("{cpu:?}, case {id}, {what}, value {at}");
                    assert_eq!(got.to_bits(), expected.to_bits(), "{what}: {got:e}, expected {expected:e}");
                }
            };
            let (projected, past) = (Buffer::of(&data.projected), Buffer::of(&data.past));
            let given = Given { projected: &projected, past: &past };
            let (all, rows) = (data.shape.width(), sequences.rows());
            let (mut got, mut statistics) =
                (Buffer::zeros(rows * all), Buffer::zeros(rows * 2 * data.shape.heads.len()));
            let scratch = Scratch::new(&cpu, &data.shape, &[sequences]);
            forward(&cpu, &data.shape, given, sequences, (&mut got, &mut statistics), &scratch);
            same(&got, &a, "a");
            let mut to = Buffer::of(&vec![7.0; rows * 4 * all]);
            let gradient = Buffer::of(&data.gradient);
            backward(&cpu, &data.shape, given, sequences, (&statistics, &gradient), &mut to, &scratch);
            same(&to, &dprojected, "dq, dk, dv, γ");
        }
    }
}
