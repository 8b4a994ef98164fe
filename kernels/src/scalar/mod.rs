//! Elementary functions whose bits are the same on every machine: **Exact**.
//!
//! They use only operations that IEEE 754 rounds exactly: add, subtract, multiply, fused multiply-add
//! (`mul_add`), divide and square root, and integer work on the bits. No function of the C library or of
//! `std` that the standard calls non-deterministic is ever called. Polynomials and tables are our own, from
//! `kernels/tools/coefficients.py`.
//!
//! **Error.** Each function states the largest error ever measured, in units in the last place (ulp) of the
//! exact result; 0.5 would be perfect rounding. For f64 that is over 120,000 points a function, from 60 and
//! more digits (`kernels/tools/golden.py`), for f32 over every float there is (`sin_turns` and `softplus`:
//! every 61st). `tests/it/golden.rs` and `tests/it/every_float.rs` hold the figures on every run, with fewer
//! points.
//!
//! **NaN.** A NaN result is a NaN; its bits differ between machines and mean nothing.
//!
//! **Speed.** `mul_add` is one instruction under the `fma` target feature and a call with the same bits
//! elsewhere. All functions here are `#[inline]`, so inside a `#[target_feature]` kernel they take its form; for other
//! callers there is [`fused`].

pub mod f32;
pub mod f64;
pub mod fused;
