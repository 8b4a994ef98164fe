//! The model: steps, sequences, batches, threads and levels give one set of bits; old steps are forgotten
//! exactly.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use genovo_kernels::backend::Cpu;
use genovo_kernels::checkpoint::{Checkpoint, Precision};
use genovo_kernels::cpu::CpuLevel;
use genovo_kernels::model::{Inputs, Model, ModelError, Outputs, Spec};

use crate::golden_model::{self, GoldenInputs};
use crate::support::{cpus, numbers};

/// The system's allocator, counting what this thread asks for.
struct Counting;

thread_local! {
    pub static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: everything is passed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A shape with every part uneven that can be: no width is a multiple of a vector or a block.
pub fn odd() -> Spec {
    Spec {
        features: 31,
        levels: 3,
        trades: 5,
        frequencies: 7,
        micro: 9,
        width: 264,
        layers: 1,
        heads: 8,
        hidden: 320,
        head_hidden: 33,
        account: 3,
        members: 3,
        horizons: 2,
        windows: [2, 8, 32],
        dilations: [1, 2, 3, 5],
    }
}

/// Inputs as wide as a spec says.
pub fn inputs(spec: &Spec, sequences: usize, steps: usize) -> GoldenInputs {
    let tame = |purpose, width: usize| -> Vec<f32> {
        let values = numbers(40, purpose, sequences * steps * width);
        values.iter().map(|x| if x.abs() > 50.0 { x * 1e-5 } else { *x }).collect()
    };
    GoldenInputs {
        features: tame(1, spec.features),
        book: tame(2, spec.levels * 6),
        trades: tame(3, spec.trades),
        stamps: tame(4, 3),
        account: tame(5, spec.account),
        shape: (sequences, steps),
    }
}

impl GoldenInputs {
    /// The steps of some sequences as a batch: inputs and accounts.
    fn batch(&self, spec: &Spec, at: &[(usize, usize)]) -> (Vec<Vec<f32>>, Vec<f32>) {
        let gather = |values: &[f32], width: usize| -> Vec<f32> {
            let rows = at.iter().map(|(b, t)| &values[(b * self.shape.1 + t) * width..][..width]);
            rows.flatten().copied().collect()
        };
        let market = vec![
            gather(&self.features, spec.features),
            gather(&self.book, spec.levels * 6),
            gather(&self.trades, spec.trades),
            gather(&self.stamps, 3),
        ];
        (market, gather(&self.account, spec.account))
    }
}

fn view(market: &[Vec<f32>]) -> Inputs<'_> {
    Inputs { features: &market[0], book: &market[1], trades: &market[2], stamps: &market[3] }
}

/// All outputs of a row as bits, the trunk's first.
fn bits(trunk: &[f32], outputs: &Outputs, row: usize) -> Vec<u32> {
    let row = outputs.row(row);
    let one = [row.value(), row.scale(), row.impact()];
    let parts = [
        trunk,
        &row.logits()[..],
        &one[..],
        row.volatility(),
        row.mean().as_flattened(),
        row.disagreement(),
        row.quantiles().as_flattened(),
    ];
    parts.concat().iter().map(|value| value.to_bits()).collect()
}

/// Whole sequences at once: bits of each row.
fn whole(model: &Model, inputs: &GoldenInputs) -> Vec<Vec<u32>> {
    let (spec, rows) = (model.spec(), inputs.shape.0 * inputs.shape.1);
    let (mut work, mut outputs) = (model.workspace(rows).unwrap(), Outputs::new(spec, rows));
    let all = Inputs {
        features: &inputs.features,
        book: &inputs.book,
        trades: &inputs.trades,
        stamps: &inputs.stamps,
    };
    assert!(spec.fits(&all, rows));
    model.sequences(inputs.shape, all, &mut work).unwrap();
    model.heads(&inputs.account, 0..rows, &mut work, &mut outputs).unwrap();
    let mut trunk = vec![0.0; rows * spec.width];
    model.trunk_output(rows, &work, &mut trunk).unwrap();
    trunk.chunks_exact(spec.width).enumerate().map(|(row, trunk)| bits(trunk, &outputs, row)).collect()
}

/// Step by step from step `from` on, `due` sequences at a time: bits of each row.
fn stepped(model: &Model, inputs: &GoldenInputs, due: usize, from: usize) -> Vec<Vec<u32>> {
    let (spec, (sequences, steps)) = (model.spec(), inputs.shape);
    let (mut work, mut outputs) = (model.workspace(due).unwrap(), Outputs::new(spec, due));
    let mut streams = model.streams(sequences).unwrap();
    let mut all = vec![Vec::new(); sequences * steps];
    for step in from..steps {
        let order: Vec<usize> = (0..sequences).rev().collect();
        for batch in order.chunks(due) {
            let at: Vec<(usize, usize)> = batch.iter().map(|sequence| (*sequence, step)).collect();
            let (market, account) = inputs.batch(spec, &at);
            model.step(&mut streams, batch, view(&market), &mut work).unwrap();
            model.heads(&account, 0..batch.len(), &mut work, &mut outputs).unwrap();
            let mut trunk = vec![0.0; batch.len() * spec.width];
            model.trunk_output(batch.len(), &work, &mut trunk).unwrap();
            for (row, sequence) in batch.iter().enumerate() {
                all[sequence * steps + step] = bits(&trunk[row * spec.width..][..spec.width], &outputs, row);
            }
        }
        assert!((0..sequences).all(|sequence| streams.steps(sequence) == (step + 1 - from) as u64));
    }
    all
}

fn same(got: &[Vec<u32>], expected: &[Vec<u32>], what: &str) {
    assert_eq!(got.len(), expected.len(), "{what}");
    for (row, (got, expected)) in got.iter().zip(expected).enumerate() {
        let first = got.iter().zip(expected).position(|(got, expected)| got != expected);
        assert_eq!(first, None, "{what}: row {row} differs from this output on");
        assert_eq!(got.len(), expected.len(), "{what}");
    }
}

#[test]
fn steps_sequences_batches_threads_and_levels_have_the_same_bits() {
    let odd = Checkpoint::init(&odd(), 5).unwrap();
    let cases = [
        (golden_model::checkpoint("a"), golden_model::inputs("a")),
        (odd.reduced(Precision::Bf16).unwrap(), inputs(odd.spec(), 2, 36)),
        (odd.reduced(Precision::Int8).unwrap(), inputs(odd.spec(), 2, 36)),
        (odd.clone(), inputs(odd.spec(), 2, 36)),
    ];
    for (checkpoint, inputs) in cases {
        let mut expected = None;
        for cpu in cpus() {
            let what = format!("{checkpoint:?}, {cpu:?}");
            let model = Model::new(cpu, &checkpoint).unwrap();
            let whole = whole(&model, &inputs);
            for due in [1, inputs.shape.0] {
                same(&stepped(&model, &inputs, due, 0), &whole, &format!("{what}, {due} streams at a time"));
            }
            same(&whole, expected.get_or_insert_with(|| whole.clone()), &what);
        }
    }
}

#[test]
fn what_is_older_than_the_burn_in_is_forgotten_to_the_bit() {
    let (checkpoint, inputs) = (golden_model::checkpoint("a"), golden_model::inputs("a"));
    let model = Model::new(Cpu::new(CpuLevel::detect(), 1).unwrap(), &checkpoint).unwrap();
    // Two layers that look back 24 steps at most: 8·3 of the convolution.
    assert_eq!(model.spec().burn_in(), 48);
    let spec = Spec { windows: [4, 8, 16], dilations: [1, 2, 4, 5], ..model.spec().clone() };
    let lineage = checkpoint.metadata().lineage.clone();
    let checkpoint = Checkpoint::build(&spec, lineage, |tensor| Ok(checkpoint.values(&tensor.name))).unwrap();
    let model = Model::new(Cpu::new(CpuLevel::detect(), 1).unwrap(), &checkpoint).unwrap();
    let (burn_in, from, steps) = (model.spec().burn_in(), 3, inputs.shape.1);
    assert_eq!(burn_in, 30);
    let (early, late) = (stepped(&model, &inputs, 2, 0), stepped(&model, &inputs, 2, from));
    for sequence in 0..inputs.shape.0 {
        let differs = |step: &usize| early[sequence * steps + step] != late[sequence * steps + step];
        let last = (from..steps).rev().find(differs).expect("the first steps are missed somewhere");
        assert!(last < from + burn_in, "step {last} still knows the steps before {from}");
    }
}

#[test]
fn the_heads_can_be_run_again_for_another_account() {
    let checkpoint = golden_model::checkpoint("b");
    let model = Model::new(Cpu::new(CpuLevel::detect(), 1).unwrap(), &checkpoint).unwrap();
    let (spec, inputs) = (model.spec(), golden_model::inputs("b"));
    let (market, account) = inputs.batch(spec, &[(0, 0)]);
    let (mut work, mut outputs) = (model.workspace(1).unwrap(), Outputs::new(spec, 1));
    let mut streams = model.streams(1).unwrap();
    model.step(&mut streams, &[0], view(&market), &mut work).unwrap();
    model.heads(&account, 0..1, &mut work, &mut outputs).unwrap();
    let first = outputs.clone();
    model.heads(&vec![0.5; spec.account], 0..1, &mut work, &mut outputs).unwrap();
    // Only what the control head says depends on the account.
    assert_ne!(outputs.row(0).logits(), first.row(0).logits());
    assert_eq!(outputs.row(0).mean(), first.row(0).mean());
    model.heads(&account, 0..1, &mut work, &mut outputs).unwrap();
    assert_eq!(outputs, first);
}

#[test]
fn an_input_that_is_no_number_is_named() {
    let checkpoint = Checkpoint::init(&Spec::tiny(), 1).unwrap();
    for cpu in cpus() {
        let model = Model::new(cpu, &checkpoint).unwrap();
        let (spec, inputs) = (model.spec(), inputs(model.spec(), 2, 1));
        let (mut market, account) = inputs.batch(spec, &[(0, 0), (1, 0)]);
        market[0][spec.features + 3] = f32::NAN;
        let (mut work, mut outputs) = (model.workspace(2).unwrap(), Outputs::new(spec, 2));
        let mut streams = model.streams(2).unwrap();
        model.step(&mut streams, &[0, 1], view(&market), &mut work).unwrap();
        let error = model.heads(&account, 0..2, &mut work, &mut outputs).unwrap_err();
        assert!(matches!(error, ModelError::NotFinite { row: 1, output: "a logit", .. }), "{error}");
    }
}

#[test]
fn a_step_allocates_nothing() {
    let checkpoint = Checkpoint::init(&odd(), 2).unwrap();
    for cpu in cpus() {
        let what = format!("{cpu:?}");
        let model = Model::new(cpu, &checkpoint).unwrap();
        let (spec, inputs) = (model.spec(), inputs(model.spec(), 3, 1));
        let (market, account) = inputs.batch(spec, &[(0, 0), (2, 0)]);
        let (mut work, mut outputs) = (model.workspace(2).unwrap(), Outputs::new(spec, 2));
        let mut streams = model.streams(3).unwrap();
        let before = ALLOCATIONS.get();
        for _ in 0..50 {
            model.step(&mut streams, &[0, 2], view(&market), &mut work).unwrap();
            model.heads(&account, 0..2, &mut work, &mut outputs).unwrap();
        }
        assert_eq!(ALLOCATIONS.get() - before, 0, "{what}");
        assert_eq!([streams.steps(0), streams.steps(1), streams.steps(2)], [50, 0, 50]);
    }
}
