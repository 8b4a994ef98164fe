//! Times, mappings and tiles: what the spec says is what the events show.

use genovo_adapters::data::{Column, DataError, Field, TimeFormat, content_hash, open};
use genovo_engine::event::{Event, Fact, Side};
use genovo_engine::settings::DataKind;
use genovo_engine::units::{Nanoseconds, Price, Quantity, Timestamp};

use crate::{drain, file, read, spec};

const SECOND: i64 = 1_000_000_000;

fn times(events: &[Event]) -> Vec<(i64, i64)> {
    events.iter().map(|event| (event.header.time_event.0, event.header.time_received.0)).collect()
}

#[test]
fn arrival_is_the_capture_s_plus_its_offset_or_the_event_s_plus_the_latency() {
    let mut spec = spec(DataKind::Quotes);
    spec.feed_latency = Nanoseconds(7);
    spec.clock_offset = Nanoseconds(1000);
    let with = "ts_ns,ts_recv,bid,ask\n100,1399040999583691000,1,2\n105,1399040999583691003,1,2\n";
    let base = 1_399_040_999_583_692_000;
    assert_eq!(times(&read(with, &spec).unwrap()), [(100, base), (105, base + 3)]);
    let without = "ts_ns,bid,ask\n100,1,2\n105,1,2\n";
    assert_eq!(times(&read(without, &spec).unwrap()), [(100, 107), (105, 112)]);
    // The arrival column has a unit of its own.
    let microseconds = "ts_ns,time_received,bid,ask\n100,1399040999583691,1,2\n";
    assert_eq!(times(&read(microseconds, &spec).unwrap()), [(100, base)]);
}

#[test]
fn arrivals_never_run_backwards() {
    let text = "ts_ns,bid,ask\n100,1,2\n90,1,2\n110,1,2\n";
    assert_eq!(times(&read(text, &spec(DataKind::Quotes)).unwrap()), [(100, 100), (90, 100), (110, 110)]);
}

#[test]
fn a_bar_happens_when_it_is_known() {
    let text = "ts_ns,open,high,low,close,volume\n60000000000,1,3,1,2,\n";
    let mut spec = spec(DataKind::Bars);
    spec.feed_latency = Nanoseconds(5);
    assert_eq!(times(&read(text, &spec).unwrap()), [(120 * SECOND, 120 * SECOND + 5)]);
    spec.bar_known_after = Some(Nanoseconds(90 * SECOND));
    let events = read(text, &spec).unwrap();
    assert_eq!(times(&events), [(150 * SECOND, 150 * SECOND + 5)]);
    let Fact::BarReceived(bar) = events[0].fact else { panic!("no bar") };
    assert_eq!((bar.open_time, bar.volume), (Timestamp(60 * SECOND), None));
}

#[test]
fn no_header_semicolons_and_a_fixed_offset() {
    let mut spec = spec(DataKind::Bars);
    spec.header = false;
    spec.utc_offset = Nanoseconds(-5 * 3600 * SECOND);
    let fields = [Field::Time, Field::Open, Field::High, Field::Low, Field::Close, Field::Volume];
    spec.columns = fields.iter().zip(1..).map(|(field, number)| (*field, Column::Number(number))).collect();
    let text = "20170102 020000;1.051550;1.051970;1.051550;1.051900;0\n\
                20170102 020100;1.052090;1.052090;1.051770;1.051790;0\n";
    let events = read(text, &spec).unwrap();
    let Fact::BarReceived(bar) = events[0].fact else { panic!("no bar") };
    assert_eq!(bar.open_time, Timestamp(1_483_340_400 * SECOND));
    assert_eq!((bar.high, bar.volume), (Price(1_051_970_000), Some(Quantity::ZERO)));
    assert_eq!(events.len(), 2);
}

#[test]
fn columns_are_found_by_their_usual_names_in_any_case_or_as_told() {
    let text =
        "Symbol,Timestamp,Side,Qty,Price\nX,2014-05-02T14:30:00Z,B,3,1.5\nX,2014-05-02T14:30:01Z,SELL,,2\n";
    let events = read(text, &spec(DataKind::Trades)).unwrap();
    let trade = |i: usize| match &events[i].fact {
        Fact::TradePrinted(trade) => *trade,
        other => panic!("{other:?}"),
    };
    assert_eq!((trade(0).aggressor, trade(1).aggressor), (Some(Side::Buy), Some(Side::Sell)));
    assert_eq!((trade(0).size, trade(1).size), (Some(Quantity(3 * SECOND)), None));

    let mut named = spec(DataKind::Quotes);
    named.columns.insert(Field::Bid, Column::Name("b1".to_string()));
    named.columns.insert(Field::Ask, Column::Number(3));
    named.time = Some(TimeFormat::Milliseconds);
    let events = read("time,b1,a1\n1.5,10,11\n", &named).unwrap();
    assert_eq!(times(&events), [(1_500_000, 1_500_000)]);
    let Fact::QuoteChanged(quote) = events[0].fact else { panic!("no quote") };
    assert_eq!((quote.bid, quote.ask, quote.bid_size), (Price(10 * SECOND), Price(11 * SECOND), None));
}

#[test]
fn a_size_of_zero_is_kept_and_one_that_is_missing_is_none() {
    let events = read("ts_ns,bid,ask,bid_size,ask_size\n5,1,2,0,\n", &spec(DataKind::Quotes)).unwrap();
    let Fact::QuoteChanged(quote) = events[0].fact else { panic!("no quote") };
    assert_eq!((quote.bid_size, quote.ask_size), (Some(Quantity::ZERO), None));
}

#[test]
fn tiles_follow_each_other_by_the_rule_of_the_peers() {
    // period = (last − first) / 10⁹ × 10⁹ + 2 × 10⁹, as the script that tiles the peers' data has it.
    let text = "ts_ns,bid,ask\n1000000007,1,2\n4700000009,3,4\n";
    let mut spec = spec(DataKind::Quotes);
    spec.tiles = 3;
    spec.feed_latency = Nanoseconds(1);
    let file = file(text);
    let mut open = open(file.path(), &spec).unwrap();
    let (events, error) = drain(&mut open, 100);
    assert_eq!(error, None);
    let expected: Vec<(i64, i64)> = [0, 5, 10]
        .iter()
        .flat_map(|s| [1_000_000_007 + s * SECOND, 4_700_000_009 + s * SECOND])
        .map(|time| (time, time + 1))
        .collect();
    assert_eq!(times(&events), expected);
    assert_eq!((open.tally.rows(), open.tally.bytes()), (6, open.bytes_total));
}

#[test]
fn tiled_bars_move_their_open_times_and_tiles_past_the_calendar_are_refused() {
    let mut bars = spec(DataKind::Bars);
    bars.tiles = 2;
    let events = read("ts_ns,open,high,low,close\n60000000000,1,3,1,2\n", &bars).unwrap();
    let Fact::BarReceived(bar) = events[1].fact else { panic!("no bar") };
    assert_eq!(bar.open_time, Timestamp(62 * SECOND));
    assert_eq!(times(&events), [(120 * SECOND, 120 * SECOND), (122 * SECOND, 122 * SECOND)]);

    let mut quotes = spec(DataKind::Quotes);
    quotes.tiles = 5;
    let text = "ts_ns,bid,ask\n0,1,2\n3000000000000000000,1,2\n";
    let file = file(text);
    let (events, error) = drain(&mut open(file.path(), &quotes).unwrap(), 100);
    assert_eq!(events.len(), 6);
    assert!(matches!(error, Some(DataError::Spec { .. })), "{error:?}");
}

#[test]
fn the_content_hash_is_that_of_the_bytes_on_disk() {
    let file = file("abc");
    assert_eq!(
        content_hash(file.path()).unwrap().to_string(),
        "b3:6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85"
    );
    assert!(content_hash(std::path::Path::new("/no/such/file")).is_err());
}
