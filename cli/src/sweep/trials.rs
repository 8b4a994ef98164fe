//! The log of trials: one JSON object a line, each with the hash of the one before, so that none can be left out later.
//!
//! What a strategy's best result is worth depends on how many were tried. So every trial ever made of a scenario stands
//! here, the bad ones too, and the deflated Sharpe ratio counts them all.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use genovo_engine::ids::Hash;
use genovo_engine::units::Money;
use serde::{Deserialize, Serialize};

use super::grid::Changes;
use crate::error::{Exit, Failure};

/// What a trial came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Equity at the end, exact.
    pub equity: Money,
    /// The change as a share of the beginning.
    pub change: f64,
    /// The deepest fall as a share of its peak.
    pub drawdown: f64,
    /// Closed trades.
    pub trades: u64,
    /// What the winners won over what the losers lost.
    pub profit_factor: Option<f64>,
    /// Spread, slippage and commission.
    pub costs: Money,
    /// How many returns the Sharpe ratio is of: from bar to bar, or from day to day where there are no bars.
    pub returns: u64,
    /// Mean over standard deviation of these returns, not of a year.
    pub sharpe: Option<f64>,
    /// Their skewness.
    pub skew: Option<f64>,
    /// Their excess kurtosis.
    pub kurtosis: Option<f64>,
    /// Why trading was halted, if it was.
    pub halted: Option<String>,
    /// Hash of the engine's final state.
    pub state_hash: Option<Hash>,
}

/// A trial as it stands in the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// Counted from 1.
    pub trial: u64,
    /// Which run it was: the first 16 bytes of the hash of its first event.
    pub run: String,
    /// Hash of its effective settings.
    pub settings_hash: Hash,
    /// What was changed.
    pub set: Changes,
    /// What it came to.
    pub outcome: Outcome,
    /// The hash of the line before.
    pub before: Hash,
    /// The BLAKE3 of this line as it is written, up to this hash.
    #[serde(default, skip_serializing)]
    pub hash: Hash,
}

/// What stands between what a line says and its hash.
const HASH: &str = ",\"hash\":\"";

/// The hash of what a line says.
fn hash_of(said: &str) -> Hash {
    Hash(*blake3::hash(said.as_bytes()).as_bytes())
}

/// The log, opened.
pub struct Log {
    path: PathBuf,
    file: File,
    trials: Vec<Trial>,
    by_run: HashMap<String, usize>,
}

const NOTHING: &str = "Nothing was run.";

impl Log {
    /// Opens the log, or begins it; every line that it has is checked.
    pub fn open(path: &Path) -> Result<Log, Failure> {
        let failed = |error: std::io::Error| {
            let message = format!("cannot open the log of trials {}: {error}", path.display());
            Failure::new(Exit::Failed, message, NOTHING)
        };
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        let mut file = OpenOptions::new().create(true).read(true).append(true).open(path).map_err(failed)?;
        // Held until the sweep is over: lines of two sweeps between each other would be no chain.
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let message = format!("another sweep writes the log of trials {}", path.display());
                let help = "wait until it is done, or name another log: --log FILE";
                return Err(Failure::new(Exit::Failed, message, NOTHING).help(help));
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(failed)?;
        // A line that a crash cut off was never counted: the sweep ended with it.
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        let mut trials: Vec<Trial> = Vec::new();
        for (number, line) in text[..whole].lines().enumerate() {
            let broken = |why: &str| {
                let message = format!("{}, line {}: {why}", path.display(), number + 1);
                let help = "the log of trials was changed; restore it, or name another one: --log FILE";
                Failure::new(Exit::Difference, message, NOTHING).help(help)
            };
            let trial: Trial =
                serde_json::from_str(line).map_err(|error| broken(&format!("no trial: {error}")))?;
            let before = trials.last().map_or(Hash::default(), |last| last.hash);
            if trial.before != before || trial.trial != number as u64 + 1 {
                return Err(broken("a trial before it is missing or another one"));
            }
            // As it is written: a number read and written again may differ in its last digit.
            let said = line.rsplit_once(HASH).map_or("", |(said, _)| said);
            if trial.hash != hash_of(said) {
                return Err(broken("its hash is not that of what it says"));
            }
            trials.push(trial);
        }
        if whole < text.len() {
            file.set_len(whole as u64).map_err(failed)?;
        }
        let by_run = trials.iter().enumerate().map(|(at, trial)| (trial.run.clone(), at)).collect();
        Ok(Log { path: path.to_owned(), file, trials, by_run })
    }

    /// The trial of this run, if it was made already.
    pub fn get(&self, run: &str) -> Option<&Trial> {
        self.by_run.get(run).map(|at| &self.trials[*at])
    }

    /// Every trial in the order in which it was made.
    pub fn trials(&self) -> &[Trial] {
        &self.trials
    }

    /// The hash of the last line.
    pub fn head(&self) -> Hash {
        self.trials.last().map_or(Hash::default(), |last| last.hash)
    }

    /// Adds a trial and writes it through to the disk.
    pub fn add(
        &mut self,
        run: String,
        settings_hash: Hash,
        set: Changes,
        outcome: Outcome,
    ) -> Result<(), Failure> {
        let before = self.head();
        let number = self.trials.len() as u64 + 1;
        let mut trial =
            Trial { trial: number, run, settings_hash, set, outcome, before, hash: Hash::default() };
        let whole = serde_json::to_string(&trial).expect("a trial is JSON");
        let said = whole.strip_suffix('}').expect("an object");
        trial.hash = hash_of(said);
        let line = format!("{said}{HASH}{}\"}}\n", trial.hash);
        self.file.write_all(line.as_bytes()).and_then(|()| self.file.sync_data()).map_err(|error| {
            let message = format!("cannot write the log of trials {}: {error}", self.path.display());
            Failure::new(Exit::Failed, message, "The trials before it are in the log.")
        })?;
        self.by_run.insert(trial.run.clone(), self.trials.len());
        self.trials.push(trial);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(change: f64) -> Outcome {
        Outcome {
            equity: Money(1),
            change,
            drawdown: 0.1,
            trades: 3,
            profit_factor: None,
            costs: Money(2),
            returns: 30,
            sharpe: Some(0.1 + 0.2),
            skew: Some(-0.3),
            kurtosis: Some(1e-300),
            halted: None,
            state_hash: None,
        }
    }

    fn add(log: &mut Log, run: &str, change: f64) {
        let set = vec![("strategy.fast".to_string(), "6".to_string())];
        log.add(run.to_string(), Hash([7; 32]), set, outcome(change)).unwrap();
    }

    #[test]
    fn a_log_goes_on_and_shows_every_change() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/trials.jsonl");
        let mut log = Log::open(&path).unwrap();
        add(&mut log, "a", 0.1);
        add(&mut log, "b", -0.2);
        drop(log);
        let mut log = Log::open(&path).unwrap();
        // One at a time: the second would go on from a line that is the last no longer.
        assert_eq!(Log::open(&path).err().map(|failure| failure.exit), Some(Exit::Failed));
        assert_eq!(log.get("b").unwrap().outcome, outcome(-0.2));
        assert_eq!(log.get("c"), None);
        add(&mut log, "c", 0.3);
        drop(log);
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        // A number that was improved, a line left out, two in another order.
        let changed = [
            text.replace("-0.2", "0.2"),
            format!("{}\n{}\n", lines[0], lines[2]),
            format!("{}\n{}\n{}\n", lines[1], lines[0], lines[2]),
        ];
        for changed in changed {
            fs::write(&path, changed).unwrap();
            assert_eq!(Log::open(&path).err().map(|failure| failure.exit), Some(Exit::Difference));
        }
        // What a crash cut off is taken away again.
        fs::write(&path, format!("{text}{{\"trial\":4,")).unwrap();
        assert_eq!(Log::open(&path).unwrap().trials().len(), 3);
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
}
