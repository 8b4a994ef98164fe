//! All files of a folder, in every format that is no text: what is read, and what names its fault.
//!
//! `GENOVO_DATA_DIR=/data cargo test -p genovo-adapters every_file -- --nocapture`

use std::path::PathBuf;

use genovo_adapters::data::{DataSpec, describe, open};
use genovo_engine::ids::InstrumentId;

use crate::drain;

/// Every file under the folder that `GENOVO_DATA_DIR` names is read to its end or names its fault. Prints a table.
#[test]
fn every_file_of_a_folder_is_read_or_names_its_fault() {
    let Some(folder) = std::env::var_os("GENOVO_DATA_DIR") else { return };
    let mut folders = vec![PathBuf::from(folder)];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap().flatten() {
            let path = entry.path();
            let name = path.to_string_lossy().to_ascii_lowercase();
            if path.is_dir() {
                folders.push(path);
            } else if [".zip", ".dbn", ".dbn.zst", ".parquet"].iter().any(|ending| name.ends_with(ending)) {
                files.push(path);
            }
        }
    }
    files.sort();
    assert!(!files.is_empty(), "the folder has no LEAN, DBN or Parquet file");
    for path in &files {
        let said = match describe(path, None, None) {
            Ok(Some(said)) => said,
            Ok(None) => panic!("{} is taken for CSV", path.display()),
            Err(error) => {
                println!("refused  {error}");
                continue;
            }
        };
        for kind in said.kinds {
            let outcome = open(path, &DataSpec::new(InstrumentId(1), kind)).and_then(|mut open| {
                let (events, error) = drain(&mut open, 4_096);
                error.map_or(Ok((events.len(), open.tally.rounded())), Err)
            });
            match outcome {
                Ok((events, rounded)) => println!(
                    "read     {} as {kind:?}: {events} events, {rounded} sizes rounded",
                    path.display()
                ),
                Err(error) => println!("refused  {error}"),
            }
        }
    }
}
