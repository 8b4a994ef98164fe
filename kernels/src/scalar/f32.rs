//! f32: exp, ln, sine and cosine of turns, sigmoid and softplus. See [`scalar`](super) for what all have in
//! common.
//!
//! Only f32 operations and no tables, so that a vector lane or a GPU thread can do the very same steps.

mod coefficients;

use coefficients::{ATANH_POLY, COS_POLY, EXP_POLY, LN_POLY, LN2_HIGH, LN2_LOW, LOG2_E, SIN_POLY, TURN};

/// Adding it to |x| < 2^22 and taking it away again rounds x to the nearest integer, ties to even.
const ROUND: f32 = 12582912.0; // 1.5 · 2^23
/// 2^23: every float from here on is an integer; adding it to a smaller x ≥ 0 rounds x likewise.
const ALL_INTEGERS: f32 = 8388608.0;

/// e^x for x above this overflows.
const EXP_OVERFLOW: f32 = 88.72283;
/// e^x for x below this is nearer to 0 than to the smallest subnormal.
const EXP_UNDERFLOW: f32 = -103.97208;

/// What the same functions in lanes (`crate::lanes`) are made of.
pub(crate) mod lanes {
    pub(crate) const EXP_OVERFLOW: f32 = super::EXP_OVERFLOW;
    pub(crate) const EXP_POLY: [f32; 5] = super::EXP_POLY;
    pub(crate) const EXP_UNDERFLOW: f32 = super::EXP_UNDERFLOW;
    pub(crate) const LN2_HIGH: f32 = super::LN2_HIGH;
    pub(crate) const LN2_LOW: f32 = super::LN2_LOW;
    pub(crate) const LOG2_E: f32 = super::LOG2_E;
    pub(crate) const ROUND: f32 = super::ROUND;
}

/// c₀ + c₁·x + c₂·x² + … by Horner's rule, one fma each.
#[inline(always)]
fn horner<const N: usize>(coefficients: &[f32; N], x: f32) -> f32 {
    let mut sum = coefficients[N - 1];
    for c in coefficients[..N - 1].iter().rev() {
        sum = sum.mul_add(x, *c);
    }
    sum
}

/// 2^exponent for -126 ≤ exponent ≤ 127: the exponent is written into the bits.
#[inline(always)]
fn power_of_two(exponent: i32) -> f32 {
    debug_assert!((-126..=127).contains(&exponent));
    f32::from_bits(((exponent + 127) as u32) << 23)
}

/// e^x = 2^exponent · (high + low) with high in [0.7, 1.42], for EXP_UNDERFLOW ≤ x ≤ EXP_OVERFLOW.
#[inline(always)]
fn exp_parts(x: f32) -> (i32, f32, f32) {
    let k = x.mul_add(LOG2_E, ROUND) - ROUND;
    let r_high = (-k).mul_add(LN2_HIGH, x); // exact
    let r_low = -k * LN2_LOW;
    let r = r_high + r_low;
    let rest = (r_high - r) + r_low;
    let minus_one = (r * r).mul_add(horner(&EXP_POLY, r), rest);
    // 1 + r + minus_one, the first sum with its error kept.
    let sum = 1.0 + r;
    let low = ((1.0 - sum) + r) + minus_one;
    let high = sum + low;
    (k as i32, high, (sum - high) + low)
}

/// e^x. Largest error: 0.81 ulp, in subnormal results.
///
/// e^±0 = 1, e^∞ = ∞, e^-∞ = 0, NaN for NaN. Above 88.72 it is ∞, below -87.34 subnormal and below -103.97
/// it is 0.
#[inline]
pub fn exp(x: f32) -> f32 {
    if x.is_nan() {
        return x;
    }
    if x > EXP_OVERFLOW {
        return f32::INFINITY;
    }
    if x < EXP_UNDERFLOW {
        return 0.0;
    }
    let (k, high, _) = exp_parts(x);
    // Two factors, since neither 2^128 nor 2^-150 is a normal float; only the second one can round.
    let half = k >> 1;
    high * power_of_two(half) * power_of_two(k - half)
}

/// ln x, the natural logarithm. Largest error: 0.83 ulp.
///
/// ln ±0 = -∞, ln 1 = +0, ln ∞ = ∞, NaN for x < 0 and NaN. Subnormal x are as accurate as any.
#[inline]
pub fn ln(x: f32) -> f32 {
    if x.is_nan() || x == f32::INFINITY {
        return x;
    }
    if x == 0.0 {
        return f32::NEG_INFINITY;
    }
    if x < 0.0 {
        return f32::NAN;
    }
    let (bits, offset) =
        if x < f32::MIN_POSITIVE { ((x * ALL_INTEGERS).to_bits(), 23) } else { (x.to_bits(), 0) };
    // x = 2^k · (1 + r) with 1 + r in [√½, √2); the constant is the bits of √½.
    let k = (bits.wrapping_sub(0x3f35_04f3) as i32) >> 23;
    let r = f32::from_bits(bits.wrapping_sub((k << 23) as u32)) - 1.0;
    let k = (k - offset) as f32;
    let square = r * r;
    let tail = (square * r).mul_add(horner(&LN_POLY, r), k * LN2_LOW);
    // k·ln2 + r with its error, then -r²/2, then the small rest.
    let base = k * LN2_HIGH; // exact
    let sum = base + r;
    let sum_low = if k == 0.0 { 0.0 } else { (base - sum) + r };
    let parabola = (-0.5f32).mul_add(square, sum_low + tail);
    sum + parabola
}

/// The sine of x turns, sin(2πx). Largest error: 0.97 ulp, next to subnormal results.
///
/// Odd. Exact at every eighth of a turn that has an exact value; multiples of half a turn give a zero with
/// the sign of x. NaN for ±∞ and NaN.
#[inline]
pub fn sin_turns(x: f32) -> f32 {
    if !x.is_finite() {
        return f32::NAN;
    }
    let (quadrant, offset) = reduce_turns(x.abs());
    let value = if quadrant & 1 == 0 { sine(offset) } else { cosine(offset) };
    let value = if quadrant & 2 == 0 { value } else { -value };
    // Half turns of a positive x give +0, whichever side the quadrant comes from.
    let value = if value == 0.0 { 0.0 } else { value };
    if x.is_sign_negative() { -value } else { value }
}

/// The cosine of x turns, cos(2πx). Largest error: 0.72 ulp.
///
/// Even. Exact at every eighth of a turn that has an exact value; odd multiples of a quarter turn give +0.
/// NaN for ±∞ and NaN.
#[inline]
pub fn cos_turns(x: f32) -> f32 {
    if !x.is_finite() {
        return f32::NAN;
    }
    let (quadrant, offset) = reduce_turns(x.abs());
    let value = if quadrant & 1 == 0 { cosine(offset) } else { sine(offset) };
    let value = if (quadrant + 1) & 2 == 0 { value } else { -value };
    if value == 0.0 { 0.0 } else { value }
}

/// x = n + quadrant/4 + offset turns for an x ≥ 0, with |offset| ≤ 1/8; exact.
#[inline(always)]
fn reduce_turns(x: f32) -> (i32, f32) {
    let fraction = if x < ALL_INTEGERS { x - ((x + ALL_INTEGERS) - ALL_INTEGERS) } else { 0.0 };
    let quarters = fraction.mul_add(4.0, ROUND) - ROUND;
    (quarters as i32, quarters.mul_add(-0.25, fraction))
}

/// sin(2πf) for |f| ≤ 1/8.
#[inline(always)]
fn sine(f: f32) -> f32 {
    let rest = f * horner(&SIN_POLY, f * f);
    f.mul_add(TURN, rest)
}

/// cos(2πf) for |f| ≤ 1/8.
#[inline(always)]
fn cosine(f: f32) -> f32 {
    let square = f * f;
    let square_low = f.mul_add(f, -square);
    let [first, rest @ ..] = &COS_POLY;
    let small = (square * square).mul_add(horner(rest, square), square_low * *first);
    // 1 + first·f², its error kept.
    let sum = first.mul_add(square, 1.0);
    sum + (first.mul_add(square, 1.0 - sum) + small)
}

/// The logistic function 1 / (1 + e^-x), in [0, 1]. Largest error: 0.81 ulp, in subnormal results.
///
/// 0 for -∞, 1/2 for ±0, 1 for ∞, NaN for NaN; subnormal below -87.34.
#[inline]
pub fn sigmoid(x: f32) -> f32 {
    if x.is_nan() {
        return x;
    }
    if x < -30.0 {
        return exp(x); // e^x / (1 + e^x), and 1 + e^x is 1
    }
    if x > 30.0 {
        return 1.0;
    }
    let (k, high, low) = exp_parts(if x < 0.0 { x } else { -x });
    let scale = power_of_two(k);
    let (e, e_low) = (high * scale, low * scale);
    // (1 or e) / (1 + e) with the remainder of the division put back.
    let below = 1.0 + e;
    let below_low = ((1.0 - below) + e) + e_low;
    let (above, above_low) = if x < 0.0 { (e, e_low) } else { (1.0, 0.0) };
    let quotient = above / below;
    let remainder = (-quotient).mul_add(below, above) + (-quotient).mul_add(below_low, above_low);
    quotient + remainder / below
}

/// ln(1 + e^x), at least 0. Largest error: 0.81 ulp, in subnormal results.
///
/// 0 for -∞, ln 2 for ±0, ∞ for ∞, NaN for NaN. It is e^x to the last place below -20.
#[inline]
pub fn softplus(x: f32) -> f32 {
    if x.is_nan() {
        return x;
    }
    if x < -20.0 {
        return exp(x);
    }
    if x > 30.0 {
        return x;
    }
    // ln(1 + e^x) = (x or 0) + ln(1 + e^-|x|), and ln(1 + e) = 2·atanh t with t = e / (2 + e).
    let (k, high, low) = exp_parts(if x < 0.0 { x } else { -x });
    let scale = power_of_two(k);
    let (e, e_low) = (high * scale, low * scale);
    let below = 2.0 + e;
    let below_low = ((2.0 - below) + e) + e_low;
    let t = e / below;
    let remainder = (-t).mul_add(below, e) + (-t).mul_add(below_low, e_low);
    let square = t * t;
    let small = (square * t).mul_add(horner(&ATANH_POLY, square), 2.0 * (remainder / below));
    let twice = 2.0 * t;
    if x > 0.0 {
        // Either may be the larger one, so both errors count (Knuth's TwoSum).
        let sum = x + twice;
        let from_t = sum - x;
        sum + (((x - (sum - from_t)) + (twice - from_t)) + small)
    } else {
        twice + small
    }
}
