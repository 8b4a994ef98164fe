//! Do several strategies share an account so that each sees, and is held to, what is its own?

use genovo_engine::engine::Engine;
use genovo_engine::event::*;
use genovo_engine::ids::{InstrumentId, StrategyId};
use genovo_engine::run::run;
use genovo_engine::settings::{RiskDistance, Settings, SharedSettings, StrategySettings, Trigger};
use genovo_engine::simulated::Simulated;
use genovo_engine::strategy::{
    Needs, ParameterError, ParameterSpec, Parameters, Proposal, Registry, Strategy, StrategyKind, View,
};
use genovo_engine::units::{Money, Nanoseconds, Price, Quantity, Ratio, SCALE, Timestamp};
use genovo_engine::world::MemorySource;

const X: InstrumentId = InstrumentId(1);

/// Wants positions, one after the other: `"10 -5 0"`; says what it saw.
struct Wants(Vec<i64>);

impl Strategy for Wants {
    fn update(&mut self, _: &Event, _: &dyn View) -> bool {
        false
    }

    fn decide(&mut self, view: &dyn View, proposal: &mut Proposal) {
        proposal.because_of("position", view.position(X).as_f64());
        proposal.because_of("equity", view.equity().as_f64());
        proposal.because_of("strategy", f64::from(view.strategy().0));
        if self.0.is_empty() {
            return;
        }
        let quantity = Quantity(self.0.remove(0) * SCALE);
        proposal.actions.push(Action::Target { instrument: X, quantity });
    }
}

fn wants(parameters: &Parameters, _: &Settings) -> Result<Box<dyn Strategy>, ParameterError> {
    let wanted = parameters.text("wanted")?.split_whitespace();
    Ok(Box::new(Wants(wanted.map(|number| number.parse().unwrap()).collect())))
}

const WANTS: StrategyKind = StrategyKind {
    name: "wants",
    about: "wants positions",
    parameters: &[ParameterSpec { name: "wanted", default: None, about: "which" }],
    needs: Needs { sizes: false, quotes: false },
    trigger: Trigger::EveryTick,
    make: wants,
};

/// One instrument at 100, an account of 10,000, nothing that binds but budgets.
fn settings(each: &[(&str, &str, i64)]) -> Settings {
    let mut settings = genovo_tests::gold();
    settings.bars = None;
    settings.account.cash = Money(i128::from(SCALE) * 10_000);
    settings.instruments[0].lot = Quantity(SCALE);
    settings.instruments[0].margin_initial = Ratio(SCALE / 100);
    settings.instruments[0].commission = Default::default();
    settings.risk.max_per_trade = Ratio(SCALE);
    settings.risk.max_total = Ratio(SCALE);
    settings.risk.min_position = Money::ZERO;
    settings.risk.distance = RiskDistance::ShareOfPrice(Ratio(SCALE / 1_000));
    settings.venue.latency = Nanoseconds::ZERO;
    settings.venue.response_latency = Nanoseconds::ZERO;
    settings.strategies = each
        .iter()
        .map(|(name, wanted, percent)| SharedSettings {
            name: name.to_string(),
            trigger: Trigger::EveryTick,
            strategy: StrategySettings {
                kind: "wants".into(),
                parameters: [("wanted".to_string(), wanted.to_string())].into(),
            },
            instruments: Vec::new(),
            budget: Ratio(percent * SCALE / 100),
        })
        .collect();
    let first = &settings.strategies[0];
    (settings.trigger, settings.strategy) = (first.trigger, first.strategy.clone());
    settings
}

fn quotes(prices: &[i64]) -> Vec<Event> {
    let quote = |(second, price): (usize, &i64)| {
        let price = Price(price * SCALE);
        let time = Timestamp(second as i64 * SCALE);
        let fact = Fact::QuoteChanged(Quote { bid: price, ask: price, bid_size: None, ask_size: None });
        Event::unnumbered(time, time, X, fact)
    };
    prices.iter().enumerate().map(quote).collect()
}

/// Runs it; the journal, and the engine in the end.
fn recorded(settings: &Settings, prices: &[i64]) -> (Vec<Event>, Engine) {
    session(settings, quotes(prices))
}

fn session(settings: &Settings, events: Vec<Event>) -> (Vec<Event>, Engine) {
    let mut registry = Registry::default();
    registry.add(WANTS);
    let mut engine = Engine::new(settings.clone(), &registry).unwrap();
    let sources = vec![Box::new(MemorySource::new(events)) as _];
    let mut world = Simulated::new(settings, engine.identity(WorldKind::Simulated), sources).unwrap();
    let mut log = Vec::new();
    run(&mut world, &mut log, &mut engine).unwrap();
    (log, engine)
}

fn positions(engine: &Engine) -> Vec<i64> {
    engine.attribution().shares().iter().map(|share| share.positions[0].quantity.0 / SCALE).collect()
}

fn evidence(log: &[Event], strategy: &str, name: &str) -> Vec<f64> {
    let decisions = log.iter().filter_map(|event| match &event.fact {
        Fact::DecisionMade(decision) if decision.strategy == strategy => Some(decision),
        _ => None,
    });
    decisions.map(|decision| decision.evidence.iter().find(|one| one.name == name).unwrap().value).collect()
}

#[test]
fn each_sees_its_own_position_and_its_share_of_equity() {
    let settings = settings(&[("long", "30 30 0", 50), ("short", "-10 -10 -10", 25)]);
    let (log, engine) = recorded(&settings, &[100, 100, 110, 110, 110]);
    assert_eq!(positions(&engine), [0, -10]);
    assert_eq!(engine.position(X), Quantity(-10 * SCALE));
    assert_eq!(evidence(&log, "long", "position"), [0.0, 30.0, 30.0, 0.0, 0.0]);
    assert_eq!(evidence(&log, "short", "position"), [0.0, -10.0, -10.0, -10.0, -10.0]);
    // 20 net at 110 won 200; shares of 10,200 then.
    assert_eq!(evidence(&log, "long", "equity")[2], 5_100.0);
    assert_eq!(evidence(&log, "short", "equity")[2], 2_550.0);
    assert!(evidence(&log, "short", "strategy").iter().all(|number| *number == 2.0));
    let shares = engine.attribution().shares();
    assert_eq!(shares[0].positions[0].realised, Money(i128::from(SCALE) * 300));
    assert_eq!(shares[1].positions[0].average_price(), Some(Price(100 * SCALE)));
    // Orders say whose they are.
    let orders = log.iter().filter_map(|event| match &event.fact {
        Fact::OrderSubmitted(order) => Some((order.strategy, order.side, order.quantity.0 / SCALE)),
        _ => None,
    });
    let [long, short] = [1, 2].map(StrategyId);
    assert_eq!(
        orders.collect::<Vec<_>>(),
        [(long, Side::Buy, 30), (short, Side::Sell, 10), (long, Side::Sell, 30)]
    );
}

/// The budget counts what a strategy holds itself: what closes for the account may open for it.
#[test]
fn a_budget_is_of_ones_own_exposure() {
    // 100 a unit and 10,000 of equity: 10 % are 10 units, 50 % are 50.
    type Row<'a> = (&'a [(&'a str, &'a str, i64)], &'a [i64]);
    let table: &[Row<'_>] = &[
        (&[("one", "30", 10), ("other", "0", 50)], &[10, 0]),
        // The account is long 50, so selling 40 closes for the account; the other may hold 10.
        (&[("one", "50", 50), ("other", "-40", 10)], &[50, -10]),
        // What closes its own goes, whatever it opens for the account.
        (&[("one", "40 0", 50), ("other", "-40 -40", 40)], &[0, -40]),
        // From one side to the other: the whole of what closes, and as much as it may hold.
        (&[("one", "10 -90", 10), ("other", "0 0", 10)], &[-10, 0]),
        (&[("one", "30", 0), ("other", "20", 1_000)], &[0, 20]),
    ];
    for (each, expected) in table {
        let (_, engine) = recorded(&settings(each), &[100; 6]);
        assert_eq!(positions(&engine), *expected, "{each:?}");
        assert_eq!(engine.position(X).0 / SCALE, expected.iter().sum::<i64>());
    }
    let (log, _) = recorded(&settings(&[("one", "30", 10), ("other", "0", 50)]), &[100; 3]);
    let verdict = log.iter().find_map(|event| match &event.fact {
        Fact::RiskAssessed(verdict) => Some(verdict),
        _ => None,
    });
    let verdict = verdict.unwrap();
    let money = |amount: i64| Money(i128::from(SCALE) * i128::from(amount));
    let budget = verdict.rules.iter().find(|result| result.rule == Rule::Budget).unwrap();
    assert_eq!((budget.limit, budget.asked, budget.granted), (money(1_000), money(3_000), money(1_000)));
    assert_eq!((verdict.outcome, verdict.rule), (Outcome::Reduced, Some(Rule::Budget)));
}

#[test]
fn what_is_not_its_own_is_left_alone() {
    let mut settings = settings(&[("one", "30", 50), ("other", "20", 50)]);
    let another = settings.instruments[0].clone();
    settings.instruments.push(genovo_engine::settings::Instrument { symbol: "Y".into(), ..another });
    settings.strategies[1].instruments = vec![InstrumentId(2)];
    let (log, engine) = recorded(&settings, &[100; 3]);
    // It is not asked about X at all.
    assert!(evidence(&log, "other", "position").is_empty());
    assert_eq!(positions(&engine), [30, 0]);
    // And where it is asked about its own and wants something else, its budget there is nothing.
    settings.strategies[1].instruments = vec![X];
    settings.strategies[0].instruments = vec![InstrumentId(2)];
    let mut events = quotes(&[100; 6]);
    events.iter_mut().skip(1).step_by(2).for_each(|event| event.header.instrument = InstrumentId(2));
    let (log, engine) = session(&settings, events);
    assert_eq!(positions(&engine), [0, 20]);
    assert_eq!(evidence(&log, "one", "position"), [0.0; 3]);
    let verdict = log.iter().find_map(|event| match &event.fact {
        Fact::RiskAssessed(verdict) if verdict.outcome == Outcome::Denied => {
            Some((event.header.instrument, verdict))
        }
        _ => None,
    });
    let (instrument, verdict) = verdict.unwrap();
    assert_eq!((instrument, verdict.rule), (X, Some(Rule::Budget)));
    let budget = verdict.rules.iter().find(|result| result.rule == Rule::Budget).unwrap();
    assert_eq!((budget.limit, budget.granted), (Money::ZERO, Money::ZERO));
}

/// One that has the account for itself decides as it always did, but for whose orders they are.
#[test]
fn one_alone_in_the_list_is_as_the_only_one() {
    let shared = settings(&[("wants", "30 -20 5", 100)]);
    let alone = Settings { strategies: Vec::new(), ..shared.clone() };
    let (shared, alone) = (recorded(&shared, &[100, 101, 99, 98]).1, recorded(&alone, &[100, 101, 99, 98]).1);
    assert_eq!(shared.counts(), alone.counts());
    assert_eq!(shared.account().balance, alone.account().balance);
    assert_eq!(shared.position(X), alone.position(X));
}

/// What the account loses to a stop-out is lost by those who hold it, in the order of the settings.
#[test]
fn what_no_strategy_ordered_closes_what_they_hold() {
    let mut settings = settings(&[("one", "300", 400), ("other", "200", 400), ("third", "-100", 400)]);
    settings.margin =
        Some(genovo_engine::settings::MarginSettings { call: Ratio(SCALE), stop_out: Some(Ratio(SCALE)) });
    settings.instruments[0].margin_maintenance = Ratio(SCALE / 50);
    // 400 net at 100: at 76 there are 400 of equity, and 608 are needed.
    let (log, engine) = recorded(&settings, &[100, 100, 76, 76, 76]);
    assert!(log.iter().any(|event| matches!(&event.fact, Fact::AlertRaised(alert)
        if matches!(**alert, AlertRaised::StoppedOut { .. }))));
    assert_eq!(engine.position(X), Quantity::ZERO);
    assert_eq!(positions(&engine), [0, 100, -100]);
}
