//! `genovo bench`: how fast this machine runs genovo, measured by genovo itself.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};
use genovo_adapters::broker::desk::LOOK;
use genovo_journal::CommitMode;

use super::{Context, live, say, say_json};
use crate::backend::Backends;
use crate::bench::{self, Conditions, Deciding, Figure, Machine, Setting, Value};
use crate::error::{Exit, Failure};

/// Measure this machine: throughput, and latencies as percentiles.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Bench {
    /// What is measured.
    #[arg(value_name = "NAME", value_enum)]
    name: Name,
    /// Quotes to measure with: a CSV file [default: the shipped ones, from scenarios/ in this folder; of live, a random
    /// walk].
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
    /// How long each figure is measured; at least three rounds, after one to warm up.
    #[arg(long, value_name = "S", default_value_t = 2.0)]
    seconds: f64,
    /// Where journals are written meanwhile [default: the system's temporary folder].
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// Where each latency's whole distribution goes, as HdrHistogram's plotters read it.
    #[arg(long, value_name = "DIR")]
    hgrm: Option<PathBuf>,
    #[command(flatten)]
    live: LiveArguments,
    #[command(flatten)]
    of_model: ModelArguments,
}

/// Where the network is measured.
#[derive(Args, Debug)]
#[command(next_help_heading = "Of model")]
struct ModelArguments {
    /// Where kernels run [default: on the CPU, and on a card where there is one].
    #[arg(long, value_name = "auto|cpu|cuda", value_parser = ["auto", "cpu", "cuda"])]
    backend: Option<String>,
}

/// Conditions of a live session that is measured.
#[derive(Args, Debug)]
#[command(next_help_heading = "Of live and soak")]
struct LiveArguments {
    /// Quotes a second, on a schedule that waits for nobody [default: 10000; of soak 5000].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=5_000_000))]
    rate: Option<u32>,
    /// How long the session runs, such as 60s [default: 10s; of soak 30min].
    #[arg(long = "for", value_name = "DURATION")]
    for_duration: Option<String>,
    /// What an order waits for before it leaves [default: process].
    #[arg(long, value_name = "process|disk", value_parser = ["process", "disk"])]
    commit: Option<String>,
    /// Plant a stall: the session stands still once for so long, and the figures must show it.
    #[arg(long, value_name = "DURATION")]
    stall: Option<String>,
    /// Who decides [default: ema-cross].
    #[arg(long, value_name = "NAME", value_enum)]
    strategy: Option<Deciding>,
    /// How long idle threads look for work before they sleep, or `always` [default: always; of soak 200us].
    #[arg(long, value_name = "DURATION")]
    look: Option<String>,
    /// How long before it is due a quote is handed over; 0s: the generator looks at the clock on a core of its own
    /// [default: 0s from 4 cores on, 5ms below].
    #[arg(long, value_name = "DURATION")]
    ahead: Option<String>,
    /// Cores of the session, the desk and the generator, such as 0,1 or 2,4,6 [default: none is pinned].
    #[arg(long, value_name = "CORES", value_delimiter = ',', num_args = 1..=3)]
    pin: Vec<usize>,
}

impl LiveArguments {
    /// What was asked for, and otherwise `otherwise`.
    fn conditions(&self, otherwise: Conditions) -> Result<Conditions, Failure> {
        let zero = |text: &str| text.trim_end_matches(char::is_alphabetic).trim() == "0";
        let length = |text: &Option<String>| match text.as_deref() {
            Some("always") => Ok(Some(Duration::MAX)),
            Some(text) if zero(text) => Ok(Some(Duration::ZERO)),
            text => text.map(live::duration).transpose(),
        };
        Ok(Conditions {
            rate: self.rate.unwrap_or(otherwise.rate),
            time: self.for_duration.as_deref().map(live::duration).transpose()?.unwrap_or(otherwise.time),
            commit: self.commit.as_deref().and_then(CommitMode::parse).unwrap_or(otherwise.commit),
            stall: self.stall.as_deref().map(live::duration).transpose()?,
            strategy: self.strategy.unwrap_or(otherwise.strategy),
            look: length(&self.look)?.unwrap_or(otherwise.look),
            ahead: length(&self.ahead)?,
            pin: self.pin.clone(),
            quiet: otherwise.quiet,
        })
    }

    /// An argument that was given.
    fn given(&self) -> Option<&'static str> {
        let given = [
            ("--rate", self.rate.is_some()),
            ("--for", self.for_duration.is_some()),
            ("--commit", self.commit.is_some()),
            ("--stall", self.stall.is_some()),
            ("--strategy", self.strategy.is_some()),
            ("--look", self.look.is_some()),
            ("--ahead", self.ahead.is_some()),
            ("--pin", !self.pin.is_empty()),
        ];
        given.into_iter().find(|(_, given)| *given).map(|(name, _)| name)
    }
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
    /// A whole live session: from a tick to its order at the broker, on an open schedule
    Live,
    /// A session that runs for half an hour, on paper: whether memory and open files stay what they are
    Soak,
    /// All of them but soak, of the network the sizes tiny and base
    All,
}

const EXAMPLES: &str = "\
Examples:
  genovo bench replay
  genovo bench tick-to-order --seconds 10 --hgrm figures
  genovo bench model --seconds 5
  genovo bench model --backend cuda
  genovo bench live --rate 10000 --for 60s --hgrm figures
  genovo bench live --commit disk --folder /var/lib/genovo
  genovo bench live --stall 100ms
  genovo bench soak --for 30min
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
                    Name::Live,
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
            Name::Live => "live",
            Name::Soak => "soak",
            Name::All => "all",
        }
    }

    /// Measures it, by itself or as one of all.
    fn measure(
        self,
        setting: &Setting<'_>,
        alone: bool,
        conditions: &Conditions,
    ) -> Result<Vec<Figure>, Failure> {
        match self {
            Name::Append => bench::append(setting),
            Name::Apply => bench::apply(setting),
            Name::Replay => bench::replay(setting),
            Name::TickToOrder => bench::tick_to_order(setting),
            Name::Scan => bench::scan(setting),
            Name::Model if alone => bench::model(setting, &["tiny", "base", "full"]),
            Name::Model => bench::model(setting, &["tiny", "base"]),
            Name::Tail => bench::tail(setting),
            Name::Live => bench::live(setting, conditions),
            Name::Soak => bench::soak(setting, conditions),
            Name::All => Ok(Vec::new()),
        }
    }
}

impl Bench {
    /// What a session is measured under unless something else is asked for.
    fn otherwise(&self, quiet: bool) -> Conditions {
        let live = Conditions {
            rate: 10_000,
            time: Duration::from_secs(10),
            commit: CommitMode::Process,
            stall: None,
            strategy: Deciding::EmaCross,
            look: Duration::MAX,
            ahead: None,
            pin: Vec::new(),
            quiet,
        };
        match self.name {
            Name::Live => live,
            Name::Soak => Conditions { rate: 5_000, time: Duration::from_secs(1_800), look: LOOK, ..live },
            // Beside others a session is as short as they are, but long enough for an order to leave.
            _ => Conditions { time: Duration::from_secs_f64(self.seconds.max(0.3)), ..live },
        }
    }

    /// Runs the command.
    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        let nothing = "Nothing was measured.";
        if !(self.seconds >= 0.0 && self.seconds <= 3_600.0) {
            let message = format!("{} seconds cannot be measured", self.seconds);
            return Err(Failure::new(Exit::Usage, message, nothing).help("--seconds 0 to 3600"));
        }
        let is_session = matches!(self.name, Name::Live | Name::Soak);
        if let Some(argument) = self.live.given().filter(|_| !is_session) {
            let message = format!("{argument} says nothing about `{}`", self.name.word());
            return Err(Failure::new(Exit::Usage, message, nothing).help("it is for: genovo bench live"));
        }
        let of_model = matches!(self.name, Name::Model | Name::All);
        if self.of_model.backend.is_some() && !of_model {
            let message = format!("--backend says nothing about `{}`", self.name.word());
            return Err(Failure::new(Exit::Usage, message, nothing).help("it is for: genovo bench model"));
        }
        let backends = Backends::of(self.of_model.backend.as_deref(), nothing)?;
        let conditions = self.live.conditions(self.otherwise(context.json))?;
        let mut builder = tempfile::Builder::new();
        let builder = builder.prefix("genovo-bench-");
        let folder = match &self.folder {
            Some(folder) => fs::create_dir_all(folder).and_then(|()| builder.tempdir_in(folder)),
            None => builder.tempdir(),
        };
        let folder = folder.map_err(|error| {
            Failure::new(Exit::Failed, format!("cannot make a temporary folder: {error}"), nothing)
        })?;
        let setting = Setting {
            registry: &context.registry,
            data: self.data.as_deref(),
            time: Duration::from_secs_f64(self.seconds),
            folder: folder.path(),
            backends: &backends,
        };
        let machine = Machine::here();
        if !context.json {
            say(&machine.to_text())?;
        }
        let mut all = Vec::new();
        for name in self.name.each() {
            let figures = name.measure(&setting, self.name == name, &conditions)?;
            if let Some(folder) = &self.hgrm {
                write_distributions(folder, name.word(), &figures)?;
            }
            match context.json {
                true => all.extend(figures.iter().map(|figure| figure.to_json(name.word()))),
                false => say(&to_text(name.word(), &figures))?,
            }
        }
        match context.json {
            true => {
                let mut answer = serde_json::json!({
                    "bench": self.name.word(),
                    "machine": machine.to_json(),
                    "seconds_per_figure": self.seconds,
                });
                if self.name == Name::Live {
                    // The figure that the bench is for, at hand.
                    for key in ["count", "p50_ns", "p99_ns", "p999_ns", "p9999_ns", "max_ns"] {
                        answer[key] = all.first().map_or(serde_json::Value::Null, |first| first[key].clone());
                    }
                }
                answer["figures"] = all.into();
                say_json(&answer)
            }
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
