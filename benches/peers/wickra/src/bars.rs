//! Families over closed bars.

use std::hint::black_box;
use std::time::{Duration, Instant};

use genovo_engine::features::bank::{Anchored, Wanted};
use genovo_engine::features::candle::{Candle, Timeframe};
use genovo_engine::features::catalogue::{Place, entries};
use genovo_engine::features::column::Scale;
use genovo_engine::features::indicators::make;
use genovo_engine::units::{Nanoseconds, Timestamp};
use wickra_core::*;

use crate::{Beside, beside, print};

/// Bars before the first that is timed: past every warm-up, and before the bank feeds a shadow.
const BEFORE: usize = 1_000;
const TIMED: usize = 3_000;

/// A bar as each side takes it.
struct Both {
    ours: genovo_engine::features::candle::Candle,
    theirs: wickra_core::Candle,
}

/// A price that wanders by the bits of a counter.
fn bars() -> Vec<Both> {
    let mut price = 100.0;
    (0..BEFORE + TIMED + 4_096)
        .map(|index| {
            let draw = |salt: u64| {
                let mix = (index as u64 ^ (salt << 40)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                ((mix ^ (mix >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 40) as f64 / (1_u64 << 24) as f64
            };
            let open: f64 = price * (1.0 + (draw(5) - 0.5) * 0.0005);
            price *= 1.0 + (draw(1) - 0.5) * 0.004;
            let (high, low) =
                (open.max(price) * (1.0 + 0.001 * draw(2)), open.min(price) * (1.0 - 0.001 * draw(3)));
            let time = index as i64 * 60_000_000_000;
            let volume = 100.0 + 1_000.0 * draw(4);
            Both {
                ours: Candle {
                    open_time: Timestamp(time),
                    close_time: Timestamp(time + 60_000_000_000),
                    open,
                    high,
                    low,
                    close: price,
                    volume: Some(volume),
                },
                // Milliseconds, as its sessions have it.
                theirs: wickra_core::Candle::new(open, high, low, price, volume, time / 1_000_000)
                    .expect("a bar"),
            }
        })
        .collect()
}

/// Times what `step` does of each bar, past a warm-up of `before`.
fn timed(bars: &[Both], before: usize, mut step: impl FnMut(&Both)) -> Duration {
    bars[..before].iter().for_each(&mut step);
    let start = Instant::now();
    bars[before..before + TIMED].iter().for_each(&mut step);
    start.elapsed()
}

/// One indicator of ours alone.
fn alone(bars: &[Both], name: &str, parameters: &[f64]) -> Duration {
    let mut made = make(name, parameters).unwrap_or_else(|| panic!("no {name}"));
    let mut out = vec![None; made.outputs];
    timed(bars, BEFORE, |bar| {
        made.indicator.update(black_box(&bar.ours), &mut out);
        black_box(&out);
    })
}

/// The columns of the shortest timeframe whose indicators are among these, without what the bank does to their scale.
fn wanted(family: &str, indicators: &[&str]) -> Vec<Wanted> {
    let timeframes = [60, 300, 900, 3600].map(|s| Timeframe::Time(Nanoseconds(s * 1_000_000_000)));
    let all = entries(&timeframes).into_iter().filter_map(|(column, place)| match place {
        Place::Bar(0, wanted) if column.family == family => Some(wanted),
        _ => None,
    });
    let own = all.filter(|wanted| indicators.contains(&wanted.indicator));
    own.enumerate().map(|(place, wanted)| Wanted { place, scale: Scale::Plain, ..wanted }).collect()
}

/// Columns through the bank, from bar `before` on.
fn bank(bars: &[Both], wanted: &[Wanted], before: usize) -> Duration {
    let mut bank = Anchored::new(wanted.to_vec());
    let mut row = vec![None; wanted.len()];
    timed(bars, before, |bar| {
        bank.update(black_box(&bar.ours), &mut row);
        black_box(&row);
    })
}

/// A name as it is written: `realised(20)`.
fn label(name: &str, parameters: &[f64]) -> String {
    let numbers: Vec<String> = parameters.iter().map(f64::to_string).collect();
    format!("  {name}({})", numbers.join(", "))
}

/// An indicator of theirs over log returns.
struct OfReturns<I>(LogReturn, I);

fn of_returns<I>(indicator: I) -> OfReturns<I> {
    OfReturns(LogReturn::new(1).unwrap(), indicator)
}

impl<I: Indicator<Input = f64>> OfReturns<I> {
    fn update(&mut self, close: f64) -> Option<I::Output> {
        let change = self.0.update(close)?;
        self.1.update(change)
    }
}

macro_rules! feed {
    (close $indicator:ident $bar:ident) => {
        black_box($indicator.update(black_box($bar.theirs.close)))
    };
    (bar $indicator:ident $bar:ident) => {
        black_box($indicator.update(black_box($bar.theirs)))
    };
    (pair $indicator:ident $bar:ident) => {
        black_box($indicator.update(black_box(($bar.theirs.close, 0.0))))
    };
}

macro_rules! family {
    ($bars:ident, $totals:ident, $name:literal, [$($indicator:literal),*], {
        $($id:ident $ours:literal [$($parameter:expr),*] $input:ident $theirs:expr;)*
    }) => {{
        println!("{}", $name);
        $({
            let name = label($ours, &[$($parameter as f64),*]);
            beside(
                &name,
                TIMED,
                || alone(&$bars, $ours, &[$($parameter as f64),*]),
                || {
                    let mut it = $theirs;
                    timed(&$bars, BEFORE, |bar| { feed!($input it bar); })
                },
            );
        })*
        let columns = wanted($name, &[$($indicator),*]);
        let theirs = || {
            $(let mut $id = $theirs;)*
            timed(&$bars, BEFORE, |bar| { $(feed!($input $id bar);)* })
        };
        let name = format!("  {}: {} columns together", $name, columns.len());
        let alone = beside(&name, TIMED, || bank(&$bars, &columns, BEFORE), theirs);
        // Half of the time a shadow is fed, too: from bar 4,096 to bar 8,192.
        let shadow = beside(&format!("{name}, and a shadow"), TIMED, || bank(&$bars, &columns, 4_096 + BEFORE), theirs);
        $totals.extend(alone.zip(shadow));
    }};
}

pub fn run() {
    let bars = bars();
    let mut totals: Vec<(Beside, Beside)> = Vec::new();
    family!(bars, totals, "volatility", [
        "parkinson", "garman_klass", "rogers_satchell", "yang_zhang", "realised", "ulcer"
    ], {
        parkinson "parkinson" [20] bar ParkinsonVolatility::new(20, 1).unwrap();
        garman_klass "garman_klass" [20] bar GarmanKlassVolatility::new(20, 1).unwrap();
        rogers_satchell "rogers_satchell" [20] bar RogersSatchellVolatility::new(20, 1).unwrap();
        yang_zhang "yang_zhang" [20] bar YangZhangVolatility::new(20, 1).unwrap();
        realised_20 "realised" [20] close RealizedVolatility::new(20).unwrap();
        realised_100 "realised" [100] close RealizedVolatility::new(100).unwrap();
        ulcer "ulcer" [14] close UlcerIndex::new(14).unwrap();
    });
    family!(bars, totals, "statistics", [
        "zscore", "skew", "kurtosis", "entropy", "autocorrelation", "LINEARREG_ANGLE", "r_squared"
    ], {
        z_20 "zscore" [20] close ZScore::new(20).unwrap();
        z_60 "zscore" [60] close ZScore::new(60).unwrap();
        skew "skew" [30] close Skewness::new(30).unwrap();
        kurtosis "kurtosis" [30] close Kurtosis::new(30).unwrap();
        entropy "entropy" [64] close of_returns(ShannonEntropy::new(64, 8).unwrap());
        autocorrelation_1 "autocorrelation" [64, 1] close of_returns(Autocorrelation::new(64, 1).unwrap());
        autocorrelation_5 "autocorrelation" [64, 5] close of_returns(Autocorrelation::new(64, 5).unwrap());
        angle "LINEARREG_ANGLE" [14] close LinRegAngle::new(14).unwrap();
        r_squared "r_squared" [30] close RSquared::new(30).unwrap();
    });
    family!(bars, totals, "momentum", [
        "log_return", "FISHER", "rsx", "kst", "cfo", "inertia", "pgo", "rvgi", "bias", "squeeze"
    ], {
        return_1 "log_return" [1] close LogReturn::new(1).unwrap();
        return_5 "log_return" [5] close LogReturn::new(5).unwrap();
        return_10 "log_return" [10] close LogReturn::new(10).unwrap();
        return_20 "log_return" [20] close LogReturn::new(20).unwrap();
        return_60 "log_return" [60] close LogReturn::new(60).unwrap();
        fisher "FISHER" [9] close FisherTransform::new(9).unwrap();
        rsx "rsx" [14] close Rsx::new(14).unwrap();
        kst "kst" [] close Kst::classic();
        cfo "cfo" [9] close Cfo::new(9).unwrap();
        inertia "inertia" [20, 14] bar Inertia::new(14, 20).unwrap();
        pgo "pgo" [14] bar Pgo::new(14).unwrap();
        rvgi "rvgi" [14] bar Rvi::new(14).unwrap();
        bias "bias" [26] close DisparityIndex::new(26).unwrap();
        squeeze "squeeze" [] bar TtmSqueeze::classic();
    });
    family!(bars, totals, "trend", ["CHOP", "rwi", "trendflex"], {
        chop "CHOP" [14] bar ChoppinessIndex::new(14).unwrap();
        rwi "rwi" [14] bar Rwi::new(14).unwrap();
        trendflex "trendflex" [20, 20] close Trendflex::new(20).unwrap();
    });
    family!(bars, totals, "overlap", ["MAMA", "hilo", "ssf", "vidya", "hwma", "zlma", "sinwma"], {
        mama "MAMA" [0.5, 0.05] close Mama::new(0.5, 0.05).unwrap();
        hilo "hilo" [13, 21] bar HiLoActivator::new(13).unwrap();
        ssf "ssf" [20] close SuperSmoother::new(20).unwrap();
        vidya "vidya" [14] close Vidya::new(14, 14).unwrap();
        hwma "hwma" [0.2, 0.1, 0.1] close HoltWinters::new(0.2, 0.1).unwrap();
        zlma "zlma" [10] close Zlema::new(10).unwrap();
        sinwma "sinwma" [14] close SineWeightedMa::new(14).unwrap();
    });
    // Theirs has one weight for all bars, ours as pandas-ta has it bands and three powers of its own a bar.
    family!(bars, totals, "overlap", ["jma"], {
        jma "jma" [7, 0] close Jma::new(7, 0.0, 2).unwrap();
    });
    family!(bars, totals, "volume", ["kvo", "session_vwap"], {
        kvo "kvo" [34, 55, 13] bar Kvo::new(34, 55).unwrap();
        session_vwap "session_vwap" [] bar SessionVwap::new(0);
    });
    family!(bars, totals, "cycles", ["HT_DCPERIOD", "HT_PHASOR", "hilbert", "reflex", "cg"], {
        period "HT_DCPERIOD" [] close HilbertDominantCycle::new();
        phasor "HT_PHASOR" [] close HtPhasor::new();
        phase "HT_DCPHASE" [] close HtDcPhase::new();
        sine "HT_SINE" [] close SineWave::new();
        trendmode "HT_TRENDMODE" [] close HtTrendMode::new();
        reflex "reflex" [20, 20] close Reflex::new(20).unwrap();
        cg "cg" [10] close CenterOfGravity::new(10).unwrap();
    });
    family!(bars, totals, "regime", [
        "volatility_rank", "hurst", "variance_ratio", "jumps", "half_life", "trend_label"
    ], {
        rank_100 "volatility_rank" [20, 100] close RegimeLabel::new(20, 100).unwrap();
        rank_250 "volatility_rank" [20, 250] close RegimeLabel::new(20, 250).unwrap();
        rank_500 "volatility_rank" [20, 500] close RegimeLabel::new(20, 500).unwrap();
        hurst "hurst" [] close of_returns(HurstExponent::new(256, 5).unwrap());
        ratio_2 "variance_ratio" [2] pair VarianceRatio::new(257, 2).unwrap();
        ratio_5 "variance_ratio" [5] pair VarianceRatio::new(257, 5).unwrap();
        ratio_10 "variance_ratio" [10] pair VarianceRatio::new(257, 10).unwrap();
        jumps "jumps" [64] close BipowerVariation::new(64).unwrap();
        half_life "half_life" [128] pair OuHalfLife::new(128).unwrap();
        trend_label "trend_label" [50] close TrendLabel::new(50).unwrap();
    });
    let ours = |of: fn(&(Beside, Beside)) -> f64| totals.iter().map(of).sum();
    let theirs = ours(|it| it.0.theirs);
    print("all families over bars", Beside { ours: ours(|it| it.0.ours), theirs });
    let mean = ours(|it| (it.0.ours + it.1.ours) / 2.0);
    print("all families over bars, half of the time with shadows", Beside { ours: mean, theirs });
}
