//! The measurements themselves, one function each.

use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use genovo_engine::engine::{Counts, Engine, Fault};
use genovo_engine::event::{Event, Fact, WorldKind};
use genovo_engine::ids::Sequence;
use genovo_engine::merge::Merge;
use genovo_engine::run::{RunError, run};
use genovo_engine::simulated::Simulated;
use genovo_engine::world::{MemorySource, World};
use genovo_journal::{Error, Identity, Journal, Sealed, Writer};
use genovo_kernels::cpu::CpuLevel;

use super::{Figure, Latency, Plan, Setting, Shipped, Value};
use crate::commands::replay::{Machine, drive};
use crate::error::{Exit, Failure};
use crate::report::format;
use crate::{failures, sources};

/// How often the shipped minutes of BTCUSDT are repeated where a million quotes are wanted.
const TILES: u32 = 16;
/// Quotes a second of the schedule under which response times are measured.
const SCHEDULE: u32 = 100_000;

const NOT_MEASURED: &str = "Nothing was measured.";

pub(super) fn journal_failure(error: Error) -> Failure {
    failures::journal(&error, NOT_MEASURED)
}

fn run_failure(error: impl Into<RunError>) -> Failure {
    failures::run(&error.into(), NOT_MEASURED)
}

impl Setting<'_> {
    fn engine(&self, plan: &Plan) -> Result<Engine, Failure> {
        Engine::new(plan.scenario.settings.clone(), self.registry)
            .map_err(|error| Failure::new(Exit::Usage, error.to_string(), NOT_MEASURED))
    }

    /// A place for a journal, emptied.
    pub(super) fn place(&self) -> Result<PathBuf, Failure> {
        let path = self.folder.join("journal");
        if path.exists() {
            fs::remove_dir_all(&path).map_err(|error| {
                let message = format!("cannot empty {}: {error}", path.display());
                Failure::new(Exit::Failed, message, NOT_MEASURED)
            })?;
        }
        Ok(path)
    }

    fn writer(&self) -> Result<Writer, Failure> {
        Writer::create(&self.place()?, &Identity::default()).map_err(journal_failure)
    }
}

/// All market events of a plan, numbered as inputs.
pub(super) fn market(plan: &Plan) -> Result<Vec<Event>, Failure> {
    let mut merge = Merge::new(sources::open(&plan.scenario, None)?.sources);
    let mut events = Vec::new();
    while let Some(event) = merge.next_event().map_err(run_failure)? {
        event.header.sequence = Sequence::input(events.len() as u64 + 1);
        events.push(event.clone());
    }
    Ok(events)
}

/// The journal's writer, fed from memory.
pub fn append(setting: &Setting<'_>) -> Result<Vec<Figure>, Failure> {
    let plan = setting.plan(Shipped::Btcusdt(TILES), &[])?;
    let events = market(&plan)?;
    let data = of_events(&plan, events.len());
    let mut sealed: Option<Sealed> = None;
    let rates = setting.rounds(|rates: &mut Vec<f64>| {
        let mut writer = setting.writer()?;
        let began = Instant::now();
        for event in &events {
            writer.append(event).map_err(journal_failure)?;
        }
        let time = began.elapsed();
        if sealed.is_none() {
            sealed = Some(writer.finish().map_err(journal_failure)?);
        }
        rates.push(rate(events.len(), time));
        Ok(())
    })?;
    let latency = setting.rounds(|latency: &mut Latency| {
        let mut writer = setting.writer()?;
        for event in &events {
            let began = Instant::now();
            let done = writer.append(event);
            latency.record(began.elapsed());
            done.map_err(journal_failure)?;
        }
        Ok(())
    })?;
    let what =
        "Writer::append from memory: canonical bytes, BLAKE3 chain, packed block, sled; no wait for the disk";
    let each = "one append, timed each by itself; every 2,048th closes and stores a block, which is the tail";
    let mut figures = vec![
        figure("events", what, &data, Value::Rate { of: "events", rounds: rates }),
        figure("one append", each, &data, Value::Latency(Box::new(latency))),
    ];
    if let Some(sealed) = sealed {
        let per_event = |bytes: u64| bytes as f64 / events.len() as f64;
        let number = |value| Value::Number { value, unit: "bytes/event" };
        let (blocks, store) = (per_event(sealed.blocks_bytes), per_event(sealed.store_bytes));
        figures.push(figure("space in blocks", "chapter.blocks, headers included", &data, number(blocks)));
        figures.push(figure("space in the store", "all files of sled's store", &data, number(store)));
        figures.push(figure("head", HEAD, &data, Value::Text(sealed.head_hash.to_string())));
    }
    Ok(figures)
}

const HEAD: &str = "the journal's head hash: the same on every machine";

/// The engine alone: no file, no venue, no journal.
pub fn apply(setting: &Setting<'_>) -> Result<Vec<Figure>, Failure> {
    let plan = setting.plan(Shipped::Btcusdt(1), &[])?;
    let inputs = inputs(setting, &plan)?;
    let data = of_events(&plan, inputs.len());
    let fault = |fault: Fault| Failure::new(Exit::Failed, fault.to_string(), NOT_MEASURED);
    let rates = setting.rounds(|rates: &mut Vec<f64>| {
        let mut engine = setting.engine(&plan)?;
        let began = Instant::now();
        for input in &inputs {
            black_box(engine.apply(input).map_err(fault)?);
        }
        rates.push(rate(inputs.len(), began.elapsed()));
        Ok(())
    })?;
    let latency = setting.rounds(|latency: &mut Latency| {
        let mut engine = setting.engine(&plan)?;
        for input in &inputs {
            let began = Instant::now();
            black_box(engine.apply(input).map_err(fault)?);
            latency.record(began.elapsed());
        }
        Ok(())
    })?;
    let what = "Engine::apply over the recorded inputs of a run: ticks and the venue's answers, ema-cross";
    let each = "one Engine::apply, timed each by itself, decisions and their risk checks among them";
    Ok(vec![
        figure("inputs", what, &data, Value::Rate { of: "inputs", rounds: rates }),
        figure("one input", each, &data, Value::Latency(Box::new(latency))),
    ])
}

/// The inputs of a run: its market and the venue's answers.
fn inputs(setting: &Setting<'_>, plan: &Plan) -> Result<Vec<Event>, Failure> {
    let mut engine = setting.engine(plan)?;
    let started = engine.identity(WorldKind::Simulated);
    let sources = sources::open(&plan.scenario, None)?.sources;
    let mut world = Simulated::new(&plan.scenario.settings, started, sources).map_err(run_failure)?;
    let mut log = Vec::new();
    run(&mut world, &mut log, &mut engine).map_err(run_failure)?;
    log.retain(|event: &Event| event.header.sequence.is_input());
    Ok(log)
}

/// Whole runs as `genovo replay` runs them.
pub fn replay(setting: &Setting<'_>) -> Result<Vec<Figure>, Failure> {
    let shipped = match setting.data {
        Some(_) => vec![Shipped::Btcusdt(1)],
        None => vec![Shipped::Gold, Shipped::Btcusdt(TILES)],
    };
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
    let cpu = CpuLevel::choose("auto")
        .map_err(|error| Failure::new(Exit::Usage, error.to_string(), NOT_MEASURED))?;
    let machine = Machine { cpu, pipelined: cores > 1, cores };
    let mut figures = Vec::new();
    for shipped in shipped {
        for strategy in ["flat", "ema-cross"] {
            // The scenarios' own strategy is ema-cross.
            let sets: &[&str] = if strategy == "flat" { &["strategy.kind=flat"] } else { &[] };
            let plan = setting.plan(shipped, sets)?;
            figures.extend(replay_of(setting, &plan, strategy, &machine)?);
        }
    }
    Ok(figures)
}

fn replay_of(
    setting: &Setting<'_>,
    plan: &Plan,
    strategy: &str,
    machine: &Machine,
) -> Result<Vec<Figure>, Failure> {
    let (mut state, mut ticks) = (None, 0);
    let rounds = setting.rounds(|rounds: &mut Vec<(Counts, Duration)>| {
        let mut engine = setting.engine(plan)?;
        let started = engine.identity(WorldKind::Simulated);
        let writer = setting.writer()?;
        let opened = sources::open(&plan.scenario, None)?;
        let (counts, _, report, time) =
            drive(&mut engine, started, opened, writer, machine).map_err(run_failure)?;
        rounds.push((counts, time));
        ticks = counts.ticks;
        state = report.finish().identity.state_hash;
        Ok(())
    })?;
    let rate_of = |count: fn(&Counts) -> u64| {
        rounds.iter().map(|(counts, time)| rate(count(counts) as usize, *time)).collect()
    };
    let data = of_events(plan, ticks as usize);
    let what = "the loop of `genovo replay`, from the first event taken to the last block stored: reading \
                and parsing the file, deciding, the venue, the report's figures, the journal in sled";
    let name = |what: &str| format!("{} {strategy}, {what}", plan.scenario.settings.name);
    let state = state.map_or("none".to_string(), |hash| hash.to_string());
    Ok(vec![
        figure(
            name("ticks"),
            what,
            &data,
            Value::Rate { of: "ticks", rounds: rate_of(|counts| counts.ticks) },
        ),
        figure(
            name("events"),
            "the same in events: inputs and what was derived from them",
            &data,
            Value::Rate { of: "events", rounds: rate_of(|counts| counts.inputs + counts.derived) },
        ),
        figure(name("state"), "the run's state hash: the same on every machine", &data, Value::Text(state)),
    ])
}

/// From a quote to the command that it causes.
pub fn tick_to_order(setting: &Setting<'_>) -> Result<Vec<Figure>, Failure> {
    let plan = setting.plan(Shipped::Btcusdt(1), &[])?;
    let quotes = market(&plan)?;
    let data = of_events(&plan, quotes.len());
    let taken = setting.rounds(|taken| walk(setting, &plan, &quotes, None, taken))?;
    let scheduled = setting.rounds(|taken| walk(setting, &plan, &quotes, Some(SCHEDULE), taken))?;
    let service = "service time: from handing a quote to the loop until its command is ready, the quote and \
                   all that it caused in the journal's writer; the next quote waits for the last, so no \
                   queue can form";
    let every = "service time of every quote, whether it causes an order or not";
    let response = "response time: quotes are due 100,000 a second whether the loop is ready or not, and \
                    time counts from when a quote was due, so that waiting in line is not left out";
    let rows = [
        ("quote in → command out", service, taken.orders),
        ("quote in → all of it journaled", every, taken.quotes),
        ("at 100,000 quotes/s → command out", response, scheduled.orders),
        ("at 100,000 quotes/s, every quote", response, scheduled.quotes),
    ];
    let row = |(name, what, latency)| figure(name, what, &data, Value::Latency(Box::new(latency)));
    Ok(rows.map(row).into())
}

/// What a walk found: the quotes that caused a command, and all of them.
#[derive(Default)]
struct Taken {
    orders: Latency,
    quotes: Latency,
}

/// The loop of a run on one thread, each quote timed: from being handed over, or from when it was due.
fn walk(
    setting: &Setting<'_>,
    plan: &Plan,
    quotes: &[Event],
    schedule: Option<u32>,
    taken: &mut Taken,
) -> Result<(), Failure> {
    let mut engine = setting.engine(plan)?;
    let mut writer = setting.writer()?;
    let started = engine.identity(WorldKind::Simulated);
    let source = Box::new(MemorySource::new(quotes.to_vec()));
    let mut world = Simulated::new(&plan.scenario.settings, started, vec![source]).map_err(run_failure)?;
    let (mut number, mut due) = (0, Instant::now());
    while let Some(input) = world.next().map_err(run_failure)? {
        number += 1;
        input.header.sequence = Sequence::input(number);
        let is_quote = input.fact.kind().is_market();
        let mut began = Instant::now();
        if let (true, Some(rate)) = (is_quote, schedule) {
            due += Duration::from_secs(1) / rate;
            while Instant::now() < due {
                std::hint::spin_loop();
            }
            began = due;
        }
        writer.append(input).map_err(journal_failure)?;
        let output = engine
            .apply(input)
            .map_err(|fault| Failure::new(Exit::Failed, fault.to_string(), NOT_MEASURED))?;
        for event in &output.events {
            writer.append(event).map_err(journal_failure)?;
        }
        if is_quote {
            let time = began.elapsed();
            taken.quotes.record(time);
            if output.sends_orders() {
                taken.orders.record(time);
            }
        }
        for command in &output.commands {
            world.send(command.clone()).map_err(run_failure)?;
        }
    }
    Ok(())
}

/// Reading a journal.
pub fn scan(setting: &Setting<'_>) -> Result<Vec<Figure>, Failure> {
    let plan = setting.plan(Shipped::Btcusdt(TILES), &[])?;
    let events = market(&plan)?;
    let mut writer = setting.writer()?;
    for event in &events {
        writer.append(event).map_err(journal_failure)?;
    }
    let sealed = writer.finish().map_err(journal_failure)?;
    let path = setting.folder.join("journal");
    let data = of_events(&plan, events.len());
    let began = Instant::now();
    let journal = Journal::open(&path).map_err(journal_failure)?;
    let opened = began.elapsed();
    let structs = setting.rounds(|rates| timed(events.len(), rates, || sum_structs(&journal)))?;
    let (columns, blocks) = setting.rounds(|(rates, blocks): &mut (Vec<f64>, Latency)| {
        timed(events.len(), rates, || sum_columns(&journal, blocks))
    })?;
    let checked = setting.rounds(|rates| timed(events.len(), rates, || verified(&path)))?;
    let row = |name: &str, what, value| figure(name, what, &data, value);
    let rate = |rounds| Value::Rate { of: "events", rounds };
    Ok(vec![
        row(
            "as structs",
            "Journal::events, every quote's prices and time read; warm page cache",
            rate(structs),
        ),
        row(
            "as columns",
            "Journal::block_columns, the same three columns read; warm page cache",
            rate(columns),
        ),
        row("one block", "one block decoded, up to 2,048 events", Value::Latency(Box::new(blocks))),
        row("verified", "genovo_journal::verify: every file, every block, the whole chain", rate(checked)),
        row(
            "open",
            "Journal::open: every file compared with its sealed hash",
            Value::Number { value: opened.as_secs_f64() * 1e3, unit: "ms" },
        ),
        row("head", HEAD, Value::Text(sealed.head_hash.to_string())),
    ])
}

fn timed<T>(
    events: usize,
    rates: &mut Vec<f64>,
    read: impl FnOnce() -> Result<T, Error>,
) -> Result<(), Failure> {
    let began = Instant::now();
    black_box(read().map_err(journal_failure)?);
    rates.push(rate(events, began.elapsed()));
    Ok(())
}

fn sum_structs(journal: &Journal) -> Result<i64, Error> {
    let mut sum = 0_i64;
    for event in journal.events() {
        let event = event?;
        if let Fact::QuoteChanged(quote) = event.fact {
            sum = sum.wrapping_add(quote.bid.0 ^ quote.ask.0 ^ event.header.time_event.0);
        }
    }
    Ok(sum)
}

fn sum_columns(journal: &Journal, latency: &mut Latency) -> Result<i64, Error> {
    let (mut sum, mut blocks) = (0_i64, journal.block_columns());
    loop {
        let began = Instant::now();
        let Some(block) = blocks.next()? else { return Ok(sum) };
        latency.record(began.elapsed());
        let quotes = block.quotes();
        for ((bid, ask), time) in quotes.bids.iter().zip(quotes.asks).zip(quotes.times) {
            sum = sum.wrapping_add(bid ^ ask ^ time);
        }
    }
}

fn verified(path: &Path) -> Result<bool, Error> {
    Ok(genovo_journal::verify(path)?.intact())
}

pub(super) fn rate(count: usize, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64().max(1e-9)
}

pub(super) fn of_events(plan: &Plan, count: usize) -> String {
    format!("{}, {} events", plan.data, format::count(count as u64))
}

pub(super) fn figure(name: impl Into<String>, measures: &'static str, data: &str, value: Value) -> Figure {
    Figure { name: name.into(), measures, data: data.to_string(), value }
}
