//! The commands, one file each.
//!
//! A new one: a file with a `clap::Args` struct and its `run`, a variant of `Command`, and an arm in
//! `Command::run`.

mod audit;
mod bench;
mod check;
mod compare;
mod completions;
mod doctor;
pub(crate) mod features;
pub(crate) mod import;
mod init;
mod kill;
mod limits;
mod live;
mod models;
pub(crate) mod replay;
mod sweep;

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::io::{ErrorKind, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use genovo_engine::strategy::Registry;

use crate::backend::Backends;
use crate::error::{Exit, Failure};
use crate::scenario::{self, Scenario};
use crate::verbosity::Verbosity;

/// What every command is given.
pub struct Context {
    /// The strategies that scenarios can name.
    pub registry: Registry,
    /// Whether standard output is for a program.
    pub json: bool,
    /// The file that `--model` names, of the commands that recompute a run.
    pub(crate) model: RefCell<Option<PathBuf>>,
    /// Where recomputing computes.
    pub(crate) backends: RefCell<Backends>,
    /// Whether the program has its answer: an object that says what failed would be a second one.
    answered: Cell<bool>,
}

impl Context {
    /// Writes the command's one JSON object to standard output.
    pub fn answer(&self, value: &serde_json::Value) -> Result<(), Failure> {
        self.answered.set(true);
        say_json(value)
    }
}

/// A trading engine whose every decision replays bit for bit and can be explained.
#[derive(Debug, Parser)]
#[command(name = "genovo", version, arg_required_else_help = true, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Print one JSON object for a program instead of text.
    #[arg(long, global = true)]
    json: bool,
    #[command(flatten)]
    verbosity: Verbosity,
}

const EXIT_CODES: &str = "\
Exit codes: 0 done, 1 the run failed, 2 wrong usage or scenario, 3 verification found a difference.";

#[derive(Debug, Subcommand)]
enum Command {
    Audit(audit::Audit),
    Bench(bench::Bench),
    Check(check::Check),
    Compare(compare::Compare),
    Completions(completions::Completions),
    Doctor(doctor::Doctor),
    Features(features::Features),
    Import(import::Import),
    Init(init::Init),
    Kill(kill::Kill),
    Limits(limits::Limits),
    Live(live::Live),
    Man(completions::Man),
    Models(models::Models),
    Replay(replay::Replay),
    Sweep(sweep::Sweep),
}

impl Command {
    fn run(&self, context: &Context) -> Result<(), Failure> {
        match self {
            Command::Audit(audit) => audit.run(context),
            Command::Bench(bench) => bench.run(context),
            Command::Check(check) => check.run(context),
            Command::Compare(compare) => compare.run(context),
            Command::Completions(completions) => completions.run(context),
            Command::Doctor(doctor) => doctor.run(context),
            Command::Features(features) => features.run(context),
            Command::Import(import) => import.run(context),
            Command::Init(init) => init.run(context),
            Command::Kill(kill) => kill.run(context),
            Command::Limits(limits) => limits.run(context),
            Command::Live(live) => live.run(context),
            Command::Man(man) => man.run(context),
            Command::Models(models) => models.run(context),
            Command::Replay(replay) => replay.run(context),
            Command::Sweep(sweep) => sweep.run(context),
        }
    }
}

/// The definition of the command line, for those who complete, document or check it.
pub fn command() -> clap::Command {
    <Cli as clap::CommandFactory>::command()
}

/// Runs the command line of this process with these strategies.
pub fn run(registry: Registry) -> ExitCode {
    crate::machine::return_freed_memory();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help that cannot be written, to a closed pipe, needs no complaint.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { Exit::Usage as u8 } else { 0 });
        }
    };
    cli.verbosity.start();
    let (model, backends, answered) = (RefCell::default(), RefCell::default(), Cell::new(false));
    let context = Context { registry, json: cli.json, model, backends, answered };
    let outcome = cli.command.run(&context);
    let Err(failure) = outcome else { return ExitCode::SUCCESS };
    if context.json && !context.answered.get() {
        let _ = say_json(&serde_json::json!({ "error": failure.to_json() }));
    }
    let _ = std::io::stderr().write_all(failure.render_for_stderr().as_bytes());
    ExitCode::from(failure.exit as u8)
}

/// A scenario on the command line, with what is changed of it.
#[derive(Args, Clone, Debug)]
pub struct ScenarioArgument {
    /// The scenario: a TOML file.
    #[arg(value_name = "SCENARIO")]
    pub scenario: PathBuf,
    /// What is changed of it.
    #[command(flatten)]
    pub changes: Changes,
}

/// `--set` arguments.
#[derive(Args, Clone, Debug)]
pub struct Changes {
    /// Change a key of the scenario, such as risk.max_per_trade="1 %"; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Only this instrument of the scenario; may be repeated. Another run, with an identity of its own.
    #[arg(long = "symbol", value_name = "NAME")]
    pub symbol: Vec<String>,
}

impl ScenarioArgument {
    /// Reads and checks the scenario.
    pub fn load(&self, context: &Context) -> Result<Scenario, Failure> {
        scenario::load_only(&self.scenario, &self.changes.set, &self.changes.symbol, &context.registry)
    }
}

/// Writes text to standard output. A reader that went away, as `head` does, is no failure. What a journal of others
/// says is text, too: of what steers a terminal only colours pass.
pub fn say(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(harmless(text).as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            let message = format!("cannot write to standard output: {error}");
            Err(Failure::new(Exit::Failed, message, "The output is not complete."))
        }
        _ => Ok(()),
    }
}

/// A text in which nothing steers a terminal but colours and line feeds.
fn harmless(text: &str) -> Cow<'_, str> {
    let steers = |c: char| c.is_control() && c != '\n' && c != '\t';
    if !text.contains(steers) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(steers) {
        clean.push_str(&rest[..at]);
        rest = &rest[at..];
        let colour = rest.strip_prefix("\x1b[").and_then(|code| {
            let end = code.find(|c: char| !c.is_ascii_digit() && c != ';')?;
            code[end..].starts_with('m').then_some("\x1b[".len() + end + 1)
        });
        let taken = match colour {
            Some(length) => {
                clean.push_str(&rest[..length]);
                length
            }
            None => {
                clean.push(char::REPLACEMENT_CHARACTER);
                rest.chars().next().map_or(rest.len(), char::len_utf8)
            }
        };
        rest = &rest[taken..];
    }
    clean.push_str(rest);
    Cow::Owned(clean)
}

/// Writes one JSON object to standard output.
pub fn say_json(value: &serde_json::Value) -> Result<(), Failure> {
    say(&format!("{value:#}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_does_not_steer_the_terminal() {
        let plain = "a\tb\nü \x1b[1;31mred\x1b[0m\n";
        assert_eq!(harmless(plain), plain);
        assert_eq!(harmless("a\x1b[2Jb\x1b]0;title\x07c\rd\x1b[31"), "a�[2Jb�]0;title�c�d�[31");
        assert_eq!(harmless("\u{9b}31m\x1b"), "�31m�");
    }
}
