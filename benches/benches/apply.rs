//! How long does the engine take for one input, without files, venue and journal?
//!
//! The inputs of a recorded run over 66,089 quotes of BTCUSDT, the venue's answers among them, from memory;
//! no strategy, and ema-cross 10/20 at every tick. The state hashes that are printed are the same on every
//! machine. `cargo bench -p genovo-benches --bench apply`

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use genovo_benches::{btcusdt, csv, inputs, state_hash};
use genovo_engine::engine::Engine;
use genovo_engine::event::Event;
use genovo_engine::ids::Hash;
use genovo_engine::settings::Settings;
use genovo_engine::strategy::Registry;

/// All inputs applied once: how long it took, and the state that came out.
fn apply(settings: &Settings, inputs: &[Event]) -> (Duration, Option<Hash>) {
    let mut engine = Engine::new(settings.clone(), &Registry::default()).expect("good settings");
    let began = Instant::now();
    for input in inputs {
        black_box(engine.apply(input).expect("a good run"));
    }
    let time = began.elapsed();
    let end = engine.finish().expect("a good run");
    (time, end.events.last().and_then(state_hash))
}

fn inputs_per_second(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("apply");
    for (strategy, set) in [("no strategy", "strategy.kind=flat"), ("ema-cross 10/20", "strategy.fast=10")] {
        let settings = btcusdt(&[set]);
        let (inputs, state) = inputs(&settings, csv(1));
        assert_eq!(apply(&settings, &inputs).1, Some(state), "the same state from recorded inputs");
        println!("{strategy}: {} inputs, state {state}", inputs.len());
        group.throughput(Throughput::Elements(inputs.len() as u64));
        group.bench_function(strategy, |bencher| {
            bencher.iter_custom(|rounds| (0..rounds).map(|_| apply(&settings, &inputs).0).sum());
        });
    }
    group.finish();
}

criterion_group!(benches, inputs_per_second);
criterion_main!(benches);
