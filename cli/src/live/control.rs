//! The socket by which other processes speak to a running session: one line asked, one line answered.
//!
//! It lies in the session's folder and belongs to its owner alone (mode 0600). Words: `pause`, `go on`, `flatten`,
//! `kill`, `kill and flatten`, `stop`. The connection stays open until the session has ended, so that whoever asked can
//! wait for it. `limits`, `request {…}` and `approve {…}` are about limits and answered with one line of JSON.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use genovo_adapters::live::{Operator, Word};
use genovo_engine::event::{ApprovalGiven, LimitsRequested, OperatorCommand};

use super::folder;
use super::limits::{Board, mark_of_approval, mark_of_request};
use crate::error::{Exit, Failure};

/// The longest line that is read.
const LINE_MAX: u64 = 65_536;

/// The session's end of the socket. Dropped, it is gone, and who waits for the end hears of it.
pub struct Control {
    path: PathBuf,
    waiting: Arc<Mutex<Vec<UnixStream>>>,
}

impl Control {
    /// Listens for a session on a thread of its own.
    pub fn listen(journal: &Path, operator: Operator, limits: Board) -> Result<Control, Failure> {
        let path = folder::socket(journal);
        // Whoever listened here is gone: the journal's lock is ours.
        let _ = fs::remove_file(&path);
        let listener = UnixListener::bind(&path).and_then(|listener| {
            fs::set_permissions(&path, Permissions::from_mode(0o600))?;
            Ok(listener)
        });
        let listener = listener.map_err(|error| {
            let message = format!("cannot listen on {}: {error}", path.display());
            Failure::new(Exit::Failed, message, "Nothing was started.")
                .help("a shorter path may help: a socket's is limited to some 100 characters")
        })?;
        let waiting = Arc::new(Mutex::new(Vec::new()));
        let control = Control { path, waiting: Arc::clone(&waiting) };
        std::thread::Builder::new()
            .name("genovo-control".to_string())
            .spawn(move || {
                for stream in listener.incoming().flatten() {
                    answer(stream, &operator, &limits, &waiting);
                }
            })
            .expect("the system gives us a thread");
        Ok(control)
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
        if let Ok(mut waiting) = self.waiting.lock() {
            for mut stream in waiting.drain(..) {
                let _ = stream.write_all(b"ended\n");
            }
        }
    }
}

fn answer(stream: UnixStream, operator: &Operator, limits: &Board, waiting: &Mutex<Vec<UnixStream>>) {
    let Ok(reading) = stream.try_clone() else { return };
    // Somebody who connects and says nothing must not keep others waiting for long.
    let _ = reading.set_read_timeout(Some(std::time::Duration::from_secs(1)));
    let mut line = String::new();
    if BufReader::new(reading.take(LINE_MAX)).read_line(&mut line).is_err() {
        return;
    }
    let mut stream = stream;
    if let Some(asked) = Asked::of(line.trim()) {
        let (operator, limits) = (operator.clone(), limits.clone());
        // The loop answers in its own time, and a kill must not wait for it.
        let answer = move || {
            let _ = stream.write_all(format!("{}\n", asked.answer(&operator, &limits)).as_bytes());
        };
        drop(std::thread::Builder::new().name("genovo-limits".to_string()).spawn(answer));
        return;
    }
    let Some(words) = words(line.trim()) else {
        let _ = stream.write_all(b"unknown: pause, go on, flatten, kill, kill and flatten, stop\n");
        return;
    };
    let heard = words.iter().all(|&word| operator.say(word));
    let _ = stream.write_all(if heard { b"heard\n" } else { b"ended\n" });
    if let (true, Ok(mut waiting)) = (heard, waiting.lock()) {
        waiting.push(stream);
    }
}

/// What is asked of a session's limits.
enum Asked {
    InForce,
    Request(Box<LimitsRequested>),
    Approve(Box<ApprovalGiven>),
    Unreadable(String),
}

impl Asked {
    /// What a line asks; none when it is about something else.
    fn of(line: &str) -> Option<Asked> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let unreadable = |error: serde_json::Error| Asked::Unreadable(error.to_string());
        Some(match word {
            "limits" => Asked::InForce,
            "request" => serde_json::from_str(rest).map_or_else(unreadable, Asked::Request),
            "approve" => serde_json::from_str(rest).map_or_else(unreadable, Asked::Approve),
            _ => return None,
        })
    }

    /// One line.
    fn answer(self, operator: &Operator, limits: &Board) -> String {
        let gone = "ended: the session has ended".to_string();
        let Some(in_force) = limits.in_force() else { return gone };
        let behind = limits.answered();
        let (told, mark) = match self {
            Asked::InForce => return serde_json::to_string(&in_force).unwrap_or(gone),
            Asked::Unreadable(why) => return format!("unreadable: {why}"),
            Asked::Request(request) => {
                let mark = mark_of_request(&request);
                // What was signed for another session does not fit this one's number.
                (operator.request(LimitsRequested { session: in_force.session, ..*request }), mark)
            }
            Asked::Approve(approval) => {
                let mark = mark_of_approval(&approval);
                (operator.approve(ApprovalGiven { session: in_force.session, ..*approval }), mark)
            }
        };
        let outcome = if told { limits.wait(mark, behind) } else { None };
        outcome.and_then(|outcome| serde_json::to_string(&outcome).ok()).unwrap_or(gone)
    }
}

/// Asks the session of a journal and takes its answer, a line. `None` when no session runs.
pub fn ask(journal: &Path, line: &str) -> std::io::Result<Option<String>> {
    let Ok(mut stream) = UnixStream::connect(folder::socket(journal)) else { return Ok(None) };
    stream.set_read_timeout(Some(std::time::Duration::from_secs(30)))?;
    stream.write_all(format!("{line}\n").as_bytes())?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer)?;
    Ok(Some(answer))
}

/// What a line means.
pub fn words(line: &str) -> Option<Vec<Word>> {
    let command = Word::Operator;
    Some(match line {
        "pause" => vec![command(OperatorCommand::Pause)],
        "go on" => vec![command(OperatorCommand::GoOn)],
        "flatten" => vec![command(OperatorCommand::Flatten)],
        "kill" => vec![command(OperatorCommand::Kill), Word::StopWhenQuiet],
        "kill and flatten" => vec![command(OperatorCommand::KillAndFlatten), Word::StopWhenFlat],
        "stop" => vec![command(OperatorCommand::Stop)],
        _ => return None,
    })
}

/// Says a line to the session of a journal and waits until the session has ended. `false` when no session runs.
pub fn say(journal: &Path, line: &str) -> std::io::Result<bool> {
    let path = folder::socket(journal);
    let mut stream = match UnixStream::connect(&path) {
        Ok(stream) => stream,
        // No socket, or one that nobody listens at: the process is gone.
        Err(_) => return Ok(false),
    };
    stream.write_all(format!("{line}\n").as_bytes())?;
    let mut reader = BufReader::new(stream);
    let mut answer = String::new();
    while reader.read_line(&mut answer)? > 0 {
        if answer.trim() == "ended" {
            return Ok(true);
        }
        answer.clear();
    }
    // The session closed the line without a word: it is gone, however that came.
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_has_a_meaning_and_no_other_has() {
        assert_eq!(words("kill"), Some(vec![Word::Operator(OperatorCommand::Kill), Word::StopWhenQuiet]));
        for line in ["pause", "go on", "flatten", "kill and flatten", "stop"] {
            assert!(words(line).is_some(), "{line}");
        }
        for line in ["", "KILL", "kill -9", "stop it"] {
            assert_eq!(words(line), None, "{line}");
        }
    }
}
