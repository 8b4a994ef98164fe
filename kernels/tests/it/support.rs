//! What tests of kernels share: every CPU that this machine can be, and numbers to compute with.

use genovo_kernels::backend::Cpu;
use genovo_kernels::cpu::CpuLevel;
use genovo_kernels::random::RandomKey;

/// Every level of this machine, each with one thread and with two. A level that it lacks is named.
pub fn cpus() -> Vec<Cpu> {
    let mut cpus = Vec::new();
    for level in CpuLevel::ALL {
        for threads in [1, 2] {
            match Cpu::new(level, threads) {
                Ok(cpu) => cpus.push(cpu),
                Err(error) => println!("skipped: {error}"),
            }
        }
    }
    cpus
}

/// Numbers around 1, and among them zeros of both signs, subnormals, and numbers far from 1 in either
/// direction.
pub fn numbers(id: u64, purpose: u32, len: usize) -> Vec<f32> {
    let key = RandomKey { seed: 11, purpose, id };
    let number = |n: usize| {
        let draw = n as u32;
        let value = key.normal(draw) as f32;
        match key.below(draw, 24) {
            0 => 0.0,
            1 => -0.0,
            2 => value * 1e-39,
            3 => value * 1e-22,
            4 => value * 1e6,
            _ => value,
        }
    };
    (0..len).map(number).collect()
}
