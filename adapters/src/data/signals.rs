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

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use genovo_engine::event::{Event, Fact, Signal, SignalTarget};
use genovo_engine::ids::InstrumentId;
use genovo_engine::units::{Nanoseconds, Quantity, Ratio, Timestamp};
use genovo_engine::world::MemorySource;

use super::csv::{self, cut};
use super::error::printable;
use super::text::fields::{split_plain, split_quoted};
use super::text::lines::Lines;
use super::text::values::{Flaw, Place, Read, Row, column, needed, whole_row};
use super::text::{ReadRow, TextSource};
use super::time::Clock;
use super::{BadRow, DataError, FileSource, Tally, TimeFormat, input};

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

/// Reads a file of signals whole: plain text, gzip or zstd.
pub fn open_signals(path: &Path, spec: &SignalsSpec) -> Result<OpenSignals, DataError> {
    let tally = Arc::new(Tally::default());
    let input = input::open(path, tally.clone())?;
    let mut lines = Lines::new(input.text);
    let (header, rows) = head(path, input.compression, spec, &mut lines)?;
    let file = path.to_owned();
    let (compression, skip) = (input.compression, spec.skip_bad_rows);
    let mut source = TextSource::new(file, compression, header, lines, rows, skip, tally.clone());
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

/// What the header and the first rows say.
fn head(
    path: &Path,
    compression: super::Compression,
    spec: &SignalsSpec,
    lines: &mut Lines,
) -> Result<(Vec<String>, SignalRows), DataError> {
    let refused = |message: String| DataError::Spec { file: path.to_owned(), message };
    let first = csv::next_line(path, compression, lines)?
        .ok_or_else(|| DataError::Empty { file: path.to_owned() })?;
    let delimiter = csv::delimiter_of(&first);
    let header = cut(&first, delimiter).ok_or_else(|| DataError::NotText {
        file: path.to_owned(),
        found: "line 1 is no text in columns".to_string(),
    })?;
    csv::take_line(lines);
    let place = |names: &[&str]| {
        names.iter().find_map(|name| header.iter().position(|known| known.eq_ignore_ascii_case(name)))
    };
    let need = |what: &str, names: &[&str]| {
        place(names).ok_or_else(|| {
            let there = printable(header.join(", ").as_bytes());
            refused(format!("no column for {what}: tried {}; there are {there}", names.join(", ")))
        })
    };
    let (time, target) = (need("the time at which a signal was known", TIMES)?, need("the target", TARGETS)?);
    let others = TARGETS.iter().filter(|name| header.iter().any(|known| known.eq_ignore_ascii_case(name)));
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
    if csv::next_line(path, compression, lines)?.is_none() {
        return Err(DataError::NoRows { file: path.to_owned(), skipped: 0 });
    }
    let by_name = spec.time.or_else(|| TimeFormat::named_by(&header[time]));
    let format = match by_name.map_or_else(|| csv::shown_time(lines, delimiter, time), Ok) {
        Ok(format) => format,
        Err(value) => return Err(refused(format!("cannot tell the unit of `{value}`: say `time_format`"))),
    };
    let rows = SignalRows {
        time,
        symbol,
        target,
        kind,
        clock: Clock { format, utc_offset: spec.utc_offset },
        delimiter,
        instruments: spec.instruments.clone(),
        latency: spec.latency,
        seen: BTreeSet::new(),
        ends: vec![0; header.len()].into_boxed_slice(),
    };
    Ok((header, rows))
}

/// Reads rows of signals.
struct SignalRows {
    time: usize,
    symbol: Option<usize>,
    target: usize,
    kind: TargetKind,
    clock: Clock,
    delimiter: u8,
    instruments: Vec<(String, InstrumentId)>,
    latency: Nanoseconds,
    /// What was said already: a second word about the same would leave open which holds.
    seen: BTreeSet<(Timestamp, InstrumentId)>,
    ends: Box<[u32]>,
}

impl ReadRow for SignalRows {
    fn read(&mut self, line: &[u8], has_quotes: bool, batch: &mut Vec<Event>) -> Read<()> {
        let (mut plain, mut ends) = (Vec::new(), Vec::new());
        let count;
        let mut text = line;
        if has_quotes && line.contains(&b'"') {
            split_quoted(line, self.delimiter, &mut plain, &mut ends).map_err(|error| {
                let (place, problem) = (Place::Bytes(error.span), error.problem);
                Box::new(Flaw { place, problem, expected: error.expected.into() })
            })?;
            count = ends.len();
            text = &plain;
            if count == self.ends.len() {
                self.ends.copy_from_slice(&ends);
            }
        } else {
            count = split_plain(line, self.delimiter, &mut self.ends);
        }
        if count != self.ends.len() {
            let mut flaw = whole_row("has another number of columns than line 1", "");
            flaw.expected = format!("{} columns, found {count}", self.ends.len()).into();
            return Err(flaw);
        }
        let row = Row { text, ends: &self.ends };
        let known = row.time(self.time, &self.clock)?;
        let instrument = self.instrument(&row)?;
        let target = self.target(&row)?;
        let arrival = known.0.checked_add(self.latency.0).map(Timestamp);
        let arrival = arrival.ok_or_else(|| column(self.time, "is not a time", "a time before 2262"))?;
        if !self.seen.insert((known, instrument)) {
            let (problem, expected) =
                ("has a signal of this symbol already", "one signal of a time and symbol");
            return Err(column(self.time, problem, expected));
        }
        batch.push(Event::unnumbered(known, arrival, instrument, Fact::SignalReceived(Signal { target })));
        Ok(())
    }

    fn delimiter(&self) -> u8 {
        self.delimiter
    }
}

impl SignalRows {
    fn instrument(&self, row: &Row<'_>) -> Read<InstrumentId> {
        let Some(place) = self.symbol else { return Ok(self.instruments[0].1) };
        let text = row.field(place).trim_ascii();
        let known = self.instruments.iter().find(|(symbol, _)| symbol.as_bytes() == text);
        known.map(|(_, instrument)| *instrument).ok_or_else(|| {
            let symbols: Vec<&str> = self.instruments.iter().map(|(symbol, _)| symbol.as_str()).collect();
            let mut flaw = column(place, "is no instrument of the scenario", "");
            flaw.expected = format!("one of {}", symbols.join(", ")).into();
            flaw
        })
    }

    fn target(&self, row: &Row<'_>) -> Read<SignalTarget> {
        let text = row.field(self.target).trim_ascii();
        match self.kind {
            TargetKind::Position => Quantity::parse(text)
                .map(|quantity| SignalTarget::Position { quantity })
                .map_err(|error| column(self.target, "is not a position", needed(error))),
            TargetKind::Weight => Ratio::parse(text)
                .map(|share| SignalTarget::Weight { share })
                .map_err(|error| column(self.target, "is not a share of equity such as 0.5", needed(error))),
        }
    }
}
