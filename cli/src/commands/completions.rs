//! `genovo completions` and `genovo man`: for shells and for `man`, from the command line's own definition.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use clap_complete::Shell;

use super::{Context, say};
use crate::error::{Exit, Failure};

/// Print completions for a shell.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Completions {
    /// The shell.
    #[arg(value_name = "SHELL", value_enum)]
    shell: Name,
}

/// The shells that are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Name {
    /// bash
    Bash,
    /// zsh
    Zsh,
    /// fish
    Fish,
    /// PowerShell
    Powershell,
    /// Elvish
    Elvish,
}

const EXAMPLES: &str = "\
Examples:
  genovo completions bash > ~/.local/share/bash-completion/completions/genovo
  genovo completions zsh > ~/.zfunc/_genovo
  genovo completions fish > ~/.config/fish/completions/genovo.fish";

impl Completions {
    /// Runs the command.
    pub fn run(&self, _: &Context) -> Result<(), Failure> {
        let shell = match self.shell {
            Name::Bash => Shell::Bash,
            Name::Zsh => Shell::Zsh,
            Name::Fish => Shell::Fish,
            Name::Powershell => Shell::PowerShell,
            Name::Elvish => Shell::Elvish,
        };
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut super::command(), "genovo", &mut script);
        say(&String::from_utf8_lossy(&script))
    }
}

/// Write the manual pages, one for each command.
#[derive(Args, Debug)]
#[command(after_help = MAN_EXAMPLES)]
pub struct Man {
    /// The folder for them; made if it is missing. Pages that are there are written anew.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

const MAN_EXAMPLES: &str = "\
Examples:
  genovo man --out ~/.local/share/man/man1
  genovo man --out man && man -l man/genovo-replay.1";

impl Man {
    /// Runs the command.
    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        let failed = |error: std::io::Error| {
            let message = format!("cannot write manual pages into {}: {error}", self.out.display());
            Failure::new(Exit::Failed, message, "Not all pages were written.")
                .help("name a folder that you may write: --out DIR")
        };
        std::fs::create_dir_all(&self.out).map_err(failed)?;
        clap_mangen::generate_to(super::command(), &self.out).map_err(failed)?;
        let pages = std::fs::read_dir(&self.out).map_err(failed)?.flatten();
        let mut pages: Vec<String> = pages
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .filter(|name| name.starts_with("genovo") && name.ends_with(".1"))
            .collect();
        pages.sort();
        match context.json {
            true => context.answer(&serde_json::json!({ "folder": self.out, "pages": pages })),
            false => say(&format!("{} pages in {}\n", pages.len(), self.out.display())),
        }
    }
}
