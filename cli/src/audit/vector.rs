//! `audit show --features`: one feature vector, whole, by family.

use genovo_engine::event::Fact;
use genovo_engine::features::layout;
use serde_json::{Value, json};

use super::recording::{NOTHING, Numbered, Recording};
use crate::error::{Exit, Failure};
use crate::report::format;

/// The columns of a family with their values.
pub struct Family {
    name: String,
    columns: Vec<(String, Option<f32>)>,
}

/// The families of the vector that an event is, in the vector's order. What is not of the catalogue is the strategy's.
pub fn by_family(recording: &Recording, one: &Numbered) -> Result<Vec<Family>, Failure> {
    let Fact::FeaturesComputed(vector) = &one.event.fact else {
        let kind = one.event.fact.kind().name();
        let message = format!("event {} is a {kind}, not a feature vector", format::count(one.number));
        let help = "genovo audit show JOURNAL --kind FeaturesComputed lists them";
        return Err(Failure::new(Exit::Usage, message, NOTHING).help(help));
    };
    let settings = recording.settings.as_ref().and_then(|settings| settings.features.as_ref());
    let known = settings.map(layout::columns);
    let known = known.and_then(Result::ok).unwrap_or_default();
    let mut families: Vec<Family> = Vec::new();
    for index in 0..vector.values.len() {
        let column = recording.features().get(index).cloned().unwrap_or_else(|| format!("column {index}"));
        let family = known.iter().find(|known| known.id == column).map_or("strategy", |known| known.family);
        match families.last_mut() {
            Some(last) if last.name == family => last.columns.push((column, vector.get(index))),
            _ => {
                families.push(Family { name: family.to_string(), columns: vec![(column, vector.get(index))] })
            }
        }
    }
    Ok(families)
}

/// A family a block, a column a line.
pub fn to_text(families: &[Family]) -> String {
    let columns = families.iter().flat_map(|family| &family.columns);
    let width = columns.map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for family in families {
        let known = family.columns.iter().filter(|(_, value)| value.is_some()).count();
        text.push_str(&format!("{} ({known} of {} known)\n", family.name, family.columns.len()));
        for (name, value) in &family.columns {
            let value = value.map_or("unknown".to_string(), |value| value.to_string());
            text.push_str(&format!("  {name:<width$}  {value}\n"));
        }
    }
    text
}

/// An object with a family a key.
pub fn to_json(families: &[Family]) -> Value {
    let family = |family: &Family| {
        let columns = family.columns.iter().map(|(name, value)| json!({ "column": name, "value": value }));
        json!({ "family": family.name, "columns": columns.collect::<Vec<_>>() })
    };
    json!({ "families": families.iter().map(family).collect::<Vec<_>>() })
}
