//! Signals in a table of text: CSV, plain or packed by gzip or zstd.

use std::path::Path;
use std::sync::Arc;

use genovo_engine::event::{Event, SignalTarget};
use genovo_engine::ids::InstrumentId;
use genovo_engine::units::{Quantity, Ratio};

use super::{Columns, Maker, SignalsSpec, TargetKind};
use crate::data::csv::{self, cut};
use crate::data::text::fields::{split_plain, split_quoted};
use crate::data::text::lines::Lines;
use crate::data::text::values::{Flaw, Place, Read, Row, column, needed, whole_row};
use crate::data::text::{ReadRow, TextSource};
use crate::data::time::Clock;
use crate::data::{DataError, Tally, TimeFormat, input};

/// Opens a table and looks at its header.
pub(super) fn open(
    path: &Path,
    spec: &SignalsSpec,
    tally: Arc<Tally>,
) -> Result<TextSource<SignalRows>, DataError> {
    let input = input::open(path, tally.clone())?;
    let mut lines = Lines::new(input.text);
    let (header, rows) = head(path, input.compression, spec, &mut lines)?;
    let (file, skip) = (path.to_owned(), spec.skip_bad_rows);
    Ok(TextSource::new(file, input.compression, header, lines, rows, skip, tally))
}

/// What the header and the first rows say.
fn head(
    path: &Path,
    compression: crate::data::Compression,
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
    let columns = Columns::of(path, spec, &header)?;
    if csv::next_line(path, compression, lines)?.is_none() {
        return Err(DataError::NoRows { file: path.to_owned(), skipped: 0 });
    }
    let by_name = spec.time.or_else(|| TimeFormat::named_by(&header[columns.time]));
    let format = match by_name.map_or_else(|| csv::shown_time(lines, delimiter, columns.time), Ok) {
        Ok(format) => format,
        Err(value) => return Err(refused(format!("cannot tell the unit of `{value}`: say `time_format`"))),
    };
    let rows = SignalRows {
        columns,
        clock: Clock { format, utc_offset: spec.utc_offset },
        delimiter,
        instruments: spec.instruments.clone(),
        maker: Maker::new(spec),
        ends: vec![0; header.len()].into_boxed_slice(),
    };
    Ok((header, rows))
}

/// Reads rows of signals.
pub(super) struct SignalRows {
    columns: Columns,
    clock: Clock,
    delimiter: u8,
    instruments: Vec<(String, InstrumentId)>,
    maker: Maker,
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
        let known = row.time(self.columns.time, &self.clock)?;
        let (instrument, target) = (self.instrument(&row)?, self.target(&row)?);
        let event = self.maker.event(known, instrument, target);
        batch.push(event.map_err(|(problem, expected)| column(self.columns.time, problem, expected))?);
        Ok(())
    }

    fn delimiter(&self) -> u8 {
        self.delimiter
    }
}

impl SignalRows {
    fn instrument(&self, row: &Row<'_>) -> Read<InstrumentId> {
        let Some(place) = self.columns.symbol else { return Ok(self.instruments[0].1) };
        let text = row.field(place).trim_ascii();
        let known = self.instruments.iter().find(|(symbol, _)| symbol.as_bytes() == text);
        known.map(|(_, instrument)| *instrument).ok_or_else(|| {
            let mut flaw = column(place, "is no instrument of the scenario", "");
            let symbols: Vec<&str> = self.instruments.iter().map(|(symbol, _)| symbol.as_str()).collect();
            flaw.expected = format!("one of {}", symbols.join(", ")).into();
            flaw
        })
    }

    fn target(&self, row: &Row<'_>) -> Read<SignalTarget> {
        let text = row.field(self.columns.target).trim_ascii();
        match self.columns.kind {
            TargetKind::Position => Quantity::parse(text)
                .map(|quantity| SignalTarget::Position { quantity })
                .map_err(|error| column(self.columns.target, "is not a position", needed(error))),
            TargetKind::Weight => {
                Ratio::parse(text).map(|share| SignalTarget::Weight { share }).map_err(|error| {
                    column(self.columns.target, "is not a share of equity such as 0.5", needed(error))
                })
            }
        }
    }
}
