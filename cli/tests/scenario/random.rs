//! Whatever stands in a file or an argument: a scenario or an error, never a panic.

use genovo::scenario::{keys, readable};
use proptest::prelude::*;

use crate::support::{FULL, Folder};

/// Whatever comes of it, it can be shown.
fn survive(text: &[u8], sets: &[String]) {
    let folder = Folder::new();
    let path = folder.write("random.toml", text);
    match genovo::scenario::load(&path, sets, &crate::support::registry()) {
        Ok(scenario) => drop(genovo::scenario::explain::in_words(&scenario)),
        Err(failure) => drop(failure.render(true)),
    }
}

/// A full scenario of which some pieces were cut out, doubled or replaced.
fn damaged() -> impl Strategy<Value = String> {
    let change = (any::<prop::sample::Index>(), 0_usize..12, "[-0-9a-z\"'=\\[\\]{}.,% \n#]{0,6}");
    prop::collection::vec(change, 1..5).prop_map(|changes| {
        let mut text: Vec<char> = FULL.chars().collect();
        for (at, count, put) in changes {
            let at = at.index(text.len());
            let end = (at + count).min(text.len());
            text.splice(at..end, put.chars());
        }
        text.into_iter().collect()
    })
}

/// A key of the table with a value of any kind.
fn any_value() -> impl Strategy<Value = String> {
    let keys: Vec<String> = keys::SECTIONS
        .iter()
        .flat_map(|section| section.keys.iter().map(move |key| (section.name, key.name)))
        .map(|(section, key)| format!("{section}.{key}").trim_start_matches('.').to_string())
        .collect();
    let value = prop_oneof![
        "[-+]?[0-9]{0,30}(\\.[0-9]{0,20})?",
        "[-+]?[0-9,_]{0,12} ?(%|bp|ms|s|min|day|USD|tick|ticks|atr|% square root)",
        "\\PC{0,12}",
        Just("[]".to_string()),
    ];
    (prop::sample::select(keys), value).prop_map(|(key, value)| format!("{key}={value}"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn bytes(text in prop::collection::vec(any::<u8>(), 0..200)) {
        survive(&text, &[]);
    }

    #[test]
    fn nearly_toml(text in "([\\[\\]a-z.=\"'0-9{}, #\n\\\\-]|extends|data|risk|ü){0,80}") {
        survive(text.as_bytes(), &[]);
    }

    #[test]
    fn damaged_scenarios(text in damaged()) {
        survive(text.as_bytes(), &[]);
    }

    #[test]
    fn arguments(sets in prop::collection::vec(prop_oneof!["\\PC{0,20}", any_value()], 0..4)) {
        survive(FULL.as_bytes(), &sets);
    }

    #[test]
    fn readers(text in prop_oneof!["\\PC{0,16}", "[-+0-9,._%a-z ]{0,12}"]) {
        let _ = readable::whole(&text);
        let _ = readable::ratio(&text);
        let _ = readable::length(&text).map(readable::show_length);
        let _ = readable::money(&text);
        let _ = readable::price(&text);
        let _ = readable::quantity(&text);
        let _ = readable::time_of_day(&text);
        let _ = readable::trigger(&text);
        let _ = readable::distance(&text, 14);
        let _ = readable::size(&text);
        let _ = readable::touch(&text);
        let _ = readable::slippage(&text);
    }

    #[test]
    fn lengths_are_read_as_they_are_shown(nanoseconds in any::<i64>()) {
        let length = genovo_engine::units::Nanoseconds(nanoseconds);
        prop_assert_eq!(readable::length(&readable::show_length(length)), Ok(length));
    }
}

#[test]
fn deep_nesting_is_refused() {
    for open in ["[", "{ a = ", "a."] {
        survive(format!("a = {}", open.repeat(20_000)).as_bytes(), &[]);
    }
    survive(FULL.as_bytes(), &[format!("{}b=1", "a.".repeat(20_000))]);
}
