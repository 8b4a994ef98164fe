//! Risk's answer with its numbers.

use genovo_engine::event::{DistanceSource, Outcome, Rule, RuleResult, Verdict};
use genovo_engine::settings::{RiskDistance, RiskSettings};
use genovo_engine::units::{Money, Price, Quantity, Ratio};

use crate::audit::recording::Recording;
use crate::audit::words;
use crate::report::format;

/// A line of the table: what, how it comes about, how much.
struct Line {
    label: &'static str,
    how: String,
    amount: Money,
}

/// What stands below the verdict: the numbers of the rule that decided, and of all rules where asked for.
pub fn lines(recording: &Recording, verdict: &Verdict, all: bool) -> Vec<String> {
    let mut lines = Vec::new();
    let deciding = verdict.rules.iter().position(|result| Some(result.rule) == verdict.rule);
    if let Some(index) = deciding {
        let result = &verdict.rules[index];
        let before = if index == 0 { verdict.asked } else { verdict.rules[index - 1].quantity };
        lines.extend(table(recording, verdict, result, before));
    }
    let others = verdict.rules.len() - usize::from(deciding.is_some());
    if all {
        lines.extend(every_rule(recording, verdict));
    } else if others > 0 {
        let what = match deciding {
            Some(_) => format::plural(others as u64, "other rule allowed it", "other rules allowed it"),
            None => format::plural(others as u64, "rule allowed it", "rules allowed it"),
        };
        // Several rules may have taken something: then only the last of them is named in the verdict.
        let what = match verdict.rules.iter().filter(|result| result.outcome != Outcome::Allowed).count() {
            0 | 1 => what,
            _ => format::plural(others as u64, "other rule was asked", "other rules were asked"),
        };
        lines.push(format!("{what}: --rules shows the numbers"));
    }
    lines
}

/// The deciding rule: allowed, asked, granted.
fn table(recording: &Recording, verdict: &Verdict, result: &RuleResult, before: Quantity) -> Vec<String> {
    let why = match result.rule {
        Rule::NoMarket => Some("there was no price to trade against"),
        Rule::InvalidOrder => {
            Some("what it says does not fit together: terms, prices off the tick, or a stop beyond")
        }
        Rule::ReduceOnly => Some("it was only to reduce, and nothing was held"),
        Rule::NoRate => Some("there was no rate yet from the instrument's currency to the account's"),
        Rule::MarketClosed => Some("the market was closed, and the scenario lets no order wait"),
        Rule::PerTradeRisk | Rule::TotalRisk | Rule::BuyingPower | Rule::MinimumPosition => None,
    };
    if let Some(why) = why {
        return vec![format!("  {why}")];
    }
    let risk = recording.settings.as_ref().map(|settings| &settings.risk);
    if verdict.distance_source == DistanceSource::Unknown && result.rule == Rule::PerTradeRisk {
        return vec!["  the risk distance was not known yet: too few bars".to_string()];
    }
    let digits = recording.digits();
    let equity = format::money(verdict.equity, digits);
    let of_equity = |share: Option<Ratio>| match share {
        Some(share) => format!("{} of equity {equity}", share_text(share)),
        None => format!("of equity {equity}"),
    };
    // Prices are in the instrument's currency, amounts in the account's.
    let rate = verdict.rate.map_or(String::new(), |rate| format!(" at the rate {}", format::price(rate)));
    let risks = |quantity: Quantity| {
        format!("{} × {}{rate}", format::quantity(quantity), words::price(verdict.distance))
    };
    let (limit, asked, granted) = match result.rule {
        Rule::PerTradeRisk => (
            of_equity(risk.map(|risk| risk.max_per_trade)),
            format!("{} ({})", risks(before), distance(risk, verdict)),
            risks(result.quantity),
        ),
        Rule::TotalRisk => (
            of_equity(risk.map(|risk| risk.max_total)),
            format!("what is open and {} ({})", risks(before), distance(risk, verdict)),
            format!("what is open and {}", risks(result.quantity)),
        ),
        Rule::BuyingPower => (
            format!("equity {equity}"),
            format!("to carry what is open and {}", format::quantity(before)),
            format!("to carry what is open and {}", format::quantity(result.quantity)),
        ),
        Rule::MinimumPosition => {
            let price = verdict.price.unwrap_or(Price::ZERO);
            let worth = |quantity: Quantity| {
                format!("{} × {}{rate}", format::quantity(quantity), format::price(price))
            };
            ("the smallest position".to_string(), worth(before), worth(result.quantity))
        }
        Rule::NoMarket | Rule::InvalidOrder | Rule::ReduceOnly | Rule::NoRate | Rule::MarketClosed => {
            unreachable!("returned above")
        }
    };
    let label = if result.rule == Rule::MinimumPosition { "at least" } else { "allowed" };
    let lines = [
        Line { label, how: limit, amount: result.limit },
        Line { label: "asked", how: asked, amount: result.asked },
        Line { label: "granted", how: granted, amount: result.granted },
    ];
    let width = lines.iter().map(|line| line.how.chars().count()).max().unwrap_or(0);
    let amounts: Vec<String> = lines.iter().map(|line| format::money(line.amount, digits)).collect();
    let amount_width = amounts.iter().map(|amount| amount.chars().count()).max().unwrap_or(0);
    let of_equity_counts = verdict.equity > Money::ZERO && result.rule != Rule::MinimumPosition;
    let rows = lines.iter().zip(&amounts).map(|(line, amount)| {
        let share = match line.label {
            "asked" | "granted" if of_equity_counts => {
                format!("   {}", format::percent(line.amount.as_f64() / verdict.equity.as_f64(), 2))
            }
            _ => String::new(),
        };
        format!("  {:<8} {:<width$}   {amount:>amount_width$}{share}", line.label, line.how)
    });
    rows.collect()
}

/// Every rule with its numbers, in the order of asking.
fn every_rule(recording: &Recording, verdict: &Verdict) -> Vec<String> {
    let digits = recording.digits();
    let mut rows = vec![["rule", "says", "limit", "asked", "granted", "leaves"].map(String::from)];
    for result in &verdict.rules {
        rows.push([
            result.rule.name().to_string(),
            result.outcome.name().to_string(),
            format::money(result.limit, digits),
            format::money(result.asked, digits),
            format::money(result.granted, digits),
            format::quantity(result.quantity),
        ]);
    }
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..6).map(width).collect();
    let shown = rows.iter().map(|row| {
        let mut text = format!("  {:<w0$}  {:<w1$}", row[0], row[1], w0 = widths[0], w1 = widths[1]);
        for column in 2..6 {
            text.push_str(&format!("  {:>width$}", row[column], width = widths[column]));
        }
        text
    });
    shown.collect()
}

/// `risk distance 2 × ATR`.
fn distance(risk: Option<&RiskSettings>, verdict: &Verdict) -> String {
    match (verdict.distance_source, risk.map(|risk| risk.distance)) {
        (DistanceSource::AverageTrueRange, Some(RiskDistance::AverageTrueRange { times, .. })) => {
            format!("risk distance {times} × ATR")
        }
        (DistanceSource::AverageTrueRange, _) => "risk distance from the ATR".to_string(),
        (DistanceSource::ShareOfPrice, Some(RiskDistance::ShareOfPrice(share))) => {
            format!("risk distance {} of the price", share_text(share))
        }
        (DistanceSource::ShareOfPrice, _) => "risk distance, a share of the price".to_string(),
        (DistanceSource::Stop, _) => "distance to its stop".to_string(),
        (DistanceSource::Unknown, _) => "risk distance unknown".to_string(),
    }
}

/// `2 %`, exact.
fn share_text(share: Ratio) -> String {
    match share.0.checked_mul(100) {
        Some(percent) => format!("{} %", Ratio(percent)),
        None => share.to_string(),
    }
}
