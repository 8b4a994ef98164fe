//! Everything that an engine remembers as bytes, and an engine of those bytes that goes on as if it had been there all
//! the time.
//!
//! ```text
//! "GENOVO ENGINE\n" 1 0 · format u32 · logic version u32 · run id 16 bytes · the state · BLAKE3 of all before
//! ```
//!
//! The run id is that of a live run with the same settings, features and model: a checkpoint is read by nobody else.

use super::*;
use crate::canonical::{Canonical, Input};
use crate::state::{State as _, StateError};

const MAGIC: &[u8; 16] = b"GENOVO ENGINE\n\x01\0";
/// What is saved, and in which order. Raised with any change that the tags of [`crate::state`] do not show.
const FORMAT: u32 = 3;
const HEAD_BYTES: usize = 16 + 4 + 4 + 16;
const HASH_BYTES: usize = 32;

/// Why an engine cannot be saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSaved {
    /// One's own strategy that does not say what it remembers.
    #[error("the strategy does not say what it remembers")]
    Strategy,
    /// A branch of a recorded run.
    #[error("settings that take over later are not saved")]
    Takeover,
    /// Indicators are restored from the bars that they saw, and those were not kept.
    #[error("the features' bars were not kept from the beginning")]
    Features,
}

/// Why bytes do not bring an engine back.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RestoreError {
    /// They are not an engine's.
    #[error("it is no checkpoint of an engine")]
    NotACheckpoint,
    /// A build that remembers other things, or decides by other rules.
    #[error("it is of format {format} and logic version {logic}; this build's are {FORMAT} and {this}")]
    OtherBuild {
        /// What is saved.
        format: u32,
        /// By which rules.
        logic: u32,
        /// By which rules this build goes.
        this: u32,
    },
    /// Other settings, features or another model.
    #[error("it is of a run with other settings, features or another model")]
    OtherRun,
    /// They are not as they were written.
    #[error("its own hash does not fit")]
    Damaged,
    /// What they say is no state of this engine.
    #[error(transparent)]
    State(#[from] StateError),
    /// The engine cannot be made.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// This engine's state is not saved.
    #[error(transparent)]
    NotSaved(#[from] NotSaved),
}

crate::state! { Counts { inputs, derived, ticks, decisions, orders, fills } }

impl Engine {
    /// Keeps what checkpoints need beyond what a run does: the closed bars of which indicators follow. To be called
    /// before the first input of a run that selects features.
    pub fn keep_for_checkpoints(&mut self) {
        if let Some(catalogue) = &mut self.catalogue {
            catalogue.keep_bars();
        }
    }

    /// Whether [`Engine::checkpoint`] would save it now.
    pub fn can_be_saved(&self) -> Result<(), NotSaved> {
        self.saved_strategies().map(|_| ())
    }

    fn saved_strategies(&self) -> Result<Vec<&dyn crate::state::State>, NotSaved> {
        if self.settings.later.is_some() || self.takeover.is_some() {
            return Err(NotSaved::Takeover);
        }
        if self.catalogue.as_ref().is_some_and(|catalogue| !catalogue.is_kept()) {
            return Err(NotSaved::Features);
        }
        let states = self.seats.iter().map(|seat| seat.strategy.state().ok_or(NotSaved::Strategy));
        states.collect()
    }

    /// Everything that it remembers after the last input, for [`Engine::restore`].
    pub fn checkpoint(&self) -> Result<Vec<u8>, NotSaved> {
        let mut bytes = Vec::new();
        self.checkpoint_into(&mut bytes)?;
        Ok(bytes)
    }

    /// The same, behind what `out` has already.
    pub fn checkpoint_into(&self, out: &mut Vec<u8>) -> Result<(), NotSaved> {
        let strategies = self.saved_strategies()?;
        let start = out.len();
        out.extend_from_slice(MAGIC);
        FORMAT.write(out);
        logic_version(&self.settings).write(out);
        out.extend_from_slice(&self.run().0);
        self.save(&strategies, out);
        let hash = blake3::hash(&out[start..]);
        out.extend_from_slice(hash.as_bytes());
        Ok(())
    }

    /// An engine with these settings and a strategy out of `registry` that remembers what [`Engine::checkpoint`] saved:
    /// from there on it does what that one would have done, bit for bit.
    pub fn restore(settings: Settings, registry: &Registry, bytes: &[u8]) -> Result<Engine, RestoreError> {
        let mut engine = Engine::new(settings, registry)?;
        let (head, rest) = bytes.split_at_checked(HEAD_BYTES).ok_or(RestoreError::NotACheckpoint)?;
        let mut head = Input::new(head);
        let magic: [u8; 16] = head.array().map_err(StateError::from)?;
        if magic != *MAGIC {
            return Err(RestoreError::NotACheckpoint);
        }
        let (body, hash) =
            rest.len().checked_sub(HASH_BYTES).map(|at| rest.split_at(at)).ok_or(RestoreError::Damaged)?;
        if hash != blake3::hash(&bytes[..bytes.len() - HASH_BYTES]).as_bytes() {
            return Err(RestoreError::Damaged);
        }
        let format = u32::read(&mut head).map_err(StateError::from)?;
        let logic = u32::read(&mut head).map_err(StateError::from)?;
        let this = logic_version(&engine.settings);
        if (format, logic) != (FORMAT, this) {
            return Err(RestoreError::OtherBuild { format, logic, this });
        }
        if head.rest() != engine.run().0 {
            return Err(RestoreError::OtherRun);
        }
        let mut input = Input::new(body);
        engine.load(&mut input)?;
        match input.rest().len() {
            0 => Ok(engine),
            rest => Err(StateError::Rest(rest).into()),
        }
    }

    /// Whose checkpoints are its own.
    fn run(&self) -> RunId {
        *self.run.get_or_init(|| canonical::run_id(&self.identity(WorldKind::Live)))
    }

    fn save(&self, strategies: &[&dyn crate::state::State], out: &mut Vec<u8>) {
        self.header.write(out);
        self.counts.save(out);
        (self.caused_before + self.output.events.len()).write(out);
        self.derived_hash.save(out);
        // Rows of features last no longer than the decisions of one input.
        let State { now, instrument, markets, books: _, account, attribution, orders, closed, features: _ } =
            &self.state;
        now.write(out);
        instrument.write(out);
        markets[..].save(out);
        account.save(out);
        attribution.save(out);
        orders.save(out);
        closed[..].save(out);
        self.save_books(out);
        self.risk.save(out);
        self.quality[..].save(out);
        self.bars[..].save(out);
        self.bars_end.write(out);
        self.market_events.write(out);
        for seat in &self.seats {
            seat.wake.write(out);
            seat.waiting.write(out);
        }
        self.halted.write(out);
        self.gate.save(out);
        self.requests.save(out);
        self.rollover.iter().for_each(|rollover| rollover.save(out));
        self.margin.iter().for_each(|margin| margin.save(out));
        self.refused[..].save(out);
        self.catalogue.iter().for_each(|catalogue| catalogue.save(out));
        strategies.iter().for_each(|strategy| strategy.save(out));
    }

    fn load(&mut self, input: &mut Input<'_>) -> Result<(), RestoreError> {
        self.header.load(input)?;
        self.counts.load(input)?;
        self.caused_before.load(input)?;
        self.derived_hash.load(input)?;
        let State { now, instrument, markets, books: _, account, attribution, orders, closed, features: _ } =
            &mut self.state;
        now.load(input)?;
        instrument.load(input)?;
        markets[..].load(input)?;
        account.load(input)?;
        attribution.load(input)?;
        orders.load(input)?;
        closed[..].load(input)?;
        self.load_books(input)?;
        self.risk.load(input)?;
        self.quality[..].load(input)?;
        self.bars[..].load(input)?;
        self.bars_end.load(input)?;
        self.market_events.load(input)?;
        for seat in &mut self.seats {
            seat.wake.load(input)?;
            seat.waiting.load(input)?;
        }
        self.halted.load(input)?;
        self.gate.load(input)?;
        self.requests.load(input)?;
        self.rollover.iter_mut().try_for_each(|rollover| rollover.load(input))?;
        self.margin.iter_mut().try_for_each(|margin| margin.load(input))?;
        self.refused[..].load(input)?;
        self.catalogue.iter_mut().try_for_each(|catalogue| catalogue.load(input))?;
        for seat in &mut self.seats {
            seat.strategy.state_mut().ok_or(NotSaved::Strategy)?.load(input)?;
        }
        // Every order is one of an instrument that there is.
        let count = self.state.markets.len();
        let known = |record: &OrderRecord| record.instrument.index().is_some_and(|index| index < count);
        let possible = self.state.orders.records().iter().all(known)
            && self.caused_before as u64 <= Sequence::POSITION_MAX;
        if possible { Ok(()) } else { Err(StateError::Impossible("Engine").into()) }
    }
}
