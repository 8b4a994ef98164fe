//! CUDA: the same operations on an NVIDIA card, with the bits of the CPU.
//!
//! The kernels lie beside their plain forms (`linear/linear.cu` and so on), with what they were compiled to;
//! how they are shown to have the same bits without a card is in `docs/gpu.md`. Weights and rings stay on the
//! device; inputs and outputs go through page-locked memory. Everything is queued on one stream, and only
//! [`Backend::read`] waits.

mod device;
mod driver;
mod launch;
mod operations;
mod pack;
mod queue;
mod training;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use device::{Device, Kernel, Launch};
pub use driver::{Card, Driver, Found, look, version_text};
pub use training::TrainingScratch;

use super::{Backend, BackendError};
use crate::linear::Columns;
use crate::mixer::{MixerShape, StreamRow};
use crate::tensor::Rows;
use pack::Format;

/// Who reports errors of shapes that no launch can have.
const NAME: &str = "cuda";

/// A CUDA device. Clones share it.
pub struct Cuda<D: Device = Driver> {
    device: Arc<D>,
    scratch: Arc<Mutex<Scratch<D>>>,
}

/// Memory that lives from call to call.
struct Scratch<D: Device> {
    /// Rows on their way to or from places apart from each other.
    rows: Option<Values<D>>,
    /// The streams of the last step, as the device has them.
    streams: Option<D::Memory>,
    known: Vec<StreamRow>,
    bytes: Vec<u8>,
}

/// f32 values on the device.
pub struct Values<D: Device> {
    memory: D::Memory,
    len: usize,
}

/// A matrix on the device.
#[derive(Debug)]
pub struct Panels<D: Device> {
    format: Format,
    inputs: usize,
    outputs: usize,
    columns: Columns,
    weights: D::Memory,
    bias: D::Memory,
    scales: Option<D::Memory>,
}

/// A mixer on the device.
#[derive(Debug)]
pub struct Mixer<D: Device> {
    shape: MixerShape,
    heads: D::Memory,
    taps: D::Memory,
    bias: D::Memory,
}

impl<D: Device> Clone for Cuda<D> {
    fn clone(&self) -> Self {
        Self { device: Arc::clone(&self.device), scratch: Arc::clone(&self.scratch) }
    }
}

impl<D: Device> fmt::Debug for Cuda<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}

impl<D: Device> fmt::Debug for Values<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} values", self.len)
    }
}

impl<D: Device> Values<D> {
    fn address(&self) -> u64 {
        D::address(&self.memory)
    }

    /// Where rows of so many values begin.
    ///
    /// # Panics
    /// When they do not fit.
    fn rows(&self, place: Rows, rows: usize, width: usize) -> u64 {
        assert!(place.fit(rows, width, self.len), "{rows} rows of {width} in {}", self.len);
        self.address() + (place.offset * size_of::<f32>()) as u64
    }
}

impl<D: Device> Panels<D> {
    fn width(&self) -> usize {
        if self.columns == Columns::Paired { self.outputs / 2 } else { self.outputs }
    }
}

/// f32 values as bytes.
fn bytes(values: &[f32]) -> &[u8] {
    // SAFETY: every f32 is four bytes, and any bytes may be read.
    unsafe { std::slice::from_raw_parts(values.as_ptr().cast(), size_of_val(values)) }
}

/// f32 values as bytes to be written.
fn bytes_mut(values: &mut [f32]) -> &mut [u8] {
    // SAFETY: as above, and any four bytes are an f32.
    unsafe { std::slice::from_raw_parts_mut(values.as_mut_ptr().cast(), size_of_val(values)) }
}

impl Cuda {
    /// The first card of this machine.
    ///
    /// # Errors
    /// When there is no driver or no card, when either is too old, or has no memory.
    pub fn open() -> Result<Self, BackendError> {
        Ok(Self::on(Driver::open(0)?))
    }
}

impl<D: Device> Cuda<D> {
    /// A backend on this device.
    pub fn on(device: D) -> Self {
        let scratch = Scratch { rows: None, streams: None, known: Vec::new(), bytes: Vec::new() };
        Self { device: Arc::new(device), scratch: Arc::new(Mutex::new(scratch)) }
    }

    fn scratch(&self) -> MutexGuard<'_, Scratch<D>> {
        self.scratch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Memory that holds these bytes.
    fn holding(&self, bytes: &[u8]) -> Result<D::Memory, BackendError> {
        let memory = self.device.zeros(bytes.len())?;
        // SAFETY: it is as long as the bytes.
        unsafe { self.device.upload(D::address(&memory), bytes)? };
        Ok(memory)
    }

    /// Where rows that come together have room.
    fn together(scratch: &mut Scratch<D>, device: &D, len: usize) -> Result<u64, BackendError> {
        if scratch.rows.as_ref().is_none_or(|rows| rows.len < len) {
            scratch.rows = None;
            let memory = device.zeros(len * size_of::<f32>())?;
            scratch.rows = Some(Values { memory, len });
        }
        Ok(scratch.rows.as_ref().map_or(0, Values::address))
    }

    /// Copies rows of the device.
    ///
    /// # Safety
    /// The rows lie in the device's memory.
    unsafe fn copy_rows(
        &self,
        (from, from_stride): (u64, usize),
        (to, to_stride): (u64, usize),
        rows: usize,
        width: usize,
    ) -> Result<(), BackendError> {
        let launch = launch::flat(rows * width)?;
        let (columns, rows) = (u64::from(launch::number(width)?), u64::from(launch::number(rows)?));
        let arguments = [from, from_stride as u64, to, to_stride as u64, columns, rows];
        // SAFETY: the caller's promise.
        unsafe { self.device.launch(Kernel::CopyRows, launch, &arguments) }
    }

    /// Brings the streams of a step to the device: where they are, and how much further on the state of each
    /// is than there.
    fn streams(scratch: &mut Scratch<D>, device: &D, rows: &[StreamRow]) -> Result<(u64, u64), BackendError> {
        let further = match (rows.first(), scratch.known.first()) {
            (Some(row), Some(known)) => row.state.wrapping_sub(known.state),
            _ => 0,
        };
        // The next layer's rows are the last one's, all further on by the same.
        let same = |(row, known): (&StreamRow, &StreamRow)| {
            row.step == known.step && row.state == known.state.wrapping_add(further)
        };
        let known = rows.len() == scratch.known.len() && rows.iter().zip(&scratch.known).all(same);
        if let (true, Some(streams)) = (known, &scratch.streams) {
            return Ok((D::address(streams), further as u64));
        }
        scratch.bytes.clear();
        for row in rows {
            scratch.bytes.extend((row.state as u64).to_le_bytes());
            scratch.bytes.extend(row.step.to_le_bytes());
        }
        if scratch.streams.is_none() || scratch.known.capacity() < rows.len() {
            scratch.streams = None;
            scratch.known = Vec::with_capacity(rows.len());
            // A vector may have more room than it was asked for.
            let each = scratch.bytes.len() / rows.len();
            scratch.streams = Some(device.zeros(scratch.known.capacity() * each)?);
        }
        scratch.known.clear();
        let Some(streams) = &scratch.streams else { return Ok((0, 0)) };
        // SAFETY: there is room for as many rows as `known` has room for.
        unsafe { device.upload(D::address(streams), &scratch.bytes)? };
        scratch.known.extend_from_slice(rows);
        Ok((D::address(streams), 0))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::OnceLock;

    use super::*;
    use crate::mixer::{Head, MixerWeights, TAPS};

    /// A device that computes nothing and notes whether the streams' memory was locked at each step.
    #[derive(Default)]
    struct Watch {
        scratch: OnceLock<Arc<Mutex<Scratch<Watch>>>>,
        locked: Mutex<Vec<bool>>,
    }

    impl fmt::Debug for Watch {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("watch")
        }
    }

    impl Device for Watch {
        type Memory = ();

        fn describe(&self) -> String {
            format!("{self:?}")
        }

        fn zeros(&self, _: usize) -> Result<(), BackendError> {
            Ok(())
        }

        fn address((): &()) -> u64 {
            0
        }

        unsafe fn upload(&self, _: u64, _: &[u8]) -> Result<(), BackendError> {
            Ok(())
        }

        unsafe fn download(&self, _: u64, _: &mut [u8]) -> Result<(), BackendError> {
            Ok(())
        }

        unsafe fn launch(&self, _: Kernel, _: Launch, _: &[u64]) -> Result<(), BackendError> {
            let scratch = self.scratch.get().unwrap();
            self.locked.lock().unwrap().push(scratch.try_lock().is_err());
            Ok(())
        }
    }

    /// Clones share the memory of streams: another's must not come in before the kernel is queued that reads it.
    #[test]
    fn a_step_keeps_its_streams_until_its_kernel_is_queued() {
        let cuda = Cuda::on(Watch::default());
        assert!(cuda.device.scratch.set(Arc::clone(&cuda.scratch)).is_ok());
        let heads = vec![Head { window: 4, slope: 0.5, dilation: 1 }];
        let shape = MixerShape { head_width: 2, heads };
        let mixer = cuda.mixer(&shape, MixerWeights { taps: &[0.0; TAPS * 2], bias: &[0.0; 2] }).unwrap();
        let mut state = cuda.zeros(shape.state_len()).unwrap();
        let (projected, u) = (cuda.zeros(8).unwrap(), cuda.zeros(2).unwrap());
        let mut y = cuda.zeros(2).unwrap();
        for step in 0..2 {
            let rows = [StreamRow { state: 0, step }];
            cuda.mix_step(&mixer, &mut state, &rows, &projected, &u, &mut y).unwrap();
        }
        assert_eq!(*cuda.device.locked.lock().unwrap(), [true, true]);
    }
}
