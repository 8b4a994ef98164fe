//! What the tests share: a folder with a scenario and small data files, stand-in strategies, snapshots.

use std::fs;
use std::path::{Path, PathBuf};

use genovo::error::Failure;
use genovo::scenario::{self, Scenario};
use genovo_engine::settings::{Settings, Trigger};
use genovo_engine::strategy::{
    Needs, ParameterError, ParameterSpec, Parameters, Registry, Strategy, StrategyKind, flat,
};

/// A good scenario of twelve lines: everything else is a default.
pub const SMALL: &str = r#"[account]
cash = "100,000 USD"
[[instruments]]
symbol = "XAUUSD"
tick = 0.001
[data]
path = "quotes.csv"
[strategy]
kind = "ema-cross"
fast = 12
slow = 48
quantity = 500
"#;

/// A good scenario that says most of what can be said.
pub const FULL: &str = include_str!("full.toml");

/// A folder with data files and scenarios.
pub struct Folder(tempfile::TempDir);

impl Folder {
    /// With `quotes.csv` (no sizes), `sized.csv`, `trades.csv` and `bars.csv` in it.
    pub fn new() -> Folder {
        let folder = Folder(tempfile::tempdir().expect("a temporary folder"));
        folder.write("quotes.csv", "ts_ns,bid,ask,bid_size,ask_size\n1,1290.5,1290.8,,\n2,1290.6,1290.9,,\n");
        folder.write("sized.csv", "ts_ns,bid,ask,bid_size,ask_size\n1,1290.5,1290.8,100,200\n");
        folder.write("trades.csv", "ts_ns,price,size,side\n1,1290.7,5,\n");
        folder.write("factors.csv", "20140606,0.9,0.25,645.57\n20501231,1,1,0\n");
        folder.write("bars.csv", "ts_ns,open,high,low,close,volume\n1,1,2,1,2,5\n");
        folder
    }

    /// Writes a file.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, text).expect("a file");
        path
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Loads a scenario of this text.
    pub fn load(&self, text: &str) -> Result<Scenario, Failure> {
        self.load_with(text, &[])
    }

    /// Loads a scenario of this text with `--set` arguments.
    pub fn load_with(&self, text: &str, sets: &[&str]) -> Result<Scenario, Failure> {
        let path = self.write("scenario.toml", text);
        let sets: Vec<String> = sets.iter().map(|set| set.to_string()).collect();
        scenario::load(&path, &sets, &registry())
    }

    /// What is said about a scenario, with this folder's own path taken out.
    pub fn error(&self, text: &str, sets: &[&str]) -> String {
        let failure = self.load_with(text, sets).expect_err("an error");
        failure.render(false).replace(&format!("{}/", self.0.path().display()), "")
    }
}

/// Compares a text with its snapshot; `GENOVO_BLESS=1` writes it instead.
pub fn snapshot(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots").join(name);
    same_as_file(&path, text);
}

/// Compares a text with a file; `GENOVO_BLESS=1` writes it instead.
pub fn same_as_file(path: &Path, text: &str) {
    if std::env::var_os("GENOVO_BLESS").is_some_and(|value| value == "1") {
        fs::write(path, text).expect("a snapshot");
        return;
    }
    let expected = fs::read_to_string(path).unwrap_or_default();
    for (number, (expected, actual)) in expected.lines().zip(text.lines()).enumerate() {
        let (path, number) = (path.display(), number + 1);
        assert_eq!(actual, expected, "{path}:{number} differs; GENOVO_BLESS=1 writes it anew");
    }
    assert_eq!(
        text.len(),
        expected.len(),
        "{} differs at its end; GENOVO_BLESS=1 writes it anew",
        path.display()
    );
}

const fn parameter(name: &'static str, default: Option<&'static str>, about: &'static str) -> ParameterSpec {
    ParameterSpec { name, default, about }
}

/// Stand-ins with the names and parameters of the built-in strategies; they only check their numbers.
pub fn registry() -> Registry {
    let mut registry = Registry::default();
    registry.add(StrategyKind {
        name: "ema-cross",
        about: "follows a fast average that crosses a slow one",
        parameters: const {
            &[
                parameter("fast", None, "length of the fast average"),
                parameter("slow", None, "length of the slow average"),
                parameter("quantity", None, "position it takes"),
                parameter("on", Some("bars"), "bars or ticks"),
            ]
        },
        needs: Needs { sizes: false, quotes: false },
        trigger: Trigger::OnSignal,
        make: make_ema_cross,
    });
    registry.add(StrategyKind {
        name: "ofi-sign",
        about: "follows order flow at the touch",
        parameters: const {
            &[
                parameter("window", Some("1 min"), "how far back the flow is summed"),
                parameter("threshold", None, "flow that is enough"),
                parameter("quantity", None, "position it takes"),
            ]
        },
        needs: Needs { sizes: true, quotes: true },
        trigger: Trigger::OnSignal,
        make: make_with_quantity,
    });
    registry.add(StrategyKind {
        name: "buy-and-hold",
        about: "buys and holds",
        parameters: const {
            &[
                parameter("invest", Some("95 %"), "share of equity"),
                parameter("rebalance", Some("never"), "never, weekly or monthly"),
            ]
        },
        needs: Needs::default(),
        trigger: Trigger::OnSignal,
        make: flat::KIND.make,
    });
    // Two of one's own whose parameters are called as keys are.
    for (name, parameters) in [
        ("rationed", const { &[parameter("budget", Some("5 USD"), "what it spends a day")] }),
        ("delayed", const { &[parameter("decide", Some("5"), "bars that it waits")] }),
    ] {
        let about = "has a parameter that is called as a key is";
        let needs = Needs::default();
        let make = flat::KIND.make;
        registry.add(StrategyKind { name, about, parameters, needs, trigger: Trigger::OnSignal, make });
    }
    registry
}

fn make_ema_cross(parameters: &Parameters, settings: &Settings) -> Result<Box<dyn Strategy>, ParameterError> {
    let fast = parameters.integer("fast", 1)?;
    if parameters.integer("slow", 1)? <= fast {
        return Err(ParameterError::new("slow", format_args!("must be longer than fast, {fast}")));
    }
    make_with_quantity(parameters, settings)
}

fn make_with_quantity(
    parameters: &Parameters,
    settings: &Settings,
) -> Result<Box<dyn Strategy>, ParameterError> {
    parameters.quantity("quantity")?;
    (flat::KIND.make)(parameters, settings)
}
