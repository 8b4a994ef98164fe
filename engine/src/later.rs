//! Settings that take over in the middle of a run, as a what-if has them.
//!
//! Until they do, everything is as if they were not there. The strategy and the risk windows that will hold then
//! watch from the first event on, so that they know as much as if they had always been there.

use genovo_kernels::backend::{AnyBackend, BackendError};
use genovo_kernels::checkpoint::Precision;
use genovo_kernels::model::Spec;

use crate::event::Event;
use crate::ids::{Hash, InstrumentId, Sequence};
use crate::risk::Risk;
use crate::settings::Settings;
use crate::strategy::{Proposal, Strategy, View};

/// What waits for its input.
pub(crate) struct Takeover {
    /// The first input that meets it.
    pub from: Sequence,
    /// The settings that hold then.
    pub settings: Settings,
    /// The limits that hold then.
    pub risk: Risk,
    /// How many columns are the strategy's own then.
    pub own_features: usize,
    /// The columns of the feature vector then.
    pub columns: Columns,
}

/// Where the columns that a strategy fills lie in the run's feature vector.
#[derive(Clone, Debug, Default)]
pub(crate) struct Columns {
    /// The place of each; empty where they are the vector's own, in order.
    places: Vec<usize>,
    /// How many are filled.
    pub count: usize,
    /// How many the vector has.
    width: usize,
    /// The vector before, whose room is used again.
    room: Vec<Option<f32>>,
}

impl Columns {
    /// These names and no others.
    pub fn all(names: &[String]) -> Columns {
        Columns { count: names.len(), width: names.len(), ..Columns::default() }
    }

    /// These names among `known`; those that are not there yet are added behind.
    pub fn among(names: &[String], known: &mut Vec<String>) -> Columns {
        let mut place = |name: &String| match known.iter().position(|known| known == name) {
            Some(place) => place,
            None => {
                known.push(name.clone());
                known.len() - 1
            }
        };
        let places = names.iter().map(&mut place).collect();
        Columns { places, count: names.len(), width: known.len(), room: Vec::new() }
    }

    /// Puts values where they belong; what is not filled is unknown.
    pub fn spread(&mut self, values: &mut Vec<Option<f32>>) {
        if self.places.is_empty() {
            return;
        }
        self.room.clear();
        self.room.resize(self.width, None);
        for (value, place) in values.iter().zip(&self.places) {
            self.room[*place] = *value;
        }
        std::mem::swap(values, &mut self.room);
    }
}

/// Two strategies that both see everything; the second decides from an input on.
pub(crate) struct Successive {
    strategies: [Box<dyn Strategy>; 2],
    from: Sequence,
    second: bool,
}

impl Successive {
    /// `first`, and from the input `from` on `second`.
    pub fn new(first: Box<dyn Strategy>, second: Box<dyn Strategy>, from: Sequence) -> Successive {
        Successive { strategies: [first, second], from, second: false }
    }
}

impl Strategy for Successive {
    fn features(&self) -> Vec<String> {
        self.strategies[0].features()
    }

    fn model(&self) -> Option<Hash> {
        self.strategies[0].model()
    }

    fn forecasts(&self) -> bool {
        self.strategies[usize::from(self.second)].forecasts()
    }

    fn network(&self) -> Option<(&Spec, Precision)> {
        self.strategies.iter().find_map(|strategy| strategy.network())
    }

    fn compute_on(&mut self, backend: &AnyBackend) -> Result<(), BackendError> {
        self.strategies.iter_mut().try_for_each(|strategy| strategy.compute_on(backend))
    }

    fn lost_card(&self) -> Option<&BackendError> {
        self.strategies.iter().find_map(|strategy| strategy.lost_card())
    }

    fn update(&mut self, event: &Event, view: &dyn View) -> bool {
        // A closed bar carries the sequence of the input that closed it, and so comes with it.
        self.second |= event.header.sequence >= self.from;
        let [first, second] = &mut self.strategies;
        let signals = [first.update(event, view), second.update(event, view)];
        signals[usize::from(self.second)]
    }

    fn prepare(&mut self, due: &[InstrumentId], view: &dyn View) {
        self.strategies.iter_mut().for_each(|strategy| strategy.prepare(due, view));
    }

    fn decide(&mut self, view: &dyn View, proposal: &mut Proposal) {
        self.strategies[usize::from(self.second)].decide(view, proposal);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_keep_their_places_and_new_ones_come_behind() {
        let names = |list: &[&str]| list.iter().map(|name| name.to_string()).collect::<Vec<_>>();
        let mut known = names(&["ema_12", "ema_48", "atr_14"]);
        let mut columns = Columns::among(&names(&["ema_9", "ema_48", "atr_14"]), &mut known);
        assert_eq!(known, names(&["ema_12", "ema_48", "atr_14", "ema_9"]));
        let mut values = vec![Some(9.0), Some(48.0), Some(1.5)];
        columns.spread(&mut values);
        assert_eq!(values, [None, Some(48.0), Some(1.5), Some(9.0)]);
        // Nothing of the vector before is left.
        let mut values = vec![Some(10.0), None, Some(2.5)];
        columns.spread(&mut values);
        assert_eq!(values, [None, None, Some(2.5), Some(10.0)]);
        let mut values = vec![Some(1.0)];
        Columns::all(&names(&["a"])).spread(&mut values);
        assert_eq!(values, [Some(1.0)]);
    }
}
