//! What a model's decision depended on: gradient × input through the backward kernels, and the smallest change of one
//! input that turns it.
//!
//! [`steps`] reads what the network saw out of the journal, [`flip`] looks for the smallest change, [`scale`] says what
//! a column's value is in its own unit, and [`words`] puts all of it into text and JSON. What is read must give the
//! outputs that were recorded, bit for bit; else nothing is said but that.

mod flip;
mod scale;
mod steps;
mod words;

use std::collections::BTreeMap;

use genovo_engine::event::{Decision, Fact};
use genovo_engine::features::layout;
use genovo_engine::features::normalise::{CLIP, Normalise, WINDOW};
use genovo_engine::ids::{InstrumentId, Sequence};
use genovo_engine::settings::Settings;
use genovo_engine::strategy::model::{Again, Chosen, InputKind, meaning};
use genovo_engine::units::Timestamp;
use genovo_kernels::backend::Cpu;
use genovo_kernels::checkpoint::{Checkpoint, Precision};
use genovo_kernels::cpu::CpuLevel;
use genovo_kernels::heads::{ACTIONS, QUANTILES};
use genovo_kernels::model::{Inputs, Model, ModelError, Outputs, Row, Streams, Workspace};
use genovo_kernels::scalar::f32::exp;
use genovo_kernels::scalar::f64::normal_quantile;
use genovo_kernels::training::Sensitivity;

use super::recording::{Numbered, Recording};
use crate::commands::Context;
use crate::error::Failure;
use crate::progress::EventBar;
use crate::{models, verify};
use flip::Flip;
use scale::Scale;
use steps::{Step, Steps};

/// The strategy whose decisions are attributed.
const MODEL: &str = "model";
const ACTION_NAMES: [&str; ACTIONS] = ["hold", "buy", "sell"];
/// A clock has no zero: where its day begins would be what a product with its value says.
const CLOCK: [&str; 2] = ["time_of_day", "time_of_week"];
/// Steps back at which the ages of inputs are told apart.
const AGES: [usize; 4] = [1, 16, 64, 256];

/// Which output of a model is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Of {
    /// The log-probability of the action that was decided.
    Action,
    /// The median of the return over the nearest horizon.
    Median,
    /// The value of the state.
    Value,
}

/// What is asked about a model's decision.
#[derive(clap::Args, Clone, Debug)]
pub struct Asked {
    /// Which output of a model the gradients are of.
    #[arg(long, value_enum, default_value = "action", value_name = "OUTPUT")]
    of: Of,
    /// How many inputs of a model's decision are shown, those of the largest gradient × input; 0 for no attribution.
    #[arg(long, value_name = "COUNT", default_value_t = 8)]
    top: usize,
    /// For how many inputs of the last step the smallest change that turns the decision is looked for; 0 for none.
    #[arg(long, value_name = "COUNT", default_value_t = 3)]
    flips: usize,
    /// Over how many of the last steps gradients go back.
    #[arg(long, value_name = "STEPS", default_value_t = 512)]
    window: usize,
}

/// What was found about a decision.
pub enum Attribution {
    /// Gradients and changes.
    Found(Box<Found>),
    /// Why there are none.
    Impossible(String),
}

/// An input at a step, and its part.
struct Part {
    /// Its place among all inputs.
    input: usize,
    name: String,
    family: String,
    step: Sequence,
    /// The vector's number in the journal; looked up for those that are shown.
    event: u64,
    time: Timestamp,
    /// Steps before the one that was decided on.
    before: usize,
    value: f32,
    gradient: f32,
    /// gradient × value.
    contribution: f64,
    share: f64,
}

/// A change of an input of the last step.
struct Change {
    name: String,
    family: String,
    value: f32,
    range: [f32; 2],
    flip: Option<Flip>,
    scale: Scale,
}

/// Gradients and changes.
pub struct Found {
    of: Of,
    action: usize,
    /// The output.
    output: f32,
    /// Steps that have gradients, steps that the output depends on, and steps that it would if there were as many.
    window: usize,
    steps: usize,
    reach: usize,
    parts: Vec<Part>,
    /// The clock's gradients at the last step.
    clock: Vec<(String, f32)>,
    /// Families, largest share first; and shares by age, for each of [`AGES`] and beyond.
    families: Vec<(String, f64)>,
    ages: [f64; AGES.len() + 1],
    changes: Option<Vec<Change>>,
}

impl Attribution {
    /// About a decision; `None` where no network decided, or nobody asked.
    pub fn of(
        recording: &Recording,
        decided: &Numbered,
        asked: &Asked,
        context: &Context,
    ) -> Result<Option<Attribution>, Failure> {
        let Fact::DecisionMade(decision) = &decided.event.fact else { return Ok(None) };
        let strategy = recording.settings.as_ref().and_then(|all| all.strategy_named(&decision.strategy));
        if strategy.is_none_or(|strategy| strategy.kind != MODEL) || asked.top == 0 {
            return Ok(None);
        }
        // What cannot be attributed is still explained.
        let settings = match verify::settings_of(&recording.journal) {
            Ok((_, settings)) if settings.later.is_some() => {
                return Ok(impossible("the run's settings change on the way"));
            }
            Ok((_, settings)) => settings,
            Err(failure) => return Ok(impossible(failure.message)),
        };
        if let Err(failure) = models::bring(&settings, recording.journal.path(), context) {
            return Ok(impossible(failure.message));
        }
        let (names, models) = (recording.features(), context.registry.models());
        let again = match Again::new(&settings, &decision.strategy, names, models) {
            Ok(again) => again,
            Err(error) => return Ok(impossible(error)),
        };
        let steps = Steps::read(recording, &again, decided, decision, context.json)?;
        let Some(last) = steps.steps.back() else { return Ok(None) };
        let asking = Asking {
            recording,
            again: &again,
            steps: &steps,
            last,
            decision,
            instrument: decided.event.header.instrument,
            families: Families::of(&settings, &again),
            prefix: settings.prefix_of(&decision.strategy),
            rule: settings.features.as_ref().map_or(Normalise::None, |features| features.scale),
        };
        Ok(Some(match asking.answer(asked, context.json) {
            Ok(mut found) => {
                found.number(recording)?;
                if let Some(changes) = &mut found.changes {
                    scale::of_columns(recording, decided, &settings, context, changes);
                }
                Attribution::Found(Box::new(found))
            }
            Err(why) => Attribution::Impossible(why),
        }))
    }
}

fn impossible(why: impl std::fmt::Display) -> Option<Attribution> {
    Some(Attribution::Impossible(why.to_string()))
}

/// A decision with all that it was made of.
struct Asking<'a> {
    recording: &'a Recording,
    again: &'a Again,
    steps: &'a Steps,
    last: &'a Step,
    decision: &'a Decision,
    instrument: InstrumentId,
    families: Families,
    /// What stands before the names of the strategy's own columns.
    prefix: String,
    /// How columns of `[features]` are scaled.
    rule: Normalise,
}

impl Asking<'_> {
    fn answer(&self, asked: &Asked, quiet: bool) -> Result<Found, String> {
        let action = self.evidence("action").ok_or("the decision does not say what it chose")? as usize;
        if action >= ACTIONS {
            return Err(format!("action {action} is none"));
        }
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let cpu = Cpu::new(CpuLevel::detect(), threads).map_err(|error| error.to_string())?;
        let checkpoint = self.again.checkpoint();
        let mut found = self.gradients(asked, action, &cpu, &checkpoint)?;
        let exact = checkpoint.metadata().precision != Precision::Int8;
        if asked.flips > 0 || !exact {
            let mut market = Market::new(self, &cpu, &checkpoint, quiet)?;
            // Gradients of a model in int8 are those of its weights expanded; what it said is its own.
            found.output = self.output(asked.of, action, market.outputs.row(0)).0;
            let changes = market.changes(&found, asked.flips)?;
            found.changes = (asked.flips > 0).then_some(changes);
        }
        found.parts.truncate(asked.top);
        Ok(found)
    }

    /// All parts, the largest first.
    fn gradients(
        &self,
        asked: &Asked,
        action: usize,
        cpu: &Cpu,
        checkpoint: &Checkpoint,
    ) -> Result<Found, String> {
        let (again, steps, spec) = (self.again, &self.steps.steps, self.again.spec());
        let window = asked.window.clamp(1, steps.len());
        let kinds = again.kinds();
        let of = |kind| self.steps.of(again, kind);
        let (features, book, trades, stamps) =
            (of(InputKind::Features), of(InputKind::Book), of(InputKind::Trades), of(InputKind::Times));
        let inputs = Inputs { features: &features, book: &book, trades: &trades, stamps: &stamps };
        let account = &self.last.values[kinds[4].1.clone()];
        let mut model = Sensitivity::new(cpu.clone(), checkpoint, steps.len() - window, window);
        let outputs = model.run(&inputs, account);
        let row = outputs.row(0);
        if checkpoint.metadata().precision != Precision::Int8 {
            self.check(row)?;
        }
        let (output, gradient) = self.output(asked.of, action, row);
        let gradients = model.gradients(&gradient);
        let mut parts: Vec<Part> = Vec::new();
        let mut clock = Vec::new();
        let (mut sum, mut ages) = (0.0, [0.0; AGES.len() + 1]);
        let mut families: Vec<(String, f64)> = Vec::new();
        for (at, step) in steps.iter().skip(steps.len() - window).enumerate() {
            let before = window - 1 - at;
            let age = AGES.iter().position(|end| before < *end).unwrap_or(AGES.len());
            let last = before == 0;
            for (kind, range) in &kinds {
                let gradients = match kind {
                    InputKind::Features => gradients.features(at),
                    InputKind::Book => gradients.book(at),
                    InputKind::Trades => gradients.trades(at),
                    InputKind::Times => gradients.stamps(at),
                    // Of the account the heads see what it is at the decision.
                    InputKind::Account if last => gradients.account(at),
                    InputKind::Account => continue,
                };
                for (input, gradient) in range.clone().zip(gradients) {
                    let (value, Some(source)) = (step.values[input], step.sources[input]) else { continue };
                    let contribution = f64::from(*gradient) * f64::from(value);
                    if !contribution.is_finite() {
                        return Err(format!("the gradient of input {input} is {gradient}"));
                    }
                    // Of the last step all are kept: a change of an input that is 0 may turn the decision.
                    if contribution == 0.0 && !(last && *gradient != 0.0) {
                        continue;
                    }
                    let (name, family) = self.name(*kind, source);
                    if CLOCK.contains(&name) {
                        if last {
                            clock.push((name.to_string(), *gradient));
                        }
                        continue;
                    }
                    sum += contribution.abs();
                    ages[age] += contribution.abs();
                    match families.iter_mut().find(|(known, _)| known == family) {
                        Some((_, share)) => *share += contribution.abs(),
                        None => families.push((family.to_string(), contribution.abs())),
                    }
                    parts.push(Part {
                        input,
                        name: name.to_string(),
                        family: family.to_string(),
                        step: step.sequence,
                        event: 0,
                        time: step.time,
                        before,
                        value,
                        gradient: *gradient,
                        contribution,
                        share: 0.0,
                    });
                }
            }
        }
        let share = |of: f64| if sum > 0.0 { of / sum } else { 0.0 };
        // Of equal ones the later step, then the input that comes first.
        parts.sort_by(|one, other| {
            let size = other.contribution.abs().total_cmp(&one.contribution.abs());
            size.then(one.before.cmp(&other.before)).then(one.input.cmp(&other.input))
        });
        for part in &mut parts {
            part.share = share(part.contribution.abs());
        }
        families.sort_by(|(one, of_one), (other, of_other)| {
            of_other.total_cmp(of_one).then_with(|| one.cmp(other))
        });
        Ok(Found {
            of: asked.of,
            action,
            output,
            window,
            steps: steps.len(),
            reach: spec.burn_in() + 1,
            parts,
            clock,
            families: families.into_iter().map(|(name, of)| (name, share(of))).collect(),
            ages: ages.map(share),
            changes: None,
        })
    }

    /// The output that is asked about, and the gradient of all outputs that it is.
    fn output(&self, of: Of, action: usize, row: Row<'_>) -> (f32, Vec<f32>) {
        let shape = self.again.spec().head_shape();
        let mut gradient = vec![0.0; shape.width()];
        let output = match of {
            Of::Action => {
                let chosen = self.again.choose(row, self.legal(), self.steps.number, self.instrument);
                for (other, (to, log)) in gradient.iter_mut().zip(chosen.log_probabilities).enumerate() {
                    *to = (if other == action { 1.0 } else { 0.0 })
                        - if log.is_finite() { exp(log) } else { 0.0 };
                }
                chosen.log_probabilities[action]
            }
            Of::Median => {
                // The mean of the ensemble's medians.
                for member in 0..shape.members {
                    let at = shape.quantiles() + member * shape.horizons * QUANTILES + QUANTILES / 2;
                    gradient[at] = 1.0 / shape.members as f32;
                }
                row.mean()[0][QUANTILES / 2]
            }
            Of::Value => {
                gradient[ACTIONS] = 1.0;
                row.value()
            }
        };
        (output, gradient)
    }

    /// That the model says what was recorded, to the bit.
    fn check(&self, row: Row<'_>) -> Result<(), String> {
        let logits = ["logit_hold", "logit_buy", "logit_sell"].into_iter().zip(row.logits());
        let rest = [("value", row.value()), ("risk_scale", row.scale()), ("impact", row.impact())];
        for (name, value) in logits.chain(rest) {
            let recorded = self.evidence(name);
            if recorded.map(f64::to_bits) != Some(f64::from(value).to_bits()) {
                return Err(format!(
                    "decided again from the journal's vectors, {name} is {value}, and {} was recorded: its stream took \
                     steps that were not journaled, or the journal is another model's",
                    recorded.map_or("none".to_string(), |value| value.to_string())
                ));
            }
        }
        Ok(())
    }

    fn evidence(&self, name: &str) -> Option<f64> {
        let found = self.decision.evidence.iter().find(|evidence| evidence.name == name);
        found.map(|evidence| evidence.value)
    }

    fn legal(&self) -> [bool; ACTIONS] {
        ["legal_hold", "legal_buy", "legal_sell"].map(|name| self.evidence(name) == Some(1.0))
    }

    /// The least and the largest that a column of `[features]` can be, which is this now.
    fn clip(&self, value: f32) -> [f32; 2] {
        let most = match self.rule {
            Normalise::Robust => CLIP as f32,
            // The rank of a value beyond all others in a full window.
            Normalise::Normal => normal_quantile(1.0 - 0.5 / (WINDOW as f64 + 1.0)) as f32,
            // Nothing cuts raw values off.
            Normalise::None => CLIP as f32 * value.abs().max(1.0),
        };
        [-most, most]
    }

    /// The name and the family of an input that comes from a column of the vector.
    fn name(&self, kind: InputKind, source: usize) -> (&str, &str) {
        let name = self.recording.features().get(source).map_or("?", String::as_str);
        let name = name.strip_prefix(&self.prefix).unwrap_or(name);
        let family = match kind {
            InputKind::Features => self.families.of_column(name),
            InputKind::Book => "book",
            InputKind::Trades => "trades",
            InputKind::Times => "times",
            InputKind::Account => "account",
        };
        (name, family)
    }
}

/// The families of the columns of `[features]`; none where the model sees its own.
struct Families(Vec<(String, &'static str)>);

impl Families {
    fn of(settings: &Settings, again: &Again) -> Families {
        let columns = settings.features.as_ref().filter(|_| again.sees_columns()).map(layout::columns);
        let columns = columns.and_then(Result::ok).unwrap_or_default();
        Families(columns.into_iter().map(|column| (column.id, column.family)).collect())
    }

    fn of_column(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("model", |(_, family)| family)
    }
}

/// The model with its memory of all steps but the last, which can be taken with other values.
struct Market<'a> {
    asking: &'a Asking<'a>,
    model: Model<Cpu>,
    streams: Streams<Cpu>,
    work: Workspace<Cpu>,
    outputs: Outputs,
    memory: (Vec<u64>, Vec<f32>),
}

impl<'a> Market<'a> {
    /// Takes the steps, and the last one as it was: it must say what was recorded.
    fn new(
        asking: &'a Asking<'a>,
        cpu: &Cpu,
        checkpoint: &Checkpoint,
        quiet: bool,
    ) -> Result<Market<'a>, String> {
        let model = Model::new(cpu.clone(), checkpoint).map_err(|error| error.to_string())?;
        let streams = model.streams(1).map_err(|error| error.to_string())?;
        let work = model.workspace(1).map_err(|error| error.to_string())?;
        let outputs = Outputs::new(model.spec(), 1);
        let mut market = Market { asking, model, streams, work, outputs, memory: (Vec::new(), Vec::new()) };
        let steps = &asking.steps.steps;
        let bar = EventBar::start("deciding again", steps.len() as u64, quiet);
        for (number, step) in steps.iter().take(steps.len() - 1).enumerate() {
            market.step(&step.values).map_err(|error| error.to_string())?;
            bar.at(number as u64);
        }
        bar.finish();
        market.memory = market.model.save_streams(&market.streams).map_err(|error| error.to_string())?;
        let chosen = market.decide(&asking.last.values).map_err(|error| error.to_string())?;
        asking.check(market.outputs.row(0))?;
        match asking.evidence("action") {
            Some(action) if action == chosen.action as f64 => Ok(market),
            _ => Err("decided again from the journal's vectors, another action is chosen".to_string()),
        }
    }

    fn step(&mut self, values: &[f32]) -> Result<(), ModelError> {
        let [features, book, trades, stamps, _] = self.asking.again.kinds().map(|(_, range)| &values[range]);
        let inputs = Inputs { features, book, trades, stamps };
        self.model.step(&mut self.streams, &[0], inputs, &mut self.work)
    }

    /// What is chosen where the last step has these inputs.
    fn decide(&mut self, values: &[f32]) -> Result<Chosen, ModelError> {
        let asking = self.asking;
        self.model.load_streams(&mut self.streams, &self.memory.0, &self.memory.1)?;
        self.step(values)?;
        let account = &values[asking.again.kinds()[4].1.clone()];
        self.model.heads(account, 0..1, &mut self.work, &mut self.outputs)?;
        Ok(asking.again.choose(self.outputs.row(0), asking.legal(), asking.steps.number, asking.instrument))
    }

    /// The smallest changes of the inputs of the last step that have the largest parts.
    fn changes(&mut self, found: &Found, count: usize) -> Result<Vec<Change>, String> {
        let asking = self.asking;
        let mut changes = Vec::new();
        // How far the gradient says that the log-probability falls to that of the next action.
        let chosen = self.decide(&asking.last.values).map_err(|error| error.to_string())?;
        let logs = chosen.log_probabilities;
        let others = (0..ACTIONS).filter(|action| *action != chosen.action).map(|action| logs[action]);
        let next = others.fold(f32::NEG_INFINITY, f32::max);
        let gap = f64::from(logs[chosen.action]) - f64::from(next);
        for part in found.parts.iter().filter(|part| part.before == 0).take(count) {
            let column = asking.again.sees_columns() && part.input < asking.again.spec().features;
            let meaning = meaning(&part.name).filter(|_| !column);
            let range = meaning.map_or_else(|| asking.clip(part.value), |meaning| meaning.range);
            let mut values = asking.last.values.clone();
            let guess = match found.of {
                Of::Action if part.gradient != 0.0 && gap.is_finite() => -gap / f64::from(part.gradient),
                _ => 0.0,
            };
            let flip = flip::nearest(part.value, range, guess, chosen.action, |value| {
                values[part.input] = value;
                self.decide(&values)
            });
            changes.push(Change {
                name: part.name.clone(),
                family: part.family.clone(),
                value: part.value,
                range,
                flip: flip.map_err(|error| error.to_string())?,
                scale: meaning.map_or(Scale::Unknown, Scale::Own),
            });
        }
        Ok(changes)
    }
}

impl Found {
    /// Looks up the numbers of the vectors that are shown.
    fn number(&mut self, recording: &Recording) -> Result<(), Failure> {
        // Many parts are of one step, and looking one up unpacks a block.
        let mut known = BTreeMap::new();
        for part in &mut self.parts {
            part.event = match known.get(&part.step) {
                Some(number) => *number,
                None => recording.at(part.step)?.map_or(0, |one| one.number),
            };
            known.insert(part.step, part.event);
        }
        Ok(())
    }
}
