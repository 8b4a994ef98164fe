//! The loop. The same for live, simulated and recorded worlds, inline or over queues.

use crate::engine::{Counts, Engine, Fault};
use crate::event::Event;
use crate::ids::Sequence;
use crate::log::{Log, LogError};
use crate::world::{World, WorldError};

/// Why a run stopped before its end.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The outside failed: a file, a feed, a broker.
    #[error(transparent)]
    World(#[from] WorldError),
    /// The record could not be kept.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The engine met what cannot be.
    #[error("at sequence {sequence}: {fault}")]
    Fault {
        /// The input at which it happened.
        sequence: Sequence,
        /// What happened.
        fault: Fault,
    },
}

/// Runs until the world has no more inputs, then ends the run.
///
/// An event is in the log before anything reacts to it, and an order leaves only when its cause is kept.
pub fn run(world: &mut impl World, log: &mut impl Log, engine: &mut Engine) -> Result<Counts, RunError> {
    let taken = take(world, log, engine, 0)?;
    end(log, engine, taken)
}

/// Takes inputs until the world has no more, without ending the run: a live session that stops may go on later.
///
/// `taken` is how many inputs the engine has seen before, and what is returned is how many it has seen then.
pub fn take(
    world: &mut impl World,
    log: &mut impl Log,
    engine: &mut Engine,
    taken: u64,
) -> Result<u64, RunError> {
    let mut number = taken;
    while let Some(input) = world.next()? {
        number += 1;
        input.header.sequence = Sequence::input(number);
        log.append(input)?;
        let fault = |fault| RunError::Fault { sequence: Sequence::input(number), fault };
        let output = engine.apply(input).map_err(fault)?;
        append_all(log, &output.events)?;
        if output.sends_orders() {
            log.commit()?;
        }
        for command in &output.commands {
            world.send(command.clone())?;
        }
        log.show(&output.events);
        log.reached(engine)?;
        if world.is_idle() {
            log.idle()?;
        }
    }
    Ok(number)
}

/// Ends a run after its `taken` inputs.
pub fn end(log: &mut impl Log, engine: &mut Engine, taken: u64) -> Result<Counts, RunError> {
    let output =
        engine.finish().map_err(|fault| RunError::Fault { sequence: Sequence::input(taken), fault })?;
    append_all(log, &output.events)?;
    log.commit()?;
    log.show(&output.events);
    Ok(engine.counts())
}

#[inline]
fn append_all(log: &mut impl Log, events: &[Event]) -> Result<(), LogError> {
    for event in events {
        log.append(event)?;
    }
    Ok(())
}
