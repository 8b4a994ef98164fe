//! Training on the CPU: the kernels of each module, on all threads.

use super::backend::{Place, Plan, TrainingBackend};
use crate::backend::{BackendError, Cpu};
use crate::linear::Epilogue;
use crate::linear::products::{Products, Shape};
use crate::optimiser::{self, Step};
use crate::tensor::{Buffer, Rows};

/// Memory of a CPU's kernels.
#[derive(Debug)]
pub struct CpuScratch {
    products: Products,

    /// A matrix and its bias, where those of the gradients lie apart.
    together: Buffer,
}

/// The matrix and the bias at a place.
fn at(weights: &[f32], place: Place) -> (Shape, &[f32], &[f32]) {
    let Place { shape, matrix, bias } = place;
    (shape, &weights[matrix..][..shape.inputs * shape.outputs], &weights[bias..][..shape.outputs])
}

impl TrainingBackend for Cpu {
    type Scratch = CpuScratch;

    fn scratch(&self, plan: &Plan) -> Result<CpuScratch, BackendError> {
        let lens = plan.products.iter().map(|(shape, _)| shape.len());
        Ok(CpuScratch {
            products: Products::new(plan.products.iter().copied()),

            together: Buffer::zeros(lens.fold(0, |most, len| if len > most { len } else { most })),
        })
    }

    fn product(
        &self,
        scratch: &mut CpuScratch,
        (weights, place): (&Buffer, Place),
        x: (&Buffer, Rows),
        y: (&mut Buffer, Rows),
        rows: usize,
        epilogue: Epilogue,
    ) -> Result<(), BackendError> {
        scratch.products.forward(self, at(weights, place), x, y, rows, epilogue);
        Ok(())
    }

    fn input_gradient(
        &self,
        scratch: &mut CpuScratch,
        (weights, place): (&Buffer, Place),
        gradient: (&Buffer, Rows),
        dx: (&mut Buffer, Rows),
        rows: usize,
        epilogue: Epilogue,
    ) -> Result<(), BackendError> {
        let (shape, matrix, _) = at(weights, place);
        scratch.products.input_gradient(self, (shape, matrix), gradient, dx, rows, epilogue);
        Ok(())
    }

    fn weight_gradient(
        &self,
        scratch: &mut CpuScratch,
        x: (&Buffer, Rows),
        gradient: (&Buffer, Rows),
        (to, Place { shape, matrix, bias }): (&mut Buffer, Place),
        rows: usize,
    ) -> Result<(), BackendError> {
        let CpuScratch { products, together, .. } = scratch;
        let len = shape.inputs * shape.outputs;
        if matrix + len == bias {
            products.weight_gradient(self, shape, x, gradient, (to, matrix), rows);
            return Ok(());
        }
        products.weight_gradient(self, shape, x, gradient, (together, 0), rows);
        to[matrix..][..len].copy_from_slice(&together[..len]);
        to[bias..][..shape.outputs].copy_from_slice(&together[len..][..shape.outputs]);
        Ok(())
    }

    fn gradient_norm(&self, _: &mut CpuScratch, gradients: &Buffer) -> Result<f64, BackendError> {
        Ok(optimiser::norm(self, gradients))
    }

    fn adam(
        &self,
        step: &Step,
        place: (usize, usize),
        decays: bool,
        gradients: &Buffer,
        to: [&mut Buffer; 3],
    ) -> Result<(), BackendError> {
        optimiser::update(self, step, place, decays, gradients, to);
        Ok(())
    }
}
