//! `audit report`: what a risk officer or an auditor asks of one or more journals, as one document: the controls and
//! their changes, what they held back, what went wrong, who allowed and commanded what, and what proves it.
//!
//! It is a fold over the events, and says nothing that is not in them: the same journals give the same bytes.

pub mod page;

use std::collections::BTreeMap;

use genovo_engine::event::{
    AlertRaised, Connection, Event, Fact, LimitsAnswer, LimitsChanged, Outcome, Side, WorldKind,
};
use genovo_engine::ids::{Hash, Sequence};
use genovo_engine::settings::RiskSettings;
use genovo_engine::signature::PublicKey;
use genovo_engine::units::{Money, Quantity, Timestamp};
use serde::Serialize;

use super::names::Names;
use super::words;
use crate::error::Exit;
use crate::report::Moment;
use crate::scenario::in_force;

/// What a signature of a report is for.
pub const PURPOSE: &str = "genovo audit report";
/// The most examples of what a rule held back.
const EXAMPLES_MAX: usize = 3;
/// The most lines of a list; what is beyond is counted.
const LINES_MAX: usize = 5_000;

/// The whole document.
#[derive(Debug, Serialize)]
pub struct Pack {
    /// Which document this is.
    pub format: &'static str,
    /// When it was made, as whoever made it says.
    pub made: Option<String>,
    /// From when on events count.
    pub from: Option<Moment>,
    /// Until when.
    pub to: Option<Moment>,
    /// The journals, in the order in which they were named.
    pub journals: Vec<Audited>,
}

/// One journal.
#[derive(Debug, Default, Serialize)]
pub struct Audited {
    /// The name of its directory.
    pub journal: String,
    /// Who the run was.
    pub identity: Identity,
    /// What proves it.
    pub proof: Proof,
    /// The controls.
    pub controls: Controls,
    /// What risk said to orders.
    pub verdicts: Verdicts,
    /// What went wrong, or had to be looked at.
    pub incidents: Lines,
    /// How often data had which flaw, and what was done.
    pub flaws: BTreeMap<String, u64>,
    /// What the operator said.
    pub operator: Lines,
    /// Requests to change a limit, approvals, and what became of them.
    pub approvals: Lines,
    /// Orders and fills.
    pub orders: Orders,
}

/// Who a run was.
#[derive(Debug, Default, Serialize)]
pub struct Identity {
    /// The scenario's name.
    pub scenario: String,
    /// Simulated or live.
    pub world: &'static str,
    /// The run's id.
    pub run: String,
    /// The rules by which it decided.
    pub logic_version: u32,
    /// The hash of its settings.
    pub settings: Hash,
    /// The strategy, or the model's id.
    pub decides: String,
    /// The instruments.
    pub instruments: Vec<String>,
    /// The account's currency.
    pub currency: String,
    /// The first event's time.
    pub first: Moment,
    /// The last event's time.
    pub last: Moment,
}

/// What proves a journal.
#[derive(Debug, Default, Serialize)]
pub struct Proof {
    /// Its head hash.
    pub head: Hash,
    /// How many events it has.
    pub events: u64,
    /// Whether every file is as it was sealed, and the chain comes to the head.
    pub intact: bool,
    /// What is wrong, if it is not.
    pub problem: Option<String>,
    /// What recomputing every decision came to.
    pub recomputed: String,
    /// Whether it came to something else than what is recorded.
    #[serde(skip)]
    pub differs: bool,
    /// Why it could not be recomputed, where that was asked for, how a command that finds it ends, and what helps.
    #[serde(skip)]
    pub impossible: Option<(Exit, String, Option<String>)>,
}

/// The controls over the time.
#[derive(Debug, Default, Serialize)]
pub struct Controls {
    /// The file of limits that the scenario was held to.
    pub file: Option<Hash>,
    /// Who signed it.
    pub signer: Option<PublicKey>,
    /// Who may sign it, and loosen limits.
    pub keys: Vec<PublicKey>,
    /// Whether every open position had to have a stop at the venue.
    pub protected: bool,
    /// Those in force at the beginning of the time.
    pub at_first: BTreeMap<&'static str, String>,
    /// Those in force at its end.
    pub at_last: BTreeMap<&'static str, String>,
    /// Every change in it.
    pub changes: Vec<Changed>,
}

/// A change of a limit.
#[derive(Debug, Serialize)]
pub struct Changed {
    /// When.
    pub time: Moment,
    /// By which event.
    pub sequence: Sequence,
    /// Which limit.
    pub key: String,
    /// What it was.
    pub old: String,
    /// What it became.
    pub new: String,
    /// Whether it holds back less since.
    pub loosened: bool,
    /// Who asked.
    pub by: String,
    /// Why.
    pub why: String,
    /// Whose key stands behind the request.
    pub signed: Option<PublicKey>,
    /// Whose key allowed it.
    pub approved: Option<PublicKey>,
}

/// What risk said to orders.
#[derive(Debug, Default, Serialize)]
pub struct Verdicts {
    /// Orders that it was asked about.
    pub assessed: u64,
    /// Left whole.
    pub allowed: u64,
    /// Made smaller.
    pub reduced: u64,
    /// Not sent.
    pub denied: u64,
    /// What each rule did; rules that were never asked are not here.
    pub by_rule: BTreeMap<&'static str, ByRule>,
}

/// What a rule did.
#[derive(Debug, Default, Serialize)]
pub struct ByRule {
    /// How often it was asked.
    pub asked: u64,
    /// How often it made an order smaller.
    pub reduced: u64,
    /// How often it left nothing that opens.
    pub denied: u64,
    /// The first times that it held something back.
    pub examples: Vec<Example>,
}

/// What a rule held back.
#[derive(Debug, Serialize)]
pub struct Example {
    /// When.
    pub time: Moment,
    /// Which verdict.
    pub sequence: Sequence,
    /// Of which instrument.
    pub instrument: String,
    /// Buy or sell.
    pub side: Side,
    /// What it left of the order.
    pub quantity: Quantity,
    /// The rule's limit, in its unit.
    pub limit: Money,
    /// What the order would have come to.
    pub asked: Money,
    /// What it was let come to.
    pub granted: Money,
}

/// Events in words.
#[derive(Debug, Default, Serialize)]
pub struct Lines {
    /// One each.
    pub lines: Vec<Line>,
    /// How many more there are.
    pub more: u64,
}

/// An event in words.
#[derive(Debug, Serialize)]
pub struct Line {
    /// When.
    pub time: Moment,
    /// Which.
    pub sequence: Sequence,
    /// Its kind.
    pub kind: &'static str,
    /// What it says.
    pub what: String,
}

/// Orders and fills.
#[derive(Debug, Default, Serialize)]
pub struct Orders {
    /// Left for the venue.
    pub submitted: u64,
    /// Our own no.
    pub denied: u64,
    /// The venue's no, by reason.
    pub rejected: BTreeMap<&'static str, u64>,
    /// Taken off the market.
    pub cancelled: u64,
    /// Their time ended.
    pub expired: u64,
    /// Cancels that left.
    pub cancels: u64,
    /// Replacements that left.
    pub replacements: u64,
    /// By instrument.
    pub fills: BTreeMap<String, Fills>,
    /// What was charged for holding overnight and for what was borrowed; below zero where it was received.
    pub financing: Money,
    /// Equity at the run's end, where it has ended.
    pub equity: Option<Money>,
}

/// What was filled of an instrument.
#[derive(Debug, Default, Serialize)]
pub struct Fills {
    /// How often.
    pub count: u64,
    /// How much was bought.
    pub bought: Quantity,
    /// How much was sold.
    pub sold: Quantity,
    /// What the fills cost, in account currency.
    pub commissions: Money,
}

impl Lines {
    fn push(&mut self, names: &Names, event: &Event) {
        if self.lines.len() == LINES_MAX {
            self.more += 1;
            return;
        }
        self.lines.push(Line {
            time: Moment(event.header.time_received),
            sequence: event.header.sequence,
            kind: event.fact.kind().name(),
            what: words::event(names, event),
        });
    }
}

/// Folds the events of a journal, from the first on.
pub struct Fold {
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    names: Names,
    limits: Option<RiskSettings>,
    audited: Audited,
    seen: bool,
    begun: bool,
}

impl Fold {
    /// Of a journal of this name; only events between these times count.
    pub fn new(journal: String, from: Option<Timestamp>, to: Option<Timestamp>) -> Fold {
        let audited = Audited { journal, ..Audited::default() };
        Fold { from, to, names: Names::default(), limits: None, audited, seen: false, begun: false }
    }

    /// Takes the next event.
    pub fn observe(&mut self, event: &Event) {
        self.names.learn(event);
        if let Fact::RunStarted(_) = event.fact {
            self.started();
        }
        let time = event.header.time_received;
        if !self.seen {
            self.audited.identity.first = Moment(time);
            self.seen = true;
        }
        self.audited.identity.last = Moment(time);
        let counts = self.from.is_none_or(|from| time >= from) && self.to.is_none_or(|to| time <= to);
        if counts && !std::mem::replace(&mut self.begun, true) {
            self.audited.controls.at_first = self.in_force();
        }
        // Limits follow every change up to the end of the time, whether it counts or not.
        if let Fact::LimitsChanged(changed) = &event.fact
            && self.to.is_none_or(|to| time <= to)
        {
            self.changed(event, changed, counts);
        }
        if counts {
            self.count(event);
        }
    }

    /// What was found; `proof` is what the journal's own check came to.
    pub fn finish(mut self, proof: Proof) -> Audited {
        if !self.begun {
            self.audited.controls.at_first = self.in_force();
        }
        self.audited.controls.at_last = self.in_force();
        Audited { proof, ..self.audited }
    }

    fn in_force(&self) -> BTreeMap<&'static str, String> {
        self.limits.iter().flat_map(in_force::written).collect()
    }

    fn started(&mut self) {
        let Some(started) = &self.names.started else { return };
        let identity = &mut self.audited.identity;
        identity.world = match started.world {
            WorldKind::Simulated => "simulated",
            WorldKind::Live => "live",
            WorldKind::Market => "market",
        };
        identity.run = genovo_engine::canonical::run_id(started).to_string();
        (identity.logic_version, identity.settings) = (started.logic_version, started.settings_hash);
        let Some(settings) = &self.names.settings else { return };
        identity.scenario.clone_from(&settings.name);
        identity.decides = match started.model {
            Some(model) => format!("{} {model}", settings.decides()),
            None => settings.decides(),
        };
        identity.instruments = settings.instruments.iter().map(|one| one.symbol.clone()).collect();
        identity.currency.clone_from(&settings.account.currency);
        let controls = &mut self.audited.controls;
        controls.file = settings.risk.limits;
        controls.protected = settings.risk.protect;
        controls.signer = settings.risk.limits_signer;
        controls.keys.clone_from(&settings.risk.limits_keys);
        self.limits = Some(settings.risk.clone());
    }

    fn changed(&mut self, event: &Event, changed: &LimitsChanged, counts: bool) {
        let Some(limits) = &mut self.limits else { return };
        let loosened = match limits.with(&changed.key, &changed.new) {
            Some(new) => {
                let looser = !new.looser_than(limits).is_empty();
                *limits = new;
                looser
            }
            None => false,
        };
        if counts {
            self.audited.controls.changes.push(Changed {
                time: Moment(event.header.time_received),
                sequence: event.header.sequence,
                key: changed.key.clone(),
                old: in_force::shown(&changed.key, &changed.old),
                new: in_force::shown(&changed.key, &changed.new),
                loosened,
                by: changed.by.clone(),
                why: changed.why.clone(),
                signed: changed.signed,
                approved: changed.approved,
            });
        }
    }

    fn count(&mut self, event: &Event) {
        let (audited, names) = (&mut self.audited, &self.names);
        let orders = &mut audited.orders;
        match &event.fact {
            Fact::RiskAssessed(_) => self.assessed(event),
            Fact::OrderSubmitted(_) => orders.submitted += 1,
            Fact::OrderDenied(_) => orders.denied += 1,
            Fact::OrderRejected(rejected) => {
                *orders.rejected.entry(rejected.reason.name()).or_default() += 1;
                audited.incidents.push(names, event);
            }
            Fact::OrderCancelled(_) => orders.cancelled += 1,
            Fact::OrderExpired(_) => orders.expired += 1,
            Fact::CancelRequested(_) => orders.cancels += 1,
            Fact::ReplaceRequested(_) => orders.replacements += 1,
            Fact::OrderFilled(fill) => {
                let fills = orders.fills.entry(names.symbol(event.header.instrument)).or_default();
                fills.count += 1;
                let side = if fill.side == Side::Buy { &mut fills.bought } else { &mut fills.sold };
                side.0 = side.0.saturating_add(fill.quantity.0);
                // Another program may have sealed any numbers: they must not end this one.
                fills.commissions.0 = fills.commissions.0.saturating_add(fill.commission.0);
            }
            Fact::FinancingCharged(charged) => {
                let paid = charged.financing.0.saturating_add(charged.borrow.0);
                orders.financing.0 = orders.financing.0.saturating_add(paid);
            }
            Fact::RunEnded(ended) => orders.equity = Some(ended.equity),
            Fact::DataFlagged(flag) => {
                let what = format!("{}: {}", words::flaw_name(flag.flaw), words::flaw_action(flag.action));
                *audited.flaws.entry(what).or_default() += 1;
            }
            Fact::OperatorCommanded(_) => audited.operator.push(names, event),
            Fact::LimitsRequested(_) | Fact::ApprovalGiven(_) | Fact::LimitsChanged(_) => {
                audited.approvals.push(names, event);
            }
            Fact::AlertRaised(alert) => match **alert {
                AlertRaised::Limits { answer: LimitsAnswer::ApprovalNeeded, .. } => {
                    audited.approvals.push(names, event);
                }
                AlertRaised::Limits { .. } => {
                    audited.approvals.push(names, event);
                    audited.incidents.push(names, event);
                }
                _ => audited.incidents.push(names, event),
            },
            Fact::TradingHalted(_)
            | Fact::OrderUnknown(_)
            | Fact::FeedGap(_)
            | Fact::ClockChecked(_)
            | Fact::TradeCorrected(_)
            | Fact::CancelRejected(_)
            | Fact::ReplaceRejected(_) => audited.incidents.push(names, event),
            Fact::ConnectionChanged(change) => match change.state {
                Connection::Connecting
                | Connection::Authenticating
                | Connection::Syncing
                | Connection::Live => {}
                Connection::Disconnected
                | Connection::Degraded
                | Connection::Backoff
                | Connection::Terminal => audited.incidents.push(names, event),
            },
            Fact::RunStarted(_)
            | Fact::InstrumentDefined(_)
            | Fact::QuoteChanged(_)
            | Fact::TradePrinted(_)
            | Fact::BarReceived(_)
            | Fact::BookChanged(_)
            | Fact::BookReset(_)
            | Fact::CorporateActionApplied(_)
            | Fact::SessionChanged(_)
            | Fact::MacroReleased(_)
            | Fact::NewsPublished(_)
            | Fact::EventScheduled(_)
            | Fact::SignalReceived(_)
            | Fact::TimerFired(_)
            | Fact::FeaturesReselected(_)
            | Fact::ChapterClosed(_)
            | Fact::OrderAccepted(_)
            | Fact::AccountReported(_)
            | Fact::PositionReported(_)
            | Fact::OrderTriggered(_)
            | Fact::OrderReplaced(_)
            | Fact::BarClosed(_)
            | Fact::FeaturesComputed(_)
            | Fact::RegimeChanged(_)
            | Fact::DecisionMade(_) => {}
        }
    }

    fn assessed(&mut self, event: &Event) {
        let Fact::RiskAssessed(verdict) = &event.fact else { return };
        let verdicts = &mut self.audited.verdicts;
        verdicts.assessed += 1;
        match verdict.outcome {
            Outcome::Allowed => verdicts.allowed += 1,
            Outcome::Reduced => verdicts.reduced += 1,
            Outcome::Denied => verdicts.denied += 1,
        }
        for result in &verdict.rules {
            let rule = verdicts.by_rule.entry(result.rule.name()).or_default();
            rule.asked += 1;
            match result.outcome {
                Outcome::Allowed => continue,
                Outcome::Reduced => rule.reduced += 1,
                Outcome::Denied => rule.denied += 1,
            }
            if rule.examples.len() < EXAMPLES_MAX {
                rule.examples.push(Example {
                    time: Moment(event.header.time_received),
                    sequence: event.header.sequence,
                    instrument: self.names.symbol(event.header.instrument),
                    side: verdict.side,
                    quantity: result.quantity,
                    limit: result.limit,
                    asked: result.asked,
                    granted: result.granted,
                });
            }
        }
    }
}
