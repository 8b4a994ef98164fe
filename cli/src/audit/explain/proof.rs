//! That what is shown is what the run decided: run and chain are recomputed from the first event.

use genovo_engine::ids::Hash;
use genovo_engine::recorded::Difference;
use genovo_kernels::cpu::CpuLevel;
use serde_json::{Value, json};

use crate::audit::recording::Recording;
use crate::commands::Context;
use crate::error::{Exit, Failure};
use crate::report::format;
use crate::{failures, verify};

/// What recomputing said.
pub enum Proof {
    /// Every event is equal, and the chain is whole.
    Equal {
        /// How many.
        events: u64,
        /// The chain's head.
        head: Hash,
    },
    /// The recomputed run is another one.
    Differs(Box<Difference>),
    /// It could not be recomputed here.
    Impossible(String),
    /// Nobody asked.
    NotAsked,
}

impl Proof {
    /// Recomputes the run and the chain.
    pub fn of(recording: &Recording, context: &Context) -> Result<Proof, Failure> {
        let path = recording.journal.path().to_owned();
        let chain = std::thread::spawn(move || genovo_journal::verify(&path));
        let recomputed = verify::recompute(&recording.journal, CpuLevel::detect(), context);
        let chain = chain.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        let chain = chain.map_err(|error| failures::journal(&error, "Nothing was proven."))?;
        if let Some(damage) = &chain.first_damage {
            return Err(failures::damaged(damage, "Nothing was proven."));
        }
        Ok(match recomputed {
            Err(failure) => Proof::Impossible(failure.message),
            Ok(found) => match found.difference {
                Some(difference) => Proof::Differs(Box::new(difference)),
                None => Proof::Equal { events: found.events, head: chain.head_hash },
            },
        })
    }

    /// In words, a line or two.
    pub fn lines(&self, recording: &Recording) -> Vec<String> {
        let head = recording.journal.summary().head_hash.short();
        match self {
            Proof::Equal { head, .. } => vec![format!(
                "all derived events above recomputed now: equal, bit for bit. \
                 Chain intact from here to the head {}",
                head.short()
            )],
            Proof::Differs(difference) => vec![
                format!("! recomputed now, the run differs from sequence {} on", difference.sequence),
                "  what is shown is what was recorded; genovo replay --verify shows both".to_string(),
            ],
            Proof::Impossible(why) => vec![
                format!("! not recomputed: {why}"),
                format!("  the chain is intact to the head {head}: this is what was recorded"),
            ],
            Proof::NotAsked => vec![format!("not recomputed, as asked. Head {head}")],
        }
    }

    /// For a program; `verified` is null where nothing was recomputed.
    pub fn to_json(&self, recording: &Recording) -> Value {
        let (verified, events, why) = match self {
            Proof::Equal { events, .. } => (Some(true), Some(*events), None),
            Proof::Differs(_) => (Some(false), None, None),
            Proof::Impossible(why) => (None, None, Some(why.as_str())),
            Proof::NotAsked => (None, None, Some("not asked for")),
        };
        let difference = match self {
            Proof::Differs(difference) => Some(json!({
                "sequence": difference.sequence,
                "recorded": difference.recorded,
                "recomputed": difference.recomputed,
            })),
            _ => None,
        };
        json!({
            "verified": verified,
            "events": events,
            "head_hash": recording.journal.summary().head_hash,
            "first_difference": difference,
            "why_not": why,
        })
    }

    /// The error that a difference is.
    pub fn failure(&self, recording: &Recording) -> Option<Failure> {
        let Proof::Differs(difference) = self else { return None };
        let number = recording.journal.number_of(difference.sequence).ok().flatten();
        let place = number.map_or(String::new(), |number| format!(" at event {}", format::count(number)));
        let message = format!("the recomputed run differs from the recorded one{place}");
        let path = recording.journal.path().display();
        let consequence = "Everything before it is equal, bit for bit.";
        Some(
            Failure::new(Exit::Difference, message, consequence)
                .help(format!("both versions and their causes: genovo replay --verify {path}")),
        )
    }
}
