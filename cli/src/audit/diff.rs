//! `audit diff`: where two journals part, what each says there, and what led to it.

use std::path::Path;

use genovo_engine::event::{Event, Fact};
use genovo_engine::ids::Sequence;
use genovo_journal::{Difference, Identity};
use serde_json::{Value, json};

use super::recording::{Numbered, Recording, failed};
use super::{json as in_json, words};
use crate::error::{Exit, Failure};
use crate::report::format;

/// Steps of causes that are shown for a difference.
const CAUSES_SHOWN: usize = 8;

/// Values that are shown for a difference.
const VALUES_SHOWN: usize = 6;

/// Two journals compared.
pub struct Compared {
    first: Recording,
    second: Recording,
    differences: Vec<Difference>,
    /// Whether there are more than those.
    more: bool,
}

/// Compares two sealed journals; up to `limit` differences are kept.
pub fn compare(first: &Path, second: &Path, limit: usize) -> Result<Compared, Failure> {
    let mut differences = genovo_journal::diff(first, second, limit.saturating_add(1)).map_err(failed)?;
    let more = differences.len() > limit;
    differences.truncate(limit);
    Ok(Compared { first: Recording::open(first)?, second: Recording::open(second)?, differences, more })
}

impl Compared {
    /// The error that a difference is.
    pub fn failure(&self) -> Option<Failure> {
        let difference = self.differences.first()?;
        let before = self.equal_before(difference);
        let message = format!("the journals differ from sequence {} on", difference.sequence);
        let consequence = match before {
            0 => "They have no event in common before it.".to_string(),
            before => format!("The {} before it are equal, bit for bit.", events(before)),
        };
        Some(Failure::new(Exit::Difference, message, consequence))
    }

    /// How many events come before a difference that is the first.
    fn equal_before(&self, difference: &Difference) -> u64 {
        let number = self.side_of(difference).journal.number_of(difference.sequence).ok().flatten();
        number.map_or(0, |number| number - 1)
    }

    /// For a reader.
    pub fn text(&self) -> Result<String, Failure> {
        let (a, b) = (&self.first.journal, &self.second.journal);
        let mut text = String::new();
        for (name, journal) in [("A", a), ("B", b)] {
            let summary = journal.summary();
            text.push_str(&format!(
                "{name}  {}   {}   head {}\n",
                journal.path().display(),
                events(summary.events),
                summary.head_hash.short()
            ));
        }
        if self.differences.is_empty() {
            text.push_str("\nEvery event is equal, bit for bit.\n");
        }
        // One chain of causes says how it began; where runs began differently, that has no cause.
        let mut explained = false;
        for difference in &self.differences {
            let causes = if explained { Vec::new() } else { self.causes(difference)? };
            explained |= !causes.is_empty();
            text.push_str(&self.difference(difference, &causes)?);
        }
        if self.more {
            text.push_str("\nThere are more: --limit shows them.\n");
        }
        let written = identities(a.identity(), b.identity());
        if !written.is_empty() {
            text.push_str("\nWritten under other circumstances (identity.toml, outside the chain):\n");
            for (name, first, second) in written {
                text.push_str(&format!("  {name:<8} {first}   {second}\n"));
            }
        }
        Ok(text)
    }

    fn difference(&self, difference: &Difference, causes: &[Numbered]) -> Result<String, Failure> {
        let mut text = format!("\nsequence {}\n", difference.sequence);
        let sides = [("A", &self.first, &difference.first), ("B", &self.second, &difference.second)];
        for (name, recording, event) in sides {
            text.push_str(&format!("  {name}  {}\n", side(recording, difference.sequence, event)?));
        }
        for line in self.parted(difference) {
            text.push_str(&format!("     {line}\n"));
        }
        for (index, cause) in causes.iter().enumerate() {
            text.push_str(&format!(
                "  {:<7} {:>7}  {:<16}  {}\n",
                if index == 0 { "because" } else { "" },
                format::count(cause.number),
                cause.event.fact.kind().name(),
                words::event(self.side_of(difference), &cause.event)
            ));
        }
        Ok(text)
    }

    /// Which values differ, where one line about each event does not show it.
    fn parted(&self, difference: &Difference) -> Vec<String> {
        let (Some(first), Some(second)) = (&difference.first, &difference.second) else { return Vec::new() };
        let mut lines = settings(difference);
        let same_words = words::event(&self.first, first) == words::event(&self.second, second);
        if lines.is_empty() && same_words {
            let value = |event: &Event| serde_json::to_value(event).unwrap_or(Value::Null);
            let (first, second) = (value(first), value(second));
            // The fact lies beside its kind, and that is the same.
            parted("", &first["fact"]["fact"], &second["fact"]["fact"], &mut lines);
            parted("", &first["header"], &second["header"], &mut lines);
        }
        if lines.len() > VALUES_SHOWN {
            let more = lines.len() - VALUES_SHOWN;
            lines.truncate(VALUES_SHOWN);
            lines.push(format!("and {}", format::plural(more as u64, "more value", "more values")));
        }
        lines
    }

    /// The journal that has an event where they differ.
    fn side_of(&self, difference: &Difference) -> &Recording {
        if difference.first.is_some() { &self.first } else { &self.second }
    }

    /// What led to a difference, nearest first.
    fn causes(&self, difference: &Difference) -> Result<Vec<Numbered>, Failure> {
        let event = difference.first.as_ref().or(difference.second.as_ref());
        let side = self.side_of(difference);
        let mut cause = event.map_or(Sequence::NONE, |event| event.header.cause);
        let mut causes = Vec::new();
        while cause != Sequence::NONE && causes.len() < CAUSES_SHOWN {
            let Some(found) = side.at(cause)? else { break };
            cause = found.event.header.cause;
            causes.push(found);
        }
        Ok(causes)
    }

    /// For a program.
    pub fn to_json(&self) -> Result<Value, Failure> {
        let mut differences = Vec::new();
        for difference in &self.differences {
            let causes = self.causes(difference)?;
            let side = |recording: &Recording, event: &Option<Event>| -> Result<Value, Failure> {
                Ok(match event {
                    Some(event) => {
                        let number = number_of(recording, event)?;
                        in_json::event(recording, &Numbered { number, event: event.clone() })
                    }
                    None => Value::Null,
                })
            };
            differences.push(json!({
                "sequence": difference.sequence,
                "first": side(&self.first, &difference.first)?,
                "second": side(&self.second, &difference.second)?,
                "causes": causes.iter().map(|one| in_json::event(self.side_of(difference), one)).collect::<Vec<_>>(),
            }));
        }
        let journal = |recording: &Recording| {
            let summary = recording.journal.summary();
            json!({
                "journal": recording.journal.path(),
                "events": summary.events,
                "head_hash": summary.head_hash,
            })
        };
        let written = identities(self.first.journal.identity(), self.second.journal.identity());
        Ok(json!({
            "equal": self.differences.is_empty(),
            "first": journal(&self.first),
            "second": journal(&self.second),
            "differences": differences,
            "more": self.more,
            "identity": written.iter().map(|(name, first, second)| json!({
                "field": name, "first": first, "second": second,
            })).collect::<Vec<_>>(),
        }))
    }
}

fn events(count: u64) -> String {
    format::plural(count, "event", "events")
}

fn number_of(recording: &Recording, event: &Event) -> Result<u64, Failure> {
    Ok(recording.journal.number_of(event.header.sequence).map_err(failed)?.unwrap_or(0))
}

/// What one journal says at a sequence.
fn side(recording: &Recording, sequence: Sequence, event: &Option<Event>) -> Result<String, Failure> {
    let Some(event) = event else {
        let ended = recording.journal.summary().last_sequence < sequence;
        return Ok(if ended { "nothing: it had ended" } else { "nothing" }.to_string());
    };
    let number = format::count(number_of(recording, event)?);
    let kind = event.fact.kind().name();
    Ok(format!("{number:>10}  {kind:<16}  {}", words::event(recording, event)))
}

/// Which settings differ, where two runs began differently.
fn settings(difference: &Difference) -> Vec<String> {
    let settings = |event: &Option<Event>| match event.as_ref().map(|event| &event.fact) {
        Some(Fact::RunStarted(started)) => serde_json::from_str::<Value>(&started.settings).ok(),
        _ => None,
    };
    let mut lines = Vec::new();
    if let (Some(first), Some(second)) = (settings(&difference.first), settings(&difference.second)) {
        parted("", &first, &second, &mut lines);
    }
    lines
}

/// Adds a line for every value in which two JSON values differ.
fn parted(path: &str, first: &Value, second: &Value, lines: &mut Vec<String>) {
    let below = |key: &str| if path.is_empty() { key.to_string() } else { format!("{path}.{key}") };
    match (first, second) {
        (Value::Object(a), Value::Object(b)) => {
            let added = b.keys().filter(|key| !a.contains_key(*key));
            for key in a.keys().chain(added) {
                let null = Value::Null;
                parted(&below(key), a.get(key).unwrap_or(&null), b.get(key).unwrap_or(&null), lines);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (index, (a, b)) in a.iter().zip(b).enumerate() {
                parted(&below(&(index + 1).to_string()), a, b, lines);
            }
        }
        (a, b) if a != b => lines.push(format!("{path}: {a} in A, {b} in B")),
        _ => {}
    }
}

/// The fields of two identities that differ.
fn identities<'a>(a: &'a Identity, b: &'a Identity) -> Vec<(&'static str, &'a str, &'a str)> {
    let fields = [
        ("version", &a.version, &b.version),
        ("commit", &a.commit, &b.commit),
        ("backend", &a.backend, &b.backend),
        ("cpu", &a.cpu, &b.cpu),
        ("threads", &a.threads, &b.threads),
        ("host", &a.host, &b.host),
        ("started", &a.started, &b.started),
    ];
    let fields = fields.into_iter().filter(|(_, a, b)| a != b);
    fields.map(|(name, a, b)| (name, a.as_str(), b.as_str())).collect()
}
