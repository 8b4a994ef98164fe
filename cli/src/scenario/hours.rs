//! When instruments trade, and what is done to them: `calendar` and `actions` of an instrument, `[[calendars]]`.

use std::collections::BTreeMap;

use genovo_adapters::actions;
use genovo_adapters::calendar::{Calendar, NAMES, Written};
use genovo_engine::ids::{Hash, InstrumentId};
use genovo_engine::settings::{CalendarSettings, DataKind, SourceSettings, VenueSettings, WhenClosed};

use super::data::{Data, describing_itself};
use super::readable::did_you_mean;
use super::section::{Reading, Section};

/// When the instruments of a scenario trade.
pub struct TradingHours {
    /// For the settings.
    pub settings: Vec<CalendarSettings>,
    /// For whoever opens the data; an instrument that always trades has none.
    pub calendars: Vec<(InstrumentId, Calendar)>,
}

/// A calendar of the scenario's own, and how its settings name it.
struct Own {
    name: String,
    canonical: String,
    calendar: Calendar,
}

/// Reads `[[calendars]]` and every instrument's `calendar`. `None` after an error.
pub fn read<'a>(reading: &'a Reading<'a>, sections: &[Section<'_>]) -> Option<TradingHours> {
    let own: Vec<Option<Own>> = reading.sections("calendars", false).iter().map(own).collect();
    let own: Vec<Own> = own.into_iter().collect::<Option<_>>()?;
    let mut hours = TradingHours { settings: Vec::new(), calendars: Vec::new() };
    let mut good = true;
    for (index, section) in sections.iter().enumerate() {
        let Some(name) = section.text("calendar") else { continue };
        let instrument = InstrumentId(index as u32 + 1);
        let found = own.iter().find(|one| one.name == name);
        let (calendar, canonical) = match (found, Calendar::named(&name)) {
            (Some(own), _) => (Some(own.calendar.clone()), own.canonical.clone()),
            (None, Ok(calendar)) => (calendar, name),
            (None, Err(_)) => {
                let names: Vec<&str> =
                    NAMES.into_iter().chain(own.iter().map(|one| one.name.as_str())).collect();
                let label = match did_you_mean(&name, names.iter().copied()) {
                    Some(guess) => format!("did you mean `{guess}`?"),
                    None => format!("known: {}; others in [[calendars]]", names.join(", ")),
                };
                section.fail("calendar", format!("no calendar is called `{name}`"), label);
                good = false;
                continue;
            }
        };
        // What always trades needs no calendar, and is the same run without one.
        if let Some(calendar) = calendar {
            hours.settings.push(CalendarSettings { instrument, calendar: canonical });
            hours.calendars.push((instrument, calendar));
        }
    }
    good.then_some(hours)
}

fn own(section: &Section<'_>) -> Option<Own> {
    let keys = ["name", "time_zone", "open", "close", "days", "holidays", "early_closes"];
    let mut written = BTreeMap::new();
    let mut good = true;
    for key in keys {
        match section.text(key) {
            Some(text) => drop(written.insert(key, text)),
            None if matches!(key, "holidays" | "early_closes") && !section.says(key) => {}
            None => good = false,
        }
    }
    if !good {
        return None;
    }
    let said = |key: &str| written.get(key).map_or("", String::as_str);
    let calendar = Calendar::read(Written {
        time_zone: said("time_zone"),
        open: said("open"),
        close: said("close"),
        days: said("days"),
        holidays: said("holidays"),
        early_closes: said("early_closes"),
    });
    match calendar {
        Ok(calendar) => {
            let hours = written.iter().filter(|(key, _)| **key != "name");
            let hours: Vec<String> = hours.map(|(key, text)| format!("{key} {text}")).collect();
            Some(Own { name: said("name").to_string(), canonical: hours.join("; "), calendar })
        }
        Err((key, message)) => {
            section.fail(key, message, "a calendar is written as in genovo check --keys calendars");
            None
        }
    }
}

/// Adds the factor files that instruments name to the sources. `None` after an error.
pub fn add_actions(reading: &Reading<'_>, sections: &[Section<'_>], mut data: Data) -> Option<Data> {
    let mut good = true;
    for (index, section) in sections.iter().enumerate() {
        let Some(path) = section.text("actions") else { continue };
        let path = reading.document.folder(section.spot("actions")).join(path);
        let instrument = InstrumentId(index as u32 + 1);
        match content(&path) {
            Ok(content) => {
                let (source, file) = describing_itself(instrument, DataKind::Actions, path, content);
                data.sources.push(source);
                data.files.push(file);
            }
            Err(message) => {
                section.fail("actions", "cannot read the splits and dividends", message);
                good = false;
            }
        }
    }
    good.then_some(data)
}

/// The hash of a factor file that can be read.
fn content(path: &std::path::Path) -> Result<Hash, String> {
    actions::read_factors(path).map_err(|error| error.to_string())?;
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    Ok(Hash(*blake3::hash(&bytes).as_bytes()))
}

/// Says what calendars and actions cannot be used with.
pub fn check(
    sections: &[Section<'_>],
    hours: &TradingHours,
    data: &Data,
    venue: Option<&VenueSettings>,
    notes: &mut Vec<String>,
) {
    for (index, section) in sections.iter().enumerate() {
        let instrument = InstrumentId(index as u32 + 1);
        let own =
            |source: &&SourceSettings| source.instrument == instrument && source.kind != DataKind::Actions;
        let source = data.sources.iter().find(own);
        for key in ["calendar", "actions"] {
            if section.says(key) && source.is_none() {
                let message = format!("`{key}` needs data files of the instrument's own");
                section.fail(
                    key,
                    message,
                    "a market journal cannot be given one; import is where data is joined",
                );
            }
            if section.says(key) && source.is_some_and(|source| source.tiles > 1) {
                section.fail(
                    key,
                    format!("`{key}` and repeated data do not go together"),
                    "leave out `tiles`",
                );
            }
        }
        let sessions = hours.calendars.iter().any(|(of, _)| *of == instrument);
        let bars = source.is_some_and(|source| source.kind == DataKind::Bars);
        if sessions && bars && venue.is_some_and(|venue| venue.when_closed == WhenClosed::Deny) {
            notes.push(
                "a bar may be known only when its session is over: then every order is denied by market_closed; \
                 `when_closed = \"queue\"` in [venue] lets it wait for the next one"
                    .to_string(),
            );
        }
    }
}
