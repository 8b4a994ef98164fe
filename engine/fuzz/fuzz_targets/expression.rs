//! Any text given as a column of one's own: a program or an error within the text, never a panic, and values that are
//! finite or unknown.
//!
//! `tests/fuzz 10 expression` runs it for ten minutes.
#![no_main]

use genovo_engine::features::candle::Candle;
use genovo_engine::features::expression::{Program, parse};
use genovo_engine::units::Timestamp;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let tree = match parse(text) {
        Ok(tree) => tree,
        Err(error) => {
            assert!(error.at.start <= error.at.end && error.at.end <= text.len());
            error.shown(text);
            return;
        }
    };
    let Ok(mut program) = Program::new(&tree, &mut |name| Ok(name.len() % 3)) else { return };
    for index in 0..50_i32 {
        let price = f64::from(index % 7) - 2.0;
        let bar = Candle {
            open_time: Timestamp(0),
            close_time: Timestamp(0),
            open: price,
            high: price + 1.0,
            low: price - 1.0,
            close: price * 1e300,
            volume: (index % 3 > 0).then_some(price),
        };
        let row = [Some(price), None, Some(f64::MAX)];
        if let Some(value) = program.update(&bar, &row) {
            assert!(value.is_finite());
        }
    }
});
