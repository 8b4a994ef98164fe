//! Bytes that are no state of this engine: an error, whatever they are.

use genovo_engine::engine::{Engine, RestoreError};
use genovo_engine::features::candle::Timeframe;
use genovo_engine::features::normalise::Normalise;
use genovo_engine::ids::InstrumentId;
use genovo_engine::settings::{BarPrice, FeatureSettings, Frequency, Settings, Trigger};
use genovo_engine::strategy::Registry;
use genovo_engine::units::{Nanoseconds, Ratio};
use genovo_kernels::random::RandomKey;

use super::runs::{record, settings, walk};

/// An engine's state after a run.
fn saved(settings: &Settings, ticks: u64) -> Vec<u8> {
    let registry = Registry::default();
    let walks = [walk(1, ticks), walk(2, ticks)];
    let events = record(settings, &registry, &walks[..settings.instruments.len()]);
    let mut engine = Engine::new(settings.clone(), &registry).unwrap();
    engine.keep_for_checkpoints();
    for input in events.iter().filter(|event| event.header.sequence.is_input()) {
        engine.apply(input).unwrap();
    }
    engine.checkpoint().unwrap()
}

fn restore(settings: &Settings, bytes: &[u8]) -> Result<(), RestoreError> {
    Engine::restore(settings.clone(), &Registry::default(), bytes).map(|_| ())
}

/// With a hash that fits again.
fn hashed(bytes: &[u8]) -> Vec<u8> {
    let body = &bytes[..bytes.len() - 32];
    [body, blake3::hash(body).as_bytes()].concat()
}

fn trading() -> Settings {
    let ema = [("fast", "5"), ("slow", "20"), ("quantity", "30"), ("on", "ticks")];
    let mut settings = settings(2, "ema-cross", &ema, Trigger::OnSignal);
    let controls = &mut settings.risk.controls;
    controls.max_order_rate = Some(Frequency { count: 30, per: Nanoseconds(1_000_000_000) });
    controls.max_var = Some(Ratio(500_000_000));
    controls.hard_drawdown = Some(Ratio(500_000_000));
    settings
}

#[test]
fn every_byte_that_is_another_is_seen() {
    let settings = trading();
    let bytes = saved(&settings, 200);
    restore(&settings, &bytes).unwrap();
    for at in 0..bytes.len() {
        for flip in [1, 0x80, 0xff] {
            let mut other = bytes.clone();
            other[at] ^= flip;
            let expected = if at < 16 { RestoreError::NotACheckpoint } else { RestoreError::Damaged };
            assert_eq!(restore(&settings, &other), Err(expected), "byte {at}");
        }
        assert!(restore(&settings, &bytes[..at]).is_err(), "cut at {at}");
    }
    assert_eq!(restore(&settings, &[bytes, vec![0]].concat()), Err(RestoreError::Damaged));
}

#[test]
fn nothing_behind_the_hash_is_believed_either() {
    let settings = trading();
    let bytes = saved(&settings, 200);
    let (mut refused, mut taken) = (0, 0);
    for at in 16..bytes.len() - 32 {
        for flip in [1, 0x80, 0xff] {
            let mut other = bytes.clone();
            other[at] ^= flip;
            match restore(&settings, &hashed(&other)) {
                Ok(()) => taken += 1,
                Err(_) => refused += 1,
            }
        }
        let cut = [&bytes[..at], &[0; 32]].concat();
        assert!(restore(&settings, &hashed(&cut)).is_err(), "cut at {at}");
    }
    // Another price is a price; a length, a tag, a mark is seen.
    assert!(refused > 500 && taken > 500, "{refused} refused, {taken} taken");
    assert!(matches!(
        restore(&settings, &hashed(&[&bytes[..bytes.len() - 32], &[0; 33][..]].concat())),
        Err(RestoreError::State(_))
    ));
}

#[test]
fn features_and_the_model_believe_nothing_either() {
    let time = |seconds: i64| Timeframe::Time(Nanoseconds(seconds * 1_000_000_000));
    let mut features = settings(1, "flat", &[], Trigger::EveryNTicks(9));
    features.features = Some(FeatureSettings {
        columns: ["microstructure", "order_flow", "volume_profile", "cross_asset", "rsi_14"]
            .map(str::to_string)
            .into(),
        timeframes: [20, 40, 60, 80].map(time),
        price: BarPrice::Mid,
        scale: Normalise::Robust,
        benchmark: Some(InstrumentId(1)),
        selection: None,
        own: vec![genovo_engine::settings::OwnColumn {
            id: "own".to_string(),
            expr: "lag(ema(close, 4), 3) + sentiment_1h".to_string(),
            timeframe: 0,
        }],
        altered: Vec::new(),
    });
    let parameters = [
        ("size", "tiny"),
        ("model_seed", "1"),
        ("precision", "f32"),
        ("quantity", "50"),
        ("choose", "best"),
        ("volatility", "100 %"),
    ];
    let model = settings(1, "model", &parameters, Trigger::EveryNTicks(20));
    for (settings, number) in [(features, 0), (model, 1)] {
        let bytes = saved(&settings, 600);
        restore(&settings, &bytes).unwrap();
        for id in 0..150 {
            let key = RandomKey { seed: 9, purpose: number, id };
            // The beginning of what is saved has most that is not a mere number.
            let end = (bytes.len() - 32) as u64;
            let end = if id % 2 == 0 { end } else { end.min(6_000) };
            let at = key.below(0, end - 40) as usize + 40;
            let mut other = bytes.clone();
            other[at] = key.below(1, 256) as u8;
            let _ = restore(&settings, &hashed(&other));
            let cut = [&bytes[..at], &[0; 32]].concat();
            assert!(restore(&settings, &hashed(&cut)).is_err(), "cut at {at}");
        }
    }
}

#[test]
fn a_checkpoint_of_another_build_is_said() {
    let settings = trading();
    let mut bytes = saved(&settings, 50);
    bytes[20] ^= 2;
    let error = restore(&settings, &hashed(&bytes)).unwrap_err();
    assert!(matches!(error, RestoreError::OtherBuild { format: 3, .. }), "{error}");
    assert!(error.to_string().contains("logic version"), "{error}");
}
