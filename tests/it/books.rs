//! Is an order in a book where it should be? Small books, checked by hand: takers walk levels, makers wait their turn.

use genovo_engine::engine::Engine;
use genovo_engine::event::*;
use genovo_engine::ids::InstrumentId;
use genovo_engine::recorded::MarketOf;
use genovo_engine::run::run;
use genovo_engine::settings::*;
use genovo_engine::simulated::Simulated;
use genovo_engine::strategy::{Needs, Parameters, Proposal, Registry, Strategy, StrategyKind, View};
use genovo_engine::units::{Nanoseconds, Price, Quantity, SCALE, Timestamp};
use genovo_engine::world::{MemorySource, Source};

const X: InstrumentId = InstrumentId(1);

thread_local! {
    /// What the strategy does at which update of the book, counted from 1.
    static SCRIPT: std::cell::RefCell<Vec<(u32, Action)>> = const { std::cell::RefCell::new(Vec::new()) };
}

/// Does what the script says, once an update is whole.
struct Scripted {
    script: Vec<(u32, Action)>,
    updates: u32,
}

impl Strategy for Scripted {
    fn update(&mut self, event: &Event, view: &dyn View) -> bool {
        if !matches!(event.fact, Fact::QuoteChanged(_) | Fact::BookChanged(_)) {
            return false;
        }
        self.updates += 1;
        if let (Fact::QuoteChanged(quote), Some(book)) = (&event.fact, view.book(X)) {
            assert_eq!(book.quote(), Some(*quote), "the quote is that of the book");
        }
        self.script.iter().any(|(at, _)| *at == self.updates)
    }

    fn decide(&mut self, _: &dyn View, proposal: &mut Proposal) {
        let now = self.updates;
        let all = std::mem::take(&mut self.script);
        let (due, later): (Vec<_>, Vec<_>) = all.into_iter().partition(|(at, _)| *at == now);
        self.script = later;
        proposal.actions.extend(due.into_iter().map(|(_, action)| action));
    }
}

const KIND: StrategyKind = StrategyKind {
    name: "scripted",
    about: "does what a test wants",
    parameters: &[],
    needs: Needs { sizes: false, quotes: true },
    trigger: Trigger::OnSignal,
    make: |_: &Parameters, _| Ok(Box::new(Scripted { script: SCRIPT.take(), updates: 0 })),
};

fn price(of: i64) -> Price {
    Price(of * SCALE)
}

fn quantity(of: i64) -> Quantity {
    Quantity(of * SCALE)
}

fn settings(queue: QueueRule) -> Settings {
    let mut settings = genovo_tests::gold();
    settings.bars = None;
    settings.strategy = StrategySettings { kind: "scripted".into(), parameters: [].into() };
    settings.instruments[0].tick = price(1);
    settings.instruments[0].lot = quantity(1);
    settings.instruments[0].margin_initial = "0.001".parse().unwrap();
    settings.sources[0].kind = DataKind::Books;
    settings.risk = RiskSettings {
        max_per_trade: "1".parse().unwrap(),
        max_total: "1".parse().unwrap(),
        min_position: "0".parse().unwrap(),
        distance: RiskDistance::ShareOfPrice("0.01".parse().unwrap()),
        ..settings.risk
    };
    settings.venue.latency = Nanoseconds::ZERO;
    settings.venue.queue = queue;
    settings
}

fn at(second: i64, fact: Fact) -> Event {
    let time = Timestamp((1_000 + second) * SCALE);
    Event::unnumbered(time, time, X, fact)
}

/// An update: levels of one side, price and size each.
fn levels(second: i64, side: Side, levels: &[(i64, i64)]) -> Vec<Event> {
    let change = |(place, (of, size)): (usize, &(i64, i64))| {
        at(
            second,
            Fact::BookChanged(BookChange {
                price: price(*of),
                size: quantity(*size),
                order: 0,
                side,
                action: BookAction::SetLevel,
                last: place + 1 == levels.len(),
            }),
        )
    };
    levels.iter().enumerate().map(change).collect()
}

fn order(second: i64, action: BookAction, number: u64, of: i64, size: i64) -> Event {
    let side = if of < 100 { Side::Buy } else { Side::Sell };
    let change =
        BookChange { price: price(of), size: quantity(size), order: number, side, action, last: true };
    at(second, Fact::BookChanged(change))
}

fn trade(second: i64, of: i64, size: i64, aggressor: Side) -> Event {
    let trade = Trade { price: price(of), size: Some(quantity(size)), aggressor: Some(aggressor) };
    at(second, Fact::TradePrinted(trade))
}

/// Bids 99 × 5, 98 × 7; offers 101 × 3, 102 × 4, 105 × 9. Two updates.
fn opening() -> Vec<Event> {
    let mut market = levels(0, Side::Buy, &[(99, 5), (98, 7)]);
    market.extend(levels(1, Side::Sell, &[(101, 3), (102, 4), (105, 9)]));
    market
}

fn submit(side: Side, kind: OrderKind, time_in_force: TimeInForce, size: i64) -> Action {
    Action::Submit { instrument: X, side, kind, time_in_force, quantity: quantity(size) }
}

fn events(settings: &Settings, market: Vec<Event>, script: Vec<(u32, Action)>) -> Vec<Event> {
    SCRIPT.set(script);
    let mut registry = Registry::default();
    registry.add(KIND);
    let mut engine = Engine::new(settings.clone(), &registry).unwrap();
    let sources: Vec<Box<dyn Source>> = vec![Box::new(MemorySource::new(market))];
    let mut world = Simulated::new(settings, engine.identity(WorldKind::Simulated), sources).unwrap();
    let mut events: Vec<Event> = Vec::new();
    run(&mut world, &mut events, &mut engine).unwrap();
    events
}

/// What became of the orders, a word an event.
fn play(queue: QueueRule, market: Vec<Event>, script: Vec<(u32, Action)>) -> Vec<String> {
    let events = events(&settings(queue), market, script);
    let word = |event: &Event| match &event.fact {
        Fact::OrderFilled(fill) => {
            let role = if fill.liquidity == Liquidity::Maker { "made" } else { "took" };
            Some(format!("{role} {} at {}", fill.quantity, fill.price))
        }
        Fact::OrderCancelled(closed) => Some(format!("{} cancelled", closed.unfilled)),
        Fact::OrderRejected(_) => Some("rejected".to_string()),
        _ => None,
    };
    events.iter().filter_map(word).collect()
}

#[test]
fn takers_walk_the_levels() {
    let plain = |kind, time_in_force, size| {
        play(QueueRule::RiskAverse, opening(), vec![(2, submit(Side::Buy, kind, time_in_force, size))])
    };
    let limit = |of| OrderKind::Limit { price: price(of) };
    use TimeInForce::{Fok, Gtc, Ioc};
    assert_eq!(plain(OrderKind::Market, Gtc, 8), ["took 3 at 101", "took 4 at 102", "took 1 at 105"]);
    // Beyond the last level a tick of slippage.
    assert_eq!(
        plain(OrderKind::Market, Gtc, 20),
        ["took 3 at 101", "took 4 at 102", "took 9 at 105", "took 4 at 106"]
    );
    assert_eq!(plain(limit(102), Ioc, 9), ["took 3 at 101", "took 4 at 102", "2 cancelled"]);
    assert_eq!(plain(limit(102), Fok, 7), ["took 3 at 101", "took 4 at 102"]);
    assert_eq!(plain(limit(102), Fok, 8), ["8 cancelled"]);
    // What rests of it is met by whoever shows at its price later, at that price.
    let mut market = opening();
    market.extend(levels(2, Side::Sell, &[(101, 0), (102, 0)]));
    market.extend(levels(3, Side::Sell, &[(100, 1), (102, 1)]));
    let script = vec![(2, submit(Side::Buy, limit(102), Gtc, 9))];
    assert_eq!(
        play(QueueRule::RiskAverse, market, script),
        ["took 3 at 101", "took 4 at 102", "made 2 at 102"]
    );
}

/// A bid of 2 at 99 behind 5.
fn waiting(queue: QueueRule, later: Vec<Event>) -> Vec<String> {
    let mut market = opening();
    market.extend(later);
    let kind = OrderKind::Limit { price: price(99) };
    play(queue, market, vec![(2, submit(Side::Buy, kind, TimeInForce::Gtc, 2))])
}

#[test]
fn makers_wait_for_what_is_ahead() {
    let sell = |second, size| trade(second, 99, size, Side::Sell);
    for rule in [QueueRule::RiskAverse, QueueRule::Log, QueueRule::Power(2)] {
        // 5 are ahead: the trades reach us with the sixth.
        assert_eq!(waiting(rule, vec![sell(2, 5)]), Vec::<String>::new());
        assert_eq!(waiting(rule, vec![sell(2, 3), sell(3, 3)]), ["made 1 at 99"]);
        assert_eq!(waiting(rule, vec![sell(2, 3), sell(3, 9)]), ["made 2 at 99"]);
        // Buyers take offers, not us; a trade below us passed us.
        assert_eq!(waiting(rule, vec![trade(2, 99, 9, Side::Buy)]), Vec::<String>::new());
        assert_eq!(waiting(rule, vec![trade(2, 98, 1, Side::Sell)]), ["made 1 at 99"]);
    }
}

#[test]
fn the_rule_says_who_cancelled() {
    let later = || {
        // Five join behind us, then five of the ten go; three are traded.
        let mut later = levels(2, Side::Buy, &[(99, 10)]);
        later.extend(levels(3, Side::Buy, &[(99, 5)]));
        later.push(trade(4, 99, 3, Side::Sell));
        later
    };
    // Risk-averse: all five that went were behind, five are still ahead of the three.
    assert_eq!(waiting(QueueRule::RiskAverse, later()), Vec::<String>::new());
    // Half of them were ahead: 2.5 are, and of the three traded half a lot reaches us: no whole one.
    assert_eq!(waiting(QueueRule::Power(1), later()), Vec::<String>::new());
    let mut more = later();
    more.push(trade(5, 99, 1, Side::Sell));
    assert_eq!(waiting(QueueRule::Power(1), more), ["made 1 at 99"]);
}

#[test]
fn a_book_by_order_knows_the_queue() {
    use BookAction::{AddOrder, ChangeOrder, FillOrder, ReduceOrder};
    let opening = |later: Vec<Event>| {
        let mut market = vec![
            order(0, AddOrder, 1, 99, 3),
            order(1, AddOrder, 2, 99, 2),
            order(2, AddOrder, 9, 101, 4),
            // We join here, behind 1 and 2.
            order(3, AddOrder, 3, 99, 6),
        ];
        market.extend(later);
        market
    };
    let play = |later: Vec<Event>| {
        let kind = OrderKind::Limit { price: price(99) };
        play(QueueRule::RiskAverse, opening(later), vec![(3, submit(Side::Buy, kind, TimeInForce::Gtc, 2))])
    };
    // Those ahead of us are executed: nothing for us, whatever the trade's size.
    let executed = |number, size| {
        vec![
            trade(4, 99, size, Side::Sell),
            order(4, FillOrder, number, 99, size),
            order(4, ReduceOrder, number, 99, size),
        ]
    };
    assert_eq!(play(executed(1, 3)), Vec::<String>::new());
    // Order 3 came after us: what it got we would have got first.
    assert_eq!(play(executed(3, 1)), ["made 1 at 99"]);
    assert_eq!(play(executed(3, 5)), ["made 2 at 99"]);
    // Order 1 grows and goes behind us: then its execution is past us.
    let mut grown = vec![order(4, ChangeOrder, 1, 99, 4)];
    grown.extend(executed(1, 1));
    assert_eq!(play(grown), ["made 1 at 99"]);
    // Order 1 shrinks and keeps its place.
    let mut shrunk = vec![order(4, ChangeOrder, 1, 99, 2)];
    shrunk.extend(executed(1, 1));
    assert_eq!(play(shrunk), Vec::<String>::new());
}

#[test]
fn a_run_over_a_book_runs_again_from_its_market() {
    let settings = settings(QueueRule::Log);
    let mut market = opening();
    market.push(at(
        2,
        Fact::FeedGap(Box::new(FeedGap { count: Some(3), from: Timestamp(1), to: Timestamp(2) })),
    ));
    market.extend(levels(3, Side::Buy, &[(100, 4)]));
    market.push(at(4, Fact::BookReset(BookReset { reason: ResetReason::Cleared })));
    market.extend(levels(5, Side::Buy, &[(97, 4)]));
    market.extend(levels(6, Side::Sell, &[(103, 4)]));
    let script = || vec![(2, submit(Side::Buy, OrderKind::Market, TimeInForce::Gtc, 4))];
    let first = events(&settings, market, script());
    let quotes = |events: &[Event]| {
        let quotes = events.iter().filter_map(|event| match event.fact {
            Fact::QuoteChanged(quote) => Some((quote.bid, quote.ask)),
            _ => None,
        });
        quotes.collect::<Vec<_>>()
    };
    let touches = [(99, 101), (100, 101), (97, 103)].map(|(bid, ask)| (price(bid), price(ask)));
    assert_eq!(quotes(&first), touches);
    let derived = first.iter().filter(|event| matches!(event.fact, Fact::QuoteChanged(_)));
    assert!(derived.clone().all(|quote| !quote.header.sequence.is_input()));
    // The market of a recording is what came from outside: the book's changes, not the quotes that follow.
    let mut source = MarketOf::new(first.clone().into_iter().map(Ok));
    let mut again = Vec::new();
    source.read(&mut again, 1_000).unwrap();
    assert!(again.iter().all(|event| !matches!(event.fact, Fact::QuoteChanged(_))));
    assert_eq!(events(&settings, again, script()), first);
}

#[test]
fn a_crossed_book_is_flagged_and_its_touch_dropped() {
    let mut settings = settings(QueueRule::RiskAverse);
    settings.quality.crossed = FlawAction::Drop;
    let mut market = opening();
    market.extend(levels(2, Side::Buy, &[(101, 2)]));
    market.extend(levels(3, Side::Buy, &[(103, 2)]));
    market.extend(levels(4, Side::Buy, &[(103, 0), (101, 0)]));
    let events = events(&settings, market, Vec::new());
    let flags: Vec<DataFlagged> = events
        .iter()
        .filter_map(|event| match event.fact {
            Fact::DataFlagged(flag) => Some(flag),
            _ => None,
        })
        .collect();
    assert_eq!(
        flags.iter().map(|flag| (flag.flaw, flag.size)).collect::<Vec<_>>(),
        [(Flaw::Locked, 0), (Flaw::Crossed, 2 * SCALE)]
    );
    let bids: Vec<Price> = events
        .iter()
        .filter_map(|event| match event.fact {
            Fact::QuoteChanged(quote) => Some(quote.bid),
            _ => None,
        })
        .collect();
    assert_eq!(bids, [price(99), price(101), price(99)], "the crossed one is not used");
}
