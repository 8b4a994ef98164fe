//! What is held of one instrument, whichever kind of account it is: one position, or several side by side.

use genovo_engine::account::Rate;
use genovo_engine::event::{CorporateAction, Fill, Liquidity, PositionEffect, TradeCorrected};
use genovo_engine::ids::OrderId;
use genovo_engine::units::{Money, Price, Quantity, Timestamp};

use super::figures::{OpenPosition, Trade};
use super::position::Position;
use super::tickets::Tickets;

/// The positions of one instrument.
#[derive(Clone, Debug)]
pub struct Held {
    /// What is held; in a hedging account an empty position that has the market.
    pub position: Position,
    /// The positions of a hedging account; `None` of a netting one.
    pub tickets: Option<Tickets>,
}

impl Held {
    /// Of the same instrument, nothing.
    pub fn emptied(&self) -> Held {
        Held { position: self.position.emptied(), tickets: self.tickets.as_ref().map(|_| Tickets::default()) }
    }

    /// Values what is held at the market; by how much its value changed, in units of 1e-18.
    #[inline]
    pub fn mark(&mut self) -> i128 {
        match &mut self.tickets {
            None => self.position.mark(),
            Some(tickets) => tickets.mark(&self.position),
        }
    }

    /// A new rate of exchange; by how much the value changed.
    pub fn exchange(&mut self, rate: Option<Price>) -> i128 {
        let change = self.position.exchange(rate);
        change.saturating_add(self.tickets.as_mut().map_or(0, |tickets| tickets.exchange(rate)))
    }

    /// Takes an execution of an order with this effect; the trades that it closed, and by how much the value changed.
    pub fn fill(&mut self, fill: &Fill, effect: PositionEffect, time: Timestamp) -> (Vec<Trade>, i128) {
        match &mut self.tickets {
            None => {
                let (closed, change) = self.position.fill(fill, time);
                (closed.into_iter().collect(), change)
            }
            Some(tickets) => tickets.fill(&self.position, fill, effect, time),
        }
    }

    /// A split or a dividend: what it paid, by how much the value changed, and the trades that it ended.
    pub fn act(&mut self, action: &CorporateAction, time: Timestamp) -> (Money, i128, Vec<Trade>) {
        let (dividend, change) = self.position.act(action);
        if let Some(tickets) = &mut self.tickets {
            return tickets.act(action, time);
        }
        let ended =
            if self.position.quantity == Quantity::ZERO { self.position.paid_out(time) } else { None };
        (dividend, change, ended.into_iter().collect())
    }

    /// Takes an execution back, and books it at the price that holds, as the engine does: against what is held now, at
    /// the rate of now.
    pub fn correct(
        &mut self,
        trade: &TradeCorrected,
        effect: PositionEffect,
        time: Timestamp,
    ) -> (Vec<Trade>, i128) {
        let rate = self.position.rate().map(|rate| rate.price);
        let fills = counter_fills(trade, rate);
        let Some(tickets) = &mut self.tickets else {
            let (mut closed, mut change) = (Vec::new(), 0_i128);
            for fill in fills.iter().flatten() {
                let (trade, changed) = self.position.fill(fill, time);
                closed.extend(trade);
                change = change.saturating_add(changed);
            }
            return (closed, change);
        };
        let position = match effect {
            PositionEffect::Open | PositionEffect::CloseEarliest => trade.order,
            PositionEffect::Close(position) => position,
        };
        tickets.correct(&self.position, position, fills.iter().flatten(), time)
    }

    /// What is open stood at least as far below and above its beginning as it did in `was`.
    pub fn keep_marks(&mut self, was: &Held) {
        match (&mut self.tickets, &was.tickets) {
            (Some(tickets), Some(was)) => tickets.keep_marks(was),
            _ => self.position.keep_marks(&was.position),
        }
    }

    /// How much is held, by the orders that opened it in a hedging account.
    pub fn quantities(&self) -> Vec<(OrderId, Quantity)> {
        match &self.tickets {
            None => vec![(OrderId::NONE, self.position.quantity)],
            Some(tickets) => tickets.quantities().collect(),
        }
    }

    /// Whether anything is held.
    pub fn is_open(&self) -> bool {
        match &self.tickets {
            None => self.position.quantity.0 != 0,
            Some(tickets) => !tickets.is_empty(),
        }
    }

    /// What is held, long less short, at its mark.
    pub fn notional(&self) -> Money {
        self.tickets.as_ref().map_or_else(|| self.position.notional(), Tickets::notional)
    }

    /// The rate from the instrument's currency as last seen.
    pub fn rate(&self) -> Option<Rate> {
        self.position.rate()
    }

    /// The positions as they stand.
    pub fn still_open(&self) -> Vec<OpenPosition> {
        match &self.tickets {
            None => self.position.still_open().into_iter().collect(),
            Some(tickets) => tickets.still_open().collect(),
        }
    }
}

/// The fill that takes an execution back, and the one at the price that holds; the last of them brings what changes of
/// the commission.
fn counter_fills(trade: &TradeCorrected, rate: Option<Price>) -> [Option<Fill>; 2] {
    let commission = |counts: bool| if counts { trade.commission } else { Money::ZERO };
    let fill = |side, price, commission| Fill {
        order: trade.order,
        side,
        price,
        quantity: trade.quantity,
        remaining: Quantity::ZERO,
        liquidity: Liquidity::Taker,
        commission,
        bid: None,
        ask: None,
        rate,
    };
    let undone = fill(trade.side.opposite(), trade.price, commission(trade.corrected.is_none()));
    [Some(undone), trade.corrected.map(|price| fill(trade.side, price, commission(true)))]
}
