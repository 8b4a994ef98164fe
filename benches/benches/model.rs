//! How fast are the model's kernels: matrix products beside other libraries, and one decision?
//!
//! OpenBLAS is loaded when the system has it (`libopenblas.so.0`, or the file that `GENOVO_OPENBLAS` names, that of
//! the wheel `scipy-openblas32` too) and told to use one thread.

use std::ffi::{CStr, c_char, c_int};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use genovo_kernels::backend::{Backend, Cpu};
use genovo_kernels::checkpoint::{Checkpoint, Precision};
use genovo_kernels::cpu::CpuLevel;
use genovo_kernels::linear::{Columns, Epilogue, Matrix, Weights};
use genovo_kernels::model::{Inputs, Model, Outputs, Spec};
use genovo_kernels::tensor::{Buffer, Rows};

/// Outputs, rows and inputs of the shapes that training and inference have.
const SHAPES: [(usize, usize, usize); 3] = [(768, 64, 768), (3072, 64, 768), (768, 768, 768)];

/// `cblas_sgemm`, of an interface with 32-bit integers.
type Sgemm = unsafe extern "C" fn(
    c_int,
    c_int,
    c_int,
    c_int,
    c_int,
    c_int,
    f32,
    *const f32,
    c_int,
    *const f32,
    c_int,
    f32,
    *mut f32,
    c_int,
);

/// OpenBLAS on one thread.
struct OpenBlas {
    sgemm: Sgemm,
    // Keeps the function's code in memory.
    _library: libloading::Library,
}

impl OpenBlas {
    fn load() -> Result<OpenBlas, String> {
        let name = std::env::var("GENOVO_OPENBLAS").unwrap_or_else(|_| "libopenblas.so.0".to_string());
        // SAFETY: the library's initialisers only detect the CPU; the functions have the types of cblas.h.
        unsafe {
            let library = libloading::Library::new(&name).map_err(|error| error.to_string())?;
            // The wheel puts its name before those of the functions.
            let prefix = if library.get::<Sgemm>("cblas_sgemm").is_ok() { "" } else { "scipy_" };
            let named = |name: &str| format!("{prefix}{name}");
            let sgemm = *library.get::<Sgemm>(named("cblas_sgemm")).map_err(|error| error.to_string())?;
            library
                .get::<unsafe extern "C" fn(c_int)>(named("openblas_set_num_threads"))
                .map_err(|error| error.to_string())?(1);
            let config = library
                .get::<unsafe extern "C" fn() -> *const c_char>(named("openblas_get_config"))
                .map_err(|error| error.to_string())?();
            println!("{}", CStr::from_ptr(config).to_string_lossy());
            Ok(OpenBlas { sgemm, _library: library })
        }
    }

    /// y = x·w, all dense and row by row.
    fn product(&self, (rows, inputs, outputs): (usize, usize, usize), x: &[f32], w: &[f32], y: &mut [f32]) {
        const ROW_MAJOR: c_int = 101;
        const AS_IT_IS: c_int = 111;
        assert!(x.len() == rows * inputs && w.len() == inputs * outputs && y.len() == rows * outputs);
        let (m, k, n) = (rows as c_int, inputs as c_int, outputs as c_int);
        let (x, w, y) = (x.as_ptr(), w.as_ptr(), y.as_mut_ptr());
        // SAFETY: the three matrices have these many rows and columns.
        unsafe { (self.sgemm)(ROW_MAJOR, AS_IT_IS, AS_IT_IS, m, n, k, 1.0, x, k, w, n, 0.0, y, n) }
    }
}

fn products(criterion: &mut Criterion) {
    let openblas = OpenBlas::load().map_err(|why| println!("skipped OpenBLAS: {why}")).ok();
    for (outputs, rows, inputs) in SHAPES {
        let mut group = criterion.benchmark_group(format!("product {outputs}x{rows}x{inputs}, 1 thread"));
        group.throughput(Throughput::Elements((2 * outputs * rows * inputs) as u64));
        let numbers = |len: usize| -> Vec<f32> { (0..len).map(|n| (n % 13) as f32 - 6.0).collect() };
        let (weights, x) = (numbers(inputs * outputs), numbers(rows * inputs));
        let mut y = vec![0.0f32; rows * outputs];
        group.bench_function("matrixmultiply", |bencher| {
            bencher.iter(|| {
                let (m, k, n) = (rows, inputs, outputs);
                // SAFETY: the three matrices have these many rows and columns.
                unsafe {
                    matrixmultiply::sgemm(
                        m,
                        k,
                        n,
                        1.0,
                        x.as_ptr(),
                        k as isize,
                        1,
                        weights.as_ptr(),
                        n as isize,
                        1,
                        0.0,
                        y.as_mut_ptr(),
                        n as isize,
                        1,
                    );
                }
            });
        });
        if let Some(openblas) = &openblas {
            group.bench_function("OpenBLAS", |bencher| {
                bencher.iter(|| openblas.product((rows, inputs, outputs), &x, &weights, &mut y));
            });
        }
        for level in CpuLevel::ALL.into_iter().skip(1) {
            let Ok(cpu) = Cpu::new(level, 1) else {
                println!("skipped: this machine has no {level}");
                continue;
            };
            let bias = vec![0.0; outputs];
            let matrix = Matrix { inputs, outputs, weights: Weights::F32(&weights), bias: &bias };
            let packed = cpu.pack(matrix, Columns::Plain).expect("memory");
            let (x, mut y) = (Buffer::of(&x), Buffer::zeros(rows * outputs));
            group.bench_function(format!("genovo {level}"), |bencher| {
                bencher.iter(|| {
                    let (x, y) = ((&x, Rows::dense(inputs)), (&mut y, Rows::dense(outputs)));
                    cpu.linear(&packed, x, y, rows, Epilogue::Store).expect("a CPU");
                });
            });
        }
        group.finish();
    }
}

fn decisions(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("one decision, 1 thread");
    for spec in [Spec::tiny(), Spec::base()] {
        let made = Checkpoint::init(&spec, 1).expect("a named size");
        for precision in Precision::ALL {
            let reduced = match precision {
                Precision::F32 => made.clone(),
                other => made.reduced(other).expect("a model in f32"),
            };
            let cpu = Cpu::new(CpuLevel::detect(), 1).expect("the detected level");
            let model = Model::new(cpu, &reduced).expect("memory");
            let mut streams = model.streams(1).expect("memory");
            let (mut work, mut outputs) = (model.workspace(1).expect("memory"), Outputs::new(&spec, 1));
            let (features, book) = (vec![0.1; spec.features], vec![0.2; spec.levels * 6]);
            let (trades, account) = (vec![0.3; spec.trades], vec![0.4; spec.account]);
            group.bench_function(format!("{} {}", spec.name(), precision.name()), |bencher| {
                bencher.iter(|| {
                    let stamps = &[0.5; 3];
                    let inputs = Inputs { features: &features, book: &book, trades: &trades, stamps };
                    model.step(&mut streams, &[0], inputs, &mut work).expect("a step");
                    model.heads(&account, 0..1, &mut work, &mut outputs).expect("finite outputs");
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, products, decisions);
criterion_main!(benches);
