//! Signals: what another program wants, row by row, as a source of events.
//!
//! ```text
//! known_at,symbol,target
//! 2014-05-02 14:30:00,XAUUSD,500
//! 2014-05-02 16:00:00,XAUUSD,-250
//! ```
//!
//! The rows may stand in any order: they are sorted by the time at which they were known, and that is when they
//! arrive. What would be ambiguous is refused: a symbol that nobody defined, and two rows of one time and symbol.
//!
//! `text` reads the table above, `parquet` the same columns of a Parquet file; here is what both obey.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use genovo_engine::event::{Event, Fact, Signal, SignalTarget};
use genovo_engine::ids::InstrumentId;
use genovo_engine::units::{Nanoseconds, Timestamp};
use genovo_engine::world::MemorySource;

use super::error::printable;
use super::{BadRow, DataError, FileSource, Format, Tally, TimeFormat};

mod parquet;
mod text;

/// What a target is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TargetKind {
    /// A position, signed.
    #[default]
    Position,
    /// A share of equity, signed: 0.5 is half of it.
    Weight,
}

/// The description of a file of signals.
#[derive(Clone, Debug)]
pub struct SignalsSpec {
    /// The symbols that may occur, and whose they are.
    pub instruments: Vec<(String, InstrumentId)>,
    /// What a column called `target` holds. One called `position` or `weight` says it itself.
    pub target: TargetKind,
    /// How times are written. `None`: what the column's name or the first row shows.
    pub time: Option<TimeFormat>,
    /// How far the file's clock is ahead of UTC.
    pub utc_offset: Nanoseconds,
    /// From the time at which a signal was known to its arrival here.
    pub latency: Nanoseconds,
    /// Count and leave out rows that cannot be used instead of refusing the file.
    pub skip_bad_rows: bool,
}

/// Signals that were read.
pub struct OpenSignals {
    /// All of them, in the order of their arrival.
    pub source: MemorySource,
    /// How many there are.
    pub count: u64,
    /// Rows left out by `skip_bad_rows`.
    pub skipped: u64,
    /// The first of them.
    pub first_skipped: Vec<BadRow>,
}

const TIMES: &[&str] = &["known_at", "known_at_ns", "ts_ns", "timestamp", "time", "datetime", "date"];
const SYMBOLS: &[&str] = &["symbol", "ticker", "instrument"];
const TARGETS: &[&str] = &["target", "position", "weight"];

/// Reads a file of signals whole: Parquet, or text that is plain, gzip or zstd; told apart by content.
pub fn open_signals(path: &Path, spec: &SignalsSpec) -> Result<OpenSignals, DataError> {
    let tally = Arc::new(Tally::default());
    let mut source: Box<dyn FileSource> = match Format::of(path)? {
        Format::Parquet => Box::new(parquet::open(path, spec, tally.clone())?),
        _ => Box::new(text::open(path, spec, tally.clone())?),
    };
    let mut events = Vec::new();
    loop {
        let before = events.len();
        source.read_rows(&mut events, 4_096)?;
        if events.len() == before {
            break;
        }
    }
    // Stable: rows of one time keep their order, whose symbols differ.
    events.sort_by_key(|event| event.header.time_received);
    Ok(OpenSignals {
        count: events.len() as u64,
        source: MemorySource::new(events),
        skipped: tally.skipped(),
        first_skipped: tally.first_skipped(),
    })
}

/// Which columns hold what, counted from 0.
struct Columns {
    time: usize,
    symbol: Option<usize>,
    target: usize,
    kind: TargetKind,
}

impl Columns {
    /// Finds them by their names.
    fn of(path: &Path, spec: &SignalsSpec, header: &[String]) -> Result<Columns, DataError> {
        let refused = |message: String| DataError::Spec { file: path.to_owned(), message };
        let place = |names: &[&str]| {
            names.iter().find_map(|name| header.iter().position(|known| known.eq_ignore_ascii_case(name)))
        };
        let need = |what: &str, names: &[&str]| {
            place(names).ok_or_else(|| {
                let there = printable(header.join(", ").as_bytes());
                refused(format!("no column for {what}: tried {}; there are {there}", names.join(", ")))
            })
        };
        let time = need("the time at which a signal was known", TIMES)?;
        let target = need("the target", TARGETS)?;
        let others =
            TARGETS.iter().filter(|name| header.iter().any(|known| known.eq_ignore_ascii_case(name)));
        if others.count() > 1 {
            return Err(refused(format!("it has more than one of {}: keep one", TARGETS.join(", "))));
        }
        let kind = match header[target].to_ascii_lowercase().as_str() {
            "position" => TargetKind::Position,
            "weight" => TargetKind::Weight,
            _ => spec.target,
        };
        let symbol = place(SYMBOLS);
        if symbol.is_none() && spec.instruments.len() != 1 {
            let message = format!("no column for the symbol: tried {}", SYMBOLS.join(", "));
            return Err(refused(format!(
                "{message}; with several instruments every signal must say whose it is"
            )));
        }
        Ok(Columns { time, symbol, target, kind })
    }
}

/// What is wrong with a time that cannot be that of a signal, and what would be right.
type TimeFlaw = (&'static str, &'static str);

/// Makes events of rows, each signal once.
struct Maker {
    latency: Nanoseconds,
    /// What was said already: a second word about the same would leave open which holds.
    seen: BTreeSet<(Timestamp, InstrumentId)>,
}

impl Maker {
    fn new(spec: &SignalsSpec) -> Maker {
        Maker { latency: spec.latency, seen: BTreeSet::new() }
    }

    fn event(
        &mut self,
        known: Timestamp,
        instrument: InstrumentId,
        target: SignalTarget,
    ) -> Result<Event, TimeFlaw> {
        let arrival = known.0.checked_add(self.latency.0).map(Timestamp);
        let arrival = arrival.ok_or(("is not a time", "a time before 2262"))?;
        if !self.seen.insert((known, instrument)) {
            return Err(("has a signal of this symbol already", "one signal of a time and symbol"));
        }
        Ok(Event::unnumbered(known, arrival, instrument, Fact::SignalReceived(Signal { target })))
    }
}

/// The symbols that may occur, for a reader.
fn symbols(spec: &SignalsSpec) -> Vec<String> {
    spec.instruments.iter().map(|(symbol, _)| symbol.clone()).collect()
}
