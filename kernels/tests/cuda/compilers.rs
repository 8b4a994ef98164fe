//! NVIDIA's compilers, which need no card: NVRTC 13 and 12 turn a `.cu` into PTX, ptxas PTX into machine code.
//! The test command installs them from PyPI (`tests/cuda-compilers.txt`) beside Python's other packages.

use std::env;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::ptr;

use libloading::{Library, Symbol};

/// The kernels' sources below `src`.
pub const SOURCES: [&str; 13] = [
    "linear/linear",
    "norm/norm",
    "fourier/fourier",
    "mixer/mixer",
    "heads/heads",
    "backend/cuda/rows",
    "linear/products",
    "attention/attention",
    "convolution/convolution",
    "gate/gate",
    "activation/activation",
    "losses/losses",
    "optimiser/optimiser",
];

/// How NVRTC is asked to compile. No product and sum may become one, subnormal numbers stay, quotients and
/// roots are IEEE's.
pub const OPTIONS: [&str; 7] = [
    "--gpu-architecture=compute_80",
    "--fmad=false",
    "--ftz=false",
    "--prec-div=true",
    "--prec-sqrt=true",
    "--std=c++17",
    "-default-device",
];

/// A file of this crate.
pub fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

pub fn read(path: &str) -> String {
    let path = file(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A rung that cannot be climbed here: said, and a failure where the test command promises all of them.
pub fn missing(what: &str) {
    assert!(
        env::var_os("GENOVO_LADDER").is_none(),
        "{what} is missing, and GENOVO_LADDER asks for every rung"
    );
    println!("skipped: {what} is missing; tests/run installs it");
}

/// Where Python has its packages.
fn packages() -> Option<PathBuf> {
    let ask = "import sysconfig; print(sysconfig.get_path('purelib'))";
    let done =
        Command::new("python3").args(["-c", ask]).output().ok().filter(|done| done.status.success())?;
    Some(PathBuf::from(String::from_utf8(done.stdout).ok()?.trim()))
}

/// NVRTC of one release.
pub struct Nvrtc {
    library: Library,
}

type Program = *mut c_void;
type Strings = *const *const c_char;

impl Nvrtc {
    /// The release of this number, or none, which was said.
    pub fn find(release: u32) -> Option<Self> {
        let within = if release == 13 { "cu13" } else { "cuda_nvrtc" };
        let path = packages().map(|folder| folder.join(format!("nvidia/{within}/lib/libnvrtc.so.{release}")));
        let Some(path) = path.filter(|path| path.exists()) else {
            missing(&format!("NVRTC {release}"));
            return None;
        };
        // SAFETY: NVIDIA's library, which does nothing when it is opened.
        Some(Self { library: unsafe { Library::new(&path) }.unwrap() })
    }

    fn function<T>(&self, name: &str) -> Symbol<'_, T> {
        // SAFETY: the callers give the types of nvrtc.h.
        unsafe { self.library.get(name.as_bytes()) }.unwrap()
    }

    /// A text that the library writes: a log, or PTX.
    fn text(&self, program: Program, size: &str, fill: &str) -> String {
        let size = self.function::<unsafe extern "C" fn(Program, *mut usize) -> c_int>(size);
        let fill = self.function::<unsafe extern "C" fn(Program, *mut c_char) -> c_int>(fill);
        let mut len = 0;
        // SAFETY: as nvrtc.h says, `len` counts the NUL, and so many bytes are written.
        unsafe {
            assert_eq!(size(program, &raw mut len), 0);
            let mut bytes = vec![0u8; len + 1];
            assert_eq!(fill(program, bytes.as_mut_ptr().cast()), 0);
            CStr::from_ptr(bytes.as_ptr().cast()).to_str().unwrap().to_owned()
        }
    }

    /// The PTX of a source, which may include `scalar.cuh`; an error is the compiler's log.
    pub fn compile(
        &self,
        name: &str,
        source: &str,
        header: &str,
        options: &[&str],
    ) -> Result<String, String> {
        type Create = unsafe extern "C" fn(
            *mut Program,
            *const c_char,
            *const c_char,
            c_int,
            Strings,
            Strings,
        ) -> c_int;
        let create = self.function::<Create>("nvrtcCreateProgram");
        let compile =
            self.function::<unsafe extern "C" fn(Program, c_int, Strings) -> c_int>("nvrtcCompileProgram");
        let destroy = self.function::<unsafe extern "C" fn(*mut Program) -> c_int>("nvrtcDestroyProgram");
        let text = |text: &str| CString::new(text).unwrap();
        let (name, source, header) = (text(&format!("{name}.cu")), text(source), text(header));
        let included = text("scalar.cuh");
        let options: Vec<CString> = options.iter().map(|option| text(option)).collect();
        let options: Vec<*const c_char> = options.iter().map(|option| option.as_ptr()).collect();
        let mut program = ptr::null_mut();
        // SAFETY: all texts end with a NUL and live as long as the program.
        unsafe {
            let (headers, names) = ([header.as_ptr()], [included.as_ptr()]);
            let made =
                create(&raw mut program, source.as_ptr(), name.as_ptr(), 1, headers.as_ptr(), names.as_ptr());
            assert_eq!(made, 0, "nvrtcCreateProgram");
            let code = compile(program, options.len() as c_int, options.as_ptr());
            let done = match code {
                0 => Ok(relabelled(&self.text(program, "nvrtcGetPTXSize", "nvrtcGetPTX"))),
                _ => Err(self.text(program, "nvrtcGetProgramLogSize", "nvrtcGetProgramLog")),
            };
            destroy(&raw mut program);
            done
        }
    }

    /// The PTX of one of [`SOURCES`].
    pub fn compile_own(&self, path: &str) -> String {
        let name = path.rsplit('/').next().unwrap();
        let (source, header) = (read(&format!("src/{path}.cu")), read("src/scalar/scalar.cuh"));
        self.compile(name, &source, &header, &OPTIONS).unwrap_or_else(|log| panic!("{path}.cu:\n{log}"))
    }
}

/// The PTX as older drivers take it: another number, without the hints that came later.
fn relabelled(ptx: &str) -> String {
    let hint = |line: &str| line.starts_with(".pragma \"used_bytes_mask") || line.ends_with("inline asm");
    let lines = ptx.lines().filter(|line| !hint(line.trim()));
    let lines = lines.map(|line| if line.starts_with(".version ") { ".version 7.0" } else { line });
    lines.map(|line| format!("{}\n", line.trim_end())).collect()
}

/// What ptxas says of each kernel: spilled bytes and registers.
pub struct Ptxas {
    program: PathBuf,
    folder: tempfile::TempDir,
}

impl Ptxas {
    /// The assembler, or none, which was said.
    pub fn find() -> Option<Self> {
        let found =
            packages().map(|folder| folder.join("nvidia/cu13/bin/ptxas")).filter(|path| path.exists());
        let Some(found) = found else {
            missing("ptxas");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        // The package may have lost the right to execute it.
        let program = folder.path().join("ptxas");
        fs::copy(found, &program).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        }
        Some(Self { program, folder })
    }

    /// Assembles for a generation of cards; what it says of each kernel.
    pub fn assemble(&self, ptx: &str, generation: u32) -> Vec<Assembled> {
        let input = self.folder.path().join("kernels.ptx");
        fs::write(&input, ptx).unwrap();
        let mut command = Command::new(&self.program);
        command.arg(format!("--gpu-name=sm_{generation}")).arg("--verbose").arg(&input);
        let done = command.arg("-o").arg(self.folder.path().join("kernels.cubin")).output().unwrap();
        let said = String::from_utf8_lossy(&done.stderr) + String::from_utf8_lossy(&done.stdout);
        assert!(done.status.success(), "sm_{generation}: {said}");
        let number = |line: &str, before: &str| -> u32 {
            let word = line.split(before).next().unwrap().trim().rsplit(' ').next().unwrap();
            word.parse().unwrap_or_else(|_| panic!("no number before `{before}` in `{line}`"))
        };
        let mut all = Vec::new();
        for line in said.lines() {
            if let Some(rest) = line.split("Compiling entry function '").nth(1) {
                let name = rest.split('\'').next().unwrap().to_owned();
                all.push(Assembled { name, spilled: 0, registers: 0 });
            } else if line.contains("bytes spill stores") {
                let last = all.last_mut().unwrap();
                last.spilled = number(line, " bytes spill stores") + number(line, " bytes spill loads");
            } else if line.contains(" registers") {
                all.last_mut().unwrap().registers = number(line, " registers");
            }
        }
        all
    }
}

/// A kernel as machine code.
pub struct Assembled {
    pub name: String,
    /// Bytes that found no register.
    pub spilled: u32,
    pub registers: u32,
}
