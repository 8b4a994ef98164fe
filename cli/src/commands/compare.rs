//! `genovo compare`: several runs side by side.

use std::path::PathBuf;

use clap::Args;
use genovo_journal::Journal;

use super::{Context, say};
use crate::compare::{Comparison, NOTHING, Run, Wish, fold, label};
use crate::error::{Exit, Failure};
use crate::verify::settings_of;
use crate::{failures, runs};

/// Compare runs: settings, figures with intervals, flipped decisions, what made the difference.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Compare {
    /// The journals, or `last` for the newest; all are compared to the first.
    #[arg(value_name = "JOURNAL", num_args = 2.., required = true)]
    journals: Vec<PathBuf>,
    /// Where report.html and report.json go [default: nowhere].
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
    /// How many resamples give an interval; 0 for no intervals.
    #[arg(long, value_name = "COUNT", default_value_t = Wish::default().resamples, value_parser = resamples)]
    resamples: usize,
    /// The seed of the resamples.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// How many decisions that differ are listed.
    #[arg(long, value_name = "COUNT", default_value_t = 10)]
    decisions: usize,
}

const EXAMPLES: &str = "\
Intervals hold 95 % of the resamples of a stationary bootstrap over the returns from bar to bar (from decision to
decision where there are no bars); differences are resampled in pairs where the runs have the same bars.
Examples:
  genovo compare runs/gold-5ffe runs/gold-ea74
  genovo compare runs/gold-5ffe runs/gold-ea74 last --report comparison
  genovo compare runs/gold-5ffe last --resamples 10000 --decisions 50
  genovo compare runs/gold-5ffe last --json";

/// Too few say nothing, too many take for ever.
fn resamples(text: &str) -> Result<usize, String> {
    match text.replace([',', '_'], "").parse() {
        Ok(0) => Ok(0),
        Ok(count @ 100..=1_000_000) => Ok(count),
        _ => Err("give 0, or 100 to 1,000,000".to_string()),
    }
}

impl Compare {
    /// Runs the command.
    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        let mut journals = Vec::new();
        for argument in &self.journals {
            let path = runs::resolve(argument)?;
            let journal = Journal::open(&path).map_err(|error| failures::journal(&error, NOTHING))?;
            settings_of(&journal)?;
            journals.push(journal);
        }
        let mut folded = Vec::new();
        for (index, journal) in journals.iter().enumerate() {
            let run =
                Run { label: label(index), journal: Some(journal.path().to_owned()), folded: fold(journal)? };
            folded.push(run);
        }
        let wish = Wish { resamples: self.resamples, seed: self.seed, listed: self.decisions };
        let comparison = Comparison::new(folded, &journals[0], wish)?;
        let mut answer = comparison.to_json();
        if let Some(folder) = &self.report {
            let names: Vec<String> = comparison.runs.iter().map(|run| run.label.clone()).collect();
            let title = format!("{} runs side by side: {}", names.len(), names.join(", "));
            comparison.write(folder, &title, &[], &answer).map_err(|error| {
                let message = format!("cannot write the comparison into {}: {error}", folder.display());
                Failure::new(Exit::Failed, message, "No page was written.")
            })?;
            answer["report"] = folder.join("report.html").display().to_string().into();
        }
        if context.json {
            return context.answer(&answer);
        }
        say(&comparison.text())?;
        match &self.report {
            Some(folder) => say(&format!("\nCompare: {}\n", folder.join("report.html").display())),
            None => Ok(()),
        }
    }
}
