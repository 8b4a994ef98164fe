//! Does the engine do the right thing on what only a live world says?

use std::time::Duration;

use genovo_adapters::broker::paper::book::Durability;
use genovo_adapters::broker::{ClientIds, Paper};
use genovo_adapters::feed::{Feed, queue};
use genovo_adapters::live::{Clock, Live, Pace, Parts, Past, SystemTimeSource};
use genovo_engine::command::Command;
use genovo_engine::engine::Engine;
use genovo_engine::event::*;
use genovo_engine::ids::{InstrumentId, OrderId, Sequence};
use genovo_engine::settings::Settings;
use genovo_engine::settings::Trigger;
use genovo_engine::strategy::{
    Needs, ParameterError, Parameters, Proposal, Registry, Strategy, StrategyKind, View,
};
use genovo_engine::units::{Nanoseconds, Price, Quantity, Timestamp};
use genovo_engine::world::World;

const XAU: InstrumentId = InstrumentId(1);

/// Wants to be long ten as soon as it sees a quote, and says so once.
struct LongTen(bool);

impl Strategy for LongTen {
    fn update(&mut self, event: &Event, _: &dyn View) -> bool {
        matches!(event.fact, Fact::QuoteChanged(_)) && !std::mem::replace(&mut self.0, true)
    }

    fn decide(&mut self, view: &dyn View, proposal: &mut Proposal) {
        let quantity = whole(10);
        if view.position_with_working_orders(XAU) != quantity {
            proposal.actions.push(Action::Target { instrument: XAU, quantity });
        }
    }
}

fn whole(quantity: i64) -> Quantity {
    Quantity(quantity * 1_000_000_000)
}

/// An engine and what it is told, event by event.
struct Desk {
    engine: Engine,
    number: u64,
    time: i64,
    events: Vec<Fact>,
    commands: Vec<Command>,
}

impl Desk {
    fn new(world: WorldKind) -> Desk {
        let mut registry = Registry::default();
        registry.add(StrategyKind {
            name: "long-ten",
            about: "long ten at once",
            parameters: &[],
            needs: Needs { sizes: false, quotes: true },
            trigger: Trigger::OnSignal,
            make: |_: &Parameters, _: &Settings| -> Result<Box<dyn Strategy>, ParameterError> {
                Ok(Box::new(LongTen(false)))
            },
        });
        let mut settings = genovo_tests::gold();
        settings.strategy.kind = "long-ten".to_string();
        settings.strategy.parameters.clear();
        settings.bars = None;
        settings.risk.distance = genovo_engine::settings::RiskDistance::ShareOfPrice("0.01".parse().unwrap());
        let engine = Engine::new(settings, &registry).unwrap();
        let started = engine.identity(world);
        let mut desk = Desk { engine, number: 0, time: 0, events: Vec::new(), commands: Vec::new() };
        desk.say(Fact::RunStarted(Box::new(started)));
        desk
    }

    fn say(&mut self, fact: Fact) {
        self.number += 1;
        self.time += 1_000_000;
        let mut input = Event::unnumbered(Timestamp(self.time), Timestamp(self.time), XAU, fact);
        input.header.sequence = Sequence::input(self.number);
        let output = self.engine.apply(&input).expect("no fault");
        self.events = output.events.iter().map(|event| event.fact.clone()).collect();
        self.commands = output.commands.clone();
    }

    fn quote(&mut self) {
        let quote = Quote {
            bid: "1290.5".parse().unwrap(),
            ask: "1290.7".parse().unwrap(),
            bid_size: None,
            ask_size: None,
        };
        self.say(Fact::QuoteChanged(quote));
    }

    fn link(&mut self, link: Link, state: Connection) {
        let reason = "by the test".to_string();
        self.say(Fact::ConnectionChanged(Box::new(ConnectionChanged { link, state, reason })));
    }

    fn open(&mut self) {
        self.link(Link::Market, Connection::Live);
        self.link(Link::Broker, Connection::Live);
    }

    fn operator(&mut self, command: OperatorCommand) {
        self.say(Fact::OperatorCommanded(OperatorCommanded { command }));
    }

    fn fill(&mut self, order: u64, side: Side, quantity: i64) {
        let fill = Fill {
            order: OrderId(order),
            side,
            price: "1290.7".parse().unwrap(),
            quantity: whole(quantity),
            remaining: Quantity::ZERO,
            liquidity: Liquidity::Taker,
            commission: genovo_engine::units::Money::ZERO,
            bid: None,
            ask: None,
            rate: None,
        };
        self.say(Fact::OrderFilled(Box::new(fill)));
    }

    /// The orders that left by the last input.
    fn sent(&self) -> Vec<(u64, Side, Quantity)> {
        let submitted = self.commands.iter().filter_map(|command| match command {
            Command::SubmitOrder { order, .. } => Some((order.order.0, order.side, order.quantity)),
            _ => None,
        });
        submitted.collect()
    }

    fn cancelled(&self) -> Vec<u64> {
        let cancels = self.commands.iter().filter_map(|command| match command {
            Command::CancelOrder { order, .. } => Some(order.0),
            _ => None,
        });
        cancels.collect()
    }

    fn alerts(&self) -> Vec<AlertRaised> {
        let alerts = self.events.iter().filter_map(|fact| match fact {
            Fact::AlertRaised(alert) => Some(**alert),
            _ => None,
        });
        alerts.collect()
    }
}

#[test]
fn a_live_engine_sends_nothing_before_both_links_are_live_and_then_what_waited() {
    let mut desk = Desk::new(WorldKind::Live);
    desk.quote();
    assert!(desk.commands.is_empty());
    desk.link(Link::Market, Connection::Live);
    desk.link(Link::Broker, Connection::Syncing);
    assert!(desk.commands.is_empty());
    desk.link(Link::Broker, Connection::Live);
    assert_eq!(desk.sent(), [(1, Side::Buy, whole(10))]);
    // The same data in a simulated world: at once.
    let mut desk = Desk::new(WorldKind::Simulated);
    desk.quote();
    assert_eq!(desk.sent(), [(1, Side::Buy, whole(10))]);
}

#[test]
fn a_pause_holds_decisions_back_and_going_on_takes_them() {
    let mut desk = Desk::new(WorldKind::Live);
    desk.open();
    desk.operator(OperatorCommand::Pause);
    desk.quote();
    assert!(desk.commands.is_empty());
    desk.operator(OperatorCommand::GoOn);
    assert_eq!(desk.sent(), [(1, Side::Buy, whole(10))]);
}

#[test]
fn flatten_cancels_first_and_closes_what_is_then_held() {
    let mut desk = Desk::new(WorldKind::Live);
    desk.open();
    desk.quote();
    desk.fill(1, Side::Buy, 4);
    desk.operator(OperatorCommand::Flatten);
    assert_eq!(desk.cancelled(), [1]);
    assert!(desk.sent().is_empty(), "the rest of order 1 may still fill");
    desk.fill(1, Side::Buy, 1);
    assert!(desk.sent().is_empty());
    desk.say(Fact::OrderCancelled(OrderClosed {
        order: OrderId(1),
        unfilled: whole(5),
        reason: CloseReason::Requested,
    }));
    assert_eq!(desk.sent(), [(2, Side::Sell, whole(5))]);
    desk.fill(2, Side::Sell, 5);
    assert!(desk.sent().is_empty());
    assert!(!desk.engine.gate().is_flattening());
    assert!(desk.engine.gate().is_paused(), "it does not open again by itself");
}

#[test]
fn a_kill_halts_for_good_and_closes_only_when_asked_to() {
    for (command, closes) in [(OperatorCommand::Kill, false), (OperatorCommand::KillAndFlatten, true)] {
        let mut desk = Desk::new(WorldKind::Live);
        desk.open();
        desk.quote();
        desk.fill(1, Side::Buy, 10);
        desk.operator(command);
        assert!(desk.events.contains(&Fact::TradingHalted(TradingHalted::Operator)));
        let expected: &[_] = if closes { &[(2, Side::Sell, whole(10))] } else { &[] };
        assert_eq!(desk.sent(), expected);
        desk.operator(OperatorCommand::GoOn);
        desk.quote();
        assert!(desk.commands.is_empty());
        assert!(desk.engine.is_halted());
    }
}

#[test]
fn a_position_that_differs_stops_orders_until_it_agrees() {
    let mut desk = Desk::new(WorldKind::Live);
    desk.open();
    desk.say(Fact::PositionReported(PositionReported { quantity: whole(3) }));
    let differs = AlertRaised::PositionDiffers { ours: Quantity::ZERO, theirs: whole(3) };
    assert_eq!(desk.alerts(), [differs]);
    desk.quote();
    assert!(desk.commands.is_empty());
    desk.say(Fact::PositionReported(PositionReported { quantity: Quantity::ZERO }));
    assert_eq!(desk.alerts(), [AlertRaised::PositionAgrees]);
    assert_eq!(desk.sent(), [(1, Side::Buy, whole(10))]);
}

#[test]
fn an_order_that_never_arrived_is_decided_again() {
    let mut desk = Desk::new(WorldKind::Live);
    desk.open();
    desk.quote();
    desk.say(Fact::OrderUnknown(OrderNotice { order: OrderId(1) }));
    assert!(desk.commands.is_empty(), "unknown changes nothing");
    let rejected = OrderRejected { order: OrderId(1), reason: RejectReason::NeverArrived };
    desk.say(Fact::OrderRejected(rejected));
    assert_eq!(desk.sent(), [(2, Side::Buy, whole(10))]);
    // Any other no is an answer to the decision, not its loss.
    desk.say(Fact::OrderRejected(OrderRejected { order: OrderId(2), reason: RejectReason::Broker }));
    assert!(desk.commands.is_empty());
}

#[test]
fn answers_that_cannot_be_are_said_and_a_late_fill_is_booked() {
    let mut desk = Desk::new(WorldKind::Live);
    desk.open();
    desk.quote();
    let cancelled = OrderClosed { order: OrderId(1), unfilled: whole(10), reason: CloseReason::Broker };
    desk.say(Fact::OrderCancelled(cancelled));
    assert!(desk.alerts().is_empty());
    desk.say(Fact::OrderAccepted(OrderNotice { order: OrderId(1) }));
    let status = Some(genovo_engine::order::Status::Cancelled);
    assert_eq!(desk.alerts(), [AlertRaised::ImpossibleAnswer { order: OrderId(1), status }]);
    desk.fill(1, Side::Buy, 2);
    assert_eq!(desk.alerts().len(), 1);
    assert_eq!(desk.engine.position(XAU), whole(2));
    desk.say(Fact::OrderAccepted(OrderNotice { order: OrderId(9) }));
    assert_eq!(desk.alerts(), [AlertRaised::ImpossibleAnswer { order: OrderId(9), status: None }]);
}

#[test]
fn a_corrected_trade_moves_equity_by_exactly_the_difference() {
    let mut desk = Desk::new(WorldKind::Live);
    desk.open();
    desk.quote();
    desk.fill(1, Side::Buy, 10);
    let before = desk.engine.equity();
    let corrected = |price: Option<&str>| {
        Fact::TradeCorrected(Box::new(TradeCorrected {
            order: OrderId(1),
            side: Side::Buy,
            quantity: whole(10),
            price: "1290.7".parse().unwrap(),
            corrected: price.map(|price| price.parse().unwrap()),
            commission: genovo_engine::units::Money::ZERO,
        }))
    };
    desk.say(corrected(Some("1290.6")));
    assert_eq!((desk.engine.equity() - before).to_string(), "1");
    assert_eq!(desk.engine.position(XAU), whole(10));
    desk.say(Fact::TimerFired(TimerFired { timer: genovo_engine::engine::HEARTBEAT }));
    desk.say(Fact::ClockChecked(ClockChecked { step: Nanoseconds(5) }));
    assert!(desk.events.is_empty());
}

/// A feed says once what it lost: also when that is the first thing that a session asks it.
#[test]
fn what_was_lost_before_a_session_began_is_told() {
    let quote = |n: i64| {
        let (bid, ask) = (Price(n), Price(n + 1));
        let fact = Fact::QuoteChanged(Quote { bid, ask, bid_size: None, ask_size: None });
        Event::unnumbered(Timestamp(n), Timestamp(n), XAU, fact)
    };
    let (mut sender, mut feed) = queue("test", 2);
    assert_eq!([1, 2, 3].map(|n| sender.push(quote(n))), [true, true, false]);
    for _ in 0..2 {
        feed.peek().unwrap();
        feed.take().unwrap();
    }
    assert!(sender.push(quote(4)));
    drop(sender);

    let settings = genovo_tests::gold();
    let started = Engine::new(settings.clone(), &Registry::default()).unwrap().identity(WorldKind::Live);
    let ids = ClientIds::new(&started, Timestamp(0));
    let folder = tempfile::tempdir().unwrap();
    let book = folder.path().join("paper.book");
    let paper = Paper::open(&book, &settings, ids.clone(), Durability::Process).unwrap();
    let mut live = Live::open(Parts {
        settings,
        started: Some(started),
        ids,
        feed: Box::new(feed),
        broker: Box::new(paper),
        clock: Clock::new(Pace::Max, Timestamp(0), Box::<SystemTimeSource>::default()),
        past: Past::default(),
        look: Duration::ZERO,
        until: None,
        chapter_due: None,
    })
    .unwrap();
    let (mut gaps, mut quotes) = (Vec::new(), 0);
    while let Some(event) = live.next().unwrap() {
        match &event.fact {
            Fact::FeedGap(gap) => gaps.push(gap.count),
            Fact::QuoteChanged(_) => quotes += 1,
            _ => {}
        }
    }
    assert_eq!((gaps, quotes), (vec![Some(1)], 1));
    assert_eq!(live.telemetry().lock().unwrap().lost, 1);
}
