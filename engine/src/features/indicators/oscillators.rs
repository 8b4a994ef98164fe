//! Momentum and trend that TA-Lib does not have, or computes with the C library's logarithm: as pandas-ta 0.4.71b0 or
//! TA-Lib defines them, where they do.

use std::hint::select_unpredictable as select;

use genovo_kernels::scalar::f64::{atanh, ln_ratios};
use genovo_kernels::scalar::fused::{self, Work, atan, ln};

use super::Made;
use super::averages::SuperSmoother;
use super::formula::{length, one, several, sized};
use crate::features::candle::Candle;
use crate::features::halves::{Count, FromLast, Halves, Highest, Line, Lowest, Squares};
use crate::features::kit::{Ema, Ring, larger, ratio, smaller};

/// The oscillator of this name.
pub(super) fn make(name: &str, parameters: &[f64]) -> Option<Made> {
    match (name, parameters) {
        ("bias", &[n]) => sized!(bias, length(n, 1)?, [26]),
        ("brar", &[n]) => brar(length(n, 1)?),
        ("cfo", &[n]) => sized!(cfo, length(n, 2)?, [9]),
        ("cg", &[n]) => cg(length(n, 1)?),
        ("exhc", &[n, cap]) => exhc(length(n, 1)?, cap),
        ("inertia", &[n, rvi]) => match (length(n, 2)?, length(rvi, 2)?) {
            (20, 14) => inertia::<20, 14>(20, 14),
            (n, rvi) => inertia::<0, 0>(n, rvi),
        },
        ("kst", &[]) => kst(),
        ("pgo", &[n]) => sized!(pgo, length(n, 2)?, [14]),
        ("psl", &[n]) => psl(length(n, 1)?),
        ("reflex", &[n, smooth]) => flex(length(n, 2)?, length(smooth, 2)?, true),
        ("trendflex", &[n, smooth]) => flex(length(n, 2)?, length(smooth, 2)?, false),
        ("rsx", &[n]) => rsx(length(n, 2)?),
        ("rvgi", &[n]) => sized!(rvgi, length(n, 1)?, [14]),
        ("rwi", &[n]) => rwi(length(n, 2)?),
        ("smi", &[fast, slow, signal]) => smi(length(fast, 1)?, length(slow, 1)?, length(signal, 1)?),
        ("squeeze", &[]) => squeeze(),
        ("thermo", &[n]) => thermo(length(n, 1)?),
        ("log_return", lengths) => log_returns(lengths),
        ("percent_return", &[n]) => percent_return(length(n, 1)?),
        ("CHOP", &[n]) => chop(length(n, 2)?),
        ("FISHER", &[n]) => sized!(fisher, length(n, 2)?, [9]),
        ("LINEARREG_ANGLE", &[n]) => angle(length(n, 2)?),
        _ => None,
    }
}

/// The close over its mean, less 1.
fn bias<const N: usize>(n: u32) -> Option<Made> {
    let (mut closes, count) = (Halves::<FromLast, N>::new(n as usize), Count::new(n));
    one(n - 1, move |bar| {
        let from = closes.push(bar.close)?;
        ratio(-from.sum * count.each, from.mean(&count))
    })
}

/// AR from the open, BR from the previous close.
fn brar(n: u32) -> Option<Made> {
    let (mut open, mut close) = (Halves::<[f64; 2]>::new(n as usize), Halves::<[f64; 2]>::new(n as usize));
    let percent = |sums: Option<[f64; 2]>| {
        let [above, below] = sums?;
        ratio(above, below).map(|ratio| 100.0 * ratio)
    };
    let mut last = None;
    several(n, move |bar| {
        let ar = percent(open.push([bar.high - bar.open, bar.open - bar.low]));
        let br = last.replace(bar.close).and_then(|last| {
            percent(close.push([larger(bar.high - last, 0.0), larger(last - bar.low, 0.0)]))
        });
        [ar, br]
    })
}

/// Chande's forecast oscillator: what the close is from the line's next value, in per cent.
fn cfo<const N: usize>(n: u32) -> Option<Made> {
    let mut closes = Halves::<Line, N>::new(n as usize);
    let count = Count::new(n);
    let ahead = (count.all + 1.0) / 2.0;
    one(n - 1, move |bar| {
        let line = closes.push(bar.close)?;
        let beyond = -line.squares.from.sum * count.each - line.slope(&count) * ahead;
        ratio(100.0 * beyond, bar.close)
    })
}

/// Ehlers' centre of gravity.
fn cg(n: u32) -> Option<Made> {
    let mut closes = Halves::<Line>::new(n as usize);
    let count = Count::new(n);
    one(n - 1, move |bar| {
        let line = closes.push(bar.close)?;
        // Places count from 1.
        let FromLast { last, sum } = line.squares.from;
        Some(-(ratio(line.moment(&count), last * count.all + sum)? + (count.all + 1.0) / 2.0))
    })
}

/// Exhaustion: bars in a row whose close is below, above the close `n` bars before, at most `cap`.
fn exhc(n: u32, cap: f64) -> Option<Made> {
    let mut ring = Ring::new(n as usize);
    let (mut down, mut up) = (0.0, 0.0);
    several(n, move |bar| {
        let Some(before) = ring.push(bar.close) else { return [None; 2] };
        down = if bar.close < before { down + 1.0 } else { 0.0 };
        up = if bar.close > before { up + 1.0 } else { 0.0 };
        [Some(smaller(down, cap)), Some(smaller(up, cap))]
    })
}

/// The regression line's end through the relative volatility index.
fn inertia<const N: usize, const R: usize>(n: u32, rvi: u32) -> Option<Made> {
    let mut closes = Halves::<Squares, R>::new(rvi as usize);
    let (mut ups, mut downs) = (Ema::new(rvi), Ema::new(rvi));
    let mut indices = Halves::<Line, N>::new(n as usize);
    let (count, of_closes) = (Count::new(n), Count::new(rvi));
    let ahead = (count.all - 1.0) / 2.0;
    let mut last = None;
    one(2 * (rvi - 1) + n - 1, move |bar| {
        let before = last.replace(bar.close);
        let deviation = closes.push(bar.close)?.variance(&of_closes).sqrt();
        let before = before?;
        let up = ups.push(if bar.close > before { deviation } else { 0.0 });
        let down = downs.push(if bar.close < before { deviation } else { 0.0 });
        let (up, down) = (up?, down?);
        let line = indices.push(100.0 * ratio(up, up + down)?)?;
        Some(line.squares.from.mean(&count) + line.slope(&count) * ahead)
    })
}

/// Pring's know sure thing with its signal, of rates of change in per cent: means of 10 over 10, 15 and 20 bars and of
/// 15 over 30 bars. Of a bar that lacks one of the shorter rates, as after a close of 0, all three are left out.
fn kst() -> Option<Made> {
    let mut closes = Ring::new(31);
    let (mut tens, mut fifteen) = (Halves::<[f64; 3], 10>::new(10), Halves::<f64, 15>::new(15));
    let (mut fast, mut slow) = (None, None);
    let (mut signal, mut smoothed) = (Halves::<f64, 9>::new(9), None);
    several(44, move |bar| {
        closes.push(bar.close);
        let rate = |bars: usize| {
            let before = closes.back(bars)?;
            ratio(bar.close - before, before)
        };
        if let (Some(a), Some(b), Some(c)) = (rate(10), rate(15), rate(20)) {
            // Means of per cent, times 100, and the second and third count twice and thrice.
            fast = tens.push([a, b, c]).map(|[a, b, c]| 1_000.0 * (a + 2.0 * b + 3.0 * c));
        }
        if let Some(rate) = rate(30) {
            slow = fifteen.push(rate).map(|rate| 4.0 * (10_000.0 / 15.0) * rate);
        }
        let value = fast.zip(slow).map(|(fast, slow)| fast + slow);
        if let Some(value) = value {
            smoothed = signal.push(value).map(|sum| sum * (1.0 / 9.0));
        }
        [value, smoothed]
    })
}

/// Pretty good oscillator: the gap to the mean over an average of the average true range.
fn pgo<const N: usize>(n: u32) -> Option<Made> {
    let (mut closes, count) = (Halves::<FromLast, N>::new(n as usize), Count::new(n));
    let (mut range, mut average) = (Ema::wilder(n), Ema::new(n));
    let mut last = None;
    one(2 * n - 1, move |bar| {
        let gap = closes.push(bar.close).map(|from| -from.sum * count.each);
        let last: f64 = last.replace(bar.close)?;
        let range = average.push(range.push(larger(bar.high, last) - smaller(bar.low, last))?)?;
        ratio(gap?, range)
    })
}

/// Psychological line: the share of bars that closed above their open, in per cent.
fn psl(n: u32) -> Option<Made> {
    let mut rises = Halves::<f64>::new(n as usize);
    one(n - 1, move |bar| {
        let rises = rises.push(if bar.close > bar.open { 1.0 } else { 0.0 })?;
        Some(100.0 * (rises / f64::from(n)))
    })
}

/// Ehlers' reflex and trendflex.
fn flex(n: u32, smooth: u32, reflex: bool) -> Option<Made> {
    let mut smoother = SuperSmoother::new(2.0 * 1.414 / f64::from(smooth));
    let (mut before, mut window) = (Ring::new(n as usize), Halves::<FromLast>::new(n as usize + 1));
    let count = f64::from(n);
    // Of 1 + 2 + … + (n − 1) steps, over n.
    let sloped = (count - 1.0) / 2.0;
    let each = 1.0 / count;
    let mut square = 0.0;
    one(n, move |bar| {
        let now = smoother.push(bar.close, 0.0);
        let (oldest, from) = (before.push(now), window.push(now)?);
        let fall = oldest? - now;
        // Σ (now − x) over all but the oldest.
        let mut sum = (fall - from.sum) * each;
        if reflex {
            sum += fall * each * sloped;
        }
        square = 0.04 * sum * sum + (1.0 - 0.04) * square;
        Some(if square == 0.0 { 0.0 } else { sum / square.sqrt() })
    })
}

/// Jurik's relative strength index.
fn rsx(n: u32) -> Option<Made> {
    let weight = 3.0 / (f64::from(n) + 2.0);
    let keep = 1.0 - weight;
    // Three stages of two averages each, all of the change and of its size.
    let mut stages = [[[0.0; 2]; 2]; 3];
    let settle = if n > 5 { n - 1 } else { 5 };
    let (mut seen, mut count, mut moved) = (0, 0, false);
    let mut last = 0.0;
    one(n - 1, move |bar| {
        seen += 1;
        if seen < n {
            return None;
        }
        if seen == n {
            return Some(50.0);
        }
        let price = 100.0 * bar.close;
        if count == 0 {
            (count, moved, last) = (1, false, price);
            return Some(50.0);
        }
        count = if settle <= count { settle + 1 } else { count + 1 };
        let change = price - last;
        let mut value = [change, change.abs()];
        for [outer, inner] in &mut stages {
            for side in 0..2 {
                outer[side] = keep * outer[side] + weight * value[side];
                inner[side] = weight * outer[side] + keep * inner[side];
                value[side] = 1.5 * outer[side] - 0.5 * inner[side];
            }
        }
        let [signed, size] = value;
        if settle >= count && price != last {
            moved = true;
        }
        last = price;
        if settle == count && !moved {
            count = 0;
        }
        if settle < count && size > 1e-10 {
            Some(larger(0.0, smaller(100.0, (signed / size + 1.0) * 50.0)))
        } else {
            Some(50.0)
        }
    })
}

/// The weighted sum 1 2 2 1 of the last four values.
#[derive(Default)]
struct Four {
    before: [f64; 3],
    seen: u32,
}

impl Four {
    fn push(&mut self, value: f64) -> Option<f64> {
        let [a, b, c] = self.before;
        self.before = [b, c, value];
        self.seen = self.seen.saturating_add(1);
        (self.seen >= 4).then_some((a + value) + 2.0 * (b + c))
    }
}

/// Relative vigour index and its signal.
fn rvgi<const N: usize>(n: u32) -> Option<Made> {
    let (mut bodies, mut ranges) = (Four::default(), Four::default());
    let mut sums = Halves::<[f64; 2], N>::new(n as usize);
    let mut signal = Four::default();
    several(n + 2, move |bar| {
        let both = bodies.push(bar.close - bar.open).zip(ranges.push(bar.high - bar.low));
        let value = both.and_then(|(body, range)| {
            let [body, range] = sums.push([body, range])?;
            ratio(body, range)
        });
        [value, value.and_then(|value| signal.push(value)).map(|sum| sum * (1.0 / 6.0))]
    })
}

/// Random walk index, high and low. The first true range is the first bar's range.
fn rwi(n: u32) -> Option<Made> {
    let mut average = Ema::wilder(n);
    let mut last: Option<f64> = None;
    let (mut highs, mut lows) = (Ring::new(n as usize), Ring::new(n as usize));
    let root = f64::from(n).sqrt();
    several(n, move |bar| {
        let (high, low) = (highs.push(bar.high), lows.push(bar.low));
        let last = last.replace(bar.close);
        let top = last.map_or(bar.high, |last| larger(last, bar.high));
        let bottom = last.map_or(bar.low, |last| smaller(last, bar.low));
        let range = average.push(top - bottom);
        let (Some(range), Some(high), Some(low)) = (range, high, low) else { return [None; 2] };
        [ratio(bar.high - low, range * root), ratio(high - bar.low, range * root)]
    })
}

/// True strength as pandas-ta's stochastic momentum: value, signal, gap.
fn smi(fast: u32, slow: u32, signal: u32) -> Option<Made> {
    let (mut slow_sum, mut fast_sum) = (Ema::new(slow), Ema::new(fast));
    let (mut slow_size, mut fast_size) = (Ema::new(slow), Ema::new(fast));
    let mut average = Ema::new(signal);
    let mut last = None;
    several(slow + fast - 1, move |bar| {
        let change = last.replace(bar.close).map(|last| bar.close - last);
        let Some(change) = change else { return [None; 3] };
        let sum = slow_sum.push(change).and_then(|sum| fast_sum.push(sum));
        let size = slow_size.push(change.abs()).and_then(|size| fast_size.push(size));
        let value = sum.zip(size).and_then(|(sum, size)| ratio(sum, size));
        let signal = value.and_then(|value| average.push(value));
        [value, signal, value.zip(signal).map(|(value, signal)| value - signal)]
    })
}

/// The squeeze of Bollinger bands into Keltner's channel: momentum, squeezed, released.
fn squeeze() -> Option<Made> {
    let (mut closes, mut ranges) = (Halves::<Squares, 20>::new(20), Halves::<f64, 20>::new(20));
    let (mut lagged, mut steps) = (Ring::new(12), Halves::<f64, 6>::new(6));
    let (mut last, count): (Option<f64>, Count) = (None, Count::new(20));
    several(20, move |bar| {
        let squares = closes.push(bar.close);
        let sum = last.replace(bar.close).and_then(|last| {
            let highest = larger(bar.high, last);
            ranges.push(highest - smaller(bar.low, last))
        });
        let momentum = lagged.push(bar.close).and_then(|before| steps.push(bar.close - before));
        let flags = squares.zip(sum).map(|(squares, sum)| {
            // Twice the deviation beside half as much again as the mean range, squared: neither is negative.
            let channel = 1.5 / 20.0 * sum;
            let (bands, channel) = (4.0 * squares.variance(&count), channel * channel);
            [f64::from(u8::from(bands < channel)), f64::from(u8::from(bands > channel))]
        });
        let momentum = momentum.map(|sum| sum * (1.0 / 6.0));
        [momentum, flags.map(|flags| flags[0]), flags.map(|flags| flags[1])]
    })
}

/// Elder's thermometer and its average.
fn thermo(n: u32) -> Option<Made> {
    let mut last: Option<[f64; 2]> = None;
    let mut average = Ema::new(n);
    several(n, move |bar| {
        let Some([high, low]) = last.replace([bar.high, bar.low]) else { return [None; 2] };
        let (down, up) = ((low - bar.low).abs(), (bar.high - high).abs());
        let value = if up < down { down } else { up };
        [Some(value), average.push(value)]
    })
}

/// Logarithms of the close over earlier closes, for each of these lengths.
fn log_returns(lengths: &[f64]) -> Option<Made> {
    let lengths: Vec<usize> = lengths.iter().map(|n| Some(length(*n, 1)? as usize)).collect::<Option<_>>()?;
    let closes = Ring::new(lengths.iter().max()? + 1);
    let outputs = lengths.len();
    Some(Made { indicator: Box::new(LogReturns { closes, lengths }), outputs })
}

struct LogReturns {
    closes: Ring,
    lengths: Vec<usize>,
}

impl super::Indicator for LogReturns {
    fn warm_up(&self) -> u32 {
        self.closes.capacity() as u32 - 1
    }

    fn update(&mut self, bar: &Candle, out: &mut [Option<f64>]) {
        self.closes.push(bar.close);
        let (closes, close) = (&self.closes, bar.close);
        for (lengths, out) in self.lengths.chunks(4).zip(out.chunks_mut(4)) {
            // A price that is not there or not above 0 has no logarithm.
            let back = |length: &usize| closes.back(*length).unwrap_or(f64::NAN);
            let before = [0, 1, 2, 3].map(|k| lengths.get(k).map_or(close, back));
            let values = ln_ratios([close; 4], before);
            for ((out, value), before) in out.iter_mut().zip(values).zip(before) {
                *out = (before > 0.0 && close > 0.0 && value.is_finite()).then_some(value);
            }
        }
    }
}

fn percent_return(n: u32) -> Option<Made> {
    let mut ring = Ring::new(n as usize);
    one(n, move |bar| Some(ratio(bar.close, ring.push(bar.close)?)? - 1.0))
}

/// Dreiss' choppiness index.
fn chop(n: u32) -> Option<Made> {
    let n = n as usize;
    let (mut ends, mut ranges) = (Halves::<(Highest, Lowest)>::new(n), Halves::<f64>::new(n));
    let mut last: Option<f64> = None;
    let scale = ln(n as f64);
    one(n as u32, move |bar| {
        let ends = ends.push((bar.high, bar.low));
        let last = last.replace(bar.close)?;
        let sum = ranges.push(larger(last, bar.high) - smaller(last, bar.low))?;
        let (Highest(highest), Lowest(lowest)) = ends?;
        let range = highest - lowest;
        Some(if range <= 0.0 || sum <= 0.0 { 100.0 } else { 100.0 * (ln(sum / range) / scale) })
    })
}

/// Ehlers' Fisher transform of where the price stands in its range, and its previous value.
fn fisher<const N: usize>(n: u32) -> Option<Made> {
    let mut prices = Halves::<(Highest, Lowest), N>::new(n as usize);
    let mut fisher = Fisher::default();
    several(n - 1, move |bar| {
        let price = (bar.high + bar.low) / 2.0;
        let Some((Highest(highest), Lowest(lowest))) = prices.push((price, price)) else { return [None; 2] };
        let range = highest - lowest;
        let flat = range.abs() <= 1e-14 * (highest.abs() + lowest.abs());
        let place = if flat { 0.5 } else { (price - lowest) / range };
        let before = fisher.value;
        fused::run(Transform { it: &mut fisher, place });
        [Some(fisher.value), Some(before)]
    })
}

#[derive(Default)]
struct Fisher {
    smoothed: f64,
    value: f64,
}

/// Where the price stands, from 0 to 1, for the transform.
struct Transform<'a> {
    it: &'a mut Fisher,
    place: f64,
}

impl Work for Transform<'_> {
    #[inline(always)]
    fn run(self) {
        let Fisher { smoothed, value } = self.it;
        let now = 0.67f64.mul_add(*smoothed, 0.33 * 2.0 * (self.place - 0.5));
        *smoothed = select(now > 0.99, 0.999, select(now < -0.99, -0.999, now));
        *value = 0.5f64.mul_add(*value, atanh(*smoothed));
    }
}

/// The angle of the regression line in degrees.
fn angle(n: u32) -> Option<Made> {
    let mut closes = Halves::<Line>::new(n as usize);
    let count = Count::new(n);
    one(n - 1, move |bar| {
        let slope = closes.push(bar.close)?.slope(&count);
        Some(atan(slope) * (180.0 / std::f64::consts::PI))
    })
}
