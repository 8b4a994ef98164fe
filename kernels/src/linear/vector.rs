//! Panels in registers. Of one row four panels' chains run at once, since one's would wait for each other; of
//! many rows one panel's, which stays in the first-level cache while the rows go by.

use std::mem::MaybeUninit;

use super::{BLOCK, CHUNK, Epilogue, Job, PANEL, Panels, STRIP, panel_width};
use crate::lanes::{LANES_MAX, Lanes, silu};

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

/// Room for the sums of a strip and a chunk of rows, `[rows][columns]`.
#[repr(align(64))]
struct Totals(MaybeUninit<[f32; CHUNK * WIDTH]>);

/// How far ahead weights are asked for, in bytes: not at all where the processor's own guess suffices.
const fn ahead(rows: usize, bytes: usize) -> usize {
    match (rows, bytes) {
        (..=3, 4) => 0,
        (..=3, _) => 2048,
        _ => 4096,
    }
}

/// Columns of a strip.
const WIDTH: usize = STRIP * PANEL;

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
unsafe fn items<V: Lanes, W: Weight>(job: &Job<'_>, all: *const W) {
    let mut totals = Totals(MaybeUninit::uninit());
    let totals: *mut f32 = totals.0.as_mut_ptr().cast();
    let inputs = job.packed.inputs;
    for item in job.items.clone() {
        let (panels, first, rows) = job.item(item);
        // The very last panel may have one vector instead of two.
        let narrow = panel_width(job.packed.outputs, panels.end - 1) < PANEL;
        let whole = panels.len() - usize::from(narrow);
        // SAFETY: panels, rows of x and sums lie where `pack` and `apply` saw to it.
        unsafe {
            let strip = all.add(panels.start * PANEL * inputs);
            let block = |panel: usize, k: usize, width: usize| Block {
                x: job.x.add(first * job.x_stride + k),
                x_stride: job.x_stride,
                weights: strip.add(panel * PANEL * inputs + k * width),
                apart: PANEL * inputs,
                width,
                terms: if inputs - k < BLOCK { inputs - k } else { BLOCK },
                left: inputs - k,
                first: k == 0,
                sums: totals.add(panel * PANEL),
            };
            let mut panel = 0;
            while panel < whole {
                let together = together::<V>(rows, whole - panel);
                for k in (0..inputs).step_by(BLOCK) {
                    block(panel, k, PANEL).panels::<V>(rows, together);
                }
                panel += together;
            }
            if narrow {
                for k in (0..inputs).step_by(BLOCK) {
                    block(whole, k, LANES_MAX).narrow::<V>(rows);
                }
            }
            for row in 0..rows {
                let y = job.y.add((first + row) * job.y_stride);
                for panel in panels.clone() {
                    let sums = totals.add(row * WIDTH + (panel - panels.start) * PANEL);
                    finish::<V>(job, panel, sums, y);
                }
            }
        }
    }
}

/// 256 terms, or fewer, of some panels side by side.
#[derive(Clone, Copy)]
struct Block<W> {
    x: *const f32,
    x_stride: usize,
    weights: *const W,
    /// From a panel to the next.
    apart: usize,
    /// From a term's weights to the next's.
    width: usize,
    terms: usize,
    /// Terms from here to the panels' end.
    left: usize,
    first: bool,
    /// `[rows][WIDTH]`
    sums: *mut f32,
}

/// How many of these panels are made together for so many rows: as many chains as there are registers, 32 of
/// AVX-512, 16 of AVX2.
#[inline(always)]
fn together<V: Lanes>(rows: usize, panels: usize) -> usize {
    match (V::COUNT, rows, panels) {
        (LANES_MAX, ..=3, 4..) => 4,
        (LANES_MAX, ..=7, 2..) | (_, 1, 2..) => 2,
        _ => 1,
    }
}

impl<W: Weight> Block<W> {
    /// Adds the block to the sums of `rows` rows of as many panels as [`together`] says.
    ///
    /// # Safety
    /// As `vector`.
    #[inline(always)]
    unsafe fn panels<V: Lanes>(&self, rows: usize, panels: usize) {
        // SAFETY: the caller's promise.
        unsafe {
            match (V::COUNT, panels) {
                (LANES_MAX, 4) => self.four::<V>(rows),
                (LANES_MAX, 2) => self.two::<V>(rows),
                (LANES_MAX, _) => self.one::<V>(rows),
                (_, 2) => {
                    self.chains::<V, 1, 2, 4>(0);
                }
                _ => self.one_by_eight::<V>(rows),
            }
        }
    }

    /// The last panel, where it is one vector wide.
    ///
    /// # Safety
    /// As `vector`.
    #[inline(always)]
    unsafe fn narrow<V: Lanes>(&self, rows: usize) {
        for row in 0..rows {
            // SAFETY: the caller's promise.
            unsafe {
                match V::COUNT {
                    LANES_MAX => self.chains::<V, 1, 1, 1>(row),
                    _ => self.chains::<V, 1, 1, 2>(row),
                };
            }
        }
    }

    /// Four panels of up to three rows.
    ///
    /// # Safety
    /// As `vector`.
    #[inline(always)]
    unsafe fn four<V: Lanes>(&self, rows: usize) {
        // SAFETY: the caller's promise.
        unsafe {
            match rows {
                1 => self.chains::<V, 1, 4, 2>(0),
                2 => self.chains::<V, 2, 4, 2>(0),
                _ => self.chains::<V, 3, 4, 2>(0),
            };
        }
    }

    /// Two panels.
    ///
    /// # Safety
    /// As `vector`.
    #[inline(always)]
    unsafe fn two<V: Lanes>(&self, rows: usize) {
        let mut row = 0;
        while row < rows {
            // SAFETY: the caller's promise.
            row += unsafe {
                match rows - row {
                    1 => self.chains::<V, 1, 2, 2>(row),
                    2 => self.chains::<V, 2, 2, 2>(row),
                    3 => self.chains::<V, 3, 2, 2>(row),
                    4 | 7 => self.chains::<V, 4, 2, 2>(row),
                    5 => self.chains::<V, 5, 2, 2>(row),
                    _ => self.chains::<V, 6, 2, 2>(row),
                }
            };
        }
    }

    /// One panel of any number of rows.
    ///
    /// # Safety
    /// As `vector`.
    #[inline(always)]
    unsafe fn one<V: Lanes>(&self, rows: usize) {
        let mut row = 0;
        while row < rows {
            // SAFETY: the caller's promise.
            row += unsafe {
                match rows - row {
                    1 => self.chains::<V, 1, 1, 2>(row),
                    2 => self.chains::<V, 2, 1, 2>(row),
                    3 => self.chains::<V, 3, 1, 2>(row),
                    4..=7 => self.chains::<V, 4, 1, 2>(row),
                    8..=11 => self.chains::<V, 8, 1, 2>(row),
                    _ => self.chains::<V, 12, 1, 2>(row),
                }
            };
        }
    }

    /// One panel in vectors of eight, half a panel at a time where the sums of all of it would fill the registers.
    ///
    /// # Safety
    /// As `vector`.
    #[inline(always)]
    unsafe fn one_by_eight<V: Lanes>(&self, rows: usize) {
        let mut row = 0;
        while row < rows {
            // SAFETY: the caller's promise.
            row += unsafe {
                match rows - row {
                    1 => self.chains::<V, 1, 1, 4>(row),
                    2 => self.chains::<V, 2, 1, 4>(row),
                    3 => self.halves::<V, 3>(row),
                    4 | 8 => self.halves::<V, 4>(row),
                    5 | 9 | 10 => self.halves::<V, 5>(row),
                    _ => self.halves::<V, 6>(row),
                }
            };
        }
    }

    /// `ROWS` rows of one panel in vectors of eight, two vectors and then the other two.
    ///
    /// # Safety
    /// As `vector`.
    #[inline(always)]
    unsafe fn halves<V: Lanes, const ROWS: usize>(&self, row: usize) -> usize {
        let half = PANEL / 2;
        // SAFETY: the caller's promise: a panel has two halves.
        unsafe {
            self.chains::<V, ROWS, 1, 2>(row);
            let other = Block { weights: self.weights.add(half), sums: self.sums.add(half), ..*self };
            other.chains::<V, ROWS, 1, 2>(row)
        }
    }

    /// The chains themselves, of `ROWS` rows from `row` on and `PANELS` panels of `VECTORS` vectors; how many
    /// rows.
    ///
    /// # Safety
    /// As `vector`.
    #[inline(always)]
    #[allow(clippy::needless_range_loop)] // indices over constants are what becomes registers
    unsafe fn chains<V: Lanes, const ROWS: usize, const PANELS: usize, const VECTORS: usize>(
        &self,
        row: usize,
    ) -> usize {
        // SAFETY: the caller's promise: rows of x, columns of the panels and of the sums exist.
        unsafe {
            let mut sum = [[[V::splat(0.0); VECTORS]; PANELS]; ROWS];
            let mut weights = self.weights;
            let mut x = [self.x; ROWS];
            for (r, x) in x.iter_mut().enumerate() {
                *x = self.x.add((row + r) * self.x_stride);
            }
            // Behind a panel's end lies the one beside it, which is being read; these panels' turn comes later.
            let distance = ahead(ROWS, size_of::<W>());
            let (term, beside) = (self.width * size_of::<W>(), (PANELS - 1) * self.apart * size_of::<W>());
            let inside = self.left.saturating_sub(distance / term);
            for k in 0..self.terms {
                let distance = if k < inside { distance } else { distance + beside };
                for p in 0..PANELS {
                    let panel = weights.wrapping_add(p * self.apart);
                    if ahead(ROWS, size_of::<W>()) > 0 && row == 0 {
                        let ahead = panel.cast::<u8>().wrapping_add(distance);
                        for line in 0..(VECTORS * V::COUNT * size_of::<W>()).div_ceil(64) {
                            V::prefetch(ahead.wrapping_add(line * 64));
                        }
                    }
                    let mut weight = [V::splat(0.0); VECTORS];
                    for v in 0..VECTORS {
                        weight[v] = W::load::<V>(panel.add(v * V::COUNT));
                    }
                    for r in 0..ROWS {
                        let term = V::splat(*x[r].add(k));
                        for v in 0..VECTORS {
                            sum[r][p][v] = term.fma(weight[v], sum[r][p][v]);
                        }
                    }
                }
                weights = weights.add(self.width);
            }
            for r in 0..ROWS {
                for p in 0..PANELS {
                    for v in 0..VECTORS {
                        let place = self.sums.add((row + r) * WIDTH + p * PANEL + v * V::COUNT);
                        if self.first {
                            sum[r][p][v].store(place);
                        } else {
                            V::load(place).add(sum[r][p][v]).store(place);
                        }
                    }
                }
            }
        }
        ROWS
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
