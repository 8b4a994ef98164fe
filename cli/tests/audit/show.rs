//! `audit show`: filters, limits, one event in full, JSON lines.

use serde_json::Value;

use crate::support::{Folder, snapshot, text};

fn lines(folder: &Folder, arguments: &[&str]) -> Vec<Value> {
    let output = folder.genovo(&[&["audit", "show", "run", "--json"], arguments].concat());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    text(&output.stdout).lines().map(|line| serde_json::from_str(line).expect("an object a line")).collect()
}

#[test]
fn events_read_well() {
    let folder = Folder::replayed(&[]);
    let mut shown = folder.says(&["audit", "show", "run", "--limit", "12"]);
    for arguments in [&["--order", "2"][..], &["--event", "5"], &["--kind", "runended"]] {
        shown.push_str(&format!("\n$ {}\n", arguments.join(" ")));
        shown.push_str(&folder.says(&[&["audit", "show", "run"], arguments].concat()));
    }
    snapshot("show.txt", &shown);
}

#[test]
fn filters_hold() {
    let folder = Folder::replayed(&[]);
    let all = lines(&folder, &["--limit", "0"]);
    let numbers: Vec<u64> = all.iter().map(|event| event["event"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=all.len() as u64).collect::<Vec<_>>());
    for key in ["event", "sequence", "time_event", "time_received", "cause", "kind", "fact", "text"] {
        assert!(all[0].get(key).is_some(), "{key}");
    }
    assert_eq!(lines(&folder, &[]).len(), 50);
    assert_eq!(lines(&folder, &["--from", "10", "--to", "19"]), all[9..19]);

    let fills = lines(&folder, &["--kind", "OrderFilled", "--limit", "0"]);
    let expected: Vec<&Value> = all.iter().filter(|event| event["kind"] == "OrderFilled").collect();
    assert!(fills.len() > 5);
    assert_eq!(fills.iter().collect::<Vec<_>>(), expected);

    let time = all[99]["time_received"].as_i64().unwrap();
    let until = all.iter().filter(|event| event["time_received"].as_i64().unwrap() <= time).count();
    let to = "2014-05-02T20:58:30Z";
    let shown = lines(&folder, &["--to", to, "--limit", "0"]);
    assert!(shown.len() < until + 100 && shown.len() > 50);
    assert_eq!(shown.last().unwrap()["time_received"].as_i64().unwrap(), 1_399_064_310_000_000_000);
    let from = lines(&folder, &["--from", "2014-05-02 20:58:30", "--limit", "1"]);
    assert_eq!(from[0]["time_received"].as_i64().unwrap(), 1_399_064_310_000_000_000);

    let order = lines(&folder, &["--order", "3"]);
    assert_eq!(order[0]["kind"], "OrderSubmitted");
    assert_eq!(order[0]["fact"]["order"], 3);
    assert!(!lines(&folder, &["--symbol", "xauusd"]).is_empty());
}

#[test]
fn what_is_not_there_is_named() {
    let folder = Folder::replayed(&[]);
    for (arguments, part) in [
        (&["--kind", "OrderFiled"][..], "did you mean `OrderFilled`?"),
        (&["--symbol", "XAGUSD"], "XAUUSD"),
        (&["--event", "1,000,000"], "its events are 1 to "),
        (&["--from", "yesterday"], "2014-05-02T14:30:00Z"),
    ] {
        let (error, exit) = folder.fails(&[&["audit", "show", "run"], arguments].concat());
        assert_eq!(exit, 2, "{error}");
        assert!(error.contains(part), "{error}");
    }
    assert_eq!(folder.says(&["audit", "show", "run", "--order", "99"]), "No event fits.\n");
}
