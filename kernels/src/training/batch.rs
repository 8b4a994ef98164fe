//! What a step of training learns from.

use crate::losses::Targets;
use crate::model::{Inputs, Spec};

/// How large batches are. The memory of a [`Trainer`](super::Trainer) is made for it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BatchShape {
    /// Sequences, each of another stream or another time.
    pub sequences: usize,
    /// Steps of each that are learnt from.
    pub steps: usize,
    /// Steps before them, which only make the state that they begin with: no gradient flows there. From
    /// [`Spec::burn_in`] steps on, the state is that of the whole stream to the bit; with 0 the sequence is
    /// the beginning of its stream.
    pub burn_in: usize,
}

impl BatchShape {
    /// Steps that are learnt from, of all sequences.
    pub const fn rows(self) -> usize {
        self.sequences * self.steps
    }

    /// Steps of the inputs, those of the burn-in included.
    pub const fn input_rows(self) -> usize {
        self.sequences * (self.steps + self.burn_in)
    }
}

/// A batch. Inputs have a row for each step, those of the burn-in included: row b·(burn_in + steps) + t is
/// step t of sequence b. Accounts and targets have rows of learnt steps alone: row b·steps + t.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// `[input rows]`.
    pub inputs: Inputs<'a>,
    /// `[rows][account]`.
    pub account: &'a [f32],
    /// `[rows]`.
    pub targets: Targets<'a>,
}

/// Inputs and accounts are as many rows as the shape says.
pub(super) fn check(spec: &Spec, shape: BatchShape, inputs: &Inputs<'_>, account: &[f32]) {
    assert!(spec.fits(inputs, shape.input_rows()), "inputs of {} rows", shape.input_rows());
    assert_eq!(account.len(), shape.rows() * spec.account, "accounts of {} rows", shape.rows());
}
