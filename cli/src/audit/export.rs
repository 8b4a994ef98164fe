//! `audit export`: a journal's events of one subject as a table, for other programs.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use genovo_adapters::table::{Cell, ColumnKind, CsvTable, JsonTable, ParquetTable, TableColumn, TableWriter};
use genovo_engine::event::{Event, Fact, Kind, Side};
use genovo_engine::units::{Price, Quantity};

use super::recording::{Numbered, Recording, failed};
use super::words;
use crate::error::{Exit, Failure};

/// What is exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Subject {
    /// Best bid and ask, as they arrived.
    Quotes,
    /// Trades of others, as they arrived.
    Trades,
    /// Changes of order books, a level or an order a row, as they arrived.
    Books,
    /// Bars: those of the data and those built from ticks.
    Bars,
    /// What decisions saw, a column a feature.
    Features,
    /// What was decided, and why.
    Decisions,
    /// What became of orders, an event a row; fills apart.
    Orders,
    /// Executions.
    Fills,
    /// What risk said.
    Risk,
    /// Equity at every decision and at the end.
    Equity,
}

/// How it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum TableFormat {
    /// Comma-separated, with a header.
    Csv,
    /// A JSON object a line.
    Jsonl,
    /// Parquet, packed by zstd.
    Parquet,
}

/// The columns that every subject begins with.
const FIRST: [(&str, ColumnKind); 5] = [
    ("event", ColumnKind::Whole),
    ("sequence", ColumnKind::Whole),
    ("time_event", ColumnKind::Time),
    ("time_received", ColumnKind::Time),
    ("instrument", ColumnKind::Text),
];

impl Subject {
    /// The kinds of events that it is made of.
    fn kinds(self) -> &'static [Kind] {
        match self {
            Subject::Quotes => &[Kind::QuoteChanged],
            Subject::Trades => &[Kind::TradePrinted],
            Subject::Books => &[Kind::BookChanged, Kind::BookReset],
            Subject::Bars => &[Kind::BarReceived, Kind::BarClosed],
            Subject::Features => &[Kind::FeaturesComputed],
            Subject::Decisions => &[Kind::DecisionMade],
            Subject::Orders => &[
                Kind::OrderSubmitted,
                Kind::OrderAccepted,
                Kind::OrderRejected,
                Kind::OrderDenied,
                Kind::CancelRequested,
                Kind::CancelRejected,
                Kind::OrderCancelled,
                Kind::OrderExpired,
                Kind::OrderUnknown,
                Kind::OrderTriggered,
                Kind::ReplaceRequested,
                Kind::OrderReplaced,
                Kind::ReplaceRejected,
            ],
            Subject::Fills => &[Kind::OrderFilled],
            Subject::Risk => &[Kind::RiskAssessed],
            Subject::Equity => &[Kind::DecisionMade, Kind::RunEnded],
        }
    }

    /// Its columns behind the first ones.
    fn columns(self, recording: &Recording) -> Vec<(String, ColumnKind)> {
        use ColumnKind::{Decimal, Float, Text, Time, Whole};
        let fixed: &[(&str, ColumnKind)] = match self {
            Subject::Quotes => {
                &[("bid", Decimal), ("ask", Decimal), ("bid_size", Decimal), ("ask_size", Decimal)]
            }
            Subject::Trades => &[("price", Decimal), ("size", Decimal), ("side", Text)],
            Subject::Books => &[
                ("action", Text),
                ("side", Text),
                ("price", Decimal),
                ("size", Decimal),
                ("order", Text),
                ("last", Text),
            ],
            Subject::Bars => &[
                ("from", Text),
                ("open_time", Time),
                ("open", Decimal),
                ("high", Decimal),
                ("low", Decimal),
                ("close", Decimal),
                ("volume", Decimal),
            ],
            Subject::Features => {
                let features = recording.features().iter();
                return features.map(|name| (name.clone(), Float)).collect();
            }
            Subject::Decisions => &[
                ("strategy", Text),
                ("because", Text),
                ("actions", Text),
                ("equity", Decimal),
                ("position", Decimal),
            ],
            Subject::Orders => &[
                ("order", Whole),
                ("what", Text),
                ("side", Text),
                ("quantity", Decimal),
                ("bid", Decimal),
                ("ask", Decimal),
                ("position", Decimal),
                ("unfilled", Decimal),
                ("detail", Text),
            ],
            Subject::Fills => &[
                ("order", Whole),
                ("side", Text),
                ("price", Decimal),
                ("quantity", Decimal),
                ("remaining", Decimal),
                ("liquidity", Text),
                ("commission", Decimal),
                ("bid", Decimal),
                ("ask", Decimal),
            ],
            Subject::Risk => &[
                ("outcome", Text),
                ("rule", Text),
                ("side", Text),
                ("closing", Decimal),
                ("asked", Decimal),
                ("granted", Decimal),
                ("price", Decimal),
                ("distance", Decimal),
                ("equity", Decimal),
            ],
            Subject::Equity => &[("equity", Decimal)],
        };
        let mut columns: Vec<_> = fixed.iter().map(|(name, kind)| (name.to_string(), *kind)).collect();
        if self == Subject::Orders && has_several(recording) {
            columns.push(("strategy".to_string(), Text));
        }
        columns
    }
}

/// Whether several strategies share the account.
fn has_several(recording: &Recording) -> bool {
    recording.settings.as_ref().is_some_and(|settings| !settings.strategies.is_empty())
}

/// Writes a subject of a journal; how many rows it had. Without `out` it goes to standard output.
pub fn export(
    recording: &Recording,
    subject: Subject,
    format: TableFormat,
    out: Option<&Path>,
    step: impl FnMut(u64),
) -> Result<u64, Failure> {
    let columns: Vec<TableColumn> = FIRST
        .iter()
        .map(|(name, kind)| (name.to_string(), *kind))
        .chain(subject.columns(recording))
        .map(|(name, kind)| TableColumn { name, kind })
        .collect();
    let Some(path) = out else {
        let stdout = BufWriter::with_capacity(1 << 16, io::stdout());
        return match write(recording, subject, format, &columns, stdout, step) {
            // A reader that went away, as `head` does, is no failure.
            Err(Stop::Out(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(0),
            result => result.map_err(|stop| stop.failure("standard output")),
        };
    };
    // Written beside its place and moved there whole: a table is never half there.
    let shown = path.display().to_string();
    let beside = path.with_extension("part");
    let result = File::create(&beside)
        .map_err(Stop::Out)
        .and_then(|file| {
            write(recording, subject, format, &columns, BufWriter::with_capacity(1 << 16, file), step)
        })
        .and_then(|rows| fs::rename(&beside, path).map(|()| rows).map_err(Stop::Out));
    result.map_err(|stop| {
        let _ = fs::remove_file(&beside);
        stop.failure(&shown)
    })
}

/// Why writing stopped.
enum Stop {
    Out(io::Error),
    Journal(Failure),
}

impl Stop {
    fn failure(self, out: &str) -> Failure {
        match self {
            Stop::Out(error) => {
                Failure::new(Exit::Failed, format!("cannot write {out}: {error}"), "Nothing was exported.")
            }
            Stop::Journal(failure) => failure,
        }
    }
}

fn write(
    recording: &Recording,
    subject: Subject,
    format: TableFormat,
    columns: &[TableColumn],
    out: impl Write + Send,
    mut step: impl FnMut(u64),
) -> Result<u64, Stop> {
    let about = [("genovo.head_hash", recording.journal.summary().head_hash.to_string())];
    match format {
        TableFormat::Csv => {
            let mut table = CsvTable::new(out, columns).map_err(Stop::Out)?;
            rows(recording, subject, &mut table, &mut step)
        }
        TableFormat::Jsonl => rows(recording, subject, &mut JsonTable::new(out, columns), &mut step),
        TableFormat::Parquet => {
            let mut table = ParquetTable::new(out, columns, &about).map_err(Stop::Out)?;
            rows(recording, subject, &mut table, &mut step)
        }
    }
}

fn rows(
    recording: &Recording,
    subject: Subject,
    table: &mut dyn TableWriter,
    step: &mut dyn FnMut(u64),
) -> Result<u64, Stop> {
    let (kinds, mut count) = (subject.kinds(), 0);
    for (number, event) in (1..).zip(recording.journal.events()) {
        let event = event.map_err(|error| Stop::Journal(failed(error)))?;
        if number % 65_536 == 0 {
            step(number);
        }
        if !kinds.contains(&event.fact.kind()) {
            continue;
        }
        let one = Numbered { number, event };
        table.row(&cells(recording, subject, &one)).map_err(Stop::Out)?;
        count += 1;
    }
    table.finish().map_err(Stop::Out)?;
    Ok(count)
}

fn price<'a>(price: Price) -> Cell<'a> {
    Cell::Decimal(price.0.into())
}

fn quantity<'a>(quantity: Quantity) -> Cell<'a> {
    Cell::Decimal(quantity.0.into())
}

fn cells<'a>(recording: &'a Recording, subject: Subject, one: &'a Numbered) -> Vec<Cell<'a>> {
    let header = &one.event.header;
    let whole = |number: u64| i64::try_from(number).map_or(Cell::Absent, Cell::Whole);
    let mut cells = vec![
        whole(one.number),
        whole(header.sequence.0),
        Cell::Time(header.time_event),
        Cell::Time(header.time_received),
        match header.instrument.index() {
            Some(_) => Cell::Text(Cow::Owned(recording.symbol(header.instrument))),
            None => Cell::Absent,
        },
    ];
    let maybe_price = |price: Option<Price>| Cell::decimal(price.map(|price| price.0));
    let maybe_size = |size: Option<Quantity>| Cell::decimal(size.map(|size| size.0));
    match &one.event.fact {
        Fact::QuoteChanged(quote) => cells.extend([
            price(quote.bid),
            price(quote.ask),
            maybe_size(quote.bid_size),
            maybe_size(quote.ask_size),
        ]),
        Fact::TradePrinted(trade) => cells.extend([
            price(trade.price),
            maybe_size(trade.size),
            trade.aggressor.map_or(Cell::Absent, |side| Cell::text(side.name())),
        ]),
        Fact::BookChanged(change) => cells.extend([
            Cell::text(change.action.name()),
            Cell::text(if change.side == Side::Buy { "bid" } else { "ask" }),
            price(change.price),
            quantity(change.size),
            // As text: a venue's numbers use all 64 bits.
            match change.order {
                0 => Cell::Absent,
                order => Cell::Text(Cow::Owned(order.to_string())),
            },
            Cell::text(if change.last { "yes" } else { "no" }),
        ]),
        Fact::BookReset(reset) => {
            cells.push(Cell::text(reset.reason.name()));
            cells.extend([const { Cell::Absent }; 5]);
        }
        Fact::BarReceived(bar) | Fact::BarClosed(bar) => {
            let from = if one.event.fact.kind() == Kind::BarReceived { "data" } else { "ticks" };
            cells.extend([Cell::text(from), Cell::Time(bar.open_time)]);
            cells.extend([bar.open, bar.high, bar.low, bar.close].map(price));
            cells.push(maybe_size(bar.volume));
        }
        Fact::FeaturesComputed(features) => {
            let columns = 0..recording.features().len();
            cells.extend(columns.map(|column| features.get(column).map_or(Cell::Absent, Cell::Float)));
        }
        Fact::DecisionMade(decision) if subject == Subject::Equity => {
            cells.push(Cell::Decimal(decision.equity.0));
        }
        Fact::DecisionMade(decision) => {
            let actions: Vec<String> =
                decision.actions.iter().map(|action| words::action(recording, action)).collect();
            cells.extend([
                Cell::text(&decision.strategy),
                Cell::text(&decision.because),
                Cell::Text(Cow::Owned(actions.join("; "))),
                Cell::Decimal(decision.equity.0),
                quantity(decision.position),
            ]);
        }
        Fact::RunEnded(ended) => cells.push(Cell::Decimal(ended.equity.0)),
        Fact::OrderFilled(fill) => cells.extend([
            whole(fill.order.0),
            Cell::text(fill.side.name()),
            price(fill.price),
            quantity(fill.quantity),
            quantity(fill.remaining),
            Cell::Text(Cow::Owned(format!("{:?}", fill.liquidity).to_lowercase())),
            Cell::Decimal(fill.commission.0),
            maybe_price(fill.bid),
            maybe_price(fill.ask),
        ]),
        Fact::RiskAssessed(verdict) => cells.extend([
            Cell::text(verdict.outcome.name()),
            verdict.rule.map_or(Cell::Absent, |rule| Cell::text(rule.name())),
            Cell::text(verdict.side.name()),
            quantity(verdict.closing),
            quantity(verdict.asked),
            quantity(verdict.granted),
            maybe_price(verdict.price),
            price(verdict.distance),
            Cell::Decimal(verdict.equity.0),
        ]),
        _ => cells.extend(order(recording, &one.event)),
    }
    cells
}

/// The cells of an event of an order.
fn order<'a>(recording: &Recording, event: &'a Event) -> Vec<Cell<'a>> {
    let whole = |number: u64| i64::try_from(number).map_or(Cell::Absent, Cell::Whole);
    let number = super::explain::order_of(&event.fact).map_or(Cell::Absent, |order| whole(order.0));
    let mut cells = vec![number, Cell::text(event.fact.kind().name())];
    match &event.fact {
        Fact::OrderSubmitted(order) => cells.extend([
            Cell::text(order.side.name()),
            quantity(order.quantity),
            Cell::decimal(order.bid.map(|price| price.0)),
            Cell::decimal(order.ask.map(|price| price.0)),
            quantity(order.position),
            Cell::Absent,
        ]),
        Fact::OrderCancelled(closed) | Fact::OrderExpired(closed) => {
            cells.extend([const { Cell::Absent }; 5]);
            cells.push(quantity(closed.unfilled));
        }
        _ => cells.extend([const { Cell::Absent }; 6]),
    }
    cells.push(Cell::Text(Cow::Owned(words::event(recording, event))));
    if has_several(recording) {
        let of = match &event.fact {
            Fact::OrderSubmitted(order) => {
                recording.settings.as_ref().and_then(|all| all.shared(order.strategy))
            }
            _ => None,
        };
        cells.push(of.map_or(Cell::Absent, |shared| Cell::Text(Cow::Owned(shared.name.clone()))));
    }
    cells
}
