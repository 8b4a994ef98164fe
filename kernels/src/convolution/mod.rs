//! The causal convolution in training, and its gradients: **Exact**.
//!
//! Each channel has four taps, d steps apart; d is its head's dilation. Steps before the sequence's first are
//! those of the past, constants; where there is none, a tap adds nothing.
//! - forward: p(t) = b + w₀·u(t - 3d) + … + w₃·u(t), a chain of fma from the bias, oldest tap first; the bits
//!   of [`mixer`](crate::mixer) before its silu
//! - du(t) = du(t) + w₀·G(t + 3d) + … + w₃·G(t), a chain of fma from what is there
//! - dw_i = Σ u(t - (3 - i)·d)·G(t), db = Σ G(t): chains of fma over rows, sequence by sequence, in blocks of
//!   256 rows whose sums are added in order

use std::ops::Range;

use crate::attention::Sequences;
use crate::backend::Cpu;
#[cfg(target_arch = "x86_64")]
use crate::lanes::Lanes;
use crate::lanes::at_level;
use crate::linear::BLOCK;
use crate::mixer::{MixerShape, TAPS};
use crate::share::{ReadRows, SharedRows, by_rows};
use crate::tensor::{Buffer, Rows};

/// Channels whose weights' gradients are a part of their own.
const COLUMNS: usize = 64;

/// Channels of successive heads with one dilation.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Group {
    channels: Range<usize>,
    dilation: usize,
}

/// All groups of a shape.
fn groups(shape: &MixerShape) -> impl Iterator<Item = Group> + '_ {
    let mut head = 0;
    std::iter::from_fn(move || {
        let first = head;
        let dilation = shape.heads.get(first)?.dilation;
        while shape.heads.get(head).is_some_and(|head| head.dilation == dilation) {
            head += 1;
        }
        Some(Group { channels: first * shape.head_width..head * shape.head_width, dilation })
    })
}

/// The rows of u: of the sequences, and of their past.
#[derive(Clone, Copy)]
pub struct Given<'a> {
    /// `[sequences · steps][width]`
    pub u: &'a Buffer,
    /// `[sequences · past]` of \[k, v, u\]
    pub past: &'a Buffer,
}

#[derive(Clone, Copy)]
struct Inputs<'a> {
    u: ReadRows<'a>,
    past: ReadRows<'a>,
    sequences: Sequences,
}

impl<'a> Inputs<'a> {
    fn new(given: Given<'a>, sequences: Sequences, width: usize) -> Self {
        let Sequences { count, past, .. } = sequences;
        Self {
            u: ReadRows::new((given.u, Rows::dense(width)), sequences.rows(), width),
            past: ReadRows::new((given.past, Rows::columns(2 * width, 3 * width)), count * past, width),
            sequences,
        }
    }

    /// u `back` steps before this row, if it is known.
    #[inline(always)]
    fn before(&self, row: usize, back: usize) -> Option<&'a [f32]> {
        let Sequences { steps, past, .. } = self.sequences;
        let (sequence, step) = (row / steps, row % steps);
        if step >= back {
            return Some(self.u.row(row - back));
        }
        let back = back - step;
        (back <= past).then(|| self.past.row((sequence + 1) * past - back))
    }
}

/// to = to + weight·from by fma, value by value; every level runs it.
#[inline(always)]
fn add_plain(weight: &[f32], from: &[f32], to: &mut [f32]) {
    for ((to, weight), from) in to.iter_mut().zip(weight).zip(from) {
        *to = weight.mul_add(*from, *to);
    }
}

/// # Safety
/// None of its own: the level's instructions are in the wrapper.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
#[allow(clippy::extra_unused_type_parameters)]
unsafe fn add_vector<V: Lanes>(weight: &[f32], from: &[f32], to: &mut [f32]) {
    add_plain(weight, from, to);
}

at_level! {
    /// to = to + weight·from.
    fn add(weight: &[f32], from: &[f32], to: &mut [f32]) = add_plain, add_vector
}

/// How many weights there are, taps and bias.
pub fn weights(shape: &MixerShape) -> usize {
    (TAPS + 1) * shape.width()
}

/// p, `[rows][width]`. `weights` is `[4][width]`, the oldest tap first, then the bias, `[width]`.
///
/// # Panics
/// When a buffer is too short.
pub fn forward(
    cpu: &Cpu,
    shape: &MixerShape,
    weights: &[f32],
    given: Given<'_>,
    sequences: Sequences,
    sums: &mut Buffer,
) {
    let width = shape.width();
    assert_eq!(weights.len(), (TAPS + 1) * width, "taps and bias");
    let inputs = Inputs::new(given, sequences, width);
    let sums = SharedRows::new((sums, Rows::dense(width)), sequences.rows(), width);
    by_rows(cpu, sequences.rows(), TAPS * width, |level, rows| {
        for row in rows {
            // SAFETY: the row is this part's.
            let sum = unsafe { sums.row(row) };
            sum.copy_from_slice(&weights[TAPS * width..]);
            for Group { channels, dilation } in groups(shape) {
                for tap in 0..TAPS {
                    if let Some(u) = inputs.before(row, (TAPS - 1 - tap) * dilation) {
                        let weight = &weights[tap * width..][channels.clone()];
                        // SAFETY: the level is this machine's.
                        unsafe { add(level, weight, &u[channels.clone()], &mut sum[channels.clone()]) };
                    }
                }
            }
        }
    });
}

/// du += what comes through the taps of dL/dp, `gradient`.
///
/// # Panics
/// When a buffer is too short.
pub fn input_gradient(
    cpu: &Cpu,
    shape: &MixerShape,
    weights: &[f32],
    gradient: &Buffer,
    sequences: Sequences,
    du: &mut Buffer,
) {
    let width = shape.width();
    assert_eq!(weights.len(), (TAPS + 1) * width, "taps and bias");
    let gradient = ReadRows::new((gradient, Rows::dense(width)), sequences.rows(), width);
    let du = SharedRows::new((du, Rows::dense(width)), sequences.rows(), width);
    by_rows(cpu, sequences.rows(), TAPS * width, |level, rows| {
        for row in rows {
            // SAFETY: the row is this part's.
            let du = unsafe { du.row(row) };
            for Group { channels, dilation } in groups(shape) {
                for tap in 0..TAPS {
                    let ahead = (TAPS - 1 - tap) * dilation;
                    if row % sequences.steps + ahead < sequences.steps {
                        let weight = &weights[tap * width..][channels.clone()];
                        let from = &gradient.row(row + ahead)[channels.clone()];
                        // SAFETY: the level is this machine's.
                        unsafe { add(level, weight, from, &mut du[channels.clone()]) };
                    }
                }
            }
        }
    });
}

/// The chain of one tap, or of the bias, over all rows.
struct Chain<'a> {
    inputs: Inputs<'a>,
    gradient: ReadRows<'a>,
    rows: usize,
    channels: Range<usize>,
    /// Steps from the tap to the row; the bias has none.
    back: Option<usize>,
}

/// At most 64 channels; every level runs it.
#[inline(always)]
fn chain_plain(chain: &Chain<'_>, to: &mut [f32]) {
    let channels = chain.channels.clone();
    let mut room = [0.0f32; COLUMNS];
    let sums = &mut room[..channels.len()];
    for block in (0..chain.rows).step_by(BLOCK) {
        let end = if chain.rows - block < BLOCK { chain.rows } else { block + BLOCK };
        sums.fill(0.0);
        for row in block..end {
            let gradient = &chain.gradient.row(row)[channels.clone()];
            match chain.back {
                Some(back) => {
                    if let Some(u) = chain.inputs.before(row, back) {
                        add_plain(&u[channels.clone()], gradient, sums);
                    }
                }
                None => sums.iter_mut().zip(gradient).for_each(|(sum, gradient)| *sum += gradient),
            }
        }
        for (to, sum) in to.iter_mut().zip(&*sums) {
            *to = if block == 0 { *sum } else { *to + sum };
        }
    }
}

/// # Safety
/// None of its own: the level's instructions are in the wrapper.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
#[allow(clippy::extra_unused_type_parameters)]
unsafe fn chain_vector<V: Lanes>(chain: &Chain<'_>, to: &mut [f32]) {
    chain_plain(chain, to);
}

at_level! {
    /// The chain of one tap.
    fn sum_chain(chain: &Chain<'_>, to: &mut [f32]) = chain_plain, chain_vector
}

/// dw and db of dL/dp, `gradient`: five rows of `width` from `to.1` on.
///
/// # Panics
/// When a buffer is too short.
pub fn weight_gradient(
    cpu: &Cpu,
    shape: &MixerShape,
    given: Given<'_>,
    gradient: &Buffer,
    sequences: Sequences,
    to: (&mut Buffer, usize),
) {
    let (width, rows) = (shape.width(), sequences.rows());
    let inputs = Inputs::new(given, sequences, width);
    let gradient = ReadRows::new((gradient, Rows::dense(width)), rows, width);
    let to = SharedRows::new((to.0, Rows::columns(to.1, width)), TAPS + 1, width);
    by_rows(cpu, width.div_ceil(COLUMNS), (TAPS + 1) * COLUMNS * rows, |level, parts| {
        let columns =
            parts.start * COLUMNS..if parts.end * COLUMNS < width { parts.end * COLUMNS } else { width };
        for group in groups(shape) {
            // Channels of the group that are this part's, 64 at a time.
            let start =
                if group.channels.start > columns.start { group.channels.start } else { columns.start };
            let end = if group.channels.end < columns.end { group.channels.end } else { columns.end };
            for first in (start..end).step_by(COLUMNS) {
                let channels = first..if end - first < COLUMNS { end } else { first + COLUMNS };
                for tap in 0..=TAPS {
                    // SAFETY: these channels are this part's.
                    let to = unsafe { to.columns(tap, channels.clone()) };
                    let back = (tap < TAPS).then(|| (TAPS - 1 - tap) * group.dilation);
                    let chain = Chain { inputs, gradient, rows, channels: channels.clone(), back };
                    // SAFETY: the level is this machine's.
                    unsafe { sum_chain(level, &chain, to) };
                }
            }
        }
    });
}
