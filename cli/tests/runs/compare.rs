//! `genovo compare`: runs that are alike, runs of another size, runs that decide otherwise.

use serde_json::Value;

use crate::support::{EMA_CROSS, Folder};

/// Two thousand quotes, a second apart, that rise and fall.
fn folder() -> Folder {
    let mut quotes = String::from("ts_ns,bid,ask,bid_size,ask_size\n");
    for row in 0..2_000_i64 {
        let cents = 10_000 + (row % 300 - 150).abs() * 3 + (row * row % 41) - (row % 7) * 2;
        let price = |cents: i64| format!("{}.{:02}", cents / 100, cents % 100);
        let time = (1_700_000_000 + row) * 1_000_000_000;
        quotes.push_str(&format!("{time},{},{},50,50\n", price(cents), price(cents + 4)));
    }
    let folder = Folder::new(&[("quotes.csv", &quotes), ("s.toml", EMA_CROSS)]);
    for (journal, sets) in [
        ("a", &[][..]),
        ("same", &[]),
        ("half", &["strategy.quantity=10"]),
        ("fast", &["strategy.fast=3", "strategy.slow=9"]),
    ] {
        let sets: Vec<&str> = sets.iter().flat_map(|set| ["--set", set]).collect();
        folder.done(&[&["replay", "s.toml", "--journal", journal], &sets[..]].concat());
    }
    folder
}

fn exact(value: &Value) -> i128 {
    let text = value.as_str().unwrap_or_else(|| panic!("an amount: {value}"));
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let number = |text: &str| text.trim_start_matches('-').parse::<i128>().unwrap();
    sign * (number(whole) * 1_000_000_000 + format!("{decimals:0<9}").parse::<i128>().unwrap())
}

fn figure<'a>(answer: &'a Value, name: &str) -> &'a Value {
    let figures = answer["figures"].as_array().expect("figures");
    figures.iter().find(|figure| figure["name"] == name).unwrap_or_else(|| panic!("{name}: {figures:?}"))
}

#[test]
fn runs_are_compared_to_the_first() {
    let folder = folder();
    let answer = folder.json(&["compare", "a", "same", "half", "fast"]);
    let labels: Vec<_> = answer["runs"].as_array().unwrap().iter().map(|run| run["label"].clone()).collect();
    assert_eq!(labels, ["A", "B", "C", "D"]);

    // Equal runs: no cause, no flip, and an interval that is zero at both ends.
    let same = &answer["causes"][0];
    assert!(
        ["total", "market", "sizing", "spread", "commission"].iter().all(|cause| same[cause] == "0"),
        "{same}"
    );
    let flips = &answer["decisions"][0];
    assert_eq!((&flips["flipped"], &flips["only_first"]), (&Value::from(0), &Value::from(0)));
    assert!(flips["alike"].as_u64() > Some(10), "{flips}");
    let returns = figure(&answer, "return");
    assert_eq!(returns["intervals_of_differences"][1], serde_json::json!({ "low": 0.0, "high": 0.0 }));
    let interval = &returns["intervals"][0];
    let value = returns["values"][0].as_f64().unwrap();
    assert!(
        interval["low"].as_f64().unwrap() < value && value < interval["high"].as_f64().unwrap(),
        "{returns}"
    );
    assert_eq!(answer["intervals"]["returns_of"], "bar");
    assert_eq!(answer["intervals"]["paired"], true);

    // Half the size in the same direction: the market part is the touch at which the last position is marked (half the
    // spread of 0.04 on 10), the rest is size and costs.
    let half = &answer["causes"][1];
    assert!((exact(&half["market"]) - 200_000_000).abs() <= 20_000_000, "{half}");
    assert!(
        exact(&half["sizing"]) != 0 && exact(&half["spread"]) > 0 && exact(&half["commission"]) > 0,
        "{half}"
    );
    assert_eq!(answer["decisions"][1]["resized"], answer["decisions"][0]["alike"]);

    // Other averages: they decide at other times.
    let fast = &answer["decisions"][2];
    assert!(fast["only_first"].as_u64() > Some(0) && fast["only_other"].as_u64() > Some(0), "{fast}");
    assert!(fast["list"].as_array().is_some_and(|list| !list.is_empty() && list.len() <= 10), "{fast}");
    assert!(exact(&answer["causes"][2]["market"]) != 0);

    for (run, causes) in answer["causes"].as_array().unwrap().iter().enumerate() {
        let parts = ["market", "sizing", "spread", "slippage", "commission"];
        let sum: i128 = parts.iter().map(|part| exact(&causes[part])).sum();
        assert_eq!(sum, exact(&causes["total"]), "{causes}");
        let equity = |run: usize| exact(&answer["runs"][run]["final_equity"]);
        assert_eq!(exact(&causes["total"]), equity(run + 1) - equity(0));
    }
    let keys: Vec<_> = answer["settings"].as_array().unwrap().iter().map(|row| row["key"].clone()).collect();
    assert_eq!(
        keys,
        ["strategy.parameters.fast", "strategy.parameters.quantity", "strategy.parameters.slow"]
    );
}

#[test]
fn text_and_page_say_the_same_and_repeat() {
    let folder = folder();
    let shown = folder.done(&["compare", "a", "fast", "--report", "page", "--decisions", "2"]);
    for part in
        ["Settings that differ", "Figures", "What made the difference", "Decisions of B beside A", "95 %"]
    {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let page = folder.read("page/report.html");
    for part in
        ["Settings that differ", "Figures", "What made the difference", "Decisions of B beside A", "uPlot"]
    {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("src="), "nothing is loaded");
    assert_eq!(shown, folder.done(&["compare", "a", "fast", "--report", "page", "--decisions", "2"]));
    let bare = folder.done(&["compare", "a", "fast", "--resamples", "0"]);
    assert!(!bare.contains("bootstrap") && bare.contains("no intervals"), "{bare}");
    let other = folder.json(&["compare", "a", "fast", "--seed", "2"]);
    let first = folder.json(&["compare", "a", "fast"]);
    assert_ne!(figure(&first, "return")["intervals"], figure(&other, "return")["intervals"]);
    assert_eq!(figure(&first, "return")["values"], figure(&other, "return")["values"]);
}

#[test]
fn wrong_usage_is_exit_2() {
    let folder = folder();
    for arguments in
        [&["compare", "a"][..], &["compare", "a", "nowhere"], &["compare", "a", "same", "--resamples", "7"]]
    {
        assert!(!folder.refused(arguments).is_empty(), "{arguments:?}");
    }
}
