//! The operations of training that are made row by row.

use super::super::device::{Device, Kernel};
use super::super::{Cuda, Values, launch};
use super::word;
use crate::backend::BackendError;
use crate::heads::HeadShape;
use crate::norm::EPSILON;
use crate::optimiser::Step;
use crate::tensor::Rows;
use crate::training::{Place, RowOperations};

impl<D: Device> RowOperations for Cuda<D> {
    fn copy(
        &self,
        (from, from_rows): (&Values<D>, Rows),
        (to, to_rows): (&mut Values<D>, Rows),
        rows: usize,
        width: usize,
    ) -> Result<(), BackendError> {
        let (from, to) = (from.rows(from_rows, rows, width), to.rows(to_rows, rows, width));
        if rows == 0 || width == 0 {
            return Ok(());
        }
        // SAFETY: the rows were just seen to fit.
        unsafe { self.copy_rows((from, from_rows.stride), (to, to_rows.stride), rows, width) }
    }

    fn norm_factors(
        &self,
        (x, x_rows): (&Values<D>, Rows),
        factors: &mut Values<D>,
        rows: usize,
        width: usize,
    ) -> Result<(), BackendError> {
        let (x, factors) = (x.rows(x_rows, rows, width), factors.from(0, rows));
        if rows == 0 {
            return Ok(());
        }
        let epsilon = u64::from(EPSILON.to_bits());
        let arguments = [x, x_rows.stride as u64, factors, word(rows)?, word(width)?, epsilon];
        // SAFETY: the rows were just seen to fit.
        unsafe { self.device.launch(Kernel::NormFactors, launch::row_chains(rows, 1)?, &arguments) }
    }

    fn norm_scale(
        &self,
        (gain, at): (&Values<D>, usize),
        ((x, x_rows), factors): ((&Values<D>, Rows), &Values<D>),
        (y, y_rows): (&mut Values<D>, Rows),
        rows: usize,
        width: usize,
    ) -> Result<(), BackendError> {
        let arguments = [
            gain.from(at, width),
            x.rows(x_rows, rows, width),
            x_rows.stride as u64,
            factors.from(0, rows),
            y.rows(y_rows, rows, width),
            y_rows.stride as u64,
            word(rows)?,
            word(width)?,
        ];
        // SAFETY: all were just seen to fit.
        unsafe { self.each(Kernel::NormScale, rows * width, &arguments) }
    }

    fn silu(
        &self,
        (x, x_rows): (&Values<D>, Rows),
        (y, y_rows): (&mut Values<D>, Rows),
        rows: usize,
        width: usize,
    ) -> Result<(), BackendError> {
        let (x, y) = (x.rows(x_rows, rows, width), y.rows(y_rows, rows, width));
        let arguments = [x, x_rows.stride as u64, y, y_rows.stride as u64, word(width)?, word(rows)?];
        // SAFETY: the rows were just seen to fit.
        unsafe { self.each(Kernel::Silu, rows * width, &arguments) }
    }

    fn silu_gradient(
        &self,
        (x, x_rows): (&Values<D>, Rows),
        (gradient, gradient_rows): (&Values<D>, Rows),
        (dx, dx_rows): (&mut Values<D>, Rows),
        rows: usize,
        width: usize,
    ) -> Result<(), BackendError> {
        let arguments = [
            x.rows(x_rows, rows, width),
            x_rows.stride as u64,
            gradient.rows(gradient_rows, rows, width),
            gradient_rows.stride as u64,
            dx.rows(dx_rows, rows, width),
            dx_rows.stride as u64,
            word(width)?,
            word(rows)?,
        ];
        // SAFETY: the rows were just seen to fit.
        unsafe { self.each(Kernel::SiluGradient, rows * width, &arguments) }
    }

    fn swiglu(
        &self,
        x: &Values<D>,
        y: &mut Values<D>,
        rows: usize,
        width: usize,
    ) -> Result<(), BackendError> {
        let arguments = [x.from(0, 2 * rows * width), y.from(0, rows * width), word(width)?, word(rows)?];
        // SAFETY: the rows were just seen to fit.
        unsafe { self.each(Kernel::SwiGlu, rows * width, &arguments) }
    }

    fn swiglu_gradient(
        &self,
        x: &Values<D>,
        gradient: &Values<D>,
        dx: &mut Values<D>,
        rows: usize,
        width: usize,
    ) -> Result<(), BackendError> {
        let len = rows * width;
        let places = [x.from(0, 2 * len), gradient.from(0, len), dx.from(0, 2 * len)];
        let arguments = [places[0], places[1], places[2], word(width)?, word(rows)?];
        // SAFETY: the rows were just seen to fit.
        unsafe { self.each(Kernel::SwiGluGradient, len, &arguments) }
    }

    fn gate(
        &self,
        [projected, attention, sums]: [&Values<D>; 3],
        y: &mut Values<D>,
        rows: usize,
        width: usize,
    ) -> Result<(), BackendError> {
        let len = rows * width;
        let arguments = [
            projected.from(0, 4 * len),
            attention.from(0, len),
            sums.from(0, len),
            y.from(0, len),
            word(width)?,
            word(rows)?,
        ];
        // SAFETY: all were just seen to fit.
        unsafe { self.each(Kernel::Gate, len, &arguments) }
    }

    fn gate_gradient(
        &self,
        [projected, attention, sums]: [&Values<D>; 3],
        gradient: &Values<D>,
        [dattention, dsums, dprojected]: [&mut Values<D>; 3],
        rows: usize,
        width: usize,
    ) -> Result<(), BackendError> {
        let len = rows * width;
        let arguments = [
            projected.from(0, 4 * len),
            attention.from(0, len),
            sums.from(0, len),
            gradient.from(0, len),
            dattention.from(0, len),
            dsums.from(0, len),
            dprojected.from(0, 4 * len),
            word(width)?,
            word(rows)?,
        ];
        // SAFETY: all were just seen to fit.
        unsafe { self.each(Kernel::GateGradient, len, &arguments) }
    }

    fn time_features(
        &self,
        (weights, Place { shape, matrix, bias }): (&Values<D>, Place),
        (stamps, stamp_rows): (&Values<D>, Rows),
        (y, y_rows): (&mut Values<D>, Rows),
        rows: usize,
    ) -> Result<(), BackendError> {
        let arguments = [
            weights.from(matrix, shape.inputs * shape.outputs),
            weights.from(bias, shape.outputs),
            stamps.rows(stamp_rows, rows, shape.inputs),
            stamp_rows.stride as u64,
            y.rows(y_rows, rows, 2 * shape.outputs),
            y_rows.stride as u64,
            word(shape.inputs)?,
            word(shape.outputs)?,
            word(rows)?,
        ];
        // SAFETY: all were just seen to fit.
        unsafe { self.each(Kernel::Fourier, rows * shape.outputs, &arguments) }
    }

    fn phase_gradient(
        &self,
        (features, feature_rows): (&Values<D>, Rows),
        (gradient, gradient_rows): (&Values<D>, Rows),
        dphases: &mut Values<D>,
        rows: usize,
        count: usize,
    ) -> Result<(), BackendError> {
        let arguments = [
            features.rows(feature_rows, rows, 2 * count),
            feature_rows.stride as u64,
            gradient.rows(gradient_rows, rows, 2 * count),
            gradient_rows.stride as u64,
            dphases.from(0, rows * count),
            word(count)?,
            word(rows)?,
        ];
        // SAFETY: all were just seen to fit.
        unsafe { self.each(Kernel::PhaseGradient, rows * count, &arguments) }
    }

    fn heads_gradient(
        &self,
        shape: HeadShape,
        (raw, outputs): (&Values<D>, &Values<D>),
        gradient: &Values<D>,
        draw: &mut Values<D>,
        rows: usize,
    ) -> Result<(), BackendError> {
        let (from, to) = (rows * shape.raw_width(), rows * shape.width());
        let arguments = [
            raw.from(0, from),
            outputs.from(0, to),
            gradient.from(0, to),
            draw.from(0, from),
            word(shape.members)?,
            word(shape.horizons)?,
            word(rows)?,
        ];
        // SAFETY: all were just seen to fit.
        unsafe { self.each(Kernel::HeadsGradient, from, &arguments) }
    }

    fn adam(
        &self,
        step: &Step,
        (at, len): (usize, usize),
        decays: bool,
        gradients: &Values<D>,
        [values, means, squares]: [&mut Values<D>; 3],
    ) -> Result<(), BackendError> {
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
        arguments[4] = word(len)?;
        for (argument, float) in arguments[5..].iter_mut().zip(floats) {
            *argument = u64::from(float.to_bits());
        }
        // SAFETY: all were just seen to fit.
        unsafe { self.each(Kernel::Adam, len, &arguments) }
    }
}
