//! Parquet files of quotes, trades and bars: any with one row a tick, and the catalogs of nautilus_trader.
//!
//! Columns are found by the names that CSV files use, or mapped likewise. `column` knows what physical and logical
//! types mean, `table` reads columns side by side; here rows become events.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use genovo_engine::event::{Bar, Event, Fact, Quote, Side, Trade};
use genovo_engine::ids::InstrumentId;
use genovo_engine::settings::DataKind;
use genovo_engine::units::{Nanoseconds, Price, Quantity, Timestamp};

use super::spec::kind_name;
use super::time::Clock;
use super::{
    Column as Named, Compression, DataError, DataSpec, Description, Field, FileSource, Format, MissingColumn,
    OpenFile, Tally, TimeFormat,
};

mod bounded;
pub(crate) mod column;
pub(crate) mod table;

use column::{Column, Flaw, Want};
use table::{Parquet, Table};

/// Opens a file and finds its columns.
pub(super) fn open(path: &Path, spec: &DataSpec, tally: Arc<Tally>) -> Result<OpenFile, DataError> {
    let parquet = Parquet::open(path)?;
    let refused = |message: String| DataError::Spec { file: path.to_owned(), message };
    let catalog = Catalog::of(&parquet);
    let header: Vec<String> = parquet.columns().into_iter().map(|(_, name)| name).collect();
    let mut fields = Vec::new();
    let mut columns = Vec::new();
    for field in Field::of(spec.kind) {
        let Some(place) = place_of(&parquet, path, spec, catalog.is_some(), *field)? else {
            if field.is_required() {
                return Err(missing(path, *field, &header));
            }
            continue;
        };
        let want = match field {
            Field::Time => Want::Time(clock(&parquet, place, spec.time, spec.utc_offset)?),
            Field::Arrival => Want::Time(clock(&parquet, place, spec.arrival, spec.utc_offset)?),
            Field::Side => Want::Side,
            _ => Want::Decimal,
        };
        let binary = catalog.as_ref().and_then(|catalog| catalog.scale(&parquet, place));
        fields.push(*field);
        columns.push(parquet.column(place, want, binary).map_err(refused)?);
    }
    let time_format = match &columns.first().map(column::Column::is_of_text) {
        Some(true) => TimeFormat::Text,
        _ => TimeFormat::Nanoseconds,
    };
    let interval = catalog.as_ref().and_then(|catalog| catalog.interval);
    let known = spec.bar_known().or(interval);
    if spec.kind == DataKind::Bars && known.is_none() {
        return Err(refused("bars need `bar_interval` or `bar_known_after`".to_string()));
    }
    // A catalog stamps a bar with the time at which it closed.
    let opened_before = interval.filter(|_| spec.kind == DataKind::Bars).unwrap_or(Nanoseconds::ZERO);
    let symbol = symbol_column(&parquet, path, spec)?;
    let symbol_at = symbol.as_ref().map(|_| columns.len());
    columns.extend(symbol);
    let at = |field| fields.iter().position(|known| *known == field);
    let places = Places {
        arrival: at(Field::Arrival),
        kind: match spec.kind {
            DataKind::Quotes => KindPlaces::Quotes {
                bid: at(Field::Bid).unwrap_or(0),
                ask: at(Field::Ask).unwrap_or(0),
                bid_size: at(Field::BidSize),
                ask_size: at(Field::AskSize),
            },
            DataKind::Trades => KindPlaces::Trades {
                price: at(Field::Price).unwrap_or(0),
                size: at(Field::Size),
                side: at(Field::Side),
            },
            DataKind::Bars
            | DataKind::Books
            | DataKind::Journal
            | DataKind::Actions
            | DataKind::Signals
            | DataKind::Outside => KindPlaces::Bars {
                prices: [Field::Open, Field::High, Field::Low, Field::Close]
                    .map(|field| at(field).unwrap_or(0)),
                volume: at(Field::Volume),
            },
        },
        symbol: symbol_at,
    };
    let table = Table::new(parquet, columns, tally.clone());
    let bytes = table.bytes();
    let source = ParquetSource {
        table,
        places,
        instrument: spec.instrument,
        opened_before,
        bar_known_after: known.unwrap_or(Nanoseconds::ZERO),
        feed_latency: spec.feed_latency,
        clock_offset: spec.clock_offset,
        selected: spec.select.is_some(),
        skip_bad_rows: spec.skip_bad_rows,
        received: Timestamp::MIN,
        good: 0,
        skipped: 0,
        tally,
        failed: None,
    };
    Ok(OpenFile { source: Box::new(source), bytes, compression: Compression::Parquet, time_format, header })
}

/// What a file says of itself.
pub(super) fn describe(path: &Path, select: Option<&str>) -> Result<Description, DataError> {
    let parquet = Parquet::open(path)?;
    let catalog = Catalog::of(&parquet);
    let header: Vec<String> = parquet.columns().into_iter().map(|(_, name)| name).collect();
    let has = |field: &Field| {
        let mut usual = field.usual_names().iter();
        usual.any(|usual| header.iter().any(|name| name.eq_ignore_ascii_case(usual)))
    };
    let kinds = [DataKind::Bars, DataKind::Quotes, DataKind::Trades]
        .into_iter()
        .filter(|kind| Field::of(*kind).iter().all(|field| !field.is_required() || has(field)));
    let mut kinds: Vec<DataKind> = kinds.collect();
    let mut said = vec![format!("{} rows of {} columns", parquet.rows(), header.len())];
    if let Some(writer) = parquet.writer() {
        said.push(format!("written by {writer}"));
    }
    if let Some(catalog) = &catalog {
        said.push(format!("a catalog of nautilus_trader: prices are binary, of {}", catalog.instrument));
    }
    if kinds.is_empty() {
        kinds.push(DataKind::Quotes);
        said.push("its columns have none of the usual names: say `columns`".to_string());
    } else {
        said.push(format!("{}: by the names of the columns", kind_name(kinds[0])));
    }
    let interval = catalog.as_ref().and_then(|catalog| catalog.interval);
    Ok(Description {
        format: Format::Parquet,
        kinds,
        bar_interval: interval,
        bar_known_after: interval,
        market: None,
        select: select.map(str::to_string),
        symbol: select.map(str::to_string).or(catalog.map(|catalog| catalog.symbol())),
        columns: header,
        examples: Vec::new(),
        said,
    })
}

/// What the metadata of a nautilus_trader catalog says.
struct Catalog {
    instrument: String,
    /// How long its bars last.
    interval: Option<Nanoseconds>,
}

impl Catalog {
    fn of(parquet: &Parquet) -> Option<Catalog> {
        parquet.said("price_precision").or_else(|| parquet.said("size_precision"))?;
        let instrument = parquet.said("instrument_id").or_else(|| parquet.said("bar_type"))?;
        // EUR/USD.SIM-1-MINUTE-BID-EXTERNAL
        let interval = parquet.said("bar_type").and_then(|kind| {
            let parts: Vec<&str> = kind.rsplitn(5, '-').collect();
            let (step, unit) = (parts.get(3)?.parse::<i64>().ok()?, *parts.get(2)?);
            let seconds = match unit {
                "SECOND" => 1,
                "MINUTE" => 60,
                "HOUR" => 3_600,
                "DAY" => 86_400,
                _ => return None,
            };
            step.checked_mul(seconds)?.checked_mul(Nanoseconds::SECOND.0).map(Nanoseconds)
        });
        Some(Catalog { instrument, interval: interval.filter(|interval| *interval > Nanoseconds::ZERO) })
    }

    /// `EUR/USD` of `EUR/USD.SIM`.
    fn symbol(&self) -> String {
        let symbol = self.instrument.rsplit_once('.').map_or(self.instrument.as_str(), |(symbol, _)| symbol);
        symbol.to_string()
    }

    /// The decimals of its binary numbers: 16 in sixteen bytes, 9 in eight.
    fn scale(&self, parquet: &Parquet, place: usize) -> Option<i32> {
        match parquet.schema().column(place).type_length() {
            16 => Some(16),
            8 => Some(9),
            _ => None,
        }
    }
}

/// Where a field stands: as the spec says, else under its usual names.
fn place_of(
    parquet: &Parquet,
    path: &Path,
    spec: &DataSpec,
    catalog: bool,
    field: Field,
) -> Result<Option<usize>, DataError> {
    let columns = parquet.columns();
    let of_name = |name: &str| {
        let exact = columns.iter().find(|(_, known)| known == name);
        exact
            .or_else(|| columns.iter().find(|(_, known)| known.eq_ignore_ascii_case(name)))
            .map(|(place, _)| *place)
    };
    let header = || columns.iter().map(|(_, name)| name.clone()).collect::<Vec<_>>();
    match spec.columns.get(&field) {
        Some(Named::Number(number)) => match number.checked_sub(1).and_then(|place| columns.get(place)) {
            Some((place, _)) => Ok(Some(*place)),
            None => Err(DataError::Spec {
                file: path.to_owned(),
                message: format!("there is no column {number} for `{field}`: it has {}", columns.len()),
            }),
        },
        Some(Named::Name(name)) => match of_name(name) {
            Some(place) => Ok(Some(place)),
            None => Err(DataError::MissingColumn(Box::new(MissingColumn {
                file: path.to_owned(),
                field,
                tried: vec![name.clone()],
                header: header(),
                similar: None,
                looks_like_data: false,
            }))),
        },
        None if catalog && field == Field::Arrival => Ok(of_name("ts_init")),
        None => Ok(field.usual_names().iter().find_map(|name| of_name(name))),
    }
}

fn missing(path: &Path, field: Field, header: &[String]) -> DataError {
    DataError::MissingColumn(Box::new(MissingColumn {
        file: path.to_owned(),
        field,
        tried: field.usual_names().iter().map(ToString::to_string).collect(),
        header: header.to_vec(),
        similar: None,
        looks_like_data: false,
    }))
}

/// The clock of a column of times: what was said, what its name says, else what its first number shows.
pub(super) fn clock(
    parquet: &Parquet,
    place: usize,
    said: Option<TimeFormat>,
    utc_offset: Nanoseconds,
) -> Result<Clock, DataError> {
    let refused = |message| DataError::Spec { file: parquet.file.clone(), message };
    let descriptor = parquet.schema().column(place);
    let format = said.or_else(|| TimeFormat::named_by(descriptor.name()));
    let clock = |format| Clock { format, utc_offset };
    if let Some(format) = format {
        return Ok(clock(format));
    }
    // A type that has a unit of its own is not asked; neither is text, which is read as such.
    let probe = parquet.column(place, Want::Time(clock(TimeFormat::Nanoseconds)), None).map_err(refused)?;
    if !probe.needs_a_unit() {
        return Ok(clock(TimeFormat::Nanoseconds));
    }
    let again = Parquet::open(&parquet.file)?;
    let probe = again.column(place, Want::Time(clock(TimeFormat::Nanoseconds)), None).map_err(refused)?;
    let mut table = Table::new(again, vec![probe], Arc::new(Tally::default()));
    let first = loop {
        match table.next()? {
            None => return Ok(clock(TimeFormat::Nanoseconds)),
            Some(_) => {
                if let Some(value) = table.value(0) {
                    break value.saturating_add(utc_offset.0);
                }
            }
        }
    };
    let format = TimeFormat::shown_by(first.to_string().as_bytes());
    format.map(clock).ok_or_else(|| {
        let column = descriptor.name();
        refused(format!("cannot tell the unit of `{first}` in the column `{column}`: say it"))
    })
}

/// The column that names the instrument, where the file has one: with `select` other rows are passed over, without
/// it there must be no others.
fn symbol_column(parquet: &Parquet, path: &Path, spec: &DataSpec) -> Result<Option<Column>, DataError> {
    let refused = |message: String| DataError::Spec { file: path.to_owned(), message };
    let usual = ["symbol", "ticker", "instrument"];
    let columns = parquet.columns();
    let found = columns.iter().find(|(_, name)| usual.iter().any(|usual| name.eq_ignore_ascii_case(usual)));
    let found = found.filter(|(place, _)| {
        parquet.schema().column(*place).physical_type() == parquet::basic::Type::BYTE_ARRAY
    });
    match (found, &spec.select) {
        (Some((place, _)), Some(select)) => {
            parquet.column(*place, Want::Is(select.clone()), None).map(Some).map_err(refused)
        }
        (None, Some(_)) => {
            Err(refused(format!("it has no column of text called {}: leave `select` out", usual.join(", "))))
        }
        (Some((place, _)), None) => {
            let again = Parquet::open(path)?;
            let first = first_text(again, *place).map_err(refused)?;
            let Some(first) = first else { return Ok(None) };
            parquet.column(*place, Want::OneOf(vec![first]), None).map(Some).map_err(refused)
        }
        (None, None) => Ok(None),
    }
}

/// The first text of a column.
fn first_text(parquet: Parquet, place: usize) -> Result<Option<String>, String> {
    let column = parquet.column(place, Want::OneOf(Vec::new()), None)?;
    let mut table = Table::new(parquet, vec![column], Arc::new(Tally::default()));
    while let Some(row) = table.next().map_err(|error| error.to_string())? {
        // No text is in an empty list: the flaw names it.
        if let Some(flaw) = row.flaw {
            return Ok(Some(flaw.value));
        }
    }
    Ok(None)
}

/// Which of the table's columns holds what; the time is the first.
struct Places {
    arrival: Option<usize>,
    kind: KindPlaces,
    symbol: Option<usize>,
}

enum KindPlaces {
    Quotes { bid: usize, ask: usize, bid_size: Option<usize>, ask_size: Option<usize> },
    Trades { price: usize, size: Option<usize>, side: Option<usize> },
    Bars { prices: [usize; 4], volume: Option<usize> },
}

/// A Parquet file being read.
struct ParquetSource {
    table: Table,
    places: Places,
    instrument: InstrumentId,
    /// How long before its stamp a bar opened.
    opened_before: Nanoseconds,
    bar_known_after: Nanoseconds,
    feed_latency: Nanoseconds,
    clock_offset: Nanoseconds,
    selected: bool,
    skip_bad_rows: bool,
    received: Timestamp,
    good: u64,
    skipped: u64,
    tally: Arc<Tally>,
    /// What ended the reading; asked again, it is said again.
    failed: Option<DataError>,
}

impl ParquetSource {
    fn fill(&mut self, batch: &mut Vec<Event>, target: usize) -> Result<(), DataError> {
        while batch.len() < target {
            let Some(row) = self.table.next()? else {
                if self.good == 0 {
                    return Err(DataError::NoRows {
                        file: self.table.parquet.file.clone(),
                        skipped: self.skipped,
                    });
                }
                return Ok(());
            };
            if self.selected && self.places.symbol.is_some_and(|symbol| self.table.value(symbol) == Some(0)) {
                continue;
            }
            match row.flaw.map_or_else(|| self.event(), Err) {
                Ok(event) => {
                    self.good += 1;
                    batch.push(event);
                }
                Err(flaw) => self.bad_row(flaw)?,
            }
        }
        Ok(())
    }

    fn size(&self, column: Option<usize>) -> Result<Option<Quantity>, Flaw> {
        let Some(column) = column else { return Ok(None) };
        match self.table.value(column) {
            Some(size) if size < 0 => Err(self.table.flaw(column, "is not a size", "no minus sign")),
            size => Ok(size.map(Quantity)),
        }
    }

    /// The event of the row stepped to.
    fn event(&mut self) -> Result<Event, Flaw> {
        let price = |column| self.table.need(column).map(Price);
        let stamp = Timestamp(self.table.need(0)?);
        let out_of_range = || Flaw {
            column: self.table.columns[0].name.clone(),
            value: stamp.0.to_string(),
            problem: "is not a time",
            expected: "a time from 1677-09-21 to 2262-04-11".to_string(),
        };
        let later = |time: Timestamp, by: Nanoseconds| {
            time.0.checked_add(by.0).map(Timestamp).ok_or_else(out_of_range)
        };
        let (known, fact) = match self.places.kind {
            KindPlaces::Quotes { bid, ask, bid_size, ask_size } => {
                let quote = Quote {
                    bid: price(bid)?,
                    ask: price(ask)?,
                    bid_size: self.size(bid_size)?,
                    ask_size: self.size(ask_size)?,
                };
                (stamp, Fact::QuoteChanged(quote))
            }
            KindPlaces::Trades { price: at, size, side } => {
                let aggressor = match side.and_then(|side| self.table.value(side)) {
                    Some(1) => Some(Side::Buy),
                    Some(_) => Some(Side::Sell),
                    None => None,
                };
                let trade = Trade { price: price(at)?, size: self.size(size)?, aggressor };
                if let (Some(Quantity::ZERO), Some(size)) = (trade.size, size) {
                    return Err(self.table.flaw(size, "is not the size of a trade", "more than zero"));
                }
                (stamp, Fact::TradePrinted(trade))
            }
            KindPlaces::Bars { prices: [open, high, low, close], volume } => {
                let open_time = later(stamp, Nanoseconds(-self.opened_before.0))?;
                let bar = Bar {
                    open_time,
                    open: price(open)?,
                    high: price(high)?,
                    low: price(low)?,
                    close: price(close)?,
                    volume: self.size(volume)?,
                };
                if bar.high < bar.open.max(bar.close).max(bar.low) {
                    return Err(self.table.flaw(
                        high,
                        "is not the high of this bar",
                        "no price of the bar above it",
                    ));
                }
                if bar.low > bar.open.min(bar.close) {
                    return Err(self.table.flaw(
                        low,
                        "is not the low of this bar",
                        "no price of the bar below it",
                    ));
                }
                (later(open_time, self.bar_known_after)?, Fact::BarReceived(bar))
            }
        };
        let arrives = match self.places.arrival.and_then(|arrival| self.table.value(arrival)) {
            Some(arrival) => later(Timestamp(arrival), self.clock_offset)?,
            None => later(known, self.feed_latency)?,
        };
        self.received = self.received.max(arrives);
        Ok(Event::unnumbered(known, self.received, self.instrument, fact))
    }

    #[cold]
    fn bad_row(&mut self, flaw: Flaw) -> Result<(), DataError> {
        let row = self.table.bad_row(flaw, self.good);
        if !self.skip_bad_rows {
            return Err(DataError::Row(Box::new(row)));
        }
        self.skipped += 1;
        self.tally.skip(|| row);
        Ok(())
    }
}

impl FileSource for ParquetSource {
    fn read_rows(&mut self, batch: &mut Vec<Event>, limit: usize) -> Result<(), DataError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let before = batch.len();
        let result = self.fill(batch, before.saturating_add(limit));
        self.tally.rows.fetch_add((batch.len() - before) as u64, Ordering::Relaxed);
        if let Err(error) = &result {
            self.failed = Some(error.clone());
        }
        result
    }

    fn line(&self) -> u64 {
        self.table.number
    }
}
