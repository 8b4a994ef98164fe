//! What a fill costs.

use super::fill::Execution;
use crate::account::{Rate, converted, notional};
use crate::event::Liquidity;
use crate::settings::Instrument;
use crate::units::{Money, Ratio};

/// The commission of one fill: rate on the notional plus amount a unit, at least the minimum unless it is a rebate,
/// brought to the account's currency and rounded half to even to its `digits`.
pub fn commission(
    rules: &Instrument,
    execution: &Execution,
    liquidity: Liquidity,
    rate: Option<Rate>,
    digits: u8,
) -> Money {
    let costs = &rules.commission;
    let share = match liquidity {
        Liquidity::Maker => costs.maker,
        Liquidity::Taker => costs.taker,
    };
    let value = notional(execution.price, execution.quantity, rules.multiplier).abs();
    let sum = value.times(share) + costs.per_unit.times(Ratio(execution.quantity.0));
    let charged = if sum < Money::ZERO || sum >= costs.minimum { sum } else { costs.minimum };
    converted(charged, rate).round_to(digits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Commission;

    #[test]
    fn rates_units_minimum_and_rebates() {
        let rules = |taker: &str, maker: &str, per_unit: &str, minimum: &str| Instrument {
            symbol: "X".into(),
            tick: "0.01".parse().unwrap(),
            lot: "1".parse().unwrap(),
            multiplier: "1".parse().unwrap(),
            margin_initial: Ratio::ONE,
            margin_maintenance: Ratio::ONE,
            commission: Commission {
                taker: taker.parse().unwrap(),
                maker: maker.parse().unwrap(),
                per_unit: per_unit.parse().unwrap(),
                minimum: minimum.parse().unwrap(),
            },
            currency: None,
        };
        let execution = Execution { price: "14.02".parse().unwrap(), quantity: "300".parse().unwrap() };
        let cost =
            |rules: &Instrument, liquidity| commission(rules, &execution, liquidity, None, 2).to_string();
        assert_eq!(cost(&rules("0.00018", "0", "0", "0"), Liquidity::Taker), "0.76");
        assert_eq!(cost(&rules("0", "0", "0.005", "0"), Liquidity::Taker), "1.5");
        assert_eq!(cost(&rules("0", "0", "0.001", "1"), Liquidity::Taker), "1");
        assert_eq!(cost(&rules("0.001", "-0.0001", "0", "1"), Liquidity::Maker), "-0.42");
    }
}
