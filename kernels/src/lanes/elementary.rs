//! exp, the logistic function and SiLU in lanes: the steps of [`scalar::f32`](crate::scalar::f32) one for
//! one, with a choice of results where the plain form branches. `tests` hold them to it, bit for bit.

use super::Lanes;
use crate::scalar::f32::lanes::{EXP_OVERFLOW, EXP_POLY, EXP_UNDERFLOW, LN2_HIGH, LN2_LOW, LOG2_E, ROUND};

/// c₀ + c₁·x + … by Horner's rule.
///
/// # Safety
/// The machine has the instructions of `V`.
#[inline(always)]
unsafe fn horner<V: Lanes, const N: usize>(coefficients: &[f32; N], x: V) -> V {
    // SAFETY: the caller promises the instructions.
    unsafe {
        let mut sum = V::splat(coefficients[N - 1]);
        for c in coefficients[..N - 1].iter().rev() {
            sum = sum.fma(x, V::splat(*c));
        }
        sum
    }
}

/// e^x = 2^k · (high + low), as the plain `exp_parts`.
///
/// # Safety
/// The machine has the instructions of `V`.
#[inline(always)]
unsafe fn exp_parts<V: Lanes>(x: V) -> (V, V, V) {
    // SAFETY: the caller promises the instructions.
    unsafe {
        let round = V::splat(ROUND);
        let one = V::splat(1.0);
        let k = x.fma(V::splat(LOG2_E), round).sub(round);
        let minus_k = k.neg();
        let r_high = minus_k.fma(V::splat(LN2_HIGH), x);
        let r_low = minus_k.mul(V::splat(LN2_LOW));
        let r = r_high.add(r_low);
        let rest = r_high.sub(r).add(r_low);
        let minus_one = r.mul(r).fma(horner(&EXP_POLY, r), rest);
        let sum = one.add(r);
        let low = one.sub(sum).add(r).add(minus_one);
        let high = sum.add(low);
        (k, high, sum.sub(high).add(low))
    }
}

/// e^x in every lane; the bits of [`scalar::f32::exp`](crate::scalar::f32::exp).
///
/// # Safety
/// The machine has the instructions of `V`.
#[inline(always)]
pub(crate) unsafe fn exp<V: Lanes>(x: V) -> V {
    // SAFETY: the caller promises the instructions.
    unsafe {
        let (over, under) = (V::splat(EXP_OVERFLOW), V::splat(EXP_UNDERFLOW));
        let (too_large, too_small) = (x.above(over), under.above(x));
        // Lanes beyond the range take a part in the sums that means nothing, and are replaced.
        let inside = V::choose(too_large, over, V::choose(too_small, under, x));
        let inside = V::choose(inside.nan(), under, inside);
        let (k, high, _) = exp_parts(inside);
        let (first, second) = k.halves_of_power();
        let value = high.mul(first).mul(second);
        let value = V::choose(too_large, V::splat(f32::INFINITY), value);
        let value = V::choose(too_small, V::splat(0.0), value);
        V::choose(x.nan(), x, value)
    }
}

/// 1 / (1 + e^-x) in every lane; the bits of [`scalar::f32::sigmoid`](crate::scalar::f32::sigmoid).
///
/// # Safety
/// The machine has the instructions of `V`.
#[inline(always)]
pub(crate) unsafe fn sigmoid<V: Lanes>(x: V) -> V {
    // SAFETY: the caller promises the instructions.
    unsafe {
        let (zero, one, thirty) = (V::splat(0.0), V::splat(1.0), V::splat(30.0));
        let low_end = thirty.neg();
        let negative = zero.above(x);
        let (tail, full) = (low_end.above(x), x.above(thirty));
        // -|x|, kept in the range of the main form.
        let folded = V::choose(negative, x, x.neg());
        let folded = V::choose(low_end.above(folded), low_end, folded);
        let folded = V::choose(folded.nan(), zero, folded);
        let (k, high, low) = exp_parts(folded);
        let scale = k.power_of_two();
        let (e, e_low) = (high.mul(scale), low.mul(scale));
        let below = one.add(e);
        let below_low = one.sub(below).add(e).add(e_low);
        let (above, above_low) = (V::choose(negative, e, one), V::choose(negative, e_low, zero));
        let quotient = above.div(below);
        let minus = quotient.neg();
        let remainder = minus.fma(below, above).add(minus.fma(below_low, above_low));
        let mut value = quotient.add(remainder.div(below));
        value = V::choose(full, one, value);
        if V::any(tail) {
            value = V::choose(tail, exp(x), value);
        }
        V::choose(x.nan(), x, value)
    }
}

/// x · σ(x) in every lane.
///
/// # Safety
/// The machine has the instructions of `V`.
#[inline(always)]
pub(crate) unsafe fn silu<V: Lanes>(x: V) -> V {
    // SAFETY: the caller promises the instructions.
    unsafe { x.mul(sigmoid(x)) }
}

/// Runs a function of lanes over a slice.
///
/// # Safety
/// The machine has the instructions of `V`.
#[cfg(test)]
#[inline(always)]
unsafe fn over<V: Lanes>(which: u8, x: &[f32], y: &mut [f32]) {
    assert!(x.len() == y.len() && x.len().is_multiple_of(V::COUNT));
    for at in (0..x.len()).step_by(V::COUNT) {
        // SAFETY: both slices have COUNT floats from here on; the caller promises the instructions.
        unsafe {
            let lanes = V::load(x.as_ptr().add(at));
            let value = if which == 0 { exp(lanes) } else { sigmoid(lanes) };
            value.store(y.as_mut_ptr().add(at));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::CpuLevel;
    use crate::lanes::at_level;
    use crate::scalar::f32 as single;

    fn plain(which: u8, x: &[f32], y: &mut [f32]) {
        for (x, y) in x.iter().zip(y) {
            *y = if which == 0 { single::exp(*x) } else { single::sigmoid(*x) };
        }
    }

    at_level! {
        /// exp or sigmoid of a slice.
        fn run(which: u8, x: &[f32], y: &mut [f32]) = plain, over
    }

    #[test]
    fn lanes_have_the_bits_of_the_plain_functions() {
        // Every 1,021st float there is (a prime, so that all exponents and low bits occur), and the edges.
        let edges = [
            0.0,
            -0.0,
            30.0,
            -30.0,
            88.72283,
            -103.97208,
            -87.33655,
            f32::INFINITY,
            f32::NEG_INFINITY,
            f32::NAN,
            f32::MIN_POSITIVE,
            f32::from_bits(1),
            -f32::from_bits(1),
            f32::MAX,
            f32::MIN,
        ];
        let mut x: Vec<f32> = (0..=u32::MAX).step_by(1021).map(f32::from_bits).collect();
        for edge in edges {
            x.extend([edge, edge.next_up(), edge.next_down()]);
        }
        while !x.len().is_multiple_of(16) {
            x.push(1.0);
        }
        for level in CpuLevel::ALL {
            if level > CpuLevel::detect() {
                println!("skipped: this machine has no {level}");
                continue;
            }
            for which in [0, 1] {
                let (mut got, mut expected) = (vec![0.0; x.len()], vec![0.0; x.len()]);
                // SAFETY: the level was detected.
                unsafe { run(level, which, &x, &mut got) };
                plain(which, &x, &mut expected);
                for ((x, got), expected) in x.iter().zip(&got).zip(&expected) {
                    let same = got.to_bits() == expected.to_bits() || (got.is_nan() && expected.is_nan());
                    assert!(same, "{level}, function {which}, {x:e}: {got:e}, expected {expected:e}");
                }
            }
        }
    }
}
