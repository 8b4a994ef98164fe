//! `genovo audit export`: every kind in every format, and back again.

#[path = "support/python.rs"]
mod python;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use genovo::engine::event::{Event, Fact};
use serde_json::Value;

fn genovo(folder: &Path, arguments: &[&str]) -> Output {
    let genovo = env!("CARGO_BIN_EXE_genovo");
    Command::new(genovo).args(arguments).current_dir(folder).output().expect("the genovo binary")
}

fn text(output: Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

const SCENARIO: &str = r#"
[account]
cash = "100,000 USD"
[[instruments]]
symbol = "ABC"
tick = 0.1
[data]
path = "quotes.csv"
kind = "quotes"
[bars]
interval = "10 s"
[strategy]
kind = "ema-cross"
fast = 2
slow = 5
quantity = 10
"#;

/// A run with some orders.
fn run() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut quotes = String::from("ts_ns,bid,ask,bid_size,ask_size\n");
    for row in 0..600_i64 {
        let wave = (row % 40 - 20).abs() * 3 + row % 7;
        let time = 1_700_000_000_000_000_000 + row * 1_000_000_000;
        quotes.push_str(&format!("{time},{}.5,{}.7,5,\n", 100 + wave, 100 + wave));
    }
    fs::write(folder.path().join("quotes.csv"), quotes).expect("a file");
    fs::write(folder.path().join("scenario.toml"), SCENARIO).expect("a file");
    text(genovo(folder.path(), &["replay", "scenario.toml", "--journal", "run"]));
    folder
}

fn events(journal: &Path) -> Vec<Event> {
    let journal = genovo_journal::Journal::open(journal).expect("a journal");
    journal.events().map(|event| event.expect("an event")).collect()
}

#[test]
fn every_kind_has_a_row_for_each_of_its_events() {
    let folder = run();
    let events = events(&folder.path().join("run"));
    let count = |wanted: &[&str]| events.iter().filter(|e| wanted.contains(&e.fact.kind().name())).count();
    for (kind, wanted) in [
        ("quotes", &["QuoteChanged"][..]),
        ("trades", &["TradePrinted"]),
        ("books", &["BookChanged", "BookReset"]),
        ("bars", &["BarReceived", "BarClosed"]),
        ("features", &["FeaturesComputed"]),
        ("decisions", &["DecisionMade"]),
        ("orders", &["OrderSubmitted", "OrderAccepted", "OrderDenied"]),
        ("fills", &["OrderFilled"]),
        ("risk", &["RiskAssessed"]),
        ("equity", &["DecisionMade", "RunEnded"]),
    ] {
        let csv = text(genovo(folder.path(), &["audit", "export", "run", "--kind", kind]));
        let mut rows = csv.lines();
        let columns = rows.next().expect("a header").split(',').count();
        assert!(csv.starts_with("event,sequence,time_event,time_received,instrument"), "{kind}: {csv}");
        assert_eq!(rows.clone().count(), count(wanted), "{kind}");
        assert!(columns > 5, "{kind}");
        let jsonl = ["audit", "export", "run", "--kind", kind, "--format", "jsonl"];
        let jsonl = text(genovo(folder.path(), &jsonl));
        assert_eq!(jsonl.lines().count(), count(wanted), "{kind}");
        for line in jsonl.lines().take(3) {
            let row: Value = serde_json::from_str(line).expect("a JSON object");
            assert_eq!(row.as_object().map(|row| row.len()), Some(columns), "{kind}");
        }
        let out = format!("{kind}.parquet");
        let parquet =
            ["audit", "export", "run", "--kind", kind, "--format", "parquet", "--out", &out, "--json"];
        let said: Value = serde_json::from_str(&text(genovo(folder.path(), &parquet))).expect("JSON");
        assert_eq!(said["rows"], count(wanted), "{kind}");
        assert!(!folder.path().join(format!("{kind}.part")).exists());
    }
    let fills = text(genovo(folder.path(), &["audit", "export", "run", "--kind", "fills"]));
    let Fact::OrderFilled(fill) =
        &events.iter().find(|event| matches!(event.fact, Fact::OrderFilled(_))).expect("a fill").fact
    else {
        unreachable!()
    };
    let first = fills.lines().nth(1).expect("a fill");
    assert!(first.contains(&format!(
        "ABC,{},{},{},{}",
        fill.order,
        fill.side.name(),
        fill.price,
        fill.quantity
    )));
}

/// Read by pyarrow and pandas, every value in every format is the same.
#[test]
fn others_read_what_is_exported() {
    let Some(mut python) = python::with("pandas, pyarrow") else { return };
    let folder = run();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/export_check.py");
    let run = folder.path().join("run");
    let said =
        text(python.arg(script).arg(env!("CARGO_BIN_EXE_genovo")).arg(&run).output().expect("python3"));
    let rows = |kind: &str| -> u64 {
        let line =
            said.lines().find(|line| line.starts_with(kind)).unwrap_or_else(|| panic!("{kind}: {said}"));
        line.split_whitespace().nth(1).expect("a count").replace(',', "").parse().expect("a number")
    };
    let events = events(&run);
    let count = |name: &str| events.iter().filter(|event| event.fact.kind().name() == name).count() as u64;
    assert_eq!((rows("quotes"), rows("fills")), (count("QuoteChanged"), count("OrderFilled")));
    assert!(rows("quotes") == 600 && rows("fills") > 10 && said.contains("books"), "{said}");
}

#[test]
fn exported_quotes_come_in_again_as_they_were() {
    let folder = run();
    let market = |journal: &str| -> Vec<Event> {
        let mut events = events(&folder.path().join(journal));
        events.retain(|event| event.fact.kind().is_market());
        events.iter_mut().for_each(|event| event.header.sequence = genovo::engine::ids::Sequence(0));
        events
    };
    for format in ["csv", "parquet"] {
        let out = format!("quotes.{format}");
        let export = ["audit", "export", "run", "--kind", "quotes", "--format", format, "--out", &out];
        text(genovo(folder.path(), &export));
        text(genovo(folder.path(), &["import", &out, "--instrument", "ABC", "--out", format]));
        assert_eq!(market(format), market("run"), "{format}");
    }
}

#[test]
fn what_cannot_be_exported_so_is_refused() {
    let folder = run();
    let fails = |arguments: &[&str]| {
        let output = genovo(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stdout));
        String::from_utf8(output.stderr).expect("UTF-8")
    };
    let parquet = ["audit", "export", "run", "--kind", "fills", "--format", "parquet"];
    assert!(fails(&parquet).contains("--out FILE"));
    assert!(fails(&["audit", "export", "run", "--kind", "fills", "--json"]).contains("--format jsonl"));
    assert!(fails(&["audit", "export", "run", "--kind", "wishes"]).contains("possible values"));
    let nowhere =
        genovo(folder.path(), &["audit", "export", "run", "--kind", "fills", "--out", "no/such/file.csv"]);
    assert_eq!(nowhere.status.code(), Some(1));
}
