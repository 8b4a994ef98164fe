//! The truth: one output at a time.

use super::{BLOCK, Epilogue, Job, PANEL, Packed, Panels, panel_width};
use crate::scalar::f32::sigmoid;

impl Packed {
    /// The weight from input `k` to column `column` of a panel.
    fn weight(&self, panel: usize, k: usize, column: usize) -> f32 {
        let at = panel * PANEL * self.inputs + k * panel_width(self.outputs, panel) + column;
        match &self.panels {
            Panels::F32(values) => values[at],
            Panels::Bf16(values) => f32::from_bits(u32::from(values[at]) << 16),
            Panels::Int8(values) => f32::from(values[at]),
        }
    }

    /// x·W + b in one column.
    fn value(&self, x: &[f32], panel: usize, column: usize) -> f32 {
        let mut total = 0.0;
        for (block, terms) in x.chunks(BLOCK).enumerate() {
            let mut sum = 0.0f32;
            for (k, x) in terms.iter().enumerate() {
                sum = x.mul_add(self.weight(panel, block * BLOCK + k, column), sum);
            }
            total = if block == 0 { sum } else { total + sum };
        }
        let bias = self.bias[panel * PANEL + column];
        match &self.scales {
            Some(scales) => total.mul_add(scales[panel * PANEL + column], bias),
            None => total + bias,
        }
    }
}

pub(super) fn plain(job: &Job<'_>) {
    for item in job.items.clone() {
        let (panels, first, rows) = job.item(item);
        for row in first..first + rows {
            for panel in panels.clone() {
                one(job, panel, row);
            }
        }
    }
}

/// A panel's outputs of one row.
fn one(job: &Job<'_>, panel: usize, row: usize) {
    let packed = job.packed;
    let rest = packed.outputs - panel * PANEL;
    let columns = if rest < PANEL { rest } else { PANEL };
    // SAFETY: `apply` saw that the rows fit, and no other part writes these columns of this row.
    let (x, y) = unsafe {
        let x = std::slice::from_raw_parts(job.x.add(row * job.x_stride), packed.inputs);
        let (from, width) = match job.epilogue {
            Epilogue::SwiGlu => (panel * PANEL / 2, PANEL / 2),
            _ => (panel * PANEL, columns),
        };
        (x, std::slice::from_raw_parts_mut(job.y.add(row * job.y_stride + from), width))
    };
    for (column, y) in y.iter_mut().enumerate() {
        let value = packed.value(x, panel, column);
        *y = match job.epilogue {
            Epilogue::Store => value,
            Epilogue::Silu => value * sigmoid(value),
            Epilogue::Add => *y + value,
            Epilogue::SwiGlu => value * sigmoid(value) * packed.value(x, panel, column + PANEL / 2),
        };
    }
}
