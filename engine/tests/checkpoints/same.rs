//! What a restored engine makes of the rest of a recording, held against what the engine itself makes of it.

use genovo_engine::canonical;
use genovo_engine::engine::Engine;
use genovo_engine::event::Event;
use genovo_engine::settings::Settings;
use genovo_engine::strategy::Registry;

/// Everything that an engine has to say about an input, as bytes.
fn said(engine: &mut Engine, input: &Event) -> Vec<u8> {
    let mut bytes = Vec::new();
    let output = engine.apply(input).unwrap();
    output.events.iter().for_each(|event| canonical::encode(event, &mut bytes));
    bytes.extend_from_slice(format!("{:?}", output.commands).as_bytes());
    bytes
}

/// What it ends with: its totals, and the hash of its state.
fn ended(engine: &mut Engine) -> Vec<u8> {
    let mut bytes = Vec::new();
    let output = engine.finish().unwrap();
    output.events.iter().for_each(|event| canonical::encode(event, &mut bytes));
    bytes
}

/// Runs the inputs of a recording, saves the engine after those before each of these places, or as soon after as it can
/// be saved, and lets an engine restored there do the rest. Returns what was saved.
pub fn goes_on_the_same(
    settings: &Settings,
    registry: &Registry,
    events: &[Event],
    places: &[usize],
) -> Vec<Vec<u8>> {
    let inputs = || events.iter().enumerate().filter(|(_, event)| event.header.sequence.is_input());
    let mut engine = Engine::new(settings.clone(), registry).unwrap();
    engine.keep_for_checkpoints();
    let mut wanted = places.to_vec();
    wanted.sort_unstable_by(|a, b| b.cmp(a));
    let (mut all, mut saved) = (Vec::new(), Vec::new());
    for (place, input) in inputs() {
        if wanted.last().is_some_and(|wanted| *wanted <= place)
            && let Ok(state) = engine.checkpoint()
        {
            wanted.pop();
            saved.push((place, state, engine.state_hash(), engine.counts()));
        }
        all.push((place, said(&mut engine, input)));
    }
    let end = ended(&mut engine);
    assert!(wanted.len() <= 1, "it could not be saved at {wanted:?}");
    let states = saved.iter().map(|(place, state, hash, counts)| {
        let mut restored = Engine::restore(settings.clone(), registry, state).unwrap();
        assert_eq!(restored.state_hash(), *hash, "at {place}");
        assert_eq!(restored.counts(), *counts, "at {place}");
        assert!(restored.checkpoint().unwrap() == *state, "what is restored is saved as it was, at {place}");
        let expected = all.iter().filter(|(at, _)| at >= place).map(|(_, said)| said);
        for ((at, input), expected) in inputs().filter(|(at, _)| at >= place).zip(expected) {
            assert!(said(&mut restored, input) == *expected, "saved at {place}, another way at {at}");
        }
        assert!(ended(&mut restored) == end, "saved at {place}, another end");
        state.clone()
    });
    states.collect()
}
