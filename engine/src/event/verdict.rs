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
    /// Nothing is to be opened at all.
    KillSwitch = 10,
    /// It must not meet an order of our own.
    SelfTrade = 11,
    /// Its limit must not be far worse than the market.
    PriceCollar = 12,
    /// The market must have been heard of lately.
    StaleData = 13,
    /// Only so many orders in a time.
    OrderRate = 14,
    /// Only so many fills of one side in a time.
    RepeatedExecution = 15,
    /// Not the same order again within a time.
    DuplicateOrder = 16,
    /// No order worth more.
    OrderValue = 17,
    /// No order for more.
    OrderQuantity = 18,
    /// No larger position in one instrument.
    PositionLimit = 19,
    /// Long and short positions together.
    GrossExposure = 20,
    /// Long positions less short ones, either way.
    NetExposure = 21,
    /// All positions as a multiple of equity.
    Leverage = 22,
    /// The share of equity that margins tie up.
    MarginLimit = 23,
    /// All positions, those that move together added.
    CorrelatedExposure = 24,
    /// What is lost at a confidence.
    ValueAtRisk = 25,
    /// What is lost on average beyond that.
    ConditionalValueAtRisk = 26,
    /// Orders shrink as equity falls from its peak.
    SoftDrawdown = 27,
    /// Beyond a fall of equity nothing is opened.
    HardDrawdown = 28,
    /// Beyond a day's loss nothing is opened until the next.
    DailyLoss = 29,
    /// In a stressed market orders are smaller.
    Regime = 30,
    /// A position is a share of equity, at most.
    FixedFraction = 31,
    /// A position moves by a share of equity, at most.
    VolatilityTarget = 32,
    /// A position is the share of capital that its instrument gets, at most.
    Allocation = 33,
    /// Nothing is opened while the account is called for margin.
    MarginCall = 34,
    /// A position is worth what Kelly's rule makes of the forecast, at most.
    Kelly = 35,
    /// A position is the share that the forecast is sure of, at most.
    Confidence = 36,
    /// What a strategy among several holds is a share of equity, at most.
    Budget = 37,
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
            Rule::KillSwitch => "kill_switch",
            Rule::SelfTrade => "self_trade",
            Rule::PriceCollar => "price_collar",
            Rule::StaleData => "stale_data",
            Rule::OrderRate => "order_rate",
            Rule::RepeatedExecution => "repeated_execution",
            Rule::DuplicateOrder => "duplicate_order",
            Rule::OrderValue => "order_value",
            Rule::OrderQuantity => "order_quantity",
            Rule::PositionLimit => "position_limit",
            Rule::GrossExposure => "gross_exposure",
            Rule::NetExposure => "net_exposure",
            Rule::Leverage => "leverage",
            Rule::MarginLimit => "margin_limit",
            Rule::CorrelatedExposure => "correlated_exposure",
            Rule::ValueAtRisk => "value_at_risk",
            Rule::ConditionalValueAtRisk => "conditional_value_at_risk",
            Rule::SoftDrawdown => "soft_drawdown",
            Rule::HardDrawdown => "hard_drawdown",
            Rule::DailyLoss => "daily_loss",
            Rule::Regime => "regime",
            Rule::FixedFraction => "fixed_fraction",
            Rule::VolatilityTarget => "volatility_target",
            Rule::Allocation => "allocation",
            Rule::MarginCall => "margin_call",
            Rule::Kelly => "kelly",
            Rule::Confidence => "confidence",
            Rule::Budget => "budget",
        }
    }

    /// Every rule.
    pub const ALL: [Rule; 37] = [
        Rule::NoMarket,
        Rule::PerTradeRisk,
        Rule::TotalRisk,
        Rule::MinimumPosition,
        Rule::BuyingPower,
        Rule::InvalidOrder,
        Rule::ReduceOnly,
        Rule::NoRate,
        Rule::MarketClosed,
        Rule::KillSwitch,
        Rule::SelfTrade,
        Rule::PriceCollar,
        Rule::StaleData,
        Rule::OrderRate,
        Rule::RepeatedExecution,
        Rule::DuplicateOrder,
        Rule::OrderValue,
        Rule::OrderQuantity,
        Rule::PositionLimit,
        Rule::GrossExposure,
        Rule::NetExposure,
        Rule::Leverage,
        Rule::MarginLimit,
        Rule::CorrelatedExposure,
        Rule::ValueAtRisk,
        Rule::ConditionalValueAtRisk,
        Rule::SoftDrawdown,
        Rule::HardDrawdown,
        Rule::DailyLoss,
        Rule::Regime,
        Rule::FixedFraction,
        Rule::VolatilityTarget,
        Rule::Allocation,
        Rule::MarginCall,
        Rule::Kelly,
        Rule::Confidence,
        Rule::Budget,
    ];

    /// What the numbers of its results are.
    pub const fn unit(self) -> RuleUnit {
        match self {
            Rule::SelfTrade | Rule::PriceCollar => RuleUnit::Price,
            Rule::StaleData => RuleUnit::Seconds,
            Rule::OrderRate | Rule::RepeatedExecution | Rule::DuplicateOrder | Rule::KillSwitch => {
                RuleUnit::Count
            }
            Rule::OrderQuantity => RuleUnit::Quantity,
            Rule::Regime => RuleUnit::Number,
            Rule::NoMarket
            | Rule::PerTradeRisk
            | Rule::TotalRisk
            | Rule::MinimumPosition
            | Rule::BuyingPower
            | Rule::InvalidOrder
            | Rule::ReduceOnly
            | Rule::NoRate
            | Rule::MarketClosed
            | Rule::OrderValue
            | Rule::PositionLimit
            | Rule::GrossExposure
            | Rule::NetExposure
            | Rule::Leverage
            | Rule::MarginLimit
            | Rule::CorrelatedExposure
            | Rule::ValueAtRisk
            | Rule::ConditionalValueAtRisk
            | Rule::SoftDrawdown
            | Rule::HardDrawdown
            | Rule::DailyLoss
            | Rule::FixedFraction
            | Rule::VolatilityTarget
            | Rule::Allocation
            | Rule::MarginCall
            | Rule::Kelly
            | Rule::Confidence
            | Rule::Budget => RuleUnit::Amount,
        }
    }
}

/// What the numbers of a rule's result are. All are kept in units of 1e-9.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleUnit {
    /// An amount of the account's currency.
    Amount,
    /// A price of the instrument.
    Price,
    /// A quantity of the instrument.
    Quantity,
    /// A length of time in seconds.
    Seconds,
    /// How many.
    Count,
    /// A plain number.
    Number,
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

/// One rule's word with its numbers: amounts in account currency, or what [`Rule::unit`] says.
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
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
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
    /// What the decision forecast of the instrument, where a rule sizes by it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forecast: Option<Forecast>,
    /// Every rule in the order of asking.
    pub rules: Vec<RuleResult>,
}

/// What a decision forecasts of its instrument's return over the horizon that it looks at.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Forecast {
    /// The quantile of 5 %.
    pub low: f64,
    /// The quantile of 50 %.
    pub median: f64,
    /// The quantile of 95 %.
    pub high: f64,
    /// How likely the action that was chosen is the right one, as the forecaster has it.
    pub probability: f64,
    /// The volatility that it expects.
    pub volatility: f64,
    /// How far its members lie apart: the ensemble's disagreement.
    pub disagreement: f64,
}

impl Forecast {
    /// The mean by three points (D. Keefer and S. Bodily, "Three-Point Approximations for Continuous Random Variables",
    /// 1983: Pearson and Tukey's).
    pub fn mean(&self) -> f64 {
        0.63 * self.median + 0.185 * (self.low + self.high)
    }

    /// The standard deviation by the distance of the outer quantiles, of the same source.
    pub fn deviation(&self) -> f64 {
        (self.high - self.low) / 3.25
    }

    /// How sure it is: the probability, less the more its members disagree; from 0 to 1.
    pub fn confidence(&self) -> f64 {
        if self.volatility > 0.0 && self.disagreement >= 0.0 {
            (self.probability / (1.0 + self.disagreement / self.volatility)).clamp(0.0, 1.0)
        } else {
            0.0
        }
    }

    /// Whether all of its numbers are numbers.
    pub fn is_finite(&self) -> bool {
        let Forecast { low, median, high, probability, volatility, disagreement } = *self;
        [low, median, high, probability, volatility, disagreement].iter().all(|number| number.is_finite())
    }
}
