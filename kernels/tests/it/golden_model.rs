//! The whole model against outputs of an independent PyTorch implementation: `tests/golden/model/README.md`
//! says where they come from. `GENOVO_GOLDEN_MODEL` names another folder with files of the same formats.

use std::path::{Path, PathBuf};
use std::{env, fs};

use genovo_kernels::backend::Cpu;
use genovo_kernels::checkpoint::{Checkpoint, Exactness, Lineage};
use genovo_kernels::cpu::CpuLevel;
use genovo_kernels::model::{Arrays, Forecasts, Model, Spec};
use ndarray::{ArrayView3, ArrayView4};
use safetensors::SafeTensors;
use serde_json::Value;

use crate::support::cpus;

/// Where the golden files are.
pub fn folder() -> PathBuf {
    env::var_os("GENOVO_GOLDEN_MODEL")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/model"), PathBuf::from)
}

/// The file of this name in the golden folder.
pub fn read(name: &str) -> Vec<u8> {
    let path = folder().join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub fn singles(tensors: &SafeTensors<'_>, name: &str) -> Vec<f32> {
    let tensor = tensors.tensor(name).unwrap_or_else(|error| panic!("{name}: {error}"));
    tensor.data().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

pub fn doubles(tensors: &SafeTensors<'_>, name: &str) -> Option<Vec<f64>> {
    let tensor = tensors.tensor(name).ok()?;
    Some(tensor.data().as_chunks::<8>().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect())
}

/// The shape that the reference wrote beside its weights.
fn spec(file: &[u8]) -> Spec {
    let (_, header) = SafeTensors::read_metadata(file).unwrap();
    let keys = header.metadata().clone().unwrap();
    let config: Value = serde_json::from_str(&keys["config"]).unwrap();
    let number = |key: &str| config[key].as_u64().unwrap_or_else(|| panic!("{key} in {config}")) as usize;
    let list = |key: &str| -> Vec<usize> {
        config[key].as_array().unwrap().iter().map(|n| n.as_u64().unwrap() as usize).collect()
    };
    assert_eq!((number("S"), number("taps")), (3, 4));
    Spec {
        features: number("F"),
        levels: number("LB"),
        trades: number("Q"),
        frequencies: number("NF"),
        micro: number("dm"),
        width: number("d"),
        layers: number("L"),
        heads: number("H"),
        hidden: number("f"),
        head_hidden: number("dh"),
        account: number("R"),
        members: number("K"),
        horizons: number("NH"),
        windows: list("win").try_into().unwrap(),
        dilations: list("dil").try_into().unwrap(),
    }
}

/// A file of weights of the reference as a checkpoint of ours.
pub fn checkpoint(set: &str) -> Checkpoint {
    let file = read(&format!("{set}.weights.safetensors"));
    let tensors = SafeTensors::deserialize(&file).unwrap();
    let lineage = Lineage {
        origin: "imported from PyTorch".to_owned(),
        parent: None,
        seed: None,
        exactness: Exactness::Inexact,
    };
    let spec = spec(&file);
    assert_eq!(tensors.len(), spec.tensors().len(), "tensors of {set}");
    Checkpoint::build(&spec, lineage, |tensor| {
        assert_eq!(tensors.tensor(&tensor.name).unwrap().shape(), tensor.shape, "{}", tensor.name);
        Ok(singles(&tensors, &tensor.name))
    })
    .unwrap()
}

/// The reference's inputs.
pub struct GoldenInputs {
    pub features: Vec<f32>,
    pub book: Vec<f32>,
    pub trades: Vec<f32>,
    pub stamps: Vec<f32>,
    pub account: Vec<f32>,
    /// Sequences and steps.
    pub shape: (usize, usize),
}

pub fn inputs(set: &str) -> GoldenInputs {
    let file = read(&format!("{set}.inputs.safetensors"));
    let tensors = SafeTensors::deserialize(&file).unwrap();
    let shape = tensors.tensor("x").unwrap().shape().to_vec();
    GoldenInputs {
        features: singles(&tensors, "x"),
        book: singles(&tensors, "book"),
        trades: singles(&tensors, "trade"),
        stamps: singles(&tensors, "stamp"),
        account: singles(&tensors, "acct"),
        shape: (shape[0], shape[1]),
    }
}

pub fn forecast(cpu: &Cpu, checkpoint: &Checkpoint, inputs: &GoldenInputs) -> Forecasts {
    let ((b, t), spec) = (inputs.shape, checkpoint.spec());
    let rows = |values, width| ArrayView3::from_shape((b, t, width), values).unwrap();
    let arrays = Arrays {
        features: rows(&inputs.features[..], spec.features),
        book: ArrayView4::from_shape((b, t, spec.levels, 6), &inputs.book).unwrap(),
        trades: rows(&inputs.trades[..], spec.trades),
        stamps: rows(&inputs.stamps[..], 3),
        account: rows(&inputs.account[..], spec.account),
    };
    Model::new(cpu.clone(), checkpoint).unwrap().forecast(&arrays).unwrap()
}

/// By the reference's names.
pub fn outputs(all: &Forecasts) -> [(&'static str, &[f32]); 9] {
    [
        ("z", all.trunk.as_slice().unwrap()),
        ("logits", all.logits.as_slice().unwrap()),
        ("value", all.value.as_slice().unwrap()),
        ("sigma", all.volatility.as_slice().unwrap()),
        ("scale", all.scale.as_slice().unwrap()),
        ("impact", all.impact.as_slice().unwrap()),
        ("qbar", all.mean.as_slice().unwrap()),
        ("dis", all.disagreement.as_slice().unwrap()),
        ("q", all.quantiles.as_slice().unwrap()),
    ]
}

/// The rule: |ours - f64| ≤ 8·bound + 1e-6·max|f64|, where bound is what f32 costs the reference itself.
/// Returns the largest share of that allowance that any output used.
fn compare(set: &str, all: &Forecasts) -> f64 {
    let file = read(&format!("{set}.outputs.safetensors"));
    let tensors = SafeTensors::deserialize(&file).unwrap();
    let bounds: Value = serde_json::from_slice(&read(&format!("{set}.bounds.json"))).unwrap();
    let mut worst = 0.0f64;
    for (name, got) in outputs(all) {
        let bound = &bounds["ppo"]["out"][name];
        let [apart, largest] = [&bound[0], &bound[1]].map(|n| n.as_f64().expect(name));
        // z is kept in f32 only: the reference's own rounding comes on top.
        let (exact, rounding) = match doubles(&tensors, &format!("{name}|f64")) {
            Some(exact) => (exact, 0.0),
            None => (singles(&tensors, name).iter().map(|value| f64::from(*value)).collect(), apart),
        };
        let allowed = 8.0 * apart + 1e-6 * largest + rounding;
        assert_eq!(exact.len(), got.len(), "{set}, {name}");
        for (at, (got, exact)) in got.iter().zip(&exact).enumerate() {
            let error = (f64::from(*got) - exact).abs();
            assert!(error <= allowed, "{set}, {name}, value {at}: {got} is {error:e} from {exact}");
            if error / allowed > worst {
                worst = error / allowed;
            }
        }
    }
    worst
}

#[test]
fn golden_model_outputs_are_those_of_the_reference() {
    for set in ["a", "b"] {
        let (checkpoint, inputs) = (checkpoint(set), inputs(set));
        for cpu in cpus() {
            let worst = compare(set, &forecast(&cpu, &checkpoint, &inputs));
            println!("{set}, {cpu:?}: {:.1} % of the allowance used", worst * 100.0);
            assert!(worst > 0.0, "the reference is not bit for bit ours");
        }
    }
}

/// The comparison has teeth: a model that is wrong in one small place does not pass.
#[test]
fn golden_model_sees_a_wrong_window() {
    let (right, inputs) = (checkpoint("a"), inputs("a"));
    let mut spec = right.spec().clone();
    spec.dilations[3] *= 2;
    let lineage = right.metadata().lineage.clone();
    let wrong = Checkpoint::build(&spec, lineage, |tensor| Ok(right.values(&tensor.name))).unwrap();
    let cpu = Cpu::new(CpuLevel::detect(), 1).unwrap();
    let all = forecast(&cpu, &wrong, &inputs);
    assert!(std::panic::catch_unwind(|| compare("a", &all)).is_err());
}
