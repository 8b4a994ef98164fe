//! What a rule looks at, and what it may compute from it.

use genovo_kernels::scalar::f64::{exp, normal_quantile};

use super::Request;
use super::watch::{Sent, Watch};
use crate::account::{Rate, converted, notional};
use crate::event::Side;
use crate::market::Market;
use crate::settings::{AccountKind, Controls, HedgedMargin, Instrument, RiskSettings};
use crate::units::{Money, Price, Quantity, Timestamp};

const ONE_OVER_ROOT_TWO_PI: f64 = 0.398_942_280_401_432_7;

/// What a rule looks at. Amounts are in account currency.
#[derive(Clone, Debug)]
pub struct Ask<'a> {
    /// The limits.
    pub settings: &'a RiskSettings,
    /// The instrument's rules.
    pub instrument: &'a Instrument,
    /// Its place among the instruments.
    pub index: usize,
    /// Its market.
    pub market: &'a Market,
    /// Cash or margin.
    pub account: AccountKind,
    /// What is asked.
    pub request: &'a Request,
    /// Buy or sell.
    pub side: Side,
    /// The part that opens, before any rule.
    pub opening: Quantity,
    /// The position that the closing part leaves once the working orders of its side are filled.
    pub kept: Quantity,
    /// The price that values it.
    pub price: Price,
    /// How far the price moves against it.
    pub distance: Price,
    /// How far it moves against what is held already.
    pub distance_kept: Price,
    /// Whether `distance` is known.
    pub distance_known: bool,
    /// Equity now.
    pub equity: Money,
    /// The rate to the account's currency, where the instrument is quoted in another.
    pub rate: Option<Rate>,
    /// What `kept` is worth at the price, without its sign.
    pub kept_value: Money,
    /// What `opening` is worth at the price.
    pub opening_value: Money,
    /// What is held of the instrument on the other side, where the account hedges.
    pub other_side: Option<OtherSide>,
    /// What all other instruments come to, and in a hedging account the other side of this one.
    pub others: Others,
    /// What is known of the past.
    pub watch: &'a Watch,
    /// Where the tail of losses begins, and what lies in it.
    pub tail: Tail,
    /// Now.
    pub now: Timestamp,
}

/// What is held of an order's instrument on the other side, in a hedging account: nothing that the order opens is set
/// off against it but its value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OtherSide {
    /// What margin it needs, at the most that its working orders can lead to.
    pub tied_up: Money,
    /// What both sides together need.
    pub margin: HedgedMargin,
    /// What it is worth, short below zero, at the least that its working orders can leave of it: then it offsets least.
    pub least: Money,
}

/// What all other instruments come to, each at the worse of what its working orders can lead to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Others {
    /// What they may lose.
    pub open_risk: Money,
    /// What they tie up: margin, or cash paid.
    pub tied_up: Money,
    /// What they are worth, long and short added.
    pub gross: Money,
    /// Long less short: the lowest and the highest that it can become.
    pub net: [Money; 2],
    /// How they move with this order by correlation, and by covariance; only where a rule looks at it.
    pub(super) correlated: Option<Spread>,
    pub(super) varied: Option<Spread>,
}

/// Standard deviations of a normal distribution at a confidence.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tail {
    /// To where the tail begins: the value at risk.
    pub quantile: f64,
    /// To the mean of the tail: the conditional value at risk.
    pub beyond: f64,
}

impl Tail {
    /// At this confidence, such as 0.99.
    pub fn at(confidence: f64) -> Tail {
        let quantile = normal_quantile(confidence);
        let density = exp(-0.5 * quantile * quantile) * ONE_OVER_ROOT_TWO_PI;
        Tail { quantile, beyond: density / (1.0 - confidence) }
    }
}

/// The square root of a quadratic form of all positions' values, as a function of one of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Spread {
    pub own: f64,
    pub cross: f64,
    pub rest: f64,
}

impl Spread {
    /// With the form's coefficients row by row, for an order of this side of the instrument at `index`. Of the working
    /// orders of another instrument those count that move with this order: `values` has both that it can become worth,
    /// and room for the one of them.
    pub fn new(index: usize, side: Side, coefficients: &[f64], values: &mut [[f64; 3]]) -> Spread {
        let count = values.len();
        let row = |one: usize| &coefficients[one * count..][..count];
        let (own, side) = (row(index), side.sign() as f64);
        for ([low, high, chosen], coefficient) in values.iter_mut().zip(own) {
            *chosen = if coefficient * side >= 0.0 { *high } else { *low };
        }
        // What is worth nothing adds nothing, and the instrument itself is no other.
        values[index][2] = 0.0;
        let (mut cross, mut rest) = (0.0, 0.0);
        for (one, [.., value_one]) in values.iter().enumerate().filter(|(_, value)| value[2] != 0.0) {
            cross += own[one] * value_one;
            for (coefficient, [.., value_other]) in row(one).iter().zip(values.iter()) {
                rest += coefficient * value_one * value_other;
            }
        }
        Spread { own: own[index], cross, rest }
    }

    /// What it comes to where the own position has this value.
    pub fn of(&self, value: Money) -> f64 {
        let value = value.as_f64();
        let square = self.own * value * value + 2.0 * self.cross * value + self.rest;
        if square > 0.0 { square.sqrt() } else { 0.0 }
    }

    /// The same as an amount.
    pub fn with(&self, value: Money) -> Money {
        Money::from_f64(self.of(value))
    }
}

impl Ask<'_> {
    /// The controls.
    pub fn controls(&self) -> &Controls {
        &self.settings.controls
    }

    /// What `quantity` loses over the distance.
    pub fn risk_of(&self, quantity: Quantity) -> Money {
        self.amount(self.distance, quantity)
    }

    /// What may be lost of what is held already.
    pub fn risk_kept(&self) -> Money {
        self.amount(self.distance_kept, self.kept)
    }

    /// Price × quantity in account currency, without its sign.
    fn amount(&self, price: Price, quantity: Quantity) -> Money {
        converted(notional(price, quantity, self.instrument.multiplier).abs(), self.rate)
    }

    /// What `quantity` is worth at the price.
    pub fn value_of(&self, quantity: Quantity) -> Money {
        if quantity == self.opening { self.opening_value } else { self.amount(self.price, quantity) }
    }

    /// What the position is worth after `quantity` more, without its sign.
    pub fn position_with(&self, quantity: Quantity) -> Money {
        self.kept_value + self.value_of(quantity)
    }

    /// What the position is worth after `quantity` more; short below zero.
    pub fn signed_with(&self, quantity: Quantity) -> Money {
        Money(self.position_with(quantity).0 * i128::from(self.side.sign()))
    }

    /// Whether every order that opens makes a position of its own.
    pub fn hedges(&self) -> bool {
        self.other_side.is_some()
    }

    /// What the instrument is worth, long less short, after `quantity` more.
    pub fn net_with(&self, quantity: Quantity) -> Money {
        self.signed_with(quantity) + self.other_side.map_or(Money::ZERO, |other| other.least)
    }

    /// What everything ties up after `quantity` more.
    pub fn tied_up_with(&self, quantity: Quantity) -> Money {
        let own = self.cost_of(self.kept) + self.cost_of(quantity);
        let own = self.other_side.map_or(own, |other| other.margin.of(own, other.tied_up));
        self.others.tied_up + own
    }

    /// What `quantity` ties up: margin, or cash paid.
    pub fn cost_of(&self, quantity: Quantity) -> Money {
        match self.account {
            AccountKind::Margin => self.value_of(quantity).times(self.instrument.margin_initial),
            AccountKind::Cash => self.value_of(quantity),
        }
    }

    /// The share `part / whole` of a quantity, in whole lots, rounded down.
    pub fn share_of(&self, quantity: Quantity, part: i128, whole: i128) -> Quantity {
        if whole <= 0 || part >= whole {
            return quantity;
        }
        // Amounts lie far within 96 bits, so a quantity times an amount of a plausible account fits; what does not is
        // first made coarser on both sides.
        let (mut part, mut whole) = (part.max(0), whole);
        while part > i128::MAX >> 64 {
            (part, whole) = (part >> 1, whole >> 1);
        }
        let share = i128::from(quantity.0) * part / whole.max(1);
        Quantity(share as i64).round_down_to(self.instrument.lot)
    }

    /// The whole order, what it replaces included: a mistake does not pass in small steps.
    pub fn whole_order(&self) -> Quantity {
        self.request.quantity + self.request.beside
    }

    /// The order as it was asked for.
    pub fn sent(&self) -> Sent {
        let Request { instrument, side, kind, quantity, closes, .. } = *self.request;
        Sent { instrument, side, kind, quantity, closes }
    }

    /// The most, in whole lots and no more than `asked`, for which `cost` stays within `limit`. `cost` must grow with
    /// the quantity.
    pub fn most_within(&self, asked: Quantity, limit: Money, cost: impl Fn(Quantity) -> Money) -> Quantity {
        most_within(self.instrument.lot, asked, limit, cost)
    }

    /// The same for a `cost` that may fall before it rises, as that of a hedge does: it must be convex. What is beyond
    /// the limit already is let within it, or as near as it comes.
    pub fn most_within_or_nearer(
        &self,
        asked: Quantity,
        limit: Money,
        cost: impl Fn(Quantity) -> Money,
    ) -> Quantity {
        if asked == Quantity::ZERO || cost(asked) <= limit {
            return asked;
        }
        if cost(Quantity::ZERO) <= limit {
            return self.most_within(asked, limit, cost);
        }
        let lot = self.instrument.lot.0.max(1);
        let lots = |count: i64| Quantity(count.saturating_mul(lot).min(asked.0));
        let (mut lowest, mut last) = (0_i64, asked.0 / lot);
        while lowest < last {
            let middle = lowest + (last - lowest) / 2;
            match cost(lots(middle + 1)) < cost(lots(middle)) {
                true => lowest = middle + 1,
                false => last = middle,
            }
        }
        let nearest = lots(lowest);
        match cost(nearest) <= limit {
            true => nearest + self.most_within(asked - nearest, limit, |more| cost(nearest + more)),
            false => nearest,
        }
    }
}

/// The most, in whole lots and no more than `asked`, for which a growing `cost` stays within `limit`.
pub(super) fn most_within(
    lot: Quantity,
    asked: Quantity,
    limit: Money,
    cost: impl Fn(Quantity) -> Money,
) -> Quantity {
    let all = cost(asked);
    if all <= limit {
        return asked;
    }
    let lot = lot.0.max(1);
    let lots = |count: i64| Quantity(count.saturating_mul(lot).min(asked.0));
    let least = cost(Quantity::ZERO);
    if least > limit {
        return Quantity::ZERO;
    }
    let (mut fits, mut too_many) = (0_i64, asked.0 / lot + 1);
    // A cost is nearly a straight line, so the last lot that fits is where that meets the limit, or one beside it.
    let share = (limit - least).as_f64() / (all - least).as_f64();
    let near = ((share * (asked.0 / lot) as f64) as i64).clamp(0, too_many - 1);
    for count in [near, near + 1, near - 1] {
        if fits < count && count < too_many {
            match cost(lots(count)) <= limit {
                true => fits = count,
                false => too_many = count,
            }
        }
    }
    // Halving finds it in any case; 63 steps at most, and no division can round the wrong way.
    while too_many - fits > 1 {
        let middle = fits + (too_many - fits) / 2;
        match cost(lots(middle)) <= limit {
            true => fits = middle,
            false => too_many = middle,
        }
    }
    Quantity(fits * lot)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_last_lot_that_fits_is_found_however_the_cost_grows(
            steps in prop::collection::vec(prop_oneof![Just(0_i64), 1..1_000_i64, Just(1_000_000_000)], 0..200),
            lot in 1..5_i64,
            over in 0..5_i64,
            first in 0..1_000_i64,
            limit in prop_oneof![0..20_000_i64, 0..100_000_000_000_i64],
        ) {
            let asked = Quantity(steps.len() as i64 * lot + over % lot);
            // What is no whole lot costs what the lots in it do.
            let cost = |quantity: Quantity| {
                let lots = (quantity.0 / lot) as usize;
                Money(i128::from(first + steps[..lots].iter().sum::<i64>()))
            };
            let limit = Money(i128::from(limit));
            let fitting = (0..=steps.len() as i64).map(|lots| Quantity(lots * lot)).rfind(|lots| cost(*lots) <= limit);
            let all = cost(asked) <= limit;
            let slow = if all { asked } else { fitting.unwrap_or(Quantity::ZERO) };
            prop_assert_eq!(most_within(Quantity(lot), asked, limit, cost), slow);
        }
    }
}
