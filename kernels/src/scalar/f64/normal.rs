//! The standard normal distribution: Φ and its inverse.

use super::exp_ln::{Scaled, exp_pair, ln_pair};
use super::normal_tables::{QUANTILE_POLY, QUANTILE_SLOPE, QUANTILE_TABLE, TAIL_TABLE};
use super::{Pair, fast_two_sum, horner, two_product};

/// Φ(x) below this is nearer to 0 than to the smallest subnormal.
const CDF_ZERO: f64 = -38.6;
/// From here on 1 - Φ(x) is less than half of 2^-53, so Φ(x) rounds to 1.
const CDF_ONE: f64 = 8.5;

/// The cell of a table of eighths of octaves that holds x, counted from the cell at `start`; and its middle.
#[inline(always)]
fn cell(x: f64, start: f64) -> (usize, f64) {
    let eighths = x.to_bits() >> 49;
    ((eighths - (start.to_bits() >> 49)) as usize, f64::from_bits((eighths << 49) | (1 << 48)))
}

/// The polynomial of one table row at the offset s: `row[0] + row[1] + s · (row[2] + row[3] · s + …)`.
///
/// The offset may carry a low part of its own.
#[inline(always)]
fn row_value(row: &[f64; 13], s: Pair) -> Pair {
    let [high, low, slope, rest @ ..] = row;
    let linear = horner(rest, s.high).mul_add(s.high, *slope);
    let small = s.high.mul_add(linear, slope.mul_add(s.low, *low));
    fast_two_sum(*high, small)
}

/// Φ(-a) for 0 ≤ a ≤ 39, as e^(-a²/2) times a table of their quotient.
#[inline(always)]
fn upper_tail(a: f64) -> Scaled {
    let (index, middle) = cell(1.0 + a, 1.0);
    let quotient = row_value(&TAIL_TABLE[index], Pair { high: a - (middle - 1.0), low: 0.0 });
    let exponent = two_product(-0.5 * a, a);
    let Scaled { exponent, high, low } = exp_pair(exponent.high, exponent.low);
    let product = two_product(high, quotient.high);
    let low = high.mul_add(quotient.low, low.mul_add(quotient.high, product.low));
    Scaled { exponent, high: product.high, low }
}

/// Φ(x), the probability that a standard normal variable is at most x. Largest error measured: 0.58 ulp,
/// in the far tail, too.
///
/// Φ(-∞) = 0, Φ(±0) = 1/2, Φ(∞) = 1, NaN for NaN. Subnormal below x = -37.519, 0 below
/// -38.485, 1 above 8.292.
#[inline]
pub fn normal_cdf(x: f64) -> f64 {
    if x.is_nan() {
        return x;
    }
    if x < CDF_ZERO {
        return 0.0;
    }
    if x > CDF_ONE {
        return 1.0;
    }
    // Also -0; and for |x| < 2^-60 the slope no longer moves 1/2, while a² would leave the normal range.
    if x.abs() < 8.673617379884035e-19 {
        return 0.5;
    }
    if x < 0.0 {
        return upper_tail(-x).round();
    }
    // 1 - Φ(-x): the exponent is -53 at the least here, so both parts scale exactly.
    let Scaled { exponent, high, low } = upper_tail(x);
    let scale = super::power_of_two(exponent);
    let sum = fast_two_sum(1.0, -high * scale);
    sum.high + (sum.low - low * scale)
}

/// Φ⁻¹(p), the x with Φ(x) = p. Largest error measured: 0.66 ulp.
///
/// Φ⁻¹(±0) = -∞, Φ⁻¹(1/2) = +0, Φ⁻¹(1) = ∞, NaN outside of [0, 1] and for NaN. From -38.47 for the smallest
/// subnormal p up to 8.21 for the largest p below 1.
#[inline]
pub fn normal_quantile(p: f64) -> f64 {
    if p.is_nan() || !(0.0..=1.0).contains(&p) {
        return f64::NAN;
    }
    if (0.25..=0.75).contains(&p) {
        let from_centre = p - 0.5; // exact
        let square = from_centre * from_centre;
        let linear = two_product(from_centre, QUANTILE_SLOPE);
        return linear.high + from_centre.mul_add(horner(&QUANTILE_POLY, square), linear.low);
    }
    // 1 - p is exact for p ≥ 1/2.
    let tail = if p < 0.5 { p } else { 1.0 - p };
    let distance = if tail == 0.0 { f64::INFINITY } else { distance_of_tail(tail) };
    if p < 0.5 { -distance } else { distance }
}

/// -Φ⁻¹(q) for 0 < q < 1/4.
#[inline(always)]
fn distance_of_tail(q: f64) -> f64 {
    // s = √(-2 ln q) with its low part: the table is smooth in s, nearly a straight line.
    let Pair { high, low } = ln_pair(q);
    let (twice, twice_low) = (-2.0 * high, -2.0 * low);
    let s = twice.sqrt();
    let s_low = ((-s).mul_add(s, twice) + twice_low) / (2.0 * s);
    let (index, middle) = cell(s, 1.625);
    let Pair { high, low } = row_value(&QUANTILE_TABLE[index], Pair { high: s - middle, low: s_low });
    high + low
}
