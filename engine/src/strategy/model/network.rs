//! The network with its memory: one stream an instrument, one pass over the weights for all that are due.

use genovo_kernels::backend::Cpu;
use genovo_kernels::checkpoint::Checkpoint;
use genovo_kernels::model::{
    Inputs, LEVEL_INPUTS, Model, ModelError, Outputs, Row, STAMPS, Streams, Workspace,
};

use super::account::ACCOUNT;
use super::market::Step;

/// The network with its memory.
pub(super) struct Network {
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
    /// Passes over the weights so far.
    #[cfg(test)]
    pub(super) passes: u64,
}

impl Network {
    /// For so many streams.
    pub(super) fn new(cpu: &Cpu, checkpoint: &Checkpoint, streams: usize) -> Result<Network, ModelError> {
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
            #[cfg(test)]
            passes: 0,
        })
    }

    /// What it remembers, in a network that was just made; itself where there is none.
    pub(super) fn moved_into(self, made: Option<Network>) -> Network {
        match made {
            Some(made) => Network { streams: self.streams, ..made },
            None => self,
        }
    }

    /// What it remembers: the steps of its streams, and their rings.
    pub(super) fn save(&self) -> (Vec<u64>, Vec<f32>) {
        self.model.save_streams(&self.streams).expect("a CPU reads its own memory")
    }

    /// Remembers what was saved.
    pub(super) fn load(&mut self, steps: &[u64], rings: &[f32]) -> Result<(), ModelError> {
        self.model.load_streams(&mut self.streams, steps, rings)
    }

    /// Nothing is due.
    pub(super) fn clear(&mut self) {
        for values in [&mut self.features, &mut self.book, &mut self.trades, &mut self.stamps] {
            values.clear();
        }
        self.due.clear();
    }

    /// Adds a stream's step to the next pass, with its features; returns its row.
    pub(super) fn add(&mut self, stream: usize, features: &[Option<f32>], step: &Step) -> usize {
        let spec = self.model.spec();
        // What there is no value for, and what is not known, is +0.0.
        let fill = |to: &mut Vec<f32>, values: &[Option<f32>], width: usize| {
            let end = to.len() + width;
            to.extend(values.iter().take(width).map(|value| value.unwrap_or(0.0)));
            to.resize(end, 0.0);
        };
        fill(&mut self.features, features, spec.features);
        fill(&mut self.book, &step.book, spec.levels * LEVEL_INPUTS);
        fill(&mut self.trades, &step.trades, spec.trades);
        self.stamps.extend_from_slice(&step.stamps);
        self.due.push(stream);
        self.due.len() - 1
    }

    /// One pass of the trunk for all that were added.
    pub(super) fn pass(&mut self) -> Result<(), ModelError> {
        if self.due.is_empty() {
            return Ok(());
        }
        #[cfg(test)]
        {
            self.passes += 1;
        }
        let inputs =
            Inputs { features: &self.features, book: &self.book, trades: &self.trades, stamps: &self.stamps };
        self.model.step(&mut self.streams, &self.due, inputs, &mut self.work)
    }

    /// The heads over a row of the last pass, for an account.
    pub(super) fn heads(
        &mut self,
        row: usize,
        account: &[f32; ACCOUNT.len()],
    ) -> Result<Row<'_>, ModelError> {
        for (to, value) in self.account.iter_mut().zip(account) {
            *to = *value;
        }
        self.model.heads(&self.account, row..row + 1, &mut self.work, &mut self.outputs)?;
        Ok(self.outputs.row(0))
    }
}
