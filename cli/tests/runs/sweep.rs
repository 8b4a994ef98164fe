//! `genovo sweep`: one market for many settings, nothing run twice, every trial on record.

use serde_json::Value;

use crate::support::{EMA_CROSS, Folder, swinging_quotes};

/// A folder with the scenario and two thousand quotes that swing.
fn folder() -> Folder {
    Folder::new(&[("quotes.csv", &swinging_quotes()), ("small.toml", EMA_CROSS)])
}

const GRID: [&str; 9] =
    ["sweep", "small.toml", "--grid", "strategy.fast", "2..4", "--grid", "strategy.slow", "5", "9"];

#[test]
fn a_trial_is_the_run_that_replay_makes() {
    let folder = folder();
    let swept = folder.json(&GRID);
    let trials = swept["best_first"].as_array().expect("trials");
    assert_eq!((trials.len(), &swept["new"]), (6, &Value::from(6)));
    for trial in trials {
        let sets: Vec<String> = trial["set"]
            .as_array()
            .expect("changes")
            .iter()
            .map(|pair| format!("{}={}", pair[0].as_str().unwrap(), pair[1].as_str().unwrap()))
            .collect();
        let arguments: Vec<&str> =
            ["replay", "small.toml"].into_iter().chain(sets.iter().flat_map(|set| ["--set", set])).collect();
        let replayed = folder.json(&arguments);
        assert_eq!(replayed["run_id"], trial["run"]);
        assert_eq!(replayed["state_hash"], trial["outcome"]["state_hash"]);
        assert_eq!(replayed["final_equity_exact"], trial["outcome"]["equity"]);
    }
    // Ranked by what they are ranked by.
    let sharpe = |trial: &Value| trial["outcome"]["sharpe"].as_f64().expect("enough bars");
    assert!(trials.windows(2).all(|pair| sharpe(&pair[0]) >= sharpe(&pair[1])));
    assert!(trials.iter().any(|trial| trial["outcome"]["trades"].as_u64() > Some(3)));
    let page = folder.read("runs/sweep-small/report.html");
    assert!(page.contains("Change of equity by strategy.fast and strategy.slow"));
    assert!(!page.contains("NaN"));
}

#[test]
fn nothing_is_run_twice_and_every_trial_counts() {
    let folder = folder();
    let first = folder.json(&[&GRID[..], &["--threads", "1"]].concat());
    let log = folder.read("runs/sweep-small/trials.jsonl");
    // Another number of threads, and half of the grid anew: the log is as it would be with one.
    let again = folder.json(&[&GRID[..], &["13", "--threads", "3"]].concat());
    assert_eq!((&again["new"], &again["trials"]), (&Value::from(3), &Value::from(9)));
    assert_eq!(again["trials_in_log"], 9);
    let longer = folder.read("runs/sweep-small/trials.jsonl");
    assert!(longer.starts_with(&log));
    // What the best is worth depends on how many were tried.
    let deflated = |answer: &Value, run: &Value| {
        let trials = answer["best_first"].as_array().expect("trials");
        let trial = trials.iter().find(|trial| trial["run"] == *run).expect("the trial");
        trial["deflated_sharpe"].as_f64().expect("enough bars")
    };
    let best = &first["best_first"][0]["run"];
    assert!((0.0..=1.0).contains(&deflated(&again, best)));
    assert_ne!(deflated(&again, best), deflated(&first, best));
    // With three threads from the beginning the log has the same bytes.
    let elsewhere = folder.json(&[&GRID[..], &["--threads", "3", "--log", "other.jsonl"]].concat());
    assert_eq!(elsewhere["new"], 6);
    assert_eq!(folder.read("other.jsonl"), log);
    assert_eq!(elsewhere["log_head"], first["log_head"]);
    // A trial that is left out shows.
    let lines: Vec<&str> = longer.lines().collect();
    let shorter = format!("{}\n{}\n", lines[0], lines[2..].join("\n"));
    folder.write("runs/sweep-small/trials.jsonl", &shorter);
    let refused = folder.genovo(&GRID);
    assert_eq!(refused.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("line 2"), "{refused:?}");
}

#[test]
fn what_cannot_be_swept_is_said() {
    let folder = folder();
    folder.write("list.jsonl", "{\"strategy.fast\": 3}\n{\"risk.max_total\": \"4 %\"}\n");
    let listed = folder.json(&["sweep", "small.toml", "--list", "list.jsonl"]);
    assert_eq!(listed["trials"], 2);
    let table = [
        (vec!["--grid", "strategy.fats", "1", "2"], "did you mean `fast`?"),
        (vec!["--grid", "data.tiles", "1", "2"], "has another market"),
        (vec!["--grid", "strategy.fast", "9..3"], "is no range"),
        (vec!["--grid", "strategy.fast"], "--grid"),
        (vec!["--grid", "seed", "1", "2", "--grid", "seed", "3"], "is in the grid twice"),
        (vec!["--list", "none.jsonl"], "cannot read the list"),
    ];
    for (arguments, said) in table {
        let error = folder.refused(&[&["sweep", "small.toml"][..], &arguments].concat());
        assert!(error.contains(said), "{said}: {error}");
    }
}
