//! The `[data]` sections: which files, how their columns are read, what the settings name them by.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use genovo_adapters::data::{self as adapters, DataError, Description, Format, Market, folder};
use genovo_engine::event::{Fact, Kind};
use genovo_engine::ids::{Hash, InstrumentId};
use genovo_engine::settings::{DataKind, Instrument, SourceSettings};
use genovo_engine::units::Nanoseconds;
use genovo_journal::Journal;

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
    /// What the sources hold: a journal may hold several kinds.
    kinds: Vec<DataKind>,
}

impl Data {
    /// That of a recorded run: it is in the journal, and no file is looked at.
    pub fn recorded(sources: &[SourceSettings]) -> Data {
        let kinds = sources.iter().flat_map(|source| match source.kind {
            DataKind::Journal => vec![DataKind::Quotes, DataKind::Trades, DataKind::Bars, DataKind::Books],
            kind => vec![kind],
        });
        Data { sources: sources.to_vec(), files: Vec::new(), has_sizes: true, kinds: kinds.collect() }
    }

    /// Whether a source holds this kind of data. A book has a touch, which is a quote, and tells its trades.
    pub fn has(&self, kind: DataKind) -> bool {
        let of_books = matches!(kind, DataKind::Quotes | DataKind::Trades);
        self.kinds.contains(&kind) || (of_books && self.kinds.contains(&DataKind::Books))
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
        DataKind::Books | DataKind::Journal | DataKind::Actions | DataKind::Signals | DataKind::Outside => {
            &[]
        }
    }
}

/// Reads every source. `None` after an error.
pub fn read<'a>(
    reading: &'a Reading<'a>,
    instruments: Option<&[Instrument]>,
    notes: &mut Vec<String>,
) -> Option<Data> {
    let sections = reading.sections("data", true);
    let read: Vec<_> = sections.iter().map(|section| source(reading, section, instruments, notes)).collect();
    let read: Vec<(SourceSettings, DataFile)> = read.into_iter().collect::<Option<_>>()?;
    let (sources, files): (Vec<_>, Vec<DataFile>) = read.into_iter().unzip();
    let (mut has_sizes, mut kinds) = (false, Vec::new());
    // Every file is looked at, for its errors, even when the first has sizes.
    for ((section, file), source) in sections.iter().zip(&files).zip(&sources) {
        if file.kind == DataKind::Journal {
            has_sizes |= look_into_journal(section, file, &mut kinds);
        } else if file.describes_itself {
            has_sizes |= look_into_rows(section, source, file);
            kinds.push(file.kind);
        } else {
            has_sizes |= look(reading, section, file);
            kinds.push(file.kind);
        }
    }
    (!sources.is_empty()).then_some(Data { sources, files, has_sizes, kinds })
}

/// Looks into a market journal: adds the kinds of data that it holds, tells whether it has sizes.
fn look_into_journal(section: &Section<'_>, file: &DataFile, kinds: &mut Vec<DataKind>) -> bool {
    let mut look = || -> Result<bool, genovo_journal::Error> {
        let journal = Journal::open(&file.path)?;
        let mut has_sizes = false;
        for (kind, holds) in [
            (Kind::QuoteChanged, DataKind::Quotes),
            (Kind::TradePrinted, DataKind::Trades),
            (Kind::BarReceived, DataKind::Bars),
            (Kind::BookChanged, DataKind::Books),
        ] {
            for (number, event) in journal.events_of_kinds(&[kind]).take(PEEK_EVENTS).enumerate() {
                has_sizes |= match event?.fact {
                    Fact::QuoteChanged(quote) => quote.bid_size.or(quote.ask_size).is_some(),
                    Fact::TradePrinted(trade) => trade.size.is_some(),
                    Fact::BookChanged(_) => true,
                    _ => false,
                };
                if number == 0 {
                    kinds.push(holds);
                }
            }
        }
        Ok(has_sizes)
    };
    look().unwrap_or_else(|error| {
        section.fail("path", format!("cannot read the data {}", file.path.display()), error.to_string());
        // One error is enough: nothing else shall be missed in data that nobody saw.
        kinds.extend([DataKind::Quotes, DataKind::Trades, DataKind::Bars]);
        true
    })
}

/// Looks at the first rows of a file that says itself what stands where: tells whether it has sizes.
fn look_into_rows(section: &Section<'_>, source: &SourceSettings, file: &DataFile) -> bool {
    let mut rows = Vec::new();
    let outcome = adapters::open(&file.path, &crate::sources::spec(source, file))
        .map_err(|error| error.to_string())
        .and_then(|mut data| data.source.read(&mut rows, PEEK_EVENTS).map_err(|error| error.to_string()));
    // A bad row is the run's to report, with its place; here it is enough that some can be read.
    if let (Err(error), true) = (outcome, rows.is_empty()) {
        section.fail("path", format!("cannot read the data {}", file.path.display()), error);
        return true;
    }
    rows.iter().any(|event| match event.fact {
        Fact::QuoteChanged(quote) => quote.bid_size.or(quote.ask_size).is_some(),
        Fact::TradePrinted(trade) => trade.size.is_some(),
        Fact::BookChanged(_) => true,
        _ => false,
    })
}

/// How many events of each kind are looked at in a journal.
const PEEK_EVENTS: usize = 2_048;

/// Looks into a file: reports columns that it should have and has not, tells whether it has sizes.
fn look(reading: &Reading<'_>, section: &Section<'_>, file: &DataFile) -> bool {
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

/// The kind of market data that a word of `kind` means.
fn market_kind(word: &str) -> Option<DataKind> {
    match word {
        "quotes" => Some(DataKind::Quotes),
        "trades" => Some(DataKind::Trades),
        "bars" => Some(DataKind::Bars),
        "books" => Some(DataKind::Books),
        _ => None,
    }
}

fn source<'a>(
    reading: &'a Reading<'a>,
    section: &Section<'a>,
    instruments: Option<&[Instrument]>,
    notes: &mut Vec<String>,
) -> Option<(SourceSettings, DataFile)> {
    let path = section.text("path");
    let path = path.map(|path| reading.document.folder(section.spot("path")).join(path));
    let is_journal = path.as_deref().is_some_and(|path| path.is_dir() && !folder::is_folder(path));
    let described_below = is_journal && is_below_path(reading, section, "kind");
    let map = section.says("map_file").then(|| section.text("map_file")).flatten();
    let map = map.map(|map| reading.document.folder(section.spot("map_file")).join(map));
    let market = section.says("market").then(|| section.text("market")).flatten();
    let market = market.and_then(|text| {
        Market::parse(&text).map_err(|message| section.fail("market", message, "no such market")).ok()
    });
    let select = section.says("select").then(|| section.text("select")).flatten();
    let word = if described_below { None } else { section.word("kind") };
    let word = word.as_deref();
    let described = path.as_deref().filter(|_| !is_journal).map(|path| {
        let first = folder::first(path, word.and_then(market_kind), map.as_deref())?;
        adapters::describe(&first, market.as_ref(), select.as_deref())
    });
    let described = match described {
        Some(Ok(described)) => described,
        // A file that is not there is reported below, with a guess which was meant.
        Some(Err(DataError::Unreadable { .. })) | None => None,
        Some(Err(error)) => {
            let path = path.as_deref().unwrap_or(Path::new("")).display().to_string();
            section.fail("path", format!("cannot read the data {path}"), error.to_string());
            return None;
        }
    };
    let kind = match word {
        Some("journal") => DataKind::Journal,
        Some(word) => market_kind(word).unwrap_or(DataKind::Quotes),
        None => {
            let kind = match &described {
                _ if is_journal => DataKind::Journal,
                Some(described) => described.kinds[0],
                None => DataKind::Quotes,
            };
            section.otherwise("kind", crate::commands::import::kind_name(kind).to_string());
            kind
        }
    };
    if kind == DataKind::Journal {
        return journal(reading, section, path?, notes);
    }
    if map.is_some() && !path.as_deref().is_some_and(Path::is_dir) {
        let label = "name the ticker's folder in `path`, or leave it out";
        section.fail("map_file", "a map file is for a folder of daily files", label);
        return None;
    }
    match &described {
        Some(described) => leave_out_what_it_says(reading, section, described, notes)?,
        None => {
            for key in ["market", "select"].into_iter().filter(|key| section.says(key)) {
                section.fail(key, format!("`{key}` is not for CSV files"), "leave it out");
            }
        }
    }
    let instrument = instrument(section, instruments);
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
    let bar_times = bar_times(section, kind, described.as_ref());
    let content = path.as_deref().and_then(|path| match path.is_dir() {
        false => content(section, path),
        true => folder::content(path, kind, map.as_deref())
            .map_err(|error| {
                section.fail("path", format!("cannot read the data {}", path.display()), error.to_string());
            })
            .ok(),
    });
    let (bar_interval, bar_known_after) = bar_times?;
    let columns = columns?;
    let (utc_offset, header) = (utc_offset?, header?);
    let mut how = reading_of(&columns, time_format.as_deref(), utc_offset, delimiter, header);
    // The path is no part of the identity, so what its folders said is kept.
    let market = market.or_else(|| described.as_ref().and_then(|said| said.market.clone()));
    let select = select.or_else(|| described.as_ref().and_then(|said| said.select.clone()));
    for (key, value) in [("market", market.as_ref().map(ToString::to_string)), ("select", select.clone())] {
        if let Some(value) = value {
            how.insert(key.to_string(), value.clone());
            if !section.says(key) {
                section.otherwise(key, value);
            }
        }
    }
    let settings = SourceSettings {
        instrument: instrument?,
        kind,
        content: content?,
        reading: how,
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
        market,
        select,
        map,
        describes_itself: described.is_some(),
    };
    Some((settings, file))
}

/// Refuses keys about columns for a file that says itself what stands where. `None` after an error.
fn leave_out_what_it_says(
    reading: &Reading<'_>,
    section: &Section<'_>,
    described: &Description,
    notes: &mut Vec<String>,
) -> Option<()> {
    let (mut left_out, mut good) = (Vec::new(), true);
    let columns =
        ["columns", "time_format", "utc_offset"].into_iter().filter(|_| described.format.fixes_columns());
    for key in columns.chain(["delimiter", "header"]) {
        if !section.says(key) {
            continue;
        }
        if is_below_path(reading, section, key) {
            left_out.push(key);
            continue;
        }
        good = false;
        let message = format!("a {} file has no `{key}`: it says itself what stands where", described.format);
        section.fail(key, message, "leave it out");
    }
    if !left_out.is_empty() {
        let (format, keys) = (described.format, left_out.join(", "));
        notes.push(format!("left out, as a {format} file says itself what stands where: {keys}"));
    }
    good.then_some(())
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

impl DataFile {
    /// How the rows of a source are read, told from a run's settings: the way back from `reading_of`.
    pub fn described_by(source: &SourceSettings, path: PathBuf) -> DataFile {
        let said = |key: &str| source.reading.get(key).map(String::as_str);
        let column = |role: &str| {
            let text = said(&format!("column.{role}"))?;
            match text.split_once(' ')? {
                ("number", number) => number.parse().ok().map(Column::Number),
                (_, name) => Some(Column::Name(name.to_string())),
            }
        };
        let columns = roles(source.kind).iter().filter_map(|(role, _)| Some((*role, column(role)?)));
        let first = folder::first(&path, Some(source.kind), None).and_then(|first| Format::of(&first));
        let describes_itself = first.is_ok_and(|format| format != Format::Csv);
        DataFile {
            path,
            instrument: source.instrument,
            kind: source.kind,
            columns: columns.collect(),
            time_format: said("time_format").map(str::to_string),
            utc_offset: Nanoseconds(said("utc_offset").and_then(|text| text.parse().ok()).unwrap_or(0)),
            delimiter: said("delimiter").and_then(|text| text.bytes().next()),
            header: said("header") != Some("false"),
            market: said("market").and_then(|text| Market::parse(text).ok()),
            select: said("select").map(str::to_string),
            map: None,
            describes_itself,
        }
    }
}

/// Whether a key was written for a path that another one, of `--set` or of an extending scenario, replaced.
fn is_below_path(reading: &Reading<'_>, section: &Section<'_>, key: &str) -> bool {
    let origin = |key| document::get(section.entries, key).map(|entry| reading.document.origin(entry.spot));
    matches!((origin(key), origin("path")), (Some(key), Some(path)) if key < path)
}

/// A market journal: it says itself what it holds and whose it is.
fn journal<'a>(
    reading: &'a Reading<'a>,
    section: &Section<'a>,
    path: PathBuf,
    notes: &mut Vec<String>,
) -> Option<(SourceSettings, DataFile)> {
    let (mut left_out, mut good) = (Vec::new(), true);
    for entry in section.entries.iter().filter(|entry| !matches!(entry.key.as_str(), "path" | "kind")) {
        if is_below_path(reading, section, &entry.key) {
            left_out.push(entry.key.as_str());
            continue;
        }
        good = false;
        let message = format!("a market journal has no `{}`: it describes itself", entry.key);
        section.fail(&entry.key, message, "leave it out; genovo import is where it is said");
    }
    if !left_out.is_empty() {
        notes.push(format!("left out, as a market journal describes itself: {}", left_out.join(", ")));
    }
    let content = match Journal::open(&path) {
        Ok(journal) => journal.summary().head_hash,
        Err(error) => {
            let label = if path.exists() { error.to_string() } else { near(&path) };
            section.fail("path", format!("cannot read the data {}", path.display()), label);
            return None;
        }
    };
    good.then(|| describing_itself(InstrumentId::NONE, DataKind::Journal, path, content))
}

/// A source that says itself what it holds: nothing of how it is read is said by the scenario.
pub fn describing_itself(
    instrument: InstrumentId,
    kind: DataKind,
    path: PathBuf,
    content: Hash,
) -> (SourceSettings, DataFile) {
    let settings = SourceSettings {
        instrument,
        kind,
        content,
        reading: BTreeMap::new(),
        feed_latency: Nanoseconds::ZERO,
        clock_offset: Nanoseconds::ZERO,
        skip_bad_rows: false,
        tiles: 1,
        bar_interval: None,
        bar_known_after: None,
    };
    let file = DataFile {
        path,
        instrument,
        kind,
        columns: BTreeMap::new(),
        time_format: None,
        utc_offset: Nanoseconds::ZERO,
        delimiter: None,
        header: true,
        market: None,
        select: None,
        map: None,
        describes_itself: true,
    };
    (settings, file)
}

fn instrument(section: &Section<'_>, instruments: Option<&[Instrument]>) -> Option<InstrumentId> {
    let symbol = section.text("instrument");
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

type BarTimes = (Option<Nanoseconds>, Option<Nanoseconds>);

/// `interval` and `known_after`, which bars must and all others cannot have.
fn bar_times(section: &Section<'_>, kind: DataKind, described: Option<&Description>) -> Option<BarTimes> {
    if kind != DataKind::Bars {
        for key in ["interval", "known_after"] {
            if section.says(key) {
                section.fail(key, format!("`{key}` is for bars, and this data holds others"), "leave it out");
            }
        }
        return Some((None, None));
    }
    let by_itself = described.and_then(|described| described.bar_interval);
    let interval = match (section.says("interval"), by_itself) {
        (false, Some(length)) => {
            section.otherwise("interval", readable::show_length(length));
            Some(length)
        }
        (false, None) => {
            let (message, label) =
                ("the data does not say how long its bars last", "add `interval = \"1 day\"`");
            section.fail("interval", message, label);
            None
        }
        (true, _) => section.length("interval"),
    };
    let by_itself = described.and_then(|described| described.bar_known_after);
    let known_after = match section.says("known_after") {
        true => section.length("known_after"),
        false => {
            let same = described.is_some_and(|described| described.bar_interval == interval);
            let known = by_itself.filter(|_| same).or(interval);
            known.inspect(|time| drop(section.otherwise("known_after", readable::show_length(*time))))
        }
    };
    interval?;
    known_after?;
    Some((interval, known_after))
}

/// What the settings name a file by: the BLAKE3 of its bytes.
pub fn content(section: &Section<'_>, path: &Path) -> Option<Hash> {
    if path.is_dir() {
        section.fail("kind", "a folder is a market journal", "leave `kind` out, or name a file");
        return None;
    }
    content_of(section, "path", path)
}

/// The BLAKE3 of the file that a key names.
pub fn content_of(section: &Section<'_>, key: &str, path: &Path) -> Option<Hash> {
    match hash_file(path) {
        Ok(hash) => Some(hash),
        Err(error) => {
            let label = match error.kind() {
                std::io::ErrorKind::NotFound => near(path),
                _ => error.to_string(),
            };
            section.fail(key, format!("cannot read the data {}", path.display()), label);
            None
        }
    }
}

fn hash_file(path: &Path) -> std::io::Result<Hash> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(File::open(path)?)?;
    Ok(Hash(*hasher.finalize().as_bytes()))
}
