//! `genovo sweep`: many settings over one market, side by side.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches, Args, FromArgMatches};
use genovo_engine::engine::Engine;
use serde_json::json;

use super::{Changes, Context, ScenarioArgument, say};
use crate::backend::BackendArgument;
use crate::cache::Cache;
use crate::error::{Exit, Failure};
use crate::report::format;
use crate::runs::RUNS;
use crate::scenario::{self, Scenario};
use crate::sources;
use crate::sweep::trials::{Log, Trial};
use crate::sweep::{self, Wanted, grid};

const NOTHING: &str = "Nothing was run.";
/// How many trials the terminal shows.
const SHOWN: usize = 10;

/// Try many settings over one market: every combination, or a list.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Sweep {
    /// The scenario: a TOML file.
    #[arg(value_name = "SCENARIO")]
    scenario: PathBuf,
    #[command(flatten)]
    grid: Grid,
    /// A file of trials instead: a JSON object of keys and values in each line.
    #[arg(long, value_name = "FILE", conflicts_with = "grid")]
    list: Option<PathBuf>,
    #[command(flatten)]
    changes: Changes,
    /// How many trials run at a time [default: one a core].
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// The log of trials; what it has is not run again [default: runs/sweep-NAME/trials.jsonl].
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// Where report.html and report.json go [default: the log's directory].
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
    /// Keep what the data files hold as market journals, and read those the next time: in DIR, or in the user's
    /// cache. Changes no result.
    #[arg(long, value_name = "DIR", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    cache: Option<PathBuf>,
    #[command(flatten)]
    backend: BackendArgument,
}

/// Every `--grid`: a key and its values. The derive has no argument whose occurrences stay apart.
#[derive(Clone, Debug, Default)]
struct Grid(Vec<Vec<String>>);

impl FromArgMatches for Grid {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Grid, clap::Error> {
        let occurrences = matches.get_occurrences::<String>("grid");
        let axes = occurrences.map(|axes| axes.map(|axis| axis.cloned().collect()).collect());
        Ok(Grid(axes.unwrap_or_default()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Grid::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for Grid {
    fn augment_args(command: clap::Command) -> clap::Command {
        let help = "A key and the values that it takes; repeated, every combination is tried. Whole numbers may be \
                    written as FROM..TO or FROM..TO:STEP";
        let grid = Arg::new("grid")
            .long("grid")
            .value_names(["KEY", "VALUE"])
            .num_args(2..)
            .allow_negative_numbers(true);
        command.arg(grid.action(ArgAction::Append).help(help))
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Grid::augment_args(command)
    }
}

const EXAMPLES: &str = "\
The market is read once and shared; a trial is a run of its own, with an identity, and is never made twice. Every trial
goes into a log whose lines are chained by hashes; the deflated Sharpe ratio counts all of them.
Examples:
  genovo sweep scenarios/gold.toml --grid strategy.fast 6..24:6 --grid strategy.slow 48 96
  genovo sweep scenarios/gold.toml --grid risk.max_per_trade \"1 %\" \"2 %\" --set strategy.fast=9
  genovo sweep scenarios/gold.toml --list trials.jsonl --threads 2 --json";

impl Sweep {
    /// Runs the command.
    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        let argument = ScenarioArgument { scenario: self.scenario.clone(), changes: self.changes.clone() };
        let base = argument.load(context)?;
        let backends = self.backend.backends(NOTHING)?;
        let mut first = Engine::new(base.settings.clone(), &context.registry)
            .map_err(|error| Failure::new(Exit::Usage, error.to_string(), NOTHING))?;
        let cpu = sweep::kernels(NOTHING)?;
        let placed = backends.place(&mut first, base.execution.backend, cpu, NOTHING)?;
        drop(first);
        let trials = match &self.list {
            Some(path) => grid::list(path)?,
            None => grid::grid(&self.grid.0)?,
        };
        let wanted: Vec<Wanted> =
            trials.into_iter().map(|set| self.wanted(set, &base, context)).collect::<Result<_, _>>()?;
        let name = base.settings.name.clone();
        let place =
            self.log.clone().unwrap_or_else(|| Path::new(RUNS).join(format!("sweep-{name}/trials.jsonl")));
        let mut log = Log::open(&place)?;
        let cache = self.cache.as_deref().map(|folder| Cache::at(folder, context.json)).transpose()?;
        let market = sweep::decode(sources::open(&base, cache.as_ref())?, context.json)?;
        let threads = self
            .threads
            .map_or_else(|| std::thread::available_parallelism().map_or(1, |cores| cores.get()), usize::from);
        if !context.json {
            let trials = format::plural(wanted.len() as u64, "trial", "trials");
            let events = format::count(market.len() as u64);
            say(&format!("{name} · {trials} over {events} market events · {threads} at a time\n"))?;
            placed.tell(context)?;
        }
        let means = sweep::Means {
            registry: &context.registry,
            threads,
            backends: &backends,
            backend: base.execution.backend,
            quiet: context.json,
        };
        let done = sweep::sweep(&wanted, &market, &mut log, means)?;
        let deflated = sweep::deflated(&log);
        let mut judged: Vec<(&Trial, Option<f64>)> =
            done.trials.iter().map(|at| (&log.trials()[*at], deflated[*at])).collect();
        // By the Sharpe ratio, where there is none by the result; the earlier trial first among equals.
        let rank = |trial: &Trial| (trial.outcome.sharpe.unwrap_or(f64::MIN), trial.outcome.change);
        judged.sort_by(|(a, _), (b, _)| {
            let (a_rank, b_rank) = (rank(a), rank(b));
            b_rank.0.total_cmp(&a_rank.0).then(b_rank.1.total_cmp(&a_rank.1)).then(a.trial.cmp(&b.trial))
        });
        let sentence = sentence(&judged, log.trials().len());
        let folder = self.report.clone().or_else(|| place.parent().map(Path::to_owned)).unwrap_or_default();
        let answer = json!({
            "scenario": self.scenario,
            "name": name,
            "market_events": market.len(),
            "threads": threads,
            "backend": placed.backend.describe(),
            "backend_chosen_because": placed.line(),
            "trials": judged.len(),
            "new": done.new,
            "trials_in_log": log.trials().len(),
            "seconds": done.elapsed.as_secs_f64(),
            "peak_rss_bytes": crate::machine::peak_rss_bytes(),
            "log": place,
            "log_head": log.head(),
            "report": folder.join("report.html"),
            "best_first": judged.iter().map(|(trial, deflated)| with_deflated(trial, *deflated)).collect::<Vec<_>>(),
        });
        write(&folder, &sweep::page(&name, &sentence, &judged), &answer)?;
        if context.json {
            return context.answer(&answer);
        }
        say(&text(&sentence, &judged, done.new, done.elapsed))?;
        say(&format!(
            "\nLog:    {} (head {})\nReport: {}\n",
            place.display(),
            log.head().short(),
            folder.join("report.html").display()
        ))
    }

    fn wanted(&self, set: grid::Changes, base: &Scenario, context: &Context) -> Result<Wanted, Failure> {
        let mut sets = self.changes.set.clone();
        sets.extend(set.iter().map(|(key, value)| format!("{key}={value}")));
        let scenario = scenario::load_only(&self.scenario, &sets, &self.changes.symbol, &context.registry)?;
        let (a, b) = (&scenario.settings, &base.settings);
        if a.sources != b.sources || a.calendars != b.calendars || scenario.files != base.files {
            let message = format!("the trial `{}` has another market", grid::words(&set));
            let help = "a sweep shares one market; sweep the account, strategy, bars, risk, venue or quality";
            return Err(Failure::new(Exit::Usage, message, NOTHING).help(help));
        }
        Wanted::new(set, scenario.settings, &context.registry)
    }
}

/// A trial for a program.
fn with_deflated(trial: &Trial, deflated: Option<f64>) -> serde_json::Value {
    let mut value = json!(trial);
    value["deflated_sharpe"] = json!(deflated);
    value
}

/// What was found, in a sentence or two.
fn sentence(judged: &[(&Trial, Option<f64>)], logged: usize) -> String {
    let trials = format::plural(judged.len() as u64, "trial", "trials");
    let won = judged.iter().filter(|(trial, _)| trial.outcome.change > 0.0).count();
    let mut sentence = format!("{trials}, {} with a profit.", format::count(won as u64));
    if let Some((best, deflated)) = judged.first() {
        let change = format::percent_signed(best.outcome.change, 1);
        sentence.push_str(&format!(" Best: {} with {change}", grid::words(&best.set)));
        match deflated {
            Some(share) => sentence.push_str(&format!(
                ", {} likely to be more than the luck of {} tries.",
                format::percent(*share, 0),
                format::count(logged as u64)
            )),
            None => sentence.push_str("; too few returns to say whether that is luck."),
        }
    }
    sentence
}

fn text(sentence: &str, judged: &[(&Trial, Option<f64>)], new: usize, elapsed: Duration) -> String {
    let ratio =
        |value: Option<f64>, digits| value.map_or("–".to_string(), |value| format::decimal(value, digits));
    let seconds = elapsed.as_secs_f64();
    let rest = judged.len() - new;
    let mut text = format!("  {} run in {}", format::count(new as u64), format::duration(seconds));
    if rest > 0 {
        text.push_str(&format!(", {} known from the log", format::count(rest as u64)));
    }
    text.push_str(&format!("\n\n  {sentence}\n\n"));
    let mut rows =
        vec![["trial", "result", "drawdown", "trades", "sharpe", "deflated", "changed"].map(String::from)];
    for (trial, deflated) in judged.iter().take(SHOWN) {
        rows.push([
            trial.trial.to_string(),
            format::percent_signed(trial.outcome.change, 2),
            format::percent(trial.outcome.drawdown, 1),
            format::count(trial.outcome.trades),
            ratio(trial.outcome.sharpe, 4),
            deflated.map_or("–".to_string(), |share| format::percent(share, 1)),
            grid::words(&trial.set),
        ]);
    }
    let widths: Vec<usize> =
        (0..6).map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0)).collect();
    for row in rows {
        text.push_str("  ");
        for (cell, width) in row.iter().zip(&widths) {
            text.push_str(&format!("{cell:>width$}  "));
        }
        text.push_str(&format!("{}\n", row[6]));
    }
    if judged.len() > SHOWN {
        text.push_str(&format!("  … and {} more\n", format::count((judged.len() - SHOWN) as u64)));
    }
    text
}

fn write(folder: &Path, page: &str, answer: &serde_json::Value) -> Result<(), Failure> {
    let written = std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(folder.join("report.html"), page))
        .and_then(|()| std::fs::write(folder.join("report.json"), format!("{answer:#}\n")));
    written.map_err(|error| {
        let message = format!("cannot write the report into {}: {error}", folder.display());
        Failure::new(Exit::Failed, message, "The trials are in the log.")
    })
}
