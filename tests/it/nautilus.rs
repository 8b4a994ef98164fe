//! Do the same orders on the same quotes come to what nautilus_trader's engine makes of them, and is every difference
//! one that we chose?
//!
//! The recordings, and the peer's rules as found, are in `tests/golden/nautilus`. Both venues are also written down
//! here a second time, plainly, as one program with a switch for each rule that differs ([`rules`]):
//!
//! ```text
//! the peer's rules  = the recorded fills          every order, every field
//! our rules         = what our engine did         every order, every field
//! ```
//!
//! So the switches are all that lies between the two, and an order that no switch touches is equal in everything.

mod rules;

use std::collections::BTreeMap;

use genovo_engine::account::Account;
use genovo_engine::engine::Engine;
use genovo_engine::event::{
    Action, Contingency, Event, Fact, Fill, Liquidity, NewOrder, OrderKind, OrderList, PositionEffect,
    Rule as RiskRule, Side, TimeInForce, Trail, WorldKind,
};
use genovo_engine::ids::{InstrumentId, OrderId};
use genovo_engine::order::Status;
use genovo_engine::run::run;
use genovo_engine::settings::{Commission, RiskDistance, Settings, StrategySettings};
use genovo_engine::simulated::Simulated;
use genovo_engine::strategy::{
    Needs, ParameterError, Parameters, Proposal, Registry, Strategy, StrategyKind, View,
};
use genovo_engine::units::{Money, Nanoseconds, Price, Quantity, Ratio, Timestamp};
use genovo_engine::world::MemorySource;
use genovo_tests::{Rare, repository};

use rules::{Execution, Link, Outcome, Planned, Rule};

const TRADED: InstrumentId = InstrumentId(1);

/// One recording.
struct Case {
    name: &'static str,
    data: &'static str,
    quotes: usize,
    latency: Nanoseconds,
    /// The peer kept count of what was taken of each price level.
    consumed: bool,
}

const BTCUSDT_DATA: &str = "scenarios/data/btcusdt_usdm_20240808.csv.zst";
const FIVE_MS: Nanoseconds = Nanoseconds(5_000_000);

const fn btcusdt(name: &'static str, latency: Nanoseconds, consumed: bool) -> Case {
    Case { name, data: BTCUSDT_DATA, quotes: 66_089, latency, consumed }
}

const fn xauusd(name: &'static str, latency: Nanoseconds) -> Case {
    Case { name, data: genovo_tests::GOLD, quotes: 60_000, latency, consumed: false }
}

impl Case {
    fn rows(&self, what: &str) -> Vec<Vec<String>> {
        let path = repository(&format!("tests/golden/nautilus/{}_{what}.csv", self.name));
        let text = std::fs::read_to_string(path).unwrap();
        text.lines().skip(1).map(|line| line.split(',').map(str::to_string).collect()).collect()
    }

    fn is_gold(&self) -> bool {
        self.name.starts_with("xauusd")
    }

    /// Whether the recording says of each order when it was triggered and ended.
    fn tells(&self) -> bool {
        ["_stop_limit", "_trailing", "_linked"].iter().any(|kind| self.name.ends_with(kind))
    }

    fn plan(&self) -> Vec<Planned> {
        let planned = |row: &Vec<String>| {
            let [_, quote, cancel, side, kind, price, stop, quantity, time_in_force, more @ ..] = &row[..]
            else {
                panic!("nine columns")
            };
            let [expires, trail, list, link, reduce] =
                [0, 1, 2, 3, 4].map(|column| more.get(column).map_or("", String::as_str));
            Planned {
                quote: quote.parse().unwrap(),
                cancel: cancel.parse().ok(),
                side: if side == "BUY" { Side::Buy } else { Side::Sell },
                kind: match kind.as_str() {
                    "MARKET" => OrderKind::Market,
                    "LIMIT" => OrderKind::Limit { price: price.parse().unwrap() },
                    "STOP_MARKET" => OrderKind::Stop { trigger: stop.parse().unwrap() },
                    "STOP_LIMIT" => {
                        OrderKind::StopLimit { trigger: stop.parse().unwrap(), price: price.parse().unwrap() }
                    }
                    "TRAILING_STOP" => OrderKind::TrailingStop {
                        trail: match trail.strip_suffix("bp") {
                            Some(points) => Trail::Share(Ratio(points.parse::<i64>().unwrap() * 100_000)),
                            None => Trail::Amount(trail.parse().unwrap()),
                        },
                    },
                    other => panic!("unknown type {other}"),
                },
                time_in_force: match time_in_force.as_str() {
                    "GTC" => TimeInForce::Gtc,
                    "IOC" => TimeInForce::Ioc,
                    "FOK" => TimeInForce::Fok,
                    "GTD" => TimeInForce::Gtd,
                    other => panic!("unknown time in force {other}"),
                },
                expires: expires.parse().ok(),
                quantity: quantity.parse().unwrap(),
                list: list.parse::<usize>().ok().map(|first| first - 1),
                link: match link {
                    "" => Link::Alone,
                    "OTO" => Link::Entry,
                    "OUO" => Link::Exit,
                    "OCO" => Link::Alternative,
                    other => panic!("unknown link {other}"),
                },
                reduce: reduce == "1",
            }
        };
        self.rows("orders").iter().map(planned).collect()
    }

    /// The recorded fills in the order in which they were made, with the balance after each.
    fn recorded_fills(&self) -> Vec<(usize, Execution, Money)> {
        let fill = |row: &Vec<String>| {
            let execution = Execution {
                time: row[1].parse().unwrap(),
                price: row[2].parse().unwrap(),
                quantity: row[3].parse().unwrap(),
                liquidity: if row[4] == "maker" { Liquidity::Maker } else { Liquidity::Taker },
                commission: row[5].parse().unwrap(),
            };
            (row[0].parse().unwrap(), execution, row[7].parse().unwrap())
        };
        self.rows("fills").iter().map(fill).collect()
    }

    fn recorded(&self) -> Vec<Outcome> {
        let status = |row: &Vec<String>| match row[1].as_str() {
            "ACCEPTED" | "TRIGGERED" => Status::Accepted,
            "PARTIALLY_FILLED" => Status::PartiallyFilled,
            "FILLED" => Status::Filled,
            "CANCELED" => Status::Cancelled,
            "REJECTED" => Status::Rejected,
            "EXPIRED" => Status::Expired,
            other => panic!("unknown status {other}"),
        };
        let statuses = self.rows("status");
        let mut outcomes: Vec<Outcome> =
            statuses.iter().map(|row| Outcome { status: status(row), ..Outcome::NEW }).collect();
        for (order, execution, _) in self.recorded_fills() {
            outcomes[order - 1].fills.push(execution);
        }
        for ((row, order), outcome) in statuses.iter().zip(self.plan()).zip(&mut outcomes) {
            let [_, _, _, triggered, trigger, ended] = &row[..] else { continue };
            outcome.ended = ended.parse().ok();
            outcome.triggered = match order.kind {
                OrderKind::StopLimit { trigger, .. } => triggered.parse().ok().map(|time| (time, trigger)),
                // It fills when it is triggered, or, to be filled or killed, ends.
                OrderKind::TrailingStop { .. } => {
                    let killed = outcome.ended.filter(|_| order.time_in_force == TimeInForce::Fok);
                    let time = outcome.fills.first().map(|fill| fill.time).or(killed);
                    time.map(|time| (time, trigger.parse().expect("where its trigger stood")))
                }
                _ => None,
            };
        }
        outcomes
    }

    fn quotes(&self) -> Vec<Event> {
        let mut source = genovo_tests::quotes(self.data);
        let mut events = Vec::new();
        while events.len() < self.quotes {
            let before = events.len();
            source.read(&mut events, self.quotes - before).unwrap();
            assert!(events.len() > before, "the data holds {before} quotes");
        }
        events.truncate(self.quotes);
        events
    }

    /// Their costs; limits so wide that risk never has a say.
    fn settings(&self) -> Settings {
        let mut settings = genovo_tests::gold();
        settings.name = self.name.to_string();
        settings.account.cash = "1000000".parse().unwrap();
        settings.bars = None;
        settings.strategy = StrategySettings {
            kind: "scripted".into(),
            parameters: [("case".into(), self.name.into())].into(),
        };
        settings.risk.max_per_trade = Ratio::ONE;
        settings.risk.max_total = Ratio::ONE;
        settings.risk.min_position = Money::ZERO;
        settings.risk.distance = RiskDistance::ShareOfPrice(Ratio(1));
        settings.venue.latency = self.latency;
        settings.venue.size_when_absent = Some("1000000".parse().unwrap());
        let instrument = &mut settings.instruments[0];
        instrument.margin_initial = Ratio(1);
        instrument.margin_maintenance = Ratio(1);
        let (maker, taker) = if self.is_gold() { ("0.00001", "0.00003") } else { ("0.0002", "0.0005") };
        instrument.commission = Commission {
            maker: maker.parse().unwrap(),
            taker: taker.parse().unwrap(),
            ..Commission::default()
        };
        if !self.is_gold() {
            settings.account.currency = "USDT".into();
            settings.account.digits = 8;
            instrument.symbol = "BTCUSDT".into();
            instrument.tick = "0.1".parse().unwrap();
            instrument.lot = "0.001".parse().unwrap();
        }
        settings
    }
}

/// Sends the planned orders and cancels at their quotes.
struct Scripted {
    plan: Vec<Planned>,
    quote: usize,
}

impl Scripted {
    const KIND: StrategyKind = StrategyKind {
        name: "scripted",
        about: "the orders of a recording",
        parameters: &[],
        needs: Needs { sizes: false, quotes: true },
        trigger: genovo_engine::settings::Trigger::OnSignal,
        make: Scripted::make,
    };

    fn make(parameters: &Parameters, _: &Settings) -> Result<Box<dyn Strategy>, ParameterError> {
        let name = parameters.text("case")?;
        let case = CASES.iter().find(|case| case.name == name).expect("a case of this module");
        Ok(Box::new(Scripted { plan: case.plan(), quote: 0 }))
    }
}

impl Strategy for Scripted {
    fn update(&mut self, event: &Event, _: &dyn View) -> bool {
        if !event.fact.kind().is_market() {
            return false;
        }
        self.quote += 1;
        self.plan.iter().any(|order| order.quote == self.quote || order.cancel == Some(self.quote))
    }

    fn decide(&mut self, _: &dyn View, proposal: &mut Proposal) {
        for (order, number) in self.plan.iter().zip(1..) {
            if order.cancel == Some(self.quote) {
                proposal.actions.push(Action::Cancel { order: OrderId(number) });
            }
        }
        let mut due = self.plan.iter().filter(|order| order.quote == self.quote).peekable();
        while let Some(first) = due.next() {
            let new = |order: &Planned| NewOrder {
                expires: order.expires.map(Timestamp),
                reduce_only: order.reduce,
                ..NewOrder::new(order.side, order.kind, order.quantity).during(order.time_in_force)
            };
            let mut orders = vec![new(first)];
            while let Some(other) = due.next_if(|other| first.list.is_some() && other.list == first.list) {
                orders.push(new(other));
            }
            let link = match first.link {
                Link::Alone => None,
                Link::Entry | Link::Exit => Some(Contingency::Bracket),
                Link::Alternative => Some(Contingency::OneCancelsOthers),
            };
            proposal.actions.push(Action::Place(Box::new(OrderList { instrument: TRADED, link, orders })));
        }
    }
}

const CASES: [Case; 12] = [
    btcusdt("btcusdt", Nanoseconds::ZERO, false),
    btcusdt("btcusdt_latency", FIVE_MS, false),
    btcusdt("btcusdt_consumed", Nanoseconds::ZERO, true),
    xauusd("xauusd", Nanoseconds::ZERO),
    xauusd("xauusd_latency", FIVE_MS),
    xauusd("xauusd_ties", Nanoseconds::ZERO),
    btcusdt("btcusdt_stop_limit", Nanoseconds::ZERO, false),
    xauusd("xauusd_stop_limit", Nanoseconds::ZERO),
    btcusdt("btcusdt_trailing", Nanoseconds::ZERO, false),
    xauusd("xauusd_trailing", Nanoseconds::ZERO),
    xauusd("xauusd_linked", Nanoseconds::ZERO),
    btcusdt("btcusdt_linked", Nanoseconds::ZERO, false),
];

fn case(name: &str) -> &'static Case {
    CASES.iter().find(|case| case.name == name).expect("a case of this module")
}

/// What our engine did with the orders of a case.
struct Ours {
    outcomes: Vec<Outcome>,
    fills: Vec<Fill>,
    equity: Money,
    last: (Price, Price),
}

fn ours(case: &Case, quotes: &[Event]) -> Ours {
    let mut registry = Registry::default();
    registry.add(Scripted::KIND);
    let settings = case.settings();
    let mut engine = Engine::new(settings.clone(), &registry).unwrap();
    let source = Box::new(MemorySource::new(quotes.to_vec()));
    let mut world = Simulated::new(&settings, engine.identity(WorldKind::Simulated), vec![source]).unwrap();
    let mut log = Rare::default();
    run(&mut world, &mut log, &mut engine).unwrap();

    let Some(Fact::QuoteChanged(last)) = quotes.last().map(|event| &event.fact) else { panic!("quotes") };
    let mut ours =
        Ours { outcomes: Vec::new(), fills: Vec::new(), equity: Money::ZERO, last: (last.bid, last.ask) };
    for event in log.0 {
        let time = event.header.time_event.0;
        let mut end = |order: OrderId, status| {
            let outcome = &mut ours.outcomes[order.0 as usize - 1];
            (outcome.status, outcome.ended) = (status, Some(time));
        };
        match event.fact {
            Fact::OrderSubmitted(order) => {
                assert_eq!(order.order.0 as usize, ours.outcomes.len() + 1, "orders are numbered as planned");
                ours.outcomes.push(Outcome::NEW);
            }
            Fact::OrderAccepted(order) => ours.outcomes[order.order.0 as usize - 1].status = Status::Accepted,
            Fact::OrderCancelled(order) => end(order.order, Status::Cancelled),
            Fact::OrderExpired(order) => end(order.order, Status::Expired),
            Fact::OrderRejected(order) => end(order.order, Status::Rejected),
            Fact::OrderTriggered(order) => {
                ours.outcomes[order.order.0 as usize - 1].triggered = Some((time, order.trigger));
            }
            Fact::OrderFilled(fill) => {
                let outcome = &mut ours.outcomes[fill.order.0 as usize - 1];
                outcome.status = if fill.remaining.0 == 0 { Status::Filled } else { Status::PartiallyFilled };
                outcome.fills.push(Execution {
                    time,
                    price: fill.price,
                    quantity: fill.quantity,
                    liquidity: fill.liquidity,
                    commission: fill.commission,
                });
                ours.fills.push(*fill);
            }
            Fact::OrderDenied(denied) => {
                assert_eq!(denied.rule, RiskRule::ReduceOnly, "risk has a say: {denied:?}");
                assert_eq!(
                    denied.order.0 as usize,
                    ours.outcomes.len() + 1,
                    "orders are numbered as planned"
                );
                ours.outcomes.push(Outcome { status: Status::Rejected, ended: Some(time), ..Outcome::NEW });
            }
            Fact::RunEnded(ended) => ours.equity = ended.equity,
            _ => {}
        }
    }
    ours
}

/// The rules that change an order's outcome when they alone are played our way; `None`: it is the same under both.
fn explained(
    alone: &[(Rule, Vec<Outcome>)],
    theirs: &[Outcome],
    ours: &[Outcome],
    index: usize,
) -> Option<Vec<Rule>> {
    let changes = alone.iter().filter(|(_, outcomes)| outcomes[index] != theirs[index]);
    let rules: Vec<Rule> = changes.map(|&(rule, _)| rule).collect();
    (!rules.is_empty() || ours[index] != theirs[index]).then_some(rules)
}

/// Compares a case order by order. `equal`: how many orders are equal in everything; `later`: how many others only in
/// the times; `expected`: how many each rule changes, alone or where none does with others.
fn compare(name: &str, equal: usize, later: usize, expected: &[(Rule, usize)]) {
    let case = case(name);
    let (quotes, plan) = (case.quotes(), case.plan());
    let replay = |ours: &[Rule]| rules::replay(&quotes, &plan, &case.settings(), case.consumed, ours);
    let recorded = case.recorded();
    // Where the recording does not say when an order ended, nobody is asked.
    let known = |outcome: &Outcome| outcome.known(case.tells());
    let theirs: Vec<Outcome> = replay(&[]).iter().map(known).collect();
    for (index, outcome) in theirs.iter().enumerate() {
        assert_eq!(*outcome, recorded[index], "{name}: the peer's rules on order {}", index + 1);
    }
    let mut done = ours(case, &quotes);
    done.outcomes = done.outcomes.iter().map(known).collect();
    let by_rules: Vec<Outcome> = replay(&Rule::ALL).iter().map(known).collect();
    assert_eq!(done.outcomes.len(), plan.len());
    for (index, outcome) in by_rules.iter().enumerate() {
        assert_eq!(*outcome, done.outcomes[index], "{name}: our rules on order {}", index + 1);
    }

    let played = |rules: &[Rule]| -> Vec<Outcome> { replay(rules).iter().map(known).collect() };
    let alone: Vec<(Rule, Vec<Outcome>)> = Rule::ALL.iter().map(|&rule| (rule, played(&[rule]))).collect();
    // Those that change an order only together: without any one of them it is not what it is under all.
    let together = |index: usize| {
        let mut rules = Rule::ALL.to_vec();
        for one in Rule::ALL {
            let fewer: Vec<Rule> = rules.iter().copied().filter(|&rule| rule != one).collect();
            if played(&fewer)[index] == by_rules[index] {
                rules = fewer;
            }
        }
        rules
    };
    let mut counts = BTreeMap::new();
    let (mut same, mut same_but_later) = (0, 0);
    for (index, (done, recorded)) in done.outcomes.iter().zip(&recorded).enumerate() {
        match explained(&alone, &theirs, &by_rules, index) {
            None => {
                assert_eq!(done, recorded, "{name}: order {}", index + 1);
                same += 1;
            }
            Some(mut rules) => {
                if rules.is_empty() {
                    rules = together(index);
                }
                same_but_later += usize::from(done.timeless() == recorded.timeless());
                for rule in rules {
                    *counts.entry(rule).or_insert(0) += 1;
                }
            }
        }
    }
    let counts: Vec<(Rule, usize)> = counts.into_iter().collect();
    assert_eq!((same, same_but_later, &counts[..]), (equal, later, expected), "{name}");
}

#[test]
fn stop_limit_orders_on_gold() {
    compare(
        "xauusd_stop_limit",
        165,
        37,
        &[
            (Rule::TriggeredStop, 16),
            (Rule::TriggeredAtOnce, 52),
            (Rule::TriggeredTaker, 58),
            (Rule::ExpiryStamp, 37),
        ],
    );
}

#[test]
fn stop_limit_orders_on_btcusdt() {
    compare(
        "btcusdt_stop_limit",
        162,
        46,
        &[
            (Rule::SecondPass, 1),
            (Rule::Memory, 3),
            (Rule::TriggeredStop, 21),
            (Rule::TriggeredAtOnce, 56),
            (Rule::TriggeredTaker, 46),
            (Rule::ExpiryStamp, 35),
        ],
    );
}

#[test]
fn trailing_stops_on_gold() {
    compare("xauusd_trailing", 179, 17, &[(Rule::TrailTick, 44), (Rule::ExpiryStamp, 17)]);
}

#[test]
fn trailing_stops_on_btcusdt() {
    compare(
        "btcusdt_trailing",
        126,
        27,
        &[
            (Rule::Memory, 25),
            (Rule::UsedUpTouch, 5),
            (Rule::MarketRest, 57),
            (Rule::TrailTick, 30),
            (Rule::ExpiryStamp, 27),
        ],
    );
}

#[test]
fn brackets_and_alternatives_in_parts() {
    compare(
        "btcusdt_linked",
        502,
        40,
        &[
            (Rule::SecondPass, 3),
            (Rule::Memory, 3),
            (Rule::TriggeredStop, 8),
            (Rule::TriggeredTaker, 3),
            (Rule::CancelOfOne, 12),
            (Rule::NothingToReduce, 5),
            (Rule::ReduceBound, 35),
            (Rule::CancelOfHeld, 6),
            (Rule::EntryGone, 4),
            (Rule::ArmedByShare, 2),
            (Rule::EntryTakenBack, 1),
            (Rule::PartOfOne, 6),
        ],
    );
}

#[test]
fn brackets_and_alternatives_on_gold() {
    compare(
        "xauusd_linked",
        520,
        19,
        &[
            (Rule::TriggeredStop, 22),
            (Rule::CancelOfOne, 9),
            (Rule::NothingToReduce, 6),
            (Rule::ReduceBound, 9),
            (Rule::CancelOfHeld, 4),
            (Rule::EntryGone, 8),
        ],
    );
}

#[test]
fn btcusdt_without_latency() {
    compare(
        "btcusdt",
        277,
        8,
        &[(Rule::SecondPass, 9), (Rule::Memory, 14), (Rule::MarketRest, 6), (Rule::TriggeredStop, 3)],
    );
}

#[test]
fn btcusdt_after_five_milliseconds() {
    compare(
        "btcusdt_latency",
        149,
        119,
        &[
            (Rule::StandingQuote, 138),
            (Rule::SecondPass, 12),
            (Rule::Memory, 20),
            (Rule::MarketRest, 11),
            (Rule::TriggeredStop, 2),
        ],
    );
}

#[test]
fn btcusdt_with_consumed_levels() {
    compare(
        "btcusdt_consumed",
        265,
        3,
        &[(Rule::Memory, 16), (Rule::MarketRest, 13), (Rule::TriggeredStop, 7)],
    );
}

#[test]
fn gold_is_equal_but_for_stops_that_arrive_triggered() {
    compare("xauusd", 298, 0, &[(Rule::TriggeredStop, 2)]);
}

#[test]
fn gold_after_five_milliseconds() {
    compare("xauusd_latency", 139, 5, &[(Rule::StandingQuote, 159), (Rule::TriggeredStop, 4)]);
}

#[test]
fn gold_at_the_market_is_equal_throughout() {
    compare("xauusd_ties", 300, 0, &[]);
}

/// A fill for our account.
fn booked(order: usize, side: Side, execution: &Execution) -> Fill {
    Fill {
        order: OrderId(order as u64),
        side,
        price: execution.price,
        quantity: execution.quantity,
        remaining: Quantity::ZERO,
        liquidity: execution.liquidity,
        commission: execution.commission,
        bid: None,
        ask: None,
        rate: None,
    }
}

/// Their fills booked in our account: where a balance differs, the profit lies half-way between two amounts of money,
/// and doubles decided theirs. Returns how many differ, and our final balance less theirs.
fn money(name: &str) -> (usize, Money) {
    let case = case(name);
    let (settings, plan) = (case.settings(), case.plan());
    let unit = 10_i128.pow(9 - u32::from(settings.account.digits));
    let mut account = Account::new(&settings);
    let mut exact = Account::new(&Settings {
        account: genovo_engine::settings::AccountSettings { digits: 9, ..settings.account.clone() },
        ..settings.clone()
    });
    let (mut theirs, mut ours, mut differing) = (account.balance, account.balance, 0);
    for (order, execution, balance) in case.recorded_fills() {
        let fill = booked(order, plan[order - 1].side, &execution);
        account.fill(0, &fill, PositionEffect::Open, None).unwrap();
        let unrounded = exact.fill(0, &fill, PositionEffect::Open, None).unwrap();
        let difference = (account.balance - ours) - (balance - theirs);
        (theirs, ours) = (balance, account.balance);
        if difference != Money::ZERO {
            assert_eq!(difference.abs().0, unit, "{name}: order {order}");
            // Half a unit, as far as a cost of 1e-9 can tell.
            let beyond = unrounded.0.rem_euclid(unit);
            assert!((beyond - unit / 2).abs() <= 1, "{name}: order {order}: {unrounded} is no tie");
            differing += 1;
        }
    }
    (differing, ours - theirs)
}

#[test]
fn balances_differ_only_where_a_profit_lies_half_way() {
    let money = |name| {
        let (differing, sum) = money(name);
        (differing, sum.to_string())
    };
    assert_eq!(money("xauusd"), (0, "0".to_string()));
    assert_eq!(money("xauusd_latency"), (0, "0".to_string()));
    assert_eq!(money("xauusd_ties"), (75, "-0.13".to_string()));
    assert_eq!(money("btcusdt"), (4, "0".to_string()));
    assert_eq!(money("btcusdt_latency"), (4, "0".to_string()));
    assert_eq!(money("btcusdt_consumed"), (9, "0.00000005".to_string()));
}

/// The engine's own last word: the fills are theirs, one by one, and the balance is theirs plus the ties.
#[test]
fn gold_at_the_market_ends_with_their_balance_and_the_ties() {
    let case = case("xauusd_ties");
    let done = ours(case, &case.quotes());
    let recorded = case.recorded_fills();
    let (_, _, theirs) = recorded.last().unwrap();
    let (_, ties) = money(case.name);
    // What is open is marked where it could be closed; equity less that is the balance.
    let mut account = Account::new(&case.settings());
    for fill in &done.fills {
        account.fill(0, fill, PositionEffect::Open, None).unwrap();
    }
    let position = account.positions[0];
    let (bid, ask) = done.last;
    let open = position.unrealised(if position.quantity >= Quantity::ZERO { bid } else { ask }, None);
    assert_eq!(done.fills.len(), recorded.len());
    assert_eq!(done.equity - open, *theirs + ties);
}
