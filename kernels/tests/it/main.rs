//! All integration tests of genovo-kernels in one binary.

mod attention;
mod bits;
mod checkpoint;
mod edges;
mod every_float;
mod golden;
mod golden_model;
mod golden_training;
mod linear;
mod mixer;
mod model;
mod properties;
mod rows;
mod sensitivity;
mod support;
mod tidy;
mod training;
mod twin;
