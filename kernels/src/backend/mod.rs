//! Where the model computes: one trait for CPU and GPU, operation by operation.
//!
//! All operations are **Exact**: whatever the backend, level, number of threads or rows, the bits are those
//! of the plain forms. A backend owns its memory; values go in and out by [`Backend::write`] and
//! [`Backend::read`]. Work may be queued: only `read` waits for it.

mod any;
mod cpu;
pub mod cuda;
mod estimate;

use std::fmt;

pub use any::AnyBackend;
pub use cpu::{Cpu, THREADS_MAX};
pub use estimate::Estimate;

use crate::heads::HeadShape;
use crate::linear::{Columns, Epilogue, Matrix};
use crate::mixer::{MixerShape, MixerWeights, StreamRow};
use crate::tensor::Rows;

/// Something that cannot be done: no memory, no device, a device that failed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{backend}: {message}")]
pub struct BackendError {
    /// Which backend.
    pub backend: &'static str,
    /// What happened.
    pub message: String,
}

/// The operations that the model consists of.
///
/// Shapes that do not fit are bugs of the caller and panic; what the machine refuses is an error.
pub trait Backend {
    /// f32 values in the backend's memory.
    type Buffer: fmt::Debug + Send;
    /// A matrix as the backend wants it.
    type Linear: fmt::Debug + Send + Sync;
    /// Weights of a mixer in the backend's memory.
    type Mixer: fmt::Debug + Send + Sync;

    /// What it is, for a reader: `cpu avx512, 2 threads`.
    fn describe(&self) -> String;

    /// What is asked for from here to the next read belongs together and will come again with other values: it may
    /// be kept back until then and queued at once. No bit depends on it.
    ///
    /// # Errors
    /// When the backend fails.
    fn as_one(&self) -> Result<(), BackendError> {
        Ok(())
    }

    /// `len` zeros.
    ///
    /// # Errors
    /// When the backend has no such memory.
    fn zeros(&self, len: usize) -> Result<Self::Buffer, BackendError>;

    /// Writes `rows` rows of `width` values into a buffer.
    ///
    /// # Errors
    /// When the backend fails.
    fn write(
        &self,
        to: (&mut Self::Buffer, Rows),
        rows: usize,
        width: usize,
        values: &[f32],
    ) -> Result<(), BackendError>;

    /// Waits for what was queued and reads `rows` rows of `width` values.
    ///
    /// # Errors
    /// When the backend fails.
    fn read(
        &self,
        from: (&Self::Buffer, Rows),
        rows: usize,
        width: usize,
        values: &mut [f32],
    ) -> Result<(), BackendError>;

    /// Packs a matrix; see [`linear`](crate::linear).
    ///
    /// # Errors
    /// When the backend has no memory for it.
    fn pack(&self, matrix: Matrix<'_>, columns: Columns) -> Result<Self::Linear, BackendError>;

    /// y = epilogue(x·W + b) for `rows` rows; see [`linear`](crate::linear).
    ///
    /// # Errors
    /// When the backend fails.
    fn linear(
        &self,
        linear: &Self::Linear,
        x: (&Self::Buffer, Rows),
        y: (&mut Self::Buffer, Rows),
        rows: usize,
        epilogue: Epilogue,
    ) -> Result<(), BackendError>;

    /// Root mean square norm, y = x·r·g; see [`norm`](crate::norm).
    ///
    /// # Errors
    /// When the backend fails.
    fn rms_norm(
        &self,
        gain: &Self::Buffer,
        x: (&Self::Buffer, Rows),
        y: (&mut Self::Buffer, Rows),
        rows: usize,
        width: usize,
    ) -> Result<(), BackendError>;

    /// Sine and cosine features of times; see [`fourier`](crate::fourier). `frequencies` is
    /// `[stamps][count]`, `phases` `[count]`, a row of y `[sines, cosines]`.
    ///
    /// # Errors
    /// When the backend fails.
    fn fourier(
        &self,
        frequencies: &Self::Buffer,
        phases: &Self::Buffer,
        stamps: (&Self::Buffer, Rows),
        y: (&mut Self::Buffer, Rows),
        rows: usize,
    ) -> Result<(), BackendError>;

    /// Brings a mixer's weights into the backend's memory; see [`mixer`](crate::mixer).
    ///
    /// # Errors
    /// When the backend has no memory for them.
    fn mixer(&self, shape: &MixerShape, weights: MixerWeights<'_>) -> Result<Self::Mixer, BackendError>;

    /// One step of the streams in `rows`, each with its rings in `state`: row r of `projected` is `[q, k, v,
    /// γ]`, of `u` and `y` as wide as the model.
    ///
    /// # Errors
    /// When the backend fails.
    fn mix_step(
        &self,
        mixer: &Self::Mixer,
        state: &mut Self::Buffer,
        rows: &[StreamRow],
        projected: &Self::Buffer,
        u: &Self::Buffer,
        y: &mut Self::Buffer,
    ) -> Result<(), BackendError>;

    /// Whole sequences from their beginning: row b·steps + t is step t of sequence b.
    ///
    /// # Errors
    /// When the backend fails.
    fn mix_sequence(
        &self,
        mixer: &Self::Mixer,
        sequences: usize,
        steps: usize,
        projected: &Self::Buffer,
        u: &Self::Buffer,
        y: &mut Self::Buffer,
    ) -> Result<(), BackendError>;

    /// From the heads' sums to quantiles, disagreement, volatility, scale; see [`heads`](crate::heads).
    ///
    /// # Errors
    /// When the backend fails.
    fn heads(
        &self,
        shape: HeadShape,
        raw: &Self::Buffer,
        outputs: &mut Self::Buffer,
        rows: usize,
    ) -> Result<(), BackendError>;
}
