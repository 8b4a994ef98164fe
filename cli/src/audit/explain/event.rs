//! Any event explained: what led to it, what followed from it.

use genovo_engine::ids::InstrumentId;
use serde_json::{Value, json};

use super::rows::{self, Row};
use super::{Proof, attribution, order_of, proof_lines, story};
use crate::audit::attribution::{Asked, Attribution};
use crate::audit::json as events;
use crate::audit::recording::{Numbered, Recording};
use crate::audit::when;
use crate::commands::Context;
use crate::error::Failure;
use crate::report::format;

/// Steps back and events onwards that are shown: more than any order takes.
const SHOWN: usize = 64;

/// An event with its causes and effects.
pub struct ExplainedEvent<'a> {
    recording: &'a Recording,
    one: Numbered,
    causes: Vec<Row>,
    effects: Vec<Row>,
    /// Effects beyond those that are shown.
    more: usize,
    attribution: Option<Attribution>,
    proof: Proof,
}

impl<'a> ExplainedEvent<'a> {
    /// Gathers them; of the effects `only` those on this instrument, and of a model's decision what is `asked`.
    pub fn new(
        recording: &'a Recording,
        one: Numbered,
        only: Option<InstrumentId>,
        asked: (&Asked, &Context),
        proof: Proof,
    ) -> Result<ExplainedEvent<'a>, Failure> {
        let mut causes = Vec::new();
        let mut last = one.clone();
        while let (Some(cause), true) = (rows::cause(&last), causes.len() < SHOWN) {
            let Some(found) = recording.at(cause)? else { break };
            causes.push(rows::of_event(recording, &found)?);
            last = found;
        }
        let mut effects = story::effects(recording, &one)?;
        effects.retain(|effect| only.is_none_or(|wanted| effect.event.header.instrument == wanted));
        let more = effects.len().saturating_sub(SHOWN);
        let effects = effects.iter().take(SHOWN).rev().map(|one| rows::of_event(recording, one));
        let effects = effects.collect::<Result<Vec<_>, _>>()?;
        let attribution = attribution(recording, std::iter::once(&one), asked)?;
        Ok(ExplainedEvent { recording, one, causes, effects, more, attribution, proof })
    }

    /// For a reader.
    pub fn text(&self) -> Result<String, Failure> {
        let header = &self.one.event.header;
        let mut text = format!(
            "EVENT {}   {}   sequence {}   {}\n\n",
            format::count(self.one.number),
            self.one.event.fact.kind().name(),
            header.sequence,
            when::full(header.time_event)
        );
        match (self.effects.is_empty(), self.more) {
            (true, _) => text.push_str("  nothing followed from it\n"),
            (false, 0) => text.push_str("  what followed from it, newest first\n"),
            (false, more) => text.push_str(&format!(
                "  what followed from it, newest first ({} more after these)\n",
                format::count(more as u64)
            )),
        }
        text.push_str(&rows::table(&self.effects));
        text.push_str("\n  the event\n");
        text.push_str(&rows::table(&[rows::of_event(self.recording, &self.one)?]));
        text.push_str(match self.causes.is_empty() {
            true => "\n  nothing led to it: it came from outside\n",
            false => "\n  what led to it, nearest first\n",
        });
        text.push_str(&rows::table(&self.causes));
        text.push('\n');
        if let Some(attribution) = &self.attribution {
            text.push_str(&attribution.text());
            text.push('\n');
        }
        text.push_str(&proof_lines(&self.proof, self.recording));
        if let Some(order) = order_of(&self.one.event.fact) {
            let path = self.recording.journal.path().display();
            text.push_str(&format!("  The whole order: genovo audit explain {path} --order {order}\n"));
        }
        Ok(text)
    }

    /// For a program.
    pub fn to_json(&self) -> Value {
        let list = |rows: &[Row]| -> Vec<Value> {
            rows.iter().map(|row| events::event(self.recording, &row.one)).collect()
        };
        let mut effects = list(&self.effects);
        effects.reverse();
        json!({
            "event": events::event(self.recording, &self.one),
            "order": order_of(&self.one.event.fact),
            "causes": list(&self.causes),
            "effects": effects,
            "effects_left_out": self.more,
            "attribution": self.attribution.as_ref().map(Attribution::to_json),
            "proof": self.proof.to_json(self.recording),
        })
    }

    /// The error that a difference found by recomputing is.
    pub fn failure(&self) -> Option<Failure> {
        self.proof.failure(self.recording)
    }
}
