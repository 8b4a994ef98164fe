//! Whole steps of training: `tiny` learns on the backend what it learns on the CPU, to the bit.

use genovo_kernels::backend::Cpu;
use genovo_kernels::checkpoint::{Checkpoint, Exactness, Lineage};
use genovo_kernels::cpu::CpuLevel;
use genovo_kernels::losses::Coefficients;
use genovo_kernels::model::{Inputs, Spec};
use genovo_kernels::optimiser::{AdamW, linear_rate};
use genovo_kernels::training::{Batch, BatchShape, Trainer, TrainingBackend};

use crate::operations::{Market, Size, market, same};
use crate::targets::{self, Made};

/// Losses, norms, outputs, gradients and weights of two steps, and the model that comes of them.
fn learns<B: TrainingBackend>(backend: B, start: &Checkpoint, shape: BatchShape) -> (Vec<u32>, Checkpoint) {
    let mut trainer = Trainer::new(backend, start, shape).unwrap();
    let spec = start.spec();
    let Market { parts: [features, book, trades, stamps], .. } = market(spec, 21, shape.input_rows());
    let Market { account, .. } = market(spec, 22, shape.rows());
    let made = Made::new(spec.head_shape(), shape.rows());
    let mut found = Vec::new();
    for step in 0..2 {
        let batch = Batch {
            inputs: Inputs { features: &features, book: &book, trades: &trades, stamps: &stamps },
            account: &account,
            targets: made.view(true),
        };
        found.extend(targets::bits(&trainer.gradients(&batch, &Coefficients::default()).unwrap()));
        for tensor in spec.tensors() {
            let gradient = trainer.read_gradient(&tensor.name).unwrap();
            assert!(gradient.iter().any(|value| *value != 0.0), "{} learns nothing", tensor.name);
            found.extend(gradient.iter().map(|value| value.to_bits()));
        }
        let outputs = trainer.outputs().unwrap();
        for row in 0..outputs.rows() {
            found.extend(outputs.row(row).quantiles().as_flattened().iter().map(|value| value.to_bits()));
        }
        let norm = trainer.update(&AdamW::default(), linear_rate(3e-3, step, 5)).unwrap();
        found.extend([norm.to_bits() as u32, (norm.to_bits() >> 32) as u32]);
        for tensor in spec.tensors() {
            let values = trainer.read_values(&tensor.name).unwrap();
            found.extend(values.iter().map(|value| value.to_bits()));
        }
    }
    let lineage = Lineage {
        origin: "two steps".to_owned(),
        parent: Some(start.id().to_string()),
        seed: None,
        exactness: Exactness::Exact,
    };
    (found, trainer.checkpoint(lineage).unwrap())
}

/// Two steps of `tiny` on short sequences: from the beginning of their streams, and behind a burn-in.
pub fn have_the_bits_of_the_cpu<B: TrainingBackend + Clone>(backend: &B, size: Size) {
    let start = Checkpoint::init(&Spec::tiny(), 5).unwrap();
    let cpu = Cpu::new(CpuLevel::detect(), 1).unwrap();
    let (steps, burn_in) = if size == Size::Full { (200, 300) } else { (9, 5) };
    let shapes = [
        BatchShape { sequences: 2, steps, burn_in: 0 },
        BatchShape { sequences: 3, steps: steps / 2, burn_in },
    ];
    for shape in shapes {
        let (found, model) = learns(backend.clone(), &start, shape);
        let (expected, its) = learns(cpu.clone(), &start, shape);
        same(&found, &expected, &format!("{shape:?} on {}", backend.describe()));
        assert_eq!(model.id(), its.id(), "{shape:?}");
        assert_ne!(model.id(), start.id(), "it learnt something");
    }
}

/// A window that no kernel of the backward pass holds is an error before anything is computed.
pub fn refuse_a_window_that_no_kernel_holds<B: TrainingBackend>(backend: B) {
    let spec = Spec { windows: [16, 64, 1_024], ..Spec::tiny() };
    let start = Checkpoint::init(&spec, 5).unwrap();
    let short = BatchShape { sequences: 1, steps: 64, burn_in: 0 };
    let long = BatchShape { sequences: 1, steps: 1_024, burn_in: 0 };
    let refused = Trainer::new(backend, &start, long).err().expect("it does not fit").to_string();
    assert!(
        refused.contains("a window of 1024") && refused.contains("more than a kernel holds"),
        "{refused}"
    );
    let cpu = Cpu::new(CpuLevel::detect(), 1).unwrap();
    for fits in [short, long] {
        assert!(Trainer::new(cpu.clone(), &start, fits).is_ok(), "the CPU trains it");
    }
}
