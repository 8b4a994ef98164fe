//! One writer at a time: a lock that the system lets go of when the process ends, however it ends.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::Error;

const PATIENCE: Duration = Duration::from_millis(50);

/// The lock of a journal's writer. Readers never look at it.
#[derive(Debug)]
pub struct Lock {
    path: PathBuf,
    file: File,
}

impl Lock {
    /// Takes the lock, or says which process has it.
    pub fn take(journal: &Path) -> Result<Lock, Error> {
        let path = journal.join("lock");
        let begun = Instant::now();
        loop {
            let mut file = File::options()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(&path)
                .map_err(Error::io("open", &path))?;
            match file.try_lock() {
                Ok(()) => {}
                // A reader that looks whether it is held has it for a moment.
                Err(fs::TryLockError::WouldBlock) if begun.elapsed() < PATIENCE => {
                    thread::sleep(Duration::from_millis(1));
                    continue;
                }
                Err(fs::TryLockError::WouldBlock) => {
                    let mut process = String::new();
                    let _ = file.read_to_string(&mut process);
                    return Err(Error::Locked {
                        path: journal.to_owned(),
                        process: process.trim().parse().ok(),
                    });
                }
                Err(fs::TryLockError::Error(source)) => return Err(Error::io("lock", &path)(source)),
            }
            // Whoever had it may have removed the file since it was opened: then this is the lock of nothing.
            if is_same(&file, &path) {
                let text = format!("{}\n", std::process::id());
                let written = file
                    .set_len(0)
                    .and_then(|()| file.seek(SeekFrom::Start(0)))
                    .and_then(|_| file.write_all(text.as_bytes()));
                written.map_err(Error::io("write", &path))?;
                return Ok(Lock { path, file });
            }
        }
    }

    /// Whether a process writes the journal now.
    pub fn is_held(journal: &Path) -> bool {
        match File::open(journal.join("lock")) {
            Ok(file) => matches!(file.try_lock_shared(), Err(fs::TryLockError::WouldBlock)),
            Err(_) => false,
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Removed while it is held, so that nobody's lock is removed but ours.
        let _ = fs::remove_file(&self.path);
        let _ = self.file.unlock();
    }
}

#[cfg(unix)]
fn is_same(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), fs::metadata(path)) {
        (Ok(ours), Ok(there)) => (ours.dev(), ours.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}

#[cfg(not(unix))]
fn is_same(_: &File, path: &Path) -> bool {
    path.exists()
}
