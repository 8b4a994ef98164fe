//! How much room do feature vectors take in a journal?

use genovo_engine::engine::Engine;
use genovo_engine::event::{Event, Kind, WorldKind};
use genovo_engine::features::candle::Timeframe;
use genovo_engine::features::normalise::Normalise;
use genovo_engine::log::{Log, LogError};
use genovo_engine::run::run;
use genovo_engine::settings::{BarPrice, FeatureSettings, Settings, StrategySettings, Trigger};
use genovo_engine::simulated::Simulated;
use genovo_engine::strategy::Registry;
use genovo_engine::units::Nanoseconds;
use genovo_engine::world::{MemorySource, Source};
use genovo_journal::{Identity, Writer};

const SECOND: i64 = 1_000_000_000;
/// Some hours of the gold week.
const QUOTES: usize = 40_000;

struct Kept {
    writer: Writer,
    vectors: u64,
}

impl Log for Kept {
    fn append(&mut self, event: &Event) -> Result<(), LogError> {
        self.vectors += u64::from(event.fact.kind() == Kind::FeaturesComputed);
        self.writer.append(event).map_err(LogError::new)
    }

    fn commit(&mut self) -> Result<(), LogError> {
        Ok(())
    }
}

/// Bytes of blocks and vectors of a run that decides every second.
fn journaled(features: Option<FeatureSettings>, quotes: &[Event]) -> (u64, u64) {
    let mut settings: Settings = genovo_tests::gold();
    settings.strategy = StrategySettings { kind: "flat".into(), parameters: [].into() };
    settings.trigger = Trigger::Every(Nanoseconds(SECOND));
    settings.features = features;
    let mut engine = Engine::new(settings.clone(), &Registry::default()).unwrap();
    let started = engine.identity(WorldKind::Simulated);
    let source: Box<dyn Source> = Box::new(MemorySource::new(quotes.to_vec()));
    let mut world = Simulated::new(&settings, started, vec![source]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let writer = Writer::create(&folder.path().join("journal"), &Identity::default()).unwrap();
    let mut log = Kept { writer, vectors: 0 };
    run(&mut world, &mut log, &mut engine).unwrap();
    let vectors = log.vectors;
    (log.writer.finish().unwrap().blocks_bytes, vectors)
}

#[test]
fn vectors_are_five_times_smaller_than_their_numbers() {
    let mut source = genovo_tests::quotes(genovo_tests::GOLD);
    let mut quotes = Vec::new();
    while quotes.len() < QUOTES {
        source.read(&mut quotes, QUOTES).unwrap();
    }
    quotes.truncate(QUOTES);
    let features = FeatureSettings {
        columns: vec!["all".into()],
        timeframes: [60, 300, 900, 3_600].map(|seconds| Timeframe::Time(Nanoseconds(seconds * SECOND))),
        price: BarPrice::Mid,
        scale: Normalise::Robust,
        benchmark: None,
        selection: None,
        own: Vec::new(),
        altered: Vec::new(),
    };
    let columns = genovo_engine::features::layout::columns(&features).unwrap().len() as u64;
    // Without the catalogue a vector holds the range that the limits watch, and costs its header all the same.
    let (without, vectors) = journaled(None, &quotes);
    let (with, same) = journaled(Some(features), &quotes);
    assert_eq!(vectors, same);
    let raw = vectors * columns * 4;
    let kept = with - without;
    println!(
        "{vectors} vectors of {columns}: {raw} bytes of f32, {kept} kept, {:.1} times smaller",
        raw as f64 / kept as f64
    );
    assert!(vectors > 10_000 && kept * 5 <= raw, "{vectors} vectors, {raw} bytes raw, {kept} kept");
}
