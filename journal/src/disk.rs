//! The few file operations that a live journal's promises rest on.
//!
//! What survives a crash depends on which bytes and names were brought to the disk, and when. All of that goes through
//! [`Disk`], so that a test can drop, tear and reorder what a real disk was never asked to keep.

use std::fmt::Debug;
use std::fs::{self, File};
use std::io;
use std::path::Path;

/// Where a live journal lies.
pub trait Disk: Debug + Send + Sync {
    /// Makes a file that must be new, for writing.
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// Opens a file that is there, for writing.
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// Makes a directory and those above it; one that is there stays.
    fn create_directory(&self, path: &Path) -> io::Result<()>;

    /// Gives a file or directory another name, in place of what had it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    fn remove_file(&self, path: &Path) -> io::Result<()>;

    /// Removes a directory with everything in it.
    fn remove_directory(&self, path: &Path) -> io::Result<()>;

    /// Brings a file's contents to the disk, whoever wrote them.
    fn sync_file(&self, path: &Path) -> io::Result<()>;

    /// Brings the names in a directory to the disk.
    fn sync_directory(&self, path: &Path) -> io::Result<()>;
}

/// A file that is written at places of the caller's choice.
pub trait DiskFile: Debug + Send + Sync {
    /// Writes all of `bytes` from `at` on.
    fn write_at(&self, at: u64, bytes: &[u8]) -> io::Result<()>;

    /// Brings what was written to the disk. A file that was grown since needs [`DiskFile::sync_all`].
    fn sync_data(&self) -> io::Result<()>;

    /// Brings contents and length to the disk.
    fn sync_all(&self) -> io::Result<()>;
}

/// The disk of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(File::options().write(true).create_new(true).open(path)?))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(File::options().write(true).open(path)?))
    }

    fn create_directory(&self, path: &Path) -> io::Result<()> {
        fs::create_dir_all(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_directory(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir_all(path)
    }

    fn sync_file(&self, path: &Path) -> io::Result<()> {
        File::options().write(true).open(path)?.sync_all()
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        // Windows has no such call; there a rename is as durable as it gets.
        if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
    }
}

impl DiskFile for File {
    fn write_at(&self, at: u64, bytes: &[u8]) -> io::Result<()> {
        #[cfg(unix)]
        return std::os::unix::fs::FileExt::write_all_at(self, bytes, at);
        #[cfg(not(unix))]
        {
            use std::io::{Seek, SeekFrom, Write};
            let mut file = self;
            file.seek(SeekFrom::Start(at))?;
            file.write_all(bytes)
        }
    }

    fn sync_data(&self) -> io::Result<()> {
        File::sync_data(self)
    }

    fn sync_all(&self) -> io::Result<()> {
        File::sync_all(self)
    }
}
