//! A block: its warps take turns in an order that a seed decides, and meet at barriers.

use super::decode::DYNAMIC_AT;
use super::execute::{Failure, Stop, lanes, mark, put, set_truth};
use super::finding::{Check, Fault};
use super::instruction::{Barrier, Program, Reduction};
use super::memory::{Memory, Purpose};
use super::warp::{State, Surroundings, Warp};

/// How many barriers a block has.
const BARRIERS: usize = 16;

/// Numbers from a seed, the same on every machine (SplitMix64).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// From a seed.
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// The next number below a bound.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }
}

/// Who has arrived at a barrier.
#[derive(Clone, Debug, Default)]
struct Meeting {
    threads: u32,
    expected: u32,
    /// Warps that wait.
    waiting: Vec<(usize, Option<Reduction>)>,
    /// What those who arrived knew.
    known: Vec<u32>,
    ones: u32,
    all: bool,
    any: bool,
    line: u32,
}

/// A block under way.
pub struct Block<'l> {
    pub program: &'l Program,
    pub memory: &'l mut Memory,
    pub arguments: &'l [u8],
    pub around: Surroundings,
    /// Its place among the blocks of the launch.
    pub number: u32,
    pub shared: Memory,
    /// The allocation that each step accessed last.
    pub guesses: Vec<usize>,
    /// Instructions of threads done so far in the launch.
    pub executed: u64,
    pub limit: u64,
    meetings: Vec<Meeting>,
    warps: Vec<Warp>,
    seed: u64,
    random: Random,
}

impl<'l> Block<'l> {
    /// Room for the blocks of a launch, one after the other.
    pub fn new(
        program: &'l Program,
        memory: &'l mut Memory,
        arguments: &'l [u8],
        around: Surroundings,
        seed: u64,
        limit: u64,
    ) -> Block<'l> {
        let mut shared = Memory::new("the block");
        for (at, size, name) in &program.shared {
            shared.place(*at, *size, Purpose::Variable(name.clone()));
        }
        if around.dynamic > 0 {
            let name = "of dynamic shared memory".to_string();
            shared.place(DYNAMIC_AT, u64::from(around.dynamic), Purpose::Variable(name));
        }
        Block {
            program,
            memory,
            arguments,
            around,
            number: 0,
            shared,
            guesses: vec![0; program.steps.len()],
            executed: 0,
            limit,
            meetings: vec![Meeting::default(); BARRIERS],
            warps: Vec::new(),
            seed,
            random: Random::new(seed),
        }
    }

    /// The place of a block by its number.
    pub fn block_place(&self, number: u32) -> [u32; 3] {
        let [x, y, _] = self.around.blocks;
        [number % x, number / x % y, number / x / y]
    }

    /// The order in which lanes take turns at an atomic operation: where it starts, and by how many it goes on.
    pub fn order(&mut self) -> (u32, u32) {
        if self.seed == 0 {
            return (0, 1);
        }
        let random = self.random.next();
        (random as u32 & 31, (random >> 32) as u32 & 31 | 1)
    }

    /// Runs one block from its first step to its end.
    pub fn run_block(&mut self, number: u32) -> Result<(), (u32, Failure)> {
        self.number = number;
        self.around.block = self.block_place(number);
        self.shared.forget();
        self.meetings.iter_mut().for_each(|meeting| *meeting = Meeting::default());
        let count = self.around.count().div_ceil(32);
        let mut warps = std::mem::take(&mut self.warps);
        warps.resize_with(count as usize, Warp::default);
        for (index, warp) in warps.iter_mut().enumerate() {
            warp.start(self.program, index as u32, count, &self.around);
        }
        let result = self.take_turns(&mut warps);
        self.warps = warps;
        result
    }

    fn take_turns(&mut self, warps: &mut [Warp]) -> Result<(), (u32, Failure)> {
        let mut ready: Vec<usize> = (0..warps.len()).collect();
        while !ready.is_empty() {
            let (place, steps) = if self.seed == 0 {
                (0, u64::MAX)
            } else {
                let random = self.random.next();
                // Mostly short turns; now and then a warp runs far ahead of the others.
                let steps = [1, 3, 7, 20, 20, 50, 200, 5000][(random >> 40 & 7) as usize];
                ((random % ready.len() as u64) as usize, steps)
            };
            let index = ready[place];
            let before = self.executed;
            let steps = steps.min((self.limit - before.min(self.limit)).max(1));
            let stop =
                self.run(&mut warps[index], steps).map_err(|failure| (warps[index].number, failure))?;
            if self.executed > self.limit {
                let line = warps[index]
                    .groups
                    .first()
                    .map_or(0, |group| self.program.steps.get(group.at as usize).map_or(0, |step| step.line));
                let message = format!("more than {} instructions of threads in one launch", self.limit);
                return Err((warps[index].number, (line, Fault::new(Check::Endless, 0, message))));
            }
            if warps[index].state != Some(State::Ready) {
                ready.remove(place);
            }
            if let Stop::Barrier(barrier) = stop {
                self.open(barrier, warps, &mut ready);
            }
        }
        match warps.iter().find(|warp| warp.state == Some(State::Waiting)) {
            None => Ok(()),
            Some(warp) => Err((warp.number, self.mismatch(warps))),
        }
    }

    /// A warp arrives at a barrier with all its lanes.
    pub fn arrive(
        &mut self,
        warp: &mut Warp,
        barrier: &Barrier,
        mask: u32,
        line: u32,
    ) -> Result<usize, Fault> {
        let first = mask.trailing_zeros();
        if warp.alive != warp.present {
            let ended = warp.present & !warp.alive;
            let message = format!(
                "lanes {ended:#010x} of warp {} have ended and never come to the barrier",
                warp.number
            );
            return Err(Fault::new(Check::DivergentBarrier, first, message));
        }
        self.need(warp, barrier.number, mask)?;
        let number = warp.registers[barrier.number as usize][first as usize] as usize;
        let everybody = self.around.count().div_ceil(32) * 32;
        let expected = match barrier.threads {
            None => everybody,
            Some(slot) => {
                self.need(warp, slot, mask)?;
                warp.registers[slot as usize][first as usize]
            }
        };
        if number >= BARRIERS || expected == 0 || expected % 32 != 0 || expected > everybody {
            let message = format!("barrier {number} of {expected} threads, in a block of {everybody}");
            return Err(Fault::new(Check::BarrierMismatch, first, message));
        }
        let vote = match &barrier.reduction {
            None => 0,
            Some((_, condition)) => {
                let truth = condition.truth as usize;
                if warp.truths_set[truth] & mask != mask {
                    return Err(Fault::new(Check::Uninitialised, first, "a predicate was never set"));
                }
                (if condition.negated { !warp.truths[truth] } else { warp.truths[truth] }) & mask
            }
        };
        let meeting = &mut self.meetings[number];
        if meeting.threads == 0 {
            *meeting = Meeting { expected, all: true, line, ..Meeting::default() };
        } else if meeting.expected != expected {
            let message = format!(
                "barrier {number} of {expected} threads; those who came at line {} expect {}",
                meeting.line, meeting.expected
            );
            return Err(Fault::new(Check::BarrierMismatch, first, message));
        }
        warp.clock.pass();
        meeting.threads += 32;
        meeting.ones += vote.count_ones();
        meeting.all &= vote == mask;
        meeting.any |= vote != 0;
        if meeting.known.len() < warp.clock.known.len() {
            meeting.known.resize(warp.clock.known.len(), 0);
        }
        for (known, mine) in meeting.known.iter_mut().zip(&warp.clock.known) {
            *known = (*known).max(*mine);
        }
        if !barrier.arrive {
            let reduction = barrier.reduction.map(|(reduction, _)| reduction);
            meeting.waiting.push((warp.number as usize, reduction));
            warp.state = Some(State::Waiting);
        }
        Ok(number)
    }

    /// Lets everybody go on if all have arrived.
    fn open(&mut self, barrier: usize, warps: &mut [Warp], ready: &mut Vec<usize>) {
        if self.meetings[barrier].threads < self.meetings[barrier].expected {
            return;
        }
        let meeting = std::mem::take(&mut self.meetings[barrier]);
        for (index, reduction) in meeting.waiting {
            let warp = &mut warps[index];
            warp.clock.learn(&meeting.known);
            warp.state = Some(State::Ready);
            let mask = warp.present;
            match reduction {
                None => {}
                Some(Reduction::CountOnes { target }) => {
                    lanes(mask).for_each(|lane| put(warp, target, 1, lane, u64::from(meeting.ones)));
                    mark(warp, target, 1, mask);
                }
                Some(Reduction::And { target }) => {
                    set_truth(warp, target, if meeting.all { u32::MAX } else { 0 }, mask);
                }
                Some(Reduction::Or { target }) => {
                    set_truth(warp, target, if meeting.any { u32::MAX } else { 0 }, mask);
                }
            }
            ready.push(index);
        }
        ready.sort_unstable();
    }

    /// Nobody can go on.
    #[cold]
    fn mismatch(&self, warps: &[Warp]) -> Failure {
        let mut parts = Vec::new();
        let mut line = 0;
        for (number, meeting) in self.meetings.iter().enumerate() {
            if meeting.threads > 0 {
                line = if line == 0 { meeting.line } else { line };
                let waiting: Vec<usize> = meeting.waiting.iter().map(|(warp, _)| *warp).collect();
                parts.push(format!(
                    "warps {waiting:?} wait at barrier {number} for {} of {} threads",
                    meeting.expected - meeting.threads,
                    meeting.expected
                ));
            }
        }
        let ended: Vec<u32> =
            warps.iter().filter(|warp| warp.state == Some(State::Done)).map(|warp| warp.number).collect();
        if !ended.is_empty() {
            parts.push(format!("warps {ended:?} have ended"));
        }
        (line, Fault::new(Check::BarrierMismatch, 0, parts.join(", ")))
    }
}
