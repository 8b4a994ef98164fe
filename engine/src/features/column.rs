//! What a column is: the entries of the catalogue, and the rules by which raw values become free of the price's scale.

use super::candle::Timeframe;
use super::halves::{Count, Halves, Squares};
use super::kit::ratio;

/// How the raw value of an indicator becomes a column. `ATR` is the average true range of 14 bars of the same
/// timeframe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// As it is: the indicator has no price in its unit.
    Plain,
    /// Divided by the ATR.
    PerAtr,
    /// The close less the value, divided by the ATR.
    GapPerAtr,
    /// The value less the one a bar before, divided by the ATR.
    SlopePerAtr,
    /// Divided by the close.
    PerClose,
    /// The value less the one a bar before, in standard deviations of the last 50 such steps.
    StepZ,
    /// In standard deviations of the last 50 values from their mean.
    Z,
}

impl Scale {
    /// As lists show it.
    pub const fn name(self) -> &'static str {
        match self {
            Scale::Plain => "as is",
            Scale::PerAtr => "/ ATR",
            Scale::GapPerAtr => "(close − x) / ATR",
            Scale::SlopePerAtr => "Δ / ATR",
            Scale::PerClose => "/ close",
            Scale::StepZ => "z of Δ, 50 bars",
            Scale::Z => "z, 50 bars",
        }
    }

    /// Bars that the rule itself waits for beyond the indicator's own.
    pub(super) const fn extra(self) -> u32 {
        match self {
            Scale::Plain | Scale::PerAtr | Scale::GapPerAtr | Scale::PerClose => 0,
            Scale::SlopePerAtr => 1,
            Scale::StepZ => 50,
            Scale::Z => 49,
        }
    }

    /// Whether the ATR is needed.
    pub(super) const fn uses_range(self) -> bool {
        matches!(self, Scale::PerAtr | Scale::GapPerAtr | Scale::SlopePerAtr)
    }

    /// The history that the rule keeps of its own.
    pub(super) fn history(self) -> Option<Halves<Squares>> {
        matches!(self, Scale::StepZ | Scale::Z).then(|| Halves::new(50))
    }

    /// Applies the rule.
    pub(super) fn apply(
        self,
        value: Option<f64>,
        before: Option<f64>,
        close: f64,
        range: Option<f64>,
        history: Option<&mut Halves<Squares>>,
    ) -> Option<f64> {
        match self {
            Scale::Plain => value,
            Scale::PerAtr => ratio(value?, range?),
            Scale::GapPerAtr => ratio(close - value?, range?),
            Scale::SlopePerAtr => ratio(value? - before?, range?),
            Scale::PerClose => ratio(value?, close),
            Scale::StepZ => history?.push(value? - before?)?.z(&Count::new(50)),
            Scale::Z => history?.push(value?)?.z(&Count::new(50)),
        }
    }
}

/// A column over closed bars, as a family lists it.
#[derive(Clone, Copy, Debug)]
pub struct BarColumn {
    /// Its name, without the timeframe.
    pub id: &'static str,
    /// Which indicator, by the name in [`super::indicators`].
    pub indicator: &'static str,
    /// The indicator's parameters.
    pub parameters: &'static [f64],
    /// Which of its outputs.
    pub output: usize,
    /// How it becomes free of scale.
    pub scale: Scale,
    /// The unit or range of the column.
    pub unit: &'static str,
    /// One line.
    pub about: &'static str,
}

/// A family of columns over closed bars.
#[derive(Clone, Copy, Debug)]
pub struct BarFamily {
    /// Its name.
    pub name: &'static str,
    /// On how many of the timeframes it is computed, shortest first.
    pub timeframes: usize,
    /// Its columns.
    pub columns: &'static [BarColumn],
}

/// A column over ticks or time, as a family lists it.
#[derive(Clone, Copy, Debug)]
pub struct TickColumn {
    /// Its name.
    pub id: &'static str,
    /// What the data must have.
    pub source: &'static str,
    /// When it has its first value.
    pub warm_up: &'static str,
    /// The unit or range of the column.
    pub unit: &'static str,
    /// One line.
    pub about: &'static str,
}

/// A column of the catalogue, described.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Column {
    /// Its name, the same in every run that has it: `rsi_14@5m`.
    pub id: String,
    /// Its family.
    pub family: &'static str,
    /// The indicator and its parameters.
    pub parameters: String,
    /// The bars that it is over, where it is over bars.
    pub timeframe: Option<String>,
    /// What comes before its first value.
    pub warm_up: String,
    /// Its unit or range.
    pub unit: &'static str,
    /// How it becomes free of the price's scale.
    pub scale: &'static str,
    /// What the data must have.
    pub source: &'static str,
    /// One line.
    pub about: &'static str,
}

impl BarColumn {
    /// The column on a timeframe. `warm_up` and `volume` are the indicator's.
    pub(super) fn on(
        &self,
        family: &'static str,
        timeframe: Timeframe,
        warm_up: u32,
        volume: bool,
    ) -> Column {
        let parameters: Vec<String> = self.parameters.iter().map(f64::to_string).collect();
        let mut bars = warm_up;
        // The ATR has its first value at bar 14.
        if self.scale.uses_range() && bars < 14 {
            bars = 14;
        }
        Column {
            id: format!("{}@{}", self.id, timeframe.label()),
            family,
            parameters: format!("{}({})", self.indicator, parameters.join(", ")),
            timeframe: Some(timeframe.label()),
            warm_up: format!("{} bars", bars + self.scale.extra() + 1),
            unit: self.unit,
            scale: self.scale.name(),
            source: if volume { "bars with volume" } else { "bars" },
            about: self.about,
        }
    }
}

/// A table of columns over bars: name, indicator [parameters] output, scale, unit, one line.
macro_rules! bar_columns {
    ($(
        $id:literal $indicator:literal [$($parameter:expr),*] $output:literal $scale:ident $unit:literal $about:literal;
    )*) => {
        &[$($crate::features::column::BarColumn {
            id: $id,
            indicator: $indicator,
            parameters: &[$($parameter as f64),*],
            output: $output,
            scale: $crate::features::column::Scale::$scale,
            unit: $unit,
            about: $about,
        }),*]
    };
}
pub(super) use bar_columns;
