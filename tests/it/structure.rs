//! Is the house built as it was drawn: arrows that only point right, no clock in the engine, lines that fit the page?

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use genovo_tests::repository;

/// Our crates by folder, each with those that it may use.
const ARROWS: [(&str, &[&str]); 5] = [
    ("kernels", &[]),
    ("engine", &["genovo-kernels"]),
    ("journal", &["genovo-engine"]),
    ("adapters", &["genovo-engine"]),
    ("cli", &["genovo-adapters", "genovo-engine", "genovo-journal", "genovo-kernels"]),
];

/// Every file with this extension below a folder, sorted.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The Rust files of the crates, with their text.
fn sources() -> Vec<(PathBuf, String)> {
    let folders = ARROWS.iter().map(|(folder, _)| *folder).chain(["tests", "benches"]);
    let paths = folders.flat_map(|folder| files(&repository(folder), "rs"));
    paths.map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

/// The lines of a file of the program itself, numbered: up to its tests, comments left out.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let body = text.split("#[cfg(test)]").next().unwrap_or_default();
    body.lines().enumerate().map(|(index, line)| (index + 1, line.split("//").next().unwrap_or_default()))
}

/// Our own crates that a manifest names outside `[dev-dependencies]`.
fn used(folder: &str) -> BTreeSet<String> {
    let manifest = fs::read_to_string(repository(folder).join("Cargo.toml")).unwrap();
    let mut section = String::new();
    let mut used = BTreeSet::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            section = line.to_string();
        } else if section == "[dependencies]"
            && let Some(name) = line.split(['.', ' ', '=']).next().filter(|name| name.starts_with("genovo"))
        {
            used.insert(name.to_string());
        }
    }
    used
}

#[test]
fn arrows_only_point_right() {
    for (folder, allowed) in ARROWS {
        let allowed: BTreeSet<String> = allowed.iter().map(|name| name.to_string()).collect();
        assert_eq!(used(folder), allowed, "{folder}/Cargo.toml");
    }
    let manifest = fs::read_to_string(repository("Cargo.toml")).unwrap();
    let members = manifest.lines().find(|line| line.starts_with("members")).unwrap();
    let known = ARROWS.iter().map(|(folder, _)| *folder).chain(["tests", "tests/driver", "benches"]);
    let listed: BTreeSet<&str> = members.split('"').skip(1).step_by(2).collect();
    assert_eq!(listed, known.collect(), "a new crate needs its place among the arrows");
}

/// What the engine must not know: the outside, and whatever is not the same on every machine.
const FOREIGN: [&str; 22] = [
    "HashMap",
    "HashSet",
    "SystemTime",
    "Instant",
    "std::fs",
    "std::net",
    "std::env",
    "std::io",
    "println!",
    "eprintln!",
    ".exp(",
    ".exp2(",
    ".ln(",
    ".log2(",
    ".log10(",
    ".powi(",
    ".powf(",
    ".sin(",
    ".cos(",
    ".tan(",
    ".tanh(",
    ".cbrt(",
];

#[test]
fn the_engine_knows_nothing_of_the_outside() {
    let files = files(&repository("engine/src"), "rs");
    assert!(files.len() > 20);
    for path in files {
        let text = fs::read_to_string(&path).unwrap();
        for (number, line) in code(&text) {
            let foreign = FOREIGN.iter().find(|&&word| line.contains(word));
            assert_eq!(foreign, None, "{}:{number}: {line}", path.display());
        }
    }
}

#[test]
fn lines_fit_the_page() {
    for (path, text) in sources() {
        for (line, number) in text.lines().zip(1..) {
            // rustfmt wraps code at 110; what it cannot wrap, comments, texts and macros, may go to 120.
            let length = line.chars().count();
            assert!(length <= 120, "{}:{number} has {length} columns", path.display());
        }
    }
}

#[test]
fn nothing_is_left_lying_about() {
    let left = ["dbg!(", "todo!(", "unimplemented!("];
    for (path, text) in sources() {
        if path.ends_with("it/structure.rs") {
            continue;
        }
        for (number, line) in code(&text) {
            let found = left.iter().find(|&&word| line.contains(word));
            assert_eq!(found, None, "{}:{number}", path.display());
        }
    }
}

/// Whoever adds a kind of event must be led to every place that has to know it. A `match` over facts that an engine or
/// a journal makes all of its arms for has no arm that swallows the rest.
#[test]
fn the_great_matches_name_every_fact() {
    let engine = fs::read_to_string(repository("engine/src/engine.rs")).unwrap();
    let canonical = fs::read_to_string(repository("engine/src/canonical.rs")).unwrap();
    let event = fs::read_to_string(repository("engine/src/event/mod.rs")).unwrap();
    let enumeration = event.split("pub enum Fact {").nth(1).unwrap().split("\n}").next().unwrap();
    let named = enumeration.lines().filter_map(|line| line.trim().split_once('(').map(|(name, _)| name));
    let names: Vec<&str> = named.filter(|name| name.chars().all(char::is_alphanumeric)).collect();
    assert!(names.len() >= 22, "{names:?}");
    for (file, text) in [("engine.rs", &engine), ("canonical.rs", &canonical), ("event.rs", &event)] {
        for name in &names {
            assert!(text.contains(&format!("Fact::{name}(")), "{file} does not know {name}");
        }
    }
    // The arms of `Engine::apply`, to the brace that closes its match.
    let apply = engine.split("match &input.fact {").nth(1).unwrap();
    let arms = apply.split("\n        }").next().unwrap();
    assert!(!arms.contains("_ =>"), "Engine::apply swallows a fact");
    for name in names {
        assert!(arms.contains(&format!("Fact::{name}(")), "Engine::apply has no arm for {name}");
    }
}

/// A file that no `mod` names is not compiled, and nobody notices.
#[test]
fn every_module_is_listed() {
    for (folder, root) in [
        ("kernels/src", "lib.rs"),
        ("engine/src", "lib.rs"),
        ("journal/src", "lib.rs"),
        ("adapters/src", "lib.rs"),
        ("cli/src", "lib.rs"),
        ("tests/it", "main.rs"),
    ] {
        for path in files(&repository(folder), "rs") {
            let stem = path.file_stem().unwrap().to_str().unwrap();
            let parent = path.parent().unwrap();
            let (folder_of_parent, name) = match stem {
                "lib" | "main" => continue,
                "mod" => (parent.parent().unwrap(), parent.file_name().unwrap().to_str().unwrap()),
                _ => (parent, stem),
            };
            let beside = folder_of_parent.with_extension("rs");
            let places = [folder_of_parent.join("mod.rs"), folder_of_parent.join(root), beside];
            let listed = places
                .iter()
                .filter_map(|place| fs::read_to_string(place).ok())
                .any(|text| text.lines().any(|line| line.trim().ends_with(&format!("mod {name};"))));
            assert!(listed, "{} is in no list of modules", path.display());
        }
    }
}
