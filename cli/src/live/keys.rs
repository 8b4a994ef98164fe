//! Keys and signals of a session that runs in a terminal.

use std::io::{BufReader, IsTerminal, Read};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use genovo_adapters::live::{Operator, Word};
use genovo_engine::event::OperatorCommand;

/// How often Ctrl-C, or a polite end, was asked for.
static ASKED: AtomicU32 = AtomicU32::new(0);

extern "C" fn asked(_: libc::c_int) {
    // Nothing but an atomic may be touched here.
    ASKED.fetch_add(1, Ordering::Relaxed);
}

/// Turns Ctrl-C and SIGTERM into a stop of this session, for as long as the process lives.
pub fn stop_on_signals(operator: Operator) {
    // SAFETY: the handler only adds to an atomic, which is allowed at any moment of the program.
    unsafe {
        libc::signal(libc::SIGINT, asked as extern "C" fn(libc::c_int) as libc::sighandler_t);
        libc::signal(libc::SIGTERM, asked as extern "C" fn(libc::c_int) as libc::sighandler_t);
    }
    let mut heard = 0;
    std::thread::Builder::new()
        .name("genovo-signals".to_string())
        .spawn(move || {
            loop {
                std::thread::sleep(Duration::from_millis(20));
                let now = ASKED.load(Ordering::Relaxed);
                if now != heard {
                    heard = now;
                    if !operator.say(Word::Operator(OperatorCommand::Stop)) {
                        return;
                    }
                }
            }
        })
        .expect("the system gives us a thread");
}

/// Reads single keys while it lives: p pause, p again go on, f flatten, k kill, q stop. `None` without a terminal.
pub struct Keys {
    before: libc::termios,
}

impl Keys {
    /// Starts to read keys, if somebody can press them.
    pub fn read(operator: Operator) -> Option<Keys> {
        if !std::io::stdin().is_terminal() {
            return None;
        }
        // SAFETY: a termios is plain numbers, for which zeros are valid, and tcgetattr fills it or fails.
        let mut settings: libc::termios = unsafe { std::mem::zeroed() };
        // SAFETY: descriptor 0 is open and `settings` lives through the call.
        if unsafe { libc::tcgetattr(0, &mut settings) } != 0 {
            return None;
        }
        let keys = Keys { before: settings };
        settings.c_lflag &= !(libc::ICANON | libc::ECHO);
        // SAFETY: as above; the settings were read from this very terminal.
        unsafe { libc::tcsetattr(0, libc::TCSANOW, &settings) };
        std::thread::Builder::new()
            .name("genovo-keys".to_string())
            .spawn(move || {
                let mut paused = false;
                for key in BufReader::with_capacity(1, std::io::stdin()).bytes().flatten() {
                    let words: &[Word] = match key {
                        b'p' => {
                            paused = !paused;
                            let command = if paused { OperatorCommand::Pause } else { OperatorCommand::GoOn };
                            &[Word::Operator(command)]
                        }
                        b'f' => {
                            paused = true;
                            &[Word::Operator(OperatorCommand::Flatten)]
                        }
                        b'k' => &[Word::Operator(OperatorCommand::Kill), Word::StopWhenQuiet],
                        b'q' => &[Word::Operator(OperatorCommand::Stop)],
                        _ => &[],
                    };
                    if !words.iter().all(|&word| operator.say(word)) {
                        return;
                    }
                }
            })
            .expect("the system gives us a thread");
        Some(keys)
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        // SAFETY: the settings are those that the terminal had before.
        unsafe { libc::tcsetattr(0, libc::TCSANOW, &self.before) };
    }
}
