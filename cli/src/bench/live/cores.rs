//! Cores: which threads keep to which, and how much of them a run used.

use std::time::Duration;

use rustix::thread::{CpuSet, sched_setaffinity};

/// Keeps the calling thread to a core; whether the system has it.
pub fn keep_to(core: usize) -> bool {
    if core >= CpuSet::MAX_CPU {
        return false;
    }
    let mut set = CpuSet::new();
    set.set(core);
    sched_setaffinity(None, &set).is_ok()
}

/// Processor time that this process has used on all cores.
pub fn used() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.max(0) as u64, time.tv_nsec.clamp(0, 999_999_999) as u32)
}
