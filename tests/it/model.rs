//! Does the model decide the same at every level of the CPU, and does its journal say all that made a decision?

use genovo_engine::engine::Engine;
use genovo_engine::event::{Action, Decision, Event, Fact, Outcome, Quote, Rule, WorldKind};
use genovo_engine::ids::{Hash, InstrumentId};
use genovo_engine::recorded::{Comparison, MarketOf};
use genovo_engine::run::run;
use genovo_engine::settings::{RiskDistance, Settings, StrategySettings, Trigger};
use genovo_engine::simulated::Simulated;
use genovo_engine::strategy::Registry;
use genovo_engine::units::{Nanoseconds, Price, Quantity, Ratio, Timestamp};
use genovo_engine::world::MemorySource;
use genovo_kernels::backend::Cpu;
use genovo_kernels::cpu::CpuLevel;
use genovo_kernels::random::RandomKey;

const SECOND: i64 = 1_000_000_000;

/// Every level of this machine, with one thread and with two.
fn cpus() -> Vec<Cpu> {
    let all = CpuLevel::ALL.into_iter().flat_map(|level| [1, 2].map(|threads| Cpu::new(level, threads)));
    let (here, missing): (Vec<_>, Vec<_>) = all.partition(Result::is_ok);
    for error in missing.into_iter().filter_map(Result::err) {
        println!("skipped: {error}");
    }
    here.into_iter().flatten().collect()
}

/// A walk of quotes with sizes, two a second.
fn walk(instrument: u32, seconds: i64) -> Vec<Event> {
    let mut mid = 1_300 * SECOND;
    let quote = |n: i64| {
        let key = RandomKey { seed: 4, purpose: instrument, id: n as u64 };
        mid += (key.below(0, 2_001) as i64 - 1_000) * 1_000_000;
        let size = |draw| Some(Quantity((1 + key.below(draw, 900) as i64) * SECOND));
        let half = (50 + key.below(3, 100) as i64) * 1_000_000;
        let (bid, ask) = (Price(mid - half), Price(mid + half));
        let fact = Fact::QuoteChanged(Quote { bid, ask, bid_size: size(1), ask_size: size(2) });
        let time = Timestamp(1_398_902_400 * SECOND + n * SECOND / 2);
        Event::unnumbered(time, time, InstrumentId(instrument), fact)
    };
    (0..2 * seconds).map(quote).collect()
}

/// Writes so many seconds of the walk as a file of quotes.
fn write_quotes(path: &str, seconds: i64) {
    let mut rows = String::from("ts_ns,bid,ask,bid_size,ask_size\n");
    for event in walk(1, seconds) {
        let Fact::QuoteChanged(quote) = event.fact else { continue };
        let (time, bid, ask) = (event.header.time_event.0, quote.bid, quote.ask);
        rows.push_str(&format!("{time},{bid},{ask},,\n"));
    }
    std::fs::write(path, rows).unwrap();
}

/// So many instruments that a model trades every ten seconds.
fn settings(instruments: usize, changes: &[(&str, &str)]) -> Settings {
    let mut settings = genovo_tests::gold();
    settings.bars.as_mut().unwrap().interval = Nanoseconds(30 * SECOND);
    settings.trigger = Trigger::Every(Nanoseconds(10 * SECOND));
    let (instrument, source) = (settings.instruments.remove(0), settings.sources.remove(0));
    for number in 1..=instruments as u32 {
        let mut instrument = instrument.clone();
        instrument.symbol = format!("X{number}");
        settings.instruments.push(instrument);
        let mut source = source.clone();
        source.instrument = InstrumentId(number);
        settings.sources.push(source);
    }
    let mut parameters: Vec<(&str, &str)> = vec![
        ("size", "tiny"),
        ("model_seed", "1"),
        ("precision", "f32"),
        ("quantity", "50"),
        ("choose", "sample"),
        ("volatility", "100 %"),
    ];
    for change in changes {
        parameters.retain(|(name, _)| *name != change.0);
        parameters.push(*change);
    }
    let parameters = parameters.into_iter().map(|(name, value)| (name.to_string(), value.to_string()));
    settings.strategy = StrategySettings { kind: "model".to_string(), parameters: parameters.collect() };
    settings
}

/// Runs it on this CPU, over these instruments' quotes.
fn record(settings: &Settings, walks: &[Vec<Event>], cpu: &Cpu) -> Vec<Event> {
    let mut engine = Engine::new(settings.clone(), &Registry::default()).unwrap();
    engine.compute_on(&cpu.clone().into()).unwrap();
    let sources = walks.iter().map(|walk| Box::new(MemorySource::new(walk.clone())) as _).collect();
    let mut world = Simulated::new(settings, engine.identity(WorldKind::Simulated), sources).unwrap();
    let mut log = Vec::new();
    run(&mut world, &mut log, &mut engine).unwrap();
    log
}

fn model_of(log: &[Event]) -> Option<Hash> {
    log.iter().find_map(|event| match &event.fact {
        Fact::RunStarted(started) => started.model,
        _ => None,
    })
}

fn decisions(log: &[Event], instrument: u32) -> Vec<&Decision> {
    let of = log.iter().filter(|event| event.header.instrument == InstrumentId(instrument));
    let decisions = of.filter_map(|event| match &event.fact {
        Fact::DecisionMade(decision) => Some(&**decision),
        _ => None,
    });
    decisions.collect()
}

#[test]
fn a_run_recorded_at_one_level_is_recomputed_at_every_other() {
    let settings = settings(2, &[]);
    let walks = [walk(1, 1_200), walk(2, 1_200)];
    let cpus = cpus();
    for recorder in [&cpus[0], &cpus[cpus.len() - 1]] {
        let log = record(&settings, &walks, recorder);
        let orders = log.iter().filter(|event| matches!(event.fact, Fact::OrderFilled(_))).count();
        assert!(orders > 20, "{orders} fills");
        for cpu in &cpus {
            let mut engine = Engine::new(settings.clone(), &Registry::default()).unwrap();
            engine.compute_on(&cpu.clone().into()).unwrap();
            let events = || log.clone().into_iter().map(Ok);
            let market = Box::new(MarketOf::new(events()));
            let identity = engine.identity(WorldKind::Simulated);
            let mut world = Simulated::new(&settings, identity, vec![market]).unwrap();
            let mut comparison = Comparison::new(events());
            run(&mut world, &mut comparison, &mut engine).unwrap();
            let (equal, difference) = comparison.finish().unwrap();
            assert!(difference.is_none(), "recorded on {recorder:?}, recomputed on {cpu:?}: {difference:?}");
            assert_eq!(equal, log.len() as u64);
        }
    }
}

#[test]
fn a_decision_holds_everything_that_made_it() {
    let settings = settings(1, &[]);
    let log = record(&settings, &[walk(1, 600)], &cpus()[0]);
    let all = decisions(&log, 1);
    assert!(all.len() >= 59, "{} decisions", all.len());
    let value = |decision: &Decision, name: &str| {
        let found = decision.evidence.iter().find(|evidence| evidence.name == name);
        found.unwrap_or_else(|| panic!("no {name} in {decision:?}")).value
    };
    for decision in all {
        let action = value(decision, "action") as usize;
        let wants = match decision.actions[..] {
            [] | [Action::Hold] => None,
            [Action::Target { quantity, .. }] => Some(quantity),
            _ => panic!("{decision:?}"),
        };
        match (action, wants) {
            (0, wanted) => assert_eq!(wanted, None),
            (1, wanted) => assert!(wanted.is_none_or(|wanted| wanted >= Quantity::ZERO)),
            (_, wanted) => assert!(wanted.is_none_or(|wanted| wanted <= Quantity::ZERO)),
        }
        let share = value(decision, "size_share");
        assert!((0.0..=1.0).contains(&share) && share <= value(decision, "risk_scale"));
        assert!(value(decision, "log_probability") < 0.0);
        for steps in [16, 64, 256] {
            let fan = ["q05", "q25", "q50", "q75", "q95"].map(|q| value(decision, &format!("{q}_{steps}")));
            assert!(fan.is_sorted(), "{fan:?}");
            assert!(value(decision, &format!("volatility_{steps}")) > 0.0);
            assert!(value(decision, &format!("disagreement_{steps}")) >= 0.0);
        }
    }
    // The vector holds all that the network saw: by its names, and with what is not known marked so.
    let names = match &log[0].fact {
        Fact::RunStarted(started) => started.features.clone(),
        _ => panic!("a run starts"),
    };
    for name in ["return_1", "bid_flow", "signed_volume", "time_of_week", "position_share"] {
        assert!(names.iter().any(|known| known == name), "{name} in {names:?}");
    }
}

#[test]
fn instruments_that_share_a_pass_decide_as_if_alone() {
    let walks = [walk(1, 600), walk(2, 600)];
    let cpu = &cpus()[0];
    let together = record(&settings(2, &[("choose", "best")]), &walks, cpu);
    let alone = record(&settings(1, &[("choose", "best")]), &walks[..1], cpu);
    let forecasts = |log: &[Event]| -> Vec<Vec<u64>> {
        // What the account does not enter.
        let names =
            |name: &str| name.starts_with('q') || name.starts_with("disagreement") || name == "impact";
        let of = |decision: &&Decision| -> Vec<u64> {
            let said = decision.evidence.iter().filter(|evidence| names(&evidence.name));
            said.map(|evidence| evidence.value.to_bits()).collect()
        };
        decisions(log, 1).iter().map(of).collect()
    };
    let (together, alone) = (forecasts(&together), forecasts(&alone));
    assert!(alone.len() >= 59 && alone[20].len() == 19, "{} of {}", alone.len(), alone[20].len());
    assert_eq!(together, alone);
}

/// What sizes a position is what the decision forecast, and the same at every level.
#[test]
fn positions_are_sized_by_what_the_model_forecasts() {
    let mut settings = settings(1, &[("quantity", "5_000")]);
    settings.risk.controls.kelly = Some(Ratio(SECOND / 1_000));
    settings.risk.controls.confidence_weighted = true;
    let cpus = cpus();
    let log = record(&settings, &[walk(1, 900)], &cpus[0]);
    let (mut decision, mut sized) = (None, [0, 0]);
    for event in &log {
        match &event.fact {
            Fact::DecisionMade(made) => decision = Some(made),
            Fact::RiskAssessed(verdict) => {
                let forecast = verdict.forecast.expect("a model forecasts");
                let said = |name: &str| {
                    let evidence = &decision.expect("a decision comes first").evidence;
                    evidence.iter().find(|evidence| evidence.name == name).expect(name).value
                };
                let fan = ["q05_16", "q50_16", "q95_16"].map(said);
                assert_eq!([forecast.low, forecast.median, forecast.high], fan);
                assert_eq!(forecast.volatility, said("volatility_16"));
                assert_eq!(forecast.disagreement, said("disagreement_16"));
                assert!((forecast.probability.ln() - said("log_probability")).abs() < 1e-5);
                for (count, rule) in sized.iter_mut().zip([Rule::Kelly, Rule::Confidence]) {
                    let result =
                        verdict.rules.iter().find(|result| result.rule == rule).expect("it is asked");
                    let less = result.outcome != Outcome::Allowed;
                    assert!(less || result.granted <= result.limit || verdict.asked == Quantity::ZERO);
                    *count += usize::from(less);
                }
            }
            _ => {}
        }
    }
    assert!(sized.iter().all(|count| *count > 10), "{sized:?}");
    assert!(log == record(&settings, &[walk(1, 900)], &cpus[cpus.len() - 1]));
}

#[test]
fn an_instrument_without_a_price_waits_and_says_so() {
    let mut settings = settings(2, &[]);
    settings.risk.distance = RiskDistance::ShareOfPrice("0.01".parse().unwrap());
    settings.bars = None;
    let late: Vec<Event> = walk(2, 300).split_off(200);
    let log = record(&settings, &[walk(1, 300), late], &cpus()[0]);
    let waiting =
        decisions(&log, 2).iter().filter(|decision| decision.because.contains("no price yet")).count();
    assert!((8..=11).contains(&waiting), "{waiting} decisions before the first quote");
    let columns = match &log[0].fact {
        Fact::RunStarted(started) => started.features.len(),
        _ => panic!("a run starts"),
    };
    for event in &log {
        if let Fact::FeaturesComputed(vector) = &event.fact {
            assert_eq!(vector.values.len(), columns);
        }
    }
}

#[test]
fn another_seed_or_precision_is_another_model() {
    let walks = [walk(1, 60)];
    let cpu = &cpus()[0];
    let mut ids = Vec::new();
    for changes in
        [[("precision", "f32")], [("precision", "bf16")], [("precision", "int8")], [("model_seed", "2")]]
    {
        let id = model_of(&record(&settings(1, &changes), &walks, cpu)).expect("a model's id");
        assert!(!ids.contains(&id), "{changes:?}");
        ids.push(id);
    }
    for (name, value, said) in [
        ("size", "huge", "`huge` is none of tiny, base, full"),
        ("precision", "f16", "`f16` is none of f32, bf16, int8"),
        ("model_seed", "-1", "`-1` is no whole number"),
        ("choose", "worst", "`worst` is none of best, sample"),
        ("quantity", "0", "is not above zero"),
    ] {
        let error = Engine::new(settings(1, &[(name, value)]), &Registry::default()).err().expect(name);
        assert!(error.to_string().contains(said), "{error}");
    }
}

/// Through the program: a scenario recorded at one level is verified at every other.
#[test]
fn verify_takes_a_level() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    write_quotes(&path("quotes.csv"), 400);
    let (data, journal) = (format!("data.path={}", path("quotes.csv")), path("journal"));
    let arguments = ["replay", "scenarios/model.toml", "--set", &data, "--set", "strategy.decide=5 s"];
    let output = genovo_tests::genovo(arguments.into_iter().chain(["--journal", &journal, "--json"]));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for level in CpuLevel::ALL.into_iter().filter(|level| *level <= CpuLevel::detect()) {
        let output = genovo_tests::genovo(["replay", "--verify", &journal, "--cpu", level.name(), "--json"]);
        assert!(output.status.success(), "{level}: {}", String::from_utf8_lossy(&output.stderr));
        let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(json["verified"], true, "{level}");
    }
    let explained = genovo_tests::genovo(["audit", "explain", &journal, "--order", "1"]);
    let text = String::from_utf8_lossy(&explained.stdout);
    for said in ["logits ", "in 256 steps", "disagreement", "risk scale", "equal, bit for bit"] {
        assert!(text.contains(said), "`{said}` in\n{text}");
    }
}

/// A checkpoint in a scenario: through the program, from its file to the proof.
#[test]
fn a_checkpoint_decides_and_its_run_is_recomputed_where_its_file_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let said = |arguments: &[&str], code: i32| -> (serde_json::Value, String) {
        let output = genovo_tests::genovo(arguments);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}");
        (serde_json::from_slice(&output.stdout).unwrap_or_default(), text)
    };
    write_quotes(&path("quotes.csv"), 300);
    let (full, half, other) = (path("a.safetensors"), path("half.safetensors"), path("other.safetensors"));
    let (made, _) = said(&["models", "init", &full, "--seed", "5", "--json"], 0);
    said(&["models", "init", &other, "--seed", "6", "--json"], 0);
    let (reduced, _) = said(&["models", "convert", &full, &half, "--precision", "bf16", "--json"], 0);
    assert_eq!(reduced["parent"], made["id"]);
    assert_ne!(reduced["id"], made["id"]);
    let (_, error) = said(&["models", "init", &full], 2);
    assert!(error.contains("is there already"), "{error}");

    let data = format!("data.path={}", path("quotes.csv"));
    let replay = |checkpoint: &str, more: &[&str], journal: &str| {
        let (checkpoint, journal) = (format!("strategy.checkpoint={checkpoint}"), path(journal));
        let mut arguments =
            vec!["replay", "scenarios/model.toml", "--set", &data, "--set", "strategy.decide=5 s"];
        arguments.extend(["--set", &checkpoint, "--journal", &journal, "--json"]);
        arguments.extend(more.iter().flat_map(|set| ["--set", set]));
        said(&arguments, 0).0
    };
    let first = replay(&full, &[], "one");
    // The path is not who the run is: the same model elsewhere is the same run.
    std::fs::copy(path("a.safetensors"), path("copy.safetensors")).unwrap();
    assert_eq!(replay(&path("copy.safetensors"), &[], "two")["head_hash"], first["head_hash"]);
    // And so is one reduced before, or while it is read.
    let before = replay(&half, &[], "three");
    assert_eq!(replay(&full, &["strategy.precision=bf16"], "four")["head_hash"], before["head_hash"]);
    assert_ne!(before["head_hash"], first["head_hash"]);

    let (one, four) = (path("one"), path("four"));
    assert_eq!(said(&["replay", "--verify", &one, "--json"], 0).0["verified"], true);
    std::fs::remove_file(&full).unwrap();
    let (_, error) = said(&["replay", "--verify", &one], 2);
    assert!(error.contains("which is not here") && error.contains("--model FILE"), "{error}");
    assert!(error.contains(made["id"].as_str().unwrap()), "{error}");
    let (_, error) = said(&["replay", "--verify", &one, "--model", &other], 2);
    assert!(error.contains("it holds another model"), "{error}");
    let copy = path("copy.safetensors");
    for (journal, model) in [(&one, &copy), (&four, &copy), (&four, &half)] {
        assert_eq!(said(&["replay", "--verify", journal, "--model", model, "--json"], 0).0["verified"], true);
    }
    let (whatif, _) =
        said(&["audit", "whatif", &one, "--set", "strategy.quantity=100", "--model", &copy, "--json"], 0);
    assert!(whatif.is_object());

    // What does not fit is refused before anything runs, and at its place.
    std::fs::write(path("damaged.safetensors"), &std::fs::read(&copy).unwrap()[..9_000]).unwrap();
    for (sets, message) in [
        (vec![format!("strategy.checkpoint={}", path("none.safetensors"))], "there is no such file"),
        (vec![format!("strategy.checkpoint={}", path("damaged.safetensors"))], "damaged"),
        (vec![format!("strategy.checkpoint={copy}"), "strategy.size=base".into()], "is tiny, not base"),
        (vec![format!("strategy.checkpoint={half}"), "strategy.precision=int8".into()], "it is bf16 already"),
        (vec![format!("strategy.checkpoint={copy}"), "strategy.model_seed=3".into()], "leave it out"),
        (vec!["strategy.features=selected".into()], "the scenario has no such section"),
        (vec!["strategy.features=selected".into(), "features.columns=momentum".into()], "exactly 32 columns"),
    ] {
        let mut arguments = vec!["check", "scenarios/model.toml"];
        arguments.extend(sets.iter().flat_map(|set| ["--set", set.as_str()]));
        let (_, error) = said(&arguments, 2);
        assert!(error.contains(message), "{message} in {error}");
    }
}

#[test]
fn a_model_on_selected_columns_says_which_it_saw() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    write_quotes(&path("quotes.csv"), 1_200);
    let (data, journal) = (format!("data.path={}", path("quotes.csv")), path("journal"));
    // The set of features is the checkpoint's own: another scenario's is refused.
    let (model, scenario) = (path("m.safetensors"), "scenarios/model-columns.toml");
    let output = genovo_tests::genovo(["models", "init", &model, "--features", scenario]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let checkpoint = format!("strategy.checkpoint={model}");
    let output = genovo_tests::genovo(["check", "scenarios/model.toml", "--set", &checkpoint]);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(2) && error.contains("was trained on the feature set"), "{error}");
    let arguments =
        ["replay", scenario, "--set", &data, "--set", "strategy.decide=5 s", "--set", &checkpoint];
    let output = genovo_tests::genovo(arguments.into_iter().chain(["--journal", &journal, "--json"]));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let output =
        genovo_tests::genovo(["audit", "show", &journal, "--kind", "DecisionMade", "--limit", "0", "--json"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let last: serde_json::Value = serde_json::from_str(text.lines().last().expect("decisions")).unwrap();
    let number = last["event"].to_string();
    let explained = genovo_tests::genovo(["audit", "explain", &journal, "--event", &number]);
    let text = String::from_utf8_lossy(&explained.stdout);
    for said in ["sees           32 columns of [features]", "most unusual", "equal, bit for bit"] {
        assert!(text.contains(said), "`{said}` in\n{text}");
    }
}
