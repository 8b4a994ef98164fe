//! Does an engine that was saved and restored go on as if nothing had been?

use genovo_engine::canonical;
use genovo_engine::engine::Engine;
use genovo_engine::event::Event;
use genovo_engine::settings::Settings;
use genovo_engine::strategy::Registry;

/// Everything that an engine has to say about the inputs of a recording, as bytes: events, and the state hash.
fn derived(engine: &mut Engine, inputs: &[Event]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for input in inputs.iter().filter(|event| event.header.sequence.is_input()) {
        let output = engine.apply(input).unwrap();
        output.events.iter().for_each(|event| canonical::encode(event, &mut bytes));
        bytes.extend_from_slice(format!("{:?}", output.commands).as_bytes());
    }
    let ended = engine.finish().unwrap();
    ended.events.iter().for_each(|event| canonical::encode(event, &mut bytes));
    bytes
}

/// Runs the inputs of a recording; saves the engine after its first `at` events, and holds what a restored one makes of
/// the rest against what the engine itself does. Returns the checkpoint.
pub fn goes_on_the_same(settings: &Settings, registry: &Registry, events: &[Event], at: usize) -> Vec<u8> {
    let mut engine = Engine::new(settings.clone(), registry).unwrap();
    let (before, after) = events.split_at(at);
    for input in before.iter().filter(|event| event.header.sequence.is_input()) {
        engine.apply(input).unwrap();
    }
    let saved = engine.checkpoint().unwrap();
    let mut restored = Engine::restore(settings.clone(), registry, &saved).unwrap();
    assert_eq!(restored.state_hash(), engine.state_hash(), "at {at}");
    assert_eq!(restored.counts(), engine.counts(), "at {at}");
    assert!(restored.checkpoint().unwrap() == saved, "what is restored is saved as it was, at {at}");
    let expected = derived(&mut engine, after);
    assert!(derived(&mut restored, after) == expected, "it goes on another way, at {at}");
    saved
}
