//! `genovo kill`: stops a live session from outside, whether it runs or not.

use std::path::{Path, PathBuf};

use clap::Args;
use genovo_adapters::live::Word;
use genovo_engine::event::OperatorCommand;

use super::{Context, say, say_json};
use crate::error::{Exit, Failure};
use crate::live::screen::{Show, signed};
use crate::live::{Orders, Session, control, folder};
use crate::runs;

/// Stop a live session for good: cancel its orders, close its positions if asked to, and latch.
///
/// No session starts in the same folder until the latch is taken off: genovo live --unlatch. A session whose process is
/// gone is brought back for as long as it takes to cancel what works at its broker.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Kill {
    /// The session's journal, or `last`.
    #[arg(value_name = "JOURNAL", default_value = "last")]
    journal: PathBuf,
    /// Close every position too.
    #[arg(long)]
    flatten: bool,
}

const EXAMPLES: &str = "\
Examples:
  genovo kill
  genovo kill last --flatten
  genovo live --resume last --unlatch       look again, and go on";

impl Kill {
    /// Runs the command.
    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        let journal = runs::resolve(&self.journal)?;
        // It must be a session; and the latch comes first: whatever happens from here on, nothing starts again.
        folder::SessionFile::read(&journal)?;
        folder::put_latch(&journal, self.flatten)?;
        let line = if self.flatten { "kill and flatten" } else { "kill" };
        let told = control::say(&journal, line).map_err(|error| {
            let message = format!("the session was told, and then the line broke: {error}");
            Failure::new(Exit::Failed, message, "Look whether it has ended. The latch is on.")
        })?;
        if told {
            return self.done(&journal, "the running session was told and has ended", context);
        }
        self.kill_dead(&journal, context)
    }

    /// Nobody runs it: its orders may still work at the broker.
    fn kill_dead(&self, journal: &Path, context: &Context) -> Result<(), Failure> {
        let (command, stop) = match self.flatten {
            true => (OperatorCommand::KillAndFlatten, Word::StopWhenFlat),
            false => (OperatorCommand::Kill, Word::StopWhenQuiet),
        };
        let words = vec![Word::Operator(command), stop];
        let show = if context.json { Show::Json } else { Show::Lines };
        let orders = Orders { words, show, ..Orders::default() };
        let session = match Session::resume(journal, &orders, &context.registry) {
            Ok(session) => session,
            // It has ended: nothing is decided any more, and nobody is left to send anything.
            Err(failure) if failure.message.contains("has ended") => {
                return self.done(journal, "the session had ended", context);
            }
            Err(mut failure) => {
                failure.consequence = "The latch is on; its orders were not cancelled.".to_string();
                return Err(failure);
            }
        };
        let ended = session.run(&orders)?;
        let mut what = "the session was dead: it was brought back, killed and stopped".to_string();
        for (symbol, quantity) in &ended.open {
            what.push_str(&format!("; position {} {symbol} stays open", signed(*quantity)));
        }
        self.done(journal, &what, context)
    }

    fn done(&self, journal: &Path, what: &str, context: &Context) -> Result<(), Failure> {
        match context.json {
            true => say_json(&serde_json::json!({ "journal": journal, "killed": true, "what": what })),
            false => say(&format!(
                "  {}: {what}.\n  The latch is on: genovo live starts again with --unlatch.\n",
                journal.display()
            )),
        }
    }
}
