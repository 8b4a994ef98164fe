//! `model`: a neural model decides. Its network is in `genovo_kernels::model`; here is what it sees and what it does.
//!
//! Where decisions are due, every instrument takes one step of its stream, and all that are due at one moment share one
//! pass over the weights (`network.rs`). The trunk sees the market (`market.rs`, `columns.rs`), the heads the account
//! too (`account.rs`); `action.rs` makes a choice and a size of what they say. A decision's evidence holds everything
//! that made it, its features the whole input, and `RunStarted` the model's id, so that a journal explains and
//! recomputes it: within a run as it was, or one decision alone (`again.rs`). Which weights decide is in `weights.rs`.

mod account;
mod action;
mod again;
mod columns;
mod market;
mod network;
#[cfg(test)]
mod tests;
mod units;
mod weights;

use genovo_kernels::backend::{AnyBackend, BackendError, Cpu};
use genovo_kernels::checkpoint::Precision;
use genovo_kernels::cpu::CpuLevel;
use genovo_kernels::model::{ModelError, Spec};

use super::{Needs, ParameterError, ParameterSpec, Parameters, Proposal, Strategy, StrategyKind, View};
use crate::canonical::{Canonical, Input};
use crate::event::Event;
use crate::ids::{Hash, InstrumentId};
use crate::settings::{AccountKind, Settings, Trigger};
use crate::state::{State, StateError, expect_tag, tag};
use crate::units::{Nanoseconds, Timestamp};
use account::Holding;
use action::{Choice, Names, Sizing};
pub use again::{Again, Chosen, InputKind};
use columns::Columns;
pub use columns::feature_set;
pub use market::FEATURES as OWN_FEATURES;
use market::Seen;
use network::Network;
pub use units::{Meaning, meaning};
use weights::Weights;

/// As the registry knows it.
pub const KIND: StrategyKind = StrategyKind {
    name: "model",
    about: "a neural model decides: a checkpoint, or one initialised from a seed, so untrained",
    parameters: &[
        ParameterSpec {
            name: "checkpoint",
            default: Some(""),
            about: "a model's file (.safetensors), beside the scenario; its size and precision are the model's",
        },
        ParameterSpec { name: "size", default: Some("tiny"), about: "tiny, base or full" },
        ParameterSpec { name: "model_seed", default: Some("1"), about: "the seed of its weights" },
        ParameterSpec {
            name: "precision",
            default: Some("f32"),
            about: "f32, bf16 or int8: how its large matrices are stored; each is another model",
        },
        ParameterSpec {
            name: "features",
            default: Some(""),
            about: "`own`, the model's own, or `selected`, exactly the columns of [features]; own unless said",
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

/// One instrument's market and account as the model sees them.
struct Instrument {
    seen: Seen,
    holding: Holding,
    /// What its last step saw; `None` while there is no price.
    step: Option<market::Step>,
    /// When that was; `None` once it was decided about.
    stepped: Option<Timestamp>,
    /// Its row in the last pass.
    row: usize,
}

// Its last step lasts no longer than the decisions of the input that it was taken for.
crate::state! { Instrument { seen, holding } }

struct ModelStrategy {
    weights: Weights,
    columns: Columns,
    backend: AnyBackend,
    /// Why a card computes no more.
    lost: Option<BackendError>,
    /// Made at the first step: checking a scenario needs none.
    network: Option<Network>,
    instruments: Vec<Instrument>,
    /// Why the last pass failed.
    failed: Option<ModelError>,
    cash: bool,
    sizing: Sizing,
    choice: Choice,
    names: Names,
}

fn make(parameters: &Parameters, settings: &Settings) -> Result<Box<dyn Strategy>, ParameterError> {
    Ok(Box::new(ModelStrategy::new(parameters, settings)?))
}

impl ModelStrategy {
    fn new(parameters: &Parameters, settings: &Settings) -> Result<ModelStrategy, ParameterError> {
        let weights = Weights::of(parameters)?;
        let columns = Columns::of(parameters, settings, &weights)?;
        let choice = Choice::by(parameters, settings.seed)?;
        let sizing = Sizing::by(parameters)?;
        let instruments = settings.instruments.iter().map(|instrument| Instrument {
            seen: Seen::new(instrument),
            holding: Holding::default(),
            step: None,
            stepped: None,
            row: 0,
        });
        Ok(ModelStrategy {
            names: Names::new(weights.spec()),
            instruments: instruments.collect(),
            failed: None,
            cash: settings.account.kind == AccountKind::Cash,
            network: None,
            weights,
            columns,
            backend: best_cpu().into(),
            lost: None,
            sizing,
            choice,
        })
    }

    /// The features' names that this strategy fills itself.
    fn own_columns(&self) -> impl Iterator<Item = &'static str> {
        let features: &[&str] = if self.columns == Columns::Own { &market::FEATURES } else { &[] };
        let market = features.iter().chain(&market::BOOK).chain(&market::TRADES);
        market.chain(&market::STAMPS).chain(&account::ACCOUNT).copied()
    }

    fn make_network(&mut self) -> Result<(), ModelError> {
        if self.network.is_none() {
            self.network = Some(self.network_on(&self.backend)?);
        }
        Ok(())
    }

    /// A network that remembers nothing.
    fn network_on(&self, backend: &AnyBackend) -> Result<Network, ModelError> {
        let checkpoint = self.weights.checkpoint();
        let made = Network::new(backend, &checkpoint, self.instruments.len());
        drop(checkpoint);
        self.weights.release();
        made
    }

    /// The network of a card that failed, on the CPU: what it remembers and its last pass have the same bits.
    fn recovered(&self) -> Result<Network, ModelError> {
        let mut made = self.network_on(&best_cpu().into())?;
        if let Some(network) = &self.network {
            network.bring(&mut made)?;
        }
        Ok(made)
    }

    /// Goes on without the card that failed.
    fn leave_the_card(&mut self, error: ModelError) -> Result<(), ModelError> {
        let ModelError::Backend(error) = error else { return Err(error) };
        // A CPU that fails has nowhere to go.
        if !self.backend.is_card() {
            return Err(error.into());
        }
        self.network = Some(self.recovered()?);
        self.backend = best_cpu().into();
        self.lost = Some(error);
        Ok(())
    }

    /// Steps the streams of these instruments that have a price, in one pass.
    fn step(&mut self, due: &[InstrumentId], view: &dyn View) -> Result<(), ModelError> {
        self.make_network()?;
        let Some(network) = &mut self.network else { return Ok(()) };
        network.clear();
        let now = view.now();
        for id in due {
            let Some(stream) = id.index().filter(|index| *index < self.instruments.len()) else { continue };
            let instrument = &mut self.instruments[stream];
            instrument.step = instrument.seen.step(now);
            instrument.stepped = Some(now);
            if let Some(step) = &instrument.step {
                let features = match self.columns {
                    Columns::Own => &step.features[..],
                    Columns::Selected => view.features_of(*id),
                };
                instrument.row = network.add(stream, features, step);
            }
        }
        network.pass().or_else(|error| self.leave_the_card(error))
    }
}

/// The best level of this machine, on one thread.
fn best_cpu() -> Cpu {
    Cpu::new(CpuLevel::detect(), 1).expect("a machine has its own level")
}

impl Strategy for ModelStrategy {
    fn features(&self) -> Vec<String> {
        self.own_columns().map(String::from).collect()
    }

    fn model(&self) -> Option<Hash> {
        Some(self.weights.id())
    }

    fn network(&self) -> Option<(&Spec, Precision)> {
        Some((self.weights.spec(), self.weights.precision()))
    }

    fn compute_on(&mut self, backend: &AnyBackend) -> Result<(), BackendError> {
        // A CPU makes its network when it is asked for; whether a card has room shows here.
        if self.network.is_none() && !backend.is_card() {
            self.backend = backend.clone();
            return Ok(());
        }
        let failed = |error| match error {
            ModelError::Backend(error) => error,
            other => BackendError { backend: "model", message: other.to_string() },
        };
        let mut made = self.network_on(backend).map_err(failed)?;
        if let Some(network) = &self.network {
            // What was remembered is the same everywhere.
            let memory = network.save().map_err(failed)?;
            made.load(memory).map_err(failed)?;
        }
        (self.network, self.backend) = (Some(made), backend.clone());
        Ok(())
    }

    fn lost_card(&self) -> Option<&BackendError> {
        self.lost.as_ref()
    }

    fn update(&mut self, event: &Event, view: &dyn View) -> bool {
        let index = event.header.instrument.index();
        if let Some(instrument) = index.and_then(|index| self.instruments.get_mut(index)) {
            instrument.seen.update(&event.fact, view.now());
        }
        false
    }

    fn forecasts(&self) -> bool {
        true
    }

    fn prepare(&mut self, due: &[InstrumentId], view: &dyn View) {
        self.failed = self.step(due, view).err();
    }

    fn decide(&mut self, view: &dyn View, proposal: &mut Proposal) {
        let instrument = view.instrument();
        let Some(index) = instrument.index().filter(|index| *index < self.instruments.len()) else { return };
        if let Err(error) = self.decide_one(index, instrument, view, proposal) {
            fault(proposal, &error);
        }
        // Whatever was not seen is unknown, column by column.
        let columns = self.own_columns().count();
        proposal.features.resize(columns, None);
    }

    fn state(&self) -> Option<&dyn State> {
        Some(self)
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
            let saved = network.save().or_else(|_| self.recovered().and_then(|made| made.save()));
            let (steps, rings) = saved.expect("a CPU computes, and reads its own memory");
            steps.write(out);
            rings.write(out);
        }
    }

    fn load(&mut self, input: &mut Input<'_>) -> Result<(), StateError> {
        expect_tag(TAG, "ModelStrategy", input)?;
        self.instruments[..].load(input)?;
        if bool::read(input)? {
            let (steps, rings): (Vec<u64>, Vec<f32>) = Canonical::read(input)?;
            self.make_network().map_err(|_| StateError::Impossible("the model"))?;
            let loaded = self.network.as_mut().map(|network| network.load((steps, rings)));
            loaded.unwrap_or(Ok(())).map_err(|_| StateError::Impossible("the model's memory"))?;
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
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        // A second decision on one step would be of a step that the stream did not take.
        if self.instruments[index].stepped.take() != Some(view.now()) {
            self.step(&[instrument], view)?;
            self.instruments[index].stepped = None;
        }
        if self.instruments[index].step.is_none() {
            proposal.because = "the market has no price yet".to_string();
            return Ok(());
        }
        self.conclude(index, instrument, view, proposal)
    }

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
        let row = one.row;
        if let Err(error) = network.heads(row, &account) {
            self.leave_the_card(error)?;
            self.network.as_mut().map_or(Ok(()), |network| network.heads(row, &account))?;
        }
        let one = &mut self.instruments[index];
        let (Some(step), Some(network)) = (&one.step, &self.network) else { return Ok(()) };
        let row = network.said();
        if self.columns == Columns::Own {
            proposal.features.extend(step.features);
        }
        proposal.features.extend(step.book.iter().chain(&step.trades));
        proposal.features.extend(step.stamps.iter().chain(&account).map(|value| Some(*value)));
        let said = action::Said { row, names: &self.names, cash: self.cash };
        let number = one.holding.decisions();
        let legal = action::legal(view, instrument, self.cash);
        said.conclude(self.choice, number, self.sizing, legal, view, proposal);
        Ok(())
    }
}

/// A number that is none, which halts the run; the reason names it.
fn fault(proposal: &mut Proposal, error: &ModelError) {
    proposal.actions.clear();
    proposal.because = format!("the model failed: {error}");
    proposal.because_of("model", f64::NAN);
}
