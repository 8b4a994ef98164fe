//! Averages of the close that TA-Lib does not have, as pandas-ta 0.4.71b0 defines them.

use std::hint::select_unpredictable as select;

use genovo_kernels::scalar::f64::{cos, exp, ln, pow, sin};
use genovo_kernels::scalar::fused;

use super::Made;
use super::formula::{length, one, several, sized};
use crate::features::halves::{Count, Halves};
use crate::features::kit::{Ema, Ring, larger, ratio, smaller};

/// π as pandas-ta has it, after Ehlers.
#[allow(clippy::approx_constant)]
const PI: f64 = 3.14159;

/// The average of this name.
pub(super) fn make(name: &str, parameters: &[f64]) -> Option<Made> {
    match (name, parameters) {
        ("pwma", &[n]) => weighted(pascal(length(n, 1)? as usize)),
        ("sinwma", &[n]) => weighted(sines(length(n, 1)? as usize)),
        ("swma", &[n]) => weighted(triangle(length(n, 2)? as usize)),
        ("smma", &[n]) => {
            let n = length(n, 1)?;
            let mut average = Ema::wilder(n);
            one(n - 1, move |bar| average.push(bar.close))
        }
        ("hwma", &[level, velocity, acceleration]) => hwma([level, velocity, acceleration]),
        ("hwc", &[width]) => hwc(width),
        ("jma", &[n, phase]) => jma(length(n, 2)?, phase),
        ("ssf", &[n]) => ssf(length(n, 2)?),
        ("ssf3", &[n]) => ssf3(length(n, 2)?),
        ("vidya", &[n]) => sized!(vidya, length(n, 2)?, [14]),
        ("zlma", &[n]) => zlma(length(n, 2)?),
        ("hilo", &[high, low]) => match (length(high, 1)?, length(low, 1)?) {
            (13, 21) => hilo::<13, 21>(13, 21),
            (high, low) => hilo::<0, 0>(high, low),
        },
        _ => None,
    }
}

/// Weights from the oldest to the newest value, summing to 1. Each window that has begun has a sum under way, to which
/// a new value adds what it weighs there: no sum waits for another.
fn weighted(mut weights: Vec<f64>) -> Option<Made> {
    let total: f64 = weights.iter().sum();
    weights.iter_mut().for_each(|weight| *weight /= total);
    weights.reverse();
    let length = weights.len();
    // The oldest window first, and one that has not begun.
    let mut sums = vec![0.0; length + 1];
    let mut came = 0;
    one(length as u32 - 1, move |bar| {
        let sums = &mut sums[..=length];
        for (place, weight) in weights.iter().enumerate() {
            sums[place] = sums[place + 1] + weight * bar.close;
        }
        came += usize::from(came < length);
        (came == length).then_some(sums[0])
    })
}

fn pascal(n: usize) -> Vec<f64> {
    let mut row = vec![1.0];
    for _ in 1..n {
        let mut next = vec![1.0; row.len() + 1];
        for index in 1..row.len() {
            next[index] = row[index - 1] + row[index];
        }
        row = next;
    }
    row
}

fn sines(n: usize) -> Vec<f64> {
    (1..=n).map(|index| sin(index as f64 * std::f64::consts::PI / (n + 1) as f64)).collect()
}

fn triangle(n: usize) -> Vec<f64> {
    (0..n).map(|index| 1.0 + smaller(index as f64, (n - 1 - index) as f64)).collect()
}

/// Holt and Winters' triple exponential average.
fn hwma(weights: [f64; 3]) -> Option<Made> {
    let mut state: Option<HoltWinters> = None;
    one(0, move |bar| Some(state.get_or_insert_with(|| HoltWinters::new(bar.close, weights)).push(bar.close)))
}

/// Level, velocity and acceleration, each corrected by what the price is from what they said of it.
struct HoltWinters {
    /// How much of that each takes.
    gains: [f64; 3],
    /// How much of the acceleration goes into the velocity, and how much of it stays.
    keep: [f64; 2],
    velocity: f64,
    acceleration: f64,
    ahead: f64,
}

impl HoltWinters {
    /// With weights of level, velocity and acceleration.
    fn new(price: f64, [a, b, c]: [f64; 3]) -> HoltWinters {
        HoltWinters {
            gains: [a, a * b, a * b * c],
            keep: [1.0 - 0.5 * b, 1.0 - 0.5 * b * c],
            velocity: 0.0,
            acceleration: 0.0,
            ahead: price,
        }
    }

    /// The level as it will be at the next price.
    fn push(&mut self, price: f64) -> f64 {
        let from = price - self.ahead;
        let [level, velocity, acceleration] = self.gains.map(|gain| gain * from);
        let level = self.ahead + level;
        self.velocity = (self.velocity + self.keep[0] * self.acceleration) + velocity;
        self.acceleration = self.keep[1] * self.acceleration + acceleration;
        self.ahead = (level + self.velocity) + 0.5 * self.acceleration;
        self.ahead
    }
}

/// Holt and Winters' channel: middle, lower, upper, width, and where in it the close stands.
fn hwc(width: f64) -> Option<Made> {
    let mut state: Option<HoltWinters> = None;
    let (mut variance, mut price, mut result) = (0.0, 0.0, 0.0);
    several(0, move |bar| {
        if state.is_none() {
            (price, result) = (bar.close, bar.close);
        }
        let state = state.get_or_insert_with(|| HoltWinters::new(bar.close, [0.2, 0.1, 0.1]));
        let middle = state.push(bar.close);
        let deviation = f64::sqrt(variance);
        variance = 0.9 * variance + 0.1 * (price - result) * (price - result);
        (price, result) = (bar.close, middle);
        let (upper, lower) = (middle + width * deviation, middle - width * deviation);
        let place = (bar.close - lower) / (upper - lower + f64::EPSILON);
        [middle, lower, upper, upper - lower, place].map(Some)
    })
}

/// Jurik's moving average.
fn jma(n: u32, phase: f64) -> Option<Made> {
    let half = 0.5 * (f64::from(n) - 1.0);
    let ratio = if phase < -100.0 {
        0.5
    } else if phase > 100.0 {
        2.5
    } else {
        1.5 + phase * 0.01
    };
    let length1 = larger(ln(half.sqrt()) / ln(2.0) + 2.0, 0.0);
    let power1 = larger(length1 - 2.0, 0.5);
    let length2 = length1 * half.sqrt();
    let bet = length2 / (length2 + 1.0);
    let beta = 0.45 * (f64::from(n) - 1.0) / (0.45 * (f64::from(n) - 1.0) + 2.0);
    let highest_ratio = pow(length1, 1.0 / power1);
    let (ln_bet, ln_beta) = (ln(bet), ln(beta));
    // Band and weight while the price moves no more than it did on the average: most of the time.
    let still = [exp(ln_bet), exp(ln_beta)];
    let mut volatility = Ring::new(11);
    let (mut sums, mut sum) = (Halves::<f64>::new(66), 0.0);
    // The window begins empty: nothing is added for the bars before the first.
    (0..66).for_each(|_| _ = sums.push(0.0));
    let (mut upper, mut lower) = (0.0, 0.0);
    let (mut ma1, mut det0, mut det1, mut value) = (0.0, 0.0, 0.0, 0.0);
    let mut seen = 0;
    one(n - 1, move |bar| {
        let price = bar.close;
        seen += 1;
        if seen == 1 {
            (ma1, upper, lower, value) = (price, price, price, price);
            volatility.push(0.0);
            sums.push(0.0);
            return (seen >= n).then_some(value);
        }
        let (above, below) = (price - upper, price - lower);
        let now = if above.abs() == below.abs() { 0.0 } else { larger(above.abs(), below.abs()) };
        volatility.push(now);
        // pandas-ta takes the first value for those before the first.
        let old = volatility.oldest().unwrap_or(0.0);
        sum += (now - old) / 10.0;
        let average = sums.push(sum).unwrap_or(0.0) / f64::from(if seen < 66 { seen } else { 66 });
        let relative = if average == 0.0 { 0.0 } else { now / average };
        let relative = larger(1.0, smaller(highest_ratio, relative));
        let [band, alpha] = if relative == 1.0 {
            still
        } else {
            let power = fused::exp(power1 * fused::ln(relative));
            [fused::exp(ln_bet * power.sqrt()), fused::exp(ln_beta * power)]
        };
        upper = if above > 0.0 { price } else { price - band * above };
        lower = if below < 0.0 { price } else { price - band * below };
        ma1 = (1.0 - alpha) * price + alpha * ma1;
        det0 = (1.0 - beta) * (price - ma1) + beta * det0;
        let ma2 = ma1 + ratio * det0;
        det1 = (ma2 - value) * (1.0 - alpha) * (1.0 - alpha) + alpha * alpha * det1;
        value += det1;
        (seen >= n).then_some(value)
    })
}

/// Ehlers' super smoother of two poles, with pandas-ta's constants.
fn ssf(n: u32) -> Option<Made> {
    let mut smoother = SuperSmoother::new(1.414 / f64::from(n));
    one(0, move |bar| Some(smoother.push(bar.close, bar.close)))
}

/// The super smoother that `ssf`, `reflex` and `trendflex` share.
pub(super) struct SuperSmoother {
    /// Of both prices, of the last value, of the one before.
    weights: [f64; 3],
    values: [f64; 2],
    price: f64,
    seen: u32,
}

impl SuperSmoother {
    pub(super) fn new(ratio: f64) -> SuperSmoother {
        let a = exp(-PI * ratio);
        let b = 2.0 * a * cos(180.0 * ratio);
        let square = a * a;
        SuperSmoother {
            weights: [0.5 * (square - b + 1.0), b, square],
            values: [0.0; 2],
            price: 0.0,
            seen: 0,
        }
    }

    /// Takes a price; the first two values are `start`.
    #[inline]
    pub(super) fn push(&mut self, price: f64, start: f64) -> f64 {
        let ([both, first, second], [last, before]) = (self.weights, self.values);
        let value = if self.seen < 2 {
            self.seen += 1;
            start
        } else {
            // What waits for the last value comes last.
            (both * (price + self.price) - second * before) + first * last
        };
        self.price = price;
        self.values = [value, last];
        value
    }
}

/// Ehlers' super smoother of three poles.
fn ssf3(n: u32) -> Option<Made> {
    let n = f64::from(n);
    let a = exp(-PI / n);
    let b = 2.0 * a * cos(-PI * 1.732 / n);
    let c = a * a;
    let (d4, d3, d2) = (c * c, -c * (1.0 + b), b + c);
    let d1 = 1.0 - d2 - d3 - d4;
    let mut values = [0.0; 3];
    let mut seen = 0;
    one(0, move |bar| {
        let value = if seen < 3 {
            seen += 1;
            bar.close
        } else {
            d1 * bar.close + d2 * values[0] + d3 * values[1] + d4 * values[2]
        };
        values = [value, values[0], values[1]];
        Some(value)
    })
}

/// Chande's variable index dynamic average, by the sums of gains and losses.
fn vidya<const N: usize>(n: u32) -> Option<Made> {
    let alpha = 2.0 / (f64::from(n) + 1.0);
    let mut ways = Halves::<[f64; 2], N>::new(n as usize);
    let mut last = None;
    let mut value = 0.0;
    one(n, move |bar| {
        let change: f64 = last.replace(bar.close).map(|last| bar.close - last)?;
        // Gains less losses, and both together.
        let [net, all] = ways.push([change, change.abs()])?;
        let weight = alpha * ratio(net, all)?.abs();
        value = weight * bar.close + value * (1.0 - weight);
        Some(value)
    })
}

/// An exponential average of the close plus what it moved over the average's lag.
fn zlma(n: u32) -> Option<Made> {
    let lag = ((n - 1) / 2) as usize;
    let mut ring = Ring::new(lag);
    let mut average = Ema::new(n);
    one(lag as u32 + n - 1, move |bar| {
        let before = if lag > 0 { ring.push(bar.close)? } else { bar.close };
        average.push(2.0 * bar.close - before)
    })
}

/// Gann's high-low activator.
fn hilo<const H: usize, const L: usize>(high: u32, low: u32) -> Option<Made> {
    let (mut highs, mut lows) = (Halves::<f64, H>::new(high as usize), Halves::<f64, L>::new(low as usize));
    let (of_highs, of_lows) = (Count::new(high).each, Count::new(low).each);
    // A mean that is not there yet is passed by no close.
    let (mut top, mut bottom) = (f64::INFINITY, f64::NEG_INFINITY);
    let mut value = f64::NAN;
    one(if high < low { low - 1 } else { high - 1 }, move |bar| {
        let highs = highs.push(bar.high).map(|sum| sum * of_highs);
        let lows = lows.push(bar.low).map(|sum| sum * of_lows);
        let (above, below) = (bar.close > top, bar.close < bottom);
        let missing = f64::NAN;
        value = select(above, lows.unwrap_or(missing), select(below, highs.unwrap_or(missing), value));
        (top, bottom) = (highs.unwrap_or(f64::INFINITY), lows.unwrap_or(f64::NEG_INFINITY));
        (!value.is_nan()).then_some(value)
    })
}
