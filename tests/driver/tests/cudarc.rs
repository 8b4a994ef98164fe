//! cudarc opens the stand-in, as it opens the real driver, and gets results and errors from it.
//!
//! Each test runs itself again as a child with the stand-in in `LD_LIBRARY_PATH`.

use std::process::{Command, Output};
use std::sync::Arc;

use cudarc::driver::{
    CudaContext, CudaFunction, CudaStream, LaunchConfig, PushKernelArg, result::DriverError, sys,
};
use cudarc::nvrtc::Ptx;

const PTX: &str = include_str!("scale.ptx");

/// Whether this is the child.
fn is_child() -> bool {
    std::env::var_os("GENOVO_DRIVER_CHILD").is_some()
}

/// Runs a test of this file again with the stand-in and these variables.
fn child(test: &str, variables: &[(&str, &str)]) -> Output {
    let folder = genovo_driver::folder();
    let program = std::env::current_exe().expect("a test has a path");
    let output = Command::new(program)
        .args([test, "--exact", "--nocapture"])
        .env("LD_LIBRARY_PATH", &folder)
        .env("GENOVO_DRIVER_CHILD", "1")
        .envs(variables.iter().copied())
        .output()
        .expect("the test starts again");
    std::fs::remove_dir_all(&folder).expect("the folder was made");
    output
}

/// Runs a test in a child and wants it to pass.
fn passes(test: &str, variables: &[(&str, &str)]) {
    let output = child(test, variables);
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && text.contains("1 passed"), "{variables:?}\n{text}");
}

fn open() -> Result<(Arc<CudaStream>, CudaFunction), DriverError> {
    // SAFETY: opening the library has no precondition.
    assert!(unsafe { sys::is_culib_present() });
    let context = CudaContext::new(0)?;
    let module = context.load_module(Ptx::from_src(PTX))?;
    let stream = context.new_stream()?;
    Ok((stream, module.load_function("scale")?))
}

/// `y[i] = fma(x[i], factor, 1)` for `count` elements.
fn scale(
    stream: &Arc<CudaStream>,
    kernel: &CudaFunction,
    x: &[f32],
    factor: f32,
) -> Result<Vec<f32>, DriverError> {
    let count = x.len() as u32;
    let x = stream.clone_htod(x)?;
    let mut y = stream.alloc_zeros::<f32>(count as usize)?;
    let shape =
        LaunchConfig { grid_dim: (count.div_ceil(64), 1, 1), block_dim: (64, 1, 1), shared_mem_bytes: 0 };
    let mut launch = stream.launch_builder(kernel);
    launch.arg(&x).arg(&mut y).arg(&factor).arg(&count);
    // SAFETY: the kernel takes these arguments and keeps to them.
    unsafe { launch.launch(shape) }?;
    stream.clone_dtoh(&y)
}

#[test]
fn a_kernel_runs() {
    if !is_child() {
        for seed in ["0", "1", "2"] {
            passes("a_kernel_runs", &[("GENOVO_DRIVER_SEED", seed)]);
        }
        return;
    }
    let (stream, kernel) = open().unwrap();
    assert_eq!(stream.context().name().unwrap(), "genovo stand-in, no GPU");
    assert_eq!(stream.context().compute_capability().unwrap(), (9, 0));
    let x: Vec<f32> = (0..1000).map(|index| index as f32 * 0.37 - 100.0).collect();
    let y = scale(&stream, &kernel, &x, 1.1).unwrap();
    for (x, y) in x.iter().zip(y) {
        assert_eq!(y.to_bits(), x.mul_add(1.1, 1.0).to_bits());
    }
}
