//! Does holding a position cost what it must, and does an account without margin lose its largest losses first?

use genovo_engine::engine::Engine;
use genovo_engine::event::*;
use genovo_engine::ids::InstrumentId;
use genovo_engine::run::run;
use genovo_engine::settings::*;
use genovo_engine::simulated::Simulated;
use genovo_engine::strategy::{
    Needs, ParameterError, Parameters, Proposal, Registry, Strategy, StrategyKind, View,
};
use genovo_engine::units::{Money, Nanoseconds, Price, Quantity, SCALE, Timestamp};
use genovo_engine::world::{MemorySource, Source};

const HOUR: i64 = 3_600 * SCALE;
/// Monday, 2014-05-05, 00:00 UTC.
const MONDAY: i64 = 1_399_248_000 * SCALE;

/// Holds what its parameters say from the first decision on, and keeps asking for it.
struct Holder(Vec<i64>);

genovo_engine::state! { Holder { 0 } }

const HOLDER: StrategyKind = StrategyKind {
    name: "holder",
    about: "holds so much of each instrument",
    parameters: &[],
    needs: Needs { sizes: false, quotes: false },
    trigger: Trigger::EveryTick,
    make: holder,
};

fn holder(parameters: &Parameters, _: &Settings) -> Result<Box<dyn Strategy>, ParameterError> {
    let quantities = parameters.text("hold")?.split(' ').map(|text| text.parse().unwrap()).collect();
    Ok(Box::new(Holder(quantities)))
}

impl Strategy for Holder {
    fn update(&mut self, _: &Event, _: &dyn View) -> bool {
        false
    }

    fn decide(&mut self, view: &dyn View, proposal: &mut Proposal) {
        let instrument = view.instrument();
        let quantity = Quantity(self.0[instrument.index().unwrap()] * SCALE);
        if view.position_with_working_orders(instrument) != quantity {
            proposal.actions.push(Action::Target { instrument, quantity });
        }
    }

    fn state(&self) -> Option<&dyn genovo_engine::state::State> {
        Some(self)
    }

    fn state_mut(&mut self) -> Option<&mut dyn genovo_engine::state::State> {
        Some(self)
    }
}

/// So many instruments of a lot of 1, an account of 10,000 at 1 % margin, limits that never bind.
fn settings(instruments: u32, hold: &str) -> Settings {
    let mut settings = genovo_tests::gold();
    settings.bars = None;
    settings.account.cash = "10000".parse().unwrap();
    settings.trigger = Trigger::EveryTick;
    settings.strategy =
        StrategySettings { kind: "holder".into(), parameters: [("hold".into(), hold.into())].into() };
    let (instrument, source) = (settings.instruments.remove(0), settings.sources.remove(0));
    for number in 1..=instruments {
        settings.instruments.push(Instrument { symbol: format!("X{number}"), ..instrument.clone() });
        settings.sources.push(SourceSettings { instrument: InstrumentId(number), ..source.clone() });
    }
    settings.risk.max_per_trade = "1".parse().unwrap();
    settings.risk.max_total = "1".parse().unwrap();
    settings.risk.min_position = Money::ZERO;
    settings.risk.distance = RiskDistance::ShareOfPrice("0.001".parse().unwrap());
    settings.venue.latency = Nanoseconds::ZERO;
    settings
}

fn quote(instrument: u32, time: i64, price: &str) -> Event {
    let price: Price = price.parse().unwrap();
    let quote = Quote { bid: price, ask: price, bid_size: None, ask_size: None };
    let time = Timestamp(time);
    Event::unnumbered(time, time, InstrumentId(instrument), Fact::QuoteChanged(quote))
}

/// The journal of a run over these quotes, the same whether it runs through or is restored at any of some places.
fn journal(settings: &Settings, quotes: Vec<Event>) -> Vec<Event> {
    let mut registry = Registry::default();
    registry.add(HOLDER);
    let mut engine = Engine::new(settings.clone(), &registry).unwrap();
    let sources = (1..=settings.sources.len() as u32).map(|number| {
        let own = quotes.iter().filter(|event| event.header.instrument == InstrumentId(number));
        Box::new(MemorySource::new(own.cloned().collect())) as Box<dyn Source>
    });
    let identity = engine.identity(WorldKind::Simulated);
    let mut world = Simulated::new(settings, identity, sources.collect()).unwrap();
    let mut events = Vec::new();
    run(&mut world, &mut events, &mut engine).unwrap();
    let places = (1..events.len()).filter(|&place| events[place].header.sequence.is_input());
    let places: Vec<usize> = places.collect();
    crate::checkpoints::goes_on_the_same(settings, &registry, &events, &places);
    events
}

fn charges(events: &[Event]) -> Vec<&FinancingCharged> {
    let charged = events.iter().filter_map(|event| match &event.fact {
        Fact::FinancingCharged(charged) => Some(&**charged),
        _ => None,
    });
    charged.collect()
}

fn last_equity(events: &[Event]) -> Money {
    match &events.last().unwrap().fact {
        Fact::RunEnded(ended) => ended.equity,
        other => panic!("{other:?}"),
    }
}

fn financing(rates: &[(u32, &str, &str, &str)]) -> FinancingSettings {
    let rate = |&(number, long, short, borrow): &(u32, &str, &str, &str)| FinancingRate {
        instrument: InstrumentId(number),
        long: long.parse().unwrap(),
        short: short.parse().unwrap(),
        borrow: borrow.parse().unwrap(),
    };
    FinancingSettings {
        rollover: Nanoseconds(17 * HOUR),
        clock: RolloverClock::NewYork,
        triple: Some(Weekday::Wednesday),
        days_in_year: 360,
        rates: rates.iter().map(rate).collect(),
    }
}

/// The worked example of docs/risk.md: 100 at 50 from Tuesday to Thursday, 3.6 % a year by 360 days.
#[test]
fn a_long_pays_each_night_and_three_on_wednesday() {
    let mut settings = settings(1, "100");
    settings.financing = Some(financing(&[(1, "0.036", "-0.01", "0.02")]));
    let day = 24 * HOUR;
    let quotes = [
        quote(1, MONDAY + day + 12 * HOUR, "50"),
        // Before the rollover of Tuesday at 21:00 UTC, and after it: the price before it values the position.
        quote(1, MONDAY + day + 20 * HOUR, "52"),
        quote(1, MONDAY + day + 22 * HOUR, "54"),
        quote(1, MONDAY + 2 * day + 22 * HOUR, "50"),
        quote(1, MONDAY + 3 * day + 12 * HOUR, "50"),
    ];
    let events = journal(&settings, quotes.into());
    let told: Vec<(u32, String, String)> = charges(&events)
        .iter()
        .map(|charged| (charged.days, charged.value.to_string(), charged.financing.to_string()))
        .collect();
    // 5,200 × 3.6 % / 360 = 0.52, and 5,400 × 3.6 % × 3 / 360 = 1.62.
    assert_eq!(told, [(1, "5200".into(), "0.52".into()), (3, "5400".into(), "1.62".into())]);
    assert_eq!(charges(&events)[0].rollover, Timestamp(MONDAY + day + 21 * HOUR));
    assert_eq!(last_equity(&events), "9997.86".parse().unwrap());
}

#[test]
fn a_short_receives_and_pays_for_what_it_borrowed() {
    let mut settings = settings(2, "0 -100");
    settings.financing = Some(financing(&[(2, "0.036", "-0.018", "0.072")]));
    // From Friday's to Monday's evening: two rollovers at once, for nothing was heard of in between.
    let friday = MONDAY + 4 * 24 * HOUR;
    let quotes = [
        quote(1, friday, "70"),
        quote(2, friday + 12 * HOUR, "50"),
        quote(2, friday + 13 * HOUR, "50"),
        quote(2, friday + 3 * 24 * HOUR + 22 * HOUR, "50"),
    ];
    let events = journal(&settings, quotes.into());
    let [charged] = charges(&events)[..] else { panic!("{events:?}") };
    let amounts = (charged.days, charged.quantity, charged.financing, charged.borrow);
    let (received, borrowed) = ("-0.5".parse().unwrap(), "2".parse().unwrap());
    assert_eq!(amounts, (2, Quantity(-100 * SCALE), received, borrowed));
    assert_eq!(last_equity(&events), "9998.5".parse().unwrap());
}

/// What is held when a rollover passes pays, whoever tells of the time; what comes later does not.
#[test]
fn only_what_was_held_over_the_rollover_pays() {
    let mut settings = settings(1, "100");
    settings.financing = Some(financing(&[(1, "0.036", "0", "0")]));
    let quotes = [
        quote(1, MONDAY + 21 * HOUR, "50"),
        quote(1, MONDAY + 22 * HOUR, "50"),
        quote(1, MONDAY + 44 * HOUR, "50"),
    ];
    assert!(charges(&journal(&settings, quotes.into())).is_empty());
}

/// What happened about margin, in order: alerts, who decided, and what for.
fn story(events: &[Event]) -> Vec<String> {
    let told = events.iter().filter_map(|event| match &event.fact {
        Fact::AlertRaised(alert) => Some(match **alert {
            AlertRaised::MarginCalled { equity, maintenance, .. } => format!("called {equity} {maintenance}"),
            AlertRaised::MarginRestored { equity, maintenance, .. } => {
                format!("restored {equity} {maintenance}")
            }
            AlertRaised::StoppedOut { equity, maintenance, .. } => format!("stopped {equity} {maintenance}"),
            ref other => format!("{other:?}"),
        }),
        Fact::DecisionMade(decision) if decision.strategy == "margin" => Some(
            decision
                .actions
                .iter()
                .map(|action| match action {
                    Action::Submit { instrument, side, quantity, .. } => {
                        format!("{} {quantity} of {instrument}", side.name())
                    }
                    Action::Cancel { order } => format!("cancel {order}"),
                    other => format!("{other:?}"),
                })
                .collect::<Vec<_>>()
                .join(", "),
        ),
        Fact::OrderDenied(denied) => Some(format!("denied by {}", denied.rule.name())),
        _ => None,
    });
    told.collect()
}

fn margined(hold: &str, call: &str, stop_out: Option<&str>) -> Settings {
    let mut settings = settings(2, hold);
    settings.margin = Some(MarginSettings {
        call: call.parse().unwrap(),
        stop_out: stop_out.map(|level| level.parse().unwrap()),
    });
    for instrument in &mut settings.instruments {
        instrument.margin_initial = "0.1".parse().unwrap();
        instrument.margin_maintenance = "0.05".parse().unwrap();
    }
    settings
}

/// The worked example of docs/risk.md: 10,000 hold 500 of X1 and 300 of X2 at 100, 4,000 of maintenance margin.
#[test]
fn the_largest_loss_is_closed_until_what_is_left_can_be_held() {
    let settings = margined("500 300", "1.5", Some("1"));
    let quotes = [
        quote(1, MONDAY, "100"),
        quote(2, MONDAY + SCALE, "100"),
        // 500 × 8 are lost: 6,000 of equity, 3,800 needed; 1.5 times that is 5,700.
        quote(1, MONDAY + 2 * SCALE, "92"),
        // 5,000 are lost, 3,750 needed: called at 5,625.
        quote(1, MONDAY + 3 * SCALE, "90"),
        // 3,000 of equity; X1 needs 2,150 and X2 1,500: X1 is closed, and 3,000 are above 1,500 and its call, 2,250.
        quote(1, MONDAY + 4 * SCALE, "86"),
        quote(2, MONDAY + 5 * SCALE, "100"),
    ];
    let events = journal(&settings, quotes.into());
    let told = story(&events);
    assert_eq!(
        told,
        [
            "called 5000 3750",
            "stopped 3000 3650",
            "sell 500 of 1",
            // The strategy asks for its 500 again, and gets none while they are being closed.
            "denied by margin_call",
            "restored 3000 1500",
        ]
    );
    // The chain: the closing order goes back to the stop-out, and that to the quote.
    let at = |wanted: &dyn Fn(&Fact) -> bool| events.iter().position(|event| wanted(&event.fact)).unwrap();
    let decided = at(&|fact| matches!(fact, Fact::DecisionMade(decision) if decision.strategy == "margin"));
    let cause = |event: &Event| events.iter().find(|one| one.header.sequence == event.header.cause).unwrap();
    let alert = cause(&events[decided]);
    assert!(
        matches!(&alert.fact, Fact::AlertRaised(alert) if matches!(**alert, AlertRaised::StoppedOut { .. }))
    );
    assert!(matches!(cause(alert).fact, Fact::QuoteChanged(_)));
}

#[test]
fn without_a_stop_out_nothing_is_closed_and_nothing_opened() {
    let settings = margined("500 300", "2", None);
    let quotes = [
        quote(1, MONDAY, "100"),
        quote(1, MONDAY + SCALE, "90"),
        // 5,000 of equity, 2,250 needed: above the call.
        quote(1, MONDAY + 2 * SCALE, "84"),
        // 2,000 of equity: X2 is not opened.
        quote(2, MONDAY + 3 * SCALE, "100"),
        quote(1, MONDAY + 4 * SCALE, "95"),
        quote(2, MONDAY + 5 * SCALE, "100"),
    ];
    let events = journal(&settings, quotes.into());
    assert_eq!(story(&events), ["called 2000 2100", "denied by margin_call", "restored 7500 2375"]);
    // 7,500 of equity carry 95 × 500 × 10 % and 2,750 more.
    let held = events.iter().filter_map(|event| match &event.fact {
        Fact::OrderFilled(fill) => Some((event.header.instrument.0, fill.quantity)),
        _ => None,
    });
    assert_eq!(held.collect::<Vec<_>>(), [(1, Quantity(500 * SCALE)), (2, Quantity(275 * SCALE))]);
}

/// Both must go: the larger loss first in the list, both at once, for closing one is not enough.
#[test]
fn everything_goes_where_nothing_less_is_enough() {
    let settings = margined("400 -400", "1", Some("1"));
    let quotes = [
        quote(1, MONDAY, "100"),
        quote(2, MONDAY + SCALE, "100"),
        quote(1, MONDAY + 2 * SCALE, "90"),
        quote(2, MONDAY + 3 * SCALE, "114"),
        quote(1, MONDAY + 4 * SCALE, "90"),
        quote(2, MONDAY + 5 * SCALE, "114"),
    ];
    let events = journal(&settings, quotes.into());
    let told = story(&events);
    assert_eq!(told[..3], ["called 400 4080", "stopped 400 4080", "sell 400 of 1, buy 400 of 2"]);
    assert_eq!(last_equity(&events), "400".parse().unwrap());
}

/// A kill leaves positions as they are; that margin is called is still said.
#[test]
fn nothing_is_closed_for_margin_after_a_kill() {
    let settings = margined("500 0", "1", Some("1"));
    let kill = Fact::OperatorCommanded(OperatorCommanded { command: OperatorCommand::Kill });
    let at = |time| Timestamp(MONDAY + time * SCALE);
    let quotes = vec![
        quote(1, MONDAY, "100"),
        Event::unnumbered(at(1), at(1), InstrumentId(1), kill),
        quote(1, at(2).0, "82"),
        quote(1, at(3).0, "81"),
    ];
    let events = journal(&settings, quotes);
    assert_eq!(story(&events), ["called 1000 2050"]);
    assert_eq!(last_equity(&events), "500".parse().unwrap());
}
