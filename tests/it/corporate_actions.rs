//! Do raw prices with splits and dividends come to the same as adjusted ones?

use std::path::Path;

use genovo_adapters::actions::read_factors;
use genovo_adapters::data::{self, DataSpec};
use genovo_adapters::scheduled::Scheduled;
use genovo_engine::engine::Engine;
use genovo_engine::event::*;
use genovo_engine::ids::InstrumentId;
use genovo_engine::run::run;
use genovo_engine::settings::*;
use genovo_engine::simulated::Simulated;
use genovo_engine::strategy::{Needs, Parameters, Proposal, Registry, Strategy, StrategyKind, View};
use genovo_engine::units::{Money, Nanoseconds, Quantity, SCALE, Timestamp};
use genovo_engine::world::Source;
use genovo_tests::repository;

const X: InstrumentId = InstrumentId(1);

/// Buys what is asked for at the first bar.
struct Hold {
    quantity: Quantity,
    bars: u32,
}

const HOLD: StrategyKind = StrategyKind {
    name: "hold",
    about: "buys at the first bar",
    parameters: &[],
    needs: Needs { sizes: false, quotes: false },
    trigger: Trigger::OnSignal,
    make: |parameters: &Parameters, _| {
        Ok(Box::new(Hold { quantity: parameters.quantity("quantity")?, bars: 0 }))
    },
};

impl Strategy for Hold {
    fn update(&mut self, event: &Event, _: &dyn View) -> bool {
        self.bars += u32::from(matches!(event.fact, Fact::BarReceived(_)));
        self.bars == 1 && matches!(event.fact, Fact::BarReceived(_))
    }

    fn decide(&mut self, _: &dyn View, proposal: &mut Proposal) {
        proposal.actions.push(Action::Target { instrument: X, quantity: self.quantity });
    }
}

/// The events of ten years of AAPL, held from the second day on.
fn held(file: &str, quantity: i64, actions: Vec<(Timestamp, CorporateAction)>) -> Vec<Event> {
    let mut settings = genovo_tests::gold();
    settings.bars = None;
    settings.account.cash = "1000000".parse().unwrap();
    settings.instruments[0].tick = "0.000001".parse().unwrap();
    settings.risk.max_per_trade = "1".parse().unwrap();
    settings.risk.max_total = "1".parse().unwrap();
    settings.risk.distance = RiskDistance::ShareOfPrice("0.1".parse().unwrap());
    settings.venue.slippage = Slippage::Ticks(0);
    settings.strategy = StrategySettings {
        kind: "hold".into(),
        parameters: [("quantity".to_string(), quantity.to_string())].into(),
    };
    let day = Nanoseconds::DAY;
    let known_after = Nanoseconds(16 * 3_600 * SCALE);
    settings.sources[0].kind = DataKind::Bars;
    let mut spec = DataSpec::new(X, DataKind::Bars);
    (spec.bar_interval, spec.bar_known_after) = (Some(day), Some(known_after));
    let data = data::open(&repository(file), &spec).unwrap().source;
    let sources: Vec<Box<dyn Source>> = vec![Box::new(Scheduled::new(data, X, None, actions))];
    let mut registry = Registry::default();
    registry.add(HOLD);
    let mut engine = Engine::new(settings.clone(), &registry).unwrap();
    let mut world = Simulated::new(&settings, engine.identity(WorldKind::Simulated), sources).unwrap();
    let mut events = Vec::new();
    run(&mut world, &mut events, &mut engine).unwrap();
    events
}

fn equity(events: &[Event]) -> Money {
    let Some(Fact::RunEnded(ended)) = events.last().map(|event| &event.fact) else { panic!("it ends") };
    ended.equity
}

#[test]
fn raw_prices_with_actions_come_to_what_adjusted_prices_and_dividends_come_to() {
    let factors =
        read_factors(Path::new(&repository("scenarios/data/corporate-actions/aapl_factors.csv"))).unwrap();
    let splits: Vec<_> = factors
        .iter()
        .copied()
        .filter(|(_, action)| matches!(action, CorporateAction::Split { .. }))
        .collect();
    let raw = "scenarios/data/aapl_usa_1d_raw_20110323-20210331.csv.zst";
    let adjusted = "scenarios/data/aapl_usa_1d_split_adjusted_20110323-20210331.csv.zst";
    let by_adjusted = held(adjusted, 2_800, Vec::new());
    let by_splits = held(raw, 100, splits);
    let by_all = held(raw, 100, factors);

    // The adjusted file's prices are rounded to 1e-6: 2,800 shares of half of that, and a cent of the fill.
    let rounding = Money(2_800 * 500 + 10_000_000);
    let apart = (equity(&by_splits) - equity(&by_adjusted)).abs();
    assert!(apart <= rounding, "{} and {}", equity(&by_splits), equity(&by_adjusted));

    // What every dividend paid, by hand: 100 shares before 2014-06-09, 700 before 2020-08-31, 2,800 since.
    let (mut shares, mut paid, mut seen) = (0, Money::ZERO, 0);
    for event in &by_all {
        match &event.fact {
            Fact::OrderFilled(_) => shares = 100,
            Fact::CorporateActionApplied(CorporateAction::Split { new, old }) => {
                shares = shares * i64::from(*new) / i64::from(*old);
            }
            Fact::CorporateActionApplied(CorporateAction::Dividend { amount }) => {
                paid += (*amount * Quantity(shares * SCALE)).round_to(2);
                seen += 1;
            }
            _ => {}
        }
    }
    assert_eq!((shares, seen), (2_800, 35));
    assert_eq!(equity(&by_all), equity(&by_splits) + paid);
    // As the company paid them, to the cent: 146.43 for each share of 2011.
    assert_eq!(paid, "14643".parse().unwrap());
}
