//! Many settings over one market: it is read and decoded once, and every trial reads it where it lies.

pub mod grid;
mod page;
mod shared;
pub mod trials;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use genovo_engine::canonical;
use genovo_engine::engine::Engine;
use genovo_engine::event::{Event, Fact, WorldKind};
use genovo_engine::ids::Hash;
use genovo_engine::log::{Log as EventLog, LogError};
use genovo_engine::portfolio::metrics;
use genovo_engine::run::run;
use genovo_engine::settings::Settings;
use genovo_engine::simulated::Simulated;
use genovo_engine::strategy::Registry;
use genovo_engine::units::Timestamp;
use genovo_kernels::backend::Cpu;
use genovo_kernels::cpu::CpuLevel;
use indicatif::{ProgressBar, ProgressStyle};

use crate::backend::Backends;
use crate::error::{Exit, Failure};
use crate::failures;
use crate::report::{ReportBuilder, Returns};
use crate::scenario::Backend;
use grid::Changes;
use shared::Market;
use trials::{Log, Outcome};

pub use page::page;
pub use shared::decode;

const NOTHING: &str = "Nothing was run.";

/// A trial that is wanted.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// What is changed.
    pub set: Changes,
    /// What comes of it.
    pub settings: Settings,
    /// Which run it is.
    pub run: String,
    /// The hash of its settings.
    pub settings_hash: Hash,
}

impl Wanted {
    /// A trial of these settings.
    pub fn new(set: Changes, settings: Settings, registry: &Registry) -> Result<Wanted, Failure> {
        let engine = Engine::new(settings.clone(), registry)
            .map_err(|error| Failure::new(Exit::Usage, error.to_string(), NOTHING))?;
        let started = engine.identity(WorldKind::Simulated);
        let run = canonical::run_id(&started).to_string();
        Ok(Wanted { set, settings, run, settings_hash: started.settings_hash })
    }
}

/// What a sweep did.
#[derive(Clone, Debug)]
pub struct Done {
    /// The trials that were wanted, each run once: its place in the log.
    pub trials: Vec<usize>,
    /// How many of them were run now.
    pub new: usize,
    /// How long that took.
    pub elapsed: Duration,
}

/// With what trials are run.
#[derive(Clone, Copy)]
pub struct Means<'a> {
    /// The strategies that trials can name.
    pub registry: &'a Registry,
    /// How many trials run at a time.
    pub threads: usize,
    /// Where their kernels compute: all of them on one card, if there.
    pub backends: &'a Backends,
    /// The same by the scenario.
    pub backend: Backend,
    /// Whether no bar is shown.
    pub quiet: bool,
}

/// Runs what the log does not have yet, a thread a run, and logs it in the order in which it was wanted.
pub fn sweep(
    wanted: &[Wanted],
    market: &Arc<Market>,
    log: &mut Log,
    means: Means<'_>,
) -> Result<Done, Failure> {
    let began = Instant::now();
    let mut seen = std::collections::BTreeSet::new();
    let once: Vec<&Wanted> = wanted.iter().filter(|trial| seen.insert(trial.run.as_str())).collect();
    let new: Vec<&Wanted> = once.iter().copied().filter(|trial| log.get(&trial.run).is_none()).collect();
    let bar = bar(new.len() as u64, means.quiet);
    let (next, stopped) = (AtomicUsize::new(0), AtomicBool::new(false));
    let (sender, receiver) = mpsc::channel();
    let result = std::thread::scope(|scope| {
        for _ in 0..means.threads.clamp(1, new.len().max(1)) {
            let (sender, next, stopped, new) = (sender.clone(), &next, &stopped, &new);
            scope.spawn(move || {
                while !stopped.load(Ordering::Relaxed) {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(trial) = new.get(at) else { break };
                    if sender.send((at, try_once(&trial.settings, market, means))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        // Threads end in any order; the log has the trials in the order in which they were wanted.
        let mut waiting: BTreeMap<usize, Outcome> = BTreeMap::new();
        let mut logged = 0;
        for (at, outcome) in receiver {
            let outcome = outcome.inspect_err(|_| stopped.store(true, Ordering::Relaxed))?;
            waiting.insert(at, outcome);
            while let Some(outcome) = waiting.remove(&logged) {
                let Wanted { set, run, settings_hash, .. } = new[logged];
                let added = log.add(run.clone(), *settings_hash, set.clone(), outcome);
                added.inspect_err(|_| stopped.store(true, Ordering::Relaxed))?;
                logged += 1;
                bar.set_position(logged as u64);
            }
        }
        Ok(())
    });
    bar.finish_and_clear();
    result?;
    let place = |trial: &&Wanted| log.get(&trial.run).map(|trial| trial.trial as usize - 1);
    Ok(Done { trials: once.iter().filter_map(place).collect(), new: new.len(), elapsed: began.elapsed() })
}

fn bar(trials: u64, quiet: bool) -> ProgressBar {
    if quiet || !std::io::IsTerminal::is_terminal(&std::io::stderr()) {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(trials);
    let style = ProgressStyle::with_template("  sweeping {bar:40} {pos} of {len} trials   {eta} left");
    bar.set_style(style.expect("a template").progress_chars("━━╌"));
    bar
}

/// What is kept of a run while it goes by.
#[derive(Default)]
struct Fold {
    report: ReportBuilder,
    /// Equity at the end of each bar, the last of one time.
    bars: Vec<(Timestamp, f64)>,
}

impl EventLog for Fold {
    #[inline]
    fn append(&mut self, event: &Event) -> Result<(), LogError> {
        self.report.observe(event);
        if let Fact::BarClosed(_) | Fact::BarReceived(_) = event.fact {
            let now = event.header.time_received;
            let equity = self.report.equity().as_f64();
            match self.bars.last_mut() {
                Some(last) if last.0 == now => last.1 = equity,
                _ => self.bars.push((now, equity)),
            }
        }
        Ok(())
    }

    fn commit(&mut self) -> Result<(), LogError> {
        Ok(())
    }
}

/// One run over the shared market.
fn try_once(settings: &Settings, market: &Arc<Market>, means: Means<'_>) -> Result<Outcome, Failure> {
    let kept = "The trials before it are in the log.";
    let usage = |message: String| Failure::new(Exit::Usage, message, kept);
    let mut engine =
        Engine::new(settings.clone(), means.registry).map_err(|error| usage(error.to_string()))?;
    means.backends.place(&mut engine, means.backend, kernels(kept)?, kept)?;
    let started = engine.identity(WorldKind::Simulated);
    let failed = |error| failures::run(&error, "The trials before it are in the log.");
    let mut world = Simulated::new(settings, started, vec![Box::new(market.source())])
        .map_err(|error| failed(error.into()))?;
    let mut fold = Fold { report: ReportBuilder::new(), bars: Vec::new() };
    run(&mut world, &mut fold, &mut engine).map_err(failed)?;
    means.backends.tell_lost(&engine);
    let Fold { report, bars } = fold;
    let report = report.finish();
    let changes: Vec<f64> = match bars.len() {
        0..2 => report.returns.days.iter().map(|day| day.change).collect(),
        _ => bars
            .windows(2)
            .map(|pair| if pair[0].1 > 0.0 { pair[1].1 / pair[0].1 - 1.0 } else { 0.0 })
            .collect(),
    };
    let enough = changes.len() >= Returns::DAYS_MIN;
    let of = |figure: Option<f64>| figure.filter(|_| enough);
    Ok(Outcome {
        equity: report.equity.last,
        change: report.equity.change,
        drawdown: report.drawdown.share,
        trades: report.trades.closed,
        profit_factor: report.trades.profit_factor,
        costs: report.result.costs(),
        returns: changes.len() as u64,
        sharpe: of(metrics::sharpe(&changes, 1.0)),
        skew: of(metrics::skew(&changes)),
        kurtosis: of(metrics::kurtosis(&changes)),
        halted: report.halted,
        state_hash: report.identity.state_hash,
    })
}

/// The CPU of a trial: threads are for trials, and a model's kernels stay on their trial's.
pub fn kernels(nothing: &'static str) -> Result<Cpu, Failure> {
    let cpu = CpuLevel::choose("auto").and_then(|level| Cpu::new(level, 1));
    cpu.map_err(|error| Failure::new(Exit::Usage, error.to_string(), nothing))
}

/// How likely each trial's Sharpe ratio is more than the luck of having tried so many, over all trials of the log.
pub fn deflated(log: &Log) -> Vec<Option<f64>> {
    let all: Vec<f64> = log.trials().iter().filter_map(|trial| trial.outcome.sharpe).collect();
    let spread = metrics::deviation(&all);
    let threshold = metrics::expected_best_sharpe(all.len() as u64, spread * spread);
    let each = log.trials().iter().map(|trial| {
        let Outcome { sharpe, skew, kurtosis, returns, .. } = trial.outcome;
        metrics::probabilistic_sharpe(sharpe?, threshold, returns, skew?, kurtosis?)
    });
    each.collect()
}
