//! exp and ln, and the pairs behind them that pow and Φ use, too.

use super::coefficients::{
    EXP_POLY, EXP_STEP_HIGH, EXP_STEP_LOW, EXP_STEPS, EXP_TABLE, LN_POLY, LN_TABLE, LN2_HIGH, LN2_LOW,
};
use super::{Pair, fast_two_sum, horner, power_of_two, two_product, two_sum};

/// Adding it to |x| < 2^51 and taking it away again rounds x to the nearest integer, ties to even.
const ROUND: f64 = 6755399441055744.0; // 1.5 · 2^52

/// e^x for x above this overflows, whatever follows its last place.
const EXP_OVERFLOW: f64 = 709.782712893384;
/// e^x for x below this is nearer to 0 than to the smallest subnormal.
const EXP_UNDERFLOW: f64 = -745.1332191019412;

/// The first bit pattern of the table's first cell: 0.70703125, 53/128 into the octave below 1.
const LN_START: u64 = 0x3fe6_a000_0000_0000;

/// A positive number `2^exponent · (high + low)`.
#[derive(Clone, Copy)]
pub(super) struct Scaled {
    pub exponent: i64,
    pub high: f64,
    pub low: f64,
}

impl Scaled {
    /// The nearest double: rounded once, subnormal results too.
    ///
    /// `high` must be in 2^-20 .. 4 and `exponent` within ±1200.
    #[inline(always)]
    pub(super) fn round(self) -> f64 {
        let Scaled { exponent, high, low } = self;
        let value = high + low;
        if exponent >= -900 {
            // Two factors, since 2^1024 is no double but 0.99 · 2^1024 is.
            return if exponent > 1000 {
                value * power_of_two(1000) * power_of_two(exponent - 1000)
            } else {
                value * power_of_two(exponent)
            };
        }
        if exponent < -1140 {
            return 0.0;
        }
        // The sum 2^(-1022-exponent) + value has its last place where the scaled result has its own, 2^-1074.
        let anchor = power_of_two(-1022 - exponent);
        let rounded = if value < anchor {
            let sum = anchor + high;
            let rest = (anchor - sum) + high;
            (sum + (rest + low)) - anchor
        } else {
            value
        };
        rounded * power_of_two(exponent + 200) * power_of_two(-200)
    }
}

/// e^(high + low) for |high| < 800, relative error below 2^-58.
#[inline(always)]
pub(super) fn exp_pair(high: f64, low: f64) -> Scaled {
    // high + low = steps · ln2/64 + r, |r| ≤ ln2/128; the first subtraction is exact.
    let steps = high.mul_add(EXP_STEPS, ROUND) - ROUND;
    let r_high = (-steps).mul_add(EXP_STEP_HIGH, high);
    let r_low = (-steps).mul_add(EXP_STEP_LOW, low);
    let r = r_high + r_low;
    let steps = steps as i64;
    let [power_high, power_low] = EXP_TABLE[(steps & 63) as usize];
    let minus_one = r_high + (r * r).mul_add(horner(&EXP_POLY, r), r_low);
    // power · (1 + minus_one): the table entry first, all else is below 1% of it.
    let sum = fast_two_sum(power_high, power_high.mul_add(minus_one, power_low));
    Scaled { exponent: steps >> 6, high: sum.high, low: sum.low }
}

/// ln x for a positive, finite x, relative error below 2^-66.
#[inline(always)]
pub(super) fn ln_pair(x: f64) -> Pair {
    let (bits, offset) = if x < f64::MIN_POSITIVE {
        ((x * 4503599627370496.0).to_bits(), 52) // 2^52 makes a subnormal normal
    } else {
        (x.to_bits(), 0)
    };
    // x = 2^k · z with z in [0.707, 1.414).
    let from_start = bits.wrapping_sub(LN_START);
    let k = (from_start as i64) >> 52;
    let z = f64::from_bits(bits.wrapping_sub((k << 52) as u64));
    let [inverse, table_high, table_low] = LN_TABLE[((from_start >> 45) & 127) as usize];
    let r = z.mul_add(inverse, -1.0); // exact: at most 53 bits are left
    let k = (k - offset) as f64;

    // k·ln2 + table is exact in its high part; then r, then -r²/2, each with its error kept.
    let base = two_sum(k.mul_add(LN2_HIGH, table_high), r);
    let base_low = k.mul_add(LN2_LOW, table_low) + base.low;
    let square = two_product(-0.5 * r, r);
    let sum = two_sum(base.high, square.high);
    let cube = r * r * r;
    let low = base_low + square.low + sum.low;
    let rest = cube.mul_add(horner(&LN_POLY, r), low);
    fast_two_sum(sum.high, rest)
}

/// e^x. Largest error measured: 0.51 ulp.
///
/// e^±0 = 1, e^∞ = ∞, e^-∞ = 0, NaN for NaN. Above 709.78 it is ∞, below -708.4 subnormal (rounded once)
/// and below -745.13 it is 0.
#[inline(always)] // to take the form of its caller
pub fn exp(x: f64) -> f64 {
    if x.is_nan() {
        return x;
    }
    if x > EXP_OVERFLOW {
        return f64::INFINITY;
    }
    if x < EXP_UNDERFLOW {
        return 0.0;
    }
    exp_pair(x, 0.0).round()
}

/// ln x, the natural logarithm. Largest error measured: 0.51 ulp.
///
/// ln ±0 = -∞, ln 1 = +0, ln ∞ = ∞, NaN for x < 0 and NaN. Subnormal x are as accurate as any.
#[inline(always)] // to take the form of its caller
pub fn ln(x: f64) -> f64 {
    if x.is_nan() || x == f64::INFINITY {
        return x;
    }
    if x == 0.0 {
        return f64::NEG_INFINITY;
    }
    if x < 0.0 {
        return f64::NAN;
    }
    let Pair { high, low } = ln_pair(x);
    high + low
}
