//! Clipping of gradients and AdamW: **Exact**.
//!
//! - norm: squares in f64, chains of fma from 0 over 4,096 values in the order of storage, whose sums are
//!   added in order; then the root. A clip multiplies each gradient by limit / (norm + 1e-6), rounded once,
//!   where that is below 1.
//! - decay, of matrices alone: θ = θ·(1 - lr·decay)
//! - m = m + (1 - β₁)·(g - m); v = β₂·v + ((1 - β₂)·g)·g
//! - θ = θ - (lr/(1 - β₁ᵗ)·m) / (√v / √(1 - β₂ᵗ) + ε)
//!
//! Powers of β, corrections and steps are f64 and rounded once.

use crate::backend::Cpu;
#[cfg(target_arch = "x86_64")]
use crate::lanes::Lanes;
use crate::lanes::at_level;
use crate::share::{SharedRows, by_rows};
use crate::tensor::{Buffer, Rows};

/// Values in a chain of the norm.
pub(crate) const CHUNK: usize = 4096;

/// What a step of AdamW depends on.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct AdamW {
    /// The learning rate of the first step.
    pub learning_rate: f64,
    /// β₁: how long the mean of gradients remembers.
    pub beta1: f64,
    /// β₂: how long the mean of their squares remembers.
    pub beta2: f64,
    /// ε
    pub epsilon: f64,
    /// How much a matrix shrinks a step, in learning rates.
    pub decay: f64,
    /// The largest norm that gradients keep.
    pub norm_limit: f64,
}

impl Default for AdamW {
    fn default() -> Self {
        Self { learning_rate: 3e-4, beta1: 0.9, beta2: 0.999, epsilon: 1e-5, decay: 0.01, norm_limit: 0.5 }
    }
}

/// The learning rate of a step, from 0, of so many: linear from `first` to 0.
pub fn linear_rate(first: f64, step: u64, steps: u64) -> f64 {
    if step >= steps { 0.0 } else { first * ((steps - step) as f64 / steps as f64) }
}

/// One step, as the kernel needs it: all rounded once.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Step {
    pub(crate) clip: f32,
    pub(crate) shrink: f32,
    pub(crate) one_minus_beta1: f32,
    pub(crate) beta2: f32,
    pub(crate) one_minus_beta2: f32,
    pub(crate) root_correction2: f32,
    pub(crate) epsilon: f32,
    pub(crate) size: f32,
}

/// β₁ᵗ and β₂ᵗ so far, by multiplication.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Powers {
    /// Steps so far.
    pub steps: u64,
    beta1: f64,
    beta2: f64,
}

impl Powers {
    /// Before the first step.
    pub const fn new() -> Self {
        Self { steps: 0, beta1: 1.0, beta2: 1.0 }
    }

    /// The next step, of gradients with this norm, at this learning rate.
    pub fn next(&mut self, adam: &AdamW, learning_rate: f64, norm: f64) -> Step {
        self.steps += 1;
        self.beta1 *= adam.beta1;
        self.beta2 *= adam.beta2;
        let clip = adam.norm_limit / (norm + 1e-6);
        Step {
            clip: if clip < 1.0 { clip as f32 } else { 1.0 },
            shrink: (1.0 - learning_rate * adam.decay) as f32,
            one_minus_beta1: (1.0 - adam.beta1) as f32,
            beta2: adam.beta2 as f32,
            one_minus_beta2: (1.0 - adam.beta2) as f32,
            root_correction2: (1.0 - self.beta2).sqrt() as f32,
            epsilon: adam.epsilon as f32,
            size: (learning_rate / (1.0 - self.beta1)) as f32,
        }
    }
}

impl Default for Powers {
    fn default() -> Self {
        Self::new()
    }
}

/// Chunks whose chains run side by side: a chain alone waits for every sum.
const AT_ONCE: usize = 8;

/// The chains of up to eight chunks; every level runs it, with its own fused multiply-add.
#[inline(always)]
fn squares_plain(values: &[f32], sums: &mut [f64; AT_ONCE]) {
    *sums = [0.0; AT_ONCE];
    if values.len() == AT_ONCE * CHUNK {
        for at in 0..CHUNK {
            for (number, sum) in sums.iter_mut().enumerate() {
                let wide = f64::from(values[number * CHUNK + at]);
                *sum = wide.mul_add(wide, *sum);
            }
        }
        return;
    }
    for (chunk, sum) in values.chunks(CHUNK).zip(sums) {
        for value in chunk {
            let wide = f64::from(*value);
            *sum = wide.mul_add(wide, *sum);
        }
    }
}

/// # Safety
/// None of its own: the level's instructions are in the wrapper.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
#[allow(clippy::extra_unused_type_parameters)]
unsafe fn squares_vector<V: Lanes>(values: &[f32], sums: &mut [f64; AT_ONCE]) {
    squares_plain(values, sums);
}

at_level! {
    /// The chains of up to eight chunks.
    fn squares(values: &[f32], sums: &mut [f64; AT_ONCE]) = squares_plain, squares_vector
}

/// The norm of all values as one vector.
pub fn norm(cpu: &Cpu, values: &[f32]) -> f64 {
    let mut total = 0.0;
    for group in values.chunks(AT_ONCE * CHUNK) {
        let mut sums = [0.0; AT_ONCE];
        // SAFETY: a `Cpu` has a level of this machine.
        unsafe { squares(cpu.level(), group, &mut sums) };
        for sum in &sums[..group.len().div_ceil(CHUNK)] {
            total += sum;
        }
    }
    total.sqrt()
}

fn adam_plain(step: &Step, shrink: f32, gradient: &[f32], [values, means, squares]: [&mut [f32]; 3]) {
    for (at, gradient) in gradient.iter().enumerate() {
        let g = gradient * step.clip;
        let m = means[at] + step.one_minus_beta1 * (g - means[at]);
        let v = step.beta2 * squares[at] + (step.one_minus_beta2 * g) * g;
        (means[at], squares[at]) = (m, v);
        let below = v.sqrt() / step.root_correction2 + step.epsilon;
        values[at] = values[at] * shrink - (step.size * m) / below;
    }
}

/// # Safety
/// The machine has the instructions of `V`.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
#[allow(clippy::extra_unused_type_parameters)]
unsafe fn adam_vector<V: Lanes>(step: &Step, shrink: f32, gradient: &[f32], to: [&mut [f32]; 3]) {
    adam_plain(step, shrink, gradient, to);
}

at_level! {
    /// One step for a run of values.
    fn adam(step: &Step, shrink: f32, gradient: &[f32], to: [&mut [f32]; 3]) = adam_plain, adam_vector
}

/// One step of `values.len()` weights from `at` on; `decays`: they are a matrix.
///
/// # Panics
/// When a buffer is too short.
pub fn update(
    cpu: &Cpu,
    step: &Step,
    (at, len): (usize, usize),
    decays: bool,
    gradient: &Buffer,
    [values, means, squares]: [&mut Buffer; 3],
) {
    let shrink = if decays { step.shrink } else { 1.0 };
    let gradient = &gradient[at..][..len];
    let rows = |buffer| SharedRows::new((buffer, Rows::columns(at, len)), 1, len);
    let (values, means, squares) = (rows(values), rows(means), rows(squares));
    by_rows(cpu, len.div_ceil(CHUNK), 16 * CHUNK, |level, chunks| {
        let end = chunks.end * CHUNK;
        let range = chunks.start * CHUNK..if end < len { end } else { len };
        // SAFETY: the level is this machine's, and the range this part's.
        unsafe {
            let to = [&values, &means, &squares].map(|rows| rows.columns(0, range.clone()));
            adam(level, step, shrink, &gradient[range.clone()], to);
        }
    });
}
