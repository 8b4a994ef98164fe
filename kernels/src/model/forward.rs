//! The forward pass: one step of some streams, or whole sequences.

use std::ops::Range;

use super::{LEVEL_INPUTS, LEVEL_WIDTH, Model, ModelError, Outputs, STAMPS, Spec};
use crate::backend::{Backend, BackendError};
use crate::heads::{ACTIONS, QUANTILES};
use crate::linear::Epilogue;
use crate::mixer::StreamRow;
use crate::tensor::Rows;

/// What the market is at the steps of a batch: rows one after the other, as wide as the spec says.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    /// `[rows][features]`; a missing one is +0.
    pub features: &'a [f32],
    /// `[rows][levels][6]`; an absent level is 0.
    pub book: &'a [f32],
    /// `[rows][trades]`.
    pub trades: &'a [f32],
    /// `[rows][3]`: time of day in days, time of week in weeks, ln(1 + gap).
    pub stamps: &'a [f32],
}

/// The rings of some streams, and how many steps each has taken.
#[derive(Debug)]
pub struct Streams<B: Backend> {
    state: B::Buffer,
    /// Floats of one layer of one stream.
    layer: usize,
    layers: usize,
    steps: Vec<u64>,
}

impl<B: Backend> Streams<B> {
    /// How many streams there are.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// How many steps a stream has taken.
    pub fn steps(&self, stream: usize) -> u64 {
        self.steps[stream]
    }
}

/// Memory for what lies between inputs and outputs, for batches up to a number of rows.
#[derive(Debug)]
pub struct Workspace<B: Backend> {
    rows: usize,
    /// `[rows][levels][6]`
    book: B::Buffer,
    /// `[rows][levels · 8 + trades]`
    micro: B::Buffer,
    /// `[rows][3]`
    stamps: B::Buffer,
    /// `[rows][features + micro + 2 · frequencies]`
    embed: B::Buffer,
    /// `[rows][width]`: the trunk.
    h: B::Buffer,
    /// `[rows][width]`: its norm.
    u: B::Buffer,
    /// `[rows][4 · width]`: queries, keys, values, gates.
    projected: B::Buffer,
    /// `[rows][width]`
    mixed: B::Buffer,
    /// `[rows][hidden]`
    hidden: B::Buffer,
    /// `[rows][width + account]`: the trunk's output z, and the account.
    heads: B::Buffer,
    /// `[rows][members · head_hidden]`
    ensemble: B::Buffer,
    /// `[rows][3 · head_hidden]`
    control: B::Buffer,
    /// `[rows]` of `HeadShape::raw_width`.
    raw: B::Buffer,
    /// `[rows]` of `HeadShape::width`.
    outputs: B::Buffer,
    /// The streams of a step.
    due: Vec<StreamRow>,
}

/// Where keys and values of earlier steps are.
enum Past<'a, B: Backend> {
    Rings { state: &'a mut B::Buffer, layer: usize },
    Sequences { sequences: usize, steps: usize },
}

impl<B: Backend> Model<B> {
    /// Rings for `count` streams that have not begun.
    ///
    /// # Errors
    /// When the backend has no memory for them.
    pub fn streams(&self, count: usize) -> Result<Streams<B>, BackendError> {
        let (layer, layers) = (self.layer_state, self.spec.layers);
        Ok(Streams {
            state: self.backend.zeros(count * layers * layer)?,
            layer,
            layers,
            steps: vec![0; count],
        })
    }

    /// Everything that streams remember: how many steps each has taken, and their rings, stream by stream. It
    /// is the same on every level of a CPU.
    ///
    /// # Errors
    /// When the backend fails.
    pub fn save_streams(&self, streams: &Streams<B>) -> Result<(Vec<u64>, Vec<f32>), ModelError> {
        let len = streams.len() * streams.layers * streams.layer;
        let mut rings = vec![0.0; len];
        self.backend.read((&streams.state, Rows::dense(len)), 1, len, &mut rings)?;
        Ok((streams.steps.clone(), rings))
    }

    /// Brings streams to where [`Model::save_streams`] found them.
    ///
    /// # Errors
    /// When there are not as many of the same size, or the backend fails.
    pub fn load_streams(
        &self,
        streams: &mut Streams<B>,
        steps: &[u64],
        rings: &[f32],
    ) -> Result<(), ModelError> {
        let len = streams.len() * streams.layers * streams.layer;
        if steps.len() != streams.len() || rings.len() != len {
            let (found, expected) = (vec![steps.len(), rings.len()], vec![streams.len(), len]);
            return Err(ModelError::Shape { array: "streams", found, expected });
        }
        self.backend.write((&mut streams.state, Rows::dense(len)), 1, len, rings)?;
        streams.steps.copy_from_slice(steps);
        Ok(())
    }

    /// Memory for batches of up to `rows` rows.
    ///
    /// # Errors
    /// When the backend has none.
    pub fn workspace(&self, rows: usize) -> Result<Workspace<B>, BackendError> {
        let spec = &self.spec;
        let zeros = |width: usize| self.backend.zeros(rows * width);
        Ok(Workspace {
            rows,
            book: zeros(spec.levels * LEVEL_INPUTS)?,
            micro: zeros(spec.micro_inputs())?,
            stamps: zeros(STAMPS)?,
            embed: zeros(spec.embed_inputs())?,
            h: zeros(spec.width)?,
            u: zeros(spec.width)?,
            projected: zeros(4 * spec.width)?,
            mixed: zeros(spec.width)?,
            hidden: zeros(spec.hidden)?,
            heads: zeros(spec.width + spec.account)?,
            ensemble: zeros(spec.members * spec.head_hidden)?,
            control: zeros(3 * spec.head_hidden)?,
            raw: zeros(spec.head_shape().raw_width())?,
            outputs: zeros(spec.head_shape().width())?,
            due: Vec::with_capacity(rows),
        })
    }

    /// One step of the streams in `due`, in one pass over the weights: row r of the inputs is stream
    /// `due[r]`. The trunk's outputs stay in the workspace, for [`Model::heads`].
    ///
    /// # Errors
    /// When the backend fails.
    ///
    /// # Panics
    /// When a stream does not exist or is there twice, or the inputs are not as many rows.
    pub fn step(
        &self,
        streams: &mut Streams<B>,
        due: &[usize],
        inputs: Inputs<'_>,
        work: &mut Workspace<B>,
    ) -> Result<(), ModelError> {
        assert_eq!((streams.layer, streams.layers), (self.layer_state, self.spec.layers), "another model's");
        work.due.clear();
        for stream in due {
            let state = stream * streams.layers * streams.layer;
            work.due.push(StreamRow { state, step: streams.steps[*stream] });
        }
        self.backend.as_one()?;
        let past = Past::Rings { state: &mut streams.state, layer: streams.layer };
        self.trunk(inputs, work, due.len(), past)?;
        for stream in due {
            streams.steps[*stream] += 1;
        }
        Ok(())
    }

    /// The trunk over whole sequences from their beginning: row b·steps + t of the inputs is step t of
    /// sequence b.
    ///
    /// # Errors
    /// When the backend fails.
    ///
    /// # Panics
    /// When the inputs are not as many rows.
    pub fn sequences(
        &self,
        (sequences, steps): (usize, usize),
        inputs: Inputs<'_>,
        work: &mut Workspace<B>,
    ) -> Result<(), ModelError> {
        self.trunk(inputs, work, sequences * steps, Past::Sequences { sequences, steps })
    }

    fn trunk(
        &self,
        inputs: Inputs<'_>,
        work: &mut Workspace<B>,
        rows: usize,
        mut past: Past<'_, B>,
    ) -> Result<(), ModelError> {
        assert!(rows <= work.rows, "{rows} rows in a workspace for {}", work.rows);
        let (backend, spec, weights) = (&self.backend, &self.spec, &self.weights);
        self.embed(inputs, work, rows)?;
        let dense = Rows::dense;
        let (width, hidden) = (dense(spec.width), dense(spec.hidden));
        for (number, layer) in weights.layers.iter().enumerate() {
            backend.rms_norm(&layer.mix_gain, (&work.h, width), (&mut work.u, width), rows, spec.width)?;
            let projected = (&mut work.projected, dense(4 * spec.width));
            backend.linear(&layer.qkvg, (&work.u, width), projected, rows, Epilogue::Store)?;
            match &mut past {
                Past::Rings { state, layer: len } => {
                    let (u, y) = (&work.u, &mut work.mixed);
                    backend.mix_step(&layer.mixer, state, &work.due, &work.projected, u, y)?;
                    for row in &mut work.due {
                        row.state += *len;
                    }
                }
                Past::Sequences { sequences, steps } => {
                    let (u, y) = (&work.u, &mut work.mixed);
                    backend.mix_sequence(&layer.mixer, *sequences, *steps, &work.projected, u, y)?;
                }
            }
            backend.linear(&layer.mix, (&work.mixed, width), (&mut work.h, width), rows, Epilogue::Add)?;
            backend.rms_norm(&layer.feed_gain, (&work.h, width), (&mut work.u, width), rows, spec.width)?;
            let product = (&mut work.hidden, hidden);
            backend.linear(&layer.feed_in, (&work.u, width), product, rows, Epilogue::SwiGlu)?;
            let (x, y) = ((&work.hidden, hidden), (&mut work.h, width));
            backend.linear(&layer.feed_out, x, y, rows, Epilogue::Add)?;
            debug_assert!(number < spec.layers);
        }
        let heads = Rows::dense(spec.width + spec.account);
        backend.rms_norm(&weights.last_gain, (&work.h, width), (&mut work.heads, heads), rows, spec.width)?;
        Ok(())
    }

    /// Features, book, trades and times become the trunk's first state.
    fn embed(&self, inputs: Inputs<'_>, work: &mut Workspace<B>, rows: usize) -> Result<(), ModelError> {
        let (backend, spec, weights) = (&self.backend, &self.spec, &self.weights);
        let (levels, micro_width, embed_width) = (spec.levels, spec.micro_inputs(), spec.embed_inputs());
        let book = Rows::dense(LEVEL_INPUTS);
        backend.write((&mut work.book, book), rows * levels, LEVEL_INPUTS, inputs.book)?;
        let trades = Rows::columns(levels * LEVEL_WIDTH, micro_width);
        backend.write((&mut work.micro, trades), rows, spec.trades, inputs.trades)?;
        backend.write((&mut work.stamps, Rows::dense(STAMPS)), rows, STAMPS, inputs.stamps)?;
        let features = Rows::dense(embed_width);
        backend.write((&mut work.embed, features), rows, spec.features, inputs.features)?;
        // A level of the book is a row of its own; `levels` of them are the first columns of a row of
        // `micro`.
        for level in 0..levels {
            let from = Rows::columns(level * LEVEL_INPUTS, levels * LEVEL_INPUTS);
            let to = Rows::columns(level * LEVEL_WIDTH, micro_width);
            let (x, y) = ((&work.book, from), (&mut work.micro, to));
            backend.linear(&weights.level, x, y, rows, Epilogue::Silu)?;
        }
        let (x, to) = ((&work.micro, Rows::dense(micro_width)), Rows::columns(spec.features, embed_width));
        backend.linear(&weights.micro, x, (&mut work.embed, to), rows, Epilogue::Silu)?;
        let times = Rows::columns(spec.features + spec.micro, embed_width);
        let (frequencies, phases) = (&weights.frequencies, &weights.phases);
        let stamps = (&work.stamps, Rows::dense(STAMPS));
        backend.fourier(frequencies, phases, stamps, (&mut work.embed, times), rows)?;
        let (x, y) = ((&work.embed, features), (&mut work.h, Rows::dense(spec.width)));
        backend.linear(&weights.embed, x, y, rows, Epilogue::Store)?;
        Ok(())
    }

    /// The heads over these rows of those that the trunk left in the workspace, each for an account
    /// (`[rows][account]`); the first becomes row 0 of the outputs. May be called again with others.
    ///
    /// # Errors
    /// When the backend fails, or an output is NaN or infinite.
    ///
    /// # Panics
    /// When the accounts are not as many rows.
    pub fn heads(
        &self,
        account: &[f32],
        rows: Range<usize>,
        work: &mut Workspace<B>,
        outputs: &mut Outputs,
    ) -> Result<(), ModelError> {
        assert!(rows.end <= work.rows, "{rows:?} in a workspace for {}", work.rows);
        let (backend, spec, weights) = (&self.backend, &self.spec, &self.weights);
        let (shape, inner) = (spec.head_shape(), spec.head_hidden);
        let stride = spec.width + spec.account;
        let z = Rows::columns(rows.start * stride, stride);
        let rows = rows.len();
        let place = Rows::columns(z.offset + spec.width, stride);
        backend.as_one()?;
        backend.write((&mut work.heads, place), rows, spec.account, account)?;
        let raw = |column: usize| Rows::columns(column, shape.raw_width());

        let members = spec.members * inner;
        let ensemble = (&mut work.ensemble, Rows::dense(members));
        backend.linear(&weights.ensemble_in, (&work.heads, z), ensemble, rows, Epilogue::Silu)?;
        for (member, linear) in weights.ensemble_out.iter().enumerate() {
            let x = (&work.ensemble, Rows::columns(member * inner, members));
            let y = raw(shape.raw_quantiles() + member * spec.horizons * QUANTILES);
            backend.linear(linear, x, (&mut work.raw, y), rows, Epilogue::Store)?;
        }
        let control = (&mut work.control, Rows::dense(3 * inner));
        backend.linear(&weights.head_in, (&work.heads, z), control, rows, Epilogue::Silu)?;
        let heads = [(&weights.policy, 0), (&weights.value, ACTIONS), (&weights.risk, shape.raw_risk())];
        for (head, (linear, column)) in heads.into_iter().enumerate() {
            let x = (&work.control, Rows::columns(head * inner, 3 * inner));
            backend.linear(linear, x, (&mut work.raw, raw(column)), rows, Epilogue::Store)?;
        }
        let impact = (&mut work.raw, raw(shape.raw_impact()));
        backend.linear(&weights.impact, (&work.heads, z), impact, rows, Epilogue::Store)?;

        backend.heads(shape, &work.raw, &mut work.outputs, rows)?;
        let values = outputs.resize(rows);
        backend.read((&work.outputs, Rows::dense(shape.width())), rows, shape.width(), values)?;
        outputs.check()
    }

    /// The trunk's output, `[rows][width]`, of the first `rows` rows of the workspace.
    ///
    /// # Errors
    /// When the backend fails.
    pub fn trunk_output(
        &self,
        rows: usize,
        work: &Workspace<B>,
        values: &mut [f32],
    ) -> Result<(), ModelError> {
        let place = Rows::dense(self.spec.width + self.spec.account);
        Ok(self.backend.read((&work.heads, place), rows, self.spec.width, values)?)
    }
}

impl Spec {
    /// Whether the inputs are rows of this shape.
    pub fn fits(&self, inputs: &Inputs<'_>, rows: usize) -> bool {
        inputs.features.len() == rows * self.features
            && inputs.book.len() == rows * self.levels * LEVEL_INPUTS
            && inputs.trades.len() == rows * self.trades
            && inputs.stamps.len() == rows * STAMPS
    }
}
