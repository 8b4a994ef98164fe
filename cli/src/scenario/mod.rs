//! A scenario: the TOML file that says what a run does, read into the engine's settings.
//!
//! [`load`] is the way in. What decides a run's results goes into [`Settings`] and is hashed; where the data
//! lies and how the machine executes the run stay outside.

mod abroad;
mod again;
mod build;
mod checkpoint;
mod controls;
mod data;
mod document;
pub mod explain;
pub(crate) mod features;
mod hours;
pub mod in_force;
pub mod keys;
pub mod outside;
mod peek;
pub mod readable;
pub mod reference;
pub mod schema;
mod section;
mod select;
pub mod signals;
mod strategies;
mod unit;
mod upkeep;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use genovo_adapters::calendar::Calendar;
use genovo_adapters::data::Market;
use genovo_engine::features::reselect::Listed;
use genovo_engine::ids::{Hash, InstrumentId};
use genovo_engine::settings::{DataKind, Settings};
use genovo_engine::strategy::Registry;
use genovo_engine::units::Nanoseconds;
use tracing::{debug, info};

pub use again::change;
pub use document::limits;
pub use section::{EffectiveKey, EffectiveSection};

use crate::error::Failure;

/// A scenario that was read and found good.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// What it does, in a few words.
    pub title: String,
    /// What decides the results.
    pub settings: Settings,
    /// Where the data of each of the settings' sources lies.
    pub files: Vec<DataFile>,
    /// The selections of feature columns that a file lists.
    pub selections: Vec<Listed>,
    /// Where the file of the model lies that decides, if a checkpoint does.
    pub model: Option<PathBuf>,
    /// Instruments of the scenario that `--symbol` left out.
    pub left_out: Vec<String>,
    /// When instruments trade, where they do not always.
    pub calendars: Vec<(InstrumentId, Calendar)>,
    /// Whether positions of a live session may be without a stop at the broker, where that is said.
    pub unprotected: Option<bool>,
    /// How the machine runs it.
    pub execution: Execution,
    /// What a reader should know although it is no error.
    pub notes: Vec<String>,
    /// Every key as it holds, with where it comes from.
    pub effective: Vec<EffectiveSection>,
}

/// Where the data of a source lies and how its columns are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataFile {
    /// The file, the folder of such files, or the folder of a market journal.
    pub path: PathBuf,
    /// Whose data.
    pub instrument: InstrumentId,
    /// What it holds.
    pub kind: DataKind,
    /// Which column plays which role (`time`, `bid`, `ask_size`, …); one not named is found by its usual names.
    pub columns: BTreeMap<&'static str, Column>,
    /// How times are written: `ns`, `us`, `ms`, `s` or `text`; `None`: as the file shows.
    pub time_format: Option<String>,
    /// How far the file's clock is ahead of UTC.
    pub utc_offset: Nanoseconds,
    /// The byte between columns; `None`: as the first line shows.
    pub delimiter: Option<u8>,
    /// Whether the first line names the columns.
    pub header: bool,
    /// The market of a LEAN file.
    pub market: Option<Market>,
    /// Which of several instruments in the file.
    pub select: Option<String>,
    /// The map file of a folder whose ticker changed.
    pub map: Option<PathBuf>,
    /// Whether the file says itself what stands where, as all but CSV do.
    pub describes_itself: bool,
}

/// A column of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Column {
    /// Under this name in the first line.
    Name(String),
    /// In this place, counted from 1.
    Number(usize),
}

/// How the machine runs it. Changes no result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Execution {
    /// On one thread or several.
    pub mode: Mode,
    /// Which instruction set the kernels use.
    pub cpu: Cpu,
    /// Where the kernels run.
    pub backend: Backend,
    /// Events between two checkpoints of a live session; 0 for none.
    pub checkpoint_every: u64,
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$each:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub enum $name {
            /// What suits this machine.
            #[default]
            Auto,
            $($(#[$each])* $variant,)+
        }

        impl $name {
            /// As in a scenario's `[execution]`.
            pub const fn word(self) -> &'static str {
                match self {
                    $name::Auto => "auto",
                    $($name::$variant => $word,)+
                }
            }

            /// The variant of a word that the table of keys has.
            pub fn of(word: &str) -> $name {
                match word {
                    $($word => $name::$variant,)+
                    _ => $name::Auto,
                }
            }
        }
    };
}

words! {
    /// On one thread or several.
    Mode {
        /// One thread, and the journal's writer.
        Inline = "inline",
        /// Stages joined by queues.
        Pipelined = "pipelined",
    }
}
words! {
    /// Which instruction set the kernels use.
    Cpu {
        /// None in particular.
        Scalar = "scalar",
        /// AVX2.
        Avx2 = "avx2",
        /// AVX-512.
        Avx512 = "avx512",
    }
}
words! {
    /// Where the kernels run.
    Backend {
        /// On the processor.
        Cpu = "cpu",
        /// On a graphics card.
        Cuda = "cuda",
    }
}

impl Scenario {
    /// The BLAKE3 of the settings' canonical JSON.
    pub fn settings_hash(&self) -> Hash {
        Hash(*blake3::hash(self.settings.to_canonical_json().as_bytes()).as_bytes())
    }
}

/// Reads a scenario, what it extends, and `--set` arguments; checks all of it; reports every error at once.
pub fn load(path: &Path, sets: &[String], registry: &Registry) -> Result<Scenario, Failure> {
    load_only(path, sets, &[], registry)
}

/// The same with only these instruments and their data; all of them when none is named.
pub fn load_only(
    path: &Path,
    sets: &[String],
    symbols: &[String],
    registry: &Registry,
) -> Result<Scenario, Failure> {
    let mut document = document::Document::load(path, sets)?;
    debug!(scenario = %path.display(), sets = sets.len(), "read the scenario");
    let left_out = select::only(&mut document, symbols)?;
    let scenario = Scenario { left_out, ..build::build(path, &document, registry)? };
    info!(
        name = scenario.settings.name,
        settings = %scenario.settings_hash(),
        instruments = scenario.settings.instruments.len(),
        sources = scenario.files.len(),
        "the scenario is good"
    );
    Ok(scenario)
}
