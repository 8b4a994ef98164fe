//! The card of this machine, or the stand-in that [`stand_in`](crate::stand_in) puts in its place: the very same
//! tests. `GENOVO_CUDA=1` makes a missing card a failure.

use std::borrow::Cow;
use std::path::PathBuf;
use std::{env, fs};

use genovo_kernels::backend::cuda::{Cuda, Driver};
use genovo_kernels::backend::{Backend, BackendError, Cpu};
use genovo_kernels::checkpoint::Checkpoint;
use genovo_kernels::model::Spec;
use genovo_kernels::tensor::Rows;

use crate::operations::{self, Size};
use crate::{steps, training};

/// Where a test finds other kernels than those of the program, as `linear.ptx` and so on.
pub const KERNELS: &str = "GENOVO_TEST_KERNELS";

/// The card, or why there is none.
fn open() -> Result<Cuda, BackendError> {
    let folder = env::var_os(KERNELS).map(PathBuf::from);
    let driver = Driver::open_with(0, |path, own| {
        let name = format!("{}.ptx", path.rsplit('/').next().unwrap());
        let other = folder.as_ref().and_then(|folder| fs::read_to_string(folder.join(name)).ok());
        other.map_or(Cow::Borrowed(own), Cow::Owned)
    });
    Ok(Cuda::on(driver?))
}

fn card() -> Option<Cuda> {
    match open() {
        Ok(card) => Some(card),
        Err(error) => {
            assert!(env::var_os("GENOVO_CUDA").is_none(), "{error}");
            println!("skipped: {error}");
            None
        }
    }
}

/// An interpreter takes its time.
fn size() -> Size {
    if env::var_os("GENOVO_DRIVER_SEED").is_some() { Size::Small } else { Size::Full }
}

#[test]
fn operations_on_the_card_have_the_bits_of_the_cpu() {
    let Some(card) = card() else { return };
    operations::have_the_bits_of_the_cpu(&card, size());
}

#[test]
fn training_on_the_card_has_the_bits_of_the_cpu() {
    let Some(card) = card() else { return };
    training::has_the_bits_of_the_cpu(&card, size());
}

#[test]
fn steps_of_training_on_the_card_have_the_bits_of_the_cpu() {
    let Some(card) = card() else { return };
    steps::have_the_bits_of_the_cpu(&card, size());
    steps::refuse_a_window_that_no_kernel_holds(card);
}

#[test]
fn models_on_the_card_have_the_bits_of_the_cpu() {
    let Some(card) = card() else { return };
    operations::models_have_the_bits_of_the_cpu(&card, if size() == Size::Small { 3 } else { 300 });
}

#[test]
fn a_model_decides_six_times_on_the_card() {
    let Some(card) = card() else { return };
    operations::try_to_say(card, &Checkpoint::init(&Spec::tiny(), 1).unwrap(), 6).unwrap();
}

/// Work that is kept back is done before the memory goes that it is about.
#[test]
fn memory_may_go_before_work_is_read() {
    let Some(card) = card() else { return };
    let dense = Rows::dense(8);
    let (gain, mut x) = (card.zeros(8).unwrap(), card.zeros(8).unwrap());
    card.as_one().unwrap();
    card.write((&mut x, dense), 1, 8, &[2.0; 8]).unwrap();
    let mut gone = card.zeros(8).unwrap();
    card.rms_norm(&gain, (&x, dense), (&mut gone, dense), 1, 8).unwrap();
    drop(gone);
    let mut values = [1.0; 8];
    card.read((&x, dense), 1, 8, &mut values).unwrap();
    assert_eq!(values, [2.0; 8]);
}

#[test]
fn a_card_that_fails_says_so() {
    let cpu = Cpu::new(genovo_kernels::cpu::CpuLevel::Scalar, 1).unwrap();
    let what = open().and_then(|card| {
        let checkpoint = Checkpoint::init(&Spec::tiny(), 1).unwrap();
        let streams = operations::try_to_say(card, &checkpoint, 2);
        streams.map_err(|error| match error {
            genovo_kernels::model::ModelError::Backend(error) => error,
            other => panic!("{other}"),
        })
    });
    match what {
        Ok(()) => println!("a card that computes; {} does too", cpu.describe()),
        Err(error) => println!("said: {error}"),
    }
}
