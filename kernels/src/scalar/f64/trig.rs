//! sin, cos and tan of radians, with an exact reduction for every double up to `f64::MAX`.

use super::coefficients::{COS_POLY, HALF_PI_HIGH, HALF_PI_LOW, SIN_POLY, TWO_OVER_PI};
use super::{Pair, fast_two_sum, horner, power_of_two, two_product};

/// π/4, rounded down: up to here an argument needs no reduction.
const QUARTER_PI: f64 = std::f64::consts::FRAC_PI_4;
/// 2^-27: below it sin x and tan x are x to less than a quarter of the last place.
const TINY: f64 = 7.450580596923828e-9;

/// x modulo a quarter turn: x = (4n + quadrant) · π/2 + angle, |angle| ≤ π/4.
struct Reduced {
    quadrant: u64,
    angle: Pair,
}

/// Reduces a finite x. The angle's relative error is below 2^-64.
///
/// Payne and Hanek's idea in integers: x = m · 2^e, and only a window of 192 binary digits of 2/π matters
/// for m · 2^e · 2/π modulo 4; digits before it give multiples of 4, digits after it less than 2^-137.
/// No double comes closer to a multiple of π/2 than 2^-62 (in quarter turns), so 128 digits of the
/// fraction leave 66 good ones in the worst case.
#[inline(always)]
fn reduce(x: f64) -> Reduced {
    let magnitude = x.abs();
    if magnitude <= QUARTER_PI {
        return Reduced { quadrant: 0, angle: Pair { high: x, low: 0.0 } };
    }
    let bits = magnitude.to_bits();
    let mantissa = (bits & ((1 << 52) - 1)) | (1 << 52);
    let exponent = (bits >> 52) as i64 - 1075; // -53 ..= 971, since |x| > 1/2
    // The first digit that counts has the weight 2^(1 - exponent), the table's first digit 2^63.
    let first = (exponent + 62) as usize;
    let (word, shift) = (first / 64, (first % 64) as u32);
    let window = |i: usize| {
        let pair = (u128::from(TWO_OVER_PI[word + i]) << 64) | u128::from(TWO_OVER_PI[word + i + 1]);
        ((pair << shift) >> 64) as u64
    };
    // mantissa · window modulo 2^192; its two top bits are the quadrant, the others the fraction.
    let product = |i: usize| u128::from(mantissa) * u128::from(window(i));
    let last = product(2);
    let middle = product(1) + (last >> 64);
    let top = (product(0) as u64).wrapping_add((middle >> 64) as u64);
    let high = (u128::from(top) << 64) | u128::from(middle as u64);
    let low = last as u64;
    let fraction = (high << 2) | u128::from(low >> 62);
    // A fraction of 1/2 or more belongs to the next quadrant, from below.
    let up = fraction >> 127;
    let quadrant = ((high >> 126) + up) as u64;
    let distance = if up == 1 { fraction.wrapping_neg() } else { fraction };

    // distance · 2^-128 as two doubles of 53 bits each, then in radians.
    let zeros = distance.leading_zeros();
    let digits = distance << zeros;
    let scale = power_of_two(-53 - i64::from(zeros));
    let quarters = (digits >> 75) as u64 as f64 * scale;
    let quarters_low = ((digits >> 22) as u64 & ((1 << 53) - 1)) as f64 * (scale * power_of_two(-53));
    let radians = two_product(quarters, HALF_PI_HIGH);
    let radians_low = quarters.mul_add(HALF_PI_LOW, quarters_low.mul_add(HALF_PI_HIGH, radians.low));
    let angle = fast_two_sum(radians.high, radians_low);
    // Up to here all was about |x|: sin is odd, so for x < 0 both signs turn.
    let quadrant = if x < 0.0 { quadrant.wrapping_neg() } else { quadrant };
    if (up == 1) == (x < 0.0) {
        Reduced { quadrant, angle }
    } else {
        Reduced { quadrant, angle: Pair { high: -angle.high, low: -angle.low } }
    }
}

/// sin of an angle in [-π/4, π/4], as a pair good to about 2^-56.
#[inline(always)]
fn sin_pair(angle: Pair) -> Pair {
    let r = angle.high;
    let square = r * r;
    // sin(r + low) ≈ sin r + low · cos r, and cos r ≈ 1 - r²/2.
    let rest = (square * r).mul_add(horner(&SIN_POLY, square), angle.low * (-0.5f64).mul_add(square, 1.0));
    fast_two_sum(r, rest)
}

/// cos of an angle in [-π/4, π/4], as a pair good to about 2^-57.
#[inline(always)]
fn cos_pair(angle: Pair) -> Pair {
    let r = angle.high;
    let square = two_product(r, r);
    let half = 0.5 * square.high;
    let sum = fast_two_sum(1.0, -half);
    let quartic = (square.high * square.high) * horner(&COS_POLY, square.high);
    let rest = (-r).mul_add(angle.low, (-0.5f64).mul_add(square.low, quartic));
    fast_two_sum(sum.high, sum.low + rest)
}

/// sin x, x in radians. Largest error measured: 0.70 ulp, for every magnitude up to `f64::MAX`.
///
/// Odd: sin ±0 = ±0; NaN for ±∞ and NaN.
#[inline(always)] // to take the form of its caller
pub fn sin(x: f64) -> f64 {
    if !x.is_finite() {
        return f64::NAN;
    }
    if x.abs() < TINY {
        return x;
    }
    let Reduced { quadrant, angle } = reduce(x);
    let value = if quadrant & 1 == 0 { sin_pair(angle) } else { cos_pair(angle) };
    if quadrant & 2 == 0 { value.high } else { -value.high }
}

/// cos x, x in radians. Largest error measured: 0.68 ulp, for every magnitude up to `f64::MAX`.
///
/// Even: cos ±0 = 1; NaN for ±∞ and NaN.
#[inline(always)] // to take the form of its caller
pub fn cos(x: f64) -> f64 {
    if !x.is_finite() {
        return f64::NAN;
    }
    let Reduced { quadrant, angle } = reduce(x);
    let value = if quadrant & 1 == 0 { cos_pair(angle) } else { sin_pair(angle) };
    if quadrant.wrapping_add(1) & 2 == 0 { value.high } else { -value.high }
}

/// tan x, x in radians. Largest error measured: 0.78 ulp, for every magnitude up to `f64::MAX`.
///
/// Odd: tan ±0 = ±0; NaN for ±∞ and NaN. Never infinite: no double is a multiple of π/2.
#[inline]
pub fn tan(x: f64) -> f64 {
    if !x.is_finite() {
        return f64::NAN;
    }
    if x.abs() < TINY {
        return x;
    }
    let Reduced { quadrant, angle } = reduce(x);
    let (sine, cosine) = (sin_pair(angle), cos_pair(angle));
    let (above, below) = if quadrant & 1 == 0 {
        (sine, cosine)
    } else {
        (Pair { high: -cosine.high, low: -cosine.low }, sine)
    };
    // The quotient of two pairs: one division, and its remainder divided again.
    let quotient = above.high / below.high;
    let remainder = (-quotient).mul_add(below.high, above.high) + (-quotient).mul_add(below.low, above.low);
    quotient + remainder / below.high
}
