//! Do the same inputs give the same bytes, whatever runs them?

use genovo_engine::engine::Engine;
use genovo_engine::event::{Event, Fact, WorldKind};
use genovo_engine::ids::Hash;
use genovo_engine::log::{Log, LogError};
use genovo_engine::pipeline::{QueuedLog, QueuedSource};
use genovo_engine::run::run;
use genovo_engine::settings::Settings;
use genovo_engine::simulated::Simulated;
use genovo_engine::strategy::Registry;
use genovo_engine::world::Source;

/// Keeps only what the test compares: every event's canonical bytes, hashed.
struct Hashing {
    hasher: blake3::Hasher,
    bytes: Vec<u8>,
    events: u64,
    rare: Vec<Event>,
}

impl Log for Hashing {
    fn append(&mut self, event: &Event) -> Result<(), LogError> {
        self.bytes.clear();
        genovo_engine::canonical::encode(event, &mut self.bytes);
        self.hasher.update(&self.bytes);
        self.events += 1;
        if !event.fact.kind().is_market() {
            self.rare.push(event.clone());
        }
        Ok(())
    }

    fn commit(&mut self) -> Result<(), LogError> {
        Ok(())
    }
}

fn log() -> Hashing {
    Hashing { hasher: blake3::Hasher::new(), bytes: Vec::new(), events: 0, rare: Vec::new() }
}

fn inline(settings: Settings, source: Box<dyn Source>) -> Hashing {
    let mut engine = Engine::new(settings.clone(), &Registry::default()).unwrap();
    let mut world = Simulated::new(&settings, engine.identity(WorldKind::Simulated), vec![source]).unwrap();
    let mut log = log();
    run(&mut world, &mut log, &mut engine).unwrap();
    log
}

fn pipelined(settings: Settings, source: Box<dyn Source>) -> Hashing {
    let mut engine = Engine::new(settings.clone(), &Registry::default()).unwrap();
    let source: Box<dyn Source> = Box::new(QueuedSource::spawn(source));
    let mut world = Simulated::new(&settings, engine.identity(WorldKind::Simulated), vec![source]).unwrap();
    let mut queued = QueuedLog::spawn(log());
    run(&mut world, &mut queued, &mut engine).unwrap();
    queued.finish().unwrap()
}

fn hash(log: &Hashing) -> Hash {
    Hash(*log.hasher.finalize().as_bytes())
}

#[test]
fn gold_is_the_same_inline_and_pipelined() {
    let first = inline(genovo_tests::gold(), genovo_tests::quotes(genovo_tests::GOLD));
    let second = pipelined(genovo_tests::gold(), genovo_tests::quotes(genovo_tests::GOLD));
    assert_eq!(hash(&first), hash(&second));
    for event in first.rare.iter().take(40) {
        println!("{event:?}");
    }
    let Some(Event { fact: Fact::RunEnded(ended), .. }) = first.rare.last() else { panic!("no end") };
    println!("{ended:?}");
    assert_eq!(first.events, second.events);
}
