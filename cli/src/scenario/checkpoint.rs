//! `checkpoint` in `[strategy]`: the file of a model. Its content decides, so the settings name its id.

use std::collections::BTreeMap;
use std::path::PathBuf;

use genovo_engine::ids::Hash;
use genovo_engine::strategy::Models;
use genovo_kernels::checkpoint::Precision;

use super::section::Section;
use crate::models::{self, PARAMETER};

/// Parameters that a checkpoint answers: where one is named, they have no defaults.
const ANSWERED: [&str; 3] = ["size", "model_seed", "precision"];

/// Whether a parameter's default does not hold, since a checkpoint says it.
pub fn answers(section: &Section<'_>, parameter: &str) -> bool {
    section.says(PARAMETER) && ANSWERED.contains(&parameter)
}

/// Reads the file that the parameters name, puts the model at hand, and lets the parameters name its id; where the
/// file lies. The outer `None` is an error, the inner one a scenario without a checkpoint.
pub fn read(
    section: &Section<'_>,
    parameters: &mut BTreeMap<String, String>,
    at_hand: &Models,
) -> Option<Option<PathBuf>> {
    let Some(text) = parameters.get(PARAMETER) else { return Some(None) };
    // The settings of a recorded run name what was brought already.
    if Hash::parse(text).is_some() {
        return Some(None);
    }
    let path = section.folder(PARAMETER).join(text);
    let checkpoint = match models::read(&path) {
        Ok(checkpoint) => checkpoint,
        Err(why) => {
            section.fail(PARAMETER, format!("cannot use the model {}", path.display()), why);
            return None;
        }
    };
    let size = checkpoint.spec().name();
    if let Some(said) = parameters.remove("size").filter(|said| said != size) {
        let message = format!("the model in {} is {size}, not {said}", path.display());
        section.fail("size", message, "leave it out: the checkpoint says it");
        return None;
    }
    if parameters.contains_key("model_seed") {
        section.fail("model_seed", "a checkpoint has its weights, and no seed makes them", "leave it out");
        return None;
    }
    let wanted = match parameters.remove("precision") {
        None => checkpoint.metadata().precision,
        Some(text) => match Precision::ALL.into_iter().find(|one| one.name() == text) {
            Some(precision) => precision,
            None => {
                section.fail("precision", format!("`precision` cannot be `{text}`"), "f32, bf16 or int8");
                return None;
            }
        },
    };
    match models::in_precision(checkpoint, wanted) {
        Ok(checkpoint) => {
            parameters.insert(PARAMETER.to_string(), at_hand.add(checkpoint).to_string());
            Some(Some(path))
        }
        Err(why) => {
            section.fail("precision", format!("cannot use the model {}", path.display()), why);
            None
        }
    }
}
