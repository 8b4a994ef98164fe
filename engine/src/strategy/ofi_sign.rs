//! `ofi-sign`: trades in the direction of the order flow imbalance of the best quotes.
//!
//! The imbalance is that of Cont, Kukanov and Stoikov, "The Price Impact of Order Book Events" (Journal of Financial
//! Econometrics 12, 2014), equation 4, summed over the last `window` quotes.

use super::{Needs, ParameterError, ParameterSpec, Parameters, Proposal, Strategy, StrategyKind, View};
use crate::event::{Action, Event, Fact, Quote};
use crate::settings::{Settings, Trigger};
use crate::state::State;
use crate::units::Quantity;

/// As the registry knows it.
pub const KIND: StrategyKind = StrategyKind {
    name: "ofi-sign",
    about: "trades in the direction of the order flow imbalance of the best quotes",
    parameters: &[
        ParameterSpec {
            name: "window",
            default: Some("1000"),
            about: "quotes over which the imbalance is summed",
        },
        ParameterSpec {
            name: "threshold",
            default: None,
            about: "imbalance, in quantity, that gives a signal",
        },
        ParameterSpec { name: "quantity", default: None, about: "position held, long or short" },
    ],
    needs: Needs { sizes: true, quotes: true },
    trigger: Trigger::OnSignal,
    make,
};

/// The state for one instrument.
#[derive(Clone, Debug)]
struct Flow {
    last: Option<Quote>,
    /// The last contributions, oldest at `next`.
    ring: Vec<i128>,
    next: usize,
    /// Their sum; 128 bits, so that no sizes overflow it.
    sum: i128,
    seen: usize,
    wanted: i64,
}

crate::state! { Flow { last, [ring], next, sum, seen, wanted } if |it| it.next < it.ring.len() }

struct OfiSign {
    threshold: Quantity,
    quantity: Quantity,
    flows: Vec<Flow>,
}

crate::state! { OfiSign { [flows] } }

fn make(parameters: &Parameters, settings: &Settings) -> Result<Box<dyn Strategy>, ParameterError> {
    let window = parameters.integer("window", 1)? as usize;
    let flow = Flow { last: None, ring: vec![0; window], next: 0, sum: 0, seen: 0, wanted: 0 };
    Ok(Box::new(OfiSign {
        threshold: parameters.quantity("threshold")?,
        quantity: parameters.quantity("quantity")?,
        flows: vec![flow; settings.instruments.len()],
    }))
}

/// What one quote adds: demand that came minus supply that came. `None` where a size is unknown.
fn contribution(before: &Quote, now: &Quote) -> Option<i128> {
    let (bid_before, bid) = (i128::from(before.bid_size?.0), i128::from(now.bid_size?.0));
    let (ask_before, ask) = (i128::from(before.ask_size?.0), i128::from(now.ask_size?.0));
    let mut flow = 0;
    if now.bid >= before.bid {
        flow += bid;
    }
    if now.bid <= before.bid {
        flow -= bid_before;
    }
    if now.ask <= before.ask {
        flow -= ask;
    }
    if now.ask >= before.ask {
        flow += ask_before;
    }
    Some(flow)
}

impl Strategy for OfiSign {
    fn features(&self) -> Vec<String> {
        vec!["ofi".to_string()]
    }

    fn update(&mut self, event: &Event, _: &dyn View) -> bool {
        let Fact::QuoteChanged(quote) = &event.fact else { return false };
        let Some(flow) = event.header.instrument.index().and_then(|index| self.flows.get_mut(index)) else {
            return false;
        };
        if let Some(added) = flow.last.replace(*quote).and_then(|last| contribution(&last, quote)) {
            flow.sum += added - flow.ring[flow.next];
            flow.ring[flow.next] = added;
            flow.next = (flow.next + 1) % flow.ring.len();
            flow.seen = flow.seen.saturating_add(1);
        }
        if flow.seen < flow.ring.len() {
            return false;
        }
        let wanted = match flow.sum {
            sum if sum >= i128::from(self.threshold.0) => 1,
            sum if sum <= -i128::from(self.threshold.0) => -1,
            _ => flow.wanted,
        };
        let changed = wanted != flow.wanted;
        flow.wanted = wanted;
        changed
    }

    fn decide(&mut self, view: &dyn View, proposal: &mut Proposal) {
        let instrument = view.instrument();
        let Some(flow) = instrument.index().and_then(|index| self.flows.get(index)) else { return };
        let imbalance = flow.sum as f64 / crate::units::SCALE as f64;
        proposal.features.push((flow.seen >= flow.ring.len()).then_some(imbalance as f32));
        if flow.wanted == 0 {
            return;
        }
        proposal.because_of("ofi", imbalance);
        proposal.because_of("threshold", self.threshold.as_f64());
        let (side, relation) = if flow.wanted > 0 { ("long", "at least") } else { ("short", "at most −") };
        proposal.because = format!(
            "{side}: {} quotes added {imbalance:.0} to demand, {relation}{}",
            flow.ring.len(),
            self.threshold
        );
        let quantity = Quantity(self.quantity.0 * flow.wanted);
        if view.position_with_working_orders(instrument) != quantity {
            proposal.actions.push(Action::Target { instrument, quantity });
        }
    }

    fn state(&self) -> Option<&dyn State> {
        Some(self)
    }

    fn state_mut(&mut self) -> Option<&mut dyn State> {
        Some(self)
    }
}
