//! What training needs of a backend besides the operations of inference.

use std::fmt;

use crate::attention::Sequences;
use crate::backend::{Backend, BackendError};
use crate::linear::Epilogue;
use crate::linear::products::Shape;
use crate::mixer::MixerShape;
use crate::optimiser::Step;
use crate::tensor::Rows;

/// A matrix and its bias among all weights, or their gradients among all gradients.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// Inputs and outputs.
    pub shape: Shape,
    /// Where the matrix begins, `[inputs][outputs]`.
    pub matrix: usize,
    /// Where the bias begins, `[outputs]`.
    pub bias: usize,
}

/// What a trainer will ask for, so that all memory is made once.
#[derive(Clone, PartialEq, Debug)]
pub struct Plan {
    /// Heads of attention and convolution.
    pub mixer: MixerShape,
    /// Sequences that are computed forward, and backward too: the first.
    pub sequences: Vec<Sequences>,
    /// Matrices with the rows of each.
    pub products: Vec<(Shape, usize)>,
    /// How many weights there are in all.
    pub weights: usize,
}

/// The operations of training: **Exact**, as those of [`Backend`], of which each module says the order of
/// sums. Weights, moments and gradients are one buffer each, within which a [`Place`] or an offset says where.
///
/// Shapes that do not fit are bugs of the caller and panic; what the machine refuses is an error. Work may be
/// queued: only what returns a number, and [`Backend::read`], waits for it.
pub trait TrainingBackend: Backend {
    /// Memory that operations need on their way.
    type Scratch: fmt::Debug + Send;

    /// Makes it.
    ///
    /// # Errors
    /// When the backend has no such memory.
    fn scratch(&self, plan: &Plan) -> Result<Self::Scratch, BackendError>;

    /// y = x·W + b, stored or added; see [`products`](crate::linear::products).
    ///
    /// # Errors
    /// When the backend fails.
    #[allow(clippy::too_many_arguments)] // what a product has
    fn product(
        &self,
        scratch: &mut Self::Scratch,
        weights: (&Self::Buffer, Place),
        x: (&Self::Buffer, Rows),
        y: (&mut Self::Buffer, Rows),
        rows: usize,
        epilogue: Epilogue,
    ) -> Result<(), BackendError>;

    /// dx = G·Wᵀ, stored or added.
    ///
    /// # Errors
    /// When the backend fails.
    #[allow(clippy::too_many_arguments)] // as above
    fn input_gradient(
        &self,
        scratch: &mut Self::Scratch,
        weights: (&Self::Buffer, Place),
        gradient: (&Self::Buffer, Rows),
        dx: (&mut Self::Buffer, Rows),
        rows: usize,
        epilogue: Epilogue,
    ) -> Result<(), BackendError>;

    /// dW and db, where the place says.
    ///
    /// # Errors
    /// When the backend fails.
    fn weight_gradient(
        &self,
        scratch: &mut Self::Scratch,
        x: (&Self::Buffer, Rows),
        gradient: (&Self::Buffer, Rows),
        to: (&mut Self::Buffer, Place),
        rows: usize,
    ) -> Result<(), BackendError>;

    /// The norm of all gradients as one vector; see [`optimiser`](crate::optimiser).
    ///
    /// # Errors
    /// When the backend fails.
    fn gradient_norm(
        &self,
        scratch: &mut Self::Scratch,
        gradients: &Self::Buffer,
    ) -> Result<f64, BackendError>;

    /// One step of AdamW for `len` weights from `at` on; `decays`: they are a matrix.
    ///
    /// # Errors
    /// When the backend fails.
    fn adam(
        &self,
        step: &Step,
        place: (usize, usize),
        decays: bool,
        gradients: &Self::Buffer,
        to: [&mut Self::Buffer; 3],
    ) -> Result<(), BackendError>;
}
