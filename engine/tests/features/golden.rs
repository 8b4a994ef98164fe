//! Reads golden files: plain CSV of the folder in `GENOVO_GOLDEN_FEATURES`, else our compressed copy.

use std::collections::BTreeMap;
use std::path::PathBuf;

use genovo_engine::features::candle::Candle;
use genovo_engine::units::Timestamp;

/// The text of a golden file, `None` where the folder lacks it.
pub fn text(name: &str) -> Option<String> {
    if let Some(folder) = std::env::var_os("GENOVO_GOLDEN_FEATURES") {
        return std::fs::read_to_string(PathBuf::from(folder).join(name)).ok();
    }
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/features");
    let packed = std::fs::read(folder.join(format!("{name}.zst"))).ok()?;
    let plain = zstd::decode_all(packed.as_slice()).expect("a golden file unpacks");
    Some(String::from_utf8(plain).expect("a golden file is text"))
}

/// A table of numbers; an empty cell is `None`.
pub struct Table {
    pub header: Vec<String>,
    pub rows: Vec<Vec<Option<f64>>>,
}

impl Table {
    /// Reads a golden file of numbers.
    pub fn read(name: &str) -> Option<Table> {
        let text = text(name)?;
        let mut lines = text.lines();
        let header = lines.next().expect("a header").split(',').map(str::to_string).collect();
        let number = |cell: &str| {
            (!cell.is_empty())
                .then(|| cell.parse().unwrap_or_else(|_| panic!("{name}: `{cell}` is no number")))
        };
        let rows = lines.map(|line| line.split(',').map(number).collect()).collect();
        Some(Table { header, rows })
    }

    /// The place of a column.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.header.iter().position(|column| column == name)
    }

    /// A column whole, which must be there and have no gap.
    pub fn whole(&self, name: &str) -> Vec<f64> {
        let index = self.column(name).unwrap_or_else(|| panic!("no column {name}"));
        self.rows.iter().map(|row| row[index].unwrap_or_else(|| panic!("a gap in {name}"))).collect()
    }
}

/// The rows of a manifest by column name; quotes are taken off.
pub fn manifest(name: &str) -> Vec<BTreeMap<String, String>> {
    let text = text(name).unwrap_or_else(|| panic!("no {name}"));
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    let split = |line: &str| {
        let (mut cells, mut cell, mut quoted) = (Vec::new(), String::new(), false);
        for c in line.chars() {
            match c {
                '"' => quoted = !quoted,
                ',' if !quoted => cells.push(std::mem::take(&mut cell)),
                c => cell.push(c),
            }
        }
        cells.push(cell);
        cells
    };
    lines.map(|line| header.iter().map(|name| name.to_string()).zip(split(line)).collect()).collect()
}

/// The data sets that the folder has.
pub fn data_sets() -> Vec<String> {
    let mut names: Vec<String> =
        manifest("manifest_talib.csv").iter().map(|row| row["dataset"].clone()).collect();
    names.sort();
    names.dedup();
    assert!(!names.is_empty());
    names
}

/// The bars of a data set, one a day.
pub fn bars(set: &str) -> Vec<Candle> {
    let table = Table::read(&format!("input_{set}.csv")).unwrap_or_else(|| panic!("no input_{set}.csv"));
    let day = 86_400_000_000_000;
    let bar = |(index, row): (usize, &Vec<Option<f64>>)| {
        let cell = |column: usize| row[column].expect("no gap in the input");
        Candle {
            open_time: Timestamp(index as i64 * day),
            close_time: Timestamp((index as i64 + 1) * day),
            open: cell(1),
            high: cell(2),
            low: cell(3),
            close: cell(4),
            volume: Some(cell(5)),
        }
    };
    table.rows.iter().enumerate().map(bar).collect()
}

/// Whether `ours` is `theirs` to `tolerance`, relative above 1 and absolute below.
pub fn close(ours: f64, theirs: f64, tolerance: f64) -> bool {
    let scale = if theirs.abs() > 1.0 { theirs.abs() } else { 1.0 };
    (ours - theirs).abs() <= tolerance * scale
}
