//! How fast is a step of training: tokens a second, forward, backward and optimiser?

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use genovo_kernels::backend::Cpu;
use genovo_kernels::checkpoint::Checkpoint;
use genovo_kernels::cpu::CpuLevel;
use genovo_kernels::losses::{Coefficients, Targets};
use genovo_kernels::model::{Inputs, Spec};
use genovo_kernels::optimiser::AdamW;
use genovo_kernels::training::{Batch, BatchShape, Trainer};

/// Numbers that look random and are not.
fn numbers(len: usize) -> Vec<f32> {
    (0..len).map(|n| (n.wrapping_mul(2_654_435_761) % 2_000) as f32 / 1_000.0 - 1.0).collect()
}

fn steps(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("a step of training, 1 thread");
    group.sample_size(10);
    for (spec, sequences) in [(Spec::tiny(), 32), (Spec::base(), 32), (Spec::full(), 1)] {
        let shape = BatchShape { sequences, steps: 256, burn_in: 0 };
        let rows = shape.rows();
        let start = Checkpoint::init(&spec, 1).expect("a named size");
        let cpu = Cpu::new(CpuLevel::detect(), 1).expect("the detected level");
        let mut trainer = Trainer::new(cpu, &start, shape).expect("a model in f32");
        let (features, book) = (numbers(rows * spec.features), numbers(rows * spec.levels * 6));
        let (trades, stamps) = (numbers(rows * spec.trades), numbers(rows * 3));
        let account = numbers(rows * spec.account);
        let (one, returns) = (vec![1.0; rows], numbers(rows * spec.horizons));
        let bootstrap = vec![2.0; rows * spec.members];
        let batch = Batch {
            inputs: Inputs { features: &features, book: &book, trades: &trades, stamps: &stamps },
            account: &account,
            targets: Targets {
                weight: &one,
                bootstrap: &bootstrap,
                returns: &returns,
                edge: &one,
                slippage: &one,
                policy: None,
            },
        };
        group.throughput(Throughput::Elements(rows as u64));
        group.bench_function(format!("{}, {sequences} x 256", spec.name()), |bencher| {
            bencher.iter(|| {
                trainer.gradients(&batch, &Coefficients::default()).expect("a loss");
                trainer.update(&AdamW::default(), 1e-6).expect("gradients");
            });
        });
    }
    group.finish();
}

criterion_group!(benches, steps);
criterion_main!(benches);
