//! What a file seems to be.

use std::path::Path;

use genovo_adapters::data::inspect::{Guess, guess};
use genovo_adapters::data::{Column, DataError, Field, TimeFormat};
use genovo_engine::settings::DataKind;
use genovo_engine::units::Nanoseconds;

use crate::{file, read_path};

fn of(text: &str) -> Guess {
    guess(file(text).path()).unwrap()
}

fn fields(guess: &Guess) -> Vec<Option<Field>> {
    guess.columns.iter().map(|column| column.field).collect()
}

#[test]
fn real_files_are_recognised_and_read_as_proposed() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    for (name, kind, symbol, rows) in [
        ("xauusd_quotes.csv.zst", DataKind::Quotes, "XAUUSD", 5_000),
        ("bac_quotes.csv", DataKind::Quotes, "BAC", 4_000),
        ("bac_trades.csv.gz", DataKind::Trades, "BAC", 4_000),
        ("btcusd_bars_1m.csv.zst", DataKind::Bars, "BTCUSD", 1_000),
    ] {
        let path = data.join(name);
        let guess = guess(&path).unwrap();
        assert_eq!((guess.spec.kind, guess.symbol.as_deref()), (kind, Some(symbol)), "{name}");
        assert_eq!(guess.first_error, None, "{name}");
        assert_eq!(read_path(&path, &guess.spec).unwrap().len(), rows, "{name}");
    }
    let bars = guess(&data.join("btcusd_bars_1m.csv.zst")).unwrap();
    assert_eq!(bars.spec.bar_interval, Some(Nanoseconds(60 * 1_000_000_000)));
    assert!(bars.reasons.iter().any(|reason| reason.contains("60 s")), "{:?}", bars.reasons);
}

#[test]
fn columns_without_names_are_told_by_their_values() {
    use Field::*;
    let bars = of(
        "20170102 020000;1.05155;1.05197;1.05155;1.0519;0\n20170102 020100;1.05209;1.0521;1.051;1.0518;0\n",
    );
    assert_eq!((bars.spec.kind, bars.spec.delimiter), (DataKind::Bars, Some(b';')));
    assert_eq!(fields(&bars), [Some(Time), Some(Open), Some(High), Some(Low), Some(Close), Some(Volume)]);
    assert_eq!((bars.spec.time, bars.first_error), (Some(TimeFormat::Text), None));
    assert_eq!(bars.spec.bar_interval, Some(Nanoseconds(60 * 1_000_000_000)));

    let quotes = of("EUR/USD\t1399040999583\t1.38\t1.381\nEUR/USD\t1399040999584\t1.379\t1.38\n");
    assert_eq!((quotes.spec.kind, quotes.spec.delimiter), (DataKind::Quotes, Some(b'\t')));
    assert_eq!(fields(&quotes), [None, Some(Time), Some(Bid), Some(Ask)]);
    assert_eq!((quotes.spec.time, quotes.first_error), (Some(TimeFormat::Milliseconds), None));
    assert_eq!(quotes.spec.columns[&Bid], Column::Number(3));

    let trades = of("1399040999,1.38,2500000\n1399040999,1.379,7\n");
    assert_eq!((trades.spec.kind, trades.spec.time), (DataKind::Trades, Some(TimeFormat::Seconds)));
    assert_eq!(trades.first_error, None);
}

#[test]
fn what_cannot_be_told_becomes_a_question() {
    let odd = of("when,bid,ask\n5,1,2\n6,1,2\n");
    assert!(odd.questions.iter().any(|question| question.contains("`time`")), "{:?}", odd.questions);
    assert!(odd.first_error.is_some());
    let named = of("when,bid,ask\n2014-05-02 14:30:00,1,2\n");
    assert_eq!(named.spec.columns[&Field::Time], Column::Name("when".to_string()));
    assert_eq!(named.first_error, None);
}

#[test]
fn instruments_zones_and_books_are_noticed() {
    let zoned =
        of("Symbol,timestamp,bid,ask\nEURUSD,2014-05-02T14:30:00Z,1,2\nEURUSD,2014-05-02T14:30:01Z,1,2\n");
    assert_eq!((zoned.symbol.as_deref(), zoned.questions.len()), (Some("EURUSD"), 0));
    let two = of("symbol,ts_ns,bid,ask\nEURUSD,1,1,2\nGBPUSD,2,1,2\n");
    assert_ne!(two.symbol.as_deref(), Some("EURUSD"));
    let book = of("timestamp,is_snapshot,side,price,amount\n1585699200245000,true,bid,1,2\n");
    assert!(book.questions.iter().any(|question| question.contains("order book")), "{:?}", book.questions);
}

#[test]
fn a_file_of_nothing_is_an_error() {
    assert!(matches!(guess(file("").path()), Err(DataError::Empty { .. })));
    assert!(matches!(guess(file("ts_ns,bid,ask\n").path()), Err(DataError::NoRows { .. })));
    assert!(matches!(guess(file("a\0b").path()), Err(DataError::NotText { .. })));
}
