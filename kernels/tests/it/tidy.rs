//! The source itself: no call of a function whose bits depend on the machine, and files fit to read.

use std::fs;
use std::path::{Path, PathBuf};

/// Methods of `std` that call the C library, or (min, max, clamp) differ between backends for NaN and ±0.
const FORBIDDEN: [&str; 32] = [
    "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cbrt", "clamp", "cos", "cosh", "exp",
    "exp2", "exp_m1", "gamma", "hypot", "ln", "ln_1p", "ln_gamma", "log", "log10", "log2", "max", "maximum",
    "min", "minimum", "powf", "powi", "sin", "sin_cos", "sinh", "tan",
];

/// What is wrong with one line of source, if anything.
fn forbidden_call(line: &str) -> Option<String> {
    let code = line.split("//").next().unwrap_or_default();
    // There is an atanh of our own; the one of `std` is among those below.
    let words = code.replace("atanh", "");
    for word in ["libm", "extern ", "intrinsics", "algebraic", "tanh"] {
        if words.contains(word) {
            return Some(word.to_owned());
        }
    }
    for name in FORBIDDEN {
        let method = format!(".{name}(");
        if code.contains(&method) {
            return Some(method);
        }
        for kind in ["f64", "f32"] {
            let path = format!("{kind}::{name}");
            for (start, _) in code.match_indices(&path) {
                let next = code[start + path.len()..].chars().next().unwrap_or(' ');
                let whole = !(next.is_alphanumeric() || next == '_');
                // Our own modules of these names are what should be called.
                if whole && !code[..start].ends_with("scalar::") {
                    return Some(path);
                }
            }
        }
    }
    None
}

/// All files with one of these endings below a folder of this crate, with their text.
fn files(folder: &str, endings: &[&str]) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| endings.iter().any(|known| e == *known)) {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    assert!(!found.is_empty(), "nothing found in {folder}");
    found
}

#[test]
fn source_calls_nothing_that_depends_on_the_machine() {
    let mut calls = String::new();
    for (path, text) in files("src", &["rs", "cu", "cuh"]) {
        let rust = path.extension().is_some_and(|extension| extension == "rs");
        for (number, line) in text.lines().enumerate() {
            // What `extern` declares in a kernel is its own name, or shared memory.
            let line = if rust { line } else { line.trim_start().trim_start_matches("extern ") };
            if let Some(call) = forbidden_call(line) {
                calls += &format!("{}:{}: {call}\n", path.display(), number + 1);
            }
        }
    }
    assert!(calls.is_empty(), "the bits of these depend on the machine:\n{calls}");
}

#[test]
fn forbidden_calls_are_seen() {
    for line in [
        "let y = x.exp();",
        "let y = (x + 1.0).powi(2);",
        "values.map(f64::sin)",
        "if a.max(b) > c {",
        "std::f32::consts::E.ln()",
        "y = f32::tan(x)",
        "extern \"C\" {",
        "x.tanh() + atanh(x)",
        "x.atanh()",
    ] {
        assert!(forbidden_call(line).is_some(), "{line}");
    }
    for line in [
        "let y = exp(x);",
        "/// x.exp() is not called",
        "scalar::f64::exp(x)",
        "pub use atanh::atanh;",
        "x.exponent()",
        "f64::from_bits(x)",
        "f64::MAX_EXP",
        "a.mul_add(b, c).sqrt()",
    ] {
        assert_eq!(forbidden_call(line), None, "{line}");
    }
}

#[test]
fn files_fit_to_read() {
    for (path, text) in
        files("src", &["rs"]).into_iter().chain(files("tests", &["rs"])).chain(files("tools", &["py"]))
    {
        let lines = text.lines().count();
        assert!(lines <= 500, "{}: {lines} lines", path.display());
        for (number, line) in text.lines().enumerate() {
            let columns = line.chars().count();
            // What rustfmt cannot wrap, comments and texts, may go to 120.
            assert!(columns <= 120, "{}:{}: {columns} columns", path.display(), number + 1);
        }
    }
}
