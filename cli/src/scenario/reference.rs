//! The table of keys and the registry of strategies as text, Markdown and JSON.

use genovo_engine::strategy::Registry;
use serde_json::json;

use super::explain;
use super::keys::{Fallback, Key, Section, Unit};

/// Sections with their keys, for a terminal.
pub fn to_text(sections: &[&Section]) -> String {
    let mut text = String::new();
    for section in sections {
        if !text.is_empty() {
            text.push('\n');
        }
        match section.name {
            "" => text.push_str(&format!("(top)  {}\n", section.about)),
            _ => text.push_str(&format!("{}  {}\n", section.heading(), section.about)),
        }
        let width = section.keys.iter().map(|key| key.name.len()).max().unwrap_or(0);
        for key in section.keys {
            text.push_str(&format!("  {:width$}  {}\n", key.name, key.about));
            text.push_str(&format!("  {:width$}  {}; {}\n", "", values(key), fallback(key)));
        }
    }
    text
}

/// The same as Markdown tables, for the user guide.
pub fn to_markdown(sections: &[&Section]) -> String {
    let mut text = String::new();
    for section in sections {
        let heading = if section.name.is_empty() { "Top of the file".to_string() } else { section.heading() };
        text.push_str(&format!("### {heading}\n\n{}\n\n", section.about));
        text.push_str("| key | value | when absent | meaning |\n|---|---|---|---|\n");
        for key in section.keys {
            let cell = |text: &str| text.replace('|', "\\|");
            let absent = match key.default {
                Fallback::Required => "must be said".to_string(),
                Fallback::Is(value) => format!("`{value}`"),
                Fallback::Otherwise(words) => words.to_string(),
            };
            let (value, about) = (cell(&values(key)), cell(key.about));
            text.push_str(&format!("| `{}` | {value} | {} | {about} |\n", key.name, cell(&absent)));
        }
        text.push('\n');
    }
    text
}

/// The same for a program.
pub fn to_json(sections: &[&Section]) -> serde_json::Value {
    let key = |key: &Key| {
        json!({
            "key": key.name,
            "value": values(key),
            "words": match key.unit { Unit::Word(words) => Some(words), _ => None },
            "required": key.default == Fallback::Required,
            "default": match key.default { Fallback::Is(value) => Some(value), _ => None },
            "otherwise": match key.default { Fallback::Otherwise(words) => Some(words), _ => None },
            "about": key.about,
        })
    };
    let section = |section: &&Section| {
        let keys: Vec<_> = section.keys.iter().map(key).collect();
        json!({ "section": section.name, "many": section.many, "about": section.about, "keys": keys })
    };
    json!({ "sections": sections.iter().map(section).collect::<Vec<_>>() })
}

/// The strategies and their parameters, for a terminal.
pub fn strategies_to_text(registry: &Registry) -> String {
    let mut text = String::new();
    for kind in registry.kinds() {
        text.push_str(&format!("{}  {}\n", kind.name, kind.about));
        let needs = [(kind.needs.quotes, "quotes"), (kind.needs.sizes, "displayed sizes")];
        let needs: Vec<&str> = needs.iter().filter(|(needed, _)| *needed).map(|(_, name)| *name).collect();
        if !needs.is_empty() {
            text.push_str(&format!("  needs {}\n", needs.join(" and ")));
        }
        text.push_str(&format!("  decides {}\n", explain::trigger(kind.trigger)));
        let width = kind.parameters.iter().map(|parameter| parameter.name.len()).max().unwrap_or(0);
        for parameter in kind.parameters {
            let default = match parameter.default {
                None => "must be said".to_string(),
                Some("") => "may be left out".to_string(),
                Some(text) => format!("default {text}"),
            };
            text.push_str(&format!("  {:width$}  {} ({default})\n", parameter.name, parameter.about));
        }
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text + "\n"
}

/// The same for a program.
pub fn strategies_to_json(registry: &Registry) -> serde_json::Value {
    let kinds: Vec<_> = registry
        .kinds()
        .iter()
        .map(|kind| {
            let parameters: Vec<_> = kind
                .parameters
                .iter()
                .map(|spec| {
                    let default = spec.default.filter(|text| !text.is_empty());
                    let required = spec.default.is_none();
                    json!({ "name": spec.name, "default": default, "required": required, "about": spec.about })
                })
                .collect();
            json!({
                "kind": kind.name,
                "about": kind.about,
                "needs_quotes": kind.needs.quotes,
                "needs_sizes": kind.needs.sizes,
                "parameters": parameters,
            })
        })
        .collect();
    json!({ "strategies": kinds })
}

/// What may be written for a key.
fn values(key: &Key) -> String {
    match key.unit {
        Unit::Word(words) => words.iter().map(|word| format!("`\"{word}\"`")).collect::<Vec<_>>().join(", "),
        unit => format!("{} such as `{}`", unit.noun(), unit.example()),
    }
}

fn fallback(key: &Key) -> String {
    match key.default {
        Fallback::Required => "must be said".to_string(),
        Fallback::Is(value) => format!("default {value}"),
        Fallback::Otherwise(words) => format!("default: {words}"),
    }
}
