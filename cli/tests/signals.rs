//! Signals of another program: they act when they arrive, meet the market as every order does, and replay.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use genovo::engine::event::{Event, Fact};
use serde_json::Value;

const SCENARIO: &str = r#"
[account]
cash = "100,000 USD"
[[instruments]]
symbol = "ABC"
tick = 0.1
lot = 10
[[instruments]]
symbol = "XYZ"
tick = 0.1
[[data]]
path = "abc.csv"
kind = "quotes"
instrument = "ABC"
[[data]]
path = "xyz.csv"
kind = "quotes"
instrument = "XYZ"
[signals]
path = "signals.csv"
time_format = "ns"
[strategy]
kind = "external"
[risk]
max_per_trade = "50 %"
max_total = "100 %"
distance = "1 %"
[venue]
latency = "3 ns"
"#;

/// Quotes at these times, one currency unit higher each time.
fn quotes(times: &[i64]) -> String {
    let mut text = "ts_ns,bid,ask\n".to_string();
    for (step, time) in times.iter().enumerate() {
        text.push_str(&format!("{time},{}.0,{}.5\n", 100 + step, 100 + step));
    }
    text
}

struct Run {
    folder: tempfile::TempDir,
}

impl Run {
    fn new(signals: &str) -> Run {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("a file");
        write("abc.csv", &quotes(&[10, 20, 30, 40, 50, 60]));
        write("xyz.csv", &quotes(&[15, 25, 35, 45, 55]));
        write("signals.csv", signals);
        write("scenario.toml", SCENARIO);
        Run { folder }
    }

    fn genovo(&self, arguments: &[&str]) -> Output {
        let genovo = env!("CARGO_BIN_EXE_genovo");
        Command::new(genovo)
            .args(arguments)
            .current_dir(self.folder.path())
            .output()
            .expect("the genovo binary")
    }

    /// Runs it both ways, verifies it, and gives its events.
    fn events(&self) -> Vec<Event> {
        let json = |arguments: &[&str]| -> Value {
            let output = self.genovo(&[arguments, &["--json"]].concat());
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            serde_json::from_slice(&output.stdout).expect("one JSON object")
        };
        let inline = json(&["replay", "scenario.toml", "--inline", "--journal", "run"]);
        let pipelined = json(&["replay", "scenario.toml", "--pipelined", "--journal", "again"]);
        assert_eq!(inline["head_hash"], pipelined["head_hash"]);
        assert_eq!(json(&["replay", "--verify", "run"])["verified"], true);
        let journal = genovo_journal::Journal::open(&self.path("run")).expect("a journal");
        journal.events().map(|event| event.expect("an event")).collect()
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }
}

/// Every fill: when, of which instrument, how much, at what price.
fn fills(events: &[Event]) -> Vec<(i64, u32, String)> {
    let fill = |event: &Event| match &event.fact {
        Fact::OrderFilled(fill) => {
            let what = format!("{} {} at {}", fill.side.name(), fill.quantity, fill.price);
            Some((event.header.time_received.0, event.header.instrument.0, what))
        }
        _ => None,
    };
    events.iter().filter_map(fill).collect()
}

#[test]
fn signals_act_when_they_arrive_and_not_before() {
    // Known before the data, at a quote's own time, and between two quotes.
    let run = Run::new("known_at,symbol,target\n1,ABC,27\n30,ABC,-30\n41,XYZ,5\n");
    let events = run.events();
    assert_eq!(
        fills(&events),
        [
            // In whole lots of 10, at the first price of its instrument.
            (13, 1, "buy 20 at 100.5".to_string()),
            // After the quote of the same time: 102.0, not 101.0.
            (33, 1, "sell 50 at 102".to_string()),
            // The order of 41 arrives at 44, before the quote of 45.
            (44, 2, "buy 5 at 102.5".to_string()),
        ]
    );
    // Every decision names the signal that caused it; the first waited for a price, and names that.
    let signals = events.iter().filter(|event| matches!(event.fact, Fact::SignalReceived(_))).count();
    let decisions: Vec<&Event> =
        events.iter().filter(|event| matches!(event.fact, Fact::DecisionMade(_))).collect();
    assert_eq!((signals, decisions.len()), (3, 3));
    let cause = |decision: &Event| {
        let cause = events.iter().find(|event| event.header.sequence == decision.header.cause);
        cause.map(|event| event.fact.kind().name())
    };
    let causes: Vec<_> = decisions.into_iter().map(cause).collect();
    assert_eq!(causes, [Some("QuoteChanged"), Some("SignalReceived"), Some("SignalReceived")]);
}

#[test]
fn weights_are_shares_of_equity_and_a_later_word_replaces_one_that_waits() {
    let run = Run::new("known_at,symbol,weight\n1,XYZ,0.9\n2,XYZ,0.101\n48,XYZ,0\n50,ABC,-0.2\n");
    let fills = fills(&run.events());
    // 10.1 % of 100,000.00 are 10,100.00: 100 at 100.5. The 90 % of before were never acted on.
    assert_eq!(fills[0], (18, 2, "buy 100 at 100.5".to_string()));
    assert_eq!(fills[1], (51, 2, "sell 100 at 103".to_string()));
    assert_eq!(fills[2].1, 1);
    assert!(fills[2].2.starts_with("sell 190 at 104"), "{:?}", fills[2]);
}

#[test]
fn mistakes_are_found_before_anything_runs() {
    let fails = |run: &Run, arguments: &[&str]| {
        let output = run.genovo(arguments);
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8(output.stderr).expect("UTF-8")
    };
    let run = Run::new("known_at,symbol,target\n1,ABX,27\n");
    let said = fails(&run, &["check", "scenario.toml"]);
    assert!(said.contains("ABX is no instrument of the scenario: expected one of ABC, XYZ"), "{said}");
    assert!(said.contains("signals.csv, line 2, column symbol"), "{said}");
    let run = Run::new("known_at,symbol,target\n1,ABC,1\n");
    fs::write(
        run.path("none.toml"),
        SCENARIO.replace("[signals]\npath = \"signals.csv\"\ntime_format = \"ns\"", ""),
    )
    .expect("a file");
    let said = fails(&run, &["check", "none.toml"]);
    assert!(said.contains("external follows signals, and the scenario names none"), "{said}");
    // The same signals under another content hash are another run.
    let json = |run: &Run| {
        let output = run.genovo(&["check", "scenario.toml", "--json"]);
        let json: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
        json["settings_hash"].clone()
    };
    assert_ne!(json(&run), json(&Run::new("known_at,symbol,target\n1,ABC,2\n")));
    assert_eq!(json(&run), json(&Run::new("known_at,symbol,target\n1,ABC,1\n")));
    assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/signals.md").exists());
}
