//! How long do features take: one bar through every indicator of a timeframe, one quote through the families over
//! ticks, one row read and scaled?
//!
//! `cargo bench -p genovo-benches --bench features`

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use genovo_benches::{bar, btcusdt, csv};
use genovo_engine::event::Event;
use genovo_engine::features::FeatureState;
use genovo_engine::features::bank::{Anchored, Wanted};
use genovo_engine::features::candle::{Candle, Timeframe};
use genovo_engine::features::catalogue::{Place, entries};
use genovo_engine::features::indicators::make;
use genovo_engine::features::normalise::Normalise;
use genovo_engine::settings::{BarPrice, FeatureSettings};
use genovo_engine::units::Nanoseconds;

const SECOND: i64 = 1_000_000_000;

fn timeframes() -> [Timeframe; 4] {
    [60, 300, 900, 3600].map(|seconds| Timeframe::Time(Nanoseconds(seconds * SECOND)))
}

fn settings(columns: &[&str], scale: Normalise) -> FeatureSettings {
    FeatureSettings {
        columns: columns.iter().map(|column| column.to_string()).collect(),
        timeframes: timeframes(),
        price: BarPrice::Mid,
        scale,
        benchmark: None,
        selection: None,
        own: Vec::new(),
        altered: Vec::new(),
    }
}

/// The shipped quotes of BTCUSDT in memory.
fn quotes() -> Vec<Event> {
    let mut events = Vec::new();
    let mut source = csv(1);
    loop {
        let before = events.len();
        source.read(&mut events, 10_000).expect("good quotes");
        if events.len() == before {
            return events;
        }
    }
}

/// The columns of the shortest timeframe, which has them all.
fn wanted() -> Vec<Wanted> {
    let places = entries(&timeframes()).into_iter().filter_map(|(_, place)| match place {
        Place::Bar(0, wanted) => Some(wanted),
        _ => None,
    });
    places.enumerate().map(|(place, wanted)| Wanted { place, ..wanted }).collect()
}

fn a_bar(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("features, a bar");
    group.throughput(Throughput::Elements(1));
    let columns = wanted().len();
    // Past every warm-up; from bar 4,096 to 8,192 the shadow of the renewal is fed, too.
    for (name, first) in [("", 1_000), (", and their shadow", 5_000)] {
        let mut row = vec![None; columns];
        group.bench_function(format!("all {columns} columns of a timeframe{name}"), |bencher| {
            bencher.iter_custom(|rounds| {
                let mut taken = Duration::ZERO;
                for part in (0..rounds).step_by(3_000) {
                    let mut bank = Anchored::new(wanted());
                    (0..first).for_each(|index| bank.update(&bar(index), &mut row));
                    let bars: Vec<Candle> =
                        (0..3_000.min(rounds - part) as i64).map(|index| bar(first + index)).collect();
                    let start = Instant::now();
                    bars.iter().for_each(|bar| bank.update(black_box(bar), &mut row));
                    taken += start.elapsed();
                }
                taken
            });
        });
    }
    group.finish();
}

/// What `benches/peers/pandas_ta_features.py` times, with the lengths of the catalogue.
const OF_PANDAS_TA: [&str; 27] = [
    "RSI", "MACD", "ADX", "CCI", "CMO", "MFI", "OBV", "NATR", "EMA", "KAMA", "TRIX", "ULTOSC", "VORTEX",
    "CHOP", "FISHER", "bias", "brar", "inertia", "kst", "pgo", "rsx", "rvgi", "kurtosis", "skew", "entropy",
    "zscore", "kvo",
];

fn those_of_pandas_ta(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("features, those of pandas-ta");
    group.throughput(Throughput::Elements(1));
    let mut made: Vec<_> = OF_PANDAS_TA
        .iter()
        .map(|name| {
            let column = wanted().into_iter().find(|wanted| wanted.indicator == *name);
            let column = column.unwrap_or_else(|| panic!("the catalogue has no {name}"));
            make(name, column.parameters).expect("it is in the catalogue")
        })
        .collect();
    let mut out = [None; 8];
    let mut index = 0;
    let mut update = |index: i64| {
        let bar = bar(index);
        for made in &mut made {
            made.indicator.update(black_box(&bar), &mut out[..made.outputs]);
        }
    };
    while index < 1_000 {
        update(index);
        index += 1;
    }
    group.bench_function(format!("{} functions", OF_PANDAS_TA.len()), |bencher| {
        bencher.iter(|| {
            update(index);
            index += 1;
        });
    });
    group.finish();
}

fn a_quote(criterion: &mut Criterion) {
    let quotes = quotes();
    let instruments = btcusdt(&["strategy.kind=flat"]).instruments;
    let mut group = criterion.benchmark_group("features, quotes");
    group.throughput(Throughput::Elements(quotes.len() as u64));
    let families = ["microstructure", "order_flow", "volume_profile", "calendar"];
    for (name, columns) in [("families over ticks", &families[..]), ("all columns", &["all"][..])] {
        group.bench_function(name, |bencher| {
            bencher.iter_batched_ref(
                || FeatureState::new(&settings(columns, Normalise::None), &instruments).unwrap(),
                |state| {
                    for event in &quotes {
                        let header = &event.header;
                        state.advance(header.time_received);
                        state.update(0, header.time_received, header.time_event, &event.fact);
                    }
                },
                BatchSize::LargeInput,
            );
        });
    }
    group.finish();
}

fn a_row(criterion: &mut Criterion) {
    let quotes = quotes();
    let instruments = btcusdt(&["strategy.kind=flat"]).instruments;
    let mut group = criterion.benchmark_group("features, a row");
    for (name, scale) in
        [("raw", Normalise::None), ("robust", Normalise::Robust), ("normal", Normalise::Normal)]
    {
        let mut state = FeatureState::new(&settings(&["all"], scale), &instruments).unwrap();
        for (at, event) in quotes.iter().enumerate() {
            let header = &event.header;
            state.advance(header.time_received);
            state.update(0, header.time_received, header.time_event, &event.fact);
            if at % 50 == 0 {
                state.read(0, header.time_received).expect("no overflow");
            }
        }
        let mut now = quotes.last().expect("quotes").header.time_received;
        group.bench_function(format!("all {} columns, {name}", state.columns().len()), |bencher| {
            bencher.iter(|| {
                now = now + Nanoseconds(SECOND / 1_000);
                black_box(state.read(0, now).expect("no overflow"));
            });
        });
    }
    group.finish();
}

criterion_group!(benches, a_bar, those_of_pandas_ta, a_quote, a_row);
criterion_main!(benches);
