//! `audit tail`: the last events of a journal, and those that come while it is written.

use std::collections::VecDeque;
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::thread;
use std::time::Duration;

use genovo_engine::event::Kind;
use genovo_engine::ids::Sequence;
use genovo_journal::{LiveJournal, TailFollower};

use super::names::Names;
use super::recording::{NOTHING, Numbered, failed};
use super::{json, show};
use crate::error::{Exit, Failure};
use crate::failures;

/// How long a follower waits before it looks again.
const PAUSE: Duration = Duration::from_millis(20);

/// What is shown of a journal's end.
#[derive(Clone, Debug)]
pub struct Tail {
    /// How many of the events that are there.
    pub last: usize,
    /// Only these kinds; all if there are none.
    pub kinds: Vec<Kind>,
    /// Only this instrument.
    pub symbol: Option<String>,
    /// A JSON object a line.
    pub json: bool,
    /// Whether to wait for more.
    pub follow: bool,
}

/// How the journal stands when all of it was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Sealed.
    Sealed,
    /// Not sealed; a process is writing it.
    Written,
    /// Not sealed, and nobody writes it.
    Interrupted,
    /// Nobody reads what is shown.
    Unread,
}

impl Tail {
    /// Shows the last events of `journal` and goes on until it is sealed, or to its end if it is not to be followed.
    pub fn run(&self, journal: &Path) -> Result<End, Failure> {
        let live = LiveJournal::open(journal).map_err(failed)?;
        let mut reading =
            Reading { follower: live.follow(Sequence::NONE), names: Names::default(), number: 0 };
        let mut waiting = VecDeque::new();
        while let Some(one) = reading.next()? {
            if self.wants(&reading.names, &one) {
                waiting.push_back(one);
                if waiting.len() > self.last {
                    waiting.pop_front();
                }
            }
        }
        if let Some(symbol) = &self.symbol
            && let Err(help) = reading.names.find(symbol)
        {
            let message = format!("{} has no instrument `{symbol}`", journal.display());
            return Err(Failure::new(Exit::Usage, message, NOTHING).help(help));
        }
        for one in &waiting {
            if !self.show(&reading.names, one)? {
                return Ok(End::Unread);
            }
        }
        let mut end = reading.end();
        if end == End::Interrupted {
            // What nobody writes is either whole to its end or damaged: say which.
            expect_no_damage(&live)?;
        }
        if self.follow && end == End::Interrupted {
            eprintln!("! the journal is incomplete and nobody writes it: waiting (Ctrl-C ends)");
        }
        while self.follow && end != End::Sealed {
            match reading.next()? {
                Some(one) if self.wants(&reading.names, &one) => {
                    if !self.show(&reading.names, &one)? {
                        return Ok(End::Unread);
                    }
                }
                Some(_) => {}
                None => thread::sleep(PAUSE),
            }
            end = reading.end();
        }
        Ok(end)
    }

    fn wants(&self, names: &Names, one: &Numbered) -> bool {
        let header = &one.event.header;
        (self.kinds.is_empty() || self.kinds.contains(&one.event.fact.kind()))
            && self.symbol.as_ref().is_none_or(|symbol| names.find(symbol) == Ok(header.instrument))
    }

    /// Shows an event; whether anybody reads on.
    fn show(&self, names: &Names, one: &Numbered) -> Result<bool, Failure> {
        let text = match self.json {
            true => format!("{}\n", json::event(names, one)),
            false => show::row_of(names, one, 1),
        };
        let mut out = std::io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
            Err(error) => {
                let message = format!("cannot write to standard output: {error}");
                Err(Failure::new(Exit::Failed, message, "The output is not complete."))
            }
        }
    }
}

/// A journal as it is read from its first event on.
struct Reading {
    follower: TailFollower,
    names: Names,
    number: u64,
}

impl Reading {
    fn next(&mut self) -> Result<Option<Numbered>, Failure> {
        let Some(event) = self.follower.poll().map_err(failed)? else { return Ok(None) };
        self.number += 1;
        self.names.learn(&event);
        Ok(Some(Numbered { number: self.number, event }))
    }

    fn end(&self) -> End {
        match (self.follower.is_finished(), self.follower.is_written()) {
            (true, _) => End::Sealed,
            (false, true) => End::Written,
            (false, false) => End::Interrupted,
        }
    }
}

fn expect_no_damage(journal: &LiveJournal) -> Result<(), Failure> {
    match journal.extent().map_err(failed)?.damage {
        Some(damage) => Err(failures::damaged(&damage, "What was shown is whole; more cannot be read.")),
        None => Ok(()),
    }
}
