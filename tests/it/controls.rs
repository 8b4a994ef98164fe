//! Does every control hold back what it says, and nothing that closes a position?

use genovo_engine::account::Account;
use genovo_engine::engine::Engine;
use genovo_engine::event::*;
use genovo_engine::ids::{InstrumentId, OrderId, StrategyId};
use genovo_engine::market::Market;
use genovo_engine::order::{Orders, Status};
use genovo_engine::risk::{Request, Risk};
use genovo_engine::run::run;
use genovo_engine::settings::{Controls, RiskDistance, Settings, StrategySettings, Trigger};
use genovo_engine::simulated::Simulated;
use genovo_engine::strategy::{
    Needs, ParameterError, Parameters, Proposal, Registry, Strategy, StrategyKind, View,
};
use genovo_engine::units::{Money, Nanoseconds, Price, Quantity, SCALE, Timestamp};
use genovo_engine::world::MemorySource;
use proptest::prelude::*;

const X: InstrumentId = InstrumentId(1);
const Y: InstrumentId = InstrumentId(2);

fn whole(number: i64) -> i64 {
    number * SCALE
}

/// Two instruments at 100, an account of 100,000, and limits that never bind but for the controls.
fn settings(controls: &str) -> Settings {
    let mut settings = genovo_tests::gold();
    settings.bars = None;
    settings.instruments[0].symbol = "X".into();
    settings.instruments[0].margin_initial = "0.1".parse().unwrap();
    settings
        .instruments
        .push(genovo_engine::settings::Instrument { symbol: "Y".into(), ..settings.instruments[0].clone() });
    settings.risk.max_per_trade = "1".parse().unwrap();
    settings.risk.max_total = "1".parse().unwrap();
    settings.risk.min_position = Money::ZERO;
    settings.risk.distance = RiskDistance::ShareOfPrice("0.001".parse().unwrap());
    settings.risk.controls = serde_json::from_str::<Controls>(controls).expect("controls");
    settings
}

/// Risk with what it looks at.
struct Desk {
    settings: Settings,
    risk: Risk,
    account: Account,
    markets: Vec<Market>,
    orders: Orders,
    now: Timestamp,
}

impl Desk {
    fn new(controls: &str) -> Desk {
        let settings = settings(controls);
        let mut desk = Desk {
            risk: Risk::new(&settings),
            account: Account::new(&settings),
            markets: vec![Market::default(); 2],
            orders: Orders::default(),
            now: Timestamp(0),
            settings,
        };
        desk.quote(X, 100.0);
        desk.quote(Y, 100.0);
        desk
    }

    /// Both sides of the quote at one price.
    fn quote(&mut self, instrument: InstrumentId, price: f64) -> bool {
        let price = Price::from_f64(price).unwrap();
        self.risk.before_market(self.now, &self.markets);
        let index = instrument.index().unwrap();
        self.markets[index].quote = Some(Quote { bid: price, ask: price, bid_size: None, ask_size: None });
        self.risk.after_market(index, self.now, &self.account, &self.markets)
    }

    fn hold(&mut self, instrument: InstrumentId, quantity: i64) {
        let fill = Fill {
            order: OrderId(1),
            side: if quantity > 0 { Side::Buy } else { Side::Sell },
            price: self.markets[instrument.index().unwrap()].quote.unwrap().bid,
            quantity: Quantity(whole(quantity.abs())),
            remaining: Quantity::ZERO,
            liquidity: Liquidity::Taker,
            commission: Money::ZERO,
            bid: None,
            ask: None,
            rate: None,
        };
        self.account.fill(instrument.index().unwrap(), &fill, PositionEffect::Open, None).unwrap();
    }

    fn rest(&mut self, instrument: InstrumentId, side: Side, quantity: i64, price: i64) {
        let order = Order {
            order: self.orders.next_id(),
            side,
            kind: OrderKind::Limit { price: Price(whole(price)) },
            time_in_force: TimeInForce::Gtc,
            quantity: Quantity(whole(quantity)),
            bid: None,
            ask: None,
            position: Quantity::ZERO,
            terms: Terms::default(),
            strategy: StrategyId::NONE,
            closes: OrderId::NONE,
        };
        self.orders.insert(instrument, &order, Status::Accepted);
    }

    fn ask(&self, instrument: InstrumentId, quantity: i64, kind: OrderKind) -> Verdict {
        let side = if quantity > 0 { Side::Buy } else { Side::Sell };
        let request = Request::new(instrument, side, kind, Quantity(whole(quantity.abs())));
        let Desk { settings, account, markets, orders, .. } = self;
        self.risk.assess(&request, settings, account, markets, orders, self.now)
    }

    fn buy(&self, quantity: i64) -> Verdict {
        self.ask(X, quantity, OrderKind::Market)
    }

    fn send(&mut self, quantity: i64) {
        let side = if quantity > 0 { Side::Buy } else { Side::Sell };
        let request = Request::new(X, side, OrderKind::Market, Quantity(whole(quantity.abs())));
        self.risk.sent(&request, self.now);
    }

    /// Quotes both instruments once a day, so that their prices are sampled.
    fn days(&mut self, days: usize, x: impl Fn(usize) -> f64, y: impl Fn(usize) -> f64) {
        for day in 0..days {
            self.now = self.now + Nanoseconds::DAY;
            self.quote(X, x(day));
            self.quote(Y, y(day));
        }
    }
}

/// `closing + granted`, and the rule that decided.
fn said(verdict: &Verdict) -> (i64, i64, Option<Rule>) {
    (verdict.closing.0 / SCALE, verdict.granted.0 / SCALE, verdict.rule)
}

fn result(verdict: &Verdict, rule: Rule) -> &RuleResult {
    verdict.rules.iter().find(|result| result.rule == rule).expect("the rule was asked")
}

/// Controls that look at the order and the positions alone: what is held and rests, what is asked, what is left of it.
#[test]
fn caps_as_a_table() {
    type Row = (&'static str, (i64, i64), i64, (i64, i64, Option<Rule>));
    let table: &[Row] = &[
        // Nothing on: as asked.
        (r#"{}"#, (0, 0), 50, (0, 50, None)),
        (r#"{"kill_switch":true}"#, (0, 0), 50, (0, 0, Some(Rule::KillSwitch))),
        (r#"{"kill_switch":true}"#, (30, 0), -50, (30, 0, Some(Rule::KillSwitch))),
        // An order of 5,000 is too large at 4,999.99, and is not made smaller.
        (r#"{"max_order_value":"5000"}"#, (0, 0), 50, (0, 50, None)),
        (r#"{"max_order_value":"4999.99"}"#, (0, 0), 50, (0, 0, Some(Rule::OrderValue))),
        // What closes passes, even of an order that is too large.
        (r#"{"max_order_value":"4999.99"}"#, (30, 0), -50, (30, 0, Some(Rule::OrderValue))),
        (r#"{"max_order_quantity":"49"}"#, (0, 0), 50, (0, 0, Some(Rule::OrderQuantity))),
        (r#"{"max_order_quantity":"50"}"#, (0, 0), -50, (0, 50, None)),
        // Positions: 30 held, 40 allowed.
        (r#"{"max_position":"4000"}"#, (30, 0), 50, (0, 10, Some(Rule::PositionLimit))),
        (r#"{"max_position":"4000"}"#, (30, 0), -100, (30, 40, Some(Rule::PositionLimit))),
        (r#"{"max_position":"4000"}"#, (60, 0), 1, (0, 0, Some(Rule::PositionLimit))),
        (r#"{"max_position":"4000"}"#, (60, 0), -10, (10, 0, None)),
        // Gross adds, net takes off.
        (r#"{"max_gross_exposure":"10000"}"#, (0, -60), 50, (0, 40, Some(Rule::GrossExposure))),
        (r#"{"max_net_exposure":"1000"}"#, (0, -60), 50, (0, 50, None)),
        (r#"{"max_net_exposure":"1000"}"#, (0, -60), 80, (0, 70, Some(Rule::NetExposure))),
        // Net is 6,000 short already: only what brings it nearer, and no further beyond the other end.
        (r#"{"max_net_exposure":"1000"}"#, (0, -60), -1, (0, 0, Some(Rule::NetExposure))),
        // Twice an equity of 100,000 is 2,000 units.
        (r#"{"max_leverage":"2"}"#, (500, -500), 5_000, (0, 1_000, Some(Rule::Leverage))),
        // 5 % of equity at 10 % margin: 500 units in both.
        (r#"{"max_margin":"0.05"}"#, (0, -300), 5_000, (0, 200, Some(Rule::MarginLimit))),
        // Several at once: the tightest decides.
        (
            r#"{"max_position":"4000","max_gross_exposure":"3000"}"#,
            (0, 0),
            50,
            (0, 30, Some(Rule::GrossExposure)),
        ),
    ];
    for (controls, (x, y), quantity, expected) in table {
        let mut desk = Desk::new(controls);
        for (instrument, held) in [(X, *x), (Y, *y)] {
            if held != 0 {
                desk.hold(instrument, held);
            }
        }
        assert_eq!(
            said(&desk.buy(*quantity)),
            *expected,
            "{controls} holding {x} and {y}, asking {quantity}"
        );
    }
}

/// A replacement asks for what it adds; what counts is the order that it makes.
#[test]
fn an_order_that_grows_by_steps_is_as_large_as_it_has_become() {
    for controls in [r#"{"max_order_value":"5000"}"#, r#"{"max_order_quantity":"50"}"#] {
        let desk = Desk::new(controls);
        for (beside, denied) in [(40, false), (41, true)] {
            let mut request = Request::new(X, Side::Buy, OrderKind::Market, Quantity(whole(10)));
            request.beside = Quantity(whole(beside));
            let Desk { settings, account, markets, orders, .. } = &desk;
            let verdict = desk.risk.assess(&request, settings, account, markets, orders, desk.now);
            assert_eq!(verdict.outcome == Outcome::Denied, denied, "{controls} beside {beside}");
        }
    }
}

#[test]
fn working_orders_count_as_if_filled() {
    let mut desk = Desk::new(r#"{"max_net_exposure":"10000"}"#);
    desk.rest(Y, Side::Buy, 60, 90);
    desk.rest(Y, Side::Sell, 80, 110);
    // Y may come to +60 or −80: 40 more would make 100 of it, 20 less 100 the other way.
    assert_eq!(said(&desk.buy(50)).1, 40);
    assert_eq!(said(&desk.ask(X, -50, OrderKind::Market)).1, 20);
}

#[test]
fn a_limit_far_from_the_market_is_refused_whole() {
    let limit = |price: i64| OrderKind::Limit { price: Price(whole(price)) };
    let mut desk = Desk::new(r#"{"price_collar":"0.05"}"#);
    let table = [
        (10, limit(105), None),
        (10, limit(106), Some(Rule::PriceCollar)),
        // A limit that gives nothing away is no mistake.
        (10, limit(50), None),
        (-10, limit(95), None),
        (-10, limit(94), Some(Rule::PriceCollar)),
        (-10, limit(500), None),
        (10, OrderKind::StopLimit { trigger: Price(whole(200)), price: Price(whole(205)) }, None),
        (
            10,
            OrderKind::StopLimit { trigger: Price(whole(200)), price: Price(whole(211)) },
            Some(Rule::PriceCollar),
        ),
        (10, OrderKind::Stop { trigger: Price(whole(300)) }, None),
        (10, OrderKind::Market, None),
    ];
    for (quantity, kind, rule) in table {
        assert_eq!(desk.ask(X, quantity, kind).rule, rule, "{quantity} {kind:?}");
    }
    // Even where it would close.
    desk.hold(X, 10);
    let verdict = desk.ask(X, -10, limit(94));
    assert_eq!((verdict.outcome, said(&verdict)), (Outcome::Denied, (0, 0, Some(Rule::PriceCollar))));
    let numbers = result(&verdict, Rule::PriceCollar);
    assert_eq!((numbers.limit.to_string(), numbers.asked.to_string()), ("95".into(), "94".into()));
}

#[test]
fn an_order_does_not_meet_our_own() {
    let limit = |price: i64| OrderKind::Limit { price: Price(whole(price)) };
    let mut desk = Desk::new(r#"{"prevent_self_trade":true}"#);
    assert_eq!(desk.ask(X, 10, limit(101)).rule, None);
    desk.rest(X, Side::Sell, 5, 101);
    desk.rest(Y, Side::Sell, 5, 99);
    assert_eq!(desk.ask(X, 10, limit(101)).rule, Some(Rule::SelfTrade));
    assert_eq!(desk.ask(X, 10, limit(100)).rule, None);
    assert_eq!(desk.buy(10).rule, None, "the market is at 100, our own sell at 101");
    desk.quote(X, 101.0);
    assert_eq!(desk.buy(10).rule, Some(Rule::SelfTrade));
    assert_eq!(desk.ask(X, -10, limit(90)).rule, None, "our own sells do not meet a sell");
}

#[test]
fn so_many_orders_in_a_time() {
    let mut desk = Desk::new(r#"{"max_order_rate":{"count":2,"per":1000000000}}"#);
    desk.hold(X, 5);
    for (time, rule) in [(0, None), (400, None), (900, Some(Rule::OrderRate)), (1_000, None)] {
        desk.now = Timestamp(time * 1_000_000);
        let verdict = desk.buy(1);
        assert_eq!(verdict.rule, rule, "after {time} ms");
        // What closes is never held up.
        assert_eq!(desk.ask(X, -5, OrderKind::Market).closing, Quantity(whole(5)));
        if rule.is_none() {
            desk.send(1);
        }
    }
}

#[test]
fn the_same_order_twice_is_a_mistake() {
    let mut desk = Desk::new(r#"{"duplicate_within":1000}"#);
    desk.send(10);
    desk.now = Timestamp(999);
    assert_eq!(desk.buy(10).rule, Some(Rule::DuplicateOrder));
    assert_eq!(desk.buy(11).rule, None);
    assert_eq!(desk.ask(X, -10, OrderKind::Market).rule, None);
    assert_eq!(desk.ask(Y, 10, OrderKind::Market).rule, None);
    desk.now = Timestamp(1_000);
    assert_eq!(desk.buy(10).rule, None);
}

#[test]
fn repeated_fills_stop_until_somebody_says_to_go_on() {
    let mut desk = Desk::new(r#"{"max_executions":{"count":3,"per":1000}}"#);
    for time in [0, 10, 2_000] {
        desk.risk.filled(0, Side::Buy, Timestamp(time));
        assert_eq!(desk.buy(1).rule, None);
    }
    desk.risk.filled(0, Side::Sell, Timestamp(2_001));
    desk.risk.filled(0, Side::Buy, Timestamp(2_002));
    desk.risk.filled(0, Side::Buy, Timestamp(2_003));
    desk.now = Timestamp(2_004);
    assert_eq!(desk.buy(1).rule, Some(Rule::RepeatedExecution));
    // Neither another side nor time helps.
    desk.now = Timestamp(9_000_000);
    assert_eq!(desk.ask(Y, -1, OrderKind::Market).rule, Some(Rule::RepeatedExecution));
    desk.risk.go_on();
    assert_eq!(desk.buy(1).rule, None);
}

#[test]
fn a_silent_market_opens_nothing() {
    let mut desk = Desk::new(r#"{"stale_after":5000000000}"#);
    desk.hold(X, 5);
    desk.now = Timestamp(5_000_000_000);
    assert_eq!(desk.buy(1).rule, None);
    desk.now = Timestamp(5_000_000_001);
    let verdict = desk.buy(1);
    assert_eq!(verdict.rule, Some(Rule::StaleData));
    assert_eq!(result(&verdict, Rule::StaleData).asked.to_string(), "5.000000001");
    assert_eq!(said(&desk.ask(X, -8, OrderKind::Market)), (5, 0, Some(Rule::StaleData)));
    desk.quote(X, 100.0);
    assert_eq!(desk.buy(1).rule, None);
}

/// 1,000 long at 100, so that a point is 1 % of an equity of 100,000.
#[test]
fn orders_shrink_with_a_drawdown_and_end_with_a_deep_one() {
    let mut desk = Desk::new(r#"{"soft_drawdown":"0.05","hard_drawdown":"0.1"}"#);
    desk.hold(X, 1_000);
    let table =
        [(100.0, 100, false), (95.0, 100, false), (94.0, 80, false), (92.5, 50, false), (90.1, 2, false)];
    for (price, left, breach) in table {
        assert_eq!(desk.quote(X, price), breach, "at {price}");
        assert_eq!(said(&desk.ask(Y, 100, OrderKind::Market)).1, left, "at {price}");
    }
    // A new peak moves both.
    assert!(!desk.quote(X, 110.0));
    assert!(!desk.quote(X, 99.1));
    assert!(desk.quote(X, 99.0));
    assert_eq!(desk.ask(Y, 100, OrderKind::Market).rule, Some(Rule::HardDrawdown));
    assert_eq!(said(&desk.buy(-1_000)), (1_000, 0, None));
}

#[test]
fn a_lost_day_stays_lost_until_the_next() {
    let mut desk = Desk::new(r#"{"max_daily_loss":"0.02"}"#);
    desk.hold(X, 1_000);
    let hour = Nanoseconds(3_600 * SCALE);
    // By the hour of the day, the price, and whether anything is opened.
    let table = [(1, 100.0, true), (2, 98.1, true), (3, 98.0, false), (4, 99.5, false), (24, 99.0, true)];
    for (hours, price, open) in table {
        desk.now = Timestamp(hour.0 * hours);
        desk.quote(X, price);
        assert_eq!(desk.buy(1).rule, (!open).then_some(Rule::DailyLoss), "after {hours} h");
    }
    // The next day began at 99,000: 2 % of that is 1,980.
    desk.quote(X, 97.03);
    assert_eq!(desk.buy(1).rule, None);
    desk.quote(X, 97.02);
    assert_eq!(desk.buy(1).rule, Some(Rule::DailyLoss));
}

/// Prices that rise and fall by a hundredth a day.
fn swing(day: usize) -> f64 {
    if day.is_multiple_of(2) { 100.0 } else { 101.0 }
}

#[test]
fn nothing_is_opened_before_its_risk_is_known() {
    for controls in [r#"{"max_var":"0.5"}"#, r#"{"max_cvar":"0.5"}"#, r#"{"max_correlated":"9"}"#] {
        let mut desk = Desk::new(controls);
        desk.days(19, swing, swing);
        assert_eq!(desk.buy(1).outcome, Outcome::Denied, "{controls}");
        desk.days(3, swing, swing);
        assert_eq!(desk.buy(1).outcome, Outcome::Allowed, "{controls}");
    }
}

/// With one instrument the value at risk is z × σ × value; z of 99 % is 2.3263.
#[test]
fn value_at_risk_by_hand() {
    let mut desk = Desk::new(r#"{"max_var":"0.02"}"#);
    desk.days(61, swing, |_| 100.0);
    let verdict = desk.buy(10_000);
    let numbers = result(&verdict, Rule::ValueAtRisk);
    // Returns are +1 % and −1/101 in turn, so σ lies between.
    let per_unit = numbers.asked.as_f64() / 10_000.0;
    assert!((2.3263 * 100.0 * 0.0099..2.3264 * 100.0 * 0.01).contains(&per_unit), "{per_unit}");
    let expected = (2_000.0 / per_unit) as i64;
    assert_eq!(said(&verdict), (0, expected, Some(Rule::ValueAtRisk)));
    // φ(2.3263) / 0.01 = 2.6652: the mean loss beyond.
    let mut beyond = Desk::new(r#"{"max_cvar":"0.02"}"#);
    beyond.days(61, swing, |_| 100.0);
    let verdict = beyond.buy(10_000);
    let ratio = result(&verdict, Rule::ConditionalValueAtRisk).asked.as_f64() / numbers.asked.as_f64();
    assert!((ratio - 2.665_214 / 2.326_348).abs() < 1e-6, "{ratio}");
}

#[test]
fn what_moves_together_is_added_and_what_moves_apart_taken_off() {
    let correlated = r#"{"max_correlated":"1"}"#;
    let asked = |y: fn(usize) -> f64, held: i64| {
        let mut desk = Desk::new(correlated);
        desk.days(61, swing, y);
        desk.hold(Y, held);
        let verdict = desk.buy(100);
        result(&verdict, Rule::CorrelatedExposure).asked.as_f64()
    };
    let near = |actual: f64, expected: f64| {
        assert!((actual - expected).abs() < 0.02 * expected.max(25_000.0), "{actual} {expected}")
    };
    let against = |day: usize| if day.is_multiple_of(2) { 101.0 } else { 100.0 };
    near(asked(swing, 100), 20_000.0);
    near(asked(swing, -100), 0.0);
    near(asked(against, 100), 0.0);
    // What does not move is no part of it: √(x² + y²) of unrelated ones.
    near(asked(|_| 100.0, 100), 14_142.0);
}

#[test]
fn a_hedge_is_let_through_beyond_the_limit() {
    let mut desk = Desk::new(r#"{"max_var":"0.001"}"#);
    desk.days(61, swing, swing);
    desk.hold(Y, 1_000);
    // Far beyond the budget: what adds is denied, what hedges is not, until it weighs as much the other way: 100 are
    // 43 units at z × 1 %.
    assert_eq!(desk.buy(10).outcome, Outcome::Denied);
    assert_eq!(said(&desk.ask(X, -1_000, OrderKind::Market)).1, 1_000);
    let left = said(&desk.ask(X, -5_000, OrderKind::Market)).1;
    assert!((1_040..=1_046).contains(&left), "{left}");
}

/// The worked example of docs/risk.md.
#[test]
fn positions_are_sized_by_forecasts() {
    let forecast = Forecast {
        low: -0.019,
        median: 0.002,
        high: 0.023,
        probability: 0.6,
        volatility: 0.01,
        disagreement: 0.002,
    };
    let asked = |controls: &str, quantity: i64, forecast: Option<Forecast>| {
        let desk = Desk::new(controls);
        let side = if quantity > 0 { Side::Buy } else { Side::Sell };
        let request = Request::new(X, side, OrderKind::Market, Quantity(whole(quantity.abs())));
        let request = Request { forecast, ..request };
        let Desk { settings, account, markets, orders, .. } = &desk;
        desk.risk.assess(&request, settings, account, markets, orders, desk.now)
    };
    let kelly = |quantity, forecast| asked(r#"{"kelly":"0.05"}"#, quantity, forecast);
    let verdict = kelly(1_000, Some(forecast));
    assert_eq!(said(&verdict), (0, 598, Some(Rule::Kelly)));
    assert_eq!(verdict.forecast, Some(forecast));
    let limit = result(&verdict, Rule::Kelly).limit.as_f64();
    let deviation = 0.042_f64 / 3.25;
    assert!((limit - 5_000.0 * 0.002 / (deviation * deviation)).abs() < 1e-6, "{limit}");
    // Against the forecast, by one that says nothing, and by none.
    assert_eq!(said(&kelly(-1_000, Some(forecast))), (0, 0, Some(Rule::Kelly)));
    assert_eq!(said(&kelly(1_000, Some(Forecast { low: 0.0, median: 0.0, high: 0.0, ..forecast }))).1, 0);
    assert_eq!(said(&kelly(1_000, None)), (0, 0, Some(Rule::Kelly)));
    let sure = |forecast| said(&asked(r#"{"confidence_weighted":true}"#, 1_000, forecast));
    assert_eq!(sure(Some(forecast)), (0, 500, Some(Rule::Confidence)));
    assert_eq!(sure(Some(Forecast { volatility: 0.0, ..forecast })), (0, 0, Some(Rule::Confidence)));
    assert_eq!(sure(None), (0, 0, Some(Rule::Confidence)));
    // The same position asked for again opens nothing more than it is sure of.
    for (held, more, left) in [(400, 600, 100), (500, 500, 0), (700, 300, 0)] {
        let mut desk = Desk::new(r#"{"confidence_weighted":true}"#);
        desk.hold(X, held);
        let request = Request::new(X, Side::Buy, OrderKind::Market, Quantity(whole(more)));
        let request = Request { forecast: Some(forecast), ..request };
        let Desk { settings, account, markets, orders, .. } = &desk;
        let verdict = desk.risk.assess(&request, settings, account, markets, orders, desk.now);
        assert_eq!(said(&verdict), (0, left, Some(Rule::Confidence)), "{held}");
    }
    // Where no rule sizes by it, the verdict does not hold it.
    assert_eq!(asked("{}", 10, Some(forecast)).forecast, None);
}

#[test]
fn positions_are_sized_by_equity_volatility_and_shares() {
    let desk = Desk::new(r#"{"fixed_fraction":"0.25"}"#);
    assert_eq!(said(&desk.buy(1_000)), (0, 250, Some(Rule::FixedFraction)));
    // σ of 1 %: 0.5 % of equity are half of it.
    let mut desk = Desk::new(r#"{"volatility_target":"0.005"}"#);
    assert_eq!(desk.buy(1_000).outcome, Outcome::Denied);
    desk.days(61, swing, swing);
    let left = said(&desk.buy(1_000)).1;
    assert!((500..=506).contains(&left), "{left}");
    // One moves twice as much as the other: a third and two thirds.
    let twice = |day: usize| if day.is_multiple_of(2) { 100.0 } else { 102.0 };
    for rule in ["inverse_volatility", "equal_risk"] {
        let mut desk = Desk::new(&format!(r#"{{"allocation":"{rule}","allocated":"0.9"}}"#));
        assert_eq!(desk.buy(1_000).outcome, Outcome::Denied);
        desk.days(61, swing, twice);
        let [x, y] = [X, Y].map(|instrument| said(&desk.ask(instrument, 1_000, OrderKind::Market)).1);
        assert!((595..=600).contains(&x) && (295..=303).contains(&y), "{rule}: {x} {y}");
    }
}

#[test]
fn a_stressed_market_leaves_a_share() {
    let mut desk = Desk::new(r#"{"stress_at":"1.5","stressed_size":"0.25"}"#);
    desk.days(61, swing, swing);
    assert_eq!(said(&desk.buy(100)), (0, 100, None));
    desk.days(4, |day| if day.is_multiple_of(2) { 100.0 } else { 120.0 }, swing);
    assert_eq!(said(&desk.buy(100)), (0, 25, Some(Rule::Regime)));
    assert_eq!(said(&desk.ask(Y, 100, OrderKind::Market)), (0, 100, None), "the other one is quiet");
}

/// Buys a thousand at the first quote, rests a sell far away, and wants to buy more ever after.
struct Long(u32);

impl Strategy for Long {
    fn update(&mut self, event: &Event, _: &dyn View) -> bool {
        self.0 += u32::from(event.fact.kind().is_market());
        false
    }

    fn decide(&mut self, _: &dyn View, proposal: &mut Proposal) {
        let submit = |side, kind, quantity| Action::Submit {
            instrument: X,
            side,
            kind,
            time_in_force: TimeInForce::Gtc,
            quantity: Quantity(whole(quantity)),
        };
        proposal.actions.extend(match self.0 {
            1 => vec![
                submit(Side::Buy, OrderKind::Market, 1_000),
                submit(Side::Sell, OrderKind::Limit { price: Price(whole(900)) }, 10),
            ],
            _ => vec![submit(Side::Buy, OrderKind::Market, 1)],
        });
    }
}

/// The whole engine: at the limit every order is cancelled, every position closed, and nothing is decided any more.
#[test]
fn a_deep_fall_ends_the_run_flat() {
    let mut settings = settings(r#"{"hard_drawdown":"0.1","max_order_quantity":"1000"}"#);
    settings.strategy = StrategySettings { kind: "long".into(), parameters: [].into() };
    settings.trigger = Trigger::EveryTick;
    let mut registry = Registry::default();
    registry.add(StrategyKind {
        name: "long",
        about: "long, and longer",
        parameters: &[],
        needs: Needs::default(),
        trigger: Trigger::EveryTick,
        make: |_: &Parameters, _: &Settings| -> Result<Box<dyn Strategy>, ParameterError> {
            Ok(Box::new(Long(0)))
        },
    });
    let quote = |second: i64| {
        let price = Price(whole(101 - second));
        let fact = Fact::QuoteChanged(Quote { bid: price, ask: price, bid_size: None, ask_size: None });
        Event::unnumbered(Timestamp(whole(second)), Timestamp(whole(second)), X, fact)
    };
    let mut engine = Engine::new(settings.clone(), &registry).unwrap();
    let source = Box::new(MemorySource::new((1..40).map(quote).collect()));
    let mut world = Simulated::new(&settings, engine.identity(WorldKind::Simulated), vec![source]).unwrap();
    let mut log = genovo_tests::Rare::default();
    run(&mut world, &mut log, &mut engine).unwrap();
    let events = log.0;
    let halts = events.iter().filter(|event| matches!(event.fact, Fact::TradingHalted(_)));
    let halts: Vec<&Event> = halts.collect();
    assert_eq!(halts.len(), 1);
    assert_eq!(halts[0].fact, Fact::TradingHalted(TradingHalted::Limit { rule: Rule::HardDrawdown }));
    // 1,000 bought at 100 and one more a second: ten lower is a tenth of the account, a little before that tenth point.
    assert_eq!(halts[0].header.time_received, Timestamp(whole(11)));
    assert!(engine.is_halted());
    assert_eq!(engine.position(X), Quantity::ZERO);
    assert_eq!(engine.orders().working().count(), 0);
    let cancelled = events.iter().filter(|event| matches!(event.fact, Fact::OrderCancelled(_))).count();
    assert_eq!(cancelled, 1, "the sell that rested");
    let after = events.iter().skip_while(|event| !matches!(event.fact, Fact::TradingHalted(_)));
    let bought =
        after.filter(|event| matches!(&event.fact, Fact::OrderSubmitted(order) if order.side == Side::Buy));
    assert_eq!(bought.count(), 0);
}

/// What the caps bound, counted anew: value of X after `quantity` more of a side, and of Y.
fn caps(controls: &Controls, equity: Money, x: i64, y: i64) -> Vec<(Rule, Money, Money)> {
    let value = |units: i64| Money(i128::from(whole(units.abs())) * 100);
    let gross = value(x) + value(y);
    let all = [
        (Rule::PositionLimit, controls.max_position, value(x)),
        (Rule::GrossExposure, controls.max_gross_exposure, gross),
        (Rule::NetExposure, controls.max_net_exposure, value(x + y)),
        (Rule::Leverage, controls.max_leverage.map(|times| equity.times(times)), gross),
        (
            Rule::MarginLimit,
            controls.max_margin.map(|share| equity.times(share)),
            gross.times("0.1".parse().unwrap()),
        ),
    ];
    all.into_iter().filter_map(|(rule, limit, value)| Some((rule, limit?, value))).collect()
}

proptest! {
    /// Whatever is held and asked: what closes goes whole; what opens is in whole lots, and leaves nothing beyond its
    /// limit that was not beyond it before; one lot more would be too much.
    #[test]
    fn caps_hold_and_take_no_more_than_they_must(
        x in -300_i64..300,
        y in -300_i64..300,
        asked in prop_oneof![-700_i64..-1, 1_i64..700],
        position in proptest::option::of(1_i64..40_000),
        gross in proptest::option::of(1_i64..60_000),
        net in proptest::option::of(1_i64..40_000),
        leverage in proptest::option::of(1_i64..60),
        margin in proptest::option::of(1_i64..60),
    ) {
        let money = |amount: Option<i64>| amount.map(|amount| Money(i128::from(whole(amount))));
        let ratio = |percent: Option<i64>, of: i64| percent.map(|one| genovo_engine::units::Ratio(one * SCALE / of));
        let controls = Controls {
            max_position: money(position),
            max_gross_exposure: money(gross),
            max_net_exposure: money(net),
            max_leverage: ratio(leverage, 100),
            max_margin: ratio(margin, 1_000),
            ..Controls::default()
        };
        let mut desk = Desk::new(&serde_json::to_string(&controls).unwrap());
        for (instrument, held) in [(X, x), (Y, y)] {
            if held != 0 {
                desk.hold(instrument, held);
            }
        }
        let verdict = desk.buy(asked);
        let sign = asked.signum();
        let closing = (-x * sign).clamp(0, asked.abs());
        let (closed, granted, _) = said(&verdict);
        prop_assert_eq!(closed, closing);
        prop_assert_eq!(verdict.asked.0, whole(asked.abs() - closing));
        prop_assert!(granted >= 0 && granted <= asked.abs() - closing);
        prop_assert_eq!(verdict.granted.0 % SCALE, 0);
        let equity = desk.account.equity(&desk.markets);
        let kept = x + sign * closing;
        let before = caps(&controls, equity, kept, y);
        let after = caps(&controls, equity, kept + sign * granted, y);
        let more = caps(&controls, equity, kept + sign * (granted + 1), y);
        for (before, after) in before.iter().zip(&after) {
            prop_assert!(after.2 <= after.1.max(before.2), "{:?} {:?}", before, after);
        }
        if granted < asked.abs() - closing {
            let one_more_is_too_many = more.iter().any(|(_, limit, value)| value > limit);
            prop_assert!(one_more_is_too_many, "{:?}", verdict);
        }
    }
}
