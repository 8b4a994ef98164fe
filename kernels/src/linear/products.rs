//! The three products of a matrix in training, y = x·W + b and its two gradients: **Exact**.
//!
//! All are the one product of [`linear`](super): chains of fma in blocks of 256, block sums added in order,
//! then the bias, which is +0 where there is none.
//! - forward: as it is.
//! - dx = G·Wᵀ: the chain runs over outputs.
//! - dW = xᵀ·G and db = Σ G: the chain runs over rows; db is one more input that is always 1.
//!
//! Weights change with every step, so they are packed for each product, into memory that stays.

use super::{Columns, Epilogue, LANES_MAX, PANEL, Packed, Panels, apply, panel_width};
use crate::backend::Cpu;
use crate::share::{ReadRows, SharedRows, by_rows};
use crate::tensor::{Aligned, Buffer, Rows};

/// Columns and rows that are transposed at a time: whole cache lines on both sides.
const TILE: usize = 16;

/// A matrix in training: `[inputs][outputs]`, then `[outputs]` of bias.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shape {
    /// How many inputs.
    pub inputs: usize,
    /// How many outputs.
    pub outputs: usize,
}

impl Shape {
    /// How many weights, the bias included.
    pub const fn len(self) -> usize {
        (self.inputs + 1) * self.outputs
    }

    /// Whether there are none.
    pub const fn is_empty(self) -> bool {
        self.len() == 0
    }
}

/// Memory for products of matrices that change.
#[derive(Debug)]
pub struct Products {
    packed: Packed,
    /// x with rows and columns exchanged, and a row of ones.
    turned: Buffer,
}

/// Floats of the panels of `inputs` by `outputs`.
fn room(inputs: usize, outputs: usize) -> usize {
    inputs * outputs.next_multiple_of(LANES_MAX)
}

/// From a row of the turned x to the next: no power of two, whose rows would share few places of a cache.
fn turned_stride(rows: usize) -> usize {
    rows.next_multiple_of(LANES_MAX) + LANES_MAX
}

impl Products {
    /// Memory for these matrices, each with this many rows.
    pub fn new(uses: impl IntoIterator<Item = (Shape, usize)>) -> Self {
        let (mut panels, mut bias, mut turned) = (0, 0, 0);
        let larger = |most: &mut usize, len: usize| {
            if len > *most {
                *most = len;
            }
        };
        for (Shape { inputs, outputs }, rows) in uses {
            for (inputs, outputs) in [(inputs, outputs), (outputs, inputs), (rows, outputs)] {
                larger(&mut panels, room(inputs, outputs));
                larger(&mut bias, outputs.next_multiple_of(PANEL));
            }
            larger(&mut turned, (inputs + 1) * turned_stride(rows));
        }
        let packed = Packed {
            inputs: 1,
            outputs: 1,
            columns: Columns::Plain,
            panels: Panels::F32(Aligned::zeros(panels)),
            bias: Aligned::zeros(bias),
            scales: None,
        };
        Self { packed, turned: Buffer::zeros(turned) }
    }

    /// y = epilogue(x·W + b).
    ///
    /// # Panics
    /// When shapes do not fit.
    pub fn forward(
        &mut self,
        cpu: &Cpu,
        (shape, matrix, bias): (Shape, &[f32], &[f32]),
        x: (&Buffer, Rows),
        y: (&mut Buffer, Rows),
        rows: usize,
        epilogue: Epilogue,
    ) {
        self.pack(cpu, shape.inputs, shape.outputs, (matrix, Rows::dense(shape.outputs)), false);
        self.packed.bias[..shape.outputs].copy_from_slice(bias);
        apply(cpu, &self.packed, x, y, rows, epilogue);
    }

    /// dx = G·Wᵀ, or with [`Epilogue::Add`] dx += G·Wᵀ.
    ///
    /// # Panics
    /// When shapes do not fit.
    pub fn input_gradient(
        &mut self,
        cpu: &Cpu,
        (shape, matrix): (Shape, &[f32]),
        gradient: (&Buffer, Rows),
        dx: (&mut Buffer, Rows),
        rows: usize,
        epilogue: Epilogue,
    ) {
        self.pack(cpu, shape.outputs, shape.inputs, (matrix, Rows::dense(shape.outputs)), true);
        apply(cpu, &self.packed, gradient, dx, rows, epilogue);
    }

    /// dW and db, one after the other from `to.1` on.
    ///
    /// # Panics
    /// When shapes do not fit.
    pub fn weight_gradient(
        &mut self,
        cpu: &Cpu,
        shape: Shape,
        x: (&Buffer, Rows),
        gradient: (&Buffer, Rows),
        to: (&mut Buffer, usize),
        rows: usize,
    ) {
        let stride = turned_stride(rows);
        self.turn(cpu, x, rows, shape.inputs, stride);
        self.turned[shape.inputs * stride..][..rows].fill(1.0);
        self.pack(cpu, rows, shape.outputs, (gradient.0, gradient.1), false);
        let (turned, place) = ((&self.turned, Rows::dense(stride)), Rows::columns(to.1, shape.outputs));
        apply(cpu, &self.packed, turned, (to.0, place), shape.inputs + 1, Epilogue::Store);
    }

    /// Packs `inputs` rows of `outputs` values; `turned`: what lies there has rows and columns exchanged.
    fn pack(&mut self, cpu: &Cpu, inputs: usize, outputs: usize, from: (&[f32], Rows), turned: bool) {
        let packed = &mut self.packed;
        (packed.inputs, packed.outputs) = (inputs, outputs);
        packed.bias[..outputs].fill(0.0);
        let Panels::F32(panels) = &mut packed.panels else { unreachable!("training is in f32") };
        let from =
            if turned { ReadRows::new(from, outputs, inputs) } else { ReadRows::new(from, inputs, outputs) };
        for panel in 0..outputs.div_ceil(PANEL) {
            let (width, first) = (panel_width(outputs, panel), panel * PANEL);
            let columns = if outputs - first < PANEL { outputs - first } else { PANEL };
            let place = Rows::columns(first * inputs, width);
            let to = SharedRows::new((panels, place), inputs, width);
            by_rows(cpu, inputs, width, |_, rows| {
                if turned {
                    for tile in rows.clone().step_by(TILE) {
                        let end = if rows.end - tile < TILE { rows.end } else { tile + TILE };
                        // SAFETY: these rows of the panel are this part's.
                        unsafe { transpose(&from, first..first + columns, tile..end, &to) };
                    }
                    return;
                }
                for row in rows {
                    // SAFETY: as above.
                    unsafe { to.columns(row, 0..columns) }
                        .copy_from_slice(&from.row(row)[first..first + columns]);
                }
            });
        }
    }

    /// Rows of x become columns.
    fn turn(&mut self, cpu: &Cpu, (x, place): (&Buffer, Rows), rows: usize, inputs: usize, stride: usize) {
        let from = ReadRows::new((x, place), rows, inputs);
        let to = SharedRows::new((&mut self.turned, Rows::dense(stride)), inputs, rows);
        by_rows(cpu, inputs.div_ceil(TILE), TILE * rows, |_, tiles| {
            for tile in tiles {
                let (first, end) = (tile * TILE, (tile + 1) * TILE);
                let end = if end < inputs { end } else { inputs };
                // SAFETY: these rows are this part's.
                unsafe { transpose(&from, 0..rows, first..end, &to) };
            }
        });
    }
}

/// to\[column\]\[row - first row\] = from\[row\]\[column\] for some rows and columns.
///
/// # Safety
/// Nobody else writes these columns, which are rows of `to`.
unsafe fn transpose(
    from: &ReadRows<'_>,
    rows: std::ops::Range<usize>,
    columns: std::ops::Range<usize>,
    to: &SharedRows<'_>,
) {
    let mut row = rows.start;
    while rows.end - row >= TILE && columns.len() == TILE {
        let mut tile = [[0.0f32; TILE]; TILE];
        for (number, tile) in tile.iter_mut().enumerate() {
            tile.copy_from_slice(&from.row(row + number)[columns.clone()]);
        }
        for (number, column) in columns.clone().enumerate() {
            let at = row - rows.start;
            // SAFETY: the caller's promise.
            let place = unsafe { to.columns(column, at..at + TILE) };
            for (place, tile) in place.iter_mut().zip(&tile) {
                *place = tile[number];
            }
        }
        row += TILE;
    }
    for row in row..rows.end {
        for column in columns.clone() {
            let at = row - rows.start;
            // SAFETY: the caller's promise.
            let place = unsafe { to.columns(column, at..at + 1) };
            place[0] = from.row(row)[column];
        }
    }
}
