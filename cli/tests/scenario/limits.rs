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

/// Runs a command in a folder; its exit code and what it said.
fn genovo(folder: &Folder, arguments: &[&str]) -> (i32, String) {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_genovo"))
        .args(arguments)
        .current_dir(folder.path())
        .output()
        .expect("the program starts");
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&said).into_owned())
}

/// A folder with limits signed by anna, who may, and the key of otto, who may not.
fn signed() -> (Folder, String, String) {
    let (folder, text) = scenario(LIMITS, "limits_keys = \"anna.key.pub\"");
    for name in ["anna.key", "otto.key"] {
        assert_eq!(genovo(&folder, &["limits", "key", name]).0, 0);
    }
    assert_eq!(genovo(&folder, &["limits", "sign", "limits.toml", "--key", "anna.key"]).0, 0);
    let anna = fs::read_to_string(folder.path().join("anna.key.pub")).expect("a key");
    (folder, text, anna.trim().to_string())
}

#[test]
fn signed_limits_hold_and_name_their_signer() {
    let (folder, text, anna) = signed();
    let risk = folder.load(&text).unwrap().settings.risk;
    assert_eq!(risk.limits_signer.unwrap().to_string(), anna);
    assert_eq!(risk.limits_keys, [risk.limits_signer.unwrap()]);
    // The same in a list, in a text, and by a file beside the limits alone.
    for line in [format!("limits_keys = [\"{anna}\"]"), format!("limits_keys = \"{anna}\"")] {
        let text = text.replace("limits_keys = \"anna.key.pub\"", &line);
        assert_eq!(folder.load(&text).unwrap().settings.risk, risk);
    }
    folder.write("limits.toml.keys", format!("{anna} # the risk officer\n"));
    let silent = text.replace("limits_keys = \"anna.key.pub\"", "");
    assert_eq!(folder.load(&silent).unwrap().settings.risk, risk);
    let (code, said) = genovo(&folder, &["limits", "check", "limits.toml"]);
    assert!(code == 0 && said.contains("may sign   yes"), "{said}");
    // Nobody demands a signature: nothing of it is in the settings.
    fs::remove_file(folder.path().join("limits.toml.keys")).unwrap();
    let json = folder.load(&silent).unwrap().settings.to_canonical_json();
    assert!(!json.contains("limits_keys") && !json.contains("limits_signer"), "{json}");
}

#[test]
fn a_wrong_or_missing_signature_is_refused_with_place_and_remedy() {
    let refused = |folder: &Folder, text: &str, said: &str| {
        let failure = folder.load(text).map(|_| ()).unwrap_err().render(false);
        assert!(failure.contains(said), "{said}: {failure}");
        assert!(failure.contains("scenario.toml:") && failure.contains("genovo limits"), "{failure}");
    };
    let (folder, text, anna) = signed();
    folder.write("limits.toml", LIMITS.replace("4 %", "5 %"));
    refused(&folder, &text, "are not as they were signed");
    assert_eq!(genovo(&folder, &["limits", "check", "limits.toml"]).0, 3);
    folder.write("limits.toml", LIMITS);

    assert_eq!(genovo(&folder, &["limits", "sign", "limits.toml", "--key", "otto.key"]).0, 0);
    refused(&folder, &text, "which may not sign them");
    assert_eq!(genovo(&folder, &["limits", "check", "limits.toml", "--keys", "anna.key.pub"]).0, 3);

    // Otto's signature with anna's name under it.
    let signature = fs::read_to_string(folder.path().join("limits.toml.sig")).unwrap();
    let otto = fs::read_to_string(folder.path().join("otto.key.pub")).unwrap();
    folder.write("limits.toml.sig", signature.replace(otto.trim(), &anna));
    refused(&folder, &text, "is not one of");
    folder.write("limits.toml.sig", "signed, anna");
    refused(&folder, &text, "is no signature");
    fs::remove_file(folder.path().join("limits.toml.sig")).unwrap();
    refused(&folder, &text, "are not signed");

    // The wrong half of a key: it is said, and the key is not shown.
    let secret = fs::read_to_string(folder.path().join("anna.key")).unwrap();
    let secret = secret.lines().find_map(|line| line.strip_prefix("genovo-secret:")).unwrap();
    for wrong in [
        text.replace("anna.key.pub", "anna.key"),
        text.replace("\"anna.key.pub\"", &format!("[\"genovo-secret:{secret}\"]")),
        text.replace("limits = \"limits.toml\"", "limits = \"anna.key\""),
    ] {
        let failure = folder.load(&wrong).map(|_| ()).unwrap_err();
        let said = failure.render(false) + &failure.to_json().to_string();
        assert!(!said.contains(&secret[..8]) && said.contains("Nothing was run."), "{said}");
    }
    refused(&folder, &text.replace("anna.key.pub", "anna.key"), "a secret key stands where public keys go");
    assert_eq!(genovo(&folder, &["limits", "sign", "limits.toml", "--key", "anna.key"]).0, 0);
    let (code, said) = genovo(&folder, &["limits", "check", "limits.toml", "--keys", "anna.key"]);
    assert!(code == 2 && said.contains("name the file with .pub") && !said.contains(secret), "{said}");

    let text = text.replace("anna.key.pub", "ed25519:00");
    refused(&folder, &text, "`ed25519:00` is no public key");
    // A scenario cannot add a key to those beside the limits.
    folder.write("limits.toml.keys", &anna);
    let text = text.replace("ed25519:00", otto.trim());
    let failure = folder.load(&text).map(|_| ()).unwrap_err().render(false);
    assert!(failure.contains("no key of") && failure.contains("may sign these limits"), "{failure}");
}
