//! Losses, gradients, steps of the optimiser, advantages and rewards against the independent implementation:
//! `tests/golden/model/README.md` says where the files come from. Set `b` is not in the repository;
//! `GENOVO_GOLDEN_MODEL` names a folder that has it.

use genovo_kernels::checkpoint::{Checkpoint, Exactness, Lineage};
use genovo_kernels::losses::{Coefficients, Losses, PolicyTargets, Targets};
use genovo_kernels::model::Inputs;
use genovo_kernels::optimiser::AdamW;
use genovo_kernels::returns::{Advantages, Ending, Reward, RewardWeights, Situation, advantages};
use genovo_kernels::training::{Batch, BatchShape, Trainer};
use safetensors::{Dtype, SafeTensors};
use serde_json::Value;

use crate::golden_model::{self, GoldenInputs, doubles, folder, read, singles};
use crate::support::cpus;

/// What the reference's batches hold besides inputs.
pub struct GoldenTargets {
    weight: Vec<f32>,
    bootstrap: Vec<f32>,
    returns: Vec<f32>,
    edge: Vec<f32>,
    slippage: Vec<f32>,
    action: Vec<u8>,
    legal: Vec<[bool; 3]>,
    log_probability: Vec<f32>,
    advantage: Vec<f32>,
    value: Vec<f32>,
    target: Vec<f32>,
}

impl GoldenTargets {
    pub fn read(set: &str) -> Self {
        let file = read(&format!("{set}.inputs.safetensors"));
        let tensors = SafeTensors::deserialize(&file).unwrap();
        let action = tensors.tensor("act").unwrap();
        assert_eq!(action.dtype(), Dtype::I64);
        let mask = singles(&tensors, "amask");
        Self {
            weight: singles(&tensors, "w"),
            bootstrap: singles(&tensors, "boot"),
            returns: singles(&tensors, "y"),
            edge: singles(&tensors, "edge"),
            slippage: singles(&tensors, "slip"),
            action: action.data().as_chunks::<8>().0.iter().map(|bytes| bytes[0]).collect(),
            legal: mask.as_chunks::<3>().0.iter().map(|row| row.map(|legal| legal != 0.0)).collect(),
            log_probability: singles(&tensors, "logp_old"),
            advantage: singles(&tensors, "adv"),
            value: singles(&tensors, "v_old"),
            target: singles(&tensors, "ret"),
        }
    }

    pub fn view(&self, policy: bool) -> Targets<'_> {
        let policy = policy.then_some(PolicyTargets {
            action: &self.action,
            legal: &self.legal,
            log_probability: &self.log_probability,
            advantage: &self.advantage,
            value: &self.value,
            target: &self.target,
        });
        Targets {
            weight: &self.weight,
            bootstrap: &self.bootstrap,
            returns: &self.returns,
            edge: &self.edge,
            slippage: &self.slippage,
            policy,
        }
    }
}

pub fn batch<'a>(inputs: &'a GoldenInputs, targets: Targets<'a>) -> Batch<'a> {
    Batch {
        inputs: Inputs {
            features: &inputs.features,
            book: &inputs.book,
            trades: &inputs.trades,
            stamps: &inputs.stamps,
        },
        account: &inputs.account,
        targets,
    }
}

/// The reference's weights after an update.
fn updated(set: &str, file: &str) -> Checkpoint {
    let before = golden_model::checkpoint(set);
    let file = read(&format!("{set}.{file}.safetensors"));
    let tensors = SafeTensors::deserialize(&file).unwrap();
    Checkpoint::build(before.spec(), lineage(), |tensor| Ok(singles(&tensors, &tensor.name))).unwrap()
}

fn lineage() -> Lineage {
    let origin = "imported from PyTorch".to_owned();
    Lineage { origin, parent: None, seed: None, exactness: Exactness::Inexact }
}

/// bfloat16 as f64.
fn halves(tensors: &SafeTensors<'_>, name: &str) -> Vec<f64> {
    let tensor = tensors.tensor(name).unwrap();
    let (halves, _) = tensor.data().as_chunks::<2>();
    halves.iter().map(|half| f64::from(f32::from_bits(u32::from(u16::from_le_bytes(*half)) << 16))).collect()
}

fn bounds(set: &str) -> Value {
    serde_json::from_slice(&read(&format!("{set}.bounds.json"))).unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

/// |ours - f64| ≤ 8·bound + 1e-6·max|f64| for every gradient; returns the largest share of the allowance.
fn compare_gradients(set: &str, loss: &str, trainer: &Trainer) -> f64 {
    let file = read(&format!("{set}.grads_{loss}.safetensors"));
    let tensors = SafeTensors::deserialize(&file).unwrap();
    let bounds = bounds(set);
    let mut worst = 0.0f64;
    for tensor in trainer.spec().tensors() {
        let name = &tensor.name;
        let [apart, largest] = [0, 1].map(|at| number(&bounds[loss]["grad"][name][at]));
        let allowed = 8.0 * apart + 1e-6 * largest;
        let (single, rest) = (singles(&tensors, name), halves(&tensors, &format!("{name}|rem")));
        let got = trainer.gradient(name);
        assert_eq!(got.len(), single.len(), "{name}");
        for (at, (got, (single, rest))) in got.iter().zip(single.iter().zip(rest)).enumerate() {
            let exact = f64::from(*single) + rest;
            let error = (f64::from(*got) - exact).abs();
            assert!(
                error <= allowed,
                "{set}, {loss}, gradient of {name}, value {at}: {got:e} is {error:e} from {exact:e}; \
                 {allowed:e} can be"
            );
            if error / allowed > worst {
                worst = error / allowed;
            }
        }
    }
    worst
}

fn compare_losses(set: &str, loss: &str, losses: &Losses) {
    let bounds = bounds(set);
    let (single, double) = (&bounds[loss]["losses32"], &bounds[loss]["losses64"]);
    let ours = [
        ("pin", losses.quantile),
        ("vol", losses.volatility),
        ("scale", losses.scale),
        ("imp", losses.impact),
        ("pi", losses.policy),
        ("v", losses.value),
        ("ent", losses.entropy),
        ("kl", losses.divergence),
        ("clipfrac", losses.clipped),
        ("total", losses.total),
    ];
    let mut compared = 0;
    for (name, ours) in ours {
        let Some(exact) = double[name].as_f64() else {
            assert_eq!((loss, ours), ("sup", 0.0), "{name}");
            continue;
        };
        let allowed = 8.0 * (number(&single[name]) - exact).abs() + 1e-6 * exact.abs() + 1e-8;
        assert!((ours - exact).abs() <= allowed, "{set}, {loss}, {name}: {ours}, expected {exact}");
        compared += 1;
    }
    assert_eq!(compared, if loss == "ppo" { 10 } else { 5 });
}

/// The reference's runs that are at hand: set, loss, and the weights that it begins with.
pub fn runs() -> Vec<(&'static str, &'static str, Checkpoint)> {
    let mut runs = vec![("a", "ppo", golden_model::checkpoint("a")), ("a", "sup", updated("a", "post_ppo"))];
    if folder().join("b.grads_ppo.safetensors").exists() {
        runs.push(("b", "ppo", golden_model::checkpoint("b")));
    } else {
        println!("skipped: gradients of set b are not in the repository");
    }
    runs
}

pub fn shape(inputs: &GoldenInputs) -> BatchShape {
    BatchShape { sequences: inputs.shape.0, steps: inputs.shape.1, burn_in: 0 }
}

#[test]
fn golden_model_losses_and_gradients_are_those_of_the_reference() {
    for (set, loss, start) in runs() {
        let (inputs, targets) = (golden_model::inputs(set), GoldenTargets::read(set));
        for cpu in cpus() {
            let mut trainer = Trainer::new(cpu.clone(), &start, shape(&inputs)).unwrap();
            let batch = batch(&inputs, targets.view(loss == "ppo"));
            let losses = trainer.gradients(&batch, &Coefficients::default()).unwrap();
            compare_losses(set, loss, &losses);
            let worst = compare_gradients(set, loss, &trainer);
            println!("{set}, {loss}, {cpu:?}: {:.1} % of the allowance used", worst * 100.0);
            assert!(worst > 0.0, "the reference is not bit for bit ours");
        }
    }
}

/// |ours - theirs| ≤ 1 ulp of the step + 1e-8, and what they were apart before, for every weight.
fn compare_weights(
    set: &str,
    file: &str,
    before: &Checkpoint,
    (ours_before, trainer): (&Checkpoint, &Trainer),
) -> f64 {
    let after = updated(set, file);
    let mut worst = 0.0f64;
    for tensor in before.spec().tensors() {
        let (old, new, ours) =
            (before.values(&tensor.name), after.values(&tensor.name), trainer.values(&tensor.name));
        let apart = ours_before.values(&tensor.name);
        let apart =
            apart.iter().zip(&old).map(|(ours, theirs)| (f64::from(*ours) - f64::from(*theirs)).abs());
        for (at, (((old, new), ours), apart)) in old.iter().zip(&new).zip(ours).zip(apart).enumerate() {
            let ulp = |x: f32| f64::from(x.abs().next_up()) - f64::from(x.abs());
            let allowed = ulp(new - old) + 1e-8 + apart;
            let error = (f64::from(*ours) - f64::from(*new)).abs();
            assert!(error <= allowed, "{set}, {file}, {}, value {at}: {ours}, expected {new}", tensor.name);
            if error / allowed > worst {
                worst = error / allowed;
            }
        }
    }
    worst
}

#[test]
fn golden_model_weights_after_the_optimiser_are_those_of_the_reference() {
    for set in ["a", "b"] {
        if !folder().join(format!("{set}.post_ppo.safetensors")).exists() {
            println!("skipped: set {set} is not in the repository");
            continue;
        }
        let start = golden_model::checkpoint(set);
        let shape = BatchShape { sequences: 1, steps: 1, burn_in: 0 };
        for cpu in cpus() {
            let mut trainer = Trainer::new(cpu.clone(), &start, shape).unwrap();
            let mut before = start.clone();
            for loss in ["ppo", "sup"] {
                let name = format!("{set}.grads_{loss}.safetensors");
                if !folder().join(&name).exists() {
                    continue;
                }
                // The reference's own gradients on both sides: where a gradient is near ε, its rounding is
                // no small part of the step.
                let file = read(&name);
                let tensors = SafeTensors::deserialize(&file).unwrap();
                for tensor in start.spec().tensors() {
                    trainer.set_gradient(&tensor.name, &singles(&tensors, &tensor.name)).unwrap();
                }
                let adam = AdamW::default();
                let ours_before = trainer.checkpoint(lineage()).unwrap();
                let norm = trainer.update(&adam, adam.learning_rate).unwrap();
                let expected = number(&bounds(set)[loss]["grad_norm64"]);
                assert!((norm / expected - 1.0).abs() < 1e-6, "{set}, {loss}: norm {norm}, {expected}");
                let worst = compare_weights(set, &format!("post_{loss}"), &before, (&ours_before, &trainer));
                println!("{set}, {loss}, {cpu:?}: {:.1} % of the allowance used", worst * 100.0);
                before = updated(set, &format!("post_{loss}"));
            }
            assert_eq!(trainer.steps(), if set == "a" { 2 } else { 1 });
        }
    }
}

#[test]
fn golden_model_advantages_and_rewards_are_those_of_the_reference() {
    let file = read("series.safetensors");
    let tensors = SafeTensors::deserialize(&file).unwrap();
    let series = |name: &str| doubles(&tensors, name).unwrap_or_else(|| panic!("no series {name}"));
    let same = |name: &str, ours: &[f64]| {
        for (at, (ours, expected)) in ours.iter().zip(series(name)).enumerate() {
            assert!(
                (ours - expected).abs() <= 1e-12 * (1.0 + expected.abs()),
                "{name} {at}: {ours}, {expected}"
            );
        }
    };
    let (rewards, values, cuts) = (series("r"), series("v"), series("trunc_v"));
    let mut endings: Vec<Ending> = series("term")
        .iter()
        .zip(&cuts)
        .map(|(terminal, cut)| match (*terminal != 0.0, cut.is_nan()) {
            (true, _) => Ending::Terminal,
            (false, false) => Ending::Cut(*cut),
            _ => Ending::None,
        })
        .collect();
    let kinds = [Ending::Terminal, Ending::Cut(0.3), Ending::Cut(-0.7)];
    assert!(kinds.iter().all(|kind| endings.contains(kind)), "every ending occurs");
    *endings.last_mut().unwrap() = Ending::Cut(series("v_last")[0]);
    let (mut found, mut targets) = (vec![0.0; rewards.len()], vec![0.0; rewards.len()]);
    advantages(&Advantages::default(), &rewards, &values, &endings, &mut found, &mut targets);
    same("adv", &found);
    same("ret", &targets);

    let [gross, cost, turn, equity, inv, sig] = ["gross", "cost", "turn", "equity", "inv", "sig"].map(series);
    let mut reward = Reward::new(RewardWeights::default(), equity[0]);
    let total: Vec<f64> = (0..gross.len())
        .map(|at| {
            let situation = Situation {
                gross: gross[at],
                cost: cost[at],
                turnover: turn[at],
                equity: equity[at],
                inventory: inv[at],
                volatility: sig[at],
            };
            reward.next(&situation).total
        })
        .collect();
    assert_eq!(total.len(), 512);
    same("reward", &total);
}
