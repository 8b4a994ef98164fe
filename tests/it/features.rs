//! Does every column of the catalogue move on data that ships?

use std::collections::{BTreeMap, BTreeSet};

use genovo_adapters::data::{self, DataSpec};
use genovo_engine::book::Book;
use genovo_engine::features::FeatureState;
use genovo_engine::features::candle::Timeframe;
use genovo_engine::features::catalogue::{TIMEFRAMES, entries};
use genovo_engine::features::column::Column;
use genovo_engine::features::normalise::Normalise;
use genovo_engine::ids::InstrumentId;
use genovo_engine::merge::Merge;
use genovo_engine::settings::{BarPrice, DataKind, FeatureSettings, Instrument};
use genovo_engine::units::Nanoseconds;
use genovo_engine::world::Source;
use genovo_tests::{gold, repository};

const SECOND: i64 = 1_000_000_000;

fn file(path: &str, spec: DataSpec) -> Box<dyn Source> {
    data::open(&repository(&format!("scenarios/data/{path}")), &spec).expect("a shipped file").source
}

/// A column's name with the number of its timeframe instead of its length.
fn numbered(column: &Column, timeframes: &[Timeframe; TIMEFRAMES]) -> String {
    let Some(label) = &column.timeframe else { return column.id.clone() };
    let number = timeframes.iter().position(|timeframe| timeframe.label() == *label);
    format!("{}@{}", column.id.split('@').next().unwrap(), number.unwrap())
}

/// One in `every` of the first `most` events goes into features of these columns; which columns moved, by their names
/// with the number of their timeframe.
fn moved(
    sources: Vec<Box<dyn Source>>,
    instruments: usize,
    settings: &FeatureSettings,
    (most, every): (usize, usize),
) -> BTreeSet<String> {
    let instrument = Instrument { tick: "0.01".parse().unwrap(), ..gold().instruments.remove(0) };
    let mut state = FeatureState::new(settings, &vec![instrument; instruments]).unwrap();
    let names: Vec<String> =
        state.columns().iter().map(|column| numbered(column, &settings.timeframes)).collect();
    let mut first: BTreeMap<usize, f64> = BTreeMap::new();
    let mut moved = BTreeSet::new();
    let mut merge = Merge::new(sources);
    let mut seen = 0;
    let mut book = Book::new("0.1".parse().unwrap());
    while let Some(event) = merge.next_event().expect("good data") {
        seen += 1;
        if seen > most {
            break;
        }
        if seen % every != 0 {
            continue;
        }
        let (now, index) = (event.header.time_received, event.header.instrument.index().unwrap());
        state.advance(now);
        state.update(index, now, event.header.time_event, &event.fact);
        if book.apply(&event.fact) {
            state.book(index, now, &book);
        }
        // Where ticks are dense, not after each.
        if index + 1 == instruments && (every > 1 || seen % 500 == 0 || settings.price == BarPrice::Trade) {
            for (column, value) in state.raw(index, now).iter().enumerate() {
                if let Some(value) = value
                    && *first.entry(column).or_insert(*value) != *value
                {
                    moved.insert(names[column].clone());
                }
            }
        }
    }
    moved
}

fn settings(columns: &str, spans: [i64; 4]) -> FeatureSettings {
    FeatureSettings {
        columns: vec![columns.to_string()],
        timeframes: spans.map(|seconds| Timeframe::Time(Nanoseconds(seconds * SECOND))),
        price: BarPrice::Mid,
        scale: Normalise::None,
        benchmark: Some(InstrumentId(1)),
        selection: None,
        own: Vec::new(),
        altered: Vec::new(),
    }
}

/// Quotes and trades of BAC move all but the columns that need days, a benchmark or a book; the gold week moves the
/// calendar, daily bars of SPY and AAPL and the book of BTCUSDT the rest.
#[test]
fn every_column_moves_on_shipped_data() {
    let quotes =
        file("bac_usa_quotes_20131007-20131008.csv.zst", DataSpec::new(InstrumentId(1), DataKind::Quotes));
    let trades =
        file("bac_usa_trades_20131007-20131008.csv.zst", DataSpec::new(InstrumentId(1), DataKind::Trades));
    let all = settings("all", [5, 10, 15, 20]);
    let bac = moved(vec![quotes, trades], 1, &all, (350_000, 1));

    let gold =
        file("xauusd_oanda_20140501-20140509.csv.zst", DataSpec::new(InstrumentId(1), DataKind::Quotes));
    let gold = moved(vec![gold], 1, &settings("calendar", [60, 300, 900, 3600]), (usize::MAX, 1_000));

    let day = 86_400;
    let bars = |name: &str, id: u32| {
        let spec = DataSpec {
            bar_interval: Some(Nanoseconds(day * SECOND)),
            bar_known_after: Some(Nanoseconds(16 * 3_600 * SECOND)),
            ..DataSpec::new(InstrumentId(id), DataKind::Bars)
        };
        file(&format!("{name}_20110323-20210331.csv.zst"), spec)
    };
    let daily =
        FeatureSettings { price: BarPrice::Trade, ..settings("all", [day, 5 * day, 15 * day, 60 * day]) };
    let sources = vec![bars("spy_usa_1d", 1), bars("aapl_usa_1d_split_adjusted", 2)];
    let daily = moved(sources, 2, &daily, (1_200, 1));

    let book = file("btcusdt_usdm_depth_20240808.zst", DataSpec::new(InstrumentId(1), DataKind::Books));
    let book = moved(vec![book], 1, &settings("order_book", [5, 10, 15, 20]), (usize::MAX, 1));

    let names: BTreeSet<String> =
        entries(&all.timeframes).iter().map(|(column, _)| numbered(column, &all.timeframes)).collect();
    println!(
        "BAC moves {}, the gold week {}, daily bars {}, the book {}",
        bac.len(),
        gold.len(),
        daily.len(),
        book.len()
    );
    // No data that ships says what was released or published.
    let silent: BTreeSet<&str> =
        genovo_engine::features::macro_news::COLUMNS.iter().map(|column| column.id).collect();
    let still: Vec<&String> = names
        .iter()
        .filter(|name| !silent.contains(name.as_str()))
        .filter(|name| ![&bac, &gold, &daily, &book].iter().any(|moved| moved.contains(*name)))
        .collect();
    assert!(still.is_empty(), "{} of {} stand still: {still:?}", still.len(), names.len());
}
