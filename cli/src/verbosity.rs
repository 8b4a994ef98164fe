//! What a command says of its own steps on standard error: nothing, unless it is asked.
//!
//! A step is a file opened, a run begun, a journal sealed: never an event of a run, so that asking costs no speed.

use clap::Args;
use tracing::Level;
use tracing_subscriber::fmt::time::uptime;

/// `-v`, `-vv` and `--debug`.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct Verbosity {
    /// Say each step on standard error; -vv says its details too.
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    verbose: u8,
    /// Say everything, with the thread and the line of the source that says it.
    #[arg(long, global = true)]
    debug: bool,
}

impl Verbosity {
    /// The most detailed level that is shown; `None` for silence.
    fn level(self) -> Option<Level> {
        match (self.debug, self.verbose) {
            (true, _) => Some(Level::TRACE),
            (false, 0) => None,
            (false, 1) => Some(Level::INFO),
            (false, _) => Some(Level::DEBUG),
        }
    }

    /// Begins to show steps, for this process.
    pub fn start(self) {
        let Some(level) = self.level() else { return };
        let shown = tracing_subscriber::fmt()
            .with_max_level(level)
            .with_writer(std::io::stderr)
            .with_timer(uptime())
            .with_target(self.debug)
            .with_file(self.debug)
            .with_line_number(self.debug)
            .with_thread_names(self.debug);
        // A program around us may have its own subscriber: then that one listens.
        let _ = shown.try_init();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_is_said_the_more_is_asked() {
        let level = |verbose, debug| Verbosity { verbose, debug }.level();
        assert_eq!(level(0, false), None);
        assert_eq!(level(1, false), Some(Level::INFO));
        assert_eq!(level(2, false), Some(Level::DEBUG));
        assert_eq!(level(9, false), Some(Level::DEBUG));
        assert_eq!(level(0, true), Some(Level::TRACE));
    }
}
