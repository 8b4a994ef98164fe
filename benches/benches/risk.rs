//! What do the rules cost: all of them together for one order, and between orders for one tick?
//!
//! One order of eight instruments with positions in all of them, every control on, allowed by all and reduced by some;
//! and the inputs of a run over 66,089 quotes of BTCUSDT without a strategy, with no control and with every control.
//! `cargo bench -p genovo-benches --bench risk`

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use genovo_benches::{btcusdt, csv, inputs};
use genovo_engine::account::Account;
use genovo_engine::engine::Engine;
use genovo_engine::event::{Event, Fill, Liquidity, OrderKind, PositionEffect, Quote, Side};
use genovo_engine::ids::{InstrumentId, OrderId};
use genovo_engine::market::Market;
use genovo_engine::order::Orders;
use genovo_engine::risk::{Request, Risk};
use genovo_engine::settings::{Instrument, Settings};
use genovo_engine::strategy::Registry;
use genovo_engine::units::{Money, Nanoseconds, Price, Quantity, SCALE, Timestamp};

/// Every control, as wide as nothing of it bites.
const EVERY_CONTROL: [&str; 22] = [
    "risk.max_order_value=1,000,000,000",
    "risk.max_order_quantity=1,000,000",
    "risk.price_collar=50 %",
    "risk.max_order_rate=100000 per 1 s",
    "risk.max_executions=100000 per 1 s",
    "risk.duplicate_within=1 ms",
    "risk.stale_after=1 day",
    "risk.prevent_self_trade=true",
    "risk.max_position=1,000,000,000",
    "risk.max_gross_exposure=1,000,000,000",
    "risk.max_net_exposure=1,000,000,000",
    "risk.max_leverage=1,000",
    "risk.max_margin=100 %",
    "risk.max_correlated=1,000",
    "risk.max_var=100 %",
    "risk.max_cvar=100 %",
    "risk.soft_drawdown=98 %",
    "risk.hard_drawdown=99 %",
    "risk.max_daily_loss=99 %",
    "risk.stress_at=1,000",
    "risk.fixed_fraction=1,000",
    "risk.sample=1 min",
];

/// Eight instruments with positions, warmed up; and the settings of them.
fn desk(sets: &[&str]) -> (Settings, Risk, Account, Vec<Market>) {
    let mut settings = btcusdt(sets);
    settings.account.cash = Money(i128::from(SCALE) * 100_000_000);
    let one = settings.instruments[0].clone();
    for number in 2..=8 {
        settings.instruments.push(Instrument { symbol: format!("X{number}"), ..one.clone() });
    }
    let (mut risk, mut account) = (Risk::new(&settings), Account::new(&settings));
    let mut markets = vec![Market::default(); 8];
    for minute in 0..200_i64 {
        let now = Timestamp(minute * 60 * SCALE);
        risk.before_market(now, &markets);
        for (index, market) in markets.iter_mut().enumerate() {
            let price = Price((60_000 + minute * (7 + index as i64) % 101) * SCALE);
            market.quote = Some(Quote { bid: price, ask: price, bid_size: None, ask_size: None });
        }
        for index in 0..8 {
            risk.after_market(index, now, &account, &markets);
        }
    }
    for (index, market) in markets.iter().enumerate() {
        let fill = Fill {
            order: OrderId(1),
            side: if index % 2 == 0 { Side::Buy } else { Side::Sell },
            price: market.quote.expect("quoted").bid,
            quantity: one.lot,
            remaining: Quantity::ZERO,
            liquidity: Liquidity::Taker,
            commission: Money::ZERO,
            bid: None,
            ask: None,
            rate: None,
        };
        account.fill(index, &fill, PositionEffect::Open, None).expect("a small position");
    }
    (settings, risk, account, markets)
}

fn an_order(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("risk of an order");
    let tight: Vec<&str> = EVERY_CONTROL.iter().copied().chain(["risk.max_leverage=0.01"]).collect();
    for (name, sets, lots) in [
        ("no control", &[][..], 2),
        ("every control, allowed", &EVERY_CONTROL[..], 2),
        ("every control, reduced", &tight[..], 100_000),
    ] {
        let (settings, risk, account, markets) = desk(sets);
        let orders = Orders::default();
        let now = Timestamp(200 * 60 * SCALE) + Nanoseconds(1);
        let quantity = Quantity(settings.instruments[0].lot.0 * lots);
        let request = Request::new(InstrumentId(1), Side::Buy, OrderKind::Market, quantity);
        let verdict = risk.assess(&request, &settings, &account, &markets, &orders, now);
        println!("{name}: {} by {:?}, {} rules", verdict.outcome.name(), verdict.rule, verdict.rules.len());
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let request = black_box(&request);
                black_box(risk.assess(request, &settings, &account, &markets, &orders, now))
            });
        });
    }
    group.finish();
}

/// All inputs applied once: how long it took.
fn apply(settings: &Settings, inputs: &[Event]) -> Duration {
    let mut engine = Engine::new(settings.clone(), &Registry::default()).expect("good settings");
    let began = Instant::now();
    for input in inputs {
        black_box(engine.apply(input).expect("a good run"));
    }
    began.elapsed()
}

fn a_tick(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("tick without an order");
    let flat = ["strategy.kind=flat"];
    let every: Vec<&str> = flat.iter().copied().chain(EVERY_CONTROL).collect();
    for (name, sets) in [("no control", &flat[..]), ("every control", &every[..])] {
        let settings = btcusdt(sets);
        let (inputs, _) = inputs(&settings, csv(1));
        group.throughput(Throughput::Elements(inputs.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|rounds| (0..rounds).map(|_| apply(&settings, &inputs)).sum());
        });
    }
    group.finish();
}

criterion_group!(benches, an_order, a_tick);
criterion_main!(benches);
