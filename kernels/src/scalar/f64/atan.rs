//! atan, by the nearest of 33 tabulated angles and a short polynomial.

use std::hint::select_unpredictable as select;

use super::coefficients::{ATAN_POLY, ATAN_TABLE, HALF_PI_HIGH, HALF_PI_LOW};
use super::{Pair, fast_two_sum, horner};

/// atan x in radians, in [-π/2, π/2]. Largest error measured: 0.51 ulp.
///
/// Odd: atan ±0 = ±0, atan ±∞ = ±π/2 rounded; NaN for NaN.
#[inline(always)] // to take the form of its caller
pub fn atan(x: f64) -> f64 {
    let magnitude = x.abs();
    // Below 2^-27 the cube is less than a quarter of the last place; this keeps -0 and subnormals, too.
    if x.is_nan() || magnitude < 7.450580596923828e-9 {
        return x;
    }
    // From 2^60 on, 1/x no longer moves π/2.
    let angle = if magnitude >= 1152921504606846976.0 { HALF_PI_HIGH } else { atan_positive(magnitude) };
    angle.copysign(x)
}

/// atan x for 2^-27 ≤ x < 2^60.
#[inline(always)]
fn atan_positive(x: f64) -> f64 {
    // With u = x, or u = 1/x when x > 1, and c = i/32 next to u: atan u = atan c + atan t where
    // t = (u - c) / (1 + u·c), which for u = 1/x is (1 - x·c) / (x + c). Both numerators are exact.
    // Which it is, is told by no branch: of numbers on both sides of 1 every other one would be guessed wrong.
    let inverted = x > 1.0;
    let u = select(inverted, 1.0 / x, x);
    let i = u.mul_add(32.0, 0.5) as usize; // up to 32
    let c = i as f64 * 0.03125;
    let (one, other) = (select(inverted, 1.0, x), select(inverted, x, 1.0));
    let numerator = (-other).mul_add(c, one);
    let high = one.mul_add(c, other);
    let denominator = Pair { high, low: one.mul_add(c, other - high) };
    let t = numerator / denominator.high;
    let t_low = ((-t).mul_add(denominator.high, numerator) - t * denominator.low) / denominator.high;
    let [table_high, table_low] = ATAN_TABLE[i];
    let square = t * t;
    let rest = (square * t).mul_add(horner(&ATAN_POLY, square), t_low) + table_low;
    let from_table = fast_two_sum(HALF_PI_HIGH, -table_high);
    let sum = fast_two_sum(select(inverted, from_table.high, table_high), select(inverted, -t, t));
    let low = sum.low + select(inverted, from_table.low, 0.0);
    sum.high + (low + select(inverted, HALF_PI_LOW - rest, rest))
}
