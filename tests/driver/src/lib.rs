//! A stand-in for the CUDA driver, for machines without a GPU: a `libcuda` that executes PTX on the CPU, every check
//! on. Programs open it like the real one; nothing in them knows of it.
//!
//! - `ptx`: text to a tree; what is not executed is an error that names the line.
//! - `machine`: kernels made ready, 32 lanes in step, warps in an order that a seed decides, memory with exact bounds
//!   that knows what was written and who accessed it.
//! - `driver`: the entry points, streams, events and graphs.
//! - [`lint()`]: what PTX must not contain if its floats are to have the same bits on every machine.
//!
//! A test finds the library with [`folder`] and gives it to a child process in `LD_LIBRARY_PATH`. Variables of the
//! environment that only the stand-in knows:
//!
//! | variable | meaning |
//! |---|---|
//! | `GENOVO_DRIVER_SEED` | who goes first; 0, if not given: each in its turn, work done when it is asked for |
//! | `GENOVO_DRIVER_FAULT` | parts with commas, see below |
//! | `GENOVO_DRIVER_REPORT` | a file: counts and findings as JSON |
//! | `GENOVO_DRIVER_LIMIT` | the most instructions of threads in one launch |
//!
//! Faults: `no_device`, `out_of_memory_after=ALLOCATIONS`, `memory=BYTES`, `lost_device_after_launches=LAUNCHES`,
//! `old_driver=11040`. A report is written with every finding and when the context is released.
//!
//! What it does not model: the order in which writes of one block become visible to others (blocks that meet in memory
//! are a finding, fences or not), time, caches, registers that spill, more than one device, two streams that the
//! default stream would hold back.

mod driver;
mod lint;
mod machine;
mod ptx;

#[cfg(test)]
mod tests;

use std::path::PathBuf;

pub use lint::{Finding as LintFinding, lint};

/// A folder that holds the stand-in as `libcuda.so`, for `LD_LIBRARY_PATH` of a child process; the folder is the
/// caller's to delete.
///
/// # Panics
/// If the library does not lie beside the test that runs, where cargo builds it, or the folder cannot be made.
pub fn folder() -> PathBuf {
    let program = std::env::current_exe().expect("a running program has a path");
    // target/PROFILE/deps/test-…, or target/PROFILE/program
    let library = program
        .ancestors()
        .skip(1)
        .take(2)
        .flat_map(|folder| [folder.join("libgenovo_driver.so"), folder.join("deps/libgenovo_driver.so")])
        .find(|path| path.is_file())
        .expect("cargo builds libgenovo_driver.so beside the tests that depend on it");
    static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("genovo-driver-{}-{count}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder for the link");
    std::os::unix::fs::symlink(library, folder.join("libcuda.so")).expect("a link to the library");
    folder
}
