//! Captures of Binance's streams: a line a message, its arrival in nanoseconds before it, as hftbacktest records them.
//!
//! ```text
//! 1723161255088169167 {"stream":"btcusdt@depth@0ms","data":{"e":"depthUpdate","U":…,"u":…,"b":[["58710.20","0.014"], …
//! 1723161255319702566 {"lastUpdateId":5123107852948,"bids":[["61800.20","2.909"], …        the answer of the REST call
//! ```
//!
//! `message` says what a message is, `depth` keeps the rule by which updates follow a snapshot, `row` makes the events.
//! Spot and futures differ in what an update says of the one before it; both are read.

use std::path::Path;
use std::sync::Arc;

use genovo_engine::settings::DataKind;
use genovo_engine::units::Timestamp;

use super::csv::first_lines;
use super::spec::kind_name;
use super::text::TextSource;
use super::text::lines::Lines;
use super::{DataError, DataSpec, Description, Format, OpenFile, Tally, TimeFormat, input};

mod depth;
mod message;
mod row;

use message::Message;
use row::Rows;

/// Opens a capture.
pub(super) fn open(path: &Path, spec: &DataSpec, tally: Arc<Tally>) -> Result<OpenFile, DataError> {
    if spec.kind == DataKind::Bars {
        let message = "a capture of Binance holds books, quotes and trades, no bars".to_string();
        return Err(DataError::Spec { file: path.to_owned(), message });
    }
    let input = input::open(path, tally.clone())?;
    let rows = Rows::new(spec);
    let lines = Lines::new(input.text);
    let source = TextSource::new(
        path.to_owned(),
        input.compression,
        Vec::new(),
        lines,
        rows,
        spec.skip_bad_rows,
        tally,
    );
    Ok(OpenFile {
        source: Box::new(source),
        bytes: input.file_size,
        compression: input.compression,
        time_format: TimeFormat::Nanoseconds,
        header: Vec::new(),
    })
}

/// Whether a file that begins so is a capture: a time, a blank and an object.
pub(super) fn is_beginning(bytes: &[u8]) -> bool {
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (16..=19).contains(&digits) && bytes[digits..].starts_with(b" {\"")
}

/// Lines that are looked at to tell what a capture holds.
const LOOK: usize = 2_000;

/// What a capture says of itself.
pub(super) fn describe(path: &Path, select: Option<&str>) -> Result<Description, DataError> {
    let (_, lines) = first_lines(path, LOOK)?;
    let (mut symbols, mut depth, mut snapshots, mut tickers, mut trades) = (Vec::new(), 0, 0, 0, 0);
    for line in &lines {
        let body = line.iter().position(|&byte| byte == b' ').map_or(&line[..], |at| &line[at + 1..]);
        let Ok(message) = Message::read(body) else { continue };
        match message {
            Message::Depth(_) => depth += 1,
            Message::Snapshot(_) => snapshots += 1,
            Message::Ticker(_) => tickers += 1,
            Message::Trade(_) => trades += 1,
            Message::Other => {}
        }
        if let Some(symbol) = message.symbol() {
            let symbol = symbol.to_string();
            if !symbols.contains(&symbol) {
                symbols.push(symbol);
            }
        }
    }
    let mut kinds = Vec::new();
    for (count, kind) in [(depth, DataKind::Books), (tickers, DataKind::Quotes), (trades, DataKind::Trades)] {
        if count > 0 {
            kinds.push(kind);
        }
    }
    if kinds.is_empty() {
        return Err(DataError::NotRead {
            file: path.to_owned(),
            found: format!(
                "its first {} lines have no update of a book, no best prices, no trade",
                lines.len()
            ),
            help: "capture the streams @depth, @bookTicker or @trade".to_string(),
        });
    }
    let mut said = vec![format!(
        "a capture of Binance's streams: {depth} updates of the book, {snapshots} snapshots, {tickers} best prices, \
         {trades} trades in its first {} lines",
        lines.len()
    )];
    if kinds.len() > 1 {
        let can: Vec<&str> = kinds.iter().map(|kind| kind_name(*kind)).collect();
        said.push(format!("can be read as {}", can.join(" or ")));
    }
    if symbols.len() > 1 {
        said.push(format!("it holds {}", super::listed(&symbols, "symbol")));
    }
    let symbol = select.map(str::to_string).or_else(|| symbols.first().cloned());
    Ok(Description {
        format: Format::Binance,
        kinds,
        bar_interval: None,
        bar_known_after: None,
        market: None,
        select: select.map(str::to_string),
        symbol,
        columns: Vec::new(),
        examples: Vec::new(),
        said,
    })
}

/// A time in milliseconds, which is how Binance writes its own unless it is asked for microseconds: those are beyond
/// 2262.
fn milliseconds(count: u64) -> Option<Timestamp> {
    i64::try_from(count).ok()?.checked_mul(1_000_000).map(Timestamp)
}
