//! Any bytes given as a checkpoint: a whole model or an error, never a panic.
//!
//! `tests/fuzz 10 checkpoint` runs it for ten minutes.
//!
//! The first two bytes of an input say where the rest of it is laid over the file of a whole model, so that
//! mutations reach what lies behind the header.
#![no_main]

use std::sync::LazyLock;

use genovo_kernels::checkpoint::Checkpoint;
use genovo_kernels::model::Spec;
use libfuzzer_sys::fuzz_target;

static WHOLE: LazyLock<Vec<u8>> =
    LazyLock::new(|| Checkpoint::init(&Spec::tiny(), 1).expect("a shape that can be").file().to_vec());

fuzz_target!(|input: &[u8]| {
    let _ = Checkpoint::read(input.to_vec());
    let Some((place, bytes)) = input.split_first_chunk::<2>() else { return };
    let mut file = WHOLE.clone();
    let at = usize::from(u16::from_le_bytes(*place));
    let length = bytes.len().min(file.len() - at);
    file[at..at + length].copy_from_slice(&bytes[..length]);
    if let Ok(model) = Checkpoint::read(file) {
        let again = Checkpoint::read(model.file().to_vec()).expect("it was read before");
        assert_eq!(model.id(), again.id());
    }
});
