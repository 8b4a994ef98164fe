//! What each strategy did, where several share the account.

use std::collections::BTreeMap;

use genovo_engine::account::{Account, Rate};
use genovo_engine::attribution::Attribution;
use genovo_engine::event::{CorporateAction, Decision, Fill, Order, Outcome, Quote, TradeCorrected, Verdict};
use genovo_engine::ids::{OrderId, Sequence, StrategyId};
use genovo_engine::market::Market;
use genovo_engine::settings::Settings;
use genovo_engine::units::{Price, Quantity, Ratio};

use super::figures::StrategyFigures;

/// Follows decisions and fills by strategy; nothing where there are not several.
#[derive(Debug, Default)]
pub struct Strategies {
    followed: Option<Box<Followed>>,
}

#[derive(Debug)]
struct Followed {
    account: Account,
    attribution: Attribution,
    owners: BTreeMap<OrderId, StrategyId>,
    figures: Vec<StrategyFigures>,
    /// The decision under way, and whose it is.
    decided: (Sequence, Option<usize>),
}

impl Strategies {
    /// The run's settings are known.
    pub fn started(&mut self, settings: &Settings) {
        if settings.strategies.is_empty() {
            return;
        }
        let figures = settings.strategies.iter().map(|shared| StrategyFigures {
            name: shared.name.clone(),
            kind: shared.strategy.kind.clone(),
            budget: shared.budget.0 as f64 / Ratio::ONE.0 as f64,
            ..StrategyFigures::default()
        });
        self.followed = Some(Box::new(Followed {
            account: Account::new(settings),
            attribution: Attribution::new(settings),
            owners: BTreeMap::new(),
            figures: figures.collect(),
            decided: (Sequence::NONE, None),
        }));
    }

    /// A decision.
    pub fn decided(&mut self, sequence: Sequence, decision: &Decision) {
        let Some(followed) = &mut self.followed else { return };
        let own = followed.figures.iter_mut().position(|one| one.name == decision.strategy);
        followed.decided = (sequence, own);
        if let Some(own) = own {
            followed.figures[own].decisions += 1;
        }
    }

    /// Risk's answer to an action of the decision that is its cause.
    pub fn assessed(&mut self, cause: Sequence, verdict: &Verdict) {
        let Some(followed) = &mut self.followed else { return };
        let (decided, own) = followed.decided;
        let Some(figures) = own.filter(|_| decided == cause).and_then(|own| followed.figures.get_mut(own))
        else {
            return;
        };
        match verdict.outcome {
            Outcome::Allowed => {}
            Outcome::Reduced => figures.reduced += 1,
            Outcome::Denied => figures.denied += 1,
        }
    }

    /// An order left.
    pub fn submitted(&mut self, order: &Order) {
        let Some(followed) = &mut self.followed else { return };
        let own = order.strategy.index().and_then(|own| followed.figures.get_mut(own));
        if let Some(figures) = own {
            figures.orders += 1;
            followed.owners.insert(order.order, order.strategy);
        }
    }

    /// An order was filled in part or whole.
    pub fn filled(&mut self, index: usize, fill: &Fill) {
        let Some(followed) = &mut self.followed else { return };
        if index >= followed.account.positions.len() {
            // A journal of others may define more instruments than its settings do.
            return;
        }
        let owner = followed.owners.get(&fill.order).copied().unwrap_or_default();
        if let Some(figures) = owner.index().and_then(|own| followed.figures.get_mut(own)) {
            figures.fills += 1;
        }
        // What the engine could book can be booked again.
        if let Ok(rate) = followed.account.rate_of(index, fill) {
            let _ = followed.attribution.fill(index, owner, fill, rate);
        }
    }

    /// An execution was taken back, or holds at another price; `rate` is the one of now.
    pub fn corrected(&mut self, index: usize, trade: &TradeCorrected, rate: Option<Rate>) {
        let Some(followed) = self.followed.as_mut().filter(|one| index < one.account.positions.len()) else {
            return;
        };
        let owner = followed.owners.get(&trade.order).copied().unwrap_or_default();
        let figures = owner.index().and_then(|own| followed.figures.get_mut(own));
        if let (Some(figures), None) = (figures, trade.corrected) {
            figures.fills = figures.fills.saturating_sub(1);
        }
        // What the engine could book can be booked again.
        let _ = followed.attribution.correct(index, owner, trade, rate);
    }

    /// A split or a dividend, after which the account holds `whole`.
    pub fn acted(&mut self, index: usize, action: &CorporateAction, whole: Quantity) {
        if let Some(followed) = self.followed.as_mut().filter(|one| index < one.account.positions.len()) {
            followed.attribution.act(index, action, whole);
        }
    }

    /// The figures, with what is open at these bids, asks and last prices.
    pub fn finish(self, markets: &[Market]) -> Vec<StrategyFigures> {
        let Some(followed) = self.followed else { return Vec::new() };
        let Followed { account, attribution, mut figures, .. } = *followed;
        for (figures, share) in figures.iter_mut().zip(attribution.shares()) {
            figures.commission = share.commissions;
            for (index, position) in share.positions.iter().enumerate() {
                figures.realised += position.realised;
                let market = markets.get(index).copied().unwrap_or_default();
                if let (Some(mark), Ok(rate)) =
                    (market.mark(position.quantity.signum()), account.rate(index, markets))
                    && position.quantity != Quantity::ZERO
                {
                    figures.open += position.unrealised(mark, rate);
                }
            }
            figures.result = figures.realised + figures.open - figures.commission;
        }
        figures
    }
}

/// A market with these prices.
pub fn market(bid: Option<Price>, ask: Option<Price>, last: Option<Price>) -> Market {
    let quote = bid.zip(ask).map(|(bid, ask)| Quote { bid, ask, bid_size: None, ask_size: None });
    Market { quote, last }
}
