//! The ladder: how the CUDA kernels are shown to have the bits of the CPU without a card. Each module is a
//! rung; `docs/gpu.md` tells what each can see.

mod card;
mod compilers;
mod mutants;
mod operations;
mod ptx;
mod shim;
mod stand_in;
mod steps;
mod support;
mod targets;
mod training;
