//! A process that writes a tail is killed at any instant, again and again: nothing that it was told is kept is lost.

mod support;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use genovo_engine::event::Event;
use genovo_journal::{CommitMode, Error, Identity, Journal, LiveJournal, LiveOptions, LiveWriter, verify};
use support::{Random, assert_same, chapters, live_options, write};

const JOURNAL: &str = "GENOVO_KILL_JOURNAL";
const COMMIT: &str = "GENOVO_KILL_COMMIT";
const CHAPTERS: [usize; 3] = [20_000, 20_000, 20_000];

fn options(commit: CommitMode) -> LiveOptions {
    LiveOptions { commit, file_bytes: 64 * 1024, ..live_options() }
}

/// No test by itself: the process that is killed. It goes on with the journal and says what it was told is kept.
#[test]
#[ignore = "started by the test below"]
fn child() {
    let Some(path) = std::env::var_os(JOURNAL) else { return };
    let commit = CommitMode::parse(&std::env::var(COMMIT).unwrap()).unwrap();
    let (path, all) = (Path::new(&path), chapters(12, &CHAPTERS));
    let mut writer = match path.exists() {
        true => LiveWriter::resume(path, &Identity::default(), options(commit)).unwrap().writer,
        false => LiveWriter::create(path, &Identity::default(), options(commit)).unwrap(),
    };
    let mut random = Random::new(std::process::id().into());
    let mut told = std::io::stdout().lock();
    let from = writer.events() as usize;
    for event in &all[from..] {
        writer.append(event).unwrap();
        if random.below(10) == 0 {
            writer.commit().unwrap();
            writeln!(told, "kept {}", writer.events()).unwrap();
        }
    }
    writer.finish().unwrap();
    writeln!(told, "sealed").unwrap();
}

/// Starts the child and kills it after a while; how many events it was told are kept, and whether it came to the end.
fn run_and_kill(path: &Path, commit: CommitMode, after: Duration) -> (u64, bool) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["child", "--exact", "--ignored", "--nocapture"])
        .env(JOURNAL, path)
        .env(COMMIT, commit.name())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let reader = thread::spawn(move || {
        let (mut kept, mut sealed) = (0, false);
        for line in output.split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).into_owned();
            sealed |= line.ends_with("sealed");
            kept = line.strip_prefix("kept ").and_then(|count| count.parse().ok()).unwrap_or(kept);
        }
        (kept, sealed)
    });
    thread::sleep(after);
    let _ = child.kill();
    child.wait().unwrap();
    reader.join().unwrap()
}

#[test]
fn a_killed_writer_loses_nothing_that_was_acknowledged() {
    let all = chapters(12, &CHAPTERS);
    let seed = std::env::var("GENOVO_KILL_SEED").map_or(1, |seed| seed.parse().unwrap());
    let mut random = Random::new(seed);
    let directory = tempfile::tempdir().unwrap();
    let expected = write(&directory.path().join("backtest"), &all).head_hash;
    let (mut kills, mut round) = (0, 0);
    while kills < 50 {
        let path = directory.path().join(format!("run-{round}"));
        let commit = [CommitMode::Process, CommitMode::Disk][round % 2];
        round += 1;
        let mut promised = 0;
        loop {
            let after = Duration::from_micros(2_000 + random.below(60_000));
            let (kept, sealed) = run_and_kill(&path, commit, after);
            promised = promised.max(kept);
            // Killed between the seal and the word of it, it is complete all the same.
            if sealed || Journal::open(&path).is_ok() {
                break;
            }
            kills += 1;
            let place = format!("seed {seed}, kill {kills}, {commit:?}, {after:?}");
            let journal = match LiveJournal::open(&path) {
                Ok(journal) => journal,
                // Killed before the journal was there; what was begun is in the child's way.
                Err(Error::NotAJournal { .. }) if promised == 0 => {
                    let _ = std::fs::remove_dir_all(&path);
                    continue;
                }
                Err(error) => panic!("{place}: {error}"),
            };
            let extent = journal.extent().unwrap_or_else(|error| panic!("{place}: {error}"));
            assert_eq!(extent.damage, None, "{place}");
            assert!(!extent.is_written, "{place}");
            assert!(extent.events >= promised, "{place}: {} of {promised} are there", extent.events);
            let read: Vec<Event> = journal.events().collect::<Result<_, _>>().unwrap();
            assert_same(&read, &all[..extent.events as usize]);
            if kills >= 50 && !extent.ended {
                let resumed = LiveWriter::resume(&path, &Identity::default(), options(commit)).unwrap();
                let mut writer = resumed.writer;
                all[extent.events as usize..].iter().for_each(|event| writer.append(event).unwrap());
                writer.finish().unwrap();
                break;
            }
        }
        let verification = verify(&path).unwrap();
        assert_eq!(verification.first_damage, None);
        assert_eq!(verification.head_hash, expected, "seed {seed}, round {round}");
    }
}
