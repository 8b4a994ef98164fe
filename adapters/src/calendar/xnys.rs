//! The New York Stock Exchange's sessions from 1990 on, by its rules and the days that no rule gives.

use jiff::civil::{Date, Time, Weekday, date, time};

/// Closed for mourning, storms and attacks.
const CLOSED: [(i16, i8, i8); 11] = [
    (1994, 4, 27),
    (2001, 9, 11),
    (2001, 9, 12),
    (2001, 9, 13),
    (2001, 9, 14),
    (2004, 6, 11),
    (2007, 1, 2),
    (2012, 10, 29),
    (2012, 10, 30),
    (2018, 12, 5),
    (2025, 1, 9),
];

/// Closed early once.
const EARLY: [(i16, i8, i8); 3] = [(1997, 12, 26), (1999, 12, 31), (2003, 12, 26)];

/// Open and close of a day's session in New York.
pub fn session(day: Date) -> Option<(Time, Time)> {
    if matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday) || is_holiday(day) {
        return None;
    }
    let close = match (closes_early(day), day.year()) {
        (false, _) => time(16, 0, 0, 0),
        (true, ..1993) => time(14, 0, 0, 0),
        (true, _) => time(13, 0, 0, 0),
    };
    Some((time(9, 30, 0, 0), close))
}

fn is(day: Date, (year, month, of_month): (i16, i8, i8)) -> bool {
    (day.year(), day.month(), day.day()) == (year, month, of_month)
}

fn is_holiday(day: Date) -> bool {
    let year = day.year();
    let nth = |month: i8, nth: i8, weekday| {
        day.month() == month && date(year, month, 1).nth_weekday_of_month(nth, weekday).ok() == Some(day)
    };
    // On a Saturday the Friday before, on a Sunday the Monday after.
    let observed = |month: i8, of_month: i8| {
        let holiday = date(year, month, of_month);
        match holiday.weekday() {
            Weekday::Saturday => holiday.yesterday().ok() == Some(day),
            Weekday::Sunday => holiday.tomorrow().ok() == Some(day),
            _ => holiday == day,
        }
    };
    let new_year = date(year, 1, 1);
    // A New Year's Day on a Saturday is not made up for: the books of the old year close on the Friday.
    let new_year = match new_year.weekday() {
        Weekday::Saturday => false,
        Weekday::Sunday => new_year.tomorrow().ok() == Some(day),
        _ => new_year == day,
    };
    new_year
        || (year >= 1998 && nth(1, 3, Weekday::Monday))
        || nth(2, 3, Weekday::Monday)
        || is_good_friday(day)
        || nth(5, -1, Weekday::Monday)
        || (year >= 2022 && observed(6, 19))
        || observed(7, 4)
        || nth(9, 1, Weekday::Monday)
        || nth(11, 4, Weekday::Thursday)
        || observed(12, 25)
        || CLOSED.iter().any(|closed| is(day, *closed))
}

/// Of a day with a session.
fn closes_early(day: Date) -> bool {
    let (year, weekday) = (day.year(), day.weekday());
    let before_weekend = weekday == Weekday::Friday;
    let after_thanksgiving = year >= 1992
        && day.month() == 11
        && before_weekend
        && date(year, 11, 1).nth_weekday_of_month(4, Weekday::Thursday).ok() == day.yesterday().ok();
    let christmas_eve = (day.month(), day.day()) == (12, 24) && !before_weekend;
    let independence = match (day.month(), day.day(), weekday) {
        // Around a holiday on a Thursday the Friday was short, until the Wednesday became so.
        (7, 3, Weekday::Wednesday) => year >= 2013,
        (7, 5, Weekday::Friday) => (1995..2013).contains(&year),
        (7, 3, _) => year >= 1995,
        _ => false,
    };
    after_thanksgiving || christmas_eve || independence || EARLY.iter().any(|early| is(day, *early))
}

/// Two days before Easter Sunday, by the Gregorian computus in the form of J.-M. Oudin (1940).
fn is_good_friday(day: Date) -> bool {
    if !matches!(day.month(), 3 | 4) || day.weekday() != Weekday::Friday {
        return false;
    }
    let year = i32::from(day.year());
    let (century, golden) = (year / 100, year % 19);
    let k = (century - 17) / 25;
    let mut moon = (century - century / 4 - (century - k) / 3 + 19 * golden + 15) % 30;
    moon -= (moon / 28) * (1 - (moon / 28) * (29 / (moon + 1)) * ((21 - golden) / 11));
    let weekday = (year + year / 4 + moon + 2 - century + century / 4) % 7;
    let sunday = moon - weekday;
    let month = 3 + (sunday + 40) / 44;
    let of_month = sunday + 28 - 31 * (month / 4);
    let easter = date(day.year(), month as i8, of_month as i8);
    easter.yesterday().and_then(Date::yesterday).ok() == Some(day)
}
