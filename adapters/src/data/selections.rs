//! Selections of feature columns: a list of names, or several, each with the time from which it holds.
//!
//! ```text
//! rsi_14@1m                     known_at,column
//! spread                        2014-05-05 00:00:00,rsi_14@1m
//!                               2014-05-05 00:00:00,spread
//! ```
//!
//! In the second form the names of one time are a selection, best first; times may not run back.

use std::path::Path;

use genovo_engine::features::reselect::Listed;

use super::records::{RecordError, Records, text_of};

const TIMES: &[&str] = &["known_at", "known_at_ns", "ts_ns", "timestamp", "time", "date"];
const COLUMNS: &[&str] = &["column", "feature", "name"];

/// Reads a file of selections, in the order of time.
pub fn read_selections(file: &Path) -> Result<Vec<Listed>, RecordError> {
    let text = text_of(file)?;
    let first = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
    let listed = match first {
        Some(first) if first.contains(',') => dated(&Records::of(file, &text)?)?,
        _ => vec![Listed { at: None, columns: names_in(&text) }],
    };
    if listed.iter().all(|listed| listed.columns.is_empty()) {
        let message = "names no column".to_string();
        return Err(RecordError { file: file.to_owned(), line: None, column: None, message });
    }
    Ok(listed)
}

fn dated(records: &Records) -> Result<Vec<Listed>, RecordError> {
    let (time, column) =
        (records.need("the time of a selection", TIMES)?, records.need("the column's name", COLUMNS)?);
    let clock = records.clock(time)?;
    let mut listed: Vec<Listed> = Vec::new();
    for record in records.iter() {
        let at = record.time(time, &clock)?;
        let name = record.field(column).to_string();
        match listed.last_mut() {
            Some(last) if last.at == Some(at) => {
                if last.columns.contains(&name) {
                    let message = format!("`{name}` stands twice in one selection");
                    return Err(record.fail(Some(column), message));
                }
                last.columns.push(name);
            }
            Some(last) if last.at > Some(at) => {
                return Err(record.fail(Some(time), "is before the time of the line above"));
            }
            _ => listed.push(Listed { at: Some(at), columns: vec![name] }),
        }
    }
    Ok(listed)
}

/// The names in the text of a list: one a line, lines with # left out.
pub fn names_in(text: &str) -> Vec<String> {
    let lines = text.lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use genovo_engine::units::Timestamp;

    #[test]
    fn names_of_one_time_are_a_selection() {
        let of = |text: &str| dated(&Records::of(Path::new("s.csv"), text).unwrap());
        let listed = of("known_at_ns,column\n5,b\n5,a\n9,a\n").unwrap();
        let names = |names: &[&str]| names.iter().map(|name| name.to_string()).collect::<Vec<_>>();
        let expected = [
            Listed { at: Some(Timestamp(5)), columns: names(&["b", "a"]) },
            Listed { at: Some(Timestamp(9)), columns: names(&["a"]) },
        ];
        assert_eq!(listed, expected);
        let error = |text: &str| of(text).unwrap_err().to_string();
        assert_eq!(
            error("known_at_ns,column\n5,b\n4,a\n"),
            "s.csv, line 3, column known_at_ns: is before the time of the line above"
        );
        assert_eq!(
            error("known_at_ns,column\n5,b\n5,b\n"),
            "s.csv, line 3, column column: `b` stands twice in one selection"
        );
    }
}
