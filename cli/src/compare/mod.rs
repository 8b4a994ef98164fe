//! Several runs side by side: what was set, what came out, which decisions flipped, and what made the difference.
//!
//! [`folded`] folds a run's events once; [`figures`] and [`bootstrap`] give figures with intervals, [`causes`] splits a
//! difference of results, [`flips`] compares decisions, [`page`] draws it all. `docs/compare.md` explains every part.

pub mod bootstrap;
pub mod causes;
pub mod figures;
pub mod flips;
pub mod folded;
pub mod page;
pub mod settings;
mod text;

pub use text::table;

use std::path::{Path, PathBuf};

use genovo_engine::ids::InstrumentId;
use genovo_engine::units::Money;
use genovo_journal::Journal;
use serde_json::{Value, json};

use crate::error::Failure;
use crate::failures;
use causes::{Causes, Sizing};
use figures::{Figure, Method};
use flips::Flips;
use folded::{Folded, Folder};
use settings::Row;

/// How the runs are compared.
#[derive(Clone, Copy, Debug)]
pub struct Wish {
    /// How many resamples give an interval; 0 for none.
    pub resamples: usize,
    /// The seed of their draws.
    pub seed: u64,
    /// How many decisions that differ are listed.
    pub listed: usize,
}

impl Default for Wish {
    fn default() -> Wish {
        Wish { resamples: 2_000, seed: 1, listed: 10 }
    }
}

/// A run with what it is called.
pub struct Run {
    /// `A`, `B`, … or what a what-if calls it.
    pub label: String,
    /// Its journal; `None` for a branch that was not kept.
    pub journal: Option<PathBuf>,
    /// The run.
    pub folded: Folded,
}

/// Runs compared to the first of them.
pub struct Comparison {
    /// The runs, at least two.
    pub runs: Vec<Run>,
    /// Settings that differ.
    pub settings: Vec<Row>,
    /// Figures that are counted.
    pub counted: Vec<Figure>,
    /// Figures with intervals, and how these were made.
    pub estimated: Option<(Vec<Figure>, Method)>,
    /// For each run but the first.
    pub causes: Vec<Causes>,
    /// For each run but the first.
    pub flips: Vec<Flips>,
}

/// What could not be done.
pub const NOTHING: &str = "Nothing was compared.";

/// Reads a whole run.
pub fn fold(journal: &Journal) -> Result<Folded, Failure> {
    let mut folder = Folder::new();
    for event in journal.events() {
        folder.observe(&event.map_err(|error| failures::journal(&error, NOTHING))?);
    }
    Ok(folder.finish())
}

impl Comparison {
    /// Compares runs to the first, whose events are `first`.
    pub fn new(runs: Vec<Run>, first: &Journal, wish: Wish) -> Result<Comparison, Failure> {
        let folded: Vec<&Folded> = runs.iter().map(|run| &run.folded).collect();
        let mut walks: Vec<Option<Sizing<'_>>> =
            folded[1..].iter().map(|other| Sizing::of(folded[0], other)).collect();
        for event in first.events() {
            let event = event.map_err(|error| failures::journal(&error, NOTHING))?;
            walks.iter_mut().flatten().for_each(|walk| walk.observe(&event));
        }
        let sizing: Vec<Option<Money>> = walks.into_iter().map(|walk| walk.map(Sizing::finish)).collect();
        let others = folded[1..].iter().zip(&sizing);
        let causes = others.map(|(other, sizing)| Causes::of(folded[0], other, *sizing)).collect();
        let flips = folded[1..].iter().map(|other| Flips::of(folded[0], other, wish.listed)).collect();
        let estimated = match wish.resamples {
            0 => None,
            resamples => figures::estimated(&folded, resamples, wish.seed),
        };
        let (settings, counted) = (settings::differing(&folded), figures::counted(&folded));
        Ok(Comparison { settings, counted, estimated, causes, flips, runs })
    }

    /// The name of an instrument.
    pub fn symbol(&self, id: InstrumentId) -> String {
        let settings = self.runs[0].folded.settings();
        let known = settings.and_then(|settings| settings.instrument(id)).map(|one| one.symbol.clone());
        known.unwrap_or_else(|| format!("instrument {id}"))
    }

    /// Decimals of the account's currency.
    pub fn digits(&self) -> u8 {
        self.runs[0].folded.report.digits()
    }

    /// For a reader.
    pub fn text(&self) -> String {
        text::text(self)
    }

    /// For a program.
    pub fn to_json(&self) -> Value {
        let runs = self.runs.iter().map(|run| {
            let identity = &run.folded.report.identity;
            json!({
                "label": run.label,
                "journal": run.journal,
                "name": identity.name,
                "run_id": identity.run_id,
                "settings_hash": identity.settings_hash,
                "state_hash": identity.state_hash,
                "events": run.folded.events,
                "final_equity": run.folded.report.equity.last,
            })
        });
        let settings = self.settings.iter().map(|row| json!({ "key": row.key, "values": row.values }));
        let (estimated, method) = match &self.estimated {
            Some((figures, method)) => (figures.as_slice(), Some(method.to_json())),
            None => (&[][..], None),
        };
        let figures = estimated.iter().chain(&self.counted).map(Figure::to_json);
        json!({
            "runs": runs.collect::<Vec<_>>(),
            "settings": settings.collect::<Vec<_>>(),
            "figures": figures.collect::<Vec<_>>(),
            "intervals": method,
            "causes": self.causes.iter().map(Causes::to_json).collect::<Vec<_>>(),
            "decisions": self.flips.iter().map(|flips| flips.to_json(|id| self.symbol(id))).collect::<Vec<_>>(),
        })
    }

    /// Writes `report.html` and `report.json` into a folder.
    pub fn write(&self, folder: &Path, title: &str, notes: &[String], json: &Value) -> std::io::Result<()> {
        std::fs::create_dir_all(folder)?;
        let text = serde_json::to_string_pretty(json).map_err(std::io::Error::other)?;
        std::fs::write(folder.join("report.json"), text + "\n")?;
        std::fs::write(folder.join("report.html"), page::page(self, title, notes))
    }
}

/// `A`, `B`, … `Z`, then numbers.
pub fn label(index: usize) -> String {
    match u8::try_from(index) {
        Ok(index @ 0..26) => char::from(b'A' + index).to_string(),
        _ => (index + 1).to_string(),
    }
}
