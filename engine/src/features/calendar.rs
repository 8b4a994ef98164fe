//! Calendar: where in the day, week, month and year the clock stands, from integers, in UTC.

use genovo_kernels::scalar::f64::{cos, sin};

use super::column::TickColumn;
use crate::units::Timestamp;

macro_rules! columns {
    ($($id:literal $unit:literal $about:literal;)*) => {
        &[$(TickColumn { id: $id, source: "the clock", warm_up: "none", unit: $unit, about: $about }),*]
    };
}

/// The columns.
pub const COLUMNS: &[TickColumn] = columns! {
    "minute_sin" "±1" "sine of the time of day";
    "minute_cos" "±1" "cosine of the time of day";
    "weekday_sin" "±1" "sine of the day of the week";
    "weekday_cos" "±1" "cosine of the day of the week";
    "month_day_sin" "±1" "sine of the day of the month";
    "month_day_cos" "±1" "cosine of the day of the month";
    "year_day_sin" "±1" "sine of the day of the year";
    "year_day_cos" "±1" "cosine of the day of the year";
    "asia" "0 or 1" "00:00 to 09:00 UTC from Monday to Friday";
    "europe" "0 or 1" "07:00 to 16:00 UTC from Monday to Friday";
    "america" "0 or 1" "13:00 to 22:00 UTC from Monday to Friday";
    "to_weekend" "days" "time until Friday 22:00 UTC, 0 until Sunday 22:00";
};

const MINUTE: i64 = 60_000_000_000;
const DAY_MINUTES: i64 = 24 * 60;

/// The columns' values now.
pub fn read(now: Timestamp, out: &mut [Option<f64>]) {
    let minutes = now.0.div_euclid(MINUTE);
    let (day, minute) = (minutes.div_euclid(DAY_MINUTES), minutes.rem_euclid(DAY_MINUTES));
    // 1970-01-01 was a Thursday; Monday is 0.
    let weekday = (day + 3).rem_euclid(7);
    let (year_day, year_days, month_day, month_days) = date(day);
    let turn = |part: i64, whole: i64| part as f64 / whole as f64 * (2.0 * std::f64::consts::PI);
    let angles =
        [turn(minute, DAY_MINUTES), turn(weekday, 7), turn(month_day, month_days), turn(year_day, year_days)];
    for (pair, angle) in out.chunks_exact_mut(2).zip(angles) {
        (pair[0], pair[1]) = (Some(sin(angle)), Some(cos(angle)));
    }
    let open = |from: i64, to: i64| {
        let inside = weekday < 5 && (from * 60..to * 60).contains(&minute);
        Some(f64::from(u8::from(inside)))
    };
    out[8] = open(0, 9);
    out[9] = open(7, 16);
    out[10] = open(13, 22);
    let of_week = weekday * DAY_MINUTES + minute;
    let (friday, sunday) = (4 * DAY_MINUTES + 22 * 60, 6 * DAY_MINUTES + 22 * 60);
    let left = if of_week < friday {
        friday - of_week
    } else if of_week < sunday {
        0
    } else {
        friday + 7 * DAY_MINUTES - of_week
    };
    out[11] = Some(left as f64 / DAY_MINUTES as f64);
}

/// Day of the year and its length, day of the month and its length, days counted from 0; of a day since 1970 in the
/// Gregorian calendar.
fn date(day: i64) -> (i64, i64, i64, i64) {
    // Years of the 400-year cycle begin in March, so that the leap day is the last.
    let shifted = day + 719_468;
    let cycle = shifted.div_euclid(146_097);
    let of_cycle = shifted.rem_euclid(146_097);
    let year_of_cycle = (of_cycle - of_cycle / 1_460 + of_cycle / 36_524 - of_cycle / 146_096) / 365;
    let march_day = of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    let march_month = (5 * march_day + 2) / 153;
    let month_day = march_day - (153 * march_month + 2) / 5;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = year_of_cycle + cycle * 400 + i64::from(month <= 2);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let lengths = [31, 28 + i64::from(leap), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let before: i64 = lengths[..month as usize - 1].iter().sum();
    (before + month_day, 365 + i64::from(leap), month_day, lengths[month as usize - 1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_by_hand() {
        // (days since 1970, day of year, of days, day of month, of days)
        let cases = [
            (0, (0, 365, 0, 31)),         // 1970-01-01
            (58, (58, 365, 27, 28)),      // 1970-02-28
            (59, (59, 365, 0, 31)),       // 1970-03-01
            (11_016, (59, 366, 28, 29)),  // 2000-02-29
            (19_722, (364, 365, 30, 31)), // 2023-12-31
            (19_943, (220, 366, 7, 31)),  // 2024-08-08
            (-1, (364, 365, 30, 31)),     // 1969-12-31
            (47_540, (58, 365, 27, 28)),  // 2100-02-28: no leap year
            (47_541, (59, 365, 0, 31)),   // 2100-03-01
        ];
        for (day, expected) in cases {
            assert_eq!(date(day), expected, "{day}");
        }
    }

    #[test]
    fn every_day_follows_the_one_before() {
        let mut before = date(-200_000);
        for day in -199_999..200_000 {
            let now = date(day);
            let last_of_month = before.2 + 1 == before.3;
            assert_eq!(now.2, if last_of_month { 0 } else { before.2 + 1 }, "{day}");
            let last_of_year = before.0 + 1 == before.1;
            assert_eq!(now.0, if last_of_year { 0 } else { before.0 + 1 }, "{day}");
            before = now;
        }
    }

    #[test]
    fn a_week_by_hand() {
        let read = |hours: i64| {
            let mut out = [None; COLUMNS.len()];
            // Monday, 2014-05-05 00:00 UTC.
            super::read(Timestamp(1_399_248_000_000_000_000 + hours * 60 * MINUTE), &mut out);
            out.map(Option::unwrap)
        };
        let monday = read(8);
        assert_eq!(monday[8..], [1.0, 1.0, 0.0, 4.0 + 14.0 / 24.0]);
        assert_eq!((monday[2], monday[3]), (0.0, 1.0));
        assert_eq!(read(4 * 24 + 22)[11], 0.0);
        assert_eq!(read(5 * 24)[8..], [0.0, 0.0, 0.0, 0.0]);
        assert_eq!(read(6 * 24 + 22)[11], 5.0);
        assert_eq!(read(6)[0], 1.0);
    }
}
