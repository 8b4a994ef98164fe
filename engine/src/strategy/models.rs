//! The models that scenarios name: checkpoints by their ids.
//!
//! The engine reads no file. Whoever reads a scenario or a journal puts the checkpoints that it names here first.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use genovo_kernels::checkpoint::Checkpoint;

use crate::ids::Hash;

/// Checkpoints at hand. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Models(Arc<Mutex<BTreeMap<Hash, Arc<Checkpoint>>>>);

impl Models {
    /// Puts a checkpoint here; its id, by which settings name it.
    pub fn add(&self, checkpoint: Checkpoint) -> Hash {
        let id = Hash(checkpoint.id().0);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id, Arc::new(checkpoint));
        id
    }

    /// The checkpoint with this id.
    pub fn get(&self, id: Hash) -> Option<Arc<Checkpoint>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }
}
