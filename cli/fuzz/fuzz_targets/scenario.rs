//! Any text given as a scenario: settings or an error with its place, never a panic.
//!
//! `tests/fuzz 10 scenario` runs it for ten minutes.
#![no_main]

use genovo::scenario;
use genovo_engine::strategy::Registry;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("scenario.toml");
    std::fs::write(&path, text).expect("room for it");
    match scenario::load(&path, &[], &Registry::default()) {
        // What was understood is said again and is the same.
        Ok(scenario) => {
            let again = scenario::load(&path, &[], &Registry::default()).expect("it was understood before");
            assert_eq!(scenario.settings_hash(), again.settings_hash());
        }
        // As it is shown: with its place, the line and the mark under it.
        Err(failure) => {
            assert!(failure.render(true).contains(&failure.consequence));
            assert!(failure.to_json()["message"].is_string());
        }
    }
});
