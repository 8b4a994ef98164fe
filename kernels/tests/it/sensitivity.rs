//! Gradients of inputs: those of training, whole however long the burn-in, seen by finite differences.

use genovo_kernels::backend::Cpu;
use genovo_kernels::checkpoint::{Checkpoint, Precision};
use genovo_kernels::cpu::CpuLevel;
use genovo_kernels::model::{Inputs, Model, Outputs, Spec};
use genovo_kernels::random::RandomKey;
use genovo_kernels::training::{BatchShape, InputGradients, Sensitivity, Trainer};

use crate::golden_model::GoldenInputs;
use crate::model::{inputs, odd};
use crate::support::cpus;

fn best() -> Cpu {
    Cpu::new(CpuLevel::detect(), 1).unwrap()
}

fn view(inputs: &GoldenInputs) -> Inputs<'_> {
    let GoldenInputs { features, book, trades, stamps, .. } = inputs;
    Inputs { features, book, trades, stamps }
}

/// The bits of some rows of gradients: market and times, not the account.
fn bits(gradients: InputGradients<'_>, rows: std::ops::Range<usize>) -> Vec<u32> {
    let of =
        |row| [gradients.features(row), gradients.book(row), gradients.trades(row), gradients.stamps(row)];
    rows.flat_map(of).flatten().map(|value| value.to_bits()).collect()
}

/// A gradient of every output of a row that has one of its own.
fn outputs(spec: &Spec) -> Vec<f32> {
    let (key, shape) = (RandomKey { seed: 8, purpose: 2, id: 1 }, spec.head_shape());
    let mut all: Vec<f32> = (0..shape.width()).map(|draw| key.normal(draw as u32) as f32).collect();
    all[shape.mean()..shape.quantiles()].fill(0.0);
    all
}

#[test]
fn they_are_those_of_training_at_every_level_and_whole_behind_a_burn_in() {
    let spec = Spec { layers: 2, width: 36, heads: 4, hidden: 64, head_hidden: 7, micro: 3, ..odd() };
    let (start, steps, later) = (Checkpoint::init(&spec, 5).unwrap(), 60, 23);
    let (inputs, given) = (inputs(&spec, 1, steps), outputs(&spec));
    let account = &inputs.account[(steps - 1) * spec.account..];
    let width = spec.head_shape().width();

    let mut trainer = Trainer::new(best(), &start, BatchShape { sequences: 1, steps, burn_in: 0 }).unwrap();
    trainer.run(&view(&inputs), &inputs.account).unwrap();
    let rows: Vec<f32> = (0..(steps - 1) * width).map(|_| 0.0).chain(given.iter().copied()).collect();
    trainer.gradients_of(&rows).unwrap();
    let said = trainer.outputs().unwrap();
    let expected = bits(trainer.input_gradients(), 0..steps);
    assert!(expected.iter().filter(|bits| **bits != 0).count() > expected.len() / 2);

    for cpu in cpus() {
        let what = format!("{cpu:?}");
        let mut whole = Sensitivity::new(cpu.clone(), &start, 0, steps);
        let outputs = whole.run(&view(&inputs), account);
        assert_eq!(outputs.row(0), said.row(steps - 1), "{what}");
        let gradients = whole.gradients(&given);
        assert!(bits(gradients, 0..steps) == expected, "{what}");
        let of_account = gradients.account(steps - 1).to_vec();
        assert_eq!(of_account, trainer.input_gradients().account(steps - 1), "{what}");
        // What the burn-in leaves out are its own steps, and nothing of those behind it.
        let mut part = Sensitivity::new(cpu, &start, steps - later, later);
        assert_eq!(part.run(&view(&inputs), account).row(0), said.row(steps - 1), "{what}");
        let gradients = part.gradients(&given);
        let same = &expected[expected.len() / steps * (steps - later)..];
        assert!(bits(gradients, 0..later) == same, "{what}, behind a burn-in");
    }
}

#[test]
fn a_reduced_model_has_those_of_its_expanded_weights() {
    let spec = Spec { width: 64, heads: 4, hidden: 64, ..odd() };
    let (start, steps) = (Checkpoint::init(&spec, 5).unwrap(), 12);
    let (inputs, given) = (inputs(&spec, 1, steps), outputs(&spec));
    let account = &inputs.account[(steps - 1) * spec.account..];
    let mut exact = Sensitivity::new(best(), &start, 0, steps);
    exact.run(&view(&inputs), account);
    let exact = exact.gradients(&given).features(steps - 1).to_vec();
    for (precision, apart) in [(Precision::Bf16, 0.1), (Precision::Int8, 0.2)] {
        let reduced = start.reduced(precision).unwrap();
        let mut found = Sensitivity::new(best(), &reduced, 0, steps);
        let said = found.run(&view(&inputs), account);
        let model = Model::new(best(), &reduced).unwrap();
        let mut work = model.workspace(steps).unwrap();
        model.sequences((1, steps), view(&inputs), &mut work).unwrap();
        let mut outputs = Outputs::new(&spec, 1);
        model.heads(account, steps - 1..steps, &mut work, &mut outputs).unwrap();
        let (said, exactly) = (said.row(0).logits(), outputs.row(0).logits());
        if precision == Precision::Bf16 {
            assert_eq!(said, exactly);
        }
        assert!(said.iter().zip(exactly).all(|(said, exactly)| (said - exactly).abs() < 1e-4), "{said:?}");
        let gradient = found.gradients(&given).features(steps - 1);
        let length = |values: &mut dyn Iterator<Item = f32>| values.map(|x| x * x).sum::<f32>().sqrt();
        let off = length(&mut gradient.iter().zip(&exact).map(|(one, other)| one - other));
        let of = length(&mut exact.iter().copied());
        assert!(off > 0.0 && off < apart * of, "{precision:?}: {off} of {of}");
    }
}

/// Central differences of an output, in the direction of the gradient of each kind of input at some steps.
#[test]
fn finite_differences_see_them() {
    let spec = Spec { layers: 2, width: 64, heads: 4, hidden: 64, ..odd() };
    let (start, steps) = (Checkpoint::init(&spec, 6).unwrap(), 30);
    let key = RandomKey { seed: 3, purpose: 4, id: 5 };
    let values = |salt: u32, width: usize| -> Vec<f32> {
        (0..steps * width).map(|draw| key.normal(draw as u32 * 8 + salt) as f32).collect()
    };
    let made = GoldenInputs {
        features: values(0, spec.features),
        book: values(1, spec.levels * 6),
        trades: values(2, spec.trades),
        stamps: values(3, 3).into_iter().map(|value| value.abs() / 8.0).collect(),
        account: values(4, spec.account),
        shape: (1, steps),
    };
    let account = made.account[(steps - 1) * spec.account..].to_vec();
    let given = outputs(&spec);
    let mut model = Sensitivity::new(best(), &start, 0, steps);
    model.run(&view(&made), &account);
    let gradients = model.gradients(&given);
    let mut parts = vec![(4, steps - 1, gradients.account(steps - 1).to_vec())];
    for row in [steps - 1, steps - 3, steps - 9] {
        for (which, values) in
            [gradients.features(row), gradients.book(row), gradients.trades(row), gradients.stamps(row)]
                .into_iter()
                .enumerate()
        {
            parts.push((which, row, values.to_vec()));
        }
    }
    for (which, row, gradient) in parts {
        let length = gradient.iter().map(|g| f64::from(*g) * f64::from(*g)).sum::<f64>().sqrt();
        assert!(length > 1e-6, "input {which} of row {row} has no gradient");
        // Times turn fast: they are moved less.
        let step = if which == 3 { 1e-4 } else { 1e-2 };
        let mut moved = |by: f64| -> f64 {
            let mut there = GoldenInputs {
                features: made.features.clone(),
                book: made.book.clone(),
                trades: made.trades.clone(),
                stamps: made.stamps.clone(),
                account: account.clone(),
                ..made
            };
            let GoldenInputs { features, book, trades, stamps, account, .. } = &mut there;
            let values = [features, book, trades, stamps, account].into_iter().nth(which).unwrap();
            let first = if which == 4 { 0 } else { row * gradient.len() };
            for (value, gradient) in values[first..].iter_mut().zip(&gradient) {
                *value = (f64::from(*value) + by * f64::from(*gradient) / length) as f32;
            }
            let said = model.run(&view(&there), &there.account);
            said.row(0).all().iter().zip(&given).map(|(y, g)| f64::from(*y) * f64::from(*g)).sum()
        };
        let slope = (moved(step) - moved(-step)) / (2.0 * step);
        // Rounding of the outputs, about 1e-6 each, is seen through the division.
        let error = (slope - length).abs();
        assert!(
            error < 0.02 * length + 4e-6 / step,
            "input {which} of row {row}: {slope}, expected {length}"
        );
    }
}
