//! SiLU and the gated product of a feed-forward block, and their gradients: **Exact**, value by value.
//!
//! With s = σ(x), 1 / (1 + e^-x):
//! - silu y = x·s; dx = G·(s·fma(x, 1 - s, 1))
//! - product, of a row \[α, β\]: y = (α·σ(α))·β; dα = (G·β)·silu′(α), dβ = G·(α·σ(α))

mod plain;
#[cfg(target_arch = "x86_64")]
mod vector;

use crate::backend::Cpu;
use crate::lanes::at_level;
use crate::share::{ReadRows, SharedRows, by_rows};
use crate::tensor::{Buffer, Rows};
use plain::{product_backward_plain, product_plain, silu_backward_plain, silu_plain};
#[cfg(target_arch = "x86_64")]
use vector::{product_backward_vector, product_vector, silu_backward_vector, silu_vector};

/// Multiplications that one logistic function is about.
const COST: usize = 8;

at_level! {
    /// y = x·σ(x)
    fn silu_row(x: &[f32], y: &mut [f32]) = silu_plain, silu_vector
}
at_level! {
    /// dx of y = x·σ(x)
    fn silu_backward_row(x: &[f32], gradient: &[f32], dx: &mut [f32])
        = silu_backward_plain, silu_backward_vector
}
at_level! {
    /// y = silu(α)·β of \[α, β\]
    fn product_row(x: &[f32], y: &mut [f32]) = product_plain, product_vector
}
at_level! {
    /// \[dα, dβ\]
    fn product_backward_row(x: &[f32], gradient: &[f32], dx: &mut [f32])
        = product_backward_plain, product_backward_vector
}

/// y = x·σ(x) for `rows` rows of `width`.
pub fn silu(cpu: &Cpu, x: (&Buffer, Rows), y: (&mut Buffer, Rows), rows: usize, width: usize) {
    let (x, y) = (ReadRows::new((x.0, x.1), rows, width), SharedRows::new(y, rows, width));
    by_rows(cpu, rows, COST * width, |level, rows| {
        for row in rows {
            // SAFETY: the level is this machine's; rows have one length; the row of y is this part's.
            unsafe { silu_row(level, x.row(row), y.row(row)) };
        }
    });
}

/// dx of y = x·σ(x), of the gradient dL/dy.
pub fn silu_backward(
    cpu: &Cpu,
    x: (&Buffer, Rows),
    gradient: (&Buffer, Rows),
    dx: (&mut Buffer, Rows),
    rows: usize,
    width: usize,
) {
    let (x, dx) = (ReadRows::new((x.0, x.1), rows, width), SharedRows::new(dx, rows, width));
    let gradient = ReadRows::new((gradient.0, gradient.1), rows, width);
    by_rows(cpu, rows, COST * width, |level, rows| {
        for row in rows {
            // SAFETY: as in `silu`.
            unsafe { silu_backward_row(level, x.row(row), gradient.row(row), dx.row(row)) };
        }
    });
}

/// y = silu(α)·β for `rows` rows \[α, β\], each half `width` wide; all dense.
pub fn product(cpu: &Cpu, x: &Buffer, y: &mut Buffer, rows: usize, width: usize) {
    let x = ReadRows::new((x, Rows::dense(2 * width)), rows, 2 * width);
    let y = SharedRows::new((y, Rows::dense(width)), rows, width);
    by_rows(cpu, rows, COST * width, |level, rows| {
        for row in rows {
            // SAFETY: the level is this machine's; x is twice as long as y; the row is this part's.
            unsafe { product_row(level, x.row(row), y.row(row)) };
        }
    });
}

/// \[dα, dβ\] of y = silu(α)·β, of the gradient dL/dy; all dense.
pub fn product_backward(
    cpu: &Cpu,
    x: &Buffer,
    gradient: &Buffer,
    dx: &mut Buffer,
    rows: usize,
    width: usize,
) {
    let x = ReadRows::new((x, Rows::dense(2 * width)), rows, 2 * width);
    let gradient = ReadRows::new((gradient, Rows::dense(width)), rows, width);
    let dx = SharedRows::new((dx, Rows::dense(2 * width)), rows, 2 * width);
    by_rows(cpu, rows, COST * width, |level, rows| {
        for row in rows {
            // SAFETY: as in `product`.
            unsafe { product_backward_row(level, x.row(row), gradient.row(row), dx.row(row)) };
        }
    });
}
