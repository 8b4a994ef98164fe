//! Any bytes given as a block: events or an error, never a panic; and what could be read is written and read again.
//!
//! `tests/fuzz 10 block` runs it for ten minutes.
//!
//! The body's hash would stop nearly every mutation at the door, so the target first makes it right again: what lies
//! behind it must stand by itself.
#![no_main]

use genovo_engine::event::Event;
use genovo_engine::ids::Hash;
use genovo_journal::{BLOCK_HEADER_BYTES, BlockHeader, BlockReader, BlockWriter, Group};
use libfuzzer_sys::fuzz_target;

fn events(block: &[u8]) -> Option<Vec<Event>> {
    let mut reader = BlockReader::default();
    reader.read(block).ok()?;
    Some(std::iter::from_fn(|| reader.next_event()).collect())
}

fn canonical(events: &[Event]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for event in events {
        genovo_engine::canonical::encode(event, &mut bytes);
    }
    bytes
}

fuzz_target!(|input: &[u8]| {
    let _ = events(input);
    if input.len() < BLOCK_HEADER_BYTES {
        return;
    }
    // A file of blocks is a block with something behind it.
    let header = input[..BLOCK_HEADER_BYTES].try_into().expect("its length was checked");
    let length = BlockHeader::read(header).map_or(input.len(), |header| header.block_bytes() as usize);
    let mut block = input[..length.clamp(BLOCK_HEADER_BYTES, input.len())].to_vec();
    let mut hasher = blake3::Hasher::new();
    hasher.update(&block[..112]).update(&block[BLOCK_HEADER_BYTES..]);
    let hash = hasher.finalize();
    block[112..BLOCK_HEADER_BYTES].copy_from_slice(&hash.as_bytes()[..16]);
    let Some(read) = events(&block) else { return };
    let (mut group, mut again) = (Group::default(), Vec::new());
    for event in &read {
        group.push(event);
    }
    if read.is_empty() {
        return;
    }
    BlockWriter::default()
        .write(&mut group, 1, Hash::default(), Hash::default(), &mut again)
        .expect("what was read can be written");
    let again = events(&again).expect("what was written can be read");
    // By their bytes: a damaged vector may hold NaN, which is not equal to itself.
    assert_eq!(canonical(&again), canonical(&read));
});
