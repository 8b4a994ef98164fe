//! `audit whatif`: a recorded run once more under other settings, beside what it was.
//!
//! The market stays what was recorded. A run on the simulated venue is recomputed from it; a live run follows its
//! recorded answers until it sends another command, and is answered by the simulated venue from there. The journal is
//! only read.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use genovo_adapters::data::Tally;
use genovo_engine::branched::Branched;
use genovo_engine::canonical;
use genovo_engine::engine::Engine;
use genovo_engine::event::{Event, Fact, Kind, WorldKind};
use genovo_engine::features::layout;
use genovo_engine::ids::Sequence;
use genovo_engine::log::{Log, LogError};
use genovo_engine::pipeline::{QueuedLog, QueuedSource};
use genovo_engine::recorded::MarketOf;
use genovo_engine::run::{RunError, run};
use genovo_engine::settings::{AlteredColumn, Change, Later, Settings};
use genovo_engine::simulated::Simulated;
use genovo_engine::world::WorldError;
use genovo_journal::{Journal, Sealed, Writer};
use serde_json::{Value, json};
use tracing::info;

use super::recording::Recording;
use super::{when, words};
use crate::commands::Context;
use crate::commands::replay::Machine;
use crate::compare::figures::{Figure, Unit};
use crate::compare::folded::{Folder, Step};
use crate::compare::{Comparison, Run, Wish, fold, settings};
use crate::error::{Exit, Failure};
use crate::progress::Progress;
use crate::report::{self, format};
use crate::scenario;
use crate::scenario::Backend;
use crate::scenario::readable::did_you_mean;
use crate::sources::Opened;
use crate::verify::settings_of;
use crate::{failures, models, provenance};

/// What was not done when it cannot be.
const NOTHING: &str = "Nothing was recomputed.";

/// What is asked.
pub struct Question<'a> {
    /// The changes, as `--set` writes them.
    pub sets: &'a [String],
    /// Columns of features that are taken away.
    pub dropped: &'a [String],
    /// Columns that show what they were so many vectors before.
    pub shifted: &'a [(String, u32)],
    /// The input from which they hold; `None` for all of the run.
    pub from: Option<Sequence>,
    /// Where the branch is kept as a journal.
    pub keep: Option<&'a Path>,
    /// Where the page goes; `None` for a new folder in the journal's.
    pub report: Option<&'a Path>,
    /// What runs the branch.
    pub machine: Machine,
}

/// What came of it.
pub struct WhatIf<'a> {
    recording: &'a Recording,
    comparison: Comparison,
    from: Option<Sequence>,
    first: Option<First>,
    /// The first event that differs at all, when it comes before everything that the run did differently.
    numbers: Option<Numbers>,
    parted_at: Option<Sequence>,
    kept: Option<(PathBuf, Sealed)>,
    page: PathBuf,
}

/// The first thing that the run did differently.
struct First {
    recorded: Option<Step>,
    what_if: Option<Step>,
}

/// An event that differs in numbers only.
#[derive(Clone, Copy)]
struct Numbers {
    sequence: Sequence,
    number: u64,
    kind: Kind,
}

impl<'a> WhatIf<'a> {
    /// Runs the recorded market again.
    pub fn ask(
        recording: &'a Recording,
        question: Question<'_>,
        context: &Context,
    ) -> Result<WhatIf<'a>, Failure> {
        let journal = &recording.journal;
        let (started, recorded) = settings_of(journal)?;
        models::bring(&recorded, journal.path(), context)?;
        let changed = changed(&recorded, &question, context)?;
        let mut engine = Engine::new(changed.clone(), &context.registry)
            .map_err(|error| Failure::new(Exit::Usage, error.to_string(), NOTHING))?;
        let backends = context.backends.borrow().clone();
        let placed = backends.place(&mut engine, Backend::Auto, question.machine.kernels()?, NOTHING)?;
        placed.tell(context)?;
        let identity = engine.identity(started.world);
        let writer = question
            .keep
            .map(|folder| Writer::create(folder, &question.machine.identity(&placed.backend)))
            .transpose();
        let writer = writer.map_err(|error| failures::journal(&error, NOTHING))?;
        info!(journal = %journal.path().display(), events = journal.summary().events, "recomputing");
        let summary = journal.summary();
        let tally = Arc::new(Tally::default());
        let opened = Opened {
            sources: Vec::new(),
            tallies: vec![(journal.path().to_owned(), tally.clone())],
            bytes_total: summary.events,
        };
        let progress = Progress::start("recomputing", &opened, context.json);
        let mut log = Branch {
            fold: Folder::new(),
            recorded: Some(events(journal)),
            number: 0,
            numbers: None,
            writer: writer.map(QueuedLog::spawn),
            bytes: [Vec::new(), Vec::new()],
        };
        let counted = Counted { events: events(journal), tally, read: 0 };
        let mut parted_at = None;
        let result = match started.world {
            WorldKind::Live => {
                let mut world = Branched::new(&changed, identity, counted);
                let result = run(&mut world, &mut log, &mut engine);
                parted_at = world.parted_at();
                result
            }
            WorldKind::Simulated | WorldKind::Market => {
                let market = QueuedSource::spawn(MarketOf::new(counted));
                Simulated::new(&changed, identity, vec![Box::new(market)])
                    .map_err(RunError::from)
                    .and_then(|mut world| run(&mut world, &mut log, &mut engine))
            }
        };
        progress.finish();
        backends.tell_lost(&engine);
        let unfinished = "The branch was not run to its end; the journal is as it was.";
        let clear = |failure: Failure| {
            if let Some(folder) = question.keep {
                let _ = fs::remove_dir_all(folder);
            }
            failure
        };
        let Branch { fold: branch, numbers, writer, .. } = log;
        result.map_err(|error| clear(failures::run(&error, unfinished)))?;
        let sealed = writer.map(|writer| -> Result<Sealed, Failure> {
            let writer = writer.finish().map_err(|error| failures::run(&error.into(), unfinished))?;
            writer.finish().map_err(|error| failures::journal(&error, unfinished))
        });
        let sealed = sealed.transpose().map_err(clear)?;
        let (recorded_run, branch) = (fold(journal)?, branch.finish());
        let first = first_difference(&recorded_run.steps, &branch.steps);
        let numbers =
            numbers.filter(|numbers| first.as_ref().is_none_or(|first| numbers.sequence < first.sequence()));
        let kept = question.keep.map(Path::to_owned).zip(sealed);
        if let Some((folder, sealed)) = &kept {
            keep_report(journal, folder, sealed, branch.report.clone())?;
        }
        let page = match question.report {
            Some(folder) => folder.to_owned(),
            None => place(journal.path()),
        };
        let named =
            |label: &str, journal: Option<PathBuf>, folded| Run { label: label.to_string(), journal, folded };
        let runs = vec![
            named("recorded", Some(journal.path().to_owned()), recorded_run),
            named("what if", kept.as_ref().map(|(folder, _)| folder.clone()), branch),
        ];
        let comparison = Comparison::new(runs, journal, Wish::default())?;
        let found =
            WhatIf { recording, comparison, from: question.from, first, numbers, parted_at, kept, page };
        found.write()?;
        Ok(found)
    }

    fn write(&self) -> Result<(), Failure> {
        let title = format!("What if {}", self.changes().join(", "));
        let mut notes = vec![self.first_words()];
        notes.extend(self.live_words());
        self.comparison.write(&self.page, &title, &notes, &self.to_json()).map_err(|error| {
            let message = format!("cannot write the comparison into {}: {error}", self.page.display());
            Failure::new(Exit::Failed, message, "The journal is as it was.")
                .help("name another folder: --report DIR")
        })
    }

    /// `risk.max_per_trade 0.02 → 0.01`, one for each setting.
    fn changes(&self) -> Vec<String> {
        let later = self.comparison.runs[1].folded.settings().and_then(|settings| settings.later.as_deref());
        let rows: Vec<(String, String, String)> = match later {
            None => self
                .comparison
                .settings
                .iter()
                .map(|row| {
                    (
                        row.key.clone(),
                        settings::show(&row.key, &row.values[0]),
                        settings::show(&row.key, &row.values[1]),
                    )
                })
                .collect(),
            Some(_) => {
                let settings = self.comparison.runs[1].folded.settings().expect("it has them");
                let before = Settings { later: None, ..settings.clone() };
                settings::between(&before, &settings.in_the_end())
            }
        };
        let rows = rows.into_iter().filter(|(key, ..)| !key.starts_with("features.altered"));
        let features =
            self.comparison.runs[1].folded.settings().and_then(|settings| settings.features.as_ref());
        let altered = features.into_iter().flat_map(|features| &features.altered).map(altered_words);
        rows.map(|(key, was, is)| format!("{key} {was} → {is}")).chain(altered).collect()
    }

    /// `First difference at event 47,650: order 4, buy 500 → 475. Nothing before it changed.`
    fn first_words(&self) -> String {
        let Some(first) = &self.first else {
            return match &self.numbers {
                None => "No difference: every event is the same.".to_string(),
                Some(numbers) => format!(
                    "No difference in what it did. What it computed changed, first in {} at event {}.",
                    numbers.kind.name(),
                    format::count(numbers.number)
                ),
            };
        };
        let (sequence, number) = (first.sequence(), first.number());
        let before = match &self.numbers {
            None => "Nothing before it changed.".to_string(),
            Some(numbers) => format!(
                "Nothing that it did before changed; what it computed did, first in {} at event {}.",
                numbers.kind.name(),
                format::count(numbers.number)
            ),
        };
        format!(
            "First difference at event {}, sequence {}: {}.\n{before}",
            format::count(number),
            format::count(sequence.0),
            first.words(self.recording)
        )
    }

    fn live_words(&self) -> Option<String> {
        let parted = self.parted_at?;
        Some(format!(
            "It was a live run. At sequence {} it sent another command than was recorded, or none: from there on the\n\
             recorded answers of the venue are left out, and the simulated venue answered.",
            format::count(parted.0)
        ))
    }

    /// For a reader.
    pub fn text(&self) -> String {
        let mut text = self.changes().join(", ");
        if let Some(from) = self.from {
            text.push_str(&format!(", from sequence {} on", format::count(from.0)));
        }
        text.push_str("\n\n");
        let wanted =
            ["final equity", "drawdown", "trades closed", "orders", "orders reduced", "orders denied"];
        let find = |name: &str| self.comparison.counted.iter().find(|figure| figure.name == name);
        let mut rows = vec![["", "recorded", "what if", ""].map(String::from).to_vec()];
        let row = |figure: &Figure| {
            let value =
                |run: usize| figure.values[run].map_or("–".to_string(), |value| figure.unit.show(value));
            let difference = figure.difference(1).filter(|difference| *difference != 0.0);
            let difference =
                difference.map_or(String::new(), |difference| figure.unit.show_difference(difference));
            vec![figure.name.clone(), value(0), value(1), difference]
        };
        rows.extend(wanted.iter().filter_map(|name| find(name)).map(row));
        rows.push(row(&self.costs()));
        crate::compare::table(&mut text, &rows);
        text.push_str(&format!("{}\n", self.first_words()));
        if let Some(live) = self.live_words() {
            text.push_str(&format!("{live}\n"));
        }
        if let Some((folder, sealed)) = &self.kept {
            text.push_str(&format!(
                "Kept: {}   {} events   head {}\n",
                folder.display(),
                format::count(sealed.events),
                sealed.head_hash.short()
            ));
        }
        text.push_str(&format!("Compare: {}\n", self.page.join("report.html").display()));
        text
    }

    /// Spread, slippage and commission together.
    fn costs(&self) -> Figure {
        let of = |run: &Run| Some(run.folded.report.result.costs().as_f64());
        Figure {
            name: "costs".to_string(),
            unit: Unit::Money(self.comparison.digits()),
            values: self.comparison.runs.iter().map(of).collect(),
            intervals: Vec::new(),
            of_differences: Vec::new(),
        }
    }

    /// For a program.
    pub fn to_json(&self) -> Value {
        let step = |step: &Option<Step>| {
            step.as_ref().map(|step| {
                json!({
                    "event": step.number,
                    "sequence": step.event.header.sequence,
                    "kind": step.event.fact.kind().name(),
                    "text": step_words(self.recording, step),
                })
            })
        };
        json!({
            "journal": self.recording.journal.path(),
            "changes": self.changes(),
            "from": self.from,
            "first_difference": self.first.as_ref().map(|first| json!({
                "sequence": first.sequence(),
                "event": first.number(),
                "recorded": step(&first.recorded),
                "what_if": step(&first.what_if),
                "text": first.words(self.recording),
            })),
            "numbers_differ_before": self.numbers.map(|numbers| json!({
                "sequence": numbers.sequence,
                "event": numbers.number,
                "kind": numbers.kind.name(),
            })),
            "simulated_from": self.parted_at,
            "branch": self.kept.as_ref().map(|(folder, sealed)| json!({
                "journal": folder,
                "events": sealed.events,
                "head_hash": sealed.head_hash,
            })),
            "report": self.page.join("report.html"),
            "comparison": self.comparison.to_json(),
        })
    }
}

impl First {
    fn sequence(&self) -> Sequence {
        let of = |step: &Option<Step>| step.as_ref().map(|step| step.event.header.sequence);
        of(&self.recorded).into_iter().chain(of(&self.what_if)).min().unwrap_or(Sequence::NONE)
    }

    /// The number of the earlier of both.
    fn number(&self) -> u64 {
        let both = [&self.recorded, &self.what_if].into_iter().flatten();
        both.min_by_key(|step| step.event.header.sequence).map_or(0, |step| step.number)
    }

    /// `order 4, buy 500 → 475 XAUUSD`.
    fn words(&self, recording: &Recording) -> String {
        let what = |step: &Step| step_words(recording, step);
        let symbol = |step: &Step| recording.symbol(step.event.header.instrument);
        match (&self.recorded, &self.what_if) {
            (Some(recorded), Some(what_if)) => match (&recorded.event.fact, &what_if.event.fact) {
                (Fact::OrderSubmitted(a), Fact::OrderSubmitted(b))
                    if a.order == b.order && a.side == b.side =>
                {
                    format!(
                        "order {}, {} {} → {} {}",
                        a.order,
                        a.side.name(),
                        format::quantity(a.quantity),
                        format::quantity(b.quantity),
                        symbol(recorded)
                    )
                }
                (Fact::OrderSubmitted(a), Fact::OrderDenied(b)) if a.order == b.order => format!(
                    "order {}, {} {} {} → denied by {}",
                    a.order,
                    a.side.name(),
                    format::quantity(a.quantity),
                    symbol(recorded),
                    b.rule.name()
                ),
                (Fact::OrderDenied(a), Fact::OrderSubmitted(b)) if a.order == b.order => format!(
                    "order {}, denied by {} → {} {} {}",
                    a.order,
                    a.rule.name(),
                    b.side.name(),
                    format::quantity(b.quantity),
                    symbol(what_if)
                ),
                _ if what(recorded) == what(what_if) => format!(
                    "{} at {} → at {}",
                    what(recorded),
                    when::clock(recorded.event.header.time_received),
                    when::clock(what_if.event.header.time_received)
                ),
                _ => format!("{} → {}", what(recorded), what(what_if)),
            },
            (Some(recorded), None) => format!("{} → nothing more", what(recorded)),
            (None, Some(what_if)) => format!("nothing more → {}", what(what_if)),
            (None, None) => String::new(),
        }
    }
}

/// A step in a few words: `decided to hold long 500 XAUUSD`, `OrderFilled order 3: …`.
fn step_words(recording: &Recording, step: &Step) -> String {
    match &step.event.fact {
        Fact::DecisionMade(decision) => {
            let actions: Vec<String> =
                decision.actions.iter().map(|one| words::action(recording, one)).collect();
            format!("decided to {}", actions.join("; "))
        }
        fact => format!("{} {}", fact.kind().name(), words::event(recording, &step.event)),
    }
}

/// The first place where two runs did something else.
fn first_difference(recorded: &[Step], branch: &[Step]) -> Option<First> {
    let alike = recorded.iter().zip(branch).take_while(|(a, b)| a.is_same(b)).count();
    let (recorded, what_if) = (recorded.get(alike).cloned(), branch.get(alike).cloned());
    (recorded.is_some() || what_if.is_some()).then_some(First { recorded, what_if })
}

/// The settings of the branch.
fn changed(recorded: &Settings, question: &Question<'_>, context: &Context) -> Result<Settings, Failure> {
    let usage = |message: String| Failure::new(Exit::Usage, message, NOTHING);
    if recorded.later.is_some() {
        return Err(usage("this journal is itself a what-if whose settings change in mid-run".to_string())
            .help("branch the journal that it came from, with all changes at once"));
    }
    let mut changed = scenario::change(recorded, question.sets, &context.registry)?;
    alter(&mut changed, question)?;
    if changed == *recorded {
        let help = "name a setting and a value that the run did not have: --set risk.max_per_trade=\"1 %\"";
        return Err(usage("nothing would change: the run had these settings".to_string()).help(help));
    }
    let Some(from) = question.from else { return Ok(changed) };
    let Settings { trigger, strategy, risk, venue, .. } = changed.clone();
    let others = Settings { features: recorded.features.clone(), ..changed.clone() };
    let features = changed.features.clone();
    if others == *recorded {
        return Ok(changed);
    }
    let back = |settings: &Settings| Settings {
        trigger: recorded.trigger,
        strategy: recorded.strategy.clone(),
        risk: recorded.risk.clone(),
        venue: recorded.venue.clone(),
        ..settings.clone()
    };
    if let Some((key, ..)) = settings::between(recorded, &back(&others)).first() {
        let message = format!("`{key}` cannot change in the middle of a run: what came before depends on it");
        return Err(usage(message).help("leave --from out: then it holds from the beginning"));
    }
    let later = Some(Box::new(Later { from, trigger, strategy, risk, venue }));
    Ok(Settings { later, features, ..recorded.clone() })
}

/// Takes columns away and delays them.
fn alter(settings: &mut Settings, question: &Question<'_>) -> Result<(), Failure> {
    let drop = |column: &String| (column.clone(), Change::Drop);
    let shift = |(column, vectors): &(String, u32)| (column.clone(), Change::Shift(*vectors));
    let changes: Vec<(String, Change)> =
        question.dropped.iter().map(drop).chain(question.shifted.iter().map(shift)).collect();
    let Some((first, _)) = changes.first() else { return Ok(()) };
    let usage = |message: String| Failure::new(Exit::Usage, message, NOTHING);
    let Some(features) = &mut settings.features else {
        let help = "a run has columns by the section [features] of its scenario";
        return Err(
            usage(format!("the run has no column `{first}`: it has none of the catalogue")).help(help)
        );
    };
    let columns = layout::columns(features).unwrap_or_default();
    for (column, change) in changes {
        if !columns.iter().any(|known| known.id == column) {
            let help = match did_you_mean(&column, columns.iter().map(|column| column.id.as_str())) {
                Some(guess) => format!("did you mean `{guess}`?"),
                None => format!("it has {} columns of the catalogue and its own", columns.len()),
            };
            return Err(usage(format!("the run has no column `{column}`")).help(help));
        }
        let from = question.from.unwrap_or_default();
        features.altered.push(AlteredColumn { column, change, from });
    }
    Ok(())
}

/// `rsi_14@1m dropped`, `rsi_14@1m as 5 vectors before`.
fn altered_words(altered: &AlteredColumn) -> String {
    match altered.change {
        Change::Drop => format!("{} dropped", altered.column),
        Change::Shift(1) => format!("{} as 1 vector before", altered.column),
        Change::Shift(vectors) => format!("{} as {vectors} vectors before", altered.column),
    }
}

type Events = Box<dyn Iterator<Item = Result<Event, WorldError>> + Send>;

fn events(journal: &Journal) -> Events {
    Box::new(journal.events().map(|event| event.map_err(WorldError::new)))
}

/// Tells how far a recording is read.
struct Counted {
    events: Events,
    tally: Arc<Tally>,
    read: u64,
}

impl Iterator for Counted {
    type Item = Result<Event, WorldError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read += 1;
        if self.read.is_multiple_of(1_024) {
            self.tally.add(1_024, 1_024);
        }
        self.events.next()
    }
}

/// The log of the branch: it folds, compares until the first difference, and writes if the branch is kept.
struct Branch {
    fold: Folder,
    /// The recording, until the first event that is not equal.
    recorded: Option<Events>,
    number: u64,
    numbers: Option<Numbers>,
    writer: Option<QueuedLog<Writer>>,
    bytes: [Vec<u8>; 2],
}

impl Branch {
    fn compare(&mut self, event: &Event) -> Result<(), LogError> {
        let Some(recorded) = &mut self.recorded else { return Ok(()) };
        let recorded = recorded.next().transpose().map_err(|error| LogError(error.0))?;
        // The first event names the settings: it always differs.
        let equal = match &recorded {
            _ if event.fact.kind() == Kind::RunStarted => true,
            Some(recorded) if recorded.fact.kind().is_market() => recorded == event,
            Some(recorded) => {
                for (bytes, event) in self.bytes.iter_mut().zip([recorded, event]) {
                    bytes.clear();
                    canonical::encode(event, bytes);
                }
                self.bytes[0] == self.bytes[1]
            }
            None => false,
        };
        if !equal {
            let header = recorded.as_ref().map_or(&event.header, |recorded| &recorded.header);
            let sequence = header.sequence.min(event.header.sequence);
            let first =
                recorded.as_ref().filter(|recorded| recorded.header.sequence <= event.header.sequence);
            let kind = first.unwrap_or(event).fact.kind();
            self.numbers = Some(Numbers { sequence, number: self.number, kind });
            self.recorded = None;
        }
        Ok(())
    }
}

impl Log for Branch {
    fn append(&mut self, event: &Event) -> Result<(), LogError> {
        self.number += 1;
        self.fold.observe(event);
        self.compare(event)?;
        match &mut self.writer {
            Some(writer) => writer.append(event),
            None => Ok(()),
        }
    }

    fn commit(&mut self) -> Result<(), LogError> {
        Ok(())
    }
}

/// What lies beside every journal: its report, and where its data is.
fn keep_report(
    journal: &Journal,
    folder: &Path,
    sealed: &Sealed,
    mut figures: report::Report,
) -> Result<(), Failure> {
    figures.identity.head_hash = Some(sealed.head_hash);
    figures.identity.journal = Some(folder.display().to_string());
    let note = journal.path().join(provenance::FILE);
    if note.exists() {
        let _ = fs::copy(note, folder.join(provenance::FILE));
    }
    report::write(folder, &figures).map_err(|error| {
        let message = format!("cannot write the report into {}: {error}", folder.display());
        Failure::new(Exit::Failed, message, format!("The branch is whole: {}", folder.display()))
    })
}

/// The first free folder for a comparison beside the journal: `whatif-1`, `whatif-2`, ….
fn place(journal: &Path) -> PathBuf {
    let mut places = (1_u32..).map(|number| journal.join(format!("whatif-{number}")));
    places.find(|place| !place.exists()).expect("numbers do not end")
}
