//! The f32 functions against our f64 ones over the whole line of floats.
//!
//! By default every 5003rd float; all of them, some minutes each, with
//! `GENOVO_KERNELS_STRIDE=1 cargo test -p genovo-kernels --release every_float -- --nocapture`.

use genovo_kernels::scalar::{f32 as single, f64 as double};
use std::env;

/// The largest error in ulp over the walk, and where it was.
fn walk(function: fn(f32) -> f32, truth: fn(f64) -> f64) -> (f64, f32) {
    let stride = env::var("GENOVO_KERNELS_STRIDE").map_or(5003, |s| s.parse().expect("a stride"));
    let (mut worst, mut place) = (0.0, 0.0);
    for bits in (0..=u32::MAX).step_by(stride) {
        let x = f32::from_bits(bits);
        if !x.is_finite() {
            continue;
        }
        let (got, exact) = (function(x), truth(f64::from(x)));
        let error = if got.is_finite() {
            ((f64::from(got) - exact) / ulp(exact)).abs()
        } else if f64::from(got) == exact || (got.is_nan() && exact.is_nan()) {
            0.0
        } else if got.is_infinite() && got.is_sign_negative() == exact.is_sign_negative() {
            // Right from 2^128 on, and as far off as 2^128 is below.
            let missing = 2f64.powi(128) - exact.abs();
            if missing > 0.0 { missing / 2f64.powi(104) } else { 0.0 }
        } else {
            f64::NAN
        };
        assert!(!error.is_nan(), "{x:e}: got {got:e}, expected {exact:e}");
        if error > worst {
            (worst, place) = (error, x);
        }
    }
    (worst, place)
}

/// The distance of neighbouring floats around x.
fn ulp(x: f64) -> f64 {
    let exponent = ((x.to_bits() >> 52) & 0x7ff) as i32 - 1023;
    2f64.powi(if exponent < -126 {
        -149
    } else if exponent > 127 {
        104
    } else {
        exponent - 23
    })
}

fn check(name: &str, function: fn(f32) -> f32, truth: fn(f64) -> f64, bound: f64) {
    let (worst, place) = walk(function, truth);
    println!("{name:10} largest error {worst:.4} ulp (bound {bound}) at {place:e}");
    assert!(worst <= bound, "{name}: {worst:.4} ulp at {place:e}");
}

/// (quadrant, offset) of x turns, exact.
fn quarters(x: f64) -> (i64, f64) {
    let fraction = x - x.round();
    let quadrant = (fraction * 4.0).round();
    (quadrant as i64 & 3, (fraction - quadrant * 0.25) * std::f64::consts::TAU)
}

fn ln_1p(e: f64) -> f64 {
    let sum = 1.0 + e;
    double::ln(sum) + (e - (sum - 1.0)) / sum
}

#[test]
fn every_float_exp() {
    check("exp", single::exp, double::exp, super::golden::bound("f32_exp"));
}

#[test]
fn every_float_ln() {
    check("ln", single::ln, double::ln, super::golden::bound("f32_ln"));
}

#[test]
fn every_float_sin_turns() {
    let truth = |x| match quarters(x) {
        (0, f) => double::sin(f),
        (1, f) => double::cos(f),
        (2, f) => -double::sin(f),
        (_, f) => -double::cos(f),
    };
    check("sin_turns", single::sin_turns, truth, super::golden::bound("f32_sin_turns"));
}

#[test]
fn every_float_cos_turns() {
    let truth = |x| match quarters(x) {
        (0, f) => double::cos(f),
        (1, f) => -double::sin(f),
        (2, f) => -double::cos(f),
        (_, f) => double::sin(f),
    };
    check("cos_turns", single::cos_turns, truth, super::golden::bound("f32_cos_turns"));
}

#[test]
fn every_float_sigmoid() {
    let truth =
        |x| if x < 0.0 { double::exp(x) / (1.0 + double::exp(x)) } else { 1.0 / (1.0 + double::exp(-x)) };
    check("sigmoid", single::sigmoid, truth, super::golden::bound("f32_sigmoid"));
}

#[test]
fn every_float_softplus() {
    let truth = |x| if x < 0.0 { ln_1p(double::exp(x)) } else { x + ln_1p(double::exp(-x)) };
    check("softplus", single::softplus, truth, super::golden::bound("f32_softplus"));
}
