//! The gated fusion of attention and convolution in training, and its gradients: **Exact**, value by value.
//!
//! With g = σ(γ), s = σ(p) of the convolution's sum p, c = p·s:
//! - y = fma(g, a - c, c), the bits of [`mixer`](crate::mixer)
//! - da = G·g, dc = G·(1 - g), dγ = (G·(a - c))·(g·(1 - g)), dp = dc·(s·fma(p, 1 - s, 1))
//!
//! γ is the last quarter of a projected row \[q, k, v, γ\]; the other rows are as wide as the model.

use crate::backend::Cpu;
use crate::lanes::at_level;
#[cfg(target_arch = "x86_64")]
use crate::lanes::{Lanes, sigmoid as sigmoid_lanes};
use crate::scalar::f32::sigmoid;
use crate::share::{ReadRows, SharedRows, by_rows};
use crate::tensor::{Buffer, Rows};

/// Multiplications that two logistic functions are about.
const COST: usize = 16;

fn forward_plain(gate: &[f32], a: &[f32], p: &[f32], y: &mut [f32]) {
    for (at, y) in y.iter_mut().enumerate() {
        let c = p[at] * sigmoid(p[at]);
        *y = sigmoid(gate[at]).mul_add(a[at] - c, c);
    }
}

/// # Safety
/// The machine has the instructions of `V`; all slices have one length.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn forward_vector<V: Lanes>(gate: &[f32], a: &[f32], p: &[f32], y: &mut [f32]) {
    for at in (0..y.len()).step_by(V::COUNT) {
        let left = y.len() - at;
        let count = if left < V::COUNT { left } else { V::COUNT };
        // SAFETY: `count` values are left; the caller promises the instructions.
        unsafe {
            let (p, a) = (V::load_first(p.as_ptr().add(at), count), V::load_first(a.as_ptr().add(at), count));
            let c = p.mul(sigmoid_lanes(p));
            let g = sigmoid_lanes(V::load_first(gate.as_ptr().add(at), count));
            g.fma(a.sub(c), c).store_first(y.as_mut_ptr().add(at), count);
        }
    }
}

at_level! {
    /// y of one row.
    fn forward_row(gate: &[f32], a: &[f32], p: &[f32], y: &mut [f32]) = forward_plain, forward_vector
}

/// One row of all that the gradients come from, and of where they go.
struct Row<'a> {
    gate: &'a [f32],
    a: &'a [f32],
    p: &'a [f32],
    gradient: &'a [f32],
    da: &'a mut [f32],
    dp: &'a mut [f32],
    dgate: &'a mut [f32],
}

fn backward_plain(row: &mut Row<'_>) {
    for (at, gradient) in row.gradient.iter().enumerate() {
        let (g, s) = (sigmoid(row.gate[at]), sigmoid(row.p[at]));
        let (rest, p) = (1.0 - g, row.p[at]);
        let c = p * s;
        row.da[at] = gradient * g;
        row.dgate[at] = (gradient * (row.a[at] - c)) * (g * rest);
        row.dp[at] = (gradient * rest) * (s * p.mul_add(1.0 - s, 1.0));
    }
}

/// # Safety
/// The machine has the instructions of `V`; all slices have one length.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn backward_vector<V: Lanes>(row: &mut Row<'_>) {
    let width = row.gradient.len();
    for at in (0..width).step_by(V::COUNT) {
        let left = width - at;
        let count = if left < V::COUNT { left } else { V::COUNT };
        // SAFETY: `count` values are left; the caller promises the instructions.
        unsafe {
            let load = |from: &[f32]| V::load_first(from.as_ptr().add(at), count);
            let (gradient, p, one) = (load(row.gradient), load(row.p), V::splat(1.0));
            let (g, s) = (sigmoid_lanes(load(row.gate)), sigmoid_lanes(p));
            let rest = one.sub(g);
            let c = p.mul(s);
            gradient.mul(g).store_first(row.da.as_mut_ptr().add(at), count);
            let dgate = gradient.mul(load(row.a).sub(c)).mul(g.mul(rest));
            dgate.store_first(row.dgate.as_mut_ptr().add(at), count);
            let dp = gradient.mul(rest).mul(s.mul(p.fma(one.sub(s), one)));
            dp.store_first(row.dp.as_mut_ptr().add(at), count);
        }
    }
}

at_level! {
    /// All gradients of one row.
    fn backward_row(row: &mut Row<'_>) = backward_plain, backward_vector
}

/// What the fusion's inputs are.
#[derive(Clone, Copy)]
pub struct Given<'a> {
    /// `[rows][4 · width]`
    pub projected: &'a Buffer,
    /// `[rows][width]`
    pub attention: &'a Buffer,
    /// `[rows][width]`: the convolution's sums, before silu.
    pub sums: &'a Buffer,
}

impl<'a> Given<'a> {
    fn rows(self, rows: usize, width: usize) -> [ReadRows<'a>; 3] {
        let gate = Rows::columns(3 * width, 4 * width);
        [
            ReadRows::new((self.projected, gate), rows, width),
            ReadRows::new((self.attention, Rows::dense(width)), rows, width),
            ReadRows::new((self.sums, Rows::dense(width)), rows, width),
        ]
    }
}

/// y of `rows` rows.
pub fn forward(cpu: &Cpu, given: Given<'_>, y: &mut Buffer, rows: usize, width: usize) {
    let [gate, a, p] = given.rows(rows, width);
    let y = SharedRows::new((y, Rows::dense(width)), rows, width);
    by_rows(cpu, rows, COST * width, |level, rows| {
        for row in rows {
            // SAFETY: the level is this machine's; rows have one width; the row of y is this part's.
            unsafe { forward_row(level, gate.row(row), a.row(row), p.row(row), y.row(row)) };
        }
    });
}

/// Gradients of dL/dy: `da` and `dsums` dense, dγ in the last quarter of `dprojected`.
pub fn backward(
    cpu: &Cpu,
    given: Given<'_>,
    gradient: &Buffer,
    (da, dsums, dprojected): (&mut Buffer, &mut Buffer, &mut Buffer),
    rows: usize,
    width: usize,
) {
    let [gate, a, p] = given.rows(rows, width);
    let dense = Rows::dense(width);
    let gradient = ReadRows::new((gradient, dense), rows, width);
    let (da, dp) = (SharedRows::new((da, dense), rows, width), SharedRows::new((dsums, dense), rows, width));
    let dgate = SharedRows::new((dprojected, Rows::columns(3 * width, 4 * width)), rows, width);
    by_rows(cpu, rows, COST * width, |level, rows| {
        for row in rows {
            // SAFETY: as in `forward`.
            unsafe {
                let mut row = Row {
                    gate: gate.row(row),
                    a: a.row(row),
                    p: p.row(row),
                    gradient: gradient.row(row),
                    da: da.row(row),
                    dp: dp.row(row),
                    dgate: dgate.row(row),
                };
                backward_row(level, &mut row);
            }
        }
    });
}
