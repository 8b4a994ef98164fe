//! The figures that stand side by side, with intervals where a series of returns gives them.

use genovo_engine::units::Timestamp;
use serde_json::{Value, json};

use super::bootstrap::{self, Interval, Plan};
use super::folded::{Folded, Marks};
use crate::report::{Returns, format};

/// With fewer returns an interval would say more than the data.
pub const RETURNS_MIN: usize = 20;
/// More returns than this are joined, so many neighbours to one, before they are resampled.
const RETURNS_MAX: usize = 10_000;

/// One figure of every run.
pub struct Figure {
    /// What it is.
    pub name: String,
    /// How it is written.
    pub unit: Unit,
    /// Its value in each run; `None` where it cannot be told.
    pub values: Vec<Option<f64>>,
    /// The interval of each value; empty for figures that are counted, not estimated.
    pub intervals: Vec<Option<Interval>>,
    /// The interval of each run's difference to the first; likewise.
    pub of_differences: Vec<Option<Interval>>,
}

/// How a figure is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// An amount with so many digits.
    Money(u8),
    /// A share, in percent with so many decimals.
    Share(usize),
    /// A count.
    Count,
    /// A plain number with so many decimals.
    Number(usize),
}

impl Unit {
    /// A value for a reader.
    pub fn show(self, value: f64) -> String {
        match self {
            Unit::Money(digits) => format::decimal(value, usize::from(digits)),
            Unit::Share(decimals) => format::percent(value, decimals),
            Unit::Count => format::decimal(value, 0),
            Unit::Number(decimals) => format::decimal(value, decimals),
        }
    }

    /// A difference for a reader, with its sign; of shares in points.
    pub fn show_difference(self, difference: f64) -> String {
        let text = match self {
            Unit::Share(decimals) => format!("{} points", format::decimal(difference * 100.0, decimals)),
            unit => unit.show(difference),
        };
        let some = text.bytes().any(|byte| matches!(byte, b'1'..=b'9'));
        if difference > 0.0 && some { format!("+{text}") } else { text }
    }
}

impl Figure {
    fn counted(name: &str, unit: Unit, values: Vec<Option<f64>>) -> Figure {
        Figure { name: name.to_string(), unit, values, intervals: Vec::new(), of_differences: Vec::new() }
    }

    /// A run's difference to the first.
    pub fn difference(&self, run: usize) -> Option<f64> {
        Some((*self.values.get(run)?)? - (*self.values.first()?)?)
    }

    /// For a program.
    pub fn to_json(&self) -> Value {
        let unit = match self.unit {
            Unit::Money(_) => "account currency",
            Unit::Share(_) => "share",
            Unit::Count => "count",
            Unit::Number(_) => "number",
        };
        let differences = (0..self.values.len()).map(|run| self.difference(run));
        json!({
            "name": self.name,
            "unit": unit,
            "values": self.values,
            "intervals": self.intervals,
            "differences": differences.collect::<Vec<_>>(),
            "intervals_of_differences": self.of_differences,
        })
    }
}

/// How the intervals were made, and of what.
#[derive(Clone, Debug, PartialEq)]
pub struct Method {
    /// `bar` or `decision`.
    pub of: &'static str,
    /// How many returns were resampled.
    pub returns: usize,
    /// How many neighbours were joined to one of them.
    pub joined: usize,
    /// Whether all runs have the same times, so that differences are resampled in pairs.
    pub paired: bool,
    /// Resamples and blocks.
    pub plan: Plan,
}

impl Method {
    /// For a reader.
    pub fn text(&self) -> String {
        let joined = match self.joined {
            1 => String::new(),
            joined => format!(", {joined} joined to one"),
        };
        let paired = if self.paired { "in pairs" } else { "apart, as the runs have other times" };
        format!(
            "95 % of {} resamples of {} returns, one a {}{joined}: stationary bootstrap, blocks of {} on average, \
             differences {paired}, seed {}",
            format::count(self.plan.resamples as u64),
            format::count(self.returns as u64),
            self.of,
            format::decimal(self.plan.block, 1),
            self.plan.seed
        )
    }

    /// For a program.
    pub fn to_json(&self) -> Value {
        json!({
            "method": "stationary bootstrap",
            "returns_of": self.of,
            "returns": self.returns,
            "joined": self.joined,
            "paired": self.paired,
            "resamples": self.plan.resamples,
            "mean_block": self.plan.block,
            "seed": self.plan.seed,
            "level": 0.95,
        })
    }
}

/// Figures that are counted: no resampling could tell more about them.
pub fn counted(runs: &[&Folded]) -> Vec<Figure> {
    let digits = runs.first().map_or(2, |run| run.report.digits());
    let each = |name: &str, unit: Unit, of: &dyn Fn(&Folded) -> Option<f64>| {
        Figure::counted(name, unit, runs.iter().map(|run| of(run)).collect())
    };
    let money = Unit::Money(digits);
    vec![
        each("final equity", money, &|run| Some(run.report.equity.last.as_f64())),
        each("result", money, &|run| Some(run.report.result.total.as_f64())),
        each("before costs", money, &|run| Some(run.report.result.before_costs.as_f64())),
        each("spread", money, &|run| Some(-run.report.result.spread.as_f64())),
        each("slippage", money, &|run| Some(-run.report.result.slippage.as_f64())),
        each("commission", money, &|run| Some(-run.report.result.commission.as_f64())),
        each("drawdown", Unit::Share(1), &|run| Some(run.report.drawdown.share)),
        each("trades closed", Unit::Count, &|run| Some(run.report.trades.closed as f64)),
        each("won", Unit::Share(0), &|run| {
            let trades = &run.report.trades;
            (trades.closed > 0).then(|| trades.won as f64 / trades.closed as f64)
        }),
        each("profit factor", Unit::Number(2), &|run| run.report.trades.profit_factor),
        each("orders", Unit::Count, &|run| Some(run.report.counts.orders as f64)),
        each("orders reduced", Unit::Count, &|run| Some(run.report.risk.reduced as f64)),
        each("orders denied", Unit::Count, &|run| Some(run.report.risk.denied as f64)),
        each("fills", Unit::Count, &|run| Some(run.report.counts.fills as f64)),
        each("turnover", Unit::Number(1), &|run| Some(run.report.activity.turnover_times)),
        each("in the market", Unit::Share(0), &|run| Some(run.report.activity.time_in_market)),
    ]
}

/// Figures of the series of returns, with their intervals; empty when a run has too few returns.
pub fn estimated(runs: &[&Folded], resamples: usize, seed: u64) -> Option<(Vec<Figure>, Method)> {
    let enough = |of: fn(&Folded) -> &Marks| runs.iter().all(|run| of(run).times.len() > RETURNS_MIN);
    let (of, marks): (&'static str, fn(&Folded) -> &Marks) = match () {
        () if enough(|run| &run.bars) => ("bar", |run| &run.bars),
        () if enough(|run| &run.decided) => ("decision", |run| &run.decided),
        () => return None,
    };
    let times: Vec<&[Timestamp]> = runs.iter().map(|run| marks(run).times.as_slice()).collect();
    let longest = times.iter().map(|times| times.len()).max()?;
    let joined = (longest - 1).div_ceil(RETURNS_MAX).max(1);
    let returns: Vec<Vec<f64>> = runs.iter().map(|run| returns(marks(run), joined)).collect::<Option<_>>()?;
    let paired = times.windows(2).all(|pair| pair[0] == pair[1]);
    let block = returns.iter().map(|returns| bootstrap::block_length(returns)).fold(1.0, f64::max);
    let plan = Plan { resamples, block, seed };
    let per_year = per_year(times[0], returns[0].len(), runs[0].report.span.days);
    let estimates = |places: &dyn Fn(usize) -> usize, returns: &[f64]| {
        estimates(returns.len(), |place| returns[places(place)], per_year)
    };
    let values: Vec<[f64; ESTIMATES]> =
        returns.iter().map(|returns| estimates(&|place| place, returns)).collect();
    // One value an estimate, a run, a resample.
    let mut resampled = vec![vec![Vec::with_capacity(resamples); runs.len()]; ESTIMATES];
    let mut taken: Vec<u32> = Vec::new();
    for resample in 0..resamples {
        for (run, returns) in returns.iter().enumerate() {
            if run == 0 || !paired {
                taken.resize(returns.len(), 0);
                let name = if paired { resample } else { resample + run * resamples };
                bootstrap::places(&plan, name, &mut taken);
            }
            let found = estimates(&|place| taken[place] as usize, returns);
            for (estimate, value) in found.into_iter().enumerate() {
                resampled[estimate][run].push(value);
            }
        }
    }
    let sharpe =
        if per_year.is_some() { "Sharpe, of a year".to_string() } else { format!("Sharpe, of a {of}") };
    let names = [
        ("return".to_string(), Unit::Share(1)),
        (format!("mean of a {of}"), Unit::Share(4)),
        (format!("deviation of a {of}"), Unit::Share(3)),
        (sharpe, Unit::Number(if per_year.is_some() { 2 } else { 3 })),
        (format!("drawdown at each {of}"), Unit::Share(1)),
    ];
    let figures =
        names.into_iter().zip(&resampled).enumerate().map(|(estimate, ((name, unit), resampled))| {
            let of_differences = resampled.iter().enumerate().map(|(run, own)| {
                let differences: Vec<f64> =
                    own.iter().zip(&resampled[0]).map(|(own, first)| own - first).collect();
                if run == 0 { None } else { Interval::of(&differences) }
            });
            Figure {
                name,
                unit,
                values: values
                    .iter()
                    .map(|values| Some(values[estimate]).filter(|value| value.is_finite()))
                    .collect(),
                intervals: resampled.iter().map(|values| Interval::of(values)).collect(),
                of_differences: of_differences.collect(),
            }
        });
    let method = Method { of, returns: returns[0].len(), joined, paired, plan };
    Some((figures.collect(), method))
}

/// Return, mean, deviation, Sharpe, drawdown.
const ESTIMATES: usize = 5;

fn estimates(count: usize, at: impl Fn(usize) -> f64, per_year: Option<f64>) -> [f64; ESTIMATES] {
    let n = count as f64;
    let (mut wealth, mut peak, mut fall, mut sum) = (1.0_f64, 1.0_f64, 0.0_f64, 0.0);
    for place in 0..count {
        let change = at(place);
        wealth *= 1.0 + change;
        peak = peak.max(wealth);
        fall = fall.max(1.0 - wealth / peak);
        sum += change;
    }
    let mean = sum / n;
    let squares: f64 = (0..count).map(|place| (at(place) - mean) * (at(place) - mean)).sum();
    let deviation = (squares / (n - 1.0)).sqrt();
    let sharpe = if deviation > 0.0 { mean / deviation * per_year.unwrap_or(1.0).sqrt() } else { f64::NAN };
    [wealth - 1.0, mean, deviation, sharpe, fall]
}

/// The change from mark to mark, `joined` of them as one; `None` when equity is lost: then there are no shares of it.
fn returns(marks: &Marks, joined: usize) -> Option<Vec<f64>> {
    let kept: Vec<f64> = marks.equity.iter().step_by(joined).copied().collect();
    let good = kept.iter().all(|equity| *equity > 0.0);
    good.then(|| kept.windows(2).map(|pair| pair[1] / pair[0] - 1.0).collect())
}

/// How many returns a year has at this pace, where there are days enough to speak of a year.
fn per_year(times: &[Timestamp], returns: usize, days: u64) -> Option<f64> {
    let span = times.last()?.0.checked_sub(times.first()?.0)?;
    let years = span as f64 / (365.25 * 86_400e9);
    (days >= Returns::DAYS_MIN as u64 && years > 0.0).then(|| returns as f64 / years)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn estimates_are_those_of_the_whole_series() {
        let returns = [0.1, -0.2, 0.05, 0.02];
        let [wealth, mean, deviation, sharpe, fall] = estimates(4, |place| returns[place], Some(4.0));
        assert!((wealth - (1.1 * 0.8 * 1.05 * 1.02 - 1.0)).abs() < 1e-12);
        assert!((mean + 0.0075).abs() < 1e-12 && (fall - 0.2).abs() < 1e-12);
        assert!((deviation - 0.132_507_861_402).abs() < 1e-9, "{deviation}");
        assert!((sharpe - mean / deviation * 2.0).abs() < 1e-12);
        assert!(estimates(3, |_| 0.0, None)[3].is_nan());
    }

    #[test]
    fn differences_carry_their_sign_and_shares_are_points() {
        assert_eq!(Unit::Money(2).show_difference(1054.0), "+1,054.00");
        assert_eq!(Unit::Share(1).show_difference(-0.008), "−0.8 points");
        assert_eq!(Unit::Count.show_difference(14.0), "+14");
        assert_eq!(Unit::Count.show_difference(0.0), "0");
        assert_eq!(Unit::Share(1).show_difference(0.0001), "0.0 points");
    }

    #[test]
    fn joined_returns_are_those_of_the_ends() {
        let marks = Marks { times: Vec::new(), equity: vec![100.0, 110.0, 121.0, 100.0, 50.0] };
        assert_eq!(returns(&marks, 2).unwrap().len(), 2);
        assert!((returns(&marks, 2).unwrap()[0] - 0.21).abs() < 1e-12);
        assert_eq!(returns(&Marks { times: Vec::new(), equity: vec![1.0, 0.0] }, 1), None);
    }
}
