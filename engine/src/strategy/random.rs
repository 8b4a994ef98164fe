//! `random`: goes long, short or flat by lot. The baseline that a rule of the same turnover has to beat.

use genovo_kernels::random::RandomKey;

use super::{Needs, ParameterError, ParameterSpec, Parameters, Proposal, Strategy, StrategyKind, View};
use crate::event::{Action, Event};
use crate::ids::InstrumentId;
use crate::settings::{Settings, Trigger};
use crate::state::State;
use crate::units::Quantity;

/// As the registry knows it.
pub const KIND: StrategyKind = StrategyKind {
    name: "random",
    about: "long, short or flat by lot, drawn anew every so many market events",
    parameters: &[
        ParameterSpec { name: "every", default: Some("10000"), about: "market events between two draws" },
        ParameterSpec { name: "quantity", default: None, about: "position held, long or short" },
    ],
    needs: Needs { sizes: false, quotes: false },
    trigger: Trigger::OnSignal,
    make,
};

/// Keeps these draws apart from every other use of the seed.
const PURPOSE: u32 = 0x7261_6e64;

/// The state for one instrument.
#[derive(Clone, Debug)]
struct Draws {
    events: u64,
    wanted: i64,
}

crate::state! { Draws { events, wanted } if |it| (-1..=1).contains(&it.wanted) }

struct Random {
    seed: u64,
    every: u64,
    quantity: Quantity,
    draws: Vec<Draws>,
}

crate::state! { Random { [draws] } }

fn make(parameters: &Parameters, settings: &Settings) -> Result<Box<dyn Strategy>, ParameterError> {
    Ok(Box::new(Random {
        seed: settings.seed,
        every: u64::from(parameters.integer("every", 1)?),
        quantity: parameters.quantity("quantity")?,
        draws: vec![Draws { events: 0, wanted: 0 }; settings.instruments.len()],
    }))
}

impl Strategy for Random {
    fn update(&mut self, event: &Event, _: &dyn View) -> bool {
        if !event.fact.kind().is_market() {
            return false;
        }
        let InstrumentId(id) = event.header.instrument;
        let Some(draws) = event.header.instrument.index().and_then(|index| self.draws.get_mut(index)) else {
            return false;
        };
        draws.events += 1;
        if draws.events % self.every != 0 {
            return false;
        }
        // Keyed by instrument and event count: a draw depends on no other.
        let key = RandomKey { seed: self.seed, purpose: PURPOSE, id: draws.events };
        let wanted = key.below(id, 3) as i64 - 1;
        let changed = wanted != draws.wanted;
        draws.wanted = wanted;
        changed
    }

    fn decide(&mut self, view: &dyn View, proposal: &mut Proposal) {
        let instrument = view.instrument();
        let Some(draws) = instrument.index().and_then(|index| self.draws.get(index)) else { return };
        let quantity = Quantity(self.quantity.0 * draws.wanted);
        proposal.because = format!(
            "drew {} at market event {}",
            ["short", "flat", "long"][(draws.wanted + 1) as usize],
            draws.events
        );
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
