//! The operations: their shapes checked, their kernels queued.

use super::device::{Device, Kernel};
use super::launch::{self, number};
use super::{Cuda, Mixer, NAME, Panels, Values, bytes, bytes_mut, pack};
use crate::backend::{Backend, BackendError};
use crate::heads::HeadShape;
use crate::linear::{Columns, Epilogue, Matrix};
use crate::mixer::{MixerShape, MixerWeights, StreamRow, TAPS};
use crate::norm::EPSILON;
use crate::tensor::Rows;

impl<D: Device> Backend for Cuda<D> {
    type Buffer = Values<D>;
    type Linear = Panels<D>;
    type Mixer = Mixer<D>;

    fn describe(&self) -> String {
        self.device.describe()
    }

    fn as_one(&self) -> Result<(), BackendError> {
        self.device.as_one()
    }

    fn zeros(&self, len: usize) -> Result<Values<D>, BackendError> {
        let bytes = len.checked_mul(size_of::<f32>());
        let bytes = bytes.ok_or_else(|| BackendError {
            backend: NAME,
            message: format!("{len} values are more than an address space holds"),
        })?;
        Ok(Values { memory: self.device.zeros(bytes)?, len })
    }

    fn write(
        &self,
        (to, place): (&mut Values<D>, Rows),
        rows: usize,
        width: usize,
        values: &[f32],
    ) -> Result<(), BackendError> {
        let address = to.rows(place, rows, width);
        assert_eq!(values.len(), rows * width, "values for {rows} rows of {width}");
        if values.is_empty() {
            return Ok(());
        }
        if rows == 1 || place.stride == width {
            // SAFETY: the rows fit.
            return unsafe { self.device.upload(address, bytes(values)) };
        }
        let mut scratch = self.scratch();
        let between = Self::together(&mut scratch, &self.device, values.len())?;
        // SAFETY: there is room between for as many values, and the rows fit.
        unsafe {
            self.device.upload(between, bytes(values))?;
            self.copy_rows((between, width), (address, place.stride), rows, width)
        }
    }

    fn read(
        &self,
        (from, place): (&Values<D>, Rows),
        rows: usize,
        width: usize,
        values: &mut [f32],
    ) -> Result<(), BackendError> {
        let address = from.rows(place, rows, width);
        assert_eq!(values.len(), rows * width, "values for {rows} rows of {width}");
        if values.is_empty() {
            return Ok(());
        }
        if rows == 1 || place.stride == width {
            // SAFETY: the rows fit.
            return unsafe { self.device.download(address, bytes_mut(values)) };
        }
        let mut scratch = self.scratch();
        let between = Self::together(&mut scratch, &self.device, values.len())?;
        // SAFETY: as in `write`.
        unsafe {
            self.copy_rows((address, place.stride), (between, width), rows, width)?;
            self.device.download(between, bytes_mut(values))
        }
    }

    fn pack(&self, matrix: Matrix<'_>, columns: Columns) -> Result<Panels<D>, BackendError> {
        matrix.check(columns);
        let packed = pack::pack(matrix, columns);
        Ok(Panels {
            format: packed.format,
            inputs: matrix.inputs,
            outputs: matrix.outputs,
            columns,
            weights: self.holding(&packed.weights)?,
            bias: self.holding(bytes(&packed.bias))?,
            scales: packed.scales.map(|scales| self.holding(bytes(&scales))).transpose()?,
        })
    }

    fn linear(
        &self,
        linear: &Panels<D>,
        (x, x_rows): (&Values<D>, Rows),
        (y, y_rows): (&mut Values<D>, Rows),
        rows: usize,
        epilogue: Epilogue,
    ) -> Result<(), BackendError> {
        let x = x.rows(x_rows, rows, linear.inputs);
        let y = y.rows(y_rows, rows, linear.width());
        let paired = linear.columns == Columns::Paired;
        assert_eq!(paired, epilogue == Epilogue::SwiGlu, "columns for {epilogue:?}");
        if rows == 0 {
            return Ok(());
        }
        let (kernel, launch) = launch::product(linear.format, linear.inputs, linear.outputs, rows)?;
        let epilogue = match epilogue {
            Epilogue::Store => 0,
            Epilogue::Silu => 1,
            Epilogue::Add => 2,
            Epilogue::SwiGlu => 3,
        };
        let [inputs, outputs, rows] = [number(linear.inputs)?, number(linear.outputs)?, number(rows)?];
        let arguments = [
            D::address(&linear.weights),
            D::address(&linear.bias),
            linear.scales.as_ref().map_or(0, D::address),
            x,
            x_rows.stride as u64,
            y,
            y_rows.stride as u64,
            u64::from(inputs),
            u64::from(outputs),
            u64::from(rows),
            epilogue,
        ];
        // SAFETY: the rows of x and y fit, and the panels are of this shape.
        unsafe { self.device.launch(kernel, launch, &arguments) }
    }

    fn rms_norm(
        &self,
        gain: &Values<D>,
        (x, x_rows): (&Values<D>, Rows),
        (y, y_rows): (&mut Values<D>, Rows),
        rows: usize,
        width: usize,
    ) -> Result<(), BackendError> {
        let (from, to) = (x.rows(x_rows, rows, width), y.rows(y_rows, rows, width));
        assert_eq!(gain.len, width, "gains");
        if rows == 0 || width == 0 {
            return Ok(());
        }
        let launch = launch::norm(rows, width)?;
        let arguments = [
            gain.address(),
            from,
            x_rows.stride as u64,
            to,
            y_rows.stride as u64,
            u64::from(number(width)?),
            u64::from(EPSILON.to_bits()),
        ];
        // SAFETY: the rows fit, and there is a gain for each value.
        unsafe { self.device.launch(Kernel::RmsNorm, launch, &arguments) }
    }

    fn fourier(
        &self,
        frequencies: &Values<D>,
        phases: &Values<D>,
        (stamps, stamp_rows): (&Values<D>, Rows),
        (y, y_rows): (&mut Values<D>, Rows),
        rows: usize,
    ) -> Result<(), BackendError> {
        let count = phases.len;
        assert!(count > 0 && frequencies.len.is_multiple_of(count), "{count} phases");
        let inputs = frequencies.len / count;
        let (from, to) = (stamps.rows(stamp_rows, rows, inputs), y.rows(y_rows, rows, 2 * count));
        if rows == 0 {
            return Ok(());
        }
        let launch = launch::flat(rows * count)?;
        number(frequencies.len)?;
        let arguments = [
            frequencies.address(),
            phases.address(),
            from,
            stamp_rows.stride as u64,
            to,
            y_rows.stride as u64,
            inputs as u64,
            count as u64,
            rows as u64,
        ];
        // SAFETY: the rows fit; frequencies are `inputs` rows of `count`, which were seen to be countable, as the
        // values of all rows.
        unsafe { self.device.launch(Kernel::Fourier, launch, &arguments) }
    }

    fn mixer(&self, shape: &MixerShape, weights: MixerWeights<'_>) -> Result<Mixer<D>, BackendError> {
        let offsets = shape.offsets(weights);
        let mut heads = Vec::with_capacity(shape.heads.len() * 8 * size_of::<u32>());
        for (head, offset) in shape.heads.iter().zip(offsets) {
            let rings = shape.rings(*head);
            let words = [
                number(head.window)?,
                head.slope.to_bits(),
                number(head.dilation)?,
                number(offset)?,
                number(rings.key_stride)?,
                number(offset + rings.values)?,
                number(offset + rings.history)?,
                number(rings.history_rows)?,
            ];
            heads.extend(words.into_iter().flat_map(u32::to_le_bytes));
        }
        debug_assert_eq!(weights.taps.len(), TAPS * weights.bias.len());
        Ok(Mixer {
            shape: shape.clone(),
            heads: self.holding(&heads)?,
            taps: self.holding(bytes(weights.taps))?,
            bias: self.holding(bytes(weights.bias))?,
        })
    }

    fn mix_step(
        &self,
        mixer: &Mixer<D>,
        state: &mut Values<D>,
        rows: &[StreamRow],
        projected: &Values<D>,
        u: &Values<D>,
        y: &mut Values<D>,
    ) -> Result<(), BackendError> {
        let shape = &mixer.shape;
        shape.check_rows(rows, state.len, [projected.len, u.len, y.len]);
        if rows.is_empty() {
            return Ok(());
        }
        let launch = launch::mix(shape, rows.len())?;
        // Nobody else's streams may come between these and the kernel that reads them.
        let mut scratch = self.scratch();
        let (streams, layer) = Self::streams(&mut scratch, &self.device, rows)?;
        let arguments = [
            state.address(),
            streams,
            D::address(&mixer.heads),
            D::address(&mixer.taps),
            D::address(&mixer.bias),
            projected.address(),
            u.address(),
            y.address(),
            u64::from(number(shape.head_width)?),
            u64::from(number(shape.width())?),
            u64::from(shape.scale().to_bits()),
            layer,
        ];
        // SAFETY: rows and state were just seen to fit, and no stream is there twice.
        unsafe { self.device.launch(Kernel::MixStep, launch, &arguments) }
    }

    fn mix_sequence(
        &self,
        mixer: &Mixer<D>,
        sequences: usize,
        steps: usize,
        projected: &Values<D>,
        u: &Values<D>,
        y: &mut Values<D>,
    ) -> Result<(), BackendError> {
        let (shape, rows) = (&mixer.shape, sequences * steps);
        let width = shape.width();
        let dense = |width: usize, len: usize| Rows::dense(width).fit(rows, width, len);
        assert!(dense(4 * width, projected.len) && dense(width, u.len) && dense(width, y.len));
        if rows == 0 {
            return Ok(());
        }
        let arguments = [
            D::address(&mixer.heads),
            D::address(&mixer.taps),
            D::address(&mixer.bias),
            projected.address(),
            u.address(),
            y.address(),
            u64::from(number(shape.head_width)?),
            u64::from(number(width)?),
            u64::from(shape.scale().to_bits()),
            u64::from(number(steps)?),
        ];
        // SAFETY: the rows were just seen to fit.
        unsafe { self.device.launch(Kernel::MixSequence, launch::mix(shape, rows)?, &arguments) }
    }

    fn heads(
        &self,
        shape: HeadShape,
        raw: &Values<D>,
        outputs: &mut Values<D>,
        rows: usize,
    ) -> Result<(), BackendError> {
        let from = raw.rows(Rows::dense(shape.raw_width()), rows, shape.raw_width());
        let to = outputs.rows(Rows::dense(shape.width()), rows, shape.width());
        if rows == 0 {
            return Ok(());
        }
        let launch = launch::flat(rows * shape.width())?;
        let arguments = [from, to, shape.members as u64, shape.horizons as u64, rows as u64];
        // SAFETY: the rows fit.
        unsafe { self.device.launch(Kernel::Heads, launch, &arguments) }
    }
}
