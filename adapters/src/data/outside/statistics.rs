//! Statistics as FRED gives them: a date and a figure a line.
//!
//! ```text
//! observation_date,UNRATE        date,realtime_start,value,expected
//! 2014-04-01,6.2                 2014-04-01,2014-05-02,6.3,6.6
//! ```
//!
//! FRED's date is the beginning of the period, and its files hold the latest revision. So a file must say when each
//! figure was released (ALFRED's `realtime_start`, or any column of releases), or the scenario how long after the
//! beginning of its period.

use std::collections::BTreeSet;
use std::path::Path;

use genovo_engine::event::{Event, Fact, MacroReleased};
use genovo_engine::ids::InstrumentId;
use genovo_engine::units::{Figure, Nanoseconds, Timestamp};

use super::super::records::{Record, RecordError, Records};
use super::{after, is_day};

const PERIODS: &[&str] = &["observation_date", "date", "period"];
const RELEASES: &[&str] = &["released_at", "released", "release_date", "realtime_start", "vintage_date"];
const VALUES: &[&str] = &["value", "actual"];
const EXPECTED: &[&str] = &["expected", "forecast", "consensus"];
const SERIES: &[&str] = &["series", "series_id"];
/// Columns that say nothing here.
const OTHERS: &[&str] = &["realtime_end", "previous", "units", "unit"];

/// Reads a file of releases.
pub(super) fn read(
    file: &Path,
    series: Option<&str>,
    release_lag: Option<Nanoseconds>,
    release_time: Option<Nanoseconds>,
) -> Result<Vec<Event>, RecordError> {
    let records = Records::read(file)?;
    let period = records.need("the period of a figure", PERIODS)?;
    let period_clock = records.clock(period)?;
    let released = records.find(RELEASES);
    match (released, release_lag) {
        (None, None) => {
            let day = &records.header[period];
            return Err(records.fail(format!(
                "`{day}` is the period that a figure is about, not when it was released: \
                 say `release_lag`, or add a column such as `released_at`"
            )));
        }
        (Some(column), Some(_)) => {
            let name = &records.header[column];
            return Err(
                records.fail(format!("`{name}` says when figures were released: leave `release_lag` out"))
            );
        }
        _ => {}
    }
    let release_clock = released.map(|column| records.clock(column)).transpose()?;
    let (expected, named) = (records.find(EXPECTED), records.find(SERIES));
    let value = value_column(&records, series)?;
    let of_file = match (series, VALUES.iter().any(|name| records.header[value].eq_ignore_ascii_case(name))) {
        (Some(series), _) => series.to_string(),
        (None, false) => records.header[value].clone(),
        (None, true) => stem(file),
    };
    let (mut events, mut seen) = (Vec::new(), BTreeSet::new());
    for record in records.iter() {
        let Some(figure) = figure(&record, value)? else { continue };
        let period_time = record.time(period, &period_clock)?;
        let time = match (released.zip(release_clock), release_lag) {
            (Some((column, clock)), _) => {
                let time = record.time(column, &clock)?;
                let of_day = if is_day(record.field(column)) {
                    release_time.unwrap_or(Nanoseconds::DAY)
                } else {
                    Nanoseconds::ZERO
                };
                after(&record, column, time, of_day)?
            }
            (None, lag) => after(&record, period, period_time, lag.unwrap_or(Nanoseconds::ZERO))?,
        };
        if time < period_time {
            return Err(record.fail(released, "is a release before the period that it is about"));
        }
        let series = named.map_or_else(|| of_file.clone(), |column| record.field(column).to_string());
        if !seen.insert((series.clone(), period_time, time)) {
            return Err(
                record.fail(None, format!("{series} has a figure of this period and release already"))
            );
        }
        let expected = expected.map(|column| self::figure(&record, column)).transpose()?.flatten();
        let release = MacroReleased { series, period: period_time, value: figure, expected };
        let fact = Fact::MacroReleased(Box::new(release));
        events.push(Event::unnumbered(time, time, InstrumentId::NONE, fact));
    }
    if events.is_empty() {
        return Err(records.fail("has no figure"));
    }
    // A release of an earlier period after that of a later one at the same time would be none.
    events.sort_by_key(|event| (event.header.time_event, period_of(event)));
    Ok(events)
}

fn period_of(event: &Event) -> Timestamp {
    match &event.fact {
        Fact::MacroReleased(release) => release.period,
        _ => Timestamp::MIN,
    }
}

/// The column of figures: `value`, the series' own name, or the only one that is nothing else.
fn value_column(records: &Records, series: Option<&str>) -> Result<usize, RecordError> {
    let named = series.and_then(|series| records.find(&[series]));
    if let Some(column) = records.find(VALUES).or(named) {
        return Ok(column);
    }
    let known = [PERIODS, RELEASES, EXPECTED, SERIES, OTHERS].concat();
    let is_known = |name: &String| known.iter().any(|known| known.eq_ignore_ascii_case(name));
    let left: Vec<usize> =
        (0..records.header.len()).filter(|column| !is_known(&records.header[*column])).collect();
    match left.as_slice() {
        [column] => Ok(*column),
        _ => {
            let there = records.header.join(", ");
            Err(records.fail(format!(
                "no column for the figure: call it `value` or name `series`; there are {there}"
            )))
        }
    }
}

/// A figure; FRED writes `.` or nothing where there is none.
fn figure(record: &Record<'_>, column: usize) -> Result<Option<Figure>, RecordError> {
    match record.field(column) {
        "" | "." | "NaN" => Ok(None),
        _ => record.number(column).map(Some),
    }
}

fn stem(file: &Path) -> String {
    let name = file.file_name().map_or(String::new(), |name| name.to_string_lossy().into_owned());
    name.split('.').next().unwrap_or_default().to_string()
}
