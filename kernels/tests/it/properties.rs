//! Symmetries, identities and monotony that hold for any input. The cases come from a fixed seed.

use genovo_kernels::random::RandomKey;
use genovo_kernels::scalar::{f32 as single, f64 as double};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

/// Where a double lies on the line of all doubles: neighbours differ by 1.
fn place(x: f64) -> i128 {
    let magnitude = i128::from(x.to_bits() & (u64::MAX >> 1));
    if x.is_sign_negative() { -magnitude } else { magnitude }
}

/// How many doubles lie between two.
fn steps(a: f64, b: f64) -> i128 {
    (place(a) - place(b)).abs()
}

fn any_finite() -> impl Strategy<Value = f64> {
    any::<u64>().prop_map(f64::from_bits).prop_filter("finite", |x| x.is_finite())
}

fn any_finite_single() -> impl Strategy<Value = f32> {
    any::<u32>().prop_map(f32::from_bits).prop_filter("finite", |x| x.is_finite())
}

/// A double and another above it, near or far.
fn rising(low: f64, high: f64) -> impl Strategy<Value = (f64, f64)> {
    (low..high, 0..60u32, low..high).prop_map(|(x, near, other)| {
        let y = if near < 52 { f64::from_bits(x.to_bits() ^ (1 << near)) } else { other };
        if x < y { (x, y) } else { (y, x) }
    })
}

/// f never falls by more than the one last place that its error below 1 ulp allows.
fn rises(f: fn(f64) -> f64, (x, y): (f64, f64)) -> bool {
    place(f(y)) - place(f(x)) >= -1
}

/// The same cases on every run, so a failure is never a matter of luck.
fn config() -> ProptestConfig {
    ProptestConfig { cases: 4000, rng_seed: RngSeed::Fixed(3), ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn exp_rises(pair in rising(-746.0, 710.0)) {
        prop_assert!(rises(double::exp, pair));
    }

    #[test]
    fn ln_rises(pair in rising(0.0, 10.0)) {
        prop_assert!(rises(double::ln, pair));
    }

    #[test]
    fn atan_rises(pair in rising(-40.0, 40.0)) {
        prop_assert!(rises(double::atan, pair));
    }

    #[test]
    fn normal_cdf_rises(pair in rising(-38.6, 8.6)) {
        prop_assert!(rises(double::normal_cdf, pair));
    }

    #[test]
    fn normal_quantile_rises(pair in rising(0.0, 1.0)) {
        prop_assert!(rises(double::normal_quantile, pair));
    }

    #[test]
    fn odd_functions_are_odd_to_the_bit(x in any_finite()) {
        for f in [double::sin, double::tan, double::atan, double::atanh] {
            prop_assert_eq!(f(-x).to_bits(), (-f(x)).to_bits());
        }
        prop_assert_eq!(double::cos(-x).to_bits(), double::cos(x).to_bits());
    }

    #[test]
    fn sine_and_cosine_lie_on_the_circle(x in any_finite()) {
        let (s, c) = (double::sin(x), double::cos(x));
        prop_assert!((s * s + c * c - 1.0).abs() <= 4.0 * f64::EPSILON, "{s} {c}");
        prop_assert!(steps(double::tan(x), s / c) <= 3, "{s} {c} {}", double::tan(x));
    }

    #[test]
    fn tangent_of_the_arc_is_the_argument(x in -1.0..1.0f64) {
        prop_assert!(steps(double::tan(double::atan(x)), x) <= 3);
    }

    #[test]
    fn exp_and_ln_undo_each_other(x in -700.0..700.0f64) {
        prop_assert!((double::ln(double::exp(x)) - x).abs() <= 2.0 * f64::EPSILON + x.abs() * f64::EPSILON);
    }

    #[test]
    fn exp_of_a_negative_is_the_inverse(x in -700.0..700.0f64) {
        prop_assert!(steps(double::exp(-x), 1.0 / double::exp(x)) <= 3);
    }

    #[test]
    fn ln_of_an_inverse_is_the_negative(x in 1e-300..2.0f64, k in -300i32..300) {
        // Exact halves and doubles: only the exponent moves, by ln 2 each.
        let scaled = x * double::pow(2.0, f64::from(k));
        prop_assume!(scaled.is_normal() && (1.0 / scaled).is_normal());
        let sum = double::ln(scaled) + double::ln(1.0 / scaled);
        prop_assert!(sum.abs() <= f64::EPSILON * (2.0 + double::ln(scaled).abs()));
    }

    #[test]
    fn small_powers_are_products(x in any_finite()) {
        prop_assert_eq!(double::pow(x, 1.0).to_bits(), x.to_bits());
        prop_assert!(steps(double::pow(x, 2.0), x * x) <= 1);
        prop_assert!(steps(double::pow(x, -1.0), 1.0 / x) <= 1);
        if x > 0.0 {
            prop_assert!(steps(double::pow(x, 0.5), x.sqrt()) <= 1);
        }
    }

    #[test]
    fn integer_powers_are_exact_while_they_fit(base in 2u32..40, exponent in 1u32..12) {
        let exact = u64::from(base).checked_pow(exponent).filter(|power| *power < 1 << 53);
        prop_assume!(exact.is_some());
        prop_assert_eq!(double::pow(f64::from(base), f64::from(exponent)), exact.unwrap() as f64);
    }

    #[test]
    fn powers_of_negatives_differ_in_sign_only(x in any_finite(), n in -1000i32..1000) {
        let (positive, negative) = (double::pow(x.abs(), f64::from(n)), double::pow(-x.abs(), f64::from(n)));
        let expected = if n % 2 == 0 { positive } else { -positive };
        prop_assert_eq!(negative.to_bits(), expected.to_bits());
    }

    #[test]
    fn both_tails_of_the_normal_sum_to_one(x in -8.0..8.0f64) {
        prop_assert!((double::normal_cdf(x) + double::normal_cdf(-x) - 1.0).abs() <= f64::EPSILON);
    }

    #[test]
    fn quantile_undoes_cdf_far_into_the_tail(x in -37.0..5.0f64) {
        let p = double::normal_cdf(x);
        // How far one last place of p moves x, besides some last places of x itself.
        let density = double::exp(-0.5 * x * x) * 0.3989422804014327;
        let tolerance = 2.0 * f64::EPSILON * (x.abs() + p / density);
        prop_assert!((double::normal_quantile(p) - x).abs() <= tolerance);
    }

    #[test]
    fn quantile_is_antisymmetric_to_the_bit(n in 1u64..1 << 53) {
        let p = n as f64 / (1u64 << 53) as f64; // 1 - p is exact
        prop_assume!(p != 0.5);
        let (left, right) = (double::normal_quantile(p), double::normal_quantile(1.0 - p));
        prop_assert_eq!(left.to_bits(), (-right).to_bits());
    }

    #[test]
    fn turns_are_symmetric_and_periodic_to_the_bit(n in -4_000_000i32..4_000_000, k in -3i32..3) {
        // Multiples of 2^-20 below 4: every sum here is exact.
        let x = n as f32 / 1_048_576.0;
        let bits = |y: f32| (y + 0.0).to_bits(); // a zero's sign follows x, so it is left out
        prop_assert_eq!(single::sin_turns(-x).to_bits(), (-single::sin_turns(x)).to_bits());
        prop_assert_eq!(single::cos_turns(-x).to_bits(), single::cos_turns(x).to_bits());
        prop_assert_eq!(bits(single::sin_turns(x + k as f32)), bits(single::sin_turns(x)));
        prop_assert_eq!(bits(single::cos_turns(x + k as f32)), bits(single::cos_turns(x)));
        prop_assert_eq!(bits(single::sin_turns(x + 0.25)), bits(single::cos_turns(x)));
        prop_assert_eq!(bits(single::sin_turns(x + 0.5)), bits(-single::sin_turns(x)));
    }

    #[test]
    fn sigmoid_and_softplus_mirror(x in -80.0f32..80.0) {
        prop_assert!((single::sigmoid(x) + single::sigmoid(-x) - 1.0).abs() <= f32::EPSILON);
        let difference = single::softplus(x) - single::softplus(-x);
        prop_assert!((difference - x).abs() <= 2.0 * f32::EPSILON * (1.0 + x.abs()));
    }

    #[test]
    fn single_ranges_hold(x in any_finite_single()) {
        prop_assert!((0.0..=1.0).contains(&single::sigmoid(x)));
        let least = if x > 0.0 { x } else { 0.0 };
        prop_assert!(single::softplus(x) >= least);
        prop_assert!(single::sin_turns(x).abs() <= 1.0 && single::cos_turns(x).abs() <= 1.0);
    }

    #[test]
    fn ranges_hold(x in any_finite()) {
        prop_assert!(double::sin(x).abs() <= 1.0 && double::cos(x).abs() <= 1.0);
        prop_assert!(double::atan(x).abs() <= std::f64::consts::FRAC_PI_2);
        prop_assert!((0.0..=1.0).contains(&double::normal_cdf(x)));
        prop_assert!(double::exp(x) >= 0.0);
    }

    #[test]
    fn random_integers_stay_below(seed: u64, purpose: u32, id: u64, draw: u32, count in 1..=u64::MAX) {
        let key = RandomKey { seed, purpose, id };
        prop_assert!(key.below(draw, count) < count);
        prop_assert!((0.0..1.0).contains(&key.uniform(draw)));
        prop_assert!(key.normal(draw).abs() < 8.21);
    }
}
