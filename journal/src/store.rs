//! The sled store of a chapter: one key a block, with the indexes beside it.
//!
//! Sled stays behind this file. Its panics become errors here; its files are never opened in place once they
//! are sealed, because an open changes them and takes a lock: readers open a private copy
//! (`docs/decisions/0002-how-a-sealed-store-is-read.md`).

use std::fs;
use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use genovo_engine::ids::Sequence;

use crate::error::Error;

/// Chosen by bench on gold quotes: the store takes 1.6 to 1.8 times the blocks, always; with 512 KiB, 2.0 to
/// 3.4 times from run to run, with 8 MiB 4.1. Beyond a quarter of it a value or a leaf, 8 to 16 blocks,
/// becomes a file of its own, which sled never syncs: the seal syncs every file.
const SEGMENT_BYTES: usize = 256 * 1024;
/// Sled's default is 1 GiB and no faster.
const CACHE_BYTES: u64 = 16 * 1024 * 1024;

/// Sled's cache lets go of a page only after 64 accesses to its shard, of which there are 256; a store of blocks has
/// too few pages for that ever to happen, and would end up in memory whole. So it is closed and opened again, which
/// takes some 30 ms, each time that so many bytes of blocks have gone through it.
const HELD_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// An open store.
pub struct Store {
    path: PathBuf,
    sled: Option<Sled>,
    /// Bytes of blocks that went through sled since it was opened.
    held: u64,
}

struct Sled {
    database: sled::Db,
    blocks: sled::Tree,
}

impl Store {
    /// Opens the store in a directory, which is created if it is not there.
    pub fn open(path: &Path) -> Result<Store, Error> {
        let mut store = Store { path: path.to_owned(), sled: None, held: 0 };
        store.sled = Some(store.start()?);
        Ok(store)
    }

    fn start(&self) -> Result<Sled, Error> {
        guarded(&self.path, || {
            let database = sled::Config::new()
                .path(&self.path)
                .segment_size(SEGMENT_BYTES)
                .cache_capacity(CACHE_BYTES)
                .flush_every_ms(None)
                .open()?;
            let blocks = database.open_tree(b"blocks")?;
            Ok(Sled { database, blocks })
        })
    }

    fn sled(&self) -> Result<&Sled, Error> {
        let problem = || Error::Store { path: self.path.clone(), problem: "is not open".to_owned() };
        self.sled.as_ref().ok_or_else(problem)
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Counts what went through sled, and opens it anew when that is enough; whether it did.
    fn went_through(&mut self, bytes: usize) -> Result<bool, Error> {
        self.held += bytes as u64;
        if self.held < HELD_BYTES_MAX {
            return Ok(false);
        }
        self.stop()?;
        self.held = 0;
        self.sled = Some(self.start()?);
        Ok(true)
    }

    /// Keeps a block under its first sequence.
    pub fn insert(&mut self, first: Sequence, block: &[u8]) -> Result<(), Error> {
        let sled = self.sled()?;
        guarded(&self.path, || sled.blocks.insert(first.0.to_be_bytes(), block).map(|_| ()))?;
        self.went_through(block.len()).map(|_| ())
    }

    /// Every block in the order of sequences, until `visit` fails.
    pub fn blocks(
        &mut self,
        mut visit: impl FnMut(Sequence, &[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut after = Bound::Unbounded;
        loop {
            let mut blocks = self.sled()?.blocks.range::<[u8; 8], _>((after, Bound::Unbounded));
            loop {
                let next = guarded(&self.path, || blocks.next().transpose())?;
                let Some((key, block)) = next else { return Ok(()) };
                let key = <[u8; 8]>::try_from(key.as_ref())
                    .map_err(|_| Error::damaged(&self.path, "a block's key is not 8 bytes long"))?;
                visit(Sequence(u64::from_be_bytes(key)), &block)?;
                after = Bound::Excluded(key);
                if self.held + block.len() as u64 >= HELD_BYTES_MAX {
                    drop(blocks);
                    self.went_through(block.len())?;
                    break;
                }
                self.held += block.len() as u64;
            }
        }
    }

    /// Keeps an entry of an index.
    pub fn insert_index(&self, tree: &str, key: &[u8], value: &[u8]) -> Result<(), Error> {
        let sled = self.sled()?;
        guarded(&self.path, || sled.database.open_tree(tree)?.insert(key, value).map(|_| ()))
    }

    /// The entries of an index from the last one at or before `key` on, until `visit` says that it is enough.
    pub fn index_from(
        &self,
        tree: &str,
        key: &[u8],
        mut visit: impl FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<(), Error> {
        let sled = self.sled()?;
        guarded(&self.path, || {
            let tree = sled.database.open_tree(tree)?;
            let start = match tree.get_lt(key)? {
                Some((before, _)) => before,
                None => key.into(),
            };
            for entry in tree.range(start..) {
                let (key, value) = entry?;
                if !visit(&key, &value) {
                    break;
                }
            }
            Ok(())
        })
    }

    /// Flushes and closes; returns when sled's threads have let go of the files.
    pub fn close(mut self) -> Result<(), Error> {
        self.stop()
    }

    fn stop(&mut self) -> Result<(), Error> {
        let Some(sled) = self.sled.take() else { return Ok(()) };
        guarded(&self.path, || {
            sled.database.flush()?;
            drop(sled);
            Ok(())
        })?;
        wait_for_lock(&self.path)
    }
}

/// Sled closes its files in the background; they are at rest once its lock is free.
fn wait_for_lock(path: &Path) -> Result<(), Error> {
    let database = path.join("db");
    let file =
        fs::File::options().read(true).write(true).open(&database).map_err(Error::io("open", &database))?;
    let begun = Instant::now();
    while file.try_lock().is_err() {
        if begun.elapsed() > Duration::from_secs(10) {
            return Err(Error::Store { path: path.to_owned(), problem: "sled does not close it".to_owned() });
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    file.unlock().map_err(Error::io("unlock", &database))
}

/// Runs a call of sled; an error or a panic of sled is our error.
fn guarded<T>(path: &Path, call: impl FnOnce() -> sled::Result<T>) -> Result<T, Error> {
    let problem = match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(value)) => return Ok(value),
        Ok(Err(error)) => error.to_string(),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
            format!("sled stopped: {text}")
        }
    };
    Err(Error::Store { path: path.to_owned(), problem })
}

/// A private copy of a sealed store, which is gone when this is dropped. The sealed files stay as they are.
pub struct StoreCopy {
    store: Option<Store>,
    directory: PathBuf,
}

impl StoreCopy {
    /// Copies the files and opens the copy. The caller has checked the files against their seal.
    pub fn open(sealed: &Path) -> Result<StoreCopy, Error> {
        static COPIES: AtomicU64 = AtomicU64::new(0);
        let name = format!("genovo-store-{}-{}", std::process::id(), COPIES.fetch_add(1, Ordering::Relaxed));
        let directory = std::env::temp_dir().join(name);
        let mut copy = StoreCopy { store: None, directory };
        for file in crate::chapter::files_below(sealed)? {
            let (from, to) = (sealed.join(&file), copy.directory.join(&file));
            if let Some(parent) = to.parent() {
                fs::create_dir_all(parent).map_err(Error::io("create", parent))?;
            }
            fs::copy(&from, &to).map_err(Error::io("copy to", &to))?;
        }
        copy.store = Some(Store::open(&copy.directory)?);
        Ok(copy)
    }

    /// The copy.
    pub fn store(&mut self) -> Option<&mut Store> {
        self.store.as_mut()
    }
}

impl Drop for StoreCopy {
    fn drop(&mut self) {
        if let Some(store) = self.store.take() {
            let _ = store.close();
        }
        // What cannot be removed lies in the directory for temporary files.
        let _ = fs::remove_dir_all(&self.directory);
    }
}
