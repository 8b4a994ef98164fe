//! Executions that a broker takes back or changes the price of, after the report has counted them.
//!
//! Equity follows the engine, which books the opposite at once. Trades, costs and counts are restated: made again from
//! the instrument's executions that hold, as if the others had never been. So a live session's are kept.

use std::collections::BTreeMap;

use genovo_engine::event::{CorporateAction, Fill, Header, PositionEffect, TradeCorrected};
use genovo_engine::units::{FIXED_MAX, Price, Timestamp};

use super::builder::{ReportBuilder, within};
use super::costs::FillCost;
use super::figures::Trade;
use super::held::Held;
use super::position::Market;

/// What became of positions so far, in order; kept where it can be corrected.
#[derive(Debug, Default)]
pub struct Executions {
    kept: bool,
    list: Vec<Entry>,
}

/// Something that changed what is held of an instrument, with the market that it met.
#[derive(Debug)]
struct Entry {
    index: usize,
    time: Timestamp,
    market: Market,
    /// The rate from the instrument's currency.
    rate: Option<Price>,
    what: What,
}

#[derive(Debug)]
enum What {
    Fill {
        fill: Box<Fill>,
        effect: PositionEffect,
        cost: FillCost,
    },
    Action(CorporateAction),
    /// A correction of what was not found among the executions, or holds together with others only so.
    Correction(TradeCorrected, PositionEffect),
}

impl Executions {
    /// From now on they are kept: answers are a broker's.
    pub fn keep(&mut self) {
        self.kept = true;
    }

    /// An execution in the instrument at `index`.
    pub fn filled(
        &mut self,
        index: usize,
        held: &Held,
        fill: &Fill,
        effect: PositionEffect,
        cost: FillCost,
        time: Timestamp,
    ) {
        if self.kept {
            let what = What::Fill { fill: Box::new(fill.clone()), effect, cost };
            let last = held.position.market.last.or(Some(fill.price));
            let market = Market { bid: fill.bid, ask: fill.ask, last };
            // The rate by which its costs were converted; the fill names the one of its profit.
            let rate = held.rate().map(|rate| rate.price);
            self.list.push(Entry { index, time, market, rate, what });
        }
    }

    /// A split or a dividend of the instrument at `index`; `held` is from before it.
    pub fn acted(&mut self, index: usize, held: &Held, action: &CorporateAction, time: Timestamp) {
        if self.kept {
            let rate = held.rate().map(|rate| rate.price);
            let what = What::Action(*action);
            self.list.push(Entry { index, time, market: held.position.market, rate, what });
        }
    }

    /// The execution that a correction is about: the latest of its order that says the same.
    fn find(&self, index: usize, trade: &TradeCorrected) -> Option<usize> {
        self.list.iter().rposition(|entry| {
            matches!(&entry.what, What::Fill { fill, .. } if entry.index == index
                && (fill.order, fill.side, fill.quantity, fill.price)
                    == (trade.order, trade.side, trade.quantity, trade.price))
        })
    }

    /// What holding an instrument came to, `left_out` left out, made again from nothing.
    fn again(&self, index: usize, held: &Held, left_out: Option<usize>) -> (Held, Vec<Trade>) {
        let (mut again, mut closed) = (held.emptied(), Vec::new());
        for (place, entry) in self.list.iter().enumerate() {
            if entry.index != index || Some(place) == left_out {
                continue;
            }
            again.position.market = entry.market;
            again.exchange(entry.rate);
            again.mark();
            closed.extend(match &entry.what {
                What::Fill { fill, effect, .. } => again.fill(fill, *effect, entry.time).0,
                What::Action(action) => again.act(action, entry.time).2,
                What::Correction(trade, effect) => again.correct(trade, *effect, entry.time).0,
            });
        }
        again.position.market = held.position.market;
        again.exchange(held.rate().map(|rate| rate.price));
        again.mark();
        (again, closed)
    }

    fn costs(&self) -> impl Iterator<Item = &FillCost> {
        self.list.iter().filter_map(|entry| match &entry.what {
            What::Fill { cost, .. } => Some(cost),
            What::Action(_) | What::Correction(..) => None,
        })
    }
}

impl ReportBuilder {
    /// A broker took an execution back, or changed its price.
    pub(super) fn corrected(&mut self, header: &Header, trade: &TradeCorrected) {
        self.go_on_to(header.time_received);
        let Some(index) = header.instrument.index().filter(|index| *index < self.instruments.len()) else {
            return;
        };
        let prices = [Some(trade.price), trade.corrected];
        let can_be = (1..=FIXED_MAX).contains(&trade.quantity.0) && !trade.commission.is_beyond();
        if !can_be || !prices.into_iter().flatten().all(within) {
            return;
        }
        match trade.corrected {
            None => self.counts.taken_back += 1,
            Some(_) => self.counts.repriced += 1,
        }
        let effect = self.effects.get(&trade.order).copied().unwrap_or_default();
        let seen = &self.instruments[index];
        let (was_open, rate) = (seen.held.is_open(), seen.held.rate());
        // What the engine makes of it: this is the change of equity, and this much is held from now on.
        let mut booked = seen.held.clone();
        let (ended, change) = booked.correct(trade, effect, self.now);
        self.strategies.corrected(index, trade, rate);
        self.costs.commission = self.costs.commission.add_bounded(trade.commission);
        if self.executions.kept {
            let found = self.executions.find(index, trade);
            let restated = found.and_then(|place| self.restate(index, place, trade, &booked));
            let (mut held, closed) = restated.unwrap_or_else(|| {
                let market = self.instruments[index].held.position.market;
                let what = What::Correction(*trade, effect);
                let rate = rate.map(|rate| rate.price);
                self.executions.list.push(Entry { index, time: self.now, market, rate, what });
                self.executions.again(index, &self.instruments[index].held, None)
            });
            held.keep_marks(&self.instruments[index].held);
            self.instruments[index].held = held;
            self.replace_trades(index, closed);
        } else {
            // No world but a live one has corrections; a journal may hold anything.
            self.instruments[index].held = booked;
            self.trades.extend(ended);
        }
        self.equity = self.equity.saturating_add(change);
        self.count_open(was_open, self.instruments[index].held.is_open());
        self.follow();
        self.sample();
    }

    /// Changes the execution at `place`, or takes it out, where that leaves what the engine holds.
    fn restate(
        &mut self,
        index: usize,
        place: usize,
        trade: &TradeCorrected,
        booked: &Held,
    ) -> Option<(Held, Vec<Trade>)> {
        let held = &self.instruments[index].held;
        let mut at_rate = held.emptied().position;
        let entry = &mut self.executions.list[place];
        at_rate.exchange(entry.rate);
        let What::Fill { fill, cost, .. } = &mut entry.what else { return None };
        let Some(price) = trade.corrected else {
            let again = self.executions.again(index, held, Some(place));
            if again.0.quantities() != booked.quantities() {
                return None;
            }
            self.counts.fills = self.counts.fills.saturating_sub(1);
            if let What::Fill { cost, .. } = self.executions.list.remove(place).what {
                self.turn_over(-cost.notional);
                self.costs.corrected(&cost, None, self.executions.costs());
            }
            self.redraw(trade);
            return Some(again);
        };
        let was = *cost;
        fill.price = price;
        fill.commission = fill.commission.add_bounded(trade.commission);
        *cost = was.again(fill, &at_rate);
        let now = *cost;
        self.turn_over(now.notional);
        self.turn_over(-was.notional);
        self.costs.corrected(&was, Some(&now), self.executions.costs());
        self.redraw(trade);
        // How much is held does not depend on prices.
        Some(self.executions.again(index, &self.instruments[index].held, None))
    }

    /// The trades of an instrument are these now. One that was there before keeps how far it stood below and above: the
    /// ticks meanwhile are not seen again.
    fn replace_trades(&mut self, index: usize, mut now: Vec<Trade>) {
        let symbol = &self.instruments[index].held.position.symbol;
        let of_it = |trade: &Trade| trade.instrument == *symbol;
        let key = |trade: &Trade| (trade.order_in, trade.opened, trade.closed);
        let mut marks = BTreeMap::new();
        for was in self.trades.iter().filter(|was| of_it(was)) {
            marks.entry(key(was)).or_insert((was.worst_mark, was.best_mark));
        }
        for trade in &mut now {
            if let Some(&(worst, best)) = marks.get(&key(trade)) {
                (trade.worst_mark, trade.best_mark) =
                    (trade.worst_mark.min(worst), trade.best_mark.max(best));
            }
        }
        self.trades.retain(|trade| !of_it(trade));
        self.trades.extend(now);
        self.trades.sort_by_key(|trade| trade.closed.0);
    }

    /// The execution in the chart of prices is gone, or moves.
    fn redraw(&mut self, trade: &TradeCorrected) {
        let drawn = self.fills.iter().rposition(|drawn| {
            (drawn.order, drawn.quantity, drawn.price) == (trade.order, trade.quantity, trade.price.as_f64())
        });
        match (drawn, trade.corrected) {
            (Some(place), Some(price)) => self.fills[place].price = price.as_f64(),
            (Some(place), None) => drop(self.fills.remove(place)),
            // More than are drawn.
            (None, _) => {}
        }
    }
}
