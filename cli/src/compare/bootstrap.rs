//! Intervals for figures of a series of returns: the stationary bootstrap of Politis and Romano.
//!
//! A resample is made of blocks of the series, each begun anywhere and of geometrically distributed length, so that
//! returns keep their neighbours and the resample is stationary; it wraps around at the end. The mean length is chosen
//! from the data by the rule of Politis and White as corrected by Patton, Politis and White (2009). Draws are named by
//! (seed, resample, block), so that the same runs give the same intervals on any machine.

use genovo_kernels::random::RandomKey;
use genovo_kernels::scalar::f64::ln;

/// What the numbers are for, among all that are drawn by a seed.
const PURPOSE: u32 = 0x626f_6f74;

/// How a resample is made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plan {
    /// How many resamples.
    pub resamples: usize,
    /// The mean length of a block.
    pub block: f64,
    /// The seed of the draws.
    pub seed: u64,
}

/// An interval that holds 95 of 100 resamples.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Interval {
    /// Its lower end: a fortieth lies below.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

impl Interval {
    /// Of the values of all resamples; `None` when a figure could not be told for most of them.
    pub fn of(values: &[f64]) -> Option<Interval> {
        let mut sorted: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
        if sorted.len() * 2 < values.len() || sorted.is_empty() {
            return None;
        }
        sorted.sort_by(f64::total_cmp);
        Some(Interval { low: quantile(&sorted, 0.025), high: quantile(&sorted, 0.975) })
    }
}

/// Linear between neighbours.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let (below, above) = (place.floor() as usize, place.ceil() as usize);
    sorted[below] + (sorted[above] - sorted[below]) * (place - place.floor())
}

/// Writes the places that a resample of a series of this length takes, in order.
pub fn places(plan: &Plan, resample: usize, into: &mut [u32]) {
    let length = into.len() as u64;
    if length == 0 {
        return;
    }
    let key = RandomKey { seed: plan.seed, purpose: PURPOSE, id: resample as u64 };
    // A block goes on with probability 1 − 1/mean after each place: lengths are geometric.
    let going_on = 1.0 - 1.0 / plan.block.max(1.0);
    let (mut filled, mut draw) = (0, 0);
    while filled < into.len() {
        let start = key.below(draw, length);
        let span = match going_on > 0.0 {
            true => 1.0 + (ln(1.0 - key.uniform(draw + 1)) / ln(going_on)).floor(),
            false => 1.0,
        };
        draw += 2;
        let span = (span as usize).clamp(1, into.len() - filled);
        for (place, step) in into[filled..filled + span].iter_mut().zip(0..) {
            *place = ((start + step) % length) as u32;
        }
        filled += span;
    }
}

/// The mean length of a block that suits a series: at least 1.
pub fn block_length(returns: &[f64]) -> f64 {
    let count = returns.len();
    if count < 8 {
        return 1.0;
    }
    let n = count as f64;
    let mean = returns.iter().sum::<f64>() / n;
    let centred: Vec<f64> = returns.iter().map(|value| value - mean).collect();
    // Equal returns differ by the rounding of their mean only.
    if centred.iter().all(|value| value.abs() <= mean.abs() * 1e-12) {
        return 1.0;
    }
    let digits = n.log10();
    let quiet = (digits as usize).max(5);
    let most = n.sqrt().ceil() as usize + quiet;
    let most = most.min(count - 1);
    let covariance = |lag: usize| centred[lag..].iter().zip(&centred).map(|(a, b)| a * b).sum::<f64>() / n;
    let covariances: Vec<f64> = (0..=most).map(covariance).collect();
    // The first lag from which `quiet` in a row say nothing.
    let threshold = 2.0 * (digits / n).sqrt();
    let says_nothing = |lag: usize| (covariances[lag] / covariances[0]).abs() < threshold;
    let first = (1..=most.saturating_sub(quiet) + 1)
        .find(|&first| (first..(first + quiet).min(most + 1)).all(says_nothing));
    let lags = first.map_or(most, |first| 2 * first).min(most);
    let (mut slope, mut spectrum) = (0.0, covariances[0]);
    for (lag, covariance) in covariances.iter().enumerate().take(lags + 1).skip(1) {
        let share = lag as f64 / lags as f64;
        let weight = if share <= 0.5 { 1.0 } else { 2.0 * (1.0 - share) };
        slope += 2.0 * weight * lag as f64 * covariance;
        spectrum += 2.0 * weight * covariance;
    }
    let length = (slope * slope / (spectrum * spectrum) * n).cbrt();
    let longest = (3.0 * n.sqrt()).min(n / 3.0).ceil();
    if length.is_finite() { length.clamp(1.0, longest) } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(count: usize, memory: f64) -> Vec<f64> {
        // The same numbers in Python: a linear congruential generator through a first-order recursion.
        let (mut state, mut value) = (12_345_u64, 0.0);
        let step = |state: &mut u64| {
            *state = (*state * 1_103_515_245 + 12_345) % 2_147_483_648;
            *state as f64 / 2_147_483_648.0 - 0.5
        };
        (0..count)
            .map(|_| {
                value = memory * value + step(&mut state);
                value
            })
            .collect()
    }

    /// Made by `arch.bootstrap.optimal_block_length` of arch 8.0.0, which has no lower bound: the first was 0.538.
    const EXPECTED: [(usize, f64, f64); 4] = [
        (200, 0.0, 1.0),
        (1_000, 0.5, 11.155837550460221),
        (1_000, -0.4, 5.99730848760795),
        (3_000, 0.9, 55.77459814535682),
    ];

    #[test]
    fn block_lengths_agree_with_the_package_arch() {
        for (count, memory, expected) in EXPECTED {
            let length = block_length(&series(count, memory));
            assert!(
                (length - expected).abs() < 1e-6 * expected,
                "{count} {memory}: {length}, not {expected}"
            );
        }
        assert_eq!(block_length(&[0.01; 50]), 1.0);
        assert_eq!(block_length(&[]), 1.0);
    }

    #[test]
    fn blocks_have_the_mean_length_and_every_place_is_as_likely() {
        let plan = Plan { resamples: 400, block: 8.0, seed: 7 };
        let (mut places_taken, mut breaks) = (vec![0_u32; 500], 0);
        let mut taken = vec![0; 500];
        for resample in 0..plan.resamples {
            places(&plan, resample, &mut taken);
            breaks += taken.windows(2).filter(|pair| pair[1] != (pair[0] + 1) % 500).count();
            taken.iter().for_each(|place| places_taken[*place as usize] += 1);
        }
        // 400 · 499 places that could begin a block, one in eight does; the error of the count is 0.3 %.
        let share = breaks as f64 / (400.0 * 499.0);
        assert!((share - 0.125 * 499.0 / 500.0).abs() < 0.004, "{share}");
        let (least, most) = (places_taken.iter().min().unwrap(), places_taken.iter().max().unwrap());
        assert!(*least > 200 && *most < 640, "{least} {most}, 400 expected");
        let mut again = vec![0; 500];
        places(&plan, 3, &mut again);
        places(&plan, 3, &mut taken);
        assert_eq!(again, taken);
    }

    /// The mean of independent draws: the interval must be that of its known error.
    #[test]
    fn an_interval_of_a_mean_has_the_width_of_theory() {
        let data = series(900, 0.0);
        let plan = Plan { resamples: 2_000, block: 1.0, seed: 1 };
        let mut taken = vec![0; data.len()];
        let means: Vec<f64> = (0..plan.resamples)
            .map(|resample| {
                places(&plan, resample, &mut taken);
                taken.iter().map(|place| data[*place as usize]).sum::<f64>() / data.len() as f64
            })
            .collect();
        let interval = Interval::of(&means).unwrap();
        // Uniform on one unit: deviation 1/√12; 1.96 errors to both sides.
        let theory = 2.0 * 1.96 / (12.0_f64 * 900.0).sqrt();
        let width = interval.high - interval.low;
        assert!((width / theory - 1.0).abs() < 0.08, "{width} {theory}");
    }
}
