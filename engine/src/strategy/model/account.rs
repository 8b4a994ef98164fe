//! What the model's heads see of the account.

use super::super::View;
use super::market::rounded;
use crate::canonical::fields;
use crate::ids::InstrumentId;
use crate::units::{Quantity, Timestamp};

/// The values' names: the model's account columns, in their order.
pub const ACCOUNT: [&str; 8] = [
    "position_share",
    "working_share",
    "position_age",
    "equity_return",
    "equity_change",
    "drawdown",
    "volatility",
    "room",
];

/// What is remembered of an instrument's position and of the equity.
#[derive(Clone, Copy, Debug, Default)]
pub struct Holding {
    decisions: u64,
    position: Quantity,
    since: Option<Timestamp>,
    first_equity: f64,
    last_equity: f64,
    peak: f64,
}

fields! { Holding { decisions, position, since, first_equity, last_equity, peak } }

impl Holding {
    /// How many decisions were made for the instrument.
    pub fn decisions(&self) -> u64 {
        self.decisions
    }

    /// The account at a decision, as values of [`ACCOUNT`].
    pub fn look(
        &mut self,
        view: &dyn View,
        instrument: InstrumentId,
        most: Quantity,
        volatility: Option<f64>,
    ) -> [f32; ACCOUNT.len()] {
        let (position, equity) = (view.position(instrument), view.equity().as_f64());
        if self.decisions == 0 {
            (self.first_equity, self.last_equity, self.peak) = (equity, equity, equity);
        }
        self.decisions += 1;
        if equity > self.peak {
            self.peak = equity;
        }
        if position != self.position {
            self.position = position;
            self.since = (position != Quantity::ZERO).then(|| view.now());
        }
        // Hours, squeezed by a root: a day is about 5.
        let age =
            self.since.map_or(0.0, |since| (view.now().0.saturating_sub(since.0) as f64 / 3.6e12).sqrt());
        let share = |quantity: Quantity| quantity.as_f64() / most.as_f64();
        let held = share(position);
        let change = |from: f64| if from > 0.0 { equity / from - 1.0 } else { 0.0 };
        let values = [
            held,
            share(view.position_with_working_orders(instrument)),
            age,
            100.0 * change(self.first_equity),
            1000.0 * change(self.last_equity),
            100.0 * change(self.peak),
            1000.0 * volatility.unwrap_or(0.0),
            1.0 - held.abs(),
        ];
        self.last_equity = equity;
        values.map(rounded)
    }
}
