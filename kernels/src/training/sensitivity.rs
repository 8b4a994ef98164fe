//! How an output of one step would move with every input that it depends on.
//!
//! The last step of one sequence is asked about. Gradients flow back over the steps before it, as far as the shape
//! says; those before them are a burn-in. A gradient at a step is whole all the same: no way from a step's inputs to
//! the last step leads through an earlier one. No weight has a gradient, so that of `full` no more than the weights
//! and some hundred steps of activations are in memory.

use super::{BatchShape, InputGradients, Trainer};
use crate::backend::{BackendError, Cpu};
use crate::checkpoint::Checkpoint;
use crate::model::{Inputs, Outputs};

/// A model, and memory for the gradients of its inputs: **Exact**, as all of training is.
///
/// Of a model that was reduced, they are those of its expanded weights. In bfloat16 these compute what the model
/// computes; in 8 bits its outputs are rounded otherwise in their last bits.
#[derive(Debug)]
pub struct Sensitivity {
    trainer: Trainer,
    /// `[steps][account]`: of the last step alone; no other step's heads matter.
    account: Vec<f32>,
    /// `[steps]` of outputs.
    outputs: Vec<f32>,
}

impl Sensitivity {
    /// For sequences of `burn_in` steps and `steps` behind them, which have gradients.
    ///
    /// # Panics
    /// When there is no step.
    pub fn new(cpu: Cpu, checkpoint: &Checkpoint, burn_in: usize, steps: usize) -> Self {
        let trainer =
            computed(Trainer::made(cpu, checkpoint, BatchShape { sequences: 1, steps, burn_in }, false));
        let spec = trainer.spec();
        let (account, outputs) = (steps * spec.account, steps * spec.head_shape().width());
        Self { account: vec![0.0; account], outputs: vec![0.0; outputs], trainer }
    }

    /// The forward pass, with the account of the last step. Returns what is said of it.
    ///
    /// # Panics
    /// When the inputs or the account are not of the model's shape.
    pub fn run(&mut self, inputs: &Inputs<'_>, account: &[f32]) -> Outputs {
        let last = self.account.len() - self.trainer.spec().account;
        self.account[last..].copy_from_slice(account);
        computed(self.trainer.run(inputs, &self.account));
        let (spec, width) = (self.trainer.spec(), self.width());
        let rows = self.trainer.shape().rows();
        Outputs::of(spec, &self.trainer.memory.heads.outputs[(rows - 1) * width..][..width])
    }

    /// The gradients of all inputs from that of the last step's outputs, a row in the order of
    /// [`heads`](crate::heads). The rows are those of the steps behind the burn-in.
    ///
    /// # Panics
    /// When it is no such row.
    pub fn gradients(&mut self, outputs: &[f32]) -> InputGradients<'_> {
        let last = self.outputs.len() - self.width();
        self.outputs[last..].copy_from_slice(outputs);
        computed(self.trainer.gradients_of(&self.outputs));
        self.trainer.input_gradients()
    }

    fn width(&self) -> usize {
        self.trainer.spec().head_shape().width()
    }
}

/// What a CPU computed, which has no way to fail.
fn computed<T>(done: Result<T, BackendError>) -> T {
    done.unwrap_or_else(|error| unreachable!("{error}"))
}
