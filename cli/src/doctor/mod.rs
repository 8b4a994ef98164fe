//! What a machine has that a run needs: one finding each, measured here and now.

use std::fs;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use genovo_kernels::backend::cuda::{Cuda, look, version_text};
use genovo_kernels::cpu::CpuLevel;
use serde_json::{Value, json};

use crate::report::format;

/// With less disk than this nothing can be kept.
const DISK_MIN: u64 = 64 << 20;
/// With less disk than this a long run may not fit.
const DISK_LOW: u64 = 2 << 30;
/// With less free memory than this a run may be stopped by the system.
const MEMORY_LOW: u64 = 256 << 20;
/// A slower disk makes orders wait for it in the mode that waits.
const SYNC_SLOW: Duration = Duration::from_millis(20);
/// Writes that are timed.
const SYNCS: usize = 24;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As it should be.
    Good,
    /// Worth knowing; runs are possible.
    Note,
    /// No run is possible.
    Prevents,
}

/// One thing that was looked at.
#[derive(Clone, Debug)]
pub struct Finding {
    /// What it is about.
    pub about: &'static str,
    /// What was found, for a reader.
    pub said: String,
    /// How much it matters.
    pub verdict: Verdict,
    /// What to do about it.
    pub help: Option<String>,
    /// The same in numbers.
    numbers: Value,
}

impl Finding {
    fn good(about: &'static str, said: impl Into<String>, numbers: Value) -> Finding {
        Finding { about, said: said.into(), verdict: Verdict::Good, help: None, numbers }
    }

    fn but(mut self, verdict: Verdict, help: impl Into<String>) -> Finding {
        (self.verdict, self.help) = (verdict, Some(help.into()));
        self
    }

    /// For a program.
    pub fn to_json(&self) -> Value {
        let verdict = match self.verdict {
            Verdict::Good => "good",
            Verdict::Note => "note",
            Verdict::Prevents => "prevents",
        };
        json!({
            "about": self.about,
            "verdict": verdict,
            "text": self.said,
            "help": self.help,
            "found": self.numbers,
        })
    }
}

/// Looks at everything; runs are to go into `folder`.
pub fn examine(folder: &Path) -> Vec<Finding> {
    let mut findings = vec![version(), cpu(), level(), memory()];
    findings.extend(disk(folder));
    findings.extend([clock(), terminal(), cuda()]);
    findings
}

fn version() -> Finding {
    let (version, commit) = (env!("CARGO_PKG_VERSION"), option_env!("GENOVO_COMMIT").unwrap_or("unknown"));
    let (system, machine) = (std::env::consts::OS, std::env::consts::ARCH);
    let (logic, columns) = (genovo_engine::LOGIC_VERSION, genovo_engine::COLUMNS_VERSION);
    let said = format!(
        "genovo {version}, commit {commit}, logic version {logic} ({columns} with columns), {system} {machine}"
    );
    let numbers = json!({
        "version": version, "commit": commit, "logic_version": logic, "columns_version": columns, "system": system,
        "machine": machine,
    });
    Finding::good("version", said, numbers)
}

fn cpu() -> Finding {
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = field(&info, "model name").unwrap_or("model unknown");
    let said = format!("{}, {model}", format::plural(cores as u64, "core", "cores"));
    Finding::good("processor", said, json!({ "cores": cores, "model": model }))
}

fn level() -> Finding {
    match CpuLevel::choose("auto") {
        Ok(chosen) => {
            let has = |level: &&str| CpuLevel::choose(level).is_ok();
            let levels: Vec<&str> = ["scalar", "avx2", "avx512"].into_iter().filter(has).collect();
            let said = format!("{chosen} is chosen; this machine has {}", levels.join(", "));
            Finding::good("kernels", said, json!({ "chosen": chosen.to_string(), "available": levels }))
        }
        Err(error) => Finding::good("kernels", error.to_string(), Value::Null)
            .but(Verdict::Prevents, "this processor lacks what every kernel needs"),
    }
}

fn memory() -> Finding {
    let info = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let bytes = |name: &str| {
        let kilobytes = field(&info, name)?.trim_end_matches("kB").trim().parse::<u64>().ok()?;
        Some(kilobytes * 1024)
    };
    let (Some(total), Some(free)) = (bytes("MemTotal"), bytes("MemAvailable")) else {
        return Finding::good("memory", "this system does not tell", Value::Null);
    };
    let said = format!("{} of {} free", format::bytes(free), format::bytes(total));
    let finding = Finding::good("memory", said, json!({ "free_bytes": free, "total_bytes": total }));
    match free {
        0..MEMORY_LOW => {
            finding.but(Verdict::Note, "a run needs some 50 MB, a model more: close other programs")
        }
        _ => finding,
    }
}

/// `name : value` in a file of the system.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let lines = text.lines().filter_map(|line| line.split_once(':'));
    lines.into_iter().find(|(key, _)| key.trim() == name).map(|(_, value)| value.trim())
}

/// The folder itself, or the nearest above it that is there.
fn nearest(folder: &Path) -> PathBuf {
    let whole = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let found = whole.ancestors().find(|folder| folder.is_dir()).map(Path::to_owned);
    found.unwrap_or_else(|| PathBuf::from("/"))
}

fn disk(folder: &Path) -> Vec<Finding> {
    let place = nearest(folder);
    let shown = folder.display().to_string();
    let mut findings = Vec::new();
    if folder.exists() && !folder.is_dir() {
        let said = format!("{shown} is no folder");
        return vec![
            Finding::good("runs", said, Value::Null)
                .but(Verdict::Prevents, "move that file, or name another place: --runs DIR"),
        ];
    }
    match tempfile::tempfile_in(&place) {
        Ok(file) => {
            let exists = if folder.is_dir() { "can be written" } else { "can be made" };
            findings.push(Finding::good("runs", format!("{shown} {exists}"), json!({ "folder": shown })));
            findings.push(syncs(file));
        }
        Err(error) => findings.push(
            Finding::good("runs", format!("{} cannot be written: {error}", place.display()), Value::Null)
                .but(Verdict::Prevents, "go to a folder that you may write, or name one: --runs DIR"),
        ),
    }
    findings.push(space(&place));
    findings
}

fn space(place: &Path) -> Finding {
    let found = match rustix::fs::statvfs(place) {
        Ok(found) => found,
        Err(error) => {
            return Finding::good("disk", format!("this system does not tell: {error}"), Value::Null);
        }
    };
    let (free, total) = (found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize);
    let said = format!("{} of {} free where runs go", format::bytes(free), format::bytes(total));
    let finding = Finding::good("disk", said, json!({ "free_bytes": free, "total_bytes": total }));
    match free {
        0..DISK_MIN => finding.but(Verdict::Prevents, "free some space, or name another disk: --runs DIR"),
        DISK_MIN..DISK_LOW => finding.but(Verdict::Note, "a million events take some 10 MB"),
        _ => finding,
    }
}

/// How long the disk takes to keep 4 KiB, as an order waits for it in the mode that survives a power cut.
fn syncs(mut file: fs::File) -> Finding {
    let mut times = Vec::with_capacity(SYNCS);
    let block = [0_u8; 4096];
    for _ in 0..SYNCS {
        let began = Instant::now();
        if let Err(error) = file.write_all(&block).and_then(|()| file.sync_data()) {
            return Finding::good("fdatasync", format!("failed: {error}"), Value::Null)
                .but(Verdict::Prevents, "this disk keeps nothing: name another, --runs DIR");
        }
        times.push(began.elapsed());
    }
    times.sort();
    let (middle, longest) = (times[SYNCS / 2], times[SYNCS - 1]);
    let said = format!(
        "{} in the middle, {} at most, over {SYNCS} writes of 4 KiB",
        format::duration(middle.as_secs_f64()),
        format::duration(longest.as_secs_f64())
    );
    let numbers = json!({
        "p50_ns": middle.as_nanos() as u64, "max_ns": longest.as_nanos() as u64, "writes": SYNCS,
    });
    let finding = Finding::good("fdatasync", said, numbers);
    match middle {
        slow if slow > SYNC_SLOW => {
            finding.but(Verdict::Note, "live orders that wait for the disk will wait long")
        }
        _ => finding,
    }
}

/// The smallest step of the clock that can be seen.
fn clock() -> Finding {
    let mut least = Duration::MAX;
    for _ in 0..10_000 {
        let before = Instant::now();
        let step = before.elapsed();
        if step > Duration::ZERO {
            least = least.min(step);
        }
    }
    let wall = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let numbers = json!({ "step_ns": least.as_nanos() as u64 });
    let finding = Finding::good("clock", format!("steps of {} ns", least.as_nanos()), numbers);
    // The first of January 2024: genovo is younger.
    match wall {
        Ok(now) if now.as_secs() > 1_704_067_200 && least < Duration::from_micros(10) => finding,
        Ok(now) if now.as_secs() > 1_704_067_200 => {
            finding.but(Verdict::Note, "latencies below that cannot be measured")
        }
        _ => finding.but(Verdict::Note, "the wall clock is wrong: set it before anything runs live"),
    }
}

fn terminal() -> Finding {
    let (out, error) = (std::io::stdout().is_terminal(), std::io::stderr().is_terminal());
    let colour = out && std::env::var_os("NO_COLOR").is_none();
    let said = match (out, colour) {
        (true, true) => "colours and progress bars",
        (true, false) => "progress bars, no colours: NO_COLOR is set",
        (false, _) => "none: plain text, no progress bars",
    };
    Finding::good("terminal", said, json!({ "stdout": out, "stderr": error, "colour": colour }))
}

/// Which cards could compute, and why not.
fn cuda() -> Finding {
    let found = match look() {
        Ok(found) => found,
        Err(error) => {
            let numbers = json!({ "driver": null, "cards": [] });
            return Finding::good("cuda", format!("none: {}", error.message), numbers);
        }
    };
    let version = version_text(found.version);
    let cards: Vec<Value> = found
        .cards
        .iter()
        .map(|card| {
            let (major, minor) = card.capability;
            json!({
                "name": card.name, "capability": format!("{major}.{minor}"), "memory_bytes": card.memory,
                "fits": card.fits(),
            })
        })
        .collect();
    let numbers = json!({ "driver": version, "cards": cards });
    let names: Vec<String> = found
        .cards
        .iter()
        .map(|card| {
            let ((major, minor), memory) = (card.capability, format::bytes(card.memory as u64));
            format!("{}, {memory}, compute capability {major}.{minor}", card.name)
        })
        .collect();
    let said = format!("the driver speaks CUDA {version}; {}", names.join("; "));
    match (Cuda::open(), found.cards.is_empty()) {
        (Ok(_), _) => Finding::good("cuda", format!("{said}: it takes the kernels"), numbers),
        (Err(_), true) => {
            Finding::good("cuda", format!("the driver speaks CUDA {version}; no card"), numbers)
        }
        (Err(error), false) => Finding::good("cuda", said, numbers).but(Verdict::Note, error.message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_prevents_a_run_is_found() {
        let folder = tempfile::tempdir().expect("a folder");
        let of = |findings: &[Finding], about: &str| {
            let found = findings.iter().find(|finding| finding.about == about);
            found.map(|finding| finding.verdict)
        };
        let findings = examine(&folder.path().join("not/there/yet"));
        assert_eq!(of(&findings, "runs"), Some(Verdict::Good));
        assert!(of(&findings, "fdatasync").is_some() && of(&findings, "disk").is_some());
        assert!(!folder.path().join("not").exists(), "looking makes nothing");
        let file = folder.path().join("file");
        fs::write(&file, "").expect("a file");
        assert_eq!(of(&examine(&file), "runs"), Some(Verdict::Prevents));
        for finding in findings {
            assert!(!finding.said.is_empty() && finding.to_json()["verdict"].is_string());
        }
    }

    #[test]
    fn fields_are_found_by_their_whole_name() {
        let text = "MemTotal:   10 kB\nMemTotalHuge: 3\nmodel name\t: X 1\n";
        assert_eq!(field(text, "MemTotal"), Some("10 kB"));
        assert_eq!(field(text, "model name"), Some("X 1"));
        assert_eq!(field(text, "model"), None);
    }
}
