//! Does a tick cost memory?
//!
//! Every allocation of this test binary is counted, by thread. Once its buffers have grown, the loop takes a tick, has
//! the engine look at it and journals it without one; bars cost none either, nor do the columns of features, and a
//! decision a few.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use genovo_adapters::data::{self, DataSpec};
use genovo_engine::engine::Engine;
use genovo_engine::event::{Kind, WorldKind};
use genovo_engine::features::FeatureState;
use genovo_engine::features::candle::Timeframe;
use genovo_engine::features::normalise::Normalise;
use genovo_engine::ids::{InstrumentId, Sequence};
use genovo_engine::merge::Merge;
use genovo_engine::settings::{
    BarPrice, DataKind, FeatureSettings, OwnColumn, Settings, SharedSettings, StrategySettings,
};
use genovo_engine::simulated::Simulated;
use genovo_engine::strategy::Registry;
use genovo_engine::units::{Nanoseconds, Timestamp};
use genovo_engine::world::{Source, World};
use genovo_journal::{Identity, Writer};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

fn count() {
    // A thread that ends frees its locals first; what it allocates then is nobody's.
    let _ = ALLOCATIONS.try_with(|allocations| allocations.set(allocations.get() + 1));
}

// SAFETY: every call is handed on to the system's allocator as it came; the count allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promises are the system's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// How many allocations of this thread `work` makes.
fn allocations<T>(work: impl FnOnce() -> T) -> (u64, T) {
    let before = ALLOCATIONS.get();
    let result = work();
    (ALLOCATIONS.get() - before, result)
}

/// Allocations in a run over the gold week, after its first 200,000 inputs.
#[derive(Debug, Default)]
struct Bill {
    ticks: u64,
    /// Times of arrival: a message of a book brings many ticks.
    arrivals: u64,
    /// By the world, which reads the file on the way.
    world: u64,
    /// By the engine at inputs that decided nothing.
    engine: u64,
    bars: u64,
    decisions: u64,
    /// By the engine at inputs that decided something, and the most at one of them.
    by_decisions: u64,
    dearest_decision: u64,
    /// How many times the journal allocated at a market event, and how many blocks it wrote in all.
    journal: u64,
    blocks: u64,
}

const WARM_UP: u64 = 200_000;

fn bill(settings: Settings) -> Bill {
    bill_of(settings, genovo_tests::quotes(genovo_tests::GOLD), WARM_UP)
}

fn bill_of(settings: Settings, source: Box<dyn Source>, warm_up: u64) -> Bill {
    let mut engine = Engine::new(settings.clone(), &Registry::default()).unwrap();
    let mut world = Simulated::new(&settings, engine.identity(WorldKind::Simulated), vec![source]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut writer = Writer::create(&folder.path().join("journal"), &Identity::default()).unwrap();
    let mut bill = Bill::default();
    let (mut number, mut arrived) = (0, Timestamp::MIN);
    loop {
        let (by_world, input) = allocations(|| world.next().unwrap());
        let Some(input) = input else { break };
        number += 1;
        input.header.sequence = Sequence::input(number);
        let (by_journal, result) = allocations(|| writer.append(input));
        result.unwrap();
        let (by_engine, output) = allocations(|| engine.apply(input).unwrap());
        let kinds =
            |kind: Kind| output.events.iter().filter(|event| event.fact.kind() == kind).count() as u64;
        if number > warm_up {
            let decisions = kinds(Kind::DecisionMade);
            bill.ticks += u64::from(input.fact.kind().is_market());
            bill.arrivals += u64::from(input.header.time_received != arrived);
            arrived = input.header.time_received;
            bill.world += by_world;
            bill.bars += kinds(Kind::BarClosed);
            bill.decisions += decisions;
            bill.journal += u64::from(by_journal > 0);
            match decisions {
                0 => bill.engine += by_engine,
                _ => {
                    bill.by_decisions += by_engine;
                    bill.dearest_decision = bill.dearest_decision.max(by_engine);
                }
            }
        }
        for event in &output.events {
            writer.append(event).unwrap();
        }
        for command in output.commands.clone() {
            world.send(command).unwrap();
        }
    }
    bill.blocks = writer.finish().unwrap().blocks;
    bill
}

#[test]
fn a_tick_costs_none() {
    let mut settings = genovo_tests::gold();
    settings.strategy = StrategySettings { kind: "flat".into(), parameters: [].into() };
    settings.bars = None;
    let bill = bill(settings);
    assert!(bill.ticks > 1_000_000, "{bill:?}");
    assert_eq!((bill.world, bill.engine, bill.decisions), (0, 0, 0), "{bill:?}");
    // The journal allocates when it writes a block, some 2,000 ticks at a time, and never between.
    assert!(bill.journal <= bill.blocks, "{bill:?}");
}

#[test]
fn a_change_of_a_book_costs_none() {
    let mut settings = genovo_tests::gold();
    settings.strategy = StrategySettings { kind: "flat".into(), parameters: [].into() };
    settings.bars = None;
    settings.instruments[0].tick = "0.1".parse().unwrap();
    settings.sources[0].kind = DataKind::Books;
    let path = genovo_tests::repository("scenarios/data/btcusdt_usdm_depth_20240808.zst");
    let spec = DataSpec::new(InstrumentId(1), DataKind::Books);
    let source = data::open(&path, &spec).unwrap().source;
    let bill = bill_of(settings, source, 60_000);
    assert!(bill.ticks > 60_000, "{bill:?}");
    assert_eq!((bill.engine, bill.decisions), (0, 0), "{bill:?}");
    // The reader's batch grows to the longest line that it meets, and serde_json allocates once a message, for the
    // nesting of its lists: a message is some thirty ticks.
    assert!(bill.world <= bill.arrivals + 4 && bill.arrivals < bill.ticks / 20, "{bill:?}");
    assert!(bill.journal <= bill.blocks, "{bill:?}");
}

#[test]
fn a_bar_costs_none_and_a_decision_a_few() {
    let bill = bill(genovo_tests::gold());
    assert!(bill.bars > 1_000 && bill.decisions > 40, "{bill:?}");
    assert_eq!(bill.engine, 0, "{bill:?}");
    assert!(bill.dearest_decision <= 32, "{bill:?}");
    assert!(bill.world <= 2 * bill.decisions, "{bill:?}");
    assert!(bill.journal <= bill.blocks, "{bill:?}");
}

/// Where several may share the account, each one's columns are put into the run's vector: that costs nothing more.
#[test]
fn a_decision_among_several_costs_no_more_than_alone() {
    let alone = genovo_tests::gold();
    let mut shared = alone.clone();
    shared.strategies = vec![SharedSettings {
        name: "averages".into(),
        trigger: alone.trigger,
        strategy: alone.strategy.clone(),
        instruments: Vec::new(),
        budget: "100".parse().unwrap(),
    }];
    let (alone, shared) = (bill(alone), bill(shared));
    assert!(shared.decisions > 40 && shared.decisions == alone.decisions, "{shared:?}");
    assert_eq!((shared.engine, shared.by_decisions), (0, alone.by_decisions), "{shared:?} {alone:?}");
}

/// All columns, two of one's own among them, over two sessions of quotes and trades with sizes: neither a tick nor a
/// closed bar nor a row costs an allocation once every indicator has its first value. Bars are too few for a renewal.
#[test]
fn columns_cost_none() {
    let own = |id: &str, expr: &str| OwnColumn { id: id.into(), expr: expr.into(), timeframe: 0 };
    let settings = FeatureSettings {
        columns: vec!["all".into()],
        timeframes: [30, 31, 32, 33].map(|seconds| Timeframe::Time(Nanoseconds(seconds * 1_000_000_000))),
        price: BarPrice::Mid,
        scale: Normalise::Robust,
        benchmark: None,
        selection: None,
        own: vec![own("one", "z(spread, 20) + lag(close, 5)"), own("other", "ema(one, 9) - rsi_14@32s")],
        altered: Vec::new(),
    };
    let file = |name: &str, kind: DataKind| -> Box<dyn Source> {
        let path = format!("scenarios/data/bac_usa_{name}_20131007-20131008.csv.zst");
        let spec = DataSpec::new(InstrumentId(1), kind);
        data::open(&genovo_tests::repository(&path), &spec).expect("a shipped file").source
    };
    let mut state = FeatureState::new(&settings, &genovo_tests::gold().instruments).unwrap();
    let sources = vec![file("quotes", DataKind::Quotes), file("trades", DataKind::Trades)];
    let mut merge = Merge::new(sources);
    let (mut seen, mut by_ticks, mut by_rows) = (0_u64, 0, 0);
    while let Some(event) = merge.next_event().expect("good data") {
        seen += 1;
        let (now, end) = (event.header.time_received, event.header.time_event);
        let (by_tick, ()) = allocations(|| {
            state.advance(now);
            state.update(0, now, end, &event.fact);
        });
        let (by_row, ()) = match seen % 100 {
            0 => allocations(|| assert!(state.read(0, now).is_ok())),
            _ => (0, ()),
        };
        if state.bars(0) > 700 {
            (by_ticks, by_rows) = (by_ticks + by_tick, by_rows + by_row);
        }
    }
    assert!(
        seen > 500_000 && (1_500..4_096).contains(&state.bars(0)),
        "{seen} events, {} bars",
        state.bars(0)
    );
    assert_eq!((by_ticks, by_rows), (0, 0));
}
