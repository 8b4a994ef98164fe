//! What the crates below say went wrong, as the command line shows it: the place, what would be right, the exit code.

use std::io::ErrorKind;

use genovo_adapters::data::{BadRow, DataError};
use genovo_engine::run::RunError;
use genovo_journal::{Damage, Error};

use crate::error::{Exit, Failure, Mark, Place, SourceLine};
use crate::report::format;

/// A data file that cannot be used.
pub fn data(error: &DataError, consequence: &str) -> Failure {
    match error {
        DataError::Row(row) => bad_row(row, consequence),
        DataError::MissingColumn(_) | DataError::Spec { .. } => {
            Failure::new(Exit::Usage, error.to_string(), consequence)
                .help("name the file's columns in [data] columns; genovo check --keys data.columns")
        }
        DataError::Damaged { .. } => {
            Failure::new(Exit::Failed, error.to_string(), consequence).help("fetch or unpack the file again")
        }
        DataError::NotRead { help, .. } => {
            Failure::new(Exit::Failed, error.to_string(), consequence).help(help.clone())
        }
        DataError::Unreadable { .. }
        | DataError::NotText { .. }
        | DataError::Empty { .. }
        | DataError::NoRows { .. }
        | DataError::LineTooLong { .. } => Failure::new(Exit::Failed, error.to_string(), consequence),
    }
}

fn bad_row(row: &BadRow, consequence: &str) -> Failure {
    let before = |text: &str, to: usize| text.get(..to).map_or(0, |text| text.chars().count());
    let width = row.line_text.get(row.span.clone()).map_or(1, |text| text.chars().count().max(1));
    let mark = Mark {
        start: before(&row.line_text, row.span.start),
        width,
        label: format!("expected {}", row.expected),
    };
    let mut lines: Vec<SourceLine> =
        row.before.iter().map(|(_, text)| SourceLine { number: None, text: text.clone() }).collect();
    lines.push(SourceLine { number: None, text: row.line_text.clone() });
    let mut title = format!("{}, {} {}", row.file.display(), row.unit, format::count(row.line));
    if let Some(column) = &row.column {
        title.push_str(&format!(", column `{column}`"));
    }
    let what = if row.text.is_empty() { "an empty field".to_string() } else { format!("`{}`", row.text) };
    let good = format!("{} rows before it were good. {consequence}", format::count(row.good_rows));
    Failure::new(Exit::Failed, format!("{what} {}", row.problem), good)
        .at(Place { title, lines, mark: Some(mark) })
        .help("repair the row, or count and leave out such rows: skip_bad_rows = true in [data]")
}

/// A journal that cannot be written, opened or read.
pub fn journal(error: &Error, consequence: &str) -> Failure {
    match error {
        Error::Damaged(damage) => damaged(damage, consequence),
        Error::StoreDamaged { .. } => Failure::new(Exit::Difference, error.to_string(), consequence)
            .help("genovo audit verify --rebuild JOURNAL makes the store anew"),
        Error::Incomplete { journal, .. } if crate::live::folder::folder(journal).exists() => {
            Failure::new(Exit::Failed, error.to_string(), consequence).help(format!(
                "it is a live session that was cut off, or runs: genovo live --resume {} goes on with it",
                journal.display()
            ))
        }
        Error::Incomplete { seal, .. } => {
            let is_live = seal.parent().is_some_and(|chapter| chapter.join("tail").is_dir());
            Failure::new(Exit::Failed, error.to_string(), consequence).help(match is_live {
                true => "a live run that goes on, or can be resumed; audit tail shows what it holds",
                false => "its run was stopped before the end: run the scenario again",
            })
        }
        Error::NotAJournal { .. } | Error::Unsupported { .. } => {
            Failure::new(Exit::Usage, error.to_string(), consequence)
        }
        Error::NotEmpty { .. } => Failure::new(Exit::Usage, error.to_string(), consequence)
            .help("name another directory with --journal, or leave it out for a new one under runs/"),
        Error::Io { source, .. } => {
            let failure = Failure::new(Exit::Failed, error.to_string(), consequence);
            match source.kind() {
                ErrorKind::StorageFull => {
                    failure.help("free some space, or name a directory on another disk: --journal")
                }
                ErrorKind::PermissionDenied => failure.help("name a directory that you may write: --journal"),
                _ => failure,
            }
        }
        Error::Locked { .. } => Failure::new(Exit::Failed, error.to_string(), consequence)
            .help("stop that process first; audit tail follows what it writes"),
        Error::DiskFull { .. } => Failure::new(Exit::Failed, error.to_string(), consequence)
            .help("free some space, then go on: genovo live --resume JOURNAL"),
        Error::SyncFailed { .. } => Failure::new(Exit::Failed, error.to_string(), consequence)
            .help("look after the disk before the journal is gone on with"),
        Error::Option { .. } | Error::Complete { .. } => {
            Failure::new(Exit::Usage, error.to_string(), consequence)
        }
        Error::WrongChapter { .. }
        | Error::OutOfOrder { .. }
        | Error::EventTooLarge { .. }
        | Error::Packing { .. }
        | Error::Store { .. }
        | Error::Stopped { .. } => Failure::new(Exit::Failed, error.to_string(), consequence),
    }
}

/// What was changed in a journal after it was sealed.
pub fn damaged(damage: &Damage, consequence: &str) -> Failure {
    let file = damage
        .file
        .file_name()
        .map_or_else(|| damage.file.display().to_string(), |name| name.to_string_lossy().into_owned());
    // The first chapter of a backtest is its only one.
    let chapter =
        damage.file.iter().filter_map(|part| part.to_str()).find(|part| part.starts_with("chapter-0"));
    let file = match chapter {
        Some(chapter) if chapter != "chapter-000001" => format!("{chapter}, {file}"),
        _ => file,
    };
    let (mut title, mut lines) = (file, Vec::new());
    if let Some(place) = &damage.place {
        title.push_str(&format!(
            ", block {} of {}, events {} to {}   ({} to {} UTC)",
            format::count(place.block),
            format::count(place.blocks),
            format::count(place.first_number),
            format::count(place.last_number),
            format::second(place.first_time),
            format::second(place.last_time),
        ));
    }
    let mut line = |text: String| lines.push(SourceLine { number: None, text });
    line(damage.problem.clone());
    if let Some(sealed) = damage.sealed {
        line(format!("sealed      {sealed}"));
    }
    if let Some(recomputed) = damage.recomputed {
        line(format!("recomputed  {recomputed}"));
    }
    let help = match damage.intact.events {
        0 => "nothing before it could be proven".to_string(),
        events => format!("events 1 to {} are intact", format::count(events)),
    };
    let message = "the journal was changed after it was sealed";
    Failure::new(Exit::Difference, message, consequence)
        .at(Place { title, lines, mark: None })
        .help(format!("{help}. Show the changes: genovo audit diff THIS BACKUP"))
}

/// A run that stopped before its end.
pub fn run(error: &RunError, consequence: &str) -> Failure {
    match error {
        RunError::World(error) => match crate::sources::data_error(error) {
            Some(error) => data(error, consequence),
            None => match error.0.downcast_ref::<Error>() {
                Some(error) => journal(error, consequence),
                None => Failure::new(Exit::Failed, error.to_string(), consequence),
            },
        },
        RunError::Log(error) => match error.0.downcast_ref::<Error>() {
            Some(error) => journal(error, consequence),
            None => Failure::new(Exit::Failed, error.to_string(), consequence),
        },
        RunError::Fault { .. } => Failure::new(Exit::Failed, error.to_string(), consequence),
    }
}
