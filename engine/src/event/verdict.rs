//! What risk said to an order, rule by rule.

use super::Side;
use crate::units::{Money, Price, Quantity};

/// A pre-trade rule. One file each in `risk/`.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    serde::Serialize,
    rkyv::Archive,
    rkyv::Serialize,
    rkyv::Deserialize,
)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Rule {
    /// There must be a price to trade against.
    NoMarket = 1,
    /// Share of equity that one trade may lose.
    PerTradeRisk = 2,
    /// Share of equity that all open positions together may lose.
    TotalRisk = 3,
    /// No position smaller than this is opened.
    MinimumPosition = 4,
    /// The account must be able to carry it: margin, or cash.
    BuyingPower = 5,
    /// What the order says must fit together.
    InvalidOrder = 6,
    /// A reduce-only order needs a position to reduce.
    ReduceOnly = 7,
    /// There must be a rate from the instrument's currency to the account's.
    NoRate = 8,
    /// The market must be open, unless the scenario lets orders wait for it.
    MarketClosed = 9,
}

impl Rule {
    /// As in verdicts and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Rule::NoMarket => "no_market",
            Rule::PerTradeRisk => "per_trade_risk",
            Rule::TotalRisk => "total_risk",
            Rule::MinimumPosition => "minimum_position",
            Rule::BuyingPower => "buying_power",
            Rule::InvalidOrder => "invalid_order",
            Rule::ReduceOnly => "reduce_only",
            Rule::NoRate => "no_rate",
            Rule::MarketClosed => "market_closed",
        }
    }
}

/// What a rule, or all together, said.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize,
)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum Outcome {
    /// As asked.
    Allowed = 1,
    /// Less than asked.
    Reduced = 2,
    /// Nothing.
    Denied = 3,
}

impl Outcome {
    /// `allowed`, `reduced` or `denied`.
    pub const fn name(self) -> &'static str {
        match self {
            Outcome::Allowed => "allowed",
            Outcome::Reduced => "reduced",
            Outcome::Denied => "denied",
        }
    }
}

/// One rule's word with its numbers, in account currency.
#[derive(Clone, Debug, PartialEq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
pub struct RuleResult {
    /// Which rule.
    pub rule: Rule,
    /// What it said.
    pub outcome: Outcome,
    /// What the rule allows.
    pub limit: Money,
    /// What the order would take of it.
    pub asked: Money,
    /// What it takes of it after this rule.
    pub granted: Money,
    /// The opening quantity that this rule leaves.
    pub quantity: Quantity,
}

/// Where the distance came from over which a position is at risk.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize,
)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum DistanceSource {
    /// A multiple of the average true range of the scenario's bars.
    AverageTrueRange = 1,
    /// A share of the price.
    ShareOfPrice = 2,
    /// The distance to the order's own stop.
    Stop = 3,
    /// Unknown yet: too few bars. The order is denied when a rule needs it.
    Unknown = 4,
}

/// Risk's answer to one action of a decision.
#[derive(Clone, Debug, PartialEq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
pub struct Verdict {
    /// All rules together.
    pub outcome: Outcome,
    /// The rule that decided, unless all allowed it.
    pub rule: Option<Rule>,
    /// Buy or sell.
    pub side: Side,
    /// The part that only closes what is open; no rule reduces it.
    pub closing: Quantity,
    /// The part asked for that opens or adds.
    pub asked: Quantity,
    /// The part of `asked` that is granted.
    pub granted: Quantity,
    /// The price that valued it: the side of the quote that it would trade at.
    pub price: Option<Price>,
    /// How far the price moves against it in the case the risk is counted for.
    pub distance: Price,
    /// Where `distance` came from.
    pub distance_source: DistanceSource,
    /// Equity when assessed.
    pub equity: Money,
    /// The rate by which amounts became the account's currency, where the instrument is quoted in another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<Price>,
    /// Every rule in the order of asking.
    pub rules: Vec<RuleResult>,
}
