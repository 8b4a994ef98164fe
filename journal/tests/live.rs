//! Live journals: written, stopped, gone on with, read while they are written, sealed.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use genovo_engine::event::{ChapterReason, Event, Fact, Kind};
use genovo_engine::ids::Sequence;
use genovo_engine::units::Timestamp;
use genovo_journal::{
    CommitMode, Error, Identity, Journal, LiveJournal, LiveOptions, LiveWriter, diff, verify,
};
use support::{Random, assert_same, chapters, events, live_options, read_live, write};

struct Folder {
    _directory: tempfile::TempDir,
    path: PathBuf,
}

fn folder() -> Folder {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("run");
    Folder { _directory: directory, path }
}

fn create(path: &Path, options: LiveOptions) -> LiveWriter {
    LiveWriter::create(path, &Identity::default(), options).unwrap()
}

fn append(writer: &mut LiveWriter, events: &[Event]) {
    events.iter().for_each(|event| writer.append(event).unwrap());
}

#[test]
fn live_and_backtest_give_the_same_head_and_blocks() {
    let events = events(4, 9_000);
    let (live, backtest) = (folder(), folder());
    for commit in [CommitMode::Process, CommitMode::Disk] {
        let path = live.path.join(commit.name());
        let mut writer = create(&path, LiveOptions { commit, ..live_options() });
        let mut random = Random::new(9);
        for event in &events {
            writer.append(event).unwrap();
            if random.below(50) == 0 {
                writer.commit().unwrap();
            }
        }
        let sealed = writer.finish().unwrap();
        let backtest = backtest.path.join(commit.name());
        let expected = write(&backtest, &events);
        assert_eq!((sealed.head_hash, sealed.events), (expected.head_hash, expected.events));
        let blocks = |path: &Path| fs::read(path.join("chapter-000001/chapter.blocks")).unwrap();
        assert_eq!(blocks(&path), blocks(&backtest));
        assert_eq!(diff(&path, &backtest, 1).unwrap(), []);
        let mut left: Vec<_> = fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["chapter-000001", "identity.toml"], "{commit:?}");
        assert!(!path.join("chapter-000001/tail").exists());
    }
}

#[test]
fn a_journal_of_many_chapters_is_one_journal() {
    let events = chapters(5, &[3_000, 10, 1, 2_500]);
    let (live, backtest) = (folder(), folder());
    let mut writer = create(&live.path, live_options());
    append(&mut writer, &events);
    let sealed = writer.finish().unwrap();
    let expected = write(&backtest.path, &events);
    assert_eq!(sealed.head_hash, expected.head_hash, "chapters change no hash");
    assert_eq!(diff(&live.path, &backtest.path, 1).unwrap(), []);

    let journal = Journal::open(&live.path).unwrap();
    assert_same(&journal.events().collect::<Result<Vec<_>, _>>().unwrap(), &events);
    let (summary, whole) = (journal.summary(), Journal::open(&backtest.path).unwrap().summary());
    assert_eq!((summary.events, summary.blocks), (whole.events, whole.blocks));
    assert_eq!((summary.first_sequence, summary.last_sequence), (whole.first_sequence, whole.last_sequence));
    assert_eq!((summary.first_time, summary.last_time), (whole.first_time, whole.last_time));
    assert_eq!(journal.seals().map(|seal| seal.events).collect::<Vec<_>>(), [3_000, 10, 1, 2_500]);
    for number in [1, 3_000, 3_001, 3_011, 5_511] {
        let event = &events[number - 1];
        let found = journal.by_number(number as u64).unwrap().unwrap();
        assert_same(&[found], std::slice::from_ref(event));
        assert_eq!(journal.number_of(event.header.sequence).unwrap(), Some(number as u64));
    }
    let order = support::some_order(&events);
    let expected: Vec<Sequence> = events
        .iter()
        .filter(|event| support::names(&event.fact, order))
        .map(|event| event.header.sequence)
        .collect();
    assert_eq!(journal.order_events(order).unwrap(), expected);
    let verification = verify(&live.path).unwrap();
    assert_eq!((verification.events, verification.first_damage), (5_511, None));
    assert_same(&read_live(&live.path), &events);

    fs::remove_dir_all(live.path.join("chapter-000002/store")).unwrap();
    assert!(matches!(Journal::open(&live.path), Err(Error::StoreDamaged { .. })));
    assert_eq!(Journal::rebuild(&live.path).unwrap().head_hash, summary.head_hash);
    assert!(verify(&live.path).unwrap().intact());
    fs::remove_dir_all(live.path.join("chapter-000004")).unwrap();
    assert!(matches!(Journal::open(&live.path), Err(Error::Incomplete { .. })));
    assert!(matches!(verify(&live.path), Err(Error::Incomplete { .. })));
    fs::rename(live.path.join("chapter-000003"), live.path.join("chapter-000004")).unwrap();
    assert!(matches!(Journal::open(&live.path), Err(Error::Damaged(_))));
}

#[test]
fn a_stopped_journal_goes_on_as_if_nothing_had_happened() {
    let events = chapters(6, &[1_500, 4_000, 900]);
    let whole = folder();
    let expected = write(&whole.path, &events).head_hash;
    for (seed, commit) in [(1, CommitMode::Process), (2, CommitMode::Disk), (3, CommitMode::Process)] {
        let live = folder();
        let mut random = Random::new(seed);
        let options = LiveOptions { commit, ..live_options() };
        let mut writer = create(&live.path, options);
        let mut at = 0;
        while at < events.len() {
            let more = (random.below(2_000) as usize).min(events.len() - at);
            append(&mut writer, &events[at..at + more]);
            at += more;
            match random.below(3) {
                0 => writer.stop().unwrap(),
                1 => drop(writer),
                _ => {
                    writer.commit().unwrap();
                    drop(writer);
                }
            }
            let resumed = LiveWriter::resume(&live.path, &Identity::default(), options).unwrap();
            assert_eq!(resumed.recovery.events, at as u64, "seed {seed}");
            assert_eq!(resumed.recovery.torn, None);
            let recorded: Vec<Event> = resumed.events().collect::<Result<_, _>>().unwrap();
            assert_same(&recorded, &events[..at]);
            let middle = events[at / 2].header.sequence;
            let rest: Vec<Event> = resumed.events_from(middle).collect::<Result<_, _>>().unwrap();
            assert_same(&rest, &events[at / 2..at.max(at / 2)]);
            writer = resumed.writer;
        }
        assert_eq!(writer.finish().unwrap().head_hash, expected, "seed {seed}");
        assert!(verify(&live.path).unwrap().intact());
        assert!(live.path.join("identity-000002.toml").exists());
    }
}

#[test]
fn readers_see_what_is_committed_and_follow_to_the_seal() {
    let events = chapters(7, &[700, 2_000, 600]);
    let live = folder();
    let mut writer = create(&live.path, live_options());
    let journal = LiveJournal::open(&live.path).unwrap();
    let mut follower = journal.follow(Sequence::NONE);
    let mut seen = Vec::new();
    for batch in events.chunks(230) {
        append(&mut writer, batch);
        writer.commit().unwrap();
        while let Some(event) = follower.poll().unwrap() {
            seen.push(event);
        }
        assert_same(&seen[seen.len() - batch.len()..], batch);
        assert!(!follower.is_finished() && !journal.is_sealed() && follower.is_written());
        assert_same(&read_live(&live.path), &seen);
        assert!(matches!(Journal::open(&live.path), Err(Error::Incomplete { .. })));
    }
    let extent = journal.extent().unwrap();
    assert_eq!((extent.events, extent.ended, extent.is_written), (3_300, true, true));
    assert_eq!((extent.torn, extent.damage), (None, None));
    writer.finish().unwrap();
    assert!(follower.poll().unwrap().is_none());
    assert!(follower.is_finished() && journal.is_sealed() && !follower.is_written());
    assert_same(&read_live(&live.path), &events);
}

#[test]
fn one_writer_at_a_time() {
    let live = folder();
    let mut writer = create(&live.path, live_options());
    let again = || LiveWriter::resume(&live.path, &Identity::default(), live_options()).map(|_| ());
    let refused = again().unwrap_err();
    assert!(
        matches!(refused, Error::Locked { process: Some(id), .. } if id == std::process::id()),
        "{refused}"
    );
    append(&mut writer, &events(1, 50)[..20]);
    writer.stop().unwrap();
    // A lock file that a dead process left holds nobody up.
    fs::write(live.path.join("lock"), "999999\n").unwrap();
    again().unwrap();
}

#[test]
fn a_chapter_is_due_when_its_day_ends_or_it_is_large() {
    let live = folder();
    let options = LiveOptions { chapter_bytes: 20_000, chapter_time: 1_000, ..live_options() };
    let mut writer = create(&live.path, options);
    let handle = writer.handle();
    assert_eq!(handle.chapter_due(Timestamp(5_000)), None);
    let mut random = Random::new(2);
    let mut event = support::event(1 << 16, Kind::QuoteChanged, &mut random);
    event.header.time_received = Timestamp(900);
    writer.append(&event).unwrap();
    assert_eq!(handle.chapter_due(Timestamp(999)), None);
    let due = handle.chapter_due(Timestamp(1_000)).unwrap();
    assert_eq!((due.chapter, due.reason), (1, ChapterReason::DayEnded));
    for n in 2..700 {
        event.header.sequence = Sequence(n << 16);
        writer.append(&event).unwrap();
    }
    writer.commit().unwrap();
    let due = handle.chapter_due(Timestamp(999)).unwrap();
    assert_eq!((due.chapter, due.reason), (1, ChapterReason::SizeReached));
    event.header.sequence = Sequence(700 << 16);
    event.fact = Fact::ChapterClosed(due);
    writer.append(&event).unwrap();
    assert_eq!((handle.chapter(), handle.chapter_due(Timestamp(5_000))), (2, None));
    let mut wrong = event.clone();
    wrong.header.sequence = Sequence(701 << 16);
    assert!(matches!(writer.append(&wrong), Err(Error::WrongChapter { found: 1, open: 2 })));
    assert!(matches!(writer.commit(), Err(Error::Stopped { .. })));
}

#[test]
fn what_cannot_be_taken_stops_the_writer_and_is_not_recorded() {
    let all = events(1, 100);
    let live = folder();
    let mut writer = create(&live.path, live_options());
    append(&mut writer, &all[..10]);
    assert!(matches!(writer.append(&all[9]), Err(Error::OutOfOrder { .. })));
    assert!(matches!(writer.append(&all[10]), Err(Error::Stopped { .. })));
    assert!(matches!(writer.finish(), Err(Error::Stopped { .. })));
    // What was appended and never committed was never promised.
    let resumed = LiveWriter::resume(&live.path, &Identity::default(), live_options()).unwrap();
    let recorded = resumed.recovery.events as usize;
    let mut writer = resumed.writer;
    append(&mut writer, &all[recorded..]);
    assert!(matches!(writer.append(&all[99]), Err(Error::Complete { .. })), "nothing follows the end");
    writer.commit().unwrap();
    drop(writer);
    let resumed = LiveWriter::resume(&live.path, &Identity::default(), live_options()).unwrap();
    assert!(resumed.recovery.ended);
    resumed.writer.finish().unwrap();
    let again = LiveWriter::resume(&live.path, &Identity::default(), live_options());
    assert!(matches!(again, Err(Error::Complete { .. })));
    assert_same(&read_live(&live.path), &all);
}

#[test]
fn options_out_of_bounds_and_strange_folders_are_refused() {
    let live = folder();
    for options in [
        LiveOptions { file_bytes: 100, ..live_options() },
        LiveOptions { chapter_bytes: 0, ..live_options() },
        LiveOptions { chapter_time: 0, ..live_options() },
    ] {
        let refused = LiveWriter::create(&live.path, &Identity::default(), options).err().unwrap();
        assert!(matches!(refused, Error::Option { .. }), "{refused}");
    }
    let resume = |path: &Path| LiveWriter::resume(path, &Identity::default(), live_options()).err().unwrap();
    assert!(matches!(resume(&live.path), Error::NotAJournal { .. }));
    write(&live.path, &events(1, 100));
    assert!(matches!(resume(&live.path), Error::Complete { .. }), "a backtest that ended");
    let refused = LiveWriter::create(&live.path, &Identity::default(), live_options()).err().unwrap();
    assert!(matches!(refused, Error::NotEmpty { .. }));
    fs::remove_file(live.path.join("chapter-000001/seal.toml")).unwrap();
    assert!(matches!(resume(&live.path), Error::Incomplete { .. }), "a backtest has no tail");
}

#[test]
fn checkpoints_are_whole_or_passed_by() {
    let all = events(3, 2_000);
    let live = folder();
    let mut writer = create(&live.path, live_options());
    let handle = writer.handle();
    let journal = LiveJournal::open(&live.path).unwrap();
    let end = Sequence(u64::MAX);
    assert_eq!(journal.latest_checkpoint(end).unwrap(), None);
    for (at, state) in [(100, "one"), (500, "two"), (900, "three")] {
        let from = writer.events() as usize;
        append(&mut writer, &all[from..=at]);
        writer.commit().unwrap();
        handle.checkpoint(all[at].header.sequence, state.as_bytes()).unwrap();
    }
    let folder = live.path.join("chapter-000001/checkpoints");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 2, "old ones go");
    assert_eq!(journal.latest_checkpoint(end).unwrap().unwrap().state, b"three");
    let before = Sequence(all[900].header.sequence.0 - 1);
    let second = journal.latest_checkpoint(before).unwrap().unwrap();
    assert_eq!((second.sequence, &second.state[..]), (all[500].header.sequence, &b"two"[..]));
    drop(writer);
    let newest = folder.join(format!("{:020}.state", all[900].header.sequence.0));
    let bytes = fs::read(&newest).unwrap();
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        fs::write(&newest, flipped).unwrap();
        assert_eq!(journal.latest_checkpoint(end).unwrap(), Some(second.clone()), "bit {bit}");
    }
    let resumed = LiveWriter::resume(&live.path, &Identity::default(), live_options()).unwrap();
    assert_eq!(resumed.latest_checkpoint().unwrap(), Some(second.clone()));
    let files = resumed.checkpoints().unwrap();
    assert_eq!(
        files.iter().map(|file| file.sequence.0).collect::<Vec<_>>(),
        [900, 500].map(|at| all[at].header.sequence.0)
    );
    assert!(matches!(files[0].read(), Err(Error::Damaged(damage)) if damage.file == newest));
    assert_eq!(files[1].read().unwrap(), second);
    resumed.writer.finish().unwrap();
    let damage = verify(&live.path).unwrap().first_damage.unwrap();
    assert_eq!(damage.file, newest);
    assert!(Journal::open(&live.path).is_ok(), "a checkpoint is no part of the record");
}

#[test]
fn events_after_known_ones_are_those_events() {
    let all = events(5, 3_000);
    let live = folder();
    let mut writer = create(&live.path, LiveOptions { file_bytes: 16 * 1024, ..live_options() });
    for some in all.chunks(37) {
        append(&mut writer, some);
        writer.commit().unwrap();
    }
    let journal = LiveJournal::open(&live.path).unwrap();
    for known in [0, 1, 36, 37, 38, 1_500, all.len() - 1] {
        let from = Sequence(all[known].header.sequence.0);
        let after = journal.events_from(from).after(known as u64);
        let found: Vec<Event> = after.map(Result::unwrap).collect();
        assert_same(&found, &all[known..]);
    }
}

/// A checkpoint may be on the disk before the events that it knows of; if those are lost, others take their numbers.
#[test]
fn a_checkpoint_of_events_that_were_lost_is_forgotten() {
    let all = events(3, 600);
    let live = folder();
    let mut writer = create(&live.path, live_options());
    append(&mut writer, &all[..200]);
    writer.commit().unwrap();
    writer.handle().checkpoint(all[150].header.sequence, b"of kept ones").unwrap();
    writer.handle().checkpoint(all[400].header.sequence, b"of lost ones").unwrap();
    drop(writer);
    let resumed = LiveWriter::resume(&live.path, &Identity::default(), live_options()).unwrap();
    assert_eq!(resumed.checkpoints().unwrap().len(), 1);
    let mut writer = resumed.writer;
    append(&mut writer, &all[200..500]);
    writer.commit().unwrap();
    drop(writer);
    let resumed = LiveWriter::resume(&live.path, &Identity::default(), live_options()).unwrap();
    assert_eq!(resumed.latest_checkpoint().unwrap().unwrap().state, b"of kept ones");
}

#[test]
fn an_event_larger_than_a_file_has_a_file_of_its_own() {
    let live = folder();
    let mut writer = create(&live.path, LiveOptions { file_bytes: 4096, ..live_options() });
    let mut all = events(8, 40);
    if let Fact::RunStarted(started) = &mut all[0].fact {
        started.settings = "x".repeat(100_000);
    }
    append(&mut writer, &all);
    writer.commit().unwrap();
    assert_same(&read_live(&live.path), &all);
    drop(writer);
    let resumed = LiveWriter::resume(&live.path, &Identity::default(), live_options()).unwrap();
    assert_eq!(resumed.recovery.events, all.len() as u64);
    resumed.writer.finish().unwrap();
    assert!(verify(&live.path).unwrap().intact());
}

/// A tail that was written by the first build that had any; read for ever.
#[test]
fn the_golden_tail_is_read() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/v1/000001.tail");
    let mut random = Random::new(20_261_126);
    let all: Vec<Event> =
        (1..=30).map(|n| support::event(n << 16, Kind::QuoteChanged, &mut random)).collect();
    let live = folder();
    let mut writer = create(&live.path, LiveOptions { file_bytes: 4096, ..live_options() });
    for events in all.chunks(7) {
        append(&mut writer, events);
        writer.commit().unwrap();
    }
    drop(writer);
    let file = live.path.join("chapter-000001/tail/000001.tail");
    if !golden.exists() && std::env::var_os("GENOVO_BLESS").is_some() {
        fs::copy(&file, &golden).unwrap();
    }
    fs::copy(&golden, &file).unwrap();
    assert_same(&read_live(&live.path), &all);
    let extent = LiveJournal::open(&live.path).unwrap().extent().unwrap();
    assert_eq!((extent.events, extent.torn, extent.damage), (30, None, None));
}
