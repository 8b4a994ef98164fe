//! Any bytes given as a factor file: splits and dividends in the order of their days, or an error, never a panic.
//!
//! `tests/fuzz 10 factors` runs it for ten minutes.
#![no_main]

use std::io::Write;

use genovo_adapters::actions::read_factors;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(input).expect("room for it");
    if let Ok(actions) = read_factors(file.path()) {
        assert!(actions.is_sorted_by_key(|(time, _)| *time));
    }
});
