//! Who accessed memory last: what finds races.
//!
//! An access is known by its block, warp, lane, how many barriers its warp had passed and how many times its warp had
//! been in step. Two accesses are ordered if the later one's warp knows of a barrier that the earlier one's warp
//! passed after it. Readers of the same interval are summed up in one entry, which then says that there were several.

use super::warp::Clock;

/// What an entry stands for.
const SEVERAL_LANES: u8 = 1;
const SEVERAL_WARPS: u8 = 2;
const SEVERAL_BLOCKS: u8 = 4;
/// Made by an atomic operation, or one that may meet it.
const STRONG: u8 = 8;

/// One access, or several that are not ordered among each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// Which launch, or which block for shared memory; 0 for none.
    stamp: u32,
    block: u32,
    barriers: u32,
    steps: u32,
    line: u32,
    warp: u8,
    lane: u8,
    flags: u8,
}

/// Who accesses.
#[derive(Clone, Copy, Debug)]
pub struct Who {
    pub stamp: u32,
    pub block: u32,
    pub warp: u8,
    pub lane: u8,
    pub line: u32,
    pub strong: bool,
}

/// How memory is accessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    Read,
    /// Writes, or reads and writes at once.
    Write,
}

/// The other side of a race.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Other {
    pub wrote: bool,
    pub block: u32,
    pub warp: u8,
    pub lane: u8,
    pub line: u32,
}

impl Entry {
    fn new(who: &Who, clock: &Clock) -> Entry {
        Entry {
            stamp: who.stamp,
            block: who.block,
            barriers: clock.barriers(),
            steps: clock.steps,
            line: who.line,
            warp: who.warp,
            lane: who.lane,
            flags: if who.strong { STRONG } else { 0 },
        }
    }

    /// Whether it was made by another thread and nothing orders it before what comes now.
    #[inline(always)]
    fn concurrent(&self, who: &Who, clock: &Clock) -> bool {
        if self.stamp != who.stamp {
            return false;
        }
        if self.block != who.block || self.flags & SEVERAL_BLOCKS != 0 {
            return true;
        }
        if self.flags & SEVERAL_WARPS != 0 {
            return clock.least_known <= self.barriers;
        }
        if self.warp != who.warp {
            return clock.known[usize::from(self.warp)] <= self.barriers;
        }
        self.steps >= clock.steps && (self.lane != who.lane || self.flags & SEVERAL_LANES != 0)
    }

    /// Notes an access that may lie beside others.
    #[inline(always)]
    fn add(&mut self, who: &Who, clock: &Clock) {
        if !self.concurrent(who, clock) {
            *self = Entry::new(who, clock);
            return;
        }
        if self.block != who.block {
            self.flags |= SEVERAL_BLOCKS;
        } else if self.warp != who.warp {
            self.flags |= SEVERAL_WARPS;
        } else if self.lane != who.lane {
            self.flags |= SEVERAL_LANES;
        }
        self.barriers = self.barriers.max(clock.barriers());
        self.steps = self.steps.max(clock.steps);
        if !who.strong {
            self.flags &= !STRONG;
        }
    }

    fn strong(&self) -> bool {
        self.flags & STRONG != 0
    }

    fn other(&self, wrote: bool) -> Other {
        Other { wrote, block: self.block, warp: self.warp, lane: self.lane, line: self.line }
    }
}

/// Entries for a stretch of memory: one for four bytes until something smaller is accessed, then one for each. There
/// are none until a kernel reads, or writes, the stretch.
#[derive(Debug, Default)]
pub struct Shadow {
    bytes: u64,
    fine: bool,
    reads: Vec<Entry>,
    writes: Vec<Entry>,
}

impl Shadow {
    /// Of so many bytes.
    pub fn new(bytes: u64) -> Shadow {
        Shadow { bytes, ..Shadow::default() }
    }

    /// Goes over to an entry for each byte.
    #[cold]
    fn refine(&mut self) {
        let bytes = self.bytes as usize;
        let spread = |entries: &[Entry]| {
            if entries.is_empty() { Vec::new() } else { (0..bytes).map(|at| entries[at / 4]).collect() }
        };
        self.reads = spread(&self.reads);
        self.writes = spread(&self.writes);
        self.fine = true;
    }

    #[cold]
    fn grow(entries: &mut Vec<Entry>, bytes: u64, fine: bool) {
        let count = if fine { bytes } else { bytes.div_ceil(4) };
        entries.resize(count as usize, Entry::default());
    }

    /// Notes an access within bounds; the other side, if it is a race.
    #[inline(always)]
    pub fn access(&mut self, at: u64, bytes: u64, how: How, who: &Who, clock: &Clock) -> Option<Other> {
        if !self.fine && !(bytes | at).is_multiple_of(4) {
            self.refine();
        }
        let (first, count) =
            if self.fine { (at as usize, bytes as usize) } else { (at as usize / 4, bytes as usize / 4) };
        if how == How::Read {
            if self.reads.is_empty() {
                Shadow::grow(&mut self.reads, self.bytes, self.fine);
            }
            if !self.writes.is_empty() {
                for write in &self.writes[first..first + count] {
                    if write.concurrent(who, clock) && !(who.strong && write.strong()) {
                        return Some(write.other(true));
                    }
                }
            }
            for read in &mut self.reads[first..first + count] {
                read.add(who, clock);
            }
            return None;
        }
        if self.writes.is_empty() {
            Shadow::grow(&mut self.writes, self.bytes, self.fine);
        }
        if !self.reads.is_empty() {
            for read in &self.reads[first..first + count] {
                if read.concurrent(who, clock) && !(who.strong && read.strong()) {
                    return Some(read.other(false));
                }
            }
        }
        for write in &mut self.writes[first..first + count] {
            if write.concurrent(who, clock) && !(who.strong && write.strong()) {
                return Some(write.other(true));
            }
            if who.strong {
                write.add(who, clock);
            } else {
                *write = Entry::new(who, clock);
            }
        }
        None
    }
}
