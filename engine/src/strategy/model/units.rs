//! In which units the inputs are that the model makes itself, and what they can be.

use genovo_kernels::scalar::f64::exp;

/// How a value that the network sees becomes one in its own unit.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Form {
    /// Times a factor.
    Times(f64),
    /// ln(1 + x) times a factor, with x's sign.
    Squeezed(f64),
    /// A square root.
    Root,
    /// ln of a ratio.
    Ratio,
}

/// What an input of the network is.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Meaning {
    /// Its own unit.
    pub unit: &'static str,
    form: Form,
    /// The least and the largest value that the network can see of it.
    pub range: [f32; 2],
}

impl Meaning {
    /// A value that the network sees, in its own unit.
    pub fn in_unit(&self, value: f32) -> f64 {
        let value = f64::from(value);
        match self.form {
            Form::Times(factor) => value * factor,
            Form::Squeezed(factor) if value < 0.0 => 1.0 - exp(-value / factor),
            Form::Squeezed(factor) => exp(value / factor) - 1.0,
            Form::Root => value * value,
            Form::Ratio => 100.0 * exp(value),
        }
    }
}

/// Of a column that is no feature of the catalogue's, by its name.
pub fn meaning(name: &str) -> Option<Meaning> {
    use Form::{Ratio, Root, Squeezed, Times};
    let any = [-8.0, 8.0];
    let positive = [0.0, 8.0];
    let (unit, form, range) = match name {
        "return_1" | "return_4" | "return_16" | "return_64" => ("usual moves", Times(1.0), any),
        "trend_8" | "trend_32" | "trend_128" | "bar_return" => ("usual moves", Times(1.0), any),
        "range" | "bar_range" => ("usual moves", Times(1.0), positive),
        "volatility_fast" | "volatility_slow" => ("% of the usual volatility", Ratio, any),
        "spread" | "touch_spread" | "bid_distance" | "ask_distance" => ("ticks", Squeezed(1.0), positive),
        "mid_change" => ("ticks", Squeezed(1.0), any),
        "spread_change" => ("% of the usual spread", Times(100.0), [-1.0, 8.0]),
        "imbalance" | "touch_imbalance" | "direction" | "last_side" => ("±1", Times(1.0), [-1.0, 1.0]),
        "ticks" => ("ticks of data", Squeezed(1.0), positive),
        "trades" | "trade_count" | "buys" | "sells" => ("trades", Squeezed(1.0), positive),
        "place" | "bar_place" => ("of the range", Times(1.0), [-0.5, 0.5]),
        "silence" | "gap" => ("s", Squeezed(1.0), positive),
        "bid_size" | "ask_size" => ("lots", Squeezed(0.5), positive),
        "bid_flow" | "ask_flow" | "signed_volume" => ("lots", Squeezed(0.5), any),
        "time_of_day" => ("h", Times(24.0), [0.0, 1.0]),
        "time_of_week" => ("days", Times(7.0), [0.0, 1.0]),
        "position_share" | "working_share" => ("of the largest position", Times(1.0), [-1.0, 1.0]),
        "position_age" => ("h", Root, positive),
        "equity_return" => ("%", Times(1.0), any),
        "equity_change" => ("%", Times(0.1), any),
        "drawdown" => ("%", Times(1.0), [-8.0, 0.0]),
        "volatility" => ("% a step", Times(0.1), positive),
        "room" => ("of the largest position", Times(1.0), [0.0, 1.0]),
        _ => return None,
    };
    Some(Meaning { unit, form, range })
}

#[cfg(test)]
mod tests {
    use genovo_kernels::scalar::f64::ln;

    use super::super::{account, market};
    use super::*;

    #[test]
    fn every_input_that_the_model_makes_has_a_unit() {
        let all = market::FEATURES.iter().chain(&market::BOOK).chain(&market::TRADES);
        for name in all.chain(&market::STAMPS).chain(&account::ACCOUNT) {
            let meaning = meaning(name).unwrap_or_else(|| panic!("{name} has no unit"));
            assert!(meaning.range[0] < meaning.range[1], "{name}");
            let [least, most] = meaning.range.map(|value| meaning.in_unit(value));
            assert!(least < most, "{name} falls in its own unit");
        }
        assert_eq!(meaning("rsi_14@1m"), None);
    }

    #[test]
    fn values_go_back_to_what_they_were() {
        let back = |name: &str, value: f64| meaning(name).unwrap().in_unit(value as f32);
        assert!((back("spread", ln(31.0)) - 30.0).abs() < 1e-4);
        assert!((back("mid_change", -ln(6.0)) + 5.0).abs() < 1e-5);
        assert!((back("bid_size", ln(100.0) / 2.0) - 99.0).abs() < 1e-3);
        assert_eq!(back("position_age", 3.0), 9.0);
        assert_eq!(back("time_of_day", 0.5), 12.0);
        assert_eq!(back("equity_change", 1.0), 0.1);
        assert!((back("volatility_fast", ln(2.0)) - 200.0).abs() < 1e-4);
    }
}
