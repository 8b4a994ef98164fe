//! The model: a causal network over steps of a market, with one state of rings for each stream.
//!
//! Its trunk sees the market alone: features, book, trades and times. It runs once a step. The heads see its
//! output and the account, and can be run again for another account. All of it is **Exact**: stepping, whole
//! sequences, batches of streams, threads, levels of the CPU and backends give the same bits.
//!
//! - [`Spec`] is its shape; [`Checkpoint`] its weights as a file.
//! - [`Model::step`] takes one step of all streams that are due, in one pass over the weights, without
//!   allocating.
//! - [`Model::forecast`] computes whole sequences of arrays.

mod arrays;
mod forward;
mod outputs;
mod spec;
mod weights;

pub use arrays::{Arrays, Forecasts};
pub use forward::{Inputs, Streams, Workspace};
pub use outputs::{Outputs, Row};
pub use spec::{LEVEL_INPUTS, LEVEL_WIDTH, Role, STAMPS, Spec, SpecError, TensorSpec};

use crate::backend::{Backend, BackendError, Cpu};
use crate::checkpoint::{Checkpoint, ModelId, Precision};
use weights::ModelWeights;

/// What can go wrong while a model computes.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum ModelError {
    /// The backend failed.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// An output is NaN or infinite.
    #[error("{output} of row {row} is {value}")]
    NotFinite {
        /// Which row of the batch.
        row: usize,
        /// Which output.
        output: &'static str,
        /// What it is.
        value: f32,
    },
    /// An array of another shape.
    #[error("{array} is {found:?}, but must be {expected:?}")]
    Shape {
        /// Which array.
        array: &'static str,
        /// Its shape.
        found: Vec<usize>,
        /// What the model needs.
        expected: Vec<usize>,
    },
}

/// A model ready to compute on a backend.
#[derive(Debug)]
pub struct Model<B: Backend = Cpu> {
    backend: B,
    spec: Spec,
    id: ModelId,
    precision: Precision,
    weights: ModelWeights<B>,
    /// Floats of a stream's rings in one layer.
    layer_state: usize,
}

impl<B: Backend> Model<B> {
    /// Packs a checkpoint for a backend.
    ///
    /// # Errors
    /// When the backend has no memory for it.
    pub fn new(backend: B, checkpoint: &Checkpoint) -> Result<Self, ModelError> {
        let weights = ModelWeights::pack(&backend, checkpoint)?;
        let (spec, id) = (checkpoint.spec().clone(), checkpoint.id());
        let (precision, layer_state) = (checkpoint.metadata().precision, spec.mixer().state_len());
        Ok(Self { backend, spec, id, precision, weights, layer_state })
    }

    /// The model's id.
    pub fn id(&self) -> ModelId {
        self.id
    }

    /// Its shape.
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// How its large matrices are stored.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// Where it computes.
    pub fn backend(&self) -> &B {
        &self.backend
    }
}
