//! LEAN archives: each layout against rows that were converted from the same files by other means.

use std::path::{Path, PathBuf};

use genovo_adapters::data::{DataError, DataSpec, Market, Tally, describe, inspect, open};
use genovo_engine::event::{Event, Fact};
use genovo_engine::ids::InstrumentId;
use genovo_engine::settings::DataKind;
use genovo_engine::units::{Nanoseconds, Price, Quantity, Timestamp};

use crate::{drain, read_path};

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/lean").join(name)
}

fn of(kind: DataKind) -> DataSpec {
    DataSpec::new(InstrumentId(1), kind)
}

/// What an event says, as the columns of a converted file.
fn as_columns(event: &Event) -> Vec<String> {
    let size = |size: Option<Quantity>| size.map_or(String::new(), |size| size.to_string());
    let mut columns = vec![event.header.time_event.0.to_string()];
    match &event.fact {
        Fact::QuoteChanged(quote) => columns.extend([
            quote.bid.to_string(),
            quote.ask.to_string(),
            size(quote.bid_size),
            size(quote.ask_size),
        ]),
        Fact::TradePrinted(trade) => {
            columns.extend([trade.price.to_string(), size(trade.size), String::new()]);
        }
        Fact::BarReceived(bar) => {
            columns[0] = bar.open_time.0.to_string();
            columns.extend([bar.open, bar.high, bar.low, bar.close].map(|price| price.to_string()));
            columns.push(bar.volume.map_or("0".to_string(), |volume| volume.to_string()));
        }
        other => panic!("{} is no market data", other.kind().name()),
    }
    columns
}

#[test]
fn every_layout_reads_as_converted_by_other_means() {
    use DataKind::{Bars, Quotes, Trades};
    for (file, expected, kind) in [
        ("equity/usa/tick/bac/20131007_quote.zip", "equity_tick_quote", Quotes),
        ("equity/usa/tick/bac/20131007_trade.zip", "equity_tick_trade", Trades),
        ("equity/usa/minute/bac/20131007_trade.zip", "equity_minute_trade", Bars),
        ("equity/usa/hour/bac.zip", "equity_hour", Bars),
        ("equity/usa/daily/bac.zip", "equity_daily", Bars),
        ("cfd/oanda/daily/xauusd.zip", "cfd_daily", Bars),
        ("cfd/oanda/tick/xauusd/20140504_quote.zip", "cfd_tick", Quotes),
        ("forex/fxcm/tick/eurusd/20140504_quote.zip", "forex_tick", Quotes),
        ("forex/fxcm/minute/eurusd/20140504_quote.zip", "forex_minute_quote", Bars),
        ("crypto/coinbase/minute/btcusd/20180404_trade.zip", "crypto_minute_trade", Bars),
    ] {
        let events = read_path(&sample(file), &of(kind)).unwrap_or_else(|error| panic!("{file}: {error}"));
        let mut rows = csv::Reader::from_path(sample("expected").join(format!("{expected}.csv"))).unwrap();
        let rows: Vec<Vec<String>> =
            rows.records().map(|row| row.unwrap().iter().map(str::to_string).collect()).collect();
        assert!(rows.len() >= 150 && events.len() >= rows.len(), "{file}: {} events", events.len());
        for (number, (event, row)) in events.iter().zip(&rows).enumerate() {
            // Trailing zeros are no difference.
            let plain = |text: &String| text.parse::<Price>().map_or(text.clone(), |price| price.to_string());
            assert_eq!(as_columns(event)[0], row[0], "{file}, event {number}");
            let row: Vec<String> = row[1..].iter().map(plain).collect();
            assert_eq!(as_columns(event)[1..], row, "{file}, event {number}");
        }
    }
}

#[test]
fn a_bar_is_known_when_its_time_is_over() {
    let known = |file: &str| {
        let events = read_path(&sample(file), &of(DataKind::Bars)).unwrap();
        let Fact::BarReceived(bar) = &events[0].fact else { panic!("bars") };
        (events[0].header.time_event - bar.open_time).0 / Nanoseconds::SECOND.0
    };
    assert_eq!(known("equity/usa/minute/bac/20131007_trade.zip"), 60);
    assert_eq!(known("equity/usa/hour/bac.zip"), 3_600);
    // A US session stamped midnight ends at 16:00; a day of gold lasts a day.
    assert_eq!(known("equity/usa/daily/bac.zip"), 16 * 3_600);
    assert_eq!(known("cfd/oanda/daily/xauusd.zip"), 24 * 3_600);
    let mut spec = of(DataKind::Bars);
    (spec.bar_known_after, spec.feed_latency) = (Some(Nanoseconds(5)), Nanoseconds(7));
    let events = read_path(&sample("equity/usa/daily/bac.zip"), &spec).unwrap();
    let Fact::BarReceived(bar) = &events[0].fact else { panic!("bars") };
    assert_eq!(events[0].header.time_event, bar.open_time + Nanoseconds(5));
    assert_eq!(events[0].header.time_received, bar.open_time + Nanoseconds(12));
}

#[test]
fn bars_of_quotes_are_read_as_their_last_quotes_too() {
    let file = sample("equity/usa/minute/bac/20131007_quote.zip");
    let quotes = read_path(&file, &of(DataKind::Quotes)).unwrap();
    // 14400000,138400,138400,138400,138400,700,140200,… of the first minute from 4:00 in New York.
    let Fact::QuoteChanged(first) = quotes[0].fact else { panic!("quotes") };
    assert_eq!(quotes[0].header.time_event, Timestamp(1_381_132_860_000_000_000));
    assert_eq!((first.bid, first.bid_size), (Price(13_840_000_000), Some(Quantity(700_000_000_000))));
    let bars = read_path(&file, &of(DataKind::Bars)).unwrap();
    assert_eq!(bars.len(), quotes.len());
}

#[test]
fn one_contract_of_several_is_chosen() {
    let file = sample("future/cme/minute/es/20131006_quote.zip");
    let mut spec = of(DataKind::Bars);
    let error = read_path(&file, &spec).unwrap_err().to_string();
    assert!(error.contains("5 contracts: 201312, 201403") && error.contains("`select`"), "{error}");
    spec.select = Some("201312".to_string());
    let events = read_path(&file, &spec).unwrap();
    // The second row has no bid: the bid stands where it stood, and the mid is half of both.
    let Fact::BarReceived(second) = &events[1].fact else { panic!("bars") };
    assert_eq!(second.close, Price((1_681_500_000_000 + 1_682_250_000_000) / 2));
    assert_eq!(second.open_time, Timestamp(1_381_017_600_000_000_000 + 75_660_000_000_000));
    spec.select = Some("209912".to_string());
    let error = read_path(&file, &spec).unwrap_err().to_string();
    assert!(error.contains("no `209912`"), "{error}");
    let interest = sample("future/cme/minute/es/20131006_openinterest.zip");
    let error = read_path(&interest, &spec).unwrap_err().to_string();
    assert!(error.contains("open interest, which is not read"), "{error}");
}

#[test]
fn sizes_that_a_float_left_behind_are_rounded_and_counted() {
    let file = sample("crypto/coinbase/minute/btcusd/20180404_quote.zip");
    let mut open = open(&file, &of(DataKind::Quotes)).unwrap();
    let (events, error) = drain(&mut open, 64);
    assert_eq!((events.len(), error), (300, None));
    assert_eq!(events[0].fact_size(), Some(Quantity(33_353_996_010)));
    assert!(open.tally.rounded() > 0 && open.tally.skipped() == 0, "{}", open.tally.rounded());
}

trait AskSize {
    fn fact_size(&self) -> Option<Quantity>;
}

impl AskSize for Event {
    fn fact_size(&self) -> Option<Quantity> {
        match self.fact {
            Fact::QuoteChanged(quote) => quote.ask_size,
            _ => None,
        }
    }
}

#[test]
fn a_file_describes_itself() {
    let file = sample("equity/usa/tick/bac/20131007_quote.zip");
    let said = describe(&file, None, None).unwrap().expect("an archive");
    assert_eq!((said.kinds, said.symbol.as_deref()), (vec![DataKind::Quotes], Some("BAC")));
    assert!(said.said.iter().any(|line| line.contains("America/New_York")), "{:?}", said.said);
    let guess = inspect::guess(&file).unwrap();
    assert_eq!((guess.spec.kind, guess.symbol.as_deref()), (DataKind::Quotes, Some("BAC")));
    assert_eq!(guess.first_error, None);
    assert_eq!(guess.columns.len(), 8);
    assert_eq!(guess.columns[1].example, "0");
    assert_eq!(
        read_path(&file, &guess.spec).unwrap().len(),
        read_path(&file, &of(DataKind::Quotes)).unwrap().len()
    );
}

/// An archive with one file of this name and text.
fn archive(folder: &Path, name: &str, text: &str) -> PathBuf {
    use std::io::Write;
    let path = folder.join("made.zip");
    let mut zip = zip::ZipWriter::new(std::fs::File::create(&path).unwrap());
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    zip.start_file(name, stored).unwrap();
    zip.write_all(text.as_bytes()).unwrap();
    zip.finish().unwrap();
    path
}

#[test]
fn what_is_wrong_is_shown_with_its_row() {
    let folder = tempfile::tempdir().unwrap();
    let market = Market::parse("equity/usa").unwrap();
    let mut spec = of(DataKind::Bars);
    spec.market = Some(market);
    let name = "20131007_bac_minute_trade.csv";
    let good = "14400000,138400,138400,138400,138400,1000\n";
    for (row, problem) in [
        ("14400000,138400,138400,138400,138400", "too few columns"),
        ("14400000,138400,138400,138400,138400,1,2", "too many columns"),
        ("86400000,138400,138400,138400,138400,1", "not a time of day"),
        ("-1,138400,138400,138400,138400,1", "not a time of day"),
        ("14400000,1384x0,138400,138400,138400,1", "not a price"),
        ("14400000,138400,138300,138400,138400,1", "not the high of this bar"),
        ("14400000,138400,138600,138500,138400,1", "not the low of this bar"),
        ("14400000,138400,138400,138400,138400,-1", "not a size"),
    ] {
        let path = archive(folder.path(), name, &format!("{good}{row}\n{good}"));
        let error = read_path(&path, &spec).unwrap_err();
        let DataError::Row(bad) = &error else { panic!("{row}: {error}") };
        assert_eq!((bad.line, bad.good_rows), (2, 1), "{row}");
        assert!(error.to_string().contains(problem) && error.to_string().contains(name), "{error}");
        spec.skip_bad_rows = true;
        let mut open = open(&path, &spec).unwrap();
        let (events, error) = drain(&mut open, 10);
        assert_eq!((events.len(), error, open.tally.skipped()), (2, None, 1), "{row}");
        assert!(open.tally.first_skipped().len() <= Tally::SKIPPED_KEPT);
        spec.skip_bad_rows = false;
    }
    let says = |path: &Path, spec: &DataSpec| read_path(path, spec).unwrap_err().to_string();
    let path = archive(folder.path(), name, good);
    let nowhere = of(DataKind::Bars);
    assert!(says(&path, &nowhere).contains("say `market`"));
    let as_trades = DataSpec { kind: DataKind::Trades, ..spec.clone() };
    assert!(says(&path, &as_trades).contains("which can be read as bars, not as trades"));
    let with_offset = DataSpec { utc_offset: Nanoseconds(1), ..spec.clone() };
    assert!(says(&path, &with_offset).contains("leave `utc_offset` out"));
    assert!(says(&archive(folder.path(), "book.data", good), &spec).contains("is no LEAN data"));
    assert!(says(&archive(folder.path(), "20131307_bac_minute_trade.csv", good), &spec).contains("no day"));
    assert!(says(&archive(folder.path(), name, ""), &spec).contains("has no rows"));
}

#[test]
fn a_damaged_archive_is_never_read_as_another() {
    let bytes = std::fs::read(sample("cfd/oanda/tick/xauusd/20140504_quote.zip")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("damaged.zip");
    let mut spec = of(DataKind::Quotes);
    spec.market = Some(Market::parse("cfd/oanda").unwrap());
    let whole = read_path(&sample("cfd/oanda/tick/xauusd/20140504_quote.zip"), &spec).unwrap();
    // Some bytes carry nothing of the rows, such as the time of packing: then the same rows come.
    for at in (0..bytes.len()).step_by(97) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x55;
        std::fs::write(&path, damaged).unwrap();
        match read_path(&path, &spec) {
            Ok(events) => assert_eq!(events, whole, "byte {at}"),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
}
