//! Positions, trades, costs and falls.

use genovo_engine::event::*;
use genovo_engine::ids::{Hash, OrderId, StrategyId};
use genovo_engine::units::{FIXED_MAX, Money, Price, Quantity, Timestamp};

use proptest::prelude::*;

use super::kit::{NOON, Run, of, settings};

fn money(text: &str) -> Money {
    of(text)
}

#[test]
fn a_long_trade_buys_at_the_ask_and_sells_at_the_bid() {
    let mut run = Run::new();
    run.quote("99", "101").order(1, Side::Buy, "10").quote("99", "101").fill(1, Side::Buy, "10", "1.50");
    run.quote("96", "98").quote("107", "109").order(2, Side::Sell, "10").fill(2, Side::Sell, "10", "1.50");
    let report = run.quote("50", "52").report();
    // (107 − 101) × 10 − 3 = 57; the spread is twice 1 × 10.
    assert_eq!(report.equity.last, money("10057"));
    assert_eq!(report.result.spread, money("20"));
    assert_eq!(report.result.commission, money("3"));
    assert_eq!(report.result.before_costs, money("80"));
    assert_eq!(report.result.slippage, Money::ZERO);
    let trade = &report.trades.list[0];
    assert_eq!((trade.order_in, trade.order_out), (OrderId(1), OrderId(2)));
    assert_eq!((trade.price_in, trade.price_out), (of("101"), of("107")));
    assert_eq!((trade.side, trade.quantity), (Side::Buy, of("10")));
    // At 96: (96 − 101) × 10 − 1.50; at 107: 60 − 1.50.
    assert_eq!((trade.worst_mark, trade.best_mark), (money("-51.50"), money("58.50")));
    assert_eq!(trade.profit, money("57"));
    assert_eq!((report.trades.won, report.trades.lost, report.trades.profit_factor), (1, 0, None));
    assert_eq!(report.trades.best.unwrap().order, OrderId(1));
    // The peak is the start; the deepest mark is 10,000 − 1.50 − 50.
    assert_eq!((report.drawdown.peak, report.drawdown.trough), (money("10000"), money("9948.50")));
    assert_eq!(report.drawdown.trough_time.0, Timestamp((NOON + 3) * 1_000_000_000));
    assert!((report.drawdown.share - 0.005_15).abs() < 1e-12);
    // Held from second 2 to second 4 of 1 to 5.
    assert!((report.activity.time_in_market - 0.5).abs() < 1e-12);
    assert_eq!(report.activity.turnover, money("2080"));
    assert!(report.open.is_empty());
    // Buy-and-hold: 101 to 50.
    assert!((report.buy_and_hold.unwrap().change + 51.0 / 101.0).abs() < 1e-12);
}

/// An order is measured from the market that it saw: what the market did on its way counts, and so do half spreads.
#[test]
fn fills_are_held_against_the_market_at_sending() {
    let mut run = Run::new();
    // The middle is 100; it is filled at 103 after the market went up: 3 × 10.
    run.quote("99", "101").order(1, Side::Buy, "10").quote("101", "103").fill(1, Side::Buy, "10", "0");
    // The middle is 102; sold at 104, better by 2 × 10.
    run.order(2, Side::Sell, "10").quote("104", "106").fill(2, Side::Sell, "10", "0");
    let quality = run.report().fill_quality;
    let market = quality.by_kind["market"];
    assert_eq!((quality.by_kind.len(), quality.without_arrival), (1, 0));
    assert_eq!((market.fills, market.better), (2, 0.5));
    assert_eq!((market.shortfall, market.notional), (money("10"), money("2020")));
    assert!((market.basis_points - 10.0 / 2_020.0 * 1e4).abs() < 1e-9);
    assert!((market.worst_basis_points - 300.0).abs() < 1e-9);
    // Without a quote there is nothing to hold it against.
    let mut run = Run::new();
    run.order(1, Side::Buy, "10").quote("99", "101").fill(1, Side::Buy, "10", "0");
    let quality = run.report().fill_quality;
    assert_eq!((quality.by_kind.len(), quality.without_arrival), (0, 1));
}

#[test]
fn a_fill_that_turns_the_position_ends_one_trade_and_begins_the_next() {
    let mut run = Run::new();
    run.quote("100", "100.5").order(1, Side::Sell, "5").fill(1, Side::Sell, "5", "5");
    run.quote("110", "110.5").order(2, Side::Buy, "8").fill(2, Side::Buy, "8", "8");
    let report = run.quote("120", "120.5").report();
    // Short 5 from 100 to 110.5: −52.50, commission 5 and five eighths of 8.
    let trade = &report.trades.list[0];
    assert_eq!(trade.profit, money("-62.50"));
    assert_eq!(trade.commission, money("10"));
    assert_eq!((trade.side, trade.order_in, trade.order_out), (Side::Sell, OrderId(1), OrderId(2)));
    assert_eq!(trade.worst_mark, money("-62.50"));
    assert_eq!(trade.best_mark, Money::ZERO);
    // Long 3 from 110.5, marked at the bid 120: 28.50 before its commission of 3.
    let open = &report.open[0];
    assert_eq!((open.quantity, open.price_in, open.mark), (of("3"), of("110.5"), of("120")));
    assert_eq!((open.profit, open.order_in, open.marked_at.as_str()), (money("28.50"), OrderId(2), "bid"));
    assert_eq!(report.equity.last, money("10000") - money("62.50") + money("28.50") - money("3"));
}

#[test]
fn adding_averages_and_partial_closes_leave_the_average() {
    let mut run = Run::new();
    run.quote("10", "10").fill(1, Side::Sell, "100", "0").quote("12", "12").fill(2, Side::Sell, "300", "0");
    run.quote("11", "11").fill(3, Side::Buy, "100", "0.07").quote("9", "9");
    let report = run.fill(4, Side::Buy, "100", "0").quote("9.50", "9.75").report();
    // Average 11.50: 0.50 × 100 and 2.50 × 100 realised, 1.75 × 200 open.
    let open = &report.open[0];
    assert_eq!((open.quantity, open.price_in, open.marked_at.as_str()), (of("-200"), of("11.5"), "ask"));
    assert_eq!(open.profit, money("350"));
    assert_eq!(report.equity.last, money("10649.93"));
    assert_eq!(report.trades.closed, 0);
    let report = {
        let mut run = Run::new();
        run.quote("10", "10").fill(1, Side::Sell, "100", "0").quote("12", "12").fill(
            2,
            Side::Sell,
            "300",
            "0",
        );
        run.quote("11", "11")
            .fill(3, Side::Buy, "100", "0")
            .quote("9", "9")
            .fill(4, Side::Buy, "300", "0")
            .report()
    };
    let trade = &report.trades.list[0];
    assert_eq!((trade.price_in, trade.price_out), (of("11.5"), of("9.5")));
    assert_eq!((trade.quantity, trade.profit), (of("400"), money("800")));
    assert_eq!((trade.order_in, trade.order_out), (OrderId(1), OrderId(4)));
}

#[test]
fn a_multiplier_scales_money_and_leaves_prices() {
    let mut settings = settings();
    settings.instruments[0].multiplier = of("50");
    let mut run = Run::with(&settings);
    run.quote("100", "102").fill(1, Side::Buy, "2", "4").quote("110", "112").fill(2, Side::Sell, "2", "4");
    let report = run.report();
    assert_eq!(report.equity.last, money("10792"));
    assert_eq!(report.result.spread, money("200"));
    assert_eq!((report.trades.list[0].price_in, report.trades.list[0].price_out), (of("102"), of("110")));
}

#[test]
fn slippage_is_what_lies_beyond_the_touch_and_a_resting_order_earns_the_spread() {
    let mut run = Run::new();
    run.quote("100", "102").order(1, Side::Buy, "10").quote("101", "103");
    run.fill_at(1, Side::Buy, "10", "103.25", "0");
    let report = run.fill_at(2, Side::Sell, "10", "103", "0").report();
    // Middle 102: the buy pays 1 × 10 and 0.25 × 10 beyond; the sale rests at the ask and earns 1 × 10.
    assert_eq!(report.result.slippage, money("2.50"));
    assert_eq!(report.result.spread, Money::ZERO);
    assert_eq!(report.result.before_costs, Money::ZERO);
    // The ask rose by 1 while order 1 was under way.
    assert_eq!(report.result.under_way, money("10"));
}

#[test]
fn two_instruments_share_one_account() {
    let mut settings = settings();
    let mut silver = settings.instruments[0].clone();
    silver.symbol = "SILVER".to_string();
    settings.instruments.push(silver);
    let mut run = Run::with(&settings);
    run.quote("100", "100").fill(1, Side::Buy, "10", "0").on(2).quote("20", "20").fill(
        2,
        Side::Sell,
        "50",
        "0",
    );
    run.on(1).quote("90", "90").on(2).quote("18", "18").fill(3, Side::Buy, "50", "0").on(1).quote("95", "95");
    let report = run.report();
    // Gold: −50 open; silver: +100 closed. The lowest mark is −100, before silver fell.
    assert_eq!(report.equity.last, money("10050"));
    assert_eq!(report.drawdown.trough, money("9900"));
    assert_eq!(
        (report.trades.list[0].instrument.as_str(), report.trades.list[0].profit),
        ("SILVER", money("100"))
    );
    assert_eq!((report.open[0].instrument.as_str(), report.open[0].profit), ("GOLD", money("-50")));
    assert_eq!(report.curves.prices.len(), 2);
    // Net exposure: 10 × 90 − 50 × 20 of 9,900 at most, and 10 × 100 of 10,000 before.
    assert!((report.activity.exposure_max - 0.1).abs() < 1e-9);
    assert!(crate::report::html::page(&report).contains("<option value=1>SILVER</option>"));
}

#[test]
fn a_fill_of_nothing_changes_nothing() {
    let mut run = Run::new();
    let report = run.quote("100", "101").fill(1, Side::Buy, "0", "0").report();
    assert_eq!((report.equity.last, report.trades.closed), (money("10000"), 0));
}

#[test]
fn a_dropped_quote_marks_nothing_and_a_kept_one_does() {
    let mut run = Run::new();
    run.quote("100", "101").fill(1, Side::Buy, "10", "0");
    run.quote("1", "0.5").flag(Flaw::Crossed, FlawAction::Drop, 500_000_000);
    run.quote("99", "99").flag(Flaw::Locked, FlawAction::Keep, 0);
    let report = run.report();
    assert_eq!(report.drawdown.trough, money("9980"));
    assert_eq!(report.data.found("crossed"), 1);
    assert_eq!(report.data.flaws["crossed"].dropped, 1);
    assert_eq!(report.data.flaws["locked"].kept, 1);
    assert!(report.data.sizes_absent);
}

#[test]
fn without_quotes_the_last_price_marks() {
    let mut run = Run::new();
    let price = |text: &str| Fact::TradePrinted(Trade { price: of(text), size: None, aggressor: None });
    run.input(price("100")).fill_at(1, Side::Buy, "10", "100", "1").at(60).input(price("98"));
    let close = of::<Price>("97");
    let bar = Bar { open_time: Timestamp(0), open: close, high: close, low: close, close, volume: None };
    let report = run.at(120).input(Fact::BarReceived(bar)).report();
    assert_eq!(report.equity.last, money("9969"));
    assert_eq!(report.open[0].marked_at, "last");
    assert_eq!(report.result.fills_without_quote, 1);
    assert_eq!((report.result.spread, report.result.before_costs), (Money::ZERO, money("-30")));
    assert!(!report.data.sizes_absent);
}

#[test]
fn risk_names_the_orders_that_it_changed() {
    let mut run = Run::new();
    run.quote("100", "101").order(1, Side::Buy, "10").quote("100", "101");
    run.verdict(Outcome::Reduced, Some(Rule::PerTradeRisk), Side::Buy, "50", "40").submit(2, Side::Buy, "40");
    run.quote("100", "101");
    run.verdict(Outcome::Denied, Some(Rule::TotalRisk), Side::Sell, "9", "0").deny(3, Rule::TotalRisk);
    let risk = run.report().risk;
    assert_eq!((risk.assessed, risk.allowed, risk.reduced, risk.denied), (3, 1, 1, 1));
    assert_eq!(risk.by_rule["per_trade_risk"].reduced, 1);
    assert_eq!(risk.by_rule["total_risk"].denied, 1);
    let orders: Vec<_> = risk.interventions.iter().map(|one| one.order.unwrap().0).collect();
    assert_eq!(orders, [2, 3]);
    assert_eq!((risk.interventions[0].asked, risk.interventions[0].granted), (of("50"), of("40")));
    assert_eq!(risk.interventions[0].would_take, Some(money("249.50")));
}

#[test]
fn the_engines_last_equity_counts_and_a_difference_is_said() {
    let mut run = Run::new();
    run.quote("100", "101").fill(1, Side::Buy, "1", "0");
    let ended = RunEnded {
        inputs: 2,
        derived: 1,
        decisions: 0,
        orders: 1,
        fills: 1,
        equity: of("9998"),
        state_hash: Hash([3; 32]),
    };
    let report = run.derived(Fact::RunEnded(Box::new(ended))).report();
    assert_eq!(report.equity.last, money("9998"));
    assert_eq!(report.equity.unexplained, money("-1"));
    assert_eq!(report.identity.state_hash, Some(Hash([3; 32])));
    assert_eq!(report.counts.fills, 1);
    assert_eq!(report.open[0].quantity, of::<Quantity>("1"));
}

#[test]
fn every_tick_of_ten_million_counts_and_the_curves_stay_small() {
    let mut run = Run::new();
    run.quote("100", "100.1").fill(1, Side::Buy, "10", "0");
    let ask: Price = of("200");
    for i in 0..10_000_000_i64 {
        let cents = if i == 7_654_321 { 4_000 } else { 10_000 + i % 100 };
        run.quote_of(Price(cents * 10_000_000), ask);
    }
    let report = run.report();
    assert_eq!(report.drawdown.trough, money("9399"));
    let curves = &report.curves;
    for curve in [&curves.equity, &curves.exposure, &curves.prices["GOLD"]] {
        assert!(curve.time.len() <= crate::report::curve::BUCKETS_MAX);
        assert!(curve.time.is_sorted());
    }
    assert!(curves.equity.low.contains(&9399.0));
    assert_eq!(report.counts.quotes, 10_000_001);
    assert_eq!(report.returns.days.len(), 117);
}

/// A position that is never flat trades more than a quantity can be, a thousand times over.
#[test]
fn what_a_trade_took_in_and_gave_out_has_no_end() {
    let mut run = Run::new();
    run.quote("0.01", "0.01").fill(1, Side::Buy, "1", "0");
    for number in 0..1_000 {
        run.fill(2 + 2 * number, Side::Buy, "4000000000", "0").fill(
            3 + 2 * number,
            Side::Sell,
            "4000000000",
            "0",
        );
    }
    let report = run.quote("0.02", "0.02").fill(9_999, Side::Sell, "1", "0").report();
    let trade = &report.trades.list[0];
    assert_eq!((trade.quantity, trade.price_in, trade.profit), (of("4000000001"), of("0.01"), money("0.01")));
}

/// 10²¹ of a currency are beyond what the report counts to 1e-18: nothing panics, nothing wraps, and it is said.
#[test]
fn an_account_beyond_every_sum_is_said_to_be() {
    let mut settings = settings();
    settings.account.cash = money("1000000000000000000000");
    let mut run = Run::with(&settings);
    run.quote("100", "100").fill(1, Side::Buy, "10", "0");
    let ended = RunEnded {
        inputs: 2,
        derived: 1,
        decisions: 0,
        orders: 1,
        fills: 1,
        equity: settings.account.cash,
        state_hash: Hash([3; 32]),
    };
    let report = run.derived(Fact::RunEnded(Box::new(ended))).sums();
    assert_eq!((report.equity.last, report.result.total), (settings.account.cash, Money::ZERO));
    assert!(report.equity.unexplained > money("800000000000000000000"));
    let text =
        crate::report::terminal::summary(&report, &Default::default(), crate::report::terminal::Colour::Off);
    assert!(text.contains("! the engine's equity differs from the sum of fills and marks"), "{text}");
}

/// 32,768 times the largest amount is more than 128 bits: sums end before.
#[test]
fn no_number_of_fills_is_too_much_for_a_report() {
    let mut settings = settings();
    settings.instruments[0].multiplier = Quantity(FIXED_MAX);
    let quantity = Quantity(FIXED_MAX).to_string();
    let commission = Money(Money::MAX.0 - 1).to_string();
    for turns in [false, true] {
        let mut run = Run::with(&settings);
        run.quote_of(Price(1), Price(FIXED_MAX));
        for order in 1..=40_000 {
            let side = if turns && order % 2 == 0 { Side::Sell } else { Side::Buy };
            run.fill(order, side, &quantity, &commission);
        }
        let report = run.sums();
        assert_eq!((report.counts.fills, report.trades.closed), (40_000, if turns { 20_000 } else { 0 }));
        assert!(report.equity.last < Money::ZERO);
    }
}

proptest! {
    /// Prices, quantities, multipliers and cash up to the largest there are, in both kinds of account.
    #[test]
    fn no_amount_is_too_much_for_a_report(
        hedges: bool,
        cash in 1..=Money::MAX.0,
        multiplier in 1..=FIXED_MAX,
        fills in proptest::collection::vec((proptest::bool::ANY, 1..=FIXED_MAX, 1..=FIXED_MAX, 1..=FIXED_MAX), 1..12),
    ) {
        let mut settings = settings();
        settings.account.cash = Money(cash);
        settings.instruments[0].multiplier = Quantity(multiplier);
        if hedges {
            settings.account.positions = genovo_engine::settings::PositionMode::Hedging;
        }
        let mut run = Run::live(&settings);
        let mut held = 0_i64;
        for (order, (buys, low, high, quantity)) in (1..).zip(fills) {
            let (bid, ask) = (Price(low.min(high)), Price(low.max(high)));
            let side = if buys { Side::Buy } else { Side::Sell };
            // As far as there can be such a position.
            let quantity = quantity.min(FIXED_MAX - held * side.sign());
            held += quantity * side.sign();
            let quantity = Quantity(quantity).to_string();
            run.quote_of(ask, ask).order(order, side, &quantity).quote_of(bid, ask);
            run.fill(order, side, &quantity, "0");
        }
        let report = run.quote_of(Price(1), Price(FIXED_MAX)).sums();
        let result = &report.result;
        let parts = result.before_costs - result.spread - result.slippage - result.commission;
        proptest::prop_assert_eq!(parts, result.total);
        crate::report::html::page(&report);
    }
}

/// One number of an event, whichever: what another program sealed must not end this one.
#[derive(Clone, Copy, Debug)]
struct Any {
    what: u8,
    buys: bool,
    numbers: [i64; 4],
    amounts: [i128; 2],
}

fn any_number() -> impl Strategy<Value = i64> {
    prop_oneof![any::<i64>(), Just(i64::MAX), Just(i64::MIN), 1..=FIXED_MAX, 0..1_000_000_000_000_i64]
}

fn any_amount() -> impl Strategy<Value = i128> {
    prop_oneof![any::<i128>(), Just(i128::MAX), Just(i128::MIN), any_number().prop_map(i128::from)]
}

fn any_event() -> impl Strategy<Value = Any> {
    let numbers = [any_number(), any_number(), any_number(), any_number()];
    (0_u8..7, any::<bool>(), numbers, [any_amount(), any_amount()])
        .prop_map(|(what, buys, numbers, amounts)| Any { what, buys, numbers, amounts })
}

proptest! {
    #[test]
    fn whatever_was_sealed_is_reported(
        hedges: bool,
        cash in any_amount(),
        multiplier in any_number(),
        events in proptest::collection::vec(any_event(), 0..24),
    ) {
        let mut settings = settings();
        settings.account.cash = Money(cash);
        settings.instruments[0].multiplier = Quantity(multiplier);
        if hedges {
            settings.account.positions = genovo_engine::settings::PositionMode::Hedging;
        }
        let mut run = Run::live(&settings);
        for (order, Any { what, buys, numbers: [one, two, three, four], amounts }) in (1..).zip(events) {
            let side = if buys { Side::Buy } else { Side::Sell };
            let [price, other] = [one, two].map(Price);
            run.at(order as i64);
            match what {
                0 => run.quote_of(price, other),
                1 => run.input(Fact::TradePrinted(Trade { price, size: None, aggressor: None })),
                2 | 3 => {
                    run.derived(Fact::OrderSubmitted(Box::new(Order {
                        order: OrderId(order),
                        side,
                        kind: if what == 2 { OrderKind::Market } else { OrderKind::Limit { price: other } },
                        time_in_force: TimeInForce::Gtc,
                        quantity: Quantity(three),
                        bid: Some(Price(four)),
                        ask: Some(Price(amounts[1] as i64)),
                        position: Quantity(three),
                        terms: Terms::default(),
                        strategy: StrategyId::NONE,
                        closes: OrderId::NONE,
                    })));
                    run.derived(Fact::OrderFilled(Box::new(Fill {
                    order: OrderId(order),
                    side,
                    price,
                    quantity: Quantity(three),
                    remaining: Quantity(four),
                    liquidity: Liquidity::Taker,
                    commission: Money(amounts[0]),
                    bid: Some(other),
                    ask: buys.then_some(Price(four)),
                    rate: None,
                    })))
                }
                4 => run.input(Fact::TradeCorrected(Box::new(TradeCorrected {
                    order: OrderId(order / 2),
                    side,
                    quantity: Quantity(three),
                    price,
                    corrected: buys.then_some(other),
                    commission: Money(amounts[0]),
                }))),
                5 => run.act(match buys {
                    true => CorporateAction::Split { new: one as u32, old: two as u32 },
                    false => CorporateAction::Dividend { amount: price },
                }),
                _ => run.input(Fact::FinancingCharged(Box::new(FinancingCharged {
                    rollover: Timestamp(one),
                    days: two as u32,
                    days_in_year: 360,
                    yearly: Default::default(),
                    borrow_yearly: Default::default(),
                    quantity: Quantity(three),
                    price: Price(four),
                    rate: None,
                    value: Money(amounts[0]),
                    financing: Money(amounts[0]),
                    borrow: Money(amounts[1]),
                    position: OrderId::NONE,
                }))),
            };
        }
        let ended = RunEnded {
            inputs: 2,
            derived: 1,
            decisions: 0,
            orders: 1,
            fills: 1,
            equity: Money(cash / 3),
            state_hash: Hash([3; 32]),
        };
        let report = run.derived(Fact::RunEnded(Box::new(ended))).sums();
        crate::report::html::page(&report);
        crate::report::terminal::summary(&report, &Default::default(), crate::report::terminal::Colour::Off);
    }
}
