//! A file of limits: a scenario that names it may only tighten them.

use std::fs;

use genovo_engine::ids::Hash;

use crate::support::{Folder, SMALL};

const LIMITS: &str = r#"max_total = "4 %"
min_position = 200
max_leverage = 3
max_order_rate = "50 per 1 s"
max_var = "2 %"
"#;

/// A folder with the limits, and the small scenario with these keys in `[risk]`.
fn scenario(limits: &str, risk: &str) -> (Folder, String) {
    let folder = Folder::new();
    folder.write("limits.toml", limits);
    (folder, format!("{SMALL}\n[risk]\nlimits = \"limits.toml\"\n{risk}"))
}

#[test]
fn the_files_limits_hold_and_may_be_tightened() {
    let (folder, text) = scenario(LIMITS, "max_leverage = 2\nmax_cvar = \"3 %\"\n");
    let settings = folder.load(&text).unwrap().settings;
    let risk = &settings.risk;
    assert_eq!(risk.max_total.to_string(), "0.04");
    assert_eq!(risk.max_per_trade.to_string(), "0.02", "the default, for the file does not say it");
    assert_eq!(risk.controls.max_leverage.unwrap().to_string(), "2");
    assert_eq!(risk.controls.max_var.unwrap().to_string(), "0.02");
    assert_eq!(risk.controls.max_cvar.unwrap().to_string(), "0.03");
    assert_eq!(risk.limits, Some(Hash(*blake3::hash(LIMITS.as_bytes()).as_bytes())));
    // Another file is another run, even if it says the same.
    let (folder, text) =
        scenario(&format!("{LIMITS}\n# reviewed\n"), "max_leverage = 2\nmax_cvar = \"3 %\"\n");
    let other = folder.load(&text).unwrap().settings;
    assert_ne!(other.risk.limits, settings.risk.limits);
    assert_eq!(other.risk.controls, settings.risk.controls);
}

#[test]
fn what_loosens_is_an_error_with_its_place() {
    let table = [
        ("max_total = \"5 %\"", "max_total"),
        ("min_position = 100", "min_position"),
        ("max_leverage = 3.01", "max_leverage"),
        ("max_order_rate = \"51 per 1 s\"", "max_order_rate"),
        ("max_order_rate = \"50 per 500 ms\"", "max_order_rate"),
        ("max_var = \"2.5 %\"", "max_var"),
    ];
    for (line, key) in table {
        let (folder, text) = scenario(LIMITS, line);
        let failure = folder.load(&text).map(|_| ()).unwrap_err().render(false);
        assert!(failure.contains(&format!("`{key}` is looser than the limits allow")), "{failure}");
        assert!(failure.contains("scenario.toml:") && failure.contains("limits.toml says"), "{failure}");
    }
    // What the file does not say is the scenario's own, and as tight is tight enough.
    let (folder, text) = scenario(LIMITS, "max_per_trade = \"4 %\"\nmax_total = \"4 %\"\n");
    folder.load(&text).unwrap();
}

#[test]
fn a_wrong_file_is_said_where_it_is_wrong() {
    let table = [
        ("max_totl = \"4 %\"", "", "did you mean `max_total`?"),
        ("max_total = \"4 x\"", "max_total = \"3 %\"", "unknown unit `x`"),
        ("limits = \"other.toml\"", "", "limits name no further limits"),
        ("max_total = ", "", "limits.toml:1"),
    ];
    for (limits, risk, said) in table {
        let (folder, text) = scenario(limits, risk);
        let failure = folder.load(&text).map(|_| ()).unwrap_err().render(false);
        assert!(failure.contains(said), "{said}: {failure}");
        assert!(failure.contains("limits.toml"), "{failure}");
    }
    let (folder, text) = scenario(LIMITS, "");
    fs::remove_file(folder.path().join("limits.toml")).expect("limits");
    let failure = folder.load(&text).map(|_| ()).unwrap_err().render(false);
    assert!(failure.contains("cannot read the limits"), "{failure}");
}
