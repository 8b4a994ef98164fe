//! Which format a file has: told by how it begins, never by its name.

use std::fmt;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use super::DataError;

/// The format of a data file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Text in columns, plain or packed by gzip or zstd.
    Csv,
    /// A zip archive of LEAN.
    Lean,
}

impl Format {
    /// Every format.
    pub const ALL: [Format; 2] = [Format::Csv, Format::Lean];

    /// As in a scenario.
    pub const fn name(self) -> &'static str {
        match self {
            Format::Csv => "csv",
            Format::Lean => "lean",
        }
    }

    /// The format with this name.
    pub fn from_name(name: &str) -> Option<Format> {
        Format::ALL.into_iter().find(|format| format.name() == name)
    }

    /// The format of a file. What is none of the others is CSV, whose reader then says what is wrong.
    pub fn of(path: &Path) -> Result<Format, DataError> {
        let unreadable = |error| DataError::unreadable(path, &error);
        let mut file = BufReader::new(File::open(path).map_err(unreadable)?);
        let mut magic = Vec::with_capacity(4);
        file.by_ref().take(4).read_to_end(&mut magic).map_err(unreadable)?;
        Ok(match magic.as_slice() {
            [b'P', b'K', 3 | 5, 4 | 6] => Format::Lean,
            _ => Format::Csv,
        })
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Format::Csv => "CSV",
            Format::Lean => "LEAN",
        })
    }
}
