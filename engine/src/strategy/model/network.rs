//! The network with its memory: one stream an instrument, one pass over the weights for all that are due.
//!
//! A card can be lost in the middle of a session, with everything that it remembers. So of a network on a card the
//! streams are copied now and then, and the passes since are kept: another network takes the copy, does those passes
//! again, and is where the lost one was, to the bit.

use genovo_kernels::backend::{AnyBackend, Backend};
use genovo_kernels::checkpoint::Checkpoint;
use genovo_kernels::model::{
    Inputs, LEVEL_INPUTS, Model, ModelError, Outputs, Row, STAMPS, Spec, Streams, Workspace,
};

use super::account::ACCOUNT;
use super::market::Step;

/// Passes between two copies of the streams: at most so many are done again.
const COPY_EVERY: usize = 32;

/// What streams remember: the steps that each has taken, and their rings.
pub(super) type Memory = (Vec<u64>, Vec<f32>);

/// The inputs of a pass.
#[derive(Clone, Default)]
struct Pass {
    features: Vec<f32>,
    book: Vec<f32>,
    trades: Vec<f32>,
    stamps: Vec<f32>,
    due: Vec<usize>,
}

impl Pass {
    fn parts(&mut self) -> [&mut Vec<f32>; 4] {
        [&mut self.features, &mut self.book, &mut self.trades, &mut self.stamps]
    }

    fn clear(&mut self) {
        self.parts().into_iter().for_each(Vec::clear);
        self.due.clear();
    }

    fn copy(&mut self, other: &Pass) {
        for (to, from) in
            self.parts().into_iter().zip([&other.features, &other.book, &other.trades, &other.stamps])
        {
            to.clone_from(from);
        }
        self.due.clone_from(&other.due);
    }
}

/// A model and its streams, wherever they are.
trait Computing: Send {
    fn step(&mut self, pass: &Pass) -> Result<(), ModelError>;
    fn heads(&mut self, account: &[f32], row: usize, outputs: &mut Outputs) -> Result<(), ModelError>;
    fn save(&self) -> Result<Memory, ModelError>;
    fn load(&mut self, memory: &Memory) -> Result<(), ModelError>;
}

/// On one backend.
struct On<B: Backend> {
    model: Model<B>,
    streams: Streams<B>,
    work: Workspace<B>,
}

impl<B: Backend> On<B> {
    fn new(backend: B, checkpoint: &Checkpoint, streams: usize) -> Result<On<B>, ModelError> {
        let model = Model::new(backend, checkpoint)?;
        Ok(On { streams: model.streams(streams)?, work: model.workspace(streams)?, model })
    }
}

impl<B: Backend + Send> Computing for On<B> {
    fn step(&mut self, pass: &Pass) -> Result<(), ModelError> {
        let Pass { features, book, trades, stamps, due } = pass;
        let inputs = Inputs { features, book, trades, stamps };
        self.model.step(&mut self.streams, due, inputs, &mut self.work)
    }

    fn heads(&mut self, account: &[f32], row: usize, outputs: &mut Outputs) -> Result<(), ModelError> {
        self.model.heads(account, row..row + 1, &mut self.work, outputs)
    }

    fn save(&self) -> Result<Memory, ModelError> {
        self.model.save_streams(&self.streams)
    }

    fn load(&mut self, (steps, rings): &Memory) -> Result<(), ModelError> {
        self.model.load_streams(&mut self.streams, steps, rings)
    }
}

/// From what a lost network is made anew.
struct Kept {
    /// What the streams remembered before the first of the passes.
    before: Memory,
    passes: Vec<Pass>,
    /// How many of them count; the others are room.
    done: usize,
}

impl Kept {
    fn push(&mut self, pass: &Pass) {
        if self.done == self.passes.len() {
            self.passes.push(Pass::default());
        }
        self.passes[self.done].copy(pass);
        self.done += 1;
    }
}

/// The network with its memory.
pub(super) struct Network {
    computing: Box<dyn Computing>,
    spec: Spec,
    outputs: Outputs,
    account: Vec<f32>,
    next: Pass,
    /// Of a card; nobody takes the CPU away.
    kept: Option<Kept>,
    /// Passes over the weights so far.
    #[cfg(test)]
    pub(super) passes: u64,
}

impl Network {
    /// For so many streams.
    pub(super) fn new(
        backend: &AnyBackend,
        checkpoint: &Checkpoint,
        streams: usize,
    ) -> Result<Network, ModelError> {
        let computing: Box<dyn Computing> = match backend {
            AnyBackend::Cpu(cpu) => Box::new(On::new(cpu.clone(), checkpoint, streams)?),
            AnyBackend::Cuda(cuda) => Box::new(On::new(cuda.clone(), checkpoint, streams)?),
        };
        let spec = checkpoint.spec().clone();
        let mut network = Network {
            computing,
            outputs: Outputs::new(&spec, 1),
            account: vec![0.0; spec.account],
            next: Pass {
                features: Vec::with_capacity(streams * spec.features),
                book: Vec::with_capacity(streams * spec.levels * LEVEL_INPUTS),
                trades: Vec::with_capacity(streams * spec.trades),
                stamps: Vec::with_capacity(streams * STAMPS),
                due: Vec::with_capacity(streams),
            },
            spec,
            kept: None,
            #[cfg(test)]
            passes: 0,
        };
        if backend.is_card() {
            network.keep()?;
        }
        Ok(network)
    }

    /// Keeps from now on what another network needs to be where this one is.
    pub(super) fn keep(&mut self) -> Result<(), ModelError> {
        let before = self.computing.save()?;
        self.kept = Some(Kept { before, passes: Vec::new(), done: 0 });
        Ok(())
    }

    /// What it remembers.
    pub(super) fn save(&self) -> Result<Memory, ModelError> {
        self.computing.save()
    }

    /// Remembers what was saved.
    pub(super) fn load(&mut self, memory: Memory) -> Result<(), ModelError> {
        self.computing.load(&memory)?;
        if let Some(kept) = &mut self.kept {
            (kept.before, kept.done) = (memory, 0);
        }
        Ok(())
    }

    /// Brings a network that was just made to where this one is, its last pass included, by what was kept alone.
    pub(super) fn bring(&self, made: &mut Network) -> Result<(), ModelError> {
        let Some(kept) = &self.kept else { return Ok(()) };
        made.load(kept.before.clone())?;
        kept.passes[..kept.done].iter().try_for_each(|pass| made.take(pass))
    }

    /// Nothing is due.
    pub(super) fn clear(&mut self) {
        self.next.clear();
    }

    /// Adds a stream's step to the next pass, with its features; returns its row.
    pub(super) fn add(&mut self, stream: usize, features: &[Option<f32>], step: &Step) -> usize {
        let (spec, next) = (&self.spec, &mut self.next);
        // What there is no value for, and what is not known, is +0.0.
        let fill = |to: &mut Vec<f32>, values: &[Option<f32>], width: usize| {
            let end = to.len() + width;
            to.extend(values.iter().take(width).map(|value| value.unwrap_or(0.0)));
            to.resize(end, 0.0);
        };
        fill(&mut next.features, features, spec.features);
        fill(&mut next.book, &step.book, spec.levels * LEVEL_INPUTS);
        fill(&mut next.trades, &step.trades, spec.trades);
        next.stamps.extend_from_slice(&step.stamps);
        next.due.push(stream);
        next.due.len() - 1
    }

    /// One pass of the trunk for all that were added.
    pub(super) fn pass(&mut self) -> Result<(), ModelError> {
        if self.next.due.is_empty() {
            return Ok(());
        }
        let next = std::mem::take(&mut self.next);
        let taken = self.take(&next);
        self.next = next;
        taken
    }

    fn take(&mut self, pass: &Pass) -> Result<(), ModelError> {
        #[cfg(test)]
        {
            self.passes += 1;
        }
        if let Some(kept) = &mut self.kept {
            // A copy that fails leaves what was kept: with this pass it is as much as was to be done.
            let copied = match kept.done >= COPY_EVERY {
                true => self.computing.save().map(Some),
                false => Ok(None),
            };
            let failed = match copied {
                Ok(Some(memory)) => {
                    (kept.before, kept.done) = (memory, 0);
                    None
                }
                Ok(None) => None,
                Err(error) => Some(error),
            };
            kept.push(pass);
            if let Some(error) = failed {
                return Err(error);
            }
        }
        self.computing.step(pass)
    }

    /// The heads over a row of the last pass, for an account.
    pub(super) fn heads(&mut self, row: usize, account: &[f32; ACCOUNT.len()]) -> Result<(), ModelError> {
        for (to, value) in self.account.iter_mut().zip(account) {
            *to = *value;
        }
        self.computing.heads(&self.account, row, &mut self.outputs)
    }

    /// What the heads said.
    pub(super) fn said(&self) -> Row<'_> {
        self.outputs.row(0)
    }
}
