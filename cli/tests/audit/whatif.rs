//! `audit whatif`: the same market under other settings.

use std::collections::BTreeMap;
use std::path::Path;

use genovo_engine::command::Command;
use genovo_engine::engine::Engine;
use genovo_engine::event::{Connection, ConnectionChanged, Event, Fact, Link, WorldKind};
use genovo_engine::ids::InstrumentId;
use genovo_engine::run::run;
use genovo_engine::settings::Settings;
use genovo_engine::simulated::Simulated;
use genovo_engine::strategy::Registry;
use genovo_engine::world::{MemorySource, World, WorldError};
use genovo_journal::{Identity, Journal, Writer};
use serde_json::Value;

use crate::support::{Folder, snapshot};

/// Every file of a journal, without what was written beside it since.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        match path.is_dir() {
            true if name.starts_with("whatif-") => {}
            true => found
                .extend(files(&path).into_iter().map(|(below, bytes)| (format!("{name}/{below}"), bytes))),
            false => drop(found.insert(name, std::fs::read(path).expect("a file"))),
        }
    }
    found
}

#[test]
fn it_says_what_would_have_been_and_leaves_the_journal_alone() {
    let folder = Folder::replayed(&[]);
    let before = files(&folder.path("run"));
    let shown = folder.says(&["audit", "whatif", "run", "--set", "risk.max_per_trade=0.5 %"]);
    snapshot("whatif.txt", &shown);
    assert!(shown.contains("Compare: run/whatif-1/report.html"), "{shown}");
    let again = folder.says(&["audit", "whatif", "run", "--set", "risk.max_per_trade=0.5 %"]);
    assert!(again.contains("run/whatif-2/report.html"), "{again}");
    assert!(files(&folder.path("run")) == before);
    let page = std::fs::read_to_string(folder.path("run/whatif-1/report.html")).expect("a page");
    for part in ["What if risk.max_per_trade 1.2 % → 0.5 %", "What made the difference", "id=\"data\""] {
        assert!(page.contains(part), "{part}");
    }
}

/// From the beginning it must be what a replay of the scenario with the same change is.
#[test]
fn from_the_beginning_it_is_the_replay_with_that_setting() {
    let folder = Folder::replayed(&[]);
    for (number, sets) in [
        &["risk.max_per_trade=0.5 %"][..],
        &["strategy.fast=2", "strategy.quantity=3"],
        &["venue.latency=3 s", "venue.slippage=5 ticks"],
        &["quality.gap_after=0", "bars.interval=10 s", "strategy.decide=every 7 ticks"],
    ]
    .into_iter()
    .enumerate()
    {
        let arguments: Vec<&str> = sets.iter().flat_map(|set| ["--set", set]).collect();
        let (kept, replayed) = (format!("kept{number}"), format!("replayed{number}"));
        let asked = [&["audit", "whatif", "run", "--journal", &kept, "--json"], &arguments[..]].concat();
        let (answer, exit) = folder.answers(&asked);
        assert_eq!(exit, 0, "{answer}");
        folder.replay(&replayed, sets);
        let (diff, exit) = folder.answers(&["audit", "diff", &kept, &replayed, "--json"]);
        assert_eq!((exit, &diff["equal"]), (0, &Value::from(true)), "{sets:?}: {diff}");
        let (verified, _) = folder.answers(&["replay", "--verify", &kept, "--json"]);
        assert_eq!(verified["verified"], true);
    }
}

#[test]
fn from_the_middle_nothing_before_changes() {
    let folder = Folder::replayed(&[]);
    let order = folder.answers(&["audit", "explain", "run", "--order", "6", "--no-proof", "--json"]).0;
    let cause = order["chain"].as_array().and_then(|chain| chain.last()).expect("a cause").clone();
    let (sequence, event) = (cause["sequence"].to_string(), cause["event"].to_string());
    let set = ["--set", "strategy.quantity=1", "--set", "risk.max_total=9 %"];
    let asked = [&["audit", "whatif", "run", "--journal", "branch", "--from", &sequence, "--json"], &set[..]]
        .concat();
    let (answer, exit) = folder.answers(&asked);
    assert_eq!(exit, 0, "{answer}");
    assert!(answer["first_difference"]["sequence"].as_u64() >= sequence.parse().ok(), "{answer}");
    assert_eq!(answer["first_difference"]["recorded"]["kind"], "DecisionMade", "{answer}");
    let recorded = Journal::open(&folder.path("run")).unwrap();
    let branch = Journal::open(&folder.path("branch")).unwrap();
    let first = sequence.parse().unwrap();
    let before = |journal: &Journal| -> Vec<_> {
        let events = journal.events().map(Result::unwrap).skip(1);
        events.take_while(|event| event.header.sequence.0 < first).collect()
    };
    assert_eq!(before(&recorded), before(&branch));
    assert_eq!(folder.answers(&["replay", "--verify", "branch", "--json"]).0["verified"], true);
    let by_event = [&["audit", "whatif", "run", "--from-event", &event, "--json"], &set[..]].concat();
    assert_eq!(folder.answers(&by_event).0["from"], answer["from"]);
    let told = folder.says(&[&["audit", "explain", "branch", "--order", "6", "--no-proof"][..]].concat());
    assert!(told.contains("ORDER 6"), "{told}");

    let (said, exit) =
        folder.fails(&["audit", "whatif", "branch", "--set", "risk.max_total=8 %", "--report", "nowhere"]);
    assert!(exit == 2 && said.contains("itself a what-if"), "{said}");
}

/// The simulated world as a live one would look: its links come up after the opening events.
struct Linked {
    world: Simulated,
    opening: usize,
    links: Vec<Fact>,
    current: Event,
}

impl World for Linked {
    fn next(&mut self) -> Result<Option<&mut Event>, WorldError> {
        if self.opening > 0 {
            self.opening -= 1;
        } else if let Some(fact) = self.links.pop() {
            self.current.fact = fact;
            return Ok(Some(&mut self.current));
        }
        self.world.next()
    }

    fn send(&mut self, command: Command) -> Result<(), WorldError> {
        self.world.send(command)
    }
}

/// A live run's answers are inputs: they hold until the first other command.
#[test]
fn a_live_run_is_answered_by_the_simulated_venue_from_the_first_other_command() {
    let folder = Folder::replayed(&[]);
    let recorded = Journal::open(&folder.path("run")).unwrap();
    let settings = recorded.run_started().unwrap().expect("a run").settings;
    let settings = Settings::from_canonical_json(&settings).unwrap();
    let mut engine = Engine::new(settings.clone(), &Registry::default()).unwrap();
    let market: Vec<Event> =
        recorded.events().map(Result::unwrap).filter(|event| event.fact.kind().is_market()).collect();
    let time = market[0].header.time_received;
    let link = |link| {
        Fact::ConnectionChanged(Box::new(ConnectionChanged {
            link,
            state: Connection::Live,
            reason: String::new(),
        }))
    };
    let links = vec![link(Link::Broker), link(Link::Market)];
    let current = Event::unnumbered(time, time, InstrumentId::NONE, links[0].clone());
    let identity = engine.identity(WorldKind::Live);
    let world = Simulated::new(&settings, identity, vec![Box::new(MemorySource::new(market))]).unwrap();
    let mut world = Linked { world, opening: 2, links, current };
    let mut writer = Writer::create(&folder.path("live"), &Identity::default()).unwrap();
    run(&mut world, &mut writer, &mut engine).unwrap();
    writer.finish().unwrap();
    let (same, _) = folder.answers(&["audit", "whatif", "live", "--set", "risk.max_total=11 %", "--json"]);
    assert_eq!((&same["first_difference"], &same["simulated_from"]), (&Value::Null, &Value::Null), "{same}");
    let set = ["--set", "risk.max_per_trade=0.5 %"];
    let shown = folder.says(&[&["audit", "whatif", "live", "--journal", "kept"], &set[..]].concat());
    assert!(shown.contains("the simulated venue answered"), "{shown}");
    assert_eq!(folder.answers(&["replay", "--verify", "kept", "--json"]).0["verified"], true);
    // It was recorded on the simulated venue, so that is what comes of it.
    let figures = |journal: &str| {
        let (answer, _) = folder.answers(&[&["audit", "whatif", journal, "--json"], &set[..]].concat());
        answer["comparison"]["figures"].clone()
    };
    assert_eq!(figures("live"), figures("run"));
}

#[test]
fn what_cannot_be_asked_is_said() {
    let folder = Folder::replayed(&[]);
    for (arguments, said) in [
        (&["--set", "risk.max_per_trade=1.2 %"][..], "nothing would change"),
        (&["--set", "risk.max_per_trad=1 %"], "did you mean `max_per_trade`?"),
        (&["--set", "data.path=other.csv"], "the data of a recorded run cannot be changed"),
        (&["--set", "news.path=news.csv"], "the data of a recorded run cannot be changed"),
        (&["--set", "risk.limits=limits.toml", "--set", "seed=2"], "is held to no file of limits"),
        (&["--set", "account.cash=5 USD", "--from-event", "9"], "cannot change in the middle of a run"),
        (&["--set", "strategy.kind=nothing"], "unknown strategy"),
        (&["--set", "seed=2", "--from", "99,999,999,999"], "comes after the last event"),
        (&["--set", "strategy.quantity=1", "--journal", "run"], "is not empty"),
    ] {
        let (error, exit) = folder.fails(&[&["audit", "whatif", "run"], arguments].concat());
        assert!(exit == 2 && error.contains(said), "{arguments:?}: {error}");
    }
    assert!(!folder.path("run/whatif-1").exists());
}
