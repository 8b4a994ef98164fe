//! Parquet files: what our own writer and nautilus_trader's wrote is read to the last digit; what is broken is said.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use genovo_adapters::data::{Column, DataError, DataSpec, Field, describe, open};
use genovo_adapters::table::{Cell, ColumnKind, ParquetTable, TableColumn, TableWriter};
use genovo_engine::event::{Fact, Side};
use genovo_engine::ids::InstrumentId;
use genovo_engine::settings::DataKind::{self, Bars, Quotes, Trades};
use genovo_engine::units::{Nanoseconds, Price, Quantity, Timestamp};

use crate::{drain, file, read, read_path};

fn of(kind: DataKind) -> DataSpec {
    DataSpec::new(InstrumentId(1), kind)
}

fn catalog(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/nautilus").join(name)
}

/// A file of these columns and rows.
fn table(columns: &[(&str, ColumnKind)], rows: &[Vec<Cell<'_>>]) -> Vec<u8> {
    let columns: Vec<TableColumn> =
        columns.iter().map(|(name, kind)| TableColumn { name: name.to_string(), kind: *kind }).collect();
    let mut bytes = Vec::new();
    let mut table = ParquetTable::new(&mut bytes, &columns, &[]).unwrap();
    rows.iter().for_each(|row| table.row(row).unwrap());
    table.finish().unwrap();
    drop(table);
    bytes
}

const QUOTES: [(&str, ColumnKind); 6] = [
    ("time_event", ColumnKind::Time),
    ("time_received", ColumnKind::Time),
    ("symbol", ColumnKind::Text),
    ("bid", ColumnKind::Decimal),
    ("ask", ColumnKind::Decimal),
    ("bid_size", ColumnKind::Decimal),
];

fn quote(time: i64, symbol: &str, bid: i64, size: Option<i64>) -> Vec<Cell<'_>> {
    vec![
        Cell::Time(Timestamp(time)),
        Cell::Time(Timestamp(time + 7)),
        Cell::Text(Cow::Borrowed(symbol)),
        Cell::Decimal(bid.into()),
        Cell::Decimal(i128::from(bid) + 1),
        Cell::decimal(size),
    ]
}

#[test]
fn what_is_written_is_read_to_the_last_digit() {
    // More rows than are read at once.
    let rows: Vec<_> =
        (0..9_000).map(|i| quote(i, "ABC", i * 1_000_003 - 5, (i % 3 > 0).then_some(i))).collect();
    let bytes = table(&QUOTES, &rows);
    let events = read(&bytes, &of(Quotes)).unwrap();
    assert_eq!(events.len(), 9_000);
    for (i, event) in (0..).zip(&events) {
        let Fact::QuoteChanged(quote) = event.fact else { panic!("quotes") };
        assert_eq!((event.header.time_event.0, event.header.time_received.0), (i, i + 7));
        assert_eq!((quote.bid, quote.ask), (Price(i * 1_000_003 - 5), Price(i * 1_000_003 - 4)));
        assert_eq!((quote.bid_size, quote.ask_size), ((i % 3 > 0).then_some(Quantity(i)), None));
    }
    let packed = file(&bytes);
    let mut open = open(packed.path(), &of(Quotes)).unwrap();
    assert_eq!(drain(&mut open, 7).0, events);
    assert_eq!(open.tally.bytes(), open.bytes_total);
}

#[test]
fn one_instrument_of_several_is_chosen() {
    let bytes =
        table(&QUOTES, &[quote(1, "ABC", 5, None), quote(2, "XYZ", 6, None), quote(3, "ABC", 7, None)]);
    let error = read(&bytes, &of(Quotes)).unwrap_err().to_string();
    assert!(
        error.contains("XYZ is another instrument: expected one of ABC") && error.contains("row 2"),
        "{error}"
    );
    let chosen = |symbol: &str| {
        let spec = DataSpec { select: Some(symbol.to_string()), ..of(Quotes) };
        read(&bytes, &spec).map(|events| events.len())
    };
    assert_eq!((chosen("ABC").unwrap(), chosen("XYZ").unwrap()), (2, 1));
    assert!(matches!(chosen("DEF"), Err(DataError::NoRows { .. })));
}

#[test]
fn bad_rows_and_missing_columns_are_named() {
    let columns = [("t", ColumnKind::Whole), ("price", ColumnKind::Text), ("size", ColumnKind::Float)];
    let row = |time, price: &'static str, size| vec![Cell::Whole(time), Cell::text(price), Cell::Float(size)];
    let second = 1_700_000_000;
    let rows = [
        row(second, "1.5", 0.1),
        row(second, "1.5x", 0.1),
        row(second, "2.5", -1.0),
        row(second, "2.5", 0.0),
        row(second, "2.5", f32::NAN),
    ];
    let bytes = table(&columns, &rows);
    let error = read(&bytes, &of(Trades)).unwrap_err().to_string();
    assert!(error.contains("no column for `time`"), "{error}");
    let mut spec = of(Trades);
    spec.columns.insert(Field::Time, Column::Name("t".to_string()));
    let DataError::Row(bad) = read(&bytes, &spec).unwrap_err() else { panic!("a bad row") };
    assert_eq!((bad.unit, bad.line, bad.column.as_deref(), bad.good_rows), ("row", 2, Some("price"), 1));
    spec.skip_bad_rows = true;
    let events = read(&bytes, &spec).unwrap();
    // The unit of the times is shown by their size; a float is its shortest text; NaN is unknown.
    assert_eq!(events[0].header.time_event, Timestamp(second * 1_000_000_000));
    let sizes: Vec<_> = events
        .iter()
        .map(|event| match event.fact {
            Fact::TradePrinted(trade) => trade.size,
            _ => panic!("trades"),
        })
        .collect();
    assert_eq!(sizes, [Some(Quantity(100_000_000)), None]);
}

#[test]
fn catalogs_of_nautilus_trader_are_read() {
    let said = describe(&catalog("quote_tick.parquet"), None, None).unwrap().expect("a Parquet file");
    assert_eq!((said.kinds[0], said.symbol.as_deref()), (Quotes, Some("EUR/USD")));
    let quotes = read_path(&catalog("quote_tick.parquet"), &of(Quotes)).unwrap();
    let Fact::QuoteChanged(quote) = quotes[1].fact else { panic!("quotes") };
    assert_eq!((quotes.len(), quote.bid, quote.ask), (50, Price(1_300_010_000), Price(1_300_030_000)));
    let trades = read_path(&catalog("trade_tick.parquet"), &of(Trades)).unwrap();
    let sides: Vec<_> = trades
        .iter()
        .take(3)
        .map(|event| match event.fact {
            Fact::TradePrinted(trade) => trade.aggressor,
            _ => panic!("trades"),
        })
        .collect();
    assert_eq!((trades.len(), sides), (50, vec![Some(Side::Buy), Some(Side::Sell), None]));
    let bars = read_path(&catalog("bar.parquet"), &of(Bars)).unwrap();
    let Fact::BarReceived(bar) = &bars[0].fact else { panic!("bars") };
    assert_eq!((bars.len(), bar.open_time), (30, Timestamp(1_398_902_400_000_000_000)));
    assert_eq!(bars[0].header.time_event, bar.open_time + Nanoseconds(60 * 1_000_000_000));
    assert_eq!((bar.high, bar.volume), (Price(1_300_500_000), Some(Quantity(1_000_000_000_000))));
}

#[test]
fn broken_bytes_are_an_error_or_the_same_rows() {
    let bytes = table(&QUOTES, &(0..40).map(|i| quote(i, "ABC", i, Some(i))).collect::<Vec<_>>());
    for at in (0..bytes.len()).step_by(5) {
        let mut wrong = bytes.clone();
        wrong[at] ^= 0x41;
        let _ = read(&wrong, &of(Quotes));
    }
    for length in (4..bytes.len()).step_by(23) {
        assert!(read(&bytes[..length], &of(Quotes)).is_err(), "{length} bytes");
    }
}

/// A header that claims a list of a thousand million entries in a file of three thousand bytes.
#[test]
fn a_list_that_is_not_there_is_the_end_of_the_file() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/hostile/list_without_end.parquet");
    let error = read_path(&path, &of(Quotes)).unwrap_err();
    assert!(matches!(error, DataError::Damaged { .. }), "{error}");
}
