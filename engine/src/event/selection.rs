//! Which columns of the catalogue a model is given from here on.

use crate::ids::Hash;

/// Columns were selected anew. The header's time is when the selection takes effect.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct FeaturesReselected {
    /// Their names, best first.
    pub columns: Vec<String>,
    /// BLAKE3 of the names, each followed by a line end.
    pub hash: Hash,
}
