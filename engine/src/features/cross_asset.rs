//! Cross-asset: how an instrument moves with the benchmark of the run, at the closes of its own shortest bars.
//!
//! The benchmark's close is that of its last closed bar. An instrument is not compared with itself.

use genovo_kernels::scalar::fused::ln;

use super::candle::Candle;
use super::column::TickColumn;
use super::kit::{Ring, ratio};

macro_rules! columns {
    ($($id:literal $warm_up:literal $unit:literal $about:literal;)*) => {
        &[$(TickColumn { id: $id, source: "bars of both", warm_up: $warm_up, unit: $unit, about: $about }),*]
    };
}

/// The columns.
pub const COLUMNS: &[TickColumn] = columns! {
    "benchmark_return_1" "2 bars" "log" "the benchmark's return";
    "benchmark_return_5" "6 bars" "log" "the benchmark's return of 5 bars";
    "benchmark_return_20" "21 bars" "log" "the benchmark's return of 20 bars";
    "relative_strength_20" "21 bars" "log" "return of 20 bars less the benchmark's";
    "relative_strength_60" "61 bars" "log" "return of 60 bars less the benchmark's";
    "beta_60" "61 bars" "ratio" "slope of returns on the benchmark's";
    "correlation_60" "61 bars" "±1" "of returns with the benchmark's";
    "residual_60" "61 bars" "sd" "last return less beta times the benchmark's, by the residuals";
    "lead_60" "62 bars" "±1" "correlation of returns with the benchmark's a bar before";
    "lag_60" "62 bars" "±1" "correlation of returns with the benchmark's a bar after";
    "spread_z_60" "60 bars" "sd" "log ratio of both against its mean";
    "volatility_ratio_60" "61 bars" "ratio" "root mean squared return over the benchmark's";
};

/// Bars that are kept.
const KEPT: usize = 62;

/// The family of one instrument.
pub struct CrossAsset {
    own: Ring,
    benchmark: Ring,
    values: [Option<f64>; 12],
}

crate::state! { CrossAsset { own, benchmark, values } }

impl Default for CrossAsset {
    fn default() -> CrossAsset {
        CrossAsset { own: Ring::new(KEPT), benchmark: Ring::new(KEPT), values: [None; 12] }
    }
}

impl CrossAsset {
    /// Takes a bar of the instrument, and the benchmark's last close.
    pub fn bar(&mut self, bar: &Candle, benchmark: Option<f64>) {
        let Some(benchmark) = benchmark.filter(|close| *close > 0.0 && bar.close > 0.0) else { return };
        self.own.push(ln(bar.close));
        self.benchmark.push(ln(benchmark));
        let step = |ring: &Ring, bars: usize| Some(ring.back(0)? - ring.back(bars)?);
        let mut values = [None; 12];
        values[0] = step(&self.benchmark, 1);
        values[1] = step(&self.benchmark, 5);
        values[2] = step(&self.benchmark, 20);
        for (place, bars) in [(3, 20), (4, 60)] {
            let both = step(&self.own, bars).zip(step(&self.benchmark, bars));
            values[place] = both.map(|(own, benchmark)| own - benchmark);
        }
        let change = |ring: &Ring, back: usize| Some(ring.back(back)? - ring.back(back + 1)?);
        let mut own = [0.0; 61];
        let mut other = [0.0; 61];
        let mut count = 0;
        for back in 0..61 {
            let both = change(&self.own, back).zip(change(&self.benchmark, back));
            let Some((mine, theirs)) = both else { break };
            // Newest first.
            (own[back], other[back]) = (mine, theirs);
            count += 1;
        }
        if count >= 60 {
            let joint = Joint::of(&own[..60], &other[..60]);
            let beta = ratio(joint.product, joint.other);
            values[5] = beta;
            values[6] = joint.correlation();
            values[7] = beta.and_then(|beta| {
                let residuals = joint.own - beta * joint.product;
                let last = (own[0] - joint.means[0]) - beta * (other[0] - joint.means[1]);
                ratio(last, (residuals / 60.0).sqrt())
            });
            values[11] = ratio(square(&own[..60]).sqrt(), square(&other[..60]).sqrt());
        }
        if count == 61 {
            values[8] = Joint::of(&own[..60], &other[1..]).correlation();
            values[9] = Joint::of(&own[1..], &other[..60]).correlation();
        }
        if self.own.len() >= 60 {
            let gap = |back: usize| Some(self.own.back(back)? - self.benchmark.back(back)?);
            let gaps = || (0..60).filter_map(gap);
            let mean = gaps().sum::<f64>() / 60.0;
            let variance = gaps().fold(0.0, |sum, gap| sum + (gap - mean) * (gap - mean)) / 60.0;
            values[10] = gap(0).and_then(|now| ratio(now - mean, variance.sqrt()));
        }
        self.values = values;
    }

    /// The columns' values.
    pub fn read(&self, out: &mut [Option<f64>]) {
        out.copy_from_slice(&self.values);
    }
}

fn square(changes: &[f64]) -> f64 {
    changes.iter().fold(0.0, |sum, change| sum + change * change)
}

/// Sums of squares and products about the means.
struct Joint {
    means: [f64; 2],
    own: f64,
    other: f64,
    product: f64,
}

impl Joint {
    fn of(own: &[f64], other: &[f64]) -> Joint {
        let count = own.len() as f64;
        let means = [own.iter().sum::<f64>() / count, other.iter().sum::<f64>() / count];
        let mut joint = Joint { means, own: 0.0, other: 0.0, product: 0.0 };
        for (own, other) in own.iter().zip(other) {
            let (own, other) = (own - means[0], other - means[1]);
            joint.own += own * own;
            joint.other += other * other;
            joint.product += own * other;
        }
        joint
    }

    fn correlation(&self) -> Option<f64> {
        ratio(self.product, (self.own * self.other).sqrt())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Timestamp;
    use genovo_kernels::scalar::fused::exp;

    fn candle(close: f64) -> Candle {
        let time = Timestamp(0);
        Candle {
            open_time: time,
            close_time: time,
            open: close,
            high: close,
            low: close,
            close,
            volume: None,
        }
    }

    #[test]
    fn twice_the_benchmark_has_beta_two() {
        let mut family = CrossAsset::default();
        for bar in 0..100 {
            let log = 0.01 * f64::from((bar * 7919) % 13);
            family.bar(&candle(exp(2.0 * log)), Some(exp(log)));
        }
        let mut out = [None; COLUMNS.len()];
        family.read(&mut out);
        let near = |value: Option<f64>, expected: f64| (value.unwrap() - expected).abs() < 1e-9;
        assert!(near(out[5], 2.0) && near(out[6], 1.0) && near(out[11], 2.0), "{out:?}");
        assert!(near(out[3], out[2].unwrap()), "twice less once is once");
    }

    #[test]
    fn who_follows_the_benchmark_is_led() {
        let mut family = CrossAsset::default();
        let log = |bar: i64| 0.01 * ((bar * bar * 31) % 17) as f64;
        for bar in 1..100 {
            family.bar(&candle(exp(log(bar - 1))), Some(exp(log(bar))));
        }
        let mut out = [None; COLUMNS.len()];
        family.read(&mut out);
        assert!(out[8].unwrap() > 0.999999, "{out:?}");
        assert!(out[6].unwrap() < 0.9 && out[9].unwrap() < 0.9);
    }
}
