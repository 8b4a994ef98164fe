//! Matrix products with a bias, y = x·W + b: **Exact**.
//!
//! Each output is a chain `acc = fma(x[k], w[k], acc)` from 0 over k ascending, in fixed blocks of 256 k; the
//! sums of blocks are added in order, `((b0 + b1) + b2) + …`, the bias last. Lanes and threads run over
//! outputs and rows, never over k, so a row's bits depend neither on the other rows nor on how many threads
//! there are.
//!
//! - bfloat16 weights expand to f32 without error and follow the same rule.
//! - int8 weights too; one scale an output: y = fma(Σ x·q, scale, b).
//!
//! Weights come as `[inputs][outputs]` and are packed once: panels of 32 outputs, each `[k][32]`, so that a
//! pass reads memory in lines, as the processor fetches it ahead by itself: one row takes four panels at a
//! time, eight rows or more take one. What follows the product ([`Epilogue`]) is done while it is in the
//! cache.

mod plain;
pub mod products;
#[cfg(target_arch = "x86_64")]
mod vector;

use std::ops::Range;

use crate::lanes::{LANES_MAX, at_level};
use crate::tensor::{Aligned, Rows};
use plain::plain;
#[cfg(target_arch = "x86_64")]
use vector::vector;

/// Outputs in a panel: with 256 terms of f32 it is two thirds of a first-level cache.
const PANEL: usize = 32;
/// Panels that are made together.
const STRIP: usize = 4;
/// Terms in a block of the chain.
pub(crate) const BLOCK: usize = 256;
/// Rows that share one pass over a panel.
const CHUNK: usize = 48;

/// A matrix as a checkpoint has it.
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a> {
    /// How many inputs; at least one.
    pub inputs: usize,
    /// How many outputs; at least one.
    pub outputs: usize,
    /// `[inputs][outputs]`.
    pub weights: Weights<'a>,
    /// `[outputs]`.
    pub bias: &'a [f32],
}

impl Matrix<'_> {
    /// Panics when the lengths are not those that the shape asks for.
    pub(crate) fn check(&self, columns: Columns) {
        let Self { inputs, outputs, weights, bias } = *self;
        assert!(inputs > 0 && outputs > 0, "a matrix of {inputs} by {outputs}");
        assert_eq!(weights.len(), inputs * outputs, "weights of a matrix of {inputs} by {outputs}");
        assert_eq!(bias.len(), outputs, "biases");
        assert!(columns == Columns::Plain || outputs.is_multiple_of(PANEL), "{outputs} outputs in pairs");
        if let Weights::Int8 { scales, .. } = weights {
            assert_eq!(scales.len(), outputs, "scales");
        }
    }
}

/// Weights in one of the formats that expand to f32 without error.
#[derive(Clone, Copy, Debug)]
pub enum Weights<'a> {
    /// As they are.
    F32(&'a [f32]),
    /// bfloat16: the high half of an f32.
    Bf16(&'a [u16]),
    /// Small integers with a scale for each output.
    Int8 {
        /// The integers.
        values: &'a [i8],
        /// `[outputs]`.
        scales: &'a [f32],
    },
}

impl Weights<'_> {
    /// How many weights.
    pub fn len(&self) -> usize {
        match self {
            Self::F32(values) => values.len(),
            Self::Bf16(values) => values.len(),
            Self::Int8 { values, .. } => values.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What is done with v = x·W + b.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Epilogue {
    /// y = v
    Store,
    /// y = v·σ(v)
    Silu,
    /// y = y + v
    Add,
    /// v = [α, β], both half as wide: y = α·σ(α)·β. The matrix must have been packed [`Columns::Paired`].
    SwiGlu,
}

/// How outputs are arranged in panels.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Columns {
    /// In their order.
    Plain,
    /// For [`Epilogue::SwiGlu`]: 16 of the first half, then their 16 partners of the second half. The number
    /// of outputs must be a multiple of 32.
    Paired,
}

/// Panels of one format.
#[derive(Clone, Debug)]
enum Panels {
    F32(Aligned<f32>),
    Bf16(Aligned<u16>),
    Int8(Aligned<i8>),
}

/// A matrix in panels.
#[derive(Clone, Debug)]
pub struct Packed {
    inputs: usize,
    outputs: usize,
    columns: Columns,
    panels: Panels,
    /// In the order of the panels' columns, padded with zeros.
    bias: Aligned<f32>,
    scales: Option<Aligned<f32>>,
}

impl Packed {
    /// Packs a matrix.
    ///
    /// # Panics
    /// When the lengths are not those that the shape asks for.
    pub fn new(matrix: Matrix<'_>, columns: Columns) -> Self {
        matrix.check(columns);
        let Matrix { inputs, outputs, weights, bias } = matrix;
        let order = Order { outputs, columns };
        let (panels, scales) = match weights {
            Weights::F32(values) => (Panels::F32(order.pack(values, inputs)), None),
            Weights::Bf16(values) => (Panels::Bf16(order.pack(values, inputs)), None),
            Weights::Int8 { values, scales } => {
                (Panels::Int8(order.pack(values, inputs)), Some(order.pack(scales, 1)))
            }
        };
        Self { inputs, outputs, columns, panels, bias: order.pack(bias, 1), scales }
    }

    /// How wide a row of y is.
    pub fn width(&self) -> usize {
        if self.columns == Columns::Paired { self.outputs / 2 } else { self.outputs }
    }

    fn strips(&self) -> usize {
        self.outputs.div_ceil(STRIP * PANEL)
    }
}

/// Which output stands where.
#[derive(Clone, Copy)]
struct Order {
    outputs: usize,
    columns: Columns,
}

/// Columns of a panel in memory: 32, in the last one as few whole vectors as hold it.
fn panel_width(outputs: usize, panel: usize) -> usize {
    let rest = outputs - panel * PANEL;
    if rest >= PANEL { PANEL } else { rest.next_multiple_of(LANES_MAX) }
}

impl Order {
    /// Runs of outputs that lie side by side in a panel: (first output, first column, how many).
    fn runs(self, panel: usize) -> [(usize, usize, usize); 2] {
        match self.columns {
            Columns::Plain => {
                let rest = self.outputs - panel * PANEL;
                [(panel * PANEL, 0, if rest < PANEL { rest } else { PANEL }), (0, 0, 0)]
            }
            Columns::Paired => {
                let half = PANEL / 2;
                [(panel * half, 0, half), (self.outputs / 2 + panel * half, half, half)]
            }
        }
    }

    fn pack<T: crate::tensor::Number>(self, values: &[T], inputs: usize) -> Aligned<T> {
        let panels = self.outputs.div_ceil(PANEL);
        let columns = (panels - 1) * PANEL + panel_width(self.outputs, panels - 1);
        let mut packed = Aligned::zeros(columns * inputs);
        for panel in 0..panels {
            let width = panel_width(self.outputs, panel);
            let place = &mut packed[panel * PANEL * inputs..][..width * inputs];
            for (k, row) in place.chunks_exact_mut(width).enumerate() {
                for (output, column, count) in self.runs(panel) {
                    row[column..column + count]
                        .copy_from_slice(&values[k * self.outputs + output..][..count]);
                }
            }
        }
        packed
    }
}

/// A product to be made: pointers, since parts of y are written by several threads.
#[derive(Clone)]
struct Job<'a> {
    packed: &'a Packed,
    x: *const f32,
    x_stride: usize,
    y: *mut f32,
    y_stride: usize,
    rows: usize,
    epilogue: Epilogue,
    /// Which (strip of panels, chunk of rows) are made, strip by strip.
    items: Range<usize>,
}

// SAFETY: parts have different items, and each item writes its own rows and columns of y.
unsafe impl Sync for Job<'_> {}

impl Job<'_> {
    fn chunks(&self) -> usize {
        self.rows.div_ceil(CHUNK)
    }

    /// Panels, first row, and number of rows of an item.
    fn item(&self, item: usize) -> (Range<usize>, usize, usize) {
        let (strip, row) = (item / self.chunks(), item % self.chunks() * CHUNK);
        let (panels, end) = (self.packed.outputs.div_ceil(PANEL), (strip + 1) * STRIP);
        let rest = self.rows - row;
        let rows = if rest < CHUNK { rest } else { CHUNK };
        (strip * STRIP..if end < panels { end } else { panels }, row, rows)
    }
}

at_level! {
    /// Makes the items of a job.
    fn make(job: &Job<'_>) = plain, vector
}

/// y = epilogue(x·W + b) for `rows` rows.
///
/// # Panics
/// When the rows do not fit their buffers, or the matrix was not packed for the epilogue.
pub(crate) fn apply(
    cpu: &crate::backend::Cpu,
    packed: &Packed,
    (x, x_rows): (&Aligned<f32>, Rows),
    (y, y_rows): (&mut Aligned<f32>, Rows),
    rows: usize,
    epilogue: Epilogue,
) {
    assert!(x_rows.fit(rows, packed.inputs, x.len()), "x: {rows} × {} in {}", packed.inputs, x.len());
    assert!(y_rows.fit(rows, packed.width(), y.len()), "y: {rows} × {} in {}", packed.width(), y.len());
    assert_eq!(packed.columns == Columns::Paired, epilogue == Epilogue::SwiGlu, "columns for {epilogue:?}");
    if rows == 0 {
        return;
    }
    let items = packed.strips() * rows.div_ceil(CHUNK);
    let job = Job {
        packed,
        x: x[x_rows.offset..].as_ptr(),
        x_stride: x_rows.stride,
        y: y[y_rows.offset..].as_mut_ptr(),
        y_stride: y_rows.stride,
        rows,
        epilogue,
        items: 0..items,
    };
    cpu.parts(rows * packed.inputs * packed.outputs, |level, part, parts| {
        let items = items * part / parts..items * (part + 1) / parts;
        // SAFETY: the level is this machine's, and rows and columns were just seen to fit.
        unsafe { make(level, &Job { items, ..job.clone() }) }
    });
}
