//! When instruments trade: calendars of sessions, holidays and early closes.
//!
//! A calendar is read at load time and becomes [`SessionChanged`](genovo_engine::event::SessionChanged) inputs
//! among the market data ([`crate::scheduled`]): the engine never asks a clock or a time zone. Zones come from the
//! database that is built in, so that every machine reads a calendar alike.

mod xnys;

use std::collections::{BTreeMap, BTreeSet};

use genovo_engine::units::Timestamp;
use jiff::ToSpan;
use jiff::civil::{Date, Time, Weekday, time};
use jiff::tz::{TimeZone, TimeZoneDatabase};

/// The names of the calendars that are built in.
pub const NAMES: [&str; 3] = ["XNYS", "fx", "24x7"];

/// Days without a session after which a calendar counts as ended.
const SILENCE_DAYS: i32 = 400;

/// When an instrument trades.
#[derive(Clone, Debug)]
pub struct Calendar {
    zone: TimeZone,
    hours: Hours,
}

#[derive(Clone, Debug)]
enum Hours {
    /// The New York Stock Exchange's regular sessions.
    Xnys,
    /// Days from 17:00 to 17:00 in New York, Monday's to Friday's.
    Fx,
    Table(Table),
}

/// Regular hours, and the days that differ.
#[derive(Clone, Debug)]
struct Table {
    days: [bool; 7],
    open: Time,
    /// Not after `open`: then a session begins on the day before.
    close: Time,
    holidays: BTreeSet<Date>,
    early: BTreeMap<Date, Time>,
}

/// A calendar as a scenario writes it.
#[derive(Clone, Copy, Debug)]
pub struct Written<'a> {
    /// A zone of the IANA database, such as `Europe/London`.
    pub time_zone: &'a str,
    /// When a session opens, such as `08:00`.
    pub open: &'a str,
    /// When it closes.
    pub close: &'a str,
    /// `Mon-Fri`, or days with commas.
    pub days: &'a str,
    /// Days without a session, with commas: `2014-12-25, 2014-12-26`.
    pub holidays: &'a str,
    /// Days that close early: `2014-12-24 12:30, …`.
    pub early_closes: &'a str,
}

/// What of a written calendar cannot be read: the key, and why.
pub type Unreadable = (&'static str, String);

impl Calendar {
    /// The calendar of this name; `None` for one that is always open.
    pub fn named(name: &str) -> Result<Option<Calendar>, String> {
        let hours = match name {
            "24x7" => return Ok(None),
            "XNYS" => Hours::Xnys,
            "fx" => Hours::Fx,
            _ => return Err(format!("`{name}` is no calendar: known are {}", NAMES.join(", "))),
        };
        let zone = TimeZoneDatabase::bundled().get("America/New_York").expect("the bundled database has it");
        Ok(Some(Calendar { zone, hours }))
    }

    /// Reads a calendar of one's own.
    pub fn read(written: Written<'_>) -> Result<Calendar, Unreadable> {
        let zone = TimeZoneDatabase::bundled().get(written.time_zone).map_err(|_| {
            let message = format!("`{}` is no time zone: write such as `Europe/London`", written.time_zone);
            ("time_zone", message)
        })?;
        let early = list(written.early_closes).map(|entry| {
            let parts = entry.split_once(' ').ok_or_else(|| {
                ("early_closes", format!("`{entry}`: write a day and a time, such as `2014-12-24 12:30`"))
            })?;
            Ok((date(parts.0, "early_closes")?, time_of_day(parts.1.trim(), "early_closes")?))
        });
        let table = Table {
            days: days(written.days)?,
            open: time_of_day(written.open, "open")?,
            close: time_of_day(written.close, "close")?,
            holidays: list(written.holidays).map(|day| date(day, "holidays")).collect::<Result<_, _>>()?,
            early: early.collect::<Result<_, _>>()?,
        };
        Ok(Calendar { zone, hours: Hours::Table(table) })
    }

    /// The session that belongs to a day, if it has one: from when to when.
    pub fn session(&self, day: Date) -> Option<(Timestamp, Timestamp)> {
        let (open, close, begins_before) = match &self.hours {
            Hours::Xnys => {
                let (open, close) = xnys::session(day)?;
                (open, close, false)
            }
            Hours::Fx => {
                let trades = !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
                trades.then_some((time(17, 0, 0, 0), time(17, 0, 0, 0), true))?
            }
            Hours::Table(table) => {
                let weekday = day.weekday().to_monday_zero_offset() as usize;
                if !table.days[weekday] || table.holidays.contains(&day) {
                    return None;
                }
                let close = table.early.get(&day).copied().unwrap_or(table.close);
                (table.open, close, table.close <= table.open)
            }
        };
        let first = if begins_before { day.yesterday().ok()? } else { day };
        let (open, close) = (self.utc(first, open)?, self.utc(day, close)?);
        (open < close).then_some((open, close))
    }

    /// The session under way at `time`, else the next one. `None` when no more follow within a year.
    pub fn session_from(&self, time: Timestamp) -> Option<(Timestamp, Timestamp)> {
        let utc = jiff::Timestamp::from_nanosecond(i128::from(time.0)).ok()?;
        let mut day = self.zone.to_datetime(utc).date().yesterday().ok()?;
        for _ in 0..SILENCE_DAYS {
            // What closes at `time` is over only after it.
            if let Some(session) = self.session(day).filter(|(_, close)| *close >= time) {
                return Some(session);
            }
            day = day.checked_add(1.day()).ok()?;
        }
        None
    }

    /// A wall-clock time of the calendar's zone. Of a time that occurs twice the first is meant; one that is left
    /// out is moved on by the gap.
    fn utc(&self, day: Date, time: Time) -> Option<Timestamp> {
        let there = self.zone.to_ambiguous_timestamp(day.to_datetime(time)).compatible().ok()?;
        i64::try_from(there.as_nanosecond()).ok().map(Timestamp)
    }
}

fn list(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|entry| !entry.is_empty())
}

fn date(text: &str, key: &'static str) -> Result<Date, Unreadable> {
    text.trim().parse().map_err(|_| (key, format!("`{text}` is no day: write such as `2014-12-25`")))
}

fn time_of_day(text: &str, key: &'static str) -> Result<Time, Unreadable> {
    let wrong = || (key, format!("`{text}` is no time of day: write such as `08:00`"));
    let good = text.len() == 5 && text.as_bytes()[2] == b':';
    if good { text.parse().map_err(|_| wrong()) } else { Err(wrong()) }
}

fn days(text: &str) -> Result<[bool; 7], Unreadable> {
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let place = |name: &str| {
        let found = DAYS.iter().position(|day| *day == name.trim());
        found.ok_or_else(|| ("days", format!("`{name}` is no day: write such as `Mon-Fri`, or `Mon, Wed`")))
    };
    let mut on = [false; 7];
    for part in list(text) {
        match part.split_once('-') {
            Some((first, last)) => {
                let (first, last) = (place(first)?, place(last)?);
                let count = (last + 7 - first) % 7;
                (0..=count).for_each(|step| on[(first + step) % 7] = true);
            }
            None => on[place(part)?] = true,
        }
    }
    if on.contains(&true) {
        Ok(on)
    } else {
        Err(("days", "no day at all: write such as `Mon-Fri`".to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date as day;

    fn span(calendar: &Calendar, on: Date) -> Option<[String; 2]> {
        let show = |time: Timestamp| {
            jiff::Timestamp::from_nanosecond(i128::from(time.0)).unwrap().strftime("%m-%d %H:%M").to_string()
        };
        calendar.session(on).map(|(open, close)| [show(open), show(close)])
    }

    #[test]
    fn daylight_saving_moves_a_session_by_an_hour_of_utc() {
        let calendar = Calendar::named("XNYS").unwrap().unwrap();
        let at = |on| span(&calendar, on).unwrap();
        assert_eq!(at(day(2014, 3, 7)), ["03-07 14:30", "03-07 21:00"]);
        assert_eq!(at(day(2014, 3, 10)), ["03-10 13:30", "03-10 20:00"]);
        assert_eq!(at(day(2014, 7, 3)), ["07-03 13:30", "07-03 17:00"]);
        assert_eq!(span(&calendar, day(2014, 7, 4)), None);
    }

    #[test]
    fn currencies_trade_from_sunday_to_friday() {
        let calendar = Calendar::named("fx").unwrap().unwrap();
        assert_eq!(span(&calendar, day(2014, 5, 4)), None);
        assert_eq!(span(&calendar, day(2014, 5, 5)).unwrap(), ["05-04 21:00", "05-05 21:00"]);
        assert_eq!(span(&calendar, day(2014, 5, 9)).unwrap(), ["05-08 21:00", "05-09 21:00"]);
        assert_eq!(span(&calendar, day(2014, 5, 10)), None);
        assert!(Calendar::named("24x7").unwrap().is_none());
        assert!(Calendar::named("NYSE").is_err());
    }

    fn written() -> Written<'static> {
        Written {
            time_zone: "Europe/London",
            open: "08:00",
            close: "16:30",
            days: "Mon-Fri",
            holidays: "2014-12-25, 2014-12-26",
            early_closes: "2014-12-24 12:30",
        }
    }

    #[test]
    fn a_table_of_ones_own() {
        let calendar = Calendar::read(written()).unwrap();
        assert_eq!(span(&calendar, day(2014, 12, 24)).unwrap(), ["12-24 08:00", "12-24 12:30"]);
        assert_eq!(span(&calendar, day(2014, 12, 25)), None);
        assert_eq!(span(&calendar, day(2014, 6, 2)).unwrap(), ["06-02 07:00", "06-02 15:30"]);
        let overnight = Calendar::read(Written { open: "18:00", close: "17:00", ..written() }).unwrap();
        assert_eq!(span(&overnight, day(2014, 6, 2)).unwrap(), ["06-01 17:00", "06-02 16:00"]);
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let wrong = |change: fn(&mut Written<'static>)| {
            let mut one = written();
            change(&mut one);
            Calendar::read(one).map(|_| ()).unwrap_err().0
        };
        assert_eq!(wrong(|one| one.time_zone = "Europe/Londonn"), "time_zone");
        assert_eq!(wrong(|one| one.open = "8:00"), "open");
        assert_eq!(wrong(|one| one.close = "25:00"), "close");
        assert_eq!(wrong(|one| one.days = "Monday"), "days");
        assert_eq!(wrong(|one| one.days = ""), "days");
        assert_eq!(wrong(|one| one.holidays = "2014-02-30"), "holidays");
        assert_eq!(wrong(|one| one.early_closes = "2014-12-24"), "early_closes");
    }

    #[test]
    fn the_session_under_way_or_the_next() {
        let calendar = Calendar::named("XNYS").unwrap().unwrap();
        let (open, close) = calendar.session(day(2014, 7, 3)).unwrap();
        let next = calendar.session(day(2014, 7, 7)).unwrap();
        assert_eq!(calendar.session_from(open), Some((open, close)));
        assert_eq!(calendar.session_from(Timestamp(open.0 - 1)), Some((open, close)));
        assert_eq!(calendar.session_from(close), Some((open, close)));
        assert_eq!(calendar.session_from(Timestamp(close.0 + 1)), Some(next));
    }
}
