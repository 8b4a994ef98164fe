//! Where the kernels of a run compute: what was asked for, what there is, and what is worth it. No bit depends on it.

use std::sync::{Arc, OnceLock};

use genovo_engine::engine::Engine;
use genovo_kernels::backend::cuda::Cuda;
use genovo_kernels::backend::{AnyBackend, BackendError, Cpu, Estimate};
use genovo_kernels::checkpoint::Precision;
use genovo_kernels::model::Spec;

use crate::commands::{Context, say};
use crate::error::{Exit, Failure};
use crate::scenario::Backend;

/// With it `auto` means `cuda`: a missing card is a failure then.
const STRICT: &str = "GENOVO_CUDA";

/// `--backend`, of the commands that run the kernels of a model.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct BackendArgument {
    /// Where a model's kernels run; changes no result [default: the scenario's, else auto].
    #[arg(long, value_name = "auto|cpu|cuda", value_parser = ["auto", "cpu", "cuda"])]
    backend: Option<String>,
}

impl BackendArgument {
    /// What it asks for.
    pub fn backends(&self, nothing: &'static str) -> Result<Backends, Failure> {
        Backends::of(self.backend.as_deref(), nothing)
    }

    /// Lets recomputing know of it.
    pub fn tell(&self, context: &Context, nothing: &'static str) -> Result<(), Failure> {
        context.backends.replace(self.backends(nothing)?);
        Ok(())
    }
}

/// The backends of a command: one card for all of its engines, opened when it is first needed.
#[derive(Clone, Debug, Default)]
pub struct Backends {
    /// What the command line says, which goes before the scenario.
    asked: Option<Backend>,
    card: Arc<OnceLock<Result<Cuda, BackendError>>>,
    /// Whether it was said that the card is lost.
    told: Arc<OnceLock<()>>,
}

/// Where an engine computes.
#[derive(Clone, Debug)]
pub struct Placed {
    /// There.
    pub backend: AnyBackend,
    /// Which it is and why, where a network decides and nobody said which it should be.
    line: Option<String>,
}

impl Placed {
    /// Says the line, if there is one.
    pub fn tell(&self, context: &Context) -> Result<(), Failure> {
        match &self.line {
            Some(line) if !context.json => say(&format!("  backend    {line}\n")),
            _ => Ok(()),
        }
    }

    /// The same as a line by itself.
    pub fn line(&self) -> Option<&str> {
        self.line.as_deref()
    }
}

fn missing(error: &BackendError, nothing: &'static str) -> Failure {
    Failure::new(Exit::Usage, error.to_string(), nothing)
        .help("take --backend cpu or auto: the bits are the same; genovo doctor says what this machine has")
}

fn failed(error: &BackendError, nothing: &'static str) -> Failure {
    Failure::new(Exit::Failed, error.to_string(), nothing)
        .help("take --backend cpu or auto: the bits are the same")
}

impl Backends {
    /// What an argument asks for. A card that is asked for and not there is missed at once.
    pub fn of(argument: Option<&str>, nothing: &'static str) -> Result<Backends, Failure> {
        let backends = Backends { asked: argument.map(Backend::of), ..Backends::default() };
        if backends.asked == Some(Backend::Cuda) {
            backends.card().map_err(|error| missing(&error, nothing))?;
        }
        Ok(backends)
    }

    /// The CPU, whatever a scenario says.
    pub fn cpu() -> Backends {
        Backends { asked: Some(Backend::Cpu), ..Backends::default() }
    }

    /// The first card of this machine.
    pub fn card(&self) -> Result<Cuda, BackendError> {
        self.card.get_or_init(Cuda::open).clone()
    }

    /// Where an engine with this network should compute: where the command line wants it, `otherwise` where that says
    /// nothing. `cpu` is what it computes on when it is no card.
    pub fn choose(
        &self,
        network: Option<(&Spec, Precision)>,
        otherwise: Backend,
        cpu: Cpu,
        nothing: &'static str,
    ) -> Result<Placed, Failure> {
        let here = AnyBackend::from(cpu);
        let estimate = network.map(|(spec, precision)| Estimate::of(spec, precision));
        let (backend, line) = match (self.wanted(otherwise), estimate) {
            (Backend::Cpu, _) | (Backend::Auto, None) => (here, None),
            (Backend::Cuda, _) => (self.card().map_err(|error| missing(&error, nothing))?.into(), None),
            (Backend::Auto, Some(estimate)) if estimate.gains() => match self.card() {
                Ok(card) => {
                    let card = AnyBackend::from(card);
                    let line = format!("{}: {}", card.describe(), words(&estimate));
                    (card, Some(line))
                }
                Err(error) => without(here, &error),
            },
            (Backend::Auto, Some(estimate)) => {
                let line = format!("{}: {}", here.describe(), words(&estimate));
                (here, Some(line))
            }
        };
        Ok(Placed { backend, line })
    }

    /// Lets an engine compute there.
    pub fn place(
        &self,
        engine: &mut Engine,
        otherwise: Backend,
        cpu: Cpu,
        nothing: &'static str,
    ) -> Result<Placed, Failure> {
        let placed = self.choose(engine.network(), otherwise, cpu.clone(), nothing)?;
        let Err(error) = engine.compute_on(&placed.backend) else { return Ok(placed) };
        if !placed.backend.is_card() || self.wanted(otherwise) == Backend::Cuda {
            return Err(failed(&error, nothing));
        }
        let (backend, line) = without(cpu.into(), &error);
        engine.compute_on(&backend).map_err(|error| failed(&error, nothing))?;
        Ok(Placed { backend, line })
    }

    /// Says on standard error that an engine lost its card, the first time that one does: for commands that have no
    /// line of their own for it.
    pub fn tell_lost(&self, engine: &Engine) {
        if let Some(why) = engine.lost_card()
            && self.told.set(()).is_ok()
        {
            eprintln!("! {why}\n  The CPU went on, with the same bits.");
        }
    }

    /// What is wanted: the card, where the environment asks for it and nobody for the CPU.
    pub fn wanted(&self, otherwise: Backend) -> Backend {
        let strict = std::env::var_os(STRICT).is_some_and(|value| !value.is_empty() && value != "0");
        match self.asked.unwrap_or(otherwise) {
            Backend::Auto if strict => Backend::Cuda,
            wanted => wanted,
        }
    }
}

/// The CPU, and why it is no card.
fn without(cpu: AnyBackend, error: &BackendError) -> (AnyBackend, Option<String>) {
    let line = format!("{}, without a card. {error}", cpu.describe());
    (cpu, Some(line))
}

/// What a decision should take.
fn words(estimate: &Estimate) -> String {
    let [cpu, card] = [estimate.cpu, estimate.card].map(|time| time.as_secs_f64() * 1e3);
    format!("a decision should take {cpu:.2} ms on a core, {card:.2} ms on a card")
}
