//! NVIDIA's driver, `libcuda`, found while the program runs: a machine without it lacks a backend and nothing
//! else. No other part of CUDA is needed.

use std::borrow::Cow;
use std::ffi::{CString, c_void};
use std::sync::{Arc, Mutex, PoisonError};
use std::{fmt, ptr};

use cudarc::driver::result::{self, DriverError};
use cudarc::driver::sys::{self, CUdevice_attribute_enum as Attribute, CUresult};

use super::super::BackendError;
use super::device::{Device, Kernel, Launch, MODULES};

/// The oldest driver that reads the kernels: CUDA 11.0.
const DRIVER_MIN: i32 = 11_000;
/// The oldest generation of cards that the kernels are made for: Ampere.
const CAPABILITY_MIN: (i32, i32) = (8, 0);
/// Page-locked memory for inputs and outputs.
const PINNED: usize = 1 << 20;
/// Copies begin at such places.
const ALIGN: usize = 256;
/// The most arguments that a kernel has.
const ARGUMENTS: usize = 16;

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
fn failed(what: &str, DriverError(code): DriverError) -> BackendError {
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

/// Memory of the card.
pub struct Memory {
    address: u64,
    bytes: usize,
    context: Arc<Context>,
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes of the card", self.bytes)
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        if self.context.enter().is_ok() {
            // SAFETY: it was allocated in this context; the driver waits for whoever still uses it.
            let _ = unsafe { result::free_sync(self.address) };
        }
    }
}

/// Page-locked memory; what lies before `used` may still be on its way.
struct Pinned {
    start: *mut u8,
    used: usize,
}

/// One card, with the kernels loaded and one stream of work.
pub struct Driver {
    functions: Vec<sys::CUfunction>,
    modules: Vec<sys::CUmodule>,
    stream: sys::CUstream,
    pinned: Mutex<Pinned>,
    text: String,
    context: Arc<Context>,
}

// SAFETY: handles of the driver may be used by any thread; the page-locked memory is behind a lock.
unsafe impl Send for Driver {}
// SAFETY: as above.
unsafe impl Sync for Driver {}

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
        let mut driver = Self {
            functions: Vec::with_capacity(Kernel::ALL.len()),
            modules: Vec::with_capacity(MODULES.len()),
            stream: ptr::null_mut(),
            pinned: Mutex::new(Pinned { start: ptr::null_mut(), used: 0 }),
            text: format!("cuda, {}", card.name),
            context: Arc::new(Context { device, raw }),
        };
        driver.load(ptx)?;
        Ok(driver)
    }

    /// Loads the kernels and makes room for inputs and outputs.
    fn load(&mut self, ptx: impl Fn(&str, &'static str) -> Cow<'static, str>) -> Result<(), BackendError> {
        self.context.enter()?;
        for module in MODULES {
            let text = CString::new(ptx(module.path, module.ptx).as_ref())
                .map_err(|_| error("a module with a NUL".to_owned()))?;
            // SAFETY: the text ends with a NUL.
            let loaded = unsafe { result::module::load_data(text.as_ptr().cast()) };
            let loaded = loaded.map_err(|code| failed("loading the kernels", code))?;
            self.modules.push(loaded);
            for kernel in module.kernels {
                let name = CString::new(kernel.name()).map_err(|_| error("a name with a NUL".to_owned()))?;
                // SAFETY: the module stays loaded as long as `self` lives.
                let function = unsafe { result::module::get_function(loaded, name) };
                self.functions.push(function.map_err(|code| failed("finding a kernel", code))?);
            }
        }
        let stream = result::stream::create(result::stream::StreamKind::NonBlocking);
        self.stream = stream.map_err(|code| failed("making a stream", code))?;
        // SAFETY: freed when `self` is dropped.
        let pinned = unsafe { result::malloc_host(PINNED, 0) };
        let pinned = pinned.map_err(|code| failed("locking memory for inputs and outputs", code))?;
        self.pinned = Mutex::new(Pinned { start: pinned.cast(), used: 0 });
        Ok(())
    }

    /// Waits for everything that was queued.
    fn wait(&self) -> Result<(), BackendError> {
        // SAFETY: the stream lives as long as `self`.
        unsafe { result::stream::synchronize(self.stream) }
            .map_err(|code| failed("computing on the card", code))
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        if self.context.enter().is_err() {
            return;
        }
        let pinned = self.pinned.get_mut().unwrap_or_else(PoisonError::into_inner);
        // SAFETY: all were made by the driver, and nobody uses them any more.
        unsafe {
            if !self.stream.is_null() {
                let _ = result::stream::synchronize(self.stream);
                let _ = result::stream::destroy(self.stream);
            }
            if !pinned.start.is_null() {
                let _ = result::free_host(pinned.start.cast());
            }
            for module in &self.modules {
                let _ = result::module::unload(*module);
            }
        }
    }
}

impl Device for Driver {
    type Memory = Memory;

    fn describe(&self) -> String {
        self.text.clone()
    }

    fn zeros(&self, bytes: usize) -> Result<Memory, BackendError> {
        self.context.enter()?;
        let bytes = if bytes == 0 { ALIGN } else { bytes };
        let what = || format!("allocating {bytes} bytes");
        // SAFETY: freed when the memory is dropped, and set before anything else is queued.
        unsafe {
            let address = result::malloc_sync(bytes).map_err(|code| failed(&what(), code))?;
            let memory = Memory { address, bytes, context: Arc::clone(&self.context) };
            result::memset_d8_async(address, 0, bytes, self.stream).map_err(|code| failed(&what(), code))?;
            Ok(memory)
        }
    }

    fn address(memory: &Memory) -> u64 {
        memory.address
    }

    unsafe fn upload(&self, to: u64, bytes: &[u8]) -> Result<(), BackendError> {
        self.context.enter()?;
        let copying = |code| failed("copying to the card", code);
        let mut pinned = self.pinned.lock().unwrap_or_else(PoisonError::into_inner);
        if bytes.len() > PINNED {
            // SAFETY: the caller's promise; what was queued is waited for while the bytes are there.
            unsafe { result::memcpy_htod_async(to, bytes, self.stream) }.map_err(copying)?;
            return self.wait();
        }
        if pinned.used + bytes.len() > PINNED {
            self.wait()?;
            pinned.used = 0;
        }
        // SAFETY: there is room for the bytes, which no copy under way reads.
        unsafe {
            let here = pinned.start.add(pinned.used);
            here.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
            let here = std::slice::from_raw_parts(here, bytes.len());
            result::memcpy_htod_async(to, here, self.stream).map_err(copying)?;
        }
        pinned.used += bytes.len().next_multiple_of(ALIGN);
        Ok(())
    }

    unsafe fn download(&self, from: u64, bytes: &mut [u8]) -> Result<(), BackendError> {
        self.context.enter()?;
        let copying = |code| failed("copying from the card", code);
        let mut pinned = self.pinned.lock().unwrap_or_else(PoisonError::into_inner);
        if bytes.len() > PINNED {
            // SAFETY: the caller's promise; the copy is waited for.
            unsafe { result::memcpy_dtoh_async(bytes, from, self.stream) }.map_err(copying)?;
            return self.wait();
        }
        if pinned.used + bytes.len() > PINNED {
            self.wait()?;
            pinned.used = 0;
        }
        // SAFETY: there is room for the bytes, which no copy under way touches.
        let here = unsafe { std::slice::from_raw_parts_mut(pinned.start.add(pinned.used), bytes.len()) };
        // SAFETY: the caller's promise.
        unsafe { result::memcpy_dtoh_async(here, from, self.stream) }.map_err(copying)?;
        self.wait()?;
        bytes.copy_from_slice(here);
        // Nothing is under way any more.
        pinned.used = 0;
        Ok(())
    }

    unsafe fn launch(&self, kernel: Kernel, launch: Launch, arguments: &[u64]) -> Result<(), BackendError> {
        self.context.enter()?;
        let mut words = [ptr::null_mut::<c_void>(); ARGUMENTS];
        for (word, argument) in words.iter_mut().zip(arguments) {
            *word = ptr::from_ref(argument).cast_mut().cast();
        }
        let ([x, y], [a, b, c]) = (launch.grid, launch.block);
        let (function, words) = (self.functions[kernel as usize], &mut words[..arguments.len()]);
        // SAFETY: the caller's promise; the driver copies the arguments before it returns.
        let launched = unsafe {
            result::launch_kernel(function, (x, y, 1), (a, b, c), launch.shared, self.stream, words)
        };
        launched.map_err(|code| failed(kernel.name(), code))
    }
}
