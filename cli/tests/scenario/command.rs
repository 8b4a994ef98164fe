//! `genovo check` as a program: exit codes, what goes to which stream, help.

use std::process::{Command, Output};

use crate::support::{Folder, SMALL, snapshot};

fn genovo(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_genovo")).args(arguments).output().expect("the genovo binary")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

#[test]
fn a_good_scenario_is_explained() {
    let folder = Folder::new();
    let path = folder.write("small.toml", SMALL);
    let path = path.to_str().unwrap();
    let output = genovo(&["check", path, "--set", "strategy.kind=flat"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let shown = text(&output.stdout).replace(&format!("{}/", folder.path().display()), "");
    snapshot("check.txt", &shown);
    assert!(output.stderr.is_empty());

    let output = genovo(&["check", path, "--set", "strategy.kind=flat", "--json"]);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    assert_eq!(json["scenario"], "small");
    assert_eq!(json["settings"]["account"]["cash"], "100000");
    assert!(json["settings_hash"].as_str().is_some_and(|hash| hash.starts_with("b3:")));
}

#[test]
fn a_wrong_scenario_is_exit_2_and_plain_when_piped() {
    let folder = Folder::new();
    let path = folder.write("small.toml", SMALL.replace("tick", "tik"));
    let output = genovo(&["check", path.to_str().unwrap(), "--set", "strategy.kind=flat", "--json"]);
    assert_eq!(output.status.code(), Some(2));
    let shown = text(&output.stderr);
    assert!(shown.starts_with("error: ") && shown.ends_with("Nothing was run.\n"), "{shown}");
    assert!(!shown.contains('\x1b'));
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    assert_eq!(json["error"]["exit"], 2);
}

#[test]
fn wrong_usage_is_exit_2() {
    for arguments in [&["check"][..], &["chekc"], &["check", "--keys", "riks"], &["check", "nowhere.toml"]] {
        let output = genovo(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn help_and_lists_are_exit_0() {
    for arguments in [&["--help"][..], &["--version"], &["check", "--keys"], &["check", "--keys", "risk"]] {
        assert_eq!(genovo(arguments).status.code(), Some(0), "{arguments:?}");
    }
    snapshot("help_check.txt", &text(&genovo(&["check", "--help"]).stdout));
}
