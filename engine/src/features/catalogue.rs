//! The list of all columns: what there is, what a run selects of it.

use super::bank::Wanted;
use super::candle::Timeframe;
use super::column::{BarFamily, Column, TickColumn};
use super::{
    calendar, candles, cross_asset, cycles, indicators, kalman, macro_news, microstructure, momentum,
    order_book, order_flow, overlap, regime, statistics, trend, volatility, volume, volume_profile, wavelet,
};

/// The families over closed bars.
pub const BAR_FAMILIES: [&BarFamily; 11] = [
    &momentum::FAMILY,
    &overlap::FAMILY,
    &trend::FAMILY,
    &volatility::FAMILY,
    &volume::FAMILY,
    &statistics::FAMILY,
    &candles::FAMILY,
    &cycles::FAMILY,
    &wavelet::FAMILY,
    &kalman::FAMILY,
    &regime::FAMILY,
];

/// A family over ticks or time.
#[derive(Clone, Copy, Debug)]
pub struct TickFamily {
    /// Its name.
    pub name: &'static str,
    /// Its columns.
    pub columns: &'static [TickColumn],
}

/// The families over ticks, time, other instruments and what the world says.
pub const TICK_FAMILIES: [TickFamily; 7] = [
    TickFamily { name: "microstructure", columns: microstructure::COLUMNS },
    TickFamily { name: "order_flow", columns: order_flow::COLUMNS },
    TickFamily { name: "volume_profile", columns: volume_profile::COLUMNS },
    TickFamily { name: "calendar", columns: calendar::COLUMNS },
    TickFamily { name: "cross_asset", columns: cross_asset::COLUMNS },
    TickFamily { name: "macro_news", columns: macro_news::COLUMNS },
    TickFamily { name: "order_book", columns: order_book::COLUMNS },
];

/// How many timeframes the bar families use.
pub const TIMEFRAMES: usize = 4;

/// Where a column's value comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Place {
    /// A bank's: which timeframe, which column.
    Bar(usize, Wanted),
    /// A tick family's: which family, which column.
    Tick(usize, usize),
}

/// Every column on these timeframes, with where it comes from, in an order that does not change: by family, timeframe,
/// place in the family.
pub fn entries(timeframes: &[Timeframe; TIMEFRAMES]) -> Vec<(Column, Place)> {
    let mut entries = Vec::new();
    for family in BAR_FAMILIES {
        for (index, timeframe) in timeframes.iter().take(family.timeframes).enumerate() {
            for column in family.columns {
                let made = indicators::make(column.indicator, column.parameters);
                let warm_up = made.map_or(0, |made| made.indicator.warm_up());
                let volume = family.name == "volume" || indicators::reads_volume(column.indicator);
                let wanted = Wanted {
                    place: entries.len(),
                    indicator: column.indicator,
                    parameters: column.parameters,
                    output: column.output,
                    scale: column.scale,
                };
                let described = column.on(family.name, *timeframe, warm_up, volume);
                entries.push((described, Place::Bar(index, wanted)));
            }
        }
    }
    for (number, family) in TICK_FAMILIES.iter().enumerate() {
        for (index, column) in family.columns.iter().enumerate() {
            let described = Column {
                id: column.id.to_string(),
                family: family.name,
                parameters: String::new(),
                timeframe: None,
                warm_up: column.warm_up.to_string(),
                unit: column.unit,
                scale: "as is",
                source: column.source,
                about: column.about,
            };
            entries.push((described, Place::Tick(number, index)));
        }
    }
    entries
}

/// A selection that names something that there is not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no column or family of features is called `{0}`")]
pub struct UnknownColumn(pub String);

/// The columns that the words of a selection name, in the catalogue's order: `all`, a family's name, a column's name,
/// or a column's name without its timeframe, which means all of its timeframes.
pub fn select(
    timeframes: &[Timeframe; TIMEFRAMES],
    words: &[String],
) -> Result<Vec<(Column, Place)>, UnknownColumn> {
    let entries = entries(timeframes);
    let mut wanted = vec![false; entries.len()];
    for word in words {
        let mut found = false;
        for (wanted, (column, _)) in wanted.iter_mut().zip(&entries) {
            let stem = column.id.split('@').next().unwrap_or_default();
            if word == "all" || word == column.family || *word == column.id || word == stem {
                *wanted = true;
                found = true;
            }
        }
        if !found {
            return Err(UnknownColumn(word.clone()));
        }
    }
    let selected = entries.into_iter().zip(wanted).filter(|(_, wanted)| *wanted).map(|(entry, _)| entry);
    Ok(selected.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Nanoseconds;

    fn timeframes() -> [Timeframe; TIMEFRAMES] {
        [1, 5, 15, 60].map(|minutes| Timeframe::Time(Nanoseconds(minutes * 60_000_000_000)))
    }

    #[test]
    fn there_are_more_than_560_columns_and_no_name_comes_twice() {
        let entries = entries(&timeframes());
        assert!(entries.len() >= 560, "{}", entries.len());
        let mut names: Vec<&str> = entries.iter().map(|(column, _)| column.id.as_str()).collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn every_bar_column_has_an_indicator_with_that_output() {
        for family in BAR_FAMILIES {
            for column in family.columns {
                let made = indicators::make(column.indicator, column.parameters);
                let made = made.unwrap_or_else(|| panic!("{}: no {}", column.id, column.indicator));
                assert!(column.output < made.outputs, "{}", column.id);
            }
        }
    }

    #[test]
    fn no_two_columns_of_a_timeframe_are_the_same() {
        let mut seen: Vec<Wanted> = Vec::new();
        for (column, place) in entries(&timeframes()) {
            if let Place::Bar(0, wanted) = place {
                let twin =
                    seen.iter().find(|seen| Wanted { place: 0, ..**seen } == Wanted { place: 0, ..wanted });
                assert_eq!(twin, None, "{}", column.id);
                seen.push(wanted);
            }
        }
    }

    #[test]
    fn words_select_columns_families_and_all() {
        let select = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|word| word.to_string()).collect();
            select(&timeframes(), &words)
                .map(|found| found.into_iter().map(|(column, _)| column.id).collect::<Vec<_>>())
        };
        assert_eq!(select(&["rsi_14@5m", "rsi_7@1m"]).unwrap(), ["rsi_7@1m", "rsi_14@5m"]);
        assert_eq!(select(&["rsi_14"]).unwrap(), ["rsi_14@1m", "rsi_14@5m", "rsi_14@15m", "rsi_14@1h"]);
        assert_eq!(select(&["calendar"]).unwrap().len(), calendar::COLUMNS.len());
        assert_eq!(select(&["all"]).unwrap().len(), entries(&timeframes()).len());
        assert_eq!(select(&["rsi_15"]), Err(UnknownColumn("rsi_15".to_string())));
    }
}
