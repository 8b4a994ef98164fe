//! The one table of a scenario's keys: it drives reading, suggestions, `genovo check --keys`, the guide.

mod data;
mod decisions;
mod market;
mod risk;
mod venue;

pub use super::unit::Unit;

/// A section of a scenario.
#[derive(Debug)]
pub struct Section {
    /// Its name without brackets; dotted when it lies inside another, empty for the top of the file.
    pub name: &'static str,
    /// Whether it may appear several times, as `[[name]]`.
    pub many: bool,
    /// One line of help.
    pub about: &'static str,
    /// Its keys in the order in which they are shown.
    pub keys: &'static [Key],
}

/// A key of a section.
#[derive(Debug)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What its value is.
    pub unit: Unit,
    /// Which values of the unit are possible.
    pub bound: Bound,
    /// What holds when the scenario is silent.
    pub default: Fallback,
    /// One line of help.
    pub about: &'static str,
}

/// Which values are possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// All of them.
    Any,
    /// Zero and above.
    NotNegative,
    /// Above zero.
    Positive,
    /// Above zero, up to 100 %.
    Share,
}

/// What holds when the scenario is silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fallback {
    /// Nothing: it must be said.
    Required,
    /// This value, as a scenario would write it.
    Is(&'static str),
    /// What these words say.
    Otherwise(&'static str),
}

use Fallback::{Is, Otherwise, Required};

const fn key(name: &'static str, unit: Unit, bound: Bound, default: Fallback, about: &'static str) -> Key {
    Key { name, unit, bound, default, about }
}

/// Every section, in the order in which they are shown.
pub const SECTIONS: &[Section] = &[
    market::TOP,
    market::ACCOUNT,
    market::INSTRUMENTS,
    market::COMMISSION,
    market::INSTRUMENT_FINANCING,
    market::FINANCING,
    market::RATES,
    market::CALENDARS,
    data::DATA,
    data::COLUMNS,
    data::SIGNALS,
    data::STATISTICS,
    data::NEWS,
    data::SCHEDULE,
    data::BARS,
    decisions::STRATEGY,
    decisions::STRATEGIES,
    decisions::FEATURES,
    decisions::FEATURE,
    risk::RISK,
    venue::VENUE,
    venue::QUALITY,
    venue::EXECUTION,
];

/// The section of this name.
pub fn section(name: &str) -> Option<&'static Section> {
    SECTIONS.iter().find(|section| section.name == name)
}

impl Section {
    /// The key of this name.
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    /// As a scenario writes it: `[risk]`, `[[instruments]]`.
    pub fn heading(&self) -> String {
        match (self.name, self.many) {
            ("", _) => "the top of the file".to_string(),
            (name, true) => format!("[[{name}]]"),
            (name, false) => format!("[{name}]"),
        }
    }
}

impl Key {
    /// Its help with its default, in one line.
    pub fn help(&self) -> String {
        match self.default {
            Required => self.about.to_string(),
            Is(value) => format!("{} (default {value})", self.about),
            Otherwise(words) => format!("{} (default: {words})", self.about),
        }
    }
}
