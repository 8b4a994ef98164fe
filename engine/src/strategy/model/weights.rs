//! Which weights decide: an untrained model of a size and a seed, or a checkpoint that the scenario names.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use genovo_kernels::checkpoint::{Checkpoint, Precision};
use genovo_kernels::model::Spec;

use super::super::{ParameterError, Parameters};
use crate::ids::Hash;

/// A model's weights.
pub(super) struct Weights {
    spec: Spec,
    origin: Origin,
}

enum Origin {
    /// Made when they are first asked for: checking a scenario needs none.
    Seed { seed: u64, precision: Precision, id: OnceLock<Hash>, made: Mutex<Option<Arc<Checkpoint>>> },
    /// At hand.
    Given(Arc<Checkpoint>),
}

impl Weights {
    /// Those that the parameters name.
    pub(super) fn of(parameters: &Parameters) -> Result<Weights, ParameterError> {
        if let Some(id) = parameters.optional("checkpoint") {
            return Weights::named(id, parameters);
        }
        let text = parameters.text("size")?;
        let unknown = || ParameterError::new("size", format_args!("`{text}` is none of tiny, base, full"));
        let spec = Spec::named(text).ok_or_else(unknown)?;
        let precision = precision(parameters.text("precision")?)?;
        let text = parameters.text("model_seed")?;
        let seed = text.parse().map_err(|_| {
            ParameterError::new("model_seed", format_args!("`{text}` is no whole number from 0 to 2^64 - 1"))
        })?;
        let origin = Origin::Seed { seed, precision, id: OnceLock::new(), made: Mutex::new(None) };
        Ok(Weights { spec, origin })
    }

    fn named(id: &str, parameters: &Parameters) -> Result<Weights, ParameterError> {
        let wrong = |name: &str, message: String| Err(ParameterError::new(name, message));
        let Some(hash) = Hash::parse(id) else {
            return wrong("checkpoint", format!("`{id}` is no id of a model such as b3:… and 64 digits"));
        };
        let Some(checkpoint) = parameters.models().get(hash) else {
            return wrong("checkpoint", format!("the model {id} is not at hand"));
        };
        let spec = checkpoint.spec().clone();
        if let Some(size) = parameters.optional("size")
            && size != spec.name()
        {
            return wrong("size", format!("the checkpoint is {}, not {size}: leave it out", spec.name()));
        }
        let stored = checkpoint.metadata().precision;
        if let Some(text) = parameters.optional("precision")
            && precision(text)? != stored
        {
            return wrong("precision", format!("the checkpoint is {}, not {text}", stored.name()));
        }
        if parameters.optional("model_seed").is_some() {
            return wrong("model_seed", "a checkpoint has its weights: leave the seed out".to_string());
        }
        Ok(Weights { spec, origin: Origin::Given(checkpoint) })
    }

    /// The model's shape.
    pub(super) fn spec(&self) -> &Spec {
        &self.spec
    }

    /// How its large matrices are stored.
    pub(super) fn precision(&self) -> Precision {
        match &self.origin {
            Origin::Seed { precision, .. } => *precision,
            Origin::Given(checkpoint) => checkpoint.metadata().precision,
        }
    }

    /// The hash of the features that the model was trained on, where it says so.
    pub(super) fn feature_set(&self) -> Option<&str> {
        match &self.origin {
            Origin::Seed { .. } => None,
            Origin::Given(checkpoint) => checkpoint.metadata().feature_set.as_deref(),
        }
    }

    /// The model's id.
    pub(super) fn id(&self) -> Hash {
        match &self.origin {
            Origin::Seed { id, .. } => *id.get_or_init(|| Hash(self.checkpoint().id().0)),
            Origin::Given(checkpoint) => Hash(checkpoint.id().0),
        }
    }

    /// The checkpoint; made anew when it was let go.
    pub(super) fn checkpoint(&self) -> Arc<Checkpoint> {
        match &self.origin {
            Origin::Seed { seed, precision, made, .. } => {
                let mut made = made.lock().unwrap_or_else(PoisonError::into_inner);
                made.get_or_insert_with(|| Arc::new(initialised(&self.spec, *seed, *precision))).clone()
            }
            Origin::Given(checkpoint) => checkpoint.clone(),
        }
    }

    /// Lets the checkpoint go: a network has packed it, and its memory is as large as theirs.
    pub(super) fn release(&self) {
        if let Origin::Seed { made, .. } = &self.origin {
            self.id();
            *made.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }
}

fn precision(text: &str) -> Result<Precision, ParameterError> {
    let precision = Precision::ALL.into_iter().find(|precision| precision.name() == text);
    precision
        .ok_or_else(|| ParameterError::new("precision", format_args!("`{text}` is none of f32, bf16, int8")))
}

fn initialised(spec: &Spec, seed: u64, precision: Precision) -> Checkpoint {
    let made = Checkpoint::init(spec, seed);
    let made = match precision {
        Precision::F32 => made,
        reduced => made.and_then(|checkpoint| checkpoint.reduced(reduced)),
    };
    made.expect("a named size can be initialised and reduced")
}
