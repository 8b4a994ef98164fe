//! Weights as the kernels read them: panels of eight outputs, 16 bytes of each at a time.

use crate::linear::{Columns, Matrix, Weights};

/// Outputs in a panel.
pub(super) const PANEL: usize = 8;
/// Bytes that a thread loads at once.
const LOAD: usize = 16;

/// Which kernel multiplies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Format {
    F32,
    Bf16,
    Int8,
}

/// Weights, biases and scales as bytes, the latter two in the order of the panels.
pub(super) struct Panels {
    pub(super) format: Format,
    pub(super) weights: Vec<u8>,
    pub(super) bias: Vec<f32>,
    pub(super) scales: Option<Vec<f32>>,
}

/// The output in each column of the panels, or none behind the last.
fn order(outputs: usize, columns: Columns) -> Vec<Option<usize>> {
    let all = 0..outputs.next_multiple_of(PANEL);
    let half = PANEL / 2;
    let output = |column: usize| match columns {
        Columns::Plain => column,
        // Four of the first half, then their partners.
        Columns::Paired => {
            column / PANEL * half + column % half + if column % PANEL < half { 0 } else { outputs / 2 }
        }
    };
    all.map(|column| Some(output(column)).filter(|output| *output < outputs)).collect()
}

/// Packs a matrix. Its lengths were checked.
pub(super) fn pack(matrix: Matrix<'_>, columns: Columns) -> Panels {
    let order = order(matrix.outputs, columns);
    let (format, weights) = match matrix.weights {
        Weights::F32(values) => (Format::F32, panels(matrix, &order, values, f32::to_le_bytes)),
        Weights::Bf16(values) => (Format::Bf16, panels(matrix, &order, values, u16::to_le_bytes)),
        Weights::Int8 { values, .. } => (Format::Int8, panels(matrix, &order, values, i8::to_le_bytes)),
    };
    let by_column = |values: &[f32]| -> Vec<f32> {
        order.iter().map(|output| output.map_or(0.0, |output| values[output])).collect()
    };
    let scales = match matrix.weights {
        Weights::Int8 { scales, .. } => Some(by_column(scales)),
        _ => None,
    };
    Panels { format, weights, bias: by_column(matrix.bias), scales }
}

/// `[panels][inputs / G][8][G]`, G values being 16 bytes; the last group is filled with zeros.
fn panels<T: Copy, const BYTES: usize>(
    matrix: Matrix<'_>,
    order: &[Option<usize>],
    values: &[T],
    bytes: impl Fn(T) -> [u8; BYTES],
) -> Vec<u8> {
    let group = LOAD / BYTES;
    let groups = matrix.inputs.div_ceil(group);
    let mut packed = vec![0; order.len() * groups * LOAD];
    for (column, output) in order.iter().enumerate() {
        let Some(output) = output else { continue };
        let panel = column / PANEL * groups * PANEL;
        for k in 0..matrix.inputs {
            let place = (panel + k / group * PANEL + column % PANEL) * group + k % group;
            let value = bytes(values[k * matrix.outputs + output]);
            packed[place * BYTES..][..BYTES].copy_from_slice(&value);
        }
    }
    packed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_weight_is_in_its_place_once() {
        let (inputs, outputs) = (5, 9);
        let values: Vec<f32> = (1..=inputs * outputs).map(|n| n as f32).collect();
        let bias: Vec<f32> = (0..outputs).map(|n| n as f32).collect();
        let matrix = Matrix { inputs, outputs, weights: Weights::F32(&values), bias: &bias };
        let packed = pack(matrix, Columns::Plain);
        let floats = packed.weights.as_chunks::<4>().0;
        let at = |place: usize| f32::from_le_bytes(floats[place]);
        // Two panels of two groups of eight outputs of four inputs.
        assert_eq!(floats.len(), 2 * 2 * 8 * 4);
        assert_eq!([at(0), at(1), at(4), at(32)], [1.0, 10.0, 2.0, 37.0]);
        assert_eq!([at(33), at(64), at(68)], [0.0, 9.0, 0.0]);
        assert_eq!(floats.iter().filter(|bytes| **bytes != [0; 4]).count(), inputs * outputs);
        assert_eq!(packed.bias[7..10], [7.0, 8.0, 0.0]);
    }

    #[test]
    fn pairs_share_a_panel() {
        let expected = [0, 1, 2, 3, 8, 9, 10, 11, 4, 5, 6, 7, 12, 13, 14, 15].map(Some);
        assert_eq!(order(16, Columns::Paired), expected);
    }
}
