//! The host shim: the same `.cu`, compiled by a C++ compiler, its threads as fibers. A second execution that
//! shares nothing with NVIDIA's compiler.

use std::env;
use std::ffi::{CStr, CString, OsString, c_char, c_void};
use std::fmt;
use std::fs;
use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use genovo_kernels::backend::BackendError;
use genovo_kernels::backend::cuda::{Cuda, Device, Kernel, Launch};
use genovo_kernels::cpu::CpuLevel;
use libloading::Library;
use tempfile::TempDir;

use crate::compilers::{SOURCES, file, missing, read};
use crate::{operations, steps, training};

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

/// Compiles the sources, some of them edited: (path, text).
fn compile(edited: &[(&str, String)], flags: &[&str]) -> Result<Compiled, String> {
    let folder = tempfile::tempdir().unwrap();
    for path in
        SOURCES.map(|path| format!("{path}.cu")).iter().map(String::as_str).chain(["scalar/scalar.cuh"])
    {
        let edited = edited.iter().find(|(name, _)| *name == path).map(|(_, text)| text.clone());
        let text = edited.unwrap_or_else(|| read(&format!("src/{path}")));
        fs::write(folder.path().join(path.rsplit('/').next().unwrap()), text).unwrap();
    }
    let library = folder.path().join("kernels.so");
    let mut command = Command::new(compiler());
    command.args(["-std=c++20", "-ffp-contract=off", "-fPIC", "-shared"]);
    // A broken kernel is run once: what it costs is to compile it.
    command.arg(if edited.is_empty() { "-O2" } else { "-O1" });
    command.args(["-Wall", "-Werror", "-Wno-unknown-pragmas"]);
    if CpuLevel::detect() > CpuLevel::Scalar {
        command.arg("-mfma");
    }
    command.args(flags).arg("-I").arg(folder.path()).arg("-I").arg(file("tests/cuda/shim"));
    let done = command.arg(file("tests/cuda/shim/shim.cpp")).arg("-o").arg(&library).output().unwrap();
    if !done.status.success() {
        return Err(String::from_utf8_lossy(&done.stderr).into_owned());
    }
    // SAFETY: the library was just made of our own source.
    let library = unsafe { Library::new(&library) }.unwrap();
    // SAFETY: `shim.cpp` declares it so.
    let run = *unsafe { library.get::<Run>(b"shim_launch") }.unwrap();
    Ok(Compiled { run: Mutex::new(run), _library: library, _folder: folder })
}

fn compiler() -> OsString {
    env::var_os("CXX").unwrap_or_else(|| "g++".into())
}

/// A machine whose threads run in an order drawn from a seed; 0 is the order of their numbers.
pub struct Shim {
    seed: u64,
    compiled: Arc<Compiled>,
}

impl Shim {
    /// The kernels as they are, or none without a compiler, which was said.
    pub fn find(seed: u64) -> Option<Self> {
        static COMPILED: OnceLock<Arc<Compiled>> = OnceLock::new();
        if Command::new(compiler()).arg("--version").output().is_err() {
            missing("a C++ compiler");
            return None;
        }
        let made = || Arc::new(compile(&[], &[]).unwrap_or_else(|log| panic!("{log}")));
        Some(Self { seed, compiled: Arc::clone(COMPILED.get_or_init(made)) })
    }

    /// The kernels with changes in their text.
    pub fn edited(seed: u64, edited: &[(&str, String)], flags: &[&str]) -> Result<Self, String> {
        Ok(Self { seed, compiled: Arc::new(compile(edited, flags)?) })
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
    let sizes =
        [(7, operations::Size::Full), (0, operations::Size::Small), (1_000_004, operations::Size::Small)];
    for (seed, size) in sizes {
        let Some(shim) = Shim::find(seed) else { return };
        operations::have_the_bits_of_the_cpu(&Cuda::on(shim), size);
    }
}

#[test]
fn training_on_the_host_shim_has_the_bits_of_the_cpu() {
    let sizes =
        [(9, operations::Size::Full), (0, operations::Size::Small), (1_000_006, operations::Size::Small)];
    for (seed, size) in sizes {
        let Some(shim) = Shim::find(seed) else { return };
        training::has_the_bits_of_the_cpu(&Cuda::on(shim), size);
    }
}

#[test]
fn steps_of_training_on_the_host_shim_have_the_bits_of_the_cpu() {
    let Some(shim) = Shim::find(8) else { return };
    steps::have_the_bits_of_the_cpu(&Cuda::on(shim), operations::Size::Small);
}

#[test]
fn models_on_the_host_shim_have_the_bits_of_the_cpu() {
    let Some(shim) = Shim::find(3) else { return };
    operations::models_have_the_bits_of_the_cpu(&Cuda::on(shim), 20);
}

#[test]
fn the_shim_sees_a_barrier_that_not_all_threads_reach() {
    let Some(shim) = Shim::find(0) else { return };
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
