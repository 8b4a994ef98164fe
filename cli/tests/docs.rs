//! The documentation does what it says: its scenarios load, its commands are understood, its program is the
//! example.

use std::fs;
use std::path::{Path, PathBuf};

use genovo::prelude::*;
use genovo::scenario;

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// Every Markdown file of the documentation.
fn pages() -> Vec<PathBuf> {
    let mut pages: Vec<PathBuf> = ["docs", "docs/decisions", "scenarios", "."]
        .iter()
        .filter_map(|folder| fs::read_dir(repository(folder)).ok())
        .flatten()
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    pages.sort();
    assert!(pages.len() > 10, "{pages:?}");
    pages
}

/// The fenced blocks of a page in these languages, each with the line that it begins in.
fn blocks(page: &Path, languages: &[&str]) -> Vec<(String, String)> {
    let text = fs::read_to_string(page).expect("a page");
    let (mut blocks, mut inside) = (Vec::new(), None::<(String, String, String)>);
    for (number, line) in text.lines().enumerate() {
        match (&mut inside, line.strip_prefix("```")) {
            (None, Some(language)) => {
                let place = format!("{}:{}", page.display(), number + 1);
                inside = Some((language.to_string(), place, String::new()));
            }
            (Some(_), Some(_)) => {
                let (language, place, block) = inside.take().expect("it is open");
                if languages.contains(&language.as_str()) {
                    blocks.push((place, block));
                }
            }
            (Some((.., block)), None) => {
                block.push_str(line);
                block.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(inside.is_none(), "{}: a block has no end", page.display());
    blocks
}

/// A strategy by the name of the guide's, so that its scenario loads.
fn registry() -> Registry {
    let mut registry = Registry::default();
    registry.add(StrategyKind {
        name: "trend",
        about: "the guide's",
        parameters: &[
            ParameterSpec { name: "bars", default: Some("20"), about: "closes" },
            ParameterSpec { name: "quantity", default: None, about: "position" },
        ],
        needs: Needs { sizes: false, quotes: false },
        trigger: Trigger::OnSignal,
        make: |_, settings| {
            let flat = Registry::default();
            (flat.get("flat").expect("built in").make)(&Parameters::default(), settings)
        },
    });
    registry
}

#[test]
fn toml_is_toml_and_whole_scenarios_load() {
    let home = repository("scenarios").canonicalize().expect("scenarios");
    let home = home.to_str().expect("a path in UTF-8");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut loaded = Vec::new();
    for page in pages() {
        for (place, block) in blocks(&page, &["toml"]) {
            toml_span::parse(&block).unwrap_or_else(|error| panic!("{place}: {error}"));
            let whole = block.contains("[account]") && block.contains("[strategy]");
            if !whole && !block.starts_with("extends") {
                continue;
            }
            // As if it lay in scenarios/, where its paths lead.
            let there = |key: &str| format!("{key} = \"{home}/");
            let block = block.replace("path = \"", &there("path")).replace("extends = \"", &there("extends"));
            let path = folder.path().join("scenario.toml");
            fs::write(&path, block).expect("a file");
            let scenario = scenario::load(&path, &[], &registry())
                .unwrap_or_else(|failure| panic!("{place}: {}", failure.render(false)));
            loaded.push(scenario.settings.name);
        }
    }
    for name in ["gold-two", "gold-hedging"] {
        assert!(loaded.iter().any(|loaded| loaded == name), "{name} is not among {loaded:?}");
    }
}

#[test]
fn commands_are_understood() {
    let mut understood = 0;
    for page in pages() {
        for (place, block) in blocks(&page, &["sh", "console", "text"]) {
            for line in block.lines() {
                let line = line.strip_prefix("$ ").unwrap_or(line);
                let example = "cargo run --release -p genovo --example my_strategy -- ";
                let line = line.replace(example, "genovo ");
                if !line.starts_with("genovo ") {
                    continue;
                }
                let words = words(&line);
                if let Err(error) = genovo::command().try_get_matches_from(&words) {
                    panic!("{place}: {words:?}: {error}");
                }
                understood += 1;
            }
        }
    }
    assert!(understood >= 10, "{understood} commands");
}

/// A line as a shell cuts it: quotes hold together; a comment, two spaces before one, or a pipe ends it.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for c in line.split("   ").next().unwrap_or(line).chars() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (Some(_), _) => word.push(c),
            (None, '\'' | '"') => quote = Some(c),
            (None, ' ') if !word.is_empty() => words.push(std::mem::take(&mut word)),
            (None, ' ') => {}
            (None, '#' | '|' | ';' | '>' | '&') if word.is_empty() => break,
            (None, ';') => break,
            (None, _) => word.push(c),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

#[test]
fn the_guides_program_is_the_example() {
    let example = fs::read_to_string(repository("cli/examples/my_strategy.rs")).expect("the example");
    let (mut rest, mut shown) = (example.as_str(), 0);
    for (place, block) in blocks(&repository("docs/your-own-strategy.md"), &["rust"]) {
        let at = rest.find(&block).unwrap_or_else(|| panic!("{place} is not what comes next in the example"));
        rest = &rest[at + block.len()..];
        shown += block.lines().count();
    }
    let lines = example.lines().filter(|line| !line.is_empty() && !line.starts_with("//")).count();
    assert!(shown + 3 >= lines, "the guide shows {shown} of {lines} lines");
}

#[test]
fn links_lead_somewhere() {
    for page in pages() {
        let text = fs::read_to_string(&page).expect("a page");
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = target.split('#').next().unwrap_or_default();
            if file.is_empty() || file.contains("://") {
                continue;
            }
            let path = page.parent().expect("a folder").join(file);
            assert!(path.exists(), "{}: {target} leads nowhere", page.display());
        }
    }
}
