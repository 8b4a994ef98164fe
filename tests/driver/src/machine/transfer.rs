//! Loads, stores and atomic operations, each checked before it is done.

use super::block::Block;
use super::compute::wide;
use super::execute::{lanes, mark, put};
use super::finding::{Check, Fault};
use super::instruction::{Access, Atomic, Slot, Type, Window};
use super::memory::{LOCAL_AT, PARAMETER_AT, Purpose, SHARED_AT, WINDOW};
use super::shadow::{How, Other, Who};
use super::warp::Warp;

/// Where generic addresses of a window begin.
pub fn base_of(window: Window) -> u64 {
    match window {
        Window::Global | Window::Generic => 0,
        Window::Shared => SHARED_AT,
        Window::Local => LOCAL_AT,
        Window::Parameter => PARAMETER_AT,
    }
}

/// Where an access of one lane goes.
#[derive(Clone, Copy)]
enum Place {
    /// A place among the allocations of the device, an offset in it.
    Global(usize, u64),
    /// Likewise of the block.
    Shared(usize, u64),
    /// A place in the memory of all lanes.
    Local(u64),
    Parameter(u64),
}

impl Block<'_> {
    #[inline(always)]
    fn place(
        &mut self,
        warp: &Warp,
        access: &Access,
        bytes: u64,
        lane: u32,
        at: u32,
    ) -> Result<Place, Fault> {
        let mut address = if access.wide {
            wide(&warp.registers, access.address, lane as usize).wrapping_add(access.offset as u64)
        } else {
            let base = warp.registers[access.address as usize][lane as usize];
            u64::from(base.wrapping_add(access.offset as u32))
        };
        if address & (bytes - 1) != 0 {
            let message = format!("{bytes} bytes at {address:#x}");
            return Err(Fault::new(Check::Misaligned, lane, message));
        }
        let mut window = access.window;
        if window == Window::Generic {
            (window, address) = match address / WINDOW {
                1 => (Window::Shared, address - SHARED_AT),
                2 => (Window::Local, address - LOCAL_AT),
                3 => (Window::Parameter, address - PARAMETER_AT),
                _ => (Window::Global, address),
            };
        }
        let fault = |(check, message): (Check, String)| Fault::new(check, lane, message);
        match window {
            Window::Global | Window::Generic => {
                let guess = &mut self.guesses[at as usize];
                *guess = self.memory.find(address, bytes, *guess).map_err(fault)?;
                let index = *guess;
                Ok(Place::Global(index, address - self.memory.at(index).base))
            }
            Window::Shared => {
                let guess = &mut self.guesses[at as usize];
                *guess = self.shared.find(address, bytes, *guess).map_err(fault)?;
                let index = *guess;
                Ok(Place::Shared(index, address - self.shared.at(index).base))
            }
            Window::Local => {
                let within = |(at, size, _): &&(u64, u64, String)| {
                    address >= *at && address.checked_add(bytes).is_some_and(|end| end <= at + size)
                };
                if self.program.local.iter().find(within).is_none() {
                    let message = format!("{bytes} bytes at {address:#x} of the thread's own memory");
                    return Err(Fault::new(Check::OutOfBounds, lane, message));
                }
                let stride = self.program.local_bytes.next_multiple_of(64);
                Ok(Place::Local(u64::from(lane) * stride + address))
            }
            Window::Parameter => {
                let within = |(at, size): &&(u64, u64)| {
                    address >= *at && address.checked_add(bytes).is_some_and(|end| end <= at + size)
                };
                if self.program.parameters.iter().find(within).is_none() {
                    let message = format!("{bytes} bytes at {address:#x} of the arguments");
                    return Err(Fault::new(Check::OutOfBounds, lane, message));
                }
                Ok(Place::Parameter(address))
            }
        }
    }

    #[inline(always)]
    fn who(&self, warp: &Warp, access: &Access, lane: u32, line: u32, stamp: u32) -> Who {
        Who {
            stamp,
            block: self.number,
            warp: warp.number as u8,
            lane: lane as u8,
            line,
            strong: access.strong,
        }
    }

    /// Whether an access races with another.
    #[inline(always)]
    fn no_race(
        &mut self,
        warp: &Warp,
        access: &Access,
        place: Place,
        bytes: u64,
        how: How,
        (lane, line): (u32, u32),
    ) -> Result<(), Fault> {
        let (other, check) = match place {
            Place::Global(index, offset) => {
                let who = self.who(warp, access, lane, line, self.memory.stamp);
                let shadow = &mut self.memory.at(index).shadow;
                (shadow.access(offset, bytes, how, &who, &warp.clock), Check::GlobalRace)
            }
            Place::Shared(index, offset) => {
                let who = self.who(warp, access, lane, line, self.shared.stamp);
                let shadow = &mut self.shared.at(index).shadow;
                (shadow.access(offset, bytes, how, &who, &warp.clock), Check::SharedRace)
            }
            Place::Local(_) | Place::Parameter(_) => return Ok(()),
        };
        match other {
            None => Ok(()),
            Some(other) => Err(self.race(check, other, how, bytes, lane)),
        }
    }

    #[cold]
    fn race(&self, check: Check, other: Other, how: How, bytes: u64, lane: u32) -> Fault {
        let thread = self.around.thread(u32::from(other.warp) * 32 + u32::from(other.lane));
        let mine = if how == How::Read { "reads" } else { "writes" };
        let theirs = if other.wrote { "wrote" } else { "read" };
        let place = if other.block == self.number {
            format!("thread {thread:?} {theirs} at line {}", other.line)
        } else {
            let block = self.block_place(other.block);
            format!("block {block:?}, thread {thread:?} {theirs} at line {}", other.line)
        };
        Fault::new(check, lane, format!("{mine} {bytes} bytes that {place}, nothing in between orders them"))
    }

    /// Reads up to 32 bytes, with every check.
    #[inline(always)]
    fn read(
        &mut self,
        warp: &Warp,
        access: &Access,
        place: Place,
        bytes: u64,
        (lane, line): (u32, u32),
    ) -> Result<[u8; 32], Fault> {
        self.no_race(warp, access, place, bytes, How::Read, (lane, line))?;
        let mut value = [0; 32];
        let count = bytes as usize;
        let (written, data) = match place {
            Place::Global(index, offset) => {
                let allocation = self.memory.at(index);
                (
                    allocation.written.all(offset, bytes),
                    &allocation.data[offset as usize..offset as usize + count],
                )
            }
            Place::Shared(index, offset) => {
                let allocation = self.shared.at(index);
                (
                    allocation.written.all(offset, bytes),
                    &allocation.data[offset as usize..offset as usize + count],
                )
            }
            Place::Local(at) => {
                (warp.local_written.all(at, bytes), &warp.local[at as usize..at as usize + count])
            }
            Place::Parameter(at) => (true, &self.arguments[at as usize..at as usize + count]),
        };
        if !written {
            let message = format!("{bytes} bytes of memory are read before all of them were written");
            return Err(Fault::new(Check::Uninitialised, lane, message));
        }
        value[..count].copy_from_slice(data);
        Ok(value)
    }

    /// Writes up to 32 bytes within bounds.
    #[inline(always)]
    fn write(&mut self, warp: &mut Warp, place: Place, value: &[u8], lane: u32) -> Result<(), Fault> {
        let bytes = value.len() as u64;
        match place {
            Place::Global(index, offset) => {
                let allocation = self.memory.at(index);
                if let Purpose::Constant(name) = &allocation.purpose {
                    let message = format!("constant {name} is written to");
                    return Err(Fault::new(Check::ReadOnly, lane, message));
                }
                allocation.data[offset as usize..offset as usize + value.len()].copy_from_slice(value);
                allocation.written.set(offset, bytes, true);
            }
            Place::Shared(index, offset) => {
                let allocation = self.shared.at(index);
                allocation.data[offset as usize..offset as usize + value.len()].copy_from_slice(value);
                allocation.written.set(offset, bytes, true);
            }
            Place::Local(at) => {
                warp.local[at as usize..at as usize + value.len()].copy_from_slice(value);
                warp.local_written.set(at, bytes, true);
            }
            Place::Parameter(_) => {
                return Err(Fault::new(Check::ReadOnly, lane, "an argument of the kernel is written to"));
            }
        }
        Ok(())
    }

    #[inline(always)]
    pub(super) fn load(
        &mut self,
        warp: &mut Warp,
        access: &Access,
        mask: u32,
        at: u32,
        line: u32,
    ) -> Result<(), Fault> {
        self.need(warp, access.address, mask)?;
        let unit = u64::from(access.kind.bits() / 8);
        let bytes = unit * access.elements.len() as u64;
        for lane in lanes(mask) {
            let place = self.place(warp, access, bytes, lane, at)?;
            let value = self.read(warp, access, place, bytes, (lane, line))?;
            for (index, element) in access.elements.iter().enumerate() {
                let Some(slot) = element.slot else { continue };
                let first = index * unit as usize;
                let value = number(&value[first..], access.kind);
                put(warp, slot, element.slots, lane, value as u64);
                if element.slots == 4 {
                    put(warp, slot + 2, 2, lane, (value >> 64) as u64);
                }
            }
        }
        for element in &access.elements {
            if let Some(slot) = element.slot {
                mark(warp, slot, element.slots, mask);
            }
        }
        Ok(())
    }

    #[inline(always)]
    pub(super) fn store(
        &mut self,
        warp: &mut Warp,
        access: &Access,
        mask: u32,
        at: u32,
        line: u32,
    ) -> Result<(), Fault> {
        self.need(warp, access.address, mask)?;
        let unit = access.kind.bits() as usize / 8;
        let bytes = unit * access.elements.len();
        for element in &access.elements {
            if let Some(slot) = element.slot {
                self.need(warp, slot, mask)?;
            }
        }
        for lane in lanes(mask) {
            let place = self.place(warp, access, bytes as u64, lane, at)?;
            self.no_race(warp, access, place, bytes as u64, How::Write, (lane, line))?;
            let mut value = [0; 32];
            for (index, element) in access.elements.iter().enumerate() {
                let Some(slot) = element.slot else { continue };
                let mut all = [0; 16];
                for (part, place) in all.chunks_exact_mut(4).take(element.slots as usize).enumerate() {
                    let register = warp.registers[slot as usize + part][lane as usize];
                    place.copy_from_slice(&register.to_le_bytes());
                }
                value[index * unit..(index + 1) * unit].copy_from_slice(&all[..unit]);
            }
            self.write(warp, place, &value[..bytes], lane)?;
        }
        Ok(())
    }

    #[expect(clippy::too_many_arguments, reason = "as the instruction has")]
    pub(super) fn atomic(
        &mut self,
        warp: &mut Warp,
        atomic: Atomic,
        access: &Access,
        sources: [Slot; 2],
        mask: u32,
        at: u32,
        line: u32,
    ) -> Result<(), Fault> {
        self.need(warp, access.address, mask)?;
        for source in sources {
            self.need(warp, source, mask)?;
        }
        let bytes = u64::from(access.kind.bits() / 8);
        // Lanes of one instruction take turns in an order that nobody promises.
        let (turn, step) = self.order();
        for index in 0..32 {
            let lane = (index * step + turn) % 32;
            if mask >> lane & 1 == 0 {
                continue;
            }
            let place = self.place(warp, access, bytes, lane, at)?;
            self.no_race(warp, access, place, bytes, How::Write, (lane, line))?;
            // Its own entry is there now, and it is a strong one: reading is no race.
            let before = number(&self.read(warp, access, place, bytes, (lane, line))?, access.kind) as u64;
            let value = |slot: Slot| {
                if bytes == 8 {
                    wide(&warp.registers, slot, lane as usize)
                } else {
                    u64::from(warp.registers[slot as usize][lane as usize])
                }
            };
            let after = apply(atomic, access.kind, before, value(sources[0]), value(sources[1]));
            self.write(warp, place, &after.to_le_bytes()[..bytes as usize], lane)?;
            if let Some(slot) = access.elements[0].slot {
                put(warp, slot, bytes as u32 / 4, lane, before);
            }
        }
        if let Some(slot) = access.elements[0].slot {
            mark(warp, slot, bytes as u32 / 4, mask);
        }
        Ok(())
    }
}

/// The number that begins some bytes, extended as its type says.
#[inline(always)]
fn number(bytes: &[u8], kind: Type) -> u128 {
    let part = |count: usize| {
        let mut all = [0; 16];
        all[..count].copy_from_slice(&bytes[..count]);
        u128::from_le_bytes(all)
    };
    match kind {
        Type::S8 => bytes[0] as i8 as u64 as u128,
        Type::S16 => part(2) as i16 as u64 as u128,
        Type::S32 => part(4) as i32 as u64 as u128,
        _ => part(kind.bits() as usize / 8),
    }
}

/// What an atomic operation leaves in memory.
pub fn apply(atomic: Atomic, kind: Type, before: u64, a: u64, b: u64) -> u64 {
    let narrow = kind.bits() == 32;
    match atomic {
        Atomic::Add => before.wrapping_add(a),
        Atomic::Least if kind.signed() && narrow => (before as i32).min(a as i32) as u64,
        Atomic::Greatest if kind.signed() && narrow => (before as i32).max(a as i32) as u64,
        Atomic::Least if kind.signed() => (before as i64).min(a as i64) as u64,
        Atomic::Greatest if kind.signed() => (before as i64).max(a as i64) as u64,
        Atomic::Least => before.min(a),
        Atomic::Greatest => before.max(a),
        Atomic::Increment => {
            if before >= a {
                0
            } else {
                before + 1
            }
        }
        Atomic::Decrement => {
            if before == 0 || before > a {
                a
            } else {
                before - 1
            }
        }
        Atomic::And => before & a,
        Atomic::Or => before | a,
        Atomic::Xor => before ^ a,
        Atomic::Exchange => a,
        Atomic::CompareAndSwap => {
            if before == a {
                b
            } else {
                before
            }
        }
    }
}
