//! `genovo replay`: runs a scenario through the engine, journals every event, and reports.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use genovo_engine::canonical;
use genovo_engine::engine::{Counts, Engine};
use genovo_engine::event::{Event, WorldKind};
use genovo_engine::log::{Log, LogError};
use genovo_engine::pipeline::{QueuedLog, QueuedSource};
use genovo_engine::run::{RunError, run};
use genovo_engine::settings::{DataKind, Settings};
use genovo_engine::simulated::Simulated;
use genovo_engine::world::Source;
use genovo_journal::{Identity, Sealed, Writer};
use genovo_kernels::backend::AnyBackend;
use genovo_kernels::cpu::CpuLevel;
use tracing::info;

use super::{Changes, Context, ScenarioArgument, say, say_json};
use crate::backend::{BackendArgument, Backends, Placed};
use crate::cache::Cache;
use crate::error::{Exit, Failure};
use crate::models::ModelArgument;
use crate::progress::Progress;
use crate::report::terminal::{self, Colour, Files};
use crate::report::{self, Report, ReportBuilder};
use crate::scenario::{Cpu, Mode, Scenario};
use crate::sources::{self, Opened};
use crate::{failures, provenance, runs, verify};

/// Run a scenario: journal every event, trade on the simulated venue, report.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Replay {
    /// The scenario: a TOML file.
    #[arg(value_name = "SCENARIO", required_unless_present = "verify")]
    scenario: Option<PathBuf>,
    /// Recompute a recorded run instead, and compare every bit.
    #[arg(long, value_name = "JOURNAL", conflicts_with_all = ["scenario", "journal", "report"])]
    verify: Option<PathBuf>,
    #[command(flatten)]
    changes: Changes,
    #[command(flatten)]
    model: ModelArgument,
    /// Where the journal goes: a new or empty directory [default: one under runs/].
    #[arg(long, value_name = "DIR")]
    journal: Option<PathBuf>,
    /// Where report.html and report.json go [default: the journal's directory].
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
    /// Read, decide on one thread; only the journal's writer has its own.
    #[arg(long, conflicts_with = "pipelined")]
    inline: bool,
    /// Read, decide and write on a thread each.
    #[arg(long)]
    pipelined: bool,
    #[command(flatten)]
    backend: BackendArgument,
    /// Which instruction set kernels use.
    #[arg(long, value_name = "auto|scalar|avx2|avx512", value_parser = ["auto", "scalar", "avx2", "avx512"])]
    cpu: Option<String>,
    /// Keep what the data files hold as market journals, and read those the next time: in DIR, or in the user's
    /// cache. Changes no result.
    #[arg(long, value_name = "DIR", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    cache: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  genovo replay scenarios/gold.toml
  genovo replay scenarios/gold.toml --set risk.max_per_trade=\"1 %\"
  genovo replay scenarios/gold.toml --set strategy.kind=flat --json
  genovo replay scenarios/gold.toml --cache
  genovo replay --verify last
  genovo replay --verify last --cpu scalar
  genovo replay --verify last --backend cuda
  genovo replay --verify last --model models/gold.safetensors";

impl Replay {
    /// Runs the command.
    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        if let Some(journal) = &self.verify {
            self.model.tell(context);
            let nothing = "Nothing was recomputed.";
            self.backend.tell(context, nothing)?;
            let cpu = level(self.cpu.as_deref().unwrap_or("auto"), nothing)?;
            return verify::command(&runs::resolve(journal)?, cpu, context);
        }
        let began = Instant::now();
        let scenario = self.scenario.clone().expect("the command line asks for it");
        let argument = ScenarioArgument { scenario, changes: self.changes.clone() };
        let scenario = argument.load(context)?;
        let backends = self.backend.backends("Nothing was run.")?;
        let machine = self.machine(&scenario)?;
        if !context.json {
            for note in &scenario.notes {
                say(&format!("note: {note}\n"))?;
            }
            say(&format!("{}\n", terminal::opening(&scenario.settings)))?;
        }
        let cache = self.cache.as_deref().map(|folder| Cache::at(folder, context.json)).transpose()?;
        let (journal, report) = (self.journal.as_deref(), self.report.as_deref());
        let done = replay(&scenario, (&machine, &backends), cache.as_ref(), journal, report, context)?;
        let wall = began.elapsed();
        match context.json {
            true => say_json(&done.to_json(&argument.scenario, wall)),
            false => say(&done.to_text(wall)),
        }
    }

    /// What the flags and the scenario's `[execution]` come to on this machine.
    fn machine(&self, scenario: &Scenario) -> Result<Machine, Failure> {
        let execution = scenario.execution;
        let cpu = self.cpu.as_deref().unwrap_or(match execution.cpu {
            Cpu::Auto => "auto",
            other => other.word(),
        });
        let cpu = level(cpu, "Nothing was run.")?;
        let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
        let pipelined = match (self.inline, self.pipelined, execution.mode) {
            (true, ..) => false,
            (_, true, _) => true,
            (.., Mode::Inline) => false,
            (.., Mode::Pipelined) => true,
            // On two cores a thread that reads pays only where reading is work: a file to unpack and to parse.
            (.., Mode::Auto) => {
                cores > 2 || (cores == 2 && self.cache.is_none() && parses(&scenario.settings))
            }
        };
        Ok(Machine { cpu, pipelined, cores })
    }
}

/// Whether some of the data is text; a journal's blocks are read in no time.
fn parses(settings: &Settings) -> bool {
    settings.sources.iter().any(|source| source.kind != DataKind::Journal)
}

/// The level of this name, if this machine has it.
fn level(name: &str, nothing: &'static str) -> Result<CpuLevel, Failure> {
    CpuLevel::choose(name).map_err(|error| Failure::new(Exit::Usage, error.to_string(), nothing))
}

/// How this machine runs it. Changes no result.
#[derive(Clone, Copy, Debug)]
pub struct Machine {
    /// The instruction set of the kernels.
    pub cpu: CpuLevel,
    /// Whether reading has a thread of its own.
    pub pipelined: bool,
    /// Cores that there are.
    pub cores: usize,
}

impl Machine {
    /// Where kernels run unless it is on a card: at this level, on two threads where there are two cores.
    pub fn kernels(&self) -> Result<genovo_kernels::backend::Cpu, Failure> {
        genovo_kernels::backend::Cpu::new(self.cpu, self.cores.min(2))
            .map_err(|error| Failure::new(Exit::Usage, error.to_string(), "Nothing was run."))
    }

    /// What suits this machine, where nobody asks for anything else.
    pub fn of_this_machine() -> Result<Machine, Failure> {
        let cpu = CpuLevel::choose("auto");
        let cpu = cpu.map_err(|error| Failure::new(Exit::Usage, error.to_string(), "Nothing was run."))?;
        let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
        Ok(Machine { cpu, pipelined: cores > 1, cores })
    }

    /// For `identity.toml`: outside the chain.
    pub fn identity(&self, backend: &AnyBackend) -> Identity {
        let mode = if self.pipelined { "pipelined" } else { "inline" };
        Identity {
            version: env!("CARGO_PKG_VERSION").to_string(),
            commit: option_env!("GENOVO_COMMIT").unwrap_or("unknown").to_string(),
            backend: match backend {
                AnyBackend::Cpu(_) => "cpu".to_string(),
                AnyBackend::Cuda(_) => backend.describe(),
            },
            cpu: self.cpu.to_string(),
            threads: format!("{mode} on {} cores", self.cores),
            host: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            started: jiff::Timestamp::now().to_string(),
        }
    }
}

/// A run that ended, with everything that is said about it.
struct Done {
    scenario: String,
    counts: Counts,
    sealed: Sealed,
    report: Report,
    journal: PathBuf,
    report_folder: PathBuf,
    engine: Duration,
    skipped: Vec<(PathBuf, u64)>,
    placed: Placed,
    lost_card: Option<String>,
}

/// The journal's queue, and the report that is folded from the same events on the way into it.
struct Observed {
    queue: QueuedLog<Writer>,
    report: ReportBuilder,
}

impl Log for Observed {
    #[inline]
    fn append(&mut self, event: &Event) -> Result<(), LogError> {
        // On this thread, since packing and hashing keep the writer's busier.
        self.report.observe(event);
        self.queue.append(event)
    }

    fn commit(&mut self) -> Result<(), LogError> {
        self.queue.commit()
    }
}

fn replay(
    scenario: &Scenario,
    (machine, backends): (&Machine, &Backends),
    cache: Option<&Cache>,
    journal: Option<&Path>,
    report: Option<&Path>,
    context: &Context,
) -> Result<Done, Failure> {
    let nothing = "Nothing was run.";
    let usage = |message: String| Failure::new(Exit::Usage, message, nothing);
    let mut engine = Engine::new(scenario.settings.clone(), &context.registry)
        .map_err(|error| usage(error.to_string()))?;
    let placed = backends.place(&mut engine, scenario.execution.backend, machine.kernels()?, nothing)?;
    placed.tell(context)?;
    let started = engine.identity(WorldKind::Simulated);
    let run_id = canonical::run_id(&started);
    let opened = sources::open(scenario, cache)?;
    let journal = journal.map_or_else(|| runs::place(&scenario.settings.name, run_id), Path::to_owned);
    let (named, existed) = (journal.parent() != Some(Path::new(runs::RUNS)), journal.exists());
    let writer = Writer::create(&journal, &machine.identity(&placed.backend));
    let writer = writer.map_err(|error| failures::journal(&error, nothing))?;
    provenance::note(&journal, scenario);
    info!(journal = %journal.display(), run = %run_id, pipelined = machine.pipelined, cpu = %machine.cpu, "running");
    let tallies = opened.tallies.clone();
    let progress = Progress::start("replaying", &opened, context.json);
    let result = drive(&mut engine, started, opened, writer, machine);
    progress.finish();
    let stopped = |failure: Failure| {
        // What was begun reads as incomplete; a folder that we made is taken away again.
        if !existed {
            let _ = fs::remove_dir_all(&journal);
        }
        failure
    };
    let consequence = "No journal was written.";
    let (counts, writer, report_builder, elapsed) =
        result.map_err(|error| stopped(failures::run(&error, consequence)))?;
    info!(ticks = counts.ticks, orders = counts.orders, seconds = elapsed.as_secs_f64(), "the run has ended");
    let sealed = writer.finish().map_err(|error| stopped(failures::journal(&error, consequence)))?;
    info!(head = %sealed.head_hash, blocks = sealed.blocks, bytes = sealed.store_bytes, "the journal is sealed");
    let mut figures = report_builder.finish();
    figures.identity.head_hash = Some(sealed.head_hash);
    // Under runs/ it is the newest now, and `last` names it.
    figures.identity.journal = named.then(|| journal.display().to_string());
    let report_folder = report.unwrap_or(&journal).to_owned();
    report::write(&report_folder, &figures).map_err(|error| {
        let message = format!("cannot write the report into {}: {error}", report_folder.display());
        Failure::new(Exit::Failed, message, format!("The journal is whole: {}", journal.display()))
    })?;
    let skipped = tallies.iter().filter(|(_, tally)| tally.skipped() > 0);
    Ok(Done {
        scenario: scenario.settings.name.clone(),
        counts,
        sealed,
        report: figures,
        skipped: skipped.map(|(path, tally)| (path.clone(), tally.skipped())).collect(),
        journal,
        report_folder,
        engine: elapsed,
        placed,
        lost_card: engine.lost_card().map(ToString::to_string),
    })
}

/// The loop itself, over queues or not; how long it took from the first event to the last block.
pub fn drive(
    engine: &mut Engine,
    started: genovo_engine::event::RunStarted,
    opened: Opened,
    writer: Writer,
    machine: &Machine,
) -> Result<(Counts, Writer, ReportBuilder, Duration), RunError> {
    let settings = engine.settings().clone();
    let began = Instant::now();
    let sources: Vec<Box<dyn Source>> = match machine.pipelined {
        true => opened
            .sources
            .into_iter()
            .map(|source| Box::new(QueuedSource::spawn(source)) as Box<dyn Source>)
            .collect(),
        false => opened.sources,
    };
    let mut world = Simulated::new(&settings, started, sources)?;
    let mut log = Observed { queue: QueuedLog::spawn(writer), report: ReportBuilder::new() };
    let counts = run(&mut world, &mut log, engine)?;
    let mut writer = log.queue.finish()?;
    writer.settle().map_err(LogError::new)?;
    Ok((counts, writer, log.report, began.elapsed()))
}

impl Done {
    fn to_text(&self, wall: Duration) -> String {
        let html = self.report_folder.join("report.html");
        let files = Files {
            journal: Some(&self.journal),
            journal_bytes: self.sealed.store_bytes,
            verified: true,
            report: Some(&html),
            elapsed: Some(wall),
        };
        let seconds = self.engine.as_secs_f64();
        let rate = self.counts.ticks as f64 / seconds / 1e6;
        let ticks = report::format::count(self.counts.ticks);
        let mut text = format!("  replayed {ticks} ticks   {rate:.1}M/s   {seconds:.2} s\n\n");
        if let Some(why) = &self.lost_card {
            text.push_str(&format!("  ! {why}\n    The CPU went on, with the same bits.\n"));
        }
        for (path, skipped) in &self.skipped {
            text.push_str(&format!("  ! {}: {skipped} bad rows left out\n", path.display()));
        }
        text + &terminal::summary(&self.report, &files, Colour::for_stdout())
    }

    fn to_json(&self, scenario: &Path, wall: Duration) -> serde_json::Value {
        let seconds = self.engine.as_secs_f64();
        let identity = &self.report.identity;
        serde_json::json!({
            "run_id": identity.run_id,
            "scenario": scenario,
            "name": self.scenario,
            "ticks": self.counts.ticks,
            "inputs": self.counts.inputs,
            "derived": self.counts.derived,
            "events": self.sealed.events,
            "decisions": self.counts.decisions,
            "orders": self.counts.orders,
            "fills": self.counts.fills,
            "final_equity": self.report.equity.last.as_f64(),
            "final_equity_exact": self.report.equity.last,
            "engine_seconds": seconds,
            "ticks_per_second": self.counts.ticks as f64 / seconds,
            "wall_seconds": wall.as_secs_f64(),
            "peak_rss_bytes": crate::machine::peak_rss_bytes(),
            "state_hash": identity.state_hash,
            "head_hash": self.sealed.head_hash,
            "journal": self.journal,
            "blocks": self.sealed.blocks,
            "blocks_bytes": self.sealed.blocks_bytes,
            "store_bytes": self.sealed.store_bytes,
            "report": self.report_folder.join("report.html"),
            "backend": self.placed.backend.describe(),
            "backend_chosen_because": self.placed.line(),
            "card_lost_because": self.lost_card,
            "rows_skipped": self.skipped.iter().map(|(_, count)| count).sum::<u64>(),
        })
    }
}
