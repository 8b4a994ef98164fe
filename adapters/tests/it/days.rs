//! A folder of files read as one.

use std::fs;
use std::path::Path;

use genovo_adapters::data::{DataSpec, content_hash, find_row, folder, open};
use genovo_engine::event::Event;
use genovo_engine::ids::InstrumentId;
use genovo_engine::settings::DataKind;

fn spec() -> DataSpec {
    DataSpec::new(InstrumentId(1), DataKind::Quotes)
}

fn all(path: &Path, spec: &DataSpec) -> Result<Vec<Event>, String> {
    let mut source = open(path, spec).map_err(|error| error.to_string())?.source;
    let mut events = Vec::new();
    loop {
        let before = events.len();
        source.read(&mut events, 7).map_err(|error| error.to_string())?;
        if events.len() == before {
            return Ok(events);
        }
    }
}

const HEADER: &str = "ts_ns,bid,ask,local_ts\n";

/// Ten quotes that begin at `start`, the last of which arrives late.
fn rows(start: i64) -> String {
    let row = |n: i64| {
        let time = 1_700_000_000_000_000_000 + (start + n) * 1_000_000_000;
        format!("{time},{}.5,{}.6,{}\n", 100 + n, 100 + n, time + (n / 9) * 5_000_000_000)
    };
    (0..10).map(row).collect()
}

fn write(folder: &Path, name: &str, text: &str) {
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join(name), text).unwrap();
}

#[test]
fn files_in_order_are_one_file() {
    let place = tempfile::tempdir().unwrap();
    let (folder, whole) = (place.path().join("days"), place.path().join("whole.csv"));
    for (name, start) in [("20231115.csv", 10), ("20231114.csv", 0), ("20231116.csv", 20)] {
        write(&folder, name, &format!("{HEADER}{}", rows(start)));
    }
    write(&folder, "README.md", "What this is.");
    write(&folder, ".hidden", "no data");
    fs::write(&whole, format!("{HEADER}{}{}{}", rows(0), rows(10), rows(20))).unwrap();
    assert_eq!(all(&folder, &spec()).unwrap(), all(&whole, &spec()).unwrap());
    let tiled = DataSpec { tiles: 3, ..spec() };
    assert_eq!(all(&folder, &tiled).unwrap(), all(&whole, &tiled).unwrap());

    let found = find_row(&folder, &spec(), 14).unwrap().unwrap();
    assert_eq!((found.file, found.line), (folder.join("20231115.csv"), 5));
    assert_eq!(found.event, find_row(&whole, &spec(), 14).unwrap().unwrap().event);
    assert!(find_row(&folder, &spec(), 31).unwrap().is_none());

    // Known by what is in the files and their order, not by their names.
    let hash = || folder::content(&folder, DataKind::Quotes, None).unwrap();
    let before = hash();
    fs::rename(folder.join("20231116.csv"), folder.join("20231117.csv")).unwrap();
    assert_eq!(hash(), before);
    fs::rename(folder.join("20231117.csv"), folder.join("20231113.csv")).unwrap();
    assert_ne!(hash(), before);
    assert_ne!(before, content_hash(&whole).unwrap());
    let error = all(&folder, &spec()).unwrap_err();
    assert!(error.contains("20231114.csv") && error.contains("begins before the file before it"), "{error}");
}

#[test]
fn a_bad_row_is_named_with_its_own_file() {
    let place = tempfile::tempdir().unwrap();
    write(place.path(), "1.csv", &format!("{HEADER}{}", rows(0)));
    write(place.path(), "2.csv", &format!("{HEADER}{}1800000000000000000,x,1,\n", rows(10)));
    let error = all(place.path(), &spec()).unwrap_err();
    assert!(error.contains("is not a price"), "{error}");
    let skipping = DataSpec { skip_bad_rows: true, ..spec() };
    let mut open = open(place.path(), &skipping).unwrap();
    let mut events = Vec::new();
    while events.len() < 20 {
        open.source.read(&mut events, 100).unwrap();
    }
    open.source.read(&mut events, 100).unwrap();
    assert_eq!((open.tally.rows(), open.tally.skipped()), (20, 1));
    let row = &open.tally.first_skipped()[0];
    assert_eq!((row.file.file_name().unwrap().to_str(), row.line), (Some("2.csv"), 12));
}

#[test]
fn a_map_file_says_which_ticker_has_which_days() {
    let place = tempfile::tempdir().unwrap();
    let at = |name: &str| place.path().join(name);
    let day = |ticker: &str, name: &str, start| write(&at(ticker), name, &format!("{HEADER}{}", rows(start)));
    day("goog", "20140401.csv", 0);
    day("goog", "20140402.csv", 10);
    // Since then another company's.
    day("goog", "20140403.csv", 15);
    day("googl", "20140403.csv", 20);
    write(place.path(), "map.csv", "20040819,goog\n20140402,GOOG\n20501231,googl\n");
    let map = Some(at("map.csv"));
    let files = folder::files(&at("googl"), Some(DataKind::Quotes), map.as_deref()).unwrap();
    assert_eq!(files, [at("goog/20140401.csv"), at("goog/20140402.csv"), at("googl/20140403.csv")]);
    let events = all(&at("googl"), &DataSpec { map: map.clone(), ..spec() }).unwrap();
    assert_eq!(events.len(), 30);
    for (text, problem) in [
        ("20140402\n", "line 1: it has no day or no ticker"),
        ("April,goog\n", "line 1: it has no day or no ticker"),
        ("20140402,goog\n20130101,googl\n", "line 2: its day is before that of the row above"),
        ("20140402,../goog\n", "line 1: its ticker is no name of a folder"),
        ("20140402,abc\n", "no folder beside"),
    ] {
        fs::write(at("map.csv"), text).unwrap();
        let error = folder::files(&at("googl"), None, map.as_deref()).unwrap_err().to_string();
        assert!(error.contains(problem), "{text}: {error}");
    }
}

/// Of LEAN's archives the kind of data chooses.
#[test]
fn quotes_and_trades_of_a_day_lie_side_by_side() {
    let bac = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/lean/equity/usa/tick/bac");
    let names = |kind| -> Vec<String> {
        let files = folder::files(&bac, Some(kind), None).unwrap();
        files.iter().map(|file| file.file_name().unwrap().to_string_lossy().into_owned()).collect()
    };
    assert_eq!(names(DataKind::Quotes), ["20131007_quote.zip"]);
    assert_eq!(names(DataKind::Trades), ["20131007_trade.zip"]);
    assert_eq!(names(DataKind::Bars), ["20131007_trade.zip"]);
    let trades = DataSpec::new(InstrumentId(1), DataKind::Trades);
    let (folder, file) =
        (all(&bac, &trades).unwrap(), all(&bac.join("20131007_trade.zip"), &trades).unwrap());
    assert_eq!(folder, file);
}
