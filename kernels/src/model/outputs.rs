//! What a model says about each row.

use super::{ModelError, Spec};
use crate::heads::{ACTIONS, HeadShape, QUANTILES};

/// The outputs of a batch. Reused from step to step.
#[derive(Clone, PartialEq, Debug)]
pub struct Outputs {
    shape: HeadShape,
    values: Vec<f32>,
    rows: usize,
}

impl Outputs {
    /// Room for `rows` rows.
    pub fn new(spec: &Spec, rows: usize) -> Self {
        let shape = spec.head_shape();
        Self { shape, values: vec![0.0; rows * shape.width()], rows: 0 }
    }

    /// Rows of outputs, as [`heads`](crate::heads) orders them.
    pub(crate) fn of(spec: &Spec, values: &[f32]) -> Self {
        let shape = spec.head_shape();
        Self { shape, values: values.to_vec(), rows: values.len() / shape.width() }
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// A row.
    ///
    /// # Panics
    /// When there is no such row.
    pub fn row(&self, row: usize) -> Row<'_> {
        assert!(row < self.rows, "row {row} of {}", self.rows);
        Row { shape: self.shape, values: &self.values[row * self.shape.width()..][..self.shape.width()] }
    }

    /// Room for these rows.
    pub(super) fn resize(&mut self, rows: usize) -> &mut [f32] {
        let len = rows * self.shape.width();
        if self.values.len() < len {
            self.values.resize(len, 0.0);
        }
        self.rows = rows;
        &mut self.values[..len]
    }

    /// Whether every output is a number.
    pub(super) fn check(&self) -> Result<(), ModelError> {
        let len = self.rows * self.shape.width();
        match self.values[..len].iter().position(|value| !value.is_finite()) {
            None => Ok(()),
            Some(at) => {
                let (row, column) = (at / self.shape.width(), at % self.shape.width());
                Err(ModelError::NotFinite { row, output: output(self.shape, column), value: self.values[at] })
            }
        }
    }
}

/// The name of the output in a column.
fn output(shape: HeadShape, column: usize) -> &'static str {
    let ends = [
        (ACTIONS, "a logit"),
        (shape.volatility(), "the value"),
        (shape.scale(), "a volatility"),
        (shape.scale() + 1, "the position scale"),
        (shape.mean(), "the impact"),
        (shape.disagreement(), "a mean quantile"),
        (shape.quantiles(), "a disagreement"),
    ];
    ends.into_iter().find(|(end, _)| column < *end).map_or("a member's quantile", |(_, name)| name)
}

/// The outputs of one row.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Row<'a> {
    shape: HeadShape,
    values: &'a [f32],
}

impl<'a> Row<'a> {
    /// All of them, as [`heads`](crate::heads) orders them.
    pub fn all(self) -> &'a [f32] {
        self.values
    }

    /// Hold, buy, sell, before the mask.
    pub fn logits(self) -> [f32; ACTIONS] {
        [self.values[0], self.values[1], self.values[2]]
    }

    /// The value of the state to the policy.
    pub fn value(self) -> f32 {
        self.values[ACTIONS]
    }

    /// Volatility of each horizon's return; above zero.
    pub fn volatility(self) -> &'a [f32] {
        &self.values[self.shape.volatility()..self.shape.scale()]
    }

    /// The share of the largest position that it dares, 0 to 1.
    pub fn scale(self) -> f32 {
        self.values[self.shape.scale()]
    }

    /// Expected adverse slippage of the next fill, in ticks.
    pub fn impact(self) -> f32 {
        self.values[self.shape.scale() + 1]
    }

    /// `[horizons]`: quantiles 5, 25, 50, 75, 95 % of the return, the mean of the ensemble.
    pub fn mean(self) -> &'a [[f32; QUANTILES]] {
        self.values[self.shape.mean()..self.shape.disagreement()].as_chunks().0
    }

    /// Of each horizon how far the members' medians lie apart.
    pub fn disagreement(self) -> &'a [f32] {
        &self.values[self.shape.disagreement()..self.shape.quantiles()]
    }

    /// `[members][horizons]`: every member's quantiles.
    pub fn quantiles(self) -> &'a [[f32; QUANTILES]] {
        self.values[self.shape.quantiles()..].as_chunks().0
    }
}
