//! `genovo bench model`: decisions of the network alone, by size, precision, threads and symbols.

use std::time::Instant;

use genovo_kernels::backend::cuda::Cuda;
use genovo_kernels::backend::{Backend, Cpu};
use genovo_kernels::checkpoint::{Checkpoint, Precision};
use genovo_kernels::cpu::CpuLevel;
use genovo_kernels::model::{
    Inputs, LEVEL_INPUTS, Model, ModelError, Outputs, STAMPS, Spec, Streams, Workspace,
};
use genovo_kernels::reading;
use genovo_kernels::tensor::Buffer;

use super::{Figure, Latency, Setting, Value};
use crate::error::{Exit, Failure};
use crate::scenario::Backend as Where;

const NOT_MEASURED: &str = "Nothing was measured.";
/// Symbols that decide at one time, in the figure for many.
const SYMBOLS: usize = 8;

const ONE: &str = "one step of one stream and all heads: inputs in, forecasts, logits and sizes out; the rings \
                   are full, so that attention sees its whole windows";
const READ: &str = "weights read for one decision, as stored, times decisions a second: what the memory gave";
const FLOOR: &str = "the best round over the decisions a second that memory allows: those in which weights and the \
                     rings' keys and values are only read, at the best rate seen before and after in the same run; \
                     above 100 % a part came from the cache";
const MEMORY: &str = "a quarter of a gigabyte read in vectors, its largest number kept: the best pass of all";
const MANY: &str = "decisions a second when 8 symbols share one pass over the weights; the bits are the same";

fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Failed, error.to_string(), NOT_MEASURED)
}

/// A model that takes steps of some streams on made-up inputs.
struct Runner<B: Backend> {
    model: Model<B>,
    streams: Streams<B>,
    work: Workspace<B>,
    outputs: Outputs,
    due: Vec<usize>,
    inputs: [Vec<f32>; 5],
}

impl<B: Backend> Runner<B> {
    fn new(backend: B, checkpoint: &Checkpoint, symbols: usize) -> Result<Runner<B>, ModelError> {
        let model = Model::new(backend, checkpoint)?;
        let spec = model.spec();
        // Any numbers of ordinary size: no kernel's speed depends on them.
        let values = |width: usize| (0..symbols * width).map(|n| (n % 17) as f32 / 17.0 - 0.5).collect();
        let inputs = [
            values(spec.features),
            values(spec.levels * LEVEL_INPUTS),
            values(spec.trades),
            values(STAMPS),
            values(spec.account),
        ];
        let (streams, work) = (model.streams(symbols)?, model.workspace(symbols)?);
        let (outputs, due) = (Outputs::new(spec, symbols), (0..symbols).collect());
        Ok(Runner { model, streams, work, outputs, due, inputs })
    }

    fn decide(&mut self) -> Result<(), ModelError> {
        let [features, book, trades, stamps, account] = &self.inputs;
        let inputs = Inputs { features, book, trades, stamps };
        self.model.step(&mut self.streams, &self.due, inputs, &mut self.work)?;
        self.model.heads(account, 0..self.due.len(), &mut self.work, &mut self.outputs)
    }

    /// Steps until the longest window is full.
    fn warm_up(&mut self) -> Result<(), ModelError> {
        let longest = self.model.spec().windows.into_iter().max().unwrap_or(0);
        (0..longest).try_for_each(|_| self.decide())
    }
}

/// What one configuration took.
#[derive(Default)]
struct Taken {
    latency: Latency,
    decisions: u64,
    seconds: f64,
    /// The fastest round.
    best: f64,
}

/// Decisions of these sizes, on the CPU and on a card: on both unless one of them is asked for, where there is a card.
pub fn model(setting: &Setting<'_>, sizes: &[&str]) -> Result<Vec<Figure>, Failure> {
    let level = CpuLevel::detect();
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
    let asked = setting.backends.wanted(Default::default());
    let cpu = [1, 2].into_iter().filter(|threads| *threads <= cores && asked != Where::Cuda);
    let threads: Vec<usize> = cpu.collect();
    let card = match asked {
        Where::Cpu => None,
        // That there is none is no failure of a bench that was not asked for it.
        Where::Auto => setting.backends.card().ok(),
        Where::Cuda => Some(setting.backends.card().map_err(failed)?),
    };
    let memory = Memory::new();
    let cpus = threads.iter().map(|&threads| Cpu::new(level, threads).map_err(failed));
    let cpus = cpus.collect::<Result<Vec<Cpu>, Failure>>()?;
    let mut rates: Vec<f64> = cpus.iter().map(|cpu| memory.rate(cpu)).collect();
    let mut figures = Vec::new();
    for size in sizes {
        let spec = Spec::named(size).ok_or_else(|| failed(format!("no model is called {size}")))?;
        let made = Checkpoint::init(&spec, 1).map_err(failed)?;
        for precision in Precision::ALL {
            let reduced = match precision {
                Precision::F32 => None,
                other => Some(made.reduced(other).map_err(failed)?),
            };
            let checkpoint = reduced.as_ref().unwrap_or(&made);
            for (cpu, rate) in cpus.iter().zip(&mut rates) {
                figures.extend(of_one(setting, cpu, checkpoint, &memory, rate)?);
            }
            if let Some(card) = &card {
                figures.extend(of_card(setting, card, checkpoint)?);
            }
        }
    }
    figures.extend(cpus.iter().zip(rates).map(|(cpu, rate)| Figure {
        name: format!("memory, {}", of_threads(cpu.threads())),
        measures: MEMORY,
        data: "numbers in memory".to_string(),
        value: Value::Number { value: rate / 1e9, unit: "GB/s" },
    }));
    Ok(figures)
}

fn of_threads(threads: usize) -> &'static str {
    if threads == 1 { "1 thread" } else { "2 threads" }
}

/// Numbers to read: far more than any cache holds.
struct Memory(Buffer);

impl Memory {
    const BYTES: usize = 256 << 20;
    const PASSES: usize = 6;

    fn new() -> Memory {
        let mut numbers = Buffer::zeros(Self::BYTES / size_of::<f32>());
        // Written once: memory that never was is one page of zeros, which the cache holds.
        numbers.fill(1.0);
        Memory(numbers)
    }

    /// Bytes a second that this CPU's threads read, at best.
    fn rate(&self, cpu: &Cpu) -> f64 {
        let pass = || {
            let began = Instant::now();
            std::hint::black_box(reading::most(cpu, &self.0));
            Self::BYTES as f64 / began.elapsed().as_secs_f64()
        };
        (0..Self::PASSES).map(|_| pass()).fold(0.0, f64::max)
    }
}

/// Bytes of keys and values that one step reads: whole windows, in f32.
fn ring_bytes(spec: &Spec) -> usize {
    let windows: usize = spec.mixer().heads.iter().map(|head| head.window).sum();
    windows * spec.head_width() * 2 * size_of::<f32>() * spec.layers
}

/// One size, precision and number of threads; `rate` is the most bytes a second that memory has given to so many.
fn of_one(
    setting: &Setting<'_>,
    cpu: &Cpu,
    checkpoint: &Checkpoint,
    memory: &Memory,
    rate: &mut f64,
) -> Result<Vec<Figure>, Failure> {
    let metadata = checkpoint.metadata();
    let threads = of_threads(cpu.threads());
    let name = format!("{} {}, {threads}", metadata.spec.name(), metadata.precision.name());
    let data = format!("model {} {}, initialised from seed 1", metadata.spec.name(), cpu.level());
    let one = measure(setting, cpu, checkpoint, 1)?;
    let many = measure(setting, cpu, checkpoint, SYMBOLS)?;
    *rate = rate.max(memory.rate(cpu));
    let floor = *rate / (checkpoint.file().len() + ring_bytes(&metadata.spec)) as f64;
    let read = checkpoint.file().len() as f64 * one.best / 1e9;
    let decisions = |name: String, measures, value| Figure {
        name,
        measures,
        data: data.clone(),
        value: Value::Number { value, unit: "decisions/s" },
    };
    Ok(vec![
        decisions(name.clone(), ONE, one.decisions as f64 / one.seconds),
        decisions(format!("{name}, best round"), ONE, one.best),
        decisions(format!("{name}, 8 symbols"), MANY, many.decisions as f64 / many.seconds),
        Figure {
            name: format!("{name}, read"),
            measures: READ,
            data: data.clone(),
            value: Value::Number { value: read, unit: "GB/s" },
        },
        Figure {
            name: format!("{name}, of the floor"),
            measures: FLOOR,
            data: data.clone(),
            value: Value::Number { value: 100.0 * one.best / floor, unit: "%" },
        },
        Figure {
            name: format!("{name}, one decision"),
            measures: ONE,
            data,
            value: Value::Latency(Box::new(one.latency)),
        },
    ])
}

/// One size and precision on a card.
fn of_card(setting: &Setting<'_>, card: &Cuda, checkpoint: &Checkpoint) -> Result<Vec<Figure>, Failure> {
    let metadata = checkpoint.metadata();
    let name = format!("{} {}, card", metadata.spec.name(), metadata.precision.name());
    let data = format!("model {}, {}, initialised from seed 1", metadata.spec.name(), card.describe());
    let one = measure(setting, card, checkpoint, 1)?;
    let many = measure(setting, card, checkpoint, SYMBOLS)?;
    let decisions = |name: String, measures, taken: &Taken| Figure {
        name,
        measures,
        data: data.clone(),
        value: Value::Number { value: taken.decisions as f64 / taken.seconds, unit: "decisions/s" },
    };
    Ok(vec![
        decisions(name.clone(), ONE, &one),
        decisions(format!("{name}, 8 symbols"), MANY, &many),
        Figure {
            name: format!("{name}, one decision"),
            measures: ONE,
            data: data.clone(),
            value: Value::Latency(Box::new(one.latency)),
        },
    ])
}

fn measure<B: Backend + Clone>(
    setting: &Setting<'_>,
    backend: &B,
    checkpoint: &Checkpoint,
    symbols: usize,
) -> Result<Taken, Failure> {
    let mut runner = Runner::new(backend.clone(), checkpoint, symbols).map_err(failed)?;
    runner.warm_up().map_err(failed)?;
    // Some ten milliseconds a round.
    let steps = (650_000_000 / (symbols * checkpoint.spec().parameters().unwrap_or(1))).clamp(1, 1_000);
    setting.rounds(|taken: &mut Taken| {
        let round = Instant::now();
        for _ in 0..steps {
            let began = Instant::now();
            runner.decide().map_err(failed)?;
            taken.latency.record(began.elapsed());
        }
        let seconds = round.elapsed().as_secs_f64();
        let decisions = steps * symbols;
        taken.best = taken.best.max(decisions as f64 / seconds);
        taken.seconds += seconds;
        taken.decisions += decisions as u64;
        Ok(())
    })
}
