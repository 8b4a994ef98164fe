//! pow: e^(y · ln |x|) in pairs, and the special cases of C99 (annex F.10.4.4).

use super::exp_ln::{exp_pair, ln_pair};
use super::{Pair, two_product};

/// What sort of number the exponent of a power is: it decides the sign of the power of a negative number.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Parity {
    Fraction,
    Even,
    Odd,
}

/// The parity of a finite or infinite y; everything from 2^53 on is even.
#[inline]
fn parity(y: f64) -> Parity {
    let magnitude = y.abs();
    if magnitude >= 9007199254740992.0 {
        return Parity::Even;
    }
    let whole = magnitude as u64;
    if whole as f64 != magnitude {
        Parity::Fraction
    } else if whole % 2 == 1 {
        Parity::Odd
    } else {
        Parity::Even
    }
}

/// x^y. Largest error measured: 0.51 ulp.
///
/// Exact results (2^10, 9^0.5) are exact. Special cases are those of C99:
/// - x^±0 = 1 and 1^y = 1, even for NaN; otherwise NaN in, NaN out;
/// - (-1)^±∞ = 1; |x| < 1 to the -∞ and |x| > 1 to the +∞ are ∞, the other two +0;
/// - ±0 to an odd y > 0 keeps its sign, to any other y > 0 is +0; to an odd y < 0 it is ±∞, to another +∞;
/// - +∞ to y > 0 is +∞, to y < 0 is +0; -∞ alike, negative when y is odd;
/// - a finite x < 0 to a finite y that is no integer is NaN.
#[inline]
pub fn pow(x: f64, y: f64) -> f64 {
    if y == 0.0 || x == 1.0 {
        return 1.0;
    }
    if x.is_nan() || y.is_nan() {
        return f64::NAN;
    }
    let magnitude = x.abs();
    if y.is_infinite() {
        return if magnitude == 1.0 {
            1.0
        } else if (magnitude > 1.0) == (y > 0.0) {
            f64::INFINITY
        } else {
            0.0
        };
    }
    let parity = parity(y);
    let sign = if x.is_sign_negative() && parity == Parity::Odd { -1.0 } else { 1.0 };
    if magnitude == 0.0 || magnitude.is_infinite() {
        return if (magnitude == 0.0) == (y > 0.0) { sign * 0.0 } else { sign * f64::INFINITY };
    }
    if x < 0.0 && parity == Parity::Fraction {
        return f64::NAN;
    }
    sign * positive_power(magnitude, y)
}

/// x^y for a positive, finite x and a finite y that is not 0.
#[inline(always)]
fn positive_power(x: f64, y: f64) -> f64 {
    let Pair { high, low } = ln_pair(x);
    let estimate = y * high;
    // The thresholds of exp, a little widened: between them `round` decides.
    if estimate > 710.0 {
        return f64::INFINITY;
    }
    if estimate < -746.0 {
        return 0.0;
    }
    // Below 2^-60 the result is 1, and the product's error could fall under the smallest double.
    if estimate.abs() < 8.673617379884035e-19 {
        return 1.0;
    }
    let product = two_product(y, high);
    exp_pair(product.high, y.mul_add(low, product.low)).round()
}
