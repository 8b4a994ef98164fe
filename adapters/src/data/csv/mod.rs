//! CSV files of quotes, trades and bars as a source of events.
//!
//! The way of a byte: `input` unpacks, `lines` cuts the stream into whole lines, `fields` cuts a line, `row`
//! makes the event. What the first lines say (`head`, `columns`) is found out once. Nothing is allocated for
//! a good row.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use genovo_engine::event::Event;
use genovo_engine::world::{Source, WorldError};

use super::error::{printable, shown_line};
use super::{BadRow, Compression, DataError, DataSpec, Tally, TimeFormat, input};

mod columns;
mod fields;
mod head;
mod lines;
mod row;

pub(super) use head::{cut, first_lines};
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
        let mut lines = Lines::new(input.text);
        let (header, rows) = head::read(path, input.compression, spec, &mut lines)?;
        Ok(CsvSource {
            file: path.to_owned(),
            file_size: input.file_size,
            compression: input.compression,
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

    /// The line of the last row read, counted from 1 with the header.
    pub fn line(&self) -> u64 {
        self.lines.taken()
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
