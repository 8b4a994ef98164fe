//! `genovo audit`: proves a journal, shows it, explains a decision, compares two runs.

mod report;

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand};
use genovo_engine::ids::{OrderId, Sequence};

use super::{Context, say};
use crate::audit::attribution::Asked as Attributed;
use crate::audit::explain::{ExplainedEvent, ExplainedOrder, Proof};
use crate::audit::export::{self, Subject, TableFormat};
use crate::audit::recording::{NOTHING, Numbered, Recording};
use crate::audit::show::{self, Bound, Selection};
use crate::audit::whatif::{Question as Asked, WhatIf};
use crate::audit::{diff, json, tail, vector, verify};
use crate::backend::BackendArgument;
use crate::error::{Exit, Failure};
use crate::models::ModelArgument;
use crate::progress::EventBar;
use crate::report::format;
use crate::runs;

/// Prove a journal, show what is in it, explain a decision down to the tick that caused it.
#[derive(Args, Debug)]
#[command(arg_required_else_help = true, after_help = EXAMPLES)]
pub struct Audit {
    #[command(subcommand)]
    question: Question,
}

const EXAMPLES: &str = "\
JOURNAL is a run's directory, or `last` for the newest under runs/.
Examples:
  genovo audit verify last
  genovo audit explain last --order 12
  genovo audit show last --kind OrderFilled
  genovo audit tail last
  genovo audit diff runs/gold-5ffe runs/gold-5ffe-2
  genovo audit report last --key officer.key
  genovo audit whatif last --set risk.max_per_trade=\"1 %\"";

#[derive(Debug, Subcommand)]
enum Question {
    Verify(Verify),
    Show(Show),
    Tail(Tail),
    Explain(Explain),
    Diff(Diff),
    Export(Export),
    Report(report::Report),
    Whatif(Whatif),
}

impl Audit {
    /// Runs the command.
    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        match &self.question {
            Question::Verify(verify) => verify.run(context),
            Question::Show(show) => show.run(context),
            Question::Tail(tail) => tail.run(context),
            Question::Explain(explain) => explain.run(context),
            Question::Diff(diff) => diff.run(context),
            Question::Export(export) => export.run(context),
            Question::Report(report) => report.run(context),
            Question::Whatif(whatif) => whatif.run(context),
        }
    }
}

/// Recompute the chain from the first event and compare every file with its seal.
///
/// Of a journal that is not sealed, say how far it is whole.
#[derive(Args, Debug)]
#[command(after_help = VERIFY_EXAMPLES)]
struct Verify {
    /// The journal, or `last`.
    journal: PathBuf,
    /// Make the store anew from chapter.blocks if only the store differs.
    #[arg(long)]
    rebuild: bool,
}

const VERIFY_EXAMPLES: &str = "\
Examples:
  genovo audit verify last
  genovo audit verify runs/gold-5ffe --json
  genovo audit verify runs/gold-5ffe --rebuild";

impl Verify {
    fn run(&self, context: &Context) -> Result<(), Failure> {
        let journal = runs::resolve(&self.journal)?;
        if let Some(extent) = verify::extent(&journal)? {
            if context.json {
                context.answer(&verify::extent_json(&journal, &extent))?;
            }
            return Err(verify::incomplete(&journal, &extent));
        }
        let rebuilt = self.rebuild && verify::rebuild(&journal)?;
        let found = verify::verify(&journal)?;
        let failure = verify::failure(&found);
        if context.json {
            context.answer(&verify::to_json(&found))?;
        } else if failure.is_none() {
            if self.rebuild {
                say(if rebuilt {
                    "The store was made anew.\n"
                } else {
                    "The store needed no rebuilding.\n"
                })?;
            }
            say(&verify::text(&found))?;
        }
        failure.map_or(Ok(()), Err)
    }
}

/// Show the events of a journal, one a line.
#[derive(Args, Debug)]
#[command(after_help = SHOW_EXAMPLES)]
struct Show {
    /// The journal, or `last`.
    journal: PathBuf,
    /// The first event: its number, or a time of arrival.
    #[arg(long, value_name = "N|TIME", value_parser = Bound::parse)]
    from: Option<Bound>,
    /// The last event: its number, or a time of arrival.
    #[arg(long, value_name = "N|TIME", value_parser = Bound::parse)]
    to: Option<Bound>,
    /// Only these kinds, such as OrderFilled; case does not matter.
    #[arg(long, value_name = "KIND", num_args = 1.., value_delimiter = ',')]
    kind: Vec<String>,
    /// Only events that name this order.
    #[arg(long, value_name = "N")]
    order: Option<u64>,
    /// Only this instrument.
    #[arg(long, value_name = "NAME")]
    symbol: Option<String>,
    /// One event in full.
    #[arg(long, value_name = "N", value_parser = number)]
    #[arg(conflicts_with_all = ["from", "to", "kind", "order", "symbol"])]
    event: Option<u64>,
    /// The feature vector that the event with this number is, whole and by family.
    #[arg(long, value_name = "N", value_parser = number)]
    #[arg(conflicts_with_all = ["from", "to", "kind", "order", "symbol", "event"])]
    features: Option<u64>,
    /// The most events shown; 0 for all.
    #[arg(long, value_name = "COUNT", default_value_t = 50)]
    limit: u64,
}

const SHOW_EXAMPLES: &str = "\
With --json, every event is a JSON object in a line of its own.
Examples:
  genovo audit show last --from 286,641 --limit 10
  genovo audit show last --from \"2014-05-02 14:30\" --kind BarClosed DecisionMade
  genovo audit show last --kind OrderFilled --limit 0 --json
  genovo audit show last --order 12
  genovo audit show last --event 286,641
  genovo audit show last --features 286,650";

/// A number that may have separators, as events are printed.
fn number(text: &str) -> Result<u64, String> {
    text.replace([',', '_'], "").parse().map_err(|_| "is not the number of an event".to_string())
}

impl Show {
    fn run(&self, context: &Context) -> Result<(), Failure> {
        let recording = Recording::open(&runs::resolve(&self.journal)?)?;
        let print = |one: &Numbered| match context.json {
            true => say(&format!("{}\n", json::event(&recording, one))),
            false => say(&show::row(&recording, one)),
        };
        if let Some(number) = self.event {
            let one = event(&recording, number)?;
            return match context.json {
                true => print(&one),
                false => say(&show::in_full(&recording, &one)),
            };
        }
        if let Some(number) = self.features {
            let families = vector::by_family(&recording, &event(&recording, number)?)?;
            return match context.json {
                true => context.answer(&vector::to_json(&families)),
                false => say(&vector::to_text(&families)),
            };
        }
        let kinds = self.kind.iter().map(|name| show::kind(name)).collect::<Result<Vec<_>, _>>()?;
        let symbol = self.symbol.as_deref().map(|symbol| recording.instrument(symbol)).transpose()?;
        let selection = Selection {
            from: self.from,
            to: self.to,
            kinds,
            order: self.order.map(OrderId),
            instrument: symbol,
            limit: self.limit,
        };
        let mut shown = 0_u64;
        let more = show::select(&recording, &selection, |one| {
            shown += 1;
            print(one)
        })?;
        match (context.json, shown, more) {
            (false, 0, _) => say("No event fits.\n"),
            (false, _, true) => say(&format!("The first {}: --limit 0 shows all.\n", format::count(shown))),
            _ => Ok(()),
        }
    }
}

/// Show the last events of a journal, then those that come, until it is sealed.
///
/// No lock is taken: whoever writes the journal is not disturbed.
#[derive(Args, Debug)]
#[command(after_help = TAIL_EXAMPLES)]
struct Tail {
    /// The journal, or `last`.
    journal: PathBuf,
    /// How many of the events that are there are shown.
    #[arg(short = 'n', long = "lines", value_name = "COUNT", default_value_t = 10)]
    lines: usize,
    /// Only these kinds, such as OrderFilled; case does not matter.
    #[arg(long, value_name = "KIND", num_args = 1.., value_delimiter = ',')]
    kind: Vec<String>,
    /// Only this instrument.
    #[arg(long, value_name = "NAME")]
    symbol: Option<String>,
    /// End with the last event that is there.
    #[arg(long)]
    no_follow: bool,
}

const TAIL_EXAMPLES: &str = "\
With --json, every event is a JSON object in a line of its own.
Examples:
  genovo audit tail last
  genovo audit tail last -n 0 --kind OrderSubmitted OrderFilled
  genovo audit tail runs/live-1 --symbol XAUUSD --json
  genovo audit tail runs/live-1 -n 100 --no-follow";

impl Tail {
    fn run(&self, context: &Context) -> Result<(), Failure> {
        let journal = runs::resolve(&self.journal)?;
        let kinds = self.kind.iter().map(|name| show::kind(name)).collect::<Result<Vec<_>, _>>()?;
        let tail = tail::Tail {
            last: self.lines,
            kinds,
            symbol: self.symbol.clone(),
            json: context.json,
            follow: !self.no_follow,
        };
        match tail.run(&journal)? {
            tail::End::Written => eprintln!("! the journal is incomplete: it is being written"),
            tail::End::Interrupted => eprintln!("! the journal is incomplete: its run was interrupted"),
            tail::End::Sealed | tail::End::Unread => {}
        }
        Ok(())
    }
}

/// The event with a number, or an error that says which numbers there are.
fn event(recording: &Recording, number: u64) -> Result<Numbered, Failure> {
    recording.by_number(number)?.ok_or_else(|| {
        let path = recording.journal.path().display();
        let events = format::count(recording.journal.summary().events);
        let message = format!("{path} has no event {}", format::count(number));
        Failure::new(Exit::Usage, message, NOTHING).help(format!("its events are 1 to {events}"))
    })
}

/// Explain an order or an event: what led to it, what it met, what became of it, and the proof.
#[derive(Args, Debug)]
#[command(after_help = EXPLAIN_EXAMPLES)]
#[command(group = ArgGroup::new("what").required(true).args(["order", "event", "sequence"]))]
struct Explain {
    /// The journal, or `last`.
    journal: PathBuf,
    /// The order with this number, denied ones included.
    #[arg(long, value_name = "N", value_parser = number)]
    order: Option<u64>,
    /// The event with this number.
    #[arg(long, value_name = "N", value_parser = number)]
    event: Option<u64>,
    /// The event at this sequence.
    #[arg(long, value_name = "N", value_parser = number)]
    sequence: Option<u64>,
    /// Show every risk rule with its numbers.
    #[arg(long, requires = "order")]
    rules: bool,
    /// Only this instrument: what followed from an event on it; an order of another is an error.
    #[arg(long, value_name = "NAME")]
    symbol: Option<String>,
    /// Do not recompute the run.
    #[arg(long)]
    no_proof: bool,
    #[command(flatten)]
    attributed: Attributed,
    #[command(flatten)]
    model: ModelArgument,
    #[command(flatten)]
    backend: BackendArgument,
}

const EXPLAIN_EXAMPLES: &str = "\
Examples:
  genovo audit explain last --order 12
  genovo audit explain last --order 12 --rules
  genovo audit explain last --event 286,641
  genovo audit explain last --event 286,641 --symbol XAUUSD
  genovo audit explain last --order 12 --of median --top 20 --flips 10
  genovo audit explain last --order 12 --json";

impl Explain {
    fn run(&self, context: &Context) -> Result<(), Failure> {
        self.model.tell(context);
        self.backend.tell(context, NOTHING)?;
        let recording = Recording::open(&runs::resolve(&self.journal)?)?;
        let only = self.symbol.as_deref().map(|symbol| recording.instrument(symbol)).transpose()?;
        let proof = || match self.no_proof {
            true => Ok(Proof::NotAsked),
            false => Proof::of(&recording, context),
        };
        let asked = (&self.attributed, context);
        if let Some(order) = self.order {
            let explained = ExplainedOrder::new(&recording, OrderId(order), self.rules, asked, proof)?;
            if only.is_some_and(|wanted| wanted != explained.instrument()) {
                let symbol = recording.symbol(explained.instrument());
                let message = format!("order {order} is one of {symbol}");
                return Err(Failure::new(Exit::Usage, message, NOTHING).help(format!("--symbol {symbol}")));
            }
            match context.json {
                true => context.answer(&explained.to_json())?,
                false => say(&explained.text())?,
            }
            return explained.failure().map_or(Ok(()), Err);
        }
        let one = match (self.event, self.sequence) {
            (Some(number), _) => event(&recording, number)?,
            (None, sequence) => {
                let sequence = sequence.expect("the command line asks for one of the three");
                recording.at(Sequence(sequence))?.ok_or_else(|| {
                    let path = recording.journal.path().display();
                    let message = format!("{path} has no event at sequence {sequence}");
                    Failure::new(Exit::Usage, message, NOTHING)
                        .help("audit show --event N shows the sequence of event N")
                })?
            }
        };
        let explained = ExplainedEvent::new(&recording, one, only, asked, proof()?)?;
        match context.json {
            true => context.answer(&explained.to_json())?,
            false => say(&explained.text()?)?,
        }
        explained.failure().map_or(Ok(()), Err)
    }
}

/// Compare two journals event by event.
#[derive(Args, Debug)]
#[command(after_help = DIFF_EXAMPLES)]
struct Diff {
    /// A journal, or `last`.
    #[arg(value_name = "A")]
    first: PathBuf,
    /// Another.
    #[arg(value_name = "B")]
    second: PathBuf,
    /// The most differences shown.
    #[arg(long, value_name = "COUNT", default_value_t = 10)]
    limit: usize,
}

const DIFF_EXAMPLES: &str = "\
Exit code 0 when every event is equal, 3 when one differs.
Examples:
  genovo audit diff runs/gold-5ffe runs/gold-5ffe-2
  genovo audit diff runs/gold-5ffe last --limit 3 --json";

impl Diff {
    fn run(&self, context: &Context) -> Result<(), Failure> {
        let (first, second) = (runs::resolve(&self.first)?, runs::resolve(&self.second)?);
        let compared = diff::compare(&first, &second, self.limit.max(1))?;
        match context.json {
            true => context.answer(&compared.to_json()?)?,
            false => say(&compared.text()?)?,
        }
        compared.failure().map_or(Ok(()), Err)
    }
}

/// Write the events of one subject as a table for other programs.
#[derive(Args, Debug)]
#[command(after_help = EXPORT_EXAMPLES)]
struct Export {
    /// The journal, or `last`.
    journal: PathBuf,
    /// What is exported.
    #[arg(long, value_enum)]
    kind: Subject,
    /// How it is written.
    #[arg(long, value_enum, default_value = "csv")]
    format: TableFormat,
    /// The file, which is replaced if it is there [default: standard output; Parquet needs a file].
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

const EXPORT_EXAMPLES: &str = "\
docs/audit.md lists the columns of every kind. Prices, quantities and money are exact in every format.
Examples:
  genovo audit export last --kind fills
  genovo audit export last --kind quotes --format parquet --out quotes.parquet
  genovo audit export last --kind decisions --format jsonl | head -3";

impl Export {
    fn run(&self, context: &Context) -> Result<(), Failure> {
        if self.out.is_none() && self.format == TableFormat::Parquet {
            return Err(Failure::new(Exit::Usage, "a Parquet file cannot go to standard output", NOTHING)
                .help("name a file: --out FILE"));
        }
        if self.out.is_none() && context.json {
            return Err(Failure::new(Exit::Usage, "--json tells of an export to a file", NOTHING)
                .help("name a file with --out, or take --format jsonl without --json"));
        }
        let journal = runs::resolve(&self.journal)?;
        let recording = Recording::open(&journal)?;
        let events = recording.journal.summary().events;
        let bar = EventBar::start("exporting", events, context.json || self.out.is_none());
        let rows = export::export(&recording, self.kind, self.format, self.out.as_deref(), |at| bar.at(at));
        bar.finish();
        let (rows, Some(out)) = (rows?, &self.out) else { return Ok(()) };
        match context.json {
            true => context.answer(&serde_json::json!({ "journal": journal, "rows": rows, "out": out })),
            false => say(&format!("{} rows to {}\n", format::count(rows), out.display())),
        }
    }
}

/// Run a recorded run's market again under other settings, beside what it was.
#[derive(Args, Debug)]
#[command(after_help = WHATIF_EXAMPLES)]
struct Whatif {
    /// The journal, or `last`. It is only read.
    journal: PathBuf,
    /// A setting that is to be another, such as risk.max_per_trade="1 %"; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE", required_unless_present_any = ["drop_feature", "shift_feature"])]
    set: Vec<String>,
    /// A column of features that is to be unknown; may be repeated.
    #[arg(long, value_name = "COLUMN")]
    drop_feature: Vec<String>,
    /// A column that is to show what it was so many vectors before, such as rsi_14@1m=5; may be repeated.
    #[arg(long, value_name = "COLUMN=VECTORS", value_parser = shift)]
    shift_feature: Vec<(String, u32)>,
    /// From this input on: its sequence, or a time of arrival [default: the beginning].
    #[arg(long, value_name = "SEQUENCE|TIME", value_parser = Bound::parse)]
    from: Option<Bound>,
    /// From the event with this number on.
    #[arg(long, value_name = "N", value_parser = number, conflicts_with = "from")]
    from_event: Option<u64>,
    /// Keep the branch as a journal: a new or empty directory.
    #[arg(long = "journal", value_name = "DIR")]
    keep: Option<PathBuf>,
    /// Where the comparison's page goes [default: whatif-N in the journal's directory].
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
    #[command(flatten)]
    model: ModelArgument,
    #[command(flatten)]
    backend: BackendArgument,
}

const WHATIF_EXAMPLES: &str = "\
The settings change at --from and not before: strategy, limits, venue, and when it decides. Without --from anything
but the data can be another. On a live run the recorded answers hold until the first command that differs; then the
simulated venue takes over, and the answer says so.
Examples:
  genovo audit whatif last --set risk.max_per_trade=\"1 %\"
  genovo audit whatif last --set venue.latency=\"50 ms\" --set venue.slippage=\"2 ticks\"
  genovo audit whatif last --set strategy.quantity=250 --from \"2014-05-05 08:00\"
  genovo audit whatif last --set strategy.fast=9 --from-event 286,641 --journal runs/what-if
  genovo audit whatif last --drop-feature rsi_14@1m --shift-feature spread=5";

/// `rsi_14@1m=5`.
fn shift(text: &str) -> Result<(String, u32), String> {
    let wrong = || "write a column and a number of vectors from 1 to 100,000: rsi_14@1m=5".to_string();
    let (column, vectors) = text.rsplit_once('=').ok_or_else(wrong)?;
    match vectors.trim().parse() {
        Ok(vectors @ 1..=100_000) => Ok((column.trim().to_string(), vectors)),
        _ => Err(wrong()),
    }
}

impl Whatif {
    fn run(&self, context: &Context) -> Result<(), Failure> {
        self.model.tell(context);
        self.backend.tell(context, NOTHING)?;
        let recording = Recording::open(&runs::resolve(&self.journal)?)?;
        let from = self.from(&recording)?;
        let question = Asked {
            sets: &self.set,
            dropped: &self.drop_feature,
            shifted: &self.shift_feature,
            from,
            keep: self.keep.as_deref(),
            report: self.report.as_deref(),
            machine: super::replay::Machine::of_this_machine()?,
        };
        let found = WhatIf::ask(&recording, question, context)?;
        match context.json {
            true => context.answer(&found.to_json()),
            false => say(&found.text()),
        }
    }

    /// The sequence from which the settings are others.
    fn from(&self, recording: &Recording) -> Result<Option<Sequence>, Failure> {
        let nothing = "Nothing was recomputed.";
        let past =
            |what: String| Failure::new(Exit::Usage, format!("{what} comes after the last event"), nothing);
        match (self.from, self.from_event) {
            (Some(Bound::Number(sequence)), _) => {
                let last = recording.journal.summary().last_sequence;
                let failure = || past(format!("sequence {sequence}"));
                (sequence <= last.0).then_some(Some(Sequence(sequence))).ok_or_else(failure)
            }
            (Some(Bound::Time(time)), _) => {
                let at = recording.journal.sequence_at(time);
                let mut events = at.into_iter().flat_map(|first| recording.journal.events_from(first));
                let reached = events.find(|event| match event {
                    Ok(event) => event.header.time_received >= time && event.header.sequence.is_input(),
                    Err(_) => true,
                });
                let reached = reached.transpose().map_err(crate::audit::recording::failed)?;
                let reached = reached.ok_or_else(|| past("the time".to_string()))?;
                Ok(Some(reached.header.sequence))
            }
            (None, Some(number)) => Ok(Some(event(recording, number)?.sequence())),
            (None, None) => Ok(None),
        }
    }
}
