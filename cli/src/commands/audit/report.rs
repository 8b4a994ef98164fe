//! `genovo audit report`: journals as a document for a risk officer or an auditor, signed.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use genovo_engine::ids::Hash;
use genovo_engine::units::Timestamp;
use genovo_kernels::cpu::CpuLevel;

use super::super::{Context, say};
use crate::audit::pack::{Fold, PURPOSE, Pack, Proof, page};
use crate::audit::recording::Recording;
use crate::audit::{verify, when};
use crate::backend::BackendArgument;
use crate::error::{Exit, Failure};
use crate::models::ModelArgument;
use crate::progress::EventBar;
use crate::report::{Moment, format};
use crate::runs;
use crate::signing::{NotSigned, SecretKey, Signed, beside};

/// Events between two steps of the bar.
const BAR_EVERY: u64 = 10_000;
const NOTHING: &str = "No report was written.";

/// Write what an auditor asks of journals, as one HTML page and one JSON file, signed.
///
/// Controls in force and every change of them, what each rule held back, incidents, what the operator said, requests
/// and approvals, orders and fills, head hashes and what they prove. The same journals give the same bytes.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Report {
    /// The journals, or `last` [default: last].
    #[arg(value_name = "JOURNAL")]
    journals: Vec<PathBuf>,
    /// Only what arrived from this time on: 2014-05-02T14:30:00Z or "2014-05-02 14:30" (UTC).
    #[arg(long, value_name = "TIME", value_parser = time)]
    from: Option<Timestamp>,
    /// Only what arrived until this time.
    #[arg(long, value_name = "TIME", value_parser = time)]
    to: Option<Timestamp>,
    /// Sign both files with this secret key.
    #[arg(long, value_name = "KEYFILE")]
    key: Option<PathBuf>,
    /// Where audit.html and audit.json go; made if it is missing.
    #[arg(long, value_name = "DIR", default_value = "audit")]
    out: PathBuf,
    /// Do not recompute the runs: their chains and files are checked all the same.
    #[arg(long)]
    no_replay: bool,
    /// When the report was made: it stands there as it is written here, and nothing else tells a time of making.
    #[arg(long, value_name = "TEXT")]
    made: Option<String>,
    /// Check the signature of a report's file, and nothing else.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["journals", "from", "to", "key", "made"])]
    check: Option<PathBuf>,
    #[command(flatten)]
    model: ModelArgument,
    #[command(flatten)]
    backend: BackendArgument,
}

const EXAMPLES: &str = "\
Examples:
  genovo audit report last
  genovo audit report runs/live-1 runs/live-2 --from 2026-11-02 --to 2026-11-09 --key officer.key --out audit-45
  genovo audit report --check audit-45/audit.json";

fn time(text: &str) -> Result<Timestamp, String> {
    when::parse(text).ok_or_else(|| "write 2014-05-02T14:30:00Z or \"2014-05-02 14:30\"".to_string())
}

impl Report {
    /// Runs the command.
    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        if let Some(file) = &self.check {
            return check(file, context);
        }
        if let (Some(from), Some(to)) = (self.from, self.to)
            && from > to
        {
            let message = format!("--from {} is after --to {}", Moment(from), Moment(to));
            return Err(Failure::new(Exit::Usage, message, NOTHING).help("write the earlier one as --from"));
        }
        self.model.tell(context);
        self.backend.tell(context, NOTHING)?;
        let key = self.key.as_deref().map(|path| SecretKey::read(path, NOTHING)).transpose()?;
        let last = [PathBuf::from("last")];
        let named = if self.journals.is_empty() { &last[..] } else { &self.journals };
        let journals = named.iter().map(|journal| self.fold(journal, context)).collect::<Result<_, _>>()?;
        let pack = Pack {
            format: "genovo audit report 1",
            made: self.made.clone(),
            from: self.from.map(Moment),
            to: self.to.map(Moment),
            journals,
        };
        let mut json = serde_json::to_string_pretty(&pack).map_err(|error| failed(&error.to_string()))?;
        json.push('\n');
        let html = page::page(&pack, Hash(*blake3::hash(json.as_bytes()).as_bytes()));
        let mut written = Vec::new();
        fs::create_dir_all(&self.out).map_err(|error| failed(&format!("{}: {error}", self.out.display())))?;
        for (name, text) in [("audit.json", &json), ("audit.html", &html)] {
            let path = self.out.join(name);
            write(&path, text)?;
            let signature = beside(&path, "sig");
            match &key {
                Some(key) => write(&signature, &Signed::new(key, PURPOSE, text.as_bytes()).to_text())?,
                // One of an earlier report would say that this one was altered.
                None => drop(fs::remove_file(&signature)),
            }
            written.push(path);
        }
        let broken = pack.journals.iter().find_map(|one| {
            let what = match (one.proof.intact, one.proof.differs) {
                (false, _) => "is not as it was sealed",
                (true, true) => "does not come to the same when it is recomputed",
                (true, false) => return None,
            };
            let message = format!("{} {what}", one.journal);
            Some(Failure::new(Exit::Difference, message, "The report was written and says so."))
        });
        let not_recomputed = || {
            let (journal, (exit, why, help)) =
                pack.journals.iter().find_map(|one| Some((&one.journal, one.proof.impossible.as_ref()?)))?;
            let message = format!("{journal} could not be recomputed: {why}");
            let failure = Failure::new(*exit, message, "The report was written and says so.");
            let without =
                (*exit != Exit::Difference).then(|| "leave the recomputing out: --no-replay".to_owned());
            let help: Vec<String> = help.iter().cloned().chain(without).collect();
            Some(if help.is_empty() { failure } else { failure.help(help.join("; ")) })
        };
        let lacking = broken.or_else(not_recomputed);
        if context.json {
            context.answer(&serde_json::json!({
                "html": written[1],
                "json": written[0],
                "signed_by": key.as_ref().map(SecretKey::public),
                "report": pack,
            }))?;
        } else {
            let signed = key
                .map_or("not signed: --key KEYFILE".to_string(), |key| format!("signed by {}", key.public()));
            say(&format!("  {}\n  {}   {signed}\n", page::sentence(&pack), written[1].display()))?;
        }
        lacking.map_or(Ok(()), Err)
    }

    fn fold(&self, journal: &Path, context: &Context) -> Result<crate::audit::pack::Audited, Failure> {
        let path = runs::resolve(journal)?;
        if let Some(extent) = verify::extent(&path)? {
            return Err(verify::incomplete(&path, &extent));
        }
        let found = verify::verify(&path)?;
        let name = path.file_name().map_or(String::new(), |name| name.to_string_lossy().into_owned());
        let mut fold = Fold::new(name, self.from, self.to);
        let mut proof = Proof {
            head: found.head_hash,
            events: found.events,
            intact: found.intact(),
            problem: found.first_damage.as_ref().map(|damage| damage.problem.to_string()),
            recomputed: "not asked for".to_string(),
            differs: false,
            impossible: None,
        };
        if !proof.intact {
            // Nothing is told from a journal that is not what it was.
            proof.recomputed = "no: the journal is not intact".to_string();
            return Ok(fold.finish(proof));
        }
        let recording = Recording::open(&path)?;
        let bar = EventBar::start("reading", recording.journal.summary().events, context.json);
        for (event, number) in recording.journal.events().zip(1..) {
            fold.observe(&event.map_err(crate::audit::recording::failed)?);
            if number % BAR_EVERY == 0 {
                bar.at(number);
            }
        }
        bar.finish();
        if !self.no_replay {
            proof.recomputed = match crate::verify::recompute(&recording.journal, CpuLevel::detect(), context)
            {
                Ok(found) => match found.difference {
                    None => format!("{} events, equal bit for bit", format::count(found.events)),
                    Some(difference) => {
                        proof.differs = true;
                        format!("DIFFERS from sequence {} on", difference.sequence)
                    }
                },
                Err(failure) => {
                    let why = format!("no: {}", failure.message);
                    // Settings that are damaged are a difference; that it lacks something is no wrong usage.
                    let exit = if failure.exit == Exit::Difference { Exit::Difference } else { Exit::Failed };
                    proof.impossible = Some((exit, failure.message, failure.help));
                    why
                }
            };
        }
        Ok(fold.finish(proof))
    }
}

fn failed(message: &str) -> Failure {
    Failure::new(Exit::Failed, format!("cannot write the report: {message}"), NOTHING)
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    fs::write(path, text).map_err(|error| failed(&format!("{}: {error}", path.display())))
}

/// Whether a report's file is as it was signed, and who signed it.
fn check(file: &Path, context: &Context) -> Result<(), Failure> {
    let usage = |message: String| Failure::new(Exit::Usage, message, "Nothing was checked.");
    let bytes = fs::read(file).map_err(|error| usage(format!("cannot read {}: {error}", file.display())))?;
    let beside = beside(file, "sig");
    let signature = fs::read_to_string(&beside).map_err(|error| {
        usage(format!("cannot read the signature {}: {error}", beside.display()))
            .help("a report is signed when it is written: genovo audit report --key KEYFILE")
    })?;
    let shown = file.display();
    let differs =
        |message: String| Failure::new(Exit::Difference, message, "The report is not to be trusted.");
    let key = Signed::check(&signature, PURPOSE, &bytes).map_err(|wrong| match wrong {
        NotSigned::Altered => differs(format!("{shown} is not as it was signed")),
        NotSigned::Forged(key) => differs(format!("the signature of {shown} is not one of {key}")),
        NotSigned::Purpose(purpose) => {
            differs(format!("{shown} has a signature of another thing: {purpose}"))
        }
        NotSigned::Unreadable(why) => differs(format!("the signature of {shown} cannot be read: {why}")),
    })?;
    match context.json {
        true => context.answer(&serde_json::json!({ "file": file, "intact": true, "key": key })),
        false => say(&format!("  {shown} is as it was signed\n  by  {key}\n")),
    }
}
