//! Shared pieces of the integration tests: the scenarios' data, settings written out by hand, the binary.

pub mod broker_kit;
pub mod custom_broker;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use genovo_adapters::data::{self, DataSpec};
use genovo_engine::event::{Event, FlawAction};
use genovo_engine::ids::{Hash, InstrumentId};
use genovo_engine::log::{Log, LogError};
use genovo_engine::settings::*;
use genovo_engine::units::Nanoseconds;
use genovo_engine::world::Source;

/// A file of the repository.
pub fn repository(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// The `genovo` binary, built with the profile of the tests.
pub fn binary() -> &'static Path {
    static BINARY: LazyLock<PathBuf> = LazyLock::new(|| {
        // This program is target/PROFILE/deps/it-….
        let program = std::env::current_exe().expect("a running program has a path");
        let profile = program.ancestors().nth(2).expect("tests lie in target/PROFILE/deps");
        let name = match profile.file_name().and_then(|name| name.to_str()) {
            None | Some("debug") => "dev",
            Some(name) => name,
        };
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let built = Command::new(cargo)
            .args(["build", "--quiet", "--package", "genovo", "--bin", "genovo", "--profile", name])
            .arg("--target-dir")
            .arg(profile.parent().expect("a profile lies in target"))
            .current_dir(repository("."))
            .status();
        assert!(built.expect("cargo starts").success(), "the binary is built");
        profile.join(format!("genovo{}", std::env::consts::EXE_SUFFIX))
    });
    &BINARY
}

/// Runs `genovo` with these arguments in the repository.
pub fn genovo<I: IntoIterator<Item: AsRef<std::ffi::OsStr>>>(arguments: I) -> Output {
    let output = Command::new(binary()).args(arguments).current_dir(repository(".")).output();
    output.expect("the binary starts")
}

/// The gold week's quotes.
pub const GOLD: &str = "scenarios/data/xauusd_oanda_20140501-20140509.csv.zst";

/// Opens a file of quotes of the first instrument.
pub fn quotes(path: &str) -> Box<dyn Source> {
    let spec = DataSpec::new(InstrumentId(1), DataKind::Quotes);
    data::open(&repository(path), &spec).expect("the file is in the repository").source
}

/// The settings of `scenarios/gold.toml`, by hand.
pub fn gold() -> Settings {
    let text = |text: &str| text.to_string();
    Settings {
        name: text("gold"),
        seed: 1,
        account: AccountSettings {
            currency: text("USD"),
            digits: 2,
            cash: "100000".parse().unwrap(),
            kind: AccountKind::Margin,
            positions: PositionMode::Netting,
            hedged_margin: HedgedMargin::Larger,
        },
        instruments: vec![Instrument {
            symbol: text("XAUUSD"),
            tick: "0.001".parse().unwrap(),
            lot: "1".parse().unwrap(),
            multiplier: "1".parse().unwrap(),
            margin_initial: "0.02".parse().unwrap(),
            margin_maintenance: "0.01".parse().unwrap(),
            commission: Commission::default(),
            currency: None,
        }],
        sources: vec![SourceSettings {
            instrument: InstrumentId(1),
            kind: DataKind::Quotes,
            content: Hash::default(),
            reading: Default::default(),
            feed_latency: Nanoseconds::ZERO,
            clock_offset: Nanoseconds::ZERO,
            skip_bad_rows: false,
            tiles: 1,
            bar_interval: None,
            bar_known_after: None,
        }],
        rates: Vec::new(),
        calendars: Vec::new(),
        financing: None,
        margin: None,
        bars: Some(BarSettings { interval: Nanoseconds(300 * 1_000_000_000), price: BarPrice::Mid }),
        trigger: Trigger::OnSignal,
        strategy: StrategySettings {
            kind: text("ema-cross"),
            parameters: [("fast", "12"), ("slow", "48"), ("quantity", "500"), ("on", "bars")]
                .map(|(name, value)| (text(name), text(value)))
                .into(),
        },
        strategies: Vec::new(),
        features: None,
        risk: RiskSettings {
            max_per_trade: "0.02".parse().unwrap(),
            max_total: "0.05".parse().unwrap(),
            min_position: "100".parse().unwrap(),
            distance: RiskDistance::AverageTrueRange { period: 14, times: "2".parse().unwrap() },
            limits: None,
            limits_keys: Vec::new(),
            limits_signer: None,
            protect: false,
            controls: Controls::default(),
        },
        venue: VenueSettings {
            latency: Nanoseconds(5_000_000),
            response_latency: Nanoseconds::ZERO,
            size_when_absent: None,
            touch: TouchRule::Always,
            slippage: Slippage::Ticks(1),
            day_end: Nanoseconds::ZERO,
            when_closed: WhenClosed::Deny,
            queue: Default::default(),
        },
        quality: QualitySettings {
            crossed: FlawAction::Keep,
            locked: FlawAction::Keep,
            out_of_order: FlawAction::Keep,
            duplicate: FlawAction::Keep,
            gap: FlawAction::Keep,
            gap_after: Nanoseconds(900 * 1_000_000_000),
            outlier: FlawAction::Keep,
            outlier_times: 0,
        },
        later: None,
    }
}

/// A log that keeps everything but market data.
#[derive(Default)]
pub struct Rare(pub Vec<Event>);

impl Log for Rare {
    fn append(&mut self, event: &Event) -> Result<(), LogError> {
        if !event.fact.kind().is_market() {
            self.0.push(event.clone());
        }
        Ok(())
    }

    fn commit(&mut self) -> Result<(), LogError> {
        Ok(())
    }
}
