//! From a document to the effective settings: every section in turn, then what only shows across sections.

use std::path::Path;

use genovo_engine::event::FlawAction;
use genovo_engine::settings::{
    AccountKind, AccountSettings, BarPrice, BarSettings, Commission, DataKind, Instrument, MarginSettings,
    PositionMode, QualitySettings, QueueRule, RiskDistance, RiskSettings, Settings, VenueSettings,
    WhenClosed,
};
use genovo_engine::strategy::{Registry, external};
use genovo_engine::units::{Money, Nanoseconds};

use super::abroad;
use super::controls;
use super::data::{self, Data};
use super::document::limits::keys_in;
use super::document::{self, Document};
use super::features;
use super::hours;
use super::outside;
use super::readable;
use super::section::{Reading, Section};
use super::signals;
use super::strategies::{self, Chosen};
use super::upkeep;
use super::{Execution, Scenario};
use crate::error::Failure;

/// Builds the scenario, or says everything that is wrong with it.
pub fn build(path: &Path, document: &Document, registry: &Registry) -> Result<Scenario, Failure> {
    let reading = Reading::new(document);
    let mut notes = Vec::new();
    let built = assemble(path, &reading, registry, None, &mut notes);
    let (mut scenario, effective) = reading.finish(built)?;
    scenario.effective = effective;
    scenario.notes = notes;
    Ok(scenario)
}

/// Builds the settings of a scenario over data that is known already.
pub fn settings_over(document: &Document, data: Data, registry: &Registry) -> Result<Settings, Failure> {
    let reading = Reading::new(document);
    let built = assemble(Path::new(""), &reading, registry, Some(data), &mut Vec::new());
    reading.finish(built).map(|(scenario, _)| scenario.settings)
}

/// Reads every section before it gives up on one, so that all errors are found in one pass.
fn assemble<'a>(
    path: &Path,
    reading: &'a Reading<'a>,
    registry: &Registry,
    known: Option<Data>,
    notes: &mut Vec<String>,
) -> Option<Scenario> {
    let top = reading.top();
    let name = top.text("name").unwrap_or_else(|| top.otherwise("name", stem(path)));
    let title = top.text("title");
    let seed = top.whole("seed");
    let (account, margin) = account(reading, notes).unzip();
    let currency = account.as_ref().map_or(String::new(), |account| account.currency.clone());
    let sections = reading.sections("instruments", true);
    let instruments = instruments(&sections, &currency);
    let rates = abroad::rates(reading, &sections, instruments.as_deref(), &currency);
    let kind = account.as_ref().map(|account| account.kind);
    let financing = upkeep::financing(reading, &sections, instruments.as_deref(), kind);
    let hours = hours::read(reading, &sections);
    // A recorded run's signals are in its journal, as its market is.
    let recorded = known.is_some();
    let data = known.or_else(|| data::read(reading, instruments.as_deref(), notes));
    let signals = signals::read(reading, instruments.as_deref());
    let outside = outside::read(reading, instruments.as_deref());
    let data = data.and_then(|data| hours::add_actions(reading, &sections, data));
    let bars = bars(reading, data.as_ref());
    let has_bars =
        bars.as_ref().is_some_and(|bars| bars.is_some()) || reading_has(data.as_ref(), DataKind::Bars);
    let strategies = strategies::read(reading, registry, instruments.as_deref(), notes);
    let features = features::read(reading, instruments.as_deref(), data.as_ref(), bars.as_ref());
    let risk = risk(reading, &currency, has_bars);
    let venue = venue(reading);
    let quality = quality(reading);
    let execution = execution(reading);
    let hedging = account.as_ref().is_some_and(|account| account.positions == PositionMode::Hedging);
    for strategy in strategies.iter().flatten() {
        strategy.check_account(hedging);
        if let Some(data) = &data {
            strategy.check_needs(data, has_bars);
        }
        if let (Some(None), false) = (&signals, recorded)
            && strategy.kind.name == external::KIND.name
        {
            let message = "external follows signals, and the scenario names none";
            strategy.section.fail("kind", message, "add `[signals]` with `path = \"signals.csv\"`");
        }
    }
    let strategies = strategies?;
    let first = strategies.first()?;
    let kinds = || strategies.iter().map(|strategy| strategy.kind.name).collect::<Vec<_>>().join(" + ");
    let title = title.unwrap_or_else(|| top.otherwise("title", kinds()));
    let (mut data, hours) = (data?, hours?);
    hours::check(&sections, &hours, &data, venue.as_ref(), notes);
    // What the world says comes behind the market: at equal times the market is known first. Signals come last.
    for (source, file) in outside? {
        data.sources.push(source);
        data.files.push(file);
    }
    if let Some((source, file)) = signals? {
        data.sources.push(source);
        data.files.push(file);
    }
    let (features, selections) = features?.unzip();
    let settings = Settings {
        name,
        seed: seed?,
        account: account?,
        instruments: instruments?,
        sources: data.sources,
        rates: rates?,
        calendars: hours.settings,
        financing: financing?,
        margin: margin?,
        bars: bars?,
        trigger: first.trigger,
        strategy: first.settings(),
        strategies: strategies.iter().filter_map(Chosen::shared).collect(),
        features,
        risk: risk?,
        venue: venue?,
        quality: quality?,
        later: None,
    };
    strategies.iter().for_each(|strategy| strategy.try_out(reading, registry, &settings));
    let (effective, notes, left_out) = (Vec::new(), Vec::new(), Vec::new());
    let (files, calendars, execution) = (data.files, hours.calendars, execution?);
    let model = strategies.into_iter().find_map(|strategy| strategy.model);
    let selections = selections.unwrap_or_default();
    Some(Scenario {
        title,
        settings,
        files,
        selections,
        model,
        calendars,
        left_out,
        unprotected: said_unprotected(reading.document),
        execution,
        notes,
        effective,
    })
}

fn stem(path: &Path) -> String {
    path.file_stem().map_or("scenario".to_string(), |stem| stem.to_string_lossy().into_owned())
}

fn reading_has(data: Option<&Data>, kind: DataKind) -> bool {
    data.is_some_and(|data| data.has(kind))
}

fn account<'a>(
    reading: &'a Reading<'a>,
    notes: &mut Vec<String>,
) -> Option<(AccountSettings, Option<MarginSettings>)> {
    let section = reading.sections("account", true).pop()?;
    let named = section.currency("currency");
    let cash_text = document::get(section.entries, "cash").and_then(|entry| entry.node.as_scalar());
    let of_cash = cash_text.as_deref().and_then(|text| readable::money(text).ok()?.1).map(str::to_string);
    let currency = named.or(of_cash);
    let cash = section.money("cash", currency.as_deref().unwrap_or_default());
    let digits = section.whole("digits");
    let kind = section.word("kind");
    if let (false, Some(currency)) = (section.says("currency"), &currency) {
        section.otherwise("currency", currency.clone());
    }
    if currency.is_none() && cash.is_some() {
        section.fail("cash", "the account has no currency", "write such as `100,000 USD`");
    }
    if cash.is_some_and(Money::is_beyond) {
        section.fail("cash", "no account holds so much", format!("write less than {}", Money::MAX));
        return None;
    }
    let digits = match digits? {
        digits @ 0..=9 => digits as u8,
        digits => {
            section.fail("digits", format!("a currency cannot have {digits} decimals"), "at most 9");
            return None;
        }
    };
    let kind = if kind? == "cash" { AccountKind::Cash } else { AccountKind::Margin };
    let margin = upkeep::margin(&section, kind)?;
    let (positions, hedged_margin) = upkeep::side_by_side(&section, kind, notes)?;
    let (currency, cash) = (currency?, cash?);
    Some((AccountSettings { currency, digits, cash, kind, positions, hedged_margin }, margin))
}

fn instruments(sections: &[Section<'_>], currency: &str) -> Option<Vec<Instrument>> {
    let read: Vec<Option<Instrument>> =
        sections.iter().map(|section| instrument(section, currency)).collect();
    let instruments: Vec<Instrument> = read.into_iter().collect::<Option<_>>()?;
    for (index, instrument) in instruments.iter().enumerate() {
        if instruments[..index].iter().any(|earlier| earlier.symbol == instrument.symbol) {
            let message = format!("two instruments are called `{}`", instrument.symbol);
            sections[index].fail("symbol", message, "give it another symbol");
        }
    }
    (!instruments.is_empty()).then_some(instruments)
}

fn instrument(section: &Section<'_>, currency: &str) -> Option<Instrument> {
    let symbol = section.text("symbol");
    let tick = section.price("tick");
    let lot = section.quantity("lot");
    let multiplier = section.quantity("multiplier");
    let margin = section.ratio("margin");
    let maintenance = match section.says("maintenance") {
        true => section.ratio("maintenance"),
        false => {
            margin.inspect(|margin| drop(section.otherwise("maintenance", readable::show_ratio(*margin))))
        }
    };
    let own = section.currency("currency").filter(|own| own != currency);
    let paid_in = own.as_deref().unwrap_or(currency);
    let commission = section.inner("commission").and_then(|section| commission(&section, paid_in));
    if margin < maintenance {
        section.fail(
            "maintenance",
            "`maintenance` is more than `margin`",
            "a position would fall due when it opens",
        );
    }
    Some(Instrument {
        symbol: symbol?,
        tick: tick?,
        lot: lot?,
        multiplier: multiplier?,
        margin_initial: margin?,
        margin_maintenance: maintenance?,
        commission: commission?,
        currency: own,
    })
}

fn commission(section: &Section<'_>, currency: &str) -> Option<Commission> {
    let (taker, maker) = (section.ratio("taker"), section.ratio("maker"));
    let (per_unit, minimum) = (section.money("per_unit", currency), section.money("minimum", currency));
    Some(Commission { taker: taker?, maker: maker?, per_unit: per_unit?, minimum: minimum? })
}

/// The outer `None` is an error, the inner one a scenario without bars.
fn bars<'a>(reading: &'a Reading<'a>, data: Option<&Data>) -> Option<Option<BarSettings>> {
    let Some(section) = reading.sections("bars", false).pop() else {
        return Some(None);
    };
    let interval = section.length("interval");
    let quotes = reading_has(data, DataKind::Quotes);
    let trades = reading_has(data, DataKind::Trades);
    let price = match section.word("price").as_deref() {
        Some("bid") => BarPrice::Bid,
        Some("ask") => BarPrice::Ask,
        Some("trade") => BarPrice::Trade,
        Some(_) => BarPrice::Mid,
        None => {
            let (price, word) =
                if quotes || !trades { (BarPrice::Mid, "mid") } else { (BarPrice::Trade, "trade") };
            section.otherwise("price", word.to_string());
            price
        }
    };
    if data.is_some() && !quotes && !trades {
        section.fail(
            "interval",
            "[bars] builds bars from ticks, and the data are bars",
            "leave the section out",
        );
        return None;
    }
    if data.is_some() && !(if price == BarPrice::Trade { trades } else { quotes }) {
        let needed = if price == BarPrice::Trade { "trades" } else { "quotes" };
        let right = if price == BarPrice::Trade { "write `mid`, `bid` or `ask`" } else { "write `trade`" };
        section.fail("price", format!("[bars] shows a price of {needed}, and the data has none"), right);
        return None;
    }
    Some(Some(BarSettings { interval: interval?, price }))
}

/// What the scenario says of positions without a stop.
fn said_unprotected(document: &Document) -> Option<bool> {
    let risk = document::get(&document.root, "risk").and_then(|risk| risk.node.as_table())?;
    document::get(risk, "unprotected")?.node.as_scalar()?.parse().ok()
}

fn risk<'a>(reading: &'a Reading<'a>, currency: &str, has_bars: bool) -> Option<RiskSettings> {
    let section = reading.section("risk");
    section.text("limits");
    let keys = section.text("limits_keys").and_then(|text| keys_in(&text).ok()).unwrap_or_default();
    let risk = limits(&section, currency, has_bars);
    let risk = risk.map(|risk| RiskSettings { limits_keys: keys, ..risk });
    let Some(held_to) = &reading.document.limits else { return risk };
    // Limits that the scenario overrides are read too: none of them may be wrong.
    let aside = Reading::new(reading.document);
    let theirs = limits(&aside.section_of("risk", &held_to.entries), currency, has_bars);
    let theirs = match aside.finish(theirs) {
        Ok((theirs, _)) => theirs,
        Err(failure) => {
            reading.add(failure);
            return None;
        }
    };
    let risk = RiskSettings { limits: Some(held_to.hash), limits_signer: held_to.signer, ..risk? };
    let of_measure = |key: &str| matches!(key, "sample" | "decay" | "confidence" | "horizon");
    let looser = risk.looser_than(&theirs);
    for entry in &held_to.entries {
        let name = match entry.key.as_str() {
            key if of_measure(key) => "measure",
            "atr_period" => "distance",
            key => key,
        };
        if looser.contains(&name) {
            let limit = entry.node.as_scalar().unwrap_or_default();
            let message = format!("`{}` is looser than the limits allow", entry.key);
            let label = format!("{} says `{limit}`", reading.document.source_name(entry.spot));
            section.fail(&entry.key, message, label);
        }
    }
    Some(risk)
}

/// The limits of a document that says nothing else.
pub fn limits_over(document: &Document, currency: &str, has_bars: bool) -> Result<RiskSettings, Failure> {
    let reading = Reading::new(document);
    let limits = limits(&reading.section("risk"), currency, has_bars);
    reading.finish(limits).map(|(limits, _)| limits)
}

fn limits(section: &Section<'_>, currency: &str, has_bars: bool) -> Option<RiskSettings> {
    let (max_per_trade, max_total) = (section.ratio("max_per_trade"), section.ratio("max_total"));
    let min_position = section.money("min_position", currency);
    let period = section.small("atr_period");
    let otherwise = if has_bars { "2 atr" } else { "1 %" };
    let distance = section.distance("distance", period.unwrap_or(1), otherwise);
    if matches!(distance, Some(RiskDistance::AverageTrueRange { .. })) && !has_bars {
        let message = "the risk distance is a multiple of the average true range, and there are no bars";
        section.fail("distance", message, "add `[bars] interval = \"5 min\"`, or write such as `0.5 %`");
    }
    period?;
    let unprotected = section.flag("unprotected");
    let controls = controls::read(section, currency);
    Some(RiskSettings {
        max_per_trade: max_per_trade?,
        max_total: max_total?,
        min_position: min_position?,
        distance: distance?,
        limits: None,
        limits_keys: Vec::new(),
        limits_signer: None,
        protect: unprotected == Some(false),
        controls: controls?,
    })
}

fn venue<'a>(reading: &'a Reading<'a>) -> Option<VenueSettings> {
    let section = reading.section("venue");
    let (latency, response_latency) = (section.length("latency"), section.length("response_latency"));
    let (size, touch) = (section.size("size_when_absent"), section.touch("touch"));
    let (slippage, day_end) = (section.slippage("slippage"), section.time_of_day("day_end"));
    let (when_closed, queue) = (section.word("when_closed"), section.word("queue"));
    Some(VenueSettings {
        latency: latency?,
        response_latency: response_latency?,
        size_when_absent: size?,
        touch: touch?,
        slippage: slippage?,
        day_end: day_end?,
        when_closed: if when_closed? == "queue" { WhenClosed::Queue } else { WhenClosed::Deny },
        queue: QueueRule::from_name(&queue?).unwrap_or_default(),
    })
}

fn quality<'a>(reading: &'a Reading<'a>) -> Option<QualitySettings> {
    let section = reading.section("quality");
    let action = |key| {
        section.word(key).map(|word| match word.as_str() {
            "keep" => FlawAction::Keep,
            "drop" => FlawAction::Drop,
            _ => FlawAction::Halt,
        })
    };
    let (crossed, locked) = (action("crossed"), action("locked"));
    let (out_of_order, duplicate) = (action("out_of_order"), action("duplicate"));
    let (gap, gap_after): (_, Option<Nanoseconds>) = (action("gap"), section.length("gap_after"));
    let (outlier, outlier_times) = (action("outlier"), section.small("outlier_times"));
    Some(QualitySettings {
        crossed: crossed?,
        locked: locked?,
        out_of_order: out_of_order?,
        duplicate: duplicate?,
        gap: gap?,
        gap_after: gap_after?,
        outlier: outlier?,
        outlier_times: outlier_times?,
    })
}

fn execution<'a>(reading: &'a Reading<'a>) -> Option<Execution> {
    let section = reading.section("execution");
    let (mode, cpu, backend) = (section.word("mode"), section.word("cpu"), section.word("backend"));
    let checkpoint_every = section.whole("checkpoint_every");
    Some(Execution {
        mode: super::Mode::of(&mode?),
        cpu: super::Cpu::of(&cpu?),
        backend: super::Backend::of(&backend?),
        checkpoint_every: checkpoint_every?,
    })
}
