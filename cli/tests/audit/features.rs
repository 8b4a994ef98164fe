//! `genovo features` and `audit show --features`: the catalogue, a run's vectors, a selection that a scenario takes.

use std::path::Path;

use crate::support::Folder;

/// A run that sees a family and two columns at every 5th tick.
const SETS: [&str; 4] = [
    "features.columns=microstructure, calendar, rsi_14",
    "features.timeframes=2 s, 5 ticks, 10 s, 30 s",
    "features.scale=none",
    "strategy.decide=every 5 ticks",
];

#[test]
fn the_catalogue_is_listed_and_described() {
    let folder = Folder::new();
    let (all, code) = folder.answers(&["features", "list", "--json"]);
    assert_eq!(code, 0);
    let count = all["count"].as_u64().unwrap();
    assert!(count >= 560, "{count}");
    let columns = all["columns"].as_array().unwrap();
    assert_eq!(columns.len() as u64, count);
    for column in columns {
        for key in ["id", "family", "parameters", "timeframe", "warm_up", "unit", "scale", "source", "about"]
        {
            assert!(column.get(key).is_some(), "{key} of {column}");
        }
    }
    let text = folder.says(&["features", "list", "--family", "calendar"]);
    assert!(text.starts_with("calendar (12)\n") && text.contains("minute_sin"), "{text}");
    let text = folder.says(&["features", "describe", "rsi_14"]);
    for line in ["RSI(14)", "0 to 100", "15 bars", "1m, 5m, 15m, 1h"] {
        assert!(text.contains(line), "{line}: {text}");
    }
    let (error, code) = folder.fails(&["features", "describe", "rsi_41@5m"]);
    assert!(code == 2 && error.contains("did you mean `rsi_14@5m`?"), "{error}");
    let (error, code) = folder.fails(&["features", "list", "--family", "momentun"]);
    assert!(code == 2 && error.contains("did you mean `momentum`?"), "{error}");
}

#[test]
fn a_run_keeps_its_vectors_and_shows_them() {
    let folder = Folder::replayed(&SETS);
    let vectors =
        folder.says(&["audit", "show", "run", "--kind", "FeaturesComputed", "--limit", "0", "--json"]);
    let rows: Vec<serde_json::Value> =
        vectors.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), 60, "every 5th of 300 quotes");
    let number = rows[50]["event"].to_string();
    let (vector, _) = folder.answers(&["audit", "show", "run", "--features", &number, "--json"]);
    let families = vector["families"].as_array().unwrap();
    let names: Vec<&str> = families.iter().map(|family| family["family"].as_str().unwrap()).collect();
    assert_eq!(names, ["strategy", "momentum", "microstructure", "calendar"]);
    let spread = &families[2]["columns"][0];
    assert_eq!(spread["column"], "spread");
    assert!((spread["value"].as_f64().unwrap() - 1.55).abs() < 0.01, "{spread}");
    let text = folder.says(&["audit", "show", "run", "--features", &number]);
    assert!(text.contains("calendar (12 of 12 known)"), "{text}");
    let (error, code) = folder.fails(&["audit", "show", "run", "--features", "1"]);
    assert!(code == 2 && error.contains("not a feature vector"), "{error}");

    let (verified, code) = folder.answers(&["replay", "--verify", "run", "--json"]);
    assert!(code == 0 && verified["verified"] == true, "{verified}");
    let plot = folder.says(&["features", "plot", "run", "spread"]);
    assert!(plot.contains("known in 60 of 60 vectors"), "{plot}");
    let (error, code) = folder.fails(&["features", "plot", "run", "spraed"]);
    assert!(code == 2 && error.contains("did you mean `spread`?"), "{error}");
}

#[test]
fn a_selection_goes_into_the_next_run() {
    let folder = Folder::replayed(&SETS);
    let arguments = ["features", "select", "run", "--horizon", "2", "--top", "3", "--rows", "100"];
    let text = folder.says(&[&arguments[..], &["--out", "best.txt", "--report", "page"]].concat());
    let page = std::fs::read_to_string(folder.path("page").join("report.html")).expect("a page");
    assert!(page.contains("<svg class=\"heat\"") && page.matches("<title>").count() > 4, "{text}");
    assert!(text.contains("3 of 50 columns selected") || text.contains(" columns selected"), "{text}");
    let (answer, _) = folder.answers(&[&arguments[..], &["--json"]].concat());
    let chosen: Vec<&str> = answer["selection"]["columns"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap())
        .collect();
    assert!(!chosen.is_empty() && chosen.len() <= 3, "{chosen:?}");
    let mut sets = SETS;
    sets[0] = "features.columns=best.txt";
    folder.replay("again", &sets);
    let (answer, _) = folder.answers(&["features", "plot", "again", chosen[0], "--json"]);
    assert_eq!(answer["vectors"], 60);
}

#[test]
fn a_column_is_taken_away_or_delayed() {
    let folder = Folder::replayed(&SETS);
    let column = |journal: &str, column: &str| -> Vec<(i64, f64)> {
        let (answer, code) = folder.answers(&["features", "plot", journal, column, "--json"]);
        assert_eq!(code, 0);
        let point = |point: &serde_json::Value| (point[0].as_i64().unwrap(), point[1].as_f64().unwrap());
        answer["points"].as_array().unwrap().iter().map(point).collect()
    };
    let spread = column("run", "spread");
    assert_eq!(spread.len(), 60);
    let branch = ["audit", "whatif", "run", "--shift-feature", "spread=2", "--drop-feature", "asia"];
    let text = folder.says(&[&branch[..], &["--journal", "branch"]].concat());
    assert!(text.starts_with("asia dropped, spread as 2 vectors before\n"), "{text}");
    assert!(text.contains("What it computed changed, first in FeaturesComputed"), "{text}");
    let shifted = column("branch", "spread");
    assert_eq!(shifted.len(), 58);
    let values = |points: &[(i64, f64)]| points.iter().map(|(_, value)| *value).collect::<Vec<_>>();
    assert_eq!(values(&shifted), values(&spread[..58]));
    assert_eq!(column("branch", "asia"), []);
    let (verified, code) = folder.answers(&["replay", "--verify", "branch", "--json"]);
    assert!(code == 0 && verified["verified"] == true, "{verified}");
    // From an input on: what came before is as it was.
    let later = ["audit", "whatif", "run", "--drop-feature", "spread", "--from-event", "150"];
    folder.says(&[&later[..], &["--journal", "later"]].concat());
    let kept = column("later", "spread");
    assert!(!kept.is_empty() && kept.len() < 60 && kept == spread[..kept.len()], "{}", kept.len());
    let (error, code) = folder.fails(&["audit", "whatif", "run", "--drop-feature", "spraed"]);
    assert!(code == 2 && error.contains("did you mean `spread`?"), "{error}");
    let (error, code) = folder.fails(&["audit", "whatif", "run", "--shift-feature", "spread"]);
    assert!(code == 2 && error.contains("rsi_14@1m=5"), "{error}");
}

#[test]
fn the_report_names_columns_that_were_never_known() {
    let folder = Folder::replayed(&SETS);
    let text = std::fs::read_to_string(folder.path("run").join("report.json")).expect("a report");
    let report: serde_json::Value = serde_json::from_str(&text).unwrap();
    let columns = &report["data"]["columns"];
    assert_eq!(columns["vectors"], 60, "{columns}");
    let never = columns["never_known"].as_array().unwrap();
    // 300 quotes without trades: no side of a trade is known, and the spread is.
    assert!(never.contains(&"vpin_10".into()) && !never.contains(&"spread".into()), "{columns}");
}

const BEGIN: &str = "<!-- columns: written by a test from the catalogue -->\n";
const END: &str = "<!-- end of columns -->\n";

#[test]
fn the_guide_has_every_column() {
    let folder = Folder::new();
    let (all, _) = folder.answers(&["features", "list", "--json"]);
    // A column on several timeframes is one row.
    let mut rows: Vec<(String, String, Vec<String>, String)> = Vec::new();
    for column in all["columns"].as_array().unwrap() {
        let text = |key: &str| column[key].as_str().unwrap_or_default().to_string();
        let id = text("id").split('@').next().unwrap().to_string();
        let known = rows.iter_mut().find(|(family, name, ..)| *family == text("family") && *name == id);
        match known {
            Some((_, _, timeframes, _)) => timeframes.push(text("timeframe")),
            None => {
                let parameters = text("parameters").replace('|', "\\|");
                let cells =
                    [parameters, text("unit"), text("scale"), text("warm_up"), text("source"), text("about")];
                let timeframes = column["timeframe"].as_str().map(str::to_string).into_iter().collect();
                rows.push((text("family"), id, timeframes, cells.join(" | ")));
            }
        }
    }
    let mut table = String::new();
    let mut family = String::new();
    for (of, id, timeframes, cells) in &rows {
        if *of != family {
            family.clone_from(of);
            table.push_str(&format!("\n### {family}\n\n"));
            table.push_str("| column | on | computed | unit | scale | warm-up | needs | what it is |\n");
            table.push_str("|---|---|---|---|---|---|---|---|\n");
        }
        table.push_str(&format!("| `{id}` | {} | {cells} |\n", timeframes.join(" ")));
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/features.md");
    let guide = std::fs::read_to_string(&path).expect("the guide");
    let (before, rest) = guide.split_once(BEGIN).expect("the beginning of the columns");
    let (_, after) = rest.split_once(END).expect("the end of the columns");
    let expected = format!("{before}{BEGIN}{table}\n{END}{after}");
    if std::env::var_os("GENOVO_BLESS").is_some() {
        std::fs::write(&path, &expected).expect("the guide is written");
    }
    let count = all["count"].as_u64().unwrap();
    assert!(before.contains(&format!("{count} columns")), "the guide says another number than {count}");
    assert!(guide == expected || std::env::var_os("GENOVO_BLESS").is_some(), "GENOVO_BLESS=1 writes it anew");
}
