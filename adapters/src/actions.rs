//! Splits and dividends out of LEAN's factor files.
//!
//! A row `date, price factor, split factor, reference price` holds for the days up to and including its date, back
//! to the row before. Where the split factor changes from `s` to `t` after a row, `t / s` new shares came for each
//! old one; where the price factor changes from `p` to `q`, a dividend of `reference × (1 − p / q)` was paid
//! (QuantConnect/Lean, `Common/Data/Auxiliary/CorporateFactorRow.cs`). The factors are rounded to seven digits or
//! so: a split is the simplest ratio within that, a dividend is rounded to 1/100 of a cent.

use std::fs;
use std::path::{Path, PathBuf};

use genovo_engine::event::CorporateAction;
use genovo_engine::units::{Money, Price, Ratio, Timestamp, mul_div_half_even};
use jiff::civil::Date;
use jiff::tz::TimeZoneDatabase;

/// The most units of one side of a split.
const UNITS_MAX: u32 = 1_000;
/// How far a ratio of two factors may be from the split that it means: one in so many.
const ROUNDING: i128 = 50_000;

/// Why a factor file cannot be used.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{}{}: {message}", file.display(), line.map_or(String::new(), |line| format!(", line {line}")))]
pub struct ActionError {
    /// The file.
    pub file: PathBuf,
    /// The line, counted from 1, if it is about one.
    pub line: Option<usize>,
    /// What is wrong, what would be right.
    pub message: String,
}

#[derive(Clone, Copy, Debug)]
struct Row {
    day: Date,
    price: Ratio,
    split: Ratio,
    reference: Price,
    line: usize,
}

/// Reads a factor file: each action with the moment from which it holds, midnight in New York after the row's day.
pub fn read_factors(file: &Path) -> Result<Vec<(Timestamp, CorporateAction)>, ActionError> {
    let zone = TimeZoneDatabase::bundled().get("America/New_York").expect("the bundled database has it");
    let failed = |line, message: String| ActionError { file: file.to_owned(), line, message };
    let bytes = fs::read(file).map_err(|error| failed(None, error.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|_| failed(None, "is not a text".to_string()))?;
    let mut rows: Vec<Row> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let row = row(line, number + 1).map_err(|message| failed(Some(number + 1), message))?;
        if rows.last().is_some_and(|before| before.day >= row.day) {
            return Err(failed(Some(row.line), "the days are not in order".to_string()));
        }
        rows.push(row);
    }
    if rows.is_empty() {
        return Err(failed(None, "has no rows".to_string()));
    }
    let mut actions = Vec::new();
    for pair in rows.windows(2) {
        let (row, next) = (pair[0], pair[1]);
        let at = |line, message: String| failed(Some(line), message);
        let after = row.day.tomorrow().map_err(|error| at(row.line, error.to_string()))?;
        let midnight =
            zone.to_ambiguous_timestamp(after.to_datetime(jiff::civil::Time::midnight())).compatible();
        let midnight = midnight.map_err(|error| at(row.line, error.to_string()))?.as_nanosecond();
        let time = Timestamp(i64::try_from(midnight).map_err(|error| at(row.line, error.to_string()))?);
        if let Some(amount) = dividend(row, next).map_err(|message| at(row.line, message))? {
            actions.push((time, CorporateAction::Dividend { amount }));
        }
        if row.split != next.split {
            let (new, old) = ratio(next.split, row.split).ok_or_else(|| {
                let message = format!(
                    "the split factors {} and {} are no ratio of whole numbers up to {UNITS_MAX}",
                    row.split, next.split
                );
                at(row.line, message)
            })?;
            actions.push((time, CorporateAction::Split { new, old }));
        }
    }
    Ok(actions)
}

fn row(line: &str, number: usize) -> Result<Row, String> {
    let fields: Vec<&str> = line.split(',').map(str::trim).collect();
    let [day, price, split, reference] = fields.as_slice() else {
        return Err(format!("{} fields: a row is a day, two factors and a price", fields.len()));
    };
    let digits = day.len() == 8 && day.bytes().all(|byte| byte.is_ascii_digit());
    let day = digits.then(|| Date::strptime("%Y%m%d", day).ok()).flatten();
    let day = day.ok_or_else(|| format!("`{}` is no day such as 20140606", fields[0]))?;
    let factor = |text: &str| match Ratio::parse(text.as_bytes()) {
        Ok(ratio) if ratio.0 > 0 => Ok(ratio),
        Ok(_) => Err(format!("the factor `{text}` is not above zero")),
        Err(error) => Err(format!("`{text}`: {error}")),
    };
    let reference = Price::parse(reference.as_bytes()).map_err(|error| format!("`{reference}`: {error}"))?;
    Ok(Row { day, price: factor(price)?, split: factor(split)?, reference, line: number })
}

/// What was paid after `row`, rounded to 0.0001.
fn dividend(row: Row, next: Row) -> Result<Option<Price>, String> {
    if row.price == next.price {
        return Ok(None);
    }
    let left =
        mul_div_half_even(i128::from(row.reference.0), i128::from(row.price.0), i128::from(next.price.0));
    let amount = Money(i128::from(row.reference.0) - left).round_to(4);
    match i64::try_from(amount.0) {
        Ok(0) => Ok(None),
        Ok(amount) if amount > 0 => Ok(Some(Price(amount))),
        _ => Err(format!("the price factors {} and {} are no dividend", row.price, next.price)),
    }
}

/// The simplest ratio that `new / old` can mean, by its denominator.
fn ratio(new: Ratio, old: Ratio) -> Option<(u32, u32)> {
    let (new, old) = (i128::from(new.0), i128::from(old.0));
    (1..=UNITS_MAX).find_map(|below| {
        let above = mul_div_half_even(new, i128::from(below), old);
        let fits = (1..=i128::from(UNITS_MAX)).contains(&above);
        // |new / old − above / below| within one part in ROUNDING.
        let apart = (new * i128::from(below) - above * old).abs();
        (fits && apart * ROUNDING <= new * i128::from(below)).then_some((above as u32, below))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_split_is_the_simplest_ratio_within_the_rounding() {
        for (new, old, expected) in [
            ("0.25", "0.03571430", Some((7, 1))),
            ("1", "0.25", Some((4, 1))),
            ("1", "20", Some((1, 20))),
            ("10.66670000", "7.11111022", Some((3, 2))),
            ("13.333300", "10.66670000", Some((5, 4))),
            ("1", "0.9", Some((10, 9))),
            ("1", "0.0009", None),
        ] {
            assert_eq!(ratio(new.parse().unwrap(), old.parse().unwrap()), expected, "{new} / {old}");
        }
    }

    fn read(text: &str) -> Result<Vec<String>, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x_factors.csv");
        fs::write(&file, text).unwrap();
        let actions = read_factors(&file).map_err(|error| error.message)?;
        Ok(actions
            .iter()
            .map(|(time, action)| format!("{} {action:?}", time.0 / 86_400_000_000_000))
            .collect())
    }

    #[test]
    fn rows_become_what_happened_after_them() {
        let text = "20140507,0.8961764,0.0357143,592.33\n20140606,0.9011818,0.0357143,645.57\n\
                    20501231,0.9011818,0.25,0\n";
        let actions = read(text).unwrap();
        assert_eq!(actions.len(), 2, "{actions:?}");
        assert!(actions[0].ends_with("Dividend { amount: 3.29 }"), "{actions:?}");
        assert!(actions[1].ends_with("Split { new: 7, old: 1 }"), "{actions:?}");
        // 8 May and 7 June 2014.
        assert!(actions[0].starts_with("16198 ") && actions[1].starts_with("16228 "), "{actions:?}");
    }

    #[test]
    fn what_is_no_factor_file_is_refused() {
        for (text, part) in [
            ("", "has no rows"),
            ("20140507,1,1\n", "3 fields"),
            ("2014-05-07,1,1,5\n", "no day"),
            ("20140507,0,1,5\n", "not above zero"),
            ("20140507,x,1,5\n", "digits"),
            ("20140507,1,1,5\n20140507,1,1,5\n", "not in order"),
            ("20140507,1,1,5\n20140508,0.9,1,5\n", "no dividend"),
            ("20140507,1,0.0009,5\n20140508,1,1,5\n", "no ratio"),
        ] {
            let message = read(text).unwrap_err();
            assert!(message.contains(part), "{text:?}: {message}");
        }
    }
}
