//! Checkpoints: a seed is a file, a file is an id; what is damaged or foreign is refused by name, never a
//! panic.

use genovo_kernels::checkpoint::{Checkpoint, CheckpointError, Precision};
use genovo_kernels::model::Spec;
use genovo_kernels::random::RandomKey;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use crate::model::ALLOCATIONS;

fn tiny() -> Checkpoint {
    Checkpoint::init(&Spec::tiny(), 7).unwrap()
}

#[test]
fn a_seed_is_a_checkpoint() {
    let checkpoint = tiny();
    // The same on every machine: change it only with the initialiser.
    assert_eq!(checkpoint.id().to_string(), INITIALISED);
    assert_eq!(checkpoint.file(), tiny().file());
    assert_ne!(checkpoint.id(), Checkpoint::init(&Spec::tiny(), 8).unwrap().id());
    let deviation = |name: &str| {
        let values = checkpoint.values(name);
        (values.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / values.len() as f64).sqrt()
    };
    for (name, expected) in [
        ("layer.0.qkvg.w", 1.0 / 8.0),
        ("layer.1.mix.w", 1.0 / 16.0),
        ("layer.0.ffn_out.w", 1.0 / 192f64.sqrt() / 2.0),
        ("policy.w", 0.01 / 32f64.sqrt()),
    ] {
        let found = deviation(name);
        // Five standard errors of a deviation from this many values.
        let error = 5.0 * expected / (2.0 * checkpoint.values(name).len() as f64).sqrt();
        assert!((found - expected).abs() < error, "{name}: {found}, expected {expected} ± {error}");
    }
    assert!(checkpoint.values("embed.b").iter().all(|value| *value == 0.0));
    assert!(checkpoint.values("norm_f.g").iter().all(|value| *value == 1.0));
    assert_eq!(checkpoint.values("fourier.freq")[..9], [1., 2., 4., 8., 16., 32., 64., 1., 1.]);
}

const INITIALISED: &str = "b3:cf988a8d9b74c7241d802d8bdd6690aca7b5a0cfe09d86bd29201f55c8042c98";

#[test]
fn files_read_back_and_ids_are_of_the_content() {
    let checkpoint = tiny();
    let again = Checkpoint::read(checkpoint.file().to_vec()).unwrap();
    assert_eq!((again.id(), again.metadata()), (checkpoint.id(), checkpoint.metadata()));
    let with = again.with_feature_set("b3:00").unwrap();
    assert_eq!(with.metadata().feature_set.as_deref(), Some("b3:00"));
    assert_eq!(with.id(), checkpoint.id());
    assert_ne!(with.file(), checkpoint.file());
    let mut changed = checkpoint.file().to_vec();
    let last = changed.len() - 1;
    changed[last] ^= 1;
    assert_ne!(Checkpoint::read(changed).unwrap().id(), checkpoint.id());
}

#[test]
fn reduced_models_are_models_of_their_own() {
    let checkpoint = tiny();
    let full: usize = checkpoint.file().len();
    for (precision, share) in [(Precision::Bf16, 0.54), (Precision::Int8, 0.34)] {
        let reduced = checkpoint.reduced(precision).unwrap();
        assert_ne!(reduced.id(), checkpoint.id());
        assert_eq!(reduced.metadata().precision, precision);
        assert_eq!(reduced.metadata().lineage.parent, Some(checkpoint.id().to_string()));
        assert!((reduced.file().len() as f64) < full as f64 * share, "{} of {full}", reduced.file().len());
        assert_eq!(Checkpoint::read(reduced.file().to_vec()).unwrap().id(), reduced.id());
        let error = reduced.reduced(Precision::Int8).unwrap_err().to_string();
        assert!(error.contains("only one in f32 can"), "{error}");
    }
}

/// The file with one metadata key and these tensors replaced or left out.
fn rewritten(
    key: &str,
    metadata: &str,
    change: impl Fn(&str, &mut Dtype, &mut Vec<usize>, &mut Vec<u8>) -> bool,
) -> Vec<u8> {
    let checkpoint = tiny();
    let tensors = SafeTensors::deserialize(checkpoint.file()).unwrap();
    let mut all = Vec::new();
    for (name, view) in tensors.tensors() {
        let (mut dtype, mut shape, mut data) = (view.dtype(), view.shape().to_vec(), view.data().to_vec());
        if change(&name, &mut dtype, &mut shape, &mut data) {
            all.push((name, dtype, shape, data));
        }
    }
    let views = all
        .iter()
        .map(|(name, dtype, shape, data)| (name, TensorView::new(*dtype, shape.clone(), data).unwrap()));
    safetensors::serialize(views, Some([(key.to_owned(), metadata.to_owned())].into())).unwrap()
}

fn refused(file: Vec<u8>) -> String {
    Checkpoint::read(file).map(|checkpoint| format!("{checkpoint:?} was read")).unwrap_err().to_string()
}

#[test]
fn damaged_and_foreign_files_are_refused_by_name() {
    let good = tiny().metadata().to_canonical_json();
    let keep = |_: &str, _: &mut Dtype, _: &mut Vec<usize>, _: &mut Vec<u8>| true;
    assert!(Checkpoint::read(rewritten("genovo", &good, keep)).is_ok());

    let said = refused(rewritten("format", "pt", keep));
    assert!(said.contains("exactly the key `genovo`, but has `format`"), "{said}");
    for (metadata, expected) in [
        ("{", "EOF"),
        ("{\"version\":2}", "version 2 of the format; this release reads 1"),
        (&good.replace("\"width\":64", "\"width\":63"), "4 heads in a width of 63"),
        (&good.replace("\"f32\"", "\"f16\""), "unknown variant `f16`"),
        (&good.replace(',', ", "), "not in canonical form"),
        (&good.replace("\"layers\":2", "\"layers\":3"), "tensor `layer.2.norm1.g` is missing"),
        (&good.replace("\"layers\":2", "\"layers\":1"), "belongs to no part of the model"),
        (&good.replace("\"bf16\"", "\"int8\"").replace("\"f32\"", "\"bf16\""), "but must be BF16"),
    ] {
        let said = refused(rewritten("genovo", metadata, keep));
        assert!(said.contains(expected), "{said}");
    }
    let said = refused(rewritten("genovo", &good, |name, _, _, _| name != "policy.w"));
    assert!(said.contains("tensor `policy.w` is missing"), "{said}");
    let said = refused(rewritten("genovo", &good, |name, _, shape, _| {
        if name == "policy.w" {
            *shape = vec![3, 32];
        }
        true
    }));
    assert!(said.contains("tensor `policy.w` is F32 [3, 32], but must be F32 [32, 3]"), "{said}");
    let said = refused(rewritten("genovo", &good, |name, _, _, data| {
        if name == "value.b" {
            data.copy_from_slice(&f32::NAN.to_le_bytes());
        }
        true
    }));
    assert!(said.contains("tensor `value.b`: value 0 is not a finite number"), "{said}");
    let error = Checkpoint::read(Vec::new()).unwrap_err();
    assert!(matches!(error, CheckpointError::NotSafetensors(_)), "{error}");
}

/// The claim is refused before the tensors that it needs are listed.
#[test]
fn a_small_file_that_claims_a_million_layers_takes_no_memory() {
    let good = tiny().metadata().to_canonical_json();
    let claims = good
        .replace("\"layers\":2", "\"layers\":1048576")
        .replace("\"width\":64", "\"width\":4")
        .replace("\"hidden\":192", "\"hidden\":64");
    let file = rewritten("genovo", &claims, |_, _, _, _| true);
    let before = ALLOCATIONS.get();
    let said = refused(file);
    assert!(said.contains("tensor `layer.2.norm1.g` is missing"), "{said}");
    let allocations = ALLOCATIONS.get() - before;
    assert!(allocations < 10_000, "{allocations} allocations");
}

/// Cut, overwritten and lengthened files: an error or a model, never a panic.
#[test]
fn no_file_is_a_panic() {
    let files = [tiny().file().to_vec(), tiny().reduced(Precision::Int8).unwrap().file().to_vec()];
    let (mut read, mut refused) = (0, 0);
    for case in 0..600u64 {
        let key = RandomKey { seed: 3, purpose: 9, id: case };
        let mut file = files[case as usize % 2].clone();
        let header = 8 + u64::from_le_bytes(*file.first_chunk().unwrap()) as usize;
        for change in 0..=key.below(0, 4) as u32 {
            // Half of all changes hit the header, which is a small part of the file.
            let in_header = key.below(10 + change, 2) == 0 && header < file.len();
            let end = if in_header { header } else { file.len() };
            let at = key.below(20 + change, end as u64) as usize;
            match key.below(30 + change, 5) {
                0 => file.truncate(at + 1),
                1 => file.insert(at, key.bits(40 + change) as u8),
                2 => {
                    file.remove(at);
                }
                _ => file[at] = key.bits(50 + change) as u8,
            }
            if file.len() < 9 {
                break;
            }
        }
        match Checkpoint::read(file) {
            Ok(_) => read += 1,
            Err(error) => {
                assert!(!error.to_string().is_empty());
                refused += 1;
            }
        }
    }
    assert!(read > 10 && refused > 100, "{read} read, {refused} refused");
}
