//! `model`: a neural model decides. Its network is in `genovo_kernels::model`; here is what it sees and what it does.
//!
//! At each decision point every instrument takes one step of its stream; at a timer all of them share one pass over
//! the weights. The trunk sees the market (`market.rs`), the heads the account too (`account.rs`); `action.rs` makes a
//! choice and a size of what they say. A decision's evidence holds everything that made it, its features the whole
//! input, and `RunStarted` the model's id, so that a journal explains and recomputes it.

mod account;
mod action;
mod market;

use std::sync::OnceLock;

use genovo_kernels::backend::Cpu;
use genovo_kernels::checkpoint::{Checkpoint, Precision};
use genovo_kernels::cpu::CpuLevel;
use genovo_kernels::model::{
    Inputs, LEVEL_INPUTS, Model, ModelError, Outputs, STAMPS, Spec, Streams, Workspace,
};

use super::{Needs, ParameterError, ParameterSpec, Parameters, Proposal, Strategy, StrategyKind, View};
use crate::canonical::{Canonical, Input};
use crate::engine::TRIGGER_TIMER;
use crate::event::{Event, Fact};
use crate::ids::{Hash, InstrumentId};
use crate::settings::{AccountKind, Settings, Trigger};
use crate::state::{State, StateError, expect_tag, tag};
use crate::units::{Nanoseconds, Timestamp};
use account::Holding;
use action::{Choice, Names, Sizing};
use market::Seen;

/// As the registry knows it.
pub const KIND: StrategyKind = StrategyKind {
    name: "model",
    about: "a neural model decides; initialised from a seed, so untrained",
    parameters: &[
        ParameterSpec { name: "size", default: Some("tiny"), about: "tiny, base or full" },
        ParameterSpec { name: "model_seed", default: Some("1"), about: "the seed of its weights" },
        ParameterSpec {
            name: "precision",
            default: Some("f32"),
            about: "f32, bf16 or int8: how its large matrices are stored; each is another model",
        },
        ParameterSpec { name: "quantity", default: None, about: "the largest position, long or short" },
        ParameterSpec {
            name: "choose",
            default: Some("best"),
            about: "`best`, the likeliest legal action, or `sample`, one drawn by its probability",
        },
        ParameterSpec {
            name: "volatility",
            default: Some("100 %"),
            about: "the forecast volatility above which positions shrink",
        },
    ],
    needs: Needs { sizes: false, quotes: false },
    trigger: Trigger::Every(Nanoseconds(1_000_000_000)),
    make,
};

/// Columns of the feature vector.
const COLUMNS: usize = market::FEATURES.len()
    + market::BOOK.len()
    + market::TRADES.len()
    + market::STAMPS.len()
    + account::ACCOUNT.len();

/// One instrument's market and account as the model sees them.
struct Instrument {
    seen: Seen,
    holding: Holding,
    /// What its last step saw; `None` while there is no price.
    step: Option<market::Step>,
    /// When that was.
    stepped: Option<Timestamp>,
    /// Its row in the last pass.
    row: usize,
}

// Its last step lasts no longer than the moment at which it was taken.
crate::state! { Instrument { seen, holding } }

/// The network with its memory.
struct Network {
    model: Model<Cpu>,
    streams: Streams<Cpu>,
    work: Workspace<Cpu>,
    outputs: Outputs,
    features: Vec<f32>,
    book: Vec<f32>,
    trades: Vec<f32>,
    stamps: Vec<f32>,
    account: Vec<f32>,
    due: Vec<usize>,
}

struct ModelStrategy {
    spec: Spec,
    seed: u64,
    precision: Precision,
    cpu: Cpu,
    /// Made when it is first asked for: checking a scenario needs none.
    checkpoint: OnceLock<Checkpoint>,
    network: Option<Network>,
    instruments: Vec<Instrument>,
    /// Whether all instruments decide at one time.
    together: bool,
    /// When all took a step together, until time has moved on: up to then a decision may rest on it.
    fresh: Option<Timestamp>,
    cash: bool,
    sizing: Sizing,
    choice: Choice,
    names: Names,
}

fn make(parameters: &Parameters, settings: &Settings) -> Result<Box<dyn Strategy>, ParameterError> {
    let text = parameters.text("size")?;
    let unknown = || ParameterError::new("size", format_args!("`{text}` is none of tiny, base, full"));
    let spec = Spec::named(text).ok_or_else(unknown)?;
    let text = parameters.text("precision")?;
    let precision = Precision::ALL.into_iter().find(|precision| precision.name() == text);
    let precision = precision.ok_or_else(|| {
        ParameterError::new("precision", format_args!("`{text}` is none of f32, bf16, int8"))
    })?;
    let text = parameters.text("model_seed")?;
    let seed = text.parse().map_err(|_| {
        ParameterError::new("model_seed", format_args!("`{text}` is no whole number from 0 to 2^64 - 1"))
    })?;
    let choice = match parameters.text("choose")? {
        "best" => Choice::Best,
        "sample" => Choice::Sample { seed: settings.seed },
        text => {
            return Err(ParameterError::new("choose", format_args!("`{text}` is none of best, sample")));
        }
    };
    let sizing = Sizing {
        quantity: parameters.quantity("quantity")?,
        volatility: parameters.share("volatility")?.as_f64() as f32,
    };
    let level = CpuLevel::detect();
    let cpu = Cpu::new(level, 1).map_err(|error| ParameterError::new("size", error))?;
    let instruments = settings.instruments.iter().map(|instrument| Instrument {
        seen: Seen::new(instrument),
        holding: Holding::default(),
        step: None,
        stepped: None,
        row: 0,
    });
    Ok(Box::new(ModelStrategy {
        names: Names::new(&spec),
        instruments: instruments.collect(),
        together: matches!(settings.trigger, Trigger::Every(_)),
        cash: settings.account.kind == AccountKind::Cash,
        fresh: None,
        checkpoint: OnceLock::new(),
        network: None,
        spec,
        seed,
        precision,
        cpu,
        sizing,
        choice,
    }))
}

impl Network {
    fn new(cpu: &Cpu, checkpoint: &Checkpoint, streams: usize) -> Result<Network, ModelError> {
        let model = Model::new(cpu.clone(), checkpoint)?;
        let spec = model.spec().clone();
        Ok(Network {
            streams: model.streams(streams)?,
            work: model.workspace(streams)?,
            outputs: Outputs::new(&spec, 1),
            features: Vec::with_capacity(streams * spec.features),
            book: Vec::with_capacity(streams * spec.levels * LEVEL_INPUTS),
            trades: Vec::with_capacity(streams * spec.trades),
            stamps: Vec::with_capacity(streams * STAMPS),
            account: vec![0.0; spec.account],
            due: Vec::with_capacity(streams),
            model,
        })
    }

    fn clear(&mut self) {
        for values in [&mut self.features, &mut self.book, &mut self.trades, &mut self.stamps] {
            values.clear();
        }
        self.due.clear();
    }

    /// Adds an instrument's step to the next pass; returns its row.
    fn add(&mut self, stream: usize, step: &market::Step) -> usize {
        let spec = self.model.spec();
        // What there is no value for, and what is not known, is +0.0.
        let fill = |to: &mut Vec<f32>, values: &[Option<f32>], width: usize| {
            let end = to.len() + width;
            to.extend(values.iter().take(width).map(|value| value.unwrap_or(0.0)));
            to.resize(end, 0.0);
        };
        fill(&mut self.features, &step.features, spec.features);
        fill(&mut self.book, &step.book, spec.levels * LEVEL_INPUTS);
        fill(&mut self.trades, &step.trades, spec.trades);
        self.stamps.extend_from_slice(&step.stamps);
        self.due.push(stream);
        self.due.len() - 1
    }

    /// One pass of the trunk for all that were added.
    fn pass(&mut self) -> Result<(), ModelError> {
        let inputs =
            Inputs { features: &self.features, book: &self.book, trades: &self.trades, stamps: &self.stamps };
        self.model.step(&mut self.streams, &self.due, inputs, &mut self.work)
    }
}

impl ModelStrategy {
    fn checkpoint(&self) -> &Checkpoint {
        self.checkpoint.get_or_init(|| {
            let made = Checkpoint::init(&self.spec, self.seed);
            let made = match self.precision {
                Precision::F32 => made,
                reduced => made.and_then(|checkpoint| checkpoint.reduced(reduced)),
            };
            made.expect("a named size can be initialised and reduced")
        })
    }

    fn network(&mut self) -> Result<&mut Network, ModelError> {
        if self.network.is_none() {
            self.network = Some(Network::new(&self.cpu, self.checkpoint(), self.instruments.len())?);
        }
        Ok(self.network.as_mut().expect("just made"))
    }

    /// Steps the instruments of this range that have a price.
    fn step(&mut self, which: std::ops::Range<usize>, now: Timestamp) -> Result<(), ModelError> {
        self.network()?;
        let Some(network) = &mut self.network else { return Ok(()) };
        network.clear();
        for (stream, instrument) in self.instruments.iter_mut().enumerate() {
            if which.contains(&stream) {
                instrument.step = instrument.seen.step(now);
                instrument.stepped = Some(now);
                if let Some(step) = &instrument.step {
                    instrument.row = network.add(stream, step);
                }
            }
        }
        network.pass()
    }
}

impl Strategy for ModelStrategy {
    fn features(&self) -> Vec<String> {
        let market = market::FEATURES.iter().chain(&market::BOOK).chain(&market::TRADES);
        let names = market.chain(&market::STAMPS).chain(&account::ACCOUNT);
        names.map(|name| name.to_string()).collect()
    }

    fn model(&self) -> Option<Hash> {
        Some(Hash(self.checkpoint().id().0))
    }

    fn compute_on(&mut self, cpu: &Cpu) {
        self.cpu = cpu.clone();
        if let Some(before) = self.network.take() {
            // What was remembered is the same on every CPU.
            let again = Network::new(&self.cpu, self.checkpoint(), self.instruments.len());
            self.network = Some(match again {
                Ok(again) => Network { streams: before.streams, ..again },
                Err(_) => before,
            });
        }
    }

    fn update(&mut self, event: &Event, view: &dyn View) -> bool {
        if self.fresh.is_some_and(|at| at < view.now()) {
            self.fresh = None;
            self.instruments.iter_mut().for_each(|instrument| instrument.stepped = None);
        }
        match &event.fact {
            Fact::TimerFired(fired) if self.together && fired.timer == TRIGGER_TIMER => {
                let all = 0..self.instruments.len();
                self.fresh = Some(view.now());
                // What fails here fails again, by name, when the decision is asked for.
                if self.step(all, view.now()).is_err() {
                    self.instruments.iter_mut().for_each(|instrument| instrument.stepped = None);
                }
            }
            fact => {
                let index = event.header.instrument.index();
                if let Some(instrument) = index.and_then(|index| self.instruments.get_mut(index)) {
                    instrument.seen.update(fact, view.now());
                }
            }
        }
        false
    }

    fn decide(&mut self, view: &dyn View, proposal: &mut Proposal) {
        let instrument = view.instrument();
        let Some(index) = instrument.index().filter(|index| *index < self.instruments.len()) else { return };
        if let Err(error) = self.decide_one(index, instrument, view, proposal) {
            fault(proposal, &error);
        }
        // Whatever was not seen is unknown, column by column.
        proposal.features.resize(COLUMNS, None);
    }

    /// Not at the very moment at which all took a step together: what the trunk said then is not saved.
    fn state(&self) -> Option<&dyn State> {
        if self.fresh.is_none() { Some(self) } else { None }
    }

    fn state_mut(&mut self) -> Option<&mut dyn State> {
        Some(self)
    }
}

const TAG: u32 = tag("ModelStrategy instruments network steps rings");

impl State for ModelStrategy {
    fn save(&self, out: &mut Vec<u8>) {
        TAG.write(out);
        self.instruments[..].save(out);
        self.network.is_some().write(out);
        if let Some(network) = &self.network {
            let saved = network.model.save_streams(&network.streams);
            let (steps, rings) = saved.expect("a CPU reads its own memory");
            steps.write(out);
            rings.write(out);
        }
    }

    fn load(&mut self, input: &mut Input<'_>) -> Result<(), StateError> {
        expect_tag(TAG, "ModelStrategy", input)?;
        self.instruments[..].load(input)?;
        if bool::read(input)? {
            let (steps, rings): (Vec<u64>, Vec<f32>) = Canonical::read(input)?;
            let network = self.network().map_err(|_| StateError::Impossible("the model"))?;
            let loaded = network.model.load_streams(&mut network.streams, &steps, &rings);
            loaded.map_err(|_| StateError::Impossible("the model's memory"))?;
        }
        Ok(())
    }
}

impl ModelStrategy {
    fn decide_one(
        &mut self,
        index: usize,
        instrument: InstrumentId,
        view: &dyn View,
        proposal: &mut Proposal,
    ) -> Result<(), ModelError> {
        let now = view.now();
        if self.instruments[index].stepped != Some(now) {
            self.step(index..index + 1, now)?;
        }
        // The next decision at the same moment is a step of its own.
        self.instruments[index].stepped = None;
        if self.instruments[index].step.is_none() {
            proposal.because = "the market has no price yet".to_string();
            return Ok(());
        }
        self.conclude(index, instrument, view, proposal)
    }
}

/// A number that is none, which halts the run; the reason names it.
fn fault(proposal: &mut Proposal, error: &ModelError) {
    proposal.actions.clear();
    proposal.because = format!("the model failed: {error}");
    proposal.because_of("model", f64::NAN);
}

impl ModelStrategy {
    /// The heads over the instrument's row, and what follows from them.
    fn conclude(
        &mut self,
        index: usize,
        instrument: InstrumentId,
        view: &dyn View,
        proposal: &mut Proposal,
    ) -> Result<(), ModelError> {
        let one = &mut self.instruments[index];
        let (Some(step), Some(network)) = (&one.step, &mut self.network) else { return Ok(()) };
        let account = one.holding.look(view, instrument, self.sizing.quantity, step.volatility);
        for (to, value) in network.account.iter_mut().zip(account) {
            *to = value;
        }
        let rows = one.row..one.row + 1;
        network.model.heads(&network.account, rows, &mut network.work, &mut network.outputs)?;
        let market = step.features.iter().chain(&step.book).chain(&step.trades).copied();
        proposal.features.extend(market);
        proposal.features.extend(step.stamps.iter().chain(&account).map(|value| Some(*value)));
        let said = action::Said { row: network.outputs.row(0), names: &self.names, cash: self.cash };
        let number = one.holding.decisions();
        let legal = action::legal(view, instrument, self.cash);
        said.conclude(self.choice, number, self.sizing, legal, view, proposal);
        Ok(())
    }
}
