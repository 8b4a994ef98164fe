//! `[signals]`: the file of another program's signals, which the strategy `external` follows.

use std::collections::BTreeMap;

use genovo_adapters::data::{self as adapters, SignalsSpec, TargetKind, TimeFormat};
use genovo_engine::ids::InstrumentId;
use genovo_engine::settings::{DataKind, Instrument, SourceSettings};
use genovo_engine::units::Nanoseconds;

use super::DataFile;
use super::data::{content, describing_itself};
use super::section::Reading;

/// Reads the section. The outer `None` is an error, the inner one a scenario without signals.
pub fn read<'a>(
    reading: &'a Reading<'a>,
    instruments: Option<&[Instrument]>,
) -> Option<Option<(SourceSettings, DataFile)>> {
    let Some(section) = reading.sections("signals", false).pop() else { return Some(None) };
    let path = section.text("path");
    let path = path.map(|path| reading.document.folder(section.spot("path")).join(path));
    let target = section.word("target");
    let time_format = section.word("time_format");
    let (utc_offset, latency) = (section.length("utc_offset"), section.length("latency"));
    let skip_bad_rows = section.flag("skip_bad_rows");
    let content = path.as_deref().and_then(|path| content(&section, path));
    let mut how = BTreeMap::new();
    if target.as_deref() == Some("weight") {
        how.insert("target".to_string(), "weight".to_string());
    }
    if let Some(format) = &time_format {
        how.insert("time_format".to_string(), format.clone());
    }
    if let Some(offset) = utc_offset.filter(|offset| *offset != Nanoseconds::ZERO) {
        how.insert("utc_offset".to_string(), offset.0.to_string());
    }
    let (settings, file) = describing_itself(InstrumentId::NONE, DataKind::Signals, path?, content?);
    let settings =
        SourceSettings { reading: how, feed_latency: latency?, skip_bad_rows: skip_bad_rows?, ..settings };
    let file = DataFile { time_format, utc_offset: utc_offset?, describes_itself: false, ..file };
    // Read whole now, so that every mistake in it is found before anything runs.
    if let Err(error) = adapters::open_signals(&file.path, &spec(&settings, instruments?)) {
        section.fail("path", format!("cannot use the signals {}", file.path.display()), error.to_string());
        return None;
    }
    Some(Some((settings, file)))
}

/// What the adapter has to know of a file of signals.
pub fn spec(settings: &SourceSettings, instruments: &[Instrument]) -> SignalsSpec {
    let said = |key: &str| settings.reading.get(key).map(String::as_str);
    let symbols = instruments.iter().map(|instrument| instrument.symbol.clone());
    SignalsSpec {
        instruments: symbols.zip((1..).map(InstrumentId)).collect(),
        target: if said("target") == Some("weight") { TargetKind::Weight } else { TargetKind::Position },
        time: said("time_format").and_then(TimeFormat::from_name),
        utc_offset: Nanoseconds(said("utc_offset").and_then(|text| text.parse().ok()).unwrap_or(0)),
        latency: settings.feed_latency,
        skip_bad_rows: settings.skip_bad_rows,
    }
}
