//! Training: a batch in, losses and gradients out, one step of the optimiser: **Exact**.
//!
//! A [`Trainer`] has a model's weights, the optimiser's moments, and all memory for batches of one shape, so
//! that a step allocates nothing. The same checkpoint and batches give the same weights to the bit, at every
//! level of the CPU, with any number of threads, and in CUDA: one program, over the operations of a
//! [`TrainingBackend`]. The forward pass has the bits of
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
use crate::losses::{Coefficients, Losses, TargetError};
use crate::model::{Inputs, Outputs, Spec};
use crate::optimiser::{AdamW, Powers};
use crate::tensor::{Buffer, Rows};
use memory::Memory;
use parameters::Places;

/// Why a step could not be made. Unless the backend failed, the weights are as they were.
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
    /// A backend that failed. What lies in its memory may be lost: begin again from the last checkpoint.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// Weights that make no model.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// There is no gradient to step along.
    #[error("an update needs gradients first: there are none since the last one")]
    NoGradient,
}

/// A model being trained, on a CPU or on another backend: weights, moments and activations stay in its memory, only
/// inputs and targets go in and losses come out.
#[derive(Debug)]
pub struct Trainer<B: TrainingBackend = Cpu> {
    backend: B,
    spec: Spec,
    shape: BatchShape,
    places: Places,
    values: B::Buffer,
    /// Of the weights; without room where only those of the inputs are asked for.
    gradients: B::Buffer,
    /// Means of gradients and of their squares; likewise.
    moments: [B::Buffer; 2],
    learns: bool,
    powers: Powers,
    memory: Memory<B::Buffer, B::Scratch>,
    /// Whether the gradients are those of the weights.
    fresh: bool,
}

impl<B: TrainingBackend> Trainer<B> {
    /// Begins with a checkpoint's weights, and moments of zero.
    ///
    /// # Errors
    /// When the model is reduced, or the backend has no memory for it.
    ///
    /// # Panics
    /// When the batch has no sequence or no step.
    pub fn new(backend: B, start: &Checkpoint, shape: BatchShape) -> Result<Self, TrainingError> {
        let precision = start.metadata().precision;
        if precision != Precision::F32 {
            return Err(TrainingError::Reduced(precision.name()));
        }
        Ok(Self::made(backend, start, shape, true)?)
    }

    /// The weights of a checkpoint, of one that was reduced expanded; `learns`: with room for their gradients and
    /// moments.
    fn made(backend: B, start: &Checkpoint, shape: BatchShape, learns: bool) -> Result<Self, BackendError> {
        assert!(shape.sequences > 0 && shape.steps > 0, "a batch without steps: {shape:?}");
        let spec = start.spec().clone();
        let places = Places::new(&spec);
        let mut values = backend.zeros(places.len)?;
        for (tensor, at) in &places.tensors {
            let (place, given) = (Rows::columns(*at, tensor.len()), start.expanded(&tensor.name));
            backend.write((&mut values, place), 1, tensor.len(), &given)?;
        }
        let zeros = || backend.zeros(if learns { places.len } else { 0 });
        let (gradients, moments) = (zeros()?, [zeros()?, zeros()?]);
        let memory = Memory::new(&backend, &spec, &places, shape)?;
        let (powers, fresh) = (Powers::new(), false);
        Ok(Self { backend, spec, shape, places, values, gradients, moments, learns, powers, memory, fresh })
    }

    /// Where it computes.
    pub fn backend(&self) -> &B {
        &self.backend
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
    /// Targets that cannot be, or a loss that is no number; a backend that fails.
    ///
    /// # Panics
    /// When the batch is not of the trainer's shape.
    pub fn gradients(
        &mut self,
        batch: &Batch<'_>,
        coefficients: &Coefficients,
    ) -> Result<Losses, TrainingError> {
        let losses = self.losses(batch, coefficients)?;
        self.backward()?;
        self.fresh = true;
        Ok(losses)
    }

    /// Forward and losses alone: what a batch that is not learnt from says. The gradients are lost.
    ///
    /// # Errors
    /// As [`Trainer::gradients`].
    ///
    /// # Panics
    /// When the batch is not of the trainer's shape.
    pub fn losses(
        &mut self,
        batch: &Batch<'_>,
        coefficients: &Coefficients,
    ) -> Result<Losses, TrainingError> {
        batch.targets.check(self.head_shape(), self.shape.rows())?;
        self.run(&batch.inputs, batch.account)?;
        let (rows, shape) = (self.shape.rows(), self.head_shape());
        let Memory { scratch, heads, gradients, .. } = &mut self.memory;
        let (outputs, gradient) = (&heads.outputs, &mut gradients.outputs);
        let found =
            self.backend.losses(scratch, shape, coefficients, &batch.targets, outputs, gradient, rows)?;
        if found.total.is_finite() { Ok(found) } else { Err(TrainingError::Loss(found.total)) }
    }

    /// The forward pass alone. Its outputs can be read by [`Trainer::outputs`].
    ///
    /// # Errors
    /// When the backend fails.
    ///
    /// # Panics
    /// When the inputs are not of the trainer's shape.
    pub fn run(&mut self, inputs: &Inputs<'_>, account: &[f32]) -> Result<(), BackendError> {
        batch::check(&self.spec, self.shape, inputs, account);
        self.fresh = false;
        self.forward(inputs, account)
    }

    /// The outputs of the last forward pass, rows of learnt steps.
    ///
    /// # Errors
    /// When the backend fails.
    pub fn outputs(&self) -> Result<Outputs, BackendError> {
        let len = self.shape.rows() * self.head_shape().width();
        Ok(Outputs::of(&self.spec, &self.read((&self.memory.heads.outputs, 0), len)?))
    }

    /// Gradients of weights and inputs from a gradient of the outputs of the last forward pass: rows of
    /// `HeadShape::width`, in the order of [`heads`](crate::heads). What has no gradient of its own, mean
    /// and disagreement, counts for nothing.
    ///
    /// # Errors
    /// When the backend fails.
    ///
    /// # Panics
    /// When it is not as many rows.
    pub fn gradients_of(&mut self, outputs: &[f32]) -> Result<(), BackendError> {
        let len = self.shape.rows() * self.head_shape().width();
        assert_eq!(outputs.len(), len, "gradients of outputs");
        let to = (&mut self.memory.gradients.outputs, Rows::dense(len));
        self.backend.write(to, 1, len, outputs)?;
        self.backward()?;
        self.fresh = true;
        Ok(())
    }

    /// Clips the gradients and makes one step at this learning rate. Returns their norm before the clip.
    ///
    /// # Errors
    /// When there are no gradients, or one is no number; then nothing is changed. When the backend fails.
    pub fn update(&mut self, adam: &AdamW, learning_rate: f64) -> Result<f64, TrainingError> {
        if !self.fresh {
            return Err(TrainingError::NoGradient);
        }
        let norm = self.backend.gradient_norm(&mut self.memory.scratch, &self.gradients)?;
        if !norm.is_finite() {
            return Err(TrainingError::Gradient(norm));
        }
        let step = self.powers.next(adam, learning_rate, norm);
        let [means, squares] = &mut self.moments;
        for (tensor, at) in &self.places.tensors {
            let to = [&mut self.values, &mut *means, &mut *squares];
            let (place, decays) = ((*at, tensor.len()), tensor.name.ends_with(".w"));
            self.backend.adam(&step, place, decays, &self.gradients, to)?;
        }
        self.fresh = false;
        Ok(norm)
    }

    /// The gradient of a tensor, by its name in a checkpoint, out of the backend's memory.
    ///
    /// # Errors
    /// When the backend fails.
    ///
    /// # Panics
    /// When there is no such tensor.
    pub fn read_gradient(&self, name: &str) -> Result<Vec<f32>, BackendError> {
        let (at, len) = self.place(name);
        self.read((&self.gradients, at), len)
    }

    /// Replaces the gradient of a tensor: of a batch that was computed elsewhere, say.
    ///
    /// # Errors
    /// When the backend fails.
    ///
    /// # Panics
    /// When there is no such tensor, or it has another length.
    pub fn set_gradient(&mut self, name: &str, values: &[f32]) -> Result<(), BackendError> {
        let (at, len) = self.place(name);
        self.backend.write((&mut self.gradients, Rows::columns(at, len)), 1, len, values)?;
        self.fresh = true;
        Ok(())
    }

    /// The weights of a tensor, by its name in a checkpoint, out of the backend's memory.
    ///
    /// # Errors
    /// When the backend fails.
    ///
    /// # Panics
    /// When there is no such tensor.
    pub fn read_values(&self, name: &str) -> Result<Vec<f32>, BackendError> {
        let (at, len) = self.place(name);
        self.read((&self.values, at), len)
    }

    /// The weights as a model.
    ///
    /// # Errors
    /// When a weight is no number, or the backend fails.
    pub fn checkpoint(&self, lineage: Lineage) -> Result<Checkpoint, TrainingError> {
        let values = self.read((&self.values, 0), self.places.len)?;
        let of = |name: &str| {
            let (at, len) = self.place(name);
            values[at..][..len].to_vec()
        };
        Ok(Checkpoint::build(&self.spec, lineage, |tensor| Ok(of(&tensor.name)))?)
    }

    fn read(&self, (from, at): (&B::Buffer, usize), len: usize) -> Result<Vec<f32>, BackendError> {
        let mut values = vec![0.0; len];
        self.backend.read((from, Rows::columns(at, len)), 1, len, &mut values)?;
        Ok(values)
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

/// What lies in the memory of a CPU can be looked at there.
impl Trainer {
    /// The gradient of a tensor, by its name in a checkpoint.
    ///
    /// # Panics
    /// When there is no such tensor.
    pub fn gradient(&self, name: &str) -> &[f32] {
        let (at, len) = self.place(name);
        &self.gradients[at..][..len]
    }

    /// The weights of a tensor, by its name in a checkpoint.
    ///
    /// # Panics
    /// When there is no such tensor.
    pub fn values(&self, name: &str) -> &[f32] {
        let (at, len) = self.place(name);
        &self.values[at..][..len]
    }

    /// The gradients of the inputs of learnt steps, after a backward pass.
    pub fn input_gradients(&self) -> InputGradients<'_> {
        InputGradients { spec: &self.spec, rows: self.shape.rows(), gradients: &self.memory.gradients }
    }
}

/// Gradients of inputs: how an output would move with them.
#[derive(Clone, Copy, Debug)]
pub struct InputGradients<'a> {
    spec: &'a Spec,
    rows: usize,
    gradients: &'a memory::Gradients<Buffer>,
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
