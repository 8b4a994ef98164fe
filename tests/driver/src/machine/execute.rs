//! Steps of a warp, its lanes in step.

use super::arithmetic::{compare_floats, compare_integers, convert, narrow_single, sign_extend};
use super::block::Block;
use super::compute::{compute, wide};
use super::finding::{Check, Fault};
use super::instruction::*;
use super::warp::{Group, State, Warp};

/// What ended a run of steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// As many steps as were asked for, or the end of the warp.
    Steps,
    /// It arrived at this barrier.
    Barrier(usize),
}

/// A fault and the line where it came up.
pub type Failure = (u32, Fault);

/// The lanes of a mask, lowest first.
pub fn lanes(mask: u32) -> impl Iterator<Item = u32> {
    let mut left = mask;
    std::iter::from_fn(move || {
        let lane = left.trailing_zeros();
        left &= left.wrapping_sub(1);
        (lane < 32).then_some(lane)
    })
}

impl Block<'_> {
    /// Runs a warp for some steps, at most until it arrives at a barrier.
    pub fn run(&mut self, warp: &mut Warp, steps: u64) -> Result<Stop, Failure> {
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
            // SAFETY: the processor has what the function is compiled for.
            return unsafe { self.run_fma(warp, steps) };
        }
        self.steps(warp, steps)
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,fma")]
    fn run_fma(&mut self, warp: &mut Warp, steps: u64) -> Result<Stop, Failure> {
        self.steps(warp, steps)
    }

    #[inline(always)]
    fn steps(&mut self, warp: &mut Warp, steps: u64) -> Result<Stop, Failure> {
        let program = self.program;
        let mut left = steps;
        loop {
            let Some((group, next)) = self.choose(warp)? else {
                warp.state = Some(State::Done);
                return Ok(Stop::Steps);
            };
            let (mut at, lanes) = (group.at, group.lanes);
            loop {
                if at == next || left == 0 {
                    warp.groups.push(Group { at, lanes, parked: false });
                    if left == 0 {
                        return Ok(Stop::Steps);
                    }
                    break;
                }
                left -= 1;
                let step = &program.steps[at as usize];
                let mut mask = lanes;
                if let Some(guard) = step.guard {
                    mask &= self.condition(warp, guard, lanes).map_err(|fault| (step.line, fault))?;
                }
                self.executed += u64::from(mask.count_ones());
                match &step.operation {
                    Operation::Branch { target } => {
                        let rest = lanes & !mask;
                        if mask == 0 {
                            at += 1;
                        } else if rest == 0 && warp.groups.is_empty() {
                            at = *target;
                        } else {
                            warp.groups.push(Group { at: *target, lanes: mask, parked: false });
                            if rest != 0 {
                                warp.groups.push(Group { at: at + 1, lanes: rest, parked: false });
                            }
                            break;
                        }
                    }
                    Operation::BranchTable { targets, index } => {
                        self.branch_table(warp, targets, *index, mask).map_err(|fault| (step.line, fault))?;
                        if lanes & !mask != 0 {
                            warp.groups.push(Group { at: at + 1, lanes: lanes & !mask, parked: false });
                        }
                        break;
                    }
                    Operation::Exit => {
                        let rest = lanes & !mask;
                        warp.alive &= !mask;
                        warp.recheck |= mask != 0;
                        if rest != 0 {
                            warp.groups.push(Group { at: at + 1, lanes: rest, parked: false });
                        }
                        break;
                    }
                    Operation::Barrier(barrier) if mask != 0 => {
                        if mask != warp.alive {
                            part(warp, at, lanes, mask);
                            break;
                        }
                        warp.groups.push(Group { at: at + 1, lanes, parked: false });
                        let number = self
                            .arrive(warp, barrier, mask, step.line)
                            .map_err(|fault| (step.line, fault))?;
                        return Ok(Stop::Barrier(number));
                    }
                    Operation::WarpBarrier { .. }
                    | Operation::Shuffle { .. }
                    | Operation::Vote { .. }
                    | Operation::Reduce { .. }
                        if mask != 0 =>
                    {
                        let together =
                            self.together(warp, &step.operation, mask).map_err(|fault| (step.line, fault))?;
                        if !together {
                            part(warp, at, lanes, mask);
                            break;
                        }
                        at += 1;
                    }
                    operation => {
                        if mask != 0 {
                            self.execute(warp, operation, mask, at, step.line)
                                .map_err(|fault| (step.line, fault))?;
                        }
                        at += 1;
                    }
                }
            }
            if self.executed > self.limit {
                let fault = Fault::new(
                    Check::Endless,
                    0,
                    format!("more than {} instructions of threads in one launch", self.limit),
                );
                return Err((program.steps[at as usize].line, fault));
            }
        }
    }

    /// The lanes that go on, lowest step first, and the next step at which others stand.
    fn choose(&self, warp: &mut Warp) -> Result<Option<(Group, u32)>, Failure> {
        if let [group] = warp.groups.as_slice()
            && !group.parked
        {
            let group = *group;
            warp.groups.clear();
            return Ok(Some((group, u32::MAX)));
        }
        loop {
            warp.groups.sort_unstable_by_key(|group| std::cmp::Reverse(group.at));
            warp.groups.dedup_by(|later, earlier| {
                let same = later.at == earlier.at;
                if same {
                    earlier.lanes |= later.lanes;
                    earlier.parked &= later.parked;
                }
                same
            });
            let Some(index) = warp.groups.iter().rposition(|group| !group.parked) else {
                if warp.groups.is_empty() {
                    return Ok(None);
                }
                if warp.recheck {
                    warp.recheck = false;
                    warp.groups.iter_mut().for_each(|group| group.parked = false);
                    continue;
                }
                return Err(self.stuck(warp));
            };
            let next = index.checked_sub(1).map_or(u32::MAX, |before| warp.groups[before].at);
            let group = warp.groups.remove(index);
            return Ok(Some((group, next)));
        }
    }

    /// All lanes of a warp wait for lanes that do not come.
    #[cold]
    fn stuck(&self, warp: &Warp) -> Failure {
        let Some(group) = warp.groups.last() else {
            return (0, Fault::new(Check::DivergentWarp, 0, "no lanes are left"));
        };
        let step = &self.program.steps[group.at as usize];
        let (check, what) = match &step.operation {
            Operation::Barrier(_) => (Check::DivergentBarrier, "the barrier"),
            _ => (Check::DivergentWarp, "the lanes it names"),
        };
        let mut message = format!("lanes {:#010x} of warp {} wait at {what}", group.lanes, warp.number);
        for other in warp.groups.iter().rev().skip(1) {
            let line = self.program.steps[other.at as usize].line;
            message.push_str(&format!(", lanes {:#010x} at line {line}", other.lanes));
        }
        let ended = warp.present & !warp.alive;
        if ended != 0 {
            message.push_str(&format!(", lanes {ended:#010x} have ended"));
        }
        (step.line, Fault::new(check, group.lanes.trailing_zeros(), message))
    }

    /// The lanes in which a condition holds.
    #[inline(always)]
    fn condition(&self, warp: &Warp, condition: Condition, mask: u32) -> Result<u32, Fault> {
        let truth = condition.truth as usize;
        if warp.truths_set[truth] & mask != mask {
            return Err(self.unset_truth(warp, condition.truth, mask));
        }
        let value = warp.truths[truth];
        Ok(if condition.negated { !value } else { value })
    }

    #[cold]
    fn unset_truth(&self, warp: &Warp, truth: Truth, mask: u32) -> Fault {
        let name = self.program.truth_names.iter().find(|(found, _)| *found == truth);
        let name = name.map_or("a predicate", |(_, name)| name.as_str());
        let lane = (mask & !warp.truths_set[truth as usize]).trailing_zeros();
        Fault::new(Check::Uninitialised, lane, format!("predicate {name} was never set"))
    }

    #[inline(always)]
    pub(super) fn need(&self, warp: &Warp, slot: Slot, mask: u32) -> Result<(), Fault> {
        if warp.set[slot as usize] & mask == mask { Ok(()) } else { Err(self.unset(warp, slot, mask)) }
    }

    #[cold]
    fn unset(&self, warp: &Warp, slot: Slot, mask: u32) -> Fault {
        let name = self.program.names.iter().rev().find(|(found, _)| *found == slot);
        let name = name.map_or("of 64 bits", |(_, name)| name.as_str());
        let lane = (mask & !warp.set[slot as usize]).trailing_zeros();
        Fault::new(Check::Uninitialised, lane, format!("register {name} was never written"))
    }

    #[inline(always)]
    fn execute(
        &mut self,
        warp: &mut Warp,
        operation: &Operation,
        mask: u32,
        at: u32,
        line: u32,
    ) -> Result<(), Fault> {
        match operation {
            Operation::Compute { function, kind, target, sources, count, slots } => {
                for source in &sources[..usize::from(*count)] {
                    self.need(warp, *source, mask)?;
                }
                if matches!(function, Function::Divide | Function::Remainder) && !kind.float() {
                    self.no_zero(warp, *kind, sources[1], mask)?;
                }
                if !compute(&mut warp.registers, *function, *kind, *target, *sources, mask) {
                    let message = format!("{function:?} of {kind:?}");
                    return Err(Fault::new(Check::NotExecuted, mask.trailing_zeros(), message));
                }
                mark(warp, *target, u32::from(*slots), mask);
            }
            Operation::Copy { target, source, slots } => {
                for index in 0..*slots {
                    copy(warp, target + index, source + index, mask);
                }
            }
            Operation::Pack { target, sources, bits } => self.pack(warp, *target, sources, *bits, mask)?,
            Operation::Unpack { targets, source, bits } => {
                self.unpack(warp, targets, *source, *bits, mask)?
            }
            Operation::Compare { comparison, kind, target, opposite, sources, combine } => {
                self.need(warp, sources[0], mask)?;
                self.need(warp, sources[1], mask)?;
                let mut result = compare(warp, *comparison, *kind, *sources);
                let mut contrary = !result;
                if let Some((logic, condition)) = combine {
                    let with = self.condition(warp, *condition, mask)?;
                    let apply = |value: u32| match logic {
                        Logic::And => value & with,
                        Logic::Or => value | with,
                        Logic::Xor => value ^ with,
                        Logic::Not | Logic::Copy => value,
                    };
                    (result, contrary) = (apply(result), apply(contrary));
                }
                if let Some(target) = target {
                    set_truth(warp, *target, result, mask);
                }
                if let Some(opposite) = opposite {
                    set_truth(warp, *opposite, contrary, mask);
                }
            }
            Operation::Select { target, sources, slots, condition } => {
                let holds = self.condition(warp, *condition, mask)?;
                self.need(warp, sources[0], mask & holds)?;
                self.need(warp, sources[1], mask & !holds)?;
                for index in 0..*slots {
                    let a = warp.registers[(sources[0] + index) as usize];
                    let b = warp.registers[(sources[1] + index) as usize];
                    let target = &mut warp.registers[(target + index) as usize];
                    for lane in 0..32 {
                        let chosen = if holds >> lane & 1 == 1 { a[lane] } else { b[lane] };
                        target[lane] = if mask >> lane & 1 == 1 { chosen } else { target[lane] };
                    }
                }
                mark(warp, *target, *slots, mask);
            }
            Operation::Truths { logic, target, sources } => {
                let a = self.condition(warp, sources[0], mask)?;
                let b = self.condition(warp, sources[1], mask)?;
                let result = match logic {
                    Logic::And => a & b,
                    Logic::Or => a | b,
                    Logic::Xor => a ^ b,
                    Logic::Not => !a,
                    Logic::Copy => a,
                };
                set_truth(warp, *target, result, mask);
            }
            Operation::Convert { to, from, rounding, saturate, target, source } => {
                self.need(warp, *source, mask)?;
                convert_lanes(warp, (*to, *from), *rounding, *saturate, (*target, *source), mask);
                mark(warp, *target, to.bits().div_ceil(32), mask);
            }
            Operation::ConvertPair { to, target, sources } => {
                self.need(warp, sources[0], mask)?;
                self.need(warp, sources[1], mask)?;
                for lane in lanes(mask) {
                    let half = |slot: Slot| {
                        let value = f32::from_bits(warp.registers[slot as usize][lane as usize]);
                        u32::from(narrow_single(value, *to))
                    };
                    let value = half(sources[0]) | half(sources[1]) << 16;
                    warp.registers[*target as usize][lane as usize] = value;
                }
                mark(warp, *target, 1, mask);
            }
            Operation::Address { window, to_generic, target, source, .. } => {
                self.need(warp, *source, mask)?;
                let base = super::transfer::base_of(*window);
                for lane in lanes(mask) {
                    let address = wide(&warp.registers, *source, lane as usize);
                    let address =
                        if *to_generic { address.wrapping_add(base) } else { address.wrapping_sub(base) };
                    put(warp, *target, 2, lane, address);
                }
                mark(warp, *target, 2, mask);
            }
            Operation::Load(access) => self.load(warp, access, mask, at, line)?,
            Operation::Store(access) => self.store(warp, access, mask, at, line)?,
            Operation::Atomic { atomic, access, sources } => {
                self.atomic(warp, *atomic, access, *sources, mask, at, line)?;
            }
            Operation::Active { target } => {
                for lane in lanes(mask) {
                    put(warp, *target, 1, lane, u64::from(mask));
                }
                mark(warp, *target, 1, mask);
            }
            Operation::Trap => {
                return Err(Fault::new(Check::Trap, mask.trailing_zeros(), "the kernel stops itself"));
            }
            Operation::Nothing
            | Operation::Branch { .. }
            | Operation::BranchTable { .. }
            | Operation::Exit
            | Operation::Barrier(_)
            | Operation::WarpBarrier { .. }
            | Operation::Shuffle { .. }
            | Operation::Vote { .. }
            | Operation::Reduce { .. } => {}
        }
        Ok(())
    }

    fn no_zero(&self, warp: &Warp, kind: Type, slot: Slot, mask: u32) -> Result<(), Fault> {
        for lane in lanes(mask) {
            let low = warp.registers[slot as usize][lane as usize];
            let zero = match kind.bits() {
                16 => low & 0xffff == 0,
                32 => low == 0,
                _ => wide(&warp.registers, slot, lane as usize) == 0,
            };
            if zero {
                return Err(Fault::new(Check::DivisionByZero, lane, "an integer is divided by zero"));
            }
        }
        Ok(())
    }

    fn pack(
        &self,
        warp: &mut Warp,
        target: Slot,
        sources: &[Slot],
        bits: u32,
        mask: u32,
    ) -> Result<(), Fault> {
        if bits == 16 {
            for source in sources {
                self.need(warp, *source, mask)?;
            }
            let mut values = vec![[0; 32]; sources.len() / 2];
            for (index, source) in sources.iter().enumerate() {
                let parts = &warp.registers[*source as usize];
                for (value, part) in values[index / 2].iter_mut().zip(parts) {
                    *value |= (part & 0xffff) << (16 * (index % 2));
                }
            }
            for (index, value) in values.iter().enumerate() {
                let place = &mut warp.registers[target as usize + index];
                lanes(mask).for_each(|lane| place[lane as usize] = value[lane as usize]);
            }
            mark(warp, target, sources.len() as u32 / 2, mask);
            return Ok(());
        }
        // A source may be the target's other half.
        let slots = bits / 32;
        let parts: Vec<Slot> =
            sources.iter().flat_map(|source| (0..slots).map(move |index| source + index)).collect();
        let values: Vec<_> =
            parts.iter().map(|slot| (warp.registers[*slot as usize], warp.set[*slot as usize])).collect();
        for (index, (value, set)) in values.iter().enumerate() {
            let place = target as usize + index;
            lanes(mask).for_each(|lane| warp.registers[place][lane as usize] = value[lane as usize]);
            warp.set[place] = warp.set[place] & !mask | set & mask;
        }
        // A register counts as written when all of it is.
        let all = (0..parts.len()).fold(u32::MAX, |all, index| all & warp.set[target as usize + index]);
        for index in 0..parts.len() {
            warp.set[target as usize + index] &= all | !mask;
        }
        Ok(())
    }

    fn unpack(
        &self,
        warp: &mut Warp,
        targets: &[Option<Slot>],
        source: Slot,
        bits: u32,
        mask: u32,
    ) -> Result<(), Fault> {
        self.need(warp, source, mask)?;
        let count = (targets.len() as u32 * bits).div_ceil(32) as usize;
        let values = warp.registers[source as usize..source as usize + count].to_vec();
        for (index, target) in targets.iter().enumerate() {
            let Some(target) = target else { continue };
            for lane in lanes(mask) {
                let lane_at = lane as usize;
                let value = match bits {
                    16 => u64::from(values[index / 2][lane_at] >> (16 * (index % 2)) & 0xffff),
                    32 => u64::from(values[index][lane_at]),
                    _ => {
                        u64::from(values[index * 2][lane_at])
                            | u64::from(values[index * 2 + 1][lane_at]) << 32
                    }
                };
                put(warp, *target, bits.div_ceil(32), lane, value);
            }
            mark(warp, *target, bits.div_ceil(32), mask);
        }
        Ok(())
    }

    fn branch_table(&self, warp: &mut Warp, targets: &[u32], index: Slot, mask: u32) -> Result<(), Fault> {
        self.need(warp, index, mask)?;
        for lane in lanes(mask) {
            let number = warp.registers[index as usize][lane as usize];
            let Some(target) = targets.get(number as usize) else {
                let message = format!("entry {number} of a table of {} labels", targets.len());
                return Err(Fault::new(Check::OutOfBounds, lane, message));
            };
            warp.groups.push(Group { at: *target, lanes: 1 << lane, parked: false });
        }
        Ok(())
    }

    /// Executes what lanes do together; false while some that are named have not come.
    fn together(&self, warp: &mut Warp, operation: &Operation, mask: u32) -> Result<bool, Fault> {
        let members = match operation {
            Operation::WarpBarrier { members }
            | Operation::Vote { members, .. }
            | Operation::Reduce { members, .. } => *members,
            Operation::Shuffle { sources, .. } => sources[3],
            _ => return Ok(true),
        };
        self.need(warp, members, mask)?;
        let named = warp.registers[members as usize];
        let mut left = mask;
        let mut sets = Vec::new();
        while left != 0 {
            let first = left.trailing_zeros();
            let set = named[first as usize];
            let mine =
                lanes(left).filter(|lane| named[*lane as usize] == set).fold(0, |all, lane| all | 1 << lane);
            if mine & !set != 0 {
                let lane = (mine & !set).trailing_zeros();
                let message = format!("lane {lane} is not among those it names, {set:#010x}");
                return Err(Fault::new(Check::DivergentWarp, lane, message));
            }
            if set & warp.alive & !mine != 0 {
                return Ok(false);
            }
            sets.push(mine);
            left &= !mine;
        }
        for set in sets {
            self.do_together(warp, operation, set)?;
        }
        Ok(true)
    }

    fn do_together(&self, warp: &mut Warp, operation: &Operation, set: u32) -> Result<(), Fault> {
        match operation {
            // Only a barrier of all lanes is known to the checks as one.
            Operation::WarpBarrier { .. } if set == warp.alive => warp.clock.steps += 1,
            Operation::Shuffle { shuffle, target, valid, sources } => {
                for source in &sources[..3] {
                    self.need(warp, *source, set)?;
                }
                let values = warp.registers[sources[0] as usize];
                let mut valid_lanes = 0;
                for lane in lanes(set) {
                    let by = warp.registers[sources[1] as usize][lane as usize] & 31;
                    let limits = warp.registers[sources[2] as usize][lane as usize];
                    let (clamp, segment) = (limits & 31, limits >> 8 & 31);
                    let highest = lane & segment | clamp & !segment;
                    let (from, within) = match shuffle {
                        Shuffle::Up => (lane.wrapping_sub(by), lane as i32 - by as i32 >= highest as i32),
                        Shuffle::Down => (lane + by, lane + by <= highest),
                        Shuffle::Butterfly => (lane ^ by, lane ^ by <= highest),
                        Shuffle::Index => {
                            let from = lane & segment | by & !segment;
                            (from, from <= highest)
                        }
                    };
                    let from = if within { from } else { lane };
                    if set >> from & 1 == 0 {
                        let message = format!("lane {lane} reads from lane {from}, which does not take part");
                        return Err(Fault::new(Check::DivergentWarp, lane, message));
                    }
                    valid_lanes |= u32::from(within) << lane;
                    warp.registers[*target as usize][lane as usize] = values[from as usize];
                }
                mark(warp, *target, 1, set);
                if let Some(valid) = valid {
                    set_truth(warp, *valid, valid_lanes, set);
                }
            }
            Operation::Vote { vote, target, source, .. } => {
                let votes = self.condition(warp, *source, set)? & set;
                let holds = match vote {
                    Vote::All => votes == set,
                    Vote::Any => votes != 0,
                    Vote::Uniform => votes == 0 || votes == set,
                    Vote::Ballot => {
                        lanes(set).for_each(|lane| put(warp, *target, 1, lane, u64::from(votes)));
                        mark(warp, *target, 1, set);
                        return Ok(());
                    }
                };
                set_truth(warp, *target, if holds { u32::MAX } else { 0 }, set);
            }
            Operation::Reduce { atomic, signed, target, source, .. } => {
                self.need(warp, *source, set)?;
                let values = lanes(set).map(|lane| warp.registers[*source as usize][lane as usize]);
                let result = values.reduce(|a, b| match (atomic, signed) {
                    (Atomic::Add, _) => a.wrapping_add(b),
                    (Atomic::Least, true) => (a as i32).min(b as i32) as u32,
                    (Atomic::Least, false) => a.min(b),
                    (Atomic::Greatest, true) => (a as i32).max(b as i32) as u32,
                    (Atomic::Greatest, false) => a.max(b),
                    (Atomic::And, _) => a & b,
                    (Atomic::Or, _) => a | b,
                    _ => a ^ b,
                });
                lanes(set).for_each(|lane| put(warp, *target, 1, lane, u64::from(result.unwrap_or(0))));
                mark(warp, *target, 1, set);
            }
            _ => {}
        }
        Ok(())
    }
}

/// Lets some lanes wait here and the others go on.
fn part(warp: &mut Warp, at: u32, all: u32, waiting: u32) {
    warp.groups.push(Group { at, lanes: waiting, parked: true });
    if all & !waiting != 0 {
        warp.groups.push(Group { at: at + 1, lanes: all & !waiting, parked: false });
    }
}

/// Notes that a register was written.
#[inline(always)]
pub fn mark(warp: &mut Warp, target: Slot, slots: u32, mask: u32) {
    for index in 0..slots {
        warp.set[(target + index) as usize] |= mask;
    }
}

/// Writes a register of one lane.
#[inline(always)]
pub fn put(warp: &mut Warp, target: Slot, slots: u32, lane: u32, value: u64) {
    warp.registers[target as usize][lane as usize] = value as u32;
    if slots > 1 {
        warp.registers[target as usize + 1][lane as usize] = (value >> 32) as u32;
    }
}

#[inline(always)]
fn copy(warp: &mut Warp, target: Slot, source: Slot, mask: u32) {
    let value = warp.registers[source as usize];
    let place = &mut warp.registers[target as usize];
    if mask == u32::MAX {
        *place = value;
    } else {
        for lane in 0..32 {
            place[lane] = if mask >> lane & 1 == 1 { value[lane] } else { place[lane] };
        }
    }
    let set = warp.set[source as usize];
    warp.set[target as usize] = warp.set[target as usize] & !mask | set & mask;
}

/// Sets a truth value.
#[inline(always)]
pub fn set_truth(warp: &mut Warp, target: Truth, value: u32, mask: u32) {
    let place = &mut warp.truths[target as usize];
    *place = *place & !mask | value & mask;
    warp.truths_set[target as usize] |= mask;
}

#[inline(always)]
fn bits_where(holds: impl Fn(usize) -> bool) -> u32 {
    let mut bits = 0;
    for lane in 0..32 {
        bits |= u32::from(holds(lane)) << lane;
    }
    bits
}

#[inline(always)]
fn compare(warp: &Warp, comparison: Comparison, kind: Type, sources: [Slot; 2]) -> u32 {
    let (a, b) = (&warp.registers[sources[0] as usize], &warp.registers[sources[1] as usize]);
    let pair = |lane| (wide(&warp.registers, sources[0], lane), wide(&warp.registers, sources[1], lane));
    match kind {
        Type::F32 => {
            bits_where(|lane| compare_floats(comparison, f32::from_bits(a[lane]), f32::from_bits(b[lane])))
        }
        Type::F64 => bits_where(|lane| {
            let (a, b) = pair(lane);
            compare_floats(comparison, f64::from_bits(a), f64::from_bits(b))
        }),
        Type::S32 => bits_where(|lane| compare_integers(comparison, a[lane] as i32, b[lane] as i32)),
        Type::S64 => bits_where(|lane| {
            let (a, b) = pair(lane);
            compare_integers(comparison, a as i64, b as i64)
        }),
        Type::S16 => bits_where(|lane| compare_integers(comparison, a[lane] as i16, b[lane] as i16)),
        _ => match kind.bits() {
            16 => bits_where(|lane| compare_integers(comparison, a[lane] as u16, b[lane] as u16)),
            64 => bits_where(|lane| {
                let (a, b) = pair(lane);
                compare_integers(comparison, a, b)
            }),
            _ => bits_where(|lane| compare_integers(comparison, a[lane], b[lane])),
        },
    }
}

#[inline(always)]
fn convert_lanes(
    warp: &mut Warp,
    (to, from): (Type, Type),
    rounding: Rounding,
    saturate: bool,
    (target, source): (Slot, Slot),
    mask: u32,
) {
    let slots = to.bits().div_ceil(32);
    let wide_source = from.bits() > 32;
    let plain = !to.float() && !from.float() && !saturate;
    for lane in lanes(mask) {
        let bits = if wide_source {
            wide(&warp.registers, source, lane as usize)
        } else {
            u64::from(warp.registers[source as usize][lane as usize])
        };
        let value = match (to, from) {
            (_, Type::S32) if plain && to.bits() >= 32 => sign_extend(bits, 32),
            (_, Type::U32) if plain && to.bits() >= 32 => bits,
            (Type::U32 | Type::S32, Type::U64 | Type::S64) if plain => bits,
            (Type::F32, Type::S32) => u64::from((bits as u32 as i32 as f32).to_bits()),
            (Type::F32, Type::U32) => u64::from((bits as u32 as f32).to_bits()),
            _ => convert(to, from, rounding, saturate, bits),
        };
        put(warp, target, slots, lane, value);
    }
}
