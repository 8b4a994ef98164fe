//! What the rungs share: every level of this machine's CPU, and numbers to compute with.

use genovo_kernels::backend::Cpu;
use genovo_kernels::cpu::CpuLevel;

#[allow(dead_code)]
#[path = "../it/support.rs"]
mod numbers;

pub use numbers::numbers;

/// Every level of this machine, on one thread.
pub fn levels() -> Vec<Cpu> {
    CpuLevel::ALL.into_iter().filter_map(|level| Cpu::new(level, 1).ok()).collect()
}
