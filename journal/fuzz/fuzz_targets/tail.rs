//! Any bytes given as a file of a tail: events or an error, never a panic; and what could be read is written and read
//! again.
//!
//! `tests/fuzz 10 tail` runs it for ten minutes.
//!
//! Checksums would stop nearly every mutation at the door, so the target first makes those of the header and of every
//! frame right again: what lies behind them must stand by itself.
#![no_main]

use genovo_engine::canonical;
use genovo_journal::tail::{self, FILE_HEADER_BYTES, FRAME_HEADER_BYTES, FileHeader, Found};
use genovo_journal::LiveJournal;
use libfuzzer_sys::fuzz_target;

const NONCE: u64 = 7;

fuzz_target!(|input: &[u8]| {
    let _ = FileHeader::read(input);
    let _ = tail::look(input, NONCE);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let journal = folder.path();
    let directory = journal.join("chapter-000001/tail");
    std::fs::create_dir_all(&directory).expect("room for it");
    std::fs::write(journal.join("identity.toml"), "").expect("room for it");

    let mut file = input.to_vec();
    file.resize(input.len().max(FILE_HEADER_BYTES).next_multiple_of(8), 0);
    let header = FileHeader { nonce: NONCE, chapter: 1, file: 1, bytes: file.len() as u64 };
    file[..FILE_HEADER_BYTES].copy_from_slice(&header.to_bytes());
    let mut at = FILE_HEADER_BYTES;
    while at + FRAME_HEADER_BYTES <= file.len() && file[at..at + 4] == *b"GNVF" {
        let payload = u32::from_le_bytes(file[at + 40..at + 44].try_into().expect("four bytes")) as usize;
        let Some(end) = at.checked_add(tail::frame_bytes(payload)).filter(|end| *end <= file.len()) else { break };
        file[at + 8..at + 16].copy_from_slice(&NONCE.to_le_bytes());
        let crc = crc32c::crc32c(&file[at + 8..end]);
        file[at + 4..at + 8].copy_from_slice(&crc.to_le_bytes());
        if let Found::Frame(_) = tail::look(&file[at..], NONCE) {
            let mut rest = canonical::Input::new(&file[at + FRAME_HEADER_BYTES..at + FRAME_HEADER_BYTES + payload]);
            while let Ok(event) = canonical::decode(&mut rest) {
                let mut again = Vec::new();
                canonical::encode(&event, &mut again);
                let read = canonical::decode(&mut canonical::Input::new(&again)).expect("what was written can be read");
                let mut twice = Vec::new();
                canonical::encode(&read, &mut twice);
                assert_eq!(again, twice);
            }
        }
        at = end;
    }
    std::fs::write(directory.join("000001.tail"), &file).expect("room for it");
    let live = LiveJournal::open(journal).expect("it has an identity");
    let read = live.events().take_while(Result::is_ok).count() as u64;
    let extent = live.extent().expect("damage is no error");
    assert!(extent.events >= read || extent.damage.is_some());
});
