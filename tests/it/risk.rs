//! Can an order that may never be filled make room for one that will be?

use genovo_engine::engine::Engine;
use genovo_engine::event::*;
use genovo_engine::ids::InstrumentId;
use genovo_engine::run::run;
use genovo_engine::settings::{RiskDistance, Settings, StrategySettings, Trigger};
use genovo_engine::simulated::Simulated;
use genovo_engine::strategy::{
    Needs, ParameterError, Parameters, Proposal, Registry, Strategy, StrategyKind, View,
};
use genovo_engine::units::{Price, Quantity, SCALE, Timestamp};
use genovo_engine::world::MemorySource;
use genovo_tests::Rare;

const GOLD: InstrumentId = InstrumentId(1);

fn ounces(quantity: i64) -> Quantity {
    Quantity(quantity * SCALE)
}

/// Rests a sell far away, if it is told to, and buys at the next tick.
struct Hedged {
    rests: bool,
    tick: u32,
}

fn hedged(parameters: &Parameters, _: &Settings) -> Result<Box<dyn Strategy>, ParameterError> {
    Ok(Box::new(Hedged { rests: parameters.text("rests")? == "yes", tick: 0 }))
}

impl Strategy for Hedged {
    fn update(&mut self, event: &Event, _: &dyn View) -> bool {
        self.tick += u32::from(event.fact.kind().is_market());
        false
    }

    fn decide(&mut self, _: &dyn View, proposal: &mut Proposal) {
        let submit = |side, kind, quantity| Action::Submit {
            instrument: GOLD,
            side,
            kind,
            time_in_force: TimeInForce::Gtc,
            quantity: ounces(quantity),
        };
        proposal.actions.extend(match self.tick {
            1 if self.rests => Some(submit(Side::Sell, OrderKind::Limit { price: Price(9_000 * SCALE) }, 10)),
            2 => Some(submit(Side::Buy, OrderKind::Market, 1_000)),
            _ => None,
        });
    }
}

/// The quantities of the orders that risk let through, and the final position by their fills.
fn session(rests: bool) -> (Vec<Quantity>, i64) {
    let mut settings = genovo_tests::gold();
    settings.bars = None;
    settings.trigger = Trigger::EveryTick;
    settings.risk.distance = RiskDistance::ShareOfPrice("0.01".parse().unwrap());
    let rests = if rests { "yes" } else { "no" };
    settings.strategy =
        StrategySettings { kind: "hedged".into(), parameters: [("rests".into(), rests.into())].into() };
    let quote = |second: i64| {
        let (bid, ask) = (Price(1_000 * SCALE), Price(1_000 * SCALE + SCALE / 10));
        let fact = Fact::QuoteChanged(Quote { bid, ask, bid_size: None, ask_size: None });
        Event::unnumbered(Timestamp(second * SCALE), Timestamp(second * SCALE), GOLD, fact)
    };
    let mut registry = Registry::default();
    registry.add(StrategyKind {
        name: "hedged",
        about: "a resting sell, then a buy",
        parameters: &[],
        needs: Needs::default(),
        trigger: Trigger::EveryTick,
        make: hedged,
    });
    let mut engine = Engine::new(settings.clone(), &registry).unwrap();
    let source = Box::new(MemorySource::new((1..5).map(quote).collect()));
    let mut world = Simulated::new(&settings, engine.identity(WorldKind::Simulated), vec![source]).unwrap();
    let mut log = Rare::default();
    run(&mut world, &mut log, &mut engine).unwrap();
    let (mut orders, mut position) = (Vec::new(), 0);
    for event in log.0 {
        match event.fact {
            Fact::OrderSubmitted(order) => orders.push(order.quantity),
            Fact::OrderFilled(fill) => position += fill.quantity.0 * fill.side.sign(),
            _ => {}
        }
    }
    (orders, position)
}

/// 2 % of 100,000 over 1 % of 1,000.1 are 199 ounces, with a sell far away or without.
#[test]
fn a_resting_sell_makes_no_room_for_a_buy() {
    assert_eq!(session(false), (vec![ounces(199)], ounces(199).0));
    assert_eq!(session(true), (vec![ounces(10), ounces(199)], ounces(199).0));
}
