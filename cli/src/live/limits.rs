//! The limits of a session that runs, as other processes see them through its socket: those in force, what waits for an
//! approval, and what became of a request.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use genovo_engine::engine::Engine;
use genovo_engine::event::{
    AlertRaised, ApprovalGiven, Event, Fact, LimitsAnswer, LimitsChanged, LimitsRequested,
};
use genovo_engine::ids::Hash;
use genovo_engine::settings::RiskSettings;
use genovo_engine::signature::PublicKey;
use genovo_engine::units::Timestamp;
use serde::{Deserialize, Serialize};

/// How long an answer of the engine is waited for: it comes with the next turn of the loop.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// What a session says of its limits.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct InForce {
    /// The session's own number.
    pub session: Hash,
    /// Its time.
    pub now: Timestamp,
    /// The account's currency.
    pub currency: String,
    /// The limits in force.
    pub limits: RiskSettings,
    /// Who may loosen them, two together.
    pub keys: Vec<PublicKey>,
    /// Requests that wait for an approval.
    pub waiting: Vec<Waits>,
}

/// A request that waits for an approval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Waits {
    /// Its number.
    pub request: u64,
    /// What an approval names.
    pub content: Hash,
    /// Which limit.
    pub key: String,
    /// Its value, as canonical JSON.
    pub old: String,
    /// What it is to be.
    pub new: String,
    /// Who asks.
    pub by: String,
    /// Why.
    pub why: String,
    /// Whose key stands behind it.
    pub signed: PublicKey,
}

/// What became of a request or an approval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The number of the request.
    pub request: u64,
    /// The limit that was changed, its old and its new value; none when nothing was.
    pub changed: Option<(String, String, String)>,
    /// What else it was.
    pub answer: Option<LimitsAnswer>,
}

struct Known {
    in_force: InForce,
    /// By which mark what the engine answers next is known.
    asked: Option<(Hash, Option<Waits>)>,
    answered: Vec<(Hash, Outcome)>,
    ended: bool,
}

/// The board that the loop keeps and the socket reads.
#[derive(Clone)]
pub struct Board(Arc<(Mutex<Known>, Condvar)>);

/// By what a request's answer is known.
pub fn mark_of_request(request: &LimitsRequested) -> Hash {
    request.nonce
}

/// By what an approval's answer is known.
pub fn mark_of_approval(approval: &ApprovalGiven) -> Hash {
    Hash(*blake3::hash(&approval.signed.signature.0).as_bytes())
}

impl Board {
    /// What an engine knows now.
    pub fn new(engine: &Engine, session: Hash, now: Timestamp) -> Board {
        let settings = engine.settings();
        let waiting = engine.requests().waiting().map(|(request, one)| Waits {
            request,
            content: one.content,
            key: one.key.clone(),
            old: one.old.clone(),
            new: one.new.clone(),
            by: one.by.clone(),
            why: one.why.clone(),
            signed: one.signed,
        });
        let in_force = InForce {
            session,
            now,
            currency: settings.account.currency.clone(),
            limits: engine.limits().clone(),
            keys: settings.risk.limits_keys.clone(),
            waiting: waiting.collect(),
        };
        let known = Known { in_force, asked: None, answered: Vec::new(), ended: false };
        Board(Arc::new((Mutex::new(known), Condvar::new())))
    }

    /// What is known of the limits.
    pub fn in_force(&self) -> Option<InForce> {
        self.0.0.lock().ok().map(|known| known.in_force.clone())
    }

    /// Takes in a fact about limits; whether it is an answer, which somebody waits for.
    pub fn observe(&self, event: &Event) -> bool {
        let (lock, told) = &*self.0;
        let Ok(mut known) = lock.lock() else { return false };
        known.in_force.now = event.header.time_received;
        let (request, changed, answer) = match &event.fact {
            Fact::LimitsRequested(request) => {
                let waits = request.signed.map(|signed| Waits {
                    request: 0,
                    content: request.content(),
                    key: request.key.clone(),
                    old: request.old.clone(),
                    new: request.new.clone(),
                    by: request.by.clone(),
                    why: request.why.clone(),
                    signed: signed.key,
                });
                known.asked = Some((mark_of_request(request), waits));
                return false;
            }
            Fact::ApprovalGiven(approval) => {
                known.asked = Some((mark_of_approval(approval), None));
                return false;
            }
            Fact::LimitsChanged(changed) => {
                let LimitsChanged { request, key, old, new, .. } = &**changed;
                if let Some(limits) = known.in_force.limits.with(key, new) {
                    known.in_force.limits = limits;
                }
                known.in_force.waiting.retain(|waits| waits.request != *request);
                (*request, Some((key.clone(), old.clone(), new.clone())), None)
            }
            Fact::AlertRaised(alert) => match **alert {
                AlertRaised::Limits { request, answer } => (request, None, Some(answer)),
                _ => return false,
            },
            _ => return false,
        };
        if let Some((mark, waits)) = known.asked.take() {
            if let (Some(LimitsAnswer::ApprovalNeeded), Some(waits)) = (answer, waits) {
                known.in_force.waiting.push(Waits { request, ..waits });
            }
            known.answered.push((mark, Outcome { request, changed, answer }));
            told.notify_all();
        }
        true
    }

    /// How much was answered so far.
    pub fn answered(&self) -> usize {
        self.0.0.lock().map_or(0, |known| known.answered.len())
    }

    /// Waits for the answer to what has this mark, behind the first so many: the same approval may be handed in again.
    /// None when the session ended before, or is stuck.
    pub fn wait(&self, mark: Hash, behind: usize) -> Option<Outcome> {
        let (lock, told) = &*self.0;
        let find = |known: &Known| {
            let mut answers = known.answered.iter().skip(behind);
            answers.find(|(of, _)| *of == mark).map(|(_, outcome)| outcome.clone())
        };
        let known = lock.lock().ok()?;
        let waits = |known: &mut Known| !known.ended && find(known).is_none();
        let (known, _) = told.wait_timeout_while(known, ANSWER_MAX, waits).ok()?;
        find(&known)
    }

    /// The session has ended: nobody is answered any more.
    pub fn end(&self) {
        if let Ok(mut known) = self.0.0.lock() {
            known.ended = true;
        }
        self.0.1.notify_all();
    }
}
