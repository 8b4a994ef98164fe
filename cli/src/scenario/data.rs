//! The `[data]` sections: which files, how their columns are read, and what they are named by in the settings.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use genovo_engine::ids::{Hash, InstrumentId};
use genovo_engine::settings::{DataKind, Instrument, SourceSettings};

use super::readable::did_you_mean;
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
            ("received", false),
            ("bid", true),
            ("ask", true),
            ("bid_size", false),
            ("ask_size", false),
        ],
        DataKind::Trades => {
            &[("time", true), ("received", false), ("price", true), ("size", false), ("side", false)]
        }
        DataKind::Bars => &[
            ("time", true),
            ("received", false),
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
    let has_sizes = files.iter().any(has_sizes);
    (!sources.is_empty()).then_some(Data { sources, files, has_sizes })
}

fn has_sizes(file: &DataFile) -> bool {
    let sizes = ["bid_size", "ask_size", "size"];
    file.kind == DataKind::Journal || file.columns.iter().any(|column| sizes.contains(&column.role))
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
        None if is_folder => DataKind::Journal,
        None => DataKind::Quotes,
    };
    let instrument = instrument(section, kind, instruments);
    let columns = columns(section, kind);
    let time_format = section.time_format("time_format");
    let delimiter = section.delimiter("delimiter");
    let header = section.flag("header");
    let feed_latency = section.length("feed_latency");
    let clock_offset = section.length("clock_offset");
    let skip_bad_rows = section.flag("skip_bad_rows");
    let tiles = section.small("tiles");
    let bar_times = bar_times(section, kind);
    let content = path.as_deref().and_then(|path| content(section, path, kind));
    let (bar_interval, bar_known_after) = bar_times?;
    let settings = SourceSettings {
        instrument: instrument?,
        kind,
        content: content?,
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
        columns: columns?,
        time_format: time_format?,
        delimiter: delimiter?,
        header: header?,
    };
    Some((settings, file))
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

/// The columns that the kind of data has.
fn columns(section: &Section<'_>, kind: DataKind) -> Option<Vec<Column>> {
    if kind == DataKind::Journal {
        if section.says("columns") {
            section.fail("columns", "a market journal has no columns", "leave it out");
        }
        return Some(Vec::new());
    }
    let inner = section.inner("columns")?;
    for entry in inner.entries {
        let elsewhere = roles(kind).iter().all(|(role, _)| *role != entry.key);
        if elsewhere
            && super::keys::section("data.columns").is_some_and(|keys| keys.key(&entry.key).is_some())
        {
            let names: Vec<&str> = roles(kind).iter().map(|(role, _)| *role).collect();
            let label = format!("this kind of data has {}", names.join(", "));
            inner.fail(&entry.key, format!("`{}` is no column of this kind of data", entry.key), label);
        }
    }
    let mut columns = Vec::new();
    for (role, needed) in roles(kind) {
        match inner.text(role) {
            Some(name) if name == "none" && *needed => {
                inner.fail(role, format!("the data cannot do without `{role}`"), "name its column");
            }
            Some(name) if name == "none" => {}
            Some(name) => {
                let said = inner.says(role);
                columns.push(Column { role, name, needed: *needed || said, said });
            }
            None => {}
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
    let known_after = if section.says("known_after") { section.length("known_after") } else { interval };
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

/// What to say about a file that is not there: one beside it that it may be, or that the folder is missing.
fn near(path: &Path) -> String {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_path_buf(),
        _ => PathBuf::from("."),
    };
    let Ok(entries) = fs::read_dir(&folder) else {
        return "there is no such folder".to_string();
    };
    let mut names: Vec<String> =
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    let wanted = path.file_name().unwrap_or_default().to_string_lossy();
    match did_you_mean(&wanted, names.iter().map(String::as_str)) {
        Some(name) => format!("there is no such file; did you mean `{name}`?"),
        None => "there is no such file".to_string(),
    }
}
