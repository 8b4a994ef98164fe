//! Which features the network sees as its `x`: the model's own, or the scenario's selection from the catalogue.

use super::super::{ParameterError, Parameters};
use super::market;
use super::weights::Weights;
use crate::features::layout::Layout;
use crate::features::normalise::Normalise;
use crate::ids::Hash;
use crate::settings::{BarPrice, FeatureSettings, Settings};

/// Where `x` comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Columns {
    /// [`market::FEATURES`].
    Own,
    /// The columns of `[features]`, scaled, in their order.
    Selected,
}

impl Columns {
    /// What the parameters say, if it fits the model and the settings.
    pub(super) fn of(
        parameters: &Parameters,
        settings: &Settings,
        weights: &Weights,
    ) -> Result<Columns, ParameterError> {
        let wrong = |message: String| Err(ParameterError::new("features", message));
        let columns = match parameters.optional("features") {
            None | Some("own") => Columns::Own,
            Some("selected") => Columns::Selected,
            Some(text) => return wrong(format!("`{text}` is none of own, selected")),
        };
        let hash = match (columns, &settings.features) {
            (Columns::Own, _) => own(),
            (Columns::Selected, None) => {
                return wrong(
                    "`selected` are the columns of [features], and the scenario has no such section"
                        .to_string(),
                );
            }
            (Columns::Selected, Some(features)) => {
                let names = names(features)?;
                let slots = features.selection.as_ref().map(|selection| selection.slots as usize);
                let (there, wanted) = (slots.unwrap_or(names.len()), weights.spec().features);
                if there != wanted {
                    return wrong(format!(
                        "the model sees exactly {wanted} columns, and [features] selects {there}"
                    ));
                }
                selected(&names, features)
            }
        };
        match weights.feature_set() {
            Some(trained) if trained != hash.to_string() => Err(ParameterError::new(
                "checkpoint",
                format_args!("it was trained on the feature set {trained}, and this scenario's is {hash}"),
            )),
            _ => Ok(columns),
        }
    }
}

pub(super) fn names(features: &FeatureSettings) -> Result<Vec<String>, ParameterError> {
    let layout = Layout::new(features).map_err(|error| ParameterError::new("features", error))?;
    Ok(layout.columns.into_iter().map(|column| column.id).collect())
}

/// The hash of the model's own features.
fn own() -> Hash {
    hash(&market::FEATURES.map(String::from), "own")
}

/// The hash of a selection: other columns, another order, scale or price is another.
fn selected(names: &[String], features: &FeatureSettings) -> Hash {
    let scale = match features.scale {
        Normalise::Robust => "robust",
        Normalise::Normal => "normal",
        Normalise::None => "none",
    };
    let price = match features.price {
        BarPrice::Mid => "mid",
        BarPrice::Bid => "bid",
        BarPrice::Ask => "ask",
        BarPrice::Trade => "trade",
    };
    // Which of the columns fill the slots changes while a run lasts; how many slots there are does not.
    let slots = features.selection.as_ref().map_or(String::new(), |one| format!(", {} slots", one.slots));
    hash(names, &format!("scale {scale}, price {price}{slots}"))
}

fn hash(names: &[String], how: &str) -> Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(format!("genovo feature set 1\n{how}\n").as_bytes());
    for name in names {
        hasher.update(name.as_bytes()).update(b"\n");
    }
    Hash(*hasher.finalize().as_bytes())
}

/// The set of features that a model sees under these settings, as a checkpoint names it: of the strategy's `features`,
/// or of `[features]` where the settings are another strategy's.
///
/// # Errors
/// When the selection names something that there is not.
pub fn feature_set(settings: &Settings) -> Result<Hash, ParameterError> {
    let said = settings.strategy.parameters.get("features").map(String::as_str);
    let model = settings.strategy.kind == super::KIND.name;
    match &settings.features {
        Some(features) if !model || said == Some("selected") => Ok(selected(&names(features)?, features)),
        _ => Ok(own()),
    }
}
