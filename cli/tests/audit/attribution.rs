//! `audit explain` of a model's decision: its gradients and flips, held to the model itself, fed by hand from the
//! journal.

use genovo_engine::event::{Event, Fact, Kind};
use genovo_journal::Journal;
use genovo_kernels::backend::Cpu;
use genovo_kernels::checkpoint::{Checkpoint, Exactness, Lineage};
use genovo_kernels::cpu::CpuLevel;
use genovo_kernels::model::{Inputs, Model, Outputs, Spec};
use genovo_kernels::scalar::f32::{exp, ln};
use serde_json::Value;

use crate::support::Folder;

/// The strategy's own columns before the book, and of book, trades, times, account.
const OWN: [usize; 5] = [21, 6, 8, 3, 8];

/// An untrained model in place of the averages; the likeliest action.
const STRATEGY: &str = r#"kind = "model"
model_seed = 3
quantity = 4
choose = "best"
"#;

fn folder(strategy: &str, more: &str) -> Folder {
    let folder = Folder::new();
    let (head, tail) = crate::support::SCENARIO.split_once("[strategy]\n").expect("a strategy");
    let (_, tail) = tail.split_once("[risk]").expect("risk");
    folder.write("small.toml", format!("{head}[strategy]\n{strategy}{more}[risk]{tail}"));
    folder.replay("run", &[]);
    folder
}

fn events(folder: &Folder, kind: Kind) -> Vec<Event> {
    let journal = Journal::open(&folder.path("run")).expect("a journal");
    journal.events_of_kinds(&[kind]).collect::<Result<_, _>>().expect("events")
}

/// The number of a decision's event.
fn number(folder: &Folder, event: &Event) -> String {
    let journal = Journal::open(&folder.path("run")).expect("a journal");
    journal.number_of(event.header.sequence).expect("an index").expect("a number").to_string()
}

fn explained(folder: &Folder, event: &Event, flags: &[&str]) -> Value {
    let number = number(folder, event);
    let arguments =
        [&["audit", "explain", "run", "--event", &number, "--no-proof", "--json"], flags].concat();
    let (answer, exit) = folder.answers(&arguments);
    assert_eq!(exit, 0, "{answer}");
    answer["attribution"].clone()
}

/// The network's inputs of all steps up to a decision, by kind, filled by hand from the vectors.
struct Rows {
    parts: [Vec<f32>; 5],
    widths: [usize; 5],
    steps: usize,
}

impl Rows {
    fn of(folder: &Folder, until: &Event) -> Rows {
        let spec = Spec::tiny();
        let widths = [spec.features, spec.levels * 6, spec.trades, 3, spec.account];
        let mut rows = Rows { parts: Default::default(), widths, steps: 0 };
        for event in events(folder, Kind::FeaturesComputed) {
            let Fact::FeaturesComputed(vector) = &event.fact else { unreachable!() };
            if event.header.sequence > until.header.sequence || vector.get(35).is_none() {
                continue;
            }
            let mut column = 0;
            for (part, (own, width)) in rows.parts.iter_mut().zip(OWN.into_iter().zip(widths)) {
                let end = part.len() + width;
                part.extend((column..column + own).map(|column| vector.get(column).unwrap_or(0.0)));
                part.resize(end, 0.0);
                column += own;
            }
            rows.steps += 1;
        }
        rows
    }

    /// The log-probabilities of all three actions at the last step, in f64 and as the strategy rounds them.
    fn decide(&self, model: &Model<Cpu>) -> ([f64; 3], [f32; 3]) {
        let [features, book, trades, stamps, account] = &self.parts;
        let mut work = model.workspace(self.steps).unwrap();
        model.sequences((1, self.steps), Inputs { features, book, trades, stamps }, &mut work).unwrap();
        let mut outputs = Outputs::new(model.spec(), 1);
        let account = &account[account.len() - 8..];
        model.heads(account, self.steps - 1..self.steps, &mut work, &mut outputs).unwrap();
        let logits = outputs.row(0).logits();
        let sum: f64 = logits.iter().map(|logit| f64::from(*logit).exp()).sum();
        let largest = logits.into_iter().fold(f32::NEG_INFINITY, f32::max);
        let norm = ln(logits.into_iter().map(|logit| exp(logit - largest)).fold(0.0, |sum, one| sum + one));
        (logits.map(|logit| f64::from(logit) - sum.ln()), logits.map(|logit| (logit - largest) - norm))
    }

    /// The value of a named input so many steps before the last.
    fn input(&mut self, name: &str, before: usize) -> &mut f32 {
        let names = [
            &genovo_engine::strategy::model::OWN_FEATURES[..],
            &["bid_distance", "ask_distance", "bid_size", "ask_size", "bid_flow", "ask_flow"],
            &[
                "signed_volume",
                "trade_count",
                "buys",
                "sells",
                "last_side",
                "touch_spread",
                "touch_imbalance",
                "mid_change",
            ],
            &["time_of_day", "time_of_week", "gap"],
            &[
                "position_share",
                "working_share",
                "position_age",
                "equity_return",
                "equity_change",
                "drawdown",
                "volatility",
                "room",
            ],
        ];
        let place = |(kind, names): (usize, &&[&str])| {
            names.iter().position(|known| *known == name).map(|at| (kind, at))
        };
        let (kind, at) = names.iter().enumerate().find_map(place).unwrap_or_else(|| panic!("no {name}"));
        let row = self.steps - 1 - before;
        &mut self.parts[kind][row * self.widths[kind] + at]
    }
}

/// Of equals the first.
fn best((_, logs): ([f64; 3], [f32; 3])) -> usize {
    (0..3).fold(0, |best, action| if logs[action] > logs[best] { action } else { best })
}

fn cpu() -> Cpu {
    Cpu::new(CpuLevel::detect(), 1).unwrap()
}

fn f32_of(value: &Value) -> f32 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number")) as f32
}

#[test]
fn gradients_and_flips_are_those_of_the_model_itself() {
    let folder = folder(STRATEGY, "");
    let decisions = events(&folder, Kind::DecisionMade);
    let model = Model::new(cpu(), &Checkpoint::init(&Spec::tiny(), 3).unwrap()).unwrap();
    let actions = ["hold", "buy", "sell"];
    let mut flips = 0;
    for decision in [&decisions[60], &decisions[140], &decisions[200]] {
        let found = explained(&folder, decision, &["--top", "12", "--flips", "8"]);
        let mut rows = Rows::of(&folder, decision);
        assert_eq!(found["steps"], rows.steps, "{found}");
        let action = best(rows.decide(&model));
        assert_eq!(found["output"], format!("log-probability of {}", actions[action]));
        let sum = |key: &str| -> f64 {
            found[key].as_array().unwrap().iter().map(|one| one["share"].as_f64().unwrap()).sum()
        };
        assert!((sum("families") - 1.0).abs() < 1e-9 && (sum("ages") - 1.0).abs() < 1e-9, "{found}");
        let inputs = found["inputs"].as_array().unwrap();
        assert_eq!(inputs.len(), 12);
        let size = |one: &Value| one["contribution"].as_f64().unwrap().abs();
        assert!(inputs.is_sorted_by(|one, other| size(one) >= size(other)), "{inputs:?}");
        for one in inputs {
            let (name, before) = (one["input"].as_str().unwrap(), one["steps_before"].as_u64().unwrap());
            let there = *rows.input(name, before as usize);
            assert_eq!(f32_of(&one["value"]), there, "{name}");
            let mut moved = |by: f32| {
                *rows.input(name, before as usize) = there + by;
                rows.decide(&model).0[action]
            };
            let slope = (moved(0.02) - moved(-0.02)) / 0.04;
            moved(0.0);
            let gradient = one["gradient"].as_f64().unwrap();
            // The outputs are rounded to f32.
            let error = (slope - gradient).abs();
            assert!(error < 0.03 * gradient.abs() + 3e-5, "{name}, {before} before: {slope}, not {gradient}");
            let product = one["contribution"].as_f64().unwrap();
            assert!((product - gradient * f64::from(there)).abs() <= 1e-12 * product.abs(), "{name}");
        }
        for one in found["flips"].as_array().unwrap() {
            let name = one["input"].as_str().unwrap();
            let there = *rows.input(name, 0);
            assert_eq!(f32_of(&one["value"]), there);
            let mut decided = |value: f32| {
                *rows.input(name, 0) = value;
                actions[best(rows.decide(&model))]
            };
            if let Some(flip) = one["flip"].as_object() {
                flips += 1;
                let (to, still) = (f32_of(&flip["to"]), f32_of(&flip["still_at"]));
                assert_eq!(decided(to), flip["action"], "{name} at {to}");
                assert_eq!(decided(still), actions[action], "{name} at {still}");
                let next = if to > there { still.next_up() } else { still.next_down() };
                assert_eq!(next, to, "{name}: no float lies between the two");
                assert!(flip["to_in_unit"].is_number() && one["unit"].is_string(), "{one}");
            } else {
                let range = [f32_of(&one["range"][0]), f32_of(&one["range"][1])];
                for value in range {
                    assert_eq!(decided(value), actions[action], "{name} at {value}");
                }
            }
            decided(there);
        }
    }
    assert!(flips > 4, "{flips} flips");
}

/// A model whose weights are zero but for one path: the spread four steps before makes it buy.
pub fn made_by_hand() -> Checkpoint {
    let spec = Spec::tiny();
    let lineage = Lineage { origin: "by hand".into(), parent: None, seed: None, exactness: Exactness::Exact };
    let made = Checkpoint::build(&spec, lineage, |tensor| {
        let mut values = vec![0.0; tensor.len()];
        let mut set = |place: &[usize], value: f32| {
            let at = place.iter().zip(&tensor.shape).fold(0, |at, (index, width)| at * width + index);
            values[at] = value;
        };
        match tensor.name.as_str() {
            // Little beside a constant, so that norms let it pass as it is.
            "embed.w" => set(&[6, 16], 1e-3),
            "embed.b" => set(&[2], 1.0),
            // The second quarter of the channels sees every fourth step; this tap the one before the last.
            "layer.0.conv.w" => set(&[2, 16], 1.0),
            "layer.0.mix.w" => set(&[16, 1], 1.0),
            "head.in.w" => set(&[1, 0], 1.0),
            "policy.w" => set(&[0, 1], 1.0),
            name if name.ends_with(".g") => values.fill(1.0),
            _ => {}
        }
        Ok(values)
    });
    made.unwrap()
}

/// A run of a model in a file, which chooses like this.
pub fn with_file(model: &Checkpoint, choose: &str) -> Folder {
    let folder = Folder::new();
    std::fs::write(folder.path("hand.safetensors"), model.file()).unwrap();
    let (head, tail) = crate::support::SCENARIO.split_once("[strategy]\n").unwrap();
    let (_, tail) = tail.split_once("[risk]").unwrap();
    let strategy =
        STRATEGY.replace("model_seed = 3", "checkpoint = \"hand.safetensors\"").replace("best", choose);
    folder.write("small.toml", format!("{head}[strategy]\n{strategy}[risk]{tail}"));
    folder.replay("run", &[]);
    folder
}

#[test]
fn a_model_made_by_hand_is_seen_to_look_where_it_looks() {
    let folder = with_file(&made_by_hand(), "best");
    let decisions = events(&folder, Kind::DecisionMade);
    let decision = &decisions[100];
    let found = explained(&folder, decision, &[]);
    assert_eq!(found["output"], "log-probability of buy", "{found}");
    let first = &found["inputs"][0];
    assert_eq!((&first["input"], &first["steps_before"]), (&"spread".into(), &4.into()), "{found}");
    assert_eq!(first["family"], "model");
    assert!(first["share"].as_f64().unwrap() > 0.99, "{found}");
    let before = decision.header.time_received.0 - 4_000_000_000;
    assert_eq!(first["time"], before, "{found}");
    // Nothing of the last step has a part that could turn it.
    assert!(found["flips"].as_array().unwrap().iter().all(|one| one["flip"].is_null()), "{found}");
    let value = explained(&folder, decision, &["--of", "value"]);
    assert_eq!((&value["output"], &value["value"]), (&"value".into(), &0.0.into()));
    assert_eq!(value["inputs"], Value::Array(Vec::new()));
    // A window that ends before the step that it looks at has nothing of it.
    let short = explained(&folder, decision, &["--window", "4"]);
    assert_eq!(short["steps"], 4);
    assert!(short["inputs"].as_array().unwrap().iter().all(|one| one["steps_before"].as_u64() < Some(4)));
}

#[test]
fn reduced_models_are_attributed_and_other_strategies_are_not() {
    for precision in ["bf16", "int8"] {
        let folder = folder(STRATEGY, &format!("precision = \"{precision}\"\n"));
        let decisions = events(&folder, Kind::DecisionMade);
        for flags in [&["--flips", "2"][..], &["--flips", "0", "--of", "median"]] {
            let found = explained(&folder, &decisions[90], flags);
            assert_eq!(found["inputs"].as_array().map(Vec::len), Some(8), "{precision}: {found}");
            assert_eq!(found["flips"].is_null(), flags[1] == "0");
        }
        assert!(explained(&folder, &decisions[90], &["--top", "0"]).is_null());
    }
    let folder = Folder::replayed(&[]);
    let decisions = events(&folder, Kind::DecisionMade);
    assert!(explained(&folder, &decisions[1], &[]).is_null());
}

#[test]
fn columns_of_the_catalogue_have_their_families_and_units() {
    let columns = "[features]\ntimeframes = \"5 s, 10 s, 20 s, 40 s\"\nscale = \"SCALE\"\ncolumns = \"return_1, \
                   return_5, return_10, return_20, rsi_7, rsi_14, rsi_28, spread, quote_rate_ratio, body@5s, asia\"\n";
    let strategy = format!("{STRATEGY}features = \"selected\"\n");
    let scaled = folder(&strategy, &columns.replace("SCALE", "robust"));
    let raw = folder(&strategy, &columns.replace("SCALE", "none"));
    let decisions = events(&scaled, Kind::DecisionMade);
    let decision = &decisions[230];
    let found = explained(&scaled, decision, &["--top", "40", "--flips", "30"]);
    let families: Vec<&str> =
        found["families"].as_array().unwrap().iter().map(|one| one["family"].as_str().unwrap()).collect();
    assert!(families.contains(&"momentum"), "{families:?}");
    // What it is in its own unit is what it was before it was scaled.
    let journal = Journal::open(&raw.path("run")).unwrap();
    let names = journal.run_started().unwrap().unwrap().features;
    let vectors = events(&raw, Kind::FeaturesComputed);
    let Fact::FeaturesComputed(vector) = &vectors[230].fact else { unreachable!() };
    let mut compared = 0;
    for one in found["flips"].as_array().unwrap() {
        let (name, value) = (one["input"].as_str().unwrap(), f32_of(&one["value"]));
        let Some(column) = names.iter().position(|known| known == name).filter(|_| value.abs() < 8.0) else {
            continue;
        };
        if one["family"] != "momentum" {
            continue;
        }
        let (unscaled, found) = (f64::from(vector.get(column).unwrap()), one["in_unit"].as_f64().unwrap());
        assert!(
            (unscaled - found).abs() <= 1e-5 * (1e-3 + unscaled.abs()),
            "{name}: {found}, not {unscaled}"
        );
        compared += 1;
    }
    assert!(compared > 3, "{found}");
}

/// What chooses by chance drew one number for the decision: all turns that are found agree on where it lies.
#[test]
fn flips_of_a_drawn_action_agree_on_the_number_that_was_drawn() {
    // Untrained, all actions are as likely whatever is seen: this one minds what it sees.
    let (spec, untrained) = (Spec::tiny(), Checkpoint::init(&Spec::tiny(), 3).unwrap());
    let lineage = Lineage { origin: "by hand".into(), parent: None, seed: None, exactness: Exactness::Exact };
    let decided = Checkpoint::build(&spec, lineage, |tensor| {
        let factor = if tensor.name == "policy.w" { 100.0 } else { 1.0 };
        Ok(untrained.values(&tensor.name).into_iter().map(|value| value * factor).collect())
    });
    let decided = decided.unwrap();
    let folder = with_file(&decided, "sample");
    let decisions = events(&folder, Kind::DecisionMade);
    let model = Model::new(cpu(), &decided).unwrap();
    let actions = ["hold", "buy", "sell"];
    let (mut turned, mut drawn) = (0, Vec::new());
    for decision in decisions.iter().skip(40).step_by(13) {
        let found = explained(&folder, decision, &["--flips", "12"]);
        let action = found["output"].as_str().unwrap().strip_prefix("log-probability of ").unwrap();
        let mut rows = Rows::of(&folder, decision);
        // The shares of 0 to 1 in which each action is drawn, one after the other.
        let (mut least, mut most) = (0.0_f64, 1.0_f64);
        let mut narrow = |action: &str, logs: [f64; 3]| {
            let action = actions.iter().position(|known| *known == action).unwrap();
            let below: f64 = logs[..action].iter().map(|log| log.exp()).sum();
            (least, most) = (least.max(below), most.min(below + logs[action].exp()));
        };
        narrow(action, rows.decide(&model).0);
        for one in found["flips"].as_array().unwrap() {
            let Some(flip) = one["flip"].as_object() else { continue };
            let name = one["input"].as_str().unwrap();
            let there = *rows.input(name, 0);
            assert_ne!(flip["action"], action, "{name}");
            for (value, action) in
                [(&flip["to"], flip["action"].as_str().unwrap()), (&flip["still_at"], action)]
            {
                *rows.input(name, 0) = f32_of(value);
                narrow(action, rows.decide(&model).0);
            }
            *rows.input(name, 0) = there;
            turned += 1;
        }
        // Both sides of a turn lie a float apart, so the number is known to what is rounded.
        assert!(least <= most + 1e-6, "{least} to {most}: {found}");
        drawn.push(action.to_owned());
    }
    drawn.sort();
    drawn.dedup();
    assert!(turned > 3 && drawn.len() == 3, "{turned} turns of {drawn:?}");
}

/// Among several strategies, whose columns stand before the model's, it is seen as it is alone.
#[test]
fn a_model_that_shares_the_account_is_attributed_too() {
    let folder = Folder::new();
    std::fs::write(folder.path("hand.safetensors"), made_by_hand().file()).unwrap();
    let (head, tail) = crate::support::SCENARIO.split_once("[strategy]\n").unwrap();
    let (_, tail) = tail.split_once("[risk]").unwrap();
    let run = |model: &str, journal: &str| {
        let shared = format!(
            "[[strategies]]\nname = \"averages\"\nbudget = \"50 %\"\nkind = \"ema-cross\"\nquantity = 4\n\
             on = \"ticks\"\n[[strategies]]\nname = \"network\"\nbudget = \"50 %\"\n{model}"
        );
        folder.write("small.toml", format!("{head}{shared}[risk]{tail}"));
        folder.replay(journal, &[]);
    };
    run(&STRATEGY.replace("model_seed = 3", "checkpoint = \"hand.safetensors\""), "run");
    let decisions = events(&folder, Kind::DecisionMade);
    let of = |wanted: &'static str| {
        move |event: &&Event| match &event.fact {
            Fact::DecisionMade(decision) => decision.strategy == wanted,
            _ => false,
        }
    };
    let decided = decisions.iter().filter(of("network")).nth(90).unwrap();
    let found = explained(&folder, decided, &[]);
    let first = &found["inputs"][0];
    assert_eq!((&first["input"], &first["steps_before"]), (&"spread".into(), &4.into()), "{found}");
    assert!(first["share"].as_f64().unwrap() > 0.99 && first["family"] == "model", "{found}");
    assert!(explained(&folder, decisions.iter().find(of("averages")).unwrap(), &[]).is_null());
    // And one that looks at everything: what it says again is what was recorded, else there would be nothing.
    std::fs::remove_dir_all(folder.path("run")).unwrap();
    run(STRATEGY, "run");
    let decisions = events(&folder, Kind::DecisionMade);
    let decided = decisions.iter().filter(of("network")).nth(200).unwrap();
    let found = explained(&folder, decided, &["--top", "6", "--flips", "6"]);
    assert_eq!(found["inputs"].as_array().map(Vec::len), Some(6), "{found}");
    let flips = found["flips"].as_array().unwrap();
    assert!(
        flips.len() == 6 && flips.iter().all(|one| !one["input"].as_str().unwrap().contains('.')),
        "{found}"
    );
    assert!(flips.iter().any(|one| one["unit"].is_string()), "{found}");
}

#[test]
fn why_there_is_no_attribution_is_said_and_the_rest_explained() {
    let why = |folder: &Folder, event: &Event| -> String {
        let number = number(folder, event);
        let (answer, exit) =
            folder.answers(&["audit", "explain", "run", "--event", &number, "--no-proof", "--json"]);
        assert_eq!(exit, 0, "{answer}");
        let text = folder.genovo(&["audit", "explain", "run", "--event", &number, "--no-proof"]);
        let why = answer["attribution"]["why_not"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned();
        let text = String::from_utf8(text.stdout).unwrap();
        assert!(text.contains(&format!("Attribution  ! none: {why}")), "{text}");
        why
    };
    // The model's file is gone, or another one.
    let folder = with_file(&made_by_hand(), "best");
    let decisions = events(&folder, Kind::DecisionMade);
    assert!(explained(&folder, &decisions[90], &[])["why_not"].is_null());
    std::fs::write(folder.path("hand.safetensors"), Checkpoint::init(&Spec::tiny(), 3).unwrap().file())
        .unwrap();
    let other = why(&folder, &decisions[90]);
    std::fs::remove_file(folder.path("hand.safetensors")).unwrap();
    let gone = why(&folder, &decisions[90]);
    assert!(other.contains("hand.safetensors") && gone.contains("hand.safetensors"), "{other}\n{gone}");
    assert_ne!(other, gone);
}
