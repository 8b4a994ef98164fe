//! Does a hedging account keep positions side by side, each opened, closed, charged and counted by itself?

use std::collections::BTreeMap;

use genovo_adapters::broker::ClientIds;
use genovo_adapters::broker::factory::{Brokers, MakeError, Making};
use genovo_adapters::broker::paper::book::Durability;
use genovo_engine::account::Account;
use genovo_engine::engine::{Engine, SettingsError};
use genovo_engine::event::*;
use genovo_engine::ids::{InstrumentId, OrderId};
use genovo_engine::order::Status;
use genovo_engine::run::run;
use genovo_engine::settings::*;
use genovo_engine::simulated::Simulated;
use genovo_engine::strategy::{
    Needs, ParameterError, Parameters, Proposal, Registry, Strategy, StrategyKind, View,
};
use genovo_engine::units::{Money, Nanoseconds, Price, Quantity, Ratio, SCALE, Timestamp};
use genovo_engine::world::MemorySource;
use genovo_tests::custom_broker::Custom;
use serde_json::Value;

const X: InstrumentId = InstrumentId(1);
const HOUR: i64 = 3_600 * SCALE;

/// Does what its script says at each quote: quotes are divided by `|`, actions by blanks.
///
/// `+10` opens, `1:-6` closes of position 1, `n-6` trades as a netting account would, `=0` is a target, `r-6` only
/// reduces, `b+10/90` is a bracket with a stop, `1:s-6/90` a stop that closes, `x3` cancels.
struct Script {
    nets: bool,
    lines: Vec<String>,
}

genovo_engine::state! { Script { lines } }

const SCRIPT: StrategyKind = StrategyKind {
    name: "script",
    about: "does what it is told",
    parameters: &[],
    needs: Needs { sizes: false, quotes: false },
    trigger: Trigger::EveryTick,
    make: script,
};

fn script(parameters: &Parameters, settings: &Settings) -> Result<Box<dyn Strategy>, ParameterError> {
    let lines = parameters.text("script")?.split('|').rev();
    let lines = lines.map(|line| line.trim().to_string()).collect();
    Ok(Box::new(Script { nets: !settings.hedges(), lines }))
}

fn order(text: &str, kind: OrderKind) -> NewOrder {
    let units: i64 = text.parse().unwrap();
    let side = if units > 0 { Side::Buy } else { Side::Sell };
    NewOrder::new(side, kind, Quantity(units.abs() * SCALE))
}

fn action(word: &str) -> Action {
    let list = |order| Box::new(OrderList::single(X, order));
    let stop = |text: &str| OrderKind::Stop { trigger: Price(text.parse::<i64>().unwrap() * SCALE) };
    if let Some((position, what)) = word.split_once(':') {
        let position = OrderId(position.parse().unwrap());
        let order = match what.strip_prefix('s') {
            Some(what) => {
                let (quantity, trigger) = what.split_once('/').unwrap();
                order(quantity, stop(trigger))
            }
            None => match what.strip_prefix('l') {
                Some(what) => {
                    let (quantity, price) = what.split_once('/').unwrap();
                    let price = Price(price.parse::<i64>().unwrap() * SCALE);
                    order(quantity, OrderKind::Limit { price })
                }
                None => order(what, OrderKind::Market),
            },
        };
        return Action::Close { position, list: list(order) };
    }
    match word.split_at(1) {
        ("n", units) => Action::Place(list(order(units, OrderKind::Market))),
        ("r", units) => Action::Place(list(order(units, OrderKind::Market).reduce_only())),
        ("=", units) => {
            Action::Target { instrument: X, quantity: Quantity(units.parse::<i64>().unwrap() * SCALE) }
        }
        ("b", rest) => {
            let (quantity, trigger) = rest.split_once('/').unwrap();
            let entry = order(quantity, OrderKind::Market);
            Action::Place(Box::new(OrderList::bracket(X, entry, None, Some(stop(trigger)))))
        }
        ("x", number) => Action::Cancel { order: OrderId(number.parse().unwrap()) },
        _ => Action::Open(list(order(word, OrderKind::Market))),
    }
}

impl Strategy for Script {
    fn update(&mut self, _: &Event, _: &dyn View) -> bool {
        false
    }

    fn decide(&mut self, view: &dyn View, proposal: &mut Proposal) {
        let sum: i64 = view.tickets(X).iter().map(|ticket| ticket.quantity.0).sum();
        assert!(self.nets || sum == view.position(X).0, "a strategy sees what its positions add up to");
        if let Some(line) = self.lines.pop() {
            proposal.actions.extend(line.split_whitespace().map(action));
        }
    }

    fn state(&self) -> Option<&dyn genovo_engine::state::State> {
        Some(self)
    }

    fn state_mut(&mut self) -> Option<&mut dyn genovo_engine::state::State> {
        Some(self)
    }
}

/// One instrument at 10 % margin, an account of 10,000, limits that never bind.
fn settings(script: &str) -> Settings {
    let mut settings = genovo_tests::gold();
    settings.bars = None;
    settings.account.cash = "10000".parse().unwrap();
    settings.account.positions = PositionMode::Hedging;
    settings.trigger = Trigger::EveryTick;
    settings.strategy =
        StrategySettings { kind: "script".into(), parameters: [("script".into(), script.into())].into() };
    settings.instruments[0].margin_initial = "0.1".parse().unwrap();
    settings.instruments[0].margin_maintenance = "0.05".parse().unwrap();
    settings.risk.max_per_trade = "1".parse().unwrap();
    settings.risk.max_total = "1".parse().unwrap();
    settings.risk.min_position = Money::ZERO;
    settings.risk.distance = RiskDistance::ShareOfPrice("0.001".parse().unwrap());
    settings.venue.latency = Nanoseconds::ZERO;
    settings
}

/// A quote of 2 around a price, an hour after the one before.
fn quotes(prices: &[i64]) -> Vec<Event> {
    let quote = |(hour, price): (usize, &i64)| {
        let [bid, ask] = [price - 1, price + 1].map(|price| Price(price * SCALE));
        let time = Timestamp(1_399_248_000 * SCALE + hour as i64 * HOUR);
        Event::unnumbered(
            time,
            time,
            X,
            Fact::QuoteChanged(Quote { bid, ask, bid_size: None, ask_size: None }),
        )
    };
    prices.iter().enumerate().map(quote).collect()
}

/// Runs it; the journal, the same whether it runs through or is restored at any of its inputs, and the engine.
fn session(settings: &Settings, events: Vec<Event>) -> (Vec<Event>, Engine) {
    let mut registry = Registry::default();
    registry.add(SCRIPT);
    let mut engine = Engine::new(settings.clone(), &registry).unwrap();
    let sources = vec![Box::new(MemorySource::new(events)) as _];
    let mut world = Simulated::new(settings, engine.identity(WorldKind::Simulated), sources).unwrap();
    let mut log = Vec::new();
    run(&mut world, &mut log, &mut engine).unwrap();
    let places = (1..log.len()).filter(|&place| log[place].header.sequence.is_input()).collect::<Vec<_>>();
    crate::checkpoints::goes_on_the_same(settings, &registry, &log, &places);
    (log, engine)
}

fn traded(script: &str, prices: &[i64]) -> (Vec<Event>, Engine) {
    session(&settings(script), quotes(prices))
}

/// The positions as `order: units @ cost`.
fn held(engine: &Engine) -> Vec<String> {
    let tickets = engine.account().tickets_of(0).iter();
    tickets.map(|one| format!("{}: {} @ {}", one.order, one.quantity, one.cost)).collect()
}

/// Every order that left as `side units`, with the position that it closes.
fn sent(log: &[Event]) -> Vec<String> {
    let orders = log.iter().filter_map(|event| match &event.fact {
        Fact::OrderSubmitted(order) => Some(order),
        _ => None,
    });
    let text = orders.map(|order| match order.closes {
        OrderId::NONE => format!("{} {}", order.side.name(), order.quantity),
        position => format!("{} {} of {position}", order.side.name(), order.quantity),
    });
    text.collect()
}

fn money(text: &str) -> Money {
    text.parse().unwrap()
}

/// The worked example of docs/hedging.md.
#[test]
fn long_and_short_stand_side_by_side() {
    // The spread is paid on both: 10 × 2 and 4 × 2.
    let opened = traded("+10 -4", &[100, 100]).1;
    assert_eq!((opened.equity(), held(&opened).len()), (money("9972"), 2));
    let both = traded("+10 -4", &[100, 110]).1;
    assert_eq!(held(&both), ["1: 10 @ 1010", "2: -4 @ -396"]);
    assert_eq!(both.position(X), Quantity(6 * SCALE));
    // The long at the bid, 109: 80. The short at the ask, 111: −48.
    assert_eq!(both.equity(), money("10032"));
    let script = "+10 -4 | 1:-6 | | 1:-4 2:+4";
    let (log, closed) = traded(script, &[100, 110, 120, 130, 130]);
    assert_eq!(sent(&log), ["buy 10", "sell 4", "sell 6 of 1", "sell 4 of 1", "buy 4 of 2"]);
    let equity = log.iter().filter_map(|event| match &event.fact {
        Fact::DecisionMade(decision) => Some(decision.equity.to_string()),
        _ => None,
    });
    // What is hedged whole moves no more; the pair has paid the spread.
    assert_eq!(equity.collect::<Vec<_>>(), ["10000", "10032", "10032", "10032", "10032"]);
    assert!(closed.account().is_flat());
    assert_eq!(closed.account().balance, money("10032"));
    assert_eq!(closed.account().positions[0].realised, money("32"));
}

/// What an order that says nothing closes, and what it opens: as a netting account would have it.
#[test]
fn an_order_that_says_nothing_closes_the_earliest_first() {
    let (log, engine) = traded("+3 +4 | n-5 | n-5", &[100, 100, 100, 100]);
    assert_eq!(sent(&log), ["buy 3", "buy 4", "sell 3 of 1", "sell 2 of 2", "sell 2 of 2", "sell 3"]);
    assert_eq!(held(&engine), ["6: -3 @ -297"]);
    // A target is reached from what all positions add up to.
    let (log, engine) = traded("+3 -4 | =5 | =-1", &[100, 100, 100, 100]);
    assert_eq!(
        sent(&log),
        ["buy 3", "sell 4", "buy 4 of 2", "buy 2", "sell 3 of 1", "sell 2 of 4", "sell 1"]
    );
    assert_eq!(held(&engine), ["7: -1 @ -99"]);
    // What only reduces names nothing and closes the same.
    let (log, engine) = traded("+3 +4 -2 | r-5 | r+9", &[100, 100, 100, 100]);
    assert_eq!(sent(&log)[3..], ["sell 5", "buy 2"]);
    assert_eq!(held(&engine), ["2: 2 @ 202"]);
}

/// Closing the same position twice closes it once, whoever comes second.
#[test]
fn no_position_is_closed_beyond_what_it_has() {
    let (log, engine) = traded("+10 -4 | 1:-7 1:-7 1:s-10/50 | 2:+9 1:-1", &[100, 100, 100, 100]);
    assert_eq!(sent(&log), ["buy 10", "sell 4", "sell 7 of 1", "sell 7 of 1", "sell 10 of 1", "buy 4 of 2"]);
    assert!(engine.account().is_flat());
    let filled: Vec<i64> = engine.orders().records().iter().map(|one| one.filled.0 / SCALE).collect();
    assert_eq!(filled, [10, 4, 7, 3, 0, 4, 0]);
    let last = engine.orders().get(OrderId(7)).unwrap();
    assert_eq!(last.status, Status::Denied, "nothing is left of position 1");
    assert_eq!(engine.orders().get(OrderId(5)).unwrap().status, Status::Rejected);
    let denied = log.iter().any(|event| {
        event.fact == Fact::OrderDenied(OrderDenied { order: OrderId(7), rule: Rule::ReduceOnly })
    });
    assert!(denied);
}

/// Stops of a bracket close what their entry opened, and nothing else.
#[test]
fn the_exits_of_a_bracket_close_their_own_position() {
    let (log, engine) = traded("+10 | b+5/95 | | ", &[100, 100, 94, 94]);
    assert_eq!(sent(&log), ["buy 10", "buy 5", "sell 5 of 2"]);
    assert_eq!(held(&engine), ["1: 10 @ 1010"]);
    // An entry against what is held closes that first; what it has left arms its exits.
    let (log, engine) = traded("-3 | b+5/95 | | ", &[100, 100, 94, 94]);
    assert_eq!(sent(&log), ["sell 3", "buy 3 of 1", "buy 2", "sell 2 of 3"]);
    assert!(engine.account().is_flat());
}

#[test]
fn margin_is_needed_for_the_larger_side_or_for_both() {
    // 900 long have lost 1,800 of 12,000 and need 8,910 at 99: what both sides may need together has room for 1,290
    // more, 130 at 9.90. As much as the long needs nothing where the larger side counts.
    for (hedged_margin, granted) in [(HedgedMargin::Larger, 900), (HedgedMargin::Both, 130)] {
        let mut settings = settings("+900 | -900 |");
        settings.account.cash = "12000".parse().unwrap();
        settings.account.hedged_margin = hedged_margin;
        let (_, engine) = session(&settings, quotes(&[100, 100, 100]));
        assert_eq!(engine.orders().get(OrderId(2)).unwrap().filled, Quantity(granted * SCALE));
    }
}

/// Gross adds both sides, net takes the one off the other, and open risk counts each.
#[test]
fn limits_count_both_sides() {
    let verdict = |settings: Settings| {
        let (log, _) = session(&settings, quotes(&[100, 100, 100]));
        let mut verdicts = log.into_iter().filter_map(|event| match event.fact {
            Fact::RiskAssessed(verdict) => Some(verdict),
            _ => None,
        });
        verdicts.next_back().unwrap()
    };
    let with = |limit: &dyn Fn(&mut Controls)| {
        let mut settings = settings("+10 | -10 |");
        limit(&mut settings.risk.controls);
        settings
    };
    let gross = verdict(with(&|controls| controls.max_gross_exposure = Some(money("1500"))));
    // 10 long at the bid of the order, 99: 990; 5 more of 99 fit.
    assert_eq!((gross.granted, gross.rule), (Quantity(5 * SCALE), Some(Rule::GrossExposure)));
    let net = verdict(with(&|controls| controls.max_net_exposure = Some(money("1500"))));
    assert_eq!((net.granted, net.rule), (Quantity(10 * SCALE), None));
    let rule = net.rules.iter().find(|one| one.rule == Rule::NetExposure).unwrap();
    assert_eq!(rule.asked, Money::ZERO, "equal sides are worth nothing together");
    let mut risky = settings("+10 | -10 |");
    risky.risk.distance = RiskDistance::ShareOfPrice("0.1".parse().unwrap());
    // 99 of the long, and 9.9 each of what is sold: 5 of them within 150.
    risky.risk.max_total = "0.015".parse().unwrap();
    let total = verdict(risky);
    assert_eq!((total.granted, total.rule), (Quantity(5 * SCALE), Some(Rule::TotalRisk)));
}

#[test]
fn financing_is_charged_on_each_position() {
    let mut settings = settings("+100 -50 | | |");
    settings.financing = Some(FinancingSettings {
        rollover: Nanoseconds(2 * HOUR),
        clock: RolloverClock::Utc,
        triple: None,
        days_in_year: 360,
        rates: vec![FinancingRate {
            instrument: X,
            long: "0.036".parse().unwrap(),
            short: "-0.018".parse().unwrap(),
            borrow: "0.0072".parse().unwrap(),
        }],
    });
    let (log, engine) = session(&settings, quotes(&[51, 51, 51, 51]));
    let charged = log.iter().filter_map(|event| match &event.fact {
        Fact::FinancingCharged(one) => {
            Some((one.position.0, one.financing.to_string(), one.borrow.to_string()))
        }
        _ => None,
    });
    // 100 × 50 × 3.6 % / 360, and 50 × 52 × −1.8 % and 0.72 % / 360.
    let expected = [(1, "0.5".to_string(), "0".to_string()), (2, "-0.13".to_string(), "0.05".to_string())];
    assert_eq!(charged.collect::<Vec<_>>(), expected);
    assert_eq!(engine.account().financing, money("0.42"));
}

#[test]
fn splits_and_dividends_are_of_each_position() {
    let mut events = quotes(&[100, 100, 10, 10]);
    let at = |hour: i64, action| {
        let time = Timestamp(1_399_248_000 * SCALE + hour * HOUR + HOUR / 2);
        Event::unnumbered(time, time, X, Fact::CorporateActionApplied(action))
    };
    let dividend = CorporateAction::Dividend { amount: Price(SCALE / 2) };
    events.insert(1, at(0, dividend));
    events.insert(3, at(1, CorporateAction::Split { new: 10, old: 1 }));
    let (_, engine) = session(&settings("+10 -4 | | 2:+15"), events);
    assert_eq!(held(&engine), ["1: 100 @ 1010", "2: -25 @ -247.5"]);
    assert_eq!(engine.account().dividends, money("3"));
    // 15 of the short, bought back at 11, cost 148.5 when they were sold.
    assert_eq!(engine.account().balance, money("9986.5"));
}

/// What closes the short rests between bid and ask, and the sale that closes the long would meet it: that is said once,
/// and the long is closed when the market has moved.
#[test]
fn a_stop_out_that_is_denied_is_tried_again_when_it_can_go() {
    let mut settings = settings("+500 -100 | 2:l+100/80");
    settings.risk.controls.prevent_self_trade = true;
    settings.margin = Some(MarginSettings { call: Ratio(SCALE), stop_out: Some(Ratio(SCALE)) });
    let (log, engine) = session(&settings, quotes(&[100, 100, 100, 80, 80, 80, 80, 80, 82, 82]));
    let denied = log.iter().filter_map(|event| match &event.fact {
        Fact::OrderDenied(denied) => Some(denied.rule),
        _ => None,
    });
    assert_eq!(denied.collect::<Vec<_>>(), [Rule::SelfTrade]);
    let decided =
        |event: &&Event| matches!(&event.fact, Fact::DecisionMade(decision) if decision.strategy == "margin");
    assert_eq!(log.iter().filter(decided).count(), 2);
    assert_eq!(held(&engine), ["2: -100 @ -9900"]);
}

/// The position with the largest loss is closed first, and the other side goes on.
#[test]
fn a_stop_out_closes_the_largest_loss() {
    let mut settings = settings("+400 -100 +100 | | | |");
    settings.margin = Some(MarginSettings { call: Ratio(SCALE), stop_out: Some(Ratio(SCALE)) });
    // 500 long at 101, at a bid of 82: 9,500 lost; the short won 1,500. Equity 2,000 under 5 % of 500 × 82.
    let (log, engine) = session(&settings, quotes(&[100, 83, 83, 83]));
    let decided = log.iter().filter_map(|event| match &event.fact {
        Fact::DecisionMade(decision) if decision.strategy == "margin" => Some(decision.actions.clone()),
        _ => None,
    });
    let closes = decided.flatten().map(|action| match action {
        Action::Close { position, list } => (position.0, list.orders[0].quantity.0 / SCALE),
        other => panic!("{other:?}"),
    });
    assert_eq!(closes.collect::<Vec<_>>(), [(1, 400)]);
    assert_eq!(held(&engine), ["2: -100 @ -9900", "3: 100 @ 10100"]);
}

/// A stop at the venue for every position, whichever side it is on.
#[test]
fn every_position_has_a_stop_of_its_own() {
    let mut settings = settings("+10 -4 | 1:-6 | |");
    settings.risk.protect = true;
    let (log, engine) = session(&settings, quotes(&[100, 100, 100, 100]));
    assert_eq!(sent(&log), ["buy 10", "sell 4", "sell 10 of 1", "buy 4 of 2", "sell 6 of 1"]);
    assert_eq!(engine.unprotected(X), Quantity::ZERO);
    let rests = |number| engine.orders().get(OrderId(number)).map(|one| one.quantity.0 / SCALE);
    assert_eq!((rests(3), rests(4)), (Some(4), Some(4)), "a stop shrinks with its position");
}

#[test]
fn what_cannot_hedge_is_refused() {
    let mut cash = settings("");
    cash.account.kind = AccountKind::Cash;
    let mut shared = settings("");
    shared.strategies = vec![SharedSettings {
        name: "one".into(),
        trigger: Trigger::EveryTick,
        strategy: shared.strategy.clone(),
        instruments: Vec::new(),
        budget: Ratio::ONE,
    }];
    let mut registry = Registry::default();
    registry.add(SCRIPT);
    for (settings, what) in [(cash, "sells nothing short"), (shared, "several strategies")] {
        let error = Engine::new(settings, &registry).err().unwrap();
        assert!(matches!(error, SettingsError::Hedging(_)) && error.to_string().contains(what), "{error}");
    }
}

/// In a netting account a wish to open is an order like any other, and a wish to close only reduces.
#[test]
fn a_netting_account_takes_the_same_wishes() {
    let mut settings = settings("+10 -4 | 1:-20 |");
    settings.account.positions = PositionMode::Netting;
    let (log, engine) = session(&settings, quotes(&[100, 100, 100]));
    assert_eq!(sent(&log), ["buy 10", "sell 4", "sell 6"]);
    assert!(engine.account().is_flat() && engine.account().tickets().is_none());
}

/// A session asks its broker before it begins: nothing is left for the first order to find out.
#[test]
fn a_broker_that_nets_gets_no_hedging_account() {
    let folder = tempfile::tempdir().unwrap();
    let made = |settings: Settings, broker: &str| {
        let mut brokers = Brokers::default();
        brokers.add("nets", |_| Ok(Box::new(Custom::new(Default::default()))));
        let ids = ClientIds::new(&started(&settings), Timestamp(1));
        let (folder, durability) = (folder.path().to_owned(), Durability::Process);
        brokers.make(broker, &Making { settings, ids, folder, durability }).map(drop)
    };
    let error = made(settings(""), "nets").unwrap_err();
    assert!(matches!(error, MakeError::OnePosition { .. }), "{error}");
    assert!(error.to_string().contains("`nets` keeps one position an instrument"), "{error}");
    made(settings(""), "paper").unwrap();
    let mut netting = settings("");
    netting.account.positions = PositionMode::Netting;
    made(netting, "nets").unwrap();
}

fn started(settings: &Settings) -> RunStarted {
    let mut registry = Registry::default();
    registry.add(SCRIPT);
    Engine::new(settings.clone(), &registry).unwrap().identity(WorldKind::Live)
}

/// Orders of a recording of another engine, each at its quote.
struct Recorded {
    quote: u64,
    rows: Vec<Row>,
}

/// A row of tests/golden/nautilus/hedging_fills.csv.
#[derive(Clone, Debug)]
struct Row {
    order: u64,
    quote: u64,
    side: String,
    quantity: i64,
    closes: Option<u64>,
    price: String,
    commission: String,
    balance: String,
}

const RECORDED: StrategyKind = StrategyKind { name: "recorded", make: recorded, ..SCRIPT };

fn golden(name: &str) -> String {
    std::fs::read_to_string(genovo_tests::repository(&format!("tests/golden/nautilus/{name}"))).unwrap()
}

fn rows() -> Vec<Row> {
    let text = golden("hedging_fills.csv");
    let rows = text.lines().skip(1).map(|line| {
        let cells: Vec<&str> = line.split(',').collect();
        let [order, quote, side, quantity, closes, price, commission, balance] = cells[..] else {
            panic!("{line}")
        };
        Row {
            order: order.parse().unwrap(),
            quote: quote.parse().unwrap(),
            side: side.to_string(),
            quantity: quantity.parse().unwrap(),
            closes: closes.parse().ok(),
            price: price.to_string(),
            commission: commission.to_string(),
            balance: balance.to_string(),
        }
    });
    rows.collect()
}

fn recorded(_: &Parameters, _: &Settings) -> Result<Box<dyn Strategy>, ParameterError> {
    Ok(Box::new(Recorded { quote: 0, rows: rows() }))
}

impl Strategy for Recorded {
    fn update(&mut self, event: &Event, _: &dyn View) -> bool {
        self.quote += u64::from(event.fact.kind() == Kind::QuoteChanged);
        false
    }

    fn decide(&mut self, _: &dyn View, proposal: &mut Proposal) {
        for row in self.rows.iter().filter(|row| row.quote == self.quote) {
            let side = if row.side == "BUY" { Side::Buy } else { Side::Sell };
            let order = NewOrder::new(side, OrderKind::Market, Quantity(row.quantity * SCALE));
            let list = Box::new(OrderList::single(X, order));
            proposal.actions.push(match row.closes {
                None => Action::Open(list),
                Some(position) => Action::Close { position: OrderId(position), list },
            });
        }
    }
}

/// 240 orders on the gold week's quotes, recorded by `tests/golden/nautilus/hedging.py`: every fill at the same price,
/// the same P&L of each to the cent but for halves of one, and the same positions.
#[test]
fn a_hedging_account_of_nautilus_has_the_same_balance_after_every_fill() {
    let theirs: Value = serde_json::from_str(&golden("hedging_final.json")).unwrap();
    let by_position = |what: &str| -> BTreeMap<u64, String> {
        let told = theirs[what].as_object().unwrap().iter();
        told.map(|(position, text)| (position.parse().unwrap(), text.as_str().unwrap().to_string())).collect()
    };
    let count = theirs["quotes"].as_u64().unwrap() as usize;
    let mut settings = settings("");
    settings.strategy = StrategySettings { kind: "recorded".into(), parameters: Default::default() };
    settings.account.cash = "1000000".parse().unwrap();
    settings.instruments[0].margin_initial = Ratio(SCALE / 100);
    settings.instruments[0].commission.taker = "0.00003".parse().unwrap();
    let mut registry = Registry::default();
    registry.add(RECORDED);
    let mut engine = Engine::new(settings.clone(), &registry).unwrap();
    let mut source = genovo_tests::quotes(genovo_tests::GOLD);
    let mut quotes = Vec::new();
    while quotes.len() < count {
        let before = quotes.len();
        source.read(&mut quotes, count - before).unwrap();
        assert!(quotes.len() > before, "the file has so many");
    }
    let sources = vec![Box::new(MemorySource::new(quotes)) as _];
    let mut world = Simulated::new(&settings, engine.identity(WorldKind::Simulated), sources).unwrap();
    let mut log = genovo_tests::Rare::default();
    run(&mut world, &mut log, &mut engine).unwrap();

    let rows = rows();
    let fills = log.0.iter().filter_map(|event| match &event.fact {
        Fact::OrderFilled(fill) => Some(fill),
        _ => None,
    });
    let fills: Vec<_> = fills.collect();
    assert_eq!(fills.len(), rows.len());
    let mut account = Account::new(&settings);
    let mut exact = settings.clone();
    exact.account.digits = 9;
    let mut exact = Account::new(&exact);
    let (mut balance, mut ties, cent) = (account.balance, 0, i128::from(SCALE / 100));
    let mut realised: BTreeMap<u64, Money> = BTreeMap::new();
    for (fill, row) in fills.into_iter().zip(&rows) {
        assert_eq!((fill.order.0, fill.price), (row.order, row.price.parse().unwrap()));
        assert_eq!(fill.commission, money(&row.commission), "{row:?}");
        let effect = row.closes.map_or(PositionEffect::Open, |one| PositionEffect::Close(OrderId(one)));
        let profit = account.fill(0, fill, effect, None).unwrap();
        let unrounded = exact.fill(0, fill, effect, None).unwrap();
        // Half a cent is rounded to even here and as a binary fraction falls there: nothing else may differ.
        let theirs = money(&row.balance) - balance + fill.commission;
        let tie = unrounded.0.rem_euclid(cent) == cent / 2;
        assert!(theirs == profit || (tie && (theirs - profit).abs() == Money(cent)), "{row:?}: {profit}");
        ties += u32::from(theirs != profit);
        balance = money(&row.balance);
        *realised.entry(row.closes.unwrap_or(row.order)).or_default() += theirs - fill.commission;
    }
    let theirs_realised: BTreeMap<u64, Money> =
        by_position("realised").iter().map(|(position, amount)| (*position, money(amount))).collect();
    assert_eq!(realised, theirs_realised);
    let open = engine.account().tickets_of(0).iter().map(|one| (one.order.0, one.quantity));
    let theirs_open = by_position("open");
    let theirs_open = theirs_open.iter().map(|(position, quantity)| (*position, quantity.parse().unwrap()));
    assert!(open.eq(theirs_open), "{:?}", engine.account().tickets_of(0));
    assert_eq!(engine.account().balance, account.balance);
    assert!(ties < 10, "{ties} halves of a cent");
}
