//! Calendars of events: what takes place when, how much it usually moves, and since when that was known.
//!
//! ```text
//! at,name,importance,known_at
//! 2014-05-02 12:30:00,US nonfarm payrolls,high,2014-01-02 00:00:00
//! ```

use std::path::Path;

use genovo_engine::event::{Event, EventScheduled, Fact, Importance};
use genovo_engine::ids::InstrumentId;
use genovo_engine::units::{Nanoseconds, Timestamp};

use super::super::records::{Record, RecordError, Records};
use super::{about, after, is_day};

const TIMES: &[&str] = &["at", "event_time", "time", "timestamp", "datetime", "date"];
const KNOWN: &[&str] = &["known_at", "announced_at"];

/// Reads a calendar.
pub(super) fn read(
    file: &Path,
    known_before: Option<Nanoseconds>,
    instruments: &[(String, InstrumentId)],
) -> Result<Vec<Event>, RecordError> {
    let records = Records::read(file)?;
    let time = records.need("the time of an event", TIMES)?;
    let clock = records.clock(time)?;
    let name = records.need("the name of an event", &["name", "event", "title"])?;
    let importance = records.find(&["importance", "impact"]);
    let (id, symbols) = (records.find(&["id", "event_id"]), records.find(&["symbol", "symbols"]));
    let known = records.find(KNOWN);
    match (known, known_before) {
        (None, None) => {
            let message =
                "nothing says since when an event was known: say `known_before`, or add a column `known_at`";
            return Err(records.fail(message));
        }
        (Some(column), Some(_)) => {
            let known = &records.header[column];
            return Err(records.fail(format!("`{known}` says since when: leave `known_before` out")));
        }
        _ => {}
    }
    let known_clock = known.map(|column| records.clock(column)).transpose()?;
    let mut events = Vec::new();
    for record in records.iter() {
        let at = record.time(time, &clock)?;
        if is_day(record.field(time)) {
            return Err(record.fail(Some(time), "is a day: write the time of the event, too"));
        }
        let told = match (known.zip(known_clock), known_before) {
            (Some((column, clock)), _) => {
                let time = record.time(column, &clock)?;
                // What was said on some day was known for sure when the day was over.
                let of_day = if is_day(record.field(column)) { Nanoseconds::DAY } else { Nanoseconds::ZERO };
                after(&record, column, time, of_day)?
            }
            (None, before) => Timestamp(at.0.saturating_sub(before.unwrap_or(Nanoseconds::ZERO).0)),
        };
        let name = record.field(name).to_string();
        let scheduled = EventScheduled {
            id: id.map_or_else(|| format!("{name} {}", at.0), |column| record.field(column).to_string()),
            name,
            at,
            importance: importance
                .map_or(Ok(Importance::Medium), |column| self::importance(&record, column))?,
        };
        let Some(about) = about(&record, symbols, instruments) else { continue };
        for instrument in about {
            let fact = Fact::EventScheduled(Box::new(scheduled.clone()));
            events.push(Event::unnumbered(told, told, instrument, fact));
        }
    }
    Ok(events)
}

fn importance(record: &Record<'_>, column: usize) -> Result<Importance, RecordError> {
    match record.field(column).to_ascii_lowercase().as_str() {
        "low" | "1" | "" | "none" => Ok(Importance::Low),
        "medium" | "moderate" | "2" => Ok(Importance::Medium),
        "high" | "3" => Ok(Importance::High),
        _ => Err(record.fail(Some(column), "is no importance: write low, medium or high")),
    }
}
