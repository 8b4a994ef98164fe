//! f64: exp, ln, sin, cos, tan, atan, atanh, pow, Φ and Φ⁻¹, and ln and atan of a quotient. See [`scalar`](super) for
//! what all have in common.
//!
//! Most work in pairs of doubles (`high + low`, the low part below the high part's last place): one
//! rounding at the very end is then nearly the only error.

mod atan;
mod atan_ratio;
mod atanh;
mod coefficients;
mod exp_ln;
mod ln_ratio;
mod normal;
mod normal_tables;
mod pow;
mod trig;

pub use atan::atan;
pub use atan_ratio::atan_ratio;
pub use atanh::atanh;
pub use exp_ln::{exp, ln};
pub use ln_ratio::{ln_ratio, ln_ratios};
pub use normal::{normal_cdf, normal_quantile};
pub use pow::pow;
pub use trig::{cos, sin, tan};

/// An unevaluated sum `high + low` with |low| at most a few last places of `high`.
#[derive(Clone, Copy)]
struct Pair {
    high: f64,
    low: f64,
}

/// a + b without error, for any a and b (Knuth's TwoSum).
#[inline(always)]
fn two_sum(a: f64, b: f64) -> Pair {
    let high = a + b;
    let from_b = high - a;
    Pair { high, low: (a - (high - from_b)) + (b - from_b) }
}

/// a + b without error, where |a| ≥ |b| or a = 0 (Dekker's FastTwoSum).
#[inline(always)]
fn fast_two_sum(a: f64, b: f64) -> Pair {
    let high = a + b;
    Pair { high, low: (a - high) + b }
}

/// a · b without error, as long as neither part leaves the normal range.
#[inline(always)]
fn two_product(a: f64, b: f64) -> Pair {
    let high = a * b;
    Pair { high, low: a.mul_add(b, -high) }
}

/// c₀ + c₁·x + c₂·x² + … by Horner's rule, one fma each.
#[inline(always)]
fn horner<const N: usize>(coefficients: &[f64; N], x: f64) -> f64 {
    let mut sum = coefficients[N - 1];
    for c in coefficients[..N - 1].iter().rev() {
        sum = sum.mul_add(x, *c);
    }
    sum
}

/// 2^exponent for -1022 ≤ exponent ≤ 1023: the exponent is written into the bits.
#[inline(always)]
fn power_of_two(exponent: i64) -> f64 {
    debug_assert!((-1022..=1023).contains(&exponent));
    f64::from_bits(((exponent + 1023) as u64) << 52)
}
