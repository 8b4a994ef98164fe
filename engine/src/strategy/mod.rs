//! Who decides: one trait for built-in rules, for one's own, and for the model.
//!
//! A strategy sees every market event and closed bar in order, says when its signal changed, and at the scenario's
//! trigger proposes actions. Risk stands behind it; it never talks to a venue.

pub mod bar_by_bar;
pub mod buy_and_hold;
pub mod ema_cross;
pub mod ema_hedge;
pub mod external;
pub mod flat;
pub mod model;
pub mod models;
pub mod ofi_sign;
pub mod random;

use std::collections::BTreeMap;
use std::fmt;

use genovo_kernels::backend::{AnyBackend, BackendError};
use genovo_kernels::checkpoint::Precision;
use genovo_kernels::model::Spec;

use crate::book::Book;
use crate::event::{Action, Event, Evidence, Forecast, Quote, Side};
use crate::ids::{Hash, InstrumentId, StrategyId};
use crate::order::Orders;
use crate::settings::{Settings, Trigger};
use crate::state::State;
use crate::tickets::Ticket;
use crate::units::{Money, Price, Quantity, Ratio, Timestamp};
pub use models::Models;

/// What a strategy may look at. All of it is known at `now`.
pub trait View {
    /// The arrival time of the event being handled.
    fn now(&self) -> Timestamp;
    /// The instrument of the event being handled; [`InstrumentId::NONE`] at a timer.
    fn instrument(&self) -> InstrumentId;
    /// The last quote that was used, if there was one.
    fn quote(&self, instrument: InstrumentId) -> Option<Quote>;
    /// The price at which an order of this side would trade: the quote's, else the last price.
    fn price(&self, instrument: InstrumentId, side: Side) -> Option<Price>;
    /// The order book after the last whole update, where the data has one.
    fn book(&self, instrument: InstrumentId) -> Option<&Book>;
    /// The position, signed.
    fn position(&self, instrument: InstrumentId) -> Quantity;
    /// The positions that it is made of in a hedging account, each named by the order that opened it, the earliest
    /// first; none in a netting one.
    fn tickets(&self, _: InstrumentId) -> &[Ticket] {
        &[]
    }
    /// The position once every working order is filled that may open one: reduce-only orders do not count.
    fn position_with_working_orders(&self, instrument: InstrumentId) -> Quantity;
    /// Equity at the last marks.
    fn equity(&self) -> Money;
    /// How many instruments there are; their ids are 1 to this.
    fn instruments(&self) -> u32;
    /// Every order with where it stands; [`Orders::working`] lists those that are not done. Where several strategies
    /// share the account, those of all: one's own are of [`View::strategy`].
    fn orders(&self) -> &Orders;
    /// Which of several strategies that share the account is asked; none where it is the only one. Positions and equity
    /// are its own.
    fn strategy(&self) -> StrategyId {
        StrategyId::NONE
    }
    /// Whether the instrument's market is open, as far as its calendar has said.
    fn is_open(&self, instrument: InstrumentId) -> bool;
    /// The catalogue's columns of the instrument at the decision under way, in the order of `RunStarted::features`
    /// behind the strategy's own, scaled; empty where the scenario selects none. Where columns are selected anew while
    /// the run goes on, they are those selected, each in its slot ([`crate::features::slots`]).
    fn features(&self) -> &[Option<f32>] {
        self.features_of(self.instrument())
    }
    /// The same of any instrument that is due; empty of others.
    fn features_of(&self, _: InstrumentId) -> &[Option<f32>] {
        &[]
    }
}

/// What a strategy answers when it is asked. Reused from decision to decision, so that asking costs no allocation.
#[derive(Debug, Default)]
pub struct Proposal {
    /// What it wants. Nothing means: hold.
    pub actions: Vec<Action>,
    /// The reason in one line for a reader.
    pub because: String,
    /// The numbers behind the reason; none may be NaN or infinite.
    pub evidence: Vec<Evidence>,
    /// What it forecasts of the instrument that it was asked about, where it is [`Strategy::forecasts`]; all finite.
    pub forecast: Option<Forecast>,
    /// The feature vector it saw: one value for each name of [`Strategy::features`], `None` where unknown.
    pub features: Vec<Option<f32>>,
}

impl Proposal {
    /// Adds a number behind the reason.
    pub fn because_of(&mut self, name: &str, value: f64) {
        self.evidence.push(Evidence { name: name.to_string(), value });
    }

    pub(crate) fn clear(&mut self) {
        self.actions.clear();
        self.because.clear();
        self.evidence.clear();
        self.features.clear();
        self.forecast = None;
    }
}

/// Something that decides. Built-in rules, one's own, and the model look the same to the engine.
///
/// Everything must follow from the events alone: no clock, no file, no ambient randomness, no `HashMap` order.
pub trait Strategy: Send {
    /// The names of the feature vector's columns, fixed for the run; empty when it needs none.
    fn features(&self) -> Vec<String> {
        Vec::new()
    }

    /// The content id of the model that decides, which is part of the run's identity; `None` for a rule.
    fn model(&self) -> Option<Hash> {
        None
    }

    /// Whether it says what it forecasts ([`Proposal::forecast`]): rules that size by it need one that does.
    fn forecasts(&self) -> bool {
        false
    }

    /// The shape of the network that decides, and how it is stored; `None` where none does.
    fn network(&self) -> Option<(&Spec, Precision)> {
        None
    }

    /// Where kernels run from now on. It changes no bit of what is decided, only how soon.
    ///
    /// # Errors
    /// When the backend has no room for the network, or fails; then they run where they ran before.
    fn compute_on(&mut self, _: &AnyBackend) -> Result<(), BackendError> {
        Ok(())
    }

    /// Why the card on which kernels were to run does so no more: the CPU went on, with the same bits.
    fn lost_card(&self) -> Option<&BackendError> {
        None
    }

    /// Sees a market event, a closed bar, a timer or an answer of the venue, in order. Returns whether its signal
    /// changed, which is what the trigger `on_signal` waits for.
    fn update(&mut self, event: &Event, view: &dyn View) -> bool;

    /// Learns which instruments are due, all at this moment, before it is asked about each of them: what can be done
    /// for all at once is done here.
    fn prepare(&mut self, _: &[InstrumentId], _: &dyn View) {}

    /// Proposes, at the trigger.
    fn decide(&mut self, view: &dyn View, proposal: &mut Proposal);

    /// What events have made of it, for checkpoints. `None`, where it cannot be saved: then a session that goes on runs
    /// all its inputs again.
    fn state(&self) -> Option<&dyn State> {
        None
    }

    /// The same, to be loaded; there is one whenever [`Strategy::state`] has one.
    fn state_mut(&mut self) -> Option<&mut dyn State> {
        None
    }
}

/// Makes a strategy of its parameters.
pub type Make = fn(&Parameters, &Settings) -> Result<Box<dyn Strategy>, ParameterError>;

/// A kind of strategy that a scenario can name.
pub struct StrategyKind {
    /// The name in `[strategy] kind`.
    pub name: &'static str,
    /// One line for `genovo check --strategies`.
    pub about: &'static str,
    /// Its parameters.
    pub parameters: &'static [ParameterSpec],
    /// What the data must have.
    pub needs: Needs,
    /// When it decides unless the scenario says otherwise.
    pub trigger: Trigger,
    /// Makes one. Every parameter of `parameters` is present.
    pub make: Make,
}

/// A parameter that a scenario may set in `[strategy]`.
#[derive(Clone, Copy, Debug)]
pub struct ParameterSpec {
    /// Its key.
    pub name: &'static str,
    /// Its value when the scenario is silent; `None` when the scenario must say it. An empty one is none: a scenario
    /// that is silent has no such parameter, nor have its settings.
    pub default: Option<&'static str>,
    /// One line of help.
    pub about: &'static str,
}

/// What a strategy needs of the data; a scenario without it is refused by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Displayed sizes.
    pub sizes: bool,
    /// Quotes rather than bars or trades alone.
    pub quotes: bool,
}

/// The parameters of a strategy, by name, and the models that they may name.
#[derive(Clone, Debug, Default)]
pub struct Parameters {
    values: BTreeMap<String, String>,
    models: Models,
}

/// A parameter that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("strategy parameter `{name}`: {message}")]
pub struct ParameterError {
    /// Which parameter.
    pub name: String,
    /// What is wrong, what would be right.
    pub message: String,
}

impl ParameterError {
    /// An error about the parameter `name`.
    pub fn new(name: &str, message: impl fmt::Display) -> ParameterError {
        ParameterError { name: name.to_string(), message: message.to_string() }
    }
}

impl Parameters {
    /// These values, with the models at hand.
    pub fn new(values: BTreeMap<String, String>, models: &Models) -> Parameters {
        Parameters { values, models: models.clone() }
    }

    /// The models at hand.
    pub fn models(&self) -> &Models {
        &self.models
    }

    /// The text of a parameter that may be left out.
    pub fn optional(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// The text as written.
    pub fn text(&self, name: &str) -> Result<&str, ParameterError> {
        self.optional(name).ok_or_else(|| ParameterError::new(name, "is missing"))
    }

    /// A whole number from `least` on.
    pub fn integer(&self, name: &str, least: u32) -> Result<u32, ParameterError> {
        let text = self.text(name)?;
        match text.replace(['_', ','], "").parse() {
            Ok(value) if value >= least => Ok(value),
            _ => Err(ParameterError::new(
                name,
                format_args!("`{text}` is no whole number of at least {least}"),
            )),
        }
    }

    /// A share such as `95 %`, above zero and at most 100 %.
    pub fn share(&self, name: &str) -> Result<Ratio, ParameterError> {
        let text = self.text(name)?;
        let number =
            text.strip_suffix('%').map(str::trim_end).and_then(|number| Ratio::parse(number.as_bytes()).ok());
        match number.map(|percent| Ratio(percent.0 / 100)) {
            Some(share) if share > Ratio(0) && share <= Ratio::ONE => Ok(share),
            _ => Err(ParameterError::new(name, format_args!("`{text}` is no share such as \"95 %\""))),
        }
    }

    /// A quantity above zero.
    pub fn quantity(&self, name: &str) -> Result<Quantity, ParameterError> {
        let text = self.text(name)?;
        match Quantity::parse(text.replace(['_', ','], "").as_bytes()) {
            Ok(quantity) if quantity > Quantity::ZERO => Ok(quantity),
            Ok(_) => Err(ParameterError::new(name, format_args!("`{text}` is not above zero"))),
            Err(error) => Err(ParameterError::new(name, format_args!("`{text}`: {error}"))),
        }
    }
}

/// The kinds of strategies that scenarios can name, the built-in ones and one's own, and the models at hand.
pub struct Registry {
    kinds: Vec<StrategyKind>,
    models: Models,
}

impl Default for Registry {
    /// The built-in strategies.
    fn default() -> Registry {
        Registry {
            models: Models::default(),
            kinds: vec![
                flat::KIND,
                buy_and_hold::KIND,
                ema_cross::KIND,
                ema_hedge::KIND,
                ofi_sign::KIND,
                random::KIND,
                model::KIND,
                external::KIND,
            ],
        }
    }
}

impl Registry {
    /// Adds a kind; one of the same name is replaced.
    pub fn add(&mut self, kind: StrategyKind) {
        self.kinds.retain(|known| known.name != kind.name);
        self.kinds.push(kind);
    }

    /// The kind of this name.
    pub fn get(&self, name: &str) -> Option<&StrategyKind> {
        self.kinds.iter().find(|kind| kind.name == name)
    }

    /// The models at hand.
    pub fn models(&self) -> &Models {
        &self.models
    }

    /// Every kind, built-in ones first.
    pub fn kinds(&self) -> &[StrategyKind] {
        &self.kinds
    }
}
