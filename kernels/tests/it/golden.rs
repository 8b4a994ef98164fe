//! Every function against `tests/golden/*.csv`, which `tools/golden.py` derives from 60 and more digits.
//!
//! The bounds here are the ones the functions' docs state. `cargo test -p genovo-kernels golden --
//! --nocapture` prints the errors found.

use genovo_kernels::scalar::{f32 as single, f64 as double};
use std::path::{Path, PathBuf};
use std::{env, fs};

/// Which numbers a table holds, and the function it measures.
enum Function {
    Double(fn(f64) -> f64),
    DoublePair(fn(f64, f64) -> f64),
    Single(fn(f32) -> f32),
}

use Function::{Double, DoublePair, Single};

/// (table, function, largest error in ulp that its doc states, fewest rows the table must have).
const TABLES: [(&str, Function, f64, usize); 18] = [
    ("f64_exp", Double(double::exp), 0.51, 3000),
    ("f64_ln", Double(double::ln), 0.51, 2500),
    ("f64_sin", Double(double::sin), 0.70, 2500),
    ("f64_cos", Double(double::cos), 0.68, 2500),
    ("f64_tan", Double(double::tan), 0.78, 2500),
    ("f64_atan", Double(double::atan), 0.51, 2500),
    ("f64_atan_ratio", DoublePair(double::atan_ratio), 1.7, 2000),
    ("f64_atanh", Double(double::atanh), 1.5, 2000),
    ("f64_pow", DoublePair(double::pow), 0.51, 2500),
    ("f64_ln_ratio", DoublePair(double::ln_ratio), 1.9, 1900),
    ("f64_normal_cdf", Double(double::normal_cdf), 0.58, 3000),
    ("f64_normal_quantile", Double(double::normal_quantile), 0.66, 2500),
    ("f32_exp", Single(single::exp), 0.81, 2000),
    ("f32_ln", Single(single::ln), 0.83, 1300),
    ("f32_sin_turns", Single(single::sin_turns), 0.97, 1400),
    ("f32_cos_turns", Single(single::cos_turns), 0.72, 1400),
    ("f32_sigmoid", Single(single::sigmoid), 0.81, 1600),
    ("f32_softplus", Single(single::softplus), 0.81, 1600),
];

/// Where the bits of a double lie on the line of all doubles, so that neighbours differ by 1.
fn place(bits: u64, sign_bit: u64) -> i128 {
    let magnitude = i128::from(bits & (sign_bit - 1));
    if bits & sign_bit == 0 { magnitude } else { -magnitude }
}

/// The error in ulp of `got`, where `nearest` is the rounded result and `left` what its rounding left.
fn error(got: u64, nearest: u64, left: f64, sign_bit: u64) -> f64 {
    // A zero's sign must be right where the exact result is a zero.
    if left == 0.0 && nearest & (sign_bit - 1) == 0 && got != nearest {
        return f64::INFINITY;
    }
    ((place(got, sign_bit) - place(nearest, sign_bit)) as f64 - left).abs()
}

fn largest_error(name: &str, function: &Function) -> (usize, f64, String) {
    let folder = env::var_os("GENOVO_KERNELS_GOLDEN")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden"), PathBuf::from);
    let path = folder.join(format!("{name}.csv"));
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let (mut rows, mut worst, mut place) = (0, 0.0, String::new());
    for line in text.lines() {
        let cells: Vec<&str> = line.split(',').collect();
        let bits: Vec<u64> =
            cells[..cells.len() - 1].iter().map(|c| u64::from_str_radix(c, 16).unwrap()).collect();
        let left: f64 = cells[cells.len() - 1].parse().unwrap();
        let (got, sign_bit) = match function {
            Double(f) => (f(f64::from_bits(bits[0])).to_bits(), 1 << 63),
            DoublePair(f) => (f(f64::from_bits(bits[0]), f64::from_bits(bits[1])).to_bits(), 1 << 63),
            Single(f) => (u64::from(f(f32::from_bits(bits[0] as u32)).to_bits()), 1 << 31),
        };
        let found = error(got, bits[bits.len() - 1], left, sign_bit);
        if found > worst {
            (worst, place) = (found, format!("{line} got {got:x}"));
        }
        rows += 1;
    }
    (rows, worst, place)
}

#[test]
fn golden_errors_stay_within_the_documented_bounds() {
    let mut failures = String::new();
    for (name, function, bound, rows_min) in &TABLES {
        let (rows, worst, place) = largest_error(name, function);
        println!("{name:20} {rows:5} rows, largest error {worst:.4} ulp (bound {bound}) at {place}");
        assert!(rows >= *rows_min, "{name}: only {rows} rows");
        if worst > *bound {
            failures += &format!("{name}: {worst:.4} ulp at {place}\n");
        }
    }
    assert!(failures.is_empty(), "{failures}");
}

#[test]
fn golden_error_sees_a_wrong_last_place() {
    let one = 1f64.to_bits();
    assert_eq!(error(one, one, 0.25, 1 << 63), 0.25);
    assert_eq!(error(one + 1, one, 0.25, 1 << 63), 0.75);
    assert_eq!(error(one - 1, one, 0.25, 1 << 63), 1.25);
    assert_eq!(error((-0.0f64).to_bits(), 0, 0.0, 1 << 63), f64::INFINITY);
    assert_eq!(error((-5e-324f64).to_bits(), 5e-324f64.to_bits(), 0.0, 1 << 63), 2.0);
}

/// The documented bound of a table's function.
pub fn bound(name: &str) -> f64 {
    TABLES.iter().find(|table| table.0 == name).expect("a table of that name").2
}
