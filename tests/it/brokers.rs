//! Does every broker do what a broker must, whatever goes wrong on the way?

use std::sync::{Arc, Mutex};

use genovo_adapters::broker::desk::Task;
use genovo_adapters::broker::paper::book::Durability;
use genovo_adapters::broker::reconcile::Mirror;
use genovo_adapters::broker::{ClientIds, Desk, Execution, Paper, Report, What};
use genovo_engine::engine::Engine;
use genovo_engine::event::{
    CloseReason, Contingency, Event, Fact, Membership, Order, OrderClosed, OrderKind, Quote, RejectReason,
    ReplaceReason, Side, Terms, TimeInForce, Trail, WorldKind,
};
use genovo_engine::ids::{InstrumentId, OrderId, Sequence, StrategyId};
use genovo_engine::order::Status;
use genovo_engine::strategy::Registry;
use genovo_engine::units::{Nanoseconds, Price, Quantity, SCALE, Timestamp};
use genovo_tests::broker_kit::{Rig, UnderTest, examine, whole};
use genovo_tests::custom_broker::{Custom, Exchange};

const PRICE: Price = Price(1_290 * SCALE);

struct PaperAccount {
    folder: tempfile::TempDir,
    market: Vec<Event>,
}

impl PaperAccount {
    /// The `number`-th quote: away from the price at the odd numbers, so that each even one trades.
    fn quote(&mut self, bid: Price, ask: Price, size: Option<Quantity>) -> (Event, u64) {
        let time = Timestamp(self.market.len() as i64 * 1_000);
        let quote = Quote { bid, ask, bid_size: size, ask_size: size };
        let event = Event::unnumbered(time, time, InstrumentId(1), Fact::QuoteChanged(quote));
        self.market.push(event.clone());
        (event, self.market.len() as u64)
    }
}

impl UnderTest for PaperAccount {
    fn open(&mut self, ids: ClientIds) -> Box<dyn Execution> {
        let mut settings = genovo_tests::gold();
        settings.venue.latency = Nanoseconds::ZERO;
        let path = self.folder.path().join("paper.book");
        let mut paper = Paper::open(&path, &settings, ids, Durability::Process).expect("its own book");
        // As a session does: the market that was before is lived through again.
        for (event, number) in self.market.iter().zip(1..) {
            paper.market(event, number);
        }
        Box::new(paper)
    }

    fn trade(&mut self, desk: &mut Desk, size: Option<Quantity>) {
        let tick = Price(SCALE / 1_000);
        let (event, number) = self.quote(Price(PRICE.0 - tick.0), PRICE, size);
        desk.give(Task::Market(event, number));
        let (event, number) = self.quote(PRICE, Price(PRICE.0 + 5 * tick.0), None);
        desk.give(Task::Market(event, number));
    }

    fn price(&self) -> Price {
        PRICE
    }
}

#[test]
fn the_paper_broker_passes() {
    examine(|| {
        let mut account = PaperAccount { folder: tempfile::tempdir().unwrap(), market: Vec::new() };
        account.quote(PRICE, Price(PRICE.0 + SCALE), None);
        Box::new(account)
    });
}

/// What a list and a trailing stop did while nobody listened is taken over by the session that goes on.
#[test]
fn orders_that_changed_while_we_were_away_are_taken_over() {
    let mut account = PaperAccount { folder: tempfile::tempdir().unwrap(), market: Vec::new() };
    let at = |tenths: i64| Price(PRICE.0 + tenths * SCALE / 10);
    account.quote(at(0), at(10), None);
    let list = |first: OrderId, count, link| Terms {
        list: Some(Membership { first, count, link, after: Quantity::ZERO }),
        ..Terms::default()
    };
    let mut rig = Rig::new(&mut account);

    // Two of which one takes from the other: the first is filled in part.
    let either = list(OrderId(1), 2, Contingency::OneCancelsOthers);
    let near = rig.send(Side::Buy, OrderKind::Limit { price: PRICE }, 10, either);
    let far = rig.send(Side::Buy, OrderKind::Limit { price: at(-50) }, 10, either);
    rig.until("both work", |rig| [near, far].iter().all(|order| rig.status(*order) == Status::Accepted));
    rig.faults().silent = true;
    account.trade(&mut rig.desk, Some(whole(4)));
    rig.settle();
    assert_eq!((rig.filled(near), rig.quantity(far)), (whole(0), whole(10)));
    let mut rig = rig.restart(&mut account);
    rig.until("the part is fetched", |rig| rig.filled(near) == whole(4));
    assert_eq!(rig.quantity(far), whole(6));
    let compared =
        |fact: &&Fact| matches!(fact, Fact::OrderReplaced(to) if to.reason == ReplaceReason::BooksCompared);
    assert_eq!(rig.facts.iter().filter(compared).count(), 1, "{:#?}", rig.facts);
    account.trade(&mut rig.desk, None);
    rig.until("the other is gone", |rig| rig.status(far) == Status::Cancelled);
    assert_eq!((rig.status(near), rig.filled(far)), (Status::Filled, whole(0)));

    // A bracket whose trailing stop follows the market up, and is reached on the way down.
    rig.faults().silent = true;
    let bracket = list(OrderId(3), 3, Contingency::Bracket);
    let parent = rig.send(Side::Buy, OrderKind::Market, 5, bracket);
    let trail = Trail::Amount(Price(SCALE / 2));
    let stop = rig.send(Side::Sell, OrderKind::TrailingStop { trail }, 5, bracket);
    let target = rig.send(Side::Sell, OrderKind::Limit { price: at(90) }, 5, bracket);
    for (bid, ask) in [(0, 1), (4, 5), (8, 9), (6, 7), (2, 3), (2, 3)] {
        let (event, number) = account.quote(at(bid), at(ask), None);
        rig.desk.give(Task::Market(event, number));
        rig.settle();
    }
    assert_eq!(rig.status(parent), Status::Submitted, "nobody heard of it");
    let mut rig = rig.restart(&mut account);
    rig.until("the stop was reached", |rig| rig.status(stop) == Status::Filled);
    assert_eq!((rig.status(parent), rig.status(target)), (Status::Filled, Status::Cancelled));
    let sold = rig.facts.iter().find_map(|fact| match fact {
        Fact::OrderFilled(fill) if fill.order == stop => Some(fill.price),
        _ => None,
    });
    assert_eq!(sold, Some(at(2)), "half a unit below 0.8 is 0.3, and the next bid was 0.2");
    let facts = rig.facts.len();
    let rig = rig.restart(&mut account);
    assert!(rig.facts.len() < facts && !rig.facts.iter().any(|fact| matches!(fact, Fact::OrderFilled(_))));
}

struct CustomAccount(Arc<Mutex<Exchange>>);

impl UnderTest for CustomAccount {
    fn open(&mut self, _: ClientIds) -> Box<dyn Execution> {
        Box::new(Custom::new(Arc::clone(&self.0)))
    }

    fn trade(&mut self, desk: &mut Desk, size: Option<Quantity>) {
        // Orders that were sent are there by now.
        desk.wait();
        self.0.lock().unwrap().trade(PRICE, size);
    }

    fn price(&self) -> Price {
        PRICE
    }
}

#[test]
fn the_guides_broker_passes() {
    examine(|| Box::new(CustomAccount(Arc::default())));
}

/// The guide shows the code that is examined here, not another.
#[test]
fn the_guide_shows_this_very_broker() {
    let read = |path: &str| std::fs::read_to_string(genovo_tests::repository(path)).unwrap();
    let guide = read("docs/custom-broker.md");
    let sources = read("tests/custom_broker.rs") + &read("tests/it/brokers.rs");
    let blocks: Vec<&str> =
        guide.split("```rust\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(blocks.len() >= 4, "{}", blocks.len());
    for block in blocks {
        assert!(sources.contains(block), "the sources have no such lines:\n{block}");
    }
}

/// A broker may take an order before its venue has seen it, and the venue may still say no.
#[test]
fn an_order_that_was_acknowledged_and_then_refused_is_over() {
    let settings = genovo_tests::gold();
    let started = Engine::new(settings, &Registry::default()).unwrap().identity(WorldKind::Live);
    let ids = ClientIds::new(&started, Timestamp(1));
    let mut mirror = Mirror::new(ids.clone(), [], []);
    let order = Order {
        order: OrderId(1),
        side: Side::Sell,
        kind: OrderKind::Stop { trigger: Price(5) },
        time_in_force: TimeInForce::Gtc,
        quantity: Quantity(7),
        bid: None,
        ask: None,
        position: Quantity(7),
        terms: Terms { reduce_only: true, ..Terms::default() },
        strategy: StrategyId::NONE,
        closes: OrderId::NONE,
    };
    mirror.insert(InstrumentId(1), &order, Sequence::input(1));
    for (refused, reason) in [
        (RejectReason::NothingToReduce, CloseReason::PositionClosed),
        (RejectReason::Broker, CloseReason::Broker),
    ] {
        let mut mirror = mirror.clone();
        let mut hear = |what| {
            let report = Report { client: ids.of(OrderId(1)), time: Timestamp(5), arrives: None, what };
            mirror.take(&report).map(|event| event.fact)
        };
        assert!(matches!(hear(What::Accepted), Some(Fact::OrderAccepted(_))));
        let closed = OrderClosed { order: OrderId(1), unfilled: Quantity(7), reason };
        assert_eq!(hear(What::Rejected(refused)), Some(Fact::OrderCancelled(closed)));
        assert_eq!(hear(What::Rejected(refused)), None, "it is told once");
    }
}
