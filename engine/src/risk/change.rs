//! Limits that change while a run goes on: what the rules know of the past is kept, and what a new limit needs to know
//! begins with it.

use super::{Risk, Watch};
use crate::canonical::{Canonical as _, Input};
use crate::event::Regime;
use crate::settings::RiskSettings;
use crate::state::{State, StateError, expect_tag, tag};
use crate::units::Money;

const TAG: u32 = tag("Risk changed [ranges] watch");

impl Risk {
    /// The limits in force.
    pub fn limits(&self) -> &RiskSettings {
        &self.settings
    }

    /// How far the price of an instrument is assumed to move against a position, where that is known.
    pub fn distance_at(&self, index: usize, price: crate::units::Price) -> Option<crate::units::Price> {
        let (distance, source) = self.distance(index, price);
        (source != crate::event::DistanceSource::Unknown).then_some(distance)
    }

    /// Other limits hold from now on. What follows equity and is new begins with what the account is worth now.
    pub fn change(&mut self, limits: RiskSettings, equity: Money) {
        self.watch.follow(&limits.controls, &self.settings.controls, equity, self.ranges.len());
        self.asked = Risk::asked_by(&limits.controls);
        self.settings = limits;
        self.changed = true;
    }
}

/// Limits that were changed are saved with the rest: the settings do not have them.
impl State for Risk {
    fn save(&self, out: &mut Vec<u8>) {
        let limits = self.changed.then(|| serde_json::to_string(&self.settings).expect("limits are JSON"));
        TAG.save(out);
        limits.write(out);
        self.ranges[..].save(out);
        self.watch.save(out);
    }

    fn load(&mut self, input: &mut Input<'_>) -> Result<(), StateError> {
        expect_tag(TAG, "Risk", input)?;
        if let Some(text) = Option::<String>::read(input)? {
            let limits: RiskSettings =
                serde_json::from_str(&text).map_err(|_| StateError::Impossible("Risk"))?;
            if !limits.is_possible() || limits.controls.measure != self.settings.controls.measure {
                return Err(StateError::Impossible("Risk"));
            }
            self.change(limits, Money::ZERO);
        }
        self.ranges[..].load(input)?;
        self.watch.load(input)
    }
}

impl Watch {
    /// Follows what other controls need, and keeps what both need.
    fn follow(
        &mut self,
        controls: &crate::settings::Controls,
        before: &crate::settings::Controls,
        equity: Money,
        count: usize,
    ) {
        use super::watch::Recent;
        self.seen.resize(if controls.stale_after.is_some() { count } else { 0 }, None);
        self.sent = controls.max_order_rate.map(|frequency| Recent::following(frequency, self.sent.as_ref()));
        self.executions = match controls.max_executions {
            Some(frequency) => (0..count)
                .map(|index| {
                    let old = self.executions.get(index);
                    [0, 1].map(|side| Recent::following(frequency, old.map(|old| &old[side])))
                })
                .collect(),
            None => Vec::new(),
        };
        self.stopped &= controls.max_executions.is_some();
        if controls.duplicate_within.is_none() {
            self.orders.clear();
        }
        self.mark = controls.follows_equity().then(|| self.mark.unwrap_or_else(|| Self::mark_at(equity)));
        if let Some(mark) = &mut self.mark
            && controls.max_daily_loss > before.max_daily_loss
        {
            // A day that was over may not be by the new limit; the next event says so.
            mark.day_lost = false;
        }
        match controls.needs_samples() {
            true if self.samples.is_none() => {
                self.samples = Some(Self::covariances(controls, count));
                self.regimes = vec![Regime::Unknown; count];
            }
            true => {}
            false => {
                self.samples = None;
                self.regimes.clear();
            }
        }
        if controls.allocation.is_none() || controls.allocation != before.allocation {
            // Shares by another rule come with the next sample.
            self.weights.clear();
        }
    }
}
