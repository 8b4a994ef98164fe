//! Who may change a limit of a live run: one tightens, two loosen, and everything that is refused is said.

use ed25519_dalek::{Signer, SigningKey};
use genovo_engine::engine::Engine;
use genovo_engine::event::*;
use genovo_engine::ids::{Hash, InstrumentId, Sequence};
use genovo_engine::recorded::rerun;
use genovo_engine::settings::{RiskDistance, Settings};
use genovo_engine::signature::{PublicKey, Signature, to_sign};
use genovo_engine::strategy::Registry;
use genovo_engine::units::{Price, Timestamp};
use genovo_engine::world::WorldError;

const SESSION: Hash = Hash([9; 32]);
const LATER: Timestamp = Timestamp(i64::MAX);

/// Somebody with a key.
fn person(number: u8) -> SigningKey {
    SigningKey::from_bytes(&[number; 32])
}

fn public(key: &SigningKey) -> PublicKey {
    PublicKey(key.verifying_key().to_bytes())
}

fn sign(key: &SigningKey, purpose: &str, message: &[u8]) -> Signed {
    let signature = Signature(key.sign(&to_sign(purpose, message)).to_bytes());
    Signed { key: public(key), signature }
}

fn settings(keys: &[u8]) -> Settings {
    let mut settings = genovo_tests::gold();
    settings.strategy.kind = "flat".to_string();
    settings.strategy.parameters.clear();
    settings.bars = None;
    settings.risk.distance = RiskDistance::ShareOfPrice("0.01".parse().unwrap());
    settings.risk.limits_keys = keys.iter().map(|number| public(&person(*number))).collect();
    settings
}

/// A live engine, every event so far, and the number of the last input.
struct Desk {
    engine: Engine,
    events: Vec<Event>,
    number: u64,
}

impl Desk {
    fn new(keys: &[u8]) -> Desk {
        let engine = Engine::new(settings(keys), &Registry::default()).unwrap();
        let started = Fact::RunStarted(Box::new(engine.identity(WorldKind::Live)));
        let mut desk = Desk { engine, events: Vec::new(), number: 0 };
        desk.say(started);
        desk
    }

    /// What the engine says to an input.
    fn say(&mut self, fact: Fact) -> Vec<Fact> {
        self.number += 1;
        let time = Timestamp(self.number as i64 * 1_000_000_000);
        let mut input = Event::unnumbered(time, time, InstrumentId::NONE, fact);
        input.header.sequence = Sequence::input(self.number);
        let output = self.engine.apply(&input).expect("no fault");
        let said = output.events.iter().map(|event| event.fact.clone()).collect();
        self.events.push(input);
        self.events.extend(output.events.iter().cloned());
        said
    }

    fn wish(&self, key: &str, new: &str) -> LimitsRequested {
        LimitsRequested {
            session: SESSION,
            nonce: Hash([self.number as u8; 32]),
            key: key.to_string(),
            old: self.engine.limits().value_of(key).unwrap_or_default(),
            new: new.to_string(),
            by: "anna".to_string(),
            why: "because".to_string(),
            signed: None,
        }
    }

    fn signed(&self, key: &str, new: &str, by: u8) -> LimitsRequested {
        let mut wish = self.wish(key, new);
        wish.signed = Some(sign(&person(by), LimitsRequested::PURPOSE, &wish.message()));
        wish
    }

    fn ask(&mut self, wish: LimitsRequested) -> Result<LimitsChanged, LimitsAnswer> {
        became(self.say(Fact::LimitsRequested(Box::new(wish))))
    }

    fn approval(&self, wish: &LimitsRequested, request: u64, by: u8, expires: Timestamp) -> ApprovalGiven {
        let nobody = Signed { key: public(&person(by)), signature: Signature([0; 64]) };
        let mut approval = ApprovalGiven {
            session: SESSION,
            request,
            content: wish.content(),
            expires,
            by: "otto".to_string(),
            signed: nobody,
        };
        approval.signed = sign(&person(by), ApprovalGiven::PURPOSE, &approval.message());
        approval
    }

    fn approve(&mut self, approval: ApprovalGiven) -> Result<LimitsChanged, LimitsAnswer> {
        became(self.say(Fact::ApprovalGiven(Box::new(approval))))
    }

    fn limit(&self, key: &str) -> String {
        self.engine.limits().value_of(key).expect("a limit")
    }
}

/// The one answer.
fn became(said: Vec<Fact>) -> Result<LimitsChanged, LimitsAnswer> {
    match said.as_slice() {
        [Fact::LimitsChanged(changed)] => Ok((**changed).clone()),
        [Fact::AlertRaised(alert)] => match **alert {
            AlertRaised::Limits { answer, .. } => Err(answer),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

#[test]
fn one_tightens_at_once_and_the_journal_says_who_and_why() {
    let mut desk = Desk::new(&[]);
    let wish = desk.wish("max_total", "\"0.04\"");
    let changed = desk.ask(wish).unwrap();
    assert_eq!((changed.request, changed.old.as_str(), changed.new.as_str()), (1, "\"0.05\"", "\"0.04\""));
    assert_eq!((changed.by.as_str(), changed.why.as_str()), ("anna", "because"));
    assert_eq!((changed.signed, changed.approved), (None, None));
    assert_eq!(desk.limit("max_total"), "\"0.04\"");
    // A control that was off is switched on, and its rule speaks from the next order on.
    let wish = desk.wish("kill_switch", "true");
    assert_eq!(desk.ask(wish).unwrap().old, "null");
    assert!(desk.engine.limits().controls.kill_switch);
}

#[test]
fn two_keys_loosen_and_no_other_way_does() {
    use LimitsAnswer::*;
    let mut desk = Desk::new(&[1, 2, 3]);
    // Who asks.
    let wish = desk.wish("max_total", "\"0.06\"");
    assert_eq!(desk.ask(wish), Err(WouldLoosen), "request 1 is signed by nobody");
    let wish = desk.signed("max_total", "\"0.06\"", 4);
    assert_eq!(desk.ask(wish), Err(NotAllowed), "request 2 by a stranger");
    let mut wish = desk.signed("max_total", "\"0.06\"", 1);
    wish.new = "\"0.07\"".to_string();
    assert_eq!(desk.ask(wish), Err(Forged), "request 3 was altered");
    let mut wish = desk.signed("max_total", "\"0.06\"", 1);
    wish.session = Hash([8; 32]);
    assert_eq!(desk.ask(wish), Err(Forged), "request 4 is of another session");
    let mut wish = desk.wish("max_total", "\"0.06\"");
    wish.old = "\"0.04\"".to_string();
    wish.signed = Some(sign(&person(1), LimitsRequested::PURPOSE, &wish.message()));
    assert_eq!(desk.ask(wish), Err(Outdated), "request 5 saw another value");
    let wish = desk.signed("max_total", "\"0.06\"", 1);
    assert_eq!(desk.ask(wish.clone()), Err(ApprovalNeeded), "request 6 is good");
    assert_eq!(desk.limit("max_total"), "\"0.05\"", "and changes nothing yet");

    // Who allows.
    let good = desk.approval(&wish, 6, 2, LATER);
    let altered = ApprovalGiven { expires: Timestamp(5), ..good.clone() };
    let other_session = ApprovalGiven { session: Hash([8; 32]), ..good.clone() };
    let other_content = desk.approval(&desk.wish("max_total", "\"0.09\""), 6, 2, LATER);
    let in_the_name_of =
        ApprovalGiven { signed: Signed { key: public(&person(3)), ..good.signed }, ..good.clone() };
    for (approval, answer) in [
        (desk.approval(&wish, 6, 1, LATER), OwnRequest),
        (desk.approval(&wish, 6, 4, LATER), NotAllowed),
        (desk.approval(&wish, 6, 2, Timestamp(1)), Expired),
        (desk.approval(&wish, 7, 2, LATER), NoSuchRequest),
        (desk.approval(&wish, 0, 2, LATER), NoSuchRequest),
        (desk.approval(&wish, u64::MAX, 2, LATER), NoSuchRequest),
        (desk.approval(&wish, 5, 2, LATER), Replayed),
        (altered, Forged),
        (other_session, Forged),
        (other_content, Forged),
        (in_the_name_of, Forged),
    ] {
        assert_eq!(desk.approve(approval.clone()), Err(answer), "{approval:?}");
        assert_eq!(desk.limit("max_total"), "\"0.05\"");
    }
    let changed = desk.approve(good.clone()).unwrap();
    assert_eq!(desk.limit("max_total"), "\"0.06\"");
    assert_eq!((changed.signed, changed.approved), (Some(public(&person(1))), Some(public(&person(2)))));
    assert_eq!(desk.approve(good), Err(Replayed), "an approval is used once");

    // What was allowed is for the limit as it was.
    let wish = desk.signed("max_total", "\"0.08\"", 1);
    assert_eq!(desk.ask(wish.clone()), Err(ApprovalNeeded));
    let tight = desk.wish("max_total", "\"0.01\"");
    desk.ask(tight).unwrap();
    let late = desk.approval(&wish, 7, 2, LATER);
    assert_eq!(desk.approve(late), Err(Outdated));
    assert_eq!(desk.limit("max_total"), "\"0.01\"");
}

#[test]
fn without_two_keys_nothing_is_loosened() {
    for keys in [&[][..], &[1]] {
        let mut desk = Desk::new(keys);
        let wish = desk.signed("max_per_trade", "\"0.03\"", 1);
        assert_eq!(desk.ask(wish), Err(LimitsAnswer::WouldLoosen), "{keys:?}");
    }
}

#[test]
fn what_is_no_limit_is_refused() {
    let mut desk = Desk::new(&[1, 2]);
    for (key, new, answer) in [
        ("max_totl", "\"0.04\"", LimitsAnswer::NoSuchLimit),
        ("measure", "{}", LimitsAnswer::NoSuchLimit),
        ("limits_keys", "[]", LimitsAnswer::NoSuchLimit),
        ("max_total", "\"-1\"", LimitsAnswer::BadValue),
        ("max_total", "{{{", LimitsAnswer::BadValue),
        ("max_total", "null", LimitsAnswer::BadValue),
        ("max_total", "\"0.05\"", LimitsAnswer::Unchanged),
        ("distance", "{\"average_true_range\":{\"period\":14,\"times\":\"2\"}}", LimitsAnswer::BadValue),
    ] {
        let wish = desk.wish(key, new);
        assert_eq!(desk.ask(wish), Err(answer), "{key} {new}");
    }
}

/// A rule that was off at the start speaks of regimes as soon as it has seen enough, and again once it was off.
#[test]
fn a_stress_rule_that_is_switched_on_tells_regimes() {
    let mut desk = Desk::new(&[1, 2]);
    let mut day = 0;
    let mut days = |desk: &mut Desk, count: i64| -> Vec<Regime> {
        let mut told = Vec::new();
        for _ in 0..count {
            (day, desk.number) = (day + 1, desk.number + 1);
            let [bid, ask] = ["1290.5", "1290.7"].map(|text| text.parse::<Price>().unwrap());
            let quote = Quote { bid: Price(bid.0 - day % 3), ask, bid_size: None, ask_size: None };
            let time = Timestamp(day * 86_400_000_000_000);
            let mut input = Event::unnumbered(time, time, InstrumentId(1), Fact::QuoteChanged(quote));
            input.header.sequence = Sequence::input(desk.number);
            told.extend(desk.engine.apply(&input).unwrap().events.iter().filter_map(
                |event| match &event.fact {
                    Fact::RegimeChanged(change) => Some(change.now),
                    _ => None,
                },
            ));
        }
        told
    };
    assert!(days(&mut desk, 60).is_empty());
    let wish = desk.wish("stress_at", "\"20\"");
    desk.ask(wish).unwrap();
    assert_eq!(days(&mut desk, 60), [Regime::Calm]);
    let wish = desk.signed("stress_at", "null", 1);
    assert_eq!(desk.ask(wish.clone()), Err(LimitsAnswer::ApprovalNeeded));
    let approval = desk.approval(&wish, 2, 2, LATER);
    desk.approve(approval).unwrap();
    assert!(days(&mut desk, 60).is_empty());
    let wish = desk.wish("stress_at", "\"30\"");
    desk.ask(wish).unwrap();
    assert_eq!(days(&mut desk, 60), [Regime::Calm]);
}

/// A session with changes of every kind, recorded; what another engine makes of the same inputs, whole or from any
/// checkpoint on, is the same to the bit.
#[test]
fn changes_replay_and_outlive_a_checkpoint() {
    let mut desk = Desk::new(&[1, 2]);
    let quote = |n: i64| {
        let price = |text: &str| text.parse().unwrap();
        let bid = if n % 2 == 0 { price("1290.5") } else { price("1290.6") };
        Fact::QuoteChanged(Quote { bid, ask: price("1290.7"), bid_size: None, ask_size: None })
    };
    let market = |desk: &mut Desk, n: i64| {
        desk.number += 1;
        let time = Timestamp(desk.number as i64 * 1_000_000_000);
        let mut input = Event::unnumbered(time, time, InstrumentId(1), quote(n));
        input.header.sequence = Sequence::input(desk.number);
        desk.events.push(input.clone());
        let output = desk.engine.apply(&input).unwrap();
        desk.events.extend(output.events.iter().cloned());
    };
    let mut saved = Vec::new();
    let wishes = [
        ("max_order_rate", "{\"count\":5,\"per\":1000000000}"),
        ("max_daily_loss", "\"0.02\""),
        ("max_var", "\"0.01\""),
        ("stale_after", "5000000000"),
        ("max_executions", "{\"count\":2,\"per\":1000000000}"),
        ("max_total", "\"0.04\""),
    ];
    for (turn, (key, new)) in wishes.into_iter().enumerate() {
        market(&mut desk, turn as i64);
        let wish = desk.wish(key, new);
        desk.ask(wish).unwrap();
        market(&mut desk, turn as i64 + 1);
        saved.push((desk.number, desk.engine.checkpoint().unwrap(), desk.engine.state_hash()));
    }
    let wish = desk.signed("max_var", "null", 1);
    assert_eq!(desk.ask(wish.clone()), Err(LimitsAnswer::ApprovalNeeded));
    saved.push((desk.number, desk.engine.checkpoint().unwrap(), desk.engine.state_hash()));
    let approval = desk.approval(&wish, 7, 2, LATER);
    desk.approve(approval).unwrap();
    market(&mut desk, 9);
    let (limits, state) = (desk.engine.limits().clone(), desk.engine.state_hash());
    assert!(limits.controls.max_var.is_none() && limits.controls.max_daily_loss.is_some());

    // The whole recording.
    let mut engine = Engine::new(settings(&[1, 2]), &Registry::default()).unwrap();
    let recorded = desk.events.iter().cloned().map(Ok::<_, WorldError>);
    rerun(recorded, &mut engine, |_| {}).expect("the same events");
    assert_eq!((engine.limits(), engine.state_hash()), (&limits, state));

    // From every checkpoint on.
    for (number, bytes, hash) in saved {
        let mut engine = Engine::restore(settings(&[1, 2]), &Registry::default(), &bytes).unwrap();
        assert_eq!(engine.state_hash(), hash, "at {number}");
        let rest = desk.events.iter().filter(|event| event.header.sequence.input_number() > number);
        for event in rest.filter(|event| event.header.sequence.is_input()) {
            let said = engine.apply(event).unwrap().events.clone();
            let recorded = desk.events.iter().filter(|other| {
                let sequence = other.header.sequence;
                sequence.input_number() == event.header.sequence.input_number() && !sequence.is_input()
            });
            assert_eq!(said, recorded.cloned().collect::<Vec<_>>(), "from {number} on");
        }
        assert_eq!((engine.limits(), engine.state_hash()), (&limits, state), "from {number} on");
    }
}
