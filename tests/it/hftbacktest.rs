//! Do resting orders wait in our queues as long as in hftbacktest's, on the same recorded book?

use std::collections::BTreeMap;

use genovo_adapters::data::{self, DataSpec};
use genovo_engine::engine::Engine;
use genovo_engine::event::*;
use genovo_engine::ids::{InstrumentId, OrderId};
use genovo_engine::run::run;
use genovo_engine::settings::*;
use genovo_engine::simulated::Simulated;
use genovo_engine::strategy::{Needs, Parameters, Proposal, Registry, Strategy, StrategyKind, View};
use genovo_engine::units::{Nanoseconds, Price, Quantity};
use genovo_tests::{Rare, repository};

const X: InstrumentId = InstrumentId(1);
const STEP: Nanoseconds = Nanoseconds(500_000_000);
/// An order is cancelled so many steps after it was sent.
const LIFE: usize = 4;
/// What hftbacktest added to the recorder's clock, so that nothing arrives before it happened.
const CLOCK_OFFSET: Nanoseconds = Nanoseconds(1_270_932_936);

thread_local! {
    static SCRIPT: std::cell::RefCell<BTreeMap<i64, Vec<(Side, Price)>>> =
        const { std::cell::RefCell::new(BTreeMap::new()) };
}

/// Sends at each step what the peer sent.
struct Scripted {
    script: BTreeMap<i64, Vec<(Side, Price)>>,
}

impl Strategy for Scripted {
    fn update(&mut self, _: &Event, _: &dyn View) -> bool {
        false
    }

    fn decide(&mut self, view: &dyn View, proposal: &mut Proposal) {
        let now = view.now().0;
        let old: Vec<OrderId> = view.orders().working().map(|(order, _)| order).collect();
        for order in old {
            // Two a step, numbered from 1.
            let sent = (order.0 as usize - 1) / 2;
            let step = self.script.keys().position(|time| *time >= now).unwrap_or(self.script.len());
            if step >= sent + LIFE {
                proposal.actions.push(Action::Cancel { order });
            }
        }
        for (side, price) in self.script.get(&now).into_iter().flatten() {
            proposal.actions.push(Action::Submit {
                instrument: X,
                side: *side,
                kind: OrderKind::Limit { price: *price },
                time_in_force: TimeInForce::Gtc,
                quantity: "0.001".parse().unwrap(),
            });
        }
    }
}

const KIND: StrategyKind = StrategyKind {
    name: "scripted",
    about: "does what a test wants",
    parameters: &[],
    needs: Needs { sizes: false, quotes: true },
    trigger: Trigger::OnSignal,
    make: |_: &Parameters, _| Ok(Box::new(Scripted { script: SCRIPT.take() })),
};

struct Theirs {
    sent: i64,
    side: Side,
    price: Price,
    filled_at: Option<i64>,
}

fn theirs(model: &str) -> Vec<Theirs> {
    let text = std::fs::read_to_string(repository(&format!("tests/golden/hftbacktest/{model}.csv"))).unwrap();
    let row = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        Theirs {
            sent: cells[0].parse().unwrap(),
            side: if cells[1] == "buy" { Side::Buy } else { Side::Sell },
            price: cells[2].parse().unwrap(),
            filled_at: cells[4].parse().ok(),
        }
    };
    text.lines().skip(1).map(row).collect()
}

/// When each order was filled, by its number less 1.
fn ours(queue: QueueRule, orders: &[Theirs]) -> Vec<Option<i64>> {
    let mut settings = genovo_tests::gold();
    settings.bars = None;
    settings.trigger = Trigger::Every(STEP);
    settings.strategy = StrategySettings { kind: "scripted".into(), parameters: [].into() };
    settings.instruments[0].tick = "0.1".parse().unwrap();
    settings.instruments[0].lot = "0.001".parse().unwrap();
    settings.sources[0].kind = DataKind::Books;
    settings.risk.max_per_trade = "1".parse().unwrap();
    settings.risk.max_total = "1".parse().unwrap();
    settings.risk.min_position = "0".parse().unwrap();
    settings.risk.distance = RiskDistance::ShareOfPrice("0.01".parse().unwrap());
    settings.venue.latency = Nanoseconds::ZERO;
    settings.venue.queue = queue;
    let mut script: BTreeMap<i64, Vec<(Side, Price)>> = BTreeMap::new();
    for order in orders {
        script.entry(order.sent).or_default().push((order.side, order.price));
    }
    SCRIPT.set(script);
    let mut registry = Registry::default();
    registry.add(KIND);
    let mut engine = Engine::new(settings.clone(), &registry).unwrap();
    let path = repository("scenarios/data/btcusdt_usdm_depth_20240808.zst");
    let spec = DataSpec { clock_offset: CLOCK_OFFSET, ..DataSpec::new(X, DataKind::Books) };
    let source = data::open(&path, &spec).unwrap().source;
    let mut world = Simulated::new(&settings, engine.identity(WorldKind::Simulated), vec![source]).unwrap();
    let mut log = Rare::default();
    run(&mut world, &mut log, &mut engine).unwrap();
    let mut filled = vec![None; orders.len()];
    let mut submitted = 0;
    for event in &log.0 {
        match &event.fact {
            Fact::OrderSubmitted(_) => submitted += 1,
            Fact::OrderFilled(fill) => {
                assert_eq!(fill.quantity, "0.001".parse::<Quantity>().unwrap());
                filled[fill.order.0 as usize - 1] = Some(event.header.time_event.0);
            }
            _ => {}
        }
    }
    assert_eq!(submitted, orders.len());
    filled
}

/// How many orders end alike, and how many of those filled are filled by the same millisecond's message.
#[test]
fn orders_wait_as_long_as_in_hftbacktest() {
    let mut said = String::new();
    for (model, rule) in
        [("risk_averse", QueueRule::RiskAverse), ("power_2", QueueRule::Power(2)), ("log", QueueRule::Log)]
    {
        let theirs = theirs(model);
        let ours = ours(rule, &theirs);
        let (mut alike, mut filled, mut at_once, mut only_ours, mut only_theirs) = (0, 0, 0, 0, 0);
        for (ours, theirs) in ours.iter().zip(&theirs) {
            match (ours, theirs.filled_at) {
                (Some(ours), Some(theirs)) => {
                    filled += 1;
                    alike += 1;
                    at_once += i32::from(*ours == theirs);
                }
                (None, None) => alike += 1,
                (Some(_), None) => only_ours += 1,
                (None, Some(_)) => only_theirs += 1,
            }
        }
        let line = format!(
            "{model}: {} orders, {alike} alike, {filled} filled by both, {at_once} of them at the same time, \
             {only_ours} by ours only, {only_theirs} by theirs only\n",
            theirs.len()
        );
        said.push_str(&line);
        assert!(alike * 100 >= 90 * theirs.len(), "{line}");
    }
    let golden = repository("tests/golden/hftbacktest/agreement.txt");
    if std::env::var_os("GENOVO_BLESS").is_some() {
        std::fs::write(&golden, &said).unwrap();
    }
    assert_eq!(said, std::fs::read_to_string(&golden).unwrap_or_default(), "GENOVO_BLESS=1 writes it anew");
}
