//! When markets were stressed, as the regime rule saw them.

use std::collections::BTreeMap;

use genovo_engine::event::{Header, Regime, RegimeChanged};
use genovo_engine::ids::InstrumentId;
use genovo_engine::units::Timestamp;

use super::builder::seconds;
use super::figures::StressedTime;

/// The most spans that are listed of one market; all are counted.
const SPANS_MAX: usize = 500;

/// Follows the regimes of all markets.
#[derive(Debug, Default)]
pub struct Regimes {
    markets: BTreeMap<InstrumentId, Market>,
}

#[derive(Debug)]
struct Market {
    /// When its regime was first known.
    known: Timestamp,
    /// Since when it is stressed, if it is.
    stressed: Option<Timestamp>,
    times: u64,
    /// For how long it was, up to the last change.
    lasted: i64,
    spans: Vec<[f64; 2]>,
}

impl Market {
    fn end(&mut self, time: Timestamp) {
        let Some(since) = self.stressed.take() else { return };
        self.lasted += (time - since).0;
        if self.spans.len() < SPANS_MAX {
            self.spans.push([seconds(since.0), seconds(time.0)]);
        }
    }
}

impl Regimes {
    /// Takes a change.
    pub fn changed(&mut self, header: &Header, change: &RegimeChanged) {
        let now = header.time_received;
        let market = self.markets.entry(header.instrument).or_insert(Market {
            known: now,
            stressed: None,
            times: 0,
            lasted: 0,
            spans: Vec::new(),
        });
        match change.now {
            Regime::Stressed if market.stressed.is_none() => {
                market.stressed = Some(now);
                market.times += 1;
            }
            Regime::Stressed => {}
            Regime::Calm | Regime::Unknown => market.end(now),
        }
    }

    /// What was seen up to `end`, by instrument; `symbol` names one.
    pub fn finish(self, end: Timestamp, symbol: impl Fn(InstrumentId) -> String) -> Vec<StressedTime> {
        let all = self.markets.into_iter().map(|(instrument, mut market)| {
            market.end(end);
            let known = (end - market.known).0;
            let share = if known > 0 { market.lasted as f64 / known as f64 } else { 0.0 };
            let Market { times, spans, .. } = market;
            StressedTime { instrument: symbol(instrument), times, share, spans }
        });
        all.collect()
    }
}
