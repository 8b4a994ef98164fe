//! Statistics of the last closes and returns.

use genovo_kernels::scalar::fused::ln;

use super::Made;
use super::formula::{length, one, several};
use super::ranges::Returns;
use crate::features::kit::{Ring, Spread, larger, line, ratio};

/// The statistic of this name.
pub(super) fn make(name: &str, parameters: &[f64]) -> Option<Made> {
    match (name, parameters) {
        ("kurtosis", &[n]) => kurtosis(length(n, 4)?),
        ("skew", &[n]) => skew(length(n, 3)?),
        ("stdev", &[n]) => deviation(length(n, 2)?, true),
        ("variance", &[n]) => deviation(length(n, 2)?, false),
        ("zscore", &[n]) => zscore(length(n, 2)?),
        ("cdl_z", &[n]) => candle_z(length(n, 2)?),
        ("entropy", &[n]) => entropy(length(n, 2)?),
        ("mad_ratio", &[n]) => mad_ratio(length(n, 2)?),
        ("autocorrelation", &[n, lag]) => autocorrelation(length(n, 3)?, length(lag, 1)?),
        ("r_squared", &[n]) => r_squared(length(n, 3)?),
        _ => None,
    }
}

/// Excess kurtosis without bias for a normal population, as pandas has it.
fn kurtosis(n: u32) -> Option<Made> {
    let mut closes = Spread::new(n as usize);
    one(n - 1, move |bar| {
        let moments = closes.moments(bar.close)?;
        let n = moments.count;
        if moments.second == 0.0 {
            return None;
        }
        let fourth = n * moments.fourth / (moments.second * moments.second);
        Some((n - 1.0) / ((n - 2.0) * (n - 3.0)) * ((n + 1.0) * fourth - 3.0 * (n - 1.0)))
    })
}

/// Skewness corrected for the size of the sample, as pandas has it.
fn skew(n: u32) -> Option<Made> {
    let mut closes = Spread::new(n as usize);
    one(n - 1, move |bar| {
        let moments = closes.moments(bar.close)?;
        let n = moments.count;
        let variance = moments.variance();
        let third = ratio(moments.third / n, variance * variance.sqrt())?;
        Some((n * (n - 1.0)).sqrt() / (n - 2.0) * third)
    })
}

/// Variance with divisor n − 1, or its root.
fn deviation(n: u32, root: bool) -> Option<Made> {
    let mut closes = Spread::new(n as usize);
    one(n - 1, move |bar| {
        let variance = closes.moments(bar.close)?.sample_variance();
        Some(if root { variance.sqrt() } else { variance })
    })
}

/// Takes a value: how many standard deviations it is from the mean.
fn z(values: &mut Spread, value: f64) -> Option<f64> {
    let moments = values.moments(value)?;
    ratio(value - moments.mean, moments.variance().sqrt())
}

fn zscore(n: u32) -> Option<Made> {
    let mut closes = Spread::new(n as usize);
    one(n - 1, move |bar| z(&mut closes, bar.close))
}

/// The z-scores of open, high, low and close, each among its own.
fn candle_z(n: u32) -> Option<Made> {
    let mut each = [(); 4].map(|()| Spread::new(n as usize));
    several::<4>(n - 1, move |bar| {
        let values = [bar.open, bar.high, bar.low, bar.close];
        std::array::from_fn(|index| z(&mut each[index], values[index]))
    })
}

/// Entropy of the signs and sizes of returns: eight bins of half a standard deviation about the mean, in shares of its
/// greatest value.
fn entropy(n: u32) -> Option<Made> {
    let mut returns = Returns::default();
    let mut ring = Ring::new(n as usize);
    one(n, move |bar| {
        ring.push(returns.push(bar)?);
        let moments = ring.moments()?;
        let width = 0.5 * moments.variance().sqrt();
        let mut counts = [0_u32; 8];
        for change in ring.iter() {
            let place = if width == 0.0 { 4.0 } else { ((change - moments.mean) / width).floor() + 4.0 };
            let place = if place < 0.0 { 0.0 } else { place };
            counts[if place > 7.0 { 7 } else { place as usize }] += 1;
        }
        let mut sum = 0.0;
        for count in counts.into_iter().filter(|&count| count > 0) {
            let share = f64::from(count) / moments.count;
            sum -= share * ln(share);
        }
        Some(sum / ln(8.0))
    })
}

/// Mean absolute deviation of returns over their standard deviation: 0.798 for a normal population, less with fat
/// tails.
fn mad_ratio(n: u32) -> Option<Made> {
    let mut returns = Returns::default();
    let mut ring = Ring::new(n as usize);
    one(n, move |bar| {
        ring.push(returns.push(bar)?);
        let moments = ring.moments()?;
        let sum = ring.iter().fold(0.0, |sum, change| sum + (change - moments.mean).abs());
        ratio(sum / moments.count, moments.variance().sqrt())
    })
}

/// Autocorrelation of returns at a lag.
fn autocorrelation(n: u32, lag: u32) -> Option<Made> {
    let mut returns = Returns::default();
    let mut spread = Spread::new(n as usize);
    one(n, move |bar| {
        let (window, mean) = spread.push(returns.push(bar)?)?;
        // Both sums in one pass, each in its own order.
        let (first, second) = window.split_at_checked(lag as usize).unwrap_or((window, &[]));
        let mut squares = 0.0;
        for value in first {
            squares += (value - mean) * (value - mean);
        }
        let mut products = 0.0;
        for (value, later) in window.iter().zip(second) {
            let later = later - mean;
            squares += later * later;
            products += (value - mean) * later;
        }
        ratio(products, squares)
    })
}

/// The share of the close's variance that a straight line explains.
fn r_squared(n: u32) -> Option<Made> {
    let mut ring = Ring::new(n as usize);
    one(n - 1, move |bar| {
        ring.push(bar.close);
        let moments = ring.moments()?;
        let (slope, _) = line(ring.iter(), ring.len());
        let count = moments.count;
        let explained = slope * slope * count * (count * count - 1.0) / 12.0;
        Some(larger(0.0, ratio(explained, moments.second)?))
    })
}
