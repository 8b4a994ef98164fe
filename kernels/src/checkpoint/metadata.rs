//! What a model's file says about itself, as canonical JSON.

use serde::{Deserialize, Serialize};

use crate::model::Spec;

/// The version of the format. A file of another version is refused by name.
pub const FORMAT_VERSION: u32 = 1;

/// How the large matrices are stored.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// As trained.
    F32,
    /// bfloat16, rounded to the nearest, ties to even.
    Bf16,
    /// 8-bit integers with one scale an output.
    Int8,
}

impl Precision {
    /// All of them, the most exact first.
    pub const ALL: [Self; 3] = [Self::F32, Self::Bf16, Self::Int8];

    /// `f32`, `bf16` or `int8`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
            Self::Int8 => "int8",
        }
    }
}

/// With which arithmetic it was trained. It decides under the exact rules whatever it says.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Exactness {
    /// The same training gives the same bits anywhere.
    Exact,
    /// Trained elsewhere, or with a faster arithmetic: training it again gives other bits.
    Inexact,
}

/// Where a model comes from.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lineage {
    /// In words: `initialised`, `trained`, `reduced to bf16`, `imported from PyTorch`.
    pub origin: String,
    /// The id of the model that it was made from.
    pub parent: Option<String>,
    /// The seed that was used.
    pub seed: Option<u64>,
    /// With which arithmetic.
    pub exactness: Exactness,
}

/// All metadata. The order of the fields is that of the canonical JSON.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metadata {
    /// [`FORMAT_VERSION`].
    pub version: u32,
    /// The model's shape.
    pub spec: Spec,
    /// How its large matrices are stored.
    pub precision: Precision,
    /// The hash of the set of features that it was trained on; `None` while it fits any.
    pub feature_set: Option<String>,
    /// Where it comes from.
    pub lineage: Lineage,
}

impl Metadata {
    /// The metadata of a model for any set of features.
    pub fn new(spec: Spec, precision: Precision, lineage: Lineage) -> Self {
        Self { version: FORMAT_VERSION, spec, precision, feature_set: None, lineage }
    }

    /// Fields in the order of their declaration, no spaces.
    pub fn to_canonical_json(&self) -> String {
        serde_json::to_string(self).expect("metadata holds nothing that JSON cannot")
    }

    /// Reads canonical JSON, and no other: two files that say the same are the same.
    pub(super) fn from_canonical_json(text: &str) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let versioned: Versioned = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if versioned.version != FORMAT_VERSION {
            let version = versioned.version;
            return Err(format!("version {version} of the format; this release reads {FORMAT_VERSION}"));
        }
        let metadata: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if metadata.to_canonical_json() != text {
            return Err(
                "not in canonical form (order of keys, no spaces, no escapes without need)".to_owned()
            );
        }
        Ok(metadata)
    }
}

impl Spec {
    /// Fields in the order of their declaration, no spaces.
    pub fn to_canonical_json(&self) -> String {
        serde_json::to_string(self).expect("a spec holds nothing that JSON cannot")
    }
}
