//! Volume that TA-Lib does not have. A bar without volume has no value.

use super::Made;
use super::formula::{length, one, several};
use crate::features::halves::{Count, Halves, Squares};
use crate::features::kit::{Ema, ratio};

/// A day of event time.
const DAY: i64 = 86_400_000_000_000;

/// What is here.
pub(super) const NAMES: [&str; 4] = ["kvo", "session_vwap", "pvol", "volume_z"];

/// The function of this name.
pub(super) fn make(name: &str, parameters: &[f64]) -> Option<Made> {
    match (name, parameters) {
        ("kvo", &[fast, slow, signal]) => klinger(length(fast, 1)?, length(slow, 2)?, length(signal, 1)?),
        ("session_vwap", &[]) => session_vwap(),
        ("pvol", &[]) => one(0, |bar| Some(bar.close * bar.volume?)),
        ("volume_z", &[n]) => volume_z(length(n, 2)?),
        _ => None,
    }
}

/// Klinger's oscillator of signed volume, and its signal, as pandas-ta has it.
fn klinger(fast: u32, slow: u32, signal: u32) -> Option<Made> {
    let (mut fast_average, mut slow_average) = (Ema::new(fast), Ema::new(slow));
    let mut signal_average = Ema::new(signal);
    let mut last: Option<f64> = None;
    several(slow, move |bar| {
        let typical = (bar.high + bar.low + bar.close) / 3.0;
        let (Some(last), Some(volume)) = (last.replace(typical), bar.volume) else { return [None; 2] };
        let sign = if typical > last {
            1.0
        } else if typical < last {
            -1.0
        } else {
            0.0
        };
        let (fast, slow) = (fast_average.push(sign * volume), slow_average.push(sign * volume));
        let value = fast.zip(slow).map(|(fast, slow)| fast - slow);
        [value, value.and_then(|value| signal_average.push(value))]
    })
}

/// The mean price by volume since 00:00 UTC of the day in which the bar began.
fn session_vwap() -> Option<Made> {
    let (mut day, mut money, mut volume) = (i64::MIN, 0.0, 0.0);
    one(0, move |bar| {
        let now = bar.open_time.0.div_euclid(DAY);
        if now != day {
            (day, money, volume) = (now, 0.0, 0.0);
        }
        let traded = bar.volume?;
        money += (bar.high + bar.low + bar.close) / 3.0 * traded;
        volume += traded;
        ratio(money, volume)
    })
}

/// How many standard deviations the volume is from its mean.
fn volume_z(n: u32) -> Option<Made> {
    let (mut volumes, count) = (Halves::<Squares>::new(n as usize), Count::new(n));
    one(n - 1, move |bar| volumes.push(bar.volume?)?.z(&count))
}
