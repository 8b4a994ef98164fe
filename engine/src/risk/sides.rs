//! What is long and what is short of an instrument in a hedging account: rules count both, for neither closes the
//! other.

use super::ask::{OtherSide, Others};
use super::{Risk, reached};
use crate::account::{Account, Rate, converted, notional};
use crate::event::Side;
use crate::ids::InstrumentId;
use crate::market::Market;
use crate::order::Orders;
use crate::settings::{HedgedMargin, Instrument};
use crate::tickets::Tickets;
use crate::units::{Money, Price, Quantity};

/// What is long and what is short of an instrument in a hedging account, each at the most that working orders can lead
/// to, and at the least that those that close can leave.
pub(super) fn sides(tickets: &Tickets, orders: &Orders, index: usize) -> [Ends; 2] {
    let instrument = InstrumentId(index as u32 + 1);
    let (opening, closing) = orders.opening_and_closing(instrument);
    [(0, Side::Buy), (1, Side::Sell)].map(|(place, side)| {
        let held = tickets.leg(index, side).quantity;
        let against = closing[1 - place].0.abs();
        let least = (held.0.abs() - against).max(0) * side.sign();
        Ends { most: reached(held, opening[place]), least: Quantity(least) }
    })
}

/// How far one side of an instrument can go, signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ends {
    pub most: Quantity,
    pub least: Quantity,
}

impl Risk {
    /// Adds both sides of another instrument to what the others come to; what it is worth, long less short, at the
    /// lowest and at the highest.
    pub(super) fn add_sides(
        &self,
        index: usize,
        sides: [Ends; 2],
        instrument: &Instrument,
        account: &Account,
        markets: &[Market],
        others: &mut Others,
    ) -> [Money; 2] {
        // Nothing is held or ordered where the rate was never known.
        let Ok(rate) = account.rate(index, markets) else { return [Money::ZERO; 2] };
        let mut tied = [Money::ZERO; 2];
        for (side, tied) in sides.iter().zip(&mut tied) {
            let Some(mark) = markets[index].mark(side.most.signum()) else { continue };
            let (distance, _) = self.distance(index, mark);
            let amount = |price| converted(notional(price, side.most, instrument.multiplier).abs(), rate);
            others.open_risk += amount(distance);
            others.gross += amount(mark);
            *tied = amount(mark).times(instrument.margin_initial);
        }
        others.tied_up += account.hedged_margin().of(tied[0], tied[1]);
        let [long, short] = sides;
        let net = [long.least + short.most, long.most + short.least].map(|net| {
            let mark = markets[index].mark(net.signum());
            mark.map_or(Money::ZERO, |mark| converted(notional(mark, net, instrument.multiplier), rate))
        });
        others.net[0] += net[0];
        others.net[1] += net[1];
        net
    }

    /// Adds what is held on the other side of an order's instrument to what the others come to. It is valued at the
    /// order's price, so that equal sides are worth nothing together.
    #[allow(clippy::too_many_arguments)] // What values it, and where it goes.
    pub(super) fn add_other_side(
        &self,
        index: usize,
        other: Ends,
        margin: HedgedMargin,
        instrument: &Instrument,
        price: Price,
        rate: Option<Rate>,
        others: &mut Others,
    ) -> OtherSide {
        let amount = |price, quantity| converted(notional(price, quantity, instrument.multiplier), rate);
        let (most, least) = (amount(price, other.most), amount(price, other.least));
        let (distance, _) = self.distance(index, price);
        others.open_risk += amount(distance, other.most).abs();
        others.gross += most.abs();
        others.net[0] += most.min(least);
        others.net[1] += most.max(least);
        OtherSide { tied_up: most.abs().times(instrument.margin_initial), margin, least }
    }
}
