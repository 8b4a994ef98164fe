//! What happens to the account and to markets without an order: financing, a change of regime.

use crate::ids::OrderId;
use crate::units::{Money, Price, Quantity, Ratio, Timestamp};

/// A position was held over one or more rollovers and paid for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct FinancingCharged {
    /// The last of the rollovers.
    pub rollover: Timestamp,
    /// How many days they count.
    pub days: u32,
    /// Of how many in a year.
    pub days_in_year: u32,
    /// The position; negative when short.
    pub quantity: Quantity,
    /// The price that valued it: the one at which it could have been closed.
    pub price: Price,
    /// The rate to the account's currency, where the instrument is quoted in another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<Price>,
    /// What it is worth, without its sign, in account currency.
    pub value: Money,
    /// What it pays a year, as a share of its value; below zero what it receives.
    pub yearly: Ratio,
    /// What it pays a year for what is borrowed.
    pub borrow_yearly: Ratio,
    /// What was charged by `yearly`, in account currency, rounded to its digits; below zero what was paid to us.
    pub financing: Money,
    /// What was charged by `borrow_yearly`.
    pub borrow: Money,
    /// The order that opened the position, in a hedging account.
    #[serde(skip_serializing_if = "OrderId::is_none")]
    pub position: OrderId,
}

/// How volatile a market is beside what is usual for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum Regime {
    /// Too few samples to say.
    Unknown = 1,
    /// Its volatility is below the multiple at which it counts as stressed.
    Calm = 2,
    /// Its volatility is at or above it.
    Stressed = 3,
}

impl Regime {
    /// In one word.
    pub const fn name(self) -> &'static str {
        match self {
            Regime::Unknown => "unknown",
            Regime::Calm => "calm",
            Regime::Stressed => "stressed",
        }
    }
}

/// The regime of the header's market, as the regime rule sees it, is another one.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct RegimeChanged {
    /// What it was.
    pub before: Regime,
    /// What it is.
    pub now: Regime,
    /// The volatility between samples.
    pub volatility: f64,
    /// What is usual.
    pub usual: f64,
    /// At how many times the usual a market is stressed.
    pub stress_at: Ratio,
}
