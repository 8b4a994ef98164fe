//! Who may change a limit while a run is live. To tighten one needs nobody; to loosen one needs two of the keys that
//! the settings name: one that asks and another that allows it.
//!
//! The engine judges, not whoever hands requests in: what is refused, and why, follows from the journal alone.

use crate::canonical::fields;
use crate::event::{ApprovalGiven, LimitsAnswer, LimitsChanged, LimitsRequested};
use crate::ids::Hash;
use crate::settings::RiskSettings;
use crate::signature::PublicKey;
use crate::units::Timestamp;

/// The requests of a run, by number.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Requests {
    /// What waits for an approval; `None` once it is decided.
    requests: Vec<Option<Waiting>>,
}

crate::state! { Requests { requests } }

/// A request that waits for an approval.
#[derive(Clone, Debug, PartialEq)]
pub struct Waiting {
    /// What the approval must name.
    pub content: Hash,
    /// Which limit.
    pub key: String,
    /// Its value then, as canonical JSON.
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

fields! { Waiting { content, key, old, new, by, why, signed } }

/// Limits that hold from now on, and the fact that says so.
pub type Change = (RiskSettings, LimitsChanged);

impl Requests {
    /// How many there were.
    pub fn count(&self) -> u64 {
        self.requests.len() as u64
    }

    /// Those that wait for an approval, with their numbers.
    pub fn waiting(&self) -> impl Iterator<Item = (u64, &Waiting)> {
        (1..).zip(&self.requests).filter_map(|(number, request)| Some((number, request.as_ref()?)))
    }

    /// Takes the next request; `limits` are those in force, `keys` those that may loosen them.
    pub fn request(
        &mut self,
        request: &LimitsRequested,
        limits: &RiskSettings,
        keys: &[PublicKey],
    ) -> Result<Change, LimitsAnswer> {
        self.requests.push(None);
        let number = self.count();
        let old = limits.value_of(&request.key).ok_or(LimitsAnswer::NoSuchLimit)?;
        let changed = limits.with(&request.key, &request.new).ok_or(LimitsAnswer::BadValue)?;
        if changed == *limits {
            return Err(LimitsAnswer::Unchanged);
        }
        if let Some(signed) = request.signed
            && !signed.key.signed(LimitsRequested::PURPOSE, &request.message(), &signed.signature)
        {
            return Err(LimitsAnswer::Forged);
        }
        let signed = request.signed.map(|signed| signed.key);
        let new = changed.value_of(&request.key).unwrap_or_default();
        let (key, by, why) = (request.key.clone(), request.by.clone(), request.why.clone());
        if changed.looser_than(limits).is_empty() {
            let fact = LimitsChanged { request: number, key, old, new, by, why, signed, approved: None };
            return Ok((changed, fact));
        }
        let signed = signed.filter(|_| keys.len() > 1).ok_or(LimitsAnswer::WouldLoosen)?;
        if !keys.contains(&signed) {
            return Err(LimitsAnswer::NotAllowed);
        }
        if request.old != old {
            return Err(LimitsAnswer::Outdated);
        }
        let waiting = Waiting { content: request.content(), key, old, new, by, why, signed };
        *self.requests.last_mut().expect("it was just pushed") = Some(waiting);
        Err(LimitsAnswer::ApprovalNeeded)
    }

    /// Takes an approval that comes `now`.
    pub fn approve(
        &mut self,
        approval: &ApprovalGiven,
        limits: &RiskSettings,
        keys: &[PublicKey],
        now: Timestamp,
    ) -> Result<Change, LimitsAnswer> {
        let index = usize::try_from(approval.request).ok().and_then(|number| number.checked_sub(1));
        let request = index.and_then(|index| self.requests.get_mut(index));
        let slot = request.ok_or(LimitsAnswer::NoSuchRequest)?;
        let waiting = slot.as_ref().ok_or(LimitsAnswer::Replayed)?;
        let key = approval.signed.key;
        if approval.content != waiting.content
            || !key.signed(ApprovalGiven::PURPOSE, &approval.message(), &approval.signed.signature)
        {
            return Err(LimitsAnswer::Forged);
        }
        if !keys.contains(&key) {
            return Err(LimitsAnswer::NotAllowed);
        }
        if key == waiting.signed {
            return Err(LimitsAnswer::OwnRequest);
        }
        if now > approval.expires {
            return Err(LimitsAnswer::Expired);
        }
        if limits.value_of(&waiting.key).as_ref() != Some(&waiting.old) {
            return Err(LimitsAnswer::Outdated);
        }
        let changed = limits.with(&waiting.key, &waiting.new).ok_or(LimitsAnswer::BadValue)?;
        let Waiting { content: _, key: limit, old, new, by, why, signed } = slot.take().expect("it waits");
        let fact = LimitsChanged {
            request: approval.request,
            key: limit,
            old,
            new,
            by,
            why,
            signed: Some(signed),
            approved: Some(key),
        };
        Ok((changed, fact))
    }
}
