//! Memory of the device: allocations with exact bounds, what was written, what was freed.

use super::finding::Check;
use super::shadow::Shadow;

/// Where addresses of the device begin.
pub const GLOBAL_AT: u64 = 0x10_0000_0000;

/// Where generic addresses of the other windows begin, and how large each is.
pub const SHARED_AT: u64 = 0x1_0000_0000;
pub const LOCAL_AT: u64 = 0x2_0000_0000;
pub const PARAMETER_AT: u64 = 0x3_0000_0000;
pub const WINDOW: u64 = 0x1_0000_0000;

/// Bytes between allocations that belong to none; an address is never given twice.
const GAP: u64 = 1 << 16;

/// A bit for each byte.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bits(Vec<u64>);

impl Bits {
    /// So many, none set.
    pub fn new(count: u64) -> Bits {
        Bits(vec![0; count.div_ceil(64) as usize])
    }

    /// Whether all of a stretch are set.
    #[inline(always)]
    pub fn all(&self, at: u64, count: u64) -> bool {
        let within = at % 64;
        if within + count <= 64 {
            let mask = (u64::MAX >> (64 - count)) << within;
            return self.0[(at / 64) as usize] & mask == mask;
        }
        (at..at + count).all(|at| self.0[(at / 64) as usize] >> (at % 64) & 1 == 1)
    }

    /// Sets or clears a stretch.
    #[inline(always)]
    pub fn set(&mut self, at: u64, count: u64, to: bool) {
        let within = at % 64;
        if count == 0 {
            return;
        }
        if within + count <= 64 {
            let mask = (u64::MAX >> (64 - count)) << within;
            let word = &mut self.0[(at / 64) as usize];
            *word = if to { *word | mask } else { *word & !mask };
            return;
        }
        let mut at = at;
        let end = at + count;
        while at < end {
            let next = (at + 1).next_multiple_of(64).min(end);
            self.set(at, next - at, to);
            at = next;
        }
    }

    /// Clears all.
    pub fn clear(&mut self) {
        self.0.fill(0);
    }
}

/// What an allocation is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Asked for by the program.
    Plain,
    /// A variable of a module.
    Variable(String),
    /// A constant of a module.
    Constant(String),
}

/// A stretch of memory.
#[derive(Debug)]
pub struct Allocation {
    /// Its address.
    pub base: u64,
    /// Its bytes.
    pub size: u64,
    /// What it is for.
    pub purpose: Purpose,
    /// Freed: its contents are gone.
    pub freed: bool,
    /// Its contents.
    pub data: Vec<u8>,
    /// Which of them were written.
    pub written: Bits,
    /// Who accessed them.
    pub shadow: Shadow,
}

impl Allocation {
    fn describe(&self) -> String {
        let kind = match &self.purpose {
            Purpose::Plain => "the allocation".to_string(),
            Purpose::Variable(name) => format!("variable {name}"),
            Purpose::Constant(name) => format!("constant {name}"),
        };
        format!("{kind} of {} bytes at {:#x}", self.size, self.base)
    }
}

/// Memory of the device, or of a block.
#[derive(Debug, Default)]
pub struct Memory {
    /// "the device" or "the block", for messages.
    owner: &'static str,
    /// By address, ascending.
    allocations: Vec<Allocation>,
    next: u64,
    used: u64,
    /// The number of the launch, or of the block, under way or last done.
    pub stamp: u32,
}

impl Memory {
    /// None yet.
    pub fn new(owner: &'static str) -> Memory {
        Memory { owner, next: GLOBAL_AT, ..Memory::default() }
    }

    /// Takes memory; its contents are not written yet.
    pub fn allocate(&mut self, size: u64, purpose: Purpose) -> u64 {
        let base = self.next;
        self.next = (base + size + GAP).next_multiple_of(1 << 12);
        self.place(base, size, purpose);
        base
    }

    /// Takes memory at an address past all that there is.
    pub fn place(&mut self, base: u64, size: u64, purpose: Purpose) {
        self.used += size;
        self.allocations.push(Allocation {
            base,
            size,
            purpose,
            freed: false,
            data: vec![0; size as usize],
            written: Bits::new(size),
            shadow: Shadow::new(size),
        });
    }

    /// Bytes in use.
    pub fn used(&self) -> u64 {
        self.used
    }

    /// Gives memory back; false if there is no allocation at this address.
    pub fn free(&mut self, address: u64) -> bool {
        let Ok(index) = self.allocations.binary_search_by_key(&address, |allocation| allocation.base) else {
            return false;
        };
        let allocation = &mut self.allocations[index];
        if allocation.freed {
            return false;
        }
        allocation.freed = true;
        allocation.data = Vec::new();
        allocation.written = Bits::default();
        allocation.shadow = Shadow::default();
        self.used -= allocation.size;
        true
    }

    /// The allocation that holds a stretch of memory, by its place among all.
    #[inline(always)]
    pub fn find(&self, address: u64, bytes: u64, guess: usize) -> Result<usize, (Check, String)> {
        if let Some(allocation) = self.allocations.get(guess)
            && address >= allocation.base
            && address - allocation.base + bytes <= allocation.size
            && !allocation.freed
        {
            return Ok(guess);
        }
        self.search(address, bytes)
    }

    fn search(&self, address: u64, bytes: u64) -> Result<usize, (Check, String)> {
        let after = self.allocations.partition_point(|allocation| allocation.base <= address);
        let Some(index) = after.checked_sub(1) else {
            let message = format!("{bytes} bytes at {address:#x} lie before all memory of {}", self.owner);
            return Err((Check::OutOfBounds, message));
        };
        let allocation = &self.allocations[index];
        let offset = address - allocation.base;
        if offset.checked_add(bytes).is_some_and(|end| end <= allocation.size) {
            if !allocation.freed {
                return Ok(index);
            }
            let message =
                format!("{bytes} bytes at {address:#x} lie in {}, which was freed", allocation.describe());
            return Err((Check::UseAfterFree, message));
        }
        // Speak of the nearer neighbour.
        let past = offset.saturating_sub(allocation.size);
        let message = match self.allocations.get(after) {
            Some(next) if next.base - address < past => {
                let before = next.base - address;
                format!("{bytes} bytes at {address:#x} begin {before} bytes before {}", next.describe())
            }
            _ => format!("{bytes} bytes at {address:#x} begin at byte {offset} of {}", allocation.describe()),
        };
        Err((Check::OutOfBounds, message))
    }

    /// An allocation by its place.
    #[inline(always)]
    pub fn at(&mut self, index: usize) -> &mut Allocation {
        &mut self.allocations[index]
    }

    /// Starts a launch: accesses of earlier ones race with nothing any more.
    pub fn begin(&mut self) {
        self.stamp += 1;
        if self.stamp == u32::MAX {
            for allocation in &mut self.allocations {
                if !allocation.freed {
                    allocation.shadow = Shadow::new(allocation.size);
                }
            }
            self.stamp = 1;
        }
    }

    /// Starts a block: nothing is written any more.
    pub fn forget(&mut self) {
        self.begin();
        for allocation in &mut self.allocations {
            allocation.written.clear();
        }
    }

    /// Writes from outside of kernels.
    pub fn write(&mut self, address: u64, bytes: &[u8]) -> Result<(), (Check, String)> {
        if bytes.is_empty() {
            return Ok(());
        }
        let index = self.search(address, bytes.len() as u64)?;
        let allocation = &mut self.allocations[index];
        let offset = address - allocation.base;
        allocation.data[offset as usize..offset as usize + bytes.len()].copy_from_slice(bytes);
        allocation.written.set(offset, bytes.len() as u64, true);
        Ok(())
    }

    /// Fills from outside of kernels.
    pub fn fill(&mut self, address: u64, pattern: &[u8], count: u64) -> Result<(), (Check, String)> {
        let bytes = count.saturating_mul(pattern.len() as u64);
        if bytes == 0 {
            return Ok(());
        }
        let index = self.search(address, bytes)?;
        let allocation = &mut self.allocations[index];
        let offset = address - allocation.base;
        for chunk in
            allocation.data[offset as usize..(offset + bytes) as usize].chunks_exact_mut(pattern.len())
        {
            chunk.copy_from_slice(pattern);
        }
        allocation.written.set(offset, bytes, true);
        Ok(())
    }

    /// Reads from outside of kernels; what was never written reads as zero.
    pub fn read(&self, address: u64, bytes: u64) -> Result<&[u8], (Check, String)> {
        if bytes == 0 {
            return Ok(&[]);
        }
        let index = self.search(address, bytes)?;
        let allocation = &self.allocations[index];
        let offset = (address - allocation.base) as usize;
        Ok(&allocation.data[offset..offset + bytes as usize])
    }

    /// Copies within the device, what was not written included.
    pub fn copy(&mut self, to: u64, from: u64, bytes: u64) -> Result<(), (Check, String)> {
        if bytes == 0 {
            return Ok(());
        }
        let source = self.search(from, bytes)?;
        self.search(to, bytes)?;
        let offset = from - self.allocations[source].base;
        let written = self.allocations[source].written.clone();
        let data = self.allocations[source].data[offset as usize..(offset + bytes) as usize].to_vec();
        self.write(to, &data)?;
        let target = self.search(to, bytes)?;
        let allocation = &mut self.allocations[target];
        let at = to - allocation.base;
        for index in 0..bytes {
            if !written.all(offset + index, 1) {
                allocation.written.set(at + index, 1, false);
            }
        }
        Ok(())
    }
}
