//! The stand-in driver: cudarc opens it as `libcuda`, it executes the PTX with every check on. Tests of the card
//! run in a child process that finds it first.

use std::fs;
use std::path::Path;
use std::process::Command;

use genovo_kernels::backend::Estimate;
use genovo_kernels::checkpoint::Precision;
use genovo_kernels::model::Spec;

use crate::card::KERNELS;
use crate::compilers::{Nvrtc, SOURCES};

/// A test of [`card`](crate::card) on the stand-in: whether it passed, and what it said.
pub fn run(test: &str, seed: u64, fault: Option<&str>, kernels: Option<&Path>) -> (bool, String) {
    run_with(test, seed, fault, kernels, None)
}

/// The same with a file for what the stand-in has counted.
fn run_with(
    test: &str,
    seed: u64,
    fault: Option<&str>,
    kernels: Option<&Path>,
    report: Option<&Path>,
) -> (bool, String) {
    let folder = genovo_driver::folder();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", &format!("card::{test}"), "--nocapture"]);
    command
        .env("LD_LIBRARY_PATH", &folder)
        .env("GENOVO_DRIVER_SEED", seed.to_string())
        .env("GENOVO_CUDA", "1");
    command.env("RUST_BACKTRACE", "0");
    if let Some(fault) = fault {
        command.env("GENOVO_DRIVER_FAULT", fault);
    }
    if let Some(report) = report {
        command.env("GENOVO_DRIVER_REPORT", report);
    }
    if let Some(kernels) = kernels {
        command.env(KERNELS, kernels);
    }
    let done = command.output().unwrap();
    fs::remove_dir_all(folder).unwrap();
    let said = String::from_utf8_lossy(&done.stdout) + String::from_utf8_lossy(&done.stderr);
    assert!(said.contains("running 1 test"), "{said}");
    (done.status.success(), said.into_owned())
}

pub const OPERATIONS: &str = "operations_on_the_card_have_the_bits_of_the_cpu";
pub const TRAINING: &str = "training_on_the_card_has_the_bits_of_the_cpu";

#[test]
fn operations_on_the_stand_in_have_the_bits_of_the_cpu_in_three_orders() {
    for seed in [0, 1, 20_261_126] {
        let (passed, said) = run(OPERATIONS, seed, None, None);
        assert!(passed, "seed {seed}: {said}");
    }
}

#[test]
fn training_on_the_stand_in_has_the_bits_of_the_cpu_in_three_orders() {
    for seed in [0, 4, 20_261_127] {
        let (passed, said) = run(TRAINING, seed, None, None);
        assert!(passed, "seed {seed}: {said}");
    }
}

#[test]
fn models_on_the_stand_in_have_the_bits_of_the_cpu() {
    let (passed, said) = run("models_on_the_card_have_the_bits_of_the_cpu", 5, None, None);
    assert!(passed, "{said}");
}

/// The first decision has its inputs elsewhere in page-locked memory, the second is the first of its kind, and from the
/// third on each is one launch; a driver that has no graphs does the same work.
#[test]
fn a_decision_is_one_graph() {
    for (seed, fault, graphs) in [(0, None, 4), (3, None, 4), (0, Some("old_driver=11030"), 0)] {
        let folder = tempfile::tempdir().unwrap();
        let report = folder.path().join("report.json");
        let test = "a_model_decides_six_times_on_the_card";
        let (passed, said) = run_with(test, seed, fault, None, Some(&report));
        assert!(passed, "{said}");
        let report: serde_json::Value = serde_json::from_str(&fs::read_to_string(&report).unwrap()).unwrap();
        // As many kernels as `docs/gpu.md` counts, however they are launched.
        let kernels = 6 * Estimate::of(&Spec::tiny(), Precision::F32).kernels as u64;
        assert_eq!((&report["launches"], &report["graphs"]), (&kernels.into(), &graphs.into()), "{report}");
    }
}

#[test]
fn memory_may_go_before_work_is_read_on_the_stand_in() {
    for seed in [0, 9] {
        let (passed, said) = run("memory_may_go_before_work_is_read", seed, None, None);
        assert!(passed, "{said}");
    }
}

#[test]
fn steps_of_training_on_the_stand_in_have_the_bits_of_the_cpu() {
    let (passed, said) = run("steps_of_training_on_the_card_have_the_bits_of_the_cpu", 6, None, None);
    assert!(passed, "{said}");
}

#[test]
fn kernels_of_nvrtc_12_have_the_bits_of_the_cpu_too() {
    let Some(nvrtc) = Nvrtc::find(12) else { return };
    let folder = tempfile::tempdir().unwrap();
    for path in SOURCES {
        let name = format!("{}.ptx", path.rsplit('/').next().unwrap());
        fs::write(folder.path().join(name), nvrtc.compile_own(path)).unwrap();
    }
    for test in [OPERATIONS, TRAINING] {
        let (passed, said) = run(test, 2, None, Some(folder.path()));
        assert!(passed, "{said}");
    }
}

#[test]
fn what_a_machine_lacks_is_said_with_a_remedy() {
    for (fault, expected) in [
        ("no_device", "compute on the CPU"),
        ("old_driver=10020", "the driver speaks CUDA 10.2, the kernels need 11.0: install a newer driver"),
        ("out_of_memory_after=20", "the card has too little free memory"),
        ("lost_device_after_launches=9", "the card is lost to this process"),
    ] {
        let (passed, said) = run("a_card_that_fails_says_so", 0, Some(fault), None);
        assert!(passed && said.contains("said: cuda: ") && said.contains(expected), "{fault}: {said}");
    }
    let (passed, said) = run("a_card_that_fails_says_so", 0, None, None);
    assert!(passed && said.contains("a card that computes"), "{said}");
}
