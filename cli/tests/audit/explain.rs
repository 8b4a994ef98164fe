//! `audit explain`: an order of a strategy of genovo, with its proof.

use genovo_engine::event::Fact;
use genovo_journal::{Identity, Journal, Writer};
use serde_json::Value;

use crate::support::{Folder, snapshot};

#[test]
fn orders_are_explained_down_to_the_tick() {
    let folder = Folder::replayed(&[]);
    let mut shown = String::new();
    for arguments in [
        &["--order", "1"][..],
        &["--order", "2", "--rules"],
        &["--order", "3", "--no-proof"],
        &["--event", "11"],
    ] {
        shown.push_str(&format!("$ {}\n", arguments.join(" ")));
        shown.push_str(&folder.says(&[&["audit", "explain", "run"], arguments].concat()));
        shown.push('\n');
    }
    snapshot("explain.txt", &shown);
}

#[test]
fn a_denied_order_says_why_it_was_never_sent() {
    let folder = Folder::replayed(&["risk.min_position=\"1,000,000 USD\""]);
    let shown = folder.says(&["audit", "explain", "run", "--order", "1"]);
    assert!(shown.contains("denied by minimum_position"), "{shown}");
    assert!(shown.contains("equal, bit for bit"), "{shown}");
    snapshot("explain_denied.txt", &shown);

    // Before the risk distance is known, nothing can be opened.
    let folder = Folder::replayed(&["risk.distance=\"2 atr\"", "bars.interval=\"1 min\""]);
    let shown = folder.says(&["audit", "explain", "run", "--order", "1", "--no-proof"]);
    assert!(shown.contains("denied by per_trade_risk"), "{shown}");
    assert!(shown.contains("the risk distance was not known yet: too few bars"), "{shown}");
}

#[test]
fn a_program_gets_the_chain_the_verdict_and_the_proof() {
    let folder = Folder::replayed(&[]);
    let (answer, exit) = folder.answers(&["audit", "explain", "run", "--order", "2", "--json"]);
    assert_eq!(exit, 0);
    assert_eq!(answer["order"], 2);
    assert_eq!(answer["status"], "filled");
    assert_eq!(answer["proof"]["verified"], true);
    assert!(answer["proof"]["head_hash"].as_str().is_some_and(|hash| hash.starts_with("b3:")));
    assert!(answer["verdict"]["rules"].as_array().is_some_and(|rules| rules.len() == 4));
    assert_eq!(answer["afterwards"]["trades"][0]["part"], "closed");
    let chain = answer["chain"].as_array().expect("a chain");
    let kinds: Vec<&str> = chain.iter().map(|event| event["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds.first(), Some(&"OrderFilled"));
    assert_eq!(kinds.last(), Some(&"QuoteChanged"));
    for kind in ["OrderSubmitted", "RiskAssessed", "DecisionMade", "FeaturesComputed"] {
        assert!(kinds.contains(&kind), "{kind}: {kinds:?}");
    }
    for event in chain {
        assert!(event["event"].is_u64() && event["sequence"].is_u64() && event["fact"].is_object());
    }
    // The row of the data is the quote's place in the file, counted without the header.
    let quote = &chain[chain.len() - 1]["fact"]["ask"];
    let file = std::fs::read_to_string(folder.path("quotes.csv")).unwrap();
    let row = answer["row_of_data"].as_u64().unwrap() as usize;
    assert!(file.lines().nth(row).unwrap().contains(quote.as_str().unwrap()));
}

#[test]
fn an_event_by_number_and_by_sequence_is_the_same() {
    let folder = Folder::replayed(&[]);
    let (by_number, _) = folder.answers(&["audit", "explain", "run", "--event", "12", "--json"]);
    let sequence = by_number["event"]["sequence"].as_u64().unwrap().to_string();
    let (by_sequence, _) = folder.answers(&["audit", "explain", "run", "--sequence", &sequence, "--json"]);
    assert_eq!(by_number, by_sequence);
    assert!(by_number["causes"].is_array() && by_number["effects"].is_array());
}

/// A journal can be written anew with a nicer story and a seal of its own; the decision cannot be recomputed then.
#[test]
fn a_forged_decision_does_not_pass_the_proof() {
    let folder = Folder::replayed(&[]);
    let mut forged = Writer::create(&folder.path("forged"), &Identity::default()).expect("a journal");
    for event in Journal::open(&folder.path("run")).expect("the journal").events() {
        let mut event = event.expect("an event");
        if let Fact::DecisionMade(decision) = &mut event.fact {
            decision.because = "somebody knew better".to_string();
        }
        forged.append(&event).expect("appended");
    }
    forged.finish().expect("a seal");
    assert!(folder.says(&["audit", "verify", "forged"]).starts_with("forged is intact"));
    let output = folder.genovo(&["audit", "explain", "forged", "--order", "1"]);
    assert_eq!(output.status.code(), Some(3));
    let shown = crate::support::text(&output.stdout);
    assert!(shown.contains("! recomputed now, the run differs from sequence 655362 on"), "{shown}");
    let error = crate::support::text(&output.stderr);
    assert!(error.contains("the recomputed run differs from the recorded one at event 12"), "{error}");
    let (answer, exit) = folder.answers(&["audit", "explain", "forged", "--order", "1", "--json"]);
    assert_eq!((exit, &answer["proof"]["verified"]), (3, &Value::from(false)));
    assert_eq!(answer["proof"]["first_difference"]["sequence"], 655_362);
    // An auditor's report has it, and ends as badly.
    let output = folder.genovo(&["audit", "report", "forged", "--out", "pack"]);
    let error = crate::support::text(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{error}");
    assert!(error.contains("does not come to the same when it is recomputed"), "{error}");
    let page = std::fs::read_to_string(folder.path("pack/audit.html")).expect("a page");
    assert!(page.contains("DIFFERS from sequence 655362 on"), "it is said on the page too");
}

#[test]
fn what_is_not_there_is_named() {
    let folder = Folder::replayed(&[]);
    let (error, exit) = folder.fails(&["audit", "explain", "run", "--order", "1000"]);
    assert_eq!(exit, 2);
    assert!(error.contains("run has no order 1000\n  its orders are 1 to "), "{error}");
    for arguments in [&["--event", "0"][..], &["--event", "9,999,999"], &["--sequence", "7"], &[]] {
        let (error, exit) = folder.fails(&[&["audit", "explain", "run"], arguments].concat());
        assert_eq!(exit, 2, "{error}");
    }
    let (answer, exit) = folder.answers(&["audit", "explain", "run", "--order", "0", "--json"]);
    assert_eq!((exit, &answer["error"]["exit"]), (2, &Value::from(2)));
}

/// The scenario's data is at hand: the line is named while the file's bytes are those of the run, and never after.
#[test]
fn the_tick_is_a_line_of_a_file_that_is_still_the_same() {
    let folder = Folder::replayed(&[]);
    let arguments = ["audit", "explain", "run", "--order", "2", "--no-proof"];
    let (answer, _) = folder.answers(&[&arguments[..], &["--json"]].concat());
    let row = answer["row_of_data"].as_u64().expect("a row");
    assert_eq!(answer["source"]["line"], row + 1, "the header is line 1");
    assert_eq!(answer["source"]["row"], row);
    let quotes = std::fs::read_to_string(folder.path("quotes.csv")).unwrap();
    let line = quotes.lines().nth(row as usize).expect("a line");
    let cause = answer["chain"].as_array().and_then(|chain| chain.last()).expect("a cause");
    assert!(line.starts_with(&cause["time_event"].to_string()), "{line}");
    assert!(folder.says(&arguments).contains(&format!("quotes.csv line {}", row + 1)));

    folder.write("quotes.csv", quotes.replace("1290", "1291"));
    let (answer, _) = folder.answers(&[&arguments[..], &["--json"]].concat());
    assert_eq!((&answer["source"], &answer["row_of_data"]), (&Value::Null, &Value::from(row)));
    assert!(folder.says(&arguments).contains(&format!("row {row} of the data")));
    std::fs::remove_file(folder.path("quotes.csv")).unwrap();
    assert!(folder.says(&arguments).contains(&format!("row {row} of the data")));
}

/// Two files, one of them read twice: the row is found by merging them again.
#[test]
fn of_several_files_the_right_one_is_named() {
    let folder = Folder::new();
    let quotes = |from: i64, count: i64| {
        let rows = (0..count).map(|row| format!("{},10.0,10.2,9,9\n", (from + row * 10) * 1_000_000_000));
        String::from("ts_ns,bid,ask,bid_size,ask_size\n") + &rows.collect::<String>()
    };
    folder.write("a.csv", quotes(1_000_000, 5));
    folder.write("b.csv", quotes(1_000_003, 9));
    folder.write(
        "two.toml",
        r#"
[account]
cash = "10,000 USD"
[[instruments]]
symbol = "A"
tick = 0.1
[[instruments]]
symbol = "B"
tick = 0.1
[[data]]
path = "a.csv"
instrument = "A"
tiles = 2
[[data]]
path = "b.csv"
instrument = "B"
[strategy]
kind = "flat"
"#,
    );
    folder.says(&["replay", "two.toml", "--journal", "two"]);
    let shown = folder.says(&["audit", "show", "two", "--kind", "QuoteChanged", "--limit", "0", "--json"]);
    let (mut a, mut b) = (0_u64, 0_u64);
    for line in shown.lines() {
        let quote: Value = serde_json::from_str(line).unwrap();
        let row = if quote["instrument"] == "A" { &mut a } else { &mut b };
        *row += 1;
        let (name, expected) =
            if quote["instrument"] == "A" { ("a.csv", (*row - 1) % 5 + 2) } else { ("b.csv", *row + 1) };
        let event = quote["event"].to_string();
        let said = folder.says(&["audit", "explain", "two", "--event", &event, "--no-proof"]);
        assert!(said.contains(&format!("{name} line {expected}\n")), "{name} line {expected}: {said}");
    }
    assert_eq!((a, b), (10, 9));
}

#[test]
fn effects_can_be_those_on_one_instrument() {
    let folder = Folder::replayed(&[]);
    let plain = ["audit", "explain", "run", "--event", "11", "--no-proof"];
    let named = [&plain[..], &["--symbol", "xauusd"]].concat();
    assert_eq!(folder.says(&plain), folder.says(&named));
    let (said, exit) = folder.fails(&["audit", "explain", "run", "--order", "1", "--symbol", "XAGUSD"]);
    assert!(exit == 2 && said.contains("no instrument `XAGUSD`"), "{said}");
}
