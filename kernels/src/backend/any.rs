//! A backend that is chosen while the program runs.

use super::cuda::Cuda;
use super::{Backend, Cpu};

/// One of the backends that there are. Clones share it.
#[derive(Clone, Debug)]
pub enum AnyBackend {
    /// The processor.
    Cpu(Cpu),
    /// A card.
    Cuda(Cuda),
}

impl AnyBackend {
    /// What it is, for a reader: `cpu avx512, 2 threads`, `cuda, NVIDIA H100`.
    pub fn describe(&self) -> String {
        match self {
            AnyBackend::Cpu(cpu) => cpu.describe(),
            AnyBackend::Cuda(cuda) => cuda.describe(),
        }
    }

    /// Whether it is a card.
    pub fn is_card(&self) -> bool {
        matches!(self, AnyBackend::Cuda(_))
    }
}

impl From<Cpu> for AnyBackend {
    fn from(cpu: Cpu) -> Self {
        Self::Cpu(cpu)
    }
}

impl From<Cuda> for AnyBackend {
    fn from(cuda: Cuda) -> Self {
        Self::Cuda(cuda)
    }
}
