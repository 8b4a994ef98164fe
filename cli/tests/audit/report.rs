//! `audit report`: what an auditor asks, as one document that is signed and the same every time.

use std::fs;

use crate::support::{Folder, snapshot, text};

/// The small run, with a rule that denies and one that reduces.
fn folder() -> Folder {
    let folder = Folder::replayed(&["risk.max_order_quantity=5", "risk.price_collar=1 %"]);
    folder.says(&["limits", "key", "officer.key"]);
    folder
}

const FILES: [&str; 2] = ["pack/audit.json", "pack/audit.html"];

fn report(folder: &Folder, arguments: &[&str]) -> [String; 2] {
    folder.says(&[&["audit", "report", "run", "--out", "pack"], arguments].concat());
    FILES.map(|file| fs::read_to_string(folder.path(file)).expect("a file"))
}

#[test]
fn the_same_journal_gives_the_same_document() {
    let folder = folder();
    let [json, html] = report(&folder, &[]);
    assert_eq!(report(&folder, &[]), [json.clone(), html.clone()]);
    snapshot("report.json", &json);
    let told: serde_json::Value = serde_json::from_str(&json).unwrap();
    let (answer, _) = folder.answers(&["audit", "verify", "run", "--json"]);
    let one = &told["journals"][0];
    assert_eq!(one["proof"]["head"], answer["head_hash"]);
    assert!(one["proof"]["recomputed"].as_str().unwrap().ends_with("equal bit for bit"), "{one}");
    assert!(one["verdicts"]["by_rule"]["order_quantity"]["denied"].as_u64() > Some(0), "{one}");
    assert_eq!(told["made"], serde_json::Value::Null);
    // The page is whole in itself, names the JSON beside it, and holds what it holds.
    assert!(html.contains("order_quantity") && !html.contains("http://") && !html.contains("src=\"http"));
    assert!(html.contains(&format!("b3:{}", blake3::hash(json.as_bytes()).to_hex())));
    // Only what is asked for counts; what was in force before it is known all the same.
    let [later, _] = report(&folder, &["--from", "2014-05-02 21:01", "--no-replay", "--made", "today"]);
    let later: serde_json::Value = serde_json::from_str(&later).unwrap();
    let assessed = |told: &serde_json::Value| told["journals"][0]["verdicts"]["assessed"].as_u64().unwrap();
    assert!(assessed(&later) < assessed(&told) && later["made"] == "today", "{later}");
    assert_eq!(later["journals"][0]["controls"]["at_first"]["max_order_quantity"], "5");
}

#[test]
fn a_signed_report_is_proven_and_a_byte_that_changes_is_found() {
    let folder = folder();
    report(&folder, &["--key", "officer.key"]);
    let public = fs::read_to_string(folder.path("officer.key.pub")).unwrap();
    for file in FILES {
        let said = folder.says(&["audit", "report", "--check", file]);
        assert!(said.contains("is as it was signed") && said.contains(public.trim()), "{said}");
        let good = fs::read(folder.path(file)).unwrap();
        for at in [0, good.len() / 2, good.len() - 1] {
            let mut bad = good.clone();
            bad[at] ^= 1;
            fs::write(folder.path(file), &bad).unwrap();
            let (said, exit) = folder.fails(&["audit", "report", "--check", file]);
            assert!(exit == 3 && said.contains("is not as it was signed"), "{said}");
        }
        fs::write(folder.path(file), &good).unwrap();
        let signature = folder.path(&format!("{file}.sig"));
        let text = fs::read_to_string(&signature).unwrap();
        fs::write(&signature, text.replace("genovo audit report", "genovo limits")).unwrap();
        let (said, exit) = folder.fails(&["audit", "report", "--check", file]);
        assert!(exit == 3 && said.contains("a signature of another thing"), "{said}");
    }
    // A report that is not signed leaves no signature of the one that it replaces.
    report(&folder, &["--no-replay"]);
    for file in FILES {
        let (said, exit) = folder.fails(&["audit", "report", "--check", file]);
        assert!(exit == 2 && said.contains("cannot read the signature"), "{said}");
    }
}

#[test]
fn a_time_that_ends_before_it_begins_is_refused() {
    let folder = folder();
    let turned = ["--from", "2014-05-03", "--to", "2014-05-02 21:00"];
    let (said, exit) = folder.fails(&[&["audit", "report", "run"][..], &turned].concat());
    assert!(exit == 2 && said.contains("is after --to") && said.contains("No report was written."), "{said}");
}

#[test]
fn a_journal_that_was_changed_is_said_to_be() {
    let folder = folder();
    folder.flip("run/chapter-000001/chapter.blocks", |length| length / 2);
    let output = folder.genovo(&["audit", "report", "run", "--out", "pack"]);
    let error = text(&output.stderr);
    assert!(output.status.code() == Some(3) && error.contains("run is not as it was sealed"), "{error}");
    let html = fs::read_to_string(folder.path("pack/audit.html")).unwrap();
    assert!(html.contains("NOT INTACT"), "it is said on the page too");
    assert_eq!(folder.fails(&["audit", "report", "nothing", "--out", "pack"]).1, 2);
}

/// Whoever asks for a proof and gets none learns it from the exit code too.
#[test]
fn a_run_that_cannot_be_recomputed_is_a_failure_unless_nobody_asked() {
    let folder = crate::attribution::with_file(&crate::attribution::made_by_hand(), "best");
    let file = folder.path("hand.safetensors");
    fs::rename(&file, folder.path("elsewhere.safetensors")).unwrap();
    let command = ["audit", "report", "run", "--out", "pack"];
    let output = folder.genovo(&command);
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    for part in ["run could not be recomputed: ", "which is not here", "--model FILE", "--no-replay"] {
        assert!(error.contains(part), "{part}\n{error}");
    }
    assert!(error.contains("The report was written and says so."), "{error}");
    let json: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(folder.path(FILES[0])).unwrap()).unwrap();
    let told = json["journals"][0]["proof"]["recomputed"].as_str().unwrap();
    assert!(told.starts_with("no: the run was decided by the model"), "{told}");
    let model = [&command[..], &["--model", "elsewhere.safetensors"]].concat();
    assert!(folder.says(&model).contains("audit.html"));
    assert!(folder.says(&[&command[..], &["--no-replay"]].concat()).contains("audit.html"));
}

/// The seal holds, and what it seals cannot be: that is a difference, as `replay --verify` has it.
#[test]
fn settings_that_are_damaged_are_a_difference() {
    let folder = Folder::replayed(&[]);
    let cut = |started: &mut genovo_engine::event::RunStarted| started.settings.truncate(20);
    crate::verify::forge(&folder, "cut", env!("CARGO_PKG_VERSION"), cut);
    let output = folder.genovo(&["audit", "report", "cut", "--out", "pack"]);
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{error}");
    assert!(error.contains("cut could not be recomputed: the settings in cut are damaged: "), "{error}");
    assert!(!error.contains("--model"), "{error}");
}
