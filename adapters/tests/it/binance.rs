//! Captures of Binance: the book that follows from real ones, the rule by which updates follow a snapshot, and what is
//! wrong with others.

use std::path::{Path, PathBuf};

use genovo_adapters::data::{DataError, DataSpec, Format, describe, inspect, open};
use genovo_engine::book::Book;
use genovo_engine::event::{BookReset, Event, Fact, ResetReason, Side};
use genovo_engine::ids::InstrumentId;
use genovo_engine::settings::DataKind::{self, Bars, Books, Quotes, Trades};
use genovo_engine::units::{Nanoseconds, Price};

use crate::{drain, file, read, read_path};

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/data/binance/btcusdt_{name}.zst"))
}

fn of(kind: DataKind) -> DataSpec {
    DataSpec::new(InstrumentId(1), kind)
}

/// Runs the book of a capture; the touch after each whole update with when it was known.
fn touches(events: &[Event], tick: &str) -> Vec<(i64, Price, Price)> {
    let mut book = Book::new(tick.parse().unwrap());
    let mut touches = Vec::new();
    for event in events {
        if book.apply(&event.fact)
            && let Some(quote) = book.quote()
        {
            assert!(quote.bid < quote.ask, "crossed at {}", event.header.time_event.0);
            touches.push((event.header.time_event.0, quote.bid, quote.ask));
        }
    }
    touches
}

#[test]
fn the_book_of_a_capture_has_the_touch_that_the_venue_told() {
    // Futures stamp updates and best prices by one clock: at the same millisecond they tell the same.
    let touches = touches(&read_path(&sample("usdm"), &of(Books)).unwrap(), "0.1");
    let quotes = read_path(&sample("usdm"), &of(Quotes)).unwrap();
    let told = |time: i64| -> Vec<(Price, Price)> {
        let at = quotes.iter().filter(|event| event.header.time_event.0 == time);
        at.filter_map(|event| match event.fact {
            Fact::QuoteChanged(quote) => Some((quote.bid, quote.ask)),
            _ => None,
        })
        .collect()
    };
    let mut compared = 0;
    for (time, bid, ask) in &touches {
        let told = told(*time);
        if !told.is_empty() {
            compared += 1;
            assert!(told.contains(&(*bid, *ask)), "at {time}: {bid} / {ask}, told {told:?}");
        }
    }
    assert!(touches.len() > 20 && compared >= 5, "{} touches, {compared} compared", touches.len());
}

#[test]
fn kinds_are_what_the_capture_holds() {
    for (name, count) in [("usdm", [1, 2_000]), ("spot", [1, 2_000])] {
        let events = read_path(&sample(name), &of(Books)).unwrap();
        let resets = events
            .iter()
            .filter(|event| event.fact == Fact::BookReset(BookReset { reason: ResetReason::Snapshot }));
        let gaps = events.iter().filter(|event| matches!(event.fact, Fact::FeedGap(_)));
        let changes = events.iter().filter(|event| matches!(event.fact, Fact::BookChanged(_)));
        assert_eq!((resets.count(), gaps.count()), (count[0], 0), "{name}");
        assert!(changes.count() > count[1], "{name}");
        let trades = read_path(&sample(name), &of(Trades)).unwrap();
        let of_book: Vec<Event> =
            events.iter().filter(|event| matches!(event.fact, Fact::TradePrinted(_))).cloned().collect();
        assert!(!trades.is_empty());
        assert_eq!(trades, of_book, "{name}: a book tells its trades");
        let said = describe(&sample(name), None, None).unwrap().unwrap();
        assert_eq!((said.format, said.symbol.as_deref()), (Format::Binance, Some("BTCUSDT")));
        assert_eq!(said.kinds, [Books, Quotes, Trades]);
        let guess = inspect::guess(&sample(name)).unwrap();
        assert_eq!((guess.spec.kind, guess.first_error), (Books, None));
    }
    // Whatever the batches, the events are the same.
    for limit in [1, 7, 1_000] {
        let (events, error) = drain(&mut open(&sample("usdm"), &of(Books)).unwrap(), limit);
        assert_eq!((events, error), (read_path(&sample("usdm"), &of(Books)).unwrap(), None), "{limit}");
    }
}

/// A line of a capture that arrived `n` ms after the first.
fn line(n: u64, body: &str) -> String {
    format!("17000000000{:02}000000 {body}\n", n)
}

fn depth(n: u64, (first, last, before): (u64, u64, Option<u64>), bids: &str, asks: &str) -> String {
    let before = before.map_or(String::new(), |before| format!(r#""pu":{before},"#));
    let body = format!(
        r#"{{"e":"depthUpdate","E":{},"T":{},"s":"X","U":{first},"u":{last},{before}"b":[{bids}],"a":[{asks}]}}"#,
        1_700_000_000_000 + n,
        1_700_000_000_000 + n,
    );
    line(n, &body)
}

fn snapshot(n: u64, last: u64) -> String {
    line(n, &format!(r#"{{"lastUpdateId":{last},"bids":[["10.0","1"]],"asks":[["11.0","2"]]}}"#))
}

/// What the events are, one word each.
fn words(text: &str) -> String {
    let events = read(text, &of(Books)).unwrap();
    let word = |event: &Event| match &event.fact {
        Fact::BookReset(_) => "reset".to_string(),
        Fact::BookChanged(change) => {
            let side = if change.side == Side::Buy { 'b' } else { 'a' };
            format!("{side}{}x{}{}", change.price, change.size, if change.last { "." } else { "" })
        }
        Fact::FeedGap(gap) => format!("gap{}", gap.count.map_or("?".to_string(), |count| count.to_string())),
        other => panic!("{other:?}"),
    };
    events.iter().map(word).collect::<Vec<_>>().join(" ")
}

#[test]
fn updates_wait_for_the_snapshot_and_follow_it() {
    // What the snapshot holds is left out; the update that bridges it is shown after it.
    let bridged = depth(1, (1, 5, Some(0)), r#"["9.0","7"]"#, "")
        + &depth(2, (6, 12, Some(5)), r#"["10.0","3"]"#, r#"["12.0","4"]"#)
        + &snapshot(3, 10)
        + &depth(4, (13, 14, Some(12)), "", r#"["11.0","0"]"#);
    assert_eq!(words(&bridged), "reset b10x1 a11x2. b10x3 a12x4. a11x0.");
    // The answer of a REST call may also come before updates that it holds: they would set levels back.
    let late = snapshot(1, 10)
        + &depth(2, (1, 5, Some(0)), r#"["10.0","7"]"#, "")
        + &depth(3, (6, 10, Some(5)), r#"["10.0","8"]"#, "")
        + &depth(4, (11, 12, Some(10)), r#"["9.0","2"]"#, "");
    assert_eq!(words(&late), "reset b10x1 a11x2. b9x2.");
    let late = snapshot(1, 10)
        + &depth(2, (8, 10, None), r#"["10.0","7"]"#, "")
        + &depth(3, (9, 12, None), r#"["9.0","2"]"#, "");
    assert_eq!(words(&late), "reset b10x1 a11x2. b9x2.");
    // Spot counts on.
    let spot = snapshot(1, 10)
        + &depth(2, (11, 12, None), r#"["9.0","7"]"#, "")
        + &depth(3, (16, 17, None), r#"["9.0","8"]"#, "");
    assert_eq!(words(&spot), "reset b10x1 a11x2. b9x7. gap3 b9x8.");
    // After a gap the next snapshot is used, and what it does not hold is shown again on top of it.
    let gap = snapshot(1, 10)
        + &depth(2, (11, 12, Some(10)), r#"["9.0","7"]"#, "")
        + &snapshot(3, 12)
        + &depth(4, (20, 21, Some(19)), r#"["9.0","8"]"#, "")
        + &depth(5, (22, 23, Some(21)), r#"["8.0","1"]"#, "")
        + &snapshot(6, 21)
        + &depth(7, (24, 25, Some(23)), r#"["7.0","1"]"#, "");
    assert_eq!(words(&gap), "reset b10x1 a11x2. b9x7. gap? b9x8. b8x1. reset b10x1 a11x2. b8x1. b7x1.");
}

#[test]
fn arrivals_are_the_recorders_and_its_clock_can_be_set_right() {
    let mut spec = of(Books);
    spec.clock_offset = Nanoseconds(5_000_000);
    let events = read(snapshot(1, 10) + &depth(2, (11, 12, None), r#"["9.0","7"]"#, ""), &spec).unwrap();
    let last = events.last().unwrap();
    assert_eq!(last.header.time_event.0, 1_700_000_000_002_000_000);
    assert_eq!(last.header.time_received.0, 1_700_000_000_007_000_000);
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let says = |text: String| read(text, &of(Books)).unwrap_err().to_string();
    let bad = |bids: &str| says(snapshot(1, 10) + &depth(2, (11, 12, None), bids, ""));
    for (bids, problem, expected) in [
        (r#"["9.x","7"]"#, "9.x", "digits with at most 9 decimals"),
        (r#"["9","-7"]"#, "-7", "no minus sign"),
        (r#"["9"]"#, "is no list of levels", "pairs of a price and a size"),
        (r#"[9,7]"#, "is no list of levels", "pairs of a price and a size"),
    ] {
        let said = bad(bids);
        assert!(said.contains(problem) && said.contains(expected), "{said}");
        assert!(said.contains("line 2"), "{said}");
    }
    let said = says(snapshot(1, 10) + &line(2, "{\"e\":"));
    assert!(said.contains("one JSON object"), "{said}");
    let other = line(2, r#"{"e":"trade","T":1700000000000,"s":"Y","p":"1","q":"1","m":true}"#);
    let said = says(depth(1, (1, 2, None), r#"["9.0","7"]"#, "") + &snapshot(1, 1) + &other);
    assert!(said.contains("is another instrument") && said.contains("`select`"), "{said}");
    let waits = depth(1, (1, 2, None), r#"["9.0","7"]"#, "");
    // That there are trades makes it no book.
    let trade = line(2, r#"{"e":"trade","T":1700000000000,"s":"X","p":"1","q":"1","m":true}"#);
    for waits in [waits.clone(), waits + &trade] {
        match read(waits, &of(Books)).unwrap_err() {
            DataError::NotRead { found, help, .. } => {
                assert!(found.contains("no snapshot") && help.contains("GET /depth"), "{found} {help}");
            }
            error => panic!("{error}"),
        }
    }
    let micros = line(2, r#"{"e":"trade","T":1700000000000000,"s":"X","p":"1","q":"1","m":true}"#);
    let said = says(micros);
    assert!(said.contains("has a time that is none") && said.contains("not microseconds"), "{said}");
    let bars = open(file(snapshot(1, 10)).path(), &of(Bars)).err().unwrap().to_string();
    assert!(bars.contains("no bars"), "{bars}");
}
