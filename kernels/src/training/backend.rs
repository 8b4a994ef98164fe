//! What training needs of a backend besides the operations of inference.

use std::fmt;

use super::TrainingError;
use crate::attention::Sequences;
use crate::backend::{Backend, BackendError};
use crate::heads::HeadShape;
use crate::linear::Epilogue;
use crate::linear::products::Shape;
use crate::losses::{Coefficients, Losses, Targets};
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

/// What the gradients of a norm depend on.
#[derive(Debug)]
pub struct NormGiven<'a, T> {
    /// Weights, and where the gains begin among them.
    pub gain: (&'a T, usize),
    /// `[rows][width]`
    pub x: (&'a T, Rows),
    /// `[rows]`, of [`RowOperations::norm_factors`].
    pub factors: &'a T,
    /// dL/dy, `[rows][width]`.
    pub gradient: (&'a T, Rows),
}

/// What a trainer will ask for, so that all memory is made once.
#[derive(Clone, PartialEq, Debug)]
pub struct Plan {
    /// Heads of attention and convolution.
    pub mixer: MixerShape,
    /// Members and horizons of the forecast.
    pub heads: HeadShape,
    /// Sequences that are computed forward, and backward too: the first.
    pub sequences: Vec<Sequences>,
    /// Matrices with the rows of each.
    pub products: Vec<(Shape, usize)>,
    /// How many weights there are in all.
    pub weights: usize,
}

/// Operations of training that are made row by row: **Exact**, as those of [`Backend`], of which each module says
/// the order of sums.
///
/// Shapes that do not fit are bugs of the caller and panic; what the machine refuses is an error. Work may be
/// queued: only what returns a number, and [`Backend::read`], waits for it.
pub trait RowOperations: Backend {
    /// Copies rows of `width` values.
    ///
    /// # Errors
    /// When the backend fails.
    fn copy(
        &self,
        from: (&Self::Buffer, Rows),
        to: (&mut Self::Buffer, Rows),
        rows: usize,
        width: usize,
    ) -> Result<(), BackendError>;

    /// r of a norm; see [`norm::training`](crate::norm::training).
    ///
    /// # Errors
    /// When the backend fails.
    fn norm_factors(
        &self,
        x: (&Self::Buffer, Rows),
        factors: &mut Self::Buffer,
        rows: usize,
        width: usize,
    ) -> Result<(), BackendError>;

    /// y = (x·r)·g, with `width` gains from `gain.1` on.
    ///
    /// # Errors
    /// When the backend fails.
    fn norm_scale(
        &self,
        gain: (&Self::Buffer, usize),
        given: ((&Self::Buffer, Rows), &Self::Buffer),
        y: (&mut Self::Buffer, Rows),
        rows: usize,
        width: usize,
    ) -> Result<(), BackendError>;

    /// y = x·σ(x); see [`activation`](crate::activation).
    ///
    /// # Errors
    /// When the backend fails.
    fn silu(
        &self,
        x: (&Self::Buffer, Rows),
        y: (&mut Self::Buffer, Rows),
        rows: usize,
        width: usize,
    ) -> Result<(), BackendError>;

    /// dx of y = x·σ(x).
    ///
    /// # Errors
    /// When the backend fails.
    fn silu_gradient(
        &self,
        x: (&Self::Buffer, Rows),
        gradient: (&Self::Buffer, Rows),
        dx: (&mut Self::Buffer, Rows),
        rows: usize,
        width: usize,
    ) -> Result<(), BackendError>;

    /// y = silu(α)·β of rows \[α, β\], each half `width` wide; all dense.
    ///
    /// # Errors
    /// When the backend fails.
    fn swiglu(
        &self,
        x: &Self::Buffer,
        y: &mut Self::Buffer,
        rows: usize,
        width: usize,
    ) -> Result<(), BackendError>;

    /// \[dα, dβ\] of y = silu(α)·β.
    ///
    /// # Errors
    /// When the backend fails.
    fn swiglu_gradient(
        &self,
        x: &Self::Buffer,
        gradient: &Self::Buffer,
        dx: &mut Self::Buffer,
        rows: usize,
        width: usize,
    ) -> Result<(), BackendError>;

    /// The fusion of \[projected, attention, the convolution's sums\]; see [`gate`](crate::gate).
    ///
    /// # Errors
    /// When the backend fails.
    fn gate(
        &self,
        given: [&Self::Buffer; 3],
        y: &mut Self::Buffer,
        rows: usize,
        width: usize,
    ) -> Result<(), BackendError>;

    /// Gradients of attention, of the sums, and dγ in the last quarter of \[q, k, v, γ\].
    ///
    /// # Errors
    /// When the backend fails.
    fn gate_gradient(
        &self,
        given: [&Self::Buffer; 3],
        gradient: &Self::Buffer,
        to: [&mut Self::Buffer; 3],
        rows: usize,
        width: usize,
    ) -> Result<(), BackendError>;

    /// Features of times, of the frequencies and phases at a place; see [`fourier`](crate::fourier).
    ///
    /// # Errors
    /// When the backend fails.
    fn time_features(
        &self,
        weights: (&Self::Buffer, Place),
        stamps: (&Self::Buffer, Rows),
        y: (&mut Self::Buffer, Rows),
        rows: usize,
    ) -> Result<(), BackendError>;

    /// The gradient of the phases, `[rows][count]`, of rows \[sines, cosines\] and their gradient.
    ///
    /// # Errors
    /// When the backend fails.
    fn phase_gradient(
        &self,
        features: (&Self::Buffer, Rows),
        gradient: (&Self::Buffer, Rows),
        dphases: &mut Self::Buffer,
        rows: usize,
        count: usize,
    ) -> Result<(), BackendError>;

    /// The gradient of the heads' sums, of sums and outputs and the outputs' gradient; see
    /// [`heads::training`](crate::heads::training).
    ///
    /// # Errors
    /// When the backend fails.
    fn heads_gradient(
        &self,
        shape: HeadShape,
        given: (&Self::Buffer, &Self::Buffer),
        gradient: &Self::Buffer,
        draw: &mut Self::Buffer,
        rows: usize,
    ) -> Result<(), BackendError>;

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

/// All operations of training, with those that sum over rows or look at other steps. Weights, moments and gradients
/// are one buffer each, within which a [`Place`] or an offset says where.
pub trait TrainingBackend: RowOperations {
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

    /// dx of a norm, added to what is there or not, and dg from `dgain.1` on, if it is asked for. `size` is rows
    /// and width.
    ///
    /// # Errors
    /// When the backend fails.
    fn norm_gradient(
        &self,
        scratch: &mut Self::Scratch,
        given: NormGiven<'_, Self::Buffer>,
        dx: (&mut Self::Buffer, Rows),
        add: bool,
        dgain: Option<(&mut Self::Buffer, usize)>,
        size: (usize, usize),
    ) -> Result<(), BackendError>;

    /// a and statistics of \[q, k, v, γ\] and of the past's \[k, v, u\]; see [`attention`](crate::attention).
    ///
    /// # Errors
    /// When the backend fails.
    fn attention(
        &self,
        scratch: &mut Self::Scratch,
        given: (&Self::Buffer, &Self::Buffer),
        sequences: Sequences,
        to: (&mut Self::Buffer, &mut Self::Buffer),
    ) -> Result<(), BackendError>;

    /// dq, dk and dv of statistics and dL/da, in the first three quarters of `dprojected`.
    ///
    /// # Errors
    /// When the backend fails.
    fn attention_gradient(
        &self,
        scratch: &mut Self::Scratch,
        given: (&Self::Buffer, &Self::Buffer),
        sequences: Sequences,
        from: (&Self::Buffer, &Self::Buffer),
        dprojected: &mut Self::Buffer,
    ) -> Result<(), BackendError>;

    /// Sums of u and of the past's \[k, v, u\], with taps and bias from `weights.1` on; see
    /// [`convolution`](crate::convolution).
    ///
    /// # Errors
    /// When the backend fails.
    fn convolution(
        &self,
        scratch: &mut Self::Scratch,
        weights: (&Self::Buffer, usize),
        given: (&Self::Buffer, &Self::Buffer),
        sequences: Sequences,
        sums: &mut Self::Buffer,
    ) -> Result<(), BackendError>;

    /// du += what comes through the taps of the sums' gradient.
    ///
    /// # Errors
    /// When the backend fails.
    fn convolution_input_gradient(
        &self,
        scratch: &mut Self::Scratch,
        weights: (&Self::Buffer, usize),
        gradient: &Self::Buffer,
        sequences: Sequences,
        du: &mut Self::Buffer,
    ) -> Result<(), BackendError>;

    /// Gradients of taps and bias, from `to.1` on.
    ///
    /// # Errors
    /// When the backend fails.
    fn convolution_weight_gradient(
        &self,
        scratch: &mut Self::Scratch,
        given: (&Self::Buffer, &Self::Buffer),
        gradient: &Self::Buffer,
        sequences: Sequences,
        to: (&mut Self::Buffer, usize),
    ) -> Result<(), BackendError>;

    /// All losses, and their gradient at the outputs; see [`losses`](crate::losses). The targets were checked.
    ///
    /// # Errors
    /// When the backend fails.
    #[allow(clippy::too_many_arguments)] // as above
    fn losses(
        &self,
        scratch: &mut Self::Scratch,
        shape: HeadShape,
        coefficients: &Coefficients,
        targets: &Targets<'_>,
        outputs: &Self::Buffer,
        gradient: &mut Self::Buffer,
        rows: usize,
    ) -> Result<Losses, TrainingError>;

    /// The norm of all gradients as one vector; see [`optimiser`](crate::optimiser).
    ///
    /// # Errors
    /// When the backend fails.
    fn gradient_norm(
        &self,
        scratch: &mut Self::Scratch,
        gradients: &Self::Buffer,
    ) -> Result<f64, BackendError>;
}
