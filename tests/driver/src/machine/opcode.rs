//! From an opcode with its dots to an operation.

use super::decode::{Decoder, Place};
use super::instruction::*;
use super::words::*;
use crate::ptx::{Instruction, Operand, PtxError};

/// The operation of an instruction.
pub fn translate(decoder: &mut Decoder<'_>, instruction: &Instruction) -> Result<Operation, PtxError> {
    let line = instruction.line;
    let opcode = instruction.opcode.as_str();
    let mut words = opcode.split('.');
    let first = words.next().unwrap_or_default();
    let mut parts = Parts { all: words.map(Some).collect(), opcode, line };
    let parts = &mut parts;
    let operands = instruction.operands.as_slice();
    let mut context = Context { decoder, operands, line };
    match first {
        "add" | "sub" | "mul" | "mad" | "fma" | "div" | "rem" | "sqrt" | "rcp" | "abs" | "neg" | "min"
        | "max" | "copysign" | "cnot" | "shl" | "shr" | "shf" | "bfe" | "bfi" | "bfind" | "brev" | "popc"
        | "clz" | "prmt" | "lop3" | "dp4a" | "sad" => context.computation(first, parts),
        "and" | "or" | "xor" | "not" => {
            if parts.take("pred") {
                context.truths(first, parts)
            } else {
                context.computation(first, parts)
            }
        }
        "mov" => context.copy(parts),
        "setp" => context.compare(parts),
        "selp" => context.select(parts),
        "cvt" => context.convert(parts),
        "cvta" => context.address(parts),
        "ld" | "ldu" | "st" => context.transfer(first, parts),
        "atom" | "red" => context.atomic(first, parts),
        "bar" | "barrier" => context.barrier(parts),
        "shfl" => context.shuffle(parts),
        "vote" => context.vote(parts),
        "redux" => context.reduce(parts),
        "activemask" => {
            parts.take("b32");
            parts.end()?;
            context.count(1)?;
            Ok(Operation::Active { target: context.target(0, 32)? })
        }
        // Orders memory between blocks, which the machine has no model of: blocks that meet are a finding.
        "membar" | "fence" | "nanosleep" | "prefetch" | "prefetchu" => Ok(Operation::Nothing),
        "brx" => context.branch_table(parts),
        "trap" | "brkpt" => Ok(Operation::Trap),
        _ => Err(PtxError::new(line, format!("opcode {opcode} is not executed"))),
    }
}

struct Context<'c, 'm, 'i> {
    decoder: &'c mut Decoder<'m>,
    operands: &'i [Operand],
    line: u32,
}

impl Context<'_, '_, '_> {
    fn wrong<T>(&self, message: impl Into<String>) -> Result<T, PtxError> {
        Err(PtxError::new(self.line, message))
    }

    fn count(&self, expected: usize) -> Result<(), PtxError> {
        if self.operands.len() == expected {
            return Ok(());
        }
        self.wrong(format!("{} operands, where {expected} are expected", self.operands.len()))
    }

    fn source(&mut self, index: usize, bits: u32) -> Result<Slot, PtxError> {
        self.decoder.source(&self.operands[index], bits, false, self.line)
    }

    fn target(&mut self, index: usize, bits: u32) -> Result<Slot, PtxError> {
        self.decoder.target(&self.operands[index], bits, false, self.line)
    }

    fn truth(&mut self, index: usize) -> Result<Condition, PtxError> {
        self.decoder.truth(&self.operands[index], self.line)
    }

    fn computation(&mut self, name: &str, parts: &mut Parts<'_>) -> Result<Operation, PtxError> {
        let shape = shape(name, parts)?;
        parts.end()?;
        let lookup = name == "lop3";
        self.count(1 + shape.sources.len() + usize::from(lookup))?;
        let target = self.target(0, shape.target)?;
        let mut sources = [target; 4];
        for (index, bits) in shape.sources.iter().enumerate() {
            sources[index] = self.source(index + 1, *bits)?;
        }
        let mut function = shape.function;
        if lookup {
            match &self.operands[4] {
                Operand::Integer(value) if *value < 256 => function = Function::Lookup(*value as u8),
                _ => return parts.wrong("the last operand is a number below 256"),
            }
        }
        let count = shape.sources.len() as u8;
        let slots = shape.target.div_ceil(32) as u8;
        Ok(Operation::Compute { function, kind: shape.kind, target, sources, count, slots })
    }

    fn truths(&mut self, name: &str, parts: &mut Parts<'_>) -> Result<Operation, PtxError> {
        parts.end()?;
        let logic = match name {
            "and" => Logic::And,
            "or" => Logic::Or,
            "xor" => Logic::Xor,
            _ => Logic::Not,
        };
        self.count(if logic == Logic::Not { 2 } else { 3 })?;
        let target = self.truth(0)?.truth;
        let first = self.truth(1)?;
        let second = if logic == Logic::Not { first } else { self.truth(2)? };
        Ok(Operation::Truths { logic, target, sources: [first, second] })
    }

    fn copy(&mut self, parts: &mut Parts<'_>) -> Result<Operation, PtxError> {
        self.count(2)?;
        if parts.take("pred") {
            parts.end()?;
            let target = self.truth(0)?.truth;
            let source = self.truth(1)?;
            return Ok(Operation::Truths { logic: Logic::Copy, target, sources: [source, source] });
        }
        let kind = parts.kind()?;
        parts.end()?;
        let bits = kind.bits();
        if bits < 16 {
            return parts.wrong("there are no registers of 8 bits");
        }
        match (&self.operands[0], &self.operands[1]) {
            (target, Operand::Vector(sources)) => {
                let part = part_bits(bits, sources.len(), parts)?;
                let target = self.decoder.target(target, bits, false, self.line)?;
                let sources: Result<Box<[Slot]>, PtxError> = sources
                    .iter()
                    .map(|source| self.decoder.source(source, part, false, self.line))
                    .collect();
                Ok(Operation::Pack { target, sources: sources?, bits: part })
            }
            (Operand::Vector(targets), source) => {
                let part = part_bits(bits, targets.len(), parts)?;
                let source = self.decoder.source(source, bits, false, self.line)?;
                let mut slots = Vec::new();
                for target in targets {
                    slots.push(match target {
                        Operand::Name(name) if name == "_" => None,
                        target => Some(self.decoder.target(target, part, false, self.line)?),
                    });
                }
                Ok(Operation::Unpack { targets: slots.into(), source, bits: part })
            }
            _ => {
                if bits == 128 {
                    return parts.wrong("128 bits are moved as a pair of 64");
                }
                let target = self.target(0, bits)?;
                let source = self.source(1, bits)?;
                Ok(Operation::Copy { target, source, slots: bits.div_ceil(32) })
            }
        }
    }

    fn compare(&mut self, parts: &mut Parts<'_>) -> Result<Operation, PtxError> {
        let Some((comparison, unsigned)) = parts.first(comparison) else {
            return parts.wrong("no comparison");
        };
        let logic = parts.first(|part| match part {
            "and" => Some(Logic::And),
            "or" => Some(Logic::Or),
            "xor" => Some(Logic::Xor),
            _ => None,
        });
        let kind = parts.kind()?;
        parts.end()?;
        let float = kind.float();
        let bits = kind.bits();
        let fits = match comparison {
            Comparison::Equal | Comparison::NotEqual => true,
            Comparison::Less | Comparison::LessEqual | Comparison::Greater | Comparison::GreaterEqual => {
                if unsigned {
                    !float && !kind.signed()
                } else {
                    !kind.untyped()
                }
            }
            _ => float,
        };
        if !fits || !(16..=64).contains(&bits) || matches!(kind, Type::F16 | Type::Bf16) {
            return parts.wrong("this comparison of this type is not executed");
        }
        self.count(if logic.is_some() { 4 } else { 3 })?;
        let (target, opposite) = match &self.operands[0] {
            Operand::Pair(target, opposite) => (
                self.decoder.target_truth(target, self.line)?,
                self.decoder.target_truth(opposite, self.line)?,
            ),
            Operand::Name(target) => (self.decoder.target_truth(target, self.line)?, None),
            _ => return parts.wrong("the target is no predicate"),
        };
        let sources = [self.source(1, bits)?, self.source(2, bits)?];
        let combine = match logic {
            None => None,
            Some(logic) => Some((logic, self.truth(3)?)),
        };
        // Lower, lower or same, and so on, compare without a sign whatever the type says.
        let kind = match (unsigned, bits) {
            (true, 16) => Type::U16,
            (true, 32) => Type::U32,
            (true, _) => Type::U64,
            (false, _) => kind,
        };
        Ok(Operation::Compare { comparison, kind, target, opposite, sources, combine })
    }

    fn select(&mut self, parts: &mut Parts<'_>) -> Result<Operation, PtxError> {
        let kind = parts.kind()?;
        parts.end()?;
        let bits = kind.bits();
        if !(16..=64).contains(&bits) {
            return parts.wrong("this type is not executed");
        }
        self.count(4)?;
        Ok(Operation::Select {
            target: self.target(0, bits)?,
            sources: [self.source(1, bits)?, self.source(2, bits)?],
            slots: bits.div_ceil(32),
            condition: self.truth(3)?,
        })
    }

    fn convert(&mut self, parts: &mut Parts<'_>) -> Result<Operation, PtxError> {
        if parts.take("bf16x2") || parts.take("f16x2") {
            let to = if parts.opcode.contains("bf16x2") { Type::Bf16 } else { Type::F16 };
            if !parts.take("rn") || !parts.take("f32") {
                return parts.wrong("two floats are made of f32 with .rn");
            }
            parts.end()?;
            self.count(3)?;
            let target = self.target(0, 32)?;
            // The first operand becomes the upper half.
            let sources = [self.source(2, 32)?, self.source(1, 32)?];
            return Ok(Operation::ConvertPair { to, target, sources });
        }
        let rounding = parts.first(|part| {
            Some(match part {
                "rni" => Rounding::NearestEven,
                "rzi" => Rounding::Zero,
                "rmi" => Rounding::Down,
                "rpi" => Rounding::Up,
                _ => return None,
            })
        });
        let nearest = parts.take("rn");
        let saturate = parts.take("sat");
        let (to, from) = (parts.kind()?, parts.kind()?);
        parts.end()?;
        let half = |kind: Type| matches!(kind, Type::F16 | Type::Bf16);
        let fits = to.bits() <= 64
            && from.bits() <= 64
            && !to.untyped()
            && !from.untyped()
            && match (to.float(), from.float()) {
                (false, false) => rounding.is_none() && !nearest,
                (false, true) => rounding.is_some() && !half(from),
                (true, false) => nearest && rounding.is_none() && !saturate && !half(to),
                (true, true) if to == from => (rounding.is_some() || saturate) && !nearest && !half(to),
                (true, true) if half(to) => from == Type::F32 && nearest && !saturate,
                (true, true) if half(from) => to == Type::F32 && !nearest && rounding.is_none() && !saturate,
                (true, true) => nearest == (to == Type::F32) && rounding.is_none(),
            };
        if !fits {
            return parts.wrong("this conversion is not executed");
        }
        self.count(2)?;
        let target = self.decoder.target(&self.operands[0], to.bits(), true, self.line)?;
        let wide = self.decoder.slots(&self.operands[0], to.bits());
        if wide != to.bits().div_ceil(32) {
            // Into a wider register: the type says how it is extended.
            return match (to.float(), to.signed()) {
                (false, signed) => {
                    let target_type = if signed { Type::S64 } else { Type::U64 };
                    if from.float() || saturate || from.bits() > to.bits() {
                        return parts.wrong("this conversion into a wider register is not executed");
                    }
                    let source = self.decoder.source(&self.operands[1], from.bits(), true, self.line)?;
                    let rounding = Rounding::None;
                    Ok(Operation::Convert { to: target_type, from, rounding, saturate, target, source })
                }
                _ => parts.wrong("a float lies in a register of its own width"),
            };
        }
        let source = self.decoder.source(&self.operands[1], from.bits(), true, self.line)?;
        let rounding = rounding.unwrap_or(Rounding::None);
        Ok(Operation::Convert { to, from, rounding, saturate, target, source })
    }

    fn address(&mut self, parts: &mut Parts<'_>) -> Result<Operation, PtxError> {
        let to_generic = !parts.take("to");
        let Some(window) = parts.first(window) else {
            return parts.wrong("no space of memory");
        };
        let kind = parts.kind()?;
        parts.end()?;
        if kind.bits() != 64 || window == Window::Generic {
            return parts.wrong("addresses have 64 bits");
        }
        self.count(2)?;
        let (target, source) = (self.target(0, 64)?, self.source(1, 64)?);
        Ok(Operation::Address { window, to_generic, target, source, wide: true })
    }

    /// The window and the address of `[base + offset]`.
    fn place(&mut self, index: usize, window: Window) -> Result<(Window, Slot, bool, i64), PtxError> {
        let Operand::Memory(base, offset) = &self.operands[index] else {
            return self.wrong("no address in brackets");
        };
        let mut window = window;
        match &**base {
            Operand::Name(name) => match self.decoder.memory(name) {
                Some(place) => {
                    let (found, at) = match place {
                        Place::Parameter(at) => (Window::Parameter, at),
                        Place::Local(at) => (Window::Local, at),
                        Place::Shared(at) => (Window::Shared, at),
                        Place::Global(at) => (Window::Global, at),
                    };
                    if found != window
                        && window != Window::Generic
                        && !(window == Window::Parameter && found == Window::Local)
                    {
                        return self.wrong(format!("{name} lies in another space of memory"));
                    }
                    let slot = self.decoder.constant(at, 64);
                    Ok((found, slot, true, *offset))
                }
                None => {
                    // Arguments of a function that is laid out lie with the thread's own memory.
                    if window == Window::Parameter && !self.decoder.in_entry() {
                        window = Window::Local;
                    }
                    let wide = self.decoder.slots(base, 64) > 1;
                    let bits = if wide { 64 } else { 32 };
                    let slot = self.decoder.source(base, bits, false, self.line)?;
                    if !wide && matches!(window, Window::Global | Window::Generic) {
                        return self.wrong("an address of 32 bits in memory of the device");
                    }
                    Ok((window, slot, wide, *offset))
                }
            },
            Operand::Integer(value) => Ok((window, self.decoder.constant(*value, 64), true, *offset)),
            _ => self.wrong("no address"),
        }
    }

    fn transfer(&mut self, name: &str, parts: &mut Parts<'_>) -> Result<Operation, PtxError> {
        let strong = take_order(parts);
        let window = parts.first(window).unwrap_or(Window::Generic);
        for part in &mut parts.all {
            // How caches keep it.
            let hint = |part: &str| {
                matches!(part, "nc" | "ca" | "cg" | "cs" | "lu" | "cv" | "wb" | "wt" | "unified")
                    || part.starts_with("L1::")
                    || (part.starts_with("L2::") && part != "L2::cache_hint")
            };
            if part.is_some_and(hint) {
                *part = None;
            }
        }
        let vector = parts.first(|part| match part {
            "v2" => Some(2),
            "v4" => Some(4),
            "v8" => Some(8),
            _ => None,
        });
        let kind = parts.kind()?;
        parts.end()?;
        self.count(2)?;
        let load = name != "st";
        let (value, memory) = if load { (0, 1) } else { (1, 0) };
        let elements: Vec<&Operand> = match (&self.operands[value], vector) {
            (Operand::Vector(elements), Some(count)) if elements.len() == count => elements.iter().collect(),
            (Operand::Vector(_), _) | (_, Some(_)) => return parts.wrong("as many registers as .v says"),
            (operand, None) => vec![operand],
        };
        if kind.bits() as usize * elements.len() > 256 {
            return parts.wrong("more than 32 bytes at once");
        }
        let (window, address, wide, offset) = self.place(memory, window)?;
        let mut found = Vec::new();
        for element in elements {
            found.push(self.decoder.element(element, kind.bits(), load, self.line)?);
        }
        let access = Access { window, address, wide, offset, kind, elements: found.into(), strong };
        let access = Box::new(access);
        Ok(if load { Operation::Load(access) } else { Operation::Store(access) })
    }

    fn atomic(&mut self, name: &str, parts: &mut Parts<'_>) -> Result<Operation, PtxError> {
        take_order(parts);
        let window = parts.first(window).unwrap_or(Window::Generic);
        if !matches!(window, Window::Global | Window::Shared | Window::Generic) {
            return parts.wrong("atomic operations act on memory of the device or of a block");
        }
        let Some(atomic) = parts.first(atomic) else {
            return parts.wrong("this operation is not executed");
        };
        let kind = parts.kind()?;
        parts.end()?;
        let bits = kind.bits();
        if kind.float() {
            return parts.wrong("an order of float sums that no run repeats: not executed");
        }
        let fits = match atomic {
            Atomic::Add => !kind.untyped(),
            Atomic::Least | Atomic::Greatest => !kind.untyped(),
            Atomic::Increment | Atomic::Decrement => kind == Type::U32,
            _ => kind.untyped(),
        };
        if !fits || !matches!(bits, 32 | 64) {
            return parts.wrong("this operation on this type is not executed");
        }
        let result = usize::from(name == "atom");
        let swap = atomic == Atomic::CompareAndSwap;
        self.count(result + 2 + usize::from(swap))?;
        let target = if result == 0 {
            Element { slot: None, slots: bits / 32 }
        } else {
            self.decoder.element(&self.operands[0], bits, true, self.line)?
        };
        let (window, address, wide, offset) = self.place(result, window)?;
        let first = self.source(result + 1, bits)?;
        let second = if swap { self.source(result + 2, bits)? } else { first };
        let elements = Box::new([target]);
        let access = Box::new(Access { window, address, wide, offset, kind, elements, strong: true });
        Ok(Operation::Atomic { atomic, access, sources: [first, second] })
    }

    fn barrier(&mut self, parts: &mut Parts<'_>) -> Result<Operation, PtxError> {
        parts.take("cta");
        parts.take("aligned");
        if parts.take("warp") {
            if !parts.take("sync") {
                return parts.wrong("only .sync");
            }
            parts.end()?;
            self.count(1)?;
            return Ok(Operation::WarpBarrier { members: self.source(0, 32)? });
        }
        let arrive = parts.take("arrive");
        let mut at = 0;
        let reduction = if parts.take("red") {
            let function =
                parts.first(|part| matches!(part, "popc" | "and" | "or").then(|| part.to_string()));
            let target = match function.as_deref() {
                Some("popc") => {
                    parts.take("u32");
                    Reduction::CountOnes { target: self.first_target(32)? }
                }
                Some("and") => Reduction::And { target: self.first_truth()? },
                Some("or") => Reduction::Or { target: self.first_truth()? },
                _ => return parts.wrong("this reduction is not executed"),
            };
            parts.take("pred");
            at = 1;
            Some(target)
        } else {
            if !arrive && !parts.take("sync") {
                return parts.wrong("neither .sync nor .arrive nor .red");
            }
            None
        };
        parts.end()?;
        let rest = self.operands.len().saturating_sub(at + usize::from(reduction.is_some()));
        if rest == 0 || rest > 2 || (arrive && rest != 2) {
            return parts.wrong("the number of a barrier, and perhaps a count of threads, are expected");
        }
        let number = self.source(at, 32)?;
        let threads = if rest == 2 { Some(self.source(at + 1, 32)?) } else { None };
        let reduction = match reduction {
            None => None,
            Some(reduction) => Some((reduction, self.truth(at + rest)?)),
        };
        Ok(Operation::Barrier(Box::new(Barrier { number, threads, arrive, reduction })))
    }

    fn first_target(&mut self, bits: u32) -> Result<Slot, PtxError> {
        if self.operands.is_empty() {
            return self.wrong("no target");
        }
        self.target(0, bits)
    }

    fn first_truth(&mut self) -> Result<Truth, PtxError> {
        if self.operands.is_empty() {
            return self.wrong("no target");
        }
        Ok(self.truth(0)?.truth)
    }

    fn shuffle(&mut self, parts: &mut Parts<'_>) -> Result<Operation, PtxError> {
        if !parts.take("sync") {
            return parts.wrong("only .sync");
        }
        let shuffle = parts.first(|part| {
            Some(match part {
                "idx" => Shuffle::Index,
                "up" => Shuffle::Up,
                "down" => Shuffle::Down,
                "bfly" => Shuffle::Butterfly,
                _ => return None,
            })
        });
        let Some(shuffle) = shuffle else {
            return parts.wrong("no mode");
        };
        if !parts.take("b32") {
            return parts.wrong("only .b32");
        }
        parts.end()?;
        self.count(5)?;
        let (target, valid) = match &self.operands[0] {
            Operand::Pair(target, valid) => {
                let target = Operand::Name(target.clone());
                let target = self.decoder.target(&target, 32, false, self.line)?;
                (target, self.decoder.target_truth(valid, self.line)?)
            }
            _ => (self.target(0, 32)?, None),
        };
        let sources = [self.source(1, 32)?, self.source(2, 32)?, self.source(3, 32)?, self.source(4, 32)?];
        Ok(Operation::Shuffle { shuffle, target, valid, sources })
    }

    fn vote(&mut self, parts: &mut Parts<'_>) -> Result<Operation, PtxError> {
        if !parts.take("sync") {
            return parts.wrong("only .sync");
        }
        let vote = parts.first(|part| {
            Some(match part {
                "all" => Vote::All,
                "any" => Vote::Any,
                "uni" => Vote::Uniform,
                "ballot" => Vote::Ballot,
                _ => return None,
            })
        });
        let Some(vote) = vote else {
            return parts.wrong("no mode");
        };
        if !parts.take(if vote == Vote::Ballot { "b32" } else { "pred" }) {
            return parts.wrong("no type");
        }
        parts.end()?;
        self.count(3)?;
        let target = if vote == Vote::Ballot { self.target(0, 32)? } else { self.truth(0)?.truth };
        Ok(Operation::Vote { vote, target, source: self.truth(1)?, members: self.source(2, 32)? })
    }

    fn reduce(&mut self, parts: &mut Parts<'_>) -> Result<Operation, PtxError> {
        if !parts.take("sync") {
            return parts.wrong("only .sync");
        }
        let atomic = parts.first(|part| {
            atomic(part).filter(|found| {
                matches!(
                    found,
                    Atomic::Add | Atomic::Least | Atomic::Greatest | Atomic::And | Atomic::Or | Atomic::Xor
                )
            })
        });
        let Some(atomic) = atomic else {
            return parts.wrong("this operation is not executed");
        };
        let kind = parts.kind()?;
        parts.end()?;
        if kind.bits() != 32 || kind.float() {
            return parts.wrong("this type is not executed");
        }
        self.count(3)?;
        Ok(Operation::Reduce {
            atomic,
            signed: kind.signed(),
            target: self.target(0, 32)?,
            source: self.source(1, 32)?,
            members: self.source(2, 32)?,
        })
    }

    fn branch_table(&mut self, parts: &mut Parts<'_>) -> Result<Operation, PtxError> {
        parts.take("uni");
        if !parts.take("idx") {
            return parts.wrong("only .idx");
        }
        parts.end()?;
        self.count(2)?;
        let index = self.source(0, 32)?;
        let Operand::Name(name) = &self.operands[1] else {
            return parts.wrong("no table of labels");
        };
        let Some(labels) = self.decoder.table(name) else {
            return parts.wrong(&format!("there is no table of labels {name}"));
        };
        self.decoder.jump_table(labels, self.line);
        Ok(Operation::BranchTable { targets: Box::new([]), index })
    }
}
