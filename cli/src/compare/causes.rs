//! Why two runs came to different results: market, sizing, spread, slippage, commission. The parts add up exactly.
//!
//! At every change of a price each run earns its position times the change. Where both hold the same direction and
//! another size, the difference is **sizing**. Everything else that is earned before costs is **market**: one was in
//! where the other was out, or on the other side, and what is open at the end is marked at its touch. Costs are
//! those of the fills.

use std::collections::BTreeMap;

use genovo_engine::event::{Event, Fact};
use genovo_engine::ids::InstrumentId;
use genovo_engine::settings::Settings;
use genovo_engine::units::{Money, SCALE, div_half_even};
use serde_json::{Value, json};

use super::folded::{Folded, Held};

/// What made a run's result differ from the first run's; every amount is the run's less the first's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Causes {
    /// All of it.
    pub total: Money,
    /// Being in the market at other times, or on the other side.
    pub market: Money,
    /// The same direction in another size; `None` where the runs' data differ, then it is part of `market`.
    pub sizing: Option<Money>,
    /// Middle to touch.
    pub spread: Money,
    /// Beyond the touch.
    pub slippage: Money,
    /// What venues charged.
    pub commission: Money,
}

impl Causes {
    /// The parts, each with its name; they sum to the total.
    pub fn parts(&self) -> Vec<(&'static str, Money)> {
        let mut parts = vec![("market", self.market)];
        parts.extend(self.sizing.map(|sizing| ("sizing", sizing)));
        parts.extend([("spread", self.spread), ("slippage", self.slippage), ("commission", self.commission)]);
        parts
    }

    /// For a program.
    pub fn to_json(&self) -> Value {
        json!({
            "total": self.total,
            "market": self.market,
            "sizing": self.sizing,
            "spread": self.spread,
            "slippage": self.slippage,
            "commission": self.commission,
        })
    }

    /// Of two runs; `sizing` comes from [`Sizing`].
    pub fn of(first: &Folded, other: &Folded, sizing: Option<Money>) -> Causes {
        let (a, b) = (&first.report.result, &other.report.result);
        let before_costs = b.before_costs - a.before_costs;
        let sizing = sizing.map(|sizing| sizing.round_to(first.report.digits()));
        Causes {
            total: b.total - a.total,
            market: before_costs - sizing.unwrap_or(Money::ZERO),
            sizing,
            spread: a.spread - b.spread,
            slippage: a.slippage - b.slippage,
            commission: a.commission - b.commission,
        }
    }
}

/// Walks along the prices that two runs share.
pub struct Sizing<'a> {
    settings: &'a Settings,
    runs: [Positions<'a>; 2],
    prices: BTreeMap<InstrumentId, Price>,
    market: u64,
    /// Sum over instruments in units of 1e-18 of twice the price, for each instrument.
    sums: BTreeMap<InstrumentId, i128>,
}

/// Twice the price of an instrument, so that no half of a middle is lost.
#[derive(Clone, Copy)]
struct Price {
    twice: i128,
    of_quotes: bool,
}

/// The positions of a run at some point of the market.
struct Positions<'a> {
    coming: &'a [Held],
    now: BTreeMap<InstrumentId, i64>,
}

impl Positions<'_> {
    /// Lets everything happen that came before the market event after `market` of them.
    fn advance(&mut self, market: u64) {
        while let Some((next, rest)) = self.coming.split_first() {
            if next.after > market {
                return;
            }
            self.now.insert(next.instrument, next.quantity.0);
            self.coming = rest;
        }
    }

    fn of(&self, instrument: InstrumentId) -> i128 {
        self.now.get(&instrument).copied().unwrap_or(0).into()
    }
}

impl<'a> Sizing<'a> {
    /// For two runs over the same data; `None` when theirs is not the same.
    pub fn of(first: &'a Folded, other: &'a Folded) -> Option<Sizing<'a>> {
        let (a, b) = (first.settings()?, other.settings()?);
        let same = a.sources == b.sources
            && first.market == other.market
            && a.instruments.len() == b.instruments.len();
        let positions = |run: &'a Folded| Positions { coming: &run.positions, now: BTreeMap::new() };
        same.then(|| Sizing {
            settings: a,
            runs: [positions(first), positions(other)],
            prices: BTreeMap::new(),
            market: 0,
            sums: BTreeMap::new(),
        })
    }

    /// Takes the next event of the first run; others than the market's are passed over.
    #[inline]
    pub fn observe(&mut self, event: &Event) {
        let (twice, of_quotes) = match &event.fact {
            Fact::QuoteChanged(quote) => (i128::from(quote.bid.0) + i128::from(quote.ask.0), true),
            Fact::TradePrinted(trade) => (2 * i128::from(trade.price.0), false),
            Fact::BarReceived(bar) => (2 * i128::from(bar.close.0), false),
            fact if fact.kind().is_market() => {
                self.market += 1;
                return;
            }
            _ => return,
        };
        // What was filled before this event holds over the change that it brings.
        let [first, other] = &mut self.runs;
        first.advance(self.market);
        other.advance(self.market);
        self.market += 1;
        let instrument = event.header.instrument;
        let before = self.prices.get(&instrument).copied();
        if before.is_some_and(|before| before.of_quotes && !of_quotes) {
            return;
        }
        self.prices.insert(instrument, Price { twice, of_quotes });
        let Some(before) = before.filter(|before| before.of_quotes == of_quotes) else { return };
        let (a, b) = (first.of(instrument), other.of(instrument));
        if a != b && a.signum() == b.signum() {
            let earned = (b - a).checked_mul(twice - before.twice);
            let sum = self.sums.entry(instrument).or_default();
            *sum = sum.saturating_add(earned.unwrap_or(0));
        }
    }

    /// What the sizes made of it, in account currency.
    pub fn finish(self) -> Money {
        let worth = self.sums.iter().map(|(instrument, sum)| {
            let multiplier = self.settings.instrument(*instrument).map_or(SCALE, |one| one.multiplier.0);
            let once = div_half_even(*sum, 2 * i128::from(SCALE));
            Money(div_half_even(once * i128::from(multiplier), i128::from(SCALE)))
        });
        worth.sum()
    }
}
