//! `genovo check`: validates a scenario, says in words what would run, and shows every setting that holds.

use std::path::PathBuf;

use clap::Args;

use super::{Changes, Context, ScenarioArgument, say, say_json};
use crate::error::{Exit, Failure};
use crate::scenario::{Scenario, explain, keys, reference, schema};

/// Check a scenario without running it: what it does, which settings hold, what is wrong.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Check {
    /// The scenario: a TOML file.
    #[arg(value_name = "SCENARIO", required_unless_present_any = ["keys", "strategies", "schema"])]
    scenario: Option<PathBuf>,
    #[command(flatten)]
    changes: Changes,
    /// List the keys of a scenario, or of one section of it.
    #[arg(long, value_name = "SECTION", num_args = 0..=1, default_missing_value = "")]
    #[arg(conflicts_with = "scenario")]
    keys: Option<String>,
    /// List the strategies and their parameters.
    #[arg(long, conflicts_with = "scenario")]
    strategies: bool,
    /// Print a JSON schema of scenarios, for editors.
    #[arg(long, conflicts_with_all = ["scenario", "keys", "strategies"])]
    schema: bool,
}

const EXAMPLES: &str = "\
Examples:
  genovo check scenarios/gold.toml
  genovo check scenarios/gold.toml --set risk.max_per_trade=\"1 %\"
  genovo check --keys risk
  genovo check --strategies
  genovo check --schema > genovo.schema.json";

impl Check {
    /// Runs the command.
    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        if let Some(section) = &self.keys {
            return list_keys(section, context);
        }
        if self.schema {
            return say_json(&schema::schema(&context.registry));
        }
        if self.strategies {
            return list_strategies(context);
        }
        let scenario = self.scenario.clone().expect("the command line asks for it");
        let argument = ScenarioArgument { scenario, changes: self.changes.clone() };
        let loaded = argument.load(context)?;
        match context.json {
            true => say_json(&explain::to_json(&loaded)),
            false => say(&text(&argument, &loaded)),
        }
    }
}

fn text(argument: &ScenarioArgument, scenario: &Scenario) -> String {
    let mut text = explain::in_words(scenario);
    text.push_str("\nEverything that holds:\n\n");
    text.push_str(&explain::effective(scenario));
    let path = argument.scenario.display();
    let sets: String = argument.changes.set.iter().map(|set| format!(" --set '{set}'")).collect();
    text.push_str(&format!("\nsettings {}\n", scenario.settings_hash()));
    text.push_str(&format!("The scenario is good. Nothing was run. Next:\n  genovo replay {path}{sets}\n"));
    text
}

fn list_keys(section: &str, context: &Context) -> Result<(), Failure> {
    let name = section.trim_matches(['[', ']']);
    let sections: Vec<&keys::Section> = match name {
        "" => keys::SECTIONS.iter().collect(),
        name => vec![keys::section(name).ok_or_else(|| unknown_section(name))?],
    };
    match context.json {
        true => say_json(&reference::to_json(&sections)),
        false => say(&reference::to_text(&sections)),
    }
}

fn unknown_section(name: &str) -> Failure {
    let names = keys::SECTIONS.iter().map(|section| section.name).filter(|name| !name.is_empty());
    let help = match crate::scenario::readable::did_you_mean(name, names.clone()) {
        Some(guess) => format!("did you mean `{guess}`?"),
        None => format!("there are {}", names.collect::<Vec<_>>().join(", ")),
    };
    Failure::new(Exit::Usage, format!("scenarios have no section `{name}`"), "Nothing was listed.").help(help)
}

fn list_strategies(context: &Context) -> Result<(), Failure> {
    match context.json {
        true => say_json(&reference::strategies_to_json(&context.registry)),
        false => say(&reference::strategies_to_text(&context.registry)),
    }
}
