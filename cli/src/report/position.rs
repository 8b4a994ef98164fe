//! One instrument's position, valued at every mark, and the trades that it is made of.
//!
//! Netting with average cost. Profits are rounded to the currency's digits once a fill, as the engine does.

use genovo_engine::account::{Rate, converted};
use genovo_engine::event::{CorporateAction, Fill, Side};
use genovo_engine::ids::OrderId;
use genovo_engine::market::adjusted;
use genovo_engine::units::{
    FIXED_MAX, Money, Price, Quantity, Ratio, SCALE, Timestamp, div_half_even, mul_div_half_even,
};

use super::figures::{Moment, OpenPosition, Trade};

/// Units of 1e-18 in one of 1e-9.
pub const ATTO: i128 = SCALE as i128;

/// An amount in units of 1e-18. Beyond 10²⁰ of the currency it is the largest there is: then the report's own sum is
/// off, and `unexplained` says by how much.
pub fn atto(amount: Money) -> i128 {
    amount.0.saturating_mul(ATTO)
}

/// The prices that value a position: long at the bid, short at the ask, without quotes at the last price.
#[derive(Clone, Copy, Debug, Default)]
pub struct Market {
    /// The best bid.
    pub bid: Option<Price>,
    /// The best ask.
    pub ask: Option<Price>,
    /// The last price of a trade or bar.
    pub last: Option<Price>,
}

impl Market {
    /// Prices as they would have been had the action been in force when they were seen.
    fn adjust(&mut self, action: &CorporateAction) {
        for price in [&mut self.bid, &mut self.ask, &mut self.last].into_iter().flatten() {
            *price = adjusted(*price, action);
        }
    }

    /// The middle of bid and ask, else the last price.
    pub fn middle(&self) -> Option<Price> {
        match (self.bid, self.ask) {
            (Some(bid), Some(ask)) => {
                Some(Price(div_half_even(i128::from(bid.0) + i128::from(ask.0), 2) as i64))
            }
            _ => self.last,
        }
    }
}

/// A position after so much was bought or sold; it ends where positions do.
fn moved(position: Quantity, by: Quantity, side: Side) -> Quantity {
    Quantity((position.0 + by.0 * side.sign()).clamp(-FIXED_MAX, FIXED_MAX))
}

/// One instrument's position.
#[derive(Clone, Debug)]
pub struct Position {
    /// The instrument's name.
    pub symbol: String,
    /// The prices that value it.
    pub market: Market,
    /// How much is held, signed.
    pub quantity: Quantity,
    multiplier: Quantity,
    digits: u8,
    /// What the open part cost, signed like the position.
    cost: Money,
    /// Profits of what was closed, before commissions.
    realised: Money,
    commission: Money,
    /// Where the instrument is quoted in another currency than the account.
    abroad: Option<Abroad>,
    lot: Quantity,
    /// Position × multiplier: the change of value for a change of the price by one.
    factor: i64,
    /// The price that values it now.
    marked: i64,
    /// Everything won so far at the mark, commissions deducted, in units of 1e-18.
    value: i128,
    open: Option<OpenTrade>,
}

/// What another currency changes.
#[derive(Clone, Copy, Debug)]
pub struct Abroad {
    /// Whether quotes say how much of the other currency one of the account's is.
    pub inverse: bool,
    /// Whether costs are paid in the account's currency, not borrowed in the other.
    pub paid: bool,
    /// The rate as last seen.
    pub rate: Option<Rate>,
}

/// A trade under way.
#[derive(Clone, Debug)]
struct OpenTrade {
    side: Side,
    order: OrderId,
    opened: Timestamp,
    quantity_max: Quantity,
    quantity_in: i128,
    paid_in: Money,
    quantity_out: i128,
    paid_out: Money,
    realised: Money,
    commission: Money,
    /// The position's value when the trade began; the bounds are measured from it.
    base: i128,
    low: i128,
    high: i128,
}

impl Position {
    /// Nothing held yet.
    pub fn new(symbol: String, multiplier: Quantity, digits: u8) -> Position {
        Position {
            symbol,
            market: Market::default(),
            quantity: Quantity::ZERO,
            multiplier,
            digits,
            cost: Money::ZERO,
            realised: Money::ZERO,
            commission: Money::ZERO,
            abroad: None,
            lot: Quantity::ZERO,
            factor: 0,
            marked: 0,
            value: 0,
            open: None,
        }
    }

    /// The same, of an instrument that is traded in these lots, and perhaps quoted in another currency.
    pub fn with(self, lot: Quantity, abroad: Option<Abroad>) -> Position {
        Position { lot, abroad, ..self }
    }

    /// The same instrument, of which nothing is held and no price is known.
    pub fn emptied(&self) -> Position {
        let abroad = self.abroad.map(|abroad| Abroad { rate: None, ..abroad });
        Position::new(self.symbol.clone(), self.multiplier, self.digits).with(self.lot, abroad)
    }

    /// The rate from the instrument's currency as last seen.
    pub fn rate(&self) -> Option<Rate> {
        self.abroad.and_then(|abroad| abroad.rate)
    }

    /// A new rate of exchange; returns by how much the value changed, in units of 1e-18.
    pub fn exchange(&mut self, price: Option<Price>) -> i128 {
        let Some(abroad) = &mut self.abroad else { return 0 };
        let rate = price.filter(|price| price.0 > 0);
        abroad.rate = rate.map(|price| Rate { price, inverse: abroad.inverse });
        if self.factor == 0 { 0 } else { self.mark_abroad() }
    }

    /// A split or a dividend; returns by how much the value changed, in units of 1e-18.
    pub fn act(&mut self, action: &CorporateAction) -> (Money, i128) {
        let before = self.value;
        self.market.adjust(action);
        let rate = self.rate();
        let mut dividend = Money::ZERO;
        match *action {
            CorporateAction::Split { new, old } => {
                let scaled = |units: i128| units.saturating_mul(i128::from(new)) / i128::from(old.max(1));
                let held = |units: Quantity| {
                    let units = scaled(i128::from(units.0));
                    Quantity(units.clamp(-i128::from(FIXED_MAX), i128::from(FIXED_MAX)) as i64)
                };
                self.quantity = held(self.quantity);
                if let Some(open) = &mut self.open {
                    open.quantity_max = held(open.quantity_max);
                    open.quantity_in = scaled(open.quantity_in);
                    open.quantity_out = scaled(open.quantity_out);
                }
                let odd = self.quantity - self.quantity.round_down_to(self.lot);
                if odd.0 != 0 {
                    let cost = self.cost.share(odd, self.quantity);
                    if let Some((mark, _)) = self.mark_price() {
                        let profit = self.profit(self.raw(mark, odd), cost, rate);
                        let paid = self.raw(mark, odd.abs());
                        self.realised = self.realised.add_bounded(profit);
                        if let Some(open) = &mut self.open {
                            open.realised = open.realised.add_bounded(profit);
                            open.quantity_out = open.quantity_out.saturating_add(i128::from(odd.0.abs()));
                            open.paid_out = open.paid_out.add_bounded(paid);
                        }
                    }
                    self.cost -= cost;
                    self.quantity -= odd;
                }
            }
            CorporateAction::Dividend { amount } => {
                dividend = converted(self.raw(amount, self.quantity), rate).round_to(self.digits);
                self.realised = self.realised.add_bounded(dividend);
                if let Some(open) = &mut self.open {
                    open.realised = open.realised.add_bounded(dividend);
                }
            }
        }
        self.revalue(Price(self.marked));
        (dividend, self.value.saturating_sub(before))
    }

    /// Values the position at the market; returns by how much its value changed, in units of 1e-18.
    #[inline]
    pub fn mark(&mut self) -> i128 {
        if self.factor == 0 {
            return 0;
        }
        if self.abroad.is_some() {
            return self.mark_abroad();
        }
        let Some((price, _)) = self.mark_price() else { return 0 };
        let change = i128::from(self.factor) * i128::from(price.0 - self.marked);
        self.marked = price.0;
        self.value = self.value.saturating_add(change);
        if let Some(open) = &mut self.open {
            open.low = open.low.min(self.value);
            open.high = open.high.max(self.value);
        }
        change
    }

    /// The same for a position in another currency: as the engine rounds it.
    #[cold]
    fn mark_abroad(&mut self) -> i128 {
        let before = self.value;
        self.revalue(Price(self.marked));
        self.value.saturating_sub(before)
    }

    /// The price that values the position, and what it is.
    #[inline]
    pub fn mark_price(&self) -> Option<(Price, &'static str)> {
        let touch = if self.quantity.0 >= 0 { self.market.bid } else { self.market.ask };
        match touch {
            Some(price) => Some((price, if self.quantity.0 >= 0 { "bid" } else { "ask" })),
            None => self.market.last.map(|price| (price, "last")),
        }
    }

    /// Position × mark in account currency, signed.
    pub fn notional(&self) -> Money {
        converted(Price(self.marked) * Quantity(self.factor), self.rate())
    }

    /// What a quantity is worth at a price.
    pub fn worth(&self, price: Price, quantity: Quantity) -> Money {
        converted(self.raw(price, quantity), self.rate())
    }

    /// The same in the instrument's currency.
    fn raw(&self, price: Price, quantity: Quantity) -> Money {
        (price * quantity).times(Ratio(self.multiplier.0))
    }

    /// The profit of a part that is worth `worth` in the instrument's currency and cost `cost`.
    fn profit(&self, worth: Money, cost: Money, rate: Option<Rate>) -> Money {
        match self.abroad {
            Some(Abroad { paid: true, .. }) => converted(worth, rate) - cost,
            _ => converted(worth - cost, rate),
        }
        .round_to(self.digits)
    }

    /// Takes an execution. Returns the trade that it closed, and by how much the value changed in units of
    /// 1e-18.
    pub fn fill(&mut self, fill: &Fill, time: Timestamp) -> (Option<Trade>, i128) {
        let before = self.value;
        let sign = fill.side.sign();
        let opposite = self.quantity.0 != 0 && self.quantity.0.signum() != sign;
        let closing = if opposite { fill.quantity.min(self.quantity.abs()) } else { Quantity::ZERO };
        let opening = fill.quantity - closing;
        let commission_closing = fill.commission.share(closing, fill.quantity);
        let mut closed = None;
        if closing.0 > 0 {
            self.close(fill, closing, commission_closing);
            if self.quantity.0 == 0 {
                closed = self.end_trade(fill.order, time);
            }
        }
        if opening.0 > 0 {
            self.add(fill, opening, fill.commission - commission_closing, time);
        }
        self.revalue(fill.price);
        (closed, self.value.saturating_sub(before))
    }

    /// Takes `closing` off the position at the fill's price.
    fn close(&mut self, fill: &Fill, closing: Quantity, commission: Money) {
        let cost = self.cost.share(closing, self.quantity.abs());
        let paid = self.raw(fill.price, closing);
        let signed = Money(paid.0 * i128::from(fill.side.sign()));
        let profit = self.profit(-signed, cost, self.rate_of(fill));
        self.cost -= cost;
        self.quantity = moved(self.quantity, closing, fill.side);
        self.realised = self.realised.add_bounded(profit);
        self.commission = self.commission.add_bounded(commission);
        if let Some(open) = &mut self.open {
            open.quantity_out = open.quantity_out.saturating_add(i128::from(closing.0));
            open.paid_out = open.paid_out.add_bounded(paid);
            open.realised = open.realised.add_bounded(profit);
            open.commission = open.commission.add_bounded(commission);
        }
    }

    /// Adds `opening` to the position at the fill's price, beginning a trade if there is none.
    fn add(&mut self, fill: &Fill, opening: Quantity, commission: Money, time: Timestamp) {
        let paid = self.raw(fill.price, opening);
        let base = atto(self.realised - self.commission);
        let signed = Money(paid.0 * i128::from(fill.side.sign()));
        let keeps = self.abroad.is_some_and(|abroad| abroad.paid);
        self.cost = self.cost.add_bounded(converted(signed, self.rate_of(fill).filter(|_| keeps)));
        self.quantity = moved(self.quantity, opening, fill.side);
        self.commission = self.commission.add_bounded(commission);
        let open = self.open.get_or_insert(OpenTrade {
            side: fill.side,
            order: fill.order,
            opened: time,
            quantity_max: Quantity::ZERO,
            quantity_in: 0,
            paid_in: Money::ZERO,
            quantity_out: 0,
            paid_out: Money::ZERO,
            realised: Money::ZERO,
            commission: Money::ZERO,
            base,
            low: base,
            high: base,
        });
        open.quantity_in = open.quantity_in.saturating_add(i128::from(opening.0));
        open.paid_in = open.paid_in.add_bounded(paid);
        open.commission = open.commission.add_bounded(commission);
        open.quantity_max = open.quantity_max.max(self.quantity.abs());
    }

    /// The rate that a fill names.
    fn rate_of(&self, fill: &Fill) -> Option<Rate> {
        let abroad = self.abroad?;
        fill.rate.map(|price| Rate { price, inverse: abroad.inverse })
    }

    /// Values the changed position anew; without a market, at the fill's price.
    fn revalue(&mut self, price: Price) {
        let factor = self.quantity.0 as i128 * self.multiplier.0 as i128 / ATTO;
        // Beyond 64 bits the report's own sum is off, and `unexplained` says by how much.
        self.factor = i64::try_from(factor).unwrap_or(if factor < 0 { -i64::MAX } else { i64::MAX });
        self.marked = self.mark_price().map_or(price, |(price, _)| price).0;
        let open = match self.abroad {
            None => (i128::from(self.factor) * i128::from(self.marked)).saturating_sub(atto(self.cost)),
            Some(_) => atto(self.open_abroad()),
        };
        self.value = atto(self.realised - self.commission).saturating_add(open);
        if let Some(open) = &mut self.open {
            open.low = open.low.min(self.value);
            open.high = open.high.max(self.value);
        }
    }

    /// What closing at the mark would bring of a position in another currency.
    fn open_abroad(&self) -> Money {
        let Some(abroad) = self.abroad else { return Money::ZERO };
        let Some(rate) = abroad.rate else { return Money::ZERO };
        let worth = self.raw(Price(self.marked), self.quantity);
        if abroad.paid { rate.convert(worth) - self.cost } else { rate.convert(worth - self.cost) }
    }

    /// The trade under way stood at least as far below and above its beginning as it did in `was`, if that has it.
    pub fn keep_marks(&mut self, was: &Position) {
        let (Some(open), Some(was)) = (&mut self.open, &was.open) else { return };
        if (open.order, open.opened) == (was.order, was.opened) {
            let moved = |bound: i128| open.base.saturating_add(bound.saturating_sub(was.base));
            (open.low, open.high) = (open.low.min(moved(was.low)), open.high.max(moved(was.high)));
        }
    }

    /// Ends the trade of a position that a split paid out whole: no order closed it but the one that opened it.
    pub fn paid_out(&mut self, time: Timestamp) -> Option<Trade> {
        let order = self.open.as_ref()?.order;
        self.end_trade(order, time)
    }

    /// Ends the trade under way.
    fn end_trade(&mut self, order: OrderId, time: Timestamp) -> Option<Trade> {
        let open = self.open.take()?;
        let last = atto(self.realised - self.commission);
        let digits = self.digits;
        let measured = |value: i128| Money(value.saturating_sub(open.base) / ATTO).round_to(digits);
        Some(Trade {
            instrument: self.symbol.clone(),
            side: open.side,
            quantity: open.quantity_max,
            order_in: open.order,
            order_out: order,
            opened: Moment(open.opened),
            closed: Moment(time),
            price_in: self.average(open.paid_in, open.quantity_in),
            price_out: self.average(open.paid_out, open.quantity_out),
            profit: open.realised - open.commission,
            commission: open.commission,
            worst_mark: measured(open.low.min(last)).min(Money::ZERO),
            best_mark: measured(open.high.max(last)).max(Money::ZERO),
        })
    }

    /// The price of one, given the price of all.
    fn average(&self, paid: Money, quantity: i128) -> Price {
        let each = quantity.saturating_mul(i128::from(self.multiplier.0)) / ATTO;
        if each == 0 {
            return Price::ZERO;
        }
        Price(i64::try_from(mul_div_half_even(paid.0, ATTO, each)).unwrap_or(0))
    }

    /// The position as it stands, if there is one.
    pub fn still_open(&self) -> Option<OpenPosition> {
        let open = self.open.as_ref()?;
        let (mark, marked_at) = self.mark_price().unwrap_or((Price(self.marked), "last"));
        let worth = i128::from(self.factor) * i128::from(self.marked);
        let profit = match self.abroad {
            None => Money(worth / ATTO - self.cost.0),
            Some(_) => self.open_abroad(),
        };
        Some(OpenPosition {
            instrument: self.symbol.clone(),
            quantity: self.quantity,
            price_in: self.average(
                Money(self.cost.0 * i128::from(self.quantity.signum())),
                i128::from(self.quantity.0.abs()),
            ),
            mark,
            marked_at: marked_at.to_string(),
            profit: profit.round_to(self.digits),
            order_in: open.order,
            opened: Moment(open.opened),
        })
    }
}
