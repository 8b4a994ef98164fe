//! Every strategy, every column, several instruments and currencies: saved anywhere, restored, gone on with.

use genovo_engine::engine::{Engine, NotSaved, RestoreError};
use genovo_engine::event::*;
use genovo_engine::features::candle::Timeframe;
use genovo_engine::features::normalise::Normalise;
use genovo_engine::ids::{Hash, InstrumentId};
use genovo_engine::portfolio::allocation::Allocation;
use genovo_engine::run::run;
use genovo_engine::settings::*;
use genovo_engine::simulated::Simulated;
use genovo_engine::state::State;
use genovo_engine::strategy::bar_by_bar::{BarStrategy, bar_by_bar};
use genovo_engine::strategy::{Needs, Proposal, Registry, Strategy, StrategyKind, View};
use genovo_engine::units::{Figure, Nanoseconds, Price, Quantity, Ratio, Timestamp};
use genovo_engine::world::{MemorySource, Source};
use genovo_kernels::random::RandomKey;

use super::same::goes_on_the_same;

const SECOND: i64 = 1_000_000_000;

/// Instruments that trade in two currencies; the first one's price is the rate.
fn instruments(count: u32) -> Vec<Instrument> {
    let instrument = |number: u32| Instrument {
        symbol: format!("X{number}"),
        tick: Price(1_000_000),
        lot: Quantity(SECOND),
        multiplier: Quantity(SECOND),
        margin_initial: Ratio(20_000_000),
        margin_maintenance: Ratio(10_000_000),
        commission: Commission { taker: Ratio(20_000), ..Commission::default() },
        currency: (number == 2).then(|| "EUR".to_string()),
    };
    (1..=count).map(instrument).collect()
}

/// A run of this strategy on so many instruments.
pub fn settings(
    instruments_count: u32,
    kind: &str,
    parameters: &[(&str, &str)],
    trigger: Trigger,
) -> Settings {
    let source = |number: u32, kind| SourceSettings {
        instrument: InstrumentId(number),
        kind,
        content: Hash::default(),
        reading: Default::default(),
        feed_latency: Nanoseconds::ZERO,
        clock_offset: Nanoseconds::ZERO,
        skip_bad_rows: false,
        tiles: 1,
        bar_interval: None,
        bar_known_after: None,
    };
    let keep = FlawAction::Keep;
    Settings {
        name: "checkpoints".to_string(),
        seed: 11,
        account: AccountSettings {
            currency: "USD".to_string(),
            digits: 2,
            cash: "10000000".parse().unwrap(),
            kind: AccountKind::Margin,
            positions: PositionMode::Netting,
            hedged_margin: HedgedMargin::Larger,
        },
        instruments: instruments(instruments_count),
        sources: (1..=instruments_count).map(|number| source(number, DataKind::Quotes)).collect(),
        rates: match instruments_count {
            1 => Vec::new(),
            _ => vec![RateSettings { currency: "EUR".into(), instrument: InstrumentId(1), inverse: false }],
        },
        calendars: Vec::new(),
        financing: None,
        margin: None,
        bars: Some(BarSettings { interval: Nanoseconds(20 * SECOND), price: BarPrice::Mid }),
        trigger,
        strategy: StrategySettings {
            kind: kind.to_string(),
            parameters: parameters
                .iter()
                .map(|(name, value)| (name.to_string(), value.to_string()))
                .collect(),
        },
        strategies: Vec::new(),
        features: None,
        risk: RiskSettings {
            max_per_trade: Ratio(SECOND / 2),
            max_total: Ratio(SECOND),
            min_position: "1".parse().unwrap(),
            distance: RiskDistance::AverageTrueRange { period: 14, times: Ratio(2 * SECOND) },
            limits: None,
            limits_keys: Vec::new(),
            limits_signer: None,
            protect: false,
            controls: Controls::default(),
        },
        venue: VenueSettings {
            latency: Nanoseconds(300_000_000),
            response_latency: Nanoseconds(700_000_000),
            size_when_absent: None,
            touch: TouchRule::Always,
            slippage: Slippage::Ticks(1),
            day_end: Nanoseconds::ZERO,
            when_closed: WhenClosed::Queue,
            queue: Default::default(),
        },
        quality: QualitySettings {
            crossed: FlawAction::Drop,
            locked: keep,
            out_of_order: keep,
            duplicate: keep,
            gap: keep,
            gap_after: Nanoseconds(30 * SECOND),
            outlier: keep,
            outlier_times: 20,
        },
        later: None,
    }
}

/// Every column of the catalogue.
fn all_columns(timeframes: [Timeframe; 4], scale: Normalise) -> FeatureSettings {
    FeatureSettings {
        columns: vec!["all".to_string()],
        timeframes,
        price: BarPrice::Mid,
        scale,
        benchmark: Some(InstrumentId(1)),
        selection: None,
        own: own_columns(),
        altered: Vec::new(),
    }
}

/// One's own over every timeframe and every kind of window, one over another.
fn own_columns() -> Vec<OwnColumn> {
    let columns = [
        ("own_gap", "close - lag(close, 3) + z(spread, 7)"),
        ("own_average", "ema(own_gap, 5) / highest(close, 4)"),
        ("own_news", "std(surprise_1h, 3) + sentiment_1h"),
        ("own_volume", "volume / mean(volume, 6)"),
    ];
    let own = |(timeframe, (id, expr)): (u8, (&str, &str))| OwnColumn {
        id: id.to_string(),
        expr: expr.to_string(),
        timeframe,
    };
    (0..).zip(columns).map(own).collect()
}

/// A walk of quotes with sizes, trades between them, now and then a flaw, a break of trading, a dividend, a signal, and
/// what the world says.
pub fn walk(instrument: u32, count: u64) -> Vec<Event> {
    let mut mid = 1_300 * SECOND;
    let mut time = 1_398_902_400 * SECOND;
    let mut events = Vec::new();
    for id in 0..count {
        let key = RandomKey { seed: 5, purpose: instrument, id };
        let draw = |number: u32, below: u64| key.below(number, below) as i64;
        mid += (draw(0, 2_001) - 1_000) * 1_000_000;
        time += draw(1, SECOND as u64) + if draw(2, 400) == 0 { 50 * SECOND } else { 0 };
        let size = |number| Some(Quantity((1 + draw(number, 900)) * SECOND)).filter(|_| draw(9, 10) > 0);
        let half = (draw(5, 100) - 2) * 1_000_000;
        let mut add = |fact| {
            events.push(Event::unnumbered(Timestamp(time), Timestamp(time), InstrumentId(instrument), fact));
        };
        match draw(6, 40) {
            0..10 => {
                let aggressor = [None, Some(Side::Buy), Some(Side::Sell)][draw(7, 3) as usize];
                add(Fact::TradePrinted(Trade { price: Price(mid + half), size: size(3), aggressor }));
            }
            10 if draw(7, 8) == 0 => {
                let open = draw(8, 3) > 0;
                add(Fact::SessionChanged(SessionChanged { open, until: Timestamp::MAX }));
            }
            11 if draw(7, 8) == 0 => {
                let amount = Price(draw(8, 20) * 1_000_000);
                add(Fact::CorporateActionApplied(CorporateAction::Dividend { amount }));
            }
            12 if draw(7, 3) == 0 => {
                let quantity = Quantity((draw(8, 7) - 3) * SECOND);
                add(Fact::SignalReceived(Signal { target: SignalTarget::Position { quantity } }));
            }
            13 if draw(7, 4) == 0 => add(Fact::MacroReleased(Box::new(MacroReleased {
                series: ["CPI", "UNRATE"][draw(8, 2) as usize].to_string(),
                period: Timestamp(time),
                value: Figure(i128::from(draw(10, 100)) * i128::from(SECOND)),
                expected: Some(Figure(50 * i128::from(SECOND))),
            }))),
            14 if draw(7, 4) == 0 => add(Fact::NewsPublished(Box::new(NewsPublished {
                source: "wire".to_string(),
                headline: format!("number {} again", draw(8, 9)),
                sentiment: Some(Ratio(draw(10, 2_000_000_001) - SECOND)),
                weight: Ratio::ONE,
            }))),
            15 if draw(7, 4) == 0 => add(Fact::EventScheduled(Box::new(EventScheduled {
                id: format!("event {}", draw(8, 5)),
                name: "event".to_string(),
                at: Timestamp(time + draw(10, 5_000) * SECOND),
                importance: [Importance::Low, Importance::High][draw(11, 2) as usize],
            }))),
            _ => add(Fact::QuoteChanged(Quote {
                bid: Price(mid - half),
                ask: Price(mid + half),
                bid_size: size(3),
                ask_size: size(4),
            })),
        }
    }
    events
}

/// Runs it on the simulated venue.
pub fn record(settings: &Settings, registry: &Registry, walks: &[Vec<Event>]) -> Vec<Event> {
    let mut engine = Engine::new(settings.clone(), registry).unwrap();
    let sources = walks.iter().map(|walk| Box::new(MemorySource::new(walk.clone())) as Box<dyn Source>);
    let identity = engine.identity(WorldKind::Simulated);
    let mut world = Simulated::new(settings, identity, sources.collect()).unwrap();
    let mut log = Vec::new();
    run(&mut world, &mut log, &mut engine).unwrap();
    log
}

/// So many places in a recording, by lot, the beginning and the end among them.
fn places(events: &[Event], count: u64, seed: u64) -> Vec<usize> {
    let draw = |id| RandomKey { seed, purpose: 3, id }.below(0, events.len() as u64) as usize;
    (0..count).map(draw).chain([0, 1, events.len() - 2]).collect()
}

fn fills(events: &[Event]) -> usize {
    events.iter().filter(|event| matches!(event.fact, Fact::OrderFilled(_))).count()
}

#[test]
fn every_strategy_goes_on() {
    let model = |precision| {
        vec![
            ("size", "tiny"),
            ("model_seed", "1"),
            ("precision", precision),
            ("quantity", "50"),
            ("choose", "sample"),
            ("volatility", "100 %"),
        ]
    };
    let every = Trigger::Every(Nanoseconds(10 * SECOND));
    let ema = vec![("fast", "5"), ("slow", "20"), ("quantity", "30"), ("on", "ticks")];
    let cases = [
        ("flat", vec![], Trigger::OnSignal, 0),
        ("buy-and-hold", vec![("invest", "80 %"), ("rebalance", "weekly")], Trigger::OnSignal, 1),
        ("ema-cross", ema.clone(), Trigger::OnSignal, 20),
        ("ema-cross", [&ema[..3], &[("on", "bars")]].concat(), Trigger::BarClose, 1),
        (
            "ofi-sign",
            vec![("window", "20"), ("threshold", "500"), ("quantity", "10")],
            Trigger::EveryTick,
            10,
        ),
        ("random", vec![("every", "7"), ("quantity", "25")], Trigger::EveryNTicks(3), 20),
        ("external", vec![], Trigger::OnSignal, 2),
        ("model", model("f32"), every, 20),
        ("model", model("int8"), Trigger::EveryNTicks(50), 5),
    ];
    let registry = Registry::default();
    for (number, (kind, parameters, trigger, least)) in cases.into_iter().enumerate() {
        for instruments in [1, 3] {
            let mut settings = settings(instruments, kind, &parameters, trigger);
            if kind == "buy-and-hold" {
                // It does not wait for an average.
                settings.risk.distance = RiskDistance::ShareOfPrice(Ratio(SECOND / 100));
            }
            let walks: Vec<_> = (1..=instruments).map(|instrument| walk(instrument, 1_200)).collect();
            let events = record(&settings, &registry, &walks);
            assert!(fills(&events) >= least, "{kind}: {} fills", fills(&events));
            let places = places(&events, 6, number as u64);
            goes_on_the_same(&settings, &registry, &events, &places);
        }
    }
}

#[test]
fn every_column_goes_on() {
    let time = |seconds| Timeframe::Time(Nanoseconds(seconds * SECOND));
    let ema = [("fast", "5"), ("slow", "20"), ("quantity", "30"), ("on", "ticks")];
    for (scale, timeframes) in [
        (Normalise::Robust, [time(1), time(2), Timeframe::Ticks(7), time(5)]),
        (
            Normalise::Normal,
            [Timeframe::Ticks(3), Timeframe::Volume(Quantity(2_000 * SECOND)), time(3), time(4)],
        ),
    ] {
        let mut settings = settings(2, "ema-cross", &ema, Trigger::EveryNTicks(9));
        settings.features = Some(all_columns(timeframes, scale));
        let events = record(&settings, &Registry::default(), &[walk(1, 2_500), walk(2, 2_500)]);
        let known = events.iter().filter_map(|event| match &event.fact {
            Fact::FeaturesComputed(features) => {
                Some(features.valid.iter().map(|word| word.count_ones()).sum())
            }
            _ => None,
        });
        let known: u32 = known.max().unwrap();
        assert!(known > 600, "{known} columns have values");
        goes_on_the_same(&settings, &Registry::default(), &events, &places(&events, 3, 1));
    }
}

/// Everything that the controls know of the past.
#[test]
fn every_control_goes_on() {
    let mut settings = settings(3, "random", &[("every", "5"), ("quantity", "25")], Trigger::OnSignal);
    let often = |count, seconds| Some(Frequency { count, per: Nanoseconds(seconds * SECOND) });
    settings.risk.controls = Controls {
        max_order_rate: often(5, 60),
        max_executions: often(20, 200),
        duplicate_within: Some(Nanoseconds(20 * SECOND)),
        stale_after: Some(Nanoseconds(40 * SECOND)),
        max_correlated: Some(Ratio(SECOND / 100)),
        max_var: Some(Ratio(SECOND / 1_000)),
        soft_drawdown: Some(Ratio(SECOND / 100_000)),
        hard_drawdown: Some(Ratio(SECOND / 100)),
        max_daily_loss: Some(Ratio(SECOND / 1_000)),
        stress_at: Some(Ratio(SECOND)),
        stressed_size: Ratio(SECOND / 2),
        allocation: Some(Allocation::EqualRisk),
        volatility_target: Some(Ratio(SECOND / 1_000)),
        measure: Measure { sample: Nanoseconds(5 * SECOND), ..Measure::default() },
        ..Controls::default()
    };
    let registry = Registry::default();
    let events = record(&settings, &registry, &[walk(1, 1_500), walk(2, 1_500), walk(3, 1_500)]);
    let denied = events.iter().filter(|event| matches!(event.fact, Fact::OrderDenied(_))).count();
    assert!(fills(&events) > 10 && denied > 10, "{} fills, {denied} denied", fills(&events));
    goes_on_the_same(&settings, &registry, &events, &places(&events, 12, 4));
}

/// A book by price or by order whose levels come and go, with some far away, resets and changes of what is not there.
fn book(instrument: u32, updates: u64, by_order: bool) -> Vec<Event> {
    let mid = 1_300_000_i64;
    let mut events = Vec::new();
    for id in 0..updates {
        let key = RandomKey { seed: 6, purpose: instrument, id };
        let draw = |number: u32, below: u64| key.below(number, below) as i64;
        let time = Timestamp((1_398_902_400 + id as i64) * SECOND);
        let mut add = |fact| events.push(Event::unnumbered(time, time, InstrumentId(instrument), fact));
        if id == 0 || draw(1, 300) == 0 {
            add(Fact::BookReset(BookReset { reason: ResetReason::Snapshot }));
        }
        let changes = 1 + draw(2, 4) as u32;
        for number in 0..changes {
            let draw = |at: u32, below: u64| draw(10 + number * 10 + at, below);
            let side = if draw(0, 2) == 0 { Side::Buy } else { Side::Sell };
            let away = if draw(1, 30) == 0 { 60_000 } else { draw(2, 12) };
            let price = Price((mid - (1 + away) * side.sign()) * 1_000_000);
            let (action, order) = match by_order {
                false => (BookAction::SetLevel, 0),
                true => {
                    let actions = [
                        BookAction::AddOrder,
                        BookAction::AddOrder,
                        BookAction::ChangeOrder,
                        BookAction::ReduceOrder,
                    ];
                    (actions[draw(3, 4) as usize], 1 + draw(4, 400) as u64)
                }
            };
            let size = Quantity(draw(5, 6) * SECOND);
            let last = number + 1 == changes;
            add(Fact::BookChanged(BookChange { price, size, order, side, action, last }));
        }
    }
    events
}

#[test]
fn every_book_goes_on() {
    let settings = settings(2, "random", &[("every", "5"), ("quantity", "25")], Trigger::EveryNTicks(2));
    let registry = Registry::default();
    let events = record(&settings, &registry, &[book(1, 900, false), book(2, 900, true)]);
    let quotes = events.iter().filter(|event| matches!(event.fact, Fact::QuoteChanged(_))).count();
    let orders = events.iter().filter(|event| matches!(event.fact, Fact::OrderSubmitted(_))).count();
    assert!(quotes > 300 && orders > 10, "{quotes} quotes, {orders} orders");
    goes_on_the_same(&settings, &registry, &events, &places(&events, 12, 5));
}

/// Indicators are renewed at 8,192 bars from the last 4,096, and a restore begins where that begins.
#[test]
fn indicators_go_on_on_both_sides_of_a_renewal() {
    let mut settings = settings(1, "flat", &[], Trigger::EveryNTicks(400));
    let time = |seconds| Timeframe::Time(Nanoseconds(seconds * SECOND));
    let mut features = all_columns([Timeframe::Ticks(1), time(60), time(600), time(3_600)], Normalise::None);
    features.columns = ["trend", "momentum", "kalman", "regime", "cycles"].map(str::to_string).into();
    settings.features = Some(features);
    let events = record(&settings, &Registry::default(), &[walk(1, 12_500)]);
    // Three of four events are quotes, each a bar but for the crossed ones.
    let bar = |number: usize| {
        let quotes =
            events.iter().enumerate().filter(|(_, event)| matches!(event.fact, Fact::QuoteChanged(_)));
        quotes.map(|(place, _)| place).nth(number).unwrap()
    };
    let places = [bar(4_000), bar(6_000), bar(8_100), bar(8_800), events.len() - 10];
    let saved = goes_on_the_same(&settings, &Registry::default(), &events, &places);
    // Before the renewal all bars are kept, after it the last 4,096 and those since.
    assert!(
        saved[3].len() + 100_000 < saved[2].len(),
        "{:?}",
        saved.iter().map(Vec::len).collect::<Vec<_>>()
    );
}

/// A strategy of one's own that counts bars, and one that does not say what it remembers.
#[derive(Clone)]
struct EveryThird<const SAYS: bool> {
    bars: u32,
}

impl<const SAYS: bool> BarStrategy for EveryThird<SAYS> {
    fn on_bar(&mut self, _: &Bar) -> Option<(Quantity, String)> {
        self.bars += 1;
        Some((Quantity(i64::from(self.bars % 3) * SECOND), format!("bar {}", self.bars)))
    }

    fn state(&self) -> Option<&dyn State> {
        if SAYS { Some(&self.bars) } else { None }
    }

    fn state_mut(&mut self) -> Option<&mut dyn State> {
        if SAYS { Some(&mut self.bars) } else { None }
    }
}

const THIRD: StrategyKind = StrategyKind {
    name: "every-third",
    about: "counts bars",
    parameters: &[],
    needs: Needs { sizes: false, quotes: false },
    trigger: Trigger::OnSignal,
    make: |_, settings| Ok(bar_by_bar(EveryThird::<true> { bars: 0 }, settings)),
};

#[test]
fn ones_own_strategy_goes_on_where_it_says_what_it_remembers() {
    let mut registry = Registry::default();
    registry.add(THIRD);
    registry.add(StrategyKind {
        name: "silent",
        make: |_, settings| Ok(bar_by_bar(EveryThird::<false> { bars: 0 }, settings)),
        ..THIRD
    });
    let mut speaking = settings(2, "every-third", &[], Trigger::OnSignal);
    speaking.risk.distance = RiskDistance::ShareOfPrice(Ratio(SECOND / 100));
    let events = record(&speaking, &registry, &[walk(1, 800), walk(2, 800)]);
    assert!(fills(&events) > 10);
    goes_on_the_same(&speaking, &registry, &events, &places(&events, 8, 2));

    let silent = settings(2, "silent", &[], Trigger::OnSignal);
    let engine = Engine::new(silent.clone(), &registry).unwrap();
    assert_eq!(engine.checkpoint(), Err(NotSaved::Strategy));
}

#[test]
fn bars_that_were_not_kept_are_said() {
    let mut settings = settings(1, "flat", &[], Trigger::OnSignal);
    let time = |seconds| Timeframe::Time(Nanoseconds(seconds * SECOND));
    settings.features = Some(all_columns([1, 2, 3, 4].map(time), Normalise::Robust));
    let mut engine = Engine::new(settings.clone(), &Registry::default()).unwrap();
    assert_eq!(engine.checkpoint(), Err(NotSaved::Features));
    engine.keep_for_checkpoints();
    let saved = engine.checkpoint().unwrap();
    assert!(Engine::restore(settings.clone(), &Registry::default(), &saved).is_ok());
    settings.seed += 1;
    let other = Engine::restore(settings, &Registry::default(), &saved);
    assert_eq!(other.err(), Some(RestoreError::OtherRun));
}

/// A strategy of one's own that looks at every instrument's row, whenever it can.
struct Looking;

impl Looking {
    fn known(view: &dyn View) -> Vec<f64> {
        (1..=2).map(|number| view.features_of(InstrumentId(number)).len() as f64).collect()
    }
}

impl Strategy for Looking {
    fn update(&mut self, _: &Event, view: &dyn View) -> bool {
        assert_eq!(Looking::known(view), [0.0; 2], "rows are of decisions");
        false
    }

    fn decide(&mut self, view: &dyn View, proposal: &mut Proposal) {
        for (number, known) in (1..).zip(Looking::known(view)) {
            let due = view.instrument() == InstrumentId(number);
            assert_eq!(known > 0.0, due, "the row of instrument {number}");
            proposal.because_of("columns", known);
        }
    }
}

/// An instrument that is not due shows nothing, not even the row of its last decision: a checkpoint has none.
#[test]
fn rows_of_features_last_no_longer_than_a_decision() {
    let mut registry = Registry::default();
    registry.add(StrategyKind { name: "looking", make: |_, _| Ok(Box::new(Looking)), ..THIRD });
    let mut settings = settings(2, "looking", &[], Trigger::EveryNTicks(3));
    let time = |seconds| Timeframe::Time(Nanoseconds(seconds * SECOND));
    let mut features = all_columns([1, 2, 3, 4].map(time), Normalise::Robust);
    features.columns = vec!["microstructure".to_string()];
    settings.features = Some(features);
    let events = record(&settings, &registry, &[walk(1, 200), walk(2, 200)]);
    let decisions = events.iter().filter(|event| matches!(event.fact, Fact::DecisionMade(_))).count();
    assert!(decisions > 50, "{decisions}");
}
