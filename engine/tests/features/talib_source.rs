//! Nothing that the catalogue computes by TA-Lib calls the C library's elementary functions: their bits are the
//! machine's. Read in the source of the very version that is built.

use std::path::{Path, PathBuf};
use std::process::Command;

use genovo_engine::features::catalogue::BAR_FAMILIES;
use genovo_engine::features::indicators::talib::FUNCTIONS;

/// Methods of f64 that IEEE 754 does not round exactly; as calls, so that names of functions do not count.
const INEXACT: [&str; 20] = [
    ".ln()",
    ".log10()",
    ".log2()",
    ".log(",
    ".ln_1p()",
    ".exp()",
    ".exp2()",
    ".exp_m1()",
    ".sin()",
    ".cos()",
    ".sin_cos()",
    ".tan()",
    ".asin()",
    ".acos()",
    ".atan()",
    ".atan2(",
    ".sinh()",
    ".cosh()",
    ".tanh()",
    ".pow",
];

/// The folder of the functions' sources; `None` where cargo does not know or the source is not there.
fn sources() -> Option<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--offline", "--locked"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let manifests = text.split("\"manifest_path\":\"").skip(1).filter_map(|rest| rest.split('"').next());
    let folder = manifests
        .map(|manifest| Path::new(manifest).parent().unwrap_or(Path::new("")).join("src/ta_func"))
        .find(|folder| folder.to_string_lossy().contains("/ta-lib-0."))?;
    folder.is_dir().then_some(folder)
}

/// What a function's source calls of them, its comments left out.
fn inexact(folder: &Path, function: &str) -> Vec<&'static str> {
    let path = folder.join(format!("{}.rs", function.to_lowercase()));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let code: Vec<&str> = text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect();
    INEXACT.into_iter().filter(|call| code.iter().any(|line| line.contains(call))).collect()
}

#[test]
fn no_function_of_the_catalogue_calls_the_c_library() {
    let Some(folder) = sources() else {
        println!("skipped: the source of ta-lib is not on this machine");
        return;
    };
    // The search finds what is known to be there.
    assert_eq!(inexact(&folder, "CHOP"), [".log10()"]);
    assert!(inexact(&folder, "HT_SINE").contains(&".atan()"), "{:?}", inexact(&folder, "HT_SINE"));
    assert!(!inexact(&folder, "FISHER").is_empty() && !inexact(&folder, "LINEARREG_ANGLE").is_empty());
    let mut used = 0;
    for column in BAR_FAMILIES.iter().flat_map(|family| family.columns) {
        let Some(function) = FUNCTIONS.iter().find(|function| function.name == column.indicator) else {
            continue;
        };
        used += 1;
        assert_eq!(inexact(&folder, function.name), [""; 0], "{}: {}", column.id, function.name);
        // MAMA, the seventh kind of moving average, takes angles.
        for (name, value) in function.parameters.iter().zip(column.parameters) {
            assert!(!name.contains("ma_type") || *value != 7.0, "{}: {} by MAMA", column.id, function.name);
        }
    }
    assert!(used > 60, "{used} columns");
}
