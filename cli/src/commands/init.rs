//! `genovo init`: a small project to begin with.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use genovo_kernels::random::RandomKey;

use super::{Context, say};
use crate::error::{Exit, Failure};

/// Make a small project: a scenario, a little data, a page that explains both.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Init {
    /// The folder; made if it is missing.
    #[arg(value_name = "DIR", default_value = ".")]
    folder: PathBuf,
    /// Make a Rust program with a strategy of your own too.
    #[arg(long)]
    strategy: bool,
    /// Where the crate genovo lies that the program builds on [default: where this genovo was built].
    #[arg(long, value_name = "DIR", requires = "strategy")]
    genovo: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Nothing is ever overwritten: where a file of the project is already there, nothing is written at all.
Examples:
  genovo init my-first-run
  genovo init my-strategy --strategy
  genovo init my-strategy --strategy --genovo ../genovo/cli";

const NOTHING: &str = "Nothing was written.";

impl Init {
    /// Runs the command.
    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        let files = self.files()?;
        let there: Vec<&str> =
            files.iter().map(|(name, _)| *name).filter(|name| self.folder.join(name).exists()).collect();
        if let Some(first) = there.first() {
            let message = format!("{} is already there", self.folder.join(first).display());
            return Err(Failure::new(Exit::Usage, message, NOTHING).help("name a folder without it"));
        }
        for (name, text) in &files {
            let path = self.folder.join(name);
            let failed = |error: std::io::Error| {
                let message = format!("cannot write {}: {error}", path.display());
                Failure::new(Exit::Failed, message, "The project is not complete.")
            };
            fs::create_dir_all(path.parent().unwrap_or(Path::new("."))).map_err(failed)?;
            // Whoever makes the file between the look and now wins.
            let made = fs::OpenOptions::new().write(true).create_new(true).open(&path);
            made.and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes()))
                .map_err(failed)?;
        }
        let names: Vec<&str> = files.iter().map(|(name, _)| *name).collect();
        if context.json {
            return context.answer(&serde_json::json!({ "folder": self.folder, "files": names }));
        }
        let mut text = format!("{}\n", self.folder.display());
        names.iter().for_each(|name| text.push_str(&format!("  {name}\n")));
        let run = match self.strategy {
            true => "cargo run --release -- replay scenario.toml",
            false => "genovo replay scenario.toml",
        };
        let go = match self.folder.as_path() {
            folder if folder == Path::new(".") => String::new(),
            folder => format!("cd {} && ", folder.display()),
        };
        text.push_str(&format!("Next:\n  {go}{run}\n"));
        say(&text)
    }

    /// Every file of the project, by its place in the folder.
    fn files(&self) -> Result<Vec<(&'static str, String)>, Failure> {
        let mut files = vec![
            ("scenario.toml", scenario(self.strategy)),
            ("data/quotes.csv", quotes()),
            ("README.md", readme(self.strategy)),
            (".gitignore", "/runs\n/target\n".to_string()),
        ];
        if self.strategy {
            let genovo = self.crate_folder()?;
            files.push(("Cargo.toml", manifest(&genovo)));
            files.push(("src/main.rs", program()));
            // The versions that genovo is tested with.
            if let Ok(lock) = fs::read_to_string(genovo.join("../Cargo.lock")) {
                files.push(("Cargo.lock", lock));
            }
        }
        Ok(files)
    }

    /// The folder of the crate genovo.
    fn crate_folder(&self) -> Result<PathBuf, Failure> {
        let asked = self.genovo.as_deref();
        let folder = asked.unwrap_or(Path::new(env!("CARGO_MANIFEST_DIR")));
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap_or_default();
        if !manifest.lines().any(|line| line.trim() == "name = \"genovo\"") {
            let message = match asked {
                Some(folder) => format!("{} is not the crate genovo", folder.display()),
                None => "the folder from which this genovo was built is not there any more".to_string(),
            };
            let help = "name the folder `cli` of genovo's source: --genovo DIR";
            return Err(Failure::new(Exit::Usage, message, NOTHING).help(help));
        }
        fs::canonicalize(folder).map_err(|error| {
            Failure::new(Exit::Failed, format!("cannot read {}: {error}", folder.display()), NOTHING)
        })
    }
}

fn scenario(own: bool) -> String {
    let strategy = match own {
        true => "kind = \"trend\"\nbars = 20\nquantity = 50\n",
        false => "kind = \"ema-cross\"\nfast = 5\nslow = 20\nquantity = 50\n",
    };
    format!(
        "# What this run does. Everything that can be said here: genovo check --keys
name = \"{}\"
seed = 1

[account]
cash = \"10,000 USD\"

[[instruments]]
symbol = \"DEMO\"
tick = 0.01
commission = {{ per_unit = \"0.005 USD\" }}

[data]
path = \"data/quotes.csv\"

[bars]
interval = \"1 min\"

[strategy]
{strategy}
[risk]
max_per_trade = \"2 %\"
distance = \"2 atr\"

[venue]
latency = \"5 ms\"
",
        if own { "trend" } else { "demo" }
    )
}

/// Four hours of made-up quotes, two seconds apart: a random walk whose drift turns now and then.
fn quotes() -> String {
    const START: u64 = 1_735_810_200; // 2 January 2025, 09:30 UTC
    let mut text = String::from("ts_ns,bid,ask,bid_size,ask_size\n");
    let (mut cents, mut drift) = (10_000_i64, 1_i64);
    for row in 0..7_200_u64 {
        let key = RandomKey { seed: 1, purpose: 0x696e_6974, id: row };
        if key.below(0, 900) == 0 {
            drift = -drift;
        }
        let step = key.below(1, 7) as i64 - 3;
        cents = (cents + step + drift * i64::from(key.below(2, 8) == 0)).max(1_000);
        let spread = 2 + key.below(3, 3) as i64;
        let price = |cents: i64| format!("{}.{:02}", cents / 100, cents % 100);
        let size = |draw: u32| 100 + key.below(draw, 9) * 50;
        text.push_str(&format!(
            "{},{},{},{},{}\n",
            (START + 2 * row) * 1_000_000_000,
            price(cents),
            price(cents + spread),
            size(4),
            size(5)
        ));
    }
    text
}

fn readme(own: bool) -> String {
    let (genovo, about) = match own {
        true => (
            "cargo run --release --",
            "\n`src/main.rs` is a strategy of your own and a whole genovo with it: change `on_bar`, run again, and\n\
             ask `audit diff` or `compare` what became of it.\n",
        ),
        false => ("genovo", ""),
    };
    format!(
        "# A run to begin with

`scenario.toml` says what the run does, `data/quotes.csv` is its market: made-up quotes of one instrument, free to use.
{about}
```sh
{genovo} check scenario.toml                  # what it does, and every setting that holds
{genovo} replay scenario.toml                 # run it: every event goes into runs/
{genovo} audit explain last --order 1         # why the first order
{genovo} audit whatif last --set risk.max_per_trade=\"1 %\"
{genovo} replay --verify last                 # recompute everything, compare every bit
```

Your own data: a CSV file with a time, bid and ask (or a price, or bars); `{genovo} import --inspect FILE` says how it
would be read, and `[data]` in the scenario names it.
"
    )
}

fn manifest(genovo: &Path) -> String {
    let path = serde_json::Value::from(genovo.display().to_string());
    format!(
        "[package]
name = \"my-strategy\"
version = \"0.1.0\"
edition = \"2024\"
publish = false

[dependencies]
genovo = {{ path = {path} }}

# A wrong sum must stop the program, never go on.
[profile.release]
overflow-checks = true

# Quick enough to try things without --release.
[profile.dev]
opt-level = 1

[profile.dev.package.\"*\"]
opt-level = 3

[workspace]
"
    )
}

/// The program of the guide.
fn program() -> String {
    let example = include_str!("../../examples/my_strategy.rs");
    let (_, code) = example.split_once("\n\n").expect("the example begins with what it is");
    format!(
        "//! A strategy of my own: follow the trend. `genovo check --strategies` lists it beside the others.\n\n{code}"
    )
}
