//! `flat`: never trades. What the engine costs by itself, and the baseline of every comparison.

use super::{Needs, ParameterError, Parameters, Proposal, Strategy, StrategyKind, View};
use crate::event::Event;
use crate::settings::{Settings, Trigger};
use crate::state::State;

/// As the registry knows it.
pub const KIND: StrategyKind = StrategyKind {
    name: "flat",
    about: "never trades",
    parameters: &[],
    needs: Needs { sizes: false, quotes: false },
    trigger: Trigger::OnSignal,
    make,
};

struct Flat;

crate::state! { Flat {} }

fn make(_: &Parameters, _: &Settings) -> Result<Box<dyn Strategy>, ParameterError> {
    Ok(Box::new(Flat))
}

impl Strategy for Flat {
    fn update(&mut self, _: &Event, _: &dyn View) -> bool {
        false
    }

    fn decide(&mut self, _: &dyn View, _: &mut Proposal) {}

    fn state(&self) -> Option<&dyn State> {
        Some(self)
    }

    fn state_mut(&mut self) -> Option<&mut dyn State> {
        Some(self)
    }
}
