//! `audit tail`, and what `audit verify` says of a journal that is not sealed.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::{fs, thread};

use genovo_engine::event::Event;
use genovo_journal::{Identity, Journal, LiveOptions, LiveWriter};
use serde_json::Value;

use crate::support::Folder;

/// A folder with a run, its events, and a live journal `live` that has none of them yet.
fn live() -> (Folder, Vec<Event>, LiveWriter) {
    let folder = Folder::replayed(&[]);
    let journal = Journal::open(&folder.path("run")).unwrap();
    let events = journal.events().collect::<Result<Vec<_>, _>>().unwrap();
    let options = LiveOptions { file_bytes: 64 * 1024, reserve_bytes: 0, ..LiveOptions::default() };
    let writer = LiveWriter::create(&folder.path("live"), &Identity::default(), options).unwrap();
    (folder, events, writer)
}

fn append(writer: &mut LiveWriter, events: &[Event]) {
    events.iter().for_each(|event| writer.append(event).unwrap());
    writer.commit().unwrap();
}

#[test]
fn it_follows_a_journal_until_its_seal() {
    let (folder, events, mut writer) = live();
    append(&mut writer, &events[..50]);
    let mut child = Command::new(env!("CARGO_BIN_EXE_genovo"))
        .args(["audit", "tail", "live", "-n", "3", "--json"])
        .current_dir(folder.path(""))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut numbers = lines.map(|line| {
        let line: Value = serde_json::from_str(&line.unwrap()).unwrap();
        line["event"].as_u64().unwrap()
    });
    let first: Vec<u64> = numbers.by_ref().take(3).collect();
    assert_eq!(first, [48, 49, 50]);
    for (number, event) in (51..).zip(&events[50..]) {
        append(&mut writer, std::slice::from_ref(event));
        if number % 40 == 0 {
            thread::sleep(std::time::Duration::from_millis(5));
        }
    }
    writer.finish().unwrap();
    let rest: Vec<u64> = numbers.collect();
    assert_eq!(rest, (51..=events.len() as u64).collect::<Vec<_>>());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn it_shows_what_is_asked_for_and_says_that_the_journal_is_incomplete() {
    let (folder, events, mut writer) = live();
    append(&mut writer, &events);
    let fills = events.iter().filter(|event| event.fact.kind().name() == "OrderFilled").count();
    let tail = ["audit", "tail", "live", "--no-follow", "-n", "1000", "--kind", "orderfilled"];
    let output = folder.genovo(&tail);
    let (shown, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert_eq!(shown.lines().filter(|line| line.contains("OrderFilled")).count(), fills, "{shown}");
    assert_eq!(shown.lines().count(), fills);
    assert!(said.contains("incomplete: it is being written"), "{said}");
    drop(writer);
    let output = folder.genovo(&["audit", "tail", "live", "--no-follow", "--symbol", "xauusd"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 10);
    assert!(said.contains("incomplete: its run was interrupted"), "{said}");
    let (error, exit) = folder.fails(&["audit", "tail", "live", "--no-follow", "--symbol", "XAUUSB"]);
    assert_eq!(exit, 2);
    assert!(error.contains("did you mean `XAUUSD`?"), "{error}");
    // A sealed one is shown likewise, and there is nothing to wait for.
    let text = folder.says(&["audit", "tail", "run", "-n", "1"]);
    assert!(text.contains("RunEnded"), "{text}");
}

#[test]
fn verify_says_how_far_an_unsealed_journal_is_whole() {
    let (folder, events, mut writer) = live();
    append(&mut writer, &events[..100]);
    let (answer, exit) = folder.answers(&["audit", "verify", "live", "--json"]);
    assert_eq!(exit, 1);
    assert_eq!(
        (&answer["intact"], &answer["complete"], &answer["events"]),
        (&false.into(), &false.into(), &100.into())
    );
    assert_eq!((&answer["written_now"], &answer["first_damage"]), (&true.into(), &Value::Null));
    append(&mut writer, &events[100..120]);
    drop(writer);
    let (error, exit) = folder.fails(&["audit", "verify", "live"]);
    assert_eq!(exit, 1);
    assert!(error.contains("events 1 to 120 are whole") && error.contains("interrupted"), "{error}");
    for command in [&["show", "live"][..], &["explain", "live", "--order", "1"]] {
        let (error, exit) = folder.fails(&[&["audit"], command].concat());
        assert_eq!(exit, 1, "{error}");
        assert!(error.contains("incomplete") && error.contains("audit tail"), "{error}");
    }
    let file = folder.path("live/chapter-000001/tail/000001.tail");
    let mut bytes = fs::read(&file).unwrap();
    bytes[200] ^= 1;
    fs::write(&file, bytes).unwrap();
    for command in [&["verify", "live"][..], &["tail", "live", "--no-follow"]] {
        let output = folder.genovo(&[&["audit"], command].concat());
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{error}");
        assert!(error.contains("000001.tail") && error.contains("was safe and is gone"), "{error}");
    }
}
