//! Daily returns: closes, months, and the figures that need many days.

use genovo_engine::units::{Money, Nanoseconds, Timestamp};
use jiff::tz::TimeZone;

use super::figures::{DayClose, MonthReturn, ReturnFigures, Returns};
use super::format;

const DAY: i64 = Nanoseconds::DAY.0;

/// Collects the equity at the end of each UTC day with data.
#[derive(Debug, Default)]
pub struct Days {
    closes: Vec<(i64, Money)>,
}

impl Days {
    /// The equity when the day of this time ended; the later one counts.
    pub fn close(&mut self, time: Timestamp, equity: Money) {
        let day = time.0.div_euclid(DAY);
        match self.closes.last_mut() {
            Some(last) if last.0 >= day => last.1 = equity,
            _ => self.closes.push((day, equity)),
        }
    }

    /// On how many UTC days there was data.
    pub fn count(&self) -> u64 {
        self.closes.len() as u64
    }

    /// Returns from closes, beginning at `start`.
    pub fn finish(mut self, start: Money) -> Returns {
        // Day 0 was a Thursday: Saturday is 2 and Sunday 3 of each seven.
        let saturdays = self.closes.iter().any(|(day, _)| day.rem_euclid(7) == 2);
        let last = self.closes.last().map(|(day, _)| *day);
        if !saturdays {
            self.closes.retain(|(day, _)| day.rem_euclid(7) != 3 || Some(*day) == last);
        }
        let days_per_year = if saturdays { 365 } else { 252 };
        let mut before = start;
        let mut days = Vec::with_capacity(self.closes.len());
        let mut months: Vec<MonthReturn> = Vec::new();
        for &(day, equity) in &self.closes {
            let time = Timestamp(day.saturating_mul(DAY));
            let change = share(equity - before, before);
            let date = format::moment(time).to_zoned(TimeZone::UTC).date();
            match months.last_mut() {
                Some(month) if (month.year, month.month) == (date.year(), date.month()) => {
                    month.change = (1.0 + month.change) * (1.0 + change) - 1.0;
                }
                _ => months.push(MonthReturn { year: date.year(), month: date.month(), change }),
            }
            days.push(DayClose { day: format::day(time), equity, change });
            before = equity;
        }
        let changes: Vec<f64> = days.iter().map(|day| day.change).collect();
        let enough = changes.len() >= Returns::DAYS_MIN && changes.iter().all(|change| *change > -1.0);
        let figures = enough.then(|| figures(&changes, f64::from(days_per_year)));
        Returns { days, months, days_per_year, figures }
    }
}

/// `part / whole`, or 0 where that says nothing.
pub fn share(part: Money, whole: Money) -> f64 {
    if whole.0 > 0 { part.as_f64() / whole.as_f64() } else { 0.0 }
}

/// The definitions of `empyrical`, with a risk-free rate of zero.
fn figures(changes: &[f64], days_per_year: f64) -> ReturnFigures {
    let count = changes.len() as f64;
    let mean = changes.iter().sum::<f64>() / count;
    let deviation = (changes.iter().map(|r| (r - mean) * (r - mean)).sum::<f64>() / (count - 1.0)).sqrt();
    let downside = (changes.iter().map(|r| r.min(0.0) * r.min(0.0)).sum::<f64>() / count).sqrt();
    let (mut wealth, mut peak, mut fall) = (1.0_f64, 1.0_f64, 0.0_f64);
    for change in changes {
        wealth *= 1.0 + change;
        peak = peak.max(wealth);
        fall = fall.max(1.0 - wealth / peak);
    }
    let annual_return = wealth.powf(days_per_year / count) - 1.0;
    let mut sorted = changes.to_vec();
    sorted.sort_by(f64::total_cmp);
    let tail = &sorted[..=(0.05 * (count - 1.0)) as usize];
    let year = days_per_year.sqrt();
    let ratio = |above: f64, below: f64| (below > 0.0).then(|| above / below);
    ReturnFigures {
        annual_return,
        annual_volatility: deviation * year,
        sharpe: ratio(mean * year, deviation),
        sortino: ratio(mean * year, downside),
        calmar: ratio(annual_return, fall),
        var_95: quantile(&sorted, 0.05),
        cvar_95: tail.iter().sum::<f64>() / tail.len() as f64,
        best_day: sorted[sorted.len() - 1],
        worst_day: sorted[0],
    }
}

/// Linear between neighbours, as numpy's default.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let (below, above) = (place.floor() as usize, place.ceil() as usize);
    sorted[below] + (sorted[above] - sorted[below]) * (place - place.floor())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(text: &str) -> Money {
        text.parse().unwrap()
    }

    fn day(number: i64) -> Timestamp {
        // Day 0 is Thursday 1 May 2014.
        Timestamp((16_191 + number) * DAY + 7)
    }

    #[test]
    fn sunday_evening_belongs_to_monday_and_nine_days_say_nothing_of_a_year() {
        let mut days = Days::default();
        for (number, equity) in [(0, "110"), (0, "101"), (1, "99"), (3, "98"), (4, "102.01")] {
            days.close(day(number), money(equity));
        }
        let returns = days.finish(money("100"));
        let names: Vec<_> = returns.days.iter().map(|day| day.day.as_str()).collect();
        assert_eq!(names, ["2014-05-01", "2014-05-02", "2014-05-05"]);
        assert_eq!(returns.days_per_year, 252);
        assert_eq!(returns.figures, None);
        assert_eq!(returns.months.len(), 1);
        assert!((returns.months[0].change - 0.0201).abs() < 1e-12);
    }

    #[test]
    fn figures_agree_with_those_worked_out_elsewhere() {
        let changes: Vec<f64> = (0..24).map(|i| f64::from((i * 7) % 11 - 5) / 500.0).collect();
        let figures = figures(&changes, 252.0);
        let expected = [
            -0.06595668648251052,
            0.10438515636605243,
            -0.603534086580997,
            -0.8366600265340757,
            -4.638184202195154,
            -0.01,
            -0.01,
        ];
        let actual = [
            figures.annual_return,
            figures.annual_volatility,
            figures.sharpe.unwrap(),
            figures.sortino.unwrap(),
            figures.calmar.unwrap(),
            figures.var_95,
            figures.cvar_95,
        ];
        for (actual, expected) in actual.into_iter().zip(expected) {
            assert!((actual - expected).abs() < 1e-9, "{actual} {expected}");
        }
    }

    #[test]
    fn equal_days_have_no_sharpe() {
        let figures = figures(&[0.0; 30], 252.0);
        assert_eq!((figures.sharpe, figures.sortino, figures.calmar), (None, None, None));
    }
}
