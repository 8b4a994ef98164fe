//! How many ticks a second does a whole run take, from file to journal?
//!
//! 1,057,424 quotes of BTCUSDT, from CSV packed by zstd and from an imported market journal, without a
//! strategy and with ema-cross 10/20 at every tick; every event is chained and stored in sled. The head hashes
//! that are printed are the same on every machine. `cargo bench -p genovo-benches --bench replay`

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use genovo_benches::{TILES, btcusdt, csv, market_journal, market_of, replay};

fn ticks_per_second(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let market = market_journal(folder.path(), TILES);
    println!("data: market journal, head {}", market.summary().head_hash);
    let mut group = criterion.benchmark_group("replay");
    group.sample_size(10);
    let tiles = format!("data.tiles={TILES}");
    for (strategy, set) in [("no strategy", "strategy.kind=flat"), ("ema-cross 10/20", "strategy.fast=10")] {
        let settings = btcusdt(&[&tiles, set]);
        for name in ["csv.zst", "journal"] {
            let source = || if name == "journal" { market_of(&market) } else { csv(TILES) };
            let done = replay(&settings, source(), folder.path());
            let sealed = done.writer.finish().expect("room on the disk");
            let (orders, ticks) = (done.counts.orders, done.counts.ticks);
            println!("{strategy}, {name}: {ticks} ticks, {orders} orders, head {}", sealed.head_hash);
            group.throughput(Throughput::Elements(ticks));
            group.bench_function(format!("{strategy}, {name}"), |bencher| {
                bencher.iter_custom(|rounds| {
                    (0..rounds).map(|_| replay(&settings, source(), folder.path()).time).sum()
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, ticks_per_second);
criterion_main!(benches);
