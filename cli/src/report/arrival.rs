//! How good the fills were: against the middle of the market that each order saw when it was sent.
//!
//! This is the implementation shortfall of an order that was sent (Perold 1988) without its unfilled part: delay,
//! spread and impact together, and what resting orders earned.

use std::collections::BTreeMap;

use genovo_engine::event::{Fill, Order, OrderKind};
use genovo_engine::ids::OrderId;
use genovo_engine::units::{Money, Price, SCALE};

use super::costs::FillCost;
use super::figures::{FillQuality, Shortfall};
use super::position::Position;

/// The market that working orders saw, and what their fills came to.
#[derive(Debug, Default)]
pub struct Arrivals {
    sent: BTreeMap<OrderId, Saw>,
    by_kind: BTreeMap<&'static str, Sums>,
    without: u64,
}

/// The market that an order saw when it was sent.
#[derive(Clone, Copy, Debug)]
pub struct Saw {
    /// What the order is called.
    kind: &'static str,
    /// Twice the middle of the quote.
    twice: i128,
}

/// One fill against the market that its order saw.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    /// That market.
    pub saw: Saw,
    better: bool,
    shortfall: Money,
    notional: Money,
    basis_points: f64,
}

impl Arrival {
    /// Of an execution in an instrument.
    pub fn of(fill: &Fill, position: &Position, saw: Saw) -> Arrival {
        let twice = saw.twice;
        // Twice the distance to the middle, so that no half is lost.
        let from_middle = i128::from(fill.side.sign()) * (2 * i128::from(fill.price.0) - twice);
        let whole = position.worth(Price(SCALE), fill.quantity);
        let amount = |twice: i128| whole.times_wide(twice, 2 * i128::from(SCALE));
        Arrival {
            saw,
            better: from_middle <= 0,
            shortfall: amount(from_middle),
            notional: amount(twice),
            basis_points: if twice == 0 { 0.0 } else { from_middle as f64 / twice as f64 * 1e4 },
        }
    }
}

#[derive(Debug, Default)]
struct Sums {
    fills: u64,
    better: u64,
    shortfall: Money,
    notional: Money,
    worst: f64,
}

/// What an order is called in the table.
fn name(kind: OrderKind) -> &'static str {
    match kind {
        OrderKind::Market => "market",
        OrderKind::Limit { .. } => "limit",
        OrderKind::Stop { .. } => "stop",
        OrderKind::StopLimit { .. } => "stop-limit",
        OrderKind::TrailingStop { .. } => "trailing stop",
    }
}

impl Arrivals {
    /// Remembers what an order saw when it left.
    pub fn submitted(&mut self, order: &Order) {
        if let (Some(bid), Some(ask)) = (order.bid, order.ask) {
            let twice = i128::from(bid.0) + i128::from(ask.0);
            self.sent.insert(order.order, Saw { kind: name(order.kind), twice });
        }
    }

    /// Forgets an order that no longer works.
    pub fn closed(&mut self, order: OrderId) {
        self.sent.remove(&order);
    }

    /// What an order saw.
    pub fn of(&self, order: OrderId) -> Option<Saw> {
        self.sent.get(&order).copied()
    }

    /// Takes what a fill cost.
    pub fn count(&mut self, cost: &FillCost) {
        let Some(one) = &cost.arrival else {
            self.without += 1;
            return;
        };
        let sums = self.by_kind.entry(one.saw.kind).or_default();
        sums.fills += 1;
        sums.better += u64::from(one.better);
        sums.shortfall = sums.shortfall.add_bounded(one.shortfall);
        sums.notional = sums.notional.add_bounded(one.notional);
        sums.worst = if sums.fills == 1 { one.basis_points } else { sums.worst.max(one.basis_points) };
    }

    /// Forgets what fills came to, and takes these.
    pub fn count_again<'a>(&mut self, all: impl Iterator<Item = &'a FillCost>) {
        self.by_kind.clear();
        self.without = 0;
        all.for_each(|cost| self.count(cost));
    }

    /// What it came to, amounts rounded to the currency's digits.
    pub fn finish(self, digits: u8) -> FillQuality {
        let of = |sums: Sums| Shortfall {
            fills: sums.fills,
            better: sums.better as f64 / sums.fills.max(1) as f64,
            shortfall: sums.shortfall.round_to(digits),
            notional: sums.notional.round_to(digits),
            basis_points: match sums.notional {
                Money::ZERO => 0.0,
                notional => sums.shortfall.as_f64() / notional.as_f64() * 1e4,
            },
            worst_basis_points: sums.worst,
        };
        let by_kind = self.by_kind.into_iter().map(|(kind, sums)| (kind.to_string(), of(sums)));
        FillQuality { by_kind: by_kind.collect(), without_arrival: self.without }
    }
}
