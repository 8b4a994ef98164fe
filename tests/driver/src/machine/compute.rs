//! Computations over the lanes of a warp.

use super::arithmetic::*;
use super::instruction::{Function, Slot, Type};

/// A register of 32 lanes.
pub type Lanes = [u32; 32];

#[inline(always)]
fn store(target: &mut Lanes, mask: u32, value: impl Fn(usize) -> u32) {
    if mask == u32::MAX {
        for (lane, target) in target.iter_mut().enumerate() {
            *target = value(lane);
        }
    } else {
        for (lane, target) in target.iter_mut().enumerate() {
            let new = value(lane);
            *target = if mask >> lane & 1 == 1 { new } else { *target };
        }
    }
}

#[inline(always)]
fn one(registers: &mut [Lanes], target: Slot, a: Slot, mask: u32, function: impl Fn(u32) -> u32) {
    let a = registers[a as usize];
    store(&mut registers[target as usize], mask, |lane| function(a[lane]));
}

#[inline(always)]
fn two(registers: &mut [Lanes], target: Slot, s: [Slot; 4], mask: u32, function: impl Fn(u32, u32) -> u32) {
    let (a, b) = (registers[s[0] as usize], registers[s[1] as usize]);
    store(&mut registers[target as usize], mask, |lane| function(a[lane], b[lane]));
}

#[inline(always)]
fn three(
    registers: &mut [Lanes],
    target: Slot,
    s: [Slot; 4],
    mask: u32,
    function: impl Fn(u32, u32, u32) -> u32,
) {
    let (a, b, c) = (registers[s[0] as usize], registers[s[1] as usize], registers[s[2] as usize]);
    store(&mut registers[target as usize], mask, |lane| function(a[lane], b[lane], c[lane]));
}

/// The value of a register of 64 bits in one lane.
#[inline(always)]
pub fn wide(registers: &[Lanes], slot: Slot, lane: usize) -> u64 {
    u64::from(registers[slot as usize][lane]) | u64::from(registers[slot as usize + 1][lane]) << 32
}

#[inline(always)]
fn set_wide(registers: &mut [Lanes], slot: Slot, mask: u32, value: impl Fn(usize) -> u64) {
    let mut values = [0u64; 32];
    for (lane, place) in values.iter_mut().enumerate() {
        *place = value(lane);
    }
    store(&mut registers[slot as usize], mask, |lane| values[lane] as u32);
    store(&mut registers[slot as usize + 1], mask, |lane| (values[lane] >> 32) as u32);
}

#[inline(always)]
fn column(registers: &[Lanes], slot: Slot) -> [u64; 32] {
    let (low, high) = (&registers[slot as usize], &registers[slot as usize + 1]);
    let mut values = [0; 32];
    for (lane, value) in values.iter_mut().enumerate() {
        *value = u64::from(low[lane]) | u64::from(high[lane]) << 32;
    }
    values
}

#[inline(always)]
fn wide_one(registers: &mut [Lanes], target: Slot, a: Slot, mask: u32, function: impl Fn(u64) -> u64) {
    let a = column(registers, a);
    set_wide(registers, target, mask, |lane| function(a[lane]));
}

#[inline(always)]
fn wide_two(
    registers: &mut [Lanes],
    target: Slot,
    s: [Slot; 4],
    mask: u32,
    function: impl Fn(u64, u64) -> u64,
) {
    let (a, b) = (column(registers, s[0]), column(registers, s[1]));
    set_wide(registers, target, mask, |lane| function(a[lane], b[lane]));
}

#[inline(always)]
fn wide_three(
    registers: &mut [Lanes],
    target: Slot,
    s: [Slot; 4],
    mask: u32,
    function: impl Fn(u64, u64, u64) -> u64,
) {
    let (a, b, c) = (column(registers, s[0]), column(registers, s[1]), column(registers, s[2]));
    set_wide(registers, target, mask, |lane| function(a[lane], b[lane], c[lane]));
}

/// Computes; false where this function has no meaning for this type.
#[inline(always)]
pub fn compute(
    registers: &mut [Lanes],
    function: Function,
    kind: Type,
    target: Slot,
    s: [Slot; 4],
    mask: u32,
) -> bool {
    match kind {
        Type::F32 => singles(registers, function, target, s, mask),
        Type::F64 => doubles(registers, function, target, s, mask),
        _ => match kind.bits() {
            16 => small(registers, function, kind.signed(), target, s, mask),
            32 => integers(registers, function, kind.signed(), target, s, mask),
            64 => wide_integers(registers, function, kind.signed(), target, s, mask),
            _ => false,
        },
    }
}

#[inline(always)]
fn singles(r: &mut [Lanes], function: Function, t: Slot, s: [Slot; 4], mask: u32) -> bool {
    let f = f32::from_bits;
    match function {
        Function::Add => two(r, t, s, mask, |a, b| single(f(a) + f(b))),
        Function::Subtract => two(r, t, s, mask, |a, b| single(f(a) - f(b))),
        Function::Multiply => two(r, t, s, mask, |a, b| single(f(a) * f(b))),
        Function::Fused => three(r, t, s, mask, |a, b, c| single(f(a).mul_add(f(b), f(c)))),
        Function::Divide => two(r, t, s, mask, |a, b| single(f(a) / f(b))),
        Function::Root => one(r, t, s[0], mask, |a| single(f(a).sqrt())),
        Function::Reciprocal => one(r, t, s[0], mask, |a| single(1.0 / f(a))),
        Function::Absolute => one(r, t, s[0], mask, |a| a & 0x7fff_ffff),
        Function::Negate => one(r, t, s[0], mask, |a| a ^ 1 << 31),
        Function::Least => two(r, t, s, mask, |a, b| single(least_single(f(a), f(b)))),
        Function::Greatest => two(r, t, s, mask, |a, b| single(greatest_single(f(a), f(b)))),
        Function::CopySign => two(r, t, s, mask, |a, b| a & 1 << 31 | b & 0x7fff_ffff),
        _ => return false,
    }
    true
}

#[inline(always)]
fn doubles(r: &mut [Lanes], function: Function, t: Slot, s: [Slot; 4], mask: u32) -> bool {
    let f = f64::from_bits;
    match function {
        Function::Add => wide_two(r, t, s, mask, |a, b| (f(a) + f(b)).to_bits()),
        Function::Subtract => wide_two(r, t, s, mask, |a, b| (f(a) - f(b)).to_bits()),
        Function::Multiply => wide_two(r, t, s, mask, |a, b| (f(a) * f(b)).to_bits()),
        Function::Fused => wide_three(r, t, s, mask, |a, b, c| f(a).mul_add(f(b), f(c)).to_bits()),
        Function::Divide => wide_two(r, t, s, mask, |a, b| (f(a) / f(b)).to_bits()),
        Function::Root => wide_one(r, t, s[0], mask, |a| f(a).sqrt().to_bits()),
        Function::Reciprocal => wide_one(r, t, s[0], mask, |a| (1.0 / f(a)).to_bits()),
        Function::Absolute => wide_one(r, t, s[0], mask, |a| a & !(1 << 63)),
        Function::Negate => wide_one(r, t, s[0], mask, |a| a ^ 1 << 63),
        Function::Least => wide_two(r, t, s, mask, |a, b| least_double(f(a), f(b)).to_bits()),
        Function::Greatest => wide_two(r, t, s, mask, |a, b| greatest_double(f(a), f(b)).to_bits()),
        Function::CopySign => wide_two(r, t, s, mask, |a, b| a & 1 << 63 | b & !(1 << 63)),
        _ => return false,
    }
    true
}

/// 16 bits; what stands above them in a register is never read.
#[inline(always)]
fn small(r: &mut [Lanes], function: Function, signed: bool, t: Slot, s: [Slot; 4], mask: u32) -> bool {
    let extend = |a: u32| if signed { i32::from(a as i16) } else { i32::from(a as u16) };
    match function {
        Function::Add => two(r, t, s, mask, |a, b| a.wrapping_add(b) & 0xffff),
        Function::Subtract => two(r, t, s, mask, |a, b| a.wrapping_sub(b) & 0xffff),
        Function::Multiply => two(r, t, s, mask, |a, b| a.wrapping_mul(b) & 0xffff),
        Function::MultiplyHigh => {
            two(r, t, s, mask, |a, b| (extend(a).wrapping_mul(extend(b)) as u32) >> 16);
        }
        Function::MultiplyWide => two(r, t, s, mask, |a, b| extend(a).wrapping_mul(extend(b)) as u32),
        Function::MultiplyAdd => {
            three(r, t, s, mask, |a, b, c| a.wrapping_mul(b).wrapping_add(c) & 0xffff);
        }
        Function::MultiplyAddWide => {
            three(r, t, s, mask, |a, b, c| (extend(a).wrapping_mul(extend(b)) as u32).wrapping_add(c));
        }
        Function::Divide => {
            two(r, t, s, mask, |a, b| extend(a).checked_div(extend(b)).unwrap_or(-1) as u32 & 0xffff);
        }
        Function::Remainder => {
            two(r, t, s, mask, |a, b| extend(a).checked_rem(extend(b)).unwrap_or(extend(a)) as u32 & 0xffff);
        }
        Function::Absolute => one(r, t, s[0], mask, |a| extend(a).wrapping_abs() as u32 & 0xffff),
        Function::Negate => one(r, t, s[0], mask, |a| a.wrapping_neg() & 0xffff),
        Function::Least => two(r, t, s, mask, |a, b| extend(a).min(extend(b)) as u32 & 0xffff),
        Function::Greatest => two(r, t, s, mask, |a, b| extend(a).max(extend(b)) as u32 & 0xffff),
        Function::And => two(r, t, s, mask, |a, b| a & b & 0xffff),
        Function::Or => two(r, t, s, mask, |a, b| (a | b) & 0xffff),
        Function::Xor => two(r, t, s, mask, |a, b| (a ^ b) & 0xffff),
        Function::Not => one(r, t, s[0], mask, |a| !a & 0xffff),
        Function::LogicalNot => one(r, t, s[0], mask, |a| u32::from(a & 0xffff == 0)),
        Function::ShiftLeft => {
            two(r, t, s, mask, |a, b| shift_left(u64::from(a), b, 16) as u32 & 0xffff);
        }
        Function::ShiftRight => {
            two(r, t, s, mask, |a, b| shift_right(u64::from(a & 0xffff), b, 16, signed) as u32 & 0xffff);
        }
        Function::SumOfDifference => {
            three(r, t, s, mask, |a, b, c| extend(a).abs_diff(extend(b)).wrapping_add(c) & 0xffff)
        }
        _ => return false,
    }
    true
}

#[inline(always)]
fn integers(r: &mut [Lanes], function: Function, signed: bool, t: Slot, s: [Slot; 4], mask: u32) -> bool {
    let product = move |a: u32, b: u32| {
        if signed {
            i64::from(a as i32).wrapping_mul(i64::from(b as i32)) as u64
        } else {
            u64::from(a) * u64::from(b)
        }
    };
    match function {
        Function::Add => two(r, t, s, mask, u32::wrapping_add),
        Function::Subtract => two(r, t, s, mask, u32::wrapping_sub),
        Function::Multiply => two(r, t, s, mask, u32::wrapping_mul),
        Function::MultiplyHigh => two(r, t, s, mask, |a, b| (product(a, b) >> 32) as u32),
        Function::MultiplyAdd => three(r, t, s, mask, |a, b, c| a.wrapping_mul(b).wrapping_add(c)),
        Function::MultiplyAddHigh => {
            three(r, t, s, mask, |a, b, c| ((product(a, b) >> 32) as u32).wrapping_add(c));
        }
        Function::MultiplyWide => {
            let (a, b) = (r[s[0] as usize], r[s[1] as usize]);
            set_wide(r, t, mask, |lane| product(a[lane], b[lane]));
        }
        Function::MultiplyAddWide => {
            let (a, b, c) = (r[s[0] as usize], r[s[1] as usize], column(r, s[2]));
            set_wide(r, t, mask, |lane| product(a[lane], b[lane]).wrapping_add(c[lane]));
        }
        Function::Divide if signed => {
            two(
                r,
                t,
                s,
                mask,
                |a, b| if b == 0 { u32::MAX } else { (a as i32).wrapping_div(b as i32) as u32 },
            );
        }
        Function::Divide => two(r, t, s, mask, |a, b| a.checked_div(b).unwrap_or(u32::MAX)),
        Function::Remainder if signed => {
            two(r, t, s, mask, |a, b| if b == 0 { a } else { (a as i32).wrapping_rem(b as i32) as u32 });
        }
        Function::Remainder => two(r, t, s, mask, |a, b| a.checked_rem(b).unwrap_or(a)),
        Function::Absolute => one(r, t, s[0], mask, |a| (a as i32).wrapping_abs() as u32),
        Function::Negate => one(r, t, s[0], mask, u32::wrapping_neg),
        Function::Least if signed => two(r, t, s, mask, |a, b| (a as i32).min(b as i32) as u32),
        Function::Least => two(r, t, s, mask, u32::min),
        Function::Greatest if signed => two(r, t, s, mask, |a, b| (a as i32).max(b as i32) as u32),
        Function::Greatest => two(r, t, s, mask, u32::max),
        Function::And => two(r, t, s, mask, |a, b| a & b),
        Function::Or => two(r, t, s, mask, |a, b| a | b),
        Function::Xor => two(r, t, s, mask, |a, b| a ^ b),
        Function::Not => one(r, t, s[0], mask, |a| !a),
        Function::LogicalNot => one(r, t, s[0], mask, |a| u32::from(a == 0)),
        Function::ShiftLeft => two(r, t, s, mask, |a, b| if b > 31 { 0 } else { a << b }),
        Function::ShiftRight if signed => two(r, t, s, mask, |a, b| ((a as i32) >> b.min(31)) as u32),
        Function::ShiftRight => two(r, t, s, mask, |a, b| if b > 31 { 0 } else { a >> b }),
        Function::FunnelLeftWrap => three(r, t, s, mask, |a, b, c| funnel_left(a, b, c & 31)),
        Function::FunnelLeftClamp => three(r, t, s, mask, funnel_left),
        Function::FunnelRightWrap => three(r, t, s, mask, |a, b, c| funnel_right(a, b, c & 31)),
        Function::FunnelRightClamp => three(r, t, s, mask, funnel_right),
        Function::Extract => {
            three(r, t, s, mask, |a, b, c| extract(u64::from(a), b, c, 32, signed) as u32);
        }
        Function::Insert => {
            let d = r[s[3] as usize];
            let (a, b, c) = (r[s[0] as usize], r[s[1] as usize], r[s[2] as usize]);
            store(&mut r[t as usize], mask, |lane| {
                insert(u64::from(a[lane]), u64::from(b[lane]), c[lane], d[lane], 32) as u32
            });
        }
        Function::Permute => three(r, t, s, mask, permute),
        Function::Lookup(table) => three(r, t, s, mask, |a, b, c| lookup(a, b, c, table)),
        Function::CountOnes => one(r, t, s[0], mask, u32::count_ones),
        Function::CountLeadingZeros => one(r, t, s[0], mask, u32::leading_zeros),
        Function::FindTop => one(r, t, s[0], mask, |a| find_top(u64::from(a), 32, signed)),
        Function::FindTopShift => one(r, t, s[0], mask, |a| find_top_shift(u64::from(a), 32, signed)),
        Function::Reverse => one(r, t, s[0], mask, u32::reverse_bits),
        Function::DotBytes { first_signed, second_signed } => {
            three(r, t, s, mask, |a, b, c| dot_bytes(a, b, c, first_signed, second_signed));
        }
        Function::SumOfDifference => three(r, t, s, mask, |a, b, c| {
            if signed { (a as i32).abs_diff(b as i32) } else { a.abs_diff(b) }.wrapping_add(c)
        }),
        _ => return false,
    }
    true
}

#[inline(always)]
fn wide_integers(
    r: &mut [Lanes],
    function: Function,
    signed: bool,
    t: Slot,
    s: [Slot; 4],
    mask: u32,
) -> bool {
    let high = move |a: u64, b: u64| {
        if signed {
            (i128::from(a as i64).wrapping_mul(i128::from(b as i64)) >> 64) as u64
        } else {
            (u128::from(a).wrapping_mul(u128::from(b)) >> 64) as u64
        }
    };
    match function {
        Function::Add => wide_two(r, t, s, mask, u64::wrapping_add),
        Function::Subtract => wide_two(r, t, s, mask, u64::wrapping_sub),
        Function::Multiply => wide_two(r, t, s, mask, u64::wrapping_mul),
        Function::MultiplyHigh => wide_two(r, t, s, mask, high),
        Function::MultiplyAdd => wide_three(r, t, s, mask, |a, b, c| a.wrapping_mul(b).wrapping_add(c)),
        Function::MultiplyAddHigh => wide_three(r, t, s, mask, |a, b, c| high(a, b).wrapping_add(c)),
        Function::Divide if signed => {
            wide_two(
                r,
                t,
                s,
                mask,
                |a, b| {
                    if b == 0 { u64::MAX } else { (a as i64).wrapping_div(b as i64) as u64 }
                },
            )
        }
        Function::Divide => wide_two(r, t, s, mask, |a, b| a.checked_div(b).unwrap_or(u64::MAX)),
        Function::Remainder if signed => {
            wide_two(r, t, s, mask, |a, b| if b == 0 { a } else { (a as i64).wrapping_rem(b as i64) as u64 })
        }
        Function::Remainder => wide_two(r, t, s, mask, |a, b| a.checked_rem(b).unwrap_or(a)),
        Function::Absolute => wide_one(r, t, s[0], mask, |a| (a as i64).wrapping_abs() as u64),
        Function::Negate => wide_one(r, t, s[0], mask, u64::wrapping_neg),
        Function::Least if signed => wide_two(r, t, s, mask, |a, b| (a as i64).min(b as i64) as u64),
        Function::Least => wide_two(r, t, s, mask, u64::min),
        Function::Greatest if signed => wide_two(r, t, s, mask, |a, b| (a as i64).max(b as i64) as u64),
        Function::Greatest => wide_two(r, t, s, mask, u64::max),
        Function::And => wide_two(r, t, s, mask, |a, b| a & b),
        Function::Or => wide_two(r, t, s, mask, |a, b| a | b),
        Function::Xor => wide_two(r, t, s, mask, |a, b| a ^ b),
        Function::Not => wide_one(r, t, s[0], mask, |a| !a),
        Function::LogicalNot => wide_one(r, t, s[0], mask, |a| u64::from(a == 0)),
        Function::ShiftLeft | Function::ShiftRight => {
            let (a, b) = (column(r, s[0]), r[s[1] as usize]);
            if function == Function::ShiftLeft {
                set_wide(r, t, mask, |lane| shift_left(a[lane], b[lane], 64));
            } else {
                set_wide(r, t, mask, |lane| shift_right(a[lane], b[lane], 64, signed));
            }
        }
        Function::Extract => {
            let (a, b, c) = (column(r, s[0]), r[s[1] as usize], r[s[2] as usize]);
            set_wide(r, t, mask, |lane| extract(a[lane], b[lane], c[lane], 64, signed));
        }
        Function::Insert => {
            let (a, b, c, d) = (column(r, s[0]), column(r, s[1]), r[s[2] as usize], r[s[3] as usize]);
            set_wide(r, t, mask, |lane| insert(a[lane], b[lane], c[lane], d[lane], 64));
        }
        Function::CountOnes | Function::CountLeadingZeros | Function::FindTop | Function::FindTopShift => {
            let a = column(r, s[0]);
            store(&mut r[t as usize], mask, |lane| match function {
                Function::CountOnes => a[lane].count_ones(),
                Function::CountLeadingZeros => a[lane].leading_zeros(),
                Function::FindTop => find_top(a[lane], 64, signed),
                _ => find_top_shift(a[lane], 64, signed),
            });
        }
        Function::Reverse => wide_one(r, t, s[0], mask, u64::reverse_bits),
        Function::SumOfDifference => wide_three(r, t, s, mask, |a, b, c| {
            if signed { (a as i64).abs_diff(b as i64) } else { a.abs_diff(b) }.wrapping_add(c)
        }),
        _ => return false,
    }
    true
}
