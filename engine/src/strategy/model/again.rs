//! Decisions of a model taken again from a journal, outside of a run: what the network saw of a step is in the vector
//! that was journaled with the decision, and what it chose follows from that.

use std::ops::Range;
use std::sync::Arc;

use genovo_kernels::checkpoint::Checkpoint;
use genovo_kernels::heads::ACTIONS;
use genovo_kernels::model::{LEVEL_INPUTS, Row, STAMPS, Spec};

use super::super::{Models, ParameterError, Parameters};
use super::account::ACCOUNT;
use super::action::{Choice, Sizing, log_probabilities};
use super::columns::Columns;
use super::market;
use super::weights::Weights;
use crate::event::Features;
use crate::features::slots::Slots;
use crate::ids::InstrumentId;
use crate::settings::{AccountKind, Settings};
use crate::units::Quantity;

/// What a run's model sees and how it chooses, by the run's settings.
pub struct Again {
    weights: Weights,
    columns: Columns,
    /// Where its own columns begin in the run's vectors.
    first: usize,
    /// Columns of `[features]`.
    selected: usize,
    slots: Option<usize>,
    choice: Choice,
    sizing: Sizing,
    cash: bool,
}

/// Kinds of a network's inputs, in the order in which they lie behind each other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum InputKind {
    /// The model's own features, or columns of `[features]`.
    Features,
    /// The book.
    Book,
    /// Trades since the last step.
    Trades,
    /// Time of day, time of week, time since the last step.
    Times,
    /// The account, which the heads alone see.
    Account,
}

/// What a row of outputs comes to.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Chosen {
    /// 0 hold, 1 buy, 2 sell.
    pub action: usize,
    /// ln of each action's probability among the legal ones.
    pub log_probabilities: [f32; ACTIONS],
    /// The share of the largest position.
    pub share: f32,
    /// The position wanted, signed; `None` where it stays as it is.
    pub target: Option<Quantity>,
}

impl Again {
    /// By the settings of a run in which decisions of this name are a model's; `names` are the columns of its vectors.
    ///
    /// # Errors
    /// When there is no such strategy, a parameter is none that a model has, or its checkpoint is not at hand.
    pub fn new(
        settings: &Settings,
        strategy: &str,
        names: &[String],
        models: &Models,
    ) -> Result<Again, ParameterError> {
        let Some(own) = settings.strategy_named(strategy) else {
            return Err(ParameterError::new("strategy", format_args!("no strategy is called `{strategy}`")));
        };
        let parameters = Parameters::new(own.parameters.clone(), models);
        let weights = Weights::of(&parameters)?;
        let columns = Columns::of(&parameters, settings, &weights)?;
        // Several strategies have their columns side by side, each with its name before them.
        let prefix = settings.prefix_of(strategy);
        let own = |name: &&String| !prefix.is_empty() && name.starts_with(&prefix);
        let first = names.iter().position(|name| own(&name)).unwrap_or(0);
        let features = settings.features.as_ref();
        let names = features.map(super::columns::names).transpose()?;
        Ok(Again {
            selected: names.map_or(0, |names| names.len()),
            slots: features.and_then(|one| one.selection.as_ref()).map(|one| one.slots as usize),
            choice: Choice::by(&parameters, settings.seed)?,
            sizing: Sizing::by(&parameters)?,
            cash: settings.account.kind == AccountKind::Cash,
            weights,
            columns,
            first,
        })
    }

    /// The model's weights.
    pub fn checkpoint(&self) -> Arc<Checkpoint> {
        self.weights.checkpoint()
    }

    /// The model's shape.
    pub fn spec(&self) -> &Spec {
        self.weights.spec()
    }

    /// Whether the network's features are the columns of `[features]`.
    pub fn sees_columns(&self) -> bool {
        self.columns == Columns::Selected
    }

    /// How many columns `[features]` has.
    pub fn columns(&self) -> usize {
        self.selected
    }

    /// Slots that have not been given a selection yet, where the settings have any.
    pub fn slots(&self) -> Option<Slots> {
        self.slots.filter(|_| self.sees_columns()).map(Slots::new)
    }

    /// Where each kind of input lies among all inputs of a step.
    pub fn kinds(&self) -> [(InputKind, Range<usize>); 5] {
        let spec = self.spec();
        let mut end = 0;
        let widths = [
            (InputKind::Features, spec.features),
            (InputKind::Book, spec.levels * LEVEL_INPUTS),
            (InputKind::Trades, spec.trades),
            (InputKind::Times, STAMPS),
            (InputKind::Account, spec.account),
        ];
        widths.map(|(kind, width)| {
            let start = end;
            end += width;
            (kind, start..end)
        })
    }

    /// Of each input the place in a journaled vector of `width` columns; `None` where there is nothing for it, and it
    /// is +0.
    pub fn sources(&self, width: usize, slots: Option<&Slots>) -> Vec<Option<usize>> {
        // Strategies' own columns come first, those of [features] last.
        let own = if self.sees_columns() { 0 } else { market::FEATURES.len() };
        let first = width.saturating_sub(self.selected);
        let ends = [market::BOOK.len(), market::TRADES.len(), market::STAMPS.len(), ACCOUNT.len()];
        let mut next = own;
        let mut sources = Vec::new();
        for ((kind, range), end) in self.kinds().into_iter().zip([0].into_iter().chain(ends)) {
            let from = next;
            next += end;
            sources.extend((0..range.len()).map(|at| match (kind, slots) {
                (InputKind::Features, Some(slots)) => {
                    slots.shown().get(at).copied().flatten().map(|place| first + place)
                }
                (InputKind::Features, None) if self.sees_columns() => {
                    (at < self.selected).then_some(first + at)
                }
                (InputKind::Features, None) => (at < own).then_some(self.first + at),
                _ => (at < end).then_some(self.first + from + at),
            }));
        }
        sources
    }

    /// Whether the network took a step where this vector was journaled: without a price there is none.
    pub fn is_step(&self, vector: &Features) -> bool {
        let own = if self.sees_columns() { 0 } else { market::FEATURES.len() };
        vector.get(self.first + own + market::BOOK.len() + market::TRADES.len()).is_some()
    }

    /// What is chosen at an instrument's decision `number`, counted from 1, of which these actions are legal.
    pub fn choose(
        &self,
        row: Row<'_>,
        legal: [bool; ACTIONS],
        number: u64,
        instrument: InstrumentId,
    ) -> Chosen {
        let logs = log_probabilities(row.logits(), legal);
        let action = self.choice.of(logs, number, instrument);
        let (quantity, share) = self.sizing.quantity(row.scale(), row.volatility()[0], row.disagreement()[0]);
        let target = match action {
            super::action::BUY => Some(quantity),
            super::action::SELL if self.cash => Some(Quantity::ZERO),
            super::action::SELL => Some(-quantity),
            _ => None,
        };
        Chosen { action, log_probabilities: logs, share, target }
    }
}
