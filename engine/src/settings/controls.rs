//! The controls that a scenario may switch on beside the three limits that always hold. All are off by default, and
//! what is off is left out of the canonical settings.

use crate::portfolio::allocation::Allocation;
use crate::units::{Money, Nanoseconds, Quantity, Ratio};

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

macro_rules! controls {
    ($($(#[$doc:meta])* $name:ident: $type:ty, $looser:expr;)*) => {
        /// The pre-trade controls, each off unless it is said.
        #[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct Controls {
            $($(#[$doc])* #[serde(default, skip_serializing_if = "is_default")] pub $name: $type,)*
        }

        impl Controls {
            /// Their names, in order.
            pub const NAMES: &'static [&'static str] = &[$(stringify!($name),)*];

            /// The controls that hold back less here than in `other`, by name.
            pub fn looser_than(&self, other: &Controls) -> Vec<&'static str> {
                let mut looser = Vec::new();
                $(
                    let is_looser: fn(&$type, &$type) -> bool = $looser;
                    if is_looser(&self.$name, &other.$name) {
                        looser.push(stringify!($name));
                    }
                )*
                looser
            }
        }
    };
}

controls! {
    /// Nothing is opened at all.
    kill_switch: bool, off;
    /// An order that is worth more opens nothing: it is a mistake.
    max_order_value: Option<Money>, above;
    /// The same by quantity.
    max_order_quantity: Option<Quantity>, above;
    /// How much worse than the market a limit may be before the order is a mistake, as a share of the price.
    price_collar: Option<Ratio>, above;
    /// The most orders and replacements in a time.
    max_order_rate: Option<Frequency>, more_often;
    /// The most fills of one instrument and side in a time, after which nothing is opened until somebody says so.
    max_executions: Option<Frequency>, more_often;
    /// The same order again within this time is a mistake.
    duplicate_within: Option<Nanoseconds>, below;
    /// A market that has been silent for longer opens nothing.
    stale_after: Option<Nanoseconds>, above;
    /// Whether an order that would meet one of our own is refused.
    prevent_self_trade: bool, off;
    /// The largest position in one instrument, by notional.
    max_position: Option<Money>, above;
    /// The largest sum of all positions, long and short added.
    max_gross_exposure: Option<Money>, above;
    /// The largest sum of all positions, long less short, either way.
    max_net_exposure: Option<Money>, above;
    /// The largest sum of all positions as a multiple of equity.
    max_leverage: Option<Ratio>, above;
    /// The share of equity that initial margins may tie up.
    max_margin: Option<Ratio>, above;
    /// The largest exposure, as a multiple of equity, once what moves together is added by its correlation.
    max_correlated: Option<Ratio>, above;
    /// The share of equity that is lost over the horizon at the confidence, at most.
    max_var: Option<Ratio>, above;
    /// The share of equity that is lost on average beyond that, at most.
    max_cvar: Option<Ratio>, above;
    /// The fall of equity from its peak at which orders begin to shrink.
    soft_drawdown: Option<Ratio>, above;
    /// The fall of equity from its peak at which everything is closed and trading is halted.
    hard_drawdown: Option<Ratio>, above;
    /// The share of a day's first equity after whose loss nothing is opened until the next day.
    max_daily_loss: Option<Ratio>, above;
    /// How many times its usual volatility makes a market stressed.
    stress_at: Option<Ratio>, above;
    /// The share of an order that is left in a stressed market.
    stressed_size: Ratio, |own, other| own > other;
    /// A position is worth this share of equity, at most.
    fixed_fraction: Option<Ratio>, above;
    /// A position's standard deviation over the horizon is this share of equity, at most.
    volatility_target: Option<Ratio>, above;
    /// A position is worth this share of what Kelly's rule makes of the forecast, at most.
    kelly: Option<Ratio>, above;
    /// Whether a position is only the share of what is asked for that its forecast is sure of.
    confidence_weighted: bool, off;
    /// How equity is shared among the instruments: a position is worth its share, at most.
    allocation: Option<Allocation>, |own, other| own != other && other.is_some();
    /// What is shared, as a multiple of equity; 1 where nothing is said.
    allocated: Option<Ratio>, |own, other| own.unwrap_or(Ratio::ONE) > other.unwrap_or(Ratio::ONE);
    /// How volatility and correlation are measured.
    measure: Measure, |own, other| own != other;
}

/// Whether `own` caps at more than `other`, or not at all.
fn above<T: PartialOrd>(own: &Option<T>, other: &Option<T>) -> bool {
    match (own, other) {
        (Some(own), Some(other)) => own > other,
        (None, Some(_)) => true,
        (_, None) => false,
    }
}

/// Whether `own` reaches less far than `other`, or not at all.
fn below<T: PartialOrd>(own: &Option<T>, other: &Option<T>) -> bool {
    match (own, other) {
        (Some(own), Some(other)) => own < other,
        (None, Some(_)) => true,
        (_, None) => false,
    }
}

/// Whether `own` lets through in some span of time what `other` does not.
fn more_often(own: &Option<Frequency>, other: &Option<Frequency>) -> bool {
    match (own, other) {
        (Some(own), Some(other)) => own.count > other.count || own.per < other.per,
        (None, Some(_)) => true,
        (_, None) => false,
    }
}

fn off(own: &bool, other: &bool) -> bool {
    !own && *other
}

impl Controls {
    /// Whether none is on.
    pub fn is_default(&self) -> bool {
        is_default(self)
    }

    /// Whether any of them needs volatilities and correlations.
    pub fn needs_samples(&self) -> bool {
        self.max_correlated.is_some()
            || self.max_var.is_some()
            || self.max_cvar.is_some()
            || self.stress_at.is_some()
            || self.volatility_target.is_some()
            || self.allocation.is_some()
    }

    /// Whether any of them needs a strategy that forecasts.
    pub fn needs_forecast(&self) -> bool {
        self.kelly.is_some() || self.confidence_weighted
    }

    /// Whether any of them follows equity from event to event.
    pub fn follows_equity(&self) -> bool {
        self.soft_drawdown.is_some() || self.hard_drawdown.is_some() || self.max_daily_loss.is_some()
    }
}

/// So many in such a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Frequency {
    /// How many; at least 1.
    pub count: u32,
    /// In which time.
    pub per: Nanoseconds,
}

impl Frequency {
    /// The most that are counted: so many times are remembered.
    pub const COUNT_MAX: u32 = 100_000;
}

/// How volatility and correlation are measured: from returns between samples, each weighing less than the one after it.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measure {
    /// How far apart samples of the prices are.
    pub sample: Nanoseconds,
    /// The weight of the past at each sample.
    pub decay: Ratio,
    /// How likely a loss is to stay within the value at risk.
    pub confidence: Ratio,
    /// Over how many samples a loss is counted.
    pub horizon: u32,
}

impl Default for Measure {
    /// Daily samples, RiskMetrics' decay of 0.94, 99 % over one day.
    fn default() -> Measure {
        Measure {
            sample: Nanoseconds::DAY,
            decay: Ratio(940_000_000),
            confidence: Ratio(990_000_000),
            horizon: 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_off_is_not_written() {
        assert_eq!(serde_json::to_string(&Controls::default()).unwrap(), "{}");
        let controls = Controls { max_var: Some(Ratio(20_000_000)), ..Controls::default() };
        let text = serde_json::to_string(&controls).unwrap();
        assert_eq!(text, r#"{"max_var":"0.02"}"#);
        assert_eq!(serde_json::from_str::<Controls>(&text).unwrap(), controls);
    }

    #[test]
    fn tighter_and_looser_as_a_table() {
        let text = |text: &str| serde_json::from_str::<Controls>(text).unwrap();
        let table = [
            (r#"{}"#, r#"{}"#, vec![]),
            (r#"{"max_var":"0.02"}"#, r#"{}"#, vec![]),
            (r#"{}"#, r#"{"max_var":"0.02"}"#, vec!["max_var"]),
            (r#"{"max_var":"0.03"}"#, r#"{"max_var":"0.02"}"#, vec!["max_var"]),
            (r#"{"max_var":"0.01"}"#, r#"{"max_var":"0.02"}"#, vec![]),
            (r#"{"kill_switch":true}"#, r#"{}"#, vec![]),
            (r#"{}"#, r#"{"kill_switch":true}"#, vec!["kill_switch"]),
            // To look back further for duplicates holds back more; to wait longer for data holds back less.
            (r#"{"duplicate_within":5}"#, r#"{"duplicate_within":4}"#, vec![]),
            (r#"{"duplicate_within":3}"#, r#"{"duplicate_within":4}"#, vec!["duplicate_within"]),
            (r#"{"stale_after":5}"#, r#"{"stale_after":4}"#, vec!["stale_after"]),
            (
                r#"{"max_order_rate":{"count":5,"per":9}}"#,
                r#"{"max_order_rate":{"count":5,"per":9}}"#,
                vec![],
            ),
            (
                r#"{"max_order_rate":{"count":4,"per":9}}"#,
                r#"{"max_order_rate":{"count":5,"per":9}}"#,
                vec![],
            ),
            (
                r#"{"max_order_rate":{"count":5,"per":8}}"#,
                r#"{"max_order_rate":{"count":5,"per":9}}"#,
                vec!["max_order_rate"],
            ),
            (r#"{"stressed_size":"0.5"}"#, r#"{}"#, vec!["stressed_size"]),
        ];
        for (own, other, looser) in table {
            assert_eq!(text(own).looser_than(&text(other)), looser, "{own} than {other}");
        }
    }
}
