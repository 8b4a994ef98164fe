//! The disk by itself: what a commit to the disk takes when nothing else is done.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use genovo_journal::{DiskFile, LiveOptions};

use crate::error::{Exit, Failure};

/// As many bytes as an event takes in the tail, about.
const BYTES: [u8; 88] = [7; 88];

/// A file of zeros, as long as one of a tail.
#[derive(Debug)]
pub struct Bare {
    path: PathBuf,
    file: File,
    length: u64,
    at: u64,
}

impl Bare {
    /// Makes it in this folder, on the disk.
    pub fn new(folder: &Path) -> Result<Bare, Failure> {
        let path = folder.join("bare");
        let length = LiveOptions::default().file_bytes;
        let made = File::create(&path).and_then(|file| {
            DiskFile::write_at(&file, 0, &vec![0; length as usize])?;
            file.sync_all()?;
            Ok(file)
        });
        match made {
            Ok(file) => Ok(Bare { path, file, length, at: 0 }),
            Err(error) => Err(failed(&path, &error)),
        }
    }

    /// Writes some bytes and brings them to the disk by fdatasync; how long that took.
    pub fn once(&mut self) -> Result<Duration, Failure> {
        let began = Instant::now();
        let done = DiskFile::write_at(&self.file, self.at, &BYTES).and_then(|()| self.file.sync_data());
        let took = began.elapsed();
        self.at = (self.at + BYTES.len() as u64) % (self.length - BYTES.len() as u64);
        done.map(|()| took).map_err(|error| failed(&self.path, &error))
    }
}

fn failed(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(Exit::Failed, format!("cannot write {}: {error}", path.display()), "Nothing was measured.")
}
