//! Panels in registers. Of one row's 128 outputs all chains run at once; of several rows as many as fit.

use std::mem::MaybeUninit;

use super::{BLOCK, CHUNK, Epilogue, Job, PANEL, Panels, panel_width};
use crate::lanes::{Lanes, silu};

/// A weight's format in memory.
trait Weight: Copy {
    /// Reads and expands a vector of them.
    ///
    /// # Safety
    /// As [`Lanes::load`].
    unsafe fn load<V: Lanes>(from: *const Self) -> V;
}

impl Weight for f32 {
    #[inline(always)]
    unsafe fn load<V: Lanes>(from: *const f32) -> V {
        // SAFETY: the caller's promise.
        unsafe { V::load(from) }
    }
}

impl Weight for u16 {
    #[inline(always)]
    unsafe fn load<V: Lanes>(from: *const u16) -> V {
        // SAFETY: the caller's promise.
        unsafe { V::load_bf16(from) }
    }
}

impl Weight for i8 {
    #[inline(always)]
    unsafe fn load<V: Lanes>(from: *const i8) -> V {
        // SAFETY: the caller's promise.
        unsafe { V::load_i8(from) }
    }
}

/// Room for the sums of a panel and a chunk of rows.
#[repr(align(64))]
struct Totals(MaybeUninit<[f32; CHUNK * PANEL]>);

/// Makes the job's items.
///
/// # Safety
/// The machine has the instructions of `V`; `apply` checked the rows.
#[inline(always)]
pub(super) unsafe fn vector<V: Lanes>(job: &Job<'_>) {
    // SAFETY: the caller's promise.
    unsafe {
        match &job.packed.panels {
            Panels::F32(panels) => items::<V, f32>(job, panels.as_ptr()),
            Panels::Bf16(panels) => items::<V, u16>(job, panels.as_ptr()),
            Panels::Int8(panels) => items::<V, i8>(job, panels.as_ptr()),
        }
    }
}

/// # Safety
/// As `vector`.
#[inline(always)]
unsafe fn items<V: Lanes, W: Weight>(job: &Job<'_>, panels: *const W) {
    let mut totals = Totals(MaybeUninit::uninit());
    let totals: *mut f32 = totals.0.as_mut_ptr().cast();
    let inputs = job.packed.inputs;
    for item in job.items.clone() {
        let (panel, first, rows) = job.item(item);
        let width = panel_width(job.packed.outputs, panel);
        // SAFETY: panels, rows of x and sums lie where `pack` and `apply` saw to it.
        unsafe {
            let weights = panels.add(panel * PANEL * inputs);
            let x = job.x.add(first * job.x_stride);
            let mut k = 0;
            while k < inputs {
                let terms = if inputs - k < BLOCK { inputs - k } else { BLOCK };
                let block = Block {
                    x: x.add(k),
                    x_stride: job.x_stride,
                    weights: weights.add(k * width),
                    width,
                    terms,
                    first: k == 0,
                };
                block.rows::<V>(totals, rows);
                k += BLOCK;
            }
            for row in 0..rows {
                let y = job.y.add((first + row) * job.y_stride);
                finish::<V>(job, panel, totals.add(row * PANEL), y);
            }
        }
    }
}

/// 256 terms, or fewer, of a panel.
struct Block<W> {
    x: *const f32,
    x_stride: usize,
    weights: *const W,
    width: usize,
    terms: usize,
    first: bool,
}

impl<W: Weight> Block<W> {
    /// Adds the block to the sums of `rows` rows.
    ///
    /// # Safety
    /// As `vector`.
    #[inline(always)]
    unsafe fn rows<V: Lanes>(&self, totals: *mut f32, rows: usize) {
        let mut row = 0;
        // As many rows and vectors at once as there are registers: 32 of AVX-512, 16 of AVX2.
        while row < rows {
            // SAFETY: the caller's promise; `row` and those after it are rows of the chunk.
            unsafe {
                let sums = totals.add(row * PANEL);
                match rows - row {
                    1 => {
                        self.group::<V, 1, 8>(row, sums);
                        row += 1;
                    }
                    2 => {
                        if V::COUNT == 16 {
                            self.group::<V, 2, 8>(row, sums);
                        } else {
                            self.group::<V, 2, 4>(row, sums);
                        }
                        row += 2;
                    }
                    3..=5 => {
                        if V::COUNT == 16 {
                            self.group::<V, 3, 8>(row, sums);
                        } else {
                            self.group::<V, 3, 4>(row, sums);
                        }
                        row += 3;
                    }
                    8 if V::COUNT == 16 => {
                        self.group::<V, 8, 2>(row, sums);
                        row += 8;
                    }
                    _ => {
                        if V::COUNT == 16 {
                            self.group::<V, 6, 4>(row, sums);
                        } else {
                            self.group::<V, 6, 2>(row, sums);
                        }
                        row += 6;
                    }
                }
            }
        }
    }

    /// All columns of `ROWS` rows, `VECTORS` vectors at a time.
    ///
    /// # Safety
    /// As `vector`.
    #[inline(always)]
    unsafe fn group<V: Lanes, const ROWS: usize, const VECTORS: usize>(&self, row: usize, sums: *mut f32) {
        let step = VECTORS * V::COUNT;
        let mut column = 0;
        // SAFETY: columns stay below the panel's width, a multiple of every vector.
        unsafe {
            while column + step <= self.width {
                self.chains::<V, ROWS, VECTORS>(row, column, sums);
                column += step;
            }
            while column < self.width {
                self.chains::<V, ROWS, 1>(row, column, sums);
                column += V::COUNT;
            }
        }
    }

    /// The chains themselves.
    ///
    /// # Safety
    /// As `vector`.
    #[inline(always)]
    #[allow(clippy::needless_range_loop)] // indices over constants are what becomes registers
    unsafe fn chains<V: Lanes, const ROWS: usize, const VECTORS: usize>(
        &self,
        row: usize,
        column: usize,
        sums: *mut f32,
    ) {
        // SAFETY: the caller's promise: rows of x, columns of the panel and of the sums exist.
        unsafe {
            let mut sum = [[V::splat(0.0); VECTORS]; ROWS];
            let mut weights = self.weights.add(column);
            let ahead = BLOCK * self.width * size_of::<W>();
            let mut x = [self.x; ROWS];
            for (r, x) in x.iter_mut().enumerate() {
                *x = self.x.add((row + r) * self.x_stride);
            }
            for _ in 0..self.terms {
                let mut terms = [V::splat(0.0); ROWS];
                for r in 0..ROWS {
                    terms[r] = V::splat(*x[r]);
                    x[r] = x[r].add(1);
                }
                if ROWS > 1 && row == 0 {
                    // The first rows bring the next block, which lies behind this one, for all.
                    for line in 0..(VECTORS * V::COUNT * size_of::<W>()).div_ceil(64) {
                        let here = weights.cast::<u8>().wrapping_add(line * 64);
                        V::prefetch(here.wrapping_add(ahead));
                    }
                }
                for v in 0..VECTORS {
                    let weight = W::load::<V>(weights.add(v * V::COUNT));
                    for r in 0..ROWS {
                        sum[r][v] = terms[r].fma(weight, sum[r][v]);
                    }
                }
                weights = weights.add(self.width);
            }
            for (r, sum) in sum.iter().enumerate() {
                for (v, sum) in sum.iter().enumerate() {
                    let place = sums.add(r * PANEL + column + v * V::COUNT);
                    if self.first {
                        sum.store(place);
                    } else {
                        V::load(place).add(*sum).store(place);
                    }
                }
            }
        }
    }
}

/// Bias, scale and epilogue of one row of a panel.
///
/// # Safety
/// As `vector`; `totals` has the panel's sums, `y` is the row.
#[inline(always)]
unsafe fn finish<V: Lanes>(job: &Job<'_>, panel: usize, totals: *const f32, y: *mut f32) {
    let packed = job.packed;
    let rest = packed.outputs - panel * PANEL;
    let columns = if rest < PANEL { rest } else { PANEL };
    // SAFETY: bias and scales are padded to whole vectors; y is written within its columns.
    unsafe {
        let bias = packed.bias.as_ptr().add(panel * PANEL);
        let scales = packed.scales.as_ref().map(|scales| scales.as_ptr().add(panel * PANEL));
        let value = |column: usize| {
            let (total, bias) = (V::load(totals.add(column)), V::load(bias.add(column)));
            match scales {
                Some(scales) => total.fma(V::load(scales.add(column)), bias),
                None => total.add(bias),
            }
        };
        if job.epilogue == Epilogue::SwiGlu {
            let half = PANEL / 2;
            for column in (0..half).step_by(V::COUNT) {
                let product = silu(value(column)).mul(value(column + half));
                product.store(y.add(panel * half + column));
            }
            return;
        }
        for column in (0..columns).step_by(V::COUNT) {
            let place = y.add(panel * PANEL + column);
            let left = columns - column;
            let count = if left < V::COUNT { left } else { V::COUNT };
            let value = match job.epilogue {
                Epilogue::Silu => silu(value(column)),
                Epilogue::Add => V::load_first(place, count).add(value(column)),
                Epilogue::Store | Epilogue::SwiGlu => value(column),
            };
            value.store_first(place, count);
        }
    }
}
