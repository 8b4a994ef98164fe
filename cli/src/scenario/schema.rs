//! The table of keys as a JSON schema: editors complete, explain and check a scenario with it.
//!
//! Draft 7, which the TOML plugins of editors read. It is as strict as a schema can be: keys, words, shapes of values,
//! what must be said. What only shows across sections stays with `genovo check`.

use genovo_engine::strategy::{Registry, StrategyKind};
use serde_json::{Map, Value, json};

use super::keys::{self, Bound, Fallback, Key, SECTIONS, Section};
use super::unit::Unit;

/// The schema of scenarios that can name these strategies.
pub fn schema(registry: &Registry) -> Value {
    let top = keys::section("").expect("the table has a top");
    let mut properties = properties(top);
    let mut complete = Map::new();
    for section in SECTIONS.iter().filter(|section| !section.name.is_empty() && !section.name.contains('.')) {
        let table = match section.name {
            "strategy" | "strategies" => strategy(section, registry),
            _ => table(section),
        };
        let (shown, needed) = match section.many {
            false => (table, required(section)),
            true => (
                json!({
                    "description": section.about,
                    "oneOf": [table, { "type": "array", "minItems": 1, "items": table }],
                }),
                json!({ "oneOf": [
                    { "type": "object", "allOf": [required(section)] },
                    { "type": "array", "items": required(section) },
                ] }),
            ),
        };
        properties.insert(section.name.to_string(), shown);
        complete.insert(section.name.to_string(), needed);
    }
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "genovo scenario",
        "description": "What a run of genovo does. genovo check SCENARIO says more than a schema can.",
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
        // A scenario that extends another may leave to it what must be said.
        "if": { "not": { "required": ["extends"] } },
        "then": {
            "required": NEEDED,
            "anyOf": [{ "required": ["strategy"] }, { "required": ["strategies"] }],
            "properties": complete,
        },
    })
}

/// The sections without which nothing can run.
const NEEDED: [&str; 3] = ["account", "instruments", "data"];

fn table(section: &Section) -> Value {
    json!({
        "type": "object",
        "description": section.about,
        "properties": properties(section),
        "additionalProperties": false,
    })
}

fn required(section: &Section) -> Value {
    let names: Vec<&str> =
        section.keys.iter().filter(|key| key.default == Fallback::Required).map(|key| key.name).collect();
    json!({ "required": names })
}

fn properties(section: &Section) -> Map<String, Value> {
    section.keys.iter().map(|key| (key.name.to_string(), property(section, key))).collect()
}

fn property(section: &Section, key: &Key) -> Value {
    let mut value = match (key.unit, keys::section(&format!("{}.{}", section.name, key.name))) {
        (Unit::Table, Some(inner)) => table(inner),
        (unit, _) => shape(unit, key.bound),
    };
    let about = match key.default {
        Fallback::Required => format!("{}; must be said", key.about),
        Fallback::Is(text) => format!("{} (default {text})", key.about),
        Fallback::Otherwise(words) => format!("{} (default: {words})", key.about),
    };
    value["description"] = about.into();
    if let (Fallback::Is(text), true) = (key.default, key.unit != Unit::Table) {
        value["default"] = plain(text);
    }
    let example = key.unit.example();
    if !example.is_empty() && key.unit != Unit::Table {
        value["examples"] = json!([plain(example.trim_matches('"'))]);
    }
    value
}

/// A text as the value that a scenario would hold: a number, a flag, else the text.
fn plain(text: &str) -> Value {
    match serde_json::from_str::<Value>(text) {
        Ok(value @ (Value::Bool(_) | Value::Number(_))) => value,
        _ => Value::String(text.to_string()),
    }
}

const NUMBER: &str = r"[-+]?[0-9][0-9,_]*(\.[0-9_]+)?";

/// What a value of a unit may look like.
fn shape(unit: Unit, bound: Bound) -> Value {
    let text = |pattern: String| json!({ "type": "string", "pattern": pattern });
    let number = |pattern: String| json!({ "anyOf": [limited("number", bound), text(pattern)] });
    match unit {
        Unit::Word(words) => json!({ "enum": words }),
        Unit::Flag => json!({ "type": "boolean" }),
        Unit::Whole => json!({ "anyOf": [limited("integer", bound), text(r"^[0-9][0-9,_]*$".to_string())] }),
        Unit::Ratio => number(format!("^{NUMBER}\\s*(%|bps?)?$")),
        Unit::Price | Unit::Quantity => number(format!("^{NUMBER}$")),
        Unit::Money => number(format!("^{NUMBER}(\\s*[A-Z][A-Z0-9]{{1,9}})?$")),
        Unit::Currency => text("^[A-Z][A-Z0-9]{1,9}$".to_string()),
        Unit::Length => json!({ "anyOf": [
            { "const": 0 },
            text(format!("^{NUMBER}\\s*(ns|us|µs|ms|s|min|h|days?|weeks?)$|^0$")),
        ] }),
        Unit::Frequency => text(format!("^{NUMBER} per {NUMBER}\\s*(ns|us|µs|ms|s|min|h|days?|weeks?)$")),
        Unit::TimeOfDay => text("^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$".to_string()),
        Unit::Text | Unit::Path => json!({ "type": "string", "minLength": 1 }),
        Unit::Column => {
            json!({ "anyOf": [{ "type": "integer", "minimum": 1 }, { "type": "string", "minLength": 1 }] })
        }
        // The rest reads words, numbers and units of its own: genovo check knows them.
        _ => json!({ "type": ["string", "number", "boolean", "array", "object"] }),
    }
}

/// Plain numbers within a key's bound.
fn limited(kind: &str, bound: Bound) -> Value {
    match bound {
        Bound::Any => json!({ "type": kind }),
        Bound::NotNegative => json!({ "type": kind, "minimum": 0 }),
        Bound::Positive => json!({ "type": kind, "exclusiveMinimum": 0 }),
        Bound::Share => json!({ "type": kind, "exclusiveMinimum": 0, "maximum": 1 }),
    }
}

/// The section of the strategy: each kind brings parameters of its own.
fn strategy(section: &Section, registry: &Registry) -> Value {
    let kinds: Vec<Value> = registry
        .kinds()
        .iter()
        .map(|kind| json!({ "const": kind.name, "description": kind.about }))
        .collect();
    let each: Vec<Value> = registry.kinds().iter().map(|kind| of_kind(section, kind)).collect();
    let mut properties = properties(section);
    properties.insert(
        "kind".to_string(),
        json!({ "description": "name of the strategy; must be said", "type": "string", "oneOf": kinds }),
    );
    json!({
        "type": "object",
        "description": section.about,
        "properties": properties,
        "allOf": each,
    })
}

fn of_kind(section: &Section, kind: &StrategyKind) -> Value {
    let parameters = kind.parameters.iter().map(|parameter| {
        let mut value = json!({ "description": parameter.about, "type": ["string", "number", "boolean"] });
        if let Some(default) = parameter.default.filter(|text| !text.is_empty()) {
            value["default"] = plain(default);
        }
        (parameter.name.to_string(), value)
    });
    let own = kind.parameters.iter().map(|parameter| parameter.name);
    let names: Vec<&str> = section.keys.iter().map(|key| key.name).chain(own).collect();
    let needed: Vec<&str> =
        kind.parameters.iter().filter(|one| one.default.is_none()).map(|one| one.name).collect();
    json!({
        "if": { "properties": { "kind": { "const": kind.name } }, "required": ["kind"] },
        "then": {
            "properties": parameters.collect::<Map<String, Value>>(),
            "propertyNames": { "enum": names },
            "required": needed,
        },
    })
}
