//! Which format a file has: told by how it begins, never by its name.

use std::fmt;
use std::fs::File;
use std::io::{BufReader, Cursor, Read};
use std::path::Path;

use super::{DataError, binance, lobster};

/// How much of a file's beginning is looked at.
const LOOK: usize = 32;

/// The format of a data file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Text in columns, plain or packed by gzip or zstd.
    Csv,
    /// A file of Databento, plain or packed by zstd.
    Dbn,
    /// A zip archive of LEAN.
    Lean,
    /// A Parquet file.
    Parquet,
    /// A capture of Binance's streams, a message a line, plain or packed by gzip or zstd.
    Binance,
    /// A file of messages of LOBSTER, plain or packed by gzip or zstd.
    Lobster,
}

impl Format {
    /// Every format.
    pub const ALL: [Format; 6] =
        [Format::Csv, Format::Dbn, Format::Lean, Format::Parquet, Format::Binance, Format::Lobster];

    /// Whether files of this format say themselves in which column what stands, so that nobody can.
    pub const fn fixes_columns(self) -> bool {
        matches!(self, Format::Dbn | Format::Lean | Format::Binance | Format::Lobster)
    }

    /// As in a scenario.
    pub const fn name(self) -> &'static str {
        match self {
            Format::Csv => "csv",
            Format::Dbn => "dbn",
            Format::Lean => "lean",
            Format::Parquet => "parquet",
            Format::Binance => "binance",
            Format::Lobster => "lobster",
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
        let mut magic = Vec::with_capacity(LOOK);
        file.by_ref().take(LOOK as u64).read_to_end(&mut magic).map_err(unreadable)?;
        // What is broken inside is said by whoever reads it.
        match magic[..] {
            [0x28, 0xb5, 0x2f, 0xfd, ..] => {
                let packed = Cursor::new(std::mem::take(&mut magic)).chain(file);
                if let Ok(text) = zstd::stream::read::Decoder::new(packed) {
                    let _ = text.take(LOOK as u64).read_to_end(&mut magic);
                }
            }
            [0x1f, 0x8b, ..] => {
                let packed = Cursor::new(std::mem::take(&mut magic)).chain(file);
                let text = flate2::bufread::MultiGzDecoder::new(packed);
                let _ = text.take(LOOK as u64).read_to_end(&mut magic);
            }
            _ => {}
        }
        Ok(match magic.as_slice() {
            [b'P', b'K', 3 | 5, 4 | 6, ..] => Format::Lean,
            [b'D', b'B', b'N', _, ..] => Format::Dbn,
            [b'P', b'A', b'R', b'1', ..] => Format::Parquet,
            beginning if binance::is_beginning(beginning) => Format::Binance,
            beginning if lobster::is_beginning(beginning) => Format::Lobster,
            _ => Format::Csv,
        })
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Format::Csv => "CSV",
            Format::Dbn => "DBN",
            Format::Lean => "LEAN",
            Format::Parquet => "Parquet",
            Format::Binance => "Binance",
            Format::Lobster => "LOBSTER",
        })
    }
}
