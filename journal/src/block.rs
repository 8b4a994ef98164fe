//! A block: one group of events with a header that says what is in it and how it hangs in the chain.
//!
//! ```text
//!   0  magic "GNVB"         4  format u8    5  codec u8    6  schema u8    7  zero u8
//!   8  first sequence u64  16  last sequence u64          24  number of the first event u64, counted from 1
//!  32  body bytes u32      36  events u16                 38  zero u16
//!  40  earliest time_received i64                         48  latest time_received i64
//!  56  kinds u64           64  previous content hash, first 16 bytes
//!  80  content hash                                      112  body hash, first 16 bytes     128  body
//! ```
//!
//! The body hash is the BLAKE3 of the 112 bytes before it and the body: it finds a damaged block without
//! decoding it. The content hash covers the events themselves: it finds a block that was changed and made to
//! look whole.

use genovo_engine::event::{Event, Kind};
use genovo_engine::ids::{Hash, Sequence};
use genovo_engine::units::Timestamp;

use crate::columns::CodecError;
use crate::format::v1;
use crate::group::{Cursor, GROUP_EVENTS_MAX, Group};

/// The bytes before a block's body.
pub const BLOCK_HEADER_BYTES: usize = 128;

const MAGIC: [u8; 4] = *b"GNVB";
const FORMAT: u8 = 1;
/// Packed columns, as in [`crate::columns`].
const CODEC: u8 = 1;
const BODY_HASH_AT: usize = 112;

/// What a block says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockHeader {
    /// The first event's sequence.
    pub first_sequence: Sequence,
    /// The last event's sequence.
    pub last_sequence: Sequence,
    /// The first event's number in the journal, counted from 1.
    pub first_number: u64,
    /// The body's length.
    pub body_bytes: u32,
    /// How many events it holds; at least one.
    pub events: u16,
    /// The earliest `time_received`.
    pub first_time: Timestamp,
    /// The latest `time_received`.
    pub last_time: Timestamp,
    /// Which kinds are in it.
    pub kinds: KindSet,
    /// The first half of the content hash before this block.
    pub previous: [u8; 16],
    /// The chain's hash after this block.
    pub content: Hash,
    /// The first half of the hash of the header before it and the body.
    pub body_hash: [u8; 16],
}

impl BlockHeader {
    /// Reads a header; checks what can be checked without the body.
    pub fn read(bytes: &[u8; BLOCK_HEADER_BYTES]) -> Result<BlockHeader, CodecError> {
        let wrong = |what, value| Err(CodecError::Invalid { what, value });
        if bytes[..4] != MAGIC {
            return wrong("a block's magic", u64::from(u32::from_le_bytes(part(bytes, 0))));
        }
        for (what, at, known) in
            [("block format", 4, FORMAT), ("block codec", 5, CODEC), ("block schema", 6, v1::SCHEMA)]
        {
            if bytes[at] != known {
                return wrong(what, u64::from(bytes[at]));
            }
        }
        let header = BlockHeader {
            first_sequence: Sequence(u64::from_le_bytes(part(bytes, 8))),
            last_sequence: Sequence(u64::from_le_bytes(part(bytes, 16))),
            first_number: u64::from_le_bytes(part(bytes, 24)),
            body_bytes: u32::from_le_bytes(part(bytes, 32)),
            events: u16::from_le_bytes(part(bytes, 36)),
            first_time: Timestamp(i64::from_le_bytes(part(bytes, 40))),
            last_time: Timestamp(i64::from_le_bytes(part(bytes, 48))),
            kinds: KindSet(u64::from_le_bytes(part(bytes, 56))),
            previous: part(bytes, 64),
            content: Hash(part(bytes, 80)),
            body_hash: part(bytes, BODY_HASH_AT),
        };
        if bytes[7] != 0 || bytes[38] != 0 || bytes[39] != 0 {
            return wrong("a byte that is always zero", u64::from(bytes[7] | bytes[38] | bytes[39]));
        }
        if header.events == 0 || usize::from(header.events) > GROUP_EVENTS_MAX {
            return wrong("a block's count of events", u64::from(header.events));
        }
        Ok(header)
    }

    fn write(&self, out: &mut [u8; BLOCK_HEADER_BYTES]) {
        let mut put = |at: usize, part: &[u8]| out[at..at + part.len()].copy_from_slice(part);
        put(0, &MAGIC);
        put(4, &[FORMAT, CODEC, v1::SCHEMA, 0]);
        put(8, &self.first_sequence.0.to_le_bytes());
        put(16, &self.last_sequence.0.to_le_bytes());
        put(24, &self.first_number.to_le_bytes());
        put(32, &self.body_bytes.to_le_bytes());
        put(36, &self.events.to_le_bytes());
        put(38, &[0, 0]);
        put(40, &self.first_time.0.to_le_bytes());
        put(48, &self.last_time.0.to_le_bytes());
        put(56, &self.kinds.0.to_le_bytes());
        put(64, &self.previous);
        put(80, &self.content.0);
        put(BODY_HASH_AT, &self.body_hash);
    }

    /// The last event's number.
    pub fn last_number(&self) -> u64 {
        self.first_number.saturating_add(u64::from(self.events) - 1)
    }

    /// Header and body together.
    pub fn block_bytes(&self) -> u64 {
        BLOCK_HEADER_BYTES as u64 + u64::from(self.body_bytes)
    }
}

fn part<const N: usize>(bytes: &[u8; BLOCK_HEADER_BYTES], at: usize) -> [u8; N] {
    let mut part = [0; N];
    part.copy_from_slice(&bytes[at..at + N]);
    part
}

/// Which kinds of events a block holds, so that a search can pass it by.
///
/// Bit `n − 1` is kind `n` up to 47; bit `n − 48` is kind `n` from 96 to 111; bit 47 is every other kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KindSet(pub u64);

impl KindSet {
    /// Whether `kind` is in it; a kind that shares bit 47 may be in it.
    pub fn may_hold(self, kind: Kind) -> bool {
        self.0 & Self::bit(kind as u8) != 0
    }

    fn bit(kind: u8) -> u64 {
        match kind {
            1..=47 => 1 << (kind - 1),
            96..=111 => 1 << (kind - 48),
            _ => 1 << 47,
        }
    }

    fn of(kinds: &[u8]) -> KindSet {
        KindSet(kinds.chunk_by(|a, b| a == b).fold(0, |set, run| set | Self::bit(run[0])))
    }
}

/// Makes blocks; keeps its buffers.
#[derive(Default)]
pub struct BlockWriter {
    body: v1::BodyWriter,
}

impl BlockWriter {
    /// Fills `out` with the block of `group`, whose rare facts move out.
    pub fn write(
        &mut self,
        group: &mut Group,
        first_number: u64,
        previous: Hash,
        content: Hash,
        out: &mut Vec<u8>,
    ) -> Result<BlockHeader, CodecError> {
        let (Some(&first), Some(&last)) = (group.sequences.first(), group.sequences.last()) else {
            return Err(CodecError::Invalid { what: "a block's count of events", value: 0 });
        };
        let times = group.received.iter();
        let times = times.fold((i64::MAX, i64::MIN), |(low, high), &time| (low.min(time), high.max(time)));
        let mut header = BlockHeader {
            first_sequence: Sequence(first as u64),
            last_sequence: Sequence(last as u64),
            first_number,
            body_bytes: 0,
            events: group.len() as u16,
            first_time: Timestamp(times.0),
            last_time: Timestamp(times.1),
            kinds: KindSet::of(&group.kinds),
            previous: half(&previous.0),
            content,
            body_hash: [0; 16],
        };
        out.clear();
        out.resize(BLOCK_HEADER_BYTES, 0);
        self.body.write(group, out)?;
        let length = out.len() - BLOCK_HEADER_BYTES;
        header.body_bytes = u32::try_from(length)
            .map_err(|_| CodecError::Invalid { what: "a body's length", value: length as u64 })?;
        let (head, body) = out.split_at_mut(BLOCK_HEADER_BYTES);
        if let Ok(head) = <&mut [u8; BLOCK_HEADER_BYTES]>::try_from(head) {
            header.write(head);
            header.body_hash = body_hash(head, body);
            head[BODY_HASH_AT..].copy_from_slice(&header.body_hash);
        }
        Ok(header)
    }
}

fn half(hash: &[u8; 32]) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(&hash[..16]);
    half
}

fn body_hash(head: &[u8; BLOCK_HEADER_BYTES], body: &[u8]) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&head[..BODY_HASH_AT]);
    hasher.update(body);
    half(hasher.finalize().as_bytes())
}

/// Reads blocks; keeps its buffers and the events of the last one.
#[derive(Default)]
pub struct BlockReader {
    body: v1::BodyReader,
    group: Group,
    cursor: Cursor,
}

impl BlockReader {
    /// Reads a whole block: the header, the body's hash, every column. Any bytes give events or an error.
    pub fn read(&mut self, block: &[u8]) -> Result<BlockHeader, CodecError> {
        self.group.clear();
        self.cursor = Cursor::default();
        let (head, body) = block.split_first_chunk().ok_or(CodecError::Short)?;
        let header = BlockHeader::read(head)?;
        match body.len().checked_sub(header.body_bytes as usize) {
            Some(0) => {}
            Some(more) => return Err(CodecError::Long(more)),
            None => return Err(CodecError::Short),
        }
        if body_hash(head, body) != header.body_hash {
            return Err(CodecError::Hash);
        }
        let read = self.body.read(body, usize::from(header.events), &mut self.group);
        if let Err(error) = read.and_then(|()| self.agrees(&header)) {
            self.group.clear();
            return Err(error);
        }
        Ok(header)
    }

    /// Whether the header tells what the body holds.
    fn agrees(&self, header: &BlockHeader) -> Result<(), CodecError> {
        let group = &self.group;
        let (low, high) = (group.received.iter().min(), group.received.iter().max());
        let told = group.sequences.first() == Some(&(header.first_sequence.0 as i64))
            && group.sequences.last() == Some(&(header.last_sequence.0 as i64))
            && low == Some(&header.first_time.0)
            && high == Some(&header.last_time.0)
            && KindSet::of(&group.kinds) == header.kinds;
        if told { Ok(()) } else { Err(CodecError::Header) }
    }

    /// The next event of the block.
    #[inline]
    pub fn next_event(&mut self) -> Option<Event> {
        self.cursor.next(&mut self.group)
    }

    /// Appends the next events of the block to `batch`, `limit` at most; whether there were any.
    pub fn fill(&mut self, batch: &mut Vec<Event>, limit: usize) -> bool {
        self.cursor.fill(&mut self.group, batch, limit)
    }

    /// The events as columns.
    pub fn group(&self) -> &Group {
        &self.group
    }
}
