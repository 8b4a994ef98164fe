//! Polynomials of exp, ln, sine, cosine and softplus in f32.
//!
//! Written by `kernels/tools/coefficients.py`: change it there. Decimals are the shortest that read back as
//! the very same number. An error is relative, after the coefficients were rounded.
#![allow(clippy::approx_constant, reason = "a rounded high part is not the constant it resembles")]

/// 1 / ln 2.
pub(super) const LOG2_E: f32 = 1.442695;

/// ln 2, a multiple of 2^-14: an exponent times it is exact.
pub(super) const LN2_HIGH: f32 = 0.69317627;

/// What `LN2_HIGH` leaves of ln 2.
pub(super) const LN2_LOW: f32 = -2.9088971e-05;

/// e^r ≈ 1 + r + r²·poly(r) for |r| ≤ ln 2 / 2, error 2^-26.5.
#[rustfmt::skip]
pub(super) const EXP_POLY: [f32; 5] = [
    0.5, 0.16666576, 0.041666556, 0.008363179, 0.0013926184,
];

/// ln(1+r) ≈ r - r²/2 + r³·poly(r) for 1+r in [√½, √2], error 2^-28.1.
#[rustfmt::skip]
pub(super) const LN_POLY: [f32; 9] = [
    0.3333333, -0.24999997, 0.20000716, -0.16667803, 0.14249058, -0.12425687, 0.1168542, -0.11479734,
    0.06971612,
];

/// 2π rounded to f32.
pub(super) const TURN: f32 = 6.2831855;

/// sin(2πf) ≈ f·(2π rounded + poly(f²)) for |f| ≤ 1/8, error 2^-29.2.
#[rustfmt::skip]
pub(super) const SIN_POLY: [f32; 5] = [
    -1.7487277e-07, -41.3417, 81.6052, -76.69786, 41.472717,
];

/// cos(2πf) ≈ 1 + f²·poly(f²) for |f| ≤ 1/8, error 2^-26.2.
#[rustfmt::skip]
pub(super) const COS_POLY: [f32; 4] = [
    -19.739208, 64.93937, -85.448814, 59.423943,
];

/// 2·atanh t ≈ 2t + t³·poly(t²) for |t| ≤ 1/3, error 2^-30.0.
#[rustfmt::skip]
pub(super) const ATANH_POLY: [f32; 5] = [
    0.6666667, 0.39999706, 0.28592357, 0.21706575, 0.2322433,
];
