//! One number at a time, as the PTX ISA defines it. Every function is total: no input panics.

use super::instruction::{Comparison, Rounding, Type};

/// The NaN that operations on f32 give.
pub const NAN: u32 = 0x7fff_ffff;

/// The bits of a result; every NaN is the one.
#[inline(always)]
pub fn single(value: f32) -> u32 {
    if value.is_nan() { NAN } else { value.to_bits() }
}

/// The smaller; the number where one is NaN; -0 before +0.
#[inline(always)]
pub fn least_single(a: f32, b: f32) -> f32 {
    if a.is_nan() {
        b
    } else if b.is_nan() || a < b || (a == b && a.is_sign_negative()) {
        a
    } else {
        b
    }
}

/// The greater, likewise.
#[inline(always)]
pub fn greatest_single(a: f32, b: f32) -> f32 {
    if a.is_nan() {
        b
    } else if b.is_nan() || a > b || (a == b && a.is_sign_positive()) {
        a
    } else {
        b
    }
}

/// The smaller of two f64.
#[inline(always)]
pub fn least_double(a: f64, b: f64) -> f64 {
    if a.is_nan() {
        b
    } else if b.is_nan() || a < b || (a == b && a.is_sign_negative()) {
        a
    } else {
        b
    }
}

/// The greater of two f64.
#[inline(always)]
pub fn greatest_double(a: f64, b: f64) -> f64 {
    if a.is_nan() {
        b
    } else if b.is_nan() || a > b || (a == b && a.is_sign_positive()) {
        a
    } else {
        b
    }
}

/// Shifts left; nothing is left of a shift past the width.
#[inline(always)]
pub fn shift_left(a: u64, by: u32, bits: u32) -> u64 {
    if by >= bits { 0 } else { a << by }
}

/// Shifts right, in zeros or the sign.
#[inline(always)]
pub fn shift_right(a: u64, by: u32, bits: u32, signed: bool) -> u64 {
    if signed {
        let a = sign_extend(a, bits) as i64;
        (a >> by.min(63)) as u64
    } else if by >= bits {
        0
    } else {
        a >> by
    }
}

/// Repeats the highest of some bits upward.
#[inline(always)]
pub fn sign_extend(a: u64, bits: u32) -> u64 {
    let spare = 64 - bits;
    ((a << spare) as i64 >> spare) as u64
}

/// A field of bits, filled up with zeros or the field's sign.
pub fn extract(a: u64, at: u32, length: u32, bits: u32, signed: bool) -> u64 {
    let (at, length) = (at & 0xff, length & 0xff);
    let sign_at = (at + length).saturating_sub(1).min(bits - 1);
    let sign = signed && length > 0 && a >> sign_at & 1 == 1;
    // Bits past the end are the sign too.
    let there = length.min(bits.saturating_sub(at)).min(bits);
    let mut value = if at >= bits { 0 } else { a >> at };
    if there < 64 {
        let low = (1u64 << there) - 1;
        value &= low;
        if sign {
            value |= !low;
        }
    }
    value
}

/// Writes a field of `a` into `b`.
pub fn insert(a: u64, b: u64, at: u32, length: u32, bits: u32) -> u64 {
    let (at, length) = (at & 0xff, length & 0xff);
    if at >= bits || length == 0 {
        return b;
    }
    let there = length.min(bits - at);
    let mask = if there == 64 { u64::MAX } else { ((1u64 << there) - 1) << at };
    (b & !mask) | (a << at & mask)
}

/// Picks four of the eight bytes of two registers.
pub fn permute(a: u32, b: u32, selector: u32) -> u32 {
    let bytes = u64::from(b) << 32 | u64::from(a);
    let mut result = 0;
    for index in 0..4 {
        let choice = selector >> (4 * index) & 0xf;
        let byte = (bytes >> (8 * (choice & 7))) as u8;
        let byte = if choice & 8 == 0 { byte } else { ((byte as i8) >> 7) as u8 };
        result |= u32::from(byte) << (8 * index);
    }
    result
}

/// Any function of three bits, for each bit.
pub fn lookup(a: u32, b: u32, c: u32, table: u8) -> u32 {
    let mut result = 0;
    for index in 0..8 {
        if table >> index & 1 == 1 {
            let pick = |value: u32, bit: u32| if index >> bit & 1 == 1 { value } else { !value };
            result |= pick(a, 2) & pick(b, 1) & pick(c, 0);
        }
    }
    result
}

/// Where the highest bit stands that is not the sign's.
pub fn find_top(a: u64, bits: u32, signed: bool) -> u32 {
    let a = if signed && a >> (bits - 1) & 1 == 1 { !a & (u64::MAX >> (64 - bits)) } else { a };
    if a == 0 { u32::MAX } else { 63 - a.leading_zeros() }
}

/// How far it would have to be shifted to be at the top.
pub fn find_top_shift(a: u64, bits: u32, signed: bool) -> u32 {
    match find_top(a, bits, signed) {
        u32::MAX => u32::MAX,
        place => bits - 1 - place,
    }
}

/// Funnel shifts of `b:a`.
#[inline(always)]
pub fn funnel_left(a: u32, b: u32, by: u32) -> u32 {
    let wide = u64::from(b) << 32 | u64::from(a);
    ((wide << by.min(32)) >> 32) as u32
}

/// To the right.
#[inline(always)]
pub fn funnel_right(a: u32, b: u32, by: u32) -> u32 {
    let wide = u64::from(b) << 32 | u64::from(a);
    (wide >> by.min(32)) as u32
}

/// A sum of four products of bytes.
pub fn dot_bytes(a: u32, b: u32, c: u32, first_signed: bool, second_signed: bool) -> u32 {
    let mut sum = c;
    for index in 0..4 {
        let byte = |value: u32, signed: bool| {
            let byte = (value >> (8 * index)) as u8;
            if signed { i32::from(byte as i8) } else { i32::from(byte) }
        };
        sum = sum.wrapping_add((byte(a, first_signed) * byte(b, second_signed)) as u32);
    }
    sum
}

/// Compares two floats.
#[inline(always)]
pub fn compare_floats<F: PartialOrd>(comparison: Comparison, a: F, b: F) -> bool {
    // A value that is no number is not even equal to itself.
    #[expect(clippy::eq_op, reason = "tells a NaN")]
    let unordered = a != a || b != b;
    match comparison {
        Comparison::Equal => a == b,
        Comparison::NotEqual => a != b && !unordered,
        Comparison::Less => a < b,
        Comparison::LessEqual => a <= b,
        Comparison::Greater => a > b,
        Comparison::GreaterEqual => a >= b,
        Comparison::EqualUnordered => a == b || unordered,
        Comparison::NotEqualUnordered => a != b,
        Comparison::LessUnordered => a < b || unordered,
        Comparison::LessEqualUnordered => a <= b || unordered,
        Comparison::GreaterUnordered => a > b || unordered,
        Comparison::GreaterEqualUnordered => a >= b || unordered,
        Comparison::Numbers => !unordered,
        Comparison::SomeNan => unordered,
    }
}

/// Compares two integers.
#[inline(always)]
pub fn compare_integers<I: Ord>(comparison: Comparison, a: I, b: I) -> bool {
    match comparison {
        Comparison::Equal | Comparison::EqualUnordered => a == b,
        Comparison::NotEqual | Comparison::NotEqualUnordered => a != b,
        Comparison::Less | Comparison::LessUnordered => a < b,
        Comparison::LessEqual | Comparison::LessEqualUnordered => a <= b,
        Comparison::Greater | Comparison::GreaterUnordered => a > b,
        Comparison::GreaterEqual | Comparison::GreaterEqualUnordered => a >= b,
        Comparison::Numbers => true,
        Comparison::SomeNan => false,
    }
}

/// A float of 16 bits as f32, exactly.
pub fn widen_half(bits: u16) -> f32 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let exponent = i32::from(bits >> 10 & 0x1f);
    let fraction = f32::from(bits & 0x3ff);
    match exponent {
        // Below the smallest normal number: units of 2^-24.
        0 => sign * fraction * f32::from_bits(103 << 23),
        0x1f if fraction == 0.0 => sign * f32::INFINITY,
        0x1f => f32::NAN,
        _ => sign * (1024.0 + fraction) * f32::from_bits(((exponent - 25 + 127) as u32) << 23),
    }
}

/// An f32 as the nearest float with this many bits of exponent and fraction, halves to even.
fn narrow(value: f32, exponent_bits: u32, fraction_bits: u32, nan: u16) -> u16 {
    let bits = value.to_bits();
    let sign = ((bits >> 31) as u16) << 15;
    if value.is_nan() {
        return nan;
    }
    let bias = (1i32 << (exponent_bits - 1)) - 1;
    let greatest = (1i32 << exponent_bits) - 1;
    let infinity = sign | (greatest as u16) << fraction_bits;
    let exponent = (bits >> 23 & 0xff) as i32;
    if exponent == 0xff {
        return infinity;
    }
    // The significand with its hidden bit, as a number of units of 2^(exponent - 150).
    let significand = if exponent == 0 { bits & 0x7f_ffff } else { bits & 0x7f_ffff | 0x80_0000 };
    let exponent = exponent.max(1);
    let target = exponent - 127 + bias;
    let drop = 23 - fraction_bits as i32 + (1 - target).max(0);
    if drop > 25 {
        return sign;
    }
    let kept = significand >> drop;
    let rest = significand & ((1 << drop) - 1);
    let half = 1u32 << (drop - 1);
    let rounded = kept + u32::from(rest > half || (rest == half && kept & 1 == 1));
    // A carry into the exponent is just what is wanted; a normal number brings its hidden bit along.
    let base = if target >= 1 { ((target - 1) as u32) << fraction_bits } else { 0 };
    let result = base + rounded;
    if result >= (greatest as u32) << fraction_bits { infinity } else { sign | result as u16 }
}

/// An f32 as f16 or bf16, to the nearest.
pub fn narrow_single(value: f32, to: Type) -> u16 {
    if to == Type::Bf16 { narrow(value, 8, 7, 0x7fff) } else { narrow(value, 5, 10, 0x7fff) }
}

/// Rounds to a whole number.
#[inline(always)]
pub fn round(value: f64, rounding: Rounding) -> f64 {
    match rounding {
        Rounding::None => value,
        Rounding::NearestEven => value.round_ties_even(),
        Rounding::Zero => value.trunc(),
        Rounding::Down => value.floor(),
        Rounding::Up => value.ceil(),
    }
}

/// The lowest and the highest value of an integer type.
fn range(kind: Type) -> (i128, i128) {
    let bits = kind.bits();
    if kind.signed() { (-(1i128 << (bits - 1)), (1i128 << (bits - 1)) - 1) } else { (0, (1i128 << bits) - 1) }
}

/// Converts a value given by its bits; a result narrower than a register is extended as its type says.
pub fn convert(to: Type, from: Type, rounding: Rounding, saturate: bool, bits: u64) -> u64 {
    if !from.float() {
        let value = if from.signed() {
            i128::from(sign_extend(bits, from.bits()) as i64)
        } else if from.bits() == 64 {
            i128::from(bits)
        } else {
            i128::from(bits & ((1 << from.bits()) - 1))
        };
        return match to {
            Type::F32 => u64::from((value as f32).to_bits()),
            Type::F64 => (value as f64).to_bits(),
            _ => {
                let (lowest, highest) = range(to);
                let value = if saturate { value.clamp(lowest, highest) } else { value } as u64;
                extend(value, to)
            }
        };
    }
    // Every f32 is an f64, and rounding to a whole number goes the same way in both.
    let value = match from {
        Type::F64 => f64::from_bits(bits),
        Type::F32 => f64::from(f32::from_bits(bits as u32)),
        Type::Bf16 => f64::from(f32::from_bits((bits as u32) << 16)),
        _ => f64::from(widen_half(bits as u16)),
    };
    if !to.float() {
        if value.is_nan() {
            let zero = from != Type::F64 && to.bits() != 64;
            return if zero { 0 } else { extend(1 << (to.bits() - 1), to) };
        }
        let (lowest, highest) = range(to);
        // A cast of floats to integers stops at the ends of i128.
        let value = (round(value, rounding) as i128).clamp(lowest, highest) as u64;
        return extend(value, to);
    }
    let mut value = round(value, rounding);
    if saturate {
        // NaN becomes 0.
        value = if value > 0.0 { if value < 1.0 { value } else { 1.0 } } else { 0.0 };
    }
    match to {
        Type::F64 => value.to_bits(),
        Type::F32 => u64::from(single(value as f32)),
        _ => u64::from(narrow_single(value as f32, to)),
    }
}

fn extend(value: u64, to: Type) -> u64 {
    match (to.bits(), to.signed()) {
        (64, _) => value,
        (bits, true) => sign_extend(value, bits),
        (bits, false) => value & ((1 << bits) - 1),
    }
}
