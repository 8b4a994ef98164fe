//! `genovo models`: what models there are, what is in one, a new one, one in fewer bits.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use genovo_engine::strategy::model::feature_set;
use genovo_kernels::checkpoint::{Checkpoint, Exactness, Precision};
use genovo_kernels::model::Spec;
use serde_json::{Value, json};

use super::{Context, say};
use crate::error::{Exit, Failure};
use crate::report::format;
use crate::{models, scenario};

/// List and describe models, make an untrained one, convert one to fewer bits.
#[derive(Args, Debug)]
#[command(arg_required_else_help = true, after_help = EXAMPLES)]
pub struct Models {
    #[command(subcommand)]
    question: Question,
}

const EXAMPLES: &str = "\
A model is a safetensors file; docs/model.md says what is in it.
Examples:
  genovo models init models/first.safetensors --size tiny --seed 1
  genovo models describe models/first.safetensors
  genovo models convert models/first.safetensors models/first-bf16.safetensors --precision bf16
  genovo models list models";

const NOTHING: &str = "Nothing was shown.";
const NOT_WRITTEN: &str = "No model was written.";

#[derive(Debug, Subcommand)]
enum Question {
    List(List),
    Describe(Describe),
    Init(Init),
    Convert(Convert),
}

impl Models {
    /// Runs the command.
    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        match &self.question {
            Question::List(list) => list.run(context),
            Question::Describe(describe) => describe.run(context),
            Question::Init(init) => init.run(context),
            Question::Convert(convert) => convert.run(context),
        }
    }
}

fn read(path: &Path, consequence: &str) -> Result<Checkpoint, Failure> {
    models::read(path).map_err(|why| {
        Failure::new(Exit::Usage, format!("cannot use the model {}: {why}", path.display()), consequence)
    })
}

/// Writes a file that is not there yet, whole or not at all.
fn write(path: &Path, checkpoint: &Checkpoint, replace: bool) -> Result<(), Failure> {
    if path.exists() && !replace {
        let message = format!("{} is there already", path.display());
        return Err(Failure::new(Exit::Usage, message, NOT_WRITTEN)
            .help("name another file, or let it be replaced: --replace"));
    }
    let failed = |error: std::io::Error| {
        Failure::new(Exit::Failed, format!("cannot write {}: {error}", path.display()), NOT_WRITTEN)
    };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    // Beside it first: a model that is cut off in the middle would be a damaged one under its own name.
    let mut beside = path.as_os_str().to_owned();
    beside.push(".part");
    let beside = PathBuf::from(beside);
    fs::write(&beside, checkpoint.file()).and_then(|()| fs::rename(&beside, path)).map_err(|error| {
        let _ = fs::remove_file(&beside);
        failed(error)
    })
}

fn exactness(checkpoint: &Checkpoint) -> &'static str {
    match checkpoint.metadata().lineage.exactness {
        Exactness::Exact => "exact",
        Exactness::Inexact => "inexact",
    }
}

/// List the models in a folder, with their ids.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
struct List {
    /// The folder.
    #[arg(value_name = "FOLDER", default_value = "models")]
    folder: PathBuf,
}

impl List {
    fn run(&self, context: &Context) -> Result<(), Failure> {
        let entries = fs::read_dir(&self.folder).map_err(|error| {
            let message = format!("cannot read the folder {}: {error}", self.folder.display());
            Failure::new(Exit::Usage, message, NOTHING)
        })?;
        let mut paths: Vec<PathBuf> = entries
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "safetensors"))
            .collect();
        paths.sort();
        let found = paths.into_iter().map(|path| (models::read(&path), path));
        if context.json {
            let models: Vec<Value> = found
                .map(|(read, path)| match read {
                    Ok(checkpoint) => summary(&path, &checkpoint),
                    Err(why) => json!({ "file": path, "error": why }),
                })
                .collect();
            return context.answer(&json!({ "models": models }));
        }
        let mut text = String::new();
        for (read, path) in found {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let said = match read {
                Ok(checkpoint) => {
                    let (spec, metadata) = (checkpoint.spec(), checkpoint.metadata());
                    let weights = format::count(spec.parameters().unwrap_or(0) as u64);
                    let (size, precision) = (spec.name(), metadata.precision.name());
                    format!(
                        "{}  {size} {precision}, {weights} weights, {}",
                        checkpoint.id(),
                        metadata.lineage.origin
                    )
                }
                Err(why) => format!("! {why}"),
            };
            text.push_str(&format!("{name}\n  {said}\n"));
        }
        if text.is_empty() {
            text = format!("There is no model in {}: genovo models init makes one.\n", self.folder.display());
        }
        say(&text)
    }
}

/// Describe a model: its id, shape, where it comes from, and every tensor.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
struct Describe {
    /// The model's file.
    file: PathBuf,
}

fn summary(path: &Path, checkpoint: &Checkpoint) -> Value {
    let metadata = checkpoint.metadata();
    json!({
        "file": path,
        "id": checkpoint.id().to_string(),
        "size": checkpoint.spec().name(),
        "precision": metadata.precision.name(),
        "parameters": checkpoint.spec().parameters(),
        "bytes": checkpoint.file().len(),
        "feature_set": metadata.feature_set,
        "origin": metadata.lineage.origin,
        "parent": metadata.lineage.parent,
        "seed": metadata.lineage.seed,
        "exactness": exactness(checkpoint),
    })
}

impl Describe {
    fn run(&self, context: &Context) -> Result<(), Failure> {
        let checkpoint = read(&self.file, NOTHING)?;
        let (spec, metadata) = (checkpoint.spec(), checkpoint.metadata());
        let tensors = checkpoint.tensors();
        if context.json {
            let mut all = summary(&self.file, &checkpoint);
            all["format_version"] = json!(metadata.version);
            all["spec"] = serde_json::from_str(&spec.to_canonical_json()).unwrap_or_default();
            all["burn_in"] = json!(spec.burn_in());
            let tensors = tensors.iter();
            all["tensors"] = tensors
                .map(|tensor| json!({ "name": tensor.name, "shape": tensor.shape, "type": tensor.stored }))
                .collect();
            return context.answer(&all);
        }
        let mut text = format!("{}\n", self.file.display());
        let mut line = |name: &str, value: String| text.push_str(&format!("  {name:<12} {value}\n"));
        let lineage = &metadata.lineage;
        line("id", checkpoint.id().to_string());
        let weights = format::count(spec.parameters().unwrap_or(0) as u64);
        let bytes = format::count(checkpoint.file().len() as u64);
        line(
            "size",
            format!("{}, {weights} weights in {}, {bytes} bytes", spec.name(), metadata.precision.name()),
        );
        line(
            "sees",
            format!(
                "{} features, {} levels of the book, {} values about trades, {} about the account",
                spec.features, spec.levels, spec.trades, spec.account
            ),
        );
        line(
            "trunk",
            format!(
                "{} wide, {} layers, {} heads with windows of {:?} steps, convolutions every {:?}, {} hidden",
                spec.width, spec.layers, spec.heads, spec.windows, spec.dilations, spec.hidden
            ),
        );
        line(
            "says",
            format!(
                "{} members of an ensemble for {} horizons, heads of {}",
                spec.members, spec.horizons, spec.head_hidden
            ),
        );
        line("forgets", format!("what is older than {} steps", format::count(spec.burn_in() as u64)));
        let any = || "any: it was not trained on a set of its own".to_string();
        line("feature set", metadata.feature_set.clone().unwrap_or_else(any));
        line("origin", lineage.origin.clone());
        if let Some(parent) = &lineage.parent {
            line("made from", parent.clone());
        }
        if let Some(seed) = lineage.seed {
            line("seed", seed.to_string());
        }
        line(
            "trained",
            match lineage.exactness {
                Exactness::Exact => "exact: the same training gives the same bits anywhere".to_string(),
                Exactness::Inexact => {
                    "inexact: trained elsewhere or faster; it decides exactly all the same".to_string()
                }
            },
        );
        let width = tensors.iter().map(|tensor| tensor.name.len()).max().unwrap_or(0);
        text.push_str(&format!("\n{} tensors\n", tensors.len()));
        for tensor in &tensors {
            text.push_str(&format!("  {:<width$}  {:<4}  {:?}\n", tensor.name, tensor.stored, tensor.shape));
        }
        say(&text)
    }
}

/// Which features a model is for.
#[derive(Args, Clone, Debug)]
struct Fitting {
    /// Say that it is for the features of this scenario, so that no other set is accepted.
    #[arg(long, value_name = "SCENARIO")]
    features: Option<PathBuf>,
    /// Replace a file that is there.
    #[arg(long)]
    replace: bool,
}

impl Fitting {
    fn apply(&self, checkpoint: Checkpoint, context: &Context) -> Result<Checkpoint, Failure> {
        let Some(path) = &self.features else { return Ok(checkpoint) };
        let settings = scenario::load(path, &[], &context.registry)?.settings;
        let failed = |message: String| Failure::new(Exit::Usage, message, NOT_WRITTEN);
        let set = feature_set(&settings).map_err(|error| failed(error.to_string()))?;
        checkpoint.with_feature_set(&set.to_string()).map_err(|error| failed(error.to_string()))
    }
}

fn precision(text: &str) -> Result<Precision, String> {
    let found = Precision::ALL.into_iter().find(|precision| precision.name() == text);
    found.ok_or_else(|| "is none of f32, bf16, int8".to_string())
}

fn told(path: &Path, checkpoint: &Checkpoint, context: &Context) -> Result<(), Failure> {
    if context.json {
        return context.answer(&summary(path, checkpoint));
    }
    let (size, precision) = (checkpoint.spec().name(), checkpoint.metadata().precision.name());
    say(&format!("{}: {size} {precision}, {}\n", path.display(), checkpoint.id()))
}

/// Make an untrained model out of a seed: the same seed is the same model, on any machine.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
struct Init {
    /// The file that is written.
    file: PathBuf,
    /// tiny, base or full.
    #[arg(long, value_name = "SIZE", default_value = "tiny", value_parser = ["tiny", "base", "full"])]
    size: String,
    /// The seed of its weights.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// f32, bf16 or int8.
    #[arg(long, value_name = "PRECISION", default_value = "f32", value_parser = precision)]
    precision: Precision,
    #[command(flatten)]
    fitting: Fitting,
}

impl Init {
    fn run(&self, context: &Context) -> Result<(), Failure> {
        let failed = |message: String| Failure::new(Exit::Usage, message, NOT_WRITTEN);
        let spec =
            Spec::named(&self.size).ok_or_else(|| failed(format!("no size is called {}", self.size)))?;
        let made = Checkpoint::init(&spec, self.seed).map_err(|error| failed(error.to_string()))?;
        let made = models::in_precision(made, self.precision).map_err(failed)?;
        let made = self.fitting.apply(made, context)?;
        write(&self.file, &made, self.fitting.replace)?;
        told(&self.file, &made, context)
    }
}

/// Convert a model to fewer bits, or say for which features it is. In fewer bits it is another model.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
struct Convert {
    /// The model's file.
    from: PathBuf,
    /// The file that is written.
    to: PathBuf,
    /// bf16 or int8, of a model in f32 [default: as it is].
    #[arg(long, value_name = "PRECISION", value_parser = precision)]
    precision: Option<Precision>,
    #[command(flatten)]
    fitting: Fitting,
}

impl Convert {
    fn run(&self, context: &Context) -> Result<(), Failure> {
        let made = read(&self.from, NOT_WRITTEN)?;
        let wanted = self.precision.unwrap_or(made.metadata().precision);
        let made = models::in_precision(made, wanted).map_err(|why| {
            Failure::new(Exit::Usage, format!("cannot convert {}: {why}", self.from.display()), NOT_WRITTEN)
        })?;
        let made = self.fitting.apply(made, context)?;
        write(&self.to, &made, self.fitting.replace)?;
        told(&self.to, &made, context)
    }
}
