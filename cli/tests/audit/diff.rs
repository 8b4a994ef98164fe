//! `audit diff`: two runs that are equal, and two that are not.

use crate::support::{Folder, snapshot};

#[test]
fn equal_runs_are_equal_whoever_wrote_them() {
    let folder = Folder::replayed(&[]);
    folder.replay("again", &[]);
    let text = folder.says(&["audit", "diff", "run", "again"]);
    assert!(text.contains("Every event is equal, bit for bit."), "{text}");
    assert!(text.contains("(identity.toml, outside the chain)") && text.contains("started"), "{text}");
    let (answer, exit) = folder.answers(&["audit", "diff", "run", "again", "--json"]);
    assert_eq!(exit, 0);
    assert_eq!(answer["equal"], true);
    assert_eq!(answer["first"]["head_hash"], answer["second"]["head_hash"]);
}

#[test]
fn the_first_differences_are_shown_side_by_side() {
    let folder = Folder::replayed(&[]);
    folder.replay("careful", &["risk.max_per_trade=\"0.6 %\""]);
    let output = folder.genovo(&["audit", "diff", "run", "careful", "--limit", "3"]);
    assert_eq!(output.status.code(), Some(3));
    let text = crate::support::text(&output.stdout);
    assert!(text.contains("risk.max_per_trade: \"0.012\" in A, \"0.006\" in B"), "{text}");
    let text = text.split("\nWritten under").next().unwrap();
    snapshot("diff.txt", text);
    let error = crate::support::text(&output.stderr);
    assert!(error.starts_with("error: the journals differ from sequence 65536 on\n"), "{error}");

    let (answer, exit) = folder.answers(&["audit", "diff", "run", "careful", "--limit", "2", "--json"]);
    assert_eq!((exit, answer["differences"].as_array().map(Vec::len)), (3, Some(2)));
    assert_eq!(answer["more"], true);
    assert!(answer["differences"][0]["first"]["sequence"].is_u64());
}
