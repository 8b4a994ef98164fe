//! Columns selected while a run goes on: inputs that a replay, a live session and a verification agree on.

use genovo::engine::event::{Event, Fact, FeaturesReselected};
use genovo::engine::features::select::hash;

use crate::support::Folder;

const SCENARIO: &str = r#"
[account]
cash = "100,000 USD"
[[instruments]]
symbol = "ABC"
tick = 0.01
[[data]]
path = "abc.csv"
kind = "quotes"
[strategy]
kind = "buy-and-hold"
decide = "60 s"
[risk]
max_per_trade = "50 %"
max_total = "100 %"
distance = "1 %"
"#;

const START: i64 = 1_400_000_010;
const QUOTES: i64 = 4_000;

/// A quote every five seconds, of a price that wanders by the bits of a counter.
fn quotes() -> String {
    let (mut text, mut price) = ("ts_ns,bid,ask\n".to_string(), 10_000_i64);
    for step in 0..QUOTES {
        let mix = (step as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        price += (mix >> 61) as i64 - 3 + (price < 9_000) as i64;
        let (bid, ask) = (price as f64 / 100.0, (price + 2) as f64 / 100.0);
        text.push_str(&format!("{}000000000,{bid:.2},{ask:.2}\n", START + 5 * step));
    }
    text
}

fn folder(features: &str, files: &[(&str, &str)]) -> Folder {
    let folder = Folder::new(files);
    folder.write("abc.csv", &quotes());
    folder.write("scenario.toml", &format!("{SCENARIO}\n[features]\n{features}\n"));
    folder
}

/// Every selection: seconds since the start, and what it holds.
fn selections(events: &[Event]) -> Vec<(f64, FeaturesReselected)> {
    let one = |event: &Event| match &event.fact {
        Fact::FeaturesReselected(selected) => {
            let time = event.header.time_received.0 - START * 1_000_000_000;
            Some((time as f64 / 1e9, (**selected).clone()))
        }
        _ => None,
    };
    events.iter().filter_map(one).collect()
}

#[test]
fn a_schedule_selects_the_same_live_and_in_a_replay() {
    let run = folder(
        "columns = \"momentum, calendar\"\ntimeframes = \"30 s, 1 min, 2 min, 5 min\"\nslots = 8\n\
         reselect = \"200 bars\"\nreselect_window = 300\nreselect_after = \"10 s\"",
        &[],
    );
    run.done(&["replay", "scenario.toml", "--inline", "--journal", "run"]);
    run.done(&["replay", "scenario.toml", "--pipelined", "--journal", "again"]);
    run.done(&["live", "scenario.toml", "--speed", "max", "--journal", "session"]);
    let (inline, again) = (run.events("run"), run.events("again"));
    assert_eq!(inline, again);
    let found = selections(&inline);
    assert!(found.len() >= 2, "{found:?}");
    // Bar 200 ends after 6,000 s; 10 s later the selection holds.
    assert_eq!(found[0].0, 6_010.0);
    for (_, selected) in &found {
        assert_eq!(selected.columns.len(), 8);
        assert_eq!(selected.hash, hash(&selected.columns));
    }
    assert_ne!(found[0].1, found[1].1);
    assert_eq!(selections(&run.events("session")), found);
    for journal in ["run", "session"] {
        run.done(&["replay", "--verify", journal]);
        run.done(&["audit", "verify", journal]);
    }
    let shown = run.done(&["audit", "show", "run", "--kind", "FeaturesReselected"]);
    assert!(shown.contains("8 columns, list "), "{shown}");
}

#[test]
fn listed_selections_hold_from_their_times_and_count_as_identity() {
    let features = "columns = \"momentum, calendar\"\nslots = 2\nselection = \"list.csv\"";
    let time = START + 100;
    let list = format!("known_at,column\n{time},rsi_14@1m\n{time},asia\n{},asia\n", time + 50);
    let run = folder(features, &[("list.csv", &list), ("names.txt", "# two\nasia\nrsi_7@1m\n")]);
    run.done(&["replay", "scenario.toml", "--journal", "run"]);
    let found = selections(&run.events("run"));
    let names = |names: &[&str]| names.iter().map(|name| name.to_string()).collect::<Vec<_>>();
    let held: Vec<_> = found.iter().map(|(at, selected)| (*at, selected.columns.clone())).collect();
    assert_eq!(held, [(100.0, names(&["rsi_14@1m", "asia"])), (150.0, names(&["asia"]))]);
    run.done(&["replay", "--verify", "run"]);
    // A list without times holds from the first event on.
    let set = "features.selection=names.txt";
    run.done(&["replay", "scenario.toml", "--set", set, "--journal", "other"]);
    let events = run.events("other");
    let held: Vec<_> =
        selections(&events).iter().map(|(at, selected)| (*at, selected.columns.clone())).collect();
    assert_eq!(held, [(0.0, names(&["asia", "rsi_7@1m"]))]);
    let first_tick = events.iter().position(|event| matches!(event.fact, Fact::QuoteChanged(_)));
    let selection = events.iter().position(|event| matches!(event.fact, Fact::FeaturesReselected(_)));
    assert!(selection < first_tick);
    assert_ne!(run.events("run")[0].fact, events[0].fact, "the list is part of the identity");
}

#[test]
fn selections_that_cannot_be_are_refused_with_the_place() {
    let case = |features: &str, list: &str| {
        let run = folder(features, &[("list.csv", list)]);
        run.refused(&["check", "scenario.toml"])
    };
    let base = "columns = \"momentum\"\nslots = 2\nselection = \"list.csv\"";
    let error = case(base, "known_at,column\n2014-05-05,rsi_15@1m\n");
    assert!(error.contains("the run computes no column `rsi_15@1m`"), "{error}");
    let error = case(base, "known_at,column\nsoon,rsi_14@1m\n");
    assert!(error.contains("list.csv") && error.contains("is no time such as"), "{error}");
    let error = case("columns = \"momentum\"\nslots = 2", "");
    assert!(error.contains("nothing says which columns the slots show"), "{error}");
    let error = case("columns = \"momentum\"\nreselect = \"200 bars\"", "");
    assert!(error.contains("how many columns a model is given"), "{error}");
    let error = case("columns = \"momentum\"\nslots = 4000000000\nreselect = \"9 bars\"", "");
    assert!(error.contains("at most 65536"), "{error}");
    let error = case("columns = \"momentum\"\nslots = 2\nreselect = \"often\"", "");
    assert!(error.contains("`often` is no number of bars"), "{error}");
    let error = case(
        "columns = \"momentum\"\nslots = 2\nreselect = \"9 bars\"\nreselect_window = 20\n\
         reselect_horizon = 5",
        "",
    );
    assert!(error.contains("a window of 20 bars is too short"), "{error}");
}
