//! Does an order do what its kind, its terms and its list say? Small markets, checked by hand.

use genovo_engine::engine::Engine;
use genovo_engine::event::*;
use genovo_engine::ids::{InstrumentId, OrderId};
use genovo_engine::run::run;
use genovo_engine::settings::*;
use genovo_engine::simulated::Simulated;
use genovo_engine::strategy::{Needs, Parameters, Proposal, Registry, Strategy, StrategyKind, View};
use genovo_engine::units::{Nanoseconds, Price, Quantity, SCALE, Timestamp};
use genovo_engine::world::{MemorySource, Source};

const X: InstrumentId = InstrumentId(1);

thread_local! {
    /// What the strategy does at which quote, trade or bar, counted from 1.
    static SCRIPT: std::cell::RefCell<Vec<(u32, Action)>> = const { std::cell::RefCell::new(Vec::new()) };
}

/// Does what the script says.
struct Scripted {
    script: Vec<(u32, Action)>,
    ticks: u32,
}

impl Strategy for Scripted {
    fn update(&mut self, event: &Event, _: &dyn View) -> bool {
        let is_tick =
            matches!(event.fact, Fact::QuoteChanged(_) | Fact::TradePrinted(_) | Fact::BarReceived(_));
        self.ticks += u32::from(event.header.instrument == X && is_tick);
        is_tick && self.script.iter().any(|(at, _)| *at == self.ticks)
    }

    fn decide(&mut self, _: &dyn View, proposal: &mut Proposal) {
        let now = self.ticks;
        let (due, later) = std::mem::take(&mut self.script).into_iter().partition(|(at, _)| *at == now);
        self.script = later;
        let due: Vec<(u32, Action)> = due;
        proposal.actions.extend(due.into_iter().map(|(_, action)| action));
    }
}

const KIND: StrategyKind = StrategyKind {
    name: "scripted",
    about: "does what a test wants",
    parameters: &[],
    needs: Needs { sizes: false, quotes: true },
    trigger: Trigger::OnSignal,
    make: |_: &Parameters, _| Ok(Box::new(Scripted { script: SCRIPT.take(), ticks: 0 })),
};

fn price(of: i64) -> Price {
    Price(of * SCALE)
}

fn quantity(of: i64) -> Quantity {
    Quantity(of * SCALE)
}

fn settings() -> Settings {
    let mut settings = genovo_tests::gold();
    settings.bars = None;
    settings.strategy = StrategySettings { kind: "scripted".into(), parameters: [].into() };
    settings.instruments[0].tick = price(1);
    settings.instruments[0].margin_initial = "0.001".parse().unwrap();
    settings.risk = RiskSettings {
        max_per_trade: "1".parse().unwrap(),
        max_total: "1".parse().unwrap(),
        min_position: "0".parse().unwrap(),
        distance: RiskDistance::ShareOfPrice("0.01".parse().unwrap()),
        limits: None,
        limits_keys: Vec::new(),
        limits_signer: None,
        protect: false,
        controls: Controls::default(),
    };
    settings.venue.latency = Nanoseconds::ZERO;
    settings
}

/// A quote of X, one a second: bid, ask, and the size of both.
fn quote(second: i64, bid: i64, ask: i64, size: i64) -> Event {
    other(
        X,
        second,
        Fact::QuoteChanged(Quote {
            bid: price(bid),
            ask: price(ask),
            bid_size: Some(quantity(size)),
            ask_size: Some(quantity(size)),
        }),
    )
}

fn other(instrument: InstrumentId, second: i64, fact: Fact) -> Event {
    let time = Timestamp(1_000 * SCALE + second * SCALE);
    Event::unnumbered(time, time, instrument, fact)
}

/// Plays a market to a script; what became of the orders, a line an event.
fn play(settings: &Settings, market: Vec<Event>, script: Vec<(u32, Action)>) -> Vec<String> {
    played(settings, market, script).iter().filter_map(|event| line(&event.fact)).collect()
}

/// All its events.
fn played(settings: &Settings, market: Vec<Event>, script: Vec<(u32, Action)>) -> Vec<Event> {
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

fn line(fact: &Fact) -> Option<String> {
    Some(match fact {
        Fact::OrderFilled(fill) => {
            format!("{} {} {} at {}", fill.order, fill.side.name(), fill.quantity, fill.price)
        }
        Fact::OrderRejected(rejected) => format!("{} rejected {:?}", rejected.order, rejected.reason),
        Fact::OrderDenied(denied) => format!("{} denied {}", denied.order, denied.rule.name()),
        Fact::OrderCancelled(closed) => format!("{} cancelled {:?}", closed.order, closed.reason),
        Fact::OrderExpired(closed) => format!("{} expired {:?}", closed.order, closed.reason),
        Fact::OrderTriggered(one) => format!("{} triggered {} by {}", one.order, one.trigger, one.price),
        Fact::OrderReplaced(one) => format!("{} now {} {:?}", one.order, one.quantity, one.reason),
        Fact::ReplaceRejected(rejected) => format!("{} not replaced {:?}", rejected.order, rejected.reason),
        _ => return None,
    })
}

fn place(list: OrderList) -> Action {
    Action::Place(Box::new(list))
}

fn single(order: NewOrder) -> Action {
    place(OrderList::single(X, order))
}

fn limit(of: i64) -> OrderKind {
    OrderKind::Limit { price: price(of) }
}

fn stop(of: i64) -> OrderKind {
    OrderKind::Stop { trigger: price(of) }
}

fn bracket(entry: OrderKind, quantity_of: i64) -> Action {
    let entry = NewOrder::new(Side::Buy, entry, quantity(quantity_of));
    place(OrderList::bracket(X, entry, Some(price(110)), Some(stop(95))))
}

#[test]
fn the_take_profit_of_a_bracket_ends_its_stop() {
    let market =
        vec![quote(1, 100, 101, 50), quote(2, 104, 105, 50), quote(3, 111, 112, 50), quote(4, 90, 91, 50)];
    let seen = play(&settings(), market, vec![(1, bracket(OrderKind::Market, 10))]);
    assert_eq!(seen, ["1 buy 10 at 101", "3 sell 10 at 110", "2 cancelled SiblingFilled"]);
}

#[test]
fn the_stop_of_a_bracket_ends_its_take_profit() {
    let market = vec![quote(1, 100, 101, 50), quote(2, 94, 96, 50), quote(3, 111, 112, 50)];
    let seen = play(&settings(), market, vec![(1, bracket(OrderKind::Market, 10))]);
    assert_eq!(seen, ["1 buy 10 at 101", "2 sell 10 at 94", "3 cancelled SiblingFilled"]);
}

#[test]
fn exits_grow_with_the_fills_of_the_entry_and_end_with_what_it_never_filled() {
    // Four of ten are displayed below the limit; then the take-profit takes what there is, and the entry is cancelled.
    let market = vec![
        quote(1, 100, 101, 50),
        quote(2, 97, 99, 4),
        quote(3, 111, 112, 3),
        quote(4, 105, 106, 50),
        quote(5, 94, 95, 50),
    ];
    let cancel = Action::Cancel { order: OrderId(1) };
    let seen = play(&settings(), market, vec![(1, bracket(limit(100), 10)), (4, cancel)]);
    assert_eq!(
        seen,
        [
            "1 buy 4 at 100",
            "3 sell 3 at 110",
            "2 now 7 SiblingFilled",
            "1 cancelled Requested",
            "2 now 1 ParentEnded",
            "3 now 4 ParentEnded",
            "2 sell 1 at 94",
            "3 cancelled SiblingFilled",
        ]
    );
}

#[test]
fn a_stop_says_how_far_the_entry_is_at_risk_and_a_reduced_entry_has_reduced_exits() {
    let mut settings = settings();
    // 1 % of 100,000 over the 6 from 101 to 95: 166.
    settings.risk.max_per_trade = "0.01".parse().unwrap();
    let market = vec![quote(1, 100, 101, 900), quote(2, 94, 96, 900)];
    let seen = play(&settings, market, vec![(1, bracket(OrderKind::Market, 500))]);
    assert_eq!(seen, ["1 buy 166 at 101", "2 sell 166 at 94", "3 cancelled SiblingFilled"]);
}

#[test]
fn what_cannot_be_meant_is_denied_by_name() {
    let order = |kind| NewOrder::new(Side::Buy, kind, quantity(1));
    let wrong_side = NewOrder::new(Side::Sell, OrderKind::Market, quantity(1));
    let now = Timestamp(1_001 * SCALE);
    let trail = |amount| OrderKind::TrailingStop { trail: Trail::Amount(price(amount)) };
    for (action, rule) in [
        (single(order(OrderKind::Market).post_only()), "invalid_order"),
        (single(order(limit(90)).post_only().during(TimeInForce::Ioc)), "invalid_order"),
        (single(order(limit(90)).until(now)), "invalid_order"),
        (single(order(trail(0))), "invalid_order"),
        (single(order(OrderKind::Market).reduce_only()), "reduce_only"),
        (place(OrderList::bracket(X, wrong_side, None, Some(stop(95)))), "invalid_order"),
        (place(OrderList::bracket(X, order(OrderKind::Market), Some(Price(1)), None)), "invalid_order"),
        (
            place(OrderList::one_cancels_others(X, vec![order(OrderKind::Market), order(limit(9))])),
            "invalid_order",
        ),
    ] {
        let seen = play(&settings(), vec![quote(1, 100, 101, 50), quote(2, 100, 101, 50)], vec![(1, action)]);
        assert_eq!(seen, [format!("1 denied {rule}")]);
    }
}

#[test]
fn one_cancels_the_other() {
    let order = |side, kind| NewOrder::new(side, kind, quantity(10));
    let both = vec![order(Side::Buy, stop(105)), order(Side::Sell, stop(95))];
    let market = vec![quote(1, 100, 101, 50), quote(2, 105, 106, 50), quote(3, 90, 91, 50)];
    let seen = play(&settings(), market, vec![(1, place(OrderList::one_cancels_others(X, both)))]);
    assert_eq!(seen, ["1 buy 10 at 106", "2 cancelled SiblingFilled"]);
}

#[test]
fn stop_limit_and_trailing_orders_say_when_they_are_triggered() {
    let order = |kind| single(NewOrder::new(Side::Sell, kind, quantity(1)));
    let stop_limit = OrderKind::StopLimit { trigger: price(95), price: price(94) };
    let trailing = OrderKind::TrailingStop { trail: Trail::Amount(price(5)) };
    let share = OrderKind::TrailingStop { trail: Trail::Share("0.1".parse().unwrap()) };
    let market = || {
        vec![
            quote(1, 100, 101, 50),
            quote(2, 108, 109, 50),
            quote(3, 103, 104, 50),
            quote(4, 93, 94, 50),
            quote(5, 95, 96, 50),
        ]
    };
    let play = |kind| play(&settings(), market(), vec![(1, order(kind))]);
    // Triggered at 93 it does not sell below 94, and is met when the bid is through that.
    assert_eq!(play(stop_limit), ["1 triggered 95 by 93", "1 sell 1 at 94"]);
    assert_eq!(play(trailing), ["1 triggered 103 by 103", "1 sell 1 at 103"]);
    // A tenth below 108 is 97.2, on the tick 97.
    assert_eq!(play(share), ["1 triggered 97 by 93", "1 sell 1 at 93"]);
}

/// What is to be done at once waits for its trigger, has one look when that is reached, and none later.
#[test]
fn what_is_to_be_filled_at_once_waits_for_its_trigger() {
    use TimeInForce::{Fok, Ioc};
    let market = |size| {
        vec![
            quote(1, 100, 101, 50),
            quote(2, 99, 100, 50),
            quote(3, 104, 105, size),
            quote(4, 100, 101, 50),
            quote(5, 108, 109, 50),
        ]
    };
    let stop_limit = |price_of| OrderKind::StopLimit { trigger: price(105), price: price(price_of) };
    let trailing = OrderKind::TrailingStop { trail: Trail::Amount(price(5)) };
    for (kind, time_in_force, size, seen) in [
        (stop_limit(106), Ioc, 50, &["1 triggered 105 by 105", "1 buy 10 at 105"][..]),
        (stop_limit(106), Ioc, 4, &["1 triggered 105 by 105", "1 buy 4 at 105", "1 cancelled ImmediateRest"]),
        (stop_limit(106), Fok, 4, &["1 triggered 105 by 105", "1 cancelled NotFillable"]),
        (stop_limit(104), Ioc, 50, &["1 triggered 105 by 105", "1 cancelled ImmediateRest"]),
        (stop_limit(104), Fok, 50, &["1 triggered 105 by 105", "1 cancelled NotFillable"]),
        (stop_limit(104), TimeInForce::Gtc, 50, &["1 triggered 105 by 105", "1 buy 10 at 104"]),
        (stop(105), Ioc, 50, &["1 buy 10 at 105"]),
        (stop(105), Fok, 50, &["1 buy 10 at 105"]),
        (trailing, Ioc, 50, &["1 triggered 105 by 105", "1 buy 10 at 105"]),
    ] {
        let order = NewOrder::new(Side::Buy, kind, quantity(10)).during(time_in_force);
        assert_eq!(
            play(&settings(), market(size), vec![(1, single(order))]),
            seen,
            "{kind:?} {time_in_force:?}"
        );
    }
    // On trades the one that triggers is past, and the next is the look.
    let trade = |second, of| {
        let trade = Trade { price: price(of), size: Some(quantity(50)), aggressor: None };
        other(X, second, Fact::TradePrinted(trade))
    };
    let mut settings = settings();
    settings.sources[0].kind = DataKind::Trades;
    for (next, seen) in [
        (106, &["1 triggered 105 by 105", "1 buy 10 at 106"]),
        (107, &["1 triggered 105 by 105", "1 cancelled ImmediateRest"]),
    ] {
        let order = NewOrder::new(Side::Buy, stop_limit(106), quantity(10)).during(Ioc);
        let market = vec![trade(1, 101), trade(2, 100), trade(3, 105), trade(4, next), trade(5, 90)];
        assert_eq!(play(&settings, market, vec![(1, single(order))]), seen);
    }
}

/// On bars a stop is filled in the bar that reaches it; a limit that the triggering bar left has the next one.
#[test]
fn what_is_to_be_filled_at_once_waits_for_its_trigger_on_bars() {
    let bar = |place: i64, prices: [i64; 4]| {
        let [open, high, low, close] = prices.map(price);
        let open_time = Timestamp(1_000 * SCALE + 10 * place * SCALE);
        other(X, 10 * place + 5, Fact::BarReceived(Bar { open_time, open, high, low, close, volume: None }))
    };
    let mut settings = settings();
    settings.sources[0].kind = DataKind::Bars;
    let stop_limit = OrderKind::StopLimit { trigger: price(105), price: price(104) };
    let trailing = OrderKind::TrailingStop { trail: Trail::Amount(price(5)) };
    for (kind, time_in_force, low, seen) in [
        // A tick of slippage is paid where no size is known.
        (stop(105), TimeInForce::Ioc, 105, &["1 buy 10 at 106"][..]),
        (stop(105), TimeInForce::Fok, 105, &["1 buy 10 at 106"]),
        (trailing, TimeInForce::Ioc, 105, &["1 triggered 104 by 104", "1 buy 10 at 105"]),
        (stop_limit, TimeInForce::Ioc, 103, &["1 triggered 105 by 105", "1 buy 10 at 104"]),
        (stop_limit, TimeInForce::Ioc, 105, &["1 triggered 105 by 105", "1 cancelled ImmediateRest"]),
        (stop_limit, TimeInForce::Fok, 105, &["1 triggered 105 by 105", "1 cancelled NotFillable"]),
    ] {
        let order = NewOrder::new(Side::Buy, kind, quantity(10)).during(time_in_force);
        let market = vec![
            bar(1, [100, 101, 99, 100]),
            bar(2, [100, 101, 99, 100]),
            bar(3, [103, 106, 102, 105]),
            bar(4, [106, 107, low, 106]),
            bar(5, [106, 107, 90, 100]),
        ];
        let found = play(&settings, market, vec![(1, single(order))]);
        assert_eq!(found, seen, "{kind:?} {time_in_force:?} {low}");
    }
}

/// A limit order that is to be filled at once has the trade after its arrival, for the last one is past.
#[test]
fn a_limit_order_that_is_to_be_filled_at_once_has_the_next_trade() {
    let trade = |second, of, size| {
        let trade = Trade { price: price(of), size: Some(quantity(size)), aggressor: None };
        other(X, second, Fact::TradePrinted(trade))
    };
    let mut settings = settings();
    settings.sources[0].kind = DataKind::Trades;
    for (time_in_force, next, size, seen) in [
        (TimeInForce::Ioc, 99, 50, &["1 buy 10 at 100"][..]),
        (TimeInForce::Ioc, 99, 4, &["1 buy 4 at 100", "1 cancelled ImmediateRest"]),
        (TimeInForce::Ioc, 101, 50, &["1 cancelled ImmediateRest"]),
        (TimeInForce::Fok, 99, 50, &["1 buy 10 at 100"]),
        (TimeInForce::Fok, 99, 4, &["1 cancelled NotFillable"]),
        (TimeInForce::Fok, 101, 50, &["1 cancelled NotFillable"]),
        (TimeInForce::Gtc, 101, 50, &["1 buy 10 at 100"]),
    ] {
        let order = NewOrder::new(Side::Buy, limit(100), quantity(10)).during(time_in_force);
        let market = vec![trade(1, 99, 50), trade(2, next, size), trade(3, 90, 50)];
        let found = play(&settings, market, vec![(1, single(order))]);
        assert_eq!(found, seen, "{time_in_force:?} {next} {size}");
    }
}

/// Who rests at its limit gives liquidity, and what is to be filled at once takes it.
#[test]
fn what_is_to_be_filled_at_once_takes_liquidity() {
    let trade = |second, of| {
        let trade = Trade { price: price(of), size: Some(quantity(50)), aggressor: None };
        other(X, second, Fact::TradePrinted(trade))
    };
    let mut settings = settings();
    settings.sources[0].kind = DataKind::Trades;
    for (time_in_force, liquidity) in [
        (TimeInForce::Ioc, Liquidity::Taker),
        (TimeInForce::Fok, Liquidity::Taker),
        (TimeInForce::Gtc, Liquidity::Maker),
    ] {
        let order = NewOrder::new(Side::Buy, limit(100), quantity(10)).during(time_in_force);
        let events = played(&settings, vec![trade(1, 99), trade(2, 99)], vec![(1, single(order))]);
        let filled = events.iter().find_map(|event| match &event.fact {
            Fact::OrderFilled(fill) => Some(fill.liquidity),
            _ => None,
        });
        assert_eq!(filled, Some(liquidity), "{time_in_force:?}");
    }
}

/// A stop-limit order that was triggered stands behind a better limit, though it came first.
#[test]
fn what_became_a_limit_order_has_its_place_by_price() {
    let buy = |kind| single(NewOrder::new(Side::Buy, kind, quantity(5)));
    let stop_limit = OrderKind::StopLimit { trigger: price(105), price: price(102) };
    let market = vec![quote(1, 103, 104, 50), quote(2, 104, 105, 50), quote(3, 101, 102, 7)];
    let seen = play(&settings(), market, vec![(1, buy(stop_limit)), (1, buy(limit(103)))]);
    assert_eq!(seen, ["1 triggered 105 by 105", "2 buy 5 at 103", "1 buy 2 at 102"]);
}

/// So does one that was triggered as soon as the fill of another order armed it.
#[test]
fn what_became_a_limit_order_once_it_was_armed_has_its_place_by_price() {
    let entry = NewOrder::new(Side::Buy, limit(99), quantity(10));
    let stop_limit = OrderKind::StopLimit { trigger: price(98), price: price(103) };
    let exit = NewOrder::new(Side::Sell, stop_limit, quantity(10));
    let list = place(OrderList::one_triggers_others(X, entry, vec![exit]));
    let other = single(NewOrder::new(Side::Sell, limit(102), quantity(5)));
    let market = vec![quote(1, 100, 101, 50), quote(2, 97, 98, 50), quote(3, 104, 105, 7)];
    let seen = play(&settings(), market, vec![(1, list), (1, other)]);
    assert_eq!(seen, ["1 buy 10 at 99", "2 triggered 98 by 97", "3 sell 5 at 102", "2 sell 2 at 103"]);
}

#[test]
fn post_only_takes_nothing_and_a_date_ends_an_order() {
    let market = || vec![quote(1, 100, 101, 50), quote(3, 100, 101, 50), quote(9, 90, 91, 50)];
    let order = |of| NewOrder::new(Side::Buy, limit(of), quantity(1));
    let until = Timestamp(1_005 * SCALE);
    let play = |order| play(&settings(), market(), vec![(1, single(order))]);
    assert_eq!(play(order(101).post_only()), ["1 rejected WouldTake"]);
    assert_eq!(play(order(95).post_only()), ["1 buy 1 at 95"]);
    assert_eq!(play(order(95).until(until)), ["1 expired DateReached"]);
}

#[test]
fn a_reduce_only_order_shrinks_and_ends_with_the_position() {
    let buy = single(NewOrder::new(Side::Buy, OrderKind::Market, quantity(10)));
    let exit = single(NewOrder::new(Side::Sell, limit(120), quantity(10)).reduce_only());
    let sell = |of| single(NewOrder::new(Side::Sell, OrderKind::Market, quantity(of)));
    let market = (1..=5).map(|second| quote(second, 100, 101, 50)).collect();
    let seen = play(&settings(), market, vec![(1, buy), (2, exit), (3, sell(4)), (4, sell(9))]);
    assert_eq!(
        seen,
        [
            "1 buy 10 at 101",
            "3 sell 4 at 100",
            "2 now 6 PositionShrank",
            "4 sell 9 at 100",
            "2 cancelled PositionClosed",
        ]
    );
}

#[test]
fn an_order_works_on_at_another_price() {
    let order = single(NewOrder::new(Side::Buy, limit(90), quantity(10)));
    let replace = |of, quantity_of| Action::Replace {
        order: OrderId(1),
        kind: limit(of),
        quantity: quantity(quantity_of),
    };
    let market = (1..=5).map(|second| quote(second, 100, 101, 50)).collect();
    let seen = play(&settings(), market, vec![(1, order), (2, replace(95, 10)), (3, replace(101, 4))]);
    assert_eq!(seen, ["1 now 10 Requested", "1 now 4 Requested", "1 buy 4 at 101"]);
}

#[test]
fn a_closed_market_denies_or_lets_wait() {
    let session =
        |second, open| other(X, second, Fact::SessionChanged(SessionChanged { open, until: Timestamp::MAX }));
    let market = || {
        vec![
            quote(1, 100, 101, 50),
            session(2, false),
            quote(3, 100, 101, 50),
            quote(4, 100, 101, 50),
            session(5, true),
            quote(6, 102, 103, 50),
            session(7, false),
            quote(8, 90, 91, 50),
        ]
    };
    let buy = || single(NewOrder::new(Side::Buy, OrderKind::Market, quantity(1)));
    let day = || single(NewOrder::new(Side::Buy, limit(95), quantity(1)).during(TimeInForce::Day));
    let mut settings = settings();
    settings.calendars.push(CalendarSettings { instrument: X, calendar: "by hand".into() });
    assert_eq!(play(&settings, market(), vec![(2, buy())]), ["1 denied market_closed"]);
    settings.venue.when_closed = WhenClosed::Queue;
    assert_eq!(play(&settings, market(), vec![(2, buy())]), ["1 buy 1 at 103"]);
    // It waits for the session, works through it, and ends with it: what comes after fills nothing.
    assert_eq!(play(&settings, market(), vec![(2, day())]), ["1 expired DayEnded"]);
}

/// On trades the one that triggers is past: the next is the chance of what is to be filled at once, also where it
/// waited for the market to open.
#[test]
fn a_triggered_order_that_fills_at_once_has_one_trade_to_do_so() {
    let session =
        |second, open| other(X, second, Fact::SessionChanged(SessionChanged { open, until: Timestamp::MAX }));
    let trade = |second, of, size| {
        let trade = Trade { price: price(of), size: Some(quantity(size)), aggressor: None };
        other(X, second, Fact::TradePrinted(trade))
    };
    let mut settings = settings();
    settings.sources[0].kind = DataKind::Trades;
    settings.calendars.push(CalendarSettings { instrument: X, calendar: "by hand".into() });
    settings.venue.when_closed = WhenClosed::Queue;
    let kind = OrderKind::StopLimit { trigger: price(104), price: price(100) };
    for (time_in_force, next, seen) in [
        (TimeInForce::Fok, 4, &["1 triggered 104 by 105", "1 cancelled NotFillable"][..]),
        (TimeInForce::Fok, 10, &["1 triggered 104 by 105", "1 buy 10 at 100"]),
        (TimeInForce::Ioc, 4, &["1 triggered 104 by 105", "1 buy 4 at 100", "1 cancelled ImmediateRest"]),
        (TimeInForce::Gtc, 4, &["1 triggered 104 by 105", "1 buy 4 at 100", "1 buy 6 at 100"]),
    ] {
        let market = vec![
            trade(1, 101, 50),
            session(2, false),
            trade(3, 101, 50),
            session(4, true),
            trade(5, 105, 50),
            trade(6, 99, next),
            trade(7, 99, 50),
        ];
        let order = NewOrder::new(Side::Buy, kind, quantity(10)).during(time_in_force);
        assert_eq!(play(&settings, market, vec![(2, single(order))]), seen, "{time_in_force:?} of {next}");
    }
}

#[test]
fn another_currency_needs_a_rate_and_is_converted_at_it() {
    let mut settings = settings();
    let mut rate = settings.instruments[0].clone();
    rate.symbol = "EURUSD".into();
    settings.instruments.push(rate);
    settings.instruments[0].currency = Some("EUR".into());
    settings.instruments[0].commission.per_unit = "0.01".parse().unwrap();
    let source = SourceSettings { instrument: InstrumentId(2), ..settings.sources[0].clone() };
    settings.sources.push(source);
    settings.rates.push(RateSettings { currency: "EUR".into(), instrument: InstrumentId(2), inverse: false });
    let rate = |second, bid: &str, ask: &str| {
        let (bid, ask) = (bid.parse().unwrap(), ask.parse().unwrap());
        other(InstrumentId(2), second, Fact::QuoteChanged(Quote { bid, ask, bid_size: None, ask_size: None }))
    };
    let trade = |side| single(NewOrder::new(side, OrderKind::Market, quantity(10)));
    let market = vec![
        quote(1, 100, 101, 50),
        rate(2, "1.2", "1.3"),
        quote(3, 100, 101, 50),
        rate(4, "1.1", "1.1"),
        quote(5, 104, 105, 50),
    ];
    SCRIPT.set(vec![(1, trade(Side::Buy)), (2, trade(Side::Buy)), (3, trade(Side::Sell))]);
    let mut registry = Registry::default();
    registry.add(KIND);
    let mut engine = Engine::new(settings.clone(), &registry).unwrap();
    let sources: Vec<Box<dyn Source>> = vec![Box::new(MemorySource::new(market))];
    let mut world = Simulated::new(&settings, engine.identity(WorldKind::Simulated), sources).unwrap();
    let mut events: Vec<Event> = Vec::new();
    run(&mut world, &mut events, &mut engine).unwrap();
    let lines: Vec<String> = events.iter().filter_map(|event| line(&event.fact)).collect();
    assert_eq!(lines, ["1 denied no_rate", "2 buy 10 at 101", "3 sell 10 at 104"]);
    let Some(Fact::RunEnded(ended)) = events.last().map(|event| &event.fact) else { panic!("it ends") };
    // 30 EUR at 1.1; commissions of 0.10 EUR at 1.25 (0.125, to the even cent) and at 1.1.
    assert_eq!(ended.equity, "100032.77".parse().unwrap());
}

/// Sends an order that rests at the first quote, and buys as soon as it hears that the venue has it.
struct Reacting(Vec<Action>);

impl Strategy for Reacting {
    fn update(&mut self, event: &Event, _: &dyn View) -> bool {
        let (kind, order) = match &event.fact {
            Fact::QuoteChanged(_) => (limit(50), 1),
            Fact::OrderAccepted(notice) if notice.order == OrderId(1) => (OrderKind::Market, 2),
            _ => return false,
        };
        if order == 1 && event.header.time_event.0 > 1_001 * SCALE {
            return false;
        }
        self.0 = vec![single(NewOrder::new(Side::Buy, kind, quantity(1)))];
        true
    }

    fn decide(&mut self, _: &dyn View, proposal: &mut Proposal) {
        proposal.actions.append(&mut self.0);
    }
}

const REACTING: StrategyKind =
    StrategyKind { name: "reacting", make: |_: &Parameters, _| Ok(Box::new(Reacting(Vec::new()))), ..KIND };

/// What the venue says between two quotes is heard between them, and what follows from it finds the market of then:
/// the venue must not have lived on to the next quote.
#[test]
fn an_answer_between_two_quotes_is_answered_between_them() {
    let mut settings = settings();
    settings.strategy.kind = "reacting".into();
    settings.venue.response_latency = Nanoseconds(SCALE);
    let mut registry = Registry::default();
    registry.add(REACTING);
    let mut engine = Engine::new(settings.clone(), &registry).unwrap();
    let market = MemorySource::new(vec![quote(1, 100, 101, 50), quote(9, 200, 201, 50)]);
    let sources: Vec<Box<dyn Source>> = vec![Box::new(market)];
    let mut world = Simulated::new(&settings, engine.identity(WorldKind::Simulated), sources).unwrap();
    let mut events: Vec<Event> = Vec::new();
    run(&mut world, &mut events, &mut engine).unwrap();
    let fills: Vec<_> = events
        .iter()
        .filter_map(|event| line(&event.fact).map(|line| (event.header.time_event.0 / SCALE - 1_000, line)))
        .collect();
    assert_eq!(fills, [(2, "2 buy 1 at 101".to_string())]);
}
