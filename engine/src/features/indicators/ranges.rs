//! Volatility from the open, high, low and close of bars, and from their returns. Values are per bar, not annualised.

use genovo_kernels::scalar::f64::ln;

use super::Made;
use super::formula::{length, one, several};
use crate::features::candle::Candle;
use crate::features::kit::{Ring, larger, ratio};

/// The measure of this name.
pub(super) fn make(name: &str, parameters: &[f64]) -> Option<Made> {
    match (name, parameters) {
        ("parkinson", &[n]) => mean_root(length(n, 1)?, |bar| {
            let range = ln(bar.high / bar.low);
            range * range / (4.0 * std::f64::consts::LN_2)
        }),
        ("garman_klass", &[n]) => mean_root(length(n, 1)?, |bar| {
            let (range, body) = (ln(bar.high / bar.low), ln(bar.close / bar.open));
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
            let mut ring = Ring::new(n as usize);
            let root = annual.sqrt();
            one(n - 1, move |bar| {
                ring.push(if positive(bar) { rogers_satchell(bar) } else { 0.0 });
                Some(root * larger(ring.mean()?, 0.0).sqrt())
            })
        }
        _ => None,
    }
}

fn positive(bar: &Candle) -> bool {
    bar.open > 0.0 && bar.high > 0.0 && bar.low > 0.0 && bar.close > 0.0
}

/// The root of the mean of one term a bar.
fn mean_root(n: u32, term: fn(&Candle) -> f64) -> Option<Made> {
    let mut ring = Ring::new(n as usize);
    one(n - 1, move |bar| {
        if !positive(bar) {
            return None;
        }
        ring.push(term(bar));
        Some(larger(ring.mean()?, 0.0).sqrt())
    })
}

/// Rogers and Satchell (1991): no drift in it.
fn rogers_satchell(bar: &Candle) -> f64 {
    ln(bar.high / bar.close) * ln(bar.high / bar.open) + ln(bar.low / bar.close) * ln(bar.low / bar.open)
}

/// Yang and Zhang (2000): overnight and open-to-close variance beside Rogers and Satchell's.
fn yang_zhang(n: u32) -> Option<Made> {
    let count = n as usize;
    let (mut nights, mut days, mut ranges) = (Ring::new(count), Ring::new(count), Ring::new(count));
    let mut last = None;
    let k = 0.34 / (1.34 + (f64::from(n) + 1.0) / (f64::from(n) - 1.0));
    one(n, move |bar| {
        if !positive(bar) {
            return None;
        }
        let last = last.replace(bar.close)?;
        nights.push(ln(bar.open / last));
        days.push(ln(bar.close / bar.open));
        ranges.push(rogers_satchell(bar));
        let night = nights.moments()?.sample_variance();
        let day = days.moments()?.sample_variance();
        Some(larger(night + k * day + (1.0 - k) * ranges.mean()?, 0.0).sqrt())
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
    let mut ring = Ring::new(n as usize);
    one(n, move |bar| {
        let change = returns.push(bar)?;
        ring.push(change * change);
        Some(ring.mean()?.sqrt())
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
    let (mut closes, mut squares) = (Ring::new(n as usize), Ring::new(n as usize));
    one(2 * (n - 1), move |bar| {
        closes.push(bar.close);
        let below = 100.0 * (ratio(bar.close, closes.highest()?)? - 1.0);
        squares.push(below * below);
        Some(squares.mean()?.sqrt())
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
