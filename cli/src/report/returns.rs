//! Daily returns: closes, months, and the figures that need many days.

use genovo_engine::portfolio::metrics;
use genovo_engine::units::{Money, Nanoseconds, Price, Timestamp};
use jiff::tz::TimeZone;

use super::figures::{Correlations, DayClose, MonthReturn, ReturnFigures, Returns, RollingSharpe};
use super::format;

const DAY: i64 = Nanoseconds::DAY.0;

/// How many days a rolling figure looks back: half a year.
const ROLLING_DAYS: usize = 126;
/// The most instruments of which correlations are shown.
const CORRELATED_MAX: usize = 30;

/// Collects the equity, and each instrument's price, at the end of each UTC day with data.
#[derive(Debug, Default)]
pub struct Days {
    closes: Vec<Close>,
    /// What a split has made of the units of each instrument so far.
    units: Vec<f64>,
}

/// A day's end.
#[derive(Clone, Debug)]
struct Close {
    day: i64,
    equity: Money,
    /// Prices as they would be without splits; NaN where there was none yet.
    prices: Vec<f64>,
}

impl Days {
    /// The equity and the prices when the day of this time ended; the later one counts.
    pub fn close(&mut self, time: Timestamp, equity: Money, prices: impl Iterator<Item = Option<Price>>) {
        let unsplit = |(index, price): (usize, Option<Price>)| {
            let units = self.units.get(index).copied().unwrap_or(1.0);
            price.map_or(f64::NAN, |price| price.as_f64() * units)
        };
        let prices = prices.enumerate().map(unsplit).collect();
        let close = Close { day: time.0.div_euclid(DAY), equity, prices };
        match self.closes.last_mut() {
            Some(last) if last.day >= close.day => *last = Close { day: last.day, ..close },
            _ => self.closes.push(close),
        }
    }

    /// From now on there are so many units for each before.
    pub fn split(&mut self, index: usize, new: u32, old: u32) {
        if self.units.len() <= index {
            self.units.resize(index + 1, 1.0);
        }
        self.units[index] *= f64::from(new) / f64::from(old.max(1));
    }

    /// On how many UTC days there was data.
    pub fn count(&self) -> u64 {
        self.closes.len() as u64
    }

    /// Returns from closes, beginning at `start`; `symbols` name the instruments.
    pub fn finish(mut self, start: Money, symbols: &[String]) -> Returns {
        // Day 0 was a Thursday: Saturday is 2 and Sunday 3 of each seven.
        let saturdays = self.closes.iter().any(|close| close.day.rem_euclid(7) == 2);
        let last = self.closes.last().map(|close| close.day);
        if !saturdays {
            self.closes.retain(|close| close.day.rem_euclid(7) != 3 || Some(close.day) == last);
        }
        let days_per_year = if saturdays { 365 } else { 252 };
        let mut before = start;
        let mut days = Vec::with_capacity(self.closes.len());
        let mut months: Vec<MonthReturn> = Vec::new();
        for &Close { day, equity, .. } in &self.closes {
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
        let per_year = f64::from(days_per_year);
        // The first day's change is since the run began, not since a close.
        let figures = enough.then(|| figures(&changes, &changes[1..], &self.moves(0), per_year));
        let rolling = (enough && changes.len() > ROLLING_DAYS).then(|| RollingSharpe {
            days: ROLLING_DAYS as u32,
            values: metrics::rolling_sharpe(&changes, ROLLING_DAYS, per_year),
        });
        let correlations = self.correlations(symbols).filter(|_| enough);
        Returns { days, months, days_per_year, figures, rolling, correlations }
    }

    /// The daily changes of an instrument's price from the second day on; empty where it ever had none.
    fn moves(&self, index: usize) -> Vec<f64> {
        let price = |close: &Close| close.prices.get(index).copied().filter(|price| *price > 0.0);
        let moves = self.closes.windows(2).map(|pair| Some(price(&pair[1])? / price(&pair[0])? - 1.0));
        moves.collect::<Option<Vec<f64>>>().unwrap_or_default()
    }

    /// How the instruments' daily changes move together: those that had a price on every day.
    fn correlations(&self, symbols: &[String]) -> Option<Correlations> {
        let known = symbols.iter().enumerate().map(|(index, symbol)| (symbol, self.moves(index)));
        let known: Vec<(&String, Vec<f64>)> =
            known.filter(|(_, moves)| !moves.is_empty()).take(CORRELATED_MAX).collect();
        let row = |(_, one): &(&String, Vec<f64>)| {
            known.iter().map(|(_, other)| metrics::correlation(one, other)).collect()
        };
        (known.len() > 1).then(|| Correlations {
            instruments: known.iter().map(|(symbol, _)| symbol.to_string()).collect(),
            values: known.iter().map(row).collect(),
        })
    }
}

/// `part / whole`, or 0 where that says nothing.
pub fn share(part: Money, whole: Money) -> f64 {
    if whole.0 > 0 { part.as_f64() / whole.as_f64() } else { 0.0 }
}

/// The definitions of `empyrical`, with a risk-free rate of zero; `own` are the changes of the benchmark's days.
fn figures(changes: &[f64], own: &[f64], benchmark: &[f64], per_year: f64) -> ReturnFigures {
    let sorted = metrics::sorted(changes);
    let beside =
        if own.len() == benchmark.len() { metrics::alpha_beta(own, benchmark, per_year) } else { None };
    ReturnFigures {
        annual_return: metrics::annual_return(changes, per_year),
        annual_volatility: metrics::deviation(changes) * per_year.sqrt(),
        sharpe: metrics::sharpe(changes, per_year),
        sortino: metrics::sortino(changes, per_year),
        calmar: metrics::calmar(changes, per_year),
        omega: metrics::omega(changes),
        tail_ratio: metrics::tail_ratio(changes),
        skew: metrics::skew(changes),
        kurtosis: metrics::kurtosis(changes),
        alpha: beside.map(|(alpha, _)| alpha),
        beta: beside.map(|(_, beta)| beta),
        var_95: metrics::var_historical(&sorted, 0.95),
        var_99: metrics::var_historical(&sorted, 0.99),
        cvar_95: metrics::cvar_historical(&sorted, 0.95),
        cvar_99: metrics::cvar_historical(&sorted, 0.99),
        var_parametric_95: metrics::var_parametric(changes, 0.95),
        var_parametric_99: metrics::var_parametric(changes, 0.99),
        var_cornish_fisher_95: metrics::var_cornish_fisher(changes, 0.95),
        var_cornish_fisher_99: metrics::var_cornish_fisher(changes, 0.99),
        best_day: sorted[sorted.len() - 1],
        worst_day: sorted[0],
    }
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
            days.close(day(number), money(equity), std::iter::empty());
        }
        let returns = days.finish(money("100"), &[]);
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
        let figures = figures(&changes, &changes, &[], 252.0);
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
        let figures = figures(&[0.0; 30], &[0.0; 30], &[], 252.0);
        assert_eq!((figures.sharpe, figures.sortino, figures.calmar), (None, None, None));
    }

    #[test]
    fn instruments_move_together_through_a_split() {
        let mut days = Days::default();
        for number in 0..40 {
            if number == 20 {
                days.split(1, 2, 1);
            }
            let price = 100 + number * 7 % 11;
            let [one, other] = [price, if number < 20 { 10 * price } else { 5 * price }];
            let prices = [one, other].map(|price| Price::from_f64(price as f64));
            // Equity follows the first one, so that its beta is 1.
            days.close(Timestamp(DAY * (16_191 + number)), Money(i128::from(price)), prices.into_iter());
        }
        let names = ["A".to_string(), "B".to_string()];
        let returns = days.finish(Money(100), &names);
        let correlations = returns.correlations.unwrap();
        assert_eq!(correlations.instruments, names);
        assert!((correlations.values[0][1] - 1.0).abs() < 1e-12);
        let figures = returns.figures.unwrap();
        assert!((figures.beta.unwrap() - 1.0).abs() < 1e-9, "{:?}", figures.beta);
        assert!(figures.alpha.unwrap().abs() < 1e-9);
        assert_eq!(returns.rolling, None);
    }
}
