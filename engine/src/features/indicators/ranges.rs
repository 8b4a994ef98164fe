//! Volatility from the open, high, low and close of bars, and from their returns. Values are per bar, not annualised.

use genovo_kernels::scalar::f64::{ln_ratio, ln_ratios};

use super::Made;
use super::formula::{length, one, several};
use crate::features::candle::Candle;
use crate::features::halves::{Count, Halves, Highest, Squares};
use crate::features::kit::{larger, ratio};

/// The measure of this name.
pub(super) fn make(name: &str, parameters: &[f64]) -> Option<Made> {
    match (name, parameters) {
        ("parkinson", &[n]) => mean_root(length(n, 1)?, |bar| parkinson(ln_ratio(bar.high, bar.low))),
        ("garman_klass", &[n]) => mean_root(length(n, 1)?, |bar| {
            let [range, body] = ln_ratios([bar.high, bar.close], [bar.low, bar.open]);
            garman_klass(range, body)
        }),
        ("rogers_satchell", &[n]) => mean_root(length(n, 1)?, |bar| rogers_satchell(ends(bar))),
        ("yang_zhang", &[n]) => yang_zhang(length(n, 2)?),
        ("parkinson+garman_klass+rogers_satchell+yang_zhang", &[n]) => together(length(n, 2)?),
        ("realised", &[n]) => realised(length(n, 2)?),
        ("jumps", &[n]) => jumps(length(n, 2)?),
        ("ulcer", &[n]) => ulcer(length(n, 1)?),
        ("aberration", &[n, atr]) => aberration(length(n, 1)?, length(atr, 1)?),
        ("ROGERSSATCHELL", &[n, annual]) if annual >= 0.0 => {
            let n = length(n, 1)?;
            let (mut sums, count) = (Halves::<f64>::new(n as usize), Count::new(n));
            let root = annual.sqrt();
            one(n - 1, move |bar| {
                let term = if positive(bar) { rogers_satchell(ends(bar)) } else { 0.0 };
                Some(root * mean_rooted(sums.push(term)?, &count))
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
    let (mut sums, count) = (Halves::<f64>::new(n as usize), Count::new(n));
    one(n - 1, move |bar| {
        if !positive(bar) {
            return None;
        }
        Some(mean_rooted(sums.push(term(bar))?, &count))
    })
}

fn mean_rooted(sum: f64, count: &Count) -> f64 {
    larger(sum * count.each, 0.0).sqrt()
}

/// Parkinson (1980), of ln(high / low).
fn parkinson(range: f64) -> f64 {
    range * range / (4.0 * std::f64::consts::LN_2)
}

/// Garman and Klass (1980), of ln(high / low) and ln(close / open).
fn garman_klass(range: f64, body: f64) -> f64 {
    0.5 * range * range - (2.0 * std::f64::consts::LN_2 - 1.0) * body * body
}

/// Rogers and Satchell (1991), of the logarithms of high and low, each over close and open: no drift in it.
fn rogers_satchell([a, b, c, d]: [f64; 4]) -> f64 {
    a * b + c * d
}

/// Those logarithms.
#[inline(always)]
fn ends(bar: &Candle) -> [f64; 4] {
    let &Candle { open, high, low, close, .. } = bar;
    ln_ratios([high, high, low, low], [close, open, close, open])
}

/// Yang and Zhang (2000): overnight and open-to-close variance beside Rogers and Satchell's.
fn yang_zhang(n: u32) -> Option<Made> {
    let mut last = None;
    let (mut days, mut ranges) = (Days::new(n), Halves::<f64>::new(n as usize));
    one(n, move |bar| {
        if !positive(bar) {
            return None;
        }
        let last = last.replace(bar.close)?;
        let [night, day] = ln_ratios([bar.open, bar.close], [last, bar.open]);
        let ranges = ranges.push(rogers_satchell(ends(bar)));
        // Before the window is full there is nothing to say, but the day counts.
        days.push(night, day, ranges.unwrap_or(0.0))
    })
}

/// Nights and days, for Yang and Zhang's estimate.
struct Days {
    squares: Halves<(Squares, Squares)>,
    count: Count,
    share: f64,
}

impl Days {
    fn new(n: u32) -> Days {
        let share = 0.34 / (1.34 + (f64::from(n) + 1.0) / (f64::from(n) - 1.0));
        Days { squares: Halves::new(n as usize), count: Count::new(n), share }
    }

    /// Takes the logarithms of open over last close and of close over open, and the window's sum of Rogers and
    /// Satchell's terms; the estimate.
    fn push(&mut self, night: f64, day: f64, ranges: f64) -> Option<f64> {
        let (night, day) = self.squares.push((night, day))?;
        let (night, day) = (night.sample_variance(&self.count), day.sample_variance(&self.count));
        let range = ranges * self.count.each;
        Some(larger(night + self.share * day + (1.0 - self.share) * range, 0.0).sqrt())
    }
}

/// Parkinson's, Garman and Klass's, Rogers and Satchell's, Yang and Zhang's of one window, of the same seven
/// logarithms: to the bit what each says alone.
fn together(n: u32) -> Option<Made> {
    let mut last = None;
    let (mut days, mut sums) = (Days::new(n), Halves::<[f64; 3]>::new(n as usize));
    let count = Count::new(n);
    several(n, move |bar| {
        if !positive(bar) {
            return [None; 4];
        }
        let last = last.replace(bar.close);
        let &Candle { open, high, low, close, .. } = bar;
        let [range, body, night] = ln_ratios([high, close, open], [low, open, last.unwrap_or(open)]);
        let terms = [parkinson(range), garman_klass(range, body), rogers_satchell(ends(bar))];
        let sums = sums.push(terms);
        let yang_zhang = last.and_then(|_| {
            // Before the window is full there is nothing to say, but the day counts.
            let ranges = sums.map_or(0.0, |[_, _, ranges]| ranges);
            days.push(night, body, ranges)
        });
        let [parkinson, garman_klass, rogers_satchell] = match sums {
            Some(sums) => sums.map(|sum| Some(mean_rooted(sum, &count))),
            None => [None; 3],
        };
        [parkinson, garman_klass, rogers_satchell, yang_zhang]
    })
}

/// A stream of log returns.
#[derive(Default)]
pub(super) struct Returns(Option<f64>);

impl Returns {
    pub(super) fn push(&mut self, bar: &Candle) -> Option<f64> {
        let before = self.0.replace(bar.close)?;
        (before > 0.0 && bar.close > 0.0).then(|| ln_ratio(bar.close, before))
    }
}

/// The root of the mean squared log return.
fn realised(n: u32) -> Option<Made> {
    let mut returns = Returns::default();
    let (mut squares, count) = (Halves::<f64>::new(n as usize), Count::new(n));
    one(n, move |bar| {
        let change = returns.push(bar)?;
        Some((squares.push(change * change)? * count.each).sqrt())
    })
}

/// The share of realised variance that bipower variation (Barndorff-Nielsen and Shephard, 2004) does not explain.
fn jumps(n: u32) -> Option<Made> {
    let (mut returns, mut last) = (Returns::default(), None);
    let (mut squares, mut products) = (Halves::<f64>::new(n as usize), Halves::<f64>::new(n as usize - 1));
    let scale = std::f64::consts::FRAC_PI_2 * f64::from(n) / (f64::from(n) - 1.0);
    one(n, move |bar| {
        let change = returns.push(bar)?;
        let squares = squares.push(change * change);
        let products = last.replace(change).and_then(|last| products.push(f64::abs(change * last)));
        let (squares, products) = squares.zip(products)?;
        Some(if squares == 0.0 { 0.0 } else { larger(0.0, 1.0 - scale * products / squares) })
    })
}

/// Martin's ulcer index: the root mean square of how far the close is below its highest, in per cent.
fn ulcer(n: u32) -> Option<Made> {
    let (mut closes, mut squares) = (Halves::<Highest>::new(n as usize), Halves::<f64>::new(n as usize));
    let count = Count::new(n);
    one(2 * (n - 1), move |bar| {
        let highest = closes.push(bar.close)?.0;
        let below = 100.0 * ratio(bar.close - highest, highest)?;
        Some((squares.push(below * below)? * count.each).sqrt())
    })
}

/// The mean typical price, that plus and minus the average true range, and the range.
fn aberration(n: u32, atr: u32) -> Option<Made> {
    let mut range = super::talib::make("ATR", &[f64::from(atr)])?;
    let mut typical = Halves::<f64>::new(n as usize);
    several(if n > atr { n - 1 } else { atr }, move |bar| {
        let sum = typical.push((bar.high + bar.low + bar.close) / 3.0);
        let mut out = [None];
        range.update(bar, &mut out);
        let (middle, range) = (sum.map(|sum| sum / f64::from(n)), out[0]);
        let pair = middle.zip(range);
        [
            middle,
            pair.map(|(middle, range)| middle + range),
            pair.map(|(middle, range)| middle - range),
            range,
        ]
    })
}
