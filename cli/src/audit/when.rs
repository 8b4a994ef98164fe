//! Points and lengths of time to the nanosecond, as an audit writes and reads them. Always UTC.

use genovo_engine::units::{Nanoseconds, Timestamp};
use jiff::civil::DateTime;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;

use crate::report::format;

/// `Fri 2 May 2014 14:30:00.007543 UTC`.
pub fn full(time: Timestamp) -> String {
    stamp(time, "%a %-d %b %Y %H:%M:%S%.f UTC")
}

/// `14:30:00.007543`.
pub fn clock(time: Timestamp) -> String {
    stamp(time, "%H:%M:%S%.f")
}

/// `14:30`.
pub fn minute(time: Timestamp) -> String {
    stamp(time, "%H:%M")
}

/// `14:30`, or `14:30:07.5` where the minute does not say all.
pub fn short(time: Timestamp) -> String {
    if time.0.rem_euclid(60_000_000_000) == 0 { minute(time) } else { clock(time) }
}

/// `2014-05-02`.
pub fn day(time: Timestamp) -> String {
    stamp(time, "%Y-%m-%d")
}

/// `2014-05-02 14:30:00.007543000`: every time as wide as the next.
pub fn column(time: Timestamp) -> String {
    stamp(time, "%Y-%m-%d %H:%M:%S%.9f")
}

/// `2014-05-02 14:30:00.007543`: with as much of the second as there is.
pub fn column_short(time: Timestamp) -> String {
    stamp(time, "%Y-%m-%d %H:%M:%S%.f")
}

/// `19:35` on the day of `other`, else `5 May 19:35`.
pub fn minute_after(time: Timestamp, other: Timestamp) -> String {
    let day = |time: Timestamp| time.0.div_euclid(Nanoseconds::DAY.0);
    if day(time) == day(other) { minute(time) } else { format::minute(time, false) }
}

/// `850 ns`, `2.5 µs`, `5 ms`, then as in reports: `18 s`, `12 min`.
pub fn length(length: Nanoseconds) -> String {
    let scaled = |unit: i64, name: &str| {
        let text = format!("{:.3}", length.0 as f64 / unit as f64);
        format!("{} {name}", text.trim_end_matches('0').trim_end_matches('.'))
    };
    match length.0 {
        0..1_000 => format!("{} ns", length.0),
        1_000..1_000_000 => scaled(1_000, "µs"),
        1_000_000..1_000_000_000 => scaled(1_000_000, "ms"),
        _ => format::duration(length.0 as f64 / 1e9),
    }
}

/// A time as a person types it: RFC 3339, or a date with or without a time of day in UTC.
pub fn parse(text: &str) -> Option<Timestamp> {
    let time = match text.parse::<jiff::Timestamp>() {
        Ok(time) => time,
        Err(_) => text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp(),
    };
    i64::try_from(time.as_nanosecond()).ok().map(Timestamp)
}

fn stamp(time: Timestamp, pattern: &str) -> String {
    let zoned = format::moment(time).to_zoned(TimeZone::UTC);
    strtime::format(pattern, &zoned).unwrap_or_else(|_| format::moment(time).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_to_the_nanosecond_and_read_back() {
        let time = Timestamp(1_399_041_000_007_543_000);
        assert_eq!(full(time), "Fri 2 May 2014 14:30:00.007543 UTC");
        assert_eq!(clock(time), "14:30:00.007543");
        assert_eq!(column(time), "2014-05-02 14:30:00.007543000");
        assert_eq!(short(Timestamp(1_399_041_000_000_000_000)), "14:30");
        for text in ["2014-05-02T14:30:00.007543Z", "2014-05-02 14:30:00.007543"] {
            assert_eq!(parse(text), Some(time), "{text}");
        }
        assert_eq!(parse("2014-05-02 14:30"), Some(Timestamp(1_399_041_000_000_000_000)));
        assert_eq!(parse("2014-05-02"), Some(Timestamp(1_398_988_800_000_000_000)));
        assert_eq!(parse("yesterday"), None);
    }

    #[test]
    fn lengths_have_the_unit_that_reads_best() {
        for (nanoseconds, text) in [
            (0, "0 ns"),
            (2_500, "2.5 µs"),
            (5_000_000, "5 ms"),
            (7_543_000, "7.543 ms"),
            (18_200_000_000, "18 s"),
        ] {
            assert_eq!(length(Nanoseconds(nanoseconds)), text);
        }
    }
}
