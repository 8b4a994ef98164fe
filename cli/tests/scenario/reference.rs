//! The table of keys: sound in itself, and the same in the user guide.

use std::collections::BTreeSet;
use std::path::Path;

use genovo::scenario::keys::{self, Unit};
use genovo::scenario::reference;

use crate::support::{FULL, Folder, registry, same_as_file, snapshot};

const BEGIN: &str = "<!-- keys: written by a test from cli/src/scenario/keys/ -->\n";
const END: &str = "<!-- end of keys -->\n";

#[test]
fn every_key_is_told_once() {
    let mut seen = BTreeSet::new();
    for section in keys::SECTIONS {
        assert!(section.about.ends_with('.'), "{}", section.name);
        for key in section.keys {
            assert!(seen.insert((section.name, key.name)), "{} twice", key.name);
            assert!(!key.about.is_empty() && !key.about.ends_with('.'), "{}", key.name);
            let nested = format!("{}.{}", section.name, key.name);
            assert_eq!(key.unit == Unit::Table, keys::section(&nested).is_some(), "{nested}");
        }
    }
}

/// The full scenario says every key but those of other kinds of data: so every reader is met by its key.
#[test]
fn the_full_scenario_says_every_key() {
    let scenario = Folder::new().load(FULL).unwrap();
    let said: BTreeSet<&str> = scenario
        .effective
        .iter()
        .flat_map(|section| section.keys.iter().map(|key| key.key.as_str()))
        .collect();
    // Signals have a test of their own, for their strategy, as have what the world says, lists of selections and
    // several strategies, for their files; `kelly` needs a strategy that forecasts, `hedged_margin` an account that
    // hedges.
    const OTHERS: [&str; 5] = ["signals", "statistics", "news", "schedule", "strategies"];
    for section in keys::SECTIONS.iter().filter(|section| !OTHERS.contains(&section.name)) {
        for key in section.keys.iter().filter(|key| key.unit != Unit::Table) {
            let elsewhere = [
                "extends",
                "hedged_margin",
                "kelly",
                "limits",
                "limits_keys",
                "unprotected",
                "arrival",
                "size",
                "side",
                "open",
                "high",
                "low",
                "close",
                "volume",
                "market",
                "select",
                "selection",
                "map_file",
            ]
            .contains(&key.name);
            assert!(elsewhere || said.contains(key.name), "{} of {}", key.name, section.name);
        }
    }
}

#[test]
fn the_user_guide_has_this_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/scenarios.md");
    let guide = std::fs::read_to_string(&path).expect("the user guide");
    let (before, rest) = guide.split_once(BEGIN).expect("the beginning of the keys");
    let (_, after) = rest.split_once(END).expect("the end of the keys");
    let sections: Vec<_> = keys::SECTIONS.iter().collect();
    let table = reference::to_markdown(&sections);
    same_as_file(&path, &format!("{before}{BEGIN}\n{table}{END}{after}"));
}

#[test]
fn lists_for_a_terminal() {
    let sections: Vec<_> = keys::SECTIONS.iter().collect();
    snapshot("keys.txt", &reference::to_text(&sections));
    snapshot("strategies.txt", &reference::strategies_to_text(&registry()));
    assert_eq!(reference::to_json(&sections)["sections"].as_array().map(Vec::len), Some(sections.len()));
}
