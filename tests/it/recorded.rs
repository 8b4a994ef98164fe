//! Does recomputing a recorded run prove it equal, and is the first event that is not found wherever it is?

use genovo_engine::engine::Engine;
use genovo_engine::event::{Event, Fact, WorldKind};
use genovo_engine::ids::Sequence;
use genovo_engine::log::Log;
use genovo_engine::recorded::{Comparison, Difference, MarketOf, Recorded};
use genovo_engine::run::{RunError, run};
use genovo_engine::settings::Settings;
use genovo_engine::simulated::Simulated;
use genovo_engine::strategy::Registry;
use genovo_engine::units::Money;
use genovo_engine::world::{MemorySource, Source, WorldError};
use genovo_tests::repository;

fn settings() -> Settings {
    let path = repository("scenarios/btcusdt.toml");
    genovo::scenario::load(&path, &[], &Registry::default()).expect("it ships").settings
}

fn engine() -> Engine {
    Engine::new(settings(), &Registry::default()).unwrap()
}

fn simulated(engine: &Engine, source: Box<dyn Source>) -> Simulated {
    Simulated::new(engine.settings(), engine.identity(WorldKind::Simulated), vec![source]).unwrap()
}

/// The shipped scenario over its first 12,000 quotes, every event.
fn recording() -> Vec<Event> {
    let mut quotes = Vec::new();
    let mut source = genovo_tests::quotes("scenarios/data/btcusdt_usdm_20240808.csv.zst");
    source.read(&mut quotes, 12_000).unwrap();
    let (mut engine, mut events) = (engine(), Vec::new());
    let mut world = simulated(&engine, Box::new(MemorySource::new(quotes)));
    let counts = run(&mut world, &mut events, &mut engine).unwrap();
    assert!(counts.fills > 20, "there is something to get wrong: {counts:?}");
    events
}

type Events = std::iter::Map<std::vec::IntoIter<Event>, fn(Event) -> Result<Event, WorldError>>;

fn play(events: &[Event]) -> Events {
    Vec::from(events).into_iter().map(Ok)
}

type Found = (u64, Option<Difference>);

/// As `genovo replay --verify` does for a simulated run: from the market alone.
fn from_market(events: &[Event]) -> Found {
    let mut engine = engine();
    let mut log = Comparison::new(play(events));
    let mut world = simulated(&engine, Box::new(MarketOf::new(play(events))));
    let result = run(&mut world, &mut log, &mut engine);
    finish(log, result.map(|_| ()))
}

/// As it does for a live run: from every input.
fn from_inputs(events: &[Event]) -> Found {
    let mut engine = engine();
    let mut log = Comparison::new(play(events));
    let result = run(&mut Recorded::new(play(events)), &mut log, &mut engine);
    finish(log, result.map(|_| ()))
}

fn finish(log: Comparison<Events>, result: Result<(), RunError>) -> Found {
    let found = log.finish().unwrap();
    if found.1.is_none() {
        result.expect("a run without a difference ends well");
    }
    found
}

fn found_at(found: &Found) -> Option<Sequence> {
    found.1.as_ref().map(|difference| difference.sequence)
}

#[test]
fn a_recording_is_equal_from_its_market_and_from_its_inputs() {
    let events = recording();
    assert_eq!(from_market(&events), (events.len() as u64, None));
    assert_eq!(from_inputs(&events), (events.len() as u64, None));
}

/// Every kind that a run derives, changed in the smallest way; `None` for what comes from outside.
fn changed(event: &Event) -> Option<Event> {
    let mut event = event.clone();
    match &mut event.fact {
        Fact::RunStarted(_)
        | Fact::InstrumentDefined(_)
        | Fact::QuoteChanged(_)
        | Fact::TradePrinted(_)
        | Fact::BarReceived(_)
        | Fact::BookChanged(_)
        | Fact::BookReset(_)
        | Fact::CorporateActionApplied(_)
        | Fact::SessionChanged(_)
        | Fact::MacroReleased(_)
        | Fact::NewsPublished(_)
        | Fact::EventScheduled(_)
        | Fact::SignalReceived(_)
        | Fact::FeaturesReselected(_)
        | Fact::TimerFired(_)
        | Fact::ChapterClosed(_) => return None,
        Fact::OrderUnknown(_)
        | Fact::TradeCorrected(_)
        | Fact::AccountReported(_)
        | Fact::PositionReported(_)
        | Fact::ConnectionChanged(_)
        | Fact::OperatorCommanded(_)
        | Fact::LimitsRequested(_)
        | Fact::ApprovalGiven(_)
        | Fact::FeedGap(_)
        | Fact::ClockChecked(_) => return None,
        Fact::OrderAccepted(notice) | Fact::CancelRejected(notice) | Fact::CancelRequested(notice) => {
            notice.order.0 += 1;
        }
        Fact::OrderRejected(rejected) | Fact::ReplaceRejected(rejected) => rejected.order.0 += 1,
        Fact::OrderTriggered(triggered) => triggered.price.0 += 1,
        Fact::OrderReplaced(replaced) => replaced.quantity.0 += 1,
        Fact::ReplaceRequested(replacement) => replacement.quantity.0 += 1,
        Fact::OrderFilled(fill) => fill.commission.0 += 1,
        Fact::OrderCancelled(closed) | Fact::OrderExpired(closed) => closed.unfilled.0 += 1,
        Fact::LimitsChanged(changed) => changed.request += 1,
        Fact::DataFlagged(flagged) => flagged.size += 1,
        Fact::BarClosed(bar) => bar.close.0 += 1,
        Fact::FeaturesComputed(features) => features.values.push(0.0),
        Fact::DecisionMade(decision) => match decision.evidence.first_mut() {
            // One bit of a float.
            Some(evidence) => evidence.value = f64::from_bits(evidence.value.to_bits() ^ 1),
            None => decision.equity.0 += 1,
        },
        Fact::RiskAssessed(verdict) => verdict.distance.0 += 1,
        Fact::RegimeChanged(change) => change.usual = f64::from_bits(change.usual.to_bits() ^ 1),
        Fact::FinancingCharged(charged) => charged.financing.0 += 1,
        Fact::OrderDenied(denied) => denied.order.0 += 1,
        Fact::OrderSubmitted(order) => order.quantity.0 += 1,
        Fact::TradingHalted(_) | Fact::AlertRaised(_) => event.header.cause.0 += 1,
        Fact::RunEnded(ended) => ended.state_hash.0[31] ^= 1,
    }
    Some(event)
}

#[test]
fn a_changed_event_is_found_where_it_is() {
    let events = recording();
    let places = (0..events.len()).filter(|&place| changed(&events[place]).is_some());
    let mut places: Vec<usize> = places.collect();
    let last = *places.last().unwrap();
    // Each takes a run; every fifth meets every kind.
    places = places.into_iter().step_by(5).chain([last]).collect();
    let mut kinds = std::collections::BTreeSet::new();
    for place in places {
        let mut planted = events.clone();
        planted[place] = changed(&events[place]).unwrap();
        let found = from_market(&planted);
        assert_eq!(found_at(&found), Some(events[place].header.sequence), "event {place}");
        let (equal, difference) = found;
        let difference = difference.unwrap();
        assert_eq!(equal, place as u64);
        assert_eq!(difference.recorded.as_ref(), Some(&planted[place]));
        assert_eq!(difference.recomputed.as_ref(), Some(&events[place]));
        kinds.insert(events[place].fact.kind());
    }
    assert!(kinds.len() >= 6, "{kinds:?}");
}

#[test]
fn a_missing_event_is_found_where_it_was() {
    let events = recording();
    // Without its first quote a run would begin at another time: that shows in its very first event.
    for place in (3..events.len()).step_by(401).chain([events.len() - 1]) {
        let mut planted = events.clone();
        let missing = planted.remove(place);
        let found = from_market(&planted);
        assert_eq!(found_at(&found), Some(missing.header.sequence), "event {place}: {missing:?}");
    }
}

#[test]
fn an_additional_event_is_found_where_it_is() {
    let events = recording();
    let ends = (1..events.len()).filter(|&place| {
        let followed = events.get(place).is_some_and(|next| !next.header.sequence.is_input());
        !followed && !events[place - 1].fact.kind().is_market()
    });
    for place in ends.step_by(3).chain([events.len()]) {
        let mut planted = events.clone();
        let mut more = events[place - 1].clone();
        more.header.sequence.0 += 1;
        let sequence = more.header.sequence;
        planted.insert(place, more);
        assert_eq!(found_at(&from_market(&planted)), Some(sequence), "event {place}");
    }
}

#[test]
fn a_recording_that_ends_early_is_found() {
    let events = recording();
    let (end, rest) = events.split_last().unwrap();
    let found = from_market(rest).1.unwrap();
    assert_eq!((found.sequence, found.recorded), (end.header.sequence, None));
    assert_eq!(found.recomputed.as_ref(), Some(end));
}

/// A live run's fill is an input. Another one changes what follows from it, and there it is found.
#[test]
fn a_changed_input_is_found_at_its_first_consequence() {
    let events = recording();
    let filled = events.iter().position(|event| matches!(event.fact, Fact::OrderFilled(_))).unwrap();
    let mut planted = events.clone();
    planted[filled] = changed(&events[filled]).unwrap();
    let next_decision = events[filled..].iter().find_map(|event| match &event.fact {
        Fact::DecisionMade(decision) => Some((event.header.sequence, decision.equity)),
        _ => None,
    });
    let (sequence, equity) = next_decision.expect("it decides again");
    let difference = from_inputs(&planted).1.unwrap();
    assert_eq!(difference.sequence, sequence);
    let Some(Fact::DecisionMade(decision)) = difference.recomputed.map(|event| event.fact) else {
        panic!("a decision")
    };
    assert_eq!(decision.equity, Money(equity.0 - 1));
}

/// Zero has two signs, and they are not the same bits.
#[test]
fn a_sign_of_zero_is_a_difference() {
    let mut event = recording()
        .into_iter()
        .find(|event| matches!(&event.fact, Fact::DecisionMade(decision) if !decision.evidence.is_empty()))
        .unwrap();
    let with = |event: &mut Event, value: f64| {
        let Fact::DecisionMade(decision) = &mut event.fact else { panic!("a decision") };
        decision.evidence[0].value = value;
    };
    with(&mut event, 0.0);
    let recorded = event.clone();
    let mut log = Comparison::new(play(std::slice::from_ref(&recorded)));
    log.append(&recorded).unwrap();
    with(&mut event, -0.0);
    let mut log = Comparison::new(play(std::slice::from_ref(&recorded)));
    log.append(&event).unwrap_err();
    assert_eq!(found_at(&log.finish().unwrap()), Some(recorded.header.sequence));
}

/// A recording that cannot be read on is an error, never a difference and never a proof.
#[test]
fn a_recording_that_breaks_off_is_an_error() {
    let events = recording();
    let broken = || play(&events[..500]).chain([Err(WorldError::new("block 7 cannot be read"))]);
    let mut engine = engine();
    let mut world = Recorded::new(broken());
    let error = run(&mut world, &mut Vec::new(), &mut engine).unwrap_err();
    assert_eq!(error.to_string(), "block 7 cannot be read");
    let mut log = Comparison::new(broken());
    for event in &events[..500] {
        log.append(event).unwrap();
    }
    assert_eq!(log.append(&events[500]).unwrap_err().to_string(), "block 7 cannot be read");
}
