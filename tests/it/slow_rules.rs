//! The rules about all positions together, beside the same rules written down slowly: from the prices, the positions
//! and the working orders to every number of the verdict, to the bit.

use genovo_engine::account::Account;
use genovo_engine::event::*;
use genovo_engine::ids::{InstrumentId, OrderId, StrategyId};
use genovo_engine::market::Market;
use genovo_engine::order::{Orders, Status};
use genovo_engine::risk::{Request, Risk, Tail};
use genovo_engine::settings::{AccountKind, Controls, Instrument, RiskDistance, Settings};
use genovo_engine::units::{Money, Nanoseconds, Price, Quantity, Ratio, SCALE, Timestamp};
use proptest::prelude::*;

const INSTRUMENTS: usize = 5;
const DAYS: i64 = 26;

/// What is held and works, how prices moved, and what is asked.
#[derive(Clone, Debug)]
struct Desk {
    held: [i64; INSTRUMENTS],
    /// Of which instrument, and how much: buys above zero.
    working: Vec<(usize, i64)>,
    /// Middles of the quotes, day by day, in thousandths.
    prices: Vec<[i64; INSTRUMENTS]>,
    asked: (usize, i64),
    /// Gross, leverage, margin, correlated, value at risk, beyond it: each in ten-thousandths of what is plausible.
    limits: [i64; 6],
    total: i64,
}

fn desks() -> impl Strategy<Value = Desk> {
    let held = proptest::array::uniform5(prop_oneof![Just(0), -60..60_i64]);
    let working = proptest::collection::vec((0..INSTRUMENTS, -30..30_i64), 0..6);
    let day = proptest::array::uniform5(95_000..105_000_i64);
    let prices = proptest::collection::vec(day, DAYS as usize);
    let limits = proptest::array::uniform6(1..20_000_i64);
    (held, working, prices, (0..INSTRUMENTS, -90..90_i64), limits, 1..2_000_i64).prop_map(
        |(held, working, prices, asked, limits, total)| Desk { held, working, prices, asked, limits, total },
    )
}

fn quote(middle: i64) -> Quote {
    // A spread of two hundredths.
    let price = |thousandths: i64| Price(thousandths * (SCALE / 1_000));
    Quote { bid: price(middle - 10), ask: price(middle + 10), bid_size: None, ask_size: None }
}

fn settings(desk: &Desk) -> Settings {
    let mut settings = genovo_tests::gold();
    settings.bars = None;
    settings.account.kind = AccountKind::Margin;
    settings.account.cash = Money(i128::from(SCALE) * 10_000);
    let one = Instrument {
        lot: Quantity(SCALE),
        tick: Price(SCALE / 1_000),
        margin_initial: Ratio(SCALE / 7),
        ..settings.instruments[0].clone()
    };
    let of = |number| Instrument { symbol: format!("X{number}"), ..one.clone() };
    settings.instruments = (1..=INSTRUMENTS).map(of).collect();
    settings.risk.max_per_trade = Ratio(SCALE * 4);
    settings.risk.max_total = Ratio(SCALE / 100_000 * desk.total);
    settings.risk.min_position = Money::ZERO;
    settings.risk.distance = RiskDistance::ShareOfPrice(Ratio(SCALE / 300));
    let part = |whole: i64, limit: i64| Ratio(SCALE / 10_000 * whole * limit / 1_000);
    let [gross, leverage, margin, correlated, var, beyond] = desk.limits;
    settings.risk.controls = Controls {
        max_gross_exposure: Some(Money(i128::from(SCALE) * 3 * i128::from(gross))),
        max_leverage: Some(part(2_000, leverage)),
        max_margin: Some(part(500, margin)),
        max_correlated: Some(part(1_000, correlated)),
        max_var: Some(part(50, var)),
        max_cvar: Some(part(60, beyond)),
        ..Controls::default()
    };
    settings
}

/// The verdict of the engine.
fn verdict(desk: &Desk, settings: &Settings) -> Verdict {
    let (mut risk, mut account) = (Risk::new(settings), Account::new(settings));
    let (mut markets, mut orders) = (vec![Market::default(); INSTRUMENTS], Orders::default());
    let mut now = Timestamp(0);
    for (day, prices) in desk.prices.iter().enumerate() {
        now = Timestamp(Nanoseconds::DAY.0 * day as i64);
        for (index, middle) in prices.iter().enumerate() {
            risk.before_market(now, &markets);
            markets[index].quote = Some(quote(*middle));
            risk.after_market(index, now, &account, &markets);
        }
    }
    for (index, held) in desk.held.into_iter().enumerate().filter(|(_, held)| *held != 0) {
        let side = if held > 0 { Side::Buy } else { Side::Sell };
        let (order, quantity) = (OrderId(1), Quantity(held.abs() * SCALE));
        let price = markets[index].price_to_trade(side).unwrap();
        let (remaining, liquidity, commission) = (Quantity::ZERO, Liquidity::Taker, Money::ZERO);
        let (bid, ask, rate) = (None, None, None);
        let fill = Fill { order, side, price, quantity, remaining, liquidity, commission, bid, ask, rate };
        account.fill(index, &fill, PositionEffect::Open, None).unwrap();
    }
    for (index, quantity) in desk.working.iter().filter(|(_, quantity)| *quantity != 0) {
        let order = Order {
            order: orders.next_id(),
            side: if *quantity > 0 { Side::Buy } else { Side::Sell },
            kind: OrderKind::Limit { price: Price(SCALE) },
            time_in_force: TimeInForce::Gtc,
            quantity: Quantity(quantity.abs() * SCALE),
            bid: None,
            ask: None,
            position: Quantity::ZERO,
            terms: Terms::default(),
            strategy: StrategyId::NONE,
            closes: OrderId::NONE,
        };
        orders.insert(InstrumentId(*index as u32 + 1), &order, Status::Accepted);
    }
    let (index, quantity) = desk.asked;
    let side = if quantity > 0 { Side::Buy } else { Side::Sell };
    let quantity = Quantity(quantity.abs() * SCALE);
    let request = Request::new(InstrumentId(index as u32 + 1), side, OrderKind::Market, quantity);
    risk.assess(&request, settings, &account, &markets, &orders, now)
}

/// Half to even.
fn divided(numerator: i128, denominator: i128) -> i128 {
    let (quotient, rest) = (numerator.div_euclid(denominator), numerator.rem_euclid(denominator));
    match (2 * rest).cmp(&denominator) {
        std::cmp::Ordering::Less => quotient,
        std::cmp::Ordering::Greater => quotient + 1,
        std::cmp::Ordering::Equal => quotient + (quotient & 1),
    }
}

fn times(amount: i128, share: i64) -> i128 {
    divided(amount * i128::from(share), i128::from(SCALE))
}

/// How all samples of two instruments moved together, the newest weighing most.
fn covariance(desk: &Desk, one: usize, other: usize) -> f64 {
    let price = |day: usize, index: usize| (desk.prices[day][index] * (SCALE / 1_000)) as f64 / SCALE as f64;
    let (mut sum, mut weight) = (0.0, 0.0);
    // The prices of the last day are the market of now: they are no sample yet.
    for day in 1..desk.prices.len() - 1 {
        let moved = |index| price(day, index) / price(day - 1, index) - 1.0;
        sum = sum * 0.94 + moved(one) * moved(other);
        weight = weight * 0.94 + 1.0;
    }
    sum / weight
}

fn correlation(desk: &Desk, one: usize, other: usize) -> f64 {
    if one == other {
        return 1.0;
    }
    let scale = (covariance(desk, one, one) * covariance(desk, other, other)).sqrt();
    (covariance(desk, one, other) / scale).clamp(-1.0, 1.0)
}

/// Every number of the rules from the beginning.
fn check(desk: &Desk, settings: &Settings, verdict: &Verdict) -> Result<(), TestCaseError> {
    let (index, quantity) = desk.asked;
    let sign = quantity.signum();
    let last = desk.prices.last().unwrap();
    let works = |of: usize, sign: i64| -> i64 {
        let of_it = desk.working.iter().filter(|(index, quantity)| *index == of && quantity.signum() == sign);
        of_it.map(|(_, quantity)| quantity).sum()
    };
    let ends = |of: usize| [1, -1].map(|sign| desk.held[of] + works(of, sign));
    let mark = |of: usize, units: i64| {
        let quote = quote(last[of]);
        if units >= 0 { quote.bid.0 } else { quote.ask.0 }
    };
    let worth = |price: i64, units: i64| times(i128::from(price), units * SCALE).abs();
    let distance = |price: i64| times(i128::from(price), SCALE / 300) as i64;

    let price = mark(index, -sign);
    let reach = desk.held[index] + works(index, sign);
    let closing = (-reach * sign).clamp(0, quantity.abs());
    let (opening, kept) = (quantity.abs() - closing, reach + closing * sign);
    prop_assert_eq!((verdict.closing.0, verdict.asked.0), (closing * SCALE, opening * SCALE));

    let others = || (0..INSTRUMENTS).filter(|other| *other != index);
    let most = |of: &dyn Fn(usize, i64) -> i128| -> i128 {
        others().map(|other| ends(other).map(|units| of(other, units)).into_iter().max().unwrap()).sum()
    };
    let gross = most(&|other, units| worth(mark(other, units), units));
    let at_risk = most(&|other, units| worth(distance(mark(other, units)), units));
    let margin = settings.instruments[0].margin_initial.0;
    let tied_up = most(&|other, units| times(worth(mark(other, units), units), margin));
    // Of both ends the one that moves with the order.
    let spread = |form: &dyn Fn(usize, usize) -> f64, value: i128| {
        let value = (value * i128::from(sign)) as f64 / SCALE as f64;
        let end = |other: usize| {
            let units = ends(other)[usize::from(form(index, other) * (sign as f64) < 0.0)];
            let worth = worth(mark(other, units), units) * i128::from(units.signum());
            worth as f64 / SCALE as f64
        };
        let (mut cross, mut rest) = (0.0, 0.0);
        for one in others().filter(|one| end(*one) != 0.0) {
            cross += form(index, one) * end(one);
            for other in others() {
                rest += form(one, other) * end(one) * end(other);
            }
        }
        let square = form(index, index) * value * value + 2.0 * cross * value + rest;
        if square > 0.0 { square.sqrt() } else { 0.0 }
    };
    let amount = |float: f64| (float * SCALE as f64).round_ties_even() as i128;
    let position = |units: i64| worth(price, kept) + worth(price, units);
    let tail = Tail::at(0.99);

    let equity = verdict.equity.0;
    let controls = &settings.risk.controls;
    let share = |ratio: Option<Ratio>| times(equity, ratio.unwrap().0).max(0);
    let correlated = |units| amount(spread(&|one, other| correlation(desk, one, other), position(units)));
    let varied = |units| spread(&|one, other| covariance(desk, one, other), position(units));
    type Cost<'a> = Box<dyn Fn(i64) -> i128 + 'a>;
    let rules: [(Rule, i128, Cost<'_>); 7] = [
        (
            Rule::TotalRisk,
            times(equity, settings.risk.max_total.0).max(0),
            Box::new(|units| at_risk + worth(distance(price), kept) + worth(distance(price), units)),
        ),
        (
            Rule::GrossExposure,
            controls.max_gross_exposure.unwrap().0,
            Box::new(|units| gross + position(units)),
        ),
        (Rule::Leverage, share(controls.max_leverage), Box::new(|units| gross + position(units))),
        (
            Rule::MarginLimit,
            share(controls.max_margin),
            Box::new(|units| {
                tied_up + times(worth(price, kept), margin) + times(worth(price, units), margin)
            }),
        ),
        (Rule::CorrelatedExposure, share(controls.max_correlated), Box::new(correlated)),
        (
            Rule::ValueAtRisk,
            share(controls.max_var),
            Box::new(|units| amount(varied(units) * (tail.quantile * 1.0_f64.sqrt()))),
        ),
        (
            Rule::ConditionalValueAtRisk,
            share(controls.max_cvar),
            Box::new(|units| amount(varied(units) * (tail.beyond * 1.0_f64.sqrt()))),
        ),
    ];
    let mut before = opening;
    for result in &verdict.rules {
        let after = result.quantity.0 / SCALE;
        if let Some((rule, limit, cost)) = rules.iter().find(|(rule, ..)| *rule == result.rule) {
            let found = (result.limit.0, result.asked.0, result.granted.0);
            prop_assert_eq!(found, (*limit, cost(before), cost(after)), "{:?}", rule);
            if before > 0 && cost(0) <= *limit {
                let fits = (0..=before).take_while(|units| cost(*units) <= *limit).last();
                prop_assert_eq!(Some(after), fits, "{:?}", rule);
            }
        }
        before = after;
    }
    Ok(())
}

proptest! {
    #[test]
    fn verdicts_are_those_of_the_slow_way(desk in desks()) {
        let settings = settings(&desk);
        let verdict = verdict(&desk, &settings);
        if desk.asked.1 != 0 {
            check(&desk, &settings, &verdict)?;
        }
    }
}
