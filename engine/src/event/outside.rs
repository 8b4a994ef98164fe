//! What the world outside of the markets says: statistics, news, what is to come.
//!
//! The header's times are those of the release: what a figure is about, or when an event takes place, is a field.

use crate::units::{Figure, Ratio, Timestamp};

/// A statistic was released, or an earlier figure of it revised.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct MacroReleased {
    /// Its name: `CPIAUCSL`.
    pub series: String,
    /// The beginning of the period that the figure is about.
    pub period: Timestamp,
    /// The figure, in the unit of its series.
    pub value: Figure,
    /// What was expected before the release, where the data says so.
    pub expected: Option<Figure>,
}

/// A piece of news was published: about the header's instrument, or about none in particular.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct NewsPublished {
    /// Who published it.
    pub source: String,
    /// Its headline.
    pub headline: String,
    /// How it sounds, from −1 to 1, where the data says so.
    pub sentiment: Option<Ratio>,
    /// How much its source counts; 1 where the data does not say.
    pub weight: Ratio,
}

/// An event is to come. One of the same id takes the place of the one before: it was moved.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct EventScheduled {
    /// What it is known by.
    pub id: String,
    /// Its name: `FOMC statement`.
    pub name: String,
    /// When it takes place.
    pub at: Timestamp,
    /// How much it usually moves.
    pub importance: Importance,
}

/// How much an event usually moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum Importance {
    /// Little.
    Low = 1,
    /// Something.
    Medium = 2,
    /// A lot.
    High = 3,
}

impl Importance {
    /// As texts show it.
    pub const fn name(self) -> &'static str {
        match self {
            Importance::Low => "low",
            Importance::Medium => "medium",
            Importance::High => "high",
        }
    }
}
