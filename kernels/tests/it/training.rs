//! Training: one set of bits for every level and number of threads, gradients that finite differences see,
//! burn-in, and no allocation.

use genovo_kernels::backend::Cpu;
use genovo_kernels::checkpoint::{Checkpoint, Exactness, Lineage, Precision};
use genovo_kernels::cpu::CpuLevel;
use genovo_kernels::heads::HeadShape;
use genovo_kernels::losses::{Coefficients, PolicyTargets, TargetError, Targets, bootstrap};
use genovo_kernels::model::{Inputs, Model, Outputs, Spec};
use genovo_kernels::optimiser::{AdamW, linear_rate};
use genovo_kernels::random::RandomKey;
use genovo_kernels::training::{Batch, BatchShape, Trainer, TrainingError};

use crate::golden_model::{self, GoldenInputs};
use crate::golden_training::{self, GoldenTargets};
use crate::model::{ALLOCATIONS, inputs, odd};
use crate::support::cpus;

fn best() -> Cpu {
    Cpu::new(CpuLevel::detect(), 1).unwrap()
}

/// Targets of every kind, some rows without weight.
struct Made {
    weight: Vec<f32>,
    bootstrap: Vec<f32>,
    normal: Vec<f32>,
    action: Vec<u8>,
    legal: Vec<[bool; 3]>,
    rows: usize,
    horizons: usize,
}

impl Made {
    fn new(shape: HeadShape, rows: usize) -> Self {
        let key = RandomKey { seed: 5, purpose: 9, id: 0 };
        let mut all = vec![0.0; rows * shape.members];
        for (row, weights) in all.chunks_exact_mut(shape.members).enumerate() {
            bootstrap(3, 1, row as u64, weights);
        }
        Self {
            weight: (0..rows).map(|row| if row % 7 == 3 { 0.0 } else { 1.0 }).collect(),
            bootstrap: all,
            normal: (0..rows * (shape.horizons + 6)).map(|draw| key.normal(draw as u32) as f32).collect(),
            action: (0..rows).map(|row| [0, 1, 2, 0, 1][row % 5]).collect(),
            legal: (0..rows)
                .map(|row| [true, row % 5 == 1 || row % 5 == 4, row % 3 != 0 || row % 5 == 2])
                .collect(),
            rows,
            horizons: shape.horizons,
        }
    }

    fn view(&self) -> Targets<'_> {
        let part = |number: usize| &self.normal[(self.horizons + number) * self.rows..][..self.rows];
        Targets {
            weight: &self.weight,
            bootstrap: &self.bootstrap,
            returns: &self.normal[..self.rows * self.horizons],
            edge: part(0),
            slippage: part(1),
            policy: Some(PolicyTargets {
                action: &self.action,
                legal: &self.legal,
                log_probability: part(2),
                advantage: part(3),
                value: part(4),
                target: part(5),
            }),
        }
    }
}

/// Inputs of all steps, accounts of those behind the burn-in.
fn batch<'a>(inputs: &'a GoldenInputs, account: &'a [f32], targets: Targets<'a>) -> Batch<'a> {
    Batch { account, ..golden_training::batch(inputs, targets) }
}

/// The rows of steps from `first` on, of `[sequences][steps]`.
fn later(values: &[f32], width: usize, (sequences, steps): (usize, usize), first: usize) -> Vec<f32> {
    assert_eq!(values.len(), sequences * steps * width);
    values.chunks_exact(steps * width).flat_map(|sequence| &sequence[first * width..]).copied().collect()
}

fn bits(trainer: &Trainer, losses_and_norm: &[f64]) -> Vec<u64> {
    let mut all: Vec<u64> = losses_and_norm.iter().map(|value| value.to_bits()).collect();
    for tensor in trainer.spec().tensors() {
        for values in [trainer.gradient(&tensor.name), trainer.values(&tensor.name)] {
            all.extend(values.iter().map(|value| u64::from(value.to_bits())));
        }
    }
    for row in 0..trainer.shape().rows() {
        let inputs = trainer.input_gradients();
        for values in [inputs.features(row), inputs.book(row), inputs.trades(row), inputs.account(row)] {
            all.extend(values.iter().map(|value| u64::from(value.to_bits())));
        }
    }
    all
}

#[test]
fn gradients_and_updates_have_the_same_bits_at_every_level_and_with_threads() {
    let odd = odd();
    // More rows than a block of 256, and heads whose windows are shorter than what is computed at once.
    let small = Spec { width: 36, heads: 4, hidden: 64, head_hidden: 7, micro: 3, ..odd.clone() };
    let cases = [
        (odd.clone(), BatchShape { sequences: 2, steps: 19, burn_in: 0 }),
        (small.clone(), BatchShape { sequences: 3, steps: 90, burn_in: 0 }),
        (small, BatchShape { sequences: 3, steps: 41, burn_in: 17 }),
        (Spec { layers: 2, windows: [1, 4, 64], ..odd }, BatchShape { sequences: 1, steps: 11, burn_in: 50 }),
    ];
    for (number, (spec, shape)) in cases.into_iter().enumerate() {
        let start = Checkpoint::init(&spec, 5).unwrap();
        let inputs = inputs(&spec, shape.sequences, shape.steps + shape.burn_in);
        let account = later(&inputs.account, spec.account, inputs.shape, shape.burn_in);
        let made = Made::new(spec.head_shape(), shape.rows());
        let mut expected: Option<Vec<u64>> = None;
        for cpu in cpus() {
            let what = format!("case {number}, {cpu:?}");
            let mut trainer = Trainer::new(cpu, &start, shape).unwrap();
            let mut found = Vec::new();
            for step in 0..2 {
                let batch = batch(&inputs, &account, made.view());
                let losses = trainer.gradients(&batch, &Coefficients::default()).unwrap();
                let norm = trainer.update(&AdamW::default(), linear_rate(3e-3, step, 5)).unwrap();
                assert!(norm > 0.0, "{what}");
                found.extend(bits(&trainer, &[losses.total, losses.policy, losses.divergence, norm]));
            }
            let expected = expected.get_or_insert_with(|| found.clone());
            let first = found.iter().zip(&*expected).position(|(found, expected)| found != expected);
            assert_eq!((first, found.len()), (None, expected.len()), "{what}");
        }
    }
}

#[test]
fn the_forward_pass_has_the_bits_of_the_model_with_and_without_burn_in() {
    let odd = Checkpoint::init(&Spec { layers: 2, ..odd() }, 5).unwrap();
    for (checkpoint, inputs) in
        [(golden_model::checkpoint("a"), golden_model::inputs("a")), (odd.clone(), inputs(odd.spec(), 2, 48))]
    {
        let (spec, (sequences, steps)) = (checkpoint.spec(), inputs.shape);
        let model = Model::new(best(), &checkpoint).unwrap();
        let rows = sequences * steps;
        let (mut work, mut whole) = (model.workspace(rows).unwrap(), Outputs::new(spec, rows));
        let all = Inputs {
            features: &inputs.features,
            book: &inputs.book,
            trades: &inputs.trades,
            stamps: &inputs.stamps,
        };
        model.sequences(inputs.shape, all, &mut work).unwrap();
        model.heads(&inputs.account, 0..rows, &mut work, &mut whole).unwrap();
        for burn_in in [0, 1, 5, 31, 47] {
            let shape = BatchShape { sequences, steps: steps - burn_in, burn_in };
            let account = later(&inputs.account, spec.account, inputs.shape, burn_in);
            let mut trainer = Trainer::new(best(), &checkpoint, shape).unwrap();
            trainer.run(&all, &account).unwrap();
            let outputs = trainer.outputs().unwrap();
            for row in 0..shape.rows() {
                let (sequence, step) = (row / shape.steps, burn_in + row % shape.steps);
                let (ours, expected) = (outputs.row(row), whole.row(sequence * steps + step));
                assert_eq!(ours, expected, "{checkpoint:?}, burn-in {burn_in}, row {row}");
            }
        }
    }
}

/// Behind a burn-in the gradients are those of the same steps in a whole sequence, wherever the way back
/// does not lead through the burn-in.
#[test]
fn burn_in_is_constant_and_the_rest_is_as_without() {
    let (start, inputs) = (golden_model::checkpoint("a"), golden_model::inputs("a"));
    let (spec, (sequences, steps), burn_in) = (start.spec(), inputs.shape, 30);
    let targets = GoldenTargets::read("a");
    let shape = BatchShape { sequences, steps: steps - burn_in, burn_in };
    let account = later(&inputs.account, spec.account, inputs.shape, burn_in);
    let width = spec.head_shape().width();

    let mut whole = Trainer::new(best(), &start, golden_training::shape(&inputs)).unwrap();
    let mut part = Trainer::new(best(), &start, shape).unwrap();
    let all = golden_training::batch(&inputs, targets.view(true)).inputs;
    whole.run(&all, &inputs.account).unwrap();
    part.run(&all, &account).unwrap();
    let key = RandomKey { seed: 8, purpose: 2, id: 0 };
    let gradient: Vec<f32> = (0..shape.rows() * width).map(|draw| key.normal(draw as u32) as f32).collect();
    part.gradients_of(&gradient).unwrap();
    // The same gradient, and none at the steps of the burn-in.
    let mut padded = Vec::new();
    for sequence in gradient.chunks_exact(shape.steps * width) {
        padded.extend(std::iter::repeat_n(0.0, burn_in * width));
        padded.extend(sequence);
    }
    whole.gradients_of(&padded).unwrap();
    let near = |ours: &[f32], expected: &[f32], what: &str| {
        let largest =
            expected.iter().fold(0.0f32, |most, value| if value.abs() > most { value.abs() } else { most });
        for (at, (ours, expected)) in ours.iter().zip(expected).enumerate() {
            // Blocks of 256 rows begin elsewhere: sums are the same but for rounding.
            assert!((ours - expected).abs() <= 2e-5 * largest, "{what}, value {at}: {ours}, {expected}");
        }
    };
    for name in [
        "policy.w",
        "risk.b",
        "ens.out.w",
        "ens.in.w",
        "head.in.w",
        "norm_f.g",
        "layer.1.ffn_out.w",
        "layer.1.norm2.g",
        "layer.1.mix.w",
        "layer.1.mix.b",
    ] {
        near(part.gradient(name), whole.gradient(name), name);
    }
    // Steps whose successors all lie behind the burn-in have the same gradient of their inputs, to the bit.
    let mut other = 0;
    for row in 0..shape.rows() {
        let at = row / shape.steps * steps + burn_in + row % shape.steps;
        let (ours, expected) = (part.input_gradients(), whole.input_gradients());
        assert_eq!(ours.features(row), expected.features(at), "row {row}");
        assert_eq!(ours.book(row), expected.book(at), "row {row}");
        assert_eq!(ours.account(row), expected.account(at), "row {row}");
        other += usize::from(ours.trades(row).iter().any(|value| *value != 0.0));
    }
    assert!(other > 0);
    // Keys and values of the burn-in are constants: what they would have taught is missing.
    assert_ne!(part.gradient("embed.w"), whole.gradient("embed.w"));
}

/// The second witness: the loss moves as the gradient says.
#[test]
fn finite_differences_see_the_gradients() {
    let (start, inputs) = (golden_model::checkpoint("a"), golden_model::inputs("a"));
    let targets = GoldenTargets::read("a");
    let batch = golden_training::batch(&inputs, targets.view(true));
    let shape = golden_training::shape(&inputs);
    let mut trainer = Trainer::new(best(), &start, shape).unwrap();
    trainer.gradients(&batch, &Coefficients::default()).unwrap();
    let spec = start.spec().clone();
    let gradients: Vec<Vec<f32>> =
        spec.tensors().iter().map(|tensor| trainer.gradient(&tensor.name).to_vec()).collect();
    let lineage = Lineage { origin: "moved".into(), parent: None, seed: None, exactness: Exactness::Exact };
    for (number, (tensor, gradient)) in spec.tensors().iter().zip(&gradients).enumerate() {
        let square: f64 = gradient.iter().map(|g| f64::from(*g) * f64::from(*g)).sum();
        let length = square.sqrt();
        let moved = |by: f64| {
            let there = Checkpoint::build(&spec, lineage.clone(), |other| {
                let mut values = start.values(&other.name);
                if other.name == tensor.name {
                    for (value, gradient) in values.iter_mut().zip(gradient) {
                        *value = (f64::from(*value) + by * f64::from(*gradient) / length) as f32;
                    }
                }
                Ok(values)
            });
            let mut trainer = Trainer::new(best(), &there.unwrap(), shape).unwrap();
            trainer.losses(&batch, &Coefficients::default()).unwrap().total
        };
        // Far enough to be seen over rounding, near enough that the loss is straight.
        let step = 2e-3;
        let slope = (moved(step) - moved(-step)) / (2.0 * step);
        let error = (slope / length - 1.0).abs();
        assert!(error < 0.03, "{number} {}: the loss moves by {slope}, expected {length}", tensor.name);
    }
}

#[test]
fn inputs_have_gradients_that_finite_differences_see() {
    let (start, inputs) = (golden_model::checkpoint("a"), golden_model::inputs("a"));
    let (spec, targets) = (start.spec(), GoldenTargets::read("a"));
    let mut trainer = Trainer::new(best(), &start, golden_training::shape(&inputs)).unwrap();
    let row = 20;
    trainer
        .gradients(&golden_training::batch(&inputs, targets.view(true)), &Coefficients::default())
        .unwrap();
    let found = trainer.input_gradients();
    let widths = [spec.features, spec.levels * 6, spec.trades, spec.account];
    let gradients = [found.features(row), found.book(row), found.trades(row), found.account(row)];
    let gradients = gradients.map(<[f32]>::to_vec);
    for (which, (width, gradient)) in widths.into_iter().zip(gradients).enumerate() {
        assert_eq!(gradient.len(), width);
        let length = gradient.iter().map(|g| f64::from(*g) * f64::from(*g)).sum::<f64>().sqrt();
        let mut moved = |by: f64| {
            let mut there = golden_model::inputs("a");
            let values = match which {
                0 => &mut there.features,
                1 => &mut there.book,
                2 => &mut there.trades,
                _ => &mut there.account,
            };
            for (value, gradient) in values[row * width..][..width].iter_mut().zip(&gradient) {
                *value = (f64::from(*value) + by * f64::from(*gradient) / length) as f32;
            }
            let batch = golden_training::batch(&there, targets.view(true));
            trainer.losses(&batch, &Coefficients::default()).unwrap().total
        };
        let step = 2e-2;
        let slope = (moved(step) - moved(-step)) / (2.0 * step);
        assert!((slope / length - 1.0).abs() < 0.05, "input {which}: {slope}, expected {length}");
    }
}

#[test]
fn a_step_of_training_allocates_nothing() {
    let spec = Spec { layers: 1, ..odd() };
    let start = Checkpoint::init(&spec, 2).unwrap();
    let shape = BatchShape { sequences: 2, steps: 9, burn_in: 4 };
    let inputs = inputs(&spec, 2, 13);
    let account = later(&inputs.account, spec.account, inputs.shape, shape.burn_in);
    let made = Made::new(spec.head_shape(), shape.rows());
    for cpu in cpus() {
        let what = format!("{cpu:?}");
        let mut trainer = Trainer::new(cpu, &start, shape).unwrap();
        let before = ALLOCATIONS.get();
        for _ in 0..3 {
            let batch = batch(&inputs, &account, made.view());
            trainer.gradients(&batch, &Coefficients::default()).unwrap();
            trainer.update(&AdamW::default(), 1e-3).unwrap();
        }
        assert_eq!(ALLOCATIONS.get() - before, 0, "{what}");
    }
}

#[test]
fn what_cannot_be_learnt_is_named_and_changes_nothing() {
    let spec = Spec { layers: 1, ..odd() };
    let start = Checkpoint::init(&spec, 2).unwrap();
    let shape = BatchShape { sequences: 1, steps: 6, burn_in: 0 };
    let mut given = inputs(&spec, 1, 6);
    let made = Made::new(spec.head_shape(), 6);
    let reduced = start.reduced(Precision::Bf16).unwrap();
    assert_eq!(Trainer::new(best(), &reduced, shape).unwrap_err(), TrainingError::Reduced("bf16"));
    let mut trainer = Trainer::new(best(), &start, shape).unwrap();
    assert_eq!(trainer.update(&AdamW::default(), 1e-3), Err(TrainingError::NoGradient));

    let mut gradients = |targets: Targets<'_>| {
        trainer.gradients(&golden_training::batch(&given, targets), &Coefficients::default()).unwrap_err()
    };
    let nothing = Targets { weight: &[0.0; 6], ..made.view() };
    assert_eq!(gradients(nothing), TrainingError::Target(TargetError::Nothing));
    let half = Targets { weight: &[1.0, 1.0, 0.5, 1.0, 1.0, 1.0], ..made.view() };
    assert_eq!(gradients(half), TrainingError::Target(TargetError::Weight { row: 2, weight: 0.5 }));
    let edge = [0.0, f32::INFINITY, 0.0, f32::NAN, 0.0, 0.0];
    let infinite = Targets { edge: &edge, ..made.view() };
    let error = gradients(infinite).to_string();
    assert_eq!(error, "the edge of row 1 is inf");
    let action = [0, 1, 2, 0, 3, 0];
    let foreign = PolicyTargets { action: &action, ..made.view().policy.unwrap() };
    let error = gradients(Targets { policy: Some(foreign), ..made.view() });
    assert_eq!(error, TrainingError::Target(TargetError::Action { row: 4, action: 3 }));
    given.features[3] = f32::NAN;
    let batch = golden_training::batch(&given, made.view());
    let error = trainer.gradients(&batch, &Coefficients::default()).unwrap_err();
    assert!(matches!(error, TrainingError::Loss(value) if !value.is_finite()), "{error}");
    assert_eq!(trainer.update(&AdamW::default(), 1e-3), Err(TrainingError::NoGradient));
    trainer.set_gradient("policy.b", &[0.0, f32::NAN, 0.0]).unwrap();
    assert!(matches!(trainer.update(&AdamW::default(), 1e-3), Err(TrainingError::Gradient(_))));
    assert_eq!(trainer.steps(), 0);
    let lineage = start.metadata().lineage.clone();
    assert_eq!(trainer.checkpoint(lineage).unwrap().id(), start.id());
}

#[test]
fn bootstrap_weights_are_named_by_seed_stream_step_and_member() {
    let (members, steps) = (130, 2_000);
    let mut sums = vec![0.0f32; members];
    let draw = |seed, stream, step| {
        let mut weights = vec![9.0; members];
        bootstrap(seed, stream, step, &mut weights);
        weights
    };
    for step in 0..steps {
        let weights = draw(1, 2, step);
        assert!(weights.iter().all(|weight| [0.0, 2.0].contains(weight)));
        sums.iter_mut().zip(&weights).for_each(|(sum, weight)| *sum += weight);
    }
    // Mean 1, deviation of the sum √2000 ≈ 45; six of them.
    assert!(sums.iter().all(|sum| (sum - 2_000.0).abs() < 270.0), "{sums:?}");
    let first = draw(1, 2, 3);
    for other in [draw(2, 2, 3), draw(1, 3, 3), draw(1, 2, 4), draw(1, 2, 3 + (1 << 32))] {
        let differ = first.iter().zip(&other).filter(|(a, b)| a != b).count();
        assert!((30..=100).contains(&differ), "{differ} of {members}");
    }
    assert_eq!(first, draw(1, 2, 3));
    // These very bits, wherever.
    let bits = first[..32].iter().fold(0u32, |bits, weight| bits << 1 | u32::from(*weight == 2.0));
    assert_eq!(bits, 0x677a_74c1, "{bits:#010x}");
}

#[test]
fn the_rate_falls_to_nothing() {
    let rates: Vec<f64> = (0..6).map(|step| linear_rate(1.0, step, 4)).collect();
    assert_eq!(rates, [1.0, 0.75, 0.5, 0.25, 0.0, 0.0]);
    assert_eq!(linear_rate(1.0, 0, 0), 0.0);
}
