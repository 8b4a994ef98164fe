//! The machine: kernels made ready, memory, warps.

pub mod arithmetic;
pub mod block;
pub mod compute;
pub mod decode;
pub mod execute;
pub mod finding;
pub mod instruction;
pub mod launch;
pub mod memory;
pub mod opcode;
pub mod shadow;
pub mod transfer;
pub mod warp;
mod words;
