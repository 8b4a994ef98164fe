//! The operations of training: their shapes checked, their kernels queued.

mod losses;
mod rows;
mod scratch;

pub use scratch::TrainingScratch;

use super::device::{Device, Kernel};
use super::launch::{self, number};
use super::{Cuda, Values};
use crate::attention::Sequences;
use crate::backend::BackendError;
use crate::convolution;
use crate::heads::HeadShape;
use crate::linear::Epilogue;
use crate::losses::{Coefficients, Losses, Targets};
use crate::optimiser;
use crate::tensor::Rows;
use crate::training::{NormGiven, Place, Plan, TrainingBackend, TrainingError};
use scratch::{KEY_ARRAYS, blocks_apart, row_blocks};

/// Values of each channel that the past has: \[k, v, u\].
const PAST: usize = 3;

/// A number as kernels take it.
fn word(value: usize) -> Result<u64, BackendError> {
    number(value).map(u64::from)
}

impl<D: Device> Values<D> {
    /// Where so many values from an offset on are.
    ///
    /// # Panics
    /// When they do not fit.
    fn from(&self, offset: usize, len: usize) -> u64 {
        self.rows(Rows::columns(offset, len), 1, len)
    }
}

/// Whether a product is added to what is there.
///
/// # Panics
/// When it is neither stored nor added.
fn adds(epilogue: Epilogue) -> u64 {
    assert!(matches!(epilogue, Epilogue::Store | Epilogue::Add), "{epilogue:?} in training");
    u64::from(epilogue == Epilogue::Add)
}

impl<D: Device> Cuda<D> {
    /// Adds `blocks` blocks of sums, of which `first.1` go to one address and `second.1` to another.
    ///
    /// # Safety
    /// So many values are there.
    unsafe fn add_blocks(
        &self,
        parts: &Values<D>,
        blocks: usize,
        first: (u64, usize),
        second: (u64, usize),
        last: f32,
    ) -> Result<(), BackendError> {
        let arguments = [
            parts.from(0, blocks * (first.1 + second.1)),
            u64::from(number(blocks)?),
            first.0,
            u64::from(number(first.1)?),
            second.0,
            u64::from(number(second.1)?),
            u64::from(last.to_bits()),
        ];
        // SAFETY: the sums were just seen to fit; the caller promises the rest.
        unsafe { self.device.launch(Kernel::AddBlocks, launch::flat(first.1 + second.1)?, &arguments) }
    }

    /// `rows` rows of `outputs` sums over `terms`.
    ///
    /// # Safety
    /// All of x, w, bias and y are there.
    #[allow(clippy::too_many_arguments)] // what a product has
    unsafe fn multiply(
        &self,
        kernel: Kernel,
        x: (u64, usize),
        w: (u64, usize),
        bias: u64,
        y: (u64, usize),
        [rows, outputs, terms]: [usize; 3],
        epilogue: Epilogue,
    ) -> Result<(), BackendError> {
        if rows == 0 || outputs == 0 {
            return Ok(());
        }
        let launch = launch::products(rows, outputs, 1)?;
        let [rows, outputs, terms] = [number(rows)?, number(outputs)?, number(terms)?].map(u64::from);
        let ([x, x_stride], [w, w_stride]) = ([x.0, x.1 as u64], [w.0, w.1 as u64]);
        let add = adds(epilogue);
        let arguments = [x, x_stride, w, w_stride, bias, y.0, y.1 as u64, rows, outputs, terms, add];
        // SAFETY: the caller's promise.
        unsafe { self.device.launch(kernel, launch, &arguments) }
    }

    /// A kernel whose threads have a value each.
    ///
    /// # Safety
    /// As [`Device::launch`].
    unsafe fn each(&self, kernel: Kernel, items: usize, arguments: &[u64]) -> Result<(), BackendError> {
        if items == 0 {
            return Ok(());
        }
        // SAFETY: the caller's promise.
        unsafe { self.device.launch(kernel, launch::flat(items)?, arguments) }
    }

    /// A kernel of attention; `arrays` floats of each key are in shared memory, and of each step as many channels.
    ///
    /// # Safety
    /// As [`Device::launch`].
    unsafe fn attend(
        &self,
        kernel: Kernel,
        scratch: &TrainingScratch<D>,
        sequences: Sequences,
        arrays: usize,
        arguments: &[u64],
    ) -> Result<(), BackendError> {
        if sequences.rows() == 0 {
            return Ok(());
        }
        let launch = launch::attention(&scratch.mixer, sequences, arrays)?;
        // SAFETY: the caller's promise.
        unsafe { self.device.launch(kernel, launch, arguments) }
    }
}

impl<D: Device> TrainingBackend for Cuda<D> {
    type Scratch = TrainingScratch<D>;

    fn scratch(&self, plan: &Plan) -> Result<TrainingScratch<D>, BackendError> {
        TrainingScratch::new(self, plan)
    }

    fn product(
        &self,
        _: &mut TrainingScratch<D>,
        (weights, Place { shape, matrix, bias }): (&Values<D>, Place),
        (x, x_rows): (&Values<D>, Rows),
        (y, y_rows): (&mut Values<D>, Rows),
        rows: usize,
        epilogue: Epilogue,
    ) -> Result<(), BackendError> {
        let x = (x.rows(x_rows, rows, shape.inputs), x_rows.stride);
        let w = (weights.from(matrix, shape.inputs * shape.outputs), shape.outputs);
        let bias = weights.from(bias, shape.outputs);
        let y = (y.rows(y_rows, rows, shape.outputs), y_rows.stride);
        let sizes = [rows, shape.outputs, shape.inputs];
        // SAFETY: all were just seen to fit.
        unsafe { self.multiply(Kernel::Product, x, w, bias, y, sizes, epilogue) }
    }

    fn input_gradient(
        &self,
        _: &mut TrainingScratch<D>,
        (weights, Place { shape, matrix, .. }): (&Values<D>, Place),
        (gradient, gradient_rows): (&Values<D>, Rows),
        (dx, dx_rows): (&mut Values<D>, Rows),
        rows: usize,
        epilogue: Epilogue,
    ) -> Result<(), BackendError> {
        let gradient = (gradient.rows(gradient_rows, rows, shape.outputs), gradient_rows.stride);
        let w = (weights.from(matrix, shape.inputs * shape.outputs), shape.outputs);
        let dx = (dx.rows(dx_rows, rows, shape.inputs), dx_rows.stride);
        let sizes = [rows, shape.inputs, shape.outputs];
        // SAFETY: all were just seen to fit.
        unsafe { self.multiply(Kernel::InputGradient, gradient, w, 0, dx, sizes, epilogue) }
    }

    fn weight_gradient(
        &self,
        scratch: &mut TrainingScratch<D>,
        (x, x_rows): (&Values<D>, Rows),
        (gradient, gradient_rows): (&Values<D>, Rows),
        (to, Place { shape, matrix, bias }): (&mut Values<D>, Place),
        rows: usize,
    ) -> Result<(), BackendError> {
        let len = shape.inputs * shape.outputs;
        let blocks = blocks_apart(shape.inputs, shape.outputs, rows);
        let (matrix, bias) = (to.from(matrix, len), to.from(bias, shape.outputs));
        let parts = if blocks > 1 { scratch.parts.from(0, blocks * shape.len()) } else { 0 };
        let [inputs, outputs, terms] = [number(shape.inputs)?, number(shape.outputs)?, number(rows)?];
        let arguments = [
            x.rows(x_rows, rows, shape.inputs),
            x_rows.stride as u64,
            gradient.rows(gradient_rows, rows, shape.outputs),
            gradient_rows.stride as u64,
            matrix,
            bias,
            parts,
            u64::from(inputs),
            u64::from(outputs),
            u64::from(terms),
        ];
        let launch = launch::products(shape.inputs + 1, shape.outputs, blocks)?;
        // SAFETY: all were just seen to fit.
        unsafe {
            self.device.launch(Kernel::WeightGradient, launch, &arguments)?;
            if blocks > 1 {
                self.add_blocks(&scratch.parts, blocks, (matrix, len), (bias, shape.outputs), 0.0)?;
            }
        }
        Ok(())
    }

    fn norm_gradient(
        &self,
        scratch: &mut TrainingScratch<D>,
        given: NormGiven<'_, Values<D>>,
        (dx, dx_rows): (&mut Values<D>, Rows),
        add: bool,
        dgain: Option<(&mut Values<D>, usize)>,
        (rows, width): (usize, usize),
    ) -> Result<(), BackendError> {
        let NormGiven { gain: (gain, at), x: (x, x_rows), factors, gradient: (gradient, gradient_rows) } =
            given;
        let (x, x_stride) = (x.rows(x_rows, rows, width), x_rows.stride as u64);
        let (factors, gain) = (factors.from(0, rows), gain.from(at, width));
        let (gradient, stride) = (gradient.rows(gradient_rows, rows, width), gradient_rows.stride as u64);
        let (dx, dx_stride) = (dx.rows(dx_rows, rows, width), dx_rows.stride as u64);
        let (count, columns) = (word(rows)?, word(width)?);
        if rows == 0 {
            return Ok(());
        }
        let arguments =
            [gain, x, x_stride, factors, gradient, stride, dx, dx_stride, count, columns, u64::from(add)];
        // SAFETY: all were just seen to fit.
        unsafe { self.device.launch(Kernel::NormInputGradient, launch::row_chains(rows, 2)?, &arguments)? };
        let Some((dgain, at)) = dgain else { return Ok(()) };
        let (blocks, dgain) = (row_blocks(rows), dgain.from(at, width));
        let parts = scratch.parts.from(0, blocks * width);
        let arguments = [x, x_stride, factors, gradient, stride, parts, count, columns];
        // SAFETY: as above.
        unsafe {
            let launch = launch::columns(width, blocks)?;
            self.device.launch(Kernel::NormGainGradient, launch, &arguments)?;
            self.add_blocks(&scratch.parts, blocks, (dgain, width), (0, 0), -0.0)
        }
    }

    fn attention(
        &self,
        scratch: &mut TrainingScratch<D>,
        (projected, past): (&Values<D>, &Values<D>),
        sequences: Sequences,
        (a, statistics): (&mut Values<D>, &mut Values<D>),
    ) -> Result<(), BackendError> {
        let (all, rows) = (scratch.mixer.width(), sequences.rows());
        let arguments = [
            D::address(&scratch.heads),
            projected.from(0, rows * 4 * all),
            past.from(0, sequences.count * sequences.past * PAST * all),
            a.from(0, rows * all),
            statistics.from(0, rows * scratch.mixer.heads.len() * 2),
            word(scratch.mixer.head_width)?,
            word(all)?,
            u64::from(scratch.mixer.scale().to_bits()),
            word(sequences.steps)?,
            word(sequences.past)?,
        ];
        // SAFETY: all were just seen to fit.
        unsafe { self.attend(Kernel::Attention, scratch, sequences, 1, &arguments) }
    }

    fn attention_gradient(
        &self,
        scratch: &mut TrainingScratch<D>,
        (projected, past): (&Values<D>, &Values<D>),
        sequences: Sequences,
        (statistics, gradient): (&Values<D>, &Values<D>),
        dprojected: &mut Values<D>,
    ) -> Result<(), BackendError> {
        let (all, rows, heads) = (scratch.mixer.width(), sequences.rows(), scratch.mixer.heads.len());
        let (table, projected) = (D::address(&scratch.heads), projected.from(0, rows * 4 * all));
        let past_rows = past.from(0, sequences.count * sequences.past * PAST * all);
        let (statistics, gradient) = (statistics.from(0, rows * heads * 2), gradient.from(0, rows * all));
        let (dprojected, weighted) =
            (dprojected.from(0, rows * 4 * all), scratch.weighted.from(0, rows * heads));
        let (width, all, scale) =
            (word(scratch.mixer.head_width)?, word(all)?, u64::from(scratch.mixer.scale().to_bits()));
        let (steps, past) = (word(sequences.steps)?, word(sequences.past)?);
        let queries = [
            table, projected, past_rows, statistics, gradient, dprojected, weighted, width, all, scale,
            steps, past,
        ];
        let keys = [table, projected, statistics, gradient, dprojected, weighted, width, all, scale, steps];
        // SAFETY: all were just seen to fit.
        unsafe {
            self.attend(Kernel::AttentionQueryGradient, scratch, sequences, KEY_ARRAYS, &queries)?;
            self.attend(Kernel::AttentionKeyGradient, scratch, sequences, KEY_ARRAYS, &keys)
        }
    }

    fn convolution(
        &self,
        scratch: &mut TrainingScratch<D>,
        (weights, at): (&Values<D>, usize),
        (u, past): (&Values<D>, &Values<D>),
        sequences: Sequences,
        sums: &mut Values<D>,
    ) -> Result<(), BackendError> {
        let (all, rows) = (scratch.mixer.width(), sequences.rows());
        let arguments = [
            D::address(&scratch.heads),
            weights.from(at, convolution::weights(&scratch.mixer)),
            u.from(0, rows * all),
            past.from(0, sequences.count * sequences.past * PAST * all),
            sums.from(0, rows * all),
            word(scratch.mixer.head_width)?,
            word(all)?,
            word(sequences.steps)?,
            word(sequences.past)?,
            word(rows)?,
        ];
        // SAFETY: all were just seen to fit.
        unsafe { self.each(Kernel::Convolution, rows * all, &arguments) }
    }

    fn convolution_input_gradient(
        &self,
        scratch: &mut TrainingScratch<D>,
        (weights, at): (&Values<D>, usize),
        gradient: &Values<D>,
        sequences: Sequences,
        du: &mut Values<D>,
    ) -> Result<(), BackendError> {
        let (all, rows) = (scratch.mixer.width(), sequences.rows());
        let arguments = [
            D::address(&scratch.heads),
            weights.from(at, convolution::weights(&scratch.mixer)),
            gradient.from(0, rows * all),
            du.from(0, rows * all),
            word(scratch.mixer.head_width)?,
            word(all)?,
            word(sequences.steps)?,
            word(rows)?,
        ];
        // SAFETY: all were just seen to fit.
        unsafe { self.each(Kernel::ConvolutionInputGradient, rows * all, &arguments) }
    }

    fn convolution_weight_gradient(
        &self,
        scratch: &mut TrainingScratch<D>,
        (u, past): (&Values<D>, &Values<D>),
        gradient: &Values<D>,
        sequences: Sequences,
        (to, at): (&mut Values<D>, usize),
    ) -> Result<(), BackendError> {
        let (all, rows) = (scratch.mixer.width(), sequences.rows());
        let (weights, blocks) = (convolution::weights(&scratch.mixer), row_blocks(rows));
        let to = to.from(at, weights);
        let arguments = [
            D::address(&scratch.heads),
            u.from(0, rows * all),
            past.from(0, sequences.count * sequences.past * PAST * all),
            gradient.from(0, rows * all),
            scratch.parts.from(0, blocks * weights),
            word(scratch.mixer.head_width)?,
            word(all)?,
            word(sequences.steps)?,
            word(sequences.past)?,
            word(rows)?,
        ];
        if rows == 0 {
            return Ok(());
        }
        let launch = launch::columns(weights, blocks)?;
        // SAFETY: all were just seen to fit.
        unsafe {
            self.device.launch(Kernel::ConvolutionWeightGradient, launch, &arguments)?;
            self.add_blocks(&scratch.parts, blocks, (to, weights), (0, 0), -0.0)
        }
    }

    fn losses(
        &self,
        scratch: &mut TrainingScratch<D>,
        shape: HeadShape,
        coefficients: &Coefficients,
        targets: &Targets<'_>,
        outputs: &Values<D>,
        gradient: &mut Values<D>,
        rows: usize,
    ) -> Result<Losses, TrainingError> {
        Ok(losses::losses(self, scratch, (shape, rows), (coefficients, targets), outputs, gradient)?)
    }

    fn gradient_norm(
        &self,
        scratch: &mut TrainingScratch<D>,
        gradients: &Values<D>,
    ) -> Result<f64, BackendError> {
        let chunks = gradients.len.div_ceil(optimiser::CHUNK);
        let sums = &mut scratch.chunk_sums[..chunks * size_of::<f64>()];
        if chunks > 0 {
            let squares = D::address(&scratch.squares);
            let arguments = [gradients.address(), gradients.len as u64, squares, u64::from(number(chunks)?)];
            // SAFETY: there is room for a sum of each chunk.
            unsafe {
                self.device.launch(Kernel::SquareSums, launch::square_sums(chunks)?, &arguments)?;
                self.device.download(squares, sums)?;
            }
        }
        let sums = sums.as_chunks().0.iter().map(|bytes| f64::from_le_bytes(*bytes));
        Ok(sums.fold(0.0, |total, sum| total + sum).sqrt())
    }
}
