//! `genovo doctor`: what this machine has, and whether anything prevents a run.

use std::path::PathBuf;

use clap::Args;

use super::{Context, say};
use crate::doctor::{Finding, Verdict, examine};
use crate::error::{Exit, Failure};
use crate::runs;

/// Look at this machine: cores, memory, disk, clock, terminal, and whether anything prevents a run.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Doctor {
    /// Where runs are to go [default: runs, or where it would be made].
    #[arg(long, value_name = "DIR")]
    runs: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Exit code 0 when runs are possible, 1 when something prevents them.
Examples:
  genovo doctor
  genovo doctor --runs /fast/disk
  genovo doctor --json";

impl Doctor {
    /// Runs the command.
    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        let folder = self.runs.clone().unwrap_or_else(|| PathBuf::from(runs::RUNS));
        let findings = examine(&folder);
        let ill = findings.iter().find(|finding| finding.verdict == Verdict::Prevents);
        match context.json {
            true => context.answer(&serde_json::json!({
                "well": ill.is_none(),
                "findings": findings.iter().map(Finding::to_json).collect::<Vec<_>>(),
            }))?,
            false => say(&text(&findings))?,
        }
        match ill {
            None => Ok(()),
            Some(finding) => {
                let message = format!("{}: {}", finding.about, finding.said);
                let failure = Failure::new(Exit::Failed, message, "No run is possible until that is mended.");
                Err(failure.help(finding.help.clone().unwrap_or_default()))
            }
        }
    }
}

fn text(findings: &[Finding]) -> String {
    let width = findings.iter().map(|finding| finding.about.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for Finding { about, said, verdict, help, .. } in findings {
        let mark = match verdict {
            Verdict::Good => " ",
            Verdict::Note => "!",
            Verdict::Prevents => "✗",
        };
        text.push_str(&format!("{mark} {about:<width$}  {said}\n"));
        if let (Some(help), Verdict::Note) = (help, verdict) {
            text.push_str(&format!("  {:width$}  {help}\n", ""));
        }
    }
    text
}
