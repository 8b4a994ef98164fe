//! The `[data]` sections: which files, how their columns are read, what the settings name them by.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use genovo_engine::ids::{Hash, InstrumentId};
use genovo_engine::settings::{DataKind, Instrument, SourceSettings};
use genovo_engine::units::Nanoseconds;

use super::document::{self, near};
use super::peek::peek;
use super::readable::{self, did_you_mean};
use super::section::{Reading, Section};
use super::{Column, DataFile};

/// All sources of a scenario.
pub struct Data {
    /// For the settings.
    pub sources: Vec<SourceSettings>,
    /// For whoever opens the files; of the same length.
    pub files: Vec<DataFile>,
    /// Whether any source has displayed sizes.
    pub has_sizes: bool,
}

impl Data {
    /// Whether a source is of this kind.
    pub fn has(&self, kind: DataKind) -> bool {
        self.sources.iter().any(|source| source.kind == kind)
    }
}

/// The roles that columns of a kind play, and whether a file must have them.
pub fn roles(kind: DataKind) -> &'static [(&'static str, bool)] {
    match kind {
        DataKind::Quotes => &[
            ("time", true),
            ("arrival", false),
            ("bid", true),
            ("ask", true),
            ("bid_size", false),
            ("ask_size", false),
        ],
        DataKind::Trades => {
            &[("time", true), ("arrival", false), ("price", true), ("size", false), ("side", false)]
        }
        DataKind::Bars => &[
            ("time", true),
            ("arrival", false),
            ("open", true),
            ("high", true),
            ("low", true),
            ("close", true),
            ("volume", false),
        ],
        DataKind::Journal => &[],
    }
}

/// Reads every source. `None` after an error.
pub fn read<'a>(reading: &'a Reading<'a>, instruments: Option<&[Instrument]>) -> Option<Data> {
    let sections = reading.sections("data", true);
    let read: Vec<_> = sections.iter().map(|section| source(reading, section, instruments)).collect();
    let read: Vec<(SourceSettings, DataFile)> = read.into_iter().collect::<Option<_>>()?;
    let (sources, files): (Vec<_>, Vec<DataFile>) = read.into_iter().unzip();
    let looks = sections.iter().zip(&files).map(|(section, file)| look(reading, section, file));
    // Every file is looked at, for its errors, even when the first has sizes.
    let has_sizes = looks.fold(false, |any, sizes| any | sizes);
    (!sources.is_empty()).then_some(Data { sources, files, has_sizes })
}

/// Looks into a file: reports columns that it should have and has not, tells whether it has sizes.
fn look(reading: &Reading<'_>, section: &Section<'_>, file: &DataFile) -> bool {
    if file.kind == DataKind::Journal {
        return true;
    }
    let peek = match peek(file) {
        Ok(peek) => peek,
        Err(error) => {
            section.fail("path", format!("cannot read the data {}", file.path.display()), error.to_string());
            return false;
        }
    };
    let named = document::get(section.entries, "columns").and_then(|entry| entry.node.as_table());
    for (role, column) in &file.columns {
        let (message, guess) = match column {
            Column::Number(number) if *number > peek.names.len() => {
                (format!("the data has {} columns, and no column {number}", peek.names.len()), None)
            }
            Column::Name(name) if file.header && !peek.has(name) => {
                let guess = did_you_mean(name, peek.names.iter().map(String::as_str));
                (format!("the data has no column `{name}`"), guess)
            }
            Column::Name(_) | Column::Number(_) => continue,
        };
        let has = peek.names.join(", ");
        let label =
            guess.map_or(format!("it has {has}"), |guess| format!("did you mean `{guess}`? It has {has}"));
        let spot = named.and_then(|columns| document::get(columns, role)).map(|entry| entry.node.spot);
        let help = "every role and its column: genovo check --keys data.columns";
        reading.fail(message, spot.unwrap_or_else(|| section.spot("path")), label, help);
    }
    peek.has_sizes(file)
}

fn source<'a>(
    reading: &'a Reading<'a>,
    section: &Section<'a>,
    instruments: Option<&[Instrument]>,
) -> Option<(SourceSettings, DataFile)> {
    let path = section.text("path");
    let path = path.map(|path| reading.document.folder(section.spot("path")).join(path));
    let is_folder = path.as_deref().is_some_and(Path::is_dir);
    let kind = match section.word("kind").as_deref() {
        Some("trades") => DataKind::Trades,
        Some("bars") => DataKind::Bars,
        Some("journal") => DataKind::Journal,
        Some(_) => DataKind::Quotes,
        None => {
            let (kind, word) =
                if is_folder { (DataKind::Journal, "journal") } else { (DataKind::Quotes, "quotes") };
            section.otherwise("kind", word.to_string());
            kind
        }
    };
    let instrument = instrument(section, kind, instruments);
    let header = section.flag("header");
    let columns = columns(section, kind, header);
    let time_format = section.word("time_format");
    let utc_offset = section.length("utc_offset");
    let delimiter =
        section.word("delimiter").map(|word| if word == "tab" { b'\t' } else { word.as_bytes()[0] });
    let feed_latency = section.length("feed_latency");
    let clock_offset = section.length("clock_offset");
    let skip_bad_rows = section.flag("skip_bad_rows");
    let tiles = section.small("tiles");
    let bar_times = bar_times(section, kind);
    let content = path.as_deref().and_then(|path| content(section, path, kind));
    let (bar_interval, bar_known_after) = bar_times?;
    let columns = columns?;
    let (utc_offset, header) = (utc_offset?, header?);
    let settings = SourceSettings {
        instrument: instrument?,
        kind,
        content: content?,
        reading: reading_of(&columns, time_format.as_deref(), utc_offset, delimiter, header),
        feed_latency: feed_latency?,
        clock_offset: clock_offset?,
        skip_bad_rows: skip_bad_rows?,
        tiles: tiles?,
        bar_interval,
        bar_known_after,
    };
    let file = DataFile {
        path: path?,
        instrument: settings.instrument,
        kind,
        columns,
        time_format,
        utc_offset,
        delimiter,
        header,
    };
    Some((settings, file))
}

/// How rows are read, as far as the scenario says it: it changes what comes out of the same file, so it is part of the
/// run's identity.
fn reading_of(
    columns: &BTreeMap<&'static str, Column>,
    time_format: Option<&str>,
    utc_offset: Nanoseconds,
    delimiter: Option<u8>,
    header: bool,
) -> BTreeMap<String, String> {
    let mut reading = BTreeMap::new();
    for (role, column) in columns {
        let column = match column {
            Column::Name(name) => format!("name {name}"),
            Column::Number(number) => format!("number {number}"),
        };
        reading.insert(format!("column.{role}"), column);
    }
    let mut say = |key: &str, value: String| reading.insert(key.to_string(), value);
    if let Some(format) = time_format {
        say("time_format", format.to_string());
    }
    if utc_offset != Nanoseconds::ZERO {
        say("utc_offset", utc_offset.0.to_string());
    }
    if let Some(delimiter) = delimiter {
        say("delimiter", char::from(delimiter).to_string());
    }
    if !header {
        say("header", "false".to_string());
    }
    reading
}

fn instrument(
    section: &Section<'_>,
    kind: DataKind,
    instruments: Option<&[Instrument]>,
) -> Option<InstrumentId> {
    let symbol = section.text("instrument");
    if kind == DataKind::Journal {
        if symbol.is_some() {
            section.fail("instrument", "a market journal names its own instruments", "leave it out");
        }
        return Some(InstrumentId::NONE);
    }
    let instruments = instruments?;
    let Some(symbol) = symbol else {
        if instruments.len() == 1 {
            section.otherwise("instrument", instruments[0].symbol.clone());
            return Some(InstrumentId(1));
        }
        let message = "the scenario has several instruments: the data must say whose it is";
        section.fail("instrument", message, format!("add `instrument = \"{}\"`", instruments[0].symbol));
        return None;
    };
    let found = instruments.iter().position(|instrument| instrument.symbol == symbol);
    if found.is_none() {
        let names: Vec<&str> = instruments.iter().map(|instrument| instrument.symbol.as_str()).collect();
        let label = match did_you_mean(&symbol, names.iter().copied()) {
            Some(name) => format!("did you mean `{name}`?"),
            None => format!("known: {}", names.join(", ")),
        };
        section.fail("instrument", format!("no instrument is called `{symbol}`"), label);
    }
    Some(InstrumentId(u32::try_from(found? + 1).ok()?))
}

/// The columns that the scenario names.
fn columns(
    section: &Section<'_>,
    kind: DataKind,
    header: Option<bool>,
) -> Option<BTreeMap<&'static str, Column>> {
    let mut columns = BTreeMap::new();
    if kind == DataKind::Journal {
        if section.says("columns") {
            section.fail("columns", "a market journal has no columns", "leave it out");
        }
        return Some(columns);
    }
    let inner = section.inner("columns")?;
    let all = super::keys::section("data.columns").expect("a section of the table");
    for entry in inner.entries {
        if all.key(&entry.key).is_some() && roles(kind).iter().all(|(role, _)| *role != entry.key) {
            let names: Vec<&str> = roles(kind).iter().map(|(role, _)| *role).collect();
            let label = format!("this kind of data has {}", names.join(", "));
            inner.fail(&entry.key, format!("`{}` is no column of this kind of data", entry.key), label);
        }
    }
    for (role, needed) in roles(kind) {
        let column = inner.column(role);
        let numbered = matches!(column, Some(Column::Number(_))) || column.is_none() && !needed;
        if header == Some(false) && !numbered {
            let message = format!("a file without a header needs the number of the column for `{role}`");
            inner.fail(role, message, format!("write `columns = {{ {role} = 1, … }}`"));
        }
        if let Some(column) = column {
            columns.insert(*role, column);
        }
    }
    Some(columns)
}

type BarTimes = (Option<genovo_engine::units::Nanoseconds>, Option<genovo_engine::units::Nanoseconds>);

/// `interval` and `known_after`, which bars must and all others cannot have.
fn bar_times(section: &Section<'_>, kind: DataKind) -> Option<BarTimes> {
    if kind != DataKind::Bars {
        for key in ["interval", "known_after"] {
            if section.says(key) {
                section.fail(key, format!("`{key}` is for bars, and this data holds others"), "leave it out");
            }
        }
        return Some((None, None));
    }
    if !section.says("interval") {
        section.fail(
            "interval",
            "the data does not say how long its bars last",
            "add `interval = \"1 day\"`",
        );
    }
    let interval = section.length("interval");
    let known_after = match section.says("known_after") {
        true => section.length("known_after"),
        false => {
            interval.inspect(|time| drop(section.otherwise("known_after", readable::show_length(*time))))
        }
    };
    interval?;
    known_after?;
    Some((interval, known_after))
}

/// What the settings name the data by: the BLAKE3 of the file's bytes.
fn content(section: &Section<'_>, path: &Path, kind: DataKind) -> Option<Hash> {
    let hashed = match (kind, path.is_dir()) {
        (DataKind::Journal, _) => hash_file(&path.join("seal.toml")),
        (_, true) => {
            section.fail("kind", "a folder is a market journal", "leave `kind` out, or name a file");
            return None;
        }
        (_, false) => hash_file(path),
    };
    match hashed {
        Ok(hash) => Some(hash),
        Err(error) => {
            let label = match error.kind() {
                std::io::ErrorKind::NotFound => near(path),
                _ => error.to_string(),
            };
            section.fail("path", format!("cannot read the data {}", path.display()), label);
            None
        }
    }
}

fn hash_file(path: &Path) -> std::io::Result<Hash> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(File::open(path)?)?;
    Ok(Hash(*hasher.finalize().as_bytes()))
}
