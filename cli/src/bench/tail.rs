//! The live journal's tail: what its producer waits for, and how soon a killed run goes on.

use std::path::Path;
use std::time::{Duration, Instant};

use genovo_engine::event::Event;
use genovo_engine::ids::Sequence;
use genovo_journal::{CommitMode, Identity, LiveOptions, LiveWriter, RealDisk};

use super::bare::Bare;
use super::measure::{figure, journal_failure, market, of_events, rate};
use super::{Figure, Latency, Setting, Shipped, Value};
use crate::error::{Exit, Failure};
use crate::report::format;

/// Events in the open chapter that is reopened.
const REOPENED: usize = 10_000_000;
/// How many are enough to see that it works, for a run that measures for no time.
const REOPENED_QUICK: usize = 20_000;
/// How often the disk is waited for before the clock is looked at.
const WAITS: usize = 16;
/// Events are appended so many at a time, then the producer pauses: a feed comes in bursts.
const BURST: usize = 64;
const PAUSE: Duration = Duration::from_micros(100);

/// The tail's producer side, its commits, and reopening.
pub fn tail(setting: &Setting<'_>) -> Result<Vec<Figure>, Failure> {
    let plan = setting.plan(Shipped::Btcusdt(1), &[])?;
    let events = market(&plan)?;
    let data = of_events(&plan, events.len());
    let appended = setting.rounds(|latency: &mut Latency| {
        let mut writer = create(&setting.place()?, CommitMode::Process)?;
        for burst in events.chunks(BURST) {
            for event in burst {
                let began = Instant::now();
                let done = writer.append(event);
                latency.record(began.elapsed());
                done.map_err(journal_failure)?;
            }
            let paused = Instant::now();
            while paused.elapsed() < PAUSE {
                std::thread::yield_now();
            }
        }
        writer.stop().map_err(journal_failure)
    })?;
    let committed = setting.rounds(|latency: &mut Latency| {
        let mut writer = create(&setting.place()?, CommitMode::Process)?;
        for event in &events {
            writer.append(event).map_err(journal_failure)?;
            let began = Instant::now();
            let done = writer.commit();
            latency.record(began.elapsed());
            done.map_err(journal_failure)?;
        }
        writer.stop().map_err(journal_failure)
    })?;
    let latency = |latency| Value::Latency(Box::new(latency));
    let append = "LiveWriter::append: canonical bytes into the open frame; every 128 KiB go to the thread that writes \
                  the tail. In bursts of 64 with 100 µs between them, other threads making blocks meanwhile";
    let process = "LiveWriter::commit of one event in `process` mode: a positioned write to the page cache";
    let mut figures = vec![
        figure("one append", append, &data, latency(appended)),
        figure("commit, process", process, &data, latency(committed)),
    ];
    let (disk, bare) = disk_beside_bare(setting, &events)?;
    let kept = "LiveWriter::commit of one event in `disk` mode: the write, and fdatasync of the tail";
    let beside =
        "the same bytes written and synced by fdatasync in a file of zeros and nothing else, in turn with it";
    figures.push(figure("commit, disk", kept, &data, latency(disk)));
    figures.push(figure("bare fdatasync", beside, &data, latency(bare)));
    figures.append(&mut reopen(setting, &events)?);
    Ok(figures)
}

fn create(path: &Path, commit: CommitMode) -> Result<LiveWriter, Failure> {
    let options = LiveOptions { commit, reserve_bytes: 0, ..LiveOptions::default() };
    LiveWriter::create(path, &Identity::default(), options).map_err(journal_failure)
}

/// Commits to the disk, and the same by hand, one after the other.
fn disk_beside_bare(setting: &Setting<'_>, events: &[Event]) -> Result<(Latency, Latency), Failure> {
    let (mut disk, mut bare) = (Latency::default(), Latency::default());
    let mut writer = create(&setting.place()?, CommitMode::Disk)?;
    let mut alone = Bare::new(setting.folder)?;
    let began = Instant::now();
    for events in events.chunks(WAITS) {
        for event in events {
            writer.append(event).map_err(journal_failure)?;
            let waiting = Instant::now();
            let done = writer.commit();
            disk.record(waiting.elapsed());
            done.map_err(journal_failure)?;
            bare.record(alone.once()?);
        }
        if began.elapsed() >= setting.time {
            break;
        }
    }
    writer.stop().map_err(journal_failure)?;
    Ok((disk, bare))
}

/// Time from the start of a resume until the first event can be appended, and until all recorded events were read.
fn reopen(setting: &Setting<'_>, events: &[Event]) -> Result<Vec<Figure>, Failure> {
    let count = if setting.time.is_zero() { REOPENED_QUICK } else { REOPENED };
    let path = setting.place()?;
    let mut writer = create(&path, CommitMode::Process)?;
    for (number, event) in (1..=count as u64).zip(events.iter().cycle()) {
        let mut event = event.clone();
        event.header.sequence = Sequence::input(number);
        writer.append(&event).map_err(journal_failure)?;
    }
    writer.stop().map_err(journal_failure)?;
    let options = LiveOptions { reserve_bytes: 0, ..LiveOptions::default() };
    let (mut opened, mut read) = (Latency::default(), Vec::new());
    for _ in 0..3 {
        let began = Instant::now();
        let resumed =
            LiveWriter::resume_on(std::sync::Arc::new(RealDisk), &path, &Identity::default(), options)
                .map_err(journal_failure)?;
        opened.record(began.elapsed());
        let began = Instant::now();
        let mut recorded = 0_usize;
        for event in resumed.events() {
            event.map_err(journal_failure)?;
            recorded += 1;
        }
        read.push(rate(recorded, began.elapsed()));
        if recorded != count {
            let message = format!("{recorded} of {count} events came back");
            return Err(Failure::new(Exit::Failed, message, "The figures before were not shown."));
        }
        resumed.writer.stop().map_err(journal_failure)?;
    }
    let data = format!("{} events in the open chapter", format::count(count as u64));
    let what = "LiveWriter::resume until the next event can be appended: every frame of the tail read and checked; \
                the store is made again behind it";
    let reading = "every recorded event read from the tail, while the store is made again on another thread";
    Ok(vec![
        figure("reopen", what, &data, Value::Latency(Box::new(opened))),
        figure("events read back", reading, &data, Value::Rate { of: "events", rounds: read }),
    ])
}
