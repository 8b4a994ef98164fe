//! When positions are rolled over, and what holding them over it costs.
//!
//! A rollover is a time of day by a clock. Its days count by the calendar: with a triple day, Monday's to Friday's are
//! rollovers and the triple one counts three days; without one every day counts one. What passed is known at the first
//! input at or after it.

use crate::account::{Account, Rate, converted, notional};
use crate::event::FinancingCharged;
use crate::ids::OrderId;
use crate::market::Market;
use crate::settings::{FinancingRate, FinancingSettings, RolloverClock, Settings, Weekday};
use crate::units::{Money, Nanoseconds, Quantity, Ratio, SCALE, Timestamp};

const HOUR: i64 = 3_600 * 1_000_000_000;
const DAY: i64 = Nanoseconds::DAY.0;
/// 1970-01-01 was a Thursday; weekdays are counted from Monday, 0.
const FIRST_WEEKDAY: i64 = 3;

/// The rollovers of a run.
#[derive(Clone, Debug)]
pub struct Rollover {
    settings: FinancingSettings,
    /// The first that was not passed yet; `None` before the first input.
    next: Option<Timestamp>,
}

crate::state! { Rollover { next } }

/// Rollovers that were passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passed {
    /// The last of them.
    pub last: Timestamp,
    /// How many days they count together.
    pub days: u32,
}

impl Rollover {
    /// Those of these settings, if there are any.
    pub fn new(settings: &Settings) -> Option<Rollover> {
        settings.financing.clone().map(|settings| Rollover { settings, next: None })
    }

    /// Whether one may have been passed.
    #[inline]
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.next.is_none_or(|next| now >= next)
    }

    /// Takes in the time; the rollovers that were passed since it was last told.
    pub fn pass(&mut self, now: Timestamp) -> Option<Passed> {
        let Some(mut next) = self.next else {
            // The run begins: what was before it concerns nobody.
            self.next = Some(self.settings.after(now).0);
            return None;
        };
        let mut passed: Option<Passed> = None;
        while next <= now && next < Timestamp::MAX {
            let days = passed.map_or(0, |passed| passed.days) + self.settings.days_at(next);
            passed = Some(Passed { last: next, days });
            let following = self.settings.after(next).0;
            if following <= next {
                // Time ends before there is another one.
                next = Timestamp::MAX;
                break;
            }
            next = following;
        }
        self.next = Some(next);
        passed
    }

    /// What holding a position of the instrument at `index` over `passed` costs; `None` where it costs nothing. `held`
    /// is how much, and in a hedging account the order that opened it.
    pub fn charge(
        &self,
        passed: Passed,
        index: usize,
        held: (OrderId, Quantity),
        account: &Account,
        markets: &[Market],
        settings: &Settings,
    ) -> Option<FinancingCharged> {
        let is_of = |rate: &&FinancingRate| rate.instrument.index() == Some(index);
        let rates = self.settings.rates.iter().find(is_of)?;
        let (position, quantity) = held;
        let (yearly, borrow_yearly) = match quantity.signum() {
            0 => return None,
            1 => (rates.long, Ratio::ZERO),
            _ => (rates.short, rates.borrow),
        };
        // A position without a price or a rate is not valued, so nothing can be charged by its value.
        let price = markets.get(index)?.mark(quantity.signum())?;
        let rate: Option<Rate> = account.rate(index, markets).ok()?;
        let value = notional(price, quantity, settings.instruments[index].multiplier).abs();
        let value = converted(value, rate);
        let year = i64::from(self.settings.days_in_year.max(1));
        let cost = |yearly: Ratio| {
            let share = yearly.0.saturating_mul(i64::from(passed.days));
            value.times_share(share, year * SCALE).round_to(settings.account.digits)
        };
        let (financing, borrow) = (cost(yearly), cost(borrow_yearly));
        (financing != Money::ZERO || borrow != Money::ZERO).then_some(FinancingCharged {
            rollover: passed.last,
            days: passed.days,
            days_in_year: self.settings.days_in_year,
            quantity,
            price,
            rate: rate.map(|rate| rate.price),
            value,
            yearly,
            borrow_yearly,
            financing,
            borrow,
            position,
        })
    }

    /// Adds what it knows to the state's hash.
    pub fn add_to_hash(&self, hasher: &mut blake3::Hasher) {
        hasher.update(&self.next.map_or(i64::MIN, |next| next.0).to_le_bytes());
    }
}

impl FinancingSettings {
    /// The first rollover after a time, and the days that it counts.
    pub fn after(&self, time: Timestamp) -> (Timestamp, u32) {
        // Far from the ends of time, so that no sum overflows.
        let time = time.0.clamp(i64::MIN + 30 * DAY, i64::MAX - 30 * DAY);
        let mut day = (time - DAY).div_euclid(DAY) - 1;
        // Another program's settings may say anything.
        let time_of_day = self.rollover.0.rem_euclid(DAY);
        loop {
            let at = Timestamp(day * DAY + time_of_day + self.behind(day));
            let days = self.days_of(day);
            if at.0 > time && days > 0 {
                return (at, days);
            }
            day += 1;
        }
    }

    /// How many days a rollover counts.
    fn days_at(&self, rollover: Timestamp) -> u32 {
        let (again, days) = self.after(Timestamp(rollover.0.saturating_sub(1)));
        if again == rollover { days } else { 0 }
    }

    /// How many days the rollover of a day, counted from 1970, counts.
    fn days_of(&self, day: i64) -> u32 {
        let weekday = (day + FIRST_WEEKDAY).rem_euclid(7) as usize;
        match (self.triple, Weekday::ALL.get(weekday)) {
            (None, _) => 1,
            (Some(_), None) => 0,
            (Some(triple), Some(today)) => 1 + 2 * u32::from(triple == *today),
        }
    }

    /// How far the clock is behind universal time at the noon of a day, counted from 1970.
    fn behind(&self, day: i64) -> i64 {
        match self.clock {
            RolloverClock::Utc => 0,
            RolloverClock::NewYork => {
                if is_daylight_saving(day) {
                    4 * HOUR
                } else {
                    5 * HOUR
                }
            }
        }
    }
}

/// Whether New York keeps daylight saving time at the noon of a day, counted from 1970: by the Uniform Time Act of
/// 1966, its amendments of 1986 and 2005, and the year-round time of 1974 and 1975.
fn is_daylight_saving(day: i64) -> bool {
    let year = year_of(day);
    // The first Sunday on or after a day of a month.
    let sunday = |month: u32, from: u32| {
        let day = day_of(year, month, from);
        day + (6 - (day + FIRST_WEEKDAY).rem_euclid(7)).rem_euclid(7)
    };
    let begin = match year {
        2007.. => sunday(3, 8),
        1987..=2006 => sunday(4, 1),
        1975 => day_of(1975, 2, 23),
        1974 => day_of(1974, 1, 6),
        _ => sunday(4, 24),
    };
    let end = if year >= 2007 { sunday(11, 1) } else { sunday(10, 25) };
    (begin..end).contains(&day)
}

/// The day of a date of the Gregorian calendar, counted from 1970-01-01 (Howard Hinnant, "chrono-compatible low-level
/// date algorithms", 2013: years begin in March, so that the leap day is their last).
fn day_of(year: i64, month: u32, day: u32) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let month = (i64::from(month) + 9) % 12;
    let of_year = (153 * month + 2) / 5 + i64::from(day) - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The year of a day counted from 1970-01-01.
fn year_of(day: i64) -> i64 {
    let day = day + 719_468;
    let (era, of_era) = (day.div_euclid(146_097), day.rem_euclid(146_097));
    let years = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * years + years / 4 - years / 100);
    // January and February belong to the next calendar year.
    years + era * 400 + i64::from(of_year >= 306)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(year: i64, month: u32, day: u32, hour: i64) -> Timestamp {
        Timestamp(day_of(year, month, day) * DAY + hour * HOUR)
    }

    fn settings(clock: RolloverClock, triple: Option<Weekday>, hour: i64) -> FinancingSettings {
        let rollover = Nanoseconds(hour * HOUR);
        FinancingSettings { rollover, clock, triple, days_in_year: 360, rates: Vec::new() }
    }

    #[test]
    fn dates_and_days_are_each_other_s_inverse() {
        assert_eq!((day_of(1970, 1, 1), day_of(2000, 2, 29), day_of(2014, 5, 1)), (0, 11_016, 16_191));
        let mut day = day_of(1968, 1, 1);
        for year in 1968..=2100_i64 {
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            for _ in 0..365 + i64::from(leap) {
                assert_eq!(year_of(day), year);
                day += 1;
            }
            assert_eq!(day, day_of(year + 1, 1, 1));
        }
    }

    #[test]
    fn rollovers_as_a_table() {
        use RolloverClock::{NewYork, Utc};
        let wednesday = Some(Weekday::Wednesday);
        let table = [
            // Thursday 2014-05-01; daylight saving time: 17:00 in New York is 21:00.
            (NewYork, wednesday, 17, at(2014, 5, 1, 12), at(2014, 5, 1, 21), 1),
            (NewYork, wednesday, 17, at(2014, 5, 1, 21), at(2014, 5, 2, 21), 1),
            // Friday's is followed by Monday's; Wednesday's counts three.
            (NewYork, wednesday, 17, at(2014, 5, 2, 21), at(2014, 5, 5, 21), 1),
            (NewYork, wednesday, 17, at(2014, 5, 7, 0), at(2014, 5, 7, 21), 3),
            // Clocks go back on Sunday 2014-11-02, and forward on 2015-03-08.
            (NewYork, wednesday, 17, at(2014, 10, 31, 12), at(2014, 10, 31, 21), 1),
            (NewYork, wednesday, 17, at(2014, 11, 1, 12), at(2014, 11, 3, 22), 1),
            (NewYork, None, 17, at(2014, 11, 1, 12), at(2014, 11, 1, 21), 1),
            (NewYork, None, 17, at(2014, 11, 2, 0), at(2014, 11, 2, 22), 1),
            (NewYork, None, 17, at(2015, 3, 7, 23), at(2015, 3, 8, 21), 1),
            // At midnight in New York the day is the one that begins.
            (NewYork, wednesday, 0, at(2014, 5, 7, 0), at(2014, 5, 7, 4), 3),
            (Utc, Some(Weekday::Friday), 22, at(2014, 5, 2, 0), at(2014, 5, 2, 22), 3),
            (Utc, None, 0, at(2014, 5, 3, 0), at(2014, 5, 4, 0), 1),
            (Utc, None, 0, Timestamp(-1), Timestamp(0), 1),
        ];
        for (clock, triple, hour, now, next, days) in table {
            let settings = settings(clock, triple, hour);
            assert_eq!(settings.after(now), (next, days), "{clock:?} {triple:?} {hour} h after {now:?}");
        }
    }

    #[test]
    fn any_time_and_any_time_of_day_have_a_rollover() {
        for rollover in [i64::MIN, -1, DAY, i64::MAX].map(Nanoseconds) {
            let settings = FinancingSettings { rollover, ..settings(RolloverClock::NewYork, None, 0) };
            let (next, days) = settings.after(Timestamp(0));
            assert!((1..=DAY).contains(&next.0) && days == 1, "{rollover:?}");
            let mut rollover = Rollover { settings, next: None };
            assert_eq!(rollover.pass(Timestamp::MIN), None);
            assert!(rollover.pass(Timestamp::MAX).is_some_and(|passed| passed.days > 200_000));
            assert_eq!(rollover.pass(Timestamp::MAX), None);
        }
    }

    #[test]
    fn a_week_counts_seven_days_however_it_is_looked_at() {
        for triple in [None, Some(Weekday::Wednesday), Some(Weekday::Friday)] {
            for step in [1, 5, 24, 100] {
                let settings = settings(RolloverClock::NewYork, triple, 17);
                let mut rollover = Rollover { settings, next: None };
                let (from, to) = (at(2014, 10, 20, 0), at(2014, 12, 1, 0));
                let (mut now, mut days) = (from, 0);
                while now <= to {
                    days += rollover.pass(now).map_or(0, |passed| passed.days);
                    now = Timestamp(now.0 + step * HOUR);
                }
                days += rollover.pass(to).map_or(0, |passed| passed.days);
                assert_eq!(days, 42, "{triple:?} every {step} h");
            }
        }
    }
}
