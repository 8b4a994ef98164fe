//! What a run comes to: figures, a summary for the terminal, a page for the browser.
//!
//! [`ReportBuilder`] folds events into a [`Report`]; it reads nothing else, so a running replay and a journal
//! read back give the same report. [`terminal::summary`] prints it, [`write()`] puts `report.json` and
//! `report.html` into a folder. `docs/report.md` explains every figure.

mod arrival;
mod builder;
mod columns;
mod corrections;
mod costs;
mod curve;
mod drawdown;
mod figures;
mod finish;
pub mod format;
mod headline;
mod held;
pub mod html;
mod moment;
mod plotted;
mod position;
mod quality;
mod regimes;
mod returns;
pub(crate) mod selection;
pub(crate) mod sparkline;
mod strategies;
pub mod terminal;
mod tickets;
mod verdicts;
mod write;

#[cfg(test)]
mod tests;

pub use builder::ReportBuilder;
pub use figures::*;
pub use write::write;
