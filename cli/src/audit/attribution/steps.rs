//! The steps that a model's decision depends on, out of the vectors of its journal.

use std::collections::VecDeque;
use std::rc::Rc;

use genovo_engine::event::{Decision, Event, Fact, Features, Kind};
use genovo_engine::features::slots::Slots;
use genovo_engine::ids::Sequence;
use genovo_engine::strategy::model::{Again, InputKind};
use genovo_engine::units::Timestamp;

use crate::audit::recording::{Numbered, Recording, failed};
use crate::error::Failure;
use crate::progress::EventBar;

/// What the network saw at a step.
pub struct Step {
    /// The vector's sequence.
    pub sequence: Sequence,
    /// When it was seen.
    pub time: Timestamp,
    /// All inputs, kind behind kind; what is not known is +0.
    pub values: Vec<f32>,
    /// Of each input its column in the journal's vectors.
    pub sources: Rc<[Option<usize>]>,
}

/// The last steps of an instrument, the one that a decision was made on at the end.
pub struct Steps {
    /// Oldest first.
    pub steps: VecDeque<Step>,
    /// How manieth decision on a step it was, counted from 1.
    pub number: u64,
}

impl Steps {
    /// As many as matter to the decision: the model forgets what is older. Empty where it was made without a step.
    pub fn read(
        recording: &Recording,
        again: &Again,
        decided: &Numbered,
        decision: &Decision,
        quiet: bool,
    ) -> Result<Steps, Failure> {
        let most = again.spec().burn_in() + 1;
        let names = recording.features();
        let mut slots = again.slots();
        let mut sources: Rc<[Option<usize>]> = again.sources(names.len(), slots.as_ref()).into();
        let (mut steps, mut number) = (VecDeque::new(), 0);
        let mut vector: Option<Event> = None;
        let inputs = decided.sequence().input_number();
        let bar = EventBar::start("reading the steps", inputs, quiet);
        let wanted = [Kind::FeaturesComputed, Kind::DecisionMade, Kind::FeaturesReselected];
        for event in recording.journal.events_of_kinds(&wanted) {
            let event = event.map_err(failed)?;
            let header = event.header;
            if header.sequence > decided.sequence() {
                break;
            }
            bar.at(header.sequence.input_number());
            match &event.fact {
                Fact::FeaturesReselected(selected) => {
                    let Some(slots) = &mut slots else { continue };
                    select(slots, names, again, &selected.columns);
                    sources = again.sources(names.len(), Some(slots)).into();
                }
                Fact::FeaturesComputed(_) => vector = Some(event),
                Fact::DecisionMade(other) if header.instrument == decided.event.header.instrument => {
                    let seen = vector.take().filter(|vector| vector.header.sequence == header.cause);
                    let last = header.sequence == decided.sequence();
                    let Some(Event { header, fact: Fact::FeaturesComputed(seen) }) = seen else { continue };
                    if other.strategy != decision.strategy || !again.is_step(&seen) {
                        if last {
                            steps.clear();
                        }
                        continue;
                    }
                    number += 1;
                    if steps.len() == most {
                        steps.pop_front();
                    }
                    steps.push_back(Step {
                        sequence: header.sequence,
                        time: header.time_received,
                        values: values(&seen, &sources),
                        sources: sources.clone(),
                    });
                }
                _ => {}
            }
        }
        bar.finish();
        Ok(Steps { steps, number })
    }

    /// The inputs of one kind of all steps, one after the other.
    pub fn of(&self, again: &Again, kind: InputKind) -> Vec<f32> {
        let kinds = again.kinds();
        let range = kinds.into_iter().find(|(known, _)| *known == kind).map_or(0..0, |(_, range)| range);
        self.steps.iter().flat_map(|step| &step.values[range.clone()]).copied().collect()
    }
}

fn values(vector: &Features, sources: &[Option<usize>]) -> Vec<f32> {
    sources.iter().map(|source| source.and_then(|source| vector.get(source)).unwrap_or(0.0)).collect()
}

/// Takes a selection as the run did: by the names of the columns of `[features]`, which come last.
fn select(slots: &mut Slots, names: &[String], again: &Again, columns: &[String]) {
    let first = names.len().saturating_sub(again.columns());
    let place = |name: &String| names[first..].iter().position(|known| known == name);
    let places: Vec<usize> = columns.iter().filter_map(place).collect();
    slots.select(&places);
}
