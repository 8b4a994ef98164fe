//! The operations of training: their shapes checked, their kernels queued.

use super::device::{Device, Kernel};
use super::launch::{self, number};
use super::{Cuda, Values};
use crate::backend::{Backend, BackendError};
use crate::linear::{BLOCK, Epilogue};
use crate::optimiser::{self, Step};
use crate::tensor::Rows;
use crate::training::{Place, Plan, TrainingBackend};

/// Memory that the kernels of training need on their way.
#[derive(Debug)]
pub struct TrainingScratch<D: Device> {
    /// Sums of blocks of rows, before they are added.
    parts: Values<D>,
    /// Squares of gradients, summed by chunks: on the device, and as they come back.
    squares: D::Memory,
    sums: Vec<u8>,
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

/// Blocks of rows whose sums are made side by side: as many as there are where outputs alone are too few.
fn blocks_apart(inputs: usize, outputs: usize, rows: usize) -> usize {
    if launch::squares(inputs + 1, outputs) < launch::ENOUGH_BLOCKS { rows.div_ceil(BLOCK) } else { 1 }
}

fn larger(one: usize, other: usize) -> usize {
    if one > other { one } else { other }
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
}

impl<D: Device> TrainingBackend for Cuda<D> {
    type Scratch = TrainingScratch<D>;

    fn scratch(&self, plan: &Plan) -> Result<TrainingScratch<D>, BackendError> {
        let products = plan.products.iter().map(|(shape, rows)| {
            let blocks = blocks_apart(shape.inputs, shape.outputs, *rows);
            if blocks > 1 { blocks * shape.len() } else { 0 }
        });
        let chunks = plan.weights.div_ceil(optimiser::CHUNK);
        Ok(TrainingScratch {
            parts: self.zeros(products.fold(0, larger))?,
            squares: self.device.zeros(chunks * size_of::<f64>())?,
            sums: vec![0; chunks * size_of::<f64>()],
        })
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

    fn gradient_norm(
        &self,
        scratch: &mut TrainingScratch<D>,
        gradients: &Values<D>,
    ) -> Result<f64, BackendError> {
        let chunks = gradients.len.div_ceil(optimiser::CHUNK);
        let sums = &mut scratch.sums[..chunks * size_of::<f64>()];
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

    fn adam(
        &self,
        step: &Step,
        (at, len): (usize, usize),
        decays: bool,
        gradients: &Values<D>,
        [values, means, squares]: [&mut Values<D>; 3],
    ) -> Result<(), BackendError> {
        if len == 0 {
            return Ok(());
        }
        let shrink = if decays { step.shrink } else { 1.0 };
        let floats = [
            step.clip,
            shrink,
            step.one_minus_beta1,
            step.beta2,
            step.one_minus_beta2,
            step.root_correction2,
            step.epsilon,
            step.size,
        ];
        let mut arguments = [0; 13];
        let places =
            [gradients.from(at, len), values.from(at, len), means.from(at, len), squares.from(at, len)];
        arguments[..4].copy_from_slice(&places);
        arguments[4] = u64::from(number(len)?);
        for (argument, float) in arguments[5..].iter_mut().zip(floats) {
            *argument = u64::from(float.to_bits());
        }
        // SAFETY: all were just seen to fit.
        unsafe { self.device.launch(Kernel::Adam, launch::flat(len)?, &arguments) }
    }
}
