//! Is anything lost, or done twice, when a live session is killed at any moment?
//!
//! `GENOVO_KILLS=1000` kills more often; `GENOVO_SEED` repeats a run.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use genovo_adapters::broker::paper::book::{self, Record, Tag};
use genovo_engine::event::{Event, Fact, RejectReason};
use genovo_engine::ids::OrderId;
use genovo_engine::units::{Price, Quantity, Timestamp};
use genovo_journal::Journal;
use genovo_kernels::random::RandomKey;
use genovo_tests::{GOLD, binary, quotes};

/// Quotes in the session's data.
const QUOTES: usize = 60_000;

/// The beginning of the gold week as a small CSV file, and a scenario that trades on it all the time.
fn scenario(folder: &Path, strategy: &str) {
    let (mut source, mut events) = (quotes(GOLD), Vec::new());
    while events.len() < QUOTES {
        let before = events.len();
        source.read(&mut events, QUOTES - before).unwrap();
        assert!(events.len() > before, "the gold week has more quotes");
    }
    let mut file = std::io::BufWriter::new(fs::File::create(folder.join("quotes.csv")).unwrap());
    writeln!(file, "time,bid,ask").unwrap();
    for event in &events {
        let Fact::QuoteChanged(quote) = &event.fact else { continue };
        writeln!(file, "{},{},{}", event.header.time_event.0, quote.bid, quote.ask).unwrap();
    }
    file.flush().unwrap();
    let text = format!(
        r#"
name = "killed"
seed = 5

[account]
cash = "10,000,000 USD"

[[instruments]]
symbol = "XAUUSD"
tick = 0.0001
lot = 1
margin = "1 %"

[data]
path = "quotes.csv"
kind = "quotes"

[strategy]
{strategy}

[risk]
distance = "1 %"

[venue]
latency = "5 s"
size_when_absent = "unlimited"

[execution]
checkpoint_every = 500
"#
    );
    fs::write(folder.join("scenario.toml"), text).unwrap();
}

fn genovo(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(binary()).args(arguments).current_dir(folder).output().expect("the binary starts")
}

fn done(folder: &Path, arguments: &[&str]) -> String {
    let output = genovo(folder, arguments);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "genovo {}: {text}{}",
        arguments.join(" "),
        String::from_utf8_lossy(&output.stderr)
    );
    text
}

/// Starts a session, lets it live for a while after it trades, and kills it. Whether it said that it began at a
/// checkpoint.
fn live_and_die(folder: &Path, arguments: &[&str], life: Duration) -> bool {
    let mut child = Command::new(binary())
        .args(arguments)
        .current_dir(folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    // Some are killed before they have said a word.
    let began = Instant::now();
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let patient = life > Duration::from_millis(30);
    let mut at_a_checkpoint = false;
    while patient && began.elapsed() < Duration::from_secs(20) {
        match lines.next() {
            Some(Ok(line)) if line.contains("broker live") || line.contains("\"state\":\"live\"") => break,
            Some(Ok(line)) => at_a_checkpoint |= line.contains("from       the checkpoint at sequence"),
            _ => {
                let output = child.wait_with_output().unwrap();
                panic!("it ended by itself: {}", String::from_utf8_lossy(&output.stderr));
            }
        }
    }
    std::thread::sleep(life);
    child.kill().unwrap();
    child.wait().unwrap();
    at_a_checkpoint
}

/// What the broker was asked and has answered.
struct Broker {
    asked: BTreeMap<OrderId, Event>,
    fills: Vec<(OrderId, Timestamp, Price, Quantity)>,
    position: i64,
    done: BTreeSet<OrderId>,
}

fn broker(journal: &Path) -> Broker {
    let mut broker = Broker { asked: BTreeMap::new(), fills: Vec::new(), position: 0, done: BTreeSet::new() };
    let records = book::read(&journal.join("session/paper.book")).unwrap_or_default();
    for Record { tag, event, .. } in records {
        match (&event.fact, tag) {
            (Fact::OrderSubmitted(order), Tag::Asked) => {
                let twice = broker.asked.insert(order.order, event.clone());
                assert!(twice.is_none(), "order {} was sent twice", order.order);
            }
            (Fact::OrderFilled(fill), Tag::Answered) => {
                broker.fills.push((fill.order, event.header.time_event, fill.price, fill.quantity));
                broker.position += fill.quantity.0 * fill.side.sign();
                if fill.remaining == Quantity::ZERO {
                    broker.done.insert(fill.order);
                }
            }
            (Fact::OrderRejected(rejected), Tag::Answered) => drop(broker.done.insert(rejected.order)),
            (Fact::OrderCancelled(closed) | Fact::OrderExpired(closed), Tag::Answered) => {
                broker.done.insert(closed.order);
            }
            _ => {}
        }
    }
    broker
}

impl Broker {
    fn in_flight(&self) -> usize {
        self.asked.keys().filter(|order| !self.done.contains(order)).count()
    }
}

/// Holds the journal against the broker's own record.
fn compare(journal: &Path) -> (usize, usize) {
    let broker = broker(journal);
    let events: Vec<Event> = Journal::open(journal).unwrap().events().map(Result::unwrap).collect();
    let (mut submitted, mut never, mut fills, mut position) =
        (BTreeMap::new(), BTreeSet::new(), Vec::new(), 0);
    for event in &events {
        match &event.fact {
            Fact::OrderSubmitted(order) => {
                submitted.insert(order.order, (order.clone(), event.header.sequence));
            }
            Fact::OrderRejected(rejected) if rejected.reason == RejectReason::NeverArrived => {
                never.insert(rejected.order);
            }
            Fact::OrderFilled(fill) => {
                fills.push((fill.order, event.header.time_event, fill.price, fill.quantity));
                position += fill.quantity.0 * fill.side.sign();
            }
            Fact::AlertRaised(alert) => {
                panic!("{alert:?} at sequence {}", event.header.sequence)
            }
            _ => {}
        }
    }
    for (order, event) in &broker.asked {
        let (ours, sequence) =
            submitted.get(order).expect("what the broker was asked has its cause in the journal");
        let Fact::OrderSubmitted(theirs) = &event.fact else { panic!("an order") };
        assert_eq!(theirs, ours, "order {order}");
        assert_eq!(event.header.cause, *sequence);
        assert!(!never.contains(order), "order {order} had arrived");
    }
    for order in submitted.keys().filter(|order| !broker.asked.contains_key(order)) {
        assert!(never.contains(order), "order {order} neither arrived nor was given up");
    }
    let mut theirs = broker.fills.clone();
    theirs.sort();
    fills.sort();
    assert_eq!(fills, theirs, "every fill once");
    assert_eq!(position, broker.position);
    (submitted.len(), never.len())
}

#[test]
fn a_session_that_is_killed_again_and_again_loses_nothing_and_does_nothing_twice() {
    let kills: u64 = std::env::var("GENOVO_KILLS").map_or(200, |text| text.parse().expect("a number"));
    let seed = std::env::var("GENOVO_SEED")
        .map_or_else(|_| u64::from(std::process::id()), |text| text.parse().expect("a number"));
    println!("GENOVO_KILLS={kills} GENOVO_SEED={seed}");
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    scenario(folder, "kind = \"random\"\nevery = 3\nquantity = 500");
    // Paced so that the data lasts; the market goes on while the session is dead.
    let speed = (24_000 / kills.max(1)).clamp(24, 120).to_string();
    let start = ["live", "scenario.toml", "--journal", "j", "--speed", &speed, "--reserve", "0"];
    let resume = ["live", "--resume", "j", "--reserve", "0"];
    let journal = folder.join("j");
    let draw = |id: u64, below: u64| RandomKey { seed, purpose: 0x6b69_6c6c, id }.below(0, below);
    live_and_die(folder, &start, Duration::from_millis(100 + draw(0, 100)));
    let (mut in_flight, mut at_a_checkpoint) = (0, 0);
    for kill in 1..kills {
        // Most live to trade; one in six dies while it starts.
        let life = if draw(kill, 6) == 0 { draw(kill + 10_000, 30) } else { 31 + draw(kill + 20_000, 90) };
        at_a_checkpoint += u64::from(live_and_die(folder, &resume, Duration::from_millis(life)));
        in_flight += u64::from(broker(&journal).in_flight() > 0);
    }
    done(folder, &["live", "--resume", "j", "--flatten", "--reserve", "0"]);
    let (orders, never) = compare(&journal);
    let verified = done(folder, &["replay", "--verify", "j"]);
    assert!(verified.contains("equal bit for bit"), "{verified}");
    done(folder, &["audit", "verify", "j"]);
    println!("{kills} kills, {in_flight} with orders in flight; {orders} orders, {never} never arrived");
    assert!(orders > 30, "{orders} orders: it traded");
    assert!(in_flight * 4 > kills, "{in_flight} of {kills} kills had orders in flight");
    assert!(at_a_checkpoint * 3 > kills, "{at_a_checkpoint} of {kills} sessions began at a checkpoint");
}

/// The checkpoints of a journal, the newest first.
fn checkpoints(journal: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(journal)
        .unwrap()
        .filter_map(|entry| fs::read_dir(entry.unwrap().path().join("checkpoints")).ok())
        .flat_map(|files| files.map(|file| file.unwrap().path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "state"))
        .collect();
    files.sort_by(|a, b| b.file_name().cmp(&a.file_name()));
    files
}

#[test]
fn a_resume_begins_at_the_newest_checkpoint_that_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    scenario(folder, "kind = \"random\"\nevery = 3\nquantity = 500");
    let start = ["live", "scenario.toml", "--journal", "j", "--speed", "max", "--reserve", "0"];
    let resume = ["live", "--resume", "j", "--reserve", "0"];
    let journal = folder.join("j");
    live_and_die(folder, &start, Duration::from_millis(300));
    for _ in 0..20 {
        if checkpoints(&journal).len() == 2 {
            break;
        }
        live_and_die(folder, &resume, Duration::from_millis(300));
    }
    let files = checkpoints(&journal);
    assert_eq!(files.len(), 2, "{files:?}");
    let sequence = |file: &Path| -> u64 { file.file_stem().unwrap().to_str().unwrap().parse().unwrap() };
    // As it was found each time: what a resume writes is not what the next one is to see.
    let mut last = None;
    for (name, damaged, expected) in
        [("whole", 0, Some(sequence(&files[0]))), ("newest", 1, Some(sequence(&files[1]))), ("both", 2, None)]
    {
        let copied = Command::new("cp").args(["-r", "j", name]).current_dir(folder).status().unwrap();
        assert!(copied.success());
        for file in &checkpoints(&folder.join(name))[..damaged] {
            let mut bytes = fs::read(file).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 4;
            fs::write(file, bytes).unwrap();
        }
        let text = done(folder, &["live", "--resume", name, "--for", "20ms", "--reserve", "0", "--json"]);
        // Behind the session's own lines.
        let object = text.rfind("\n{\n").map_or(0, |at| at + 1);
        let json: serde_json::Value = serde_json::from_str(&text[object..]).expect("an object");
        let resumed = &json["resumed"];
        assert_eq!(resumed["checkpoint"].as_u64(), expected, "{name}: {json}");
        let passed = resumed["checkpoints_passed_by"].as_array().unwrap();
        assert_eq!(passed.len(), damaged, "{name}: {json}");
        for problem in passed {
            assert!(problem.as_str().unwrap().contains(".state"), "{problem}");
        }
        let again = resumed["inputs_run_again"].as_u64().unwrap();
        match expected {
            // Fewer than lie between two checkpoints, and some that came while one was written.
            Some(_) if damaged == 0 => assert!(again < 1_500, "{name}: {again} of {json}"),
            Some(_) => {}
            // The first checkpoint came after 500 events, of which more than a third are inputs.
            None => assert!(Some(again) > last.map(|before| before + 160), "{name}: {again} of {json}"),
        }
        last = Some(again);
        // All of the session is in the journal, whatever it began with.
        let verified = done(folder, &["replay", "--verify", name]);
        assert!(verified.contains("equal bit for bit"), "{verified}");
    }
}

#[test]
fn a_session_stops_at_its_time_and_goes_on_from_there() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    scenario(folder, "kind = \"random\"\nevery = 300\nquantity = 500");
    let start = ["live", "scenario.toml", "--journal", "j", "--speed", "max", "--reserve", "0"];
    let said = done(folder, &[&start[..], &["--until", "2014-05-01 06:00"]].concat());
    assert!(said.contains("Stopped."), "{said}");
    // 2014-05-01 06:00 UTC.
    let until = Timestamp(1_398_924_000 * 1_000_000_000);
    let times = |journal: &Path| -> Vec<Timestamp> {
        let events = Journal::open(journal).unwrap().events().map(Result::unwrap);
        let market = events.filter(|event| event.fact.kind().is_market());
        market.map(|event| event.header.time_received).collect()
    };
    let first = times(&folder.join("j"));
    assert!(first.len() > 100 && first.iter().all(|time| *time <= until), "{} events", first.len());
    let said = done(folder, &["live", "--resume", "j", "--reserve", "0"]);
    assert!(said.contains("The data has ended."), "{said}");
    let all = times(&folder.join("j"));
    assert_eq!(all.len(), QUOTES, "what came later was left for it");
    assert!(all[first.len()] > until && all[..first.len()] == first);
    done(folder, &["replay", "--verify", "j"]);
}
