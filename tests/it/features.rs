//! Does every column of the catalogue move on data that ships?

use std::collections::{BTreeMap, BTreeSet};

use genovo_adapters::data::{self, DataSpec, OutsideSpec, read_outside};
use genovo_engine::book::Book;
use genovo_engine::engine::Engine;
use genovo_engine::event::{Event, Fact, FeaturesReselected, Quote, WorldKind};
use genovo_engine::features::FeatureState;
use genovo_engine::features::candle::Timeframe;
use genovo_engine::features::catalogue::{TIMEFRAMES, entries};
use genovo_engine::features::column::Column;
use genovo_engine::features::normalise::Normalise;
use genovo_engine::features::select::hash;
use genovo_engine::ids::InstrumentId;
use genovo_engine::merge::Merge;
use genovo_engine::run::run;
use genovo_engine::settings::{
    BarPrice, DataKind, FeatureSettings, Instrument, SelectionSettings, Settings, Trigger,
};
use genovo_engine::simulated::Simulated;
use genovo_engine::strategy::{
    Needs, ParameterError, Parameters, Proposal, Registry, Strategy, StrategyKind, View,
};
use genovo_engine::units::{Nanoseconds, Price, Timestamp};
use genovo_engine::world::{MemorySource, Source};
use genovo_tests::{Rare, gold, repository};

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
        if event.fact.kind().is_outside() {
            let index = event.header.instrument.index();
            state.outside(index, event.header.time_received, &event.fact);
            continue;
        }
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

/// Quotes and trades of BAC move all but the columns that need days, a benchmark, a book or the world's news; the gold
/// week moves the calendar and, with what was released meanwhile, the news; daily bars of SPY and AAPL and the book of
/// BTCUSDT move the rest.
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
    let statistics = |series: &str, lag: Option<i64>| OutsideSpec::Statistics {
        series: Some(series.to_string()),
        release_lag: lag.map(|hours| Nanoseconds(hours * 3_600 * SECOND)),
        release_time: None,
    };
    let mut sources = vec![gold];
    for (path, spec) in [
        ("icsa_20140111-20140517.csv", statistics("ICSA", None)),
        ("dgs10_20140303-20140530.csv", statistics("DGS10", Some(96))),
        ("us_releases_201404-201405.csv", OutsideSpec::News),
        ("us_calendar_201404-201405.csv", OutsideSpec::Schedule { known_before: None }),
    ] {
        let path = repository(&format!("scenarios/data/{path}"));
        let events = read_outside(&path, &spec, Nanoseconds(0), &[]).expect("a shipped file");
        sources.push(Box::new(MemorySource::accompanying(events)));
    }
    let gold = FeatureSettings {
        columns: vec!["calendar".to_string(), "macro_news".to_string()],
        ..settings("calendar", [60, 300, 900, 3600])
    };
    let gold = moved(sources, 1, &gold, (usize::MAX, 1_000));

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
    let still: Vec<&String> = names
        .iter()
        .filter(|name| ![&bac, &gold, &daily, &book].iter().any(|moved| moved.contains(*name)))
        .collect();
    assert!(still.is_empty(), "{} of {} stand still: {still:?}", still.len(), names.len());
}

/// Says what it was given.
struct Tells;

impl Strategy for Tells {
    fn update(&mut self, _: &Event, _: &dyn View) -> bool {
        false
    }

    fn decide(&mut self, view: &dyn View, proposal: &mut Proposal) {
        proposal.because = format!("{:?}", view.features());
    }
}

/// A strategy is given the slots alone, the vector keeps every column, and a column that stays keeps its slot.
#[test]
fn a_strategy_is_given_the_columns_that_are_selected() {
    let mut registry = Registry::default();
    registry.add(StrategyKind {
        name: "tells",
        about: "says what it was given",
        parameters: &[],
        needs: Needs { sizes: false, quotes: true },
        trigger: Trigger::EveryTick,
        make: |_: &Parameters, _: &Settings| -> Result<Box<dyn Strategy>, ParameterError> {
            Ok(Box::new(Tells))
        },
    });
    let mut settings = gold();
    (settings.strategy.kind, settings.trigger) = ("tells".to_string(), Trigger::EveryTick);
    settings.strategy.parameters.clear();
    settings.features = Some(FeatureSettings {
        selection: Some(SelectionSettings { slots: 2, listed: None, schedule: None }),
        benchmark: None,
        ..self::settings("calendar", [60, 300, 900, 3600])
    });
    // Friday, 2 May 2014: Europe is open at 10:00, Asia no longer, and the weekend begins 12 hours later.
    let at = |second: i64| Timestamp((1_398_988_800 + 10 * 3_600 + second) * SECOND);
    let quote = |second: i64| {
        let (bid, ask) = (Price(1_280 * SECOND), Price(1_281 * SECOND));
        let fact = Fact::QuoteChanged(Quote { bid, ask, bid_size: None, ask_size: None });
        Event::unnumbered(at(second), at(second), InstrumentId(1), fact)
    };
    let selected = |second: i64, columns: &[&str]| {
        let columns: Vec<String> = columns.iter().map(|column| column.to_string()).collect();
        let fact = FeaturesReselected { hash: hash(&columns), columns };
        let fact = Fact::FeaturesReselected(Box::new(fact));
        Event::unnumbered(at(second), at(second), InstrumentId::NONE, fact)
    };
    let events = vec![
        quote(0),
        selected(1, &["europe", "asia", "america"]),
        quote(2),
        selected(3, &["to_weekend", "asia"]),
        quote(4),
    ];
    let mut engine = Engine::new(settings.clone(), &registry).unwrap();
    let started = engine.identity(WorldKind::Simulated);
    let sources: Vec<Box<dyn Source>> = vec![Box::new(MemorySource::new(events))];
    let mut world = Simulated::new(&settings, started, sources).unwrap();
    let mut log = Rare::default();
    run(&mut world, &mut log, &mut engine).unwrap();
    let told: Vec<&str> = log
        .0
        .iter()
        .filter_map(|event| match &event.fact {
            Fact::DecisionMade(decision) => Some(decision.because.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(told, ["[None, None]", "[Some(1.0), Some(0.0)]", "[Some(0.5), Some(0.0)]"]);
    let widths = log.0.iter().filter_map(|event| match &event.fact {
        Fact::FeaturesComputed(vector) => Some(vector.values.len()),
        _ => None,
    });
    // The range that the limits watch, and the twelve of the calendar.
    assert_eq!(widths.collect::<Vec<_>>(), [13; 3]);
    let unknown = Event::unnumbered(at(0), at(0), InstrumentId::NONE, selected(0, &["rsi_14@1m"]).fact);
    let mut engine = Engine::new(settings, &registry).unwrap();
    let fault = engine.apply(&unknown).unwrap_err().to_string();
    assert_eq!(fault, "the selection of columns: no column or family of features is called `rsi_14@1m`");
}
