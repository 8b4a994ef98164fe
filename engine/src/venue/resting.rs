//! An order at the venue.

use super::fill;
use super::queue::Queue;
use crate::event::{CorporateAction, Liquidity, Order, OrderKind, Side, TimeInForce, Trail};
use crate::ids::{InstrumentId, Sequence};
use crate::market::adjusted;
use crate::units::{Price, Quantity, Timestamp};

/// An order at the venue.
#[derive(Clone, Debug)]
pub struct Resting {
    /// The `OrderSubmitted` it came from.
    pub cause: Sequence,
    /// When it was sent: an order takes part in no bar that began before.
    pub sent: Timestamp,
    /// Whose.
    pub instrument: InstrumentId,
    /// The order, as it works now.
    pub order: Order,
    /// What is still to be filled.
    pub remaining: Quantity,
    /// When it ends by itself.
    pub expires: Option<Timestamp>,
    /// The part that waits for fills of another order.
    pub(super) held: Quantity,
    /// When it arrived.
    pub(super) arrived: Timestamp,
    /// It reached its trigger: a stop-limit order is a limit order from then on.
    pub(super) triggered: bool,
    /// Where a trailing stop's trigger stands; `None` before it saw a price.
    pub(super) trigger: Option<Price>,
    /// A part of it was released, and has yet to arrive.
    pub(super) armed: bool,
    /// It arrived while the market was closed, or arrived or was triggered at a trade that is past, and has met nothing
    /// yet.
    pub(super) waits_for_open: bool,
    /// It ended, and leaves the book when everybody has been asked.
    pub(super) gone: bool,
    /// Among orders at one price the smaller comes first.
    pub(super) rank: u64,
    /// Where it stands in the queue of its level, in an order book.
    pub(super) queue: Option<Queue>,
}

/// What an order does now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Acting {
    /// Takes what there is.
    Market,
    /// Takes and gives at this price or better.
    Limit(Price),
    /// Waits for a trigger; `None` for a trailing stop that saw no price yet.
    Stop(Option<Price>),
}

impl Resting {
    /// An order under way to the venue.
    pub fn new(cause: Sequence, sent: Timestamp, instrument: InstrumentId, order: Order) -> Resting {
        Resting {
            cause,
            sent,
            instrument,
            remaining: order.quantity,
            expires: None,
            held: Quantity::ZERO,
            arrived: sent,
            triggered: false,
            trigger: None,
            armed: false,
            waits_for_open: false,
            gone: false,
            rank: 2 * order.order.0,
            queue: None,
            order,
        }
    }

    /// What it does now.
    #[inline]
    pub(super) fn acting(&self) -> Acting {
        match self.order.kind {
            OrderKind::Market => Acting::Market,
            OrderKind::Limit { price } => Acting::Limit(price),
            OrderKind::StopLimit { price, .. } if self.triggered => Acting::Limit(price),
            OrderKind::Stop { trigger } | OrderKind::StopLimit { trigger, .. } => Acting::Stop(Some(trigger)),
            OrderKind::TrailingStop { .. } => Acting::Stop(self.trigger),
        }
    }

    /// Whether it waits for its trigger: what its time in force asks to be done at once is asked when it has that.
    #[inline]
    pub(super) fn waits_for_trigger(&self) -> bool {
        !self.triggered && matches!(self.acting(), Acting::Stop(_))
    }

    /// The side of liquidity of an execution at its limit: who rests gives, and what is to be filled at once takes.
    #[inline]
    pub(super) fn liquidity_at_limit(&self) -> Liquidity {
        match self.order.time_in_force {
            TimeInForce::Ioc | TimeInForce::Fok => Liquidity::Taker,
            TimeInForce::Gtc | TimeInForce::Day | TimeInForce::Gtd => Liquidity::Maker,
        }
    }

    /// The worst price it accepts, while it is a limit order.
    #[inline]
    pub(super) fn limit(&self) -> Option<Price> {
        match self.acting() {
            Acting::Limit(price) => Some(price),
            Acting::Market | Acting::Stop(_) => None,
        }
    }

    /// What may be filled now.
    #[inline]
    pub(super) fn open(&self) -> Quantity {
        self.remaining - self.held
    }

    /// Smaller comes first: better limit prices, then earlier orders.
    pub(super) fn priority(&self) -> (i64, u64) {
        let price = self.limit().map_or(i64::MIN, |price| -price.0 * self.order.side.sign());
        (price, self.rank)
    }

    /// Lets a trailing stop's trigger follow `price`. It never moves away from the market.
    #[inline]
    pub(super) fn trail(&mut self, price: Price, tick: Price) {
        let OrderKind::TrailingStop { trail } = self.order.kind else { return };
        let side = self.order.side;
        let trigger = fill::trailing_trigger(side, trail, price, tick);
        let nearer = |before: Price| match side {
            Side::Buy => before.min(trigger),
            Side::Sell => before.max(trigger),
        };
        self.trigger = Some(self.trigger.map_or(trigger, nearer));
    }

    /// Brings its prices to those after a split.
    pub(super) fn split(&mut self, action: &CorporateAction, tick: Price) {
        let side = self.order.side;
        // A limit that no longer lies on the tick must not become worse, a trigger must not come nearer.
        let limit = |price| fill::on_tick(adjusted(price, action), tick, side.opposite());
        let trigger = |price| fill::on_tick(adjusted(price, action), tick, side);
        self.order.kind = match self.order.kind {
            OrderKind::Market => OrderKind::Market,
            OrderKind::Limit { price } => OrderKind::Limit { price: limit(price) },
            OrderKind::Stop { trigger: at } => OrderKind::Stop { trigger: trigger(at) },
            OrderKind::StopLimit { trigger: at, price } => {
                OrderKind::StopLimit { trigger: trigger(at), price: limit(price) }
            }
            OrderKind::TrailingStop { trail: Trail::Amount(amount) } => {
                let amount = adjusted(amount, action).max(Price(1));
                OrderKind::TrailingStop { trail: Trail::Amount(amount) }
            }
            kind @ OrderKind::TrailingStop { trail: Trail::Share(_) } => kind,
        };
        self.trigger = self.trigger.map(trigger);
    }
}
