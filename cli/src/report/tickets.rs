//! The positions of one instrument in a hedging account, each valued at every mark, and the trades that they are.
//!
//! Each is a [`Position`] of its own that one order opened; [`super::held::Held`] keeps them beside an
//! empty one, which has the market.

use genovo_engine::event::{CorporateAction, Fill, PositionEffect};
use genovo_engine::ids::OrderId;
use genovo_engine::units::{Money, Price, Quantity, Timestamp};

use super::figures::{OpenPosition, Trade};
use super::position::Position;

/// Every open position, by the order that opened it, the earliest first.
#[derive(Clone, Debug, Default)]
pub struct Tickets(Vec<(OrderId, Position)>);

impl Tickets {
    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What they are worth, long less short.
    pub fn notional(&self) -> Money {
        self.0.iter().map(|(_, one)| one.notional()).fold(Money::ZERO, Money::add_bounded)
    }

    /// Values them at the market of `empty`; by how much their value changed, in units of 1e-18.
    #[inline]
    pub fn mark(&mut self, empty: &Position) -> i128 {
        let mut change = 0_i128;
        for (_, one) in &mut self.0 {
            one.market = empty.market;
            change = change.saturating_add(one.mark());
        }
        change
    }

    /// A new rate of exchange; by how much their value changed.
    pub fn exchange(&mut self, price: Option<Price>) -> i128 {
        self.0.iter_mut().map(|(_, one)| one.exchange(price)).fold(0, i128::saturating_add)
    }

    /// A split or a dividend: what it paid, by how much their value changed, and the trades that it ended.
    pub fn act(&mut self, action: &CorporateAction, time: Timestamp) -> (Money, i128, Vec<Trade>) {
        let (mut paid, mut change, mut closed) = (Money::ZERO, 0_i128, Vec::new());
        for (_, one) in &mut self.0 {
            let (dividend, changed) = one.act(action);
            paid = paid.add_bounded(dividend);
            change = change.saturating_add(changed);
            if one.quantity == Quantity::ZERO {
                closed.extend(one.paid_out(time));
            }
        }
        self.0.retain(|(_, one)| one.quantity != Quantity::ZERO);
        (paid, change, closed)
    }

    /// Takes an execution of an order with this effect; the trades that it closed, and by how much the value changed.
    pub fn fill(
        &mut self,
        empty: &Position,
        fill: &Fill,
        effect: PositionEffect,
        time: Timestamp,
    ) -> (Vec<Trade>, i128) {
        let (mut left, mut commission) = (fill.quantity, fill.commission);
        let (mut closed, mut change) = (Vec::new(), 0_i128);
        let mut book = |one: &mut Position, part: Quantity, left: &mut Quantity| {
            let paid = if part == *left { commission } else { commission.share(part, *left) };
            (*left, commission) = (*left - part, commission - paid);
            let fill = Fill { quantity: part, commission: paid, ..fill.clone() };
            let (trade, changed) = one.fill(&fill, time);
            closed.extend(trade);
            change = change.saturating_add(changed);
        };
        for (order, one) in &mut self.0 {
            let closes = match effect {
                PositionEffect::Open => false,
                PositionEffect::CloseEarliest => true,
                PositionEffect::Close(position) => position == *order,
            };
            if closes && left > Quantity::ZERO && one.quantity.signum() == -fill.side.sign() {
                let part = left.min(one.quantity.abs());
                book(one, part, &mut left);
            }
        }
        if left > Quantity::ZERO {
            let part = left;
            book(position(&mut self.0, fill.order, empty), part, &mut left);
        }
        self.0.retain(|(_, one)| one.quantity != Quantity::ZERO);
        (closed, change)
    }

    /// Books fills to the position that an order opened, whatever that makes of it.
    pub fn correct<'a>(
        &mut self,
        empty: &Position,
        order: OrderId,
        fills: impl Iterator<Item = &'a Fill>,
        time: Timestamp,
    ) -> (Vec<Trade>, i128) {
        let one = position(&mut self.0, order, empty);
        let (mut closed, mut change) = (Vec::new(), 0_i128);
        for fill in fills {
            let (trade, changed) = one.fill(fill, time);
            closed.extend(trade);
            change = change.saturating_add(changed);
        }
        self.0.retain(|(_, one)| one.quantity != Quantity::ZERO);
        (closed, change)
    }

    /// Each stood at least as far below and above its beginning as it did in `was`.
    pub fn keep_marks(&mut self, was: &Tickets) {
        for (order, one) in &mut self.0 {
            if let Ok(place) = was.0.binary_search_by_key(order, |(order, _)| *order) {
                one.keep_marks(&was.0[place].1);
            }
        }
    }

    /// How much each holds, by the order that opened it.
    pub fn quantities(&self) -> impl Iterator<Item = (OrderId, Quantity)> + '_ {
        self.0.iter().map(|(order, one)| (*order, one.quantity))
    }

    /// The positions as they stand.
    pub fn still_open(&self) -> impl Iterator<Item = OpenPosition> + '_ {
        self.0.iter().filter_map(|(_, one)| one.still_open())
    }
}

/// The position that an order opened; a copy of `empty` where there is none.
fn position<'a>(
    positions: &'a mut Vec<(OrderId, Position)>,
    order: OrderId,
    empty: &Position,
) -> &'a mut Position {
    let place = match positions.binary_search_by_key(&order, |(order, _)| *order) {
        Ok(place) => place,
        Err(place) => {
            positions.insert(place, (order, empty.clone()));
            place
        }
    };
    &mut positions[place].1
}
