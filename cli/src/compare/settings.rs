//! Which settings differ between runs.

use genovo_engine::settings::Settings;
use genovo_engine::units::{Nanoseconds, Ratio};
use serde_json::Value;

use super::folded::Folded;
use crate::report::format;
use crate::scenario::keys::{self, Section, Unit};
use crate::scenario::readable;

/// A setting that is not the same in all runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its place, such as `risk.max_per_trade`.
    pub key: String,
    /// Its value in each run; `None` where the run does not have it.
    pub values: Vec<Option<Value>>,
}

/// Every setting that differs, in the order of the first run's settings.
pub fn differing(runs: &[&Folded]) -> Vec<Row> {
    let all: Vec<Value> = runs.iter().map(|run| run.settings().map_or(Value::Null, in_the_end)).collect();
    let mut rows = Vec::new();
    below("", &all.iter().map(Some).collect::<Vec<_>>(), &mut rows);
    rows
}

/// The settings that hold in the end, and from where on, if not from the beginning.
fn in_the_end(settings: &Settings) -> Value {
    let mut value = serde_json::to_value(settings.in_the_end()).unwrap_or(Value::Null);
    if let (Some(later), Some(table)) = (&settings.later, value.as_object_mut()) {
        let from = format!("sequence {}", format::count(later.from.0));
        table.insert("from".to_string(), Value::String(from));
    }
    value
}

/// Every setting that differs between two, with both values as text.
pub fn between(first: &Settings, second: &Settings) -> Vec<(String, String, String)> {
    let values = [first, second].map(|settings| serde_json::to_value(settings).unwrap_or(Value::Null));
    let mut rows = Vec::new();
    below("", &[Some(&values[0]), Some(&values[1])], &mut rows);
    rows.into_iter()
        .map(|row| (row.key.clone(), show(&row.key, &row.values[0]), show(&row.key, &row.values[1])))
        .collect()
}

fn below(path: &str, values: &[Option<&Value>], rows: &mut Vec<Row>) {
    if values.windows(2).all(|pair| pair[0] == pair[1]) {
        return;
    }
    let deeper = |key: &str| if path.is_empty() { key.to_string() } else { format!("{path}.{key}") };
    let tables: Option<Vec<_>> = values.iter().map(|value| value.and_then(Value::as_object)).collect();
    if let Some(tables) = tables {
        let mut keys: Vec<&String> = Vec::new();
        for key in tables.iter().flat_map(|table| table.keys()) {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        for key in keys {
            below(&deeper(key), &tables.iter().map(|table| table.get(key)).collect::<Vec<_>>(), rows);
        }
        return;
    }
    let lists: Option<Vec<_>> = values.iter().map(|value| value.and_then(Value::as_array)).collect();
    if let Some(lists) = lists.filter(|lists| lists.windows(2).all(|pair| pair[0].len() == pair[1].len())) {
        for index in 0..lists[0].len() {
            let items: Vec<_> = lists.iter().map(|list| list.get(index)).collect();
            below(&deeper(&(index + 1).to_string()), &items, rows);
        }
        return;
    }
    rows.push(Row { key: path.to_string(), values: values.iter().map(|value| value.cloned()).collect() });
}

/// A value for a reader: a share in percent, a length with its unit, text without its quotes.
pub fn show(key: &str, value: &Option<Value>) -> String {
    let value = match value {
        None | Some(Value::Null) => return "–".to_string(),
        Some(value) => value,
    };
    let readable = match (unit(key), value) {
        (Some(Unit::Ratio), Value::String(text)) => {
            Ratio::parse(text.as_bytes()).ok().map(readable::show_ratio)
        }
        (Some(Unit::Length), value) => {
            value.as_i64().map(|length| readable::show_length(Nanoseconds(length)))
        }
        _ => None,
    };
    readable.unwrap_or_else(|| match value {
        Value::String(text) => text.clone(),
        value => value.to_string(),
    })
}

/// What the scenario's key of this name holds: settings have the names of the keys, in sections that may differ, as
/// `instruments.1.commission.taker` does from `[instruments.commission]`.
fn unit(key: &str) -> Option<Unit> {
    let (section, name) = key.rsplit_once('.')?;
    let begins = section.split('.').next()?;
    let of = |section: &'static Section| section.keys.iter().find(|key| key.name == name);
    let mut sections = keys::SECTIONS.iter().filter(|section| section.name.split('.').next() == Some(begins));
    sections.find_map(of).map(|key| key.unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_shown_as_a_scenario_writes_them() {
        let shown = |key, value: Value| show(key, &Some(value));
        assert_eq!(shown("risk.max_per_trade", "0.02".into()), "2 %");
        assert_eq!(shown("instruments.1.commission.taker", "0.0005".into()), "0.05 %");
        assert_eq!(shown("venue.latency", 5_000_000.into()), "5 ms");
        assert_eq!(shown("strategy.kind", "flat".into()), "flat");
        assert_eq!(shown("strategy.parameters.fast", 12.into()), "12");
        assert_eq!(show("seed", &None), "–");
    }
}
