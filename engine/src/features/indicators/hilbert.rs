//! Ehlers' Hilbert transform and what TA-Lib derives from it: dominant cycle, phase, sine waves, trend line, trend
//! mode, and the MESA adaptive average (John F. Ehlers, "Rocket Science for Traders", 2001).
//!
//! TA-Lib's own versions call the C library's atan, sin and cos. These do the same with the elementary functions of
//! `genovo_kernels`, in an order in which fewer operations wait for others.

use genovo_kernels::scalar::f64::{atan, cos, sin};
use genovo_kernels::scalar::fused::{self, Work};

use super::{Indicator, Made};
use crate::features::candle::Candle;
use crate::features::kit::{larger, smaller};

const A: f64 = 0.0962;
const B: f64 = 0.5769;
const DEGREES: f64 = 180.0 / std::f64::consts::PI;
/// A whole turn in radians.
const TURN: f64 = 2.0 * std::f64::consts::PI;

/// The last seven values, by age.
#[derive(Clone, Copy, Default)]
struct Lags([f64; 7]);

impl Lags {
    #[inline(always)]
    fn push(&mut self, value: f64) {
        self.0.copy_within(0..6, 1);
        self.0[0] = value;
    }

    /// The quadrature of the series at its last value.
    #[inline(always)]
    fn hilbert(&self, scale: f64) -> f64 {
        let x = &self.0;
        // The last value, for which all wait, comes last.
        (B * x[2] - B * x[4] - A * x[6] + A * x[0]) * scale
    }
}

/// The running weighted average of four prices, 4 3 2 1, in TA-Lib's order of sums.
#[derive(Clone, Copy, Default)]
struct Smooth {
    last: [f64; 3],
    sum: f64,
    weighted: f64,
    trailing: f64,
    seen: u32,
}

impl Smooth {
    #[inline(always)]
    fn push(&mut self, price: f64) -> f64 {
        let place = (self.seen % 3) as usize;
        if self.seen < 3 {
            self.sum += price;
            self.weighted += price * f64::from(self.seen + 1);
            self.last[place] = price;
            self.seen += 1;
            return 0.0;
        }
        self.sum += price;
        self.sum -= self.trailing;
        self.weighted += price * 4.0;
        self.trailing = std::mem::replace(&mut self.last[place], price);
        self.seen = 3 + (self.seen + 1) % 3;
        let smoothed = self.weighted * 0.1;
        self.weighted -= self.sum;
        smoothed
    }
}

/// The discriminator: in phase and quadrature parts, and the period that follows from them.
#[derive(Clone, Copy, Default)]
struct Discriminator {
    smooth: Smooth,
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
struct Parts {
    smoothed: f64,
    in_phase: f64,
    quadrature: f64,
}

impl Discriminator {
    /// Takes a price; parts from the bar `start` on.
    #[inline(always)]
    fn push(&mut self, price: f64, start: u32) -> Option<Parts> {
        let smoothed = self.smooth.push(price);
        self.seen = self.seen.saturating_add(1);
        if self.seen <= start {
            return None;
        }
        let scale = 0.075f64.mul_add(self.period, 0.54);
        self.smoothed.push(smoothed);
        let detrender = self.smoothed.hilbert(scale);
        let in_phase = self.detrended.0[2];
        self.detrended.push(detrender);
        let quadrature = self.detrended.hilbert(scale);
        self.in_phases.push(in_phase);
        let ji = self.in_phases.hilbert(scale);
        self.quadratures.push(quadrature);
        let jq = self.quadratures.hilbert(scale);
        let q2 = 0.2f64.mul_add(quadrature + ji, 0.8 * self.previous_q2);
        let i2 = 0.2f64.mul_add(in_phase - jq, 0.8 * self.previous_i2);
        self.real = 0.8f64.mul_add(self.real, 0.2 * i2.mul_add(self.previous_i2, q2 * self.previous_q2));
        self.imaginary =
            0.8f64.mul_add(self.imaginary, 0.2 * (i2 * self.previous_q2 - q2 * self.previous_i2));
        (self.previous_q2, self.previous_i2) = (q2, i2);
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
        self.period = larger(6.0, smaller(50.0, self.period));
        self.period = 0.2f64.mul_add(self.period, 0.8 * before);
        self.smooth_period = 0.67f64.mul_add(self.smooth_period, 0.33 * self.period);
        Some(Parts { smoothed, in_phase, quadrature })
    }
}

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
            Short::Period => [self.discriminator.smooth_period, 0.0, 0.0],
            Short::Phasor => [parts.in_phase, parts.quadrature, 0.0],
            Short::Both => [self.discriminator.smooth_period, parts.in_phase, parts.quadrature],
            Short::Mama { fast, slow } => {
                let phase = if parts.in_phase == 0.0 {
                    0.0
                } else {
                    atan(parts.quadrature / parts.in_phase) * DEGREES
                };
                let mut step = self.phase - phase;
                self.phase = phase;
                if step < 1.0 {
                    step = 1.0;
                }
                let mut weight = fast;
                if step > 1.0 {
                    weight = fast / step;
                    if slow > weight {
                        weight = slow;
                    }
                }
                self.mama = (1.0 - weight).mul_add(self.mama, weight * bar.close);
                weight *= 0.5;
                self.fama = (1.0 - weight).mul_add(self.fama, weight * self.mama);
                [self.mama, self.fama, 0.0]
            }
        };
        if self.discriminator.seen > 32 {
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

const PERIODS: usize = 50;

/// The functions whose first value is at bar 63.
struct FromBar63 {
    discriminator: Discriminator,
    kind: Long,
    /// sin and cos of the i-th of n parts of a turn, for every n that can be, row by row.
    turns: Vec<[f64; 2]>,
    smoothed: [f64; PERIODS],
    prices: [f64; PERIODS],
    next: usize,
    phase: f64,
    sine: f64,
    lead: f64,
    means: [f64; 3],
    days: f64,
}

impl FromBar63 {
    fn new(kind: Long) -> FromBar63 {
        let mut turns = vec![[0.0; 2]; PERIODS * (PERIODS + 1)];
        for period in 1..=PERIODS {
            for part in 0..period {
                let angle = part as f64 * (std::f64::consts::FRAC_PI_4 * 8.0) / period as f64;
                turns[period * PERIODS + part] = [sin(angle), cos(angle)];
            }
        }
        FromBar63 {
            discriminator: Discriminator::default(),
            kind,
            turns,
            smoothed: [0.0; PERIODS],
            prices: [0.0; PERIODS],
            next: 0,
            phase: 0.0,
            sine: 0.0,
            lead: 0.0,
            means: [0.0; 3],
            days: 0.0,
        }
    }

    /// The phase of the dominant cycle from the last `period` smoothed prices, newest at `newest`.
    fn phase(&self, period: usize, newest: usize) -> f64 {
        let (mut real, mut imaginary, mut place) = (0.0, 0.0, newest);
        for [sine, cosine] in &self.turns[period * PERIODS..][..period] {
            real += sine * self.smoothed[place];
            imaginary += cosine * self.smoothed[place];
            place = if place == 0 { PERIODS - 1 } else { place - 1 };
        }
        let mut phase = self.phase;
        if imaginary != 0.0 {
            phase = atan(real / imaginary) * DEGREES;
        } else if real < 0.0 {
            phase -= 90.0;
        } else if real > 0.0 {
            phase += 90.0;
        }
        phase += 90.0;
        phase += 360.0 / self.discriminator.smooth_period;
        if imaginary < 0.0 {
            phase += 180.0;
        }
        if phase > 315.0 {
            phase -= 360.0;
        }
        phase
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
        let newest = self.next;
        self.prices[newest] = bar.close;
        self.next = (self.next + 1) % PERIODS;
        let parts = self.discriminator.push(bar.close, 37);
        let Some(parts) = parts else {
            self.smoothed[newest] = 0.0;
            return;
        };
        self.smoothed[newest] = parts.smoothed;
        let smooth_period = self.discriminator.smooth_period;
        let rounded = smooth_period + 0.5;
        let period = if rounded >= 0.0 { rounded as usize } else { 0 };
        let period = if period > PERIODS { PERIODS } else { period };
        let previous = (self.phase, self.sine, self.lead);
        self.phase = self.phase(period, newest);
        self.sine = sin(self.phase / DEGREES);
        self.lead = sin((self.phase + 45.0) / DEGREES);

        let (mut mean, mut place) = (0.0, newest);
        for _ in 0..period {
            mean += self.prices[place];
            place = if place == 0 { PERIODS - 1 } else { place - 1 };
        }
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
        if self.discriminator.seen <= 63 {
            return;
        }
        let cosine = || cos(self.phase / DEGREES);
        match self.kind {
            Long::Phase => out[0] = Some(self.phase),
            Long::Sine => (out[0], out[1]) = (Some(self.sine), Some(self.lead)),
            Long::Trendline => out[0] = Some(trendline),
            Long::Trendmode => out[0] = Some(trend),
            Long::All => {
                let values = [self.sine, cosine(), self.sine - self.lead, trendline, trend];
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
