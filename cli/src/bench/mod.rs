//! What `genovo bench` measures, and how it says it.
//!
//! Every figure names what was measured, over which data, in which unit. Latencies are HdrHistograms: nothing
//! is averaged away, and what waits for a schedule is counted from the schedule.

mod bare;
mod latency;
mod live;
mod measure;
mod model;
mod tail;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use genovo_engine::strategy::Registry;
use serde_json::json;

pub use latency::Latency;
pub use live::{Conditions, Deciding, live, soak};
pub use measure::{append, apply, replay, scan, tick_to_order};
pub use model::model;
pub use tail::tail;

use crate::backend::Backends;
use crate::error::{Exit, Failure};
use crate::report::format;
use crate::scenario::{self, Scenario};

/// One result.
pub struct Figure {
    /// What it is called within its bench.
    pub name: String,
    /// What was measured, in a line.
    pub measures: &'static str,
    /// Over which data.
    pub data: String,
    /// The result.
    pub value: Value,
}

/// A result with its unit.
pub enum Value {
    /// How many a second: the median of the rounds, and the best.
    Rate {
        /// What is counted, such as `events`.
        of: &'static str,
        /// One for each round, in its order.
        rounds: Vec<f64>,
    },
    /// A quantity that is no rate.
    Number {
        /// How much.
        value: f64,
        /// Of what.
        unit: &'static str,
    },
    /// How long each one took.
    Latency(Box<Latency>),
    /// What came out, so that two machines can be seen to have done the same.
    Text(String),
}

impl Figure {
    /// One line for a reader.
    pub fn to_text(&self) -> String {
        let value = match &self.value {
            Value::Rate { of, rounds } => format!(
                "{}M {of}/s   median of {}, best {}M",
                format::decimal(median(rounds) / 1e6, 2),
                format::plural(rounds.len() as u64, "round", "rounds"),
                format::decimal(best(rounds) / 1e6, 2)
            ),
            Value::Number { value, unit } => format!("{} {unit}", format::decimal(*value, 2)),
            Value::Latency(latency) => latency.to_text(),
            Value::Text(text) => text.clone(),
        };
        format!("  {:34} {value}\n", self.name)
    }

    /// The same for a program: units are in the names or beside the value.
    pub fn to_json(&self, bench: &str) -> serde_json::Value {
        let mut json = json!({
            "bench": bench,
            "figure": self.name,
            "measures": self.measures,
            "data": self.data,
        });
        let more = match &self.value {
            Value::Rate { of, rounds } => json!({
                "unit": format!("{of}/s"),
                "value": median(rounds),
                "best": best(rounds),
                "rounds": rounds.len(),
            }),
            Value::Number { value, unit } => json!({ "unit": unit, "value": value }),
            Value::Latency(latency) => latency.to_json(),
            Value::Text(text) => json!({ "unit": "text", "value": text }),
        };
        let (Some(all), serde_json::Value::Object(more)) = (json.as_object_mut(), more) else { return json };
        all.extend(more);
        json
    }
}

fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

fn best(values: &[f64]) -> f64 {
    values.iter().copied().fold(0.0, f64::max)
}

/// What every bench is given.
pub struct Setting<'a> {
    /// The strategies.
    pub registry: &'a Registry,
    /// Quotes to use instead of the shipped ones.
    pub data: Option<&'a Path>,
    /// How long each figure is measured.
    pub time: Duration,
    /// Where journals are written meanwhile.
    pub folder: &'a Path,
    /// Where a model's kernels run.
    pub backends: &'a Backends,
}

/// A scenario that is measured, with the name of its data.
pub struct Plan {
    /// The scenario.
    pub scenario: Scenario,
    /// Its data, in words.
    pub data: String,
}

/// A shipped scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shipped {
    /// Spot gold, a cross on 5-minute bars.
    Gold,
    /// BTCUSDT, a cross at every tick; so many times its data.
    Btcusdt(u32),
}

impl Setting<'_> {
    /// The shipped scenario, or with `--data` the one for any quotes.
    pub fn plan(&self, shipped: Shipped, sets: &[&str]) -> Result<Plan, Failure> {
        let mut sets: Vec<String> = sets.iter().map(|set| set.to_string()).collect();
        let path = match (self.data, shipped) {
            (Some(data), _) => {
                let data = std::path::absolute(data).unwrap_or_else(|_| data.to_owned());
                sets.push(format!("data.path={}", data.display()));
                self.own_scenario()?
            }
            (None, Shipped::Gold) => PathBuf::from("scenarios/gold.toml"),
            (None, Shipped::Btcusdt(tiles)) => {
                sets.push(format!("data.tiles={tiles}"));
                PathBuf::from("scenarios/btcusdt.toml")
            }
        };
        if !path.exists() {
            let message = format!("{} is not here", path.display());
            let failure = Failure::new(Exit::Usage, message, "Nothing was measured.");
            return Err(
                failure.help("run it beside genovo's scenarios/, or name quotes of yours: --data FILE")
            );
        }
        let scenario = scenario::load(&path, &sets, self.registry)?;
        let name = scenario.files.first().and_then(|file| file.path.file_name());
        let name = name.map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let tiles = scenario.settings.sources.first().map_or(1, |source| source.tiles);
        let data = if tiles > 1 { format!("{name} × {tiles}") } else { name };
        Ok(Plan { scenario, data })
    }

    fn own_scenario(&self) -> Result<PathBuf, Failure> {
        self.write_scenario("bench.toml", include_str!("scenario.toml"))
    }

    fn write_scenario(&self, name: &str, text: &str) -> Result<PathBuf, Failure> {
        let path = self.folder.join(name);
        std::fs::write(&path, text).map_err(|error| {
            let message = format!("cannot write {}: {error}", path.display());
            Failure::new(Exit::Failed, message, "Nothing was measured.")
        })?;
        Ok(path)
    }

    /// Calls `round` until the time is over, at least three times, for what it records; a first call before
    /// them only warms up, and its record is thrown away.
    fn rounds<T: Default>(&self, mut round: impl FnMut(&mut T) -> Result<(), Failure>) -> Result<T, Failure> {
        round(&mut T::default())?;
        let (began, mut record, mut done) = (Instant::now(), T::default(), 0);
        while done < 3 || began.elapsed() < self.time {
            round(&mut record)?;
            done += 1;
        }
        Ok(record)
    }
}

/// The machine in words, and for a program.
pub struct Machine {
    /// The processor's name.
    pub cpu: String,
    /// Cores that this process may use.
    pub cores: usize,
    /// Nanoseconds that reading the clock takes; no figure has them taken off.
    pub clock_ns: f64,
}

impl Machine {
    /// This one.
    pub fn here() -> Machine {
        let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let name =
            info.lines().find(|line| line.starts_with("model name")).and_then(|line| line.split_once(':'));
        let cpu = name.map_or("unknown processor".to_string(), |(_, name)| name.trim().to_string());
        let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
        const READINGS: u32 = 100_000;
        let began = Instant::now();
        for _ in 0..READINGS {
            std::hint::black_box(Instant::now());
        }
        Machine { cpu, cores, clock_ns: began.elapsed().as_nanos() as f64 / f64::from(READINGS) }
    }

    /// One line.
    pub fn to_text(&self) -> String {
        format!(
            "{} · {} · {} {} · genovo {}, {} build · reading the clock takes {} ns\n",
            self.cpu,
            format::plural(self.cores as u64, "core", "cores"),
            std::env::consts::OS,
            std::env::consts::ARCH,
            env!("CARGO_PKG_VERSION"),
            build(),
            format::decimal(self.clock_ns, 0)
        )
    }

    /// For a program.
    pub fn to_json(&self) -> serde_json::Value {
        json!({
            "cpu": self.cpu,
            "cores": self.cores,
            "os": std::env::consts::OS,
            "architecture": std::env::consts::ARCH,
            "version": env!("CARGO_PKG_VERSION"),
            "build": build(),
            "clock_ns": self.clock_ns,
        })
    }
}

fn build() -> &'static str {
    if cfg!(debug_assertions) { "debug" } else { "release" }
}
