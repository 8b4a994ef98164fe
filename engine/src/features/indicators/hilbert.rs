//! Ehlers' Hilbert transform and what TA-Lib derives from it: dominant cycle, phase, sine waves, trend line, trend
//! mode, and the MESA adaptive average (John F. Ehlers, "Rocket Science for Traders", 2001).
//!
//! TA-Lib's own versions call the C library's atan, sin and cos. These do the same with the elementary functions of
//! `genovo_kernels`, in an order in which fewer operations wait for others.

use std::hint::select_unpredictable as select;
use std::sync::LazyLock;

use genovo_kernels::scalar::f64::{atan_ratio, cos, sin};
use genovo_kernels::scalar::fused::{self, Work};

use super::discriminator::Discriminator;
use super::{Indicator, Made};
use crate::features::candle::Candle;
use crate::features::kit::larger;
use crate::features::lanes::{LANES, Window};

const DEGREES: f64 = 180.0 / std::f64::consts::PI;

/// A bar for one of the indicators, to be taken with fused multiply-add where there is such an instruction.
struct Step<'a, I> {
    it: &'a mut I,
    bar: &'a Candle,
    out: &'a mut [Option<f64>],
}

/// Which value of the short warm-up is wanted.
#[derive(Clone, Copy)]
enum Short {
    Period,
    Phasor,
    /// The period, and both parts of the phasor: one pass for all.
    Both,
    Mama {
        fast: f64,
        slow: f64,
    },
}

/// The functions whose first value is at bar 32.
struct FromBar32 {
    discriminator: Discriminator,
    kind: Short,
    phase: f64,
    mama: f64,
    fama: f64,
}

impl Indicator for FromBar32 {
    fn warm_up(&self) -> u32 {
        32
    }

    fn update(&mut self, bar: &Candle, out: &mut [Option<f64>]) {
        fused::run(Step { it: self, bar, out });
    }
}

impl FromBar32 {
    #[inline(always)]
    fn step(&mut self, bar: &Candle, out: &mut [Option<f64>]) {
        out.fill(None);
        let Some(parts) = self.discriminator.push(bar.close, 12) else { return };
        let values = match self.kind {
            Short::Period => [self.discriminator.smooth_period(), 0.0, 0.0],
            Short::Phasor => [parts.in_phase, parts.quadrature, 0.0],
            Short::Both => [self.discriminator.smooth_period(), parts.in_phase, parts.quadrature],
            Short::Mama { fast, slow } => {
                let phase = if parts.in_phase == 0.0 {
                    0.0
                } else {
                    atan_ratio(parts.quadrature, parts.in_phase) * DEGREES
                };
                let step = larger(self.phase - phase, 1.0);
                self.phase = phase;
                let mut weight = select(step > 1.0, larger(slow, fast / step), fast);
                self.mama = (1.0 - weight).mul_add(self.mama, weight * bar.close);
                weight *= 0.5;
                self.fama = (1.0 - weight).mul_add(self.fama, weight * self.mama);
                [self.mama, self.fama, 0.0]
            }
        };
        if self.discriminator.seen() > 32 {
            for (slot, value) in out.iter_mut().zip(values) {
                *slot = Some(value);
            }
        }
    }
}

impl Work for Step<'_, FromBar32> {
    #[inline(always)]
    fn run(self) {
        self.it.step(self.bar, self.out);
    }
}

/// Which of the long warm-up's values are wanted.
#[derive(Clone, Copy)]
enum Long {
    Phase,
    Sine,
    Trendline,
    Trendmode,
    /// sin and cos of the phase, sine less lead sine, trend line, trend mode: one pass for all.
    All,
}

/// The longest period in bars.
const PERIODS: usize = 50;

/// The newest values, newest first: each is there twice, so that no window wraps.
struct Newest {
    values: [f64; 2 * PERIODS + LANES],
    at: usize,
}

impl Newest {
    const NONE: Newest = Newest { values: [0.0; 2 * PERIODS + LANES], at: 0 };

    #[inline(always)]
    fn push(&mut self, value: f64) {
        self.at = if self.at == 0 { PERIODS - 1 } else { self.at - 1 };
        self.values[self.at] = value;
        self.values[self.at + PERIODS] = value;
    }

    /// The newest `count` values, newest first.
    #[inline(always)]
    fn window(&self, count: usize) -> Window<'_> {
        Window::new(&self.values[self.at..], count)
    }
}

/// For every period that can be: sin and cos of its parts of a turn.
static TURNS: LazyLock<Vec<[[f64; 2]; PERIODS]>> = LazyLock::new(|| {
    let row = |period: usize| {
        let mut row = [[0.0; 2]; PERIODS];
        for (part, pair) in row.iter_mut().enumerate().take(period) {
            let angle = part as f64 * (2.0 * std::f64::consts::PI) / period as f64;
            *pair = [sin(angle), cos(angle)];
        }
        row
    };
    (0..=PERIODS).map(row).collect()
});

/// The sine and the cosine of an angle in degrees: what is whole quarters of a turn goes before anything is rounded.
#[inline(always)]
fn sine_and_cosine(degrees: f64) -> [f64; 2] {
    let quarters = (degrees / 90.0 + 0.5).floor();
    let rest = quarters.mul_add(-90.0, degrees) / DEGREES;
    let (sine, cosine) = (sin(rest), cos(rest));
    let quarters = quarters as i64;
    let odd = quarters & 1 != 0;
    let (sine, cosine) = (select(odd, cosine, sine), select(odd, sine, cosine));
    [select(quarters & 2 != 0, -sine, sine), select(quarters.wrapping_add(1) & 2 != 0, -cosine, cosine)]
}

/// The functions whose first value is at bar 63.
struct FromBar63 {
    discriminator: Discriminator,
    kind: Long,
    turns: &'static [[[f64; 2]; PERIODS]],
    smoothed: Newest,
    prices: Newest,
    phase: f64,
    sine: f64,
    lead: f64,
    means: [f64; 3],
    days: f64,
}

impl FromBar63 {
    fn new(kind: Long) -> FromBar63 {
        FromBar63 {
            discriminator: Discriminator::default(),
            kind,
            turns: &TURNS,
            smoothed: Newest::NONE,
            prices: Newest::NONE,
            phase: 0.0,
            sine: 0.0,
            lead: 0.0,
            means: [0.0; 3],
            days: 0.0,
        }
    }

    /// The phase of the dominant cycle from the last `period` smoothed prices.
    #[inline(always)]
    fn phase(&self, period: usize) -> f64 {
        // In TA-Lib's order: of a price that stands still only what rounding leaves says the phase.
        let mut sums = [0.0; 2];
        for (turn, value) in self.turns[period][..period].iter().zip(self.smoothed.window(period).values()) {
            for (sum, turn) in sums.iter_mut().zip(turn) {
                *sum += turn * value;
            }
        }
        let [real, imaginary] = sums;
        let mut phase = self.phase;
        if imaginary != 0.0 {
            phase = atan_ratio(real, imaginary) * DEGREES;
        } else if real < 0.0 {
            phase -= 90.0;
        } else if real > 0.0 {
            phase += 90.0;
        }
        phase += 90.0;
        phase += 360.0 / self.discriminator.smooth_period();
        phase = select(imaginary < 0.0, phase + 180.0, phase);
        select(phase > 315.0, phase - 360.0, phase)
    }
}

impl Indicator for FromBar63 {
    fn warm_up(&self) -> u32 {
        63
    }

    fn update(&mut self, bar: &Candle, out: &mut [Option<f64>]) {
        fused::run(Step { it: self, bar, out });
    }
}

impl FromBar63 {
    #[inline(always)]
    fn step(&mut self, bar: &Candle, out: &mut [Option<f64>]) {
        out.fill(None);
        self.prices.push(bar.close);
        let Some(parts) = self.discriminator.push(bar.close, 37) else { return };
        self.smoothed.push(parts.smoothed);
        let smooth_period = self.discriminator.smooth_period();
        let rounded = smooth_period + 0.5;
        let period = if rounded >= 0.0 { rounded as usize } else { 0 };
        let period = if period > PERIODS { PERIODS } else { period };
        let previous = (self.phase, self.sine, self.lead);
        self.phase = self.phase(period);
        let [sine, cosine] = sine_and_cosine(self.phase);
        // The lead is an eighth of a turn ahead.
        self.sine = sine;
        self.lead = (sine + cosine) * std::f64::consts::FRAC_1_SQRT_2;

        let mut mean = self.prices.window(period).sum();
        if period > 0 {
            mean /= period as f64;
        }
        let [first, second, third] = self.means;
        let trendline = (2f64.mul_add(second, 4f64.mul_add(mean, 3.0 * first)) + third) / 10.0;
        self.means = [mean, first, second];

        let mut trend = 1.0;
        let crossed_down = self.sine > self.lead && previous.1 <= previous.2;
        let crossed_up = self.sine < self.lead && previous.1 >= previous.2;
        if crossed_down || crossed_up {
            self.days = 0.0;
            trend = 0.0;
        }
        self.days += 1.0;
        if self.days < 0.5 * smooth_period {
            trend = 0.0;
        }
        let turned = self.phase - previous.0;
        if smooth_period != 0.0
            && turned > 0.67 * 360.0 / smooth_period
            && turned < 1.5 * 360.0 / smooth_period
        {
            trend = 0.0;
        }
        if trendline != 0.0 && ((parts.smoothed - trendline) / trendline).abs() >= 0.015 {
            trend = 1.0;
        }
        if self.discriminator.seen() <= 63 {
            return;
        }
        match self.kind {
            Long::Phase => out[0] = Some(self.phase),
            Long::Sine => (out[0], out[1]) = (Some(self.sine), Some(self.lead)),
            Long::Trendline => out[0] = Some(trendline),
            Long::Trendmode => out[0] = Some(trend),
            Long::All => {
                let values = [self.sine, cosine, self.sine - self.lead, trendline, trend];
                for (slot, value) in out.iter_mut().zip(values) {
                    *slot = Some(value);
                }
            }
        }
    }
}

impl Work for Step<'_, FromBar63> {
    #[inline(always)]
    fn run(self) {
        self.it.step(self.bar, self.out);
    }
}

/// The function of this name.
pub(super) fn make(name: &str, parameters: &[f64]) -> Option<Made> {
    let short = |kind, outputs| {
        let indicator =
            FromBar32 { discriminator: Discriminator::default(), kind, phase: 0.0, mama: 0.0, fama: 0.0 };
        Some(Made { indicator: Box::new(indicator), outputs })
    };
    let long = |kind, outputs| Some(Made { indicator: Box::new(FromBar63::new(kind)), outputs });
    match (name, parameters) {
        ("HT_DCPERIOD", []) => short(Short::Period, 1),
        ("HT_PHASOR", []) => short(Short::Phasor, 2),
        ("HT_DCPERIOD+HT_PHASOR", []) => short(Short::Both, 3),
        ("MAMA", &[fast, slow]) if (0.01..=0.99).contains(&fast) && (0.01..=0.99).contains(&slow) => {
            short(Short::Mama { fast, slow }, 2)
        }
        ("HT_DCPHASE", []) => long(Long::Phase, 1),
        ("HT_SINE", []) => long(Long::Sine, 2),
        ("HT_TRENDLINE", []) => long(Long::Trendline, 1),
        ("HT_TRENDMODE", []) => long(Long::Trendmode, 1),
        ("hilbert", []) => long(Long::All, 5),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_is_of_the_newest_values() {
        let (mut newest, mut all) = (Newest::NONE, vec![0.0; PERIODS]);
        for step in 0..200_u32 {
            let value = f64::from(step * step % 97);
            newest.push(value);
            all.push(value);
            for count in [0, 1, 6, 8, 9, 31, 50] {
                let expected: f64 = all.iter().rev().take(count).sum();
                let window = newest.window(count);
                assert_eq!(window.sum(), expected, "{step} {count}");
                assert!(window.iter().eq(all.iter().rev().take(count)));
            }
        }
    }

    #[test]
    fn degrees_have_the_sine_and_cosine_of_their_radians() {
        for step in -7_200..=7_200 {
            let degrees = f64::from(step) / 8.0;
            let [sine, cosine] = sine_and_cosine(degrees);
            let radians = degrees.to_radians();
            assert!(
                (sine - sin(radians)).abs() < 1e-14 && (cosine - cos(radians)).abs() < 1e-14,
                "{degrees}"
            );
        }
        assert_eq!(sine_and_cosine(90.0), [1.0, 0.0]);
        assert_eq!(sine_and_cosine(180.0), [0.0, -1.0]);
        assert_eq!(sine_and_cosine(-450.0), [-1.0, 0.0]);
        assert!(sine_and_cosine(f64::INFINITY).iter().all(|it| it.is_nan()));
    }
}
