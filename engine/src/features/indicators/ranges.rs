//! Volatility from the open, high, low and close of bars, and from their returns. Values are per bar, not annualised.

use genovo_kernels::scalar::fused::{ln, ln_each};

use super::Made;
use super::formula::{length, one, several};
use crate::features::candle::Candle;
use crate::features::kit::{Piece, Ring, Spread, Sums, larger, ratio};

/// The measure of this name.
pub(super) fn make(name: &str, parameters: &[f64]) -> Option<Made> {
    match (name, parameters) {
        ("parkinson", &[n]) => mean_root(length(n, 1)?, |bar| {
            let range = ln(bar.high / bar.low);
            range * range / (4.0 * std::f64::consts::LN_2)
        }),
        ("garman_klass", &[n]) => mean_root(length(n, 1)?, |bar| {
            let [range, body] = ln_each([bar.high / bar.low, bar.close / bar.open]);
            0.5 * range * range - (2.0 * std::f64::consts::LN_2 - 1.0) * body * body
        }),
        ("rogers_satchell", &[n]) => mean_root(length(n, 1)?, rogers_satchell),
        ("yang_zhang", &[n]) => yang_zhang(length(n, 2)?),
        ("realised", &[n]) => realised(length(n, 2)?),
        ("jumps", &[n]) => jumps(length(n, 2)?),
        ("ulcer", &[n]) => ulcer(length(n, 1)?),
        ("aberration", &[n, atr]) => aberration(length(n, 1)?, length(atr, 1)?),
        ("ROGERSSATCHELL", &[n, annual]) if annual >= 0.0 => {
            let n = length(n, 1)?;
            let mut sums = Sums::new(n as usize);
            let root = annual.sqrt();
            one(n - 1, move |bar| {
                let mean = sums.mean(if positive(bar) { rogers_satchell(bar) } else { 0.0 })?;
                Some(root * larger(mean, 0.0).sqrt())
            })
        }
        _ => None,
    }
}

fn positive(bar: &Candle) -> bool {
    bar.open > 0.0 && bar.high > 0.0 && bar.low > 0.0 && bar.close > 0.0
}

/// The root of the mean of one term a bar.
fn mean_root(n: u32, term: impl Fn(&Candle) -> f64 + Send + 'static) -> Option<Made> {
    let mut sums = Sums::new(n as usize);
    one(n - 1, move |bar| {
        if !positive(bar) {
            return None;
        }
        Some(larger(sums.mean(term(bar))?, 0.0).sqrt())
    })
}

/// Rogers and Satchell (1991): no drift in it.
fn rogers_satchell(bar: &Candle) -> f64 {
    let [a, b, c, d] = ln_each(rogers_satchell_of(bar));
    a * b + c * d
}

/// Of what it takes the logarithms.
fn rogers_satchell_of(bar: &Candle) -> [f64; 4] {
    [bar.high / bar.close, bar.high / bar.open, bar.low / bar.close, bar.low / bar.open]
}

/// Yang and Zhang (2000): overnight and open-to-close variance beside Rogers and Satchell's.
fn yang_zhang(n: u32) -> Option<Made> {
    let count = n as usize;
    let (mut nights, mut days, mut ranges) = (Spread::new(count), Spread::new(count), Sums::new(count));
    let mut last = None;
    let k = 0.34 / (1.34 + (f64::from(n) + 1.0) / (f64::from(n) - 1.0));
    one(n, move |bar| {
        if !positive(bar) {
            return None;
        }
        let last = last.replace(bar.close)?;
        let [a, b, c, d] = rogers_satchell_of(bar);
        let [night, day, a, b, c, d] = ln_each([bar.open / last, bar.close / bar.open, a, b, c, d]);
        let (night, day) = (nights.moments(night), days.moments(day));
        let range = ranges.mean(a * b + c * d)?;
        let (night, day) = (night?.sample_variance(), day?.sample_variance());
        Some(larger(night + k * day + (1.0 - k) * range, 0.0).sqrt())
    })
}

/// A stream of log returns.
#[derive(Default)]
pub(super) struct Returns(Option<f64>);

impl Returns {
    pub(super) fn push(&mut self, bar: &Candle) -> Option<f64> {
        let before = self.0.replace(bar.close)?;
        (before > 0.0 && bar.close > 0.0).then(|| ln(bar.close / before))
    }
}

/// The root of the mean squared log return.
fn realised(n: u32) -> Option<Made> {
    let mut returns = Returns::default();
    let mut sums = Sums::new(n as usize);
    one(n, move |bar| {
        let change = returns.push(bar)?;
        Some(sums.mean(change * change)?.sqrt())
    })
}

/// The share of realised variance that bipower variation (Barndorff-Nielsen and Shephard, 2004) does not explain.
fn jumps(n: u32) -> Option<Made> {
    let mut returns = Returns::default();
    let mut ring = Ring::new(n as usize);
    one(n, move |bar| {
        ring.push(returns.push(bar)?);
        if !ring.is_full() {
            return None;
        }
        let (mut squares, mut products, mut last) = (0.0, 0.0, 0.0);
        for (index, change) in ring.iter().enumerate() {
            squares += change * change;
            if index > 0 {
                products += f64::abs(change * last);
            }
            last = change;
        }
        let count = ring.len() as f64;
        let bipower = std::f64::consts::FRAC_PI_2 * products * count / (count - 1.0);
        Some(if squares == 0.0 { 0.0 } else { larger(0.0, 1.0 - bipower / squares) })
    })
}

/// Martin's ulcer index: the root mean square of how far the close is below its highest, in per cent.
fn ulcer(n: u32) -> Option<Made> {
    let (mut closes, mut squares) = (Piece::new(n as usize), Sums::new(n as usize));
    one(2 * (n - 1), move |bar| {
        closes.push(bar.close);
        let below = 100.0 * (ratio(bar.close, closes.highest()?)? - 1.0);
        Some(squares.mean(below * below)?.sqrt())
    })
}

/// The mean typical price, that plus and minus the average true range, and the range.
fn aberration(n: u32, atr: u32) -> Option<Made> {
    let mut range = super::talib::make("ATR", &[f64::from(atr)])?;
    let mut typical = Ring::new(n as usize);
    several(if n > atr { n - 1 } else { atr }, move |bar| {
        typical.push((bar.high + bar.low + bar.close) / 3.0);
        let mut out = [None];
        range.update(bar, &mut out);
        let (middle, range) = (typical.mean(), out[0]);
        let pair = middle.zip(range);
        [
            middle,
            pair.map(|(middle, range)| middle + range),
            pair.map(|(middle, range)| middle - range),
            range,
        ]
    })
}
