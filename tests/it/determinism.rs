//! Do the same inputs give the same bytes, whatever runs them?

use std::process::Command;

use genovo_engine::engine::Engine;
use genovo_engine::event::{Event, WorldKind};
use genovo_engine::ids::Hash;
use genovo_engine::log::{Log, LogError};
use genovo_engine::pipeline::{QueuedLog, QueuedSource};
use genovo_engine::run::run;
use genovo_engine::settings::Settings;
use genovo_engine::simulated::Simulated;
use genovo_engine::strategy::Registry;
use genovo_engine::world::Source;
use genovo_kernels::cpu::CpuLevel;
use genovo_tests::{binary, repository};

/// Keeps only what the test compares: every event's canonical bytes, hashed.
struct Hashing {
    hasher: blake3::Hasher,
    bytes: Vec<u8>,
    events: u64,
}

impl Log for Hashing {
    fn append(&mut self, event: &Event) -> Result<(), LogError> {
        self.bytes.clear();
        genovo_engine::canonical::encode(event, &mut self.bytes);
        self.hasher.update(&self.bytes);
        self.events += 1;
        Ok(())
    }

    fn commit(&mut self) -> Result<(), LogError> {
        Ok(())
    }
}

fn log() -> Hashing {
    Hashing { hasher: blake3::Hasher::new(), bytes: Vec::new(), events: 0 }
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
    assert_eq!(first.events, second.events);
    assert!(first.events > 1_312_635, "every quote is in it");
}

/// How a scenario is run; none of it may show in a single bit.
struct Way {
    name: String,
    arguments: Vec<&'static str>,
    tunables: Option<&'static str>,
}

fn ways() -> Vec<Way> {
    let way = |arguments: Vec<&'static str>, tunables: Option<&'static str>| {
        let name = arguments.iter().copied().chain(tunables).collect::<Vec<_>>().join(" ");
        Way { name, arguments, tunables }
    };
    let levels = CpuLevel::ALL.into_iter().filter(|&level| level <= CpuLevel::detect());
    let mut ways: Vec<Way> = levels.map(|level| way(vec!["--inline", "--cpu", level.name()], None)).collect();
    ways.push(way(vec!["--pipelined"], None));
    // The C library picks other variants of its functions by processor; with these masked it picks yet others.
    ways.push(way(vec!["--pipelined"], Some("glibc.cpu.hwcaps=-AVX2,-FMA,-AVX512F")));
    ways
}

/// Runs a shipped scenario through the binary: what it prints as head and state hash.
fn hashes(scenario: &str, way: &Way) -> String {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(binary());
    command.arg("replay").arg(format!("scenarios/{scenario}.toml")).args(&way.arguments);
    command.arg("--json").arg("--journal").arg(folder.path().join("journal")).current_dir(repository("."));
    if let Some(tunables) = way.tunables {
        command.env("GLIBC_TUNABLES", tunables);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{scenario} {}: {}", way.name, String::from_utf8_lossy(&output.stderr));
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let line = |key: &str| format!("{key} = {}\n", json[key]);
    format!("[{scenario}]\n{}{}", line("head_hash"), line("state_hash"))
}

/// Every column of the catalogue has the same bits however the scenario is run.
#[test]
fn all_columns_are_the_same_in_every_way() {
    const ALL: [&str; 8] = [
        "--set",
        "features.columns=all",
        "--set",
        "features.timeframes=1 s, 2 s, 3 s, 5 s",
        "--set",
        "features.scale=normal",
        "--set",
        "strategy.decide=every 500 ticks",
    ];
    let with_all = |mut way: Way| {
        way.arguments.extend(ALL);
        way
    };
    let ways: Vec<Way> = ways().into_iter().map(with_all).collect();
    let first = hashes("btcusdt", &ways[0]);
    for way in &ways[1..] {
        assert_eq!(hashes("btcusdt", way), first, "{} and {}", way.name, ways[0].name);
    }
}

/// The shipped scenarios give the hashes that were written down once, in debug and release, on any machine.
/// `GENOVO_BLESS=1` writes them down anew: only after a change of logic that was meant.
#[test]
fn shipped_scenarios_keep_their_hashes() {
    let ways = ways();
    let mut heads =
        String::from("# Head and state hash of each shipped scenario, the same wherever it runs.\n");
    for scenario in [
        "gold",
        "btcusdt",
        "bac",
        "portfolio",
        "model",
        "model-columns",
        "signals",
        "aapl",
        "book",
        "macro",
        "hedged",
    ] {
        let first = hashes(scenario, &ways[0]);
        for way in &ways[1..] {
            assert_eq!(hashes(scenario, way), first, "{scenario}: {} and {}", way.name, ways[0].name);
        }
        heads.push('\n');
        heads.push_str(&first);
    }
    let golden = repository("tests/golden/heads.toml");
    if std::env::var_os("GENOVO_BLESS").is_some() {
        std::fs::write(&golden, &heads).unwrap();
    }
    assert_eq!(heads, std::fs::read_to_string(&golden).unwrap(), "another logic? then raise LOGIC_VERSION");
}
