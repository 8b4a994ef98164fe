//! The shape of a bar: body, wicks, gap, range, inside and outside bars.

use super::formula::{one, several};
use super::{Made, talib};
use crate::features::kit::{larger, ratio, smaller};

/// The patterns that the bullish and bearish sums count.
pub(crate) const PATTERNS: [&str; 24] = [
    "CDLDOJI",
    "CDLENGULFING",
    "CDLHAMMER",
    "CDLHANGINGMAN",
    "CDLHARAMI",
    "CDLINVERTEDHAMMER",
    "CDLSHOOTINGSTAR",
    "CDLMARUBOZU",
    "CDLMORNINGSTAR",
    "CDLEVENINGSTAR",
    "CDLPIERCING",
    "CDLDARKCLOUDCOVER",
    "CDLSPINNINGTOP",
    "CDLBELTHOLD",
    "CDLLONGLINE",
    "CDLSHORTLINE",
    "CDLHIGHWAVE",
    "CDLDRAGONFLYDOJI",
    "CDLGRAVESTONEDOJI",
    "CDL3INSIDE",
    "CDL3OUTSIDE",
    "CDLHIKKAKE",
    "CDLMATCHINGLOW",
    "CDLCLOSINGMARUBOZU",
];

/// The parameters of a pattern in the catalogue: TA-Lib's defaults.
pub(crate) fn pattern_parameters(name: &str) -> &'static [f64] {
    match name {
        "CDLMORNINGSTAR" | "CDLEVENINGSTAR" => &[0.3],
        "CDLDARKCLOUDCOVER" => &[0.5],
        _ => &[],
    }
}

/// The indicator of this name.
pub(super) fn make(name: &str, parameters: &[f64]) -> Option<Made> {
    match (name, parameters) {
        ("shape", &[]) => shape(),
        ("pattern_sums", &[]) => pattern_sums(),
        ("inside", &[]) => {
            let mut last: Option<[f64; 2]> = None;
            one(1, move |bar| {
                let [high, low] = last.replace([bar.high, bar.low])?;
                let (inside, outside) = (bar.high < high && bar.low > low, bar.high > high && bar.low < low);
                Some(f64::from(u8::from(outside)) - f64::from(u8::from(inside)))
            })
        }
        _ => None,
    }
}

/// Body, upper wick and lower wick in shares of the range; gap from the last close in shares of the last range.
fn shape() -> Option<Made> {
    let mut last: Option<[f64; 2]> = None;
    several(1, move |bar| {
        let range = bar.high - bar.low;
        let (top, bottom) = (larger(bar.open, bar.close), smaller(bar.open, bar.close));
        let gap = last.replace([bar.close, range]).and_then(|[close, range]| ratio(bar.open - close, range));
        [
            ratio(bar.close - bar.open, range),
            ratio(bar.high - top, range),
            ratio(bottom - bar.low, range),
            gap,
        ]
    })
}

/// How many of the patterns are bullish, and how many bearish, in units of 100.
fn pattern_sums() -> Option<Made> {
    let mut patterns = Vec::new();
    for name in PATTERNS {
        patterns.push(talib::make(name, pattern_parameters(name))?);
    }
    let warm_up = patterns.iter().map(|pattern| pattern.warm_up()).max()?;
    several(warm_up, move |bar| {
        let (mut bulls, mut bears, mut known) = (0.0, 0.0, true);
        for pattern in &mut patterns {
            let mut out = [None];
            pattern.update(bar, &mut out);
            known &= out[0].is_some();
            let value = out[0].unwrap_or(0.0) / 100.0;
            bulls += larger(value, 0.0);
            bears += larger(-value, 0.0);
        }
        if known { [Some(bulls), Some(bears)] } else { [None; 2] }
    })
}
