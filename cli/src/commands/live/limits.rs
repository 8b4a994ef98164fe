//! `genovo live set` and `genovo live approve`: limits of a session that runs.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use genovo_engine::event::{ApprovalGiven, LimitsAnswer, LimitsRequested, Signed};
use genovo_engine::ids::Hash;
use genovo_engine::signature::{PublicKey, Signature};
use genovo_engine::units::{Nanoseconds, Timestamp};

use super::super::{Context, say};
use super::duration;
use crate::audit::when;
use crate::error::{Exit, Failure};
use crate::live::limits::{InForce, Outcome, Waits};
use crate::live::{control, folder};
use crate::runs;
use crate::scenario::in_force::{self, shown};
use crate::signing::{SecretKey, random};

const NOTHING: &str = "No limit was changed.";

/// Change a limit of a session that runs, or show those in force.
///
/// What tightens a limit holds at once. What loosens one waits for an approval by a second key: both must be among
/// the scenario's limits_keys. Everything is journaled: what was asked, by whom and why, what was allowed, what was
/// refused.
#[derive(Args, Debug)]
#[command(after_help = SET_EXAMPLES)]
pub struct Set {
    /// The limit and its new value, as in [risk]; `off` switches one off.
    #[arg(value_name = "KEY=VALUE", required_unless_present = "list")]
    change: Option<String>,
    /// Show the limits in force and what waits for an approval.
    #[arg(long, conflicts_with_all = ["change", "key", "why"])]
    list: bool,
    /// Why: it stands in the journal.
    #[arg(long, value_name = "TEXT", default_value = "")]
    why: String,
    /// Your secret key; needed to loosen a limit.
    #[arg(long, value_name = "KEYFILE")]
    key: Option<PathBuf>,
    /// Who asks [default: your user name].
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// The session's journal, or `last`.
    #[arg(long, value_name = "JOURNAL", default_value = "last")]
    session: PathBuf,
}

const SET_EXAMPLES: &str = "\
Examples:
  genovo live set --list
  genovo live set max_total=\"3 %\" --why \"elections on Sunday\"
  genovo live set kill_switch=true
  genovo live set max_leverage=4 --key anna.key --why \"hedge\"    waits for an approval
  genovo live approve 2 --key otto.key";

/// Allow a change that loosens a limit, with a second key.
///
/// The approval names the request, what it says and the session, and can be used until it expires. With --out it is
/// written into a file instead of handed in, for whoever runs the session to give.
#[derive(Args, Debug)]
#[command(after_help = APPROVE_EXAMPLES)]
pub struct Approve {
    /// The request's number.
    #[arg(value_name = "REQUEST", required_unless_present = "give")]
    request: Option<u64>,
    /// Your secret key, not the one that asked.
    #[arg(long, value_name = "KEYFILE", required_unless_present = "give")]
    key: Option<PathBuf>,
    /// How long the approval can be used, by the session's time.
    #[arg(long, value_name = "DURATION", default_value = "1h")]
    expires: String,
    /// Write the approval into this file, and hand in nothing.
    #[arg(long, value_name = "FILE", conflicts_with = "give")]
    out: Option<PathBuf>,
    /// Hand in the approval in this file.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["request", "key"])]
    give: Option<PathBuf>,
    /// Who approves [default: your user name].
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// The session's journal, or `last`.
    #[arg(long, value_name = "JOURNAL", default_value = "last")]
    session: PathBuf,
}

const APPROVE_EXAMPLES: &str = "\
Examples:
  genovo live set --list                                what waits, and for what
  genovo live approve 2 --key otto.key
  genovo live approve 2 --key otto.key --expires 15min --out approval.json
  genovo live approve --give approval.json";

/// Whoever is logged in, as they say.
fn name(by: &Option<String>) -> String {
    let user = || ["USER", "LOGNAME"].into_iter().find_map(|name| std::env::var(name).ok());
    by.clone().or_else(user).filter(|name| !name.is_empty()).unwrap_or_else(|| "unknown".to_string())
}

/// Asks the session of a journal; it must run.
fn ask<T: serde::de::DeserializeOwned>(journal: &Path, line: &str) -> Result<T, Failure> {
    let failed = |message: String| Failure::new(Exit::Failed, message, NOTHING);
    let answer = control::ask(journal, line)
        .map_err(|error| failed(format!("the session does not answer: {error}")))?
        .ok_or_else(|| {
            failed(format!("no process runs the session {}", journal.display()))
                .help(format!("go on with it first: genovo live --resume {}", journal.display()))
        })?;
    serde_json::from_str(&answer).map_err(|_| failed(format!("the session says: {}", answer.trim())))
}

/// The journal of a session, and what it says of its limits.
fn session(journal: &Path) -> Result<(PathBuf, InForce), Failure> {
    let journal = runs::resolve(journal)?;
    folder::SessionFile::read(&journal).map_err(|mut failure| {
        failure.consequence = NOTHING.to_string();
        failure
    })?;
    let in_force = ask(&journal, "limits")?;
    Ok((journal, in_force))
}

impl Set {
    /// Runs the command.
    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        let (journal, in_force) = session(&self.session)?;
        let Some(change) = &self.change else { return list(&journal, &in_force, context) };
        let wanted = in_force::wanted(&in_force.limits, &in_force.currency, change)?;
        let key = self.key.as_deref().map(|path| SecretKey::read(path, NOTHING)).transpose()?;
        let mut request = LimitsRequested {
            session: in_force.session,
            nonce: random()?,
            key: wanted.key,
            old: wanted.old,
            new: wanted.new,
            by: name(&self.by),
            why: self.why.clone(),
            signed: None,
        };
        request.signed = key.map(|key| Signed {
            key: key.public(),
            signature: key.sign(LimitsRequested::PURPOSE, &request.message()),
        });
        let text = serde_json::to_string(&request).expect("a request is JSON");
        answered(&ask(&journal, &format!("request {text}"))?, context)
    }
}

impl Approve {
    /// Runs the command.
    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        let (journal, in_force) = session(&self.session)?;
        let approval = match &self.give {
            Some(file) => read_approval(file)?,
            None => self.sign(&in_force)?,
        };
        let text = serde_json::to_string(&approval).expect("an approval is JSON");
        let Some(out) = &self.out else {
            return answered(&ask(&journal, &format!("approve {text}"))?, context);
        };
        fs::write(out, format!("{text}\n")).map_err(|error| {
            let message = format!("cannot write {}: {error}", out.display());
            Failure::new(Exit::Failed, message, NOTHING)
        })?;
        match context.json {
            true => context.answer(&serde_json::json!({ "approval": out, "request": approval.request })),
            false => say(&format!(
                "  {} allows request {} until {}, once it is given:\n  genovo live approve --give {}\n",
                approval.signed.key.short(),
                approval.request,
                when::short(approval.expires),
                out.display()
            )),
        }
    }

    fn sign(&self, in_force: &InForce) -> Result<ApprovalGiven, Failure> {
        let usage = |message: String| Failure::new(Exit::Usage, message, NOTHING);
        let (number, path) = (self.request.unwrap_or_default(), self.key.clone().unwrap_or_default());
        let waits = in_force.waiting.iter().find(|waits| waits.request == number).ok_or_else(|| {
            usage(format!("no request {number} waits for an approval"))
                .help("genovo live set --list shows those that do")
        })?;
        let key = SecretKey::read(&path, NOTHING)?;
        let expires = i64::try_from(duration(&self.expires)?.as_nanos()).unwrap_or(i64::MAX);
        let mut approval = ApprovalGiven {
            session: in_force.session,
            request: number,
            content: waits.content,
            expires: Timestamp(in_force.now.0.saturating_add(Nanoseconds(expires).0)),
            by: name(&self.by),
            signed: Signed { key: key.public(), signature: Signature([0; 64]) },
        };
        approval.signed.signature = key.sign(ApprovalGiven::PURPOSE, &approval.message());
        Ok(approval)
    }
}

fn read_approval(path: &Path) -> Result<ApprovalGiven, Failure> {
    let text = fs::read_to_string(path).map_err(|error| error.to_string());
    let read = text.and_then(|text| serde_json::from_str(&text).map_err(|error| error.to_string()));
    read.map_err(|why| {
        let message = format!("{} is no approval: {why}", path.display());
        Failure::new(Exit::Usage, message, NOTHING)
            .help("genovo live approve REQUEST --key KEYFILE --out FILE makes one")
    })
}

/// Says what became of a request or an approval. A refusal is a failure: it is in the journal, and nothing changed.
fn answered(outcome: &Outcome, context: &Context) -> Result<(), Failure> {
    let Outcome { request, changed, answer } = outcome;
    if let Some(answer) = answer.filter(|answer| answer.is_refusal()) {
        let failure = Failure::new(Exit::Failed, format!("request {request}: {}", answer.name()), NOTHING);
        return Err(match answer {
            LimitsAnswer::WouldLoosen => failure.help(
                "sign it: --key KEYFILE; the scenario's limits_keys must have your key and that of who is to allow it",
            ),
            LimitsAnswer::OwnRequest => failure.help("another of the scenario's limits_keys must allow it"),
            LimitsAnswer::Outdated => failure.help("ask again: genovo live set"),
            _ => failure,
        });
    }
    if context.json {
        return context.answer(&serde_json::json!({
            "request": request,
            "changed": changed.as_ref().map(|(key, old, new)| serde_json::json!({
                "key": key, "old": shown(key, old), "new": shown(key, new),
            })),
            "waits": answer.is_some(),
        }));
    }
    match changed {
        Some((key, old, new)) => {
            say(&format!("  {key}  {} → {}   from now on\n", shown(key, old), shown(key, new)))
        }
        None => say(&format!(
            "  request {request} loosens a limit and waits for a second key:\n  \
             genovo live approve {request} --key KEYFILE\n"
        )),
    }
}

fn list(journal: &Path, in_force: &InForce, context: &Context) -> Result<(), Failure> {
    let InForce { limits, keys, waiting, now, .. } = in_force;
    let rows = in_force::written(limits);
    if context.json {
        let waiting = waiting.iter().map(|Waits { request, key, old, new, by, why, signed, .. }| {
            serde_json::json!({
                "request": request, "key": key, "old": shown(key, old), "new": shown(key, new),
                "by": by, "why": why, "signed": signed,
            })
        });
        return context.answer(&serde_json::json!({
            "journal": journal,
            "time": now.0,
            "limits": rows.into_iter().collect::<std::collections::BTreeMap<_, _>>(),
            "keys": keys,
            "waiting": waiting.collect::<Vec<_>>(),
        }));
    }
    let mut text = format!("  limits in force at {}\n", when::short(*now));
    for (key, value) in rows {
        text.push_str(&format!("  {key:<20} {value}\n"));
    }
    match keys.len() {
        0 | 1 => text.push_str("  nothing can be loosened: no two limits_keys are named\n"),
        _ => {
            let keys: Vec<String> = keys.iter().map(PublicKey::short).collect();
            text.push_str(&format!("  two of {} loosen one\n", keys.join(", ")));
        }
    }
    for Waits { request, key, old, new, by, why, signed, content, .. } in waiting {
        let why = if why.is_empty() { "no reason given" } else { why };
        text.push_str(&format!(
            "  request {request} waits: {key} {} → {}, by {by} ({}): {why}   {}\n",
            shown(key, old),
            shown(key, new),
            signed.short(),
            Hash::short(content),
        ));
    }
    say(&text)
}
