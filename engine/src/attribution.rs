//! Who holds what, where several strategies share an account: each has positions of its own, which net among
//! themselves, and together they are the account's.
//!
//! The account nets all of them, so their P&L is booked twice, by strategy and by account; both come to the same in the
//! end, up to the spread on what offsets and to rounding. Dividends and financing are the account's alone.

use crate::account::{Position, PositionOverflow, Rate};
use crate::event::{CorporateAction, Fill, TradeCorrected};
use crate::ids::StrategyId;
use crate::settings::Settings;
use crate::units::{Money, Quantity};

/// What one strategy holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Share {
    /// One position an instrument.
    pub positions: Vec<Position>,
    /// The commissions that it paid.
    pub commissions: Money,
}

/// What each strategy holds; of none where there is only one.
#[derive(Clone, Debug, PartialEq)]
pub struct Attribution {
    shares: Vec<Share>,
    digits: u8,
}

crate::state! { Share { [positions], commissions } }
crate::state! { Attribution { [shares] } }

impl Attribution {
    /// Nobody holds anything.
    pub fn new(settings: &Settings) -> Attribution {
        let none = |instrument| Position::none_of(instrument, settings.account.kind);
        let positions: Vec<Position> = settings.instruments.iter().map(none).collect();
        let share = Share { positions, commissions: Money::ZERO };
        Attribution { shares: vec![share; settings.strategies.len()], digits: settings.account.digits }
    }

    /// What each holds, in the order of the settings.
    pub fn shares(&self) -> &[Share] {
        &self.shares
    }

    /// What a strategy holds of the instrument at `index`; nothing where there are not several.
    pub fn position(&self, strategy: StrategyId, index: usize) -> Quantity {
        let share = strategy.index().and_then(|strategy| self.shares.get(strategy));
        share
            .and_then(|share| share.positions.get(index))
            .map_or(Quantity::ZERO, |position| position.quantity)
    }

    /// Books an execution of the instrument at `index` by an order of `strategy`.
    ///
    /// What no strategy ordered (the operator, a margin call, a stop that protects the account) closes what they hold
    /// on the other side, in the order of the settings; the first takes what there is beyond.
    pub fn fill(
        &mut self,
        index: usize,
        strategy: StrategyId,
        fill: &Fill,
        rate: Option<Rate>,
    ) -> Result<(), PositionOverflow> {
        if self.shares.is_empty() {
            return Ok(());
        }
        if let Some(own) = strategy.index().filter(|own| *own < self.shares.len()) {
            return self.book(own, index, fill, fill.quantity, fill.commission, rate);
        }
        let (mut left, mut commission) = (fill.quantity, fill.commission);
        for own in 0..self.shares.len() {
            let held = self.shares[own].positions[index].quantity.0;
            let against = Quantity(held.saturating_mul(-fill.side.sign()).clamp(0, left.0));
            if against > Quantity::ZERO {
                let part = if against == left { commission } else { commission.share(against, left) };
                self.book(own, index, fill, against, part, rate)?;
                (left, commission) = (left - against, commission - part);
            }
        }
        if left > Quantity::ZERO {
            self.book(0, index, fill, left, commission, rate)?;
        }
        Ok(())
    }

    fn book(
        &mut self,
        own: usize,
        index: usize,
        fill: &Fill,
        quantity: Quantity,
        commission: Money,
        rate: Option<Rate>,
    ) -> Result<(), PositionOverflow> {
        let share = &mut self.shares[own];
        share.commissions += commission;
        let quantity = Quantity(quantity.0 * fill.side.sign());
        share.positions[index].fill(fill.price, quantity, self.digits, rate).map(|_| ())
    }

    /// Takes an execution back, and books it at the price that holds, if it ever was. One that no strategy ordered is
    /// the first one's.
    pub fn correct(
        &mut self,
        index: usize,
        strategy: StrategyId,
        trade: &TradeCorrected,
        rate: Option<Rate>,
    ) -> Result<(), PositionOverflow> {
        let own = strategy.index().filter(|own| *own < self.shares.len()).unwrap_or(0);
        let Some(share) = self.shares.get_mut(own) else { return Ok(()) };
        let quantity = Quantity(trade.quantity.0 * trade.side.sign());
        let position = &mut share.positions[index];
        position.fill(trade.price, -quantity, self.digits, rate)?;
        if let Some(price) = trade.corrected {
            position.fill(price, quantity, self.digits, rate)?;
        }
        share.commissions += trade.commission;
        Ok(())
    }

    /// A split of the instrument at `index`, of which the account has `whole` afterwards. What whole lots cannot hold
    /// is paid out to the account; it is lost at cost, by the first that hold any on that side.
    pub fn act(&mut self, index: usize, action: &CorporateAction, whole: Quantity) {
        let CorporateAction::Split { new, old } = *action else { return };
        let mut positions: Vec<&mut Position> =
            self.shares.iter_mut().map(|share| &mut share.positions[index]).collect();
        for position in &mut positions {
            let units = i128::from(position.quantity.0) * i128::from(new) / i128::from(old.max(1));
            let most = i128::from(crate::units::FIXED_MAX);
            position.quantity = Quantity(units.clamp(-most, most) as i64);
        }
        let sum = positions.iter().fold(0_i64, |sum, position| sum.saturating_add(position.quantity.0));
        let mut odd = sum.saturating_sub(whole.0);
        for position in &mut positions {
            let held = position.quantity.0;
            if held.signum() != odd.signum() {
                continue;
            }
            let lost = if held.abs() < odd.abs() { held } else { odd };
            if lost != 0 {
                position.cost -= position.cost.share(Quantity(lost), position.quantity);
                position.quantity = Quantity(held - lost);
                odd -= lost;
            }
        }
        // What single splits rounded off together: less than a unit each.
        if let Some(first) = positions.first_mut() {
            first.quantity = Quantity(first.quantity.0.saturating_sub(odd));
        }
    }

    /// Adds what each holds to the state's hash; nothing where there are not several.
    pub fn add_to_hash(&self, hasher: &mut blake3::Hasher) {
        for share in &self.shares {
            hasher.update(&share.commissions.0.to_le_bytes());
            for position in &share.positions {
                hasher.update(&position.quantity.0.to_le_bytes());
                hasher.update(&position.cost.0.to_le_bytes());
                hasher.update(&position.realised.0.to_le_bytes());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(units: i64, cost: i128) -> Share {
        let mut position = Position::default();
        (position.quantity, position.cost) = (Quantity(units), Money(cost));
        Share { positions: vec![position], commissions: Money::ZERO }
    }

    /// Units and cost of each after a split of one new for ten old.
    fn after_split(shares: [(i64, i128); 3], whole: i64) -> Vec<(i64, i128)> {
        let shares = shares.map(|(units, cost)| share(units, cost)).to_vec();
        let mut attribution = Attribution { shares, digits: 2 };
        attribution.act(0, &CorporateAction::Split { new: 1, old: 10 }, Quantity(whole));
        let held = attribution.shares.iter().map(|share| &share.positions[0]);
        held.map(|position| (position.quantity.0, position.cost.0)).collect()
    }

    #[test]
    fn what_a_split_leaves_beyond_whole_lots_goes_at_cost_and_turns_nobody() {
        // 1 and 98 become 0.1 and 9.8, of which the account keeps 9: the first has nothing left, and no cost.
        let unit = 100_000;
        let held = after_split([(unit, 700), (98 * unit, 9_800), (0, 0)], 9 * unit);
        assert_eq!(held, [(0, 0), (9 * unit, 9_000), (0, 0)]);
        // Who is short of what the others are long keeps it.
        let held = after_split([(-20 * unit, -400), (45 * unit, 900), (0, 0)], 2 * unit);
        assert_eq!(held, [(-2 * unit, -400), (4 * unit, 800), (0, 0)]);
        // A short account loses from those that are short.
        let held = after_split([(5 * unit, 50), (-18 * unit, -360), (-7 * unit, -70)], -unit);
        assert_eq!(held, [(unit / 2, 50), (-8 * unit / 10, -160), (-7 * unit / 10, -70)]);
        assert!(after_split([(0, 0); 3], 0).iter().all(|one| *one == (0, 0)));
    }
}
