//! What the tests share: a folder of files, the binary run in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use genovo::engine::event::Event;
use serde_json::Value;

/// Two thousand quotes, a second apart, that swing.
pub fn swinging_quotes() -> String {
    let mut quotes = String::from("ts_ns,bid,ask\n");
    for second in 0..2_000_i64 {
        let price = 10_000 + second * 37 % 211 - second * 11 % 173;
        quotes.push_str(&format!("{},{}.{:02},", second * 1_000_000_000, price / 100, price % 100));
        quotes.push_str(&format!("{}.{:02}\n", (price + 2) / 100, (price + 2) % 100));
    }
    quotes
}

/// Trades on every crossing of two short averages of `quotes.csv`.
pub const EMA_CROSS: &str = r#"
[account]
cash = "10,000 USD"
[[instruments]]
symbol = "ABC"
tick = 0.01
commission = { per_unit = "0.01 USD" }
[data]
path = "quotes.csv"
[bars]
interval = "10 s"
[strategy]
kind = "ema-cross"
fast = 2
slow = 5
quantity = 20
[risk]
distance = "1 %"
"#;

/// A temporary folder in which the binary runs.
pub struct Folder(tempfile::TempDir);

impl Folder {
    /// With these files.
    pub fn new(files: &[(&str, &str)]) -> Folder {
        let folder = Folder(tempfile::tempdir().expect("a temporary folder"));
        files.iter().for_each(|(name, text)| folder.write(name, text));
        folder
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("a file");
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect("a file")
    }

    /// What the binary says with these arguments, whatever becomes of it.
    pub fn genovo(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("the genovo binary")
    }

    /// The binary with these arguments, ready to run.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut genovo = Command::new(Path::new(env!("CARGO_BIN_EXE_genovo")));
        genovo.args(arguments).current_dir(&self.0);
        genovo
    }

    /// Its answer where it must succeed.
    pub fn done(&self, arguments: &[&str]) -> String {
        let output = self.genovo(arguments);
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    /// The same as an object.
    pub fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.done(&[arguments, &["--json"]].concat())).expect("one object")
    }

    /// Its error where it must refuse.
    pub fn refused(&self, arguments: &[&str]) -> String {
        let output = self.genovo(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}: {output:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    /// All events of a journal.
    pub fn events(&self, journal: &str) -> Vec<Event> {
        let journal = genovo_journal::Journal::open(&self.path(journal));
        journal.expect("a journal").events().map(|event| event.expect("an event")).collect()
    }
}
