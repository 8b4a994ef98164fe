//! A report as files.

use std::fs;
use std::io;
use std::path::Path;

use super::figures::Report;
use super::html;

/// Writes `report.json` and `report.html` into `dir`, which is made if it is missing.
pub fn write(dir: &Path, report: &Report) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    let json = serde_json::to_string(report).map_err(io::Error::other)?;
    fs::write(dir.join("report.json"), json + "\n")?;
    fs::write(dir.join("report.html"), html::page(report))
}
