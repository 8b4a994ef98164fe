//! A hedging account, by the binary: replayed, reported, explained, tried otherwise, and live on paper.

use std::collections::BTreeMap;

use genovo::engine::event::Fact;
use genovo::engine::tickets::Quantities;
use genovo::engine::units::SCALE;
use serde_json::Value;

use crate::support::{EMA_CROSS, Folder, swinging_quotes};

/// Quotes that rise and fall, so that the hedge comes and goes.
fn folder() -> Folder {
    let hedged = r#"
extends = "small.toml"
name = "hedged"
[account]
positions = "hedging"
[strategy]
kind = "ema-hedge"
quantity = 20
hedge = 10
"#;
    Folder::new(&[("quotes.csv", &swinging_quotes()), ("small.toml", EMA_CROSS), ("hedged.toml", hedged)])
}

fn amount(value: &Value) -> f64 {
    value.as_str().unwrap().parse().unwrap()
}

#[test]
fn positions_are_told_apart_and_the_run_verifies() {
    let folder = folder();
    folder.json(&["replay", "hedged.toml", "--journal", "journal", "--report", "report"]);
    assert_eq!(folder.json(&["replay", "--verify", "journal"])["verified"], true);
    let report: Value = serde_json::from_str(&folder.read("report/report.json")).unwrap();
    assert_eq!(report["equity"]["unexplained"], "0");
    // The long is never closed; every hedge is a trade of its own, opened by one order and closed by the next.
    let trades = report["trades"]["list"].as_array().unwrap();
    assert!(trades.len() > 5, "{}", trades.len());
    for trade in trades {
        assert_eq!(trade["side"], "sell");
        assert_eq!(trade["order_out"].as_u64(), trade["order_in"].as_u64().map(|order| order + 1));
    }
    let open = report["open"].as_array().unwrap();
    assert!(open.iter().any(|one| one["order_in"] == 1 && one["quantity"] == "20"), "{open:?}");
    // What was won and lost is the trades', and what is open.
    let won: f64 = trades.iter().map(|trade| amount(&trade["profit"])).sum();
    let stands: f64 = open.iter().map(|one| amount(&one["profit"])).sum();
    let commissions = amount(&report["result"]["commission"])
        - trades.iter().map(|trade| amount(&trade["commission"])).sum::<f64>();
    let total = amount(&report["result"]["total"]);
    assert!((won + stands - commissions - total).abs() < 1e-9, "{won} {stands} {commissions} {total}");

    let (opened, closed) = (trades[0]["order_in"].to_string(), trades[0]["order_out"].to_string());
    let explained = folder.done(&["audit", "explain", "journal", "--order", &closed]);
    assert!(explained.contains(&format!("off the short that order {opened} opened")), "{explained}");
    assert!(explained.contains(&format!("(order {opened})")), "{explained}");
    let shown = folder.done(&["audit", "show", "journal", "--order", &closed]);
    assert!(shown.contains(&format!("closes position {opened}")), "{shown}");
    assert!(folder.read("report/report.html").contains("by order 1"));
}

/// 20 long need 2,000 of 2,500, and 10 short beside them another 1,000 only where both sides are counted.
#[test]
fn margin_of_both_sides_leaves_no_room_for_the_hedge() {
    let folder = folder();
    let mut hedges = Vec::new();
    for margin in ["larger", "both"] {
        let set = format!("account.hedged_margin={margin}");
        let sets = ["--set", &set, "--set", "account.cash=2500 USD", "--set", "risk.max_total=100 %"];
        let run = [&["replay", "hedged.toml", "--journal", margin, "--report", margin], &sets[..]].concat();
        folder.json(&run);
        assert_eq!(folder.json(&["replay", "--verify", margin])["verified"], true);
        let report: Value = serde_json::from_str(&folder.read(&format!("{margin}/report.json"))).unwrap();
        let settings = &report["settings"]["account"];
        assert_eq!(settings["hedged_margin"].as_str(), (margin == "both").then_some("both"));
        let open = report["open"].as_array().unwrap().iter().any(|one| one["quantity"] == "20");
        assert!(open, "the long stays: {}", report["open"]);
        let by_margin = report["risk"]["by_rule"]["buying_power"]["reduced"].as_u64().unwrap_or(0);
        hedges.push((by_margin > 5, report["trades"]["closed"].as_u64() > Some(5)));
    }
    assert_eq!(hedges, [(false, true), (true, true)]);
}

#[test]
fn the_same_strategy_trades_in_both_kinds_of_account() {
    let folder = folder();
    folder.json(&["replay", "small.toml", "--journal", "netting"]);
    let set = ["--set", "account.positions=hedging"];
    folder.json(&[&["replay", "small.toml", "--journal", "hedging"], &set[..]].concat());
    // It turns round by one order where the account nets, and by two where it does not; both hold the same.
    let orders = |journal: &str| {
        let text = folder.done(&["audit", "export", journal, "--kind", "orders", "--format", "csv"]);
        text.lines().count() - 1
    };
    assert!(orders("hedging") > orders("netting"));
    folder.json(&[&["audit", "whatif", "netting", "--journal", "tried"], &set[..]].concat());
    for journal in ["netting", "hedging", "tried"] {
        assert_eq!(folder.json(&["replay", "--verify", journal])["verified"], true, "{journal}");
    }
    assert_eq!(orders("tried"), orders("hedging"));
}

#[test]
fn a_live_session_on_paper_keeps_both_sides_over_a_stop() {
    let folder = folder();
    let until = "1970-01-01T00:10:00Z";
    folder.done(&[
        "live",
        "hedged.toml",
        "--journal",
        "live",
        "--speed",
        "max",
        "--until",
        until,
        "--set",
        "risk.unprotected=true",
    ]);
    assert_eq!(folder.json(&["replay", "--verify", "live"])["verified"], true);
    let before = held(&folder, "live");
    assert!(before.all().len() == 2 && before.net().0 == 10 * SCALE, "{before:?}");
    folder.done(&["live", "--resume", "live", "--flatten"]);
    assert_eq!(folder.json(&["replay", "--verify", "live"])["verified"], true);
    assert!(held(&folder, "live").all().is_empty(), "both sides are closed, each by its own order");
}

/// The positions that a journal's orders and fills come to.
fn held(folder: &Folder, journal: &str) -> Quantities {
    let (mut held, mut effects) = (Quantities::default(), BTreeMap::new());
    for event in folder.events(journal) {
        match event.fact {
            Fact::OrderSubmitted(order) => drop(effects.insert(order.order, order.effect())),
            Fact::OrderFilled(fill) => held.fill(fill.order, fill.side, fill.quantity, effects[&fill.order]),
            _ => {}
        }
    }
    held
}
