//! Statistics of the last closes and returns.

use genovo_kernels::scalar::fused::ln;

use super::Made;
use super::formula::{length, one, several};
use super::ranges::Returns;
use crate::features::halves::{Count, Halves, Line, Part, Powers, PowersAndLine, Squares};
use crate::features::kit::{Ring, ratio};

/// The statistic of this name.
pub(super) fn make(name: &str, parameters: &[f64]) -> Option<Made> {
    match (name, parameters) {
        ("kurtosis", &[n]) => {
            let shape = Shape::new(length(n, 4)?);
            of_closes(length(n, 4)?, move |it, count| shape.kurtosis(it, count))
        }
        ("skew", &[n]) => {
            let shape = Shape::new(length(n, 3)?);
            of_closes(length(n, 3)?, move |it, count| shape.skew(it, count))
        }
        ("stdev", &[n]) => of_closes(length(n, 2)?, |it: Squares, n| Some(it.sample_variance(n).sqrt())),
        ("variance", &[n]) => of_closes(length(n, 2)?, |it: Squares, n| Some(it.sample_variance(n))),
        ("zscore", &[n]) => of_closes(length(n, 2)?, |it: Squares, n| it.z(n)),
        ("cdl_z", &[n]) => candle_z(length(n, 2)?),
        ("entropy", &[n]) => entropy(length(n, 2)?),
        ("mad_ratio", &[n]) => mad_ratio(length(n, 2)?),
        ("autocorrelation", &[n, lag]) => autocorrelation(length(n, 3)?, length(lag, 1)?),
        ("r_squared", &[n]) => of_closes(length(n, 3)?, |it: Line, n| r_squared(it.moment(n), it.squares, n)),
        ("skew+kurtosis+r_squared", &[n]) => shape(length(n, 4)?),
        _ => None,
    }
}

/// What the last `n` closes say.
fn of_closes<P: Part<Value = f64> + 'static>(
    n: u32,
    value: impl Fn(P, &Count) -> Option<f64> + Send + 'static,
) -> Option<Made> {
    let (mut closes, count) = (Halves::<P>::new(n as usize), Count::new(n));
    one(n - 1, move |bar| value(closes.push(bar.close)?, &count))
}

/// Factors of skewness and kurtosis of one length.
#[derive(Clone, Copy)]
struct Shape {
    skew: f64,
    kurtosis: [f64; 2],
}

impl Shape {
    fn new(n: u32) -> Shape {
        let n = f64::from(n);
        let outer = (n - 1.0) / ((n - 2.0) * (n - 3.0));
        Shape {
            skew: n * (n - 1.0).sqrt() / (n - 2.0),
            kurtosis: [outer * (n + 1.0) * n, outer * 3.0 * (n - 1.0)],
        }
    }

    /// Excess kurtosis without bias for a normal population, as pandas has it.
    #[inline(always)]
    fn kurtosis(&self, it: Powers, count: &Count) -> Option<f64> {
        let second = it.squares.second(count);
        Some(self.kurtosis[0] * ratio(it.fourth(count), second * second)? - self.kurtosis[1])
    }

    /// Skewness corrected for the size of the sample, as pandas has it.
    #[inline(always)]
    fn skew(&self, it: Powers, count: &Count) -> Option<f64> {
        let second = it.squares.second(count);
        Some(self.skew * ratio(it.third(count), second * second.sqrt())?)
    }
}

/// The share of the close's variance that a straight line explains.
#[inline(always)]
fn r_squared(moment: f64, squares: Squares, count: &Count) -> Option<f64> {
    ratio(moment * moment, squares.second(count) * count.places)
}

/// Skewness, kurtosis and r² of one pass: to the bit what each says alone.
fn shape(n: u32) -> Option<Made> {
    let (mut closes, count, shape) = (Halves::<PowersAndLine>::new(n as usize), Count::new(n), Shape::new(n));
    several(n - 1, move |bar| {
        let Some(it) = closes.push(bar.close) else { return [None; 3] };
        [
            shape.skew(it.powers, &count),
            shape.kurtosis(it.powers, &count),
            r_squared(it.moment(&count), it.powers.squares, &count),
        ]
    })
}

/// The z-scores of open, high, low and close, each among its own.
fn candle_z(n: u32) -> Option<Made> {
    let (mut each, count) = ([(); 4].map(|()| Halves::<Squares>::new(n as usize)), Count::new(n));
    several::<4>(n - 1, move |bar| {
        let values = [bar.open, bar.high, bar.low, bar.close];
        std::array::from_fn(|index| each[index].push(values[index])?.z(&count))
    })
}

/// Entropy of the signs and sizes of returns: eight bins of half a standard deviation about the mean, in shares of its
/// greatest value.
fn entropy(n: u32) -> Option<Made> {
    let mut returns = Returns::default();
    let (mut ring, mut squares) = (Ring::new(n as usize), Halves::<Squares>::new(n as usize));
    let all = Count::new(n);
    // What a bin with so many returns adds.
    let parts: Vec<f64> = (0..=n)
        .map(|count| {
            let share = f64::from(count) / f64::from(n);
            if count == 0 { 0.0 } else { share * ln(share) }
        })
        .collect();
    let greatest = ln(8.0);
    one(n, move |bar| {
        let change = returns.push(bar)?;
        ring.push(change);
        let spread = squares.push(change)?;
        let (mean, width) = (spread.from.mean(&all), 0.5 * spread.variance(&all).sqrt());
        if width == 0.0 {
            return Some(0.0);
        }
        let edges: [f64; 7] = std::array::from_fn(|edge| mean + (edge as f64 - 3.0) * width);
        let above = ring.window().sums(|change| edges.map(|edge| if change >= edge { 1.0 } else { 0.0 }));
        let (mut sum, mut rest) = (0.0, n as usize);
        for above in above {
            let above = above as usize;
            sum -= parts[rest - above];
            rest = above;
        }
        Some((sum - parts[rest]) / greatest)
    })
}

/// Mean absolute deviation of returns over their standard deviation: 0.798 for a normal population, less with fat
/// tails.
fn mad_ratio(n: u32) -> Option<Made> {
    let mut returns = Returns::default();
    let (mut ring, mut squares) = (Ring::new(n as usize), Halves::<Squares>::new(n as usize));
    let all = Count::new(n);
    one(n, move |bar| {
        let change = returns.push(bar)?;
        ring.push(change);
        let spread = squares.push(change)?;
        let mean = spread.from.mean(&all);
        let [sum] = ring.window().sums(|change| [(change - mean).abs()]);
        ratio(sum * all.each, spread.variance(&all).sqrt())
    })
}

/// Autocorrelation of returns at a lag.
fn autocorrelation(n: u32, lag: u32) -> Option<Made> {
    let mut returns = Returns::default();
    let (mut ring, mut squares) = (Ring::new(n as usize), Halves::<Squares>::new(n as usize));
    let all = Count::new(n);
    one(n, move |bar| {
        let change = returns.push(bar)?;
        ring.push(change);
        let spread = squares.push(change)?;
        let (mean, window) = (spread.from.mean(&all), ring.window());
        let [products] =
            window.sums_with(window.skip(lag as usize), |value, later| [(value - mean) * (later - mean)]);
        ratio(products, spread.second(&all))
    })
}
