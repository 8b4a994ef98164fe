//! Shared pieces of the benches: the shipped quotes, tiled, and a whole run over them.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use genovo_adapters::data::{self, DataSpec};
use genovo_engine::engine::{Counts, Engine};
use genovo_engine::event::{Event, Fact, WorldKind};
use genovo_engine::features::candle::Candle;
use genovo_engine::ids::{Hash, InstrumentId, Sequence};
use genovo_engine::merge::Merge;
use genovo_engine::pipeline::{QueuedLog, QueuedSource};
use genovo_engine::recorded::MarketOf;
use genovo_engine::run::run;
use genovo_engine::settings::{DataKind, Settings};
use genovo_engine::simulated::Simulated;
use genovo_engine::strategy::Registry;
use genovo_engine::units::Timestamp;
use genovo_engine::world::{Source, WorldError};
use genovo_journal::{Identity, Journal, Writer};

/// Times that the 66,089 quotes are repeated: 1,057,424.
pub const TILES: u32 = 16;

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// The settings of `scenarios/btcusdt.toml`, changed as by `--set`.
pub fn btcusdt(sets: &[&str]) -> Settings {
    scenario("btcusdt", sets)
}

/// The settings of a shipped scenario, changed as by `--set`.
pub fn scenario(name: &str, sets: &[&str]) -> Settings {
    let sets: Vec<String> = sets.iter().map(|set| set.to_string()).collect();
    genovo::scenario::load(&repository(&format!("scenarios/{name}.toml")), &sets, &Registry::default())
        .unwrap_or_else(|failure| panic!("{}", failure.render(false)))
        .settings
}

/// The shipped quotes of BTCUSDT from their CSV file, so many times.
pub fn csv(tiles: u32) -> Box<dyn Source> {
    let path = repository("scenarios/data/btcusdt_usdm_20240808.csv.zst");
    let spec = DataSpec { tiles, ..DataSpec::new(InstrumentId(1), DataKind::Quotes) };
    data::open(&path, &spec).expect("the shipped quotes are good").source
}

/// The shipped order book of BTCUSDT with its trades, so many times.
pub fn book(tiles: u32) -> Box<dyn Source> {
    let path = repository("scenarios/data/btcusdt_usdm_depth_20240808.zst");
    let spec = DataSpec { tiles, ..DataSpec::new(InstrumentId(1), DataKind::Books) };
    data::open(&path, &spec).expect("the shipped book is good").source
}

/// The same quotes from a market journal below `folder`, which is written first.
pub fn market_journal(folder: &Path, tiles: u32) -> Journal {
    journal_of(csv(tiles), folder)
}

/// A bar whose price wanders by its number.
pub fn bar(index: i64) -> Candle {
    let price = 100.0 + (index % 97) as f64 * 0.3 + (index % 13) as f64 * 0.1;
    Candle {
        open_time: Timestamp(index * 60_000_000_000),
        close_time: Timestamp((index + 1) * 60_000_000_000),
        open: price - 0.2,
        high: price + 0.7,
        low: price - 0.6,
        close: price,
        volume: Some(1_000.0 + (index % 31) as f64),
    }
}

/// A source as a market journal below `folder`.
pub fn journal_of(source: Box<dyn Source>, folder: &Path) -> Journal {
    let path = folder.join("market");
    let mut writer = Writer::create(&path, &Identity::default()).expect("an empty folder");
    let (mut merge, mut number) = (Merge::new(vec![source]), 0);
    while let Some(event) = merge.next_event().expect("good data") {
        number += 1;
        event.header.sequence = Sequence::input(number);
        writer.append(event).expect("room on the disk");
    }
    writer.finish().expect("room on the disk");
    Journal::open(&path).expect("just sealed")
}

/// A journal's market events as a source.
pub fn market_of(journal: &Journal) -> Box<dyn Source> {
    Box::new(MarketOf::new(journal.events().map(|event| event.map_err(WorldError::new))))
}

/// What a run came to.
pub struct Done {
    /// How much happened.
    pub counts: Counts,
    /// From the first event taken to the last block stored.
    pub time: Duration,
    /// The journal's writer, for whoever wants it sealed.
    pub writer: Writer,
}

/// A whole run, journaled in sled below `folder`, reading and writing on threads of their own.
pub fn replay(settings: &Settings, source: Box<dyn Source>, folder: &Path) -> Done {
    let path = folder.join("run");
    let _ = std::fs::remove_dir_all(&path);
    let mut engine = Engine::new(settings.clone(), &Registry::default()).expect("good settings");
    let writer = Writer::create(&path, &Identity::default()).expect("an empty folder");
    let started = engine.identity(WorldKind::Simulated);
    let began = Instant::now();
    let source: Box<dyn Source> = Box::new(QueuedSource::spawn(source));
    let mut world = Simulated::new(settings, started, vec![source]).expect("good quotes");
    let mut log = QueuedLog::spawn(Kept(Box::new(writer)));
    let counts = run(&mut world, &mut log, &mut engine).expect("a good run");
    let writer = *log.finish().expect("room on the disk").0;
    Done { counts, time: began.elapsed(), writer }
}

/// The writer behind a pointer, so that handing it to its thread moves little.
struct Kept(Box<Writer>);

impl genovo_engine::log::Log for Kept {
    #[inline]
    fn append(&mut self, event: &Event) -> Result<(), genovo_engine::log::LogError> {
        genovo_engine::log::Log::append(&mut *self.0, event)
    }

    fn commit(&mut self) -> Result<(), genovo_engine::log::LogError> {
        Ok(())
    }
}

/// The inputs of a run, in memory: its quotes and what the venue answered. With them, the run's state hash.
pub fn inputs(settings: &Settings, source: Box<dyn Source>) -> (Vec<Event>, Hash) {
    let mut engine = Engine::new(settings.clone(), &Registry::default()).expect("good settings");
    let started = engine.identity(WorldKind::Simulated);
    let mut world = Simulated::new(settings, started, vec![source]).expect("good quotes");
    let mut log = Vec::new();
    run(&mut world, &mut log, &mut engine).expect("a good run");
    let state = log.last().and_then(state_hash).expect("a run ends with its state");
    log.retain(|event: &Event| event.header.sequence.is_input());
    (log, state)
}

/// The state hash that an event ends a run with.
pub fn state_hash(event: &Event) -> Option<Hash> {
    match &event.fact {
        Fact::RunEnded(ended) => Some(ended.state_hash),
        _ => None,
    }
}
