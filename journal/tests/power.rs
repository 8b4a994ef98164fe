//! Power loss, failing syncs and a full disk, on a disk that a test holds in its hands: what was acknowledged is there,
//! nothing false is, and the journal goes on.
//!
//! `GENOVO_POWER_CUTS=100000` cuts more often; every failure names the seed and the operation after which the power
//! went. The writer's threads come to the disk in no fixed order, so the same seed may find another one.

mod support;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use genovo_engine::event::Event;
use genovo_journal::{
    CommitMode, Error, Identity, Journal, LiveJournal, LiveOptions, LiveWriter, Resumed, verify,
};
use support::power::PowerDisk;
use support::{Random, assert_same, chapters, events, live_options, write};

/// Sessions, each of which loses power at many moments.
const SESSIONS: u64 = 25;

fn options() -> LiveOptions {
    LiveOptions { commit: CommitMode::Disk, file_bytes: 4096, reserve_bytes: 4096, ..live_options() }
}

/// What was acknowledged after so many operations.
struct Acknowledged {
    operations: usize,
    events: usize,
}

/// A run on a disk, with what it was told is safe.
fn session(disk: &PowerDisk, path: &Path, all: &[Event], random: &mut Random) -> Vec<Acknowledged> {
    let identity = Identity::default();
    let on = || Arc::new(disk.clone());
    let mut writer = LiveWriter::create_on(on(), path, &identity, options()).unwrap();
    let mut acknowledged = Vec::new();
    for (number, event) in (1..).zip(all) {
        writer.append(event).unwrap();
        match random.below(400) {
            0..80 => {
                writer.commit().unwrap();
                acknowledged.push(Acknowledged { operations: disk.operations(), events: number });
            }
            80..100 => writer.flush().unwrap(),
            100 => {
                drop(writer);
                writer = LiveWriter::resume_on(on(), path, &identity, options()).unwrap().writer;
            }
            101..105 => writer.handle().checkpoint(event.header.sequence, &number.to_le_bytes()).unwrap(),
            _ => {}
        }
    }
    if random.below(4) > 0 {
        writer.finish().unwrap();
        acknowledged.push(Acknowledged { operations: disk.operations(), events: all.len() });
    }
    acknowledged
}

fn resume(path: &Path) -> Result<Resumed, Error> {
    // Without real syncs: what they would do is not the question here.
    let disk = Arc::new(PowerDisk::new(path.parent().unwrap()));
    LiveWriter::resume_on(disk, path, &Identity::default(), options())
}

#[test]
fn a_power_loss_takes_nothing_that_was_acknowledged() {
    let cuts: u64 = std::env::var("GENOVO_POWER_CUTS").map_or(1_000, |cuts| cuts.parse().unwrap());
    let (mut whole, mut torn, mut sealed, mut begun) = (0, 0, 0, 0);
    for session_seed in 0..SESSIONS {
        let directory = tempfile::tempdir().unwrap();
        let mut random = Random::new(session_seed);
        let lengths: &[usize] = if session_seed % 5 == 0 { &[150, 300] } else { &[400] };
        let all = chapters(session_seed, lengths);
        let disk = PowerDisk::new(directory.path());
        let acknowledged = session(&disk, &directory.path().join("run"), &all, &mut random);
        let head = write(&directory.path().join("backtest"), &all).head_hash;
        for cut in 0..cuts.div_ceil(SESSIONS) {
            let operations = random.below(disk.operations() as u64 + 1) as usize;
            let seed = session_seed << 32 | cut;
            let place =
                format!("session {session_seed}, power lost after {operations} operations, seed {seed}");
            let promised = acknowledged.iter().rev().find(|told| told.operations <= operations);
            let promised = promised.map_or(0, |told| told.events);
            let after = tempfile::tempdir().unwrap();
            disk.cut(operations, seed, after.path());
            let path = after.path().join("run");
            let resumed = match resume(&path) {
                Ok(resumed) => resumed,
                Err(Error::Complete { .. }) => {
                    let journal = Journal::open(&path).unwrap_or_else(|error| panic!("{place}: {error}"));
                    assert_eq!(journal.summary().head_hash, head, "{place}");
                    sealed += 1;
                    continue;
                }
                // The power went while the journal was made.
                Err(Error::NotAJournal { .. }) if promised == 0 => {
                    begun += 1;
                    continue;
                }
                Err(error) => panic!("{place}: {error}"),
            };
            let recorded: Result<Vec<Event>, Error> = resumed.events().collect();
            let recorded = recorded.unwrap_or_else(|error| panic!("{place}: {error}"));
            assert_eq!(recorded.len() as u64, resumed.recovery.events, "{place}");
            assert!(recorded.len() >= promised, "{place}: {} of {promised} are there", recorded.len());
            assert_same(&recorded, &all[..recorded.len()]);
            if let Some(checkpoint) = resumed.latest_checkpoint().unwrap() {
                let number = usize::from_le_bytes(checkpoint.state[..].try_into().unwrap());
                assert_eq!(checkpoint.sequence, all[number - 1].header.sequence, "{place}");
            }
            torn += u64::from(resumed.recovery.torn.is_some());
            whole += 1;
            // What was torn does not come back behind what is written over it.
            let mut writer = resumed.writer;
            let more = (recorded.len() + random.below(4) as usize).min(all.len());
            for event in &all[recorded.len()..more] {
                writer.append(event).unwrap();
                writer.commit().unwrap();
            }
            drop(writer);
            let resumed = resume(&path).unwrap_or_else(|error| panic!("{place}: {error}"));
            assert_eq!(resumed.recovery.events as usize, more, "{place}: events that nobody appended");
            // It goes on, and comes to the same end. Sealing takes sled, so not each time.
            let mut writer = resumed.writer;
            all[more..].iter().for_each(|event| writer.append(event).unwrap());
            writer.commit().unwrap();
            if cut % 20 == 0 {
                assert_eq!(writer.finish().unwrap().head_hash, head, "{place}");
                assert!(verify(&path).unwrap().intact(), "{place}");
            } else {
                drop(writer);
                let read: Result<Vec<Event>, Error> = LiveJournal::open(&path).unwrap().events().collect();
                assert_same(&read.unwrap_or_else(|error| panic!("{place}: {error}")), &all);
            }
        }
    }
    println!("{whole} resumed, {torn} of them torn; {sealed} were complete, {begun} not yet begun");
    assert!(whole > cuts / 2 && torn > cuts / 20 && sealed > 0);
}

#[test]
fn after_a_failed_sync_nothing_is_written_any_more() {
    let all = events(2, 300);
    for failing in 1..20 {
        let directory = tempfile::tempdir().unwrap();
        let disk = PowerDisk::new(directory.path());
        let path = directory.path().join("run");
        let on = Arc::new(disk.clone());
        let mut writer = LiveWriter::create_on(on, &path, &Identity::default(), options()).unwrap();
        disk.fail_sync(failing);
        let mut promised = 0;
        let failed = all.iter().zip(1..).find_map(|(event, number)| {
            let kept = writer.append(event).and_then(|()| writer.commit());
            promised = if kept.is_ok() { number } else { promised };
            kept.err()
        });
        let failed = failed.expect("one sync fails");
        assert!(matches!(failed, Error::SyncFailed { .. } | Error::Io { .. }), "sync {failing}: {failed}");
        assert!(matches!(writer.append(&all[299]), Err(Error::Stopped { .. })));
        assert!(matches!(writer.commit(), Err(Error::Stopped { .. })));
        assert!(matches!(writer.finish(), Err(Error::Stopped { .. })));
        // Everything that was synced before is there after a power loss.
        let after = directory.path().join("after");
        disk.cut(disk.operations(), failing, &after);
        let recorded = resume(&after.join("run")).unwrap().recovery.events;
        assert!(recorded >= promised, "sync {failing}: {recorded} of {promised}");
    }
}

#[test]
fn a_full_disk_is_said_while_there_is_room_to_end_the_run() {
    let all = events(3, 2_000);
    let directory = tempfile::tempdir().unwrap();
    let disk = PowerDisk::new(directory.path());
    let path = directory.path().join("run");
    let options = LiveOptions { reserve_bytes: 64 * 1024, ..options() };
    let on = Arc::new(disk.clone());
    let mut writer = LiveWriter::create_on(on, &path, &Identity::default(), options).unwrap();
    let handle = writer.handle();
    assert!(path.join("reserve").exists() && !handle.disk_is_full());
    disk.leave_room(10_000);
    let told = all.iter().position(|event| {
        writer.append(event).unwrap();
        writer.commit().unwrap();
        handle.disk_is_full()
    });
    let told = told.expect("the disk is full");
    assert!(!path.join("reserve").exists());
    // What the reserve held takes the rest of the run, or an error says that it does not; nothing is lost.
    let mut kept = told + 1;
    let failed = all[kept..].iter().find_map(|event| {
        let result = writer.append(event).and_then(|()| writer.commit());
        kept += usize::from(result.is_ok());
        result.err()
    });
    assert!(kept > told + 100, "{kept} events after {told}");
    assert!(matches!(failed, Some(Error::DiskFull { .. })), "{failed:?}");
    drop(writer);
    let resumed = resume(&path).unwrap();
    assert_eq!(resumed.recovery.events, kept as u64);
    let mut writer = resumed.writer;
    all[kept..].iter().for_each(|event| writer.append(event).unwrap());
    writer.finish().unwrap();
    assert!(verify(&path).unwrap().intact());
}

#[test]
fn a_full_disk_refuses_the_reserve() {
    let directory = tempfile::tempdir().unwrap();
    let disk = PowerDisk::new(directory.path());
    disk.leave_room(3_000);
    let path = directory.path().join("run");
    let refused = LiveWriter::create_on(Arc::new(disk), &path, &Identity::default(), options());
    assert!(matches!(refused, Err(Error::Io { .. })));
    assert_eq!(
        fs::metadata(path.join("reserve")).err().map(|error| error.kind()),
        Some(std::io::ErrorKind::NotFound)
    );
}
