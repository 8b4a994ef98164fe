//! The host shim: the same `.cu`, compiled by a C++ compiler, its threads as fibers. A second execution that
//! shares nothing with NVIDIA's compiler.

use std::env;
use std::ffi::{CStr, CString, c_char, c_void};
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use genovo_kernels::backend::BackendError;
use genovo_kernels::backend::cuda::{Cuda, Device, Kernel, Launch};
use libloading::Library;
use tempfile::TempDir;

use crate::operations;

/// Runs a kernel; null, or why it could not be run.
type Run = unsafe extern "C" fn(
    *const c_char,
    *const u32,
    *const u32,
    u32,
    u64,
    *const *const c_void,
) -> *const c_char;

/// The kernels as a library of this machine.
struct Compiled {
    /// One at a time: the fibers are the library's own.
    run: Mutex<Run>,
    _library: Library,
    _folder: TempDir,
}

/// The folder of a crate's file.
fn source(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn compile() -> Compiled {
    let folder = tempfile::tempdir().unwrap();
    let library = folder.path().join("kernels.so");
    let compiler = env::var_os("CXX").unwrap_or_else(|| "g++".into());
    let mut command = Command::new(&compiler);
    command.args(["-std=c++20", "-O2", "-mfma", "-ffp-contract=off", "-fPIC", "-shared"]);
    command.args(["-Wall", "-Werror", "-Wno-unknown-pragmas"]);
    let folders = ["scalar", "linear", "norm", "fourier", "heads", "mixer", "backend/cuda"];
    for folder in folders {
        command.arg("-I").arg(source("src").join(folder));
    }
    command.arg(source("tests/cuda/shim/shim.cpp")).arg("-o").arg(&library);
    let done = command.output();
    let done = done.unwrap_or_else(|error| panic!("{compiler:?} is needed for the host shim: {error}"));
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    // SAFETY: the library was just made of our own source.
    let library = unsafe { Library::new(&library) }.unwrap();
    // SAFETY: `shim.cpp` declares it so.
    let run = *unsafe { library.get::<Run>(b"shim_launch") }.unwrap();
    Compiled { run: Mutex::new(run), _library: library, _folder: folder }
}

/// A machine whose threads run in an order drawn from a seed; 0 is the order of their numbers.
pub struct Shim {
    seed: u64,
    compiled: &'static Compiled,
}

impl Shim {
    pub fn new(seed: u64) -> Self {
        static COMPILED: OnceLock<Compiled> = OnceLock::new();
        Self { seed, compiled: COMPILED.get_or_init(compile) }
    }

    fn run(&self) -> MutexGuard<'_, Run> {
        self.compiled.run.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Shim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "host shim, seed {}", self.seed)
    }
}

/// Memory of the host, in words, so that it begins where four floats may.
#[derive(Debug)]
pub struct Words(Box<[u128]>);

impl Device for Shim {
    type Memory = Words;

    fn describe(&self) -> String {
        format!("{self:?}")
    }

    fn zeros(&self, bytes: usize) -> Result<Words, BackendError> {
        Ok(Words(vec![0; bytes.div_ceil(size_of::<u128>()) + 1].into_boxed_slice()))
    }

    fn address(memory: &Words) -> u64 {
        memory.0.as_ptr() as u64
    }

    unsafe fn upload(&self, to: u64, bytes: &[u8]) -> Result<(), BackendError> {
        // SAFETY: the caller's promise.
        unsafe { (to as *mut u8).copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
        Ok(())
    }

    unsafe fn download(&self, from: u64, bytes: &mut [u8]) -> Result<(), BackendError> {
        // SAFETY: the caller's promise.
        unsafe { (from as *const u8).copy_to_nonoverlapping(bytes.as_mut_ptr(), bytes.len()) };
        Ok(())
    }

    unsafe fn launch(&self, kernel: Kernel, launch: Launch, arguments: &[u64]) -> Result<(), BackendError> {
        let name = CString::new(kernel.name()).unwrap();
        let words: Vec<*const c_void> =
            arguments.iter().map(|word| std::ptr::from_ref(word).cast()).collect();
        let run = self.run();
        // SAFETY: the caller's promise; the library copies what the words point to.
        let failure = unsafe {
            let (grid, block) = (launch.grid.as_ptr(), launch.block.as_ptr());
            run(name.as_ptr(), grid, block, launch.shared, self.seed, words.as_ptr())
        };
        if failure.is_null() {
            return Ok(());
        }
        // SAFETY: a text that lives as long as the library.
        let message = unsafe { CStr::from_ptr(failure) }.to_string_lossy().into_owned();
        Err(BackendError { backend: "host shim", message: format!("{}: {message}", kernel.name()) })
    }
}

#[test]
fn the_host_shim_has_the_bits_of_the_cpu() {
    operations::have_the_bits_of_the_cpu(&Cuda::on(Shim::new(7)), operations::Size::Full);
    for seed in [0, 1_000_004] {
        operations::have_the_bits_of_the_cpu(&Cuda::on(Shim::new(seed)), operations::Size::Small);
    }
}

#[test]
fn models_on_the_host_shim_have_the_bits_of_the_cpu() {
    operations::models_have_the_bits_of_the_cpu(&Cuda::on(Shim::new(3)));
}

#[test]
fn the_shim_sees_a_barrier_that_not_all_threads_reach() {
    let shim = Shim::new(0);
    // A warp and a half: the shuffle in `mix_step` has no partner for the last threads.
    let launch = Launch { grid: [1, 1], block: [48, 1, 1], shared: 40_000 };
    let memory = shim.zeros(1 << 20).unwrap();
    let mut head = Vec::new();
    for word in [1u32, 0, 1, 0, 16, 32, 64, 4] {
        head.extend(word.to_le_bytes());
    }
    let place = Shim::address(&memory);
    // SAFETY: all within the memory, and all sizes are 1.
    let error = unsafe {
        shim.upload(place, &head).unwrap();
        let far = |n: u64| place + n * 4096;
        let words = [far(1), far(2), place, far(3), far(4), far(5), far(6), far(7), 1, 1, 0, 0];
        shim.launch(Kernel::MixStep, launch, &words).unwrap_err()
    };
    assert_eq!(error.to_string(), "host shim: mix_step: a shuffle of less than a warp");
}
