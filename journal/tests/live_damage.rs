//! A damaged tail: every byte changed once. Found and named, or nothing that was there is different.
//!
//! What the last write of all left cannot be told from a write that was cut short; everything before it can.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use genovo_engine::event::Event;
use genovo_journal::{CommitMode, Error, Extent, Identity, LiveJournal, LiveOptions, LiveWriter};
use support::{Random, assert_same, events, live_options};

const FILE_HEADER: usize = 48;
const FRAME_HEADER: usize = 48;

/// A journal that was interrupted, with many small frames in some files of its tail.
fn interrupted(commit: CommitMode) -> (tempfile::TempDir, PathBuf, Vec<Event>) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("run");
    let all = events(31, 200);
    let options = LiveOptions { commit, file_bytes: 4096, ..live_options() };
    let mut writer = LiveWriter::create(&path, &Identity::default(), options).unwrap();
    for (number, event) in all.iter().take(190).enumerate() {
        writer.append(event).unwrap();
        if number % 3 == 0 {
            writer.commit().unwrap();
        }
    }
    writer.commit().unwrap();
    drop(writer);
    (directory, path, all)
}

fn tail_files(path: &Path) -> Vec<PathBuf> {
    support::bytes_of(&path.join("chapter-000001/tail")).into_keys().collect()
}

/// Where the last frame of a file begins.
fn last_frame(bytes: &[u8]) -> usize {
    let (mut at, mut last) = (FILE_HEADER, FILE_HEADER);
    while bytes.get(at..at + 4) == Some(b"GNVF") {
        last = at;
        let payload = u32::from_le_bytes(bytes[at + 40..at + 44].try_into().unwrap()) as usize;
        at += (FRAME_HEADER + payload).next_multiple_of(8);
    }
    last
}

fn look(path: &Path) -> (Extent, Vec<Event>, Option<Error>) {
    let journal = LiveJournal::open(path).unwrap();
    let (mut read, mut failed) = (Vec::new(), None);
    for event in journal.events() {
        match event {
            Ok(event) => read.push(event),
            Err(error) => failed = Some(error),
        }
    }
    (journal.extent().unwrap(), read, failed)
}

#[test]
fn every_byte_of_a_tail_matters_or_changes_nothing() {
    for commit in [CommitMode::Process, CommitMode::Disk] {
        let (_directory, path, all) = interrupted(commit);
        let files = tail_files(&path);
        assert!(files.len() >= 3, "{files:?}");
        let last = files.len() - 1;
        // The modes differ in what a frame says is safe, and in nothing else of it.
        let step = if commit == CommitMode::Disk { 1 } else { 5 };
        for (place, file) in files.iter().enumerate() {
            let bytes = fs::read(file).unwrap();
            let end = last_frame(&bytes);
            let mut changed = bytes.clone();
            for at in (0..bytes.len()).step_by(step) {
                changed[at] ^= 1 << (at % 8);
                support::change(file, at, changed[at]);
                let what = format!("{commit:?}, byte {at} of {}", file.display());
                let (extent, read, failed) = look(&path);
                assert_same(&read, &all[..read.len()]);
                match &extent.damage {
                    Some(damage) => {
                        assert_eq!(&damage.file, file, "{what}: {damage}");
                        assert!(read.len() as u64 >= damage.intact.events.min(190), "{what}");
                        if at % 61 == 0 {
                            let refused = LiveWriter::resume(&path, &Identity::default(), live_options());
                            assert!(matches!(refused, Err(Error::Damaged(_))), "{what}");
                            assert_eq!(fs::read(file).unwrap(), changed, "{what}: it was touched");
                        }
                    }
                    None => {
                        assert!(failed.is_none(), "{what}: {failed:?}");
                        assert_eq!(extent.events, read.len() as u64, "{what}");
                        if place < last {
                            // Behind the mark that the file ends, where no reader looks.
                            assert!(at >= end + FRAME_HEADER, "{what} is not found");
                            assert_eq!((read.len(), extent.torn), (190, None), "{what}");
                        } else {
                            // The last write, or what no write had reached yet.
                            assert!(at >= end, "{what} is not found");
                            assert_eq!(extent.torn.map(|torn| torn.file).as_ref(), Some(file), "{what}");
                        }
                    }
                }
                changed[at] = bytes[at];
                support::change(file, at, bytes[at]);
            }
        }
        let (extent, read, failed) = look(&path);
        assert_eq!((extent.events, extent.torn, extent.damage), (190, None, None));
        assert_same(&read, &all[..190]);
        assert!(failed.is_none());
    }
}

#[test]
fn a_shortened_or_missing_file_of_a_tail_is_found() {
    let (_directory, path, all) = interrupted(CommitMode::Process);
    for (place, file) in tail_files(&path).iter().enumerate() {
        let bytes = fs::read(file).unwrap();
        for length in [0, 1, FILE_HEADER, bytes.len() / 2, bytes.len() - 1] {
            fs::write(file, &bytes[..length]).unwrap();
            let (extent, read, _) = look(&path);
            assert_eq!(&extent.damage.unwrap().file, file, "{length} bytes");
            assert_same(&read, &all[..read.len()]);
        }
        fs::remove_file(file).unwrap();
        if place == 1 {
            let (extent, read, _) = look(&path);
            assert!(extent.damage.is_some() || extent.events < 190);
            assert_same(&read, &all[..read.len()]);
        }
        fs::write(file, &bytes).unwrap();
    }
}

#[test]
fn random_damage_to_a_tail_gives_a_prefix_or_an_error() {
    let (_directory, path, all) = interrupted(CommitMode::Disk);
    let files = tail_files(&path);
    let mut random = Random::new(4);
    for _ in 0..800 {
        let file = &files[random.below(files.len() as u64) as usize];
        let bytes = fs::read(file).unwrap();
        let mut changed = bytes.clone();
        for _ in 0..=random.below(4) {
            let at = random.below(bytes.len() as u64) as usize;
            let length = random.below(200) as usize;
            let end = (at + length).min(bytes.len());
            match random.below(3) {
                0 => changed[at..end].fill(0),
                1 => changed[at..end].iter_mut().for_each(|byte| *byte = random.next() as u8),
                _ => {
                    let from = random.below((bytes.len() - (end - at)) as u64 + 1) as usize;
                    changed.copy_within(from..from + (end - at), at);
                }
            }
        }
        fs::write(file, &changed).unwrap();
        let (extent, read, _) = look(&path);
        assert_same(&read, &all[..read.len()]);
        assert!(extent.events <= 190);
        fs::write(file, &bytes).unwrap();
    }
}
