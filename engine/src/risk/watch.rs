//! What the rules know of the past: when markets were last heard of, what was sent and filled lately, where equity
//! stood, how prices move. Only what a control needs is kept.

use std::collections::VecDeque;

use crate::bars::span_start;
use crate::canonical::fields;
use crate::event::{CorporateAction, OrderKind, Regime, RegimeChanged, Side};
use crate::ids::{InstrumentId, OrderId};
use crate::market::Market;
use crate::portfolio::covariance::Covariance;
use crate::settings::{Controls, Frequency, Settings};
use crate::units::{Money, Nanoseconds, Quantity, Timestamp};

/// How much slower the usual volatility forgets than the present one.
const USUAL_OVER: f64 = 8.0;

/// The times of the last so many of something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recent {
    frequency: Frequency,
    times: VecDeque<Timestamp>,
}

crate::state! { Recent { times } if |it| it.times.len() <= it.frequency.count as usize }

impl Recent {
    /// Counts against this.
    pub fn new(frequency: Frequency) -> Recent {
        let most = frequency.count.clamp(1, Frequency::COUNT_MAX);
        let times = VecDeque::with_capacity(most as usize);
        Recent { frequency: Frequency { count: most, ..frequency }, times }
    }

    /// Counts against this from now on, with what is remembered already.
    pub fn following(frequency: Frequency, before: Option<&Recent>) -> Recent {
        let mut recent = Recent::new(frequency);
        for time in before.iter().flat_map(|before| &before.times) {
            recent.push(*time);
        }
        recent
    }

    /// One more.
    pub fn push(&mut self, now: Timestamp) {
        if self.times.len() == self.frequency.count as usize {
            self.times.pop_front();
        }
        self.times.push_back(now);
    }

    /// How many lie within the time that ends now; the limit where there are more.
    pub fn count(&self, now: Timestamp) -> u32 {
        let within = |time: &&Timestamp| now - **time < self.frequency.per;
        self.times.iter().rev().take_while(within).count() as u32
    }

    /// Whether another one would be too many.
    pub fn is_full(&self, now: Timestamp) -> bool {
        self.times.len() == self.frequency.count as usize
            && self.times.front().is_some_and(|first| now - *first < self.frequency.per)
    }
}

/// An order as it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Whose order.
    pub instrument: InstrumentId,
    /// Buy or sell.
    pub side: Side,
    /// How it executes.
    pub kind: OrderKind,
    /// How much was asked for.
    pub quantity: Quantity,
    /// The position that it closes, where it names one.
    pub closes: OrderId,
}

/// Where equity stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The highest so far.
    pub peak: Money,
    /// The first of the trading day.
    pub day_start: Money,
    /// Whether the day's loss was reached.
    pub day_lost: bool,
    day_end: Timestamp,
}

fields! {
    Sent { instrument, side, kind, quantity, closes }
    Mark { peak, day_start, day_lost, day_end }
}

/// What the rules know of the past.
#[derive(Clone, Debug, PartialEq)]
pub struct Watch {
    /// When each market was last heard of.
    pub(super) seen: Vec<Option<Timestamp>>,
    /// Orders and replacements.
    pub sent: Option<Recent>,
    /// Fills by instrument, buys before sells.
    pub(super) executions: Vec<[Recent; 2]>,
    /// Whether the fills were too many at some time since somebody said to go on.
    pub stopped: bool,
    /// Orders within the time in which the same again is a mistake, oldest first.
    pub(super) orders: VecDeque<(Timestamp, Sent)>,
    /// Where equity stood.
    pub mark: Option<Mark>,
    /// How prices move, and how they usually do.
    pub(super) samples: Option<[Covariance; 2]>,
    next_sample: Timestamp,
    /// What was last said of each market's regime; empty without samples.
    pub(super) regimes: Vec<Regime>,
    /// The share of capital that each instrument gets; empty until all were sampled often enough.
    pub(super) weights: Vec<f64>,
    /// When the trading day ends, as time since 00:00 UTC.
    day_end: Nanoseconds,
}

crate::state! {
    Watch { [seen], (sent), [executions], stopped, orders, mark, (samples), next_sample, [regimes], weights }
}

impl Watch {
    /// Knows nothing yet.
    pub fn new(settings: &Settings) -> Watch {
        let controls = &settings.risk.controls;
        let count = settings.instruments.len();
        let cash = settings.account.cash;
        let executions = controls.max_executions.map(|frequency| {
            let recent = Recent::new(frequency);
            vec![[recent.clone(), recent]; count]
        });
        let samples = controls.needs_samples().then(|| Watch::covariances(controls, count));
        let mark = Watch::mark_at(cash);
        Watch {
            seen: vec![None; if controls.stale_after.is_some() { count } else { 0 }],
            sent: controls.max_order_rate.map(Recent::new),
            executions: executions.unwrap_or_default(),
            stopped: false,
            orders: VecDeque::new(),
            mark: controls.follows_equity().then_some(mark),
            regimes: vec![Regime::Unknown; if samples.is_some() { count } else { 0 }],
            samples,
            next_sample: Timestamp::MIN,
            weights: Vec::new(),
            day_end: settings.venue.day_end,
        }
    }

    /// What is known of equity when it is first followed.
    pub(super) fn mark_at(equity: Money) -> Mark {
        Mark { peak: equity, day_start: equity, day_lost: false, day_end: Timestamp::MIN }
    }

    /// How prices move, before any was sampled.
    pub(super) fn covariances(controls: &Controls, count: usize) -> [Covariance; 2] {
        let decay = controls.measure.decay.as_f64();
        let usual = 1.0 - (1.0 - decay) / USUAL_OVER;
        [Covariance::new(count, decay), Covariance::new(count, usual)]
    }

    /// A market was heard of.
    #[inline]
    pub fn heard(&mut self, index: usize, now: Timestamp) {
        if let Some(seen) = self.seen.get_mut(index) {
            *seen = Some(now);
        }
    }

    /// For how long a market has been silent.
    pub fn silence(&self, index: usize, now: Timestamp) -> Option<Nanoseconds> {
        self.seen.get(index).copied().flatten().map(|seen| now - seen)
    }

    /// Whether prices are to be sampled before what happens now is known.
    #[inline]
    pub fn is_sample_due(&self, now: Timestamp) -> bool {
        self.samples.is_some() && now >= self.next_sample
    }

    /// Samples the prices as they were before what happens now.
    pub fn sample(&mut self, controls: &Controls, now: Timestamp, markets: &[Market]) {
        let interval = Nanoseconds(controls.measure.sample.0.max(1));
        let first = self.next_sample == Timestamp::MIN;
        self.next_sample = span_start(now, interval) + interval;
        if first {
            return;
        }
        for covariance in self.samples.iter_mut().flatten() {
            covariance.sample(markets.iter().map(|market| market.middle().map(|price| price.as_f64())));
        }
        if let (Some(rule), Some([now, _])) = (controls.allocation, &self.samples)
            && (0..now.len()).all(|index| now.knows(index))
        {
            self.weights = rule.weights(now.covariances(), now.len());
        }
    }

    /// How prices move together, once this instrument was sampled often enough.
    pub fn covariance(&self, index: usize) -> Option<&Covariance> {
        self.samples.as_ref().map(|[now, _]| now).filter(|now| now.knows(index))
    }

    /// The share of capital that an instrument gets.
    pub fn weight(&self, index: usize) -> Option<f64> {
        self.weights.get(index).copied()
    }

    /// The volatility of an instrument as a multiple of its usual one.
    pub fn stress(&self, index: usize) -> Option<f64> {
        let [now, usual] = self.samples.as_ref()?;
        let is_known = now.knows(index) && usual.volatility(index) > 0.0;
        is_known.then(|| now.volatility(index) / usual.volatility(index))
    }

    /// The regime of a market, where it is another one than when this was last asked.
    pub fn regime_changed(&mut self, controls: &Controls, index: usize) -> Option<RegimeChanged> {
        let stress_at = controls.stress_at?;
        let [now, usual] = self.samples.as_ref()?;
        let regime = match self.stress(index) {
            None => Regime::Unknown,
            Some(stress) if stress < stress_at.as_f64() => Regime::Calm,
            Some(_) => Regime::Stressed,
        };
        let (volatility, usual) = (now.volatility(index), usual.volatility(index));
        let before = std::mem::replace(self.regimes.get_mut(index)?, regime);
        (before != regime).then_some(RegimeChanged { before, now: regime, volatility, usual, stress_at })
    }

    /// A split or a dividend.
    pub fn adjust(&mut self, index: usize, action: &CorporateAction) {
        for covariance in self.samples.iter_mut().flatten() {
            covariance.adjust(index, action);
        }
    }

    /// Takes in what the account is worth; whether it has fallen as far as `hard` allows.
    #[inline]
    pub fn equity(&mut self, controls: &Controls, equity: Money, now: Timestamp) -> bool {
        let Some(mark) = &mut self.mark else { return false };
        if now >= mark.day_end {
            let since = Timestamp(now.0.saturating_sub(self.day_end.0));
            mark.day_end = span_start(since, Nanoseconds::DAY) + Nanoseconds::DAY + self.day_end;
            (mark.day_start, mark.day_lost) = (equity, false);
        }
        if equity > mark.peak {
            mark.peak = equity;
        }
        if let Some(share) = controls.max_daily_loss
            && !mark.day_lost
        {
            mark.day_lost = mark.day_start - equity >= mark.day_start.times(share);
        }
        controls.hard_drawdown.is_some_and(|share| mark.peak - equity >= mark.peak.times(share))
    }

    /// An order left, or a replacement.
    pub fn sent(&mut self, controls: &Controls, order: Option<Sent>, now: Timestamp) {
        if let Some(sent) = &mut self.sent {
            sent.push(now);
        }
        if let (Some(within), Some(order)) = (controls.duplicate_within, order) {
            while self.orders.front().is_some_and(|(time, _)| now - *time >= within) {
                self.orders.pop_front();
            }
            self.orders.push_back((now, order));
        }
    }

    /// How often this order was sent within the time in which the same again is a mistake.
    pub fn same(&self, order: &Sent, within: Nanoseconds, now: Timestamp) -> u32 {
        let recent = self.orders.iter().rev().take_while(|(time, _)| now - *time < within);
        recent.filter(|(_, sent)| sent == order).count() as u32
    }

    /// An order of this instrument and side was filled in part or whole.
    pub fn filled(&mut self, index: usize, side: Side, now: Timestamp) {
        let Some(executions) = self.executions.get_mut(index) else { return };
        let recent = &mut executions[usize::from(side == Side::Sell)];
        recent.push(now);
        self.stopped |= recent.is_full(now);
    }

    /// How many fills of this instrument and side were counted within their time.
    pub fn executions(&self, index: usize, side: Side, now: Timestamp) -> u32 {
        let executions = self.executions.get(index);
        executions.map_or(0, |executions| executions[usize::from(side == Side::Sell)].count(now))
    }

    /// Somebody said to go on.
    pub fn go_on(&mut self) {
        self.stopped = false;
    }

    /// Adds what it knows to the state's hash.
    pub fn add_to_hash(&self, hasher: &mut blake3::Hasher) {
        if let Some(mark) = &self.mark {
            hasher.update(&mark.peak.0.to_le_bytes());
            hasher.update(&mark.day_start.0.to_le_bytes());
            hasher.update(&[u8::from(mark.day_lost)]);
        }
        hasher.update(&[u8::from(self.stopped)]);
        let executions = self.executions.iter().flatten();
        for recent in self.sent.iter().chain(executions) {
            for time in &recent.times {
                hasher.update(&time.0.to_le_bytes());
            }
        }
        for (time, _) in &self.orders {
            hasher.update(&time.0.to_le_bytes());
        }
        for seen in &self.seen {
            hasher.update(&seen.map_or(0, |seen| seen.0).to_le_bytes());
        }
        for covariance in self.samples.iter().flatten() {
            covariance.add_to_hash(hasher);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_so_many_within_a_time() {
        let mut recent = Recent::new(Frequency { count: 3, per: Nanoseconds(10) });
        for time in [0, 4, 8] {
            assert!(!recent.is_full(Timestamp(time)));
            recent.push(Timestamp(time));
        }
        assert!(recent.is_full(Timestamp(9)));
        assert_eq!(recent.count(Timestamp(9)), 3);
        // The first is ten old and no longer counts.
        assert!(!recent.is_full(Timestamp(10)));
        assert_eq!(recent.count(Timestamp(10)), 2);
        recent.push(Timestamp(10));
        assert!(recent.is_full(Timestamp(13)));
        assert!(!recent.is_full(Timestamp(14)));
    }
}
