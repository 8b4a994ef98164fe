//! Does everything that can be wrong outside end in one clear error, with nothing left behind that later passes for
//! good?

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use genovo_journal::{Error, Journal};
use genovo_tests::{GOLD, binary, genovo, repository};
use tempfile::TempDir;

const SCENARIO: &str = r#"
name = "small"
title = "a few rows"
seed = 1

[account]
cash = "100,000 USD"
kind = "margin"

[[instruments]]
symbol = "X"
tick = 0.01
lot = 1
margin = "2 %"

[data]
path = "quotes.csv"
kind = "quotes"

[strategy]
kind = "flat"

[risk]
distance = "1 %"

[venue]
latency = "5 ms"
size_when_absent = "unlimited"
"#;

const QUOTES: &str = "\
ts_ns,bid,ask,bid_size,ask_size
1700000000000000000,10.00,10.01,5,5
1700000001000000000,10.01,10.02,5,5
1700000002000000000,10.02,10.03,5,5
";

/// A folder with a scenario and its data.
fn folder(scenario: &str, quotes: &[u8]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("small.toml"), scenario).unwrap();
    fs::write(folder.path().join("quotes.csv"), quotes).unwrap();
    folder
}

fn replay(scenario: &Path, journal: &Path) -> Output {
    genovo([OsStr::new("replay"), scenario.as_os_str(), OsStr::new("--journal"), journal.as_os_str()])
}

fn verify(journal: &Path) -> Output {
    genovo([OsStr::new("replay"), OsStr::new("--verify"), journal.as_os_str()])
}

/// It ended with this code, one error that has these words, and no panic.
fn refused(what: &str, output: &Output, code: i32, words: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{what}: {said}");
    let errors: Vec<&str> = said.lines().filter(|line| line.starts_with("error:")).collect();
    assert_eq!(errors.len(), 1, "{what}: {said}");
    assert!(said.contains(words), "{what}: no `{words}` in\n{said}");
    for stream in [&output.stderr, &output.stdout] {
        assert!(!String::from_utf8_lossy(stream).contains("panicked"), "{what}: {said}");
    }
}

#[test]
fn good_input_is_taken() {
    let folder = folder(SCENARIO, QUOTES.as_bytes());
    let journal = folder.path().join("journal");
    let output = replay(&folder.path().join("small.toml"), &journal);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(verify(&journal).status.success());
}

#[test]
fn bad_rows_are_named_by_their_line() {
    let row = |row: &str| format!("{QUOTES}{row}\n").into_bytes();
    let cases: [(&str, Vec<u8>, i32, &str); 11] = [
        ("not a number", row("1700000003000000000,NaN,10.01,5,5"), 1, "line 5"),
        ("infinite", row("1700000003000000000,inf,10.01,5,5"), 1, "line 5"),
        ("a negative size", row("1700000003000000000,10.00,10.01,-5,5"), 1, "line 5"),
        ("a price too large", row("1700000003000000000,99999999999999,10.01,5,5"), 1, "line 5"),
        ("too many decimals", row("1700000003000000000,10.0000000001,10.01,5,5"), 1, "line 5"),
        ("no time", row(",10.00,10.01,5,5"), 1, "line 5"),
        ("a short row", row("1700000003000000000,10.00"), 1, "line 5"),
        ("bytes that are no text", [QUOTES.as_bytes(), b"\xff\xfe\n"].concat(), 1, "line 5"),
        ("a wrong header", b"a,b,c\n1,2,3\n".to_vec(), 2, "column"),
        ("no rows", b"ts_ns,bid,ask\n".to_vec(), 1, "rows"),
        ("nothing at all", Vec::new(), 1, "empty"),
    ];
    for (what, quotes, code, words) in cases {
        let folder = folder(SCENARIO, &quotes);
        let journal = folder.path().join("journal");
        refused(what, &replay(&folder.path().join("small.toml"), &journal), code, words);
        assert!(!journal.exists(), "{what}: something is left");
    }
}

#[test]
fn a_damaged_archive_is_refused() {
    let whole = fs::read(repository(GOLD)).unwrap();
    let scenario = SCENARIO.replace("quotes.csv", "quotes.csv.zst").replace("tick = 0.01", "tick = 0.001");
    let mut flipped = whole[..].to_vec();
    flipped[400_000] ^= 0x10;
    for (what, bytes) in [("cut short", &whole[..500_000]), ("a flipped bit", &flipped[..])] {
        let folder = folder(&scenario, b"");
        fs::write(folder.path().join("quotes.csv.zst"), bytes).unwrap();
        let journal = folder.path().join("journal");
        refused(what, &replay(&folder.path().join("small.toml"), &journal), 1, "quotes.csv.zst");
        assert!(!journal.exists(), "{what}: something is left");
    }
}

#[test]
fn a_wrong_scenario_is_refused() {
    for (what, from, to, words) in [
        ("an unknown instrument", "kind = \"quotes\"", "kind = \"quotes\"\ninstrument = \"Y\"", "Y"),
        ("an unknown key", "distance", "distanse", "distanse"),
        ("an unknown strategy", "\"flat\"", "\"flatt\"", "flatt"),
        ("a wrong unit", "5 ms", "5 apples", "5 apples"),
        ("a number too large", "100,000 USD", "1e400 USD", "1e400"),
        ("no data", "quotes.csv", "nothing.csv", "nothing.csv"),
        ("a folder for a file", "quotes.csv", ".", "."),
        ("no TOML", "[risk]", "[risk", "small.toml"),
    ] {
        let scenario = SCENARIO.replace(from, to);
        assert_ne!(scenario, SCENARIO, "{what}");
        let folder = folder(&scenario, QUOTES.as_bytes());
        let journal = folder.path().join("journal");
        refused(what, &replay(&folder.path().join("small.toml"), &journal), 2, words);
        assert!(!journal.exists(), "{what}: something is left");
    }
}

#[test]
fn a_journal_goes_only_where_nothing_is() {
    let folder = folder(SCENARIO, QUOTES.as_bytes());
    let scenario = folder.path().join("small.toml");
    let file = folder.path().join("quotes.csv");
    refused("a file in its place", &replay(&scenario, &file), 1, "quotes.csv");
    refused("a file on the way", &replay(&scenario, &file.join("journal")), 1, "quotes.csv");
    assert_eq!(fs::read(&file).unwrap(), QUOTES.as_bytes(), "the file is untouched");
    refused("a folder that is not empty", &replay(&scenario, folder.path()), 2, "empty");
    assert!(scenario.exists());
}

fn sealed() -> (TempDir, PathBuf) {
    let folder = folder(SCENARIO, QUOTES.as_bytes());
    let journal = folder.path().join("journal");
    assert!(replay(&folder.path().join("small.toml"), &journal).status.success());
    (folder, journal)
}

#[test]
fn a_changed_journal_never_verifies() {
    let (_folder, journal) = sealed();
    let mut files = vec![journal.clone()];
    let mut tried = 0;
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        // Beside the journal, outside of its seal: what is told of it, and where its data lies.
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with("report") || name == "sources.json" {
            continue;
        }
        let good = fs::read(&path).unwrap();
        for place in [0, good.len() / 2, good.len().saturating_sub(1)] {
            let mut bad = good.clone();
            let Some(byte) = bad.get_mut(place) else { continue };
            *byte ^= 1;
            fs::write(&path, &bad).unwrap();
            let output = verify(&journal);
            let what = format!("bit {place} of {}", path.display());
            let code = output.status.code();
            assert!(matches!(code, Some(1..=3)), "{what}: {}", String::from_utf8_lossy(&output.stderr));
            refused(&what, &output, code.unwrap(), "error:");
            tried += 1;
        }
        fs::write(&path, &good).unwrap();
    }
    assert!(tried >= 9, "{tried}");
    assert!(verify(&journal).status.success(), "as it was");
}

#[test]
fn a_journal_without_its_seal_is_incomplete() {
    let (_folder, journal) = sealed();
    fs::remove_file(journal.join("chapter-000001").join("seal.toml")).unwrap();
    refused("no seal", &verify(&journal), 1, "stopped before the end");
    assert!(matches!(Journal::open(&journal), Err(Error::Incomplete { .. })));
    refused("no journal", &verify(&journal.join("nothing")), 2, "nothing");
}

/// A file may grow to so many kilobytes and no further, as on a disk that is full.
#[cfg(unix)]
#[test]
fn a_full_disk_ends_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("journal");
    // Without its signal the limit is an error of the write.
    let output = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 200; exec \"$@\"", "sh"])
        .arg(binary())
        .args(["replay", "scenarios/gold.toml", "--journal"])
        .arg(&journal)
        .current_dir(repository("."))
        .output()
        .unwrap();
    refused("a full disk", &output, 1, "File too large");
    assert!(Journal::open(&journal).is_err(), "nothing passes for good");
}

/// Killed in the middle, a run leaves what every reader calls incomplete.
#[test]
fn a_killed_run_is_incomplete() {
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("journal");
    let mut run = Command::new(binary())
        .args(["replay", "scenarios/gold.toml", "--inline", "--journal"])
        .arg(&journal)
        .current_dir(repository("."))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let blocks = || -> u64 {
        let chapters = fs::read_dir(&journal).into_iter().flatten().flatten();
        let files = chapters.filter_map(|entry| entry.path().join("chapter.blocks").metadata().ok());
        files.map(|file| file.len()).sum()
    };
    let began = Instant::now();
    while blocks() < 10_000 {
        assert!(began.elapsed() < Duration::from_secs(20), "the run writes no blocks");
        std::thread::sleep(Duration::from_millis(1));
    }
    run.kill().unwrap();
    assert!(!run.wait().unwrap().success(), "it was still running");
    refused("a killed run", &verify(&journal), 1, "stopped before the end");
    assert!(matches!(Journal::open(&journal), Err(Error::Incomplete { .. })));
}

#[test]
fn a_program_reads_the_error_as_json() {
    let output = genovo(["replay", "nothing.toml", "--json"]);
    refused("no scenario", &output, 2, "nothing.toml");
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(json["error"]["message"].as_str().is_some_and(|text| text.contains("nothing.toml")), "{json}");
}
