//! The program of `docs/your-own-strategy.md`: it trades, verifies its own runs, and plain genovo refuses
//! them.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// `cargo test` builds examples beside the tests: `target/debug/deps/example-…`, `target/debug/examples/`.
/// With `--test example` alone it does not, and the program is built here.
fn my_strategy() -> PathBuf {
    let test = std::env::current_exe().expect("this test");
    let profile = test.parent().and_then(Path::parent).expect("a profile's directory");
    let program = profile.join("examples").join(format!("my_strategy{}", std::env::consts::EXE_SUFFIX));
    if !program.exists() {
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "-p", "genovo", "--example", "my_strategy", "--target-dir"]);
        build.arg(profile.parent().expect("a target directory"));
        if profile.ends_with("release") {
            build.arg("--release");
        }
        assert!(build.status().expect("cargo starts").success(), "{build:?}");
    }
    program
}

fn run(program: &Path, folder: &Path, arguments: &[&str]) -> Output {
    Command::new(program).args(arguments).current_dir(folder).output().expect("the program starts")
}

fn json(program: &Path, folder: &Path, arguments: &[&str]) -> Value {
    let output = run(program, folder, arguments);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("one JSON object")
}

const SCENARIO: &str = r#"
[account]
cash = "100,000 USD"
[[instruments]]
symbol = "ABC"
tick = 0.01
margin = "10 %"
[data]
path = "bars.csv"
kind = "bars"
interval = "1 day"
[strategy]
kind = "trend"
bars = 5
quantity = 100
"#;

#[test]
fn ones_own_strategy_trades_and_verifies() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    let mut bars = String::from("time,open,high,low,close,volume\n");
    for day in 0..200_i64 {
        // Up for thirty days, down for thirty days.
        let close = 100 + (day % 60 - 30).abs();
        let time = 1_700_000_000 + day * 86_400;
        bars.push_str(&format!("{time},{close},{}.5,{}.5,{close},1000\n", close, close - 1));
    }
    std::fs::write(folder.join("bars.csv"), bars).expect("a file");
    std::fs::write(folder.join("trend.toml"), SCENARIO).expect("a file");
    let (mine, genovo) = (my_strategy(), PathBuf::from(env!("CARGO_BIN_EXE_genovo")));

    let listed = run(&mine, folder, &["check", "--strategies"]);
    assert!(String::from_utf8_lossy(&listed.stdout).contains("trend"), "{listed:?}");
    let replayed = json(&mine, folder, &["replay", "trend.toml", "--journal", "run", "--json"]);
    assert!(replayed["fills"].as_u64() > Some(3), "{replayed}");
    let verified = json(&mine, folder, &["replay", "--verify", "run", "--json"]);
    assert_eq!(verified["verified"], true);

    for arguments in [&["replay", "trend.toml"][..], &["replay", "--verify", "run"]] {
        let refused = run(&genovo, folder, arguments);
        let said = String::from_utf8_lossy(&refused.stderr);
        assert_eq!(refused.status.code(), Some(2), "{said}");
        assert!(said.contains("trend") && said.contains("unknown"), "{said}");
    }
}
