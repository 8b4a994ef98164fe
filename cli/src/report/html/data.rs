//! The curves as the page's script reads them: compact JSON that no text in it can end early.

use serde::Serialize;

use super::super::figures::{Curve, Report};
use super::super::format;
use genovo_engine::event::Side;

/// The most instruments whose price is in the page.
const INSTRUMENTS_MAX: usize = 4;

#[derive(Serialize)]
struct Data<'a> {
    span: [f64; 2],
    digits: u8,
    journal: &'a str,
    equity: Plotted,
    drawdown: Vec<f64>,
    exposure: Plotted,
    prices: Vec<Price<'a>>,
    fills: Vec<Mark<'a>>,
}

#[derive(Serialize)]
struct Price<'a> {
    name: &'a str,
    digits: usize,
    #[serde(flatten)]
    curve: Plotted,
}

/// Times as steps in milliseconds from the one before, the first from 1970.
#[derive(Serialize)]
struct Plotted {
    time: Vec<i64>,
    last: Vec<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    low: Vec<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    high: Vec<f64>,
}

/// Time, price, side, quantity, order and instrument of an execution.
#[derive(Serialize)]
struct Mark<'a> {
    t: f64,
    p: f64,
    s: i64,
    q: String,
    o: u64,
    i: &'a str,
}

/// The instruments whose price is drawn: those that traded, else the first.
pub fn drawn_instruments(report: &Report) -> Vec<&str> {
    let prices = &report.curves.prices;
    let traded = |name: &&String| report.curves.fills.iter().any(|fill| fill.instrument == **name);
    let mut names: Vec<&str> =
        prices.keys().filter(traded).map(String::as_str).take(INSTRUMENTS_MAX).collect();
    if names.is_empty() {
        names.extend(prices.keys().next().map(String::as_str));
    }
    names
}

/// The whole data as JSON.
pub fn json(report: &Report) -> String {
    let curves = &report.curves;
    let names = drawn_instruments(report);
    let prices = names.iter().map(|name| {
        let digits = price_digits(report, name);
        Price { name, digits, curve: plotted(&curves.prices[*name], digits as i32 + 1) }
    });
    let marks = curves.fills.iter().filter(|fill| names.contains(&fill.instrument.as_str()));
    let seconds = |time: genovo_engine::units::Timestamp| (time.0 / 1_000_000) as f64 / 1e3;
    let data = Data {
        span: [seconds(report.span.from.0), seconds(report.span.to.0)],
        digits: report.digits(),
        journal: report.identity.journal.as_deref().unwrap_or("last"),
        equity: plotted(&curves.equity, i32::from(report.digits())),
        drawdown: curves.drawdown.iter().map(|value| rounded(*value, 5)).collect(),
        exposure: Plotted { low: Vec::new(), high: Vec::new(), ..plotted(&curves.exposure, 4) },
        prices: prices.collect(),
        fills: marks
            .map(|fill| Mark {
                t: fill.time,
                p: fill.price,
                s: if fill.side == Side::Buy { 1 } else { -1 },
                q: format::quantity(fill.quantity),
                o: fill.order.0,
                i: &fill.instrument,
            })
            .collect(),
    };
    serde_json::to_string(&data).expect("curves hold nothing that JSON cannot")
}

/// JSON that no text in it can end early inside a script element.
pub fn safe(json: &str) -> String {
    json.replace('<', "\\u003c").replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029")
}

fn plotted(curve: &Curve, digits: i32) -> Plotted {
    let mut before = 0;
    let steps = curve.time.iter().map(|time| {
        let time = (time * 1e3).round() as i64;
        let step = time - before;
        before = time;
        step
    });
    let round = |values: &[f64]| values.iter().map(|value| rounded(*value, digits)).collect();
    Plotted {
        time: steps.collect(),
        last: round(&curve.last),
        low: round(&curve.low),
        high: round(&curve.high),
    }
}

fn rounded(value: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    let rounded = (value * scale).round() / scale;
    // JSON has no negative zero worth writing.
    if rounded == 0.0 { 0.0 } else { rounded }
}

/// Decimals of the instrument's tick.
pub fn price_digits(report: &Report, symbol: &str) -> usize {
    let instruments = report.settings.iter().flat_map(|settings| &settings.instruments);
    let tick = instruments.filter(|one| one.symbol == symbol).map(|one| one.tick.to_string()).next();
    tick.and_then(|tick| tick.split_once('.').map(|(_, decimals)| decimals.len())).unwrap_or(2)
}
