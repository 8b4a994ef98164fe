//! Kalman filters of the logarithm of the close: a level, a level with a trend, a regression whose coefficients walk.
//!
//! The update is Joseph's, which keeps the covariance symmetric and positive. The first observation is not preceded by
//! a prediction.

use genovo_kernels::scalar::fused::ln;

use super::Made;
use super::formula::several;
use super::ranges::Returns;
use crate::features::halves::Halves;
use crate::features::kit::{Ema, ratio};

/// The filter of this name: the plain ones by their variances, the ones of the catalogue without parameters.
pub(super) fn make(name: &str, parameters: &[f64]) -> Option<Made> {
    match (name, parameters) {
        ("kalman_level", &[q, r]) if q >= 0.0 && r > 0.0 => {
            let mut filter: Option<Filter> = None;
            several(0, move |bar| {
                let Some(z) = log_price(bar.close) else { return [None; 4] };
                let first = filter.is_none();
                let filter = filter.get_or_insert(Filter::new([z, 0.0], [1.0, 0.0]));
                let step = filter.level(z, q, r, first);
                [filter.state[0], filter.covariance[0][0], step.innovation, step.variance].map(Some)
            })
        }
        ("kalman_trend", &[level, slope, r]) if level >= 0.0 && slope >= 0.0 && r > 0.0 => {
            let mut filter: Option<Filter> = None;
            several(0, move |bar| {
                let Some(z) = log_price(bar.close) else { return [None; 7] };
                let first = filter.is_none();
                let filter = filter.get_or_insert(Filter::new([z, 0.0], [1.0, 1.0]));
                let step = filter.trend(z, [level, slope], r, first);
                let [x, p] = [filter.state, [filter.covariance[0][0], filter.covariance[0][1]]];
                [x[0], x[1], p[0], p[1], filter.covariance[1][1], step.innovation, step.variance].map(Some)
            })
        }
        ("kalman_level_state", &[ratio]) if ratio > 0.0 => state(false, ratio),
        ("kalman_trend_state", &[ratio]) if ratio > 0.0 => state(true, ratio),
        ("kalman_momentum", &[]) => momentum(),
        _ => None,
    }
}

fn log_price(price: f64) -> Option<f64> {
    (price > 0.0).then(|| ln(price))
}

/// What an observation was from its prediction.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Observation less prediction.
    pub innovation: f64,
    /// The variance that the filter expected of it.
    pub variance: f64,
}

/// A filter with two states and one observation.
#[derive(Clone, Debug)]
pub struct Filter {
    /// The states.
    pub state: [f64; 2],
    /// Their covariance.
    pub covariance: [[f64; 2]; 2],
}

impl Filter {
    /// Starts at `state` with these variances.
    pub fn new(state: [f64; 2], variances: [f64; 2]) -> Filter {
        Filter { state, covariance: [[variances[0], 0.0], [0.0, variances[1]]] }
    }

    /// A level that walks with variance `q`, seen with noise `r`.
    pub fn level(&mut self, z: f64, q: f64, r: f64, first: bool) -> Step {
        if !first {
            self.covariance[0][0] += q;
        }
        self.update(z, [1.0, 0.0], r)
    }

    /// A level with a slope; variances `q` of both.
    pub fn trend(&mut self, z: f64, q: [f64; 2], r: f64, first: bool) -> Step {
        if !first {
            let [[a, b], [c, d]] = self.covariance;
            self.state[0] += self.state[1];
            self.covariance = [[a + c + (b + d) + q[0], b + d], [c + d, d + q[1]]];
        }
        self.update(z, [1.0, 0.0], r)
    }

    /// An intercept and a slope on `x`, both walking with variance `q`.
    pub fn regression(&mut self, x: f64, y: f64, q: f64, r: f64, first: bool) -> Step {
        if !first {
            self.covariance[0][0] += q;
            self.covariance[1][1] += q;
        }
        self.update(y, [1.0, x], r)
    }

    fn update(&mut self, z: f64, h: [f64; 2], r: f64) -> Step {
        let p = self.covariance;
        let projected = [p[0][0] * h[0] + p[0][1] * h[1], p[1][0] * h[0] + p[1][1] * h[1]];
        let variance = h[0] * projected[0] + h[1] * projected[1] + r;
        let innovation = z - (h[0] * self.state[0] + h[1] * self.state[1]);
        let gain = [projected[0] / variance, projected[1] / variance];
        for (state, gain) in self.state.iter_mut().zip(gain) {
            *state += gain * innovation;
        }
        // (I − K H) P (I − K H)ᵀ + K r Kᵀ
        let a = [[1.0 - gain[0] * h[0], -gain[0] * h[1]], [-gain[1] * h[0], 1.0 - gain[1] * h[1]]];
        let mut ap = [[0.0; 2]; 2];
        for (row, a) in ap.iter_mut().zip(a) {
            for (column, cell) in row.iter_mut().enumerate() {
                *cell = a[0] * p[0][column] + a[1] * p[1][column];
            }
        }
        for i in 0..2 {
            for j in 0..2 {
                self.covariance[i][j] = ap[i][0] * a[j][0] + ap[i][1] * a[j][1] + gain[i] * r * gain[j];
            }
        }
        Step { innovation, variance }
    }
}

/// How surprising innovations are, by the scale of past ones.
struct Surprise {
    short: Halves<f64>,
    long: Halves<f64>,
    /// The mean of the long window, which the next innovation is measured by.
    past: Option<f64>,
    signs: Ema,
}

impl Surprise {
    fn new() -> Surprise {
        Surprise { short: Halves::new(32), long: Halves::new(256), past: None, signs: Ema::new(20) }
    }

    /// The innovation in past standard deviations, the variance of the last 32 over that of the last 256, and the mean
    /// sign.
    fn push(&mut self, step: Step) -> [Option<f64>; 3] {
        let square = step.innovation * step.innovation / step.variance;
        let z = self.past.and_then(|past| ratio(step.innovation, (past * step.variance).sqrt()));
        let short = self.short.push(square).map(|sum| sum / 32.0);
        let sign = if step.innovation > 0.0 {
            1.0
        } else if step.innovation < 0.0 {
            -1.0
        } else {
            0.0
        };
        self.past = self.long.push(square).map(|sum| sum / 256.0);
        let variances = short.zip(self.past);
        [z, variances.and_then(|(short, long)| ratio(short, long)), self.signs.push(sign)]
    }
}

/// A filter whose noise has variance 1 and whose state walks with `q` times that: gap to the state, its slope, both in
/// root mean squared returns; the slope's change; innovation z, variance ratio, mean sign.
fn state(trend: bool, q: f64) -> Option<Made> {
    let mut filter: Option<Filter> = None;
    let mut surprise = Surprise::new();
    let mut returns = Returns::default();
    let (mut squares, mut sum) = (Halves::<f64>::new(64), None);
    let (mut level, mut slope_before) = (0.0, 0.0);
    several(256, move |bar| {
        let change = returns.push(bar);
        let Some(z) = log_price(bar.close) else { return [None; 6] };
        let first = filter.is_none();
        let filter = filter.get_or_insert(Filter::new([z, 0.0], [1.0, if trend { 1.0 } else { 0.0 }]));
        let step =
            if trend { filter.trend(z, [q, q * 0.01], 1.0, first) } else { filter.level(z, q, 1.0, first) };
        if let Some(change) = change {
            sum = squares.push(change * change);
        }
        let slope = if trend { filter.state[1] } else { filter.state[0] - level };
        level = filter.state[0];
        let turned = slope - std::mem::replace(&mut slope_before, slope);
        let [surprise, variances, sign] = surprise.push(step);
        let scale = root_mean(sum);
        let scaled = |value: f64| scale.and_then(|scale| ratio(value, scale));
        let known = |value: Option<f64>| value.filter(|_| surprise.is_some());
        [
            known(scaled(z - level)),
            known(scaled(slope)),
            known(scaled(turned)),
            surprise,
            variances,
            known(sign),
        ]
    })
}

/// Of the sum of 64 squares.
fn root_mean(sum: Option<f64>) -> Option<f64> {
    sum.map(|sum| (sum / 64.0).sqrt())
}

/// The regression of a return on the one before, in root mean squared returns: intercept, coefficient, residual z, and
/// the coefficient's standard deviation.
fn momentum() -> Option<Made> {
    let mut filter = Filter::new([0.0; 2], [1.0; 2]);
    let mut surprise = Surprise::new();
    let mut returns = Returns::default();
    let (mut squares, mut sum) = (Halves::<f64>::new(64), None);
    let (mut before, mut first) = (None, true);
    several(322, move |bar| {
        let Some(change) = returns.push(bar) else { return [None; 4] };
        // Of the returns before this one.
        let scale = root_mean(std::mem::replace(&mut sum, squares.push(change * change)));
        let Some(now) = scale.and_then(|scale| ratio(change, scale)) else { return [None; 4] };
        let Some(before) = before.replace(now) else { return [None; 4] };
        let step = filter.regression(before, now, 1e-4, 1.0, std::mem::replace(&mut first, false));
        let [z, ..] = surprise.push(step);
        let [intercept, coefficient] = filter.state;
        [Some(intercept), Some(coefficient), z, Some(filter.covariance[1][1].sqrt())]
            .map(|value| value.filter(|_| z.is_some()))
    })
}
