//! Bytes on the disk that nobody uses until it is full.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::disk::Disk;
use crate::error::Error;

/// A file that is given up when the disk is full, so that there is room to journal the end.
#[derive(Debug)]
pub struct Reserve {
    path: PathBuf,
    /// Held while the file is removed: whoever needs the room at the same time waits until it is there.
    giving: Mutex<()>,
    released: AtomicBool,
}

impl Reserve {
    /// Takes `bytes` of the disk; what is left of an earlier run counts.
    pub fn take(disk: &dyn Disk, journal: &Path, bytes: u64) -> Result<Reserve, Error> {
        let path = journal.join("reserve");
        let there = std::fs::metadata(&path).map(|file| file.len()).ok();
        if there.is_some_and(|length| length != bytes || bytes == 0) {
            disk.remove_file(&path).map_err(Error::io("remove", &path))?;
        }
        if bytes > 0 && there != Some(bytes) {
            let file = disk.create(&path).map_err(Error::io("create", &path))?;
            let piece = vec![0; 1024 * 1024];
            let mut at = 0;
            while at < bytes {
                let length = (bytes - at).min(piece.len() as u64);
                if let Err(source) = file.write_at(at, &piece[..length as usize]) {
                    let _ = disk.remove_file(&path);
                    return Err(Error::io("keep room on the disk with", &path)(source));
                }
                at += length;
            }
        }
        Ok(Reserve { path, giving: Mutex::new(()), released: AtomicBool::new(false) })
    }

    /// Gives the room up. From now on the run has to come to its end.
    pub fn release(&self, disk: &dyn Disk) -> Result<(), Error> {
        let _giving = self.giving.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.is_released() {
            self.remove(disk)?;
            self.released.store(true, Ordering::Release);
        }
        Ok(())
    }

    /// Whether the disk was full and the room was given up.
    pub fn is_released(&self) -> bool {
        self.released.load(Ordering::Acquire)
    }

    /// Removes the file: the journal is not written any more.
    pub fn remove(&self, disk: &dyn Disk) -> Result<(), Error> {
        match self.path.exists() {
            true => disk.remove_file(&self.path).map_err(Error::io("remove", &self.path)),
            false => Ok(()),
        }
    }
}
