//! The `genovo` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    genovo::run(genovo_engine::strategy::Registry::default())
}
