//! Columns of a Parquet file read side by side, some thousand rows at a time.

use std::collections::BTreeMap;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use genovo_engine::units::Price;
use parquet::basic::Compression as Codec;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::schema::types::SchemaDescriptor;

use super::bounded::Bounded;
use super::column::{Column, Flaw, Want};
use crate::data::{BadRow, Compression, DataError, Tally};

/// Rows read at once.
const ROWS: usize = 4_096;

/// A Parquet file whose metadata is read.
pub(crate) struct Parquet {
    pub(super) file: PathBuf,
    reader: SerializedFileReader<Bounded>,
}

impl Parquet {
    pub(crate) fn open(path: &Path) -> Result<Parquet, DataError> {
        let file = File::open(path).map_err(|error| DataError::unreadable(path, &error))?;
        let open = || SerializedFileReader::new(Bounded(file)).map_err(|error| error.to_string());
        let reader = guarded(path, 0, open)?;
        let parquet = Parquet { file: path.to_owned(), reader };
        for group in parquet.reader.metadata().row_groups() {
            for column in group.columns() {
                if !matches!(column.compression(), Codec::UNCOMPRESSED | Codec::SNAPPY | Codec::ZSTD(_)) {
                    return Err(DataError::NotRead {
                        file: path.to_owned(),
                        found: format!("its columns are packed by {}", column.compression()),
                        help: "write it with snappy, zstd or no compression".to_string(),
                    });
                }
            }
        }
        Ok(parquet)
    }

    pub(crate) fn schema(&self) -> &SchemaDescriptor {
        self.reader.metadata().file_metadata().schema_descr()
    }

    /// The columns that are neither nested nor repeated, by place and name.
    pub(crate) fn columns(&self) -> Vec<(usize, String)> {
        let columns = self.schema().columns().iter().enumerate();
        let flat =
            columns.filter(|(_, column)| column.max_rep_level() == 0 && column.path().parts().len() == 1);
        flat.map(|(place, column)| (place, column.name().to_string())).collect()
    }

    /// What the file's metadata says under a key.
    pub(crate) fn said(&self, key: &str) -> Option<String> {
        let all = self.reader.metadata().file_metadata().key_value_metadata()?;
        all.iter().find(|pair| pair.key == key)?.value.clone()
    }

    pub(crate) fn rows(&self) -> i64 {
        self.reader.metadata().file_metadata().num_rows()
    }

    pub(crate) fn writer(&self) -> Option<&str> {
        self.reader.metadata().file_metadata().created_by()
    }

    /// The column in this place as what is wanted of it.
    pub(crate) fn column(
        &self,
        place: usize,
        want: Want,
        little_endian: Option<i32>,
    ) -> Result<Column, String> {
        let descriptor = self.schema().column(place);
        let scale = self.said(&format!("{}.scale", descriptor.name())).and_then(|scale| scale.parse().ok());
        Column::new(place, &descriptor, want, scale, little_endian)
    }
}

/// Runs a decoder that may give up with a panic on bytes that no writer makes: that is a damaged file, not our end.
fn guarded<T>(
    file: &Path,
    good_rows: u64,
    decode: impl FnOnce() -> Result<T, String>,
) -> Result<T, DataError> {
    let outcome = catch_unwind(AssertUnwindSafe(decode));
    outcome.unwrap_or_else(|_| Err("its decoder gave up".to_string())).map_err(|message| DataError::Damaged {
        file: file.to_owned(),
        compression: Compression::Parquet,
        message,
        good_rows,
    })
}

/// Columns read side by side.
pub(crate) struct Table {
    pub(crate) parquet: Parquet,
    pub(crate) columns: Vec<Column>,
    /// The next row group.
    group: usize,
    /// One list of values a column, all of one length.
    values: Vec<Vec<Option<i64>>>,
    flaws: BTreeMap<usize, Flaw>,
    /// The next row of those read.
    at: usize,
    rows: usize,
    /// Rows handed out.
    pub(crate) number: u64,
    tally: Arc<Tally>,
}

/// A row: one value a column, in the order in which they were asked for.
pub(crate) struct TableRow {
    pub(crate) flaw: Option<Flaw>,
}

impl Table {
    pub(crate) fn new(parquet: Parquet, columns: Vec<Column>, tally: Arc<Tally>) -> Table {
        let values = columns.iter().map(|_| Vec::new()).collect();
        let (flaws, number) = (BTreeMap::new(), 0);
        Table { parquet, columns, group: 0, values, flaws, at: 0, rows: 0, number, tally }
    }

    /// Bytes that will have been taken at the end.
    pub(crate) fn bytes(&self) -> u64 {
        let groups = self.parquet.reader.metadata().row_groups();
        groups.iter().map(|group| group.compressed_size().max(0) as u64).sum()
    }

    /// Steps to the next row; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<TableRow>, DataError> {
        while self.at == self.rows {
            if !self.refill()? {
                return Ok(None);
            }
        }
        let flaw = if self.flaws.is_empty() { None } else { self.flaws.remove(&self.at) };
        self.at += 1;
        self.number += 1;
        Ok(Some(TableRow { flaw }))
    }

    /// The value of a column in the row stepped to.
    #[inline]
    pub(crate) fn value(&self, column: usize) -> Option<i64> {
        self.values[column][self.at - 1]
    }

    /// The value of a column that every row must have.
    pub(crate) fn need(&self, column: usize) -> Result<i64, Flaw> {
        self.value(column).ok_or_else(|| self.flaw(column, "is not there", "a value in every row"))
    }

    /// What is wrong with a column in the row stepped to.
    #[cold]
    pub(crate) fn flaw(&self, column: usize, problem: &'static str, expected: &str) -> Flaw {
        let value = self.value(column).map_or(String::new(), |value| Price(value).to_string());
        let column = self.columns[column].name.clone();
        Flaw { column, value, problem, expected: expected.to_string() }
    }

    /// The row stepped to as one that cannot be read, after so many good ones.
    #[cold]
    pub(crate) fn bad_row(&self, flaw: Flaw, good_rows: u64) -> BadRow {
        let text = format!("{} {}", flaw.column, flaw.value);
        BadRow {
            file: self.parquet.file.clone(),
            unit: "row",
            line: self.number,
            span: flaw.column.len() + 1..text.len(),
            column: Some(flaw.column),
            text: flaw.value,
            problem: flaw.problem,
            expected: flaw.expected,
            line_text: text,
            before: Vec::new(),
            good_rows,
        }
    }

    /// Reads more rows; false at the end.
    fn refill(&mut self) -> Result<bool, DataError> {
        let file = self.parquet.file.clone();
        (self.at, self.rows) = (0, 0);
        self.flaws.clear();
        let Table { parquet, columns, group, values, flaws, rows, tally, .. } = self;
        guarded(&file, self.number, || {
            let metadata = parquet.reader.metadata();
            loop {
                if columns.iter().any(|column| column.reader.is_none()) {
                    if *group == metadata.num_row_groups() {
                        return Ok(false);
                    }
                    let open = parquet.reader.get_row_group(*group).map_err(|error| error.to_string())?;
                    for column in columns.iter_mut() {
                        let reader =
                            open.get_column_reader(column.place).map_err(|error| error.to_string())?;
                        column.reader = Some(reader);
                    }
                    let bytes = metadata.row_group(*group).compressed_size().max(0) as u64;
                    tally.bytes.fetch_add(bytes, Ordering::Relaxed);
                    *group += 1;
                }
                let mut lengths = Vec::with_capacity(columns.len());
                for (column, values) in columns.iter_mut().zip(values.iter_mut()) {
                    lengths.push(column.read(ROWS, values, flaws)?);
                }
                let least = lengths.iter().copied().min().unwrap_or(0);
                if lengths.iter().any(|length| *length != least) {
                    return Err("its columns are not of one length".to_string());
                }
                if least > 0 {
                    *rows = least;
                    return Ok(true);
                }
                columns.iter_mut().for_each(|column| column.reader = None);
            }
        })
    }
}
