//! `genovo bench`: how fast this machine runs genovo, measured by genovo itself.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::{Context, say, say_json};
use crate::bench::{self, Figure, Machine, Setting, Value};
use crate::error::{Exit, Failure};

/// Measure this machine: throughput, and latencies as percentiles.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Bench {
    /// What is measured.
    #[arg(value_name = "NAME", value_enum)]
    name: Name,
    /// Quotes to measure with: a CSV file [default: the shipped ones, from scenarios/ in this folder].
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
    /// How long each figure is measured; at least three rounds, after one to warm up.
    #[arg(long, value_name = "S", default_value_t = 2.0)]
    seconds: f64,
    /// Where each latency's whole distribution goes, as HdrHistogram's plotters read it.
    #[arg(long, value_name = "DIR")]
    hgrm: Option<PathBuf>,
}

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Name {
    /// The journal's writer: encoding, chain, packing, store
    Append,
    /// The engine alone, tick by tick: ema-cross on quotes in memory
    Apply,
    /// Whole runs, file to journal: gold and btcusdt, flat and ema-cross
    Replay,
    /// A quote in, the command that it causes out, on one thread
    TickToOrder,
    /// Reading and verifying a journal
    Scan,
    /// Decisions of a neural network: tiny, base and full, in f32, bf16 and int8
    Model,
    /// A live journal: appending, committing in both modes, reopening with 10 million events
    Tail,
    /// All of them, of the network the sizes tiny and base
    All,
}

const EXAMPLES: &str = "\
Examples:
  genovo bench replay
  genovo bench tick-to-order --seconds 10 --hgrm figures
  genovo bench model --seconds 5
  genovo bench all --json
  genovo bench append --data quotes.csv.zst";

impl Name {
    fn each(self) -> Vec<Name> {
        match self {
            Name::All => {
                vec![
                    Name::Append,
                    Name::Apply,
                    Name::Replay,
                    Name::TickToOrder,
                    Name::Scan,
                    Name::Tail,
                    Name::Model,
                ]
            }
            one => vec![one],
        }
    }

    fn word(self) -> &'static str {
        match self {
            Name::Append => "append",
            Name::Apply => "apply",
            Name::Replay => "replay",
            Name::TickToOrder => "tick-to-order",
            Name::Scan => "scan",
            Name::Model => "model",
            Name::Tail => "tail",
            Name::All => "all",
        }
    }

    /// Measures it, by itself or as one of all.
    fn measure(self, setting: &Setting<'_>, alone: bool) -> Result<Vec<Figure>, Failure> {
        match self {
            Name::Append => bench::append(setting),
            Name::Apply => bench::apply(setting),
            Name::Replay => bench::replay(setting),
            Name::TickToOrder => bench::tick_to_order(setting),
            Name::Scan => bench::scan(setting),
            Name::Model if alone => bench::model(setting, &["tiny", "base", "full"]),
            Name::Model => bench::model(setting, &["tiny", "base"]),
            Name::Tail => bench::tail(setting),
            Name::All => Ok(Vec::new()),
        }
    }
}

impl Bench {
    /// Runs the command.
    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        let nothing = "Nothing was measured.";
        if !(self.seconds >= 0.0 && self.seconds <= 3_600.0) {
            let message = format!("{} seconds cannot be measured", self.seconds);
            return Err(Failure::new(Exit::Usage, message, nothing).help("--seconds 0 to 3600"));
        }
        let folder = tempfile::Builder::new().prefix("genovo-bench-").tempdir().map_err(|error| {
            Failure::new(Exit::Failed, format!("cannot make a temporary folder: {error}"), nothing)
        })?;
        let setting = Setting {
            registry: &context.registry,
            data: self.data.as_deref(),
            time: Duration::from_secs_f64(self.seconds),
            folder: folder.path(),
        };
        let machine = Machine::here();
        if !context.json {
            say(&machine.to_text())?;
        }
        let mut all = Vec::new();
        for name in self.name.each() {
            let figures = name.measure(&setting, self.name == name)?;
            if let Some(folder) = &self.hgrm {
                write_distributions(folder, name.word(), &figures)?;
            }
            match context.json {
                true => all.extend(figures.iter().map(|figure| figure.to_json(name.word()))),
                false => say(&to_text(name.word(), &figures))?,
            }
        }
        match context.json {
            true => say_json(&serde_json::json!({
                "bench": self.name.word(),
                "machine": machine.to_json(),
                "seconds_per_figure": self.seconds,
                "figures": all,
            })),
            false => Ok(()),
        }
    }
}

/// The figures of a bench, each set over the data that it was measured on, what was measured below.
fn to_text(name: &str, figures: &[Figure]) -> String {
    let (mut text, mut data) = (format!("\n{name}\n"), "");
    for figure in figures {
        if figure.data != data {
            text.push_str(&format!("  {}\n", figure.data));
            data = &figure.data;
        }
        text.push_str(&figure.to_text());
    }
    let mut said: Vec<&str> = Vec::new();
    for figure in figures.iter().filter(|figure| !matches!(figure.value, Value::Text(_))) {
        if !said.contains(&figure.measures) {
            text.push_str(&wrapped(&format!("{}: {}", figure.name, figure.measures)));
            said.push(figure.measures);
        }
    }
    text
}

/// A remark over as many indented lines as it needs.
fn wrapped(remark: &str) -> String {
    let (mut text, mut width) = (String::new(), 0);
    for word in remark.split(' ') {
        let more = word.chars().count() + 1;
        if width == 0 || width + more > 100 {
            text.push_str(if text.is_empty() { "    " } else { "\n      " });
            width = 6;
        } else {
            text.push(' ');
        }
        text.push_str(word);
        width += more;
    }
    text + "\n"
}

/// A file for each latency: `tick-to-order-quote-in-command-out.hgrm`.
fn write_distributions(folder: &Path, bench: &str, figures: &[Figure]) -> Result<(), Failure> {
    let failed = |path: &Path, error: std::io::Error| {
        let message = format!("cannot write {}: {error}", path.display());
        Failure::new(Exit::Failed, message, "The figures were measured, but not kept.")
    };
    fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
    for figure in figures {
        let Value::Latency(latency) = &figure.value else { continue };
        let words: Vec<&str> = figure.name.split(|c: char| !c.is_ascii_alphanumeric()).collect();
        let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
        let path = folder.join(format!("{bench}-{}.hgrm", words.join("-")));
        fs::write(&path, latency.to_hgrm()).map_err(|error| failed(&path, error))?;
    }
    Ok(())
}
