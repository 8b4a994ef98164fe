//! The features of a run: no look-ahead, warm-up as described, the same after a restart.

use genovo_engine::event::{
    Bar, EventScheduled, Fact, Importance, MacroReleased, NewsPublished, Quote, Side, Trade,
};
use genovo_engine::features::FeatureState;
use genovo_engine::features::candle::Timeframe;
use genovo_engine::features::catalogue::{BAR_FAMILIES, entries};
use genovo_engine::features::indicators::make;
use genovo_engine::features::normalise::Normalise;
use genovo_engine::ids::InstrumentId;
use genovo_engine::settings::*;
use genovo_engine::units::{Figure, Nanoseconds, Price, Quantity, Ratio, Timestamp};
use genovo_kernels::random::RandomKey;
use proptest::prelude::*;

use crate::golden::bars;

const SECOND: i64 = 1_000_000_000;

/// Something that arrives: when, for which instrument, what.
type Tick = (Timestamp, usize, Fact);

fn settings(scale: Normalise) -> FeatureSettings {
    FeatureSettings {
        columns: vec!["all".to_string()],
        timeframes: [
            Timeframe::Time(Nanoseconds(2 * SECOND)),
            Timeframe::Ticks(7),
            Timeframe::Volume(Quantity(900 * SECOND)),
            Timeframe::Time(Nanoseconds(10 * SECOND)),
        ],
        price: BarPrice::Mid,
        scale,
        benchmark: Some(InstrumentId(1)),
        selection: None,
        own: own(),
        altered: Vec::new(),
    }
}

/// Expressions over every kind of column, on every timeframe, one over another.
fn own() -> Vec<OwnColumn> {
    let columns = [
        ("own_gap", "rsi_14@2s - mean(rsi_14@10s, 20)", 0),
        ("own_wide", "if(spread > 2, z(spread, 10), lag(own_gap, 2))", 0),
        ("own_flow", "ema(signed_volume_10s, 5) * clip(close / open - 1, -0.01, 0.01)", 1),
        ("own_volume", "volume / highest(volume, 8) + minute_sin", 2),
        ("own_mood", "std(sentiment_1h, 3) + std(log(close), 5) + lowest(own_gap, 2)", 3),
    ];
    let own = |(id, expr, timeframe): (&str, &str, u8)| OwnColumn {
        id: id.to_string(),
        expr: expr.to_string(),
        timeframe,
    };
    columns.map(own).to_vec()
}

fn instruments() -> [Instrument; 2] {
    let instrument = |symbol: &str| Instrument {
        symbol: symbol.to_string(),
        currency: None,
        tick: Price(SECOND / 100),
        lot: Quantity(SECOND),
        multiplier: Quantity(SECOND),
        margin_initial: genovo_engine::units::Ratio::ONE,
        margin_maintenance: genovo_engine::units::Ratio::ONE,
        commission: Commission::default(),
    };
    [instrument("A"), instrument("B")]
}

fn state(scale: Normalise) -> FeatureState {
    FeatureState::new(&settings(scale), &instruments()).unwrap()
}

/// Quotes, trades and bars of two instruments that wander; every draw is a function of (seed, index).
fn market(seed: u64, count: u64) -> Vec<Tick> {
    let mut now = 1_700_000_000 * SECOND;
    let mut mids = [10_000_i64, 5_000];
    let mut ticks = Vec::new();
    for index in 0..count {
        let draw = |purpose: u32, below: u64| {
            u64::from(RandomKey { seed, purpose: 1, id: index }.words(purpose)[0]) % below
        };
        now += (draw(0, 900_000) * 1_000) as i64;
        let instrument = draw(1, 2) as usize;
        mids[instrument] += draw(2, 7) as i64 - 3;
        let cents = |value: i64| Price(value * SECOND / 100);
        let size = Quantity((1 + draw(3, 90) as i64) * SECOND);
        let known = draw(4, 20) > 0;
        let fact = match draw(5, 10) {
            0..6 => Fact::QuoteChanged(Quote {
                bid: cents(mids[instrument] - 1 - draw(6, 3) as i64),
                ask: cents(mids[instrument] + 1),
                bid_size: known.then_some(size),
                ask_size: Some(Quantity((1 + draw(7, 50) as i64) * SECOND)),
            }),
            // Now and then the world says something.
            9 if draw(8, 4) == 0 => outside(now, index, draw(9, 3), draw(10, 200) as i64 - 100),
            _ => Fact::TradePrinted(Trade {
                price: cents(mids[instrument] + draw(6, 3) as i64 - 1),
                size: known.then_some(size),
                aggressor: [None, Some(Side::Buy), Some(Side::Sell)][draw(7, 3) as usize],
            }),
        };
        ticks.push((Timestamp(now), instrument, fact));
    }
    ticks
}

/// A release, a headline or an event to come.
fn outside(now: i64, index: u64, what: u64, draw: i64) -> Fact {
    match what {
        0 => Fact::MacroReleased(Box::new(MacroReleased {
            series: "CPI".to_string(),
            period: Timestamp(index as i64),
            value: Figure(i128::from(draw) * 1_000_000_000),
            expected: Some(Figure(0)),
        })),
        1 => Fact::NewsPublished(Box::new(NewsPublished {
            source: "wire".to_string(),
            headline: format!("number {} of {index}", draw % 7),
            sentiment: Some(Ratio(draw * 10_000_000)),
            weight: Ratio::ONE,
        })),
        _ => Fact::EventScheduled(Box::new(EventScheduled {
            id: format!("event {}", draw % 5),
            name: "event".to_string(),
            at: Timestamp(now + draw * 100 * SECOND),
            importance: if draw % 2 == 0 { Importance::High } else { Importance::Low },
        })),
    }
}

/// What a run does with what arrives.
fn feed(state: &mut FeatureState, (now, instrument, fact): &Tick) {
    state.advance(*now);
    if fact.kind().is_outside() {
        state.outside(None, *now, fact);
    } else {
        state.update(*instrument, *now, *now, fact);
    }
}

/// Feeds ticks, reads the row of their instrument after each, and hands out the bits of the rows.
fn rows(state: &mut FeatureState, ticks: &[Tick]) -> Vec<Vec<Option<u64>>> {
    let mut rows = Vec::new();
    for tick @ (now, instrument, _) in ticks {
        feed(state, tick);
        rows.push(state.raw(*instrument, *now).iter().map(|value| value.map(f64::to_bits)).collect());
    }
    rows
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]
    /// What comes after t, be it cut off, changed or absent, changes no column at t or before.
    #[test]
    fn no_column_looks_ahead(seed in 0_u64..1_000_000, cut in 200_usize..1_800) {
        let ticks = market(seed, 2_000);
        let whole = rows(&mut state(Normalise::None), &ticks);
        let names = state(Normalise::None);
        let mut changed = ticks[..cut].to_vec();
        for (now, instrument, fact) in market(seed + 1, 200) {
            let (first, last) = (1_700_000_000 * SECOND, ticks[cut - 1].0.0);
            changed.push((Timestamp(last + now.0 - first), instrument, fact));
        }
        for other in [&ticks[..cut], &changed[..]] {
            let other = rows(&mut state(Normalise::None), other);
            for (at, (ours, theirs)) in whole.iter().zip(&other).take(cut).enumerate() {
                for (column, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
                    prop_assert_eq!(ours, theirs, "{} at {} of {}", &names.columns()[column].id, at, cut);
                }
            }
        }
    }
}

#[test]
fn reading_changes_nothing_but_what_scaling_remembers() {
    let ticks = market(7, 1_500);
    let often = rows(&mut state(Normalise::None), &ticks);
    let mut seldom = state(Normalise::None);
    for (at, tick @ (now, instrument, _)) in ticks.iter().enumerate() {
        feed(&mut seldom, tick);
        if at % 97 == 0 {
            let row: Vec<_> =
                seldom.raw(*instrument, *now).iter().map(|value| value.map(f64::to_bits)).collect();
            for (column, (ours, theirs)) in row.iter().zip(&often[at]).enumerate() {
                // What fades by exp(a) exp(b) instead of exp(a + b) may differ in the last place.
                let id = &seldom.columns()[column].id;
                if !id.starts_with("hawkes") {
                    assert_eq!(ours, theirs, "{id} at {at}");
                }
            }
        }
    }
}

#[test]
fn most_columns_have_values_and_move() {
    let ticks = market(3, 30_000);
    let mut state = state(Normalise::Robust);
    let count = state.columns().len();
    let (mut low, mut high) = (vec![f64::INFINITY; count], vec![f64::NEG_INFINITY; count]);
    for (at, tick @ (now, instrument, _)) in ticks.iter().enumerate() {
        feed(&mut state, tick);
        if at % 10 == 0 {
            let row = state.read(*instrument, *now).expect("no overflow");
            for (column, value) in row.iter().enumerate() {
                if let Some(value) = value {
                    low[column] = low[column].min(f64::from(*value));
                    high[column] = high[column].max(f64::from(*value));
                    assert!(value.abs() <= 8.0);
                }
            }
        }
    }
    let still: Vec<&str> =
        (0..count).filter(|c| low[*c] >= high[*c]).map(|c| state.columns()[c].id.as_str()).collect();
    // Four hours: no day, week or month passes.
    let calm = |id: &&str| {
        ["weekday", "month_day", "year_day", "asia", "europe", "america"].iter().any(|part| id.contains(part))
    };
    // What is behind the touch has a market of its own, in `order_book.rs`.
    let behind = |id: &&str| {
        ["queue_imbalance_l", "depth_slope", "mlofi", "cancel_ratio"].iter().any(|part| id.contains(part))
    };
    let odd: Vec<&&str> = still.iter().filter(|id| !calm(id) && !behind(id)).collect();
    assert!(odd.len() < count / 20, "{} of {count} stand still: {odd:?}", odd.len());
}

#[test]
fn every_bar_column_has_its_first_value_when_it_says() {
    let bars = bars("goog_d");
    for family in BAR_FAMILIES {
        for column in family.columns {
            let mut made = make(column.indicator, column.parameters).unwrap();
            let mut out = vec![None; made.outputs];
            let mut first = None;
            for (at, bar) in bars.iter().enumerate() {
                made.indicator.update(bar, &mut out);
                if out.iter().any(Option::is_some) {
                    first = Some(at as u32);
                    break;
                }
            }
            // A half-life is there only where prices revert; an hourly rank of 500 volatilities takes 519 bars.
            let said = made.indicator.warm_up();
            let fits =
                first.is_some_and(|first| first == said || column.indicator == "half_life" && first >= said);
            // Some outputs of an indicator come before others.
            let early = matches!(
                column.indicator,
                "squeeze"
                    | "pattern_sums"
                    | "brar"
                    | "shape"
                    | "thermo"
                    | "STOCHRSI"
                    | "kalman_level_state"
                    | "kalman_trend_state"
            ) && first.is_some_and(|first| first <= said);
            assert!(fits || early, "{}: first value at bar {first:?}, said {said}", column.id);
        }
    }
}

#[test]
fn a_run_has_at_least_560_columns() {
    assert!(entries(&settings(Normalise::None).timeframes).len() >= 560);
    let state = state(Normalise::None);
    let own = own().len();
    assert_eq!(state.columns().len(), entries(&settings(Normalise::None).timeframes).len() + own);
}

#[test]
fn received_bars_feed_every_timeframe() {
    let mut settings = settings(Normalise::None);
    let day = 86_400 * SECOND;
    settings.timeframes = [1, 5, 15, 60].map(|days| Timeframe::Time(Nanoseconds(days * day)));
    settings.columns = vec!["return_1".to_string()];
    settings.own.clear();
    let instrument = Instrument {
        symbol: "A".to_string(),
        currency: None,
        tick: Price(1),
        lot: Quantity(1),
        multiplier: Quantity(SECOND),
        margin_initial: genovo_engine::units::Ratio::ONE,
        margin_maintenance: genovo_engine::units::Ratio::ONE,
        commission: Commission::default(),
    };
    let mut state = FeatureState::new(&settings, &[instrument]).unwrap();
    let mut known = [0; 4];
    for index in 0..300_i64 {
        let price = Price((100 + index % 7) * SECOND);
        let bar = Bar {
            open_time: Timestamp(index * day),
            open: price,
            high: price,
            low: price,
            close: price,
            volume: None,
        };
        let end = Timestamp((index + 1) * day);
        state.advance(end);
        state.update(0, end, end, &Fact::BarReceived(bar));
        for (known, value) in known.iter_mut().zip(state.raw(0, end)) {
            *known += i32::from(value.is_some());
        }
    }
    assert_eq!(known, [299, 300 - 9, 300 - 29, 300 - 119]);
}

/// What a column of one's own names need not be selected: it is computed all the same, and not shown.
#[test]
fn columns_of_ones_own_are_the_same_whatever_else_is_selected() {
    let ticks = market(11, 3_000);
    let few = FeatureSettings { columns: vec!["minute_cos".to_string()], ..settings(Normalise::None) };
    let (mut all, mut few) = (state(Normalise::None), FeatureState::new(&few, &instruments()).unwrap());
    let (own, count) = (own().len(), all.columns().len());
    assert_eq!(few.columns().len(), own + 1);
    let mut known = vec![0; own];
    for tick @ (now, instrument, _) in &ticks {
        feed(&mut all, tick);
        feed(&mut few, tick);
        let seen: Vec<_> = all.raw(*instrument, *now)[count - own..].to_vec();
        let bits = |row: &[Option<f64>]| row.iter().map(|value| value.map(f64::to_bits)).collect::<Vec<_>>();
        assert_eq!(bits(&seen), bits(&few.raw(*instrument, *now)[1..]));
        for (known, value) in known.iter_mut().zip(&seen) {
            *known += i32::from(value.is_some());
        }
    }
    assert!(known.iter().all(|known| *known > 100), "{known:?}");
}

/// By hand: at the close of each bar, from the bars alone.
#[test]
fn a_column_of_ones_own_is_computed_at_the_close_of_its_bars() {
    let day = 86_400 * SECOND;
    let expr = "close - mean(close, 3)".to_string();
    let settings = FeatureSettings {
        columns: Vec::new(),
        timeframes: [1, 5, 15, 60].map(|days| Timeframe::Time(Nanoseconds(days * day))),
        own: vec![OwnColumn { id: "own_gap".to_string(), expr, timeframe: 0 }],
        ..settings(Normalise::None)
    };
    let mut state = FeatureState::new(&settings, &instruments()).unwrap();
    assert_eq!(state.columns()[0].warm_up, "3 bars");
    let closes = [10.0, 12.0, 17.0, 13.0];
    for (index, close) in closes.iter().enumerate() {
        let price = Price::from_f64(*close).unwrap();
        let open_time = Timestamp(index as i64 * day);
        let bar = Bar { open_time, open: price, high: price, low: price, close: price, volume: None };
        let end = Timestamp((index as i64 + 1) * day);
        state.advance(end);
        state.update(0, end, end, &Fact::BarReceived(bar));
        let expected = [None, None, Some(4.0), Some(-1.0)][index];
        assert_eq!(state.raw(0, end), [expected]);
    }
}

#[test]
fn columns_of_ones_own_that_cannot_be_are_refused() {
    let error = |id: &str, expr: &str, timeframe: u8| {
        let own = vec![OwnColumn { id: id.to_string(), expr: expr.to_string(), timeframe }];
        let settings = FeatureSettings { own, ..settings(Normalise::None) };
        FeatureState::new(&settings, &instruments()).err().expect("refused").to_string()
    };
    assert_eq!(error("spread", "1", 0), "there is a column or family `spread` already");
    assert_eq!(error("rsi_14", "1", 0), "there is a column or family `rsi_14` already");
    assert_eq!(error("x", "1", 4), "`x` is over a timeframe that the features do not have");
    assert_eq!(error("x", "1 +", 0), "the expression of `x`: the expression ends here");
    assert_eq!(error("x", "x + 1", 0), "the expression of `x`: no column is called `x`");
}

#[test]
fn more_slots_than_a_model_can_have_are_refused() {
    let selection = Some(SelectionSettings { slots: u32::MAX, listed: None, schedule: None });
    let settings = FeatureSettings { selection, ..settings(Normalise::None) };
    let error = FeatureState::new(&settings, &instruments()).err().expect("refused").to_string();
    assert_eq!(error, "4294967295 slots are too many: at most 65536");
}
