//! A live session: the scenario's engine, a feed, a broker and a journal, joined and run to their end.

mod checkpoints;
pub mod control;
pub mod folder;
mod keys;
pub mod limits;
mod measured;
mod past;
pub mod screen;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use genovo_adapters::broker::desk::LOOK;
use genovo_adapters::broker::factory::{Brokers, Making};
use genovo_adapters::broker::paper::book::Durability;
use genovo_adapters::broker::{ClientIds, Execution};
use genovo_adapters::feed::{Feed, RecordedFeed};
use genovo_adapters::live::{
    Clock, Ending, Latency, Live, Operator, Parts, Past, SystemTimeSource, TimeSource, Word,
};
use genovo_engine::engine::{Counts, Engine};
use genovo_engine::event::{
    ChapterClosed, ChapterReason, Event, Fact, OperatorCommand, RunStarted, WorldKind,
};
use genovo_engine::ids::{Hash, InstrumentId, OrderId, Sequence};
use genovo_engine::log::{Log, LogError};
use genovo_engine::pipeline::QueuedSource;
use genovo_engine::recorded::RerunError;
use genovo_engine::run;
use genovo_engine::settings::Settings;
use genovo_engine::strategy::Registry;
use genovo_engine::units::{Money, Quantity, Timestamp};
use genovo_engine::world::{Source, WorldError};
use genovo_journal::{CommitMode, Identity, Journal, LiveOptions, LiveWriter, Resumed};
use genovo_kernels::backend::{AnyBackend, Cpu};
use genovo_kernels::cpu::CpuLevel;

use crate::backend::{Backends, Placed};
use crate::commands::import;
use crate::error::{Exit, Failure};
use crate::report::{self, ReportBuilder};
use crate::scenario::{self, Scenario};
use crate::{failures, sources};
use checkpoints::Checkpoints;
use folder::{Anchor, SessionFile};
use limits::Board;
pub use measured::Measured;
use past::Memory;
use screen::{Screen, Show};

const NOTHING: &str = "Nothing was started.";

/// What a session is to do beside running.
#[derive(Clone, Debug)]
pub struct Orders {
    /// Close every position, then stop.
    pub flatten: bool,
    /// Stop after so long by the wall clock.
    pub for_duration: Option<Duration>,
    /// Stop at this moment of the session's time.
    pub until: Option<Timestamp>,
    /// Said at the start, before anything else: how a dead session is killed.
    pub words: Vec<Word>,
    /// How long an idle thread looks for work before it sleeps; [`Duration::MAX`]: for good.
    pub look: Duration,
    /// Bytes kept free on the disk.
    pub reserve: Option<u64>,
    /// Whether keys are read.
    pub keys: bool,
    /// Whether and how what happens is shown.
    pub show: Show,
    /// Where a model's kernels run.
    pub backends: Backends,
}

impl Default for Orders {
    fn default() -> Orders {
        Orders {
            flatten: false,
            for_duration: None,
            until: None,
            words: Vec::new(),
            look: LOOK,
            reserve: None,
            keys: false,
            show: Show::Lines,
            backends: Backends::cpu(),
        }
    }
}

/// A session that came to its end.
pub struct Ended {
    /// How.
    pub ending: Ending,
    /// Where its journal is.
    pub journal: PathBuf,
    /// What happened, in numbers.
    pub counts: Counts,
    /// Orders that still work at the broker.
    pub working: Vec<OrderId>,
    /// Positions that are open.
    pub open: Vec<(String, Quantity)>,
    /// How much of them no stop at the broker would close.
    pub unprotected: Vec<(String, Quantity)>,
    /// Equity at the last marks.
    pub equity: Money,
    /// What was measured.
    pub measured: Measured,
    /// Whether the operator killed it.
    pub killed: bool,
    /// How it found things, when it went on.
    pub resumption: Option<Resumption>,
}

/// How a session that goes on found things.
pub struct Resumption {
    /// The last event that was recorded.
    pub last: Sequence,
    /// How many events there were.
    pub events: u64,
    /// The last event that the checkpoint knew of with which it began; none when every input was run again.
    pub checkpoint: Option<Sequence>,
    /// How many inputs were run again.
    pub run_again: u64,
    /// What is to be said of checkpoints that were passed by.
    pub passed: Vec<String>,
    /// How long it took until the loop ran.
    pub took: Duration,
}

/// What a new session is made of.
pub struct Beginning {
    /// The scenario.
    pub scenario: Scenario,
    /// Its file and what was changed of it, and how it runs.
    pub file: SessionFile,
    /// Where the journal goes.
    pub journal: PathBuf,
    /// Market data and broker, unless they are those that the scenario and the file name.
    pub outside: Option<Outside>,
}

/// Market data and a broker of the caller's.
pub struct Outside {
    /// Where market data comes from.
    pub feed: Box<dyn Feed>,
    /// When its first event comes, by the session's time.
    pub first: Timestamp,
    /// Who takes orders; none: the broker that the session's file names.
    pub broker: Option<Box<dyn Execution>>,
    /// Where the session's clock gets its time.
    pub source: Box<dyn TimeSource>,
}

/// A session ready to run.
pub struct Session {
    journal: PathBuf,
    file: SessionFile,
    engine: Engine,
    /// Inputs that the engine has seen.
    taken: u64,
    live: Live,
    log: SessionLog,
    measured: Measured,
    /// Where a model's kernels run.
    pub placed: Placed,
    /// How it found things, when it goes on.
    pub resumption: Option<Resumption>,
}

/// The journal, and those who look at the same events on their way into it.
struct SessionLog {
    writer: LiveWriter,
    limits: Board,
    screen: Screen,
    memory: Memory,
    checkpoints: Checkpoints,
    commits: Arc<Mutex<Latency>>,
    /// Whom to tell when the card is lost that computes.
    card: Option<Operator>,
}

impl Log for SessionLog {
    #[inline]
    fn append(&mut self, event: &Event) -> Result<(), LogError> {
        self.writer.append(event).map_err(LogError::new)?;
        self.memory.observe(event);
        if event.fact.is_about_limits() && self.limits.observe(event) {
            // Whoever waits for the answer is told what is kept.
            self.writer.commit().map_err(LogError::new)?;
        }
        if !event.header.sequence.is_input() {
            return Ok(());
        }
        self.screen.observe(event);
        if matches!(event.fact, Fact::TimerFired(_)) {
            // Whoever follows the journal sees what is there, once a heartbeat.
            self.writer.flush().map_err(LogError::new)?;
        }
        Ok(())
    }

    fn commit(&mut self) -> Result<(), LogError> {
        let began = Instant::now();
        self.writer.commit().map_err(LogError::new)?;
        if let Ok(mut commits) = self.commits.lock() {
            commits.record(began.elapsed());
        }
        Ok(())
    }

    fn show(&mut self, caused: &[Event]) {
        for event in caused {
            self.screen.observe(event);
        }
    }

    fn idle(&mut self) -> Result<(), LogError> {
        self.writer.idle().map_err(LogError::new)
    }

    #[inline]
    fn reached(&mut self, engine: &Engine) -> Result<(), LogError> {
        if let (Some(operator), Some(error)) = (&self.card, self.card.as_ref().and(engine.lost_card())) {
            operator.card_lost(error.to_string());
            self.card = None;
        }
        if self.checkpoints.is_due(self.writer.events()) { self.checkpoint(engine) } else { Ok(()) }
    }
}

impl SessionLog {
    #[cold]
    fn checkpoint(&mut self, engine: &Engine) -> Result<(), LogError> {
        // The events that it knows of are on their way to the tail before it is.
        self.writer.flush().map_err(LogError::new)?;
        let (sequence, events) = (self.writer.last_sequence(), self.writer.events());
        if let Err(problem) = self.checkpoints.take(sequence, events, &self.memory, engine) {
            self.screen.say(format!("  ! a checkpoint was not kept: {problem}"));
        }
        Ok(())
    }
}

/// For `identity.toml`: outside the chain.
fn this_machine(placed: &Placed) -> Identity {
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
    Identity {
        backend: match &placed.backend {
            AnyBackend::Cpu(_) => "cpu".to_string(),
            card => card.describe(),
        },
        cpu: CpuLevel::detect().to_string(),
        threads: format!("live on {cores} cores"),
        ..import::identity()
    }
}

fn options(file: &SessionFile, orders: &Orders) -> Result<LiveOptions, Failure> {
    let commit = CommitMode::parse(&file.commit).ok_or_else(|| {
        Failure::new(Exit::Usage, format!("`{}` is no commit mode", file.commit), NOTHING)
            .help("write --commit process or --commit disk")
    })?;
    let mut options = LiveOptions { commit, ..LiveOptions::default() };
    if let Some(bytes) = orders.reserve {
        options.reserve_bytes = bytes;
    }
    Ok(options)
}

/// Lets the engine compute where it should.
fn place(engine: &mut Engine, scenario: &Scenario, orders: &Orders) -> Result<Placed, Failure> {
    orders.backends.place(engine, scenario.execution.backend, kernels(scenario)?, NOTHING)
}

/// Where an engine of this scenario should compute.
fn choose(scenario: &Scenario, orders: &Orders, registry: &Registry) -> Result<Placed, Failure> {
    let engine = Engine::new(scenario.settings.clone(), registry);
    let engine = engine.map_err(|error| Failure::new(Exit::Usage, error.to_string(), NOTHING))?;
    orders.backends.choose(engine.network(), scenario.execution.backend, kernels(scenario)?, NOTHING)
}

/// The CPU of a session.
fn kernels(scenario: &Scenario) -> Result<Cpu, Failure> {
    let level = CpuLevel::choose(scenario.execution.cpu.word());
    let cpu = level.and_then(|level| Cpu::new(level, 1));
    cpu.map_err(|error| Failure::new(Exit::Usage, error.to_string(), NOTHING))
}

fn durability(options: &LiveOptions) -> Durability {
    match options.commit {
        CommitMode::Process => Durability::Process,
        CommitMode::Disk => Durability::Disk,
    }
}

/// The scenario's data as a feed that happens now.
fn feed(scenario: &Scenario) -> Result<RecordedFeed, Failure> {
    let opened = sources::open(scenario, None)?;
    let sources = opened.sources.into_iter();
    let queued = sources.map(|source| Box::new(QueuedSource::spawn(source)) as Box<dyn Source>);
    let symbols: Vec<&str> =
        scenario.settings.instruments.iter().map(|instrument| instrument.symbol.as_str()).collect();
    Ok(RecordedFeed::new(format!("recorded {}", symbols.join(", ")), queued.collect()))
}

fn world_failed(error: WorldError) -> Failure {
    failures::run(&run::RunError::World(error), NOTHING)
}

/// The broker that the session's file names.
fn broker(
    file: &SessionFile,
    journal: &Path,
    settings: &Settings,
    ids: &ClientIds,
    options: &LiveOptions,
) -> Result<Box<dyn Execution>, Failure> {
    let making = Making {
        settings: settings.clone(),
        ids: ids.clone(),
        folder: folder::folder(journal),
        durability: durability(options),
    };
    Brokers::default()
        .make(&file.broker, &making)
        .map_err(|error| Failure::new(Exit::Failed, error.to_string(), NOTHING))
}

impl Session {
    /// Begins a session in a new journal.
    pub fn begin(beginning: Beginning, orders: &Orders, registry: &Registry) -> Result<Session, Failure> {
        let Beginning { scenario, mut file, journal, outside } = beginning;
        let usage = |message: String| Failure::new(Exit::Usage, message, NOTHING);
        let mut engine =
            Engine::new(scenario.settings.clone(), registry).map_err(|error| usage(error.to_string()))?;
        if scenario.execution.checkpoint_every > 0 {
            engine.keep_for_checkpoints();
        }
        let placed = place(&mut engine, &scenario, orders)?;
        let started = engine.identity(WorldKind::Live);
        let Outside { feed, first, broker: given, source } = match outside {
            Some(outside) => outside,
            None => {
                let mut feed = feed(&scenario)?;
                let first = feed.next_time().map_err(world_failed)?;
                let first = first.ok_or_else(|| usage("the data has no events".to_string()))?;
                Outside {
                    feed: Box::new(feed),
                    first,
                    broker: None,
                    source: Box::<SystemTimeSource>::default(),
                }
            }
        };
        let options = options(&file, orders)?;
        let writer = LiveWriter::create(&journal, &this_machine(&placed), options)
            .map_err(|error| failures::journal(&error, NOTHING))?;
        file.anchor = Anchor::now(first);
        file.session = crate::signing::random()?;
        file.write(&journal)?;
        let ids = ClientIds::new(&started, first);
        let broker = match given {
            Some(broker) => broker,
            None => broker(&file, &journal, &scenario.settings, &ids, &options)?,
        };
        let parts = Assembly {
            file,
            journal,
            engine,
            writer,
            feed,
            broker,
            source,
            ids,
            started: Some(started),
            placed,
            past: Past { now: first, ..Past::default() },
            taken: 0,
            resumption: None,
            memory: Memory::default(),
            checkpoint_every: scenario.execution.checkpoint_every,
            saved_at: 0,
        };
        assemble(parts, &options, orders)
    }

    /// Goes on with the session of a journal.
    pub fn resume(journal: &Path, orders: &Orders, registry: &Registry) -> Result<Session, Failure> {
        let began = Instant::now();
        let mut file = SessionFile::read(journal)?;
        if file.session == Hash::default() {
            file.session = crate::signing::random()?;
        }
        let mut scenario = scenario::load_only(&file.scenario, &file.set, &file.symbol, registry)?;
        let usage = |message: String| Failure::new(Exit::Usage, message, NOTHING);
        let options = options(&file, orders)?;
        let placed = choose(&scenario, orders, registry)?;
        let resumed = LiveWriter::resume(journal, &this_machine(&placed), options)
            .map_err(|error| failures::journal(&error, NOTHING))?;
        let every = scenario.execution.checkpoint_every;
        let Some((recorded, first)) = beginning(&resumed)? else {
            return Err(usage(format!("{} was killed before it began", journal.display()))
                .help("begin a new session: genovo live"));
        };
        // A session goes on as it began: one of an older build has no stops of its own.
        let began_as = Settings::from_canonical_json(&recorded.settings).ok();
        scenario.settings.risk.protect = began_as.is_some_and(|settings| settings.risk.protect);
        let mut engine =
            Engine::new(scenario.settings.clone(), registry).map_err(|error| usage(error.to_string()))?;
        let started = engine.identity(WorldKind::Live);
        if recorded != started {
            return Err(usage(format!(
                "{} is no longer the scenario of this session",
                file.scenario.display()
            ))
            .help("the settings or this build's logic differ from those in the journal: undo the change"));
        }
        let files = resumed.checkpoints().map_err(|error| failures::journal(&error, NOTHING))?;
        let (found, passed) = checkpoints::newest(&files, &scenario.settings, registry);
        let (mut memory, mut checkpoint, mut run_before) = (Memory::default(), None, 0);
        if let Some(found) = found {
            (engine, memory, checkpoint) = (found.engine, found.memory, Some(found.sequence));
            run_before = engine.counts().inputs;
        } else if every > 0 {
            engine.keep_for_checkpoints();
        }
        let placed = place(&mut engine, &scenario, orders)?;
        let saved_at = memory.events();
        let from = checkpoint.map_or(Sequence::NONE, |known| Sequence(known.0 + 1));
        let events =
            resumed.events_from(from).after(memory.events()).map(|event| event.map_err(WorldError::new));
        let reached = past::read(events, &mut engine, &mut memory).map_err(|error| rerun_failed(&error))?;
        if reached.ended {
            return Err(usage(format!("{} has ended: there is nothing to go on with", journal.display()))
                .help("begin a new session: genovo live"));
        }
        let mut past = memory.past(&engine);
        if !memory.was_stopped() {
            past.missed_until = file.missed_until(past.now);
        }
        let mut writer = resumed.writer;
        for event in &reached.missing {
            writer.append(event).map_err(|error| failures::journal(&error, NOTHING))?;
        }
        writer.commit().map_err(|error| failures::journal(&error, NOTHING))?;
        let mut feed = feed(&scenario)?;
        file.anchor = Anchor::now(past.missed_until.unwrap_or(past.now));
        let ids = ClientIds::new(&started, first);
        let mut broker = broker(&file, journal, &scenario.settings, &ids, &options)?;
        // What the journal has of the market is passed over; a broker that simulates lives through it again.
        feed.skip(past.market, |event, number| broker.market(event, number)).map_err(world_failed)?;
        let taken = engine.counts().inputs;
        let resumption = Resumption {
            last: resumed.recovery.last_sequence,
            events: resumed.recovery.events,
            checkpoint,
            run_again: taken - run_before,
            passed,
            took: began.elapsed(),
        };
        let parts = Assembly {
            file,
            journal: journal.to_owned(),
            engine,
            writer,
            feed: Box::new(feed),
            broker,
            source: Box::<SystemTimeSource>::default(),
            ids,
            started: None,
            placed,
            past,
            taken,
            resumption: Some(resumption),
            memory,
            checkpoint_every: every,
            saved_at,
        };
        let mut session = assemble(parts, &options, orders)?;
        if let Some(resumption) = &mut session.resumption {
            resumption.took = began.elapsed();
        }
        Ok(session)
    }

    /// Runs it until it is stopped or its data ends.
    pub fn run(mut self, orders: &Orders) -> Result<Ended, Failure> {
        let operator = self.live.operator();
        let control = control::Control::listen(&self.journal, operator.clone(), self.log.limits.clone())?;
        keys::stop_on_signals(operator.clone());
        let keys = if orders.keys { keys::Keys::read(operator.clone()) } else { None };
        for &word in &orders.words {
            operator.say(word);
        }
        if orders.flatten {
            operator.say(Word::Operator(OperatorCommand::Flatten));
            operator.say(Word::StopWhenFlat);
        }
        if let Some(duration) = orders.for_duration {
            stop_after(duration, operator);
        }
        let kept = format!("Everything up to there is kept: genovo live --resume {}", self.journal.display());
        let failed = |error: &run::RunError| failures::run(error, &kept);
        let taken = run::take(&mut self.live, &mut self.log, &mut self.engine, self.taken)
            .map_err(|error| failed(&error))?;
        let ending = self.live.ending();
        let sealed = match ending {
            Ending::DataEnded => {
                run::end(&mut self.log, &mut self.engine, taken).map_err(|error| failed(&error))?;
                true
            }
            Ending::Stopped | Ending::Running => false,
        };
        self.log.screen.close();
        drop(keys);
        let SessionLog { writer, checkpoints, limits, .. } = self.log;
        limits.end();
        let mut measured = self.measured;
        measured.checkpoints = checkpoints.taken;
        drop(checkpoints);
        // A session that stopped is sealed too, and goes on in a new chapter.
        writer.finish().map_err(|error| failures::journal(&error, &kept))?;
        if sealed {
            let mut figures = report_of(&self.journal)?;
            figures.identity.journal = Some(self.journal.display().to_string());
            report::write(&self.journal, &figures).map_err(|error| {
                let message = format!("cannot write the report: {error}");
                Failure::new(
                    Exit::Failed,
                    message,
                    format!("The journal is whole: {}", self.journal.display()),
                )
            })?;
        }
        drop(control);
        let engine = &self.engine;
        let each = |quantity: fn(&Engine, InstrumentId) -> Quantity| -> Vec<(String, Quantity)> {
            let instruments = engine.settings().instruments.iter().zip(1..);
            let each = instruments
                .map(|(rules, number)| (rules.symbol.clone(), quantity(engine, InstrumentId(number))));
            each.filter(|(_, quantity)| *quantity != Quantity::ZERO).collect()
        };
        Ok(Ended {
            ending,
            counts: engine.counts(),
            working: engine.orders().working().map(|(order, _)| order).collect(),
            open: each(Engine::position),
            unprotected: each(Engine::unprotected),
            equity: engine.equity(),
            killed: engine.is_halted(),
            measured,
            resumption: self.resumption,
            journal: self.journal,
        })
    }

    /// Where its journal is.
    pub fn journal(&self) -> &Path {
        &self.journal
    }

    /// When, by its clock's source, an event of this time is due.
    pub fn due_at(&self, time: Timestamp) -> Duration {
        self.live.due_at(time)
    }

    /// How it runs.
    pub fn file(&self) -> &SessionFile {
        &self.file
    }

    /// Its settings.
    pub fn settings(&self) -> &genovo_engine::settings::Settings {
        self.engine.settings()
    }
}

/// Everything of a session but the world.
struct Assembly {
    file: SessionFile,
    journal: PathBuf,
    engine: Engine,
    writer: LiveWriter,
    feed: Box<dyn Feed>,
    broker: Box<dyn Execution>,
    source: Box<dyn TimeSource>,
    ids: ClientIds,
    started: Option<RunStarted>,
    placed: Placed,
    past: Past,
    taken: u64,
    resumption: Option<Resumption>,
    memory: Memory,
    checkpoint_every: u64,
    /// How many events the newest checkpoint knows.
    saved_at: u64,
}

fn assemble(assembly: Assembly, options: &LiveOptions, orders: &Orders) -> Result<Session, Failure> {
    let Assembly {
        file,
        journal,
        engine,
        writer,
        feed,
        broker,
        source,
        ids,
        started,
        placed,
        past,
        taken,
        resumption,
        memory,
        checkpoint_every,
        saved_at,
    } = assembly;
    let settings = engine.settings().clone();
    let limits = Board::new(&engine, file.session, past.now);
    file.write(&journal)?;
    let start = past.missed_until.unwrap_or(past.now);
    let clock = Clock::new(file.pace(), start, source);
    let handle = writer.handle();
    let live = Live::open(Parts {
        settings: settings.clone(),
        started,
        ids,
        feed,
        broker,
        clock,
        past,
        look: orders.look,
        until: orders.until,
        chapter_due: Some(Box::new(move |now| match now {
            Some(now) => handle.chapter_due(now),
            None => Some(ChapterClosed { chapter: handle.chapter(), reason: ChapterReason::Asked }),
        })),
    })
    .map_err(world_failed)?;
    let measured = Measured {
        telemetry: live.telemetry(),
        commits: Arc::new(Mutex::new(Latency::default())),
        mode: options.commit.name(),
        checkpoints: checkpoints::Taken::default(),
    };
    let screen =
        Screen::open(&settings, engine.account().clone(), engine.orders(), orders.show, measured.clone());
    let checkpoints = Checkpoints::open(writer.handle(), checkpoint_every, saved_at);
    let commits = Arc::clone(&measured.commits);
    let card = placed.backend.is_card().then(|| live.operator());
    let log = SessionLog { writer, limits, screen, memory, checkpoints, commits, card };
    Ok(Session { journal, file, engine, taken, live, log, measured, placed, resumption })
}

/// The first event of a journal that goes on, and its time; none when there is no event.
fn beginning(resumed: &Resumed) -> Result<Option<(RunStarted, Timestamp)>, Failure> {
    let first = resumed.events().next().transpose();
    let first = first.map_err(|error| failures::journal(&error, NOTHING))?;
    Ok(first.and_then(|event| match event.fact {
        Fact::RunStarted(started) => Some((*started, event.header.time_event)),
        _ => None,
    }))
}

/// The report of a journal that is sealed.
fn report_of(journal: &Path) -> Result<report::Report, Failure> {
    let kept = format!("The journal is whole: {}", journal.display());
    let mut report = ReportBuilder::new();
    let opened = Journal::open(journal).map_err(|error| failures::journal(&error, &kept))?;
    for event in opened.events() {
        report.observe(&event.map_err(|error| failures::journal(&error, &kept))?);
    }
    Ok(report.finish())
}

fn rerun_failed(error: &RerunError) -> Failure {
    let failure = |exit, message: String| Failure::new(exit, message, NOTHING);
    match error {
        RerunError::World(error) => match error.0.downcast_ref() {
            Some(error) => failures::journal(error, NOTHING),
            None => failure(Exit::Failed, error.to_string()),
        },
        RerunError::Differs(_) | RerunError::Fault(..) => failure(Exit::Difference, error.to_string())
            .help("the engine does not come to the recorded events: was the strategy changed?"),
    }
}

fn stop_after(duration: Duration, operator: Operator) {
    std::thread::Builder::new()
        .name("genovo-until".to_string())
        .spawn(move || {
            std::thread::sleep(duration);
            operator.say(Word::Operator(OperatorCommand::Stop));
        })
        .expect("the system gives us a thread");
}
