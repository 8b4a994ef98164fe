//! Executions that a broker takes back or changes, and splits that end a position.

use genovo_engine::account::Account;
use genovo_engine::event::{CorporateAction, Fact, Fill, Liquidity, PositionEffect, Side, TradeCorrected};
use genovo_engine::ids::{InstrumentId, OrderId};
use genovo_engine::market::Market;
use genovo_engine::settings::{Instrument, PositionMode, RateSettings, Settings};
use genovo_engine::units::{Money, Price, Quantity};
use proptest::prelude::*;

use super::kit::{Run, of, settings};
use crate::report::terminal::Colour;
use crate::report::{Report, strategies};

fn money(text: &str) -> Money {
    of(text)
}

fn hedging() -> Settings {
    let mut settings = settings();
    settings.account.positions = PositionMode::Hedging;
    settings
}

/// What the report says but for the way there: equity and its curve, and the counts of events.
fn comes_to(report: &Report) -> impl PartialEq + std::fmt::Debug {
    let (trades, equity) = (&report.trades, report.equity.last);
    let marks =
        trades.list.iter().map(|trade| (trade.order_in, trade.order_out, trade.profit, trade.quantity));
    let prices = trades.list.iter().map(|trade| (trade.price_in, trade.price_out, trade.commission));
    (
        (equity, trades.closed, trades.won, trades.gross_won, trades.gross_lost),
        (marks.collect::<Vec<_>>(), prices.collect::<Vec<_>>(), report.open.clone()),
        (report.result, report.fill_quality.clone(), report.counts.fills, report.activity.turnover),
    )
}

/// Bought 10 at 101, sold them at 107, and bought 5 at 111.
fn three_fills(run: &mut Run) -> &mut Run {
    run.quote("99", "101").order(1, Side::Buy, "10").fill(1, Side::Buy, "10", "1.50");
    run.quote("107", "109").order(2, Side::Sell, "10").fill(2, Side::Sell, "10", "1.50");
    run.quote("109", "111").order(3, Side::Buy, "5").fill(3, Side::Buy, "5", "0.50")
}

#[test]
fn an_execution_that_was_taken_back_never_was() {
    let mut run = Run::live(&settings());
    three_fills(&mut run).correct((3, Side::Buy), "5", "111", None, "-0.50");
    let report = run.quote("119", "121").report();
    let mut without = Run::live(&settings());
    without.quote("99", "101").order(1, Side::Buy, "10").fill(1, Side::Buy, "10", "1.50");
    without.quote("107", "109").order(2, Side::Sell, "10").fill(2, Side::Sell, "10", "1.50");
    without.quote("109", "111").order(3, Side::Buy, "5");
    let expected = without.quote("119", "121").report();
    assert_eq!(comes_to(&report), comes_to(&expected));
    assert_eq!((report.equity.last, report.counts.fills, report.counts.taken_back), (money("10057"), 2, 1));
    assert_eq!((report.curves.fills.len(), report.open.len()), (2, 0));
    let text = crate::report::terminal::summary(&report, &Default::default(), Colour::Off);
    assert!(text.contains("1 fill was taken back by the broker"), "{text}");
    assert!(crate::report::html::page(&report).contains("1 fill was taken back by the broker"));
}

/// The sale that closed the trade is gone: the first position is open all the time, and the third fill added to it.
#[test]
fn a_trade_that_was_closed_is_open_again() {
    let mut run = Run::live(&settings());
    three_fills(&mut run).correct((2, Side::Sell), "10", "107", None, "-1.50");
    let report = run.quote("119", "121").report();
    assert_eq!((report.trades.closed, report.open.len()), (0, 1));
    let open = &report.open[0];
    // (10 × 101 + 5 × 111) / 15; (119 − 101) × 10 + (119 − 111) × 5.
    assert_eq!((open.quantity, open.price_in, open.order_in), (of("15"), of("104.333333333"), OrderId(1)));
    assert_eq!((open.profit, report.equity.last), (money("220"), money("10218")));
    // And the purchase: sold short at 107, and 5 of it bought back at 111.
    let mut run = Run::live(&settings());
    three_fills(&mut run).correct((1, Side::Buy), "10", "101", None, "-1.50");
    let report = run.quote("119", "121").report();
    let open = &report.open[0];
    assert_eq!((open.quantity, open.price_in, open.order_in), (of("-5"), of("107"), OrderId(2)));
    // (107 − 111) × 5 − 2 and (107 − 121) × 5.
    assert_eq!((open.profit, report.equity.last), (money("-70"), money("9908")));
    assert_eq!((report.trades.closed, report.counts.fills), (0, 2));
}

#[test]
fn a_price_that_changes_afterwards_changes_the_trade_and_its_costs() {
    let mut run = Run::live(&settings());
    three_fills(&mut run).correct((1, Side::Buy), "10", "101", Some("102.5"), "0.25");
    // And once more, from what holds now; nothing is left to be charged.
    run.correct((1, Side::Buy), "10", "102.5", Some("102"), "0");
    let report = run.quote("119", "121").report();
    let mut right = Run::live(&settings());
    right.quote("99", "101").order(1, Side::Buy, "10").fill_at(1, Side::Buy, "10", "102", "1.75");
    right.quote("107", "109").order(2, Side::Sell, "10").fill(2, Side::Sell, "10", "1.50");
    right.quote("109", "111").order(3, Side::Buy, "5").fill(3, Side::Buy, "5", "0.50");
    let expected = right.quote("119", "121").report();
    assert_eq!(comes_to(&report), comes_to(&expected));
    assert_eq!((report.trades.list[0].profit, report.result.slippage), (money("46.75"), money("10")));
    assert_eq!((report.counts.repriced, report.counts.taken_back), (2, 0));
    assert_eq!(report.curves.fills[0].price, 102.0);
    // Equity's past stays as it was known, and a correction is a fall of its own.
    assert_eq!((report.drawdown.trough, expected.drawdown.trough), (money("10031.25"), money("9968.25")));
}

/// Nothing like it was ever filled: equity follows the engine, and positions too.
#[test]
fn a_correction_of_what_nobody_reported_is_booked() {
    let mut run = Run::live(&settings());
    three_fills(&mut run).correct((3, Side::Buy), "2", "111", None, "0");
    let report = run.quote("119", "121").report();
    assert_eq!((report.open[0].quantity, report.equity.last), (of("3"), money("10080.50")));
    assert_eq!((report.counts.fills, report.counts.taken_back), (3, 1));
    // Nobody keeps what was filled in another world: there too it is booked.
    let mut run = Run::new();
    three_fills(&mut run).correct((3, Side::Buy), "5", "111", None, "0");
    let report = run.quote("119", "121").report();
    assert_eq!((report.open.len(), report.equity.last), (0, money("10056.50")));
    // A split lies between: what was 5 is 10 now, and 5 are taken back.
    let mut run = Run::live(&settings());
    three_fills(&mut run).act(CorporateAction::Split { new: 2, old: 1 });
    let report = run.correct((3, Side::Buy), "5", "111", None, "0").report();
    assert_eq!(report.open[0].quantity, of("5"));
}

#[test]
fn positions_of_a_hedging_account_are_corrected_one_by_one() {
    let mut run = Run::live(&hedging());
    run.quote("99", "101").order(1, Side::Buy, "10").fill(1, Side::Buy, "10", "0");
    run.order(2, Side::Sell, "4").fill(2, Side::Sell, "4", "0");
    run.quote("109", "111").correct((1, Side::Buy), "10", "101", None, "0");
    let report = run.report();
    let open: Vec<(OrderId, Quantity)> = report.open.iter().map(|one| (one.order_in, one.quantity)).collect();
    assert_eq!(open, [(OrderId(2), of("-4"))]);
    assert_eq!(report.equity.last, money("9952"));
}

/// The trade that is open all the while keeps its lowest mark, whatever is corrected beside it.
#[test]
fn a_correction_does_not_forget_how_low_an_open_trade_stood() {
    for settings in [settings(), hedging()] {
        let mut run = Run::live(&settings);
        three_fills(&mut run).quote("50", "52").quote("109", "111");
        run.correct((1, Side::Buy), "10", "101", Some("102"), "0");
        // Five become half a lot, which is paid out: the trade ends.
        let report = run.quote("119", "121").act(CorporateAction::Split { new: 1, old: 10 }).report();
        let trade = report.trades.list.iter().find(|trade| trade.order_in == OrderId(3)).expect("a trade");
        // (50 − 111) × 5 − 0.50 and (119 − 111) × 5 − 0.50.
        assert_eq!((trade.worst_mark, trade.profit), (money("-305.50"), money("39.50")));
    }
}

/// The broker converts by a rate of its own; what a fill added is what is taken off again.
#[test]
fn what_was_taken_back_in_another_currency_leaves_no_turnover() {
    let mut settings = settings();
    let euro = Instrument { symbol: "EURUSD".to_string(), ..settings.instruments[0].clone() };
    settings.instruments[0].currency = Some("EUR".to_string());
    settings.instruments.push(euro);
    settings.rates =
        vec![RateSettings { currency: "EUR".to_string(), instrument: InstrumentId(2), inverse: false }];
    for corrected in [None, Some("103")] {
        let mut run = Run::live(&settings);
        run.on(2).quote("1.10", "1.10").on(1).quote("99", "101");
        run.derived(Fact::OrderFilled(Box::new(Fill {
            order: OrderId(1),
            side: Side::Buy,
            price: of("101"),
            quantity: of("10"),
            remaining: Quantity::ZERO,
            liquidity: Liquidity::Taker,
            commission: Money::ZERO,
            bid: Some(of("99")),
            ask: Some(of("101")),
            rate: Some(of("1.20")),
        })));
        let report = run.correct((1, Side::Buy), "10", "101", corrected, "0").report();
        // 1,030 at 1.10, of which 20 beyond the ask.
        let (turnover, slippage) = corrected.map_or(("0", "0"), |_| ("1133", "22"));
        assert_eq!((report.activity.turnover, report.result.slippage), (money(turnover), money(slippage)));
    }
}

/// Two lots of a hundred become less than one: the position is paid out and ends, and so does its time.
#[test]
fn a_split_that_ends_a_position_ends_its_trade_and_its_time() {
    for settings in [settings(), hedging()] {
        let mut run = Run::with(&settings);
        run.quote("10", "10").order(1, Side::Buy, "2").fill(1, Side::Buy, "2", "0");
        run.at(11).act(CorporateAction::Split { new: 1, old: 4 });
        // Nothing is held any more, and a new position is a trade of its own.
        run.at(20).quote("40", "40");
        let report = run.at(40).quote("40", "40").report();
        assert_eq!((report.trades.closed, report.open.len()), (1, 0));
        let trade = &report.trades.list[0];
        assert_eq!((trade.order_in, trade.order_out, trade.price_in), (OrderId(1), OrderId(1), of("40")));
        assert_eq!((trade.price_out, trade.profit), (of("40"), Money::ZERO));
        // From second 1 to second 11 of 1 to 41.
        assert!((report.activity.time_in_market - 0.25).abs() < 1e-12, "{}", report.activity.time_in_market);
    }
}

/// What the engine's account comes to.
struct Booked {
    account: Account,
    markets: Vec<Market>,
    fills: Vec<Fill>,
}

impl Booked {
    fn fill(&mut self, order: u64, side: Side, quantity: &str, price: Price) {
        let fill = Fill {
            order: OrderId(order),
            side,
            price,
            quantity: of(quantity),
            remaining: Quantity::ZERO,
            liquidity: Liquidity::Taker,
            commission: Money::ZERO,
            bid: None,
            ask: None,
            rate: None,
        };
        self.account.fill(0, &fill, PositionEffect::Open, None).unwrap();
        self.fills.push(fill);
    }
}

proptest! {
    /// Whatever is filled, taken back and changed: the report's equity and positions are the engine's.
    #[test]
    fn equity_and_positions_are_the_engines(
        hedges: bool,
        steps in proptest::collection::vec(
            (0_u8..4, any::<bool>(), 1_u8..9, 90_i64..110, any::<prop::sample::Index>()),
            1..40,
        ),
    ) {
        let settings = if hedges { hedging() } else { settings() };
        let mut run = Run::live(&settings);
        let account = Account::new(&settings);
        let mut booked = Booked { account, markets: vec![Market::default()], fills: Vec::new() };
        let number = steps.len();
        for (order, (kind, buys, quantity, price, which)) in (1..).zip(steps) {
            let price = price.to_string();
            let side = if buys { Side::Buy } else { Side::Sell };
            run.quote(&price, &price);
            booked.markets[0] = strategies::market(Some(of(&price)), Some(of(&price)), None);
            if kind < 2 || booked.fills.is_empty() {
                run.order(order, side, &quantity.to_string()).fill(order, side, &quantity.to_string(), "0");
                booked.fill(order, side, &quantity.to_string(), of(&price));
                continue;
            }
            let place = which.index(booked.fills.len());
            let mut fill = booked.fills.remove(place);
            let corrected = (kind == 2).then_some(price.as_str());
            let trade = TradeCorrected {
                order: fill.order,
                side: fill.side,
                quantity: fill.quantity,
                price: fill.price,
                corrected: corrected.map(of),
                commission: Money::ZERO,
            };
            booked.account.correct(0, &trade, PositionEffect::Open, None).unwrap();
            let (before, quantity) = (fill.price.to_string(), fill.quantity.to_string());
            run.correct((fill.order.0, fill.side), &quantity, &before, corrected, "0");
            if let Some(price) = trade.corrected {
                fill.price = price;
                booked.fills.push(fill);
            }
        }
        let held = booked.account.positions[0].quantity;
        if !hedges && held != Quantity::ZERO {
            let side = if held > Quantity::ZERO { Side::Sell } else { Side::Buy };
            run.fill_at(99, side, &held.abs().to_string(), "100", "0");
            booked.fill(99, side, &held.abs().to_string(), of("100"));
        }
        let report = run.report();
        // P&L is rounded to the cent where positions close, which is elsewhere once they are made again.
        let cents = Money(10_000_000 * (number as i128 + 1));
        let equity = booked.account.equity(&booked.markets);
        prop_assert!((report.equity.last - equity).abs() <= cents, "{} {equity}", report.equity.last);
        let trades: Money = report.trades.list.iter().map(|trade| trade.profit).sum();
        let all_closed = (report.result.total - trades).abs() <= cents;
        prop_assert!(hedges || all_closed, "{} {trades}", report.result.total);
        let held: i64 = report.open.iter().map(|one| one.quantity.0).sum();
        prop_assert_eq!(held, booked.account.positions[0].quantity.0);
        prop_assert_eq!(report.counts.fills as usize, booked.fills.len());
    }
}
