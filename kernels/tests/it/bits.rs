//! The bits themselves: a million points of every function, hashed. Every machine and build must give these
//! very hashes, whether its fused multiply-add is an instruction or a function.
//!
//! With `GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX2,-FMA,-AVX512F` they show that nothing depends on glibc's
//! choice of code. That variable does not reach `mul_add` itself: Rust 1.95 brings its own software form
//! (`compiler_builtins`), which asks the CPU. The hashes held with that form forced in a debugger, too.

use genovo_kernels::random::RandomKey;
use genovo_kernels::scalar::{f32 as single, f64 as double};

const POINTS: u32 = 1_000_000;

/// FNV-1a over whole words, with a rotation so that high bits reach low ones. Order matters.
fn mix(hash: u64, bits: u64) -> u64 {
    (hash ^ bits).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(29)
}

/// Every third point has any bits at all, NaN and infinities included; the others lie in low .. high.
fn input(id: u64, draw: u32, low: f64, high: f64) -> f64 {
    let key = RandomKey { seed: 1, purpose: 0, id };
    if draw.is_multiple_of(3) {
        f64::from_bits(key.bits(draw))
    } else {
        (high - low).mul_add(key.uniform(draw), low)
    }
}

fn hash(result: impl Fn(u32) -> f64) -> u64 {
    (0..POINTS).fold(0xcbf2_9ce4_8422_2325, |hash, draw| {
        let y = result(draw);
        // The bits of a NaN are no promise.
        mix(hash, if y.is_nan() { 0x7ff8 << 48 } else { y.to_bits() })
    })
}

fn check(name: &str, result: impl Fn(u32) -> f64, expected: u64) {
    let got = hash(result);
    assert_eq!(got, expected, "{name}: hash {got:#018x} of its bits, expected {expected:#018x}");
}

fn check_double(name: &str, function: fn(f64) -> f64, low: f64, high: f64, expected: u64) {
    check(name, |draw| function(input(1, draw, low, high)), expected);
}

fn check_single(name: &str, function: fn(f32) -> f32, low: f64, high: f64, expected: u64) {
    // The conversion's rounding is IEEE's, too. Widening keeps every bit of the result.
    let narrow = |draw: u32| {
        let x = input(2, draw, low, high);
        if draw.is_multiple_of(3) { f32::from_bits((x.to_bits() >> 32) as u32) } else { x as f32 }
    };
    check(name, |draw| f64::from(function(narrow(draw))), expected);
}

#[test]
fn bits_of_exp() {
    check_double("exp", double::exp, -750.0, 712.0, 0xa938_9305_11eb_c1d6);
}

#[test]
fn bits_of_ln() {
    check_double("ln", double::ln, 0.0, 3.0, 0x1564_c133_6485_b0a8);
}

#[test]
fn bits_of_sin() {
    check_double("sin", double::sin, -100.0, 100.0, 0xa85a_98cc_9ae4_f701);
}

#[test]
fn bits_of_cos() {
    check_double("cos", double::cos, -100.0, 100.0, 0x54d4_d2bd_fc89_4eb8);
}

#[test]
fn bits_of_tan() {
    check_double("tan", double::tan, -100.0, 100.0, 0x5288_4431_e8fd_0b63);
}

#[test]
fn bits_of_atan() {
    check_double("atan", double::atan, -10.0, 10.0, 0x13b2_7590_f728_bce0);
}

#[test]
fn bits_of_atan_ratio() {
    let result = |draw| double::atan_ratio(input(5, draw, -10.0, 10.0), input(6, draw, -10.0, 10.0));
    check("atan_ratio", result, 0xed11_0aeb_9ac0_3f26);
}

#[test]
fn bits_of_atanh() {
    check_double("atanh", double::atanh, -1.0, 1.0, 0x085c_ac7a_64e5_2edc);
}

#[test]
fn bits_of_pow() {
    let result = |draw| double::pow(input(3, draw, 0.0, 50.0), input(4, draw, -200.0, 200.0));
    check("pow", result, 0xa59e_7b99_9e40_02fc);
}

#[test]
fn bits_of_normal_cdf() {
    check_double("normal_cdf", double::normal_cdf, -39.0, 9.0, 0x85ae_7351_c25a_6e50);
}

#[test]
fn bits_of_normal_quantile() {
    check_double("normal_quantile", double::normal_quantile, 0.0, 1.0, 0x336c_f1b0_c764_e3de);
}

#[test]
fn bits_of_single_exp() {
    check_single("exp", single::exp, -105.0, 90.0, 0xd913_e59c_745c_b18b);
}

#[test]
fn bits_of_single_ln() {
    check_single("ln", single::ln, 0.0, 3.0, 0xb950_3062_4f96_f22d);
}

#[test]
fn bits_of_single_sin_turns() {
    check_single("sin_turns", single::sin_turns, -10.0, 10.0, 0x0fd7_da4e_d001_9a80);
}

#[test]
fn bits_of_single_cos_turns() {
    check_single("cos_turns", single::cos_turns, -10.0, 10.0, 0x84c2_f381_75d1_bc52);
}

#[test]
fn bits_of_single_sigmoid() {
    check_single("sigmoid", single::sigmoid, -110.0, 40.0, 0xc043_bba8_e372_555d);
}

#[test]
fn bits_of_single_softplus() {
    check_single("softplus", single::softplus, -110.0, 40.0, 0xf661_8dda_dd41_eb32);
}

#[test]
fn bits_of_random() {
    let key = RandomKey { seed: 2, purpose: 3, id: 4 };
    check("bits", |draw| (key.bits(draw) >> 11) as f64, 0x68df_22e3_0bed_da9a);
    check("below", |draw| key.below(draw, 1 + (u64::from(draw) << 40)) as f64, 0x2139_fdad_6077_10d0);
    check("normal", |draw| key.normal(draw), 0x3712_4af6_fc4b_02a4);
}

#[test]
fn hash_sees_one_bit_and_the_order() {
    let last = |draw| if draw == POINTS - 1 { 1.0f64.next_up() } else { 1.0 };
    let first = |draw| if draw == 0 { 1.0f64.next_up() } else { 1.0 };
    let hashes = [hash(|_| 1.0), hash(last), hash(first), hash(|_| -1.0)];
    for (i, a) in hashes.iter().enumerate() {
        assert!(hashes[..i].iter().all(|b| a != b), "{hashes:x?}");
    }
}
