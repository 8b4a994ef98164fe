//! What a value that the network sees is in its own unit.

use std::sync::Arc;

use genovo_engine::engine::Engine;
use genovo_engine::event::Event;
use genovo_engine::features::layout;
use genovo_engine::features::normalise::Normalise;
use genovo_engine::log::{Log, LogError};
use genovo_engine::recorded::Recorded;
use genovo_engine::run::take;
use genovo_engine::settings::Settings;
use genovo_engine::strategy::model::Meaning;
use genovo_engine::world::WorldError;

use super::Change;
use crate::audit::recording::{Numbered, Recording};
use crate::commands::Context;
use crate::progress::EventBar;

/// How a value becomes one in its own unit.
pub enum Scale {
    /// An input that the model makes itself.
    Own(Meaning),
    /// A column of the catalogue: middle + value · width.
    Column {
        /// The column's unit.
        unit: String,
        /// What 0 is.
        middle: f64,
        /// What 1 is more than 0.
        width: f64,
    },
    /// A rank has no unit, and raw values are what they are.
    Unknown,
}

impl Scale {
    /// The unit, and a value in it.
    pub fn in_unit(&self, value: f32) -> Option<(&str, f64)> {
        match self {
            Scale::Own(meaning) => Some((meaning.unit, meaning.in_unit(value))),
            Scale::Column { unit, middle, width } => Some((unit, middle + f64::from(value) * width)),
            Scale::Unknown => None,
        }
    }
}

/// A log that keeps nothing.
struct Nothing;

impl Log for Nothing {
    fn append(&mut self, _: &Event) -> Result<(), LogError> {
        Ok(())
    }

    fn commit(&mut self) -> Result<(), LogError> {
        Ok(())
    }
}

/// Finds how the columns of the catalogue among the changed inputs were scaled: the run is recomputed to the input
/// before the decision. Where it cannot be, their unit stays unknown.
pub fn of_columns(
    recording: &Recording,
    decided: &Numbered,
    settings: &Settings,
    context: &Context,
    changes: &mut [Change],
) {
    let Some(features) = &settings.features else { return };
    if !changes.iter().any(|change| matches!(change.scale, Scale::Unknown))
        || features.scale == Normalise::Normal
    {
        return;
    }
    let (Ok(columns), Some(index)) = (layout::columns(features), decided.event.header.instrument.index())
    else {
        return;
    };
    let engine = match features.scale {
        // Raw values are what they are.
        Normalise::None => None,
        _ => match engine_before(recording, decided, settings, context) {
            Some(engine) => Some(engine),
            None => return,
        },
    };
    for change in changes.iter_mut().filter(|change| matches!(change.scale, Scale::Unknown)) {
        let Some(place) = columns.iter().position(|column| column.id == change.name) else { continue };
        let found = engine.as_ref().map_or(Some((0.0, 1.0)), |engine| engine.feature_scale(index, place));
        let Some((middle, width)) = found else { continue };
        change.scale = Scale::Column { unit: columns[place].unit.to_string(), middle, width };
    }
}

fn engine_before(
    recording: &Recording,
    decided: &Numbered,
    settings: &Settings,
    context: &Context,
) -> Option<Engine> {
    let mut engine = Engine::new(settings.clone(), &context.registry).ok()?;
    let input = decided.sequence().input_number();
    let bar = Arc::new(EventBar::start("recomputing scales", input, context.json));
    let events = recording.journal.events().map(|event| event.map_err(WorldError::new));
    let shown = bar.clone();
    let before = events.take_while(move |event| {
        let number = event.as_ref().map_or(0, |event| event.header.sequence.input_number());
        shown.at(number);
        number < input
    });
    let taken = take(&mut Recorded::new(before), &mut Nothing, &mut engine, 0);
    bar.finish();
    taken.is_ok().then_some(engine)
}
