//! `genovo live`: a scenario against a broker, journaled as it happens.

mod limits;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand};
use genovo_adapters::broker::desk::LOOK;
use genovo_adapters::live::{Ending, Pace};
use genovo_engine::ids::Hash;
use genovo_engine::units::Timestamp;

use super::{Changes, Context, say, say_json};
use crate::audit::when;
use crate::backend::BackendArgument;
use crate::error::{Exit, Failure};
use crate::live::folder::{self, Anchor, SessionFile};
use crate::live::screen::{Show, signed};
use crate::live::{Beginning, Ended, Orders, Session};
use crate::report::format;
use crate::{runs, scenario};

/// What runs when nothing is named.
const SHIPPED: &str = "scenarios/gold.toml";
/// How fast it runs.
const SHIPPED_SPEED: u32 = 600;

/// Trade a scenario live: on paper, at the pace of its recorded feed.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true, disable_help_subcommand = true)]
pub struct Live {
    #[command(subcommand)]
    of_running: Option<OfRunning>,
    /// The scenario: a TOML file [default: scenarios/gold.toml at 600 times the speed].
    #[arg(value_name = "SCENARIO")]
    scenario: Option<PathBuf>,
    /// Go on with a session that was stopped or killed: its journal, or `last`.
    #[arg(long, value_name = "JOURNAL", conflicts_with_all = ["scenario", "set", "journal", "speed", "commit"])]
    resume: Option<PathBuf>,
    #[command(flatten)]
    changes: Changes,
    /// Where the journal goes: a new or empty directory [default: one under runs/].
    #[arg(long, value_name = "DIR")]
    journal: Option<PathBuf>,
    /// How many times as fast as the clock the recorded feed runs: 1 to 10,000, or max.
    #[arg(long, value_name = "TIMES")]
    speed: Option<String>,
    /// What an order waits for before it leaves: `process` survives a kill, `disk` a power loss.
    #[arg(long, value_name = "process|disk", value_parser = ["process", "disk"])]
    commit: Option<String>,
    /// Close every position, then stop.
    #[arg(long)]
    flatten: bool,
    /// Stop after so long by the wall clock, such as 90s or 5min.
    #[arg(long = "for", value_name = "DURATION")]
    for_duration: Option<String>,
    /// Stop at this moment of the session's time, which with a recorded feed is the data's: 2014-05-02T14:30:00Z or
    /// "2014-05-02 14:30" (UTC).
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<Timestamp>,
    /// Start although the last session was killed.
    #[arg(long)]
    unlatch: bool,
    /// How long an idle thread looks for work before it sleeps [default: 200us]. Being woken takes some 50us.
    #[arg(long, value_name = "DURATION", conflicts_with = "busy")]
    look: Option<String>,
    /// Never sleep while waiting: the shortest latency, for two whole cores.
    #[arg(long)]
    busy: bool,
    /// Bytes kept free on the disk, so that a session that has filled it can still cancel its orders and stop.
    #[arg(long, value_name = "BYTES", default_value_t = 64 << 20)]
    reserve: u64,
    #[command(flatten)]
    backend: BackendArgument,
}

/// What is said to a session that runs.
#[derive(Debug, Subcommand)]
enum OfRunning {
    Set(limits::Set),
    Approve(limits::Approve),
}

const EXAMPLES: &str = "\
Keys: p pause and go on, f flatten, k kill, q stop. Ctrl-C stops too, and says what stays open.

Examples:
  genovo live
  genovo live scenarios/btcusdt.toml --speed 10 --commit disk
  genovo live --for 90s --json
  genovo live --speed max --until \"2014-05-02 14:30\"
  genovo live --resume last
  genovo live --resume last --flatten
  genovo live set max_total=\"3 %\"                to a session that runs, from another terminal";

impl Live {
    /// Runs the command.
    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        match &self.of_running {
            Some(OfRunning::Set(set)) => return set.run(context),
            Some(OfRunning::Approve(approve)) => return approve.run(context),
            None => {}
        }
        let orders = self.orders(context)?;
        let session = match &self.resume {
            Some(journal) => {
                let journal = runs::resolve(journal)?;
                folder::check_latch(&journal, self.unlatch)?;
                Session::resume(&journal, &orders, &context.registry)?
            }
            None => Session::begin(self.beginning(context)?, &orders, &context.registry)?,
        };
        if !context.json {
            say(&opening(&session))?;
            session.placed.tell(context)?;
        }
        let ended = session.run(&orders)?;
        match context.json {
            true => say_json(&to_json(&ended)),
            false => say(&closing(&ended)),
        }
    }

    fn orders(&self, context: &Context) -> Result<Orders, Failure> {
        let for_duration = self.for_duration.as_deref().map(duration).transpose()?;
        let look = self.look.as_deref().map(duration).transpose()?.unwrap_or(LOOK);
        Ok(Orders {
            flatten: self.flatten,
            for_duration,
            until: self.until,
            words: Vec::new(),
            look: if self.busy { Duration::MAX } else { look },
            reserve: Some(self.reserve),
            keys: true,
            show: if context.json { Show::Json } else { Show::Lines },
            backends: self.backend.backends("Nothing was started.")?,
        })
    }

    fn beginning(&self, context: &Context) -> Result<Beginning, Failure> {
        let usage = |message: String| Failure::new(Exit::Usage, message, "Nothing was started.");
        let path = match &self.scenario {
            Some(path) => path.clone(),
            None if Path::new(SHIPPED).exists() => PathBuf::from(SHIPPED),
            None => {
                return Err(usage(format!("there is no {SHIPPED} here"))
                    .help("name a scenario: genovo live SCENARIO, or go to genovo's folder"));
            }
        };
        let speed = match self.speed.as_deref() {
            Some(text) => speed(text)?,
            None if self.scenario.is_none() => Some(SHIPPED_SPEED),
            None => Some(1),
        };
        let mut scenario =
            scenario::load_only(&path, &self.changes.set, &self.changes.symbol, &context.registry)?;
        // Said loudly where it is not so; in the settings, for what follows from it must replay.
        scenario.settings.risk.protect = scenario.unprotected != Some(true);
        let journal = self.journal.clone().unwrap_or_else(|| runs::live_place(&jiff::Zoned::now()));
        folder::check_latch(&journal, self.unlatch)?;
        let absolute = path.canonicalize().unwrap_or(path);
        let file = SessionFile {
            scenario: absolute,
            set: self.changes.set.clone(),
            symbol: self.changes.symbol.clone(),
            speed,
            broker: "paper".to_string(),
            commit: self.commit.clone().unwrap_or_else(|| "process".to_string()),
            session: Hash::default(),
            anchor: Anchor { wall: 0, session: 0 },
        };
        Ok(Beginning { scenario, file, journal, outside: None })
    }
}

/// A time on the session's clock.
fn moment(text: &str) -> Result<Timestamp, String> {
    when::parse(text).ok_or_else(|| "write 2014-05-02T14:30:00Z or \"2014-05-02 14:30\"".to_string())
}

/// `600`, `10x`, `max`.
fn speed(text: &str) -> Result<Option<u32>, Failure> {
    let number = text.trim().trim_end_matches(['x', '×']).trim().replace(['_', ','], "");
    match (text.trim(), number.parse::<u32>()) {
        ("max", _) => Ok(None),
        (_, Ok(times)) if (1..=Pace::TIMES_MAX).contains(&times) => Ok(Some(times)),
        _ => Err(Failure::new(Exit::Usage, format!("`{text}` is no speed"), "Nothing was started.")
            .help("write 1 (real time) to 10,000, or max")),
    }
}

/// `90s`, `5min`, `1h`, `500ms`.
pub(super) fn duration(text: &str) -> Result<Duration, Failure> {
    match scenario::readable::length(text) {
        Ok(length) if length.0 > 0 => Ok(Duration::from_nanos(length.0 as u64)),
        _ => Err(Failure::new(Exit::Usage, format!("`{text}` is no duration"), "Nothing was started.")
            .help("write such as 90s, 5min or 1h")),
    }
}

fn opening(session: &Session) -> String {
    let settings = session.settings();
    let symbols: Vec<&str> =
        settings.instruments.iter().map(|instrument| instrument.symbol.as_str()).collect();
    let pace = session.file().pace();
    let head = match &session.resumption {
        None => format!(
            " PAPER   no real money   {}   {} · recorded feed at {pace}\n",
            symbols.join(", "),
            settings.decides(),
        ),
        Some(resumption) => {
            let from = match resumption.checkpoint {
                Some(checkpoint) => format!("the checkpoint at sequence {checkpoint}"),
                None => "the beginning".to_string(),
            };
            let mut text = format!(
                " PAPER   resumed at sequence {} in {:.1} s: {} events, 0 lost   recorded feed at {pace}\n  \
                 from       {from}: {} inputs run again\n",
                resumption.last,
                resumption.took.as_secs_f64(),
                format::count(resumption.events),
                format::count(resumption.run_again),
            );
            for problem in &resumption.passed {
                text.push_str(&format!("  !          a checkpoint was passed by: {problem}\n"));
            }
            text
        }
    };
    let waits = match session.file().commit.as_str() {
        "disk" => "orders leave only after their cause is on disk",
        _ => "orders leave only after their cause is written",
    };
    let protected = match settings.risk.protect {
        true => "  stops      every position has a stop at the broker\n",
        false => "  ! UNPROTECTED: no stop rests at the broker unless the strategy places one\n",
    };
    format!(
        "{head}{protected}  journal    {}   {waits}\n  keys       p pause   f flatten   k kill   q stop\n\n",
        session.journal().display()
    )
}

fn closing(ended: &Ended) -> String {
    let mut text = String::new();
    for line in ended.measured.lines() {
        text.push_str(&format!("{line}\n"));
    }
    text.push_str(match ended.ending {
        Ending::DataEnded => "\n  The data has ended.",
        Ending::Stopped if ended.killed => "\n  Killed.",
        Ending::Stopped | Ending::Running => "\n  Stopped.",
    });
    match ended.working.len() {
        0 => text.push_str(" No working orders."),
        1 => text.push_str(&format!(" Order {} still works at the broker.", ended.working[0])),
        count => {
            let named: Vec<String> = ended.working.iter().take(5).map(ToString::to_string).collect();
            text.push_str(&format!(" {count} orders still work at the broker: {}.", named.join(", ")));
        }
    }
    for (symbol, quantity) in &ended.open {
        text.push_str(&format!(" Position {} {symbol} stays open.", signed(*quantity)));
    }
    for (symbol, quantity) in &ended.unprotected {
        let quantity = format::quantity(*quantity);
        text.push_str(&format!(" ! UNPROTECTED: no stop rests at the broker for {quantity} {symbol}."));
    }
    let journal = ended.journal.display();
    text.push('\n');
    match ended.ending {
        Ending::DataEnded => {
            text.push_str(&format!("  Verify it: genovo replay --verify {journal}\n"));
        }
        Ending::Stopped | Ending::Running => {
            let unlatch = if ended.killed { " --unlatch" } else { "" };
            text.push_str(&format!("  Go on: genovo live --resume {journal}{unlatch}"));
            if !ended.open.is_empty() && !ended.killed {
                text.push_str(&format!("        Close it: genovo live --resume {journal} --flatten"));
            }
            text.push('\n');
        }
    }
    text
}

pub(super) fn to_json(ended: &Ended) -> serde_json::Value {
    serde_json::json!({
        "ending": match ended.ending {
            Ending::DataEnded => "data_ended",
            Ending::Stopped | Ending::Running => "stopped",
        },
        "killed": ended.killed,
        "journal": ended.journal,
        "inputs": ended.counts.inputs,
        "ticks": ended.counts.ticks,
        "decisions": ended.counts.decisions,
        "orders": ended.counts.orders,
        "fills": ended.counts.fills,
        "equity": ended.equity,
        "working_orders": ended.working,
        "positions": ended.open.iter().map(|(symbol, quantity)| {
            serde_json::json!({ "symbol": symbol, "quantity": quantity })
        }).collect::<Vec<_>>(),
        "unprotected": ended.unprotected.iter().map(|(symbol, quantity)| {
            serde_json::json!({ "symbol": symbol, "quantity": quantity })
        }).collect::<Vec<_>>(),
        "measured": ended.measured.to_json(),
        "resumed": ended.resumption.as_ref().map(|resumption| serde_json::json!({
            "last_sequence": resumption.last,
            "events": resumption.events,
            "checkpoint": resumption.checkpoint,
            "inputs_run_again": resumption.run_again,
            "checkpoints_passed_by": resumption.passed,
            "seconds": resumption.took.as_secs_f64(),
        })),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speeds_and_durations_are_read_or_refused() {
        assert_eq!(speed("600").unwrap(), Some(600));
        assert_eq!(speed("1,000 ×").unwrap(), Some(1_000));
        assert_eq!(speed("max").unwrap(), None);
        for text in ["0", "10001", "fast", "", "-1"] {
            assert!(speed(text).is_err(), "{text}");
        }
        assert_eq!(moment("1970-01-01 00:01"), Ok(Timestamp(60_000_000_000)));
        assert!(moment("tomorrow").is_err());
        assert_eq!(duration("90s").unwrap(), Duration::from_secs(90));
        for text in ["0s", "-1s", "soon"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
