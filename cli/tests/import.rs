//! `genovo import`: the journal replays as its files do, mistakes are shown in place, nothing half-written
//! stays.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// A folder that is also the working directory of every command.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(tempfile::tempdir().expect("a temporary folder"))
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, text).expect("a file");
        path
    }

    fn genovo(&self, arguments: &[&str]) -> Output {
        let genovo = env!("CARGO_BIN_EXE_genovo");
        Command::new(genovo).args(arguments).current_dir(self.0.path()).output().expect("the genovo binary")
    }

    /// Runs a command that must succeed, for its JSON.
    fn json(&self, arguments: &[&str]) -> Value {
        let output = self.genovo(&[arguments, &["--json"]].concat());
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("one JSON object")
    }

    /// Runs a command that must fail so, for what it says.
    fn fails(&self, exit: i32, arguments: &[&str]) -> String {
        let output = self.genovo(arguments);
        assert_eq!(output.status.code(), Some(exit), "{arguments:?}: {}", text(&output.stdout));
        text(&output.stderr)
    }

    fn has(&self, name: &str) -> bool {
        self.0.path().join(name).exists()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

/// Quotes that go up and down, a second apart, with some that arrive late.
fn quotes(rows: i64, start: i64) -> String {
    let mut text = String::from("ts_ns,bid,ask,bid_size,ask_size,local_ts\n");
    for row in 0..rows {
        let wave = (row % 40 - 20).abs() * 3 + row % 7;
        let (bid, ask) = (1_000 + wave, 1_001 + wave);
        let time = 1_700_000_000_000_000_000 + start + row * 1_000_000_000;
        let arrival = time + (row % 3) * 700_000_000;
        text.push_str(&format!("{time},{}.{},{}.{},5,,{arrival}\n", bid / 10, bid % 10, ask / 10, ask % 10));
    }
    text
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
columns = { arrival = "local_ts" }
[bars]
interval = "10 s"
[strategy]
kind = "ema-cross"
fast = 2
slow = 5
quantity = 10
[venue]
latency = "1.5 s"
"#;

/// What a run came to, without what names its data.
fn results(run: &Value) -> Vec<&Value> {
    ["ticks", "inputs", "derived", "orders", "fills", "final_equity", "state_hash"]
        .map(|key| &run[key])
        .to_vec()
}

/// The events of a journal but its first, which names the data.
fn events(journal: &Path) -> Vec<genovo::engine::event::Event> {
    let journal = genovo_journal::Journal::open(journal).expect("a journal");
    journal.events().skip(1).map(|event| event.expect("an event")).collect()
}

#[test]
fn a_run_over_the_journal_is_the_run_over_the_file() {
    let folder = Folder::new();
    folder.write("quotes.csv", quotes(2_000, 0));
    folder.write("scenario.toml", SCENARIO);
    let imported = folder.json(&["import", "quotes.csv", "--instrument", "ABC", "--out", "abc"]);
    assert_eq!((&imported["ticks"], &imported["events"]), (&2_000.into(), &2_002.into()));
    let csv = folder.json(&["replay", "scenario.toml", "--journal", "csv"]);
    let replaced = ["replay", "scenario.toml", "--set", "data.path=abc", "--journal"];
    let journal = folder.json(&[&replaced[..], &["journal", "--inline"]].concat());
    assert_eq!(results(&csv), results(&journal));
    assert!(csv["orders"].as_u64() > Some(20), "{csv}");
    let path = |name: &str| folder.0.path().join(name);
    assert_eq!(events(&path("csv")), events(&path("journal")));
    folder.json(&["replay", "--verify", "journal"]);

    // The journal is named by what is in it, not by when it was made: a second one gives the same run.
    folder.json(&["import", "quotes.csv", "--instrument", "ABC", "--out", "again"]);
    let again = [&replaced[..3], &["data.path=again", "--journal", "j2"]].concat();
    assert_eq!(folder.json(&again)["run_id"], journal["run_id"]);
    let said = text(&folder.genovo(&["check", "scenario.toml", "--set", "data.path=abc"]).stdout);
    assert!(said.contains("left out, as a market journal describes itself: columns"), "{said}");
    // A run's own journal has the same market in it.
    let of_run = folder.json(&[&replaced[..3], &["data.path=csv", "--journal", "j3"]].concat());
    assert_eq!(results(&of_run), results(&journal));
}

#[test]
fn several_files_are_merged_as_a_replay_merges_them() {
    let folder = Folder::new();
    folder.write("a.csv", quotes(600, 0));
    folder.write("b.csv", quotes(600, 500_000_000));
    let scenario = SCENARIO.replace(
        "[data]\npath = \"quotes.csv\"\nkind = \"quotes\"\ncolumns = { arrival = \"local_ts\" }\n",
        "",
    );
    let scenario = scenario.replace("[bars]", "[[instruments]]\nsymbol = \"DEF\"\ntick = 0.1\n[bars]");
    let data = |path, symbol| format!("[[data]]\npath = \"{path}\"\ninstrument = \"{symbol}\"\n");
    let files = data("a.csv", "ABC") + &data("b.csv", "DEF");
    folder.write("files.toml", format!("{scenario}{files}"));
    folder.write("journal.toml", format!("{scenario}[data]\npath = \"both\"\n"));
    folder.json(&["import", "a.csv", "b.csv", "--instrument=ABC", "--instrument=DEF", "--out", "both"]);
    let files = folder.json(&["replay", "files.toml", "--journal", "f"]);
    let journal = folder.json(&["replay", "journal.toml", "--journal", "j"]);
    assert_eq!(results(&files), results(&journal));
    let said = folder.fails(2, &["import", "a.csv", "--instrument=A", "--instrument=B", "--out", "x"]);
    assert!(said.starts_with("error: 2 instruments are named for 1 files"), "{said}");
}

#[test]
fn a_bad_row_is_shown_and_nothing_is_left() {
    let folder = Folder::new();
    let mut rows = quotes(3_000, 0);
    rows.push_str("1800000000000000000,1290.57,1290.823,,,1800000000000000000\n");
    rows.push_str("1800000000000000000,1290.572,1290.83B,,,\n");
    folder.write("quotes.csv", &rows);
    let import = ["import", "quotes.csv", "--instrument", "ABC", "--out", "abc"];
    let expected = "\
error: `1290.83B` is not a price
   ╭─ quotes.csv, line 3,003, column `ask`
   │ 1700002999000000000,106.0,106.1,5,,1700003000400000000
   │ 1800000000000000000,1290.57,1290.823,,,1800000000000000000
   │ 1800000000000000000,1290.572,1290.83B,,,
   │                              ^^^^^^^^ expected digits with at most 9 decimals
   ╰─ repair the row, or count and leave out such rows: --skip-bad-rows
3,001 rows before it were good. No journal was written.
";
    let said = folder.fails(1, &import);
    assert_eq!(said, expected);
    assert!(!folder.has("abc"));
    fs::create_dir(folder.0.path().join("abc")).expect("a folder");
    folder.fails(1, &import);
    assert!(fs::read_dir(folder.0.path().join("abc")).expect("still there").next().is_none());

    let imported = folder.json(&[&import[..], &["--skip-bad-rows"]].concat());
    assert_eq!((&imported["ticks"], &imported["rows_skipped"]), (&3_001.into(), &1.into()));
    let said = folder.fails(2, &[&import[..], &["--skip-bad-rows"]].concat());
    assert!(said.contains("--out DIR") && said.ends_with("No journal was written.\n"), "{said}");
    assert!(folder.has("abc/identity.toml"));
}

#[test]
fn wrong_usage_says_what_would_be_right() {
    let folder = Folder::new();
    folder.write("odd.csv", "when,b,a\n1700000000,1,2\n1700000001,1,2\n");
    folder.fails(2, &["import", "odd.csv"]);
    folder.fails(2, &["import", "odd.csv", "--instrument", "A", "--columns", "tiem=when"]);
    folder.fails(2, &["import", "odd.csv", "--instrument", "A", "--tiles", "0"]);
    let said = folder.fails(2, &["import", "odd.csv", "--instrument", "A", "--kind", "quotes"]);
    assert!(said.contains("--columns") && said.ends_with("No journal was written.\n"), "{said}");
    folder.fails(1, &["import", "nowhere.csv", "--instrument", "A"]);
    let columns = ["--columns", "time=when,bid=b,ask=a", "--time-format", "s"];
    let import = ["import", "odd.csv", "--instrument", "A", "--kind", "quotes"];
    let imported = folder.json(&[&import[..], &columns].concat());
    assert_eq!((&imported["journal"], &imported["ticks"]), (&"market/odd".into(), &2.into()));
}

#[test]
fn bars_need_no_bars_section_and_a_journal_has_no_columns() {
    let folder = Folder::new();
    let mut rows = String::from("time,open,high,low,close,volume\n");
    for day in 0..60 {
        rows.push_str(&format!("{},10,12.{},9,10.5,100\n", 1_700_000_000 + day * 86_400, day % 10));
    }
    folder.write("bars.csv", rows);
    folder.json(&["import", "bars.csv", "--instrument", "ABC", "--interval", "1 day", "--out", "abc"]);
    let scenario = SCENARIO.replace("[bars]\ninterval = \"10 s\"\n", "").replace("quotes.csv", "abc");
    let scenario = scenario.replace("kind = \"quotes\"\ncolumns = { arrival = \"local_ts\" }\n", "");
    folder.write("bars.toml", &scenario);
    let run = folder.json(&["replay", "bars.toml", "--set", "risk.distance=2 atr"]);
    assert_eq!(run["ticks"], 60);
    folder.write("wrong.toml", scenario.replace("path = \"abc\"", "path = \"abc\"\ntiles = 3"));
    let said = folder.fails(2, &["check", "wrong.toml"]);
    assert!(said.starts_with("error: a market journal has no `tiles`: it describes itself"), "{said}");
}

#[test]
fn inspecting_shows_a_section_that_works_and_writes_nothing() {
    let folder = Folder::new();
    folder.write("quotes.csv", quotes(300, 0).replace("ts_ns", "zeit").replace("bid,", "Geld,"));
    let said = text(&folder.genovo(&["import", "quotes.csv", "--inspect"]).stdout);
    assert!(said.contains("because\n") && said.ends_with("Nothing was written.\n"), "{said}");
    let columns = ["--columns", "bid=Geld", "--kind", "quotes"];
    let found = folder.json(&[&["import", "quotes.csv", "--inspect"][..], &columns].concat());
    let found = &found["files"][0];
    assert_eq!((&found["kind"], &found["time_format"]), (&"quotes".into(), &"ns".into()), "{found}");
    let section = found["data_section"].as_str().expect("a section");
    let (before, rest) = SCENARIO.split_once("[data]").expect("data");
    let (_, after) = rest.split_once("[bars]").expect("bars");
    folder.write("scenario.toml", format!("{before}{section}\n[bars]{after}"));
    assert_eq!(folder.json(&["replay", "scenario.toml"])["ticks"], 300);
    assert!(!folder.has("market"));
}

/// A small real file of the adapters' tests.
fn sample(name: &str) -> String {
    let samples = concat!(env!("CARGO_MANIFEST_DIR"), "/../adapters/tests/data/");
    format!("{samples}{name}")
}

#[test]
fn a_lean_archive_comes_in_by_every_door() {
    let folder = Folder::new();
    let file = sample("lean/equity/usa/minute/bac/20131007_trade.zip");
    let imported = folder.json(&["import", &file, "--out", "bac"]);
    assert_eq!(imported["instruments"][0], "BAC");
    assert_eq!(imported["kinds"][0], "bars");
    folder.write(
        "scenario.toml",
        format!(
            r#"
[account]
cash = "100,000 USD"
[[instruments]]
symbol = "BAC"
tick = 0.0001
[data]
path = "{file}"
[strategy]
kind = "ema-cross"
fast = 3
slow = 8
quantity = 100
[risk]
distance = "1 %"
"#
        ),
    );
    // The kind, the length of a bar and the clock come from the file, and stand in the effective settings.
    let said = text(&folder.genovo(&["check", "scenario.toml"]).stdout);
    for line in ["kind          = \"bars\"", "interval      = \"1 min\"", "market        = \"equity/usa\""] {
        assert!(said.contains(line), "{line}\n{said}");
    }
    let direct = folder.json(&["replay", "scenario.toml", "--journal", "direct"]);
    let over = ["replay", "scenario.toml", "--journal", "over", "--set", "data.path=bac"];
    assert_eq!(results(&direct), results(&folder.json(&over)));
    assert!(direct["orders"].as_u64() > Some(3), "{direct}");
    assert_eq!(direct["ticks"], imported["ticks"]);

    let said = folder.json(&["import", &file, "--inspect"]);
    assert_eq!(said["files"][0]["symbol"], "BAC");
    let section = said["files"][0]["data_section"].as_str().expect("a text");
    assert!(section.contains("market = \"equity/usa\"") && !section.contains("columns"), "{section}");

    let set = ["check", "scenario.toml", "--set", "data.header=false"];
    assert!(folder.fails(2, &set).contains("a LEAN file has no `header`"));
    let futures = sample("lean/future/cme/minute/es/20131006_quote.zip");
    assert!(folder.fails(2, &["import", &futures]).contains("--select"));
    let chosen = ["import", &futures, "--select", "201312", "--kind", "quotes", "--out", "es"];
    assert_eq!(folder.json(&chosen)["kinds"][0], "quotes");
    folder.write("quotes.csv", quotes(10, 0));
    assert!(folder.fails(2, &["import", "quotes.csv"]).contains("--instrument SYMBOL"));
}

#[test]
fn a_run_from_the_cache_is_the_run_from_the_file() {
    let folder = Folder::new();
    folder.write("quotes.csv", quotes(2_000, 0));
    folder.write("scenario.toml", SCENARIO);
    let run = |journal: &str, more: &[&str]| {
        folder.json(&[&["replay", "scenario.toml", "--journal", journal], more].concat())
    };
    let entries = || -> Vec<PathBuf> {
        let entries = fs::read_dir(folder.0.path().join("cache")).expect("the cache");
        entries.map(|entry| entry.expect("an entry").path()).collect()
    };
    let file = run("file", &[]);
    for (name, mode) in [("made", "--pipelined"), ("found", "--inline")] {
        let cached = run(name, &["--cache=cache", mode]);
        assert_eq!(cached["head_hash"], file["head_hash"], "{name}");
    }
    let [entry] = &entries()[..] else { panic!("one file, one entry: {:?}", entries()) };
    // The file is not asked again, its content only.
    let blocks = entry.join("chapter-000001/chapter.blocks");
    let mut damaged = fs::read(&blocks).expect("blocks");
    damaged[500] ^= 1;
    fs::write(&blocks, damaged).expect("a file");
    assert_eq!(run("repaired", &["--cache=cache"])["head_hash"], file["head_hash"]);
    assert_eq!(entries().len(), 1);
    genovo_journal::Journal::open(entry).expect("it is whole again");

    // Read in another way it is other data.
    let late = ["--cache=cache", "--set", "data.clock_offset=250 ms"];
    let (late, plain) = (run("late", &late), run("late-file", &late[1..]));
    assert_eq!(late["head_hash"], plain["head_hash"]);
    assert_ne!(late["head_hash"], file["head_hash"]);
    assert_eq!(entries().len(), 2);
    // What a reader of the file would be told, the cache never hides.
    folder.write("quotes.csv", quotes(2_000, 0) + "no row\n");
    let skipping = ["--cache=cache", "--set", "data.skip_bad_rows=true"];
    assert_eq!(run("skipping", &skipping)["rows_skipped"], run("plain", &skipping[1..])["rows_skipped"]);
    assert_eq!(entries().len(), 2, "rows are left out, so it is not kept");
    folder.fails(1, &["replay", "scenario.toml", "--journal", "bad", "--cache=cache"]);
    assert_eq!(entries().len(), 2, "nothing half-made stays");
}

#[test]
fn a_folder_of_days_is_one_file() {
    let folder = Folder::new();
    let whole = quotes(2_000, 0);
    folder.write("quotes.csv", &whole);
    folder.write("scenario.toml", SCENARIO);
    fs::create_dir(folder.0.path().join("days")).expect("a folder");
    let (header, rows) = whole.split_once('\n').expect("a header");
    let rows: Vec<&str> = rows.lines().collect();
    for (day, rows) in rows.chunks(700).enumerate() {
        folder.write(&format!("days/2023111{day}.csv"), format!("{header}\n{}\n", rows.join("\n")));
    }
    let file = folder.json(&["replay", "scenario.toml", "--journal", "file"]);
    let over = ["replay", "scenario.toml", "--set", "data.path=days", "--journal"];
    let days = folder.json(&[&over[..], &["days-run"]].concat());
    assert_eq!(results(&file), results(&days));
    let cached = folder.json(&[&over[..], &["cached", "--cache=cache"]].concat());
    assert_eq!(cached["head_hash"], days["head_hash"]);
    folder.json(&["replay", "--verify", "days-run"]);
    let (of_file, of_days) = ("file", "days-run");
    let cause =
        |journal: &str| folder.json(&["audit", "explain", journal, "--order", "20"])["source"].clone();
    let (in_file, in_day) = (cause(of_file), cause(of_days));
    assert_eq!(in_file["row"], in_day["row"]);
    assert!(in_day["file"].as_str().is_some_and(|file| file.contains("days/2023111")), "{in_day}");
    assert!(
        in_day["line"].as_u64() < in_file["line"].as_u64() || in_file["row"].as_u64() <= Some(700),
        "{in_day}"
    );
    let imported = folder.json(&["import", "days", "--instrument", "ABC", "--out", "market"]);
    assert_eq!(imported["ticks"], 2_000);
    let said = text(&folder.genovo(&["import", "days", "--inspect"]).stdout);
    assert!(said.contains("quotes"), "{said}");

    folder.write("map.csv", "20501231,days\n");
    let said = folder.fails(2, &["check", "scenario.toml", "--set", "data.map_file=map.csv"]);
    assert!(said.contains("a map file is for a folder of daily files"), "{said}");
}
