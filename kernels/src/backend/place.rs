//! Where a model computes, chosen while the program runs: a CPU or a card.

use super::cuda::Cuda;
use super::{Backend, BackendError, Cpu};
use crate::heads::HeadShape;
use crate::linear::{Columns, Epilogue, Matrix};
use crate::mixer::{MixerShape, MixerWeights, StreamRow};
use crate::tensor::Rows;

/// A CPU, or a card. Clones share it.
#[derive(Clone, Debug)]
pub enum Place {
    /// Instructions of this machine's processor.
    Cpu(Cpu),
    /// An NVIDIA card.
    Cuda(Cuda),
}

/// Something that lies with one of the two.
#[derive(Debug)]
pub enum At<C, G> {
    /// In the memory of the process.
    Cpu(C),
    /// In the memory of the card.
    Cuda(G),
}

impl<C, G> At<C, G> {
    fn cpu(&self) -> &C {
        let Self::Cpu(value) = self else { panic!("memory of a card on a CPU") };
        value
    }

    fn cpu_mut(&mut self) -> &mut C {
        let Self::Cpu(value) = self else { panic!("memory of a card on a CPU") };
        value
    }

    fn cuda(&self) -> &G {
        let Self::Cuda(value) = self else { panic!("memory of a CPU on a card") };
        value
    }

    fn cuda_mut(&mut self) -> &mut G {
        let Self::Cuda(value) = self else { panic!("memory of a CPU on a card") };
        value
    }
}

impl From<Cpu> for Place {
    fn from(cpu: Cpu) -> Self {
        Self::Cpu(cpu)
    }
}

impl From<&Cpu> for Place {
    fn from(cpu: &Cpu) -> Self {
        Self::Cpu(cpu.clone())
    }
}

impl From<Cuda> for Place {
    fn from(cuda: Cuda) -> Self {
        Self::Cuda(cuda)
    }
}

impl From<&Place> for Place {
    fn from(place: &Place) -> Self {
        place.clone()
    }
}

type Buffer = At<<Cpu as Backend>::Buffer, <Cuda as Backend>::Buffer>;
type Linear = At<<Cpu as Backend>::Linear, <Cuda as Backend>::Linear>;
type Mixer = At<<Cpu as Backend>::Mixer, <Cuda as Backend>::Mixer>;

impl Backend for Place {
    type Buffer = Buffer;
    type Linear = Linear;
    type Mixer = Mixer;

    fn describe(&self) -> String {
        match self {
            Self::Cpu(cpu) => cpu.describe(),
            Self::Cuda(cuda) => cuda.describe(),
        }
    }

    fn zeros(&self, len: usize) -> Result<Buffer, BackendError> {
        match self {
            Self::Cpu(cpu) => cpu.zeros(len).map(At::Cpu),
            Self::Cuda(cuda) => cuda.zeros(len).map(At::Cuda),
        }
    }

    fn write(
        &self,
        (to, place): (&mut Buffer, Rows),
        rows: usize,
        width: usize,
        values: &[f32],
    ) -> Result<(), BackendError> {
        match self {
            Self::Cpu(cpu) => cpu.write((to.cpu_mut(), place), rows, width, values),
            Self::Cuda(cuda) => cuda.write((to.cuda_mut(), place), rows, width, values),
        }
    }

    fn read(
        &self,
        (from, place): (&Buffer, Rows),
        rows: usize,
        width: usize,
        values: &mut [f32],
    ) -> Result<(), BackendError> {
        match self {
            Self::Cpu(cpu) => cpu.read((from.cpu(), place), rows, width, values),
            Self::Cuda(cuda) => cuda.read((from.cuda(), place), rows, width, values),
        }
    }

    fn pack(&self, matrix: Matrix<'_>, columns: Columns) -> Result<Linear, BackendError> {
        match self {
            Self::Cpu(cpu) => cpu.pack(matrix, columns).map(At::Cpu),
            Self::Cuda(cuda) => cuda.pack(matrix, columns).map(At::Cuda),
        }
    }

    fn linear(
        &self,
        linear: &Linear,
        (x, from): (&Buffer, Rows),
        (y, to): (&mut Buffer, Rows),
        rows: usize,
        epilogue: Epilogue,
    ) -> Result<(), BackendError> {
        match self {
            Self::Cpu(cpu) => cpu.linear(linear.cpu(), (x.cpu(), from), (y.cpu_mut(), to), rows, epilogue),
            Self::Cuda(cuda) => {
                cuda.linear(linear.cuda(), (x.cuda(), from), (y.cuda_mut(), to), rows, epilogue)
            }
        }
    }

    fn rms_norm(
        &self,
        gain: &Buffer,
        (x, from): (&Buffer, Rows),
        (y, to): (&mut Buffer, Rows),
        rows: usize,
        width: usize,
    ) -> Result<(), BackendError> {
        match self {
            Self::Cpu(cpu) => cpu.rms_norm(gain.cpu(), (x.cpu(), from), (y.cpu_mut(), to), rows, width),
            Self::Cuda(cuda) => cuda.rms_norm(gain.cuda(), (x.cuda(), from), (y.cuda_mut(), to), rows, width),
        }
    }

    fn fourier(
        &self,
        frequencies: &Buffer,
        phases: &Buffer,
        (stamps, from): (&Buffer, Rows),
        (y, to): (&mut Buffer, Rows),
        rows: usize,
    ) -> Result<(), BackendError> {
        match self {
            Self::Cpu(cpu) => {
                let (stamps, y) = ((stamps.cpu(), from), (y.cpu_mut(), to));
                cpu.fourier(frequencies.cpu(), phases.cpu(), stamps, y, rows)
            }
            Self::Cuda(cuda) => {
                let (stamps, y) = ((stamps.cuda(), from), (y.cuda_mut(), to));
                cuda.fourier(frequencies.cuda(), phases.cuda(), stamps, y, rows)
            }
        }
    }

    fn mixer(&self, shape: &MixerShape, weights: MixerWeights<'_>) -> Result<Mixer, BackendError> {
        match self {
            Self::Cpu(cpu) => cpu.mixer(shape, weights).map(At::Cpu),
            Self::Cuda(cuda) => cuda.mixer(shape, weights).map(At::Cuda),
        }
    }

    fn mix_step(
        &self,
        mixer: &Mixer,
        state: &mut Buffer,
        rows: &[StreamRow],
        projected: &Buffer,
        u: &Buffer,
        y: &mut Buffer,
    ) -> Result<(), BackendError> {
        match self {
            Self::Cpu(cpu) => {
                let (projected, u, y) = (projected.cpu(), u.cpu(), y.cpu_mut());
                cpu.mix_step(mixer.cpu(), state.cpu_mut(), rows, projected, u, y)
            }
            Self::Cuda(cuda) => {
                let (projected, u, y) = (projected.cuda(), u.cuda(), y.cuda_mut());
                cuda.mix_step(mixer.cuda(), state.cuda_mut(), rows, projected, u, y)
            }
        }
    }

    fn mix_sequence(
        &self,
        mixer: &Mixer,
        sequences: usize,
        steps: usize,
        projected: &Buffer,
        u: &Buffer,
        y: &mut Buffer,
    ) -> Result<(), BackendError> {
        match self {
            Self::Cpu(cpu) => {
                let (projected, u, y) = (projected.cpu(), u.cpu(), y.cpu_mut());
                cpu.mix_sequence(mixer.cpu(), sequences, steps, projected, u, y)
            }
            Self::Cuda(cuda) => {
                let (projected, u, y) = (projected.cuda(), u.cuda(), y.cuda_mut());
                cuda.mix_sequence(mixer.cuda(), sequences, steps, projected, u, y)
            }
        }
    }

    fn heads(
        &self,
        shape: HeadShape,
        raw: &Buffer,
        outputs: &mut Buffer,
        rows: usize,
    ) -> Result<(), BackendError> {
        match self {
            Self::Cpu(cpu) => cpu.heads(shape, raw.cpu(), outputs.cpu_mut(), rows),
            Self::Cuda(cuda) => cuda.heads(shape, raw.cuda(), outputs.cuda_mut(), rows),
        }
    }
}
