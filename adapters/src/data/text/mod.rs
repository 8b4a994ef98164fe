//! Files of text: lines cut into rows, rows into events, and what is wrong with them shown where it stands.
//!
//! The way of a byte: `input` unpacks, `lines` cuts the stream into whole lines, `fields` cuts a line, `values`
//! makes numbers of its fields, and a format's [`ReadRow`] makes the event. Nothing is allocated for a good row.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use genovo_engine::event::{Bar, Event};

use super::error::{printable, shown_line};
use super::{BadRow, Compression, DataError, FileSource, Spill, Tally};

pub(crate) mod fields;
pub(crate) mod lines;
pub(crate) mod values;

use lines::{Lines, LinesError, line_at};
use values::{Flaw, Place, Read, column};

/// Makes events of lines.
pub(crate) trait ReadRow: Send {
    /// Reads a row that is not blank and appends its event, if it makes one.
    fn read(&mut self, line: &[u8], has_quotes: bool, batch: &mut Vec<Event>) -> Read<()>;

    /// What parts its fields.
    fn delimiter(&self) -> u8;

    /// What the file should have had before it ended: what was found, what would help.
    fn unfinished(&self) -> Option<(String, String)> {
        None
    }
}

/// A file of text being read.
pub(crate) struct TextSource<R> {
    file: PathBuf,
    compression: Compression,
    /// The names of the columns, none when the file has none.
    header: Vec<String>,
    lines: Lines,
    rows: R,
    skip_bad_rows: bool,
    good_rows: u64,
    skipped: u64,
    tally: Arc<Tally>,
    /// Events of the last line beyond what was asked for.
    spill: Spill,
    /// What ended the reading; asked again, it is said again.
    failed: Option<DataError>,
}

impl<R: ReadRow> TextSource<R> {
    /// Rows from `lines` on; `file` is what errors name.
    pub(crate) fn new(
        file: PathBuf,
        compression: Compression,
        header: Vec<String>,
        lines: Lines,
        rows: R,
        skip_bad_rows: bool,
        tally: Arc<Tally>,
    ) -> TextSource<R> {
        TextSource {
            file,
            compression,
            header,
            lines,
            rows,
            skip_bad_rows,
            good_rows: 0,
            skipped: 0,
            tally,
            spill: Spill::default(),
            failed: None,
        }
    }

    /// Reads until the batch is `target` long or the file ends.
    fn fill(&mut self, batch: &mut Vec<Event>, target: usize) -> Result<(), DataError> {
        self.spill.give(batch, target);
        while batch.len() < target {
            let next_line = self.lines.taken() + 1;
            let (block, has_quotes) = match self.lines.block() {
                Ok(([], _)) => {
                    if let Some((found, help)) = self.rows.unfinished() {
                        return Err(DataError::NotRead { file: self.file.clone(), found, help });
                    }
                    if self.good_rows == 0 {
                        return Err(DataError::NoRows { file: self.file.clone(), skipped: self.skipped });
                    }
                    return Ok(());
                }
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
        self.spill.keep(batch, target);
        Ok(())
    }

    /// Refuses the row at the start of the block, or counts it as left out.
    #[cold]
    fn bad_row(&mut self, line: &[u8], flaw: Flaw) -> Result<(), DataError> {
        if !self.skip_bad_rows {
            return Err(DataError::Row(Box::new(self.describe(line, flaw))));
        }
        self.skipped += 1;
        self.tally.skip(|| self.describe(line, flaw));
        Ok(())
    }

    fn describe(&self, line: &[u8], flaw: Flaw) -> BadRow {
        let number = self.lines.taken() + 1;
        let (column, span) = match flaw.place {
            Place::Column(place) => {
                let name = self.header.get(place).cloned().unwrap_or_else(|| (place + 1).to_string());
                (Some(name), fields::raw_field(line, self.rows.delimiter(), place))
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
            unit: "line",
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

impl<R: ReadRow> FileSource for TextSource<R> {
    fn read_rows(&mut self, batch: &mut Vec<Event>, limit: usize) -> Result<(), DataError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let before = batch.len();
        let result = self.fill(batch, before.saturating_add(limit));
        self.tally.rows.fetch_add((batch.len() - before) as u64, Ordering::Relaxed);
        if let Err(error) = &result {
            self.failed = Some(error.clone());
        }
        result
    }

    fn line(&self) -> u64 {
        self.lines.taken()
    }
}

/// Why the stream of lines ended early.
pub(crate) fn input_failed(
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

/// Refuses a bar whose high or low is none; `places` are those of its high and low in the row.
#[inline]
pub(crate) fn check_bar(bar: &Bar, [high, low]: [usize; 2]) -> Read<()> {
    if bar.high < bar.open.max(bar.close).max(bar.low) {
        return Err(column(high, "is not the high of this bar", "no price of the bar above it"));
    }
    if bar.low > bar.open.min(bar.close) {
        return Err(column(low, "is not the low of this bar", "no price of the bar below it"));
    }
    Ok(())
}
