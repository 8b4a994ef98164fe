//! CSV files of quotes, trades and bars as a source of events.
//!
//! The way of a byte: [`input`](super::input) unpacks, `lines` cuts the stream into whole lines, `fields` cuts a line,
//! `row` makes the event, by the places that `columns` found once in the header. Nothing is allocated for a good row.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use genovo_engine::event::Event;
use genovo_engine::units::{Nanoseconds, Timestamp};
use genovo_engine::world::{Source, WorldError};

use super::error::{printable, shown_line};
use super::time::Clock;
use super::{BadRow, Compression, DataError, DataSpec, Field, Tally, TimeFormat, input};

mod columns;
mod fields;
mod lines;
mod row;

use lines::{Lines, LinesError, line_at};
use row::{Flaw, Place, Rows};

/// A CSV file being read.
pub struct CsvSource {
    file: PathBuf,
    file_size: u64,
    compression: Compression,
    header: Vec<String>,
    lines: Lines,
    rows: Rows,
    skip_bad_rows: bool,
    good_rows: u64,
    skipped: u64,
    tally: Arc<Tally>,
    /// What ended the reading; asked again, it is said again.
    failed: Option<DataError>,
}

impl CsvSource {
    /// Opens a file and reads its header. `spec.tiles` is not looked at: see [`Tiled`](super::tile::Tiled).
    pub fn open(path: &Path, spec: &DataSpec, tally: Arc<Tally>) -> Result<CsvSource, DataError> {
        spec.check().map_err(|message| DataError::Spec { file: path.to_owned(), message })?;
        let input = input::open(path, tally.clone())?;
        let compression = input.compression;
        let file = path.to_owned();
        let failed = |lines: &Lines, error| input_failed(path, compression, error, lines.taken() + 1, 0);
        let mut lines = Lines::new(input.text);

        let first = match first_line(&mut lines).map_err(|error| failed(&lines, error))? {
            Some(line) => line,
            None => return Err(DataError::Empty { file }),
        };
        if let Some(at) = memchr::memchr(0, &first) {
            let found = format!("byte {} of it is 0, which no text has", at + 1);
            return Err(DataError::NotText { file, found });
        }
        let delimiter = spec.delimiter.unwrap_or_else(|| columns::delimiter_of(&first));
        let first_names = names(&first, delimiter).map_err(|found| DataError::NotText { file, found })?;
        let file = path.to_owned();
        let count = first_names.len();
        let header = if spec.header {
            take_first_line(&mut lines);
            first_names
        } else {
            Vec::new()
        };
        let columns = columns::resolve(path, spec, &header, count)?;

        if first_line(&mut lines).map_err(|error| failed(&lines, error))?.is_none() {
            return Err(DataError::NoRows { file, skipped: 0 });
        }
        let (block, _) = lines.block().map_err(|error| input_failed(path, compression, error, 1, 0))?;
        let clock = |place: usize, format: Option<TimeFormat>, field: Field| {
            let name = header.get(place).map_or("", String::as_str);
            let format = format.or_else(|| TimeFormat::named_by(name));
            match format.map_or_else(|| time_format(block, delimiter, place), Ok) {
                Ok(format) => Ok(Clock { format, utc_offset: spec.utc_offset }),
                Err(value) => {
                    let message =
                        format!("cannot tell the unit of `{value}`: give that of the column for `{field}`");
                    Err(DataError::Spec { file: file.clone(), message })
                }
            }
        };
        let time_clock = clock(columns.time, spec.time, Field::Time)?;
        let arrival_clock = match columns.arrival {
            Some(place) => clock(place, spec.arrival, Field::Arrival)?,
            None => time_clock,
        };
        let rows = Rows {
            columns,
            delimiter,
            clock: time_clock,
            arrival_clock,
            instrument: spec.instrument,
            feed_latency: spec.feed_latency,
            clock_offset: spec.clock_offset,
            bar_known_after: spec.bar_known().unwrap_or(Nanoseconds::ZERO),
            received: Timestamp::MIN,
            ends: vec![0; count].into_boxed_slice(),
            plain: Vec::new(),
        };
        Ok(CsvSource {
            file,
            file_size: input.file_size,
            compression,
            header,
            lines,
            rows,
            skip_bad_rows: spec.skip_bad_rows,
            good_rows: 0,
            skipped: 0,
            tally,
            failed: None,
        })
    }

    /// The size of the file as it lies on disk.
    pub fn file_size(&self) -> u64 {
        self.file_size
    }

    /// How the file is packed.
    pub fn compression(&self) -> Compression {
        self.compression
    }

    /// The format of its times.
    pub fn time_format(&self) -> TimeFormat {
        self.rows.clock.format
    }

    /// The names of its columns, none when it has no header.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// Appends up to `limit` events; none at the end. After an error it gives the same error again.
    pub fn read_rows(&mut self, batch: &mut Vec<Event>, limit: usize) -> Result<(), DataError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let (before, skipped_before) = (batch.len(), self.skipped);
        let result = self.fill(batch, before.saturating_add(limit));
        self.tally.rows.fetch_add((batch.len() - before) as u64, Ordering::Relaxed);
        self.tally.skipped.fetch_add(self.skipped - skipped_before, Ordering::Relaxed);
        if let Err(error) = &result {
            self.failed = Some(error.clone());
        }
        result
    }

    /// Reads until the batch is `target` long or the file ends.
    fn fill(&mut self, batch: &mut Vec<Event>, target: usize) -> Result<(), DataError> {
        while batch.len() < target {
            let next_line = self.lines.taken() + 1;
            let (block, has_quotes) = match self.lines.block() {
                Ok(([], _)) if self.good_rows == 0 => {
                    return Err(DataError::NoRows { file: self.file.clone(), skipped: self.skipped });
                }
                Ok(([], _)) => return Ok(()),
                Ok(block) => block,
                Err(error) => {
                    return Err(input_failed(&self.file, self.compression, error, next_line, self.good_rows));
                }
            };
            let (mut at, mut taken, mut bad) = (0, 0, None);
            let before = batch.len();
            while at < block.len() && batch.len() < target {
                let (line, next) = line_at(block, at);
                if !line.is_empty()
                    && let Err(flaw) = self.rows.read(&block[line.clone()], has_quotes, batch)
                {
                    bad = Some((block[line].to_vec(), next, flaw));
                    break;
                }
                at = next;
                taken += 1;
            }
            self.good_rows += (batch.len() - before) as u64;
            self.lines.take(at, taken);
            if let Some((line, next, flaw)) = bad {
                self.bad_row(&line, *flaw)?;
                self.lines.take(next - at, 1);
            }
        }
        Ok(())
    }

    /// Refuses the row at the start of the block, or counts it as left out.
    #[cold]
    fn bad_row(&mut self, line: &[u8], flaw: Flaw) -> Result<(), DataError> {
        if !self.skip_bad_rows {
            return Err(DataError::Row(Box::new(self.describe(line, flaw))));
        }
        self.skipped += 1;
        if self.skipped <= Tally::SKIPPED_KEPT as u64 {
            let row = self.describe(line, flaw);
            let mut kept = self.tally.kept();
            if kept.len() < Tally::SKIPPED_KEPT {
                kept.push(row);
            }
        }
        Ok(())
    }

    fn describe(&self, line: &[u8], flaw: Flaw) -> BadRow {
        let number = self.lines.taken() + 1;
        let (column, span) = match flaw.place {
            Place::Column(place) => {
                let name = self.header.get(place).cloned().unwrap_or_else(|| (place + 1).to_string());
                (Some(name), fields::raw_field(line, self.rows.delimiter, place))
            }
            Place::Bytes(span) => (None, span),
            Place::Row => (None, 0..line.len()),
        };
        let before = self.lines.before(0, 2);
        let first = number - before.len() as u64;
        let shown = |line: &[u8]| printable(line.strip_suffix(b"\r").unwrap_or(line));
        let (line_text, shown_span) = shown_line(line, span.clone());
        BadRow {
            file: self.file.clone(),
            line: number,
            column,
            text: printable(&line[span]),
            problem: flaw.problem,
            expected: flaw.expected.into_owned(),
            line_text,
            span: shown_span,
            before: (first..).zip(before.into_iter().map(shown)).collect(),
            good_rows: self.good_rows,
        }
    }
}

impl Source for CsvSource {
    fn read(&mut self, batch: &mut Vec<Event>, limit: usize) -> Result<(), WorldError> {
        self.read_rows(batch, limit).map_err(WorldError::new)
    }
}

/// Takes blank lines and returns a copy of the first other one, which stays; `None` at the end of the file.
fn first_line(lines: &mut Lines) -> Result<Option<Vec<u8>>, LinesError> {
    loop {
        let at_start = lines.taken() == 0;
        let (block, _) = lines.block()?;
        if block.is_empty() {
            return Ok(None);
        }
        if at_start && block.starts_with(BYTE_ORDER_MARK) {
            lines.take(BYTE_ORDER_MARK.len(), 0);
            continue;
        }
        let (line, next) = line_at(block, 0);
        if !line.is_empty() {
            return Ok(Some(block[line].to_vec()));
        }
        lines.take(next, 1);
    }
}

/// What some editors put before UTF-8 text.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Takes the line that [`first_line`] returned.
fn take_first_line(lines: &mut Lines) {
    if let Ok((block, _)) = lines.block() {
        let (_, next) = line_at(block, 0);
        lines.take(next, 1);
    }
}

/// The format of the times in a column: that of the first row that shows one. Else a number whose unit nothing shows,
/// or, when no row has a time at all, text: the rows' own errors then say what is wrong.
fn time_format(block: &[u8], delimiter: u8, place: usize) -> Result<TimeFormat, String> {
    const ROWS: usize = 100;
    let (mut plain, mut ends) = (Vec::new(), Vec::new());
    let (mut at, mut ambiguous) = (0, None);
    for _ in 0..ROWS {
        if at == block.len() {
            break;
        }
        let (line, next) = line_at(block, at);
        at = next;
        if fields::split_quoted(&block[line], delimiter, &mut plain, &mut ends).is_err()
            || ends.len() <= place
        {
            continue;
        }
        let start = if place == 0 { 0 } else { ends[place - 1] as usize + 1 };
        let value = &plain[start..ends[place] as usize];
        if let Some(format) = TimeFormat::shown_by(value) {
            return Ok(format);
        }
        if ambiguous.is_none() && !value.is_empty() && value.iter().all(u8::is_ascii_digit) {
            ambiguous = Some(printable(value));
        }
    }
    ambiguous.map_or(Ok(TimeFormat::Text), Err)
}

/// The fields of a line as text, or what is wrong with it.
fn names(line: &[u8], delimiter: u8) -> Result<Vec<String>, String> {
    let (mut plain, mut ends) = (Vec::new(), Vec::new());
    fields::split_quoted(line, delimiter, &mut plain, &mut ends)
        .map_err(|error| format!("`{}` in line 1 {}", printable(&line[error.span]), error.problem))?;
    let text = String::from_utf8(plain).map_err(|_| "line 1 is not UTF-8 text".to_string())?;
    let mut start = 0;
    Ok(ends
        .into_iter()
        .map(|end| {
            let name = text[start..end as usize].trim().to_string();
            start = end as usize + 1;
            name
        })
        .collect())
}

fn input_failed(
    file: &Path,
    compression: Compression,
    error: LinesError,
    line: u64,
    good_rows: u64,
) -> DataError {
    let file = file.to_owned();
    match error {
        LinesError::TooLong => DataError::LineTooLong { file, line, good_rows },
        LinesError::Input(error) if compression == Compression::Plain => DataError::unreadable(&file, &error),
        LinesError::Input(error) => {
            DataError::Damaged { file, compression, message: error.to_string(), good_rows }
        }
    }
}
