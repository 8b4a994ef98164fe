//! Sine and cosine features of times, with learned frequencies: **Exact**.
//!
//! p = φ + Σ frac(stamp · Ω), stamps ascending; r = p - rint(p) in turns; y = [sin 2πr, cos 2πr]. frac splits
//! the product without error, hi = u·f, lo = fma(u, f, -hi), frac = (hi - rint(hi)) + lo: a phase of many
//! turns keeps all of its fraction. rint is to the nearest, ties to even.

pub mod training;

use crate::backend::Cpu;
#[cfg(target_arch = "x86_64")]
use crate::lanes::Lanes;
use crate::lanes::at_level;
use crate::scalar::f32::{cos_turns, sin_turns};
use crate::tensor::{Buffer, Rows};

/// The fraction of stamp · frequency in turns, within ±½ and a little.
#[inline(always)]
fn fraction(stamp: f32, frequency: f32) -> f32 {
    let high = stamp * frequency;
    let low = stamp.mul_add(frequency, -high);
    (high - high.round_ties_even()) + low
}

/// One row; every level runs it, with its own fused multiply-add.
#[inline(always)]
fn plain(frequencies: &[f32], phases: &[f32], stamps: &[f32], y: &mut [f32]) {
    let count = phases.len();
    let (sines, cosines) = y.split_at_mut(count);
    for (at, ((sine, cosine), phase)) in sines.iter_mut().zip(cosines).zip(phases).enumerate() {
        let mut turns = *phase;
        for (stamp, frequencies) in stamps.iter().zip(frequencies.chunks_exact(count)) {
            turns += fraction(*stamp, frequencies[at]);
        }
        let turns = turns - turns.round_ties_even();
        *sine = sin_turns(turns);
        *cosine = cos_turns(turns);
    }
}

/// # Safety
/// None of its own: the level's instructions are in the wrapper.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
#[allow(clippy::extra_unused_type_parameters)]
unsafe fn vector<V: Lanes>(frequencies: &[f32], phases: &[f32], stamps: &[f32], y: &mut [f32]) {
    plain(frequencies, phases, stamps, y);
}

at_level! {
    /// The features of one row.
    fn features(frequencies: &[f32], phases: &[f32], stamps: &[f32], y: &mut [f32]) = plain, vector
}

/// The features of `rows` rows.
///
/// # Panics
/// When shapes do not fit.
pub(crate) fn apply(
    cpu: &Cpu,
    frequencies: &[f32],
    phases: &[f32],
    (stamps, stamp_rows): (&Buffer, Rows),
    (y, y_rows): (&mut Buffer, Rows),
    rows: usize,
) {
    let count = phases.len();
    assert!(count > 0 && frequencies.len().is_multiple_of(count), "{count} phases");
    let (inputs, width) = (frequencies.len() / count, 2 * count);
    assert!(stamp_rows.fit(rows, inputs, stamps.len()) && y_rows.fit(rows, width, y.len()));
    for row in 0..rows {
        let stamps = &stamps[stamp_rows.offset + row * stamp_rows.stride..][..inputs];
        let y = &mut y[y_rows.offset + row * y_rows.stride..][..width];
        // SAFETY: a `Cpu` has a level of this machine.
        unsafe { features(cpu.level(), frequencies, phases, stamps, y) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_turns_keep_their_fraction() {
        // 0.7 as f32 is 11744051 / 2^24; times 2^20 the exact fraction of turns is known.
        let (stamp, frequency) = (0.7f32, 1_048_576.0f32 + 0.125);
        let exact = f64::from(stamp) * f64::from(frequency);
        let exact = exact - exact.round_ties_even();
        assert!((f64::from(fraction(stamp, frequency)) - exact).abs() < 1e-7);
        assert_eq!(fraction(0.25, 64.0), 0.0);
        assert_eq!(fraction(0.125, 4.0), 0.5); // rint(0.5) is 0
    }
}
