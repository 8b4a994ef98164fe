//! A recorded run recomputed, event for event.

use std::path::Path;

use genovo_engine::engine::{Engine, SettingsError};
use genovo_engine::event::{Event, Fact, RunStarted, WorldKind};
use genovo_engine::ids::{Hash, Sequence};
use genovo_engine::pipeline::QueuedSource;
use genovo_engine::recorded::{Comparison, Difference, MarketOf, Recorded};
use genovo_engine::run::{RunError, run, take};
use genovo_engine::settings::Settings;
use genovo_engine::simulated::Simulated;
use genovo_engine::world::WorldError;
use genovo_engine::{LOGIC_VERSION, LOGIC_VERSIONS, logic_version};
use genovo_journal::Journal;
use genovo_kernels::backend::Cpu;
use genovo_kernels::cpu::CpuLevel;

use crate::commands::{Context, say};
use crate::error::{Exit, Failure, Place, SourceLine};
use crate::failures;
use crate::models;
use crate::report::format;
use crate::scenario::Backend;

/// What recomputing a run found.
pub struct Recomputed {
    /// Events that were equal, bit for bit.
    pub events: u64,
    /// The first that was not.
    pub difference: Option<Difference>,
    /// Why the CPU went on where a card had begun.
    pub lost_card: Option<String>,
}

/// The first event of a journal, and the settings in it.
pub fn settings_of(journal: &Journal) -> Result<(RunStarted, Settings), Failure> {
    let nothing = "Nothing was recomputed.";
    let started = journal.run_started().map_err(|error| failures::journal(&error, nothing))?;
    let usage = |message: String| Failure::new(Exit::Usage, message, nothing);
    let started = started.ok_or_else(|| usage(format!("{} has no run in it", journal.path().display())))?;
    if started.world == WorldKind::Market {
        return Err(usage(format!("{} holds market data only", journal.path().display()))
            .help("audit verify checks it; a scenario's [data] can name it"));
    }
    let path = journal.path().display();
    let damaged = |what: String| {
        let message = format!("the settings in {path} are damaged: {what}");
        Failure::new(Exit::Difference, message, nothing)
            .help("genovo audit verify says whether the journal is as it was sealed")
    };
    if Hash(*blake3::hash(started.settings.as_bytes()).as_bytes()) != started.settings_hash {
        return Err(damaged("they have not the hash that stands beside them".to_string()));
    }
    let (settings, wrote) = (Settings::from_canonical_json(&started.settings), &journal.identity().version);
    let (known, ours) = match &settings {
        Ok(settings) => (started.logic_version == logic_version(settings), logic_version(settings)),
        Err(_) => (LOGIC_VERSIONS.contains(&started.logic_version), LOGIC_VERSION),
    };
    if !known {
        let message = format!(
            "{path} was written under logic version {}; this build has {ours} for such a run",
            started.logic_version
        );
        return Err(usage(message).help(format!("genovo {wrote} wrote it and can recompute it")));
    }
    let settings = settings.map_err(|error| match wrote == env!("CARGO_PKG_VERSION") {
        true => damaged(error.to_string()),
        false => usage(format!("the settings in {path} cannot be read: {error}"))
            .help(format!("genovo {wrote} wrote it; if it cannot read them either, they are damaged")),
    })?;
    Ok((started, settings))
}

/// Runs a journal's inputs through the engine again and compares all that comes out. Kernels run where the command
/// line wants them, at this level where that is the CPU.
pub fn recompute(journal: &Journal, cpu: CpuLevel, context: &Context) -> Result<Recomputed, Failure> {
    let (started, settings) = settings_of(journal)?;
    models::bring(&settings, journal.path(), context)?;
    let failed =
        |message: String| Failure::new(Exit::Failed, message, "The run was not recomputed to its end.");
    let mut engine = Engine::new(settings.clone(), &context.registry).map_err(|error| {
        let failure = Failure::new(Exit::Usage, error.to_string(), "Nothing was recomputed.");
        match error {
            SettingsError::UnknownStrategy(_) => failure.help("recompute it with the program that has it"),
            SettingsError::Parameter(_) | SettingsError::Features(_) | SettingsError::Hedging(_) => failure,
        }
    })?;
    let nothing = "Nothing was recomputed.";
    let cpu = Cpu::new(cpu, 1).map_err(|error| Failure::new(Exit::Usage, error.to_string(), nothing))?;
    let backends = context.backends.borrow().clone();
    backends.place(&mut engine, Backend::Auto, cpu, nothing)?.tell(context)?;
    let events = || journal.events().map(|event| event.map_err(WorldError::new));
    let mut log = Comparison::new(events());
    let result = match started.world {
        WorldKind::Simulated => {
            let market = QueuedSource::spawn(MarketOf::new(events()));
            let identity = engine.identity(WorldKind::Simulated);
            Simulated::new(&settings, identity, vec![Box::new(market)])
                .map_err(RunError::from)
                .and_then(|mut world| run(&mut world, &mut log, &mut engine).map(drop))
        }
        WorldKind::Live | WorldKind::Market => {
            // A session that was stopped may go on: its journal has no end yet.
            let last = journal.get(journal.summary().last_sequence).ok().flatten();
            let ended = last.is_some_and(|event| matches!(event.fact, Fact::RunEnded(_)));
            let mut world = Recorded::new(events());
            match ended {
                true => run(&mut world, &mut log, &mut engine).map(drop),
                false => take(&mut world, &mut log, &mut engine, 0).map(drop),
            }
        }
    };
    let (events, difference) = log.finish().map_err(|error| failed(error.to_string()))?;
    match (result, &difference) {
        // A fault of the engine is a difference when it did not stop the recorded run.
        (Err(error), None) => Err(failures::run(&error, "The run was not recomputed to its end.")),
        _ => Ok(Recomputed { events, difference, lost_card: engine.lost_card().map(ToString::to_string) }),
    }
}

/// `genovo replay --verify`.
pub fn command(path: &Path, cpu: CpuLevel, context: &Context) -> Result<(), Failure> {
    let journal =
        Journal::open(path).map_err(|error| failures::journal(&error, "Nothing was recomputed."))?;
    let found = recompute(&journal, cpu, context)?;
    let failure = found.difference.as_ref().map(|difference| differs(&journal, difference)).transpose()?;
    if context.json {
        context.answer(&serde_json::json!({
            "verified": found.difference.is_none(),
            "events": found.events,
            "card_lost_because": found.lost_card,
            "head_hash": journal.summary().head_hash,
            "first_difference": found.difference.as_ref().map(|difference| serde_json::json!({
                "sequence": difference.sequence,
                "recorded": difference.recorded,
                "recomputed": difference.recomputed,
                "causes": causes(&journal, difference),
            })),
        }))?;
    } else if failure.is_none() {
        if let Some(why) = &found.lost_card {
            say(&format!("! {why}\n  The CPU went on, with the same bits.\n"))?;
        }
        say(&format!(
            "{}: {} events recomputed, equal bit for bit   head {}\n",
            path.display(),
            format::count(found.events),
            journal.summary().head_hash.short()
        ))?;
    }
    failure.map_or(Ok(()), Err)
}

/// The recorded events that led to a difference, nearest first.
fn causes(journal: &Journal, difference: &Difference) -> Vec<Event> {
    let either = difference.recorded.as_ref().or(difference.recomputed.as_ref());
    let mut cause = either.map_or(Sequence::NONE, |event| event.header.cause);
    let mut causes = Vec::new();
    // A cause always comes before its effect, so the way back ends; 64 steps are more than any order takes.
    while cause != Sequence::NONE && causes.len() < 64 {
        let Ok(Some(event)) = journal.get(cause) else { break };
        cause = event.header.cause;
        causes.push(event);
    }
    causes
}

fn differs(journal: &Journal, difference: &Difference) -> Result<Failure, Failure> {
    let show = |event: &Option<Event>| match event {
        Some(event) => format!("{} {:?}", event.fact.kind().name(), event.fact),
        None => "nothing: the run had ended".to_string(),
    };
    let number = journal.number_of(difference.sequence).ok().flatten();
    let number = number.map_or(String::new(), |number| format!("event {}, ", format::count(number)));
    let line = |text: String| SourceLine { number: None, text };
    let mut lines = vec![
        line(format!("recorded    {}", show(&difference.recorded))),
        line(format!("recomputed  {}", show(&difference.recomputed))),
    ];
    for cause in causes(journal, difference) {
        lines.push(line(format!(
            "because of  {} at sequence {}",
            cause.fact.kind().name(),
            cause.header.sequence
        )));
    }
    let place = Place {
        title: format!("{}, {number}sequence {}", journal.path().display(), difference.sequence),
        lines,
        mark: None,
    };
    Ok(Failure::new(
        Exit::Difference,
        "the recomputed run differs from the recorded one",
        "Everything before it is equal, bit for bit.",
    )
    .at(place))
}
