//! How fast memory is read: the least time that a kernel takes which goes once over its weights.
//!
//! Something must be made of what is read, or a compiler leaves the reading out: the largest number, which
//! depends neither on order nor on lanes.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::backend::Cpu;
use crate::lanes::at_level;
#[cfg(target_arch = "x86_64")]
use crate::lanes::{LANES_MAX, Lanes};
use crate::tensor::Buffer;

/// Places that are read in turn. Of the numbers that were tried, 1 to 16, memory gave most to four.
#[cfg(target_arch = "x86_64")]
const STREAMS: usize = 4;
/// Numbers of one place before the next: two lines.
#[cfg(target_arch = "x86_64")]
const STEP: usize = 2 * LANES_MAX;
/// How far ahead lines are asked for, in bytes.
#[cfg(target_arch = "x86_64")]
const AHEAD: usize = 2048;

at_level! {
    /// The largest of the numbers, and of what `best` was.
    fn largest(numbers: &[f32], best: &mut f32) = plain, vector
}

fn plain(numbers: &[f32], best: &mut f32) {
    for &number in numbers {
        if number > *best {
            *best = number;
        }
    }
}

/// # Safety
/// The machine has the instructions of `V`.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn vector<V: Lanes>(numbers: &[f32], best: &mut f32) {
    let apart = numbers.len() / (STREAMS * STEP) * STEP;
    plain(&numbers[STREAMS * apart..], best);
    // SAFETY: the caller promises the instructions; loads stay inside the numbers, of which each stream has
    // `apart`, and stores inside the array.
    unsafe {
        let mut most = [V::splat(*best); 2 * STREAMS];
        for at in (0..apart).step_by(STEP) {
            for stream in 0..STREAMS {
                let from = numbers.as_ptr().add(stream * apart + at);
                V::prefetch(from.cast::<u8>().wrapping_add(AHEAD));
                V::prefetch(from.cast::<u8>().wrapping_add(AHEAD + 64));
                for vector in 0..STEP / V::COUNT {
                    let most = &mut most[2 * stream + vector % 2];
                    *most = most.larger(V::load(from.add(vector * V::COUNT)));
                }
            }
        }
        let mut lanes = [0.0; LANES_MAX];
        for most in most {
            most.store(lanes.as_mut_ptr());
            plain(&lanes[..V::COUNT], best);
        }
    }
}

/// The largest of the numbers, read by all threads of the CPU, each its own part; negative infinity if there is
/// none. NaN counts as nothing.
pub fn most(cpu: &Cpu, numbers: &Buffer) -> f32 {
    let all = AtomicU32::new(f32::NEG_INFINITY.to_bits());
    cpu.parts(numbers.len(), |level, part, parts| {
        let part = numbers.len() * part / parts..numbers.len() * (part + 1) / parts;
        let mut best = f32::from_bits(all.load(Ordering::Relaxed));
        // SAFETY: the level is this machine's.
        unsafe { largest(level, &numbers[part], &mut best) };
        let larger = |old: u32| (best > f32::from_bits(old)).then_some(best.to_bits());
        let _ = all.fetch_update(Ordering::Relaxed, Ordering::Relaxed, larger);
    });
    f32::from_bits(all.into_inner())
}
