//! What the words of an opcode mean: types, functions, comparisons, and with which shapes they are executed.

use super::instruction::*;
use crate::ptx::PtxError;

/// What comes after the opcode's first word; each part is taken once, and none may be left.
pub(super) struct Parts<'i> {
    pub(super) all: Vec<Option<&'i str>>,
    pub(super) opcode: &'i str,
    pub(super) line: u32,
}

impl<'i> Parts<'i> {
    pub(super) fn take(&mut self, name: &str) -> bool {
        match self.all.iter_mut().find(|part| **part == Some(name)) {
            Some(part) => {
                *part = None;
                true
            }
            None => false,
        }
    }

    /// Takes the first part that means something.
    pub(super) fn first<T>(&mut self, meaning: impl Fn(&str) -> Option<T>) -> Option<T> {
        for part in &mut self.all {
            if let Some(found) = part.and_then(&meaning) {
                *part = None;
                return Some(found);
            }
        }
        None
    }

    pub(super) fn kind(&mut self) -> Result<Type, PtxError> {
        self.first(Type::named).ok_or_else(|| PtxError::new(self.line, format!("{}: no type", self.opcode)))
    }

    pub(super) fn wrong<T>(&self, what: &str) -> Result<T, PtxError> {
        Err(PtxError::new(self.line, format!("{}: {what}", self.opcode)))
    }

    /// Whether every part was understood.
    pub(super) fn end(&self) -> Result<(), PtxError> {
        match self.all.iter().flatten().next() {
            None => Ok(()),
            Some(part) => self.wrong(&format!(".{part} is not executed")),
        }
    }
}

/// A function with the bits of its sources and its target.
pub(super) struct Shape {
    pub(super) function: Function,
    pub(super) kind: Type,
    pub(super) sources: Vec<u32>,
    pub(super) target: u32,
}

/// The bits of each of some parts.
pub(super) fn part_bits(bits: u32, count: usize, parts: &Parts<'_>) -> Result<u32, PtxError> {
    let part = bits / count.max(1) as u32;
    if (bits == 128 && part == 64) || (bits <= 64 && matches!(part, 16 | 32) && part < bits) {
        return Ok(part);
    }
    parts.wrong(&format!("{bits} bits are not made of {count} registers"))
}

/// Takes the words that tell of order among threads; true where the access may meet atomic ones.
pub(super) fn take_order(parts: &mut Parts<'_>) -> bool {
    let mut strong = false;
    for name in ["volatile", "relaxed", "acquire", "release", "acq_rel"] {
        strong |= parts.take(name);
    }
    for name in ["weak", "cta", "cluster", "gpu", "sys"] {
        parts.take(name);
    }
    strong
}

pub(super) fn window(part: &str) -> Option<Window> {
    Some(match part {
        "global" | "const" => Window::Global,
        "shared" | "shared::cta" => Window::Shared,
        "local" => Window::Local,
        "param" | "param::entry" | "param::func" => Window::Parameter,
        _ => return None,
    })
}

pub(super) fn atomic(part: &str) -> Option<Atomic> {
    Some(match part {
        "add" => Atomic::Add,
        "min" => Atomic::Least,
        "max" => Atomic::Greatest,
        "inc" => Atomic::Increment,
        "dec" => Atomic::Decrement,
        "and" => Atomic::And,
        "or" => Atomic::Or,
        "xor" => Atomic::Xor,
        "exch" => Atomic::Exchange,
        "cas" => Atomic::CompareAndSwap,
        _ => return None,
    })
}

/// A comparison, and whether it leaves the sign out.
pub(super) fn comparison(part: &str) -> Option<(Comparison, bool)> {
    Some(match part {
        "eq" => (Comparison::Equal, false),
        "ne" => (Comparison::NotEqual, false),
        "lt" => (Comparison::Less, false),
        "le" => (Comparison::LessEqual, false),
        "gt" => (Comparison::Greater, false),
        "ge" => (Comparison::GreaterEqual, false),
        "lo" => (Comparison::Less, true),
        "ls" => (Comparison::LessEqual, true),
        "hi" => (Comparison::Greater, true),
        "hs" => (Comparison::GreaterEqual, true),
        "equ" => (Comparison::EqualUnordered, false),
        "neu" => (Comparison::NotEqualUnordered, false),
        "ltu" => (Comparison::LessUnordered, false),
        "leu" => (Comparison::LessEqualUnordered, false),
        "gtu" => (Comparison::GreaterUnordered, false),
        "geu" => (Comparison::GreaterEqualUnordered, false),
        "num" => (Comparison::Numbers, false),
        "nan" => (Comparison::SomeNan, false),
        _ => return None,
    })
}

/// What a computation needs.
pub(super) fn shape(name: &str, parts: &mut Parts<'_>) -> Result<Shape, PtxError> {
    let rounded = parts.take("rn");
    let half = parts.first(|part| match part {
        "lo" => Some(0),
        "hi" => Some(1),
        "wide" => Some(2),
        _ => None,
    });
    let modes = (parts.take("wrap"), parts.take("clamp"), parts.take("l"), parts.take("r"));
    let shiftamt = name == "bfind" && parts.take("shiftamt");
    let kind = parts.kind()?;
    let bits = kind.bits();
    let real = matches!(kind, Type::F32 | Type::F64);
    let whole = matches!(bits, 16 | 32 | 64) && !kind.float() && !kind.untyped();
    let large = whole && bits >= 32;
    let untyped = kind.untyped() && matches!(bits, 16 | 32 | 64);
    let untyped_large = untyped && bits >= 32;
    let same =
        |function: Function, count: usize| Shape { function, kind, sources: vec![bits; count], target: bits };
    let (fits, shape) = match name {
        "add" => (real || whole, same(Function::Add, 2)),
        "sub" => (real || whole, same(Function::Subtract, 2)),
        "mul" => match half {
            None => (real, same(Function::Multiply, 2)),
            Some(0) => (whole, same(Function::Multiply, 2)),
            Some(1) => (whole, same(Function::MultiplyHigh, 2)),
            Some(_) => {
                let shape = Shape { target: bits * 2, ..same(Function::MultiplyWide, 2) };
                (whole && bits < 64, shape)
            }
        },
        "mad" => match half {
            None => (real && rounded, same(Function::Fused, 3)),
            Some(0) => (whole, same(Function::MultiplyAdd, 3)),
            Some(1) => (large, same(Function::MultiplyAddHigh, 3)),
            Some(_) => {
                let sources = vec![bits, bits, bits * 2];
                let function = Function::MultiplyAddWide;
                (whole && bits < 64, Shape { function, kind, sources, target: bits * 2 })
            }
        },
        "fma" => (real && rounded, same(Function::Fused, 3)),
        "div" => (whole || (real && rounded), same(Function::Divide, 2)),
        "rem" => (whole, same(Function::Remainder, 2)),
        "sqrt" => (real && rounded, same(Function::Root, 1)),
        "rcp" => (real && rounded, same(Function::Reciprocal, 1)),
        "abs" => (real || (whole && kind.signed()), same(Function::Absolute, 1)),
        "neg" => (real || (whole && kind.signed()), same(Function::Negate, 1)),
        "min" => (real || whole, same(Function::Least, 2)),
        "max" => (real || whole, same(Function::Greatest, 2)),
        "copysign" => (real, same(Function::CopySign, 2)),
        "and" => (untyped, same(Function::And, 2)),
        "or" => (untyped, same(Function::Or, 2)),
        "xor" => (untyped, same(Function::Xor, 2)),
        "not" => (untyped, same(Function::Not, 1)),
        "cnot" => (untyped, same(Function::LogicalNot, 1)),
        "shl" => (untyped, Shape { sources: vec![bits, 32], ..same(Function::ShiftLeft, 2) }),
        "shr" => {
            let fits = (untyped || whole) && bits >= 16;
            (fits, Shape { sources: vec![bits, 32], ..same(Function::ShiftRight, 2) })
        }
        "shf" => {
            let function = match modes {
                (true, false, true, false) => Function::FunnelLeftWrap,
                (false, true, true, false) => Function::FunnelLeftClamp,
                (true, false, false, true) => Function::FunnelRightWrap,
                (false, true, false, true) => Function::FunnelRightClamp,
                _ => return parts.wrong("one of .l and .r, and one of .wrap and .clamp"),
            };
            (kind == Type::B32, same(function, 3))
        }
        "bfe" => (large, Shape { sources: vec![bits, 32, 32], ..same(Function::Extract, 3) }),
        "bfi" => (untyped_large, Shape { sources: vec![bits, bits, 32, 32], ..same(Function::Insert, 4) }),
        "bfind" => {
            let function = if shiftamt { Function::FindTopShift } else { Function::FindTop };
            (large, Shape { target: 32, ..same(function, 1) })
        }
        "brev" => (untyped_large, same(Function::Reverse, 1)),
        "popc" => (untyped_large, Shape { target: 32, ..same(Function::CountOnes, 1) }),
        "clz" => (untyped_large, Shape { target: 32, ..same(Function::CountLeadingZeros, 1) }),
        "prmt" => (kind == Type::B32, same(Function::Permute, 3)),
        "lop3" => (kind == Type::B32, same(Function::Lookup(0), 3)),
        "dp4a" => {
            let second = parts.kind()?;
            let fits = |kind: Type| matches!(kind, Type::U32 | Type::S32);
            let function = Function::DotBytes { first_signed: kind.signed(), second_signed: second.signed() };
            (fits(kind) && fits(second), same(function, 3))
        }
        "sad" => (whole, same(Function::SumOfDifference, 3)),
        _ => return parts.wrong("is not executed"),
    };
    if !fits {
        return parts.wrong("this type, or this way to round, is not executed");
    }
    if rounded && !real {
        return parts.wrong("integers are not rounded");
    }
    if half.is_some() && !matches!(name, "mul" | "mad") {
        return parts.wrong(".lo, .hi and .wide are for products");
    }
    if name != "shf" && modes != (false, false, false, false) {
        return parts.wrong(".wrap and .clamp are for shf");
    }
    Ok(shape)
}
