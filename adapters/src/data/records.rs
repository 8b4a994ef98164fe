//! Small tables of text read whole: releases, news, calendars, selections. Not market data, which streams.
//!
//! A first line of names, then a record a line; a field in quotation marks may hold commas, line ends and, doubled,
//! quotation marks. Every error names the file, the line and the column.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use genovo_engine::units::{Nanoseconds, Timestamp};

use super::error::printable;
use super::time::Clock;
use super::{DataError, Tally, TimeFormat, input};

/// The largest file that is read, unpacked.
const BYTES_MAX: u64 = 256 << 20;

/// Why a table cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{}{}: {message}", file.display(), on_line(*line), in_column(column.as_deref()))]
pub struct RecordError {
    /// The file as it was named.
    pub file: PathBuf,
    /// The line, counted from 1, if it is about one.
    pub line: Option<usize>,
    /// The column, if it is about one.
    pub column: Option<String>,
    /// What is wrong, and what would be right.
    pub message: String,
}

fn on_line(line: Option<usize>) -> String {
    line.map_or(String::new(), |line| format!(", line {line}"))
}

fn in_column(column: Option<&str>) -> String {
    column.map_or(String::new(), |column| format!(", column {column}"))
}

/// A table that was read.
#[derive(Clone, Debug)]
pub(crate) struct Records {
    file: PathBuf,
    /// The names of the columns.
    pub header: Vec<String>,
    rows: Vec<(usize, Vec<String>)>,
}

/// One record of a table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record<'a> {
    records: &'a Records,
    /// Its line, counted from 1.
    pub line: usize,
    fields: &'a [String],
}

impl Records {
    /// Reads a file, plain or packed.
    pub(crate) fn read(file: &Path) -> Result<Records, RecordError> {
        Records::of(file, &text_of(file)?)
    }

    /// Reads a text; `file` is what errors name.
    pub(crate) fn of(file: &Path, text: &str) -> Result<Records, RecordError> {
        let mut rows = split(text).map_err(|line| RecordError {
            file: file.to_owned(),
            line: Some(line),
            column: None,
            message: "a quotation mark has no second one".to_string(),
        })?;
        let mut records = Records { file: file.to_owned(), header: Vec::new(), rows: Vec::new() };
        if rows.is_empty() {
            return Err(records.fail("is empty"));
        }
        let (_, header) = rows.remove(0);
        records.header = header.into_iter().map(|name| name.trim().to_string()).collect();
        if rows.is_empty() {
            return Err(records.fail("has no rows"));
        }
        records.rows = rows;
        for record in records.iter() {
            let (found, wanted) = (record.fields.len(), records.header.len());
            if found != wanted {
                return Err(record.fail(None, format!("{found} fields, and line 1 names {wanted} columns")));
            }
        }
        Ok(records)
    }

    /// The records in the order of the file.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Record<'_>> {
        self.rows.iter().map(|(line, fields)| Record { records: self, line: *line, fields })
    }

    /// The first column that has one of these names, whatever its case.
    pub(crate) fn find(&self, names: &[&str]) -> Option<usize> {
        names.iter().find_map(|name| self.header.iter().position(|known| known.eq_ignore_ascii_case(name)))
    }

    /// The same, where there must be one.
    pub(crate) fn need(&self, what: &str, names: &[&str]) -> Result<usize, RecordError> {
        self.find(names).ok_or_else(|| {
            let there = printable(self.header.join(", ").as_bytes());
            self.fail(format!("no column for {what}: tried {}; there are {there}", names.join(", ")))
        })
    }

    /// How the times of a column are written, by its name or its first value.
    pub(crate) fn clock(&self, column: usize) -> Result<Clock, RecordError> {
        let named = TimeFormat::named_by(&self.header[column]);
        let first = self.iter().map(|record| record.field(column)).find(|field| !field.is_empty());
        let format = named.or_else(|| TimeFormat::shown_by(first.unwrap_or_default().as_bytes()));
        let format = format.ok_or_else(|| {
            let value = printable(first.unwrap_or_default().as_bytes());
            let mut error =
                self.fail(format!("`{value}` is no time such as 2014-05-02 14:30:00 or 1399041000"));
            error.column = Some(self.header[column].clone());
            error
        })?;
        Ok(Clock { format, utc_offset: Nanoseconds::ZERO })
    }

    /// An error about the whole file.
    pub(crate) fn fail(&self, message: impl Into<String>) -> RecordError {
        RecordError { file: self.file.clone(), line: None, column: None, message: message.into() }
    }
}

impl<'a> Record<'a> {
    /// A field without the blanks around it.
    pub(crate) fn field(&self, column: usize) -> &'a str {
        self.fields[column].trim()
    }

    /// A time.
    pub(crate) fn time(&self, column: usize, clock: &Clock) -> Result<Timestamp, RecordError> {
        let text = self.field(column);
        clock.read(text.as_bytes()).map_err(|expected| {
            self.fail(Some(column), format!("`{}` is no time: write {expected}", printable(text.as_bytes())))
        })
    }

    /// A number of some unit.
    pub(crate) fn number<T: std::str::FromStr<Err = genovo_engine::units::UnitError>>(
        &self,
        column: usize,
    ) -> Result<T, RecordError> {
        let text = self.field(column);
        text.parse()
            .map_err(|error| self.fail(Some(column), format!("`{}`: {error}", printable(text.as_bytes()))))
    }

    /// An error about this record.
    pub(crate) fn fail(&self, column: Option<usize>, message: impl Into<String>) -> RecordError {
        RecordError {
            line: Some(self.line),
            column: column.map(|column| self.records.header[column].clone()),
            ..self.records.fail(message)
        }
    }
}

/// A file as text, unpacked.
pub(crate) fn text_of(file: &Path) -> Result<String, RecordError> {
    let failed = |message: String| RecordError { file: file.to_owned(), line: None, column: None, message };
    let input = input::open(file, Arc::new(Tally::default())).map_err(|error| match error {
        DataError::Unreadable { message, .. } => failed(message),
        other => failed(other.to_string()),
    })?;
    let mut bytes = Vec::new();
    input.text.take(BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|error| failed(error.to_string()))?;
    if bytes.len() as u64 > BYTES_MAX {
        return Err(failed(format!("is larger than {} MiB: this is no such table", BYTES_MAX >> 20)));
    }
    String::from_utf8(bytes).map_err(|error| {
        let line = error.as_bytes()[..error.utf8_error().valid_up_to()].iter().filter(|byte| **byte == b'\n');
        RecordError { line: Some(line.count() + 1), ..failed("is not UTF-8 text".to_string()) }
    })
}

/// Records with the line on which each begins; blank lines are left out. The line of a quotation mark without a second
/// one instead.
fn split(text: &str) -> Result<Vec<(usize, Vec<String>)>, usize> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (mut rows, mut fields, mut field) = (Vec::new(), Vec::new(), String::new());
    let (mut line, mut begun, mut quoted) = (1, 1, None);
    let mut characters = text.chars().peekable();
    let mut end_row = |fields: &mut Vec<String>, field: &mut String, begun: usize| {
        fields.push(std::mem::take(field));
        let row = std::mem::take(fields);
        if row.len() > 1 || !row[0].trim().is_empty() {
            rows.push((begun, row));
        }
    };
    while let Some(character) = characters.next() {
        if character == '\n' {
            line += 1;
        }
        match (quoted, character) {
            (Some(_), '"') if characters.peek() == Some(&'"') => {
                characters.next();
                field.push('"');
            }
            (Some(_), '"') => quoted = None,
            (Some(_), other) => field.push(other),
            (None, '"') if field.trim().is_empty() => {
                field.clear();
                quoted = Some(line);
            }
            (None, ',') => fields.push(std::mem::take(&mut field)),
            (None, '\n') => {
                if field.ends_with('\r') {
                    field.pop();
                }
                end_row(&mut fields, &mut field, begun);
                begun = line;
            }
            (None, other) => field.push(other),
        }
    }
    if let Some(line) = quoted {
        return Err(line);
    }
    if !field.is_empty() || !fields.is_empty() {
        end_row(&mut fields, &mut field, begun);
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn quotation_marks_hold_commas_line_ends_and_each_other() {
        let text = "a,b\r\n1,\"x, \"\"y\"\"\nz\"\r\n\n 2 ,\n";
        let expected = vec![(1, vec!["a", "b"]), (2, vec!["1", "x, \"y\"\nz"]), (5, vec![" 2 ", ""])];
        let found = split(text).unwrap();
        let found: Vec<(usize, Vec<&str>)> =
            found.iter().map(|(line, row)| (*line, row.iter().map(String::as_str).collect())).collect();
        assert_eq!(found, expected);
        assert_eq!(split("a\n\"b\nc"), Err(2));
    }

    #[test]
    fn errors_name_the_place() {
        let of = |text: &str| Records::of(Path::new("x.csv"), text);
        assert_eq!(of("").unwrap_err().to_string(), "x.csv: is empty");
        assert_eq!(of("a,b\n").unwrap_err().to_string(), "x.csv: has no rows");
        assert_eq!(
            of("a,b\n1,2\n3\n").unwrap_err().to_string(),
            "x.csv, line 3: 1 fields, and line 1 names 2 columns"
        );
        let records = of("when,b\n2014-05-01,2\nsoon,3\n").unwrap();
        let clock = records.clock(0).unwrap();
        let wrong = records.iter().nth(1).unwrap().time(0, &clock).unwrap_err().to_string();
        assert!(wrong.starts_with("x.csv, line 3, column when: `soon` is no time"), "{wrong}");
        let missing = records.need("the name", &["name", "title"]).unwrap_err().to_string();
        assert_eq!(missing, "x.csv: no column for the name: tried name, title; there are when, b");
    }

    proptest! {
        #[test]
        fn any_text_gives_records_or_an_error(text in "[ab,\"\n\r é]{0,60}") {
            if let Ok(records) = Records::of(Path::new("x"), &text) {
                prop_assert!(records.iter().all(|record| record.fields.len() == records.header.len()));
            }
        }
    }
}
