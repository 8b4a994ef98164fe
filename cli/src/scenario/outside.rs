//! `[[statistics]]`, `[[news]]`, `[[schedule]]`: files of what the world outside of the markets says.

use std::collections::BTreeMap;

use genovo_adapters::data::{OutsideSpec, read_outside};
use genovo_engine::ids::InstrumentId;
use genovo_engine::settings::{DataKind, Instrument, SourceSettings};
use genovo_engine::units::Nanoseconds;

use super::DataFile;
use super::data::{content, describing_itself};
use super::section::{Reading, Section};

/// Reads the sections. `None` after an error.
pub fn read<'a>(
    reading: &'a Reading<'a>,
    instruments: Option<&[Instrument]>,
) -> Option<Vec<(SourceSettings, DataFile)>> {
    let mut read = Vec::new();
    for name in ["statistics", "news", "schedule"] {
        for section in reading.sections(name, false) {
            read.push(one(reading, &section, name, instruments));
        }
    }
    read.into_iter().collect()
}

fn one<'a>(
    reading: &'a Reading<'a>,
    section: &Section<'a>,
    name: &str,
    instruments: Option<&[Instrument]>,
) -> Option<(SourceSettings, DataFile)> {
    let path = section.text("path");
    let path = path.map(|path| reading.document.folder(section.spot("path")).join(path));
    let latency = section.length("latency");
    let mut how = BTreeMap::from([("of".to_string(), name.to_string())]);
    let mut good = true;
    let mut say = |key: &str, value: Option<String>| match value {
        Some(value) => drop(how.insert(key.to_string(), value)),
        None => good = false,
    };
    if section.says("series") {
        say("series", section.text("series"));
    }
    for key in ["release_lag", "known_before"].into_iter().filter(|key| section.says(key)) {
        say(key, section.length(key).map(|length| length.0.to_string()));
    }
    if section.says("release_time") {
        say("release_time", section.time_of_day("release_time").map(|time| time.0.to_string()));
    }
    let content = path.as_deref().and_then(|path| content(section, path));
    let (settings, file) = describing_itself(InstrumentId::NONE, DataKind::Outside, path?, content?);
    let settings = SourceSettings { reading: how, feed_latency: latency?, ..settings };
    if !good {
        return None;
    }
    // Read whole now, so that every mistake in it is found before anything runs.
    let symbols = symbols(instruments?);
    if let Err(error) = read_outside(&file.path, &spec(&settings), settings.feed_latency, &symbols) {
        section.fail("path", format!("cannot use the {name} {}", file.path.display()), error.to_string());
        return None;
    }
    Some((settings, file))
}

/// What the adapter has to know of a file.
pub fn spec(settings: &SourceSettings) -> OutsideSpec {
    let said = |key: &str| settings.reading.get(key);
    let length = |key: &str| said(key).and_then(|text| text.parse().ok()).map(Nanoseconds);
    match said("of").map(String::as_str) {
        Some("news") => OutsideSpec::News,
        Some("schedule") => OutsideSpec::Schedule { known_before: length("known_before") },
        _ => OutsideSpec::Statistics {
            series: said("series").cloned(),
            release_lag: length("release_lag"),
            release_time: length("release_time"),
        },
    }
}

/// The symbols of a run and whose they are.
pub fn symbols(instruments: &[Instrument]) -> Vec<(String, InstrumentId)> {
    let symbols = instruments.iter().map(|instrument| instrument.symbol.clone());
    symbols.zip((1..).map(InstrumentId)).collect()
}
