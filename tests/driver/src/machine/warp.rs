//! A warp: 32 lanes with their registers, where each of them stands, and what it knows of the others' barriers.

use super::compute::Lanes;
use super::instruction::{Program, Special};
use super::memory::Bits;

/// What a warp knows of the barriers that warps of its block have passed.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    /// By warp, itself included.
    pub known: Vec<u32>,
    /// The least of them.
    pub least_known: u32,
    /// How many times its lanes have been brought in step, by a barrier of the block or of the warp.
    pub steps: u32,
    own: usize,
}

impl Clock {
    /// At the start of a block with so many warps.
    pub fn start(&mut self, own: usize, warps: usize) {
        self.known.clear();
        // Everybody has passed the first barrier, the launch.
        self.known.resize(warps, 1);
        self.least_known = 1;
        self.steps = 1;
        self.own = own;
    }

    /// Barriers passed.
    #[inline(always)]
    pub fn barriers(&self) -> u32 {
        self.known[self.own]
    }

    /// Passes a barrier.
    pub fn pass(&mut self) {
        self.known[self.own] += 1;
        self.steps += 1;
    }

    /// Learns what another warp knows.
    pub fn learn(&mut self, known: &[u32]) {
        for (mine, theirs) in self.known.iter_mut().zip(known) {
            *mine = (*mine).max(*theirs);
        }
        self.least_known = self.known.iter().copied().min().unwrap_or(0);
    }
}

/// Lanes that stand at the same step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    /// The step.
    pub at: u32,
    /// The lanes.
    pub lanes: u32,
    /// They wait for other lanes of the warp.
    pub parked: bool,
}

/// What a warp does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Can go on.
    Ready,
    /// Waits at a barrier of the block.
    Waiting,
    /// All lanes have ended.
    Done,
}

/// A warp.
#[derive(Debug, Default)]
pub struct Warp {
    /// Registers by slot.
    pub registers: Vec<Lanes>,
    /// Lanes in which each slot was written.
    pub set: Vec<u32>,
    /// Truth values by their place, a bit for each lane.
    pub truths: Vec<u32>,
    /// Lanes in which each was written.
    pub truths_set: Vec<u32>,
    /// Memory of each lane, one after the other.
    pub local: Vec<u8>,
    /// Which of it was written.
    pub local_written: Bits,
    /// Lanes that exist.
    pub present: u32,
    /// Lanes that have not ended.
    pub alive: u32,
    /// Lanes apart from those that run, lowest step last.
    pub groups: Vec<Group>,
    /// Some lanes have ended since others were parked.
    pub recheck: bool,
    /// What it does next.
    pub state: Option<State>,
    /// What it knows.
    pub clock: Clock,
    /// Its place in the block.
    pub number: u32,
}

/// What is the same for all warps of a block.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings {
    pub block: [u32; 3],
    pub blocks: [u32; 3],
    pub threads: [u32; 3],
    pub dynamic: u32,
    pub shared: u32,
}

impl Surroundings {
    /// The place of a thread by its number in the block.
    pub fn thread(&self, number: u32) -> [u32; 3] {
        let [x, y, _] = self.threads;
        [number % x, number / x % y, number / x / y]
    }

    /// How many threads a block has.
    pub fn count(&self) -> u32 {
        self.threads.iter().product()
    }
}

impl Warp {
    /// At the first step of a program.
    pub fn start(&mut self, program: &Program, number: u32, warps: u32, around: &Surroundings) {
        let threads = around.count();
        let first = number * 32;
        let here = threads.saturating_sub(first).min(32);
        self.number = number;
        self.present = if here == 32 { u32::MAX } else { (1 << here) - 1 };
        self.alive = self.present;
        self.registers.resize(program.slots as usize, [0; 32]);
        self.set.clear();
        self.set.resize(program.slots as usize, 0);
        self.truths.clear();
        self.truths.resize(program.truths as usize, 0);
        self.truths_set.clear();
        self.truths_set.resize(program.truths as usize, 0);
        for (slot, value) in &program.constants {
            self.registers[*slot as usize] = [*value; 32];
            self.set[*slot as usize] = u32::MAX;
        }
        for (slot, special) in &program.specials {
            self.set[*slot as usize] = u32::MAX;
            for lane in 0..32 {
                self.registers[*slot as usize][lane as usize] =
                    value_of(*special, lane, first, warps, around);
            }
        }
        for (truth, value) in &program.constant_truths {
            self.truths[*truth as usize] = if *value { u32::MAX } else { 0 };
            self.truths_set[*truth as usize] = u32::MAX;
        }
        let local = program.local_bytes.next_multiple_of(64);
        if local > 0 {
            self.local.resize(local as usize * 32, 0);
            self.local_written = Bits::new(local * 32);
        }
        self.groups.clear();
        self.groups.push(Group { at: 0, lanes: self.present, parked: false });
        self.recheck = false;
        self.state = Some(State::Ready);
        self.clock.start(number as usize, warps as usize);
    }
}

fn value_of(special: Special, lane: u32, first: u32, warps: u32, around: &Surroundings) -> u32 {
    match special {
        Special::Thread(axis) => around.thread(first + lane)[usize::from(axis)],
        Special::Threads(axis) => around.threads[usize::from(axis)],
        Special::Block(axis) => around.block[usize::from(axis)],
        Special::Blocks(axis) => around.blocks[usize::from(axis)],
        Special::Lane => lane,
        Special::Warp => first / 32,
        Special::Warps => warps,
        Special::WarpSize => 32,
        Special::LanesEqual => 1 << lane,
        Special::LanesBelow => (1 << lane) - 1,
        Special::LanesBelowOrEqual => u32::MAX >> (31 - lane),
        Special::LanesAbove => !(u32::MAX >> (31 - lane)),
        Special::LanesAboveOrEqual => !((1 << lane) - 1),
        Special::DynamicShared => around.dynamic,
        Special::TotalShared => around.shared,
    }
}
