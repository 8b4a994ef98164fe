//! Small drawings without a script: the way to the result, and histograms.

use std::fmt::Write;

use genovo_engine::units::Money;

use super::super::figures::{Report, Returns};
use super::super::format;

/// From the result before costs through each cost to the result, as a table with bars.
pub fn waterfall(out: &mut String, report: &Report) {
    let result = &report.result;
    let digits = report.digits();
    let mut steps = vec![
        ("Before costs", result.before_costs),
        ("Spread", -result.spread),
        ("Slippage beyond the touch", -result.slippage),
        ("Commission", -result.commission),
    ];
    for (name, amount) in [("Financing overnight", -result.financing), ("Borrow", -result.borrow)] {
        if amount != Money::ZERO {
            steps.push((name, amount));
        }
    }
    let mut at = 0.0;
    let mut bars: Vec<(&str, Money, f64, f64)> = Vec::new();
    for (name, amount) in steps {
        bars.push((name, amount, at, at + amount.as_f64()));
        at += amount.as_f64();
    }
    let low = bars.iter().map(|bar| bar.3).fold(0.0, f64::min);
    let high = bars.iter().map(|bar| bar.3).fold(0.0, f64::max);
    let place = |value: f64| if high > low { (value - low) / (high - low) * 100.0 } else { 0.0 };
    bars.push(("Result", result.total, 0.0, result.total.as_f64()));
    let _ = write!(out, "<table><tbody>");
    for (name, amount, from, to) in bars {
        let (left, right) = (place(from.min(to)), place(from.max(to)));
        let sum = name == "Result";
        let class = match amount.0.signum() {
            _ if sum => "sum",
            1 => "gain",
            -1 => "loss",
            _ => "none",
        };
        let _ = write!(
            out,
            "<tr{}><th scope=\"row\">{name}</th><td>{}</td><td class=\"bar\"><i class=\"{class}\" \
             style=\"--zero:{:.2}%;--from:{left:.2}%;--wide:{:.2}%\"></i></td></tr>",
            if sum { " class=\"sum\"" } else { "" },
            format::money(amount, digits),
            place(0.0),
            right - left
        );
    }
    out.push_str("</tbody></table>\n");
}

/// How many trades ended with which result.
pub fn trade_results(out: &mut String, report: &Report) {
    let values: Vec<f64> = report.trades.list.iter().map(|trade| trade.profit.as_f64()).collect();
    if values.len() < 2 {
        out.push_str("<p class=\"note\">Fewer than two trades were closed.</p>\n");
        return;
    }
    histogram(out, &values, "trade", "trades", &|value| format::decimal(value, 0));
    let trades = &report.trades;
    let digits = report.digits();
    let _ = writeln!(
        out,
        "<p class=\"note\">{} won {}, {} lost {}.</p>",
        format::count(trades.won),
        format::money(trades.gross_won, digits),
        format::count(trades.lost),
        format::money(trades.gross_lost, digits)
    );
}

/// How many days had which return.
pub fn daily_returns(out: &mut String, report: &Report) {
    let values: Vec<f64> = report.returns.days.iter().map(|day| day.change).collect();
    histogram(out, &values, "day", "days", &|value| format::percent_signed(value, 1));
}

/// The Sharpe ratio of the last half year, day by day.
pub fn rolling_sharpe(out: &mut String, returns: &Returns) {
    let Some(rolling) = &returns.rolling else { return };
    let points: Vec<(f64, f64)> =
        rolling.values.iter().enumerate().filter_map(|(day, value)| Some((day as f64, (*value)?))).collect();
    let _ = writeln!(out, "<h3>Sharpe of the last {} days</h3>", rolling.days);
    line(out, &points, "Rolling Sharpe ratio", &|value| format::decimal(value, 1));
}

/// How much of each limit was used over time, and at most.
pub fn limit_use(out: &mut String, report: &Report) {
    let used = &report.curves.limit_use;
    if used.is_empty() {
        return;
    }
    out.push_str("<h3>How much of the limits was used</h3>\n<table><thead><tr><th scope=\"col\">Limit</th>");
    out.push_str("<th scope=\"col\">At most</th><th scope=\"col\">Order by order</th></tr></thead><tbody>");
    for (rule, curve) in used {
        let most = curve.high.iter().copied().fold(0.0, f64::max);
        let name = rule.replace('_', " ");
        let _ = write!(out, "<tr><th scope=\"row\">{name}</th><td>{}</td><td>", format::percent(most, 0));
        let points: Vec<(f64, f64)> = curve.time.iter().copied().zip(curve.high.iter().copied()).collect();
        line(out, &points, &format!("Use of {name} over time"), &|value| format::percent(value, 0));
        out.push_str("</td></tr>");
    }
    out.push_str("</tbody></table>\n");
}

/// A strip for each market from the first event to the last, filled while it was stressed.
pub fn regimes(out: &mut String, report: &Report) {
    let [first, last] = [report.span.from, report.span.to].map(|time| time.0.0 as f64 / 1e9);
    if report.regimes.iter().all(|market| market.spans.is_empty()) || last <= first {
        return;
    }
    let place = |time: f64| ((time - first) / (last - first) * WIDTH).clamp(0.0, WIDTH);
    out.push_str(
        "<table><thead><tr><th scope=\"col\">Market</th><th scope=\"col\">Stressed</th></tr></thead><tbody>",
    );
    for market in &report.regimes {
        let name = super::escape(&market.instrument);
        let _ = write!(
            out,
            "<tr><th scope=\"row\">{name}</th><td><svg viewBox=\"0 0 {WIDTH} 14\" role=\"img\" \
             aria-label=\"When {name} was stressed, {} of the time\">\
             <line class=\"axis\" x1=\"0\" x2=\"{WIDTH}\" y1=\"12\" y2=\"12\"/>",
            format::percent(market.share, 0)
        );
        for [from, to] in &market.spans {
            let (left, right) = (place(*from), place(*to));
            let wide = (right - left).max(1.0);
            let _ = write!(
                out,
                "<rect class=\"loss\" x=\"{left:.1}\" y=\"2\" width=\"{wide:.1}\" height=\"10\"/>"
            );
        }
        out.push_str("</svg></td></tr>");
    }
    out.push_str("</tbody></table>\n");
}

/// A line through points from left to right, zero included.
fn line(out: &mut String, points: &[(f64, f64)], label: &str, shown: &dyn Fn(f64) -> String) {
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return };
    let (low, high) =
        points.iter().fold((0.0_f64, 0.0_f64), |(low, high), (_, value)| (low.min(*value), high.max(*value)));
    if high <= low {
        return;
    }
    let tall = 80.0;
    let span = if last.0 > first.0 { last.0 - first.0 } else { 1.0 };
    let y = |value: f64| (high - value) / (high - low) * tall + 4.0;
    let _ = write!(
        out,
        "<svg viewBox=\"0 0 {WIDTH} {}\" role=\"img\" aria-label=\"{label}, from {} to {}\">",
        tall + 8.0,
        shown(low),
        shown(high)
    );
    // A point a unit of width is all that can be seen.
    let step = points.len().div_ceil(WIDTH as usize).max(1);
    let path = points.iter().step_by(step).enumerate().map(|(at, (x, value))| {
        let letter = if at == 0 { "M" } else { "L" };
        format!("{letter}{:.1} {:.1}", (x - first.0) / span * WIDTH, y(*value))
    });
    let path: String = path.collect();
    let zero = y(0.0);
    let _ = writeln!(
        out,
        "<line class=\"axis\" x1=\"0\" x2=\"{WIDTH}\" y1=\"{zero:.1}\" y2=\"{zero:.1}\"/>\
         <path d=\"{path}\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"1.2\"/>\
         <text x=\"2\" y=\"14\">{}</text></svg>",
        shown(high)
    );
}

const WIDTH: f64 = 500.0;
const HEIGHT: f64 = 190.0;
const FLOOR: f64 = 160.0;

/// Columns of equal width on round bounds, so that none lies on both sides of zero.
fn histogram(out: &mut String, values: &[f64], one: &str, many: &str, label: &dyn Fn(f64) -> String) {
    let low = values.iter().copied().fold(0.0, f64::min);
    let high = values.iter().copied().fold(0.0, f64::max);
    if high <= low {
        out.push_str("<p class=\"note\">All of them ended at zero.</p>\n");
        return;
    }
    let width = round_step((high - low) / 18.0);
    let first = (low / width).floor() as i64;
    let last = ((high / width).ceil() as i64).max(first + 1);
    let mut counts = vec![0_u64; (last - first) as usize];
    for value in values {
        let place = (value / width).floor() as i64 - first;
        counts[(place as usize).min((last - first) as usize - 1)] += 1;
    }
    let most = counts.iter().copied().max().unwrap_or(1).max(1) as f64;
    let step = WIDTH / counts.len() as f64;
    let _ = write!(
        out,
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
         aria-label=\"Histogram of {} {many}, from {} to {}\">",
        values.len(),
        label(low),
        label(high)
    );
    for (i, count) in counts.iter().enumerate() {
        if *count == 0 {
            continue;
        }
        let from = (first + i as i64) as f64 * width;
        let tall = (*count as f64 / most * (FLOOR - 16.0)).max(1.5);
        let class = if from < -width / 2.0 { "loss" } else { "gain" };
        let _ = write!(
            out,
            "<rect class=\"{class}\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{tall:.1}\" rx=\"1.5\">\
             <title>{} to {}: {}</title></rect>",
            i as f64 * step + 1.0,
            FLOOR - tall,
            (step - 2.0).max(1.0),
            label(from),
            label(from + width),
            format::plural(*count, one, many)
        );
    }
    let zero = -first as f64 * step;
    let _ = write!(
        out,
        "<line class=\"axis\" x1=\"0\" x2=\"{WIDTH}\" y1=\"{FLOOR}\" y2=\"{FLOOR}\"/>\
         <line class=\"zero\" x1=\"{zero:.1}\" x2=\"{zero:.1}\" y1=\"8\" y2=\"{}\"/>",
        FLOOR + 5.0
    );
    let (left, right) = (first as f64 * width, last as f64 * width);
    for (x, anchor, value) in [(0.0, "start", left), (zero, "middle", 0.0), (WIDTH, "end", right)] {
        let crowded = value != 0.0 && (x - zero).abs() < 60.0;
        let outside = value == 0.0 && !(10.0..=WIDTH - 10.0).contains(&zero);
        if !crowded && !outside {
            let y = FLOOR + 20.0;
            let _ =
                write!(out, "<text x=\"{x:.1}\" y=\"{y}\" text-anchor=\"{anchor}\">{}</text>", label(value));
        }
    }
    out.push_str("</svg>\n");
}

/// The smallest of 1, 2, 5, 10, … times a power of ten that is no smaller.
fn round_step(least: f64) -> f64 {
    let power = 10_f64.powf(least.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|times| times * power).find(|step| *step >= least).unwrap_or(least)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round() {
        for (least, step) in [(0.9, 1.0), (1.1, 2.0), (430.0, 500.0), (0.0031, 0.005), (6.0, 10.0)] {
            assert!((round_step(least) - step).abs() < 1e-9, "{least}");
        }
    }
}
