//! Limits of a session that runs: shown as a scenario writes them, and one of them changed as a scenario would say it.

use genovo_engine::settings::{RiskDistance, RiskSettings};
use serde_json::Value;

use super::build;
use super::controls;
use super::document::Document;
use super::keys::{self, Unit};
use super::readable::{did_you_mean, show_frequency, show_length, show_ratio};
use crate::error::{Exit, Failure};

/// What the text is called in messages.
const NAME: &str = "the limits in force";
const NOTHING: &str = "No limit was changed.";

/// The limits that hold, by key, as a scenario writes them.
pub fn written(limits: &RiskSettings) -> Vec<(&'static str, String)> {
    let mut keys = vec![
        ("max_per_trade", show_ratio(limits.max_per_trade)),
        ("max_total", show_ratio(limits.max_total)),
        ("min_position", limits.min_position.to_string()),
    ];
    match limits.distance {
        RiskDistance::AverageTrueRange { period, times } => {
            keys.extend([("distance", format!("{times} atr")), ("atr_period", period.to_string())]);
        }
        RiskDistance::ShareOfPrice(share) => keys.push(("distance", show_ratio(share))),
    }
    keys.extend(controls::written(&limits.controls));
    // A change is told in the same words as the limit that then holds.
    keys.into_iter()
        .map(|(key, value)| (key, limits.value_of(key).map_or(value, |json| shown(key, &json))))
        .collect()
}

/// A limit's value as a scenario writes it, from canonical JSON: `4 %`, `50 per 1 s`, `off`.
pub fn shown(key: &str, json: &str) -> String {
    let value: Value = serde_json::from_str(json).unwrap_or(Value::Null);
    let unit = keys::section("risk").and_then(|risk| risk.key(key)).map(|key| key.unit);
    let read = match (unit, &value) {
        (_, Value::Null | Value::Bool(false)) => Some("off".to_string()),
        (Some(Unit::Ratio), Value::String(text)) => match (key, text.parse()) {
            ("max_leverage" | "max_correlated" | "stress_at" | "allocated", _) => Some(text.clone()),
            (_, Ok(ratio)) => Some(show_ratio(ratio)),
            _ => None,
        },
        (Some(Unit::Length), _) => serde_json::from_value(value.clone()).ok().map(show_length),
        (Some(Unit::Frequency), _) => serde_json::from_value(value.clone()).ok().map(show_frequency),
        (Some(Unit::Distance), _) => match serde_json::from_value(value.clone()) {
            Ok(RiskDistance::AverageTrueRange { times, .. }) => Some(format!("{times} atr")),
            Ok(RiskDistance::ShareOfPrice(share)) => Some(show_ratio(share)),
            Err(_) => None,
        },
        (_, Value::String(text)) => Some(text.clone()),
        _ => None,
    };
    read.unwrap_or_else(|| value.to_string())
}

/// A change that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Which limit.
    pub key: String,
    /// Its value now, as canonical JSON.
    pub old: String,
    /// What it is to be.
    pub new: String,
}

/// Reads `KEY=VALUE` over the limits in force, with every check that a scenario's limits pass; `off` switches one off.
pub fn wanted(limits: &RiskSettings, currency: &str, argument: &str) -> Result<Wanted, Failure> {
    let usage = |message: String| Failure::new(Exit::Usage, message, NOTHING);
    let (key, value) = argument.split_once('=').ok_or_else(|| {
        usage(format!("`{argument}` is no KEY=VALUE")).help("write such as max_total=\"4 %\"")
    })?;
    let key = key.trim().trim_start_matches("risk.");
    let Some(old) = limits.value_of(key) else {
        let fixed = keys::section("risk").is_some_and(|risk| risk.key(key).is_some());
        let message = match fixed {
            true => format!("`{key}` is fixed for a session"),
            false => format!("there is no limit `{key}`"),
        };
        let help = match did_you_mean(key, RiskSettings::changeable()) {
            Some(guess) if !fixed => format!("did you mean `{guess}`?"),
            _ => "genovo live set --list shows those in force; genovo check --keys risk explains all"
                .to_string(),
        };
        return Err(usage(message).help(help));
    };
    let quoted = |text: &str| Value::from(text).to_string();
    let is_off = value.trim().trim_matches('"') == "off";
    let text = written(limits).into_iter().filter(|(name, _)| !(is_off && *name == key));
    let text: String = text.map(|(key, value)| format!("{key} = {}\n", quoted(&value))).collect();
    let sets = if is_off { Vec::new() } else { vec![format!("risk.{key}={value}")] };
    let document = Document::of_text(NAME, &format!("[risk]\n{text}"), &sets)?;
    let has_bars = matches!(limits.distance, RiskDistance::AverageTrueRange { .. });
    let changed = build::limits_over(&document, currency, has_bars).map_err(|mut failure| {
        failure.consequence = NOTHING.to_string();
        failure
    })?;
    let new = changed.value_of(key).unwrap_or_default();
    Ok(Wanted { key: key.to_string(), old, new })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> RiskSettings {
        serde_json::from_str(
            r#"{"max_per_trade":"0.02","max_total":"0.05","min_position":"100",
            "distance":{"average_true_range":{"period":14,"times":"2"}},
            "controls":{"max_order_rate":{"count":50,"per":1000000000},"kill_switch":true}}"#,
        )
        .expect("limits")
    }

    #[test]
    fn a_change_is_read_as_a_scenario_would_say_it() {
        for (argument, old, new) in [
            ("max_total=4 %", "\"0.05\"", "\"0.04\""),
            ("risk.max_total = \"4 %\"", "\"0.05\"", "\"0.04\""),
            ("min_position=200 USD", "\"100\"", "\"200\""),
            ("max_leverage=3", "null", "\"3\""),
            (
                "max_order_rate=20 per 1 s",
                r#"{"count":50,"per":1000000000}"#,
                r#"{"count":20,"per":1000000000}"#,
            ),
            ("max_order_rate=off", r#"{"count":50,"per":1000000000}"#, "null"),
            ("kill_switch=false", "true", "null"),
            (
                "distance=3 atr",
                r#"{"average_true_range":{"period":14,"times":"2"}}"#,
                r#"{"average_true_range":{"period":14,"times":"3"}}"#,
            ),
        ] {
            let wanted =
                wanted(&limits(), "USD", argument).unwrap_or_else(|error| panic!("{}", error.render(false)));
            assert_eq!((wanted.old.as_str(), wanted.new.as_str()), (old, new), "{argument}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        for (argument, said) in [
            ("max_totl=4 %", "did you mean `max_total`?"),
            ("max_total", "is no KEY=VALUE"),
            ("max_total=4 x", "unknown unit `x`"),
            ("max_total=400 %", "must be above zero and at most 100 %"),
            ("atr_period=5", "`atr_period` is fixed for a session"),
            ("soft_drawdown=5 %", "add `hard_drawdown`"),
            ("min_position=5 EUR", "the account is in USD"),
        ] {
            let failure = wanted(&limits(), "USD", argument).unwrap_err().render(false);
            assert!(failure.contains(said), "{argument}: {failure}");
            assert!(failure.contains(NOTHING), "{failure}");
        }
    }

    #[test]
    fn what_is_listed_is_what_a_change_says() {
        let limits = limits().with("max_leverage", "\"4\"").expect("a limit");
        let listed = written(&limits);
        for (key, text) in [
            ("max_leverage", "4"),
            ("max_total", "5 %"),
            ("min_position", "100"),
            ("distance", "2 atr"),
            ("atr_period", "14"),
            ("max_order_rate", "50 per 1 s"),
            ("kill_switch", "true"),
        ] {
            let one = listed.iter().find(|(name, _)| *name == key).map(|(_, value)| value.as_str());
            assert_eq!(one, Some(text), "{key}");
        }
    }

    #[test]
    fn limits_are_shown_as_they_are_written() {
        for (key, json, text) in [
            ("max_total", "\"0.04\"", "4 %"),
            ("max_leverage", "\"3\"", "3"),
            ("max_leverage", "null", "off"),
            ("kill_switch", "true", "true"),
            ("kill_switch", "false", "off"),
            ("stale_after", "5000000000", "5 s"),
            ("max_order_rate", r#"{"count":20,"per":1000000000}"#, "20 per 1 s"),
            ("distance", r#"{"share_of_price":"0.01"}"#, "1 %"),
            ("min_position", "\"200\"", "200"),
        ] {
            assert_eq!(shown(key, json), text, "{key} {json}");
        }
    }
}
