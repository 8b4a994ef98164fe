//! Files of LOBSTER, made by a slow exchange of our own: the book that is read shows, after every message, what the
//! exchange showed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use genovo_adapters::data::{DataError, DataSpec, Format, content_hash, describe, open};
use genovo_engine::book::Book;
use genovo_engine::event::{BookAction, Event, Fact, Side};
use genovo_engine::ids::InstrumentId;
use genovo_engine::settings::DataKind::{self, Books, Quotes, Trades};
use genovo_engine::units::{SCALE, Timestamp};
use genovo_kernels::random::RandomKey;

use crate::{drain, read_path};

const NAME: &str = "ABC_2012-06-21_34200000_57600000_message_3.csv";
const LEVELS: usize = 3;

fn of(kind: DataKind) -> DataSpec {
    DataSpec::new(InstrumentId(1), kind)
}

/// Writes the two files; the path of the messages.
fn day(folder: &tempfile::TempDir, messages: &str, book: &str) -> PathBuf {
    let path = folder.path().join(NAME);
    fs::write(&path, messages).unwrap();
    fs::write(folder.path().join(NAME.replace("message", "orderbook")), book).unwrap();
    path
}

/// An exchange that keeps a list of orders and looks through it whenever somebody asks.
#[derive(Default)]
struct Exchange {
    /// Number, side (1 or -1), price in ten-thousandths, size; the oldest first.
    orders: Vec<(u64, i64, i64, i64)>,
}

impl Exchange {
    /// The levels of a side, best first.
    fn levels(&self, side: i64) -> Vec<(i64, i64)> {
        let mut levels = BTreeMap::new();
        for &(_, _, price, size) in self.orders.iter().filter(|order| order.1 == side) {
            *levels.entry(-side * price).or_insert(0) += size;
        }
        levels.into_iter().map(|(key, size)| (-side * key, size)).collect()
    }

    fn row(&self) -> String {
        let (asks, bids) = (self.levels(-1), self.levels(1));
        let place = |levels: &[(i64, i64)], at: usize, none: i64| *levels.get(at).unwrap_or(&(none, 0));
        let fields = (0..LEVELS).flat_map(|at| {
            let ((ask, ask_size), (bid, bid_size)) =
                (place(&asks, at, 9_999_999_999), place(&bids, at, -9_999_999_999));
            [ask, ask_size, bid, bid_size]
        });
        fields.map(|field| field.to_string()).collect::<Vec<_>>().join(",") + "\n"
    }

    /// Whether an event at this price is told: only the levels shown are.
    fn is_shown(&self, side: i64, price: i64) -> bool {
        self.levels(side).iter().take(LEVELS).any(|level| level.0 == price)
    }
}

/// A day by a seed: orders that were there before it begins, come, shrink, go and are executed, some beyond the levels
/// shown.
fn simulated(seed: u64) -> (String, String, u64) {
    let mut draws = 0;
    let mut draw = |low: i64, high: i64| {
        draws += 1;
        RandomKey { seed, purpose: 7, id: draws }.below(0, (high - low + 1) as u64) as i64 + low
    };
    let (mut exchange, mut number) = (Exchange::default(), 0);
    let mut place = |exchange: &mut Exchange, side: i64, distance: i64, size: i64| {
        number += 1;
        exchange.orders.push((number, side, 1_000_000 - side * 100 * distance, size));
        *exchange.orders.last().unwrap()
    };
    for _ in 0..30 {
        let (side, distance, size) = (2 * draw(0, 1) - 1, draw(1, 7), draw(1, 9));
        place(&mut exchange, side, distance, size);
    }
    let (mut messages, mut book, mut executed) = (String::new(), String::new(), 0);
    let mut time = 34_200_000_000_000_i64;
    while book.lines().count() < 400 {
        time += draw(0, 2_000_000_000);
        let told = match draw(0, 9) {
            0..=3 => {
                let (side, distance, size) = (2 * draw(0, 1) - 1, draw(1, 7), draw(1, 9));
                let (order, side, price, size) = place(&mut exchange, side, distance, size);
                exchange.is_shown(side, price).then_some((1, order, size, price, side))
            }
            _ if exchange.orders.is_empty() => None,
            4..=7 => {
                let at = draw(0, exchange.orders.len() as i64 - 1) as usize;
                let (order, side, price, size) = exchange.orders[at];
                let shown = exchange.is_shown(side, price);
                let by = draw(1, size);
                exchange.orders[at].3 -= by;
                exchange.orders.retain(|order| order.3 > 0);
                shown.then_some((if by == size { 3 } else { 2 }, order, by, price, side))
            }
            _ => {
                let side = 2 * draw(0, 1) - 1;
                exchange.levels(side).first().copied().map(|(best, _)| {
                    let first =
                        exchange.orders.iter().position(|order| order.1 == side && order.2 == best).unwrap();
                    let (order, _, price, size) = exchange.orders[first];
                    let by = draw(1, size);
                    exchange.orders[first].3 -= by;
                    exchange.orders.retain(|order| order.3 > 0);
                    executed += by;
                    (4, order, by, price, side)
                })
            }
        };
        if let Some((kind, order, size, price, side)) = told {
            let (seconds, fraction) = (time / 1_000_000_000, time % 1_000_000_000);
            messages += &format!("{seconds}.{fraction:09},{kind},{order},{size},{price},{side}\n");
            book += &exchange.row();
        }
    }
    (messages, book, executed as u64)
}

/// The levels of a book as a line of the file.
fn row_of(book: &Book) -> String {
    let levels = |side: Side| -> Vec<(i64, i64)> {
        let levels = book.levels(side).take(LEVELS);
        levels.map(|level| (level.price.0 / (SCALE / 10_000), level.size.0 / SCALE)).collect()
    };
    let (asks, bids) = (levels(Side::Sell), levels(Side::Buy));
    let place = |levels: &[(i64, i64)], at: usize, none: i64| *levels.get(at).unwrap_or(&(none, 0));
    let fields = (0..LEVELS).flat_map(|at| {
        let ((ask, ask_size), (bid, bid_size)) =
            (place(&asks, at, 9_999_999_999), place(&bids, at, -9_999_999_999));
        [ask, ask_size, bid, bid_size]
    });
    fields.map(|field| field.to_string()).collect::<Vec<_>>().join(",")
}

#[test]
fn the_book_shows_after_every_message_what_the_exchange_showed() {
    for seed in 1..=20 {
        let folder = tempfile::tempdir().unwrap();
        let (messages, shown, executed) = simulated(seed);
        let path = day(&folder, &messages, &shown);
        let events = read_path(&path, &of(Books)).unwrap();
        let mut book = Book::new("0.01".parse().unwrap());
        let mut at_each = BTreeMap::new();
        let (mut traded, mut named) = (0, 0);
        for event in &events {
            book.apply(&event.fact);
            // Messages of one time are one line here: the last.
            at_each.insert(event.header.time_event, row_of(&book));
            match &event.fact {
                Fact::TradePrinted(trade) => traded += trade.size.unwrap().0 / SCALE,
                Fact::BookChanged(change) if change.action == BookAction::AddOrder => {
                    named += u64::from(change.order < 1 << 63);
                }
                _ => {}
            }
        }
        assert_eq!(traded as u64, executed, "seed {seed}");
        assert!(named > 20, "seed {seed}: orders keep their names");
        let mut last = BTreeMap::new();
        for (message, row) in messages.lines().zip(shown.lines()) {
            last.insert(message.split(',').next().unwrap().to_string(), row.to_string());
        }
        let (mut compared, mut now) = (0, String::new());
        for (time, row) in last {
            let (seconds, fraction) = time.split_once('.').unwrap();
            // 21 June 2012, four hours behind UTC.
            let utc = 1_340_236_800 + 4 * 3_600 + seconds.parse::<i64>().unwrap();
            let utc = Timestamp(utc * 1_000_000_000 + fraction.parse::<i64>().unwrap());
            if let Some(row) = at_each.get(&utc) {
                now.clone_from(row);
            }
            assert_eq!(now, row, "seed {seed}, {time}");
            compared += 1;
        }
        assert!(compared > 300, "{compared}");
    }
}

#[test]
fn messages_become_trades_and_orders() {
    let folder = tempfile::tempdir().unwrap();
    // An order joins before one that was there; a hidden one is executed, then the first, then one of the nameless; a
    // cross; a halt.
    let messages = "34200.1000,1,5,10,1000000,1\n\
                    34200.2000,5,0,3,1000050,-1\n\
                    34200.3000,4,5,4,1000000,1\n\
                    34200.4000,4,77,2,1000100,-1\n\
                    34200.5000,6,-1,50,1000000,-1\n\
                    34200.6000,7,0,0,-1,-1\n";
    let book = "1000100,2,1000000,17\n1000100,2,1000000,17\n1000100,2,1000000,13\n9999999999,0,1000000,13\n\
                9999999999,0,1000000,13\n9999999999,0,1000000,13\n";
    let path = day(&folder, messages, book);
    let word = |event: &Event| match &event.fact {
        Fact::BookReset(_) => "reset".to_string(),
        Fact::TradePrinted(trade) => {
            format!("trade {}@{} {:?}", trade.size.unwrap(), trade.price, trade.aggressor)
        }
        Fact::BookChanged(change) => {
            let name = if change.order >= 1 << 63 { "?".to_string() } else { change.order.to_string() };
            let end = if change.last { "." } else { "" };
            format!("{} {name} {}@{}{end}", change.action.name(), change.size, change.price)
        }
        other => panic!("{other:?}"),
    };
    let words: Vec<String> = read_path(&path, &of(Books)).unwrap().iter().map(word).collect();
    assert_eq!(
        words,
        [
            "reset",
            "add 5 10@100",
            "add ? 7@100",
            "add ? 2@100.01.",
            "trade 3@100.005 Some(Buy)",
            "trade 4@100 Some(Sell)",
            "fill 5 4@100",
            "reduce 5 4@100.",
            "trade 2@100.01 Some(Buy)",
            "fill ? 2@100.01",
            "reduce ? 2@100.01.",
            "trade 50@100 None",
        ]
    );
    let trades = read_path(&path, &of(Trades)).unwrap();
    assert_eq!(trades.iter().map(word).filter(|word| word.starts_with("trade")).count(), trades.len());
    assert_eq!(trades.len(), 4);
    // 04:00 behind UTC in June: half past nine is 13:30.
    assert_eq!(
        trades[0].header.time_event,
        Timestamp((1_340_236_800 + 13 * 3_600 + 1_800) * 1_000_000_000 + 200_000_000)
    );

    let said = describe(&path, None, None).unwrap().unwrap();
    assert_eq!((said.format, said.symbol.as_deref()), (Format::Lobster, Some("ABC")));
    assert_eq!(said.kinds, [Books, Trades]);
    // A run knows both files.
    let before = content_hash(&path).unwrap();
    fs::write(folder.path().join(NAME.replace("message", "orderbook")), book.replace("17", "18")).unwrap();
    assert_ne!(content_hash(&path).unwrap(), before);
}

/// Each day's book is read with its messages, and is no file of its own.
#[test]
fn a_folder_of_days_is_read_in_their_order() {
    let folder = tempfile::tempdir().unwrap();
    for (day, order) in [("2012-06-22", 8), ("2012-06-21", 7)] {
        let name = NAME.replace("2012-06-21", day);
        fs::write(folder.path().join(&name), format!("34200.1000,1,{order},10,1000000,1\n")).unwrap();
        let book = folder.path().join(name.replace("message", "orderbook"));
        fs::write(book, "9999999999,0,1000000,10\n").unwrap();
    }
    let events = read_path(folder.path(), &of(Books)).unwrap();
    let orders: Vec<u64> = events
        .iter()
        .filter_map(|event| match &event.fact {
            Fact::BookChanged(change) => Some(change.order),
            _ => None,
        })
        .collect();
    assert_eq!((events.len(), orders), (4, vec![7, 8]));
}

/// Why a file is not opened, and what would help.
fn refused(path: &Path, kind: DataKind) -> String {
    match open(path, &of(kind)).err().unwrap() {
        DataError::NotRead { found, help, .. } => format!("{found}; {help}"),
        error => error.to_string(),
    }
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let good = "34200.1000,1,5,10,1000000,1\n";
    let shown = "9999999999,0,1000000,10\n";
    let says = |messages: &str, book: &str| {
        read_path(&day(&folder, messages, book), &of(Books)).unwrap_err().to_string()
    };
    for (messages, book, expected) in [
        (format!("{good}34200.2000,1,6,10\n"), shown.repeat(2), "six columns"),
        (format!("{good}x,1,6,10,1000000,1\n"), shown.repeat(2), "is not a time"),
        (format!("{good}34200.2,8,6,10,1000000,1\n"), shown.repeat(2), "is no type"),
        (format!("{good}34200.2000,1,-6,10,1000000,1\n"), shown.repeat(2), "is no order"),
        (format!("{good}34200.2000,1,6,-10,1000000,1\n"), shown.repeat(2), "is not a size"),
        (format!("{good}34200.2000,1,6,9223372036854775807,1000000,1\n"), shown.repeat(2), "is not a size"),
        (format!("{good}34200.2000,1,6,10,9223372036854775807,1\n"), shown.repeat(2), "is not a price"),
        (format!("{good}34200.2000,1,6,10,1000000,2\n"), shown.repeat(2), "is no direction"),
        (good.repeat(2), shown.to_string(), "has no book"),
        (good.to_string(), "1,2,3\n".to_string(), "comes with a book that is none"),
        (good.to_string(), "9999999999,0,1000000,9\n".to_string(), "does not lead to the book beside it"),
    ] {
        let said = says(&messages, &book);
        assert!(said.contains(expected), "{said}");
    }
    let said = says(good, "9999999999,0,1000000,9\n");
    assert!(said.contains("10 at 100, it shows 9") && said.contains("line 1 of `ABC_"), "{said}");
    // Bad messages may be left out; the two files stay side by side.
    let path = day(&folder, &format!("{good}junk\n{good}"), &shown.repeat(3));
    let spec = DataSpec { skip_bad_rows: true, ..of(Books) };
    assert_eq!(drain(&mut open(&path, &spec).unwrap(), 2).0.len(), 4);

    let kind = refused(&path, Quotes);
    assert!(kind.contains("holds books and trades"), "{kind}");
    fs::remove_file(folder.path().join(NAME.replace("message", "orderbook"))).unwrap();
    let alone = refused(&path, Books);
    assert!(alone.contains("orderbook_3.csv") && alone.contains("as trades"), "{alone}");
    let elsewhere = folder.path().join("messages.csv");
    fs::rename(&path, &elsewhere).unwrap();
    let nameless = refused(&elsewhere, Trades);
    assert!(nameless.contains("the name alone"), "{nameless}");
}
