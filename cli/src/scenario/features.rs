//! `[features]`: which columns of the catalogue a decision sees.

use genovo_engine::features::candle::Timeframe;
use genovo_engine::features::catalogue::{self, TIMEFRAMES};
use genovo_engine::features::normalise::Normalise;
use genovo_engine::ids::InstrumentId;
use genovo_engine::settings::{BarPrice, BarSettings, DataKind, FeatureSettings, Instrument};
use genovo_engine::units::Nanoseconds;

use super::data::Data;
use super::readable::{self, Wrong, did_you_mean, show_length};
use super::section::{Reading, Section};

/// A minute: the shortest bar where the scenario names none.
const MINUTE: Nanoseconds = Nanoseconds(60_000_000_000);
/// How much longer than the shortest bars the others are.
const TIMES: [i64; TIMEFRAMES] = [1, 5, 15, 60];

/// The outer `None` is an error, the inner one a scenario without features.
pub(super) fn read<'a>(
    reading: &'a Reading<'a>,
    instruments: Option<&[Instrument]>,
    data: Option<&Data>,
    bars: Option<&Option<BarSettings>>,
) -> Option<Option<FeatureSettings>> {
    let Some(section) = reading.sections("features", false).pop() else {
        return Some(None);
    };
    let columns = section.text("columns").and_then(|text| columns(reading, &section, &text));
    let timeframes = timeframes(&section, data, bars);
    let price = price(&section, data, bars);
    let scale = match section.word("scale").as_deref() {
        Some("robust") => Some(Normalise::Robust),
        Some("normal") => Some(Normalise::Normal),
        Some(_) => Some(Normalise::None),
        None => None,
    };
    let benchmark = match section.says("benchmark") {
        true => {
            section.text("benchmark").and_then(|symbol| benchmark(&section, &symbol, instruments)).map(Some)
        }
        false => Some(None),
    };
    let (columns, timeframes) = (columns?, timeframes?);
    if let Err(unknown) = catalogue::select(&timeframes, &columns) {
        let entries = catalogue::entries(&timeframes);
        let names = entries.iter().flat_map(|(column, _)| [column.id.as_str(), column.family]);
        let label = match did_you_mean(&unknown.0, names) {
            Some(guess) => format!("did you mean `{guess}`?"),
            None => "genovo features list names them".to_string(),
        };
        section.fail("columns", unknown.to_string(), label);
        return None;
    }
    Some(Some(FeatureSettings { columns, timeframes, price: price?, scale: scale?, benchmark: benchmark? }))
}

/// The names in a list; those of a file stand in its place.
fn columns(reading: &Reading<'_>, section: &Section<'_>, text: &str) -> Option<Vec<String>> {
    let mut columns = Vec::new();
    for word in words(text) {
        if !word.ends_with(".txt") {
            columns.push(word);
            continue;
        }
        let path = reading.document.folder(section.spot("columns")).join(&word);
        match std::fs::read_to_string(&path) {
            Ok(text) => columns.extend(names_in(&text)),
            Err(error) => {
                let message = format!("cannot read the names in {}", path.display());
                section.fail("columns", message, error.to_string());
                return None;
            }
        }
    }
    Some(columns)
}

/// The names in the text of a selection: one a line, lines with # left out.
pub(crate) fn names_in(text: &str) -> Vec<String> {
    let lines = text.lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_string).collect()
}

/// What stands between commas.
fn words(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_string).collect()
}

fn timeframes(
    section: &Section<'_>,
    data: Option<&Data>,
    bars: Option<&Option<BarSettings>>,
) -> Option<[Timeframe; TIMEFRAMES]> {
    let written = match section.says("timeframes") {
        true => section.text("timeframes")?,
        false => {
            let of_data =
                data.and_then(|data| data.sources.iter().filter_map(|source| source.bar_interval).max());
            let of_bars = bars.and_then(|bars| bars.map(|bars| bars.interval));
            let shortest = of_bars.or(of_data).unwrap_or(MINUTE);
            let lengths = TIMES.map(|times| show_length(Nanoseconds(shortest.0.saturating_mul(times))));
            section.otherwise("timeframes", lengths.join(", "))
        }
    };
    let mut found = Vec::new();
    for word in words(&written) {
        match timeframe(&word) {
            Ok(timeframe) if !timeframe.is_positive() => {
                section.fail("timeframes", format!("a bar cannot be `{word}` long"), "must be above zero");
                return None;
            }
            Ok(timeframe) => found.push(timeframe),
            Err(wrong) => {
                section.fail("timeframes", format!("`{word}` is no length of a bar"), wrong);
                return None;
            }
        }
    }
    let count = found.len();
    let Ok(timeframes) = <[Timeframe; TIMEFRAMES]>::try_from(found) else {
        let message = format!("{count} timeframes, not {TIMEFRAMES}");
        section.fail("timeframes", message, "write such as `1 min, 5 min, 15 min, 1 h`");
        return None;
    };
    if (1..TIMEFRAMES).any(|index| timeframes[..index].contains(&timeframes[index])) {
        section.fail("timeframes", "a timeframe comes twice", "its columns would have the same names");
        return None;
    }
    Some(timeframes)
}

/// `5 min`, `500 ticks`, `1000 volume`, `1000000 money`.
fn timeframe(text: &str) -> Result<Timeframe, Wrong> {
    let Some((number, unit)) = text.rsplit_once(' ') else {
        return readable::length(text).map(Timeframe::Time);
    };
    match unit {
        "ticks" => {
            let count = readable::whole(number)?;
            u32::try_from(count).map(Timeframe::Ticks).map_err(|_| "is too many".to_string())
        }
        "volume" => readable::quantity(number).map(Timeframe::Volume),
        "money" => readable::money(number).map(|(value, _)| Timeframe::Value(value)),
        _ => readable::length(text).map(Timeframe::Time),
    }
}

fn price(section: &Section<'_>, data: Option<&Data>, bars: Option<&Option<BarSettings>>) -> Option<BarPrice> {
    let trades = data.is_some_and(|data| data.has(DataKind::Trades));
    let quotes = data.is_some_and(|data| data.has(DataKind::Quotes));
    if !section.says("price") {
        let (word, price) = match bars.and_then(|bars| bars.map(|bars| bars.price)) {
            Some(BarPrice::Trade) => ("trade", BarPrice::Trade),
            Some(BarPrice::Bid) => ("bid", BarPrice::Bid),
            Some(BarPrice::Ask) => ("ask", BarPrice::Ask),
            Some(BarPrice::Mid) => ("mid", BarPrice::Mid),
            None if trades && !quotes => ("trade", BarPrice::Trade),
            None => ("mid", BarPrice::Mid),
        };
        section.otherwise("price", word.to_string());
        return Some(price);
    }
    Some(match section.word("price")?.as_str() {
        "bid" => BarPrice::Bid,
        "ask" => BarPrice::Ask,
        "trade" => BarPrice::Trade,
        _ => BarPrice::Mid,
    })
}

fn benchmark(
    section: &Section<'_>,
    symbol: &str,
    instruments: Option<&[Instrument]>,
) -> Option<InstrumentId> {
    let instruments = instruments?;
    if let Some(index) = instruments.iter().position(|instrument| instrument.symbol == symbol) {
        return Some(InstrumentId(index as u32 + 1));
    }
    let names = instruments.iter().map(|instrument| instrument.symbol.as_str());
    let label = match did_you_mean(symbol, names) {
        Some(guess) => format!("did you mean `{guess}`?"),
        None => "write the symbol of one of the [[instruments]]".to_string(),
    };
    section.fail("benchmark", format!("no instrument is called `{symbol}`"), label);
    None
}
