//! The JSON schema of scenarios, held against the scenarios by a validator that is not ours.

#[path = "support/python.rs"]
mod python;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

fn genovo(arguments: &[&str]) -> Vec<u8> {
    let output = Command::new(env!("CARGO_BIN_EXE_genovo")).args(arguments).output().expect("genovo");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Validates TOML files with Python's `jsonschema`: prints for each file the first error, or `good`.
const VALIDATOR: &str = r#"
import json, sys, tomllib, jsonschema
schema = json.load(open(sys.argv[1]))
jsonschema.Draft7Validator.check_schema(schema)
validator = jsonschema.Draft7Validator(schema)
for path in sys.argv[2:]:
    errors = sorted(validator.iter_errors(tomllib.load(open(path, "rb"))), key=str)
    print("good" if not errors else "bad: " + " ".join(errors[0].message.split()))
"#;

/// What the validator says of each file; `None` where Python has no `jsonschema`.
fn validate(schema: &Path, files: &[PathBuf]) -> Option<Vec<String>> {
    let mut python = python::with("jsonschema, tomllib")?;
    let output = python.arg("-c").arg(VALIDATOR).arg(schema).args(files).output().expect("python3");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said: Vec<String> = String::from_utf8_lossy(&output.stdout).lines().map(str::to_string).collect();
    assert_eq!(said.len(), files.len());
    Some(said)
}

#[test]
fn every_shipped_scenario_is_good_and_every_slip_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let schema = folder.path().join("schema.json");
    std::fs::write(&schema, genovo(&["check", "--schema"])).expect("a file");
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shipped = std::fs::read_dir(home.join("../scenarios")).expect("scenarios").flatten();
    let mut files: Vec<PathBuf> = shipped
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    files.push(home.join("tests/scenario/full.toml"));
    let good = files.len();
    assert!(good >= 5, "{files:?}");
    let gold = std::fs::read_to_string(home.join("../scenarios/gold.toml")).expect("gold");
    let slips = [
        ("max_per_trade = \"2 %\"", "max_per_trad = \"2 %\""),
        ("max_per_trade = \"2 %\"", "max_per_trade = \"2 percent\""),
        ("latency = \"5 ms\"", "latency = 5"),
        ("kind = \"margin\"", "kind = \"margins\""),
        ("cash = \"100,000 USD\"", ""),
        ("fast = 12", "fats = 12"),
        ("kind = \"ema-cross\"", "kind = \"ema\""),
        ("[risk]", "[riks]"),
        ("tick = 0.001", "tick = -0.001"),
    ];
    for (number, (right, wrong)) in slips.iter().enumerate() {
        assert!(gold.contains(right), "{right}");
        let path = folder.path().join(format!("slip{number}.toml"));
        std::fs::write(&path, gold.replacen(right, wrong, 1)).expect("a file");
        files.push(path);
    }
    let extends = folder.path().join("extends.toml");
    std::fs::write(&extends, "extends = \"gold.toml\"\n[risk]\nmax_per_trade = \"1 %\"\n").expect("a file");
    files.push(extends);
    let Some(said) = validate(&schema, &files) else { return };
    for (number, (file, said)) in files.iter().zip(&said).enumerate() {
        let wanted = number < good || number == files.len() - 1;
        assert_eq!(said == "good", wanted, "{}: {said}", file.display());
    }
}

#[test]
fn every_key_is_in_it_with_its_help() {
    let schema: Value = serde_json::from_slice(&genovo(&["check", "--schema"])).expect("JSON");
    for section in genovo::scenario::keys::SECTIONS {
        let mut place = &schema;
        for part in section.name.split('.').filter(|part| !part.is_empty()) {
            place = &place["properties"][part];
            if let Some(table) = place["oneOf"].get(0) {
                place = table;
            }
        }
        for key in section.keys {
            let property = &place["properties"][key.name];
            let about = property["description"].as_str().unwrap_or_default();
            assert!(!about.is_empty(), "{}.{}: {property}", section.name, key.name);
            assert!(section.name == "strategy" || about.starts_with(key.about), "{about}");
        }
    }
}
