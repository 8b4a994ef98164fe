//! Cash and positions: one account, netting or hedging, kept in one currency, trading instruments in any.
//!
//! A position is carried at the sum of what it cost, not at an average price, so that nothing is lost to rounding
//! before it is closed. P&L and commission are rounded to the currency's digits, half to even, once a fill.

use crate::event::{CorporateAction, Fill, FinancingCharged, PositionEffect, TradeCorrected};
use crate::ids::OrderId;
use crate::market::Market;
use crate::settings::{AccountKind, HedgedMargin, Instrument, Settings};
use crate::tickets::{Booked, Leg, Quantities, Ticket, Tickets};
use crate::units::{FIXED_MAX, Money, Price, Quantity, Ratio, SCALE};

/// What is held of one instrument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// How much; negative when short.
    pub quantity: Quantity,
    /// What it cost: price × quantity × multiplier of what is open, with the sign of `quantity`. In the instrument's
    /// currency on margin, where the other currency is borrowed; in the account's where everything is paid in full.
    pub cost: Money,
    /// P&L of what was closed, commission not included.
    pub realised: Money,
    multiplier: Quantity,
    /// Whether `cost` was paid in the account's currency.
    paid: bool,
}

/// More than the account can count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PositionOverflow {
    /// Of the instrument.
    #[error("the position would pass the largest quantity there is")]
    Quantity,
    /// Of money: what it is worth, what it brought, or the balance.
    #[error("the position is worth, or has brought, more than the largest amount there is")]
    Amount,
}

/// A position of so many units, where there can be one.
fn within(units: i128) -> Result<Quantity, PositionOverflow> {
    let units = i64::try_from(units).ok().filter(|units| (-FIXED_MAX..=FIXED_MAX).contains(units));
    units.map(Quantity).ok_or(PositionOverflow::Quantity)
}

/// Price × quantity × multiplier.
#[inline]
pub fn notional(price: Price, quantity: Quantity, multiplier: Quantity) -> Money {
    let value = price * quantity;
    if multiplier.0 == SCALE { value } else { value.times(Ratio(multiplier.0)) }
}

/// The rate by which amounts of one currency become another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// As it was quoted.
    pub price: Price,
    /// Whether it says how much of the other currency one of the account's is.
    pub inverse: bool,
}

impl Rate {
    /// An amount in the account's currency, to 1e-9, half to even.
    pub fn convert(self, amount: Money) -> Money {
        match self.inverse {
            false => amount.times(Ratio(self.price.0)),
            true => amount.times_share(SCALE, self.price.0),
        }
    }
}

/// An amount in the account's currency; without a rate it is.
#[inline]
pub fn converted(amount: Money, rate: Option<Rate>) -> Money {
    rate.map_or(amount, |rate| rate.convert(amount))
}

/// The rate from an instrument's currency is not known yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no rate from the instrument's currency to the account's")]
pub struct NoRate;

crate::state! { Position { quantity, cost, realised } }

impl Position {
    /// What `quantity` is worth at `price` in the currency in which the position's cost is kept.
    fn worth(&self, price: Price, quantity: Quantity, rate: Option<Rate>) -> Money {
        converted(notional(price, quantity, self.multiplier), rate.filter(|_| self.paid))
    }

    /// None of an instrument yet.
    pub(crate) fn none_of(instrument: &Instrument, account: AccountKind) -> Position {
        let (multiplier, paid) = (instrument.multiplier, account == AccountKind::Cash);
        Position { multiplier, paid, ..Position::default() }
    }

    /// So much on margin, at what it cost.
    pub(crate) fn carried(quantity: Quantity, cost: Money, multiplier: Quantity) -> Position {
        Position { quantity, cost, multiplier, ..Position::default() }
    }

    /// `new` units for every `old`, at the same cost.
    pub(crate) fn split(&mut self, new: u32, old: u32) -> Result<(), PositionOverflow> {
        let units = i128::from(self.quantity.0) * i128::from(new) / i128::from(old.max(1));
        self.quantity = within(units)?;
        Ok(())
    }

    /// Closes what is beyond whole lots at `mark`, or loses it at cost where there is none; the P&L.
    pub(crate) fn pay_out_odd_lots(
        &mut self,
        lot: Quantity,
        mark: Option<Price>,
        digits: u8,
        rate: Option<Rate>,
    ) -> Result<Money, PositionOverflow> {
        let odd = self.quantity - self.quantity.round_down_to(lot);
        match mark {
            _ if odd == Quantity::ZERO => Ok(Money::ZERO),
            Some(mark) => self.fill(mark, -odd, digits, rate),
            None => {
                self.cost -= self.cost.share(odd, self.quantity);
                self.quantity -= odd;
                Ok(Money::ZERO)
            }
        }
    }

    /// Books a fill of `quantity` (signed) at `price`; the P&L of the part that closes, rounded to `digits`.
    pub(crate) fn fill(
        &mut self,
        price: Price,
        quantity: Quantity,
        digits: u8,
        rate: Option<Rate>,
    ) -> Result<Money, PositionOverflow> {
        let after = within(i128::from(self.quantity.0) + i128::from(quantity.0))?;
        let mut profit = Money::ZERO;
        let mut opening = quantity;
        if self.quantity.signum() * quantity.signum() < 0 {
            let closing = Quantity(quantity.0.abs().min(self.quantity.0.abs()) * self.quantity.signum());
            let cost = self.cost.share(closing, self.quantity);
            let difference = self.worth(price, closing, rate) - cost;
            profit = converted(difference, rate.filter(|_| !self.paid)).round_to(digits);
            self.cost -= cost;
            opening = quantity + closing;
        }
        if opening != Quantity::ZERO {
            self.cost += self.worth(price, opening, rate);
        }
        self.quantity = after;
        self.realised += profit;
        if [profit, self.cost, self.realised].into_iter().any(Money::is_beyond) {
            return Err(PositionOverflow::Amount);
        }
        Ok(profit)
    }

    /// What closing at `mark` would add to the cash.
    #[inline]
    pub fn unrealised(&self, mark: Price, rate: Option<Rate>) -> Money {
        self.unrealised_of(notional(mark, self.quantity, self.multiplier), rate)
    }

    /// The same where its notional value at the mark is known.
    #[inline]
    fn unrealised_of(&self, value: Money, rate: Option<Rate>) -> Money {
        match rate {
            None => value - self.cost,
            Some(rate) if self.paid => rate.convert(value) - self.cost,
            Some(rate) => rate.convert(value - self.cost),
        }
    }

    /// The mean price of what is open in the currency of its cost, rounded to 1e-9; for people, never for sums.
    pub fn average_price(&self) -> Option<Price> {
        let units = Money(i128::from(self.quantity.0)).times(Ratio(self.multiplier.0)).0;
        (units != 0).then(|| {
            let price = crate::units::mul_div_half_even(self.cost.0, i128::from(SCALE), units);
            Price(i64::try_from(price).unwrap_or(i64::MAX))
        })
    }
}

/// The account of a run.
#[derive(Clone, Debug)]
pub struct Account {
    /// Cash or margin.
    pub kind: AccountKind,
    /// What it started with, plus P&L of what was closed, minus commissions.
    pub balance: Money,
    /// All commissions paid.
    pub commissions: Money,
    /// One position an instrument; in a hedging account what its positions add up to.
    pub positions: Vec<Position>,
    /// Every position of a hedging account; `None` of a netting one.
    tickets: Option<Tickets>,
    hedged_margin: HedgedMargin,
    /// What dividends brought, less what they cost.
    pub dividends: Money,
    /// What holding positions over rollovers cost, less what it brought.
    pub financing: Money,
    digits: u8,
    /// For each instrument, whose quotes are the rate from its currency; empty when all are the account's.
    conversions: Vec<Option<Conversion>>,
}

/// Whose quotes are a rate.
#[derive(Clone, Copy, Debug)]
struct Conversion {
    /// The index of the instrument; `None` where the settings name none, so that the rate is never known.
    index: Option<usize>,
    inverse: bool,
}

crate::state! { Account { balance, commissions, [positions], (tickets), dividends, financing } }

impl Account {
    /// An account with its starting cash and no positions.
    pub fn new(settings: &Settings) -> Account {
        let position = |instrument| Position::none_of(instrument, settings.account.kind);
        let conversion = |currency: &String| {
            let rate = settings.rates.iter().find(|rate| rate.currency == *currency);
            Conversion {
                index: rate.and_then(|rate| rate.instrument.index()),
                inverse: rate.is_some_and(|rate| rate.inverse),
            }
        };
        let foreign = settings.instruments.iter().any(|instrument| instrument.currency.is_some());
        let conversions = settings.instruments.iter().filter(|_| foreign);
        Account {
            kind: settings.account.kind,
            balance: settings.account.cash,
            commissions: Money::ZERO,
            positions: settings.instruments.iter().map(position).collect(),
            tickets: settings.hedges().then(|| Tickets::new(settings)),
            hedged_margin: settings.account.hedged_margin,
            dividends: Money::ZERO,
            financing: Money::ZERO,
            digits: settings.account.digits,
            conversions: conversions.map(|instrument| instrument.currency.as_ref().map(conversion)).collect(),
        }
    }

    /// The rate from the currency of the instrument at `index`; `None` when it is the account's.
    #[inline]
    pub fn rate(&self, index: usize, markets: &[Market]) -> Result<Option<Rate>, NoRate> {
        let Some(Some(conversion)) = self.conversions.get(index) else { return Ok(None) };
        let market = conversion.index.and_then(|index| markets.get(index)).ok_or(NoRate)?;
        // A rate that is not above zero is none.
        let price = market.middle().filter(|price| price.0 > 0).ok_or(NoRate)?;
        Ok(Some(Rate { price, inverse: conversion.inverse }))
    }

    /// The rate that a fill of the instrument at `index` names.
    pub fn rate_of(&self, index: usize, fill: &Fill) -> Result<Option<Rate>, NoRate> {
        match (self.conversions.get(index), fill.rate) {
            (Some(Some(conversion)), Some(price)) if price.0 > 0 => {
                Ok(Some(Rate { price, inverse: conversion.inverse }))
            }
            (Some(Some(_)), _) => Err(NoRate),
            (Some(None) | None, _) => Ok(None),
        }
    }

    /// Every position of a hedging account; `None` of a netting one.
    #[inline]
    pub fn tickets(&self) -> Option<&Tickets> {
        self.tickets.as_ref()
    }

    /// The positions of the instrument at `index` in a hedging account, the earliest order's first; none in a netting
    /// one.
    pub fn tickets_of(&self, index: usize) -> &[Ticket] {
        self.tickets.as_ref().map_or(&[], |tickets| tickets.of(index))
    }

    /// How much is held of the instrument at `index`: by the orders that opened it in a hedging account, else in one
    /// sum.
    pub fn quantities(&self, index: usize) -> Quantities {
        Quantities::new(match &self.tickets {
            None => vec![(OrderId::NONE, self.positions[index].quantity)],
            Some(tickets) => tickets.of(index).iter().map(|one| (one.order, one.quantity)).collect(),
        })
    }

    /// What margin is needed for, where both sides of an instrument are held.
    pub fn hedged_margin(&self) -> HedgedMargin {
        self.hedged_margin
    }

    /// Whether nothing is held of any instrument.
    pub fn is_flat(&self) -> bool {
        self.positions.iter().all(|position| position.quantity == Quantity::ZERO)
            && (0..self.positions.len()).all(|index| self.tickets_of(index).is_empty())
    }

    /// Books an execution, of an order with this effect, of the instrument at `index`; its P&L before commission.
    pub fn fill(
        &mut self,
        index: usize,
        fill: &Fill,
        effect: PositionEffect,
        rate: Option<Rate>,
    ) -> Result<Money, PositionOverflow> {
        let profit = match &mut self.tickets {
            None => {
                let quantity = Quantity(fill.quantity.0 * fill.side.sign());
                self.positions[index].fill(fill.price, quantity, self.digits, rate)?
            }
            Some(tickets) => {
                let Fill { order, side, price, quantity, .. } = *fill;
                let booked = tickets.fill(index, order, side, price, quantity, effect, self.digits, rate)?;
                self.add_up(index, booked)?
            }
        };
        self.pay(profit, fill.commission)?;
        Ok(profit)
    }

    /// Takes in what the positions of an instrument have become.
    fn add_up(&mut self, index: usize, Booked { net, profit }: Booked) -> Result<Money, PositionOverflow> {
        let position = &mut self.positions[index];
        (position.quantity, position.cost) = (net.quantity, net.cost);
        position.realised += profit;
        let beyond = [profit, position.cost, position.realised].into_iter().any(Money::is_beyond);
        if beyond { Err(PositionOverflow::Amount) } else { Ok(profit) }
    }

    /// Takes an execution of the instrument at `index` back, and books it at the price that holds, if it ever was.
    ///
    /// Equity comes out exactly; how much of a correction counts as realised depends on what was traded since. In a
    /// hedging account it is about the position that the order opened or named; what an order took back that named none
    /// is a position of its own.
    pub fn correct(
        &mut self,
        index: usize,
        trade: &TradeCorrected,
        effect: PositionEffect,
        rate: Option<Rate>,
    ) -> Result<(), PositionOverflow> {
        let quantity = Quantity(trade.quantity.0 * trade.side.sign());
        if let Some(tickets) = &mut self.tickets {
            let position = match effect {
                PositionEffect::Open | PositionEffect::CloseEarliest => trade.order,
                PositionEffect::Close(position) => position,
            };
            let booked = tickets.trade(index, position, trade.price, -quantity, self.digits, rate)?;
            let again = trade
                .corrected
                .map(|price| tickets.trade(index, position, price, quantity, self.digits, rate));
            let again = again.transpose()?;
            let mut profit = self.add_up(index, booked)?;
            if let Some(booked) = again {
                profit += self.add_up(index, booked)?;
            }
            return self.pay(profit, trade.commission);
        }
        let position = &mut self.positions[index];
        let mut profit = position.fill(trade.price, -quantity, self.digits, rate)?;
        if let Some(price) = trade.corrected {
            profit += position.fill(price, quantity, self.digits, rate)?;
        }
        self.pay(profit, trade.commission)
    }

    /// Profit comes in, commission goes.
    fn pay(&mut self, profit: Money, commission: Money) -> Result<(), PositionOverflow> {
        self.balance += profit - commission;
        self.commissions += commission;
        if self.balance.is_beyond() { Err(PositionOverflow::Amount) } else { Ok(()) }
    }

    /// A split or a dividend of the instrument at `index`. `market` is its market after it: what a split leaves beyond
    /// whole lots is paid out at the price at which the position could be closed, or at cost where there is none.
    pub fn act(
        &mut self,
        index: usize,
        action: &CorporateAction,
        lot: Quantity,
        market: &Market,
        rate: Option<Rate>,
    ) -> Result<(), PositionOverflow> {
        let digits = self.digits;
        match *action {
            CorporateAction::Split { new, old } => {
                let profit = match &mut self.tickets {
                    None => {
                        let position = &mut self.positions[index];
                        position.split(new, old)?;
                        let mark = market.mark(position.quantity.signum());
                        position.pay_out_odd_lots(lot, mark, digits, rate)?
                    }
                    Some(tickets) => {
                        let marks = [1, -1].map(|sign| market.mark(sign));
                        let booked = tickets.split(index, (new, old), lot, marks, digits, rate)?;
                        self.add_up(index, booked)?
                    }
                };
                self.balance += profit;
            }
            CorporateAction::Dividend { amount } => {
                let multiplier = self.positions[index].multiplier;
                let dividend =
                    |quantity| converted(notional(amount, quantity, multiplier), rate).round_to(digits);
                let paid = match &self.tickets {
                    None => dividend(self.positions[index].quantity),
                    Some(tickets) => tickets.of(index).iter().map(|ticket| dividend(ticket.quantity)).sum(),
                };
                self.balance += paid;
                self.dividends += paid;
            }
        }
        Ok(())
    }

    /// Pays what holding a position over a rollover cost.
    pub fn charge(&mut self, charged: &FinancingCharged) -> Result<(), PositionOverflow> {
        let cost = charged.financing + charged.borrow;
        self.balance -= cost;
        self.financing += cost;
        if self.balance.is_beyond() { Err(PositionOverflow::Amount) } else { Ok(()) }
    }

    /// What must be there to hold the position at `index`; nothing where its market or rate is unknown.
    pub fn maintenance(&self, index: usize, markets: &[Market], instruments: &[Instrument]) -> Money {
        if let Some(tickets) = &self.tickets {
            return self.maintenance_of(index, tickets.legs(index), markets, instruments);
        }
        let (position, instrument) = (&self.positions[index], &instruments[index]);
        let mark = markets[index].mark(position.quantity.signum());
        let (Some(mark), Ok(rate)) = (mark, self.rate(index, markets)) else { return Money::ZERO };
        let value = notional(mark, position.quantity, position.multiplier).abs();
        converted(value, rate).times(instrument.margin_maintenance)
    }

    /// The same of what is long and what is short, in a hedging account.
    pub(crate) fn maintenance_of(
        &self,
        index: usize,
        legs: [Leg; 2],
        markets: &[Market],
        instruments: &[Instrument],
    ) -> Money {
        let multiplier = self.positions[index].multiplier;
        let needs = |leg: Leg| {
            let mark = markets[index].mark(leg.quantity.signum());
            let (Some(mark), Ok(rate)) = (mark, self.rate(index, markets)) else { return Money::ZERO };
            let value = converted(notional(mark, leg.quantity, multiplier).abs(), rate);
            value.times(instruments[index].margin_maintenance)
        };
        self.hedged_margin.of(needs(legs[0]), needs(legs[1]))
    }

    /// What closing one position of a hedging account would add to the cash; nothing where its market or rate is
    /// unknown.
    pub fn open_profit(&self, index: usize, ticket: &Ticket, markets: &[Market]) -> Money {
        let mark = markets.get(index).and_then(|market| market.mark(ticket.quantity.signum()));
        let (Some(mark), Ok(rate)) = (mark, self.rate(index, markets)) else { return Money::ZERO };
        let multiplier = self.positions[index].multiplier;
        Position::carried(ticket.quantity, ticket.cost, multiplier).unrealised(mark, rate)
    }

    /// Adds the positions of a hedging account to the state's hash; nothing of a netting one.
    pub fn add_tickets_to_hash(&self, hasher: &mut blake3::Hasher) {
        self.tickets.iter().for_each(|tickets| tickets.add_to_hash(hasher));
    }

    /// Balance and open P&L at the prices at which everything could be closed. A position whose market or rate is
    /// unknown counts at cost.
    pub fn equity(&self, markets: &[Market]) -> Money {
        self.equity_noting(markets, |_, _| ())
    }

    /// The same; `note` is told the notional value at its mark of what a netting account holds of each instrument,
    /// where there is any and it is known.
    #[inline]
    pub fn equity_noting(&self, markets: &[Market], mut note: impl FnMut(usize, Money)) -> Money {
        let mut equity = self.balance;
        if let Some(tickets) = &self.tickets {
            // Each side at the price at which it could be closed: who holds both pays the spread.
            for (index, market) in markets.iter().enumerate().take(self.positions.len()) {
                for leg in tickets.legs(index) {
                    if leg.quantity == Quantity::ZERO {
                        continue;
                    }
                    if let (Some(mark), Ok(rate)) =
                        (market.mark(leg.quantity.signum()), self.rate(index, markets))
                    {
                        equity += tickets.valued(index, leg).unrealised(mark, rate);
                    }
                }
            }
            return equity;
        }
        for (index, (position, market)) in self.positions.iter().zip(markets).enumerate() {
            if position.quantity == Quantity::ZERO {
                continue;
            }
            if let (Some(mark), Ok(rate)) =
                (market.mark(position.quantity.signum()), self.rate(index, markets))
            {
                let value = notional(mark, position.quantity, position.multiplier);
                note(index, value);
                equity += position.unrealised_of(value, rate);
            }
        }
        equity
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn money(text: &str) -> Money {
        text.parse().unwrap()
    }

    fn position() -> Position {
        Position { multiplier: Quantity(SCALE), ..Position::default() }
    }

    fn fill(position: &mut Position, price: &str, quantity: &str) -> Money {
        position.fill(price.parse().unwrap(), quantity.parse().unwrap(), 2, None).unwrap()
    }

    #[test]
    fn long_add_reduce_flip_by_hand() {
        let mut position = position();
        assert_eq!(fill(&mut position, "100", "10"), money("0"));
        assert_eq!(fill(&mut position, "110", "10"), money("0"));
        assert_eq!(position.average_price(), Some("105".parse().unwrap()));
        assert_eq!(fill(&mut position, "108", "-5"), money("15"));
        assert_eq!(fill(&mut position, "100", "-20"), money("-75"));
        assert_eq!((position.quantity, position.cost), ("-5".parse().unwrap(), money("-500")));
        assert_eq!(position.unrealised("98".parse().unwrap(), None), money("10"));
        assert_eq!(fill(&mut position, "98", "5"), money("10"));
        assert_eq!(
            (position.quantity, position.cost, position.realised),
            (Quantity(0), money("0"), money("-50"))
        );
        assert_eq!(position.average_price(), None);
    }

    #[test]
    fn a_position_ends_where_quantities_do() {
        for sign in [1, -1] {
            let mut position = position();
            let most = Quantity(sign * FIXED_MAX);
            position.fill(Price(1), most, 2, None).unwrap();
            for more in [1, 2, FIXED_MAX, i64::MAX] {
                let filled = { position }.fill(Price(1), Quantity(sign * more), 2, None);
                assert_eq!(filled, Err(PositionOverflow::Quantity));
            }
            // From one end to the other.
            position.fill(Price(1), Quantity(-2 * most.0), 2, None).unwrap();
            assert_eq!(position.quantity, -most);
        }
    }

    #[test]
    fn profit_is_rounded_once_a_fill() {
        let mut position = position();
        fill(&mut position, "1.00001", "3");
        assert_eq!(fill(&mut position, "1.00335", "-1"), money("0"));
        assert_eq!(fill(&mut position, "1.00835", "-2"), money("0.02"));
        assert_eq!(position.cost, Money::ZERO);
    }

    #[test]
    fn a_multiplier_scales_notional_and_not_the_price() {
        let mut position = Position { multiplier: "50".parse().unwrap(), ..Position::default() };
        assert_eq!(fill(&mut position, "4000.25", "2"), money("0"));
        assert_eq!(position.cost, money("400025"));
        assert_eq!(position.average_price(), Some("4000.25".parse().unwrap()));
        assert_eq!(fill(&mut position, "4001.25", "-2"), money("100"));
    }

    proptest! {
        /// A rate near nothing, a multiplier near everything: booked, or said to be too much.
        #[test]
        fn no_amount_is_too_much_to_say_so(
            price in 1..=crate::units::FIXED_MAX,
            quantity in -crate::units::FIXED_MAX..=crate::units::FIXED_MAX,
            multiplier in prop_oneof![1..1_000_000_000_000_i64, Just(crate::units::FIXED_MAX)],
            rate in prop_oneof![1..20_i64, Just(1_000_000_000), Just(crate::units::FIXED_MAX)],
            inverse: bool,
            paid: bool,
        ) {
            let rate = Some(Rate { price: Price(rate), inverse });
            let mut position = Position { multiplier: Quantity(multiplier), paid, ..Position::default() };
            for (price, quantity) in [(price, quantity), (price / 2, -quantity / 3), (1, -quantity)] {
                let opens = position.quantity == Quantity::ZERO;
                let worth = position.worth(Price(price), Quantity(quantity), rate);
                let filled = position.fill(Price(price), Quantity(quantity), 2, rate);
                if opens && worth.is_beyond() {
                    prop_assert!(filled.is_err());
                }
                let unrealised = position.unrealised(Price(price), rate);
                prop_assert!(unrealised.abs() <= Money(8 * Money::MAX.0));
                position.average_price();
            }
        }

        /// Whatever the fills, closing everything leaves no cost, and P&L is what was sold minus what was bought, up
        /// to half a cent a fill.
        #[test]
        fn closing_leaves_nothing(fills in proptest::collection::vec((1..2_000_000_i64, -500..500_i64), 1..60)) {
            let mut position = position();
            let (mut cash, mut profit) = (Money::ZERO, Money::ZERO);
            let mut trade = |position: &mut Position, price: Price, quantity: Quantity| {
                cash -= price * quantity;
                profit += position.fill(price, quantity, 2, None).unwrap();
                (cash, profit)
            };
            let mut last = Price(SCALE);
            for (price, quantity) in &fills {
                last = Price(price * 1_000_000);
                trade(&mut position, last, Quantity(quantity * 1_000_000));
            }
            let rest = -position.quantity;
            let (cash, profit) = trade(&mut position, last, rest);
            prop_assert_eq!((position.quantity, position.cost), (Quantity::ZERO, Money::ZERO));
            prop_assert!((cash - profit).abs().0 <= 5_000_000 * (fills.len() as i128 + 1), "{} {}", cash, profit);
        }
    }
}
