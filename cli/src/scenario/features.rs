//! `[features]`: which columns of the catalogue a decision sees.

use genovo_adapters::data::{names_in, read_selections};
use genovo_engine::features::FeatureError;
use genovo_engine::features::candle::Timeframe;
use genovo_engine::features::catalogue::{self, TIMEFRAMES};
use genovo_engine::features::column::Column;
use genovo_engine::features::layout;
use genovo_engine::features::normalise::Normalise;
use genovo_engine::features::reselect::{LEAST, Listed};
use genovo_engine::features::slots::Slots;
use genovo_engine::ids::{Hash, InstrumentId};
use genovo_engine::settings::{
    BarPrice, BarSettings, DataKind, FeatureSettings, Instrument, OwnColumn, ScheduleSettings,
    SelectionSettings,
};
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
) -> Option<Option<(FeatureSettings, Vec<Listed>)>> {
    let sections = reading.sections("feature", false);
    let Some(section) = reading.sections("features", false).pop() else {
        if let Some(own) = sections.first() {
            let label = "add `[features]`, with `columns = \"none\"` where there are to be no others";
            own.fail("id", "a column of one's own needs the section [features]", label);
            return None;
        }
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
    let selection = selection(reading, &section, instruments);
    let (columns, timeframes) = (columns?, timeframes?);
    let own: Option<Vec<OwnColumn>> = sections.iter().map(|section| own(section, &timeframes)).collect();
    let own = own?;
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
    let (selection, listed) = selection?.unzip();
    let listed = listed.unwrap_or_default();
    let features = FeatureSettings {
        columns,
        timeframes,
        price: price?,
        scale: scale?,
        benchmark: benchmark?,
        selection,
        own,
        altered: Vec::new(),
    };
    let computed = computed(reading, &sections, &features)?;
    check_listed(&section, &computed, &listed)?;
    Some(Some((features, listed)))
}

/// A `[[feature]]`.
fn own(section: &Section<'_>, timeframes: &[Timeframe; TIMEFRAMES]) -> Option<OwnColumn> {
    let (id, expr) = (section.text("id"), section.text("expr"));
    let timeframe = match section.says("on") {
        false => 0,
        true => {
            let word = section.text("on")?;
            let found = timeframe(&word).ok();
            let found = found.and_then(|found| timeframes.iter().position(|known| *known == found));
            let Some(found) = found else {
                let known: Vec<String> = timeframes.iter().map(Timeframe::label).collect();
                let label = format!("the features have bars of {}", known.join(", "));
                section.fail("on", format!("`{word}` is none of the timeframes"), label);
                return None;
            };
            found
        }
    };
    let id = id?;
    let is_name = id.starts_with(|first: char| first.is_ascii_alphabetic())
        && id.chars().all(|part| part.is_ascii_alphanumeric() || matches!(part, '_' | '@' | '.'));
    if !is_name {
        section.fail(
            "id",
            format!("`{id}` is no name of a column"),
            "letters, digits and `_`, a letter first",
        );
        return None;
    }
    Some(OwnColumn { id, expr: expr?, timeframe: timeframe as u8 })
}

/// The columns of the run, or what is wrong with those of one's own, shown in the expression.
fn computed(
    reading: &Reading<'_>,
    sections: &[Section<'_>],
    features: &FeatureSettings,
) -> Option<Vec<Column>> {
    let error = match layout::columns(features) {
        Ok(columns) => return Some(columns),
        Err(error) => error,
    };
    let section_of = |id: &str| {
        let place = features.own.iter().rposition(|own| own.id == id);
        place.and_then(|place| sections.get(place).zip(features.own.get(place)))
    };
    match &error {
        FeatureError::Expression { id, error } => {
            if let Some((section, own)) = section_of(id) {
                let spot = reading.document.within(section.spot("expr"), &own.expr, error.at.clone());
                let message = format!("the expression of `{id}`: {error}");
                reading.fail(message, spot, &error.help, "functions and examples: docs/features.md");
            }
        }
        FeatureError::Taken(id) | FeatureError::Timeframe(id) => {
            if let Some((section, _)) = section_of(id) {
                section.fail("id", error.to_string(), "give it another name");
            }
        }
        _ => {}
    }
    None
}

/// Refuses a selection of columns that the run does not compute.
fn check_listed(section: &Section<'_>, computed: &[Column], listed: &[Listed]) -> Option<()> {
    let names: Vec<&str> = computed.iter().map(|column| column.id.as_str()).collect();
    for name in listed.iter().flat_map(|listed| &listed.columns) {
        if !names.contains(&name.as_str()) {
            let label = match did_you_mean(name, names.iter().copied()) {
                Some(guess) => format!("did you mean `{guess}`?"),
                None => "it must be one of `columns`".to_string(),
            };
            section.fail("selection", format!("the run computes no column `{name}`"), label);
            return None;
        }
    }
    Some(())
}

/// The outer `None` is an error, the inner one features of which all are given.
fn selection(
    reading: &Reading<'_>,
    section: &Section<'_>,
    instruments: Option<&[Instrument]>,
) -> Option<Option<(SelectionSettings, Vec<Listed>)>> {
    let slots = if section.says("slots") { Some(section.small("slots")?) } else { None };
    if let Some(slots) = slots.filter(|slots| *slots > Slots::MAX) {
        section.fail("slots", format!("{slots} slots are too many"), format!("at most {}", Slots::MAX));
        return None;
    }
    let listed = match section.says("selection") {
        true => Some(listed(reading, section)?),
        false => None,
    };
    let (window, horizon) = (section.small("reselect_window"), section.small("reselect_horizon"));
    let after = section.length("reselect_after");
    let every = match section.says("reselect") {
        true => Some(section.text("reselect").and_then(|text| bars_of(section, &text))?),
        false => None,
    };
    let by = match section.says("reselect_by") {
        true => section.text("reselect_by").and_then(|symbol| {
            let found = instruments?.iter().position(|instrument| instrument.symbol == symbol);
            if found.is_none() {
                let message = format!("no instrument is called `{symbol}`");
                section.fail("reselect_by", message, "write the symbol of one of the [[instruments]]");
            }
            found
        })?,
        false => 0,
    };
    let (window, horizon, after) = (window?, horizon?, after?);
    let schedule = every.map(|every| ScheduleSettings {
        every,
        window,
        horizon,
        by: InstrumentId(by as u32 + 1),
        after,
    });
    if schedule.is_some() && u64::from(window) < u64::from(horizon) + LEAST as u64 {
        let message = format!("a window of {window} bars is too short for a horizon of {horizon}");
        section.fail("reselect_window", message, format!("at least the horizon and {LEAST} bars more"));
        return None;
    }
    match (slots, listed, schedule) {
        (None, None, None) => Some(None),
        (Some(slots), listed, schedule) if listed.is_some() || schedule.is_some() => {
            let (hash, listed) = listed.unzip();
            let selection = SelectionSettings { slots, listed: hash, schedule };
            Some(Some((selection, listed.unwrap_or_default())))
        }
        (Some(_), _, _) => {
            let label = "add `selection = \"best.txt\"` or `reselect = \"500 bars\"`";
            section.fail("slots", "nothing says which columns the slots show", label);
            None
        }
        (None, _, _) => {
            let key = if schedule.is_some() { "reselect" } else { "selection" };
            section.fail(key, "how many columns a model is given is not said", "add such as `slots = 64`");
            None
        }
    }
}

fn listed(reading: &Reading<'_>, section: &Section<'_>) -> Option<(Hash, Vec<Listed>)> {
    let path = reading.document.folder(section.spot("selection")).join(section.text("selection")?);
    let content = super::data::content_of(section, "selection", &path)?;
    match read_selections(&path) {
        Ok(listed) => Some((content, listed)),
        Err(error) => {
            section.fail("selection", "cannot use the selection of columns", error.to_string());
            None
        }
    }
}

/// `500 bars`.
fn bars_of(section: &Section<'_>, text: &str) -> Option<u32> {
    let number = text.strip_suffix("bars").or_else(|| text.strip_suffix("bar")).map(str::trim);
    match number.and_then(|number| number.parse::<u32>().ok()) {
        Some(every) if every > 0 => Some(every),
        _ => {
            section.fail("reselect", format!("`{text}` is no number of bars"), "write such as `500 bars`");
            None
        }
    }
}

/// The names in a list; those of a file stand in its place.
fn columns(reading: &Reading<'_>, section: &Section<'_>, text: &str) -> Option<Vec<String>> {
    let mut columns = Vec::new();
    if text.trim() == "none" {
        return Some(columns);
    }
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
