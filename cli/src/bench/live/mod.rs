//! `genovo bench live`: how long an order takes from the tick that causes it to the broker, in a whole live session.
//!
//! Everything between is the real thing: the feed's queue, the session's loop, the engine, risk, the journal on the
//! disk, the desk's thread. Only market and broker are made: a generator hands over recorded quotes on a fixed
//! schedule, and a broker notes when it is handed an order. What is measured counts from when a quote was due.

mod broker;
mod cores;
mod generator;
mod soak;
mod walk;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use genovo_adapters::broker::Execution;
use genovo_adapters::feed::queue;
use genovo_adapters::live::SystemTimeSource;
use genovo_engine::event::{Event, Fact};
use genovo_engine::ids::OrderId;
use genovo_engine::units::{Nanoseconds, Timestamp};
use genovo_journal::{CommitMode, Journal};

use super::bare::Bare;
use super::measure::{figure, journal_failure, market};
use super::{Figure, Latency, Plan, Setting, Value};
use crate::error::{Exit, Failure};
use crate::live::folder::{Anchor, SessionFile};
use crate::live::screen::Show;
use crate::live::{Beginning, Ended, Orders, Outside, Session};
use crate::progress::TimeBar;
use crate::report::format;
use crate::scenario;
pub use soak::soak;

use broker::{Handed, Stamping};
use generator::{Generating, LastQuote, Schedule, Stalling};

const NOT_MEASURED: &str = "Nothing was measured.";
/// Room for quotes under way.
const ROOM: usize = 65_536;
/// The first quote is due so long after the session has begun.
const LEAD: Duration = Duration::from_millis(100);
/// Where threads share cores, quotes are handed over so long before they are due: a third thread that looks at the
/// clock all the time would take turns with the two that are measured.
const AHEAD: Duration = Duration::from_millis(5);

/// Who decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Deciding {
    /// A cross of moving averages at every tick
    EmaCross,
    /// A neural network, size tiny, at every tick
    Model,
}

/// What is measured, and under which conditions.
#[derive(Clone, Debug)]
pub struct Conditions {
    /// Quotes a second.
    pub rate: u32,
    /// For how long.
    pub time: Duration,
    /// What an order waits for.
    pub commit: CommitMode,
    /// The session stands still once, in the middle, for so long.
    pub stall: Option<Duration>,
    /// Who decides.
    pub strategy: Deciding,
    /// How long idle threads look before they sleep.
    pub look: Duration,
    /// How long before they are due quotes are handed over; `None`: as the number of cores suggests.
    pub ahead: Option<Duration>,
    /// Cores of the session, of the desk and of the generator.
    pub pin: Vec<usize>,
    /// No progress is shown.
    pub quiet: bool,
}

impl Conditions {
    fn ahead(&self) -> Duration {
        let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
        // The journal's threads and the system want some of one too.
        self.ahead.unwrap_or(if cores >= 4 { Duration::ZERO } else { AHEAD })
    }
}

/// What a session under the generator came to.
pub(super) struct Outcome {
    pub ended: Ended,
    pub sent: u64,
    pub lost: u64,
    /// How much of how many cores it used.
    pub cores: f64,
    /// When quotes were due.
    pub schedule: Schedule,
    /// The moment of the first.
    pub begins: Instant,
}

impl Setting<'_> {
    /// The bench's own scenario over quotes that were named, or over a random walk.
    pub(super) fn live_plan(&self, strategy: Deciding, sets: &[String]) -> Result<Plan, Failure> {
        let data = match self.data {
            Some(data) => std::path::absolute(data).unwrap_or_else(|_| data.to_owned()),
            None => walk::write(self.folder)?,
        };
        let path = match strategy {
            Deciding::EmaCross => self.own_scenario()?,
            Deciding::Model => self.write_scenario("model.toml", include_str!("../model.toml"))?,
        };
        let sets = [&[format!("data.path={}", data.display())], sets].concat();
        let scenario = scenario::load(&path, &sets, self.registry)?;
        let name = data.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let data = if self.data.is_some() { format!("quotes of {name}") } else { walk::NAME.to_string() };
        Ok(Plan { scenario, data })
    }
}

/// Runs a session of `plan` on generated quotes, until they end. The broker is the caller's, or the one of this name.
pub(super) fn session(
    setting: &Setting<'_>,
    plan: &Plan,
    conditions: &Conditions,
    journal: &Path,
    name: &str,
    broker: impl FnOnce(Arc<LastQuote>) -> Result<Option<Box<dyn Execution>>, Failure>,
) -> Result<Outcome, Failure> {
    let quotes: Vec<Event> =
        market(plan)?.into_iter().filter(|event| matches!(event.fact, Fact::QuoteChanged(_))).collect();
    let Some(start) = quotes.first().map(|quote| quote.header.time_received) else {
        let message = format!("{} has no quotes", plan.data);
        return Err(Failure::new(Exit::Usage, message, NOT_MEASURED));
    };
    let count = (conditions.time.as_secs_f64() * f64::from(conditions.rate)).round() as u64;
    let first = start + Nanoseconds(LEAD.as_nanos() as i64);
    let schedule = Schedule { first, rate: conditions.rate, count: count.max(1) };
    let (sender, feed) = queue(format!("generated, {} quotes/s", conditions.rate), ROOM);
    let last: Arc<LastQuote> = Arc::default();
    let file = session_file(setting, conditions.commit, name);
    let broker = broker(Arc::clone(&last))?;
    let feed = Box::new(Stalling { feed, stall: stall(conditions, &schedule) });
    let origin = Instant::now();
    let source = Box::new(SystemTimeSource::since(origin));
    let outside = Outside { feed, first: start, broker, source };
    let scenario = plan.scenario.clone();
    let beginning = Beginning { scenario, file, journal: journal.to_owned(), outside: Some(outside) };
    let orders = Orders { look: conditions.look, reserve: Some(0), show: Show::Nothing, ..Orders::default() };
    let session = Session::begin(beginning, &orders, setting.registry)?;
    let begins = origin + session.due_at(first);
    let stop: Arc<AtomicBool> = Arc::default();
    let generating = Generating {
        quotes: Arc::new(quotes),
        schedule,
        begins,
        ahead: conditions.ahead(),
        core: conditions.pin.get(2).copied(),
        last,
        stop: Arc::clone(&stop),
    };
    let (used, began) = (cores::used(), Instant::now());
    let generator = generator::start(generating, sender);
    if let Some(&core) = conditions.pin.first() {
        cores::keep_to(core);
    }
    let bar = TimeBar::start("running", conditions.time + LEAD, conditions.quiet);
    let ended = session.run(&orders);
    bar.finish();
    stop.store(true, Ordering::Relaxed);
    let (sent, lost) = generator.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    let cores = (cores::used() - used).as_secs_f64() / began.elapsed().as_secs_f64();
    Ok(Outcome { ended: ended?, sent, lost, cores, schedule, begins })
}

/// The middle of the run, where a stall is wanted.
fn stall(conditions: &Conditions, schedule: &Schedule) -> Option<(Timestamp, Duration)> {
    let middle = schedule.first + Nanoseconds((conditions.time / 2).as_nanos() as i64);
    conditions.stall.map(|stall| (middle, stall))
}

fn session_file(setting: &Setting<'_>, commit: CommitMode, broker: &str) -> SessionFile {
    SessionFile {
        scenario: setting.folder.join("bench.toml"),
        set: Vec::new(),
        symbol: Vec::new(),
        speed: Some(1),
        broker: broker.to_string(),
        commit: commit.name().to_string(),
        session: genovo_engine::ids::Hash::default(),
        anchor: Anchor { wall: 0, session: 0 },
    }
}

/// A tick's order, from when the tick was due until the broker has it.
pub fn live(setting: &Setting<'_>, conditions: &Conditions) -> Result<Vec<Figure>, Failure> {
    let plan = setting.live_plan(conditions.strategy, &[])?;
    let journal = setting.place()?;
    let handed: Handed = Arc::default();
    let synced: Arc<Mutex<Latency>> = Arc::default();
    let core = conditions.pin.get(1).copied();
    let outcome = session(setting, &plan, conditions, &journal, "bench", |last| {
        let mut broker = Stamping::new(Arc::clone(&handed), last, core);
        if conditions.commit == CommitMode::Disk {
            broker.bare = Some((Bare::new(setting.folder)?, Arc::clone(&synced)));
        }
        Ok(Some(Box::new(broker)))
    })?;
    let handed = std::mem::take(&mut *handed.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    let recorded = Recorded::read(&journal)?;
    let orders = recorded.latency(&handed, &outcome)?;
    check(&outcome, &recorded, conditions, &orders)?;
    let bare = std::mem::take(&mut *synced.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    Ok(figures(&plan, conditions, &outcome, orders, bare))
}

/// What the journal says of the session.
struct Recorded {
    /// When the tick was due that an order came from.
    due: BTreeMap<OrderId, Timestamp>,
    quotes: u64,
}

impl Recorded {
    fn read(journal: &Path) -> Result<Recorded, Failure> {
        let journal = Journal::open(journal).map_err(journal_failure)?;
        let mut recorded = Recorded { due: BTreeMap::new(), quotes: 0 };
        let mut tick = None;
        for event in journal.events() {
            let event = event.map_err(journal_failure)?;
            match &event.fact {
                Fact::QuoteChanged(_) => {
                    recorded.quotes += 1;
                    tick = Some(event.header.sequence);
                }
                // Derived events have their input's times, and the generator put the schedule's into its quotes.
                Fact::OrderSubmitted(order)
                    if tick
                        .is_some_and(|tick| tick.input_number() == event.header.sequence.input_number()) =>
                {
                    recorded.due.insert(order.order, event.header.time_event);
                }
                _ => {}
            }
        }
        Ok(recorded)
    }

    fn latency(&self, handed: &[(OrderId, Instant)], outcome: &Outcome) -> Result<Latency, Failure> {
        let mut latency = Latency::default();
        for (order, at) in handed {
            let Some(due) = self.due.get(order) else { continue };
            let due = outcome.begins
                + Duration::from_nanos((*due - outcome.schedule.first).0.try_into().unwrap_or_default());
            latency.record(at.saturating_duration_since(due));
        }
        if latency.count() == 0 {
            let message = "no order left the session".to_string();
            return Err(
                Failure::new(Exit::Failed, message, NOT_MEASURED).help("run it for longer: --for 10s")
            );
        }
        Ok(latency)
    }
}

/// Whether every quote that was due came, and is in the journal where that was counted.
fn check_all_came(outcome: &Outcome, journaled: Option<u64>, conditions: &Conditions) -> Result<(), Failure> {
    let failed = |message: String| Err(Failure::new(Exit::Failed, message, NOT_MEASURED));
    let wanted = outcome.schedule.count;
    if outcome.lost > 0 {
        return failed(format!(
            "{} of {} quotes were lost: the session takes fewer than {} a second here",
            format::count(outcome.lost),
            format::count(wanted),
            format::count(u64::from(conditions.rate))
        ));
    }
    let taken = outcome.ended.counts.ticks;
    if outcome.sent != wanted || taken != wanted || journaled.is_some_and(|journaled| journaled != wanted) {
        return failed(format!(
            "{} quotes were due, {} handed over and {} taken",
            format::count(wanted),
            format::count(outcome.sent),
            format::count(journaled.unwrap_or(taken))
        ));
    }
    Ok(())
}

/// Whether what was run is what was to be measured.
fn check(
    outcome: &Outcome,
    recorded: &Recorded,
    conditions: &Conditions,
    orders: &Latency,
) -> Result<(), Failure> {
    let failed = |message: String| Err(Failure::new(Exit::Failed, message, NOT_MEASURED));
    check_all_came(outcome, Some(recorded.quotes), conditions)?;
    if let Some(stall) = conditions.stall {
        let ticks = outcome.ended.measured.telemetry.lock().map(|telemetry| telemetry.ticks.max());
        let longest = ticks.unwrap_or_default();
        if longest < stall || orders.at_least(stall / 4) == 0 {
            return failed(format!(
                "a stall of {stall:?} was planted; the longest tick took {longest:?}, the longest order {:?}",
                orders.max()
            ));
        }
    }
    Ok(())
}

const TICK_TO_ORDER: &str = "from when the schedule had the quote arrive until the broker is handed its order: the \
                             feed's queue, decision, risk, everything journaled and committed, the desk's thread. \
                             Waiting in line is counted";
const TICKS: &str =
    "every quote, from when it was due until all that follows from it was done in the session's thread";
const COMMIT: &str = "of the first row: the wait for the journal's commit, by itself";
const BARE: &str = "the same number of bytes written and synced by hand in the same folder, after each order";
const RATIO: &str = "median of the first row through median of the bare fdatasync";

fn figures(
    plan: &Plan,
    conditions: &Conditions,
    outcome: &Outcome,
    orders: Latency,
    bare: Latency,
) -> Vec<Figure> {
    let strategy = match conditions.strategy {
        Deciding::EmaCross => "ema-cross",
        Deciding::Model => "model tiny",
    };
    let data = format!(
        "{} quotes/s for {} s, {strategy} at every quote, commit {}, {}",
        format::count(u64::from(conditions.rate)),
        format::decimal(conditions.time.as_secs_f64(), 1),
        conditions.commit.name(),
        plan.data
    );
    let latency = |latency| Value::Latency(Box::new(latency));
    let number = |value, unit| Value::Number { value, unit };
    let median = |latency: &Latency| latency.at(0.5).as_nanos() as f64;
    let ratio = median(&orders) / median(&bare).max(1.0);
    let mut rows = Vec::new();
    let stalled = conditions.stall.map(|stall| orders.at_least(stall / 2));
    rows.push(figure("tick → order at the broker", TICK_TO_ORDER, &data, latency(orders)));
    let measured = &outcome.ended.measured;
    if let (Ok(telemetry), Ok(commits)) = (measured.telemetry.lock(), measured.commits.lock()) {
        let name = format!("of it, commit to the {}", conditions.commit.name());
        rows.push(figure(name, COMMIT, &data, latency(Latency::from(&*commits))));
        rows.push(figure("every tick → all done", TICKS, &data, latency(Latency::from(&telemetry.ticks))));
    }
    if bare.count() > 0 {
        rows.push(figure("bare fdatasync", BARE, &data, latency(bare)));
        rows.push(figure("order ÷ bare fdatasync", RATIO, &data, number(ratio, "×")));
    }
    if let (Some(stall), Some(orders)) = (conditions.stall, stalled) {
        let name = format!("orders that waited for the stall of {} ms", stall.as_millis());
        let what = "orders of ticks that were due in the first half of the planted stall, or a little before";
        rows.push(figure(name, what, &data, number(orders as f64, "orders")));
    }
    let lost = "quotes that found the feed's queue full";
    rows.push(figure("quotes lost", lost, &data, number(outcome.lost as f64, "quotes")));
    let used = "processor time of the whole process through time that went by: threads that look instead of sleep use \
                theirs whole";
    rows.push(figure("cores used", used, &data, number(outcome.cores, "cores")));
    rows.push(figure("threads", "who ran where", &data, Value::Text(threads(conditions))));
    rows
}

/// Who ran where.
fn threads(conditions: &Conditions) -> String {
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
    let look = match conditions.look {
        Duration::MAX => "never sleep".to_string(),
        look => format!("look for {look:?}, then sleep"),
    };
    let ahead = match conditions.ahead() {
        Duration::ZERO => "looks at the clock and hands each over when it is due".to_string(),
        ahead => format!("hands over {ahead:?} ahead, the session takes each when it is due"),
    };
    let pinned = match &conditions.pin[..] {
        [] => "none is pinned".to_string(),
        pins => {
            let names = ["session", "desk", "generator"].iter().zip(pins);
            let pins: Vec<String> = names.map(|(name, core)| format!("{name} on core {core}")).collect();
            format!("pinned: {}", pins.join(", "))
        }
    };
    format!("{cores} cores; session and desk {look}; the generator {ahead}; {pinned}")
}
