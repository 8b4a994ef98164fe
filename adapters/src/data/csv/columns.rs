//! Which place in a row holds which field: names resolved once, before the first row.

use std::path::Path;

use genovo_engine::settings::DataKind;

use crate::data::{Column, DataError, DataSpec, Field, MissingColumn, spec};
use spec::kind_name;

/// The places of a kind's fields in a row, counted from 0.
#[derive(Clone, Copy, Debug)]
pub(super) enum Layout {
    Quotes { bid: usize, ask: usize, bid_size: Option<usize>, ask_size: Option<usize> },
    Trades { price: usize, size: Option<usize>, side: Option<usize> },
    Bars { open: usize, high: usize, low: usize, close: usize, volume: Option<usize> },
}

/// Where everything stands in a row.
#[derive(Debug)]
pub(super) struct Columns {
    pub(super) time: usize,
    pub(super) arrival: Option<usize>,
    pub(super) layout: Layout,
}

/// Finds the place of every field. `header` has the columns' names, or none; `count` is the number of
/// columns.
pub(super) fn resolve(
    file: &Path,
    spec: &DataSpec,
    header: &[String],
    count: usize,
) -> Result<Columns, DataError> {
    let find = |field: Field| find(file, spec, header, count, field);
    let need = |field: Field| -> Result<usize, DataError> {
        find(field)?.ok_or_else(|| missing(file, header, field, field.usual_names()))
    };
    let layout = match spec.kind {
        DataKind::Quotes => Layout::Quotes {
            bid: need(Field::Bid)?,
            ask: need(Field::Ask)?,
            bid_size: find(Field::BidSize)?,
            ask_size: find(Field::AskSize)?,
        },
        DataKind::Trades => {
            Layout::Trades { price: need(Field::Price)?, size: find(Field::Size)?, side: find(Field::Side)? }
        }
        DataKind::Bars => Layout::Bars {
            open: need(Field::Open)?,
            high: need(Field::High)?,
            low: need(Field::Low)?,
            close: need(Field::Close)?,
            volume: find(Field::Volume)?,
        },
        DataKind::Books | DataKind::Journal | DataKind::Actions | DataKind::Signals | DataKind::Outside => {
            let message = format!("{} is not read as market data", kind_name(spec.kind));
            return Err(DataError::Spec { file: file.to_owned(), message });
        }
    };
    Ok(Columns { time: need(Field::Time)?, arrival: find(Field::Arrival)?, layout })
}

/// The place of a field: as the spec says, else under a usual name, else nowhere.
fn find(
    file: &Path,
    spec: &DataSpec,
    header: &[String],
    count: usize,
    field: Field,
) -> Result<Option<usize>, DataError> {
    let problem = |message: String| DataError::Spec { file: file.to_owned(), message };
    let unique = |name: &str| match positions(header, name).as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(*one)),
        [first, second, ..] => Err(problem(format!(
            "columns {} and {} are both called `{name}`: give the number of the one for `{field}`",
            first + 1,
            second + 1,
        ))),
    };
    match spec.columns.get(&field) {
        Some(Column::Number(number)) if (1..=count).contains(number) => Ok(Some(number - 1)),
        Some(Column::Number(number)) => {
            Err(problem(format!("there is no column {number} for `{field}`: a row has {count}")))
        }
        Some(Column::Name(name)) => match unique(name)? {
            Some(place) => Ok(Some(place)),
            None => Err(missing(file, header, field, &[name])),
        },
        None => {
            for name in field.usual_names() {
                if let Some(place) = unique(name)? {
                    return Ok(Some(place));
                }
            }
            Ok(None)
        }
    }
}

/// The columns with exactly this name, or else those that differ in case only.
fn positions(header: &[String], name: &str) -> Vec<usize> {
    let all = |same: &dyn Fn(&str) -> bool| -> Vec<usize> {
        (0..header.len()).filter(|&i| same(&header[i])).collect()
    };
    let exact = all(&|there| there == name);
    if exact.is_empty() { all(&|there| there.eq_ignore_ascii_case(name)) } else { exact }
}

fn missing(file: &Path, header: &[String], field: Field, tried: &[&str]) -> DataError {
    let tried: Vec<String> = tried.iter().map(|name| name.to_string()).collect();
    // Names that another field would take are not what was meant.
    let taken =
        |name: &str| Field::ALL.iter().any(|other| *other != field && other.usual_names().contains(&name));
    let mut similar: Option<(f64, &String)> = None;
    for there in header {
        let lower = there.to_ascii_lowercase();
        let best =
            tried.iter().map(|name| strsim::normalized_damerau_levenshtein(name, &lower)).fold(0.0, f64::max);
        if best >= 0.6 && !taken(&lower) && similar.is_none_or(|(score, _)| best > score) {
            similar = Some((best, there));
        }
    }
    DataError::MissingColumn(Box::new(MissingColumn {
        file: file.to_owned(),
        field,
        similar: similar.map(|(_, name)| name.clone()),
        looks_like_data: header.iter().any(|name| name.parse::<i64>().is_ok()),
        tried,
        header: header.to_vec(),
    }))
}

/// The delimiter that a line shows: the one that occurs most, a comma when none does.
pub(in crate::data) fn delimiter_of(line: &[u8]) -> u8 {
    let count = |delimiter: u8| line.iter().filter(|&&byte| byte == delimiter).count();
    let mut best = b',';
    for delimiter in spec::DELIMITERS {
        if count(delimiter) > count(best) {
            best = delimiter;
        }
    }
    best
}
