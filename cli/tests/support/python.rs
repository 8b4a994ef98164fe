//! Python with what a test needs of it, as a witness that is not ours.

use std::process::Command;

/// `python3`, if it has these modules. `tests/run` installs them and sets `GENOVO_PYTHON`: then they must be there.
pub fn with(modules: &str) -> Option<Command> {
    let has = Command::new("python3").arg("-c").arg(format!("import {modules}")).output();
    if has.is_ok_and(|output| output.status.success()) {
        return Some(Command::new("python3"));
    }
    assert!(std::env::var_os("GENOVO_PYTHON").is_none(), "python3 cannot import {modules}");
    println!("skipped: python3 cannot import {modules} (python3 -m pip install -r tests/requirements.txt)");
    None
}
