//! What can be wrong with a data file: always the place, what was found and what would be right.

use std::fmt;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::{Compression, Field};

/// Why a data file, or a row of it, is refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum DataError {
    /// The file cannot be opened or read.
    #[error("cannot read {}: {message}", file.display())]
    Unreadable {
        /// The file as it was named.
        file: PathBuf,
        /// What the system said.
        message: String,
    },
    /// The compressed stream ends early or is broken.
    #[error("{} is a damaged {compression} file: {message} (after {good_rows} good rows)", file.display())]
    Damaged {
        /// The file as it was named.
        file: PathBuf,
        /// How it is packed.
        compression: Compression,
        /// What the decoder said.
        message: String,
        /// Rows read before.
        good_rows: u64,
    },
    /// The file is no text at all.
    #[error("{} is not a CSV file: {found}", file.display())]
    NotText {
        /// The file as it was named.
        file: PathBuf,
        /// What it seems to be instead.
        found: String,
    },
    /// Nothing in it, or only blank lines.
    #[error("{} is empty", file.display())]
    Empty {
        /// The file as it was named.
        file: PathBuf,
    },
    /// A header at most, but no row that could be used.
    #[error("{} has no rows{}", file.display(), skipped_note(*skipped))]
    NoRows {
        /// The file as it was named.
        file: PathBuf,
        /// Rows that were there but had to be left out.
        skipped: u64,
    },
    /// The description of the file contradicts itself.
    #[error("{}: {message}", file.display())]
    Spec {
        /// The file as it was named.
        file: PathBuf,
        /// What does not fit, and what would.
        message: String,
    },
    /// The header lacks a column that is needed.
    #[error(transparent)]
    MissingColumn(Box<MissingColumn>),
    /// A line without an end.
    #[error("line {line} of {} is longer than 1 MiB: this is not a CSV of market data", file.display())]
    LineTooLong {
        /// The file as it was named.
        file: PathBuf,
        /// Counted from 1.
        line: u64,
        /// Rows read before.
        good_rows: u64,
    },
    /// A row that cannot be read.
    #[error(transparent)]
    Row(Box<BadRow>),
    /// Something in it that is no quote, trade or bar, or in a form that is not read.
    #[error("{}: {found}", file.display())]
    NotRead {
        /// The file as it was named.
        file: PathBuf,
        /// What is there.
        found: String,
        /// What would be right.
        help: String,
    },
}

fn skipped_note(skipped: u64) -> String {
    match skipped {
        0 => String::new(),
        1 => " that can be read (1 bad row left out)".to_string(),
        _ => format!(" that can be read ({skipped} bad rows left out)"),
    }
}

impl DataError {
    pub(crate) fn unreadable(file: &Path, error: &io::Error) -> DataError {
        DataError::Unreadable { file: file.to_owned(), message: error.to_string() }
    }

    /// Good rows before the place of the error, where there is a place.
    pub fn good_rows(&self) -> u64 {
        match self {
            DataError::Damaged { good_rows, .. } | DataError::LineTooLong { good_rows, .. } => *good_rows,
            DataError::Row(row) => row.good_rows,
            DataError::Unreadable { .. }
            | DataError::NotText { .. }
            | DataError::Empty { .. }
            | DataError::NoRows { .. }
            | DataError::Spec { .. }
            | DataError::MissingColumn(_)
            | DataError::NotRead { .. } => 0,
        }
    }
}

/// The header lacks a column that is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingColumn {
    /// The file as it was named.
    pub file: PathBuf,
    /// What is needed.
    pub field: Field,
    /// The names that were looked for.
    pub tried: Vec<String>,
    /// The names that are there.
    pub header: Vec<String>,
    /// A name that is there and looks like one that was looked for.
    pub similar: Option<String>,
    /// Whether the header looks like a row of data.
    pub looks_like_data: bool,
}

impl std::error::Error for MissingColumn {}

impl fmt::Display for MissingColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} has no column for `{}`: ", self.file.display(), self.field)?;
        write!(f, "tried {}; there are {}", self.tried.join(", "), shown_names(&self.header))?;
        if let Some(similar) = &self.similar {
            write!(f, " (did you mean `{similar}`?)")?;
        }
        if self.looks_like_data {
            write!(f, " (line 1 looks like data: if there is no header, say so and name columns by number)")?;
        }
        Ok(())
    }
}

/// The names of columns in a row, not too many and none too long.
fn shown_names(names: &[String]) -> String {
    const MOST: usize = 24;
    const LONGEST: usize = 32;
    let short = |name: &String| match name.char_indices().nth(LONGEST) {
        Some((cut, _)) => format!("{}…", printable(&name.as_bytes()[..cut])),
        None => printable(name.as_bytes()),
    };
    let mut shown: Vec<String> = names.iter().take(MOST).map(short).collect();
    if names.len() > MOST {
        shown.push(format!("and {} more", names.len() - MOST));
    }
    shown.join(", ")
}

/// A row that cannot be read, with all that a picture of it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRow {
    /// The file as it was named.
    pub file: PathBuf,
    /// What is counted: lines of a text, records of a binary file.
    pub unit: &'static str,
    /// Its number from 1; the header of a text is line 1.
    pub line: u64,
    /// The column's name, or its number when there is no header; `None` when the whole row is at fault.
    pub column: Option<String>,
    /// The offending text.
    pub text: String,
    /// What is wrong with it, such as `is not a price`.
    pub problem: &'static str,
    /// What would be right.
    pub expected: String,
    /// The row as it can be shown: printable, and cut around the fault when it is long.
    pub line_text: String,
    /// The bytes of `line_text` that are at fault.
    pub span: Range<usize>,
    /// Up to two lines before it, each with its number, where they were at hand.
    pub before: Vec<(u64, String)>,
    /// Rows read before this one.
    pub good_rows: u64,
}

impl std::error::Error for BadRow {}

impl fmt::Display for BadRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = if self.text.is_empty() { "an empty field" } else { &self.text };
        write!(f, "{text} {}: expected {}", self.problem, self.expected)?;
        write!(f, " ({}, {} {}", self.file.display(), self.unit, self.line)?;
        match &self.column {
            Some(column) => write!(f, ", column {column})"),
            None => write!(f, ")"),
        }
    }
}

/// The most bytes of a line that are shown.
const SHOWN: usize = 160;

/// A line as it can be shown, and where `span` of it lies then.
pub(crate) fn shown_line(line: &[u8], span: Range<usize>) -> (String, Range<usize>) {
    let span = span.start.min(line.len())..span.end.min(line.len());
    // A window around the start of the fault; whole lines fit nearly always.
    let from = if line.len() <= SHOWN { 0 } else { span.start.saturating_sub(SHOWN / 2) };
    let to = line.len().min(from + SHOWN);
    let fault = span.start..span.end.min(to);
    let mut text = String::new();
    if from > 0 {
        text.push('…');
    }
    text += &printable(&line[from..fault.start]);
    let start = text.len();
    text += &printable(&line[fault.clone()]);
    let end = text.len();
    text += &printable(&line[fault.end..to]);
    if to < line.len() {
        text.push('…');
    }
    (text, start..end)
}

/// Text without control characters: what a file holds must not steer a terminal.
pub(crate) fn printable(bytes: &[u8]) -> String {
    let cut = bytes.len().min(SHOWN);
    let clean = |c: char| if c.is_control() && c != '\t' { '\u{fffd}' } else { c };
    let mut text: String = String::from_utf8_lossy(&bytes[..cut]).chars().map(clean).collect();
    if cut < bytes.len() {
        text.push('…');
    }
    text
}
