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

/// Launches with a count that is larger than the memory.
fn run_past_the_end(stream: &Arc<CudaStream>, kernel: &CudaFunction) -> Result<(), DriverError> {
    let x = stream.clone_htod(&[1f32; 8])?;
    let mut y = stream.alloc_zeros::<f32>(8)?;
    let shape = LaunchConfig { grid_dim: (1, 1, 1), block_dim: (32, 1, 1), shared_mem_bytes: 0 };
    let mut launch = stream.launch_builder(kernel);
    launch.arg(&x).arg(&mut y).arg(&2f32).arg(&9u32);
    // SAFETY: the stand-in catches what this launch does wrong.
    unsafe { launch.launch(shape) }?;
    // The memory is not given back: that would wait for the launch.
    std::mem::forget((x, y));
    Ok(())
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

#[test]
fn an_error_comes_with_the_next_wait_and_stays() {
    if !is_child() {
        let report = tempfile::NamedTempFile::new().unwrap();
        for seed in ["0", "5"] {
            let path = report.path().to_str().unwrap();
            let variables = [("GENOVO_DRIVER_SEED", seed), ("GENOVO_DRIVER_REPORT", path)];
            passes("an_error_comes_with_the_next_wait_and_stays", &variables);
            let text = std::fs::read_to_string(report.path()).unwrap();
            assert!(text.contains("\"launches\": 2,") && text.contains("\"scale\": 2"), "{text}");
            let finding = "{\"check\": \"out-of-bounds\", \"kernel\": \"scale\", \"line\": 33, \"block\": [0, 0, 0], \
                           \"thread\": [8, 0, 0]";
            assert!(text.contains(finding), "{text}");
        }
        return;
    }
    let (stream, kernel) = open().unwrap();
    assert_eq!(scale(&stream, &kernel, &[2.0], 3.0).unwrap(), [7.0]);
    // Asking for it is no error: the launch is done later.
    run_past_the_end(&stream, &kernel).unwrap();
    let error = stream.synchronize().unwrap_err();
    assert_eq!(error.0, sys::CUresult::CUDA_ERROR_ILLEGAL_ADDRESS);
    let text = format!("{error}");
    assert!(
        text.contains("out-of-bounds: kernel scale, PTX line 33, block [0, 0, 0], thread [8, 0, 0]"),
        "{text}"
    );
    for _ in 0..2 {
        let again = stream.clone_htod(&[1f32]).unwrap_err();
        assert_eq!(again.0, sys::CUresult::CUDA_ERROR_ILLEGAL_ADDRESS);
    }
}

#[test]
fn faults_are_what_was_asked_for() {
    if !is_child() {
        let test = "faults_are_what_was_asked_for";
        for fault in [
            "out_of_memory_after=2",
            "memory=100",
            "lost_device_after_launches=1",
            "old_driver=11040",
            "no_device",
        ] {
            passes(test, &[("GENOVO_DRIVER_FAULT", fault)]);
        }
        let output = child(test, &[("GENOVO_DRIVER_FAULT", "on_fire=1")]);
        let text = String::from_utf8_lossy(&output.stderr).to_string();
        assert!(!output.status.success() && text.contains("\"on_fire\" is none of no_device"), "{text}");
        return;
    }
    let opened = open();
    let error = |result: Result<(), DriverError>| result.unwrap_err().0;
    match std::env::var("GENOVO_DRIVER_FAULT").unwrap().as_str() {
        "no_device" => assert_eq!(error(opened.map(drop)), sys::CUresult::CUDA_ERROR_NO_DEVICE),
        "old_driver=11040" => {
            // The kernel is of PTX 8.0, this driver knows 7.4.
            assert_eq!(error(opened.map(drop)), sys::CUresult::CUDA_ERROR_UNSUPPORTED_PTX_VERSION);
        }
        "lost_device_after_launches=1" => {
            let (stream, kernel) = opened.unwrap();
            assert_eq!(scale(&stream, &kernel, &[2.0], 3.0).unwrap(), [7.0]);
            let lost = scale(&stream, &kernel, &[2.0], 3.0).unwrap_err();
            assert_eq!(lost.0, sys::CUresult::CUDA_ERROR_UNKNOWN);
            assert!(format!("{lost}").contains("the device is lost after 1 launches"), "{lost}");
        }
        _ => {
            let (stream, kernel) = opened.unwrap();
            assert_eq!(scale(&stream, &kernel, &[2.0; 12], 3.0).unwrap(), [7.0; 12]);
            let out = scale(&stream, &kernel, &[2.0; 20], 3.0).unwrap_err();
            assert_eq!(out.0, sys::CUresult::CUDA_ERROR_OUT_OF_MEMORY);
        }
    }
}

#[test]
fn a_graph_is_captured_launched_and_updated() {
    if !is_child() {
        for seed in ["0", "1", "2"] {
            passes("a_graph_is_captured_launched_and_updated", &[("GENOVO_DRIVER_SEED", seed)]);
        }
        return;
    }
    let (stream, kernel) = open().unwrap();
    let context = stream.context();
    // SAFETY: everything below goes through one stream.
    unsafe { context.disable_event_tracking() };
    // SAFETY: pinned memory is filled before it is read.
    let mut input = unsafe { context.alloc_pinned::<f32>(4) }.unwrap();
    let mut x = stream.alloc_zeros::<f32>(4).unwrap();
    let mut y = stream.alloc_zeros::<f32>(4).unwrap();
    input.as_mut_slice().unwrap().fill(0.0);
    stream.synchronize().unwrap();
    let mut capture = |factor: f32| {
        stream.begin_capture(sys::CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL).unwrap();
        stream.memcpy_htod(&input, &mut x).unwrap();
        let shape = LaunchConfig { grid_dim: (1, 1, 1), block_dim: (32, 1, 1), shared_mem_bytes: 0 };
        let mut launch = stream.launch_builder(&kernel);
        launch.arg(&x).arg(&mut y).arg(&factor).arg(&4u32);
        // SAFETY: the kernel takes these arguments and keeps to them.
        unsafe { launch.launch(shape) }.unwrap();
        stream.end_capture(sys::CUgraphInstantiate_flags(0)).unwrap().unwrap()
    };
    let (graph, other) = (capture(2.0), capture(10.0));
    assert_eq!(stream.clone_dtoh(&y).unwrap(), [0.0; 4], "a capture runs nothing");
    for step in 1..=3 {
        input.as_mut_slice().unwrap().fill(step as f32);
        graph.launch().unwrap();
        assert_eq!(stream.clone_dtoh(&y).unwrap(), [step as f32 * 2.0 + 1.0; 4]);
    }
    // SAFETY: both handles are alive, and the result is written before it is read.
    let updated = unsafe {
        let mut info = std::mem::MaybeUninit::zeroed();
        sys::cuGraphExecUpdate_v2(graph.cu_graph_exec(), other.cu_graph(), info.as_mut_ptr())
    };
    updated.result().unwrap();
    graph.launch().unwrap();
    assert_eq!(stream.clone_dtoh(&y).unwrap(), [31.0; 4]);
    // What needs the device at once is refused while a stream is captured.
    stream.begin_capture(sys::CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL).unwrap();
    let refused = stream.synchronize().unwrap_err();
    assert_eq!(refused.0, sys::CUresult::CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
    stream.end_capture(sys::CUgraphInstantiate_flags(0)).unwrap();
}

#[test]
fn pinned_memory_is_read_when_the_copy_is_done() {
    if !is_child() {
        passes("pinned_memory_is_read_when_the_copy_is_done", &[("GENOVO_DRIVER_SEED", "3")]);
        return;
    }
    let (stream, _) = open().unwrap();
    // A program that changes pinned memory before it waits is wrong, and some copies show it.
    let mut shown = 0;
    for _ in 0..32 {
        // SAFETY: pinned memory is filled before it is read.
        let mut input = unsafe { stream.context().alloc_pinned::<u32>(1) }.unwrap();
        input.as_mut_slice().unwrap()[0] = 1;
        let mut x = stream.alloc_zeros::<u32>(1).unwrap();
        let place = input.as_mut_ptr().unwrap();
        stream.memcpy_htod(&input, &mut x).unwrap();
        // SAFETY: the memory is there; that a copy is under way is what this is about.
        unsafe { place.write(2) };
        shown += u32::from(stream.clone_dtoh(&x).unwrap() == [2]);
    }
    assert!((1..32).contains(&shown), "{shown} of 32");
}

#[test]
fn what_is_missing_says_so() {
    if !is_child() {
        let output = child("what_is_missing_says_so", &[]);
        let text = String::from_utf8_lossy(&output.stderr).to_string();
        assert!(!output.status.success() && text.contains("Missing symbol cuArrayDestroy"), "{text}");
        return;
    }
    let (stream, _) = open().unwrap();
    let error = stream.context().load_module(Ptx::from_src("int main() {}")).unwrap_err();
    assert_eq!(error.0, sys::CUresult::CUDA_ERROR_INVALID_PTX);
    assert!(format!("{error}").contains("PTX line 1: \\\"int\\\""), "{error}");
    let module = stream.context().load_module(Ptx::from_src(PTX)).unwrap();
    let error = module.load_function("scael").unwrap_err();
    assert!(format!("{error}").contains("there is no kernel scael, only"), "{error}");
    // SAFETY: there is no such entry point to call.
    let _ = unsafe { sys::cuArrayDestroy(std::ptr::null_mut()) };
}
