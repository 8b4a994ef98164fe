//! Cash and positions: one netting account in one currency.
//!
//! A position is carried at the sum of what it cost, not at an average price, so that nothing is lost to rounding
//! before it is closed. P&L and commission are rounded to the currency's digits, half to even, once a fill.

use crate::event::{Fill, TradeCorrected};
use crate::market::Market;
use crate::settings::{AccountKind, Settings};
use crate::units::{Money, Price, Quantity, Ratio, SCALE};

/// What is held of one instrument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// How much; negative when short.
    pub quantity: Quantity,
    /// What it cost: price × quantity × multiplier of what is open, with the sign of `quantity`.
    pub cost: Money,
    /// P&L of what was closed, commission not included.
    pub realised: Money,
    multiplier: Quantity,
}

/// More than the account can count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the position would pass the largest quantity there is")]
pub struct PositionOverflow;

/// Price × quantity × multiplier.
#[inline]
pub fn notional(price: Price, quantity: Quantity, multiplier: Quantity) -> Money {
    let value = price * quantity;
    if multiplier.0 == SCALE { value } else { value.times(Ratio(multiplier.0)) }
}

impl Position {
    /// Books a fill of `quantity` (signed) at `price`; the P&L of the part that closes, rounded to `digits`.
    fn fill(&mut self, price: Price, quantity: Quantity, digits: u8) -> Result<Money, PositionOverflow> {
        let after = self.quantity.0.checked_add(quantity.0).ok_or(PositionOverflow)?;
        let mut profit = Money::ZERO;
        let mut opening = quantity;
        if self.quantity.signum() * quantity.signum() < 0 {
            let closing = Quantity(quantity.0.abs().min(self.quantity.0.abs()) * self.quantity.signum());
            let cost = self.cost.share(closing, self.quantity);
            profit = (notional(price, closing, self.multiplier) - cost).round_to(digits);
            self.cost -= cost;
            opening = quantity + closing;
        }
        if opening != Quantity::ZERO {
            self.cost += notional(price, opening, self.multiplier);
        }
        self.quantity = Quantity(after);
        self.realised += profit;
        Ok(profit)
    }

    /// What closing at `mark` would add to the cash.
    #[inline]
    pub fn unrealised(&self, mark: Price) -> Money {
        notional(mark, self.quantity, self.multiplier) - self.cost
    }

    /// The mean price of what is open, rounded to 1e-9; for people, never for sums.
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
    /// One position an instrument.
    pub positions: Vec<Position>,
    digits: u8,
}

impl Account {
    /// An account with its starting cash and no positions.
    pub fn new(settings: &Settings) -> Account {
        let position = |multiplier| Position { multiplier, ..Position::default() };
        Account {
            kind: settings.account.kind,
            balance: settings.account.cash,
            commissions: Money::ZERO,
            positions: settings
                .instruments
                .iter()
                .map(|instrument| position(instrument.multiplier))
                .collect(),
            digits: settings.account.digits,
        }
    }

    /// Books an execution of the instrument at `index`; its P&L before commission.
    pub fn fill(&mut self, index: usize, fill: &Fill) -> Result<Money, PositionOverflow> {
        let quantity = Quantity(fill.quantity.0 * fill.side.sign());
        let profit = self.positions[index].fill(fill.price, quantity, self.digits)?;
        self.balance += profit - fill.commission;
        self.commissions += fill.commission;
        Ok(profit)
    }

    /// Takes an execution of the instrument at `index` back, and books it at the price that holds, if it ever was.
    ///
    /// Equity comes out exactly; how much of a correction counts as realised depends on what was traded since.
    pub fn correct(&mut self, index: usize, trade: &TradeCorrected) -> Result<(), PositionOverflow> {
        let quantity = Quantity(trade.quantity.0 * trade.side.sign());
        let position = &mut self.positions[index];
        let mut profit = position.fill(trade.price, -quantity, self.digits)?;
        if let Some(price) = trade.corrected {
            profit += position.fill(price, quantity, self.digits)?;
        }
        self.balance += profit - trade.commission;
        self.commissions += trade.commission;
        Ok(())
    }

    /// Balance and open P&L at the prices at which everything could be closed. A position whose market is unknown
    /// counts at cost.
    pub fn equity(&self, markets: &[Market]) -> Money {
        let open =
            self.positions.iter().zip(markets).filter(|(position, _)| position.quantity != Quantity::ZERO);
        let profits = open.map(|(position, market)| match market.mark(position.quantity.signum()) {
            Some(mark) => position.unrealised(mark),
            None => Money::ZERO,
        });
        self.balance + profits.sum()
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
        position.fill(price.parse().unwrap(), quantity.parse().unwrap(), 2).unwrap()
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
        assert_eq!(position.unrealised("98".parse().unwrap()), money("10"));
        assert_eq!(fill(&mut position, "98", "5"), money("10"));
        assert_eq!(
            (position.quantity, position.cost, position.realised),
            (Quantity(0), money("0"), money("-50"))
        );
        assert_eq!(position.average_price(), None);
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
        /// Whatever the fills, closing everything leaves no cost, and P&L is what was sold minus what was bought, up
        /// to half a cent a fill.
        #[test]
        fn closing_leaves_nothing(fills in proptest::collection::vec((1..2_000_000_i64, -500..500_i64), 1..60)) {
            let mut position = position();
            let (mut cash, mut profit) = (Money::ZERO, Money::ZERO);
            let mut trade = |position: &mut Position, price: Price, quantity: Quantity| {
                cash -= price * quantity;
                profit += position.fill(price, quantity, 2).unwrap();
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
