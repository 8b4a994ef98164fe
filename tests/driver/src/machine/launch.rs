//! A launch: every block of a grid, in an order that a seed decides.

use super::block::{Block, Random};
use super::finding::{Check, Finding};
use super::instruction::Program;
use super::memory::Memory;
use super::warp::Surroundings;

/// Limits of the device.
pub const MOST_THREADS: u32 = 1024;
pub const MOST_EXTENTS: [u32; 3] = [1024, 1024, 64];
pub const MOST_BLOCKS: [u32; 3] = [i32::MAX as u32, 65535, 65535];
/// Shared memory of a block without asking for more, and at most.
pub const SHARED: u32 = 48 << 10;
pub const MOST_SHARED: u32 = 227 << 10;

/// What a launch asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Blocks in x, y, z.
    pub blocks: [u32; 3],
    /// Threads of a block in x, y, z.
    pub threads: [u32; 3],
    /// Dynamic shared memory in bytes.
    pub dynamic: u32,
    /// The most dynamic shared memory that the kernel was allowed.
    pub allowed: u32,
}

/// How a launch is carried out.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    /// Decides who goes first; 0: each in its turn.
    pub seed: u64,
    /// The most instructions of threads.
    pub limit: u64,
}

/// How many there are of three extents, each as large as a caller likes.
pub fn count(extents: &[u32; 3]) -> u64 {
    extents.iter().fold(1, |all, extent| u64::from(*extent).saturating_mul(all))
}

/// Whether a launch keeps to the limits of the device and of the kernel.
pub fn check_shape(program: &Program, shape: &Shape) -> Result<(), Finding> {
    let wrong = |message: String| {
        Err(Finding {
            check: Check::Limit,
            kernel: program.name.clone(),
            line: 0,
            block: [0; 3],
            thread: [0; 3],
            message,
        })
    };
    let threads = count(&shape.threads);
    let fits = |extents: &[u32; 3], most: &[u32; 3]| {
        extents.iter().zip(most).all(|(extent, most)| (1..=*most).contains(extent))
    };
    if !fits(&shape.threads, &MOST_EXTENTS) || threads > u64::from(MOST_THREADS) {
        return wrong(format!(
            "blocks of {:?} threads; the device has {MOST_THREADS} at most",
            shape.threads
        ));
    }
    if !fits(&shape.blocks, &MOST_BLOCKS) {
        return wrong(format!("{:?} blocks; the device has {MOST_BLOCKS:?} at most", shape.blocks));
    }
    let blocks = count(&shape.blocks);
    if blocks > u64::from(u32::MAX) {
        return wrong(format!("{blocks} blocks; the stand-in counts to {}", u32::MAX));
    }
    if let Some(most) = program.most_threads
        && threads > count(&most)
    {
        return wrong(format!("blocks of {threads} threads; the kernel is made for {most:?} at most"));
    }
    if let Some(required) = program.required_threads
        && shape.threads != required
    {
        return wrong(format!("blocks of {:?} threads; the kernel requires {required:?}", shape.threads));
    }
    let shared = program.shared_bytes + u64::from(shape.dynamic);
    if shape.dynamic > shape.allowed || shared > u64::from(SHARED.max(shape.allowed)) {
        return wrong(format!(
            "{shared} bytes of shared memory, {} of them dynamic; the kernel is allowed {}",
            shape.dynamic, shape.allowed
        ));
    }
    Ok(())
}

/// Carries a launch out; gives how many instructions threads have done.
pub fn launch(
    program: &Program,
    memory: &mut Memory,
    arguments: &[u8],
    shape: &Shape,
    schedule: Schedule,
) -> Result<u64, Finding> {
    check_shape(program, shape)?;
    let wanted = program.parameters.iter().map(|(offset, size)| offset + size).max().unwrap_or(0);
    if (arguments.len() as u64) < wanted {
        return Err(Finding {
            check: Check::Limit,
            kernel: program.name.clone(),
            line: 0,
            block: [0; 3],
            thread: [0; 3],
            message: format!("{} bytes of arguments, where the kernel takes {wanted}", arguments.len()),
        });
    }
    memory.begin();
    let around = Surroundings {
        block: [0; 3],
        blocks: shape.blocks,
        threads: shape.threads,
        dynamic: shape.dynamic,
        shared: program.shared_bytes as u32 + shape.dynamic,
    };
    let count = shape.blocks.iter().product::<u32>();
    let (start, step) = order(schedule.seed, count);
    let mut block = Block::new(program, memory, arguments, around, schedule.seed, schedule.limit);
    for index in 0..u64::from(count) {
        let number = ((start + index * step) % u64::from(count)) as u32;
        block.run_block(number).map_err(|(warp, (line, fault))| Finding {
            check: fault.check,
            kernel: program.name.clone(),
            line,
            block: block.block_place(number),
            thread: around.thread(warp * 32 + fault.lane),
            message: fault.message,
        })?;
    }
    Ok(block.executed)
}

/// Where blocks start and by how many they go on, so that each comes once.
fn order(seed: u64, count: u32) -> (u64, u64) {
    if seed == 0 {
        return (0, 1);
    }
    let mut random = Random::new(seed ^ 0x5eed);
    let start = random.below(u64::from(count));
    loop {
        let step = random.below(u64::from(count)).max(1);
        let (mut a, mut b) = (u64::from(count), step);
        while b != 0 {
            (a, b) = (b, a % b);
        }
        if a == 1 {
            return (start, step);
        }
    }
}
