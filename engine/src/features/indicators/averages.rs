//! Averages of the close that TA-Lib does not have, as pandas-ta 0.4.71b0 defines them.

use genovo_kernels::scalar::f64::{cos, exp, ln, pow, sin};
use genovo_kernels::scalar::fused;

use super::Made;
use super::formula::{length, one, several};
use crate::features::halves::Halves;
use crate::features::kit::{Ema, Ring, larger, ratio, smaller};

/// π as pandas-ta has it, after Ehlers.
#[allow(clippy::approx_constant)]
const PI: f64 = 3.14159;

/// The average of this name.
pub(super) fn make(name: &str, parameters: &[f64]) -> Option<Made> {
    match (name, parameters) {
        ("pwma", &[n]) => weighted(&pascal(length(n, 1)? as usize)),
        ("sinwma", &[n]) => weighted(&sines(length(n, 1)? as usize)),
        ("swma", &[n]) => weighted(&triangle(length(n, 2)? as usize)),
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
        ("vidya", &[n]) => vidya(length(n, 2)?),
        ("zlma", &[n]) => zlma(length(n, 2)?),
        ("hilo", &[high, low]) => hilo(length(high, 1)?, length(low, 1)?),
        _ => None,
    }
}

/// Weights from the oldest to the newest value, summing to 1.
fn weighted(weights: &[f64]) -> Option<Made> {
    let total: f64 = weights.iter().sum();
    let weights: Vec<f64> = weights.iter().map(|weight| weight / total).collect();
    let mut ring = Ring::new(weights.len());
    one(weights.len() as u32 - 1, move |bar| {
        ring.push(bar.close);
        ring.is_full()
            .then(|| ring.iter().zip(&weights).fold(0.0, |sum, (value, weight)| sum + value * weight))
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
fn hwma([a, b, c]: [f64; 3]) -> Option<Made> {
    let mut state: Option<HoltWinters> = None;
    one(0, move |bar| {
        let state = state.get_or_insert(HoltWinters::new(bar.close));
        Some(state.push(bar.close, [a, b, c]))
    })
}

struct HoltWinters {
    level: f64,
    velocity: f64,
    acceleration: f64,
}

impl HoltWinters {
    fn new(price: f64) -> HoltWinters {
        HoltWinters { level: price, velocity: 0.0, acceleration: 0.0 }
    }

    fn push(&mut self, price: f64, [a, b, c]: [f64; 3]) -> f64 {
        let level = (1.0 - a) * (self.level + self.velocity + 0.5 * self.acceleration) + a * price;
        let velocity = (1.0 - b) * (self.velocity + self.acceleration) + b * (level - self.level);
        let acceleration = (1.0 - c) * self.acceleration + c * (velocity - self.velocity);
        (self.level, self.velocity, self.acceleration) = (level, velocity, acceleration);
        level + velocity + 0.5 * acceleration
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
        let state = state.get_or_insert(HoltWinters::new(bar.close));
        let middle = state.push(bar.close, [0.2, 0.1, 0.1]);
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
        let power = if relative == 1.0 { 1.0 } else { fused::exp(power1 * fused::ln(relative)) };
        let (band, alpha) = (fused::exp(ln_bet * power.sqrt()), fused::exp(ln_beta * power));
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
    a: f64,
    b: f64,
    c: f64,
    values: [f64; 2],
    price: f64,
    seen: u32,
}

impl SuperSmoother {
    pub(super) fn new(ratio: f64) -> SuperSmoother {
        let a = exp(-PI * ratio);
        let b = 2.0 * a * cos(180.0 * ratio);
        SuperSmoother { a, b, c: a * a - b + 1.0, values: [0.0; 2], price: 0.0, seen: 0 }
    }

    /// Takes a price; the first two values are `start`.
    pub(super) fn push(&mut self, price: f64, start: f64) -> f64 {
        let value = if self.seen < 2 {
            self.seen += 1;
            start
        } else {
            // What waits for the last value comes last.
            (0.5 * self.c * (price + self.price) - self.a * self.a * self.values[1]) + self.b * self.values[0]
        };
        self.price = price;
        self.values = [value, self.values[0]];
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
fn vidya(n: u32) -> Option<Made> {
    let alpha = 2.0 / (f64::from(n) + 1.0);
    let mut ways = Halves::<[f64; 2]>::new(n as usize);
    let mut last = None;
    let mut value = 0.0;
    one(n, move |bar| {
        let change = last.replace(bar.close).map(|last| bar.close - last)?;
        let [up, down] = ways.push([larger(change, 0.0), larger(-change, 0.0)])?;
        let momentum = ratio(up - down, up + down)?.abs();
        value = alpha * momentum * bar.close + value * (1.0 - alpha * momentum);
        Some(value)
    })
}

/// An exponential average of the close plus what it moved over the average's lag.
fn zlma(n: u32) -> Option<Made> {
    let lag = ((n - 1) / 2) as usize;
    let mut ring = Ring::new(lag + 1);
    let mut average = Ema::new(n);
    one(lag as u32 + n - 1, move |bar| {
        ring.push(bar.close);
        if !ring.is_full() {
            return None;
        }
        average.push(2.0 * bar.close - ring.oldest()?)
    })
}

/// Gann's high-low activator.
fn hilo(high: u32, low: u32) -> Option<Made> {
    let (mut highs, mut lows) = (Halves::<f64>::new(high as usize), Halves::<f64>::new(low as usize));
    let mut before: [Option<f64>; 2] = [None; 2];
    let mut value = None;
    one(if high < low { low - 1 } else { high - 1 }, move |bar| {
        let mean = |sum: Option<f64>, count: u32| sum.map(|sum| sum / f64::from(count));
        let now = [mean(highs.push(bar.high), high), mean(lows.push(bar.low), low)];
        if before[0].is_some_and(|high| bar.close > high) {
            value = now[1];
        } else if before[1].is_some_and(|low| bar.close < low) {
            value = now[0];
        }
        before = now;
        value
    })
}
