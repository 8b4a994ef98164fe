//! How far a command's files are read, on a terminal.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::report::format;
use crate::sources::Opened;

/// A bar on a terminal, nothing elsewhere.
pub struct Progress {
    bar: ProgressBar,
    done: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Progress {
    /// Shows how far the files of `opened` are read, until [`Progress::finish`].
    pub fn start(verb: &str, opened: &Opened, json: bool) -> Progress {
        let done = Arc::new(AtomicBool::new(false));
        if json || opened.tallies.is_empty() || !std::io::stderr().is_terminal() {
            return Progress { bar: ProgressBar::hidden(), done, thread: None };
        }
        let bar = ProgressBar::new(opened.bytes_total.max(1));
        let template = format!("  {verb} {{bar:40}} {{msg}}");
        let style = ProgressStyle::with_template(&template).expect("a verb has no braces");
        bar.set_style(style.progress_chars("━━╌"));
        let (tallies, flag, shown) = (opened.tallies.clone(), done.clone(), bar.clone());
        let began = Instant::now();
        let thread = std::thread::spawn(move || {
            while !flag.load(Ordering::Relaxed) {
                let (bytes, rows) = tallies
                    .iter()
                    .fold((0, 0), |(bytes, rows), (_, tally)| (bytes + tally.bytes(), rows + tally.rows()));
                let rate = rows as f64 / began.elapsed().as_secs_f64() / 1e6;
                shown.set_position(bytes);
                shown.set_message(format!("{} rows   {rate:.1}M/s", format::count(rows)));
                std::thread::sleep(Duration::from_millis(50));
            }
        });
        Progress { bar, done, thread: Some(thread) }
    }

    /// Takes it away.
    pub fn finish(self) {
        self.done.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread {
            let _ = thread.join();
        }
        self.bar.finish_and_clear();
    }
}

/// A bar over the events of a journal, on a terminal; nothing elsewhere.
pub struct EventBar(ProgressBar);

impl EventBar {
    /// Shows how many of `events` were gone through.
    pub fn start(verb: &str, events: u64, quiet: bool) -> EventBar {
        if quiet || !std::io::stderr().is_terminal() {
            return EventBar(ProgressBar::hidden());
        }
        let bar = ProgressBar::new(events.max(1));
        let style = ProgressStyle::with_template(&format!("  {verb} {{bar:40}} {{pos}} of {{len}} events"));
        bar.set_style(style.expect("a verb has no braces").progress_chars("━━╌"));
        EventBar(bar)
    }

    /// So many were gone through.
    pub fn at(&self, events: u64) {
        self.0.set_position(events);
    }

    /// Takes it away.
    pub fn finish(&self) {
        self.0.finish_and_clear();
    }
}

/// A bar over a time that is known beforehand, on a terminal; nothing elsewhere.
pub struct TimeBar {
    bar: ProgressBar,
    done: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl TimeBar {
    /// Shows how much of `time` has gone by.
    pub fn start(verb: &str, time: Duration, quiet: bool) -> TimeBar {
        let done = Arc::new(AtomicBool::new(false));
        if quiet || !std::io::stderr().is_terminal() {
            return TimeBar { bar: ProgressBar::hidden(), done, thread: None };
        }
        let bar = ProgressBar::new(time.as_millis().max(1) as u64);
        let template =
            format!("  {verb} {{bar:40}} {{elapsed}} of {}", format::decimal(time.as_secs_f64(), 0));
        let style = ProgressStyle::with_template(&format!("{template} s")).expect("a verb has no braces");
        bar.set_style(style.progress_chars("━━╌"));
        let (flag, shown, began) = (done.clone(), bar.clone(), Instant::now());
        let thread = std::thread::spawn(move || {
            while !flag.load(Ordering::Relaxed) {
                shown.set_position(began.elapsed().as_millis() as u64);
                // Seldom: what is measured meanwhile wants the cores.
                std::thread::sleep(Duration::from_millis(500));
            }
        });
        TimeBar { bar, done, thread: Some(thread) }
    }

    /// Takes it away.
    pub fn finish(self) {
        self.done.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread {
            let _ = thread.join();
        }
        self.bar.finish_and_clear();
    }
}
