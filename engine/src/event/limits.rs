//! Changes of limits while a run is live: what is asked for, what a second person allows, what became of it.
// rkyv's derive makes undocumented companions of enums with named fields.
#![allow(missing_docs)]

use crate::canonical::Canonical;
use crate::ids::Hash;
use crate::signature::{PublicKey, Signature};
use crate::units::Timestamp;

/// Whose signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signed {
    /// Who signed.
    pub key: PublicKey,
    /// The signature of the event's `message`.
    pub signature: Signature,
}

/// Somebody wants a limit changed. Requests are counted from 1 in the order in which they come; the engine says what
/// becomes of each.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitsRequested {
    /// Of which session: a number that the session drew when it began. The session puts it in, whatever was asked, so
    /// that what was signed for another one has a signature that does not fit.
    pub session: Hash,
    /// A number drawn for this request.
    pub nonce: Hash,
    /// Which limit, by its key in `[risk]`.
    pub key: String,
    /// Its value as whoever asks saw it, as canonical JSON; `null` where it is off.
    pub old: String,
    /// What it is to be.
    pub new: String,
    /// Who asks, as they say.
    pub by: String,
    /// Why.
    pub why: String,
    /// Who stands behind it; only tightening needs nobody.
    pub signed: Option<Signed>,
}

impl LimitsRequested {
    /// What a signature of a request is for.
    pub const PURPOSE: &'static str = "genovo limits request";

    /// What is signed: everything but the signature, as canonical bytes.
    pub fn message(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        LimitsRequested { signed: None, ..self.clone() }.write(&mut bytes);
        bytes
    }

    /// The BLAKE3 of the message: what an approval names.
    pub fn content(&self) -> Hash {
        Hash(*blake3::hash(&self.message()).as_bytes())
    }
}

/// A second key allows a request.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApprovalGiven {
    /// Of which session.
    pub session: Hash,
    /// Which request, by its number.
    pub request: u64,
    /// What it says: [`LimitsRequested::content`].
    pub content: Hash,
    /// Until when, by the session's time, the approval can be used.
    pub expires: Timestamp,
    /// Who approves, as they say.
    pub by: String,
    /// Who stands behind it.
    pub signed: Signed,
}

impl ApprovalGiven {
    /// What a signature of an approval is for.
    pub const PURPOSE: &'static str = "genovo limits approval";

    /// What is signed: everything but the signature, as canonical bytes.
    pub fn message(&self) -> Vec<u8> {
        let ApprovalGiven { session, request, content, expires, by, signed: _ } = self;
        let mut bytes = Vec::new();
        session.write(&mut bytes);
        request.write(&mut bytes);
        content.write(&mut bytes);
        expires.write(&mut bytes);
        by.write(&mut bytes);
        bytes
    }
}

/// A limit was changed; it holds from here on.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct LimitsChanged {
    /// By which request.
    pub request: u64,
    /// Which limit, by its key in `[risk]`.
    pub key: String,
    /// What it was, as canonical JSON; `null` where it was off.
    pub old: String,
    /// What it is now.
    pub new: String,
    /// Who asked.
    pub by: String,
    /// Why.
    pub why: String,
    /// Whose key stands behind the request.
    pub signed: Option<PublicKey>,
    /// Whose key allowed it; only loosening needs one.
    pub approved: Option<PublicKey>,
}

/// What else became of a request or an approval.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    serde::Serialize,
    serde::Deserialize,
    rkyv::Archive,
    rkyv::Serialize,
    rkyv::Deserialize,
)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum LimitsAnswer {
    /// It would loosen a limit: it waits for an approval by a second key.
    ApprovalNeeded = 1,
    /// There is no such limit, or it is fixed for a session.
    NoSuchLimit = 2,
    /// The limit cannot have this value.
    BadValue = 3,
    /// The limit has this value already.
    Unchanged = 4,
    /// It would loosen a limit, and nobody stands behind it, or nobody could approve it.
    WouldLoosen = 5,
    /// The signature is not that key's, or of something else.
    Forged = 6,
    /// The key is none of those that may.
    NotAllowed = 7,
    /// There is no such request.
    NoSuchRequest = 8,
    /// Nobody approves their own request.
    OwnRequest = 9,
    /// The approval came too late.
    Expired = 10,
    /// The request was decided already.
    Replayed = 11,
    /// The limit is no longer what it was when the request was made.
    Outdated = 12,
}

impl LimitsAnswer {
    /// Every one.
    pub const ALL: [LimitsAnswer; 12] = [
        LimitsAnswer::ApprovalNeeded,
        LimitsAnswer::NoSuchLimit,
        LimitsAnswer::BadValue,
        LimitsAnswer::Unchanged,
        LimitsAnswer::WouldLoosen,
        LimitsAnswer::Forged,
        LimitsAnswer::NotAllowed,
        LimitsAnswer::NoSuchRequest,
        LimitsAnswer::OwnRequest,
        LimitsAnswer::Expired,
        LimitsAnswer::Replayed,
        LimitsAnswer::Outdated,
    ];

    /// In words.
    pub const fn name(self) -> &'static str {
        match self {
            LimitsAnswer::ApprovalNeeded => "it loosens a limit and waits for an approval by a second key",
            LimitsAnswer::NoSuchLimit => "there is no such limit, or it is fixed for a session",
            LimitsAnswer::BadValue => "the limit cannot have this value",
            LimitsAnswer::Unchanged => "the limit has this value already",
            LimitsAnswer::WouldLoosen => "it would loosen a limit, and no two keys stand behind it",
            LimitsAnswer::Forged => "the signature is not that key's",
            LimitsAnswer::NotAllowed => "the key is none of the scenario's limits_keys",
            LimitsAnswer::NoSuchRequest => "there is no such request",
            LimitsAnswer::OwnRequest => "nobody approves their own request",
            LimitsAnswer::Expired => "the approval came too late",
            LimitsAnswer::Replayed => "the request was decided already",
            LimitsAnswer::Outdated => "the limit is no longer what it was when the request was made",
        }
    }

    /// Whether it is a no.
    pub fn is_refusal(self) -> bool {
        self != LimitsAnswer::ApprovalNeeded
    }
}
