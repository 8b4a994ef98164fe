//! Does what must always hold, hold after every event, whatever the market, the orders and the latencies?
//!
//! Random sessions: quotes, trades or bars with gaps, crossed prices and sizes or none; market, limit and
//! stop orders of every time in force, and cancels. An auditor reads the journal as it is written and keeps
//! books of its own from the fills alone. A failure names its seed; `GENOVO_SESSIONS=10000` tries more.

mod auditor;

use genovo_engine::command::Command;
use genovo_engine::engine::Engine;
use genovo_engine::event::*;
use genovo_engine::ids::{InstrumentId, OrderId, TimerId};
use genovo_engine::log::{Log, LogError};
use genovo_engine::recorded::{Comparison, Recorded};
use genovo_engine::run::run;
use genovo_engine::settings::*;
use genovo_engine::simulated::Simulated;
use genovo_engine::strategy::{
    Needs, ParameterError, Parameters, Proposal, Registry, Strategy, StrategyKind, View,
};
use genovo_engine::units::{Money, Nanoseconds, Price, Quantity, Ratio, SCALE, Timestamp};
use genovo_engine::world::{MemorySource, Source, World};

use auditor::Auditor;

/// SplitMix64: a stream of numbers for a test.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: i64) -> i64 {
        (self.next() % end as u64) as i64
    }

    fn chance(&mut self, percent: i64) -> bool {
        self.below(100) < percent
    }

    fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as i64) as usize]
    }
}

/// Does anything that a strategy may do.
struct Wild {
    random: Random,
    rules: Vec<Instrument>,
    /// Orders that the venue accepted, done or not.
    accepted: Vec<OrderId>,
}

const WILD: StrategyKind = StrategyKind {
    name: "wild",
    about: "anything at all",
    parameters: &[],
    needs: Needs { sizes: false, quotes: false },
    trigger: Trigger::EveryTick,
    make: wild,
};

fn wild(parameters: &Parameters, settings: &Settings) -> Result<Box<dyn Strategy>, ParameterError> {
    let seed = parameters.integer("seed", 0)?;
    let rules = settings.instruments.clone();
    Ok(Box::new(Wild { random: Random(u64::from(seed) << 20), rules, accepted: Vec::new() }))
}

impl Strategy for Wild {
    fn update(&mut self, event: &Event, _: &dyn View) -> bool {
        if let Fact::OrderAccepted(notice) = &event.fact {
            self.accepted.push(notice.order);
        }
        self.random.chance(30)
    }

    fn decide(&mut self, view: &dyn View, proposal: &mut Proposal) {
        for _ in 0..self.random.pick(&[0, 0, 0, 1, 1, 2]) {
            let index = self.random.below(self.rules.len() as i64) as usize;
            let instrument = InstrumentId(index as u32 + 1);
            let action = match self.random.below(10) {
                0 => Action::Hold,
                1 => Action::Target {
                    instrument,
                    quantity: Quantity(self.quantity(index) * (self.random.below(3) - 1)),
                },
                2 | 3 if !self.accepted.is_empty() => {
                    Action::Cancel { order: self.random.pick(&self.accepted) }
                }
                _ => self.submit(index, view),
            };
            proposal.actions.push(action);
        }
    }
}

impl Wild {
    fn quantity(&mut self, index: usize) -> i64 {
        let size = self.random.pick(&[1, 3, 10, 200]);
        // Now and then no whole lots.
        self.rules[index].lot.0 * (self.random.below(size) + 1) + i64::from(self.random.chance(5))
    }

    fn submit(&mut self, index: usize, view: &dyn View) -> Action {
        let instrument = InstrumentId(index as u32 + 1);
        let side = self.random.pick(&[Side::Buy, Side::Sell]);
        let near = view.price(instrument, side).unwrap_or(Price(SCALE)).0 / self.rules[index].tick.0;
        let mut price = Price((near + self.random.below(13) - 6).max(1) * self.rules[index].tick.0);
        // Now and then off the tick.
        price.0 += i64::from(self.random.chance(3));
        let kind = match self.random.below(3) {
            0 => OrderKind::Market,
            1 => OrderKind::Limit { price },
            _ => OrderKind::Stop { trigger: price },
        };
        let time_in_force =
            self.random.pick(&[TimeInForce::Gtc, TimeInForce::Day, TimeInForce::Ioc, TimeInForce::Fok]);
        Action::Submit { instrument, side, kind, time_in_force, quantity: Quantity(self.quantity(index)) }
    }
}

/// A random scenario.
fn settings(seed: u32, random: &mut Random) -> Settings {
    let mut settings = genovo_tests::gold();
    settings.seed = u64::from(seed);
    let kind = random.pick(&[AccountKind::Margin, AccountKind::Margin, AccountKind::Cash]);
    settings.account = AccountSettings {
        cash: Money(i128::from(random.pick(&[1_000, 100_000, 10_000_000])) * i128::from(SCALE)),
        digits: random.pick(&[0, 2, 8]),
        kind,
        ..settings.account
    };
    let mut instrument = settings.instruments.remove(0);
    let source = settings.sources.remove(0);
    for number in 1..=random.pick(&[1, 1, 2, 3]) {
        instrument.symbol = format!("X{number}");
        instrument.tick = Price(random.pick(&[1_000_000, 10_000_000, 250_000_000]));
        instrument.lot = Quantity(random.pick(&[1_000_000, SCALE, 100 * SCALE]));
        instrument.multiplier = Quantity(random.pick(&[SCALE, SCALE, 50 * SCALE, SCALE / 10]));
        let share = |random: &mut Random| Ratio(random.below(1_000_000) - 100_000);
        instrument.commission = Commission {
            taker: share(random),
            maker: share(random),
            per_unit: Money(i128::from(random.below(10_000_000))),
            minimum: Money(i128::from(random.below(2) * SCALE)),
        };
        settings.instruments.push(instrument.clone());
        let kind = random.pick(&[DataKind::Quotes, DataKind::Quotes, DataKind::Trades, DataKind::Bars]);
        settings.sources.push(SourceSettings { instrument: InstrumentId(number), kind, ..source.clone() });
    }
    let interval = Nanoseconds(random.pick(&[5, 60]) * SCALE);
    settings.bars = random.chance(50).then_some(BarSettings { interval, price: BarPrice::Mid });
    settings.trigger = random.pick(&[
        Trigger::EveryTick,
        Trigger::EveryTick,
        Trigger::EveryNTicks(3),
        Trigger::Every(interval),
        Trigger::OnSignal,
    ]);
    settings.strategy =
        StrategySettings { kind: "wild".into(), parameters: [("seed".into(), seed.to_string())].into() };
    settings.risk = RiskSettings {
        max_per_trade: Ratio(random.pick(&[1, 20, 500]) * SCALE / 1_000),
        max_total: Ratio(random.pick(&[5, 50, 1_000]) * SCALE / 1_000),
        min_position: Money(i128::from(random.pick(&[0, 100]) * SCALE)),
        distance: RiskDistance::ShareOfPrice(Ratio(random.pick(&[1, 10, 100]) * SCALE / 1_000)),
    };
    let milliseconds = |random: &mut Random| Nanoseconds(random.pick(&[0, 0, 1, 7, 250]) * 1_000_000);
    settings.venue = VenueSettings {
        latency: milliseconds(random),
        response_latency: milliseconds(random),
        size_when_absent: random.chance(50).then(|| Quantity(random.below(50) * SCALE)),
        touch: random.pick(&[TouchRule::Never, TouchRule::Always, TouchRule::Probability(Ratio(SCALE / 3))]),
        slippage: random.pick(&[
            Slippage::Ticks(0),
            Slippage::Ticks(2),
            Slippage::SquareRoot(Ratio(1_000_000)),
        ]),
        day_end: Nanoseconds(random.below(86_400) * SCALE),
    };
    let keep_or_drop = [FlawAction::Keep, FlawAction::Keep, FlawAction::Drop];
    settings.quality.crossed = random.pick(&keep_or_drop);
    settings.quality.locked = random.pick(&keep_or_drop);
    settings.quality.duplicate = random.pick(&keep_or_drop);
    settings.quality.out_of_order = random.pick(&keep_or_drop);
    settings.quality.gap = if random.chance(2) { FlawAction::Halt } else { FlawAction::Keep };
    settings
}

/// Random data of one source.
fn market(source: &SourceSettings, tick: i64, random: &mut Random) -> Vec<Event> {
    let mut received = 1_700_000_000 * SCALE + random.below(SCALE);
    let mut happened = received;
    let mut middle = 1_000 + random.below(5_000);
    let with_sizes = random.below(3);
    let mut events = Vec::new();
    for _ in 0..random.pick(&[1, 50, 300]) {
        received += match random.below(20) {
            0 => 0,
            1 => random.below(1_800) * SCALE,
            _ => random.below(200_000_000),
        };
        // Stamps step back now and then; nothing arrives before it happened.
        happened = if random.chance(2) {
            happened - random.below(SCALE)
        } else {
            received - random.below(30_000_000)
        };
        middle = (middle + random.below(7) - 3).max(20);
        let mut size = || match with_sizes {
            0 => None,
            1 => Some(Quantity(random.below(40) * SCALE)),
            _ => random.chance(50).then(|| Quantity(random.below(9) * SCALE / 4)),
        };
        let sizes = [size(), size()];
        let price = |ticks: i64| Price(ticks * tick);
        let fact = match source.kind {
            DataKind::Quotes => Fact::QuoteChanged(Quote {
                bid: price(middle),
                ask: price(middle + random.pick(&[-1, 0, 1, 1, 2, 2, 5])),
                bid_size: sizes[0],
                ask_size: sizes[1],
            }),
            DataKind::Trades => {
                let aggressor = random.pick(&[None, Some(Side::Buy), Some(Side::Sell)]);
                Fact::TradePrinted(Trade { price: price(middle), size: sizes[0], aggressor })
            }
            DataKind::Bars | DataKind::Journal => {
                let (open, close) = (middle, (middle + random.below(9) - 4).max(20));
                Fact::BarReceived(Bar {
                    open_time: Timestamp(happened - SCALE),
                    open: price(open),
                    high: price(open.max(close) + random.below(3)),
                    low: price(open.min(close) - random.below(3)),
                    close: price(close),
                    volume: sizes[0],
                })
            }
        };
        events.push(Event::unnumbered(Timestamp(happened), Timestamp(received), source.instrument, fact));
    }
    events
}

/// A log that is audited as it is written, and kept.
struct Audited {
    auditor: Auditor,
    events: Vec<Event>,
}

impl Log for Audited {
    fn append(&mut self, event: &Event) -> Result<(), LogError> {
        self.auditor.audit(event);
        self.events.push(event.clone());
        Ok(())
    }

    fn commit(&mut self) -> Result<(), LogError> {
        Ok(())
    }
}

/// Runs a session and audits it; returns its fills.
fn session(seed: u32) -> usize {
    let mut random = Random(u64::from(seed));
    let settings = settings(seed, &mut random);
    let ticks = settings.instruments.iter().map(|instrument| instrument.tick.0);
    let data: Vec<Vec<Event>> =
        settings.sources.iter().zip(ticks).map(|(source, tick)| market(source, tick, &mut random)).collect();
    let sources = || -> Vec<Box<dyn Source>> {
        data.iter().map(|events| Box::new(MemorySource::new(events.clone())) as Box<dyn Source>).collect()
    };
    let mut registry = Registry::default();
    registry.add(WILD);
    let engine = || Engine::new(settings.clone(), &registry).unwrap();
    let world = |engine: &Engine| {
        Simulated::new(&settings, engine.identity(WorldKind::Simulated), sources()).unwrap()
    };

    let mut first = engine();
    let mut log = Audited { auditor: Auditor::new(settings.clone()), events: Vec::new() };
    run(&mut world(&first), &mut log, &mut first).unwrap();

    // A timer that never comes due keeps the world from its short cut for quiet markets; nothing else may change.
    let mut second = engine();
    let mut long_way = world(&second);
    long_way.send(Command::Wake { timer: TimerId(9), time: Timestamp::MAX }).unwrap();
    let mut again = Vec::new();
    run(&mut long_way, &mut again, &mut second).unwrap();
    assert!(again == log.events, "the short cut for quiet markets changes what happens");

    // As if it had been live: every answer of the venue an input.
    let mut third = engine();
    let play = || log.events.iter().cloned().map(Ok);
    let mut comparison = Comparison::new(play());
    let recomputed = run(&mut Recorded::new(play()), &mut comparison, &mut third);
    let found = comparison.finish().unwrap();
    assert_eq!(found, (log.events.len() as u64, None));
    recomputed.unwrap();
    log.auditor.fills
}

#[test]
fn whatever_happens() {
    let sessions = std::env::var("GENOVO_SESSIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(300);
    let mut fills = 0;
    for seed in 1..=sessions {
        let result = std::panic::catch_unwind(|| session(seed));
        fills += result.unwrap_or_else(|_| panic!("the session of seed {seed}"));
    }
    assert!(fills > 20 * sessions as usize, "{fills} fills in {sessions} sessions");
}
