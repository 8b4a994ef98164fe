//! Do settings that take over in mid-run leave everything before them alone, and can a live run go another way?

use genovo_engine::branched::Branched;
use genovo_engine::command::Command;
use genovo_engine::engine::Engine;
use genovo_engine::event::{Connection, ConnectionChanged, Event, Fact, Kind, Link, WorldKind};
use genovo_engine::ids::{InstrumentId, Sequence};
use genovo_engine::recorded::{Comparison, MarketOf};
use genovo_engine::run::run;
use genovo_engine::settings::{Later, Settings, SharedSettings, Trigger};
use genovo_engine::simulated::Simulated;
use genovo_engine::strategy::Registry;
use genovo_engine::units::{Nanoseconds, Ratio, Timestamp};
use genovo_engine::world::{MemorySource, Source, World, WorldError};
use genovo_tests::repository;

const QUOTES: usize = 12_000;

fn settings() -> Settings {
    let path = repository("scenarios/btcusdt.toml");
    genovo::scenario::load(&path, &[], &Registry::default()).expect("it ships").settings
}

fn quotes() -> Vec<Event> {
    let mut quotes = Vec::new();
    let mut source = genovo_tests::quotes("scenarios/data/btcusdt_usdm_20240808.csv.zst");
    source.read(&mut quotes, QUOTES).unwrap();
    quotes
}

/// The shipped scenario over its first quotes, under these settings.
fn simulated(settings: &Settings) -> Vec<Event> {
    let mut engine = Engine::new(settings.clone(), &Registry::default()).unwrap();
    let started = engine.identity(WorldKind::Simulated);
    let source: Box<dyn Source> = Box::new(MemorySource::new(quotes()));
    let mut events = Vec::new();
    let mut world = Simulated::new(settings, started, vec![source]).unwrap();
    run(&mut world, &mut events, &mut engine).unwrap();
    events
}

/// The simulated world as a live one would look: its links come up after the opening events.
struct Linked {
    world: Simulated,
    opening: usize,
    links: Vec<Fact>,
    current: Event,
}

impl World for Linked {
    fn next(&mut self) -> Result<Option<&mut Event>, WorldError> {
        if self.opening > 0 {
            self.opening -= 1;
        } else if let Some(fact) = self.links.pop() {
            self.current.fact = fact;
            return Ok(Some(&mut self.current));
        }
        self.world.next()
    }

    fn send(&mut self, command: Command) -> Result<(), WorldError> {
        self.world.send(command)
    }
}

/// The same run as a live world would have it.
fn live(settings: &Settings) -> Vec<Event> {
    let mut engine = Engine::new(settings.clone(), &Registry::default()).unwrap();
    let started = engine.identity(WorldKind::Live);
    let quotes = quotes();
    let time = quotes[0].header.time_received;
    let source: Box<dyn Source> = Box::new(MemorySource::new(quotes));
    let link = |link| {
        Fact::ConnectionChanged(Box::new(ConnectionChanged {
            link,
            state: Connection::Live,
            reason: String::new(),
        }))
    };
    let links = vec![link(Link::Broker), link(Link::Market)];
    let current = Event::unnumbered(time, time, InstrumentId::NONE, links[0].clone());
    let world = Simulated::new(settings, started, vec![source]).unwrap();
    let mut world = Linked { world, opening: 1 + settings.instruments.len(), links, current };
    let mut events = Vec::new();
    run(&mut world, &mut events, &mut engine).unwrap();
    events
}

/// Inputs that a live run has before its market and a simulated one has not.
const LINKS: u64 = 2;

type Events = std::iter::Map<std::vec::IntoIter<Event>, fn(Event) -> Result<Event, WorldError>>;

fn play(events: &[Event]) -> Events {
    Vec::from(events).into_iter().map(Ok)
}

/// A live run under other settings, and where it left the recorded way.
fn branched(recorded: &[Event], settings: &Settings) -> (Vec<Event>, Option<Sequence>) {
    let mut engine = Engine::new(settings.clone(), &Registry::default()).unwrap();
    let mut world = Branched::new(settings, engine.identity(WorldKind::Live), play(recorded));
    let mut events = Vec::new();
    run(&mut world, &mut events, &mut engine).unwrap();
    (events, world.parted_at())
}

/// With a limit that the orders pass: 5 USDT of a million.
fn careful(mut settings: Settings) -> Settings {
    settings.risk.max_per_trade = Ratio(settings.risk.max_per_trade.0 / 4_000);
    settings
}

fn later(from: Sequence, now: &Settings, then: &Settings) -> Settings {
    let Settings { trigger, strategy, risk, venue, .. } = then.clone();
    Settings { later: Some(Box::new(Later { from, trigger, strategy, risk, venue })), ..now.clone() }
}

/// An input in the middle.
fn middle(events: &[Event]) -> Sequence {
    Sequence::input(events[events.len() / 2].header.sequence.input_number())
}

fn orders(events: &[Event]) -> Vec<&Fact> {
    let kinds = [Kind::OrderSubmitted, Kind::OrderDenied, Kind::CancelRequested, Kind::OrderFilled];
    events.iter().map(|event| &event.fact).filter(|fact| kinds.contains(&fact.kind())).collect()
}

#[test]
fn what_takes_over_at_once_is_as_if_it_had_always_been_there() {
    let now = settings();
    for then in [
        now.clone(),
        careful(now.clone()),
        Settings {
            venue: genovo_engine::settings::VenueSettings {
                latency: Nanoseconds(250_000_000),
                ..now.venue.clone()
            },
            ..now.clone()
        },
    ] {
        let (plain, taken_over) = (simulated(&then), simulated(&later(Sequence::NONE, &now, &then)));
        assert!(orders(&plain).len() > 20);
        assert!(then == now || orders(&plain) != orders(&simulated(&now)), "it matters");
        // All but the first event, which names the settings; the last holds the state's hash.
        assert!(plain[1..] == taken_over[1..]);
    }
}

#[test]
fn nothing_before_it_changes_and_something_after_it_does() {
    let now = settings();
    let recorded = simulated(&now);
    let from = middle(&recorded);
    let mut other = careful(now.clone());
    other.strategy.parameters.insert("quantity".into(), "0.5".into());
    if let Some(fast) = other.strategy.parameters.get_mut("fast") {
        *fast = "11".into();
    }
    other.venue.latency = Nanoseconds(40_000_000);
    let changed = simulated(&later(from, &now, &other));
    let before = |events: &[Event]| events.iter().take_while(|event| event.header.sequence < from).count();
    let (of_recorded, of_changed) = (before(&recorded), before(&changed));
    assert_eq!(of_recorded, of_changed);
    assert!(recorded[1..of_recorded] == changed[1..of_changed]);
    assert_ne!(orders(&recorded[of_recorded..]), orders(&changed[of_changed..]));
    // Inside an input's own events means the next input.
    let inside = simulated(&later(Sequence(from.0 - 1), &now, &other));
    assert!(inside[1..] == changed[1..]);
}

#[test]
fn a_run_with_a_change_verifies_like_any_other() {
    let now = settings();
    let from = middle(&simulated(&now));
    let settings = later(from, &now, &careful(now.clone()));
    let read_back = Settings::from_canonical_json(&settings.to_canonical_json()).unwrap();
    assert_eq!(read_back, settings);
    let events = simulated(&settings);
    let mut engine = Engine::new(read_back, &Registry::default()).unwrap();
    let started = engine.identity(WorldKind::Simulated);
    let market: Box<dyn Source> = Box::new(MarketOf::new(play(&events)));
    let mut world = Simulated::new(&settings, started, vec![market]).unwrap();
    let mut log = Comparison::new(play(&events));
    run(&mut world, &mut log, &mut engine).unwrap();
    assert_eq!(log.finish().unwrap(), (events.len() as u64, None));
}

#[test]
fn a_live_run_that_changes_nothing_follows_to_the_end() {
    let now = settings();
    let recorded = live(&now);
    let (events, parted) = branched(&recorded, &now);
    assert_eq!(parted, None);
    assert!(events == recorded);
}

#[test]
fn a_live_run_that_goes_another_way_is_answered_by_the_simulated_venue() {
    let now = settings();
    let recorded = live(&now);
    let from = middle(&recorded);
    let from_of_simulated = Sequence::input(from.input_number() - LINKS);
    let careful = careful(now.clone());
    for (then, simulated_then) in [
        (careful.clone(), careful.clone()),
        (later(from, &now, &careful), later(from_of_simulated, &now, &careful)),
    ] {
        let (events, parted) = branched(&recorded, &then);
        let parted = parted.expect("a smaller order is another command");
        let before = events.iter().take_while(|event| event.header.sequence < parted).count();
        let inputs = |events: &[Event]| -> Vec<Event> {
            events.iter().filter(|event| event.header.sequence.is_input()).cloned().collect()
        };
        assert!(inputs(&events[1..before]) == inputs(&recorded[1..before]));
        // What the recording has of the market is all there, and the answers are to the orders that were sent now.
        let market = |events: &[Event]| events.iter().filter(|event| event.fact.kind().is_market()).count();
        assert_eq!(market(&events), market(&recorded));
        // The recorded venue was the simulated one too: so the way is that of a simulated run.
        assert_eq!(orders(&events), orders(&simulated(&simulated_then)));
        assert_ne!(orders(&events), orders(&recorded));
    }
}

#[test]
fn other_timers_are_set_by_the_simulated_world() {
    let mut now = settings();
    now.trigger = Trigger::Every(Nanoseconds::SECOND);
    let recorded = live(&now);
    assert!(branched(&recorded, &now).1.is_none());
    let then = Settings { trigger: Trigger::Every(Nanoseconds(7_000_000_000)), ..now.clone() };
    let (events, parted) = branched(&recorded, &then);
    assert!(parted.is_some());
    let timers =
        |events: &[Event]| events.iter().filter(|event| event.fact.kind() == Kind::TimerFired).count();
    assert_eq!(timers(&events), timers(&simulated(&then)));
    assert!(timers(&recorded) > 5 * timers(&events));
}

#[test]
fn a_timer_that_was_set_before_the_parting_fires_after_it() {
    let mut one = settings();
    one.trigger = Trigger::Every(Nanoseconds::SECOND);
    let mut two = one.clone();
    two.strategies =
        [(1, "often"), (5, "seldom")].map(|(seconds, name)| shared(&one, name, seconds)).to_vec();
    for now in [one, two] {
        let recorded = live(&now);
        assert!(branched(&recorded, &now).0 == recorded, "what changes nothing follows to the end");
        let then = careful(now.clone());
        let (events, parted) = branched(&recorded, &then);
        let parted = parted.expect("a smaller order is another command");
        let fired = |events: &[Event]| -> Vec<(Timestamp, Fact)> {
            let timers = events.iter().filter(|event| event.fact.kind() == Kind::TimerFired);
            timers.map(|event| (event.header.time_event, event.fact.clone())).collect()
        };
        assert!(
            events
                .iter()
                .any(|event| event.header.sequence > parted && event.fact.kind() == Kind::TimerFired)
        );
        assert_eq!(fired(&events), fired(&simulated(&then)));
    }
    // Another interval of one of them is another way from where it is first set.
    let mut two = settings();
    two.strategies =
        [(1, "often"), (5, "seldom")].map(|(seconds, name)| shared(&two, name, seconds)).to_vec();
    let recorded = live(&two);
    let mut then = two.clone();
    then.strategies[1].trigger = Trigger::Every(Nanoseconds(7_000_000_000));
    let (events, parted) = branched(&recorded, &then);
    assert!(parted.is_some());
    assert_eq!(orders(&events), orders(&simulated(&then)));
}

/// The strategy of these settings as one of several, with a timer.
fn shared(settings: &Settings, name: &str, seconds: i64) -> SharedSettings {
    SharedSettings {
        name: name.to_string(),
        trigger: Trigger::Every(Nanoseconds(seconds * 1_000_000_000)),
        strategy: settings.strategy.clone(),
        instruments: Vec::new(),
        budget: Ratio::ONE,
    }
}
