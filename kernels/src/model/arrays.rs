//! Whole sequences as arrays: what a notebook, a trainer or a test has.

use ndarray::{Array2, Array3, Array4, Array5, ArrayView3, ArrayView4};

use super::{Inputs, LEVEL_INPUTS, Model, ModelError, Outputs, STAMPS};
use crate::backend::Backend;
use crate::heads::{ACTIONS, QUANTILES};

/// Sequences of inputs; the first index is the sequence, the second the step.
#[derive(Clone, Copy, Debug)]
pub struct Arrays<'a> {
    /// `[sequences, steps, features]`
    pub features: ArrayView3<'a, f32>,
    /// `[sequences, steps, levels, 6]`
    pub book: ArrayView4<'a, f32>,
    /// `[sequences, steps, trades]`
    pub trades: ArrayView3<'a, f32>,
    /// `[sequences, steps, 3]`
    pub stamps: ArrayView3<'a, f32>,
    /// `[sequences, steps, account]`
    pub account: ArrayView3<'a, f32>,
}

/// Sequences of outputs; see [`Row`](super::Row) for what they mean.
#[derive(Clone, PartialEq, Debug)]
pub struct Forecasts {
    /// The trunk's output: `[sequences, steps, width]`
    pub trunk: Array3<f32>,
    /// `[sequences, steps, 3]`
    pub logits: Array3<f32>,
    /// `[sequences, steps]`
    pub value: Array2<f32>,
    /// `[sequences, steps, horizons]`
    pub volatility: Array3<f32>,
    /// `[sequences, steps]`
    pub scale: Array2<f32>,
    /// `[sequences, steps]`
    pub impact: Array2<f32>,
    /// `[sequences, steps, horizons, 5]`
    pub mean: Array4<f32>,
    /// `[sequences, steps, horizons]`
    pub disagreement: Array3<f32>,
    /// `[sequences, steps, members, horizons, 5]`
    pub quantiles: Array5<f32>,
}

impl<B: Backend> Model<B> {
    /// All outputs of whole sequences, each from its beginning.
    ///
    /// # Errors
    /// When an array has another shape, the backend fails, or an output is NaN or infinite.
    pub fn forecast(&self, arrays: &Arrays<'_>) -> Result<Forecasts, ModelError> {
        let spec = &self.spec;
        let (sequences, steps, _) = arrays.features.dim();
        let expect = |array, found: &[usize], rest: &[usize]| {
            let expected = [&[sequences, steps], rest].concat();
            let found = found.to_vec();
            if found == expected { Ok(()) } else { Err(ModelError::Shape { array, found, expected }) }
        };
        expect("features", arrays.features.shape(), &[spec.features])?;
        expect("book", arrays.book.shape(), &[spec.levels, LEVEL_INPUTS])?;
        expect("trades", arrays.trades.shape(), &[spec.trades])?;
        expect("stamps", arrays.stamps.shape(), &[STAMPS])?;
        expect("account", arrays.account.shape(), &[spec.account])?;

        let rows = sequences * steps;
        let (features, book) = (arrays.features.as_standard_layout(), arrays.book.as_standard_layout());
        let (trades, stamps) = (arrays.trades.as_standard_layout(), arrays.stamps.as_standard_layout());
        let account = arrays.account.as_standard_layout();
        let flat = "an array in standard layout is one slice";
        let inputs = Inputs {
            features: features.as_slice().expect(flat),
            book: book.as_slice().expect(flat),
            trades: trades.as_slice().expect(flat),
            stamps: stamps.as_slice().expect(flat),
        };
        let mut work = self.workspace(rows)?;
        let mut outputs = Outputs::new(spec, rows);
        self.sequences((sequences, steps), inputs, &mut work)?;
        self.heads(account.as_slice().expect(flat), 0..rows, &mut work, &mut outputs)?;

        let (horizons, members) = (spec.horizons, spec.members);
        let mut all = Forecasts {
            trunk: Array3::zeros((sequences, steps, spec.width)),
            logits: Array3::zeros((sequences, steps, ACTIONS)),
            value: Array2::zeros((sequences, steps)),
            volatility: Array3::zeros((sequences, steps, horizons)),
            scale: Array2::zeros((sequences, steps)),
            impact: Array2::zeros((sequences, steps)),
            mean: Array4::zeros((sequences, steps, horizons, QUANTILES)),
            disagreement: Array3::zeros((sequences, steps, horizons)),
            quantiles: Array5::zeros((sequences, steps, members, horizons, QUANTILES)),
        };
        self.trunk_output(rows, &work, all.trunk.as_slice_mut().expect(flat))?;
        for number in 0..rows {
            let (row, at) = (outputs.row(number), (number / steps, number % steps));
            let copy = |to: &mut [f32], values: &[f32]| {
                to[number * values.len()..][..values.len()].copy_from_slice(values);
            };
            copy(all.logits.as_slice_mut().expect(flat), &row.logits());
            copy(all.volatility.as_slice_mut().expect(flat), row.volatility());
            copy(all.mean.as_slice_mut().expect(flat), row.mean().as_flattened());
            copy(all.disagreement.as_slice_mut().expect(flat), row.disagreement());
            copy(all.quantiles.as_slice_mut().expect(flat), row.quantiles().as_flattened());
            (all.value[at], all.scale[at], all.impact[at]) = (row.value(), row.scale(), row.impact());
        }
        Ok(all)
    }
}
