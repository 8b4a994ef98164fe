//! `--symbol`: a run of some of a scenario's instruments, from files and from market journals; `-v` beside it.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn genovo(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_genovo")).args(arguments).current_dir(folder).output().expect("genovo")
}

fn json(folder: &Path, arguments: &[&str]) -> Value {
    let output = genovo(folder, arguments);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("one object")
}

/// A folder with two instruments, each with ten bars, and a scenario over both.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let mut scenario =
        String::from("[account]\ncash = \"10,000 USD\"\n[strategy]\nkind = \"buy-and-hold\"\n");
    for (symbol, price) in [("AAA", 10), ("BBB", 20)] {
        let mut bars = String::from("time,open,high,low,close,volume\n");
        for day in 0..10 {
            let (time, price) = (1_700_000_000 + day * 86_400, price + day);
            bars.push_str(&format!("{time},{price},{price},{price},{price},100\n"));
        }
        std::fs::write(folder.path().join(format!("{symbol}.csv")), bars).expect("a file");
        scenario.push_str(&format!("[[instruments]]\nsymbol = \"{symbol}\"\ntick = 0.01\n"));
        scenario.push_str(&format!("[[data]]\ninstrument = \"{symbol}\"\npath = \"{symbol}.csv\"\n"));
        scenario.push_str("kind = \"bars\"\ninterval = \"1 day\"\n");
    }
    std::fs::write(folder.path().join("two.toml"), scenario).expect("a file");
    folder
}

#[test]
fn one_instrument_is_a_run_of_its_own() {
    let folder = folder();
    let folder = folder.path();
    let both = json(folder, &["replay", "two.toml", "--journal", "both", "--json"]);
    let one = json(folder, &["replay", "two.toml", "--symbol", "BBB", "--journal", "one", "--json"]);
    assert_eq!((&both["ticks"], &one["ticks"]), (&Value::from(20), &Value::from(10)));
    assert_ne!(both["run_id"], one["run_id"]);
    let named = json(
        folder,
        &["replay", "two.toml", "--symbol", "BBB", "--symbol", "AAA", "--journal", "named", "--json"],
    );
    assert_eq!(named["head_hash"], both["head_hash"], "all instruments named is none left out");
    assert_eq!(json(folder, &["replay", "--verify", "one", "--json"])["verified"], true);

    // Two market journals in one: the other instrument's events are passed over.
    let import =
        ["import", "AAA.csv", "BBB.csv", "--instrument", "AAA", "--instrument", "BBB", "--kind", "bars"];
    let more = ["--interval", "1 day", "--out", "market", "--json"];
    json(folder, &[&import[..], &more].concat());
    let scenario = std::fs::read_to_string(folder.join("two.toml")).unwrap();
    let (head, _) = scenario.split_once("[[instruments]]").unwrap();
    let instruments =
        "[[instruments]]\nsymbol = \"AAA\"\ntick = 0.01\n[[instruments]]\nsymbol = \"BBB\"\ntick = 0.01\n";
    std::fs::write(folder.join("market.toml"), format!("{head}{instruments}[data]\npath = \"market\"\n"))
        .unwrap();
    let journal = json(folder, &["replay", "market.toml", "--symbol", "BBB", "--journal", "m", "--json"]);
    assert_eq!(journal["ticks"], 10);
    assert_eq!(journal["final_equity_exact"], one["final_equity_exact"]);
}

#[test]
fn an_unknown_instrument_is_refused_by_name() {
    let folder = folder();
    let output = genovo(folder.path(), &["check", "two.toml", "--symbol", "BBC"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("no instrument `BBC`") && said.contains("did you mean `BBB`?"), "{said}");
}

#[test]
fn steps_are_said_on_standard_error_when_asked() {
    let folder = folder();
    let run = |flags: &[&str], journal: &str| {
        let output =
            genovo(folder.path(), &[&["replay", "two.toml", "--json", "--journal", journal], flags].concat());
        assert_eq!(output.status.code(), Some(0));
        let answer: Value =
            serde_json::from_slice(&output.stdout).expect("one object, whatever is said beside it");
        (answer["head_hash"].clone(), String::from_utf8(output.stderr).expect("UTF-8"))
    };
    let (quiet, silence) = run(&[], "a");
    let (one, steps) = run(&["-v"], "b");
    let (two, details) = run(&["-vv"], "c");
    let (all, everything) = run(&["--debug"], "d");
    assert_eq!(silence, "");
    assert!(steps.contains("the journal is sealed") && !steps.contains("opened the data"), "{steps}");
    assert!(details.contains("opened the data") && !details.contains(".rs:"), "{details}");
    assert!(everything.contains("sources.rs:"), "{everything}");
    assert!([one, two, all].iter().all(|head| *head == quiet), "saying more changes nothing");
}
