//! Indicators that genovo computes itself beside wickra-core 2.1.1's of the same name, one bar at a time, in turn.
//!
//! `cargo run --release`, in this folder. Both take the same bars; each is timed over a million of them, five times,
//! and the best time counts. What the two compute may differ in scale and seed: it is the same work.

use std::hint::black_box;
use std::time::Instant;

use genovo_engine::features::candle::Candle;
use genovo_engine::features::indicators::make;
use genovo_engine::units::Timestamp;
use wickra_core::{
    Autocorrelation, Candle as Theirs, ChoppinessIndex, FisherTransform, GarmanKlassVolatility, Indicator,
    Kurtosis, LinRegAngle, Mama, ParkinsonVolatility, Reflex, RogersSatchellVolatility, Skewness, UlcerIndex,
    YangZhangVolatility, ZScore,
};

const BARS: usize = 100_000;
const ROUNDS: usize = 10;
const TIMES: usize = 5;

/// A price that wanders by the bits of a counter.
fn bars() -> Vec<Candle> {
    let mut price = 100.0;
    (0..BARS)
        .map(|index| {
            let draw = |salt: u64| {
                let mix = (index as u64 ^ salt).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                ((mix ^ (mix >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 40) as f64 / (1_u64 << 24) as f64
            };
            let open = price;
            price *= 1.0 + (draw(1) - 0.5) * 0.004;
            let (high, low) =
                (open.max(price) * (1.0 + 0.001 * draw(2)), open.min(price) * (1.0 - 0.001 * draw(3)));
            let time = Timestamp(index as i64 * 60_000_000_000);
            let volume = Some(100.0 + 1_000.0 * draw(4));
            Candle { open_time: time, close_time: time, open, high, low, close: price, volume }
        })
        .collect()
}

/// The best of several times, in nanoseconds a bar.
fn best(mut work: impl FnMut()) -> f64 {
    let once = |work: &mut dyn FnMut()| {
        let start = Instant::now();
        work();
        start.elapsed().as_secs_f64() * 1e9 / (BARS * ROUNDS) as f64
    };
    (0..TIMES).map(|_| once(&mut work)).fold(f64::INFINITY, f64::min)
}

fn ours(bars: &[Candle], name: &str, parameters: &[f64]) -> f64 {
    let made = make(name, parameters).unwrap_or_else(|| panic!("no {name}"));
    let (mut indicator, mut out) = (made.indicator, vec![None; made.outputs]);
    best(|| {
        for _ in 0..ROUNDS {
            for bar in bars {
                indicator.update(black_box(bar), &mut out);
                black_box(&out);
            }
        }
    })
}

fn theirs_by_close<I: Indicator<Input = f64>>(bars: &[Candle], mut indicator: I) -> f64 {
    best(|| {
        for _ in 0..ROUNDS {
            for bar in bars {
                black_box(indicator.update(black_box(bar.close)));
            }
        }
    })
}

fn theirs_by_bar<I: Indicator<Input = Theirs>>(bars: &[Candle], mut indicator: I) -> f64 {
    let bars: Vec<Theirs> = bars
        .iter()
        .map(|bar| {
            Theirs::new(bar.open, bar.high, bar.low, bar.close, bar.volume.unwrap_or(0.0), bar.close_time.0)
                .expect("a bar")
        })
        .collect();
    best(|| {
        for _ in 0..ROUNDS {
            for bar in &bars {
                black_box(indicator.update(black_box(*bar)));
            }
        }
    })
}

fn main() {
    let bars = bars();
    let rows = [
        (
            "parkinson(20)",
            ours(&bars, "parkinson", &[20.0]),
            theirs_by_bar(&bars, ParkinsonVolatility::new(20, 1).unwrap()),
        ),
        (
            "garman_klass(20)",
            ours(&bars, "garman_klass", &[20.0]),
            theirs_by_bar(&bars, GarmanKlassVolatility::new(20, 1).unwrap()),
        ),
        (
            "rogers_satchell(20)",
            ours(&bars, "rogers_satchell", &[20.0]),
            theirs_by_bar(&bars, RogersSatchellVolatility::new(20, 1).unwrap()),
        ),
        (
            "yang_zhang(20)",
            ours(&bars, "yang_zhang", &[20.0]),
            theirs_by_bar(&bars, YangZhangVolatility::new(20, 1).unwrap()),
        ),
        (
            "MAMA(0.5, 0.05)",
            ours(&bars, "MAMA", &[0.5, 0.05]),
            theirs_by_close(&bars, Mama::new(0.5, 0.05).unwrap()),
        ),
        ("CHOP(14)", ours(&bars, "CHOP", &[14.0]), theirs_by_bar(&bars, ChoppinessIndex::new(14).unwrap())),
        (
            "FISHER(9)",
            ours(&bars, "FISHER", &[9.0]),
            theirs_by_close(&bars, FisherTransform::new(9).unwrap()),
        ),
        (
            "LINEARREG_ANGLE(14)",
            ours(&bars, "LINEARREG_ANGLE", &[14.0]),
            theirs_by_close(&bars, LinRegAngle::new(14).unwrap()),
        ),
        (
            "reflex(20)",
            ours(&bars, "reflex", &[20.0, 20.0]),
            theirs_by_close(&bars, Reflex::new(20).unwrap()),
        ),
        ("skew(30)", ours(&bars, "skew", &[30.0]), theirs_by_close(&bars, Skewness::new(30).unwrap())),
        (
            "kurtosis(30)",
            ours(&bars, "kurtosis", &[30.0]),
            theirs_by_close(&bars, Kurtosis::new(30).unwrap()),
        ),
        ("zscore(20)", ours(&bars, "zscore", &[20.0]), theirs_by_close(&bars, ZScore::new(20).unwrap())),
        (
            "autocorrelation(64, 1)",
            ours(&bars, "autocorrelation", &[64.0, 1.0]),
            theirs_by_close(&bars, Autocorrelation::new(64, 1).unwrap()),
        ),
        ("ulcer(14)", ours(&bars, "ulcer", &[14.0]), theirs_by_close(&bars, UlcerIndex::new(14).unwrap())),
    ];
    println!("{:<24} {:>8} {:>8} {:>7}", "ns a bar", "genovo", "wickra", "times");
    let (mut all, mut all_theirs) = (0.0, 0.0);
    for (name, ours, theirs) in rows {
        println!("{name:<24} {ours:>8.1} {theirs:>8.1} {:>7.2}", theirs / ours);
        (all, all_theirs) = (all + ours, all_theirs + theirs);
    }
    println!("{:<24} {all:>8.1} {all_theirs:>8.1} {:>7.2}", "together", all_theirs / all);
}
