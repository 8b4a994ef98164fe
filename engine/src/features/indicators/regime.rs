//! In which state the market is: filtered probabilities, change points, persistence, volatility ranks. Everything is
//! estimated from past bars alone.

use genovo_kernels::scalar::fused::{exp, ln};

use super::Made;
use super::formula::{length, one, several};
use super::ranges::Returns;
use crate::features::halves::Halves;
use crate::features::kit::{Ring, larger, line, ratio};
use crate::features::lanes::{LANES, Window};

/// The indicator of this name.
pub(super) fn make(name: &str, parameters: &[f64]) -> Option<Made> {
    match (name, parameters) {
        ("states", &[]) => states(),
        ("cusum", &[threshold]) if threshold > 0.0 => cusum(threshold),
        ("volatility_rank", &[n, window]) => volatility_rank(length(n, 2)?, length(window, 2)?),
        ("hurst", &[]) => hurst(),
        ("variance_ratio", &[q]) => variance_ratio(length(q, 2)? as usize),
        ("half_life", &[n]) => half_life(length(n, 8)?),
        ("trend_label", &[n]) => trend_label(length(n, 2)?),
        _ => None,
    }
}

/// Hamilton's filter (Econometrica 57, 1989) for `N` states with normal returns: filtered probabilities only.
#[derive(Clone, Debug)]
pub struct Hamilton<const N: usize> {
    /// The probability of going from the first index to the second.
    pub transition: [[f64; N]; N],
    /// The mean of each state.
    pub means: [f64; N],
    /// The variance of each state.
    pub variances: [f64; N],
    /// P(state | returns up to the last).
    pub filtered: [f64; N],
    /// P(state of the next bar | returns up to the last).
    pub predicted: [f64; N],
}

impl<const N: usize> Hamilton<N> {
    /// Takes a return.
    pub fn push(&mut self, value: f64) {
        let mut logs = [0.0; N];
        for (k, log) in logs.iter_mut().enumerate() {
            let from = value - self.means[k];
            let density = -0.5 * (ln(self.variances[k]) + from * from / self.variances[k]);
            *log = ln(larger(self.predicted[k], f64::MIN_POSITIVE)) + density;
        }
        // The largest is taken out before the exponential, so that nothing underflows to 0 / 0.
        let highest = logs.iter().fold(f64::NEG_INFINITY, |best, &log| larger(log, best));
        let mut total = 0.0;
        for (k, log) in logs.iter().enumerate() {
            self.filtered[k] = exp(log - highest);
            total += self.filtered[k];
        }
        for filtered in &mut self.filtered {
            *filtered /= total;
        }
        for (to, predicted) in self.predicted.iter_mut().enumerate() {
            *predicted = 0.0;
            for from in 0..N {
                *predicted += self.filtered[from] * self.transition[from][to];
            }
        }
    }
}

/// Calm, usual and wild: returns with a half, one and two and a half times the root mean square of the past 500, each
/// state staying with its own probability. Probabilities, their entropy, the expected duration in bars, and the
/// variance expected next over the usual one.
fn states() -> Option<Made> {
    const STAY: [f64; 3] = [0.97, 0.98, 0.92];
    const TIMES: [f64; 3] = [0.25, 1.0, 6.25];
    let transition = std::array::from_fn(|from| {
        std::array::from_fn(|to| if from == to { STAY[from] } else { (1.0 - STAY[from]) / 2.0 })
    });
    let mut filter = Hamilton {
        transition,
        means: [0.0; 3],
        variances: TIMES,
        filtered: [1.0 / 3.0; 3],
        predicted: [1.0 / 3.0; 3],
    };
    let mut returns = Returns::default();
    let (mut squares, mut sum) = (Halves::<f64>::new(500), None);
    several(501, move |bar| {
        let Some(change) = returns.push(bar) else { return [None; 6] };
        // Of the returns before this one.
        let usual = std::mem::replace(&mut sum, squares.push(change * change));
        let Some(usual) = usual.map(|sum| sum / 500.0).filter(|usual| *usual > 0.0) else { return [None; 6] };
        filter.push(change / usual.sqrt());
        let (mut entropy, mut duration, mut variance) = (0.0, 0.0, 0.0);
        for k in 0..3 {
            let probability = filter.filtered[k];
            if probability > 0.0 {
                entropy -= probability * ln(probability);
            }
            duration += probability / (1.0 - STAY[k]);
            variance += filter.predicted[k] * TIMES[k];
        }
        let [calm, middle, wild] = filter.filtered;
        [calm, middle, wild, entropy / ln(3.0), duration, variance].map(Some)
    })
}

/// Page's cumulative sums of returns in standard deviations of the past 100, with slack one half: up, down, and bars
/// since the last alarm.
fn cusum(threshold: f64) -> Option<Made> {
    let mut returns = Returns::default();
    let (mut squares, mut sum) = (Halves::<f64>::new(100), None);
    let (mut up, mut down, mut since) = (0.0, 0.0, 0.0);
    several(101, move |bar| {
        let Some(change) = returns.push(bar) else { return [None; 3] };
        // Of the returns before this one.
        let past = std::mem::replace(&mut sum, squares.push(change * change));
        let Some(past) = past.map(|sum| sum / 100.0).filter(|past| *past > 0.0) else { return [None; 3] };
        let z = change / past.sqrt();
        up = larger(0.0, up + z - 0.5);
        down = larger(0.0, down - z - 0.5);
        since += 1.0;
        let values = [up, down, since].map(Some);
        if up > threshold || down > threshold {
            (up, down, since) = (0.0, 0.0, 0.0);
        }
        values
    })
}

/// The share of the last `window` volatilities over `n` returns that are below the last one.
fn volatility_rank(n: u32, window: u32) -> Option<Made> {
    let mut returns = Returns::default();
    let mut squares = Halves::<f64>::new(n as usize);
    let mut volatilities = Ring::new(window as usize);
    one(n + window - 1, move |bar| {
        let change = returns.push(bar)?;
        let now = squares.push(change * change)?;
        volatilities.push(now);
        if !volatilities.is_full() {
            return None;
        }
        let [below] = volatilities.window().sums(|value| [if value < now { 1.0 } else { 0.0 }]);
        Some(below / f64::from(window))
    })
}

/// How often the costly estimates are renewed, in bars.
const RENEWAL: u32 = 8;

/// The last returns, and the value from the last renewal.
struct Renewed {
    returns: Returns,
    ring: Ring,
    bars: u32,
    value: Option<f64>,
}

impl Renewed {
    fn new(n: usize) -> Renewed {
        Renewed { returns: Returns::default(), ring: Ring::new(n), bars: 0, value: None }
    }

    fn push(
        &mut self,
        bar: &crate::features::candle::Candle,
        estimate: impl FnOnce(&Ring) -> Option<f64>,
    ) -> Option<f64> {
        self.ring.push(self.returns.push(bar)?);
        if self.ring.is_full() {
            if self.bars.is_multiple_of(RENEWAL) {
                self.value = estimate(&self.ring);
            }
            self.bars = self.bars.wrapping_add(1);
        }
        self.value
    }
}

/// Hurst's exponent by rescaled ranges of 16 to 256 returns.
fn hurst() -> Option<Made> {
    const SIZES: [usize; 5] = [16, 32, 64, 128, 256];
    let mut renewed = Renewed::new(256);
    one(256, move |bar| {
        renewed.push(bar, |ring| {
            let changes = ring.window();
            let mut logs = [0.0; SIZES.len()];
            for (log, size) in logs.iter_mut().zip(SIZES) {
                let (mut sum, mut count) = (0.0, 0.0);
                for part in changes.chunks_exact(size) {
                    if let Some(value) = rescaled_range(part) {
                        sum += value;
                        count += 1.0;
                    }
                }
                *log = ln(ratio(sum, count)?);
            }
            // The sizes double: equal steps of ln 2.
            Some(line(logs.into_iter(), logs.len()).0 / std::f64::consts::LN_2)
        })
    })
}

/// The range of the cumulative sum about the mean over the standard deviation.
fn rescaled_range(changes: &[f64]) -> Option<f64> {
    let count = changes.len() as f64;
    let mean = changes.iter().sum::<f64>() / count;
    let (mut sum, mut squares, mut highest, mut lowest) = (0.0, 0.0, 0.0, 0.0);
    for change in changes {
        let from = change - mean;
        sum += from;
        squares += from * from;
        if sum > highest {
            highest = sum;
        }
        if sum < lowest {
            lowest = sum;
        }
    }
    ratio(highest - lowest, (squares / count).sqrt()).filter(|value| *value > 0.0)
}

/// Lo and MacKinlay's variance ratio (Review of Financial Studies 1, 1988) over 256 returns: how many standard errors
/// it is from 1, robust to changing variance.
fn variance_ratio(q: usize) -> Option<Made> {
    let mut renewed = Renewed::new(256);
    let mut from_mean = vec![0.0; 256 + LANES];
    one(256, move |bar| {
        renewed.push(bar, |ring| {
            let mean = ring.mean()?;
            for (slot, value) in from_mean.iter_mut().zip(ring.iter()) {
                *slot = value - mean;
            }
            variance_ratio_z(Window::new(&from_mean, 256), q)
        })
    })
}

/// The z of the variance ratio of deviations from the mean.
fn variance_ratio_z(from_mean: Window<'_>, q: usize) -> Option<f64> {
    let [total] = from_mean.sums(|value| [value * value]);
    let (mut gap, mut variance) = (0.0, 0.0);
    for lag in 1..q {
        let [product, squares] = from_mean.skip(lag).sums_with(from_mean, |now, before| {
            let product = now * before;
            [product, product * product]
        });
        let weight = 2.0 * (q - lag) as f64 / q as f64;
        gap += weight * ratio(product, total)?;
        variance += weight * weight * ratio(squares, total * total)?;
    }
    ratio(gap, variance.sqrt())
}

/// The half-life in bars of what log prices are from their mean, by the regression of changes on levels; none where
/// they do not revert.
fn half_life(n: u32) -> Option<Made> {
    let mut ring = Ring::new(n as usize);
    one(n - 1, move |bar| {
        if bar.close <= 0.0 {
            return None;
        }
        ring.push(ln(bar.close));
        let (spread, window) = (ring.spread()?, ring.window());
        let mean = spread.mean();
        let [product, squares] = window.sums_with(window.skip(1), |before, now| {
            let from = before - mean;
            [from * (now - before), from * from]
        });
        let slope = ratio(product, squares)?;
        (slope > -1.0 && slope < 0.0).then(|| -std::f64::consts::LN_2 / ln(1.0 + slope))
    })
}

/// 1 in an upward trend, −1 in a downward one, 0 in a range: Kaufman's efficiency over `n` bars above 0.3.
fn trend_label(n: u32) -> Option<Made> {
    let (mut closes, mut steps) = (Ring::new(n as usize), Halves::<f64>::new(n as usize));
    one(n, move |bar| {
        let last = closes.back(0);
        let first = closes.push(bar.close);
        let path = steps.push(f64::abs(bar.close - last?));
        let (moved, path) = (bar.close - first?, path?);
        let efficiency = ratio(moved, path).unwrap_or(0.0);
        Some(if efficiency > 0.3 {
            1.0
        } else if efficiency < -0.3 {
            -1.0
        } else {
            0.0
        })
    })
}
