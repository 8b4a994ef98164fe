//! The norm in training, and its gradients: **Exact**.
//!
//! - factors: r = 1/√(Σ x² / width + 1e-5), the bits of the forward norm; y = (x·r)·g.
//! - dx, of G = dL/dy: S = Σ (G·g)·x, one chain of fma from 0, ascending; c = ((r·r) / width)·S;
//!   dx = r·fma(-x, c, G·g), stored or added to what is there.
//! - dg = Σ over rows of G·(x·r): a chain of fma over rows, in blocks of 256 whose sums are added in order.

use std::ops::Range;

use super::EPSILON;
use crate::backend::Cpu;
#[cfg(target_arch = "x86_64")]
use crate::lanes::Lanes;
use crate::lanes::at_level;
use crate::linear::BLOCK;
use crate::share::{ReadRows, SharedRows, by_rows};
use crate::tensor::{Buffer, Rows};

/// Rows whose chains run side by side: a chain alone waits for every sum.
const AT_ONCE: usize = 8;
/// Columns of the gain's gradient that are a part of their own.
const COLUMNS: usize = 64;

/// Squares, or products of two rows with one row, summed for up to eight rows at once.
#[inline(always)]
fn chains(rows: &[&[f32]], others: Option<(&[&[f32]], &[f32])>) -> [f32; AT_ONCE] {
    let mut sums = [0.0f32; AT_ONCE];
    if rows.len() == AT_ONCE {
        let rows: [&[f32]; AT_ONCE] = std::array::from_fn(|row| rows[row]);
        let width = rows[0].len();
        match others {
            None => {
                for k in 0..width {
                    for (sum, row) in sums.iter_mut().zip(&rows) {
                        *sum = row[k].mul_add(row[k], *sum);
                    }
                }
            }
            Some((others, gain)) => {
                let others: [&[f32]; AT_ONCE] = std::array::from_fn(|row| others[row]);
                for (k, gain) in gain.iter().enumerate() {
                    for ((sum, row), other) in sums.iter_mut().zip(&rows).zip(&others) {
                        *sum = (row[k] * gain).mul_add(other[k], *sum);
                    }
                }
            }
        }
        return sums;
    }
    for (number, row) in rows.iter().enumerate() {
        match others {
            None => row.iter().for_each(|x| sums[number] = x.mul_add(*x, sums[number])),
            Some((others, gain)) => {
                for ((x, gain), other) in row.iter().zip(gain).zip(others[number]) {
                    sums[number] = (x * gain).mul_add(*other, sums[number]);
                }
            }
        }
    }
    sums
}

/// Up to eight rows; the first again where there are fewer.
#[inline(always)]
fn several(rows: ReadRows<'_>, first: usize, count: usize) -> [&[f32]; AT_ONCE] {
    std::array::from_fn(|number| rows.row(if number < count { first + number } else { first }))
}

struct Forward<'a> {
    x: ReadRows<'a>,
    factors: &'a SharedRows<'a>,
    rows: Range<usize>,
}

/// r of some rows; every level runs it, with its own fused multiply-add.
#[inline(always)]
fn factors_plain(job: &Forward<'_>) {
    let mut first = job.rows.start;
    while first < job.rows.end {
        let left = job.rows.end - first;
        let count = if left < AT_ONCE { left } else { AT_ONCE };
        let rows = several(job.x, first, count);
        let sums = chains(&rows[..count], None);
        for (number, sum) in sums[..count].iter().enumerate() {
            let width = rows[number].len() as f32;
            // SAFETY: the factors of these rows are this part's.
            let factor = unsafe { job.factors.row(first + number) };
            factor[0] = 1.0 / (sum / width + EPSILON).sqrt();
        }
        first += count;
    }
}

/// # Safety
/// None of its own: the level's instructions are in the wrapper.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
#[allow(clippy::extra_unused_type_parameters)]
unsafe fn factors_vector<V: Lanes>(job: &Forward<'_>) {
    factors_plain(job);
}

at_level! {
    /// r of some rows.
    fn find_factors(job: &Forward<'_>) = factors_plain, factors_vector
}

/// r of `rows` rows.
pub fn factors(cpu: &Cpu, x: (&Buffer, Rows), factors: &mut Buffer, rows: usize, width: usize) {
    let x = ReadRows::new((x.0, x.1), rows, width);
    let factors = SharedRows::new((factors, Rows::dense(1)), rows, 1);
    by_rows(cpu, rows, 4 * width, |level, rows| {
        // SAFETY: the level is this machine's.
        unsafe { find_factors(level, &Forward { x, factors: &factors, rows }) };
    });
}

/// y = (x·r)·g of one row, in lanes that the compiler finds: no sum is involved.
#[inline(always)]
fn scale_plain(gain: &[f32], x: &[f32], factor: f32, y: &mut [f32]) {
    for ((y, x), gain) in y.iter_mut().zip(x).zip(gain) {
        *y = (x * factor) * gain;
    }
}

/// # Safety
/// None of its own: the level's instructions are in the wrapper.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
#[allow(clippy::extra_unused_type_parameters)]
unsafe fn scale_vector<V: Lanes>(gain: &[f32], x: &[f32], factor: f32, y: &mut [f32]) {
    scale_plain(gain, x, factor, y);
}

at_level! {
    /// y of one row.
    fn scale_row(gain: &[f32], x: &[f32], factor: f32, y: &mut [f32]) = scale_plain, scale_vector
}

/// y = (x·r)·g of `rows` rows.
pub fn scale(
    cpu: &Cpu,
    gain: &[f32],
    x: (&Buffer, Rows),
    factors: &Buffer,
    y: (&mut Buffer, Rows),
    rows: usize,
) {
    let width = gain.len();
    let (x, y) = (ReadRows::new((x.0, x.1), rows, width), SharedRows::new(y, rows, width));
    by_rows(cpu, rows, width, |level, rows| {
        for row in rows {
            // SAFETY: the level is this machine's, and the row this part's.
            unsafe { scale_row(level, gain, x.row(row), factors[row], y.row(row)) };
        }
    });
}

struct Backward<'a> {
    gain: &'a [f32],
    x: ReadRows<'a>,
    factors: &'a [f32],
    gradient: ReadRows<'a>,
    dx: &'a SharedRows<'a>,
    add: bool,
    rows: Range<usize>,
}

/// dx of some rows; every level runs it.
#[inline(always)]
fn backward_plain(job: &Backward<'_>) {
    let mut first = job.rows.start;
    while first < job.rows.end {
        let left = job.rows.end - first;
        let count = if left < AT_ONCE { left } else { AT_ONCE };
        let (gradients, xs) = (several(job.gradient, first, count), several(job.x, first, count));
        let sums = chains(&gradients[..count], Some((&xs[..count], job.gain)));
        for (number, sum) in sums[..count].iter().enumerate() {
            let (row, factor) = (first + number, job.factors[first + number]);
            let c = (factor * factor) / job.gain.len() as f32 * sum;
            // SAFETY: the row is this part's.
            let dx = unsafe { job.dx.row(row) };
            let terms = gradients[number].iter().zip(xs[number]).zip(job.gain);
            if job.add {
                for (dx, ((gradient, x), gain)) in dx.iter_mut().zip(terms) {
                    *dx += factor * (-x).mul_add(c, gradient * gain);
                }
            } else {
                for (dx, ((gradient, x), gain)) in dx.iter_mut().zip(terms) {
                    *dx = factor * (-x).mul_add(c, gradient * gain);
                }
            }
        }
        first += count;
    }
}

/// # Safety
/// None of its own: the level's instructions are in the wrapper.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
#[allow(clippy::extra_unused_type_parameters)]
unsafe fn backward_vector<V: Lanes>(job: &Backward<'_>) {
    backward_plain(job);
}

at_level! {
    /// dx of some rows.
    fn find_dx(job: &Backward<'_>) = backward_plain, backward_vector
}

struct Gain<'a> {
    x: ReadRows<'a>,
    factors: &'a [f32],
    gradient: ReadRows<'a>,
    rows: usize,
    columns: Range<usize>,
}

/// dg of some columns; every level runs it.
#[inline(always)]
fn gain_plain(job: &Gain<'_>, to: &mut [f32]) {
    let mut sums = [0.0f32; COLUMNS];
    for block in (0..job.rows).step_by(BLOCK) {
        let end = if job.rows - block < BLOCK { job.rows } else { block + BLOCK };
        sums.fill(0.0);
        for row in block..end {
            let factor = job.factors[row];
            let (x, gradient) =
                (&job.x.row(row)[job.columns.clone()], &job.gradient.row(row)[job.columns.clone()]);
            if let (Ok(x), Ok(gradient)) =
                (<&[f32; COLUMNS]>::try_from(x), <&[f32; COLUMNS]>::try_from(gradient))
            {
                for ((sum, x), gradient) in sums.iter_mut().zip(x).zip(gradient) {
                    *sum = gradient.mul_add(x * factor, *sum);
                }
                continue;
            }
            for ((sum, x), gradient) in sums.iter_mut().zip(x).zip(gradient) {
                *sum = gradient.mul_add(x * factor, *sum);
            }
        }
        for (to, sum) in to.iter_mut().zip(&sums) {
            *to = if block == 0 { *sum } else { *to + sum };
        }
    }
}

/// # Safety
/// None of its own: the level's instructions are in the wrapper.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
#[allow(clippy::extra_unused_type_parameters)]
unsafe fn gain_vector<V: Lanes>(job: &Gain<'_>, to: &mut [f32]) {
    gain_plain(job, to);
}

at_level! {
    /// dg of some columns.
    fn find_gain(job: &Gain<'_>, to: &mut [f32]) = gain_plain, gain_vector
}

/// What a norm's gradients depend on.
#[derive(Clone, Copy)]
pub struct Given<'a> {
    /// `[width]`
    pub gain: &'a [f32],
    /// `[rows][width]`
    pub x: (&'a Buffer, Rows),
    /// `[rows]`, of [`factors`]
    pub factors: &'a Buffer,
    /// dL/dy, `[rows][width]`
    pub gradient: (&'a Buffer, Rows),
}

/// dx, added to what is there or not, and dg from `dgain.1` on, if it is asked for.
pub fn backward(
    cpu: &Cpu,
    given: Given<'_>,
    dx: (&mut Buffer, Rows),
    add: bool,
    dgain: Option<(&mut Buffer, usize)>,
    rows: usize,
) {
    let Given { gain, factors, .. } = given;
    let width = gain.len();
    let x = ReadRows::new((given.x.0, given.x.1), rows, width);
    let gradient = ReadRows::new((given.gradient.0, given.gradient.1), rows, width);
    let dx = SharedRows::new(dx, rows, width);
    by_rows(cpu, rows, 4 * width, |level, rows| {
        // SAFETY: the level is this machine's.
        unsafe { find_dx(level, &Backward { gain, x, factors, gradient, dx: &dx, add, rows }) };
    });
    let Some((dgain, at)) = dgain else { return };
    let dgain = SharedRows::new((dgain, Rows::columns(at, width)), 1, width);
    by_rows(cpu, width.div_ceil(COLUMNS), COLUMNS * rows, |level, groups| {
        for group in groups {
            let end = if width - group * COLUMNS < COLUMNS { width } else { (group + 1) * COLUMNS };
            let columns = group * COLUMNS..end;
            // SAFETY: the level is this machine's, and these columns this part's.
            unsafe {
                let to = dgain.columns(0, columns.clone());
                find_gain(level, &Gain { x, factors, gradient, rows, columns }, to);
            }
        }
    });
}
