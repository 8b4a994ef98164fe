//! Numbers in, numbers out: functions and kernels whose bits are the same on every machine.
//!
//! A trading decision must replay to the bit on another machine, years later. `std`'s exp, ln, sin and
//! their like come from the C library, which picks other code for other CPUs and promises no bits. So the
//! functions are written here, from operations that IEEE 754 rounds exactly.
//!
//! - [`scalar`] has the elementary functions, f64 and f32, each with its measured error.
//! - [`random`] has random numbers that are pure functions of seed, purpose, id and draw.
//! - [`cpu`] tells which vector instructions this machine has.
//! - [`backend`] is where a model computes, operation by operation: [`backend::Cpu`], at a level of vector
//!   instructions, with threads.
//! - [`linear`], [`mixer`], [`norm`], [`fourier`], [`heads`] are the operations, one folder each: the
//!   contract, the plain truth, the vector form.
//! - [`model`] is the network that they make up, [`checkpoint`] its weights as a file.
//! - [`training`] goes the other way: [`activation`], [`gate`], [`attention`], [`convolution`] and the
//!   modules named `training` are the operations with their gradients, [`losses`] what is made small,
//!   [`optimiser`] the step, [`returns`] what a policy learns from.
//! - [`tensor`] is their memory, [`reading`] how fast that can be read.
//!
//! **Exact** in a module's docs means: the same bits on every machine, backend and run. The word makes no
//! claim about closeness to the true value; that is the ulp figure next to it.
//!
//! This crate has never heard of a price, an order or an event, and reads no clock, file or environment.

pub mod activation;
pub mod attention;
pub mod backend;
pub mod checkpoint;
pub mod convolution;
pub mod cpu;
pub mod fourier;
pub mod gate;
pub mod heads;
mod lanes;
pub mod linear;
pub mod losses;
pub mod mixer;
pub mod model;
pub mod norm;
pub mod optimiser;
pub mod random;
pub mod reading;
pub mod returns;
pub mod scalar;
mod share;
mod team;
pub mod tensor;
pub mod training;
