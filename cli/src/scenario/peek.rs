//! A look at the first rows of a data file: are its columns there, has it sizes?

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};
use std::path::Path;

use genovo_adapters::data::folder;
use genovo_engine::settings::DataKind;

use super::{Column, DataFile};

/// How much of the unpacked file is looked at.
const PEEK_BYTES: u64 = 256 * 1024;

/// What the first rows say.
pub struct Peek {
    /// The header's names; without a header the numbers of the columns.
    pub names: Vec<String>,
    /// For each name, whether any row looked at has a value there.
    pub filled: Vec<bool>,
}

impl Peek {
    /// Whether the file has a column of this name; the case does not count.
    pub fn has(&self, name: &str) -> bool {
        self.place(name).is_some()
    }

    /// Whether any row looked at has a displayed or traded size.
    pub fn has_sizes(&self, file: &DataFile) -> bool {
        let size_in = |role: &str| match file.columns.get(role) {
            Some(Column::Name(name)) => self.place(name),
            Some(Column::Number(number)) => number.checked_sub(1),
            None => SIZE_NAMES.iter().find_map(|name| self.place(name)),
        };
        let roles: &[&str] = match file.kind {
            DataKind::Quotes => &["bid_size", "ask_size"],
            DataKind::Trades => &["size"],
            DataKind::Bars
            | DataKind::Books
            | DataKind::Journal
            | DataKind::Actions
            | DataKind::Signals
            | DataKind::Outside => &[],
        };
        roles.iter().filter_map(|role| size_in(role)).any(|place| self.filled.get(place) == Some(&true))
    }

    fn place(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| known.eq_ignore_ascii_case(name))
    }
}

/// Names under which sizes are found when the scenario does not name their columns.
const SIZE_NAMES: &[&str] = &[
    "bid_size",
    "bidsize",
    "bid_qty",
    "best_bid_qty",
    "bid_amount",
    "bid_sz",
    "bid_volume",
    "size",
    "qty",
    "amount",
];

/// Looks at a file, plain or packed by zstd or gzip; at the first of a folder.
pub fn peek(file: &DataFile) -> io::Result<Peek> {
    let mut bytes = Vec::new();
    let path = folder::first(&file.path, Some(file.kind), file.map.as_deref()).map_err(io::Error::other)?;
    unpacked(&path)?.take(PEEK_BYTES).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let whole = bytes.len() < PEEK_BYTES as usize;
    let mut rows: Vec<&str> = text.lines().map(|line| line.trim_end_matches('\r')).collect();
    if !whole {
        rows.pop();
    }
    let mut rows = rows.into_iter().filter(|row| !row.is_empty()).peekable();
    let first = rows.peek().copied().unwrap_or_default().trim_start_matches('\u{feff}');
    let delimiter = file.delimiter.map_or_else(|| likely_delimiter(first), char::from);
    let names: Vec<String> = match file.header {
        true => first.split(delimiter).map(|name| unquoted(name).to_string()).collect(),
        false => (1..=first.split(delimiter).count()).map(|number| number.to_string()).collect(),
    };
    if file.header {
        rows.next();
    }
    let mut filled = vec![false; names.len()];
    for row in rows {
        for (filled, value) in filled.iter_mut().zip(row.split(delimiter)) {
            *filled |= !unquoted(value).is_empty();
        }
    }
    Ok(Peek { names, filled })
}

/// What stands between columns most likely: the one of the usual four that is there most often.
fn likely_delimiter(line: &str) -> char {
    let count = |delimiter: &char| line.matches(*delimiter).count();
    [',', ';', '\t', '|'].into_iter().rev().max_by_key(count).unwrap_or(',')
}

fn unquoted(text: &str) -> &str {
    text.trim().trim_matches('"')
}

/// The bytes inside a file: what packed it is told by how it begins, not by its name.
fn unpacked(path: &Path) -> io::Result<Box<dyn Read>> {
    let mut file = File::open(path)?;
    let mut magic = Vec::new();
    file.by_ref().take(4).read_to_end(&mut magic)?;
    let zstd = magic == [0x28, 0xb5, 0x2f, 0xfd];
    let gzip = magic.starts_with(&[0x1f, 0x8b]);
    let whole = BufReader::new(Cursor::new(magic).chain(file));
    Ok(match (zstd, gzip) {
        (true, _) => Box::new(zstd::Decoder::with_buffer(whole)?),
        (_, true) => Box::new(flate2::bufread::MultiGzDecoder::new(whole)),
        _ => Box::new(whole),
    })
}
