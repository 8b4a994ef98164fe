//! `genovo bench`: every bench runs, names its units, and says what it lacks. How fast it is is no test.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn genovo(folder: &Path, arguments: &[&str]) -> Output {
    let genovo = env!("CARGO_BIN_EXE_genovo");
    Command::new(genovo).args(arguments).current_dir(folder).output().expect("the genovo binary")
}

#[test]
fn every_bench_gives_figures_with_units() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut rows = String::from("ts_ns,bid,ask,bid_size,ask_size\n");
    for row in 0..3_000_i64 {
        let wave = (row % 60 - 30).abs();
        rows.push_str(&format!(
            "{},{}.5,{}.6,5,5\n",
            1_700_000_000_000 + row * 1_000,
            100 + wave,
            100 + wave
        ));
    }
    std::fs::write(folder.path().join("quotes.csv"), rows).expect("a file");
    let arguments = ["bench", "all", "--data", "quotes.csv", "--seconds", "0", "--hgrm", "figures", "--json"];
    let output = genovo(folder.path(), &arguments);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let json: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    assert!(json["machine"]["cores"].as_u64() > Some(0));
    let figures = json["figures"].as_array().expect("a list");
    for bench in ["append", "apply", "replay", "tick-to-order", "scan", "tail", "live", "model"] {
        let of_it: Vec<&Value> = figures.iter().filter(|figure| figure["bench"] == bench).collect();
        assert!(of_it.len() >= 2, "{bench}");
        assert!(of_it.iter().all(|figure| figure["unit"].is_string()), "{bench}");
    }
    let of_orders = figures.iter().find(|figure| figure["figure"] == "quote in → command out").expect("it");
    let at = |key: &str| of_orders[key].as_u64().expect("nanoseconds");
    assert!(at("count") > 0 && at("p50_ns") > 0, "{of_orders}");
    assert!(at("p50_ns") <= at("p99_ns") && at("p99_ns") <= at("p999_ns") && at("p999_ns") <= at("max_ns"));
    let kept = std::fs::read_to_string(folder.path().join("figures/tick-to-order-quote-in-command-out.hgrm"));
    assert!(kept.expect("a distribution").contains("#[Max     ="));
}

#[test]
fn what_is_missing_is_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let output = genovo(folder.path(), &["bench", "apply"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("scenarios/btcusdt.toml is not here") && said.contains("--data FILE"), "{said}");
    let help = genovo(folder.path(), &["bench", "--help"]);
    let help = String::from_utf8_lossy(&help.stdout);
    for name in ["append", "apply", "replay", "tick-to-order", "scan", "tail", "live", "soak", "model", "all"]
    {
        assert!(help.contains(&format!("- {name}:")), "{help}");
    }
}

#[test]
fn a_stall_of_a_live_session_is_seen_by_everything_that_was_due_meanwhile() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let arguments = ["bench", "live", "--rate", "2000", "--for", "900ms", "--stall", "100ms", "--json"];
    let output = genovo(folder.path(), &arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    let json: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    let figures = json["figures"].as_array().expect("a list");
    let figure = |name: &str| {
        let found =
            figures.iter().find(|figure| figure["figure"].as_str().is_some_and(|it| it.contains(name)));
        found.unwrap_or_else(|| panic!("{name} in {json:#}"))
    };
    let orders = figure("tick → order at the broker");
    let at = |figure: &Value, key: &str| figure[key].as_u64().expect("nanoseconds");
    assert!(at(orders, "count") > 10 && at(orders, "p50_ns") > 0, "{orders}");
    assert!(at(orders, "p9999_ns") <= at(orders, "max_ns"), "{orders}");
    assert!(at(orders, "max_ns") >= 50_000_000, "orders of ticks that were due in the stall: {orders}");
    let ticks = figure("every tick");
    assert_eq!(at(ticks, "count"), 1_800, "none is lost: {ticks}");
    assert!(at(ticks, "max_ns") >= 100_000_000, "{ticks}");
    assert!(at(ticks, "p99_ns") >= 50_000_000, "a hundred and more of them waited: {ticks}");
    assert!(figure("orders that waited")["value"].as_f64() >= Some(1.0));
    assert_eq!(json["p50_ns"], orders["p50_ns"], "the first row's percentiles stand at the top too");
    let refused = genovo(folder.path(), &["bench", "tail", "--stall", "1ms"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("genovo bench live"));
}

#[test]
fn a_short_soak_holds_no_more_at_its_end_than_at_half_time() {
    if !cfg!(target_os = "linux") {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let output = genovo(folder.path(), &["bench", "soak", "--rate", "2000", "--for", "4s", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let json: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    let figures = json["figures"].as_array().expect("a list");
    let value = |name: &str| {
        let found = figures.iter().find(|figure| figure["figure"] == name);
        found.and_then(|figure| figure["value"].as_f64()).unwrap_or_else(|| panic!("{name} in {json:#}"))
    };
    assert!(value("orders") >= 5.0 && value("quotes lost") == 0.0);
    let (half, end) = (value("memory at half-time"), value("memory at the end"));
    assert!(half > 1.0 && end < half + 16.0, "MiB: {half}, then {end}");
    assert!(value("handles at the end") <= value("handles, first half"));
}
