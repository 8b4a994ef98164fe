//! Signals: what is read, in which order it arrives, and what is refused.

use std::path::Path;

use genovo_adapters::data::{DataError, OpenSignals, SignalsSpec, TargetKind, TimeFormat, open_signals};
use genovo_engine::event::{Event, Fact, SignalTarget};
use genovo_engine::ids::InstrumentId;
use genovo_engine::units::{Nanoseconds, Quantity, Ratio, SCALE, Timestamp};
use genovo_engine::world::Source;

use crate::file;

fn spec() -> SignalsSpec {
    SignalsSpec {
        instruments: vec![("ABC".to_string(), InstrumentId(1)), ("XYZ".to_string(), InstrumentId(2))],
        target: TargetKind::Position,
        time: None,
        utc_offset: Nanoseconds::ZERO,
        latency: Nanoseconds::ZERO,
        skip_bad_rows: false,
    }
}

fn read(text: &str, spec: &SignalsSpec) -> Result<Vec<Event>, DataError> {
    open_signals(file(text).path(), spec).map(|mut open: OpenSignals| {
        let mut events = Vec::new();
        open.source.read(&mut events, usize::MAX - 1).unwrap();
        assert_eq!(events.len() as u64, open.count);
        events
    })
}

fn target(event: &Event) -> SignalTarget {
    let Fact::SignalReceived(signal) = event.fact else { panic!("a signal") };
    signal.target
}

fn position(quantity: i64) -> SignalTarget {
    SignalTarget::Position { quantity: Quantity(quantity * SCALE) }
}

#[test]
fn rows_arrive_when_they_were_known_whatever_their_order() {
    let text = "symbol,known_at,target\nXYZ,2014-05-02 14:30,-7\nABC,2014-05-01,5\nABC,2014-05-02 14:30,0\n";
    let events = read(text, &SignalsSpec { latency: Nanoseconds(250), ..spec() }).unwrap();
    let seen: Vec<_> = events.iter().map(|event| (event.header.instrument.0, target(event))).collect();
    assert_eq!(seen, [(1, position(5)), (2, position(-7)), (1, position(0))]);
    assert_eq!(events[0].header.time_event, Timestamp(1_398_902_400_000_000_000));
    assert_eq!(events[0].header.time_received, Timestamp(1_398_902_400_000_000_250));
}

#[test]
fn a_column_called_weight_says_it_itself() {
    let share = |share: i64| SignalTarget::Weight { share: Ratio(share) };
    let events = read("ts_ns,ticker,weight\n5,ABC,-0.5\n", &spec()).unwrap();
    assert_eq!(target(&events[0]), share(-SCALE / 2));
    let weights = SignalsSpec { target: TargetKind::Weight, ..spec() };
    let events = read("known_at;symbol;target\n2014-05-01;ABC;1.25\n", &weights).unwrap();
    assert_eq!(target(&events[0]), share(SCALE / 4 * 5));
    let events = read("known_at,symbol,position\n2014-05-01,ABC,1.25\n", &weights).unwrap();
    assert_eq!(target(&events[0]), SignalTarget::Position { quantity: Quantity(1_250_000_000) });
    // One instrument needs no symbol.
    let one = SignalsSpec { instruments: vec![("ABC".to_string(), InstrumentId(1))], ..spec() };
    assert_eq!(read("known_at,target\n2014-05-01,3\n", &one).unwrap()[0].header.instrument, InstrumentId(1));
}

#[test]
fn what_would_be_ambiguous_is_refused_with_its_row() {
    let good = "known_at,symbol,target\n2014-05-01,ABC,1\n";
    for (row, problem) in [
        ("2014-05-01,ABC,2", "has a signal of this symbol already"),
        ("2014-05-01,ABC,1", "has a signal of this symbol already"),
        ("2014-05-02,AB,1", "is no instrument of the scenario: expected one of ABC, XYZ"),
        ("yesterday,ABC,1", "is not a time"),
        ("2014-05-02,ABC,much", "is not a position"),
        ("2014-05-02,ABC,", "is not a position"),
        ("2014-05-02,ABC", "another number of columns"),
        ("2014-05-02,ABC,1,1", "another number of columns"),
    ] {
        let text = format!("{good}{row}\n2014-05-03,XYZ,1\n");
        let error = read(&text, &spec()).unwrap_err();
        assert!(error.to_string().contains(problem), "{row}: {error}");
        assert_eq!(error.good_rows(), 1, "{row}");
        let skipping = SignalsSpec { skip_bad_rows: true, ..spec() };
        let left = open_signals(file(&text).path(), &skipping).unwrap();
        assert_eq!((left.count, left.skipped, left.first_skipped.len()), (2, 1, 1), "{row}");
    }
    let says = |text: &str| read(text, &spec()).unwrap_err().to_string();
    assert!(says("known_at,target\n2014-05-01,1\n").contains("no column for the symbol"));
    assert!(says("symbol,target\nABC,1\n").contains("no column for the time at which a signal was known"));
    assert!(says("known_at,symbol\n2014-05-01,ABC\n").contains("no column for the target"));
    assert!(says("known_at,symbol,target,weight\n2014-05-01,ABC,1,1\n").contains("more than one of"));
    assert!(says("known_at,symbol,target\n5,ABC,1\n").contains("say `time_format`"));
    assert!(says("known_at,symbol,target\n").contains("has no rows"));
    assert!(says("").contains("is empty"));
    let nanoseconds = SignalsSpec { time: Some(TimeFormat::Nanoseconds), ..spec() };
    assert_eq!(read("known_at,symbol,target\n5,ABC,1\n", &nanoseconds).unwrap().len(), 1);
}

/// What pandas and polars write of a table holds what the table holds.
#[test]
fn parquet_of_other_programs_says_the_same() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let one = SignalsSpec {
        instruments: vec![("ABC".to_string(), InstrumentId(1)), ("XAUUSD".to_string(), InstrumentId(2))],
        target: TargetKind::Weight,
        latency: Nanoseconds(250),
        ..spec()
    };
    let all = |path: &Path, spec: &SignalsSpec| -> Result<Vec<Event>, DataError> {
        let mut events = Vec::new();
        open_signals(path, spec)?.source.read(&mut events, usize::MAX - 1).unwrap();
        Ok(events)
    };
    let table = all(&here.join("../scenarios/data/signals_xauusd.csv"), &one).unwrap();
    assert!(table.len() > 5);
    for name in ["pandas", "polars"] {
        let file = here.join(format!("tests/data/signals/{name}.parquet"));
        assert_eq!(all(&file, &one).unwrap(), table, "{name}");
        let stranger = SignalsSpec { instruments: spec().instruments, ..one.clone() };
        let error = all(&file, &stranger).unwrap_err().to_string();
        assert!(error.contains("XAUUSD") && error.contains("expected one of ABC, XYZ"), "{error}");
        let skipping = SignalsSpec { skip_bad_rows: true, ..stranger };
        let open = open_signals(&file, &skipping).unwrap();
        assert_eq!((open.count, open.skipped), (0, table.len() as u64));
        assert!(open.first_skipped[0].to_string().contains("XAUUSD"));
    }
}
