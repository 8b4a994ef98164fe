//! `budget`: what a strategy among several holds, long and short added, is worth no more than its share of equity. It
//! looks at the strategy's own positions: what closes one of the account's may open one of the strategy's. So it is
//! asked before all others, and also of what closes for the account.

use super::{Request, reached, result};
use crate::account::{Account, Rate, converted, notional};
use crate::attribution::Attribution;
use crate::event::{Rule, RuleResult, Side};
use crate::ids::{InstrumentId, StrategyId};
use crate::market::Market;
use crate::order::Orders;
use crate::settings::{Instrument, Settings};
use crate::units::{Money, Price, Quantity, Ratio};

/// What a strategy among several holds already.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Own {
    /// The share of equity that it may hold; nothing of an instrument that is not its own.
    pub budget: Ratio,
    /// What it holds of the order's instrument.
    pub held: Quantity,
    /// The same once its working orders of the order's side are filled.
    pub reach: Quantity,
    /// What its other instruments are worth, each at the worse of what its working orders can lead to.
    pub others: Money,
}

impl Own {
    /// What `strategy` holds when it asks for an order; `None` where it does not share the account.
    pub fn of(
        strategy: StrategyId,
        request: &Request,
        settings: &Settings,
        attribution: &Attribution,
        account: &Account,
        markets: &[Market],
        orders: &Orders,
    ) -> Option<Own> {
        let shared = settings.shared(strategy)?;
        let ends = |index: usize| {
            let held = attribution.position(strategy, index);
            let instrument = InstrumentId(index as u32 + 1);
            let [bought, sold] = orders.working_by(strategy, instrument);
            [reached(held, bought), reached(held, sold)]
        };
        let index = request.instrument.index()?;
        let worth = |(other, instrument): (usize, &Instrument)| {
            let Ok(rate) = account.rate(other, markets) else { return Money::ZERO };
            let values = ends(other).map(|quantity| match markets[other].mark(quantity.signum()) {
                Some(mark) => converted(notional(mark, quantity, instrument.multiplier).abs(), rate),
                None => Money::ZERO,
            });
            values[0].max(values[1])
        };
        let others = settings.instruments.iter().enumerate().filter(|(other, _)| *other != index);
        let own = ends(index);
        Some(Own {
            budget: if shared.trades(request.instrument) { shared.budget } else { Ratio::ZERO },
            held: attribution.position(strategy, index),
            reach: if request.side == Side::Buy { own[0] } else { own[1] },
            others: others.map(worth).sum(),
        })
    }

    /// What the budget leaves of a request, of all of it, with the rule's numbers.
    pub(super) fn leave(
        &self,
        request: &Request,
        instrument: &Instrument,
        price: Price,
        rate: Option<Rate>,
        equity: Money,
    ) -> (Quantity, RuleResult) {
        let sign = request.side.sign();
        let stands = if request.reduce_only { self.held } else { self.reach };
        let closing = Quantity(stands.0.saturating_mul(-sign).clamp(0, request.quantity.0.max(0)));
        let kept = Quantity(stands.0 + closing.0 * sign);
        let opening = request.quantity - closing;
        let worth = |quantity| converted(notional(price, quantity, instrument.multiplier).abs(), rate);
        let before = self.others + worth(kept);
        let cost = |quantity| before + worth(quantity);
        let limit = equity.times(self.budget).max(Money::ZERO);
        // What closes goes, also beyond the budget.
        let granted = super::ask::most_within(instrument.lot, opening, limit, cost);
        // Odd lots of a split close no earlier than the rest of their lot does.
        let left = closing + granted;
        let left = if left == request.quantity { left } else { left.round_down_to(instrument.lot) };
        (left, result(Rule::Budget, opening, granted, limit, cost))
    }
}
