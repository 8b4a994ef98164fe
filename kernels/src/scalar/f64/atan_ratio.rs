//! atan(y / x) by one division: no table, and no branch on the way.

use std::hint::select_unpredictable as select;

use super::atan::atan;
use super::coefficients::{ARC_POLY, HALF_PI_HIGH, HALF_PI_LOW};

/// tan(π/8), rounded down.
const EIGHTH: f64 = 0.41421356237309503;
/// Up to here the sum of two numbers is one.
const LARGE: f64 = 8e307;
/// From here on a share of the larger number is what it should be, to the last place.
const TINY: f64 = 1e-290;

/// atan(y / x), in [-π/2, π/2]. Largest error measured: 1.7 ulp.
///
/// ±π/2 where x is ±0 and y is not; NaN for 0 / 0, ∞ / ∞ and NaN. Where the quotient is subnormal, so is the result.
#[inline(always)] // to take the form of its caller
pub fn atan_ratio(y: f64, x: f64) -> f64 {
    let (above, below) = (y.abs(), x.abs());
    let steep = above > below;
    let (small, large) = (select(steep, below, above), select(steep, above, below));
    // What is NaN, or 0 / 0, is not between these.
    if !(small <= LARGE && (TINY..=LARGE).contains(&large)) {
        return far(y, x);
    }
    // Of the angle's tangent, up to π/4: beyond π/8 by what it is from π/4.
    let wide = small > EIGHTH * large;
    let t = select(wide, small - large, small) / select(wide, small + large, large);
    let square = t * t;
    let rest = square * t * polynomial(square);
    // 0, π/4 or π/2, and what is added to it or, of a steep one, taken away.
    let quarters: f64 = select(wide, 0.5, select(steep, 1.0, 0.0));
    let sign: f64 = select(steep, -1.0, 1.0);
    let base = quarters * HALF_PI_HIGH;
    let high = sign.mul_add(t, base);
    // What rounding left: the base is the larger part, or 0.
    let low = sign.mul_add(t, base - high) + sign.mul_add(rest, quarters * HALF_PI_LOW);
    let angle = high + low;
    f64::from_bits(angle.to_bits() | ((y.to_bits() ^ x.to_bits()) & (1 << 63)))
}

/// Numbers so large that their sum may be none, both next to nothing, or not numbers.
#[cold]
#[inline(never)]
fn far(y: f64, x: f64) -> f64 {
    atan(y / x)
}

/// [`ARC_POLY`] by Estrin's scheme: in four steps instead of ten.
#[inline(always)]
fn polynomial(x: f64) -> f64 {
    let c = &ARC_POLY;
    let x2 = x * x;
    let x4 = x2 * x2;
    let low = x2.mul_add(c[3].mul_add(x, c[2]), c[1].mul_add(x, c[0]));
    let middle = x2.mul_add(c[7].mul_add(x, c[6]), c[5].mul_add(x, c[4]));
    let high = x2.mul_add(c[10], c[9].mul_add(x, c[8]));
    x4.mul_add(x4.mul_add(high, middle), low)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::{FRAC_PI_2, FRAC_PI_4};

    #[test]
    fn ends_and_beyond() {
        for (y, x, angle) in [
            (0.0, 2.0, 0.0),
            (-0.0, 2.0, -0.0),
            (2.0, 0.0, FRAC_PI_2),
            (2.0, -0.0, -FRAC_PI_2),
            (3.0, 3.0, FRAC_PI_4),
            (3.0, -3.0, -FRAC_PI_4),
            (f64::MAX, f64::MAX, FRAC_PI_4),
            (f64::MAX, 1.0, FRAC_PI_2),
            (1.0, f64::INFINITY, 0.0),
            (f64::NEG_INFINITY, 1.0, -FRAC_PI_2),
            (5e-324, 5e-324, FRAC_PI_4),
            // Where shares of the larger one are rounded to whole smallest numbers.
            (5e-324, 1e-323, atan(0.5)),
            (-1e-323, 5e-324, -atan(2.0)),
            (5e-324, 0.0, FRAC_PI_2),
            (-0.0, 5e-324, -0.0),
            (0.0, 0.0, f64::NAN),
            (f64::INFINITY, f64::INFINITY, f64::NAN),
            (f64::NAN, 1.0, f64::NAN),
            (1.0, f64::NAN, f64::NAN),
        ] {
            let found = atan_ratio(y, x);
            let same = found.to_bits() == angle.to_bits() || (found.is_nan() && angle.is_nan());
            assert!(same, "{y:e} / {x:e}: {found:e}, not {angle:e}");
        }
    }
}
