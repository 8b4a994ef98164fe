//! Training: a batch in, losses and gradients out, one step of the optimiser: **Exact**.
//!
//! A [`Trainer`] has a model's weights, the optimiser's moments, and all memory for batches of one shape, so
//! that a step allocates nothing. The same checkpoint and batches give the same weights to the bit, at every
//! level of the CPU and with any number of threads. The forward pass has the bits of
//! [`Model::sequences`](crate::model::Model::sequences).
//!
//! ```
//! use genovo_kernels::backend::Cpu;
//! use genovo_kernels::checkpoint::Checkpoint;
//! use genovo_kernels::cpu::CpuLevel;
//! use genovo_kernels::losses::{Coefficients, Targets};
//! use genovo_kernels::model::{Inputs, Spec};
//! use genovo_kernels::optimiser::AdamW;
//! use genovo_kernels::training::{Batch, BatchShape, Trainer};
//!
//! let spec = Spec { features: 4, width: 16, hidden: 64, layers: 1, ..Spec::tiny() };
//! let start = Checkpoint::init(&spec, 1).unwrap();
//! let shape = BatchShape { sequences: 1, steps: 3, burn_in: 0 };
//! let cpu = Cpu::new(CpuLevel::detect(), 1).unwrap();
//! let mut trainer = Trainer::new(cpu, &start, shape).unwrap();
//! let batch = Batch {
//!     inputs: Inputs { features: &[0.5; 12], book: &[0.1; 90], trades: &[0.2; 24], stamps: &[0.3; 9] },
//!     account: &[0.0; 24],
//!     targets: Targets {
//!         weight: &[1.0; 3],
//!         bootstrap: &[2.0; 12],
//!         returns: &[0.7; 9],
//!         edge: &[0.1; 3],
//!         slippage: &[0.2; 3],
//!         policy: None,
//!     },
//! };
//! let first = trainer.gradients(&batch, &Coefficients::default()).unwrap();
//! for _ in 0..5 {
//!     trainer.gradients(&batch, &Coefficients::default()).unwrap();
//!     trainer.update(&AdamW::default(), 1e-2).unwrap();
//! }
//! let last = trainer.gradients(&batch, &Coefficients::default()).unwrap();
//! assert!(last.total < first.total);
//! ```

mod backend;
mod backward;
mod batch;
mod cpu;
mod forward;
mod memory;
mod parameters;
mod sensitivity;

pub use backend::{NormGiven, Place, Plan, RowOperations, TrainingBackend};
pub use batch::{Batch, BatchShape};
pub use cpu::CpuScratch;
pub use sensitivity::Sensitivity;

use crate::backend::{BackendError, Cpu};
use crate::checkpoint::{Checkpoint, CheckpointError, Lineage, Precision};
use crate::heads::HeadShape;
use crate::losses::{Coefficients, Losses, TargetError, losses};
use crate::mixer::MixerShape;
use crate::model::{Inputs, Outputs, Spec};
use crate::optimiser::{self, AdamW, Powers};
use crate::tensor::Buffer;
use memory::Memory;
use parameters::Places;

/// Why a step could not be made. The weights are as they were.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum TrainingError {
    /// Only models in f32 can be trained.
    #[error("a model in {0} cannot be trained; only one in f32 can")]
    Reduced(&'static str),
    /// Targets that cannot be.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// A loss that is NaN or infinite.
    #[error("the loss is {0}: an input or a weight is too large, or no number")]
    Loss(f64),
    /// A gradient that is NaN or infinite.
    #[error("the gradient's norm is {0}: nothing was changed")]
    Gradient(f64),
    /// A backend that failed.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// There is no gradient to step along.
    #[error("an update needs gradients first: there are none since the last one")]
    NoGradient,
}

/// A model being trained.
#[derive(Debug)]
pub struct Trainer {
    cpu: Cpu,
    spec: Spec,
    mixer: MixerShape,
    shape: BatchShape,
    places: Places,
    values: Buffer,
    /// Of the weights; without room where only those of the inputs are asked for.
    gradients: Buffer,
    /// Means of gradients and of their squares; likewise.
    moments: [Buffer; 2],
    powers: Powers,
    memory: Memory,
    /// Whether the gradients are those of the weights.
    fresh: bool,
}

impl Trainer {
    /// Begins with a checkpoint's weights, and moments of zero.
    ///
    /// # Errors
    /// When the model is reduced.
    ///
    /// # Panics
    /// When the batch has no sequence or no step.
    pub fn new(cpu: Cpu, start: &Checkpoint, shape: BatchShape) -> Result<Self, TrainingError> {
        let precision = start.metadata().precision;
        if precision != Precision::F32 {
            return Err(TrainingError::Reduced(precision.name()));
        }
        Ok(Self::made(cpu, start, shape, true))
    }

    /// The weights of a checkpoint, of one that was reduced expanded; `learns`: with room for their gradients and
    /// moments.
    fn made(cpu: Cpu, start: &Checkpoint, shape: BatchShape, learns: bool) -> Self {
        assert!(shape.sequences > 0 && shape.steps > 0, "a batch without steps: {shape:?}");
        let spec = start.spec().clone();
        let (mixer, places) = (spec.mixer(), Places::new(&spec));
        let mut values = Buffer::zeros(places.len);
        for (tensor, at) in &places.tensors {
            values[*at..][..tensor.len()].copy_from_slice(&start.expanded(&tensor.name));
        }
        let zeros = || Buffer::zeros(if learns { places.len } else { 0 });
        let (gradients, moments) = (zeros(), [zeros(), zeros()]);
        let memory = Memory::new(&cpu, &spec, &places, shape);
        let powers = Powers::new();
        Self { cpu, spec, mixer, shape, places, values, gradients, moments, powers, memory, fresh: false }
    }

    /// The model's shape.
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// The shape of its batches.
    pub fn shape(&self) -> BatchShape {
        self.shape
    }

    /// How many steps the optimiser has made.
    pub fn steps(&self) -> u64 {
        self.powers.steps
    }

    /// Forward, losses, backward: the gradients are then those of this batch alone.
    ///
    /// # Errors
    /// Targets that cannot be, or a loss that is no number.
    ///
    /// # Panics
    /// When the batch is not of the trainer's shape.
    pub fn gradients(
        &mut self,
        batch: &Batch<'_>,
        coefficients: &Coefficients,
    ) -> Result<Losses, TrainingError> {
        let losses = self.losses(batch, coefficients)?;
        self.backward();
        self.fresh = true;
        Ok(losses)
    }

    /// Forward and losses alone: what a batch that is not learnt from says. The gradients are lost.
    ///
    /// # Errors
    /// Targets that cannot be, or a loss that is no number.
    ///
    /// # Panics
    /// When the batch is not of the trainer's shape.
    pub fn losses(
        &mut self,
        batch: &Batch<'_>,
        coefficients: &Coefficients,
    ) -> Result<Losses, TrainingError> {
        batch.targets.check(self.head_shape(), self.shape.rows())?;
        self.run(&batch.inputs, batch.account);
        let (rows, shape) = (self.shape.rows(), self.head_shape());
        let (outputs, gradient) = (&self.memory.heads.outputs, &mut self.memory.gradients.outputs);
        let found = losses(&self.cpu, shape, coefficients, &batch.targets, outputs, gradient, rows)?;
        if found.total.is_finite() { Ok(found) } else { Err(TrainingError::Loss(found.total)) }
    }

    /// The forward pass alone. Its outputs can be read by [`Trainer::outputs`].
    ///
    /// # Panics
    /// When the inputs are not of the trainer's shape.
    pub fn run(&mut self, inputs: &Inputs<'_>, account: &[f32]) {
        batch::check(&self.spec, self.shape, inputs, account);
        self.fresh = false;
        self.forward(inputs, account);
    }

    /// The outputs of the last forward pass, rows of learnt steps.
    pub fn outputs(&self) -> Outputs {
        let rows = self.shape.rows();
        Outputs::of(&self.spec, &self.memory.heads.outputs[..rows * self.head_shape().width()])
    }

    /// Gradients of weights and inputs from a gradient of the outputs of the last forward pass: rows of
    /// `HeadShape::width`, in the order of [`heads`](crate::heads). What has no gradient of its own, mean
    /// and disagreement, counts for nothing.
    ///
    /// # Panics
    /// When it is not as many rows.
    pub fn gradients_of(&mut self, outputs: &[f32]) {
        let len = self.shape.rows() * self.head_shape().width();
        assert_eq!(outputs.len(), len, "gradients of outputs");
        self.memory.gradients.outputs[..len].copy_from_slice(outputs);
        self.backward();
        self.fresh = true;
    }

    /// Clips the gradients and makes one step at this learning rate. Returns their norm before the clip.
    ///
    /// # Errors
    /// When there are no gradients, or one is no number; then nothing is changed.
    pub fn update(&mut self, adam: &AdamW, learning_rate: f64) -> Result<f64, TrainingError> {
        if !self.fresh {
            return Err(TrainingError::NoGradient);
        }
        let norm = optimiser::norm(&self.cpu, &self.gradients);
        if !norm.is_finite() {
            return Err(TrainingError::Gradient(norm));
        }
        let step = self.powers.next(adam, learning_rate, norm);
        let [means, squares] = &mut self.moments;
        for (tensor, at) in &self.places.tensors {
            let to = [&mut self.values, &mut *means, &mut *squares];
            let (place, decays) = ((*at, tensor.len()), tensor.name.ends_with(".w"));
            optimiser::update(&self.cpu, &step, place, decays, &self.gradients, to);
        }
        self.fresh = false;
        Ok(norm)
    }

    /// The gradient of a tensor, by its name in a checkpoint.
    ///
    /// # Panics
    /// When there is no such tensor.
    pub fn gradient(&self, name: &str) -> &[f32] {
        let (at, len) = self.place(name);
        &self.gradients[at..][..len]
    }

    /// Replaces the gradient of a tensor: of a batch that was computed elsewhere, say.
    ///
    /// # Panics
    /// When there is no such tensor, or it has another length.
    pub fn set_gradient(&mut self, name: &str, values: &[f32]) {
        let (at, len) = self.place(name);
        self.gradients[at..][..len].copy_from_slice(values);
        self.fresh = true;
    }

    /// The gradients of the inputs of learnt steps, after a backward pass.
    pub fn input_gradients(&self) -> InputGradients<'_> {
        InputGradients { spec: &self.spec, rows: self.shape.rows(), gradients: &self.memory.gradients }
    }

    /// The weights of a tensor, by its name in a checkpoint.
    ///
    /// # Panics
    /// When there is no such tensor.
    pub fn values(&self, name: &str) -> &[f32] {
        let (at, len) = self.place(name);
        &self.values[at..][..len]
    }

    /// The weights as a model.
    ///
    /// # Errors
    /// When a weight is no number.
    pub fn checkpoint(&self, lineage: Lineage) -> Result<Checkpoint, CheckpointError> {
        Checkpoint::build(&self.spec, lineage, |tensor| Ok(self.values(&tensor.name).to_vec()))
    }

    fn place(&self, name: &str) -> (usize, usize) {
        let found = self.places.tensors.iter().find(|(tensor, _)| tensor.name == name);
        let (tensor, at) = found.unwrap_or_else(|| panic!("no tensor `{name}`"));
        (*at, tensor.len())
    }

    fn head_shape(&self) -> HeadShape {
        self.spec.head_shape()
    }
}

/// Gradients of inputs: how an output would move with them.
#[derive(Clone, Copy, Debug)]
pub struct InputGradients<'a> {
    spec: &'a Spec,
    rows: usize,
    gradients: &'a memory::Gradients,
}

impl<'a> InputGradients<'a> {
    fn check(self, row: usize) {
        assert!(row < self.rows, "row {row} of {}", self.rows);
    }

    /// `[features]` of a row.
    pub fn features(self, row: usize) -> &'a [f32] {
        self.check(row);
        &self.gradients.embed[row * self.spec.embed_inputs()..][..self.spec.features]
    }

    /// `[levels][6]` of a row.
    pub fn book(self, row: usize) -> &'a [f32] {
        self.check(row);
        let width = self.spec.levels * crate::model::LEVEL_INPUTS;
        &self.gradients.book[row * width..][..width]
    }

    /// `[trades]` of a row.
    pub fn trades(self, row: usize) -> &'a [f32] {
        self.check(row);
        let (width, trades) = (self.spec.micro_inputs(), self.spec.trades);
        &self.gradients.micro_in[(row + 1) * width - trades..][..trades]
    }

    /// `[3]` of a row: time of day, time of week, time since the last step.
    pub fn stamps(self, row: usize) -> &'a [f32] {
        self.check(row);
        &self.gradients.stamps[row * crate::model::STAMPS..][..crate::model::STAMPS]
    }

    /// `[account]` of a row.
    pub fn account(self, row: usize) -> &'a [f32] {
        self.check(row);
        let (width, account) = (self.spec.width + self.spec.account, self.spec.account);
        &self.gradients.head_inputs[(row + 1) * width - account..][..account]
    }
}
