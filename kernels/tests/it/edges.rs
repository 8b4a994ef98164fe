//! Special cases, by exact bits: zeros, infinities, NaN, subnormals, thresholds.

use genovo_kernels::scalar::{f32 as single, f64 as double};

const INF: f64 = f64::INFINITY;
const NAN: f64 = f64::NAN;
const TINY: f64 = f64::from_bits(1); // 2^-1074
const HALF_PI: f64 = std::f64::consts::FRAC_PI_2;

/// Same bits, or both NaN.
fn same(got: f64, expected: f64) -> bool {
    got.to_bits() == expected.to_bits() || (got.is_nan() && expected.is_nan())
}

fn check(name: &str, function: fn(f64) -> f64, cases: &[(f64, f64)]) {
    for (x, expected) in cases {
        let got = function(*x);
        assert!(same(got, *expected), "{name}({x:e}) = {got:e}, expected {expected:e}");
    }
}

fn check_single(name: &str, function: fn(f32) -> f32, cases: &[(f32, f32)]) {
    for (x, expected) in cases {
        let got = function(*x);
        let same = got.to_bits() == expected.to_bits() || (got.is_nan() && expected.is_nan());
        assert!(same, "{name}({x:e}) = {got:e}, expected {expected:e}");
    }
}

#[test]
fn exp_edges() {
    check(
        "exp",
        double::exp,
        &[
            (0.0, 1.0),
            (-0.0, 1.0),
            (TINY, 1.0),
            (-TINY, 1.0),
            (INF, INF),
            (-INF, 0.0),
            (NAN, NAN),
            (f64::MAX, INF),
            (f64::MIN, 0.0),
            (709.782712893384, 1.7976931348622732e308),
            (709.7827128933841, INF),
            (-745.1332191019411, TINY),
            (-745.1332191019412, 0.0),
        ],
    );
}

#[test]
fn ln_edges() {
    check(
        "ln",
        double::ln,
        &[
            (1.0, 0.0),
            (0.0, -INF),
            (-0.0, -INF),
            (INF, INF),
            (-INF, NAN),
            (-1.0, NAN),
            (-TINY, NAN),
            (NAN, NAN),
            (TINY, -744.4400719213812),
            (f64::MAX, 709.782712893384),
        ],
    );
}

#[test]
fn circle_edges() {
    let odd = [(0.0, 0.0), (-0.0, -0.0), (TINY, TINY), (-TINY, -TINY), (INF, NAN), (-INF, NAN), (NAN, NAN)];
    check("sin", double::sin, &odd);
    check("tan", double::tan, &odd);
    check(
        "cos",
        double::cos,
        &[
            (0.0, 1.0),
            (-0.0, 1.0),
            (TINY, 1.0),
            (INF, NAN),
            (-INF, NAN),
            (NAN, NAN),
            (HALF_PI, 6.123233995736766e-17),
        ],
    );
    // Ng, "Argument reduction for huge arguments": sin 1e22; and the hardest double of all.
    check("sin", double::sin, &[(1e22, -0.8522008497671888), (f64::MAX, 0.004961954789184062)]);
    check("cos", double::cos, &[(6381956970095103.0 * 2f64.powi(797), -4.687165924254628e-19)]);
}

#[test]
fn atan_edges() {
    check(
        "atan",
        double::atan,
        &[
            (0.0, 0.0),
            (-0.0, -0.0),
            (TINY, TINY),
            (-TINY, -TINY),
            (INF, HALF_PI),
            (-INF, -HALF_PI),
            (f64::MAX, HALF_PI),
            (1.0, HALF_PI / 2.0),
            (-1.0, -HALF_PI / 2.0),
            (NAN, NAN),
        ],
    );
}

#[test]
fn atanh_edges() {
    check(
        "atanh",
        double::atanh,
        &[
            (0.0, 0.0),
            (-0.0, -0.0),
            (TINY, TINY),
            (-TINY, -TINY),
            (1.0, INF),
            (-1.0, -INF),
            (1.5, NAN),
            (INF, NAN),
            (NAN, NAN),
        ],
    );
}

#[test]
fn normal_edges() {
    check(
        "normal_cdf",
        double::normal_cdf,
        &[
            (0.0, 0.5),
            (-0.0, 0.5),
            (TINY, 0.5),
            (-TINY, 0.5),
            (INF, 1.0),
            (-INF, 0.0),
            (f64::MIN, 0.0),
            (f64::MAX, 1.0),
            (8.5, 1.0),
            (-38.6, 0.0),
            (NAN, NAN),
        ],
    );
    check(
        "normal_quantile",
        double::normal_quantile,
        &[
            (0.5, 0.0),
            (0.0, -INF),
            (-0.0, -INF),
            (1.0, INF),
            (1.0 + f64::EPSILON, NAN),
            (-TINY, NAN),
            (INF, NAN),
            (-INF, NAN),
            (NAN, NAN),
            (TINY, -38.467405617144344),
            (1.0 - f64::EPSILON / 2.0, 8.209536151601387),
        ],
    );
}

#[test]
fn pow_follows_c99() {
    let odd = 3.0;
    let even = 2.0;
    for (x, y, expected) in [
        // Anything to ±0 and 1 to anything are 1, even NaN.
        (NAN, 0.0, 1.0),
        (NAN, -0.0, 1.0),
        (0.0, 0.0, 1.0),
        (-INF, -0.0, 1.0),
        (1.0, NAN, 1.0),
        (1.0, INF, 1.0),
        (1.0, -INF, 1.0),
        (NAN, 1.0, NAN),
        (2.0, NAN, NAN),
        (-1.0, NAN, NAN),
        // (-1)^±∞.
        (-1.0, INF, 1.0),
        (-1.0, -INF, 1.0),
        // ±0.
        (0.0, -odd, INF),
        (-0.0, -odd, -INF),
        (0.0, -even, INF),
        (-0.0, -even, INF),
        (0.0, -0.5, INF),
        (-0.0, -0.5, INF),
        (0.0, -INF, INF),
        (-0.0, -INF, INF),
        (0.0, odd, 0.0),
        (-0.0, odd, -0.0),
        (-0.0, even, 0.0),
        (-0.0, 0.5, 0.0),
        (0.0, INF, 0.0),
        // |x| against 1 when y is infinite.
        (0.5, -INF, INF),
        (-0.5, -INF, INF),
        (2.0, -INF, 0.0),
        (-2.0, -INF, 0.0),
        (0.5, INF, 0.0),
        (-0.5, INF, 0.0),
        (2.0, INF, INF),
        (-2.0, INF, INF),
        // ±∞.
        (-INF, -odd, -0.0),
        (-INF, -even, 0.0),
        (-INF, -0.5, 0.0),
        (-INF, odd, -INF),
        (-INF, even, INF),
        (-INF, 0.5, INF),
        (INF, -1.0, 0.0),
        (INF, 1.0, INF),
        (INF, -TINY, 0.0),
        (-INF, INF, INF),
        (-INF, -INF, 0.0),
        // Negative finite x.
        (-8.0, 1.0 / 3.0, NAN),
        (-2.0, 3.0, -8.0),
        (-2.0, 2.0, 4.0),
        (-2.0, -1.0, -0.5),
        (-2.0, 9007199254740991.0, -INF),
        (-2.0, 9007199254740992.0, INF),
        (-0.5, 9007199254740991.0, -0.0),
        // Thresholds.
        (2.0, 1023.0, 2f64.powi(1023)),
        (2.0, 1024.0, INF),
        (2.0, -1074.0, TINY),
        (2.0, -1075.0, 0.0),
        (2.0, -1074.9, TINY),
        (f64::MAX, 1.0, f64::MAX),
        (TINY, 1.0, TINY),
        (TINY, 0.5, 2f64.powi(-537)),
        (f64::MAX, f64::MAX, INF),
        (f64::MAX, f64::MIN, 0.0),
        (f64::MAX, TINY, 1.0),
        (1.0 - f64::EPSILON / 2.0, TINY, 1.0),
        (10.0, 22.0, 1e22),
        (9.0, 0.5, 3.0),
    ] {
        let got = double::pow(x, y);
        assert!(same(got, expected), "pow({x:e}, {y:e}) = {got:e}, expected {expected:e}");
    }
}

#[test]
fn single_edges() {
    const INF: f32 = f32::INFINITY;
    const NAN: f32 = f32::NAN;
    let tiny = f32::from_bits(1);
    let specials = [(0.0, 1.0), (-0.0, 1.0), (tiny, 1.0), (INF, INF), (-INF, 0.0), (NAN, NAN)];
    check_single("exp", single::exp, &specials);
    check_single(
        "exp",
        single::exp,
        &[(88.72283, 3.4027985e38), (88.72284, INF), (-103.97208, tiny), (-103.97209, 0.0)],
    );
    check_single("exp", single::exp, &[(f32::MAX, INF), (f32::MIN, 0.0)]);
    let ln = [(1.0, 0.0), (0.0, -INF), (-0.0, -INF), (INF, INF), (-INF, NAN), (-tiny, NAN), (NAN, NAN)];
    check_single("ln", single::ln, &ln);
    check_single("ln", single::ln, &[(tiny, -103.27893), (f32::MAX, 88.72284)]);
    let sine = [
        (0.0, 0.0),
        (-0.0, -0.0),
        (0.25, 1.0),
        (-0.25, -1.0),
        (0.5, 0.0),
        (-0.5, -0.0),
        (0.75, -1.0),
        (1.0, 0.0),
        (-1.0, -0.0),
        (8388607.5, 0.0),
        (-4194304.5, -0.0),
        (4194304.0 - 0.25, -1.0),
        (f32::MAX, 0.0),
        (INF, NAN),
        (-INF, NAN),
        (NAN, NAN),
    ];
    check_single("sin_turns", single::sin_turns, &sine);
    let cosine = [
        (0.0, 1.0),
        (-0.0, 1.0),
        (0.25, 0.0),
        (-0.25, 0.0),
        (0.5, -1.0),
        (0.75, 0.0),
        (-0.75, 0.0),
        (1.0, 1.0),
        (8388607.5, -1.0),
        (8388608.0, 1.0),
        (f32::MIN, 1.0),
        (tiny, 1.0),
        (INF, NAN),
        (NAN, NAN),
    ];
    check_single("cos_turns", single::cos_turns, &cosine);
    let sigmoid =
        [(0.0, 0.5), (-0.0, 0.5), (tiny, 0.5), (INF, 1.0), (-INF, 0.0), (f32::MAX, 1.0), (NAN, NAN)];
    check_single("sigmoid", single::sigmoid, &sigmoid);
    let softplus = [
        (0.0, std::f32::consts::LN_2),
        (-0.0, std::f32::consts::LN_2),
        (INF, INF),
        (-INF, 0.0),
        (f32::MAX, f32::MAX),
        (NAN, NAN),
    ];
    check_single("softplus", single::softplus, &softplus);
}

/// The one operation that everything rests on: a fused multiply-add that rounds once, also where a target
/// has no such instruction and calls a function.
#[test]
fn mul_add_rounds_once() {
    let e = f64::EPSILON;
    let cases = [
        (1.0 + e, 1.0 - e, -1.0, -e * e),
        (1.0 + e, 1.0 + e, -(1.0 + 2.0 * e), e * e),
        (0.1, 10.0, -1.0, 5.551115123125783e-17),
        (f64::MAX, 2.0, -f64::MAX, f64::MAX),
        (TINY, 0.5, 0.0, 0.0),
        (TINY, 0.5, TINY, 2.0 * TINY),
        (2f64.powi(-537), 2f64.powi(-538), TINY, 2.0 * TINY),
        (1.0, 1.0, 2f64.powi(-53), 1.0),
        (1.0 + e, 1.0, 2f64.powi(-53), 1.0 + 2.0 * e),
        (0.0, -1.0, 0.0, 0.0),
    ];
    for (a, b, c, expected) in cases {
        assert!(same(a.mul_add(b, c), expected), "{a:e} · {b:e} + {c:e} = {:e}", a.mul_add(b, c));
    }
    // A double's product of two floats is exact, but its sum rounded twice would give 1 here.
    let (a, b) = (1.0f32 + f32::EPSILON, 1.0f32 - f32::EPSILON);
    assert_eq!(a.mul_add(b, -1.0), -f32::EPSILON * f32::EPSILON);
    let half = f32::EPSILON / 2.0;
    assert_eq!((1.0f32 + f32::EPSILON).mul_add(half, 1.0), 1.0 + f32::EPSILON);
}
