//! What it costs to hold a position, and what an account must be worth to hold it. Both are off unless a scenario says
//! them, and what is off is left out of the canonical settings.

use crate::ids::InstrumentId;
use crate::units::{Nanoseconds, Ratio};

/// What holding a position over the rollover costs.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FinancingSettings {
    /// The time of day of the rollover.
    pub rollover: Nanoseconds,
    /// By which clock.
    pub clock: RolloverClock,
    /// The day whose rollover counts three days, so that there is none on Saturday and Sunday; `None`: every day
    /// counts one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub triple: Option<Weekday>,
    /// Days in a year: 360 or 365.
    pub days_in_year: u32,
    /// By instrument; one that is not named costs nothing.
    pub rates: Vec<FinancingRate>,
}

/// What holding one instrument costs, as shares of its value in a year.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FinancingRate {
    /// Which instrument.
    pub instrument: InstrumentId,
    /// What a long position pays; below zero what it receives.
    pub long: Ratio,
    /// What a short position pays; below zero what it receives.
    pub short: Ratio,
    /// What a short position pays on top of it for what is borrowed.
    pub borrow: Ratio,
}

/// The clock by which the rollover is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RolloverClock {
    /// Coordinated universal time.
    Utc,
    /// New York's, with its daylight saving time.
    NewYork,
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)] // The names say it.
pub enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
}

impl Weekday {
    /// Every working day, in order.
    pub const ALL: [Weekday; 5] =
        [Weekday::Monday, Weekday::Tuesday, Weekday::Wednesday, Weekday::Thursday, Weekday::Friday];

    /// As in a scenario.
    pub const fn name(self) -> &'static str {
        match self {
            Weekday::Monday => "Mon",
            Weekday::Tuesday => "Tue",
            Weekday::Wednesday => "Wed",
            Weekday::Thursday => "Thu",
            Weekday::Friday => "Fri",
        }
    }
}

/// What equity must be, as a multiple of the maintenance margin of all positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MarginSettings {
    /// At or below it nothing is opened, and the account is called.
    pub call: Ratio,
    /// At or below it positions are closed until equity is above it; `None`: none is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_out: Option<Ratio>,
}
