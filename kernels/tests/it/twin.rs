//! The PyTorch twin, `docs/pytorch_twin.py`: what is trained there decides here. Runs where `python3` has
//! PyTorch.

use std::path::Path;
use std::process::Command;
use std::{env, fs};

use genovo_kernels::backend::Cpu;
use genovo_kernels::checkpoint::Checkpoint;
use genovo_kernels::cpu::CpuLevel;
use genovo_kernels::model::Spec;
use safetensors::SafeTensors;

use crate::golden_model;

fn python(arguments: &[&str]) -> Option<String> {
    let output = Command::new("python3").args(arguments).output().ok()?;
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    output.status.success().then_some(said)
}

/// Our outputs and the twin's, of one checkpoint, over the golden inputs.
fn compare(script: &str, checkpoint: &Checkpoint, model: &Path, outputs: &Path) {
    let inputs = golden_model::folder().join("a.inputs.safetensors");
    let arguments = [Path::new(script), Path::new("outputs"), model, &inputs, outputs];
    python(&arguments.map(|path| path.to_str().unwrap())).expect("the twin's outputs");
    let file = fs::read(outputs).unwrap();
    let tensors = SafeTensors::deserialize(&file).unwrap();
    let cpu = Cpu::new(CpuLevel::detect(), 1).unwrap();
    let ours = golden_model::forecast(&cpu, checkpoint, &golden_model::inputs("a"));
    for (name, ours) in golden_model::outputs(&ours) {
        let theirs = golden_model::singles(&tensors, name);
        assert_eq!(ours.len(), theirs.len(), "{name}");
        for (ours, theirs) in ours.iter().zip(theirs) {
            assert!(
                (ours - theirs).abs() <= 2e-5 * (1.0 + theirs.abs()),
                "{name}: {ours}, the twin {theirs}"
            );
        }
    }
}

#[test]
fn golden_model_twin_in_pytorch_has_the_same_outputs() {
    if python(&["-c", "import torch"]).is_none() {
        println!("skipped: python3 has no PyTorch here (`pip install torch`, some hundred MB)");
        return;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/pytorch_twin.py");
    let script = script.to_str().unwrap();
    let golden = golden_model::folder();
    let said = python(&[script, "check", golden.to_str().unwrap()]).expect("the twin's check");
    assert!(said.contains("the module has the golden outputs"), "{said}");

    let folder = env::temp_dir().join(format!("genovo-twin-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let (model, outputs) = (folder.join("model.safetensors"), folder.join("outputs.safetensors"));
    // A model of theirs here, and a model of ours there.
    python(&[script, "new", "tiny", model.to_str().unwrap()]).expect("a model of the twin");
    let theirs = Checkpoint::read(fs::read(&model).unwrap()).unwrap();
    assert_eq!(theirs.spec(), &Spec::tiny());
    compare(script, &theirs, &model, &outputs);
    let ours = Checkpoint::init(&Spec::tiny(), 3).unwrap();
    fs::write(&model, ours.file()).unwrap();
    compare(script, &ours, &model, &outputs);
    fs::remove_dir_all(&folder).unwrap();
}
