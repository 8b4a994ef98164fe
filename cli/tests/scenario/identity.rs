//! What the settings' hash depends on, and what it does not.

use genovo::scenario::{Cpu, Mode, explain};
use genovo_engine::settings::Settings;

use crate::support::{FULL, Folder, SMALL, snapshot};

fn hash(folder: &Folder, text: &str) -> String {
    folder
        .load(text)
        .unwrap_or_else(|failure| panic!("{}", failure.render(false)))
        .settings_hash()
        .to_string()
}

#[test]
fn canonical_settings_are_stable() {
    let folder = Folder::new();
    let mut text = String::new();
    for scenario in [SMALL, FULL] {
        let settings = folder.load(scenario).unwrap().settings;
        let json = settings.to_canonical_json();
        assert_eq!(Settings::from_canonical_json(&json).unwrap(), settings);
        text.push_str(&format!("{json}\n"));
    }
    snapshot("settings.jsonl", &text);
}

#[test]
fn order_spelling_and_defaults_do_not_count() {
    let folder = Folder::new();
    let base = hash(&folder, SMALL);
    let (account, rest) = SMALL.split_at(SMALL.find("[[instruments]]").unwrap());
    let (middle, strategy) = rest.split_at(rest.find("[strategy]").unwrap());
    let same = [
        format!("{strategy}{middle}{account}"),
        SMALL.replace("fast = 12\nslow = 48", "slow = \"48\"\nfast = 12"),
        SMALL.replace("100,000 USD", "100000.00 USD"),
        SMALL.replace("tick = 0.001", "tick = \"0.0010\"\nlot = \"1\""),
        SMALL.replace(
            "[strategy]",
            "[risk]\nmax_per_trade = 0.02\n[venue]\nlatency = \"0.005 s\"\n[strategy]",
        ),
        format!("seed = 1\nname = \"scenario\"\ntitle = \"another\"\n{SMALL}"),
    ];
    for text in same {
        assert_eq!(hash(&folder, &text), base, "{text}");
    }
}

#[test]
fn execution_and_paths_do_not_count_and_content_does() {
    let folder = Folder::new();
    let base = hash(&folder, SMALL);
    folder.write("copy.csv", std::fs::read(folder.path().join("quotes.csv")).unwrap());
    assert_eq!(hash(&folder, &SMALL.replace("quotes.csv", "copy.csv")), base);
    let execution = format!("{SMALL}[execution]\nmode = \"pipelined\"\ncpu = \"scalar\"\n");
    assert_eq!(hash(&folder, &execution), base);
    let scenario = folder.load(&execution).unwrap();
    assert_eq!((scenario.execution.mode, scenario.execution.cpu), (Mode::Pipelined, Cpu::Scalar));

    assert_ne!(hash(&folder, &SMALL.replace("quotes.csv", "sized.csv")), base);
    assert_ne!(hash(&folder, &SMALL.replace("fast = 12", "fast = 13")), base);
    assert_ne!(hash(&folder, &format!("seed = 2\n{SMALL}")), base);
    folder.write("quotes.csv", "ts_ns,bid,ask\n1,1290.5,1290.8\n");
    assert_ne!(hash(&folder, SMALL), base);
}

#[test]
fn effective_settings_are_a_scenario_of_the_same_identity() {
    let folder = Folder::new();
    for text in [SMALL, FULL] {
        let scenario = folder.load(text).unwrap();
        let again = format!("{}\n", explain::effective(&scenario));
        assert_eq!(hash(&folder, &again), scenario.settings_hash().to_string(), "{again}");
    }
}
