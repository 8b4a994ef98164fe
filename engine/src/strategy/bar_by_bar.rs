//! The shortest way to a strategy: one that looks at finished bars and says what it wants to hold.

use super::{Proposal, Strategy, View};
use crate::canonical::Input;
use crate::event::{Action, Bar, Event, Fact};
use crate::settings::Settings;
use crate::state::{State, StateError};
use crate::units::Quantity;

/// A strategy that knows one instrument's finished bars and nothing else. [`bar_by_bar`] makes it a whole one.
pub trait BarStrategy: Clone + Send {
    /// The position wanted after this bar, signed, and why; `None` while it has no opinion.
    fn on_bar(&mut self, bar: &Bar) -> Option<(Quantity, String)>;

    /// What bars have made of it, for checkpoints; see [`Strategy::state`].
    fn state(&self) -> Option<&dyn State> {
        None
    }

    /// The same, to be loaded.
    fn state_mut(&mut self) -> Option<&mut dyn State> {
        None
    }
}

/// A strategy that gives each instrument a `strategy` of its own. Its signal changes when the position wanted does.
pub fn bar_by_bar<S: BarStrategy + 'static>(strategy: S, settings: &Settings) -> Box<dyn Strategy> {
    let one = Watched { strategy, wanted: None };
    Box::new(BarByBar { instruments: vec![one; settings.instruments.len()] })
}

#[derive(Clone)]
struct Watched<S> {
    strategy: S,
    wanted: Option<(Quantity, String)>,
}

struct BarByBar<S> {
    instruments: Vec<Watched<S>>,
}

impl<S: BarStrategy> State for BarByBar<S> {
    fn save(&self, out: &mut Vec<u8>) {
        for one in &self.instruments {
            one.wanted.save(out);
            if let Some(state) = one.strategy.state() {
                state.save(out);
            }
        }
    }

    fn load(&mut self, input: &mut Input<'_>) -> Result<(), StateError> {
        for one in &mut self.instruments {
            one.wanted.load(input)?;
            if let Some(state) = one.strategy.state_mut() {
                state.load(input)?;
            }
        }
        Ok(())
    }
}

impl<S: BarStrategy + 'static> Strategy for BarByBar<S> {
    fn update(&mut self, event: &Event, _: &dyn View) -> bool {
        let (Fact::BarClosed(bar) | Fact::BarReceived(bar)) = &event.fact else { return false };
        let index = event.header.instrument.index();
        let Some(one) = index.and_then(|index| self.instruments.get_mut(index)) else { return false };
        let before = one.wanted.take().map(|(quantity, _)| quantity);
        one.wanted = one.strategy.on_bar(bar);
        one.wanted.as_ref().is_some_and(|(quantity, _)| Some(*quantity) != before)
    }

    fn decide(&mut self, view: &dyn View, proposal: &mut Proposal) {
        let instrument = view.instrument();
        let one = instrument.index().and_then(|index| self.instruments.get(index));
        if let Some((quantity, because)) = one.and_then(|one| one.wanted.as_ref()) {
            proposal.because.push_str(because);
            proposal.actions.push(Action::Target { instrument, quantity: *quantity });
        }
    }

    fn state(&self) -> Option<&dyn State> {
        let all = self.instruments.iter().all(|one| one.strategy.state().is_some());
        if all { Some(self) } else { None }
    }

    fn state_mut(&mut self) -> Option<&mut dyn State> {
        let all = self.instruments.iter().all(|one| one.strategy.state().is_some());
        if all { Some(self) } else { None }
    }
}
