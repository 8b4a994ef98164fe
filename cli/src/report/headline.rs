//! The run in one or two sentences, made from the figures.

use genovo_engine::units::Money;

use super::figures::{BuyAndHold, Report, ResultSplit, Span};
use super::format;
use super::returns::share;

/// Such as `Lost 15.6 % in 9 days. Half of the loss is the spread; buy-and-hold lost 0.9 %.`
pub fn sentences(report: &Report) -> String {
    let counts = &report.counts;
    if counts.quotes + counts.trades_printed + counts.bars_received == 0 {
        return "There was no market data.".to_string();
    }
    let time = lasted(&report.span);
    let first = if report.counts.fills == 0 {
        let traded = if report.counts.orders == 0 { "No order was sent" } else { "No order was filled" };
        format!("{traded} in {time}")
    } else {
        match changed(report.equity.change) {
            Some(changed) => format!("{} in {time}", capital(&changed)),
            None => format!("Neither won nor lost in {time}"),
        }
    };
    let costs = (report.counts.fills > 0).then(|| costs(&report.result)).flatten();
    let rival = report.buy_and_hold.as_ref().map(rival);
    match (costs, rival) {
        (Some(costs), Some(rival)) => format!("{first}. {}; {rival}.", capital(&costs)),
        (Some(costs), None) => format!("{first}. {}.", capital(&costs)),
        (None, Some(rival)) => format!("{first}; {rival}."),
        (None, None) => format!("{first}."),
    }
}

/// `lost 15.6 %`, `gained 0.03 %`, or nothing worth a word.
fn changed(change: f64) -> Option<String> {
    let decimals = if change.abs() < 0.001 { 3 } else { 1 };
    if change.abs() < 0.000_005 {
        return None;
    }
    let verb = if change < 0.0 { "lost" } else { "gained" };
    Some(format!("{verb} {}", format::percent(change.abs(), decimals)))
}

fn rival(held: &BuyAndHold) -> String {
    match changed(held.change) {
        Some(changed) => format!("buy-and-hold {changed}"),
        None => "buy-and-hold changed nothing".to_string(),
    }
}

/// What part the costs had in the result.
fn costs(result: &ResultSplit) -> Option<String> {
    let costs = result.costs();
    let (before, total) = (result.before_costs, result.total);
    let name = costs_name(result);
    if costs < Money::ZERO {
        return Some("resting orders earned more than the costs".to_string());
    }
    if costs == Money::ZERO {
        return None;
    }
    if total < Money::ZERO && before > Money::ZERO {
        return Some(format!("before costs it gained: {name} took it all and more"));
    }
    if total < Money::ZERO {
        let part = share(costs, -total);
        return Some(match part {
            0.995.. => format!("all of the loss is {name}"),
            _ => format!("{} of the loss is {name}", part_in_words(part)),
        });
    }
    if before > Money::ZERO {
        let part = share(costs, before);
        return Some(match part {
            0.995.. => format!("{name} took all that was gained before costs"),
            _ => format!("{name} took {} of the gain before costs", part_in_words(part)),
        });
    }
    None
}

/// The cost that makes most of the costs, with its article.
fn costs_name(result: &ResultSplit) -> &'static str {
    let most = |part: Money| part.as_f64() >= 0.8 * result.costs().as_f64();
    if most(result.spread) {
        "the spread"
    } else if most(result.commission) {
        "commission"
    } else if most(result.slippage) {
        "slippage"
    } else if most(result.financing + result.borrow) {
        "financing"
    } else {
        "costs"
    }
}

/// A share between 0 and 1 as one says it.
fn part_in_words(part: f64) -> String {
    let near = |value: f64| (part - value).abs() < 0.025;
    match part {
        _ if part < 0.005 => "hardly anything".to_string(),
        _ if near(0.25) => "a quarter".to_string(),
        _ if near(1.0 / 3.0) => "a third".to_string(),
        _ if near(0.5) => "half".to_string(),
        _ if near(2.0 / 3.0) => "two thirds".to_string(),
        _ if near(0.75) => "three quarters".to_string(),
        _ if part >= 0.925 => "almost all".to_string(),
        _ => format::percent(part, 0),
    }
}

/// `9 days`, `6 hours`, `14 months`, `3.2 years`.
fn lasted(span: &Span) -> String {
    let seconds = (span.to.0 - span.from.0).0 as f64 / 1e9;
    let some = |number: f64, one, many| format::plural(number.round() as u64, one, many);
    match span.days {
        0 | 1 if seconds < 90.0 => some(seconds, "second", "seconds"),
        0 | 1 if seconds < 5_400.0 => some(seconds / 60.0, "minute", "minutes"),
        0 | 1 if seconds < 72_000.0 => some(seconds / 3_600.0, "hour", "hours"),
        0 | 1 => "one day".to_string(),
        2..=90 => format!("{} days", span.days),
        91..=730 => some(span.days as f64 / 30.44, "month", "months"),
        _ => format!("{} years", format::decimal(span.days as f64 / 365.25, 1)),
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
