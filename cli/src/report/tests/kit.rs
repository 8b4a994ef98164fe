//! A run as a list of short calls.

use std::collections::BTreeMap;
use std::path::Path;

use genovo_engine::LOGIC_VERSION;
use genovo_engine::event::*;
use genovo_engine::ids::{Hash, InstrumentId, OrderId, Sequence, StrategyId};
use genovo_engine::settings::*;
use genovo_engine::units::{FIXED_MAX, Money, Nanoseconds, Price, Quantity, Timestamp};

use crate::report::{Report, ReportBuilder};

/// Thursday 1 May 2014, 12:00 UTC.
pub const NOON: i64 = 1_398_945_600;
const SECOND: i64 = 1_000_000_000;

/// Whatever reads from text.
pub fn of<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

/// 10,000 USD and one instrument, GOLD.
pub fn settings() -> Settings {
    Settings {
        name: "hand".to_string(),
        seed: 1,
        account: AccountSettings {
            currency: "USD".to_string(),
            digits: 2,
            cash: of("10000"),
            kind: AccountKind::Margin,
            positions: PositionMode::Netting,
            hedged_margin: HedgedMargin::Larger,
        },
        instruments: vec![Instrument {
            symbol: "GOLD".to_string(),
            tick: of("0.01"),
            lot: of("1"),
            multiplier: of("1"),
            margin_initial: of("0.05"),
            margin_maintenance: of("0.04"),
            commission: Commission::default(),
            currency: None,
        }],
        sources: Vec::new(),
        rates: Vec::new(),
        calendars: Vec::new(),
        financing: None,
        margin: None,
        bars: Some(BarSettings { interval: Nanoseconds(300 * SECOND), price: BarPrice::Mid }),
        trigger: Trigger::BarClose,
        strategy: StrategySettings {
            kind: "ema-cross".to_string(),
            parameters: BTreeMap::from([
                ("fast".to_string(), "12".to_string()),
                ("slow".to_string(), "48".to_string()),
            ]),
        },
        strategies: Vec::new(),
        features: None,
        risk: RiskSettings {
            max_per_trade: of("0.02"),
            max_total: of("0.05"),
            min_position: of("100"),
            distance: RiskDistance::ShareOfPrice(of("0.01")),
            limits: None,
            limits_keys: Vec::new(),
            limits_signer: None,
            protect: false,
            controls: Controls::default(),
        },
        venue: VenueSettings {
            latency: Nanoseconds(5_000_000),
            response_latency: Nanoseconds::ZERO,
            size_when_absent: None,
            touch: TouchRule::Never,
            slippage: Slippage::Ticks(1),
            day_end: Nanoseconds::ZERO,
            when_closed: WhenClosed::Deny,
            queue: Default::default(),
        },
        quality: QualitySettings {
            crossed: FlawAction::Drop,
            locked: FlawAction::Keep,
            out_of_order: FlawAction::Drop,
            duplicate: FlawAction::Keep,
            gap: FlawAction::Keep,
            gap_after: Nanoseconds(600 * SECOND),
            outlier: FlawAction::Keep,
            outlier_times: 50,
        },
        later: None,
    }
}

/// A run that is being written down.
pub struct Run {
    builder: ReportBuilder,
    input: u64,
    position: u64,
    time: i64,
    touch: (Option<Price>, Option<Price>),
    held: Quantity,
    instrument: InstrumentId,
}

impl Run {
    pub fn new() -> Run {
        Run::with(&settings())
    }

    pub fn with(settings: &Settings) -> Run {
        Run::in_world(settings, WorldKind::Simulated)
    }

    /// With a broker's answers.
    pub fn live(settings: &Settings) -> Run {
        Run::in_world(settings, WorldKind::Live)
    }

    fn in_world(settings: &Settings, world: WorldKind) -> Run {
        let text = settings.to_canonical_json();
        let mut run = Run {
            builder: ReportBuilder::new(),
            input: 0,
            position: 0,
            time: NOON,
            touch: (None, None),
            held: Quantity::ZERO,
            instrument: InstrumentId(1),
        };
        run.input(Fact::RunStarted(Box::new(RunStarted {
            world,
            logic_version: LOGIC_VERSION,
            seed: settings.seed,
            settings_hash: Hash([7; 32]),
            settings: text,
            features: Vec::new(),
            model: None,
        })));
        run
    }

    /// Moves the clock to so many seconds after noon.
    pub fn at(&mut self, seconds: i64) -> &mut Run {
        self.time = NOON + seconds;
        self
    }

    /// What follows concerns this instrument.
    pub fn on(&mut self, instrument: u32) -> &mut Run {
        self.instrument = InstrumentId(instrument);
        self
    }

    pub fn input(&mut self, fact: Fact) -> &mut Run {
        self.input += 1;
        self.position = 0;
        self.observe(fact, Sequence::NONE)
    }

    pub fn derived(&mut self, fact: Fact) -> &mut Run {
        self.position += 1;
        let cause = Sequence((self.input << 16) + self.position - 1);
        self.observe(fact, cause)
    }

    fn observe(&mut self, fact: Fact, cause: Sequence) -> &mut Run {
        let time = Timestamp(self.time * SECOND);
        self.builder.observe(&Event {
            header: Header {
                sequence: Sequence((self.input << 16) + self.position),
                time_event: time,
                time_received: time,
                instrument: self.instrument,
                cause,
            },
            fact,
        });
        self
    }

    /// A quote one second after the event before.
    pub fn quote(&mut self, bid: &str, ask: &str) -> &mut Run {
        self.time += 1;
        self.touch = (Some(of(bid)), Some(of(ask)));
        let quote = Quote { bid: of(bid), ask: of(ask), bid_size: None, ask_size: None };
        self.input(Fact::QuoteChanged(quote))
    }

    /// The same without text, for millions of them.
    pub fn quote_of(&mut self, bid: Price, ask: Price) -> &mut Run {
        self.time += 1;
        self.touch = (Some(bid), Some(ask));
        self.input(Fact::QuoteChanged(Quote { bid, ask, bid_size: None, ask_size: None }))
    }

    pub fn flag(&mut self, flaw: Flaw, action: FlawAction, size: i64) -> &mut Run {
        self.derived(Fact::DataFlagged(DataFlagged { flaw, action, size }))
    }

    /// An order at market, allowed as asked.
    pub fn order(&mut self, order: u64, side: Side, quantity: &str) -> &mut Run {
        self.verdict(Outcome::Allowed, None, side, quantity, quantity).submit(order, side, quantity)
    }

    pub fn submit(&mut self, order: u64, side: Side, quantity: &str) -> &mut Run {
        self.derived(Fact::OrderSubmitted(Box::new(Order {
            order: OrderId(order),
            side,
            kind: OrderKind::Market,
            time_in_force: TimeInForce::Gtc,
            quantity: of(quantity),
            bid: self.touch.0,
            ask: self.touch.1,
            position: self.held,
            terms: Terms::default(),
            strategy: StrategyId::NONE,
            closes: OrderId::NONE,
        })))
    }

    pub fn verdict(
        &mut self,
        outcome: Outcome,
        rule: Option<Rule>,
        side: Side,
        asked: &str,
        granted: &str,
    ) -> &mut Run {
        let limit: Money = of("200");
        let result = |rule| RuleResult {
            rule,
            outcome,
            limit,
            asked: of("249.50"),
            granted: limit,
            quantity: of(granted),
        };
        self.derived(Fact::RiskAssessed(Box::new(Verdict {
            outcome,
            rule,
            side,
            closing: Quantity::ZERO,
            asked: of(asked),
            granted: of(granted),
            price: None,
            distance: of("5"),
            distance_source: DistanceSource::ShareOfPrice,
            equity: of("10000"),
            rate: None,
            forecast: None,
            rules: rule.map(result).into_iter().collect(),
        })))
    }

    pub fn deny(&mut self, order: u64, rule: Rule) -> &mut Run {
        self.derived(Fact::OrderDenied(OrderDenied { order: OrderId(order), rule }))
    }

    /// A whole fill at the touch of the last quote.
    pub fn fill(&mut self, order: u64, side: Side, quantity: &str, commission: &str) -> &mut Run {
        let price = match side {
            Side::Buy => self.touch.1,
            Side::Sell => self.touch.0,
        };
        self.fill_at(order, side, quantity, &price.unwrap().to_string(), commission)
    }

    pub fn fill_at(
        &mut self,
        order: u64,
        side: Side,
        quantity: &str,
        price: &str,
        commission: &str,
    ) -> &mut Run {
        // An account would refuse what is too much; a report takes what it is told.
        let held = self.held.0.saturating_add(of::<Quantity>(quantity).0 * side.sign());
        self.held = Quantity(held.clamp(-FIXED_MAX, FIXED_MAX));
        self.derived(Fact::OrderFilled(Box::new(Fill {
            order: OrderId(order),
            side,
            price: of(price),
            quantity: of(quantity),
            remaining: Quantity::ZERO,
            liquidity: Liquidity::Taker,
            commission: of(commission),
            bid: self.touch.0,
            ask: self.touch.1,
            rate: None,
        })))
    }

    /// The broker takes an execution back, or changes its price; the commission changes by so much.
    pub fn correct(
        &mut self,
        (order, side): (u64, Side),
        quantity: &str,
        price: &str,
        corrected: Option<&str>,
        commission: &str,
    ) -> &mut Run {
        self.input(Fact::TradeCorrected(Box::new(TradeCorrected {
            order: OrderId(order),
            side,
            quantity: of(quantity),
            price: of(price),
            corrected: corrected.map(of),
            commission: of(commission),
        })))
    }

    /// A split or a dividend.
    pub fn act(&mut self, action: CorporateAction) -> &mut Run {
        self.input(Fact::CorporateActionApplied(action))
    }

    /// What has come of it, whether it adds up or not.
    pub fn sums(&mut self) -> Report {
        std::mem::take(&mut self.builder).finish()
    }

    pub fn report(&mut self) -> Report {
        let report = self.sums();
        assert_adds_up(&report);
        report
    }
}

/// What holds in every report.
pub fn assert_adds_up(report: &Report) {
    let result = &report.result;
    let parts = result.before_costs - result.spread - result.slippage - result.commission;
    assert_eq!(parts, report.equity.last - report.equity.start);
    assert_eq!(result.total, report.equity.last - report.equity.start);
    let trades: Money = report.trades.list.iter().map(|trade| trade.profit).sum();
    // What is made again after a correction is rounded elsewhere.
    if report.open.is_empty() && report.corrections().is_none() {
        assert_eq!(trades, result.total);
    }
    for trade in &report.trades.list {
        assert!(trade.worst_mark <= trade.profit.min(Money::ZERO));
        assert!(trade.best_mark >= trade.profit.max(Money::ZERO));
    }
    // Floats may come back one unit in the last place away, so the exact figures are compared.
    let read: Report = serde_json::from_str(&serde_json::to_string(report).unwrap()).unwrap();
    assert_eq!(read.trades.list, report.trades.list);
    assert_eq!(
        (read.result, read.open, read.risk),
        (report.result, report.open.clone(), report.risk.clone())
    );
    assert_eq!((&read.identity, &read.settings), (&report.identity, &report.settings));
}

/// Compares a text with its file in `tests/snapshots/report`; `GENOVO_BLESS=1` writes the file instead.
pub fn snapshot(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots/report").join(name);
    if std::env::var_os("GENOVO_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(text == expected, "{name} differs; GENOVO_BLESS=1 accepts this:\n{text}");
}
