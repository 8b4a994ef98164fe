//! The scenarios that come with genovo are good, and do what they say.

use std::path::Path;

use genovo::scenario::{self, explain};

use crate::support::{Folder, registry, snapshot};

/// Each with data of a few rows in the place of its own.
#[test]
fn they_load_and_say_what_they_do() {
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    let mut text = String::new();
    for name in ["gold", "bac", "btcusdt", "portfolio", "signals"] {
        let scenario =
            std::fs::read_to_string(home.join(format!("{name}.toml"))).expect("a shipped scenario");
        let folder = Folder::new();
        for path in scenario.lines().filter_map(|line| line.strip_prefix("path = ")) {
            folder.write(path.trim_matches('"'), rows(path));
        }
        let path = folder.write(&format!("{name}.toml"), &scenario);
        let loaded = scenario::load(&path, &[], &registry())
            .unwrap_or_else(|failure| panic!("{name}: {}", failure.render(false)));
        assert_eq!(loaded.settings.name, name);
        assert!(loaded.notes.is_empty());
        let words = explain::in_words(&loaded).replace(&format!("{}/", folder.path().display()), "");
        text.push_str(&format!("{words}\n"));
    }
    snapshot("shipped.txt", &text);
}

fn rows(path: &str) -> &'static str {
    match path {
        path if path.contains("_trades_") => "ts_ns,price,size,side\n1,13.94,500,\n",
        path if path.contains("_1d_") => "ts_ns,open,high,low,close,volume\n1,1,2,1,2,5\n",
        path if path.contains("signals") => "known_at,symbol,target\n2014-05-01,XAUUSD,0.5\n",
        path if path.contains("xauusd") => "ts_ns,bid,ask,bid_size,ask_size\n1,1290.5,1290.8,,\n",
        _ => "ts_ns,bid,ask,bid_size,ask_size\n1,13.84,14.02,700,500\n",
    }
}
