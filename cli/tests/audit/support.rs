//! What the tests share: a folder with a small scenario, the binary run in it, snapshots.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// Trades on every crossing of two short averages; some orders are larger than what is displayed.
pub const SCENARIO: &str = r#"seed = 1
[account]
cash = "10,000 USD"
[[instruments]]
symbol = "XAUUSD"
tick = 0.001
[data]
path = "quotes.csv"
[strategy]
kind = "ema-cross"
fast = 3
slow = 8
on = "ticks"
quantity = 4
[risk]
distance = "2 %"
max_per_trade = "1.2 %"
max_total = "10 %"
[venue]
latency = "250 ms"
slippage = "2 ticks"
"#;

/// 2 May 2014 20:57:00 UTC: the day of DAY orders ends three minutes later.
const START: i64 = 1_399_064_220_000_000_000;

/// A temporary folder in which the binary runs.
pub struct Folder(tempfile::TempDir);

impl Folder {
    /// With 300 quotes, a second apart, that rise and fall, and the scenario `small.toml`.
    pub fn new() -> Folder {
        let folder = Folder(tempfile::tempdir().expect("a temporary folder"));
        let mut quotes = String::from("ts_ns,bid,ask,bid_size,ask_size\n");
        for row in 0..300_i64 {
            // A triangle of 40 quotes, in thousandths, that drifts upwards.
            let bid = 1_290_000 + (row % 40 - 20).abs() * 50 + row * 7;
            let price = |thousandths: i64| format!("{}.{:03}", thousandths / 1000, thousandths % 1000);
            let time = START + row * 1_000_000_000;
            quotes.push_str(&format!("{time},{},{},6,6\n", price(bid), price(bid + 200)));
        }
        folder.write("quotes.csv", quotes);
        folder.write("small.toml", SCENARIO);
        folder
    }

    /// With the scenario run already, into the journal `run`.
    pub fn replayed(sets: &[&str]) -> Folder {
        let folder = Folder::new();
        folder.replay("run", sets);
        folder
    }

    /// Runs the scenario into a journal of this name.
    pub fn replay(&self, journal: &str, sets: &[&str]) {
        let mut arguments = vec!["replay", "small.toml", "--journal", journal, "--json"];
        for set in sets {
            arguments.extend(["--set", set]);
        }
        let output = self.genovo(&arguments);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    }

    /// Writes a file.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.path(name), text).expect("a file");
    }

    /// A path in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs the binary in it.
    pub fn genovo(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_genovo"));
        command.args(arguments).current_dir(self.0.path()).output().expect("the genovo binary")
    }

    /// What the binary says when all goes well.
    pub fn says(&self, arguments: &[&str]) -> String {
        let output = self.genovo(arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", text(&output.stderr));
        assert!(output.stderr.is_empty(), "{}", text(&output.stderr));
        text(&output.stdout)
    }

    /// The one object that the binary answers with, and its exit code.
    pub fn answers(&self, arguments: &[&str]) -> (Value, i32) {
        let output = self.genovo(arguments);
        let value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("one object: {error}\n{}", text(&output.stdout)));
        (value, output.status.code().expect("an exit code"))
    }

    /// The binary's error and its exit code; nothing went to standard output.
    pub fn fails(&self, arguments: &[&str]) -> (String, i32) {
        let output = self.genovo(arguments);
        assert_eq!(text(&output.stdout), "", "{arguments:?}");
        (text(&output.stderr), output.status.code().expect("an exit code"))
    }

    /// Changes one bit of the byte at `at`, which is told the file's length.
    pub fn flip(&self, name: &str, at: impl FnOnce(usize) -> usize) {
        let mut bytes = fs::read(self.path(name)).expect("a file");
        let at = at(bytes.len());
        bytes[at] ^= 1;
        self.write(name, bytes);
    }
}

/// Bytes as text.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

/// Compares a text with its snapshot, hashes left out; `GENOVO_BLESS=1` writes it instead.
pub fn snapshot(name: &str, text: &str) {
    let text = without_hashes(text);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots/audit").join(name);
    if std::env::var_os("GENOVO_BLESS").is_some_and(|value| value == "1") {
        fs::write(path, text).expect("a snapshot");
        return;
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, expected, "{} differs; GENOVO_BLESS=1 writes it anew", path.display());
}

fn without_hashes(text: &str) -> String {
    let mut parts = text.split("b3:");
    let mut out = parts.next().unwrap_or_default().to_string();
    for part in parts {
        out.push_str("b3:");
        out.push_str(part.trim_start_matches(|c: char| c.is_ascii_hexdigit() || c == '…'));
    }
    out
}
