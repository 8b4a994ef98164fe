//! All integration tests of genovo-kernels in one binary.

mod bits;
mod edges;
mod every_float;
mod golden;
mod linear;
mod mixer;
mod properties;
mod rows;
mod support;
mod tidy;
