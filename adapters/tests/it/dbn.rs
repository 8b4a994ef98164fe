//! DBN files: what their publisher's own Python reader says of the same records, and what is wrong with others.

use std::path::{Path, PathBuf};

use genovo_adapters::data::{Compression, DataError, DataSpec, describe, inspect, open};
use genovo_engine::book::Book;
use genovo_engine::event::{BookAction, Event, Fact, Side};
use genovo_engine::ids::InstrumentId;
use genovo_engine::settings::DataKind::{self, Bars, Books, Quotes, Trades};
use genovo_engine::units::{Nanoseconds, Price, Quantity, Timestamp};

use crate::{drain, file, read, read_path};

fn sample(schema: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/data/dbn/test_data.{schema}.v3.dbn.zst"))
}

fn of(kind: DataKind) -> DataSpec {
    DataSpec::new(InstrumentId(1), kind)
}

/// A sample without its packing.
fn plain(schema: &str) -> Vec<u8> {
    zstd::stream::decode_all(std::fs::File::open(sample(schema)).unwrap()).unwrap()
}

/// An event in one line: when it happened, when it arrived, what it says.
fn line(event: &Event) -> String {
    let (time, received) = (event.header.time_event.0, event.header.time_received.0);
    let size = |size: Option<Quantity>| size.map_or("?".to_string(), |size| size.to_string());
    let what = match &event.fact {
        Fact::QuoteChanged(quote) => {
            format!("{} × {} / {} × {}", quote.bid, size(quote.bid_size), quote.ask, size(quote.ask_size))
        }
        Fact::TradePrinted(trade) => {
            format!("{} × {} {}", trade.price, size(trade.size), trade.aggressor.map_or("?", Side::name))
        }
        Fact::BarReceived(bar) => format!(
            "{}: {} {} {} {} {}",
            bar.open_time.0,
            bar.open,
            bar.high,
            bar.low,
            bar.close,
            size(bar.volume)
        ),
        other => panic!("{} is no market data", other.kind().name()),
    };
    format!("{time} {received} {what}")
}

#[test]
fn records_are_read_as_their_publisher_reads_them() {
    let lines = |schema: &str, kind| -> Vec<String> {
        read_path(&sample(schema), &of(kind)).unwrap().iter().map(line).collect()
    };
    // The values are those that the Python package databento_dbn 0.73 prints for the same files.
    assert_eq!(
        lines("trades", Trades),
        [
            "1609160400098821953 1609160400099150057 3720.25 × 5 sell",
            "1609160400107665963 1609160400108142648 3720.25 × 21 sell",
        ]
    );
    assert_eq!(lines("tbbo", Trades), lines("trades", Trades));
    assert_eq!(
        lines("mbp-1", Quotes),
        [
            "1609160400006001487 1609160400006136329 3720.25 × 24 / 3720.5 × 11",
            "1609160400006146661 1609160400006246513 3720.25 × 24 / 3720.5 × 12",
        ]
    );
    assert_eq!(
        lines("ohlcv-1s", Bars),
        [
            "1609160401000000000 1609160401000000000 1609160400000000000: 372025 372050 372025 372050 57",
            "1609160402000000000 1609160402000000000 1609160401000000000: 372050 372050 372050 372050 13",
        ]
    );
    assert_eq!(
        lines("ohlcv-1h", Bars)[1],
        "1609167600000000000 1609167600000000000 1609164000000000000: 372225 372450 371600 371950 112698"
    );
    // A sampled quote stood at the end of its interval, whenever the last trade was.
    let sampled = read_path(&sample("bbo-1m"), &of(Quotes)).unwrap();
    assert_eq!(sampled.len(), 4);
    assert_eq!(sampled[1].header.time_event, Timestamp(1_609_113_660_000_000_000));
    let Fact::QuoteChanged(quote) = sampled[1].fact else { panic!("quotes") };
    assert_eq!(quote.bid, Price(3_704_500_000_000));
}

#[test]
fn plain_files_packed_files_and_batches_give_the_same() {
    for (schema, kind) in [("mbp-1", Quotes), ("trades", Trades), ("ohlcv-1m", Bars)] {
        let packed = read_path(&sample(schema), &of(kind)).unwrap();
        assert_eq!(read(plain(schema), &of(kind)).unwrap(), packed, "{schema}");
        let mut open = open(&sample(schema), &of(kind)).unwrap();
        assert_eq!(open.compression, Compression::Zstd);
        assert_eq!(drain(&mut open, 1), (packed, None), "{schema}");
        assert_eq!(open.tally.bytes(), open.bytes_total);
    }
    let mut spec = of(Trades);
    spec.clock_offset = Nanoseconds(5);
    let events = read_path(&sample("trades"), &spec).unwrap();
    assert_eq!(events[0].header.time_received, Timestamp(1_609_160_400_099_150_062));
    (spec.tiles, spec.clock_offset) = (3, Nanoseconds::ZERO);
    assert_eq!(read_path(&sample("trades"), &spec).unwrap().len(), 6);
}

#[test]
fn a_file_describes_itself() {
    let said = describe(&sample("tbbo"), None, None).unwrap().expect("a DBN file");
    assert_eq!((said.kinds, said.symbol.as_deref()), (vec![Trades, Quotes], Some("ESH1")));
    let bars = describe(&sample("ohlcv-1h"), None, None).unwrap().expect("a DBN file");
    assert_eq!(bars.bar_interval, Some(Nanoseconds(3_600 * Nanoseconds::SECOND.0)));
    let guess = inspect::guess(&sample("mbp-1")).unwrap();
    assert_eq!((guess.spec.kind, guess.symbol.as_deref(), guess.first_error), (Quotes, Some("ESH1"), None));
    assert!(guess.reasons.iter().any(|reason| reason.contains("mbp-1 of GLBX.MDP3")), "{:?}", guess.reasons);
}

#[test]
fn books_by_order_and_by_price_are_read() {
    let facts = |schema: &str| -> Vec<Fact> {
        read_path(&sample(schema), &of(Books)).unwrap().into_iter().map(|event| event.fact).collect()
    };
    // Two cancels of ESH1, each the last of its update.
    let orders = facts("mbo");
    assert_eq!(orders.len(), 2);
    for fact in orders {
        let Fact::BookChanged(change) = fact else { panic!("{fact:?}") };
        assert_eq!(change.action, BookAction::ReduceOrder);
        assert!(change.order > 0 && change.last && change.size == "1".parse().unwrap(), "{change:?}");
    }
    // The first record tells ten levels a side, the second what changed of them.
    let mut book = Book::new("0.25".parse().unwrap());
    let mut updates = Vec::new();
    let mut changes = 0;
    for fact in facts("mbp-10") {
        changes += 1;
        if book.apply(&fact) {
            let count = |side| book.levels(side).count();
            updates.push((count(Side::Buy), count(Side::Sell), changes));
            changes = 0;
        }
    }
    assert_eq!((updates[0].0, updates[0].1, updates[0].2), (10, 10, 20));
    assert!(updates.iter().all(|(bids, asks, _)| (*bids, *asks) == (10, 10)), "{updates:?}");
    assert!(updates[1..].iter().all(|(_, _, changes)| *changes < 20), "{updates:?}");
    let said = describe(&sample("mbo"), None, None).unwrap().unwrap();
    assert_eq!(said.kinds, [Books, Trades]);
    let quotes = read_path(&sample("mbp-10"), &of(Quotes)).unwrap();
    let Some(Fact::QuoteChanged(quote)) = quotes.last().map(|event| &event.fact) else {
        panic!("{quotes:?}")
    };
    assert_eq!(Some(quote), book.quote().as_ref(), "the best of ten levels is the quote");
}

#[test]
fn what_is_not_read_is_refused_by_name() {
    let says = |path: &Path, spec: &DataSpec| read_path(path, spec).unwrap_err().to_string();
    for schema in ["definition", "statistics"] {
        let error = says(&sample(schema), &of(Quotes));
        assert!(
            error.contains(&format!("schema {schema} holds neither books, quotes, trades nor bars")),
            "{error}"
        );
    }
    assert!(says(&sample("trades"), &of(Quotes)).contains("can be read as trades, not as quotes"));
    // The sample of daily bars has none.
    assert!(says(&sample("ohlcv-1d"), &of(Bars)).contains("has no rows"));
    let mut spec = of(Trades);
    spec.select = Some("NQH1".to_string());
    assert!(says(&sample("trades"), &spec).contains("there is no `NQH1` in it; it holds the symbol ESH1"));
    spec.select = Some("5482".to_string());
    assert_eq!(read_path(&sample("trades"), &spec).unwrap().len(), 2);
    spec.select = Some("1".to_string());
    assert!(says(&sample("trades"), &spec).contains("has no rows"));
    let with_offset = DataSpec { utc_offset: Nanoseconds(1), ..of(Trades) };
    assert!(says(&sample("trades"), &with_offset).contains("leave `utc_offset` out"));
}

#[test]
fn a_file_that_breaks_off_is_damaged_and_not_shorter() {
    let bytes = plain("trades");
    let whole = read(&bytes, &of(Trades)).unwrap();
    for length in 4..bytes.len() {
        match read(&bytes[..length], &of(Trades)) {
            // The second record may be cut off whole: nothing tells.
            Ok(events) => assert_eq!((events.as_slice(), bytes.len() - length), (&whole[..1], 48)),
            Err(DataError::Damaged { .. } | DataError::NoRows { .. }) => {}
            Err(error) => panic!("{length} bytes: {error}"),
        }
    }
    let packed = std::fs::read(sample("trades")).unwrap();
    for length in 5..packed.len() {
        let error = read(&packed[..length], &of(Trades)).unwrap_err();
        assert!(!matches!(error, DataError::NoRows { .. }), "{length} bytes: {error}");
    }
}

#[test]
fn any_byte_may_be_wrong() {
    for (schema, kind) in [("trades", Trades), ("mbp-1", Quotes), ("ohlcv-1s", Bars), ("bbo-1s", Quotes)] {
        let bytes = plain(schema);
        for at in 0..bytes.len() {
            let mut wrong = bytes.clone();
            wrong[at] ^= 0xff;
            // It comes back, with events or an error.
            let _ = read(&wrong, &of(kind));
        }
        let _ = inspect::guess(file(&bytes[1..]).path());
    }
}

#[test]
fn a_bad_record_is_shown_with_its_number() {
    // The price of the second of two trades is the last record's bytes 16 to 24.
    let mut bytes = plain("trades");
    let at = bytes.len() - 48 + 16;
    bytes[at..at + 8].copy_from_slice(&i64::MAX.to_le_bytes());
    let DataError::Row(bad) = read(&bytes, &of(Trades)).unwrap_err() else { panic!("a bad record") };
    assert_eq!((bad.unit, bad.line, bad.column.as_deref(), bad.good_rows), ("record", 2, Some("price"), 1));
    assert!(bad.line_text.contains("instrument 5482") && bad.text == i64::MAX.to_string(), "{bad:?}");
    assert_eq!(&bad.line_text[bad.span.clone()], bad.text);
    let spec = DataSpec { skip_bad_rows: true, ..of(Trades) };
    let broken = file(&bytes);
    let mut open = open(broken.path(), &spec).unwrap();
    let (events, error) = drain(&mut open, 10);
    assert_eq!((events.len(), error, open.tally.skipped()), (1, None, 1));
    // A record of another instrument does not slip in.
    let at = plain("trades").len() - 48 + 4;
    let mut bytes = plain("trades");
    bytes[at..at + 4].copy_from_slice(&77_u32.to_le_bytes());
    let error = read(&bytes, &of(Trades)).unwrap_err().to_string();
    assert!(error.contains("77 is another instrument"), "{error}");
}

/// The length of a record is its first byte, in words of four bytes: whatever it says, there is an error or a record.
#[test]
fn a_record_of_any_length_is_no_panic() {
    let bytes = plain("trades");
    let first = 8 + u32::from_le_bytes(bytes[4..8].try_into().unwrap()) as usize;
    let mut refused = 0;
    for length in 0..=255 {
        let mut changed = bytes.clone();
        changed[first] = length;
        let result = open(file(&changed).path(), &of(Trades)).map_err(|error| error.to_string());
        let events = &mut Vec::new();
        let read =
            result.and_then(|mut open| open.source.read(events, 100).map_err(|error| error.to_string()));
        refused += usize::from(read.is_err());
    }
    assert!(refused > 200, "{refused} of 256 lengths are refused");
}

/// The publisher's own way to show a record has no text for the least of all numbers.
#[test]
fn the_least_number_is_a_price_that_is_none() {
    for (schema, at, field) in [("mbo", 24, "price"), ("mbp-10", 48, "bid_px")] {
        let mut bytes = plain(schema);
        let first = 8 + u32::from_le_bytes(bytes[4..8].try_into().unwrap()) as usize;
        bytes[first + at..][..8].copy_from_slice(&i64::MIN.to_le_bytes());
        match read(&bytes, &of(Books)).unwrap_err() {
            DataError::Row(row) => {
                assert_eq!((row.line, row.column.as_deref()), (1, Some(field)));
                assert_eq!(&row.line_text[row.span.clone()], "-9223372036854775808", "{}", row.line_text);
            }
            error => panic!("{error}"),
        }
    }
}
