//! Tables as text: CSV by RFC 4180, or a JSON object a line.

use std::io::{self, Write};

use super::{Cell, TableColumn, TableWriter, write_decimal};

/// CSV with a header. An absent cell is empty.
pub struct CsvTable<W: Write> {
    out: W,
}

impl<W: Write> CsvTable<W> {
    /// Writes the header.
    pub fn new(mut out: W, columns: &[TableColumn]) -> io::Result<CsvTable<W>> {
        for (place, column) in columns.iter().enumerate() {
            if place > 0 {
                out.write_all(b",")?;
            }
            write_field(&mut out, &column.name)?;
        }
        out.write_all(b"\n")?;
        Ok(CsvTable { out })
    }
}

/// A field, in quotation marks where it needs them.
fn write_field(out: &mut impl Write, text: &str) -> io::Result<()> {
    if !text.contains([',', '"', '\n', '\r']) {
        return out.write_all(text.as_bytes());
    }
    // A line break inside quotes is allowed by RFC 4180 and read by few: it becomes a blank.
    write!(out, "\"{}\"", text.replace('"', "\"\"").replace(['\n', '\r'], " "))
}

impl<W: Write> TableWriter for CsvTable<W> {
    fn row(&mut self, cells: &[Cell<'_>]) -> io::Result<()> {
        for (place, cell) in cells.iter().enumerate() {
            if place > 0 {
                self.out.write_all(b",")?;
            }
            match cell {
                Cell::Absent => {}
                Cell::Whole(value) => write!(self.out, "{value}")?,
                Cell::Time(time) => write!(self.out, "{}", time.0)?,
                Cell::Decimal(value) => write_decimal(&mut self.out, *value)?,
                Cell::Float(value) => write!(self.out, "{value}")?,
                Cell::Text(text) => write_field(&mut self.out, text)?,
            }
        }
        self.out.write_all(b"\n")
    }

    fn finish(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// A JSON object a line. Decimals are texts, so that no reader makes floats of them; an absent cell is null.
pub struct JsonTable<W: Write> {
    out: W,
    /// Every column's name as JSON, with its colon.
    names: Vec<String>,
}

impl<W: Write> JsonTable<W> {
    /// Begins a table.
    pub fn new(out: W, columns: &[TableColumn]) -> JsonTable<W> {
        let names = columns.iter().map(|column| format!("{}:", quoted(&column.name))).collect();
        JsonTable { out, names }
    }
}

fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04x}", c as u32)),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

impl<W: Write> TableWriter for JsonTable<W> {
    fn row(&mut self, cells: &[Cell<'_>]) -> io::Result<()> {
        for (place, (name, cell)) in self.names.iter().zip(cells).enumerate() {
            self.out.write_all(if place == 0 { b"{" } else { b"," })?;
            self.out.write_all(name.as_bytes())?;
            match cell {
                Cell::Absent => self.out.write_all(b"null")?,
                Cell::Whole(value) => write!(self.out, "{value}")?,
                Cell::Time(time) => write!(self.out, "{}", time.0)?,
                Cell::Decimal(value) => {
                    self.out.write_all(b"\"")?;
                    write_decimal(&mut self.out, *value)?;
                    self.out.write_all(b"\"")?;
                }
                // Rust writes no exponent, and JSON knows neither NaN nor infinity.
                Cell::Float(value) if value.is_finite() => write!(self.out, "{value}")?,
                Cell::Float(_) => self.out.write_all(b"null")?,
                Cell::Text(text) => self.out.write_all(quoted(text).as_bytes())?,
            }
        }
        self.out.write_all(b"}\n")
    }

    fn finish(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::super::ColumnKind;
    use super::*;

    #[test]
    fn numbers_stay_exact_and_texts_stay_whole() {
        let column = |name: &str, kind| TableColumn { name: name.to_string(), kind };
        let columns = [
            column("a", ColumnKind::Decimal),
            column("b,\"", ColumnKind::Text),
            column("c", ColumnKind::Float),
        ];
        let rows: [[Cell<'_>; 3]; 3] = [
            [Cell::Decimal(-1_500_000_001), Cell::text("x, \"y\""), Cell::Float(0.1)],
            [Cell::Decimal(i128::MIN), Cell::text("\n"), Cell::Float(-0.25)],
            [Cell::Absent, Cell::Absent, Cell::Absent],
        ];
        let mut csv = Vec::new();
        let mut table = CsvTable::new(&mut csv, &columns).unwrap();
        rows.iter().for_each(|row| table.row(row).unwrap());
        let expected = "a,\"b,\"\"\",c\n-1.500000001,\"x, \"\"y\"\"\",0.1\n\
                        -170141183460469231731687303715.884105728,\" \",-0.25\n,,\n";
        assert_eq!(String::from_utf8(csv).unwrap(), expected);
        let mut json = Vec::new();
        let mut table = JsonTable::new(&mut json, &columns);
        rows.iter().for_each(|row| table.row(row).unwrap());
        let json = String::from_utf8(json).unwrap();
        let first = r#"{"a":"-1.500000001","b,\"":"x, \"y\"","c":0.1}"#;
        assert_eq!(json.lines().next(), Some(first));
        assert_eq!(json.lines().nth(2), Some(r#"{"a":null,"b,\"":null,"c":null}"#));
        assert!(json.contains(r"\u000a"), "{json}");
    }
}
