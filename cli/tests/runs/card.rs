//! Runs whose kernels compute on a card. It is the stand-in driver, which child processes open as `libcuda`: what is
//! shown here is who is asked, what is said where there is no card, and what becomes of a run whose card is lost.

use std::fs;
use std::path::PathBuf;
use std::process::Output;

use genovo::engine::event::{Connection, Event, Fact, Link};
use genovo_kernels::random::RandomKey;
use serde_json::Value;

use super::support::Folder;

/// A network decides every three seconds, 69 times: what a card remembers is copied twice meanwhile.
const SCENARIO: &str = r#"
seed = 1
[account]
cash = "10,000 USD"
[[instruments]]
symbol = "ABC"
tick = 0.01
[data]
path = "quotes.csv"
[bars]
interval = "30 s"
[strategy]
kind = "model"
quantity = 20
choose = "sample"
decide = "3 s"
[risk]
distance = "1 %"
"#;

/// 2014-05-02 00:00 UTC.
const MAY_2: i64 = 1_398_988_800;

/// Kernels of one decision of `tiny`, as `docs/gpu.md` counts them.
const KERNELS: u64 = 34;

/// A folder in which `genovo` finds the stand-in.
struct Machine {
    run: Folder,
    driver: PathBuf,
}

impl Machine {
    fn new() -> Machine {
        let mut cents = 10_000_i64;
        let quote = |second: i64| {
            let key = RandomKey { seed: 7, purpose: 1, id: second as u64 };
            cents += key.below(0, 11) as i64 - 5;
            let price = |cents: i64| format!("{}.{:02}", cents / 100, cents % 100);
            format!("{}000000000,{},{}\n", MAY_2 + second, price(cents), price(cents + 2))
        };
        let quotes: String = (0..210).map(quote).collect();
        let files =
            [("quotes.csv", format!("ts_ns,bid,ask\n{quotes}")), ("model.toml", SCENARIO.to_string())];
        let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
        Machine { run: Folder::new(&files), driver: genovo_driver::folder() }
    }

    /// What `genovo` says; `fault` is what is wrong with the card.
    fn genovo(&self, fault: &str, arguments: &[&str]) -> Output {
        let mut genovo = self.run.command(arguments);
        genovo.env("LD_LIBRARY_PATH", &self.driver).env("GENOVO_DRIVER_FAULT", fault);
        genovo.output().expect("the genovo binary")
    }

    fn done(&self, fault: &str, arguments: &[&str]) -> String {
        let output = self.genovo(fault, arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    fn json(&self, fault: &str, arguments: &[&str]) -> Value {
        let said = self.done(fault, &[arguments, &["--json"]].concat());
        serde_json::from_str(&said).expect("one object")
    }

    /// Every byte of every event. Beside them lies where they were computed, which the seal names.
    fn bytes(&self, journal: &str) -> Vec<u8> {
        fs::read(self.run.path(&format!("{journal}/chapter-000001/chapter.blocks"))).expect("blocks")
    }

    /// What the network decided.
    fn decisions(&self, journal: &str) -> Vec<Event> {
        let events = self.run.events(journal).into_iter();
        let decided =
            |event: &Event| matches!(&event.fact, Fact::DecisionMade(made) if made.strategy == "model");
        events.filter(decided).collect()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.driver);
    }
}

#[test]
fn a_run_recorded_on_the_cpu_verifies_on_a_card_and_back() {
    let machine = Machine::new();
    let here = machine.json("", &["replay", "model.toml", "--backend", "cpu", "--journal", "here"]);
    let there = machine.json("", &["replay", "model.toml", "--backend", "cuda", "--journal", "there"]);
    assert!(here["backend"].as_str().unwrap().starts_with("cpu "), "{here}");
    assert_eq!(there["backend"], "cuda, genovo stand-in, no GPU", "{there}");
    assert_eq!(here["head_hash"], there["head_hash"]);
    assert!(machine.bytes("here") == machine.bytes("there"), "every byte");
    assert_eq!(machine.decisions("here").len(), 69);
    for (journal, backend) in [("here", "cuda"), ("there", "cpu")] {
        let found = machine.json("", &["replay", "--verify", journal, "--backend", backend]);
        assert_eq!((&found["verified"], &found["card_lost_because"]), (&true.into(), &Value::Null));
    }
    let identity = machine.run.read("there/identity.toml");
    assert!(identity.contains("cuda, genovo stand-in"), "{identity}");
}

#[test]
fn a_card_that_is_lost_in_a_replay_changes_no_byte() {
    let machine = Machine::new();
    machine.done("", &["replay", "model.toml", "--backend", "cpu", "--journal", "here"]);
    // In the trunk of a decision, in its heads, at a copy, in the first decision.
    for launches in [20 * KERNELS + 9, 40 * KERNELS + 30, 64 * KERNELS, 3] {
        let fault = format!("lost_device_after_launches={launches}");
        let journal = format!("lost-{launches}");
        let arguments = ["replay", "model.toml", "--backend", "cuda", "--journal", &journal];
        let done = machine.json(&fault, &arguments);
        let why = done["card_lost_because"].as_str().unwrap_or_else(|| panic!("{launches}: {done}"));
        assert!(why.contains("the card is lost to this process"), "{why}");
        assert!(machine.bytes("here") == machine.bytes(&journal), "after {launches} launches");
    }
}

/// What has no line of its own for it says so on standard error, once, and goes on to what the CPU finds.
#[test]
fn a_what_if_and_a_sweep_say_that_the_card_is_lost() {
    let machine = Machine::new();
    machine.done("", &["replay", "model.toml", "--backend", "cpu", "--journal", "run"]);
    let fault = format!("lost_device_after_launches={}", 20 * KERNELS);
    let whatif = |_| vec!["audit", "whatif", "run", "--set", "risk.distance=\"2 %\"", "--json"];
    let sweep = |log| {
        let grid = ["sweep", "model.toml", "--grid", "risk.distance", "1 %", "--threads", "1", "--json"];
        [&grid[..], &["--log", log]].concat()
    };
    let commands: [&dyn Fn(&'static str) -> Vec<&'static str>; 2] = [&whatif, &sweep];
    for command in commands {
        let run = |fault: &str, log, backend| {
            let done = machine.genovo(fault, &[&command(log)[..], &["--backend", backend]].concat());
            let said = String::from_utf8(done.stderr).unwrap();
            assert_eq!(done.status.code(), Some(0), "{said}");
            let mut found: Value = serde_json::from_slice(&done.stdout).unwrap();
            // Where things were computed and lie, and what that took.
            for key in ["backend", "log", "peak_rss_bytes", "report", "seconds"] {
                found.as_object_mut().unwrap().remove(key);
            }
            (found, said)
        };
        let (lost, said) = run(&fault, "lost/trials.jsonl", "cuda");
        assert_eq!(said.matches("the card is lost to this process").count(), 1, "{said}");
        assert!(said.contains("The CPU went on, with the same bits."), "{said}");
        assert_eq!(run("", "whole/trials.jsonl", "cpu"), (lost, String::new()));
    }
}

#[test]
fn a_session_whose_card_is_lost_goes_on_with_the_same_bits() {
    let machine = Machine::new();
    let live = |fault: &str, backend: &str, journal: &str| {
        let arguments = ["live", "model.toml", "--speed", "max", "--backend", backend, "--journal", journal];
        machine.done(fault, &arguments)
    };
    live("", "cpu", "here");
    let fault = format!("lost_device_after_launches={}", 45 * KERNELS + 12);
    let said = live(&fault, "cuda", "there");
    assert!(said.contains("card terminal: cuda: "), "{said}");
    let (here, there) = (machine.decisions("here"), machine.decisions("there"));
    let facts = |events: &[Event]| events.iter().map(|event| event.fact.clone()).collect::<Vec<_>>();
    assert!(facts(&here) == facts(&there) && here.len() == 69, "{} decisions", here.len());
    // It is an input, right after the decision that the CPU finished.
    let events = machine.run.events("there");
    let lost = events.iter().find_map(|event| match &event.fact {
        Fact::ConnectionChanged(change) if change.link == Link::Card => Some((event, change)),
        _ => None,
    });
    let (event, change) = lost.expect("it is recorded");
    assert_eq!(change.state, Connection::Terminal);
    assert!(change.reason.contains("the card is lost to this process"), "{}", change.reason);
    let before = there.iter().filter(|decision| decision.header.sequence < event.header.sequence).count();
    assert_eq!(before, 46, "the decision in which it was lost is the 46th");
    for backend in ["cpu", "cuda"] {
        machine.done("", &["replay", "--verify", "there", "--backend", backend]);
    }
}

#[test]
fn a_session_goes_on_on_a_card_from_its_checkpoint() {
    let machine = Machine::new();
    machine
        .run
        .write("model.toml", &SCENARIO.replace("[risk]", "[execution]\ncheckpoint_every = 100\n[risk]"));
    machine.done("", &["live", "model.toml", "--speed", "max", "--backend", "cpu", "--journal", "here"]);
    let first = ["live", "model.toml", "--speed", "max", "--backend", "cuda", "--journal", "there"];
    machine.done("", &[&first[..], &["--until", "2014-05-02 00:01:40"]].concat());
    // What a card remembered is loaded into another, whose loss is made good from there.
    let fault = format!("lost_device_after_launches={}", 20 * KERNELS + 5);
    let said = machine.done(&fault, &["live", "--resume", "there", "--backend", "cuda"]);
    assert!(said.contains("from       the checkpoint at sequence"), "{said}");
    assert!(said.contains("card terminal: cuda: "), "{said}");
    let facts = |journal: &str| -> Vec<Fact> {
        machine.decisions(journal).into_iter().map(|decision| decision.fact).collect()
    };
    assert!(facts("here") == facts("there"), "{} decisions", facts("there").len());
    machine.done("", &["replay", "--verify", "there", "--backend", "cpu"]);
}

#[test]
fn a_card_that_is_asked_for_and_not_there_is_an_error() {
    let machine = Machine::new();
    machine.done("", &["replay", "model.toml", "--backend", "cpu", "--journal", "run"]);
    let in_the_scenario = SCENARIO.replace("[risk]", "[execution]\nbackend = \"cuda\"\n[risk]");
    machine.run.write("card.toml", &in_the_scenario);
    for arguments in [
        &["replay", "card.toml"][..],
        &["replay", "model.toml", "--backend", "cuda"],
        &["replay", "--verify", "run", "--backend", "cuda"],
        &["sweep", "card.toml", "--grid", "seed", "1", "2"],
        &["sweep", "model.toml", "--grid", "seed", "1", "2", "--backend", "cuda"],
        &["live", "card.toml", "--speed", "max"],
        &["live", "model.toml", "--speed", "max", "--backend", "cuda"],
        &["audit", "explain", "run", "--order", "1", "--backend", "cuda"],
        &["audit", "whatif", "run", "--set", "risk.distance=\"2 %\"", "--backend", "cuda"],
        &["audit", "report", "run", "--backend", "cuda"],
        &["bench", "model", "--backend", "cuda"],
    ] {
        let output = machine.genovo("no_device", arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains("CUDA_ERROR_NO_DEVICE") && said.contains("--backend cpu"), "{said}");
        assert!(said.contains("Nothing was ") || said.contains("No report was "), "{said}");
    }
    // The command line goes before the scenario.
    machine.done("no_device", &["replay", "card.toml", "--backend", "cpu", "--journal", "on-the-cpu"]);
    for (fault, code, expected) in [
        ("old_driver=10020", 2, "the driver speaks CUDA 10.2, the kernels need 11.0"),
        ("memory=300000", 1, "CUDA_ERROR_OUT_OF_MEMORY; the card has too little free memory"),
    ] {
        let output = machine.genovo(fault, &["replay", "card.toml", "--journal", "none"]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains(expected) && said.contains("Nothing was run."), "{said}");
        assert!(!machine.run.path("none").exists());
    }
}

#[test]
fn by_itself_only_a_large_model_is_put_on_a_card() {
    let machine = Machine::new();
    let said = machine.done("", &["replay", "model.toml", "--journal", "small"]);
    assert!(said.contains("  backend    cpu ") && said.contains("on a core, 0.14 ms on a card"), "{said}");
    // Nobody makes 63 million weights for this: a session that ends before its first decision.
    machine.run.write("quotes.csv", &format!("ts_ns,bid,ask\n{MAY_2}000000000,100.00,100.02\n"));
    let large = ["replay", "model.toml", "--set", "strategy.size=full", "--journal"];
    let said = machine.done("no_device", &[&large[..], &["large"]].concat());
    assert!(said.contains(", without a card. cuda: starting the driver failed"), "{said}");
    let mut strict = machine.run.command(&[&large[..], &["strict"]].concat());
    strict.env("LD_LIBRARY_PATH", &machine.driver).env("GENOVO_DRIVER_FAULT", "no_device");
    let output = strict.env("GENOVO_CUDA", "1").output().expect("the genovo binary");
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(!machine.run.path("strict").exists());
}

#[test]
fn trials_share_a_card() {
    let machine = Machine::new();
    let sweep = |backend: &str| {
        let log = format!("{backend}/trials.jsonl");
        let arguments = ["sweep", "model.toml", "--grid", "seed", "1", "2", "3", "--threads", "2"];
        machine.json("", &[&arguments[..], &["--backend", backend, "--log", &log]].concat());
        machine.run.read(&log)
    };
    assert_eq!(sweep("cuda"), sweep("cpu"));
}

#[test]
fn doctor_says_what_card_there_is_and_what_it_lacks() {
    let machine = Machine::new();
    for (fault, verdict, expected) in [
        ("", "good", "it takes the kernels"),
        ("no_device", "good", "none: starting the driver failed with CUDA_ERROR_NO_DEVICE"),
        ("old_driver=10020", "note", "the driver speaks CUDA 10.2"),
    ] {
        let found = machine.json(fault, &["doctor"]);
        let findings = found["findings"].as_array().expect("findings").iter();
        let cuda = findings.clone().find(|finding| finding["about"] == "cuda").expect("a finding about cuda");
        assert_eq!(cuda["verdict"], verdict, "{fault}: {cuda}");
        assert!(cuda["text"].as_str().expect("a text").contains(expected), "{fault}: {cuda}");
    }
}
