//! Frames and file headers of the tail, byte by byte.
//!
//! ```text
//! file    0  "GENOVO TAIL 1\n" 0 0    16  nonce u64    24  chapter u32    28  file u32, counted from 1
//!        32  bytes of the file u64    40  zero u32     44  CRC32C u32 of the 44 bytes before
//! frame   0  "GNVF"                    4  CRC32C u32 of all bytes from 8 on
//!         8  nonce u64                16  number of the first event u64, counted from 1 through the journal
//!        24  first sequence u64       32  number of the last event that was safe before this frame u64
//!        40  payload bytes u32        44  events u32
//!        48  payload: the events' canonical bytes one after the other · zeros to a multiple of 8
//! ```
//!
//! A frame of no events says that the file ends here and the next file goes on.

use genovo_engine::ids::Sequence;

/// What a tail's file begins with.
pub const FILE_MAGIC: &[u8; 16] = b"GENOVO TAIL 1\n\0\0";
/// The bytes before the first frame.
pub const FILE_HEADER_BYTES: usize = 48;
/// The bytes before a frame's payload.
pub const FRAME_HEADER_BYTES: usize = 48;

const FRAME_MAGIC: [u8; 4] = *b"GNVF";
/// Frames begin at multiples of it.
pub const ALIGNMENT: usize = 8;

/// What a tail's file says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileHeader {
    /// The chapter's random number: no frame of another chapter has it.
    pub nonce: u64,
    /// The chapter, counted from 1.
    pub chapter: u32,
    /// The file in its chapter, counted from 1.
    pub file: u32,
    /// The file's length.
    pub bytes: u64,
}

impl FileHeader {
    /// The header as it lies in the file.
    pub fn to_bytes(self) -> [u8; FILE_HEADER_BYTES] {
        let mut bytes = [0; FILE_HEADER_BYTES];
        bytes[..16].copy_from_slice(FILE_MAGIC);
        bytes[16..24].copy_from_slice(&self.nonce.to_le_bytes());
        bytes[24..28].copy_from_slice(&self.chapter.to_le_bytes());
        bytes[28..32].copy_from_slice(&self.file.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.bytes.to_le_bytes());
        let crc = crc32c::crc32c(&bytes[..44]);
        bytes[44..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Reads a header; what is wrong with it otherwise.
    pub fn read(bytes: &[u8]) -> Result<FileHeader, &'static str> {
        let Some(bytes) = bytes.first_chunk::<FILE_HEADER_BYTES>() else {
            return Err("is shorter than what it begins with");
        };
        if bytes[..16] != *FILE_MAGIC {
            return Err("does not begin as a file of a tail does");
        }
        if bytes[40..44] != [0; 4] || long(bytes, 44) as u32 != crc32c::crc32c(&bytes[..44]) {
            return Err("has a damaged header");
        }
        Ok(FileHeader {
            nonce: long(bytes, 16),
            chapter: long(bytes, 24) as u32,
            file: long(bytes, 28) as u32,
            bytes: long(bytes, 32),
        })
    }
}

/// What a frame says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHeader {
    /// The number of its first event, or of the event that comes next when it has none.
    pub number: u64,
    /// The sequence of its first event; [`Sequence::NONE`] without events.
    pub first_sequence: Sequence,
    /// The number of the last event that was safe when it was written. What comes before that and is gone was lost by
    /// damage, not by a crash.
    pub safe: u64,
    /// Bytes of its events.
    pub payload: u32,
    /// How many events it holds; none at the end of a file.
    pub events: u32,
}

impl FrameHeader {
    /// The number of the event after the frame.
    pub fn next_number(&self) -> u64 {
        self.number.saturating_add(u64::from(self.events))
    }

    /// The frame's length with header and padding.
    pub fn frame_bytes(&self) -> usize {
        frame_bytes(self.payload as usize)
    }
}

/// The length of a frame with so many bytes of payload.
pub fn frame_bytes(payload: usize) -> usize {
    (FRAME_HEADER_BYTES + payload).next_multiple_of(ALIGNMENT)
}

/// Pads `frame`, whose payload begins after room for the header, and writes the header into that room.
pub fn finish(frame: &mut Vec<u8>, nonce: u64, header: &FrameHeader) {
    let bytes = frame.len().max(FRAME_HEADER_BYTES).next_multiple_of(ALIGNMENT);
    frame.resize(bytes, 0);
    frame[..4].copy_from_slice(&FRAME_MAGIC);
    frame[8..16].copy_from_slice(&nonce.to_le_bytes());
    frame[16..24].copy_from_slice(&header.number.to_le_bytes());
    frame[24..32].copy_from_slice(&header.first_sequence.0.to_le_bytes());
    frame[32..40].copy_from_slice(&header.safe.to_le_bytes());
    frame[40..44].copy_from_slice(&header.payload.to_le_bytes());
    frame[44..48].copy_from_slice(&header.events.to_le_bytes());
    let crc = crc32c::crc32c(&frame[8..]);
    frame[4..8].copy_from_slice(&crc.to_le_bytes());
}

/// What stands at a place of a tail's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// A whole frame.
    Frame(FrameHeader),
    /// Nothing was ever written here.
    Nothing,
    /// Something that is no whole frame of this chapter.
    Torn,
}

/// Looks at the front of `bytes`, which go on to the end of the file.
pub fn look(bytes: &[u8], nonce: u64) -> Found {
    let Some(head) = bytes.first_chunk::<FRAME_HEADER_BYTES>() else {
        return if bytes.iter().all(|byte| *byte == 0) { Found::Nothing } else { Found::Torn };
    };
    if *head == [0; FRAME_HEADER_BYTES] {
        return Found::Nothing;
    }
    if head[..4] != FRAME_MAGIC || long(head, 8) != nonce {
        return Found::Torn;
    }
    let header = FrameHeader {
        number: long(head, 16),
        first_sequence: Sequence(long(head, 24)),
        safe: long(head, 32),
        payload: long(head, 40) as u32,
        events: (long(head, 40) >> 32) as u32,
    };
    let Some(frame) = bytes.get(..header.frame_bytes()) else { return Found::Torn };
    let sound = (header.payload == 0) == (header.events == 0) && header.number > 0;
    match sound && crc32c::crc32c(&frame[8..]) == u32::from_le_bytes([head[4], head[5], head[6], head[7]]) {
        true => Found::Frame(header),
        false => Found::Torn,
    }
}

/// The first whole frame at or after a place, for bytes of which the front is no frame.
pub fn search(bytes: &[u8], from: usize, nonce: u64) -> Option<(usize, FrameHeader)> {
    let mut at = from.next_multiple_of(ALIGNMENT);
    while at + FRAME_HEADER_BYTES <= bytes.len() {
        if bytes[at..at + 4] == FRAME_MAGIC
            && let Found::Frame(header) = look(&bytes[at..], nonce)
        {
            return Some((at, header));
        }
        at += ALIGNMENT;
    }
    None
}

/// The eight bytes at `at`, or as many as there are.
fn long(bytes: &[u8], at: usize) -> u64 {
    let mut long = [0; 8];
    let there = bytes.len().min(at + 8) - at;
    long[..there].copy_from_slice(&bytes[at..at + there]);
    u64::from_le_bytes(long)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn framed(nonce: u64, number: u64, safe: u64, payload: &[u8]) -> (Vec<u8>, FrameHeader) {
        let header = FrameHeader {
            number,
            first_sequence: Sequence(number << 16),
            safe,
            payload: payload.len() as u32,
            events: payload.len().min(9) as u32,
        };
        let mut frame = vec![0; FRAME_HEADER_BYTES];
        frame.extend_from_slice(payload);
        finish(&mut frame, nonce, &header);
        (frame, header)
    }

    proptest! {
        #[test]
        fn a_frame_is_found_whatever_is_in_it_and_behind_it(
            nonce in any::<u64>(),
            number in 1..u64::MAX / 2,
            safe in any::<u64>(),
            payload in proptest::collection::vec(any::<u8>(), 0..300),
            behind in proptest::collection::vec(any::<u8>(), 0..100),
        ) {
            let (mut bytes, header) = framed(nonce, number, safe, &payload);
            prop_assert_eq!(bytes.len(), header.frame_bytes());
            bytes.extend(behind);
            prop_assert_eq!(look(&bytes, nonce), Found::Frame(header));
            prop_assert_eq!(&bytes[FRAME_HEADER_BYTES..][..payload.len()], &payload[..]);
            prop_assert_eq!(look(&bytes, nonce ^ 1), Found::Torn, "another chapter's");
        }

        #[test]
        fn a_changed_frame_is_none(
            payload in proptest::collection::vec(any::<u8>(), 0..200),
            at in any::<proptest::sample::Index>(),
            change in 1..=u8::MAX,
        ) {
            let (mut bytes, _) = framed(5, 3, 2, &payload);
            let at = at.index(bytes.len());
            bytes[at] ^= change;
            prop_assert_eq!(look(&bytes, 5), Found::Torn);
        }

        #[test]
        fn a_frame_cut_short_is_none(
            payload in proptest::collection::vec(any::<u8>(), 0..200),
            at in any::<proptest::sample::Index>(),
        ) {
            let (mut bytes, _) = framed(5, 3, 2, &payload);
            let whole = bytes.clone();
            bytes[at.index(whole.len())..].fill(0);
            // What is cut off may have been zeros.
            prop_assert!(bytes == whole || !matches!(look(&bytes, 5), Found::Frame(_)));
        }

        #[test]
        fn any_bytes_are_a_frame_or_none(
            mut bytes in proptest::collection::vec(any::<u8>(), 0..300),
            magic in any::<bool>(),
        ) {
            if magic && bytes.len() > 16 {
                bytes[..4].copy_from_slice(&FRAME_MAGIC);
                bytes[8..16].copy_from_slice(&5_u64.to_le_bytes());
            }
            prop_assert!(!matches!(look(&bytes, 5), Found::Frame(_)));
            let _ = FileHeader::read(&bytes);
        }

        #[test]
        fn a_frame_behind_other_bytes_is_found(
            before in proptest::collection::vec(any::<u8>(), 0..100),
            payload in proptest::collection::vec(any::<u8>(), 0..100),
        ) {
            let (frame, header) = framed(5, 3, 2, &payload);
            let mut bytes = before;
            bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 1);
            let at = bytes.len();
            bytes.extend(frame);
            prop_assert_eq!(search(&bytes, 0, 5), Some((at, header)));
            prop_assert_eq!(search(&bytes, at + 1, 5), None);
        }

        #[test]
        fn a_header_comes_back_and_a_changed_one_does_not(
            nonce in any::<u64>(),
            chapter in any::<u32>(),
            file in any::<u32>(),
            bytes in any::<u64>(),
            at in 0..FILE_HEADER_BYTES,
            change in 1..=u8::MAX,
        ) {
            let header = FileHeader { nonce, chapter, file, bytes };
            let mut written = header.to_bytes();
            prop_assert_eq!(FileHeader::read(&written), Ok(header));
            written[at] ^= change;
            prop_assert!(FileHeader::read(&written).is_err());
        }
    }
}
