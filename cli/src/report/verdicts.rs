//! What risk said, and which order each verdict was about.
//!
//! A verdict has no order number yet; the submission or denial that follows names it as its cause.

use genovo_engine::event::{Header, Outcome, Verdict};
use genovo_engine::ids::{OrderId, Sequence};

use super::figures::{Intervention, Moment, Risk};

/// The most interventions that are listed one by one; all are counted.
const LISTED_MAX: usize = 5_000;

/// Counts verdicts and lists those that changed an order.
#[derive(Debug, Default)]
pub struct Verdicts {
    risk: Risk,
    /// The verdicts behind the listed interventions, for as long as their order may still follow.
    waiting: Vec<(Sequence, usize)>,
}

impl Verdicts {
    /// Takes a verdict on an order of this instrument.
    pub fn assessed(&mut self, header: &Header, instrument: &str, verdict: &Verdict) {
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

    /// The counts and the list.
    pub fn finish(self) -> Risk {
        self.risk
    }
}
