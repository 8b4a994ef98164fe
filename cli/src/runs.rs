//! Where journals lie: `runs/NAME-ID`, and `last` for the newest of them.

use std::fs;
use std::path::{Path, PathBuf};

use genovo_engine::ids::RunId;

use crate::error::{Exit, Failure};

/// The folder of journals that nobody gave another place.
pub const RUNS: &str = "runs";

/// The first free place for a journal of this run: `runs/gold-7f3a`, then `runs/gold-7f3a-2`, ….
pub fn place(name: &str, run: RunId) -> PathBuf {
    let clean = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' };
    let name: String = name.chars().map(clean).take(60).collect();
    let name = name.trim_matches(['-', '.']);
    let base = format!("{}-{}", if name.is_empty() { "run" } else { name }, &run.to_string()[..4]);
    let names = std::iter::once(base.clone()).chain((2_u32..).map(|number| format!("{base}-{number}")));
    let mut places = names.map(|name| Path::new(RUNS).join(name));
    places.find(|place| !place.exists()).expect("numbers do not end")
}

/// The first free place for a live session that begins now: `runs/live-2026-11-22-0931`.
pub fn live_place(now: &jiff::Zoned) -> PathBuf {
    let base = format!("live-{}", now.strftime("%Y-%m-%d-%H%M"));
    let names = std::iter::once(base.clone()).chain((2_u32..).map(|number| format!("{base}-{number}")));
    let mut places = names.map(|name| Path::new(RUNS).join(name));
    places.find(|place| !place.exists()).expect("numbers do not end")
}

/// The journal that an argument names: a directory, or `last` for the newest under `runs/`.
pub fn resolve(argument: &Path) -> Result<PathBuf, Failure> {
    if argument != Path::new("last") || argument.exists() {
        return Ok(argument.to_owned());
    }
    let entries = fs::read_dir(RUNS).into_iter().flatten().flatten();
    let journals = entries.filter_map(|entry| {
        let written = entry.path().join("identity.toml").metadata().and_then(|file| file.modified()).ok()?;
        Some((written, entry.path()))
    });
    journals.max().map(|(_, path)| path).ok_or_else(|| {
        Failure::new(Exit::Usage, "there is no last journal: runs/ has none", "Nothing was read.")
            .help("make one: genovo replay scenarios/gold.toml")
    })
}
