//! `genovo import`: market data files become a market journal, which replays like the files and faster.
//!
//! The files are merged by arrival exactly as a replay merges them, so that a run over the journal derives
//! the same events as a run over the files.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use genovo_adapters::data::{
    self, Column, DataError, DataSpec, Description, Field, Market, TimeFormat, inspect,
};
use genovo_engine::LOGIC_VERSION;
use genovo_engine::event::{Event, Fact, RunStarted, WorldKind};
use genovo_engine::ids::{Hash, InstrumentId, Sequence};
use genovo_engine::merge::Merge;
use genovo_engine::pipeline::QueuedSource;
use genovo_engine::run::RunError;
use genovo_engine::settings::{Commission, DataKind, Instrument};
use genovo_engine::units::{Money, Nanoseconds, Price, Quantity, Ratio, SCALE, Timestamp};
use genovo_engine::world::{Source, WorldError};
use genovo_journal::{Error, Identity, Sealed, Writer};

use super::{Context, say, say_json};
use crate::error::{Exit, Failure};
use crate::progress::Progress;
use crate::report::format;
use crate::scenario::readable;
use crate::sources::{self, Opened};
use crate::{failures, machine};

/// Turn market data files into a market journal, or look at what a file holds.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Import {
    /// CSV, plain or packed by zstd or gzip, LEAN archives, DBN or Parquet; several are merged by arrival time.
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Whose data: one symbol for all files, or one for each in their order [default: as the files say; CSV does not].
    #[arg(long, value_name = "SYMBOL")]
    pub instrument: Vec<String>,
    /// Only show what the files seem to hold, and why; write nothing.
    #[arg(long)]
    pub inspect: bool,
    #[command(flatten)]
    pub reading: Reading,
    /// Smallest step of the price [default: the decimals of the first rows].
    #[arg(long, value_name = "PRICE", value_parser = readable::price)]
    pub tick: Option<Price>,
    /// Smallest step of a quantity [default: the decimals of the first rows, at most 1].
    #[arg(long, value_name = "QUANTITY", value_parser = readable::quantity)]
    pub lot: Option<Quantity>,
    /// Where the journal goes: a new or empty directory [default: one under market/, named as the file].
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// How the files are read: what a scenario's `[data]` says.
#[derive(Args, Clone, Debug)]
pub struct Reading {
    /// What the files hold [default: as the names of the columns show].
    #[arg(long, value_name = "quotes|trades|bars|books", value_parser = kind)]
    pub kind: Option<DataKind>,
    /// Which column plays which role: its name, or its number from 1 [default: the usual names].
    #[arg(long, value_name = "ROLE=COLUMN", value_delimiter = ',', value_parser = column)]
    pub columns: Vec<(Field, Column)>,
    /// The first line is data: --columns gives numbers.
    #[arg(long)]
    pub no_header: bool,
    /// How times are written [default: as the files show].
    #[arg(long, value_name = "ns|us|ms|s|text", value_parser = time_format)]
    pub time_format: Option<TimeFormat>,
    /// How far the files' clock is ahead of UTC, such as "-5 h".
    #[arg(long, value_name = "LENGTH", value_parser = readable::length, allow_hyphen_values = true)]
    pub utc_offset: Option<Nanoseconds>,
    /// From a row's time to its arrival, if the files have no arrival time.
    #[arg(long, value_name = "LENGTH", value_parser = readable::length)]
    pub feed_latency: Option<Nanoseconds>,
    /// LEAN: security type and market, such as equity/usa [default: as the folders say].
    #[arg(long, value_name = "MARKET", value_parser = Market::parse)]
    pub market: Option<Market>,
    /// Which of several instruments in the files, such as a contract of a LEAN archive.
    #[arg(long, value_name = "NAME")]
    pub select: Option<String>,
    /// How long a bar lasts, such as "1 min" [default: as the file says; CSV does not].
    #[arg(long, value_name = "LENGTH", value_parser = readable::length)]
    pub interval: Option<Nanoseconds>,
    /// How long after its open time a bar is known [default: as --interval].
    #[arg(long, value_name = "LENGTH", value_parser = readable::length)]
    pub known_after: Option<Nanoseconds>,
    /// Count and leave out rows that cannot be read, instead of stopping.
    #[arg(long)]
    pub skip_bad_rows: bool,
    /// How often each file is repeated, each time shifted past its end.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub tiles: u32,
}

const EXAMPLES: &str = "\
Examples:
  genovo import quotes.csv.zst --inspect
  genovo import quotes.csv.zst --instrument XAUUSD --tick 0.001
  genovo import day1.csv day2.csv --instrument EURUSD --columns time=stamp,bid=b,ask=a --time-format ms
  genovo import data/equity/usa/minute/spy/20131007_trade.zip
  genovo import bars.csv --instrument SPY --interval \"1 day\" --known-after \"16 h\" --out market/spy
  genovo replay scenarios/gold.toml --set data.path=market/quotes";

const NOT_WRITTEN: &str = "No journal was written.";

fn kind(text: &str) -> Result<DataKind, String> {
    match text {
        "quotes" => Ok(DataKind::Quotes),
        "trades" => Ok(DataKind::Trades),
        "bars" => Ok(DataKind::Bars),
        "books" => Ok(DataKind::Books),
        _ => Err("write quotes, trades, bars or books".to_string()),
    }
}

fn column(text: &str) -> Result<(Field, Column), String> {
    let (role, column) = text.split_once('=').ok_or("write such as time=stamp or bid=4")?;
    let field = Field::from_name(role.trim()).ok_or_else(|| {
        let names: Vec<&str> = Field::ALL.iter().map(|field| field.name()).collect();
        format!("there is no role `{role}`; roles are {}", names.join(", "))
    })?;
    let column = column.trim();
    match (column, column.parse()) {
        ("", _) => Err(format!("which column is {role}?")),
        (_, Ok(number)) => Ok((field, Column::Number(number))),
        _ => Ok((field, Column::Name(column.to_string()))),
    }
}

fn time_format(text: &str) -> Result<TimeFormat, String> {
    TimeFormat::from_name(text).ok_or_else(|| "write ns, us, ms, s or text".to_string())
}

impl Reading {
    /// Puts what was said over a description.
    pub fn over(&self, spec: &mut DataSpec) {
        if let Some(kind) = self.kind {
            spec.kind = kind;
            spec.columns.retain(|field, _| Field::of(kind).contains(field));
        }
        spec.columns.extend(self.columns.iter().cloned());
        spec.header &= !self.no_header;
        if self.time_format.is_some() {
            (spec.time, spec.arrival) = (self.time_format, self.time_format);
        }
        spec.market = self.market.clone().or(spec.market.take());
        spec.select = self.select.clone().or(spec.select.take());
        spec.utc_offset = self.utc_offset.unwrap_or(spec.utc_offset);
        spec.feed_latency = self.feed_latency.unwrap_or(spec.feed_latency);
        spec.bar_interval = self.interval.or(spec.bar_interval);
        spec.bar_known_after = self.known_after.or(spec.bar_known_after);
        spec.skip_bad_rows |= self.skip_bad_rows;
        spec.tiles = self.tiles;
    }

    /// What a file says of itself; `None` for CSV.
    fn description(&self, path: &Path) -> Result<Option<Description>, Failure> {
        data::describe(path, self.market.as_ref(), self.select.as_deref()).map_err(|error| failure(&error))
    }

    /// The description of a file: what was said, over what it says itself, over the usual.
    fn spec(&self, path: &Path, instrument: InstrumentId) -> Result<DataSpec, Failure> {
        let mut spec = match (self.description(path)?, self.kind) {
            (Some(said), _) => {
                let mut spec = DataSpec::new(instrument, said.kinds[0]);
                (spec.bar_interval, spec.bar_known_after) = (said.bar_interval, said.bar_known_after);
                spec
            }
            (None, Some(kind)) => DataSpec::new(instrument, kind),
            (None, None) if self.no_header => DataSpec::new(instrument, DataKind::Quotes),
            (None, None) => {
                let guess = inspect::guess(path).map_err(|error| failure(&error))?;
                DataSpec::new(instrument, guess.spec.kind)
            }
        };
        self.over(&mut spec);
        Ok(spec)
    }
}

/// A journal that was written.
struct Imported {
    symbols: Vec<String>,
    kinds: Vec<DataKind>,
    journal: PathBuf,
    ticks: u64,
    times: (Timestamp, Timestamp),
    skipped: Vec<(PathBuf, u64)>,
    rounded: u64,
    one_sided: u64,
    sealed: Sealed,
    elapsed: Duration,
}

impl Import {
    /// Runs the command.
    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        if self.inspect {
            return crate::inspect::command(self, context);
        }
        let imported = self.import(context)?;
        match context.json {
            true => say_json(&imported.to_json()),
            false => say(&imported.to_text()),
        }
    }

    fn import(&self, context: &Context) -> Result<Imported, Failure> {
        let began = Instant::now();
        let named = self.named()?;
        let symbols = self.symbols(&named)?;
        let mut opened = Opened { sources: Vec::new(), tallies: Vec::new(), bytes_total: 0 };
        let mut kinds = Vec::new();
        for (path, id) in self.files.iter().zip(ids(&named, &symbols)) {
            let spec = self.reading.spec(path, id)?;
            let data = data::open(path, &spec).map_err(|error| failure(&error))?;
            kinds.push(spec.kind);
            opened.bytes_total += data.bytes_total;
            opened.tallies.push((path.clone(), data.tally));
            opened.sources.push(data.source);
        }
        kinds.dedup();
        let journal = self.out.clone().unwrap_or_else(|| default_place(&self.files[0]));
        let existed = journal.exists();
        let clear = || {
            // The folder was empty or not there: it is left as it was found.
            let _ = fs::remove_dir_all(&journal);
            if existed {
                let _ = fs::create_dir(&journal);
            }
        };
        let writer = Writer::create(&journal, &identity()).map_err(|error| {
            if !matches!(error, Error::NotEmpty { .. }) {
                clear();
            }
            failures::journal(&error, NOT_WRITTEN)
                .help("name a new or empty directory that you may write: --out DIR")
        })?;
        let progress = Progress::start("importing", &opened, context.json);
        let tallies = opened.tallies.clone();
        let written = self.write(opened.sources, &symbols, writer);
        progress.finish();
        let (ticks, times, sealed) = written.inspect_err(|_| clear())?;
        let rounded = tallies.iter().map(|(_, tally)| tally.rounded()).sum();
        let one_sided = tallies.iter().map(|(_, tally)| tally.one_sided()).sum();
        let skipped = tallies.into_iter().map(|(path, tally)| (path, tally.skipped()));
        Ok(Imported {
            symbols,
            kinds,
            journal: journal.clone(),
            ticks,
            times,
            rounded,
            one_sided,
            skipped: skipped.filter(|(_, skipped)| *skipped > 0).collect(),
            sealed,
            elapsed: began.elapsed(),
        })
    }

    /// Whose data each file is.
    fn named(&self) -> Result<Vec<String>, Failure> {
        let usage = |message: String| Failure::new(Exit::Usage, message, NOT_WRITTEN);
        let (named, files) = (self.instrument.len(), self.files.len());
        if named == 0 {
            let symbol = |path: &PathBuf| {
                self.reading.description(path)?.and_then(|said| said.symbol).ok_or_else(|| {
                    usage(format!("{} does not say whose data it is", path.display()))
                        .help("name the instrument: --instrument SYMBOL")
                })
            };
            return self.files.iter().map(symbol).collect();
        }
        if named != 1 && named != files {
            let message = format!("{named} instruments are named for {files} files");
            return Err(usage(message).help("name one for all files, or one for each in their order"));
        }
        Ok(self.instrument.iter().cycle().take(files).cloned().collect())
    }

    /// The instruments, each once, in the order in which they are named.
    fn symbols(&self, named: &[String]) -> Result<Vec<String>, Failure> {
        let mut symbols: Vec<String> = Vec::new();
        for symbol in named {
            if symbol.trim().is_empty() {
                return Err(Failure::new(Exit::Usage, "an instrument has no name", NOT_WRITTEN)
                    .help("--instrument SYMBOL"));
            }
            if !symbols.contains(symbol) {
                symbols.push(symbol.clone());
            }
        }
        Ok(symbols)
    }

    /// Merges the sources into the journal and seals it.
    fn write(
        &self,
        sources: Vec<Box<dyn Source>>,
        symbols: &[String],
        mut writer: Writer,
    ) -> Result<(u64, (Timestamp, Timestamp), Sealed), Failure> {
        let world = |error: WorldError| match sources::data_error(&error) {
            Some(error) => failure(error),
            None => failures::run(&RunError::World(error), NOT_WRITTEN),
        };
        let kept = |error: Error| failures::journal(&error, NOT_WRITTEN);
        let ahead = |source| Box::new(QueuedSource::spawn(source)) as Box<dyn Source>;
        let mut market = Merge::new(sources.into_iter().map(ahead).collect());
        // The opening needs the first rows: when the data begins, and how fine its prices are.
        let mut first = Vec::with_capacity(FIRST_ROWS);
        while first.len() < FIRST_ROWS
            && let Some(event) = market.next_event().map_err(world)?
        {
            first.push(event.clone());
        }
        let start = first.first().map_or(Timestamp(0), |event| event.header.time_received);
        let (mut number, mut ticks, mut end) = (0, 0, start);
        let mut put = |event: &mut Event| {
            number += 1;
            event.header.sequence = Sequence::input(number);
            end = event.header.time_received;
            writer.append(event).map_err(kept)
        };
        put(&mut Event::unnumbered(
            start,
            start,
            InstrumentId::NONE,
            Fact::RunStarted(Box::new(market_identity())),
        ))?;
        for (index, symbol) in symbols.iter().enumerate() {
            let id = InstrumentId(index as u32 + 1);
            let instrument = self.define(symbol, first.iter().filter(|event| event.header.instrument == id));
            put(&mut Event::unnumbered(start, start, id, Fact::InstrumentDefined(Box::new(instrument))))?;
        }
        for event in &mut first {
            ticks += 1;
            put(event)?;
        }
        while let Some(event) = market.next_event().map_err(world)? {
            ticks += 1;
            put(event)?;
        }
        let sealed = writer.finish().map_err(kept)?;
        Ok((ticks, (start, end), sealed))
    }

    /// An instrument by what was said and what its first rows show. A scenario names its own rules over it.
    fn define<'a>(&self, symbol: &str, rows: impl Iterator<Item = &'a Event>) -> Instrument {
        let (mut tick, mut lot) = (SCALE, SCALE);
        for event in rows {
            let (prices, sizes) = numbers(&event.fact);
            prices.into_iter().for_each(|price| tick = decimal_step(tick, price.0));
            sizes.into_iter().flatten().for_each(|size| lot = decimal_step(lot, size.0));
        }
        Instrument {
            symbol: symbol.to_string(),
            tick: self.tick.unwrap_or(Price(tick)),
            lot: self.lot.unwrap_or(Quantity(lot)),
            multiplier: Quantity(SCALE),
            margin_initial: Ratio::ONE,
            margin_maintenance: Ratio::ONE,
            commission: Commission {
                taker: Ratio(0),
                maker: Ratio(0),
                per_unit: Money::ZERO,
                minimum: Money::ZERO,
            },
            currency: None,
        }
    }
}

/// Whose data each file is, by number.
fn ids(named: &[String], symbols: &[String]) -> impl Iterator<Item = InstrumentId> {
    named.iter().map(|named| {
        let place = symbols.iter().position(|symbol| symbol == named);
        InstrumentId(place.map_or(0, |place| place as u32 + 1))
    })
}

/// How many rows show when the data begins and how fine its prices are.
const FIRST_ROWS: usize = 1_024;

/// The prices and sizes of a market event.
fn numbers(fact: &Fact) -> (Vec<Price>, Vec<Option<Quantity>>) {
    match fact {
        Fact::QuoteChanged(quote) => (vec![quote.bid, quote.ask], vec![quote.bid_size, quote.ask_size]),
        Fact::TradePrinted(trade) => (vec![trade.price], vec![trade.size]),
        Fact::BookChanged(change) => (vec![change.price], vec![Some(change.size)]),
        Fact::BarReceived(bar) => (vec![bar.open, bar.high, bar.low, bar.close], vec![bar.volume]),
        _ => (Vec::new(), Vec::new()),
    }
}

/// The largest power of ten, from `step` down, that divides `value`.
fn decimal_step(mut step: i64, value: i64) -> i64 {
    while step > 1 && value % step != 0 {
        step /= 10;
    }
    step
}

/// Who a market journal is: no settings, no seed, nothing that decides.
pub(crate) fn market_identity() -> RunStarted {
    let settings = "{}".to_string();
    RunStarted {
        world: WorldKind::Market,
        logic_version: LOGIC_VERSION,
        seed: 0,
        settings_hash: Hash(*blake3::hash(settings.as_bytes()).as_bytes()),
        settings,
        features: Vec::new(),
        model: None,
    }
}

pub(crate) fn identity() -> Identity {
    Identity {
        version: env!("CARGO_PKG_VERSION").to_string(),
        commit: option_env!("GENOVO_COMMIT").unwrap_or("unknown").to_string(),
        backend: "none".to_string(),
        cpu: "none".to_string(),
        threads: "one to read each file, one to write".to_string(),
        host: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        started: jiff::Timestamp::now().to_string(),
    }
}

/// `market/xauusd_oanda_2014` for `xauusd_oanda_2014.csv.zst`, or the first free number after it.
fn default_place(file: &Path) -> PathBuf {
    let name = file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let mut stem = name.as_str();
    for ending in [".zst", ".zstd", ".gz", ".csv", ".tsv", ".txt", ".zip", ".dbn", ".parquet"] {
        stem = stem.strip_suffix(ending).unwrap_or(stem);
    }
    let stem = if stem.is_empty() { "data" } else { stem };
    let names = std::iter::once(stem.to_string()).chain((2_u32..).map(|number| format!("{stem}-{number}")));
    let mut places = names.map(|name| Path::new("market").join(name));
    places.find(|place| !place.exists()).expect("numbers do not end")
}

/// A file that cannot be used, with the flags of this command as the way out.
pub fn failure(error: &DataError) -> Failure {
    let failure = failures::data(error, NOT_WRITTEN);
    match error {
        DataError::Row(_) => {
            failure.help("repair the row, or count and leave out such rows: --skip-bad-rows")
        }
        DataError::MissingColumn(_) | DataError::Spec { .. } => failure.help(
            "say what the file holds: --kind, --columns time=…,bid=…, --select, --market; \
             --inspect shows what it seems to hold",
        ),
        _ => failure,
    }
}

/// As in a scenario.
pub fn kind_name(kind: DataKind) -> &'static str {
    match kind {
        DataKind::Quotes => "quotes",
        DataKind::Trades => "trades",
        DataKind::Bars => "bars",
        DataKind::Books => "books",
        DataKind::Journal => "journal",
        DataKind::Actions => "actions",
        DataKind::Signals => "signals",
        DataKind::Outside => "outside",
    }
}

impl Imported {
    fn to_text(&self) -> String {
        let Sealed { events, blocks_bytes, store_bytes, head_hash, .. } = &self.sealed;
        let seconds = self.elapsed.as_secs_f64();
        let kinds: Vec<&str> = self.kinds.iter().map(|kind| kind_name(*kind)).collect();
        let mut text = format!(
            "imported {} {} of {}   {} to {} UTC   {:.2} s   {:.1}M/s\n",
            format::count(self.ticks),
            kinds.join(" and "),
            self.symbols.join(", "),
            format::second(self.times.0),
            format::second(self.times.1),
            seconds,
            self.ticks as f64 / seconds / 1e6,
        );
        for (path, skipped) in &self.skipped {
            text.push_str(&format!("  ! {}: {skipped} bad rows left out\n", path.display()));
        }
        if self.rounded > 0 {
            let sizes = format::count(self.rounded);
            text.push_str(&format!(
                "  ! {sizes} sizes had more than nine decimals and were rounded to nine\n"
            ));
        }
        if self.one_sided > 0 {
            let records = format::count(self.one_sided);
            text.push_str(&format!("  ! {records} records had no bid or no ask, and are no quotes\n"));
        }
        text.push_str(&format!(
            "  journal    {}   {} events, {} in blocks, {} in the store, chain verified   head {}\n",
            self.journal.display(),
            format::count(*events),
            format::bytes(*blocks_bytes),
            format::bytes(*store_bytes),
            head_hash.short(),
        ));
        text + &format!("\nUse it:\n  genovo replay SCENARIO --set data.path={}\n", self.journal.display())
    }

    fn to_json(&self) -> serde_json::Value {
        let seconds = self.elapsed.as_secs_f64();
        serde_json::json!({
            "journal": self.journal,
            "instruments": self.symbols,
            "kinds": self.kinds,
            "ticks": self.ticks,
            "events": self.sealed.events,
            "first_time": self.times.0,
            "last_time": self.times.1,
            "rows_skipped": self.skipped.iter().map(|(_, count)| count).sum::<u64>(),
            "sizes_rounded": self.rounded,
            "one_sided": self.one_sided,
            "head_hash": self.sealed.head_hash,
            "blocks": self.sealed.blocks,
            "blocks_bytes": self.sealed.blocks_bytes,
            "store_bytes": self.sealed.store_bytes,
            "wall_seconds": seconds,
            "ticks_per_second": self.ticks as f64 / seconds,
            "peak_rss_bytes": machine::peak_rss_bytes(),
        })
    }
}
