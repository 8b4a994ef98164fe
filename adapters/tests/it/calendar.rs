//! The New York Stock Exchange's calendar, day by day as exchange_calendars has it: `tests/data/make_xnys.py` wrote the
//! days that differ from Monday to Friday, 09:30 to 16:00.

use std::collections::BTreeMap;

use genovo_adapters::calendar::Calendar;
use jiff::ToSpan;
use jiff::civil::{Date, Weekday, date};
use jiff::tz::TimeZoneDatabase;

#[test]
fn every_session_of_xnys_from_1990_to_2030() {
    let golden = include_str!("../data/xnys_1990_2030.txt");
    let rows = golden.lines().filter(|line| !line.starts_with('#'));
    let odd: BTreeMap<Date, &str> = rows
        .map(|row| row.split_once(' ').expect("a day and its hours"))
        .map(|(day, hours)| (day.parse().unwrap(), hours))
        .collect();
    assert!(odd.len() > 450);
    let calendar = Calendar::named("XNYS").unwrap().unwrap();
    let zone = TimeZoneDatabase::bundled().get("America/New_York").unwrap();
    let (mut day, mut sessions) = (date(1990, 1, 1), 0);
    while day <= date(2030, 12, 31) {
        let weekend = matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
        let expected = odd.get(&day).copied().unwrap_or(if weekend { "closed" } else { "09:30 16:00" });
        let found = calendar.session(day).map(|span| {
            let show = |time: genovo_engine::units::Timestamp| {
                let utc = jiff::Timestamp::from_nanosecond(i128::from(time.0)).unwrap();
                utc.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string()
            };
            let (open, close) = (show(span.0), show(span.1));
            assert!(open.starts_with(&day.to_string()) && close.starts_with(&day.to_string()));
            sessions += 1;
            format!("{} {}", &open[11..], &close[11..])
        });
        assert_eq!(found.as_deref().unwrap_or("closed"), expected, "{day}");
        day = day.checked_add(1.day()).unwrap();
    }
    // The golden file's first line says how many.
    assert!(golden.lines().next().unwrap().ends_with(&format!(": {sessions} sessions")), "{sessions}");
}
