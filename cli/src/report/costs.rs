//! What the fills cost, told apart: spread, slippage beyond the touch, commission, and the way of an order.

use std::collections::BTreeMap;

use genovo_engine::event::{Fill, FinancingCharged, Order, OrderKind, Side};
use genovo_engine::ids::OrderId;
use genovo_engine::units::{Money, Price, SCALE};

use super::arrival::{Arrival, Arrivals, Saw};
use super::builder::within;
use super::figures::{FillQuality, ResultSplit};
use super::position::Position;

/// What one fill cost, in account currency.
#[derive(Clone, Copy, Debug, Default)]
pub struct FillCost {
    spread: Money,
    slippage: Money,
    under_way: Money,
    /// What was traded.
    pub notional: Money,
    without_quote: bool,
    /// The touch that its market order saw when it was sent, while that was under way.
    sent: Option<Price>,
    /// Against the market at sending.
    pub arrival: Option<Arrival>,
}

impl FillCost {
    /// Of an execution whose order saw this touch and this market when it was sent.
    fn of(fill: &Fill, position: &Position, sent: Option<Price>, saw: Option<Saw>) -> FillCost {
        let mut cost = FillCost {
            sent,
            notional: position.worth(fill.price, fill.quantity).abs(),
            arrival: saw.map(|saw| Arrival::of(fill, position, saw)),
            ..FillCost::default()
        };
        let sign = fill.side.sign();
        let worth = |difference: i64| position.worth(Price(difference), fill.quantity);
        let (Some(bid), Some(ask), Some(touch)) = (fill.bid, fill.ask, touch(fill.side, fill.bid, fill.ask))
        else {
            cost.without_quote = true;
            return cost;
        };
        let beyond = (sign * (fill.price.0 - touch.0)).max(0);
        // Twice the distance to the middle, so that no half is lost.
        let from_middle =
            i128::from(sign) * (2 * i128::from(fill.price.0) - (i128::from(bid.0) + i128::from(ask.0)));
        let whole = position.worth(Price(SCALE), fill.quantity);
        let paid = whole.times_wide(from_middle, 2 * i128::from(SCALE));
        cost.slippage = worth(beyond);
        cost.spread = paid - worth(beyond);
        cost.under_way = sent.map_or(Money::ZERO, |seen| worth(sign * (touch.0 - seen.0)));
        cost
    }

    /// The same execution at another price.
    pub fn again(&self, fill: &Fill, position: &Position) -> FillCost {
        FillCost::of(fill, position, self.sent, self.arrival.map(|arrival| arrival.saw))
    }
}

/// Sums over all fills, in account currency.
#[derive(Debug, Default)]
pub struct Costs {
    /// Middle to touch.
    pub spread: Money,
    /// Touch to fill.
    pub slippage: Money,
    /// What the venue charged.
    pub commission: Money,
    /// What was paid for holding positions over rollovers, less what was received.
    pub financing: Money,
    /// What was paid for what was borrowed to be sold short.
    pub borrow: Money,
    /// How far the touch moved against market orders under way.
    pub under_way: Money,
    /// Fills that met no quote.
    pub without_quote: u64,
    /// The touch that each market order under way saw when it was sent.
    sent: BTreeMap<OrderId, Price>,
    /// The market that all orders saw when they were sent.
    arrivals: Arrivals,
}

impl Costs {
    /// Remembers what a market order saw when it left.
    pub fn submitted(&mut self, order: &Order) {
        let touch = touch(order.side, order.bid, order.ask).filter(|touch| within(*touch));
        if let (OrderKind::Market, Some(touch)) = (order.kind, touch) {
            self.sent.insert(order.order, touch);
        }
        self.arrivals.submitted(order);
    }

    /// Forgets an order that no longer works.
    pub fn closed(&mut self, order: OrderId) {
        self.sent.remove(&order);
        self.arrivals.closed(order);
    }

    /// Takes what holding a position over a rollover cost.
    pub fn charged(&mut self, charged: &FinancingCharged) {
        self.financing = self.financing.add_bounded(charged.financing);
        self.borrow = self.borrow.add_bounded(charged.borrow);
    }

    /// Takes an execution in an instrument; what it cost.
    pub fn filled(&mut self, fill: &Fill, position: &Position) -> FillCost {
        let cost =
            FillCost::of(fill, position, self.sent.get(&fill.order).copied(), self.arrivals.of(fill.order));
        self.commission = self.commission.add_bounded(fill.commission);
        self.count(&cost, 1);
        self.arrivals.count(&cost);
        if fill.remaining.0 == 0 {
            self.closed(fill.order);
        }
        cost
    }

    /// Adds what a fill cost, or with a sign of −1 takes it off again.
    fn count(&mut self, cost: &FillCost, sign: i64) {
        let signed = |amount: Money| if sign < 0 { -amount } else { amount };
        self.spread = self.spread.add_bounded(signed(cost.spread));
        self.slippage = self.slippage.add_bounded(signed(cost.slippage));
        self.under_way = self.under_way.add_bounded(signed(cost.under_way));
        self.without_quote = self.without_quote.saturating_add_signed(sign * i64::from(cost.without_quote));
    }

    /// An execution that cost this was taken back, or holds at the other price. `all` are those that hold now.
    pub fn corrected<'a>(
        &mut self,
        was: &FillCost,
        now: Option<&FillCost>,
        all: impl Iterator<Item = &'a FillCost>,
    ) {
        self.count(was, -1);
        if let Some(now) = now {
            self.count(now, 1);
        }
        self.arrivals.count_again(all);
    }

    /// The fills against the market that their orders saw.
    pub fn quality(&mut self, digits: u8) -> FillQuality {
        std::mem::take(&mut self.arrivals).finish(digits)
    }

    /// The result split into its parts, each rounded to the currency's digits but for what is left before
    /// costs.
    pub fn split(&self, total: Money, digits: u8) -> ResultSplit {
        let (spread, slippage) = (self.spread.round_to(digits), self.slippage.round_to(digits));
        ResultSplit {
            before_costs: total + spread + slippage + self.commission + self.financing + self.borrow,
            spread,
            slippage,
            commission: self.commission,
            financing: self.financing,
            borrow: self.borrow,
            total,
            under_way: self.under_way.round_to(digits),
            fills_without_quote: self.without_quote,
            dividends: Money::ZERO,
        }
    }
}

fn touch(side: Side, bid: Option<Price>, ask: Option<Price>) -> Option<Price> {
    match side {
        Side::Buy => ask,
        Side::Sell => bid,
    }
}
