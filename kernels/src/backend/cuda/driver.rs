//! NVIDIA's driver, `libcuda`, found while the program runs: a machine without it lacks a backend and nothing
//! else. No other part of CUDA is needed.

use std::borrow::Cow;
use std::ffi::CString;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cudarc::driver::result::{self, DriverError};
use cudarc::driver::sys::{self, CUdevice_attribute_enum as Attribute, CUresult};

use super::super::BackendError;
use super::device::{Device, Kernel, Launch, MODULES};
use super::queue::Queue;

/// The oldest driver that reads the kernels: CUDA 11.0.
const DRIVER_MIN: i32 = 11_000;
/// The oldest generation of cards that the kernels are made for: Ampere.
const CAPABILITY_MIN: (i32, i32) = (8, 0);
/// The oldest driver that has graphs in the form that is used here: CUDA 11.4.
const GRAPHS_MIN: i32 = 11_040;
/// The least memory that is allocated.
const ALLOCATED_MIN: usize = 256;
/// The most arguments that a kernel has.
pub(super) const ARGUMENTS: usize = 16;

/// A card as the driver knows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Card {
    /// Its name.
    pub name: String,
    /// The generation of its instructions.
    pub capability: (i32, i32),
    /// Its memory in all, in bytes.
    pub memory: usize,
}

impl Card {
    /// Whether it runs the kernels.
    pub fn fits(&self) -> bool {
        self.capability >= CAPABILITY_MIN
    }
}

/// What there is on this machine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
    /// The version of CUDA that the driver speaks, as 1000 · major + 10 · minor.
    pub version: i32,
    /// The cards.
    pub cards: Vec<Card>,
}

/// A version of CUDA for a reader.
pub fn version_text(version: i32) -> String {
    format!("{}.{}", version / 1000, version % 1000 / 10)
}

fn error(message: String) -> BackendError {
    BackendError { backend: "cuda", message }
}

/// What failed, why, and what to do about it.
pub(super) fn failed(what: &str, DriverError(code): DriverError) -> BackendError {
    let remedy = match code {
        CUresult::CUDA_ERROR_NO_DEVICE => "there is no card that the driver can use: compute on the CPU",
        CUresult::CUDA_ERROR_OUT_OF_MEMORY => {
            "the card has too little free memory: close what else uses it, take a smaller model or precision, or \
             compute on the CPU"
        }
        CUresult::CUDA_ERROR_UNSUPPORTED_PTX_VERSION
        | CUresult::CUDA_ERROR_INVALID_PTX
        | CUresult::CUDA_ERROR_NO_BINARY_FOR_GPU
        | CUresult::CUDA_ERROR_SYSTEM_DRIVER_MISMATCH
        | CUresult::CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE => {
            "the driver does not take the kernels: install one of CUDA 11.0 or newer and restart the machine"
        }
        CUresult::CUDA_ERROR_DEVICE_UNAVAILABLE
        | CUresult::CUDA_ERROR_ECC_UNCORRECTABLE
        | CUresult::CUDA_ERROR_ILLEGAL_ADDRESS
        | CUresult::CUDA_ERROR_LAUNCH_FAILED
        | CUresult::CUDA_ERROR_LAUNCH_TIMEOUT
        | CUresult::CUDA_ERROR_HARDWARE_STACK_ERROR
        | CUresult::CUDA_ERROR_UNKNOWN => {
            "the card is lost to this process: see nvidia-smi and the system's log, then start again or compute \
             on the CPU"
        }
        _ => "see nvidia-smi, or compute on the CPU",
    };
    error(format!("{what} failed with {code:?}; {remedy}"))
}

/// Whether the driver's library is there.
fn library() -> Result<(), BackendError> {
    // SAFETY: it opens the driver's library by its usual names and calls nothing.
    if unsafe { sys::is_culib_present() } {
        return Ok(());
    }
    Err(error(
        "there is no libcuda on this machine: install NVIDIA's driver, or compute on the CPU".to_owned(),
    ))
}

/// The driver's version.
fn started() -> Result<i32, BackendError> {
    library()?;
    result::init().map_err(|code| failed("starting the driver", code))?;
    let mut version = 0;
    // SAFETY: the driver writes one number.
    let code = unsafe { sys::cuDriverGetVersion(&raw mut version) };
    code.result().map_err(|code| failed("asking for the driver's version", code))?;
    Ok(version)
}

fn card(number: i32) -> Result<(Card, sys::CUdevice), BackendError> {
    let asking = |code| failed("asking what card there is", code);
    let device = result::device::get(number).map_err(asking)?;
    // SAFETY: the device was just given by the driver.
    let attribute = |which| unsafe { result::device::get_attribute(device, which) }.map_err(asking);
    let capability = (
        attribute(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)?,
        attribute(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)?,
    );
    // SAFETY: as above.
    let memory = unsafe { result::device::total_mem(device) }.map_err(asking)?;
    Ok((Card { name: result::device::get_name(device).map_err(asking)?, capability, memory }, device))
}

/// What driver and cards this machine has.
///
/// # Errors
/// When it has no driver, or the driver fails.
pub fn look() -> Result<Found, BackendError> {
    let version = started()?;
    let count = result::device::get_count().map_err(|code| failed("counting the cards", code))?;
    let cards: Result<Vec<Card>, BackendError> = (0..count).map(|number| Ok(card(number)?.0)).collect();
    Ok(Found { version, cards: cards? })
}

/// The driver's context of a card, given back when nobody uses it any more.
struct Context {
    device: sys::CUdevice,
    raw: sys::CUcontext,
}

// SAFETY: contexts may be used by any thread that made them current.
unsafe impl Send for Context {}
// SAFETY: as above; the driver has its own locks.
unsafe impl Sync for Context {}

impl Context {
    /// Makes this thread's calls go to the card.
    fn enter(&self) -> Result<(), BackendError> {
        // SAFETY: the context lives as long as `self`.
        unsafe { result::ctx::set_current(self.raw) }.map_err(|code| failed("turning to the card", code))
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: it was retained once.
        let _ = unsafe { result::primary_ctx::release(self.device) };
    }
}

/// What works and memory of a card share; it goes when the last of them goes.
struct Shared {
    queue: Mutex<Queue>,
    modules: Vec<sys::CUmodule>,
    context: Context,
}

// SAFETY: handles of the driver may be used by any thread; the queue, with its page-locked memory, is behind a lock.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

impl Shared {
    /// The queue, for calls of this thread.
    fn queue(&self) -> Result<MutexGuard<'_, Queue>, BackendError> {
        self.context.enter()?;
        Ok(self.queue.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if self.context.enter().is_err() {
            return;
        }
        self.queue.get_mut().unwrap_or_else(PoisonError::into_inner).close();
        for module in &self.modules {
            // SAFETY: it was loaded once, and nobody uses it any more.
            let _ = unsafe { result::module::unload(*module) };
        }
    }
}

/// Memory of the card.
pub struct Memory {
    address: u64,
    bytes: usize,
    shared: Arc<Shared>,
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes of the card", self.bytes)
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        if let Ok(mut queue) = self.shared.queue() {
            // What is kept back may still be about it.
            let _ = queue.release();
            // SAFETY: it was allocated in this context; the driver waits for whoever still uses it.
            let _ = unsafe { result::free_sync(self.address) };
        }
    }
}

/// One card, with the kernels loaded and one stream of work.
pub struct Driver {
    text: String,
    shared: Arc<Shared>,
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Driver {
    /// The card of this number, as the driver counts them.
    ///
    /// # Errors
    /// When there is no driver or no such card, when either is too old, or has no memory.
    pub fn open(number: usize) -> Result<Self, BackendError> {
        Self::open_with(number, |_, own| Cow::Borrowed(own))
    }

    /// The same with other kernels: `ptx` gets the path of a source, `linear/linear`, and what it was compiled
    /// to, and returns what to load.
    ///
    /// # Errors
    /// As [`Driver::open`].
    pub fn open_with(
        number: usize,
        ptx: impl Fn(&str, &'static str) -> Cow<'static, str>,
    ) -> Result<Self, BackendError> {
        let version = started()?;
        if version < DRIVER_MIN {
            let (has, needs) = (version_text(version), version_text(DRIVER_MIN));
            return Err(error(format!(
                "the driver speaks CUDA {has}, the kernels need {needs}: install a newer driver, or compute on the CPU"
            )));
        }
        let count = result::device::get_count().map_err(|code| failed("counting the cards", code))?;
        let ordinal = i32::try_from(number).ok().filter(|number| *number < count);
        let Some(ordinal) = ordinal else {
            return Err(error(format!("there is no card {number}, but {count} in all: compute on the CPU")));
        };
        let (card, device) = card(ordinal)?;
        if !card.fits() {
            let ((major, minor), (least, _)) = (card.capability, CAPABILITY_MIN);
            let name = &card.name;
            return Err(error(format!(
                "{name} has compute capability {major}.{minor}, the kernels need {least}.0: compute on the CPU"
            )));
        }
        // SAFETY: the device was just given by the driver.
        let raw = unsafe { result::primary_ctx::retain(device) };
        let raw = raw.map_err(|code| failed("opening the card", code))?;
        let context = Context { device, raw };
        context.enter()?;
        let (modules, functions) = load(ptx)?;
        let queue = Queue::new(functions, version >= GRAPHS_MIN)?;
        let shared = Shared { queue: Mutex::new(queue), modules, context };
        Ok(Self { text: format!("cuda, {}", card.name), shared: Arc::new(shared) })
    }
}

/// Loads the kernels into the current context, which unloads them when it ends.
fn load(
    ptx: impl Fn(&str, &'static str) -> Cow<'static, str>,
) -> Result<(Vec<sys::CUmodule>, Vec<sys::CUfunction>), BackendError> {
    let mut modules = Vec::with_capacity(MODULES.len());
    let mut functions = Vec::with_capacity(Kernel::ALL.len());
    for module in MODULES {
        let text = CString::new(ptx(module.path, module.ptx).as_ref())
            .map_err(|_| error("a module with a NUL".to_owned()))?;
        // SAFETY: the text ends with a NUL.
        let loaded = unsafe { result::module::load_data(text.as_ptr().cast()) };
        let loaded = loaded.map_err(|code| failed("loading the kernels", code))?;
        modules.push(loaded);
        for kernel in module.kernels {
            let name = CString::new(kernel.name()).map_err(|_| error("a name with a NUL".to_owned()))?;
            // SAFETY: the module was just loaded.
            let function = unsafe { result::module::get_function(loaded, name) };
            functions.push(function.map_err(|code| failed("finding a kernel", code))?);
        }
    }
    Ok((modules, functions))
}

impl Device for Driver {
    type Memory = Memory;

    fn describe(&self) -> String {
        self.text.clone()
    }

    fn zeros(&self, bytes: usize) -> Result<Memory, BackendError> {
        let mut queue = self.shared.queue()?;
        let bytes = if bytes == 0 { ALLOCATED_MIN } else { bytes };
        let what = || format!("allocating {bytes} bytes");
        // SAFETY: freed when the memory is dropped, and set before anything else is asked of it.
        unsafe {
            let address = result::malloc_sync(bytes).map_err(|code| failed(&what(), code))?;
            let cleared = queue.clear(address, bytes);
            drop(queue);
            let memory = Memory { address, bytes, shared: Arc::clone(&self.shared) };
            cleared.map_err(|code| failed(&what(), code))?;
            Ok(memory)
        }
    }

    fn address(memory: &Memory) -> u64 {
        memory.address
    }

    unsafe fn upload(&self, to: u64, bytes: &[u8]) -> Result<(), BackendError> {
        // SAFETY: the caller's promise.
        unsafe { self.shared.queue()?.upload(to, bytes) }
    }

    unsafe fn download(&self, from: u64, bytes: &mut [u8]) -> Result<(), BackendError> {
        // SAFETY: the caller's promise.
        unsafe { self.shared.queue()?.download(from, bytes) }
    }

    unsafe fn launch(&self, kernel: Kernel, launch: Launch, arguments: &[u64]) -> Result<(), BackendError> {
        self.shared.queue()?.launch(kernel, launch, arguments)
    }

    fn as_one(&self) -> Result<(), BackendError> {
        self.shared.queue()?.as_one();
        Ok(())
    }
}
