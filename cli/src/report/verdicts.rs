//! What risk said, and which order each verdict was about.
//!
//! A verdict has no order number yet; the submission or denial that follows names it as its cause.

use std::collections::BTreeMap;

use genovo_engine::event::{Header, Outcome, Rule, RuleUnit, Verdict};
use genovo_engine::ids::{OrderId, Sequence};
use genovo_engine::units::{Money, SCALE};

use super::curve::Series;
use super::figures::{Intervention, Moment, Risk};

/// The most interventions that are listed one by one; all are counted.
const LISTED_MAX: usize = 5_000;

/// Counts verdicts and lists those that changed an order.
#[derive(Debug, Default)]
pub struct Verdicts {
    risk: Risk,
    /// The verdicts behind the listed interventions, for as long as their order may still follow.
    waiting: Vec<(Sequence, usize)>,
    /// How much of its limit each rule saw used once the order was granted, in units of 1e-9.
    used: BTreeMap<Rule, Series<i64>>,
}

impl Verdicts {
    /// Takes a verdict on an order of this instrument.
    pub fn assessed(&mut self, header: &Header, instrument: &str, verdict: &Verdict) {
        self.note_use(header, verdict);
        let risk = &mut self.risk;
        self.waiting.retain(|(sequence, _)| sequence.input_number() == header.sequence.input_number());
        risk.assessed += 1;
        let rule = verdict.rule.map_or("none", |rule| rule.name());
        match verdict.outcome {
            Outcome::Allowed => {
                risk.allowed += 1;
                return;
            }
            Outcome::Reduced => {
                risk.reduced += 1;
                risk.by_rule.entry(rule.to_string()).or_default().reduced += 1;
            }
            Outcome::Denied => {
                risk.denied += 1;
                risk.by_rule.entry(rule.to_string()).or_default().denied += 1;
            }
        }
        if risk.interventions.len() >= LISTED_MAX {
            return;
        }
        let numbers = verdict.rules.iter().find(|result| Some(result.rule) == verdict.rule);
        self.waiting.push((header.sequence, risk.interventions.len()));
        risk.interventions.push(Intervention {
            order: None,
            time: Moment(header.time_received),
            instrument: instrument.to_string(),
            side: verdict.side,
            outcome: verdict.outcome.name().to_string(),
            rule: rule.to_string(),
            asked: verdict.asked,
            granted: verdict.granted,
            limit: numbers.map(|result| result.limit),
            would_take: numbers.map(|result| result.asked),
        });
    }

    /// An order left or was denied: the verdict that it names as its cause was about it.
    pub fn concerned(&mut self, cause: Sequence, order: OrderId) {
        if let Some(at) = self.waiting.iter().position(|(sequence, _)| *sequence == cause) {
            let (_, index) = self.waiting.swap_remove(at);
            self.risk.interventions[index].order = Some(order);
        }
    }

    /// How much of each limit is used: those that cap an amount.
    fn note_use(&mut self, header: &Header, verdict: &Verdict) {
        for result in &verdict.rules {
            let caps = result.rule.unit() == RuleUnit::Amount
                && !matches!(result.rule, Rule::MinimumPosition | Rule::OrderValue);
            if caps && result.limit > Money::ZERO {
                let used = result.granted.0.saturating_mul(i128::from(SCALE)) / result.limit.0;
                let used = i64::try_from(used).unwrap_or(i64::MAX);
                self.used.entry(result.rule).or_default().push(header.time_received.0, used);
            }
        }
    }

    /// The counts and the list, and how much of the limits was used.
    pub fn finish(self) -> (Risk, BTreeMap<Rule, Series<i64>>) {
        (self.risk, self.used)
    }
}
