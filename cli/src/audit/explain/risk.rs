//! Risk's answer with its numbers.

use genovo_engine::event::{DistanceSource, Forecast, Outcome, Rule, RuleResult, RuleUnit, Verdict};
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
        Rule::KillSwitch => Some("the kill switch is on: nothing is opened"),
        _ => None,
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
        rule => {
            let [limit, asked, granted] = means(rule).map(String::from);
            (verdict.forecast.and_then(|forecast| sized_by(rule, forecast)).unwrap_or(limit), asked, granted)
        }
    };
    let label = if result.rule == Rule::MinimumPosition { "at least" } else { "allowed" };
    let lines = [
        Line { label, how: limit, amount: result.limit },
        Line { label: "asked", how: asked, amount: result.asked },
        Line { label: "granted", how: granted, amount: result.granted },
    ];
    let width = lines.iter().map(|line| line.how.chars().count()).max().unwrap_or(0);
    let amounts: Vec<String> = lines.iter().map(|line| number(result.rule, line.amount, digits)).collect();
    let amount_width = amounts.iter().map(|amount| amount.chars().count()).max().unwrap_or(0);
    let of_equity_counts = verdict.equity > Money::ZERO
        && result.rule != Rule::MinimumPosition
        && result.rule.unit() == RuleUnit::Amount;
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

/// What a rule that sizes by a forecast makes of it.
fn sized_by(rule: Rule, forecast: Forecast) -> Option<String> {
    let percent = |share: f64| format::percent(share, 4);
    match rule {
        Rule::Kelly => Some(format!(
            "by a forecast mean of {} and deviation of {}",
            percent(forecast.mean()),
            percent(forecast.deviation())
        )),
        Rule::Confidence => {
            Some(format!("of which the forecast is sure to {}", percent(forecast.confidence())))
        }
        _ => None,
    }
}

/// Every rule with its numbers, in the order of asking.
fn every_rule(recording: &Recording, verdict: &Verdict) -> Vec<String> {
    let digits = recording.digits();
    let mut rows = vec![["rule", "says", "limit", "asked", "granted", "leaves"].map(String::from)];
    for result in &verdict.rules {
        rows.push([
            result.rule.name().to_string(),
            result.outcome.name().to_string(),
            number(result.rule, result.limit, digits),
            number(result.rule, result.asked, digits),
            number(result.rule, result.granted, digits),
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

/// What the numbers of a rule are: the limit, what was asked, what was granted.
fn means(rule: Rule) -> [&'static str; 3] {
    match rule {
        Rule::SelfTrade => ["the nearest order of our own on the other side", "its price", "the same"],
        Rule::PriceCollar => ["the worst limit within the collar", "its limit", "the same"],
        Rule::StaleData => ["how old prices may be", "how old they were", "the same"],
        Rule::OrderRate => ["orders in the time", "with this one", "the same"],
        Rule::RepeatedExecution => ["fills of one side in the time", "fills before this order", "the same"],
        Rule::DuplicateOrder => ["the same order in the time", "with this one", "the same"],
        Rule::OrderValue => ["for one order", "the order is worth", "the same"],
        Rule::OrderQuantity => ["for one order", "the order is for", "the same"],
        Rule::PositionLimit => {
            ["for one instrument", "the position with the order", "with what is left of it"]
        }
        Rule::GrossExposure => ["long and short added", "with the order", "with what is left of it"],
        Rule::NetExposure => ["long less short", "with the order", "with what is left of it"],
        Rule::Leverage => {
            ["the multiple of equity", "long and short added, with the order", "with what is left of it"]
        }
        Rule::MarginLimit => ["the share of equity", "margins with the order", "with what is left of it"],
        Rule::CorrelatedExposure => {
            ["the multiple of equity", "correlated exposure with the order", "with what is left of it"]
        }
        Rule::ValueAtRisk => {
            ["the share of equity", "value at risk with the order", "with what is left of it"]
        }
        Rule::ConditionalValueAtRisk => {
            ["the share of equity", "mean loss beyond it with the order", "with what is left of it"]
        }
        Rule::SoftDrawdown => ["fall at which orders shrink", "fall from the highest equity", "the same"],
        Rule::HardDrawdown => ["fall at which nothing is opened", "fall from the highest equity", "the same"],
        Rule::DailyLoss => ["loss that ends the day", "loss since the day began", "the same"],
        Rule::FixedFraction => {
            ["the share of equity", "the position with the order", "with what is left of it"]
        }
        Rule::VolatilityTarget => {
            ["the share of equity", "standard deviation with the order", "with what is left of it"]
        }
        Rule::Allocation => {
            ["its share of capital", "the position with the order", "with what is left of it"]
        }
        Rule::MarginCall => ["the equity that there is", "the equity that is needed", "the same"],
        Rule::Kelly => [
            "the share of what the forecast's edge and variance are worth",
            "the position with the order",
            "with what is left of it",
        ],
        Rule::Confidence => [
            "the share of that position that the forecast is sure of",
            "the position with the order",
            "with what is left of it",
        ],
        Rule::Budget => {
            ["the strategy's share of equity", "what it holds with the order", "with what is left of it"]
        }
        Rule::Regime => ["multiple of the usual volatility", "its multiple now", "the same"],
        Rule::NoMarket
        | Rule::PerTradeRisk
        | Rule::TotalRisk
        | Rule::MinimumPosition
        | Rule::BuyingPower
        | Rule::InvalidOrder
        | Rule::ReduceOnly
        | Rule::NoRate
        | Rule::MarketClosed
        | Rule::KillSwitch => ["", "", ""],
    }
}

/// A number of a rule's result in the unit that the rule has.
fn number(rule: Rule, number: Money, digits: u8) -> String {
    let fixed = || i64::try_from(number.0).unwrap_or(i64::MAX);
    match rule.unit() {
        RuleUnit::Amount => format::money(number, digits),
        RuleUnit::Price => format::price(Price(fixed())),
        RuleUnit::Quantity => format::quantity(Quantity(fixed())),
        RuleUnit::Seconds => format::duration(number.as_f64()),
        RuleUnit::Count => format::count((number.0 / i128::from(genovo_engine::units::SCALE)) as u64),
        RuleUnit::Number => format::decimal(number.as_f64(), 2),
    }
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
