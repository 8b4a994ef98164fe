//! Models as files: reading them, and bringing those that a recorded run names.
//!
//! Settings name a model by its id, never by a path. Where its file lay when the run was recorded is noted beside the
//! journal (`provenance.rs`), and believed only while the file's content has the id.

use std::fs;
use std::path::{Path, PathBuf};

use genovo_engine::ids::Hash;
use genovo_engine::settings::Settings;
use genovo_engine::strategy::Models;
use genovo_kernels::checkpoint::{Checkpoint, Precision};

use crate::commands::Context;
use crate::error::{Exit, Failure};
use crate::provenance;

/// The strategy parameter that names a model.
pub const PARAMETER: &str = "checkpoint";

/// Reads a model's file; what is wrong with it, in words that follow its name.
pub fn read(path: &Path) -> Result<Checkpoint, String> {
    let file = fs::read(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_string(),
        _ => error.to_string(),
    })?;
    Checkpoint::read(file).map_err(|error| error.to_string())
}

/// The model in this precision; a model in f32 is reduced, one that was reduced before stays what it is.
pub fn in_precision(checkpoint: Checkpoint, wanted: Precision) -> Result<Checkpoint, String> {
    let stored = checkpoint.metadata().precision;
    match (stored, wanted) {
        (stored, wanted) if stored == wanted => Ok(checkpoint),
        (Precision::F32, wanted) => checkpoint.reduced(wanted).map_err(|error| error.to_string()),
        (stored, wanted) => Err(format!(
            "it is {} already; {} can only be made of the model in f32",
            stored.name(),
            wanted.name()
        )),
    }
}

/// Brings every model that a recorded run's settings name: from the file that the command line names, else from where
/// it lay when the run was recorded.
pub fn bring(settings: &Settings, journal: &Path, context: &Context) -> Result<(), Failure> {
    let later = settings.later.as_ref().map(|later| &later.strategy);
    for strategy in settings.all_strategies().into_iter().chain(later) {
        let named = strategy.parameters.get(PARAMETER).and_then(|text| Hash::parse(text));
        let Some(id) = named.filter(|id| context.registry.models().get(*id).is_none()) else { continue };
        let noted = || provenance::model(journal, id);
        let Some(path) = context.model.borrow().clone().or_else(noted) else {
            return Err(absent(id, "and nothing says where it lies".to_string()));
        };
        find(&path, id, context.registry.models())
            .map_err(|why| absent(id, format!("{}: {why}", path.display())))?;
    }
    Ok(())
}

fn absent(id: Hash, why: String) -> Failure {
    let message = format!("the run was decided by the model {id}, which is not here: {why}");
    Failure::new(Exit::Usage, message, "Nothing was recomputed.")
        .help("name its file: --model FILE; genovo models list FOLDER shows ids")
}

/// Puts the model with this id at hand: the file's, or what the file's becomes when it is reduced.
fn find(path: &Path, id: Hash, models: &Models) -> Result<(), String> {
    let file = read(path)?;
    let other = Hash(file.id().0);
    if other == id {
        models.add(file);
        return Ok(());
    }
    if file.metadata().precision == Precision::F32 {
        for precision in [Precision::Bf16, Precision::Int8] {
            let reduced = file.reduced(precision).map_err(|error| error.to_string())?;
            if Hash(reduced.id().0) == id {
                models.add(reduced);
                return Ok(());
            }
        }
    }
    Err(format!("it holds another model, {other}"))
}

/// `--model`, of the commands that recompute a run.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct ModelArgument {
    /// The file of the model that decided, if it does not lie where it lay.
    #[arg(long = "model", value_name = "FILE")]
    model: Option<PathBuf>,
}

impl ModelArgument {
    /// Lets recomputing know of it.
    pub fn tell(&self, context: &Context) {
        context.model.replace(self.model.clone());
    }
}
