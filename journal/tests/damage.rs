//! Damaged journals: found and named, rebuilt where that is possible, never a panic.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use genovo_engine::ids::Sequence;
use genovo_journal::{
    BLOCK_HEADER_BYTES, BlockHeader, BlockReader, Damage, Error, Identity, Journal, LiveWriter, verify,
};
use proptest::prelude::*;
use support::{assert_same, bytes_of, events, write};

const BLOCKS: &str = "chapter-000001/chapter.blocks";
const SEAL: &str = "chapter-000001/seal.toml";

fn journal(count: usize) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("run");
    write(&path, &events(21, count));
    (directory, path)
}

fn damage(path: &Path) -> Damage {
    verify(path).unwrap().first_damage.expect("damage is found")
}

#[test]
fn a_changed_byte_anywhere_is_found_and_named() {
    let (_directory, path) = journal(300);
    let all = std::env::var_os("GENOVO_FULL").is_some();
    for (file, bytes) in bytes_of(&path) {
        // Every byte of a small file, places all over a large one: sled's are mostly padding.
        let step = if all { 1 } else { (bytes.len() / 2_000).max(1) };
        for at in (0..bytes.len()).step_by(step) {
            support::change(&file, at, bytes[at] ^ 1 << (at / step % 8));
            let place = format!("byte {at} of {}", file.display());
            match verify(&path) {
                Ok(verification) => {
                    let damage = verification.first_damage.unwrap_or_else(|| panic!("{place} is not found"));
                    assert_eq!(damage.file, file, "{place}: {damage}");
                }
                // The seal's format number itself.
                Err(Error::Unsupported { path, .. }) => assert_eq!(path, file, "{place}"),
                Err(error) => panic!("{place}: {error}"),
            }
            assert!(Journal::open(&path).is_err(), "{place}");
            support::change(&file, at, bytes[at]);
        }
        assert!(verify(&path).unwrap().intact());
    }
}

/// `GENOVO_FULL=1` flips 10,000 bits of a journal of 200,000 events in three chapters.
#[test]
fn a_flipped_bit_of_a_large_journal_is_found_and_what_can_be_rebuilt_is() {
    let (flips, events) = match std::env::var_os("GENOVO_FULL") {
        Some(_) => (10_000, 200_000),
        None => (60, 12_000),
    };
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("run");
    let all = support::chapters(22, &[events / 2, events / 3, events / 6]);
    let mut writer = LiveWriter::create(&path, &Identity::default(), support::live_options()).unwrap();
    all.iter().for_each(|event| writer.append(event).unwrap());
    let head = writer.finish().unwrap().head_hash;
    let lengths = || bytes_of(&path).into_iter().map(|(file, bytes)| (file, bytes.len() as u64));
    let mut files: Vec<(PathBuf, u64)> = lengths().collect();
    let mut random = support::Random::new(6);
    for flip in 0..flips {
        let total: u64 = files.iter().map(|(_, length)| length).sum();
        let (mut at, mut place) = (random.below(total), 0);
        while at >= files[place].1 {
            at -= files[place].1;
            place += 1;
        }
        let (file, bit) = (&files[place].0, random.below(8));
        let what = format!("flip {flip}: bit {bit} of byte {at} of {}", file.display());
        let before = fs::read(file).unwrap()[at as usize];
        support::change(file, at as usize, before ^ 1 << bit);
        let damage = match verify(&path) {
            Ok(verification) => verification.first_damage.unwrap_or_else(|| panic!("{what} is not found")),
            // The seal's format number itself.
            Err(Error::Unsupported { path, .. }) => {
                assert_eq!(&path, file, "{what}");
                support::change(file, at as usize, before);
                continue;
            }
            Err(error) => panic!("{what}: {error}"),
        };
        assert_eq!(&damage.file, file, "{what}: {damage}");
        let opened = Journal::open(&path);
        assert!(opened.is_err(), "{what}");
        if let Err(Error::StoreDamaged { .. }) = opened
            && flip % 20 == 0
        {
            assert_eq!(Journal::rebuild(&path).unwrap().head_hash, head, "{what}");
            files = lengths().collect();
        } else {
            support::change(file, at as usize, before);
        }
        if flip % 20 == 0 {
            assert!(verify(&path).unwrap().intact(), "{what}");
        }
    }
}

#[test]
fn a_truncated_or_longer_file_is_found() {
    let (_directory, path) = journal(5_000);
    for (file, bytes) in bytes_of(&path) {
        for length in [0, 1, bytes.len() / 2, bytes.len().saturating_sub(1)] {
            if length < bytes.len() {
                fs::write(&file, &bytes[..length]).unwrap();
                assert_eq!(damage(&path).file, file, "{length}");
            }
        }
        let longer = [&bytes[..], b"\n"].concat();
        fs::write(&file, longer).unwrap();
        assert_eq!(damage(&path).file, file);
        fs::remove_file(&file).unwrap();
        if file.ends_with("seal.toml") {
            assert!(matches!(verify(&path), Err(Error::Incomplete { .. })));
        } else {
            assert_eq!(damage(&path).file, file);
        }
        fs::write(&file, &bytes).unwrap();
    }
    assert!(verify(&path).unwrap().intact());
}

#[test]
fn damage_tells_its_place_and_what_is_intact() {
    let (_directory, path) = journal(7_000);
    let file = path.join(BLOCKS);
    let mut bytes = fs::read(&file).unwrap();
    let blocks = headers(&bytes);
    let (at, header) = blocks[2];
    bytes[at + BLOCK_HEADER_BYTES + 50] ^= 4;
    fs::write(&file, bytes).unwrap();
    let damage = damage(&path);
    let place = damage.place.unwrap();
    assert_eq!((place.block, place.blocks), (3, blocks.len() as u64));
    assert_eq!((place.first_sequence, place.last_sequence), (header.first_sequence, header.last_sequence));
    assert_eq!((place.first_number, place.last_number), (header.first_number, header.last_number()));
    assert_eq!((place.first_time, place.last_time), (header.first_time, header.last_time));
    assert_eq!((damage.intact.blocks, damage.intact.events), (2, header.first_number - 1));
    assert_eq!(damage.intact.last_sequence, Some(blocks[1].1.last_sequence));
    assert!(damage.sealed.is_some() && damage.recomputed.is_some());
}

#[test]
fn a_change_that_fixes_the_body_hash_breaks_the_chain() {
    let (_directory, path) = journal(7_000);
    let file = path.join(BLOCKS);
    let bytes = fs::read(&file).unwrap();
    let (at, header) = headers(&bytes)[1];
    let end = at + header.block_bytes() as usize;
    let mut found = 0;
    for place in (at + BLOCK_HEADER_BYTES..end).step_by(97) {
        let mut changed = bytes.clone();
        changed[place] ^= 1;
        let mut hasher = blake3::Hasher::new();
        hasher.update(&changed[at..at + 112]).update(&changed[at + BLOCK_HEADER_BYTES..end]);
        changed[at + 112..at + 128].copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        fs::write(&file, &changed).unwrap();
        let damage = damage(&path);
        // A bit without meaning, such as a size marked absent, changes no event: the file's hash finds it.
        assert!(damage.place.is_none_or(|place| place.block == 2), "{damage}");
        if damage.problem.contains("the chain breaks here") {
            assert_eq!(damage.sealed, Some(header.content));
            found += 1;
        }
    }
    assert!(found > 0, "no change came as far as the chain");
}

#[test]
fn a_whole_block_taken_out_is_found() {
    let (_directory, path) = journal(7_000);
    let file = path.join(BLOCKS);
    let bytes = fs::read(&file).unwrap();
    let (at, header) = headers(&bytes)[1];
    let without = [&bytes[..at], &bytes[at + header.block_bytes() as usize..]].concat();
    fs::write(&file, without).unwrap();
    assert_eq!(damage(&path).intact.blocks, 1);
}

#[test]
fn a_damaged_store_is_never_opened_and_can_be_rebuilt() {
    let (_directory, path) = journal(7_000);
    let head = Journal::open(&path).unwrap().summary().head_hash;
    let database = path.join("chapter-000001/store/db");
    let mut bytes = fs::read(&database).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&database, &bytes).unwrap();
    assert!(matches!(Journal::open(&path), Err(Error::StoreDamaged { .. })));
    assert_eq!(fs::read(&database).unwrap(), bytes, "the damaged store was touched");

    assert_eq!(Journal::rebuild(&path).unwrap().head_hash, head);
    assert!(verify(&path).unwrap().intact());
    let read: Result<Vec<_>, _> = Journal::open(&path).unwrap().events().collect();
    assert_same(&read.unwrap(), &events(21, 7_000));

    fs::remove_dir_all(path.join("chapter-000001/store")).unwrap();
    assert!(matches!(Journal::open(&path), Err(Error::StoreDamaged { .. })));
    Journal::rebuild(&path).unwrap();
    assert!(verify(&path).unwrap().intact());

    fs::write(path.join("chapter-000001/store/snap.0000000000000001"), "odd").unwrap();
    assert!(matches!(Journal::open(&path), Err(Error::StoreDamaged { .. })));
}

#[test]
fn nothing_is_rebuilt_from_damaged_blocks() {
    let (_directory, path) = journal(3_000);
    let file = path.join(BLOCKS);
    let mut bytes = fs::read(&file).unwrap();
    bytes[500] ^= 1;
    fs::write(&file, bytes).unwrap();
    assert!(matches!(Journal::rebuild(&path), Err(Error::Damaged(_))));
}

#[test]
fn another_format_is_told_apart_from_damage() {
    let (_directory, path) = journal(300);
    let seal = fs::read_to_string(path.join(SEAL)).unwrap();
    fs::write(path.join(SEAL), seal.replace("format = 1", "format = 2")).unwrap();
    let error = verify(&path).unwrap_err();
    assert!(matches!(error, Error::Unsupported { found: 2, known: 1, .. }), "{error}");
    let mut block = block();
    for (at, what) in [(4, "format"), (5, "codec"), (6, "schema")] {
        block[at] = 2;
        let error = BlockReader::default().read(&block).unwrap_err().to_string();
        assert!(error.contains(what) && error.contains('2'), "{error}");
        block[at] = 1;
    }
}

/// The blocks of a file with their places.
fn headers(bytes: &[u8]) -> Vec<(usize, BlockHeader)> {
    let (mut at, mut headers) = (16, Vec::new());
    while let Some(head) = bytes[at..].first_chunk() {
        let header = BlockHeader::read(head).unwrap();
        headers.push((at, header));
        at += header.block_bytes() as usize;
    }
    headers
}

/// A block with every kind in it.
fn block() -> Vec<u8> {
    let (_directory, path) = journal(400);
    let bytes = fs::read(path.join(BLOCKS)).unwrap();
    let (at, header) = headers(&bytes)[0];
    bytes[at..at + header.block_bytes() as usize].to_vec()
}

/// Gives a block the body hash that its bytes have, so that the decoder sees them.
fn with_body_hash(mut block: Vec<u8>) -> Vec<u8> {
    let length = (block.len() - BLOCK_HEADER_BYTES) as u32;
    block[32..36].copy_from_slice(&length.to_le_bytes());
    let mut hasher = blake3::Hasher::new();
    hasher.update(&block[..112]).update(&block[BLOCK_HEADER_BYTES..]);
    block[112..128].copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    block
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn random_bytes_are_no_block(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        prop_assert!(BlockReader::default().read(&bytes).is_err());
    }

    #[test]
    fn a_random_body_gives_events_or_an_error(
        events in 1..=2048_u16,
        body in proptest::collection::vec(any::<u8>(), 0..600),
    ) {
        let mut bytes = block()[..BLOCK_HEADER_BYTES].to_vec();
        bytes[36..38].copy_from_slice(&events.to_le_bytes());
        bytes.extend(body);
        let _ = BlockReader::default().read(&with_body_hash(bytes));
    }
}

#[test]
fn a_changed_body_gives_events_or_an_error() {
    let block = block();
    let mut reader = BlockReader::default();
    let mut random = support::Random::new(5);
    for _ in 0..20_000 {
        let mut changed = block.clone();
        for _ in 0..=random.below(3) {
            let at = BLOCK_HEADER_BYTES + random.below((block.len() - BLOCK_HEADER_BYTES) as u64) as usize;
            changed[at] = random.next() as u8;
        }
        if random.below(5) == 0 {
            changed.truncate(BLOCK_HEADER_BYTES + random.below(changed.len() as u64 - 127) as usize);
        }
        if reader.read(&with_body_hash(changed)).is_ok() {
            let mut last = Sequence::NONE;
            while let Some(event) = reader.next_event() {
                last = last.max(event.header.sequence);
            }
        }
    }
}
