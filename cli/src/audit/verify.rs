//! `audit verify`: that a journal is what was sealed, and what to do when it is not.

use std::path::Path;

use genovo_engine::ids::Hash;
use genovo_journal::{Damage, Error, Journal, Verification};
use serde_json::{Value, json};

use crate::error::Failure;
use crate::failures;
use crate::report::format;

const CONSEQUENCE: &str = "Do not append to this journal.";

/// Recomputes the journal from its first event.
pub fn verify(path: &Path) -> Result<Verification, Failure> {
    genovo_journal::verify(path).map_err(|error| failures::journal(&error, "Nothing was verified."))
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
