//! ln(a / b) of two numbers, most of them near each other: as accurate as their difference.
//!
//! The quotient of two near numbers is rounded next to 1, and its logarithm is off by that rounding: a thousand last
//! places for numbers a thousandth apart. Their difference is exact. No `mul_add` is needed while they are near, so the
//! bits are those of plain operations, and several at once become vectors on every processor.

use super::exp_ln::ln;

/// 1/3, 1/5, …: atanh s = s + s³/3 + s⁵/5 + …; for |s| ≤ 1/32 what is cut is below 2^-63 of the sum.
const ATANH: [f64; 5] = [1.0 / 3.0, 1.0 / 5.0, 1.0 / 7.0, 1.0 / 9.0, 1.0 / 11.0];
/// Up to here (a − b) / (a + b) is small: a and b at most 6 % apart.
const NEAR: f64 = 1.0 / 32.0;

/// ln(a / b) = 2 atanh((a − b) / (a + b)), and whether a and b are near enough for it.
#[inline(always)]
fn near(a: f64, b: f64) -> (f64, bool) {
    let sum = a + b;
    let s = (a - b) / sum;
    let square = s * s;
    let mut tail = ATANH[4];
    for coefficient in [ATANH[3], ATANH[2], ATANH[1], ATANH[0]] {
        tail = tail * square + coefficient;
    }
    let twice = s + s;
    (twice + twice * square * tail, s.abs() <= NEAR && sum.abs() < f64::INFINITY)
}

/// ln(a / b) of any two numbers, by their quotient and what its rounding left.
#[cold]
#[inline(never)]
fn apart(a: f64, b: f64) -> f64 {
    let quotient = a / b;
    let rest = (-quotient).mul_add(b, a) / a;
    let ln = ln(quotient);
    if rest.is_finite() && ln.is_finite() { ln + rest } else { ln }
}

/// ln(a / b). Largest error measured: 1.9 ulp, of numbers above 2^-960 with quotients from 2^-1000 to 2^1000. Below,
/// where what rounding left is subnormal, up to 8.
///
/// ln(a / a) = +0 for a above 0 (-0 below); where a / b is 0, infinite, negative or NaN it is what [`ln`] says of that.
#[inline]
pub fn ln_ratio(a: f64, b: f64) -> f64 {
    let (value, is_near) = near(a, b);
    if is_near { value } else { apart(a, b) }
}

/// [`ln_ratio`] of several pairs, the first of `a` with the first of `b`: their operations are vectors.
#[inline(always)]
pub fn ln_ratios<const N: usize>(a: [f64; N], b: [f64; N]) -> [f64; N] {
    let mut values = [0.0; N];
    let mut all = true;
    for ((value, a), b) in values.iter_mut().zip(a).zip(b) {
        let is_near;
        (*value, is_near) = near(a, b);
        all &= is_near;
    }
    if all { values } else { each(a, b) }
}

#[cold]
#[inline(never)]
fn each<const N: usize>(a: [f64; N], b: [f64; N]) -> [f64; N] {
    let mut values = b;
    for (value, a) in values.iter_mut().zip(a) {
        *value = ln_ratio(a, *value);
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_logarithm_is_what_ln_says_of_the_quotient() {
        for (a, b) in [
            (0.0, 1.0),
            (1.0, 0.0),
            (0.0, 0.0),
            (-1.0, 1.0),
            (1.0, -1.0),
            (1.0, -1.000_001),
            (f64::INFINITY, 1.0),
            (1.0, f64::INFINITY),
            (f64::INFINITY, f64::INFINITY),
            (f64::NAN, 1.0),
            (1.0, f64::NAN),
        ] {
            let (found, expected) = (ln_ratio(a, b), ln(a / b));
            assert!(found == expected || (found.is_nan() && expected.is_nan()), "{a} / {b}: {found}");
        }
        for a in [5e-324, 1e-300, 0.1, 1.0, 1e300, f64::MAX] {
            assert_eq!(ln_ratio(a, a).to_bits(), 0.0_f64.to_bits(), "{a:e}");
        }
        assert_eq!(ln_ratio(-3.0, -3.0).to_bits(), (-0.0_f64).to_bits());
    }

    #[test]
    fn several_have_the_bits_of_each() {
        let near = ([100.0, 101.0, 99.5, 3.0], [100.5, 100.0, 99.5, 3.1]);
        let one_apart = ([100.0, 101.0, 99.5, 3.0], [100.5, 1.0, 99.5, 3.1]);
        for (a, b) in [near, one_apart] {
            let each: Vec<u64> = a.iter().zip(b).map(|(a, b)| ln_ratio(*a, b).to_bits()).collect();
            assert_eq!(ln_ratios(a, b).map(f64::to_bits).to_vec(), each);
        }
    }
}
