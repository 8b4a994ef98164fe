//! Does a stop rest at the venue for every open position, where it is demanded?

use genovo_engine::command::Command;
use genovo_engine::engine::Engine;
use genovo_engine::event::*;
use genovo_engine::ids::{InstrumentId, OrderId, Sequence};
use genovo_engine::settings::{RiskDistance, Settings, Trigger};
use genovo_engine::strategy::{
    Needs, ParameterError, Parameters, Proposal, Registry, Strategy, StrategyKind, View,
};
use genovo_engine::units::{FIXED_MAX, Money, Price, Quantity, Timestamp};

const XAU: InstrumentId = InstrumentId(1);

fn whole(quantity: i64) -> Quantity {
    Quantity(quantity * 1_000_000_000)
}

fn price(text: &str) -> Price {
    text.parse().unwrap()
}

/// Wants what the parameter says: long or short ten, alone or with a stop of its own.
struct Wants(&'static str, bool);

impl Strategy for Wants {
    fn update(&mut self, event: &Event, _: &dyn View) -> bool {
        matches!(event.fact, Fact::QuoteChanged(_)) && !std::mem::replace(&mut self.1, true)
    }

    fn decide(&mut self, _: &dyn View, proposal: &mut Proposal) {
        let quantity = whole(10);
        let target = |quantity| Action::Target { instrument: XAU, quantity };
        proposal.actions.push(match self.0 {
            "long" => target(quantity),
            "short" => target(Quantity(-quantity.0)),
            _ => {
                let mut stop =
                    NewOrder::new(Side::Sell, OrderKind::Stop { trigger: price("1280") }, quantity);
                stop.reduce_only = true;
                let entry = NewOrder::new(Side::Buy, OrderKind::Market, quantity);
                let (link, orders) = (Some(Contingency::Bracket), vec![entry, stop]);
                Action::Place(Box::new(OrderList { instrument: XAU, link, orders }))
            }
        });
    }
}

fn registry() -> Registry {
    let mut registry = Registry::default();
    for name in ["long", "short", "bracket"] {
        registry.add(StrategyKind {
            name,
            about: "for the test",
            parameters: &[],
            needs: Needs { sizes: false, quotes: true },
            trigger: Trigger::OnSignal,
            make: |_: &Parameters, settings: &Settings| -> Result<Box<dyn Strategy>, ParameterError> {
                let name =
                    ["long", "short", "bracket"].into_iter().find(|name| *name == settings.strategy.kind);
                Ok(Box::new(Wants(name.unwrap(), false)))
            },
        });
    }
    registry
}

/// A live engine whose links are in order, and the commands of the last input.
struct Desk {
    engine: Engine,
    number: u64,
    events: Vec<Fact>,
    commands: Vec<Command>,
}

impl Desk {
    fn new(kind: &str, protect: bool) -> Desk {
        Desk::at(kind, protect, "0.01")
    }

    /// Stops stand so much of the price away.
    fn at(kind: &str, protect: bool, distance: &str) -> Desk {
        let mut settings = genovo_tests::gold();
        settings.strategy.kind = kind.to_string();
        settings.strategy.parameters.clear();
        settings.bars = None;
        settings.instruments[0].tick = price("0.05");
        settings.risk.distance = RiskDistance::ShareOfPrice(distance.parse().unwrap());
        settings.risk.protect = protect;
        let engine = Engine::new(settings, &registry()).unwrap();
        let started = Fact::RunStarted(Box::new(engine.identity(WorldKind::Live)));
        let mut desk = Desk { engine, number: 0, events: Vec::new(), commands: Vec::new() };
        desk.say(started);
        for link in [Link::Market, Link::Broker] {
            desk.link(link, Connection::Live);
        }
        desk.quote();
        desk
    }

    fn say(&mut self, fact: Fact) {
        self.number += 1;
        let time = Timestamp(self.number as i64 * 1_000_000);
        let mut input = Event::unnumbered(time, time, XAU, fact);
        input.header.sequence = Sequence::input(self.number);
        let output = self.engine.apply(&input).expect("no fault");
        self.events = output.events.iter().map(|event| event.fact.clone()).collect();
        self.commands = output.commands.clone();
    }

    fn quote(&mut self) {
        self.quoted(price("1290.5"), price("1290.7"));
    }

    fn quoted(&mut self, bid: Price, ask: Price) {
        self.say(Fact::QuoteChanged(Quote { bid, ask, bid_size: None, ask_size: None }));
    }

    fn link(&mut self, link: Link, state: Connection) {
        let reason = "by the test".to_string();
        self.say(Fact::ConnectionChanged(Box::new(ConnectionChanged { link, state, reason })));
    }

    fn fill(&mut self, order: u64, side: Side, quantity: i64, remaining: i64) {
        self.say(Fact::OrderFilled(Box::new(Fill {
            order: OrderId(order),
            side,
            price: price("1290.7"),
            quantity: whole(quantity),
            remaining: whole(remaining),
            liquidity: Liquidity::Taker,
            commission: Money::ZERO,
            bid: None,
            ask: None,
            rate: None,
        })));
    }

    fn closed(&mut self, order: u64, reason: CloseReason) {
        self.say(Fact::OrderCancelled(OrderClosed { order: OrderId(order), unfilled: whole(1), reason }));
    }

    /// The stops that left by the last input: number, side, trigger, quantity.
    fn stops(&self) -> Vec<(u64, Side, Price, Quantity)> {
        let stops = self.commands.iter().filter_map(|command| match command {
            Command::SubmitOrder { order, .. } => match order.kind {
                OrderKind::Stop { trigger } if order.terms.reduce_only => {
                    Some((order.order.0, order.side, trigger, order.quantity))
                }
                _ => None,
            },
            _ => None,
        });
        stops.collect()
    }

    fn cancels(&self) -> usize {
        self.commands.iter().filter(|command| matches!(command, Command::CancelOrder { .. })).count()
    }

    fn alerts(&self) -> usize {
        let no_stop = |fact: &&Fact| match fact {
            Fact::AlertRaised(alert) => matches!(**alert, AlertRaised::NoStop { .. }),
            _ => false,
        };
        self.events.iter().filter(no_stop).count()
    }
}

#[test]
fn a_fill_without_a_stop_gets_one_at_the_risk_distance() {
    // 1 % of the bid is 12.905: a tick farther for a sell, a tick nearer would be inside the distance.
    let mut desk = Desk::new("long", true);
    desk.fill(1, Side::Buy, 4, 6);
    assert_eq!(desk.stops(), [(2, Side::Sell, price("1277.55"), whole(4))]);
    desk.fill(1, Side::Buy, 6, 0);
    assert_eq!(desk.stops(), [(3, Side::Sell, price("1277.55"), whole(6))], "what came is protected too");
    assert_eq!(desk.engine.unprotected(XAU), Quantity::ZERO);
    // The decision behind it says who decided and why.
    let decided = desk.events.iter().find_map(|fact| match fact {
        Fact::DecisionMade(decision) => Some((decision.strategy.clone(), decision.because.clone())),
        _ => None,
    });
    let (who, because) = decided.expect("a decision");
    assert!(who == "protection" && because.contains("risk distance"), "{because}");

    let mut desk = Desk::new("short", true);
    desk.fill(1, Side::Sell, 10, 0);
    assert_eq!(desk.stops(), [(2, Side::Buy, price("1303.65"), whole(10))]);
    let mut desk = Desk::new("long", false);
    desk.fill(1, Side::Buy, 10, 0);
    assert!(desk.stops().is_empty(), "nobody asked for stops");
    assert_eq!(desk.engine.unprotected(XAU), whole(10));
}

#[test]
fn a_stop_beyond_every_price_is_at_the_last_tick() {
    let mut desk = Desk::at("short", true, "1");
    let highest = Price(FIXED_MAX / 50_000_000 * 50_000_000);
    desk.quoted(Price(FIXED_MAX), Price(FIXED_MAX));
    desk.fill(1, Side::Sell, 1, 9);
    assert_eq!(desk.stops(), [(2, Side::Buy, highest, whole(1))]);
}

#[test]
fn a_strategys_own_stop_is_enough_until_it_is_gone() {
    let mut desk = Desk::new("bracket", true);
    desk.fill(1, Side::Buy, 10, 0);
    assert!(desk.stops().is_empty(), "the bracket has one: {:?}", desk.commands);
    assert_eq!(desk.engine.unprotected(XAU), Quantity::ZERO);
    desk.closed(2, CloseReason::DayEnded);
    assert_eq!(desk.stops(), [(3, Side::Sell, price("1277.55"), whole(10))]);
}

#[test]
fn it_waits_for_the_links_and_is_not_tried_for_ever() {
    let mut desk = Desk::new("long", true);
    desk.link(Link::Broker, Connection::Backoff);
    desk.fill(1, Side::Buy, 10, 0);
    assert!(desk.stops().is_empty(), "nothing leaves");
    desk.link(Link::Broker, Connection::Live);
    assert_eq!(desk.stops(), [(2, Side::Sell, price("1277.55"), whole(10))]);
    let rejected = |order| OrderRejected { order: OrderId(order), reason: RejectReason::Unsupported };
    desk.say(Fact::OrderRejected(rejected(2)));
    assert_eq!((desk.stops().len(), desk.alerts()), (0, 1), "said once, and not sent again");
    desk.quote();
    assert!(desk.commands.is_empty() && desk.alerts() == 0);
    desk.say(Fact::OperatorCommanded(OperatorCommanded { command: OperatorCommand::GoOn }));
    assert_eq!(desk.stops().len(), 1, "the operator may have mended it");
}

/// A session that was killed before its stop left hears, when it goes on, that it never arrived.
#[test]
fn a_stop_that_never_arrived_is_sent_again() {
    let mut desk = Desk::new("long", true);
    desk.fill(1, Side::Buy, 10, 0);
    assert_eq!(desk.stops(), [(2, Side::Sell, price("1277.55"), whole(10))]);
    let lost = |order| {
        Fact::OrderRejected(OrderRejected { order: OrderId(order), reason: RejectReason::NeverArrived })
    };
    desk.say(lost(2));
    assert_eq!((desk.stops(), desk.alerts()), (vec![(3, Side::Sell, price("1277.55"), whole(10))], 0));
    // While the link is down nothing is sent, and the next one follows when it is back.
    desk.link(Link::Broker, Connection::Backoff);
    desk.say(lost(3));
    assert_eq!((desk.stops().len(), desk.alerts()), (0, 0));
    desk.link(Link::Broker, Connection::Live);
    assert_eq!(desk.stops(), [(4, Side::Sell, price("1277.55"), whole(10))]);
}

#[test]
fn a_kill_keeps_the_stops_and_flatten_does_not() {
    let mut desk = Desk::new("long", true);
    desk.fill(1, Side::Buy, 4, 6);
    desk.say(Fact::OperatorCommanded(OperatorCommanded { command: OperatorCommand::Kill }));
    assert_eq!(desk.cancels(), 1, "what is left of the entry: {:?}", desk.commands);
    desk.closed(1, CloseReason::Requested);
    assert_eq!(desk.engine.unprotected(XAU), Quantity::ZERO);
    // Even when its time is over: the position stays, and so it needs one.
    desk.closed(2, CloseReason::DayEnded);
    assert_eq!((desk.stops().len(), desk.alerts()), (1, 0));
    // A broker that takes it away would take the next one too.
    desk.closed(3, CloseReason::Broker);
    assert_eq!((desk.stops().len(), desk.alerts()), (0, 1));

    let mut desk = Desk::new("long", true);
    desk.fill(1, Side::Buy, 10, 0);
    desk.say(Fact::OperatorCommanded(OperatorCommanded { command: OperatorCommand::Flatten }));
    assert_eq!(desk.cancels(), 1);
    desk.closed(2, CloseReason::Requested);
    assert!(desk.stops().is_empty(), "it is being closed");
    desk.fill(3, Side::Sell, 10, 0);
    assert!(desk.stops().is_empty() && desk.engine.position(XAU) == Quantity::ZERO);
}
