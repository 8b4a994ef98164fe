//! Training on the CPU: the kernels of each module, on all threads.

use super::TrainingError;
use super::backend::{NormGiven, Place, Plan, RowOperations, TrainingBackend};
use crate::attention::{self, Scratch as HeadScratch, Sequences};
use crate::backend::{BackendError, Cpu};
use crate::convolution;
use crate::heads::{HeadShape, training as heads};
use crate::linear::Epilogue;
use crate::linear::products::{Products, Shape};
use crate::losses::{self, Coefficients, Losses, Targets};
use crate::mixer::MixerShape;
use crate::norm::training as norm;
use crate::optimiser::{self, Step};
use crate::tensor::{Buffer, Rows};
use crate::{activation, fourier, gate};

/// Memory of a CPU's kernels.
#[derive(Debug)]
pub struct CpuScratch {
    products: Products,
    heads: HeadScratch,
    mixer: MixerShape,

    /// A matrix and its bias, where those of the gradients lie apart.
    together: Buffer,
}

/// The matrix and the bias at a place.
fn at(weights: &[f32], place: Place) -> (Shape, &[f32], &[f32]) {
    let Place { shape, matrix, bias } = place;
    (shape, &weights[matrix..][..shape.inputs * shape.outputs], &weights[bias..][..shape.outputs])
}

impl RowOperations for Cpu {
    fn copy(
        &self,
        (from, from_rows): (&Buffer, Rows),
        (to, to_rows): (&mut Buffer, Rows),
        rows: usize,
        width: usize,
    ) -> Result<(), BackendError> {
        assert!(from_rows.fit(rows, width, from.len()) && to_rows.fit(rows, width, to.len()));
        for row in 0..rows {
            let from = &from[from_rows.offset + row * from_rows.stride..][..width];
            to[to_rows.offset + row * to_rows.stride..][..width].copy_from_slice(from);
        }
        Ok(())
    }

    fn norm_factors(
        &self,
        x: (&Buffer, Rows),
        factors: &mut Buffer,
        rows: usize,
        width: usize,
    ) -> Result<(), BackendError> {
        norm::factors(self, x, factors, rows, width);
        Ok(())
    }

    fn norm_scale(
        &self,
        (gain, at): (&Buffer, usize),
        (x, factors): ((&Buffer, Rows), &Buffer),
        y: (&mut Buffer, Rows),
        rows: usize,
        width: usize,
    ) -> Result<(), BackendError> {
        norm::scale(self, &gain[at..][..width], x, factors, y, rows);
        Ok(())
    }

    fn silu(
        &self,
        x: (&Buffer, Rows),
        y: (&mut Buffer, Rows),
        rows: usize,
        width: usize,
    ) -> Result<(), BackendError> {
        activation::silu(self, x, y, rows, width);
        Ok(())
    }

    fn silu_gradient(
        &self,
        x: (&Buffer, Rows),
        gradient: (&Buffer, Rows),
        dx: (&mut Buffer, Rows),
        rows: usize,
        width: usize,
    ) -> Result<(), BackendError> {
        activation::silu_backward(self, x, gradient, dx, rows, width);
        Ok(())
    }

    fn swiglu(&self, x: &Buffer, y: &mut Buffer, rows: usize, width: usize) -> Result<(), BackendError> {
        activation::product(self, x, y, rows, width);
        Ok(())
    }

    fn swiglu_gradient(
        &self,
        x: &Buffer,
        gradient: &Buffer,
        dx: &mut Buffer,
        rows: usize,
        width: usize,
    ) -> Result<(), BackendError> {
        activation::product_backward(self, x, gradient, dx, rows, width);
        Ok(())
    }

    fn gate(
        &self,
        [projected, attention, sums]: [&Buffer; 3],
        y: &mut Buffer,
        rows: usize,
        width: usize,
    ) -> Result<(), BackendError> {
        gate::forward(self, gate::Given { projected, attention, sums }, y, rows, width);
        Ok(())
    }

    fn gate_gradient(
        &self,
        [projected, attention, sums]: [&Buffer; 3],
        gradient: &Buffer,
        [dattention, dsums, dprojected]: [&mut Buffer; 3],
        rows: usize,
        width: usize,
    ) -> Result<(), BackendError> {
        let given = gate::Given { projected, attention, sums };
        gate::backward(self, given, gradient, (dattention, dsums, dprojected), rows, width);
        Ok(())
    }

    fn time_features(
        &self,
        (weights, place): (&Buffer, Place),
        stamps: (&Buffer, Rows),
        y: (&mut Buffer, Rows),
        rows: usize,
    ) -> Result<(), BackendError> {
        let (_, frequencies, phases) = at(weights, place);
        fourier::apply(self, frequencies, phases, stamps, y, rows);
        Ok(())
    }

    fn phase_gradient(
        &self,
        features: (&Buffer, Rows),
        gradient: (&Buffer, Rows),
        dphases: &mut Buffer,
        rows: usize,
        count: usize,
    ) -> Result<(), BackendError> {
        fourier::training::backward(self, features, gradient, dphases, rows, count);
        Ok(())
    }

    fn heads_gradient(
        &self,
        shape: HeadShape,
        given: (&Buffer, &Buffer),
        gradient: &Buffer,
        draw: &mut Buffer,
        rows: usize,
    ) -> Result<(), BackendError> {
        heads::backward(self, shape, given, gradient, draw, rows);
        Ok(())
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

impl TrainingBackend for Cpu {
    type Scratch = CpuScratch;

    fn scratch(&self, plan: &Plan) -> Result<CpuScratch, BackendError> {
        let lens = plan.products.iter().map(|(shape, _)| shape.len());
        Ok(CpuScratch {
            products: Products::new(plan.products.iter().copied()),
            heads: HeadScratch::new(self, &plan.mixer, &plan.sequences),
            mixer: plan.mixer.clone(),

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

    fn norm_gradient(
        &self,
        _: &mut CpuScratch,
        given: NormGiven<'_, Buffer>,
        dx: (&mut Buffer, Rows),
        add: bool,
        dgain: Option<(&mut Buffer, usize)>,
        (rows, width): (usize, usize),
    ) -> Result<(), BackendError> {
        let NormGiven { gain: (gain, at), x, factors, gradient } = given;
        let given = norm::Given { gain: &gain[at..][..width], x, factors, gradient };
        norm::backward(self, given, dx, add, dgain, rows);
        Ok(())
    }

    fn attention(
        &self,
        scratch: &mut CpuScratch,
        (projected, past): (&Buffer, &Buffer),
        sequences: Sequences,
        to: (&mut Buffer, &mut Buffer),
    ) -> Result<(), BackendError> {
        let given = attention::Given { projected, past };
        attention::forward(self, &scratch.mixer, given, sequences, to, &scratch.heads);
        Ok(())
    }

    fn attention_gradient(
        &self,
        scratch: &mut CpuScratch,
        (projected, past): (&Buffer, &Buffer),
        sequences: Sequences,
        from: (&Buffer, &Buffer),
        dprojected: &mut Buffer,
    ) -> Result<(), BackendError> {
        let given = attention::Given { projected, past };
        attention::backward(self, &scratch.mixer, given, sequences, from, dprojected, &scratch.heads);
        Ok(())
    }

    fn convolution(
        &self,
        CpuScratch { mixer, .. }: &mut CpuScratch,
        (weights, at): (&Buffer, usize),
        (u, past): (&Buffer, &Buffer),
        sequences: Sequences,
        sums: &mut Buffer,
    ) -> Result<(), BackendError> {
        let weights = &weights[at..][..convolution::weights(mixer)];
        convolution::forward(self, mixer, weights, convolution::Given { u, past }, sequences, sums);
        Ok(())
    }

    fn convolution_input_gradient(
        &self,
        CpuScratch { mixer, .. }: &mut CpuScratch,
        (weights, at): (&Buffer, usize),
        gradient: &Buffer,
        sequences: Sequences,
        du: &mut Buffer,
    ) -> Result<(), BackendError> {
        let weights = &weights[at..][..convolution::weights(mixer)];
        convolution::input_gradient(self, mixer, weights, gradient, sequences, du);
        Ok(())
    }

    fn convolution_weight_gradient(
        &self,
        CpuScratch { mixer, .. }: &mut CpuScratch,
        (u, past): (&Buffer, &Buffer),
        gradient: &Buffer,
        sequences: Sequences,
        to: (&mut Buffer, usize),
    ) -> Result<(), BackendError> {
        convolution::weight_gradient(self, mixer, convolution::Given { u, past }, gradient, sequences, to);
        Ok(())
    }

    fn losses(
        &self,
        _: &mut CpuScratch,
        shape: HeadShape,
        coefficients: &Coefficients,
        targets: &Targets<'_>,
        outputs: &Buffer,
        gradient: &mut Buffer,
        rows: usize,
    ) -> Result<Losses, TrainingError> {
        Ok(losses::losses(self, shape, coefficients, targets, outputs, gradient, rows)?)
    }

    fn gradient_norm(&self, _: &mut CpuScratch, gradients: &Buffer) -> Result<f64, BackendError> {
        Ok(optimiser::norm(self, gradients))
    }
}
