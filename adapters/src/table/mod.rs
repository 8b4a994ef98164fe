//! Tables on their way out: rows of typed cells as CSV, JSON lines or Parquet.
//!
//! A number stays what it is: decimals are exact text in CSV and JSON, and decimals of nine places in Parquet.

use std::borrow::Cow;
use std::io::{self, Write};

use genovo_engine::units::{SCALE, Timestamp};

mod parquet;
mod text;

pub use parquet::ParquetTable;
pub use text::{CsvTable, JsonTable};

/// What a column holds. Every cell may also be absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// Whole numbers.
    Whole,
    /// Times: nanoseconds since 1970-01-01 00:00 UTC, in Parquet a timestamp.
    Time,
    /// Decimals with nine places.
    Decimal,
    /// 32-bit floats.
    Float,
    /// UTF-8 text.
    Text,
}

/// A column's name and kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableColumn {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: ColumnKind,
}

/// A value in a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell<'a> {
    /// Nothing.
    Absent,
    /// For a column of whole numbers.
    Whole(i64),
    /// For a column of times.
    Time(Timestamp),
    /// For a column of decimals, in units of 1e-9.
    Decimal(i128),
    /// For a column of floats.
    Float(f32),
    /// For a column of texts.
    Text(Cow<'a, str>),
}

impl<'a> Cell<'a> {
    /// A text that is there already.
    pub fn text(text: &'a str) -> Cell<'a> {
        Cell::Text(Cow::Borrowed(text))
    }

    /// A decimal that may be absent.
    pub fn decimal(value: Option<impl Into<i128>>) -> Cell<'a> {
        value.map_or(Cell::Absent, |value| Cell::Decimal(value.into()))
    }
}

/// A table being written.
pub trait TableWriter {
    /// Appends a row: one cell a column, of its kind or absent.
    fn row(&mut self, cells: &[Cell<'_>]) -> io::Result<()>;

    /// Writes what is left. Nothing may follow.
    fn finish(&mut self) -> io::Result<()>;
}

/// Writes a decimal of nine places, without trailing zeros.
fn write_decimal(out: &mut impl Write, value: i128) -> io::Result<()> {
    let scale = u128::from(SCALE.unsigned_abs());
    let (whole, rest) = (value.unsigned_abs() / scale, value.unsigned_abs() % scale);
    if value < 0 {
        out.write_all(b"-")?;
    }
    if rest == 0 {
        return write!(out, "{whole}");
    }
    let digits = format!("{rest:09}");
    write!(out, "{whole}.{}", digits.trim_end_matches('0'))
}

/// A cell that does not fit its column: a mistake of the program, told as an error.
fn misfit(column: &TableColumn, cell: &Cell<'_>) -> io::Error {
    io::Error::other(format!("{cell:?} in the column `{}` of {:?}", column.name, column.kind))
}
