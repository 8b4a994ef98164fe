//! The series of a report that are drawn.

use std::collections::BTreeMap;

use genovo_engine::event::Side;
use genovo_engine::ids::OrderId;
use genovo_engine::units::Quantity;
use serde::{Deserialize, Serialize};

/// Series for plots: times in Unix seconds, values as floats.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Curves {
    /// Equity at the marks.
    pub equity: Curve,
    /// The fall from the highest equity so far, as a share of it: zero or less.
    pub drawdown: Vec<f64>,
    /// Net exposure as a share of equity, signed.
    pub exposure: Curve,
    /// The price of each instrument: the middle of the quotes, or the last price.
    pub prices: BTreeMap<String, Curve>,
    /// The executions, the first few thousand.
    pub fills: Vec<FillPoint>,
    /// By rule: how much of its limit was used once an order was granted, as a share.
    #[serde(default)]
    pub limit_use: BTreeMap<String, Curve>,
}

/// A thinned series: for each span of time the last, lowest and highest value.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// When the last value of each span came.
    pub time: Vec<f64>,
    /// The last value.
    pub last: Vec<f64>,
    /// The lowest.
    pub low: Vec<f64>,
    /// The highest.
    pub high: Vec<f64>,
}

/// An execution in the price chart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FillPoint {
    /// Unix seconds.
    pub time: f64,
    /// The instrument.
    pub instrument: String,
    /// At what price.
    pub price: f64,
    /// Buy or sell.
    pub side: Side,
    /// How much.
    pub quantity: Quantity,
    /// Which order.
    pub order: OrderId,
}
