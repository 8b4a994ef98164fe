//! The state of the driver: memory, modules, streams, and what went wrong.

use std::collections::{BTreeMap, HashMap};
use std::ffi::CString;
use std::sync::{Arc, Mutex};

use super::code::Code;
use super::options::Options;
use super::report::Report;
use super::stream::{Event, Stream, Work};
use crate::machine::block::Random;
use crate::machine::decode::{Globals, decode};
use crate::machine::finding::{Check, Finding};
use crate::machine::instruction::Program;
use crate::machine::launch::{SHARED, Schedule, Shape, launch};
use crate::machine::memory::{Memory, Purpose};
use crate::ptx::parse::parse;
use crate::ptx::{PtxError, Space};

/// The compute capability of the device, times ten.
pub const CAPABILITY: u32 = 90;

/// A module that was loaded.
#[derive(Debug, Default)]
pub struct Loaded {
    /// Handles of its kernels by name.
    pub kernels: HashMap<String, u64>,
    /// Addresses and sizes of its variables by name.
    pub variables: HashMap<String, (u64, u64)>,
}

/// A kernel that was loaded.
#[derive(Clone, Debug)]
pub struct Kernel {
    /// What it does.
    pub program: Arc<Program>,
    /// The dynamic shared memory that it is allowed.
    pub allowed: u32,
}

/// Everything.
pub struct State {
    pub options: Options,
    pub initialised: bool,
    pub memory: Memory,
    pub modules: HashMap<u64, Loaded>,
    pub kernels: HashMap<u64, Kernel>,
    pub streams: BTreeMap<u64, Stream>,
    pub events: HashMap<u64, Event>,
    pub captures: HashMap<u64, Vec<Work>>,
    pub graphs: HashMap<u64, Vec<Work>>,
    /// Graphs ready to launch: where they came from, and their work.
    pub execs: HashMap<u64, (u64, Vec<Work>)>,
    /// Memory of the host that is pinned: bytes by address.
    pub pinned: BTreeMap<usize, usize>,
    pub report: Report,
    /// The context is broken, and whether the program was told.
    broken: Option<Code>,
    told: bool,
    /// What the last error of each kind meant, in words.
    pub words: HashMap<i32, CString>,
    next: u64,
    random: Random,
}

static STATE: Mutex<Option<State>> = Mutex::new(None);

/// Does something with the state. A panic within is an error of its own, never the end of the program.
pub fn with(action: impl FnOnce(&mut State) -> Result<(), Code>) -> i32 {
    let act = || {
        let mut state = STATE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let state = match &mut *state {
            Some(state) => state,
            place => match Options::read(|name| std::env::var(name).ok()) {
                Ok(options) => place.insert(State::new(options)),
                Err(message) => {
                    eprintln!("genovo stand-in driver: {message}");
                    return Err(Code::ERROR_NOT_INITIALIZED);
                }
            },
        };
        action(state)
    };
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(act)) {
        Ok(Ok(())) => 0,
        Ok(Err(code)) => code.0,
        Err(_) => {
            eprintln!("genovo stand-in driver: a mistake of its own, see the panic above");
            Code::ERROR_UNKNOWN.0
        }
    }
}

impl State {
    /// At the start.
    pub fn new(options: Options) -> State {
        let random = Random::new(options.seed ^ 0x57ea);
        State {
            options,
            initialised: false,
            memory: Memory::new("the device"),
            modules: HashMap::new(),
            kernels: HashMap::new(),
            // The default stream is always there.
            streams: BTreeMap::from([(0, Stream::default())]),
            events: HashMap::new(),
            captures: HashMap::new(),
            graphs: HashMap::new(),
            execs: HashMap::new(),
            pinned: BTreeMap::new(),
            report: Report::default(),
            broken: None,
            told: false,
            words: HashMap::new(),
            next: 0x1000,
            random,
        }
    }

    /// A new handle.
    pub fn handle(&mut self) -> u64 {
        self.next += 16;
        self.next
    }

    /// A stream; the driver's names for the default one are 0, 1 and 2.
    pub fn stream(&mut self, stream: u64) -> Result<&mut Stream, Code> {
        let stream = if stream <= 2 { 0 } else { stream };
        self.streams.get_mut(&stream).ok_or(Code::ERROR_INVALID_HANDLE)
    }

    /// Whether calls are answered: after `cuInit`, and until the program was told that the context is broken.
    pub fn alive(&self) -> Result<(), Code> {
        match self.broken {
            _ if !self.initialised => Err(Code::ERROR_NOT_INITIALIZED),
            Some(code) if self.told => Err(code),
            _ => Ok(()),
        }
    }

    /// An error with words of its own, on standard error and for `cuGetErrorString`.
    pub fn refuse(&mut self, code: Code, message: impl AsRef<str>) -> Code {
        let message = message.as_ref();
        eprintln!("genovo stand-in driver: {message}");
        let meaning = code.texts().map_or("", |(_, text)| text.trim_end_matches('\0'));
        // A text handed out before stays where it is: programs keep pointers to it.
        if let Ok(text) = CString::new(format!("{meaning}: {message}").replace('\0', " "))
            && let Some(old) = self.words.insert(code.0, text)
        {
            std::mem::forget(old);
        }
        code
    }

    /// Breaks the context: every later call is answered with this code.
    fn break_with(&mut self, code: Code, message: &str) {
        if self.broken.is_none() {
            self.refuse(code, message);
            self.broken = Some(code);
        }
    }

    fn found(&mut self, finding: Finding) {
        let code = match finding.check {
            Check::OutOfBounds | Check::UseAfterFree => Code::ERROR_ILLEGAL_ADDRESS,
            Check::Misaligned => Code::ERROR_MISALIGNED_ADDRESS,
            Check::Endless => Code::ERROR_LAUNCH_TIMEOUT,
            Check::Trap | Check::NotExecuted => Code::ERROR_ILLEGAL_INSTRUCTION,
            Check::Limit => Code::ERROR_INVALID_VALUE,
            _ => Code::ERROR_LAUNCH_FAILED,
        };
        let message = finding.to_string();
        self.report.findings.push(finding);
        self.break_with(code, &message);
        self.write_report();
    }

    /// Writes counts and findings where they are wanted.
    pub fn write_report(&self) {
        if let Some(path) = &self.options.report
            && let Err(error) = std::fs::write(path, self.report.json(self.options.seed))
        {
            eprintln!("genovo stand-in driver: {}: {error}", path.display());
        }
    }

    /// Takes memory of the device.
    pub fn allocate(&mut self, bytes: u64) -> Result<u64, Code> {
        self.alive()?;
        if bytes == 0 {
            return Err(Code::ERROR_INVALID_VALUE);
        }
        if !self.captures.is_empty() {
            let message = "memory is allocated while a stream is captured";
            return Err(self.refuse(Code::ERROR_STREAM_CAPTURE_UNSUPPORTED, message));
        }
        let out = self.options.out_of_memory_after.is_some_and(|most| self.report.allocations >= most);
        if out || self.memory.used().saturating_add(bytes) > self.options.memory {
            let message =
                format!("{bytes} bytes, where {} of {} are in use", self.memory.used(), self.options.memory);
            return Err(self.refuse(Code::ERROR_OUT_OF_MEMORY, message));
        }
        self.report.allocations += 1;
        let address = self.memory.allocate(bytes, Purpose::Plain);
        self.report.most_bytes = self.report.most_bytes.max(self.memory.used());
        Ok(address)
    }

    /// Gives memory of the device back.
    pub fn free(&mut self, address: u64) -> Result<(), Code> {
        if address == 0 || self.memory.free(address) {
            return Ok(());
        }
        let message = format!("{address:#x} is freed, where no allocation begins, or not any more");
        Err(self.refuse(Code::ERROR_INVALID_VALUE, message))
    }

    /// Loads a module from its text.
    pub fn load(&mut self, text: &str) -> Result<u64, Code> {
        self.alive()?;
        match self.try_load(text) {
            Ok(module) => Ok(module),
            Err((code, error)) => Err(self.refuse(code, error.to_string())),
        }
    }

    fn try_load(&mut self, text: &str) -> Result<u64, (Code, PtxError)> {
        let invalid = |error| (Code::ERROR_INVALID_PTX, error);
        let module = parse(text).map_err(invalid)?;
        let known = known_version(self.options.version);
        if module.version > known {
            let message = format!(
                "PTX {}.{}, newer than {}.{}, which this driver knows",
                module.version.0, module.version.1, known.0, known.1
            );
            return Err((Code::ERROR_UNSUPPORTED_PTX_VERSION, PtxError::new(1, message)));
        }
        let digits: String = module.target.chars().filter(char::is_ascii_digit).collect();
        if digits.parse::<u32>().is_ok_and(|target| target > CAPABILITY) {
            let message = format!("target {}, where the device is sm_{CAPABILITY}", module.target);
            return Err((Code::ERROR_NO_BINARY_FOR_GPU, PtxError::new(1, message)));
        }
        // All of it is read before anything is taken.
        let mut addresses = Globals::new();
        for variable in &module.variables {
            if matches!(variable.space, Space::Global | Space::Constant) {
                addresses.insert(variable.name.clone(), 0);
            }
        }
        for function in module.functions.iter().filter(|function| function.entry) {
            decode(&module, &addresses, function).map_err(invalid)?;
        }
        let sizes = module.variables.iter().filter(|variable| addresses.contains_key(&variable.name));
        let bytes = sizes.fold(self.memory.used(), |all, variable| all.saturating_add(variable.size.max(1)));
        if bytes > self.options.memory {
            let message =
                format!("variables of {bytes} bytes with what is in use; there are {}", self.options.memory);
            return Err((Code::ERROR_OUT_OF_MEMORY, PtxError::new(1, message)));
        }
        let mut loaded = Loaded::default();
        for variable in &module.variables {
            let purpose = match variable.space {
                Space::Global => Purpose::Variable(variable.name.clone()),
                Space::Constant => Purpose::Constant(variable.name.clone()),
                _ => continue,
            };
            let address = self.memory.allocate(variable.size.max(1), purpose);
            // Variables of a module are zero where nothing else is said.
            let mut contents = variable.contents.clone().unwrap_or_default();
            contents.resize(variable.size.max(1) as usize, 0);
            self.memory
                .write(address, &contents)
                .map_err(|(_, message)| invalid(PtxError::new(0, message)))?;
            addresses.insert(variable.name.clone(), address);
            loaded.variables.insert(variable.name.clone(), (address, variable.size));
        }
        for function in module.functions.iter().filter(|function| function.entry) {
            let program = Arc::new(decode(&module, &addresses, function).map_err(invalid)?);
            let handle = self.handle();
            self.kernels.insert(handle, Kernel { program, allowed: SHARED });
            loaded.kernels.insert(function.name.clone(), handle);
        }
        let handle = self.handle();
        self.modules.insert(handle, loaded);
        Ok(handle)
    }

    /// Whether memory of the host is pinned.
    pub fn is_pinned(&self, address: usize, bytes: u64) -> bool {
        self.pinned
            .range(..=address)
            .next_back()
            .is_some_and(|(base, size)| address as u64 + bytes <= (base + size) as u64)
    }

    /// Asks for work; a stream that is captured only notes it.
    pub fn push(&mut self, stream: u64, work: Work) -> Result<(), Code> {
        self.alive()?;
        let state = self.stream(stream)?;
        if let Some(capture) = state.capture {
            self.captures.entry(capture).or_default().push(work);
            return Ok(());
        }
        state.queue.push_back(work);
        if self.options.seed == 0 {
            self.work_until(|_| false);
        } else {
            // The device gets some of it done at once, now and then.
            for _ in 0..self.random.below(3) {
                self.work_one();
            }
        }
        Ok(())
    }

    /// Does work until a stream has none left, or all of them; then tells what went wrong.
    pub fn finish(&mut self, stream: Option<u64>) -> Result<(), Code> {
        self.alive()?;
        match stream {
            Some(stream) => {
                let state = self.stream(stream)?;
                if state.capture.is_some() {
                    return Err(Code::ERROR_STREAM_CAPTURE_UNSUPPORTED);
                }
                let stream = if stream <= 2 { 0 } else { stream };
                self.work_until(|state| {
                    state.streams.get(&stream).is_none_or(|found| found.queue.is_empty())
                });
            }
            None => {
                if !self.captures.is_empty() {
                    return Err(Code::ERROR_STREAM_CAPTURE_UNSUPPORTED);
                }
                self.work_until(|_| false);
            }
        }
        self.tell()
    }

    /// Tells what went wrong, if anything did.
    pub fn tell(&mut self) -> Result<(), Code> {
        match self.broken {
            None => Ok(()),
            Some(code) => {
                self.told = true;
                Err(code)
            }
        }
    }

    /// Does work until an event is reached.
    pub fn finish_event(&mut self, event: u64) -> Result<(), Code> {
        self.alive()?;
        let state = self.events.get(&event).ok_or(Code::ERROR_INVALID_HANDLE)?;
        if state.capture.is_some() {
            return Err(Code::ERROR_CAPTURED_EVENT);
        }
        let wanted = state.recorded;
        self.work_until(|state| state.events.get(&event).is_none_or(|event| event.reached >= wanted));
        self.tell()
    }

    fn work_until(&mut self, done: impl Fn(&State) -> bool) {
        while !done(self) && self.work_one() {}
    }

    /// Does one piece of work of a stream that has some ready; false if none has.
    fn work_one(&mut self) -> bool {
        let ready: Vec<u64> = self
            .streams
            .iter()
            .filter(|(_, stream)| match stream.queue.front() {
                None => false,
                Some(Work::Wait { event, serial }) => {
                    self.events.get(event).is_none_or(|event| event.reached >= *serial)
                }
                Some(_) => true,
            })
            .map(|(handle, _)| *handle)
            .collect();
        if ready.is_empty() {
            return false;
        }
        let choice = if self.options.seed == 0 { 0 } else { self.random.below(ready.len() as u64) as usize };
        let work = self.streams.get_mut(&ready[choice]).and_then(|stream| stream.queue.pop_front());
        if let Some(work) = work {
            self.work(work);
        }
        true
    }

    fn work(&mut self, work: Work) {
        if let Work::Record { event, serial } = work {
            let instructions = self.report.instructions;
            if let Some(event) = self.events.get_mut(&event) {
                event.reached = event.reached.max(serial);
                event.instructions = instructions;
            }
            return;
        }
        if self.broken.is_some() {
            return;
        }
        let result = match work {
            Work::Launch { program, arguments, shape } => {
                self.launch(&program, &arguments, &shape);
                Ok(())
            }
            Work::Write { to, bytes } => self.memory.write(to, &bytes),
            Work::WriteFrom { to, from, bytes } => {
                let bytes = super::entry::host_bytes(from, bytes);
                self.memory.write(to, &bytes)
            }
            Work::Read { to, from, bytes } => {
                self.memory.read(from, bytes).map(|data| super::entry::to_host(to, data))
            }
            Work::Copy { to, from, bytes } => self.memory.copy(to, from, bytes),
            Work::Fill { to, pattern, count } => self.memory.fill(to, &pattern, count),
            Work::Free { address } => {
                if self.memory.free(address) {
                    Ok(())
                } else {
                    Err((Check::UseAfterFree, format!("{address:#x} is freed and is no allocation")))
                }
            }
            Work::Call { function, data } => {
                function(data as *mut std::ffi::c_void);
                Ok(())
            }
            Work::Record { .. } | Work::Wait { .. } => Ok(()),
        };
        if let Err((check, message)) = result {
            self.found(Finding {
                check,
                kernel: "none, a copy".to_string(),
                line: 0,
                block: [0; 3],
                thread: [0; 3],
                message,
            });
        }
    }

    fn launch(&mut self, program: &Program, arguments: &[u8], shape: &Shape) {
        if self.options.lost_device_after_launches.is_some_and(|most| self.report.launches >= most) {
            let message = format!("the device is lost after {} launches, as asked for", self.report.launches);
            self.break_with(Code::ERROR_UNKNOWN, &message);
            return;
        }
        // Each launch has an order of its own.
        let seed = match self.options.seed {
            0 => 0,
            seed => (seed ^ self.report.launches.wrapping_mul(0x9e37_79b9)).max(1),
        };
        let schedule = Schedule { seed, limit: self.options.limit };
        self.report.launches += 1;
        self.report.count(&program.name);
        match launch(program, &mut self.memory, arguments, shape, schedule) {
            Ok(instructions) => self.report.instructions += instructions,
            Err(finding) => self.found(finding),
        }
    }
}

/// The newest PTX that a driver of a version knows.
fn known_version(driver: i32) -> (u32, u32) {
    let (major, minor) = ((driver / 1000) as u32, (driver % 1000 / 10) as u32);
    match (major, minor) {
        // CUDA 12.6 brought none.
        (12, minor) => (8, if minor >= 6 { minor - 1 } else { minor }),
        (11, minor) => (7, minor),
        (major, minor) => (major.saturating_sub(4), minor),
    }
}
