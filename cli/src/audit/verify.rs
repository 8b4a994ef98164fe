//! `audit verify`: that a journal is what was sealed, and what to do when it is not.

use std::path::Path;

use genovo_engine::ids::Hash;
use genovo_journal::{Damage, Error, Extent, Journal, LiveJournal, Verification};
use serde_json::{Value, json};

use crate::error::{Exit, Failure, Place, SourceLine};
use crate::failures;
use crate::report::format;

const CONSEQUENCE: &str = "Do not append to this journal.";

/// Recomputes the journal from its first event.
pub fn verify(path: &Path) -> Result<Verification, Failure> {
    genovo_journal::verify(path).map_err(|error| failures::journal(&error, "Nothing was verified."))
}

/// How far a journal that was never sealed is whole. `None` for one that has nothing to say it by: a backtest that did
/// not come to its end.
pub fn extent(path: &Path) -> Result<Option<Extent>, Failure> {
    let failed = |error: Error| failures::journal(&error, "Nothing was verified.");
    let journal = LiveJournal::open(path).map_err(failed)?;
    if journal.is_sealed() {
        return Ok(None);
    }
    let extent = journal.extent().map_err(failed)?;
    Ok((extent.events > 0 || extent.damage.is_some()).then_some(extent))
}

/// What is said of a journal that was never sealed: it ends in 1 when all of it is whole, in 3 when something is
/// damaged.
pub fn incomplete(path: &Path, extent: &Extent) -> Failure {
    let whole = format!("events 1 to {} are whole", format::count(extent.events));
    if let Some(damage) = &extent.damage {
        return failures::damaged(damage, CONSEQUENCE)
            .help(format!("{whole}. Restore the rest from a backup"));
    }
    let mut lines = vec![
        format!(
            "events    {} whole, the last at sequence {}",
            format::count(extent.events),
            extent.last_sequence
        ),
        format!(
            "chapters  {} sealed and intact, {} open",
            extent.sealed_chapters,
            extent.chapters - extent.sealed_chapters
        ),
    ];
    if let Some(torn) = &extent.torn {
        lines.push(format!(
            "torn      {} bytes from byte {} of {}: a write that was cut short; a resume takes it away",
            format::count(torn.bytes),
            format::count(torn.at),
            torn.file.display()
        ));
    }
    let lines = lines.into_iter().map(|text| SourceLine { number: None, text }).collect();
    let message = format!("{} is incomplete: it was never sealed", path.display());
    let failure =
        Failure::new(Exit::Failed, message, format!("{whole}; no head proves that nothing is missing."))
            .at(Place { title: path.display().to_string(), lines, mark: None });
    failure.help(match (extent.is_written, extent.ended) {
        (true, _) => "a process is writing it: audit tail follows it",
        (false, true) => "its run ended, only the seal is missing: resume it to seal it",
        (false, false) => "its run was interrupted: resume it, or read it with audit tail --no-follow",
    })
}

/// How far an incomplete journal is whole, for a program.
pub fn extent_json(path: &Path, extent: &Extent) -> Value {
    json!({
        "intact": false,
        "complete": false,
        "journal": path,
        "events": extent.events,
        "last_sequence": extent.last_sequence,
        "chapters": extent.chapters,
        "sealed_chapters": extent.sealed_chapters,
        "ended": extent.ended,
        "written_now": extent.is_written,
        "head_hash": Value::Null,
        "torn": extent.torn.as_ref().map(|torn| json!({
            "file": torn.file, "at": torn.at, "bytes": torn.bytes,
        })),
        "first_damage": extent.damage.as_ref().map(damage),
    })
}

/// Makes the store anew if only the store differs from its seal; whether it did.
pub fn rebuild(path: &Path) -> Result<bool, Failure> {
    let failed = |error: Error| failures::journal(&error, "Nothing was rebuilt.");
    match Journal::open(path) {
        Ok(_) => Ok(false),
        Err(Error::StoreDamaged { .. }) => Journal::rebuild(path).map(|_| true).map_err(failed),
        Err(error) => Err(failed(error)),
    }
}

/// The damage as an error, if there is any.
pub fn failure(found: &Verification) -> Option<Failure> {
    let damage = found.first_damage.as_ref()?;
    let failure = failures::damaged(damage, CONSEQUENCE);
    Some(match is_store(damage) {
        true => failure.help(format!(
            "chapter.blocks is intact: all {} events are there. Make the store anew from it:\n\
             genovo audit verify --rebuild {}",
            format::count(found.events),
            found.journal.display()
        )),
        false => failure.help(match found.first_damage.as_ref().map(|damage| damage.intact.events) {
            Some(events @ 1..) => format!(
                "events 1 to {} are intact. Restore it from a backup, or run the scenario again:\n\
                 the same scenario on the same data gives the same events and head",
                format::count(events)
            ),
            _ => "nothing before it could be proven. Restore it from a backup, or run the scenario again"
                .into(),
        }),
    })
}

fn is_store(damage: &Damage) -> bool {
    damage.file.components().any(|part| part.as_os_str() == "store")
}

/// What was found, for a reader.
pub fn text(found: &Verification) -> String {
    format!(
        "{} is intact\n  \
         events  {} in {} blocks, chained again from the first to the last\n  \
         head    {}\n  \
         files   {} equal what was sealed\n",
        found.journal.display(),
        format::count(found.events),
        format::count(found.blocks),
        found.head_hash,
        format::count(found.files)
    )
}

/// What was found, for a program.
pub fn to_json(found: &Verification) -> Value {
    json!({
        "intact": found.intact(),
        "journal": found.journal,
        "events": found.events,
        "blocks": found.blocks,
        "files": found.files,
        "head_hash": found.head_hash,
        "first_damage": found.first_damage.as_ref().map(damage),
    })
}

fn damage(damage: &Damage) -> Value {
    let place = damage.place.as_ref();
    let hash = |hash: Option<Hash>| hash.map(|hash| hash.to_string());
    json!({
        "file": damage.file,
        "problem": damage.problem,
        "block": place.map(|place| place.block),
        "blocks": place.map(|place| place.blocks),
        "first_event": place.map(|place| place.first_number),
        "last_event": place.map(|place| place.last_number),
        "first_sequence": place.map(|place| place.first_sequence),
        "last_sequence": place.map(|place| place.last_sequence),
        "first_time": place.map(|place| place.first_time),
        "last_time": place.map(|place| place.last_time),
        "sealed": hash(damage.sealed),
        "recomputed": hash(damage.recomputed),
        "intact_blocks": damage.intact.blocks,
        "intact_events": damage.intact.events,
    })
}
