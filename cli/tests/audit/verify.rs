//! `audit verify`: an intact journal, a changed one, and what is none.

use std::fs;

use genovo_engine::event::{Fact, RunStarted};
use genovo_engine::ids::Hash;
use genovo_journal::{Identity, Journal, Writer};

use crate::support::Folder;

#[test]
fn an_intact_journal_is_said_to_be_intact() {
    let folder = Folder::replayed(&[]);
    let text = folder.says(&["audit", "verify", "run"]);
    assert!(text.starts_with("run is intact\n  events  "), "{text}");
    let (answer, exit) = folder.answers(&["audit", "verify", "run", "--json"]);
    assert_eq!(exit, 0);
    assert_eq!(answer["intact"], true);
    assert_eq!(answer["first_damage"], serde_json::Value::Null);
    assert!(answer["events"].as_u64().is_some_and(|events| events > 300));
    assert!(answer["head_hash"].as_str().is_some_and(|hash| hash.starts_with("b3:")));
    assert_eq!(
        folder.says(&["audit", "verify", "run", "--rebuild"]).lines().next(),
        Some("The store needed no rebuilding.")
    );
}

#[test]
fn last_is_the_newest_journal() {
    let folder = Folder::new();
    for seed in ["seed=1", "seed=2"] {
        let (run, exit) = folder.answers(&["replay", "small.toml", "--set", seed, "--json"]);
        assert_eq!(exit, 0);
        for command in [&["verify", "last"][..], &["show", "last"], &["explain", "last", "--order", "1"]] {
            assert_eq!(folder.genovo(&[&["audit"], command].concat()).status.code(), Some(0), "{command:?}");
        }
        let (found, _) = folder.answers(&["audit", "verify", "last", "--json"]);
        assert_eq!(found["head_hash"], run["head_hash"]);
    }
}

#[test]
fn a_flipped_byte_is_found_and_its_place_is_named() {
    let folder = Folder::replayed(&[]);
    folder.flip("run/chapter-000001/chapter.blocks", |length| length / 2);
    let (error, exit) = folder.fails(&["audit", "verify", "run"]);
    assert_eq!(exit, 3);
    for part in [
        "error: the journal was changed after it was sealed\n",
        "chapter.blocks, block 1 of 1, events 1 to ",
        "sealed ",
        "recomputed ",
        "Do not append to this journal.",
    ] {
        assert!(error.contains(part), "{part}\n{error}");
    }
    let (answer, exit) = folder.answers(&["audit", "verify", "run", "--json"]);
    assert_eq!(exit, 3);
    assert_eq!(answer["intact"], false);
    assert_eq!(answer["first_damage"]["block"], 1);
    assert_eq!(answer["first_damage"]["intact_events"], 0);
    // Nothing is explained from a journal that is not what it was.
    let (_, exit) = folder.fails(&["audit", "explain", "run", "--order", "1"]);
    assert_eq!(exit, 3);
    let (_, exit) = folder.fails(&["audit", "verify", "run", "--rebuild"]);
    assert_eq!(exit, 3);
}

#[test]
fn a_damaged_store_is_made_anew_from_the_blocks() {
    let folder = Folder::replayed(&[]);
    let (before, _) = folder.answers(&["audit", "verify", "run", "--json"]);
    folder.flip("run/chapter-000001/store/db", |length| length / 2);
    let (error, exit) = folder.fails(&["audit", "verify", "run"]);
    assert_eq!(exit, 3);
    assert!(error.contains("genovo audit verify --rebuild run"), "{error}");
    let text = folder.says(&["audit", "verify", "run", "--rebuild"]);
    assert!(text.starts_with("The store was made anew.\nrun is intact\n"), "{text}");
    let (after, exit) = folder.answers(&["audit", "verify", "run", "--json"]);
    assert_eq!((exit, &after["head_hash"]), (0, &before["head_hash"]));
}

#[test]
fn what_is_no_sealed_journal_is_refused() {
    let folder = Folder::replayed(&[]);
    fs::create_dir(folder.path("empty")).unwrap();
    let (error, exit) = folder.fails(&["audit", "verify", "empty"]);
    assert_eq!(exit, 2);
    assert!(error.contains("is no journal"), "{error}");

    fs::remove_file(folder.path("run/chapter-000001/seal.toml")).unwrap();
    for command in [&["verify", "run"][..], &["show", "run"], &["explain", "run", "--order", "1"]] {
        let (error, exit) = folder.fails(&[&["audit"], command].concat());
        assert_eq!(exit, 1, "{error}");
        assert!(error.contains("incomplete") && error.contains("run the scenario again"), "{error}");
    }
    let (error, exit) = folder.fails(&["audit", "verify", "last"]);
    assert_eq!(exit, 2);
    assert!(error.contains("there is no last journal"), "{error}");
}

#[test]
fn a_seal_of_another_format_is_another_build_s() {
    let folder = Folder::replayed(&[]);
    let seal = folder.path("run/chapter-000001/seal.toml");
    let text = fs::read_to_string(&seal).unwrap();
    fs::write(&seal, text.replace("format = 1", "format = 9")).unwrap();
    for command in [&["verify", "run"][..], &["show", "run"], &["diff", "run", "run"]] {
        let (error, exit) = folder.fails(&[&["audit"], command].concat());
        assert_eq!(exit, 2, "{error}");
        assert!(error.contains("seal format 9 is unknown to this build, which reads 1"), "{error}");
    }
}

/// Writes the journal `run` once more, whole and sealed, with another first event.
pub fn forge(folder: &Folder, name: &str, version: &str, change: impl Fn(&mut RunStarted)) {
    let identity = Identity { version: version.to_string(), ..Identity::default() };
    let mut writer = Writer::create(&folder.path(name), &identity).expect("a journal");
    for event in Journal::open(&folder.path("run")).expect("a journal").events() {
        let mut event = event.expect("an event");
        if let Fact::RunStarted(started) = &mut event.fact {
            change(started);
        }
        writer.append(&event).expect("an event");
    }
    writer.finish().expect("a seal");
}

/// Three things that are not the same: settings that are damaged, those of another build, and another build's rules.
#[test]
fn damaged_settings_are_not_another_version() {
    let folder = Folder::replayed(&[]);
    let hash = |text: &str| Hash(*blake3::hash(text.as_bytes()).as_bytes());
    let cut = |started: &mut RunStarted| started.settings.truncate(started.settings.len() / 2);
    let cut_and_hashed = |started: &mut RunStarted| {
        cut(started);
        (started.settings_hash, started.logic_version) =
            (hash(&started.settings), genovo_engine::COLUMNS_VERSION);
    };
    let ours = env!("CARGO_PKG_VERSION");
    forge(&folder, "hash", ours, |started| started.settings = started.settings.replace("10000", "10001"));
    forge(&folder, "cut", ours, cut);
    forge(&folder, "resealed", ours, cut_and_hashed);
    forge(&folder, "foreign", "99.0.0", cut_and_hashed);
    forge(&folder, "rules", "99.0.0", |started| started.logic_version = 99);
    let table = [
        ("hash", 3, "the settings in hash are damaged: they have not the hash"),
        ("cut", 3, "the settings in cut are damaged: they have not the hash"),
        ("resealed", 3, "the settings in resealed are damaged: "),
        ("foreign", 2, "the settings in foreign cannot be read: "),
        ("rules", 2, "rules was written under logic version 99; this build has "),
    ];
    for (journal, expected, part) in table {
        let (error, exit) = folder.fails(&["replay", "--verify", journal]);
        assert!(exit == expected && error.contains(part), "{journal}: {exit}\n{error}");
        assert!(error.contains("Nothing was recomputed."), "{error}");
    }
}
