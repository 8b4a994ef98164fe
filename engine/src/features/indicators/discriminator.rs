//! Ehlers' discriminator: how long the dominant cycle of a price is, by how fast its phase turns from bar to bar
//! (John F. Ehlers, "Rocket Science for Traders", 2001).
//!
//! Each bar's period scales what the next bar's is computed of, so what a bar costs is how long one operation waits
//! for another on the way from period to period. That way is kept short: everything that does not need the last period
//! is added up before, nothing is chosen by a branch, and the arctangent and the division after it are one quotient of
//! two polynomials. TA-Lib's numbers come out, but for their last few digits.

use std::hint::select_unpredictable as select;

use crate::features::kit::{larger, smaller};

/// The weights of Ehlers' Hilbert transformer: A x₀ + B x₂ − B x₄ − A x₆.
const A: f64 = 0.0962;
const B: f64 = 0.5769;

/// What one series was, as its transform reads it: each way has every second value, the last three of them.
#[derive(Clone, Copy, Default)]
struct Lags([[f64; 3]; 2]);

impl Lags {
    /// The transform of a value that comes this way, without A times that value itself.
    #[inline(always)]
    fn known(&self, way: usize) -> f64 {
        let [x2, x4, x6] = self.0[way];
        B.mul_add(x2 - x4, -A * x6)
    }

    #[inline(always)]
    fn push(&mut self, way: usize, value: f64) {
        let [x2, x4, _] = self.0[way];
        self.0[way] = [value, x2, x4];
    }

    /// The value three pushes before the one that comes this way.
    #[inline(always)]
    fn third(&self, way: usize) -> f64 {
        self.0[1 - way][1]
    }
}

/// The discriminator: in phase and quadrature parts, and the period that follows from them.
#[derive(Clone, Copy, Default)]
pub(super) struct Discriminator {
    prices: [f64; 3],
    seen: u32,
    smoothed: Lags,
    detrended: Lags,
    quadratures: Lags,
    in_phases: Lags,
    previous_i2: f64,
    previous_q2: f64,
    real: f64,
    imaginary: f64,
    period: f64,
    smooth_period: f64,
}

/// What the discriminator says of one bar.
pub(super) struct Parts {
    /// The price, smoothed over four bars.
    pub smoothed: f64,
    /// The part in phase.
    pub in_phase: f64,
    /// The part a quarter of a turn behind.
    pub quadrature: f64,
}

impl Discriminator {
    /// Takes a price; parts from the bar `start` on. To be called where there is fused multiply-add.
    #[inline(always)]
    pub(super) fn push(&mut self, price: f64, start: u32) -> Option<Parts> {
        let [one, two, three] = self.prices;
        self.prices = [price, one, two];
        self.seen = self.seen.saturating_add(1);
        if self.seen <= start {
            return None;
        }
        let way = (self.seen & 1) as usize;
        let smoothed = 0.1 * 4f64.mul_add(price, 3f64.mul_add(one, 2f64.mul_add(two, three)));

        // Sums that do not wait for the last period. Each transform is scaled by it: the quadrature of what was
        // scaled already, so by its square.
        let detrender = A.mul_add(smoothed, self.smoothed.known(way));
        let in_phase = self.detrended.third(way);
        let of_detrended = self.detrended.known(way);
        let of_in_phase = A.mul_add(in_phase, self.in_phases.known(way));
        let of_quadrature = self.quadratures.known(way);
        let (previous_i2, previous_q2) = (self.previous_i2, self.previous_q2);
        let i2_known = 0.2f64.mul_add(in_phase, 0.8 * previous_i2);
        let q2_known = 0.8 * previous_q2;
        let before = self.period;

        let scale = 0.075f64.mul_add(before, 0.54);
        let quadrature = (scale * scale).mul_add(A * detrender, scale * of_detrended);
        let jq = (A * scale).mul_add(quadrature, scale * of_quadrature);
        let i2 = (-0.2f64).mul_add(jq, i2_known);
        let q2 = 0.2f64.mul_add(quadrature, (0.2 * scale).mul_add(of_in_phase, q2_known));
        // With the angle of the last pair: the cosine and the sine of what it turned since.
        let real = (0.2 * previous_i2).mul_add(i2, (0.2 * previous_q2).mul_add(q2, 0.8 * self.real));
        let imaginary =
            (0.2 * previous_q2).mul_add(i2, (-0.2 * previous_i2).mul_add(q2, 0.8 * self.imaginary));

        let turns = real != 0.0 && imaginary != 0.0;
        let found = select(turns, period(real / imaginary), before);
        // At most half as long again and two thirds as long as before, and from 6 to 50 bars.
        let (least, most) = (larger(0.67 * before, 6.0), smaller(1.5 * before, 50.0));
        let found = larger(least, smaller(most, found));
        self.period = 0.2f64.mul_add(found, 0.8 * before);
        self.smooth_period = 0.67f64.mul_add(self.smooth_period, 0.33 * self.period);

        self.smoothed.push(way, smoothed);
        self.detrended.push(way, detrender * scale);
        self.in_phases.push(way, in_phase);
        self.quadratures.push(way, quadrature);
        (self.previous_i2, self.previous_q2) = (i2, q2);
        (self.real, self.imaginary) = (real, imaginary);
        Some(Parts { smoothed, in_phase, quadrature })
    }

    /// How many prices came.
    pub(super) fn seen(&self) -> u32 {
        self.seen
    }

    /// The period in bars, smoothed.
    pub(super) fn smooth_period(&self) -> f64 {
        self.smooth_period
    }
}

/// From here to there the cotangent of a bar's turn is one of a period between 6 and 50 bars, and somewhat more.
const COTANGENTS: [f64; 2] = [0.5625, 8.0];
/// 2π / arccot(r) = r · ABOVE(r²) / BELOW(r²) for r in [`COTANGENTS`], to 8e-16: the quotient that is exact in the 17
/// Chebyshev points of 1/r² between those ends, by 17 linear equations solved with 80 digits. No term is negative, so
/// nothing cancels.
const ABOVE: [f64; 9] = [
    3.096292218542512e-05,
    0.003395170993079961,
    0.09536177331668094,
    1.0778921924071965,
    5.898687416685586,
    16.98957805295908,
    26.21278455995502,
    20.412814108794468,
    6.283185307179616,
];
const BELOW: [f64; 9] = [
    2.849809436001258e-07,
    9.628208158074895e-05,
    0.004593588034804623,
    0.07349567994393233,
    0.518855783949767,
    1.8202468273629921,
    3.288960812299928,
    2.915466934497666,
    1.0,
];

/// How many bars a whole turn takes, of the cotangent of what one bar turns: 2π / arccot. Below 6 for what is less
/// than the first of [`COTANGENTS`] or no number, and above 50 for what is more than the second.
#[inline(always)]
fn period(cotangent: f64) -> f64 {
    let [least, most] = COTANGENTS;
    let r = smaller(larger(cotangent, least), most);
    let square = r * r;
    r * polynomial(&ABOVE, square) / polynomial(&BELOW, square)
}

/// By Estrin's scheme: in four steps instead of eight.
#[inline(always)]
fn polynomial(c: &[f64; 9], x: f64) -> f64 {
    let x2 = x * x;
    let x4 = x2 * x2;
    let low = x2.mul_add(c[3].mul_add(x, c[2]), c[1].mul_add(x, c[0]));
    let high = x2.mul_add(c[7].mul_add(x, c[6]), c[5].mul_add(x, c[4]));
    x4.mul_add(x4.mul_add(c[8], high), low)
}

#[cfg(test)]
mod tests {
    use super::*;
    use genovo_kernels::scalar::f64::{atan, sin};

    const TURN: f64 = 2.0 * std::f64::consts::PI;

    #[test]
    fn the_period_is_a_turn_over_the_arctangent() {
        let [least, most] = COTANGENTS;
        let mut worst: f64 = 0.0;
        for step in 0..=100_000 {
            let r = least + (most - least) * f64::from(step) / 1e5;
            let exact = TURN / atan(1.0 / r);
            worst = worst.max((period(r) / exact - 1.0).abs());
        }
        assert!(worst < 2e-15, "{worst:e}");
        let ends = [period(least), period(most)];
        assert!(ends[0] < 6.0 && ends[1] > 50.0, "{ends:?}");
        for r in [-1.0, 0.0, f64::NAN, f64::NEG_INFINITY] {
            assert_eq!(period(r), ends[0], "{r}");
        }
        assert_eq!(period(f64::INFINITY), ends[1]);
    }

    /// As TA-Lib has it, step by step: of every series all that its transform reads.
    #[derive(Default)]
    struct Plain {
        prices: Vec<f64>,
        series: [Vec<f64>; 4],
        i2: f64,
        q2: f64,
        real: f64,
        imaginary: f64,
        period: f64,
        smooth_period: f64,
    }

    impl Plain {
        fn push(&mut self, price: f64, start: usize) -> Option<[f64; 4]> {
            self.prices.push(price);
            let count = self.prices.len();
            if count <= start {
                return None;
            }
            let back =
                |values: &[f64], lag: usize| values.len().checked_sub(lag + 1).map_or(0.0, |at| values[at]);
            let p = |lag| back(&self.prices, lag);
            let smoothed = (4.0 * p(0) + 3.0 * p(1) + 2.0 * p(2) + p(3)) / 10.0;
            let scale = 0.075 * self.period + 0.54;
            let hilbert = |values: &[f64]| {
                (A * back(values, 0) + B * back(values, 2) - B * back(values, 4) - A * back(values, 6))
                    * scale
            };
            let [smooth, detrended, in_phases, quadratures] = &mut self.series;
            smooth.push(smoothed);
            detrended.push(hilbert(smooth));
            let in_phase = back(detrended, 3);
            let quadrature = hilbert(detrended);
            in_phases.push(in_phase);
            quadratures.push(quadrature);
            let (ji, jq) = (hilbert(in_phases), hilbert(quadratures));
            let q2 = 0.2 * (quadrature + ji) + 0.8 * self.q2;
            let i2 = 0.2 * (in_phase - jq) + 0.8 * self.i2;
            self.real = 0.2 * (i2 * self.i2 + q2 * self.q2) + 0.8 * self.real;
            self.imaginary = 0.2 * (i2 * self.q2 - q2 * self.i2) + 0.8 * self.imaginary;
            (self.i2, self.q2) = (i2, q2);
            let before = self.period;
            if self.imaginary != 0.0 && self.real != 0.0 {
                self.period = TURN / atan(self.imaginary / self.real);
            }
            if self.period > 1.5 * before {
                self.period = 1.5 * before;
            }
            if self.period < 0.67 * before {
                self.period = 0.67 * before;
            }
            self.period = self.period.clamp(6.0, 50.0);
            self.period = 0.2 * self.period + 0.8 * before;
            self.smooth_period = 0.33 * self.period + 0.67 * self.smooth_period;
            Some([smoothed, in_phase, quadrature, self.smooth_period])
        }
    }

    #[test]
    fn a_price_that_stands_still_has_a_period_too() {
        let mut it = Discriminator::default();
        for _ in 0..5_000 {
            it.push(100.0, 12);
            assert!((0.0..=50.0).contains(&it.smooth_period()), "{}", it.smooth_period());
        }
    }

    #[test]
    fn it_says_what_it_says_step_by_step() {
        for (seed, start) in [(1_u64, 12), (2, 37), (3, 12)] {
            let (mut fast, mut slow) = (Discriminator::default(), Plain::default());
            let mut price = 100.0;
            for bar in 0..3_000_u64 {
                let draw = (bar ^ (seed << 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                let draw =
                    ((draw ^ (draw >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 40) as f64 / 16_777_216.0;
                // A walk, a wave of 20 bars, steps between flat stretches.
                price = match seed {
                    1 => price * (1.0 + (draw - 0.5) * 0.01),
                    2 => 100.0 + sin(bar as f64 * TURN / 20.0) + 0.1 * draw,
                    _ if bar % 16 == 0 => 100.0 + draw,
                    _ => price,
                };
                let slow = slow.push(price, start);
                let found = fast.push(price, start as u32);
                let found = found.map(|it| [it.smoothed, it.in_phase, it.quadrature, fast.smooth_period()]);
                assert_eq!(found.is_some(), slow.is_some());
                for (found, slow) in found.iter().flatten().zip(slow.iter().flatten()) {
                    assert!(
                        (found - slow).abs() <= 1e-10 * slow.abs().max(1.0),
                        "{seed} {bar}: {found} {slow}"
                    );
                }
            }
        }
    }
}
