//! Event for event against the `csv` crate and string arithmetic on decimals.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use genovo_engine::event::{Bar, Event, Fact, Quote, Side, Trade};
use genovo_engine::ids::InstrumentId;
use genovo_engine::settings::DataKind;
use genovo_engine::units::{Nanoseconds, Price, Quantity, Timestamp};
use proptest::prelude::*;

use crate::{drain, file, open, read, read_path, spec};

fn real(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

/// `12.5e-1` to units of 1e-9, by moving the point in the text.
fn fixed(text: &str) -> i64 {
    let text = text.trim();
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (sign, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, mantissa.trim_start_matches('+')),
    };
    let (whole, decimals) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let places = 9 + exponent.parse::<i64>().unwrap() - decimals.len() as i64;
    let mut digits = format!("{whole}{decimals}");
    if places >= 0 {
        digits.push_str(&"0".repeat(places as usize));
    } else {
        let zeros = digits.split_off(digits.len() - places.unsigned_abs() as usize);
        assert!(zeros.bytes().all(|digit| digit == b'0'));
    }
    sign * digits.parse::<i64>().unwrap()
}

fn size(text: &str) -> Option<Quantity> {
    (!text.trim().is_empty()).then(|| Quantity(fixed(text)))
}

/// The slow and obvious reader: columns in the usual order, nanoseconds, bars of a minute.
fn oracle(text: &[u8], delimiter: u8, kind: DataKind) -> Vec<Event> {
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(text);
    let mut received = Timestamp::MIN;
    reader
        .records()
        .map(|row| {
            let row = row.unwrap();
            let stamp = Timestamp(row[0].trim().parse().unwrap());
            let price = |i: usize| Price(fixed(&row[i]));
            let (time, fact) = match kind {
                DataKind::Quotes => {
                    let (bid_size, ask_size) = (size(&row[3]), size(&row[4]));
                    (stamp, Fact::QuoteChanged(Quote { bid: price(1), ask: price(2), bid_size, ask_size }))
                }
                DataKind::Trades => {
                    let aggressor = match &row[3] {
                        "" => None,
                        "buy" => Some(Side::Buy),
                        "sell" => Some(Side::Sell),
                        other => panic!("{other}"),
                    };
                    (stamp, Fact::TradePrinted(Trade { price: price(1), size: size(&row[2]), aggressor }))
                }
                DataKind::Bars => {
                    let (open, high, low, close) = (price(1), price(2), price(3), price(4));
                    let bar = Bar { open_time: stamp, open, high, low, close, volume: size(&row[5]) };
                    (stamp + Nanoseconds(60_000_000_000), Fact::BarReceived(bar))
                }
                DataKind::Books
                | DataKind::Journal
                | DataKind::Actions
                | DataKind::Signals
                | DataKind::Outside => {
                    unreachable!()
                }
            };
            received = received.max(time);
            Event::unnumbered(time, received, InstrumentId(1), fact)
        })
        .collect()
}

#[test]
fn real_files_agree_event_for_event() {
    for (name, kind, rows) in [
        ("xauusd_quotes.csv.zst", DataKind::Quotes, 5_000),
        ("bac_quotes.csv", DataKind::Quotes, 4_000),
        ("bac_trades.csv.gz", DataKind::Trades, 4_000),
        ("btcusd_bars_1m.csv.zst", DataKind::Bars, 1_000),
    ] {
        let bytes = std::fs::read(real(name)).unwrap();
        let text = match name.rsplit('.').next().unwrap() {
            "zst" => zstd::decode_all(&bytes[..]).unwrap(),
            "gz" => {
                let mut text = Vec::new();
                flate2::read::GzDecoder::new(&bytes[..]).read_to_end(&mut text).unwrap();
                text
            }
            _ => bytes,
        };
        let events = read_path(&real(name), &spec(kind)).unwrap();
        assert_eq!(events.len(), rows, "{name}");
        assert_eq!(events, oracle(&text, b',', kind), "{name}");
    }
}

#[test]
fn a_file_of_many_buffers_agrees() {
    // Line lengths vary, some lines have quotes, and the text is longer than several read buffers.
    let mut text = String::from("ts_ns,bid,ask,bid_size,ask_size,note\n");
    for i in 0_u64..40_000 {
        let (bid, note) = (i * i % 1_000_003, "x".repeat((i * 7919 % 61) as usize));
        let note = if i % 1000 == 999 { format!("\"{note}, \"\"{i}\"\"\"") } else { note };
        text += &format!("{},{}.{:03},{},{i},,{note}\n", 1_000 + i, bid, i % 1000, bid + 1);
    }
    let events = read(&text, &spec(DataKind::Quotes)).unwrap();
    assert_eq!(events.len(), 40_000);
    assert_eq!(events, oracle(text.as_bytes(), b',', DataKind::Quotes));
}

#[derive(Clone, Copy, Debug)]
enum Packing {
    Plain,
    Gzip { members: usize },
    Zstd { frames: usize },
}

fn pack(text: &[u8], packing: Packing) -> Vec<u8> {
    let parts = |count: usize| text.chunks(text.len().div_ceil(count).max(1));
    match packing {
        Packing::Plain => text.to_vec(),
        Packing::Gzip { members } => parts(members)
            .flat_map(|part| {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                encoder.write_all(part).unwrap();
                encoder.finish().unwrap()
            })
            .collect(),
        Packing::Zstd { frames } => {
            parts(frames).flat_map(|part| zstd::encode_all(part, 1).unwrap()).collect()
        }
    }
}

fn packing() -> impl Strategy<Value = Packing> {
    prop_oneof![
        Just(Packing::Plain),
        (1..4_usize).prop_map(|members| Packing::Gzip { members }),
        (1..4_usize).prop_map(|frames| Packing::Zstd { frames }),
    ]
}

/// A decimal in the many ways that files write it.
fn decimal(signed: bool) -> impl Strategy<Value = String> {
    let digits = prop_oneof![
        "[0-9]{1,9}",
        "[0-9]{1,9}\\.[0-9]{0,9}",
        "\\.[0-9]{1,9}",
        "[0-9]{1,4}\\.[0-9]{1,4}0{0,12}"
    ];
    let sign = if signed {
        prop_oneof![8 => Just(""), 1 => Just("-"), 1 => Just("+")].boxed()
    } else {
        Just("").boxed()
    };
    let exponent = "[0-9]\\.[0-9]{1,5}[eE][+-]?0?[0-4]";
    (sign, prop_oneof![9 => digits.boxed(), 1 => exponent.boxed()])
        .prop_map(|(sign, text)| format!("{sign}{text}"))
}

fn optional_size() -> impl Strategy<Value = String> {
    prop_oneof![1 => Just(String::new()), 3 => decimal(false)]
}

/// A field as it stands in the file: bare, quoted, or with blanks around it.
fn dressed(text: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    (text, 0..20_u8).prop_map(|(text, dress)| match dress {
        0 => format!("\"{text}\""),
        1 => format!(" {text} "),
        _ => text,
    })
}

/// A column that is not read, with whatever is legal in it.
fn note() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[a-z ]{0,12}", 1 => "[a-z,;\t]{0,8}(\"\"){0,2}".prop_map(|text| format!("\"{text}\""))]
}

fn row(kind: DataKind) -> BoxedStrategy<Vec<String>> {
    let stamp = dressed((0..i64::MAX / 2).prop_map(|stamp| stamp.to_string()));
    let price = || dressed(decimal(true));
    let size = || dressed(optional_size());
    match kind {
        DataKind::Quotes => (stamp, price(), price(), size(), size(), note())
            .prop_map(|(t, b, a, bs, az, n)| vec![t, b, a, bs, az, n])
            .boxed(),
        DataKind::Trades => {
            let positive = dressed("[1-9][0-9]{0,6}(\\.[0-9]{1,3})?");
            let side = prop_oneof![Just("buy"), Just("sell"), Just("")].prop_map(str::to_string);
            (stamp, price(), positive, side, note()).prop_map(|(t, p, s, d, n)| vec![t, p, s, d, n]).boxed()
        }
        DataKind::Bars => (stamp, proptest::array::uniform4(0..1_000_000_i64), size(), note())
            .prop_map(|(t, mut prices, v, n)| {
                prices.sort_unstable();
                let [low, open, close, high] = prices.map(|price| Price(price * 1_000_000).to_string());
                vec![t, open, high, low, close, v, n]
            })
            .boxed(),
        DataKind::Books | DataKind::Journal | DataKind::Actions | DataKind::Signals | DataKind::Outside => {
            unreachable!()
        }
    }
}

fn header(kind: DataKind) -> Vec<&'static str> {
    match kind {
        DataKind::Quotes => vec!["ts_ns", "bid", "ask", "bid_size", "ask_size", "note"],
        DataKind::Trades => vec!["ts_ns", "price", "size", "side", "note"],
        DataKind::Bars => vec!["ts_ns", "open", "high", "low", "close", "volume", "note"],
        DataKind::Books | DataKind::Journal | DataKind::Actions | DataKind::Signals | DataKind::Outside => {
            unreachable!()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn generated_files_agree_event_for_event(
        (kind, rows) in prop_oneof![Just(DataKind::Quotes), Just(DataKind::Trades), Just(DataKind::Bars)]
            .prop_flat_map(|kind| (Just(kind), proptest::collection::vec(row(kind), 1..30))),
        delimiter in prop_oneof![Just(','), Just(';'), Just('\t'), Just('|')],
        crlf: bool,
        blank_every in 1..6_usize,
        last_line_ends: bool,
        byte_order_mark: bool,
        packing in packing(),
        limit in 1..40_usize,
    ) {
        let end = if crlf { "\r\n" } else { "\n" };
        let mut text = header(kind).join(&delimiter.to_string()) + end;
        for (i, row) in rows.iter().enumerate() {
            if i % blank_every == 1 {
                text += end;
            }
            text += &row.join(&delimiter.to_string());
            if i + 1 < rows.len() || last_line_ends {
                text += end;
            }
        }
        let expected = oracle(text.as_bytes(), delimiter as u8, kind);
        let mark: &[u8] = if byte_order_mark { b"\xef\xbb\xbf" } else { b"" };
        let on_disk = file(pack(&[mark, text.as_bytes()].concat(), packing));
        let mut open = open(on_disk.path(), &spec(kind)).unwrap();
        let (events, error) = drain(&mut open, limit);
        prop_assert_eq!(error, None);
        prop_assert_eq!(events, expected);
        prop_assert_eq!(open.tally.rows(), rows.len() as u64);
        prop_assert_eq!(open.tally.bytes(), open.bytes_total);
    }
}
