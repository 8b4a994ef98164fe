//! Several strategies in one account, by the binary: reported, exported, verified, tried otherwise.

use serde_json::Value;

use crate::support::{EMA_CROSS, Folder, swinging_quotes};

/// Two strategies over quotes that swing, in the place of the one that is extended.
fn folder() -> Folder {
    let two = r#"
extends = "small.toml"
name = "two"
[[strategies]]
name = "quick"
kind = "ema-cross"
fast = 2
slow = 5
quantity = 40
budget = "20 %"
[[strategies]]
name = "slow"
kind = "ema-cross"
fast = 4
slow = 12
quantity = 20
budget = "50 %"
decide = "bar_close"
"#;
    Folder::new(&[("quotes.csv", &swinging_quotes()), ("small.toml", EMA_CROSS), ("two.toml", two)])
}

#[test]
fn each_is_told_apart_and_the_run_verifies() {
    let folder = folder();
    let run = folder.json(&["replay", "two.toml", "--journal", "journal", "--report", "report"]);
    let verified = folder.json(&["replay", "--verify", "journal"]);
    assert_eq!(verified["verified"], true);
    let report: Value = serde_json::from_str(&folder.read("report/report.json")).unwrap();
    let each = report["strategies"].as_array().expect("of several strategies");
    assert_eq!(each.len(), 2);
    let sum = |name: &str| each.iter().map(|one| one[name].as_u64().unwrap()).sum::<u64>();
    assert_eq!((Some(sum("orders")), Some(sum("fills"))), (run["orders"].as_u64(), run["fills"].as_u64()));
    assert_eq!(Some(sum("decisions")), run["decisions"].as_u64());
    // 40 of 100 are 4,000 of 10,000, and its budget is a fifth: every order of it that opens is made smaller.
    assert!(each[0]["name"] == "quick" && each[0]["reduced"].as_u64() > Some(3), "{}", each[0]);
    // Commissions and results add up to the account's.
    let amount = |one: &Value, name: &str| one[name].as_str().unwrap().parse::<f64>().unwrap();
    let (result, total) = (&report["result"], report["result"]["total"].as_str().unwrap());
    let results: f64 = each.iter().map(|one| amount(one, "result")).sum();
    let commissions: f64 = each.iter().map(|one| amount(one, "commission")).sum();
    assert!((commissions - amount(result, "commission")).abs() < 1e-9);
    // But for a spread of two hundredths on what offsets at the end.
    assert!((results - total.parse::<f64>().unwrap()).abs() <= 0.02 * 20.0 + 1e-9, "{results} {total}");
    assert!(folder.read("report/report.html").contains("<h2>Strategies</h2>"));

    let orders = folder.done(&["audit", "export", "journal", "--kind", "orders", "--format", "csv"]);
    let of = |name: &str| orders.lines().filter(|line| line.ends_with(&format!(",{name}"))).count() as u64;
    assert_eq!(of("quick"), each[0]["orders"].as_u64().unwrap());
    assert_eq!(of("slow"), each[1]["orders"].as_u64().unwrap());
    let explained = folder.done(&["audit", "explain", "journal", "--order", "1", "--rules"]);
    assert!(explained.contains("quick →") && explained.contains("budget"), "{explained}");
}

#[test]
fn what_if_and_set_reach_them() {
    let folder = folder();
    folder.json(&["replay", "two.toml", "--journal", "journal"]);
    let more = ["audit", "whatif", "journal", "--set", "strategies.1.budget=100 %", "--journal", "branch"];
    folder.json(&more);
    let settings = folder.events("branch");
    let started = settings.iter().find_map(|event| match &event.fact {
        genovo::engine::event::Fact::RunStarted(started) => Some(started.settings.clone()),
        _ => None,
    });
    let settings: Value = serde_json::from_str(&started.unwrap()).unwrap();
    assert_eq!(settings["strategies"][0]["budget"], "1");
    assert_eq!(settings["strategies"][1]["budget"], "0.5");
    // In its middle who shares the account cannot change.
    let order = ["audit", "whatif", "journal", "--set", "strategies.1.budget=100 %", "--from", "65536000"];
    assert!(folder.refused(&order).contains("cannot change in the middle of a run"));
    // One strategy said by --set stands in the place of those of the file.
    let one = folder.json(&["replay", "two.toml", "--set", "strategy.kind=flat", "--journal", "flat"]);
    assert_eq!(one["orders"], 0);
}
