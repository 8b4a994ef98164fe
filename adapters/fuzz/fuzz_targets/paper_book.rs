//! Any bytes given as the record of a paper broker: its frames or an error, never a panic.
//!
//! `tests/fuzz 10 paper_book` runs it for ten minutes.
//!
//! The checksums would stop nearly every mutation at the door, so the target first makes them right again.
#![no_main]

use std::io::Write;

use genovo_adapters::broker::paper::book;
use libfuzzer_sys::fuzz_target;

const MAGIC: &[u8] = b"GENOVO PAPER BOOK 1\n";
/// Bytes of a frame before its record: a length and a checksum.
const FRAME: usize = 12;

fuzz_target!(|input: &[u8]| {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(input).expect("room for it");
    let _ = book::read(file.path());

    let mut bytes = MAGIC.to_vec();
    let mut before = [0; 8];
    let mut rest = input;
    while let Some((head, body)) = rest.split_first_chunk::<FRAME>() {
        let length = usize::from(head[0]).min(body.len());
        let (record, after) = body.split_at(length);
        let mut hasher = blake3::Hasher::new();
        hasher.update(&before).update(record);
        before.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
        bytes.extend_from_slice(&(length as u32).to_le_bytes());
        bytes.extend_from_slice(&before);
        bytes.extend_from_slice(record);
        rest = after;
    }
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(&bytes).expect("room for it");
    let _ = book::read(file.path());
});
