//! The tools around runs: help of every command, completions, manual pages, `init`, `doctor`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn run(program: &Path, folder: &Path, arguments: &[&str]) -> Output {
    Command::new(program).args(arguments).current_dir(folder).output().expect("the program starts")
}

fn genovo(folder: &Path, arguments: &[&str]) -> Output {
    run(Path::new(env!("CARGO_BIN_EXE_genovo")), folder, arguments)
}

fn says(folder: &Path, arguments: &[&str]) -> String {
    let output = genovo(folder, arguments);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Every command with its words, such as `audit explain`; those that only hold others too.
fn commands() -> Vec<(String, clap::Command)> {
    fn below(words: &str, command: &clap::Command, all: &mut Vec<(String, clap::Command)>) {
        for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
            let name = format!("{words} {}", inner.get_name()).trim().to_string();
            all.push((name.clone(), inner.clone()));
            below(&name, inner, all);
        }
    }
    let mut command = genovo::command().term_width(100);
    command.build();
    let mut all = vec![(String::new(), command.clone())];
    below("", &command, &mut all);
    all
}

/// The help of every command is the manual: `GENOVO_BLESS=1` writes what it has become.
#[test]
fn the_help_of_every_command_is_as_it_was_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots/help");
    let bless = std::env::var_os("GENOVO_BLESS").is_some_and(|value| value == "1");
    let mut known = Vec::new();
    for (words, mut command) in commands() {
        let name = if words.is_empty() { "genovo".to_string() } else { words.replace(' ', "-") };
        let help = command.render_long_help().to_string();
        let path = folder.join(format!("{name}.txt"));
        if bless {
            fs::create_dir_all(&folder).expect("a folder");
            fs::write(&path, &help).expect("a file");
        }
        let expected = fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(help, expected, "{}: GENOVO_BLESS=1 writes it anew", path.display());
        known.push(path);
    }
    for entry in fs::read_dir(&folder).expect("the folder").flatten() {
        assert!(known.contains(&entry.path()), "{} is of no command", entry.path().display());
    }
}

#[test]
fn every_command_has_examples() {
    for (words, mut command) in commands().into_iter().skip(1) {
        let help = command.render_long_help().to_string();
        assert!(help.contains("Examples:") && help.contains("genovo "), "{words}: {help}");
    }
}

#[test]
fn completions_know_the_commands_and_shells_accept_them() {
    let folder = tempfile::tempdir().expect("a folder");
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = says(folder.path(), &["completions", shell]);
        for word in ["replay", "whatif", "pipelined"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
        let file = folder.path().join(shell);
        fs::write(&file, script).expect("a file");
        // Those shells that are installed read it without running anything.
        if let ("bash" | "zsh" | "fish", Ok(output)) =
            (shell, Command::new(shell).arg("-n").arg(&file).output())
        {
            assert!(output.status.success(), "{shell}: {}", String::from_utf8_lossy(&output.stderr));
        }
    }
    let wrong = genovo(folder.path(), &["completions", "csh"]);
    assert_eq!(wrong.status.code(), Some(2));
}

#[test]
fn there_is_a_manual_page_for_every_command() {
    let folder = tempfile::tempdir().expect("a folder");
    let answer: Value =
        serde_json::from_str(&says(folder.path(), &["man", "--out", "man", "--json"])).unwrap();
    let pages = answer["pages"].as_array().expect("pages").len();
    assert!(pages >= commands().len(), "{answer}");
    let page = fs::read_to_string(folder.path().join("man/genovo-replay.1")).expect("a page");
    assert!(page.contains(".TH") && page.contains("genovo replay scenarios/gold.toml"), "{page}");
    let (file, there) = (folder.path().join("file"), ["man", "--out", "file"]);
    fs::write(&file, "kept").expect("a file");
    assert_eq!(genovo(folder.path(), &there).status.code(), Some(1));
    assert_eq!(fs::read_to_string(&file).unwrap(), "kept");
}

#[test]
fn a_new_project_runs_and_nothing_is_overwritten() {
    let folder = tempfile::tempdir().expect("a folder");
    let shown = says(folder.path(), &["init", "demo"]);
    assert!(shown.contains("cd demo && genovo replay scenario.toml"), "{shown}");
    let demo = folder.path().join("demo");
    let replayed: Value = serde_json::from_str(&says(&demo, &["replay", "scenario.toml", "--json"])).unwrap();
    assert!(replayed["ticks"] == 7_200 && replayed["fills"].as_u64() > Some(3), "{replayed}");
    assert!(says(&demo, &["check", "scenario.toml"]).contains("The scenario is good"));
    assert!(says(&demo, &["replay", "--verify", "last"]).contains("equal bit for bit"));
    assert!(says(&demo, &["audit", "explain", "last", "--order", "1"]).contains("quotes.csv line"));

    let before = fs::read_to_string(demo.join("README.md")).unwrap();
    fs::remove_file(demo.join("scenario.toml")).unwrap();
    fs::write(demo.join("README.md"), "mine").unwrap();
    let refused = genovo(folder.path(), &["init", "demo"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(2) && said.contains("is already there"), "{said}");
    assert_eq!(fs::read_to_string(demo.join("README.md")).unwrap(), "mine");
    assert!(!demo.join("scenario.toml").exists() && before.contains("genovo replay scenario.toml"));
}

/// The program is the guide's, which the other tests build and run. With `GENOVO_INIT_BUILD=1` it is built as a project
/// of its own too, offline: some minutes.
#[test]
fn a_project_with_a_strategy_is_the_guides_program() {
    let folder = tempfile::tempdir().expect("a folder");
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    says(folder.path(), &["init", "mine", "--strategy", "--genovo", home.to_str().expect("UTF-8")]);
    let mine = folder.path().join("mine");
    let program = fs::read_to_string(mine.join("src/main.rs")).expect("the program");
    let example = fs::read_to_string(home.join("examples/my_strategy.rs")).expect("the example");
    let code =
        |text: &str| text.lines().skip_while(|line| line.starts_with("//!")).collect::<Vec<_>>().join("\n");
    assert_eq!(code(&program), code(&example));
    let manifest = fs::read_to_string(mine.join("Cargo.toml")).expect("a manifest");
    assert!(manifest.contains("[workspace]") && manifest.contains("genovo = { path = "), "{manifest}");
    let refused = genovo(folder.path(), &["init", "other", "--strategy", "--genovo", "mine"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(!folder.path().join("other").exists());

    if std::env::var_os("GENOVO_INIT_BUILD").is_none() {
        println!("not built as a project of its own: GENOVO_INIT_BUILD=1 does");
        return;
    }
    let target = std::env::var_os("GENOVO_INIT_TARGET").map_or_else(|| mine.join("target"), PathBuf::from);
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--offline", "--target-dir"]).arg(&target).current_dir(&mine);
    assert!(build.status().expect("cargo starts").success(), "{build:?}");
    let built = target.join("debug/my-strategy");
    let replayed = run(&built, &mine, &["replay", "scenario.toml", "--json"]);
    let answer: Value = serde_json::from_slice(&replayed.stdout).expect("one object");
    assert!(answer["fills"].as_u64() > Some(3), "{answer}");
    let verified = run(&built, &mine, &["replay", "--verify", "last"]);
    assert_eq!(verified.status.code(), Some(0), "{}", String::from_utf8_lossy(&verified.stderr));
}

#[test]
fn the_doctor_finds_nothing_that_prevents_a_run_and_says_what_does() {
    let folder = tempfile::tempdir().expect("a folder");
    let shown = says(folder.path(), &["doctor"]);
    for about in [
        "version",
        "processor",
        "kernels",
        "memory",
        "runs",
        "fdatasync",
        "disk",
        "clock",
        "terminal",
        "cuda",
    ] {
        assert!(shown.contains(about), "{about}: {shown}");
    }
    assert!(!folder.path().join("runs").exists(), "looking makes nothing");
    let answer: Value = serde_json::from_str(&says(folder.path(), &["doctor", "--json"])).unwrap();
    assert_eq!(answer["well"], true);
    fs::write(folder.path().join("runs"), "").expect("a file");
    let ill = genovo(folder.path(), &["doctor", "--json"]);
    let answer: Value = serde_json::from_slice(&ill.stdout).expect("one object");
    assert_eq!((ill.status.code(), &answer["well"]), (Some(1), &Value::Bool(false)));
    assert!(String::from_utf8_lossy(&ill.stderr).contains("runs is no folder"));
}
