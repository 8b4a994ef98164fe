//! The settings of a recorded run with `--set` changes: the way back from settings to a scenario's text.
//!
//! The text is only as good as what it knows to write. So the changes alone are taken from it: what two readings, one
//! with and one without the `--set` arguments, differ in is laid over the recorded settings.

use std::fmt::Write;

use genovo_engine::event::FlawAction;
use genovo_engine::settings::{
    AccountKind, BarPrice, RiskDistance, Settings, Slippage, StrategySettings, TouchRule, Trigger,
};
use genovo_engine::strategy::Registry;
use genovo_engine::units::Nanoseconds;
use serde_json::Value;

use super::build;
use super::controls;
use super::data::Data;
use super::document::{Document, NOTHING_RUN};
use super::readable::{show_length, show_ratio, show_trigger};
use super::upkeep;
use crate::error::{Exit, Failure};

/// What the changed text is called in messages.
const NAME: &str = "the recorded settings";

/// The settings with changes as a scenario would write them.
pub fn change(settings: &Settings, sets: &[String], registry: &Registry) -> Result<Settings, Failure> {
    let usage = |message: String| Failure::new(Exit::Usage, message, NOTHING_RUN);
    for set in sets {
        let mut words = set.split(['.', '=']).map(str::trim);
        match (words.next(), words.next()) {
            (Some("data" | "signals" | "statistics" | "news" | "schedule"), _) => {
                return Err(usage("the data of a recorded run cannot be changed".to_string())
                    .help("what came in is in the journal; other data is another run: genovo replay"));
            }
            (Some("risk"), Some("limits" | "limits_keys")) => {
                let message = "what is tried on a recorded run is held to no file of limits".to_string();
                return Err(usage(message).help("name a limit itself: --set risk.max_total=\"3 %\""));
            }
            (Some("execution"), _) => {
                return Err(usage(
                    "[execution] changes no result, so there is nothing to compare".to_string(),
                ));
            }
            _ => {}
        }
    }
    let text = text(settings);
    let read = |sets: &[String]| -> Result<Value, Failure> {
        let document = Document::of_text(NAME, &text, sets)?;
        let built = build::settings_over(&document, Data::recorded(&settings.sources), registry)?;
        serde_json::to_value(built).map_err(|error| usage(error.to_string()))
    };
    let (before, after) = (read(&[])?, read(sets)?);
    let mut changed = serde_json::to_value(settings).map_err(|error| usage(error.to_string()))?;
    lay_over(&before, &after, &mut changed);
    let changed = Settings::from_canonical_json(&changed.to_string());
    let mut changed =
        changed.map_err(|error| usage(format!("the changed settings cannot be read: {error}")))?;
    if changed.risk != settings.risk {
        // What is tried here is held to no file of limits, and does not claim to be.
        changed.risk.limits = None;
        changed.risk.limits_signer = None;
    }
    Ok(changed)
}

/// Changes in `target` what differs between `before` and `after`.
fn lay_over(before: &Value, after: &Value, target: &mut Value) {
    if before == after {
        return;
    }
    match (before, after, &mut *target) {
        (Value::Object(before), Value::Object(after), Value::Object(target)) => {
            for (key, value) in after {
                match (before.get(key), target.get_mut(key)) {
                    (Some(was), Some(target)) => lay_over(was, value, target),
                    (Some(was), None) if was == value => {}
                    _ => drop(target.insert(key.clone(), value.clone())),
                }
            }
            target.retain(|key, _| after.contains_key(key) || !before.contains_key(key));
        }
        (Value::Array(before), Value::Array(after), Value::Array(target))
            if before.len() == after.len() && before.len() == target.len() =>
        {
            for ((before, after), target) in before.iter().zip(after).zip(target) {
                lay_over(before, after, target);
            }
        }
        _ => *target = after.clone(),
    }
}

/// The settings as a scenario, without its data.
fn text(settings: &Settings) -> String {
    let mut text = String::new();
    let quoted = |text: &str| Value::from(text).to_string();
    let _ = write!(text, "name = {}\nseed = {}\n", quoted(&settings.name), settings.seed);
    let account = &settings.account;
    let mut section = |heading: &str, keys: &[(&str, String)]| {
        let _ = writeln!(text, "\n{heading}");
        for (key, value) in keys {
            let _ = writeln!(text, "{key} = {}", quoted(value));
        }
    };
    let kind = match account.kind {
        AccountKind::Cash => "cash",
        AccountKind::Margin => "margin",
    };
    let (margin, financing) = upkeep::written(settings);
    let mut account = vec![
        ("cash", account.cash.to_string()),
        ("currency", account.currency.clone()),
        ("digits", account.digits.to_string()),
        ("kind", kind.to_string()),
    ];
    account.extend(margin);
    section("[account]", &account);
    if !financing.is_empty() {
        section("[financing]", &financing);
    }
    for (index, one) in settings.instruments.iter().enumerate() {
        section(
            "[[instruments]]",
            &[
                ("symbol", one.symbol.clone()),
                ("tick", one.tick.to_string()),
                ("lot", one.lot.to_string()),
                ("multiplier", one.multiplier.to_string()),
                ("margin", one.margin_initial.to_string()),
                ("maintenance", one.margin_maintenance.to_string()),
            ],
        );
        let commission = &one.commission;
        section(
            "[instruments.commission]",
            &[
                ("taker", commission.taker.to_string()),
                ("maker", commission.maker.to_string()),
                ("per_unit", commission.per_unit.to_string()),
                ("minimum", commission.minimum.to_string()),
            ],
        );
        let rates = settings.financing.iter().flat_map(|financing| &financing.rates);
        for rate in rates.filter(|rate| rate.instrument.index() == Some(index)) {
            section(
                "[instruments.financing]",
                &[
                    ("long", rate.long.to_string()),
                    ("short", rate.short.to_string()),
                    ("borrow", rate.borrow.to_string()),
                ],
            );
        }
    }
    if let Some(bars) = settings.bars {
        let price = match bars.price {
            BarPrice::Mid => "mid",
            BarPrice::Bid => "bid",
            BarPrice::Ask => "ask",
            BarPrice::Trade => "trade",
        };
        section("[bars]", &[("interval", length(bars.interval)), ("price", price.to_string())]);
    }
    fn keys(one: &StrategySettings, trigger: Trigger) -> Vec<(&str, String)> {
        let parameters = one.parameters.iter().map(|(name, value)| (name.as_str(), value.clone()));
        [("kind", one.kind.clone()), ("decide", show_trigger(trigger))]
            .into_iter()
            .chain(parameters)
            .collect()
    }
    if settings.strategies.is_empty() {
        section("[strategy]", &keys(&settings.strategy, settings.trigger));
    }
    for shared in &settings.strategies {
        let mut own = keys(&shared.strategy, shared.trigger);
        own.extend([("name", shared.name.clone()), ("budget", shared.budget.to_string())]);
        if !shared.instruments.is_empty() {
            let symbols = shared.instruments.iter().filter_map(|id| settings.instrument(*id));
            let symbols: Vec<&str> = symbols.map(|instrument| instrument.symbol.as_str()).collect();
            own.push(("instruments", symbols.join(", ")));
        }
        section("[[strategies]]", &own);
    }
    let risk = &settings.risk;
    let mut limits = vec![
        ("max_per_trade", risk.max_per_trade.to_string()),
        ("max_total", risk.max_total.to_string()),
        ("min_position", risk.min_position.to_string()),
    ];
    match risk.distance {
        RiskDistance::AverageTrueRange { period, times } => {
            limits.extend([("distance", format!("{times} atr")), ("atr_period", period.to_string())]);
        }
        RiskDistance::ShareOfPrice(share) => limits.push(("distance", share.to_string())),
    }
    if risk.protect {
        limits.push(("unprotected", "false".to_string()));
    }
    limits.extend(controls::written(&risk.controls));
    section("[risk]", &limits);
    let venue = &settings.venue;
    let touch = match venue.touch {
        TouchRule::Never => "never".to_string(),
        TouchRule::Always => "always".to_string(),
        TouchRule::Probability(share) => show_ratio(share),
    };
    let slippage = match venue.slippage {
        Slippage::Ticks(count) => format!("{count} ticks"),
        Slippage::SquareRoot(share) => format!("{} square root", show_ratio(share)),
    };
    section(
        "[venue]",
        &[
            ("latency", length(venue.latency)),
            ("response_latency", length(venue.response_latency)),
            (
                "size_when_absent",
                venue.size_when_absent.map_or("unlimited".to_string(), |size| size.to_string()),
            ),
            ("touch", touch),
            ("queue", venue.queue.name()),
            ("slippage", slippage),
            ("day_end", time_of_day(venue.day_end)),
        ],
    );
    let quality = &settings.quality;
    let action = |action: FlawAction| {
        match action {
            FlawAction::Keep => "keep",
            FlawAction::Drop => "drop",
            FlawAction::Halt => "halt",
        }
        .to_string()
    };
    section(
        "[quality]",
        &[
            ("crossed", action(quality.crossed)),
            ("locked", action(quality.locked)),
            ("out_of_order", action(quality.out_of_order)),
            ("duplicate", action(quality.duplicate)),
            ("gap", action(quality.gap)),
            ("gap_after", length(quality.gap_after)),
            ("outlier", action(quality.outlier)),
            ("outlier_times", quality.outlier_times.to_string()),
        ],
    );
    text
}

fn length(length: Nanoseconds) -> String {
    if length == Nanoseconds::ZERO { "0".to_string() } else { show_length(length) }
}

fn time_of_day(time: Nanoseconds) -> String {
    let seconds = time.0 / Nanoseconds::SECOND.0;
    format!("{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the text says of the shipped scenarios is all that their settings hold.
    #[test]
    fn settings_come_back_from_their_text() {
        let registry = Registry::default();
        for name in ["gold", "bac", "btcusdt", "portfolio"] {
            let path =
                std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../scenarios/{name}.toml"));
            let settings = crate::scenario::load(&path, &[], &registry).unwrap().settings;
            let document = Document::of_text(NAME, &text(&settings), &[]).unwrap();
            let data = Data::recorded(&settings.sources);
            let built = build::settings_over(&document, data, &registry).unwrap();
            assert_eq!(built, settings, "{name}");
            assert_eq!(change(&settings, &[], &registry).unwrap(), settings);
        }
    }

    #[test]
    fn several_strategies_come_back_too() {
        let folder = tempfile::tempdir().unwrap();
        let gold = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/gold.toml");
        let one = "kind = \"ema-cross\"\nfast = 6\nslow = 24\nquantity = 200\n";
        let text_of_two = format!(
            "extends = \"{}\"\n[[strategies]]\nbudget = \"60 %\"\n{one}[[strategies]]\nname = \"b\"\n\
             instruments = \"XAUUSD\"\ndecide = \"1 min\"\nbudget = 2\n{one}",
            gold.display()
        );
        let path = folder.path().join("two.toml");
        std::fs::write(&path, text_of_two).unwrap();
        let registry = Registry::default();
        let settings = crate::scenario::load(&path, &[], &registry).unwrap().settings;
        assert_eq!(settings.strategies.len(), 2);
        assert_eq!(settings.decides(), "ema-cross + b");
        let document = Document::of_text(NAME, &text(&settings), &[]).unwrap();
        let built = build::settings_over(&document, Data::recorded(&settings.sources), &registry).unwrap();
        assert_eq!(built, settings);
        assert_eq!(change(&settings, &[], &registry).unwrap(), settings);
    }

    #[test]
    fn only_what_is_set_changes_whatever_the_text_knows() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/gold.toml");
        let registry = Registry::default();
        let mut settings = crate::scenario::load(&path, &[], &registry).unwrap().settings;
        settings.later = None;
        let sets = ["risk.max_per_trade=1 %", "strategy.fast=9", "instruments.XAUUSD.lot=2"];
        let changed = change(&settings, &sets.map(String::from), &registry).unwrap();
        let mut expected = settings.clone();
        expected.risk.max_per_trade = genovo_engine::units::Ratio(10_000_000);
        expected.strategy.parameters.insert("fast".into(), "9".into());
        expected.instruments[0].lot = genovo_engine::units::Quantity(2_000_000_000);
        assert_eq!(changed, expected);
        for (set, said) in [
            ("risk.max_per_trad=1 %", "did you mean `max_per_trade`?"),
            ("data.path=x.csv", "the data of a recorded run"),
            ("execution.cpu=scalar", "changes no result"),
        ] {
            let failure = change(&settings, &[set.to_string()], &registry).unwrap_err().render(false);
            assert!(failure.contains(said), "{failure}");
        }
    }

    #[test]
    fn what_the_text_does_not_know_stays() {
        let value = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        let mut target = value(r#"{"a":1,"new":{"x":5},"list":[1,2],"gone":3}"#);
        lay_over(
            &value(r#"{"a":1,"list":[1,2],"gone":3,"b":1}"#),
            &value(r#"{"a":2,"list":[1,9],"b":1}"#),
            &mut target,
        );
        assert_eq!(target, value(r#"{"a":2,"new":{"x":5},"list":[1,9]}"#));
    }
}
